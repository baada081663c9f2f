//! The instance region: references, object layouts and their raw operations, the allocator and the collector.
//!
//! All mutable state of an instance lies in one reserved range of addresses, the *region*, and refers to itself only by
//! scaled 32-bit offsets ([`reference::Ref`]), so that the region can be mapped anywhere.
//!
//! Allocation never collects: the collector runs only when the machine asks for it at a safepoint. Between two
//! safepoints every `Ref` and every `&T` into the region stays valid, so native code needs no handles.
//!
//! The data flows `reference` → `value` → `object` → the layouts (`string`, `table`, `function`, `thread`, …) →
//! `heap` → `collector`.
#![no_std]
extern crate alloc;

mod allocator;
pub mod block;
pub mod bytes;
pub mod collector;
pub mod function;
pub mod heap;
pub mod image;
mod large;
mod layouts;
mod linear_memory;
mod list;
pub mod object;
pub mod packed;
pub mod pages;
pub mod places;
pub mod reference;
pub mod region;
pub mod statistics;
pub mod storage;
pub mod string;
pub mod strings;
pub mod table;
pub mod thread;
pub mod typed;
mod typed_layouts;
mod typed_objects;
pub mod userdata;
pub mod value;
