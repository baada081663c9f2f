//! Rust functions as Lua functions, and the other native functions of the API.
//!
//! There is one native function for all Rust functions. Its closure has one value, a userdata, whose object is the Rust
//! function; when the userdata is collected, so is that.

use crate::{
    context::{Context, State},
    convert::{FromLuaMulti, IntoLuaMulti, Variadic},
    data::Data,
    error::{ConversionError, Error, Result, StopReason},
    function::Function,
    objects::Object,
    value::Value,
};
use lunette_gc::value::Value as Raw;
use lunette_interpreter::{
    Frame, Machine, NativeResult, Step, Throw,
    image::ObjectName,
    machine::roots,
    metamethod::Event,
    native::{CAUGHT, Native},
    traceback::FrameView,
};
use std::{
    any::Any,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// A Rust function as the instance calls it.
pub(crate) type Erased = Box<dyn Fn(&mut Context<'_>, Vec<Value>) -> Result<Vec<Value>> + Send + Sync>;

/// A Rust function of copies, which any instance in any home can be given.
pub(crate) type OfCopies = dyn Fn(Vec<Data>) -> Result<Vec<Data>> + Send + Sync;

/// Rust functions by the names under which the configuration has them.
#[derive(Clone, Default)]
pub(crate) struct HostFunctions(BTreeMap<Arc<str>, HostFunction>);

/// A Rust function that has a name.
#[derive(Clone)]
struct HostFunction {
    /// As instances of the process call it.
    erased: Arc<Erased>,
    /// As partitions call it, if they can.
    #[cfg(feature = "partitions")]
    of_copies: Option<Arc<OfCopies>>,
}

impl std::fmt::Debug for HostFunctions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl HostFunctions {
    /// Adds a function.
    pub fn insert(&mut self, name: &str, function: Erased) {
        let function = HostFunction {
            erased: Arc::new(function),
            #[cfg(feature = "partitions")]
            of_copies: None,
        };
        self.0.insert(name.into(), function);
    }

    /// Adds a function of copies.
    pub fn insert_of_copies(&mut self, name: &str, function: Arc<OfCopies>) {
        let of_copies = function.clone();
        let erased = erase(move |_, arguments: Variadic<Data>| of_copies(arguments.0).map(Variadic));
        let function = HostFunction {
            erased: Arc::new(erased),
            #[cfg(feature = "partitions")]
            of_copies: Some(function),
        };
        self.0.insert(name.into(), function);
    }

    /// The function of this name.
    pub fn find(&self, name: &str) -> Option<Arc<Erased>> {
        self.0.get(name).map(|function| function.erased.clone())
    }

    /// The functions of copies, by name.
    #[cfg(feature = "partitions")]
    pub fn of_copies(&self) -> impl Iterator<Item = (&str, Arc<OfCopies>)> {
        self.0.iter().filter_map(|(name, function)| Some((&**name, function.of_copies.clone()?)))
    }

    /// What an image calls an object.
    pub fn name_of(&self, object: &Object) -> ObjectName {
        let address = Arc::as_ptr(object).cast::<()>();
        match self.0.iter().find(|(_, function)| Arc::as_ptr(&function.erased).cast::<()>() == address) {
            Some((name, _)) => ObjectName::Registered(name.as_bytes().to_vec()),
            None if object.is::<Erased>() => ObjectName::Function,
            None => ObjectName::Object,
        }
    }
}

/// Numbers of the API's native functions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Natives {
    pub function: u32,
    pub finalizer: u32,
    pub error_handler: u32,
    pub resume: u32,
    pub close: u32,
}

impl Natives {
    pub fn register(machine: &mut Machine) -> Natives {
        Natives {
            function: machine.register_native(Native::new("host.function", call_function).unyieldable()),
            finalizer: machine.register_native(Native::new("host.finalizer", finalize)),
            error_handler: machine.register_native(Native::new("host.error_handler", note_traceback)),
            resume: machine.register_native(Native::new("host.resume", resume).catching()),
            close: machine.register_native(Native::new("host.close", close).catching()),
        }
    }
}

/// A Rust function of any types as one of values.
pub(crate) fn erase<A: FromLuaMulti, R: IntoLuaMulti>(
    function: impl Fn(&mut Context<'_>, A) -> Result<R> + Send + Sync + 'static,
) -> Erased {
    Box::new(move |context, arguments| {
        let arguments = A::from_lua_multi(arguments, context)?;
        function(context, arguments)?.into_lua_multi(context)
    })
}

/// The Lua function for a Rust function.
pub(crate) fn new_function(context: &mut Context<'_>, function: Arc<Erased>) -> Result<Function> {
    let metatable = match context.state().function_metatable.clone() {
        Some(metatable) => metatable,
        None => {
            let metatable = crate::userdata::finalized_metatable(context)?;
            context.state().function_metatable = Some(metatable.clone());
            metatable
        }
    };
    let holder = crate::userdata::new_with_metatable(context, function, &metatable)?;
    let native = context.state().natives.function;
    let closure = context.allocate(|machine| machine.heap.new_native_closure(native, 1))?;
    let holder = context.resolve(&holder.0)?;
    context.machine.heap.native_values(closure)[0].set(holder);
    context.machine.heap.barrier(closure);
    Ok(Function(context.handle(Raw::NativeClosure(closure))?))
}

/// The object of a userdata.
fn object_of(machine: &mut Machine, value: Raw) -> Option<Arc<dyn Any + Send + Sync>> {
    let Raw::Userdata(userdata) = value else { return None };
    let number = machine.heap.get(userdata).object()?;
    machine.embedder.downcast_mut::<State>()?.objects.get(number)
}

fn call_function(machine: &mut Machine, frame: Frame) -> NativeResult {
    let holder = frame.closure_value(machine, 0);
    let Some(function) = object_of(machine, holder).and_then(|object| object.downcast::<Erased>().ok()) else {
        return Err(machine.native_error(format_args!("function of the host is finalized")));
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let context = &mut Context { machine };
        let arguments = (0..frame.count()).map(|index| context.wrap(frame.argument_or_nil(context.machine, index)));
        let arguments = arguments.collect::<Result<Vec<Value>>>()?;
        let results = function(context, arguments)?;
        results.iter().map(|value| context.unwrap(value)).collect::<Result<Vec<Raw>>>()
    }));
    match outcome {
        Ok(Ok(results)) => return_all(machine, frame, &results),
        Ok(Err(error)) => Err(throw(machine, frame, error)),
        Err(payload) => Err(panicked(machine, payload.as_ref())),
    }
}

