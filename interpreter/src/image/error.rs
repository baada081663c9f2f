//! What can be wrong with an image, or keep an instance from becoming one.

use super::encoder::SinkFailure;
use alloc::{boxed::Box, string::String};
use core::fmt;
use lunette_bytecode::{file, typed, verifier::VerifyError};

/// Why an instance could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The sink failed.
    #[error("the image cannot be written")]
    Sink,
    /// There is no memory for the tables of the writer.
    #[error("not enough memory")]
    Memory,
    /// A function of the host runs.
    #[error("a function of the host is running")]
    Busy,
    /// A function or object of the embedder has no name by which it could be found again.
    #[error("{0} of the host has no registered name")]
    Unnamed(String),
    /// A stream cannot be opened again.
    #[error("{0}")]
    Stream(String),
}

impl From<SinkFailure> for WriteError {
    fn from(_: SinkFailure) -> WriteError {
        WriteError::Sink
    }
}

/// Why and where an image was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ReadError {
    /// Bytes that were read until then, of the expanded image.
    pub offset: u64,
    /// The part that was being read.
    pub part: &'static str,
    /// The number of the object in it.
    pub number: u64,
    /// What is wrong.
    pub kind: ReadErrorKind,
}

/// As the reader's functions have it: small, as most of what they return is a number.
pub(super) type Refusal = Box<ReadError>;

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({} {}, at byte {})", self.kind, self.part, self.number, self.offset)
    }
}

/// What is wrong with an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// It does not begin like one.
    #[error("not an image")]
    NoImage,
    /// Another version of the format.
    #[error("version {0} of the format is not known")]
    Version(u16),
    /// Flags that this version does not have.
    #[error("unknown flags {0:#x}")]
    Flags(u16),
    /// It ends too early.
    #[error("the image is truncated")]
    Truncated,
    /// Something follows it.
    #[error("something follows the image")]
    Trailing,
    /// The sum of the bytes is not what it was.
    #[error("wrong checksum: the image is damaged")]
    Checksum,
    /// The source failed.
    #[error("the image cannot be read")]
    Source,
    /// A rule of the format is broken.
    #[error("malformed image: {0}")]
    Malformed(&'static str),
    /// A module is not well-formed.
    #[error("malformed module: {0}")]
    Module(file::ReadError),
    /// A module may not run.
    #[error("malformed module: {0}")]
    Unverified(VerifyError),
    /// A WebAssembly file that is refused.
    #[error("malformed WebAssembly module: {0}")]
    WebAssembly(String),
    /// A WebAssembly function that may not run.
    #[error("malformed WebAssembly function: {0}")]
    UnverifiedTyped(typed::verifier::VerifyError),
    /// A native function that is not registered here.
    #[error("there is no function '{0}' here")]
    Function(String),
    /// An object of the embedder that is not registered here.
    #[error("nothing is registered as '{0}' here")]
    Object(String),
    /// A file could not be opened again.
    #[error("cannot reopen '{0}': {1}")]
    Stream(String, String),
    /// The memory limit does not allow it.
    #[error("not enough memory for the image")]
    Memory,
}
