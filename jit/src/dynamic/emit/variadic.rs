//! Further arguments, which lie below the frame.

use super::{Emitter, of_content, of_frame, of_machine, of_object, values::place};
use crate::dynamic::{kinds::Kind, operands::Operands};
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC, types};
use lunette_interpreter::{
    frame,
    machine_code::layout::{self, tag},
};

/// More than these that are wanted are copied by the interpreter, and so are longer lists.
const MOST_WANTED: usize = 8;
const MOST_LISTED: i64 = 64;

impl Emitter<'_, '_, '_> {
    pub(super) fn emit_variable_arguments(&mut self, instruction: usize) {
        let word = self.code.word(instruction);
        match word.b_count().checked_sub(1) {
            _ if !self.code.unit.is_variadic => self.perform_here(),
            None if self.selects_next(instruction) => self.emit_select(instruction + 1),
            None => self.spread(word.a()),
            Some(wanted) if wanted <= MOST_WANTED => {
                let (extra, source) = self.further_arguments();
                if wanted as i64 >= layout::VALUES_PER_UNIT {
                    let most = self.builder.ins().iconst(types::I64, wanted as i64);
                    let given = self.builder.ins().smin(extra, most);
                    self.charge_for_values(given);
                }
                for index in 0..wanted {
                    let is_given = self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, extra, index as i64);
                    let given = self.builder.ins().iadd_imm_s(source, i64::from(place(index)));
                    let nil = self.builder.ins().iadd_imm_s(self.machine, i64::from(layout::NIL_SLOT));
                    let slot = self.builder.ins().select(is_given, given, nil);
                    let payload = self.builder.ins().load(types::I64, of_frame(), slot, 0);
                    let found = self.builder.ins().load(types::I32, of_frame(), slot, layout::TAG);
                    self.write_any(word.a() + index, found, payload);
                }
                // What is above has lost its content.
                for register in word.a() + wanted..self.code.registers() {
                    self.held[register] = Default::default();
                }
            }
            Some(_) => self.perform_here(),
        }
    }

    /// How many arguments are no parameters, and the address of the first.
    fn further_arguments(&mut self) -> (Value, Value) {
        let count = self.builder.ins().uload32(of_frame(), self.base, layout::HEADER + layout::SPARE);
        let parameters = i64::from(self.code.unit.parameter_count);
        let extra = self.builder.ins().iadd_imm_s(count, -parameters);
        let nothing = self.builder.ins().iconst(types::I64, 0);
        let extra = self.builder.ins().smax(extra, nothing);
        let slots = self.builder.ins().iadd_imm_s(extra, i64::from(frame::FRAME_SLOTS));
        let bytes = self.builder.ins().ishl_imm_u(slots, 4);
        (extra, self.builder.ins().isub(self.base, bytes))
    }

    fn selects_next(&self, instruction: usize) -> bool {
        instruction + 1 < self.code.len() && self.code.selects(instruction + 1)
    }

    /// Does the next instruction, a call of `select`, without the list that this one makes for it.
    fn emit_select(&mut self, call: usize) {
        let window = self.code.word(call).a();
        let number = window + frame::FRAME_SLOTS as usize;
        let unexpected = self.unexpected();
        self.check_callee(call, unexpected);
        let (extra, source) = self.further_arguments();
        let (word, payload) = (self.tag_of(number), self.payload_of(number));
        let (found, payload) = match self.constant_tag(word) {
            Some(tag::STRING) => {
                let word = self.object(payload);
                let length = self.builder.ins().uload32(of_object(), word, layout::STRING_LENGTH);
                let is_empty = self.builder.ins().icmp_imm_s(IntCC::Equal, length, 0);
                self.go_if(is_empty, unexpected);
                let first = self.builder.ins().uload8(types::I32, of_content(), word, layout::STRING_BYTES);
                self.go_if_not(first, u32::from(b'#'), unexpected);
                (self.builder.ins().iconst(types::I32, i64::from(tag::INTEGER)), extra)
            }
            _ => {
                self.guard(number, Kind::Integer, unexpected);
                let number = self.read(number);
                // Negative ones count from the end; 0 is an error.
                let is_negative = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, number, 0);
                let before = self.builder.ins().iconst(types::I64, -1);
                let before = self.builder.ins().select(is_negative, extra, before);
                let position = self.builder.ins().iadd(number, before);
                let is_before = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, position, 0);
                self.go_if(is_before, unexpected);
                let is_given = self.builder.ins().icmp(IntCC::UnsignedLessThan, position, extra);
                let distance = self.builder.ins().ishl_imm_u(position, 4);
                let given = self.builder.ins().iadd(source, distance);
                let nil = self.builder.ins().iadd_imm_s(self.machine, i64::from(layout::NIL_SLOT));
                let slot = self.builder.ins().select(is_given, given, nil);
                let payload = self.builder.ins().load(types::I64, of_frame(), slot, 0);
                (self.builder.ins().load(types::I32, of_frame(), slot, layout::TAG), payload)
            }
        };
        // There would have to be room for the list.
        let bytes = self.builder.ins().ishl_imm_u(extra, 4);
        let end = self.builder.ins().iadd_imm_s(self.base, i64::from(place(number + 1)));
        let end = self.builder.ins().iadd(end, bytes);
        let limit = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::SLOT_LIMIT);
        let is_over = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, limit);
        self.go_if(is_over, unexpected);
        let paused = self.paused();
        let cost = self.cost_of_values(extra);
        let cost = self.builder.ins().iadd_imm_s(cost, layout::NATIVE_CALL_COST);
        let budget = self.budget();
        let left = self.builder.ins().isub(budget, cost);
        let is_over = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, left, 0);
        self.go_if(is_over, paused);
        self.set_budget(left);
        self.forget_written();
        self.write_any(window, found, payload);
    }

    /// The fuel that so many values cost.
    fn cost_of_values(&mut self, count: Value) -> Value {
        let per_unit = self.builder.ins().iconst(types::I64, layout::VALUES_PER_UNIT);
        self.builder.ins().udiv(count, per_unit)
    }

    /// Takes fuel for so many values.
    fn charge_for_values(&mut self, count: Value) {
        let cost = self.cost_of_values(count);
        let budget = self.budget();
        let left = self.builder.ins().isub(budget, cost);
        self.set_budget(left);
    }

    /// Makes an open list of all of them from a register on.
    fn spread(&mut self, first: usize) {
        let slow = self.slow();
        self.store_live_here();
        let (extra, source) = self.further_arguments();
        let are_many = self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, extra, MOST_LISTED);
        self.go_if(are_many, slow);
        let target = self.builder.ins().iadd_imm_s(self.base, i64::from(place(first)));
        let bytes = self.builder.ins().ishl_imm_u(extra, 4);
        let end = self.builder.ins().iadd(target, bytes);
        let limit = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::SLOT_LIMIT);
        let is_over = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, limit);
        self.go_if(is_over, slow);
        self.charge_for_values(extra);
        let stack = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::STACK);
        let top = self.builder.ins().isub(end, stack);
        let top = self.builder.ins().ushr_imm_u(top, 4);
        self.builder.ins().istore32(of_machine(), top, self.machine, layout::OPEN_TOP);
        let distance = self.builder.ins().isub(source, target);
        let [next, moving, done] = core::array::from_fn(|_| self.builder.create_block());
        let place = self.builder.append_block_param(next, types::I64);
        self.builder.ins().jump(next, &[target.into()]);
        self.builder.switch_to_block(next);
        let is_done = self.builder.ins().icmp(IntCC::Equal, place, end);
        self.builder.ins().brif(is_done, done, [], moving, []);
        self.seal(moving);
        self.builder.switch_to_block(moving);
        let from = self.builder.ins().iadd(place, distance);
        let payload = self.builder.ins().load(types::I64, of_frame(), from, 0);
        let found = self.builder.ins().load(types::I32, of_frame(), from, layout::TAG);
        self.builder.ins().store(of_frame(), payload, place, 0);
        self.builder.ins().store(of_frame(), found, place, layout::TAG);
        let following = self.builder.ins().iadd_imm_s(place, i64::from(layout::SLOT_BYTES));
        self.builder.ins().jump(next, &[following.into()]);
        self.seal(next);
        self.seal(done);
        self.builder.switch_to_block(done);
        self.forget_written();
    }
}
