//! WebAssembly code: frames of typed functions, the instructions that run in them, and how they meet the dynamic world.
//!
//! The data flows `state` → bodies of instructions (`numbers`, `vectors`, `branches`, `moves`, `memory`, `objects`, `calls`) →
//! `dispatch`; what does not fit there is in `slow`, and in `slow_objects`. `types` knows which types are the same, `convert` takes values across, `frames` enters
//! and leaves functions from outside, `load` makes modules of what the front end gives, `native` has hot functions compiled, `forwarding` and `sequences` see
//! what of installed code runs faster, `trap` reports, `exceptions` throws and
//! catches.

mod branches;
pub(crate) mod calls;
pub mod convert;
pub(crate) mod dispatch;
pub(crate) mod exceptions;
mod forwarding;
mod frames;
mod load;
mod memory;
mod moves;
pub mod native;
mod numbers;
mod objects;
mod sequences;
mod slow;
mod slow_objects;
pub(crate) mod state;
mod trap;
pub mod types;
mod vectors;

pub(crate) use frames::MOST_NUMBERS;
pub(crate) use load::Room;
pub use load::{Description, FrontEnd, LoadFailure, Loader, NewInstance, NewModule};
pub use slow::MOST_ELEMENTS;
pub use slow_objects::i31;
