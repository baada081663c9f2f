//! Engines: the configuration that instances are made with.

use crate::{
    callback::{self, HostFunctions},
    context::Context,
    convert::{FromLuaMulti, IntoLuaMulti},
    data::Data,
    error::{Error, Result},
    host::{Grants, Streams},
    instance::Instance,
    program::Program,
    snapshot::ImageReport,
    tenant::Tenant,
};
use std::{io::Read, sync::Arc, time::Duration};

pub use lunette_stdlib::Library;

/// What instances are made with: limits, libraries, grants.
///
/// ```
/// use lunette::{AsContext, Configuration, Engine, Error, Library, StopReason};
///
/// let configuration = Configuration::new()
///     .memory_limit(16 << 20)
///     .fuel(1_000_000)
///     .libraries(&[Library::Base, Library::String]);
/// let mut instance = Engine::new(configuration).instantiate()?;
/// assert!(instance.eval::<bool>("return io == nil")?);
/// let endless = instance.exec("while true do end");
/// assert!(matches!(endless, Err(Error::Stopped(StopReason::Fuel))));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Configuration {
    pub(crate) memory_limit: Option<u64>,
    pub(crate) fuel: Option<u64>,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) output_limit: Option<u64>,
    pub(crate) libraries: Vec<Library>,
    pub(crate) grants: Grants,
    pub(crate) ignores_environment: bool,
    pub(crate) collection_stress: u32,
    #[cfg(feature = "jit")]
    pub(crate) jit: Jit,
    #[cfg(feature = "jit")]
    pub(crate) machine_code_limit: Option<u64>,
    #[cfg(feature = "jit")]
    pub(crate) background_compilation: bool,
    #[cfg(feature = "jit")]
    pub(crate) reports_machine_code: bool,
    #[cfg(feature = "jit")]
    pub(crate) perf_map: bool,
    pub(crate) home: Home,
    #[cfg(feature = "partitions")]
    pub(crate) processor_share: Option<f64>,
    #[cfg(feature = "partitions")]
    pub(crate) monitor: Option<std::path::PathBuf>,
    pub(crate) snapshot_interval: u32,
    pub(crate) host_functions: HostFunctions,
}

/// When functions are compiled to machine code, in either home. Clones of a template do as it did.
///
/// ```
/// # use lunette::{AsContext, Configuration, Engine, Jit};
/// let mut instance = Engine::new(Configuration::new().jit(Jit::Off)).instantiate()?;
/// assert_eq!(instance.eval::<i64>("return 6 * 7")?, 42);
/// # Ok::<(), lunette::Error>(())
/// ```
#[cfg(feature = "jit")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jit {
    /// Never.
    Off,
    /// When they are hot.
    #[default]
    On,
    /// When they are first called: for tests.
    Eager,
    /// The same; and machine code goes on in the interpreter now and then wherever it might have to: for tests. When that is
    /// depends on the program alone.
    Chaos,
}

/// Where an instance lives.
///
/// ```
/// # use lunette::{Configuration, Engine, Home, Streams};
/// let in_partitions = Engine::new(Configuration::new().home(Home::Partition));
/// assert!(in_partitions.instantiate().is_err());
/// assert!(in_partitions.tenant(Streams::none()).is_ok());
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Home {
    /// In the process: quick to start, and as safe as the runtime is free of errors.
    #[default]
    Process,
    /// In a KVM partition of its own, with nothing but the runtime in it: for other people's code.
    Partition,
}

impl Default for Configuration {
    fn default() -> Self {
        Configuration {
            memory_limit: None,
            fuel: None,
            time_limit: None,
            output_limit: None,
            libraries: Library::ALL.to_vec(),
            grants: Grants::NONE,
            ignores_environment: false,
            collection_stress: 0,
            #[cfg(feature = "jit")]
            jit: Jit::default(),
            #[cfg(feature = "jit")]
            machine_code_limit: None,
            #[cfg(feature = "jit")]
            background_compilation: true,
            #[cfg(feature = "jit")]
            reports_machine_code: false,
            #[cfg(feature = "jit")]
            perf_map: false,
            home: Home::Process,
            #[cfg(feature = "partitions")]
            processor_share: None,
            #[cfg(feature = "partitions")]
            monitor: None,
            snapshot_interval: 0,
            host_functions: HostFunctions::default(),
        }
    }
}

