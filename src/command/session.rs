//! An instance as the command line asks for it: limits, streams, signals, figures.

use super::{
    arguments::Session as Options,
    report::{Status, report},
    trace,
};
use lunette::{AsContext, Configuration, Engine, Error, Grants, Instance, Program, Result, Streams};
use signal_hook::{consts::SIGINT, consts::SIGPIPE, flag};
use std::{
    ffi::OsStr,
    io::Read,
    os::unix::ffi::OsStrExt,
    path::Path,
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
};

/// An instance and what belongs to it.
pub struct Session {
    pub engine: Engine,
    pub instance: Instance,
    interrupt: Arc<AtomicBool>,
    shows_statistics: bool,
}

impl Session {
    /// Makes the instance, and lets Ctrl-C interrupt it.
    pub fn new(options: &Options) -> Result<Session> {
        let mut configuration = Configuration::new().grants(Grants::ALL).collection_stress(options.gc_stress);
        if let Some(bytes) = options.memory {
            configuration = configuration.memory_limit(bytes);
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
        let engine = Engine::new(configuration);
        let mut instance = engine.instantiate_with(Streams::inherited())?;
        if options.trace_gc {
            instance.on_collection(trace::print_collection);
        }
        let interrupt = instance.interrupt_handle().flag();
        // Whoever presses the keys again before the first time was noticed wants the process to end.
        flag::register_conditional_default(SIGINT, interrupt.clone())
            .and_then(|_| flag::register(SIGINT, interrupt.clone()))
            .map_err(Error::external)?;
        if options.warnings {
            instance.call::<()>("warn", "@on")?;
        }
        Ok(Session { engine, instance, interrupt, shows_statistics: options.stats })
    }

    /// Runs the code in the environment variable that `lua` runs at its start.
    pub fn run_initial_code(&mut self) -> Result<()> {
        for name in ["LUA_INIT_5_4", "LUA_INIT"] {
            let Some(code) = std::env::var_os(name) else { continue };
            let program = match code.as_encoded_bytes() {
                [b'@', path @ ..] => self.load(Path::new(OsStr::from_bytes(path)))?,
                code => self.engine.compile(code, format!("={name}"))?,
            };
            return self.instance.run(&program, ());
        }
        Ok(())
    }

    /// Reads a program, source or compiled; `-` is standard input.
    pub fn load(&self, path: &Path) -> Result<Program> {
        let (content, name) = read(path)?;
        self.engine.load_file(content, name)
    }

    /// Forgets an interrupt that came while nothing ran.
    pub fn forget_interrupt(&self) {
        self.interrupt.store(false, Ordering::Release);
    }

    /// Ends the instance: calls finalizers, closes files, prints figures. `outcome` is what came of its programs.
    pub fn finish(self, outcome: Result<()>) -> Status {
        let mut status = match &outcome {
            Ok(()) => Status::Success,
            Err(error) => report(error),
        };
        let statistics = self.instance.statistics();
        // What stopped the program stops its finalizers as well, which need not be said twice.
        if let Err(error) = self.instance.close()
            && status == Status::Success
        {
            status = report(&error);
        }
        if self.shows_statistics {
            trace::print_statistics(&statistics);
        }
        status
    }
}

/// A file's content and the name it gives a program.
pub fn read(path: &Path) -> Result<(Vec<u8>, Vec<u8>)> {
    if path == Path::new("-") {
        let mut content = Vec::new();
        std::io::stdin().lock().read_to_end(&mut content).map_err(|error| cannot("read", path, &error))?;
        return Ok((content, b"=stdin".to_vec()));
    }
    let mut content = Vec::new();
    let mut file = std::fs::File::open(path).map_err(|error| cannot("open", path, &error))?;
    file.read_to_end(&mut content).map_err(|error| cannot("read", path, &error))?;
    let mut name = b"@".to_vec();
    name.extend_from_slice(path.as_os_str().as_encoded_bytes());
    Ok((content, name))
}

/// The error of a file operation, in the words of `lua`.
pub fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Error {
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or(&reason);
    Error::message(format_args!("cannot {what} {}: {reason}", path.display()))
}

/// A reader that is gone ends the process, as it does other programs; Rust's start-up code had this signal ignored.
pub fn die_of_broken_pipes() {
    // If it cannot be registered, writes fail with an error as well.
    let _ = flag::register_conditional_default(SIGPIPE, Arc::new(AtomicBool::new(true)));
}
