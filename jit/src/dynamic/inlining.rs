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
//!   what it calls:  arguments of a tail call to their places; nil for parameters without arguments
//!                   ... jump ... jump                        registers a+2 .. a+2+m
//!                        |
//!                        v
//!                   copy results to a ..; jump               in the place of each return
//! ```
//!
//! Metamethods of arithmetic are put in the place of the instruction: their window is behind the registers of the function.
//!
//! The call itself stays: it looks whether the callee is the one that is expected, pays for it and makes its frame's header. What
//! is in the place of a tail call has the registers of its caller, which is gone.

use super::{operands::Operands, registers::MOST_REGISTERS};
use alloc::{collections::BTreeMap, vec::Vec};
use core::ops::Range;
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
    /// Where it jumps to, if it does: what its word says of that is of its function alone.
    pub target: Option<usize>,
}

/// A function that is compiled, or is in the place of a call.
#[derive(Clone, Debug)]
pub(crate) struct Body<'f> {
    pub unit: &'f Unit,
    /// Which register its first one is.
    pub offset: usize,
    /// The call in whose place it is, or its caller by a tail call.
    pub call: Option<usize>,
    /// Its instructions, and those around them: of the function that is compiled only its own.
    pub instructions: Range<usize>,
}

/// The instructions of a function and of those that are in the place of calls.
#[derive(Clone, Debug)]
pub(crate) struct Spliced<'f> {
    pub instructions: Vec<Instruction>,
    /// That of the function itself comes first, then each behind its caller's.
    pub bodies: Vec<Body<'f>>,
    /// Of calls in whose place there is a body, its number.
    pub entered: BTreeMap<usize, usize>,
    /// Where control goes behind them, and behind tail calls of library functions in the place of calls.
    pub goes_to: BTreeMap<usize, usize>,
    /// Loops of the function itself of which there is a copy, which is entered in their place.
    pub peeled: Vec<Range<usize>>,
    /// How many registers there are in all.
    pub registers: usize,
}

