//! The bodies of functions, validated and translated in one pass.
//!
//! The data flows operator by operator: `operators` says what each becomes; `numeric`, `vectors`, `memory`, `objects`, `calls`, `exceptions`, `control` and
//! `branch` make instructions of it with `registers`, which knows where values are (`stack`, `locals`); `code` takes them.
//! Values are copied only when they must be: an operand is read from the local it came from or is a constant in the
//! instruction, and a result is written to the local it goes to. Comparisons become part of the branches they decide
//! (`condition`).

mod branch;
mod calls;
mod code;
mod condition;
mod control;
mod exceptions;
mod locals;
mod memory;
mod numeric;
mod objects;
mod operators;
mod registers;
mod stack;
mod vectors;

use super::{WasmError, types, types::value_type};
use alloc::{collections::VecDeque, vec::Vec};
use code::Code;
use control::Frame;
use exceptions::OpenCatch;
use locals::Locals;
use lunette_bytecode::{
    instruction::Word,
    typed::{
        function::{Catch, Function, GlobalKind, Registers, Signature, Surroundings},
        instruction::{MAX_NEAR_NUMBERS, MAX_NEAR_REFERENCES, MAX_REGISTERS, Opcode},
        module::{Declarations, ValueType},
    },
};
use stack::Stack;
use wasmparser::{FuncValidator, FunctionBody, OperatorsReader, ValidatorResources};

/// The most words that a byte of a body may become; more are needed only by calls with hundreds of arguments that cost
/// next to nothing to write down.
const WORDS_PER_BYTE: usize = 16;

/// Validates and translates a function of this type.
pub(super) fn translate(
    declarations: &Declarations,
    surroundings: &Surroundings,
    kind: u32,
    body: &FunctionBody<'_>,
    validator: &mut FuncValidator<ValidatorResources>,
) -> Result<Function, WasmError> {
    let mut locals = Locals::new();
    let function = declarations.function_type(kind);
    for parameter in function.iter().flat_map(|function| &function.parameters) {
        locals.declare(parameter.kind(), 1);
    }
    locals.end_parameters();
    let mut reader = body.get_binary_reader();
    for _ in 0..reader.read_var_u32()? {
        let offset = reader.original_position();
        let count = reader.read()?;
        let kind = reader.read()?;
        validator.define_locals(offset, count, kind)?;
        let kind = value_type(kind).ok_or(WasmError::Unsupported { offset, what: "type of locals" })?;
        locals.declare(kind.kind(), count);
    }
    let start = body.range().start;
    let limit = 1024 + (body.range().end - start) as usize * WORDS_PER_BYTE;
    let mut translator = Translator {
        declarations,
        surroundings,
        results: function.map_or(&[], |function| &function.results),
        stack: Stack::new(locals.near_end()),
        locals,
        code: Code::new(limit),
        frames: Vec::new(),
        fixups: Vec::new(),
        short: VecDeque::new(),
        reach: u32::MAX,
        is_reachable: true,
        dead_frames: 0,
        first_writes: FirstWrites::default(),
        catches: Vec::new(),
        open_catches: Vec::new(),
    };
    translator.enter(kind);
    translator.code.note_offsets(reader.original_position() as u32);
    let mut operators = OperatorsReader::new(reader);
    while !operators.eof() {
        let (operator, offset) = operators.read_with_offset()?;
        validator.op(offset, &operator)?;
        translator.operator(&operator, offset)?;
        translator.code.note_offsets(offset as u32);
        translator.check_limits(offset)?;
    }
    operators.finish()?;
    translator.finish(start)
}

/// What the translation of a function knows.
struct Translator<'m> {
    declarations: &'m Declarations,
    surroundings: &'m Surroundings,
    /// Types of the function's results.
    results: &'m [ValueType],
    locals: Locals,
    stack: Stack,
    code: Code,
    /// Blocks that are open, the function's first.
    frames: Vec<Frame>,
    /// Jumps whose targets are to come; those of one target are linked.
    fixups: Vec<control::Fixup>,
    /// Those of them that cannot jump far, in the order of the code.
    short: VecDeque<u32>,
    /// Where they must be looked at again.
    reach: u32,
    /// Whether control gets to where the translation is.
    is_reachable: bool,
    /// Blocks that were opened where it does not.
    dead_frames: u32,
    first_writes: FirstWrites,
    /// What catches exceptions; what is around follows.
    catches: Vec<Catch>,
    /// What catches exceptions in blocks that are open.
    open_catches: Vec<OpenCatch>,
}

