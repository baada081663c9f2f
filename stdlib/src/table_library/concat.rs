//! `concat`.

use super::access::{Access, LENGTH, READ, check_list, integer_local, length, length_result, plain, read};
use crate::{
    accumulator::Accumulator,
    arguments::Arguments,
    library::malformed_frame,
    text::number_string,
    workspace::{allowance, append, charge_bytes, with_workspace},
};
use alloc::vec::Vec;
use lunette_bytecode::number::{format_float, format_integer};
use lunette_gc::{reference::Ref, string::Str, table::Table, value::Value};
use lunette_interpreter::{Frame, Machine, NativeResult, Throw, native::Native};

/// `table.concat(list [, sep [, i [, j]]])`
pub(super) const CONCAT: Native = Native::new("table.concat", concat).with_locals(LOCALS).unyieldable();

/// A metamethod has given the length.
const MEASURED: u32 = 1;
/// A metamethod has given the element.
const ELEMENT: u32 = 2;

// Locals: the text so far, the next index, the last one.
const RESULT: u32 = 0;
const NEXT: u32 = Accumulator::LOCALS;
const LAST: u32 = NEXT + 1;
const LOCALS: u32 = NEXT + 2;

/// Fuel for the digits of a float.
const FLOAT_COST: u64 = 16;
/// Elements between two charges.
const BATCH: usize = 1024;

fn concat(machine: &mut Machine, frame: Frame) -> NativeResult {
    let list = check_list(machine, frame, 0, READ | LENGTH)?;
    if frame.phase() == 0 {
        if let Some(table) = plain(machine, list) {
            return concat_plain(machine, frame, table);
        }
        match length(machine, frame, list, MEASURED)? {
            Access::Done(length) => start(machine, frame, length)?,
            Access::Call(step) => return Ok(step),
        }
    } else if frame.phase() == MEASURED {
        start(machine, frame, length_result(machine, frame)?)?;
    }
    concat_any(machine, frame, list)
}

/// The range of indices and the separator.
fn range(machine: &Machine, frame: Frame, length: i64) -> Result<(Option<Ref<Str>>, i64, i64), Throw> {
    let separator = frame.optional_string(machine, 1)?;
    let first = frame.optional_integer(machine, 2, 1)?;
    Ok((separator, first, frame.optional_integer(machine, 3, length)?))
}

fn concat_plain(machine: &mut Machine, frame: Frame, table: Ref<Table>) -> NativeResult {
    let length = machine.heap.table_length(table);
    let (separator, first, last) = range(machine, frame, length)?;
    with_workspace(machine, |machine, workspace| {
        let text = &mut workspace.text;
        let limit = allowance(&machine.heap);
        let mut next = first;
        while next <= last {
            let end = last.min(next.saturating_add(BATCH as i64 - 1));
            let before = text.len();
            append_elements(machine, table, separator, (next, end, last), limit, text)?;
            charge_bytes(machine, text.len() - before)?;
            match end.checked_add(1) {
                Some(following) => next = following,
                None => break,
            }
        }
        let result = machine.new_string(text)?;
        frame.return_one(machine, Value::String(result))
    })
}

/// Appends elements `next` to `end`, with a separator after all but `last`.
fn append_elements(
    machine: &Machine,
    table: Ref<Table>,
    separator: Option<Ref<Str>>,
    (next, end, last): (i64, i64, i64),
    limit: usize,
    text: &mut Vec<u8>,
) -> Result<(), Throw> {
    let separator = separator.map_or(&b""[..], |separator| machine.bytes(separator));
    for index in next..=end {
        machine.spend(1);
        match machine.heap.table_get_integer(table, index) {
            Value::String(string) => append(text, machine.bytes(string), limit)?,
            Value::Integer(value) => append(text, &format_integer(value), limit)?,
            Value::Float(value) => {
                machine.spend(FLOAT_COST);
                append(text, &format_float(value), limit)?;
            }
            other => return Err(invalid_element(machine, other, index)),
        }
        if index != last && !separator.is_empty() {
            append(text, separator, limit)?;
        }
    }
    Ok(())
}

fn start(machine: &Machine, frame: Frame, length: i64) -> Result<(), Throw> {
    let (_, first, last) = range(machine, frame, length)?;
    Accumulator::new(machine, 0)?.store(machine, frame, RESULT);
    frame.set_local(machine, NEXT, Value::Integer(first));
    frame.set_local(machine, LAST, Value::Integer(last));
    Ok(())
}

fn concat_any(machine: &mut Machine, frame: Frame, list: Value) -> NativeResult {
    let separator = frame.optional_string(machine, 1)?;
    let last = integer_local(machine, frame, LAST);
    let Some(mut result) = Accumulator::load(machine, frame, RESULT) else {
        return Err(malformed_frame(machine));
    };
    let mut element = (frame.phase() == ELEMENT).then(|| frame.result(machine, 0));
    let mut next = Some(integer_local(machine, frame, NEXT));
    while let Some(index) = next
        && index <= last
    {
        let value = match element.take() {
            Some(value) => value,
            None => match read(machine, frame, list, index, ELEMENT)? {
                Access::Done(value) => value,
                Access::Call(step) => {
                    result.store(machine, frame, RESULT);
                    frame.set_local(machine, NEXT, Value::Integer(index));
                    return Ok(step);
                }
            },
        };
        let string = match value {
            Value::String(string) => string,
            Value::Integer(_) | Value::Float(_) => number_string(machine, value)?,
            other => return Err(invalid_element(machine, other, index)),
        };
        result.append(machine, machine.bytes(string))?;
        if let Some(separator) = separator
            && index != last
        {
            result.append(machine, machine.bytes(separator))?;
        }
        let length = machine.bytes(string).len();
        charge_bytes(machine, length + 16)?;
        next = index.checked_add(1);
    }
    let string = machine.new_string(result.bytes(machine))?;
    frame.return_one(machine, Value::String(string))
}

#[cold]
fn invalid_element(machine: &Machine, value: Value, index: i64) -> Throw {
    let name = machine.type_name(value);
    machine.native_error(format_args!("invalid value ({name}) at index {index} in table for 'concat'"))
}
