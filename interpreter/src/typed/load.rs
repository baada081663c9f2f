//! Modules and instances made of what the front end knows of a WebAssembly file.

use super::{exceptions, forwarding, trap::encode_offsets};
use crate::{error::Throw, machine::Machine};
use alloc::vec::Vec;
use core::cell::Cell;
use lunette_bytecode::typed::{
    fuel,
    function::{Function, Signature},
};
use lunette_gc::{
    object::{Header, Kind},
    reference::Ref,
    typed::{
        CanonicalType, ExceptionTag, Global, Instance, LinearMemory, ReferenceTable, TypedFunction, TypedModule,
        TypedPrototype,
    },
    value::{Slot, Tag, Value},
};

/// Translates and verifies a function when it is first called, and gives it to [`Machine::install_code`].
pub type Translator = fn(&mut Machine, Ref<TypedPrototype>) -> Result<(), Throw>;

/// A module to be loaded.
#[derive(Clone, Copy, Debug)]
pub struct NewModule<'m> {
    /// The WebAssembly file.
    pub bytes: &'m [u8],
    /// Its name in messages, as a chunk's.
    pub source: &'m [u8],
    /// Its types in the machine.
    pub types: &'m [Ref<CanonicalType>],
    /// Of each function the number of its type in the module, and its signature; imported ones first.
    pub functions: &'m [(u32, Signature)],
    /// How many of them are imported.
    pub imported_functions: u32,
    /// By which the front end knows the module.
    pub number: u32,
}

/// An instance to be made, with everything it imports.
#[derive(Clone, Copy, Debug)]
pub struct NewInstance<'m> {
    /// The module.
    pub module: Ref<TypedModule>,
    /// Imported functions.
    pub functions: &'m [Ref<TypedFunction>],
    /// All tables.
    pub tables: &'m [Ref<ReferenceTable>],
    /// All memories.
    pub memories: &'m [Ref<LinearMemory>],
    /// Imported globals.
    pub globals: &'m [Ref<Global>],
    /// All tags.
    pub tags: &'m [Ref<ExceptionTag>],
    /// The number of all globals.
    pub global_count: u32,
    /// Where the bytes of data segments lie in the file: start and length.
    pub data: &'m [(u32, u32)],
    /// The number of element segments.
    pub element_segments: u32,
}

impl Machine {
    /// Sets who translates functions when they are first called.
    pub fn set_translator(&mut self, translator: Translator) {
        self.translator = Some(translator);
    }

    /// Loads a module.
    pub fn load_typed(&mut self, new: NewModule<'_>) -> Result<Ref<TypedModule>, Throw> {
        let bytes = self.heap.new_byte_array(new.bytes)?;
        let source = self.heap.new_string(new.source)?;
        let types = self.heap.new_ref_array(new.types.len() as u32)?;
        for (slot, kind) in self.heap.refs(types).iter().zip(new.types) {
            slot.set(Some(kind.cast()));
        }
        let prototypes = self.heap.new_ref_array(new.functions.len() as u32)?;
        let module = self.heap.new_typed_module(TypedModule {
            header: Header::new(Kind::TypedModule, 0),
            bytes,
            source,
            prototypes,
            types,
            number: Cell::new(new.number),
            padding: 0,
        })?;
        let own = (0..).zip(new.functions).skip(new.imported_functions as usize);
        for (number, &(kind, signature)) in own {
            let Some(&kind) = new.types.get(kind as usize) else { unreachable!("a function's type is there") };
            let prototype = self.heap.new_typed_prototype(TypedPrototype {
                header: Header::new(Kind::TypedPrototype, 0),
                code: Cell::new(None),
                entry_cost: Cell::new(0),
                numbers: Cell::new(0),
                references: Cell::new(0),
                offsets: Cell::new(None),
                catches: Cell::new(None),
                padding: 0,
                module,
                number,
                kind,
                result_numbers: signature.results.numbers,
                result_references: signature.results.references,
            })?;
            self.heap.refs(prototypes)[number as usize].set(Some(prototype.cast()));
        }
        Ok(module)
    }

