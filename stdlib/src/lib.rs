//! Lua 5.4's standard library for Lunette.
//!
//! The algorithms stand in modules that know nothing of the machine: they work on byte slices and plain numbers, take a
//! poll function where their work is not bounded by their input's length, and report typed errors whose display is
//! PUC Lua's message.
#![no_std]
extern crate alloc;

pub mod calendar;
pub mod format;
pub mod pack;
pub mod pattern;
pub mod random;
pub mod sort;
pub mod utf8_codec;
