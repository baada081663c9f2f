//! What is wrong with a WebAssembly module, and where.

use alloc::string::String;
use thiserror::Error;

/// Why a module was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WasmError {
    /// It is malformed or not valid.
    #[error("{reason} (at offset {offset:#x})")]
    Invalid {
        /// Where in the file.
        offset: u64,
        /// The reason, in the specification's words as far as it has some.
        reason: String,
    },
    /// It uses what is not there.
    #[error("{what} not supported (at offset {offset:#x})")]
    Unsupported {
        /// Where in the file.
        offset: u64,
        /// What it is.
        what: &'static str,
    },
    /// It is larger than can be handled.
    #[error("{what} (at offset {offset:#x})")]
    Limit {
        /// Where in the file.
        offset: u64,
        /// What there is too much of.
        what: &'static str,
    },
    /// There is no function of the module's own with this number.
    #[error("no function {0} with a body")]
    NoFunction(u32),
    /// Memory came to its end.
    #[error("not enough memory for the module")]
    Memory,
}

impl From<wasmparser::Error> for WasmError {
    fn from(error: wasmparser::Error) -> Self {
        WasmError::Invalid { offset: error.offset(), reason: error.message().into() }
    }
}
