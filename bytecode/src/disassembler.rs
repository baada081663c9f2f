//! The text form of a module, which [`crate::assembler`] reads back exactly.
//!
//! `spec/bytecode.md` describes the form. Debug information is part of it, comments explain operands.

use crate::instruction::{Opcode, Operand, OperandKind, Word};
use crate::module::{Attribute, Capture, Constant, Function, Module};
use alloc::{string::String, vec, vec::Vec};
use core::fmt::{self, Write};

/// Writes `module` as text.
///
/// [`crate::assembler::assemble`] makes an equal module of it if, in every function, the line table is empty or as long
/// as the code, as the verifier demands. Nothing else is required of the module.
pub fn disassemble(module: &Module) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_module(&mut text, module);
    text
}

fn write_module(out: &mut String, module: &Module) -> fmt::Result {
    writeln!(out, "module {}", Quoted(&module.source))?;
    for (number, function) in module.functions.iter().enumerate() {
        writeln!(out)?;
        write_function(out, module, number, function)?;
    }
    Ok(())
}

fn write_function(out: &mut String, module: &Module, number: usize, function: &Function) -> fmt::Result {
    writeln!(out, "function f{number}")?;
    writeln!(out, "  defined {} {}", function.line_defined, function.last_line_defined)?;
    let variadic = if function.is_variadic { " variadic" } else { "" };
    writeln!(out, "  parameters {}{variadic}", function.parameter_count)?;
    writeln!(out, "  registers {}", function.register_count)?;
    for (number, upvalue) in function.upvalues.iter().enumerate() {
        let name = Quoted(upvalue.name.as_bytes());
        match upvalue.capture {
            Capture::Register(register) => write!(out, "  upvalue u{number} {name} r{register}")?,
            Capture::Upvalue(upvalue) => write!(out, "  upvalue u{number} {name} u{upvalue}")?,
        }
        writeln!(
            out,
            "{}",
            match upvalue.attribute {
                Attribute::Regular => "",
                Attribute::Constant => " constant",
                Attribute::ToBeClosed => " to_be_closed",
            }
        )?;
    }
    for (number, constant) in function.constants.iter().enumerate() {
        writeln!(out, "  constant k{number} {}", ConstantText(constant))?;
    }
    for (number, &constant) in function.sites.iter().enumerate() {
        write!(out, "  site site{number} k{constant}")?;
        match function.constants.get(constant as usize) {
            Some(key) => writeln!(out, " ; {}", Excerpt(key))?,
            None => writeln!(out)?,
        }
    }
    for local in &function.locals {
        let name = Quoted(local.name.as_bytes());
        writeln!(out, "  local {name} r{} {} {}", local.register, local.start, local.end)?;
    }
    writeln!(out, "code")?;
    write_code(out, module, function)?;
    writeln!(out, "end")
}

fn write_code(out: &mut String, module: &Module, function: &Function) -> fmt::Result {
    let targets = jump_targets(&function.code);
    let mut previous_line = None;
    for (number, &word) in function.code.iter().enumerate() {
        if targets[number] {
            writeln!(out, "L{number}:")?;
        }
        let line = function.lines.get(number).copied();
        if let Some(line) = line.filter(|&line| previous_line != Some(line)) {
            writeln!(out, "  line {line}")?;
        }
        previous_line = line;
        write_instruction(out, module, function, number, word)?;
    }
    if targets[function.code.len()] {
        writeln!(out, "L{}:", function.code.len())?;
    }
    Ok(())
}

/// Where instruction `number` jumps, if that is inside of the code or just behind it.
fn target(code: &[Word], number: usize) -> Option<usize> {
    let target = number as i64 + 1 + code[number].jump_distance()?;
    usize::try_from(target).ok().filter(|&target| target <= code.len())
}

fn jump_targets(code: &[Word]) -> Vec<bool> {
    let mut targets = vec![false; code.len() + 1];
    for (number, &word) in code.iter().enumerate() {
        if let Some(target) = target(code, number)
            && word.is_canonical()
        {
            targets[target] = true;
        }
    }
    targets
}

