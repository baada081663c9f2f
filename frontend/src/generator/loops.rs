//! Loops.

use super::function::{Closer, Loop};
use super::jump::JumpList;
use super::{Done, Generator};
use crate::ast::*;
use crate::fold::Constant;
use crate::generator::register::Destination;
use crate::resolver::{GENERIC_STATE, NUMERIC_STATE};
use lunette_bytecode::instruction::Opcode;

impl Generator<'_> {
    fn enter_loop(&mut self, is_closed_at_exit: bool) -> Done {
        let level = self.level() as u32;
        let entered = Loop { level, exits: JumpList::default(), is_closed_at_exit };
        Ok(self.memory.push(&mut self.function.loops, entered)?)
    }

    /// The `break` statements of the innermost loop lead here.
    fn leave_loop(&mut self) {
        if let Some(left) = self.function.loops.pop() {
            self.patch_here(left.exits);
        }
    }

    pub(super) fn while_loop(&mut self, condition: ExpressionId, body: BlockId) -> Done {
        let start = self.here();
        let mut exits = JumpList::default();
        let term = self.term(condition);
        self.condition(term, false, None, &mut exits)?;
        self.enter_loop(false)?;
        self.scoped_block(body)?;
        self.emit_jump_to(Opcode::loop_back, &[], start)?;
        self.leave_loop();
        self.patch_here(exits);
        Ok(())
    }

    pub(super) fn repeat_loop(&mut self, body: BlockId, condition: ExpressionId) -> Done {
        let start = self.here();
        self.enter_loop(false)?;
        let scope = self.enter_scope();
        let level = self.level() as u32;
        self.block(body)?;
        let mut exits = JumpList::default();
        let term = self.term(condition);
        self.condition(term, true, None, &mut exits)?;
        self.close_above(level)?;
        self.emit_jump_to(Opcode::loop_back, &[], start)?;
        self.patch_here(exits);
        // Closes what the body has to be closed on this way out as well.
        self.leave_scope(scope)?;
        self.leave_loop();
        Ok(())
    }

    pub(super) fn numeric_for(&mut self, id: ForId) -> Done {
        let For { first, values, body, line_position, do_position, .. } = self.ast.fors[id.0 as usize];
        let scope = self.enter_scope();
        let base = self.function.free as u8;
        for number in 0..self.ast.list_length(values) {
            self.next(self.ast.element(values, number))?;
        }
        if self.ast.list_length(values) < NUMERIC_STATE {
            self.load(Constant::Integer(1), Destination::Next)?;
        }
        self.enter_loop(false)?;
        self.activate_state(base, NUMERIC_STATE)?;
        self.position = do_position;
        let mut skip = JumpList::default();
        let prepare = self.here();
        self.emit_jump(Opcode::numeric_for_prepare, &[base.into()], &mut skip)?;
        let inner = self.enter_scope();
        let variable = self.reserve(1)?;
        self.activate_local(first, variable)?;
        self.scoped_block(body)?;
        self.leave_scope(inner)?;
        self.position = line_position;
        self.emit_jump_to(Opcode::numeric_for_loop, &[base.into()], prepare + 1)?;
        self.patch_here(skip);
        self.leave_scope(scope)?;
        self.leave_loop();
        Ok(())
    }

    pub(super) fn generic_for(&mut self, id: ForId) -> Done {
        let For { first, count, values, body, line_position, do_position } = self.ast.fors[id.0 as usize];
        let scope = self.enter_scope();
        let base = self.adjusted_values(values, GENERIC_STATE)?;
        self.enter_loop(true)?;
        let closer = Closer { level: self.level() as u32 + GENERIC_STATE - 1, register: base + 3 };
        self.activate_state(base, GENERIC_STATE)?;
        self.memory.push(&mut self.function.closers, closer)?;
        // The call of the iterator has its window where the variables are.
        self.require(self.function.free + count.max(GENERIC_STATE))?;
        self.position = do_position;
        let mut to_call = JumpList::default();
        let prepare = self.here();
        self.emit_jump(Opcode::generic_for_prepare, &[base.into()], &mut to_call)?;
        let inner = self.enter_scope();
        let variables = self.reserve(count)?;
        for number in 0..count {
            self.activate_local(LocalId(first.0 + number), variables + number as u8)?;
        }
        self.scoped_block(body)?;
        self.leave_scope(inner)?;
        self.position = line_position;
        self.patch_here(to_call);
        self.emit(Opcode::generic_for_call, &[base.into(), count.into()])?;
        self.emit_jump_to(Opcode::generic_for_loop, &[base.into()], prepare + 1)?;
        self.leave_loop();
        self.leave_scope(scope)
    }
}
