//! The end to which a program comes.

use super::{
    channel::{Channel, broken},
    key::MigrationKey,
    protocol::{Form, MOST_REST, Message, VERSION},
};
use crate::{
    engine::Configuration,
    error::{Error, Result},
    host::Streams,
    raw::{Arriving, Origin},
    tenant::Tenant,
};
use std::io::{self, Read, Write};

/// Waits for a program, and takes it up.
pub(crate) fn receive<S: Read + Write>(
    configuration: &Configuration,
    stream: S,
    key: &MigrationKey,
    streams: Streams,
) -> Result<Tenant> {
    let mut channel = Channel::respond(stream, key)?;
    let hello = channel.receive()?;
    let origin = match Message::read(&hello)? {
        Message::Hello { version: VERSION, origin } => origin,
        Message::Hello { version, .. } => {
            let reason = format!("it speaks version {VERSION} of the protocol, not {version}");
            channel.send(&Message::Refused(reason))?;
            return Err(Error::message(format_args!("version {version} of the protocol is not known here")));
        }
        _ => return Err(out_of_order()),
    };
    let tenant = match arrive(configuration, &mut channel, origin, streams) {
        Ok(tenant) => tenant,
        Err(error) => {
            // The other end may be gone, or the reason.
            let _ = channel.send(&Message::Refused(error.to_string()));
            return Err(error);
        }
    };
    match hand_over(&mut channel) {
        Ok(()) => Ok(tenant),
        Err(error) => {
            // It goes on where it was.
            tenant.abandon();
            Err(error)
        }
    }
}

fn hand_over<S: Read + Write>(channel: &mut Channel<S>) -> Result<()> {
    channel.send(&Message::Prepared)?;
    let word = channel.receive()?;
    if !matches!(Message::read(&word)?, Message::Commit) {
        return Err(out_of_order());
    }
    // It runs, whether or not the other end learns of it.
    let _ = channel.send(&Message::Taken);
    Ok(())
}

fn out_of_order() -> Error {
    broken("the other end talks out of order")
}

fn arrive<S: Read + Write>(
    configuration: &Configuration,
    channel: &mut Channel<S>,
    origin: Option<Origin>,
    streams: Streams,
) -> Result<Tenant> {
    match origin.filter(|origin| Tenant::takes(configuration, origin)) {
        Some(origin) => take_pages(Tenant::arrive(configuration, &origin, streams)?, channel),
        None => restore(configuration, channel, streams),
    }
}

/// Takes memory as it is.
fn take_pages<S: Read + Write>(mut arriving: Box<dyn Arriving>, channel: &mut Channel<S>) -> Result<Tenant> {
    channel.send(&Message::Welcome(Form::Pages))?;
    loop {
        let message = channel.receive()?;
        match Message::read(&message)? {
            Message::Pages(batch) => arriving.place(batch)?,
            Message::Check => channel.send(&Message::Placed)?,
            Message::Rest(rest) if rest.len() <= MOST_REST => {
                arriving.complete(rest)?;
                return Ok(arriving.into_tenant());
            }
            _ => return Err(out_of_order()),
        }
    }
}

/// Takes an image.
fn restore<S: Read + Write>(
    configuration: &Configuration,
    channel: &mut Channel<S>,
    streams: Streams,
) -> Result<Tenant> {
    channel.send(&Message::Welcome(Form::Image))?;
    let mut parts = Parts { channel, part: Vec::new(), position: 0, is_complete: false, failure: None };
    let restored = Tenant::restore(configuration, &mut parts, streams);
    if let Some(failure) = parts.failure {
        return Err(failure);
    }
    let tenant = restored?;
    match parts.finish() {
        Ok(()) => Ok(tenant),
        Err(error) => {
            tenant.abandon();
            Err(error)
        }
    }
}

/// Reads the parts of an image.
struct Parts<'c, S> {
    channel: &'c mut Channel<S>,
    part: Vec<u8>,
    position: usize,
    is_complete: bool,
    failure: Option<Error>,
}

impl<S: Read + Write> Parts<'_, S> {
    fn next(&mut self) -> Result<()> {
        let message = self.channel.receive()?;
        let Message::Image(part) = Message::read(&message)? else {
            return Err(out_of_order());
        };
        self.is_complete = part.is_empty();
        self.part.clear();
        self.part.extend_from_slice(part);
        self.position = 0;
        Ok(())
    }

    /// Nothing may follow.
    fn finish(mut self) -> Result<()> {
        while !self.is_complete {
            self.next()?;
        }
        Ok(())
    }
}

impl<S: Read + Write> Read for Parts<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position == self.part.len() && !self.is_complete {
            self.next().map_err(|error| {
                self.failure = Some(error);
                io::Error::from(io::ErrorKind::ConnectionAborted)
            })?;
        }
        let rest = &self.part[self.position..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.position += count;
        Ok(count)
    }
}
