//! `require`.

use super::package_of;
use crate::{
    arguments::Arguments,
    library::{LOADED, get_field, registry_table},
};
use alloc::vec::Vec;
use lunette_gc::value::Value;
use lunette_interpreter::{Frame, Machine, NativeResult, Throw, native::Native};

/// `require(name)`
pub(super) const REQUIRE: Native = Native::new("require", require).with_upvalues(1).with_locals(3).unyieldable();

/// Local: number of the searcher that was asked.
const SEARCHER: u32 = 0;
/// Local: what the searchers said, if they found nothing.
const MESSAGES: u32 = 1;
/// Local: what the searcher gave with the loader.
const DATA: u32 = 2;

const SEARCHED: u32 = 1;
const LOADED_NOW: u32 = 2;

fn require(machine: &mut Machine, frame: Frame) -> NativeResult {
    let name = frame.check_string(machine, 0)?;
    let key = Value::String(name);
    let loaded = registry_table(machine, LOADED)?;
    match frame.phase() {
        SEARCHED => match frame.result(machine, 0) {
            loader if loader.is_function() => {
                let data = frame.result(machine, 1);
                frame.set_local(machine, DATA, data);
                frame.call(machine, LOADED_NOW, loader, &[key, data])
            }
            said => {
                let mut messages = messages(machine, frame);
                let length = messages.len();
                messages.extend_from_slice(b"\n\t");
                if !machine.append_text(said, &mut messages) {
                    messages.truncate(length);
                }
                let messages = machine.new_string(&messages)?;
                frame.set_local(machine, MESSAGES, Value::String(messages));
                ask_next(machine, frame)
            }
        },
        LOADED_NOW => {
            let result = frame.result(machine, 0);
            if !result.is_nil() {
                machine.raw_set(loaded, key, result)?;
            } else if machine.heap.table_get_string(loaded, name).is_nil() {
                machine.raw_set(loaded, key, Value::Boolean(true))?;
            }
            frame.return_two(machine, machine.heap.table_get_string(loaded, name), frame.local(machine, DATA))
        }
        _ => {
            let module = machine.heap.table_get_string(loaded, name);
            if !module.is_falsy() {
                return frame.return_one(machine, module);
            }
            frame.set_local(machine, SEARCHER, Value::Integer(0));
            ask_next(machine, frame)
        }
    }
}

fn messages(machine: &Machine, frame: Frame) -> Vec<u8> {
    let mut messages = Vec::new();
    machine.append_text(frame.local(machine, MESSAGES), &mut messages);
    messages
}

/// Asks the next searcher.
fn ask_next(machine: &mut Machine, frame: Frame) -> NativeResult {
    let Value::Table(searchers) = get_field(machine, package_of(machine, frame)?, "searchers")? else {
        return Err(machine.native_error(format_args!("'package.searchers' must be a table")));
    };
    let number = match frame.local(machine, SEARCHER) {
        Value::Integer(number) => number + 1,
        _ => 1,
    };
    let searcher = machine.heap.table_get_integer(searchers, number);
    if searcher.is_nil() {
        return Err(not_found(machine, frame)?);
    }
    frame.set_local(machine, SEARCHER, Value::Integer(number));
    frame.call(machine, SEARCHED, searcher, &[frame.argument_or_nil(machine, 0)])
}

fn not_found(machine: &Machine, frame: Frame) -> Result<Throw, Throw> {
    let name = frame.check_string(machine, 0)?;
    let message = [b"module '", machine.bytes(name), b"' not found:", &messages(machine, frame)].concat();
    Ok(machine.native_error_bytes(&message))
}
