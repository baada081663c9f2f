//! What instructions with structures and arrays do when moving values is not enough; by the rules of [`super::slow`].

use super::{
    convert::Register,
    slow::{Arguments, Running, after_allocation, charge_bytes, go_on, range},
};
use crate::{
    call::Next,
    dispatch::state::{Operands, Status},
    error::Throw,
    machine::{Machine, Outcome},
};
use core::ops::Range;
use lunette_bytecode::{instruction::Word, typed::trap::Trap};
use lunette_gc::{
    packed::{ReferencePlace, Unwritten},
    reference::Ref,
    storage::SlotArray,
    typed::{CanonicalType, Form, TypedObject},
    value::{Slot, Value},
};

/// The value of a small integer: the low 31 bits, the highest of which is the sign.
pub fn i31(bits: u64) -> Value {
    Value::Integer((((bits as u32) << 1) as i32 >> 1).into())
}

impl Machine {
    /// A structure with these fields, in the order in which they were declared.
    pub fn new_structure(&mut self, kind: Ref<CanonicalType>, fields: &[Register]) -> Result<Ref<TypedObject>, Throw> {
        let mut numbers = fields.iter().flat_map(|&field| match field {
            Register::Number(bits) => [Some(bits), None],
            Register::Vector([low, high]) => [Some(low), Some(high)],
            Register::Reference(_) => [None, None],
        });
        let mut references = fields.iter().filter_map(|&field| match field {
            Register::Reference(value) => Some(value),
            _ => None,
        });
        let structure = self.heap.new_object(kind, 0)?;
        let set = self.heap.set_fields(
            structure,
            || numbers.by_ref().flatten().next().unwrap_or_default(),
            || references.next().unwrap_or(Value::Nil),
        );
        set.map_err(|why| self.unwritten(why))?;
        Ok(structure)
    }

    /// Sets elements of an array.
    pub fn fill_array(&mut self, array: Ref<TypedObject>, range: Range<usize>, element: Register) -> Result<(), Throw> {
        match element {
            Register::Number(bits) => self.heap.fill_elements(array, range, bits, 0),
            Register::Vector([low, high]) => self.heap.fill_elements(array, range, low, high),
            Register::Reference(value) => {
                let mut places = self.heap.reference_elements(array, range);
                if let Some(first) = places.next() {
                    let set = self.heap.set_reference(first, value);
                    places.for_each(|place| place.copy_from(first));
                    self.heap.barrier(array);
                    set.map_err(|why| self.unwritten(why))?;
                }
            }
        }
        Ok(())
    }

    /// Copies values of slots to elements of an array, from one on, which are there.
    fn pack(&self, from: &[Slot], array: Ref<TypedObject>, start: usize) -> Result<(), Unwritten> {
        let places = self.heap.reference_elements(array, start..start + from.len());
        from.iter().zip(places).try_for_each(|(from, place)| self.heap.set_reference(place, from.get()))
    }

    /// The error of a reference that was not written.
    fn unwritten(&mut self, why: Unwritten) -> Throw {
        match why {
            Unwritten::Memory(error) => error.into(),
            Unwritten::OtherKind => self.misused(),
        }
    }

    /// The error of code that the translator should not have made: the verifier does not know what references refer to.
    #[cold]
    pub(super) fn misused(&mut self) -> Throw {
        self.runtime_error(format_args!("malformed code: a reference is of another type"))
    }

    /// The array that a register refers to.
    fn array_at(&mut self, offset: usize) -> Result<Ref<TypedObject>, Throw> {
        match self.value(self.reference_register(offset)) {
            Value::TypedObject(array) if self.heap.form_of(array).is_array() => Ok(array),
            Value::Nil => Err(self.trap(Trap::NullArray)),
            _ => Err(self.misused()),
        }
    }

    /// Ends an instruction that has made an object: the result is at a byte offset, the content has so many bytes.
    fn give_object(&mut self, offset: usize, object: Ref<TypedObject>, bytes: u64) -> Outcome {
        self.set_value(self.reference_register(offset), Value::TypedObject(object));
        charge_bytes(self, bytes)?;
        if self.limits.is_stop_due() && !self.heap.needs_collection() {
            return Ok(self.drive(Next::Typed));
        }
        after_allocation(self)
    }

