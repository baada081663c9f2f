//! An instance as the command line asks for it: limits, streams, signals, figures.

use super::{
    address::Stream,
    arguments::Session as Options,
    files::read,
    grant, keeper,
    report::{Status, report, tell},
    residency,
    signals::Signals,
    trace,
};
use lunette::{
    AfterSnapshot, AsContext, Configuration, Data, Engine, Error, Home, Input, MigrationKey, Result, SnapshotCause,
    StopReason, Streams, Tenant, Variadic,
};
use std::{
    ffi::{OsStr, OsString},
    io::Read,
    os::unix::ffi::OsStrExt,
    path::Path,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool, atomic::Ordering},
};

/// An instance and what belongs to it.
pub struct Session {
    pub engine: Engine,
    /// The same for instances in the process.
    engine_here: Engine,
    pub tenant: Tenant,
    signals: Signals,
    options: Options,
    /// Set if the program left, and nobody knows whether it arrived.
    is_uncertain: Arc<AtomicBool>,
    /// Where the image goes with which chaos goes on.
    chaos: Arc<Mutex<Vec<u8>>>,
}

impl Session {
    /// Makes the instance for a script and its arguments, and lets Ctrl-C interrupt it.
    pub fn new(options: &Options, script: &[OsString]) -> Result<Session> {
        let mut session = Session::with(options, script, |engine, streams| match &options.template {
            #[cfg(feature = "partitions")]
            Some(template) => engine.load_template(template)?.tenant(streams),
            _ => engine.tenant(streams),
        })?;
        if options.warnings {
            session.tenant.call("warn", &["@on".into()])?;
        }
        Ok(session)
    }

    /// Makes the instance of an image; [`Session::resume`] goes on with its program.
    pub fn restore(options: &Options, image: impl Read) -> Result<Session> {
        Session::with(options, &[], |engine, streams| engine.restore_tenant(image, streams))
    }

    /// Takes up a program that comes from another process; [`Session::resume`] goes on with it.
    pub fn receive(options: &Options, stream: Stream, key: &MigrationKey) -> Result<Session> {
        Session::with(options, &[], |engine, streams| engine.receive(stream, key, streams))
    }

    fn with(
        options: &Options,
        script: &[OsString],
        make: impl FnOnce(&Engine, Streams) -> Result<Tenant>,
    ) -> Result<Session> {
        let mut configuration = Configuration::new()
            .grants(grant::of_program(options, script))
            .collection_stress(options.gc_stress)
            .jit(options.jit.into())
            .background_compilation(!options.jit_wait)
            .reports_machine_code(options.reports_machine_code())
            .perf_map(options.perf_map)
            .snapshot_interval(options.snapshot_chaos);
        if options.isolate {
            configuration = isolated(configuration, options);
        }
        if let Some(bytes) = options.memory {
            configuration = configuration.memory_limit(bytes);
        }
        if let Some(bytes) = options.jit_memory {
            configuration = configuration.machine_code_limit(bytes);
        }
        if let Some(units) = options.fuel {
            configuration = configuration.fuel(units);
        }
        if let Some(limit) = options.time_limit {
            configuration = configuration.time_limit(limit);
        }
        if let Some(bytes) = options.output_limit {
            configuration = configuration.output_limit(bytes);
        }
        if options.ignore_environment {
            configuration = configuration.ignore_environment();
        }
        let engine_here = Engine::new(configuration.clone().home(Home::Process));
        let engine = Engine::new(configuration);
        let tenant = make(&engine, streams(options))?;
        let signals = Signals::for_tenant(&tenant)?;
        let mut session = Session {
            engine,
            engine_here,
            tenant,
            signals,
            options: options.clone(),
            is_uncertain: Arc::default(),
            chaos: Arc::default(),
        };
        session.attend()?;
        Ok(session)
    }

    /// Sees to what happens in the instance.
    fn attend(&mut self) -> Result<()> {
        let options = &self.options;
        let traces = options.trace_gc;
        let is_here = self.tenant.instance().is_some();
        if traces || is_here {
            let mut is_first = is_here;
            self.tenant.on_collection(move |collection| {
                // The program runs, and needs memory: what its start took is worth giving back.
                if std::mem::take(&mut is_first) {
                    residency::release();
                }
                if traces {
                    trace::print_collection(collection);
                }
            })?;
        }
        if options.snapshot_chaos == 0 {
            keeper::keep(&mut self.tenant, options, self.signals.asked.clone(), self.is_uncertain.clone());
            return Ok(());
        }
        let chaos = self.chaos.clone();
        self.tenant.on_snapshot(move |snapshot| {
            if snapshot.cause() == SnapshotCause::Interval {
                let mut image = chaos.lock().unwrap_or_else(PoisonError::into_inner);
                image.clear();
                snapshot.write(&mut *image)?;
                return Ok(AfterSnapshot::Stop);
            }
            Err(Error::message("snapshots are taken all the time"))
        });
        Ok(())
    }

