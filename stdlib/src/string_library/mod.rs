//! `string`: its functions, and the metatable of strings.

mod arithmetic;
mod basic;
mod find;
mod formatting;
mod packing;
mod substitute;

use crate::library::{Definition, set_field, set_functions};
use lunette_gc::{reference::Ref, table::Table, value::Value};
use lunette_interpreter::{Machine, Throw, native::Native};

/// The library.
pub(crate) const DEFINITION: Definition = Definition {
    name: "string",
    functions: &[
        Native::new("string.byte", basic::byte),
        Native::new("string.char", basic::char),
        Native::new("string.dump", basic::dump),
        Native::new("string.find", find::find),
        formatting::FORMAT,
        Native::new("string.gmatch", find::gmatch),
        substitute::GSUB,
        Native::new("string.len", basic::len),
        Native::new("string.lower", basic::lower),
        Native::new("string.match", find::match_),
        Native::new("string.rep", basic::rep),
        Native::new("string.reverse", basic::reverse),
        Native::new("string.sub", basic::sub),
        Native::new("string.upper", basic::upper),
        Native::new("string.pack", packing::pack),
        Native::new("string.packsize", packing::packsize),
        Native::new("string.unpack", packing::unpack),
    ],
    hidden: HIDDEN,
    complete,
};

const HIDDEN: &[Native] = &[
    find::GMATCH_ITERATOR,
    arithmetic::METAMETHODS[0],
    arithmetic::METAMETHODS[1],
    arithmetic::METAMETHODS[2],
    arithmetic::METAMETHODS[3],
    arithmetic::METAMETHODS[4],
    arithmetic::METAMETHODS[5],
    arithmetic::METAMETHODS[6],
    arithmetic::METAMETHODS[7],
];

/// Gives strings their metatable.
fn complete(machine: &mut Machine, library: Ref<Table>) -> Result<(), Throw> {
    let metatable = machine.heap.new_table(0, 10)?;
    set_functions(machine, metatable, arithmetic::METAMETHODS)?;
    set_field(machine, metatable, "__index", Value::Table(library))?;
    let any = Value::String(machine.new_string(b"")?);
    machine.set_metatable(any, Some(metatable))
}

/// The position, counted from 0, that a relative one means as the beginning of a range; it may lie beyond the end.
#[inline]
fn start_position(position: i64, length: usize) -> usize {
    if position > 0 {
        (position - 1) as usize
    } else if position == 0 || position < -(length as i64) {
        0
    } else {
        (length as i64 + position) as usize
    }
}

/// The position, counted from 0 and exclusive, that a relative one means as the end of a range.
#[inline]
fn end_position(position: i64, length: usize) -> usize {
    if position > length as i64 {
        length
    } else if position >= 0 {
        position as usize
    } else if position < -(length as i64) {
        0
    } else {
        (length as i64 + position + 1) as usize
    }
}
