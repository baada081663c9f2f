//! Errors: raising them and catching them.

use crate::arguments::Arguments;
use alloc::vec::Vec;
use lunette_gc::value::Value;
use lunette_interpreter::{
    Frame, Machine, NativeResult, Step, Throw,
    native::{CAUGHT, PASS_ON_TRUE},
};

/// `assert(v, message, ...)`
pub(super) fn assert(machine: &mut Machine, frame: Frame) -> NativeResult {
    if !frame.check_any(machine, 0)?.is_falsy() {
        return Ok(Step::Return { first: frame.base(), count: frame.count() });
    }
    let message = match frame.argument(machine, 1) {
        Some(message) => message,
        None => Value::String(machine.new_string(b"assertion failed!")?),
    };
    Err(throw_at(machine, message, 1))
}

/// `error(message, level)`
pub(super) fn error(machine: &mut Machine, frame: Frame) -> NativeResult {
    let level = frame.optional_integer(machine, 1, 1)?;
    Err(throw_at(machine, frame.argument_or_nil(machine, 0), level))
}

/// Throws a value; a string gets the position of the frame at `level` in front, if that is above 0.
fn throw_at(machine: &Machine, value: Value, level: i64) -> Throw {
    match value {
        Value::String(message) if level > 0 => {
            let mut text: Vec<u8> = machine.position_text(u32::try_from(level).unwrap_or(u32::MAX));
            text.extend_from_slice(machine.bytes(message));
            machine.throw_text(&text)
        }
        _ => machine.throw(value),
    }
}

/// `pcall(f, ...)`
pub(super) fn pcall(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.phase() == CAUGHT {
        return false_and_error(machine, frame);
    }
    let function = frame.check_any(machine, 0)?;
    frame.call_slots(machine, PASS_ON_TRUE, function, frame.base() + 1, frame.count() - 1)
}

/// `xpcall(f, handler, ...)`; the machine takes the handler from the arguments.
pub(super) fn xpcall(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.phase() == CAUGHT {
        return false_and_error(machine, frame);
    }
    frame.check_function(machine, 1)?;
    let function = frame.argument_or_nil(machine, 0);
    frame.call_slots(machine, PASS_ON_TRUE, function, frame.base() + 2, frame.count() - 2)
}

/// What a function that catches an error returns.
pub(crate) fn false_and_error(machine: &Machine, frame: Frame) -> NativeResult {
    frame.return_two(machine, Value::Boolean(false), machine.pending_error())
}
