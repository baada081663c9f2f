//! Modules and instances made of what the front end knows of a WebAssembly file.

use super::{
    exceptions, forwarding,
    trap::{decode_offsets, encode_offsets},
};
use crate::{
    error::Throw,
    machine::{Machine, roots},
};
use alloc::{string::String, vec::Vec};
use core::cell::Cell;
use lunette_bytecode::{
    instruction::Word,
    typed::{
        fuel,
        function::{Catch, Function, Registers, Signature, Surroundings},
        instruction,
    },
};
use lunette_gc::{
    object::{AnyObject, Header, Kind, Object},
    reference::Ref,
    storage::ByteArray,
    typed::{
        CanonicalType, ExceptionTag, Global, Instance, LinearMemory, ReferenceTable, TypedFunction, TypedModule,
        TypedPrototype,
    },
    value::{Slot, Tag, Value},
};

/// Loads a module from the bytes of its file; the last argument is its name in messages.
pub type Loader = fn(&mut Machine, &[u8], &[u8]) -> Result<Ref<TypedModule>, LoadFailure>;

/// What the front end does for the machine.
#[derive(Clone, Copy)]
pub struct FrontEnd {
    /// Translates and verifies a function when it is first called, and gives it to [`Machine::install_code`].
    pub translate: fn(&mut Machine, Ref<TypedPrototype>) -> Result<(), Throw>,
    /// Loads a module.
    pub load: Loader,
    /// The name of a function in the file of its module.
    pub name: for<'f> fn(&'f [u8], u32) -> Option<&'f str>,
    /// Describes a loaded module.
    pub describe: fn(&mut Machine, Ref<TypedModule>) -> Result<Description, LoadFailure>,
}

/// What the machine needs to know of a module when it makes an instance that was frozen.
#[derive(Clone, Debug, Default)]
pub struct Description {
    /// What there is in it.
    pub surroundings: Surroundings,
    /// Where the bytes of data segments lie in the file: start and length.
    pub data: Vec<(u32, u32)>,
}

/// Why a module was not loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadFailure {
    /// There is no memory for it.
    Memory,
    /// What is wrong with it.
    Refused(String),
}

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
    /// Sets the front end.
    pub fn set_front_end(&mut self, front_end: FrontEnd) {
        self.front_end = Some(front_end);
    }

    /// Loads a module. It gets a number that no other module of this heap has or had.
    pub fn load_typed(&mut self, new: NewModule<'_>) -> Result<Ref<TypedModule>, Throw> {
        let loaded = match self.heap.root(roots::LOADED_MODULES).get() {
            Value::Integer(loaded) => loaded as u32,
            _ => 0,
        };
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
            number: loaded,
            padding: 0,
        })?;
        self.heap.root(roots::LOADED_MODULES).set(Value::Integer(i64::from(loaded) + 1));
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
                native: Cell::new(0),
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
        match self.front_end {
            Some(front_end) => (front_end.translate)(self, prototype)?,
            None => return Err(self.runtime_error(format_args!("the function was not translated"))),
        }
        self.compile_eagerly(prototype);
        Ok(())
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
        let room = Room {
            tables: new.tables.len() as u32,
            memories: new.memories.len() as u32,
            imported_globals: new.globals.len() as u32,
            tags: new.tags.len() as u32,
            globals: new.global_count,
            element_segments: new.element_segments,
        };
        let instance = self.empty_instance(new.module, room, new.data)?;
        let object = self.heap.get(instance);
        fill(self.heap.refs(object.functions), new.functions);
        fill(self.heap.refs(object.memories), new.memories);
        fill(self.heap.refs(object.tables), new.tables);
        fill(self.heap.refs(object.tags), new.tags);
        fill(self.heap.refs(object.imported_globals), new.globals);
        Ok(instance)
    }

    /// Makes an instance that has no members yet. They are to be filled in before anything else is made.
    pub(crate) fn empty_instance(
        &mut self,
        module: Ref<TypedModule>,
        room: Room,
        data: &[(u32, u32)],
    ) -> Result<Ref<Instance>, Throw> {
        let prototypes = self.heap.get(module).prototypes;
        let data: Vec<u8> =
            data.iter().flat_map(|(start, length)| [start.to_ne_bytes(), length.to_ne_bytes()].concat()).collect();
        Ok(self.heap.new_instance(Instance {
            header: Header::new(Kind::Instance, 0),
            prototypes,
            memories: self.heap.new_ref_array(room.memories)?,
            tables: self.heap.new_ref_array(room.tables)?,
            functions: self.heap.new_ref_array(self.heap.get(prototypes).length())?,
            imported_globals: self.heap.new_ref_array(room.imported_globals)?,
            module,
            types: self.heap.get(module).types,
            data: self.heap.new_byte_array(&data)?,
            elements: self.heap.new_ref_array(room.element_segments)?,
            tags: self.heap.new_ref_array(room.tags)?,
            exports: Cell::new(None),
            global_count: room.globals,
        })?)
    }

    /// The instructions of a function that was translated, as they were installed.
    pub(crate) fn installed_words(&self, prototype: Ref<TypedPrototype>) -> Vec<Word> {
        let code = self.heap.get(prototype).code.get().map_or(&[][..], |code| self.heap.bytes(code));
        let mut words: Vec<Word> = code.as_chunks().0.iter().map(|&word| Word(u64::from_ne_bytes(word))).collect();
        let mut at = 0;
        while at < words.len() {
            words[at] = forwarding::unmarked(words[at]);
            at += instruction::length(&words[at..]).unwrap_or(1);
        }
        words
    }

    /// What catches exceptions in a function that was translated.
    pub(super) fn installed_catches(&self, prototype: Ref<TypedPrototype>) -> Vec<Catch> {
        let catches = self.heap.get(prototype).catches.get().map_or(&[][..], |array| self.heap.bytes(array));
        exceptions::decode_all(catches).collect()
    }

    /// The code of a function that was translated, as it was installed.
    pub(crate) fn installed_code(&self, prototype: Ref<TypedPrototype>) -> Function {
        let object = self.heap.get(prototype);
        let bytes = |array: &Cell<Option<Ref<ByteArray>>>| array.get().map_or(&[][..], |array| self.heap.bytes(array));
        Function {
            registers: Registers { numbers: object.numbers.get(), references: object.references.get() },
            code: self.installed_words(prototype),
            catches: self.installed_catches(prototype),
            offsets: decode_offsets(bytes(&object.offsets)).collect(),
        }
    }
}

/// How many members of each kind an instance has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub tables: u32,
    pub memories: u32,
    pub imported_globals: u32,
    pub tags: u32,
    /// Imported ones included.
    pub globals: u32,
    pub element_segments: u32,
}

fn fill<T: Object>(places: &[Cell<Option<Ref<AnyObject>>>], objects: &[Ref<T>]) {
    places.iter().zip(objects).for_each(|(place, object)| place.set(Some(object.cast())));
}