impl<'f> Spliced<'f> {
    /// Puts together what has room: the function, and what is in the place of its calls, if that is wanted.
    pub fn new(unit: &'f Unit, inlines: bool) -> Spliced<'f> {
        let body = Body { unit, offset: 0, call: None, instructions: 0..unit.code.len() };
        let mut spliced = Spliced {
            instructions: own_instructions(&body, 0).collect(),
            bodies: Vec::from([body]),
            entered: BTreeMap::new(),
            goes_to: BTreeMap::new(),
            peeled: Vec::new(),
            registers: unit.register_count.into(),
        };
        let mut number = 0;
        while inlines && number < spliced.bodies.len() {
            let Body { unit, ref instructions, .. } = spliced.bodies[number];
            let start = instructions.start;
            for (&at, callee) in &unit.callees {
                spliced.inline(start + at as usize, callee);
            }
            number += 1;
        }
        spliced
    }

    /// Puts a function in the place of a call, if there are registers enough.
    fn inline(&mut self, place: usize, unit: &'f Unit) {
        let Instruction { word, body: caller, at, .. } = self.instructions[place];
        let is_metamethod = !is_call(word);
        let first = match is_metamethod {
            false => word.a() + FRAME_SLOTS as usize,
            true => {
                let Body { unit, offset, .. } = self.bodies[caller];
                offset + usize::from(unit.register_count) + FRAME_SLOTS as usize
            }
        };
        // By a tail call, it has the place of the caller, too, where that is in the place of a call itself.
        let is_tail = word.opcode() == Opcode::tail_call;
        let (offset, call) = match (is_tail, &self.bodies[caller]) {
            (true, Body { call: None, .. }) => return,
            (true, &Body { offset, call: Some(call), .. }) => (offset, call),
            (false, _) => (first, place),
        };
        let registers = offset + usize::from(unit.register_count);
        if registers > MOST_REGISTERS {
            return;
        }
        let (number, start) = (self.bodies.len(), self.instructions.len());
        let mut body = Body { unit, offset, call: Some(call), instructions: start..start + unit.code.len() };
        self.instructions.extend(own_instructions(&body, number));
        for at in 0..unit.code.len() {
            let is_quick = unit.calls_quick(at);
            self.splice_return(start + at, call, is_quick);
        }
        let mut entry = self.instructions.len();
        let parameters = usize::from(unit.parameter_count);
        let arguments = if is_metamethod { 2 } else { word.b_count() - 1 };
        for argument in 0..arguments.min(parameters) * usize::from(is_metamethod) {
            self.push_operand(caller, at, word, argument, first + argument);
        }
        for argument in 0..arguments.min(parameters) * usize::from(is_tail) {
            self.push(number, 0, Opcode::copy, &[(offset + argument) as i64, (first + argument) as i64]);
        }
        if arguments < parameters {
            let missing = [(offset + arguments) as i64, (parameters - arguments) as i64];
            self.push(number, 0, Opcode::load_nil, &missing);
        }
        match self.instructions.len() == entry {
            true => entry = start,
            false => self.push_jump(number, 0, start),
        }
        self.registers = self.registers.max(registers);
        self.entered.insert(place, number);
        self.goes_to.insert(place, entry);
        body.instructions.end = self.instructions.len();
        self.bodies.push(body);
    }

    /// If an instruction returns, as a tail call of a library function does whose quick form gives one result, it is to give its
    /// results to the call and to go behind it.
    fn splice_return(&mut self, number: usize, call: usize, is_quick: bool) {
        let Instruction { word, body, at, .. } = self.instructions[number];
        let given = match word.opcode() {
            Opcode::return_none => 0,
            Opcode::return_one => 1,
            // One that is open is behind a tail call.
            Opcode::return_values if word.b_count() != 0 => word.b_count() - 1,
            Opcode::tail_call if is_quick => 1,
            _ => return,
        };
        let target = self.instructions.len();
        let call_word = self.instructions[call].word;
        let (first, wanted) = (call_word.a(), if is_call(call_word) { call_word.c_count() - 1 } else { 1 });
        for result in 0..given.min(wanted) {
            self.push(body, at, Opcode::copy, &[(first + result) as i64, (word.a() + result) as i64]);
        }
        if given < wanted {
            self.push(body, at, Opcode::load_nil, &[(first + given) as i64, (wanted - given) as i64]);
        }
        self.push_jump(body, at, call + 1);
        match word.opcode() {
            Opcode::tail_call => _ = self.goes_to.insert(number, target),
            _ => self.instructions[number] = Instruction { word: jump(), body, at, target: Some(target) },
        }
    }

    /// Puts an operand of arithmetic into a register.
    fn push_operand(&mut self, body: usize, at: usize, word: Word, number: usize, register: usize) {
        let register = register as i64;
        let second = word.opcode().entry().operands.get(2).map(|operand| operand.kind);
        let (opcode, operand) = match second.filter(|_| number == 1) {
            Some(OperandKind::Number | OperandKind::Constant) => (Opcode::load_constant, word.c() as i64),
            Some(OperandKind::Integer) => (Opcode::load_integer, word.c_signed()),
            Some(OperandKind::Read) => (Opcode::copy, word.c() as i64),
            _ => (Opcode::copy, word.b() as i64),
        };
        self.push(body, at, opcode, &[register, operand]);
    }

    fn push(&mut self, body: usize, at: usize, opcode: Opcode, operands: &[i64]) {
        self.instructions.push(Instruction { word: encode(opcode, operands), body, at, target: None });
    }

    pub(super) fn push_jump(&mut self, body: usize, at: usize, target: usize) {
        self.instructions.push(Instruction { word: jump(), body, at, target: Some(target) });
    }
}

/// Whether an instruction in whose place there is a function is a call; else it is arithmetic, whose metamethod that is.
pub(crate) fn is_call(word: Word) -> bool {
    matches!(word.opcode(), Opcode::call | Opcode::tail_call)
}

fn encode(opcode: Opcode, operands: &[i64]) -> Word {
    match opcode.encode(operands) {
        Some(word) => word,
        None => unreachable!("registers and distances fit their fields"),
    }
}

/// A jump, to wherever it is said to go.
fn jump() -> Word {
    encode(Opcode::jump, &[0])
}

/// The instructions of a function, from that one on which is its body's first.
fn own_instructions<'f>(body: &Body<'f>, number: usize) -> impl Iterator<Item = Instruction> + use<'f> {
    let (offset, start) = (body.offset, body.instructions.start);
    body.unit.code.iter().enumerate().map(move |(at, &word)| {
        let target = word.jump_distance().map(|distance| (start + at + 1).wrapping_add_signed(distance as isize));
        let word = if offset == 0 { word } else { moved(word, offset) };
        Instruction { word, body: number, at, target }
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamic::blocks::Code;
    use alloc::vec;

    fn unit(registers: u16, parameters: u8, instructions: &[(Opcode, &[i64])]) -> Unit {
        let code: Vec<Word> = instructions.iter().map(|(opcode, operands)| encode(*opcode, operands)).collect();
        let (seen, goes_on) = (vec![Default::default(); code.len()], vec![false; code.len()]);
        Unit { code, seen, goes_on, register_count: registers, parameter_count: parameters, ..Unit::default() }
    }

    #[test]
    fn what_is_called_is_put_in_the_place_of_the_call() {
        // function(a, b) if a then return b end end
        let inner =
            unit(2, 2, &[(Opcode::jump_if_not, &[0, 1]), (Opcode::return_one, &[1]), (Opcode::return_none, &[])]);
        let mut outer = unit(
            6,
            1,
            &[
                (Opcode::get_upvalue, &[1, 0]),
                (Opcode::copy, &[3, 0]),
                (Opcode::call, &[1, 2, 3]),
                (Opcode::return_one, &[1]),
            ],
        );
        outer.callees.insert(2, inner);
        let text = Code::new(Spliced::new(&outer, true), true).expect("it can be compiled").to_text();
        let expected = [
            "    0  get_upvalue A=1 B=0",
            "    1  copy A=3 B=0",
            "    2  call A=1 B=2 C=3",
            "    3  return_one A=1",
            "in the place of 2:",
            "    4      0  jump_if_not A=3 D=1 to 6",
            "    5      1  jump D=0 to 7",
            "    6      2  jump D=0 to 10",
            "    7      1  copy A=1 B=4",
            "    8      1  load_nil A=2 B=1",
            "    9      1  jump D=0 to 3",
            "   10      2  load_nil A=1 B=2",
            "   11      2  jump D=0 to 3",
            "   12      0  load_nil A=4 B=1",
            "   13      0  jump D=0 to 4",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_tail_call_takes_the_place_of_its_caller() {
        let last = unit(3, 2, &[(Opcode::return_one, &[1])]);
        let mut middle = unit(
            6,
            1,
            &[
                (Opcode::get_upvalue, &[2, 0]),
                (Opcode::copy, &[4, 0]),
                (Opcode::tail_call, &[2, 2]),
                (Opcode::return_values, &[2, 0]),
            ],
        );
        middle.callees.insert(2, last);
        let mut outer = unit(4, 0, &[(Opcode::call, &[0, 1, 2]), (Opcode::return_one, &[0])]);
        outer.callees.insert(0, middle.clone());
        let text = Code::new(Spliced::new(&outer, true), true).expect("it can be compiled").to_text();
        let expected = [
            "    0  call A=0 B=1 C=2",
            "    1  return_one A=0",
            "in the place of 0:",
            "    2      0  get_upvalue A=4 B=0",
            "    3      1  copy A=6 B=2",
            "    4      2  tail_call A=4 B=2",
            "    5      3  return_values A=4 B=0",
            "    6      0  load_nil A=2 B=1",
            "    7      0  jump D=0 to 2",
            "in the place of 0:",
            "    8      0  jump D=0 to 9",
            "    9      0  copy A=0 B=3",
            "   10      0  jump D=0 to 1",
            "   11      0  copy A=2 B=6",
            "   12      0  load_nil A=3 B=1",
            "   13      0  jump D=0 to 8",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        assert_eq!(Spliced::new(&middle, true).bodies.len(), 1);
    }

    #[test]
    fn what_has_no_registers_is_called() {
        let inner = unit(100, 0, &[(Opcode::return_none, &[])]);
        let mut outer = unit(200, 0, &[(Opcode::call, &[190, 1, 1]), (Opcode::return_none, &[])]);
        outer.callees.insert(0, inner);
        assert_eq!(Spliced::new(&outer, true).bodies.len(), 1);
    }
}
