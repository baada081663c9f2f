//! Instances in partitions, as the API sees them.

use crate::{
    data::Data,
    engine::Configuration,
    error::{Error, ImageError, IsolatedError, Result, StopReason, SyntaxError},
    host::{Process, Streams},
    snapshot::{AfterSnapshot, ReadSource, Snapshot, SnapshotCause, WriteSink},
    statistics::{Collection, Statistics},
    template::Shared,
};
use functions::Functions;
use lunette_hw_bridge::{
    self as bridge, Answer, Connection, End, Event, LocalGuest, Owner, RemoteGuest, Sent, Session, Signals,
    image::{BUILT_IN, Image},
    message::{After, CallError, Cause, Command, Failure, Outcome, Token, Values},
};
use lunette_interpreter::{host::Host, image::Sink};
use lunette_stdlib::Library;
use std::{
    fmt,
    io::{Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How deep tables may be nested.
const MOST_DEPTH: usize = 100;
/// The most streams that a program may have open: others need descriptors of the process as well.
const MOST_STREAMS: usize = 256;
/// What a partition may have beside the heap of its instance: for compiling, and for messages.
const MEMORY_BESIDE_HEAP: u64 = 64 << 20;
/// The most memory of a partition whose heap has no limit.
const MOST_MEMORY: u64 = 64 << 30;

/// An instance in a partition.
pub(crate) struct Partition {
    /// Taken when the partition is dropped, or was ended by its monitor.
    session: Option<Session<Guest>>,
    /// The template it is a clone of.
    template: Option<Arc<Shared>>,
    owner: Home,
    keeper: Option<Keeper>,
    /// Why nothing can be done any more.
    ended: Option<Error>,
    /// Whether the guest has come from another process, and its program is to go on.
    has_arrived: bool,
    /// The most memory beyond what it starts with.
    memory: u64,
}

/// Who decides about snapshots.
type Keeper = Box<dyn FnMut(&mut Snapshot<'_>) -> Result<AfterSnapshot> + Send>;

/// What is told about collections.
type Observer = Box<dyn FnMut(&Collection) + Send>;

/// The partition's owner.
struct Home {
    process: Process,
    functions: Functions,
    interrupt: Arc<AtomicBool>,
    snapshot: Arc<AtomicBool>,
    /// What is told about collections.
    observer: Option<Observer>,
    /// A panic of a function.
    panic: Option<String>,
}

/// The partition's guest.
enum Guest {
    Local(Box<LocalGuest>),
    Remote(RemoteGuest),
}

impl Guest {
    fn new(configuration: &Configuration) -> std::result::Result<Guest, bridge::Error> {
        Guest::with_memory(configuration, memory(configuration))
    }

    /// A guest that may have so much memory beyond what it starts with.
    fn with_memory(configuration: &Configuration, memory: u64) -> std::result::Result<Guest, bridge::Error> {
        if let Some(program) = &configuration.monitor {
            let mut command = std::process::Command::new(program);
            command.arg("monitor");
            return RemoteGuest::new(command, memory, limits(configuration), None).map(Guest::Remote);
        }
        let hypervisor = bridge::Hypervisor::open()?;
        let partition = bridge::Partition::new(&hypervisor, &Image::read(BUILT_IN)?, memory)?;
        Ok(Guest::Local(Box::new(LocalGuest::new(partition, limits(configuration)))))
    }

    fn connection(&mut self) -> &mut dyn Connection {
        match self {
            Guest::Local(guest) => guest.as_mut(),
            Guest::Remote(guest) => guest,
        }
    }
}

impl Connection for Guest {
    fn begin(&mut self) -> std::result::Result<(), End> {
        self.connection().begin()
    }

    fn exchange(
        &mut self,
        answer: Answer<'_>,
        sent: &mut Sent,
        take_signals: &mut dyn FnMut() -> Signals,
    ) -> std::result::Result<(), End> {
        self.connection().exchange(answer, sent, take_signals)
    }

    fn watch(&mut self, take_signals: &mut dyn FnMut() -> Signals) -> std::result::Result<(), End> {
        self.connection().watch(take_signals)
    }

    fn most_message(&self) -> usize {
        match self {
            Guest::Local(guest) => guest.most_message(),
            Guest::Remote(guest) => guest.most_message(),
        }
    }

    fn finish(&mut self) {
        self.connection().finish();
    }
}

/// Serves as the monitor of one partition, in a process of its own: what the program that
/// [`Configuration::monitor`](crate::Configuration::monitor) names does when its argument is `monitor`.
///
/// ```
/// # fn main() -> lunette::Result<()> {
/// if std::env::args().nth(1).as_deref() == Some("monitor") {
///     return lunette::monitor();
/// }
/// // What the program does otherwise.
/// # Ok(())
/// # }
/// ```
pub fn monitor() -> Result<()> {
    bridge::monitor::serve().map_err(unavailable)
}

impl fmt::Debug for Partition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Partition").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl Owner for Home {
    fn host(&mut self) -> &mut dyn Host {
        &mut self.process
    }

    fn call(&mut self, function: u32, arguments: Values) -> std::result::Result<Values, CallError> {
        let thrown = |message: String| CallError::Thrown(vec![Token::String(message.into_bytes())]);
        let Some(function) = self.functions.get(function) else {
            return Err(thrown("there is no such function of the host".to_owned()));
        };
        let arguments = from_tokens(arguments).map_err(|error| thrown(error.to_string()))?;
        match catch_unwind(AssertUnwindSafe(|| function(arguments))) {
            Ok(Ok(results)) => Ok(to_tokens(&results)),
            Ok(Err(error)) => Err(thrown(error.to_string())),
            Err(payload) => {
                self.panic = Some(crate::callback::panic_message(payload.as_ref()));
                Err(CallError::Stop)
            }
        }
    }

    fn take_signals(&mut self) -> Signals {
        Signals {
            interrupt: self.interrupt.swap(false, Ordering::AcqRel),
            snapshot: self.snapshot.swap(false, Ordering::AcqRel),
        }
    }

    fn collected(&mut self, collection: bridge::message::Collection) {
        if let Some(observer) = &mut self.observer {
            observer(&Collection::of_partition(collection));
        }
    }
}

impl Partition {
    pub fn new(configuration: &Configuration, streams: Streams) -> Result<Partition> {
        let guest = Guest::new(configuration).map_err(unavailable)?;
        let mut owner = Home::new(configuration, streams);
        let session = Session::start(guest, configuration.output_limit, &mut owner).map_err(ended)?;
        let start = Command::Start(guest_configuration(configuration, &owner));
        let mut partition = Partition {
            session: Some(session),
            template: None,
            owner,
            keeper: None,
            ended: None,
            has_arrived: false,
            memory: memory(configuration),
        };
        partition.obey(start)?;
        Ok(partition)
    }

    /// An instance of an image.
    pub fn restore(configuration: &Configuration, image: impl Read, streams: Streams) -> Result<Partition> {
        let guest = Guest::new(configuration).map_err(unavailable)?;
        let mut owner = Home::new(configuration, streams);
        let mut session = Session::start(guest, configuration.output_limit, &mut owner).map_err(ended)?;
        let mut source = ReadSource::new(image);
        let settings = guest_configuration(configuration, &owner);
        let event = session.restore(settings, &mut owner, &mut source);
        let mut partition = Partition {
            session: Some(session),
            template: None,
            owner,
            keeper: None,
            ended: None,
            has_arrived: false,
            memory: memory(configuration),
        };
        let restored = partition.attend(event).and_then(|outcome| partition.values(outcome));
        if restored.is_err() {
            // What there is of it must not run.
            partition.ended = Some(Error::message("the instance was not restored"));
        }
        source.finish_after(restored).map(|_| partition)
    }

    /// A clone of a template.
    pub fn clone_of(template: &Arc<Shared>, streams: Streams) -> Result<Partition> {
        let configuration = &template.configuration;
        let guest = match &configuration.monitor {
            Some(program) => {
                let mut command = std::process::Command::new(program);
                command.arg("monitor");
                let (memory, limits) = (memory(configuration), limits(configuration));
                let guest = RemoteGuest::new(command, memory, limits, Some(&template.template));
                Guest::Remote(guest.map_err(unavailable)?)
            }
            None => Guest::Local(Box::new(LocalGuest::new(template.take()?, limits(configuration)))),
        };
        let session = Session::resume(guest, configuration.output_limit);
        let owner = Home::new(configuration, streams);
        let template_of = Some(template.clone());
        let mut partition = Partition {
            session: Some(session),
            template: template_of,
            owner,
            keeper: None,
            ended: None,
            has_arrived: false,
            memory: memory(configuration),
        };
        let names = partition.obey(Command::Renew {
            memory_limit: configuration.memory_limit,
            fuel: configuration.fuel,
            time_limit: configuration.time_limit.map(nanoseconds),
            output_limit: configuration.output_limit,
            seed: seed()?,
        })?;
        let names = names.into_iter().map(|name| match name {
            Data::String(name) => String::from_utf8(name).map_err(|_| malformed()),
            _ => Err(malformed()),
        });
        partition.owner.functions = Functions::named(&configuration.host_functions, names.collect::<Result<_>>()?)?;
        Ok(partition)
    }

    /// The partition as a template.
    pub fn freeze(mut self) -> Result<bridge::Template> {
        if let Some(error) = &self.ended {
            return Err(error.clone());
        }
        if self.owner.functions.has_unnamed() {
            return Err(Error::message(
                "functions of the host without a registered name cannot be part of a template: clones are given their own",
            ));
        }
        self.ended = Some(Error::message("the instance is a template"));
        match &mut self.session {
            Some(session) => match session.connection() {
                Guest::Local(guest) => guest.freeze().map_err(unavailable),
                Guest::Remote(_) => Err(Error::message("a template needs its monitor in the process")),
            },
            None => unreachable!("an instance without a session has ended"),
        }
    }

    /// Has the guest obey; what it gives.
    fn obey(&mut self, command: Command<'_>) -> Result<Vec<Data>> {
        let outcome = self.exchange(command)?;
        self.values(outcome)
    }

    fn values(&mut self, outcome: Outcome) -> Result<Vec<Data>> {
        match outcome {
            Outcome::Returned(tokens) => from_tokens(tokens),
            Outcome::Failed(failure) => Err(failed(failure)),
            Outcome::Booted | Outcome::Statistics(_) => {
                Err(self.end(End::Violation("it answers another question".into())))
            }
        }
    }

    fn exchange(&mut self, command: Command<'_>) -> Result<Outcome> {
        let (session, owner) = self.session()?;
        let event = session.obey(command, owner);
        self.attend(event)
    }

    fn session(&mut self) -> Result<(&mut Session<Guest>, &mut Home)> {
        match (&self.ended, &mut self.session) {
            (Some(error), _) => Err(error.clone()),
            (None, Some(session)) => Ok((session, &mut self.owner)),
            (None, None) => unreachable!("an instance without a session has ended"),
        }
    }

    /// Sees to what the guest offers, until it has obeyed.
    fn attend(&mut self, mut event: std::result::Result<Event, End>) -> Result<Outcome> {
        loop {
            if let Some(message) = self.owner.panic.take() {
                // Whatever the function was doing is half done.
                self.ended = Some(Error::Panicked(message.clone()));
                return Err(Error::Panicked(message));
            }
            event = match event {
                Ok(Event::Outcome(outcome)) => return Ok(outcome),
                Ok(Event::Offer(cause)) => match self.offer(cause) {
                    Ok(Some(after)) => {
                        let (session, owner) = self.session()?;
                        session.go_on(after, owner)
                    }
                    Ok(None) => return Err(self.give_up(Error::Stopped(StopReason::Snapshot))),
                    Err(end) => Err(end),
                },
                Err(end) => return Err(self.end(end)),
            };
        }
    }

    /// Lets the keeper decide about a snapshot. `None` if the guest runs elsewhere now.
    fn offer(&mut self, cause: Cause) -> std::result::Result<Option<After>, End> {
        let refused = |message: &str| Ok(Some(After::Refused(message.to_owned())));
        let Some(mut keeper) = self.keeper.take() else { return refused("nobody keeps snapshots") };
        let Some(session) = &mut self.session else { return refused("the partition has ended") };
        let cause = match cause {
            Cause::Program => SnapshotCause::Program,
            Cause::Request => SnapshotCause::Request,
            Cause::Interval => SnapshotCause::Interval,
        };
        let (mut end, mut is_gone) = (None, false);
        let mut offered =
            Offered { session, owner: &mut self.owner, memory: self.memory, end: &mut end, is_gone: &mut is_gone };
        let mut snapshot = Snapshot::of_partition(&mut offered, cause);
        let kept = keeper(&mut snapshot);
        let kept = if snapshot.is_given_away() { Ok(AfterSnapshot::Stop) } else { kept };
        self.keeper = Some(keeper);
        match (end, kept) {
            (Some(end), _) => Err(end),
            _ if is_gone => Ok(None),
            (None, Ok(AfterSnapshot::GoOn)) => Ok(Some(After::Taken)),
            (None, Ok(AfterSnapshot::Stop)) => Ok(Some(After::Stop)),
            (None, Err(error)) => Ok(Some(After::Refused(error.to_string()))),
        }
    }

    /// Has nothing of the instance run any more.
    #[cfg(feature = "migration")]
    pub fn abandon(&mut self) {
        self.give_up(Error::message("the instance runs elsewhere"));
    }

    pub fn on_snapshot(&mut self, keeper: Keeper) {
        self.keeper = Some(keeper);
    }

    pub fn on_collection(&mut self, observer: Observer) -> Result<()> {
        if self.has_arrived {
            return Err(Error::message(
                "a program that has come from another process cannot be told to tell of collections",
            ));
        }
        self.owner.observer = Some(observer);
        self.obey(Command::TellCollections).map(drop)
    }

    pub fn snapshot_flag(&self) -> Arc<AtomicBool> {
        self.owner.snapshot.clone()
    }

    /// Writes the image of the instance, which is idle.
    pub fn snapshot(&mut self, sink: impl Write) -> Result<()> {
        let (session, owner) = self.session()?;
        let mut sink = WriteSink::new(sink, false);
        let mut written = Ok(());
        let event = match session.obey(Command::Snapshot, owner) {
            Ok(Event::Offer(_)) => session.write_image(false, owner, &mut sink).and_then(|outcome| {
                written = outcome.map_err(image_error);
                session.go_on(After::Taken, owner)
            }),
            event => event,
        };
        self.attend(event)?;
        sink.finish_after(written)
    }

    /// Goes on with the program of an instance that was restored, or has come from another process.
    pub fn resume(&mut self, wants_results: bool) -> Result<Vec<Data>> {
        if std::mem::take(&mut self.has_arrived) {
            let (session, owner) = self.session()?;
            let event = session.go_on_here(owner);
            let outcome = self.attend(event)?;
            return self.values(outcome);
        }
        self.obey(Command::Resume { wants_results })
    }

    /// Notes that nothing can be done with the partition any more.
    fn end(&mut self, end: End) -> Error {
        self.give_up(ended(end))
    }

    fn give_up(&mut self, error: Error) -> Error {
        // Its memory goes back at once.
        self.session = None;
        self.ended = Some(error.clone());
        error
    }

    pub fn run(&mut self, content: &[u8], name: &[u8], arguments: &[Data], wants_results: bool) -> Result<Vec<Data>> {
        self.obey(Command::Run { name, content, arguments: to_tokens(arguments), wants_results })
    }

    pub fn call(&mut self, name: &str, arguments: &[Data]) -> Result<Vec<Data>> {
        self.obey(Command::Call { name: name.as_bytes(), arguments: to_tokens(arguments) })
    }

    pub fn get(&mut self, name: &str) -> Result<Data> {
        Ok(self.obey(Command::Get(name.as_bytes()))?.into_iter().next().unwrap_or_default())
    }

    pub fn set(&mut self, name: &str, value: &Data) -> Result<()> {
        let value = to_tokens(std::slice::from_ref(value));
        self.obey(Command::Set { name: name.as_bytes(), value }).map(drop)
    }

    pub fn host_function(&mut self, global: &str, name: &str) -> Result<()> {
        let number = self.owner.functions.number_of(name)?;
        self.set_function(global, number)
    }

    pub fn function(&mut self, name: &str, function: functions::Function) -> Result<()> {
        let number = self.owner.functions.add(function);
        self.set_function(name, number)
    }

    fn set_function(&mut self, name: &str, number: u32) -> Result<()> {
        self.obey(Command::Set { name: name.as_bytes(), value: vec![Token::HostFunction(number)] }).map(drop)
    }

    pub fn statistics(&mut self) -> Result<Statistics> {
        match self.exchange(Command::Statistics)? {
            Outcome::Statistics(statistics) => Ok(Statistics::of_partition(*statistics)),
            _ => Err(self.end(End::Violation("it answers another question".into()))),
        }
    }

    pub fn interrupt_flag(&self) -> Arc<AtomicBool> {
        self.owner.interrupt.clone()
    }

    pub fn close(&mut self) -> Result<()> {
        let closed = self.obey(Command::Close).map(drop);
        self.ended.get_or_insert_with(|| Error::message("the instance is closed"));
        closed
    }
}

/// A snapshot that a partition offers.
pub(crate) struct Offered<'p> {
    session: &'p mut Session<Guest>,
    owner: &'p mut Home,
    /// The most memory of the partition beyond what it starts with.
    #[cfg_attr(not(feature = "migration"), expect(dead_code, reason = "for migrations"))]
    memory: u64,
    /// How the partition ended meanwhile.
    end: &'p mut Option<End>,
    /// Whether the guest runs elsewhere now.
    is_gone: &'p mut bool,
}

impl fmt::Debug for Offered<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Offered").field("is_gone", &self.is_gone).finish_non_exhaustive()
    }
}

