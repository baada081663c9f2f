//! The machine's own error messages, in PUC's words.

use crate::{
    error::Throw,
    machine::Machine,
    metamethod::{Event, type_name},
    variable_name::FunctionName,
};
use alloc::{string::String, vec::Vec};
use core::fmt;
use lunette_gc::value::Value;

impl Machine {
    /// An error with the position of the running frame, if that is a Lua function's, before the message.
    #[cold]
    pub fn runtime_error(&self, message: fmt::Arguments<'_>) -> Throw {
        self.runtime_error_bytes(&[alloc::format!("{message}").as_bytes()])
    }

    /// As [`Machine::runtime_error`] for a message in parts that need not be UTF-8.
    #[cold]
    pub(crate) fn runtime_error_bytes(&self, message: &[&[u8]]) -> Throw {
        let mut text = self.position_text(0);
        message.iter().for_each(|part| text.extend_from_slice(part));
        self.throw_text(&text)
    }

    /// An error of a native function: with the position of its caller, if that is a Lua function, before the message.
    #[cold]
    pub fn native_error(&self, message: fmt::Arguments<'_>) -> Throw {
        self.native_error_bytes(alloc::format!("{message}").as_bytes())
    }

    /// As [`Machine::native_error`] for a message that need not be UTF-8.
    #[cold]
    pub fn native_error_bytes(&self, message: &[u8]) -> Throw {
        let mut text = self.position_text(1);
        text.extend_from_slice(message);
        self.throw_text(&text)
    }

    /// An error whose value is this string.
    #[cold]
    pub fn throw_text(&self, text: &[u8]) -> Throw {
        self.spend_on_bytes(text.len());
        let string = self.heap.new_string(text).or_else(|_| {
            self.heap.enter_emergency();
            let string = self.heap.new_string(text);
            self.heap.leave_emergency();
            string
        });
        match string {
            Ok(string) => self.throw(Value::String(string)),
            Err(_) => Throw::Memory,
        }
    }

    /// Makes "not enough memory" the pending error.
    #[cold]
    pub(crate) fn memory_error(&self) -> Throw {
        self.throw(Value::String(self.event_name(Event::MemoryMessage)))
    }

    /// Makes the error of an error in the handling of another the pending one.
    #[cold]
    pub(crate) fn error_in_error_handling(&self) -> Throw {
        self.throw_text(b"error in error handling");
        Throw::Unhandled
    }

    fn describe(&self, name: Option<FunctionName>) -> Vec<u8> {
        let mut text = Vec::new();
        if let Some(FunctionName { kind, name }) = name {
            text.extend_from_slice(b" (");
            text.extend_from_slice(kind.as_bytes());
            text.extend_from_slice(b" '");
            // As in C, a name ends at a zero byte, which only string constants have.
            text.extend(name.iter().take_while(|&&byte| byte != 0));
            text.extend_from_slice(b"')");
        }
        text
    }

    fn type_error(&self, value: Value, operation: &str, name: Option<FunctionName>) -> Throw {
        let mut text = self.position_text(0);
        text.extend_from_slice(alloc::format!("attempt to {operation} a ").as_bytes());
        text.extend_from_slice(&self.type_name_of(value));
        text.extend_from_slice(b" value");
        text.extend_from_slice(&self.describe(name));
        self.throw_text(&text)
    }

    /// The operation is not for values of this type.
    #[cold]
    pub(crate) fn operand_error(&self, value: Value, operation: &str) -> Throw {
        let name = self.operand_name(value);
        self.type_error(value, operation, name)
    }

    /// The value cannot be indexed.
    #[cold]
    pub(crate) fn index_error(&self, object: Value) -> Throw {
        let name = self.operand_name(object);
        self.type_error(object, "index", name)
    }

    /// The value in slot `function` cannot be called.
    #[cold]
    pub(crate) fn call_error(&self, function: u32) -> Throw {
        let name = if self.is_native_frame(self.base) { None } else { self.callee_name() };
        self.type_error(self.value(function), "call", name)
    }

    /// An arithmetic operator has an operand it is not for.
    #[cold]
    pub(crate) fn arithmetic_error(&self, event: Event, left: Value, right: Value) -> Throw {
        let is_bitwise = matches!(
            event,
            Event::BitAnd | Event::BitOr | Event::BitXor | Event::ShiftLeft | Event::ShiftRight | Event::BitNot
        );
        let is_number = |value| matches!(value, Value::Integer(_) | Value::Float(_));
        if is_bitwise && is_number(left) && is_number(right) {
            let culprit = if self.to_integer(left).is_none() { left } else { right };
            let name = self.operand_name(culprit);
            let mut text = self.position_text(0);
            text.extend_from_slice(b"number");
            text.extend_from_slice(&self.describe(name));
            text.extend_from_slice(b" has no integer representation");
            return self.throw_text(&text);
        }
        let culprit = if is_number(left) { right } else { left };
        self.operand_error(culprit, if is_bitwise { "perform bitwise operation on" } else { "perform arithmetic on" })
    }

    /// The values cannot be concatenated.
    #[cold]
    pub(crate) fn concat_error(&self, left: Value, right: Value) -> Throw {
        let is_text = matches!(left, Value::String(_) | Value::Integer(_) | Value::Float(_));
        self.operand_error(if is_text { right } else { left }, "concatenate")
    }

    /// The values cannot be compared.
    #[cold]
    pub fn order_error(&self, left: Value, right: Value) -> Throw {
        let (left, right) = (self.type_name_of(left), self.type_name_of(right));
        if left == right {
            self.runtime_error_bytes(&[b"attempt to compare two ", &left, b" values"])
        } else {
            self.runtime_error_bytes(&[b"attempt to compare ", &left, b" with ", &right])
        }
    }

    /// The value of a to-be-closed variable has lost its metamethod.
    #[cold]
    pub(crate) fn close_error(&self, value: Value) -> Throw {
        self.type_error(value, "call", Some(FunctionName { kind: "metamethod", name: b"close".to_vec() }))
    }

    /// The value in slot `index` of a to-be-closed variable cannot be closed.
    #[cold]
    pub(crate) fn variable_without_close(&self, index: u32) -> Throw {
        let frame = crate::traceback::FrameView { thread: self.thread, base: self.base };
        let name = self
            .lua_position(frame)
            .and_then(|(prototype, number)| {
                // The variables of a generic loop come into scope after the instruction.
                let in_scope_at = |number| self.local_in_register(prototype, index - self.base, number);
                in_scope_at(number).or_else(|| in_scope_at(number + 1))
            })
            .map_or(String::from("?"), |local| String::from_utf8_lossy(local.name).into_owned());
        self.runtime_error(format_args!("variable '{name}' got a non-closable value"))
    }

    /// The type's name, for messages of the library.
    pub fn type_name(&self, value: Value) -> &'static str {
        type_name(value)
    }
}
