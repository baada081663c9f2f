//! `pack` and `unpack`.

use super::access::{Access, integer_local, length, length_result, plain, read};
use crate::{arguments::Arguments, library::set_field, quick};
use lunette_gc::{reference::Ref, table::Table, value::Value};
use lunette_interpreter::{Frame, Machine, NativeResult, Step, native::Native};

/// `table.unpack(list [, i [, j]])`
pub(super) const UNPACK: Native =
    Native::new("table.unpack", unpack).with_locals(LOCALS).unyieldable().with_quick_list(quick::unpack_list);

/// A metamethod has given the length.
const MEASURED: u32 = 1;
/// A metamethod has given the element.
const ELEMENT: u32 = 2;

// Locals, for what is not a plain table: the last index, the elements that are already there, how many.
const LAST: u32 = 0;
const ELEMENTS: u32 = 1;
const COUNT: u32 = 2;
const LOCALS: u32 = 3;

/// `table.pack(···)`
pub(super) fn pack(machine: &mut Machine, frame: Frame) -> NativeResult {
    let table = machine.heap.new_table(frame.count(), 1)?;
    for index in 0..frame.count() {
        machine
            .heap
            .table_set_integer(table, i64::from(index) + 1, machine.value(frame.base() + index))
            .map_err(|error| machine.table_error(error))?;
    }
    set_field(machine, table, "n", Value::Integer(frame.count().into()))?;
    machine.charge(frame.count().into())?;
    frame.return_one(machine, Value::Table(table))
}

fn unpack(machine: &mut Machine, frame: Frame) -> NativeResult {
    let list = frame.argument_or_nil(machine, 0);
    let first = frame.optional_integer(machine, 1, 1)?;
    let last = match frame.phase() {
        0 if frame.is_none_or_nil(machine, 2) => match length(machine, frame, list, MEASURED)? {
            Access::Done(length) => length,
            Access::Call(step) => return Ok(step),
        },
        0 => frame.check_integer(machine, 2)?,
        MEASURED => length_result(machine, frame)?,
        _ => integer_local(machine, frame, LAST),
    };
    if first > last {
        return frame.return_none();
    }
    let count = (last as u64).wrapping_sub(first as u64);
    if count >= i32::MAX as u64 || !machine.reserve_slots(frame.window(), count + 1)? {
        return Err(machine.native_error(format_args!("too many results to unpack")));
    }
    let count = count as u32 + 1;
    if frame.phase() != ELEMENT {
        machine.charge(count.into())?;
    }
    if let Some(table) = plain(machine, list) {
        return push_elements(machine, frame, table, first, count);
    }
    let elements = match frame.local(machine, ELEMENTS) {
        Value::Table(elements) => elements,
        _ => {
            let elements = machine.heap.new_table(count, 0)?;
            frame.set_local(machine, ELEMENTS, Value::Table(elements));
            frame.set_local(machine, LAST, Value::Integer(last));
            frame.set_local(machine, COUNT, Value::Integer(0));
            elements
        }
    };
    let mut element = (frame.phase() == ELEMENT).then(|| frame.result(machine, 0));
    loop {
        let done = integer_local(machine, frame, COUNT);
        if done >= count.into() {
            return push_elements(machine, frame, elements, 1, count);
        }
        let value = match element.take() {
            Some(value) => value,
            None => match read(machine, frame, list, first + done, ELEMENT)? {
                Access::Done(value) => value,
                Access::Call(step) => return Ok(step),
            },
        };
        machine.raw_set(elements, Value::Integer(done + 1), value)?;
        frame.set_local(machine, COUNT, Value::Integer(done + 1));
    }
}

/// Returns elements of a table, for which there is room.
fn push_elements(machine: &Machine, frame: Frame, table: Ref<Table>, first: i64, count: u32) -> NativeResult {
    let (payloads, tags) = machine.heap.array_slices(table);
    let start = usize::try_from(first.wrapping_sub(1)).unwrap_or(usize::MAX);
    let array = start..start.saturating_add(count as usize);
    match (tags.get(array.clone()), payloads.get(array)) {
        (Some(tags), Some(payloads)) => {
            for ((tag, payload), slot) in tags.iter().zip(payloads).zip(frame.window()..) {
                machine.slot(slot).set_element(tag.get(), payload.get());
            }
        }
        _ => {
            for index in 0..count {
                let value = machine.heap.table_get_integer(table, first.wrapping_add(index.into()));
                machine.set_value(frame.window() + index, value);
            }
        }
    }
    Ok(Step::Return { first: frame.window(), count })
}
