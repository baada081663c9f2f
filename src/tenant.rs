//! Instances in either home, behind one interface.

#[cfg(feature = "jit")]
use crate::machine_code::{Explanation, MachineCode};
#[cfg(feature = "partitions")]
use crate::partition::Partition;
#[cfg(feature = "migration")]
use crate::raw::{self, Arriving, Origin};
use crate::{
    context::AsContext,
    convert::Variadic,
    data::Data,
    engine::{Configuration, Home},
    error::{Error, Result},
    host::Streams,
    instance::{Instance, InterruptHandle},
    profile::Profile,
    program::Program,
    snapshot::{AfterSnapshot, Snapshot, SnapshotHandle},
    statistics::{Collection, Statistics},
    value::Value,
};
use lunette_stdlib::prompt;
use std::{
    io::{Read, Write},
    sync::Mutex,
    time::Duration,
};

/// The most memory that the compiler may use for an instance in the process.
fn compiler_memory(instance: &Instance) -> usize {
    usize::try_from(instance.memory_limit()).unwrap_or(usize::MAX)
}

/// An instance in the home that its configuration names: the process, or a partition. What goes in and out are copies.
///
/// ```
/// use lunette::{Configuration, Data, Engine, Home, Program, Streams};
/// let program = Program::from_source("return double(...) + 1", "=program")?;
/// for home in [Home::Process, Home::Partition] {
///     let engine = Engine::new(Configuration::new().home(home));
///     let mut tenant = engine.tenant(Streams::none())?;
///     tenant.function("double", |arguments| match arguments[..] {
///         [Data::Integer(value), ..] => Ok(vec![Data::Integer(2 * value)]),
///         _ => Err(lunette::Error::message("an integer is wanted")),
///     })?;
///     assert_eq!(tenant.run(&program, &[Data::Integer(20)])?, [Data::Integer(41)]);
/// }
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Debug)]
pub struct Tenant(Inner);

#[derive(Debug)]
enum Inner {
    Hosted(Instance),
    #[cfg(feature = "partitions")]
    Isolated(Box<Partition>),
}

impl From<Instance> for Tenant {
    fn from(instance: Instance) -> Tenant {
        Tenant(Inner::Hosted(instance))
    }
}

impl Tenant {
    pub(crate) fn new(configuration: &Configuration, streams: Streams) -> Result<Tenant> {
        match configuration.home {
            Home::Process => Ok(Tenant(Inner::Hosted(Instance::new(configuration, streams)?))),
            #[cfg(feature = "partitions")]
            Home::Partition => Ok(Tenant(Inner::Isolated(Box::new(Partition::new(configuration, streams)?)))),
            #[cfg(not(feature = "partitions"))]
            Home::Partition => Err(Error::Unavailable("this program was built without partitions".to_owned())),
        }
    }

    pub(crate) fn restore(configuration: &Configuration, image: impl Read, streams: Streams) -> Result<Tenant> {
        match configuration.home {
            Home::Process => crate::snapshot::restore(configuration, image, streams).map(Tenant::from),
            #[cfg(feature = "partitions")]
            Home::Partition => Partition::restore(configuration, image, streams).map(Tenant::isolated),
            #[cfg(not(feature = "partitions"))]
            Home::Partition => Err(Error::Unavailable("this program was built without partitions".to_owned())),
        }
    }

    /// Whether memory of an instance that comes from such a place can be taken up as it is.
    #[cfg(feature = "migration")]
    pub(crate) fn takes(configuration: &Configuration, origin: &Origin) -> bool {
        match (configuration.home, origin) {
            #[cfg(feature = "partitions")]
            (Home::Partition, Origin::Partition { build, .. }) => build == lunette_hw_bridge::BUILD,
            (Home::Process, Origin::Process { build, .. }) => Some(build) == raw::build(),
            _ => false,
        }
    }

