//! The control flow of a typed function: blocks of instructions that are compiled, each up to a jump or to an instruction
//! that is left to the interpreter; and where it pays to come from there.

use crate::typed::{
    calls::{call_of, is_callable, reference_result, results_of},
    meaning::{Call, Meaning, Results, Target, Test, meaning},
    objects,
    operands::{argument, operand},
    registers::{Set, visit},
};
use alloc::{vec, vec::Vec};
use lunette_bytecode::{
    instruction::Word,
    typed::{
        fuel,
        function::Function,
        instruction::{Field, Opcode, jump_distance, length},
    },
};
use lunette_interpreter::typed::native::{Refusal, Unit, layout};

/// An instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instruction {
    /// Its first word.
    pub at: usize,
    /// How many words it has.
    pub length: usize,
    /// What it does; `None` if it is left to the interpreter.
    pub meaning: Option<Meaning>,
}

/// A block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Its instructions, by number.
    pub instructions: core::ops::Range<usize>,
    /// Blocks to which control may go, and in which compiled code goes on: first where the last instruction jumps to, if
    /// it does.
    pub successors: Vec<usize>,
    /// How many jumps and blocks before it go to it, in compiled code.
    pub predecessors: usize,
    /// Those in which the interpreter goes on after it, or after an exception.
    pub others: Vec<usize>,
    /// Whether the last instruction is left to the interpreter.
    pub ends_outside: bool,
    /// Whether control goes back to it.
    pub is_loop: bool,
    /// Whether the interpreter may enter it.
    pub is_entry: bool,
    /// Registers whose contents are read later.
    pub live: Set,
}

/// A function taken apart.
pub(crate) struct Code<'f> {
    pub unit: &'f Unit,
    pub instructions: Vec<Instruction>,
    pub blocks: Vec<Block>,
    /// Whether what is written goes to the frame at once, and is read from there in each block: where loading and storing
    /// everything at entries and exits would be too much, and hold too much in between.
    pub keeps_frame: bool,
    /// Whether it accesses any memory.
    pub accesses_memory: bool,
}

/// How many instructions compiled code has to run, at least, for the way there to pay.
const WORTH: usize = 8;
/// The most registers times instructions of a function that is compiled: something is known of each of them everywhere.
const MOST_KNOWN: usize = 1 << 25;
/// The most registers that entries load and exits store for functions whose registers stay in the processor's from block to
/// block.
const MOST_MOVED: usize = 1 << 13;
/// And the most that are held from block to block: what the allocator of registers has to do.
const MOST_HELD: usize = 1 << 15;
/// The most instructions of a block, so that what is held in long ones is seen at their bounds.
const MOST_OF_BLOCK: usize = 256;
/// The most words of such a function.
const MOST_WORDS: usize = 1 << 15;

impl<'f> Code<'f> {
    /// Takes a function apart that was verified. If it is eager, no part of it is too short; `supports` says whether the
    /// processor can do what an instruction means. Refused if it is too large, or nothing in it would gain.
    pub fn new(unit: &'f Unit, supports: impl Fn(Meaning) -> bool) -> Result<Code<'f>, Refusal> {
        let function = &unit.function;
        let words = &function.code;
        if words.len() > MOST_WORDS {
            return Err(Refusal::TooLarge);
        }
        let mut instructions = Vec::new();
        let mut at = 0;
        while let Some(length) = words.get(at..).and_then(length) {
            let words = &words[at..at + length];
            let is_compiled = |meaning| match meaning {
                Meaning::Return(Results::Reference) => results_of(&unit.function_type) == Some(Results::Reference),
                _ => supports(meaning) && objects::is_compiled(unit, words, meaning),
            };
            let call = || call_of(unit, words).map(Meaning::Call);
            let meaning = Opcode::of(words[0]).and_then(meaning).filter(|&meaning| is_compiled(meaning)).or_else(call);
            instructions.push(Instruction { at, length, meaning });
            at += length;
        }
        if instructions.len().saturating_mul(registers_of(function)) > MOST_KNOWN {
            return Err(Refusal::TooLarge);
        }
        let blocks = divide(function, &instructions);
        let accesses_memory =
            instructions.iter().any(|instruction| instruction.meaning.is_some_and(Meaning::accesses_memory));
        let mut code = Code { unit, instructions, blocks, keeps_frame: false, accesses_memory };
        code.choose_entries(if unit.is_eager { 1 } else { WORTH });
        if !code.is_callable() && code.blocks.iter().all(|block| !block.is_entry) {
            return Err(Refusal::NothingGained);
        }
        code.find_live();
        // Tests are to see both.
        let is_much = code.moved() > MOST_MOVED || code.held() > MOST_HELD;
        code.keeps_frame = is_much || unit.is_eager && code.instructions.len().is_multiple_of(2);
        Ok(code)
    }

    /// How many registers are held from one block to the next, in all.
    fn held(&self) -> usize {
        self.blocks.iter().map(|block| block.live.iter().count()).sum()
    }

    /// How many registers entries load and exits store, at most.
    fn moved(&self) -> usize {
        let of_block = |(number, block): (usize, &Block)| {
            let loaded = if block.is_entry { block.live.iter().count() } else { 0 };
            let calls = matches!(self.last(block).meaning, Some(Meaning::Call(_)));
            let leaves = block.ends_outside || calls || block.successors.iter().any(|&next| next <= number);
            loaded + if leaves { self.live_after(number).iter().count() } else { 0 }
        };
        self.blocks.iter().enumerate().map(of_block).sum()
    }

    /// How many registers there are, of both kinds.
    pub fn registers(&self) -> usize {
        registers_of(&self.unit.function)
    }

    /// The number among all registers of a reference register.
    pub fn reference(&self, register: usize) -> usize {
        self.unit.function.registers.numbers as usize + register
    }

    /// The words of an instruction.
    pub fn words(&self, instruction: usize) -> &'f [Word] {
        let Instruction { at, length, .. } = self.instructions[instruction];
        &self.unit.function.code[at..at + length]
    }

