//! What belongs to WebAssembly: which objects there are. Modules stand as the files they were loaded from, with the code of
//! the functions that were translated; types as the descriptions that the machine has of their recursion groups.

use super::{
    error::{ReadErrorKind, Refusal, WriteError},
    format::{MEMORY_PART, internal},
    reader::Reader,
    writer::Writer,
};
use crate::{
    error::Throw,
    typed::{Description, LoadFailure, MOST_ELEMENTS, Room, types},
};
use alloc::{string::String, vec::Vec};
use core::cell::Cell;
use lunette_bytecode::{
    file,
    typed::{function::GlobalKind, verifier},
};
use lunette_gc::{
    object::{Header, Kind},
    reference::Ref,
    typed::{
        CanonicalType, ExceptionTag, Form, Global, Instance, LinearMemory, ReferenceTable, TypedFunction, TypedModule,
        TypedObject, TypedPrototype,
    },
    value::Value,
};

/// The objects that were read.
#[derive(Default)]
pub(super) struct TypedObjects {
    pub modules: Vec<(Ref<TypedModule>, Description)>,
    pub memories: Vec<Ref<LinearMemory>>,
    pub exception_tags: Vec<Ref<ExceptionTag>>,
    pub tables: Vec<Ref<ReferenceTable>>,
    /// Each with the place of its module.
    pub instances: Vec<(Ref<Instance>, usize)>,
    pub globals: Vec<Ref<Global>>,
    pub functions: Vec<Ref<TypedFunction>>,
    pub objects: Vec<Ref<TypedObject>>,
}

/// Bits of a memory's or table's record.
const IS_64: u8 = 1;
const HAS_MAXIMUM: u8 = 2;
/// The largest page of a memory has 2 to the power of this bytes.
const LARGEST_PAGE: u32 = 16;

impl Writer<'_, '_> {
    /// The objects that belong to WebAssembly.
    pub fn typed_objects(&mut self) -> Result<(), WriteError> {
        self.types()?;
        for &module in &self.numbering.typed_modules.objects {
            self.typed_module(module)?;
        }
        for &memory in &self.numbering.memories.objects {
            self.memory(memory)?;
        }
        let machine = self.machine;
        for &tag in &self.numbering.exception_tags.objects {
            self.encoder.number(machine.heap.get(machine.heap.get(tag).kind).number.into())?;
        }
        for &table in &self.numbering.reference_tables.objects {
            let object = machine.heap.get(table);
            self.encoder.number(object.element_type)?;
            self.limits(object.is_64, (object.has_maximum != 0).then_some(object.maximum))?;
            self.encoder.number(object.length.get().into())?;
        }
        for &instance in &self.numbering.instances.objects {
            self.encoder.number(self.numbering.number(machine.heap.get(instance).module).into())?;
        }
        for &global in &self.numbering.globals.objects {
            let object = machine.heap.get(global);
            self.encoder.number(self.numbering.optional(object.owner).into())?;
            self.encoder.number(object.index.into())?;
            self.encoder.number(object.value_type)?;
            self.encoder.byte(object.is_mutable as u8)?;
        }
        for &function in &self.numbering.typed_functions.objects {
            let object = machine.heap.get(function);
            self.encoder.number(self.numbering.optional(object.instance).into())?;
            let number = match object.prototype {
                Some(prototype) => machine.heap.get(prototype).number,
                None => machine.heap.get(object.kind).number,
            };
            self.encoder.number(number.into())?;
        }
        for &object in &self.numbering.typed_objects.objects {
            self.encoder.number(machine.heap.get(machine.heap.type_of(object)).number.into())?;
            self.encoder.number(machine.heap.length_of(object).into())?;
        }
        Ok(())
    }

    fn types(&mut self) -> Result<(), WriteError> {
        let groups = self.machine.type_groups();
        self.encoder.number(groups.len() as u64)?;
        groups.into_iter().try_for_each(|group| self.encoder.counted_bytes(self.machine.bytes(group)))
    }

