//! Instances in partitions, as the API sees them.

mod functions;
mod guest;
mod owner;
mod snapshots;
#[cfg(feature = "migration")]
mod transfer;
mod values;

pub use guest::monitor;
pub(crate) use guest::{memory, unavailable};
pub(crate) use snapshots::Offered;
#[cfg(feature = "migration")]
pub(crate) use transfer::arrive;

#[cfg(feature = "jit")]
use crate::machine_code::{Explanation, MachineCode};
use crate::{
    data::Data,
    engine::Configuration,
    error::{Error, Result, StopReason},
    host::Streams,
    profile::Profile,
    snapshot::ReadSource,
    statistics::Statistics,
    template::Shared,
};
use functions::Functions;
use guest::{Guest, nanoseconds};
use lunette_hw_bridge::{
    self as bridge, End, Event, Session,
    message::{Command, Outcome, Token},
};
use owner::{Home, Observer};
use snapshots::Keeper;
use std::{
    fmt,
    io::Read,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use values::{ended, failed, from_tokens, malformed, to_tokens};

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
    /// Whether the program was stopped to go on elsewhere: here nothing of it is to be heard any more.
    has_left: bool,
    /// The most memory beyond what it starts with.
    memory: u64,
}

impl fmt::Debug for Partition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Partition").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl Partition {
    /// A partition of a guest that waits for its first command.
    fn of(session: Session<Guest>, owner: Home, memory: u64) -> Partition {
        Partition {
            session: Some(session),
            template: None,
            owner,
            keeper: None,
            ended: None,
            has_arrived: false,
            has_left: false,
            memory,
        }
    }

    /// A partition whose guest has no instance yet.
    fn boot(configuration: &Configuration, streams: Streams) -> Result<Partition> {
        let guest = Guest::new(configuration).map_err(unavailable)?;
        let mut owner = Home::new(configuration, streams);
        let session = Session::start(guest, configuration.output_limit, &mut owner).map_err(ended)?;
        Ok(Partition::of(session, owner, memory(configuration)))
    }

    /// A new instance.
    pub fn new(configuration: &Configuration, streams: Streams) -> Result<Partition> {
        let mut partition = Partition::boot(configuration, streams)?;
        partition.obey(Command::Start(guest::settings(configuration, &partition.owner)))?;
        Ok(partition)
    }

    /// An instance of an image.
    pub fn restore(configuration: &Configuration, image: impl Read, streams: Streams) -> Result<Partition> {
        let mut partition = Partition::boot(configuration, streams)?;
        let settings = guest::settings(configuration, &partition.owner);
        let mut source = ReadSource::new(image);
        let (session, owner) = partition.session()?;
        let event = session.restore(settings, owner, &mut source);
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
        let session = Session::resume(Guest::clone_of(template)?, configuration.output_limit);
        let mut partition = Partition::of(session, Home::new(configuration, streams), memory(configuration));
        partition.template = Some(template.clone());
        let names = partition.obey(Command::Renew {
            memory_limit: configuration.memory_limit,
            fuel: configuration.fuel,
            time_limit: configuration.time_limit.map(nanoseconds),
            output_limit: configuration.output_limit,
            seed: guest::seed()?,
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
            Outcome::Failed(failure) => {
                let error = failed(failure);
                self.has_left |= matches!(error, Error::Stopped(StopReason::Snapshot));
                Err(error)
            }
            _ => Err(self.end(End::Violation("it answers another question".into()))),
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

    /// Has nothing of the instance run any more.
    #[cfg(feature = "migration")]
    pub fn abandon(&mut self) {
        self.give_up(Error::message("the instance runs elsewhere"));
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

    pub fn enter(&mut self, entry: &[u8]) -> Result<()> {
        self.obey(Command::Enter(entry)).map(drop)
    }

    pub fn check_entry(&mut self, entry: &[u8]) -> Result<()> {
        self.obey(Command::Check(entry)).map(drop)
    }

    pub fn complete(&mut self, text: &str) -> Result<(usize, Vec<String>)> {
        let mut values = self.obey(Command::Complete(text))?.into_iter();
        let start = match values.next() {
            Some(Data::Integer(start)) => usize::try_from(start).ok().filter(|&start| text.is_char_boundary(start)),
            _ => None,
        };
        let names = values.map(|name| match name {
            Data::String(name) => String::from_utf8(name).map_err(|_| malformed()),
            _ => Err(malformed()),
        });
        Ok((start.ok_or_else(malformed)?, names.collect::<Result<_>>()?))
    }

    pub fn has_ended(&self) -> bool {
        self.ended.is_some() || self.has_left
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

    #[cfg(feature = "jit")]
    pub fn machine_code(&mut self) -> Result<MachineCode> {
        match self.exchange(Command::MachineCode)? {
            Outcome::MachineCode(functions, exits, figures) => Ok(MachineCode::of_reports(functions, exits, figures)),
            _ => Err(self.end(End::Violation("it answers another question".into()))),
        }
    }

    #[cfg(feature = "jit")]
    pub fn explain_machine_code(&mut self, name: &str) -> Result<Vec<Explanation>> {
        match self.exchange(Command::Explain(name))? {
            Outcome::Explanations(explanations) => {
                Ok(explanations.into_iter().map(Explanation::of_partition).collect())
            }
            _ => Err(self.end(End::Violation("it answers another question".into()))),
        }
    }

    pub fn start_profile(&mut self, interval: Duration) -> Result<()> {
        let interval = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
        self.obey(Command::StartProfile(interval)).map(drop)
    }

    pub fn take_profile(&mut self) -> Result<Profile> {
        match self.exchange(Command::TakeProfile)? {
            Outcome::Profile(profile) => Ok(Profile::of_partition(profile)),
            _ => Err(self.end(End::Violation("it answers another question".into()))),
        }
    }

    pub fn interrupt_flag(&self) -> Arc<AtomicBool> {
        self.owner.interrupt.clone()
    }

    pub fn close(&mut self) -> Result<()> {
        let closed = if self.has_left { Ok(()) } else { self.obey(Command::Close).map(drop) };
        self.ended.get_or_insert_with(|| Error::message("the instance is closed"));
        closed
    }
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
