//! `debug.debug`: runs lines from standard input until one says `cont`.

use crate::{
    base_library::load_chunk,
    library::{LOADED, get_field, native_value, registry_table},
    text::{self, Text},
};
use alloc::vec::Vec;
use lunette_gc::value::Value;
use lunette_interpreter::{
    Frame, Machine, NativeResult, Throw,
    host::{Request, Stream},
    native::{CAUGHT, Native},
};

/// `debug.debug()`
pub(super) const DEBUG: Native = Native::new("debug.debug", debug).unyieldable().catching();

const PROMPTED: u32 = 1;
const READ: u32 = 2;
const RAN: u32 = 3;
const REPORTED: u32 = 4;

fn debug(machine: &mut Machine, frame: Frame) -> NativeResult {
    match frame.phase() {
        PROMPTED => {
            machine.take_response();
            let loaded = registry_table(machine, LOADED)?;
            let Value::Table(io) = get_field(machine, loaded, "io")? else {
                return frame.return_none();
            };
            let input = get_field(machine, io, "stdin")?;
            let read = native_value(machine, "file.read", &[])?;
            frame.call(machine, READ, read, &[input])
        }
        READ => {
            let Value::String(line) = frame.result(machine, 0) else {
                return frame.return_none();
            };
            let line = machine.bytes(line).to_vec();
            if line == b"cont" {
                return frame.return_none();
            }
            let globals = Value::Table(machine.globals());
            match load_chunk(machine, &line, b"=(debug command)", b"t", globals)? {
                Ok(function) => frame.call(machine, RAN, function, &[]),
                Err(message) => report(machine, frame, message),
            }
        }
        CAUGHT => {
            let message = describe(machine, machine.pending_error())?;
            report(machine, frame, message)
        }
        REPORTED => {
            machine.take_response();
            prompt(machine, frame)
        }
        _ => prompt(machine, frame),
    }
}

fn prompt(machine: &mut Machine, frame: Frame) -> NativeResult {
    frame.ask(machine, PROMPTED, Request::Write(Stream::ERROR, b"lua_debug> "))
}

/// An error's text; metamethods are not called.
fn describe(machine: &Machine, error: Value) -> Result<Vec<u8>, Throw> {
    let mut message = Vec::new();
    if let Text::Call(_) = text::append_value(machine, error, &mut message)? {
        text::append_identity(machine, error, &mut message)?;
    }
    Ok(message)
}

fn report(machine: &mut Machine, frame: Frame, mut message: Vec<u8>) -> NativeResult {
    message.push(b'\n');
    frame.ask(machine, REPORTED, Request::Write(Stream::ERROR, &message))
}
