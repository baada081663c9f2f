//! Arithmetic, comparisons and conversions of numbers.

use super::{
    slow,
    state::{Driver, Flow, State},
};
use crate::dispatch::state::Operands;
use lunette_bytecode::instruction::Word;

/// `name: type, type of the result |left, right| expression` for instructions of two registers.
macro_rules! binary {
    ($($name:ident: $type:ident $result_type:ident |$left:ident, $right:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let ($left, $right): ($type, $type) = (s.left(w.b()), s.right(w.c()));
                Flow::Next(s.put::<$result_type>(w.a(), $result))
            }
        }
    )* };
}

/// The same for a register and a constant, which is sign-extended.
macro_rules! binary_constant {
    ($($name:ident: $type:ident $result_type:ident |$left:ident, $right:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let ($left, $right): ($type, $type) = (s.left(w.b()), w.c_signed() as $type);
                Flow::Next(s.put::<$result_type>(w.a(), $result))
            }
        }
    )* };
}

macro_rules! unary {
    ($($name:ident: $type:ident $result_type:ident |$value:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let $value: $type = s.left(w.b());
                Flow::Next(s.put::<$result_type>(w.a(), $result))
            }
        }
    )* };
}

binary! {
    i32_add: u32 u32 |a, b| a.wrapping_add(b);
    i32_subtract: u32 u32 |a, b| a.wrapping_sub(b);
    i32_multiply: u32 u32 |a, b| a.wrapping_mul(b);
    i32_and: u32 u32 |a, b| a & b;
    i32_or: u32 u32 |a, b| a | b;
    i32_xor: u32 u32 |a, b| a ^ b;
    i32_shift_left: u32 u32 |a, b| a.wrapping_shl(b);
    i32_shift_right_signed: u32 u32 |a, b| (a as i32).wrapping_shr(b) as u32;
    i32_shift_right_unsigned: u32 u32 |a, b| a.wrapping_shr(b);
    i32_rotate_left: u32 u32 |a, b| a.rotate_left(b & 31);
    i32_rotate_right: u32 u32 |a, b| a.rotate_right(b & 31);
    i32_equal: u32 u32 |a, b| u32::from(a == b);
    i32_not_equal: u32 u32 |a, b| u32::from(a != b);
    i32_less: u32 u32 |a, b| u32::from((a as i32) < b as i32);
    i32_less_equal: u32 u32 |a, b| u32::from(a as i32 <= b as i32);
    i32_below: u32 u32 |a, b| u32::from(a < b);
    i32_below_equal: u32 u32 |a, b| u32::from(a <= b);
    i64_add: u64 u64 |a, b| a.wrapping_add(b);
    i64_subtract: u64 u64 |a, b| a.wrapping_sub(b);
    i64_multiply: u64 u64 |a, b| a.wrapping_mul(b);
    i64_and: u64 u64 |a, b| a & b;
    i64_or: u64 u64 |a, b| a | b;
    i64_xor: u64 u64 |a, b| a ^ b;
    i64_shift_left: u64 u64 |a, b| a.wrapping_shl(b as u32);
    i64_shift_right_signed: u64 u64 |a, b| (a as i64).wrapping_shr(b as u32) as u64;
    i64_shift_right_unsigned: u64 u64 |a, b| a.wrapping_shr(b as u32);
    i64_rotate_left: u64 u64 |a, b| a.rotate_left(b as u32 & 63);
    i64_rotate_right: u64 u64 |a, b| a.rotate_right(b as u32 & 63);
    i64_equal: u64 u32 |a, b| u32::from(a == b);
    i64_not_equal: u64 u32 |a, b| u32::from(a != b);
    i64_less: u64 u32 |a, b| u32::from((a as i64) < b as i64);
    i64_less_equal: u64 u32 |a, b| u32::from(a as i64 <= b as i64);
    i64_below: u64 u32 |a, b| u32::from(a < b);
    i64_below_equal: u64 u32 |a, b| u32::from(a <= b);
    f32_add: f32 f32 |a, b| a + b;
    f32_subtract: f32 f32 |a, b| a - b;
    f32_multiply: f32 f32 |a, b| a * b;
    f32_divide: f32 f32 |a, b| a / b;
    f32_minimum: f32 f32 |a, b| minimum32(a, b);
    f32_maximum: f32 f32 |a, b| maximum32(a, b);
    f32_copy_sign: f32 f32 |a, b| a.copysign(b);
    f32_equal: f32 u32 |a, b| u32::from(a == b);
    f32_not_equal: f32 u32 |a, b| u32::from(a != b);
    f32_less: f32 u32 |a, b| u32::from(a < b);
    f32_less_equal: f32 u32 |a, b| u32::from(a <= b);
    f64_add: f64 f64 |a, b| a + b;
    f64_subtract: f64 f64 |a, b| a - b;
    f64_multiply: f64 f64 |a, b| a * b;
    f64_divide: f64 f64 |a, b| a / b;
    f64_minimum: f64 f64 |a, b| minimum64(a, b);
    f64_maximum: f64 f64 |a, b| maximum64(a, b);
    f64_copy_sign: f64 f64 |a, b| a.copysign(b);
    f64_equal: f64 u32 |a, b| u32::from(a == b);
    f64_not_equal: f64 u32 |a, b| u32::from(a != b);
    f64_less: f64 u32 |a, b| u32::from(a < b);
    f64_less_equal: f64 u32 |a, b| u32::from(a <= b);
}

