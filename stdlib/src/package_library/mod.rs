//! `package` and `require`.

mod path_search;
mod require;
mod searchers;

use crate::{
    library::{Definition, LOADED, malformed_frame, native_value, registry_table, set_field},
    output::ask_from_host,
};
use alloc::vec::Vec;
use lunette_gc::{reference::Ref, table::Table, value::Value};
use lunette_interpreter::{
    Machine, Throw,
    host::{Request, Response},
    native::Native,
};

/// The library.
pub(crate) const DEFINITION: Definition = Definition {
    name: "package",
    functions: &[Native::new("package.loadlib", searchers::loadlib), path_search::SEARCHPATH],
    hidden: &[
        require::REQUIRE,
        searchers::PRELOAD,
        searchers::LUA,
        searchers::NATIVE,
        searchers::NATIVE_ROOT,
        #[cfg(feature = "compiler")]
        searchers::WEBASSEMBLY,
    ],
    complete,
};

/// Field of the registry: the table of loaders.
const PRELOAD: &str = "_PRELOAD";
/// Field of the registry: if it is true, environment variables are ignored.
const NO_ENVIRONMENT: &str = "LUA_NOENV";

const CONFIG: &[u8] = b"/\n;\n?\n!\n-\n";
const LUA_PATH: &[u8] = b"/usr/local/share/lua/5.4/?.lua;/usr/local/share/lua/5.4/?/init.lua;\
    /usr/local/lib/lua/5.4/?.lua;/usr/local/lib/lua/5.4/?/init.lua;./?.lua;./?/init.lua";
const NATIVE_PATH: &[u8] = b"/usr/local/lib/lua/5.4/?.so;/usr/local/lib/lua/5.4/loadall.so;./?.so";

const WEBASSEMBLY_PATH: &[u8] = b"/usr/local/share/lua/5.4/?.wasm;./?.wasm";

/// What `require` asks, in this order.
const SEARCHERS: &[Native] = &[
    searchers::PRELOAD,
    searchers::LUA,
    searchers::NATIVE,
    searchers::NATIVE_ROOT,
    #[cfg(feature = "compiler")]
    searchers::WEBASSEMBLY,
];

fn complete(machine: &mut Machine, package: Ref<Table>) -> Result<(), Throw> {
    let searchers = machine.heap.new_table(SEARCHERS.len() as u32, 0)?;
    for (index, native) in SEARCHERS.iter().enumerate() {
        let searcher = native_value(machine, native.name, &[Value::Table(package)])?;
        machine.raw_set(searchers, Value::Integer(index as i64 + 1), searcher)?;
    }
    let path = search_path(machine, &["LUA_PATH_5_4", "LUA_PATH"], LUA_PATH)?;
    let native_path = search_path(machine, &["LUA_CPATH_5_4", "LUA_CPATH"], NATIVE_PATH)?;
    let require = native_value(machine, require::REQUIRE.name, &[Value::Table(package)])?;
    set_field(machine, package, "searchers", Value::Table(searchers))?;
    set_field(machine, package, "path", path)?;
    set_field(machine, package, "cpath", native_path)?;
    set_field(machine, package, "wasmpath", Value::String(machine.new_string(WEBASSEMBLY_PATH)?))?;
    set_field(machine, package, "config", Value::String(machine.new_string(CONFIG)?))?;
    set_field(machine, package, "loaded", Value::Table(registry_table(machine, LOADED)?))?;
    set_field(machine, package, "preload", Value::Table(registry_table(machine, PRELOAD)?))?;
    set_field(machine, machine.globals(), "require", require)
}

/// The path that the first of these environment variables gives; `;;` in it stands for the default.
fn search_path(machine: &mut Machine, variables: &[&str], default: &[u8]) -> Result<Value, Throw> {
    let registry = machine.registry();
    let mut path = default.to_vec();
    if crate::library::get_field(machine, registry, NO_ENVIRONMENT)?.is_falsy() {
        for variable in variables {
            if let Response::Bytes(value) = ask_from_host(machine, Request::Environment(variable.as_bytes())) {
                path = with_default(&value, default);
                break;
            }
        }
    }
    Ok(Value::String(machine.new_string(&path)?))
}

/// The path with its first `;;` replaced by the default path.
fn with_default(path: &[u8], default: &[u8]) -> Vec<u8> {
    let Some(at) = path.windows(2).position(|pair| pair == b";;") else {
        return path.to_vec();
    };
    let (before, after) = (&path[..at], &path[at + 2..]);
    let parts = [before, default, after];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(&b';')
}

/// The table that the function's closure holds: `package`.
fn package_of(machine: &Machine, frame: lunette_interpreter::Frame) -> Result<Ref<Table>, Throw> {
    match frame.closure_value(machine, 0) {
        Value::Table(package) => Ok(package),
        _ => Err(malformed_frame(machine)),
    }
}

#[cfg(test)]
mod tests {
    use super::with_default;

    #[test]
    fn default_paths() {
        assert_eq!(with_default(b"a;b", b"d"), b"a;b");
        assert_eq!(with_default(b";;", b"d"), b"d");
        assert_eq!(with_default(b"a;;", b"d"), b"a;d");
        assert_eq!(with_default(b";;b", b"d"), b"d;b");
        assert_eq!(with_default(b"a;;b;;c", b"d"), b"a;d;b;;c");
    }
}
