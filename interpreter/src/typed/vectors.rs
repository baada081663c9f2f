//! Vectors of 128 bits, by lanes.

use super::{
    numbers::{maximum32, maximum64, minimum32, minimum64, quiet32, quiet64},
    slow,
    state::{Driver, Flow, State, field},
};
use crate::dispatch::state::Operands;
use core::array::from_fn;
use lunette_bytecode::instruction::Word;

/// Vectors as lanes, the low ones first.
trait Lanes: Sized {
    fn of(bits: u128) -> Self;
    fn bits(self) -> u128;
}

macro_rules! lanes {
    ($($lane:ty, $count:literal, $bytes:literal;)*) => { $(
        impl Lanes for [$lane; $count] {
            #[inline(always)]
            fn of(bits: u128) -> Self {
                let bytes = bits.to_le_bytes();
                from_fn(|lane| <$lane>::from_le_bytes(from_fn(|byte| bytes[lane * $bytes + byte])))
            }

            #[inline(always)]
            fn bits(self) -> u128 {
                let mut bytes = [0; 16];
                for (place, lane) in bytes.chunks_exact_mut($bytes).zip(self) {
                    place.copy_from_slice(&lane.to_le_bytes());
                }
                u128::from_le_bytes(bytes)
            }
        }
    )* };
}

lanes! {
    u8, 16, 1;
    i8, 16, 1;
    u16, 8, 2;
    i16, 8, 2;
    u32, 4, 4;
    i32, 4, 4;
    u64, 2, 8;
    i64, 2, 8;
    f32, 4, 4;
    f64, 2, 8;
}

/// A lane of ones if `condition` holds.
macro_rules! mask {
    ($type:ident, $condition:expr) => {
        (0 as $type).wrapping_sub($condition as $type)
    };
}

/// `name: lanes |left, right| lane of the result` for instructions of two vectors.
macro_rules! binary {
    ($($name:ident: [$type:ty; $count:literal] |$left:ident, $right:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let (left, right) = (<[$type; $count]>::of(s.get128(w.b())), <[$type; $count]>::of(s.get128(w.c())));
                let result: [_; $count] = from_fn(|lane| {
                    let ($left, $right) = (left[lane], right[lane]);
                    $result
                });
                s.set128(w.a(), result.bits());
            }
            Flow::Next(s)
        }
    )* };
}

/// The same for one vector.
macro_rules! unary {
    ($($name:ident: [$type:ty; $count:literal] |$value:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let value = <[$type; $count]>::of(s.get128(w.b()));
                let result: [_; $count] = from_fn(|lane| {
                    let $value = value[lane];
                    $result
                });
                s.set128(w.a(), result.bits());
            }
            Flow::Next(s)
        }
    )* };
}

/// `name: lanes |left, right| vector` for instructions of two vectors that mix lanes.
macro_rules! mixed_binary {
    ($($name:ident: $type:ty |$left:ident, $right:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let ($left, $right) = (<$type>::of(s.get128(w.b())), <$type>::of(s.get128(w.c())));
                s.set128(w.a(), $result.bits());
            }
            Flow::Next(s)
        }
    )* };
}

/// The same for one vector.
macro_rules! mixed_unary {
    ($($name:ident: $type:ty |$value:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let $value = <$type>::of(s.get128(w.b()));
                s.set128(w.a(), $result.bits());
            }
            Flow::Next(s)
        }
    )* };
}

/// `name: lanes |value, count| lane of the result` for shifts by a number.
macro_rules! shift {
    ($($name:ident: [$type:ty; $count:literal] |$value:ident, $shift:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let (value, $shift) = (<[$type; $count]>::of(s.get128(w.b())), s.get32(w.c()));
                let result: [_; $count] = from_fn(|lane| {
                    let $value = value[lane];
                    $result
                });
                s.set128(w.a(), result.bits());
            }
            Flow::Next(s)
        }
    )* };
}

/// `name: lanes |value| number` for instructions with a number as their result.
macro_rules! test {
    ($($name:ident: $type:ty |$value:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let $value = <$type>::of(s.get128(w.b()));
                s.set32(w.a(), $result);
            }
            Flow::Next(s)
        }
    )* };
}

