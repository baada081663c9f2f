//! Blocks: the block table, free runs of blocks, and line marks.
//!
//! A free run is found from its first and from its last entry, so that it grows together with its neighbours when one
//! of them is freed; the first entry stands in the list of its size class.

use crate::{
    heap::Heap,
    region::{BIN_COUNT, BLOCK_BYTES, FIRST_LINE, LINES},
    region_layout,
};
use core::cell::Cell;

/// What a block is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum BlockState {
    /// Beyond the frontier.
    Untouched = 0,
    /// Part of a free run.
    Free,
    /// The heap's own storage.
    Own,
    /// Lines of objects.
    Lines,
    /// First block of a large object.
    Large,
    /// A further block of a large object.
    LargeRest,
}

region_layout! {
    /// A block's entry in the block table.
    pub struct BlockEntry {
        /// A [`BlockState`].
        pub state: Cell<u8>,
        /// Free runs: 1 if pages of it may be in memory.
        pub resident: Cell<u8>,
        /// Lines and large objects: lowest bits of the cycle in which the block was last taken by the allocator.
        /// Free runs: of the full cycle in which most of it became free.
        pub cycle: Cell<u16>,
        /// Length of the run in blocks: first block of a large object, first and last of a free run.
        pub run: Cell<u32>,
        /// The next block of the list in which this one is.
        pub next: Cell<u32>,
        /// Free runs: the previous block of the list. Large objects: the reference, in units.
        pub link: Cell<u32>,
    }
}

impl BlockEntry {
    /// Whether the block's state is this one.
    #[inline(always)]
    pub fn is(&self, state: BlockState) -> bool {
        self.state.get() == state as u8
    }
}

impl Heap {
    /// A block's entry in the block table, or that of a place, which follow those of all blocks.
    #[inline(always)]
    pub(crate) fn block_entry(&self, block: u32) -> &BlockEntry {
        debug_assert!(block < self.header().block_count.get() + self.header().place_count.get());
        // SAFETY: the block table lies at block 1 and has an entry for every block and place; zeroed memory is a valid entry.
        unsafe { &*self.base().wrapping_add(BLOCK_BYTES).cast::<BlockEntry>().wrapping_add(block as usize) }
    }

    /// The line marks of a block of lines.
    #[inline(always)]
    pub(crate) fn line_marks(&self, block: u32) -> &[Cell<u8>; LINES] {
        // SAFETY: the marks are the first bytes of the block.
        unsafe { &*self.base().wrapping_add(block as usize * BLOCK_BYTES).cast() }
    }

    /// Takes a run of `count` blocks; `None` if there is none. `own` runs may use the reserved blocks.
    pub(crate) fn take_run(&self, count: u32, own: bool) -> Option<u32> {
        let header = self.header();
        let untouched = header.block_count.get() - header.frontier.get();
        let reserved = if own { 0 } else { header.reserved_blocks.get() };
        if (header.free_blocks.get() + untouched) < count.checked_add(reserved)? {
            return None;
        }
        if let Some(start) = self.find_free_run(count) {
            self.unlink_free_run(start);
            let entry = self.block_entry(start);
            let rest = entry.run.get() - count;
            if rest > 0 {
                self.link_free_run(start + count, rest, entry.cycle.get(), entry.resident.get());
            }
            return Some(start);
        }
        let start = header.frontier.get();
        (count <= untouched).then(|| {
            header.frontier.set(start + count);
            start
        })
    }

    /// Takes the `count` blocks from `start` on, the first after a run in use, if they are free or were never used.
    pub(crate) fn take_following_run(&self, start: u32, count: u32) -> bool {
        let header = self.header();
        let frontier = header.frontier.get();
        let untouched = header.block_count.get() - frontier;
        let is_free = start < frontier && self.block_entry(start).is(BlockState::Free);
        let free = if is_free { self.block_entry(start).run.get() } else { 0 };
        let beyond = count.saturating_sub(free);
        let is_enough = beyond == 0 || (start + free == frontier && beyond <= untouched);
        if !is_enough
            || u64::from(header.free_blocks.get() + untouched) < u64::from(count + header.reserved_blocks.get())
        {
            return false;
        }
        if free > 0 {
            let entry = self.block_entry(start);
            let (cycle, resident) = (entry.cycle.get(), entry.resident.get());
            self.unlink_free_run(start);
            if free > count {
                self.link_free_run(start + count, free - count, cycle, resident);
            }
        }
        header.frontier.set(frontier + beyond);
        true
    }

