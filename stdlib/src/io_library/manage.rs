//! Opening, closing, default files.

use super::file::{DEFAULT_INPUT, DEFAULT_OUTPUT, File, FileKind, Progress};
use super::{exit_result, file_result};
use crate::{
    arguments::Arguments,
    library::{get_field, set_field},
    text::{append_identity, return_string},
};
use alloc::vec::Vec;
use lunette_gc::value::Value;
use lunette_interpreter::{
    Frame, Machine, NativeResult, Step, Throw,
    host::{Location, OpenMode, Request, Response},
    native::Native,
};

/// `io.open(filename [, mode])`
pub(super) const OPEN: Native = Native::new("io.open", open).with_locals(1);
/// `io.popen(prog [, mode])`
pub(super) const POPEN: Native = Native::new("io.popen", popen).with_locals(1);
/// `io.tmpfile()`
pub(super) const TMPFILE: Native = Native::new("io.tmpfile", tmpfile).with_locals(1);
/// `io.input([file])`
pub(super) const INPUT: Native = Native::new("io.input", input).with_locals(1);
/// `io.output([file])`
pub(super) const OUTPUT: Native = Native::new("io.output", output).with_locals(1);
/// `io.close([file])`
pub(super) const IO_CLOSE: Native = Native::new("io.close", io_close).with_locals(1);
/// `file:close()`
pub(super) const CLOSE: Native = Native::new("file.close", close).with_locals(1);
/// What the collector calls.
pub(super) const COLLECT: Native = Native::new("file.__gc", collect).with_locals(1);
/// What the end of a to-be-closed variable's scope calls.
pub(super) const CLOSE_VARIABLE: Native = Native::new("file.__close", collect).with_locals(1);

/// The local that holds the file.
const FILE: u32 = 0;

/// The host has opened the stream.
const OPENED: u32 = 1;
/// The buffer is given to the host.
const FLUSHING: u32 = 1;
/// The host has closed the stream.
pub(super) const CLOSED: u32 = 2;

/// A mode as of C's `fopen`.
fn parse_mode(mode: &[u8]) -> Option<OpenMode> {
    let (&first, mut rest) = mode.split_first()?;
    let plus = rest.first() == Some(&b'+');
    rest = &rest[usize::from(plus)..];
    if rest.iter().any(|&byte| byte != b'b') {
        return None;
    }
    let (read, write) = (first == b'r' || plus, first != b'r' || plus);
    match first {
        b'r' => Some(OpenMode { read, write, ..OpenMode::default() }),
        b'w' => Some(OpenMode { read, write, truncate: true, create: true, ..OpenMode::default() }),
        b'a' => Some(OpenMode { read, write, append: true, create: true, ..OpenMode::default() }),
        _ => None,
    }
}

/// The bytes of a name up to its first zero, where C's strings end.
pub(super) fn c_string(bytes: &[u8]) -> &[u8] {
    &bytes[..memchr::memchr(0, bytes).unwrap_or(bytes.len())]
}

fn file_local(machine: &Machine, frame: Frame) -> Result<File, Throw> {
    match File::from_value(machine, frame.local(machine, FILE))? {
        Some(file) => Ok(file),
        None => {
            let file = File::new(machine)?;
            frame.set_local(machine, FILE, file.value());
            Ok(file)
        }
    }
}

fn open(machine: &mut Machine, frame: Frame) -> NativeResult {
    let name = frame.check_string(machine, 0)?;
    let mode = match frame.optional_string(machine, 1)? {
        Some(mode) => parse_mode(c_string(machine.bytes(mode))),
        None => parse_mode(b"r"),
    };
    let mode = mode.ok_or_else(|| frame.argument_error(machine, 1, format_args!("invalid mode")))?;
    let file = file_local(machine, frame)?;
    let response = machine.take_response();
    let name = c_string(machine.heap.string_bytes(name));
    match response {
        Some(Response::Opened(stream, _)) => {
            file.open(machine, stream, FileKind::Regular, (mode.read, mode.write));
            frame.return_one(machine, file.value())
        }
        Some(Response::Failed(error)) => file_result(machine, frame, Some(name), Err(error)),
        _ => {
            let ticket = machine.host.submit(Request::Open(Location::granted(name), mode));
            frame.wait(machine, OPENED, ticket)
        }
    }
}

fn popen(machine: &mut Machine, frame: Frame) -> NativeResult {
    let command = frame.check_string(machine, 0)?;
    let write = match frame.optional_string(machine, 1)?.map_or(&b"r"[..], |mode| c_string(machine.bytes(mode))) {
        b"r" => false,
        b"w" => true,
        _ => return Err(frame.argument_error(machine, 1, format_args!("invalid mode"))),
    };
    let file = file_local(machine, frame)?;
    let response = machine.take_response();
    let command = c_string(machine.heap.string_bytes(command));
    match response {
        Some(Response::Opened(stream, _)) => {
            file.open(machine, stream, FileKind::Process, (!write, write));
            frame.return_one(machine, file.value())
        }
        Some(Response::Failed(error)) => file_result(machine, frame, Some(command), Err(error)),
        _ => {
            let ticket = machine.host.submit(Request::OpenProcess { command, write });
            frame.wait(machine, OPENED, ticket)
        }
    }
}

fn tmpfile(machine: &mut Machine, frame: Frame) -> NativeResult {
    let file = file_local(machine, frame)?;
    match machine.take_response() {
        Some(Response::Opened(stream, _)) => {
            file.open(machine, stream, FileKind::Regular, (true, true));
            frame.return_one(machine, file.value())
        }
        Some(Response::Failed(error)) => file_result(machine, frame, None, Err(error)),
        _ => frame.ask(machine, OPENED, Request::OpenTemporary),
    }
}

