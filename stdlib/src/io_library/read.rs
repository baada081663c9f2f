//! Reading: formats, and iterators over them.

use super::file::{DEFAULT_INPUT, File, Progress, noted_file};
use super::manage::{close_local, open_or_fail};
use super::{closure, file_result};
use crate::{
    accumulator::Accumulator,
    arguments::Arguments,
    output::{self, Flush},
    workspace::{allowance, charge_bytes},
};
use lunette_bytecode::number::{Number, parse_number};
use lunette_gc::value::Value;
use lunette_interpreter::{
    Frame, Machine, NativeResult, Step, Throw,
    host::{HostError, Stream},
    native::Native,
};

/// `io.read(···)`
pub(super) const IO_READ: Native = Native::new("io.read", io_read).with_locals(LOCALS);
/// `file:read(···)`
pub(super) const READ: Native = Native::new("file.read", read).with_locals(LOCALS);
/// `io.lines([filename, ···])`
pub(super) const IO_LINES: Native = Native::new("io.lines", io_lines).with_locals(1);
/// What `lines` gives. Its values are the file, whether to close it at the end, and the formats.
pub(super) const LINES_ITERATOR: Native =
    Native::new("file_lines_iterator", next_lines).with_locals(LOCALS).with_upvalues(u32::MAX);

// Locals: the file, the number of the format at hand, the table of the values read so far, the text of the one at hand,
// whether the file has ended.
const FILE: u32 = 0;
const FORMAT: u32 = 1;
const VALUES: u32 = 2;
const TEXT: u32 = 3;
const ENDED: u32 = TEXT + Accumulator::LOCALS;
const LOCALS: u32 = ENDED + 1;

/// The file was opened.
const OPENED: u32 = 1;
/// `CLOSED` of closing lies between.
const CLOSING: [u32; 2] = [1, 2];
/// More is read ahead.
const FILLING: u32 = 3;
/// Standard output is given to the host, so that a prompt is seen.
const PROMPTING: u32 = 4;
/// The file's own output is given to the host before it is read.
const TURNING: u32 = 5;

/// The most formats of `lines`.
const MAX_FORMATS: u32 = 250;
/// The most characters of a numeral.
const MAX_NUMERAL: usize = 200;

/// What is to be read.
#[derive(Clone, Copy)]
enum Format {
    Number,
    Line { keep_end: bool },
    All,
    Bytes(usize),
}

/// What came of it.
enum Attempt {
    Value(Value),
    /// There is none, at the end of the file.
    Failure,
    /// More must be read ahead.
    More,
}

/// What came of all formats.
enum Outcome {
    Values(Step),
    Error(HostError),
    Wait(Step),
}

/// Where formats come from: arguments of the function, or values of its closure.
#[derive(Clone, Copy)]
enum Formats {
    Arguments(u32),
    Values,
}

/// The number of the first format among the values of the iterator, before which are those that PUC Lua has there: the
/// file, the number of formats, and whether the file is to be closed at its end.
const FIRST_VALUE: u32 = 3;

impl Formats {
    fn count(self, machine: &Machine, frame: Frame) -> u32 {
        match self {
            Formats::Arguments(first) => frame.count().saturating_sub(first),
            Formats::Values => {
                (machine.heap.native_values(frame.closure(machine)).len() as u32).saturating_sub(FIRST_VALUE)
            }
        }
    }

    fn get(self, machine: &Machine, frame: Frame, index: u32) -> Result<Format, Throw> {
        let (value, number) = match self {
            Formats::Arguments(first) => {
                (frame.argument_or_nil(machine, first.saturating_add(index)), first.saturating_add(index))
            }
            Formats::Values => (frame.closure_value(machine, FIRST_VALUE.saturating_add(index)), index.wrapping_add(1)),
        };
        match value {
            Value::Integer(count) => return Ok(Format::Bytes(usize::try_from(count).unwrap_or(usize::MAX))),
            Value::Float(_) => {
                let count = machine.to_integer(value).ok_or_else(|| {
                    frame.argument_error(machine, number, format_args!("number has no integer representation"))
                })?;
                return Ok(Format::Bytes(usize::try_from(count).unwrap_or(usize::MAX)));
            }
            Value::String(string) => {
                let bytes = machine.bytes(string);
                match bytes.strip_prefix(b"*").unwrap_or(bytes).first() {
                    Some(b'n') => return Ok(Format::Number),
                    Some(b'l') => return Ok(Format::Line { keep_end: false }),
                    Some(b'L') => return Ok(Format::Line { keep_end: true }),
                    Some(b'a') => return Ok(Format::All),
                    _ => {}
                }
            }
            _ => return Err(frame.type_error(machine, number, "string")),
        }
        Err(frame.argument_error(machine, number, format_args!("invalid format")))
    }
}

