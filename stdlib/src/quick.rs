//! Quick forms of functions of the library: what they do with the arguments they usually have, see
//! [`Quick`](lunette_interpreter::native::Quick) and [`QuickList`](lunette_interpreter::native::QuickList). Whatever needs a frame (errors, metamethods, fuel for long strings) is left to
//! the functions themselves.

use crate::position::{end_position, start_position};
use lunette_bytecode::number::{float_to_integer_ceil, float_to_integer_floor, format_integer};
use lunette_gc::{reference::Ref, string::Str, table::Table, value::Value};
use lunette_interpreter::{
    Machine,
    compare::Comparison,
    limits::BYTES_PER_UNIT,
    metamethod::Event,
    native::{ArgumentList, MOST_LISTED},
};

fn table(machine: &Machine, arguments: ArgumentList, index: u32) -> Option<Ref<Table>> {
    match arguments.get(machine, index)? {
        Value::Table(table) => Some(table),
        _ => None,
    }
}

fn string(machine: &Machine, arguments: ArgumentList, index: u32) -> Option<Ref<Str>> {
    match arguments.get(machine, index)? {
        Value::String(string) => Some(string),
        _ => None,
    }
}

/// An integer, or the one that an absent argument stands for.
fn integer(machine: &Machine, arguments: ArgumentList, index: u32, absent: Option<i64>) -> Option<i64> {
    match arguments.get(machine, index) {
        None => absent,
        Some(Value::Integer(integer)) => Some(integer),
        Some(_) => None,
    }
}

fn float(machine: &Machine, arguments: ArgumentList, index: u32) -> Option<f64> {
    match arguments.get(machine, index)? {
        Value::Float(float) => Some(float),
        Value::Integer(integer) => Some(integer as f64),
        _ => None,
    }
}

macro_rules! of_float {
    ($($name:ident $function:expr;)*) => {
        $(pub(crate) fn $name(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
            float(machine, arguments, 0).map(|float| Value::Float($function(float)))
        })*
    };
}

of_float! {
    cos libm::cos;
    exp libm::exp;
    sin libm::sin;
    sqrt libm::sqrt;
}

pub(crate) fn abs(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    match arguments.get(machine, 0)? {
        Value::Integer(integer) => Some(Value::Integer(integer.wrapping_abs())),
        Value::Float(float) => Some(Value::Float(libm::fabs(float))),
        _ => None,
    }
}

pub(crate) fn floor(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    match arguments.get(machine, 0)? {
        integer @ Value::Integer(_) => Some(integer),
        Value::Float(float) => float_to_integer_floor(float).map(Value::Integer),
        _ => None,
    }
}

pub(crate) fn ceil(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    match arguments.get(machine, 0)? {
        integer @ Value::Integer(_) => Some(integer),
        Value::Float(float) => float_to_integer_ceil(float).map(Value::Integer),
        _ => None,
    }
}

pub(crate) fn max(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    extreme(machine, arguments, |best, next| (best, next))
}

pub(crate) fn min(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    extreme(machine, arguments, |best, next| (next, best))
}

/// Of numbers; `order` gives the two operands of the `<` that says whether the next one is better.
fn extreme(
    machine: &Machine,
    arguments: ArgumentList,
    order: impl Fn(Value, Value) -> (Value, Value),
) -> Option<Value> {
    let number = |index| match arguments.get(machine, index)? {
        number @ (Value::Integer(_) | Value::Float(_)) => Some(number),
        _ => None,
    };
    let mut best = number(0)?;
    for index in 1..arguments.count() {
        let next = number(index)?;
        let (left, right) = order(best, next);
        match machine.order(left, right, Event::Less) {
            Comparison::Known(is_better) => best = if is_better { next } else { best },
            _ => return None,
        }
    }
    Some(best)
}

pub(crate) fn len(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let string = string(machine, arguments, 0)?;
    Some(Value::Integer(machine.bytes(string).len() as i64))
}

pub(crate) fn byte(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let string = string(machine, arguments, 0)?;
    let bytes = machine.bytes(string);
    let first = integer(machine, arguments, 1, Some(1))?;
    let last = integer(machine, arguments, 2, Some(first))?;
    let (start, end) = (start_position(first, bytes.len()), end_position(last, bytes.len()));
    match bytes.get(start..end) {
        None | Some([]) => Some(Value::Nil),
        Some(&[byte]) => Some(Value::Integer(byte.into())),
        Some(_) => None,
    }
}

