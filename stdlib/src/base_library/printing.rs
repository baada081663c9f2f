//! `print`.

use crate::{
    output::{self, Flush, Written},
    text::{self, Text},
};
use alloc::vec::Vec;
use lunette_gc::value::Value;
use lunette_interpreter::{Frame, Machine, NativeResult, Step, metamethod::Event, native::Native};

/// `print(...)`
pub(super) const PRINT: Native = Native::new("print", print).with_locals(3);

/// Local: twice the number of the argument that is being written, and one more for what follows it.
const POSITION: u32 = 0;
/// Local: how many bytes of that are written.
const OFFSET: u32 = 1;
/// Local: the text of the argument, if a metamethod gave it.
const TEXT: u32 = 2;

/// Phase: the host has taken some of the buffer.
const FLUSHING: u32 = 1;
/// Phase: a metamethod has given the text of an argument.
const CONVERTED: u32 = 2;
/// Phase: as [`FLUSHING`], and all is written.
const ENDING: u32 = 3;

fn print(machine: &mut Machine, frame: Frame) -> NativeResult {
    match frame.phase() {
        0 => {
            frame.set_local(machine, POSITION, Value::Integer(0));
            frame.set_local(machine, OFFSET, Value::Integer(0));
        }
        CONVERTED => {
            let text = text::check_text(machine, frame.result(machine, 0))?;
            frame.set_local(machine, TEXT, Value::String(text));
        }
        phase => {
            // As in PUC Lua, nobody is told of a failure.
            if let Flush::Wait(ticket) = output::flush(machine)? {
                return frame.wait(machine, phase, ticket);
            }
            if phase == ENDING {
                return frame.return_none();
            }
        }
    }
    write(machine, frame)
}

fn local(machine: &Machine, frame: Frame, index: u32) -> usize {
    match frame.local(machine, index) {
        Value::Integer(value) => usize::try_from(value).unwrap_or(0),
        _ => 0,
    }
}

/// Writes from where the locals say on.
fn write(machine: &mut Machine, frame: Frame) -> NativeResult {
    let mut offset = local(machine, frame, OFFSET);
    let end = frame.count().max(1) * 2;
    let mut scratch = Vec::new();
    for position in (local(machine, frame, POSITION) as u32).min(end)..end {
        let argument = frame.argument(machine, position / 2);
        let mut string = None;
        scratch.clear();
        if position == end - 1 {
            scratch.push(b'\n');
        } else if position % 2 == 1 {
            scratch.push(b'\t');
        } else if let Value::String(text) = frame.local(machine, TEXT) {
            string = Some(text);
        } else if let Some(Value::String(text)) = argument
            && machine.metamethod(Value::String(text), Event::ToString).is_nil()
        {
            string = Some(text);
        } else if let Some(value) = argument
            && let Text::Call(metamethod) = text::append_value(machine, value, &mut scratch)?
        {
            frame.set_local(machine, POSITION, Value::Integer(position.into()));
            frame.set_local(machine, OFFSET, Value::Integer(0));
            return frame.call(machine, CONVERTED, metamethod, &[value]);
        }
        let (taken, length) = match string {
            Some(string) => {
                (output::append_written(machine, &Written::String(string), offset)?, machine.bytes(string).len())
            }
            None => (output::append(machine, scratch.get(offset..).unwrap_or_default())?, scratch.len()),
        };
        offset += taken;
        if offset < length {
            frame.set_local(machine, POSITION, Value::Integer(position.into()));
            frame.set_local(machine, OFFSET, Value::Integer(offset as i64));
            return flush(machine, frame, FLUSHING);
        }
        offset = 0;
        frame.set_local(machine, TEXT, Value::Nil);
    }
    if output::must_flush(machine, b"\n") { flush(machine, frame, ENDING) } else { frame.return_none() }
}

/// Comes back in a phase in which the buffer is given to the host.
fn flush(machine: &Machine, frame: Frame, phase: u32) -> NativeResult {
    frame.set_phase(machine, phase);
    Ok(Step::Continue)
}
