//! `table.insert` and `table.remove` at the end of a list. What takes more is left to the quick form.

use super::{Emitter, of_content, of_object};
use cranelift_codegen::ir::{InstBuilder, condcodes::IntCC, types};
use lunette_interpreter::{
    frame::FRAME_SLOTS,
    machine_code::layout::{self, tag},
};

impl Emitter<'_, '_, '_> {
    /// Adds what is in the register after that of the list.
    pub(super) fn emit_insert(&mut self, list: usize) {
        let slow = self.slow();
        let table = self.table(list, slow);
        let (value_tag, payload, is_plain) = self.value(list + 1);
        if !is_plain {
            let is_nil = self.builder.ins().icmp_imm_s(IntCC::Equal, value_tag, i64::from(tag::NIL));
            self.go_if(is_nil, slow);
        }
        self.check_barrier(table, value_tag, is_plain, slow);
        let array = self.array_in(table);
        self.check_room_for_element(table, array.length, slow);
        self.charge(layout::NATIVE_CALL_COST);
        self.append_element(table, array, array.length, value_tag, payload);
        self.forget_written();
    }

    /// Takes out the last element of a list that has no hole before it.
    pub(super) fn emit_remove(&mut self, window: usize) {
        let slow = self.slow();
        let table = self.table(window + FRAME_SLOTS as usize, slow);
        let metatable = self.builder.ins().load(types::I32, of_object(), table, layout::TABLE_METATABLE);
        self.go_if(metatable, slow);
        let array = self.array_in(table);
        let is_empty = self.builder.ins().icmp_imm_s(IntCC::Equal, array.length, 0);
        self.go_if(is_empty, slow);
        let index = self.builder.ins().iadd_imm_s(array.length, -1);
        let (place, tag_place) = self.element_place(array, index);
        let [looking, whole] = core::array::from_fn(|_| self.builder.create_block());
        self.builder.ins().brif(index, looking, [], whole, []);
        self.seal(looking);
        self.builder.switch_to_block(looking);
        let before = self.builder.ins().uload8(types::I32, of_content(), tag_place, -1);
        let is_hole = self.builder.ins().icmp_imm_s(IntCC::Equal, before, i64::from(tag::NIL));
        self.builder.ins().brif(is_hole, slow, [], whole, []);
        self.seal(whole);
        self.builder.switch_to_block(whole);
        let found = self.builder.ins().uload8(types::I32, of_content(), tag_place, 0);
        let payload = self.element_payload(found, place);
        self.charge(layout::NATIVE_CALL_COST);
        let nil = self.builder.ins().iconst(types::I32, i64::from(tag::NIL));
        self.builder.ins().istore8(of_content(), nil, tag_place, 0);
        self.builder.ins().istore32(of_object(), index, table, layout::TABLE_LENGTH);
        self.forget_written();
        self.write_any(window, found, payload);
    }
}
