//! What `require` asks for a module's loader, one after the other.

use super::{
    PRELOAD as PRELOAD_FIELD, package_of,
    path_search::{self, Search},
};
use crate::{
    arguments::Arguments,
    base_library::{Loaded, load_file_text},
    file_reading::{self, Progress},
    library::{get_field, registry_table},
    text,
};
use alloc::vec::Vec;
use lunette_gc::value::Value;
use lunette_interpreter::{Frame, Machine, NativeResult, Throw, native::Native};

/// Looks into `package.preload`.
pub(super) const PRELOAD: Native = Native::new("searcher_preload", preload).with_upvalues(1);
/// Looks for Lua files.
pub(super) const LUA: Native =
    Native::new("searcher_lua", lua).with_upvalues(1).with_locals(file_reading::LOCALS + path_search::LOCALS);
/// Looks for WebAssembly files.
#[cfg(feature = "compiler")]
pub(super) const WEBASSEMBLY: Native = Native::new("searcher_webassembly", webassembly)
    .with_upvalues(1)
    .with_locals(file_reading::LOCALS + path_search::LOCALS);
/// Looks for native libraries.
pub(super) const NATIVE: Native =
    Native::new("searcher_native", native).with_upvalues(1).with_locals(path_search::LOCALS);
/// Looks for the native library of a module's root.
pub(super) const NATIVE_ROOT: Native =
    Native::new("searcher_native_root", native_root).with_upvalues(1).with_locals(path_search::LOCALS);

const NO_NATIVE_LIBRARIES: &[u8] = b"dynamic libraries not enabled; check your Lua installation";

/// `package.loadlib(path, function)`
pub(super) fn loadlib(machine: &mut Machine, frame: Frame) -> NativeResult {
    frame.check_string(machine, 0)?;
    frame.check_string(machine, 1)?;
    let message = machine.new_string(NO_NATIVE_LIBRARIES)?;
    let what = machine.new_string(b"absent")?;
    frame.return_values(machine, &[Value::Nil, Value::String(message), Value::String(what)])
}

fn preload(machine: &mut Machine, frame: Frame) -> NativeResult {
    let name = frame.check_string(machine, 0)?;
    let loaders = registry_table(machine, PRELOAD_FIELD)?;
    let loader = machine.heap.table_get_string(loaders, name);
    if loader.is_nil() {
        let message = [b"no field package.preload['", machine.bytes(name), b"']"].concat();
        return text::return_string(machine, frame, &message);
    }
    let data = machine.new_string(b":preload:")?;
    frame.return_two(machine, loader, Value::String(data))
}

/// Begins a search along the path in a field of `package`.
fn begin_search(machine: &Machine, frame: Frame, field: &str, name: &[u8], first_local: u32) -> Result<(), Throw> {
    let path = match get_field(machine, package_of(machine, frame)?, field)? {
        Value::String(path) => machine.bytes(path).to_vec(),
        number @ (Value::Integer(_) | Value::Float(_)) => machine.bytes(text::number_string(machine, number)?).to_vec(),
        _ => return Err(machine.native_error(format_args!("'package.{field}' must be a string"))),
    };
    let names = path_search::file_names(machine, name, &path, b".", b"/")?;
    path_search::begin(machine, frame, first_local, &names)
}

fn loading_error(machine: &Machine, frame: Frame, file: &[u8], message: &[u8]) -> Result<Throw, Throw> {
    let name = frame.check_string(machine, 0)?;
    let parts = [b"error loading module '", machine.bytes(name), b"' from file '", file, b"':\n\t", message];
    Ok(machine.native_error_bytes(&parts.concat()))
}

fn lua(machine: &mut Machine, frame: Frame) -> NativeResult {
    search_file(machine, frame, "path", true, |machine, content, path| {
        let globals = Value::Table(machine.globals());
        load_file_text(machine, content, path, b"bt", globals)
    })
}

/// Looks for a WebAssembly file, whose exports are the module. What is not found is not told: messages are those of Lua.
#[cfg(feature = "compiler")]
fn webassembly(machine: &mut Machine, frame: Frame) -> NativeResult {
    search_file(machine, frame, "wasmpath", false, crate::webassembly::load_library_file)
}

/// Looks for a file along the path in a field of `package`, and makes a function of it.
fn search_file(
    machine: &mut Machine,
    frame: Frame,
    field: &str,
    tells: bool,
    load: impl FnOnce(&mut Machine, &[u8], Value) -> Result<Loaded, Throw>,
) -> NativeResult {
    const FIRST_LOCAL: u32 = file_reading::LOCALS;
    let name = frame.check_string(machine, 0)?;
    if frame.phase() == 0 {
        let name = machine.bytes(name).to_vec();
        begin_search(machine, frame, field, &name, FIRST_LOCAL)?;
    }
    if !(file_reading::FIRST_PHASE..path_search::FIRST_PHASE).contains(&frame.phase()) {
        return match path_search::step(machine, frame, FIRST_LOCAL)? {
            Search::Waiting(step) => Ok(step),
            Search::NotFound(_) if !tells => frame.return_none(),
            Search::NotFound(message) => text::return_string(machine, frame, &message),
            Search::Found(file) => {
                let file = machine.new_string(&file)?;
                frame.set_local(machine, file_reading::PATH, Value::String(file));
                file_reading::begin(machine, frame)
            }
        };
    }
    let path = frame.local(machine, file_reading::PATH);
    let loaded = match file_reading::step(machine, frame)? {
        Progress::Waiting(step) => return Ok(step),
        Progress::Failed(what, error) => Err(file_reading::error_message(machine, path, what, &error)),
        Progress::Done(content) => load(machine, &content, path)?,
    };
    match loaded {
        Ok(function) => frame.return_two(machine, function, path),
        Err(message) => {
            let mut file = Vec::new();
            machine.append_text(path, &mut file);
            Err(loading_error(machine, frame, &file, &message)?)
        }
    }
}

/// Searches native libraries, which cannot be loaded if there are any.
fn search_native(machine: &mut Machine, frame: Frame, name: &[u8]) -> NativeResult {
    if frame.phase() == 0 {
        begin_search(machine, frame, "cpath", name, 0)?;
    }
    match path_search::step(machine, frame, 0)? {
        Search::Waiting(step) => Ok(step),
        Search::NotFound(message) => text::return_string(machine, frame, &message),
        Search::Found(file) => Err(loading_error(machine, frame, &file, NO_NATIVE_LIBRARIES)?),
    }
}

fn native(machine: &mut Machine, frame: Frame) -> NativeResult {
    let name = frame.check_string(machine, 0)?;
    let name = machine.bytes(name).to_vec();
    search_native(machine, frame, &name)
}

fn native_root(machine: &mut Machine, frame: Frame) -> NativeResult {
    let name = frame.check_string(machine, 0)?;
    let name = machine.bytes(name);
    match name.iter().position(|&byte| byte == b'.') {
        Some(end) => {
            let root = name[..end].to_vec();
            search_native(machine, frame, &root)
        }
        None => frame.return_none(),
    }
}
