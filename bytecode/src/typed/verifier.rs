//! The verifier of typed functions. What it accepts cannot break the memory safety of the interpreter: every register lies
//! in the frame, everything named is there in the module, control stays in the code, and every cycle passes a poll. Numbers
//! have no type that matters here; what references refer to is looked at when they are used.
//!
//! The cost is linear in the code.

use super::{
    function::{Catch, Function, GlobalKind, Registers, Signature, Surroundings},
    instruction::{Entry, Field, Flow, MAX_REGISTERS, Opcode, Operand, OperandKind, jump_distance, length, list_words},
    layout::Storage,
    module::HeapType,
};
use crate::instruction::Word;
use alloc::{vec, vec::Vec};
use core::fmt;
use thiserror::Error;

/// Why and where a typed function was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct VerifyError {
    /// Number of the word in the function's code, if it is one that is wrong.
    pub word: Option<u32>,
    /// The rule that is broken.
    pub kind: VerifyErrorKind,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.word {
            Some(word) => write!(formatter, "word {word}: {}", self.kind),
            None => write!(formatter, "{}", self.kind),
        }
    }
}

/// A rule that is broken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifyErrorKind {
    /// More than [`MAX_REGISTERS`] of a kind.
    #[error("too many registers")]
    TooManyRegisters,
    /// The parameters take more registers than there are.
    #[error("more parameters than registers")]
    ParametersBeyondRegisters,
    /// There is no instruction.
    #[error("no code")]
    NoCode,
    /// The instructions cannot be reached by jumps any more.
    #[error("too many instructions")]
    TooMuchCode,
    /// The table of offsets does not fit the code.
    #[error("the number of offsets differs from that of words")]
    OffsetsDiffer,
    /// The verifier itself got no memory.
    #[error("not enough memory to verify the function")]
    OutOfMemory,
    /// No such instruction.
    #[error("unknown opcode {0}")]
    UnknownOpcode(u16),
    /// Its literals or list do not lie in the code.
    #[error("the instruction is cut off")]
    CutOff,
    /// Bits are set that belong to no operand.
    #[error("stray bits")]
    StrayBits,
    /// An operand names a register outside of the frame.
    #[error("register out of range")]
    Register,
    /// An operand names something that the module does not have.
    #[error("no {0} of this number, or not one of this kind")]
    NoSuch(&'static str),
    /// The arguments are not as many as the callee's parameters.
    #[error("arguments differ from the callee's parameters")]
    Arguments,
    /// The callee has results that the instruction has no room for, or a tail call's are not the function's own.
    #[error("results differ")]
    Results,
    /// A jump in the wrong direction, outside of the code or into an instruction.
    #[error("jump target")]
    JumpTarget,
    /// The jumps of a table are missing.
    #[error("jump table")]
    JumpTable,
    /// What catches exceptions lies in no order, or goes into an instruction or back.
    #[error("part of the code that catches exceptions")]
    Catch,
    /// Control goes beyond the end.
    #[error("control falls off the end")]
    FallsOffEnd,
}

/// Checks that `function`, of this signature, may run in a module with these surroundings.
pub fn verify(function: &Function, signature: Signature, surroundings: &Surroundings) -> Result<(), VerifyError> {
    verify_frame(function, signature).map_err(|kind| VerifyError { word: None, kind })?;
    let code = &function.code;
    let mut is_start = Vec::new();
    is_start
        .try_reserve_exact(code.len().div_ceil(64))
        .map_err(|_| VerifyError { word: None, kind: VerifyErrorKind::OutOfMemory })?;
    is_start.resize(code.len().div_ceil(64), 0_u64);
    let checker = Checker { registers: function.registers, results: signature.results, surroundings };
    let mut at = 0;
    while at < code.len() {
        is_start[at / 64] |= 1 << (at % 64);
        at += checker.verify_instruction(&code[at..]).map_err(|kind| VerifyError { word: Some(at as u32), kind })?;
    }
    let is_start = |word: usize| word < code.len() && is_start[word / 64] >> (word % 64) & 1 != 0;
    let mut at = 0;
    while at < code.len() {
        let next = at + length(&code[at..]).unwrap_or(1);
        verify_flow(code, at, next, &is_start).map_err(|kind| VerifyError { word: Some(at as u32), kind })?;
        at = next;
    }
    for catch in &function.catches {
        checker.verify_catch(catch).map_err(|kind| VerifyError { word: Some(catch.start), kind })?;
        let is_end = catch.end as usize == code.len() || is_start(catch.end as usize);
        let is_part = is_start(catch.start as usize) && is_end && catch.start < catch.end;
        if !is_part || catch.target < catch.end || !is_start(catch.target as usize) {
            return Err(VerifyError { word: Some(catch.start), kind: VerifyErrorKind::Catch });
        }
    }
    Ok(())
}

