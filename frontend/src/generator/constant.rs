//! The constants of functions and the sites of inline caches.

use super::Generator;
use super::register::Destination;
use crate::error::Failure;
use crate::fold::Constant;
use crate::strings::StringId;
use lunette_bytecode::instruction::{MAX_SMALL_CONSTANTS, Opcode};
use lunette_bytecode::module;

/// The most sites that instructions of a function can name.
const MAX_SITES: usize = 1 << 16;

/// What makes two constants the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Nil,
    Boolean(bool),
    Integer(i64),
    Float(u64),
    String(StringId),
}

impl Generator<'_> {
    /// The number of a constant in the function.
    pub(super) fn constant(&mut self, constant: Constant) -> Result<u32, Failure> {
        let key = match constant {
            Constant::Nil => Key::Nil,
            Constant::Boolean(value) => Key::Boolean(value),
            Constant::Integer(value) => Key::Integer(value),
            Constant::Float(value) => Key::Float(value.to_bits()),
            Constant::String(id) => Key::String(id),
        };
        if let Some(&number) = self.function.constant_numbers.get(&key) {
            return Ok(number);
        }
        let number = self.function.constants.len() as u32;
        let value = match constant {
            Constant::Nil => module::Constant::Nil,
            Constant::Boolean(value) => module::Constant::Boolean(value),
            Constant::Integer(value) => module::Constant::Integer(value),
            Constant::Float(value) => module::Constant::Float(value),
            Constant::String(id) => module::Constant::String(self.memory.copy(self.strings.get(id))?),
        };
        self.memory.push(&mut self.function.constants, value)?;
        self.memory.insert(&mut self.function.constant_numbers, key, number)?;
        Ok(number)
    }

    /// The number of a constant, if an operand for small constants reaches it.
    pub(super) fn small_constant(&mut self, constant: Constant) -> Result<Option<i64>, Failure> {
        let number = self.constant(constant)?;
        Ok((number < MAX_SMALL_CONSTANTS).then_some(number.into()))
    }

    /// A new site with this key, unless the function has as many as it can.
    pub(super) fn site(&mut self, key: StringId) -> Result<Option<i64>, Failure> {
        let site = self.function.sites.len();
        if site == MAX_SITES {
            return Ok(None);
        }
        let number = self.constant(Constant::String(key))?;
        self.memory.push(&mut self.function.sites, number)?;
        Ok(Some(site as i64))
    }

    /// Loads a constant.
    pub(super) fn load(&mut self, constant: Constant, destination: Destination) -> Result<u8, Failure> {
        let register = self.take(destination)?;
        let target = i64::from(register);
        match constant {
            Constant::Nil => self.emit_nil(register, 1)?,
            Constant::Boolean(false) => self.emit(Opcode::load_false, &[target]).map(drop)?,
            Constant::Boolean(true) => self.emit(Opcode::load_true, &[target]).map(drop)?,
            Constant::Integer(value) if i32::try_from(value).is_ok() => {
                self.emit(Opcode::load_integer, &[target, value])?;
            }
            _ => {
                let number = self.constant(constant)?;
                self.emit(Opcode::load_constant, &[target, number.into()])?;
            }
        }
        Ok(register)
    }
}
