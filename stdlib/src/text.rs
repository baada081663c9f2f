//! Values as text: what `tostring` gives.

use crate::library::weak_registry_table;
use alloc::{format, vec::Vec};
use lunette_gc::{reference::Ref, string::Str, value::Value};
use lunette_interpreter::{Frame, Machine, NativeResult, Throw, metamethod::Event};

/// The text of a value, or the metamethod that gives it.
pub(crate) enum Text {
    /// The text was appended.
    Done,
    /// The `__tostring` metamethod must be called with the value; [`check_text`] looks at what it gives.
    Call(Value),
}

/// Appends the text of a value, unless a metamethod must give it.
pub(crate) fn append_value(machine: &Machine, value: Value, text: &mut Vec<u8>) -> Result<Text, Throw> {
    let metamethod = machine.metamethod(value, Event::ToString);
    if !metamethod.is_nil() {
        return Ok(Text::Call(metamethod));
    }
    append_plain_text(machine, value, text)?;
    Ok(Text::Done)
}

/// Appends the text of a value, whatever its metamethods.
pub fn append_plain_text(machine: &Machine, value: Value, text: &mut Vec<u8>) -> Result<(), Throw> {
    match value {
        _ if machine.append_text(value, text) => {}
        Value::Nil => text.extend_from_slice(b"nil"),
        Value::Boolean(true) => text.extend_from_slice(b"true"),
        Value::Boolean(false) => text.extend_from_slice(b"false"),
        _ => {
            match machine.metamethod(value, Event::Name) {
                Value::String(name) => text.extend_from_slice(machine.bytes(name)),
                _ => text.extend_from_slice(machine.type_name(value).as_bytes()),
            }
            text.extend_from_slice(b": ");
            append_identity(machine, value, text)?;
        }
    }
    Ok(())
}

/// The table of the registry with the identities of structures and arrays, which have no room for them.
const IDENTITIES: &str = "_IDENTITIES";

/// What stands for the address of an object: a number that is its own as long as it lives, wherever it goes on; `None` for a
/// value without.
pub(crate) fn identity(machine: &Machine, value: Value) -> Result<Option<u64>, Throw> {
    match value {
        Value::LightUserdata(number) => Ok(Some(number)),
        Value::TypedObject(_) => {
            let table = weak_registry_table(machine, IDENTITIES)?;
            if let Value::Integer(known) = machine.heap.table_get(table, value) {
                return Ok(Some(known as u64));
            }
            let identity = machine.heap.new_identity();
            machine.heap.table_set(table, value, Value::Integer(identity as i64)).map_err(|_| Throw::Memory)?;
            Ok(Some(identity))
        }
        _ => Ok(value.object().map(|object| machine.heap.identity(object))),
    }
}

/// Appends the [`identity`] of a value in the looks of PUC Lua's `%p`, if it has one.
pub(crate) fn append_identity(machine: &Machine, value: Value, text: &mut Vec<u8>) -> Result<(), Throw> {
    if let Some(number) = identity(machine, value)? {
        text.extend_from_slice(format!("0x{number:012x}").as_bytes());
    }
    Ok(())
}

/// What a `__tostring` metamethod gave must be a string; a number is one as well.
pub(crate) fn check_text(machine: &Machine, value: Value) -> Result<Ref<Str>, Throw> {
    match value {
        Value::String(string) => Ok(string),
        Value::Integer(_) | Value::Float(_) => number_string(machine, value),
        _ => Err(machine.native_error(format_args!("'__tostring' must return a string"))),
    }
}

/// The string of a number.
pub(crate) fn number_string(machine: &Machine, value: Value) -> Result<Ref<Str>, Throw> {
    let mut text = Vec::new();
    machine.append_text(value, &mut text);
    machine.new_string(&text)
}

/// Returns a string of these bytes.
pub(crate) fn return_string(machine: &Machine, frame: Frame, bytes: &[u8]) -> NativeResult {
    machine.spend_on_bytes(bytes.len());
    let string = machine.new_string(bytes)?;
    frame.return_one(machine, Value::String(string))
}
