//! The control flow of a dynamic function: blocks of instructions, and where the interpreter may enter compiled code.

use super::{
    operands::Operands,
    registers::{Set, read, written},
};
use alloc::{vec, vec::Vec};
use core::ops::Range;
use lunette_bytecode::instruction::{Flow, Opcode, Word};
use lunette_interpreter::{machine_code::Unit, typed::native::Refusal};

/// A block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Its instructions.
    pub instructions: Range<usize>,
    /// Blocks to which control may go: first where the last instruction jumps to, if it does.
    pub successors: Vec<usize>,
    /// Whether control goes back to it.
    pub is_loop: bool,
    /// Whether the interpreter may enter it.
    pub is_entry: bool,
    /// Registers whose contents are needed later, or are looked at.
    pub live: Set,
}

/// A function taken apart.
pub(crate) struct Code<'f> {
    pub unit: &'f Unit,
    pub blocks: Vec<Block>,
    /// Whether the processor has an instruction that rounds.
    pub rounds: bool,
    /// Of each instruction the variables that are visible there.
    visible: Vec<Set>,
}

/// The most instructions of a function that is compiled.
const MOST_WORDS: usize = 1 << 13;
/// The most instructions of a block, as what is known within it takes room for each.
const MOST_OF_BLOCK: usize = 256;

impl<'f> Code<'f> {
    /// Takes a function apart. Refused if it is too large, or nothing in it would gain.
    pub fn new(unit: &'f Unit, rounds: bool) -> Result<Code<'f>, Refusal> {
        if unit.code.len() > MOST_WORDS {
            return Err(Refusal::TooLarge);
        }
        let blocks = divide(&unit.code);
        if unit.code.first().is_none_or(|first| is_left(first.opcode())) {
            return Err(Refusal::NothingGained);
        }
        let mut visible = vec![Set::default(); unit.code.len()];
        for local in &unit.locals {
            let end = unit.code.len().min(local.scope.end as usize);
            for set in visible.get_mut(local.scope.start as usize..end).into_iter().flatten() {
                set.add(local.register.into());
            }
        }
        let mut code = Code { unit, blocks, rounds, visible };
        code.find_live();
        Ok(code)
    }

    /// An instruction.
    pub fn word(&self, instruction: usize) -> Word {
        self.unit.code[instruction]
    }

    /// How many registers there are.
    pub fn registers(&self) -> usize {
        self.unit.register_count.into()
    }

    /// The registers whose contents are needed from an instruction on, or are looked at there, from those that are after it.
    pub fn live_before(&self, instruction: usize, after: &mut Set) {
        let word = self.word(instruction);
        for register in written(word, self.registers()) {
            after.remove(register);
        }
        read(word, self.registers(), |range| range.for_each(|register| after.add(register)));
        after.unite(&self.visible[instruction]);
    }

    /// Those after a block.
    pub fn live_after(&self, block: usize) -> Set {
        let mut live = Set::default();
        for &next in &self.blocks[block].successors {
            live.unite(&self.blocks[next].live);
        }
        live
    }

    fn find_live(&mut self) {
        let mut changed = true;
        while changed {
            changed = false;
            for number in (0..self.blocks.len()).rev() {
                let mut live = self.live_after(number);
                for instruction in self.blocks[number].instructions.clone().rev() {
                    self.live_before(instruction, &mut live);
                }
                if live != self.blocks[number].live {
                    self.blocks[number].live = live;
                    changed = true;
                }
            }
        }
    }
}

/// Whether compiled code always ends before an instruction.
pub(crate) fn is_left(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::return_closing)
}

/// Whether the interpreter comes back behind an instruction, after what was called there.
fn is_call(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::call | Opcode::generic_for_call | Opcode::tail_call)
}

/// Divides a function's instructions into blocks.
fn divide(code: &[Word]) -> Vec<Block> {
    let target = |number: usize| {
        let distance = code[number].jump_distance()?;
        Some((number + 1).wrapping_add_signed(distance as isize))
    };
    let mut begins = vec![false; code.len() + 1];
    begins[..code.len()].iter_mut().step_by(MOST_OF_BLOCK).for_each(|begins| *begins = true);
    for (number, word) in code.iter().enumerate() {
        if let Some(target) = target(number) {
            begins[target] = true;
            begins[number + 1] = true;
        }
        let opcode = word.opcode();
        if is_call(opcode) || is_left(opcode) || opcode.entry().flow == Flow::End {
            begins[number + 1] = true;
        }
    }
    let starts: Vec<usize> = (0..code.len()).filter(|&number| begins[number]).collect();
    let block_of = |instruction: usize| starts.partition_point(|&start| start <= instruction) - 1;
    let mut blocks: Vec<Block> = Vec::new();
    for (index, &start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(code.len());
        let last = code[end - 1].opcode();
        let following = (end < code.len()).then_some(index + 1);
        let jumped = target(end - 1).map(block_of);
        let successors = match last.entry().flow {
            Flow::End => Vec::new(),
            Flow::Jump => jumped.into_iter().collect(),
            Flow::Next | Flow::Branch => jumped.into_iter().chain(following).collect(),
        };
        blocks.push(Block {
            instructions: start..end,
            successors,
            is_loop: false,
            is_entry: index == 0,
            live: Set::default(),
        });
    }
    for number in 0..blocks.len() {
        if is_call(code[blocks[number].instructions.end - 1].opcode()) && number + 1 < blocks.len() {
            blocks[number + 1].is_entry = true;
        }
        for next in blocks[number].successors.clone() {
            blocks[next].is_loop |= next <= number;
            blocks[next].is_entry |= next <= number;
        }
    }
    blocks
}