binary_constant! {
    i32_add_constant: u32 u32 |a, b| a.wrapping_add(b);
    i32_multiply_constant: u32 u32 |a, b| a.wrapping_mul(b);
    i32_and_constant: u32 u32 |a, b| a & b;
    i32_or_constant: u32 u32 |a, b| a | b;
    i32_xor_constant: u32 u32 |a, b| a ^ b;
    i32_shift_left_constant: u32 u32 |a, b| a.wrapping_shl(b);
    i32_shift_right_signed_constant: u32 u32 |a, b| (a as i32).wrapping_shr(b) as u32;
    i32_shift_right_unsigned_constant: u32 u32 |a, b| a.wrapping_shr(b);
    i32_rotate_left_constant: u32 u32 |a, b| a.rotate_left(b & 31);
    i32_equal_constant: u32 u32 |a, b| u32::from(a == b);
    i32_not_equal_constant: u32 u32 |a, b| u32::from(a != b);
    i32_less_constant: u32 u32 |a, b| u32::from((a as i32) < b as i32);
    i32_greater_constant: u32 u32 |a, b| u32::from(a as i32 > b as i32);
    i32_below_constant: u32 u32 |a, b| u32::from(a < b);
    i32_above_constant: u32 u32 |a, b| u32::from(a > b);
    i64_add_constant: u64 u64 |a, b| a.wrapping_add(b);
    i64_multiply_constant: u64 u64 |a, b| a.wrapping_mul(b);
    i64_and_constant: u64 u64 |a, b| a & b;
    i64_or_constant: u64 u64 |a, b| a | b;
    i64_xor_constant: u64 u64 |a, b| a ^ b;
    i64_shift_left_constant: u64 u64 |a, b| a.wrapping_shl(b as u32);
    i64_shift_right_signed_constant: u64 u64 |a, b| (a as i64).wrapping_shr(b as u32) as u64;
    i64_shift_right_unsigned_constant: u64 u64 |a, b| a.wrapping_shr(b as u32);
    i64_rotate_left_constant: u64 u64 |a, b| a.rotate_left(b as u32 & 63);
    i64_equal_constant: u64 u32 |a, b| u32::from(a == b);
    i64_not_equal_constant: u64 u32 |a, b| u32::from(a != b);
    i64_less_constant: u64 u32 |a, b| u32::from((a as i64) < b as i64);
    i64_greater_constant: u64 u32 |a, b| u32::from(a as i64 > b as i64);
    i64_below_constant: u64 u32 |a, b| u32::from(a < b);
    i64_above_constant: u64 u32 |a, b| u32::from(a > b);
}

