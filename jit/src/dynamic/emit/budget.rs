//! Fuel. What is left of the slice is in a variable, and in the machine where anything else than this function's machine code
//! runs: in memory it would be the longest chain of what a small loop does, as each turn takes some.

use super::{Emitter, of_machine};
use cranelift_codegen::ir::{Block, InstBuilder, Value, condcodes::IntCC, types};
use lunette_interpreter::machine_code::layout;

impl Emitter<'_, '_, '_> {
    /// What is left.
    pub(super) fn budget(&mut self) -> Value {
        self.builder.use_var(self.budget)
    }

    pub(super) fn set_budget(&mut self, left: Value) {
        self.builder.def_var(self.budget, left);
    }

    /// Reads what the machine has, behind what may have changed it.
    pub(super) fn take_budget(&mut self) {
        let budget = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::BUDGET);
        self.set_budget(budget);
    }

    /// Has the machine know what is left, before anything that may look at it.
    pub(super) fn put_budget(&mut self) {
        let budget = self.budget();
        self.builder.ins().store(of_machine(), budget, self.machine, layout::BUDGET);
    }

    /// Takes fuel; if there is not enough, control goes to a block.
    pub(super) fn pay(&mut self, cost: i64, otherwise: Block) {
        let budget = self.budget();
        let left = self.builder.ins().iadd_imm_s(budget, -cost);
        let is_over = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, left, 0);
        self.go_if(is_over, otherwise);
        self.set_budget(left);
    }
}
