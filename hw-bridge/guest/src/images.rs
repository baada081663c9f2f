//! Images: the instance as a stream of bytes that leaves by messages, and comes back by them.

use crate::{
    agent::Notes,
    clock, functions,
    home::{Line, SendLine},
};
use alloc::{
    boxed::Box,
    format,
    rc::Rc,
    string::{String, ToString},
    vec::Vec,
};
use core::ops::Range;
use lunette_hw_interface::{
    channel::MOST_SENT,
    message::{self, After, Failure, FromGuest, ToGuest},
};
use lunette_interpreter::{
    Machine,
    image::{
        ReadError, ReadErrorKind, ReadOptions, Sink, SinkFailure, Source, SourceFailure, WriteOptions,
        snapshot::{Cause, Outcome},
    },
};

/// Who writes images: the name of the program and its version, as in the other home.
const PRODUCER: &str = concat!("Lunette ", env!("CARGO_PKG_VERSION"));
/// Room for a part that is asked for, as a message: as much as comes at once.
const READ_ROOM: usize = MOST_SENT;
/// The most bytes of such a part.
const MOST_READ: usize = READ_ROOM - 64;

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
    let moment = clock::now();
    let mut answer = line.exchange(&FromGuest::Offer(cause));
    if clock::go_on_from(&moment) {
        line.forget_clocks();
    }
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
    let names = Notes::of(machine).functions.clone();
    let name_of = |number| functions::name_of(&names, number);
    let options = WriteOptions { is_compressed, producer: PRODUCER, name_of: &name_of };
    machine.write_image(options, &mut Leaving(line)).map_err(|error| error.to_string())
}

/// A sink whose bytes leave.
struct Leaving<'l>(&'l Line);

impl Sink for Leaving<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), SinkFailure> {
        self.0.send(&FromGuest::Image(bytes));
        Ok(())
    }

    fn begin_body(&mut self) -> Result<(), SinkFailure> {
        self.0.send(&FromGuest::ImageBody);
        Ok(())
    }
}

/// A source whose bytes come in.
struct Coming<'l> {
    line: &'l Line,
    /// The last answer, and the bytes of the image in it that are not used yet.
    answer: Vec<u8>,
    ready: Range<usize>,
    /// Whether the body is being read, of which more may be asked for than is wanted.
    is_in_body: bool,
}

impl Coming<'_> {
    /// Asks for the next part.
    fn fetch(&mut self, wanted: usize) -> Result<(), SourceFailure> {
        self.line.exchange_into(&FromGuest::ReadImage(wanted as u32), &mut self.answer);
        let Ok(ToGuest::Image(Some(bytes))) = message::read(&self.answer) else { return Err(SourceFailure) };
        // They are the end of the message.
        self.ready = self.answer.len() - bytes.len()..self.answer.len();
        Ok(())
    }
}

impl Source for Coming<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SourceFailure> {
        if self.ready.is_empty() {
            self.fetch(if self.is_in_body { MOST_READ } else { buffer.len().min(MOST_READ) })?;
        }
        let ready = &self.answer[self.ready.clone()];
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.ready.start += count;
        Ok(count)
    }

    fn begin_body(&mut self, flags: u16) -> Result<(), SourceFailure> {
        self.is_in_body = true;
        self.answer.try_reserve_exact(READ_ROOM).map_err(|_| SourceFailure)?;
        match message::read(&self.line.exchange(&FromGuest::ReadImageBody(flags))) {
            Ok(ToGuest::Image(Some(_))) => Ok(()),
            _ => Err(SourceFailure),
        }
    }
}

/// Reads the image of the instance, of which nothing but the native functions is there.
pub fn read(machine: &mut Machine) -> Result<(), Failure> {
    let line = Notes::of(machine).line();
    // Functions are all that partitions have of the host.
    let names = Notes::of(machine).functions.clone();
    let mut find_object = |name: &[u8]| functions::find(&names, name);
    let options = ReadOptions { find_object: &mut find_object, opens_files: true };
    let mut source = Coming { line: &line, answer: Vec::new(), ready: 0..0, is_in_body: false };
    machine.read_image(options, &mut source).map(drop).map_err(refused)
}

fn refused(error: ReadError) -> Failure {
    if matches!(error.kind, ReadErrorKind::Memory) {
        return Failure::Memory;
    }
    let part = if error.number == 0 { error.part.to_string() } else { format!("{} {}", error.part, error.number) };
    Failure::Image { message: error.kind.to_string(), part, offset: error.offset }
}
