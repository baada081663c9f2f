//! Functions of Lua that are compiled in the place of calls.
//!
//! The window of a call lies in its caller's frame, so the registers of what is called are registers of the caller, too, as long
//! as it runs: from two above the function on. So its instructions, with other registers, are put behind those of the function
//! that is compiled, and what follows knows one function with more registers.
//!
//! ```text
//!   the function:   ... call ... return                      registers 0 .. n
//!                        |  ^
//!                        v  |
//!   what it calls:  nil for parameters without arguments
//!                   ... jump ... jump                        registers a+2 .. a+2+m
//!                        |
//!                        v
//!                   copy results to a ..; jump               in the place of each return
//! ```
//!
//! The call itself stays: it looks whether the callee is the one that is expected, pays for it and makes its frame's header.

use super::{operands::Operands, registers::MOST_REGISTERS};
use alloc::{collections::BTreeMap, vec::Vec};
use lunette_bytecode::instruction::{Opcode, OperandKind, Word};
use lunette_interpreter::{frame::FRAME_SLOTS, machine_code::Unit};

/// An instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instruction {
    /// It, with registers of the function that is compiled.
    pub word: Word,
    /// Whose it is, by the number of the body.
    pub body: usize,
    /// Which of the body's instructions it is, or stands for.
    pub at: usize,
}

/// A function that is compiled, or is in the place of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body<'f> {
    pub unit: &'f Unit,
    /// Which register its first one is.
    pub offset: usize,
    /// The call in whose place it is.
    pub call: Option<usize>,
    /// Where its own instructions begin, and where it is entered.
    start: usize,
    pub entry: usize,
}

/// The instructions of a function and of those that are in the place of calls.
#[derive(Clone, Debug)]
pub(crate) struct Spliced<'f> {
    pub instructions: Vec<Instruction>,
    /// That of the function itself comes first, then each behind its caller's.
    pub bodies: Vec<Body<'f>>,
    /// Of calls in whose place there is a body, its number.
    pub entered: BTreeMap<usize, usize>,
    /// How many registers there are in all.
    pub registers: usize,
}

impl<'f> Spliced<'f> {
    /// Puts together what has room: the function, and what is in the place of its calls, if that is wanted.
    pub fn new(unit: &'f Unit, inlines: bool) -> Spliced<'f> {
        let own = unit.code.iter().enumerate();
        let mut spliced = Spliced {
            instructions: own.map(|(at, &word)| Instruction { word, body: 0, at }).collect(),
            bodies: Vec::from([Body { unit, offset: 0, call: None, start: 0, entry: 0 }]),
            entered: BTreeMap::new(),
            registers: unit.register_count.into(),
        };
        let mut number = 0;
        while inlines && number < spliced.bodies.len() {
            let Body { unit, start, .. } = spliced.bodies[number];
            for (&at, callee) in &unit.callees {
                spliced.inline(start + at as usize, callee);
            }
            number += 1;
        }
        spliced
    }

    /// Puts a function in the place of a call, if there are registers enough.
    fn inline(&mut self, call: usize, unit: &'f Unit) {
        let word = self.instructions[call].word;
        let offset = word.a() + FRAME_SLOTS as usize;
        let registers = offset + usize::from(unit.register_count);
        let (arguments, parameters) = (word.b_count() - 1, usize::from(unit.parameter_count));
        if registers > MOST_REGISTERS {
            return;
        }
        let (body, start) = (self.bodies.len(), self.instructions.len());
        let own = unit.code.iter().enumerate();
        self.instructions.extend(own.map(|(at, &word)| Instruction { word: moved(word, offset), body, at }));
        for at in 0..unit.code.len() {
            self.splice_return(start + at, call);
        }
        let mut entry = start;
        if arguments < parameters {
            entry = self.instructions.len();
            let missing = [(offset + arguments) as i64, (parameters - arguments) as i64];
            self.push(body, 0, Opcode::load_nil, &missing);
            self.push_jump(body, 0, start);
        }
        self.registers = self.registers.max(registers);
        self.entered.insert(call, body);
        self.bodies.push(Body { unit, offset, call: Some(call), start, entry });
    }

    /// If an instruction returns, it is to give its results to the call and to go behind it.
    fn splice_return(&mut self, number: usize, call: usize) {
        let Instruction { word, body, at } = self.instructions[number];
        let given = match word.opcode() {
            Opcode::return_none => 0,
            Opcode::return_one => 1,
            Opcode::return_values => word.b_count() - 1,
            _ => return,
        };
        let target = self.instructions.len();
        let call_word = self.instructions[call].word;
        let (first, wanted) = (call_word.a(), call_word.c_count() - 1);
        for result in 0..given.min(wanted) {
            self.push(body, at, Opcode::copy, &[(first + result) as i64, (word.a() + result) as i64]);
        }
        if given < wanted {
            self.push(body, at, Opcode::load_nil, &[(first + given) as i64, (wanted - given) as i64]);
        }
        self.push_jump(body, at, call + 1);
        self.instructions[number].word = jump(number, target);
    }

    fn push(&mut self, body: usize, at: usize, opcode: Opcode, operands: &[i64]) {
        self.instructions.push(Instruction { word: encode(opcode, operands), body, at });
    }

    fn push_jump(&mut self, body: usize, at: usize, target: usize) {
        let word = jump(self.instructions.len(), target);
        self.instructions.push(Instruction { word, body, at });
    }
}

fn encode(opcode: Opcode, operands: &[i64]) -> Word {
    match opcode.encode(operands) {
        Some(word) => word,
        None => unreachable!("registers and distances fit their fields"),
    }
}

/// The jump from one instruction to another.
fn jump(from: usize, to: usize) -> Word {
    encode(Opcode::jump, &[to as i64 - from as i64 - 1])
}

/// An instruction whose registers are so many further up.
fn moved(word: Word, offset: usize) -> Word {
    let entry = word.opcode().entry();
    let operands: Vec<i64> = entry
        .operands
        .iter()
        .map(|&operand| match operand.kind {
            OperandKind::Write | OperandKind::Read | OperandKind::Update | OperandKind::Range => {
                word.operand(operand) + offset as i64
            }
            _ => word.operand(operand),
        })
        .collect();
    encode(word.opcode(), &operands)
}
