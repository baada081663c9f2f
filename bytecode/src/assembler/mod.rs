//! The assembler: makes a module of its text form, the one that [`crate::disassembler`] writes.
//!
//! It checks the form only; whether the module may run is for [`crate::verifier`] to say. The text is read line by
//! line: `tokens` splits a line, `parser` knows what may stand on it, `code` encodes instructions and resolves labels.

mod code;
mod error;
mod parser;
mod tokens;

pub use error::{AssembleError, AssembleErrorKind};

use crate::module::Module;

/// Makes a module of its text form.
pub fn assemble(text: &str) -> Result<Module, AssembleError> {
    parser::Parser::new(text).module()
}
