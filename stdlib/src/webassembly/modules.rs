//! Loading of WebAssembly files, and the translation of their functions when they are first called.
//!
//! What the front end knows of a module lies outside the region, beside the machine. It can be made again from the file,
//! whose bytes the loaded module has.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use lunette_bytecode::typed::{
    function::Signature,
    module::{HeapType, ReferenceType, ValueType},
    verifier,
};
use lunette_frontend::wasm::{Module, WasmError};
use lunette_gc::{
    reference::Ref,
    typed::{TypedModule, TypedPrototype},
};
use lunette_interpreter::{Machine, Throw, typed::NewModule};

/// The modules of a machine, by the numbers that their loaded forms have.
#[derive(Default)]
struct Modules(Vec<Arc<Module>>);

fn modules(machine: &mut Machine) -> &mut Modules {
    let front_end = machine.front_end.get_or_insert_with(|| Box::new(Modules::default()));
    match front_end.downcast_mut() {
        Some(modules) => modules,
        None => unreachable!("nobody else keeps anything there"),
    }
}

/// What the front end knows of a loaded module.
pub(super) fn module_of(machine: &mut Machine, module: Ref<TypedModule>) -> Result<Arc<Module>, Throw> {
    let number = machine.heap.get(module).number.get();
    if let Some(known) = modules(machine).0.get(number as usize) {
        return Ok(known.clone());
    }
    let bytes = machine.heap.bytes(machine.heap.get(module).bytes);
    match Module::parse(bytes, false) {
        Ok(parsed) => {
            let parsed = Arc::new(parsed);
            let modules = modules(machine);
            let number = modules.0.len() as u32;
            modules.0.push(parsed.clone());
            machine.heap.get(module).number.set(number);
            Ok(parsed)
        }
        Err(error) => Err(refused(machine, &error)),
    }
}

/// An error about a module that was refused.
pub(super) fn refused(machine: &Machine, error: &WasmError) -> Throw {
    match error {
        WasmError::Memory => Throw::Memory,
        error => machine.runtime_error(format_args!("{error}")),
    }
}

/// Has the machine translate functions by the front end.
pub fn register_translator(machine: &mut Machine) {
    machine.set_translator(translate);
}

/// Translates, verifies and installs a function.
fn translate(machine: &mut Machine, prototype: Ref<TypedPrototype>) -> Result<(), Throw> {
    let (module, number) = (machine.heap.get(prototype).module, machine.heap.get(prototype).number);
    let parsed = module_of(machine, module)?;
    let bytes = machine.heap.bytes(machine.heap.get(module).bytes);
    let function = match parsed.translate(bytes, number) {
        Ok(function) => function,
        Err(error) => return Err(refused(machine, &error)),
    };
    machine.spend_on_bytes(8 * function.code.len());
    let signature = parsed.surroundings.signature(number).unwrap_or_default();
    if let Err(error) = verifier::verify(&function, signature, &parsed.surroundings) {
        return Err(machine.runtime_error(format_args!("malformed code of function {number}: {error}")));
    }
    machine.install_code(prototype, &function)
}

/// Why a module was not loaded.
#[derive(Debug)]
pub enum LoadError {
    /// It is malformed, or uses what is not there.
    Refused(WasmError),
    /// There is no memory for it.
    Throw(Throw),
}

impl From<Throw> for LoadError {
    fn from(throw: Throw) -> LoadError {
        LoadError::Throw(throw)
    }
}

/// The machine's form of a module's type, whose numbers of concrete types are the machine's.
pub(super) fn machine_type(value: ValueType, numbers: &[u32]) -> ValueType {
    match value {
        ValueType::Reference(ReferenceType { is_nullable, heap: HeapType::Concrete(number) }) => {
            let number = numbers.get(number as usize).copied().unwrap_or(u32::MAX);
            ValueType::Reference(ReferenceType { is_nullable, heap: HeapType::Concrete(number) })
        }
        value => value,
    }
}

/// Loads a module from the bytes of its file, all of whose functions are validated at once if `eager`. `source` is its
/// name in messages, as that of a chunk.
pub fn load(machine: &mut Machine, file: &[u8], source: &[u8], eager: bool) -> Result<Ref<TypedModule>, LoadError> {
    let parsed = Arc::new(Module::parse(file, eager).map_err(LoadError::Refused)?);
    machine.spend_on_bytes(file.len());
    let types = machine.register_types(&parsed.declarations.types, &parsed.surroundings.structures)?;
    let signature = |number: u32| -> Signature { parsed.surroundings.signature(number).unwrap_or_default() };
    let functions: Vec<(u32, Signature)> =
        (0..).zip(&parsed.declarations.functions).map(|(number, &kind)| (kind, signature(number))).collect();
    let number = modules(machine).0.len() as u32;
    let module = machine.load_typed(NewModule {
        bytes: file,
        source,
        types: &types,
        functions: &functions,
        imported_functions: parsed.declarations.imported.functions,
        number,
    })?;
    modules(machine).0.push(parsed);
    Ok(module)
}
