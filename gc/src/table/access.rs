//! The raw operations on tables: any key, no metamethods.

use super::{
    Origin, Parts, Shape, Table, TableError,
    fields::field_offset,
    key::{FLOAT, INTEGER, STRING, check_storable, normalize, string_of},
    shape::MAX_FIELDS,
};
use crate::{
    heap::{Heap, OutOfMemory},
    reference::Ref,
    string::Str,
    value::Value,
};
use core::cell::Cell;

/// Making tables.
impl Heap {
    /// An empty table with room for this many elements and fields.
    #[inline]
    pub fn new_table(&self, array_hint: u32, field_hint: u32) -> Result<Ref<Table>, OutOfMemory> {
        let shape = self.empty_shape()?;
        let table = self.allocate::<Table>(size_of::<Table>(), 0)?;
        // SAFETY: just allocated; the header is written.
        unsafe {
            let pointer = table.pointer(self.base());
            (&raw mut (*pointer).shape).write(Cell::new(shape));
            (&raw mut (*pointer).metatable).write(Cell::new(None));
            (&raw mut (*pointer).fields).write(Cell::new(None));
            (&raw mut (*pointer).array).write(Cell::new(None));
            (&raw mut (*pointer).hash).write(Cell::new(None));
            (&raw mut (*pointer).array_length).write(Cell::new(0));
            (&raw mut (*pointer).absent).write(Cell::new(0));
            (&raw mut (*pointer).array_tags).write(Cell::new(0));
        }
        if array_hint | field_hint != 0 {
            self.reserve_new(table, array_hint, field_hint)?;
        }
        Ok(table)
    }

    #[inline(never)]
    fn reserve_new(&self, table: Ref<Table>, array_hint: u32, field_hint: u32) -> Result<(), OutOfMemory> {
        match self.table_reserve(table, array_hint, field_hint) {
            Err(TableError::OutOfMemory(error)) => Err(error),
            // A hint that is too large is no error yet.
            _ => Ok(()),
        }
    }

    /// Gives the table room for this many short-string keys in all.
    pub(super) fn reserve_short_keys(&self, table: Ref<Table>, count: u32) -> Result<(), TableError> {
        let shape = self.get(table).shape.get();
        if self.is_dictionary(shape) || count > MAX_FIELDS {
            if !self.is_dictionary(shape) {
                self.make_dictionary(table, 0)?;
            }
            return self.reserve_names(table, count);
        }
        if count > self.field_capacity(table) {
            self.reserve_fields(table, count)?;
        }
        Ok(())
    }

    /// Sets the metatable.
    pub fn set_metatable(&self, table: Ref<Table>, metatable: Option<Ref<Table>>) {
        let object = self.get(table);
        object.metatable.set(metatable);
        self.barrier(table);
        if object.is_prototype() {
            self.bump_prototype_epoch();
        }
    }
}

/// Reading.
impl Heap {
    /// The value of a key.
    #[inline]
    pub fn table_get(&self, table: Ref<Table>, key: Value) -> Value {
        let (tag, payload) = self.table_get_parts(table, key.to_parts());
        Value::from_parts(tag, payload)
    }

    /// The value of an integer key.
    #[inline]
    pub fn table_get_integer(&self, table: Ref<Table>, key: i64) -> Value {
        let (tag, payload) = self.table_get_integer_parts(table, key);
        Value::from_parts(tag, payload)
    }

    /// The value of a string key.
    #[inline]
    pub fn table_get_string(&self, table: Ref<Table>, key: Ref<Str>) -> Value {
        let (tag, payload) = self.table_get_string_parts(table, key);
        Value::from_parts(tag, payload)
    }

    /// The value of a key.
    #[inline]
    pub fn table_get_parts(&self, table: Ref<Table>, key: Parts) -> Parts {
        match key.0 {
            INTEGER => self.table_get_integer_parts(table, key.1 as i64),
            STRING => match string_of(key.1) {
                Some(string) => self.table_get_string_parts(table, string),
                None => super::NIL,
            },
            _ => self.get_other(table, key),
        }
    }

