//! The array part: elements 1 to `array_length`, of which the last is not nil. Key `array_length + 1` is nowhere in the
//! table, so that the length of a table is known at once.

use super::{
    NIL, NIL_TAG, Parts, Table, TableError,
    key::{INTEGER, hash_integer},
};
use crate::{heap::Heap, reference::Ref, value::Tag};
use core::cell::Cell;

/// The least room of an array part that grew.
pub(super) const MIN_CAPACITY: u32 = 4;
/// The most elements of an array part.
pub(crate) const MAX_CAPACITY: u32 = 1 << 30;
/// A key so little beyond the end is put into free room of the array part, leaving a hole.
const MAX_GAP: u64 = 7;

/// The value of an element. Those of nil and the booleans are all in the tag: the payload is whatever stood there
/// before, so that arrays of flags touch one byte an element.
#[inline(always)]
pub(super) fn element_parts(payload: &Cell<u64>, tag: &Cell<u8>) -> Parts {
    let tag = tag.get();
    if tag <= Tag::True as u8 { (tag, 0) } else { (tag, payload.get()) }
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
        let (payloads, tags) = self.value_array_parts(array);
        // SAFETY: `array_length` is at most the capacity.
        Some(unsafe { (payloads.get_unchecked(index as usize), tags.get_unchecked(index as usize)) })
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
            Some((payload, tag)) => element_parts(payload, tag),
            None if object.hash.get().is_none() => NIL,
            None => self.get_integer_from_hash(object, key),
        }
    }

    #[inline(never)]
    pub(super) fn get_integer_from_hash(&self, table: &Table, key: i64) -> Parts {
        let Some(part) = table.hash.get() else { return NIL };
        let entry = self.view(part).find(hash_integer(key as u64), (INTEGER, key as u64));
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
                self.barrier_value(table, value);
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
    pub(super) fn push_element(&self, table: Ref<Table>, value: Parts) {
        let object = self.get(table);
        let length = object.array_length.get();
        object.array_length.set(length + 1);
        if let Some((payload, tag)) = self.element(object, length.into()) {
            payload.set(value.1);
            tag.set(value.0);
        }
        self.barrier_value(table, value);
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
            && let Some(entry) = self.view(part).find(hash, key)
        {
            entry.set_value(value);
            self.barrier_value(table, value);
            return Ok(());
        }
        if value.0 == NIL_TAG {
            return Ok(());
        }
        if index - length.min(index) <= MAX_GAP
            && index < u64::from(self.array_capacity(object)).min(length.next_power_of_two())
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
    pub(super) fn has_integer_entries(&self, table: &Table) -> bool {
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

/// Copies cells from the beginning of one slice to that of another.
pub(super) fn copy_cells<T: Copy>(from: &[Cell<T>], to: &[Cell<T>]) {
    for (to, from) in to.iter().zip(from) {
        to.set(from.get());
    }
}
