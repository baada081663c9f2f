//! The code of a function as it grows, with the two latest instructions at hand, which later ones may change or replace.

use alloc::vec::Vec;
use lunette_bytecode::{
    instruction::Word,
    typed::instruction::{Field, Opcode, OperandKind},
};

/// Stands for an instruction that is not there, or not to be touched.
const NONE: u32 = u32::MAX;

/// The kinds of registers' bytes.
pub(super) const NUMBER_BYTES: u32 = 8;
pub(super) const REFERENCE_BYTES: u32 = 16;

/// The code.
pub(super) struct Code {
    pub(super) words: Vec<Word>,
    pub(super) offsets: Vec<u32>,
    /// The most words there may be.
    limit: usize,
    /// Whether more were asked for, or memory came to its end.
    pub(super) is_full: bool,
    /// Start of the latest instruction, and of the one before.
    last: u32,
    previous: u32,
}

/// An instruction of one word, taken apart. Operands are as in the word: registers scaled.
#[derive(Clone, Copy)]
pub(super) struct Parts {
    pub(super) opcode: Opcode,
    pub(super) a: u16,
    pub(super) b: u16,
    pub(super) c: u16,
}

impl Code {
    pub(super) fn new(limit: usize) -> Code {
        Code { words: Vec::new(), offsets: Vec::new(), limit, is_full: false, last: NONE, previous: NONE }
    }

    /// The most words there may be.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Where the next word goes.
    pub(super) fn position(&self) -> u32 {
        self.words.len() as u32
    }

    #[inline]
    fn push(&mut self, word: Word) {
        if self.words.len() == self.words.capacity() && !self.grow() {
            return;
        }
        self.words.push(word);
    }

    #[cold]
    fn grow(&mut self) -> bool {
        let has_room = self.words.len() < self.limit
            && self.words.try_reserve(self.words.len().max(16)).is_ok()
            && self.offsets.try_reserve(self.words.capacity() - self.offsets.len()).is_ok();
        self.is_full |= !has_room;
        has_room
    }

    #[inline]
    fn start(&mut self) {
        self.previous = self.last;
        self.last = self.position();
    }

    /// Appends an instruction, or the first word of one, with these operands.
    #[inline]
    pub(super) fn abc(&mut self, opcode: Opcode, a: u16, b: u16, c: u16) {
        self.start();
        self.push(Word(opcode as u64 | u64::from(a) << 16 | u64::from(b) << 32 | u64::from(c) << 48));
    }

    /// Appends an instruction, or the first word of one, with these operands.
    #[inline]
    pub(super) fn ad(&mut self, opcode: Opcode, a: u16, d: u32) {
        self.start();
        self.push(Word(opcode as u64 | u64::from(a) << 16 | u64::from(d) << 32));
    }

    /// Appends a literal to the latest instruction.
    pub(super) fn literal(&mut self, literal: u64) {
        self.push(Word(literal));
    }

    /// Appends a literal of two halves.
    pub(super) fn halves(&mut self, low: u32, high: u32) {
        self.push(Word(u64::from(low) | u64::from(high) << 32));
    }

    /// Appends a literal of four quarters.
    pub(super) fn quarters(&mut self, quarters: [u16; 4]) {
        let [e, f, g, h] = quarters.map(u64::from);
        self.push(Word(e | f << 16 | g << 32 | h << 48));
    }

    /// Says that control comes here from elsewhere: earlier instructions stay as they are.
    pub(super) fn barrier(&mut self) {
        (self.last, self.previous) = (NONE, NONE);
    }

    /// The latest instruction, if it may be changed.
    pub(super) fn last(&self) -> Option<Parts> {
        let word = self.words.get(self.last as usize)?.0;
        let opcode = Opcode::from_number(word as u16)?;
        Some(Parts { opcode, a: (word >> 16) as u16, b: (word >> 32) as u16, c: (word >> 48) as u16 })
    }

    /// The first literal of the latest instruction, which may be changed.
    pub(super) fn last_literal(&self) -> u64 {
        self.words.get(self.last as usize + 1).map_or(0, |word| word.0)
    }

    /// Takes the latest instruction back.
    pub(super) fn remove_last(&mut self) {
        self.words.truncate(self.last as usize);
        (self.last, self.previous) = (self.previous, NONE);
    }

    /// Has operands b and c of the latest instruction change places.
    pub(super) fn swap_last(&mut self) {
        if let Some(word) = self.words.get_mut(self.last as usize) {
            word.0 = word.0 & 0xffff_ffff | (word.0 >> 48) << 32 | (word.0 >> 32 & 0xffff) << 48;
        }
    }

    /// Has the latest instruction write the register `to` rather than `from`, of this kind, if it is the one that writes
    /// that. Both are scaled.
    pub(super) fn redirect_last(&mut self, kind: OperandKind, from: u16, to: u16) -> bool {
        let Some(last) = self.last() else { return false };
        if last.a != from || !writes(last.opcode, kind) {
            return false;
        }
        let Some(word) = self.words.get_mut(self.last as usize) else { return false };
        word.0 = word.0 & !(0xffff << 16) | u64::from(to) << 16;
        true
    }

    /// Notes `offset` for all words that were appended since.
    #[inline]
    pub(super) fn note_offsets(&mut self, offset: u32) {
        self.offsets.resize(self.words.len(), offset);
    }

    /// Sets the distance of the jump at `at`, which may be a short one, so that it goes to `target`. Whether it fits.
    pub(super) fn set_target(&mut self, at: u32, target: u32) {
        let Some(word) = self.words.get_mut(at as usize) else { return };
        let has_literal = [Opcode::jump_if_type as u16, Opcode::jump_if_not_type as u16].contains(&(word.0 as u16));
        let distance = target.wrapping_sub(at + 1 + u32::from(has_literal));
        if is_wide_jump(word.0 as u16) {
            word.0 = word.0 & 0xffff_ffff | u64::from(distance) << 32;
        } else {
            debug_assert!(i16::try_from(distance as i32).is_ok());
            word.0 = word.0 & 0xffff_ffff_ffff | u64::from(distance as u16) << 48;
        }
    }
}

/// Whether an instruction writes its operand a, a register of this kind. Results of calls are numbers or vectors.
fn writes(opcode: Opcode, kind: OperandKind) -> bool {
    let Some(operand) = opcode.entry().operands().first() else { return false };
    operand.field == Field::A
        && (operand.kind == kind || operand.kind == OperandKind::ResultWindow && kind != OperandKind::ReferenceWrite)
}

/// Whether a jump's distance has 32 bits.
fn is_wide_jump(opcode: u16) -> bool {
    const WIDE: &[Opcode] = &[
        Opcode::jump,
        Opcode::loop_back,
        Opcode::jump_if,
        Opcode::jump_if_zero,
        Opcode::jump_if_null,
        Opcode::jump_if_not_null,
        Opcode::jump_if_type,
        Opcode::jump_if_not_type,
        Opcode::loop_if,
        Opcode::loop_if_zero,
    ];
    WIDE.iter().any(|&wide| wide as u16 == opcode)
}
