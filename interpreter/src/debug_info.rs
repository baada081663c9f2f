//! Debug information and captures of a prototype, as bytes in the region.
//!
//! ```text
//!   debug:    count of lines: u32 | lines: (delta of line: signed LEB)*       one for each instruction
//!             count of locals: u32 | (name: LEB length, bytes | register: u8 | start, end: LEB)*
//!             count of upvalue names: u32 | (attribute: u8 | name: LEB length, bytes)*
//!   captures: (0: register, 1: upvalue | number: u8)*
//! ```

use crate::machine::Machine;
use alloc::vec::Vec;
use lunette_bytecode::module::{Attribute, Capture, Function, Local, Upvalue};
use lunette_gc::{function::Prototype, reference::Ref};

fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_number(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

fn zigzag(delta: i64) -> u64 {
    ((delta << 1) ^ (delta >> 63)) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// The debug information of a function.
pub(crate) fn encode(function: &Function) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_number(&mut bytes, function.lines.len() as u64);
    let mut last = i64::from(function.line_defined);
    for &line in &function.lines {
        put_number(&mut bytes, zigzag(i64::from(line) - last));
        last = line.into();
    }
    put_number(&mut bytes, function.locals.len() as u64);
    for local in &function.locals {
        put_text(&mut bytes, &local.name);
        bytes.push(local.register);
        put_number(&mut bytes, local.start.into());
        put_number(&mut bytes, local.end.into());
    }
    put_number(&mut bytes, function.upvalues.len() as u64);
    for upvalue in &function.upvalues {
        bytes.push(match upvalue.attribute {
            Attribute::Regular => 0,
            Attribute::Constant => 1,
            Attribute::ToBeClosed => 2,
        });
        put_text(&mut bytes, &upvalue.name);
    }
    bytes
}

/// The captures of a function.
pub(crate) fn encode_captures(function: &Function) -> Vec<u8> {
    let mut bytes = Vec::new();
    for upvalue in &function.upvalues {
        match upvalue.capture {
            Capture::Register(register) => bytes.extend_from_slice(&[0, register]),
            Capture::Upvalue(number) => bytes.extend_from_slice(&[1, number]),
        }
    }
    bytes
}

/// Captures, decoded one by one.
pub(crate) struct CaptureTable<'a>(&'a [u8]);

impl<'a> CaptureTable<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        CaptureTable(bytes)
    }
}

impl Iterator for CaptureTable<'_> {
    type Item = Capture;

    fn next(&mut self) -> Option<Capture> {
        let (pair, rest) = self.0.split_at_checked(2)?;
        self.0 = rest;
        Some(if pair[0] == 0 { Capture::Register(pair[1]) } else { Capture::Upvalue(pair[1]) })
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((&byte, rest)) => {
                self.0 = rest;
                byte
            }
            None => 0,
        }
    }

    fn number(&mut self) -> u64 {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        number
    }

    fn text(&mut self) -> &'a [u8] {
        let length = (self.number() as usize).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        text
    }

    fn skip_lines(&mut self) {
        for _ in 0..self.number() {
            self.number();
        }
    }
}

/// A local variable that is visible somewhere.
#[derive(Clone, Copy, Debug)]
pub struct LocalName<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// The register that holds it.
    pub register: u32,
}

