//! How the array part grows, and what then moves between it and the hash part.

use super::{
    NIL, NIL_TAG, Parts, Table, TableError,
    array::{MAX_CAPACITY, MIN_CAPACITY, copy_cells, element_parts},
    hash::capacity_for,
    key::{INTEGER, hash_integer},
};
use crate::{heap::Heap, reference::Ref};
use core::cell::Cell;

/// From this capacity on an array part that is to grow is first checked for being mostly holes.
const MIN_SPARSE: u32 = 16;

/// Number of keys in each of the ranges 1, 2, 3..4, 5..8, 9..16, …
type Census = [u32; 32];

impl Heap {
    /// Adds element `array_length + 1`, and what follows it in the hash part.
    #[inline(never)]
    pub(super) fn append(&self, table: Ref<Table>, value: Parts) -> Result<(), TableError> {
        let object = self.get(table);
        let length = object.array_length.get();
        let capacity = self.array_capacity(object);
        // The keys that follow come along; the room for them is made first, so that nothing is half done if memory ends.
        let following = if self.has_integer_entries(object) { self.count_following(object, length + 1) } else { 0 };
        if length + 1 + following > capacity {
            if capacity >= MIN_SPARSE && self.is_sparse(object) {
                self.move_sparse_to_hash(table)?;
                debug_assert!(object.array_length.get() < length);
                let key = (INTEGER, u64::from(length) + 1);
                return self.hash_insert(table, hash_integer(key.1), key, value);
            }
            self.reserve_array(table, (capacity * 2).max(length + 1 + following).max(MIN_CAPACITY))?;
        }
        self.push_element(table, value);
        self.take_following(table, following);
        Ok(())
    }

    /// The number of consecutive keys after `key` that are in the hash part.
    fn count_following(&self, table: &Table, key: u32) -> u32 {
        let mut last = u64::from(key);
        while self.get_integer_from_hash(table, last as i64 + 1).0 != NIL_TAG {
            last += 1;
        }
        (last - u64::from(key)) as u32
    }

    /// Moves the next `count` keys from the hash part to the array part, which has room for them.
    fn take_following(&self, table: Ref<Table>, count: u32) {
        let object = self.get(table);
        let Some(part) = object.hash.get() else { return };
        for _ in 0..count {
            let key = u64::from(object.array_length.get()) + 1;
            if let Some(entry) = self.view(part).find(hash_integer(key), (INTEGER, key)) {
                self.push_element(table, entry.value());
                entry.set_value(NIL);
            }
        }
    }

    /// Gives the array part room for `capacity` elements, which is at least `array_length`.
    pub(super) fn reserve_array(&self, table: Ref<Table>, capacity: u32) -> Result<(), TableError> {
        if capacity > MAX_CAPACITY {
            return Err(TableError::Overflow);
        }
        let object = self.get(table);
        if let Some(array) = object.array.get().filter(|&array| self.extend_value_array(array, capacity)) {
            object.array_tags.set(array.units() + 1 + capacity);
            return Ok(());
        }
        let new = self.new_value_array(capacity)?;
        let (old_payloads, old_tags) = self.array_slices(table);
        let (payloads, tags) = self.value_array_parts(new);
        copy_cells(old_payloads, payloads);
        copy_cells(old_tags, tags);
        let old = object.array.replace(Some(new));
        object.array_tags.set(new.units() + 1 + capacity);
        self.barrier_storage(table, new, self.get(new).bytes());
        if let Some(old) = old {
            self.discard(old, self.get(old).bytes());
        }
        Ok(())
    }

    /// Gives the array part room for `length` elements at least.
    pub(super) fn reserve_more(&self, table: Ref<Table>, length: u32) -> Result<(), TableError> {
        let capacity = self.array_capacity(self.get(table));
        if length <= capacity {
            return Ok(());
        }
        self.reserve_array(table, length.max(capacity.saturating_mul(2).min(MAX_CAPACITY)))
    }

    /// Whether more than half of the elements are nil.
    fn is_sparse(&self, table: &Table) -> bool {
        let Some(array) = table.array.get() else { return false };
        let length = table.array_length.get() as usize;
        count_used(&self.value_array_parts(array).1[..length]) < length as u32 / 2
    }

