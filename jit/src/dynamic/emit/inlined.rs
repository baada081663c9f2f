//! Calls in whose place there is what they call.

use super::{
    Emitter, of_frame, of_machine, of_object,
    values::{Held, place},
};
use crate::dynamic::{
    inlining::{Body, is_call},
    operands::Operands,
};
use cranelift_codegen::ir::{Block, InstBuilder, Value, condcodes::IntCC, types};
use lunette_bytecode::instruction::Opcode;
use lunette_interpreter::{
    frame::{FRAME_SLOTS, header_payload},
    machine_code::layout::{self, tag},
};

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

    /// Looks whether the metamethod of the first operand is the one that is in the place of arithmetic, pays for it and makes its
    /// frame, which is as the interpreter's.
    pub(super) fn emit_inlined_metamethod(&mut self, block: usize, instruction: usize, body: usize) {
        let word = self.code.word(instruction);
        let Body { unit, offset, .. } = self.code.bodies[body];
        let (unexpected, paused) = (self.unexpected(), self.paused());
        let table = self.table(word.b(), unexpected);
        let metatable = self.builder.ins().uload32(of_object(), table, layout::TABLE_METATABLE);
        let is_none = self.builder.ins().icmp_imm_s(IntCC::Equal, metatable, 0);
        self.go_if(is_none, unexpected);
        let metatable = self.object(metatable);
        let slot = self.handler(instruction, metatable, unexpected);
        let (found, function) = self.load(slot, 0);
        self.go_if_not(found, tag::CLOSURE, unexpected);
        let closure = self.object(function);
        let prototype = self.builder.ins().load(types::I32, of_object(), closure, layout::CLOSURE_PROTOTYPE);
        self.go_if_not(prototype, unit.prototype, unexpected);
        let (thread, depth) = self.native_depth();
        let depth = self.builder.ins().iadd_imm_s(depth, 1);
        let level = self.builder.ins().band_imm_s(depth, layout::DEPTH_BITS);
        let is_over = self.builder.ins().icmp_imm_s(IntCC::UnsignedGreaterThanOrEqual, level, layout::MOST_DEPTH);
        self.go_if(is_over, paused);
        self.charge(unit.entry_cost.into());
        self.builder.ins().store(of_object(), depth, thread, layout::NATIVE_DEPTH);
        self.store_resume(1);
        let window = place(offset - FRAME_SLOTS as usize);
        self.builder.ins().store(of_frame(), function, self.base, window);
        self.builder.ins().store(of_frame(), found, self.base, window + layout::TAG);
        let distance = (place(offset) - self.frame_place(0)) / layout::SLOT_BYTES;
        let payload = self.builder.ins().iconst(types::I64, header_payload(0, distance as u32) as i64);
        self.builder.ins().store(of_frame(), payload, self.base, place(offset) + layout::HEADER);
        let header = self.builder.ins().iconst(types::I32, layout::METAMETHOD_HEADER);
        self.builder.ins().store(of_frame(), header, self.base, place(offset) + layout::HEADER + layout::TAG);
        for register in self.code.written(instruction) {
            self.held[register] = Held::default();
        }
        self.closures[body] = Some(function);
        self.emit_edge(self.code.blocks[block].successors[0]);
    }

    /// The slot of the handler that a metatable has for the event of an instruction; if it has none, to a block.
    fn handler(&mut self, instruction: usize, metatable: Value, otherwise: Block) -> Value {
        let at = self.code.at(instruction) as u32;
        let key = self.code.unit_of(instruction).events.get(&at).copied().unwrap_or_default();
        let (missed, join) = (self.cold_block(), self.builder.create_block());
        let slot = self.builder.append_block_param(join, types::I64);
        let found = self.cached_own_field(key, metatable, missed);
        self.builder.ins().jump(join, &[found.into()]);
        self.seal(missed);
        self.builder.switch_to_block(missed);
        let find = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::FIND_HANDLER);
        let key = self.builder.ins().iconst(types::I32, i64::from(key));
        let arguments = [self.machine, metatable, key];
        let called = self.builder.ins().call_indirect(self.signatures.find_handler, find, &arguments);
        let found = self.builder.inst_results(called)[0];
        self.builder.ins().brif(found, join, &[found.into()], otherwise, []);
        self.seal(join);
        self.builder.switch_to_block(join);
        slot
    }

    /// The running thread, and its depth of native nesting.
    fn native_depth(&mut self) -> (Value, Value) {
        let thread = self.builder.ins().uload32(of_machine(), self.machine, layout::THREAD);
        let thread = self.object(thread);
        (thread, self.builder.ins().load(types::I32, of_object(), thread, layout::NATIVE_DEPTH))
    }

    /// A metamethod has returned: its level is not counted any more.
    pub(super) fn leave_metamethod(&mut self) {
        let (thread, depth) = self.native_depth();
        let depth = self.builder.ins().iadd_imm_s(depth, -1);
        self.builder.ins().store(of_object(), depth, thread, layout::NATIVE_DEPTH);
    }

    /// In the place of a call, a tail call of a function of the library, or a return, which nothing goes to: those are jumps.
    pub(super) fn emit_inlined_return(&mut self, block: usize, instruction: usize) {
        let word = self.code.word(instruction);
        let native = match word.opcode() {
            Opcode::tail_call => self.quick_callee(instruction, 1),
            _ => None,
        };
        let Some(native) = native else { return self.pause() };
        if let Some((builtin, kind)) = self.code.builtin(instruction, &self.kinds_held()) {
            self.emit_builtin(instruction, builtin, kind);
            return self.emit_edge(self.code.blocks[block].successors[0]);
        }
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
        let call = self.code.word(call);
        let header = match is_call(call) {
            true => layout::header_tag(call.c_count() as i32 - 1),
            false => layout::METAMETHOD_HEADER,
        };
        let header = self.builder.ins().iconst(types::I32, header | layout::TAIL_CALLED);
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
