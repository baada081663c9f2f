//! Search for a file along a path of templates, in the phases of a native function.

use crate::{arguments::Arguments, library::malformed_frame, workspace::allowance};
use alloc::vec::Vec;
use lunette_gc::value::Value;
use lunette_interpreter::{
    Frame, Machine, NativeResult, Step, Throw,
    host::{Location, OpenMode, Request, Response},
    native::Native,
};

/// Number of locals of a function that searches; [`step`] is told which is the first.
pub(super) const LOCALS: u32 = 2;
/// Local: the file names, separated by semicolons.
const NAMES: u32 = 0;
/// Local: where in that the name being tried begins.
const POSITION: u32 = 1;

/// The first phase of a search; the one above is its as well.
pub(super) const FIRST_PHASE: u32 = 0x300;
const OPENING: u32 = FIRST_PHASE;
const CLOSING: u32 = FIRST_PHASE + 1;

/// How far a search has come.
pub(super) enum Search {
    /// The function must return this.
    Waiting(Step),
    /// The name of a file that can be read.
    Found(Vec<u8>),
    /// There is none; what a message says about it.
    NotFound(Vec<u8>),
}

/// `package.searchpath(name, path, sep, rep)`
pub(super) const SEARCHPATH: Native = Native::new("package.searchpath", searchpath).with_locals(LOCALS);

fn searchpath(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.phase() == 0 {
        let name = frame.check_string(machine, 0)?;
        let path = frame.check_string(machine, 1)?;
        let separator = frame.optional_string(machine, 2)?;
        let replacement = frame.optional_string(machine, 3)?;
        let separator = separator.map_or(&b"."[..], |separator| machine.bytes(separator));
        let replacement = replacement.map_or(&b"/"[..], |replacement| machine.bytes(replacement));
        let names = file_names(machine, machine.bytes(name), machine.bytes(path), separator, replacement)?;
        begin(machine, frame, 0, &names)?;
    }
    match step(machine, frame, 0)? {
        Search::Waiting(step) => Ok(step),
        Search::Found(name) => crate::text::return_string(machine, frame, &name),
        Search::NotFound(message) => {
            let message = machine.new_string(&message)?;
            frame.return_two(machine, Value::Nil, Value::String(message))
        }
    }
}

/// The path with its question marks replaced by the name, in which separators are replaced first.
pub(super) fn file_names(
    machine: &Machine,
    name: &[u8],
    path: &[u8],
    separator: &[u8],
    replacement: &[u8],
) -> Result<Vec<u8>, Throw> {
    let name = if separator.is_empty() { name.to_vec() } else { replace(machine, name, separator, replacement)? };
    replace(machine, path, b"?", &name)
}

/// The text with all occurrences of `from` replaced.
fn replace(machine: &Machine, text: &[u8], from: &[u8], to: &[u8]) -> Result<Vec<u8>, Throw> {
    let count = memchr::memmem::find_iter(text, from).count();
    let length = (text.len() - count * from.len()).saturating_add(count.saturating_mul(to.len()));
    machine.spend_on_bytes(length);
    if length > allowance(&machine.heap) {
        return Err(Throw::Memory);
    }
    let mut result = Vec::new();
    result.try_reserve_exact(length).map_err(|_| Throw::Memory)?;
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, from) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    result.extend_from_slice(rest);
    Ok(result)
}

/// Begins a search among these names; [`step`] goes on.
pub(super) fn begin(machine: &Machine, frame: Frame, first_local: u32, names: &[u8]) -> Result<(), Throw> {
    let names = machine.new_string(names)?;
    frame.set_local(machine, first_local + NAMES, Value::String(names));
    frame.set_local(machine, first_local + POSITION, Value::Integer(0));
    Ok(())
}

/// Goes on with a search.
pub(super) fn step(machine: &mut Machine, frame: Frame, first_local: u32) -> Result<Search, Throw> {
    let (Value::String(names), Value::Integer(position)) =
        (frame.local(machine, first_local + NAMES), frame.local(machine, first_local + POSITION))
    else {
        return Err(malformed_frame(machine));
    };
    let mut position = usize::try_from(position).unwrap_or(usize::MAX);
    match (frame.phase(), machine.take_response()) {
        (OPENING, Some(Response::Opened(stream, _))) => {
            return frame.ask(machine, CLOSING, Request::Close(stream)).map(Search::Waiting);
        }
        (OPENING, Some(_)) => {
            position = position.saturating_add(name_at(machine.bytes(names), position).len() + 1);
            frame.set_local(machine, first_local + POSITION, Value::Integer(position as i64));
        }
        (CLOSING, _) => return Ok(Search::Found(name_at(machine.bytes(names), position).to_vec())),
        _ => {}
    }
    let all = machine.heap.string_bytes(names);
    if position >= all.len() {
        let mut message = b"no file '".to_vec();
        message.extend_from_slice(&replace(machine, all, b";", b"'\n\tno file '")?);
        message.push(b'\'');
        return Ok(Search::NotFound(message));
    }
    let mode = OpenMode { read: true, ..OpenMode::default() };
    let ticket = machine.host.submit(Request::Open(Location::granted(name_at(all, position)), mode));
    frame.wait(machine, OPENING, ticket).map(Search::Waiting)
}

fn name_at(names: &[u8], position: usize) -> &[u8] {
    names.get(position..).unwrap_or(&[]).split(|&byte| byte == b';').next().unwrap_or(&[])
}
