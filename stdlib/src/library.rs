//! How libraries are declared and opened.
//!
//! A library is a table of native functions. The name under which a function is registered is unique in the machine and
//! ends with its field's name: `string.format` is the field `format` of the global `string`, and `assert` a global.

use crate::{
    base_library, coroutine_library, debug_library, io_library, lunette_library, math_library, os_library,
    package_library, string_library, table_library, utf8_library, wasi,
};
use lunette_gc::{
    reference::Ref,
    table::{Origin, Table},
    value::Value,
};
use lunette_interpreter::{Machine, Throw, native::Native};

/// What a library consists of.
pub(crate) struct Definition {
    /// Name of the library and of the global that holds its table.
    pub name: &'static str,
    /// Functions that are fields of the library's table.
    pub functions: &'static [Native],
    /// Functions that are not, or not as they are: methods, iterators, and those with values of their own.
    pub hidden: &'static [Native],
    /// Adds to the library's table what is not a plain function.
    pub complete: fn(&mut Machine, Ref<Table>) -> Result<(), Throw>,
}

/// Lua's standard libraries, and `lunette`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the manual")]
pub enum Library {
    Base,
    Package,
    Coroutine,
    Table,
    Io,
    Os,
    String,
    Math,
    Utf8,
    Debug,
    Lunette,
    #[cfg(feature = "compiler")]
    Webassembly,
}

impl Library {
    /// All libraries, in the order in which they are opened.
    pub const ALL: &[Library] = &[
        Library::Base,
        Library::Package,
        Library::Coroutine,
        Library::Table,
        Library::Io,
        Library::Os,
        Library::String,
        Library::Math,
        Library::Utf8,
        Library::Debug,
        Library::Lunette,
        #[cfg(feature = "compiler")]
        Library::Webassembly,
    ];

    fn definition(self) -> &'static Definition {
        match self {
            Library::Base => &base_library::DEFINITION,
            Library::Package => &package_library::DEFINITION,
            Library::Debug => &debug_library::DEFINITION,
            Library::Coroutine => &coroutine_library::DEFINITION,
            Library::Table => &table_library::DEFINITION,
            Library::String => &string_library::DEFINITION,
            Library::Math => &math_library::DEFINITION,
            Library::Utf8 => &utf8_library::DEFINITION,
            Library::Io => &io_library::DEFINITION,
            Library::Os => &os_library::DEFINITION,
            Library::Lunette => &lunette_library::DEFINITION,
            #[cfg(feature = "compiler")]
            Library::Webassembly => &crate::webassembly::DEFINITION,
        }
    }
}

/// Registers the native functions of all libraries, without which no program of a restored instance runs.
pub fn register_all(machine: &mut Machine) {
    for &library in Library::ALL {
        register(machine, library.definition());
    }
    wasi::register(machine);
    #[cfg(feature = "compiler")]
    crate::webassembly::register_front_end(machine);
}

/// Registers and opens all libraries.
pub fn open_all(machine: &mut Machine) -> Result<(), Throw> {
    Library::ALL.iter().try_for_each(|&library| open(machine, library))
}

/// Opens a library: makes its table a global and an entry of `package.loaded`.
pub fn open(machine: &mut Machine, library: Library) -> Result<(), Throw> {
    let definition = library.definition();
    register(machine, definition);
    let table = if library == Library::Base { machine.globals() } else { machine.heap.new_table(0, 0)? };
    set_functions(machine, table, definition.functions)?;
    set_field(machine, machine.globals(), definition.name, Value::Table(table))?;
    let loaded = registry_table(machine, LOADED)?;
    set_field(machine, loaded, definition.name, Value::Table(table))?;
    (definition.complete)(machine, table)
}

/// Field of the registry: the table of loaded modules.
pub(crate) const LOADED: &str = "_LOADED";

fn register(machine: &mut Machine, definition: &Definition) {
    let natives = [definition.functions, definition.hidden];
    let is_registered =
        natives.iter().flat_map(|list| list.first()).any(|native| machine.find_native(native.name).is_some());
    if !is_registered {
        for native in natives.into_iter().flatten() {
            machine.register_native(*native);
        }
    }
}

/// A closure of a registered native function, with values of its own.
pub(crate) fn native_value(machine: &Machine, name: &str, values: &[Value]) -> Result<Value, Throw> {
    let Some(number) = machine.find_native(name) else {
        unreachable!("the library registers '{name}'");
    };
    let closure = machine.heap.new_native_closure(number, values.len() as u32)?;
    for (slot, &value) in machine.heap.native_values(closure).iter().zip(values) {
        slot.set(value);
    }
    Ok(Value::NativeClosure(closure))
}

/// Puts registered functions into a table, each under the last part of its name.
pub(crate) fn set_functions(machine: &Machine, table: Ref<Table>, natives: &[Native]) -> Result<(), Throw> {
    for native in natives {
        let field = native.name.rsplit(['.', ':']).next().unwrap_or(native.name);
        let function = native_value(machine, native.name, &[])?;
        set_field(machine, table, field, function)?;
    }
    Ok(())
}

/// Sets a field of a table.
pub(crate) fn set_field(machine: &Machine, table: Ref<Table>, name: &str, value: Value) -> Result<(), Throw> {
    let key = machine.new_string(name.as_bytes())?;
    machine.heap.table_set_string(table, key, value, Origin::Named).map_err(|error| machine.table_error(error))
}

/// The error of a function that does not find in its locals what it left there: a program has changed them by way of
/// the library `debug`, or the image that the instance was restored from is malformed.
#[cold]
pub(crate) fn malformed_frame(machine: &Machine) -> Throw {
    machine.native_error(format_args!("the function's local values were changed"))
}

/// A field of a table; nil if there is none.
pub(crate) fn get_field(machine: &Machine, table: Ref<Table>, name: &str) -> Result<Value, Throw> {
    let key = machine.new_string(name.as_bytes())?;
    Ok(machine.heap.table_get_string(table, key))
}

/// The table in a field of the registry, which is made if there is none.
pub(crate) fn registry_table(machine: &Machine, name: &str) -> Result<Ref<Table>, Throw> {
    let registry = machine.registry();
    match get_field(machine, registry, name)? {
        Value::Table(table) => Ok(table),
        _ => {
            let table = machine.heap.new_table(0, 0)?;
            set_field(machine, registry, name, Value::Table(table))?;
            Ok(table)
        }
    }
}

/// The table with weak keys in a field of the registry, which is made if there is none.
pub(crate) fn weak_registry_table(machine: &Machine, name: &str) -> Result<Ref<Table>, Throw> {
    let table = registry_table(machine, name)?;
    if machine.heap.get(table).metatable.get().is_none() {
        let metatable = machine.heap.new_table(0, 1)?;
        let mode = machine.new_string(b"k")?;
        set_field(machine, metatable, "__mode", Value::String(mode))?;
        machine.set_metatable(Value::Table(table), Some(metatable))?;
    }
    Ok(table)
}
