//! Warnings, on the standard error stream.

use crate::{
    arguments::Arguments,
    output::{self, Flush},
    workspace::{allowance, append},
};
use alloc::vec::Vec;
use lunette_gc::value::Value;
use lunette_interpreter::{
    Frame, Machine, NativeResult, Step, Throw,
    host::{Request, Response, Stream},
    limits::StopReason,
    machine::roots,
    native::Native,
};

/// `warn(message, ...)`
pub(crate) const WARN: Native = Native::new("warn", warn).with_locals(LOCALS);

/// Locals of a function that warns; they are its first ones.
pub(crate) const LOCALS: u32 = 2;
const MESSAGE: u32 = 0;
const OFFSET: u32 = 1;

/// Phase of a function that warns: standard output is being flushed.
const FLUSHING: u32 = 0x100;
/// Phase of a function that warns: the message is being written.
const WRITING: u32 = 0x101;

/// Turns warnings on or off.
pub fn set_enabled(machine: &Machine, enabled: bool) {
    machine.heap.root(roots::WARNINGS).set(Value::Boolean(enabled));
}

fn is_enabled(machine: &Machine) -> bool {
    !machine.heap.root(roots::WARNINGS).get().is_falsy()
}

fn warn(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.phase() != 0 {
        return match step(machine, frame)? {
            Some(step) => Ok(step),
            None => frame.return_none(),
        };
    }
    frame.check_string(machine, 0)?;
    let mut message = Vec::new();
    for index in 0..frame.count() {
        let part = frame.check_string(machine, index)?;
        machine.spend_on_bytes(machine.bytes(part).len());
        append(&mut message, machine.bytes(part), allowance(&machine.heap))?;
    }
    if frame.count() == 1 && message.first() == Some(&b'@') {
        match message.as_slice() {
            b"@on" => set_enabled(machine, true),
            b"@off" => set_enabled(machine, false),
            _ => {}
        }
        return frame.return_none();
    }
    if begin(machine, frame, &message)? { go_on(machine, frame) } else { frame.return_none() }
}

/// Prepares a warning, if they are on: whether they are. The function then returns what [`go_on`] gives.
pub(crate) fn begin(machine: &mut Machine, frame: Frame, message: &[u8]) -> Result<bool, Throw> {
    if !is_enabled(machine) {
        return Ok(false);
    }
    let line = machine.heap.new_string_concat(&[b"Lua warning: ", message, b"\n"])?;
    frame.set_local(machine, MESSAGE, Value::String(line));
    frame.set_local(machine, OFFSET, Value::Integer(0));
    Ok(true)
}

/// Comes back in a phase that [`step`] is for.
pub(crate) fn go_on(machine: &Machine, frame: Frame) -> NativeResult {
    frame.set_phase(machine, FLUSHING);
    Ok(Step::Continue)
}

/// Goes on with a warning: `None` if it is written.
pub(crate) fn step(machine: &mut Machine, frame: Frame) -> Result<Option<Step>, Throw> {
    let mut offset = match frame.local(machine, OFFSET) {
        Value::Integer(offset) => usize::try_from(offset).unwrap_or(0),
        _ => 0,
    };
    if frame.phase() == FLUSHING {
        // What was written before must be seen before.
        if let Flush::Wait(ticket) = output::flush(machine)? {
            return frame.wait(machine, FLUSHING, ticket).map(Some);
        }
    } else {
        match machine.take_response() {
            Some(Response::Count(count)) => offset = offset.saturating_add(count),
            Some(_) => return Ok(None),
            None => {}
        }
        frame.set_local(machine, OFFSET, Value::Integer(offset as i64));
    }
    let Value::String(message) = frame.local(machine, MESSAGE) else {
        return Ok(None);
    };
    let length = machine.bytes(message).len() - offset.min(machine.bytes(message).len());
    if length == 0 {
        return Ok(None);
    }
    if frame.phase() == FLUSHING && machine.charge_output(length) < length {
        return Err(machine.stop(StopReason::Output));
    }
    let bytes = machine.heap.string_bytes(message).get(offset..).unwrap_or_default();
    let ticket = machine.host.submit(Request::Write(Stream::ERROR, bytes));
    frame.wait(machine, WRITING, ticket).map(Some)
}