impl Configuration {
    /// All libraries, no grants, no limits.
    ///
    /// ```
    /// # use lunette::{AsContext, Configuration, Engine};
    /// let mut instance = Engine::new(Configuration::new()).instantiate()?;
    /// assert!(instance.eval::<bool>("return os.getenv('HOME') == nil")?);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The most bytes of memory an instance may use. Beyond it, programs get the error `not enough memory`, which they
    /// can catch.
    ///
    /// ```
    /// # use lunette::{AsContext, Configuration, Engine, Error};
    /// let mut instance = Engine::new(Configuration::new().memory_limit(1 << 20)).instantiate()?;
    /// assert!(matches!(instance.exec("return ('x'):rep(1 << 24)"), Err(Error::Memory)));
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn memory_limit(self, bytes: u64) -> Self {
        Configuration { memory_limit: Some(bytes), ..self }
    }

    /// The fuel an instance has: about one unit for each instruction it executes, and for each byte or element its
    /// library functions work on. When it is used up, the instance stops; see
    /// [`Instance::set_fuel`](crate::Instance::set_fuel).
    ///
    /// ```
    /// # use lunette::{AsContext, Configuration, Engine, Error, StopReason};
    /// let mut instance = Engine::new(Configuration::new().fuel(10_000)).instantiate()?;
    /// let stopped = instance.exec("pcall(function() while true do end end)");
    /// assert!(matches!(stopped, Err(Error::Stopped(StopReason::Fuel))));
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn fuel(self, units: u64) -> Self {
        Configuration { fuel: Some(units), ..self }
    }

    /// The time that each call from outside may take.
    ///
    /// ```
    /// # use lunette::{AsContext, Configuration, Engine, Error, StopReason};
    /// use std::time::Duration;
    /// let configuration = Configuration::new().time_limit(Duration::from_millis(5));
    /// let mut instance = Engine::new(configuration).instantiate()?;
    /// assert!(matches!(instance.exec("while true do end"), Err(Error::Stopped(StopReason::Time))));
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn time_limit(self, limit: Duration) -> Self {
        Configuration { time_limit: Some(limit), ..self }
    }

    /// The most bytes an instance may write, to all its streams together.
    ///
    /// ```
    /// # use lunette::{AsContext, Configuration, Engine, Error, StopReason};
    /// let mut instance = Engine::new(Configuration::new().output_limit(1000)).instantiate()?;
    /// let stopped = instance.exec("while true do print('spam') end");
    /// assert!(matches!(stopped, Err(Error::Stopped(StopReason::Output))));
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn output_limit(self, bytes: u64) -> Self {
        Configuration { output_limit: Some(bytes), ..self }
    }

    /// The libraries that programs find; all if not set.
    ///
    /// ```
    /// # use lunette::{AsContext, Configuration, Engine};
    /// let mut instance = Engine::new(Configuration::new().libraries(&[])).instantiate()?;
    /// assert!(instance.eval::<bool>("return print == nil")?);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[must_use]
    pub fn libraries(self, libraries: &[Library]) -> Self {
        Configuration { libraries: libraries.to_vec(), ..self }
    }

    /// What of the outside world programs may use; nothing if not set.
    ///
    /// ```
    /// # use lunette::{AsContext, Configuration, Engine, Grants};
    /// let engine = Engine::new(Configuration::new().grants(Grants::ALL));
    /// assert!(engine.instantiate()?.eval::<bool>("return os.getenv('PATH') ~= nil")?);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[must_use]
    pub fn grants(self, grants: Grants) -> Self {
        Configuration { grants, ..self }
    }

