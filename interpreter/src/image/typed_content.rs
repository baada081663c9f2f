//! What the objects that belong to WebAssembly hold: elements of tables, values of globals, everything an instance has,
//! fields and elements of structures and arrays.

use super::{
    error::{Refusal, WriteError},
    numbering::reference_table_elements,
    reader::Reader,
    writer::Writer,
};
use crate::{machine::Machine, typed::types};
use alloc::vec::Vec;
use lunette_bytecode::typed::function::{GlobalKind, Surroundings};
use lunette_gc::{
    object::{AnyObject, Object},
    packed::Unwritten,
    reference::Ref,
    storage::RefArray,
    typed::{ExceptionTag, Form, Global, Instance, TypedFunction},
    value::{Slot, Tag, Value},
};

impl Writer<'_, '_> {
    /// What these objects hold.
    pub fn typed_content(&mut self) -> Result<(), WriteError> {
        let (machine, numbering) = (self.machine, self.numbering);
        for &table in &numbering.reference_tables.objects {
            self.slots(reference_table_elements(machine, table))?;
        }
        for &global in &numbering.globals.objects {
            let object = machine.heap.get(global);
            if object.owner.is_none() {
                self.global_value(&object.slots)?;
            }
        }
        for &function in &numbering.typed_functions.objects {
            let object = machine.heap.get(function);
            if object.instance.is_none() {
                self.slot(&object.callee)?;
            }
        }
        for &object in &numbering.typed_objects.objects {
            machine.heap.numbers(object).try_for_each(|number| self.encoder.number(number))?;
            self.encoder.cells(machine.heap.element_bytes(object))?;
            for place in machine.heap.references(object) {
                let value = machine.heap.reference(place).to_parts();
                self.encoder.value(self.numbering.parts(machine, value))?;
            }
        }
        numbering.instances.objects.iter().try_for_each(|&instance| self.instance_content(instance))
    }

    fn global_value(&mut self, slots: &[Slot]) -> Result<(), WriteError> {
        self.slot(&slots[0])?;
        self.encoder.number(slots[1].payload.get())
    }

    fn numbers<'a>(
        &mut self,
        places: impl Iterator<Item = &'a core::cell::Cell<Option<Ref<AnyObject>>>>,
    ) -> Result<(), WriteError> {
        for place in places {
            self.encoder.number(self.numbering.optional(place.get()).into())?;
        }
        Ok(())
    }

    fn instance_content(&mut self, instance: Ref<Instance>) -> Result<(), WriteError> {
        let heap = &self.machine.heap;
        let object = heap.get(instance);
        self.numbers(heap.refs(object.functions).iter().take(imported_functions(self.machine, instance)))?;
        for array in [object.memories, object.tables, object.tags, object.imported_globals] {
            self.numbers(heap.refs(array).iter())?;
        }
        let (segments, _) = heap.bytes(object.data).as_chunks::<8>();
        for segment in segments {
            self.encoder.byte((*segment != DROPPED).into())?;
        }
        for segment in heap.refs(object.elements) {
            match segment.get().map(|segment| heap.slots(segment.cast())) {
                None => self.encoder.number(0)?,
                Some(elements) => {
                    self.encoder.number(elements.len() as u64 + 1)?;
                    self.slots(elements)?;
                }
            }
        }
        self.encoder.number(self.numbering.optional(object.exports.get()).into())?;
        let imported = heap.refs(object.imported_globals).len();
        heap.globals(instance).chunks_exact(2).skip(imported).try_for_each(|slots| self.global_value(slots))
    }
}

/// The record of a data segment that was dropped.
const DROPPED: [u8; 8] = [0; 8];

fn imported_functions(machine: &Machine, instance: Ref<Instance>) -> usize {
    let prototypes = machine.heap.refs(machine.heap.get(instance).prototypes);
    prototypes.iter().take_while(|prototype| prototype.get().is_none()).count()
}

