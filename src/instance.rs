//! Instances.

#[cfg(feature = "migration")]
mod transfer;

#[cfg(feature = "jit")]
use {
    crate::{
        engine::Jit,
        machine_code::{Explanation, MachineCode},
    },
    lunette_interpreter::{
        compiling::Compiling,
        machine_code,
        typed::native::{NativeCode, Refusal, Unit},
    },
    lunette_jit::Target,
};

use crate::{
    callback::{self, Natives},
    context::{AsContext, Context, State},
    engine::Configuration,
    error::{Error, Result},
    handle::HandleTable,
    host::{self, Process, Streams},
    objects::Objects,
    statistics::{Collection, Statistics},
};
#[cfg(feature = "migration")]
pub(crate) use transfer::arrive;

use lunette_gc::{heap::Heap, value::Value as Raw};
use lunette_interpreter::{Machine, limits};
use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

/// The smallest region that is tried when the system refuses larger ones.
const LEAST_REGION_BYTES: usize = 64 << 20;

/// A heap with its own globals, limits and streams, in which programs run. One thread at a time can use it; it can be
/// handed from one to another.
///
/// ```
/// use lunette::{AsContext, Engine};
///
/// let engine = Engine::default();
/// let (mut one, mut other) = (engine.instantiate()?, engine.instantiate()?);
/// one.exec("x = 1")?;
/// assert!(other.eval::<bool>("return x == nil")?);
/// // Values stay in their instance.
/// let table = one.table()?;
/// assert!(other.set("table", &table).is_err());
/// # Ok::<(), lunette::Error>(())
/// ```
pub struct Instance {
    machine: Box<Machine>,
}

impl fmt::Debug for Instance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Instance").field("memory_used", &self.memory_used()).finish_non_exhaustive()
    }
}

impl AsContext for Instance {
    fn as_context(&mut self) -> Context<'_> {
        Context { machine: &mut self.machine }
    }
}

impl Instance {
    pub(crate) fn new(configuration: &Configuration, streams: Streams) -> Result<Instance> {
        let mut instance = Instance::without_libraries(configuration, streams)?;
        let context = &mut instance.as_context();
        callback::install_error_handler(context)?;
        if configuration.ignores_environment {
            // Where `lua` notes its option -E for the library.
            let registry = context.machine.registry();
            let name = context.allocate(|machine| machine.heap.new_string(b"LUA_NOENV"))?;
            context
                .machine
                .raw_set(registry, Raw::String(name), Raw::Boolean(true))
                .map_err(|throw| context.error(throw))?;
        }
        for &library in &configuration.libraries {
            lunette_stdlib::open(context.machine, library).map_err(|throw| context.error(throw))?;
        }
        let machine = &mut instance.machine;
        machine.set_output_limit(configuration.output_limit);
        machine.set_fuel(configuration.fuel);
        instance.set_stress(configuration);
        Ok(instance)
    }

    /// What tests ask for.
    pub(crate) fn set_stress(&mut self, configuration: &Configuration) {
        self.machine.heap.set_stress(configuration.collection_stress);
        self.machine.set_snapshot_interval(configuration.snapshot_interval);
    }

    /// An instance in which all native functions are registered, and nothing else is done yet.
    pub(crate) fn without_libraries(configuration: &Configuration, streams: Streams) -> Result<Instance> {
        Ok(Instance::of_machine(configuration, new_machine(configuration, streams)?))
    }

    /// The instance of a machine to which nothing was done yet.
    pub(crate) fn of_machine(configuration: &Configuration, machine: Machine) -> Instance {
        let mut machine = Box::new(machine);
        let natives = Natives::register(&mut machine);
        let most_memory = machine.heap.memory_limit();
        machine.embedder = Box::new(State {
            handles: Arc::<HandleTable>::default(),
            objects: Objects::default(),
            host_functions: configuration.host_functions.clone(),
            metatables: HashMap::new(),
            function_metatable: None,
            natives,
            most_memory,
            traceback: Vec::new(),
            cause: None,
            data: HashMap::new(),
            panic: None,
            depth: 0,
            has_exited: false,
            is_closed: false,
            time_limit: configuration.time_limit.map(nanoseconds),
        });
        lunette_stdlib::register_all(&mut machine);
        #[cfg(feature = "jit")]
        let compiling = match configuration.jit {
            Jit::Off => None,
            Jit::On => Some(Compiling::Hot),
            Jit::Eager => Some(Compiling::Loaded),
            Jit::Chaos => Some(Compiling::Chaos),
        };
        #[cfg(feature = "jit")]
        if let Some(compiling) = compiling {
            machine.set_compiler(compile, compiling);
            machine.set_lua_compiler(compile_lua, compiling);
            if configuration.reports_machine_code {
                machine.record_native();
                machine.record_lua();
            }
        }
        Instance { machine }
    }

