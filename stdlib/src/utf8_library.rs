//! `utf8`.

use crate::{
    arguments::Arguments,
    library::{Definition, native_value, set_field},
    utf8_codec::{CHARACTER_PATTERN, CodePoints, InvalidCode, encode, is_continuation, next_code, offset},
    workspace::{allowance, append, charge_bytes, with_workspace},
};
use lunette_gc::{reference::Ref, table::Table, value::Value};
use lunette_interpreter::{Frame, Machine, NativeResult, Step, Throw, native::Native};

/// The library.
pub(crate) const DEFINITION: Definition = Definition {
    name: "utf8",
    functions: &[
        Native::new("utf8.char", char),
        Native::new("utf8.codepoint", codepoint),
        Native::new("utf8.codes", codes),
        Native::new("utf8.len", len),
        Native::new("utf8.offset", byte_offset),
    ],
    hidden: &[Native::new(STRICT_ITERATOR, next_strict), Native::new(LAX_ITERATOR, next_lax)],
    complete,
};

const STRICT_ITERATOR: &str = "utf8_codes_iterator";
const LAX_ITERATOR: &str = "utf8_lax_codes_iterator";

fn complete(machine: &mut Machine, library: Ref<Table>) -> Result<(), Throw> {
    let pattern = machine.new_string(CHARACTER_PATTERN)?;
    set_field(machine, library, "charpattern", Value::String(pattern))
}

/// The position that a relative one means; not above 0 if it lies before the beginning.
fn absolute(position: i64, length: usize) -> i64 {
    let length = length as i64;
    if position >= 0 {
        position
    } else if position < -length {
        0
    } else {
        length + position + 1
    }
}

/// `utf8.char(···)`
fn char(machine: &mut Machine, frame: Frame) -> NativeResult {
    with_workspace(machine, |machine, workspace| {
        let limit = allowance(&machine.heap);
        for index in 0..frame.count() {
            let code = frame.check_integer(machine, index)?;
            let Some(encoded) = u32::try_from(code).ok().and_then(encode) else {
                return Err(frame.argument_error(machine, index, format_args!("value out of range")));
            };
            append(&mut workspace.text, encoded.as_bytes(), limit)?;
        }
        machine.charge(frame.count().into())?;
        let result = machine.new_string(&workspace.text)?;
        frame.return_one(machine, Value::String(result))
    })
}

/// `utf8.codepoint(s [, i [, j [, lax]]])`
fn codepoint(machine: &mut Machine, frame: Frame) -> NativeResult {
    let string = frame.check_string(machine, 0)?;
    let length = machine.bytes(string).len();
    let first = absolute(frame.optional_integer(machine, 1, 1)?, length);
    let last = absolute(frame.optional_integer(machine, 2, first)?, length);
    let lax = !frame.argument_or_nil(machine, 3).is_falsy();
    if first < 1 {
        return Err(frame.argument_error(machine, 1, format_args!("out of bounds")));
    }
    if last > length as i64 {
        return Err(frame.argument_error(machine, 2, format_args!("out of bounds")));
    }
    if first > last {
        return frame.return_none();
    }
    let most = (last - first) as u64 + 1;
    if !machine.reserve_slots(frame.window(), most)? {
        return Err(machine.native_error(format_args!("stack overflow (string slice too long)")));
    }
    machine.charge(most)?;
    let mut count = 0;
    for code in CodePoints::new(machine.bytes(string), first as usize - 1, last as usize, lax) {
        let code = code.map_err(|_| machine.native_error(format_args!("{InvalidCode}")))?;
        machine.set_value(frame.window() + count, Value::Integer(code.into()));
        count += 1;
    }
    Ok(Step::Return { first: frame.window(), count })
}

/// `utf8.codes(s [, lax])`
fn codes(machine: &mut Machine, frame: Frame) -> NativeResult {
    let string = frame.check_string(machine, 0)?;
    if machine.bytes(string).first().is_some_and(|&byte| is_continuation(byte)) {
        return Err(frame.argument_error(machine, 0, format_args!("{InvalidCode}")));
    }
    let lax = !frame.argument_or_nil(machine, 1).is_falsy();
    let iterator = native_value(machine, if lax { LAX_ITERATOR } else { STRICT_ITERATOR }, &[])?;
    frame.return_values(machine, &[iterator, Value::String(string), Value::Integer(0)])
}

fn next_strict(machine: &mut Machine, frame: Frame) -> NativeResult {
    next(machine, frame, false)
}

fn next_lax(machine: &mut Machine, frame: Frame) -> NativeResult {
    next(machine, frame, true)
}

fn next(machine: &mut Machine, frame: Frame, lax: bool) -> NativeResult {
    let string = frame.check_string(machine, 0)?;
    let position = machine.to_integer(frame.argument_or_nil(machine, 1)).unwrap_or(0) as u64;
    match next_code(machine.bytes(string), position, lax) {
        Ok(Some((position, code))) => {
            frame.return_two(machine, Value::Integer(position as i64), Value::Integer(code.into()))
        }
        Ok(None) => frame.return_none(),
        Err(error) => Err(machine.native_error(format_args!("{error}"))),
    }
}

/// `utf8.len(s [, i [, j [, lax]]])`
fn len(machine: &mut Machine, frame: Frame) -> NativeResult {
    let string = frame.check_string(machine, 0)?;
    let length = machine.bytes(string).len();
    let first = absolute(frame.optional_integer(machine, 1, 1)?, length);
    let last = absolute(frame.optional_integer(machine, 2, -1)?, length);
    let lax = !frame.argument_or_nil(machine, 3).is_falsy();
    if first < 1 || first - 1 > length as i64 {
        return Err(frame.argument_error(machine, 1, format_args!("initial position out of bounds")));
    }
    if last > length as i64 {
        return Err(frame.argument_error(machine, 2, format_args!("final position out of bounds")));
    }
    machine.charge((last - first).max(0) as u64)?;
    let mut count = 0;
    for code in CodePoints::new(machine.bytes(string), first as usize - 1, last as usize, lax) {
        match code {
            Ok(_) => count += 1,
            Err(position) => return frame.return_two(machine, Value::Nil, Value::Integer(position as i64 + 1)),
        }
    }
    frame.return_one(machine, Value::Integer(count))
}

/// `utf8.offset(s, n [, i])`
fn byte_offset(machine: &mut Machine, frame: Frame) -> NativeResult {
    let string = frame.check_string(machine, 0)?;
    let length = machine.bytes(string).len();
    let count = frame.check_integer(machine, 1)?;
    let default = if count >= 0 { 1 } else { length as i64 + 1 };
    let start = absolute(frame.optional_integer(machine, 2, default)?, length);
    if start < 1 || start - 1 > length as i64 {
        return Err(frame.argument_error(machine, 2, format_args!("position out of bounds")));
    }
    charge_bytes(machine, length)?;
    match offset(machine.bytes(string), count, start as usize - 1) {
        Ok(found) => frame.return_one(machine, found.map_or(Value::Nil, |at| Value::Integer(at as i64 + 1))),
        Err(error) => Err(machine.native_error(format_args!("{error}"))),
    }
}
