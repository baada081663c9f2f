//! Tables: their parts as they are, so that they are traversed in the same order and grow in the same way; and layouts,
//! which are the keys that tables of one shape have in common.

use super::{
    error::{ReadErrorKind, Refusal, WriteError},
    format::{MIXED, table as flag},
    reader::Reader,
    writer::Writer,
};
use crate::machine::Machine;
use alloc::vec::Vec;
use lunette_gc::{
    image::{PartError, element_value, entry_parts},
    object::AnyObject,
    reference::Ref,
    string::Str,
    table::{HashEntry, NIL, Parts, Table},
    value::{FIRST_REFERENCE_TAG, Tag, Value},
};

const NIL_TAG: u8 = Tag::Nil as u8;
const TRUE: u8 = Tag::True as u8;
const DEAD: u8 = Tag::DeadKey as u8;
const STRING: u8 = Tag::String as u8;

/// Bytes that an element of an array part takes, and an entry of a hash part with its place in the index.
const ELEMENT_BYTES: usize = 9;
const ENTRY_BYTES: usize = size_of::<HashEntry>() + 8;

/// Whether the payload of this tag is written as a word.
fn is_word(tag: u8) -> bool {
    (Tag::Integer as u8..=Tag::LightUserdata as u8).contains(&tag)
}

impl Writer<'_, '_> {
    /// The keys of each layout.
    pub fn layouts(&mut self) -> Result<(), WriteError> {
        let mut keys = Vec::new();
        for &layout in &self.numbering.layouts.objects {
            self.machine.heap.shape_keys(layout, &mut keys);
            self.encoder.number(keys.len() as u64)?;
            for &key in &keys {
                self.encoder.number(self.numbering.number(key).into())?;
            }
        }
        Ok(())
    }

    /// The content of each table.
    pub fn tables(&mut self) -> Result<(), WriteError> {
        self.numbering.tables.objects.iter().try_for_each(|&table| self.table(table))
    }

    fn table(&mut self, table: Ref<Table>) -> Result<(), WriteError> {
        let (heap, numbering) = (&self.machine.heap, self.numbering);
        let object = heap.get(table);
        let names = heap.short_key_entries(table);
        let layout = numbering.number(object.shape.get());
        let flags = [
            (object.metatable.get().is_some(), flag::METATABLE),
            (layout != 0, flag::FIELDS),
            (!names.is_empty(), flag::NAMES),
            (object.array.get().is_some(), flag::ARRAY),
            (object.hash.get().is_some(), flag::HASH),
        ];
        self.encoder.byte(flags.into_iter().map(|(is_set, bit)| if is_set { bit } else { 0 }).sum())?;
        if let Some(metatable) = object.metatable.get() {
            self.encoder.number(numbering.number(metatable).into())?;
        }
        if layout != 0 {
            self.encoder.number(layout.into())?;
            let count = heap.get(object.shape.get()).count as usize;
            let slots = heap.field_slots(object);
            for number in 0..count {
                let value = slots.get(number).map_or(NIL, |slot| (slot.tag.get() as u8, slot.payload.get()));
                self.encoder.value(numbering.parts(self.machine, value))?;
            }
        }
        if !names.is_empty() {
            self.encoder.number(names.len() as u64)?;
            for entry in names {
                let (key, value) = entry_parts(entry);
                self.encoder.number(numbering.parts(self.machine, key).1)?;
                self.encoder.value(numbering.parts(self.machine, value))?;
            }
        }
        if let Some(array) = object.array.get() {
            self.encoder.number(heap.get(array).length().into())?;
            self.elements(table)?;
        }
        if let Some(hash) = object.hash.get() {
            let entries = heap.hash_entries(hash);
            self.encoder.number(heap.get(hash).capacity().into())?;
            self.encoder.number(entries.len() as u64)?;
            for entry in entries {
                let (key, value) = entry_parts(entry);
                if value.0 == NIL_TAG {
                    self.removed_key(key)?;
                } else {
                    self.encoder.value(numbering.parts(self.machine, key))?;
                }
                self.encoder.value(numbering.parts(self.machine, value))?;
            }
        }
        Ok(())
    }

    fn elements(&mut self, table: Ref<Table>) -> Result<(), WriteError> {
        let (payloads, tags) = self.machine.heap.array_slices(table);
        self.encoder.number(tags.len() as u64)?;
        let first = tags.first().map_or(NIL_TAG, |tag| tag.get());
        if is_word(first) && tags.iter().all(|tag| tag.get() == first) {
            self.encoder.byte(first)?;
            return self.encoder.words(payloads);
        }
        self.encoder.byte(MIXED)?;
        self.encoder.cells(tags)?;
        for (payload, tag) in payloads.iter().zip(tags) {
            let (tag, payload) = element_value(tag.get(), payload.get());
            if tag >= FIRST_REFERENCE_TAG {
                self.encoder.half_word(self.numbering.parts(self.machine, (tag, payload)).1 as u32)?;
            } else if is_word(tag) {
                self.encoder.word(payload)?;
            }
        }
        Ok(())
    }

