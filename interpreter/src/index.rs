//! Reading and writing fields of any value, with metamethods and inline caches.

use crate::{
    dispatch::state::{Operands, Status},
    error::Throw,
    field_cache::{Place, Question},
    machine::{Machine, Outcome},
    metamethod::Event,
    method_cache::Inherited,
    slow::after_allocation,
};
use lunette_bytecode::instruction::Word;
use lunette_gc::{
    function::{Prototype, Site},
    reference::Ref,
    string::Str,
    table::{Origin, Parts, Shape, Table, TableError, names::is_checkpoint},
    value::{Tag, Value},
};

const NIL_TAG: u8 = Tag::Nil as u8;

/// How long a chain of `__index` or `__newindex` may be.
const MAX_CHAIN: u32 = 2000;
/// Fuel for going on to the next object of such a chain.
const HOP_COST: u64 = 1;

/// The result of reading a field.
#[derive(Clone, Copy, Debug)]
pub enum Lookup {
    /// The value.
    Found(Value),
    /// The function must be called with the object and the key; its first result is the value.
    Call {
        /// The metamethod.
        function: Value,
        /// The object whose metamethod it is.
        object: Value,
    },
}

/// The result of writing a field.
#[derive(Clone, Copy, Debug)]
pub enum Store {
    /// It is written.
    Done,
    /// The function must be called with the object, the key and the value.
    Call {
        /// The metamethod.
        function: Value,
        /// The object whose metamethod it is.
        object: Value,
    },
}

impl Machine {
    /// Looks a key up, along `__index`.
    pub fn look_up(&self, mut object: Value, key: Value) -> Result<Lookup, Throw> {
        for _ in 0..MAX_CHAIN {
            self.spend_on_key(key);
            let handler = match object {
                Value::Table(table) => {
                    let value = self.heap.table_get(table, key);
                    if !value.is_nil() {
                        return Ok(Lookup::Found(value));
                    }
                    let handler = self.metamethod(object, Event::Index);
                    if handler.is_nil() {
                        return Ok(Lookup::Found(Value::Nil));
                    }
                    handler
                }
                _ => {
                    let handler = self.metamethod(object, Event::Index);
                    if handler.is_nil() {
                        return Err(self.index_error(object));
                    }
                    handler
                }
            };
            if handler.is_function() {
                return Ok(Lookup::Call { function: handler, object });
            }
            self.spend(HOP_COST);
            object = handler;
        }
        Err(self.runtime_error(format_args!("'__index' chain too long; possible loop")))
    }

    /// Stores a value under a key, along `__newindex`.
    pub fn store(&self, mut object: Value, key: Value, value: Value) -> Result<Store, Throw> {
        for _ in 0..MAX_CHAIN {
            self.spend_on_key(key);
            let handler = match object {
                Value::Table(table) => {
                    let handler = match self.heap.get(table).metatable.get() {
                        None => Value::Nil,
                        Some(metatable) => self.metatable_event(metatable, Event::NewIndex),
                    };
                    if handler.is_nil() || !self.heap.table_get(table, key).is_nil() {
                        self.raw_set(table, key, value)?;
                        return Ok(Store::Done);
                    }
                    handler
                }
                _ => {
                    let handler = self.metamethod(object, Event::NewIndex);
                    if handler.is_nil() {
                        return Err(self.index_error(object));
                    }
                    handler
                }
            };
            if handler.is_function() {
                return Ok(Store::Call { function: handler, object });
            }
            self.spend(HOP_COST);
            object = handler;
        }
        Err(self.runtime_error(format_args!("'__newindex' chain too long; possible loop")))
    }

    /// Stores a value under a key of a table, without metamethods.
    pub fn raw_set(&self, table: Ref<Table>, key: Value, value: Value) -> Result<(), Throw> {
        self.heap.table_set(table, key, value).map_err(|error| self.table_error(error))
    }

    /// The error of a failed store.
    pub fn table_error(&self, error: TableError) -> Throw {
        match error {
            TableError::OutOfMemory(_) => Throw::Memory,
            TableError::KeyIsNil => self.runtime_error(format_args!("table index is nil")),
            TableError::KeyIsNan => self.runtime_error(format_args!("table index is NaN")),
            TableError::Overflow => self.runtime_error(format_args!("table overflow")),
        }
    }

