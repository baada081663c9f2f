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

pub mod dynamic;
#[cfg(target_arch = "x86_64")]
mod target;
pub mod typed;

/// What a function becomes on its way, for people.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Cranelift's form, before it is optimised.
    pub clif: String,
    /// The machine code.
    pub assembly: String,
}
