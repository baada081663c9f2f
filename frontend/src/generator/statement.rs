//! Statements and blocks.

use super::call::Results;
use super::register::Destination;
use super::{Done, Generator};
use crate::ast::*;
use crate::generator::jump::JumpList;
use lunette_bytecode::instruction::Opcode;

impl Generator<'_> {
    /// Generates the statements of a block, in a scope of the caller's.
    pub(super) fn block(&mut self, id: BlockId) -> Done {
        for number in self.ast.block(id) {
            let Statement { kind, position } = self.ast.statements[number];
            // What has no expressions is in the line of its keyword, not of the statement before.
            if matches!(kind, StatementKind::Return(_) | StatementKind::Break { .. } | StatementKind::ResolvedGoto(_)) {
                self.position = position;
            }
            self.statement(kind)?;
            self.position = position;
        }
        Ok(())
    }

    /// Generates a block with a scope of its own.
    pub(super) fn scoped_block(&mut self, id: BlockId) -> Done {
        let scope = self.enter_scope();
        self.block(id)?;
        self.leave_scope(scope)
    }

    fn statement(&mut self, kind: StatementKind) -> Done {
        match kind {
            StatementKind::Call(call) => {
                let mark = self.function.free;
                self.multiple(call, Results::Count(0))?;
                self.function.free = mark;
                Ok(())
            }
            StatementKind::Assign { targets, values } => self.assign(targets, values),
            StatementKind::Local { first, count, values } => self.local(first, count, values),
            StatementKind::LocalFunction { local, function } => self.local_function(local, function),
            StatementKind::Function { target, function, keyword } => self.function_statement(target, function, keyword),
            StatementKind::Do(body) => self.scoped_block(body),
            StatementKind::While { condition, body } => self.while_loop(condition, body),
            StatementKind::Repeat { body, condition } => self.repeat_loop(body, condition),
            StatementKind::If(id) => self.if_statement(id),
            StatementKind::NumericFor(id) => self.numeric_for(id),
            StatementKind::GenericFor(id) => self.generic_for(id),
            StatementKind::ResolvedLabel(id) => self.label(id),
            StatementKind::ResolvedGoto(id) => self.goto(id),
            StatementKind::Break { .. } => self.break_loop(),
            StatementKind::Return(values) => self.return_values(values),
            // None is left after resolving.
            StatementKind::Label { .. } | StatementKind::Goto { .. } => Ok(()),
        }
    }

    fn local(&mut self, first: LocalId, count: u32, values: ListId) -> Done {
        let closers = self.function.closers.len();
        let last = LocalId(first.0 + count - 1);
        let mut in_registers = count;
        let register = if self.ast.local(last).constant.is_some() {
            in_registers -= 1;
            let register = self.function.free;
            for number in 0..in_registers {
                self.next(self.ast.element(values, number))?;
            }
            self.position = self.ast.expression(self.ast.element(values, count - 1)).position;
            register as u8
        } else {
            self.adjusted_values(values, count)?
        };
        for number in 0..in_registers {
            self.activate_local(LocalId(first.0 + number), register + number as u8)?;
        }
        if in_registers < count {
            self.activate_constant()?;
        }
        self.mark_to_be_closed(closers)
    }

    fn local_function(&mut self, local: LocalId, function: FunctionId) -> Done {
        let register = self.reserve(1)?;
        if !self.ast.local(local).is_captured {
            self.registers[local.0 as usize] = register;
            self.closure(function, Destination::Register(register))?;
            return self.activate_local(local, register);
        }
        self.emit_nil(register, 1)?;
        self.emit(Opcode::new_cell, &[register.into()])?;
        self.registers[local.0 as usize] = register;
        let mark = self.function.free;
        let closure = self.closure(function, Destination::Next)?;
        self.emit(Opcode::set_cell, &[register.into(), closure.into()])?;
        self.function.free = mark;
        self.activate_cell(local, register)
    }

    // ---- branches ----

    fn if_statement(&mut self, id: IfId) -> Done {
        let If { first_clause, length, otherwise } = self.ast.ifs[id.0 as usize];
        let mut ends = JumpList::default();
        for number in first_clause..first_clause + length {
            let Clause { condition, body, position } = self.ast.clauses[number as usize];
            if self.jump_if_condition(condition, body, position)? {
                continue;
            }
            let mut otherwise_jumps = JumpList::default();
            let term = self.term(condition);
            self.condition(term, false, Some(position), &mut otherwise_jumps)?;
            self.position = position;
            self.scoped_block(body)?;
            if number + 1 < first_clause + length || otherwise.is_some() {
                self.emit_jump(Opcode::jump, &[], &mut ends)?;
            }
            self.patch_here(otherwise_jumps);
        }
        if let Some(otherwise) = otherwise {
            self.scoped_block(otherwise)?;
        }
        self.patch_here(ends);
        Ok(())
    }

    /// If all that a clause does is to jump forward, its condition can do that itself. Whether it has.
    fn jump_if_condition(
        &mut self,
        condition: ExpressionId,
        body: BlockId,
        then: u32,
    ) -> Result<bool, crate::error::Failure> {
        let statements = self.ast.block(body);
        let [statement] = &self.ast.statements[statements] else { return Ok(false) };
        let term = self.term(condition);
        match statement.kind {
            StatementKind::Break { .. } => {
                let Some(&innermost) = self.function.loops.last() else { return Ok(false) };
                if !innermost.is_closed_at_exit && self.closes_above(innermost.level) {
                    return Ok(false);
                }
                let mut exits = innermost.exits;
                self.condition(term, true, Some(then), &mut exits)?;
                if let Some(innermost) = self.function.loops.last_mut() {
                    innermost.exits = exits;
                }
            }
            StatementKind::ResolvedGoto(id) => {
                let level = self.ast.labels[id.0 as usize].level;
                let label = self.labels[id.0 as usize];
                if label.position.is_some() || self.closes_above(level) {
                    return Ok(false);
                }
                let mut jumps = label.jumps;
                self.condition(term, true, Some(then), &mut jumps)?;
                self.labels[id.0 as usize].jumps = jumps;
            }
            _ => return Ok(false),
        }
        self.position = statement.position;
        Ok(true)
    }

    // ---- jumps ----

    fn label(&mut self, id: LabelId) -> Done {
        let here = self.here();
        let label = &mut self.labels[id.0 as usize];
        label.position = Some(here);
        let jumps = label.jumps;
        self.patch(jumps, here);
        Ok(())
    }

    fn goto(&mut self, id: LabelId) -> Done {
        self.close_above(self.ast.labels[id.0 as usize].level)?;
        let label = self.labels[id.0 as usize];
        match label.position {
            Some(position) => self.emit_jump_to(Opcode::loop_back, &[], position),
            None => {
                let mut jumps = label.jumps;
                self.emit_jump(Opcode::jump, &[], &mut jumps)?;
                self.labels[id.0 as usize].jumps = jumps;
                Ok(())
            }
        }
    }

    fn break_loop(&mut self) -> Done {
        let Some(&innermost) = self.function.loops.last() else { return Ok(()) };
        if !innermost.is_closed_at_exit {
            self.close_above(innermost.level)?;
        }
        let mut exits = innermost.exits;
        self.emit_jump(Opcode::jump, &[], &mut exits)?;
        if let Some(innermost) = self.function.loops.last_mut() {
            innermost.exits = exits;
        }
        Ok(())
    }

    // ---- return ----

    pub(super) fn return_values(&mut self, values: ListId) -> Done {
        let mark = self.function.free;
        let closer = self.function.closers.first().map(|closer| closer.register);
        let count = self.ast.list_length(values);
        let first = i64::from(mark);
        match (count, closer) {
            (0, None) => self.emit(Opcode::return_none, &[])?,
            (0, Some(register)) => self.emit(Opcode::return_closing, &[register.into(), 1])?,
            (1, _) if !self.ast.is_multiple(self.ast.element(values, 0)) => {
                let register = self.any_register(self.ast.element(values, 0))?;
                match closer {
                    None => self.emit(Opcode::return_one, &[register.into()])?,
                    Some(_) => self.emit(Opcode::return_closing, &[register.into(), 2])?,
                }
            }
            (_, closer) => {
                let is_open = self.values(values)?;
                let operand = if is_open { 0 } else { i64::from(count) + 1 };
                if closer.is_none() && count == 1 {
                    self.make_tail_call(mark);
                }
                match closer {
                    None => self.emit(Opcode::return_values, &[first, operand])?,
                    Some(_) => self.emit(Opcode::return_closing, &[first, operand])?,
                }
            }
        };
        self.function.free = mark;
        Ok(())
    }

    /// Turns the call that was emitted last into a tail call, if it is one in the window at `window`.
    fn make_tail_call(&mut self, window: u32) {
        if let Some(last) = self.function.code.last_mut()
            && last.opcode_number() == Opcode::call as u8
            && let arguments = last.operand(Opcode::call.entry().operands[1])
            && let Some(tail_call) = Opcode::tail_call.encode(&[window.into(), arguments])
        {
            *last = tail_call;
        }
    }
}
