//! Calls in whose place there is what they call.

use super::{
    Emitter, of_frame, of_machine, of_object,
    values::{Held, place},
};
use crate::dynamic::operands::Operands;
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC, types};
use lunette_bytecode::instruction::Opcode;
use lunette_interpreter::machine_code::layout::{self, tag};

impl Emitter<'_, '_, '_> {
    /// Looks whether the function is called that is in the call's place, pays for it and makes its frame's header.
    pub(super) fn emit_inlined(&mut self, block: usize, instruction: usize, body: usize) {
        let word = self.code.word(instruction);
        let unit = self.code.bodies[body].unit;
        let otherwise = match self.code.goes_on(instruction) {
            true => self.paused(),
            false => self.unexpected(),
        };
        let (found, function) = (self.tag_of(word.a()), self.payload_of(word.a()));
        self.go_if_not(found, tag::CLOSURE, otherwise);
        let closure = self.object(function);
        let prototype = self.builder.ins().load(types::I32, of_object(), closure, layout::CLOSURE_PROTOTYPE);
        self.go_if_not(prototype, unit.prototype, otherwise);
        self.charge(unit.entry_cost.into());
        match word.opcode() {
            Opcode::tail_call => self.store_tail_called(body, found, function),
            _ => {
                self.store_headers(word);
                self.held[word.a() + 1] = Held::default();
            }
        }
        self.closures[body] = Some(function);
        self.emit_edge(self.code.blocks[block].successors[0]);
    }

    /// In the place of a call, a tail call of a function of the library, or a return, which nothing goes to: those are jumps.
    pub(super) fn emit_inlined_return(&mut self, block: usize, instruction: usize) {
        let word = self.code.word(instruction);
        let native = match word.opcode() {
            Opcode::tail_call => self.quick_callee(instruction, 1),
            _ => None,
        };
        let Some(native) = native else { return self.pause() };
        self.emit_quick_call(word.a(), word.b_count().checked_sub(1), native);
        let slow = self.take_slow();
        self.emit_edge(self.code.blocks[block].successors[0]);
        if let Some(slow) = slow {
            self.begin_slow(slow);
            self.pause();
        }
    }

    /// Puts a function in the frame's place that is called by a tail call.
    fn store_tail_called(&mut self, body: usize, found: Value, function: Value) {
        let Some(call) = self.code.bodies[body].call else { unreachable!("the frame is in the place of a call") };
        let wanted = self.code.word(call).c_count() as i32 - 1;
        let header = self.builder.ins().iconst(types::I32, layout::header_tag(wanted) | layout::TAIL_CALLED);
        let [header_place, function_place] = [layout::HEADER, layout::FUNCTION].map(|offset| self.frame_place(offset));
        self.builder.ins().store(of_frame(), header, self.base, header_place + layout::TAG);
        self.builder.ins().store(of_frame(), function, self.base, function_place);
        self.builder.ins().store(of_frame(), found, self.base, function_place + layout::TAG);
    }

    /// At an entry: the interpreter has made room for the function's own registers alone.
    pub(super) fn check_room(&mut self) {
        if self.code.bodies.len() == 1 {
            return;
        }
        let paused = self.paused();
        let end = self.builder.ins().iadd_imm_s(self.base, i64::from(place(self.code.registers())));
        let limit = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::SLOT_LIMIT);
        let is_over = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, limit);
        self.go_if(is_over, paused);
    }
}
