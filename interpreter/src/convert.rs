//! Conversions between strings and numbers, as operators and library functions make them.

use crate::machine::Machine;
use alloc::vec::Vec;
use lunette_bytecode::number::{Number, float_to_integer_exact, format_float, format_integer, parse_number};
use lunette_gc::value::Value;

/// Characters of a numeral that are read for one unit of fuel.
const CHARACTERS_PER_UNIT: u64 = 4;

impl Machine {
    /// The number a value is or, if it is a string, converts to: an integer or a float value.
    pub fn to_number(&self, value: Value) -> Option<Value> {
        match value {
            Value::Integer(_) | Value::Float(_) => Some(value),
            Value::String(string) => {
                self.spend(self.bytes(string).len() as u64 / CHARACTERS_PER_UNIT);
                match parse_number(self.bytes(string))? {
                    Number::Integer(value) => Some(Value::Integer(value)),
                    Number::Float(value) => Some(Value::Float(value)),
                }
            }
            _ => None,
        }
    }

    /// The float a value is or converts to.
    pub fn to_float(&self, value: Value) -> Option<f64> {
        match self.to_number(value)? {
            Value::Integer(value) => Some(value as f64),
            Value::Float(value) => Some(value),
            _ => None,
        }
    }

    /// The integer a value is or converts to exactly.
    pub fn to_integer(&self, value: Value) -> Option<i64> {
        match self.to_number(value)? {
            Value::Integer(value) => Some(value),
            Value::Float(value) => float_to_integer_exact(value),
            _ => None,
        }
    }

    /// Appends the text of a string or number; says whether the value is one.
    pub fn append_text(&self, value: Value, text: &mut Vec<u8>) -> bool {
        match value {
            Value::String(string) => text.extend_from_slice(self.bytes(string)),
            Value::Integer(value) => text.extend_from_slice(&format_integer(value)),
            Value::Float(value) => text.extend_from_slice(&format_float(value)),
            _ => return false,
        }
        true
    }
}
