//! Clearing and sweeping: what knows dead objects forgets them, then blocks and large objects without marks become free.
//!
//! Nobody may reuse the memory of a string that the intern table still knows, or of an object that is the key of a removed
//! entry. After that blocks are swept in the order of their numbers, in slices, or when the allocator runs out of blocks
//! with free lines.

use super::{Collector, MARK, Phase, mark::prefetch, trace::bury_key};
use crate::{
    block::BlockState,
    heap::Heap,
    object::AnyObject,
    reference::{REFERENCE_SCALE, Ref},
    region::{BLOCK_BYTES, FIRST_LINE, LINE_BYTES, LINES},
    string::Str,
    table::HashPart,
    value::{FIRST_REFERENCE_TAG, Tag},
};

/// Blocks with fewer free lines than this are left alone until more of them are free.
const LEAST_FREE_LINES: usize = 4;
/// Work that such an entry costs.
const ENTRY_WORK: usize = 16;
/// Work that a block costs.
const BLOCK_WORK: usize = 512;
/// Work that giving back the memory of a block costs.
const RELEASE_WORK: usize = 2048;
/// What freed memory is filled with in stress runs.
const POISON: u8 = 0xa5;

impl Collector<'_> {
    /// Begins to sweep after a full marking.
    pub(super) fn begin_sweeping(&self) {
        let (heap, state) = (self.heap, self.heap.state());
        state.markings.set(state.markings.get() + 1);
        heap.note_peak();
        let used = heap.used_bytes();
        state.last_freed.set((used.saturating_sub(state.marked_bytes.get()) * 100 / used.max(1)) as u8);
        heap.forget_holes();
        heap.header().recyclable.set(0);
        heap.list_clear(&state.touched);
        heap.list_clear(&state.young_strings);
        heap.set_live(state.marked_bytes.get());
        state.live_after_full.set(state.marked_bytes.get());
        heap.set_shape_count(state.shapes_alive.get().into());
        state.string_cursor.set(0);
        state.block_cursor.set(heap.header().first_block.get());
        state.phase.set(Phase::Clearing as u8);
        self.choose_kind();
    }

    /// Goes on with sweeping; whether it is done.
    pub(super) fn sweep(&self, budget: usize) -> bool {
        let heap = self.heap;
        let mut work = 0;
        while heap.phase() == Phase::Clearing {
            if work > budget {
                return false;
            }
            heap.clear_some();
            work += ENTRIES_AT_ONCE * ENTRY_WORK;
        }
        while heap.phase() == Phase::Sweeping && heap.sweep_next_block() {
            work += BLOCK_WORK;
            if work > budget {
                return false;
            }
        }
        while let Some(blocks) = heap.release_idle_run() {
            work += blocks as usize * RELEASE_WORK;
            if work > budget {
                return false;
            }
        }
        true
    }

    /// Sweeps all that is left.
    pub(super) fn finish_sweeping(&self) {
        self.sweep(usize::MAX);
        self.finish_full();
    }

    /// Sweeps after a minor collection: only what was allocated into since the last one.
    pub(super) fn sweep_young(&self) {
        let (heap, state) = (self.heap, self.heap.state());
        state.markings.set(state.markings.get() + 1);
        heap.forget_holes();
        heap.set_live(state.live_bytes.get() + state.marked_bytes.get());
        heap.set_shape_count(state.shapes_alive.get().into());
        while let Some(units) = heap.list_pop(&state.young_strings) {
            if let Some(string) = Ref::<Str>::from_units(units).filter(|string| !heap.is_marked(string.cast())) {
                heap.forget_interned(string);
            }
        }
        while heap.bury_some_keys() {}
        // A block stands in the list more than once if it was freed and taken again.
        let touched = heap.cycle().wrapping_sub(1);
        while let Some(block) = heap.list_pop(&state.touched) {
            let entry = heap.block_entry(block);
            if (entry.is(BlockState::Lines) || entry.is(BlockState::Large)) && entry.cycle.get() == touched {
                entry.cycle.set(touched.wrapping_sub(1));
                heap.sweep_block(block);
            }
        }
    }
}