macro_rules! extract {
    ($($name:ident: [$type:ty; $count:literal] $set:ident |$value:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let $value = <[$type; $count]>::of(s.get128(w.b()))[w.c() % $count];
                s.$set(w.a(), $result);
            }
            Flow::Next(s)
        }
    )* };
}

macro_rules! replace {
    ($($name:ident: [$type:ty; $count:literal] $get:ident;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let mut value = <[$type; $count]>::of(s.get128(w.b()));
                value[field(s.literal(0), 0) % $count] = s.$get(w.c()) as $type;
                s.set128(w.a(), value.bits());
            }
            s.next(1)
        }
    )* };
}

macro_rules! splat {
    ($($name:ident: [$type:ty; $count:literal] $get:ident;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe { s.set128(w.a(), [s.$get(w.b()) as $type; $count].bits()) }
            Flow::Next(s)
        }
    )* };
}

/// `name: type |value| vector` for loads.
macro_rules! load {
    ($($name:ident: $type:ty |$value:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: the place lies in the memory.
            unsafe {
                let place = super::memory::place(s, w, size_of::<$type>());
                let Some(place) = place else { return s.slow(w, 0, slow::memory_out_of_bounds) };
                let $value = place.cast::<$type>().read_unaligned();
                s.set128(w.a(), $result.bits());
            }
            Flow::Next(s)
        }
    )* };
}

macro_rules! lane_access {
    ($($load:ident $store:ident: [$type:ty; $count:literal];)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $load<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified; the place lies in the memory.
            unsafe {
                let place = super::memory::place(s, w, size_of::<$type>());
                let Some(place) = place else { return s.slow(w, 1, slow::memory_out_of_bounds) };
                let mut value = <[$type; $count]>::of(s.get128(field(s.literal(0), 0)));
                value[field(s.literal(0), 1) % $count] = place.cast::<$type>().read_unaligned();
                s.set128(w.a(), value.bits());
            }
            s.next(1)
        }

        #[inline(always)]
        pub(super) unsafe fn $store<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified; the place lies in the memory.
            unsafe {
                let place = super::memory::place(s, w, size_of::<$type>());
                let Some(place) = place else { return s.slow(w, 1, slow::memory_out_of_bounds) };
                let value = <[$type; $count]>::of(s.get128(w.a()))[field(s.literal(0), 0) % $count];
                place.cast::<$type>().write_unaligned(value);
            }
            s.next(1)
        }
    )* };
}

load! {
    load_8x8_signed: [i8; 8] |value| value.map(i16::from);
    load_8x8_unsigned: [u8; 8] |value| value.map(u16::from);
    load_16x4_signed: [i16; 4] |value| value.map(i32::from);
    load_16x4_unsigned: [u16; 4] |value| value.map(u32::from);
    load_32x2_signed: [i32; 2] |value| value.map(i64::from);
    load_32x2_unsigned: [u32; 2] |value| value.map(u64::from);
    load_8_splat: u8 |value| [value; 16];
    load_16_splat: u16 |value| [value; 8];
    load_32_splat: u32 |value| [value; 4];
    load_64_splat: u64 |value| [value; 2];
    load_32_zero: u32 |value| [value, 0, 0, 0];
    load_64_zero: u64 |value| [value, 0];
}

lane_access! {
    load_8_lane store_8_lane: [u8; 16];
    load_16_lane store_16_lane: [u16; 8];
    load_32_lane store_32_lane: [u32; 4];
    load_64_lane store_64_lane: [u64; 2];
}

#[inline(always)]
pub(super) unsafe fn i8x16_shuffle<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let (left, right) = (s.get128(w.b()).to_le_bytes(), s.get128(w.c()).to_le_bytes());
        let lanes = (u128::from(s.literal(0)) | u128::from(s.literal(1)) << 64).to_le_bytes();
        let both: [u8; 32] = from_fn(|lane| if lane < 16 { left[lane] } else { right[lane - 16] });
        s.set128(w.a(), lanes.map(|lane| both[lane as usize % 32]).bits());
    }
    s.next(2)
}