    /// The last instruction of a block.
    fn last(&self, block: &Block) -> Instruction {
        self.instructions[block.instructions.end - 1]
    }

    /// Whether compiled code may call it.
    pub fn is_callable(&self) -> bool {
        let begins = self.instructions.first().is_some_and(|first| first.meaning.is_some());
        begins && is_callable(&self.unit.function_type)
    }

    /// Bytes of the processor's stack that a function which calls others in these blocks takes beside what it needs, for it to take as much as
    /// [`layout::stack_taken`] says.
    pub fn padding(&self, is_reachable: &[bool]) -> Option<u32> {
        let mut compiled = self.blocks.iter().zip(is_reachable).filter(|&(_, &is_reachable)| is_reachable);
        let calls = compiled.any(|(block, _)| matches!(self.last(block).meaning, Some(Meaning::Call(_))));
        let taken = layout::stack_taken(self.unit.function.registers, calls);
        // Those that call have the return address and the caller's frame pointer there.
        taken.checked_sub(if calls { 16 } else { 8 }).filter(|&bytes| bytes > 0)
    }

    /// Whether accesses to memory in these blocks need no comparison with its length: it is the first memory, and guarded.
    pub fn relies_on_guards(&self, is_reachable: &[bool]) -> bool {
        let is_access = |instruction: &Instruction| instruction.meaning.is_some_and(Meaning::accesses_memory);
        let mut compiled = self.blocks.iter().zip(is_reachable).filter(|&(_, &is_reachable)| is_reachable);
        self.unit.is_guarded
            && compiled.any(|(block, _)| self.instructions[block.instructions.clone()].iter().any(is_access))
            && !self.instructions.iter().any(|instruction| matches!(instruction.meaning, Some(Meaning::UseMemory)))
    }

    /// Fuel charged when it is entered.
    pub fn entry_cost(&self) -> u32 {
        fuel::entry_cost(&self.unit.function.code)
    }

    /// Calls `read` with every register that an instruction may read, and `write` with those that it certainly writes.
    pub fn visit(&self, instruction: usize, mut read: impl FnMut(usize), mut write: impl FnMut(usize)) {
        let words = self.words(instruction);
        match self.instructions[instruction].meaning {
            // Operands that it does not use may name others.
            Some(Meaning::Call(Call { target, arguments, references: 0, .. })) if target != Target::Reference => {
                (0..arguments).for_each(|index| read(argument(words, index)));
                if target == Target::Indirect {
                    read(operand(words, Field::B));
                }
            }
            _ => visit(words, self.reference(0), self.unit.function_type.signature().results, read, &mut write),
        }
        match self.instructions[instruction].meaning {
            Some(Meaning::Call(Call { result: Results::Number(_), .. })) => write(operand(words, Field::A)),
            Some(Meaning::Call(Call { result: Results::Reference, .. })) => {
                write(self.reference(reference_result(words)))
            }
            _ => {}
        }
    }

    /// The registers whose contents are read from an instruction on, from those that are read after it.
    pub fn live_before(&self, instruction: usize, after: &mut Set) {
        self.visit(instruction, |_| {}, |register| after.remove(register));
        self.visit(instruction, |register| after.add(register), |_| {});
    }

    /// The registers whose contents are read after a block.
    pub fn live_after(&self, block: usize) -> Set {
        let mut live = Set::new(self.registers());
        let Block { successors, others, .. } = &self.blocks[block];
        for &next in successors.iter().chain(others) {
            live.unite(&self.blocks[next].live);
        }
        live
    }

