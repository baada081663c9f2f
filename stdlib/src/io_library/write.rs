//! Writing, flushing, seeking, buffering.

use super::file::{DEFAULT_OUTPUT, File, Progress, noted_file};
use super::file_result;
use crate::{
    arguments::Arguments,
    output::{Buffering, Written},
    workspace::charge_bytes,
};
use lunette_bytecode::number::{format_float, format_integer};
use lunette_gc::value::Value;
use lunette_interpreter::{
    Frame, Machine, NativeResult, Throw,
    host::{Origin, Request, Response},
    native::Native,
};

/// `io.write(···)`
pub(super) const IO_WRITE: Native = Native::new("io.write", io_write).with_locals(LOCALS);
/// `file:write(···)`
pub(super) const WRITE: Native = Native::new("file.write", write).with_locals(LOCALS);
/// `io.flush()`
pub(super) const IO_FLUSH: Native = Native::new("io.flush", io_flush).with_locals(LOCALS);
/// `file:flush()`
pub(super) const FLUSH: Native = Native::new("file.flush", flush).with_locals(LOCALS);
/// `file:seek([whence [, offset]])`
pub(super) const SEEK: Native = Native::new("file.seek", seek).with_locals(LOCALS);

// Locals: the file, the number of the argument at hand, how many of its bytes are taken, whether to flush at the end.
const FILE: u32 = 0;
const ARGUMENT: u32 = 1;
const TAKEN: u32 = 2;
const MUST_FLUSH: u32 = 3;
const LOCALS: u32 = 4;

/// What was read ahead is given up.
const REWINDING: u32 = 1;
/// The buffer is full, and given to the host.
const WRITING: u32 = 2;
/// All is in the buffer, which is given to the host.
const FLUSHING: u32 = 3;
/// The host moves the position.
const SEEKING: u32 = 4;

fn io_write(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.phase() == 0 {
        let file = File::default(machine, DEFAULT_OUTPUT)?;
        frame.set_local(machine, FILE, file.value());
    }
    write_arguments(machine, frame, 0)
}

fn write(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.phase() == 0 {
        let file = File::check_open(machine, frame, 0)?;
        frame.set_local(machine, FILE, file.value());
    }
    write_arguments(machine, frame, 1)
}

fn local_file(machine: &Machine, frame: Frame) -> Result<File, Throw> {
    noted_file(machine, frame.local(machine, FILE))
}

fn integer(machine: &Machine, frame: Frame, local: u32) -> i64 {
    match frame.local(machine, local) {
        Value::Integer(value) => value,
        _ => 0,
    }
}

/// Writes the arguments from number `first` on.
fn write_arguments(machine: &mut Machine, frame: Frame, first: u32) -> NativeResult {
    let file = local_file(machine, frame)?;
    if frame.phase() == 0 {
        frame.set_local(machine, ARGUMENT, Value::Integer(first.into()));
        frame.set_local(machine, TAKEN, Value::Integer(0));
        if let Err(error) = file.check_writable(machine) {
            return file_result(machine, frame, None, Err(error));
        }
    }
    if frame.phase() <= REWINDING
        && let Progress::Wait(ticket) = file.rewind(machine)
    {
        return frame.wait(machine, REWINDING, ticket);
    }
    if frame.phase() == WRITING {
        match file.flush(machine)? {
            Progress::Done(()) => {}
            Progress::Wait(ticket) => return frame.wait(machine, WRITING, ticket),
            Progress::Failed(error) => return file_result(machine, frame, None, Err(error)),
        }
    }
    if frame.phase() != FLUSHING {
        let mut argument = integer(machine, frame, ARGUMENT) as u32;
        while argument < frame.count() {
            let written = match frame.argument_or_nil(machine, argument) {
                Value::Integer(value) => Written::Number(format_integer(value)),
                Value::Float(value) => Written::Number(format_float(value)),
                _ => Written::String(frame.check_string(machine, argument)?),
            };
            let length = written.bytes(machine).len();
            loop {
                let taken = usize::try_from(integer(machine, frame, TAKEN)).unwrap_or(usize::MAX);
                if taken >= length {
                    break;
                }
                let count = file.append(machine, &written, taken)?;
                frame.set_local(machine, TAKEN, Value::Integer((taken + count) as i64));
                if count == 0 {
                    match file.flush(machine)? {
                        Progress::Done(()) => {}
                        Progress::Wait(ticket) => return frame.wait(machine, WRITING, ticket),
                        Progress::Failed(error) => return file_result(machine, frame, None, Err(error)),
                    }
                }
            }
            charge_bytes(machine, length)?;
            if file.must_flush(machine, written.bytes(machine)) {
                frame.set_local(machine, MUST_FLUSH, Value::Boolean(true));
            }
            argument += 1;
            frame.set_local(machine, ARGUMENT, Value::Integer(argument.into()));
            frame.set_local(machine, TAKEN, Value::Integer(0));
        }
    }
    if !frame.local(machine, MUST_FLUSH).is_falsy() {
        match file.flush(machine)? {
            Progress::Done(()) => {}
            Progress::Wait(ticket) => return frame.wait(machine, FLUSHING, ticket),
            Progress::Failed(error) => return file_result(machine, frame, None, Err(error)),
        }
    }
    frame.return_one(machine, file.value())
}