    /// The key of a removed entry, which may still be what a traversal goes on from.
    fn removed_key(&mut self, (tag, payload): Parts) -> Result<(), WriteError> {
        let object = Ref::<AnyObject>::from_units(payload as u32);
        let number = if tag == DEAD || tag >= FIRST_REFERENCE_TAG { self.numbering.optional(object) } else { 0 };
        if tag != DEAD && tag < FIRST_REFERENCE_TAG {
            return self.encoder.value((tag, payload));
        }
        // Where a dead key was there may be another object by now; short strings were never there.
        let is_short = |object: Ref<AnyObject>| {
            tag_of(self.machine, object) == Some(STRING) && self.machine.heap.get(object.cast::<Str>()).is_short()
        };
        let object = object.filter(|&object| number != 0 && !is_short(object));
        let key = match object.and_then(|object| tag_of(self.machine, object)) {
            Some(own) => (own, number.into()),
            None => NIL,
        };
        if tag == DEAD || key.0 == NIL_TAG {
            self.encoder.byte(DEAD)?;
        }
        self.encoder.value(key)
    }
}

/// The tag of references to an object that has a number.
fn tag_of(machine: &Machine, object: Ref<AnyObject>) -> Option<u8> {
    use lunette_gc::object::Kind;
    const KINDS: [(Kind, Tag); 9] = [
        (Kind::String, Tag::String),
        (Kind::Table, Tag::Table),
        (Kind::Closure, Tag::Closure),
        (Kind::NativeClosure, Tag::NativeClosure),
        (Kind::Userdata, Tag::Userdata),
        (Kind::Thread, Tag::Thread),
        (Kind::Cell, Tag::Cell),
        (Kind::TypedFunction, Tag::TypedFunction),
        (Kind::TypedObject, Tag::TypedObject),
    ];
    let kind = machine.heap.get(object).header.kind;
    KINDS.iter().find(|(own, _)| *own as u8 == kind).map(|&(_, tag)| tag as u8)
}

impl Reader<'_, '_> {
    fn part(&self, error: PartError) -> Refusal {
        match error {
            PartError::Memory => self.decoder.error(ReadErrorKind::Memory),
            PartError::Malformed(rule) => self.decoder.malformed(rule),
        }
    }

    /// A string that is short enough to be a field's key.
    fn short_string(&mut self) -> Result<Ref<Str>, Refusal> {
        let key = self.string()?;
        if self.machine.heap.get(key).is_short() {
            Ok(key)
        } else {
            Err(self.decoder.malformed("a long string is no field"))
        }
    }

    /// Reads the layouts.
    pub fn layouts(&mut self, count: u32) -> Result<(), Refusal> {
        let mut keys = Vec::new();
        for number in 0..count {
            self.decoder.place = ("layout", u64::from(number) + 1);
            let length = self.decoder.small()?;
            if !(1..=lunette_gc::table::shape::MAX_FIELDS).contains(&length) {
                return Err(self.decoder.malformed("number of fields"));
            }
            keys.clear();
            for _ in 0..length {
                let key = self.short_string()?;
                if keys.contains(&key) {
                    return Err(self.decoder.malformed("a field comes twice"));
                }
                keys.push(key);
            }
            let shape =
                self.machine.heap.shape_of_keys(&keys).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            let start = self.layout_keys.len();
            self.reserve_layout(keys.len())?;
            self.layout_keys.extend_from_slice(&keys);
            self.layouts.push((shape, start..self.layout_keys.len()));
        }
        Ok(())
    }

    fn reserve_layout(&mut self, keys: usize) -> Result<(), Refusal> {
        let reserved = self.layout_keys.try_reserve(keys).and_then(|()| self.layouts.try_reserve(1));
        reserved.map_err(|_| self.decoder.error(ReadErrorKind::Memory))
    }

    /// Reads the content of the tables.
    pub fn tables(&mut self) -> Result<(), Refusal> {
        for number in 0..self.tables.len() {
            self.note_growth(number);
            self.decoder.place = ("table", number as u64 + 1);
            self.table(self.tables[number])?;
        }
        Ok(())
    }

    fn table(&mut self, table: Ref<Table>) -> Result<(), Refusal> {
        let flags = self.decoder.byte()?;
        let has = |flag: u8| flags & flag != 0;
        if flags & !flag::ALL != 0 || (has(flag::FIELDS) && has(flag::NAMES)) {
            return Err(self.decoder.malformed("flags of a table"));
        }
        if has(flag::METATABLE) {
            let metatable = self.decoder.small()?;
            let metatable = self.table_numbered(metatable)?;
            self.machine.heap.get(table).metatable.set(Some(metatable));
        }
        if has(flag::FIELDS) {
            self.fields(table)?;
        }
        if has(flag::NAMES) {
            self.names(table)?;
        }
        if has(flag::ARRAY) {
            self.array(table)?;
        }
        if has(flag::HASH) {
            self.hash(table)?;
        }
        Ok(())
    }

