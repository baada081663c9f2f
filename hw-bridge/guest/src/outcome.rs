//! How commands end, as the monitor is told.

use crate::{agent::Notes, channel, copies::Copies};
use alloc::{boxed::Box, format, string::String, vec::Vec};
use lunette_frontend::CompileError;
use lunette_gc::value::Value;
use lunette_hw_interface::message::{Failure, Outcome, Statistics, StopReason};
use lunette_interpreter::{Machine, Throw, limits, metamethod::Event};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The values in `count` slots from `first` on.
pub fn returned(machine: &Machine, first: u32, count: u32) -> Outcome {
    values(machine, (first..first + count).map(|slot| machine.value(slot)))
}

/// These values.
pub fn values(machine: &Machine, values: impl IntoIterator<Item = Value>) -> Outcome {
    let mut copies = Copies::new(machine);
    for value in values {
        if let Err(message) = copies.add(value) {
            return Outcome::Failed(Failure::Value(message));
        }
    }
    Outcome::Returned(copies.finish())
}

/// A text, if it is short enough to go out with others.
fn within_message(text: String) -> String {
    if text.len() > channel::most_message() / 8 { String::from("(text too long)") } else { text }
}

/// What a command that threw has to say.
pub fn failed(machine: &mut Machine, throw: Throw) -> Outcome {
    Outcome::Failed(match throw {
        Throw::Memory => Failure::Memory,
        Throw::Stop => Failure::Stopped(stop_reason(machine)),
        Throw::Error | Throw::Unhandled => runtime_error(machine),
    })
}

/// What stopped the instance.
fn stop_reason(machine: &mut Machine) -> StopReason {
    match machine.take_stop_reason() {
        Some(limits::StopReason::Fuel) => StopReason::Fuel,
        Some(limits::StopReason::Time) => StopReason::Time,
        Some(limits::StopReason::Output) => StopReason::Output,
        Some(limits::StopReason::Snapshot) => StopReason::Snapshot,
        Some(limits::StopReason::Exit(status)) => {
            Notes::of(machine).has_exited = true;
            StopReason::Exit(status)
        }
        Some(limits::StopReason::Interrupt) | None => StopReason::Interrupt,
    }
}

/// The outcome of something that may have been stopped without throwing.
pub fn done(machine: &mut Machine) -> Outcome {
    match machine.take_stop_reason() {
        Some(reason) => {
            let throw = machine.stop(reason);
            failed(machine, throw)
        }
        None => Outcome::Returned(Vec::new()),
    }
}

fn runtime_error(machine: &mut Machine) -> Failure {
    let value = machine.pending_error();
    if let Value::String(message) = value
        && message == machine.event_name(Event::MemoryMessage)
    {
        return Failure::Memory;
    }
    let traceback = text(&core::mem::take(&mut Notes::of(machine).traceback));
    let type_name = String::from(machine.type_name(value));
    let mut copies = Copies::new(machine);
    let copied = copies.add(value).is_ok();
    let value_out = copied.then(|| copies.finish());
    Failure::Runtime {
        message: within_message(error_message(machine, value)),
        traceback: within_message(traceback),
        value: value_out,
        type_name: within_message(type_name),
    }
}

/// The text of an error value, as `lua` has it.
fn error_message(machine: &mut Machine, value: Value) -> String {
    let mut message = Vec::new();
    if machine.append_text(value, &mut message) {
        return text(&message);
    }
    let handler = machine.metamethod(value, Event::ToString);
    if !handler.is_nil() {
        match machine.call(handler, &[value]) {
            Ok((first, count)) if count > 0 => match machine.value(first) {
                Value::String(message) => return text(machine.bytes(message)),
                _ => return String::from("'__tostring' must return a string"),
            },
            _ => {}
        }
    }
    format!("(error object is a {} value)", machine.type_name(value))
}

/// What the compiler has to say.
pub fn not_compiled(error: CompileError, source: &[u8], name: &[u8]) -> Failure {
    match error {
        CompileError::Memory => Failure::Memory,
        CompileError::Syntax(error) => {
            let source_line = if error.line > 0 {
                let start = error.range.start.min(source.len());
                let start = source[..start].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
                let rest = &source[start..];
                text(&rest[..rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())])
            } else {
                String::new()
            };
            Failure::Syntax {
                message: within_message(text(&error.full_message(name))),
                line: error.line,
                column: error.column,
                length: error.range.len() as u64,
                source_line: within_message(source_line),
                at_end: error.at_end,
            }
        }
    }
}

/// What became machine code, where it is left, and figures.
pub fn machine_code(machine: &Machine) -> Outcome {
    let functions = machine.native_function_reports().into_iter().chain(machine.lua_function_reports());
    let exits = machine.native_exit_reports().into_iter().chain(machine.lua_exit_reports());
    Outcome::MachineCode(functions.collect(), exits.collect(), machine.code_figures())
}

/// The figures of the instance.
pub fn statistics(machine: &Machine) -> Outcome {
    let heap = machine.heap.statistics();
    Outcome::Statistics(Box::new(Statistics {
        fuel_used: machine.fuel_used(),
        allocated_bytes: heap.allocated_bytes,
        used_bytes: heap.used_bytes,
        peak_bytes: heap.peak_bytes,
        touched_bytes: heap.touched_bytes,
        minor_collections: heap.minor_collections,
        full_collections: heap.full_collections,
        collection_steps: heap.steps,
        pauses: machine.pauses().clone(),
        native_functions: (machine.native_functions() + machine.lua_functions()) as u64,
    }))
}
