//! Functions of the host: what stands for them in the instance, and their calls.
//!
//! As in the other home, a closure of one native function has a userdata as its value, whose object is the function; here
//! that is its number at the other end. Functions that the owner's configuration names have the first numbers, in the
//! order in which the guest was told the names; by these they are found again when an image is restored.

use crate::{
    agent::Notes,
    copies::{self, Copies},
};
use alloc::string::String;
use lunette_gc::{function::NativeClosure, reference::Ref, value::Value};
use lunette_hw_interface::message::{self, CallError, FromGuest, ToGuest};
use lunette_interpreter::{
    Frame, Machine, NativeResult, Step, Throw, image::ObjectName, limits::StopReason, metamethod::Event, native::Native,
};

/// The native function of all closures that stand for functions of the host.
const FUNCTION: &str = "host.function";
/// `__gc` of their userdata.
const FINALIZER: &str = "host.finalizer";

/// Registers the native functions.
pub fn register(machine: &mut Machine) {
    machine.register_native(Native::new(FUNCTION, call).unyieldable());
    // The owner keeps its functions as long as the partition lives.
    machine.register_native(Native::new(FINALIZER, |_, frame| frame.return_none()));
}

/// What an image calls the function of a number, if these are the names that the guest was told.
pub fn name_of(names: &[String], number: u64) -> ObjectName {
    match usize::try_from(number).ok().and_then(|number| names.get(number)) {
        Some(name) => ObjectName::Registered(name.as_bytes().to_vec()),
        None => ObjectName::Function,
    }
}

/// The number of the function that an image calls by a name.
pub fn find(names: &[String], name: &[u8]) -> Option<u64> {
    names.iter().position(|known| known.as_bytes() == name).map(|number| number as u64)
}

fn native(machine: &Machine, name: &str) -> u32 {
    match machine.find_native(name) {
        Some(native) => native,
        None => unreachable!("'{name}' is registered"),
    }
}

/// A closure that stands for a function of the host.
pub fn new(machine: &Machine, number: u32) -> Result<Value, Throw> {
    let metatable = machine.heap.new_table(0, 0)?;
    let finalizer = machine.heap.new_native_closure(native(machine, FINALIZER), 0)?;
    for (name, value) in [("__gc", Value::NativeClosure(finalizer)), ("__metatable", Value::Boolean(false))] {
        let name = machine.new_string(name.as_bytes())?;
        machine.raw_set(metatable, Value::String(name), value)?;
    }
    let holder = machine.heap.new_userdata(0, 0)?;
    machine.heap.get(holder).set_object(number.into());
    machine.set_metatable(Value::Userdata(holder), Some(metatable))?;
    let closure = machine.heap.new_native_closure(native(machine, FUNCTION), 1)?;
    machine.heap.native_values(closure)[0].set(Value::Userdata(holder));
    Ok(Value::NativeClosure(closure))
}

/// The number of the function of the host that a closure stands for, if it does for one.
pub fn number_of(machine: &Machine, closure: Ref<NativeClosure>) -> Option<u32> {
    let is_function = machine.heap.get(closure).native == native(machine, FUNCTION);
    match machine.heap.native_values(closure).first().map(|slot| slot.get()) {
        Some(Value::Userdata(holder)) if is_function => {
            machine.heap.get(holder).object().and_then(|number| u32::try_from(number).ok())
        }
        _ => None,
    }
}

/// Calls a function of the host.
fn call(machine: &mut Machine, frame: Frame) -> NativeResult {
    let Some(function) = number_of(machine, frame.closure(machine)) else {
        return Err(machine.native_error(format_args!("function of the host is gone")));
    };
    let mut arguments = Copies::new(machine);
    for index in 0..frame.count() {
        if let Err(message) = arguments.add(frame.argument_or_nil(machine, index)) {
            return Err(machine.native_error(format_args!("bad argument #{} ({message})", index + 1)));
        }
    }
    let arguments = arguments.finish();
    let line = Notes::of(machine).line();
    let answer = line.exchange(&FromGuest::Call { function, arguments });
    let results = match message::read(&answer) {
        Ok(ToGuest::Results(results)) => results,
        _ => return Err(machine.native_error(format_args!("the host does not answer"))),
    };
    // Not to be tried again, as the machine does for `Throw::Memory`: the function has run.
    let no_memory = |machine: &mut Machine| machine.throw(Value::String(machine.event_name(Event::MemoryMessage)));
    match results {
        Ok(tokens) => {
            let Ok(results) = copies::copy_in(machine, &tokens) else { return Err(no_memory(machine)) };
            return_all(machine, frame, &results)
        }
        Err(CallError::Thrown(tokens)) => match copies::copy_in(machine, &tokens) {
            Ok(values) => Err(match values.first() {
                Some(Value::String(text)) => {
                    let text = machine.bytes(*text).to_vec();
                    machine.native_error_bytes(&text)
                }
                Some(&value) => machine.throw(value),
                None => machine.throw(Value::Nil),
            }),
            Err(_) => Err(no_memory(machine)),
        },
        Err(CallError::Stop) => Err(machine.stop(StopReason::Interrupt)),
    }
}

fn return_all(machine: &mut Machine, frame: Frame, results: &[Value]) -> NativeResult {
    if machine.reserve_slots(frame.window(), results.len() as u64) != Ok(true) {
        return Err(machine.native_error(format_args!("too many results")));
    }
    for (index, &value) in results.iter().enumerate() {
        machine.set_value(frame.window() + index as u32, value);
    }
    Ok(Step::Return { first: frame.window(), count: results.len() as u32 })
}
