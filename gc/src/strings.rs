//! Short strings are interned: a table by hash finds the one string of these bytes. It does not keep strings alive.
//!
//! Open addressing with linear probing; an entry is hash and reference, so that strangers are passed without a look at
//! their bytes, and removal moves later entries of the cluster back, so that there are no tombstones. The first table
//! lies in block 0, later ones in runs of blocks.

use crate::{
    bytes,
    heap::{Heap, OutOfMemory},
    object::RegionData,
    reference::Ref,
    region::{BLOCK_BYTES, FIRST_INTERN_TABLE, FIRST_SEGMENTS},
    string::{MAX_SHORT_LENGTH, Str},
};
use core::cell::Cell;

/// An entry of the intern table.
#[repr(C)]
pub(crate) struct InternEntry {
    pub hash: Cell<u32>,
    pub string: Cell<Option<Ref<Str>>>,
}
// SAFETY: `repr(C)` of a number and a reference.
unsafe impl RegionData for InternEntry {}

const FIRST_CAPACITY: u32 = ((FIRST_SEGMENTS - FIRST_INTERN_TABLE) / size_of::<InternEntry>()) as u32;
const GROWTH_FROM_FIRST: u32 = 8;

impl Heap {
    /// A string of these bytes; interned if it is short.
    pub fn new_string(&self, bytes: &[u8]) -> Result<Ref<Str>, OutOfMemory> {
        let hash = bytes::hash(bytes);
        if bytes.len() > MAX_SHORT_LENGTH {
            return self.allocate_string(bytes.len(), hash, 0, |target| target.copy_from_slice(bytes));
        }
        match self.find_interned(hash, bytes) {
            Some(string) => Ok(self.revive(string)),
            None => self.intern(hash, bytes),
        }
    }

    /// A string of these parts, one after the other.
    pub fn new_string_concat(&self, parts: &[&[u8]]) -> Result<Ref<Str>, OutOfMemory> {
        let length = parts
            .iter()
            .try_fold(0usize, |sum, part| sum.checked_add(part.len()))
            .ok_or(OutOfMemory { requested: usize::MAX })?;
        self.new_string_uninit(length, |mut target| {
            for part in parts {
                let (here, rest) = target.split_at_mut(part.len());
                bytes::copy(part, here);
                target = rest;
            }
        })
    }

    /// A string of `length` bytes that `fill` writes; what they are before is arbitrary.
    pub fn new_string_uninit(&self, length: usize, fill: impl FnOnce(&mut [u8])) -> Result<Ref<Str>, OutOfMemory> {
        if length > MAX_SHORT_LENGTH {
            let string = self.allocate_string(length, 0, 0, fill)?;
            let hash = bytes::hash(self.string_bytes(string));
            // SAFETY: the string was just made; nobody else has a reference to it.
            unsafe { (*string.pointer(self.base())).hash = hash };
            return Ok(string);
        }
        let mut buffer = [0; MAX_SHORT_LENGTH];
        fill(&mut buffer[..length]);
        self.new_string(&buffer[..length])
    }

