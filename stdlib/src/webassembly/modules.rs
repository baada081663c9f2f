//! Loading of WebAssembly files, and the translation of their functions when they are first called.
//!
//! What the front end knows of a module lies outside the region, beside the machine. It is made again from the file, whose
//! bytes the loaded module has, when it is not there: where an instance has arrived from elsewhere, or when there were too
//! many others.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use lunette_bytecode::typed::{
    function::Signature,
    module::{HeapType, ReferenceType, ValueType},
    verifier,
};
use lunette_frontend::wasm::{Module, WasmError, function_name};
use lunette_gc::{
    reference::Ref,
    typed::{TypedModule, TypedPrototype},
};
use lunette_interpreter::{
    Machine, Throw,
    typed::{Description, FrontEnd, LoadFailure, NewModule},
};

/// The most modules that are known at a time.
const MOST_MODULES: usize = 64;
/// The most bytes that the files of modules which are known have together, if there is more than one.
const MOST_BYTES: usize = 64 << 20;

/// The modules that are known, by the numbers that their loaded forms have: the one used last comes last.
#[derive(Default)]
struct Modules(Vec<(u32, usize, Arc<Module>)>);

impl Modules {
    /// The modules of a machine.
    fn of(machine: &mut Machine) -> &mut Modules {
        let known = machine.known_modules.get_or_insert_with(|| Box::new(Modules::default()));
        match known.downcast_mut() {
            Some(modules) => modules,
            None => unreachable!("nobody else keeps anything there"),
        }
    }

    fn find(&mut self, number: u32) -> Option<Arc<Module>> {
        let place = self.0.iter().rposition(|&(own, ..)| own == number)?;
        if place + 1 < self.0.len() {
            self.0[place..].rotate_left(1);
        }
        self.0.last().map(|(_, _, module)| module.clone())
    }

    /// Adds a module whose file has so many bytes. Those that were not used for the longest time make room for it.
    fn add(&mut self, number: u32, bytes: usize, module: Arc<Module>) {
        self.0.push((number, bytes, module));
        let mut total = 0;
        let kept = self.0.iter().rev().take(MOST_MODULES).take_while(|&&(_, bytes, _)| {
            total += bytes;
            total <= MOST_BYTES || total == bytes
        });
        let dropped = self.0.len() - kept.count();
        self.0.drain(..dropped);
    }
}

/// What the front end knows of a loaded module.
pub fn module_of(machine: &mut Machine, module: Ref<TypedModule>) -> Result<Arc<Module>, WasmError> {
    let number = machine.heap.get(module).number;
    if let Some(known) = Modules::of(machine).find(number) {
        return Ok(known);
    }
    let bytes = machine.heap.bytes(machine.heap.get(module).bytes);
    let length = bytes.len();
    let parsed = Arc::new(Module::parse(bytes, false)?);
    Modules::of(machine).add(number, length, parsed.clone());
    Ok(parsed)
}

/// An error about a module that was refused.
pub(super) fn refused(machine: &Machine, error: &WasmError) -> Throw {
    match error {
        WasmError::Memory => Throw::Memory,
        error => machine.runtime_error(format_args!("{error}")),
    }
}

fn failure(error: WasmError) -> LoadFailure {
    match error {
        WasmError::Memory => LoadFailure::Memory,
        error => LoadFailure::Refused(alloc::format!("{error}")),
    }
}

/// Has the machine know WebAssembly files by the front end.
pub fn register_front_end(machine: &mut Machine) {
    machine.set_front_end(FrontEnd {
        translate,
        load: |machine, file, source| match load(machine, file, source, false) {
            Ok(module) => Ok(module),
            Err(LoadError::Refused(error)) => Err(failure(error)),
            Err(LoadError::Throw(_)) => Err(LoadFailure::Memory),
        },
        name: function_name,
        describe: |machine, module| {
            let module = module_of(machine, module).map_err(failure)?;
            let data = module.declarations.data.iter().map(|segment| (segment.bytes.start, segment.bytes.len() as u32));
            Ok(Description { surroundings: module.surroundings.clone(), data: data.collect() })
        },
    });
}

/// Translates, verifies and installs a function.
fn translate(machine: &mut Machine, prototype: Ref<TypedPrototype>) -> Result<(), Throw> {
    let (module, number) = (machine.heap.get(prototype).module, machine.heap.get(prototype).number);
    let parsed = module_of(machine, module).map_err(|error| refused(machine, &error))?;
    let bytes = machine.heap.bytes(machine.heap.get(module).bytes);
    let function = match parsed.function(bytes, number) {
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
    let there = &parsed.surroundings;
    let types = machine.register_types(&parsed.declarations.types, &there.structures, &there.arrays)?;
    let signature = |number: u32| -> Signature { parsed.surroundings.signature(number).unwrap_or_default() };
    let functions: Vec<(u32, Signature)> =
        (0..).zip(&parsed.declarations.functions).map(|(number, &kind)| (kind, signature(number))).collect();
    let module = machine.load_typed(NewModule {
        bytes: file,
        source,
        types: &types,
        functions: &functions,
        imported_functions: parsed.declarations.imported.functions,
    })?;
    let number = machine.heap.get(module).number;
    Modules::of(machine).add(number, file.len(), parsed);
    Ok(module)
}