    fn give_array(&mut self, offset: usize, array: Ref<TypedObject>) -> Outcome {
        let bytes = u64::from(self.heap.length_of(array)) * self.heap.form_of(array).element_bytes() as u64;
        self.give_object(offset, array, bytes)
    }
}

/// A read of a field that is not there.
pub(super) fn no_structure_read(machine: &mut Machine, word: Word) -> Outcome {
    no_structure(machine, word.b())
}

/// A write to a field that is not there.
pub(super) fn no_structure_write(machine: &mut Machine, word: Word) -> Outcome {
    no_structure(machine, word.a())
}

fn no_structure(machine: &mut Machine, offset: usize) -> Outcome {
    Err(match machine.value(machine.reference_register(offset)) {
        Value::Nil => machine.trap(Trap::NullStructure),
        _ => machine.misused(),
    })
}

/// A read of an element that is not there.
pub(super) fn no_element_read(machine: &mut Machine, word: Word) -> Outcome {
    no_element(machine, word.b(), word.c())
}

/// A write to an element that is not there.
pub(super) fn no_element_write(machine: &mut Machine, word: Word) -> Outcome {
    no_element(machine, word.a(), word.b())
}

fn no_element(machine: &mut Machine, array: usize, index: usize) -> Outcome {
    let array = machine.array_at(array)?;
    let is_outside = machine.number_at(index) as u32 >= machine.heap.length_of(array);
    Err(if is_outside { machine.trap(Trap::ArrayOutOfBounds) } else { machine.misused() })
}

/// `array_length` of what is no array.
pub(super) fn no_array(machine: &mut Machine, word: Word) -> Outcome {
    let array = machine.array_at(word.b())?;
    unreachable!("{array:?} is an array")
}

/// A small integer was wanted.
pub(super) fn no_i31(machine: &mut Machine, word: Word) -> Outcome {
    Err(match machine.value(machine.reference_register(word.b())) {
        Value::Nil => machine.trap(Trap::NullI31),
        _ => machine.misused(),
    })
}

/// `reference_cast` that fails.
pub(super) fn cast_failure(machine: &mut Machine, _: Word) -> Outcome {
    Err(machine.trap(Trap::CastFailure))
}

/// A reference to an object, or null, was wanted, and is something else.
pub(super) fn other_kind(machine: &mut Machine, _: Word) -> Outcome {
    Err(machine.misused())
}

/// A reference was written into a structure that the collector has scanned.
pub(super) fn structure_barrier(machine: &mut Machine, word: Word) -> Outcome {
    if let Value::TypedObject(structure) = machine.value(machine.reference_register(word.a())) {
        machine.heap.barrier(structure);
    }
    Ok(Status::Next)
}

/// The place of the field of the structure at a byte offset, which is a reference and was seen to be there.
fn packed_field(machine: &Machine, word: Word, structure: usize) -> Option<(Ref<TypedObject>, ReferencePlace<'_>)> {
    let offset = Running::new(machine, word).wide(machine, 1);
    match machine.value(machine.reference_register(structure)) {
        Value::TypedObject(object) => Some((object, machine.heap.reference_at_offset(object, offset)?)),
        _ => None,
    }
}

/// The place of the element of the array at a byte offset, with the index at another, which was seen to be there.
fn packed_element(machine: &Machine, array: usize, index: usize) -> Option<(Ref<TypedObject>, ReferencePlace<'_>)> {
    match machine.value(machine.reference_register(array)) {
        Value::TypedObject(object) => {
            let index = machine.number_at(index) as u32 as usize;
            Some((object, machine.heap.reference_elements(object, index..index + 1).next()?))
        }
        _ => None,
    }
}

/// `structure_get_reference` of what lies in a cell
pub(super) fn structure_get_packed(machine: &mut Machine, word: Word) -> Outcome {
    let value = packed_field(machine, word, word.b()).map(|(_, place)| machine.heap.reference(place));
    get_packed(machine, word, value)
}