#[inline(always)]
pub(super) unsafe fn v128_select<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let mask = s.get128(field(s.literal(0), 0));
        s.set128(w.a(), s.get128(w.b()) & mask | s.get128(w.c()) & !mask);
    }
    s.next(1)
}

extract! {
    i8x16_extract_lane_signed: [i8; 16] set32 |value| value as u32;
    i8x16_extract_lane_unsigned: [u8; 16] set32 |value| value.into();
    i16x8_extract_lane_signed: [i16; 8] set32 |value| value as u32;
    i16x8_extract_lane_unsigned: [u16; 8] set32 |value| value.into();
    i32x4_extract_lane: [u32; 4] set32 |value| value;
    i64x2_extract_lane: [u64; 2] set64 |value| value;
}

replace! {
    i8x16_replace_lane: [u8; 16] get32;
    i16x8_replace_lane: [u16; 8] get32;
    i32x4_replace_lane: [u32; 4] get32;
    i64x2_replace_lane: [u64; 2] get64;
}

splat! {
    i8x16_splat: [u8; 16] get32;
    i16x8_splat: [u16; 8] get32;
    i32x4_splat: [u32; 4] get32;
    i64x2_splat: [u64; 2] get64;
}

binary! {
    i8x16_equal: [u8; 16] |a, b| mask!(u8, a == b);
    i8x16_not_equal: [u8; 16] |a, b| mask!(u8, a != b);
    i8x16_less: [i8; 16] |a, b| mask!(u8, a < b);
    i8x16_less_equal: [i8; 16] |a, b| mask!(u8, a <= b);
    i8x16_below: [u8; 16] |a, b| mask!(u8, a < b);
    i8x16_below_equal: [u8; 16] |a, b| mask!(u8, a <= b);
    i16x8_equal: [u16; 8] |a, b| mask!(u16, a == b);
    i16x8_not_equal: [u16; 8] |a, b| mask!(u16, a != b);
    i16x8_less: [i16; 8] |a, b| mask!(u16, a < b);
    i16x8_less_equal: [i16; 8] |a, b| mask!(u16, a <= b);
    i16x8_below: [u16; 8] |a, b| mask!(u16, a < b);
    i16x8_below_equal: [u16; 8] |a, b| mask!(u16, a <= b);
    i32x4_equal: [u32; 4] |a, b| mask!(u32, a == b);
    i32x4_not_equal: [u32; 4] |a, b| mask!(u32, a != b);
    i32x4_less: [i32; 4] |a, b| mask!(u32, a < b);
    i32x4_less_equal: [i32; 4] |a, b| mask!(u32, a <= b);
    i32x4_below: [u32; 4] |a, b| mask!(u32, a < b);
    i32x4_below_equal: [u32; 4] |a, b| mask!(u32, a <= b);
    i64x2_equal: [u64; 2] |a, b| mask!(u64, a == b);
    i64x2_not_equal: [u64; 2] |a, b| mask!(u64, a != b);
    i64x2_less: [i64; 2] |a, b| mask!(u64, a < b);
    i64x2_less_equal: [i64; 2] |a, b| mask!(u64, a <= b);
    f32x4_equal: [f32; 4] |a, b| mask!(u32, a == b);
    f32x4_not_equal: [f32; 4] |a, b| mask!(u32, a != b);
    f32x4_less: [f32; 4] |a, b| mask!(u32, a < b);
    f32x4_less_equal: [f32; 4] |a, b| mask!(u32, a <= b);
    f64x2_equal: [f64; 2] |a, b| mask!(u64, a == b);
    f64x2_not_equal: [f64; 2] |a, b| mask!(u64, a != b);
    f64x2_less: [f64; 2] |a, b| mask!(u64, a < b);
    f64x2_less_equal: [f64; 2] |a, b| mask!(u64, a <= b);

    v128_and: [u64; 2] |a, b| a & b;
    v128_and_not: [u64; 2] |a, b| a & !b;
    v128_or: [u64; 2] |a, b| a | b;
    v128_xor: [u64; 2] |a, b| a ^ b;

    i8x16_add: [u8; 16] |a, b| a.wrapping_add(b);
    i8x16_add_saturate_signed: [i8; 16] |a, b| a.saturating_add(b);
    i8x16_add_saturate_unsigned: [u8; 16] |a, b| a.saturating_add(b);
    i8x16_subtract: [u8; 16] |a, b| a.wrapping_sub(b);
    i8x16_subtract_saturate_signed: [i8; 16] |a, b| a.saturating_sub(b);
    i8x16_subtract_saturate_unsigned: [u8; 16] |a, b| a.saturating_sub(b);
    i8x16_minimum_signed: [i8; 16] |a, b| a.min(b);
    i8x16_minimum_unsigned: [u8; 16] |a, b| a.min(b);
    i8x16_maximum_signed: [i8; 16] |a, b| a.max(b);
    i8x16_maximum_unsigned: [u8; 16] |a, b| a.max(b);
    i8x16_average: [u8; 16] |a, b| (u16::from(a) + u16::from(b)).div_ceil(2) as u8;
    i16x8_add: [u16; 8] |a, b| a.wrapping_add(b);
    i16x8_add_saturate_signed: [i16; 8] |a, b| a.saturating_add(b);
    i16x8_add_saturate_unsigned: [u16; 8] |a, b| a.saturating_add(b);
    i16x8_subtract: [u16; 8] |a, b| a.wrapping_sub(b);
    i16x8_subtract_saturate_signed: [i16; 8] |a, b| a.saturating_sub(b);
    i16x8_subtract_saturate_unsigned: [u16; 8] |a, b| a.saturating_sub(b);
    i16x8_multiply: [u16; 8] |a, b| a.wrapping_mul(b);
    i16x8_minimum_signed: [i16; 8] |a, b| a.min(b);
    i16x8_minimum_unsigned: [u16; 8] |a, b| a.min(b);
    i16x8_maximum_signed: [i16; 8] |a, b| a.max(b);
    i16x8_maximum_unsigned: [u16; 8] |a, b| a.max(b);
    i16x8_average: [u16; 8] |a, b| (u32::from(a) + u32::from(b)).div_ceil(2) as u16;
    i16x8_multiply_fraction: [i16; 8] |a, b| {
        ((i32::from(a) * i32::from(b) + 0x4000) >> 15).min(i16::MAX.into()) as i16
    };
    i32x4_add: [u32; 4] |a, b| a.wrapping_add(b);
    i32x4_subtract: [u32; 4] |a, b| a.wrapping_sub(b);
    i32x4_multiply: [u32; 4] |a, b| a.wrapping_mul(b);
    i32x4_minimum_signed: [i32; 4] |a, b| a.min(b);
    i32x4_minimum_unsigned: [u32; 4] |a, b| a.min(b);
    i32x4_maximum_signed: [i32; 4] |a, b| a.max(b);
    i32x4_maximum_unsigned: [u32; 4] |a, b| a.max(b);
    i64x2_add: [u64; 2] |a, b| a.wrapping_add(b);
    i64x2_subtract: [u64; 2] |a, b| a.wrapping_sub(b);
    i64x2_multiply: [u64; 2] |a, b| a.wrapping_mul(b);

    f32x4_add: [f32; 4] |a, b| a + b;
    f32x4_subtract: [f32; 4] |a, b| a - b;
    f32x4_multiply: [f32; 4] |a, b| a * b;
    f32x4_divide: [f32; 4] |a, b| a / b;
    f32x4_minimum: [f32; 4] |a, b| minimum32(a, b);
    f32x4_maximum: [f32; 4] |a, b| maximum32(a, b);
    f32x4_choose_less: [f32; 4] |a, b| if b < a { b } else { a };
    f32x4_choose_greater: [f32; 4] |a, b| if a < b { b } else { a };
    f64x2_add: [f64; 2] |a, b| a + b;
    f64x2_subtract: [f64; 2] |a, b| a - b;
    f64x2_multiply: [f64; 2] |a, b| a * b;
    f64x2_divide: [f64; 2] |a, b| a / b;
    f64x2_minimum: [f64; 2] |a, b| minimum64(a, b);
    f64x2_maximum: [f64; 2] |a, b| maximum64(a, b);
    f64x2_choose_less: [f64; 2] |a, b| if b < a { b } else { a };
    f64x2_choose_greater: [f64; 2] |a, b| if a < b { b } else { a };
}

