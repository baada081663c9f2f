//! The compiler of hot functions to machine code, by way of Cranelift.
//!
//! The interpreter knows when a function is hot and calls [`compile`], which it was given; what it gets is machine code for
//! the function, with entries at its beginning, at loops, and behind what compiled code leaves to the interpreter
//! ([`lunette_interpreter::typed::native`]). Typed functions are compiled, those of WebAssembly.
//!
//! The data flows `meaning` (what instructions do, by their `operands`) → `calls` → `blocks` (control flow, with sets of
//! `registers`) → `kinds` (what registers hold) → `emit` (Cranelift's form) → `target` (machine code).
#![no_std]

extern crate alloc;

use alloc::string::String;

#[cfg(target_arch = "x86_64")]
mod blocks;
#[cfg(target_arch = "x86_64")]
mod calls;
#[cfg(target_arch = "x86_64")]
mod emit;
#[cfg(target_arch = "x86_64")]
mod kinds;
#[cfg(target_arch = "x86_64")]
mod meaning;
#[cfg(target_arch = "x86_64")]
mod operands;
#[cfg(target_arch = "x86_64")]
mod registers;
#[cfg(target_arch = "x86_64")]
mod target;

use lunette_interpreter::typed::native::{NativeCode, Refusal, Unit};

/// What a function becomes on its way, for people.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Cranelift's form, before it is optimised.
    pub clif: String,
    /// The machine code.
    pub assembly: String,
}

/// Compiles a function to texts, as [`compile`] would.
///
/// ```
/// use lunette_bytecode::typed::instruction::Opcode;
/// use lunette_interpreter::typed::native::Unit;
///
/// let mut unit = Unit::default();
/// Opcode::return_none.encode(&[], &mut unit.function.code).unwrap();
/// # #[cfg(target_arch = "x86_64")]
/// assert!(lunette_jit::explain(&unit).is_ok_and(|texts| texts.clif.contains("return")));
/// ```
pub fn explain(unit: &Unit) -> Result<Explanation, Refusal> {
    #[cfg(target_arch = "x86_64")]
    return target::explain(unit);
    #[cfg(not(target_arch = "x86_64"))]
    return Err(Refusal::Failed);
}

/// Compiles a function, if it gains by that and is not too large.
///
/// ```
/// use lunette_bytecode::typed::instruction::Opcode;
/// use lunette_interpreter::typed::native::{Refusal, Unit};
///
/// // There is nothing in it that the interpreter does not do.
/// let mut unit = Unit::default();
/// Opcode::trap.encode(&[0], &mut unit.function.code).unwrap();
/// assert_eq!(lunette_jit::compile(&unit).err(), Some(Refusal::NothingGained));
/// ```
pub fn compile(unit: &Unit) -> Result<NativeCode, Refusal> {
    #[cfg(target_arch = "x86_64")]
    return target::compile(unit);
    #[cfg(not(target_arch = "x86_64"))]
    return Err(Refusal::Failed);
}