fn verify_frame(function: &Function, signature: Signature) -> Result<(), VerifyErrorKind> {
    let (all, parameters) = (function.registers, signature.parameters);
    if all.numbers > MAX_REGISTERS || all.references > MAX_REGISTERS {
        return Err(VerifyErrorKind::TooManyRegisters);
    }
    if parameters.numbers > all.numbers || parameters.references > all.references {
        return Err(VerifyErrorKind::ParametersBeyondRegisters);
    }
    if function.code.is_empty() {
        return Err(VerifyErrorKind::NoCode);
    }
    if function.code.len() > i32::MAX as usize {
        return Err(VerifyErrorKind::TooMuchCode);
    }
    if !function.offsets.is_empty() && function.offsets.len() != function.code.len() {
        return Err(VerifyErrorKind::OffsetsDiffer);
    }
    Ok(())
}

fn verify_flow(
    code: &[Word],
    at: usize,
    next: usize,
    is_start: &impl Fn(usize) -> bool,
) -> Result<(), VerifyErrorKind> {
    let Some(opcode) = Opcode::of(code[at]) else { return Err(VerifyErrorKind::UnknownOpcode(code[at].0 as u16)) };
    let entry = opcode.entry();
    if let Some(distance) = jump_distance(&code[at..]) {
        let goes_back = entry.operands().iter().any(|o| matches!(o.kind, OperandKind::Back | OperandKind::WideBack));
        let target = usize::try_from(next as i64 + distance).map_err(|_| VerifyErrorKind::JumpTarget)?;
        if goes_back != (distance < 0) || !is_start(target) {
            return Err(VerifyErrorKind::JumpTarget);
        }
    }
    if entry.flow == Flow::Table {
        let count = entry.operand(Field::D).and_then(|operand| operand.read(&code[at..])).unwrap_or(0) as usize;
        let jumps = code.get(next..next + count + 1).ok_or(VerifyErrorKind::JumpTable)?;
        if !jumps.iter().all(|&word| matches!(Opcode::of(word), Some(Opcode::jump | Opcode::loop_back))) {
            return Err(VerifyErrorKind::JumpTable);
        }
    }
    if matches!(entry.flow, Flow::Next | Flow::Branch) && next >= code.len() {
        return Err(VerifyErrorKind::FallsOffEnd);
    }
    Ok(())
}

struct Checker<'s> {
    registers: Registers,
    results: Registers,
    surroundings: &'s Surroundings,
}