unary! {
    i32_count_leading_zeros: u32 u32 |a| a.leading_zeros();
    i32_count_trailing_zeros: u32 u32 |a| a.trailing_zeros();
    i32_count_ones: u32 u32 |a| a.count_ones();
    i32_extend_8: u32 u32 |a| a as i8 as u32;
    i32_extend_16: u32 u32 |a| a as i16 as u32;
    i64_count_leading_zeros: u64 u64 |a| a.leading_zeros().into();
    i64_count_trailing_zeros: u64 u64 |a| a.trailing_zeros().into();
    i64_count_ones: u64 u64 |a| a.count_ones().into();
    i64_extend_8: u64 u64 |a| a as i8 as u64;
    i64_extend_16: u64 u64 |a| a as i16 as u64;
    i64_extend_32: u64 u64 |a| a as i32 as u64;
    f32_absolute: f32 f32 |a| a.abs();
    f32_negate: f32 f32 |a| -a;
    f32_ceiling: f32 f32 |a| quiet32(a, libm::ceilf);
    f32_floor: f32 f32 |a| quiet32(a, libm::floorf);
    f32_truncate: f32 f32 |a| quiet32(a, libm::truncf);
    f32_nearest: f32 f32 |a| quiet32(a, libm::rintf);
    f32_square_root: f32 f32 |a| quiet32(a, libm::sqrtf);
    f64_absolute: f64 f64 |a| a.abs();
    f64_negate: f64 f64 |a| -a;
    f64_ceiling: f64 f64 |a| quiet64(a, libm::ceil);
    f64_floor: f64 f64 |a| quiet64(a, libm::floor);
    f64_truncate: f64 f64 |a| quiet64(a, libm::trunc);
    f64_nearest: f64 f64 |a| quiet64(a, libm::rint);
    f64_square_root: f64 f64 |a| quiet64(a, libm::sqrt);
    i32_wrap: u64 u32 |a| a as u32;
    i32_saturate_f32_signed: f32 u32 |a| a as i32 as u32;
    i32_saturate_f32_unsigned: f32 u32 |a| a as u32;
    i32_saturate_f64_signed: f64 u32 |a| a as i32 as u32;
    i32_saturate_f64_unsigned: f64 u32 |a| a as u32;
    i64_saturate_f32_signed: f32 u64 |a| a as i64 as u64;
    i64_saturate_f32_unsigned: f32 u64 |a| a as u64;
    i64_saturate_f64_signed: f64 u64 |a| a as i64 as u64;
    i64_saturate_f64_unsigned: f64 u64 |a| a as u64;
    f32_convert_i32_signed: u32 f32 |a| a as i32 as f32;
    f32_convert_i32_unsigned: u32 f32 |a| a as f32;
    f32_convert_i64_signed: u64 f32 |a| a as i64 as f32;
    f32_convert_i64_unsigned: u64 f32 |a| a as f32;
    f32_demote: f64 f32 |a| a as f32;
    f64_convert_i32_signed: u32 f64 |a| (a as i32).into();
    f64_convert_i32_unsigned: u32 f64 |a| a.into();
    f64_convert_i64_signed: u64 f64 |a| a as i64 as f64;
    f64_convert_i64_unsigned: u64 f64 |a| a as f64;
    f64_promote: f32 f64 |a| a.into();
}

/// A function of a float; NaN gives NaN, a quiet one.
#[inline(always)]
pub(super) fn quiet32(value: f32, function: impl Fn(f32) -> f32) -> f32 {
    if value.is_nan() { value + value } else { function(value) }
}

#[inline(always)]
pub(super) fn quiet64(value: f64, function: impl Fn(f64) -> f64) -> f64 {
    if value.is_nan() { value + value } else { function(value) }
}

