//! Results that go from instruction to instruction in machine registers.
//!
//! Every instruction writes its result to its number register, so that frames are the truth wherever somebody looks at
//! them. Many hand it on besides, in one of three machine registers: one for integers, one for floats of each width. What
//! follows in the straight line and needs that register takes it from there, which spares it the way through memory.
//!
//! Whether an instruction may is seen when code is installed, by one pass in which it is known what the machine registers
//! hold. Then the instruction is marked: bits of its opcode beyond those of the table, which the handlers' table knows. The
//! portable form of the code has no marks.
//!
//! What is held is forgotten where control may come from elsewhere, and by instructions that are not in the list below: they
//! may write anything, or be finished out of line, which loses the machine registers. Those in the list are finished out of
//! line only where they do not go on with the next instruction: in a trap, or at the target of a jump back.

use super::sequences::{self, SEQUENCES};
use crate::error::Throw;
use alloc::vec::Vec;
use lunette_bytecode::{
    instruction::Word,
    typed::{
        function::Function,
        instruction::{Field, Opcode, OperandKind, jump_distance, length},
    },
};

/// Bits of an opcode in the table.
pub(super) const OPCODE_BITS: u32 = 10;
/// Mark: the left operand is taken as it was handed on.
pub(super) const LEFT: usize = 1 << OPCODE_BITS;
/// Mark: the right one is.
pub(super) const RIGHT: usize = 2 << OPCODE_BITS;

/// Mark, the only one of its word: compiled code may be entered here ([`super::native`]).
pub(super) const ENTRY: usize = 4 << OPCODE_BITS;

const _: () = assert!(Opcode::ALL.len() + SEQUENCES.len() <= 1 << OPCODE_BITS);

