//! Hash parts: lookup, insertion, rebuilding.
//!
//! Entries stay where they came until the part is full; then it is rebuilt without the removed ones, larger if need be.

use super::{
    HashEntry, HashPart, NIL, NIL_TAG, Parts, Table, TableError,
    key::{DEAD, INTEGER, STRING, string_of},
};
use crate::{
    collector::Phase,
    heap::{Heap, OutOfMemory},
    reference::Ref,
    string::Str,
    value::FIRST_REFERENCE_TAG,
};
use core::{cell::Cell, marker::PhantomData, ops::Deref};

const MIN_CAPACITY: u32 = 4;
/// The most entries of a hash part.
const MAX_CAPACITY: u32 = 1 << 30;

impl HashEntry {
    /// The key.
    #[inline(always)]
    pub(crate) fn key(&self) -> Parts {
        (self.key_tag.get(), self.key_payload.get())
    }

    /// The value.
    #[inline(always)]
    pub fn value(&self) -> Parts {
        (self.value_tag.get(), self.value_payload.get())
    }

    /// Writes the value; the barrier is the caller's business.
    #[inline(always)]
    pub(super) fn set_value(&self, (tag, payload): Parts) {
        self.value_payload.set(payload);
        self.value_tag.set(tag);
    }

    #[inline(always)]
    pub(crate) fn is_removed(&self) -> bool {
        self.value_tag.get() == NIL_TAG
    }
}

impl HashPart {
    /// The number of buckets, and of entries there is room for.
    #[inline(always)]
    pub fn capacity(&self) -> u32 {
        self.header.low.get()
    }

    /// The part's size.
    pub(crate) fn bytes(&self) -> usize {
        hash_part_bytes(self.capacity())
    }
}

/// A hash part together with the buckets and entries that follow the fixed part.
#[derive(Clone, Copy)]
pub(super) struct HashView<'heap>(*mut HashPart, PhantomData<&'heap Heap>);

impl Deref for HashView<'_> {
    type Target = HashPart;

    #[inline(always)]
    fn deref(&self) -> &HashPart {
        // SAFETY: a live object, see `Heap::get`.
        unsafe { &*self.0 }
    }
}

impl<'heap> HashView<'heap> {
    /// The entries in use.
    #[inline(always)]
    fn entries(self) -> &'heap [HashEntry] {
        // SAFETY: the first `used` entries were written.
        unsafe { core::slice::from_raw_parts(self.first_entry(), self.used.get() as usize) }
    }

    #[inline(always)]
    fn bucket(self, hash: u32) -> &'heap Cell<u32> {
        let number = hash & (self.capacity() - 1);
        // SAFETY: as many buckets as the capacity, a power of two, follow the fixed part.
        unsafe { &*self.0.add(1).cast::<Cell<u32>>().add(number as usize) }
    }

    #[inline(always)]
    fn first_entry(self) -> *mut HashEntry {
        // SAFETY: the entries follow the buckets inside of the object.
        unsafe { self.0.add(1).cast::<u32>().add(self.capacity() as usize).cast() }
    }

    /// The number of the entry of this hash that fulfils a condition.
    #[inline(always)]
    fn find_by(self, hash: u32, matches: impl Fn(&HashEntry) -> bool) -> Option<u32> {
        let first = self.first_entry();
        let mut link = self.bucket(hash).get();
        while link != 0 {
            // SAFETY: chains consist of the numbers of entries in use.
            let entry = unsafe { &*first.add(link as usize - 1) };
            if matches(entry) {
                return Some(link - 1);
            }
            link = entry.next.get();
        }
        None
    }

    /// The entry of this number, which `find_by` gave.
    #[inline(always)]
    fn entry(self, number: u32) -> &'heap HashEntry {
        debug_assert!(number < self.used.get());
        // SAFETY: entries in use, see `find_by`.
        unsafe { &*self.first_entry().add(number as usize) }
    }

    /// The entry whose key is equal bit for bit: all keys but long strings.
    #[inline(always)]
    pub(super) fn find(self, hash: u32, (tag, payload): Parts) -> Option<&'heap HashEntry> {
        let number = self.find_by(hash, |entry| entry.key_payload.get() == payload && entry.key_tag.get() == tag)?;
        Some(self.entry(number))
    }

    /// Appends an entry for a key that is not there; there is room for it.
    #[inline(always)]
    pub(super) fn push(self, hash: u32, (key_tag, key_payload): Parts, (value_tag, value_payload): Parts) {
        let number = self.used.get();
        debug_assert!(number < self.capacity());
        let bucket = self.bucket(hash);
        let entry = HashEntry {
            key_payload: Cell::new(key_payload),
            value_payload: Cell::new(value_payload),
            key_tag: Cell::new(key_tag),
            value_tag: Cell::new(value_tag),
            padding: [0; 2],
            next: Cell::new(bucket.get()),
        };
        // SAFETY: the part has room for this entry, which nobody refers to yet.
        unsafe { self.first_entry().add(number as usize).write(entry) };
        bucket.set(number + 1);
        self.used.set(number + 1);
        if key_tag == INTEGER && key_payload as i64 > 0 {
            self.integer_keys.set(self.integer_keys.get() + 1);
        }
    }
}