impl Offered<'_> {
    /// Writes the image.
    pub fn write(&mut self, is_compressed: bool, sink: &mut dyn Sink) -> Result<()> {
        match self.session.write_image(is_compressed, self.owner, sink) {
            Ok(written) => written.map_err(image_error),
            Err(end) => {
                let error = ended(end.clone());
                *self.end = Some(end);
                Err(error)
            }
        }
    }
}

mod functions;
#[cfg(feature = "migration")]
mod transfer;

#[cfg(feature = "migration")]
pub(crate) use transfer::arrive;

fn image_error(message: String) -> Error {
    Error::Image(ImageError { message, part: String::new(), offset: None })
}

impl Drop for Partition {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // Nobody is left to be told.
            let _ = self.close();
        }
        if let (Some(template), Some(session)) = (&self.template, self.session.take())
            && let Guest::Local(guest) = session.into_connection()
        {
            template.take_back(guest.into_partition());
        }
    }
}

impl Home {
    fn new(configuration: &Configuration, streams: Streams) -> Home {
        Home {
            process: Process::new(configuration.grants.clone(), streams).with_most_streams(MOST_STREAMS),
            functions: Functions::new(&configuration.host_functions),
            interrupt: Arc::new(AtomicBool::new(false)),
            snapshot: Arc::new(AtomicBool::new(false)),
            observer: None,
            panic: None,
        }
    }
}