    /// Keeps the libraries from looking at variables such as `LUA_PATH`; programs may still read them if that is granted.
    ///
    /// ```
    /// # use lunette::{AsContext, Configuration, Engine, Grants};
    /// let configuration = Configuration::new().grants(Grants::ALL).ignore_environment();
    /// let mut instance = Engine::new(configuration).instantiate()?;
    /// assert!(instance.eval::<String>("return package.path")?.ends_with("./?/init.lua"));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[must_use]
    pub fn ignore_environment(self) -> Self {
        Configuration { ignores_environment: true, ..self }
    }

    /// Where the instance lives. Instances in partitions are made by [`Engine::tenant`] and [`Engine::template`] only;
    /// the other functions refuse such a configuration.
    ///
    /// ```
    /// # use lunette::{Configuration, Engine, Home, Streams};
    /// let engine = Engine::new(Configuration::new().home(Home::Partition));
    /// assert!(engine.tenant(Streams::none())?.instance().is_none());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[must_use]
    pub fn home(self, home: Home) -> Self {
        Configuration { home, ..self }
    }

    /// Gives the monitor of each partition a process of its own, in which nothing but the partition is open and few
    /// system calls are allowed: the strongest form of isolation. The process is started by `program monitor`, where the
    /// program is `lunette`, or one that calls [`monitor`](crate::monitor()) then.
    ///
    /// Without it the monitor is part of this process, which a fault in the kernel's KVM could open to the guest.
    ///
    /// ```no_run
    /// # use lunette::{Configuration, Engine, Home, Streams};
    /// let engine = Engine::new(Configuration::new().home(Home::Partition).monitor("/usr/bin/lunette"));
    /// engine.tenant(Streams::inherited())?.execute_file("print('hello')", "=hello", &[])?;
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "partitions")]
    #[must_use]
    pub fn monitor(self, program: impl Into<std::path::PathBuf>) -> Self {
        Configuration { monitor: Some(program.into()), ..self }
    }

    /// The part of one processor that an instance in a partition may use, above 0 and up to 1.
    ///
    /// ```
    /// # use lunette::{Configuration, Engine, Home, Streams};
    /// # use std::time::{Duration, Instant};
    /// let configuration = Configuration::new().home(Home::Partition).processor_share(0.2).fuel(20_000_000);
    /// let mut tenant = Engine::new(configuration).tenant(Streams::none())?;
    /// assert!(tenant.run_file("while true do end", "=loop", &[]).is_err());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "partitions")]
    #[must_use]
    pub fn processor_share(self, share: f64) -> Self {
        Configuration { processor_share: Some(share), ..self }
    }

    /// Gives a Rust function a name, under which instances find it; see
    /// [`AsContext::host_function`](crate::AsContext::host_function).
    ///
    /// ```
    /// # use lunette::{AsContext, Configuration, Engine};
    /// let engine = Engine::new(Configuration::new().host_function("app.version", |_, ()| Ok("1.2")));
    /// let mut instance = engine.instantiate()?;
    /// assert_eq!(instance.host_function("app.version")?.call::<String>(&mut instance, ())?, "1.2");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[must_use]
    pub fn host_function<A, R, F>(mut self, name: &str, function: F) -> Self
    where
        A: FromLuaMulti,
        R: IntoLuaMulti,
        F: Fn(&mut Context<'_>, A) -> Result<R> + Send + Sync + 'static,
    {
        self.host_functions.insert(name, callback::erase(function));
        self
    }

    /// As [`Configuration::host_function`], for functions of copies, which instances in either home can have: see
    /// [`Tenant::host_function`]. Images know them by their names, and go from either home to either.
    ///
    /// ```
    /// # use lunette::{Configuration, Data, Engine, Home, Streams};
    /// let configuration = Configuration::new().tenant_function("app.count", |arguments| {
    ///     Ok(vec![Data::Integer(arguments.len() as i64)])
    /// });
    /// let here = Engine::new(configuration.clone());
    /// let there = Engine::new(configuration.home(Home::Partition));
    /// let mut tenant = here.tenant(Streams::none())?;
    /// tenant.host_function("count", "app.count")?;
    /// let mut image = Vec::new();
    /// tenant.snapshot(&mut image)?;
    /// let mut tenant = there.restore_tenant(&image[..], Streams::none())?;
    /// assert_eq!(tenant.call("count", &["a".into(), "b".into()])?, [Data::Integer(2)]);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[must_use]
    pub fn tenant_function<F>(mut self, name: &str, function: F) -> Self
    where
        F: Fn(Vec<Data>) -> Result<Vec<Data>> + Send + Sync + 'static,
    {
        self.host_functions.insert_of_copies(name, Arc::new(function));
        self
    }

    /// For tests: collects all garbage after so many allocations; 0 for never.
    ///
    /// ```
    /// # use lunette::{AsContext, Configuration, Engine};
    /// let mut instance = Engine::new(Configuration::new().collection_stress(1)).instantiate()?;
    /// assert_eq!(instance.eval::<i64>("local t = {}; for i = 1, 50 do t[i] = {i} end; return t[50][1]")?, 50);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[must_use]
    pub fn collection_stress(self, allocations: u32) -> Self {
        Configuration { collection_stress: allocations, ..self }
    }

    /// When functions are compiled to machine code, which takes up to 256 KiB more of the stack of the thread that runs the
    /// instance.
    ///
    /// ```
    /// # use lunette::{AsContext, Configuration, Engine, Jit, webassembly::Module};
    /// let mut instance = Engine::new(Configuration::new().jit(Jit::Eager)).instantiate()?;
    /// // (module (func (export "sum") (param i32) (result i32) (local i32)
    /// //   (loop (local.set 1 (i32.add (local.get 1) (local.get 0)))
    /// //     (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1)))
    /// let file = b"\0asm\x01\0\0\0\x01\x06\x01\x60\x01\x7f\x01\x7f\x03\x02\x01\0\x07\x07\x01\x03sum\0\0\x0a\x1b\x01\x19\x01\x01\x7f\
    ///     \x03\x40\x20\x01\x20\0\x6a\x21\x01\x20\0\x41\x01\x6b\x22\0\x0d\0\x0b\x20\x01\x0b";
    /// let exports = Module::new(&mut instance, file, "@sum.wasm")?.instantiate(&mut instance, None)?;
    /// assert_eq!(exports.function::<i32, i32>(&mut instance, "sum")?.call(&mut instance, 100)?, 5050);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "jit")]
    #[must_use]
    pub fn jit(self, jit: Jit) -> Self {
        Configuration { jit, ..self }
    }

    /// The most bytes of machine code that there are at a time. Where there would be more, functions that have not run for some
    /// time are interpreted again, until they are hot once more. In the process it is 64 MiB at most; in a partition a quarter of
    /// the memory limit, between 2 and 64 MiB.
    ///
    /// ```
    /// # use lunette::{AsContext, Configuration, Engine, Jit};
    /// let configuration = Configuration::new().jit(Jit::Eager).machine_code_limit(16 << 10);
    /// let mut instance = Engine::new(configuration).instantiate()?;
    /// for number in 0..50 {
    ///     let program = format!("local t = {{}} for i = 1, 100 do t[i] = i * {number} end return t[10]");
    ///     assert_eq!(instance.eval::<i64>(&program)?, 10 * number);
    /// }
    /// let figures = instance.machine_code();
    /// assert!(figures.bytes <= 16 << 10 && figures.evicted > 0);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "jit")]
    #[must_use]
    pub fn machine_code_limit(self, bytes: u64) -> Self {
        Configuration { machine_code_limit: Some(bytes), ..self }
    }

    /// Whether programs of instances in the process go on while functions are compiled, by threads of the process that are there as
    /// long as there is something to do for them; that is so unless it is set otherwise. What programs do is the same; when
    /// functions become machine code depends on how busy the processor is. [`Jit::Eager`] and [`Jit::Chaos`] have the program wait.
    ///
    /// ```
    /// # use lunette::{AsContext, Configuration, Engine};
    /// let mut instance = Engine::new(Configuration::new().background_compilation(false)).instantiate()?;
    /// instance.exec("local sum = 0 for i = 1, 5000000 do sum = sum + i end")?;
    /// assert_eq!(instance.statistics().native_functions, 1);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "jit")]
    #[must_use]
    pub fn background_compilation(self, is_used: bool) -> Self {
        Configuration { background_compilation: is_used, ..self }
    }

    /// Whether the instance keeps what hot functions were compiled from, for
    /// [`Instance::explain_machine_code`](crate::Instance::explain_machine_code), and counts where machine code is left
    /// for the interpreter, for [`Instance::machine_code`](crate::Instance::machine_code). That makes it slower.
    ///
    /// ```
    /// # use lunette::{Configuration, Engine};
    /// let instance = Engine::new(Configuration::new().reports_machine_code(true)).instantiate()?;
    /// assert!(instance.machine_code().exits.is_empty());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "jit")]
    #[must_use]
    pub fn reports_machine_code(self, reports: bool) -> Self {
        Configuration { reports_machine_code: reports, ..self }
    }

    /// Whether the functions that become machine code are noted in `/tmp/perf-PID.map`, where the profiler `perf` looks for
    /// their names (of WebAssembly the function's, of Lua `FILE:LINE`). For instances in the host's process only; where the file
    /// cannot be written, there is no instance.
    ///
    /// ```
    /// # use lunette::{AsContext, Configuration, Engine, Jit};
    /// let configuration = Configuration::new().jit(Jit::Eager).perf_map(true);
    /// Engine::new(configuration).instantiate()?.exec("for i = 1, 100 do end")?;
    /// let map = std::fs::read_to_string(format!("/tmp/perf-{}.map", std::process::id())).expect("it is there");
    /// assert_eq!(map.lines().count(), 1);
    /// # let _ = std::fs::remove_file(format!("/tmp/perf-{}.map", std::process::id()));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "jit")]
    #[must_use]
    pub fn perf_map(self, maps: bool) -> Self {
        Configuration { perf_map: maps, ..self }
    }

    /// For tests: offers a snapshot at every chance of this number; 0 for never. There are chances between all steps of a
    /// program where it could be gone on with elsewhere, more often than usual.
    ///
    /// ```
    /// # use lunette::{AfterSnapshot, AsContext, Configuration, Engine, Error, StopReason};
    /// let engine = Engine::new(Configuration::new().snapshot_interval(10));
    /// let mut instance = engine.instantiate()?;
    /// instance.on_snapshot(|snapshot| Ok(AfterSnapshot::Stop));
    /// let stopped = instance.exec("while true do end");
    /// assert!(matches!(stopped, Err(Error::Stopped(StopReason::Snapshot))));
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn snapshot_interval(self, chances: u32) -> Self {
        Configuration { snapshot_interval: chances, ..self }
    }
}

