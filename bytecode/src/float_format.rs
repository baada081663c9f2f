//! Floats in C's `printf` conversions `e`, `f`, `g` and `a`, digit for digit as glibc prints them.

use crate::decimal::{digit_count, write_digits};
use crate::text::Text;
use core::fmt::Write as _;

/// The greatest width and precision, those of Lua's `string.format`.
pub const MAX_FIELD: u8 = 99;

/// A formatted float: the longest has a sign, 309 digits, a point and [`MAX_FIELD`] digits.
pub type FloatText = Text<416>;

/// The conversion's letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// `e`: one digit, the point, the others, an exponent.
    Exponent,
    /// `f`: without an exponent.
    Fixed,
    /// `g`: `e` or `f` by the exponent, trailing zeros removed.
    General,
    /// `a`: hexadecimal, with a binary exponent.
    Hexadecimal,
}

/// A conversion specification: what stands between `%` and the end of the letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Specification {
    /// The letter.
    pub conversion: Conversion,
    /// The letter is a capital.
    pub uppercase: bool,
    /// Flag `-`: pad on the right.
    pub left: bool,
    /// Flag `+`: a sign also for positive numbers.
    pub plus: bool,
    /// Flag ` `: a space in place of the plus sign.
    pub space: bool,
    /// Flag `#`: always a point; `g` keeps trailing zeros.
    pub alternate: bool,
    /// Flag `0`: pad with zeros after the sign.
    pub zero: bool,
    /// The least number of characters; [`MAX_FIELD`] at most.
    pub width: u8,
    /// The precision; [`MAX_FIELD`] at most. Without one, 6, or for `a` as many digits as the number has.
    pub precision: Option<u8>,
}

impl Specification {
    /// `conversion` without flags, width and precision.
    pub const fn new(conversion: Conversion) -> Self {
        Specification {
            conversion,
            uppercase: false,
            left: false,
            plus: false,
            space: false,
            alternate: false,
            zero: false,
            width: 0,
            precision: None,
        }
    }
}

/// Formats `value` as `printf` does. A width or precision above [`MAX_FIELD`] counts as that.
pub fn format(value: f64, specification: &Specification) -> FloatText {
    let magnitude = f64::from_bits(value.to_bits() & !(1 << 63));
    let mut prefix: Text<3> = Text::new();
    if value.is_sign_negative() {
        prefix.push(b'-');
    } else if specification.plus {
        prefix.push(b'+');
    } else if specification.space {
        prefix.push(b' ');
    }

    let mut body = FloatText::new();
    body.push_all(&prefix);
    if !magnitude.is_finite() {
        body.push_all(if magnitude.is_nan() { b"nan" } else { b"inf" });
    } else {
        let precision = specification.precision.map(|precision| usize::from(precision.min(MAX_FIELD)));
        match specification.conversion {
            Conversion::Exponent => {
                let digits = Digits::of(magnitude, precision.unwrap_or(6));
                digits.write_exponent(&mut body, specification.alternate);
            }
            Conversion::Fixed => {
                let precision = precision.unwrap_or(6);
                match scale_exactly(magnitude, precision) {
                    Some(scaled) => write_scaled(&mut body, scaled, precision),
                    // The text's capacity is that of the longest number.
                    None => drop(write!(body, "{magnitude:.precision$}")),
                }
                if precision == 0 && specification.alternate {
                    body.push(b'.');
                }
            }
            Conversion::General => write_general(&mut body, magnitude, precision, specification.alternate),
            Conversion::Hexadecimal => {
                prefix.push_all(b"0x");
                body.push_all(b"0x");
                write_hexadecimal(&mut body, magnitude, precision, specification.alternate);
            }
        }
    }

    let padding = usize::from(specification.width.min(MAX_FIELD)).saturating_sub(body.len());
    if specification.left {
        body.push_repeated(b' ', padding);
    } else if specification.zero && magnitude.is_finite() {
        body.insert_repeated(prefix.len(), b'0', padding);
    } else {
        body.insert_repeated(0, b' ', padding);
    }
    if specification.uppercase {
        body.make_uppercase();
    }
    body
}

