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
    instruction::Word,
    number::{NumberText, format_float, format_integer},
};
use lunette_gc::value::Value;

/// `concat`
pub(crate) fn concat(machine: &mut Machine, word: Word) -> Outcome {
    let first = machine.register_index(word.a());
    // Two strings or numbers, by far the most common case.
    if word.b() == 2 {
        let (left, right) = (machine.value(first), machine.value(first + 1));
        if let (Some(left_text), Some(right_text)) = (Text::of(machine, left), Text::of(machine, right)) {
            let (left_bytes, right_bytes) = (left_text.bytes(machine), right_text.bytes(machine));
            let string = if left_bytes.is_empty()
                && let Value::String(right) = right
            {
                right
            } else if right_bytes.is_empty()
                && let Value::String(left) = left
            {
                left
            } else {
                let length = left_bytes.len() + right_bytes.len();
                let string = machine.heap.new_string_concat(&[left_bytes, right_bytes])?;
                machine.charge(length as u64 / BYTES_PER_UNIT)?;
                string
            };
            machine.set_value(first, Value::String(string));
            return after_allocation(machine, word);
        }
    }
    let next = machine.concat_rest(word)?;
    Ok(machine.drive(next))
}

enum Text {
    String(lunette_gc::reference::Ref<lunette_gc::string::Str>),
    Number(NumberText),
}

impl Text {
    fn of(_: &Machine, value: Value) -> Option<Text> {
        Some(match value {
            Value::String(string) => Text::String(string),
            Value::Integer(value) => Text::Number(format_integer(value)),
            Value::Float(value) => Text::Number(format_float(value)),
            _ => return None,
        })
    }

    fn bytes<'m>(&'m self, machine: &'m Machine) -> &'m [u8] {
        match self {
            Text::String(string) => machine.bytes(*string),
            Text::Number(text) => text,
        }
    }
}

impl Machine {
    /// Concatenates what is left of the operands of the running `concat`, from the right.
    pub(crate) fn concat_rest(&mut self, word: Word) -> Result<Next, Throw> {
        let first = self.register_index(word.a());
        let mut last = first + word.b() as u32 - 1;
        while last > first && is_consumed(self.slot(last)) {
            last -= 1;
        }
        while last > first {
            // As many strings and numbers as there are, in one go.
            let mut start = last + 1;
            let mut length = 0usize;
            while start > first
                && matches!(self.value(start - 1), Value::String(_) | Value::Integer(_) | Value::Float(_))
            {
                start -= 1;
                if let Value::String(string) = self.value(start) {
                    length = length.saturating_add(self.bytes(string).len());
                }
            }
            if start < last {
                if length >= u32::MAX as usize {
                    return Err(self.runtime_error(format_args!("string length overflow")));
                }
                let numbers: Vec<Text> = (start..=last).filter_map(|index| Text::of(self, self.value(index))).collect();
                let parts: Vec<&[u8]> = numbers.iter().map(|text| text.bytes(self)).collect();
                let string = self.heap.new_string_concat(&parts)?;
                drop(parts);
                drop(numbers);
                self.charge(length as u64 / BYTES_PER_UNIT)?;
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