mixed_binary! {
    i8x16_swizzle: [u8; 16] |a, b| b.map(|lane| a.get(lane as usize).copied().unwrap_or(0));
    i8x16_narrow_signed: [i16; 8] |a, b| joined::<_, 8, 16>(a, b).map(|v| v.clamp(i8::MIN.into(), i8::MAX.into()) as i8);
    i8x16_narrow_unsigned: [i16; 8] |a, b| joined::<_, 8, 16>(a, b).map(|v| v.clamp(0, u8::MAX.into()) as u8);
    i16x8_narrow_signed: [i32; 4] |a, b| joined::<_, 4, 8>(a, b).map(|v| v.clamp(i16::MIN.into(), i16::MAX.into()) as i16);
    i16x8_narrow_unsigned: [i32; 4] |a, b| joined::<_, 4, 8>(a, b).map(|v| v.clamp(0, u16::MAX.into()) as u16);
    i16x8_multiply_low_signed: [i8; 16] |a, b| from_fn::<i16, 8, _>(|i| i16::from(a[i]) * i16::from(b[i]));
    i16x8_multiply_high_signed: [i8; 16] |a, b| from_fn::<i16, 8, _>(|i| i16::from(a[i + 8]) * i16::from(b[i + 8]));
    i16x8_multiply_low_unsigned: [u8; 16] |a, b| from_fn::<u16, 8, _>(|i| u16::from(a[i]) * u16::from(b[i]));
    i16x8_multiply_high_unsigned: [u8; 16] |a, b| from_fn::<u16, 8, _>(|i| u16::from(a[i + 8]) * u16::from(b[i + 8]));
    i32x4_multiply_low_signed: [i16; 8] |a, b| from_fn::<i32, 4, _>(|i| i32::from(a[i]) * i32::from(b[i]));
    i32x4_multiply_high_signed: [i16; 8] |a, b| from_fn::<i32, 4, _>(|i| i32::from(a[i + 4]) * i32::from(b[i + 4]));
    i32x4_multiply_low_unsigned: [u16; 8] |a, b| from_fn::<u32, 4, _>(|i| u32::from(a[i]) * u32::from(b[i]));
    i32x4_multiply_high_unsigned: [u16; 8] |a, b| from_fn::<u32, 4, _>(|i| u32::from(a[i + 4]) * u32::from(b[i + 4]));
    i64x2_multiply_low_signed: [i32; 4] |a, b| from_fn::<i64, 2, _>(|i| i64::from(a[i]) * i64::from(b[i]));
    i64x2_multiply_high_signed: [i32; 4] |a, b| from_fn::<i64, 2, _>(|i| i64::from(a[i + 2]) * i64::from(b[i + 2]));
    i64x2_multiply_low_unsigned: [u32; 4] |a, b| from_fn::<u64, 2, _>(|i| u64::from(a[i]) * u64::from(b[i]));
    i64x2_multiply_high_unsigned: [u32; 4] |a, b| from_fn::<u64, 2, _>(|i| u64::from(a[i + 2]) * u64::from(b[i + 2]));
    i32x4_dot: [i16; 8] |a, b| from_fn::<i32, 4, _>(|i| {
        let product = |lane: usize| i32::from(a[lane]) * i32::from(b[lane]);
        product(2 * i).wrapping_add(product(2 * i + 1))
    });
    i16x8_dot: [i8; 16] |a, b| from_fn::<i16, 8, _>(|i| {
        let product = |lane: usize| i16::from(a[lane]) * i16::from(b[lane]);
        product(2 * i).wrapping_add(product(2 * i + 1))
    });
}