/// `array_get_reference` of what lies in a cell
pub(super) fn array_get_packed(machine: &mut Machine, word: Word) -> Outcome {
    let value = packed_element(machine, word.b(), word.c()).map(|(_, place)| machine.heap.reference(place));
    get_packed(machine, word, value)
}

fn get_packed(machine: &mut Machine, word: Word, value: Option<Value>) -> Outcome {
    let Some(value) = value else { return Err(machine.misused()) };
    machine.set_value(machine.reference_register(word.a()), value);
    Ok(Status::Next)
}

/// `structure_set_reference` of what needs a cell
pub(super) fn structure_set_packed(machine: &mut Machine, word: Word) -> Outcome {
    let value = machine.value(machine.reference_register(word.b()));
    let Some((structure, place)) = packed_field(machine, word, word.a()) else { return Err(machine.misused()) };
    let set = machine.heap.set_reference(place, value);
    machine.heap.barrier(structure);
    set.map_err(|why| machine.unwritten(why))?;
    after_allocation(machine)
}

/// `array_set_reference` of what needs a cell
pub(super) fn array_set_packed(machine: &mut Machine, word: Word) -> Outcome {
    let value = machine.value(machine.reference_register(word.c()));
    let Some((array, place)) = packed_element(machine, word.a(), word.b()) else { return Err(machine.misused()) };
    let set = machine.heap.set_reference(place, value);
    machine.heap.barrier_element(array, place.parts());
    set.map_err(|why| machine.unwritten(why))?;
    after_allocation(machine)
}

/// A reference was written into an array that the collector has scanned.
pub(super) fn array_barrier(machine: &mut Machine, word: Word) -> Outcome {
    if let Value::TypedObject(array) = machine.value(machine.reference_register(word.a())) {
        let value = machine.value(machine.reference_register(word.c()));
        machine.heap.barrier_element(array, value.to_parts());
    }
    Ok(Status::Next)
}

/// `structure_new`
pub(super) fn structure_new(machine: &mut Machine, word: Word) -> Outcome {
    let running = Running::new(machine, word);
    let arguments = Arguments::of(running, machine);
    let structure = machine.heap.new_object(machine.type_of(running.wide(machine, 0)), 0)?;
    let (mut number, mut reference) = (0..arguments.numbers, 0..arguments.references);
    let set = machine.heap.set_fields(
        structure,
        || number.next().map_or(0, |index| arguments.number_value(running, machine, index)),
        || reference.next().map_or(Value::Nil, |index| arguments.reference_value(running, machine, index)),
    );
    set.map_err(|why| machine.unwritten(why))?;
    machine.give_object(word.a(), structure, 0)
}

/// `structure_new_default`
pub(super) fn structure_new_default(machine: &mut Machine, word: Word) -> Outcome {
    let structure = machine.heap.new_object(machine.type_of(word.d()), 0)?;
    machine.give_object(word.a(), structure, 0)
}

/// What registers from a byte offset on hold, as an element of an array.
fn element_at(machine: &mut Machine, form: Form, offset: usize, is_reference: bool) -> Result<Register, Throw> {
    match (form, is_reference) {
        _ if form.has_references() != is_reference => Err(machine.misused()),
        (_, true) => Ok(Register::Reference(machine.value(machine.reference_register(offset)))),
        (Form::ArrayVector, false) => Ok(Register::Vector([machine.number_at(offset), machine.number_at(offset + 8)])),
        (_, false) => Ok(Register::Number(machine.number_at(offset))),
    }
}

fn new_array(machine: &mut Machine, word: Word, is_reference: bool) -> Outcome {
    let kind = machine.type_of(Running::new(machine, word).wide(machine, 0));
    let length = machine.number_at(word.c()) as u32;
    let element = element_at(machine, machine.heap.form(kind), word.b(), is_reference)?;
    let array = machine.heap.new_object(kind, length)?;
    machine.fill_array(array, 0..length as usize, element)?;
    machine.give_array(word.a(), array)
}

/// `array_new`
pub(super) fn array_new(machine: &mut Machine, word: Word) -> Outcome {
    new_array(machine, word, false)
}

