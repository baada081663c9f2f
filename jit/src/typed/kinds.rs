//! What kind of number each register holds, found by following the control flow forward: registers have no types, but what
//! writes them does.

use crate::typed::{
    blocks::{Block, Code},
    emit::vectors::{Operation, operation},
    meaning::{Call, Kind, Meaning, Results},
    operands::operand,
};
use alloc::{vec, vec::Vec};
use core::{iter, ops::Range};
use lunette_bytecode::typed::{
    function::Registers,
    instruction::{Field, Opcode},
};

/// Of each block the kinds of all registers at its beginning.
pub(crate) fn find_kinds(code: &Code<'_>) -> Vec<Vec<Kind>> {
    let registers = code.unit.function.registers.numbers as usize;
    let mut at_start = vec![vec![Kind::Any; registers]; code.blocks.len()];
    let parameters = code.unit.function_type.parameters.iter().flat_map(|&parameter| {
        let numbers = Registers::default().with(parameter.kind()).numbers;
        iter::repeat_n(Kind::of(parameter), numbers as usize)
    });
    for (kind, parameter) in at_start[0].iter_mut().zip(parameters) {
        *kind = parameter;
    }
    // Contents come from the frame where the interpreter enters, and then are what they are needed as.
    let mut is_due = vec![true; code.blocks.len()];
    while let Some(number) = is_due.iter().position(|&due| due) {
        is_due[number] = false;
        let mut kinds = at_start[number].clone();
        for instruction in code.blocks[number].instructions.clone() {
            follow(code, number, instruction, &mut kinds);
        }
        for &next in &code.blocks[number].successors {
            let mut changed = false;
            for (at_start, kind) in at_start[next].iter_mut().zip(&kinds) {
                let joined = at_start.join(*kind);
                changed |= joined != *at_start;
                *at_start = joined;
            }
            is_due[next] |= changed;
        }
    }
    at_start.iter_mut().for_each(|kinds| split_vectors(kinds));
    at_start
}

/// Halves of vectors whose other halves are something else are numbers.
fn split_vectors(kinds: &mut [Kind]) {
    for register in 0..kinds.len() {
        let is_half = match kinds[register] {
            Kind::Vector => kinds.get(register + 1) == Some(&Kind::High),
            // What comes before it was looked at.
            Kind::High => register > 0 && kinds[register - 1] == Kind::Vector,
            _ => continue,
        };
        if !is_half {
            kinds[register] = Kind::I64;
        }
    }
}

/// What an instruction changes.
fn follow(code: &Code<'_>, block: usize, instruction: usize, kinds: &mut [Kind]) {
    let words = code.words(instruction);
    let Some(meaning) = code.instructions[instruction].meaning else { return };
    let operand = |field| operand(words, field);
    match meaning {
        Meaning::Copy => kinds[operand(Field::A)] = kinds[operand(Field::B)],
        Meaning::CopyFromFar => kinds[operand(Field::A)] = kinds[operand(Field::D)],
        Meaning::CopyToFar => kinds[operand(Field::D)] = kinds[operand(Field::A)],
        Meaning::CopyNumbers => {
            let (to, from, count) = (operand(Field::A), operand(Field::B), operand(Field::C));
            kinds.copy_within(from..from + count, to);
        }
        Meaning::Select => {
            kinds[operand(Field::A)] = kinds[operand(Field::B)].join(kinds[operand(Field::C)]).held();
        }
        _ => code.visit(
            instruction,
            |_| {},
            |register| {
                let Some(place) = kinds.get_mut(register) else { return };
                *place = match meaning {
                    Meaning::Load { kind: Kind::Any, bytes, .. }
                    | Meaning::GetField { kind: Kind::Any, bytes, .. }
                    | Meaning::GetElement { kind: Kind::Any, bytes, .. } => {
                        loaded(code, block, instruction, register, bytes)
                    }
                    Meaning::Load { kind, .. }
                    | Meaning::GetField { kind, .. }
                    | Meaning::GetElement { kind, .. }
                    | Meaning::Binary(_, kind)
                    | Meaning::BinaryConstant(_, kind) => kind,
                    Meaning::Unary(_, _, kind) | Meaning::Truncate { to: kind, .. } | Meaning::Divide { kind, .. } => {
                        kind
                    }
                    Meaning::Compare(..)
                    | Meaning::CompareConstant(..)
                    | Meaning::IsNull
                    | Meaning::AreSame
                    | Meaning::IsOfType
                    | Meaning::ArrayLength
                    | Meaning::GetSmall { .. } => Kind::I32,
                    Meaning::AddOffset => Kind::I64,
                    Meaning::Call(Call { result: Results::Number(kind), .. }) => kind,
                    Meaning::Vector(opcode) => match operation(opcode).map_or(Kind::Any, Operation::result) {
                        Kind::Any if register == operand(Field::A) => Kind::Vector,
                        Kind::Any => Kind::High,
                        kind => kind,
                    },
                    _ => Kind::Any,
                };
            },
        ),
    }
}

/// How many instructions behind a load are looked at, and in how many blocks.
const LOOKED_AT: usize = 32;
const BLOCKS_LOOKED_AT: usize = 16;