/// The lanes of two vectors, one after the other.
#[inline(always)]
fn joined<T: Copy, const N: usize, const M: usize>(low: [T; N], high: [T; N]) -> [T; M] {
    from_fn(|lane| if lane < N { low[lane] } else { high[lane - N] })
}

unary! {
    v128_not: [u64; 2] |a| !a;
    i8x16_absolute: [i8; 16] |a| a.wrapping_abs();
    i8x16_negate: [i8; 16] |a| a.wrapping_neg();
    i8x16_count_ones: [u8; 16] |a| a.count_ones() as u8;
    i16x8_absolute: [i16; 8] |a| a.wrapping_abs();
    i16x8_negate: [i16; 8] |a| a.wrapping_neg();
    i32x4_absolute: [i32; 4] |a| a.wrapping_abs();
    i32x4_negate: [i32; 4] |a| a.wrapping_neg();
    i64x2_absolute: [i64; 2] |a| a.wrapping_abs();
    i64x2_negate: [i64; 2] |a| a.wrapping_neg();
    f32x4_ceiling: [f32; 4] |a| quiet32(a, libm::ceilf);
    f32x4_floor: [f32; 4] |a| quiet32(a, libm::floorf);
    f32x4_truncate: [f32; 4] |a| quiet32(a, libm::truncf);
    f32x4_nearest: [f32; 4] |a| quiet32(a, libm::rintf);
    f32x4_absolute: [u32; 4] |a| a & !(1 << 31);
    f32x4_negate: [u32; 4] |a| a ^ (1 << 31);
    f32x4_square_root: [f32; 4] |a| quiet32(a, libm::sqrtf);
    f64x2_ceiling: [f64; 2] |a| quiet64(a, libm::ceil);
    f64x2_floor: [f64; 2] |a| quiet64(a, libm::floor);
    f64x2_truncate: [f64; 2] |a| quiet64(a, libm::trunc);
    f64x2_nearest: [f64; 2] |a| quiet64(a, libm::rint);
    f64x2_absolute: [u64; 2] |a| a & !(1 << 63);
    f64x2_negate: [u64; 2] |a| a ^ (1 << 63);
    f64x2_square_root: [f64; 2] |a| quiet64(a, libm::sqrt);
    i32x4_saturate_f32x4_signed: [f32; 4] |a| a as i32;
    i32x4_saturate_f32x4_unsigned: [f32; 4] |a| a as u32;
    f32x4_convert_i32x4_signed: [i32; 4] |a| a as f32;
    f32x4_convert_i32x4_unsigned: [u32; 4] |a| a as f32;
}

