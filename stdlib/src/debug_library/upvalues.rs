//! Upvalues of Lua functions, and values of native ones.

use crate::arguments::Arguments;
use lunette_gc::value::Value;
use lunette_interpreter::{Frame, Machine, NativeResult, Throw};

/// A function's upvalue: its index from 0, if there is one of that number.
fn upvalue_index(machine: &Machine, function: Value, number: i64) -> Option<u32> {
    let count = match function {
        Value::Closure(closure) => machine.heap.get(closure).upvalue_count,
        Value::NativeClosure(closure) => machine.native_upvalue_count(closure),
        _ => 0,
    };
    u32::try_from(number).ok()?.checked_sub(1).filter(|&index| index < count)
}

fn upvalue_name(machine: &Machine, function: Value, index: u32) -> &[u8] {
    let Some(prototype) = machine.prototype_of_value(function) else {
        return b"";
    };
    match machine.upvalue_name(prototype, index) {
        None | Some(b"") => b"(no name)",
        Some(name) => name,
    }
}

/// `debug.getupvalue(f, up)`
pub(super) fn getupvalue(machine: &mut Machine, frame: Frame) -> NativeResult {
    let number = frame.check_integer(machine, 1)?;
    let function = frame.check_function(machine, 0)?;
    let Some(index) = upvalue_index(machine, function, number) else {
        return frame.return_none();
    };
    let value = match function {
        Value::Closure(closure) => machine.heap.upvalue_cells(closure)[index as usize]
            .get()
            .map_or(Value::Nil, |cell| machine.heap.get(cell).value.get()),
        Value::NativeClosure(closure) => machine.heap.native_values(closure)[index as usize].get(),
        _ => Value::Nil,
    };
    let name = machine.new_string(upvalue_name(machine, function, index))?;
    frame.return_two(machine, Value::String(name), value)
}

/// `debug.setupvalue(f, up, value)`
pub(super) fn setupvalue(machine: &mut Machine, frame: Frame) -> NativeResult {
    let value = frame.check_any(machine, 2)?;
    let number = frame.check_integer(machine, 1)?;
    let function = frame.check_function(machine, 0)?;
    let Some(index) = upvalue_index(machine, function, number) else {
        return frame.return_none();
    };
    let name = machine.new_string(upvalue_name(machine, function, index))?;
    match function {
        Value::Closure(closure) => {
            if let Some(cell) = machine.heap.upvalue_cells(closure)[index as usize].get() {
                machine.set_cell(cell, value);
            }
        }
        // What the library's own functions hold is theirs: programs may look, not change it. In PUC Lua that has no
        // effect or undefined behaviour.
        _ => return frame.return_none(),
    }
    frame.return_one(machine, Value::String(name))
}

/// `debug.upvalueid(f, n)`
pub(super) fn upvalueid(machine: &mut Machine, frame: Frame) -> NativeResult {
    const NUMBER_BITS: u32 = 16;
    let number = frame.check_integer(machine, 1)?;
    let function = frame.check_function(machine, 0)?;
    let Some(index) = upvalue_index(machine, function, number) else {
        return frame.return_one(machine, Value::Nil);
    };
    let identity = match function {
        Value::Closure(closure) => machine.heap.upvalue_cells(closure)[index as usize]
            .get()
            .map_or(0, |cell| machine.heap.identity(cell.cast()) << NUMBER_BITS),
        Value::NativeClosure(closure) => machine.heap.identity(closure.cast()) << NUMBER_BITS | u64::from(index + 1),
        _ => 0,
    };
    frame.return_one(machine, Value::LightUserdata(identity))
}

/// A Lua function and the index of its upvalue, from arguments `first` and the one after it.
fn check_upvalue(machine: &Machine, frame: Frame, first: u32) -> Result<(Value, u32), Throw> {
    let number = frame.check_integer(machine, first + 1)?;
    let function = frame.check_function(machine, first)?;
    match upvalue_index(machine, function, number) {
        Some(index) => Ok((function, index)),
        None => Err(frame.argument_error(machine, first + 1, format_args!("invalid upvalue index"))),
    }
}

/// `debug.upvaluejoin(f1, n1, f2, n2)`
pub(super) fn upvaluejoin(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (target, target_index) = check_upvalue(machine, frame, 0)?;
    let (source, source_index) = check_upvalue(machine, frame, 2)?;
    let Value::Closure(target) = target else {
        return Err(frame.argument_error(machine, 0, format_args!("Lua function expected")));
    };
    let Value::Closure(source) = source else {
        return Err(frame.argument_error(machine, 2, format_args!("Lua function expected")));
    };
    let cell = machine.heap.upvalue_cells(source)[source_index as usize].get();
    machine.heap.upvalue_cells(target)[target_index as usize].set(cell);
    machine.heap.barrier(target);
    frame.return_none()
}