    /// Prepares for an instance that comes from a place whose memory can be taken up as it is.
    #[cfg(feature = "migration")]
    pub(crate) fn arrive(
        configuration: &Configuration,
        origin: &Origin,
        streams: Streams,
    ) -> Result<Box<dyn Arriving>> {
        match origin {
            Origin::Process { region, limit, .. } => crate::instance::arrive(configuration, *region, *limit, streams),
            #[cfg(feature = "partitions")]
            Origin::Partition { memory, .. } => crate::partition::arrive(configuration, *memory, streams),
        }
    }

    /// Drops an instance of which nothing may run here.
    #[cfg(feature = "migration")]
    pub(crate) fn abandon(self) {
        match self.0 {
            Inner::Hosted(mut instance) => instance.abandon(),
            #[cfg(feature = "partitions")]
            Inner::Isolated(mut partition) => partition.abandon(),
        }
    }

    #[cfg(feature = "partitions")]
    pub(crate) fn isolated(partition: Partition) -> Tenant {
        Tenant(Inner::Isolated(Box::new(partition)))
    }

    #[cfg(feature = "partitions")]
    pub(crate) fn into_isolated(self) -> Result<Partition> {
        match self.0 {
            Inner::Hosted(_) => Err(Error::message("the instance lives in the process")),
            Inner::Isolated(partition) => Ok(*partition),
        }
    }

