//! `insert`, `remove`, `move`.

use super::access::{
    Access, LENGTH, READ, WRITE, check_list, integer_local, length, length_result, pause, plain, read, write,
};
use crate::{arguments::Arguments, quick, workspace::charge_bytes};
use lunette_gc::value::Value;
use lunette_interpreter::{
    Frame, Machine, NativeResult, Throw,
    compare::Comparison,
    native::{Builtin, Native},
};

/// `table.insert(list, [pos,] value)`
pub(super) const INSERT: Native = Native::new("table.insert", insert)
    .with_locals(SHIFT_LOCALS)
    .unyieldable()
    .with_quick(quick::insert)
    .with_builtin(Builtin::Insert);
/// `table.remove(list [, pos])`
pub(super) const REMOVE: Native = Native::new("table.remove", remove)
    .with_locals(SHIFT_LOCALS)
    .unyieldable()
    .with_quick(quick::remove)
    .with_builtin(Builtin::Remove);
/// `table.move(a1, f, e, t [, a2])`
pub(super) const MOVE: Native = Native::new("table.move", move_elements).with_locals(MOVE_LOCALS).unyieldable();

/// A metamethod has given the length.
const MEASURED: u32 = 1;
/// The loop goes on: an element was written.
const WRITTEN: u32 = 2;
/// A metamethod has given the element.
const ELEMENT: u32 = 3;
/// The last call was made.
const FINISHED: u32 = 4;
/// A metamethod has given what is removed.
const REMOVED: u32 = 5;

// Locals of `insert` and `remove`: where the loop is, where it ends, and what is removed.
const AT: u32 = 0;
const END: u32 = 1;
const RESULT: u32 = 2;
const SHIFT_LOCALS: u32 = 3;

/// Elements that are moved for a unit of fuel.
const BYTES_PER_ELEMENT: i64 = 2;

fn insert(machine: &mut Machine, frame: Frame) -> NativeResult {
    let list = match frame.phase() {
        0 => {
            let list = check_list(machine, frame, 0, READ | WRITE | LENGTH)?;
            if let Some(table) = plain(machine, list) {
                let length = machine.heap.table_length(table);
                let position = insert_position(machine, frame, length)?;
                let value = machine.value(frame.base() + frame.count() - 1);
                let done = machine.heap.array_insert(table, position, value.to_parts());
                if done.map_err(|error| machine.table_error(error))? {
                    charge_bytes(machine, ((length - position) * BYTES_PER_ELEMENT).max(0) as usize)?;
                    return frame.return_none();
                }
            }
            match length(machine, frame, list, MEASURED)? {
                Access::Done(length) => start_insert(machine, frame, length)?,
                Access::Call(step) => return Ok(step),
            }
            list
        }
        FINISHED => return frame.return_none(),
        phase => {
            if phase == MEASURED {
                start_insert(machine, frame, length_result(machine, frame)?)?;
            }
            frame.argument_or_nil(machine, 0)
        }
    };
    let mut element = (frame.phase() == ELEMENT).then(|| frame.result(machine, 0));
    let end = integer_local(machine, frame, END);
    loop {
        let at = integer_local(machine, frame, AT);
        if at <= end {
            break;
        }
        machine.charge(1)?;
        let value = match element.take() {
            Some(value) => value,
            None => match read(machine, frame, list, at - 1, ELEMENT)? {
                Access::Done(value) => value,
                Access::Call(step) => return Ok(step),
            },
        };
        let written = write(machine, frame, list, (at, value), WRITTEN)?;
        frame.set_local(machine, AT, Value::Integer(at.wrapping_sub(1)));
        if let Access::Call(step) = written {
            return Ok(step);
        }
        if let Some(step) = pause(machine, frame, WRITTEN) {
            return Ok(step);
        }
    }
    let value = machine.value(frame.base() + frame.count() - 1);
    match write(machine, frame, list, (end, value), FINISHED)? {
        Access::Done(()) => frame.return_none(),
        Access::Call(step) => Ok(step),
    }
}

/// Where the value goes, which is checked.
#[inline]
fn insert_position(machine: &Machine, frame: Frame, length: i64) -> Result<i64, Throw> {
    let end = length.wrapping_add(1);
    match frame.count() {
        2 => Ok(end),
        3 => {
            let position = frame.check_integer(machine, 1)?;
            if (position as u64).wrapping_sub(1) >= end as u64 {
                return Err(frame.argument_error(machine, 1, format_args!("position out of bounds")));
            }
            Ok(position)
        }
        _ => Err(machine.native_error(format_args!("wrong number of arguments to 'insert'"))),
    }
}

fn start_insert(machine: &Machine, frame: Frame, length: i64) -> Result<(), Throw> {
    let position = insert_position(machine, frame, length)?;
    frame.set_local(machine, AT, Value::Integer(length.wrapping_add(1)));
    frame.set_local(machine, END, Value::Integer(position));
    Ok(())
}