impl Reader<'_, '_> {
    /// Reads the elements of tables.
    pub fn table_elements(&mut self) -> Result<(), Refusal> {
        for number in 0..self.typed.tables.len() {
            self.decoder.place = ("table of references", number as u64 + 1);
            let elements = self.machine.heap.get(self.typed.tables[number]).elements.get();
            for index in 0..self.machine.heap.slots(elements).len() {
                let (tag, payload) = self.value()?;
                self.machine.heap.slots(elements)[index].set(Value::from_parts(tag, payload));
            }
        }
        Ok(())
    }

    /// Reads the values of globals that are nobody's.
    pub fn global_values(&mut self) -> Result<(), Refusal> {
        for number in 0..self.typed.globals.len() {
            self.decoder.place = ("global", number as u64 + 1);
            let global = self.typed.globals[number];
            if self.machine.heap.get(global).owner.is_none() {
                let kind = types::decode(self.machine.heap.get(global).value_type).kind();
                let (value, high) = self.global_value(kind)?;
                let slots = self.machine.heap.global_slots(global);
                slots[0].set(value);
                slots[1].payload.set(high);
            }
        }
        Ok(())
    }

    /// A value for the two slots of a global.
    fn global_value(&mut self, kind: GlobalKind) -> Result<(Value, u64), Refusal> {
        let (tag, payload) = self.value()?;
        let high = self.decoder.number()?;
        let is_right = match kind {
            GlobalKind::Reference => high == 0,
            GlobalKind::Number => high == 0 && tag == Tag::Integer as u8,
            GlobalKind::Vector => tag == Tag::Integer as u8,
        };
        if is_right {
            Ok((Value::from_parts(tag, payload), high))
        } else {
            Err(self.decoder.malformed("value of a global"))
        }
    }

    /// Reads what the functions of the host are.
    pub fn callees(&mut self) -> Result<(), Refusal> {
        for number in 0..self.typed.functions.len() {
            self.decoder.place = ("WebAssembly function", number as u64 + 1);
            let function = self.typed.functions[number];
            if self.machine.heap.get(function).instance.is_none() {
                let (tag, payload) = self.value()?;
                self.machine.heap.get(function).callee.set(Value::from_parts(tag, payload));
            }
        }
        Ok(())
    }

    /// Reads fields and elements of structures and arrays.
    pub fn object_content(&mut self) -> Result<(), Refusal> {
        for place in 0..self.typed.objects.len() {
            self.decoder.place = ("WebAssembly object", place as u64 + 1);
            let object = self.typed.objects[place];
            let mut numbers = Vec::new();
            for _ in 0..self.machine.heap.numbers(object).count() {
                numbers.push(self.decoder.number()?);
            }
            self.decoder.cells(self.machine.heap.element_bytes(object))?;
            let mut references = Vec::new();
            for index in 0..self.machine.heap.references(object).count() {
                let (tag, payload) = self.value()?;
                let value = Value::from_parts(tag, payload);
                match self.machine.heap.reference_elements(object, index..index + 1).next() {
                    Some(place) => {
                        self.machine.heap.set_reference(place, value).map_err(|why| self.unwritten(why))?;
                    }
                    None => references.push(value),
                }
            }
            if self.machine.heap.form_of(object) == Form::Structure {
                let (mut numbers, mut references) = (numbers.into_iter(), references.into_iter());
                let set = self.machine.heap.set_fields(
                    object,
                    || numbers.next().unwrap_or_default(),
                    || references.next().unwrap_or(Value::Nil),
                );
                set.map_err(|why| self.unwritten(why))?;
            }
        }
        Ok(())
    }

    fn unwritten(&self, why: Unwritten) -> Refusal {
        match why {
            Unwritten::Memory(_) => self.memory_error(),
            Unwritten::OtherKind => self.decoder.malformed("a reference of another type"),
        }
    }

    /// Reads what the instances have.
    pub fn instance_content(&mut self) -> Result<(), Refusal> {
        for number in 0..self.typed.instances.len() {
            self.decoder.place = ("instance", number as u64 + 1);
            let (instance, module) = self.typed.instances[number];
            let surroundings = core::mem::take(&mut self.typed.modules[module].1.surroundings);
            let result = self.content_of(instance, &surroundings);
            self.typed.modules[module].1.surroundings = surroundings;
            result?;
        }
        Ok(())
    }