    /// The instance, if it lives in the process.
    ///
    /// ```
    /// # use lunette::{Engine, Streams};
    /// assert!(Engine::default().tenant(Streams::none())?.instance().is_some());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn instance(&mut self) -> Option<&mut Instance> {
        match &mut self.0 {
            Inner::Hosted(instance) => Some(instance),
            #[cfg(feature = "partitions")]
            Inner::Isolated(_) => None,
        }
    }

    /// Runs a program with these arguments.
    ///
    /// ```
    /// # use lunette::{Data, Engine, Program, Streams};
    /// let mut tenant = Engine::default().tenant(Streams::none())?;
    /// let program = Program::from_source("return ...", "=program")?;
    /// assert_eq!(tenant.run(&program, &[1.into(), "x".into()])?, [Data::from(1), Data::from("x")]);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn run(&mut self, program: &Program, arguments: &[Data]) -> Result<Vec<Data>> {
        match &mut self.0 {
            Inner::Hosted(instance) => {
                let results: Variadic<Data> = instance.run(program, Variadic(arguments.to_vec()))?;
                Ok(results.0)
            }
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.run(&program.to_bytes(), b"=?", arguments, true),
        }
    }

    /// Runs what is in a file, source or a compiled program, under this name. The home of the instance reads it: a
    /// partition shields from the source as well.
    ///
    /// ```
    /// # use lunette::{Engine, Error, Streams};
    /// let mut tenant = Engine::default().tenant(Streams::none())?;
    /// tenant.run_file("#!/usr/bin/env lunette\nx = 1", "@x.lua", &[])?;
    /// assert!(matches!(tenant.run_file("x = ", "@x.lua", &[]), Err(Error::Syntax(_))));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn run_file(
        &mut self,
        content: impl AsRef<[u8]>,
        name: impl AsRef<[u8]>,
        arguments: &[Data],
    ) -> Result<Vec<Data>> {
        match &mut self.0 {
            Inner::Hosted(instance) => {
                let program = Program::from_file_within(content.as_ref(), name.as_ref(), compiler_memory(instance))?;
                self.run(&program, arguments)
            }
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.run(content.as_ref(), name.as_ref(), arguments, true),
        }
    }

    /// As [`Tenant::run_file`], where nobody wants what the program returns, which may be anything.
    ///
    /// ```
    /// # use lunette::{Engine, Streams};
    /// let mut tenant = Engine::default().tenant(Streams::none())?;
    /// assert!(tenant.run_file("return print", "=x", &[]).is_err());
    /// assert!(tenant.execute_file("return print", "=x", &[]).is_ok());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn execute_file(
        &mut self,
        content: impl AsRef<[u8]>,
        name: impl AsRef<[u8]>,
        arguments: &[Data],
    ) -> Result<()> {
        match &mut self.0 {
            Inner::Hosted(instance) => {
                let program = Program::from_file_within(content.as_ref(), name.as_ref(), compiler_memory(instance))?;
                instance.run(&program, Variadic(arguments.to_vec()))
            }
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.run(content.as_ref(), name.as_ref(), arguments, false).map(drop),
        }
    }

    /// Runs an entry, which is what somebody typed in at a prompt, and prints what it gives by the global function `print`:
    /// the values of an expression, or what a program returns. The home of the instance compiles it.
    ///
    /// ```
    /// # use lunette::{Captured, Configuration, Engine, Home, Output, Streams};
    /// for home in [Home::Process, Home::Partition] {
    ///     let output = Captured::new();
    ///     let streams = Streams { output: Output::Captured(output.clone()), ..Streams::none() };
    ///     let mut tenant = Engine::new(Configuration::new().home(home)).tenant(streams)?;
    ///     tenant.enter("x = 20")?;
    ///     tenant.enter("x + 1, 'y'")?;
    ///     assert_eq!(output.take(), b"21\ty\n");
    /// }
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn enter(&mut self, entry: impl AsRef<[u8]>) -> Result<()> {
        match &mut self.0 {
            Inner::Hosted(instance) => {
                let program = Program::of_entry(entry.as_ref(), compiler_memory(instance))?;
                let values: Variadic<Value> = instance.run(&program, ())?;
                if values.0.is_empty() {
                    return Ok(());
                }
                let context = &mut instance.as_context();
                let print: Value = context.get("print")?;
                let print = context.unwrap(&print)?;
                let values = values.0.iter().map(|value| context.unwrap(value)).collect::<Result<Vec<_>>>()?;
                context.call_raw(print, &values).map(drop).map_err(|error| match error {
                    Error::Runtime(error) => Error::message(prompt::cannot_print(error)),
                    error => error,
                })
            }
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.enter(entry.as_ref()),
        }
    }

    /// Whether an entry is code. A prompt asks for more if the error [says](Error::is_incomplete) that some is missing.
    ///
    /// ```
    /// # use lunette::{Engine, Streams};
    /// let mut tenant = Engine::default().tenant(Streams::none())?;
    /// assert!(tenant.check_entry("1 + 1").is_ok());
    /// assert!(tenant.check_entry("for i = 1, 2 do").unwrap_err().is_incomplete());
    /// assert!(!tenant.check_entry("for for").unwrap_err().is_incomplete());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn check_entry(&mut self, entry: impl AsRef<[u8]>) -> Result<()> {
        match &mut self.0 {
            Inner::Hosted(instance) => Program::of_entry(entry.as_ref(), compiler_memory(instance)).map(drop),
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.check_entry(entry.as_ref()),
        }
    }

    /// The names of variables, fields and keywords that can stand for the last name in the text of an entry, and where in
    /// the text that begins. Those of functions come with a parenthesis.
    ///
    /// ```
    /// # use lunette::{Engine, Streams};
    /// let mut tenant = Engine::default().tenant(Streams::none())?;
    /// tenant.enter("moon = {phase = 1, rise = function() end} name = 'x'")?;
    /// assert_eq!(tenant.complete_entry("print(moon.p")?, (11, vec!["phase".to_owned()]));
    /// assert_eq!(tenant.complete_entry("x = moon:r")?, (9, vec!["rise(".to_owned()]));
    /// assert_eq!(tenant.complete_entry("name:rev")?, (5, vec!["reverse(".to_owned()]));
    /// assert_eq!(tenant.complete_entry("repea")?, (0, vec!["repeat".to_owned()]));
    /// assert_eq!(tenant.complete_entry("é mo")?.1, ["moon"]);
    /// assert!(tenant.complete_entry("nothing.at.all")?.1.is_empty());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn complete_entry(&mut self, text: &str) -> Result<(usize, Vec<String>)> {
        match &mut self.0 {
            Inner::Hosted(instance) => Ok(prompt::complete(instance.machine(), text)),
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.complete(text),
        }
    }

    /// Whether nothing can be done with the instance any more: the partition was ended, the program has gone elsewhere, or
    /// a function of the host has panicked.
    ///
    /// ```
    /// # use lunette::{Engine, Streams};
    /// let mut tenant = Engine::default().tenant(Streams::none())?;
    /// assert!(tenant.enter("error('oops')").is_err() && !tenant.has_ended());
    /// tenant.function("fail", |_| panic!("oops"))?;
    /// assert!(tenant.enter("fail()").is_err() && tenant.has_ended());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn has_ended(&mut self) -> bool {
        match &mut self.0 {
            Inner::Hosted(instance) => instance.has_ended(),
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.has_ended(),
        }
    }

    /// Calls a global function.
    ///
    /// ```
    /// # use lunette::{Data, Engine, Streams};
    /// let mut tenant = Engine::default().tenant(Streams::none())?;
    /// assert_eq!(tenant.call("tostring", &[12.into()])?, [Data::from("12")]);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn call(&mut self, name: &str, arguments: &[Data]) -> Result<Vec<Data>> {
        match &mut self.0 {
            Inner::Hosted(instance) => {
                let results: Variadic<Data> = instance.call(name, Variadic(arguments.to_vec()))?;
                Ok(results.0)
            }
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.call(name, arguments),
        }
    }

    /// The value of a global variable.
    ///
    /// ```
    /// # use lunette::{Data, Engine, Streams};
    /// let mut tenant = Engine::default().tenant(Streams::none())?;
    /// tenant.set("x", &Data::from(1.5))?;
    /// assert_eq!(tenant.get("x")?, Data::Float(1.5));
    /// assert!(tenant.get("print").is_err());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn get(&mut self, name: &str) -> Result<Data> {
        match &mut self.0 {
            Inner::Hosted(instance) => instance.get(name),
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.get(name),
        }
    }

    /// Sets a global variable.
    ///
    /// ```
    /// # use lunette::{Data, Engine, Streams};
    /// let mut tenant = Engine::default().tenant(Streams::none())?;
    /// tenant.set("list", &["a", "b"].into_iter().map(Data::from).collect())?;
    /// tenant.run_file("assert(#list == 2 and list[2] == 'b')", "=check", &[])?;
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn set(&mut self, name: &str, value: &Data) -> Result<()> {
        match &mut self.0 {
            Inner::Hosted(instance) => instance.set(name, value),
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.set(name, value),
        }
    }

    /// Makes a function that the configuration has under a name, by [`Configuration::tenant_function`], a global function.
    /// Unlike others it can be in an image, and is found by its name where that is restored.
    ///
    /// ```
    /// # use lunette::{Configuration, Data, Engine, Streams};
    /// let configuration = Configuration::new().tenant_function("app.version", |_| Ok(vec!["1.2".into()]));
    /// let mut tenant = Engine::new(configuration).tenant(Streams::none())?;
    /// tenant.host_function("version", "app.version")?;
    /// assert_eq!(tenant.run_file("return version()", "=program", &[])?, [Data::from("1.2")]);
    /// assert!(tenant.host_function("other", "app.other").is_err());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn host_function(&mut self, global: &str, name: &str) -> Result<()> {
        match &mut self.0 {
            Inner::Hosted(instance) => {
                let function = instance.host_function(name)?;
                instance.set(global, &function)
            }
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.host_function(global, name),
        }
    }

    /// Makes a Rust function a global function. In a partition, calls of it leave to the process and come back. It has no
    /// name by which an image could know it: see [`Tenant::host_function`] for functions that have.
    ///
    /// ```
    /// # use lunette::{Data, Engine, Streams};
    /// let mut tenant = Engine::default().tenant(Streams::none())?;
    /// let mut count = 0;
    /// tenant.function("count", move |_| {
    ///     count += 1;
    ///     Ok(vec![Data::Integer(count)])
    /// })?;
    /// tenant.run_file("count(); x = count()", "=program", &[])?;
    /// assert_eq!(tenant.get("x")?, Data::Integer(2));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn function(
        &mut self,
        name: &str,
        function: impl FnMut(Vec<Data>) -> Result<Vec<Data>> + Send + 'static,
    ) -> Result<()> {
        match &mut self.0 {
            Inner::Hosted(instance) => {
                let function = Mutex::new(function);
                let function = instance.function(move |_, arguments: Variadic<Data>| {
                    let mut function = function.try_lock().map_err(|_| Error::message("the function is running"))?;
                    Ok(Variadic(function(arguments.0)?))
                })?;
                instance.set(name, &function)
            }
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.function(name, Box::new(function)),
        }
    }

    /// What stops the instance from another thread.
    ///
    /// ```
    /// # use lunette::{Engine, Error, StopReason, Streams};
    /// let mut tenant = Engine::default().tenant(Streams::none())?;
    /// tenant.interrupt_handle().interrupt();
    /// let stopped = tenant.run_file("while true do end", "=loop", &[]);
    /// assert!(matches!(stopped, Err(Error::Stopped(StopReason::Interrupt))));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn interrupt_handle(&self) -> InterruptHandle {
        match &self.0 {
            Inner::Hosted(instance) => instance.interrupt_handle(),
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => InterruptHandle::from_flag(partition.interrupt_flag()),
        }
    }

    /// Writes an image of the instance, which is idle; see [`Instance::snapshot`].
    ///
    /// ```
    /// # use lunette::{Configuration, Data, Engine, Home, Streams};
    /// let here = Engine::default();
    /// let there = Engine::new(Configuration::new().home(Home::Partition));
    /// let mut tenant = here.tenant(Streams::none())?;
    /// tenant.set("x", &Data::Integer(1))?;
    /// let mut image = Vec::new();
    /// tenant.snapshot(&mut image)?;
    /// // It goes on in the other home, and its image is the same there.
    /// let mut tenant = there.restore_tenant(&image[..], Streams::none())?;
    /// assert_eq!(tenant.get("x")?, Data::Integer(1));
    /// let mut other = Vec::new();
    /// there.restore_tenant(&image[..], Streams::none())?.snapshot(&mut other)?;
    /// assert!(image == other);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn snapshot(&mut self, sink: impl Write) -> Result<()> {
        match &mut self.0 {
            Inner::Hosted(instance) => instance.snapshot(sink),
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.snapshot(sink),
        }
    }

    /// Sets who decides about snapshots of a program that runs; see [`Instance::on_snapshot`].
    ///
    /// ```
    /// # use lunette::{AfterSnapshot, Configuration, Data, Engine, Error, Home, StopReason, Streams};
    /// # use std::sync::{Arc, Mutex};
    /// let engine = Engine::new(Configuration::new().home(Home::Partition));
    /// let mut tenant = engine.tenant(Streams::none())?;
    /// let image = Arc::new(Mutex::new(Vec::new()));
    /// let kept = image.clone();
    /// tenant.on_snapshot(move |snapshot| {
    ///     snapshot.write(&mut *kept.lock().unwrap())?;
    ///     Ok(AfterSnapshot::Stop)
    /// });
    /// let stopped = tenant.run_file("local x = 6; lunette.snapshot(); return x * 7", "=program", &[]);
    /// assert!(matches!(stopped, Err(Error::Stopped(StopReason::Snapshot))));
    /// let mut restored = engine.restore_tenant(&image.lock().unwrap()[..], Streams::none())?;
    /// assert_eq!(restored.resume()?, [Data::Integer(42)]);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn on_snapshot(&mut self, keeper: impl FnMut(&mut Snapshot<'_>) -> Result<AfterSnapshot> + Send + 'static) {
        match &mut self.0 {
            Inner::Hosted(instance) => instance.on_snapshot(keeper),
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.on_snapshot(Box::new(keeper)),
        }
    }

    /// What asks for a snapshot from another thread; see [`Instance::snapshot_handle`].
    ///
    /// ```
    /// # use lunette::{AfterSnapshot, Engine, Error, StopReason, Streams};
    /// let mut tenant = Engine::default().tenant(Streams::none())?;
    /// tenant.on_snapshot(|_| Ok(AfterSnapshot::Stop));
    /// tenant.snapshot_handle().request();
    /// let stopped = tenant.run_file("while true do end", "=loop", &[]);
    /// assert!(matches!(stopped, Err(Error::Stopped(StopReason::Snapshot))));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn snapshot_handle(&self) -> SnapshotHandle {
        match &self.0 {
            Inner::Hosted(instance) => instance.snapshot_handle(),
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => SnapshotHandle::from_flag(partition.snapshot_flag()),
        }
    }

    /// Goes on with the program that ran when the image was written; what it returns.
    ///
    /// ```
    /// # use lunette::{Engine, Streams};
    /// let engine = Engine::default();
    /// let mut image = Vec::new();
    /// engine.tenant(Streams::none())?.snapshot(&mut image)?;
    /// // None ran.
    /// assert_eq!(engine.restore_tenant(&image[..], Streams::none())?.resume()?, []);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn resume(&mut self) -> Result<Vec<Data>> {
        match &mut self.0 {
            Inner::Hosted(instance) => instance.resume::<Variadic<Data>>().map(|results| results.0),
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.resume(true),
        }
    }

    /// As [`Tenant::resume`], where nobody wants what the program returns, which may be anything.
    ///
    /// ```
    /// # use lunette::{Engine, Streams};
    /// let engine = Engine::default();
    /// let mut image = Vec::new();
    /// engine.tenant(Streams::none())?.snapshot(&mut image)?;
    /// engine.restore_tenant(&image[..], Streams::none())?.execute_rest()?;
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn execute_rest(&mut self) -> Result<()> {
        match &mut self.0 {
            Inner::Hosted(instance) => instance.resume(),
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.resume(false).map(drop),
        }
    }

    /// Figures about what has happened in the instance.
    ///
    /// ```
    /// # use lunette::{Engine, Streams};
    /// let mut tenant = Engine::default().tenant(Streams::none())?;
    /// assert!(tenant.statistics()?.used_bytes > 0);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn statistics(&mut self) -> Result<Statistics> {
        match &mut self.0 {
            Inner::Hosted(instance) => Ok(instance.statistics()),
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.statistics(),
        }
    }

    /// What became machine code, what did not and why, and where machine code is left; see [`Instance::machine_code`].
    ///
    /// ```
    /// # use lunette::{Configuration, Engine, Home, Jit, Streams};
    /// for home in [Home::Process, Home::Partition] {
    ///     let mut tenant = Engine::new(Configuration::new().home(home).jit(Jit::Eager)).tenant(Streams::none())?;
    ///     tenant.run_file("return 6 * 7", "=x", &[])?;
    ///     assert_eq!(tenant.machine_code()?.functions.len(), 1);
    /// }
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "jit")]
    pub fn machine_code(&mut self) -> Result<MachineCode> {
        match &mut self.0 {
            Inner::Hosted(instance) => Ok(instance.machine_code()),
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.machine_code(),
        }
    }

    /// What the hot functions of this name became on their way to machine code; see [`Instance::explain_machine_code`].
    ///
    /// ```
    /// # use lunette::{Configuration, Engine, Home, Jit, Streams};
    /// for home in [Home::Process, Home::Partition] {
    ///     let configuration = Configuration::new().home(home).jit(Jit::Eager).reports_machine_code(true);
    ///     let mut tenant = Engine::new(configuration).tenant(Streams::none())?;
    ///     tenant.run_file("return ... * 7", "=x", &[6.into()])?;
    ///     assert!(tenant.explain_machine_code("x:0")?[0].clif.contains("function"));
    /// }
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "jit")]
    pub fn explain_machine_code(&mut self, name: &str) -> Result<Vec<Explanation>> {
        match &mut self.0 {
            Inner::Hosted(instance) => Ok(instance.explain_machine_code(name)),
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.explain_machine_code(name),
        }
    }

    /// Notes from now on, about as often as this, which functions are on the stack; see [`Instance::start_profile`].
    ///
    /// ```
    /// # use lunette::{Configuration, Engine, Home, Streams};
    /// # use std::time::Duration;
    /// for home in [Home::Process, Home::Partition] {
    ///     let mut tenant = Engine::new(Configuration::new().home(home)).tenant(Streams::none())?;
    ///     tenant.start_profile(Duration::from_millis(1))?;
    ///     tenant.run_file("local x = 0; for i = 1, 10000000 do x = x + i % 7 end", "=x", &[])?;
    ///     assert!(tenant.take_profile()?.folded().starts_with("main chunk (x) "));
    /// }
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn start_profile(&mut self, interval: Duration) -> Result<()> {
        match &mut self.0 {
            Inner::Hosted(instance) => {
                instance.start_profile(interval);
                Ok(())
            }
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.start_profile(interval),
        }
    }

    /// Ends what [`Tenant::start_profile`] began, and gives what was found out.
    ///
    /// ```
    /// # use lunette::{Engine, Streams};
    /// assert_eq!(Engine::default().tenant(Streams::none())?.take_profile()?.samples(), 0);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn take_profile(&mut self) -> Result<Profile> {
        match &mut self.0 {
            Inner::Hosted(instance) => Ok(instance.take_profile()),
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.take_profile(),
        }
    }

    /// Calls a function for every collection that is completed; see [`Instance::on_collection`]. A partition tells of them
    /// a little later.
    ///
    /// A program that has just come from another process cannot be told to: an error says so.
    ///
    /// ```
    /// # use lunette::{Configuration, Engine, Home, Streams};
    /// # use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
    /// for home in [Home::Process, Home::Partition] {
    ///     let mut tenant = Engine::new(Configuration::new().home(home)).tenant(Streams::none())?;
    ///     let count = Arc::new(AtomicU64::new(0));
    ///     let counter = count.clone();
    ///     tenant.on_collection(move |_| drop(counter.fetch_add(1, Ordering::Relaxed)))?;
    ///     tenant.execute_file("collectgarbage() collectgarbage()", "=program", &[])?;
    ///     assert_eq!(count.load(Ordering::Relaxed), 2);
    /// }
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn on_collection(&mut self, observer: impl FnMut(&Collection) + Send + 'static) -> Result<()> {
        match &mut self.0 {
            Inner::Hosted(instance) => {
                instance.on_collection(observer);
                Ok(())
            }
            #[cfg(feature = "partitions")]
            Inner::Isolated(partition) => partition.on_collection(Box::new(observer)),
        }
    }

    /// Ends the instance as `lua_close` does. Dropping it does so too, but tells nobody of errors.
    ///
    /// ```
    /// # use lunette::{Engine, Streams};
    /// Engine::default().tenant(Streams::none())?.close()?;
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn close(self) -> Result<()> {
        match self.0 {
            Inner::Hosted(instance) => instance.close(),
            #[cfg(feature = "partitions")]
            Inner::Isolated(mut partition) => partition.close(),
        }
    }
}
