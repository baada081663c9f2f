//! From the resolved tree to bytecode.
//!
//! One walk over the tree emits the code of all functions. Registers are handed out like a stack: local variables stay
//! in theirs, temporary values lie above them, and an expression is evaluated straight into the register where it is
//! wanted. Conditions turn into jumps, which are encoded when their function is complete (`jump`).

mod assignment;
mod call;
mod chain;
mod condition;
mod constant;
mod emit;
mod expression;
mod function;
mod index;
mod jump;
mod loops;
mod register;
mod statement;
mod table;

use crate::ast::*;
use crate::error::Failure;
use crate::lines::LineTable;
use crate::memory::Memory;
use crate::strings::Strings;
use alloc::vec::Vec;
use function::FunctionState;
use jump::JumpList;
use lunette_bytecode::module::{Bytes, Function, Module};

type Done = Result<(), Failure>;

/// A label whose code is being generated.
#[derive(Clone, Copy, Default)]
struct LabelState {
    position: Option<u32>,
    /// The jumps to it from before it.
    jumps: JumpList,
}

/// The generator of a module.
pub(crate) struct Generator<'a> {
    ast: &'a Ast,
    strings: &'a Strings,
    lines: &'a LineTable,
    memory: &'a Memory,
    functions: Vec<Function>,
    /// The function whose code is being generated.
    function: FunctionState,
    /// States of functions that are complete, whose memory can be used again.
    spare: Vec<FunctionState>,
    /// Register of each local variable, or of its cell.
    registers: Vec<u8>,
    labels: Vec<LabelState>,
    /// End of the token that a parser that generates code on the fly would have passed last: its line is the one of
    /// the instructions being emitted.
    position: u32,
}

/// Generates the module of the resolved tree.
pub(crate) fn generate(
    ast: &Ast,
    main: FunctionId,
    strings: &Strings,
    lines: &LineTable,
    memory: &Memory,
    source: Bytes,
) -> Result<Module, Failure> {
    let mut registers = Vec::new();
    memory.reserve(&mut registers, ast.locals.len())?;
    registers.resize(ast.locals.len(), 0);
    let mut labels = Vec::new();
    memory.reserve(&mut labels, ast.labels.len())?;
    labels.resize(ast.labels.len(), LabelState::default());
    let mut generator = Generator {
        ast,
        strings,
        lines,
        memory,
        functions: Vec::new(),
        function: FunctionState::default(),
        spare: Vec::new(),
        registers,
        labels,
        position: 0,
    };
    generator.function(main)?;
    Ok(Module { source, functions: generator.functions })
}
