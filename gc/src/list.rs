//! Lists of the collector: 32-bit numbers in segments of 4 KiB, taken from the region like everything else.
//!
//! ```text
//!   List: head, first -> | previous 0 | next | .. entries .. | <-> | previous | next | entries .. | <- tail, end
//! ```
//!
//! Segments that a list no longer needs go to a pool of free ones.

use crate::{
    heap::Heap,
    object::RegionData,
    region::{BLOCK_BYTES, FIRST_SEGMENTS},
    region_layout,
};
use core::cell::Cell;

const SEGMENT_BYTES: usize = 4096;
const SEGMENT_ENTRIES: usize = (SEGMENT_BYTES - 8) / 4;

region_layout! {
    /// A list of numbers; all-zero is the empty one. Segments are named by their offset in units of their size.
    pub struct List {
        /// The first segment, 0 if the list is empty.
        pub head: Cell<u32>,
        /// The last segment.
        pub tail: Cell<u32>,
        /// Index of the first number in the first segment.
        pub first: Cell<u32>,
        /// One more than the index of the last number in the last segment.
        pub end: Cell<u32>,
    }
}

region_layout! {
    /// Segments that no list uses.
    pub struct SegmentPool {
        /// The first free segment; its `next` leads on.
        pub free: Cell<u32>,
        /// The next segment never used so far.
        pub fresh: Cell<u32>,
        /// The end of those.
        pub fresh_end: Cell<u32>,
    }
}

#[repr(C)]
struct Segment {
    previous: Cell<u32>,
    next: Cell<u32>,
    entries: [Cell<u32>; SEGMENT_ENTRIES],
}
// SAFETY: `repr(C)` of numbers.
unsafe impl RegionData for Segment {}

/// A place in a list.
#[derive(Clone, Copy)]
pub(crate) struct Position {
    segment: u32,
    index: u32,
}

/// There was no memory for an entry.
#[derive(Debug)]
pub(crate) struct NoSegment;

impl List {
    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.head.get() == 0
    }

    /// The place of the first entry.
    pub(crate) fn start(&self) -> Position {
        Position { segment: self.head.get(), index: self.first.get() }
    }
}

impl Heap {
    /// Prepares the pool of segments.
    pub(crate) fn initialize_segments(&self) {
        let pool = &self.header().segments;
        pool.fresh.set((FIRST_SEGMENTS / SEGMENT_BYTES) as u32);
        pool.fresh_end.set((BLOCK_BYTES / SEGMENT_BYTES) as u32);
    }

    fn segment(&self, number: u32) -> &Segment {
        // SAFETY: the pool gave this segment; any bits are a valid one.
        unsafe { &*self.base().wrapping_add(number as usize * SEGMENT_BYTES).cast() }
    }

    fn take_segment(&self) -> Result<u32, NoSegment> {
        let pool = &self.header().segments;
        if pool.free.get() != 0 {
            return Ok(pool.free.replace(self.segment(pool.free.get()).next.get()));
        }
        if pool.fresh.get() == pool.fresh_end.get() {
            let offset = self.take_own(BLOCK_BYTES).ok_or(NoSegment)? as usize;
            pool.fresh.set((offset / SEGMENT_BYTES) as u32);
            pool.fresh_end.set(((offset + BLOCK_BYTES) / SEGMENT_BYTES) as u32);
        }
        Ok(pool.fresh.replace(pool.fresh.get() + 1))
    }

    fn free_segment(&self, number: u32) {
        self.segment(number).next.set(self.header().segments.free.replace(number));
    }

    /// Appends an entry.
    #[inline]
    pub(crate) fn list_push(&self, list: &List, entry: u32) -> Result<(), NoSegment> {
        if list.head.get() == 0 || list.end.get() as usize == SEGMENT_ENTRIES {
            self.list_extend(list)?;
        }
        let index = list.end.get();
        self.segment(list.tail.get()).entries[index as usize].set(entry);
        list.end.set(index + 1);
        Ok(())
    }

