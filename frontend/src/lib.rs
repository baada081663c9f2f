//! Lua 5.4 source text to Lunette bytecode, and WebAssembly modules ([`wasm`]).
//!
//! The data flows `lexer` → `grammar` with its actions in `builder` and `operators` → `ast` → `resolver` → `generator`
//! → [`Module`]. Errors get their words and places in `diagnosis`.
#![no_std]
extern crate alloc;

mod ast;
mod builder;
mod diagnosis;
mod error;
mod fold;
mod generator;
mod labels;
mod lexer;
mod lines;
mod literal;
mod memory;
mod operators;
mod parser;
mod resolver;
mod strings;
mod token;
pub mod wasm;

lalrpop_util::lalrpop_mod!(
    #[allow(clippy::all, clippy::pedantic, missing_docs, unused, reason = "generated")]
    grammar
);

pub use error::{CompileError, SyntaxError, is_incomplete};

use ast::{BlockId, FunctionBody, FunctionId, LocalId};
use diagnosis::Source;
use error::Failure;
use lines::LineTable;
use lunette_bytecode::module::Module;
use memory::Memory;
use strings::Strings;

/// What a compilation may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory, the module included.
    pub memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { memory: usize::MAX }
    }
}

/// Compiles a source text. `chunk_name` is as in [`Module::source`].
///
/// Recursion follows only what Lua limits in depth; an optimised build needs less than half a megabyte of native stack.
pub fn compile(source: &[u8], chunk_name: &[u8], limits: Limits) -> Result<Module, CompileError> {
    let memory = Memory::new(limits.memory);
    compile_with(source, chunk_name, &memory).map_err(|failure| match failure {
        Failure::Syntax(error) => CompileError::Syntax(error),
        _ => CompileError::Memory,
    })
}

fn compile_with(text: &[u8], chunk_name: &[u8], memory: &Memory) -> Result<Module, Failure> {
    // Offsets have 32 bits.
    if u32::try_from(text.len()).is_err() {
        return Err(Failure::Memory);
    }
    let mut source = Source { text, strings: Strings::new(memory)?, lines: LineTable::new(memory)?, memory };
    let result = stages(&mut source, chunk_name);
    result.map_err(|failure| match failure {
        Failure::Problem(problem) => source.locate(&problem),
        Failure::UnknownAttribute(name, position) => source.unknown_attribute(name, position),
        Failure::TooDeep => Source::too_deep(),
        Failure::Memory | Failure::Syntax(_) => failure,
    })
}

fn stages(source: &mut Source, chunk_name: &[u8]) -> Result<Module, Failure> {
    let memory = source.memory;
    let (mut ast, body) = parser::parse(source)?;
    let main = FunctionId(ast::append(&mut ast.functions, main_function(body, source.text.len()), memory)?);
    resolver::resolve(&mut ast, main, &source.strings, &source.lines, memory)?;
    generator::generate(&ast, main, &source.strings, &source.lines, memory, memory.copy(chunk_name)?)
}

fn main_function(body: BlockId, end: usize) -> FunctionBody {
    FunctionBody {
        first_parameter: LocalId(0),
        parameter_count: 0,
        is_variadic: true,
        body,
        definition: None,
        opening: 0,
        end: end as u32,
        upvalues: alloc::vec::Vec::new(),
    }
}