    /// Gives the memory of the next free run back that was not used for some full collections; its length in blocks.
    pub(crate) fn release_idle_run(&self) -> Option<u32> {
        const AGE: u16 = 2;
        for bin in &self.header().bins {
            let mut start = bin.get();
            while start != 0 {
                let entry = self.block_entry(start);
                if entry.resident.get() != 0 && self.full_cycle().wrapping_sub(entry.cycle.get()) >= AGE {
                    entry.resident.set(0);
                    self.release_pages(start, entry.run.get());
                    return Some(entry.run.get());
                }
                start = entry.next.get();
            }
        }
        None
    }

    fn find_free_run(&self, count: u32) -> Option<u32> {
        const ATTEMPTS: usize = 16;
        let class = size_class(count);
        let mut start = self.header().bins[class].get();
        for _ in 0..ATTEMPTS {
            if start == 0 {
                break;
            }
            let entry = self.block_entry(start);
            if entry.run.get() >= count {
                return Some(start);
            }
            start = entry.next.get();
        }
        self.header().bins[class + 1..].iter().map(Cell::get).find(|&start| start != 0)
    }

    /// Gives a run of blocks back.
    pub(crate) fn free_run(&self, mut start: u32, mut count: u32) {
        let header = self.header();
        let end = start + count;
        for block in start..end {
            self.block_entry(block).state.set(BlockState::Free as u8);
        }
        let (mut cycle, mut largest) = (self.full_cycle(), count);
        let mut join = |other: u32, length: u32| {
            if length > largest {
                (cycle, largest) = (self.block_entry(other).cycle.get(), length);
            }
            self.unlink_free_run(other);
            length
        };
        if end < header.frontier.get() && self.block_entry(end).is(BlockState::Free) {
            count += join(end, self.block_entry(end).run.get());
        }
        if start > header.first_block.get() && self.block_entry(start - 1).is(BlockState::Free) {
            let length = self.block_entry(start - 1).run.get();
            start -= length;
            count += join(start, length);
        }
        self.link_free_run(start, count, cycle, 1);
    }

    fn link_free_run(&self, start: u32, count: u32, cycle: u16, resident: u8) {
        let header = self.header();
        let entry = self.block_entry(start);
        entry.run.set(count);
        entry.cycle.set(cycle);
        entry.resident.set(resident);
        self.block_entry(start + count - 1).run.set(count);
        let bin = &header.bins[size_class(count)];
        entry.link.set(0);
        entry.next.set(bin.get());
        if bin.get() != 0 {
            self.block_entry(bin.get()).link.set(start);
        }
        bin.set(start);
        header.free_blocks.set(header.free_blocks.get() + count);
    }

    fn unlink_free_run(&self, start: u32) {
        let header = self.header();
        let entry = self.block_entry(start);
        let (previous, next, count) = (entry.link.get(), entry.next.get(), entry.run.get());
        if previous == 0 {
            header.bins[size_class(count)].set(next);
        } else {
            self.block_entry(previous).next.set(next);
        }
        if next != 0 {
            self.block_entry(next).link.set(previous);
        }
        header.free_blocks.set(header.free_blocks.get() - count);
    }

    /// Makes a run of the heap's own storage of at least `bytes` bytes and returns its offset.
    pub(crate) fn take_own(&self, bytes: usize) -> Option<u64> {
        let count = u32::try_from(bytes.div_ceil(BLOCK_BYTES)).ok()?;
        let start = self.take_run(count, true)?;
        for block in start..start + count {
            self.block_entry(block).state.set(BlockState::Own as u8);
        }
        Some(start as u64 * BLOCK_BYTES as u64)
    }

    /// Takes a free block for lines.
    pub(crate) fn take_block_of_lines(&self) -> Option<u32> {
        let fresh = self.header().frontier.get();
        let block = self.take_run(1, false)?;
        if block != fresh {
            for mark in self.line_marks(block) {
                mark.set(0);
            }
        }
        let entry = self.block_entry(block);
        entry.state.set(BlockState::Lines as u8);
        entry.run.set(1);
        Some(block)
    }

    /// The free lines of a block of lines from `line` on: the first hole of them as first line and end.
    pub(crate) fn find_hole(&self, block: u32, line: u32) -> Option<(u32, u32)> {
        let marks = self.line_marks(block);
        let mut start = (line as usize).max(FIRST_LINE);
        while start < LINES && marks[start].get() != 0 {
            start += 1;
        }
        let mut end = start;
        while end < LINES && marks[end].get() == 0 {
            end += 1;
        }
        (start < end).then_some((start as u32, end as u32))
    }
}

fn size_class(count: u32) -> usize {
    (count.ilog2() as usize).min(BIN_COUNT - 1)
}
