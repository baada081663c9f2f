//! A guest whose monitor is a process of its own.
//!
//! ```text
//!   owner: session --- messages (the monitor's standard input, a socket) --- monitor: partition
//!                  --- long ones (memory that both share) -----------------
//!                  --- signals (its standard output, a socket) ------------
//! ```

use crate::{
    connection::{Answer, Connection, Pages, Sent, Signals, Transfer},
    error::{End, Error},
    limits::{Limits, Meter},
    partition,
    shared::{Place, Shared},
    state::State,
    template::Template,
    wire::{self, FromMonitor, ToMonitor},
};
use lunette_hw_interface::channel::MOST_SENT;
use lunette_pages::Batch;
use rustix::net::sockopt::set_socket_send_buffer_size;
use std::{
    io::{self, Read, Write},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt},
    },
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How often a waiting owner looks whether the program is to stop.
const PERIOD: Duration = Duration::from_millis(20);

/// The most bytes of pages in one message.
pub const MOST_PAGES: usize = 1 << 27;

/// How long a monitor may leave what it is sent unread.
const PATIENCE: Duration = Duration::from_secs(5);

/// A monitor in a process of its own, with its guest.
#[derive(Debug)]
pub struct RemoteGuest {
    monitor: Child,
    messages: UnixStream,
    signals: UnixStream,
    shared: Shared,
    /// Where the next long message of the monitor will lie.
    place: Place,
    /// Where the next long message for the monitor is to lie.
    given: Place,
    /// Whether it lies there already, if it is the one that was staged.
    is_staged: bool,
    limits: Limits,
    meter: Meter,
    most_message: usize,
    /// Whether the monitor knows already that the guest is to run on.
    is_ahead: bool,
    /// Whether a posted write has failed, as the monitor was told last.
    post_failed: bool,
    /// What messages are written to, and read from.
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
}

impl RemoteGuest {
    /// Starts a monitor by a command whose program calls [`monitor::serve`](crate::monitor::serve), and has it make a
    /// partition, or a clone of a template, which waits for a command.
    ///
    /// # Errors
    /// It cannot be started, or there can be no partition.
    pub fn new(
        mut program: Command,
        memory: u64,
        limits: Limits,
        template: Option<&Template>,
    ) -> Result<RemoteGuest, Error> {
        let failed = |error: io::Error| Error::System { what: "start a monitor", reason: error.to_string() };
        let (messages, theirs) = UnixStream::pair().map_err(failed)?;
        let (signals, their_signals) = UnixStream::pair().map_err(failed)?;
        for end in [&messages, &theirs] {
            // What the system does not allow is as good as it was: then one waits for the other more often.
            let _ = set_socket_send_buffer_size(end, MOST_SENT);
        }
        let shared = Shared::new().map_err(failed)?;
        let monitor = program
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(OwnedFd::from(their_signals)))
            // Keys pressed at the terminal are for the owner.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let most_message = partition::most_message(memory);
        let mut guest = RemoteGuest {
            monitor,
            messages,
            signals,
            shared,
            place: Place::TO_OWNER,
            given: Place::TO_MONITOR,
            is_staged: false,
            limits: limits.clone(),
            meter: Meter::start(),
            most_message,
            is_ahead: false,
            post_failed: false,
            outgoing: Vec::new(),
            incoming: Vec::new(),
        };
        let template = template.map(Template::path);
        let make = ToMonitor::Make { memory, limits, template, shared: guest.shared.path() };
        wire::send(&mut guest.messages, &mut guest.outgoing, &make).map_err(failed)?;
        match wire::receive(&mut guest.messages, &mut guest.incoming, most_message) {
            Ok(FromMonitor::Made) => {}
            Ok(FromMonitor::Unavailable(message)) => return Err(Error::Monitor(message)),
            Ok(_) => return Err(failed(io::ErrorKind::InvalidData.into())),
            Err(error) => return Err(failed(error)),
        }
        guest.messages.set_read_timeout(Some(PERIOD)).map_err(failed)?;
        guest.messages.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
        Ok(guest)
    }

    fn send(&mut self, message: &ToMonitor<'_>) -> Result<(), End> {
        wire::send(&mut self.messages, &mut self.outgoing, message).map_err(|error| lost(&error))
    }
}

impl RemoteGuest {
    /// Has the monitor do something while the guest waits; its answer.
    fn ask(&mut self, message: &ToMonitor<'_>) -> Result<FromMonitor<'_>, End> {
        self.send(message)?;
        let start = Instant::now();
        let mut is_patient = || start.elapsed() < PATIENCE;
        match wire::receive(&mut Patient(&self.messages, &mut is_patient), &mut self.incoming, MOST_PAGES) {
            Ok(FromMonitor::Ended(end)) => Err(end),
            Ok(answer) => Ok(answer),
            Err(error) => Err(lost(&error)),
        }
    }

    fn demand(&mut self, message: &ToMonitor<'_>) -> Result<(), End> {
        match self.ask(message)? {
            FromMonitor::Done => Ok(()),
            other => Err(out_of_order(&other)),
        }
    }
}

fn out_of_order(message: &FromMonitor<'_>) -> End {
    let name = format!("{message:?}");
    let name = name.split(['(', ' ']).next().unwrap_or_default();
    End::Violation(format!("its monitor talks out of order: {name}"))
}

fn lost(error: &io::Error) -> End {
    End::Failed(format!("the monitor is gone: {error}"))
}

/// Reads from the socket; calls a function before, and whenever nothing has come for a while, which says whether to go on.
struct Patient<'a>(&'a UnixStream, &'a mut dyn FnMut() -> bool);

impl Read for Patient<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.1() {
            match self.0.read(bytes) {
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                result => return result,
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }
}

impl Connection for RemoteGuest {
    fn begin(&mut self) -> Result<(), End> {
        self.meter = Meter::start();
        self.send(&ToMonitor::Begin)
    }

