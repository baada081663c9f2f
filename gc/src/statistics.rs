//! Figures about the heap. The clock is the machine's: it times its calls of the collector.

use crate::{heap::Heap, region::BLOCK_BYTES, region_layout};
use core::cell::Cell;

/// The kind of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum CollectionKind {
    /// Of young objects.
    Minor = 0,
    /// Of all objects.
    Full,
}

/// One collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collection {
    /// The kind.
    pub kind: CollectionKind,
    /// Bytes in use when it began.
    pub before: u64,
    /// Bytes of the objects that survived it.
    pub after: u64,
}

/// Figures about the heap since it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Bytes of all objects allocated.
    pub allocated_bytes: u64,
    /// Bytes of objects in use: alive or not yet found dead.
    pub used_bytes: u64,
    /// Bytes of the objects that survived the last collection.
    pub live_bytes: u64,
    /// The most bytes in use, as far as collections saw it.
    pub peak_bytes: u64,
    /// Bytes of the blocks that were ever used, and of linear memories in places.
    pub touched_bytes: u64,
    /// Bytes of those of them that are free.
    pub free_block_bytes: u64,
    /// Minor collections.
    pub minor_collections: u64,
    /// Full collections.
    pub full_collections: u64,
    /// Steps of full collections.
    pub steps: u64,
    /// The last collection, if there was one.
    pub last_collection: Option<Collection>,
}

region_layout! {
    /// Figures in the region.
    pub struct StatisticsCells {
        /// Bytes of objects found dead.
        pub freed_bytes: Cell<u64>,
        /// Most bytes in use.
        pub peak_bytes: Cell<u64>,
        /// Minor collections.
        pub minor_collections: Cell<u64>,
        /// Full collections.
        pub full_collections: Cell<u64>,
        /// Steps.
        pub steps: Cell<u64>,
        /// The last collection: bytes before.
        pub last_before: Cell<u64>,
        /// The last collection: bytes after.
        pub last_after: Cell<u64>,
        /// The last collection: its kind.
        pub last_kind: Cell<u32>,
        /// To a multiple of 8.
        pub padding: u32,
    }
}

impl Heap {
    /// Figures about the heap.
    pub fn statistics(&self) -> Statistics {
        let header = self.header();
        let cells = &header.statistics;
        self.note_peak();
        let blocks = u64::from(header.frontier.get() - header.first_block.get());
        let collections = cells.minor_collections.get() + cells.full_collections.get();
        Statistics {
            allocated_bytes: self.used_bytes() + cells.freed_bytes.get(),
            used_bytes: self.used_bytes(),
            live_bytes: self.state().live_bytes.get(),
            peak_bytes: cells.peak_bytes.get(),
            touched_bytes: blocks * BLOCK_BYTES as u64 + header.place_touched.iter().map(Cell::get).sum::<u64>(),
            free_block_bytes: u64::from(header.free_blocks.get()) * BLOCK_BYTES as u64,
            minor_collections: cells.minor_collections.get(),
            full_collections: cells.full_collections.get(),
            steps: cells.steps.get(),
            last_collection: (collections > 0).then(|| Collection {
                kind: if cells.last_kind.get() == 0 { CollectionKind::Minor } else { CollectionKind::Full },
                before: cells.last_before.get(),
                after: cells.last_after.get(),
            }),
        }
    }

    pub(crate) fn note_peak(&self) {
        let peak = &self.header().statistics.peak_bytes;
        peak.set(peak.get().max(self.used_bytes()));
    }

    pub(crate) fn note_freed(&self, bytes: u64) {
        let freed = &self.header().statistics.freed_bytes;
        freed.set(freed.get() + bytes);
    }

    pub(crate) fn count_step(&self) {
        let steps = &self.header().statistics.steps;
        steps.set(steps.get() + 1);
    }

    pub(crate) fn count_collection(&self, kind: CollectionKind, before: u64, after: u64) {
        let cells = &self.header().statistics;
        let count = match kind {
            CollectionKind::Minor => &cells.minor_collections,
            CollectionKind::Full => &cells.full_collections,
        };
        count.set(count.get() + 1);
        cells.last_kind.set(kind as u32);
        cells.last_before.set(before);
        cells.last_after.set(after);
    }
}
