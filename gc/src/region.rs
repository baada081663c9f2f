//! The region: where its parts lie, and the header that holds the heap's own state.
//!
//! ```text
//!   block 0            RegionHeader | first intern table (4 KiB) | first segments of the collector's lists (4 KiB each)
//!   block 1 ..         block table: 16 bytes for each block of the region but those of places, and for each place
//!   first block ..     blocks of 32 KiB: lines of small objects, runs of one large object, the heap's own storage, free
//!   .. frontier        blocks from here on were never used: no page of them is touched
//!   first_place ..     places for linear memories, each with addresses that are guarded behind it; see `places`
//! ```
//!
//! Nothing in it holds an address: everything is an offset from the base, in bytes, blocks or reference units.

use crate::{collector::CollectorState, list::SegmentPool, region_layout, statistics::StatisticsCells, value::Slot};
use core::cell::Cell;

/// Bytes of a block.
pub const BLOCK_BYTES: usize = 1 << 15;
/// Bytes of a line, the unit in which memory of small objects is reused.
pub const LINE_BYTES: usize = 64;
/// Lines of a block, those with the line marks included.
pub const LINES: usize = BLOCK_BYTES / LINE_BYTES;
/// The first line for objects: the line marks, a byte for each line, lie before it.
pub const FIRST_LINE: usize = LINES / LINE_BYTES;
/// The largest object for which the next hole is looked for if it does not fit the present one.
pub const SMALL_BYTES: usize = 2 * LINE_BYTES;
/// The largest object that lies in lines; larger ones get a run of blocks of their own.
pub const MEDIUM_BYTES: usize = (LINES - FIRST_LINE) * LINE_BYTES;
/// The number of root slots.
pub const ROOT_COUNT: usize = 64;
/// Lists of free runs: list `n` has those of `2^n` to `2^(n+1) - 1` blocks.
pub const BIN_COUNT: usize = 21;
/// Offset of the first intern table.
pub const FIRST_INTERN_TABLE: usize = 4096;
/// Offset of the first segment for the collector's lists.
pub const FIRST_SEGMENTS: usize = 8192;
/// The most places for linear memories.
pub const MOST_PLACES: usize = 3;
/// The first 8 bytes of a region: `lunette` and the version of the layout.
pub const MAGIC: u64 = u64::from_le_bytes(*b"lunette\x01");
/// The largest region: what references can address.
pub const MAXIMUM_REGION_BYTES: usize = 1 << 35;

region_layout! {
    /// A range of free lines from which objects are cut off one after the other; all are offsets in bytes.
    pub struct Hole {
        /// Where the next object goes.
        pub cursor: Cell<u64>,
        /// The end.
        pub limit: Cell<u64>,
        /// The beginning: what lies between it and the cursor is not yet in the count of used bytes.
        pub start: Cell<u64>,
    }
}

region_layout! {
    /// The table of short strings; see `strings`.
    pub struct InternTable {
        /// Offset of the entries in bytes.
        pub entries: Cell<u64>,
        /// The number of entries, a power of two.
        pub capacity: Cell<u32>,
        /// Entries in use.
        pub used: Cell<u32>,
    }
}

region_layout! {
    /// The heap's own state, at the start of the region.
    pub struct RegionHeader {
        /// [`MAGIC`]
        pub magic: Cell<u64>,
        /// The root slots.
        pub roots: [Slot; ROOT_COUNT],
        /// The hole for objects of every size up to [`MEDIUM_BYTES`].
        pub hole: Hole,
        /// The hole for objects of more than [`SMALL_BYTES`] that do not fit the other one.
        pub overflow: Hole,
        /// Not 0 if a collection is due at the next safepoint.
        pub collection_due: Cell<u32>,
        /// The block of `hole`, 0 for none.
        pub block: Cell<u32>,
        /// The line at which the search for the next hole of that block begins.
        pub line: Cell<u32>,
        /// First of the blocks with free lines; their table entries lead on.
        pub recyclable: Cell<u32>,
        /// The number of blocks of the region, without those of the places.
        pub block_count: Cell<u32>,
        /// The number of places for linear memories.
        pub place_count: Cell<u32>,
        /// The block at which they begin.
        pub first_place: Cell<u32>,
        /// Of each place how many bytes may have been written since they were zero.
        pub place_touched: [Cell<u64>; MOST_PLACES],
        /// The first block after the block table.
        pub first_block: Cell<u32>,
        /// The first block that was never used.
        pub frontier: Cell<u32>,
        /// Free blocks before the frontier.
        pub free_blocks: Cell<u32>,
        /// Blocks that only the heap's own storage may take: enough for the mark stack of a heap of smallest objects.
        pub reserved_blocks: Cell<u32>,
        /// First free run of each size class.
        pub bins: [Cell<u32>; BIN_COUNT],
        /// Bytes of objects, apart from those between a hole's start and its cursor.
        pub used_bytes: Cell<u64>,
        /// The most bytes of objects there may be.
        pub memory_limit: Cell<u64>,
        /// Bytes allowed beyond the limit: 0 but in an emergency.
        pub emergency_bytes: Cell<u64>,
        /// Used bytes at which the next collection or step of one is due.
        pub trigger: Cell<u64>,
        /// The last identity given away.
        pub identities: Cell<u64>,
        /// Short strings.
        pub strings: InternTable,
        /// Stress: a collection is due after this many allocations; 0 for no stress.
        pub stress_every: Cell<u32>,
        /// Stress: allocations left to the next collection.
        pub stress_left: Cell<u32>,
        /// Stress: 1 if minor collections and steps take the place of full collections.
        pub stress_is_partial: Cell<u32>,
        /// Stress: how often a collection was due.
        pub stress_count: Cell<u32>,
        /// Stress: the limit of `hole`, whose own is 0 so that every allocation is seen.
        pub stress_limit: Cell<u64>,
        /// Segments of lists.
        pub segments: SegmentPool,
        /// The collector's state.
        pub collector: CollectorState,
        /// Figures.
        pub statistics: StatisticsCells,
    }
}

const _: () = assert!(size_of::<RegionHeader>() <= FIRST_INTERN_TABLE);

/// Where the hole is from the region's address on, for compiled code, which cuts objects off as the allocator does.
pub const HOLE_OFFSET: usize = core::mem::offset_of!(RegionHeader, hole);
