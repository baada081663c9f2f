//! Jumps, and what they depend on.

use super::Emitter;
use crate::typed::{
    meaning::{Condition, Kind, Meaning, Test},
    operands::{operand, signed_operand},
    registers::Set,
};
use alloc::vec::Vec;
use cranelift_codegen::ir::{Block, BlockCall, InstBuilder, JumpTableData, Value, condcodes::IntCC};
use lunette_bytecode::typed::instruction::Field;

impl Emitter<'_, '_, '_> {
    pub(super) fn emit_jump(&mut self, block: usize, instruction: usize, meaning: Meaning, live: &Set) {
        let successors = &self.code.blocks[block].successors;
        match meaning {
            Meaning::JumpTable => {
                let index = self.read(operand(self.code.words(instruction), Field::A), Kind::I32);
                let targets: Vec<Block> = successors.iter().map(|&next| self.blocks[next]).collect();
                let calls: Vec<BlockCall> = targets.iter().map(|&target| self.block_call(target)).collect();
                let Some((&last, first)) = calls.split_last() else { unreachable!("a table has a jump") };
                let table = self.builder.create_jump_table(JumpTableData::new(last, first));
                self.builder.ins().br_table(index, table);
            }
            Meaning::Jump(Test::Always) => {
                self.builder.ins().jump(self.blocks[successors[0]], []);
            }
            Meaning::Loop(Test::Always) => self.emit_back(instruction, successors[0], live),
            Meaning::Jump(test @ (Test::OfType | Test::NotOfType)) => {
                let [jumped, following] = [successors[0], successors[1]].map(|next| self.blocks[next]);
                let (yes, no) = if test == Test::OfType { (jumped, following) } else { (following, jumped) };
                self.branch_on_type(instruction, operand(self.code.words(instruction), Field::A), yes, no);
            }
            Meaning::Jump(test) => {
                let (jumped, following) = (self.blocks[successors[0]], self.blocks[successors[1]]);
                let condition = self.test(instruction, test);
                self.builder.ins().brif(condition, jumped, [], following, []);
            }
            Meaning::Loop(test) => {
                let (jumped, following) = (successors[0], self.blocks[successors[1]]);
                // The second block is the one that follows in machine code, and so all of the loop lies together.
                let ends = self.test(instruction, test.opposite());
                let back = self.builder.create_block();
                self.builder.ins().brif(ends, following, [], back, []);
                self.builder.seal_block(back);
                self.builder.switch_to_block(back);
                self.emit_back(instruction, jumped, live);
            }
            _ => unreachable!("{meaning:?} does not jump"),
        }
    }

    /// Goes back, which costs the words that are gone back over.
    pub(super) fn emit_back(&mut self, instruction: usize, target: usize, live: &Set) {
        let code = self.code;
        let end = code.instructions[instruction].at + code.instructions[instruction].length;
        let start = code.instructions[code.blocks[target].instructions.start].at;
        let unpaid = self.builder.create_block();
        self.builder.set_cold_block(unpaid);
        self.emit_charge((end - start) as i64, unpaid);
        self.builder.seal_block(unpaid);
        self.builder.ins().jump(self.blocks[target], []);
        self.builder.switch_to_block(unpaid);
        self.leave(instruction, live);
    }

    pub(super) fn test(&mut self, instruction: usize, test: Test) -> Value {
        let register = |field| operand(self.code.words(instruction), field);
        let constant = |field| signed_operand(self.code.words(instruction), field);
        match test {
            Test::Always | Test::OfType | Test::NotOfType => unreachable!("{test:?} is no condition"),
            Test::Null => self.is_null(register(Field::A)),
            Test::NotNull => {
                let is_null = self.is_null(register(Field::A));
                self.builder.ins().icmp_imm_s(IntCC::Equal, is_null, 0)
            }
            Test::NotZero => self.read(register(Field::A), Kind::I32),
            Test::Zero => {
                let value = self.read(register(Field::A), Kind::I32);
                self.builder.ins().icmp_imm_s(IntCC::Equal, value, 0)
            }
            Test::Compare(condition, kind) => {
                let (left, right) = (self.read(register(Field::A), kind), self.read(register(Field::B), kind));
                self.compare(condition, left, right)
            }
            Test::CompareConstant(condition, kind) => {
                let left = self.read(register(Field::A), kind);
                let right = self.constant(kind, constant(Field::B) as u64);
                self.compare(condition, left, right)
            }
            Test::And | Test::AndZero | Test::AndConstant | Test::AndZeroConstant => {
                let left = self.read(register(Field::A), Kind::I32);
                let right = match test {
                    Test::And | Test::AndZero => self.read(register(Field::B), Kind::I32),
                    _ => self.constant(Kind::I32, constant(Field::B) as u64),
                };
                let common = self.builder.ins().band(left, right);
                let wanted = if matches!(test, Test::And | Test::AndConstant) { IntCC::NotEqual } else { IntCC::Equal };
                self.builder.ins().icmp_imm_s(wanted, common, 0)
            }
        }
    }

    pub(super) fn compare(&mut self, condition: Condition, left: Value, right: Value) -> Value {
        match condition {
            Condition::Integer(condition) => self.builder.ins().icmp(condition, left, right),
            Condition::Float(condition) => self.builder.ins().fcmp(condition, left, right),
        }
    }
}
