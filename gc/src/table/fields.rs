//! Short-string keys: fields in shape mode; for dictionary mode see [`names`](super::names).

use super::{HashEntry, NIL, NIL_TAG, Origin, Parts, Shape, Table, TableError, shape::MAX_FIELDS};
use crate::{
    heap::{Heap, OutOfMemory},
    object::Header,
    reference::Ref,
    storage::SlotArray,
    string::Str,
    value::Slot,
};

/// Byte offset of a field's slot from the start of the fields object.
pub const fn field_offset(number: u32) -> u32 {
    size_of::<Header>() as u32 + size_of::<Slot>() as u32 * number
}

#[inline(always)]
fn slot_parts(slot: &Slot) -> Parts {
    (slot.tag.get() as u8, slot.payload.get())
}

#[inline(always)]
fn set_slot(slot: &Slot, (tag, payload): Parts) {
    slot.payload.set(payload);
    slot.tag.set(tag.into());
}

impl Heap {
    /// The slots of the fields; none in dictionary mode.
    #[inline(always)]
    pub fn field_slots(&self, table: &Table) -> &[Slot] {
        match table.fields.get() {
            Some(fields) if !self.is_dictionary(table.shape.get()) => self.slots(fields.cast()),
            _ => &[],
        }
    }

    /// The slot of a field whose number a shape of the table gave.
    #[inline(always)]
    pub(super) fn field_slot(&self, table: &Table, number: u32) -> Option<&Slot> {
        // Only tables in shape mode have numbers of fields.
        self.slots(table.fields.get()?.cast()).get(number as usize)
    }

    /// The number of fields the table has room for.
    #[inline(always)]
    pub fn field_capacity(&self, table: Ref<Table>) -> u32 {
        self.field_slots(self.get(table)).len() as u32
    }

    /// The value of a short-string key.
    #[inline]
    pub fn table_get_short_parts(&self, table: Ref<Table>, key: Ref<Str>) -> Parts {
        let object = self.get(table);
        let shape = object.shape.get();
        if self.is_dictionary(shape) {
            return self.find_name(object, key).map_or(NIL, |entry| entry.value());
        }
        match self.find_field(shape, key) {
            Some(number) => self.field_slot(object, number).map_or(NIL, slot_parts),
            None => NIL,
        }
    }

    /// The value of a short-string key, if it takes little to find; `None` says nothing about it.
    #[inline(always)]
    pub fn peek_short_parts(&self, table: Ref<Table>, key: Ref<Str>) -> Option<Parts> {
        let object = self.get(table);
        if let Some(number) = self.peek_field_number(object.shape.get(), key) {
            return Some(number.and_then(|number| self.field_slot(object, number)).map_or(NIL, slot_parts));
        }
        if !self.is_dictionary(object.shape.get()) {
            return None;
        }
        Some(self.find_name(object, key).map_or(NIL, HashEntry::value))
    }

    /// Gives a short-string key another value, if it has one and that takes little; says whether it was done. The value
    /// is not nil, and the barrier is the caller's business.
    #[inline(always)]
    pub fn replace_short_parts(&self, table: Ref<Table>, key: Ref<Str>, value: Parts) -> bool {
        let object = self.get(table);
        if object.absent.get() != 0 || object.is_prototype() {
            return false;
        }
        if let Some(number) = self.peek_field_number(object.shape.get(), key) {
            let slot = number.and_then(|number| self.field_slot(object, number));
            let slot = slot.filter(|slot| slot.tag.get() as u8 != NIL_TAG);
            return slot.inspect(|slot| set_slot(slot, value)).is_some();
        }
        if !self.is_dictionary(object.shape.get()) {
            return false;
        }
        let entry = self.find_name(object, key);
        entry.filter(|entry| !entry.is_removed()).inspect(|entry| entry.set_value(value)).is_some()
    }

    /// The value of field `number` in the order of the shape.
    #[inline]
    pub(super) fn field_value(&self, table: &Table, number: u32) -> Parts {
        self.field_slot(table, number).map_or(NIL, slot_parts)
    }