/// Which registers of locals are written before they are read, as far as is seen before the first branch: these need not
/// be set to 0. Bits are for number registers behind those of parameters.
#[derive(Default)]
struct FirstWrites {
    is_over: bool,
    read: u64,
    written: u64,
}

impl FirstWrites {
    fn note(&mut self, register: Option<u32>, is_write: bool) {
        if let (false, Some(register @ 0..64)) = (self.is_over, register) {
            let bit = 1 << register;
            if is_write {
                self.written |= bit;
            } else {
                self.read |= bit & !self.written;
            }
        }
    }
}

impl Translator<'_> {
    /// What happens at the function's entry.
    fn enter(&mut self, kind: u32) {
        let (parameters, end) = (self.locals.parameters(), self.locals.end());
        if end.references > parameters.references {
            let count = end.references - parameters.references;
            self.code.ad(Opcode::null_references, registers::reference(parameters.references), count);
        }
        // Always the first instruction but for that one: it may be shortened or taken away in the end.
        if end.numbers > parameters.numbers {
            let count = end.numbers - parameters.numbers;
            self.code.ad(Opcode::zero_numbers, registers::number(parameters.numbers), count);
        }
        self.code.barrier();
        self.open_function(kind);
    }

    fn check_limits(&self, offset: u64) -> Result<(), WasmError> {
        if self.code.is_full {
            return Err(if self.code.words.len() < self.code.limit() {
                WasmError::Memory
            } else {
                WasmError::Limit { offset, what: "the function's code is too large" }
            });
        }
        let most = self.stack.most;
        if most.numbers > MAX_NEAR_NUMBERS || most.references > MAX_NEAR_REFERENCES {
            return Err(WasmError::Limit { offset, what: "too many values on the operand stack" });
        }
        Ok(())
    }

    fn finish(mut self, offset: u64) -> Result<Function, WasmError> {
        self.code.note_offsets(offset as u32);
        let end = self.locals.end();
        let registers = Registers {
            numbers: self.stack.most.numbers.max(end.numbers),
            references: self.stack.most.references.max(end.references),
        };
        if registers.numbers > MAX_REGISTERS || registers.references > MAX_REGISTERS {
            return Err(WasmError::Limit { offset, what: "too many locals" });
        }
        let skipped = self.trim_zeros();
        let Code { words: mut code, mut offsets, .. } = self.code;
        if let Some(word) = skipped {
            code.remove(word);
            offsets.remove(word);
            for catch in &mut self.catches {
                catch.start -= 1;
                catch.end -= 1;
                catch.target -= 1;
            }
        }
        code.shrink_to_fit();
        offsets.shrink_to_fit();
        Ok(Function { registers, code, catches: self.catches, offsets })
    }

    /// Has only those locals set to 0 that need it; the instruction if none does.
    fn trim_zeros(&mut self) -> Option<usize> {
        let (parameters, end) = (self.locals.parameters(), self.locals.end());
        let (mut first, mut past) = (parameters.numbers, end.numbers);
        if first == past {
            return None;
        }
        let needless = self.first_writes.written & !self.first_writes.read;
        let is_needless = |register: u32| {
            let bit = register - parameters.numbers;
            bit < 64 && needless >> bit & 1 != 0
        };
        while first < past && is_needless(first) {
            first += 1;
        }
        while first < past && is_needless(past - 1) {
            past -= 1;
        }
        let at = usize::from(end.references > parameters.references);
        if first == past {
            return Some(at);
        }
        let word = self.code.words.get_mut(at)?;
        let (a, d) = (u64::from(registers::number(first)), u64::from(past - first));
        *word = Word(Opcode::zero_numbers as u64 | a << 16 | d << 32);
        None
    }

    /// The registers of a type's parameters and results.
    fn signature(&self, kind: u32) -> Signature {
        self.surroundings.types.get(kind as usize).copied().flatten().unwrap_or_default()
    }

    /// Pushes a value that the instruction to come puts into its home, which it returns.
    fn push_home(&mut self, kind: GlobalKind) -> u32 {
        self.push(kind, stack::Source::Home)
    }
}
