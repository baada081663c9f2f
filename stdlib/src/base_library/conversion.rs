//! `tonumber` and `tostring`.

use crate::{
    arguments::Arguments,
    text::{self, Text},
};
use alloc::vec::Vec;
use lunette_gc::value::Value;
use lunette_interpreter::{Frame, Machine, NativeResult, metamethod::Event};

/// `tostring(v)`
pub(super) fn tostring(machine: &mut Machine, frame: Frame) -> NativeResult {
    const ANSWERED: u32 = 1;
    if frame.phase() == ANSWERED {
        let string = text::check_text(machine, frame.result(machine, 0))?;
        return frame.return_one(machine, Value::String(string));
    }
    let value = frame.check_any(machine, 0)?;
    if matches!(value, Value::String(_)) && machine.metamethod(value, Event::ToString).is_nil() {
        return frame.return_one(machine, value);
    }
    let mut text = Vec::new();
    match text::append_value(machine, value, &mut text)? {
        Text::Done => text::return_string(machine, frame, &text),
        Text::Call(metamethod) => frame.call(machine, ANSWERED, metamethod, &[value]),
    }
}

/// `tonumber(e, base)`
pub(super) fn tonumber(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.is_none_or_nil(machine, 1) {
        let value = frame.check_any(machine, 0)?;
        return frame.return_one(machine, machine.to_number(value).unwrap_or(Value::Nil));
    }
    let base = frame.check_integer(machine, 1)?;
    let Some(Value::String(string)) = frame.argument(machine, 0) else {
        return Err(frame.type_error(machine, 0, "string"));
    };
    if !(2..=36).contains(&base) {
        return Err(frame.argument_error(machine, 1, format_args!("base out of range")));
    }
    machine.spend_on_bytes(machine.bytes(string).len());
    let number = parse_integer(machine.bytes(string), base as u8);
    frame.return_one(machine, number.map_or(Value::Nil, Value::Integer))
}

/// An integer in a base, with white space around it; it wraps around.
fn parse_integer(text: &[u8], base: u8) -> Option<i64> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|byte| !is_space(byte))?;
    let end = text.iter().rposition(|byte| !is_space(byte))? + 1;
    let (digits, is_negative) = match &text[start..end] {
        [b'-', digits @ ..] => (digits, true),
        [b'+', digits @ ..] => (digits, false),
        digits => (digits, false),
    };
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().try_fold(0i64, |number, &byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'z' => byte - b'a' + 10,
            b'A'..=b'Z' => byte - b'A' + 10,
            _ => return None,
        };
        (digit < base).then(|| number.wrapping_mul(base.into()).wrapping_add(digit.into()))
    })?;
    Some(if is_negative { number.wrapping_neg() } else { number })
}

#[cfg(test)]
mod tests {
    use super::parse_integer;

    #[test]
    fn integers_in_bases() {
        assert_eq!(parse_integer(b"  -ff \n", 16), Some(-255));
        assert_eq!(parse_integer(b"+7", 8), Some(7));
        assert_eq!(parse_integer(b"zz", 36), Some(35 * 36 + 35));
        assert_eq!(parse_integer(b"7fffffffffffffff1", 16), Some(0xffff_ffff_ffff_fff1_u64 as i64));
        for text in [&b""[..], b"-", b"8", b"1 1", b"0x1", b" "] {
            assert_eq!(parse_integer(text, 8), None, "{text:?}");
        }
    }
}
