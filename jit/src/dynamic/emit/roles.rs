//! Calls of native functions that change which frame runs: resumes and yields of coroutines, protected calls. A helper does what
//! the function does, and compiled code enters the frame that runs then.

use super::{Emitter, of_frame, of_machine};
use crate::dynamic::operands::Operands;
use cranelift_codegen::ir::{InstBuilder, types};
use lunette_bytecode::instruction::Opcode;
use lunette_interpreter::{
    machine_code::{layout, status},
    native::Role,
};

impl Emitter<'_, '_, '_> {
    /// What the instruction calls, if that has a role.
    pub(super) fn role_callee(&self, instruction: usize) -> Option<(u32, Role)> {
        let callee = self.code.native_callee(instruction)?;
        let is_iterator = self.code.word(instruction).opcode() == Opcode::generic_for_call;
        let role = callee.role.filter(|&role| role == Role::Wrapped || !is_iterator);
        role.map(|role| (callee.native, role))
    }

    pub(super) fn emit_role_call(&mut self, instruction: usize, native: u32, role: Role) {
        let word = self.code.word(instruction);
        let slow = self.slow();
        self.store_live_here();
        self.check_native(word.a(), native, slow);
        self.put_budget();
        let helper = match word.opcode() {
            Opcode::generic_for_call => layout::PUSH_RESUMING_ITERATOR,
            _ => layout::push_role(role),
        };
        let helper = self.builder.ins().load(types::I64, of_machine(), self.machine, helper);
        let (own, at) = (self.frame_base(), self.instruction_address());
        let moves = self.builder.ins().load(types::I32, of_machine(), self.machine, layout::MOVES);
        let pushed = self.builder.ins().call_indirect(self.signatures.perform, helper, &[self.machine, own, at]);
        let base = self.builder.inst_results(pushed)[0];
        let done = self.builder.create_block();
        self.builder.ins().brif(base, done, [], slow, []);
        self.seal(done);
        self.builder.switch_to_block(done);
        if role == Role::Yield {
            self.end(status::PERFORMED);
            let Some(slow) = self.take_slow() else { unreachable!("the instruction has gone there") };
            self.begin_slow(slow);
            return self.perform_here();
        }
        let next = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::NEXT);
        let entry = self.builder.ins().load(types::I32, of_machine(), self.machine, layout::NEXT_ENTRY);
        let distance = self.builder.ins().uload32(of_frame(), base, layout::DISTANCE);
        let distance = self.builder.ins().ishl_imm_u(distance, 4);
        let caller = self.builder.ins().isub(base, distance);
        let arguments = [base, self.machine, self.region, entry];
        let entered = self.builder.ins().call_indirect(self.signatures.compiled, next, &arguments);
        let ended = self.builder.inst_results(entered)[0];
        let helper = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::END_ROLE);
        let arguments = [self.machine, own, at, ended, caller, moves];
        let ending = self.builder.ins().call_indirect(self.signatures.end_role, helper, &arguments);
        let ended = self.builder.inst_results(ending)[0];
        let (elsewhere, here) = (self.cold_block(), self.builder.create_block());
        self.builder.ins().brif(ended, elsewhere, [], here, []);
        self.seal(elsewhere);
        self.builder.switch_to_block(elsewhere);
        self.end_as(ended);
        self.seal(here);
        self.builder.switch_to_block(here);
        self.take_budget();
        self.reload_live();
        self.forget_written();
    }
}