    /// The registers whose contents are read after a call that ends a block, but for its results.
    pub fn kept_during(&self, block: usize) -> Set {
        let mut kept = self.live_after(block);
        self.visit(self.blocks[block].instructions.end - 1, |_| {}, |register| kept.remove(register));
        for &other in &self.blocks[block].others {
            kept.unite(&self.blocks[other].live);
        }
        kept
    }

    fn choose_entries(&mut self, worth: usize) {
        // How many instructions run from the beginning of a block until one that is left to the interpreter. What is called
        // is enough.
        let mut runs: Vec<usize> = vec![0; self.blocks.len()];
        for _ in 0..4 {
            for number in (0..self.blocks.len()).rev() {
                let block = &self.blocks[number];
                let calls = matches!(self.last(block).meaning, Some(Meaning::Call(_)));
                let own = if calls { worth } else { block.instructions.len() - usize::from(block.ends_outside) };
                let most = block.successors.iter().map(|&next| runs[next]).max().unwrap_or(0);
                runs[number] = (own + most).min(worth);
            }
        }
        for (number, block) in self.blocks.iter_mut().enumerate() {
            let own = block.instructions.len() - usize::from(block.ends_outside);
            block.is_entry = own > 0 && runs[number] >= worth && (block.is_entry || block.is_loop);
        }
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
                // What catches exceptions may be gone to from any of the instructions.
                for &other in &self.blocks[number].others {
                    live.unite(&self.blocks[other].live);
                }
                if live != self.blocks[number].live {
                    self.blocks[number].live = live;
                    changed = true;
                }
            }
        }
    }
}

/// How many registers a function has, of both kinds.
fn registers_of(function: &Function) -> usize {
    function.registers.numbers as usize + function.registers.references as usize
}

/// Divides a function's instructions into blocks. Those that the interpreter comes to from an instruction of its own are
/// marked as entries.
fn divide(function: &Function, instructions: &[Instruction]) -> Vec<Block> {
    let mut by_word = vec![usize::MAX; function.code.len() + 1];
    for (number, instruction) in instructions.iter().enumerate() {
        by_word[instruction.at] = number;
    }
    let target = |instruction: &Instruction| {
        let distance = jump_distance(&function.code[instruction.at..])?;
        by_word.get((instruction.at + instruction.length).wrapping_add_signed(distance as isize)).copied()
    };
    let mut begins = vec![false; instructions.len() + 1];
    begins[..instructions.len()].iter_mut().step_by(MOST_OF_BLOCK).for_each(|begins| *begins = true);
    let mut table_left = 0;
    for (number, instruction) in instructions.iter().enumerate() {
        if let Some(target) = target(instruction) {
            begins[target] = true;
            begins[number + 1] = true;
        }
        if matches!(instruction.meaning, None | Some(Meaning::Call(_) | Meaning::Return(_))) {
            begins[number + 1] = true;
        }
        if let Some(Meaning::JumpTable) = instruction.meaning {
            begins[number + 1] = true;
            table_left = table_jumps(&function.code[instruction.at..]);
        } else if table_left > 0 {
            begins[number + 1] = true;
            table_left -= 1;
        }
    }
    for catch in &function.catches {
        for word in [catch.start, catch.end, catch.target] {
            if let Some(&number) = by_word.get(word as usize).filter(|&&number| number < instructions.len()) {
                begins[number] = true;
            }
        }
    }
    let starts: Vec<usize> = (0..instructions.len()).filter(|&number| begins[number]).collect();
    let block_of = |instruction: usize| starts.partition_point(|&start| start <= instruction) - 1;
    let mut blocks: Vec<Block> = Vec::new();
    for (index, &start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(instructions.len());
        let last = &instructions[end - 1];
        let following = (end < instructions.len()).then_some(index + 1);
        let jumped = target(last).filter(|&target| target < instructions.len()).map(block_of);
        let (mut successors, mut others) = (Vec::new(), Vec::new());
        match last.meaning {
            Some(Meaning::Jump(Test::Always) | Meaning::Loop(Test::Always)) => successors.extend(jumped),
            Some(Meaning::JumpTable) => {
                let count = table_jumps(&function.code[last.at..]);
                successors.extend(index + 1..index + 1 + count);
            }
            Some(Meaning::Return(_)) => {}
            Some(_) => successors.extend(jumped.into_iter().chain(following)),
            None => others.extend(jumped.into_iter().chain(following)),
        }
        let at = instructions[start].at as u32;
        for catch in function.catches.iter().filter(|catch| (catch.start..catch.end).contains(&at)) {
            if let Some(&number) = by_word.get(catch.target as usize).filter(|&&number| number < instructions.len()) {
                others.push(block_of(number));
            }
        }
        blocks.push(Block {
            instructions: start..end,
            successors,
            predecessors: 0,
            others,
            ends_outside: last.meaning.is_none(),
            is_loop: false,
            is_entry: index == 0,
            live: Set::new(registers_of(function)),
        });
    }
    for number in 0..blocks.len() {
        let is_call = matches!(instructions[blocks[number].instructions.end - 1].meaning, Some(Meaning::Call(_)));
        if (blocks[number].ends_outside || is_call) && number + 1 < blocks.len() {
            blocks[number + 1].is_entry = true;
        }
        for next in blocks[number].successors.clone() {
            blocks[next].is_loop |= next <= number;
            blocks[next].predecessors += 1;
        }
    }
    blocks
}

