//! Calls of metamethods of arithmetic that are compiled, whose frames a helper makes, in place of instructions that are performed.
//!
//! The frame is as the interpreter makes it: whatever ends otherwise than by a return to here leaves to the machine, which goes
//! on with this function when that frame has returned.

use super::{Emitter, of_frame, of_machine, of_object, values::place};
use crate::dynamic::{kinds::sources, operands::Operands};
use cranelift_codegen::ir::{InstBuilder, Value, condcodes::IntCC, types};
use lunette_bytecode::instruction::Opcode;
use lunette_interpreter::machine_code::{
    layout::{self, tag},
    status,
};

impl Emitter<'_, '_, '_> {
    /// Whether the instruction, where it is performed, is likely to call a metamethod.
    pub(super) fn is_metamethod_likely(&self) -> bool {
        let instruction = self.outside.instruction;
        let word = self.code.word(instruction);
        match word.opcode() {
            Opcode::negate | Opcode::bit_not => {}
            _ if word.jump_distance().is_some() || sources(self.code, instruction).is_none() => return false,
            _ => {}
        }
        let is_seen = [0, 1].iter().any(|&place| self.code.seen(instruction, place).0 & 1 << tag::TABLE != 0);
        // Tests are to come here.
        is_seen || self.code.unit.is_eager && instruction.is_multiple_of(2)
    }

    /// Calls the instruction's metamethod, where the frame has everything; if that is not compiled, the instruction is performed.
    pub(super) fn call_metamethod(&mut self) {
        let [called, join] = core::array::from_fn(|_| self.builder.create_block());
        let performing = self.cold_block();
        self.builder.append_block_param(called, types::I32);
        self.put_budget();
        let helper = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::PUSH_METAMETHOD);
        let at = self.instruction_address();
        let arguments = [self.machine, self.frame_base(), at];
        let pushed = self.builder.ins().call_indirect(self.signatures.perform, helper, &arguments);
        let base = self.builder.inst_results(pushed)[0];
        let first = self.builder.ins().iconst(types::I32, 1);
        self.builder.ins().brif(base, called, &[first.into()], performing, []);
        self.seal(performing);

        // By a tail call, the function has another one take its place.
        self.builder.switch_to_block(called);
        let entry = self.builder.block_params(called)[0];
        let address = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::NEXT);
        let arguments = [base, self.machine, self.region, entry];
        let call = self.builder.ins().call_indirect(self.signatures.compiled, address, &arguments);
        let ended = self.builder.inst_results(call)[0];
        let (returned, otherwise) = (self.builder.create_block(), self.builder.create_block());
        let is_returned = self.builder.ins().icmp_imm_s(IntCC::Equal, ended, status::RETURNS as i64);
        self.builder.ins().brif(is_returned, returned, [], otherwise, []);
        self.seal(returned);
        self.seal(otherwise);
        self.builder.switch_to_block(otherwise);
        let elsewhere = self.cold_block();
        let is_tailed = self.builder.ins().icmp_imm_s(IntCC::Equal, ended, status::TAILED as i64);
        self.builder.ins().brif(is_tailed, called, &[first.into()], elsewhere, []);
        self.seal(called);
        self.seal(elsewhere);
        self.builder.switch_to_block(elsewhere);
        // The machine has made the frame of what a tail call has called the running one.
        let is_replaced = self.builder.ins().icmp_imm_s(IntCC::Equal, ended, status::REPLACED as i64);
        let performed = self.builder.ins().iconst(types::I64, status::PERFORMED as i64);
        let ended = self.builder.ins().select(is_replaced, performed, ended);
        self.end_as(ended);

        self.builder.switch_to_block(returned);
        self.take_result(base);
        self.take_budget();
        self.builder.ins().jump(join, []);
        self.builder.switch_to_block(performing);
        self.perform_plainly();
        self.builder.ins().jump(join, []);
        self.seal(join);
        self.builder.switch_to_block(join);
    }

    /// Takes the result of the metamethod whose frame is at `base`.
    fn take_result(&mut self, base: Value) {
        // A frame further up may be what returns to something else than a call.
        let exit_base = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::EXIT_BASE);
        let is_other = self.builder.ins().icmp(IntCC::NotEqual, exit_base, base);
        let (other, next) = (self.cold_block(), self.builder.create_block());
        self.builder.ins().brif(is_other, other, [], next, []);
        self.seal(other);
        self.seal(next);
        self.builder.switch_to_block(other);
        self.end(status::RETURNS);
        self.builder.switch_to_block(next);
        let thread = self.builder.ins().uload32(of_machine(), self.machine, layout::THREAD);
        let thread = self.object(thread);
        let depth = self.builder.ins().load(types::I32, of_object(), thread, layout::NATIVE_DEPTH);
        let depth = self.builder.ins().iadd_imm_s(depth, -1);
        self.builder.ins().store(of_object(), depth, thread, layout::NATIVE_DEPTH);
        let count = self.builder.ins().load(types::I32, of_machine(), self.machine, layout::RESULT_COUNT);
        let results = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::RESULTS);
        let payload = self.builder.ins().load(types::I64, of_frame(), results, 0);
        let found = self.builder.ins().load(types::I32, of_frame(), results, layout::TAG);
        let nil = self.builder.ins().iconst(types::I32, i64::from(tag::NIL));
        let nothing = self.builder.ins().iconst(types::I64, 0);
        let found = self.builder.ins().select(count, found, nil);
        let payload = self.builder.ins().select(count, payload, nothing);
        let target = place(self.code.word(self.outside.instruction).a());
        self.builder.ins().store(of_frame(), payload, self.base, target);
        self.builder.ins().store(of_frame(), found, self.base, target + layout::TAG);
    }
}
