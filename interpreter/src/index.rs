//! Reading and writing fields of any value, with metamethods and inline caches.

use crate::{
    dispatch::state::{Operands, Status},
    error::Throw,
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
    table::{Origin, Table, TableError},
    value::Value,
};

/// How long a chain of `__index` or `__newindex` may be.
const MAX_CHAIN: u32 = 2000;

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
            if matches!(handler, Value::Closure(_) | Value::NativeClosure(_)) {
                return Ok(Lookup::Call { function: handler, object });
            }
            object = handler;
        }
        Err(self.runtime_error(format_args!("'__index' chain too long; possible loop")))
    }

    /// Stores a value under a key, along `__newindex`.
    pub fn store(&self, mut object: Value, key: Value, value: Value) -> Result<Store, Throw> {
        for _ in 0..MAX_CHAIN {
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
            if matches!(handler, Value::Closure(_) | Value::NativeClosure(_)) {
                return Ok(Store::Call { function: handler, object });
            }
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
    fn site(&self, number: usize) -> (&Site, Ref<Str>, Ref<Prototype>) {
        let prototype = self.running_prototype();
        let sites = self.heap.sites(prototype);
        let site = &sites[sites.len() - 1 - number];
        match self.heap.constants(prototype)[site.key as usize].get() {
            Value::String(key) => (site, key, prototype),
            other => unreachable!("the verifier wants a string here, not {other:?}"),
        }
    }

    /// Reads a named field through a site.
    #[inline(always)]
    fn get_named(&mut self, object: Value, number: usize) -> Result<Lookup, Throw> {
        let (site, key, prototype) = self.site(number);
        let Value::Table(table) = object else {
            return self.look_up(object, Value::String(key));
        };
        let object_table = self.heap.get(table);
        let (shape, metatable) = (object_table.shape.get(), object_table.metatable.get());
        let epoch = self.heap.prototype_epoch();
        if site.next_shape.get() == Some(shape) && site.metatable.get() == metatable && site.epoch.get() == epoch {
            let Some(holder) = site.holder.get() else {
                return Ok(Lookup::Found(Value::Nil));
            };
            let value = self.field_at(holder, site.holder_offset.get());
            if !value.is_nil() {
                return Ok(Lookup::Found(value));
            }
        }
        let is_field = !self.heap.is_dictionary(shape) && self.heap.get(key).is_short();
        if !is_field {
            let value = self.heap.table_get_string(table, key);
            if !value.is_nil() || metatable.is_none() {
                return Ok(Lookup::Found(value));
            }
            return self.look_up(object, Value::String(key));
        }
        let own = self.heap.find_field_offset(shape, key);
        if let Some(offset) = own {
            let value = self.field_at(table, offset);
            site.shape.set(Some(shape));
            site.offset.set(offset);
            self.heap.barrier(prototype);
            if !value.is_nil() {
                return Ok(Lookup::Found(value));
            }
        }
        let Some(metatable) = metatable else {
            return Ok(Lookup::Found(Value::Nil));
        };
        // Not in the table itself: remember what there is along `__index`.
        let mut found = self.method_cache.get(shape, metatable, key, epoch);
        if found.is_none() {
            found = self.find_inherited(table, key);
            if let Some(found) = found {
                self.method_cache.set(shape, metatable, key, self.heap.prototype_epoch(), found);
            }
        }
        let (holder, offset) = match found {
            Some(Inherited::Field(holder, offset)) => (Some(holder), offset),
            Some(Inherited::Absent) => (None, 0),
            None => return self.look_up(object, Value::String(key)),
        };
        let value = holder.map_or(Value::Nil, |holder| self.field_at(holder, offset));
        if holder.is_some() && value.is_nil() {
            return self.look_up(object, Value::String(key));
        }
        if own.is_none() {
            let (site, _, _) = self.site(number);
            site.next_shape.set(Some(shape));
            site.metatable.set(Some(metatable));
            site.holder.set(holder);
            site.holder_offset.set(offset);
            site.epoch.set(self.heap.prototype_epoch());
            self.heap.barrier(prototype);
        }
        Ok(Lookup::Found(value))
    }

    fn field_at(&self, table: Ref<Table>, offset: u32) -> Value {
        let fields = self.heap.get(table).fields.get();
        fields.map_or(Value::Nil, |fields| {
            self.heap.slots(fields).get((offset as usize - 8) / 16).map_or(Value::Nil, |slot| slot.get())
        })
    }

    /// What looking for `key` along `__index` of `table` gives, if all tables on the way are such that changes to them
    /// are noticed. Marks them as prototypes.
    fn find_inherited(&self, table: Ref<Table>, key: Ref<Str>) -> Option<Inherited> {
        let mut current = table;
        for _ in 0..8 {
            let Some(metatable) = self.heap.get(current).metatable.get() else {
                return Some(Inherited::Absent);
            };
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
                return if self.field_at(next, offset).is_nil() { None } else { Some(Inherited::Field(next, offset)) };
            }
            current = next;
        }
        None
    }

    fn mark_prototype(&self, table: Ref<Table>) {
        let flags = &self.heap.get(table).header.flags;
        flags.set(flags.get() | Table::PROTOTYPE);
    }

    /// Writes a named field through a site.
    fn set_named(&self, object: Value, number: usize, value: Value) -> Result<Store, Throw> {
        let (site, key, prototype) = self.site(number);
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
        let after = self.heap.get(table).shape.get();
        if self.bytes(key).starts_with(b"__")
            || self.heap.is_dictionary(after)
            || !self.heap.get(key).is_short()
            || value.is_nil()
        {
            return Ok(Store::Done);
        }
        if let Some(offset) = self.heap.find_field_offset(after, key) {
            if before == after {
                site.shape.set(Some(after));
                site.offset.set(offset);
            } else {
                site.next_shape.set(Some(before));
                site.holder.set(Some(after.cast()));
                site.holder_offset.set(offset);
            }
            self.heap.barrier(prototype);
        }
        Ok(Store::Done)
    }

    #[inline(always)]
    fn finish_get_named(&mut self, word: Word, found: Lookup) -> Outcome {
        match found {
            Lookup::Found(value) => {
                self.set_register(word.a(), value);
                Ok(Status::Next)
            }
            Lookup::Call { function, object } => {
                let key = Value::String(self.site(word.c()).1);
                self.call_metamethod(function, &[object, key])
            }
        }
    }

    fn finish_get(&mut self, target: usize, key: Value, found: Lookup) -> Outcome {
        match found {
            Lookup::Found(value) => {
                self.set_register(target, value);
                Ok(Status::Next)
            }
            Lookup::Call { function, object } => self.call_metamethod(function, &[object, key]),
        }
    }

    fn finish_set(&mut self, key: Value, value: Value, stored: Store) -> Outcome {
        match stored {
            Store::Done => after_allocation(self),
            Store::Call { function, object } => {
                let next = self.push_values(function, &[object, key, value], 0, crate::frame::Return::Finish, false)?;
                Ok(self.drive(next))
            }
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
    let found = machine.get_named(object, word.c())?;
    machine.finish_get_named(word, found)
}

/// `get_method`
pub(crate) fn get_method(machine: &mut Machine, word: Word) -> Outcome {
    let object = machine.register(word.b());
    let found = machine.get_named(object, word.c())?;
    machine.set_register(word.a() + 32, object);
    machine.finish_get_named(word, found)
}

/// `set_field` and `set_upvalue_field`.
pub(crate) fn set_field(machine: &mut Machine, word: Word) -> Outcome {
    let (object, value) = if is_upvalue_field(word) {
        (upvalue(machine, word.b()), machine.register(word.a()))
    } else {
        (machine.register(word.a()), machine.register(word.b()))
    };
    match machine.set_named(object, word.c(), value)? {
        Store::Done => after_allocation(machine),
        stored => {
            let key = Value::String(machine.site(word.c()).1);
            machine.finish_set(key, value, stored)
        }
    }
}

/// `get_index` with a string key.
pub(crate) fn get_string_index(machine: &mut Machine, word: Word) -> Outcome {
    if let (Value::Table(table), Value::String(key)) = (machine.register(word.b()), machine.register(word.c())) {
        let value = machine.heap.table_get_string(table, key);
        if !value.is_nil() {
            machine.set_register(word.a(), value);
            return Ok(Status::Next);
        }
    }
    get_index(machine, word)
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
        machine.raw_set(table, key, value)?;
        return after_allocation(machine);
    }
    let stored = machine.store(object, key, value)?;
    machine.finish_set(key, value, stored)
}
