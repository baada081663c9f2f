//! Feedback on what instructions meet, for the compiler of hot functions, taken by samples: whenever a slice of fuel is used up, the
//! next instructions of the running thread are executed one by one, and the tags of the values that they read are noted.
//! So the dispatch loop itself keeps no count of anything, and functions have feedback in proportion to their heat.
//!
//! A function's feedback is an array of bytes in the region, made when its first sample is taken:
//!
//! ```text
//!   samples: u32 | instruction 0: u16, u16, u16 | instruction 1: u16, u16, u16 | ...
//! ```
//!
//! The words of an instruction are the sets of tags that its first three register operands were seen with; the second
//! one of a call says which function was called ([`Callee`]), the third one of arithmetic the first operand's metamethod. What was found in tables stands in the sites of inline caches instead.

use crate::{
    dispatch::{self, state::Status},
    frame::HeaderSlot,
    machine::Machine,
    slow,
};
use lunette_bytecode::instruction::{Opcode, OperandKind, Word};
use lunette_gc::{
    function::{Closure, Prototype},
    reference::Ref,
    storage::ByteArray,
    value::{Tag, Value},
};

/// Instructions executed one by one for a sample; slices have twenty thousand units of fuel.
const SAMPLE: u32 = 48;

/// The same, of a function that is compiled next.
const LAST_SAMPLE: u32 = 1000;

/// Bytes before those of the first instruction.
const HEADER: usize = 4;
/// How many operands of an instruction are noted.
pub const OPERANDS: usize = 3;

/// Stands for callees of which there are several, or others than those of [`Callee`].
const SEVERAL: u16 = 0xffff;
/// The bit of functions of Lua.
const IS_LUA: u16 = 0x8000;

/// Whether samples are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sampling {
    /// Not now.
    #[default]
    Idle,
    /// A slice of fuel was used up: at the next chance.
    Due,
    /// Right now.
    Running,
}

/// The tags that an operand was seen with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tags(pub u16);

impl Tags {
    /// Whether it was seen with this tag.
    pub fn contains(self, tag: Tag) -> bool {
        self.0 & 1 << tag as u32 != 0
    }

    /// The one tag it was seen with; `None` if there were none or several.
    pub fn only(self) -> Option<u32> {
        (self.0.count_ones() == 1).then(|| self.0.trailing_zeros())
    }
}

/// The one function that a call was seen to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// The native function of this number.
    Native(u32),
    /// The function of Lua of this number in the module that the caller is of.
    Lua(u32),
}

impl Callee {
    fn encode(self) -> u16 {
        match self {
            Callee::Native(number) => u16::try_from(number + 1).ok().filter(|&number| number < IS_LUA),
            Callee::Lua(number) => {
                u16::try_from(number).ok().filter(|&number| number < !IS_LUA).map(|number| number | IS_LUA)
            }
        }
        .unwrap_or(SEVERAL)
    }
}

/// What is known of a function's instructions.
#[derive(Clone, Copy, Debug)]
pub struct Feedback<'m>(&'m [u8]);

impl Feedback<'_> {
    /// How many samples began in the function: its heat.
    pub fn samples(self) -> u32 {
        self.word(0) | self.word(2) << 16
    }

    /// The tags that the first register operands of instruction `number` were seen with.
    pub fn operands(self, number: usize) -> [Tags; OPERANDS] {
        core::array::from_fn(|operand| Tags(self.word(place(number, operand)) as u16))
    }

    /// The one function that the call `number` was seen to call.
    pub fn callee(self, number: usize) -> Option<Callee> {
        self.callee_at(place(number, 1))
    }

    /// The one metamethod that arithmetic, instruction `number`, was seen to call: its first operand's, which was a table each
    /// time.
    pub fn metamethod(self, number: usize) -> Option<Callee> {
        let is_table = self.operands(number)[0].only() == Some(Tag::Table as u32);
        if is_table { self.callee_at(place(number, 2)) } else { None }
    }

    fn callee_at(self, offset: usize) -> Option<Callee> {
        match self.word(offset) as u16 {
            0 | SEVERAL => None,
            callee if callee & IS_LUA != 0 => Some(Callee::Lua((callee & !IS_LUA).into())),
            callee => Some(Callee::Native(u32::from(callee) - 1)),
        }
    }

    fn word(self, offset: usize) -> u32 {
        self.0.get(offset..offset + 2).map_or(0, |bytes| u16::from_ne_bytes([bytes[0], bytes[1]]).into())
    }
}

/// Where what was seen of an operand of an instruction is.
fn place(number: usize, operand: usize) -> usize {
    HEADER + 2 * (OPERANDS * number + operand)
}

