//! Guests: in a partition of this process, or with a monitor in a process of its own.

use super::owner::Home;
use crate::{
    engine::Configuration,
    error::{Error, Result},
    template::Shared,
};
use lunette_hw_bridge::{
    self as bridge, Answer, Connection, End, LocalGuest, RemoteGuest, Sent, Signals, image::Image,
};
use lunette_stdlib::Library;
use std::{path::Path, time::Duration};

/// The partition's guest.
pub(super) enum Guest {
    Local(Box<LocalGuest>),
    Remote(Box<RemoteGuest>),
}

impl Guest {
    pub(super) fn new(configuration: &Configuration) -> std::result::Result<Guest, bridge::Error> {
        Guest::with_memory(configuration, memory(configuration))
    }

    /// A guest that may have so much memory beyond what it starts with.
    pub(super) fn with_memory(configuration: &Configuration, memory: u64) -> std::result::Result<Guest, bridge::Error> {
        if let Some(program) = &configuration.monitor {
            return RemoteGuest::new(command(program), memory, limits(configuration), None)
                .map(|guest| Guest::Remote(Box::new(guest)));
        }
        let hypervisor = bridge::Hypervisor::open()?;
        let partition = bridge::Partition::new(&hypervisor, &Image::built_in()?, memory)?;
        Ok(Guest::Local(Box::new(LocalGuest::new(partition, limits(configuration)))))
    }

    /// A clone of a template.
    pub(super) fn clone_of(template: &Shared) -> Result<Guest> {
        let configuration = &template.configuration;
        match &configuration.monitor {
            Some(program) => {
                let (memory, limits) = (memory(configuration), limits(configuration));
                let guest = RemoteGuest::new(command(program), memory, limits, Some(&template.template));
                Ok(Guest::Remote(Box::new(guest.map_err(unavailable)?)))
            }
            None => Ok(Guest::Local(Box::new(LocalGuest::new(template.take()?, limits(configuration))))),
        }
    }

    fn connection(&mut self) -> &mut dyn Connection {
        match self {
            Guest::Local(guest) => guest.as_mut(),
            Guest::Remote(guest) => guest.as_mut(),
        }
    }
}

impl Connection for Guest {
    fn begin(&mut self) -> std::result::Result<(), End> {
        self.connection().begin()
    }

    fn answer(&mut self, answer: Answer<'_>) -> std::result::Result<(), End> {
        self.connection().answer(answer)
    }

    fn stage(&mut self, message: &[u8]) -> std::result::Result<(), End> {
        self.connection().stage(message)
    }

    fn receive(&mut self, sent: &mut Sent, take_signals: &mut dyn FnMut() -> Signals) -> std::result::Result<(), End> {
        self.connection().receive(sent, take_signals)
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

/// The command that starts a monitor.
fn command(program: &Path) -> std::process::Command {
    let mut command = std::process::Command::new(program);
    command.arg("monitor");
    command
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

/// The configuration as the guest is told.
pub(super) fn settings(configuration: &Configuration, owner: &Home) -> bridge::message::Configuration {
    let library_number = |library: &Library| Library::ALL.iter().position(|other| other == library);
    bridge::message::Configuration {
        memory_limit: configuration.memory_limit,
        fuel: configuration.fuel,
        time_limit: configuration.time_limit.map(nanoseconds),
        output_limit: configuration.output_limit,
        libraries: configuration.libraries.iter().filter_map(library_number).map(|number| number as u8).collect(),
        ignores_environment: configuration.ignores_environment,
        compiling: compiling(configuration),
        #[cfg(feature = "jit")]
        code_limit: configuration.machine_code_limit,
        #[cfg(not(feature = "jit"))]
        code_limit: None,
        #[cfg(feature = "jit")]
        reports_machine_code: configuration.reports_machine_code,
        #[cfg(not(feature = "jit"))]
        reports_machine_code: false,
        collection_stress: configuration.collection_stress,
        snapshot_interval: configuration.snapshot_interval,
        functions: owner.functions.names().to_vec(),
    }
}

#[cfg(feature = "jit")]
fn compiling(configuration: &Configuration) -> bridge::message::Compiling {
    use {crate::Jit, bridge::message::Compiling};
    match configuration.jit {
        Jit::Off => Compiling::Never,
        Jit::On => Compiling::Hot,
        Jit::Eager => Compiling::Loaded,
        Jit::Chaos => Compiling::Chaos,
    }
}

#[cfg(not(feature = "jit"))]
fn compiling(_: &Configuration) -> bridge::message::Compiling {
    bridge::message::Compiling::Never
}

/// The most memory of a partition beyond what it starts with.
pub(crate) fn memory(configuration: &Configuration) -> u64 {
    bridge::allowance::partition(configuration.memory_limit)
}

fn limits(configuration: &Configuration) -> bridge::Limits {
    bridge::Limits { time: configuration.time_limit, share: configuration.processor_share }
}

pub(super) fn nanoseconds(limit: Duration) -> u64 {
    u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX)
}

/// A seed for the random numbers of a clone.
pub(super) fn seed() -> Result<(i64, i64)> {
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
