//! A monitor as a process of its own: it makes one partition, gives up everything it does not need for running it, and
//! talks to its owner in messages.

use crate::{
    connection::{Connection, Sent, Signals},
    error::{End, Error},
    frames,
    image::{BUILT_IN, Image},
    limits,
    local::LocalGuest,
    partition::{Hypervisor, Partition},
    sandbox,
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
    let mut signals = own(&|| io::stdout().as_fd().try_clone_to_owned())?;
    signals.set_nonblocking(true).map_err(failed)?;
    let Ok(ToMonitor::Make { memory, limits, template }) = wire::receive(&mut messages, 0) else {
        return Err(failed(io::ErrorKind::InvalidData.into()));
    };
    let made = make(memory, template.as_deref()).map(|partition| LocalGuest::new(partition, limits));
    let mut guest = match made {
        Ok(guest) => guest,
        Err(error) => {
            return wire::send(&mut messages, &FromMonitor::Unavailable(error.to_string())).map_err(failed);
        }
    };
    sandbox::leave_standard_streams()?;
    sandbox::enter()?;
    wire::send(&mut messages, &FromMonitor::Made).map_err(failed)?;
    // An owner that is gone is the normal end.
    while let Ok(message) = wire::receive(&mut messages, usize::MAX) {
        let outcome = match message {
            ToMonitor::Begin => guest.begin().map(|()| None),
            ToMonitor::SetLeaving(is_leaving) => guest.set_leaving(is_leaving).map(|()| Some(FromMonitor::Done)),
            ToMonitor::TakePages(most) => guest.take_pages(most).map(|pages| Some(FromMonitor::Pages(pages))),
            ToMonitor::TakeState => guest.state().map(|state| Some(FromMonitor::State(Box::new(state)))),
            ToMonitor::Place(batch) => guest.place(batch).map(|()| Some(FromMonitor::Done)),
            ToMonitor::SetState(state) => guest.set_state(state).map(|()| Some(FromMonitor::Done)),
            ToMonitor::Exchange(answer) => {
                let mut take_signals = || {
                    let mut bytes = [0; 8];
                    let count = signals.read(&mut bytes).unwrap_or(0);
                    Signals::from_bytes(&bytes[..count])
                };
                let most = guest.most_message();
                guest
                    .exchange(answer, &mut take_signals)
                    .and_then(|sent| checked(sent, most))
                    .map(|sent| Some(FromMonitor::Sent(sent)))
            }
            ToMonitor::Finish => {
                guest.finish();
                Ok(None)
            }
            ToMonitor::Make { .. } => Err(End::Failed("the owner talks out of order".to_owned())),
        };
        let sent = match outcome {
            Ok(None) => Ok(()),
            Ok(Some(answer)) => wire::send(&mut messages, &answer),
            Err(end) => wire::send(&mut messages, &FromMonitor::Ended(end)),
        };
        if sent.is_err() {
            break;
        }
    }
    Ok(())
}

fn make(memory: u64, template: Option<&Path>) -> Result<Partition, Error> {
    // What is done once, while the process may still do it.
    lunette_pages::scan::prepare();
    limits::processor_time();
    let hypervisor = Hypervisor::open()?;
    match template {
        Some(template) => Partition::clone_of(&hypervisor, &Template::load(template)?, memory),
        None => Partition::new(&hypervisor, &Image::read(BUILT_IN)?, memory),
    }
}

/// What the guest has sent, if it is well-formed.
fn checked(sent: Sent, most: usize) -> Result<Sent, End> {
    frames::messages(&sent, most)?;
    Ok(sent)
}