/// Calls `$callback!` with the instructions that take operands from machine registers or hand their result on. A row reads
/// `(field and kind of the left operand) (those of the right one) (kinds that the result, in field a, is handed on as): names;`.
macro_rules! for_each_forwarding {
    ($callback:ident) => {
        $callback! {
            (B Integer) (C Integer) (Integer):
                i32_add i32_subtract i32_multiply i32_and i32_or i32_xor
                i32_shift_left i32_shift_right_signed i32_shift_right_unsigned i32_rotate_left i32_rotate_right
                i32_equal i32_not_equal i32_less i32_less_equal i32_below i32_below_equal
                i32_divide_signed i32_divide_unsigned i32_remainder_signed i32_remainder_unsigned
                i64_add i64_subtract i64_multiply i64_and i64_or i64_xor
                i64_shift_left i64_shift_right_signed i64_shift_right_unsigned i64_rotate_left i64_rotate_right
                i64_equal i64_not_equal i64_less i64_less_equal i64_below i64_below_equal
                i64_divide_signed i64_divide_unsigned i64_remainder_signed i64_remainder_unsigned;
            (B Integer) () (Integer):
                i32_add_constant i32_multiply_constant i32_and_constant i32_or_constant i32_xor_constant
                i32_shift_left_constant i32_shift_right_signed_constant i32_shift_right_unsigned_constant
                i32_rotate_left_constant i32_equal_constant i32_not_equal_constant i32_less_constant i32_greater_constant
                i32_below_constant i32_above_constant
                i64_add_constant i64_multiply_constant i64_and_constant i64_or_constant i64_xor_constant
                i64_shift_left_constant i64_shift_right_signed_constant i64_shift_right_unsigned_constant
                i64_rotate_left_constant i64_equal_constant i64_not_equal_constant i64_less_constant i64_greater_constant
                i64_below_constant i64_above_constant
                i32_count_leading_zeros i32_count_trailing_zeros i32_count_ones i32_extend_8 i32_extend_16 i32_wrap
                i64_count_leading_zeros i64_count_trailing_zeros i64_count_ones i64_extend_8 i64_extend_16 i64_extend_32
                load_8 load_8_signed_32 load_8_signed_64 load_16 load_16_signed_32 load_16_signed_64
                load_32_signed_64 add_offset;
            (B Integer) () (Integer Single): load_32;
            (B Integer) () (Integer Double): load_64 copy;
            (B Single) (C Single) (Single): f32_add f32_subtract f32_multiply f32_divide f32_minimum f32_maximum f32_copy_sign;
            (B Double) (C Double) (Double): f64_add f64_subtract f64_multiply f64_divide f64_minimum f64_maximum f64_copy_sign;
            (B Single) (C Single) (Integer): f32_equal f32_not_equal f32_less f32_less_equal;
            (B Double) (C Double) (Integer): f64_equal f64_not_equal f64_less f64_less_equal;
            (B Single) () (Single):
                f32_absolute f32_negate f32_ceiling f32_floor f32_truncate f32_nearest f32_square_root;
            (B Double) () (Double):
                f64_absolute f64_negate f64_ceiling f64_floor f64_truncate f64_nearest f64_square_root;
            (B Single) () (Integer):
                i32_truncate_f32_signed i32_truncate_f32_unsigned i64_truncate_f32_signed i64_truncate_f32_unsigned
                i32_saturate_f32_signed i32_saturate_f32_unsigned i64_saturate_f32_signed i64_saturate_f32_unsigned;
            (B Double) () (Integer):
                i32_truncate_f64_signed i32_truncate_f64_unsigned i64_truncate_f64_signed i64_truncate_f64_unsigned
                i32_saturate_f64_signed i32_saturate_f64_unsigned i64_saturate_f64_signed i64_saturate_f64_unsigned;
            (B Integer) () (Single):
                f32_convert_i32_signed f32_convert_i32_unsigned f32_convert_i64_signed f32_convert_i64_unsigned;
            (B Integer) () (Double):
                f64_convert_i32_signed f64_convert_i32_unsigned f64_convert_i64_signed f64_convert_i64_unsigned;
            (B Double) () (Single): f32_demote;
            (B Single) () (Double): f64_promote;
            () () (Integer): load_integer load_unsigned get_global;
            () () (Integer Double): load_constant;
            (E Integer) (B Integer) (Integer Double): select;
            (B Integer) (A Integer) (): store_8 store_16 store_32 store_64;
            (A Integer) () ():
                set_global jump_table return_one jump_if jump_if_zero loop_if loop_if_zero
                jump_i32_equal_constant jump_i32_not_equal_constant jump_i32_less_constant
                jump_i32_greater_constant jump_i32_below_constant jump_i32_above_constant
                jump_i32_and_constant jump_i32_and_zero_constant
                jump_i64_equal_constant jump_i64_not_equal_constant jump_i64_less_constant
                jump_i64_greater_constant jump_i64_below_constant jump_i64_above_constant
                loop_i32_equal_constant loop_i32_not_equal_constant loop_i32_less_constant
                loop_i32_greater_constant loop_i32_below_constant loop_i32_above_constant
                loop_i64_equal_constant loop_i64_not_equal_constant loop_i64_less_constant
                loop_i64_greater_constant loop_i64_below_constant loop_i64_above_constant;
            (A Integer) (B Integer) ():
                jump_i32_equal jump_i32_not_equal jump_i32_less jump_i32_less_equal jump_i32_below jump_i32_below_equal
                jump_i32_and jump_i32_and_zero
                jump_i64_equal jump_i64_not_equal jump_i64_less jump_i64_less_equal jump_i64_below jump_i64_below_equal
                loop_i32_equal loop_i32_not_equal loop_i32_less loop_i32_less_equal loop_i32_below loop_i32_below_equal
                loop_i64_equal loop_i64_not_equal loop_i64_less loop_i64_less_equal loop_i64_below loop_i64_below_equal;
            (A Single) (B Single) ():
                jump_f32_equal jump_f32_not_equal jump_f32_less jump_f32_not_less jump_f32_less_equal
                jump_f32_not_less_equal;
            (A Double) (B Double) ():
                jump_f64_equal jump_f64_not_equal jump_f64_less jump_f64_not_less jump_f64_less_equal
                jump_f64_not_less_equal;
        }
    };
}
/// The machine registers that results are handed on in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Single,
    Double,
}

const KINDS: usize = 3;

/// A row of the list.
struct Row {
    left: Option<(Field, Kind)>,
    right: Option<(Field, Kind)>,
    results: &'static [Kind],
}

macro_rules! optional {
    () => {
        None
    };
    ($field:ident $kind:ident) => {
        Some((Field::$field, Kind::$kind))
    };
}

macro_rules! define_row {
    ($(($($left:ident)*) ($($right:ident)*) ($($result:ident)*): $($name:ident)*;)*) => {
        /// The row of an instruction, if it is in the list.
        const fn row(opcode: Opcode) -> Option<Row> {
            Some(match opcode {
                $($(Opcode::$name)|* => {
                    Row { left: optional!($($left)*), right: optional!($($right)*), results: &[$(Kind::$result),*] }
                })*
                _ => return None,
            })
        }
    };
}

for_each_forwarding!(define_row);