    fn typed_module(&mut self, module: Ref<TypedModule>) -> Result<(), WriteError> {
        let heap = &self.machine.heap;
        let object = heap.get(module);
        self.encoder.number(self.numbering.number(object.source).into())?;
        self.encoder.counted_bytes(heap.bytes(object.bytes))?;
        let prototypes = || heap.refs(object.prototypes).iter().filter_map(|place| place.get().map(Ref::cast));
        let is_translated = |prototype: &Ref<TypedPrototype>| heap.get(*prototype).code.get().is_some();
        self.encoder.number(prototypes().filter(is_translated).count() as u64)?;
        for prototype in prototypes().filter(is_translated) {
            self.encoder.number(heap.get(prototype).number.into())?;
            self.encoder.counted_bytes(&file::write_typed_function(&self.machine.installed_code(prototype)))?;
        }
        Ok(())
    }

    fn limits(&mut self, is_64: u32, maximum: Option<u64>) -> Result<(), WriteError> {
        let has_maximum = if maximum.is_some() { HAS_MAXIMUM } else { 0 };
        self.encoder.byte(if is_64 != 0 { IS_64 } else { 0 } | has_maximum)?;
        maximum.map_or(Ok(()), |maximum| self.encoder.number(maximum))
    }

    /// A memory: after its size, how many parts there are that are not zeros, how many of zeros before them, and their bytes;
    /// again and again, up to the last that is not zeros.
    fn memory(&mut self, memory: Ref<LinearMemory>) -> Result<(), WriteError> {
        let heap = &self.machine.heap;
        let object = heap.get(memory);
        self.limits(object.is_64, (object.has_maximum != 0).then_some(object.maximum))?;
        self.encoder.byte(object.page_shift as u8)?;
        self.encoder.number(object.pages.get())?;
        let mut rest = heap.memory_bytes(memory);
        let length_of = |bytes: &[Cell<u8>], is_zero: bool| -> usize {
            let run = bytes.chunks(MEMORY_PART).take_while(|part| all_zero(part) == is_zero);
            run.map(<[_]>::len).sum()
        };
        loop {
            let (zeros, after) = rest.split_at(length_of(rest, true));
            let (others, after) = after.split_at(length_of(after, false));
            if others.is_empty() {
                break;
            }
            self.encoder.number(others.len().div_ceil(MEMORY_PART) as u64)?;
            self.encoder.number((zeros.len() / MEMORY_PART) as u64)?;
            self.encoder.cells(others)?;
            rest = after;
        }
        self.encoder.number(0)
    }
}

fn all_zero(bytes: &[Cell<u8>]) -> bool {
    bytes.iter().fold(0, |all, byte| all | byte.get()) == 0
}

impl Reader<'_, '_> {
    /// The object behind a reference to what is internal, as the payload of a value.
    pub fn internal(&self, tag: u8, number: u64) -> Result<u64, Refusal> {
        let typed = &self.typed;
        let place = |number: u64| usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        fn units<T>(objects: &[Ref<T>], place: Option<usize>) -> Option<u32> {
            Some(objects.get(place?)?.units())
        }
        let found = match tag {
            internal::MODULE => place(number).and_then(|place| Some(typed.modules.get(place)?.0.units())),
            internal::PROTOTYPE => place(number >> 32).and_then(|place| {
                let prototypes = self.machine.heap.get(typed.modules.get(place)?.0).prototypes;
                let prototype = self.machine.heap.reference_at::<TypedPrototype>(prototypes, number as u32)?;
                self.machine.heap.get(prototype).code.get()?;
                Some(prototype.units())
            }),
            internal::INSTANCE => place(number).and_then(|place| Some(typed.instances.get(place)?.0.units())),
            internal::MEMORY => units(&typed.memories, place(number)),
            internal::TABLE => units(&typed.tables, place(number)),
            internal::GLOBAL => units(&typed.globals, place(number)),
            _ => units(&typed.exception_tags, place(number)),
        };
        found.map(u64::from).ok_or_else(|| self.decoder.malformed("there is no object of this number"))
    }

    pub(super) fn memory_error(&self) -> Refusal {
        self.decoder.error(ReadErrorKind::Memory)
    }

