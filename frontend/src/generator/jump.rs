//! Jumps: lists of those with the same target still to come, and their encoding when the function is complete.
//!
//! Until then a jump's distance is 0 and its target stands beside the code. A fused branch reaches 16 bits far; one
//! that has to go further becomes the inverse branch over a wide `jump`, which moves everything behind it, so that the
//! set of such branches is found by iteration.

use super::{Done, Generator};
use crate::error::Failure;
use crate::memory::Memory;
use alloc::vec::Vec;
use lunette_bytecode::instruction::{Opcode, OperandKind, Word};

const NONE: u32 = u32::MAX;
/// How many jumps to jumps are followed at most.
const MAX_THREADING: usize = 100;

/// A jump.
pub(super) struct Jump {
    instruction: u32,
    target: u32,
    /// The next jump of its list.
    next: u32,
}

/// Jumps that will have the same target.
#[derive(Clone, Copy)]
pub(super) struct JumpList {
    first: u32,
}

impl Default for JumpList {
    fn default() -> Self {
        JumpList { first: NONE }
    }
}

impl JumpList {
    pub(super) fn is_empty(self) -> bool {
        self.first == NONE
    }
}

impl Generator<'_> {
    /// Emits a jump, its operands but for the distance given, and adds it to a list.
    pub(super) fn emit_jump(&mut self, opcode: Opcode, operands: &[i64], list: &mut JumpList) -> Done {
        let mut all = [0; 3];
        all[..operands.len()].copy_from_slice(operands);
        let instruction = self.emit(opcode, &all[..=operands.len()])?;
        let jump = Jump { instruction, target: NONE, next: list.first };
        list.first = self.function.jumps.len() as u32;
        Ok(self.memory.push(&mut self.function.jumps, jump)?)
    }

    /// Emits a jump to a target that is known.
    pub(super) fn emit_jump_to(&mut self, opcode: Opcode, operands: &[i64], target: u32) -> Done {
        let mut list = JumpList::default();
        self.emit_jump(opcode, operands, &mut list)?;
        self.patch(list, target);
        Ok(())
    }

    pub(super) fn patch(&mut self, list: JumpList, target: u32) {
        let mut number = list.first;
        while let Some(jump) = self.function.jumps.get_mut(number as usize) {
            jump.target = target;
            number = jump.next;
        }
    }

    /// The jumps of the list go to the next instruction.
    pub(super) fn patch_here(&mut self, list: JumpList) {
        if !list.is_empty() {
            let here = self.here();
            self.patch(list, here);
        }
    }

    /// Completes the jumps of the function.
    pub(super) fn encode_jumps(&mut self) -> Done {
        self.thread_jumps();
        if self.function.jumps.iter().any(|jump| {
            is_short(self.function.code[jump.instruction as usize]) && !reaches(jump.instruction, jump.target)
        }) {
            self.lengthen_branches()?;
        }
        for number in 0..self.function.jumps.len() {
            let Jump { instruction, target, .. } = self.function.jumps[number];
            let word = self.function.code[instruction as usize];
            let distance = i64::from(target) - i64::from(instruction) - 1;
            let operand = distance_operand(word);
            let encoded = operand.and_then(|operand| word.with_operand(operand, distance));
            self.function.code[instruction as usize] =
                encoded.ok_or_else(|| Failure::near("control structure too long", self.position))?;
        }
        Ok(())
    }

    /// Lets jumps to unconditional jumps go where those go.
    fn thread_jumps(&mut self) {
        let function = &mut self.function;
        for number in 0..function.jumps.len() {
            let Jump { instruction, mut target, .. } = function.jumps[number];
            let word = function.code[instruction as usize];
            if !is_forward(word) {
                continue;
            }
            for _ in 0..MAX_THREADING {
                let Some(&next) = function.code.get(target as usize) else { break };
                let is_jump = next.opcode_number() == Opcode::jump as u8;
                let is_loop_back =
                    next.opcode_number() == Opcode::loop_back as u8 && word.opcode_number() == Opcode::jump as u8;
                if !is_jump && !is_loop_back {
                    break;
                }
                let Ok(found) = function.jumps.binary_search_by_key(&target, |jump| jump.instruction) else { break };
                let final_target = function.jumps[found].target;
                if is_jump {
                    target = final_target;
                } else {
                    if final_target <= instruction
                        && let Some(back) = Opcode::loop_back.encode(&[-1])
                    {
                        function.code[instruction as usize] = back;
                        target = final_target;
                    }
                    break;
                }
            }
            function.jumps[number].target = target;
        }
    }

    /// Replaces the branches that do not reach their targets.
    fn lengthen_branches(&mut self) -> Done {
        let memory = self.memory;
        let function = &mut self.function;
        let length = function.code.len();
        // moved[i] is the new number of instruction i.
        let mut moved: Vec<u32> = Vec::new();
        memory.reserve(&mut moved, length + 1)?;
        moved.extend(0..=length as u32);
        let mut is_long: Vec<bool> = Vec::new();
        memory.reserve(&mut is_long, length)?;
        is_long.resize(length, false);
        loop {
            let mut has_changed = false;
            for jump in &function.jumps {
                let branch = jump.instruction as usize;
                if !is_long[branch]
                    && is_short(function.code[branch])
                    && !reaches(moved[branch], moved[jump.target as usize])
                {
                    is_long[branch] = true;
                    has_changed = true;
                }
            }
            if !has_changed {
                break;
            }
            let mut number = 0;
            for (new, &is_long) in moved.iter_mut().zip(is_long.iter().chain(&[false])) {
                *new = number;
                number += 1 + u32::from(is_long);
            }
        }
        let count = is_long.iter().filter(|&&is_long| is_long).count();
        let mut code = Vec::new();
        let mut lines = Vec::new();
        let mut jumps = Vec::new();
        memory.reserve(&mut code, length + count)?;
        memory.reserve(&mut lines, length + count)?;
        memory.reserve(&mut jumps, function.jumps.len())?;
        for (number, (&word, &line)) in function.code.iter().zip(&function.lines).enumerate() {
            if is_long[number] {
                code.extend([inverse(word).unwrap_or(word), Word(Opcode::jump as u64)]);
                lines.extend([line, line]);
            } else {
                code.push(word);
                lines.push(line);
            }
        }
        for &Jump { instruction, target, .. } in &function.jumps {
            let new = moved[instruction as usize];
            let is_long = is_long[instruction as usize];
            if is_long {
                // The inverse branch goes over the jump.
                let over =
                    distance_operand(code[new as usize]).and_then(|field| code[new as usize].with_operand(field, 1));
                code[new as usize] = over.unwrap_or(code[new as usize]);
            }
            jumps.push(Jump { instruction: new + u32::from(is_long), target: moved[target as usize], next: NONE });
        }
        for local in &mut function.locals {
            local.start = moved[local.start as usize];
            local.end = moved[local.end as usize];
        }
        memory.release(core::mem::replace(&mut function.code, code));
        memory.release(core::mem::replace(&mut function.lines, lines));
        memory.release(core::mem::replace(&mut function.jumps, jumps));
        release_all(memory, moved, is_long);
        Ok(())
    }
}

