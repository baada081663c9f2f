//! Arguments of native functions, checked and converted, with the error messages of PUC Lua.
//!
//! Arguments are counted from 0 here and from 1 in messages.

use crate::text;
use alloc::{format, vec::Vec};
use core::fmt;
use lunette_gc::{reference::Ref, string::Str, table::Table, thread::Thread, value::Value};
use lunette_interpreter::{Frame, Machine, Throw, metamethod::Event, traceback::FrameView};

/// Checks of a native function's arguments.
pub(crate) trait Arguments {
    /// The error for an argument: `bad argument #1 to 'f' (message)`.
    fn argument_error(self, machine: &Machine, index: u32, message: fmt::Arguments<'_>) -> Throw;
    /// As [`Arguments::argument_error`] for a message in parts that need not be UTF-8.
    fn argument_error_bytes(self, machine: &Machine, index: u32, message: &[&[u8]]) -> Throw;
    /// The error for an argument of another type than `expected`.
    fn type_error(self, machine: &Machine, index: u32, expected: &str) -> Throw;
    /// Any value, but not none.
    fn check_any(self, machine: &Machine, index: u32) -> Result<Value, Throw>;
    /// A table.
    fn check_table(self, machine: &Machine, index: u32) -> Result<Ref<Table>, Throw>;
    /// A function.
    fn check_function(self, machine: &Machine, index: u32) -> Result<Value, Throw>;
    /// A coroutine.
    fn check_thread(self, machine: &Machine, index: u32) -> Result<Ref<Thread>, Throw>;
    /// An integer, or what converts to one exactly.
    fn check_integer(self, machine: &Machine, index: u32) -> Result<i64, Throw>;
    /// As [`Arguments::check_integer`], with a default for nil and none.
    fn optional_integer(self, machine: &Machine, index: u32, default: i64) -> Result<i64, Throw>;
    /// A number, integer or float, or a string that converts to one.
    fn check_number(self, machine: &Machine, index: u32) -> Result<Value, Throw>;
    /// A float, or what converts to one.
    fn check_float(self, machine: &Machine, index: u32) -> Result<f64, Throw>;
    /// As [`Arguments::check_float`], with a default for nil and none.
    fn optional_float(self, machine: &Machine, index: u32, default: f64) -> Result<f64, Throw>;
    /// A string; a number is converted, in the argument's slot.
    fn check_string(self, machine: &Machine, index: u32) -> Result<Ref<Str>, Throw>;
    /// As [`Arguments::check_string`]; `None` for nil and none.
    fn optional_string(self, machine: &Machine, index: u32) -> Result<Option<Ref<Str>>, Throw>;
    /// One of a few words: its number. Nil and none stand for `default` if there is one.
    fn check_option(
        self,
        machine: &Machine,
        index: u32,
        default: Option<&str>,
        options: &[&str],
    ) -> Result<usize, Throw>;
    /// Whether the argument is absent or nil.
    #[expect(clippy::wrong_self_convention, reason = "a frame is a small copy")]
    fn is_none_or_nil(self, machine: &Machine, index: u32) -> bool;
}

impl Arguments for Frame {
    #[cold]
    fn argument_error(self, machine: &Machine, index: u32, message: fmt::Arguments<'_>) -> Throw {
        self.argument_error_bytes(machine, index, &[format!("{message}").as_bytes()])
    }

    #[cold]
    fn argument_error_bytes(self, machine: &Machine, index: u32, message: &[&[u8]]) -> Throw {
        let view = FrameView { thread: machine.current_thread(), base: self.base() };
        let mut number = index.saturating_add(1);
        let name = match machine.function_name(view) {
            Some(found) => {
                if found.kind == "method" {
                    number -= 1;
                }
                found.name
            }
            None => machine.global_function_name(view).unwrap_or_else(|| b"?".to_vec()),
        };
        let mut error = Vec::new();
        if number == 0 {
            error.extend_from_slice(b"calling '");
            error.extend_from_slice(&name);
            error.extend_from_slice(b"' on bad self (");
        } else {
            error.extend_from_slice(format!("bad argument #{number} to '").as_bytes());
            error.extend_from_slice(&name);
            error.extend_from_slice(b"' (");
        }
        message.iter().for_each(|part| error.extend_from_slice(part));
        error.push(b')');
        machine.native_error_bytes(&error)
    }

    #[cold]
    fn type_error(self, machine: &Machine, index: u32, expected: &str) -> Throw {
        let given = match self.argument(machine, index) {
            None => b"no value",
            Some(value) => match machine.metamethod(value, Event::Name) {
                Value::String(name) => machine.bytes(name),
                _ if matches!(value, Value::LightUserdata(_)) => b"light userdata",
                _ => machine.type_name(value).as_bytes(),
            },
        };
        self.argument_error_bytes(machine, index, &[expected.as_bytes(), b" expected, got ", given])
    }