    /// Has nothing of the instance run any more.
    #[cfg(feature = "migration")]
    pub(crate) fn abandon(&mut self) {
        self.as_context().state().is_closed = true;
    }

    /// Whether nothing can be done with it any more.
    pub(crate) fn has_ended(&mut self) -> bool {
        let mut context = self.as_context();
        let state = context.state();
        state.is_closed || state.panic.is_some()
    }

    pub(crate) fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    pub(crate) fn machine_ref(&self) -> &Machine {
        &self.machine
    }

    /// Sets the fuel that is left; `None` for no limit.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.set_fuel(Some(100));
    /// assert!(instance.exec("for i = 1, 1000 do end").is_err());
    /// instance.set_fuel(Some(10_000));
    /// assert!(instance.exec("for i = 1, 1000 do end").is_ok());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn set_fuel(&mut self, fuel: Option<u64>) {
        self.machine.set_fuel(fuel);
    }

    /// The fuel that is left; `None` if there is no limit.
    ///
    /// ```
    /// # use lunette::{AsContext, Configuration, Engine};
    /// let mut instance = Engine::new(Configuration::new().fuel(1000)).instantiate()?;
    /// instance.exec("for i = 1, 10 do end")?;
    /// assert!(instance.fuel_left().is_some_and(|fuel| fuel < 1000));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn fuel_left(&self) -> Option<u64> {
        self.machine.fuel_left()
    }

    /// Sets the time that each call from outside may take; `None` for no limit.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// # use std::time::Duration;
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.set_time_limit(Some(Duration::from_millis(1)));
    /// assert!(instance.exec("while true do end").is_err());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn set_time_limit(&mut self, limit: Option<Duration>) {
        self.as_context().state().time_limit = limit.map(nanoseconds);
    }

    /// What stops the instance from another thread.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, Error, StopReason};
    /// let mut instance = Engine::default().instantiate()?;
    /// let interrupt = instance.interrupt_handle();
    /// let thread = std::thread::spawn(move || instance.exec("while true do end"));
    /// interrupt.interrupt();
    /// let stopped = thread.join().unwrap();
    /// assert!(matches!(stopped, Err(Error::Stopped(StopReason::Interrupt))));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle(self.machine.interrupt_handle())
    }

    /// Bytes of memory in use, garbage that was not collected yet included.
    ///
    /// ```
    /// # use lunette::Engine;
    /// assert!(Engine::default().instantiate()?.memory_used() > 0);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn memory_used(&self) -> u64 {
        self.machine.heap.used_bytes()
    }

    pub(crate) fn memory_limit(&self) -> u64 {
        self.machine.heap.memory_limit()
    }

    /// Sets the most bytes of memory the instance may use from now on; `None` for no limit. It cannot be raised beyond
    /// what the instance was made with.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Error};
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.set_memory_limit(Some(1 << 20));
    /// assert!(matches!(instance.exec("return ('x'):rep(1 << 24)"), Err(Error::Memory)));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn set_memory_limit(&mut self, bytes: Option<u64>) {
        let most = self.as_context().state().most_memory;
        self.machine.heap.set_memory_limit(bytes.unwrap_or(most).min(most));
    }

    /// Figures about what has happened in the instance.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.collect_garbage()?;
    /// assert!(instance.statistics().full_collections >= 1);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn statistics(&self) -> Statistics {
        Statistics::of(&self.machine)
    }

    /// What became machine code, what did not and why, and where machine code is left: for who makes a program fast.
    ///
    /// ```
    /// # use lunette::Engine;
    /// assert!(Engine::default().instantiate()?.machine_code().functions.is_empty());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "jit")]
    pub fn machine_code(&self) -> MachineCode {
        MachineCode::of(&self.machine)
    }

    /// What the hot functions of this name became on their way to machine code, if
    /// [`Configuration::reports_machine_code`](crate::Configuration::reports_machine_code).
    ///
    /// ```
    /// # use lunette::Engine;
    /// assert!(Engine::default().instantiate()?.explain_machine_code("sum").is_empty());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "jit")]
    pub fn explain_machine_code(&self, name: &str) -> Vec<Explanation> {
        Explanation::of(&self.machine, name)
    }

    /// Calls a function at the end of each collection.
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
    /// let count = Arc::new(AtomicU32::new(0));
    /// let counter = count.clone();
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.on_collection(move |collection| {
    ///     assert!(collection.after <= collection.before);
    ///     counter.fetch_add(1, Ordering::Relaxed);
    /// });
    /// instance.collect_garbage()?;
    /// assert_eq!(count.load(Ordering::Relaxed), 1);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn on_collection(&mut self, mut observer: impl FnMut(&Collection) + Send + 'static) {
        self.machine.observe_collections(Some(Box::new(move |collection, pause| {
            observer(&Collection::new(collection, pause));
        })));
    }

    /// Ends the instance as `lua_close` does: calls the finalizers of all objects, which closes files. Dropping an
    /// instance does it too, but tells nobody when a limit stops the finalizers.
    ///
    /// ```
    /// use lunette::{AsContext, Captured, Engine, Output, Streams};
    /// let output = Captured::new();
    /// let streams = Streams { output: Output::Captured(output.clone()), ..Streams::none() };
    /// let mut instance = Engine::default().instantiate_with(streams)?;
    /// instance.exec("object = setmetatable({}, {__gc = function() print('bye') end})")?;
    /// instance.close()?;
    /// assert_eq!(output.take(), b"bye\n");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn close(mut self) -> Result<()> {
        self.as_context().close()
    }

    /// Hands what the program has written, but the library still holds, to the standard output. Every call from outside
    /// does that at its end.
    ///
    /// ```
    /// # use lunette::Engine;
    /// Engine::default().instantiate()?.flush()?;
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn flush(&mut self) -> Result<()> {
        self.as_context().flush()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.as_context().close();
    }
}