    /// Site `number` of the running function, its key and the function.
    #[inline(always)]
    pub(crate) fn site(&self, number: usize) -> (&Site, Ref<Str>, Ref<Prototype>) {
        let prototype = self.running_prototype();
        let sites = self.heap.sites(prototype);
        let site = &sites[sites.len() - 1 - number];
        match self.heap.constants(prototype)[site.key_number() as usize].get() {
            Value::String(key) => (site, key, prototype),
            other => unreachable!("the verifier wants a string here, not {other:?}"),
        }
    }

    /// Reads the field of a site from a table, if that needs no metamethod. Fills the site. Of what is found along
    /// `__index` for tables of a shape that has the key, too, it is remembered only that there is nothing: their own field may
    /// be set.
    #[inline(always)]
    fn get_from_table(&mut self, table: Ref<Table>, number: usize) -> Option<Parts> {
        let (site, key, prototype) = self.site(number);
        let object = self.heap.get(table);
        let (shape, metatable) = (object.shape.get(), object.metatable.get());
        let own = self.heap.find_field_offset(shape, key);
        let question = Question { shape, metatable, key, epoch: self.heap.prototype_epoch() };
        if let Some(offset) = own {
            self.field_cache.set(question, Place::Own(offset));
            if site.shape.get() != Some(shape) {
                site.remember_own(shape, offset);
                self.heap.barrier(prototype);
            }
            let value = self.field_at(table, offset);
            if value.0 != NIL_TAG || metatable.is_none() {
                return Some(value);
            }
        } else if self.heap.is_dictionary(shape) || !self.heap.get(key).is_short() {
            self.spend_on_key(Value::String(key));
            let value = self.heap.table_get_string_parts(table, key);
            return if value.0 != NIL_TAG || metatable.is_none() { Some(value) } else { None };
        }
        let found = match metatable {
            Some(metatable) => self.inherited(shape, metatable, key)?,
            None => Inherited::Absent,
        };
        let value = self.value_of(found)?;
        if own.is_none() {
            self.field_cache.set(question, Place::Inherited(found));
        }
        if own.is_none() || found == Inherited::Absent {
            self.remember_inherited(number, shape, metatable, own, found);
        }
        Some(value)
    }

    /// Fills the third entry of a site that gets.
    fn remember_inherited(
        &self,
        number: usize,
        shape: Ref<Shape>,
        metatable: Option<Ref<Table>>,
        own: Option<u32>,
        found: Inherited,
    ) {
        let (site, _, prototype) = self.site(number);
        let (holder, offset) = match found {
            Inherited::Field(holder, offset) => (Some(holder), offset),
            Inherited::Absent => (None, own.unwrap_or(0)),
        };
        let is_used = site.next_shape.get().is_some() && site.epoch.get() == self.heap.prototype_epoch();
        if is_used && (site.next_shape.get() != Some(shape) || site.metatable.get() != metatable) {
            site.set_crowded();
        }
        site.next_shape.set(Some(shape));
        site.metatable.set(metatable);
        site.holder.set(holder);
        site.holder_offset.set(offset);
        site.epoch.set(self.heap.prototype_epoch());
        self.heap.barrier(prototype);
    }

    /// The value of what was found along `__index`; `None` if it is nil by now and must be looked for again.
    fn value_of(&self, found: Inherited) -> Option<Parts> {
        match found {
            Inherited::Absent => Some((NIL_TAG, 0)),
            Inherited::Field(holder, offset) => {
                let value = self.field_at(holder, offset);
                if value.0 == NIL_TAG { None } else { Some(value) }
            }
        }
    }

    /// What looking for `key` along `__index` of an object with this shape and metatable gives, if that is remembered or
    /// can be.
    fn inherited(&mut self, shape: Ref<Shape>, metatable: Ref<Table>, key: Ref<Str>) -> Option<Inherited> {
        let epoch = self.heap.prototype_epoch();
        if let Some(found) = self.method_cache.get(shape, metatable, key, epoch) {
            return Some(found);
        }
        let found = self.find_inherited(metatable, key)?;
        self.method_cache.set(shape, metatable, key, self.heap.prototype_epoch(), found);
        Some(found)
    }

