//! `webassembly`: modules in Lua programs, and what runs a WebAssembly file as a program.

use super::{
    describe,
    instantiate::{External, LinkError, export, instantiate},
    modules::{self, LoadError},
    objects,
};
use crate::{
    arguments::Arguments,
    base_library::Loaded,
    library::{Definition, malformed_frame, native_value},
};
use alloc::vec::Vec;
use lunette_bytecode::typed::module::Import;
use lunette_gc::{
    object::Kind,
    reference::Ref,
    table::Table,
    typed::{Instance, TypedModule},
    value::Value,
};
use lunette_interpreter::{Frame, Machine, NativeResult, Step, Throw, native::Native};

/// The library.
pub(crate) const DEFINITION: Definition = Definition {
    name: "webassembly",
    functions: &[
        Native::new("webassembly.load", load),
        INSTANTIATE,
        Native::new("webassembly.imports", describe::imports).with_locals(describe::LOCALS),
        Native::new("webassembly.exports", describe::exports).with_locals(describe::LOCALS),
    ],
    hidden: HIDDEN,
    complete: |machine, _| {
        modules::register_front_end(machine);
        objects::make_metatables(machine)
    },
};

const HIDDEN: &[Native] = &[
    MAIN,
    INSTANTIATE_MODULE,
    LIBRARY,
    objects::METHODS[0][0],
    objects::METHODS[0][1],
    objects::METHODS[0][2],
    objects::METHODS[0][3],
    objects::METHODS[1][0],
    objects::METHODS[1][1],
    objects::METHODS[1][2],
    objects::METHODS[1][3],
    objects::METHODS[2][0],
    objects::METHODS[2][1],
];

/// `webassembly.instantiate(module [, imports])`
const INSTANTIATE: Native = Native::new("webassembly.instantiate", instantiate_module).with_locals(LOCALS);
/// What a WebAssembly file is as a chunk: its closure's value is the module.
const MAIN: Native = Native::new("webassembly_main", main).with_locals(LOCALS);
/// What makes an instance of a module, for the host: its closure's value is the module.
const INSTANTIATE_MODULE: Native = Native::new("webassembly_instantiate", instantiate_for_host).with_locals(LOCALS);
/// What loads a WebAssembly file as a Lua module: its closure's value is the module.
const LIBRARY: Native = Native::new("webassembly_library", library).with_locals(LOCALS);

/// Local: the instance.
const INSTANCE: u32 = 0;
const LOCALS: u32 = 1;

/// Phases of whoever makes an instance.
const STARTED: u32 = 1;
const INITIALIZED: u32 = 2;

/// Makes a function of a WebAssembly file that runs it as a program.
pub fn load_program(machine: &mut Machine, file: &[u8], source: &[u8]) -> Result<Value, LoadError> {
    let module = modules::load(machine, file, source, false)?;
    Ok(native_value(machine, MAIN.name, &[Value::Internal(module.cast())])?)
}

/// Loads a file, all of which is validated, and makes a function that takes a table of imports, or nil, and gives the
/// exports of a new instance of the module.
pub fn load_instantiator(machine: &mut Machine, file: &[u8], source: &[u8]) -> Result<Value, LoadError> {
    let module = modules::load(machine, file, source, true)?;
    Ok(native_value(machine, INSTANTIATE_MODULE.name, &[Value::Internal(module.cast())])?)
}

/// The module of a function that [`load_instantiator`] has made.
pub fn module_of_instantiator(machine: &Machine, function: Value) -> Option<Ref<TypedModule>> {
    let Value::NativeClosure(closure) = function else { return None };
    module_value(machine, machine.heap.native_values(closure).first()?.get())
}

/// Makes a function of a WebAssembly file, found at this path, that gives its exports; or the message why there is none.
pub(crate) fn load_library_file(machine: &mut Machine, file: &[u8], path: Value) -> Result<Loaded, Throw> {
    let mut source = Vec::from(b"@");
    if let Value::String(path) = path {
        source.extend_from_slice(machine.bytes(path));
    }
    match modules::load(machine, file, &source, false) {
        Ok(module) => native_value(machine, LIBRARY.name, &[Value::Internal(module.cast())]).map(Ok),
        Err(LoadError::Refused(error)) => Ok(Err(alloc::format!("{error}").into_bytes())),
        Err(LoadError::Throw(throw)) => Err(throw),
    }
}

/// `webassembly.load(bytes [, name [, lazily]])`: a module, all of whose functions have been validated, if not `lazily`.
fn load(machine: &mut Machine, frame: Frame) -> NativeResult {
    let bytes = frame.check_string(machine, 0)?;
    let name = frame.optional_string(machine, 1)?;
    let source = match name {
        Some(name) => machine.bytes(name).to_vec(),
        None => b"=wasm".to_vec(),
    };
    let is_lazy = !frame.argument_or_nil(machine, 2).is_falsy();
    let bytes = machine.bytes(bytes).to_vec();
    machine.charge(bytes.len() as u64)?;
    let module = match modules::load(machine, &bytes, &source, !is_lazy) {
        Ok(module) => module,
        Err(LoadError::Throw(throw)) => return Err(throw),
        Err(LoadError::Refused(error)) => return Err(machine.native_error(format_args!("{error}"))),
    };
    let module = objects::wrap(machine, module.cast())?;
    frame.return_one(machine, module)
}

/// The error of a module that cannot be linked.
fn link_error(machine: &Machine, error: LinkError) -> Throw {
    match error {
        LinkError::Throw(throw) => throw,
        LinkError::Import(what, name) => machine.native_error(format_args!("{what}: {name}")),
    }
}