pub(crate) fn byte_list(machine: &mut Machine, arguments: ArgumentList, target: u32) -> Option<u32> {
    let string = string(machine, arguments, 0)?;
    let bytes = machine.bytes(string);
    let first = integer(machine, arguments, 1, Some(1))?;
    let last = integer(machine, arguments, 2, Some(first))?;
    let bytes = bytes.get(start_position(first, bytes.len())..end_position(last, bytes.len())).unwrap_or_default();
    if bytes.len() > MOST_LISTED as usize {
        return None;
    }
    if bytes.len() > 1 {
        machine.spend(bytes.len() as u64);
    }
    for (slot, &byte) in (target..).zip(bytes) {
        machine.set_value(slot, Value::Integer(byte.into()));
    }
    Some(bytes.len() as u32)
}

pub(crate) fn sub(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let string = string(machine, arguments, 0)?;
    let bytes = machine.bytes(string);
    let start = start_position(integer(machine, arguments, 1, None)?, bytes.len());
    let end = end_position(integer(machine, arguments, 2, Some(-1))?, bytes.len());
    if start == 0 && end == bytes.len() {
        return Some(Value::String(string));
    }
    let part = bytes.get(start..end).unwrap_or(b"");
    // Longer ones cost fuel.
    let is_short = (part.len() as u64) < BYTES_PER_UNIT;
    is_short.then(|| machine.new_string(part).ok().map(Value::String))?
}

pub(crate) fn char(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let mut bytes = [0; FEW_BYTES];
    let bytes = bytes.get_mut(..arguments.count() as usize)?;
    for (index, byte) in (0..).zip(bytes.iter_mut()) {
        *byte = integer(machine, arguments, index, None)?.try_into().ok()?;
    }
    let string = machine.new_string(bytes).ok()?;
    machine.spend(bytes.len() as u64);
    Some(Value::String(string))
}

pub(crate) fn lower(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    map(machine, arguments, |byte| byte.to_ascii_lowercase())
}

pub(crate) fn upper(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    map(machine, arguments, |byte| byte.to_ascii_uppercase())
}

/// The most bytes that are made of few: more cost fuel.
const FEW_BYTES: usize = BYTES_PER_UNIT as usize - 1;

#[inline(always)]
fn map(machine: &Machine, arguments: ArgumentList, function: impl Fn(u8) -> u8) -> Option<Value> {
    let string = string(machine, arguments, 0)?;
    let bytes = machine.bytes(string);
    let mut target = [0; FEW_BYTES];
    let target = target.get_mut(..bytes.len())?;
    for (to, &from) in target.iter_mut().zip(bytes) {
        *to = function(from);
    }
    machine.new_string(target).ok().map(Value::String)
}

pub(crate) fn tostring(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let value = arguments.get(machine, 0)?;
    if !machine.metamethod(value, Event::ToString).is_nil() {
        return None;
    }
    let text = match value {
        Value::String(_) => return Some(value),
        Value::Integer(integer) => format_integer(integer),
        _ => return None,
    };
    let string = machine.new_string(&text).ok()?;
    machine.spend_on_bytes(text.len());
    Some(Value::String(string))
}

pub(crate) fn tonumber(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let value = arguments.get(machine, 0)?;
    let is_decimal = arguments.count() == 1;
    is_decimal.then(|| machine.to_number(value).unwrap_or(Value::Nil))
}

pub(crate) fn assert(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    arguments.get(machine, 0).filter(|value| !value.is_falsy())
}

pub(crate) fn next(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let table = table(machine, arguments, 0)?;
    let is_first = arguments.count() == 1;
    let first = is_first.then(|| machine.heap.table_next(table, Value::Nil).ok())??;
    Some(first.map_or(Value::Nil, |(key, _)| key))
}

pub(crate) fn next_list(machine: &mut Machine, arguments: ArgumentList, target: u32) -> Option<u32> {
    let table = table(machine, arguments, 0)?;
    let key = arguments.get(machine, 1).unwrap_or(Value::Nil);
    is_plain_key(machine, key).then_some(())?;
    let entry = machine.heap.table_next(table, key).ok()?;
    let (key, value) = entry.unwrap_or((Value::Nil, Value::Nil));
    machine.set_value(target, key);
    machine.set_value(target + 1, value);
    Some(if entry.is_some() { 2 } else { 1 })
}

pub(crate) fn rawequal(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let (left, right) = (arguments.get(machine, 0)?, arguments.get(machine, 1)?);
    Some(Value::Boolean(machine.raw_equal(left, right)))
}

