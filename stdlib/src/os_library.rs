//! `os`: time, and what the host grants of files, processes and its environment.

use crate::{
    arguments::Arguments,
    calendar::{Date, Fields, Utc, Zone, ZoneFile, date_from_seconds, format_date},
    io_library::{exit_result, file_result},
    library::{Definition, set_field},
    workspace::{Workspace, allowance, charge_bytes, with_workspace},
};
use alloc::vec::Vec;
use lunette_gc::{reference::Ref, string::Str, value::Value};
use lunette_interpreter::{
    Frame, Machine, NativeResult, Step, Throw,
    host::{Clock, Location, Removal, Request, Response},
    index::{Lookup, Store},
    native::Native,
};

/// The library.
pub(crate) const DEFINITION: Definition = Definition {
    name: "os",
    functions: &[
        Native::new("os.clock", clock),
        Native::new("os.date", date).with_locals(1),
        Native::new("os.difftime", difftime),
        Native::new("os.execute", execute),
        Native::new("os.exit", exit),
        Native::new("os.getenv", getenv),
        Native::new("os.remove", remove),
        Native::new("os.rename", rename),
        Native::new("os.setlocale", setlocale),
        Native::new("os.time", time).with_locals(TIME_LOCALS).unyieldable(),
        Native::new("os.tmpname", tmpname),
    ],
    hidden: &[],
    complete: |_, _| Ok(()),
};

/// The host has answered.
const ANSWERED: u32 = 1;

/// The bytes of a name up to its first zero, where C's strings end.
fn c_string(machine: &Machine, string: Ref<Str>) -> &[u8] {
    let bytes = machine.bytes(string);
    &bytes[..memchr::memchr(0, bytes).unwrap_or(bytes.len())]
}

/// Submits a request made of one string.
fn ask_about(
    machine: &mut Machine,
    frame: Frame,
    string: Ref<Str>,
    request: for<'a> fn(&'a [u8]) -> Request<'a>,
) -> NativeResult {
    let bytes = c_string(machine, string).to_vec();
    frame.ask(machine, ANSWERED, request(&bytes))
}

fn clock(machine: &mut Machine, frame: Frame) -> NativeResult {
    match machine.take_response() {
        Some(Response::Time(time)) => {
            let time = time.seconds as f64 + f64::from(time.nanoseconds / 1000) / 1e6;
            frame.return_one(machine, Value::Float(time))
        }
        Some(_) => frame.return_one(machine, Value::Float(-1.0)),
        None => frame.ask(machine, ANSWERED, Request::Time(Clock::Process)),
    }
}

fn difftime(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (to, from) = (frame.check_integer(machine, 0)?, frame.check_integer(machine, 1)?);
    frame.return_one(machine, Value::Float(to as f64 - from as f64))
}

fn execute(machine: &mut Machine, frame: Frame) -> NativeResult {
    let command = frame.optional_string(machine, 0)?;
    match (machine.take_response(), command) {
        (Some(response), None) => frame.return_one(machine, Value::Boolean(response == Response::Done)),
        (Some(response), Some(_)) => {
            let result = exit_result(machine, frame, response.clone());
            if matches!(result, Err(Throw::Memory)) {
                machine.put_back_response(response);
            }
            result
        }
        (None, None) => frame.ask(machine, ANSWERED, Request::HasShell),
        (None, Some(command)) => ask_about(machine, frame, command, |command| Request::Execute(command)),
    }
}

fn exit(machine: &mut Machine, frame: Frame) -> NativeResult {
    let code = match frame.argument_or_nil(machine, 0) {
        Value::Boolean(success) => i32::from(!success),
        _ => frame.optional_integer(machine, 0, 0)? as i32,
    };
    let closes = !frame.argument_or_nil(machine, 1).is_falsy();
    Err(machine.exit(code, closes))
}

fn getenv(machine: &mut Machine, frame: Frame) -> NativeResult {
    let name = frame.check_string(machine, 0)?;
    match machine.take_response() {
        Some(Response::Bytes(bytes)) => {
            let value = machine.new_string(&bytes)?;
            frame.return_one(machine, Value::String(value))
        }
        Some(_) => frame.return_one(machine, Value::Nil),
        None => ask_about(machine, frame, name, |name| Request::Environment(name)),
    }
}

fn remove(machine: &mut Machine, frame: Frame) -> NativeResult {
    let name = frame.check_string(machine, 0)?;
    match machine.take_response() {
        Some(Response::Failed(error)) => {
            let result = file_result(machine, frame, Some(c_string(machine, name)), Err(error.clone()));
            if matches!(result, Err(Throw::Memory)) {
                machine.put_back_response(Response::Failed(error));
            }
            result
        }
        Some(_) => file_result(machine, frame, None, Ok(())),
        None => ask_about(machine, frame, name, |name| Request::Remove(Location::granted(name), Removal::Any)),
    }
}