    fn allocate_string(
        &self,
        length: usize,
        hash: u32,
        flags: u8,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<Ref<Str>, OutOfMemory> {
        let number = u32::try_from(length).map_err(|_| OutOfMemory { requested: length })?;
        let string = self.allocate::<Str>(size_of::<Str>() + length, 0)?;
        // SAFETY: just allocated; the bytes follow the fixed part.
        unsafe {
            let pointer = string.pointer(self.base());
            (*pointer).header.flags.set(flags);
            (*pointer).hash = hash;
            (*pointer).length = number;
            fill(core::slice::from_raw_parts_mut(self.content(string), length));
        }
        Ok(string)
    }

    /// The entries of the intern table.
    #[inline(always)]
    pub(crate) fn intern_entries(&self) -> &[InternEntry] {
        let table = &self.header().strings;
        // SAFETY: the table's storage belongs to the heap, and zeroed memory is a valid entry.
        unsafe {
            let entries = self.base().wrapping_add(table.entries.get() as usize).cast();
            core::slice::from_raw_parts(entries, table.capacity.get() as usize)
        }
    }

    /// Prepares the first intern table.
    pub(crate) fn initialize_strings(&self) {
        let table = &self.header().strings;
        table.entries.set(FIRST_INTERN_TABLE as u64);
        table.capacity.set(FIRST_CAPACITY);
    }

    #[inline(always)]
    fn find_interned(&self, hash: u32, bytes: &[u8]) -> Option<Ref<Str>> {
        let entries = self.intern_entries();
        let mask = entries.len() - 1;
        let mut position = hash as usize & mask;
        loop {
            let entry = &entries[position];
            let string = entry.string.get()?;
            if entry.hash.get() == hash && bytes::equal(self.string_bytes(string), bytes) {
                return Some(string);
            }
            position = (position + 1) & mask;
        }
    }

    /// A string of `length` bytes that `fill` writes, which is in no table: if it is short, [`Heap::intern_all`] must see
    /// it before anybody else does.
    pub(crate) fn new_string_apart(
        &self,
        length: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<Ref<Str>, OutOfMemory> {
        let flags = if length <= MAX_SHORT_LENGTH { Str::SHORT } else { 0 };
        let string = self.allocate_string(length, 0, flags, fill)?;
        let hash = bytes::hash(self.string_bytes(string));
        // SAFETY: the string was just made; nobody else has a reference to it.
        unsafe { (*string.pointer(self.base())).hash = hash };
        Ok(string)
    }

    /// Enters short strings that are not in the table. One of which there is an equal one there is replaced by that.
    pub(crate) fn intern_all(&self, strings: &mut [Ref<Str>]) -> Result<(), OutOfMemory> {
        let table = &self.header().strings;
        while u64::from(table.used.get()) + strings.len() as u64 >= u64::from(table.capacity.get() / 8 * 5) {
            self.grow_intern_table()?;
        }
        // Little is done for each, so that the processor looks at the places of several at the same time.
        for string in strings.iter_mut().filter(|string| self.get(**string).is_short()) {
            let hash = self.get(*string).hash;
            match self.find_interned(hash, self.string_bytes(*string)) {
                Some(known) => *string = self.revive(known),
                None => self.enter(hash, *string),
            }
        }
        Ok(())
    }

    fn intern(&self, hash: u32, bytes: &[u8]) -> Result<Ref<Str>, OutOfMemory> {
        let table = &self.header().strings;
        if table.used.get() >= table.capacity.get() / 8 * 5 {
            self.grow_intern_table()?;
        }
        // Strings may go for it, and others move in the table.
        let string = self.allocate_string(bytes.len(), hash, Str::SHORT, |target| bytes::copy(bytes, target))?;
        self.enter(hash, string);
        Ok(string)
    }

    #[inline(always)]
    fn enter(&self, hash: u32, string: Ref<Str>) {
        let table = &self.header().strings;
        insert(self.intern_entries(), hash, string);
        table.used.set(table.used.get() + 1);
        self.note_interned(string);
    }

    fn grow_intern_table(&self) -> Result<(), OutOfMemory> {
        let table = &self.header().strings;
        let (old, old_offset) = (self.intern_entries(), table.entries.get());
        let factor = if old_offset == FIRST_INTERN_TABLE as u64 { GROWTH_FROM_FIRST } else { 2 };
        let failure = OutOfMemory { requested: size_of_val(old) };
        let capacity = table.capacity.get().checked_mul(factor).ok_or(failure)?;
        let bytes = capacity as usize * size_of::<InternEntry>();
        table.entries.set(self.take_own(bytes).ok_or(failure)?);
        table.capacity.set(capacity);
        let new = self.intern_entries();
        for entry in new {
            entry.string.set(None);
        }
        for entry in old {
            if let Some(string) = entry.string.get() {
                insert(new, entry.hash.get(), string);
            }
        }
        self.restart_string_sweep();
        if old_offset != FIRST_INTERN_TABLE as u64 {
            self.free_run((old_offset as usize / BLOCK_BYTES) as u32, (size_of_val(old) / BLOCK_BYTES) as u32);
        }
        Ok(())
    }

    /// Removes a string from the table.
    pub(crate) fn forget_interned(&self, string: Ref<Str>) {
        let entries = self.intern_entries();
        let mask = entries.len() - 1;
        let mut position = self.get(string).hash as usize & mask;
        while let Some(other) = entries[position].string.get() {
            if other == string {
                self.remove_interned(position);
                return;
            }
            position = (position + 1) & mask;
        }
    }

    /// Removes the entry at `position`; later entries of the cluster may move there.
    pub(crate) fn remove_interned(&self, position: usize) {
        let (table, entries) = (&self.header().strings, self.intern_entries());
        let mask = entries.len() - 1;
        let (mut free, mut next) = (position, position);
        loop {
            next = (next + 1) & mask;
            let Some(string) = entries[next].string.get() else { break };
            let hash = entries[next].hash.get();
            let home = hash as usize & mask;
            // The entry may move if its home is not between the free place and itself.
            if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(free) & mask) {
                entries[free].hash.set(hash);
                entries[free].string.set(Some(string));
                free = next;
            }
        }
        entries[free].string.set(None);
        table.used.set(table.used.get() - 1);
    }
}

fn insert(entries: &[InternEntry], hash: u32, string: Ref<Str>) {
    let mask = entries.len() - 1;
    let mut position = hash as usize & mask;
    while entries[position].string.get().is_some() {
        position = (position + 1) & mask;
    }
    entries[position].hash.set(hash);
    entries[position].string.set(Some(string));
}
