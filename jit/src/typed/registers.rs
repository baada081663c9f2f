//! Sets of registers, and which of them an instruction reads and writes. Here registers of both kinds are numbered together:
//! reference registers follow the number registers.

use alloc::{vec, vec::Vec};
use lunette_bytecode::{
    instruction::Word,
    typed::{
        function::Registers,
        instruction::{Field, Opcode, OperandKind},
    },
};

/// A set of registers, of those below a number: operands that a call does not use may name others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Set(Vec<u64>, usize);

impl Set {
    /// An empty set of registers below `count`.
    pub fn new(count: usize) -> Set {
        Set(vec![0; count.div_ceil(64)], count)
    }

    pub fn add(&mut self, register: usize) {
        if register < self.1 {
            self.0[register / 64] |= 1 << (register % 64);
        }
    }

    pub fn remove(&mut self, register: usize) {
        self.0[register / 64] &= !(1 << (register % 64));
    }

    pub fn has(&self, register: usize) -> bool {
        self.0[register / 64] >> (register % 64) & 1 != 0
    }

    /// Adds those of another set; whether there were any new ones.
    pub fn unite(&mut self, other: &Set) -> bool {
        let mut changed = false;
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            changed |= other & !*own != 0;
            *own |= other;
        }
        changed
    }

    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(index, &bits)| {
            let mut left = bits;
            core::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(64 * index + bit)
            })
        })
    }
}

/// Calls `read` with every register that an instruction of a function may read, and `write` with those that it certainly
/// writes. What a call writes is not among them: nothing of what was there is kept beyond it.
pub(crate) fn visit(
    words: &[Word],
    numbers: usize,
    results: Registers,
    mut read: impl FnMut(usize),
    mut write: impl FnMut(usize),
) {
    let Some(opcode) = Opcode::of(words[0]) else { return };
    let entry = opcode.entry();
    let value = |field: Field| entry.operand(field).and_then(|operand| operand.read(words)).unwrap_or(0) as usize;
    for operand in entry.operands() {
        let Some(register) = operand.read(words) else { continue };
        let register = register as usize;
        let reference = numbers.wrapping_add(register);
        match operand.kind {
            OperandKind::NumberRead | OperandKind::Argument => read(register),
            OperandKind::NumberWrite => write(register),
            OperandKind::VectorRead => (register..register + 2).for_each(&mut read),
            OperandKind::VectorWrite => (register..register + 2).for_each(&mut write),
            OperandKind::ReferenceRead => read(reference),
            OperandKind::ReferenceWrite => write(reference),
            OperandKind::FarNumber if opcode == Opcode::copy_from_far => read(register),
            OperandKind::FarNumber => write(register),
            OperandKind::FarReference if opcode == Opcode::copy_reference_from_far => read(reference),
            OperandKind::FarReference => write(reference),
            OperandKind::NumberSpan if operand.field == Field::A => {
                (register..register + value(Field::C)).for_each(&mut write);
            }
            OperandKind::NumberSpan => (register..register + value(Field::C)).for_each(&mut read),
            OperandKind::ReferenceSpan if operand.field == Field::A => {
                (reference..reference + value(Field::C)).for_each(&mut write);
            }
            OperandKind::ReferenceSpan => (reference..reference + value(Field::C)).for_each(&mut read),
            OperandKind::NumberWindow if opcode == Opcode::zero_numbers => {
                (register..register + value(Field::D)).for_each(&mut write);
            }
            OperandKind::ReferenceWindow if opcode == Opcode::null_references => {
                (reference..reference + value(Field::D)).for_each(&mut write);
            }
            OperandKind::NumberResults => (register..register + results.numbers as usize).for_each(&mut read),
            OperandKind::ReferenceResults => (reference..reference + results.references as usize).for_each(&mut read),
            _ => {}
        }
    }
    if entry.has_list {
        for index in 0..value(Field::G) {
            read(listed(words, index) / 8);
        }
        for index in 0..value(Field::H) {
            read(numbers + listed(words, value(Field::G) + index) / 16);
        }
    }
}

/// What stands at a place of an instruction's list: the offset of a register among those of its kind.
pub(crate) fn listed(words: &[Word], index: usize) -> usize {
    let first = Opcode::of(words[0]).map_or(0, |opcode| 4 * opcode.entry().fixed_words());
    let place = first + index;
    (words[place / 4].0 >> (16 * (place % 4)) & 0xffff) as usize
}
