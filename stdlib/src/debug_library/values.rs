//! Metatables, user values and the registry.

use crate::arguments::Arguments;
use lunette_gc::value::Value;
use lunette_interpreter::{Frame, Machine, NativeResult};

/// `debug.getmetatable(value)`
pub(super) fn getmetatable(machine: &mut Machine, frame: Frame) -> NativeResult {
    let value = frame.check_any(machine, 0)?;
    frame.return_one(machine, machine.metatable(value).map_or(Value::Nil, Value::Table))
}

/// `debug.setmetatable(value, table)`
pub(super) fn setmetatable(machine: &mut Machine, frame: Frame) -> NativeResult {
    let metatable = match frame.argument(machine, 1) {
        Some(Value::Nil) => None,
        Some(Value::Table(metatable)) => Some(metatable),
        _ => return Err(frame.type_error(machine, 1, "nil or table")),
    };
    let value = frame.argument_or_nil(machine, 0);
    machine.set_metatable(value, metatable)?;
    frame.return_one(machine, value)
}

/// `debug.getregistry()`
pub(super) fn getregistry(machine: &mut Machine, frame: Frame) -> NativeResult {
    frame.return_one(machine, Value::Table(machine.registry()))
}

/// `debug.getuservalue(u, n)`: as far as programs can see, no userdata has user values. Files keep their state there.
pub(super) fn getuservalue(machine: &mut Machine, frame: Frame) -> NativeResult {
    frame.optional_integer(machine, 1, 1)?;
    frame.return_one(machine, Value::Nil)
}

/// `debug.setuservalue(udata, value, n)`, which fails: see [`getuservalue`].
pub(super) fn setuservalue(machine: &mut Machine, frame: Frame) -> NativeResult {
    frame.optional_integer(machine, 2, 1)?;
    if !matches!(frame.argument(machine, 0), Some(Value::Userdata(_))) {
        return Err(frame.type_error(machine, 0, "userdata"));
    }
    frame.check_any(machine, 1)?;
    frame.return_one(machine, Value::Nil)
}

/// `debug.setcstacklimit(limit)`, which does nothing any more.
pub(super) fn setcstacklimit(machine: &mut Machine, frame: Frame) -> NativeResult {
    const LIMIT: i64 = 200;
    frame.check_integer(machine, 0)?;
    frame.return_one(machine, Value::Integer(LIMIT))
}