fn return_all(machine: &mut Machine, frame: Frame, results: &[Raw]) -> NativeResult {
    if let &[result] = results {
        return frame.return_one(machine, result);
    }
    let count = results.len() as u32;
    if machine.reserve_slots(frame.window(), u64::from(count)) != Ok(true) {
        return Err(machine.native_error(format_args!("too many results")));
    }
    for (index, &value) in results.iter().enumerate() {
        machine.set_value(frame.window() + index as u32, value);
    }
    Ok(Step::Return { first: frame.window(), count })
}

/// The error of a Rust function as one of Lua.
fn throw(machine: &mut Machine, frame: Frame, error: Error) -> Throw {
    match error {
        Error::Runtime(error) => match (Context { machine }).unwrap(&error.value) {
            Ok(value) => machine.throw(value),
            Err(other) => machine.native_error(format_args!("{other}")),
        },
        // Not to be tried again, as the machine does for `Throw::Memory`: the function has run.
        Error::Memory => machine.throw(Raw::String(machine.event_name(Event::MemoryMessage))),
        Error::Stopped(reason) => machine.stop(reason),
        Error::Panicked(_) => machine.stop(StopReason::Interrupt),
        Error::Conversion(ConversionError { message, position: Some(position) }) => {
            let view = FrameView { thread: machine.current_thread(), base: frame.base() };
            let name = machine.function_name(view).map(|found| found.name);
            let name = name.or_else(|| machine.global_function_name(view)).unwrap_or_else(|| b"?".to_vec());
            let name = std::string::String::from_utf8_lossy(&name).into_owned();
            match position {
                0 => machine.native_error(format_args!("calling '{name}' on bad self ({message})")),
                _ => machine.native_error(format_args!("bad argument #{position} to '{name}' ({message})")),
            }
        }
        other => {
            let thrown = machine.native_error(format_args!("{other}"));
            if let Raw::String(message) = machine.pending_error() {
                let message = machine.bytes(message).to_vec();
                (Context { machine }).state().cause = Some((message, other));
            }
            thrown
        }
    }
}

