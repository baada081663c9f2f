//! What can go wrong with a source text.

use crate::memory::OutOfMemory;
use crate::strings::StringId;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use lunette_bytecode::chunk_name::short_source;
use thiserror::Error;

/// Why a source text was not compiled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CompileError {
    /// The text is no Lua program, or one beyond Lua's limits.
    #[error("{0}")]
    Syntax(Box<SyntaxError>),
    /// The compilation needs more memory than [`crate::Limits`] gives it.
    #[error("not enough memory")]
    Memory,
}

/// An error in a source text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What Lua says about it, without the place. Bytes, since it quotes the source.
    pub message: Vec<u8>,
    /// The line, from 1; 0 if the message has no place.
    pub line: u32,
    /// The column of the range's start in its line, from 1, in bytes.
    pub column: u32,
    /// The offending bytes of the source.
    pub range: Range<usize>,
    /// Whether the text only ends too early.
    pub at_end: bool,
}

impl SyntaxError {
    /// The message as Lua gives it, `chunk:line: message`, for the chunk name as in
    /// [`Module::source`](lunette_bytecode::module::Module::source).
    pub fn full_message(&self, chunk_name: &[u8]) -> Vec<u8> {
        if self.line == 0 {
            return self.message.clone();
        }
        let mut full = short_source(chunk_name);
        full.extend_from_slice(alloc::format!(":{}: ", self.line).as_bytes());
        full.extend_from_slice(&self.message);
        full
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line != 0 {
            write!(formatter, "line {}: ", self.line)?;
        }
        formatter.write_str(&String::from_utf8_lossy(&self.message))
    }
}

impl core::error::Error for SyntaxError {}

/// Whether the text with this error could be the beginning of a correct one, so that a prompt should ask for more.
pub fn is_incomplete(error: &SyntaxError) -> bool {
    error.at_end
}

/// An error on its way out of the stages of the compiler.
#[derive(Debug)]
pub(crate) enum Failure {
    Memory,
    /// Found by the lexer, complete.
    Syntax(Box<SyntaxError>),
    /// Found by a later stage; the diagnosis looks up the place.
    Problem(Box<Problem>),
    /// The source nests too deeply.
    TooDeep,
    /// A variable has an attribute that does not exist; the offset is that of the attribute's end.
    UnknownAttribute(StringId, u32),
}

/// An error that is known but for its place.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) message: Vec<u8>,
    /// The end of the token before the one that Lua would name.
    pub(crate) after: u32,
    /// Whether Lua names the token.
    pub(crate) near: bool,
}

impl Failure {
    /// An error that names the token following the offset `after`.
    pub(crate) fn near(message: impl Into<Vec<u8>>, after: u32) -> Self {
        Failure::Problem(Box::new(Problem { message: message.into(), after, near: true }))
    }

    /// An error whose line is that of the token following the offset `after`.
    pub(crate) fn at(message: impl Into<Vec<u8>>, after: u32) -> Self {
        Failure::Problem(Box::new(Problem { message: message.into(), after, near: false }))
    }
}

impl From<OutOfMemory> for Failure {
    fn from(_: OutOfMemory) -> Self {
        Failure::Memory
    }
}
