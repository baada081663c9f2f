//! The collector's state, a part of the region's header.

use super::{ephemeron::WaitingTable, pace::ParameterCells};
use crate::{list::List, reference::Ref, region_layout, string::Str};
use core::cell::Cell;

region_layout! {
    /// The collector's state in the region.
    pub struct CollectorState {
        /// A [`Phase`](super::Phase).
        pub phase: Cell<u8>,
        /// The mark of the newest full collection.
        pub epoch: Cell<u8>,
        /// 1 if there are minor collections, so that writes to old objects must be remembered.
        pub is_generational: Cell<u8>,
        /// 1 if the program has stopped the collector.
        pub is_stopped: Cell<u8>,
        /// 1 if there was no memory for an entry of a list: what the collection in progress knows is incomplete.
        pub is_incomplete: Cell<u8>,
        /// 1 if the next collection must be a full one.
        pub needs_full: Cell<u8>,
        /// The `Policy`.
        pub policy: Cell<u8>,
        /// Automatic policy: full collections until minor ones are tried again.
        pub hold_off: Cell<u8>,
        /// Automatic policy: what `hold_off` was last set to.
        pub last_hold_off: Cell<u8>,
        /// 1 when all finalizers were taken: there are no new ones.
        pub is_closing: Cell<u8>,
        /// Percentage of what was allocated before the last minor collection that survived it.
        pub last_survivors: Cell<u8>,
        /// Percentage of the bytes in use at the end of the last full marking that it found dead.
        pub last_freed: Cell<u8>,
        /// Number of collections that got to their atomic phase.
        pub cycle: Cell<u32>,
        /// Number of full collections.
        pub full_cycle: Cell<u32>,
        /// The string `__mode`.
        pub mode_key: Cell<Option<Ref<Str>>>,
        /// How often the roots were scanned again in this marking phase.
        pub rescans: Cell<u32>,
        /// The next entry to look at of the last hash part in `removed`.
        pub entry_cursor: Cell<u32>,
        /// The next entry of the intern table to look at.
        pub string_cursor: Cell<u32>,
        /// The next block to look at.
        pub block_cursor: Cell<u32>,
        /// Live shapes.
        pub shapes_alive: Cell<u32>,
        /// Sites of the prototypes in `prototypes`.
        pub site_count: Cell<u32>,
        /// How often what is alive was found out completely.
        pub markings: Cell<u64>,
        /// Bytes of objects marked in this collection.
        pub marked_bytes: Cell<u64>,
        /// Bytes of marked objects, strings that were made with a mark included.
        pub live_bytes: Cell<u64>,
        /// `live_bytes` after the last full collection.
        pub live_after_full: Cell<u64>,
        /// Bytes of the blocks in use after the last full collection.
        pub blocks_after_full: Cell<u64>,
        /// Bytes that the newest minor collections found allocated since the ones before.
        pub young_bytes: Cell<u64>,
        /// Those of them that survived.
        pub survived_bytes: Cell<u64>,
        /// Used bytes when the collection in progress began.
        pub bytes_before: Cell<u64>,
        /// Marked objects that are not scanned yet.
        pub marks: List,
        /// Parts of large storage that are not scanned yet: pairs of object and index.
        pub slices: List,
        /// Marked objects that were written to.
        pub log: List,
        /// Large tables that were written to too often to be scanned again before marking ends.
        pub deferred: List,
        /// Objects that were written into large tables; they have `Header::REMEMBERED` set.
        pub remembered: List,
        /// Blocks and large objects that were allocated into since the last collection.
        pub touched: List,
        /// Short strings made since the last collection, when generational.
        pub young_strings: List,
        /// Shapes whose dead children are to be removed.
        pub shapes: List,
        /// Prototypes in whose sites dead references are to be removed.
        pub prototypes: List,
        /// Tables with weak values.
        pub weak_values: List,
        /// Tables with weak keys.
        pub ephemerons: List,
        /// Tables with weak keys and values.
        pub all_weak: List,
        /// Hash parts with removed entries whose keys are objects that may be dead.
        pub removed: List,
        /// Objects with a finalizer, in the order of registration, that survived a collection since.
        pub finalizable_old: List,
        /// The others.
        pub finalizable: List,
        /// Objects whose finalizer is to be called.
        pub pending: List,
        /// Values that wait for their keys to be marked.
        pub waiting: WaitingTable,
        /// When to do what.
        pub parameters: ParameterCells,
    }
}
