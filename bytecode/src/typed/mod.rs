//! The typed half of the bytecode: what WebAssembly functions are translated to. The data flows `table` →
//! `instruction` → `function` → `verifier`, `text`; `module` has what is around functions,
//! `layout` where the fields of structures lie.

pub mod fuel;
pub mod function;
pub mod instruction;
pub mod layout;
pub mod module;
mod table;
pub mod text;
pub mod trap;
pub mod verifier;
