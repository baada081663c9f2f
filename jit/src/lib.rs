//! The compiler of hot functions to machine code, by way of Cranelift.
//!
//! The interpreter knows when a function is hot and calls [`typed::compile`] or [`dynamic::compile`], which it was given; what
//! it gets is machine code for the function, with entries at its beginning, at loops, and behind what compiled code leaves to
//! the interpreter ([`lunette_interpreter::typed::native`], [`lunette_interpreter::machine_code`]).
//!
//! The functions of WebAssembly are `typed`, those of Lua `dynamic`; both become machine code in `target`.
#![no_std]

extern crate alloc;

use alloc::string::String;

mod chance;
pub mod dynamic;
#[cfg(target_arch = "x86_64")]
mod target;
pub mod typed;

/// The processor that is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// That on which this runs, which is asked what it has.
    Present,
    /// Any of level x86-64-v2: one that cannot be asked, or is another one later.
    Baseline,
}

/// Compiling takes at most about so many bytes of memory for each word of a function's instructions.
pub const MEMORY_OF_WORD: u64 = 56 << 10;

/// What a function becomes on its way, for people. What cannot be compiled has its first form only.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// Its instructions (`spec/instructions.md`).
    pub ir: String,
    /// Cranelift's form, before it is optimised.
    pub clif: String,
    /// The machine code.
    pub assembly: String,
}
