//! `format`.
//!
//! The text is made in the library's working memory. If a `__tostring` metamethod must be called, what there is of it
//! goes to the frame's locals, and with it the place in the format.

use crate::{
    accumulator::Accumulator,
    arguments::Arguments,
    format::{
        Content, Conversion, Directive, Format, FormatError, check_zeros, write_character, write_decimal, write_float,
        write_integer, write_pointer, write_quoted_float, write_quoted_integer, write_quoted_string, write_string,
    },
    library::malformed_frame,
    text::{Text, append_value, check_text, identity},
    text_cache::TextCache,
    workspace::{allowance, append, charge_bytes, with_workspace},
};
use alloc::vec::Vec;
use lunette_bytecode::float_format;
use lunette_gc::value::Value;
use lunette_interpreter::{Frame, Machine, NativeResult, Throw, native::Native};

/// `string.format(format, ···)`
pub(super) const FORMAT: Native = Native::new("string.format", format).with_locals(LOCALS).unyieldable();

/// The text of the argument at hand is in the window.
const CONVERTED: u32 = 1;

// Locals: the text so far, bytes of the format not yet read, the number of the argument at hand.
const RESULT: u32 = 0;
const REST: u32 = Accumulator::LOCALS;
const ARGUMENT: u32 = REST + 1;
const LOCALS: u32 = REST + 2;

fn format(machine: &mut Machine, frame: Frame) -> NativeResult {
    with_workspace(machine, |machine, workspace| {
        let mut text = core::mem::take(&mut workspace.text);
        let result = format_into(machine, frame, &mut text, &mut workspace.formats);
        workspace.text = text;
        result
    })
}

fn format_into(
    machine: &mut Machine,
    frame: Frame,
    text: &mut Vec<u8>,
    formats: &mut TextCache<Format>,
) -> NativeResult {
    let format = frame.check_string(machine, 0)?;
    let (format, hash) = (machine.bytes(format), machine.heap.get(format).hash);
    let limit = allowance(&machine.heap);
    let read = formats.get(format, hash, |format| {
        if Format::memory_bound(format) > limit { Err(Throw::Memory) } else { Ok(Format::read(format)) }
    })?;
    let mut earlier = Accumulator::load(machine, frame, RESULT);
    let (mut start, mut argument) = (0, 0);
    let mut converted = None;
    if frame.phase() == CONVERTED {
        if let (Value::Integer(length), Value::Integer(number)) =
            (frame.local(machine, REST), frame.local(machine, ARGUMENT))
        {
            // The directive at hand is done again.
            let done = usize::try_from(length).ok().and_then(|length| format.len().checked_sub(length));
            start = done.ok_or_else(|| malformed_frame(machine))?;
            argument = (number as u32).saturating_sub(1);
        }
        converted = Some(check_text(machine, frame.result(machine, 0))?);
    }
    for part in read.parts_from(start) {
        let (directive, is_plain) = match &part.content {
            Content::Text(range) => {
                append(text, format.get(range.clone()).unwrap_or_default(), limit)?;
                continue;
            }
            Content::Directive { directive, is_plain } => (directive, *is_plain),
        };
        // PUC Lua looks for the argument before it reads the directive.
        argument += 1;
        if argument >= frame.count() {
            return Err(frame.argument_error(machine, argument, format_args!("no value")));
        }
        let directive = directive.as_ref().map_err(|error| format_error(machine, error))?;
        if directive.conversion == Conversion::String {
            let value = machine.value(frame.base() + argument);
            let bytes = match (converted.take(), value) {
                (Some(string), _) | (None, Value::String(string)) => machine.bytes(string),
                (None, value) => {
                    let before = text.len();
                    if let Text::Call(metamethod) = append_value(machine, value, text)? {
                        let rest = format.len() - part.start;
                        let mut result = match earlier {
                            Some(earlier) => earlier,
                            None => Accumulator::new(machine, text.len() + rest)?,
                        };
                        result.append(machine, text)?;
                        result.store(machine, frame, RESULT);
                        frame.set_local(machine, REST, Value::Integer(rest as i64));
                        frame.set_local(machine, ARGUMENT, Value::Integer(argument.into()));
                        return frame.call(machine, CONVERTED, metamethod, &[value]);
                    }
                    if is_plain {
                        continue;
                    }
                    &text.split_off(before)
                }
            };
            if is_plain {
                append(text, bytes, limit)?;
                continue;
            }
            check_zeros(bytes).map_err(|error| frame.argument_error(machine, argument, format_args!("{error}")))?;
            let specification = directive.specification.as_ref().map_err(|error| format_error(machine, error))?;
            if specification.precision.is_none() && bytes.len() >= 100 {
                append(text, bytes, limit)?;
            } else {
                write_string(text, bytes, specification);
            }
            continue;
        }
        let before = text.len();
        write(machine, frame, argument, directive, is_plain, text)?;
        // Digits are work.
        machine.spend((text.len() - before) as u64);
        if text.len() > limit {
            return Err(Throw::Memory);
        }
    }
    let (result, length) = match &mut earlier {
        Some(earlier) => {
            earlier.append(machine, text)?;
            let bytes = earlier.bytes(machine);
            (machine.new_string(bytes)?, bytes.len())
        }
        None => (machine.new_string(text)?, text.len()),
    };
    charge_bytes(machine, length + format.len())?;
    frame.return_one(machine, Value::String(result))
}

