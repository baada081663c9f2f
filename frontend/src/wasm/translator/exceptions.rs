//! Exceptions. Code that throws nothing pays nothing: parts of the code are listed with what catches exceptions there.
//!
//! The values of an exception that is caught go to where they would be if they were pushed below the `try_table`. If that
//! is where its label wants them, control goes there at once, else to a stub behind the block, which branches on.

use super::{Translator, calls::sizes, control::FrameKind, registers::reference};
use alloc::vec::Vec;
use lunette_bytecode::typed::{
    function::{Catch, GlobalKind},
    instruction::Opcode,
};
use wasmparser::TryTable;

impl Translator<'_> {
    /// `throw`
    pub(super) fn throw(&mut self, tag: u32) {
        let Some(values) = self.surroundings.tag_values(tag) else { return };
        let count = self.tag_kinds(tag).count();
        self.send_arguments(count);
        let (words, g, h) = sizes(values);
        self.code.abc(Opcode::throw, 0, 0, words);
        self.code.halves(tag, u32::from(g) | u32::from(h) << 16);
        self.list(count);
        self.end_reachable();
    }

    /// `throw_ref`
    pub(super) fn throw_reference(&mut self) {
        let entry = self.stack.pop();
        let register = self.register(entry);
        self.code.abc(Opcode::throw_reference, reference(register), 0, 0);
        self.end_reachable();
    }

    /// The kinds of the values of exceptions of a tag.
    fn tag_kinds(&self, tag: u32) -> impl Iterator<Item = GlobalKind> + use<'_> {
        let kind = self.declarations.tags.get(tag as usize).and_then(|&kind| self.declarations.function_type(kind));
        kind.into_iter().flat_map(|kind| &kind.parameters).map(|value| value.kind())
    }

    /// `try_table`
    pub(super) fn enter_try(&mut self, block: &TryTable) {
        self.leave_locals(self.height_below(block.ty));
        let first = self.open_catches.len();
        for &clause in &block.catches {
            let (tag, depth, takes_exception) = match clause {
                wasmparser::Catch::One { tag, label } => (Some(tag), label, false),
                wasmparser::Catch::OneRef { tag, label } => (Some(tag), label, true),
                wasmparser::Catch::All { label } => (None, label, false),
                wasmparser::Catch::AllRef { label } => (None, label, true),
            };
            self.open_catches.push(OpenCatch { tag, takes_exception, frame: self.target(depth) });
        }
        // Catching is a branch from any instruction, and no earlier instruction becomes part of the block.
        self.first_writes.is_over = true;
        self.code.barrier();
        let start = self.code.position();
        self.open(FrameKind::Try { start, first }, block.ty);
    }

    /// What happens at the end of a `try_table`, whose frame is still open.
    pub(super) fn end_try(&mut self, start: u32, first: usize) {
        self.code.barrier();
        let end = self.code.position();
        let own = self.frames.len() - 1;
        let Some((height, base)) = self.frames.last().map(|frame| (frame.height, frame.base)) else { return };
        if start == end {
            self.open_catches.truncate(first);
        }
        let clauses = first..self.open_catches.len();
        let first_catch = self.catches.len();
        let mut needs_stubs = false;
        for &clause in &self.open_catches[clauses.clone()] {
            self.catches.push(Catch {
                start,
                end,
                tag: clause.tag,
                target: 0,
                numbers: base.numbers,
                references: base.references,
                takes_exception: clause.takes_exception,
            });
            needs_stubs |= !self.catches_at_once(clause.frame, own);
        }
        if needs_stubs && self.is_reachable {
            let count = self.branch_values(own);
            self.send_top_home(count);
            self.jump_to_end(own);
            self.is_reachable = false;
        }
        for (catch, index) in (first_catch..).zip(clauses) {
            let clause = self.open_catches[index];
            if self.catches_at_once(clause.frame, own) {
                self.catch_to_end(catch, clause.frame);
                continue;
            }
            self.catches[catch].target = self.code.position();
            self.code.barrier();
            self.stack.truncate(height, base);
            for kind in clause.tag.into_iter().flat_map(|tag| self.tag_kinds(tag)).collect::<Vec<_>>() {
                self.push_home(kind);
            }
            if clause.takes_exception {
                self.push_home(GlobalKind::Reference);
            }
            self.leave_to(clause.frame, false);
        }
        self.open_catches.truncate(first);
    }

    /// Whether values that are pushed below the `try_table` with frame `own` are where the label of another has them.
    fn catches_at_once(&self, frame: usize, own: usize) -> bool {
        let count = self.branch_values(frame);
        match self.frames[frame].kind {
            FrameKind::Loop(_) => false,
            _ if count == 0 => true,
            _ => frame > 0 && self.frames[frame].base == self.frames[own].base,
        }
    }
}

/// What catches exceptions in a block that is open.
#[derive(Clone, Copy)]
pub(super) struct OpenCatch {
    tag: Option<u32>,
    takes_exception: bool,
    /// The block that is branched to.
    frame: usize,
}
