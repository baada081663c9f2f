//! WebAssembly modules on the machine: loading, linking and instantiating them, and what Lua programs see of them.
//!
//! The data flows `modules` (files to loaded modules, function bodies to code) → `instantiate` (with `constant`
//! expressions) → `objects` and `library` (what Lua sees).

mod constant;
mod instantiate;
mod library;
mod modules;
mod objects;

pub use instantiate::{External, LinkError, Resolver, export, instantiate};
pub use library::load_program;
pub(crate) use library::{DEFINITION, load_library_file};
pub use modules::{LoadError, load, register_translator};
pub use objects::global_value;
