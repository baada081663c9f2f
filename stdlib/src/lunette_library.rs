//! `lunette`: what Lua's libraries do not have.

use crate::library::Definition;
use lunette_gc::value::Value;
use lunette_interpreter::{Frame, Machine, NativeResult, Step, host::Response, native::Native};

/// The library.
pub(crate) const DEFINITION: Definition = Definition {
    name: "lunette",
    functions: &[Native::new("lunette.snapshot", snapshot)],
    hidden: &[],
    complete: |_, _| Ok(()),
};

/// The snapshot was taken, or not.
const ANSWERED: u32 = 1;

/// `lunette.snapshot()`: `"saved"` in the instance that goes on, `"restored"` in the one that comes back, nil and a
/// message if there is no snapshot.
fn snapshot(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.phase() != ANSWERED {
        if !machine.has_keeper() {
            let message = machine.new_string(b"no place for snapshots was named")?;
            return frame.return_two(machine, Value::Nil, Value::String(message));
        }
        frame.set_phase(machine, ANSWERED);
        return Ok(Step::Snapshot);
    }
    let word = match machine.take_response() {
        Some(Response::Failed(error)) => {
            let message = match machine.new_string(error.message.as_bytes()) {
                Ok(message) => message,
                Err(throw) => {
                    machine.put_back_response(Response::Failed(error));
                    return Err(throw);
                }
            };
            return frame.return_two(machine, Value::Nil, Value::String(message));
        }
        Some(_) => "saved",
        None => "restored",
    };
    let word = machine.new_string(word.as_bytes()).inspect_err(|_| {
        if word == "saved" {
            machine.put_back_response(Response::Done);
        }
    })?;
    frame.return_one(machine, Value::String(word))
}
