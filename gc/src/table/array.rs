//! The array part: elements 1 to `array_length`, of which the last is not nil. Key `array_length + 1` is nowhere in the
//! table, so that the length of a table is known at once.

use super::{
    NIL, NIL_TAG, Parts, Table, TableError,
    hash::capacity_for,
    key::{INTEGER, hash_integer},
};
use crate::{heap::Heap, reference::Ref, storage::ValueArray, value::Slot};
use core::cell::Cell;

const MIN_CAPACITY: u32 = 4;
/// The most elements of an array part.
pub(super) const MAX_CAPACITY: u32 = 1 << 30;
/// A key so little beyond the end is put into free room of the array part, leaving a hole.
const MAX_GAP: u64 = 7;
/// From this capacity on an array part that is to grow is first checked for being mostly holes.
const MIN_SPARSE: u32 = 16;

/// Number of keys in each of the ranges 1, 2, 3..4, 5..8, 9..16, …
type Census = [u32; 32];

impl ValueArray {
    /// Payload and tag of element `index` (from 0).
    ///
    /// # Safety
    /// The index is below the capacity.
    #[inline(always)]
    unsafe fn element(&self, index: usize) -> (&Cell<u64>, &Cell<u8>) {
        // SAFETY: the payloads follow the header, the tags follow them.
        unsafe {
            let payloads = core::ptr::from_ref(self).add(1).cast::<Cell<u64>>();
            (&*payloads.add(index), &*payloads.add(self.length() as usize).cast::<Cell<u8>>().add(index))
        }
    }
}

/// Elements.
impl Heap {
    /// Payload and tag of element `index` (from 0) if it is one of the first `array_length`.
    #[inline(always)]
    pub(super) fn element(&self, table: &Table, index: u64) -> Option<(&Cell<u64>, &Cell<u8>)> {
        if index >= table.array_length.get().into() {
            return None;
        }
        let array = table.array.get()?;
        // SAFETY: `array_length` is at most the capacity.
        Some(unsafe { self.get(array).element(index as usize) })
    }

    /// The number of elements the array part has room for.
    #[inline(always)]
    pub(super) fn array_capacity(&self, table: &Table) -> u32 {
        table.array.get().map_or(0, |array| self.get(array).length())
    }

    /// Payloads and tags of the elements 1 to [`Heap::table_length`]. Whoever writes keeps the last one from being nil
    /// and calls the barrier.
    #[inline]
    pub fn array_slices(&self, table: Ref<Table>) -> (&[Cell<u64>], &[Cell<u8>]) {
        let object = self.get(table);
        let length = object.array_length.get() as usize;
        let Some(array) = object.array.get() else { return (&[], &[]) };
        let (payloads, tags) = self.value_array_parts(array);
        (&payloads[..length], &tags[..length])
    }

    /// The value of an integer key.
    #[inline]
    pub fn table_get_integer_parts(&self, table: Ref<Table>, key: i64) -> Parts {
        let object = self.get(table);
        match self.element(object, (key as u64).wrapping_sub(1)) {
            Some((payload, tag)) => (tag.get(), payload.get()),
            None if object.hash.get().is_none() => NIL,
            None => self.get_integer_from_hash(object, key),
        }
    }

    #[inline(never)]
    fn get_integer_from_hash(&self, table: &Table, key: i64) -> Parts {
        let Some(part) = table.hash.get() else { return NIL };
        let entry = self.get(part).find(hash_integer(key as u64), (INTEGER, key as u64));
        entry.map_or(NIL, |entry| entry.value())
    }

    /// Stores a value under an integer key.
    #[inline]
    pub fn table_set_integer_parts(&self, table: Ref<Table>, key: i64, value: Parts) -> Result<(), TableError> {
        let object = self.get(table);
        let index = (key as u64).wrapping_sub(1);
        if value.0 != NIL_TAG {
            if let Some((payload, tag)) = self.element(object, index) {
                payload.set(value.1);
                tag.set(value.0);
                self.barrier_for(table, value.0);
                return Ok(());
            }
            if index == object.array_length.get().into()
                && object.hash.get().is_none()
                && index < self.array_capacity(object).into()
            {
                self.push_element(table, value);
                return Ok(());
            }
        }
        self.set_integer_slow(table, key, value)
    }

    /// Writes element `array_length + 1`, for which there is room.
    #[inline(always)]
    fn push_element(&self, table: Ref<Table>, value: Parts) {
        let object = self.get(table);
        let length = object.array_length.get();
        object.array_length.set(length + 1);
        if let Some((payload, tag)) = self.element(object, length.into()) {
            payload.set(value.1);
            tag.set(value.0);
        }
        self.barrier_for(table, value.0);
    }

