//! A monitor as a process of its own: it makes one partition, gives up everything it does not need for running it, and
//! talks to its owner in messages.

use crate::{
    connection::{Connection, Sent, Signals, Transfer},
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
    let (mut received, mut buffer, mut sent) = (Vec::new(), Vec::new(), Sent::default());
    let Ok(ToMonitor::Make { memory, limits, template }) = wire::receive(&mut messages, &mut received, 0) else {
        return Err(failed(io::ErrorKind::InvalidData.into()));
    };
    let made = make(memory, template.as_deref()).map(|partition| LocalGuest::new(partition, limits));
    let mut guest = match made {
        Ok(guest) => guest,
        Err(error) => {
            let message = FromMonitor::Unavailable(error.to_string());
            return wire::send(&mut messages, &mut buffer, &message).map_err(failed);
        }
    };
    sandbox::leave_standard_streams()?;
    sandbox::enter()?;
    wire::send(&mut messages, &mut buffer, &FromMonitor::Made).map_err(failed)?;
    // An owner that is gone is the normal end.
    while let Ok(message) = wire::receive(&mut messages, &mut received, usize::MAX) {
        let outcome = match message {
            ToMonitor::Begin => guest.begin().map(|()| None),
            ToMonitor::SetLeaving(is_leaving) => guest.set_leaving(is_leaving).map(|()| Some(FromMonitor::Done)),
            ToMonitor::TakePages(most) => guest.take_pages(most).map(|pages| Some(FromMonitor::Pages(pages))),
            ToMonitor::TakeState => guest.state().map(|state| Some(FromMonitor::State(Box::new(state)))),
            ToMonitor::Place(batch) => guest.place(batch).map(|()| Some(FromMonitor::Done)),
            ToMonitor::SetState(state) => guest.set_state(*state).map(|()| Some(FromMonitor::Done)),
            ToMonitor::Exchange(answer) => {
                let mut take_signals = || {
                    let mut bytes = [0; 8];
                    let count = signals.read(&mut bytes).unwrap_or(0);
                    Signals::from_bytes(&bytes[..count])
                };
                let most = guest.most_message();
                // The owner is sent what is well-formed only.
                let exchanged = guest.exchange(answer, &mut sent, &mut take_signals);
                let checked = exchanged.and_then(|()| frames::messages(&sent, most).map(drop));
                checked.map(|()| Some(FromMonitor::Sent { bytes: &sent.bytes, waits: sent.waits }))
            }
            ToMonitor::Finish => {
                guest.finish();
                Ok(None)
            }
            ToMonitor::Make { .. } => Err(End::Failed("the owner talks out of order".to_owned())),
        };
        let message = match outcome {
            Ok(None) => continue,
            Ok(Some(answer)) => answer,
            Err(end) => FromMonitor::Ended(end),
        };
        if wire::send(&mut messages, &mut buffer, &message).is_err() {
            break;
        }
    }
    Ok(())
}

fn make(memory: u64, template: Option<&Path>) -> Result<Partition, Error> {
    // What is done once, while the process may still do it.
    lunette_pages::scan::prepare();
    lunette_pages::worker::stay_alone();
    limits::processor_time();
    let hypervisor = Hypervisor::open()?;
    match template {
        Some(template) => Partition::clone_of(&hypervisor, &Template::load(template)?, memory),
        None => Partition::new(&hypervisor, &Image::read(BUILT_IN)?, memory),
    }
}