fn rename(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (from, to) = (frame.check_string(machine, 0)?, frame.check_string(machine, 1)?);
    match machine.take_response() {
        Some(Response::Failed(error)) => {
            let result = file_result(machine, frame, None, Err(error.clone()));
            if matches!(result, Err(Throw::Memory)) {
                machine.put_back_response(Response::Failed(error));
            }
            result
        }
        Some(_) => file_result(machine, frame, None, Ok(())),
        None => {
            let (from, to) = (c_string(machine, from).to_vec(), c_string(machine, to).to_vec());
            frame.ask(machine, ANSWERED, Request::Rename(Location::granted(&from), Location::granted(&to)))
        }
    }
}

/// There is only the locale of C.
fn setlocale(machine: &mut Machine, frame: Frame) -> NativeResult {
    let locale = frame.optional_string(machine, 0)?;
    frame.check_option(machine, 1, Some("all"), &["all", "collate", "ctype", "monetary", "numeric", "time"])?;
    let is_known = locale.is_none_or(|locale| matches!(c_string(machine, locale), b"" | b"C" | b"POSIX"));
    if !is_known {
        return frame.return_one(machine, Value::Nil);
    }
    let name = machine.new_string(b"C")?;
    frame.return_one(machine, Value::String(name))
}

fn tmpname(machine: &mut Machine, frame: Frame) -> NativeResult {
    match machine.take_response() {
        Some(Response::Bytes(bytes)) => match machine.new_string(&bytes) {
            Ok(name) => frame.return_one(machine, Value::String(name)),
            Err(throw) => {
                machine.put_back_response(Response::Bytes(bytes));
                Err(throw)
            }
        },
        Some(_) => Err(machine.native_error(format_args!("unable to generate a unique filename"))),
        None => frame.ask(machine, ANSWERED, Request::TemporaryName),
    }
}

/// The host has told the time.
const CLOCKED: u32 = 1;
/// The host has described the time zone.
const ZONED: u32 = 2;
/// A metamethod has given a field.
const FIELD: u32 = 3;
/// A metamethod has taken a field.
const STORED: u32 = 4;

/// The local zone as the host describes it, or the step of asking for it, to come back in phase [`ZONED`].
fn zone<'w>(
    machine: &mut Machine,
    frame: Frame,
    workspace: &'w mut Workspace,
) -> Result<Result<&'w ZoneFile, Step>, Throw> {
    if workspace.zone.is_none() {
        match machine.take_response() {
            Some(Response::Bytes(bytes)) if frame.phase() == ZONED => {
                workspace.zone = ZoneFile::parse(&bytes).ok();
            }
            Some(_) if frame.phase() == ZONED => {}
            _ => return frame.ask(machine, ZONED, Request::TimeZone).map(Err),
        }
    }
    machine.take_response();
    Ok(Ok(workspace.zone.get_or_insert_with(ZoneFile::utc)))
}

fn date(machine: &mut Machine, frame: Frame) -> NativeResult {
    const SECONDS: u32 = 0;
    let format = frame.optional_string(machine, 0)?;
    let seconds = match frame.local(machine, SECONDS) {
        Value::Integer(seconds) => seconds,
        _ if !frame.is_none_or_nil(machine, 1) => frame.check_integer(machine, 1)?,
        _ => match machine.take_response() {
            Some(Response::Time(time)) => time.seconds,
            Some(_) => -1,
            None => return frame.ask(machine, CLOCKED, Request::Time(Clock::Realtime)),
        },
    };
    frame.set_local(machine, SECONDS, Value::Integer(seconds));
    with_workspace(machine, |machine, workspace| {
        let bytes = format.map_or(&b"%c"[..], |format| machine.bytes(format));
        let is_utc = bytes.first() == Some(&b'!');
        let date = if is_utc {
            date_from_seconds(seconds, &Utc)
        } else {
            match zone(machine, frame, workspace)? {
                Ok(zone) => date_from_seconds(seconds, zone),
                Err(step) => return Ok(step),
            }
        };
        let date = date.map_err(|error| machine.native_error(format_args!("{error}")))?;
        let bytes = format.map_or(&b"%c"[..], |format| machine.bytes(format));
        let bytes = &bytes[usize::from(is_utc)..];
        if bytes.split(|&byte| byte == 0).next() == Some(b"*t") {
            let table = machine.heap.new_table(0, 9)?;
            for (name, value) in date_fields(&date) {
                set_field(machine, table, name, value)?;
            }
            return frame.return_one(machine, Value::Table(table));
        }
        // The longest conversion is that of a full date and time.
        const LONGEST: usize = 32;
        if bytes.len().saturating_mul(LONGEST) > allowance(&machine.heap) {
            return Err(Throw::Memory);
        }
        let text = &mut workspace.text;
        if let Err(error) = format_date(text, &date, bytes) {
            let mut message = Vec::new();
            error.write_message(&mut message);
            let message = alloc::string::String::from_utf8_lossy(&message).into_owned();
            return Err(frame.argument_error(machine, 0, format_args!("{message}")));
        }
        let (string, length) = (machine.new_string(text)?, text.len());
        charge_bytes(machine, length)?;
        frame.return_one(machine, Value::String(string))
    })
}