/// Makes instances. Cheap to clone, and usable from several threads at once.
///
/// ```
/// use lunette::{AsContext, Engine};
///
/// let engine = Engine::default();
/// let program = engine.compile("return (...) .. '!'", "=shout")?;
/// let threads = ["a", "b"].map(|word| {
///     let (engine, program) = (engine.clone(), program.clone());
///     std::thread::spawn(move || engine.instantiate()?.run::<String>(&program, word))
/// });
/// let words = threads.map(|thread| thread.join().unwrap().unwrap());
/// assert_eq!(words, ["a!", "b!"]);
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Engine(Arc<Configuration>);

impl Engine {
    /// An engine with this configuration.
    ///
    /// ```
    /// # use lunette::{Configuration, Engine};
    /// let engine = Engine::new(Configuration::new().memory_limit(1 << 20));
    /// assert!(engine.instantiate().is_ok());
    /// ```
    pub fn new(configuration: Configuration) -> Engine {
        Engine(Arc::new(configuration))
    }

    /// Compiles a source text; see [`Program::from_source`]. The compiler gets no more memory than an instance may use.
    ///
    /// ```
    /// # use lunette::Engine;
    /// assert!(Engine::default().compile("goto nowhere", "=jump").is_err());
    /// ```
    #[cfg(feature = "compiler")]
    pub fn compile(&self, source: impl AsRef<[u8]>, name: impl AsRef<[u8]>) -> Result<Program> {
        Program::from_source_within(source.as_ref(), name.as_ref(), self.compiler_memory())
    }

