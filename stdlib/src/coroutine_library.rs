//! `coroutine`.

use crate::{
    arguments::Arguments,
    library::{Definition, malformed_frame, native_value, set_field},
};
use alloc::vec::Vec;
use lunette_gc::{reference::Ref, table::Table, thread::Thread, value::Value};
use lunette_interpreter::{
    Frame, Machine, NativeResult, Step, Throw,
    coroutine::{DEAD, FAILED, NORMAL, SUSPENDED},
    metamethod::Event,
    native::{CAUGHT, Native, PASS_ON, PASS_ON_TRUE, Role},
};

/// The library.
pub(crate) const DEFINITION: Definition = Definition {
    name: "coroutine",
    functions: &[
        Native::new("coroutine.close", close),
        Native::new("coroutine.create", create),
        Native::new("coroutine.isyieldable", isyieldable),
        Native::new("coroutine.resume", resume).with_role(Role::Resume),
        Native::new("coroutine.running", running),
        Native::new("coroutine.status", status),
        Native::new("coroutine.yield", yield_).with_role(Role::Yield),
    ],
    hidden: &[
        Native::new("coroutine.wrap", wrap),
        Native::new("wrapped_coroutine", wrapped_coroutine).with_locals(1).with_upvalues(1).with_role(Role::Wrapped),
    ],
    complete,
};

fn complete(machine: &mut Machine, table: Ref<Table>) -> Result<(), Throw> {
    let pattern = native_value(machine, "wrapped_coroutine", &[])?;
    let wrap = native_value(machine, "coroutine.wrap", &[pattern])?;
    set_field(machine, table, "wrap", wrap)
}

fn create(machine: &mut Machine, frame: Frame) -> NativeResult {
    let function = frame.check_function(machine, 0)?;
    let thread = machine.new_thread(function)?;
    frame.return_one(machine, Value::Thread(thread))
}

/// The closure holds one like those it makes.
fn wrap(machine: &mut Machine, frame: Frame) -> NativeResult {
    let function = frame.check_function(machine, 0)?;
    let Value::NativeClosure(pattern) = frame.closure_value(machine, 0) else {
        return Err(malformed_frame(machine));
    };
    let thread = machine.new_thread(function)?;
    let wrapped = machine.heap.new_native_closure(machine.heap.get(pattern).native, 1)?;
    machine.heap.native_values(wrapped)[0].set(Value::Thread(thread));
    frame.return_one(machine, Value::NativeClosure(wrapped))
}

fn resume(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.phase() == CAUGHT {
        return crate::base_library::false_and_error(machine, frame);
    }
    let thread = frame.check_thread(machine, 0)?;
    frame.set_phase(machine, PASS_ON_TRUE);
    Ok(Step::Resume { thread, first: frame.base() + 1, count: frame.count().saturating_sub(1) })
}

/// The function that `wrap` gives. Its local says whether the coroutine is being closed after an error.
fn wrapped_coroutine(machine: &mut Machine, frame: Frame) -> NativeResult {
    let Value::Thread(thread) = frame.closure_value(machine, 0) else {
        return Err(malformed_frame(machine));
    };
    if frame.phase() != CAUGHT {
        frame.set_phase(machine, PASS_ON);
        return Ok(Step::Resume { thread, first: frame.base(), count: frame.count() });
    }
    if machine.thread_status(thread) == FAILED && frame.local(machine, 0).is_nil() {
        frame.set_local(machine, 0, Value::Boolean(true));
        frame.set_phase(machine, CAUGHT);
        return Ok(Step::CloseThread { thread });
    }
    let error = machine.pending_error();
    if let Value::String(message) = error
        && message != machine.event_name(Event::MemoryMessage)
    {
        let mut text: Vec<u8> = machine.position_text(1);
        text.extend_from_slice(machine.bytes(message));
        return Err(machine.throw_text(&text));
    }
    Err(machine.throw(error))
}

fn yield_(_: &mut Machine, frame: Frame) -> NativeResult {
    Ok(Step::Yield { first: frame.base(), count: frame.count() })
}

fn isyieldable(machine: &mut Machine, frame: Frame) -> NativeResult {
    let is_yieldable = if frame.count() == 0 {
        machine.is_yieldable()
    } else {
        let thread = frame.check_thread(machine, 0)?;
        machine.is_thread_yieldable(thread)
    };
    frame.return_one(machine, Value::Boolean(is_yieldable))
}

fn running(machine: &mut Machine, frame: Frame) -> NativeResult {
    let thread = machine.current_thread();
    frame.return_two(machine, Value::Thread(thread), Value::Boolean(thread == machine.main_thread()))
}

fn status_name(machine: &Machine, thread: Ref<Thread>) -> &'static str {
    match machine.thread_status(thread) {
        SUSPENDED => "suspended",
        NORMAL => "normal",
        DEAD | FAILED => "dead",
        _ => "running",
    }
}

fn status(machine: &mut Machine, frame: Frame) -> NativeResult {
    let thread = frame.check_thread(machine, 0)?;
    let name = machine.new_string(status_name(machine, thread).as_bytes())?;
    frame.return_one(machine, Value::String(name))
}

const CLOSED: u32 = 1;

fn close(machine: &mut Machine, frame: Frame) -> NativeResult {
    match frame.phase() {
        0 => {
            let thread = frame.check_thread(machine, 0)?;
            if !matches!(machine.thread_status(thread), SUSPENDED | DEAD | FAILED) {
                let name = status_name(machine, thread);
                return Err(machine.native_error(format_args!("cannot close a {name} coroutine")));
            }
            frame.set_phase(machine, CLOSED);
            Ok(Step::CloseThread { thread })
        }
        CAUGHT => frame.return_two(machine, Value::Boolean(false), machine.pending_error()),
        _ => frame.return_one(machine, Value::Boolean(true)),
    }
}
