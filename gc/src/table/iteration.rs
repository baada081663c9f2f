//! Traversal: the array part in ascending order, then the short-string keys, then the other keys of the hash part, both in
//! the order in which they came. Removing and changing what is there does not disturb it.
//!
//! A *cursor* is the number of a place, counted through the room of the array part, the places of short strings and the
//! entries of the hash part; places whose value is nil are passed over.

use super::{
    HashEntry, NIL_TAG, Parts, Table,
    array::element_parts,
    key::{DEAD, INTEGER, STRING, normalize, string_of},
};
use crate::{heap::Heap, object::AnyObject, reference::Ref, value::FIRST_REFERENCE_TAG, value::Value};

/// The key given to `next` is not in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid key to 'next'")]
pub struct InvalidKey;

/// What a step of a traversal found.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The cursor after it.
    pub cursor: u32,
    /// The key.
    pub key: Parts,
    /// The value.
    pub value: Parts,
}

impl Heap {
    /// The entry after `key` in the order of traversal; the first one for nil.
    pub fn table_next(&self, table: Ref<Table>, key: Value) -> Result<Option<(Value, Value)>, InvalidKey> {
        let cursor = self.cursor_of(table, key.to_parts(), 0)?;
        let step = self.next_at(table, cursor);
        Ok(step.map(|step| (Value::from_parts(step.key.0, step.key.1), Value::from_parts(step.value.0, step.value.1))))
    }

    /// The first entry at or after a cursor; 0 is the first cursor of every table.
    #[inline]
    pub fn next_at(&self, table: Ref<Table>, cursor: u32) -> Option<Step> {
        let object = self.get(table);
        for index in cursor..object.array_length.get() {
            let (payload, tag) = self.element(object, index.into())?;
            if tag.get() != NIL_TAG {
                let value = element_parts(payload, tag);
                return Some(Step { cursor: index + 1, key: (INTEGER, u64::from(index) + 1), value });
            }
        }
        self.next_after_array(object, cursor)
    }

    #[inline(never)]
    fn next_after_array(&self, table: &Table, cursor: u32) -> Option<Step> {
        let capacity = self.array_capacity(table);
        let mut place = cursor.saturating_sub(capacity);
        let shape = table.shape.get();
        let field_count = self.get(shape).count;
        while place < field_count {
            let value = self.field_value(table, place);
            place += 1;
            if value.0 != NIL_TAG {
                let key = (STRING, self.field_key(shape, place - 1)?.units().into());
                return Some(Step { cursor: capacity + place, key, value });
            }
        }
        let names = self.name_entries(table);
        if let Some(step) = first_step(names, place - field_count, capacity) {
            return Some(step);
        }
        let before = field_count + names.len() as u32;
        first_step(self.hash_entries(table.hash.get()?), place.saturating_sub(before), capacity + before)
    }

    /// The entry after `key`; see [`Heap::cursor_of`].
    #[inline]
    pub fn next_after(&self, table: Ref<Table>, key: Parts, hint: u32) -> Result<Option<Step>, InvalidKey> {
        if self.is_element_cursor(table, key, hint) {
            return Ok(self.next_at(table, hint));
        }
        match self.next_entry(self.get(table), key, hint) {
            None => self.next_after_key(table, key, hint),
            step => Ok(step),
        }
    }

    /// The same from a field or an entry to the next of the same part, if the cursor is right and there is one.
    #[inline(never)]
    fn next_entry(&self, table: &Table, key: Parts, hint: u32) -> Option<Step> {
        let capacity = self.array_capacity(table);
        let place = hint.checked_sub(capacity + 1)?;
        let shape = table.shape.get();
        let string_places = if self.is_dictionary(shape) {
            let names = self.name_entries(table);
            if place < names.len() as u32 {
                return step_between(names, key, place, capacity);
            }
            names.len() as u32
        } else {
            let count = self.get(shape).count;
            if place < count {
                let keys = self.refs(self.get(shape).index.get()?);
                let keys = &keys[keys.len() - count as usize..];
                let is_there = |found: Ref<AnyObject>| key == (STRING, found.units().into());
                keys[place as usize].get().filter(|&found| is_there(found))?;
                let (number, value) = (place + 1..count)
                    .map(|number| (number, self.field_value(table, number)))
                    .find(|(_, value)| value.0 != NIL_TAG)?;
                let key = keys[number as usize].get()?;
                return Some(Step { cursor: capacity + number + 1, key: (STRING, key.units().into()), value });
            }
            count
        };
        step_between(self.hash_entries(table.hash.get()?), key, place - string_places, capacity + string_places)
    }