fn remove(machine: &mut Machine, frame: Frame) -> NativeResult {
    let list = match frame.phase() {
        0 => {
            let list = check_list(machine, frame, 0, READ | WRITE | LENGTH)?;
            if let Some(table) = plain(machine, list) {
                let length = machine.heap.table_length(table);
                let position = remove_position(machine, frame, length)?;
                if let Some((tag, payload)) = machine.heap.array_remove(table, position) {
                    charge_bytes(machine, ((length - position) * BYTES_PER_ELEMENT) as usize)?;
                    return frame.return_one(machine, Value::from_parts(tag, payload));
                }
            }
            match length(machine, frame, list, MEASURED)? {
                Access::Done(length) => start_remove(machine, frame, length)?,
                Access::Call(step) => return Ok(step),
            }
            list
        }
        FINISHED => return frame.return_one(machine, frame.local(machine, RESULT)),
        phase => {
            if phase == MEASURED {
                start_remove(machine, frame, length_result(machine, frame)?)?;
            }
            frame.argument_or_nil(machine, 0)
        }
    };
    let at = integer_local(machine, frame, AT);
    match frame.phase() {
        0 | MEASURED => match read(machine, frame, list, at, REMOVED)? {
            Access::Done(value) => frame.set_local(machine, RESULT, value),
            Access::Call(step) => return Ok(step),
        },
        REMOVED => frame.set_local(machine, RESULT, frame.result(machine, 0)),
        _ => {}
    }
    let mut element = (frame.phase() == ELEMENT).then(|| frame.result(machine, 0));
    let end = integer_local(machine, frame, END);
    loop {
        let at = integer_local(machine, frame, AT);
        if at >= end {
            break;
        }
        machine.charge(1)?;
        let value = match element.take() {
            Some(value) => value,
            None => match read(machine, frame, list, at + 1, ELEMENT)? {
                Access::Done(value) => value,
                Access::Call(step) => return Ok(step),
            },
        };
        let written = write(machine, frame, list, (at, value), WRITTEN)?;
        frame.set_local(machine, AT, Value::Integer(at.wrapping_add(1)));
        if let Access::Call(step) = written {
            return Ok(step);
        }
        if let Some(step) = pause(machine, frame, WRITTEN) {
            return Ok(step);
        }
    }
    let at = integer_local(machine, frame, AT);
    match write(machine, frame, list, (at, Value::Nil), FINISHED)? {
        Access::Done(()) => frame.return_one(machine, frame.local(machine, RESULT)),
        Access::Call(step) => Ok(step),
    }
}

/// What is to be removed, which is checked.
#[inline]
fn remove_position(machine: &Machine, frame: Frame, length: i64) -> Result<i64, Throw> {
    let position = frame.optional_integer(machine, 1, length)?;
    if position != length && (position as u64).wrapping_sub(1) > length as u64 {
        return Err(frame.argument_error(machine, 1, format_args!("position out of bounds")));
    }
    Ok(position)
}

fn start_remove(machine: &Machine, frame: Frame, length: i64) -> Result<(), Throw> {
    let position = remove_position(machine, frame, length)?;
    frame.set_local(machine, AT, Value::Integer(position));
    frame.set_local(machine, END, Value::Integer(length));
    Ok(())
}

/// A metamethod has said whether the tables are equal.
const COMPARED: u32 = 6;

// Locals of `move`: elements already moved, and whether from the first on or from the last.
const DONE: u32 = 0;
const FORWARD: u32 = 1;
const MOVE_LOCALS: u32 = 2;

fn move_elements(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (first, last, start) =
        (frame.check_integer(machine, 1)?, frame.check_integer(machine, 2)?, frame.check_integer(machine, 3)?);
    let target_index = if frame.is_none_or_nil(machine, 4) { 0 } else { 4 };
    let (source, target) = (frame.argument_or_nil(machine, 0), frame.argument_or_nil(machine, target_index));
    if frame.phase() == 0 {
        check_list(machine, frame, 0, READ)?;
        check_list(machine, frame, target_index, WRITE)?;
        if last < first {
            return frame.return_one(machine, target);
        }
        if first <= 0 && last >= i64::MAX.wrapping_add(first) {
            return Err(frame.argument_error(machine, 2, format_args!("too many elements to move")));
        }
        let count = last - first + 1;
        if start > i64::MAX - count + 1 {
            return Err(frame.argument_error(machine, 3, format_args!("destination wrap around")));
        }
        if let (Some(from), Some(to), Ok(count)) =
            (plain(machine, source), plain(machine, target), u32::try_from(count))
        {
            let done = machine.heap.array_copy((from, first), count, (to, start));
            if done.map_err(|error| machine.table_error(error))? {
                charge_bytes(machine, count as usize * BYTES_PER_ELEMENT as usize)?;
                return frame.return_one(machine, target);
            }
        }
        let mut forward = start > last || start <= first;
        if !forward && target_index != 0 {
            forward = match machine.equality(source, target) {
                Comparison::Known(equal) => !equal,
                Comparison::Call(function) => return frame.call(machine, COMPARED, function, &[source, target]),
                Comparison::Invalid => true,
            };
        }
        frame.set_local(machine, FORWARD, Value::Boolean(forward));
    }
    if frame.phase() == COMPARED {
        frame.set_local(machine, FORWARD, Value::Boolean(frame.result(machine, 0).is_falsy()));
    }
    let count = last - first + 1;
    let is_forward = !frame.local(machine, FORWARD).is_falsy();
    let mut element = (frame.phase() == ELEMENT).then(|| frame.result(machine, 0));
    loop {
        let done = integer_local(machine, frame, DONE);
        if done >= count {
            return frame.return_one(machine, target);
        }
        machine.charge(1)?;
        let offset = if is_forward { done } else { count - 1 - done };
        let value = match element.take() {
            Some(value) => value,
            None => match read(machine, frame, source, first + offset, ELEMENT)? {
                Access::Done(value) => value,
                Access::Call(step) => return Ok(step),
            },
        };
        let written = write(machine, frame, target, (start + offset, value), WRITTEN)?;
        frame.set_local(machine, DONE, Value::Integer(done.wrapping_add(1)));
        if let Access::Call(step) = written {
            return Ok(step);
        }
        if let Some(step) = pause(machine, frame, WRITTEN) {
            return Ok(step);
        }
    }
}
