//! Functions: modules in their file form, closures, captured variables, and native functions by name.

use super::{
    error::{ReadErrorKind, Refusal, WriteError},
    reader::Reader,
    writer::Writer,
};
use crate::load::LoadError;
use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};
use lunette_bytecode::{
    file,
    module::{Constant, Module},
};
use lunette_gc::{
    function::Prototype,
    reference::Ref,
    storage::RefArray,
    value::{Tag, Value},
};

/// The longest name of a native function.
const LONGEST_NAME: u64 = 1 << 10;

impl Writer<'_, '_> {
    /// The modules. Their string constants stand as empty ones in the file form: those they are follow.
    pub fn modules(&mut self) -> Result<(), WriteError> {
        for &module in &self.numbering.modules.objects {
            let Some(first) = self.machine.heap.refs(module).first().and_then(|first| first.get()) else { continue };
            let mut decoded = self.machine.module_of_prototype(first.cast());
            let source = self.numbering.number(self.machine.heap.get(first.cast::<Prototype>()).source);
            decoded.source = Box::default();
            for function in &mut decoded.functions {
                for constant in &mut function.constants {
                    if let Constant::String(bytes) = constant {
                        *bytes = Box::default();
                    }
                }
            }
            self.encoder.number(source.into())?;
            self.encoder.counted_bytes(&file::write(&decoded))?;
            for function in self.machine.heap.refs(module).iter().filter_map(|function| function.get()) {
                for constant in self.machine.heap.constants(function.cast()) {
                    if let Value::String(string) = constant.get() {
                        self.encoder.number(self.numbering.number(string).into())?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Closures: their functions and the cells of their upvalues.
    pub fn closures(&mut self) -> Result<(), WriteError> {
        let heap = &self.machine.heap;
        for &closure in &self.numbering.closures.objects {
            let prototype = heap.get(heap.get(closure).prototype);
            self.encoder.number(self.numbering.number(prototype.module).into())?;
            self.encoder.number(prototype.number.into())?;
            for cell in heap.upvalue_cells(closure) {
                self.encoder.number(self.numbering.optional(cell.get()).into())?;
            }
        }
        Ok(())
    }

    /// The values of captured variables.
    pub fn cells(&mut self) -> Result<(), WriteError> {
        for &cell in &self.numbering.cells.objects {
            self.slot(&self.machine.heap.get(cell).value)?;
        }
        Ok(())
    }

    /// The names of the native functions that closures have, in the order in which they have them; then, of each
    /// closure, which of these it has and how many values.
    pub fn native_closures(&mut self) -> Result<(), WriteError> {
        let heap = &self.machine.heap;
        let mut numbers = Vec::new();
        let mut places = alloc::vec![None; self.machine.natives.len()];
        for &closure in &self.numbering.natives.objects {
            let native = heap.get(closure).native;
            places[native as usize].get_or_insert_with(|| {
                numbers.push(native);
                numbers.len() as u64 - 1
            });
        }
        self.encoder.number(numbers.len() as u64)?;
        for &native in &numbers {
            self.encoder.counted_bytes(self.machine.native(native).name.as_bytes())?;
        }
        for &closure in &self.numbering.natives.objects {
            let object = heap.get(closure);
            self.encoder.number(places[object.native as usize].unwrap_or(0))?;
            self.encoder.number(object.value_count.into())?;
        }
        Ok(())
    }

    /// The values of native closures.
    pub fn native_values(&mut self) -> Result<(), WriteError> {
        for &closure in &self.numbering.natives.objects {
            self.slots(self.machine.heap.native_values(closure))?;
        }
        Ok(())
    }
}

impl Reader<'_, '_> {
    /// Reads the modules, which go through the verifier.
    pub fn modules(&mut self, count: u32) -> Result<(), Refusal> {
        for number in 0..count {
            self.decoder.place = ("module", u64::from(number) + 1);
            let module = self.module()?;
            self.modules.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.modules.push(module);
        }
        Ok(())
    }

    fn module(&mut self) -> Result<Ref<RefArray>, Refusal> {
        let source = self.string()?;
        let memory = self.free_memory();
        let bytes = self.decoder.counted_bytes(memory)?;
        let module = file::read(&bytes, usize::try_from(memory).unwrap_or(usize::MAX))
            .map_err(|error| self.decoder.error(ReadErrorKind::Module(error)))?;
        drop(bytes);
        let mut strings = Vec::new();
        for _ in 0..string_constants(&module) {
            let string = self.string()?;
            strings.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            strings.push(string);
        }
        let mut strings = strings.into_iter();
        let loaded = self.machine.load_functions(&module, source, &mut |_, _| strings.next().ok_or(LoadError::Memory));
        loaded.map_err(|error| {
            self.decoder.error(match error {
                LoadError::Malformed(error) => ReadErrorKind::Unverified(error),
                LoadError::Memory => ReadErrorKind::Memory,
            })
        })
    }

    /// Reads the closures.
    pub fn closures(&mut self, count: u32) -> Result<(), Refusal> {
        for number in 0..count {
            self.decoder.place = ("function", u64::from(number) + 1);
            let (module, function) = (self.decoder.small()?, self.decoder.small()?);
            let module = module.checked_sub(1).and_then(|module| self.modules.get(module as usize));
            let function = module.and_then(|&module| self.machine.heap.refs(module).get(function as usize)?.get());
            let Some(prototype) = function.map(Ref::cast::<Prototype>) else {
                return Err(self.decoder.malformed("there is no such function in the modules"));
            };
            let closure = self.machine.heap.new_closure_of(prototype);
            let closure = closure.map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            for upvalue in 0..self.machine.heap.upvalue_cells(closure).len() {
                let cell = self.decoder.number()?;
                let Value::Cell(cell) = Value::from_parts(Tag::Cell as u8, self.reference(Tag::Cell as u8, cell)?)
                else {
                    return Err(self.decoder.malformed("there is no such variable"));
                };
                self.machine.heap.upvalue_cells(closure)[upvalue].set(Some(cell));
            }
            self.closures.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.closures.push(closure);
        }
        Ok(())
    }

    /// Reads the values of captured variables.
    pub fn cells(&mut self) -> Result<(), Refusal> {
        for number in 0..self.cells.len() {
            self.decoder.place = ("variable", number as u64 + 1);
            let (tag, payload) = self.value()?;
            self.machine.heap.get(self.cells[number]).value.set(Value::from_parts(tag, payload));
        }
        Ok(())
    }

    /// Reads which native functions there are.
    pub fn native_closures(&mut self, count: u32) -> Result<(), Refusal> {
        self.decoder.place = ("name of a native function", 0);
        let mut natives = Vec::new();
        for number in 0..self.decoder.small()? {
            self.decoder.place.1 = u64::from(number) + 1;
            let name = self.decoder.counted_bytes(LONGEST_NAME)?;
            let name = String::from_utf8_lossy(&name);
            let Some(native) = self.machine.find_native(&name) else {
                return Err(self.decoder.error(ReadErrorKind::Function(name.into_owned())));
            };
            natives.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            natives.push(native);
        }
        for number in 0..count {
            self.decoder.place = ("native function", u64::from(number) + 1);
            let (name, values) = (self.decoder.small()?, self.decoder.small()?);
            let Some(&native) = natives.get(name as usize) else {
                return Err(self.decoder.malformed("there is no such name"));
            };
            let closure = self.machine.heap.new_native_closure(native, values);
            let closure = closure.map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.natives.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.natives.push(closure);
        }
        Ok(())
    }

    /// Reads the values of native closures.
    pub fn native_values(&mut self) -> Result<(), Refusal> {
        for number in 0..self.natives.len() {
            self.decoder.place = ("native function", number as u64 + 1);
            let closure = self.natives[number];
            for index in 0..self.machine.heap.native_values(closure).len() {
                let (tag, payload) = self.value()?;
                self.machine.heap.native_values(closure)[index].set(Value::from_parts(tag, payload));
            }
        }
        Ok(())
    }
}

fn string_constants(module: &Module) -> usize {
    let constants = module.functions.iter().flat_map(|function| &function.constants);
    constants.filter(|constant| matches!(constant, Constant::String(_))).count()
}

/// The name of a type for messages about its objects.
pub(super) fn kind_name(name: &[u8]) -> String {
    String::from_utf8_lossy(name).as_ref().to_owned()
}
