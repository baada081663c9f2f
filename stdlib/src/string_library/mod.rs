//! `string`: its functions, and the metatable of strings.

mod arithmetic;
mod basic;
mod find;
mod formatting;
mod packing;
mod substitute;

use crate::{
    library::{Definition, set_field, set_functions},
    quick,
};
use lunette_gc::{reference::Ref, table::Table, value::Value};
use lunette_interpreter::{
    Machine, Throw,
    native::{Builtin, Native},
};

/// The library.
pub(crate) const DEFINITION: Definition = Definition {
    name: "string",
    functions: &[
        Native::new("string.byte", basic::byte)
            .with_quick(quick::byte)
            .with_quick_list(quick::byte_list)
            .with_builtin(Builtin::Byte),
        Native::new("string.char", basic::char).with_quick(quick::char),
        Native::new("string.dump", basic::dump),
        Native::new("string.find", find::find).with_quick(find::quick_find).with_quick_list(find::quick_find_list),
        formatting::FORMAT,
        Native::new("string.gmatch", find::gmatch),
        substitute::GSUB,
        Native::new("string.len", basic::len).with_quick(quick::len),
        Native::new("string.lower", basic::lower).with_quick(quick::lower),
        Native::new("string.match", find::match_).with_quick(find::quick_match).with_quick_list(find::quick_match_list),
        Native::new("string.rep", basic::rep),
        Native::new("string.reverse", basic::reverse),
        Native::new("string.sub", basic::sub).with_quick(quick::sub),
        Native::new("string.upper", basic::upper).with_quick(quick::upper),
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