/// So many entries before it is looked at, a string's header is fetched.
const SWEEP_AHEAD: usize = 12;
/// Entries of the intern table or of a hash part that are looked at at once.
const ENTRIES_AT_ONCE: usize = 1024;

impl Heap {
    /// Gives up what is left of the holes, so that what lies in their blocks is swept like the rest.
    fn forget_holes(&self) {
        self.retire_holes();
        self.header().block.set(0);
    }

    /// Sets the count of bytes in use to those of marked objects.
    fn set_live(&self, bytes: u64) {
        self.state().live_bytes.set(bytes);
        self.note_freed(self.used_bytes().saturating_sub(bytes));
        self.header().used_bytes.set(bytes);
    }

    /// Has the whole intern table swept, because its entries changed places.
    pub(crate) fn restart_string_sweep(&self) {
        self.state().string_cursor.set(0);
    }

    /// Removes references to some dead objects; after the last ones blocks can be swept.
    fn clear_some(&self) {
        if !self.bury_some_keys() {
            self.sweep_some_strings();
        }
    }

    /// Marks dead keys of removed entries in a slice of the last hash part that has some; whether there was one.
    pub(super) fn bury_some_keys(&self) -> bool {
        let state = self.state();
        let Some(part) = self.list_pop(&state.removed).and_then(Ref::<HashPart>::from_units) else { return false };
        let entries = self.hash_entries(part);
        let start = entries.len().min(state.entry_cursor.get() as usize);
        let end = entries.len().min(start + ENTRIES_AT_ONCE);
        for entry in &entries[start..end] {
            if entry.value_tag.get() == Tag::Nil as u8
                && entry.key_tag.get() >= FIRST_REFERENCE_TAG
                && self.is_condemned(entry.key_payload.get() as u32)
            {
                bury_key(entry);
            }
        }
        // There is room for what was just taken out.
        let is_done = end == entries.len() || self.list_push(&state.removed, part.units()).is_err();
        state.entry_cursor.set(if is_done { 0 } else { end as u32 });
        true
    }

    /// Whether an object was found dead: it has no mark, and it was there when marking ended.
    fn is_condemned(&self, units: u32) -> bool {
        let block = units as usize * REFERENCE_SCALE / BLOCK_BYTES;
        let is_new = self.block_entry(block as u32).cycle.get() == self.cycle();
        !is_new && Ref::<AnyObject>::from_units(units).is_some_and(|object| !self.is_marked(object))
    }

    fn sweep_some_strings(&self) {
        let state = self.state();
        let entries = self.intern_entries();
        let mut position = state.string_cursor.get() as usize;
        let end = entries.len().min(position + ENTRIES_AT_ONCE);
        while position < end {
            if let Some(string) = entries[(position + SWEEP_AHEAD) & (entries.len() - 1)].string.get() {
                prefetch(self.base(), string.units());
            }
            match entries[position].string.get() {
                // Another string may take the place of the removed one.
                Some(string) if !self.is_marked(string.cast()) => self.remove_interned(position),
                _ => position += 1,
            }
        }
        state.string_cursor.set(position as u32);
        if position == entries.len() {
            state.phase.set(Phase::Sweeping as u8);
        }
    }

    /// Sweeps the next block that was not allocated into since marking ended; `false` if there is none left.
    fn sweep_next_block(&self) -> bool {
        let (cursor, frontier) = (&self.state().block_cursor, self.header().frontier.get());
        let places = self.header().block_count.get();
        let end = places + self.header().place_count.get();
        loop {
            let block = if cursor.get() < frontier { cursor.get() } else { cursor.get().max(places) };
            if block >= end {
                break;
            }
            let entry = self.block_entry(block);
            let is_swept = entry.is(BlockState::Lines) || entry.is(BlockState::Large);
            cursor.set(block + if entry.is(BlockState::Large) { entry.run.get() } else { 1 });
            if is_swept && entry.cycle.get() != self.cycle() {
                self.sweep_block(block);
                return true;
            }
        }
        false
    }

