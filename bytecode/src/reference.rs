//! The instruction reference of the specification, made from the instruction table.

use crate::instruction::{Effect, Field, Flow, Opcode, Operand, OperandKind};
use crate::typed::instruction as typed;
use alloc::string::String;
use core::fmt::{self, Write};

const INTRODUCTION: &str = "\
# Instructions

Made from the instruction table: `cargo run -p lunette-bytecode --example instruction_reference > spec/instructions.md`.
[bytecode.md](bytecode.md) explains the notation.

";

/// The text of `spec/instructions.md`.
pub fn reference() -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_reference(&mut text);
    text
}

fn write_reference(out: &mut String) -> fmt::Result {
    out.push_str(INTRODUCTION);
    out.push_str("| number | name | operands | flow | effects | meaning |\n");
    out.push_str("| --- | --- | --- | --- | --- | --- |\n");
    for &opcode in Opcode::ALL {
        let entry = opcode.entry();
        write!(out, "| {} | `{}` |", opcode as u8, entry.name)?;
        for (position, &operand) in entry.operands.iter().enumerate() {
            let separator = if position == 0 { " " } else { ", " };
            write!(out, "{separator}{}: {}", field_name(operand), kind_name(operand))?;
        }
        write!(out, " | {} |", flow_name(entry.flow))?;
        for &effect in entry.effects {
            write!(out, " {}", effect_name(effect))?;
        }
        writeln!(out, " | {} |", entry.meaning.replace('|', "\\|"))?;
    }
    write_typed(out)
}

const TYPED_INTRODUCTION: &str = "
## The typed section

What WebAssembly functions are translated to; [webassembly.md](webassembly.md) explains it. Operands are named as in the
drawing of `bytecode/src/typed/table.rs`; `list` says that arguments follow.

";

fn write_typed(out: &mut String) -> fmt::Result {
    out.push_str(TYPED_INTRODUCTION);
    out.push_str("| number | name | operands | flow | effects | meaning |\n");
    out.push_str("| --- | --- | --- | --- | --- | --- |\n");
    for &opcode in typed::Opcode::ALL {
        let entry = opcode.entry();
        write!(out, "| {} | `{}` |", opcode as u16, opcode.name())?;
        for (position, operand) in entry.operands().iter().enumerate() {
            let separator = if position == 0 { " " } else { ", " };
            let field = alloc::format!("{:?}", operand.field).to_lowercase();
            write!(out, "{separator}{field}: {}", snake_case(&alloc::format!("{:?}", operand.kind)))?;
        }
        if entry.has_list {
            out.push_str(", list");
        }
        write!(out, " | {} |", snake_case(&alloc::format!("{:?}", entry.flow)))?;
        for &effect in entry.effects() {
            write!(out, " {}", effect_name(effect))?;
        }
        writeln!(out, " | {} |", typed::MEANINGS[opcode as usize].replace('|', "\\|"))?;
    }
    Ok(())
}

/// The words of a name in camel case, joined by underscores.
fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

fn field_name(operand: Operand) -> &'static str {
    match operand.field {
        Field::A => "a",
        Field::B => "b",
        Field::C => "c",
        Field::D => "d",
        Field::K => "k",
    }
}

fn kind_name(operand: Operand) -> &'static str {
    match operand.kind {
        OperandKind::Write => "write",
        OperandKind::Read => "read",
        OperandKind::Update => "update",
        OperandKind::Range => "range",
        OperandKind::Constant => "constant",
        OperandKind::Number => "number",
        OperandKind::Integer => "integer",
        OperandKind::Count => "count",
        OperandKind::Jump => "jump",
        OperandKind::Site => "site",
        OperandKind::Upvalue => "upvalue",
        OperandKind::SmallCount => "small_count",
        OperandKind::Live => "live",
        OperandKind::Swapped => "swapped",
        OperandKind::WideInteger => "wide_integer",
        OperandKind::WideConstant => "wide_constant",
        OperandKind::WideCount => "wide_count",
        OperandKind::WideJump => "wide_jump",
        OperandKind::Function => "function",
    }
}

fn flow_name(flow: Flow) -> &'static str {
    match flow {
        Flow::Next => "next",
        Flow::Branch => "branch",
        Flow::Jump => "jump",
        Flow::End => "end",
    }
}

fn effect_name(effect: Effect) -> &'static str {
    match effect {
        Effect::Call => "call",
        Effect::Allocate => "allocate",
        Effect::Throw => "throw",
        Effect::Poll => "poll",
    }
}