/// How many jumps follow the instruction `jump_table`.
fn table_jumps(words: &[Word]) -> usize {
    let last = Opcode::jump_table.entry().operand(Field::D).and_then(|operand| operand.read(words));
    last.map_or(0, |last| last as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lunette_bytecode::typed::{
        function::{Catch, Registers},
        module::{FunctionType, ValueType},
    };

    fn unit(instructions: &[(Opcode, &[i64])]) -> Unit {
        let mut function = Function { registers: Registers { numbers: 3, references: 0 }, ..Function::default() };
        for (opcode, operands) in instructions {
            opcode.encode(operands, &mut function.code).expect("the operands fit");
        }
        let function_type = FunctionType { results: [ValueType::I32].into(), ..FunctionType::default() };
        Unit { function, function_type, ..Unit::default() }
    }

    fn entries(code: &Code<'_>) -> Vec<usize> {
        let entries = code.blocks.iter().filter(|block| block.is_entry);
        entries.map(|block| code.instructions[block.instructions.start].at).collect()
    }

    #[test]
    fn short_ways_are_no_entries() {
        let add: (Opcode, &[i64]) = (Opcode::i32_add, &[0, 0, 0]);
        let call: (Opcode, &[i64]) = (Opcode::call, &[0, 0, 0, 0, 0, 0]);
        let mut instructions = vec![add; WORTH];
        instructions.extend([call, add, call]);
        instructions.extend([add; WORTH]);
        instructions.push((Opcode::return_one, &[0]));
        let mut unit = unit(&instructions);
        let code = Code::new(&unit, |_| true).expect("there is something to compile");
        assert_eq!(entries(&code), [0, WORTH + 5]);
        assert_eq!(Code::new(&unit, |_| false).err(), Some(Refusal::NothingGained));
        unit.is_eager = true;
        let code = Code::new(&unit, |_| true).expect("there is something to compile");
        assert_eq!(entries(&code), [0, WORTH + 2, WORTH + 5]);
    }

    #[test]
    fn what_catches_reads_what_was_there_at_the_exception() {
        let mut unit = unit(&[
            (Opcode::call, &[0, 0, 0, 0, 0, 0]),
            (Opcode::i32_divide_signed, &[0, 0, 0]),
            (Opcode::load_integer, &[2, 7]),
            (Opcode::return_one, &[0]),
            (Opcode::return_one, &[2]),
        ]);
        unit.is_eager = true;
        let at = unit.function.code.len() as u32 - 1;
        let catch =
            Catch { start: 0, end: 3, tag: None, target: at, numbers: 0, references: 0, takes_exception: false };
        unit.function.catches.push(catch);
        let code = Code::new(&unit, |_| true).expect("there is something to compile");
        assert!(code.blocks[0].live.has(2) && !code.blocks[0].live.has(1));
    }

    #[test]
    fn where_much_would_be_moved_the_frame_is_kept() {
        let registers = 1000;
        let mut function =
            Function { registers: Registers { numbers: registers, references: 0 }, ..Function::default() };
        let mut add = |opcode: Opcode, operands: &[i64]| opcode.encode(operands, &mut function.code).expect("it fits");
        (0..registers.into()).for_each(|register| add(Opcode::load_integer, &[register, 1]));
        (0..100).for_each(|_| add(Opcode::call, &[0, 0, 0, 0, 0, 0]));
        (0..registers.into()).for_each(|register| add(Opcode::i32_add, &[0, 0, register]));
        add(Opcode::return_one, &[0]);
        let unit = Unit { function, ..Unit::default() };
        assert!(Code::new(&unit, |_| true).expect("there is something to compile").keeps_frame);
        let mut unit = unit;
        unit.function.code.resize(MOST_WORDS + 1, Word(0));
        assert_eq!(Code::new(&unit, |_| true).err(), Some(Refusal::TooLarge));
    }
}
