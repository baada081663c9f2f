//! Ephemerons: values that wait for their keys.
//!
//! A value of a table with weak keys is alive if its key is. At the end of marking a value whose key is not marked waits
//! for it in a hash table by key, and is marked when the key is scanned: the time is linear in the number of entries,
//! however they depend on each other.

use super::mark::Marker;
use crate::{heap::Heap, object::RegionData, region::BLOCK_BYTES, region_layout};
use core::cell::Cell;

region_layout! {
    /// Values that wait for their keys: an open hash table by key, in blocks of its own while marking ends.
    pub struct WaitingTable {
        /// Offset of the entries.
        pub entries: Cell<u64>,
        /// The number of entries, a power of two; 0 if there is no table.
        pub capacity: Cell<u32>,
        /// Entries in use.
        pub used: Cell<u32>,
    }
}

/// Key and value in reference units; key 0 in a free entry, value 0 in one that was taken out.
#[repr(C)]
struct Waiting {
    key: Cell<u32>,
    value: Cell<u32>,
}
// SAFETY: `repr(C)` of numbers.
unsafe impl RegionData for Waiting {}

/// Values that wait for their keys.
impl Marker<'_> {
    /// Has a value wait for its key.
    pub fn wait(&mut self, key: u32, value: u32) {
        let table = &self.state.waiting;
        if table.used.get() >= table.capacity.get() / 4 * 3 && self.heap.grow_waiting().is_none() {
            self.state.is_incomplete.set(1);
            return;
        }
        self.heap.insert_waiting(key, value);
    }

    /// Marks the values that wait for a key that is being scanned.
    pub fn release_waiting(&mut self, key: u32) {
        let entries = self.heap.waiting_entries();
        if entries.is_empty() {
            return;
        }
        let mask = entries.len() - 1;
        let mut position = place(key, mask);
        while entries[position].key.get() != 0 {
            if entries[position].key.get() == key {
                let value = entries[position].value.replace(0);
                if value != 0 {
                    self.discover(value);
                }
            }
            position = (position + 1) & mask;
        }
    }

    /// Ends the waiting: what still waits is dead.
    pub fn drop_waiting(&mut self) {
        self.is_resolving = false;
        self.heap.free_waiting(self.state.waiting.entries.get(), self.state.waiting.capacity.get());
        self.state.waiting.capacity.set(0);
        self.state.waiting.used.set(0);
    }
}

fn place(key: u32, mask: usize) -> usize {
    (u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask
}

impl Heap {
    fn waiting_entries(&self) -> &[Waiting] {
        let table = &self.state().waiting;
        // SAFETY: the table's blocks belong to the heap; any bits are valid entries.
        unsafe {
            let entries = self.base().wrapping_add(table.entries.get() as usize).cast();
            core::slice::from_raw_parts(entries, table.capacity.get() as usize)
        }
    }

    fn insert_waiting(&self, key: u32, value: u32) {
        let entries = self.waiting_entries();
        let mask = entries.len() - 1;
        let mut position = place(key, mask);
        while entries[position].key.get() != 0 {
            position = (position + 1) & mask;
        }
        entries[position].key.set(key);
        entries[position].value.set(value);
        let used = &self.state().waiting.used;
        used.set(used.get() + 1);
    }

    fn grow_waiting(&self) -> Option<()> {
        const FIRST: u32 = (BLOCK_BYTES / size_of::<Waiting>()) as u32;
        let table = &self.state().waiting;
        let (old, old_offset) = (self.waiting_entries(), table.entries.get());
        let capacity = if old.is_empty() { FIRST } else { table.capacity.get().checked_mul(2)? };
        table.entries.set(self.take_own(capacity as usize * size_of::<Waiting>())?);
        table.capacity.set(capacity);
        table.used.set(0);
        self.waiting_entries().iter().for_each(|entry| entry.key.set(0));
        for entry in old.iter().filter(|entry| entry.key.get() != 0 && entry.value.get() != 0) {
            self.insert_waiting(entry.key.get(), entry.value.get());
        }
        self.free_waiting(old_offset, old.len() as u32);
        Some(())
    }

    fn free_waiting(&self, offset: u64, capacity: u32) {
        let blocks = capacity as usize * size_of::<Waiting>() / BLOCK_BYTES;
        if blocks > 0 {
            self.free_run((offset / BLOCK_BYTES as u64) as u32, blocks as u32);
        }
    }
}
