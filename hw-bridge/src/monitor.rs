//! A monitor as a process of its own: it makes one partition, gives up everything it does not need for running it, and
//! talks to its owner in messages.

use crate::{
    connection::{Connection, Sent, Signals, Transfer},
    error::{End, Error},
    frames,
    image::Image,
    limits,
    local::LocalGuest,
    partition::{Hypervisor, Partition},
    sandbox,
    shared::{AHEAD, Place, Shared},
    template::Template,
    wire::{self, FromMonitor, ToMonitor},
};
use std::{
    io::{self, Read},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::Path,
};

/// Serves the owner at the other end of standard input until it is gone. To be called before the process does anything
/// else.
///
/// # Errors
/// Standard input and output are not an owner's, or the process cannot be confined.
pub fn serve() -> Result<(), Error> {
    sandbox::close_inherited();
    let failed = |error: io::Error| Error::System { what: "talk to the owner", reason: error.to_string() };
    let own = |stream: &dyn Fn() -> io::Result<OwnedFd>| stream().map(UnixStream::from).map_err(failed);
    let mut messages = own(&|| io::stdin().as_fd().try_clone_to_owned())?;
    let signals = own(&|| io::stdout().as_fd().try_clone_to_owned())?;
    signals.set_nonblocking(true).map_err(failed)?;
    let (mut received, mut buffer, mut sent) = (Vec::new(), Vec::new(), Sent::default());
    let Ok(ToMonitor::Make { memory, limits, template, shared }) = wire::receive(&mut messages, &mut received, 0)
    else {
        return Err(failed(io::ErrorKind::InvalidData.into()));
    };
    let shared = Shared::open(&shared).map_err(failed)?;
    let made = make(memory, template.as_deref()).map(|partition| LocalGuest::new(partition, limits));
    let guest = match made {
        Ok(guest) => guest,
        Err(error) => {
            let message = FromMonitor::Unavailable(error.to_string());
            return wire::send(&mut messages, &mut buffer, &message).map_err(failed);
        }
    };
    sandbox::leave_standard_streams()?;
    sandbox::enter()?;
    wire::send(&mut messages, &mut buffer, &FromMonitor::Made).map_err(failed)?;
    let mut monitor = Monitor {
        guest,
        messages,
        signals,
        shared,
        given: Place::TO_MONITOR,
        place: Place::TO_OWNER,
        buffer,
        ahead: 0,
        waits: true,
    };
    // An owner that is gone is the normal end.
    while let Ok(message) = wire::receive(&mut monitor.messages, &mut received, usize::MAX) {
        if monitor.obey(message, &mut sent).is_err() {
            break;
        }
    }
    Ok(())
}

/// A monitor at work.
struct Monitor {
    guest: LocalGuest,
    messages: UnixStream,
    signals: UnixStream,
    shared: Shared,
    /// Where the next long message of the owner will lie.
    given: Place,
    /// Where the next long message for the owner is to lie.
    place: Place,
    /// What messages are written to.
    buffer: Vec<u8>,
    /// How many messages without an answer the owner has not confirmed.
    ahead: usize,
    /// Whether the guest waits for a message, or has ended.
    waits: bool,
}

impl Monitor {
    /// Does what the owner wants. An error says that it is gone.
    fn obey(&mut self, message: ToMonitor<'_>, sent: &mut Sent) -> io::Result<()> {
        let guest = &mut self.guest;
        let outcome = match message {
            ToMonitor::Begin => guest.begin().map(|()| None),
            ToMonitor::SetLeaving(is_leaving) => guest.set_leaving(is_leaving).map(|()| Some(FromMonitor::Done)),
            ToMonitor::TakePages(most) => guest.take_pages(most).map(|pages| Some(FromMonitor::Pages(pages))),
            ToMonitor::TakeState => guest.state().map(|state| Some(FromMonitor::State(Box::new(state)))),
            ToMonitor::Place(batch) => guest.place(batch).map(|()| Some(FromMonitor::Done)),
            ToMonitor::SetState(state) => guest.set_state(*state).map(|()| Some(FromMonitor::Done)),
            ToMonitor::Exchange(answer) => {
                let is_given = answer.message.is_some();
                let given = guest.answer(answer);
                return self.exchange(is_given, given, sent);
            }
            ToMonitor::ExchangeShared { length, post_failed } => {
                let length = length as usize;
                // It is the guest's to look at: nobody here does.
                let mut message = self.shared.message(self.given.take(), length)?;
                let given = guest.answer_from(&mut message, length, post_failed);
                return self.exchange(true, given, sent);
            }
            ToMonitor::Finish => {
                guest.finish();
                Ok(None)
            }
            ToMonitor::Make { .. } => Err(End::Failed("the owner talks out of order".to_owned())),
        };
        match outcome {
            Ok(None) => Ok(()),
            Ok(Some(answer)) => self.send(&answer),
            Err(end) => self.send(&FromMonitor::Ended(end)),
        }
    }

    /// Lets the guest run until it waits for an answer or is too far ahead of the owner. `is_given` says whether it was given
    /// one, `ran` what came of that.
    fn exchange(&mut self, is_given: bool, mut ran: Result<(), End>, sent: &mut Sent) -> io::Result<()> {
        if !is_given && self.ahead > 0 {
            self.ahead -= 1;
        } else {
            self.waits = false;
        }
        while ran.is_ok() && !self.waits && self.ahead < AHEAD {
            ran = self.run(sent);
            if ran.is_err() {
                break;
            }
            self.waits = sent.waits;
            self.ahead += usize::from(!sent.waits);
            if Shared::takes(sent.bytes.len()) {
                self.shared.put(self.place.take(), &sent.bytes)?;
                self.send(&FromMonitor::SentShared { length: sent.bytes.len() as u32, waits: sent.waits })?;
            } else {
                let message = FromMonitor::Sent { bytes: &sent.bytes, waits: sent.waits };
                wire::send(&mut self.messages, &mut self.buffer, &message)?;
            }
        }
        if let Err(end) = ran {
            self.waits = true;
            self.send(&FromMonitor::Ended(end))?;
        }
        Ok(())
    }

    /// Lets the guest run until it has sent something well-formed.
    fn run(&mut self, sent: &mut Sent) -> Result<(), End> {
        let signals = &mut self.signals;
        let mut take_signals = || {
            let mut bytes = [0; 8];
            let count = signals.read(&mut bytes).unwrap_or(0);
            Signals::from_bytes(&bytes[..count])
        };
        self.guest.receive(sent, &mut take_signals)?;
        frames::messages(sent, self.guest.most_message()).map(drop)
    }

    fn send(&mut self, message: &FromMonitor<'_>) -> io::Result<()> {
        wire::send(&mut self.messages, &mut self.buffer, message)
    }
}

fn make(memory: u64, template: Option<&Path>) -> Result<Partition, Error> {
    // What is done once, while the process may still do it.
    lunette_pages::scan::prepare();
    lunette_pages::worker::start();
    limits::processor_time();
    let hypervisor = Hypervisor::open()?;
    match template {
        Some(template) => Partition::clone_of(&hypervisor, &Template::load(template)?, memory),
        None => Partition::new(&hypervisor, &Image::built_in()?, memory),
    }
}