fn io_flush(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.phase() == 0 {
        let file = File::default(machine, DEFAULT_OUTPUT)?;
        frame.set_local(machine, FILE, file.value());
    }
    flush_local(machine, frame)
}

fn flush(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.phase() == 0 {
        let file = File::check_open(machine, frame, 0)?;
        frame.set_local(machine, FILE, file.value());
    }
    flush_local(machine, frame)
}

fn flush_local(machine: &mut Machine, frame: Frame) -> NativeResult {
    let file = local_file(machine, frame)?;
    match file.flush(machine)? {
        Progress::Done(()) => file_result(machine, frame, None, Ok(())),
        Progress::Wait(ticket) => frame.wait(machine, FLUSHING, ticket),
        Progress::Failed(error) => file_result(machine, frame, None, Err(error)),
    }
}

fn seek(machine: &mut Machine, frame: Frame) -> NativeResult {
    let file = File::check_open(machine, frame, 0)?;
    let origin = [Origin::Start, Origin::Current, Origin::End]
        [frame.check_option(machine, 1, Some("cur"), &["set", "cur", "end"])?];
    let offset = frame.optional_integer(machine, 2, 0)?;
    if frame.phase() == SEEKING {
        match machine.take_response() {
            Some(Response::Position(position)) => {
                return frame.return_one(machine, Value::Integer(position as i64));
            }
            Some(Response::Failed(error)) => return file_result(machine, frame, None, Err(error)),
            _ => {}
        }
    }
    if frame.phase() < SEEKING {
        match file.flush(machine)? {
            Progress::Done(()) => {}
            Progress::Wait(ticket) => return frame.wait(machine, FLUSHING, ticket),
            Progress::Failed(error) => return file_result(machine, frame, None, Err(error)),
        }
    }
    // The host is ahead of the program by what was read ahead.
    let ahead = file.ahead(machine).len() as i64;
    let offset = if origin == Origin::Current { offset.saturating_sub(ahead) } else { offset };
    file.discard(machine);
    let stream = file.stream(machine);
    frame.ask(machine, SEEKING, Request::Seek(stream, origin, offset))
}

/// `file:setvbuf(mode [, size])`
pub(super) fn setvbuf(machine: &mut Machine, frame: Frame) -> NativeResult {
    let file = File::check_open(machine, frame, 0)?;
    let buffering = [Buffering::None, Buffering::Full, Buffering::Line]
        [frame.check_option(machine, 1, None, &["no", "full", "line"])?];
    frame.optional_integer(machine, 2, 0)?;
    file.set_buffering(machine, buffering);
    frame.return_one(machine, Value::Boolean(true))
}