/// Opens the file whose name is argument 0, or fails with an error. Comes back in `phase`.
pub(super) fn open_or_fail(
    machine: &mut Machine,
    frame: Frame,
    phase: u32,
    mode: &[u8],
) -> Result<Result<File, Step>, Throw> {
    let name = frame.check_string(machine, 0)?;
    let mode = parse_mode(mode).unwrap_or_default();
    let file = file_local(machine, frame)?;
    let response = machine.take_response();
    let name = c_string(machine.heap.string_bytes(name));
    match response {
        Some(Response::Opened(stream, _)) => {
            file.open(machine, stream, FileKind::Regular, (mode.read, mode.write));
            Ok(Ok(file))
        }
        Some(Response::Failed(error)) => {
            let mut message = b"cannot open file '".to_vec();
            message.extend_from_slice(name);
            message.extend_from_slice(b"' (");
            message.extend_from_slice(error.message.as_bytes());
            message.push(b')');
            Err(machine.native_error_bytes(&message))
        }
        _ => {
            let ticket = machine.host.submit(Request::Open(Location::granted(name), mode));
            frame.wait(machine, phase, ticket).map(Err)
        }
    }
}

fn input(machine: &mut Machine, frame: Frame) -> NativeResult {
    default_file(machine, frame, DEFAULT_INPUT, b"r")
}

fn output(machine: &mut Machine, frame: Frame) -> NativeResult {
    default_file(machine, frame, DEFAULT_OUTPUT, b"w")
}

fn default_file(machine: &mut Machine, frame: Frame, field: &str, mode: &[u8]) -> NativeResult {
    match frame.argument_or_nil(machine, 0) {
        Value::Nil => {}
        Value::String(_) | Value::Integer(_) | Value::Float(_) => match open_or_fail(machine, frame, OPENED, mode)? {
            Ok(file) => set_field(machine, machine.registry(), field, file.value())?,
            Err(step) => return Ok(step),
        },
        _ => {
            let file = File::check_open(machine, frame, 0)?;
            set_field(machine, machine.registry(), field, file.value())?;
        }
    }
    let file = get_field(machine, machine.registry(), field)?;
    frame.return_one(machine, file)
}

fn io_close(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.phase() == 0 {
        let file = if frame.count() == 0 {
            // The default output may be closed already: then it is said so as of any file.
            let file = get_field(machine, machine.registry(), DEFAULT_OUTPUT)?;
            match File::from_value(machine, file)? {
                Some(file) if file.kind(machine) != FileKind::Closed => file,
                _ => return Err(machine.native_error(format_args!("attempt to use a closed file"))),
            }
        } else {
            File::check_open(machine, frame, 0)?
        };
        frame.set_local(machine, FILE, file.value());
    }
    close_local(machine, frame)
}

fn close(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.phase() == 0 {
        let file = File::check_open(machine, frame, 0)?;
        frame.set_local(machine, FILE, file.value());
    }
    close_local(machine, frame)
}

fn collect(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.phase() == 0 {
        let file = File::check(machine, frame, 0)?;
        if matches!(file.kind(machine), FileKind::Closed | FileKind::Standard) {
            return frame.return_none();
        }
        frame.set_local(machine, FILE, file.value());
    }
    close_local(machine, frame)
}

/// Closes the file in the local, and gives the results of that.
pub(super) fn close_local(machine: &mut Machine, frame: Frame) -> NativeResult {
    let file = file_local(machine, frame)?;
    if file.kind(machine) == FileKind::Standard {
        let message = machine.new_string(b"cannot close standard file")?;
        return frame.return_two(machine, Value::Nil, Value::String(message));
    }
    if frame.phase() != CLOSED {
        match file.flush(machine)? {
            Progress::Wait(ticket) => return frame.wait(machine, FLUSHING, ticket),
            // The stream is closed all the same; what closing says is the result.
            Progress::Done(()) | Progress::Failed(_) => {}
        }
        let stream = file.stream(machine);
        return frame.ask(machine, CLOSED, Request::Close(stream));
    }
    match machine.take_response() {
        Some(response) => {
            let result = match &response {
                Response::Failed(error) => file_result(machine, frame, None, Err(error.clone())),
                _ => exit_result(machine, frame, response.clone()),
            };
            if matches!(result, Err(Throw::Memory)) {
                machine.put_back_response(response);
            } else {
                file.mark_closed(machine);
            }
            result
        }
        None => {
            let stream = file.stream(machine);
            frame.ask(machine, CLOSED, Request::Close(stream))
        }
    }
}

/// `io.type(obj)`
pub(super) fn type_(machine: &mut Machine, frame: Frame) -> NativeResult {
    let value = frame.check_any(machine, 0)?;
    match File::from_value(machine, value)? {
        None => frame.return_one(machine, Value::Nil),
        Some(file) if file.kind(machine) == FileKind::Closed => return_string(machine, frame, b"closed file"),
        Some(_) => return_string(machine, frame, b"file"),
    }
}

/// `tostring(file)`
pub(super) fn to_string(machine: &mut Machine, frame: Frame) -> NativeResult {
    let file = File::check(machine, frame, 0)?;
    if file.kind(machine) == FileKind::Closed {
        return return_string(machine, frame, b"file (closed)");
    }
    let mut text = Vec::from(&b"file ("[..]);
    append_identity(machine, file.value(), &mut text)?;
    text.push(b')');
    return_string(machine, frame, &text)
}