mixed_unary! {
    i16x8_extend_low_signed: [i8; 16] |a| from_fn::<i16, 8, _>(|i| a[i].into());
    i16x8_extend_high_signed: [i8; 16] |a| from_fn::<i16, 8, _>(|i| a[i + 8].into());
    i16x8_extend_low_unsigned: [u8; 16] |a| from_fn::<u16, 8, _>(|i| a[i].into());
    i16x8_extend_high_unsigned: [u8; 16] |a| from_fn::<u16, 8, _>(|i| a[i + 8].into());
    i32x4_extend_low_signed: [i16; 8] |a| from_fn::<i32, 4, _>(|i| a[i].into());
    i32x4_extend_high_signed: [i16; 8] |a| from_fn::<i32, 4, _>(|i| a[i + 4].into());
    i32x4_extend_low_unsigned: [u16; 8] |a| from_fn::<u32, 4, _>(|i| a[i].into());
    i32x4_extend_high_unsigned: [u16; 8] |a| from_fn::<u32, 4, _>(|i| a[i + 4].into());
    i64x2_extend_low_signed: [i32; 4] |a| from_fn::<i64, 2, _>(|i| a[i].into());
    i64x2_extend_high_signed: [i32; 4] |a| from_fn::<i64, 2, _>(|i| a[i + 2].into());
    i64x2_extend_low_unsigned: [u32; 4] |a| from_fn::<u64, 2, _>(|i| a[i].into());
    i64x2_extend_high_unsigned: [u32; 4] |a| from_fn::<u64, 2, _>(|i| a[i + 2].into());
    i16x8_add_pairs_signed: [i8; 16] |a| from_fn::<i16, 8, _>(|i| i16::from(a[2 * i]) + i16::from(a[2 * i + 1]));
    i16x8_add_pairs_unsigned: [u8; 16] |a| from_fn::<u16, 8, _>(|i| u16::from(a[2 * i]) + u16::from(a[2 * i + 1]));
    i32x4_add_pairs_signed: [i16; 8] |a| from_fn::<i32, 4, _>(|i| i32::from(a[2 * i]) + i32::from(a[2 * i + 1]));
    i32x4_add_pairs_unsigned: [u16; 8] |a| from_fn::<u32, 4, _>(|i| u32::from(a[2 * i]) + u32::from(a[2 * i + 1]));
    i32x4_saturate_f64x2_signed: [f64; 2] |a| [a[0] as i32, a[1] as i32, 0, 0];
    i32x4_saturate_f64x2_unsigned: [f64; 2] |a| [a[0] as u32, a[1] as u32, 0, 0];
    f64x2_convert_i32x4_signed: [i32; 4] |a| [f64::from(a[0]), f64::from(a[1])];
    f64x2_convert_i32x4_unsigned: [u32; 4] |a| [f64::from(a[0]), f64::from(a[1])];
    f32x4_demote: [f64; 2] |a| [a[0] as f32, a[1] as f32, 0.0, 0.0];
    f64x2_promote: [f32; 4] |a| [f64::from(a[0]), f64::from(a[1])];
}

