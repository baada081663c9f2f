//! WebAssembly modules on the machine: loading, linking and instantiating them, and what Lua programs see of them.
//!
//! The data flows `modules` (files to loaded modules, function bodies to code) → `instantiate` (with `constant`
//! expressions) → `objects`, `describe` and `library` (what Lua
//! sees).

mod constant;
mod describe;
mod instantiate;
mod library;
mod modules;
mod objects;

pub(crate) use library::{DEFINITION, load_library_file};
pub use library::{load_instantiator, load_program, module_of_instantiator};
pub use modules::{LoadError, module_of, register_front_end};
pub use objects::memory_of;
