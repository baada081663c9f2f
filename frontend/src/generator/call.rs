//! Calls, chains of suffixes and lists of values.
//!
//! ```text
//!   R[x]      R[x+1]          R[x+2] ...
//!   function  frame header    arguments            results come to R[x] and up
//! ```

use super::expression::Operand;
use super::index::{Key, Object};
use super::register::Destination;
use super::{Done, Generator};
use crate::ast::*;
use crate::error::Failure;
use crate::fold::Constant;
use crate::strings::StringId;
use lunette_bytecode::instruction::Opcode;

/// Registers of a call window before the arguments.
const HEADER: u32 = 2;

/// How many results of a call are wanted.
#[derive(Clone, Copy)]
pub(super) enum Results {
    Count(u32),
    /// All, as an open list.
    Open,
}

impl Generator<'_> {
    fn suffix(&self, suffixed: Suffixed, number: u32) -> Suffix {
        self.ast.suffixes[(suffixed.first_suffix + number) as usize]
    }

    /// Evaluates an expression with suffixes to one value.
    pub(super) fn suffixed(&mut self, id: SuffixedId, destination: Destination) -> Result<u8, Failure> {
        let mark = self.function.free;
        if self.ast.is_call(id) {
            let result = self.call(id, Results::Count(1))?;
            self.function.free = mark;
            return self.put(Operand::Register(result), destination);
        }
        let suffixed = self.ast.suffixed[id.0 as usize];
        let object = self.object(suffixed, suffixed.length - 1)?;
        let last = self.suffix(suffixed, suffixed.length - 1);
        let key = self.suffix_key(last)?;
        self.position = last.position;
        self.get(object, key, mark, destination)
    }

    /// The object before the last suffix and that suffix's key.
    pub(super) fn indexed(&mut self, id: SuffixedId) -> Result<(Object, Key), Failure> {
        let suffixed = self.ast.suffixed[id.0 as usize];
        let object = self.object(suffixed, suffixed.length - 1)?;
        let last = self.suffix(suffixed, suffixed.length - 1);
        let key = self.suffix_key(last)?;
        self.position = last.position;
        Ok((object, key))
    }

    /// The key of a suffix that is no call.
    fn suffix_key(&mut self, suffix: Suffix) -> Result<Key, Failure> {
        match suffix.kind {
            SuffixKind::Index(key) => self.key(key),
            SuffixKind::Field(name) | SuffixKind::Method(name) => {
                self.position = suffix.position;
                Ok(Key::Field(name))
            }
            SuffixKind::Call { .. } => Ok(Key::Operand(Operand::Constant(Constant::Nil))),
        }
    }

    /// Evaluates the primary expression and its first `count` suffixes, to the next register if there are any.
    fn object(&mut self, suffixed: Suffixed, count: u32) -> Result<Object, Failure> {
        let mark = self.function.free;
        let mut object = self.primary(suffixed.primary)?;
        let mut number = 0;
        while number < count {
            let suffix = self.suffix(suffixed, number);
            number += 1;
            let register = match suffix.kind {
                SuffixKind::Call { arguments, opening } => {
                    self.function_in_window(object, mark)?;
                    self.arguments(mark, arguments, opening, suffix.position, Results::Count(1))?
                }
                SuffixKind::Method(name) if number == count => {
                    self.position = suffix.position;
                    self.method_in_window(object, name, mark)?
                }
                SuffixKind::Method(name) => {
                    self.position = suffix.position;
                    self.method_in_window(object, name, mark)?;
                    let call = self.suffix(suffixed, number);
                    number += 1;
                    let SuffixKind::Call { arguments, opening } = call.kind else { continue };
                    self.arguments(mark, arguments, opening, call.position, Results::Count(1))?
                }
                SuffixKind::Field(_) | SuffixKind::Index(_) => {
                    let key = self.suffix_key(suffix)?;
                    self.position = suffix.position;
                    self.get(object, key, mark, Destination::Next)?
                }
            };
            object = Object::Operand(Operand::Register(register));
        }
        Ok(object)
    }

    /// Evaluates an expression whose last suffix is a call; gives the register of the first result.
    pub(super) fn call(&mut self, id: SuffixedId, results: Results) -> Result<u8, Failure> {
        let suffixed = self.ast.suffixed[id.0 as usize];
        let window = self.function.free;
        let last = self.suffix(suffixed, suffixed.length - 1);
        let before = suffixed.length.checked_sub(2).map(|number| self.suffix(suffixed, number).kind);
        let object = self.object(suffixed, suffixed.length - 1)?;
        if !matches!(before, Some(SuffixKind::Method(_))) {
            self.function_in_window(object, window)?;
        }
        let SuffixKind::Call { arguments, opening } = last.kind else { return Ok(window as u8) };
        self.arguments(window, arguments, opening, last.position, results)
    }

    /// Begins a call window at `window` with a function.
    fn function_in_window(&mut self, function: Object, window: u32) -> Done {
        self.function.free = window;
        self.put_object(function, Destination::Next)?;
        self.reserve(HEADER - 1)?;
        Ok(())
    }

    /// Begins a call window at `window` with a method and its object.
    fn method_in_window(&mut self, object: Object, name: StringId, window: u32) -> Result<u8, Failure> {
        self.function.free = window;
        let source = self.object_register(object)?;
        self.function.free = window;
        let function = self.reserve(HEADER + 1)?;
        let target = i64::from(function);
        match self.site(name)? {
            Some(site) => {
                self.emit(Opcode::get_method, &[target, source.into(), site])?;
            }
            None => {
                let (key, object) = (target + 1, target + 2);
                self.emit(Opcode::copy, &[object, source.into()])?;
                self.load(Constant::String(name), Destination::Register(function + 1))?;
                self.emit(Opcode::get_index, &[target, object, key])?;
            }
        }
        Ok(function)
    }

    /// Evaluates arguments in the call window at `window` and calls; `opening` is in the call's line.
    fn arguments(
        &mut self,
        window: u32,
        arguments: ListId,
        opening: u32,
        end: u32,
        results: Results,
    ) -> Result<u8, Failure> {
        self.position = opening;
        let is_open = self.values(arguments)?;
        self.position = end;
        let count = if is_open { 0 } else { self.function.free - window - HEADER + 1 };
        let result_count = match results {
            Results::Count(count) => count + 1,
            Results::Open => 0,
        };
        self.emit_at(Opcode::call, &[window.into(), count.into(), result_count.into()], opening)?;
        self.function.free = window;
        if let Results::Count(count) = results {
            self.reserve(count)?;
        }
        Ok(window as u8)
    }

    // ---- lists of values ----

    /// Evaluates a list into the next registers; true if its last expression has become an open list there.
    pub(super) fn values(&mut self, list: ListId) -> Result<bool, Failure> {
        let count = self.ast.list_length(list);
        for number in 0..count {
            let element = self.ast.element(list, number);
            if number + 1 == count && self.ast.is_multiple(element) {
                self.multiple(element, Results::Open)?;
                return Ok(true);
            }
            self.next(element)?;
        }
        Ok(false)
    }

    /// Evaluates an expression that can give any number of values into the next registers.
    pub(super) fn multiple(&mut self, id: ExpressionId, results: Results) -> Done {
        let Expression { kind, position } = self.ast.expression(id);
        if let ExpressionKind::Suffixed(suffixed) = kind {
            return self.call(suffixed, results).map(drop);
        }
        self.position = position;
        let first = self.function.free;
        match results {
            Results::Open => {
                self.require(first + 1)?;
                self.emit(Opcode::variable_arguments, &[first.into(), 0])?;
            }
            Results::Count(0) => {}
            Results::Count(count) => {
                self.reserve(count)?;
                self.emit(Opcode::variable_arguments, &[first.into(), i64::from(count) + 1])?;
            }
        }
        Ok(())
    }

    /// Evaluates a list to just `wanted` values in the next registers; gives the first.
    pub(super) fn adjusted_values(&mut self, list: ListId, wanted: u32) -> Result<u8, Failure> {
        let first = self.function.free;
        let count = self.ast.list_length(list);
        for number in 0..count {
            let element = self.ast.element(list, number);
            if number + 1 == count && self.ast.is_multiple(element) {
                self.multiple(element, Results::Count(wanted.saturating_sub(number)))?;
            } else {
                self.next(element)?;
            }
        }
        let available = self.function.free - first;
        if available < wanted {
            let missing = self.reserve(wanted - available)?;
            self.emit_nil(missing, wanted - available)?;
        }
        self.function.free = first + wanted;
        Ok(first as u8)
    }
}