    /// Stores a value under a short-string key.
    #[inline]
    pub fn table_set_short_parts(
        &self,
        table: Ref<Table>,
        key: Ref<Str>,
        value: Parts,
        origin: Origin,
    ) -> Result<(), TableError> {
        let object = self.get(table);
        let shape = object.shape.get();
        let old_tag;
        if self.is_dictionary(shape) {
            let Some(entry) = self.find_name(object, key) else {
                if value.0 == NIL_TAG {
                    return Ok(());
                }
                self.add_name(table, key, value)?;
                self.string_key_added(object);
                return Ok(());
            };
            old_tag = entry.value_tag.get();
            entry.set_value(value);
        } else {
            // A shape with a transition for the key does not have it.
            if let Some(next) = self.transition(shape, key) {
                return if value.0 == NIL_TAG { Ok(()) } else { self.add_field(table, key, next, value) };
            }
            let slot = self.find_field(shape, key).and_then(|number| self.field_slot(object, number));
            let Some(slot) = slot else {
                return self.add_key(table, key, value, origin);
            };
            old_tag = slot.tag.get() as u8;
            set_slot(slot, value);
        }
        self.barrier_value(table, value);
        if object.absent.get() != 0 || object.is_prototype() {
            self.watched_string_key_written(object, key, old_tag == NIL_TAG && value.0 != NIL_TAG);
        }
        Ok(())
    }

    /// What follows from a new string key.
    #[inline(always)]
    fn string_key_added(&self, table: &Table) {
        table.absent.set(0);
        if table.is_prototype() {
            self.bump_prototype_epoch();
        }
    }

    /// What follows from a write to a string key of a metatable or prototype.
    #[cold]
    fn watched_string_key_written(&self, table: &Table, key: Ref<Str>, is_gained: bool) {
        if is_gained || self.string_bytes(key).starts_with(b"__") {
            self.string_key_added(table);
        }
    }

    /// Adds a key to a table in shape mode that no other table of its shape got before.
    #[cold]
    #[inline(never)]
    fn add_key(&self, table: Ref<Table>, key: Ref<Str>, value: Parts, origin: Origin) -> Result<(), TableError> {
        if value.0 == NIL_TAG {
            return Ok(());
        }
        let object = self.get(table);
        if let Some(next) = self.add_transition(object.shape.get(), key, origin)? {
            return self.add_field(table, key, next, value);
        }
        self.add_first_name(table, key, value)
    }

    /// Takes a table to dictionary mode and adds a key.
    #[cold]
    fn add_first_name(&self, table: Ref<Table>, key: Ref<Str>, value: Parts) -> Result<(), TableError> {
        self.make_dictionary(table, 1)?;
        self.add_name(table, key, value)?;
        self.string_key_added(self.get(table));
        Ok(())
    }

    /// Stores the value of a short-string key named in a table's constructor. The key gets its place even if the value is
    /// nil, so that tables from one constructor share their shape.
    pub fn table_initialize_short(&self, table: Ref<Table>, key: Ref<Str>, value: Parts) -> Result<(), TableError> {
        let object = self.get(table);
        let shape = object.shape.get();
        let has_place = self.find_field(shape, key).is_some() || self.find_name(object, key).is_some();
        if value.0 != NIL_TAG || has_place {
            return self.table_set_short_parts(table, key, value, Origin::Named);
        }
        if self.is_dictionary(shape) {
            return self.add_name(table, key, value);
        }
        let next = match self.transition(shape, key) {
            Some(next) => Some(next),
            None => self.add_transition(shape, key, Origin::Named)?,
        };
        match next {
            Some(next) => self.add_field(table, key, next, value),
            None => self.add_first_name(table, key, value),
        }
    }

    /// Adds a key to a table in shape mode, whose shape has the transition `next` for it.
    #[inline(never)]
    fn add_field(&self, table: Ref<Table>, key: Ref<Str>, next: Ref<Shape>, value: Parts) -> Result<(), TableError> {
        let object = self.get(table);
        if self.is_to_drop_fields(object) {
            return self.add_first_name(table, key, value);
        }
        let number = self.get(next).count - 1;
        let capacity = self.field_capacity(table);
        if number >= capacity {
            self.reserve_fields(table, (capacity + (capacity / 2).max(4)).min(MAX_FIELDS))?;
        }
        if let Some(slot) = self.field_slot(object, number) {
            set_slot(slot, value);
        }
        object.shape.set(next);
        self.barrier(table);
        self.string_key_added(object);
        Ok(())
    }

    /// Gives the table room for `capacity` fields.
    pub(super) fn reserve_fields(&self, table: Ref<Table>, capacity: u32) -> Result<(), OutOfMemory> {
        let object = self.get(table);
        let new: Ref<SlotArray> = self.new_slot_array(capacity)?;
        for (new, old) in self.slots(new).iter().zip(self.field_slots(object)) {
            set_slot(new, slot_parts(old));
        }
        object.fields.set(Some(new.cast()));
        self.barrier(table);
        Ok(())
    }
}
