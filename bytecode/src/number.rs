//! Conversions between numerals and numbers, and between floats and integers, as Lua has them.
//!
//! The lexer, the assembler, `tonumber`, `tostring` and arithmetic on strings all use these, so that a numeral means
//! the same wherever it stands.

use crate::decimal::{decimal_length, write_decimal};
use crate::float_format::{self, Conversion, Specification};
use crate::text::Text;

/// A Lua number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A 64-bit integer.
    Integer(i64),
    /// A 64-bit float.
    Float(f64),
}

/// A number as `tostring` gives it.
pub type NumberText = Text<32>;

/// Whether `byte` is white space in the C locale.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_space(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_space(*last)
    {
        text = rest;
    }
    text
}

/// Splits a sign off; true if it is a minus.
fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// Converts a numeral with optional white space around it and an optional sign, by the rules of Lua's conversion of
/// strings to numbers: decimal integers out of range become floats, hexadecimal ones wrap around.
pub fn parse_number(text: &[u8]) -> Option<Number> {
    let (negative, digits) = split_sign(trim(text));
    if let [b'0', b'x' | b'X', digits @ ..] = digits {
        return parse_hexadecimal(digits, negative);
    }
    match parse_decimal_integer(digits, negative) {
        Some(integer) => Some(Number::Integer(integer)),
        None => {
            let magnitude = parse_decimal_float(digits)?;
            Some(Number::Float(if negative { -magnitude } else { magnitude }))
        }
    }
}

fn parse_decimal_integer(digits: &[u8], negative: bool) -> Option<i64> {
    if digits.is_empty() {
        return None;
    }
    // Counts down from zero, because the negative range is the larger one.
    let mut value = 0_i64;
    for &byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_sub(i64::from(byte - b'0'))?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

fn parse_decimal_float(numeral: &[u8]) -> Option<f64> {
    // `str::parse` also takes signs and words such as `inf`, which are no numerals of Lua.
    if !matches!(numeral, [b'0'..=b'9' | b'.', ..]) {
        return None;
    }
    core::str::from_utf8(numeral).ok()?.parse().ok()
}

/// Converts what follows the prefix `0x`.
fn parse_hexadecimal(digits: &[u8], negative: bool) -> Option<Number> {
    let mut wrapping = 0_u64;
    let mut mantissa = Mantissa::default();
    let mut digit_count = 0;
    let mut point = false;
    let mut position = 0;
    while let Some(&byte) = digits.get(position) {
        if byte == b'.' && !point {
            point = true;
        } else if let Some(digit) = (byte as char).to_digit(16) {
            digit_count += 1;
            wrapping = wrapping.wrapping_mul(16).wrapping_add(u64::from(digit));
            mantissa.push(digit, point);
        } else {
            break;
        }
        position += 1;
    }
    if digit_count == 0 {
        return None;
    }
    if position == digits.len() && !point {
        let value = wrapping as i64;
        return Some(Number::Integer(if negative { value.wrapping_neg() } else { value }));
    }
    let exponent = match &digits[position..] {
        [] => 0,
        [b'p' | b'P', exponent @ ..] => parse_exponent(exponent)?,
        _ => return None,
    };
    let magnitude = mantissa.scaled(exponent);
    Some(Number::Float(if negative { -magnitude } else { magnitude }))
}

/// A decimal exponent with an optional sign; saturates far beyond the exponents that make a difference.
fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = split_sign(text);
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_i64;
    for &byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value.saturating_mul(10).saturating_add(i64::from(byte - b'0'));
    }
    Some(if negative { -value } else { value })
}

/// The value of hexadecimal digits: `bits * 2^exponent`, where the lowest bit stands for all lower ones that are lost.
#[derive(Default)]
struct Mantissa {
    bits: u64,
    exponent: i64,
}

impl Mantissa {
    fn push(&mut self, digit: u32, after_point: bool) {
        if self.bits >> 60 == 0 {
            self.bits = self.bits << 4 | u64::from(digit);
            self.exponent -= if after_point { 4 } else { 0 };
        } else {
            self.bits |= u64::from(digit != 0);
            self.exponent += if after_point { 0 } else { 4 };
        }
    }

    /// `self * 2^exponent` rounded to the nearest float, ties to even.
    fn scaled(&self, exponent: i64) -> f64 {
        if self.bits == 0 {
            return 0.0;
        }
        let shift = self.bits.leading_zeros();
        let bits = self.bits << shift;
        // The value is 1.xxx * 2^exponent, `bits` holding 1.xxx as 64 bits.
        let exponent = self.exponent.saturating_add(exponent).saturating_add(63 - i64::from(shift));
        if exponent > 1023 {
            return f64::INFINITY;
        }
        // A normal number keeps 53 bits; a subnormal one loses one more for every step below the least exponent.
        let dropped = 11 + (-1022_i64).saturating_sub(exponent).max(0);
        if dropped > 64 {
            return 0.0;
        }
        let (kept, rest) = if dropped == 64 { (0, bits) } else { (bits >> dropped, bits << (64 - dropped)) };
        let half = 1 << 63;
        let rounded = kept + u64::from(rest > half || (rest == half && kept & 1 == 1));
        // The carry of the rounding runs into the exponent as it should, up to infinity.
        let biased = if dropped > 11 { 0 } else { (exponent + 1022) as u64 };
        f64::from_bits((biased << 52) + rounded)
    }
}

/// Converts an integer numeral in `base`, which is from 2 to 36, as `tonumber(text, base)` does: wraps around.
pub fn parse_integer_in_base(text: &[u8], base: u32) -> Option<i64> {
    if !(2..=36).contains(&base) {
        return None;
    }
    let (negative, digits) = split_sign(trim(text));
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_i64;
    for &byte in digits {
        let digit = (byte as char).to_digit(base)?;
        value = value.wrapping_mul(i64::from(base)).wrapping_add(i64::from(digit));
    }
    Some(if negative { value.wrapping_neg() } else { value })
}

/// The float as `tostring` gives it: `%.14g`, with `.0` after what would read as an integer.
pub fn format_float(value: f64) -> NumberText {
    const SPECIFICATION: Specification =
        Specification { precision: Some(14), ..Specification::new(Conversion::General) };
    let formatted = float_format::format(value, &SPECIFICATION);
    let mut text = NumberText::new();
    text.push_all(&formatted);
    if formatted.iter().all(|&byte| byte == b'-' || byte.is_ascii_digit()) {
        text.push_all(b".0");
    }
    text
}

/// The integer in decimal.
pub fn format_integer(value: i64) -> NumberText {
    let mut text = NumberText::new();
    write_decimal(value, text.push_room(decimal_length(value)));
    text
}

/// 2^63, the first float above all integers.
const INTEGER_END: f64 = 9_223_372_036_854_775_808.0;

/// The integer that equals `value`.
#[inline]
pub fn float_to_integer_exact(value: f64) -> Option<i64> {
    let integer = value as i64;
    (integer as f64 == value && value < INTEGER_END).then_some(integer)
}

/// The greatest integer not above `value`; `None` if `value` is no number or the result is out of range.
pub fn float_to_integer_floor(value: f64) -> Option<i64> {
    float_to_integer_exact(libm::floor(value))
}

/// The least integer not below `value`; `None` if `value` is no number or the result is out of range.
pub fn float_to_integer_ceil(value: f64) -> Option<i64> {
    float_to_integer_exact(libm::ceil(value))
}