pub(crate) fn rawget(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let (table, key) = (table(machine, arguments, 0)?, arguments.get(machine, 1)?);
    is_plain_key(machine, key).then(|| machine.heap.table_get(table, key))
}

/// Long strings cost fuel.
fn is_plain_key(machine: &Machine, key: Value) -> bool {
    !matches!(key, Value::String(key) if !machine.heap.get(key).is_short())
}

pub(crate) fn rawlen(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let table = table(machine, arguments, 0)?;
    Some(Value::Integer(machine.heap.table_length(table)))
}

pub(crate) fn select(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let count = i64::from(arguments.count());
    let number = match arguments.get(machine, 0)? {
        Value::String(word) if machine.bytes(word).first() == Some(&b'#') => return Some(Value::Integer(count - 1)),
        Value::Integer(number) => number,
        _ => return None,
    };
    let first = if number < 0 { count.saturating_add(number) } else { number.min(count) };
    (first >= 1).then(|| arguments.get(machine, first as u32).unwrap_or(Value::Nil))
}

/// Of those from a position on, which is not counted from the end.
pub(crate) fn select_list(machine: &mut Machine, arguments: ArgumentList, target: u32) -> Option<u32> {
    let first = u32::try_from(integer(machine, arguments, 0, None)?).ok().filter(|&first| first > 0)?;
    let given = arguments.count().saturating_sub(first);
    if given > MOST_LISTED {
        return None;
    }
    for index in 0..given {
        machine.set_value(target + index, arguments.get(machine, first + index).unwrap_or(Value::Nil));
    }
    Some(given)
}

pub(crate) fn getmetatable(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let metatable = machine.metatable(arguments.get(machine, 0)?);
    Some(match metatable {
        None => Value::Nil,
        Some(metatable) => match machine.metatable_event(metatable, Event::Metatable) {
            Value::Nil => Value::Table(metatable),
            guard => guard,
        },
    })
}

pub(crate) fn setmetatable(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let (object, metatable) = (table(machine, arguments, 0)?, table(machine, arguments, 1)?);
    let is_plain =
        machine.heap.get(object).metatable.get().is_none() && machine.metatable_event(metatable, Event::Gc).is_nil();
    is_plain.then(|| machine.set_metatable(Value::Table(object), Some(metatable)).ok())??;
    Some(Value::Table(object))
}

pub(crate) fn type_(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let value = arguments.get(machine, 0)?;
    machine.new_string(machine.type_name(value).as_bytes()).ok().map(Value::String)
}

/// A table without metatable, the first of so many arguments.
fn plain_list(machine: &Machine, arguments: ArgumentList, count: u32) -> Option<Ref<Table>> {
    let list = table(machine, arguments, 0)?;
    (arguments.count() == count && machine.heap.get(list).metatable.get().is_none()).then_some(list)
}

/// Of elements of the array part.
pub(crate) fn unpack_list(machine: &mut Machine, arguments: ArgumentList, target: u32) -> Option<u32> {
    let list = table(machine, arguments, 0).filter(|&list| machine.heap.get(list).metatable.get().is_none())?;
    let (payloads, tags) = machine.heap.array_slices(list);
    let first = integer(machine, arguments, 1, Some(1))?;
    let last = integer(machine, arguments, 2, Some(tags.len() as i64))?;
    if first > last {
        return Some(0);
    }
    let array = usize::try_from(first.checked_sub(1)?).ok()?..usize::try_from(last).ok()?;
    let (payloads, tags) = (payloads.get(array.clone())?, tags.get(array)?);
    if tags.len() > MOST_LISTED as usize {
        return None;
    }
    for ((payload, tag), slot) in payloads.iter().zip(tags).zip(target..) {
        machine.slot(slot).set_element(tag.get(), payload.get());
    }
    machine.spend(tags.len() as u64);
    Some(tags.len() as u32)
}

/// At the end.
pub(crate) fn insert(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let list = plain_list(machine, arguments, 2)?;
    let value = arguments.get(machine, 1)?;
    let position = machine.heap.table_length(list).wrapping_add(1);
    let is_done = machine.heap.array_insert(list, position, value.to_parts()).ok()?;
    is_done.then_some(Value::Nil)
}

/// The last one.
pub(crate) fn remove(machine: &mut Machine, arguments: ArgumentList) -> Option<Value> {
    let list = plain_list(machine, arguments, 1)?;
    let (tag, payload) = machine.heap.array_remove(list, machine.heap.table_length(list))?;
    Some(Value::from_parts(tag, payload))
}
