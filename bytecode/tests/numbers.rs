//! Numerals and numbers, against the C library where it has the same function.
mod common;

use common::Random;
use lunette_bytecode::float_format::{Conversion, Specification, format};
use lunette_bytecode::number::*;
use std::ffi::{CStr, CString, c_char, c_double, c_int};

unsafe extern "C" {
    fn snprintf(buffer: *mut c_char, size: usize, format: *const c_char, ...) -> c_int;
    fn strtod(text: *const c_char, end: *mut *mut c_char) -> c_double;
}

/// A float of one of the shapes that matter: any bits, short decimals, halves, powers, neighbours of those.
fn random_float(random: &mut Random) -> f64 {
    let value = match random.below(8) {
        0..=1 => f64::from_bits(random.next()),
        2 => random.below(100_000) as f64 / 1000.0,
        3 => random.below(1 << 20) as f64 / 1024.0,
        4 => random.below(1000) as f64 * libm::exp10(random.below(40) as f64 - 20.0),
        5 => libm::ldexp(random.below(1 << 12) as f64, random.below(2100) as i32 - 1080),
        6 => f64::from_bits(libm::exp10(random.below(600) as f64 - 300.0).to_bits() + random.below(3) - 1),
        _ => [0.0, f64::INFINITY, f64::NAN, 5e-324, f64::MAX, f64::MIN_POSITIVE, 0.5, 1.5, 2.5, 9.5, 99.5]
            [random.below(11) as usize],
    };
    if random.below(2) == 0 { -value } else { value }
}

fn c_format(value: f64, specification: &Specification) -> String {
    let mut text = String::from("%");
    for (flag, letter) in [
        (specification.left, '-'),
        (specification.plus, '+'),
        (specification.space, ' '),
        (specification.alternate, '#'),
        (specification.zero, '0'),
    ] {
        if flag {
            text.push(letter);
        }
    }
    if specification.width > 0 {
        text += &specification.width.to_string();
    }
    if let Some(precision) = specification.precision {
        text += &format!(".{precision}");
    }
    let letter = match specification.conversion {
        Conversion::Exponent => 'e',
        Conversion::Fixed => 'f',
        Conversion::General => 'g',
        Conversion::Hexadecimal => 'a',
    };
    text.push(if specification.uppercase { letter.to_ascii_uppercase() } else { letter });
    let format = CString::new(text).unwrap();
    let mut buffer = [0; 600];
    // SAFETY: the buffer has the given size, the format takes one double.
    unsafe { snprintf(buffer.as_mut_ptr(), buffer.len(), format.as_ptr(), value) };
    // SAFETY: snprintf terminated the text.
    unsafe { CStr::from_ptr(buffer.as_ptr()) }.to_str().unwrap().to_owned()
}

fn check_format(value: f64, specification: &Specification) {
    let ours = format(value, specification);
    assert_eq!(ours.as_str(), c_format(value, specification), "{:#x} {specification:?}", value.to_bits());
}

#[test]
fn floats_are_formatted_as_by_the_c_library() {
    let mut random = Random(1);
    for _ in 0..300_000 {
        let value = random_float(&mut random);
        let flags = random.next();
        let specification = Specification {
            conversion: [Conversion::Exponent, Conversion::Fixed, Conversion::General, Conversion::Hexadecimal]
                [random.below(4) as usize],
            uppercase: flags & 1 != 0,
            left: flags & 6 == 6,
            plus: flags & 24 == 24,
            space: flags & 96 == 96,
            alternate: flags & 384 == 384,
            zero: flags & 512 != 0,
            width: if flags & 1024 != 0 { random.below(100) as u8 } else { 0 },
            precision: match random.below(4) {
                0 => None,
                1 => Some(random.below(100) as u8),
                _ => Some(random.below(20) as u8),
            },
        };
        check_format(value, &specification);
    }
}

#[test]
fn the_longest_float_fits() {
    let specification =
        Specification { plus: true, precision: Some(99), width: 99, ..Specification::new(Conversion::Fixed) };
    for value in [f64::MAX, f64::MIN, 5e-324] {
        check_format(value, &specification);
    }
    let beyond = Specification { precision: Some(255), width: 255, ..specification };
    assert_eq!(format(f64::MIN, &beyond).as_str(), format(f64::MIN, &specification).as_str());
}

