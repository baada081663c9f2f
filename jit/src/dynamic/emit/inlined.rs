//! Calls in whose place there is what they call.

use super::{Emitter, of_machine, of_object, values::place};
use crate::dynamic::operands::Operands;
use cranelift_codegen::ir::{InstBuilder, condcodes::IntCC, types};
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
        self.store_headers(word);
        self.closures[body] = Some(function);
        self.emit_edge(self.code.blocks[block].successors[0]);
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