    fn refused(&self, failure: LoadFailure) -> Refusal {
        self.decoder.error(match failure {
            LoadFailure::Memory => ReadErrorKind::Memory,
            LoadFailure::Refused(message) => ReadErrorKind::WebAssembly(message),
        })
    }

    /// Reads the types and the modules.
    pub fn typed_modules(&mut self, count: u32) -> Result<(), Refusal> {
        let mut groups = Vec::new();
        let mut room = self.free_memory();
        for number in 0..self.decoder.small()? {
            self.decoder.place = ("types of WebAssembly", number.into());
            let group = self.decoder.counted_bytes(room)?;
            room -= (group.len() as u64).min(room);
            groups.try_reserve(1).map_err(|_| self.memory_error())?;
            groups.push(group);
        }
        match self.machine.restore_types(&groups) {
            Ok(true) => {}
            Ok(false) => return Err(self.decoder.malformed("types of WebAssembly")),
            Err(_) => return Err(self.memory_error()),
        }
        for number in 0..count {
            self.decoder.place = ("WebAssembly module", u64::from(number) + 1);
            let module = self.typed_module()?;
            self.typed.modules.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.typed.modules.push(module);
        }
        Ok(())
    }

    fn typed_module(&mut self) -> Result<(Ref<TypedModule>, Description), Refusal> {
        let source = self.string()?;
        let most = self.free_memory();
        let bytes = self.decoder.counted_bytes(most)?;
        let Some(front_end) = self.machine.front_end else {
            return Err(self.decoder.error(ReadErrorKind::WebAssembly(String::from("no front end is here"))));
        };
        let source = self.machine.bytes(source).to_vec();
        let module = (front_end.load)(self.machine, &bytes, &source).map_err(|failure| self.refused(failure))?;
        let description = (front_end.describe)(self.machine, module).map_err(|failure| self.refused(failure))?;
        let prototypes = self.machine.heap.get(module).prototypes;
        for _ in 0..self.decoder.number()? {
            let number = self.decoder.small()?;
            let most = self.free_memory();
            let record = self.decoder.counted_bytes(most)?;
            let function = file::read_typed_function(&record, usize::try_from(most).unwrap_or(usize::MAX))
                .map_err(|error| self.decoder.error(ReadErrorKind::Module(error)))?;
            let prototype = self.machine.heap.reference_at::<TypedPrototype>(prototypes, number);
            let signature = description.surroundings.signature(number);
            let (Some(prototype), Some(signature)) = (prototype, signature) else {
                return Err(self.decoder.malformed("there is no such function in the module"));
            };
            verifier::verify(&function, signature, &description.surroundings)
                .map_err(|error| self.decoder.error(ReadErrorKind::UnverifiedTyped(error)))?;
            self.machine.install_code(prototype, &function).map_err(|_| self.memory_error())?;
        }
        Ok((module, description))
    }

    fn limits(&mut self) -> Result<(bool, Option<u64>), Refusal> {
        let flags = self.decoder.byte()?;
        if flags & !(IS_64 | HAS_MAXIMUM) != 0 {
            return Err(self.decoder.malformed("limits of a memory or table"));
        }
        let maximum = if flags & HAS_MAXIMUM != 0 { Some(self.decoder.number()?) } else { None };
        Ok((flags & IS_64 != 0, maximum))
    }

    /// Reads the memories.
    pub fn memories(&mut self, count: u32) -> Result<(), Refusal> {
        for number in 0..count {
            self.decoder.place = ("memory", u64::from(number) + 1);
            let memory = self.memory()?;
            self.typed.memories.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.typed.memories.push(memory);
        }
        Ok(())
    }