fn io_read(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.phase() == 0 {
        let file = File::default(machine, DEFAULT_INPUT)?;
        frame.set_local(machine, FILE, file.value());
    }
    read_from(machine, frame, Formats::Arguments(0))
}

fn read(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.phase() == 0 {
        let file = File::check_open(machine, frame, 0)?;
        frame.set_local(machine, FILE, file.value());
    }
    read_from(machine, frame, Formats::Arguments(1))
}

fn read_from(machine: &mut Machine, frame: Frame, formats: Formats) -> NativeResult {
    match read_formats(machine, frame, formats)? {
        Outcome::Values(step) | Outcome::Wait(step) => Ok(step),
        Outcome::Error(error) => file_result(machine, frame, None, Err(error)),
    }
}

/// `file:lines(···)`
pub(super) fn lines(machine: &mut Machine, frame: Frame) -> NativeResult {
    let file = File::check_open(machine, frame, 0)?;
    let iterator = make_iterator(machine, frame, file, false)?;
    frame.return_one(machine, iterator)
}

fn io_lines(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.is_none_or_nil(machine, 0) {
        let file = File::default(machine, DEFAULT_INPUT)?;
        let iterator = make_iterator(machine, frame, file, false)?;
        return frame.return_one(machine, iterator);
    }
    match open_or_fail(machine, frame, OPENED, b"r")? {
        Ok(file) => {
            let iterator = make_iterator(machine, frame, file, true)?;
            frame.return_values(machine, &[iterator, Value::Nil, Value::Nil, file.value()])
        }
        Err(step) => Ok(step),
    }
}

fn make_iterator(machine: &Machine, frame: Frame, file: File, to_close: bool) -> Result<Value, Throw> {
    let count = frame.count().saturating_sub(1);
    if count > MAX_FORMATS {
        return Err(frame.argument_error(machine, MAX_FORMATS + 1, format_args!("too many arguments")));
    }
    let mut values = alloc::vec![file.value(), Value::Integer(count.into()), Value::Boolean(to_close)];
    values.extend((0..count).map(|index| frame.argument_or_nil(machine, index + 1)));
    closure(machine, &LINES_ITERATOR, &values)
}

fn next_lines(machine: &mut Machine, frame: Frame) -> NativeResult {
    if CLOSING.contains(&frame.phase()) {
        return end_lines(machine, frame);
    }
    let (file, to_close) = (frame.closure_value(machine, 0), !frame.closure_value(machine, 2).is_falsy());
    if frame.phase() == 0 {
        match File::from_value(machine, file)? {
            Some(file) if file.is_open(machine) => frame.set_local(machine, FILE, file.value()),
            _ => return Err(machine.native_error(format_args!("file is already closed"))),
        }
    }
    match read_formats(machine, frame, Formats::Values)? {
        Outcome::Wait(step) => Ok(step),
        Outcome::Values(step @ Step::Return { first, .. }) if !machine.value(first).is_falsy() => Ok(step),
        Outcome::Values(_) if to_close => end_lines(machine, frame),
        Outcome::Values(_) => frame.return_none(),
        Outcome::Error(error) => Err(machine.native_error(format_args!("{}", error.message))),
    }
}

/// Closes the file at its end, and returns nothing.
fn end_lines(machine: &mut Machine, frame: Frame) -> NativeResult {
    // Closing finds the phases of its own, from the beginning on.
    let phase = if CLOSING.contains(&frame.phase()) { frame.phase() } else { 0 };
    match close_local(machine, frame.in_phase(phase))? {
        Step::Return { .. } => frame.return_none(),
        step => Ok(step),
    }
}