    /// The value of a string key.
    #[inline]
    pub fn table_get_string_parts(&self, table: Ref<Table>, key: Ref<Str>) -> Parts {
        if self.get(key).is_short() {
            self.table_get_short_parts(table, key)
        } else {
            self.get_other(table, (STRING, key.units().into()))
        }
    }

    #[inline(never)]
    fn get_other(&self, table: Ref<Table>, key: Parts) -> Parts {
        let key = normalize(key);
        if key.0 == INTEGER {
            return self.table_get_integer_parts(table, key.1 as i64);
        }
        if self.get(table).hash.get().is_none() {
            return super::NIL;
        }
        self.hash_get(table, self.hash_of(key), key)
    }

    /// A border of the table: 0 or an integer key that is there while the next is not.
    #[inline(always)]
    pub fn table_length(&self, table: Ref<Table>) -> i64 {
        self.get(table).array_length.get().into()
    }
}

/// Writing.
impl Heap {
    /// Stores a value under a key; nil removes it. A new short string counts as computed.
    #[inline]
    pub fn table_set(&self, table: Ref<Table>, key: Value, value: Value) -> Result<(), TableError> {
        self.table_set_parts(table, key.to_parts(), value.to_parts())
    }

    /// Stores a value under an integer key; nil removes it.
    #[inline]
    pub fn table_set_integer(&self, table: Ref<Table>, key: i64, value: Value) -> Result<(), TableError> {
        self.table_set_integer_parts(table, key, value.to_parts())
    }

    /// Stores a value under a string key; nil removes it.
    #[inline]
    pub fn table_set_string(
        &self,
        table: Ref<Table>,
        key: Ref<Str>,
        value: Value,
        origin: Origin,
    ) -> Result<(), TableError> {
        self.table_set_string_parts(table, key, value.to_parts(), origin)
    }

    /// Stores a value under a key; nil removes it. A new short string counts as computed.
    #[inline]
    pub fn table_set_parts(&self, table: Ref<Table>, key: Parts, value: Parts) -> Result<(), TableError> {
        match key.0 {
            INTEGER => self.table_set_integer_parts(table, key.1 as i64, value),
            STRING => match string_of(key.1) {
                Some(string) => self.table_set_string_parts(table, string, value, Origin::Computed),
                None => Err(TableError::KeyIsNil),
            },
            _ => self.set_other(table, key, value),
        }
    }

    /// Stores a value under a string key; nil removes it.
    #[inline]
    pub fn table_set_string_parts(
        &self,
        table: Ref<Table>,
        key: Ref<Str>,
        value: Parts,
        origin: Origin,
    ) -> Result<(), TableError> {
        if self.get(key).is_short() {
            self.table_set_short_parts(table, key, value, origin)
        } else {
            self.set_other(table, (STRING, key.units().into()), value)
        }
    }

    #[inline(never)]
    fn set_other(&self, table: Ref<Table>, key: Parts, value: Parts) -> Result<(), TableError> {
        check_storable(key)?;
        if key.0 == FLOAT {
            let key = normalize(key);
            if key.0 == INTEGER {
                return self.table_set_integer_parts(table, key.1 as i64, value);
            }
        }
        self.hash_set(table, self.hash_of(key), key, value)
    }
}

/// For inline caches.
impl Heap {
    /// As [`Heap::find_field_offset`] if that takes little; `None` if not.
    #[inline(always)]
    pub fn peek_field_offset(&self, shape: Ref<Shape>, key: Ref<Str>) -> Option<Option<u32>> {
        self.peek_field_number(shape, key).map(|number| number.map(field_offset))
    }

    /// Byte offset, from the start of the fields object, of the field that `shape` has for a short string.
    pub fn find_field_offset(&self, shape: Ref<Shape>, key: Ref<Str>) -> Option<u32> {
        self.find_field(shape, key).map(field_offset)
    }
}
