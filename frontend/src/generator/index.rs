//! Fields and elements of tables, variables outside of the function.

use super::expression::{Operand, Term};
use super::register::Destination;
use super::{Done, Generator};
use crate::ast::*;
use crate::error::Failure;
use crate::fold::Constant;
use crate::strings::StringId;
use lunette_bytecode::instruction::Opcode;

/// What is indexed or called. Upvalues are read as late as possible: an instruction can index them in place.
#[derive(Clone, Copy)]
pub(super) enum Object {
    Operand(Operand),
    Upvalue(u8),
}

/// With what it is indexed.
#[derive(Clone, Copy)]
pub(super) enum Key {
    Field(StringId),
    /// A small integer that is not negative.
    Integer(u16),
    Operand(Operand),
}

impl Generator<'_> {
    /// Evaluates the expression before suffixes.
    pub(super) fn primary(&mut self, id: ExpressionId) -> Result<Object, Failure> {
        let term = self.term(id);
        if let Term::Node(id) = term
            && let Expression { kind: ExpressionKind::Upvalue(number), position } = self.ast.expression(id)
        {
            self.position = position;
            return Ok(Object::Upvalue(number));
        }
        Ok(Object::Operand(self.operand(term)?))
    }

    /// Evaluates a key.
    pub(super) fn key(&mut self, id: ExpressionId) -> Result<Key, Failure> {
        let operand = self.operand(self.term(id))?;
        if let Operand::Constant(constant) = operand {
            match constant {
                Constant::String(name) => return Ok(Key::Field(name)),
                Constant::Integer(value) => {
                    if let Ok(small) = u16::try_from(value) {
                        return Ok(Key::Integer(small));
                    }
                }
                _ => {}
            }
        }
        Ok(Key::Operand(operand))
    }

    pub(super) fn object_register(&mut self, object: Object) -> Result<u8, Failure> {
        match object {
            Object::Operand(operand) => self.register(operand),
            Object::Upvalue(_) => self.put_object(object, Destination::Next),
        }
    }

    /// Brings an object to its destination.
    pub(super) fn put_object(&mut self, object: Object, destination: Destination) -> Result<u8, Failure> {
        match object {
            Object::Operand(operand) => self.put(operand, destination),
            Object::Upvalue(number) => {
                let target = self.take(destination)?;
                self.emit(Opcode::get_upvalue, &[target.into(), number.into()])?;
                Ok(target)
            }
        }
    }

    /// `object[key]`. Registers from `mark` on are free afterwards but for the result.
    pub(super) fn get(&mut self, object: Object, key: Key, mark: u32, destination: Destination) -> Result<u8, Failure> {
        if let Key::Field(name) = key
            && let Some(site) = self.site(name)?
        {
            let (opcode, source) = match object {
                Object::Upvalue(number) => (Opcode::get_upvalue_field, number),
                Object::Operand(operand) => (Opcode::get_field, self.register(operand)?),
            };
            self.function.free = mark;
            let target = self.take(destination)?;
            self.emit(opcode, &[target.into(), source.into(), site])?;
            return Ok(target);
        }
        let table = self.object_register(object)?;
        let (opcode, operand) = match key {
            Key::Integer(integer) => (Opcode::get_integer, i64::from(integer)),
            _ => (Opcode::get_index, self.key_register(key)?.into()),
        };
        self.function.free = mark;
        let target = self.take(destination)?;
        self.emit(opcode, &[target.into(), table.into(), operand])?;
        Ok(target)
    }

    /// `object[key] = value`
    pub(super) fn set(&mut self, object: Object, key: Key, value: Operand) -> Done {
        if let Key::Field(name) = key
            && let Some(site) = self.site(name)?
        {
            let operands = match object {
                Object::Upvalue(number) => [self.register(value)?.into(), number.into(), site],
                Object::Operand(operand) => [self.register(operand)?.into(), self.register(value)?.into(), site],
            };
            let opcode = match object {
                Object::Upvalue(_) => Opcode::set_upvalue_field,
                Object::Operand(_) => Opcode::set_field,
            };
            return self.emit(opcode, &operands).map(drop);
        }
        let table = self.object_register(object)?.into();
        if let Key::Integer(integer) = key {
            let value = self.register(value)?.into();
            return self.emit(Opcode::set_integer, &[table, integer.into(), value]).map(drop);
        }
        let key = self.key_register(key)?.into();
        let value = self.register(value)?.into();
        self.emit(Opcode::set_index, &[table, key, value]).map(drop)
    }

    /// `name = value` in a table's constructor.
    pub(super) fn initialize(&mut self, table: u8, name: StringId, value: Operand) -> Done {
        match self.site(name)? {
            Some(site) => {
                let value = self.register(value)?;
                self.emit(Opcode::initialize_field, &[table.into(), value.into(), site]).map(drop)
            }
            None => self.set(Object::Operand(Operand::Register(table)), Key::Field(name), value),
        }
    }

    /// The register of a key that no other instruction form has room for.
    fn key_register(&mut self, key: Key) -> Result<u8, Failure> {
        match key {
            Key::Field(name) => self.load(Constant::String(name), Destination::Next),
            Key::Integer(integer) => self.load(Constant::Integer(integer.into()), Destination::Next),
            Key::Operand(operand) => self.register(operand),
        }
    }

    /// The field `name` of the table in an upvalue.
    pub(super) fn upvalue_field(
        &mut self,
        number: u8,
        name: StringId,
        destination: Destination,
    ) -> Result<u8, Failure> {
        let mark = self.function.free;
        self.get(Object::Upvalue(number), Key::Field(name), mark, destination)
    }

    /// The environment of a global variable that is no upvalue.
    pub(super) fn environment(&self, id: GlobalId) -> (Object, Key) {
        let Global { environment, name } = self.ast.globals[id.0 as usize];
        let operand = match environment {
            ExpressionKind::Local(local) => self.variable(local),
            kind => Operand::Constant(self.ast.literal(kind).unwrap_or(Constant::Nil)),
        };
        (Object::Operand(operand), Key::Field(name))
    }

    pub(super) fn global(&mut self, id: GlobalId, position: u32, destination: Destination) -> Result<u8, Failure> {
        self.position = position;
        let mark = self.function.free;
        let (environment, name) = self.environment(id);
        self.get(environment, name, mark, destination)
    }
}
