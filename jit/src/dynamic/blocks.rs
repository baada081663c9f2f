//! The control flow of a dynamic function: blocks of instructions, and where the interpreter may enter compiled code.

use super::{
    inlining::{self, Body, Instruction, Spliced},
    operands::Operands,
    registers::{Set, read, written},
};
use alloc::{collections::BTreeMap, format, string::String, vec, vec::Vec};
use core::ops::Range;
use lunette_bytecode::instruction::{Flow, Opcode, Word};
use lunette_interpreter::{frame::FRAME_SLOTS, machine_code::Unit, typed::native::Refusal};

/// A block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Its instructions.
    pub instructions: Range<usize>,
    /// Blocks to which control may go: first where the last instruction jumps to, if it does.
    pub successors: Vec<usize>,
    /// Whether the interpreter may enter it.
    pub is_entry: bool,
    /// Whether it is not compiled, and not entered.
    pub is_left_out: bool,
    /// Registers whose contents are needed later, or are looked at.
    pub live: Set,
}

/// A function taken apart.
pub(crate) struct Code<'f> {
    /// The function that is compiled.
    pub unit: &'f Unit,
    /// Its instructions, and those of the functions that are in the place of calls.
    instructions: Vec<Instruction>,
    /// Those functions, behind the one that is compiled.
    pub bodies: Vec<Body<'f>>,
    /// Of calls in whose place there is a body, its number.
    entered: BTreeMap<usize, usize>,
    registers: usize,
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
    /// Takes a function apart, with what was added to it. Refused if it is too large, or nothing in it would gain.
    pub fn new(spliced: Spliced<'f>, rounds: bool) -> Result<Code<'f>, Refusal> {
        let unit = spliced.bodies[0].unit;
        if unit.code.len() > MOST_WORDS {
            return Err(Refusal::TooLarge);
        }
        if unit.code.first().is_none_or(|first| is_left(first.opcode())) {
            return Err(Refusal::NothingGained);
        }
        let blocks = divide(&spliced);
        let visible = visible(&spliced);
        let Spliced { instructions, bodies, entered, registers, .. } = spliced;
        let mut code = Code { unit, instructions, bodies, entered, registers, blocks, rounds, visible };
        code.find_live();
        Ok(code)
    }

    /// How many instructions there are.
    pub fn len(&self) -> usize {
        self.instructions.len()
    }

    /// An instruction, with registers of the function that is compiled.
    pub fn word(&self, instruction: usize) -> Word {
        self.instructions[instruction].word
    }

    /// The function that an instruction is of.
    pub fn unit_of(&self, instruction: usize) -> &'f Unit {
        self.body_of(instruction).unit
    }

    /// The same, and where its registers are.
    pub fn body_of(&self, instruction: usize) -> &Body<'f> {
        &self.bodies[self.body_number(instruction)]
    }

    /// The number of the body that an instruction is of.
    pub fn body_number(&self, instruction: usize) -> usize {
        self.instructions[instruction].body
    }

    /// Whether the function that is compiled goes back anywhere.
    pub fn has_loops(&self) -> bool {
        let goes_back = |word: &Word| word.jump_distance().is_some_and(|distance| distance < 0);
        self.unit.code.iter().any(goes_back)
    }

    /// Which instruction of its function it is.
    pub fn at(&self, instruction: usize) -> usize {
        self.instructions[instruction].at
    }

    /// If an instruction is a call in whose place there is a function, the number of its body.
    pub fn entered(&self, instruction: usize) -> Option<usize> {
        self.entered.get(&instruction).copied()
    }

    /// Whether an instruction jumps behind the arithmetic in whose place it is: with a metamethod's result.
    pub fn finishes(&self, instruction: usize) -> bool {
        let Instruction { word, body, target, .. } = self.instructions[instruction];
        word.opcode() == Opcode::jump
            && self.bodies[body]
                .call
                .is_some_and(|call| target == Some(call + 1) && !inlining::is_call(self.word(call)))
    }

    /// How many instructions are in the place of calls in a range of the function's own.
    pub fn words_inlined(&self, range: &Range<usize>) -> usize {
        let mut calls = Vec::from([range.clone()]);
        let mut words = 0;
        for body in &self.bodies {
            if body.call.is_some_and(|call| calls.iter().any(|range| range.contains(&call))) {
                words += body.instructions.len();
                calls.push(body.instructions.clone());
            }
        }
        words
    }

    /// All instructions, for people: each with its number, and in the place of calls and in copies with that of the function's own.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (number, &Instruction { word, body, at, target }) in self.instructions.iter().enumerate() {
            let is_first = number == 0 || self.instructions[number - 1].body != body;
            if let Some(call) = self.bodies[body].call.filter(|_| is_first) {
                text += &format!("in the place of {call}:\n");
            }
            match number < self.unit.code.len() {
                true => text += &format!("{number:5}  {word:?}"),
                false => text += &format!("{number:5}  {at:5}  {word:?}"),
            }
            if let Some(target) = target {
                text += &format!(" to {target}");
            }
            text += "\n";
        }
        text
    }

    /// How many registers there are.
    pub fn registers(&self) -> usize {
        self.registers
    }

    /// The registers that an instruction writes, or whose content is lost.
    pub fn written(&self, instruction: usize) -> Range<usize> {
        let word = self.word(instruction);
        match (self.entered(instruction), word.opcode()) {
            (None, _) => written(word, self.registers),
            (Some(_), Opcode::tail_call) => 0..0,
            // The header of the frame that is made: a number that was there is not to be stored over it.
            (Some(_), Opcode::call) => word.a() + 1..word.a() + 2,
            // The same, and the metamethod.
            (Some(body), _) => self.bodies[body].offset - FRAME_SLOTS as usize..self.bodies[body].offset,
        }
    }

    /// The registers whose contents are needed from an instruction on, or are looked at there, from those that are after it.
    pub fn live_before(&self, instruction: usize, after: &mut Set) {
        for register in self.written(instruction) {
            after.remove(register);
        }
        read(self.word(instruction), self.registers, |range| range.for_each(|register| after.add(register)));
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

/// Of each instruction the variables that are visible there, those of callers among them.
fn visible(spliced: &Spliced<'_>) -> Vec<Set> {
    let of_body = |body: &Body<'_>| {
        let mut sets = vec![Set::default(); body.unit.code.len()];
        for local in &body.unit.locals {
            let end = sets.len().min(local.scope.end as usize);
            for set in sets.get_mut(local.scope.start as usize..end).into_iter().flatten() {
                set.add(body.offset + usize::from(local.register));
            }
        }
        sets
    };
    let own: Vec<Vec<Set>> = spliced.bodies.iter().map(of_body).collect();
    let mut visible: Vec<Set> = Vec::with_capacity(spliced.instructions.len());
    for instruction in &spliced.instructions {
        let mut set = own[instruction.body][instruction.at];
        // A caller's instructions are before those of what it calls.
        if let Some(call) = spliced.bodies[instruction.body].call {
            set.unite(&visible[call]);
        }
        visible.push(set);
    }
    visible
}

