//! What functions of `io` and `os` return for the host's answers.

use alloc::vec::Vec;
use lunette_gc::value::Value;
use lunette_interpreter::{
    Frame, Machine, NativeResult,
    host::{HostError, Response},
};

/// `true`, or nil, the message after the file's name, and the error's number.
pub(crate) fn file_result(
    machine: &Machine,
    frame: Frame,
    name: Option<&[u8]>,
    result: Result<(), HostError>,
) -> NativeResult {
    let Err(error) = result else {
        return frame.return_one(machine, Value::Boolean(true));
    };
    let mut message = Vec::new();
    if let Some(name) = name {
        message.extend_from_slice(name);
        message.extend_from_slice(b": ");
    }
    message.extend_from_slice(error.message.as_bytes());
    let message = machine.new_string(&message)?;
    frame.return_values(machine, &[Value::Nil, Value::String(message), Value::Integer(error.code.into())])
}

/// How a process ended: `true` or nil, `"exit"` or `"signal"`, and the status or the signal's number.
pub(crate) fn exit_result(machine: &Machine, frame: Frame, response: Response) -> NativeResult {
    let (signaled, code) = match response {
        Response::Exited { signaled, code } => (signaled, code),
        Response::Failed(error) => return file_result(machine, frame, None, Err(error)),
        _ => return frame.return_one(machine, Value::Boolean(true)),
    };
    let how = machine.new_string(if signaled { b"signal" } else { b"exit" })?;
    let success = if !signaled && code == 0 { Value::Boolean(true) } else { Value::Nil };
    frame.return_values(machine, &[success, Value::String(how), Value::Integer(code.into())])
}