/// The lesser: NaN if either is, and -0 is less than 0.
#[inline(always)]
pub(super) fn minimum32(a: f32, b: f32) -> f32 {
    if a < b {
        a
    } else if b < a {
        b
    } else if a == b {
        f32::from_bits(a.to_bits() | b.to_bits())
    } else {
        a + b
    }
}

/// The greater: NaN if either is, and 0 is greater than -0.
#[inline(always)]
pub(super) fn maximum32(a: f32, b: f32) -> f32 {
    if a > b {
        a
    } else if b > a {
        b
    } else if a == b {
        f32::from_bits(a.to_bits() & b.to_bits())
    } else {
        a + b
    }
}

#[inline(always)]
pub(super) fn minimum64(a: f64, b: f64) -> f64 {
    if a < b {
        a
    } else if b < a {
        b
    } else if a == b {
        f64::from_bits(a.to_bits() | b.to_bits())
    } else {
        a + b
    }
}

#[inline(always)]
pub(super) fn maximum64(a: f64, b: f64) -> f64 {
    if a > b {
        a
    } else if b > a {
        b
    } else if a == b {
        f64::from_bits(a.to_bits() & b.to_bits())
    } else {
        a + b
    }
}

/// Divisions: `None` traps.
macro_rules! division {
    ($($name:ident: $type:ident $result_type:ident |$left:ident, $right:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let ($left, $right): ($type, $type) = (s.left(w.b()), s.right(w.c()));
                match $result {
                    Some(result) => Flow::Next(s.put::<$result_type>(w.a(), result)),
                    None if $right == 0 => s.slow(w, 0, slow::divide_by_zero),
                    None => s.slow(w, 0, slow::integer_overflow),
                }
            }
        }
    )* };
}

division! {
    i32_divide_signed: u32 u32 |a, b| (a as i32).checked_div(b as i32).map(|q| q as u32);
    i32_divide_unsigned: u32 u32 |a, b| a.checked_div(b);
    i32_remainder_signed: u32 u32 |a, b| (b != 0).then(|| (a as i32).wrapping_rem(b as i32) as u32);
    i32_remainder_unsigned: u32 u32 |a, b| a.checked_rem(b);
    i64_divide_signed: u64 u64 |a, b| (a as i64).checked_div(b as i64).map(|q| q as u64);
    i64_divide_unsigned: u64 u64 |a, b| a.checked_div(b);
    i64_remainder_signed: u64 u64 |a, b| (b != 0).then(|| (a as i64).wrapping_rem(b as i64) as u64);
    i64_remainder_unsigned: u64 u64 |a, b| a.checked_rem(b);
}

/// Conversions to integers: floats strictly between the bounds have one.
macro_rules! truncation {
    ($($name:ident: $type:ident $result_type:ident $low:literal $high:literal |$value:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let $value: $type = s.left(w.b());
                if $value > $low && $value < $high {
                    return Flow::Next(s.put::<$result_type>(w.a(), $result));
                }
                if $value.is_nan() { s.slow(w, 0, slow::invalid_conversion) } else { s.slow(w, 0, slow::integer_overflow) }
            }
        }
    )* };
}

truncation! {
    i32_truncate_f32_signed: f32 u32 -2147483904.0 2147483648.0 |a| a as i32 as u32;
    i32_truncate_f32_unsigned: f32 u32 -1.0 4294967296.0 |a| a as u32;
    i32_truncate_f64_signed: f64 u32 -2147483649.0 2147483648.0 |a| a as i32 as u32;
    i32_truncate_f64_unsigned: f64 u32 -1.0 4294967296.0 |a| a as u32;
    i64_truncate_f32_signed: f32 u64 -9223373136366403584.0 9223372036854775808.0 |a| a as i64 as u64;
    i64_truncate_f32_unsigned: f32 u64 -1.0 18446744073709551616.0 |a| a as u64;
    i64_truncate_f64_signed: f64 u64 -9223372036854777856.0 9223372036854775808.0 |a| a as i64 as u64;
    i64_truncate_f64_unsigned: f64 u64 -1.0 18446744073709551616.0 |a| a as u64;
}