    fn answer(&mut self, answer: Answer<'_>) -> Result<(), End> {
        self.post_failed = answer.post_failed;
        let is_staged = std::mem::take(&mut self.is_staged);
        match answer.message {
            _ if std::mem::take(&mut self.is_ahead) => Ok(()),
            Some(message) if Shared::takes(message.len()) => {
                let place = self.given.take();
                if !(is_staged && answer.is_staged) {
                    self.shared.put(place, message).map_err(|error| lost(&error))?;
                }
                self.send(&ToMonitor::ExchangeShared { length: message.len() as u32, post_failed: answer.post_failed })
            }
            _ => self.send(&ToMonitor::Exchange(answer)),
        }
    }

    fn stage(&mut self, message: &[u8]) -> Result<(), End> {
        self.is_staged = Shared::takes(message.len());
        if self.is_staged {
            self.shared.put(self.given, message).map_err(|error| lost(&error))?;
        }
        Ok(())
    }

    fn receive(&mut self, sent: &mut Sent, take_signals: &mut dyn FnMut() -> Signals) -> Result<(), End> {
        let mut to_monitor = &self.signals;
        // A monitor keeps the limits, unless it was taken over.
        let mut kept = Ok(());
        let (meter, limits) = (&mut self.meter, &self.limits);
        let mut look = || {
            let signals = take_signals();
            if signals.interrupt {
                meter.interrupt();
            }
            if signals != Signals::default() {
                // A monitor that is gone is noticed where its message is missing.
                let _ = to_monitor.write_all(&[signals.to_byte()]);
            }
            kept = meter.check_monitor(limits);
            kept.is_ok()
        };
        let received = wire::receive(&mut Patient(&self.messages, &mut look), &mut self.incoming, self.most_message);
        kept?;
        match received {
            Ok(FromMonitor::Sent { bytes, waits }) => {
                sent.bytes.clear();
                sent.bytes.extend_from_slice(bytes);
                sent.waits = waits;
            }
            Ok(FromMonitor::SentShared { length, waits }) => {
                let place = self.place.take();
                self.shared.copy(place, length as usize, &mut sent.bytes).map_err(|error| lost(&error))?;
                sent.waits = waits;
            }
            Ok(FromMonitor::Ended(end)) => return Err(end),
            Ok(other) => return Err(out_of_order(&other)),
            Err(error) => return Err(lost(&error)),
        }
        if !sent.waits {
            // Nothing is to be answered: the monitor may use the place again while this process sees to what it has sent.
            let nothing = Answer { post_failed: self.post_failed, ..Answer::default() };
            self.send(&ToMonitor::Exchange(nothing))?;
            self.is_ahead = true;
        }
        Ok(())
    }

    fn watch(&mut self, take_signals: &mut dyn FnMut() -> Signals) -> Result<(), End> {
        let signals = take_signals();
        if signals.interrupt {
            self.meter.interrupt();
        }
        if signals != Signals::default() {
            // As above.
            let _ = self.signals.write_all(&[signals.to_byte()]);
        }
        self.meter.check(&self.limits)
    }

    fn most_message(&self) -> usize {
        self.most_message
    }

    fn finish(&mut self) {
        // A monitor that is gone is noticed with the next command.
        let _ = self.send(&ToMonitor::Finish);
    }
}

impl Transfer for RemoteGuest {
    fn set_leaving(&mut self, is_leaving: bool) -> Result<(), End> {
        self.demand(&ToMonitor::SetLeaving(is_leaving))
    }

    fn take_pages(&mut self, most: u64) -> Result<Pages, End> {
        match self.ask(&ToMonitor::TakePages(most))? {
            FromMonitor::Pages(pages) => Ok(pages),
            other => Err(out_of_order(&other)),
        }
    }

    fn state(&mut self) -> Result<State, End> {
        match self.ask(&ToMonitor::TakeState)? {
            FromMonitor::State(state) => Ok(*state),
            other => Err(out_of_order(&other)),
        }
    }

    fn place(&mut self, batch: Batch) -> Result<(), End> {
        self.demand(&ToMonitor::Place(batch))
    }

    fn set_state(&mut self, state: State) -> Result<(), End> {
        self.demand(&ToMonitor::SetState(Box::new(state)))
    }
}

impl Drop for RemoteGuest {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.monitor.kill();
        let _ = self.monitor.wait();
    }
}
