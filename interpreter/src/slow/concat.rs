//! Concatenation.

use super::after_allocation;
use crate::{
    call::Next,
    dispatch::state::Operands,
    error::Throw,
    finish::{consume, is_consumed},
    limits::BYTES_PER_UNIT,
    machine::{Machine, Outcome},
    metamethod::Event,
};
use alloc::vec::Vec;
use lunette_bytecode::{
    decimal::{decimal_length, write_decimal},
    instruction::Word,
    number::{NumberText, format_float},
};
use lunette_gc::{bytes::copy, reference::Ref, string::Str, value::Value};

/// `concat`
pub(crate) fn concat(machine: &mut Machine, word: Word) -> Outcome {
    let first = machine.register_index(word.a());
    let count = word.b() as u32;
    let only = if count == 2 { machine.only_text(first) } else { None };
    // Strings and numbers are by far the most common case.
    let string = if only.is_some() { only } else { machine.join(first, count)? };
    if let Some(string) = string {
        machine.set_value(first, Value::String(string));
        return after_allocation(machine, word);
    }
    let next = machine.concat_rest(word)?;
    Ok(machine.drive(next))
}

impl Machine {
    /// The one of two strings, from slot `first` on, that is the result because the other one is empty.
    #[inline(always)]
    fn only_text(&self, first: u32) -> Option<Ref<Str>> {
        let (Value::String(left), Value::String(right)) = (self.value(first), self.value(first + 1)) else {
            return None;
        };
        match (self.bytes(left), self.bytes(right)) {
            ([], _) => Some(right),
            (_, []) => Some(left),
            _ => None,
        }
    }

    /// The text of the `count` values from slot `first` on; `None` if they are not all strings and numbers.
    #[inline(always)]
    fn join(&mut self, first: u32, count: u32) -> Result<Option<Ref<Str>>, Throw> {
        let mut floats: Vec<NumberText> = Vec::new();
        let mut length = 0;
        for index in first..first + count {
            length += match self.value(index) {
                Value::String(string) => self.bytes(string).len(),
                Value::Integer(value) => decimal_length(value),
                Value::Float(value) => {
                    let text = format_float(value);
                    let length = text.len();
                    floats.push(text);
                    length
                }
                _ => return Ok(None),
            };
        }
        if length >= u32::MAX as usize {
            return Err(self.runtime_error(format_args!("string length overflow")));
        }
        let mut floats = floats.iter();
        let string = self.heap.new_string_uninit(length, |mut target| {
            for index in first..first + count {
                let mut take = |length| {
                    let (here, rest) = core::mem::take(&mut target).split_at_mut(length);
                    target = rest;
                    here
                };
                match self.value(index) {
                    Value::String(string) => {
                        let bytes = self.bytes(string);
                        copy(bytes, take(bytes.len()));
                    }
                    Value::Integer(value) => write_decimal(value, take(decimal_length(value))),
                    _ => {
                        if let Some(text) = floats.next() {
                            copy(text, take(text.len()));
                        }
                    }
                }
            }
        })?;
        self.charge(length as u64 / BYTES_PER_UNIT)?;
        Ok(Some(string))
    }

    /// Concatenates what is left of the operands of the running `concat`, from the right.
    pub(crate) fn concat_rest(&mut self, word: Word) -> Result<Next, Throw> {
        let first = self.register_index(word.a());
        let mut last = first + word.b() as u32 - 1;
        while last > first && is_consumed(self.slot(last)) {
            last -= 1;
        }
        while last > first {
            // As many strings and numbers as there are, in one go.
            let is_text = |index| matches!(self.value(index), Value::String(_) | Value::Integer(_) | Value::Float(_));
            let start = (first..=last).rev().take_while(|&index| is_text(index)).last().unwrap_or(last);
            if start < last
                && let Some(string) = self.join(start, last - start + 1)?
            {
                self.set_value(start, Value::String(string));
                for index in start + 1..=last {
                    consume(self.slot(index));
                }
                last = start;
                continue;
            }
            let (left, right) = (self.value(last - 1), self.value(last));
            let mut handler = self.metamethod(left, Event::Concat);
            if handler.is_nil() {
                handler = self.metamethod(right, Event::Concat);
            }
            if handler.is_nil() {
                return Err(self.concat_error(left, right));
            }
            return self.push_metamethod(handler, [left, right], 1);
        }
        if self.heap.needs_collection() {
            let top = self.live_top(word);
            return Ok(self.safepoint(top, Next::Lua));
        }
        Ok(Next::Lua)
    }
}
