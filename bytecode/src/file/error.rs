//! Why a module file is refused.

use thiserror::Error;

/// Why and where a file was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("byte {offset}: {kind}")]
pub struct ReadError {
    /// Offset in the file.
    pub offset: usize,
    /// What is wrong there.
    pub kind: ReadErrorKind,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// The magic bytes are others.
    #[error("not a module file")]
    NotAModule,
    /// Another version than [`super::VERSION`].
    #[error("unsupported version {0}")]
    UnsupportedVersion(u16),
    /// The input ends too early, or a count is larger than what follows can hold.
    #[error("truncated file")]
    Truncated,
    /// The checksum is not that of the content.
    #[error("wrong checksum: the file is damaged")]
    Checksum,
    /// Another section than the one that belongs here.
    #[error("unexpected section {0}")]
    UnexpectedSection(u8),
    /// A section or the file is longer than its content.
    #[error("bytes left over")]
    LeftOver,
    /// A number that is not in its shortest form, or an empty debug section.
    #[error("not in canonical form")]
    NotCanonical,
    /// A number too large for what it stands for.
    #[error("number out of range")]
    OutOfRange,
    /// A byte that is none of the choices.
    #[error("invalid {what} {value}")]
    InvalidTag {
        /// What the byte stands for.
        what: &'static str,
        /// The byte.
        value: u8,
    },
    /// A name that is not UTF-8.
    #[error("a name is not UTF-8")]
    InvalidName,
    /// The module would take more memory than the caller allows.
    #[error("the module takes more memory than allowed")]
    MemoryBudget,
    /// The allocator has no memory.
    #[error("not enough memory")]
    OutOfMemory,
}
