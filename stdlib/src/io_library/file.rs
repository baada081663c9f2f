//! Files: userdata with one buffer, which holds either what was read ahead or what is to be written.
//!
//! ```text
//!   Userdata  handle: the host's stream
//!             values: kind | may read, may write | buffering | buffer | start | end | holds output
//!
//!   reading:  [ read already | start .. end: read ahead |        ]
//!   writing:  [ 0 .. end: to be written |                        ]
//! ```
//!
//! Standard output has the library's common buffer instead.

use crate::{
    arguments::Arguments,
    library::{get_field, malformed_frame, registry_table, weak_registry_table},
    output::{self, Buffering, Flush, Written},
};
use lunette_gc::{reference::Ref, storage::ByteArray, userdata::Userdata, value::Value};
use lunette_interpreter::{
    Frame, Machine, Throw,
    host::{HostError, Origin, Request, Response, Stream, Ticket},
    limits::StopReason,
};

/// Name of the type, and field of the registry that has the metatable.
pub(super) const TYPE_NAME: &str = "FILE*";
/// Fields of the registry: the default files.
pub(super) const DEFAULT_INPUT: &str = "_IO_input";
pub(super) const DEFAULT_OUTPUT: &str = "_IO_output";
/// Field of the registry: all files that are open, as keys of a weak table.
const FILES: &str = "_FILES";

/// Size of a buffer.
const CAPACITY: usize = 8 << 10;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Closed = 0,
    Regular = 1,
    Process = 2,
    /// One of the three that cannot be closed.
    Standard = 3,
}

const KIND: usize = 0;
const ACCESS: usize = 1;
const BUFFERING: usize = 2;
const BUFFER: usize = 3;
const START: usize = 4;
const END: usize = 5;
const WRITING: usize = 6;
const VALUES: u32 = 7;

const READABLE: i64 = 1;
const WRITABLE: i64 = 2;

/// The state of an operation that may wait.
pub(super) enum Progress<T> {
    Done(T),
    /// The function must wait and come back to the same operation.
    Wait(Ticket),
    Failed(HostError),
}

/// A file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct File(Ref<Userdata>);

impl File {
    /// A file that is closed, so that there is one when the host has opened a stream.
    pub fn new(machine: &Machine) -> Result<File, Throw> {
        let metatable = match get_field(machine, machine.registry(), TYPE_NAME)? {
            Value::Table(metatable) => Some(metatable),
            _ => None,
        };
        let file = machine.heap.new_userdata(0, VALUES)?;
        File(file).set(machine, KIND, FileKind::Closed as i64);
        machine.set_metatable(Value::Userdata(file), metatable)?;
        let list = weak_registry_table(machine, FILES)?;
        machine.raw_set(list, Value::Userdata(file), Value::Boolean(true))?;
        Ok(File(file))
    }

    /// The file of a value, open or not.
    pub fn from_value(machine: &Machine, value: Value) -> Result<Option<File>, Throw> {
        let Value::Userdata(userdata) = value else { return Ok(None) };
        let metatable = machine.heap.get(userdata).metatable.get();
        let is_file = match get_field(machine, machine.registry(), TYPE_NAME)? {
            Value::Table(expected) => metatable == Some(expected),
            _ => false,
        };
        // Programs can give the metatable to any userdata by way of the library `debug`.
        let is_file = is_file && machine.heap.get(userdata).value_count >= VALUES;
        Ok(is_file.then_some(File(userdata)))
    }

    /// The file that is an argument, open or not.
    pub fn check(machine: &Machine, frame: Frame, index: u32) -> Result<File, Throw> {
        let file = File::from_value(machine, frame.argument_or_nil(machine, index))?;
        file.ok_or_else(|| frame.type_error(machine, index, TYPE_NAME))
    }

    /// The open file that is an argument.
    pub fn check_open(machine: &Machine, frame: Frame, index: u32) -> Result<File, Throw> {
        let file = File::check(machine, frame, index)?;
        if file.kind(machine) == FileKind::Closed {
            return Err(machine.native_error(format_args!("attempt to use a closed file")));
        }
        Ok(file)
    }

    /// The default file of a field of the registry.
    pub fn default(machine: &Machine, field: &str) -> Result<File, Throw> {
        let file = File::from_value(machine, get_field(machine, machine.registry(), field)?)?;
        match file {
            Some(file) if file.kind(machine) != FileKind::Closed => Ok(file),
            _ => {
                let name = field.trim_start_matches("_IO_");
                Err(machine.native_error(format_args!("default {name} file is closed")))
            }
        }
    }

    /// The file as a value.
    pub fn value(self) -> Value {
        Value::Userdata(self.0)
    }

