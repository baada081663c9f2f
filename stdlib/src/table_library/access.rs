//! Access to elements and length of anything that can pass for a table.

use crate::arguments::Arguments;
use lunette_gc::{reference::Ref, table::Table, value::Value};
use lunette_interpreter::{
    Frame, Machine, Step, Throw,
    index::{Lookup, Store},
    metamethod::Event,
};

/// What a function does with its table.
pub(super) const READ: u32 = 1;
pub(super) const WRITE: u32 = 2;
pub(super) const LENGTH: u32 = 4;

const OPERATIONS: [(u32, Event); 3] = [(READ, Event::Index), (WRITE, Event::NewIndex), (LENGTH, Event::Length)];

/// What an access gives: its result, or the step to take for it.
pub(super) enum Access<T> {
    Done(T),
    Call(Step),
}

/// Checks that an argument is a table or has the metamethods for what is to be done with it.
#[inline]
pub(super) fn check_list(machine: &Machine, frame: Frame, index: u32, operations: u32) -> Result<Value, Throw> {
    match frame.argument(machine, index) {
        Some(value @ Value::Table(_)) => Ok(value),
        value => {
            let value = value.unwrap_or(Value::Nil);
            let is_missing = |event| machine.metamethod(value, event).is_nil();
            if OPERATIONS.iter().any(|&(operation, event)| operations & operation != 0 && is_missing(event)) {
                return Err(frame.type_error(machine, index, "table"));
            }
            Ok(value)
        }
    }
}

/// The table, if it is one without metamethods for access to elements and length.
#[inline]
pub(super) fn plain(machine: &Machine, value: Value) -> Option<Ref<Table>> {
    let Value::Table(table) = value else { return None };
    match machine.heap.get(table).metatable.get() {
        None => Some(table),
        Some(metatable) => {
            let is_missing = |event| machine.metatable_event(metatable, event).is_nil();
            OPERATIONS.iter().all(|&(_, event)| is_missing(event)).then_some(table)
        }
    }
}

/// The length of a value. If it takes a call, [`length_result`] has it in `phase`.
pub(super) fn length(machine: &Machine, frame: Frame, value: Value, phase: u32) -> Result<Access<i64>, Throw> {
    let metamethod = machine.metamethod(value, Event::Length);
    match value {
        _ if !metamethod.is_nil() => frame.call(machine, phase, metamethod, &[value, value]).map(Access::Call),
        Value::Table(table) => Ok(Access::Done(machine.heap.table_length(table))),
        Value::String(string) => Ok(Access::Done(machine.bytes(string).len() as i64)),
        _ => {
            let name = machine.type_name(value);
            Err(machine.runtime_error(format_args!("attempt to get length of a {name} value")))
        }
    }
}

/// The length that a metamethod has given.
pub(super) fn length_result(machine: &Machine, frame: Frame) -> Result<i64, Throw> {
    let length = machine.to_integer(frame.result(machine, 0));
    length.ok_or_else(|| machine.native_error(format_args!("object length is not an integer")))
}

/// Reads an element. If it takes a call, the result is in the window in `phase`.
pub(super) fn read(
    machine: &Machine,
    frame: Frame,
    object: Value,
    key: i64,
    phase: u32,
) -> Result<Access<Value>, Throw> {
    let key = Value::Integer(key);
    match machine.look_up(object, key)? {
        Lookup::Found(value) => Ok(Access::Done(value)),
        Lookup::Call { function, object } => frame.call(machine, phase, function, &[object, key]).map(Access::Call),
    }
}

/// Writes an element. If it takes a call, the function goes on in `phase`.
pub(super) fn write(
    machine: &Machine,
    frame: Frame,
    object: Value,
    (key, value): (i64, Value),
    phase: u32,
) -> Result<Access<()>, Throw> {
    let key = Value::Integer(key);
    match machine.store(object, key, value)? {
        Store::Done => Ok(Access::Done(())),
        Store::Call { function, object } => {
            frame.call(machine, phase, function, &[object, key, value]).map(Access::Call)
        }
    }
}

/// An integer in a local.
#[inline]
pub(super) fn integer_local(machine: &Machine, frame: Frame, local: u32) -> i64 {
    match frame.local(machine, local) {
        Value::Integer(value) => value,
        _ => 0,
    }
}

/// Lets the collector run, if it is due, and comes back in `phase`.
pub(super) fn pause(machine: &Machine, frame: Frame, phase: u32) -> Option<Step> {
    machine.heap.needs_collection().then(|| {
        frame.set_phase(machine, phase);
        Step::Continue
    })
}
