//! Exceptions of WebAssembly. One is an error like any other: its value is a userdata, whose user values are its tag and
//! its values as the dynamic world has them. So Lua programs can catch and throw them, and WebAssembly catches errors of
//! Lua as exceptions of no tag. Traps it does not catch.
//!
//! What catches in a function lies in an array of bytes, seven words of 4 bytes each: start, end, tag + 1 (0 for all),
//! target, first number register, first reference register, whether the exception itself is wanted.

use super::convert::{Register, from_number, to_register};
use crate::{
    call::Next,
    error::Throw,
    frame::HeaderSlot,
    machine::{Machine, roots},
};
use alloc::vec::Vec;
use lunette_bytecode::typed::{function::Catch, module::ValueType, trap::Trap};
use lunette_gc::{reference::Ref, typed::ExceptionTag, value::Value};

const WORDS: usize = 7;

/// Packs what catches in a function.
pub(super) fn encode(catches: &[Catch]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for catch in catches {
        let tag = catch.tag.map_or(0, |tag| tag + 1);
        let words =
            [catch.start, catch.end, tag, catch.target, catch.numbers, catch.references, catch.takes_exception.into()];
        words.iter().for_each(|word| bytes.extend_from_slice(&word.to_ne_bytes()));
    }
    bytes
}

/// What [`encode`] has packed.
pub(super) fn decode_all(bytes: &[u8]) -> impl Iterator<Item = Catch> {
    bytes.chunks_exact(4 * WORDS).map(decode)
}

fn decode(chunk: &[u8]) -> Catch {
    let word = |index: usize| {
        let at = 4 * index;
        u32::from_ne_bytes([chunk[at], chunk[at + 1], chunk[at + 2], chunk[at + 3]])
    };
    Catch {
        start: word(0),
        end: word(1),
        tag: word(2).checked_sub(1),
        target: word(3),
        numbers: word(4),
        references: word(5),
        takes_exception: word(6) != 0,
    }
}

impl Machine {
    /// The tag of a value that is an exception of WebAssembly.
    fn tag_of(&self, exception: Value) -> Option<Ref<ExceptionTag>> {
        let Value::Userdata(userdata) = exception else { return None };
        let Value::Table(metatable) = self.heap.root(roots::EXCEPTIONS).get() else { return None };
        if self.heap.get(userdata).metatable.get() != Some(metatable) {
            return None;
        }
        match self.heap.user_values(userdata).first()?.get() {
            Value::Internal(tag) => Some(tag.cast()),
            _ => None,
        }
    }

    /// What catches the pending error in the typed frame at `base`.
    pub(crate) fn catch_at(&self, base: u32) -> Option<Catch> {
        let prototype = self.heap.get(self.typed_prototype_of(base)?);
        let catches = prototype.catches.get().filter(|_| !self.is_trap.get())?;
        let word = self.header(base).resume().checked_sub(prototype.code.get()?.units() + 2)?;
        let thrown = self.tag_of(self.pending_error());
        let tags = self.heap.get(self.instance_of(base)).tags;
        let is_caught = |catch: &Catch| {
            let is_there = (catch.start..catch.end).contains(&word);
            is_there
                && match catch.tag {
                    Some(tag) => thrown.is_some() && self.heap.reference_at::<ExceptionTag>(tags, tag) == thrown,
                    None => true,
                }
        };
        decode_all(self.heap.bytes(catches)).find(is_caught)
    }

    /// Goes on in the running typed frame where it catches the pending error.
    pub(crate) fn catch_exception(&mut self) -> Next {
        let (Some(catch), Some(prototype)) = (self.catch_at(self.base), self.typed_prototype_of(self.base)) else {
            unreachable!("the frame catches the error");
        };
        let error = self.pending_error();
        let code = self.heap.get(prototype).code.get().map_or(0, |code| code.units() + 1);
        self.header(self.base).set_resume(code + catch.target);
        let mut number = self.number_base + catch.numbers;
        let mut reference = self.base + 1 + catch.references;
        if let (Some(_), Some(tag), Value::Userdata(exception)) = (catch.tag, self.tag_of(error), error) {
            let kind = self.heap.get(tag).kind;
            let values = self.heap.user_values(exception);
            for (slot, wanted) in values.iter().skip(1).zip(self.function_type(kind).parameters()) {
                // By way of `debug`, programs can have put anything in the place of an exception's value.
                match to_register(self, slot.get(), wanted).unwrap_or_else(|_| Register::zero(wanted)) {
                    Register::Number(bits) => {
                        self.set_number(number, bits);
                        number += 1;
                    }
                    Register::Vector(halves) => {
                        self.set_number(number, halves[0]);
                        self.set_number(number + 1, halves[1]);
                        number += 2;
                    }
                    Register::Reference(value) => {
                        self.set_value(reference, value);
                        reference += 1;
                    }
                }
            }
        }
        if catch.takes_exception {
            // Null would not be an exception.
            self.set_value(reference, if error.is_nil() { Value::Boolean(false) } else { error });
        }
        Next::Typed
    }

    /// Throws an exception: numbers and references are those of its values.
    pub(super) fn throw_exception(
        &mut self,
        tag: Ref<ExceptionTag>,
        numbers: &[u64],
        references: &[Value],
    ) -> Result<Throw, Throw> {
        let kind = self.heap.get(tag).kind;
        let count = self.function_type(kind).parameters().count() as u32;
        let exception = self.heap.new_userdata(0, count + 1)?;
        let (mut numbers, mut references) = (numbers.iter().copied(), references.iter().copied());
        let values = self.heap.user_values(exception);
        values[0].set(Value::Internal(tag.cast()));
        for (slot, given) in values[1..].iter().zip(self.function_type(kind).parameters()) {
            let mut number = || numbers.next().unwrap_or_default();
            slot.set(match given {
                ValueType::Reference(_) => references.next().unwrap_or(Value::Nil),
                ValueType::V128 => {
                    let (low, high) = (number(), number());
                    self.vector_value(low, high)?
                }
                given => from_number(number(), given),
            });
        }
        if let Value::Table(metatable) = self.heap.root(roots::EXCEPTIONS).get() {
            self.heap.get(exception).metatable.set(Some(metatable));
        }
        Ok(self.throw(Value::Userdata(exception)))
    }

    /// Throws an exception again.
    pub(super) fn throw_again(&mut self, exception: Value) -> Throw {
        if exception.is_nil() { self.trap(Trap::NullException) } else { self.throw(exception) }
    }
}
