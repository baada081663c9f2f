//! Whole ranges of elements at once, for constructors and the library's functions on lists.

use super::{
    NIL_TAG, Parts, Table, TableError,
    array::{MAX_CAPACITY, MIN_CAPACITY, copy_cells, element_parts},
};
use crate::{heap::Heap, reference::Ref, value::Slot};
use core::{cell::Cell, ops::Range};

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
        // Those that moved may be in places that the collector has passed.
        self.barrier(table);
        Ok(true)
    }

    /// Takes out the element at `position` and moves those above it down by one. `None`, and nothing is done, if there
    /// is no such element in the array part.
    pub fn array_remove(&self, table: Ref<Table>, position: i64) -> Option<Parts> {
        let object = self.get(table);
        let (payloads, tags) = self.array_slices(table);
        let index = usize::try_from(position).ok()?.checked_sub(1)?;
        let removed = element_parts(payloads.get(index)?, tags.get(index)?);
        move_cells(payloads, index + 1..payloads.len(), index);
        move_cells(tags, index + 1..tags.len(), index);
        tags[tags.len() - 1].set(NIL_TAG);
        self.trim_array(object);
        self.barrier(table);
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
fn move_cells<T: Copy>(cells: &[Cell<T>], from: Range<usize>, to: usize) {
    assert!(from.end <= cells.len() && from.start <= from.end && to <= cells.len() - (from.end - from.start));
    // SAFETY: both ranges lie in the slice, whose cells allow writing.
    unsafe {
        let start = cells.as_ptr().cast::<T>().cast_mut();
        core::ptr::copy(start.add(from.start), start.add(to), from.end - from.start);
    }
}
