//! Emitting single instructions with their lines.

use super::{Done, Generator};
use crate::error::Failure;
use lunette_bytecode::instruction::{MAX_REGISTERS, Opcode, OperandKind, Word};

impl Generator<'_> {
    /// Emits an instruction in the current line; gives its number.
    pub(super) fn emit(&mut self, opcode: Opcode, operands: &[i64]) -> Result<u32, Failure> {
        self.emit_at(opcode, operands, self.position)
    }

    /// Emits an instruction in the line of the offset `position`.
    pub(super) fn emit_at(&mut self, opcode: Opcode, operands: &[i64], position: u32) -> Result<u32, Failure> {
        let mut word = opcode.encode(operands);
        if let [.., last] = opcode.entry().operands
            && last.kind == OperandKind::Live
        {
            let written = operands.first().map_or(0, |&first| first + 1);
            let live = written.max(self.function.free.into()).min(MAX_REGISTERS.into());
            word = opcode.encode(&[operands, &[live]].concat());
        }
        let word = word.ok_or_else(|| Failure::near("control structure too long", position))?;
        self.emit_word(word, self.lines.line(position))
    }

    fn emit_word(&mut self, word: Word, line: u32) -> Result<u32, Failure> {
        let function = &mut self.function;
        let number = function.code.len() as u32;
        self.memory.push(&mut function.code, word)?;
        self.memory.push(&mut function.lines, line)?;
        if function.without_line > 0 {
            let first = function.lines.len() - 1 - function.without_line;
            function.lines[first..].fill(line);
            function.without_line = 0;
        }
        Ok(number)
    }

    /// Puts the variable in `register` into a cell. That is no step of the program, so the instruction belongs to the
    /// line of what follows.
    pub(super) fn emit_new_cell(&mut self, register: u8) -> Done {
        let waiting = core::mem::take(&mut self.function.without_line);
        self.emit(Opcode::new_cell, &[register.into()])?;
        self.function.without_line = waiting + 1;
        Ok(())
    }

    /// Moves the last instruction to the line of the offset `position`.
    pub(super) fn move_to_line(&mut self, position: u32) {
        let line = self.lines.line(position);
        if let Some(last) = self.function.lines.last_mut() {
            *last = line;
        }
    }

    /// `count` registers from `first` on become nil; joins an instruction before that does the same below them.
    pub(super) fn emit_nil(&mut self, first: u8, count: u32) -> Done {
        let here = self.function.code.len();
        if here as u32 > self.function.last_target
            && let Some(last) = self.function.code.last_mut()
            && last.opcode_number() == Opcode::load_nil as u8
        {
            let entry = Opcode::load_nil.entry();
            let (before, length) = (last.operand(entry.operands[0]), last.operand(entry.operands[1]));
            if before + length == i64::from(first)
                && let Some(joined) = Opcode::load_nil.encode(&[before, length + i64::from(count)])
            {
                *last = joined;
                return Ok(());
            }
        }
        self.emit(Opcode::load_nil, &[first.into(), count.into()]).map(drop)
    }

    /// The number of the next instruction, which is the target of a jump.
    pub(super) fn here(&mut self) -> u32 {
        self.function.last_target = self.function.code.len() as u32;
        self.function.last_target
    }
}