shift! {
    i8x16_shift_left: [u8; 16] |value, count| value.wrapping_shl(count);
    i8x16_shift_right_signed: [i8; 16] |value, count| value.wrapping_shr(count);
    i8x16_shift_right_unsigned: [u8; 16] |value, count| value.wrapping_shr(count);
    i16x8_shift_left: [u16; 8] |value, count| value.wrapping_shl(count);
    i16x8_shift_right_signed: [i16; 8] |value, count| value.wrapping_shr(count);
    i16x8_shift_right_unsigned: [u16; 8] |value, count| value.wrapping_shr(count);
    i32x4_shift_left: [u32; 4] |value, count| value.wrapping_shl(count);
    i32x4_shift_right_signed: [i32; 4] |value, count| value.wrapping_shr(count);
    i32x4_shift_right_unsigned: [u32; 4] |value, count| value.wrapping_shr(count);
    i64x2_shift_left: [u64; 2] |value, count| value.wrapping_shl(count);
    i64x2_shift_right_signed: [i64; 2] |value, count| value.wrapping_shr(count);
    i64x2_shift_right_unsigned: [u64; 2] |value, count| value.wrapping_shr(count);
}

/// Bit `i` for each lane `i` that is negative.
#[inline(always)]
fn signs<const N: usize>(is_negative: [bool; N]) -> u32 {
    let mut bits = 0;
    for (lane, is_negative) in is_negative.into_iter().enumerate() {
        bits |= u32::from(is_negative) << lane;
    }
    bits
}

test! {
    v128_any_true: [u64; 2] |a| u32::from(a[0] | a[1] != 0);
    i8x16_all_true: [u8; 16] |a| u32::from(a.iter().all(|&lane| lane != 0));
    i8x16_bitmask: [i8; 16] |a| signs(a.map(|lane| lane < 0));
    i16x8_all_true: [u16; 8] |a| u32::from(a.iter().all(|&lane| lane != 0));
    i16x8_bitmask: [i16; 8] |a| signs(a.map(|lane| lane < 0));
    i32x4_all_true: [u32; 4] |a| u32::from(a.iter().all(|&lane| lane != 0));
    i32x4_bitmask: [i32; 4] |a| signs(a.map(|lane| lane < 0));
    i64x2_all_true: [u64; 2] |a| u32::from(a.iter().all(|&lane| lane != 0));
    i64x2_bitmask: [i64; 2] |a| signs(a.map(|lane| lane < 0));
}
