//! Instructions that do not jump, by their meaning.

use super::{Emitter, fixed, own, type_of};
use crate::typed::{
    kinds::loaded,
    meaning::{Kind, Meaning},
    operands::{copy_order, operand, signed_operand},
    registers::Set,
};
use cranelift_codegen::ir::{
    InstBuilder,
    condcodes::{FloatCC, IntCC},
    types,
};
use lunette_bytecode::typed::instruction::Field;
use lunette_interpreter::typed::native::layout;

impl Emitter<'_, '_, '_> {
    /// Emits an instruction; `live` are the registers that are read from it on.
    pub(super) fn emit_instruction(&mut self, block: usize, instruction: usize, meaning: Meaning, live: &Set) {
        let register = |field| operand(self.code.words(instruction), field);
        let number = |field| signed_operand(self.code.words(instruction), field);
        match meaning {
            Meaning::Copy => self.copy(register(Field::A), register(Field::B)),
            Meaning::CopyFromFar => self.copy(register(Field::A), register(Field::D)),
            Meaning::CopyToFar => self.copy(register(Field::D), register(Field::A)),
            Meaning::CopyNumbers => {
                let (to, from, count) = (register(Field::A), register(Field::B), register(Field::C));
                if count == 2 && self.held[from].kind == Kind::Vector {
                    let value = self.vector(from);
                    self.write_vector(to, value);
                } else {
                    copy_order(to, from, count).for_each(|index| self.copy(to + index, from + index));
                }
            }
            Meaning::LoadInteger => self.write_constant(register(Field::A), number(Field::D) as u64),
            Meaning::LoadUnsigned => self.write_constant(register(Field::A), number(Field::D) as u64),
            Meaning::LoadConstant => self.write_constant(register(Field::A), number(Field::W) as u64),
            Meaning::ZeroNumbers => {
                let (first, count) = (register(Field::A), register(Field::D));
                (first..first + count).for_each(|register| self.write_constant(register, 0));
            }
            Meaning::Select => {
                let (yes, no) = (register(Field::B), register(Field::C));
                let kind = self.kind_of(yes).join(self.kind_of(no)).held();
                let condition = self.read(register(Field::E), Kind::I32);
                let (yes, no) = (self.read(yes, kind), self.read(no, kind));
                let value = self.builder.ins().select(condition, yes, no);
                self.write(register(Field::A), kind, value);
            }
            Meaning::Binary(operation, kind) => {
                let (left, right) = (self.read(register(Field::B), kind), self.read(register(Field::C), kind));
                let value = self.binary(operation, left, right);
                self.write(register(Field::A), kind, value);
            }
            Meaning::BinaryConstant(operation, kind) => {
                let left = self.read(register(Field::B), kind);
                let right = self.constant(kind, number(Field::C) as u64);
                let value = self.binary(operation, left, right);
                self.write(register(Field::A), kind, value);
            }
            Meaning::Compare(condition, kind) => {
                let (left, right) = (self.read(register(Field::B), kind), self.read(register(Field::C), kind));
                self.write_truth(register(Field::A), condition, left, right);
            }
            Meaning::CompareConstant(condition, kind) => {
                let left = self.read(register(Field::B), kind);
                let right = self.constant(kind, number(Field::C) as u64);
                self.write_truth(register(Field::A), condition, left, right);
            }
            Meaning::Unary(operation, from, to) => {
                let value = self.read(register(Field::B), from);
                let value = self.unary(operation, to, value);
                self.write(register(Field::A), to, value);
            }
            Meaning::Divide { kind, is_signed, is_remainder } => {
                let (left, right) = (self.read(register(Field::B), kind), self.read(register(Field::C), kind));
                let known = self.held[register(Field::C)].constant;
                let value = self.divide(instruction, (left, right), known, (kind, is_signed, is_remainder));
                self.write(register(Field::A), kind, value);
            }
            Meaning::Truncate { from, to, is_signed, low, high } => {
                let value = self.read(register(Field::B), from);
                let (low, high) = match from {
                    Kind::F32 => (u64::from((low as f32).to_bits()), u64::from((high as f32).to_bits())),
                    _ => (low.to_bits(), high.to_bits()),
                };
                for (bound, outside) in
                    [(low, FloatCC::UnorderedOrLessThanOrEqual), (high, FloatCC::UnorderedOrGreaterThanOrEqual)]
                {
                    let bound = self.constant(from, bound);
                    let is_outside = self.builder.ins().fcmp(outside, value, bound);
                    self.trap_if(is_outside, instruction);
                }
                let value = match is_signed {
                    true => self.builder.ins().fcvt_to_sint_sat(type_of(to), value),
                    false => self.builder.ins().fcvt_to_uint_sat(type_of(to), value),
                };
                self.write(register(Field::A), to, value);
            }
            Meaning::Load { bytes, is_signed, kind } => {
                let offset = register(Field::C);
                let (flags, place) = self.place(instruction, bytes);
                let to = register(Field::A);
                let kind = if kind == Kind::Any { loaded(self.code, block, instruction, to, bytes) } else { kind };
                let (offset, wide) = (offset as i32, type_of(kind));
                let ins = self.builder.ins();
                let value = match (bytes, is_signed, kind) {
                    (1, false, _) => ins.uload8(wide, flags, place, offset),
                    (1, true, _) => ins.sload8(wide, flags, place, offset),
                    (2, false, _) => ins.uload16(wide, flags, place, offset),
                    (2, true, _) => ins.sload16(wide, flags, place, offset),
                    (4, false, Kind::I64) => ins.uload32(flags, place, offset),
                    (4, true, _) => ins.sload32(flags, place, offset),
                    _ => ins.load(wide, flags, place, offset),
                };
                self.write(to, kind, value);
            }
            Meaning::Store { bytes } => {
                let (offset, from) = (register(Field::C), register(Field::A));
                let (flags, place) = self.place(instruction, bytes);
                let kind = match (bytes, self.held[from].kind) {
                    (4, Kind::F32) => Kind::F32,
                    (8, Kind::F64) => Kind::F64,
                    (8, _) => Kind::I64,
                    _ => Kind::I32,
                };
                let value = self.read(from, kind);
                let offset = offset as i32;
                match bytes {
                    1 => self.builder.ins().istore8(flags, value, place, offset),
                    2 => self.builder.ins().istore16(flags, value, place, offset),
                    _ => self.builder.ins().store(flags, value, place, offset),
                };
            }
            Meaning::AddOffset => {
                let address = self.read(register(Field::B), Kind::I64);
                let end = self.builder.ins().iadd_imm_s(address, number(Field::W));
                let is_over = self.builder.ins().icmp(IntCC::UnsignedLessThan, end, address);
                self.trap_if(is_over, instruction);
                self.write(register(Field::A), Kind::I64, end);
            }
            Meaning::UseMemory => {
                let instance = self.instance();
                let region = self.region();
                let memories = self.builder.ins().load(types::I32, fixed(), instance, layout::MEMORIES);
                let memories = self.object(region, memories);
                let place = layout::FIRST_ELEMENT + 4 * register(Field::D) as i32;
                let memory = self.builder.ins().load(types::I32, fixed(), memories, place);
                let memory = self.object(region, memory);
                let data = self.builder.ins().load(types::I32, fixed(), memory, layout::MEMORY_DATA);
                let data = self.object(region, data);
                let bytes = self.builder.ins().iadd_imm_s(data, layout::DATA_BYTES);
                self.use_memory(bytes);
                // What is called takes it from there, and so does the loop.
                self.store_own(bytes, layout::MEMORY);
                self.found.checked.clear();
            }
            Meaning::GetGlobal => {
                let (instance, place) = (self.instance(), layout::global(register(Field::D)));
                let value = self.builder.ins().load(types::I64, own(), instance, place);
                self.write(register(Field::A), Kind::I64, value);
            }
            Meaning::SetGlobal => {
                let from = register(Field::A);
                let value = self.read(from, Kind::I64);
                let (instance, place) = (self.instance(), layout::global(register(Field::D)));
                self.builder.ins().store(own(), value, instance, place);
            }
            Meaning::Jump(_) | Meaning::Loop(_) | Meaning::JumpTable | Meaning::Return(_) | Meaning::Call(_) => {
                unreachable!("{meaning:?} goes elsewhere")
            }
            Meaning::Vector(opcode) => self.emit_vector(instruction, opcode),
            _ => self.emit_reference(block, instruction, meaning, live),
        }
    }
}
