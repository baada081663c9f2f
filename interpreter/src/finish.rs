//! Finishing an instruction whose metamethod has returned.

use crate::{call::Next, dispatch::state::Operands, error::Throw, frame::HeaderSlot, machine::Machine, slow};
use lunette_bytecode::instruction::{Flow, Opcode, Word};
use lunette_gc::value::{Slot, Tag, Value};

/// What is done with the result of a metamethod that an instruction has called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finishing {
    /// Nothing.
    Nothing,
    /// It goes to the instruction's first register.
    SetRegister,
    /// It decides whether the instruction jumps.
    Branch,
    /// It is an operand of what is left to concatenate.
    Concat,
}

/// What is done for each opcode; unmarked words have no others.
pub(crate) static FINISHING: [Finishing; Word::MARK as usize] = {
    let mut table = [Finishing::Nothing; Word::MARK as usize];
    let mut number = 0;
    while number < Opcode::ALL.len() {
        let opcode = Opcode::ALL[number];
        table[number] = match opcode {
            Opcode::set_field
            | Opcode::initialize_field
            | Opcode::set_index
            | Opcode::set_integer
            | Opcode::set_upvalue_field => Finishing::Nothing,
            Opcode::concat => Finishing::Concat,
            _ if matches!(opcode.entry().flow, Flow::Branch) => Finishing::Branch,
            _ => Finishing::SetRegister,
        };
        number += 1;
    }
    table
};

impl Machine {
    /// The instruction before the resume point of the Lua frame at `base`: the one that is being executed.
    pub(crate) fn current_word(&self, base: u32) -> Word {
        let units = self.header(base).resume();
        // SAFETY: the resume point of a Lua frame is in its code, past the first instruction.
        Word(unsafe { *self.heap.base().cast::<u64>().add(units as usize - 1) }).unmarked()
    }

    /// Moves the resume point of the running Lua frame by `distance` words.
    pub(crate) fn jump_by(&self, distance: i64) {
        let header = self.header(self.base);
        header.set_resume((i64::from(header.resume()) + distance) as u32);
    }

    /// Takes the branch of a conditional jump if the condition is as the instruction wants it.
    pub(crate) fn branch(&self, word: Word, condition: bool) {
        if condition == slow::sense_of(word) {
            self.jump_by(word.c_signed());
        }
    }

    /// Finishes the running frame's instruction with the metamethod's result.
    pub(crate) fn finish_instruction(&mut self, result: Value) -> Result<Next, Throw> {
        let word = self.current_word(self.base);
        match FINISHING[word.opcode_number() as usize] {
            Finishing::Nothing => {}
            Finishing::SetRegister => self.set_register(word.a(), result),
            Finishing::Branch => self.branch(word, !result.is_falsy()),
            Finishing::Concat => {
                // The result stands for the last two operands; the slot of the second is marked as consumed.
                let first = self.register_index(word.a());
                let mut last = first + word.b() as u32 - 1;
                while last > first && is_consumed(self.slot(last)) {
                    last -= 1;
                }
                if last == first {
                    return Err(self.runtime_error(format_args!("malformed bytecode: nothing to concatenate")));
                }
                self.set_value(last - 1, result);
                consume(self.slot(last));
                if last - 1 > first {
                    return self.concat_rest(word);
                }
                let status = slow::after_allocation(self, word)?;
                let _ = status;
            }
        }
        Ok(Next::Lua)
    }
}

/// Whether the operand of a concatenation is already part of the one before it.
pub(crate) fn is_consumed(slot: &Slot) -> bool {
    slot.tag.get() == Tag::DeadKey as u32
}

/// Marks the operand of a concatenation as part of the one before it.
pub(crate) fn consume(slot: &Slot) {
    slot.payload.set(0);
    slot.tag.set(Tag::DeadKey as u32);
}