    /// Fills an array with objects by their numbers; which of them fit their places is asked.
    fn members<T: Object>(
        &mut self,
        array: Ref<RefArray>,
        count: usize,
        find: impl Fn(&Self, usize) -> Option<Ref<T>>,
        fits: impl Fn(&Self, usize, Ref<T>) -> bool,
    ) -> Result<(), Refusal> {
        for index in 0..count {
            let number = self.decoder.small()? as usize;
            let object = number.checked_sub(1).and_then(|place| find(self, place));
            let Some(object) = object.filter(|&object| fits(self, index, object)) else {
                return Err(self.decoder.malformed("what an instance has"));
            };
            self.machine.heap.refs(array)[index].set(Some(object.cast()));
        }
        Ok(())
    }

    fn content_of(&mut self, instance: Ref<Instance>, surroundings: &Surroundings) -> Result<(), Refusal> {
        let object = self.machine.heap.get(instance);
        let (functions, memories, tables) = (object.functions, object.memories, object.tables);
        let (tags, globals, data, segments) = (object.tags, object.imported_globals, object.data, object.elements);
        self.members(
            functions,
            imported_functions(self.machine, instance),
            |reader, place| reader.typed.functions.get(place).copied(),
            |reader, index, function: Ref<TypedFunction>| {
                let signature = reader.machine.function_type(reader.machine.heap.get(function).kind).signature();
                surroundings.signature(index as u32) == Some(signature)
            },
        )?;
        let find = |reader: &Self, place: usize| reader.typed.memories.get(place).copied();
        self.members(memories, surroundings.memories as usize, find, |_, _, _| true)?;
        let find = |reader: &Self, place: usize| reader.typed.tables.get(place).copied();
        self.members(tables, surroundings.tables as usize, find, |_, _, _| true)?;
        self.members(
            tags,
            surroundings.tags.len(),
            |reader, place| reader.typed.exception_tags.get(place).copied(),
            |reader, index, tag: Ref<ExceptionTag>| {
                let kind = reader.machine.heap.get(tag).kind;
                let parameters = reader.machine.function_type(kind).signature().parameters;
                surroundings.tag_values(index as u32) == Some(parameters)
            },
        )?;
        self.members(
            globals,
            surroundings.imported_globals as usize,
            |reader, place| reader.typed.globals.get(place).copied(),
            |reader, index, global: Ref<Global>| {
                let kind = types::decode(reader.machine.heap.get(global).value_type).kind();
                surroundings.globals.get(index) == Some(&kind)
            },
        )?;
        for segment in 0..surroundings.data_segments {
            match self.decoder.byte()? {
                0 => self.machine.heap.write_bytes(data, 8 * segment as usize, &DROPPED),
                1 => {}
                _ => return Err(self.decoder.malformed("a segment of an instance")),
            }
        }
        for segment in 0..surroundings.element_segments {
            let Some(count) = self.decoder.small()?.checked_sub(1) else { continue };
            self.prepare(count as usize * size_of::<Slot>());
            let elements = self.machine.heap.new_slot_array(count).map_err(|_| self.memory_error())?;
            for index in 0..count as usize {
                let (tag, payload) = self.value()?;
                self.machine.heap.slots(elements)[index].set(Value::from_parts(tag, payload));
            }
            self.machine.heap.refs(segments)[segment as usize].set(Some(elements.cast()));
        }
        let exports = self.decoder.small()?;
        if exports != 0 {
            let exports = self.table_numbered(exports)?;
            self.machine.heap.get(instance).exports.set(Some(exports));
        }
        for (index, &kind) in surroundings.globals.iter().enumerate().skip(surroundings.imported_globals as usize) {
            let (value, high) = self.global_value(kind)?;
            let slots = &self.machine.heap.globals(instance)[2 * index..][..2];
            slots[0].set(value);
            slots[1].payload.set(high);
        }
        Ok(())
    }
}
