//! Sets of number registers, and which of them an instruction reads and writes.

use alloc::{vec, vec::Vec};
use lunette_bytecode::{
    instruction::Word,
    typed::instruction::{Field, Opcode, OperandKind},
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

/// Calls `read` with every register that an instruction may read, and `write` with those that it certainly writes. What a
/// call writes is not among them: nothing of what was there is kept beyond it.
pub(crate) fn visit(words: &[Word], results: u32, mut read: impl FnMut(usize), mut write: impl FnMut(usize)) {
    let Some(opcode) = Opcode::of(words[0]) else { return };
    let entry = opcode.entry();
    let value = |field: Field| entry.operand(field).and_then(|operand| operand.read(words)).unwrap_or(0) as usize;
    for operand in entry.operands() {
        let Some(register) = operand.read(words) else { continue };
        let register = register as usize;
        match operand.kind {
            OperandKind::NumberRead | OperandKind::Argument => read(register),
            OperandKind::NumberWrite => write(register),
            OperandKind::VectorRead => (register..register + 2).for_each(&mut read),
            OperandKind::VectorWrite => (register..register + 2).for_each(&mut write),
            OperandKind::FarNumber if opcode == Opcode::copy_from_far => read(register),
            OperandKind::FarNumber => write(register),
            OperandKind::NumberSpan if operand.field == Field::A => {
                (register..register + value(Field::C)).for_each(&mut write);
            }
            OperandKind::NumberSpan => (register..register + value(Field::C)).for_each(&mut read),
            OperandKind::NumberWindow if opcode == Opcode::zero_numbers => {
                (register..register + value(Field::D)).for_each(&mut write);
            }
            OperandKind::NumberResults => (register..register + results as usize).for_each(&mut read),
            _ => {}
        }
    }
    if entry.has_list {
        let first = 4 * entry.fixed_words();
        for index in 0..value(Field::G) {
            let place = first + index;
            let offset = words[place / 4].0 >> (16 * (place % 4)) & 0xffff;
            read(offset as usize / 8);
        }
    }
}
