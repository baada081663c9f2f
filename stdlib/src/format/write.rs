//! The conversions of `printf`.

use super::{Conversion, Specification};
use alloc::vec::Vec;
use lunette_bytecode::{
    decimal::{digit_count, write_digits},
    float_format,
    number::format_integer,
};
use memchr::memchr;

/// Digits of an integer, written from the end of an array that holds the longest, 22 octal ones.
struct Digits {
    bytes: [u8; 22],
    start: usize,
}

impl Digits {
    #[inline]
    fn decimal(value: u64) -> Self {
        let mut digits = Digits { bytes: [0; 22], start: 22 - digit_count(value) };
        write_digits(value, &mut digits.bytes[digits.start..]);
        digits
    }

    fn power_of_two(mut value: u64, bits: u32, uppercase: bool) -> Self {
        let alphabet = if uppercase { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
        let mut digits = Digits { bytes: [0; 22], start: 22 };
        loop {
            digits.push(alphabet[(value & ((1 << bits) - 1)) as usize]);
            value >>= bits;
            if value == 0 {
                return digits;
            }
        }
    }

    #[inline(always)]
    fn push(&mut self, digit: u8) {
        self.start -= 1;
        self.bytes[self.start] = digit;
    }

    #[inline(always)]
    fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

/// Appends `value` in decimal.
#[inline]
pub fn write_decimal(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&format_integer(value));
}

/// Appends `value` by one of the integer conversions. Other conversions count as [`Conversion::Decimal`].
pub fn write_integer(out: &mut Vec<u8>, value: i64, conversion: Conversion, specification: &Specification) {
    let bits = value as u64;
    let (mut prefix, digits): (&[u8], Digits) = match conversion {
        Conversion::Unsigned => (b"", Digits::decimal(bits)),
        Conversion::Octal => (b"", Digits::power_of_two(bits, 3, false)),
        Conversion::Hexadecimal { uppercase } => {
            let prefix: &[u8] = match (specification.alternate && value != 0, uppercase) {
                (false, _) => b"",
                (true, false) => b"0x",
                (true, true) => b"0X",
            };
            (prefix, Digits::power_of_two(bits, 4, uppercase))
        }
        _ => (sign(value < 0, specification), Digits::decimal(value.unsigned_abs())),
    };
    let mut digits = digits.as_bytes();
    if value == 0 && specification.precision == Some(0) {
        digits = b"";
    }
    let mut zeros = usize::from(specification.precision.unwrap_or(1)).saturating_sub(digits.len());
    if conversion == Conversion::Octal && specification.alternate && zeros == 0 && digits.first() != Some(&b'0') {
        prefix = b"0";
    }
    let length = prefix.len() + zeros + digits.len();
    let padding = usize::from(specification.width).saturating_sub(length);
    let fill_zeros = specification.zero && !specification.left && specification.precision.is_none();
    if fill_zeros {
        zeros += padding;
    } else if !specification.left {
        write_repeated(out, b' ', padding);
    }
    out.extend_from_slice(prefix);
    write_repeated(out, b'0', zeros);
    out.extend_from_slice(digits);
    if specification.left {
        write_repeated(out, b' ', padding);
    }
}

fn sign(negative: bool, specification: &Specification) -> &'static [u8] {
    match (negative, specification.plus, specification.space) {
        (true, _, _) => b"-",
        (false, true, _) => b"+",
        (false, false, true) => b" ",
        (false, false, false) => b"",
    }
}

#[inline]
fn write_repeated(out: &mut Vec<u8>, byte: u8, count: usize) {
    out.resize(out.len() + count, byte);
}

/// Appends `text` padded to the width.
fn write_padded(out: &mut Vec<u8>, text: &[u8], specification: &Specification) {
    let padding = usize::from(specification.width).saturating_sub(text.len());
    if !specification.left {
        write_repeated(out, b' ', padding);
    }
    out.extend_from_slice(text);
    if specification.left {
        write_repeated(out, b' ', padding);
    }
}

/// Appends the byte that `%c` makes of `value`.
pub fn write_character(out: &mut Vec<u8>, value: i64, specification: &Specification) {
    write_padded(out, &[value as u8], specification);
}

/// A string with zeros was given to a `%s` with a width or precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("string contains zeros")]
pub struct ContainsZeros;

/// The check that PUC Lua makes of the argument of a `%s` that is not plain, even if that is faulty.
pub fn check_zeros(text: &[u8]) -> Result<(), ContainsZeros> {
    if memchr(0, text).is_some() { Err(ContainsZeros) } else { Ok(()) }
}

/// Appends `text` as `%s` does.
#[inline]
pub fn write_string(out: &mut Vec<u8>, text: &[u8], specification: &Specification) {
    let length = specification.precision.map_or(text.len(), |precision| text.len().min(usize::from(precision)));
    write_padded(out, &text[..length], specification);
}

/// Appends an object's identity as `%p` does; none for a value without.
pub fn write_pointer(out: &mut Vec<u8>, identity: Option<u64>, specification: &Specification) {
    match identity {
        None => write_padded(out, b"(null)", specification),
        Some(identity) => {
            let specification = Specification { alternate: true, precision: Some(12), ..*specification };
            write_integer(out, identity as i64, Conversion::Hexadecimal { uppercase: false }, &specification);
        }
    }
}

/// Appends a float.
#[inline]
pub fn write_float(
    out: &mut Vec<u8>,
    value: f64,
    conversion: float_format::Conversion,
    uppercase: bool,
    specification: &Specification,
) {
    let &Specification { left, plus, space, alternate, zero, width, precision } = specification;
    let specification =
        float_format::Specification { conversion, uppercase, left, plus, space, alternate, zero, width, precision };
    out.extend_from_slice(&float_format::format(value, &specification));
}
