//! Arithmetic, comparisons and conversions of numbers.

use super::{
    slow,
    state::{Driver, Flow, State},
};
use crate::dispatch::state::Operands;
use lunette_bytecode::instruction::Word;

/// `name: get set |left, right| expression` for instructions of two registers.
macro_rules! binary {
    ($($name:ident: $get:ident $set:ident |$left:ident, $right:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let ($left, $right) = (s.$get(w.b()), s.$get(w.c()));
                s.$set(w.a(), $result);
            }
            Flow::Next(s)
        }
    )* };
}

/// The same for a register and a constant, which is sign-extended.
macro_rules! binary_constant {
    ($($name:ident: $type:ident $get:ident $set:ident |$left:ident, $right:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let ($left, $right) = (s.$get(w.b()), w.c_signed() as $type);
                s.$set(w.a(), $result);
            }
            Flow::Next(s)
        }
    )* };
}

macro_rules! unary {
    ($($name:ident: $get:ident $set:ident |$value:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let $value = s.$get(w.b());
                s.$set(w.a(), $result);
            }
            Flow::Next(s)
        }
    )* };
}

/// Float registers.
impl<D: Driver> State<D> {
    #[inline(always)]
    pub unsafe fn getf32(self, offset: usize) -> f32 {
        // SAFETY: operands are verified.
        f32::from_bits(unsafe { self.get32(offset) })
    }
    #[inline(always)]
    pub unsafe fn setf32(self, offset: usize, value: f32) {
        // SAFETY: as above.
        unsafe { self.set32(offset, value.to_bits()) }
    }
    #[inline(always)]
    pub unsafe fn getf64(self, offset: usize) -> f64 {
        // SAFETY: as above.
        f64::from_bits(unsafe { self.get64(offset) })
    }
    #[inline(always)]
    pub unsafe fn setf64(self, offset: usize, value: f64) {
        // SAFETY: as above.
        unsafe { self.set64(offset, value.to_bits()) }
    }
}