fn date_fields(date: &Date) -> [(&'static str, Value); 9] {
    let integer = |value: i64| Value::Integer(value);
    [
        ("year", integer(date.year)),
        ("month", integer(date.month.into())),
        ("day", integer(date.day.into())),
        ("hour", integer(date.hour.into())),
        ("min", integer(date.minute.into())),
        ("sec", integer(date.second.into())),
        ("yday", integer(date.year_day.into())),
        ("wday", integer(date.week_day.into())),
        ("isdst", Value::Boolean(date.is_dst)),
    ]
}

// Locals of `time`: the number of the field that is read or written, the fields read so far.

const NUMBER: u32 = 0;
const FIELDS: u32 = 1;
const FIELD_COUNT: u32 = 7;
const TIME_LOCALS: u32 = FIELDS + FIELD_COUNT;

fn time(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.is_none_or_nil(machine, 0) {
        return match machine.take_response() {
            Some(Response::Time(time)) => frame.return_one(machine, Value::Integer(time.seconds)),
            Some(_) => {
                Err(machine.native_error(format_args!("{}", crate::calendar::CalendarError::TimeNotRepresentable)))
            }
            None => frame.ask(machine, CLOCKED, Request::Time(Clock::Realtime)),
        };
    }
    let table = Value::Table(frame.check_table(machine, 0)?);
    if matches!(frame.phase(), 0 | FIELD)
        && let Some(step) = read_fields(machine, frame, table)?
    {
        return Ok(step);
    }
    with_workspace(machine, |machine, workspace| {
        let zone = match zone(machine, frame, workspace)? {
            Ok(zone) => zone,
            Err(step) => return Ok(step),
        };
        let (seconds, date) = normalize(machine, frame, zone)?;
        write_fields(machine, frame, table, seconds, &date)
    })
}

fn number(machine: &Machine, frame: Frame) -> u32 {
    match frame.local(machine, NUMBER) {
        Value::Integer(number) => number as u32,
        _ => 0,
    }
}

/// Reads the fields of the table into locals: the six numbers, checked, and `isdst`.
fn read_fields(machine: &mut Machine, frame: Frame, table: Value) -> Result<Option<Step>, Throw> {
    let mut given = (frame.phase() == FIELD).then(|| frame.result(machine, 0));
    loop {
        let index = number(machine, frame);
        let Some(&name) = Fields::NAMES.iter().chain(&["isdst"]).nth(index as usize) else {
            frame.set_local(machine, NUMBER, Value::Integer(0));
            return Ok(None);
        };
        let value = match given.take() {
            Some(value) => value,
            None => {
                let key = Value::String(machine.new_string(name.as_bytes())?);
                match machine.look_up(table, key)? {
                    Lookup::Found(value) => value,
                    Lookup::Call { function, object } => {
                        return frame.call(machine, FIELD, function, &[object, key]).map(Some);
                    }
                }
            }
        };
        let value = if (index as usize) < Fields::NAMES.len() {
            let integer = machine.to_integer(value);
            if integer.is_none() && !value.is_nil() {
                let error = crate::calendar::CalendarError::NotAnInteger(name);
                return Err(machine.native_error(format_args!("{error}")));
            }
            let field = Fields::check(index as usize, integer);
            Value::Integer(field.map_err(|error| machine.native_error(format_args!("{error}")))?.into())
        } else if value.is_nil() {
            Value::Nil
        } else {
            Value::Boolean(!value.is_falsy())
        };
        frame.set_local(machine, FIELDS + index, value);
        frame.set_local(machine, NUMBER, Value::Integer(i64::from(index) + 1));
    }
}

/// The time that the fields name, and its date.
fn normalize(machine: &Machine, frame: Frame, zone: &impl Zone) -> Result<(i64, Date), Throw> {
    let field = |index: usize| match frame.local(machine, FIELDS + index as u32) {
        Value::Integer(value) => value as i32,
        _ => 0,
    };
    let is_dst = match frame.local(machine, FIELDS + FIELD_COUNT - 1) {
        Value::Boolean(is_dst) => Some(is_dst),
        _ => None,
    };
    let fields = Fields::new(core::array::from_fn(field), is_dst);
    fields.to_seconds(zone).map_err(|error| machine.native_error(format_args!("{error}")))
}

/// Writes the date into the table, and returns the time.
fn write_fields(machine: &mut Machine, frame: Frame, table: Value, seconds: i64, date: &Date) -> NativeResult {
    let first = if frame.phase() == STORED { number(machine, frame) } else { 0 };
    for (index, (name, value)) in date_fields(date).into_iter().enumerate().skip(first as usize) {
        let key = Value::String(machine.new_string(name.as_bytes())?);
        if let Store::Call { function, object } = machine.store(table, key, value)? {
            frame.set_local(machine, NUMBER, Value::Integer(index as i64 + 1));
            return frame.call(machine, STORED, function, &[object, key, value]);
        }
    }
    frame.return_one(machine, Value::Integer(seconds))
}