/// `magnitude` times ten to the power of `precision`, rounded to the nearest integer and from halfway to the even one;
/// none if that needs more than 64 bits or long arithmetic. This is the common case, and much faster than the general one.
fn scale_exactly(magnitude: f64, precision: usize) -> Option<u64> {
    const MAX_PRECISION: usize = 15;
    const MANTISSA_BITS: u32 = 52;
    let bits = magnitude.to_bits();
    let mantissa = bits & ((1 << MANTISSA_BITS) - 1) | 1 << MANTISSA_BITS;
    let exponent = (bits >> MANTISSA_BITS) as u32;
    // The magnitude is the mantissa divided by two to the power of this.
    let shift = (1023 + MANTISSA_BITS).checked_sub(exponent)?;
    if precision > MAX_PRECISION {
        return None;
    }
    if magnitude == 0.0 {
        return Some(0);
    }
    if shift > 127 {
        return None;
    }
    // Less than two to the power of 53 + 50.
    let product = u128::from(mantissa) * u128::from(10u64.pow(precision as u32));
    let quotient = u64::try_from(product >> shift).ok()?;
    let remainder = product & ((1 << shift) - 1);
    let twice = remainder << 1 >> shift;
    let up = twice == 1 && (remainder << 1 != 1 << shift || quotient % 2 == 1);
    quotient.checked_add(u64::from(up))
}

/// Writes `scaled` with a point before its last `precision` digits.
fn write_scaled(body: &mut FloatText, mut scaled: u64, precision: usize) {
    // At most 20 digits, or a zero and 15 digits, and the point.
    let mut bytes = [0; 24];
    let mut start = bytes.len();
    let mut written = 0;
    while scaled != 0 || written <= precision {
        if written == precision && precision > 0 {
            start -= 1;
            bytes[start] = b'.';
        }
        start -= 1;
        bytes[start] = b'0' + (scaled % 10) as u8;
        scaled /= 10;
        written += 1;
    }
    body.push_all(&bytes[start..]);
}

/// Significant decimal digits and the exponent of the first one.
struct Digits {
    digits: Text<100>,
    exponent: i32,
}

impl Digits {
    /// `after_first` + 1 digits of `magnitude`, rounded exactly.
    fn of(magnitude: f64, after_first: usize) -> Digits {
        Digits::of_common(magnitude, after_first).unwrap_or_else(|| Digits::of_any(magnitude, after_first))
    }

    /// The same, if it takes no long arithmetic.
    fn of_common(magnitude: f64, after_first: usize) -> Option<Digits> {
        let exponent = match magnitude {
            0.0 => 0,
            0.01..0.1 => -2,
            0.1..1.0 => -1,
            1.0..1e15 => (magnitude as u64).ilog10() as i32,
            _ => return None,
        };
        let scaled = scale_exactly(magnitude, usize::try_from(after_first as i32 - exponent).ok()?)?;
        // What was rounded up to a power of ten has one digit more.
        let is_carried = digit_count(scaled) > after_first + 1;
        let (scaled, exponent) = if is_carried { (scaled / 10, exponent + 1) } else { (scaled, exponent) };
        let mut digits = Text::new();
        write_digits(scaled, digits.push_room(after_first + 1));
        Some(Digits { digits, exponent })
    }

    fn of_any(magnitude: f64, after_first: usize) -> Digits {
        // One digit, a point, the others, `e`, at most four characters of exponent.
        let mut text: Text<106> = Text::new();
        let _ = write!(text, "{magnitude:.after_first$e}");
        let mut digits = Text::new();
        let mut exponent = 0;
        let mut parts = text.split(|&byte| byte == b'e');
        for &byte in parts.next().unwrap_or_default() {
            if byte != b'.' {
                digits.push(byte);
            }
        }
        for &byte in parts.next().unwrap_or_default() {
            if byte != b'-' {
                exponent = exponent * 10 + i32::from(byte - b'0');
            }
        }
        if text.contains(&b'-') {
            exponent = -exponent;
        }
        Digits { digits, exponent }
    }