    fn memory(&mut self) -> Result<Ref<LinearMemory>, Refusal> {
        let (is_64, maximum) = self.limits()?;
        let page_shift = u32::from(self.decoder.byte()?);
        let pages = self.decoder.number()?;
        let most = if is_64 { 1 << 48 } else { 1 << 32 };
        let bytes =
            pages.checked_shl(page_shift).filter(|bytes| page_shift <= LARGEST_PAGE && bytes >> page_shift == pages);
        let Some(bytes) = bytes.filter(|&bytes| bytes <= most) else {
            return Err(self.decoder.malformed("size of a memory"));
        };
        if bytes > self.free_memory() {
            return Err(self.memory_error());
        }
        let memory = self.machine.heap.new_linear_memory(pages, maximum, page_shift, is_64);
        let memory = memory.map_err(|_| self.memory_error())?;
        let mut rest = self.machine.heap.memory_bytes(memory);
        loop {
            let parts = self.decoder.number()?;
            if parts == 0 {
                return Ok(memory);
            }
            let zeros = self.decoder.number()?;
            let length = |parts: u64| usize::try_from(parts).ok()?.checked_mul(MEMORY_PART);
            let (Some(zeros), Some(others)) = (length(zeros), length(parts)) else {
                return Err(self.decoder.malformed("bytes of a memory"));
            };
            let after = rest.get(zeros..).filter(|after| !after.is_empty());
            let Some(after) = after.filter(|after| others < after.len() + MEMORY_PART) else {
                return Err(self.decoder.malformed("bytes of a memory"));
            };
            let (here, after) = after.split_at(others.min(after.len()));
            self.decoder.cells(here)?;
            rest = after;
        }
    }

    /// A type, by its number.
    fn canonical_type(&mut self) -> Result<Ref<CanonicalType>, Refusal> {
        let number = self.decoder.small()?;
        self.machine.canonical_type(number).ok_or_else(|| self.decoder.malformed("there is no such type"))
    }

    /// A type of functions.
    fn function_type(&mut self) -> Result<Ref<CanonicalType>, Refusal> {
        let kind = self.canonical_type()?;
        let is_one = self.machine.heap.form(kind) == Form::Function;
        if is_one { Ok(kind) } else { Err(self.decoder.malformed("there is no such type of functions")) }
    }

    /// A type of values, as the machine encodes it.
    fn value_type(&mut self) -> Result<u64, Refusal> {
        let bits = self.decoder.number()?;
        let is_right = self.machine.is_value_type(bits);
        if is_right { Ok(bits) } else { Err(self.decoder.malformed("type of a value")) }
    }

    /// Reads the tags of exceptions.
    pub fn exception_tags(&mut self, count: u32) -> Result<(), Refusal> {
        for number in 0..count {
            self.decoder.place = ("exception tag", u64::from(number) + 1);
            let kind = self.function_type()?;
            let tag = self.machine.heap.new_exception_tag(kind).map_err(|_| self.memory_error())?;
            self.typed.exception_tags.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.typed.exception_tags.push(tag);
        }
        Ok(())
    }

    /// Reads which tables of references there are.
    pub fn reference_tables(&mut self, count: u32) -> Result<(), Refusal> {
        for number in 0..count {
            self.decoder.place = ("table of references", u64::from(number) + 1);
            let element_type = self.value_type()?;
            let (is_64, maximum) = self.limits()?;
            let length = self.decoder.small()?;
            if length > MOST_ELEMENTS || types::decode(element_type).kind() != GlobalKind::Reference {
                return Err(self.decoder.malformed("table of references"));
            }
            let elements = self.machine.heap.new_slot_array(length).map_err(|_| self.memory_error())?;
            let table = self.machine.heap.new_reference_table(ReferenceTable {
                header: Header::new(Kind::ReferenceTable, 0),
                elements: Cell::new(elements),
                length: Cell::new(length),
                maximum: maximum.unwrap_or(u64::MAX),
                element_type,
                is_64: is_64.into(),
                has_maximum: maximum.is_some().into(),
            });
            let table = table.map_err(|_| self.memory_error())?;
            self.typed.tables.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.typed.tables.push(table);
        }
        Ok(())
    }

