//! Functions on bytes and ranges of strings.

use crate::{
    arguments::Arguments,
    position::{end_position, start_position},
    text::return_string,
    workspace::{allowance, charge_bytes},
};
use lunette_gc::value::Value;
use lunette_interpreter::{Frame, Machine, NativeResult, Step, Throw};

/// `string.len(s)`
pub(super) fn len(machine: &mut Machine, frame: Frame) -> NativeResult {
    let string = frame.check_string(machine, 0)?;
    let length = machine.bytes(string).len();
    frame.return_one(machine, Value::Integer(length as i64))
}

/// `string.sub(s, i [, j])`
pub(super) fn sub(machine: &mut Machine, frame: Frame) -> NativeResult {
    let string = frame.check_string(machine, 0)?;
    let bytes = machine.bytes(string);
    let start = start_position(frame.check_integer(machine, 1)?, bytes.len());
    let end = end_position(frame.optional_integer(machine, 2, -1)?, bytes.len());
    if start == 0 && end == bytes.len() {
        return frame.return_one(machine, Value::String(string));
    }
    let part = bytes.get(start..end).unwrap_or(b"");
    let (result, length) = (machine.new_string(part)?, part.len());
    charge_bytes(machine, length)?;
    frame.return_one(machine, Value::String(result))
}

/// `string.byte(s [, i [, j]])`
pub(super) fn byte(machine: &mut Machine, frame: Frame) -> NativeResult {
    let string = frame.check_string(machine, 0)?;
    let bytes = machine.bytes(string);
    let first = frame.optional_integer(machine, 1, 1)?;
    let start = start_position(first, bytes.len());
    let end = end_position(frame.optional_integer(machine, 2, first)?, bytes.len());
    if start >= end {
        return frame.return_none();
    }
    if end - start == 1 {
        return frame.return_one(machine, Value::Integer(bytes[start].into()));
    }
    let count = end - start;
    if !machine.reserve_slots(frame.window(), count as u64)? {
        return Err(machine.native_error(format_args!("stack overflow (string slice too long)")));
    }
    for (index, &byte) in machine.bytes(string)[start..end].iter().enumerate() {
        machine.set_value(frame.window() + index as u32, Value::Integer(byte.into()));
    }
    machine.charge(count as u64)?;
    Ok(Step::Return { first: frame.window(), count: count as u32 })
}

/// `string.char(···)`
pub(super) fn char(machine: &mut Machine, frame: Frame) -> NativeResult {
    for index in 0..frame.count() {
        if !(0..=255).contains(&frame.check_integer(machine, index)?) {
            return Err(frame.argument_error(machine, index, format_args!("value out of range")));
        }
    }
    machine.charge(frame.count().into())?;
    let result = machine.heap.new_string_uninit(frame.count() as usize, |target| {
        for (index, byte) in target.iter_mut().enumerate() {
            *byte = machine.to_integer(machine.value(frame.base() + index as u32)).unwrap_or_default() as u8;
        }
    })?;
    frame.return_one(machine, Value::String(result))
}

/// `string.lower(s)`
pub(super) fn lower(machine: &mut Machine, frame: Frame) -> NativeResult {
    map(machine, frame, |byte| byte.to_ascii_lowercase())
}

/// `string.upper(s)`
pub(super) fn upper(machine: &mut Machine, frame: Frame) -> NativeResult {
    map(machine, frame, |byte| byte.to_ascii_uppercase())
}

#[inline(always)]
fn map(machine: &mut Machine, frame: Frame, function: impl Fn(u8) -> u8) -> NativeResult {
    let string = frame.check_string(machine, 0)?;
    let bytes = machine.bytes(string);
    let length = bytes.len();
    let result = machine.heap.new_string_uninit(length, |target| {
        for (to, &from) in target.iter_mut().zip(bytes) {
            *to = function(from);
        }
    })?;
    charge_bytes(machine, length)?;
    frame.return_one(machine, Value::String(result))
}

/// `string.reverse(s)`
pub(super) fn reverse(machine: &mut Machine, frame: Frame) -> NativeResult {
    let string = frame.check_string(machine, 0)?;
    let bytes = machine.bytes(string);
    let length = bytes.len();
    let result = machine.heap.new_string_uninit(length, |target| {
        target.copy_from_slice(bytes);
        target.reverse();
    })?;
    charge_bytes(machine, length)?;
    frame.return_one(machine, Value::String(result))
}

/// `string.rep(s, n [, sep])`
pub(super) fn rep(machine: &mut Machine, frame: Frame) -> NativeResult {
    let string = frame.check_string(machine, 0)?;
    let count = frame.check_integer(machine, 1)?;
    let separator = frame.optional_string(machine, 2)?;
    if count <= 0 {
        return return_string(machine, frame, b"");
    }
    let bytes = machine.bytes(string);
    let separator = separator.map_or(&b""[..], |separator| machine.bytes(separator));
    let unit = bytes.len() + separator.len();
    if unit as u64 > i32::MAX as u64 / count as u64 {
        return Err(machine.native_error(format_args!("resulting string too large")));
    }
    if count == 1 || unit == 0 {
        return frame.return_one(machine, Value::String(string));
    }
    let length = unit * count as usize - separator.len();
    if length > allowance(&machine.heap).saturating_mul(2) {
        return Err(Throw::Memory);
    }
    let result = machine.heap.new_string_uninit(length, |target| {
        if let ([byte], []) = (bytes, separator) {
            target.fill(*byte);
            return;
        }
        // The first copy with its separator, then ever more of what is there.
        target[..bytes.len()].copy_from_slice(bytes);
        let mut done = unit.min(length);
        target[bytes.len()..done].copy_from_slice(&separator[..done - bytes.len()]);
        while done < length {
            let more = done.min(length - done);
            let (source, rest) = target.split_at_mut(done);
            rest[..more].copy_from_slice(&source[..more]);
            done += more;
        }
    })?;
    charge_bytes(machine, length)?;
    frame.return_one(machine, Value::String(result))
}

/// `string.dump(function [, strip])`
pub(super) fn dump(machine: &mut Machine, frame: Frame) -> NativeResult {
    let Value::Closure(closure) = frame.check_function(machine, 0)? else {
        return Err(machine.native_error(format_args!("unable to dump given function")));
    };
    let prototype = machine.heap.get(closure).prototype;
    let number = machine.heap.get(prototype).number as usize;
    let Some(mut module) = machine.module_of_prototype(prototype).extract(number) else {
        return Err(machine.native_error(format_args!("unable to dump given function")));
    };
    if !frame.argument_or_nil(machine, 1).is_falsy() {
        module.strip();
    }
    let file = lunette_bytecode::file::write(&module);
    let result = machine.new_string(&file)?;
    charge_bytes(machine, file.len())?;
    frame.return_one(machine, Value::String(result))
}