    fn write_exponent(&self, body: &mut FloatText, alternate: bool) {
        let (first, rest) = self.digits.split_at(1);
        body.push_all(first);
        if !rest.is_empty() || alternate {
            body.push(b'.');
        }
        body.push_all(rest);
        let sign = if self.exponent < 0 { '-' } else { '+' };
        let _ = write!(body, "e{sign}{:02}", self.exponent.unsigned_abs());
    }

    fn write_fixed(&self, body: &mut FloatText, alternate: bool) {
        if self.exponent < 0 {
            body.push_all(b"0.");
            body.push_repeated(b'0', self.exponent.unsigned_abs() as usize - 1);
            body.push_all(&self.digits);
            return;
        }
        // Trailing zeros may have been removed on either side of the point.
        let before_point = self.exponent as usize + 1;
        let present = before_point.min(self.digits.len());
        let (before, after) = self.digits.split_at(present);
        body.push_all(before);
        body.push_repeated(b'0', before_point - present);
        if !after.is_empty() || alternate {
            body.push(b'.');
        }
        body.push_all(after);
    }
}

fn write_general(body: &mut FloatText, magnitude: f64, precision: Option<usize>, alternate: bool) {
    let significant = precision.unwrap_or(6).max(1);
    let mut decimal = Digits::of(magnitude, significant - 1);
    if !alternate || carried_into_exponent(magnitude, &decimal, significant) {
        let kept = decimal.digits.iter().rposition(|&digit| digit != b'0').map_or(1, |last| last + 1);
        decimal.digits.truncate(kept);
    }
    if (-4..significant as i32).contains(&decimal.exponent) {
        decimal.write_fixed(body, alternate);
    } else {
        decimal.write_exponent(body, alternate);
    }
}

/// Whether `magnitude` has few enough digits for the fixed form, but no longer after rounding. There glibc removes the
/// trailing zeros even with the flag `#`, against the standard; so do we, for equal output.
fn carried_into_exponent(magnitude: f64, decimal: &Digits, significant: usize) -> bool {
    // Floats of 17 digits and more before the point are integers, which are not rounded at all.
    significant < 17 && decimal.exponent == significant as i32 && magnitude < 10_u64.pow(significant as u32) as f64
}

/// Number of hexadecimal digits in a float's fraction.
const FRACTION_DIGITS: usize = 13;

fn write_hexadecimal(body: &mut FloatText, magnitude: f64, precision: Option<usize>, alternate: bool) {
    let bits = magnitude.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let biased = (bits >> 52) as i32;
    let (first, exponent) = match biased {
        0 if fraction == 0 => (0, 0),
        0 => (0, -1022),
        _ => (1, biased - 1023),
    };
    let mut significand = first << 52 | fraction;
    let digit_count = match precision {
        Some(precision) => {
            if precision < FRACTION_DIGITS {
                let dropped = 4 * (FRACTION_DIGITS - precision);
                let unit = 1_u64 << dropped;
                let rest = significand & (unit - 1);
                let odd = significand & unit != 0;
                significand -= rest;
                if rest > unit / 2 || (rest == unit / 2 && odd) {
                    significand += unit;
                }
            }
            precision
        }
        None => FRACTION_DIGITS - (fraction.trailing_zeros() as usize / 4).min(FRACTION_DIGITS),
    };
    body.push(b'0' + (significand >> 52) as u8);
    if digit_count > 0 || alternate {
        body.push(b'.');
    }
    for digit in 0..digit_count.min(FRACTION_DIGITS) {
        body.push(b"0123456789abcdef"[(significand >> (48 - 4 * digit)) as usize & 15]);
    }
    body.push_repeated(b'0', digit_count.saturating_sub(FRACTION_DIGITS));
    let _ = write!(body, "p{exponent:+}");
}