binary! {
    i32_add: get32 set32 |a, b| a.wrapping_add(b);
    i32_subtract: get32 set32 |a, b| a.wrapping_sub(b);
    i32_multiply: get32 set32 |a, b| a.wrapping_mul(b);
    i32_and: get32 set32 |a, b| a & b;
    i32_or: get32 set32 |a, b| a | b;
    i32_xor: get32 set32 |a, b| a ^ b;
    i32_shift_left: get32 set32 |a, b| a.wrapping_shl(b);
    i32_shift_right_signed: get32 set32 |a, b| (a as i32).wrapping_shr(b) as u32;
    i32_shift_right_unsigned: get32 set32 |a, b| a.wrapping_shr(b);
    i32_rotate_left: get32 set32 |a, b| a.rotate_left(b & 31);
    i32_rotate_right: get32 set32 |a, b| a.rotate_right(b & 31);
    i32_equal: get32 set32 |a, b| u32::from(a == b);
    i32_not_equal: get32 set32 |a, b| u32::from(a != b);
    i32_less: get32 set32 |a, b| u32::from((a as i32) < b as i32);
    i32_less_equal: get32 set32 |a, b| u32::from(a as i32 <= b as i32);
    i32_below: get32 set32 |a, b| u32::from(a < b);
    i32_below_equal: get32 set32 |a, b| u32::from(a <= b);
    i64_add: get64 set64 |a, b| a.wrapping_add(b);
    i64_subtract: get64 set64 |a, b| a.wrapping_sub(b);
    i64_multiply: get64 set64 |a, b| a.wrapping_mul(b);
    i64_and: get64 set64 |a, b| a & b;
    i64_or: get64 set64 |a, b| a | b;
    i64_xor: get64 set64 |a, b| a ^ b;
    i64_shift_left: get64 set64 |a, b| a.wrapping_shl(b as u32);
    i64_shift_right_signed: get64 set64 |a, b| (a as i64).wrapping_shr(b as u32) as u64;
    i64_shift_right_unsigned: get64 set64 |a, b| a.wrapping_shr(b as u32);
    i64_rotate_left: get64 set64 |a, b| a.rotate_left(b as u32 & 63);
    i64_rotate_right: get64 set64 |a, b| a.rotate_right(b as u32 & 63);
    i64_equal: get64 set32 |a, b| u32::from(a == b);
    i64_not_equal: get64 set32 |a, b| u32::from(a != b);
    i64_less: get64 set32 |a, b| u32::from((a as i64) < b as i64);
    i64_less_equal: get64 set32 |a, b| u32::from(a as i64 <= b as i64);
    i64_below: get64 set32 |a, b| u32::from(a < b);
    i64_below_equal: get64 set32 |a, b| u32::from(a <= b);
    f32_add: getf32 setf32 |a, b| a + b;
    f32_subtract: getf32 setf32 |a, b| a - b;
    f32_multiply: getf32 setf32 |a, b| a * b;
    f32_divide: getf32 setf32 |a, b| a / b;
    f32_minimum: getf32 setf32 |a, b| minimum32(a, b);
    f32_maximum: getf32 setf32 |a, b| maximum32(a, b);
    f32_copy_sign: get32 set32 |a, b| (a & !(1 << 31)) | (b & (1 << 31));
    f32_equal: getf32 set32 |a, b| u32::from(a == b);
    f32_not_equal: getf32 set32 |a, b| u32::from(a != b);
    f32_less: getf32 set32 |a, b| u32::from(a < b);
    f32_less_equal: getf32 set32 |a, b| u32::from(a <= b);
    f64_add: getf64 setf64 |a, b| a + b;
    f64_subtract: getf64 setf64 |a, b| a - b;
    f64_multiply: getf64 setf64 |a, b| a * b;
    f64_divide: getf64 setf64 |a, b| a / b;
    f64_minimum: getf64 setf64 |a, b| minimum64(a, b);
    f64_maximum: getf64 setf64 |a, b| maximum64(a, b);
    f64_copy_sign: get64 set64 |a, b| (a & !(1 << 63)) | (b & (1 << 63));
    f64_equal: getf64 set32 |a, b| u32::from(a == b);
    f64_not_equal: getf64 set32 |a, b| u32::from(a != b);
    f64_less: getf64 set32 |a, b| u32::from(a < b);
    f64_less_equal: getf64 set32 |a, b| u32::from(a <= b);
}

