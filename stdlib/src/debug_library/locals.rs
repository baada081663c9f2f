//! `debug.getlocal` and `debug.setlocal`.

use super::thread_argument;
use crate::arguments::Arguments;
use lunette_gc::{reference::Ref, thread::Thread, value::Value};
use lunette_interpreter::{Frame, Machine, NativeResult, Throw, traceback::FrameView};

/// The activation at the level that argument `index` gives.
fn check_level(machine: &Machine, frame: Frame, thread: Ref<Thread>, index: u32) -> Result<FrameView, Throw> {
    let level = frame.check_integer(machine, index)?;
    u32::try_from(level)
        .ok()
        .and_then(|level| machine.frame_at(thread, level))
        .ok_or_else(|| frame.argument_error(machine, index, format_args!("level out of range")))
}

/// `debug.getlocal([thread,] f, local)`
pub(super) fn getlocal(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (thread, first) = thread_argument(machine, frame);
    let number = frame.check_integer(machine, first + 1)?;
    if let Some(function) = frame.argument(machine, first)
        && function.is_function()
    {
        let index = u32::try_from(number).ok().and_then(|number| number.checked_sub(1));
        return match index.and_then(|index| machine.parameter_name(function, index)) {
            Some(name) => crate::text::return_string(machine, frame, &name),
            None => frame.return_one(machine, Value::Nil),
        };
    }
    let view = check_level(machine, frame, thread, first)?;
    let Some(local) = machine.local_of(view, number) else {
        return frame.return_one(machine, Value::Nil);
    };
    let name = machine.new_string(&local.name)?;
    frame.return_two(machine, Value::String(name), machine.local_value(view, &local))
}

/// `debug.setlocal([thread,] level, local, value)`
pub(super) fn setlocal(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (thread, first) = thread_argument(machine, frame);
    let number = frame.check_integer(machine, first + 1)?;
    let view = check_level(machine, frame, thread, first)?;
    let value = frame.check_any(machine, first + 2)?;
    let Some(local) = machine.local_of(view, number) else {
        return frame.return_one(machine, Value::Nil);
    };
    let name = machine.new_string(&local.name)?;
    machine.set_local_value(view, &local, value);
    frame.return_one(machine, Value::String(name))
}
