//! Packed slots: references in fields and elements. What lies in a cell, or needs one, is left to the interpreter.

use super::{
    Emitter, own,
    references::{Known, Reference},
};
use crate::typed::registers::Set;
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC, types};
use lunette_interpreter::typed::native::layout;

impl Emitter<'_, '_, '_> {
    /// Has the reference in a packed slot in a register. What lies in a cell is left to the interpreter.
    pub(super) fn load_packed(
        &mut self,
        instruction: usize,
        (place, offset): (Value, i32),
        register: usize,
        live: &Set,
    ) {
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
    pub(super) fn store_packed(&mut self, place: Value, offset: i32, Reference { tag, payload }: Reference) {
        let payload = self.builder.ins().ireduce(types::I32, payload);
        self.builder.ins().store(own(), payload, place, offset + layout::PACKED_PAYLOAD);
        self.builder.ins().store(own(), tag, place, offset + layout::PACKED_TAG);
    }

    /// Leaves before an instruction if the reference in a register does not fit into a packed slot.
    pub(super) fn check_fits(&mut self, instruction: usize, register: usize, live: &Set) {
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
