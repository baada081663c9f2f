//! Arithmetic, comparisons and conversions.

use super::{Emitter, type_of};
use crate::typed::meaning::{Binary, Condition, Kind, Unary};
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC, types};
use cranelift_frontend::FunctionBuilder;

impl Emitter<'_, '_, '_> {
    pub(super) fn binary(&mut self, operation: Binary, left: Value, right: Value) -> Value {
        let is_float = self.builder.func.dfg.value_type(left).is_float();
        let ins = self.builder.ins();
        match operation {
            Binary::Add if is_float => ins.fadd(left, right),
            Binary::Subtract if is_float => ins.fsub(left, right),
            Binary::Multiply if is_float => ins.fmul(left, right),
            Binary::Add => ins.iadd(left, right),
            Binary::Subtract => ins.isub(left, right),
            Binary::Multiply => ins.imul(left, right),
            Binary::And => ins.band(left, right),
            Binary::Or => ins.bor(left, right),
            Binary::Xor => ins.bxor(left, right),
            Binary::ShiftLeft => ins.ishl(left, right),
            Binary::ShiftRightSigned => ins.sshr(left, right),
            Binary::ShiftRightUnsigned => ins.ushr(left, right),
            Binary::RotateLeft => ins.rotl(left, right),
            Binary::RotateRight => ins.rotr(left, right),
            Binary::Divide => ins.fdiv(left, right),
            Binary::Minimum => ins.fmin(left, right),
            Binary::Maximum => ins.fmax(left, right),
            Binary::CopySign => ins.fcopysign(left, right),
        }
    }

    pub(super) fn unary(&mut self, operation: Unary, to: Kind, value: Value) -> Value {
        let wide = type_of(to);
        let extend = |builder: &mut FunctionBuilder<'_>, narrow| {
            let low = builder.ins().ireduce(narrow, value);
            builder.ins().sextend(wide, low)
        };
        match operation {
            Unary::LeadingZeros => self.builder.ins().clz(value),
            Unary::TrailingZeros => self.builder.ins().ctz(value),
            Unary::Ones => self.builder.ins().popcnt(value),
            Unary::Extend8 => extend(&mut self.builder, types::I8),
            Unary::Extend16 => extend(&mut self.builder, types::I16),
            Unary::Extend32 => extend(&mut self.builder, types::I32),
            Unary::Absolute => self.builder.ins().fabs(value),
            Unary::Negate => self.builder.ins().fneg(value),
            Unary::Ceiling => self.builder.ins().ceil(value),
            Unary::Floor => self.builder.ins().floor(value),
            Unary::Truncate => self.builder.ins().trunc(value),
            Unary::Nearest => self.builder.ins().nearest(value),
            Unary::SquareRoot => self.builder.ins().sqrt(value),
            Unary::Wrap => self.builder.ins().ireduce(wide, value),
            Unary::SaturateSigned => self.builder.ins().fcvt_to_sint_sat(wide, value),
            Unary::SaturateUnsigned => self.builder.ins().fcvt_to_uint_sat(wide, value),
            Unary::ConvertSigned => self.builder.ins().fcvt_from_sint(wide, value),
            Unary::ConvertUnsigned => self.builder.ins().fcvt_from_uint(wide, value),
            Unary::Demote => self.builder.ins().fdemote(wide, value),
            Unary::Promote => self.builder.ins().fpromote(wide, value),
        }
    }

    pub(super) fn divide(
        &mut self,
        instruction: usize,
        (left, right): (Value, Value),
        known: Option<u64>,
        (kind, is_signed, is_remainder): (Kind, bool, bool),
    ) -> Value {
        let mask = if kind == Kind::I32 { u64::from(u32::MAX) } else { u64::MAX };
        let known = known.map(|divisor| divisor & mask);
        if known.is_none_or(|divisor| divisor == 0) {
            let is_zero = self.builder.ins().icmp_imm_s(IntCC::Equal, right, 0);
            self.trap_if(is_zero, instruction);
        }
        if is_signed && !is_remainder && known.is_none_or(|divisor| divisor == mask) {
            let least = if kind == Kind::I32 { i64::from(i32::MIN) } else { i64::MIN };
            let is_least = self.builder.ins().icmp_imm_s(IntCC::Equal, left, least);
            let is_minus_one = self.builder.ins().icmp_imm_s(IntCC::Equal, right, -1);
            let overflows = self.builder.ins().band(is_least, is_minus_one);
            self.trap_if(overflows, instruction);
        }
        match (is_signed, is_remainder) {
            (true, false) => self.builder.ins().sdiv(left, right),
            (false, false) => self.builder.ins().udiv(left, right),
            (true, true) => self.builder.ins().srem(left, right),
            (false, true) => self.builder.ins().urem(left, right),
        }
    }

    pub(super) fn write_truth(&mut self, register: usize, condition: Condition, left: Value, right: Value) {
        let truth = self.compare(condition, left, right);
        let value = self.builder.ins().uextend(types::I32, truth);
        self.write(register, Kind::I32, value);
    }
}
