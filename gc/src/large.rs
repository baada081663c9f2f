//! Large objects: runs of blocks of their own.

use crate::{
    block::BlockState,
    collector::Phase,
    heap::{Heap, OutOfMemory},
    object::AnyObject,
    reference::{REFERENCE_SCALE, Ref},
    region::{BLOCK_BYTES, MEDIUM_BYTES},
};
use core::cell::Cell;

impl Heap {
    /// Takes a run of blocks for an object of `bytes` bytes; its offset in bytes.
    pub(crate) fn allocate_large(&self, bytes: usize) -> Result<u64, OutOfMemory> {
        let header = self.header();
        let failure = OutOfMemory { requested: bytes };
        self.available_for(bytes).ok_or(failure)?;
        let count = u32::try_from(bytes.div_ceil(BLOCK_BYTES)).map_err(|_| failure)?;
        let start = match self.take_run(count, false) {
            Some(start) => start,
            None => {
                self.sweep_all_blocks();
                self.take_run(count, false).ok_or(failure)?
            }
        };
        for block in start + 1..start + count {
            self.block_entry(block).state.set(BlockState::LargeRest as u8);
        }
        let offset = start as usize * BLOCK_BYTES;
        let entry = self.block_entry(start);
        entry.state.set(BlockState::Large as u8);
        entry.run.set(count);
        entry.link.set((offset / REFERENCE_SCALE) as u32);
        self.touch(start);
        header.used_bytes.set(header.used_bytes.get() + bytes as u64);
        self.check_trigger();
        Ok(offset as u64)
    }

    /// Lengthens storage from `bytes` to `new_bytes` bytes where it lies, if that is easily done: if it is a large object
    /// and the blocks behind it are free. What is added has arbitrary content.
    pub(crate) fn extend<T>(&self, storage: Ref<T>, bytes: usize, new_bytes: usize) -> bool {
        let block = (storage.units() as usize * REFERENCE_SCALE / BLOCK_BYTES) as u32;
        let entry = self.block_entry(block);
        if bytes <= MEDIUM_BYTES || !entry.is(BlockState::Large) {
            return false;
        }
        let bytes = bytes.next_multiple_of(REFERENCE_SCALE);
        let new_bytes = new_bytes.next_multiple_of(REFERENCE_SCALE);
        let (count, added) = (entry.run.get(), new_bytes.saturating_sub(bytes));
        let Ok(new_count) = u32::try_from(new_bytes.div_ceil(BLOCK_BYTES)) else { return false };
        let more = new_count.saturating_sub(count);
        if self.available_for(added).is_none() || (more > 0 && !self.take_following_run(block + count, more)) {
            return false;
        }
        for rest in block + count..block + count + more {
            self.block_entry(rest).state.set(BlockState::LargeRest as u8);
        }
        entry.run.set(count + more);
        self.note_extended(storage, added);
        true
    }

    /// Counts bytes by which storage was lengthened where it lies.
    pub(crate) fn note_extended<T>(&self, storage: Ref<T>, added: usize) {
        let add = |cell: &Cell<u64>| cell.set(cell.get() + added as u64);
        add(&self.header().used_bytes);
        if self.is_marked(storage.cast()) {
            let state = self.state();
            add(if self.phase() == Phase::Marking { &state.marked_bytes } else { &state.live_bytes });
        }
        self.check_trigger();
    }

    /// Frees the blocks of a large object, from the first on, or the place of one, given its entry.
    pub(crate) fn free_large(&self, block: u32) {
        match self.place_of_entry(block) {
            Some(place) => self.free_place(place),
            None => self.free_run(block, self.block_entry(block).run.get()),
        }
    }

    /// Frees storage that nothing refers to any more, if that is easily done: if it is a large object that the collector
    /// does not hold.
    pub(crate) fn discard<T>(&self, storage: Ref<T>, bytes: usize) {
        let offset = storage.units() as usize * REFERENCE_SCALE;
        let block = match self.place_of(storage) {
            Some(place) => self.entry_of(place),
            None => (offset / BLOCK_BYTES) as u32,
        };
        let entry = self.block_entry(block);
        let is_marked = self.is_marked(storage.cast());
        // While marking, and until keys are cleared, the lists of the collector may have it.
        let is_held = is_marked && matches!(self.phase(), Phase::Marking | Phase::Clearing);
        if bytes <= MEDIUM_BYTES || !entry.is(BlockState::Large) || is_held {
            return;
        }
        let bytes = bytes.next_multiple_of(REFERENCE_SCALE) as u64;
        self.free_large(block);
        let used = &self.header().used_bytes;
        used.set(used.get() - bytes);
        self.note_freed(bytes);
        if is_marked {
            let live = &self.state().live_bytes;
            live.set(live.get().saturating_sub(bytes));
        }
    }

    /// Tells that the header of a large object does not lie at its beginning, as those of prototypes.
    pub(crate) fn set_large_reference<T>(&self, start: Ref<T>, object: Ref<AnyObject>) {
        let offset = start.units() as usize * REFERENCE_SCALE;
        let entry = self.block_entry((offset / BLOCK_BYTES) as u32);
        if entry.is(BlockState::Large) && offset.is_multiple_of(BLOCK_BYTES) {
            entry.link.set(object.units());
        }
    }
}
