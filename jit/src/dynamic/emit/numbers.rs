//! Operations of numbers.

use super::Emitter;
use crate::dynamic::{
    kinds::{Expected, Kind, Plan, Source, sources},
    operands::Operands,
};
use cranelift_codegen::ir::{InstBuilder, InstructionData, MemFlagsData, Value, ValueDef, condcodes::IntCC, types};
use lunette_bytecode::instruction::Opcode;
use lunette_interpreter::machine_code::layout::tag;

impl Emitter<'_, '_, '_> {
    /// What registers are known to hold.
    pub(super) fn kinds_held(&self) -> alloc::vec::Vec<Kind> {
        self.held.iter().map(|held| held.kind).collect()
    }

    pub(super) fn emit_operation(&mut self, instruction: usize) {
        let word = self.code.word(instruction);
        let Some(operands) = sources(self.code, instruction) else { unreachable!("an operation has operands") };
        let kinds = self.kinds_held();
        match self.code.plan(instruction, operands, &kinds) {
            Plan::Integers => {
                let [left, right] = operands.map(|source| self.integer(source));
                let result = self.integers(word.opcode(), left, right, operands[1]);
                self.write(word.a(), Kind::Integer, result);
            }
            Plan::Floats => {
                let expected = operands.map(|source| self.code.expected(instruction, source, &kinds));
                let left = self.float(operands[0], expected[0]);
                let right = self.float(operands[1], expected[1]);
                let result = self.floats(word.opcode(), left, right);
                self.write(word.a(), Kind::Float, result);
            }
            Plan::Numbers => self.emit_numbers(word.opcode(), word.a(), operands),
            Plan::Performed => self.perform_here(),
        }
    }

    /// An operand that is to be an integer.
    pub(super) fn integer(&mut self, source: Source) -> Value {
        match source {
            Source::Constant(_, payload) => self.builder.ins().iconst(types::I64, payload as i64),
            Source::Register(register, _) => {
                if self.held[register].kind != Kind::Integer {
                    let unexpected = self.unexpected();
                    self.guard(register, Kind::Integer, unexpected);
                }
                self.read(register)
            }
        }
    }

    /// An operand as a float, which is expected to be so.
    pub(super) fn float(&mut self, source: Source, expected: Expected) -> Value {
        let register = match source {
            Source::Constant(Kind::Float, payload) => {
                return self.builder.ins().f64const(f64::from_bits(payload));
            }
            Source::Constant(_, payload) => return self.builder.ins().f64const(payload as i64 as f64),
            Source::Register(register, _) => register,
        };
        match (self.held[register].kind, expected) {
            (Kind::Float, _) => return self.read(register),
            (Kind::Integer, _) => {}
            (_, Expected::Float | Expected::Integer) => {
                let kind = if expected == Expected::Float { Kind::Float } else { Kind::Integer };
                let unexpected = self.unexpected();
                self.guard(register, kind, unexpected);
                if kind == Kind::Float {
                    return self.read(register);
                }
            }
            _ => {
                let unexpected = self.unexpected();
                let (tag, payload) = (self.tag_of(register), self.payload_of(register));
                return self.number_as_float(tag, payload, unexpected);
            }
        }
        let integer = self.read(register);
        self.builder.ins().fcvt_from_sint(types::F64, integer)
    }

    /// A number of whatever type as a float; what is none goes to a block.
    fn number_as_float(&mut self, tag: Value, payload: Value, otherwise: cranelift_codegen::ir::Block) -> Value {
        let [is_float, other, integer, join] = core::array::from_fn(|_| self.builder.create_block());
        let result = self.builder.append_block_param(join, types::F64);
        let matches = self.builder.ins().icmp_imm_s(IntCC::Equal, tag, i64::from(tag::FLOAT));
        self.builder.ins().brif(matches, is_float, [], other, []);
        self.seal(is_float);
        self.seal(other);
        self.builder.switch_to_block(is_float);
        let float = self.builder.ins().bitcast(types::F64, MemFlagsData::new(), payload);
        self.builder.ins().jump(join, &[float.into()]);
        self.builder.switch_to_block(other);
        let matches = self.builder.ins().icmp_imm_s(IntCC::Equal, tag, i64::from(tag::INTEGER));
        self.builder.ins().brif(matches, integer, [], otherwise, []);
        self.seal(integer);
        self.builder.switch_to_block(integer);
        let float = self.builder.ins().fcvt_from_sint(types::F64, payload);
        self.builder.ins().jump(join, &[float.into()]);
        self.seal(join);
        self.builder.switch_to_block(join);
        result
    }

    /// Addition, subtraction or multiplication of numbers of whatever types.
    fn emit_numbers(&mut self, opcode: Opcode, target: usize, operands: [Source; 2]) {
        let slow = self.slow();
        let [left, right] = operands.map(|source| self.parts(source));
        let [integers, floats, join] = core::array::from_fn(|_| self.builder.create_block());
        let tag = self.builder.append_block_param(join, types::I32);
        let payload = self.builder.append_block_param(join, types::I64);
        let integer_tag = i64::from(tag::INTEGER);
        let is_integer = [left, right].map(|(tag, _)| self.builder.ins().icmp_imm_s(IntCC::Equal, tag, integer_tag));
        let are_integers = self.builder.ins().band(is_integer[0], is_integer[1]);
        self.builder.ins().brif(are_integers, integers, [], floats, []);
        self.seal(integers);
        self.seal(floats);
        self.builder.switch_to_block(integers);
        let result = self.integers(opcode, left.1, right.1, operands[1]);
        let tag_value = self.builder.ins().iconst(types::I32, integer_tag);
        self.builder.ins().jump(join, &[tag_value.into(), result.into()]);
        self.builder.switch_to_block(floats);
        let left = self.number_as_float(left.0, left.1, slow);
        let right = self.number_as_float(right.0, right.1, slow);
        let result = self.floats(opcode, left, right);
        let result = self.builder.ins().bitcast(types::I64, MemFlagsData::new(), result);
        let tag_value = self.builder.ins().iconst(types::I32, i64::from(tag::FLOAT));
        self.builder.ins().jump(join, &[tag_value.into(), result.into()]);
        self.seal(join);
        self.builder.switch_to_block(join);
        self.write_any(target, tag, payload);
    }

    /// Tag and payload of an operand.
    pub(super) fn parts(&mut self, source: Source) -> (Value, Value) {
        match source {
            Source::Constant(kind, payload) => {
                let tag = self.builder.ins().iconst(types::I32, i64::from(kind.tag().unwrap_or_default()));
                (tag, self.builder.ins().iconst(types::I64, payload as i64))
            }
            Source::Register(register, _) => (self.tag_of(register), self.payload_of(register)),
        }
    }

    fn integers(&mut self, opcode: Opcode, left: Value, right: Value, source: Source) -> Value {
        use Opcode::*;
        let constant = match source {
            Source::Constant(_, payload) => Some(payload as i64),
            Source::Register(..) => None,
        };
        match opcode {
            add | add_constant | add_integer => self.builder.ins().iadd(left, right),
            subtract | subtract_constant | subtract_integer => self.builder.ins().isub(left, right),
            multiply | multiply_constant => self.builder.ins().imul(left, right),
            bit_and | bit_and_constant => self.builder.ins().band(left, right),
            bit_or | bit_or_constant => self.builder.ins().bor(left, right),
            bit_xor | bit_xor_constant => self.builder.ins().bxor(left, right),
            shift_left | shift_left_integer => self.shift(left, right, constant, true),
            shift_right | shift_right_integer => self.shift(left, right, constant, false),
            modulo | modulo_constant => self.modulo(left, right, constant),
            floor_divide | floor_divide_constant => self.floor_divide(left, right, constant),
            _ => unreachable!("{opcode:?} is no operation of integers"),
        }
    }

    /// A shift whose amount may be negative, or more than there are bits.
    fn shift(&mut self, value: Value, amount: Value, constant: Option<i64>, is_left: bool) -> Value {
        let by_constant = |emitter: &mut Self, by: i64, is_left: bool| match (by, is_left) {
            (64.., _) => emitter.builder.ins().iconst(types::I64, 0),
            (_, true) => emitter.builder.ins().ishl_imm_u(value, by),
            (_, false) => emitter.builder.ins().ushr_imm_u(value, by),
        };
        match constant {
            Some(by @ 0..) => return by_constant(self, by, is_left),
            Some(by) => return by_constant(self, by.checked_neg().unwrap_or(i64::MAX), !is_left),
            None => {}
        }
        let opposite = self.builder.ins().ineg(amount);
        let (left_by, right_by) = if is_left { (amount, opposite) } else { (opposite, amount) };
        let shifted_left = self.builder.ins().ishl(value, left_by);
        let shifted_right = self.builder.ins().ushr(value, right_by);
        let nothing = self.builder.ins().iconst(types::I64, 0);
        let fits_left = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, left_by, 64);
        let fits_right = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, right_by, 64);
        let right = self.builder.ins().select(fits_right, shifted_right, nothing);
        self.builder.ins().select(fits_left, shifted_left, right)
    }

    /// A divisor of 0 is an error; instead of -1, with which the processor may overflow, 1 is given, and whether it was.
    fn checked_divisor(&mut self, right: Value, constant: Option<i64>) -> (Value, Option<Value>) {
        if constant.is_some_and(|divisor| divisor != 0) {
            return (right, None);
        }
        let paused = self.paused();
        let is_zero = self.builder.ins().icmp_imm_s(IntCC::Equal, right, 0);
        self.go_if(is_zero, paused);
        let is_minus_one = self.builder.ins().icmp_imm_s(IntCC::Equal, right, -1);
        let one = self.builder.ins().iconst(types::I64, 1);
        (self.builder.ins().select(is_minus_one, one, right), Some(is_minus_one))
    }

    fn modulo(&mut self, left: Value, right: Value, constant: Option<i64>) -> Value {
        match constant {
            Some(-1) => return self.builder.ins().iconst(types::I64, 0),
            Some(divisor @ 1..) if divisor & (divisor - 1) == 0 => {
                return self.builder.ins().band_imm_s(left, divisor - 1);
            }
            _ => {}
        }
        // What is left of a division by 1 is what is left of one by -1.
        let (right, _) = self.checked_divisor(right, constant);
        let rest = self.builder.ins().srem(left, right);
        // The result has the sign of the divisor.
        let sum = self.builder.ins().iadd(rest, right);
        let signs = self.builder.ins().bxor(rest, right);
        let differ = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, signs, 0);
        let is_some = self.builder.ins().icmp_imm_s(IntCC::NotEqual, rest, 0);
        let is_wrong = self.builder.ins().band(differ, is_some);
        self.builder.ins().select(is_wrong, sum, rest)
    }

    fn floor_divide(&mut self, left: Value, right: Value, constant: Option<i64>) -> Value {
        match constant {
            Some(-1) => return self.builder.ins().ineg(left),
            Some(divisor @ 1..) if divisor & (divisor - 1) == 0 => {
                return self.builder.ins().sshr_imm_u(left, i64::from(divisor.trailing_zeros()));
            }
            _ => {}
        }
        let (divisor, is_minus_one) = self.checked_divisor(right, constant);
        let quotient = self.builder.ins().sdiv(left, divisor);
        let product = self.builder.ins().imul(quotient, divisor);
        let is_inexact = self.builder.ins().icmp(IntCC::NotEqual, product, left);
        let signs = self.builder.ins().bxor(left, divisor);
        let differ = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, signs, 0);
        let is_wrong = self.builder.ins().band(is_inexact, differ);
        let below = self.builder.ins().iadd_imm_s(quotient, -1);
        let result = self.builder.ins().select(is_wrong, below, quotient);
        match is_minus_one {
            Some(is_minus_one) => {
                let negated = self.builder.ins().ineg(left);
                self.builder.ins().select(is_minus_one, negated, result)
            }
            None => result,
        }
    }

    fn floats(&mut self, opcode: Opcode, left: Value, right: Value) -> Value {
        use Opcode::*;
        match opcode {
            add | add_constant | add_integer => self.builder.ins().fadd(left, right),
            subtract | subtract_constant | subtract_integer => self.builder.ins().fsub(left, right),
            multiply | multiply_constant => self.builder.ins().fmul(left, right),
            divide | divide_constant => self.divide(left, right),
            floor_divide | floor_divide_constant => {
                let quotient = self.builder.ins().fdiv(left, right);
                self.builder.ins().floor(quotient)
            }
            // The square.
            power_constant => self.builder.ins().fmul(left, left),
            _ => unreachable!("{opcode:?} is no operation of floats"),
        }
    }

    fn divide(&mut self, left: Value, right: Value) -> Value {
        match self.exact_reciprocal(right) {
            Some(reciprocal) => {
                let reciprocal = self.builder.ins().f64const(reciprocal);
                self.builder.ins().fmul(left, reciprocal)
            }
            None => self.builder.ins().fdiv(left, right),
        }
    }

    /// The reciprocal of a constant, if multiplying by it gives what dividing does: those of powers of two, neither of which is
    /// subnormal.
    fn exact_reciprocal(&self, value: Value) -> Option<f64> {
        let ValueDef::Result(definition, _) = self.builder.func.dfg.value_def(value) else { return None };
        let InstructionData::UnaryIeee64 { imm, .. } = self.builder.func.dfg.insts[definition] else { return None };
        let divisor = f64::from_bits(imm.bits());
        let reciprocal = 1.0 / divisor;
        let is_power = divisor.to_bits().trailing_zeros() >= f64::MANTISSA_DIGITS - 1;
        (is_power && divisor.is_normal() && reciprocal.is_normal()).then_some(reciprocal)
    }

    pub(super) fn emit_unary(&mut self, instruction: usize) {
        let word = self.code.word(instruction);
        let kinds = self.kinds_held();
        let kind = self.code.unary(instruction, &kinds);
        let is_not = word.opcode() == Opcode::bit_not;
        if kind == Kind::Any || is_not && kind == Kind::Float {
            return self.perform_here();
        }
        let unexpected = if self.held[word.b()].kind == kind { None } else { Some(self.unexpected()) };
        if let Some(unexpected) = unexpected {
            self.guard(word.b(), kind, unexpected);
        }
        let value = self.read(word.b());
        let result = match (is_not, kind) {
            (true, _) => self.builder.ins().bnot(value),
            (false, Kind::Float) => self.builder.ins().fneg(value),
            (false, _) => self.builder.ins().ineg(value),
        };
        self.write(word.a(), kind, result);
    }

    pub(super) fn emit_not(&mut self, to: usize, from: usize) {
        let tag = self.tag_of(from);
        let is_false = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, tag, i64::from(tag::TRUE));
        let wide = self.builder.ins().uextend(types::I32, is_false);
        let tag = self.builder.ins().iadd_imm_s(wide, i64::from(tag::FALSE));
        let nothing = self.builder.ins().iconst(types::I64, 0);
        self.write_any(to, tag, nothing);
    }
}
