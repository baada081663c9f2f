//! Sets of registers, and which of them an instruction reads and writes.

use super::operands::Operands;
use core::ops::Range;
use lunette_bytecode::instruction::{Opcode, OperandKind, Word};

/// The most registers that are told apart.
pub(crate) const MOST_REGISTERS: usize = 256;

/// A set of registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set([u64; MOST_REGISTERS / 64]);

impl Set {
    pub fn add(&mut self, register: usize) {
        if let Some(bits) = self.0.get_mut(register / 64) {
            *bits |= 1 << (register % 64);
        }
    }

    pub fn remove(&mut self, register: usize) {
        if let Some(bits) = self.0.get_mut(register / 64) {
            *bits &= !(1 << (register % 64));
        }
    }

    pub fn has(&self, register: usize) -> bool {
        self.0.get(register / 64).is_some_and(|bits| bits >> (register % 64) & 1 != 0)
    }

    pub fn unite(&mut self, other: &Set) {
        self.0.iter_mut().zip(other.0).for_each(|(own, other)| *own |= other);
    }

    pub fn iter(&self) -> impl Iterator<Item = usize> + use<> {
        let bits = self.0;
        (0..MOST_REGISTERS).filter(move |register| bits[register / 64] >> (register % 64) & 1 != 0)
    }
}

/// Calls `read` with the ranges of registers that an instruction may read, beyond its operands that are plain registers.
pub(crate) fn read(word: Word, count: usize, mut read: impl FnMut(Range<usize>)) {
    let opcode = word.opcode();
    for &operand in opcode.entry().operands {
        if matches!(operand.kind, OperandKind::Read | OperandKind::Update) {
            let register = word.operand(operand) as usize;
            read(register..register + 1);
        }
    }
    // A list that is open goes up to a top that is not known here.
    let list = |first: usize, plus_one: usize| match plus_one {
        0 => first..count,
        plus_one => first..first + plus_one - 1,
    };
    let a = word.a();
    match opcode {
        Opcode::call | Opcode::tail_call => read(list(a + 2, word.b_count())),
        Opcode::return_values => read(list(a, word.b_count())),
        // Variables that are closed, or captured.
        Opcode::return_closing | Opcode::close | Opcode::closure | Opcode::set_list_open => read(0..count),
        Opcode::concat => read(a..a + word.b_count()),
        Opcode::set_list => read(a..a + 1 + word.k()),
        Opcode::numeric_for_prepare | Opcode::numeric_for_loop => read(a..a + 3),
        Opcode::generic_for_prepare => read(a..a + 4),
        Opcode::generic_for_call => read(a..a + 3),
        Opcode::generic_for_loop => read(a + 4..a + 5),
        _ => {}
    }
}

/// The registers that an instruction writes, or whose content is lost; up to `count`.
pub(crate) fn written(word: Word, count: usize) -> Range<usize> {
    let opcode = word.opcode();
    let a = word.a();
    match opcode {
        Opcode::load_nil => a..a + word.b_count(),
        Opcode::call | Opcode::tail_call | Opcode::variable_arguments => a..count,
        Opcode::concat => a..a + word.b_count(),
        Opcode::get_method => a..a + 3,
        Opcode::numeric_for_prepare | Opcode::numeric_for_loop => a..a + 4,
        Opcode::generic_for_call => a + 4..count,
        Opcode::generic_for_loop => a + 2..a + 3,
        _ => {
            let written = opcode
                .entry()
                .operands
                .iter()
                .find(|operand| matches!(operand.kind, OperandKind::Write | OperandKind::Update));
            written.map_or(0..0, |&operand| {
                let register = word.operand(operand) as usize;
                register..register + 1
            })
        }
    }
}