/// The configuration as the guest is told.
fn guest_configuration(configuration: &Configuration, owner: &Home) -> bridge::message::Configuration {
    let library_number = |library: &Library| Library::ALL.iter().position(|other| other == library);
    bridge::message::Configuration {
        memory_limit: configuration.memory_limit,
        fuel: configuration.fuel,
        time_limit: configuration.time_limit.map(nanoseconds),
        output_limit: configuration.output_limit,
        libraries: configuration.libraries.iter().filter_map(library_number).map(|number| number as u8).collect(),
        ignores_environment: configuration.ignores_environment,
        collection_stress: configuration.collection_stress,
        snapshot_interval: configuration.snapshot_interval,
        functions: owner.functions.names().to_vec(),
    }
}

/// The most memory of a partition beyond what it starts with.
pub(crate) fn memory(configuration: &Configuration) -> u64 {
    configuration.memory_limit.map_or(MOST_MEMORY, |limit| {
        // The compiler's memory counts against the same limit again.
        limit.saturating_mul(2).saturating_add(MEMORY_BESIDE_HEAP).min(MOST_MEMORY)
    })
}

fn limits(configuration: &Configuration) -> bridge::Limits {
    bridge::Limits { time: configuration.time_limit, share: configuration.processor_share }
}

fn nanoseconds(limit: Duration) -> u64 {
    u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX)
}

