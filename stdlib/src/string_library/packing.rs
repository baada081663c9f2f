//! `pack`, `packsize`, `unpack`.

use crate::{
    arguments::Arguments,
    pack::{Blame, Items, Kind, PackError, decode, encode, packed_size},
    position::start_position,
    workspace::{allowance, charge_bytes, with_workspace},
};
use alloc::vec::Vec;
use lunette_gc::value::Value;
use lunette_interpreter::{Frame, Machine, NativeResult, Step, Throw};

/// Results of `unpack` for which there is room at first.
const FEW: u32 = 16;

/// The error, blamed on an argument if it is one's fault.
#[cold]
fn pack_error(machine: &Machine, frame: Frame, error: PackError, value: u32) -> Throw {
    if let PackError::InvalidOption(option) = error {
        // Which may be any byte.
        return machine.native_error_bytes(&[b"invalid format option '".as_slice(), &[option], b"'"].concat());
    }
    match error.blame() {
        Blame::Nothing => machine.native_error(format_args!("{error}")),
        Blame::Format => frame.argument_error(machine, 0, format_args!("{error}")),
        Blame::Value => frame.argument_error(machine, value, format_args!("{error}")),
        Blame::Data => frame.argument_error(machine, 1, format_args!("{error}")),
    }
}

/// `string.pack(format, ···)`
pub(super) fn pack(machine: &mut Machine, frame: Frame) -> NativeResult {
    with_workspace(machine, |machine, workspace| {
        pack_into(machine, frame, &mut workspace.text)?;
        let result = machine.new_string(&workspace.text)?;
        charge_bytes(machine, workspace.text.len())?;
        frame.return_one(machine, Value::String(result))
    })
}

fn pack_into(machine: &mut Machine, frame: Frame, out: &mut Vec<u8>) -> Result<(), Throw> {
    let format = frame.check_string(machine, 0)?;
    let mut items = Items::new(machine.bytes(format));
    let limit = allowance(&machine.heap);
    let mut argument = 0;
    let error = |error, argument| pack_error(machine, frame, error, argument);
    while let Some(item) = items.next(out.len()).map_err(|found| error(found, argument))? {
        argument += u32::from(item.kind.has_value());
        let is_text = matches!(item.kind, Kind::Characters | Kind::PrefixedString | Kind::ZeroTerminated);
        if item.kind.has_value() && argument == frame.count() {
            // PUC Lua finds a nil of its own there.
            let expected = if is_text { "string" } else { "number" };
            return Err(frame.argument_error(machine, argument, format_args!("{expected} expected, got nil")));
        }
        let text = if is_text { machine.bytes(frame.check_string(machine, argument)?) } else { b"" };
        let most = (item.padding as usize + item.size as usize).saturating_add(text.len());
        if most > limit.saturating_sub(out.len()) {
            return Err(Throw::Memory);
        }
        out.try_reserve(most + 1).map_err(|_| Throw::Memory)?;
        encode::padding(out, item.padding as usize);
        match item.kind {
            Kind::Signed | Kind::Unsigned => {
                let value = frame.check_integer(machine, argument)?;
                encode::integer(out, &item, value).map_err(|found| error(found, argument))?;
            }
            Kind::Single | Kind::Double => encode::float(out, &item, frame.check_float(machine, argument)?),
            Kind::Characters | Kind::PrefixedString | Kind::ZeroTerminated => {
                encode::string(out, &item, text).map_err(|found| error(found, argument))?;
            }
            Kind::Padding => encode::padding(out, 1),
            Kind::Alignment | Kind::Nothing => {}
        }
    }
    Ok(())
}

/// `string.packsize(format)`
pub(super) fn packsize(machine: &mut Machine, frame: Frame) -> NativeResult {
    let format = frame.check_string(machine, 0)?;
    let bytes = machine.bytes(format);
    let size = packed_size(bytes).map_err(|error| pack_error(machine, frame, error, 0))?;
    let length = bytes.len();
    machine.charge(length as u64)?;
    frame.return_one(machine, Value::Integer(size as i64))
}

/// `string.unpack(format, s [, pos])`
pub(super) fn unpack(machine: &mut Machine, frame: Frame) -> NativeResult {
    let format = frame.check_string(machine, 0)?;
    let data = frame.check_string(machine, 1)?;
    let length = machine.bytes(data).len();
    let mut position = start_position(frame.optional_integer(machine, 2, 1)?, length);
    if position > length {
        return Err(frame.argument_error(machine, 2, format_args!("initial position out of string")));
    }
    machine.charge(machine.bytes(format).len() as u64)?;
    let (mut count, mut room) = (0, FEW);
    // The iterator borrows the format, which growing the stack must not find borrowed: its values are counted first.
    let values = count_values(machine.bytes(format));
    if values >= room {
        room = values + 1;
        if !machine.reserve_slots(frame.window(), room.into())? {
            return Err(machine.native_error(format_args!("stack overflow (too many results)")));
        }
    }
    let mut items = Items::new(machine.bytes(format));
    let bytes = machine.bytes(data);
    let error = |error| pack_error(machine, frame, error, 0);
    while let Some(item) = items.next(position).map_err(error)? {
        let value;
        (value, position) = match item.kind {
            Kind::Signed | Kind::Unsigned => {
                let (value, end) = decode::integer(bytes, position, &item).map_err(error)?;
                (Value::Integer(value), end)
            }
            Kind::Single | Kind::Double => {
                let (value, end) = decode::float(bytes, position, &item).map_err(error)?;
                (Value::Float(value), end)
            }
            Kind::Characters | Kind::PrefixedString | Kind::ZeroTerminated => {
                let (text, end) = decode::string(bytes, position, &item).map_err(error)?;
                (Value::String(machine.new_string(text)?), end)
            }
            Kind::Padding | Kind::Alignment | Kind::Nothing => {
                position = decode::bytes(bytes, position, &item).map_err(error)?.1;
                continue;
            }
        };
        machine.set_value(frame.window() + count, value);
        count += 1;
    }
    machine.set_value(frame.window() + count, Value::Integer(position as i64 + 1));
    Ok(Step::Return { first: frame.window(), count: count + 1 })
}

/// At least the number of values that a format asks for: its letters.
fn count_values(format: &[u8]) -> u32 {
    format.iter().filter(|byte| byte.is_ascii_alphabetic()).count().min(u32::MAX as usize - 1) as u32
}