binary_constant! {
    i32_add_constant: u32 get32 set32 |a, b| a.wrapping_add(b);
    i32_multiply_constant: u32 get32 set32 |a, b| a.wrapping_mul(b);
    i32_and_constant: u32 get32 set32 |a, b| a & b;
    i32_or_constant: u32 get32 set32 |a, b| a | b;
    i32_xor_constant: u32 get32 set32 |a, b| a ^ b;
    i32_shift_left_constant: u32 get32 set32 |a, b| a.wrapping_shl(b);
    i32_shift_right_signed_constant: u32 get32 set32 |a, b| (a as i32).wrapping_shr(b) as u32;
    i32_shift_right_unsigned_constant: u32 get32 set32 |a, b| a.wrapping_shr(b);
    i32_rotate_left_constant: u32 get32 set32 |a, b| a.rotate_left(b & 31);
    i32_equal_constant: u32 get32 set32 |a, b| u32::from(a == b);
    i32_not_equal_constant: u32 get32 set32 |a, b| u32::from(a != b);
    i32_less_constant: u32 get32 set32 |a, b| u32::from((a as i32) < b as i32);
    i32_greater_constant: u32 get32 set32 |a, b| u32::from(a as i32 > b as i32);
    i32_below_constant: u32 get32 set32 |a, b| u32::from(a < b);
    i32_above_constant: u32 get32 set32 |a, b| u32::from(a > b);
    i64_add_constant: u64 get64 set64 |a, b| a.wrapping_add(b);
    i64_multiply_constant: u64 get64 set64 |a, b| a.wrapping_mul(b);
    i64_and_constant: u64 get64 set64 |a, b| a & b;
    i64_or_constant: u64 get64 set64 |a, b| a | b;
    i64_xor_constant: u64 get64 set64 |a, b| a ^ b;
    i64_shift_left_constant: u64 get64 set64 |a, b| a.wrapping_shl(b as u32);
    i64_shift_right_signed_constant: u64 get64 set64 |a, b| (a as i64).wrapping_shr(b as u32) as u64;
    i64_shift_right_unsigned_constant: u64 get64 set64 |a, b| a.wrapping_shr(b as u32);
    i64_rotate_left_constant: u64 get64 set64 |a, b| a.rotate_left(b as u32 & 63);
    i64_equal_constant: u64 get64 set32 |a, b| u32::from(a == b);
    i64_not_equal_constant: u64 get64 set32 |a, b| u32::from(a != b);
    i64_less_constant: u64 get64 set32 |a, b| u32::from((a as i64) < b as i64);
    i64_greater_constant: u64 get64 set32 |a, b| u32::from(a as i64 > b as i64);
    i64_below_constant: u64 get64 set32 |a, b| u32::from(a < b);
    i64_above_constant: u64 get64 set32 |a, b| u32::from(a > b);
}

unary! {
    i32_count_leading_zeros: get32 set32 |a| a.leading_zeros();
    i32_count_trailing_zeros: get32 set32 |a| a.trailing_zeros();
    i32_count_ones: get32 set32 |a| a.count_ones();
    i32_extend_8: get32 set32 |a| a as i8 as u32;
    i32_extend_16: get32 set32 |a| a as i16 as u32;
    i64_count_leading_zeros: get64 set64 |a| a.leading_zeros().into();
    i64_count_trailing_zeros: get64 set64 |a| a.trailing_zeros().into();
    i64_count_ones: get64 set64 |a| a.count_ones().into();
    i64_extend_8: get64 set64 |a| a as i8 as u64;
    i64_extend_16: get64 set64 |a| a as i16 as u64;
    i64_extend_32: get64 set64 |a| a as i32 as u64;
    f32_absolute: get32 set32 |a| a & !(1 << 31);
    f32_negate: get32 set32 |a| a ^ (1 << 31);
    f32_ceiling: getf32 setf32 |a| quiet32(a, libm::ceilf);
    f32_floor: getf32 setf32 |a| quiet32(a, libm::floorf);
    f32_truncate: getf32 setf32 |a| quiet32(a, libm::truncf);
    f32_nearest: getf32 setf32 |a| quiet32(a, libm::rintf);
    f32_square_root: getf32 setf32 |a| quiet32(a, libm::sqrtf);
    f64_absolute: get64 set64 |a| a & !(1 << 63);
    f64_negate: get64 set64 |a| a ^ (1 << 63);
    f64_ceiling: getf64 setf64 |a| quiet64(a, libm::ceil);
    f64_floor: getf64 setf64 |a| quiet64(a, libm::floor);
    f64_truncate: getf64 setf64 |a| quiet64(a, libm::trunc);
    f64_nearest: getf64 setf64 |a| quiet64(a, libm::rint);
    f64_square_root: getf64 setf64 |a| quiet64(a, libm::sqrt);
    i32_wrap: get32 set32 |a| a;
    i32_saturate_f32_signed: getf32 set32 |a| a as i32 as u32;
    i32_saturate_f32_unsigned: getf32 set32 |a| a as u32;
    i32_saturate_f64_signed: getf64 set32 |a| a as i32 as u32;
    i32_saturate_f64_unsigned: getf64 set32 |a| a as u32;
    i64_saturate_f32_signed: getf32 set64 |a| a as i64 as u64;
    i64_saturate_f32_unsigned: getf32 set64 |a| a as u64;
    i64_saturate_f64_signed: getf64 set64 |a| a as i64 as u64;
    i64_saturate_f64_unsigned: getf64 set64 |a| a as u64;
    f32_convert_i32_signed: get32 setf32 |a| a as i32 as f32;
    f32_convert_i32_unsigned: get32 setf32 |a| a as f32;
    f32_convert_i64_signed: get64 setf32 |a| a as i64 as f32;
    f32_convert_i64_unsigned: get64 setf32 |a| a as f32;
    f32_demote: getf64 setf32 |a| a as f32;
    f64_convert_i32_signed: get32 setf64 |a| (a as i32).into();
    f64_convert_i32_unsigned: get32 setf64 |a| a.into();
    f64_convert_i64_signed: get64 setf64 |a| a as i64 as f64;
    f64_convert_i64_unsigned: get64 setf64 |a| a as f64;
    f64_promote: getf32 setf64 |a| a.into();
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
    ($($name:ident: $get:ident $set:ident |$left:ident, $right:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let ($left, $right) = (s.$get(w.b()), s.$get(w.c()));
                match $result {
                    Some(result) => {
                        s.$set(w.a(), result);
                        Flow::Next(s)
                    }
                    None if $right == 0 => s.slow(w, 0, slow::divide_by_zero),
                    None => s.slow(w, 0, slow::integer_overflow),
                }
            }
        }
    )* };
}