/// Makes an instance, in the phase in which the function is called first; its start function is called, and then, if
/// `initializes`, the function `_initialize`, which libraries of WASI have. `None` until that is done.
fn make(
    machine: &mut Machine,
    frame: Frame,
    module: Ref<TypedModule>,
    imports: Option<Ref<Table>>,
    initializes: bool,
) -> Result<Result<Ref<Instance>, Step>, Throw> {
    if frame.phase() == 0 {
        let mut resolve = |machine: &mut Machine, import: &Import| resolve_import(machine, imports, import);
        let (instance, start) =
            instantiate(machine, module, &mut resolve).map_err(|error| link_error(machine, error))?;
        frame.set_local(machine, INSTANCE, Value::Internal(instance.cast()));
        if let Some(start) = start {
            let start = machine.function_reference(instance, start)?;
            return frame.call(machine, STARTED, Value::TypedFunction(start), &[]).map(Err);
        }
    }
    let instance = instance_local(machine, frame)?;
    if frame.phase() < INITIALIZED
        && initializes
        && let Some(External::Function(function)) = export(machine, instance, b"_initialize")?
    {
        return frame.call(machine, INITIALIZED, Value::TypedFunction(function), &[]).map(Err);
    }
    Ok(Ok(instance))
}

fn instance_local(machine: &Machine, frame: Frame) -> Result<Ref<Instance>, Throw> {
    match frame.local(machine, INSTANCE) {
        Value::Internal(object) if machine.heap.get(object).header.kind == Kind::Instance as u8 => Ok(object.cast()),
        _ => Err(malformed_frame(machine)),
    }
}

/// What a table of tables has for an import; WASI is there for those that it has nothing for.
fn resolve_import(
    machine: &mut Machine,
    imports: Option<Ref<Table>>,
    import: &Import,
) -> Result<Option<External>, Throw> {
    if let Some(imports) = imports {
        let module = machine.new_string(import.module.as_bytes())?;
        let name = machine.new_string(import.name.as_bytes())?;
        let given = match machine.heap.table_get(imports, Value::String(module)) {
            Value::Table(module) => machine.heap.table_get(module, Value::String(name)),
            _ => Value::Nil,
        };
        if !given.is_nil() {
            return Ok(objects::import_of(machine, given));
        }
    }
    let mut full = Vec::from(import.module.as_bytes());
    full.push(b'.');
    full.extend_from_slice(import.name.as_bytes());
    let is_wasi = matches!(&*import.module, "wasi_snapshot_preview1" | "wasi_unstable");
    match core::str::from_utf8(&full) {
        Ok(full) if is_wasi && machine.find_native(full).is_some() => {
            native_value(machine, full, &[]).map(|function| Some(External::Callable(function)))
        }
        _ => Ok(None),
    }
}

fn instantiate_module(machine: &mut Machine, frame: Frame) -> NativeResult {
    let Some(module) = objects::module_argument(machine, frame, 0) else {
        return Err(frame.type_error(machine, 0, "webassembly.module"));
    };
    let imports = match frame.argument_or_nil(machine, 1) {
        Value::Nil => None,
        _ => Some(frame.check_table(machine, 1)?),
    };
    match make(machine, frame, module, imports, true)? {
        Ok(instance) => return_exports(machine, frame, instance),
        Err(step) => Ok(step),
    }
}

fn instantiate_for_host(machine: &mut Machine, frame: Frame) -> NativeResult {
    let module = module_of_closure(machine, frame)?;
    let imports = match frame.argument_or_nil(machine, 0) {
        Value::Nil => None,
        _ => Some(frame.check_table(machine, 0)?),
    };
    match make(machine, frame, module, imports, true)? {
        Ok(instance) => return_exports(machine, frame, instance),
        Err(step) => Ok(step),
    }
}

fn return_exports(machine: &mut Machine, frame: Frame, instance: Ref<Instance>) -> NativeResult {
    let exports = match machine.heap.get(instance).exports.get() {
        Some(exports) => objects::wrap_exports(machine, exports)?,
        None => machine.heap.new_table(0, 0)?,
    };
    frame.return_one(machine, Value::Table(exports))
}

fn module_of_closure(machine: &Machine, frame: Frame) -> Result<Ref<TypedModule>, Throw> {
    module_value(machine, frame.closure_value(machine, 0)).ok_or_else(|| malformed_frame(machine))
}

fn module_value(machine: &Machine, value: Value) -> Option<Ref<TypedModule>> {
    match value {
        Value::Internal(object) if machine.heap.get(object).header.kind == Kind::TypedModule as u8 => {
            Some(object.cast())
        }
        _ => None,
    }
}

fn library(machine: &mut Machine, frame: Frame) -> NativeResult {
    let module = module_of_closure(machine, frame)?;
    match make(machine, frame, module, None, true)? {
        Ok(instance) => return_exports(machine, frame, instance),
        Err(step) => Ok(step),
    }
}

/// The function `_start` has returned.
const FINISHED: u32 = 3;

fn main(machine: &mut Machine, frame: Frame) -> NativeResult {
    if frame.phase() == FINISHED {
        return frame.return_none();
    }
    let module = module_of_closure(machine, frame)?;
    let instance = match make(machine, frame, module, None, false)? {
        Ok(instance) => instance,
        Err(step) => return Ok(step),
    };
    match export(machine, instance, b"_start")? {
        Some(External::Function(start)) => frame.call(machine, FINISHED, Value::TypedFunction(start), &[]),
        _ => Err(machine.native_error(format_args!("the module has no function '_start': it is not a program"))),
    }
}