    #[inline(never)]
    fn set_integer_slow(&self, table: Ref<Table>, key: i64, value: Parts) -> Result<(), TableError> {
        let object = self.get(table);
        let index = (key as u64).wrapping_sub(1);
        let length = u64::from(object.array_length.get());
        if index < length {
            if let Some((_, tag)) = self.element(object, index) {
                tag.set(NIL_TAG);
            }
            if index + 1 == length {
                self.trim_array(object);
            }
            return Ok(());
        }
        if index == length {
            return if value.0 == NIL_TAG { Ok(()) } else { self.append(table, value) };
        }
        let key = (INTEGER, key as u64);
        let hash = hash_integer(key.1);
        if let Some(part) = object.hash.get()
            && let Some(entry) = self.get(part).find(hash, key)
        {
            entry.set_value(value);
            self.barrier_for(table, value.0);
            return Ok(());
        }
        if value.0 == NIL_TAG {
            return Ok(());
        }
        if index - length.min(index) <= MAX_GAP
            && index < self.array_capacity(object).into()
            && !self.has_integer_entries(object)
        {
            object.array_length.set(index as u32);
            self.push_element(table, value);
            return Ok(());
        }
        self.hash_insert(table, hash, key, value)
    }

    /// Whether a positive integer may be among the keys of the hash part.
    #[inline(always)]
    fn has_integer_entries(&self, table: &Table) -> bool {
        table.hash.get().is_some_and(|part| self.get(part).integer_keys.get() != 0)
    }

    /// Lowers `array_length` to the last element that is not nil: for whoever writes nil into the array part directly.
    pub fn trim_array(&self, table: &Table) {
        let Some(array) = table.array.get() else { return };
        let tags = &self.value_array_parts(array).1[..table.array_length.get() as usize];
        let length = tags.iter().rposition(|tag| tag.get() != NIL_TAG).map_or(0, |last| last + 1);
        table.array_length.set(length as u32);
    }
}