fn release_all(memory: &Memory, moved: Vec<u32>, is_long: Vec<bool>) {
    memory.release(moved);
    memory.release(is_long);
}

fn distance_operand(word: Word) -> Option<lunette_bytecode::instruction::Operand> {
    let operands = Opcode::from_number(word.opcode_number())?.entry().operands;
    operands.iter().copied().find(|operand| matches!(operand.kind, OperandKind::Jump | OperandKind::WideJump))
}

/// Whether the jump has a field of only 16 bits for its distance.
fn is_short(word: Word) -> bool {
    distance_operand(word).is_some_and(|operand| operand.kind == OperandKind::Jump)
}

fn reaches(instruction: u32, target: u32) -> bool {
    i16::try_from(i64::from(target) - i64::from(instruction) - 1).is_ok()
}

/// Whether the jump goes forward to wherever it should, and is not tied to its place in a `for` loop.
fn is_forward(word: Word) -> bool {
    is_short(word)
        || [Opcode::jump, Opcode::jump_if, Opcode::jump_if_not]
            .iter()
            .any(|&opcode| word.opcode_number() == opcode as u8)
}

/// The branch that jumps just when `word` does not.
fn inverse(word: Word) -> Option<Word> {
    let opcode = super::condition::inverse(Opcode::from_number(word.opcode_number())?)?;
    Some(Word(word.0 & !0xff | opcode as u64))
}