impl Checker<'_> {
    /// Checks the instruction that `words` begin with by itself; its length.
    fn verify_instruction(&self, words: &[Word]) -> Result<usize, VerifyErrorKind> {
        let number = words[0].0 as u16;
        let opcode = Opcode::from_number(number).ok_or(VerifyErrorKind::UnknownOpcode(number))?;
        let entry = opcode.entry();
        let length = length(words).ok_or(VerifyErrorKind::CutOff)?;
        let (words, list) = words[..length].split_at(entry.fixed_words());
        let mut canonical = [Word(number.into()), Word(0), Word(0)];
        for &operand in entry.operands() {
            let value = operand.read(words).ok_or(VerifyErrorKind::StrayBits)?;
            operand.write(&mut canonical, value).ok_or(VerifyErrorKind::StrayBits)?;
            self.verify_operand(words, entry, operand, value)?;
        }
        if canonical[..words.len()] != *words {
            return Err(VerifyErrorKind::StrayBits);
        }
        if let Some(signature) = self.callee(words, entry)? {
            self.verify_call(words, entry, signature)?;
        }
        if entry.has_list {
            self.verify_members(words, entry)?;
            self.verify_list(words, entry, list)?;
        }
        let own = self.results;
        match opcode {
            Opcode::return_none if own != Registers::default() => Err(VerifyErrorKind::Results),
            Opcode::return_one if own != (Registers { numbers: 1, references: 0 }) => Err(VerifyErrorKind::Results),
            _ => Ok(length),
        }
    }

    fn verify_catch(&self, catch: &Catch) -> Result<(), VerifyErrorKind> {
        let values = match catch.tag {
            Some(tag) => self.surroundings.tag_values(tag).ok_or(VerifyErrorKind::NoSuch("tag"))?,
            None => Registers::default(),
        };
        self.number(catch.numbers.into(), values.numbers)?;
        self.reference(catch.references.into(), values.references + u32::from(catch.takes_exception))
    }

    fn number(&self, value: i64, count: u32) -> Result<(), VerifyErrorKind> {
        if value as u64 + u64::from(count) > u64::from(self.registers.numbers) {
            return Err(VerifyErrorKind::Register);
        }
        Ok(())
    }

    fn reference(&self, value: i64, count: u32) -> Result<(), VerifyErrorKind> {
        if value as u64 + u64::from(count) > u64::from(self.registers.references) {
            return Err(VerifyErrorKind::Register);
        }
        Ok(())
    }

    fn verify_operand(
        &self,
        words: &[Word],
        entry: &Entry,
        operand: Operand,
        value: i64,
    ) -> Result<(), VerifyErrorKind> {
        let there = self.surroundings;
        let below = |count: u32, name| {
            if (value as u64) < u64::from(count) { Ok(()) } else { Err(VerifyErrorKind::NoSuch(name)) }
        };
        let window = || entry.operand(Field::D).and_then(|count| count.read(words)).unwrap_or(0) as u32;
        let span = || entry.operand(Field::C).and_then(|count| count.read(words)).unwrap_or(0) as u32;
        let is_own = value as u64 >= u64::from(there.imported_globals);
        let global = || there.globals.get(value as usize).copied();
        let named = |is_so: bool, name| if is_so { Ok(()) } else { Err(VerifyErrorKind::NoSuch(name)) };
        match operand.kind {
            OperandKind::NumberWrite | OperandKind::NumberRead | OperandKind::FarNumber => self.number(value, 1),
            // Unused arguments are register 0, which need not be there.
            OperandKind::Argument => {
                if value == 0 {
                    Ok(())
                } else {
                    self.number(value, 1)
                }
            }
            OperandKind::VectorWrite | OperandKind::VectorRead => self.number(value, 2),
            OperandKind::ReferenceWrite | OperandKind::ReferenceRead | OperandKind::FarReference => {
                self.reference(value, 1)
            }
            OperandKind::NumberWindow => self.number(value, window()),
            OperandKind::ReferenceWindow => self.reference(value, window()),
            OperandKind::NumberSpan => self.number(value, span()),
            OperandKind::ReferenceSpan => self.reference(value, span()),
            OperandKind::NumberResults => self.number(value, self.results.numbers),
            OperandKind::ReferenceResults => self.reference(value, self.results.references),
            OperandKind::Callee => below(there.functions.len() as u32, "function"),
            OperandKind::Signature => {
                named(there.types.get(value as usize).is_some_and(Option::is_some), "function type")
            }
            OperandKind::Structure => {
                named(there.structures.get(value as usize).is_some_and(Option::is_some), "structure type")
            }
            OperandKind::Array => named(there.arrays.get(value as usize).is_some_and(Option::is_some), "array type"),
            OperandKind::Field8 => self.field(words, entry, value, Storage::Byte),
            OperandKind::Field16 => self.field(words, entry, value, Storage::Half),
            OperandKind::Field32 => self.field(words, entry, value, Storage::Word),
            OperandKind::Field64 => self.field(words, entry, value, Storage::Double),
            OperandKind::FieldVector => self.field(words, entry, value, Storage::Vector),
            OperandKind::FieldReference => self.field(words, entry, value, Storage::Reference),
            OperandKind::FieldObject => self.field(words, entry, value, Storage::Object),
            OperandKind::HeapType => match HeapType::decode(value as u32) {
                HeapType::Concrete(number) => named((number as usize) < there.types.len(), "type"),
                _ => Ok(()),
            },
            OperandKind::Tag => below(there.tags.len() as u32, "tag"),
            OperandKind::Table => below(there.tables, "table"),
            OperandKind::Memory => below(there.memories, "memory"),
            OperandKind::DataSegment => below(there.data_segments, "data segment"),
            OperandKind::ElementSegment => below(there.element_segments, "element segment"),
            OperandKind::Global => named(is_own && global() == Some(GlobalKind::Number), "global"),
            OperandKind::ImportedGlobal => named(!is_own && global() == Some(GlobalKind::Number), "global"),
            OperandKind::VectorGlobal => named(global() == Some(GlobalKind::Vector), "global"),
            OperandKind::ReferenceGlobal => named(global() == Some(GlobalKind::Reference), "global"),
            OperandKind::Lane16 => below(16, "lane"),
            OperandKind::Lane8 => below(8, "lane"),
            OperandKind::Lane4 => below(4, "lane"),
            OperandKind::Lane2 => below(2, "lane"),
            // The windows of results are checked with the callee, places of fields with the fields.
            OperandKind::ResultWindow
            | OperandKind::ReferenceResultWindow
            | OperandKind::ListWords
            | OperandKind::FieldOffset
            | OperandKind::Integer
            | OperandKind::WideInteger
            | OperandKind::Count
            | OperandKind::WideCount
            | OperandKind::Literal
            | OperandKind::Jump
            | OperandKind::WideJump
            | OperandKind::Back
            | OperandKind::WideBack => Ok(()),
        }
    }

    /// Checks that an instruction's structure has a field of this number and storage, at the offset that operand m says.
    fn field(&self, words: &[Word], entry: &Entry, number: i64, storage: Storage) -> Result<(), VerifyErrorKind> {
        let read = |field| entry.operand(field).and_then(|operand| operand.read(words)).unwrap_or(-1);
        let layout = self.surroundings.structures.get(read(Field::L) as usize).and_then(Option::as_ref);
        match layout.and_then(|layout| layout.fields.get(number as usize)) {
            Some(field) if field.storage == storage && i64::from(field.offset) == read(Field::M) => Ok(()),
            _ => Err(VerifyErrorKind::NoSuch("field")),
        }
    }

    /// Checks that an instruction makes an object of as many values as there are.
    fn verify_members(&self, words: &[Word], entry: &Entry) -> Result<(), VerifyErrorKind> {
        let read = |field| entry.operand(field).and_then(|operand| operand.read(words)).unwrap_or(0) as u32;
        let given = Registers { numbers: read(Field::G), references: read(Field::H) };
        let fits = match entry.operand(Field::L).map(|operand| operand.kind) {
            Some(OperandKind::Structure) => self
                .surroundings
                .structures
                .get(read(Field::L) as usize)
                .and_then(Option::as_ref)
                .is_some_and(|layout| layout.registers == given),
            Some(OperandKind::Array) => {
                match self.surroundings.arrays.get(read(Field::L) as usize).copied().flatten() {
                    Some(Storage::Reference | Storage::Object) => given.numbers == 0,
                    Some(Storage::Vector) => given.references == 0 && given.numbers.is_multiple_of(2),
                    Some(_) => given.references == 0,
                    None => false,
                }
            }
            _ => true,
        };
        if fits { Ok(()) } else { Err(VerifyErrorKind::Arguments) }
    }

    /// The signature of the function that the instruction calls, if it does.
    fn callee(&self, words: &[Word], entry: &Entry) -> Result<Option<Signature>, VerifyErrorKind> {
        if !entry
            .operands()
            .iter()
            .any(|operand| matches!(operand.kind, OperandKind::ResultWindow | OperandKind::ListWords))
        {
            return Ok(None);
        }
        for operand in entry.operands() {
            let number = operand.read(words).unwrap_or(0) as u32;
            match operand.kind {
                OperandKind::Callee => {
                    return self.surroundings.signature(number).map(Some).ok_or(VerifyErrorKind::NoSuch("function"));
                }
                // What throws does not return.
                OperandKind::Tag => {
                    let values = self.surroundings.tag_values(number).ok_or(VerifyErrorKind::NoSuch("tag"))?;
                    return Ok(Some(Signature { parameters: values, results: self.results }));
                }
                OperandKind::Signature => {
                    return Ok(self.surroundings.types.get(number as usize).copied().flatten());
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn verify_call(&self, words: &[Word], entry: &Entry, callee: Signature) -> Result<(), VerifyErrorKind> {
        let read = |operand: Operand| operand.read(words).unwrap_or(0);
        let given = if entry.has_list {
            let count = |field| entry.operand(field).map_or(0, read) as u32;
            Registers { numbers: count(Field::G), references: count(Field::H) }
        } else {
            // Four at most, all of which are copied: what is too much is nobody's.
            if callee.parameters.numbers > 4 || callee.parameters.references > 0 {
                return Err(VerifyErrorKind::Arguments);
            }
            callee.parameters
        };
        if given != callee.parameters {
            return Err(VerifyErrorKind::Arguments);
        }
        if entry.flow == Flow::End {
            return if callee.results == self.results { Ok(()) } else { Err(VerifyErrorKind::Results) };
        }
        let mut takes_references = false;
        for &operand in entry.operands() {
            match operand.kind {
                OperandKind::ResultWindow => self.number(read(operand), callee.results.numbers)?,
                OperandKind::ReferenceResultWindow => {
                    takes_references = true;
                    self.reference(read(operand), callee.results.references)?;
                }
                _ => {}
            }
        }
        if takes_references || callee.results.references == 0 { Ok(()) } else { Err(VerifyErrorKind::Results) }
    }

    fn verify_list(&self, words: &[Word], entry: &Entry, list: &[Word]) -> Result<(), VerifyErrorKind> {
        let read = |field| entry.operand(field).and_then(|operand| operand.read(words)).unwrap_or(0);
        let (numbers, references) = (read(Field::G) as usize, read(Field::H) as usize);
        if read(Field::C) as usize != list_words(numbers, references) {
            return Err(VerifyErrorKind::CutOff);
        }
        let element = |index: usize| i64::from((list[index / 4].0 >> (index % 4 * 16)) as u16);
        for index in 0..list.len() * 4 {
            let offset = element(index);
            if index < numbers {
                self.number(offset / 8, 1)?;
            } else if index < numbers + references {
                self.reference(offset / 16, 1)?;
            }
            let scale = if index < numbers { 8 } else { 16 };
            if offset % scale != 0 || (index >= numbers + references && offset != 0) {
                return Err(VerifyErrorKind::StrayBits);
            }
        }
        Ok(())
    }
}

/// The words of a list of these number and reference registers; `None` if one is far.
pub fn list(numbers: &[u32], references: &[u32]) -> Option<Vec<Word>> {
    let mut words = vec![Word(0); list_words(numbers.len(), references.len())];
    let offsets = numbers.iter().map(|&number| number.checked_mul(8));
    let offsets = offsets.chain(references.iter().map(|&reference| reference.checked_mul(16)));
    for (index, offset) in offsets.enumerate() {
        let offset = u16::try_from(offset?).ok()?;
        words[index / 4].0 |= u64::from(offset) << (index % 4 * 16);
    }
    Some(words)
}