/// What a panic said.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> std::string::String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<std::string::String>()) {
        (Some(message), _) => (*message).to_owned(),
        (_, Some(message)) => message.clone(),
        _ => std::string::String::from("(no message)"),
    }
}

/// A Rust function panicked: whatever it was doing is half done, so nothing may run in the instance any more.
fn panicked(machine: &mut Machine, payload: &(dyn Any + Send)) -> Throw {
    (Context { machine }).state().panic = Some(panic_message(payload));
    machine.stop(StopReason::Interrupt)
}

/// `__gc` of what stands for a Rust object: drops it.
fn finalize(machine: &mut Machine, frame: Frame) -> NativeResult {
    if let Raw::Userdata(userdata) = frame.argument_or_nil(machine, 0)
        && let Some(number) = machine.heap.get(userdata).object()
    {
        let object = (Context { machine }).state().objects.remove(number);
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(object))) {
            return Err(panicked(machine, payload.as_ref()));
        }
    }
    frame.return_none()
}

/// Message handler of errors that leave a call from Rust: keeps the traceback and gives the error value as it is.
fn note_traceback(machine: &mut Machine, frame: Frame) -> NativeResult {
    let traceback = machine.traceback(machine.current_thread(), None, 1);
    (Context { machine }).state().traceback = traceback;
    let error = frame.argument_or_nil(machine, 0);
    frame.return_one(machine, error)
}

/// Resumes a coroutine for Rust.
fn resume(machine: &mut Machine, frame: Frame) -> NativeResult {
    match frame.phase() {
        0 => match frame.argument_or_nil(machine, 0) {
            Raw::Thread(thread) => {
                frame.set_phase(machine, 1);
                Ok(Step::Resume { thread, first: frame.base() + 1, count: frame.count().saturating_sub(1) })
            }
            _ => Err(machine.native_error(format_args!("not a coroutine"))),
        },
        CAUGHT => Err(Throw::Error),
        _ => Ok(Step::Return { first: frame.window(), count: frame.result_count(machine) }),
    }
}

/// Closes a coroutine for Rust.
fn close(machine: &mut Machine, frame: Frame) -> NativeResult {
    use lunette_interpreter::coroutine::{DEAD, FAILED, SUSPENDED};
    match (frame.phase(), frame.argument_or_nil(machine, 0)) {
        (0, Raw::Thread(thread)) if matches!(machine.thread_status(thread), SUSPENDED | DEAD | FAILED) => {
            frame.set_phase(machine, 1);
            Ok(Step::CloseThread { thread })
        }
        (0, _) => Err(machine.native_error(format_args!("cannot close a running coroutine"))),
        (CAUGHT, _) => Err(Throw::Error),
        _ => frame.return_none(),
    }
}

/// Makes [`note_traceback`] the handler of the machine.
pub(crate) fn install_error_handler(context: &mut Context<'_>) -> Result<()> {
    let native = context.state().natives.error_handler;
    let closure = context.allocate(|machine| machine.heap.new_native_closure(native, 0))?;
    context.machine.heap.root(roots::HOST_HANDLER).set(Raw::NativeClosure(closure));
    Ok(())
}