    /// The method of strings with the key of a site, which remembers it as if the metatable were a table without the
    /// key.
    fn get_from_strings(&mut self, metatable: Ref<Table>, number: usize) -> Option<Parts> {
        let shape = self.heap.get(metatable).shape.get();
        let (_, key, _) = self.site(number);
        let found = self.inherited(shape, metatable, key)?;
        let value = self.value_of(found)?;
        if self.heap.find_field(shape, key).is_none() {
            self.remember_inherited(number, shape, Some(metatable), None, found);
        }
        Some(value)
    }

    /// Reads a named field through a site.
    #[inline(always)]
    fn get_named(&mut self, word: Word, object: Value) -> Outcome {
        let found = match object {
            Value::Table(table) => self.get_from_table(table, word.c()),
            Value::String(_) => self.metatable(object).and_then(|metatable| self.get_from_strings(metatable, word.c())),
            _ => None,
        };
        if let Some((tag, payload)) = found {
            let target = self.slot(self.register_index(word.a()));
            target.payload.set(payload);
            target.tag.set(tag.into());
            return Ok(Status::Next);
        }
        let key = Value::String(self.site(word.c()).1);
        let found = self.look_up(object, key)?;
        self.finish_get(word.a(), key, found)
    }

    #[inline(always)]
    fn field_at(&self, table: Ref<Table>, offset: u32) -> Parts {
        let slots = self.heap.field_slots(self.heap.get(table));
        slots.get((offset as usize - 8) / 16).map_or((NIL_TAG, 0), |slot| (slot.tag.get() as u8, slot.payload.get()))
    }

    /// What looking for `key` along `__index` of an object with this metatable gives, if all tables on the way are such
    /// that changes to them are noticed. Marks them as prototypes.
    fn find_inherited(&self, mut metatable: Ref<Table>, key: Ref<Str>) -> Option<Inherited> {
        if !self.heap.get(key).is_short() {
            return None;
        }
        for _ in 0..8 {
            self.mark_prototype(metatable);
            let next = match self.metatable_event(metatable, Event::Index) {
                Value::Table(next) => next,
                Value::Nil => return Some(Inherited::Absent),
                _ => return None,
            };
            self.mark_prototype(next);
            let shape = self.heap.get(next).shape.get();
            if self.heap.is_dictionary(shape) {
                return None;
            }
            if let Some(offset) = self.heap.find_field_offset(shape, key) {
                let is_nil = self.field_at(next, offset).0 == NIL_TAG;
                return if is_nil { None } else { Some(Inherited::Field(next, offset)) };
            }
            let Some(further) = self.heap.get(next).metatable.get() else {
                return Some(Inherited::Absent);
            };
            metatable = further;
        }
        None
    }

    fn mark_prototype(&self, table: Ref<Table>) {
        let flags = &self.heap.get(table).header.flags;
        flags.set(flags.get() | Table::PROTOTYPE);
    }

    /// Writes a named field through a site.
    fn set_named(&self, object: Value, number: usize, value: Value) -> Result<Store, Throw> {
        let (_, key, _) = self.site(number);
        let Value::Table(table) = object else {
            return self.store(object, Value::String(key), value);
        };
        let before = self.heap.get(table).shape.get();
        let metatable = self.heap.get(table).metatable.get();
        if let Some(metatable) = metatable
            && !self.metatable_event(metatable, Event::NewIndex).is_nil()
        {
            return self.store(object, Value::String(key), value);
        }
        self.heap.table_set_string(table, key, value, Origin::Named).map_err(|error| self.table_error(error))?;
        self.remember_stored(table, before, number);
        Ok(Store::Done)
    }

    /// Writes a field of a new table through a site.
    fn initialize_named(&self, object: Value, number: usize, value: Value) -> Result<Store, Throw> {
        let (_, key, _) = self.site(number);
        match object {
            Value::Table(table) if self.heap.get(table).metatable.get().is_none() && self.heap.get(key).is_short() => {
                let before = self.heap.get(table).shape.get();
                let stored = self.heap.table_initialize_short(table, key, value.to_parts());
                stored.map_err(|error| self.table_error(error))?;
                self.remember_stored(table, before, number);
                Ok(Store::Done)
            }
            _ => self.set_named(object, number, value),
        }
    }

