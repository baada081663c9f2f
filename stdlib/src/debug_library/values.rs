//! Metatables, user values and the registry.

use crate::arguments::Arguments;
use lunette_gc::{
    reference::Ref,
    userdata::Userdata,
    value::{Slot, Value},
};
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

/// The slot of a user value. What the library's own objects hold is not for programs: they have no handle.
fn user_value(machine: &Machine, userdata: Ref<Userdata>, number: i64) -> Option<&Slot> {
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    if machine.heap.get(userdata).handle.get() == 0 { None } else { machine.heap.user_values(userdata).get(index) }
}

/// `debug.getuservalue(u, n)`
pub(super) fn getuservalue(machine: &mut Machine, frame: Frame) -> NativeResult {
    let number = frame.optional_integer(machine, 1, 1)?;
    if let Some(Value::Userdata(userdata)) = frame.argument(machine, 0)
        && let Some(slot) = user_value(machine, userdata, number)
    {
        return frame.return_two(machine, slot.get(), Value::Boolean(true));
    }
    frame.return_one(machine, Value::Nil)
}

/// `debug.setuservalue(udata, value, n)`
pub(super) fn setuservalue(machine: &mut Machine, frame: Frame) -> NativeResult {
    let number = frame.optional_integer(machine, 2, 1)?;
    let Some(Value::Userdata(userdata)) = frame.argument(machine, 0) else {
        return Err(frame.type_error(machine, 0, "userdata"));
    };
    let value = frame.check_any(machine, 1)?;
    match user_value(machine, userdata, number) {
        Some(slot) => {
            slot.set(value);
            machine.heap.barrier(userdata);
            frame.return_one(machine, Value::Userdata(userdata))
        }
        None => frame.return_one(machine, Value::Nil),
    }
}

/// `debug.setcstacklimit(limit)`, which does nothing any more.
pub(super) fn setcstacklimit(machine: &mut Machine, frame: Frame) -> NativeResult {
    const LIMIT: i64 = 200;
    frame.check_integer(machine, 0)?;
    frame.return_one(machine, Value::Integer(LIMIT))
}