    /// Reads a compiled program or compiles a source text; see [`Program::from_file`].
    ///
    /// ```
    /// # use lunette::Engine;
    /// let engine = Engine::default();
    /// let compiled = engine.compile("return 1", "=one")?.to_bytes();
    /// assert!(engine.load_file(compiled, "@one.lbc").is_ok());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn load_file(&self, content: impl AsRef<[u8]>, name: impl AsRef<[u8]>) -> Result<Program> {
        Program::from_file_within(content.as_ref(), name.as_ref(), self.compiler_memory())
    }

    /// A new instance whose standard streams lead nowhere.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.exec("print('nobody hears this')")?;
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn instantiate(&self) -> Result<Instance> {
        self.instantiate_with(Streams::none())
    }

    /// A new instance with these standard streams.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Streams};
    /// let mut instance = Engine::default().instantiate_with(Streams::inherited())?;
    /// instance.exec("print('hello')")?;
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn instantiate_with(&self, streams: Streams) -> Result<Instance> {
        self.check_home()?;
        Instance::new(&self.0, streams)
    }

    /// Makes an instance in the home that the configuration names, with these standard streams.
    ///
    /// ```
    /// # use lunette::{Configuration, Data, Engine, Home, Streams};
    /// let engine = Engine::new(Configuration::new().home(Home::Partition));
    /// let mut tenant = engine.tenant(Streams::none())?;
    /// assert_eq!(tenant.run_file("return 6 * 7", "=answer", &[])?, [Data::Integer(42)]);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn tenant(&self, streams: Streams) -> Result<Tenant> {
        Tenant::new(&self.0, streams)
    }

    /// Makes a template: an instance in a partition, prepared by a function, from which others are cloned.
    ///
    /// ```
    /// # use lunette::{Configuration, Data, Engine, Home, Streams};
    /// let engine = Engine::new(Configuration::new().home(Home::Partition));
    /// let template = engine.template(|tenant| tenant.execute_file("x = 6", "=preparation", &[]))?;
    /// assert_eq!(template.tenant(Streams::none())?.run_file("return x * 7", "=p", &[])?, [Data::Integer(42)]);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "partitions")]
    pub fn template(&self, prepare: impl FnOnce(&mut Tenant) -> Result<()>) -> Result<crate::Template> {
        crate::Template::new(&self.0, prepare)
    }

    /// Reads a template that [`Template::save`](crate::Template::save) has written. Its clones have the limits of this
    /// engine's configuration, and no more memory than the template.
    ///
    /// ```no_run
    /// # use lunette::{Configuration, Engine, Home, Streams};
    /// let engine = Engine::new(Configuration::new().home(Home::Partition));
    /// let mut tenant = engine.load_template("service.template")?.tenant(Streams::inherited())?;
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "partitions")]
    pub fn load_template(&self, path: impl AsRef<std::path::Path>) -> Result<crate::Template> {
        crate::Template::load(&self.0, path.as_ref())
    }

    /// The instance of an image; see [`Instance::snapshot`]. Its standard streams lead nowhere.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// let engine = Engine::default();
    /// let mut instance = engine.instantiate()?;
    /// instance.exec("count = 41")?;
    /// let mut image = Vec::new();
    /// instance.snapshot(&mut image)?;
    /// let mut restored = engine.restore(&image[..])?;
    /// assert_eq!(restored.eval::<i64>("count = count + 1; return count")?, 42);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn restore(&self, image: impl Read) -> Result<Instance> {
        self.restore_with(image, Streams::none())
    }

    /// The instance of an image, with these standard streams. Limits of the configuration take the place of those that the
    /// image has; files that were open are opened again, if that is granted.
    ///
    /// An image is never trusted: what does not keep the rules of the format is refused with an error, and what it does
    /// when it runs is subject to the limits.
    ///
    /// ```
    /// # use lunette::{AfterSnapshot, AsContext, Captured, Engine, Output, Streams};
    /// # use std::sync::{Arc, Mutex};
    /// let engine = Engine::default();
    /// let mut instance = engine.instantiate()?;
    /// let image = Arc::new(Mutex::new(Vec::new()));
    /// let kept = image.clone();
    /// instance.on_snapshot(move |snapshot| {
    ///     snapshot.write(&mut *kept.lock().unwrap())?;
    ///     Ok(AfterSnapshot::Stop)
    /// });
    /// let program = "local x = 1; local word = lunette.snapshot(); print(word, x); return x + 1";
    /// assert!(instance.exec(program).is_err());
    /// let output = Captured::new();
    /// let streams = Streams { output: Output::Captured(output.clone()), ..Streams::none() };
    /// let mut restored = engine.restore_with(&image.lock().unwrap()[..], streams)?;
    /// assert_eq!(restored.resume::<i64>()?, 2);
    /// assert_eq!(output.take_text(), "restored\t1\n");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn restore_with(&self, image: impl Read, streams: Streams) -> Result<Instance> {
        self.check_home()?;
        crate::snapshot::restore(&self.0, image, streams)
    }

    /// The instance of an image, in the home that the configuration names; see [`Engine::restore_with`].
    ///
    /// ```
    /// # use lunette::{Configuration, Data, Engine, Home, Streams};
    /// let mut image = Vec::new();
    /// Engine::default().tenant(Streams::none())?.snapshot(&mut image)?;
    /// let engine = Engine::new(Configuration::new().home(Home::Partition));
    /// assert!(engine.restore_tenant(&image[..], Streams::none()).is_ok());
    /// image.truncate(image.len() - 1);
    /// assert!(engine.restore_tenant(&image[..], Streams::none()).is_err());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn restore_tenant(&self, image: impl Read, streams: Streams) -> Result<Tenant> {
        Tenant::restore(&self.0, image, streams)
    }

    /// Waits for a program that leaves another process, and takes it up, in the home that the configuration names:
    /// [`Tenant::resume`] goes on with it. See [`Departure`](crate::Departure) for the other end. The stream should have
    /// time limits.
    ///
    /// Before this returns without an error, nothing has run here, and the program goes on where it was.
    ///
    /// ```
    /// # use lunette::{Engine, MigrationKey, Streams};
    /// # use std::os::unix::net::UnixStream;
    /// let (here, there) = UnixStream::pair().map_err(lunette::Error::external)?;
    /// drop(there);
    /// assert!(Engine::default().receive(here, &MigrationKey::new(&[7; 32])?, Streams::none()).is_err());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "migration")]
    pub fn receive(
        &self,
        stream: impl Read + std::io::Write,
        key: &crate::MigrationKey,
        streams: Streams,
    ) -> Result<Tenant> {
        crate::migration::receive(&self.0, stream, key, streams)
    }

    /// What an image holds. Nothing of it is run, and no file opened.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// let engine = Engine::default();
    /// let mut image = Vec::new();
    /// engine.instantiate()?.snapshot(&mut image)?;
    /// let report = engine.inspect(&image[..])?;
    /// assert_eq!(report.bytes, image.len() as u64);
    /// assert!(report.objects.iter().any(|(kind, count, _)| *kind == "tables" && *count > 10));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn inspect(&self, image: impl Read) -> Result<ImageReport> {
        crate::snapshot::inspect(&self.0, image)
    }

    fn check_home(&self) -> Result<()> {
        match self.0.home {
            Home::Process => Ok(()),
            Home::Partition => {
                Err(Error::message("instances of this configuration live in partitions: Engine::tenant makes them"))
            }
        }
    }

    fn compiler_memory(&self) -> usize {
        self.0.memory_limit.map_or(usize::MAX, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    }
}