/// `array_new_vector`
pub(super) fn array_new_vector(machine: &mut Machine, word: Word) -> Outcome {
    new_array(machine, word, false)
}

/// `array_new_reference`
pub(super) fn array_new_reference(machine: &mut Machine, word: Word) -> Outcome {
    new_array(machine, word, true)
}

/// `array_new_default`
pub(super) fn array_new_default(machine: &mut Machine, word: Word) -> Outcome {
    let kind = machine.type_of(Running::new(machine, word).wide(machine, 0));
    let array = machine.heap.new_object(kind, machine.number_at(word.b()) as u32)?;
    machine.give_array(word.a(), array)
}

/// `array_new_fixed`
pub(super) fn array_new_fixed(machine: &mut Machine, word: Word) -> Outcome {
    let running = Running::new(machine, word);
    let arguments = Arguments::of(running, machine);
    let kind = machine.type_of(running.wide(machine, 0));
    let halves = if machine.heap.form(kind) == Form::ArrayVector { 2 } else { 1 };
    let array = machine.heap.new_object(kind, arguments.numbers / halves + arguments.references)?;
    for index in 0..arguments.numbers / halves {
        let number = |half| arguments.number_value(running, machine, halves * index + half);
        let (low, high) = (number(0), if halves == 2 { number(1) } else { 0 });
        machine.heap.fill_elements(array, index as usize..index as usize + 1, low, high);
    }
    let places = machine.heap.reference_elements(array, 0..arguments.references as usize);
    let set = (0..arguments.references).zip(places).try_for_each(|(index, place)| {
        machine.heap.set_reference(place, arguments.reference_value(running, machine, index))
    });
    set.map_err(|why| machine.unwritten(why))?;
    // The words of the list have been paid for.
    machine.give_object(word.a(), array, 0)
}

impl Machine {
    /// Where bytes of a data segment for `count` elements of a form, from byte `from` of the segment on, lie in the file.
    fn data_for(&mut self, segment: u32, from: u64, count: u64, form: Form) -> Result<Range<usize>, Throw> {
        if form.has_references() {
            return Err(self.misused());
        }
        let (start, length) = self.data_segment(segment);
        match range(from, count * form.element_bytes() as u64, length) {
            Some(range) => Ok(start + range.start..start + range.end),
            None => Err(self.trap(Trap::MemoryOutOfBounds)),
        }
    }

    /// Copies bytes of the module's file to the elements of an array from `index` on.
    fn write_data(&self, array: Ref<TypedObject>, index: usize, range: Range<usize>) {
        let module = self.heap.get(self.running_instance()).module;
        let file = self.heap.bytes(self.heap.get(module).bytes);
        self.heap.write_elements(array, index * self.heap.form_of(array).element_bytes(), &file[range]);
    }

    /// The range of an element segment, which may have been dropped.
    fn elements_for(
        &mut self,
        segment: u32,
        from: u64,
        count: u64,
    ) -> Result<(Option<Ref<SlotArray>>, Range<usize>), Throw> {
        let segments = self.heap.get(self.running_instance()).elements;
        let segment = self.heap.reference_at::<SlotArray>(segments, segment);
        match range(from, count, segment.map_or(0, |segment| self.heap.slots(segment).len())) {
            Some(range) => Ok((segment, range)),
            None => Err(self.trap(Trap::TableOutOfBounds)),
        }
    }

    /// The range of an array from the element in a number register on.
    fn range_at(&mut self, array: Ref<TypedObject>, start: usize, count: u64) -> Result<Range<usize>, Throw> {
        let (start, length) = (self.number_at(start), self.heap.length_of(array) as usize);
        range(start, count, length).ok_or_else(|| self.trap(Trap::ArrayOutOfBounds))
    }

    fn charge_elements(&mut self, array: Ref<TypedObject>, count: u64) -> Result<(), Throw> {
        charge_bytes(self, count * self.heap.form_of(array).element_bytes() as u64)
    }
}