    /// Goes on with the program of a restored instance.
    pub fn resume(&mut self) -> Result<()> {
        let outcome = self.tenant.execute_rest();
        self.settle(outcome)
    }

    /// What came of a program, which goes on in a new instance as long as tests want it to.
    pub fn settle(&mut self, mut outcome: Result<()>) -> Result<()> {
        while self.options.snapshot_chaos > 0 && matches!(outcome, Err(Error::Stopped(StopReason::Snapshot))) {
            let image = std::mem::take(&mut *self.chaos.lock().unwrap_or_else(PoisonError::into_inner));
            // From a partition it goes to the process and back.
            let engine = if self.tenant.instance().is_some() { &self.engine } else { &self.engine_here };
            self.tenant = engine.restore_tenant(&image[..], streams(&self.options))?;
            self.signals.move_to(&self.tenant)?;
            self.attend()?;
            outcome = self.tenant.execute_rest();
        }
        outcome
    }

    /// Runs the code in the environment variable that `lua` runs at its start.
    pub fn run_initial_code(&mut self) -> Result<()> {
        for name in ["LUA_INIT_5_4", "LUA_INIT"] {
            let Some(code) = std::env::var_os(name) else { continue };
            let outcome = match code.as_encoded_bytes() {
                [b'@', path @ ..] => self.run_file(Path::new(OsStr::from_bytes(path)), &[]),
                code => self.tenant.execute_file(code, format!("={name}"), &[]),
            };
            return self.settle(outcome);
        }
        Ok(())
    }

    /// Runs a program, source or compiled; `-` is standard input.
    pub fn run_file(&mut self, path: &Path, arguments: &[Data]) -> Result<()> {
        let (content, name) = read(path)?;
        let Some(instance) = self.tenant.instance() else {
            return self.tenant.execute_file(content, name, arguments);
        };
        let program = self.engine.load_file(content, name)?;
        // The instance need not come on top of what the compiler has freed.
        residency::release_allocations();
        let main = instance.load(&program)?;
        // The instance has it: nobody else needs it.
        drop(program);
        main.call(instance, Variadic(arguments.to_vec()))
    }

    /// Forgets an interrupt that came while nothing ran.
    pub fn forget_interrupt(&self) {
        self.signals.forget_interrupt();
    }

    /// Ends the instance: calls finalizers, closes files, prints figures. `outcome` is what came of its programs.
    pub fn finish(mut self, outcome: Result<()>) -> Status {
        let mut status = match &outcome {
            Ok(()) => Status::Success,
            // It was said why.
            Err(Error::Stopped(StopReason::Snapshot)) if self.is_uncertain.load(Ordering::Acquire) => Status::Failure,
            Err(error) => report(error),
        };
        if self.options.snapshot_chaos > 0 {
            self.tenant.on_snapshot(|_| Ok(AfterSnapshot::GoOn));
        }
        let statistics = if self.options.stats { self.tenant.statistics().ok() } else { None };
        let machine_code = if self.options.jit_stats { self.tenant.machine_code().ok() } else { None };
        let explanations = trace::explanations(&mut self.tenant, &self.options);
        // What stopped the program stops its finalizers as well, which need not be said twice.
        if let Err(error) = self.tenant.close()
            && status == Status::Success
        {
            status = report(&error);
        }
        if let Some(statistics) = statistics {
            trace::print_statistics(&statistics);
        }
        explanations.iter().for_each(|text| tell(format_args!("{text}")));
        if let Some(machine_code) = machine_code {
            trace::print_machine_code(&machine_code);
        }
        status
    }
}

/// The standard streams of an instance.
fn streams(options: &Options) -> Streams {
    let input = if options.isolate && !options.stdin { Input::Empty } else { Input::Inherited };
    Streams { input, ..Streams::inherited() }
}

/// In a partition whose monitor is a process of its own.
#[cfg(feature = "partitions")]
fn isolated(configuration: Configuration, options: &Options) -> Configuration {
    let configuration = configuration.home(Home::Partition).monitor("/proc/self/exe");
    match options.cpu_share {
        Some(share) => configuration.processor_share(share),
        None => configuration,
    }
}

/// There will be none, which is said when the instance is made.
#[cfg(not(feature = "partitions"))]
fn isolated(configuration: Configuration, _: &Options) -> Configuration {
    configuration.home(Home::Partition)
}