fn write_instruction(out: &mut String, module: &Module, function: &Function, number: usize, word: Word) -> fmt::Result {
    let opcode = match Opcode::from_number(word.opcode_number()) {
        Some(opcode) if word.is_canonical() => opcode,
        _ => return writeln!(out, "    word {:#018x}", word.0),
    };
    let start = out.len();
    write!(out, "    {}", opcode.entry().name)?;
    for (position, &operand) in opcode.entry().operands.iter().enumerate() {
        out.push_str(if position == 0 { " " } else { ", " });
        let value = word.operand(operand);
        match (operand.kind, target(&function.code, number)) {
            (OperandKind::Jump | OperandKind::WideJump, Some(target)) => write!(out, "->L{target}")?,
            (kind, _) => write!(out, "{}{value}", operand_prefix(kind))?,
        }
    }
    write_comment(out, module, function, word, opcode.entry().operands, start)?;
    writeln!(out)
}

/// What stands before the number of an operand of this kind.
pub(crate) fn operand_prefix(kind: OperandKind) -> &'static str {
    match kind {
        OperandKind::Write | OperandKind::Read | OperandKind::Update | OperandKind::Range => "r",
        OperandKind::Constant | OperandKind::Number | OperandKind::WideConstant => "k",
        OperandKind::Site => "site",
        OperandKind::Upvalue => "u",
        OperandKind::Function => "f",
        OperandKind::Integer
        | OperandKind::Count
        | OperandKind::Jump
        | OperandKind::SmallCount
        | OperandKind::Live
        | OperandKind::Swapped
        | OperandKind::WideInteger
        | OperandKind::WideCount
        | OperandKind::WideJump => "#",
    }
}

/// Column at which comments begin.
const COMMENT_COLUMN: usize = 44;

/// Explains the operands that name something.
fn write_comment(
    out: &mut String,
    module: &Module,
    function: &Function,
    word: Word,
    operands: &[Operand],
    start: usize,
) -> fmt::Result {
    let mut separator = "; ";
    for &operand in operands {
        let value = word.operand(operand) as usize;
        let mut comment = String::new();
        match operand.kind {
            OperandKind::Constant | OperandKind::Number | OperandKind::WideConstant => {
                if let Some(constant) = function.constants.get(value) {
                    write!(comment, "{}", Excerpt(constant))?;
                }
            }
            OperandKind::Site => {
                let key = function.sites.get(value).and_then(|&key| function.constants.get(key as usize));
                if let Some(key) = key {
                    write!(comment, "[{}]", Excerpt(key))?;
                }
            }
            OperandKind::Upvalue => {
                if let Some(upvalue) = function.upvalues.get(value) {
                    write!(comment, "{}", Quoted(upvalue.name.as_bytes()))?;
                }
            }
            OperandKind::Function => {
                if let Some(function) = module.functions.get(value) {
                    write!(comment, "lines {} to {}", function.line_defined, function.last_line_defined)?;
                }
            }
            _ => {}
        }
        if !comment.is_empty() {
            if separator == "; " {
                let column = out.len() - start;
                write!(out, "{:1$}", "", COMMENT_COLUMN.saturating_sub(column).max(1))?;
            }
            write!(out, "{separator}{comment}")?;
            separator = ", ";
        }
    }
    Ok(())
}

/// A string between quotes, with escapes for all that is not printable ASCII.
struct Quoted<'bytes>(&'bytes [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_char('"')?;
        for &byte in self.0 {
            match byte {
                b'"' | b'\\' => write!(formatter, "\\{}", byte as char)?,
                b'\n' => formatter.write_str("\\n")?,
                b'\r' => formatter.write_str("\\r")?,
                b'\t' => formatter.write_str("\\t")?,
                b' '..=b'~' => formatter.write_char(byte as char)?,
                _ => write!(formatter, "\\x{byte:02x}")?,
            }
        }
        formatter.write_char('"')
    }
}

/// A constant, exactly.
struct ConstantText<'module>(&'module Constant);

impl fmt::Display for ConstantText<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Constant::Nil => formatter.write_str("nil"),
            Constant::Boolean(value) => write!(formatter, "{value}"),
            Constant::Integer(value) => write!(formatter, "{value}"),
            Constant::Float(value) if value.is_nan() => write!(formatter, "nan:{:#018x}", value.to_bits()),
            // The shortest digits that give the same float, always with a point or an exponent, or `inf`.
            Constant::Float(value) => write!(formatter, "{value:?}"),
            Constant::String(bytes) => write!(formatter, "{}", Quoted(bytes)),
        }
    }
}

/// A constant for a comment: long strings are cut.
struct Excerpt<'module>(&'module Constant);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 40;
        match self.0 {
            Constant::String(bytes) if bytes.len() > LONGEST => {
                write!(formatter, "{}...", Quoted(&bytes[..LONGEST]))
            }
            constant => write!(formatter, "{}", ConstantText(constant)),
        }
    }
}
