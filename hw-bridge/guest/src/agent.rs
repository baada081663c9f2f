//! Makes the instance and obeys the monitor's commands.

use crate::{
    clock, code, copies, functions,
    home::{Home, Line, SendLine},
    images, outcome, post_mortem,
};
use alloc::{boxed::Box, rc::Rc, string::String, sync::Arc, vec::Vec};
use core::iter;
use lunette_bytecode::{file, module::Module, verifier};
use lunette_gc::{heap::Heap, statistics::CollectionKind, value::Value};
use lunette_hw_interface::message::{self, Command, Configuration, Failure, FromGuest, Outcome, ToGuest, Token};
use lunette_interpreter::{
    Frame, Machine, NativeResult, Throw,
    image::snapshot::{self, Cause},
    load::LoadError,
    machine::roots,
    native::Native,
};
use lunette_stdlib::{Library, prompt, webassembly};

/// What the agent keeps with the machine.
pub struct Notes {
    line: SendLine,
    /// Where the last error happened.
    pub traceback: Vec<u8>,
    /// Whether the program has called `os.exit`.
    pub has_exited: bool,
    /// The names of the first functions of the host.
    pub functions: Arc<[String]>,
    time_limit: Option<u64>,
    memory_limit: usize,
}

impl Notes {
    /// The way out.
    pub fn line(&self) -> Rc<Line> {
        self.line.get().clone()
    }

    /// The notes of the machine.
    pub fn of(machine: &mut Machine) -> &mut Notes {
        match machine.embedder.downcast_mut() {
            Some(notes) => notes,
            None => unreachable!("the machine has the agent's notes"),
        }
    }
}

/// Obeys commands, one after the other.
pub fn obey() -> ! {
    let line = Rc::new(Line::default());
    let mut machine = None;
    let mut outcome = Outcome::Booted;
    loop {
        let answer = line.exchange(&FromGuest::Await(outcome));
        line.forget_clocks();
        outcome = match (message::read(&answer), &mut machine) {
            (Ok(ToGuest::Command(command @ (Command::Start(_) | Command::Restore(_)))), machine @ None) => {
                let started = match &command {
                    Command::Restore(configuration) => restore(&line, configuration),
                    Command::Start(configuration) => start(&line, configuration),
                    _ => unreachable!("the pattern has no other"),
                };
                match started {
                    Ok(started) => {
                        post_mortem::watch(machine.insert(started));
                        Outcome::Returned(Vec::new())
                    }
                    Err(failure) => Outcome::Failed(failure),
                }
            }
            (Ok(ToGuest::Command(command)), Some(machine)) => follow(machine, command),
            _ => Outcome::Failed(Failure::Malformed(String::from("the command is malformed"))),
        };
    }
}

/// Makes the instance, in which native functions are registered and nothing else is done.
fn prepare(line: &Rc<Line>, configuration: &Configuration) -> Result<(Machine, u32), Failure> {
    let memory_limit = configuration.memory_limit.unwrap_or(u64::MAX);
    let settings = lunette_interpreter::Configuration { region_bytes: Heap::region_bytes(memory_limit), memory_limit };
    let mut machine = Machine::new(Box::new(Home::new(line.clone())), settings).map_err(|_| Failure::Memory)?;
    machine.embedder = Box::new(Notes {
        line: SendLine::new(line.clone()),
        traceback: Vec::new(),
        has_exited: false,
        functions: configuration.functions.iter().cloned().collect(),
        time_limit: configuration.time_limit,
        memory_limit: usize::try_from(memory_limit).unwrap_or(usize::MAX),
    });
    functions::register(&mut machine);
    let handler = machine.register_native(Native::new("host.error_handler", note_traceback));
    lunette_stdlib::register_all(&mut machine);
    code::set_memory_limit(memory_limit);
    code::compile(&mut machine, configuration);
    images::keep(&mut machine, line);
    Ok((machine, handler))
}

/// Makes the instance.
fn start(line: &Rc<Line>, configuration: &Configuration) -> Result<Machine, Failure> {
    let (mut machine, handler) = prepare(line, configuration)?;
    let made = (|| {
        let closure = machine.heap.new_native_closure(handler, 0)?;
        machine.heap.root(roots::HOST_HANDLER).set(Value::NativeClosure(closure));
        if configuration.ignores_environment {
            // Where `lua` notes its option -E for the library.
            let name = machine.new_string(b"LUA_NOENV")?;
            machine.raw_set(machine.registry(), Value::String(name), Value::Boolean(true))?;
        }
        for &number in &configuration.libraries {
            if let Some(&library) = Library::ALL.get(usize::from(number)) {
                lunette_stdlib::open(&mut machine, library)?;
            }
        }
        Ok::<(), Throw>(())
    })();
    made.map_err(|_| Failure::Memory)?;
    machine.set_output_limit(configuration.output_limit);
    machine.set_fuel(configuration.fuel);
    set_stress(&mut machine, configuration);
    Ok(machine)
}