    #[inline(never)]
    fn next_after_key(&self, table: Ref<Table>, key: Parts, hint: u32) -> Result<Option<Step>, InvalidKey> {
        let cursor = self.find_cursor(table, key, hint)?;
        Ok(self.next_at(table, cursor))
    }

    #[inline(always)]
    fn is_element_cursor(&self, table: Ref<Table>, key: Parts, hint: u32) -> bool {
        key.0 == INTEGER && key.1 == hint.into() && hint != 0 && hint <= self.get(table).array_length.get()
    }

    /// The number of places of short strings.
    fn string_places(&self, table: &Table) -> u32 {
        self.names(table).map_or_else(|| self.get(table.shape.get()).count, |names| self.get(names).used.get())
    }

    /// The cursor after `key`. `hint` is looked at first: the cursor of the step that gave the key, or anything.
    #[inline]
    pub fn cursor_of(&self, table: Ref<Table>, key: Parts, hint: u32) -> Result<u32, InvalidKey> {
        if self.is_element_cursor(table, key, hint) {
            return Ok(hint);
        }
        self.find_cursor(table, key, hint)
    }

    #[inline(never)]
    fn find_cursor(&self, table: Ref<Table>, key: Parts, hint: u32) -> Result<u32, InvalidKey> {
        let object = self.get(table);
        let capacity = self.array_capacity(object);
        let shape = object.shape.get();
        let string_places = self.string_places(object);
        if let Some(place) = hint.checked_sub(capacity + 1) {
            let is_at = |entries: &[HashEntry], number: u32| {
                entries.get(number as usize).is_some_and(|entry| is_key(entry.key(), key))
            };
            let is_there = match place.checked_sub(string_places) {
                None if self.is_dictionary(shape) => is_at(self.name_entries(object), place),
                None => key.0 == STRING && self.field_key(shape, place) == string_of(key.1),
                Some(number) => object.hash.get().is_some_and(|part| is_at(self.hash_entries(part), number)),
            };
            if is_there {
                return Ok(hint);
            }
        }
        let key = normalize(key);
        match key.0 {
            NIL_TAG => return Ok(0),
            INTEGER if (1..=object.array_length.get().into()).contains(&key.1) => return Ok(key.1 as u32),
            STRING => {
                let number = string_of(key.1).and_then(|key| self.find_field(shape, key));
                let in_names = || self.find_for_traversal(self.names(object)?, key);
                if let Some(number) = number.or_else(in_names) {
                    return Ok(capacity + number + 1);
                }
            }
            _ => {}
        }
        match object.hash.get().and_then(|part| self.find_for_traversal(part, key)) {
            Some(number) => Ok(capacity + string_places + number + 1),
            // An element at the end that was removed during the traversal.
            None if key.0 == INTEGER && (1..=capacity.into()).contains(&key.1) => Ok(key.1 as u32),
            None => Err(InvalidKey),
        }
    }
}

/// The first entry from number `first` on that is not removed; `before` is the cursor of the first entry.
fn first_step(entries: &[HashEntry], first: u32, before: u32) -> Option<Step> {
    let (number, entry) = entries.iter().enumerate().skip(first as usize).find(|(_, entry)| !entry.is_removed())?;
    Some(Step { cursor: before + number as u32 + 1, key: entry.key(), value: entry.value() })
}

/// The same after entry `number`, if that has this key.
#[inline(always)]
fn step_between(entries: &[HashEntry], key: Parts, number: u32, before: u32) -> Option<Step> {
    entries.get(number as usize).filter(|entry| is_key(entry.key(), key))?;
    first_step(entries, number + 1, before)
}

/// Whether an entry's key is the one meant; the collector may have marked it as dead since.
fn is_key(entry: Parts, key: Parts) -> bool {
    entry.1 == key.1 && (entry.0 == key.0 || entry.0 == DEAD && key.0 >= FIRST_REFERENCE_TAG)
}
