//! References in fields and elements: packed slots, and references to structures and arrays alone. What lies in a cell, needs
//! one, or is no reference to an object where there must be one is left to the interpreter.

use super::{
    Emitter, own,
    references::{Known, Reference},
};
use crate::typed::registers::Set;
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC, types};
use lunette_interpreter::typed::native::{Form, layout};

impl Emitter<'_, '_, '_> {
    /// Has the reference in a packed slot in a register. What lies in a cell is left to the interpreter.
    fn load_packed(&mut self, instruction: usize, (place, offset): (Value, i32), register: usize, live: &Set) {
        let tag = self.builder.ins().load(types::I32, own(), place, offset + layout::PACKED_TAG);
        let payload = self.builder.ins().load(types::I32, own(), place, offset + layout::PACKED_PAYLOAD);
        let is_cell = self.builder.ins().icmp_imm_s(IntCC::Equal, tag, layout::CELL_TAG);
        self.leave_if(is_cell, instruction, live);
        // Most are references, which need not wait for a comparison.
        let [integer, next] = core::array::from_fn(|_| self.builder.create_block());
        self.builder.set_cold_block(integer);
        let extended = self.builder.append_block_param(next, types::I64);
        let units = self.builder.ins().uextend(types::I64, payload);
        let is_integer = self.builder.ins().icmp_imm_s(IntCC::Equal, tag, layout::INTEGER_TAG);
        self.builder.ins().brif(is_integer, integer, [], next, &[units.into()]);
        self.builder.switch_to_block(integer);
        let number = self.builder.ins().sextend(types::I64, payload);
        self.builder.ins().jump(next, &[number.into()]);
        self.seal([integer, next]);
        self.builder.switch_to_block(next);
        self.write_reference(register, Reference { tag, payload: extended });
        self.found.known.insert(register, Known::Packed);
    }

    /// Puts a reference that fits into a packed slot.
    fn store_packed(&mut self, place: Value, offset: i32, Reference { tag, payload }: Reference) {
        let payload = self.builder.ins().ireduce(types::I32, payload);
        self.builder.ins().store(own(), payload, place, offset + layout::PACKED_PAYLOAD);
        self.builder.ins().store(own(), tag, place, offset + layout::PACKED_TAG);
    }

    /// Has the reference to an object, or null, at a place in a register.
    fn load_object(&mut self, place: Value, offset: i32, register: usize) {
        let payload = self.builder.ins().uload32(own(), place, offset);
        let [null, object] =
            [layout::NULL_TAG, layout::OBJECT_TAG].map(|tag| self.builder.ins().iconst(types::I32, tag));
        let tag = self.builder.ins().select(payload, object, null);
        self.write_reference(register, Reference { tag, payload });
        self.found.known.insert(register, Known::Object);
    }

    /// Puts a reference to an object, or null, at a place.
    fn store_object(&mut self, place: Value, offset: i32, Reference { payload, .. }: Reference) {
        self.builder.ins().istore32(own(), payload, place, offset);
    }

    /// Leaves before an instruction if a register refers to what is no structure and no array; the payload is 0 behind it if it
    /// is null.
    fn check_object(&mut self, instruction: usize, register: usize, live: &Set) {
        let reference = self.read_reference(register);
        let is_known =
            matches!(self.found.known.get(&register), Some(Known::Object | Known::Structure(_) | Known::Array(_)));
        if is_known || self.known_tag(reference.tag) == Some(layout::OBJECT_TAG) {
            return;
        }
        let zero = self.builder.ins().iconst(types::I64, 0);
        let is_null = self.builder.ins().icmp_imm_s(IntCC::Equal, reference.tag, layout::NULL_TAG);
        if self.known_tag(reference.tag) != Some(layout::NULL_TAG) {
            let is_object = self.builder.ins().icmp_imm_s(IntCC::Equal, reference.tag, layout::OBJECT_TAG);
            let is_one = self.builder.ins().bor(is_null, is_object);
            let is_other = self.builder.ins().bxor_imm_s(is_one, 1);
            self.leave_if(is_other, instruction, live);
        }
        let payload = self.builder.ins().select(is_null, zero, reference.payload);
        self.write_reference(register, Reference { payload, ..reference });
        self.found.known.insert(register, Known::Object);
    }

    /// Has the reference at a place for those of a form in a register. What lies in a cell is left to the interpreter.
    pub(super) fn load_from(
        &mut self,
        form: Form,
        instruction: usize,
        (place, offset): (Value, i32),
        register: usize,
        live: &Set,
    ) {
        match form {
            Form::ArrayObject => self.load_object(place, offset, register),
            _ => self.load_packed(instruction, (place, offset), register, live),
        }
    }

    /// Leaves before an instruction if the reference in a register does not fit where there is room for those of a form.
    pub(super) fn check_fits_in(&mut self, form: Form, instruction: usize, register: usize, live: &Set) {
        match form {
            Form::ArrayObject => self.check_object(instruction, register, live),
            _ => self.check_fits(instruction, register, live),
        }
    }

    /// Puts a reference that fits where there is room for one of a form.
    pub(super) fn store_in(&mut self, form: Form, place: Value, offset: i32, reference: Reference) {
        match form {
            Form::ArrayObject => self.store_object(place, offset, reference),
            _ => self.store_packed(place, offset, reference),
        }
    }

    /// Leaves before an instruction if the reference in a register does not fit into a packed slot.
    fn check_fits(&mut self, instruction: usize, register: usize, live: &Set) {
        let Reference { tag, payload } = self.read_reference(register);
        let is_known = self.known_tag(tag).is_some_and(|known| known != layout::INTEGER_TAG);
        if is_known || self.found.known.contains_key(&register) {
            return;
        }
        self.found.known.insert(register, Known::Packed);
        let distance = self.builder.ins().iadd_imm_s(tag, -layout::INTEGER_TAG);
        let is_number = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, distance, layout::NUMBER_TAGS);
        let [number, exit, next] = core::array::from_fn(|_| self.builder.create_block());
        self.builder.set_cold_block(number);
        self.builder.set_cold_block(exit);
        self.builder.ins().brif(is_number, number, [], next, []);
        self.builder.switch_to_block(number);
        self.builder.seal_block(number);
        let is_integer = self.builder.ins().icmp_imm_s(IntCC::Equal, tag, layout::INTEGER_TAG);
        let low = self.builder.ins().ireduce(types::I32, payload);
        let same = self.builder.ins().sextend(types::I64, low);
        let is_small = self.builder.ins().icmp(IntCC::Equal, same, payload);
        let fits = self.builder.ins().band(is_integer, is_small);
        self.builder.ins().brif(fits, next, [], exit, []);
        self.builder.switch_to_block(exit);
        self.builder.seal_block(exit);
        self.leave(instruction, live);
        self.builder.switch_to_block(next);
        self.builder.seal_block(next);
    }

    /// Tells the collector that a reference was written into an object, if it wants to know.
    pub(super) fn emit_barrier(&mut self, address: Value, payload: Value, written: Reference) {
        let bits = self.builder.ins().uload8(types::I32, own(), address, layout::BARRIER);
        let is_wanted = self.builder.ins().band_imm_s(bits, layout::BARRIER_BIT);
        let [wanted, next] = core::array::from_fn(|_| self.builder.create_block());
        self.builder.set_cold_block(wanted);
        self.builder.ins().brif(is_wanted, wanted, [], next, []);
        self.builder.switch_to_block(wanted);
        let function = self.load_own(types::I64, layout::WRITTEN);
        let tag = self.builder.ins().uextend(types::I64, written.tag);
        let arguments = [self.machine(), payload, tag, written.payload];
        self.builder.ins().call_indirect(self.written_signature, function, &arguments);
        self.builder.ins().jump(next, []);
        self.seal([wanted, next]);
        self.builder.switch_to_block(next);
    }
}