division! {
    i32_divide_signed: get32 set32 |a, b| (a as i32).checked_div(b as i32).map(|q| q as u32);
    i32_divide_unsigned: get32 set32 |a, b| a.checked_div(b);
    i32_remainder_signed: get32 set32 |a, b| (b != 0).then(|| (a as i32).wrapping_rem(b as i32) as u32);
    i32_remainder_unsigned: get32 set32 |a, b| a.checked_rem(b);
    i64_divide_signed: get64 set64 |a, b| (a as i64).checked_div(b as i64).map(|q| q as u64);
    i64_divide_unsigned: get64 set64 |a, b| a.checked_div(b);
    i64_remainder_signed: get64 set64 |a, b| (b != 0).then(|| (a as i64).wrapping_rem(b as i64) as u64);
    i64_remainder_unsigned: get64 set64 |a, b| a.checked_rem(b);
}

/// Conversions to integers: floats strictly between the bounds have one.
macro_rules! truncation {
    ($($name:ident: $get:ident $set:ident $low:literal $high:literal |$value:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let $value = s.$get(w.b());
                if $value > $low && $value < $high {
                    s.$set(w.a(), $result);
                    return Flow::Next(s);
                }
                if $value.is_nan() { s.slow(w, 0, slow::invalid_conversion) } else { s.slow(w, 0, slow::integer_overflow) }
            }
        }
    )* };
}

truncation! {
    i32_truncate_f32_signed: getf32 set32 -2147483904.0 2147483648.0 |a| a as i32 as u32;
    i32_truncate_f32_unsigned: getf32 set32 -1.0 4294967296.0 |a| a as u32;
    i32_truncate_f64_signed: getf64 set32 -2147483649.0 2147483648.0 |a| a as i32 as u32;
    i32_truncate_f64_unsigned: getf64 set32 -1.0 4294967296.0 |a| a as u32;
    i64_truncate_f32_signed: getf32 set64 -9223373136366403584.0 9223372036854775808.0 |a| a as i64 as u64;
    i64_truncate_f32_unsigned: getf32 set64 -1.0 18446744073709551616.0 |a| a as u64;
    i64_truncate_f64_signed: getf64 set64 -9223372036854777856.0 9223372036854775808.0 |a| a as i64 as u64;
    i64_truncate_f64_unsigned: getf64 set64 -1.0 18446744073709551616.0 |a| a as u64;
}
