//! `collectgarbage`, and the function that runs finalizers.

use crate::{arguments::Arguments, warning};
use alloc::vec::Vec;
use lunette_gc::{
    collector::{Mode, Parameters},
    value::Value,
};
use lunette_interpreter::{
    Frame, Machine, NativeResult, Throw,
    metamethod::Event,
    native::{CAUGHT, Native},
};

const OPTIONS: [&str; 10] = [
    "stop",
    "restart",
    "collect",
    "count",
    "step",
    "setpause",
    "setstepmul",
    "isrunning",
    "generational",
    "incremental",
];

/// `collectgarbage(option, ...)`; the closure holds the function that runs finalizers.
pub(super) const COLLECTGARBAGE: Native = Native::new("collectgarbage", collectgarbage).with_locals(2);

/// Local: the result.
const RESULT: u32 = 0;

fn collectgarbage(machine: &mut Machine, frame: Frame) -> NativeResult {
    const FINALIZED: u32 = 1;
    if frame.phase() == FINALIZED {
        return frame.return_one(machine, frame.local(machine, RESULT));
    }
    let option = frame.check_option(machine, 0, Some("collect"), &OPTIONS)?;
    if machine.is_finalizing() {
        return frame.return_one(machine, Value::Nil);
    }
    let result = match OPTIONS[option] {
        "collect" => {
            spend_on_heap(machine);
            machine.collect_fully(frame.window());
            Value::Integer(0)
        }
        "step" => {
            let kibibytes = frame.optional_integer(machine, 1, 0)?;
            spend_on_heap(machine);
            Value::Boolean(machine.collect_step(frame.window(), usize::try_from(kibibytes).unwrap_or(0)))
        }
        "generational" => {
            set_parameters(machine, frame, [|p, v| p.minor_multiplier = v, |p, v| p.major_multiplier = v])?;
            set_mode(machine, frame, Mode::Generational)?
        }
        "incremental" => {
            // The size of a step is the third parameter; the collector finds its own.
            frame.optional_integer(machine, 3, 0)?;
            set_parameters(machine, frame, [|p, v| p.pause = v, |p, v| p.step_multiplier = v])?;
            set_mode(machine, frame, Mode::Incremental)?
        }
        option => return simple_option(machine, frame, option),
    };
    // Finalizers that are due run before the function returns.
    if machine.heap.has_pending_finalizers() {
        frame.set_local(machine, RESULT, result);
        let finalizer = machine.heap.native_values(frame.closure(machine))[0].get();
        return frame.call(machine, FINALIZED, finalizer, &[]);
    }
    frame.return_one(machine, result)
}

/// Takes fuel for a collection that the program asks for.
fn spend_on_heap(machine: &Machine) {
    const BYTES_PER_UNIT: u64 = 256;
    machine.spend(machine.heap.used_bytes() / BYTES_PER_UNIT);
}

/// The options that do not collect.
fn simple_option(machine: &mut Machine, frame: Frame, option: &str) -> NativeResult {
    let collector = machine.heap.collector();
    let result = match option {
        "stop" => {
            collector.stop();
            Value::Integer(0)
        }
        "restart" => {
            collector.restart();
            Value::Integer(0)
        }
        "isrunning" => Value::Boolean(collector.is_running()),
        "count" => Value::Float(machine.heap.used_bytes() as f64 / 1024.0),
        "setpause" => {
            let value = percentage(frame.optional_integer(machine, 1, 0)?);
            let old = collector.parameters();
            collector.set_parameters(Parameters { pause: value, ..old });
            Value::Integer(old.pause.into())
        }
        _ => {
            let value = percentage(frame.optional_integer(machine, 1, 0)?);
            let old = collector.parameters();
            collector.set_parameters(Parameters { step_multiplier: value, ..old });
            Value::Integer(old.step_multiplier.into())
        }
    };
    frame.return_one(machine, result)
}

fn percentage(value: i64) -> u32 {
    value.clamp(0, i64::from(u32::MAX)) as u32
}

/// Sets two parameters from the arguments after the first; 0 and none leave them as they are.
fn set_parameters(machine: &Machine, frame: Frame, setters: [fn(&mut Parameters, u32); 2]) -> Result<(), Throw> {
    let collector = machine.heap.collector();
    let mut parameters = collector.parameters();
    for (index, setter) in setters.into_iter().enumerate() {
        let value = percentage(frame.optional_integer(machine, 1 + index as u32, 0)?);
        if value != 0 {
            setter(&mut parameters, value);
        }
    }
    collector.set_parameters(parameters);
    Ok(())
}

/// Sets the mode and gives the name of the old one.
fn set_mode(machine: &mut Machine, frame: Frame, mode: Mode) -> Result<Value, Throw> {
    // The names are made before, and kept in the locals, so that nothing can fail after.
    for (local, name) in ["incremental", "generational"].into_iter().enumerate() {
        let name = machine.new_string(name.as_bytes())?;
        frame.set_local(machine, local as u32, Value::String(name));
    }
    let previous = machine.set_collector_mode(frame.window(), mode);
    Ok(frame.local(machine, u32::from(previous == Mode::Generational)))
}

/// Calls the finalizers that are due, one after the other.
pub(super) const RUN_FINALIZERS: Native =
    Native::new("run_finalizers", run_finalizers).with_locals(warning::LOCALS).unyieldable().catching();

const NEXT: u32 = 1;

fn run_finalizers(machine: &mut Machine, frame: Frame) -> NativeResult {
    match frame.phase() {
        0 => machine.set_finalizing(true),
        CAUGHT => {
            let error = machine.pending_error();
            let mut message = Vec::from(b"error in __gc (");
            match error {
                Value::String(text) => message.extend_from_slice(machine.bytes(text)),
                _ => message.extend_from_slice(b"error object is not a string"),
            }
            message.push(b')');
            if warning::begin(machine, frame, &message)? {
                return warning::go_on(machine, frame);
            }
        }
        NEXT => {}
        _ => {
            if let Some(step) = warning::step(machine, frame)? {
                return Ok(step);
            }
        }
    }
    while let Some(object) = machine.heap.next_pending_finalizer() {
        let finalizer = machine.metamethod(object, Event::Gc);
        if finalizer.is_function() {
            return frame.call(machine, NEXT, finalizer, &[object]);
        }
    }
    machine.set_finalizing(false);
    frame.return_none()
}

/// Runs the finalizers of all objects, as at the end of the instance.
pub fn close(machine: &mut Machine) {
    machine.heap.take_all_finalizable();
    machine.run_finalizers();
}
