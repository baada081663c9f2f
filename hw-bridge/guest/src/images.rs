//! Images: the instance as a stream of bytes that leaves by messages, and comes back by them.

use crate::{
    agent::Notes,
    clock,
    home::{Line, SendLine},
};
use alloc::{
    boxed::Box,
    format,
    rc::Rc,
    string::{String, ToString},
};
use lunette_hw_interface::{
    layout::{INBOX_BYTES, OUTBOX_BYTES},
    message::{self, After, Failure, FromGuest, ToGuest},
};
use lunette_interpreter::{
    Machine,
    image::{
        ObjectName, ReadError, ReadErrorKind, ReadOptions, Sink, SinkFailure, Source, SourceFailure, WriteOptions,
        snapshot::{Cause, Outcome},
    },
};

/// Who writes images: the name of the program and its version, as in the other home.
const PRODUCER: &str = concat!("Lunette ", env!("CARGO_PKG_VERSION"));
/// The most bytes of a part that is sent, or asked for.
const MOST_SENT: usize = OUTBOX_BYTES - 64;
const MOST_READ: usize = INBOX_BYTES - 64;

/// Has the monitor decide about snapshots that are offered.
pub fn keep(machine: &mut Machine, line: &Rc<Line>) {
    line.set_snapshot_flag(machine.snapshot_handle().flag());
    let line = SendLine::new(line.clone());
    machine.set_keeper(Some(Box::new(move |machine, cause| offer(machine, line.get(), cause))));
}

/// Offers a snapshot to the monitor.
pub fn offer(machine: &mut Machine, line: &Line, cause: Cause) -> Outcome {
    let cause = match cause {
        Cause::Program => message::Cause::Program,
        Cause::Request => message::Cause::Request,
        Cause::Interval => message::Cause::Interval,
    };
    // What was written belongs to the time before. Who writes an image is told if it fails.
    let _ = lunette_stdlib::output::flush_from_host(machine);
    let time = clock::nanoseconds();
    let mut answer = line.exchange(&FromGuest::Offer(cause));
    clock::go_on_from(time);
    while let Ok(ToGuest::WriteImage { is_compressed }) = message::read(&answer) {
        let written = write(machine, line, is_compressed);
        answer = line.exchange(&FromGuest::Written(written));
    }
    match message::read(&answer) {
        Ok(ToGuest::After(After::Taken)) => Outcome::Taken,
        Ok(ToGuest::After(After::Stop)) => Outcome::Stop,
        Ok(ToGuest::After(After::Refused(message))) => Outcome::Refused(message),
        _ => Outcome::Refused(String::from("the host does not answer")),
    }
}

fn write(machine: &mut Machine, line: &Line, is_compressed: bool) -> Result<(), String> {
    // What was written belongs to the time before.
    lunette_stdlib::output::flush_from_host(machine).map_err(|error| error.message)?;
    lunette_stdlib::flush_files_from_host(machine);
    let options = WriteOptions { is_compressed, producer: PRODUCER, name_of: &|_| ObjectName::Object };
    machine.write_image(options, &mut Parts(line)).map_err(|error| error.to_string())
}

/// A sink whose bytes leave.
struct Parts<'l>(&'l Line);

impl Sink for Parts<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), SinkFailure> {
        for part in bytes.chunks(MOST_SENT) {
            self.0.send(&FromGuest::Image(part));
        }
        Ok(())
    }

    fn begin_body(&mut self) -> Result<(), SinkFailure> {
        self.0.send(&FromGuest::ImageBody);
        Ok(())
    }
}

impl Source for Parts<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SourceFailure> {
        let wanted = buffer.len().min(MOST_READ);
        let answer = self.0.exchange(&FromGuest::ReadImage(wanted as u32));
        match message::read(&answer) {
            Ok(ToGuest::Image(Some(bytes))) if bytes.len() <= wanted => {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
            _ => Err(SourceFailure),
        }
    }

    fn begin_body(&mut self, flags: u16) -> Result<(), SourceFailure> {
        match message::read(&self.0.exchange(&FromGuest::ReadImageBody(flags))) {
            Ok(ToGuest::Image(Some(_))) => Ok(()),
            _ => Err(SourceFailure),
        }
    }
}

/// Reads the image of the instance, of which nothing but the native functions is there.
pub fn read(machine: &mut Machine) -> Result<(), Failure> {
    let line = Notes::of(machine).line();
    // There are no objects of the host in partitions.
    let options = ReadOptions { find_object: &mut |_| None, opens_files: true };
    machine.read_image(options, &mut Parts(&line)).map(drop).map_err(refused)
}

fn refused(error: ReadError) -> Failure {
    if matches!(error.kind, ReadErrorKind::Memory) {
        return Failure::Memory;
    }
    let part = if error.number == 0 { error.part.to_string() } else { format!("{} {}", error.part, error.number) };
    Failure::Image { message: error.kind.to_string(), part, offset: error.offset }
}
