//! Steps of traversals: through the array parts of tables in line.

use super::{Emitter, of_content, of_frame, of_machine, of_object, values::place};
use crate::dynamic::{kinds::Kind, operands::Operands};
use cranelift_codegen::ir::{InstBuilder, condcodes::IntCC, types};
use lunette_interpreter::machine_code::layout::{self, tag};

impl Emitter<'_, '_, '_> {
    /// Makes a step of what `pairs` or `ipairs` has begun, from an element to the next. What else there may be, a helper does, or
    /// the iterator is called.
    pub(super) fn emit_generic_for_call(&mut self, instruction: usize) {
        if let Some((native, role)) = self.role_callee(instruction) {
            return self.emit_role_call(instruction, native, role);
        }
        let word = self.code.word(instruction);
        let (iterator, table, control, first) = (word.a(), word.a() + 1, word.a() + 2, word.a() + 4);
        let slow = self.slow();
        let (found, closure) = (self.tag_of(iterator), self.payload_of(iterator));
        self.go_if_not(found, tag::NATIVE_CLOSURE, slow);
        let table = self.table(table, slow);
        self.guard(control, Kind::Integer, slow);
        let index = self.read(control);
        let closure = self.object(closure);
        let native = self.builder.ins().load(types::I32, of_object(), closure, layout::NATIVE_NUMBER);
        let [other, known] = core::array::from_fn(|_| self.builder.create_block());
        let by_integers = self.builder.ins().load(types::I32, of_machine(), self.machine, layout::IPAIRS_NATIVE);
        let by_integers = self.builder.ins().icmp(IntCC::Equal, native, by_integers);
        self.builder.ins().brif(by_integers, known, [], other, []);
        self.seal(other);
        self.builder.switch_to_block(other);
        let next = self.builder.ins().load(types::I32, of_machine(), self.machine, layout::NEXT_NATIVE);
        let is_other = self.builder.ins().icmp(IntCC::NotEqual, native, next);
        self.go_if(is_other, slow);
        // The cursor tells that the key is one of an element.
        let cursor = self.builder.ins().uload32(of_frame(), self.base, place(control) + layout::SPARE);
        let is_other = self.builder.ins().icmp(IntCC::NotEqual, cursor, index);
        self.go_if(is_other, slow);
        let is_none = self.builder.ins().icmp_imm_s(IntCC::Equal, cursor, 0);
        self.go_if(is_none, slow);
        self.builder.ins().jump(known, []);
        self.seal(known);
        self.builder.switch_to_block(known);
        let array = self.array_in(table);
        let (payload_place, tag_place) = self.element(array, index, slow);
        let found = self.builder.ins().uload8(types::I32, of_content(), tag_place, 0);
        let is_nil = self.builder.ins().icmp_imm_s(IntCC::Equal, found, i64::from(tag::NIL));
        self.go_if(is_nil, slow);
        let payload = self.element_payload(found, payload_place);
        let key = self.builder.ins().iadd_imm_s(index, 1);
        self.builder.ins().istore32(of_frame(), key, self.base, place(control) + layout::SPARE);
        let integer = self.builder.ins().iconst(types::I32, i64::from(tag::INTEGER));
        self.write_any(first, integer, key);
        self.write_any(first + 1, found, payload);
        (first + 2..first + word.b_count()).for_each(|register| self.write_nil(register));
    }
}
