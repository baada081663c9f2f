//! `debug`.

mod console;
mod hooks;
mod information;
mod locals;
mod upvalues;
mod values;

use crate::{arguments::Arguments, library::Definition};
use lunette_gc::{reference::Ref, thread::Thread, value::Value};
use lunette_interpreter::{Frame, Machine, NativeResult, native::Native};

/// The library.
pub(crate) const DEFINITION: Definition = Definition {
    name: "debug",
    functions: &[
        console::DEBUG,
        Native::new("debug.gethook", hooks::gethook),
        Native::new("debug.getinfo", information::getinfo),
        Native::new("debug.getlocal", locals::getlocal),
        Native::new("debug.getmetatable", values::getmetatable),
        Native::new("debug.getregistry", values::getregistry),
        Native::new("debug.getupvalue", upvalues::getupvalue),
        Native::new("debug.getuservalue", values::getuservalue),
        Native::new("debug.setcstacklimit", values::setcstacklimit),
        Native::new("debug.sethook", hooks::sethook),
        Native::new("debug.setlocal", locals::setlocal),
        Native::new("debug.setmetatable", values::setmetatable),
        Native::new("debug.setupvalue", upvalues::setupvalue),
        Native::new("debug.setuservalue", values::setuservalue),
        Native::new("debug.traceback", traceback),
        Native::new("debug.upvalueid", upvalues::upvalueid),
        Native::new("debug.upvaluejoin", upvalues::upvaluejoin),
    ],
    hidden: &[],
    complete: |_, _| Ok(()),
};

/// The thread that many of the functions take before their other arguments, and the index of those: without it the
/// running thread and 0.
fn thread_argument(machine: &Machine, frame: Frame) -> (Ref<Thread>, u32) {
    match frame.argument(machine, 0) {
        Some(Value::Thread(thread)) => (thread, 1),
        _ => (machine.current_thread(), 0),
    }
}

/// `debug.traceback([thread,] message, level)`
fn traceback(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (thread, first) = thread_argument(machine, frame);
    let message = match frame.argument_or_nil(machine, first) {
        Value::Nil => None,
        Value::String(_) | Value::Integer(_) | Value::Float(_) => Some(frame.check_string(machine, first)?),
        other => return frame.return_one(machine, other),
    };
    let default = i64::from(thread == machine.current_thread());
    let level = frame.optional_integer(machine, first + 1, default)?;
    let message = message.map(|message| machine.bytes(message));
    let text = machine.traceback(thread, message, u32::try_from(level).unwrap_or(u32::MAX));
    crate::text::return_string(machine, frame, &text)
}
