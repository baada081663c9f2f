//! Lunette's bytecode: the one table of instructions, the encoding, the module and its file format, the verifier, the
//! text assembler and disassembler, and the conversions between numerals and numbers that all of Lunette shares.
//!
//! The data flows `table` → `instruction` → `module` → everything else.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

pub mod assembler;
pub mod chunk_name;
pub mod decimal;
pub mod disassembler;
pub mod file;
pub mod float_format;
pub mod fuel;
pub mod instruction;
pub mod module;
pub mod number;
mod parts;
pub mod reference;
mod table;
pub mod text;
pub mod typed;
pub mod verifier;
