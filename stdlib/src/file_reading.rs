//! Reading a whole file, in the phases of a native function.
//!
//! A function that reads a file has [`LOCALS`] locals for this from number 0 on. It calls [`begin`]; in every phase
//! from [`FIRST_PHASE`] on it calls [`step`] until the file is there.

use crate::workspace::charge_bytes;
use alloc::{format, vec::Vec};
use lunette_gc::{reference::Ref, table::Table, value::Value};
use lunette_interpreter::{
    Frame, Machine, NativeResult, Step, Throw,
    host::{HostError, Location, OpenMode, Request, Response, Stream},
};

/// Number of locals.
pub(crate) const LOCALS: u32 = 3;
/// Local: the file's name; nil for standard input.
pub(crate) const PATH: u32 = 0;
/// Local: a userdata for the open stream; none for standard input.
const STREAM: u32 = 1;
/// Local: table of what was read so far.
const PIECES: u32 = 2;

/// The first phase that is [`step`]'s; it has those above as well.
pub(crate) const FIRST_PHASE: u32 = 0x200;
const OPENING: u32 = FIRST_PHASE;
const READING: u32 = FIRST_PHASE + 1;
const CLOSING: u32 = FIRST_PHASE + 2;

/// Bytes asked for at once.
const PIECE: usize = 1 << 18;

/// How far reading has come.
pub(crate) enum Progress {
    /// The function must return this.
    Waiting(Step),
    /// The content.
    Done(Vec<u8>),
    /// What failed, `open` or `read`, and why.
    Failed(&'static str, HostError),
}

/// Begins to read the file whose name stands in the local [`PATH`].
pub(crate) fn begin(machine: &mut Machine, frame: Frame) -> NativeResult {
    let pieces = machine.heap.new_table(0, 0)?;
    frame.set_local(machine, PIECES, Value::Table(pieces));
    if let Value::String(path) = frame.local(machine, PATH) {
        let stream = machine.heap.new_userdata(0, 0)?;
        frame.set_local(machine, STREAM, Value::Userdata(stream));
        let mode = OpenMode { read: true, ..OpenMode::default() };
        let ticket = machine.host.submit(Request::Open(Location::granted(machine.heap.string_bytes(path)), mode));
        return frame.wait(machine, OPENING, ticket);
    }
    frame.ask(machine, READING, Request::Read(Stream::INPUT, PIECE))
}

/// Goes on reading.
pub(crate) fn step(machine: &mut Machine, frame: Frame) -> Result<Progress, Throw> {
    let stream = match frame.local(machine, STREAM) {
        Value::Userdata(userdata) => machine.heap.get(userdata).stream().map_or(Stream::INPUT, Stream),
        _ => Stream::INPUT,
    };
    let response = machine.take_response();
    let next = match (frame.phase(), response) {
        (OPENING, Some(Response::Opened(stream, _))) => {
            if let Value::Userdata(userdata) = frame.local(machine, STREAM) {
                machine.heap.get(userdata).set_stream(Some(stream.0));
            }
            frame.ask(machine, READING, Request::Read(stream, PIECE))
        }
        (OPENING, Some(Response::Failed(error))) => return Ok(Progress::Failed("open", error)),
        (OPENING, _) => begin(machine, frame),
        (READING, Some(Response::Bytes(bytes))) if bytes.is_empty() => {
            if frame.local(machine, PATH).is_nil() {
                return Ok(Progress::Done(content(machine, frame)?));
            }
            if let Value::Userdata(userdata) = frame.local(machine, STREAM) {
                machine.heap.get(userdata).set_stream(None);
            }
            frame.ask(machine, CLOSING, Request::Close(stream))
        }
        (READING, Some(Response::Bytes(bytes))) => {
            charge_bytes(machine, bytes.len())?;
            if let Err(throw) = add_piece(machine, frame, &bytes) {
                machine.put_back_response(Response::Bytes(bytes));
                return Err(throw);
            }
            frame.ask(machine, READING, Request::Read(stream, PIECE))
        }
        (READING, Some(Response::Failed(error))) => return Ok(Progress::Failed("read", error)),
        (READING, _) => frame.ask(machine, READING, Request::Read(stream, PIECE)),
        _ => return Ok(Progress::Done(content(machine, frame)?)),
    };
    next.map(Progress::Waiting)
}

fn add_piece(machine: &Machine, frame: Frame, bytes: &[u8]) -> Result<(), Throw> {
    if let Value::Table(pieces) = frame.local(machine, PIECES) {
        let piece = machine.new_string(bytes)?;
        let index = machine.heap.table_length(pieces) + 1;
        machine.raw_set(pieces, Value::Integer(index), Value::String(piece))?;
    }
    Ok(())
}

fn content(machine: &Machine, frame: Frame) -> Result<Vec<u8>, Throw> {
    match frame.local(machine, PIECES) {
        Value::Table(pieces) => join(machine, pieces),
        _ => Ok(Vec::new()),
    }
}

/// The message when a file cannot be read.
pub(crate) fn error_message(machine: &Machine, path: Value, what: &str, error: &HostError) -> Vec<u8> {
    let mut message = format!("cannot {what} ").into_bytes();
    match path {
        Value::String(path) => message.extend_from_slice(machine.bytes(path)),
        _ => message.extend_from_slice(b"stdin"),
    }
    message.extend_from_slice(format!(": {}", error.message).as_bytes());
    message
}

/// The strings of a sequence, one after the other.
pub(crate) fn join(machine: &Machine, pieces: Ref<Table>) -> Result<Vec<u8>, Throw> {
    let strings =
        (1..=machine.heap.table_length(pieces)).map(|index| match machine.heap.table_get_integer(pieces, index) {
            Value::String(piece) => machine.bytes(piece),
            _ => &[],
        });
    let mut whole = Vec::new();
    whole.try_reserve_exact(strings.clone().map(<[u8]>::len).sum()).map_err(|_| Throw::Memory)?;
    strings.for_each(|piece| whole.extend_from_slice(piece));
    Ok(whole)
}