/// Reads by all formats, or goes on with that.
fn read_formats(machine: &mut Machine, frame: Frame, formats: Formats) -> Result<Outcome, Throw> {
    let file = noted_file(machine, frame.local(machine, FILE))?;
    if frame.phase() == 0
        && let Err(error) = file.check_readable(machine)
    {
        return Ok(Outcome::Error(error));
    }
    match frame.phase() {
        0 | TURNING => match file.flush(machine)? {
            Progress::Done(()) => {}
            Progress::Wait(ticket) => return frame.wait(machine, TURNING, ticket).map(Outcome::Wait),
            Progress::Failed(error) => return Ok(Outcome::Error(error)),
        },
        PROMPTING => return fill(machine, frame, file).map(Outcome::Wait),
        // There is no answer if it was taken in by a call that failed for memory afterwards: what is there is tried again.
        FILLING => match file.take_in(machine) {
            Ok(Some(0)) => frame.set_local(machine, ENDED, Value::Boolean(true)),
            Ok(_) => {}
            Err(error) => return Ok(Outcome::Error(error)),
        },
        _ => {}
    }
    let count = formats.count(machine, frame);
    loop {
        let index = match frame.local(machine, FORMAT) {
            Value::Integer(index) => (index as u32).min(count),
            _ => 0,
        };
        let format = if count == 0 { Format::Line { keep_end: false } } else { formats.get(machine, frame, index)? };
        let value = match attempt(machine, frame, file, format)? {
            Attempt::Value(value) => value,
            Attempt::Failure => Value::Nil,
            Attempt::More => return fill(machine, frame, file).map(Outcome::Wait),
        };
        let is_last = index + 1 >= count || value.is_nil();
        if is_last && index == 0 {
            machine.set_value(frame.window(), value);
            return Ok(Outcome::Values(Step::Return { first: frame.window(), count: 1 }));
        }
        let values = match frame.local(machine, VALUES) {
            Value::Table(values) => values,
            _ => {
                let values = machine.heap.new_table(count, 0)?;
                frame.set_local(machine, VALUES, Value::Table(values));
                values
            }
        };
        machine.raw_set(values, Value::Integer(i64::from(index) + 1), value)?;
        frame.set_local(machine, FORMAT, Value::Integer(i64::from(index) + 1));
        frame.set_local(machine, TEXT, Value::Nil);
        if is_last {
            if !machine.reserve_slots(frame.window(), u64::from(index) + 1)? {
                return Err(machine.native_error(format_args!("stack overflow (too many arguments)")));
            }
            for slot in 0..=index {
                let value = machine.heap.table_get_integer(values, i64::from(slot) + 1);
                machine.set_value(frame.window() + slot, value);
            }
            return Ok(Outcome::Values(Step::Return { first: frame.window(), count: index + 1 }));
        }
    }
}

/// Reads more ahead: the step of waiting for it.
fn fill(machine: &mut Machine, frame: Frame, file: File) -> NativeResult {
    if file.stream(machine) == Stream::INPUT
        && output::pending(machine) > 0
        && let Flush::Wait(ticket) = output::flush(machine)?
    {
        return frame.wait(machine, PROMPTING, ticket);
    }
    let ticket = file.ask_for_more(machine)?;
    frame.wait(machine, FILLING, ticket)
}

