//! Types, metatables, raw access to tables, and iteration.

use crate::arguments::Arguments;
use lunette_gc::value::Value;
use lunette_interpreter::{Frame, Machine, NativeResult, Step, index::Lookup, metamethod::Event};

/// `type(v)`
pub(super) fn type_(machine: &mut Machine, frame: Frame) -> NativeResult {
    let value = frame.check_any(machine, 0)?;
    let name = machine.new_string(machine.type_name(value).as_bytes())?;
    frame.return_one(machine, Value::String(name))
}

/// `getmetatable(object)`
pub(super) fn getmetatable(machine: &mut Machine, frame: Frame) -> NativeResult {
    let value = frame.check_any(machine, 0)?;
    let result = match machine.metatable(value) {
        None => Value::Nil,
        Some(metatable) => match machine.metatable_event(metatable, Event::Metatable) {
            Value::Nil => Value::Table(metatable),
            guard => guard,
        },
    };
    frame.return_one(machine, result)
}

/// `setmetatable(table, metatable)`
pub(super) fn setmetatable(machine: &mut Machine, frame: Frame) -> NativeResult {
    let table = Value::Table(frame.check_table(machine, 0)?);
    let metatable = match frame.argument(machine, 1) {
        Some(Value::Nil) => None,
        Some(Value::Table(metatable)) => Some(metatable),
        _ => return Err(frame.type_error(machine, 1, "nil or table")),
    };
    if !machine.metamethod(table, Event::Metatable).is_nil() {
        return Err(machine.native_error(format_args!("cannot change a protected metatable")));
    }
    machine.set_metatable(table, metatable)?;
    frame.return_one(machine, table)
}

/// `rawequal(v1, v2)`
pub(super) fn rawequal(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (left, right) = (frame.check_any(machine, 0)?, frame.check_any(machine, 1)?);
    frame.return_one(machine, Value::Boolean(machine.raw_equal(left, right)))
}

/// `rawlen(v)`
pub(super) fn rawlen(machine: &mut Machine, frame: Frame) -> NativeResult {
    let length = match frame.argument(machine, 0) {
        Some(Value::Table(table)) => machine.heap.table_length(table),
        Some(Value::String(string)) => machine.bytes(string).len() as i64,
        _ => return Err(frame.type_error(machine, 0, "table or string")),
    };
    frame.return_one(machine, Value::Integer(length))
}

/// `rawget(table, index)`
pub(super) fn rawget(machine: &mut Machine, frame: Frame) -> NativeResult {
    let table = frame.check_table(machine, 0)?;
    let key = frame.check_any(machine, 1)?;
    machine.spend_on_key(key);
    frame.return_one(machine, machine.heap.table_get(table, key))
}

/// `rawset(table, index, value)`
pub(super) fn rawset(machine: &mut Machine, frame: Frame) -> NativeResult {
    let table = frame.check_table(machine, 0)?;
    let (key, value) = (frame.check_any(machine, 1)?, frame.check_any(machine, 2)?);
    machine.spend_on_key(key);
    machine.raw_set(table, key, value)?;
    frame.return_one(machine, Value::Table(table))
}

/// `select(n, ...)`
pub(super) fn select(machine: &mut Machine, frame: Frame) -> NativeResult {
    let count = i64::from(frame.count());
    if let Some(Value::String(word)) = frame.argument(machine, 0)
        && machine.bytes(word).first() == Some(&b'#')
    {
        return frame.return_one(machine, Value::Integer(count - 1));
    }
    let number = frame.check_integer(machine, 0)?;
    let first = if number < 0 { count.saturating_add(number) } else { number.min(count) };
    if first < 1 {
        return Err(frame.argument_error(machine, 0, format_args!("index out of range")));
    }
    Ok(Step::Return { first: frame.base() + first as u32, count: (count - first) as u32 })
}

/// `next(table, key)`
pub(super) fn next(machine: &mut Machine, frame: Frame) -> NativeResult {
    let table = frame.check_table(machine, 0)?;
    let key = frame.argument_or_nil(machine, 1);
    machine.spend_on_key(key);
    match machine.heap.table_next(table, key) {
        Ok(Some((key, value))) => frame.return_two(machine, key, value),
        Ok(None) => frame.return_one(machine, Value::Nil),
        Err(error) => Err(machine.runtime_error(format_args!("{error}"))),
    }
}

/// `pairs(t)`; the closure holds `next`.
pub(super) fn pairs(machine: &mut Machine, frame: Frame) -> NativeResult {
    const ANSWERED: u32 = 1;
    if frame.phase() == ANSWERED {
        let results = [0, 1, 2].map(|index| frame.result(machine, index));
        return frame.return_values(machine, &results);
    }
    let value = frame.check_any(machine, 0)?;
    match machine.metamethod(value, Event::Pairs) {
        Value::Nil => frame.return_values(machine, &[held(machine, frame), value, Value::Nil]),
        metamethod => frame.call(machine, ANSWERED, metamethod, &[value]),
    }
}

/// `ipairs(t)`; the closure holds the iterator.
pub(super) fn ipairs(machine: &mut Machine, frame: Frame) -> NativeResult {
    let value = frame.check_any(machine, 0)?;
    frame.return_values(machine, &[held(machine, frame), value, Value::Integer(0)])
}

fn held(machine: &Machine, frame: Frame) -> Value {
    machine.heap.native_values(frame.closure(machine))[0].get()
}

/// What `ipairs` iterates with: the value and the index before.
pub(super) fn ipairs_iterator(machine: &mut Machine, frame: Frame) -> NativeResult {
    const ANSWERED: u32 = 1;
    let index = Value::Integer(frame.check_integer(machine, 1)?.wrapping_add(1));
    let value = if frame.phase() == ANSWERED {
        frame.result(machine, 0)
    } else {
        let object = frame.check_any(machine, 0)?;
        match machine.look_up(object, index)? {
            Lookup::Found(value) => value,
            Lookup::Call { function, object } => return frame.call(machine, ANSWERED, function, &[object, index]),
        }
    };
    if value.is_nil() { frame.return_one(machine, Value::Nil) } else { frame.return_two(machine, index, value) }
}
