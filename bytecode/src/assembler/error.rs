//! What the assembler refuses.

use alloc::string::String;
use thiserror::Error;

/// Why and where a text was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{line}:{column}: {kind}")]
pub struct AssembleError {
    /// Line, from 1.
    pub line: u32,
    /// Column in bytes, from 1.
    pub column: u32,
    /// What is wrong there.
    pub kind: AssembleErrorKind,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AssembleErrorKind {
    /// Something else should stand here.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A string without its closing quote.
    #[error("unfinished string")]
    UnfinishedString,
    /// An escape that is not one of `\\`, `\"`, `\n`, `\r`, `\t`, `\xHH`.
    #[error("invalid escape sequence")]
    InvalidEscape,
    /// A name that is not UTF-8.
    #[error("the name is not UTF-8")]
    InvalidName,
    /// A number too large for its place.
    #[error("number out of range")]
    OutOfRange,
    /// Elements have to be numbered from 0 on without gaps.
    #[error("number {0} comes next here")]
    WrongNumber(usize),
    /// Not in the instruction table.
    #[error("unknown instruction `{0}`")]
    UnknownInstruction(String),
    /// A second label of the same name in a function.
    #[error("label `{0}` stands at another place already")]
    DuplicateLabel(String),
    /// A jump to a label that the function does not have.
    #[error("unknown label `{0}`")]
    UnknownLabel(String),
    /// Either all instructions of a function have a line or none.
    #[error("instructions without a line before this")]
    LateLine,
}
