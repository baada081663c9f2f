//! Operands of verified instructions.

use lunette_bytecode::instruction::{Opcode, Word};

const SCALE: u64 = lunette_bytecode::instruction::OPERAND_SCALE as u64;

/// What stands in the fields of an instruction's word.
pub(crate) trait Operands {
    /// The opcode.
    fn opcode(self) -> Opcode;
    /// The register, or constant, in a field that is scaled.
    fn a(self) -> usize;
    fn b(self) -> usize;
    fn c(self) -> usize;
    /// The number in a field that is not.
    fn b_count(self) -> usize;
    fn c_count(self) -> usize;
    fn b_signed(self) -> i64;
    fn c_signed(self) -> i64;
    fn d_signed(self) -> i64;
    fn d_count(self) -> u32;
    fn k(self) -> usize;
}

impl Operands for Word {
    fn opcode(self) -> Opcode {
        match Opcode::from_number(self.opcode_number()) {
            Some(opcode) => opcode,
            None => unreachable!("a verified instruction has an opcode of the table"),
        }
    }
    fn a(self) -> usize {
        (u64::from((self.0 >> 16) as u16) / SCALE) as usize
    }
    fn b(self) -> usize {
        (u64::from((self.0 >> 32) as u16) / SCALE) as usize
    }
    fn c(self) -> usize {
        (u64::from((self.0 >> 48) as u16) / SCALE) as usize
    }
    fn b_count(self) -> usize {
        (self.0 >> 32) as u16 as usize
    }
    fn c_count(self) -> usize {
        (self.0 >> 48) as usize
    }
    fn b_signed(self) -> i64 {
        i64::from((self.0 >> 32) as u16 as i16)
    }
    fn c_signed(self) -> i64 {
        (self.0 as i64) >> 48
    }
    fn d_signed(self) -> i64 {
        (self.0 as i64) >> 32
    }
    fn d_count(self) -> u32 {
        (self.0 >> 32) as u32
    }
    fn k(self) -> usize {
        (self.0 >> 8) as u8 as usize
    }
}