/// Makes the instance from an image. Limits of the configuration take the place of those that the image has.
fn restore(line: &Rc<Line>, configuration: &Configuration) -> Result<Machine, Failure> {
    let (mut machine, _) = prepare(line, configuration)?;
    images::read(&mut machine)?;
    if configuration.fuel.is_some() {
        machine.set_fuel(configuration.fuel);
    }
    if configuration.output_limit.is_some() {
        machine.set_output_limit(configuration.output_limit);
    }
    set_stress(&mut machine, configuration);
    Ok(machine)
}

/// What tests ask for.
fn set_stress(machine: &mut Machine, configuration: &Configuration) {
    machine.heap.set_stress(configuration.collection_stress);
    machine.set_snapshot_interval(configuration.snapshot_interval);
}

fn follow(machine: &mut Machine, command: Command<'_>) -> Outcome {
    if let Some(limit) = Notes::of(machine).time_limit {
        let deadline = machine.host.monotonic().saturating_add(limit);
        machine.set_deadline(Some(deadline));
    }
    let outcome = match command {
        Command::Start(_) | Command::Restore(_) => {
            Outcome::Failed(Failure::Malformed(String::from("the instance is started")))
        }
        Command::Resume { wants_results } => match machine.resume_restored() {
            Ok((first, count)) => outcome::returned(machine, first, if wants_results { count } else { 0 }),
            Err(throw) => outcome::failed(machine, throw),
        },
        Command::Snapshot => {
            let line = Notes::of(machine).line();
            match images::offer(machine, &line, Cause::Request) {
                snapshot::Outcome::Taken | snapshot::Outcome::Stop => Outcome::Returned(Vec::new()),
                snapshot::Outcome::Refused(message) => Outcome::Failed(Failure::Value(message)),
            }
        }
        Command::Renew { memory_limit, fuel, time_limit, output_limit, seed } => {
            clock::forget_processor_time();
            Notes::of(machine).time_limit = time_limit;
            if let Some(limit) = memory_limit {
                let limit = limit.min(machine.heap.memory_limit());
                machine.heap.set_memory_limit(limit);
                code::set_memory_limit(limit);
                Notes::of(machine).memory_limit = usize::try_from(limit).unwrap_or(usize::MAX);
            }
            machine.set_fuel(fuel);
            machine.set_output_limit(output_limit);
            match lunette_stdlib::seed_random(machine, seed.0, seed.1) {
                Ok(()) => {
                    let names = Notes::of(machine).functions.iter();
                    Outcome::Returned(names.map(|name| Token::String(name.clone().into_bytes())).collect())
                }
                Err(throw) => outcome::failed(machine, throw),
            }
        }
        Command::Run { name, content, arguments, wants_results } => match load(machine, name, content) {
            Ok(function) => call(machine, function, &arguments, wants_results),
            Err(failure) => Outcome::Failed(failure),
        },
        Command::Enter(entry) => enter(machine, entry),
        Command::Check(entry) => match compile(machine, entry) {
            Ok(_) => Outcome::Returned(Vec::new()),
            Err(failure) => Outcome::Failed(failure),
        },
        Command::Complete(text) => {
            let (start, names) = prompt::complete(machine, text);
            let names = names.into_iter().map(|name| Token::String(name.into_bytes()));
            Outcome::Returned(iter::once(Token::Integer(start as i64)).chain(names).collect())
        }
        Command::Call { name, arguments } => match global(machine, name) {
            Ok(function) => call(machine, function, &arguments, true),
            Err(throw) => outcome::failed(machine, throw),
        },
        Command::Get(name) => match global(machine, name) {
            Ok(value) => outcome::values(machine, [value]),
            Err(throw) => outcome::failed(machine, throw),
        },
        Command::Set { name, value } => match set_global(machine, name, &value) {
            Ok(()) => Outcome::Returned(Vec::new()),
            Err(throw) => outcome::failed(machine, throw),
        },
        Command::Statistics => outcome::statistics(machine),
        Command::MachineCode => outcome::machine_code(machine),
        Command::Explain(name) => Outcome::Explanations(code::explain(machine, name)),
        Command::StartProfile(interval) => {
            machine.start_profile(interval);
            Outcome::Returned(Vec::new())
        }
        Command::TakeProfile => Outcome::Profile(machine.take_profile()),
        Command::TellCollections => {
            tell_collections(machine);
            Outcome::Returned(Vec::new())
        }
        Command::Close => close(machine),
    };
    machine.set_deadline(None);
    // Nobody is left to be told that nobody listens.
    let _ = lunette_stdlib::output::flush_from_host(machine);
    outcome
}

/// Tells the monitor of collections, without waiting for it.
fn tell_collections(machine: &mut Machine) {
    let line = SendLine::new(Notes::of(machine).line());
    machine.observe_collections(Some(Box::new(move |collection, pause| {
        line.get().post(&FromGuest::Collected(message::Collection {
            is_full: collection.kind == CollectionKind::Full,
            before: collection.before,
            after: collection.after,
            pause,
        }));
    })));
}

