//! `%q`: values as literals of the language.

use super::{Conversion, Specification, write_decimal, write_integer};
use alloc::vec::Vec;
use lunette_bytecode::float_format;

/// Appends `text` as a literal of the language.
pub fn write_quoted_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let mut rest = text;
    while let Some(plain) = rest.iter().position(|&byte| matches!(byte, b'"' | b'\\') || byte.is_ascii_control()) {
        out.extend_from_slice(&rest[..plain]);
        let byte = rest[plain];
        rest = &rest[plain + 1..];
        out.push(b'\\');
        match byte {
            b'"' | b'\\' | b'\n' => out.push(byte),
            // A digit that follows must not become part of the escape.
            _ => {
                let precision = if rest.first().is_some_and(u8::is_ascii_digit) { 3 } else { 1 };
                let specification = Specification { precision: Some(precision), ..Specification::default() };
                write_integer(out, i64::from(byte), Conversion::Decimal, &specification);
            }
        }
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Appends `value` as a literal of the language. The least integer has no decimal literal.
pub fn write_quoted_integer(out: &mut Vec<u8>, value: i64) {
    if value == i64::MIN {
        out.extend_from_slice(b"0x8000000000000000");
    } else {
        write_decimal(out, value);
    }
}

/// Appends `value` as an expression of the language that gives it exactly.
pub fn write_quoted_float(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        out.extend_from_slice(b"(0/0)");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"1e9999" } else { b"-1e9999" });
    } else {
        let specification = float_format::Specification::new(float_format::Conversion::Hexadecimal);
        out.extend_from_slice(&float_format::format(value, &specification));
    }
}
