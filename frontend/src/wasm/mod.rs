//! WebAssembly modules to typed functions.
//!
//! The data flows `module` (with `types` and `constant`) → [`Declarations`], and per function `translator` →
//! [`Function`]. `wasmparser` decodes and validates; bodies are validated and translated in the same pass.
//!
//! [`Declarations`]: lunette_bytecode::typed::module::Declarations
//! [`Function`]: lunette_bytecode::typed::function::Function

mod constant;
mod error;
mod module;
mod names;
mod strip;
mod translated;
mod translator;
mod types;

pub use error::WasmError;
pub use module::Module;
pub use names::{function_name, function_names};
pub use strip::stripped;