/// The kind in which something is loaded that may be of several: the one in which it is soon used first.
pub(crate) fn loaded(code: &Code<'_>, block: usize, instruction: usize, register: usize, bytes: u8) -> Kind {
    let default = if bytes == 8 { Kind::I64 } else { Kind::I32 };
    let fits = |kind: Kind| match bytes {
        8 => matches!(kind, Kind::I64 | Kind::F64),
        4 => kind != Kind::F64,
        _ => matches!(kind, Kind::I32 | Kind::I64),
    };
    let mut blocks = vec![(block, instruction + 1)];
    let mut next = 0;
    while let Some(&(block, first)) = blocks.get(next) {
        next += 1;
        match use_in(code, first..code.blocks[block].instructions.end, register) {
            Use::As(kind) => return if kind != Kind::Any && fits(kind) { kind } else { default },
            Use::None => {}
            Use::Later => {
                for &successor in &code.blocks[block].successors {
                    let Block { live, instructions, .. } = &code.blocks[successor];
                    let is_new = !blocks.iter().any(|&(known, _)| known == successor);
                    if is_new && live.has(register) && blocks.len() < BLOCKS_LOOKED_AT {
                        blocks.push((successor, instructions.start));
                    }
                }
            }
        }
    }
    default
}

/// How a register's content is used.
enum Use {
    As(Kind),
    /// It is not, or not soon.
    None,
    /// Perhaps in a block that follows.
    Later,
}

/// How the content of a register is used by instructions of a block up to its end.
fn use_in(code: &Code<'_>, instructions: Range<usize>, register: usize) -> Use {
    let is_long = instructions.len() > LOOKED_AT;
    for next in instructions.take(LOOKED_AT) {
        let words = code.words(next);
        let Some(meaning) = code.instructions[next].meaning else { return Use::None };
        let Some(opcode) = Opcode::of(words[0]) else { return Use::None };
        let used = opcode.entry().operands().iter().find(|operand| {
            use lunette_bytecode::typed::instruction::OperandKind::NumberRead;
            operand.kind == NumberRead && operand.read(words) == Some(register as i64)
        });
        if let Some(operand) = used {
            return Use::As(meaning.reads(operand.field));
        }
        let mut is_written = false;
        code.visit(next, |_| {}, |written| is_written |= written == register);
        if is_written {
            return Use::None;
        }
    }
    if is_long { Use::None } else { Use::Later }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lunette_bytecode::typed::function::Function;
    use lunette_interpreter::typed::native::Unit;

    fn unit(numbers: u32, instructions: &[(Opcode, &[i64])]) -> Unit {
        let mut function = Function { registers: Registers { numbers, references: 0 }, ..Function::default() };
        for (opcode, operands) in instructions {
            opcode.encode(operands, &mut function.code).expect("the operands fit");
        }
        Unit { function, is_eager: true, ..Unit::default() }
    }

    #[test]
    fn loops_know_what_they_add_up() {
        // N[0] counts, N[1] adds up, N[2] is either of them, N[3] is dead.
        let unit = unit(
            4,
            &[
                (Opcode::zero_numbers, &[0, 4]),
                (Opcode::f64_add, &[1, 1, 1]),
                (Opcode::i32_add_constant, &[0, 0, 1]),
                (Opcode::jump_if, &[0, 2]),
                (Opcode::copy, &[2, 1]),
                (Opcode::jump, &[1]),
                (Opcode::copy, &[2, 0]),
                (Opcode::i64_add, &[3, 2, 2]),
                (Opcode::loop_i32_less_constant, &[0, 10, -8]),
                (Opcode::return_one, &[1]),
            ],
        );
        let code = Code::new(&unit, |_| true).expect("there is something to compile");
        let kinds = find_kinds(&code);
        let header = code.blocks.iter().position(|block| block.is_loop).expect("there is a loop");
        assert_eq!(kinds[header][..2], [Kind::I32, Kind::F64]);
        assert_eq!(code.blocks[header].live.iter().collect::<Vec<_>>(), [0, 1]);
        assert!(code.blocks[header].is_entry);
        let joined = code
            .blocks
            .iter()
            .position(|block| code.words(block.instructions.start)[0].0 as u16 == Opcode::i64_add as u16);
        assert_eq!(kinds[joined.expect("the sum is there")][2], Kind::I64);
    }

    #[test]
    fn what_is_loaded_is_of_the_kind_that_is_needed() {
        let unit = unit(
            4,
            &[
                (Opcode::load_64, &[1, 0, 8]),
                (Opcode::load_64, &[2, 0, 16]),
                (Opcode::f64_multiply, &[3, 1, 1]),
                (Opcode::i64_add, &[2, 2, 2]),
                (Opcode::return_one, &[3]),
            ],
        );
        let code = Code::new(&unit, |_| true).expect("there is something to compile");
        assert_eq!([loaded(&code, 0, 0, 1, 8), loaded(&code, 0, 1, 2, 8)], [Kind::F64, Kind::I64]);
    }
    #[test]
    fn what_is_needed_is_looked_for_in_blocks_that_follow() {
        // N[1] adds up what begins as a load.
        let unit = unit(
            3,
            &[
                (Opcode::zero_numbers, &[0, 1]),
                (Opcode::load_64, &[1, 0, 8]),
                (Opcode::f64_add, &[1, 1, 1]),
                (Opcode::i32_add_constant, &[0, 0, 1]),
                (Opcode::loop_i32_less_constant, &[0, 10, -3]),
                (Opcode::return_one, &[1]),
            ],
        );
        let code = Code::new(&unit, |_| true).expect("there is something to compile");
        assert_eq!(loaded(&code, 0, 1, 1, 8), Kind::F64);
        let header = code.blocks.iter().position(|block| block.is_loop).expect("there is a loop");
        assert_eq!(find_kinds(&code)[header][1], Kind::F64);
    }

    #[test]
    fn halves_of_vectors_are_numbers_without_the_others() {
        let mut kinds = [Kind::Vector, Kind::High, Kind::Vector, Kind::I32, Kind::High, Kind::Vector];
        split_vectors(&mut kinds);
        assert_eq!(kinds, [Kind::Vector, Kind::High, Kind::I64, Kind::I32, Kind::I64, Kind::I64]);
    }
}