impl Machine {
    fn debug_reader(&self, prototype: Ref<Prototype>) -> Reader<'_> {
        Reader(self.heap.get(prototype).debug.map_or(&[], |debug| self.heap.bytes(debug)))
    }

    /// The line of instruction `number`; `None` if it was stripped.
    pub fn line_of(&self, prototype: Ref<Prototype>, number: u32) -> Option<u32> {
        let mut reader = self.debug_reader(prototype);
        let count = reader.number();
        if u64::from(number) >= count {
            return None;
        }
        let mut line = i64::from(self.heap.get(prototype).line_defined);
        for _ in 0..=number {
            line += unzigzag(reader.number());
        }
        Some(line as u32)
    }

    /// The lines of all instructions; empty if they were stripped.
    pub fn lines_of(&self, prototype: Ref<Prototype>) -> Vec<u32> {
        let mut reader = self.debug_reader(prototype);
        let mut line = i64::from(self.heap.get(prototype).line_defined);
        (0..reader.number())
            .map(|_| {
                line += unzigzag(reader.number());
                line as u32
            })
            .collect()
    }

    /// The `index`-th (from 0) local variable that is visible at instruction `number`.
    pub fn local_name(&self, prototype: Ref<Prototype>, index: u32, number: u32) -> Option<LocalName<'_>> {
        let mut left = index;
        self.find_local(prototype, |_, start, end| {
            if number < start || number >= end {
                return false;
            }
            left = left.wrapping_sub(1);
            left == u32::MAX
        })
    }

    /// The local variable that register `register` holds at instruction `number`.
    pub fn local_in_register(&self, prototype: Ref<Prototype>, register: u32, number: u32) -> Option<LocalName<'_>> {
        let mut found = None;
        self.find_local(prototype, |local, start, end| {
            if local.register == register && start <= number && number < end {
                found = Some(local);
            }
            false
        });
        found
    }

    fn find_local<'a>(
        &'a self,
        prototype: Ref<Prototype>,
        mut is_it: impl FnMut(LocalName<'a>, u32, u32) -> bool,
    ) -> Option<LocalName<'a>> {
        let mut reader = self.debug_reader(prototype);
        reader.skip_lines();
        for _ in 0..reader.number() {
            let name = reader.text();
            let register = u32::from(reader.byte());
            let (start, end) = (reader.number() as u32, reader.number() as u32);
            let local = LocalName { name, register };
            if is_it(local, start, end) {
                return Some(local);
            }
        }
        None
    }

    /// The name of upvalue `index`; empty if it was stripped, `None` if there is no such upvalue.
    pub fn upvalue_name(&self, prototype: Ref<Prototype>, index: u32) -> Option<&[u8]> {
        let mut reader = self.debug_reader(prototype);
        reader.skip_lines();
        for _ in 0..reader.number() {
            reader.text();
            reader.byte();
            reader.number();
            reader.number();
        }
        let count = reader.number();
        if u64::from(index) >= count {
            return None;
        }
        for _ in 0..index {
            reader.byte();
            reader.text();
        }
        reader.byte();
        Some(reader.text())
    }

    /// A function as a module has it, for dumping.
    pub fn function_of_prototype(&self, prototype: Ref<Prototype>) -> Function {
        use lunette_bytecode::{instruction::Word, module::Constant};
        use lunette_gc::value::Value;
        let object = self.heap.get(prototype);
        let code = self.heap.bytes(object.code);
        let code = code.as_chunks::<8>().0.iter().map(|&chunk| Word(u64::from_ne_bytes(chunk)).unmarked()).collect();
        let constants = self.heap.constants(prototype).iter().map(|slot| match slot.get() {
            Value::Boolean(value) => Constant::Boolean(value),
            Value::Integer(value) => Constant::Integer(value),
            Value::Float(value) => Constant::Float(value),
            Value::String(string) => Constant::String(self.bytes(string).into()),
            _ => Constant::Nil,
        });
        let mut reader = self.debug_reader(prototype);
        let lines = self.lines_of(prototype);
        reader.skip_lines();
        let locals = (0..reader.number())
            .map(|_| Local {
                name: alloc::string::String::from_utf8_lossy(reader.text()).into_owned(),
                register: reader.byte(),
                start: reader.number() as u32,
                end: reader.number() as u32,
            })
            .collect();
        reader.number();
        let captures = object.captures.map_or(&[][..], |captures| self.heap.bytes(captures));
        let upvalues = CaptureTable::new(captures)
            .map(|capture| {
                let attribute = match reader.byte() {
                    0 => Attribute::Regular,
                    1 => Attribute::Constant,
                    _ => Attribute::ToBeClosed,
                };
                let name = alloc::string::String::from_utf8_lossy(reader.text()).into_owned();
                Upvalue { name, capture, attribute }
            })
            .collect();
        Function {
            line_defined: object.line_defined,
            last_line_defined: object.last_line_defined,
            parameter_count: object.parameter_count,
            is_variadic: object.is_variadic != 0,
            register_count: object.register_count,
            code,
            constants: constants.collect(),
            sites: self.heap.site_keys(prototype),
            upvalues,
            lines,
            locals,
        }
    }

    /// The module a prototype belongs to, for dumping.
    pub fn module_of_prototype(&self, prototype: Ref<Prototype>) -> lunette_bytecode::module::Module {
        let object = self.heap.get(prototype);
        let functions = self.heap.refs(object.module).iter().filter_map(|entry| entry.get());
        lunette_bytecode::module::Module {
            source: self.bytes(object.source).into(),
            functions: functions.map(|function| self.function_of_prototype(function.cast())).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            assert_eq!(Reader(&bytes).number(), number);
        }
        for delta in [0, 1, -1, 1 << 40, -(1 << 40)] {
            assert_eq!(unzigzag(zigzag(delta)), delta);
        }
    }
}
