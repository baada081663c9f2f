//! The basic library: the global functions.

mod access;
mod collection;
mod conversion;
mod loading;
mod printing;
mod protection;

pub use collection::close;
pub(crate) use loading::{Loaded, load_chunk, load_file_text};
pub(crate) use protection::false_and_error;

use crate::{
    library::{Definition, get_field, native_value, set_field},
    output, quick, warning,
};
use lunette_gc::{reference::Ref, table::Table, value::Value};
use lunette_interpreter::{
    Machine, Throw,
    native::{Builtin, Native, Role},
};

/// The library.
pub(crate) const DEFINITION: Definition = Definition {
    name: "_G",
    functions: &[
        Native::new("assert", protection::assert).with_quick(quick::assert),
        loading::DOFILE,
        Native::new("error", protection::error),
        Native::new("getmetatable", access::getmetatable).with_quick(quick::getmetatable),
        loading::LOAD,
        loading::LOADFILE,
        Native::new("next", access::next).with_quick(quick::next).with_quick_list(quick::next_list),
        Native::new("pcall", protection::pcall).catching().with_role(Role::Protect),
        printing::PRINT,
        Native::new("rawequal", access::rawequal).with_quick(quick::rawequal),
        Native::new("rawget", access::rawget).with_quick(quick::rawget),
        Native::new("rawlen", access::rawlen).with_quick(quick::rawlen),
        Native::new("rawset", access::rawset),
        Native::new("select", access::select)
            .with_quick(quick::select)
            .with_quick_list(quick::select_list)
            .with_builtin(Builtin::Select),
        Native::new("setmetatable", access::setmetatable)
            .with_quick(quick::setmetatable)
            .with_builtin(Builtin::SetMetatable),
        Native::new("tonumber", conversion::tonumber).with_quick(quick::tonumber),
        Native::new("tostring", conversion::tostring).with_quick(quick::tostring),
        Native::new("type", access::type_).with_quick(quick::type_),
        warning::WARN,
        Native::new("xpcall", protection::xpcall).catching().with_role(Role::ProtectHandled),
    ],
    hidden: &[
        Native::new("pairs", access::pairs).with_builtin(Builtin::Pairs),
        Native::new("ipairs", access::ipairs).with_builtin(Builtin::IntegerPairs),
        Native::new("ipairs_iterator", access::ipairs_iterator),
        collection::COLLECTGARBAGE,
        collection::RUN_FINALIZERS,
    ],
    complete,
};

fn complete(machine: &mut Machine, table: Ref<Table>) -> Result<(), Throw> {
    output::open(machine)?;
    set_field(machine, table, "_VERSION", Value::String(machine.new_string(b"Lua 5.4")?))?;
    let registry = machine.registry();
    machine.raw_set(registry, Value::Integer(1), Value::Thread(machine.main_thread()))?;
    machine.raw_set(registry, Value::Integer(2), Value::Table(table))?;
    // Functions that give or call another one hold it.
    let holders = [
        ("pairs", get_field(machine, table, "next")?),
        ("ipairs", native_value(machine, "ipairs_iterator", &[])?),
        ("collectgarbage", native_value(machine, collection::RUN_FINALIZERS.name, &[])?),
    ];
    for (name, held) in holders {
        let function = native_value(machine, name, &[held])?;
        set_field(machine, table, name, function)?;
    }
    Ok(())
}