    /// Makes the file that of a stream of the host.
    pub fn open(self, machine: &Machine, stream: Stream, kind: FileKind, (read, write): (bool, bool)) {
        machine.heap.get(self.0).set_stream(Some(stream.0));
        self.set(machine, KIND, kind as i64);
        self.set(machine, ACCESS, if read { READABLE } else { 0 } | if write { WRITABLE } else { 0 });
        self.set(machine, BUFFERING, Buffering::Full as i64);
        self.set(machine, WRITING, 0);
        self.discard(machine);
    }

    fn get(self, machine: &Machine, index: usize) -> i64 {
        match machine.heap.user_values(self.0)[index].get() {
            Value::Integer(value) => value,
            _ => 0,
        }
    }

    fn set(self, machine: &Machine, index: usize, value: i64) {
        machine.heap.user_values(self.0)[index].set(Value::Integer(value));
    }

    /// What the file is.
    pub fn kind(self, machine: &Machine) -> FileKind {
        match self.get(machine, KIND) {
            1 => FileKind::Regular,
            2 => FileKind::Process,
            3 => FileKind::Standard,
            _ => FileKind::Closed,
        }
    }

    /// Whether the file is open.
    pub fn is_open(self, machine: &Machine) -> bool {
        self.kind(machine) != FileKind::Closed
    }

    /// Makes the file a closed one.
    pub fn mark_closed(self, machine: &Machine) {
        self.set(machine, KIND, FileKind::Closed as i64);
        machine.heap.get(self.0).set_stream(None);
        machine.heap.user_values(self.0)[BUFFER].set(Value::Nil);
        self.discard(machine);
    }

    /// The host's stream.
    pub fn stream(self, machine: &Machine) -> Stream {
        Stream(machine.heap.get(self.0).handle.get() as u32)
    }

    /// The error of reading from a file that is not for that.
    pub fn check_readable(self, machine: &Machine) -> Result<(), HostError> {
        if self.get(machine, ACCESS) & READABLE != 0 { Ok(()) } else { Err(bad_descriptor()) }
    }

    /// The error of writing to a file that is not for that.
    pub fn check_writable(self, machine: &Machine) -> Result<(), HostError> {
        if self.get(machine, ACCESS) & WRITABLE != 0 { Ok(()) } else { Err(bad_descriptor()) }
    }

    /// Sets when output goes to the host.
    pub fn set_buffering(self, machine: &Machine, buffering: Buffering) {
        if self.stream(machine) == Stream::OUTPUT {
            output::set_buffering(machine, buffering);
        } else {
            self.set(machine, BUFFERING, buffering as i64);
        }
    }

    /// Whether a function that has written these bytes last must flush before it returns.
    pub fn must_flush(self, machine: &Machine, last: &[u8]) -> bool {
        if self.stream(machine) == Stream::OUTPUT {
            return output::must_flush(machine, last);
        }
        match self.get(machine, BUFFERING) {
            mode if mode == Buffering::None as i64 => true,
            mode if mode == Buffering::Line as i64 => last.contains(&b'\n'),
            _ => false,
        }
    }

    fn buffer(self, machine: &Machine) -> Result<Ref<ByteArray>, Throw> {
        let slot = &machine.heap.user_values(self.0)[BUFFER];
        if let Value::Bytes(buffer) = slot.get() {
            return Ok(buffer);
        }
        let buffer = machine.heap.new_zeroed_byte_array(CAPACITY as u32)?;
        slot.set(Value::Bytes(buffer));
        machine.heap.barrier(self.0);
        Ok(buffer)
    }

    /// The end of what is in the buffer.
    fn end(self, machine: &Machine, buffer: Ref<ByteArray>) -> usize {
        usize::try_from(self.get(machine, END)).unwrap_or(0).min(machine.heap.bytes(buffer).len())
    }

    /// Gives up what was read ahead.
    pub fn discard(self, machine: &Machine) {
        self.set(machine, START, 0);
        self.set(machine, END, 0);
    }

    /// What was read ahead.
    pub fn ahead(self, machine: &Machine) -> &[u8] {
        match machine.heap.user_values(self.0)[BUFFER].get() {
            Value::Bytes(buffer) if self.get(machine, WRITING) == 0 => {
                let (start, end) = (self.get(machine, START) as usize, self.get(machine, END) as usize);
                machine.heap.bytes(buffer).get(start..end).unwrap_or_default()
            }
            _ => &[],
        }
    }

    /// Takes bytes of what was read ahead.
    pub fn consume(self, machine: &Machine, count: usize) {
        self.set(machine, START, self.get(machine, START).saturating_add(count as i64));
    }

    /// Asks the host for more to read ahead, behind what is there.
    pub fn ask_for_more(self, machine: &mut Machine) -> Result<Ticket, Throw> {
        let buffer = self.buffer(machine)?;
        let ahead = self.ahead(machine).len();
        if ahead > 0 {
            let start = self.get(machine, START) as usize;
            machine.heap.move_bytes_down(buffer, start, start + ahead);
        }
        self.set(machine, START, 0);
        self.set(machine, END, ahead as i64);
        let room = machine.heap.bytes(buffer).len() - ahead;
        Ok(machine.host.submit(Request::Read(self.stream(machine), room)))
    }