    /// Reads which instances there are, which have nothing yet but their module.
    pub fn instances(&mut self, count: u32) -> Result<(), Refusal> {
        for number in 0..count {
            self.decoder.place = ("instance", u64::from(number) + 1);
            let place = (self.decoder.small()? as usize).wrapping_sub(1);
            let Some((module, description)) = self.typed.modules.get(place) else {
                return Err(self.decoder.malformed("there is no such module"));
            };
            let there = &description.surroundings;
            let room = Room {
                tables: there.tables,
                memories: there.memories,
                imported_globals: there.imported_globals,
                tags: there.tags.len() as u32,
                globals: there.globals.len() as u32,
                element_segments: there.element_segments,
            };
            let instance = self.machine.empty_instance(*module, room, &description.data);
            let instance = instance.map_err(|_| self.memory_error())?;
            self.typed.instances.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.typed.instances.push((instance, place));
        }
        Ok(())
    }

    /// Reads which globals there are for others than their instance.
    pub fn globals(&mut self, count: u32) -> Result<(), Refusal> {
        for number in 0..count {
            self.decoder.place = ("global", u64::from(number) + 1);
            let (owner, index) = (self.decoder.small()?, self.decoder.small()?);
            let value_type = self.value_type()?;
            let is_mutable = self.decoder.byte()?;
            let owner = match owner.checked_sub(1) {
                None => None,
                Some(place) => {
                    let instance = self.typed.instances.get(place as usize).filter(|&&(_, module)| {
                        let globals = &self.typed.modules[module].1.surroundings.globals;
                        globals.get(index as usize) == Some(&types::decode(value_type).kind())
                    });
                    let Some(&(instance, _)) = instance else {
                        return Err(self.decoder.malformed("the global of an instance"));
                    };
                    Some((instance, index))
                }
            };
            if is_mutable > 1 || (owner.is_none() && index != 0) {
                return Err(self.decoder.malformed("a global"));
            }
            let global = self.machine.heap.new_global(owner, value_type, is_mutable != 0);
            let global = global.map_err(|_| self.memory_error())?;
            self.typed.globals.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.typed.globals.push(global);
        }
        Ok(())
    }

    /// Reads which functions there are.
    pub fn typed_functions(&mut self, count: u32) -> Result<(), Refusal> {
        for number in 0..count {
            self.decoder.place = ("WebAssembly function", u64::from(number) + 1);
            let function = match self.decoder.small()?.checked_sub(1) {
                None => {
                    let kind = self.function_type()?;
                    self.machine.new_typed_function(None, kind, Value::Nil)
                }
                Some(place) => {
                    let number = self.decoder.small()?;
                    self.own_function(place as usize, number)?
                }
            };
            let function = function.map_err(|_| self.memory_error())?;
            self.typed.functions.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.typed.functions.push(function);
        }
        Ok(())
    }

    /// Reads which structures and arrays there are.
    pub fn objects(&mut self, count: u32) -> Result<(), Refusal> {
        for number in 0..count {
            self.note_growth(number as usize);
            self.decoder.place = ("WebAssembly object", u64::from(number) + 1);
            let kind = self.canonical_type()?;
            let length = self.decoder.small()?;
            let is_right = match self.machine.heap.form(kind) {
                Form::Function => false,
                Form::Structure => length == 0,
                _ => true,
            };
            if !is_right {
                return Err(self.decoder.malformed("an object of WebAssembly"));
            }
            let object = self.machine.heap.new_object(kind, length).map_err(|_| self.memory_error())?;
            self.typed.objects.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.typed.objects.push(object);
        }
        Ok(())
    }

    fn own_function(&mut self, place: usize, number: u32) -> Result<Result<Ref<TypedFunction>, Throw>, Refusal> {
        let Some(&(instance, _)) = self.typed.instances.get(place) else {
            return Err(self.decoder.malformed("there is no such instance"));
        };
        let object = self.machine.heap.get(instance);
        let is_own = self.machine.heap.reference_at::<TypedPrototype>(object.prototypes, number).is_some();
        if !is_own || self.machine.heap.reference_at::<TypedFunction>(object.functions, number).is_some() {
            return Err(self.decoder.malformed("the function of an instance"));
        }
        Ok(self.machine.function_reference(instance, number))
    }
}