/// Whether the instruction can take its left operand, and its right one, as they were handed on.
#[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
pub(super) const fn takes(opcode: Opcode) -> (bool, bool) {
    match row(opcode) {
        Some(row) => (row.left.is_some(), row.right.is_some()),
        None => (false, false),
    }
}

/// An instruction's word as it was before installing: without marks, and by itself if a sequence begins with it.
#[inline(always)]
pub(super) fn unmarked(word: Word) -> Word {
    let number = word.0 as usize & ((1 << OPCODE_BITS) - 1);
    let opcode = match number.checked_sub(Opcode::ALL.len()) {
        Some(sequence) => SEQUENCES[sequence].head as u64,
        None => number as u64,
    };
    Word(word.0 & !0xffff | opcode)
}

/// Number registers whose contents a machine register holds, copies of each other.
type Copies = [Option<i64>; 4];

/// What the machine registers hold.
#[derive(Default)]
struct Held([Copies; KINDS]);

impl Held {
    fn has(&self, kind: Kind, register: i64) -> bool {
        self.0[kind as usize].contains(&Some(register))
    }

    /// A number register has another content.
    fn forget(&mut self, register: i64) {
        self.0.as_flattened_mut().iter_mut().filter(|held| **held == Some(register)).for_each(|held| *held = None);
    }

    /// What was handed on is the content of a number register.
    fn set(&mut self, kind: Kind, register: i64) {
        self.0[kind as usize] = [Some(register), None, None, None];
    }

    /// A number register has what another has.
    fn copy(&mut self, to: i64, from: i64) {
        for copies in self.0.iter_mut().filter(|copies| copies.contains(&Some(from))) {
            if let Some(free) = copies.iter_mut().find(|held| held.is_none()) {
                *free = Some(to);
            }
        }
    }
}

/// The code of a function, which was verified, with marks.
pub(super) fn mark(function: &Function) -> Result<Vec<Word>, Throw> {
    let mut code = Vec::new();
    code.try_reserve_exact(function.code.len()).map_err(|_| Throw::Memory)?;
    code.extend_from_slice(&function.code);
    let is_target = targets(function)?;
    let mut held = Held::default();
    let mut at = 0;
    while let Some(length) = function.code.get(at..).and_then(length) {
        if is_target[at / 64] >> (at % 64) & 1 != 0 {
            held = Held::default();
        }
        code[at].0 |= follow(&function.code[at..at + length], &mut held) as u64;
        at += length;
    }
    sequences::join(&function.code, &mut code);
    Ok(code)
}

/// A bit for each word: whether control may come there from elsewhere.
fn targets(function: &Function) -> Result<Vec<u64>, Throw> {
    let mut bits = Vec::new();
    bits.try_reserve_exact(function.code.len() / 64 + 1).map_err(|_| Throw::Memory)?;
    bits.resize(function.code.len() / 64 + 1, 0);
    let mut set = |word: usize| bits[word / 64] |= 1 << (word % 64);
    let mut at = 0;
    while let Some(length) = function.code.get(at..).and_then(length) {
        let next = at + length;
        if let Some(distance) = jump_distance(&function.code[at..]) {
            set((next as i64 + distance) as usize);
        }
        at = next;
    }
    function.catches.iter().for_each(|catch| set(catch.target as usize));
    Ok(bits)
}

/// The marks of the instruction of these words, before which the machine registers hold `held`, and what they hold after it.
fn follow(words: &[Word], held: &mut Held) -> usize {
    let Some((opcode, row)) = Opcode::of(words[0]).and_then(|opcode| Some((opcode, row(opcode)?))) else {
        *held = Held::default();
        return 0;
    };
    let entry = opcode.entry();
    let register = |field| entry.operand(field).and_then(|operand| operand.read(words));
    let is_held = |operand: Option<(Field, Kind)>| {
        operand.is_some_and(|(field, kind)| register(field).is_some_and(|register| held.has(kind, register)))
    };
    let (left, right) = (is_held(row.left), is_held(row.right));
    let written = entry.operand(Field::A).filter(|operand| operand.kind == OperandKind::NumberWrite);
    if let Some(result) = written.and_then(|operand| operand.read(words)) {
        let source = register(Field::B).filter(|&source| opcode == Opcode::copy && source != result);
        held.forget(result);
        for &kind in row.results {
            if !source.is_some_and(|source| held.has(kind, source)) {
                held.set(kind, source.unwrap_or(result));
            }
        }
        if let Some(source) = source {
            held.copy(result, source);
        }
    }
    (usize::from(left) * LEFT) | (usize::from(right) * RIGHT)
}
