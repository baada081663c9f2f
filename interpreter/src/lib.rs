//! Lunette's machine: frames, the dispatch loop, inline caches, metamethods, coroutines, errors, and the interface to
//! native functions and to the host.
//!
//! The data flows `load` (a module into the region) → `machine` (calls) → `dispatch` (instructions) → `slow` (what does
//! not fit there) → `call`, `unwind`, `coroutine` (frames) → `native` (library functions).
#![no_std]
extern crate alloc;

mod call;
mod closing;
pub mod code_cache;
pub mod compare;
pub mod compiling;
pub mod convert;
pub mod coroutine;
pub mod debug_info;
mod dispatch;
mod error;
mod execute;
pub mod feedback;
mod field_cache;
mod finish;
pub mod frame;
pub mod hook;
pub mod host;
pub mod image;
pub mod index;
pub mod inspect;
pub mod limits;
pub mod load;
pub mod machine;
pub mod machine_code;
mod messages;
pub mod metamethod;
mod method_cache;
pub mod native;
pub mod number;
pub mod pauses;
pub mod profile;
mod roles;
mod safepoint;
mod slow;
pub mod traceback;
pub mod transfer;
pub mod typed;
mod unwind;
pub mod variable_name;

pub use error::Throw;
pub use execute::Exit;
pub use machine::{Configuration, Machine};
pub use native::{Frame, NativeResult, Step};