    #[inline]
    fn check_any(self, machine: &Machine, index: u32) -> Result<Value, Throw> {
        self.argument(machine, index).ok_or_else(|| self.argument_error(machine, index, format_args!("value expected")))
    }

    #[inline]
    fn check_table(self, machine: &Machine, index: u32) -> Result<Ref<Table>, Throw> {
        match self.argument(machine, index) {
            Some(Value::Table(table)) => Ok(table),
            _ => Err(self.type_error(machine, index, "table")),
        }
    }

    #[inline]
    fn check_function(self, machine: &Machine, index: u32) -> Result<Value, Throw> {
        match self.argument(machine, index) {
            Some(function) if function.is_function() => Ok(function),
            _ => Err(self.type_error(machine, index, "function")),
        }
    }

    fn check_thread(self, machine: &Machine, index: u32) -> Result<Ref<Thread>, Throw> {
        match self.argument(machine, index) {
            Some(Value::Thread(thread)) => Ok(thread),
            _ => Err(self.type_error(machine, index, "thread")),
        }
    }

    #[inline(always)]
    fn check_integer(self, machine: &Machine, index: u32) -> Result<i64, Throw> {
        match self.argument(machine, index) {
            Some(Value::Integer(value)) => Ok(value),
            _ => converted_integer(self, machine, index),
        }
    }

    #[inline]
    fn optional_integer(self, machine: &Machine, index: u32, default: i64) -> Result<i64, Throw> {
        if self.is_none_or_nil(machine, index) { Ok(default) } else { self.check_integer(machine, index) }
    }

    #[inline]
    fn check_number(self, machine: &Machine, index: u32) -> Result<Value, Throw> {
        match self.argument(machine, index) {
            Some(value @ (Value::Integer(_) | Value::Float(_))) => Ok(value),
            value => {
                machine.to_number(value.unwrap_or(Value::Nil)).ok_or_else(|| self.type_error(machine, index, "number"))
            }
        }
    }

    #[inline]
    fn check_float(self, machine: &Machine, index: u32) -> Result<f64, Throw> {
        match self.check_number(machine, index)? {
            Value::Integer(value) => Ok(value as f64),
            Value::Float(value) => Ok(value),
            other => unreachable!("a number, not {other:?}"),
        }
    }

    #[inline]
    fn optional_float(self, machine: &Machine, index: u32, default: f64) -> Result<f64, Throw> {
        if self.is_none_or_nil(machine, index) { Ok(default) } else { self.check_float(machine, index) }
    }

    #[inline(always)]
    fn check_string(self, machine: &Machine, index: u32) -> Result<Ref<Str>, Throw> {
        match self.argument(machine, index) {
            Some(Value::String(string)) => Ok(string),
            _ => converted_string(self, machine, index),
        }
    }

    #[inline]
    fn optional_string(self, machine: &Machine, index: u32) -> Result<Option<Ref<Str>>, Throw> {
        if self.is_none_or_nil(machine, index) { Ok(None) } else { self.check_string(machine, index).map(Some) }
    }

    fn check_option(
        self,
        machine: &Machine,
        index: u32,
        default: Option<&str>,
        options: &[&str],
    ) -> Result<usize, Throw> {
        let word = match default {
            Some(word) if self.is_none_or_nil(machine, index) => word.as_bytes(),
            _ => machine.bytes(self.check_string(machine, index)?),
        };
        options.iter().position(|option| option.as_bytes() == word).ok_or_else(|| {
            // C's strings end at the first zero.
            let word = &word[..memchr::memchr(0, word).unwrap_or(word.len())];
            self.argument_error_bytes(machine, index, &[b"invalid option '", word, b"'"])
        })
    }

    #[inline]
    fn is_none_or_nil(self, machine: &Machine, index: u32) -> bool {
        self.argument_or_nil(machine, index).is_nil()
    }
}

/// The argument is a number, which is converted, or there is an error.
#[cold]
fn converted_string(frame: Frame, machine: &Machine, index: u32) -> Result<Ref<Str>, Throw> {
    match frame.argument(machine, index) {
        Some(value @ (Value::Integer(_) | Value::Float(_))) => {
            let string = text::number_string(machine, value)?;
            machine.set_value(frame.base() + index, Value::String(string));
            Ok(string)
        }
        _ => Err(frame.type_error(machine, index, "string")),
    }
}

/// The argument is no integer, but may convert to one.
#[cold]
fn converted_integer(frame: Frame, machine: &Machine, index: u32) -> Result<i64, Throw> {
    machine.to_integer(frame.argument_or_nil(machine, index)).ok_or_else(|| integer_error(frame, machine, index))
}

/// The argument is no integer: because it is no number, or because it is one with a fraction.
#[cold]
fn integer_error(frame: Frame, machine: &Machine, index: u32) -> Throw {
    match machine.to_number(frame.argument_or_nil(machine, index)) {
        Some(_) => frame.argument_error(machine, index, format_args!("number has no integer representation")),
        None => frame.type_error(machine, index, "number"),
    }
}