/// Access.
impl Heap {
    /// A hash part with its content.
    #[inline(always)]
    pub(super) fn view(&self, part: Ref<HashPart>) -> HashView<'_> {
        HashView(part.pointer(self.base()), PhantomData)
    }

    /// The entries in use of a hash part.
    #[inline(always)]
    pub fn hash_entries(&self, part: Ref<HashPart>) -> &[HashEntry] {
        self.view(part).entries()
    }
}

/// Lookups.
impl Heap {
    /// The entry of any key in normal form.
    #[inline]
    pub(super) fn find_entry(&self, part: Ref<HashPart>, hash: u32, key: Parts) -> Option<&HashEntry> {
        let part = self.view(part);
        match string_of(key.1) {
            Some(string) if key.0 == STRING && !self.get(string).is_short() => {
                // The collector may take away the key of a removed entry: so that it does not matter whether it did, a
                // long string that is stored again gets a new entry.
                let number = self.find_long(part, hash, string, |entry| !entry.is_removed())?;
                Some(part.entry(number))
            }
            _ => part.find(hash, key),
        }
    }

    #[cold]
    fn find_long(
        &self,
        part: HashView<'_>,
        hash: u32,
        string: Ref<Str>,
        accepts: impl Fn(&HashEntry) -> bool,
    ) -> Option<u32> {
        part.find_by(hash, |entry| {
            entry.key_tag.get() == STRING
                && accepts(entry)
                && string_of(entry.key_payload.get()).is_some_and(|other| self.same_bytes(string, other))
        })
    }

    /// The number of the entry that `next` means by a key: also one that the collector has marked as dead.
    pub(super) fn find_for_traversal(&self, part: Ref<HashPart>, key: Parts) -> Option<u32> {
        let part = self.view(part);
        let hash = self.hash_of(key);
        let is_dead_key = |entry: &HashEntry| {
            entry.key_tag.get() == DEAD && key.0 >= FIRST_REFERENCE_TAG && entry.key_payload.get() == key.1
        };
        let long = string_of(key.1).filter(|&string| key.0 == STRING && !self.get(string).is_short());
        let live = match long {
            Some(string) => self.find_long(part, hash, string, |_| true),
            None => part.find_by(hash, |entry| entry.key() == key),
        };
        live.or_else(|| part.find_by(hash, is_dead_key))
    }

    /// The value of a key in normal form, if it is in the hash part.
    #[inline]
    pub(super) fn hash_get(&self, table: Ref<Table>, hash: u32, key: Parts) -> Parts {
        let entry = self.get(table).hash.get().and_then(|part| self.find_entry(part, hash, key));
        entry.map_or(NIL, HashEntry::value)
    }
}

/// Changes.
impl Heap {
    /// Stores a value under a key in normal form that belongs into the hash part.
    #[inline]
    pub(super) fn hash_set(&self, table: Ref<Table>, hash: u32, key: Parts, value: Parts) -> Result<(), TableError> {
        if let Some(part) = self.get(table).hash.get()
            && let Some(entry) = self.find_entry(part, hash, key)
        {
            if entry.is_removed() {
                // The collector did not count the key among the table's references.
                self.barrier_value(table, entry.key());
            }
            entry.set_value(value);
            self.barrier_value(table, value);
            return Ok(());
        }
        if value.0 == NIL_TAG {
            return Ok(());
        }
        self.hash_insert(table, hash, key, value)
    }

    /// Adds an entry for a key that is not there.
    #[inline]
    pub(super) fn hash_insert(&self, table: Ref<Table>, hash: u32, key: Parts, value: Parts) -> Result<(), TableError> {
        if let Some(part) = self.get(table).hash.get() {
            let part = self.view(part);
            if part.used.get() < part.capacity() {
                part.push(hash, key, value);
                self.barrier_value(table, key);
                self.barrier_value(table, value);
                return Ok(());
            }
        }
        self.hash_insert_full(table, hash, key, value)
    }

    #[cold]
    #[inline(never)]
    fn hash_insert_full(&self, table: Ref<Table>, hash: u32, key: Parts, value: Parts) -> Result<(), TableError> {
        if self.move_integers_to_array(table, key, value)? {
            return Ok(());
        }
        self.rebuild_hash(table, 1)?;
        match self.get(table).hash.get() {
            Some(part) => self.view(part).push(hash, key, value),
            None => return Err(TableError::Overflow),
        }
        self.barrier_value(table, key);
        self.barrier_value(table, value);
        Ok(())
    }

