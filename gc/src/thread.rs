//! Coroutines: a stack of frames in the region. What the frames look like is the interpreter's business; the collector
//! sees an array of slots in which header slots have the tag [`Frame`](crate::value::Tag::Frame).

use crate::{
    object::{Header, Kind, Object},
    reference::Ref,
    region_layout,
    storage::{ByteArray, SlotArray},
    value::Slot,
};
use core::cell::Cell;

region_layout! {
    /// A coroutine.
    pub struct Thread {
        /// The header.
        pub header: Header,
        /// The stack.
        pub stack: Cell<Ref<SlotArray>>,
        /// The thread that resumed this one, while it runs.
        pub resumer: Cell<Option<Ref<Thread>>>,
        /// Index of register 0 of the innermost frame.
        pub base: Cell<u32>,
        /// One more than the last slot in use at a safepoint: what lies above is garbage, which a collection clears.
        pub top: Cell<u32>,
        /// End of the open list of values.
        pub open_top: Cell<u32>,
        /// Index of the innermost to-be-closed variable, 0 for none; `spare` of its slot leads on.
        pub to_be_closed: Cell<u32>,
        /// The interpreter's status of the coroutine.
        pub status: Cell<u32>,
        /// Depth of nested native calls.
        pub native_depth: Cell<u32>,
        /// Debug hook: events it is called for.
        pub hook_mask: Cell<u32>,
        /// Debug hook: instructions between count events.
        pub hook_count: Cell<u32>,
        /// Debug hook: instructions left to the next count event.
        pub hook_left: Cell<u32>,
        /// Debug hook: where the last line event was.
        pub hook_last: Cell<u32>,
        /// Debug hook: the function.
        pub hook: Slot,
        /// The number registers of its WebAssembly frames; none before the first of them.
        pub numbers: Cell<Option<Ref<ByteArray>>>,
        /// Where register 0 of the innermost of these frames is, in units of 8 bytes.
        pub number_base: Cell<u32>,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for Thread {
    const KIND: Kind = Kind::Thread;
}