/// Appends what a directive other than `%s` makes of its argument. PUC Lua looks at some arguments before it checks the
/// directive.
fn write(
    machine: &Machine,
    frame: Frame,
    argument: u32,
    directive: &Directive,
    is_plain: bool,
    text: &mut Vec<u8>,
) -> Result<(), Throw> {
    let checked = || directive.specification.as_ref().map_err(|error| format_error(machine, error));
    let conversion = directive.conversion;
    match conversion {
        Conversion::Decimal | Conversion::Unsigned | Conversion::Octal | Conversion::Hexadecimal { .. } => {
            let value = frame.check_integer(machine, argument)?;
            if is_plain && conversion == Conversion::Decimal {
                write_decimal(text, value);
            } else {
                write_integer(text, value, conversion, checked()?);
            }
        }
        Conversion::Float { conversion: conversion @ float_format::Conversion::Hexadecimal, uppercase } => {
            let specification = checked()?;
            let value = frame.check_float(machine, argument)?;
            write_float(text, value, conversion, uppercase, specification);
        }
        Conversion::Float { conversion, uppercase } => {
            let value = frame.check_float(machine, argument)?;
            write_float(text, value, conversion, uppercase, checked()?);
        }
        Conversion::Character => {
            let specification = checked()?;
            write_character(text, frame.check_integer(machine, argument)?, specification);
        }
        Conversion::Pointer => {
            let identity = identity(machine, frame.argument_or_nil(machine, argument))?;
            write_pointer(text, identity, checked()?);
        }
        Conversion::Quoted => {
            checked()?;
            match frame.argument_or_nil(machine, argument) {
                Value::String(string) => write_quoted_string(text, machine.bytes(string)),
                Value::Integer(value) => write_quoted_integer(text, value),
                Value::Float(value) => write_quoted_float(text, value),
                Value::Nil => text.extend_from_slice(b"nil"),
                Value::Boolean(true) => text.extend_from_slice(b"true"),
                Value::Boolean(false) => text.extend_from_slice(b"false"),
                _ => return Err(frame.argument_error(machine, argument, format_args!("value has no literal form"))),
            }
        }
        Conversion::String => {}
    }
    Ok(())
}

#[cold]
fn format_error(machine: &Machine, error: &FormatError) -> Throw {
    let mut message = Vec::new();
    error.write_message(&mut message);
    machine.native_error_bytes(&message)
}