/// Divides instructions into blocks.
fn divide(spliced: &Spliced<'_>) -> Vec<Block> {
    let code = &spliced.instructions;
    let mut begins = vec![false; code.len() + 1];
    begins[..code.len()].iter_mut().step_by(MOST_OF_BLOCK).for_each(|begins| *begins = true);
    spliced.goes_to.values().for_each(|&target| begins[target] = true);
    for (number, instruction) in code.iter().enumerate() {
        if let Some(target) = instruction.target {
            begins[target] = true;
            begins[number + 1] = true;
        }
        let opcode = instruction.word.opcode();
        let ends = is_call(opcode) || is_left(opcode) || opcode.entry().flow == Flow::End;
        if ends || spliced.entered.contains_key(&number) {
            begins[number + 1] = true;
        }
    }
    let starts: Vec<usize> = (0..code.len()).filter(|&number| begins[number]).collect();
    let block_of = |instruction: usize| starts.partition_point(|&start| start <= instruction) - 1;
    let mut blocks: Vec<Block> = Vec::new();
    for (index, &start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(code.len());
        let last = code[end - 1].word.opcode();
        let following = (end < code.len()).then_some(index + 1);
        let jumped = code[end - 1].target.map(block_of);
        let successors = match (spliced.goes_to.get(&(end - 1)), last.entry().flow) {
            (Some(&target), _) => vec![block_of(target)],
            (None, Flow::End) => Vec::new(),
            (None, Flow::Jump) => jumped.into_iter().collect(),
            (None, Flow::Next | Flow::Branch) => jumped.into_iter().chain(following).collect(),
        };
        blocks.push(Block {
            instructions: start..end,
            successors,
            is_entry: index == 0,
            is_left_out: false,
            live: Set::default(),
        });
    }
    // Only the function itself is entered in the middle, and what was peeled is not.
    let is_entered = |block: &Block| {
        let start = block.instructions.start;
        code[start].body == 0 && !spliced.peeled.iter().any(|peeled| peeled.contains(&start))
    };
    let mut headers = Vec::new();
    for number in 0..blocks.len() {
        let last = &code[blocks[number].instructions.end - 1];
        if last.body != 0 {
            continue;
        }
        if is_call(last.word.opcode()) && blocks.get(number + 1).is_some_and(is_entered) {
            blocks[number + 1].is_entry = true;
        }
        let goes_back = last.word.jump_distance().is_some_and(|distance| distance < 0);
        if let Some(next) = last.target.filter(|_| goes_back).map(block_of) {
            blocks[next].is_entry |= is_entered(&blocks[next]);
            headers.extend(blocks[next].is_entry.then_some(next));
        }
    }
    let unit = spliced.bodies[0].unit;
    if unit.is_chunk && !unit.is_eager && !headers.is_empty() {
        leave_out_all_but(headers, &mut blocks);
    }
    blocks
}

/// Of a chunk, which runs once, only its loops are compiled, and what follows them; but what comes before tells what is known there.
fn leave_out_all_but(mut reached: Vec<usize>, blocks: &mut [Block]) {
    let mut is_reached = vec![false; blocks.len()];
    while let Some(block) = reached.pop() {
        if !core::mem::replace(&mut is_reached[block], true) {
            reached.extend(&blocks[block].successors);
        }
    }
    for (block, is_reached) in blocks.iter_mut().zip(is_reached) {
        block.is_left_out = !is_reached;
    }
}
