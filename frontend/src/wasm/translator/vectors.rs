//! Vectors. What the specification leaves open for relaxed instructions is the same everywhere here: they are those that
//! are not relaxed, and sums of products are rounded twice.

use super::{Translator, registers::number};
use lunette_bytecode::typed::{function::GlobalKind, instruction::Opcode};

impl Translator<'_> {
    /// The home of a result.
    fn push_vector(&mut self) -> u16 {
        number(self.push_home(GlobalKind::Vector))
    }

    /// An operation with one operand.
    pub(super) fn vector_unary(&mut self, opcode: Opcode) {
        let b = self.pop();
        let a = self.push_vector();
        self.code.abc(opcode, a, b, 0);
    }

    /// An operation with two operands, the second of which may be a number.
    pub(super) fn vector_binary(&mut self, opcode: Opcode) {
        let c = self.pop();
        let b = self.pop();
        let a = self.push_vector();
        self.code.abc(opcode, a, b, c);
    }

    /// The same with the operands in the other order.
    pub(super) fn vector_binary_swapped(&mut self, opcode: Opcode) {
        self.vector_binary(opcode);
        self.code.swap_last();
    }

    /// A shift, by the low bits of a number.
    pub(super) fn vector_shift(&mut self, opcode: Opcode) {
        let count = self.stack.pop();
        let c = number(self.low_register(count));
        let b = self.pop();
        let a = self.push_vector();
        self.code.abc(opcode, a, b, c);
    }

    /// An operation whose result is a number.
    pub(super) fn vector_test(&mut self, opcode: Opcode) {
        self.extract_lane(opcode, 0);
    }

    /// A lane as a number.
    pub(super) fn extract_lane(&mut self, opcode: Opcode, lane: u8) {
        let b = self.pop();
        let home = self.push_home(GlobalKind::Number);
        self.code.abc(opcode, number(home), b, lane.into());
    }

    /// A number as a lane.
    pub(super) fn replace_lane(&mut self, opcode: Opcode, lane: u8) {
        self.vector_binary(opcode);
        self.code.quarters([lane.into(), 0, 0, 0]);
    }

    /// A number as all lanes.
    pub(super) fn splat(&mut self, opcode: Opcode) {
        self.vector_unary(opcode);
    }

    /// `i8x16.shuffle`
    pub(super) fn shuffle(&mut self, lanes: [u8; 16]) {
        self.vector_binary(Opcode::i8x16_shuffle);
        let lanes = u128::from_le_bytes(lanes);
        self.code.literal(lanes as u64);
        self.code.literal((lanes >> 64) as u64);
    }

    /// `v128.bitselect`
    pub(super) fn vector_select(&mut self) {
        let e = self.pop();
        self.vector_binary(Opcode::v128_select);
        self.code.quarters([e, 0, 0, 0]);
    }

    /// A product that is added to a vector, or subtracted from it.
    pub(super) fn multiply_add(&mut self, multiply: Opcode, add: Opcode) {
        let vector = self.pop();
        self.vector_binary(multiply);
        let product = self.pop();
        let a = self.push_vector();
        self.code.abc(add, a, vector, product);
    }

    /// `i32x4.relaxed_dot_i8x16_i7x16_add_s`
    pub(super) fn dot_add(&mut self) {
        let vector = self.pop();
        self.vector_binary(Opcode::i16x8_dot);
        self.vector_unary(Opcode::i32x4_add_pairs_signed);
        let sums = self.pop();
        let a = self.push_vector();
        self.code.abc(Opcode::i32x4_add, a, sums, vector);
    }
}
