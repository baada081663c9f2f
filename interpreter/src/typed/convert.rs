//! Values that go from the dynamic world to WebAssembly and back.
//!
//! Integers are taken as they are if they have 32 or 64 bits, signed or not; floats without fraction are integers as well.
//! They come back signed. A vector is a string of 16 bytes, a reference to a function is a function, `nil` is null, and any
//! value can be an external reference, or one to anything: integers of 31 bits are what `i31` is, structures and arrays are
//! values that are good for nothing but being passed on.

use super::types::is_i31;
use crate::{error::Throw, machine::Machine, metamethod::type_name};
use core::fmt;
use lunette_bytecode::{
    number::float_to_integer_exact,
    typed::module::{HeapType, ValueType},
};
use lunette_gc::value::Value;

/// A value in registers.
#[derive(Clone, Copy, Debug)]
pub enum Register {
    /// In a number register.
    Number(u64),
    /// In two of them.
    Vector([u64; 2]),
    /// In a reference register.
    Reference(Value),
}

impl Register {
    /// What a register of this type holds at first.
    pub fn zero(wanted: ValueType) -> Register {
        match wanted {
            ValueType::V128 => Register::Vector([0; 2]),
            ValueType::Reference(_) => Register::Reference(Value::Nil),
            _ => Register::Number(0),
        }
    }

    /// The number; 0 if it is none.
    pub fn number(self) -> u64 {
        match self {
            Register::Number(value) => value,
            Register::Vector(_) | Register::Reference(_) => 0,
        }
    }

    /// The reference; null if it is none.
    pub fn reference(self) -> Value {
        match self {
            Register::Reference(value) => value,
            Register::Number(_) | Register::Vector(_) => Value::Nil,
        }
    }
}

/// Why a value is not one of the type wanted: what is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    expected: &'static str,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.expected)
    }
}

fn integer(value: Value) -> Option<i64> {
    match value {
        Value::Integer(value) => Some(value),
        Value::Float(value) => float_to_integer_exact(value),
        _ => None,
    }
}

/// The value as one of this type.
pub fn to_register(machine: &Machine, value: Value, wanted: ValueType) -> Result<Register, Mismatch> {
    let mismatch = |expected| Mismatch { expected };
    match wanted {
        ValueType::I32 => {
            let value = integer(value).ok_or(mismatch("integer"))?;
            if i32::try_from(value).is_err() && u32::try_from(value).is_err() {
                return Err(mismatch("integer of 32 bits"));
            }
            Ok(Register::Number(value as u32 as u64))
        }
        ValueType::I64 => Ok(Register::Number(integer(value).ok_or(mismatch("integer"))? as u64)),
        ValueType::F32 => Ok(Register::Number(narrow(float(value).ok_or(mismatch("number"))?).to_bits().into())),
        ValueType::F64 => Ok(Register::Number(float(value).ok_or(mismatch("number"))?.to_bits())),
        ValueType::V128 => {
            let Value::String(string) = value else { return Err(mismatch("string of 16 bytes")) };
            let bytes = <[u8; 16]>::try_from(machine.bytes(string)).map_err(|_| mismatch("string of 16 bytes"))?;
            let vector = u128::from_le_bytes(bytes);
            Ok(Register::Vector([vector as u64, (vector >> 64) as u64]))
        }
        ValueType::Reference(wanted) => {
            // A float without fraction is an integer where only that will do.
            let small = integer(value).map(Value::Integer).filter(|&value| is_i31(value));
            let value = match (small, wanted.heap) {
                (Some(small), HeapType::I31 | HeapType::Equal) => small,
                _ => value,
            };
            match (value, wanted.heap) {
                (Value::Nil, _) if wanted.is_nullable => Ok(Register::Reference(Value::Nil)),
                (Value::Nil, _) => Err(mismatch("reference that is not null")),
                (value, heap) if machine.is_of(value, heap) => Ok(Register::Reference(value)),
                (Value::TypedFunction(_) | Value::TypedObject(_), _) => Err(mismatch("reference of another type")),
                (_, HeapType::Function) => Err(mismatch("WebAssembly function")),
                (_, HeapType::I31) => Err(mismatch("integer of 31 bits")),
                (_, HeapType::Concrete(number)) if machine.is_function_type(number) => {
                    Err(mismatch("WebAssembly function"))
                }
                _ => Err(mismatch("WebAssembly object")),
            }
        }
    }
}

fn float(value: Value) -> Option<f64> {
    match value {
        Value::Integer(value) => Some(value as f64),
        Value::Float(value) => Some(value),
        _ => None,
    }
}

/// Bits of a mantissa that floats of 64 bits have more.
const MORE_MANTISSA: u32 = 29;

/// The float in 32 bits. What NaN carries stays, as far as there is room.
fn narrow(value: f64) -> f32 {
    if !value.is_nan() {
        return value as f32;
    }
    let bits = value.to_bits();
    let mantissa = (bits >> MORE_MANTISSA) as u32 & 0x7f_ffff;
    let sign = (bits >> 32) as u32 & 1 << 31;
    f32::from_bits(sign | 0x7f80_0000 | if mantissa == 0 { 1 << 22 } else { mantissa })
}

/// The float in 64 bits, with what NaN carries.
fn widen(value: f32) -> f64 {
    if !value.is_nan() {
        return value.into();
    }
    let bits = u64::from(value.to_bits());
    f64::from_bits((bits & 1 << 31) << 32 | 0x7ff << 52 | (bits & 0x7f_ffff) << MORE_MANTISSA)
}

/// The value that a number register holds.
pub fn from_number(bits: u64, given: ValueType) -> Value {
    match given {
        ValueType::I32 => Value::Integer((bits as i32).into()),
        ValueType::F32 => Value::Float(widen(f32::from_bits(bits as u32))),
        ValueType::F64 => Value::Float(f64::from_bits(bits)),
        _ => Value::Integer(bits as i64),
    }
}

impl Machine {
    /// The value of a vector: a string of its 16 bytes.
    pub(super) fn vector_value(&self, low: u64, high: u64) -> Result<Value, Throw> {
        let bytes = (u128::from(low) | u128::from(high) << 64).to_le_bytes();
        Ok(Value::String(self.new_string(&bytes)?))
    }

    /// An error about argument or result `index` (from 0) of a function that was called across.
    #[cold]
    pub(super) fn mismatch(&self, what: &str, index: usize, value: Value, mismatch: Mismatch) -> Throw {
        let number = index + 1;
        let given = match value {
            Value::Integer(value) => alloc::format!("{value}"),
            value => type_name(value).into(),
        };
        self.runtime_error(format_args!("bad {what} #{number} ({} expected, got {given})", mismatch.expected))
    }
}