    /// Makes the hash part anew without removed entries, with room for `additional` ones.
    pub(super) fn rebuild_hash(&self, table: Ref<Table>, additional: u32) -> Result<(), TableError> {
        let old_part = self.get(table).hash.get();
        let old = old_part.map_or(&[][..], |part| self.hash_entries(part));
        let live = old.iter().filter(|entry| !entry.is_removed()).count() as u32;
        let capacity = capacity_for(live.saturating_add(additional))?;
        if old_part.is_some_and(|part| self.rebuild_in_place(part, capacity, true)) {
            return Ok(());
        }
        let new = self.new_hash_part(capacity)?;
        self.copy_entries(old, new);
        self.get(table).hash.set(Some(new));
        self.barrier_storage(table, new, self.get(new).bytes());
        if let Some(old) = old_part {
            self.discard(old, self.get(old).bytes());
        }
        Ok(())
    }

    /// Rebuilds a part where it lies, without removed entries if `drops_removed`, if it keeps its capacity or there is
    /// memory behind it; whether it did.
    pub(super) fn rebuild_in_place(&self, part: Ref<HashPart>, capacity: u32, drops_removed: bool) -> bool {
        let object = self.view(part);
        let old_capacity = object.capacity();
        let is_kept = |entry: &HashEntry| !(drops_removed && entry.is_removed());
        // While marking, an entry must not move to where the part was scanned already.
        let is_being_scanned = self.phase() == Phase::Marking && self.is_marked(part.cast());
        if (is_being_scanned && !object.entries().iter().all(is_kept))
            || capacity < old_capacity
            || (capacity > old_capacity && !self.extend(part, object.bytes(), hash_part_bytes(capacity)))
        {
            return false;
        }
        let used = object.used.get() as usize;
        let mut kept = 0;
        // SAFETY: the part has room for `capacity` buckets and entries, and nobody else refers to its content.
        unsafe {
            let buckets = self.content::<_, u32>(part);
            let old = buckets.add(old_capacity as usize).cast::<HashEntry>();
            let new = buckets.add(capacity as usize).cast::<HashEntry>();
            for number in 0..used {
                if is_kept(&*old.add(number)) {
                    core::ptr::copy(old.add(number), old.add(kept), 1);
                    kept += 1;
                }
            }
            core::ptr::copy(old, new, kept);
            buckets.write_bytes(0, capacity as usize);
        }
        object.header.low.set(capacity);
        object.used.set(0);
        object.integer_keys.set(0);
        for number in 0..kept {
            // SAFETY: one of the entries that were kept.
            let (key, value) = unsafe {
                let entry = &*object.first_entry().add(number);
                (entry.key(), entry.value())
            };
            object.push(self.hash_of(key), key, value);
        }
        true
    }

    /// Puts a hash part into the table that has entries which were elsewhere before.
    pub(super) fn replace_hash(&self, table: Ref<Table>, part: Option<Ref<HashPart>>) {
        self.get(table).hash.set(part);
        self.barrier(table);
    }

    /// Appends the entries that are not removed.
    pub(super) fn copy_entries(&self, entries: &[HashEntry], part: Ref<HashPart>) {
        for entry in entries.iter().filter(|entry| !entry.is_removed()) {
            self.push_entry(part, entry.key(), entry.value());
        }
    }

    /// Appends one entry to a part made with room for it.
    pub(crate) fn push_entry(&self, part: Ref<HashPart>, key: Parts, value: Parts) {
        self.view(part).push(self.hash_of(key), key, value);
    }

    /// A hash part without entries; the capacity is a power of two and at least 4.
    pub(crate) fn new_hash_part(&self, capacity: u32) -> Result<Ref<HashPart>, OutOfMemory> {
        let part = self.allocate::<HashPart>(hash_part_bytes(capacity), capacity)?;
        // SAFETY: just allocated with room for the buckets.
        unsafe {
            let pointer = part.pointer(self.base());
            (&raw mut (*pointer).used).write(Cell::new(0));
            (&raw mut (*pointer).integer_keys).write(Cell::new(0));
            self.content::<_, u32>(part).write_bytes(0, capacity as usize);
        }
        Ok(part)
    }
}

/// Bytes of a hash part.
fn hash_part_bytes(capacity: u32) -> usize {
    size_of::<HashPart>() + (4 + size_of::<HashEntry>()) * capacity as usize
}

/// The capacity for this many entries: a quarter of the part stays free, so that removing and adding keys by turns
/// seldom rebuilds it.
pub(crate) fn capacity_for(entries: u32) -> Result<u32, TableError> {
    let wanted = entries.saturating_add(entries / 3);
    if wanted > MAX_CAPACITY {
        return Err(TableError::Overflow);
    }
    Ok(wanted.next_power_of_two().max(MIN_CAPACITY))
}