    fn fields(&mut self, table: Ref<Table>) -> Result<(), Refusal> {
        let number = self.decoder.small()?;
        let Some((shape, range)) = number.checked_sub(1).and_then(|index| self.layouts.get(index as usize)).cloned()
        else {
            return Err(self.decoder.malformed("there is no such layout"));
        };
        self.values.clear();
        for _ in range.clone() {
            let value = self.value()?;
            self.values.push(value);
        }
        let heap = &self.machine.heap;
        let restored = match shape {
            Some(shape) => heap.restore_fields(table, shape, self.values.iter().copied()),
            None => {
                let part = heap.new_names(range.len() as u32).map_err(|error| self.part(error))?;
                for (&key, &value) in self.layout_keys[range].iter().zip(&self.values) {
                    heap.restore_name(part, key, value).map_err(|error| self.part(error))?;
                }
                heap.restore_names(table, part)
            }
        };
        restored.map_err(|_| self.decoder.error(ReadErrorKind::Memory))
    }

    fn names(&mut self, table: Ref<Table>) -> Result<(), Refusal> {
        let count = self.decoder.small()?;
        self.prepare(count as usize * ENTRY_BYTES);
        let part = self.machine.heap.new_names(count).map_err(|error| self.part(error))?;
        for _ in 0..count {
            let key = self.short_string()?;
            let value = self.value()?;
            self.machine.heap.restore_name(part, key, value).map_err(|error| self.part(error))?;
        }
        let restored = self.machine.heap.restore_names(table, part);
        restored.map_err(|_| self.decoder.error(ReadErrorKind::Memory))
    }

    fn array(&mut self, table: Ref<Table>) -> Result<(), Refusal> {
        let capacity = self.decoder.small()?;
        let length = self.decoder.small()?;
        if length > capacity {
            return Err(self.decoder.malformed("more elements than room"));
        }
        self.prepare(capacity as usize * ELEMENT_BYTES);
        let array = self.machine.heap.new_array_part(capacity).map_err(|error| self.part(error))?;
        // Nothing is collected while an image is read, so what is not part of a table yet stays.
        let form = self.decoder.byte()?;
        let (payloads, tags) = self.machine.heap.value_array_parts(array);
        let (payloads, tags) = (&payloads[..length as usize], &tags[..length as usize]);
        if is_word(form) {
            self.decoder.words(payloads)?;
            tags.iter().for_each(|tag| tag.set(form));
        } else if form == MIXED {
            self.decoder.cells(tags)?;
            for (payload, tag) in payloads.iter().zip(tags) {
                let tag = tag.get();
                payload.set(match tag {
                    NIL_TAG..=TRUE => continue,
                    FIRST_REFERENCE_TAG.. => {
                        let number = self.decoder.half_word()?;
                        self.reference(tag, number.into())?
                    }
                    tag if is_word(tag) => self.decoder.word()?,
                    _ => return Err(self.decoder.malformed("tag of an element")),
                });
            }
        } else {
            return Err(self.decoder.malformed("form of an array part"));
        }
        self.machine.heap.restore_array(table, array, length).map_err(|error| self.part(error))
    }

    fn hash(&mut self, table: Ref<Table>) -> Result<(), Refusal> {
        let capacity = self.decoder.small()?;
        let count = self.decoder.small()?;
        self.prepare(capacity as usize * ENTRY_BYTES);
        let part = self.machine.heap.new_hash(capacity).map_err(|error| self.part(error))?;
        for _ in 0..count {
            let (key, is_buried) = self.key()?;
            let value = self.value()?;
            let restored = self.machine.heap.restore_entry(part, key, value, is_buried);
            restored.map_err(|error| self.part(error))?;
        }
        self.machine.heap.restore_hash(table, part).map_err(|error| self.part(error))
    }

    /// A key, and whether it was found dead.
    fn key(&mut self) -> Result<(Parts, bool), Refusal> {
        let tag = self.decoder.byte()?;
        if tag != DEAD {
            return Ok((self.value_of(tag)?, false));
        }
        match self.value()? {
            (NIL_TAG, _) => Ok(((DEAD, 0), false)),
            key if key.0 >= FIRST_REFERENCE_TAG => Ok((key, true)),
            _ => Err(self.decoder.malformed("a dead key is no object")),
        }
    }

    /// A string by its number.
    pub fn string(&mut self) -> Result<Ref<Str>, Refusal> {
        let number = self.decoder.number()?;
        match Value::from_parts(STRING, self.reference(STRING, number)?) {
            Value::String(string) => Ok(string),
            _ => Err(self.decoder.malformed("there is no such string")),
        }
    }
}
