//! Fuel. Of functions with loops, what is left of the slice is in a variable, and in the machine where anything else than their
//! machine code runs: in memory it would be the longest chain of what a small loop does, as each turn takes some. Of other
//! functions it is in the machine, which those that they call and that call them need anyway.

use super::{Emitter, of_machine};
use cranelift_codegen::ir::{Block, InstBuilder, Value, condcodes::IntCC, types};
use lunette_interpreter::machine_code::layout;

impl Emitter<'_, '_, '_> {
    /// What is left.
    pub(super) fn budget(&mut self) -> Value {
        match self.budget {
            Some(variable) => self.builder.use_var(variable),
            None => self.builder.ins().load(types::I64, of_machine(), self.machine, layout::BUDGET),
        }
    }

    pub(super) fn set_budget(&mut self, left: Value) {
        match self.budget {
            Some(variable) => self.builder.def_var(variable, left),
            None => _ = self.builder.ins().store(of_machine(), left, self.machine, layout::BUDGET),
        }
    }

    /// Reads what the machine has, behind what may have changed it: fuel, and array parts that are held.
    pub(super) fn take_budget(&mut self) {
        self.take_arrays();
        if let Some(variable) = self.budget {
            let budget = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::BUDGET);
            self.builder.def_var(variable, budget);
        }
    }

    /// Has the machine know what is left, before anything that may look at it.
    pub(super) fn put_budget(&mut self) {
        if let Some(variable) = self.budget {
            let budget = self.builder.use_var(variable);
            self.builder.ins().store(of_machine(), budget, self.machine, layout::BUDGET);
        }
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
