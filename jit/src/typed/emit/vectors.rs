//! Vectors. A vector is held in a variable of the first of its two registers; either half is a number as soon as the other is
//! written.

use super::{Emitter, Held, frame_vector};
use crate::typed::{
    meaning::{Binary, Condition, Kind},
    operands::{operand, signed_operand},
};
use cranelift_codegen::ir::{
    ConstantData, Endianness, InstBuilder, MemFlagsData, Type, Value,
    condcodes::{FloatCC, IntCC},
    types::{self, F32X4, F64X2, I8X16, I16X8, I32X4, I64X2},
};
use cranelift_frontend::FunctionBuilder;
use lunette_bytecode::{
    instruction::Word,
    typed::instruction::{Field, Opcode},
};

type Builder<'a> = FunctionBuilder<'a>;

/// What an instruction does with vectors of lanes of a type.
pub(crate) enum Operation {
    Copy,
    Constant,
    Select,
    SelectBits,
    Shuffle,
    Unary(Type, fn(&mut Builder<'_>, Value) -> Value),
    Binary(Type, fn(&mut Builder<'_>, Value, Value) -> Value),
    Compare(Type, Condition),
    Shift(Type, Binary),
    /// With a number of 32 bits as the result.
    Test(Type, fn(&mut Builder<'_>, Value) -> Value),
    /// The lane, sign-extended or not.
    Extract(Type, bool),
    Replace(Type),
    Splat(Type),
    /// Of so many bytes.
    Load(u8, fn(&mut Builder<'_>, MemFlagsData, Value, i32) -> Value),
    LoadLane(Type),
    Store,
    StoreLane(Type),
}

impl Operation {
    pub fn accesses_memory(self) -> bool {
        matches!(self, Operation::Load(..) | Operation::LoadLane(_) | Operation::Store | Operation::StoreLane(_))
    }

    /// The kind of a number that is the result.
    pub fn result(self) -> Kind {
        match self {
            Operation::Extract(I64X2, _) => Kind::I64,
            Operation::Extract(..) | Operation::Test(..) => Kind::I32,
            _ => Kind::Any,
        }
    }
}

/// Of the low or the high halves, signed or not, of two vectors.
macro_rules! products {
    ($widen:ident) => {
        |b, x, y| {
            let (x, y) = (b.ins().$widen(x), b.ins().$widen(y));
            b.ins().imul(x, y)
        }
    };
}

/// Sums of neighbouring lanes, extended.
macro_rules! pairs {
    ($low:ident, $high:ident) => {
        |b, x| {
            let (low, high) = (b.ins().$low(x), b.ins().$high(x));
            b.ins().iadd_pairwise(low, high)
        }
    };
}

/// The second where it compares so with the first, else the first.
macro_rules! choose {
    ($lanes:ident, |$x:ident, $y:ident| $less:expr) => {
        |b, $x, $y| {
            let (left, right) = $less;
            let condition = b.ins().fcmp(FloatCC::LessThan, left, right);
            let condition = b.ins().bitcast($lanes, little(), condition);
            b.ins().bitselect(condition, $y, $x)
        }
    };
}

fn dot(b: &mut Builder<'_>, x: Value, y: Value) -> Value {
    let low: fn(&mut Builder<'_>, Value, Value) -> Value = products!(swiden_low);
    let high: fn(&mut Builder<'_>, Value, Value) -> Value = products!(swiden_high);
    let (low, high) = (low(b, x, y), high(b, x, y));
    b.ins().iadd_pairwise(low, high)
}

fn zero(b: &mut Builder<'_>, lanes: Type) -> Value {
    let zero = b.func.dfg.constants.insert(ConstantData::from([0; 16].as_slice()));
    b.ins().vconst(lanes, zero)
}

fn little() -> MemFlagsData {
    MemFlagsData::new().with_endianness(Endianness::Little)
}

macro_rules! operations {
    (
        unary { $($unary:ident: $unary_lanes:ident $unary_ins:ident;)* }
        binary { $($binary:ident: $binary_lanes:ident $binary_ins:ident;)* }
        compare { $($compare:ident: $compare_lanes:ident $condition:expr;)* }
        shift { $($shift:ident: $shift_lanes:ident $shift_by:ident;)* }
        other { $($other:ident => $operation:expr;)* }
    ) => {
        /// What an instruction does with vectors, if it does.
        pub(crate) fn operation(opcode: Opcode) -> Option<Operation> {
            use {Condition::*, FloatCC as F, IntCC as I, Operation as O};
            Some(match opcode {
                $(Opcode::$unary => O::Unary($unary_lanes, |b, x| b.ins().$unary_ins(x)),)*
                $(Opcode::$binary => O::Binary($binary_lanes, |b, x, y| b.ins().$binary_ins(x, y)),)*
                $(Opcode::$compare => O::Compare($compare_lanes, $condition),)*
                $(Opcode::$shift => O::Shift($shift_lanes, Binary::$shift_by),)*
                $(Opcode::$other => $operation,)*
                _ => return None,
            })
        }
    };
}

operations! {
    unary {
        v128_not: I64X2 bnot;
        i8x16_absolute: I8X16 iabs;
        i8x16_negate: I8X16 ineg;
        i8x16_count_ones: I8X16 popcnt;
        i16x8_absolute: I16X8 iabs;
        i16x8_negate: I16X8 ineg;
        i32x4_absolute: I32X4 iabs;
        i32x4_negate: I32X4 ineg;
        i64x2_absolute: I64X2 iabs;
        i64x2_negate: I64X2 ineg;
        f32x4_ceiling: F32X4 ceil;
        f32x4_floor: F32X4 floor;
        f32x4_truncate: F32X4 trunc;
        f32x4_nearest: F32X4 nearest;
        f32x4_absolute: F32X4 fabs;
        f32x4_negate: F32X4 fneg;
        f32x4_square_root: F32X4 sqrt;
        f64x2_ceiling: F64X2 ceil;
        f64x2_floor: F64X2 floor;
        f64x2_truncate: F64X2 trunc;
        f64x2_nearest: F64X2 nearest;
        f64x2_absolute: F64X2 fabs;
        f64x2_negate: F64X2 fneg;
        f64x2_square_root: F64X2 sqrt;
        i16x8_extend_low_signed: I8X16 swiden_low;
        i16x8_extend_high_signed: I8X16 swiden_high;
        i16x8_extend_low_unsigned: I8X16 uwiden_low;
        i16x8_extend_high_unsigned: I8X16 uwiden_high;
        i32x4_extend_low_signed: I16X8 swiden_low;
        i32x4_extend_high_signed: I16X8 swiden_high;
        i32x4_extend_low_unsigned: I16X8 uwiden_low;
        i32x4_extend_high_unsigned: I16X8 uwiden_high;
        i64x2_extend_low_signed: I32X4 swiden_low;
        i64x2_extend_high_signed: I32X4 swiden_high;
        i64x2_extend_low_unsigned: I32X4 uwiden_low;
        i64x2_extend_high_unsigned: I32X4 uwiden_high;
        f32x4_demote: F64X2 fvdemote;
        f64x2_promote: F32X4 fvpromote_low;
    }
    binary {
        v128_and: I64X2 band;
        v128_or: I64X2 bor;
        v128_xor: I64X2 bxor;
        i8x16_swizzle: I8X16 swizzle;
        i8x16_narrow_signed: I16X8 snarrow;
        i8x16_narrow_unsigned: I16X8 unarrow;
        i8x16_add: I8X16 iadd;
        i8x16_subtract: I8X16 isub;
        i8x16_add_saturate_signed: I8X16 sadd_sat;
        i8x16_add_saturate_unsigned: I8X16 uadd_sat;
        i8x16_subtract_saturate_signed: I8X16 ssub_sat;
        i8x16_subtract_saturate_unsigned: I8X16 usub_sat;
        i8x16_minimum_signed: I8X16 smin;
        i8x16_minimum_unsigned: I8X16 umin;
        i8x16_maximum_signed: I8X16 smax;
        i8x16_maximum_unsigned: I8X16 umax;
        i8x16_average: I8X16 avg_round;
        i16x8_narrow_signed: I32X4 snarrow;
        i16x8_narrow_unsigned: I32X4 unarrow;
        i16x8_add: I16X8 iadd;
        i16x8_subtract: I16X8 isub;
        i16x8_add_saturate_signed: I16X8 sadd_sat;
        i16x8_add_saturate_unsigned: I16X8 uadd_sat;
        i16x8_subtract_saturate_signed: I16X8 ssub_sat;
        i16x8_subtract_saturate_unsigned: I16X8 usub_sat;
        i16x8_multiply: I16X8 imul;
        i16x8_minimum_signed: I16X8 smin;
        i16x8_minimum_unsigned: I16X8 umin;
        i16x8_maximum_signed: I16X8 smax;
        i16x8_maximum_unsigned: I16X8 umax;
        i16x8_average: I16X8 avg_round;
        i16x8_multiply_fraction: I16X8 sqmul_round_sat;
        i32x4_add: I32X4 iadd;
        i32x4_subtract: I32X4 isub;
        i32x4_multiply: I32X4 imul;
        i32x4_minimum_signed: I32X4 smin;
        i32x4_minimum_unsigned: I32X4 umin;
        i32x4_maximum_signed: I32X4 smax;
        i32x4_maximum_unsigned: I32X4 umax;
        i64x2_add: I64X2 iadd;
        i64x2_subtract: I64X2 isub;
        i64x2_multiply: I64X2 imul;
        f32x4_add: F32X4 fadd;
        f32x4_subtract: F32X4 fsub;
        f32x4_multiply: F32X4 fmul;
        f32x4_divide: F32X4 fdiv;
        f32x4_minimum: F32X4 fmin;
        f32x4_maximum: F32X4 fmax;
        f64x2_add: F64X2 fadd;
        f64x2_subtract: F64X2 fsub;
        f64x2_multiply: F64X2 fmul;
        f64x2_divide: F64X2 fdiv;
        f64x2_minimum: F64X2 fmin;
        f64x2_maximum: F64X2 fmax;
    }
    compare {
        i8x16_equal: I8X16 Integer(I::Equal);
        i8x16_not_equal: I8X16 Integer(I::NotEqual);
        i8x16_less: I8X16 Integer(I::SignedLessThan);
        i8x16_less_equal: I8X16 Integer(I::SignedLessThanOrEqual);
        i8x16_below: I8X16 Integer(I::UnsignedLessThan);
        i8x16_below_equal: I8X16 Integer(I::UnsignedLessThanOrEqual);
        i16x8_equal: I16X8 Integer(I::Equal);
        i16x8_not_equal: I16X8 Integer(I::NotEqual);
        i16x8_less: I16X8 Integer(I::SignedLessThan);
        i16x8_less_equal: I16X8 Integer(I::SignedLessThanOrEqual);
        i16x8_below: I16X8 Integer(I::UnsignedLessThan);
        i16x8_below_equal: I16X8 Integer(I::UnsignedLessThanOrEqual);
        i32x4_equal: I32X4 Integer(I::Equal);
        i32x4_not_equal: I32X4 Integer(I::NotEqual);
        i32x4_less: I32X4 Integer(I::SignedLessThan);
        i32x4_less_equal: I32X4 Integer(I::SignedLessThanOrEqual);
        i32x4_below: I32X4 Integer(I::UnsignedLessThan);
        i32x4_below_equal: I32X4 Integer(I::UnsignedLessThanOrEqual);
        i64x2_equal: I64X2 Integer(I::Equal);
        i64x2_not_equal: I64X2 Integer(I::NotEqual);
        i64x2_less: I64X2 Integer(I::SignedLessThan);
        i64x2_less_equal: I64X2 Integer(I::SignedLessThanOrEqual);
        f32x4_equal: F32X4 Float(F::Equal);
        f32x4_not_equal: F32X4 Float(F::NotEqual);
        f32x4_less: F32X4 Float(F::LessThan);
        f32x4_less_equal: F32X4 Float(F::LessThanOrEqual);
        f64x2_equal: F64X2 Float(F::Equal);
        f64x2_not_equal: F64X2 Float(F::NotEqual);
        f64x2_less: F64X2 Float(F::LessThan);
        f64x2_less_equal: F64X2 Float(F::LessThanOrEqual);
    }
    shift {
        i8x16_shift_left: I8X16 ShiftLeft;
        i8x16_shift_right_signed: I8X16 ShiftRightSigned;
        i8x16_shift_right_unsigned: I8X16 ShiftRightUnsigned;
        i16x8_shift_left: I16X8 ShiftLeft;
        i16x8_shift_right_signed: I16X8 ShiftRightSigned;
        i16x8_shift_right_unsigned: I16X8 ShiftRightUnsigned;
        i32x4_shift_left: I32X4 ShiftLeft;
        i32x4_shift_right_signed: I32X4 ShiftRightSigned;
        i32x4_shift_right_unsigned: I32X4 ShiftRightUnsigned;
        i64x2_shift_left: I64X2 ShiftLeft;
        i64x2_shift_right_signed: I64X2 ShiftRightSigned;
        i64x2_shift_right_unsigned: I64X2 ShiftRightUnsigned;
    }
    other {
        copy_vector => O::Copy;
        load_vector => O::Constant;
        select_vector => O::Select;
        v128_select => O::SelectBits;
        i8x16_shuffle => O::Shuffle;
        v128_and_not => O::Binary(I64X2, |b, x, y| {
            let y = b.ins().bnot(y);
            b.ins().band(x, y)
        });
        i16x8_multiply_low_signed => O::Binary(I8X16, products!(swiden_low));
        i16x8_multiply_high_signed => O::Binary(I8X16, products!(swiden_high));
        i16x8_multiply_low_unsigned => O::Binary(I8X16, products!(uwiden_low));
        i16x8_multiply_high_unsigned => O::Binary(I8X16, products!(uwiden_high));
        i32x4_multiply_low_signed => O::Binary(I16X8, products!(swiden_low));
        i32x4_multiply_high_signed => O::Binary(I16X8, products!(swiden_high));
        i32x4_multiply_low_unsigned => O::Binary(I16X8, products!(uwiden_low));
        i32x4_multiply_high_unsigned => O::Binary(I16X8, products!(uwiden_high));
        i64x2_multiply_low_signed => O::Binary(I32X4, products!(swiden_low));
        i64x2_multiply_high_signed => O::Binary(I32X4, products!(swiden_high));
        i64x2_multiply_low_unsigned => O::Binary(I32X4, products!(uwiden_low));
        i64x2_multiply_high_unsigned => O::Binary(I32X4, products!(uwiden_high));
        i32x4_dot => O::Binary(I16X8, dot);
        i16x8_dot => O::Binary(I8X16, dot);
        i16x8_add_pairs_signed => O::Unary(I8X16, pairs!(swiden_low, swiden_high));
        i16x8_add_pairs_unsigned => O::Unary(I8X16, pairs!(uwiden_low, uwiden_high));
        i32x4_add_pairs_signed => O::Unary(I16X8, pairs!(swiden_low, swiden_high));
        i32x4_add_pairs_unsigned => O::Unary(I16X8, pairs!(uwiden_low, uwiden_high));
        f32x4_choose_less => O::Binary(F32X4, choose!(F32X4, |x, y| (y, x)));
        f32x4_choose_greater => O::Binary(F32X4, choose!(F32X4, |x, y| (x, y)));
        f64x2_choose_less => O::Binary(F64X2, choose!(F64X2, |x, y| (y, x)));
        f64x2_choose_greater => O::Binary(F64X2, choose!(F64X2, |x, y| (x, y)));
        i32x4_saturate_f32x4_signed => O::Unary(F32X4, |b, x| b.ins().fcvt_to_sint_sat(I32X4, x));
        i32x4_saturate_f32x4_unsigned => O::Unary(F32X4, |b, x| b.ins().fcvt_to_uint_sat(I32X4, x));
        f32x4_convert_i32x4_signed => O::Unary(I32X4, |b, x| b.ins().fcvt_from_sint(F32X4, x));
        f32x4_convert_i32x4_unsigned => O::Unary(I32X4, |b, x| b.ins().fcvt_from_uint(F32X4, x));
        f64x2_convert_i32x4_signed => O::Unary(I32X4, |b, x| {
            let low = b.ins().swiden_low(x);
            b.ins().fcvt_from_sint(F64X2, low)
        });
        f64x2_convert_i32x4_unsigned => O::Unary(I32X4, |b, x| {
            let low = b.ins().uwiden_low(x);
            b.ins().fcvt_from_uint(F64X2, low)
        });
        i32x4_saturate_f64x2_signed => O::Unary(F64X2, |b, x| {
            let (low, zero) = (b.ins().fcvt_to_sint_sat(I64X2, x), zero(b, I64X2));
            b.ins().snarrow(low, zero)
        });
        i32x4_saturate_f64x2_unsigned => O::Unary(F64X2, |b, x| {
            let (low, zero) = (b.ins().fcvt_to_uint_sat(I64X2, x), zero(b, I64X2));
            b.ins().uunarrow(low, zero)
        });
        v128_any_true => O::Test(I64X2, |b, x| b.ins().vany_true(x));
        i8x16_all_true => O::Test(I8X16, |b, x| b.ins().vall_true(x));
        i16x8_all_true => O::Test(I16X8, |b, x| b.ins().vall_true(x));
        i32x4_all_true => O::Test(I32X4, |b, x| b.ins().vall_true(x));
        i64x2_all_true => O::Test(I64X2, |b, x| b.ins().vall_true(x));
        i8x16_bitmask => O::Test(I8X16, |b, x| b.ins().vhigh_bits(types::I32, x));
        i16x8_bitmask => O::Test(I16X8, |b, x| b.ins().vhigh_bits(types::I32, x));
        i32x4_bitmask => O::Test(I32X4, |b, x| b.ins().vhigh_bits(types::I32, x));
        i64x2_bitmask => O::Test(I64X2, |b, x| b.ins().vhigh_bits(types::I32, x));
        i8x16_extract_lane_signed => O::Extract(I8X16, true);
        i8x16_extract_lane_unsigned => O::Extract(I8X16, false);
        i16x8_extract_lane_signed => O::Extract(I16X8, true);
        i16x8_extract_lane_unsigned => O::Extract(I16X8, false);
        i32x4_extract_lane => O::Extract(I32X4, false);
        i64x2_extract_lane => O::Extract(I64X2, false);
        i8x16_replace_lane => O::Replace(I8X16);
        i16x8_replace_lane => O::Replace(I16X8);
        i32x4_replace_lane => O::Replace(I32X4);
        i64x2_replace_lane => O::Replace(I64X2);
        i8x16_splat => O::Splat(I8X16);
        i16x8_splat => O::Splat(I16X8);
        i32x4_splat => O::Splat(I32X4);
        i64x2_splat => O::Splat(I64X2);
        load_128 => O::Load(16, |b, flags, place, offset| b.ins().load(I8X16, flags, place, offset));
        load_8x8_signed => O::Load(8, |b, flags, place, offset| b.ins().sload8x8(flags, place, offset));
        load_8x8_unsigned => O::Load(8, |b, flags, place, offset| b.ins().uload8x8(flags, place, offset));
        load_16x4_signed => O::Load(8, |b, flags, place, offset| b.ins().sload16x4(flags, place, offset));
        load_16x4_unsigned => O::Load(8, |b, flags, place, offset| b.ins().uload16x4(flags, place, offset));
        load_32x2_signed => O::Load(8, |b, flags, place, offset| b.ins().sload32x2(flags, place, offset));
        load_32x2_unsigned => O::Load(8, |b, flags, place, offset| b.ins().uload32x2(flags, place, offset));
        load_8_splat => O::Load(1, |b, flags, place, offset| {
            let lane = b.ins().load(types::I8, flags, place, offset);
            b.ins().splat(I8X16, lane)
        });
        load_16_splat => O::Load(2, |b, flags, place, offset| {
            let lane = b.ins().load(types::I16, flags, place, offset);
            b.ins().splat(I16X8, lane)
        });
        load_32_splat => O::Load(4, |b, flags, place, offset| {
            let lane = b.ins().load(types::I32, flags, place, offset);
            b.ins().splat(I32X4, lane)
        });
        load_64_splat => O::Load(8, |b, flags, place, offset| {
            let lane = b.ins().load(types::I64, flags, place, offset);
            b.ins().splat(I64X2, lane)
        });
        load_32_zero => O::Load(4, |b, flags, place, offset| {
            let lane = b.ins().load(types::I32, flags, place, offset);
            b.ins().scalar_to_vector(I32X4, lane)
        });
        load_64_zero => O::Load(8, |b, flags, place, offset| {
            let lane = b.ins().load(types::I64, flags, place, offset);
            b.ins().scalar_to_vector(I64X2, lane)
        });
        load_8_lane => O::LoadLane(I8X16);
        load_16_lane => O::LoadLane(I16X8);
        load_32_lane => O::LoadLane(I32X4);
        load_64_lane => O::LoadLane(I64X2);
        store_128 => O::Store;
        store_8_lane => O::StoreLane(I8X16);
        store_16_lane => O::StoreLane(I16X8);
        store_32_lane => O::StoreLane(I32X4);
        store_64_lane => O::StoreLane(I64X2);
    }
}

impl Emitter<'_, '_, '_> {
    pub(super) fn emit_vector(&mut self, instruction: usize, opcode: Opcode) {
        let words = self.code.words(instruction);
        let Some(operation) = operation(opcode) else { unreachable!("{opcode:?} has no vectors") };
        let register = |field| operand(words, field);
        let a = register(Field::A);
        // The others are not there in every instruction.
        let [b, c] = [Field::B, Field::C].map(|field| move || register(field));
        let result = match operation {
            Operation::Copy => self.lanes(b(), I8X16),
            Operation::Constant => self.vector_constant(literals(words)),
            Operation::Select => {
                let (yes, no) = (self.lanes(b(), I8X16), self.lanes(c(), I8X16));
                let condition = self.read(register(Field::E), Kind::I32);
                self.builder.ins().select(condition, yes, no)
            }
            Operation::SelectBits => {
                let (mask, yes) = (self.lanes(register(Field::E), I8X16), self.lanes(b(), I8X16));
                let no = self.lanes(c(), I8X16);
                self.builder.ins().bitselect(mask, yes, no)
            }
            Operation::Shuffle => {
                let (left, right) = (self.lanes(b(), I8X16), self.lanes(c(), I8X16));
                let lanes = literals(words).map(|lane| lane % 32);
                let lanes = self.builder.func.dfg.immediates.push(ConstantData::from(lanes.as_slice()));
                self.builder.ins().shuffle(left, right, lanes)
            }
            Operation::Unary(lanes, operation) => {
                let value = self.lanes(b(), lanes);
                operation(&mut self.builder, value)
            }
            Operation::Binary(lanes, operation) => {
                let (left, right) = (self.lanes(b(), lanes), self.lanes(c(), lanes));
                operation(&mut self.builder, left, right)
            }
            Operation::Compare(lanes, condition) => {
                let (left, right) = (self.lanes(b(), lanes), self.lanes(c(), lanes));
                self.compare(condition, left, right)
            }
            Operation::Shift(lanes, operation) => {
                let (value, count) = (self.lanes(b(), lanes), self.read(c(), Kind::I32));
                self.binary(operation, value, count)
            }
            Operation::Test(lanes, operation) => {
                let value = self.lanes(b(), lanes);
                let truth = operation(&mut self.builder, value);
                let number = self.as_number(truth, false);
                return self.write(a, Kind::I32, number);
            }
            Operation::Extract(lanes, is_signed) => {
                let value = self.lanes(b(), lanes);
                let lane = self.builder.ins().extractlane(value, c() as u8 % lanes.lane_count() as u8);
                let number = self.as_number(lane, is_signed);
                let kind = if lanes == I64X2 { Kind::I64 } else { Kind::I32 };
                return self.write(a, kind, number);
            }
            Operation::Replace(lanes) => {
                let (value, lane) = (self.lanes(b(), lanes), self.lane(c(), lanes));
                let number = register(Field::E) as u8 % lanes.lane_count() as u8;
                self.builder.ins().insertlane(value, lane, number)
            }
            Operation::Splat(lanes) => {
                let lane = self.lane(b(), lanes);
                self.builder.ins().splat(lanes, lane)
            }
            Operation::Load(bytes, load) => {
                let (flags, place) = self.place(instruction, bytes);
                load(&mut self.builder, flags, place, c() as i32)
            }
            Operation::LoadLane(lanes) => {
                let (flags, place) = self.place(instruction, lanes.lane_type().bytes() as u8);
                let lane = self.builder.ins().load(lanes.lane_type(), flags, place, c() as i32);
                let value = self.lanes(register(Field::E), lanes);
                let number = register(Field::F) as u8 % lanes.lane_count() as u8;
                self.builder.ins().insertlane(value, lane, number)
            }
            Operation::Store => {
                let (flags, place) = self.place(instruction, 16);
                let value = self.lanes(a, I8X16);
                self.builder.ins().store(flags, value, place, c() as i32);
                return;
            }
            Operation::StoreLane(lanes) => {
                let (flags, place) = self.place(instruction, lanes.lane_type().bytes() as u8);
                let value = self.lanes(a, lanes);
                let number = register(Field::E) as u8 % lanes.lane_count() as u8;
                let lane = self.builder.ins().extractlane(value, number);
                self.builder.ins().store(flags, lane, place, c() as i32);
                return;
            }
        };
        self.write_vector(a, result);
    }

    /// The vector that begins with a register, in the frame.
    pub(super) fn load_vector(&mut self, register: usize) -> Value {
        self.builder.ins().load(I8X16, frame_vector(), self.base, 8 * register as i32)
    }

    /// The vector that begins with a register.
    pub(super) fn vector(&mut self, register: usize) -> Value {
        match [self.held[register], self.held[register + 1]] {
            [Held { kind: Kind::Vector, .. }, _] => {
                let variable = self.variable(register, Kind::Vector);
                self.builder.use_var(variable)
            }
            [Held { constant: Some(low), .. }, Held { constant: Some(high), .. }] => {
                self.vector_constant((u128::from(low) | u128::from(high) << 64).to_le_bytes())
            }
            [Held { kinds: 0, constant: None, .. }, Held { kinds: 0, constant: None, .. }] => {
                self.load_vector(register)
            }
            _ => {
                let [low, high] = [register, register + 1].map(|register| self.read(register, Kind::I64));
                let value = self.builder.ins().scalar_to_vector(I64X2, low);
                let value = self.builder.ins().insertlane(value, high, 1);
                self.builder.ins().bitcast(I8X16, little(), value)
            }
        }
    }

    /// The same, held as a vector from here on.
    pub(super) fn hold_vector(&mut self, register: usize) {
        if self.held[register].kind != Kind::Vector {
            let value = self.vector(register);
            self.hold_as_vector(register, value);
        }
    }

    fn hold_as_vector(&mut self, register: usize, value: Value) {
        [register, register + 1].into_iter().for_each(|register| self.split_vector(register));
        let variable = self.variable(register, Kind::Vector);
        self.builder.def_var(variable, value);
        for (register, kind) in [(register, Kind::Vector), (register + 1, Kind::High)] {
            self.held[register] = Held { kinds: 1 << kind as u8, kind, constant: None };
        }
    }

    pub(super) fn write_vector(&mut self, register: usize, mut value: Value) {
        if self.builder.func.dfg.value_type(value) != I8X16 {
            value = self.builder.ins().bitcast(I8X16, little(), value);
        }
        self.hold_as_vector(register, value);
        if self.code.keeps_frame {
            self.store_register(register);
        }
    }

    /// What a register holds of a vector as an integer.
    pub(super) fn half(&mut self, vector: usize, register: usize) -> Value {
        let value = self.lanes(vector, I64X2);
        self.builder.ins().extractlane(value, (register - vector) as u8)
    }

    /// If a register is a half of a vector, the other half is a number from here on.
    pub(super) fn split_vector(&mut self, register: usize) {
        let Some(vector) = self.held[register].kind.vector_of(register) else { return };
        let other = 2 * vector + 1 - register;
        let half = self.half(vector, other);
        let variable = self.variable(other, Kind::I64);
        self.builder.def_var(variable, half);
        for register in [register, other] {
            self.held[register] = Held { kinds: 1 << Kind::I64 as u8, kind: Kind::I64, constant: None };
        }
    }

    /// The vector that begins with a register, as lanes.
    fn lanes(&mut self, register: usize, lanes: Type) -> Value {
        let value = self.vector(register);
        if lanes == I8X16 { value } else { self.builder.ins().bitcast(lanes, little(), value) }
    }

    fn vector_constant(&mut self, bytes: [u8; 16]) -> Value {
        let constant = self.builder.func.dfg.constants.insert(ConstantData::from(bytes.as_slice()));
        self.builder.ins().vconst(I8X16, constant)
    }

    /// A number register as a lane.
    fn lane(&mut self, register: usize, lanes: Type) -> Value {
        let kind = if lanes == I64X2 { Kind::I64 } else { Kind::I32 };
        let value = self.read(register, kind);
        if lanes.lane_bits() < 32 { self.builder.ins().ireduce(lanes.lane_type(), value) } else { value }
    }

    /// What may have less than 32 bits as a number.
    fn as_number(&mut self, value: Value, is_signed: bool) -> Value {
        if self.builder.func.dfg.value_type(value).bits() >= 32 {
            value
        } else if is_signed {
            self.builder.ins().sextend(types::I32, value)
        } else {
            self.builder.ins().uextend(types::I32, value)
        }
    }
}

/// The literals of an instruction, as bytes.
fn literals(words: &[Word]) -> [u8; 16] {
    let [low, high] = [Field::W, Field::X].map(|field| signed_operand(words, field) as u64);
    (u128::from(low) | u128::from(high) << 64).to_le_bytes()
}