    /// Frees a block or large object without marks, and puts a block with enough free lines on the list of those.
    fn sweep_block(&self, block: u32) {
        let entry = self.block_entry(block);
        if entry.is(BlockState::Large) {
            let object = Ref::<AnyObject>::from_units(entry.link.get());
            if object.is_some_and(|object| !self.is_marked(object)) {
                if self.place_of_entry(block).is_none() {
                    self.poison(block as usize * BLOCK_BYTES, entry.run.get() as usize * BLOCK_BYTES);
                }
                self.free_large(block);
            }
            return;
        }
        let epoch = self.state().epoch.get();
        let marks = &self.line_marks(block)[FIRST_LINE..];
        let mut live = 0;
        for mark in marks {
            let is_live = mark.get() == epoch;
            live += usize::from(is_live);
            mark.set(if is_live { epoch } else { 0 });
        }
        if self.is_poisoning() {
            for (line, _) in marks.iter().enumerate().filter(|(_, mark)| mark.get() == 0) {
                self.poison(block as usize * BLOCK_BYTES + (FIRST_LINE + line) * LINE_BYTES, LINE_BYTES);
            }
        }
        if live == 0 {
            self.free_run(block, 1);
        } else if LINES - FIRST_LINE - live >= LEAST_FREE_LINES {
            entry.next.set(self.header().recyclable.replace(block));
        }
    }

    fn is_poisoning(&self) -> bool {
        cfg!(debug_assertions) && self.header().stress_every.get() != 0
    }

    fn poison(&self, start: usize, bytes: usize) {
        if self.is_poisoning() {
            // SAFETY: the range is free.
            unsafe { self.base().wrapping_add(start).write_bytes(POISON, bytes) };
        }
    }

    /// Takes a free block, or sweeps until there is a block with free lines.
    pub(crate) fn take_free_or_swept_block(&self) -> Option<u32> {
        const MOST_SWEPT: usize = 64;
        let recyclable = &self.header().recyclable;
        if self.phase() == Phase::Sweeping {
            for _ in 0..MOST_SWEPT {
                if recyclable.get() != 0 || self.header().free_blocks.get() != 0 || !self.sweep_next_block() {
                    break;
                }
            }
        }
        if recyclable.get() == 0 {
            if let Some(block) = self.take_block_of_lines() {
                return Some(block);
            }
            self.sweep_all_blocks();
        }
        match recyclable.get() {
            0 => self.take_block_of_lines(),
            block => {
                recyclable.set(self.block_entry(block).next.get());
                Some(block)
            }
        }
    }

    /// Sweeps all blocks there are to be swept, for an allocation that finds no room otherwise.
    pub(crate) fn sweep_all_blocks(&self) {
        while self.phase() == Phase::Clearing {
            self.clear_some();
        }
        while self.phase() == Phase::Sweeping && self.sweep_next_block() {}
    }

    /// Keeps a string that a lookup found in the intern table from being swept.
    #[inline(always)]
    pub(crate) fn revive(&self, string: Ref<Str>) -> Ref<Str> {
        if self.state().phase.get() == Phase::Clearing as u8 && !self.is_marked(string.cast()) {
            let bytes = self.mark_living_string(string);
            self.header().used_bytes.set(self.header().used_bytes.get() + bytes);
        }
        string
    }

    /// Notes that a short string was made.
    pub(crate) fn note_interned(&self, string: Ref<Str>) {
        let state = self.state();
        match self.phase() {
            Phase::Clearing => {
                self.mark_living_string(string);
            }
            Phase::Marking => {}
            _ if state.is_generational.get() == 0 => {}
            _ if self.list_push(&state.young_strings, string.units()).is_err() => state.needs_full.set(1),
            _ => {}
        }
    }

    /// Marks a string after marking has ended; its size.
    fn mark_living_string(&self, string: Ref<Str>) -> u64 {
        let bytes = self.mark_string(string);
        let live = &self.state().live_bytes;
        live.set(live.get() + bytes);
        bytes
    }

    /// Marks a string; its size.
    pub(super) fn mark_string(&self, string: Ref<Str>) -> u64 {
        let (epoch, object) = (self.state().epoch.get(), self.get(string));
        object.header.gc.set(object.header.gc.get() & !MARK | epoch);
        let bytes = (size_of::<Str>() + object.length as usize).next_multiple_of(REFERENCE_SCALE);
        self.mark_lines(string.units() as usize * REFERENCE_SCALE, bytes, epoch);
        bytes as u64
    }
}