fn nanoseconds(limit: Duration) -> u64 {
    u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX)
}

/// The home of an instance in this process.
fn new_process(configuration: &Configuration, streams: Streams) -> Result<Process> {
    let process = Process::new(configuration.grants.clone(), streams);
    #[cfg(feature = "jit")]
    let process = {
        let mut process = process;
        if let Some(bytes) = configuration.machine_code_limit {
            process = process.with_code_limit(usize::try_from(bytes).unwrap_or(usize::MAX));
        }
        if configuration.background_compilation {
            process = process.compiling_aside();
        }
        if configuration.perf_map {
            process = process.with_perf_map().map_err(|error| Error::External(Arc::new(error)))?;
        }
        process
    };
    Ok(process)
}

fn new_machine(configuration: &Configuration, streams: Streams) -> Result<Machine> {
    let memory_limit = configuration.memory_limit.unwrap_or(u64::MAX);
    let mut region_bytes = Heap::region_bytes(memory_limit);
    // Where addresses are limited, as by `ulimit -v`, a smaller region has to do.
    while region_bytes > LEAST_REGION_BYTES && !host::is_reservable(region_bytes) {
        region_bytes /= 2;
    }
    let host = Box::new(new_process(configuration, streams)?);
    // Where there are addresses, it is the limit that does not allow the least of what an instance needs.
    Machine::new(host, lunette_interpreter::Configuration { region_bytes, memory_limit })
        .map_err(|_| if host::is_reservable(region_bytes) { Error::Memory } else { Error::Reservation })
}

/// Compiles a function of WebAssembly.
#[cfg(feature = "jit")]
fn compile(unit: &Unit) -> std::result::Result<NativeCode, Refusal> {
    compiled(|| lunette_jit::typed::compile(unit, Target::Present))
}

/// Compiles a function of Lua.
#[cfg(feature = "jit")]
fn compile_lua(unit: &machine_code::Unit) -> std::result::Result<machine_code::NativeCode, Refusal> {
    compiled(|| lunette_jit::dynamic::compile(unit, Target::Present))
}

/// A fault of the compiler leaves the function to the interpreter, except in tests.
#[cfg(feature = "jit")]
fn compiled<C>(
    compile: impl FnOnce() -> std::result::Result<C, Refusal> + std::panic::UnwindSafe,
) -> std::result::Result<C, Refusal> {
    match cfg!(debug_assertions) {
        true => compile(),
        false => std::panic::catch_unwind(compile).unwrap_or(Err(Refusal::Failed)),
    }
}

/// Stops an instance from another thread; see [`Instance::interrupt_handle`].
///
/// An interrupt that comes while nothing runs stops the next call.
///
/// ```
/// use lunette::{AsContext, Engine, Error, StopReason};
/// let mut instance = Engine::default().instantiate()?;
/// let interrupt = instance.interrupt_handle();
/// let stop = instance.function(move |_, ()| Ok(interrupt.interrupt()))?;
/// instance.set("stop", &stop)?;
/// let stopped = instance.exec("stop(); while true do end");
/// assert!(matches!(stopped, Err(Error::Stopped(StopReason::Interrupt))));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct InterruptHandle(limits::InterruptHandle);

impl InterruptHandle {
    #[cfg(feature = "partitions")]
    pub(crate) fn from_flag(flag: Arc<std::sync::atomic::AtomicBool>) -> InterruptHandle {
        InterruptHandle(flag.into())
    }

    /// Makes the instance stop soon, with [`StopReason::Interrupt`](crate::StopReason::Interrupt).
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.interrupt_handle().interrupt();
    /// assert!(instance.exec("while true do end").is_err());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn interrupt(&self) {
        self.0.interrupt();
    }

    /// The flag behind the handle. Setting it interrupts, which a signal handler can do.
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// use std::sync::atomic::Ordering;
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.interrupt_handle().flag().store(true, Ordering::Release);
    /// assert!(instance.exec("while true do end").is_err());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn flag(&self) -> Arc<std::sync::atomic::AtomicBool> {
        self.0.flag()
    }
}