#[test]
fn tostring() {
    for (value, expected) in [
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (1e15, "1e+15"),
        (1e14, "1e+14"),
        (123456789012.0, "123456789012.0"),
        (0.1, "0.1"),
        (std::f64::consts::PI, "3.1415926535898"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
        (-f64::NAN, "-nan"),
        (f64::MIN_POSITIVE, "2.2250738585072e-308"),
    ] {
        assert_eq!(format_float(value).as_str(), expected);
    }
    assert_eq!(format_integer(i64::MIN).as_str(), "-9223372036854775808");
}

/// Bits of a number, to compare also zeros and those that are no numbers.
fn exact(number: Option<Number>) -> Option<(bool, u64)> {
    Some(match number? {
        Number::Integer(value) => (true, value as u64),
        Number::Float(value) => (false, value.to_bits()),
    })
}

#[test]
fn numerals() {
    use Number::{Float, Integer};
    let cases: &[(&str, Option<Number>)] = &[
        ("0", Some(Integer(0))),
        ("  \t\n\r\x0b\x0c12  ", Some(Integer(12))),
        ("-0", Some(Integer(0))),
        ("-0.0", Some(Float(-0.0))),
        ("-0x0.0", Some(Float(-0.0))),
        ("9223372036854775807", Some(Integer(i64::MAX))),
        ("+9223372036854775808", Some(Float(9223372036854775808.0))),
        ("-9223372036854775808", Some(Integer(i64::MIN))),
        ("-9223372036854775809", Some(Float(-9223372036854775808.0))),
        ("00000000000000000000000000000012", Some(Integer(12))),
        ("0xffffffffffffffff", Some(Integer(-1))),
        ("0x1ffffffffffffffff", Some(Integer(-1))),
        ("-0xff", Some(Integer(-255))),
        ("0x", None),
        ("0x.", None),
        ("0x.p1", None),
        ("0x1p", None),
        ("0x1p+", None),
        ("0x1p4", Some(Float(16.0))),
        ("0x.8", Some(Float(0.5))),
        ("0xA.", Some(Float(10.0))),
        ("0xA.8.", None),
        ("0X1P-1074", Some(Float(5e-324))),
        ("0x1p-1075", Some(Float(0.0))),
        ("0x1.0000000000000000001p-1075", Some(Float(5e-324))),
        ("0x1p99999999999999999999999", Some(Float(f64::INFINITY))),
        ("0x0p99999999999999999999999", Some(Float(0.0))),
        ("-0x1p-99999999999999999999999", Some(Float(-0.0))),
        ("0x1.fffffffffffff8p1023", Some(Float(f64::INFINITY))),
        ("0x1.fffffffffffff7fffffffffffffffp1023", Some(Float(f64::MAX))),
        ("1e", None),
        ("1e+", None),
        ("1e5", Some(Float(1e5))),
        ("5.", Some(Float(5.0))),
        (".5", Some(Float(0.5))),
        (".", None),
        (".e1", None),
        ("", None),
        (" ", None),
        ("-", None),
        ("- 1", None),
        ("--1", None),
        ("-+1", None),
        ("1 2", None),
        ("1\0", None),
        ("inf", None),
        ("-inf", None),
        ("nan", None),
        ("infinity", None),
        ("1_000", None),
        ("0b1", None),
        ("1e309", Some(Float(f64::INFINITY))),
        ("1f", None),
        ("\u{a0}1", None),
    ];
    for (text, expected) in cases {
        assert_eq!(exact(parse_number(text.as_bytes())), exact(*expected), "{text:?}");
    }
    assert_eq!(exact(parse_number(b"1\xff")), None);
}

#[test]
fn float_numerals_are_rounded_as_by_the_c_library() {
    let mut random = Random(2);
    for _ in 0..200_000 {
        let mut text = String::new();
        let hexadecimal = random.below(4) != 0;
        if hexadecimal {
            text += "0x";
        }
        let length = random.below(24);
        for _ in 0..length {
            let digit = match random.below(3) {
                0 => 0,
                1 => random.below(if hexadecimal { 16 } else { 10 }) as u32,
                _ => {
                    if hexadecimal {
                        8
                    } else {
                        5
                    }
                }
            };
            text.push(char::from_digit(digit, 16).unwrap());
        }
        text.push('.');
        for _ in 0..random.below(20) {
            text.push(char::from_digit(random.below(10) as u32, 10).unwrap());
        }
        if random.below(3) > 0 {
            let range = if hexadecimal { 1100 } else { 330 };
            text.push(if hexadecimal { 'p' } else { 'e' });
            text += &(random.below(2 * range) as i64 - range as i64).to_string();
        }
        let terminated = CString::new(text.clone()).unwrap();
        let mut end = std::ptr::null_mut();
        // SAFETY: the text is terminated and `end` takes a pointer into it.
        let expected = unsafe { strtod(terminated.as_ptr(), &mut end) };
        // SAFETY: `end` points into the text, at its terminator at the latest.
        let complete = unsafe { *end } == 0 && end.cast_const() != terminated.as_ptr();
        let expected = complete.then_some(Number::Float(expected));
        assert_eq!(exact(parse_number(text.as_bytes())), exact(expected), "{text}");
    }
}

#[test]
fn integers_in_a_base() {
    assert_eq!(parse_integer_in_base(b" -zZ ", 36), Some(-(35 * 36 + 35)));
    assert_eq!(parse_integer_in_base(b"ffffffffffffffff", 16), Some(-1));
    assert_eq!(
        parse_integer_in_base(b"1000000000000000000000000000000000000000000000000000000000000000", 2),
        Some(i64::MIN)
    );
    for (text, base) in
        [(&b"8"[..], 8), (b"", 10), (b"-", 10), (b"1.0", 10), (b"1 1", 10), (b"0x1", 16), (b"1", 1), (b"1", 37)]
    {
        assert_eq!(parse_integer_in_base(text, base), None);
    }
}

#[test]
fn floats_to_integers() {
    let end = 9223372036854775808.0;
    for (value, exact, floor, ceil) in [
        (1.0, Some(1), Some(1), Some(1)),
        (-0.0, Some(0), Some(0), Some(0)),
        (1.5, None, Some(1), Some(2)),
        (-1.5, None, Some(-2), Some(-1)),
        (end, None, None, None),
        (-end, Some(i64::MIN), Some(i64::MIN), Some(i64::MIN)),
        (-end * 1.5, None, None, None),
        (f64::NAN, None, None, None),
        (f64::INFINITY, None, None, None),
        (9223372036854774784.0, Some(9223372036854774784), Some(9223372036854774784), Some(9223372036854774784)),
    ] {
        assert_eq!(float_to_integer_exact(value), exact);
        assert_eq!(float_to_integer_floor(value), floor);
        assert_eq!(float_to_integer_ceil(value), ceil);
    }
}