fn load(machine: &mut Machine, name: &[u8], content: &[u8]) -> Result<Value, Failure> {
    let memory = Notes::of(machine).memory_limit;
    let code = file::code_of_file(content);
    if code.starts_with(&file::WEBASSEMBLY_MAGIC) {
        return match webassembly::load_program(machine, code, name) {
            Ok(function) => Ok(function),
            Err(webassembly::LoadError::Refused(error)) => Err(Failure::Malformed(alloc::format!("{error}"))),
            Err(webassembly::LoadError::Throw(_)) => Err(Failure::Memory),
        };
    }
    let module = if code.first() == Some(&file::MAGIC[0]) {
        let module = file::read(code, memory).map_err(|error| match error.kind {
            file::ReadErrorKind::OutOfMemory | file::ReadErrorKind::MemoryBudget => Failure::Memory,
            _ => Failure::Malformed(alloc::format!("{error}")),
        })?;
        verifier::verify(&module).map_err(|error| Failure::Malformed(alloc::format!("{error}")))?;
        module
    } else {
        lunette_frontend::compile(code, name, lunette_frontend::Limits { memory })
            .map_err(|error| outcome::not_compiled(error, code, name))?
    };
    load_module(machine, &module)
}

fn load_module(machine: &mut Machine, module: &Module) -> Result<Value, Failure> {
    let globals = Value::Table(machine.globals());
    match machine.load(module, globals) {
        Ok(closure) => Ok(Value::Closure(closure)),
        Err(LoadError::Malformed(error)) => Err(Failure::Malformed(alloc::format!("{error}"))),
        Err(LoadError::Memory) => {
            machine.collect_from_host();
            machine.load(module, globals).map(Value::Closure).map_err(|_| Failure::Memory)
        }
    }
}

/// Compiles what was typed at a prompt.
fn compile(machine: &mut Machine, entry: &[u8]) -> Result<Module, Failure> {
    let limits = lunette_frontend::Limits { memory: Notes::of(machine).memory_limit };
    prompt::compile(entry, limits)
        .map_err(|refused| outcome::not_compiled(refused.error, &refused.source, prompt::NAME))
}

/// Runs what was typed at a prompt, and prints what it gives.
fn enter(machine: &mut Machine, entry: &[u8]) -> Outcome {
    let function = match compile(machine, entry).and_then(|module| load_module(machine, &module)) {
        Ok(function) => function,
        Err(failure) => return Outcome::Failed(failure),
    };
    let values: Vec<Value> = match machine.call(function, &[]) {
        Ok((first, count)) => (first..first + count).map(|slot| machine.value(slot)).collect(),
        Err(throw) => return outcome::failed(machine, throw),
    };
    if values.is_empty() {
        return Outcome::Returned(Vec::new());
    }
    match global(machine, b"print").and_then(|print| machine.call(print, &values)) {
        Ok(_) => Outcome::Returned(Vec::new()),
        Err(throw) => match outcome::failed(machine, throw) {
            Outcome::Failed(Failure::Runtime { message, .. }) => {
                Outcome::Failed(Failure::Value(prompt::cannot_print(&message)))
            }
            outcome => outcome,
        },
    }
}

fn call(machine: &mut Machine, function: Value, arguments: &[Token], wants_results: bool) -> Outcome {
    let called = copies::copy_in(machine, arguments).and_then(|arguments| machine.call(function, &arguments));
    match called {
        Ok((first, count)) => outcome::returned(machine, first, if wants_results { count } else { 0 }),
        Err(throw) => outcome::failed(machine, throw),
    }
}

fn global(machine: &Machine, name: &[u8]) -> Result<Value, Throw> {
    let name = machine.new_string(name)?;
    Ok(machine.heap.table_get(machine.globals(), Value::String(name)))
}

fn set_global(machine: &Machine, name: &[u8], value: &[Token]) -> Result<(), Throw> {
    let value = copies::copy_in(machine, value)?.first().copied().unwrap_or(Value::Nil);
    let name = machine.new_string(name)?;
    machine.raw_set(machine.globals(), Value::String(name), value)
}

/// Ends the instance.
fn close(machine: &mut Machine) -> Outcome {
    // As with C's `exit`, files get what was written to them, whether or not finalizers run.
    if Notes::of(machine).has_exited && !machine.exit_closes() {
        lunette_stdlib::flush_files_from_host(machine);
        return Outcome::Returned(Vec::new());
    }
    lunette_stdlib::close(machine);
    outcome::done(machine)
}

/// Message handler of errors that leave a command: keeps the traceback and gives the error value as it is.
fn note_traceback(machine: &mut Machine, frame: Frame) -> NativeResult {
    let traceback = machine.traceback(machine.current_thread(), None, 1);
    Notes::of(machine).traceback = traceback;
    let error = frame.argument_or_nil(machine, 0);
    frame.return_one(machine, error)
}
