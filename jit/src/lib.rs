//! The compiler of hot functions to machine code, by way of Cranelift.
//!
//! The interpreter knows when a function is hot and calls [`compile`], which it was given; what it gets is machine code for
//! the function, with entries at its beginning, at loops, and behind what compiled code leaves to the interpreter
//! ([`lunette_interpreter::typed::native`]). Typed functions are compiled, those of WebAssembly.
//!
//! The data flows `meaning` (what instructions do) → `blocks` (control flow, with sets of `registers`) → `kinds` (what
//! registers hold) → `emit` (Cranelift's form) → `target` (machine code).
#![no_std]

extern crate alloc;

#[cfg(target_arch = "x86_64")]
mod blocks;
#[cfg(target_arch = "x86_64")]
mod emit;
#[cfg(target_arch = "x86_64")]
mod kinds;
#[cfg(target_arch = "x86_64")]
mod meaning;
#[cfg(target_arch = "x86_64")]
mod registers;
#[cfg(target_arch = "x86_64")]
mod target;

use lunette_bytecode::typed::function::Function;
use lunette_interpreter::typed::native::NativeCode;

/// Compiles a function that was verified, whose results take so many number registers; if `is_eager`, even parts that would
/// not gain, for tests. `None` if there is nothing to be compiled, if it is too large, or if there is no compiler for this
/// processor.
///
/// ```
/// use lunette_bytecode::typed::{function::Function, instruction::Opcode};
///
/// // Too short for the way into machine code to pay.
/// let mut function = Function::default();
/// Opcode::return_none.encode(&[], &mut function.code).unwrap();
/// assert!(lunette_jit::compile(&function, 0, false).is_none());
/// ```
pub fn compile(function: &Function, results: u32, is_eager: bool) -> Option<NativeCode> {
    #[cfg(target_arch = "x86_64")]
    return target::compile(function, results, is_eager);
    #[cfg(not(target_arch = "x86_64"))]
    return None;
}