/// A seed for the random numbers of a clone.
fn seed() -> Result<(i64, i64)> {
    let mut bytes = [0; 16];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    filled.map_err(|error| Error::external(std::io::Error::from(error)))?;
    let (first, second) = bytes.split_at(8);
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, &byte| number << 8 | i64::from(byte));
    Ok((number(first), number(second)))
}

pub(crate) fn unavailable(error: bridge::Error) -> Error {
    Error::Unavailable(error.to_string())
}

fn ended(end: End) -> Error {
    match end {
        End::Memory => Error::Memory,
        End::Time => Error::Stopped(StopReason::Time),
        End::Interrupt => Error::Stopped(StopReason::Interrupt),
        End::Output => Error::Stopped(StopReason::Output),
        other => Error::Ended(other.to_string()),
    }
}

fn failed(failure: Failure) -> Error {
    use bridge::message::StopReason as Reason;
    match failure {
        Failure::Syntax { message, line, column, length, source_line, at_end } => {
            Error::Syntax(Arc::new(SyntaxError {
                message,
                line,
                column,
                length: usize::try_from(length).unwrap_or(usize::MAX),
                source_line,
                at_end,
            }))
        }
        Failure::Malformed(message) => Error::Malformed(message),
        Failure::Runtime { message, traceback, value, type_name } => {
            let value = value.and_then(|tokens| from_tokens(tokens).ok()).and_then(|values| values.into_iter().next());
            Error::Isolated(Arc::new(IsolatedError { message, traceback, value, type_name }))
        }
        Failure::Image { message, part, offset } => Error::Image(ImageError { message, part, offset: Some(offset) }),
        Failure::Memory => Error::Memory,
        Failure::Stopped(reason) => Error::Stopped(match reason {
            Reason::Fuel => StopReason::Fuel,
            Reason::Time => StopReason::Time,
            Reason::Interrupt => StopReason::Interrupt,
            Reason::Output => StopReason::Output,
            Reason::Snapshot => StopReason::Snapshot,
            Reason::Exit(status) => StopReason::Exit(status),
        }),
        Failure::Value(message) => Error::message(message),
    }
}