impl Machine {
    /// The feedback on a function, if there is any yet.
    pub fn feedback(&self, closure: Ref<Closure>) -> Option<Feedback<'_>> {
        self.feedback_of(self.prototype_of(closure))
    }

    /// The same, of a prototype.
    pub(crate) fn feedback_of(&self, prototype: Ref<Prototype>) -> Option<Feedback<'_>> {
        Some(Feedback(self.heap.bytes(self.heap.get(prototype).feedback.get()?)))
    }

    /// Takes a sample from the running Lua frame on; says how the loop goes on.
    #[cold]
    pub(crate) fn sample(&mut self) -> Status {
        self.look_after_code();
        if let Some(caller) = self.heat_callers() {
            return if self.sample_and_compile(caller) { Status::Reload } else { Status::Leave };
        }
        let prototype = self.running_prototype();
        if self.is_found_out(prototype) {
            if self.heat_lua(prototype) {
                self.make_lua_native(prototype);
            } else if !self.is_compiling() {
                self.stretch_slice();
            }
            self.limits.sampling = Sampling::Idle;
            return Status::Reload;
        }
        self.keep_slices_short();
        if let Some((feedback, _)) = self.position() {
            let samples = Feedback(self.heap.bytes(feedback)).samples().saturating_add(1);
            self.heap.write_bytes(feedback, 0, &samples.to_ne_bytes());
        }
        let goes_on = match self.heat_lua(prototype) {
            true => self.sample_and_compile(prototype),
            false => self.take_sample(SAMPLE),
        };
        if goes_on { Status::Reload } else { Status::Leave }
    }

    /// Takes a long sample from the running Lua frame on, then has a function compiled. `false` if the loop is to be left.
    pub(crate) fn sample_and_compile(&mut self, prototype: Ref<Prototype>) -> bool {
        let number = self.lua_number(prototype);
        let goes_on = self.take_sample(LAST_SAMPLE);
        // It may be gone by now.
        if self.lua.is_there(prototype, number) {
            self.make_lua_native(prototype);
        }
        goes_on
    }

    /// Executes so many instructions one by one, and notes what they meet. `false` if the loop is to be left.
    fn take_sample(&mut self, instructions: u32) -> bool {
        self.limits.sampling = Sampling::Running;
        self.lua.moves = self.lua.moves.wrapping_add(1);
        let mut goes_on = true;
        for _ in 0..instructions {
            self.observe();
            if !dispatch::step_unhooked(self) {
                goes_on = false;
                break;
            }
            if self.is_typed_frame() {
                break;
            }
        }
        self.limits.sampling = Sampling::Idle;
        goes_on
    }

    /// Notes what the next instruction reads.
    pub(crate) fn observe(&mut self) {
        let Some((feedback, number)) = self.position() else { return };
        let prototype = self.heap.get(self.running_prototype());
        let Some(bytes) = self.heap.bytes(prototype.code).get(8 * number..8 * number + 8) else { return };
        let word = Word(u64::from_ne_bytes(core::array::from_fn(|index| bytes[index]))).unmarked();
        let Some(opcode) = Opcode::from_number(word.opcode_number()) else { return };
        let operands = opcode.entry().operands.iter();
        let read = operands
            .filter(|operand| matches!(operand.kind, OperandKind::Read | OperandKind::Update | OperandKind::Range));
        for (index, &operand) in read.take(OPERANDS).enumerate() {
            let tag = self.slot(self.base + word.operand(operand) as u32).tag.get() & 0xf;
            let offset = place(number, index);
            let seen = Feedback(self.heap.bytes(feedback)).word(offset) as u16;
            self.heap.write_bytes(feedback, offset, &(seen | 1 << tag).to_ne_bytes());
        }
        if matches!(opcode, Opcode::call | Opcode::tail_call | Opcode::generic_for_call) {
            let callee = self.value(self.base + word.operand(opcode.entry().operands[0]) as u32);
            self.observe_callee(feedback, place(number, 1), callee);
        } else if slow::event_of(word).is_some() {
            let (event, left, _) = slow::operands(self, word);
            if let Value::Table(_) = left {
                self.observe_callee(feedback, place(number, 2), self.metamethod(left, event));
            }
        }
    }

    /// Notes which function is called.
    fn observe_callee(&self, feedback: Ref<ByteArray>, offset: usize, callee: Value) {
        let caller = self.heap.get(self.running_prototype());
        let callee = match callee {
            Value::NativeClosure(closure) => Some(Callee::Native(self.heap.get(closure).native)),
            Value::Closure(closure) => {
                let callee = self.heap.get(self.prototype_of(closure));
                (callee.module == caller.module).then_some(Callee::Lua(callee.number))
            }
            _ => None,
        };
        let callee = callee.map_or(SEVERAL, Callee::encode);
        let seen = Feedback(self.heap.bytes(feedback)).word(offset) as u16;
        let callee = if seen == 0 || seen == callee { callee } else { SEVERAL };
        self.heap.write_bytes(feedback, offset, &callee.to_ne_bytes());
    }

    /// The running function's feedback, made if need be and possible, and the number of its next instruction.
    fn position(&self) -> Option<(Ref<ByteArray>, usize)> {
        let reference: Ref<Prototype> = self.running_prototype();
        let prototype = self.heap.get(reference);
        let first = prototype.code.units() + 1;
        let number = self.header(self.base).resume().checked_sub(first)? as usize;
        if let Some(feedback) = prototype.feedback.get() {
            return Some((feedback, number));
        }
        // A function without feedback is as good: there is no need for an error.
        let length = place(self.heap.bytes(prototype.code).len() / 8, 0);
        let feedback = self.heap.new_zeroed_byte_array(u32::try_from(length).ok()?).ok()?;
        prototype.feedback.set(Some(feedback));
        self.heap.barrier(reference);
        Some((feedback, number))
    }
}