/// Reads by one format from what is there.
fn attempt(machine: &mut Machine, frame: Frame, file: File, format: Format) -> Result<Attempt, Throw> {
    let has_ended = !frame.local(machine, ENDED).is_falsy();
    let earlier = Accumulator::load(machine, frame, TEXT);
    let earlier_length = earlier.map_or(0, |text| text.bytes(machine).len());
    let ahead = file.ahead(machine);
    // How many bytes of what is there belong to the value, how many more are consumed, and whether it is complete.
    let (length, skipped, is_complete) = match format {
        Format::Number => return attempt_number(machine, file, has_ended),
        Format::Bytes(0) => {
            return Ok(match (ahead.is_empty(), has_ended) {
                (false, _) => Attempt::Value(Value::String(machine.new_string(b"")?)),
                (true, true) => Attempt::Failure,
                (true, false) => Attempt::More,
            });
        }
        Format::Bytes(count) => {
            if count > allowance(&machine.heap).saturating_mul(2).saturating_add(earlier_length) {
                return Err(Throw::Memory);
            }
            let length = ahead.len().min(count.saturating_sub(earlier_length));
            (length, 0, earlier_length + length >= count)
        }
        Format::Line { keep_end } => match memchr::memchr(b'\n', ahead) {
            Some(end) if keep_end => (end + 1, 0, true),
            Some(end) => (end, 1, true),
            None => (ahead.len(), 0, false),
        },
        Format::All => (ahead.len(), 0, false),
    };
    let part = &ahead[..length];
    if is_complete || has_ended {
        let is_nothing = earlier_length + length == 0 && !is_complete && !matches!(format, Format::All);
        let value = match earlier {
            _ if is_nothing => return Ok(Attempt::Failure),
            Some(mut text) => {
                text.append(machine, part)?;
                machine.new_string(text.bytes(machine))?
            }
            None => machine.new_string(part)?,
        };
        file.consume(machine, length + skipped);
        charge_bytes(machine, earlier_length + length)?;
        return Ok(Attempt::Value(Value::String(value)));
    }
    if length > 0 {
        let mut text = match earlier {
            Some(text) => text,
            None => Accumulator::new(machine, length)?,
        };
        text.append(machine, part)?;
        text.store(machine, frame, TEXT);
        file.consume(machine, length);
    }
    Ok(Attempt::More)
}

fn attempt_number(machine: &Machine, file: File, has_ended: bool) -> Result<Attempt, Throw> {
    let spaces = file.ahead(machine).iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
    file.consume(machine, spaces);
    let ahead = file.ahead(machine);
    let numeral = Numeral::scan(ahead);
    if numeral.length == ahead.len() && !has_ended {
        return Ok(Attempt::More);
    }
    let text = &ahead[..numeral.length];
    let number = if numeral.is_too_long { None } else { parse_number(text) };
    file.consume(machine, numeral.length);
    Ok(match number {
        Some(Number::Integer(value)) => Attempt::Value(Value::Integer(value)),
        Some(Number::Float(value)) => Attempt::Value(Value::Float(value)),
        None => Attempt::Failure,
    })
}

/// The longest prefix of a text that can begin a numeral, as PUC Lua reads it.
struct Numeral<'t> {
    text: &'t [u8],
    length: usize,
    is_too_long: bool,
}

impl<'t> Numeral<'t> {
    fn scan(text: &'t [u8]) -> Self {
        let mut numeral = Numeral { text, length: 0, is_too_long: false };
        numeral.accept(b"+-");
        let mut count = 0;
        let mut is_hexadecimal = false;
        if numeral.accept(b"0") {
            if numeral.accept(b"xX") {
                is_hexadecimal = true;
            } else {
                count = 1;
            }
        }
        count += numeral.digits(is_hexadecimal);
        if numeral.accept(b".") {
            count += numeral.digits(is_hexadecimal);
        }
        if count > 0 && numeral.accept(if is_hexadecimal { b"pP" } else { b"eE" }) {
            numeral.accept(b"+-");
            numeral.digits(false);
        }
        numeral
    }

    fn accept_if(&mut self, condition: impl Fn(u8) -> bool) -> bool {
        match self.text.get(self.length) {
            Some(&byte) if condition(byte) => {
                if self.length == MAX_NUMERAL {
                    self.is_too_long = true;
                    return false;
                }
                self.length += 1;
                true
            }
            _ => false,
        }
    }

    fn accept(&mut self, set: &[u8]) -> bool {
        self.accept_if(|byte| set.contains(&byte))
    }

    fn digits(&mut self, is_hexadecimal: bool) -> usize {
        let start = self.length;
        let is_digit = |byte: u8| if is_hexadecimal { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() };
        while self.accept_if(is_digit) {}
        self.length - start
    }
}