fn to_tokens(values: &[Data]) -> Values {
    fn append(value: &Data, tokens: &mut Values) {
        tokens.push(match value {
            Data::Nil => Token::Nil,
            Data::Boolean(value) => Token::Boolean(*value),
            Data::Integer(value) => Token::Integer(*value),
            Data::Float(value) => Token::Float(*value),
            Data::String(bytes) => Token::String(bytes.clone()),
            Data::Table(pairs) => {
                tokens.push(Token::Table(pairs.len() as u32));
                for (key, value) in pairs {
                    append(key, tokens);
                    append(value, tokens);
                }
                return;
            }
        });
    }
    let mut tokens = Vec::new();
    for value in values {
        append(value, &mut tokens);
    }
    tokens
}

fn malformed() -> Error {
    Error::Ended("the partition sends malformed values".to_owned())
}

/// The values of tokens of unknown origin.
fn from_tokens(tokens: Values) -> Result<Vec<Data>> {
    let mut values = Vec::new();
    // Tables that are not complete: their parts, and how many are still to come.
    let mut open: Vec<(Vec<Data>, u64)> = Vec::new();
    for token in tokens {
        let mut value = match token {
            Token::Nil => Data::Nil,
            Token::Boolean(value) => Data::Boolean(value),
            Token::Integer(value) => Data::Integer(value),
            Token::Float(value) => Data::Float(value),
            Token::String(bytes) => Data::String(bytes),
            Token::Table(0) => Data::Table(Vec::new()),
            Token::Table(pairs) => {
                if open.len() >= MOST_DEPTH {
                    return Err(malformed());
                }
                open.push((Vec::new(), u64::from(pairs) * 2));
                continue;
            }
            Token::HostFunction(_) => return Err(Error::message("a function cannot leave the partition")),
        };
        loop {
            let Some((parts, left)) = open.last_mut() else {
                values.push(value);
                break;
            };
            parts.push(value);
            *left -= 1;
            if *left > 0 {
                break;
            }
            let mut parts = open.pop().map(|(parts, _)| parts).unwrap_or_default().into_iter();
            let mut pairs = Vec::with_capacity(parts.len() / 2);
            while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
                pairs.push((key, value));
            }
            value = Data::Table(pairs);
        }
    }
    if open.is_empty() { Ok(values) } else { Err(malformed()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_unknown_origin_become_values_or_an_error() {
        let pair = || vec![Token::Table(1), Token::Integer(1), Token::Table(0)];
        let table = Data::Table(vec![(Data::Integer(1), Data::Table(Vec::new()))]);
        assert_eq!(from_tokens(pair()).ok(), Some(vec![table]));
        let nested = |depth: usize| {
            let mut tokens = Vec::new();
            for _ in 0..depth {
                tokens.extend([Token::Table(1), Token::Nil]);
            }
            tokens.push(Token::Nil);
            from_tokens(tokens)
        };
        assert!(nested(MOST_DEPTH).is_ok());
        assert!(nested(MOST_DEPTH + 1).is_err() && nested(1_000_000).is_err());
        for wrong in [
            vec![Token::Table(u32::MAX)],
            vec![Token::Table(1), Token::Nil],
            vec![Token::Table(2), Token::Nil, Token::Table(0), Token::Nil],
            vec![Token::HostFunction(0)],
        ] {
            assert!(from_tokens(wrong.clone()).is_err(), "{wrong:?}");
        }
    }
}