    /// Takes in what the host gave: how many bytes, 0 at the end of the file; `None` if there is no answer.
    pub fn take_in(self, machine: &mut Machine) -> Result<Option<usize>, HostError> {
        match machine.take_response() {
            Some(Response::Bytes(bytes)) => {
                let Value::Bytes(buffer) = machine.heap.user_values(self.0)[BUFFER].get() else {
                    return Ok(None);
                };
                let end = self.end(machine, buffer);
                let bytes = &bytes[..bytes.len().min(machine.heap.bytes(buffer).len() - end)];
                machine.heap.write_bytes(buffer, end, bytes);
                self.set(machine, END, (end + bytes.len()) as i64);
                Ok(Some(bytes.len()))
            }
            Some(Response::Failed(error)) => Err(error),
            _ => Ok(None),
        }
    }

    /// Takes as many of the bytes of what is written, from `start` on, as there is room for, and says how many.
    pub fn append(self, machine: &mut Machine, written: &Written, start: usize) -> Result<usize, Throw> {
        if self.stream(machine) == Stream::OUTPUT {
            return output::append_written(machine, written, start);
        }
        let buffer = self.buffer(machine)?;
        self.set(machine, WRITING, 1);
        let end = self.end(machine, buffer);
        let taken = (written.bytes(machine).len() - start).min(machine.heap.bytes(buffer).len() - end);
        let granted = machine.charge_output(taken);
        machine.heap.write_bytes(buffer, end, &written.bytes(machine)[start..start + granted]);
        self.set(machine, END, (end + granted) as i64);
        if granted < taken { Err(machine.stop(StopReason::Output)) } else { Ok(taken) }
    }

    /// Gives what is to be written to the host.
    pub fn flush(self, machine: &mut Machine) -> Result<Progress<()>, Throw> {
        if self.stream(machine) == Stream::OUTPUT {
            return Ok(match output::flush(machine)? {
                Flush::Done => Progress::Done(()),
                Flush::Wait(ticket) => Progress::Wait(ticket),
                Flush::Failed(error) => Progress::Failed(error),
            });
        }
        if self.get(machine, WRITING) == 0 {
            return Ok(Progress::Done(()));
        }
        let buffer = self.buffer(machine)?;
        let end = self.end(machine, buffer);
        let written = match machine.take_response() {
            Some(Response::Count(count)) => count.min(end),
            Some(Response::Failed(error)) => {
                self.set(machine, WRITING, 0);
                self.discard(machine);
                return Ok(Progress::Failed(error));
            }
            _ => 0,
        };
        machine.heap.move_bytes_down(buffer, written, end);
        self.set(machine, END, (end - written) as i64);
        if written == end {
            self.set(machine, WRITING, 0);
            return Ok(Progress::Done(()));
        }
        let rest = &machine.heap.bytes(buffer)[..end - written];
        Ok(Progress::Wait(machine.host.submit(Request::Write(self.stream(machine), rest))))
    }

    /// Gives up what was read ahead, and moves the host's position back to where reading stopped.
    pub fn rewind(self, machine: &mut Machine) -> Progress<()> {
        let ahead = self.ahead(machine).len();
        if ahead == 0 {
            if self.get(machine, WRITING) == 0 {
                self.discard(machine);
            }
            return Progress::Done(());
        }
        match machine.take_response() {
            // A stream without positions loses what was read ahead.
            Some(_) => {
                self.discard(machine);
                Progress::Done(())
            }
            None => {
                let request = Request::Seek(self.stream(machine), Origin::Current, -(ahead as i64));
                Progress::Wait(machine.host.submit(request))
            }
        }
    }
}

/// The file that a function has noted in a local.
pub(super) fn noted_file(machine: &Machine, value: Value) -> Result<File, Throw> {
    File::from_value(machine, value)?.ok_or_else(|| malformed_frame(machine))
}

fn bad_descriptor() -> HostError {
    HostError { message: "Bad file descriptor".into(), code: 9 }
}

/// Writes what all open files have to write, and waits, from outside of the instance: after its program has ended
/// without closing them.
pub fn flush_files_from_host(machine: &mut Machine) {
    let Ok(list) = registry_table(machine, FILES) else { return };
    let mut cursor = 0;
    while let Some(step) = machine.heap.next_at(list, cursor) {
        cursor = step.cursor;
        let Value::Userdata(file) = Value::from_parts(step.key.0, step.key.1) else { continue };
        let file = File(file);
        if file.kind(machine) == FileKind::Closed || file.stream(machine) == Stream::OUTPUT {
            continue;
        }
        machine.take_response();
        while let Ok(Progress::Wait(ticket)) = file.flush(machine) {
            let response = loop {
                if let Some(response) = machine.host.complete(ticket) {
                    break response;
                }
            };
            machine.put_back_response(response);
        }
    }
}