/// `array_new_data`
pub(super) fn array_new_data(machine: &mut Machine, word: Word) -> Outcome {
    let running = Running::new(machine, word);
    let kind = machine.type_of(running.wide(machine, 0));
    let (from, count) = (machine.number_at(word.b()), machine.number_at(word.c()));
    let data = machine.data_for(running.wide(machine, 1), from, count, machine.heap.form(kind))?;
    let array = machine.heap.new_object(kind, count as u32)?;
    machine.write_data(array, 0, data);
    machine.give_array(word.a(), array)
}

/// `array_new_elements`
pub(super) fn array_new_elements(machine: &mut Machine, word: Word) -> Outcome {
    let running = Running::new(machine, word);
    let kind = machine.type_of(running.wide(machine, 0));
    let (from, count) = (machine.number_at(word.b()), machine.number_at(word.c()));
    let (segment, range) = machine.elements_for(running.wide(machine, 1), from, count)?;
    let array = machine.heap.new_object(kind, count as u32)?;
    if let Some(segment) = segment {
        machine.pack(&machine.heap.slots(segment)[range], array, 0).map_err(|why| machine.unwritten(why))?;
    }
    machine.give_array(word.a(), array)
}

fn fill(machine: &mut Machine, word: Word, is_reference: bool) -> Outcome {
    let running = Running::new(machine, word);
    let array = machine.array_at(word.a())?;
    let count = machine.number_at(running.short(machine, 0));
    let range = machine.range_at(array, word.b(), count)?;
    let element = element_at(machine, machine.heap.form_of(array), word.c(), is_reference)?;
    machine.charge_elements(array, count)?;
    machine.fill_array(array, range, element)?;
    go_on(machine)
}

/// `array_fill`
pub(super) fn array_fill(machine: &mut Machine, word: Word) -> Outcome {
    fill(machine, word, false)
}

/// `array_fill_vector`
pub(super) fn array_fill_vector(machine: &mut Machine, word: Word) -> Outcome {
    fill(machine, word, false)
}

/// `array_fill_reference`
pub(super) fn array_fill_reference(machine: &mut Machine, word: Word) -> Outcome {
    fill(machine, word, true)
}

/// `array_copy`
pub(super) fn array_copy(machine: &mut Machine, word: Word) -> Outcome {
    let running = Running::new(machine, word);
    let (target, source) = (machine.array_at(word.a())?, machine.array_at(word.c())?);
    let count = machine.number_at(running.short(machine, 1));
    let to = machine.range_at(target, word.b(), count)?;
    let from = machine.range_at(source, running.short(machine, 0), count)?;
    machine.charge_elements(target, count)?;
    let is_copied = machine.heap.copy_elements((target, to.start), (source, from.start), count as usize);
    machine.heap.barrier(target);
    if !is_copied {
        return Err(machine.misused());
    }
    go_on(machine)
}

/// `array_initialize_data`
pub(super) fn array_initialize_data(machine: &mut Machine, word: Word) -> Outcome {
    let running = Running::new(machine, word);
    let array = machine.array_at(word.a())?;
    let count = machine.number_at(running.short(machine, 0));
    let to = machine.range_at(array, word.b(), count)?;
    let from = machine.number_at(word.c());
    let data = machine.data_for(running.wide(machine, 1), from, count, machine.heap.form_of(array))?;
    machine.charge_elements(array, count)?;
    machine.write_data(array, to.start, data);
    go_on(machine)
}

/// `array_initialize_elements`
pub(super) fn array_initialize_elements(machine: &mut Machine, word: Word) -> Outcome {
    let running = Running::new(machine, word);
    let array = machine.array_at(word.a())?;
    let count = machine.number_at(running.short(machine, 0));
    let to = machine.range_at(array, word.b(), count)?;
    let from = machine.number_at(word.c());
    let (segment, range) = machine.elements_for(running.wide(machine, 1), from, count)?;
    machine.charge_elements(array, count)?;
    if let Some(segment) = segment {
        let packed = machine.pack(&machine.heap.slots(segment)[range], array, to.start);
        machine.heap.barrier(array);
        packed.map_err(|why| machine.unwritten(why))?;
    }
    go_on(machine)
}