    /// Gives a function its code, which was verified.
    pub fn install_code(&mut self, prototype: Ref<TypedPrototype>, function: &Function) -> Result<(), Throw> {
        let marked = forwarding::mark(function)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(marked.len() * 8).map_err(|_| Throw::Memory)?;
        for word in &marked {
            bytes.extend_from_slice(&word.0.to_ne_bytes());
        }
        let code = self.heap.new_byte_array(&bytes)?;
        let offsets = self.heap.new_byte_array(&encode_offsets(&function.offsets))?;
        let catches = match function.catches.as_slice() {
            [] => None,
            catches => Some(self.heap.new_byte_array(&exceptions::encode(catches))?),
        };
        let object = self.heap.get(prototype);
        object.catches.set(catches);
        object.offsets.set(Some(offsets));
        object.numbers.set(function.registers.numbers);
        object.references.set(function.registers.references);
        object.entry_cost.set(fuel::entry_cost(&function.code));
        object.code.set(Some(code));
        self.heap.barrier(prototype);
        Ok(())
    }

    /// Has a function translated if it was not yet.
    pub(super) fn translate(&mut self, prototype: Ref<TypedPrototype>) -> Result<(), Throw> {
        if self.heap.get(prototype).code.get().is_some() {
            return Ok(());
        }
        match self.translator {
            Some(translator) => translator(self, prototype),
            None => Err(self.runtime_error(format_args!("the function was not translated"))),
        }
    }

    /// A reference to a function: of an instance, or to a value of the host that can be called.
    pub fn new_typed_function(
        &mut self,
        own: Option<(Ref<TypedPrototype>, Ref<Instance>)>,
        kind: Ref<CanonicalType>,
        callee: Value,
    ) -> Result<Ref<TypedFunction>, Throw> {
        let function = self.heap.new_typed_function(TypedFunction {
            header: Header::new(Kind::TypedFunction, 0),
            kind,
            prototype: own.map(|(prototype, _)| prototype),
            instance: own.map(|(_, instance)| instance),
            padding: 0,
            callee: Slot { payload: Cell::new(0), tag: Cell::new(Tag::Nil as u32), spare: Cell::new(0) },
        })?;
        self.heap.get(function).callee.set(callee);
        Ok(function)
    }

    /// Makes an instance, whose globals are 0 and whose element segments are dropped.
    pub fn new_instance(&mut self, new: NewInstance<'_>) -> Result<Ref<Instance>, Throw> {
        let prototypes = self.heap.get(new.module).prototypes;
        let functions = self.heap.new_ref_array(self.heap.get(prototypes).length())?;
        let memories = self.heap.new_ref_array(new.memories.len() as u32)?;
        let tables = self.heap.new_ref_array(new.tables.len() as u32)?;
        let globals = self.heap.new_ref_array(new.globals.len() as u32)?;
        let elements = self.heap.new_ref_array(new.element_segments)?;
        let tags = self.heap.new_ref_array(new.tags.len() as u32)?;
        let data: Vec<u8> =
            new.data.iter().flat_map(|(start, length)| [start.to_ne_bytes(), length.to_ne_bytes()].concat()).collect();
        let data = self.heap.new_byte_array(&data)?;
        for (slot, object) in self.heap.refs(functions).iter().zip(new.functions) {
            slot.set(Some(object.cast()));
        }
        for (slot, object) in self.heap.refs(memories).iter().zip(new.memories) {
            slot.set(Some(object.cast()));
        }
        for (slot, object) in self.heap.refs(tables).iter().zip(new.tables) {
            slot.set(Some(object.cast()));
        }
        for (slot, object) in self.heap.refs(tags).iter().zip(new.tags) {
            slot.set(Some(object.cast()));
        }
        for (slot, object) in self.heap.refs(globals).iter().zip(new.globals) {
            slot.set(Some(object.cast()));
        }
        Ok(self.heap.new_instance(Instance {
            header: Header::new(Kind::Instance, 0),
            prototypes,
            memories,
            tables,
            functions,
            imported_globals: globals,
            module: new.module,
            types: self.heap.get(new.module).types,
            data,
            elements,
            tags,
            exports: Cell::new(None),
            global_count: new.global_count,
        })?)
    }
}
