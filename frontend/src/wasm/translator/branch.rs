//! Branches, which take values along to where the block that they leave would have them, and returns.
//!
//! A branch on a condition that must copy values jumps over the copies if the condition does not hold. The jumps of a
//! table that must do so go to *stubs* behind it, one for each block.

use super::{
    Translator, WasmError,
    condition::Condition,
    control::{FrameKind, Label},
    registers::{homes, number, operand, reference},
    stack::Source,
};
use alloc::vec::Vec;
use lunette_bytecode::typed::{
    function::{GlobalKind, Registers},
    instruction::Opcode,
};
use wasmparser::BrTable;

impl Translator<'_> {
    /// The frame that a branch of this depth leaves, or starts again if it is a loop.
    pub(super) fn target(&self, depth: u32) -> usize {
        (self.frames.len() - 1).saturating_sub(depth as usize)
    }

    /// Whether a branch does nothing but jump.
    fn is_plain(&self, frame: usize) -> bool {
        let count = self.branch_values(frame);
        count == 0 || frame > 0 && self.are_in_place(count, self.frames[frame].base)
    }

    /// `br`
    pub(super) fn branch(&mut self, depth: u32) {
        let frame = self.target(depth);
        self.prepare_values(self.branch_values(frame));
        self.leave_to(frame, true);
        self.end_reachable();
    }

    /// Copies values and jumps. The top value's register may be changed if it `is_last` used here.
    pub(super) fn leave_to(&mut self, frame: usize, is_last: bool) {
        let count = self.branch_values(frame);
        if frame == 0 && count > 0 {
            self.emit_return();
            return;
        }
        let (base, kind) = (self.frames[frame].base, self.frames[frame].kind);
        self.copy_values_out(count, base, is_last);
        match kind {
            FrameKind::Loop(start) => self.jump_back(start),
            _ => self.jump_to_end(frame),
        }
    }

    fn copy_values_out(&mut self, count: usize, base: Registers, is_last: bool) {
        let only = homes(self.stack.top(count), base).next().filter(|_| is_last && count == 1);
        if !only.is_some_and(|(entry, register)| self.redirect(entry, register)) {
            self.copy_values(count, base);
        }
    }

    /// `br_if`
    pub(super) fn branch_if(&mut self, depth: u32) {
        let condition = self.pop_condition();
        self.branch_on(condition, depth);
    }

    /// Branches if a condition holds.
    pub(super) fn branch_on(&mut self, condition: Condition, depth: u32) {
        let frame = self.target(depth);
        self.first_writes.is_over = true;
        self.prepare_values(self.branch_values(frame));
        if !self.is_plain(frame) {
            let mut over = Label::NEW;
            let jump = self.forward_jump(condition.negated());
            self.jump_forward(jump, &mut over);
            self.leave_to(frame, false);
            self.bind(over);
            return;
        }
        match self.frames[frame].kind {
            FrameKind::Loop(start) => self.jump_back_if(condition, start),
            _ => self.jump_to_end_if(condition, frame),
        }
    }

    /// `br_on_null`, `br_on_non_null`
    pub(super) fn branch_on_null(&mut self, depth: u32, branches_on_null: bool) {
        let entry = self.stack.pop();
        let register = self.register(entry);
        let home = self.stack.next().numbers;
        let condition = Condition::is_null(register, home);
        if branches_on_null {
            self.branch_on(condition, depth);
            self.push(entry.kind, entry.source);
        } else {
            self.push(entry.kind, entry.source);
            self.branch_on(condition.negated(), depth);
            self.stack.pop();
        }
    }

    /// `br_table`
    pub(super) fn branch_table(&mut self, targets: &BrTable<'_>) -> Result<(), WasmError> {
        let entry = self.stack.pop();
        let index = self.low_register(entry);
        let frame = self.target(targets.default());
        self.prepare_values(self.branch_values(frame));
        // A stub has a return, or copies of a few values and a jump.
        self.keep_in_reach(targets.len().saturating_add(1).saturating_mul(16));
        self.code.ad(Opcode::jump_table, number(index), targets.len());
        let mut stubs: Vec<usize> = Vec::new();
        for depth in targets.targets().chain(core::iter::once(Ok(targets.default()))) {
            let frame = self.target(depth?);
            if self.is_plain(frame) {
                match self.frames[frame].kind {
                    FrameKind::Loop(start) => self.jump_back(start),
                    _ => self.jump_to_end(frame),
                }
                continue;
            }
            let mut stub = self.frames[frame].stub;
            if stub == Label::NEW {
                stubs.push(frame);
            }
            self.jump_always(&mut stub);
            self.frames[frame].stub = stub;
            if self.code.is_full {
                break;
            }
        }
        for frame in stubs {
            let stub = core::mem::replace(&mut self.frames[frame].stub, Label::NEW);
            self.bind(stub);
            self.leave_to(frame, false);
        }
        self.end_reachable();
        Ok(())
    }

    /// `return`
    pub(super) fn leave(&mut self) {
        self.emit_return();
        self.end_reachable();
    }

    /// Returns the top values.
    pub(super) fn emit_return(&mut self) {
        let count = self.results.len();
        let top = self.stack.top(count);
        match top {
            [] => return self.code.ad(Opcode::return_none, 0, 0),
            &[entry] if entry.kind == GlobalKind::Number => {
                let register = self.register(entry);
                return self.code.ad(Opcode::return_one, number(register), 0);
            }
            _ => {}
        }
        // From where they are, if they are one after another there.
        let mut first = Registers::default();
        let (mut number_count, mut reference_count) = (0, 0);
        for entry in top {
            let register = match entry.source {
                Source::Local(register) => register,
                _ => entry.home,
            };
            if entry.kind == GlobalKind::Reference {
                if reference_count == 0 {
                    first.references = register;
                }
                reference_count += 1;
            } else {
                if number_count == 0 {
                    first.numbers = register;
                }
                number_count += entry.size().numbers;
            }
        }
        let are_there = homes(top, first).all(|(entry, register)| match entry.source {
            Source::Home => entry.home == register,
            Source::Local(local) => local == register,
            Source::Constant(_) => false,
        });
        if !are_there {
            first = self.frames.first().map_or(first, |frame| frame.base);
            self.prepare_values(count);
            self.copy_values(count, first);
        }
        // What is not there has no place.
        let a = if number_count > 0 { operand(GlobalKind::Number, first.numbers) } else { 0 };
        let b = if reference_count > 0 { reference(first.references) } else { 0 };
        self.code.abc(Opcode::return_values, a, b, 0);
    }
}