    /// Fills a site that sets, after a value was stored in a table that had the shape `before`.
    fn remember_stored(&self, table: Ref<Table>, before: Ref<Shape>, number: usize) {
        let (site, key, prototype) = self.site(number);
        let after = self.heap.get(table).shape.get();
        if self.bytes(key).starts_with(b"__") || self.heap.is_dictionary(after) || !self.heap.get(key).is_short() {
            return;
        }
        if let Some(offset) = self.heap.find_field_offset(after, key) {
            if before == after {
                site.remember_own(after, offset);
            } else if is_checkpoint(self.heap.get(before).count) {
                return;
            } else {
                site.next_shape.set(Some(before));
                site.holder.set(Some(after.cast()));
                site.holder_offset.set(offset);
            }
            self.heap.barrier(prototype);
        }
    }

    fn finish_get(&mut self, target: usize, key: Value, found: Lookup) -> Outcome {
        match found {
            Lookup::Found(value) => {
                self.set_register(target, value);
                Ok(Status::Next)
            }
            Lookup::Call { function, object } => self.call_metamethod(function, [object, key], 1),
        }
    }

    fn finish_set(&mut self, word: Word, key: Value, value: Value, stored: Store) -> Outcome {
        match stored {
            Store::Done => after_allocation(self, word),
            Store::Call { function, object } => self.call_metamethod(function, [object, key, value], 0),
        }
    }
}

/// The value of upvalue `number` of the running function.
pub(crate) fn upvalue(machine: &Machine, number: usize) -> Value {
    let Value::Closure(closure) = machine.function_of(machine.base) else {
        return Value::Nil;
    };
    machine.heap.upvalue_cells(closure)[number].get().map_or(Value::Nil, |cell| machine.heap.get(cell).value.get())
}

/// Whether the object of the instruction is an upvalue's value.
pub(crate) fn is_upvalue_field(word: Word) -> bool {
    use lunette_bytecode::instruction::Opcode;
    let number = word.opcode_number();
    number == Opcode::get_upvalue_field as u8 || number == Opcode::set_upvalue_field as u8
}

/// `get_field` and `get_upvalue_field`.
pub(crate) fn get_field(machine: &mut Machine, word: Word) -> Outcome {
    let object = if is_upvalue_field(word) { upvalue(machine, word.b()) } else { machine.register(word.b()) };
    machine.get_named(word, object)
}

/// `get_method`
pub(crate) fn get_method(machine: &mut Machine, word: Word) -> Outcome {
    let object = machine.register(word.b());
    machine.set_register(word.a() + 32, object);
    machine.get_named(word, object)
}

/// `set_field` and `set_upvalue_field`.
pub(crate) fn set_field(machine: &mut Machine, word: Word) -> Outcome {
    let (object, value) = if is_upvalue_field(word) {
        (upvalue(machine, word.b()), machine.register(word.a()))
    } else {
        (machine.register(word.a()), machine.register(word.b()))
    };
    let stored = machine.set_named(object, word.c(), value)?;
    let key = Value::String(machine.site(word.c()).1);
    machine.finish_set(word, key, value, stored)
}

/// `initialize_field`
pub(crate) fn initialize_field(machine: &mut Machine, word: Word) -> Outcome {
    let (object, value) = (machine.register(word.a()), machine.register(word.b()));
    let stored = machine.initialize_named(object, word.c(), value)?;
    let key = Value::String(machine.site(word.c()).1);
    machine.finish_set(word, key, value, stored)
}

/// `get_index` and `get_integer`.
pub(crate) fn get_index(machine: &mut Machine, word: Word) -> Outcome {
    use lunette_bytecode::instruction::Opcode;
    let object = machine.register(word.b());
    let key = if word.opcode_number() == Opcode::get_integer as u8 {
        Value::Integer(word.c() as i64)
    } else {
        machine.register(word.c())
    };
    let found = machine.look_up(object, key)?;
    machine.finish_get(word.a(), key, found)
}

/// `set_index` and `set_integer`.
pub(crate) fn set_index(machine: &mut Machine, word: Word) -> Outcome {
    use lunette_bytecode::instruction::Opcode;
    let object = machine.register(word.a());
    let value = machine.register(word.c());
    let key = if word.opcode_number() == Opcode::set_integer as u8 {
        Value::Integer(word.b() as i64)
    } else {
        machine.register(word.b())
    };
    if let Value::Table(table) = object
        && machine.heap.get(table).metatable.get().is_none()
    {
        machine.spend_on_key(key);
        machine.raw_set(table, key, value)?;
        return after_allocation(machine, word);
    }
    let stored = machine.store(object, key, value)?;
    machine.finish_set(word, key, value, stored)
}
