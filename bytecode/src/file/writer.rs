//! Writes modules.

use super::checksum::checksum;
use super::{MAGIC, Section, VERSION};
use crate::module::{Attribute, Capture, Constant, Function, Module};
use alloc::vec::Vec;

/// The file of `module`, verified or not.
pub fn write(module: &Module) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(MAGIC);
    out.extend(VERSION.to_le_bytes());
    section(&mut out, Section::Source, |out| out.extend_from_slice(&module.source));
    section(&mut out, Section::Functions, |out| list(out, &module.functions, function));
    if module.has_debug_information() {
        section(&mut out, Section::Debug, |out| module.functions.iter().for_each(|function| debug(out, function)));
    }
    let checksum = checksum(&out);
    out.extend(checksum.to_le_bytes());
    out
}

/// Writes a section, whose length is known only after its content.
fn section(out: &mut Vec<u8>, section: Section, content: impl FnOnce(&mut Vec<u8>)) {
    out.push(section as u8);
    let length_position = out.len();
    out.extend(0_u64.to_le_bytes());
    let start = out.len();
    content(out);
    let length = (out.len() - start) as u64;
    out[length_position..start].copy_from_slice(&length.to_le_bytes());
}

/// An unsigned number, seven bits a byte, the low ones first; the high bit says that more follow.
pub(super) fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A signed number: 0, -1, 1, -2, 2 and so on are written as 0, 1, 2, 3, 4.
pub(super) fn signed(out: &mut Vec<u8>, value: i64) {
    number(out, (value << 1 ^ value >> 63) as u64);
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// The number of elements and the elements.
pub(super) fn list<T>(out: &mut Vec<u8>, elements: &[T], element: impl Fn(&mut Vec<u8>, &T)) {
    number(out, elements.len() as u64);
    for each in elements {
        element(out, each);
    }
}

fn function(out: &mut Vec<u8>, function: &Function) {
    number(out, function.line_defined.into());
    number(out, function.last_line_defined.into());
    out.push(function.parameter_count);
    out.push(function.is_variadic.into());
    number(out, function.register_count.into());
    list(out, &function.upvalues, |out, upvalue| {
        let (kind, index) = match upvalue.capture {
            Capture::Register(register) => (0, register),
            Capture::Upvalue(upvalue) => (1, upvalue),
        };
        let attribute = match upvalue.attribute {
            Attribute::Regular => 0,
            Attribute::Constant => 1,
            Attribute::ToBeClosed => 2,
        };
        out.extend([kind, index, attribute]);
    });
    list(out, &function.constants, constant);
    list(out, &function.sites, |out, &key| number(out, key.into()));
    list(out, &function.code, |out, word| out.extend(word.0.to_le_bytes()));
}

fn constant(out: &mut Vec<u8>, constant: &Constant) {
    match constant {
        Constant::Nil => out.push(0),
        Constant::Boolean(false) => out.push(1),
        Constant::Boolean(true) => out.push(2),
        Constant::Integer(value) => {
            out.push(3);
            signed(out, *value);
        }
        Constant::Float(value) => {
            out.push(4);
            out.extend(value.to_bits().to_le_bytes());
        }
        Constant::String(value) => {
            out.push(5);
            bytes(out, value);
        }
    }
}

/// The debug information of `function`; lines as the differences from one to the next.
fn debug(out: &mut Vec<u8>, function: &Function) {
    let mut previous = 0;
    number(out, function.lines.len() as u64);
    for &line in &function.lines {
        signed(out, i64::from(line) - previous);
        previous = line.into();
    }
    list(out, &function.locals, |out, local| {
        bytes(out, local.name.as_bytes());
        out.push(local.register);
        number(out, local.start.into());
        number(out, local.end.into());
    });
    for upvalue in &function.upvalues {
        bytes(out, upvalue.name.as_bytes());
    }
}
