//! The text form of typed functions, for people.

use super::{
    function::Function,
    instruction::{Field, Opcode, OperandKind, jump_distance, length},
    module::HeapType,
};
use core::fmt;

/// A typed function as text: a line for each instruction.
pub struct Listing<'f>(pub &'f Function);

impl fmt::Display for Listing<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = &self.0.code;
        let mut at = 0;
        while at < code.len() {
            let words = &code[at..];
            let (Some(opcode), Some(length)) = (Opcode::of(words[0]), length(words)) else {
                writeln!(out, "    {at:5}  word {:#018x}", words[0].0)?;
                at += 1;
                continue;
            };
            let entry = opcode.entry();
            write!(out, "    {at:5}  {}", opcode.name())?;
            let mut separator = " ";
            for operand in entry.operands() {
                let value = operand.read(words).unwrap_or(-1);
                match operand.kind {
                    OperandKind::ListWords => continue,
                    OperandKind::Jump | OperandKind::WideJump | OperandKind::Back | OperandKind::WideBack => {
                        write!(out, "{separator}->{}", (at + length) as i64 + jump_distance(words).unwrap_or(0))?;
                    }
                    OperandKind::HeapType => match HeapType::decode(value as u32) {
                        HeapType::Concrete(number) => write!(out, "{separator}type{number}")?,
                        heap => write!(out, "{separator}{heap:?}")?,
                    },
                    kind => write!(out, "{separator}{}{value}", prefix(kind))?,
                }
                separator = ", ";
            }
            if entry.has_list {
                let count = |field| entry.operand(field).and_then(|operand| operand.read(words)).unwrap_or(0) as usize;
                let (numbers, references) = (count(Field::G), count(Field::H));
                for index in 0..numbers + references {
                    let offset = words[entry.fixed_words() + index / 4].0 >> (index % 4 * 16) & 0xffff;
                    let (name, scale) = if index < numbers { ("n", 8) } else { ("r", 16) };
                    write!(out, "{separator}{name}{}", offset / scale)?;
                }
            }
            writeln!(out)?;
            at += length;
        }
        for catch in &self.0.catches {
            write!(out, "    {:5}  to {}: ", catch.start, catch.end)?;
            match catch.tag {
                Some(tag) => write!(out, "tag{tag}")?,
                None => write!(out, "all")?,
            }
            writeln!(out, " ->{}, n{}, r{}, {}", catch.target, catch.numbers, catch.references, catch.takes_exception)?;
        }
        Ok(())
    }
}

/// What stands before the number of an operand of this kind.
fn prefix(kind: OperandKind) -> &'static str {
    match kind {
        OperandKind::NumberWrite
        | OperandKind::NumberRead
        | OperandKind::Argument
        | OperandKind::FarNumber
        | OperandKind::NumberWindow
        | OperandKind::NumberSpan
        | OperandKind::ResultWindow
        | OperandKind::NumberResults => "n",
        OperandKind::VectorWrite | OperandKind::VectorRead => "v",
        OperandKind::ReferenceWrite
        | OperandKind::ReferenceRead
        | OperandKind::FarReference
        | OperandKind::ReferenceWindow
        | OperandKind::ReferenceSpan
        | OperandKind::ReferenceResultWindow
        | OperandKind::ReferenceResults => "r",
        OperandKind::Callee => "f",
        OperandKind::Signature | OperandKind::Structure | OperandKind::Array => "type",
        OperandKind::Field8
        | OperandKind::Field16
        | OperandKind::Field32
        | OperandKind::Field64
        | OperandKind::FieldVector
        | OperandKind::FieldReference
        | OperandKind::FieldObject => "field",
        OperandKind::Tag => "tag",
        OperandKind::Table => "table",
        OperandKind::Memory => "memory",
        OperandKind::DataSegment => "data",
        OperandKind::ElementSegment => "elements",
        OperandKind::Global
        | OperandKind::VectorGlobal
        | OperandKind::ReferenceGlobal
        | OperandKind::ImportedGlobal => "g",
        OperandKind::Integer
        | OperandKind::WideInteger
        | OperandKind::Count
        | OperandKind::WideCount
        | OperandKind::Literal
        | OperandKind::FieldOffset
        | OperandKind::Lane16
        | OperandKind::Lane8
        | OperandKind::Lane4
        | OperandKind::Lane2
        | OperandKind::Jump
        | OperandKind::WideJump
        | OperandKind::Back
        | OperandKind::WideBack
        | OperandKind::HeapType
        | OperandKind::ListWords => "#",
    }
}