/// Growth.
impl Heap {
    /// Adds element `array_length + 1`, and what follows it in the hash part.
    #[inline(never)]
    fn append(&self, table: Ref<Table>, value: Parts) -> Result<(), TableError> {
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
            if let Some(entry) = self.get(part).find(hash_integer(key), (INTEGER, key)) {
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
        let new = self.new_value_array(capacity)?;
        let (old_payloads, old_tags) = self.array_slices(table);
        let (payloads, tags) = self.value_array_parts(new);
        copy_cells(old_payloads, payloads);
        copy_cells(old_tags, tags);
        object.array.set(Some(new));
        self.barrier(table);
        Ok(())
    }

    /// Gives the array part room for `length` elements at least.
    fn reserve_more(&self, table: Ref<Table>, length: u32) -> Result<(), TableError> {
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
        let old = object.hash.get().map_or(&[][..], |part| self.get(part).entries());
        let moved = count_used(&tags[kept..]);
        let part = self.new_hash_part(capacity_for(old.len() as u32 + moved + 1)?)?;
        for (index, (payload, tag)) in payloads.iter().zip(tags).enumerate().skip(kept) {
            if tag.get() != NIL_TAG {
                self.push_entry(self.get(part), (INTEGER, index as u64 + 1), (tag.get(), payload.get()));
            }
        }
        self.copy_entries(old, self.get(part));
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
        let entries = object.hash.get().map_or(&[][..], |part| self.get(part).entries());
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

fn copy_cells<T: Copy>(from: &[Cell<T>], to: &[Cell<T>]) {
    for (to, from) in to.iter().zip(from) {
        to.set(from.get());
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

/// Whole ranges of elements.
impl Heap {
    /// Stores the values of a constructor under the keys from `start` on.
    pub fn set_list(&self, table: Ref<Table>, start: i64, values: &[Slot]) -> Result<(), TableError> {
        let object = self.get(table);
        let first = (start as u64).wrapping_sub(1);
        let end = first.saturating_add(values.len() as u64);
        if first < object.array_length.get().into() || end > MAX_CAPACITY.into() || self.has_integer_entries(object) {
            for (index, value) in values.iter().enumerate() {
                let key = start.wrapping_add(index as i64);
                self.table_set_integer_parts(table, key, (value.tag.get() as u8, value.payload.get()))?;
            }
            return Ok(());
        }
        self.reserve_more(table, end as u32)?;
        if let Some(array) = object.array.get() {
            let (payloads, tags) = self.value_array_parts(array);
            let places = payloads[first as usize..].iter().zip(&tags[first as usize..]);
            for ((payload, tag), value) in places.zip(values) {
                payload.set(value.payload.get());
                tag.set(value.tag.get() as u8);
            }
            object.array_length.set(end as u32);
            self.trim_array(object);
            self.barrier(table);
        }
        Ok(())
    }

    /// Moves the elements from `position` on up by one and stores a value there. `false`, and nothing is done, if the
    /// array part alone cannot do that: the position is not among 1 to length + 1, or the hash part may have what follows.
    pub fn array_insert(&self, table: Ref<Table>, position: i64, value: Parts) -> Result<bool, TableError> {
        let object = self.get(table);
        let length = object.array_length.get();
        let index = (position as u64).wrapping_sub(1);
        if index > length.into() || value.0 == NIL_TAG || self.has_integer_entries(object) {
            return Ok(false);
        }
        if index == length.into() {
            self.table_set_integer_parts(table, position, value)?;
            return Ok(true);
        }
        if length == self.array_capacity(object) {
            self.reserve_array(table, length.saturating_mul(2).max(MIN_CAPACITY))?;
        }
        object.array_length.set(length + 1);
        let (payloads, tags) = self.array_slices(table);
        let index = index as usize;
        move_cells(payloads, index..length as usize, index + 1);
        move_cells(tags, index..length as usize, index + 1);
        payloads[index].set(value.1);
        tags[index].set(value.0);
        self.barrier_for(table, value.0);
        Ok(true)
    }

    /// Takes out the element at `position` and moves those above it down by one. `None`, and nothing is done, if there
    /// is no such element in the array part.
    pub fn array_remove(&self, table: Ref<Table>, position: i64) -> Option<Parts> {
        let object = self.get(table);
        let (payloads, tags) = self.array_slices(table);
        let index = usize::try_from(position).ok()?.checked_sub(1)?;
        let removed = (tags.get(index)?.get(), payloads.get(index)?.get());
        move_cells(payloads, index + 1..payloads.len(), index);
        move_cells(tags, index + 1..tags.len(), index);
        tags[tags.len() - 1].set(NIL_TAG);
        self.trim_array(object);
        Some(removed)
    }

    /// Copies `count` elements from `first` on to the keys from `start` on, in the same or another table. `false`, and
    /// nothing is done, if that is not a matter of the array parts alone.
    pub fn array_copy(
        &self,
        (source, first): (Ref<Table>, i64),
        count: u32,
        (target, start): (Ref<Table>, i64),
    ) -> Result<bool, TableError> {
        let (from, to) = (self.get(source), self.get(target));
        let (first, start) = ((first as u64).wrapping_sub(1), (start as u64).wrapping_sub(1));
        let ends = (first.saturating_add(count.into()), start.saturating_add(count.into()));
        let length = to.array_length.get();
        if count == 0 || ends.0 > from.array_length.get().into() || start > length.into() {
            return Ok(count == 0);
        }
        if ends.1 > length.into() {
            if ends.1 > MAX_CAPACITY.into() || self.has_integer_entries(to) {
                return Ok(false);
            }
            self.reserve_more(target, ends.1 as u32)?;
            to.array_length.set(ends.1 as u32);
        }
        let (first, start, count) = (first as usize, start as usize, count as usize);
        if source == target {
            let (payloads, tags) = self.array_slices(target);
            move_cells(payloads, first..first + count, start);
            move_cells(tags, first..first + count, start);
        } else {
            let ((payloads, tags), (to_payloads, to_tags)) = (self.array_slices(source), self.array_slices(target));
            copy_cells(&payloads[first..first + count], &to_payloads[start..]);
            copy_cells(&tags[first..first + count], &to_tags[start..]);
        }
        self.trim_array(to);
        self.barrier(target);
        Ok(true)
    }

    /// Gives the table room for this many elements and fields in all.
    pub fn table_reserve(&self, table: Ref<Table>, elements: u32, fields: u32) -> Result<(), TableError> {
        let object = self.get(table);
        if elements > self.array_capacity(object) {
            self.reserve_array(table, elements)?;
        }
        self.reserve_short_keys(table, fields)
    }
}

/// Copies a range of cells to another place of the same slice, as `copy_within` does.
fn move_cells<T: Copy>(cells: &[Cell<T>], from: core::ops::Range<usize>, to: usize) {
    assert!(from.end <= cells.len() && from.start <= from.end && to <= cells.len() - (from.end - from.start));
    // SAFETY: both ranges lie in the slice, whose cells allow writing.
    unsafe {
        let start = cells.as_ptr().cast::<T>().cast_mut();
        core::ptr::copy(start.add(from.start), start.add(to), from.end - from.start);
    }
}
