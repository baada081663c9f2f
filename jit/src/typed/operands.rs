//! Operands of verified instructions.

use crate::typed::registers::listed;
use lunette_bytecode::{
    instruction::Word,
    typed::instruction::{Field, Opcode},
};

/// The number of a register, or another operand that is not negative.
pub(crate) fn operand(words: &[Word], field: Field) -> usize {
    signed_operand(words, field) as usize
}

/// The same, of a number.
pub(crate) fn signed_operand(words: &[Word], field: Field) -> i64 {
    let operand = Opcode::of(words[0]).and_then(|opcode| opcode.entry().operand(field));
    match operand.and_then(|operand| operand.read(words)) {
        Some(value) => value,
        None => unreachable!("a verified instruction has the operands of the table"),
    }
}

/// The places of registers that are copied to others as if at once, in an order in which none is overwritten before it is read.
pub(crate) fn copy_order(to: usize, from: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |index| if to <= from { index } else { count - 1 - index })
}

/// The number register that is an argument of a call.
pub(crate) fn argument(words: &[Word], index: u32) -> usize {
    match Opcode::of(words[0]) {
        Some(opcode) if opcode.entry().has_list => listed(words, index as usize) / 8,
        _ => operand(words, [Field::E, Field::F, Field::G, Field::H][index as usize]),
    }
}

/// The reference register at a place of an instruction's list, behind so many number registers.
pub(crate) fn listed_reference(words: &[Word], numbers: usize, index: usize) -> usize {
    listed(words, numbers + index) / 16
}
