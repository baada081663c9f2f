//! Registers, scopes and the debug information of local variables.

use super::function::Closer;
use super::{Done, Generator};
use crate::ast::LocalId;
use crate::error::Failure;
use crate::strings::StringId;
use lunette_bytecode::instruction::{MAX_REGISTERS, Opcode};
use lunette_bytecode::module::{Attribute, Local};

/// Where a value is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    Register(u8),
    /// The next free register, which is taken.
    Next,
}

/// What a block began with.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    level: usize,
    free: u32,
    closers: usize,
}

impl Generator<'_> {
    /// Takes the next `count` registers; gives the first.
    pub(super) fn reserve(&mut self, count: u32) -> Result<u8, Failure> {
        let first = self.function.free;
        self.require(first + count)?;
        self.function.free = first + count;
        Ok(first as u8)
    }

    /// Makes sure that the function has the registers below `count`.
    pub(super) fn require(&mut self, count: u32) -> Done {
        if count > MAX_REGISTERS {
            return Err(Failure::near("function or expression needs too many registers", self.position));
        }
        self.function.register_count = self.function.register_count.max(count);
        Ok(())
    }

    /// The register of a destination.
    pub(super) fn take(&mut self, destination: Destination) -> Result<u8, Failure> {
        match destination {
            Destination::Register(register) => Ok(register),
            Destination::Next => self.reserve(1),
        }
    }

    // ---- scopes ----

    /// How many variables of the function are in scope, counted as the resolver counts them.
    pub(super) fn level(&self) -> usize {
        self.function.active.len()
    }

    pub(super) fn enter_scope(&self) -> Scope {
        Scope { level: self.level(), free: self.function.free, closers: self.function.closers.len() }
    }

    /// Ends the scope of variables and frees their registers.
    pub(super) fn leave_scope(&mut self, scope: Scope) -> Done {
        let end = self.function.code.len() as u32;
        for debug in self.function.active.drain(scope.level..).flatten() {
            self.function.locals[debug as usize].end = end;
        }
        if let Some(&Closer { register, .. }) = self.function.closers.get(scope.closers) {
            self.emit(Opcode::close, &[register.into()])?;
            self.function.closers.truncate(scope.closers);
        }
        self.function.free = scope.free;
        Ok(())
    }

    /// Brings a variable of this name into scope; it lies in `register`.
    fn activate(&mut self, name: StringId, register: u8) -> Done {
        let name = self.text(self.strings.get(name))?;
        let start = self.function.code.len() as u32;
        let debug = self.function.locals.len() as u32;
        self.memory.push(&mut self.function.locals, Local { name, register, start, end: start })?;
        Ok(self.memory.push(&mut self.function.active, Some(debug))?)
    }

    /// Brings a variable that is a constant into scope.
    pub(super) fn activate_constant(&mut self) -> Done {
        Ok(self.memory.push(&mut self.function.active, None)?)
    }

    /// Brings `count` variables that a loop keeps for itself into scope.
    pub(super) fn activate_state(&mut self, first: u8, count: u32) -> Done {
        (0..count).try_for_each(|number| self.activate(StringId::FOR_STATE, first + number as u8))
    }

    /// Brings a local variable into scope whose value is in `register` already.
    pub(super) fn activate_local(&mut self, local: LocalId, register: u8) -> Done {
        let declaration = *self.ast.local(local);
        self.registers[local.0 as usize] = register;
        if declaration.attribute == Attribute::ToBeClosed {
            return self.activate_to_be_closed(local, register);
        }
        if declaration.is_captured {
            self.emit_new_cell(register)?;
        }
        self.activate(declaration.name, register)
    }

    /// Brings a local variable into scope that is in a cell in `register` already.
    pub(super) fn activate_cell(&mut self, local: LocalId, register: u8) -> Done {
        self.registers[local.0 as usize] = register;
        self.activate(self.ast.local(local).name, register)
    }

    /// A variable to be closed never changes, so if it is captured, the cell is another register with its value: the
    /// register to be closed holds the value itself.
    fn activate_to_be_closed(&mut self, local: LocalId, register: u8) -> Done {
        let declaration = *self.ast.local(local);
        let level = self.level() as u32;
        self.activate(declaration.name, register)?;
        self.memory.push(&mut self.function.closers, Closer { level, register })?;
        self.function.late_cell = declaration.is_captured.then_some((local, register));
        Ok(())
    }

    /// Marks the variables activated since `closers` as to be closed.
    pub(super) fn mark_to_be_closed(&mut self, closers: usize) -> Done {
        let Some(&Closer { register, .. }) = self.function.closers.get(closers) else { return Ok(()) };
        self.emit(Opcode::to_be_closed, &[register.into()])?;
        if let Some((local, register)) = self.function.late_cell.take() {
            let cell = self.reserve(1)?;
            self.emit(Opcode::copy, &[cell.into(), register.into()])?;
            self.emit_new_cell(cell)?;
            self.registers[local.0 as usize] = cell;
        }
        Ok(())
    }

    /// Whether a jump to where `level` variables are in scope has to close any.
    pub(super) fn closes_above(&self, level: u32) -> bool {
        self.function.closers.last().is_some_and(|closer| closer.level >= level)
    }

    /// Before a jump to where `level` variables are in scope: closes those beyond that are to be closed.
    pub(super) fn close_above(&mut self, level: u32) -> Done {
        match self.function.closers.iter().find(|closer| closer.level >= level) {
            Some(&Closer { register, .. }) => self.emit(Opcode::close, &[register.into()]).map(drop),
            None => Ok(()),
        }
    }
}