    #[cold]
    fn list_extend(&self, list: &List) -> Result<(), NoSegment> {
        let number = self.take_segment()?;
        let segment = self.segment(number);
        segment.previous.set(list.tail.get());
        segment.next.set(0);
        if list.head.get() == 0 {
            list.head.set(number);
            list.first.set(0);
        } else {
            self.segment(list.tail.get()).next.set(number);
        }
        list.tail.set(number);
        list.end.set(0);
        Ok(())
    }

    /// Takes the last entry.
    #[inline]
    pub(crate) fn list_pop(&self, list: &List) -> Option<u32> {
        if list.head.get() == 0 {
            return None;
        }
        let index = list.end.get() - 1;
        list.end.set(index);
        let entry = self.segment(list.tail.get()).entries[index as usize].get();
        if index == 0 || (list.head.get() == list.tail.get() && index == list.first.get()) {
            self.list_cut(list);
        }
        Some(entry)
    }

    /// Takes the first entry.
    pub(crate) fn list_pop_first(&self, list: &List) -> Option<u32> {
        let (head, index) = (list.head.get(), list.first.get());
        if head == 0 {
            return None;
        }
        let entry = self.segment(head).entries[index as usize].get();
        list.first.set(index + 1);
        let is_last = head == list.tail.get();
        if is_last && index + 1 == list.end.get() {
            self.list_cut(list);
        } else if index as usize + 1 == SEGMENT_ENTRIES {
            list.head.set(self.segment(head).next.get());
            list.first.set(0);
            self.segment(list.head.get()).previous.set(0);
            self.free_segment(head);
        }
        Some(entry)
    }

    /// Gives the last segment, which is empty, back.
    #[cold]
    fn list_cut(&self, list: &List) {
        let tail = list.tail.get();
        let previous = self.segment(tail).previous.get();
        self.free_segment(tail);
        list.tail.set(previous);
        if previous == 0 {
            list.head.set(0);
            list.first.set(0);
            list.end.set(0);
        } else {
            self.segment(previous).next.set(0);
            list.end.set(SEGMENT_ENTRIES as u32);
        }
    }

    /// Removes all entries.
    pub(crate) fn list_clear(&self, list: &List) {
        let mut number = list.head.get();
        while number != 0 {
            let next = self.segment(number).next.get();
            self.free_segment(number);
            number = next;
        }
        list.head.set(0);
        list.tail.set(0);
        list.first.set(0);
        list.end.set(0);
    }

    /// The entry at a place, which moves on; entries may be appended meanwhile.
    pub(crate) fn list_next(&self, list: &List, position: &mut Position) -> Option<u32> {
        if position.segment == 0 {
            *position = list.start();
        } else if position.index as usize == SEGMENT_ENTRIES {
            let next = self.segment(position.segment).next.get();
            if next == 0 {
                return None;
            }
            *position = Position { segment: next, index: 0 };
        }
        if list.is_empty() || (position.segment == list.tail.get() && position.index >= list.end.get()) {
            return None;
        }
        let entry = self.segment(position.segment).entries[position.index as usize].get();
        position.index += 1;
        Some(entry)
    }

    /// The place behind the last entry.
    pub(crate) fn list_end(&self, list: &List) -> Position {
        Position { segment: list.tail.get(), index: list.end.get() }
    }

    /// Removes the entries that don't fulfil a condition.
    pub(crate) fn list_retain(&self, list: &List, mut keep: impl FnMut(u32) -> bool) {
        let (mut read, mut write) = (list.start(), list.start());
        while let Some(entry) = self.list_next(list, &mut read) {
            if keep(entry) {
                if write.index as usize == SEGMENT_ENTRIES {
                    write = Position { segment: self.segment(write.segment).next.get(), index: 0 };
                }
                self.segment(write.segment).entries[write.index as usize].set(entry);
                write.index += 1;
            }
        }
        if list.is_empty() {
            return;
        }
        while list.tail.get() != write.segment {
            self.list_cut(list);
        }
        list.end.set(write.index);
        if write.segment == list.head.get() && write.index == list.first.get() {
            self.list_cut(list);
        }
    }
}