    /// Moves the sparse end of the array part to the hash part.
    #[cold]
    fn move_sparse_to_hash(&self, table: Ref<Table>) -> Result<(), TableError> {
        let object = self.get(table);
        let (payloads, tags) = self.array_slices(table);
        let mut census = [0; 32];
        count_ranges(tags, &mut census);
        let mut kept = (best_length(&census) as usize).min(tags.len());
        // Key `array_length + 1` must not be in the hash part.
        while tags.get(kept).is_some_and(|tag| tag.get() != NIL_TAG) {
            kept += 1;
        }
        let old = object.hash.get().map_or(&[][..], |part| self.hash_entries(part));
        let moved = count_used(&tags[kept..]);
        let part = self.new_hash_part(capacity_for(old.len() as u32 + moved + 1)?)?;
        for (index, (payload, tag)) in payloads.iter().zip(tags).enumerate().skip(kept) {
            if tag.get() != NIL_TAG {
                self.push_entry(part, (INTEGER, index as u64 + 1), element_parts(payload, tag));
            }
        }
        self.copy_entries(old, part);
        // From here on nothing fails, except that the smaller array may not be had: then the larger one stays.
        self.replace_hash(table, Some(part));
        tags[kept..].iter().for_each(|tag| tag.set(NIL_TAG));
        self.trim_array(object);
        let length = object.array_length.get();
        if length == 0 {
            object.array.set(None);
        } else {
            let _ = self.reserve_array(table, length);
        }
        Ok(())
    }

    /// When a new key finds the hash part full: if integer keys fill more than half of a larger array part, moves them
    /// there and stores the new one as well. Returns whether it did.
    pub(super) fn move_integers_to_array(
        &self,
        table: Ref<Table>,
        key: Parts,
        value: Parts,
    ) -> Result<bool, TableError> {
        let object = self.get(table);
        let length = object.array_length.get();
        let entries = object.hash.get().map_or(&[][..], |part| self.hash_entries(part));
        if !self.has_integer_entries(object) && array_key(key).is_none() {
            return Ok(false);
        }
        let mut hashed = [0; 32];
        for key in entries.iter().filter(|entry| !entry.is_removed()).map(|entry| entry.key()).chain([key]) {
            if let Some(key) = array_key(key) {
                hashed[range_of(key)] += 1;
            }
        }
        // First as if the array part had no holes, for that is quickly counted.
        let mut census = hashed;
        for (range, count) in census.iter_mut().enumerate() {
            let (first, last) = range_bounds(range);
            *count += (last.min(length) + 1).saturating_sub(first);
        }
        if best_length(&census) <= length {
            return Ok(false);
        }
        let mut census = hashed;
        count_ranges(self.array_slices(table).1, &mut census);
        let best = best_length(&census);
        if best <= length {
            return Ok(false);
        }
        // Room is made first, so that nothing is half done if memory ends.
        self.reserve_more(table, best + self.count_following(object, best))?;
        let moved = |key: Parts| array_key(key).filter(|&key| key <= best);
        let incoming = entries.iter().filter(|entry| !entry.is_removed()).map(|entry| (entry.key(), entry.value()));
        if let Some(array) = object.array.get() {
            let (payloads, tags) = self.value_array_parts(array);
            let mut last = length;
            for (key, (tag, payload)) in incoming.chain([(key, value)]) {
                if let Some(key) = moved(key) {
                    payloads[key as usize - 1].set(payload);
                    tags[key as usize - 1].set(tag);
                    last = last.max(key);
                }
            }
            object.array_length.set(last);
            self.barrier(table);
        }
        for entry in entries.iter().filter(|entry| moved(entry.key()).is_some()) {
            entry.set_value(NIL);
        }
        self.take_following(table, self.count_following(object, object.array_length.get()));
        if moved(key).is_none() {
            self.rebuild_hash(table, 1)?;
            self.table_set_parts(table, key, value)?;
        } else if entries.iter().all(|entry| entry.is_removed()) {
            self.replace_hash(table, None);
        }
        Ok(true)
    }
}

fn count_used(tags: &[Cell<u8>]) -> u32 {
    tags.iter().map(|tag| u32::from(tag.get() != NIL_TAG)).sum()
}

/// The key as one that an array part could have.
#[inline]
fn array_key((tag, payload): Parts) -> Option<u32> {
    (tag == INTEGER && (1..=MAX_CAPACITY.into()).contains(&payload)).then_some(payload as u32)
}

/// The number of the range of a [`Census`] in which a key lies.
fn range_of(key: u32) -> usize {
    (key.max(1) - 1).checked_ilog2().map_or(0, |log| log as usize + 1)
}

/// First and last key of a range.
fn range_bounds(range: usize) -> (u32, u32) {
    if range == 0 { (1, 1) } else { ((1 << (range - 1)) + 1, 1u32.checked_shl(range as u32).unwrap_or(u32::MAX)) }
}

/// Adds the elements that are not nil to a census.
fn count_ranges(tags: &[Cell<u8>], census: &mut Census) {
    for (range, count) in census.iter_mut().enumerate() {
        let (first, last) = range_bounds(range);
        let (first, last) = (first as usize - 1, tags.len().min(last as usize));
        if first >= last {
            return;
        }
        *count += count_used(&tags[first..last]);
    }
}

/// The greatest power of two so that more than half of the keys up to it are there; 0 if there is none.
fn best_length(census: &Census) -> u32 {
    let mut best = 0;
    let mut sum = 0u64;
    for (range, &count) in census.iter().enumerate().take(31) {
        sum += u64::from(count);
        if sum > (1u64 << range) / 2 {
            best = 1 << range;
        }
    }
    best
}
