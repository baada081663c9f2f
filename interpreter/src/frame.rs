//! Frames on the stack of a coroutine.
//!
//! ```text
//!   ... | function | header | register 0 | register 1 | ...
//!                             ^ base
//!   header slot:   payload = resume point (low 32 bits) | distance to the previous base (high 32 bits)
//!                  tag     = Tag::Frame | kind << 8 | wanted << 16
//!                  spare   = number of arguments
//! ```
//!
//! The resume point of a Lua frame is the next instruction as an offset from the region's base in units of 8 bytes; of a
//! native frame it is the phase it goes on with. The first frame of a stack has distance 0.
//!
//! A variadic function's frame lies above its arguments, with a copy of the function:
//!
//! ```text
//!   function | (free) | argument 0 ... argument n-1 | function | header | parameter 0 ...
//! ```

use lunette_gc::value::{Slot, Tag};

/// Slots of a frame before register 0.
pub const FRAME_SLOTS: u32 = 2;

/// How a frame goes on when it returns: the low bits of the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Return {
    /// To the Lua frame below, after its call instruction.
    Call = 0,
    /// To the Lua frame below, in the middle of an instruction that called a metamethod.
    Finish = 1,
    /// To the native frame below, which goes on with its next phase.
    Native = 2,
    /// Out of the loop, to the host that called.
    Exit = 3,
    /// To the frame below, whose variable was closed: go on closing.
    Closing = 4,
    /// To the frame below, as if nothing had been: finalizers and hooks.
    Interlude = 5,
    /// To the thrower: the error handler's result is the error.
    Handler = 6,
    /// To the resumer: the first function of a coroutine.
    Coroutine = 7,
}

/// Bit of the kind: the frame belongs to a native function.
pub const NATIVE: u32 = 0x08;
/// Bit of the kind: the frame was entered by a tail call.
pub const TAIL_CALLED: u32 = 0x10;
/// Bit of the kind: the frame lies above its arguments.
pub const VARIADIC: u32 = 0x20;
/// Bit of the kind: entering the frame was counted as one level of native nesting.
pub const COUNTED: u32 = 0x40;

/// Bit of the kind: the level counted cannot be yielded across.
pub const UNYIELDABLE: u32 = 0x80;

const KIND_SHIFT: u32 = 8;
const WANTED_SHIFT: u32 = 16;

/// Mask of a header's tag: zero in these bits means a plain return to a Lua caller.
pub const PLAIN_RETURN_MASK: u32 = (0x07 | NATIVE | VARIADIC | COUNTED) << KIND_SHIFT;

/// Bit of a header's tag: the frame lies above its arguments.
pub const VARIADIC_MASK: u32 = VARIADIC << KIND_SHIFT;

/// Bit of a header's tag: the frame was entered by a tail call.
pub const TAIL_CALLED_MASK: u32 = TAIL_CALLED << KIND_SHIFT;

/// Whether the frame is a Lua function's that an instruction of the Lua or WebAssembly frame below has called as a
/// metamethod.
#[inline(always)]
pub const fn is_metamethod(tag: u32) -> bool {
    const MASK: u32 = PLAIN_RETURN_MASK | UNYIELDABLE << KIND_SHIFT;
    tag & MASK == (Return::Finish as u32 | COUNTED) << KIND_SHIFT
}

/// The tag of a header.
#[inline(always)]
pub const fn header_tag(kind: u32, wanted: i32) -> u32 {
    Tag::Frame as u32 | kind << KIND_SHIFT | ((wanted as u32) << WANTED_SHIFT)
}

/// The results that the frame's caller wants; -1 for all.
#[inline(always)]
pub const fn wanted(tag: u32) -> i32 {
    (tag as i32) >> WANTED_SHIFT
}

/// The kind of the frame: a [`Return`] and the bits above.
#[inline(always)]
pub const fn kind(tag: u32) -> u32 {
    (tag >> KIND_SHIFT) & 0xff
}

/// How the frame goes on when it returns.
pub const fn return_kind(tag: u32) -> Return {
    match kind(tag) & 7 {
        0 => Return::Call,
        1 => Return::Finish,
        2 => Return::Native,
        3 => Return::Exit,
        4 => Return::Closing,
        5 => Return::Interlude,
        6 => Return::Handler,
        _ => Return::Coroutine,
    }
}

/// A header's payload.
#[inline(always)]
pub const fn header_payload(resume: u32, distance: u32) -> u64 {
    resume as u64 | (distance as u64) << 32
}

/// Access to the parts of a header slot.
pub trait HeaderSlot {
    /// The resume point or phase.
    fn resume(&self) -> u32;
    /// Sets the resume point or phase.
    fn set_resume(&self, resume: u32);
    /// Slots from the previous frame's register 0 to this one's.
    fn distance(&self) -> u32;
    /// Number of arguments (of native and variadic frames).
    fn argument_count(&self) -> u32;
}

impl HeaderSlot for Slot {
    #[inline(always)]
    fn resume(&self) -> u32 {
        self.payload_halves()[0].get()
    }
    #[inline(always)]
    fn set_resume(&self, resume: u32) {
        self.payload_halves()[0].set(resume);
    }
    #[inline(always)]
    fn distance(&self) -> u32 {
        self.payload_halves()[1].get()
    }
    #[inline(always)]
    fn argument_count(&self) -> u32 {
        self.spare.get()
    }
}
