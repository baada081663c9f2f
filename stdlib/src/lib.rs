//! Lua 5.4's standard library for Lunette.
//!
//! The algorithms stand in modules that know nothing of the machine: they work on byte slices and plain numbers, take a
//! poll function where their work is not bounded by their input's length, and report typed errors whose display is
//! PUC Lua's message. The libraries' functions, in modules of their own, join them to the machine; `library` opens them.
#![no_std]
extern crate alloc;

mod accumulator;
mod arguments;
mod base_library;
pub mod calendar;
mod coroutine_library;
mod debug_library;
mod file_reading;
pub mod format;
mod io_library;
mod library;
mod lunette_library;
mod math_library;
mod os_library;
pub mod output;
pub mod pack;
mod package_library;
pub mod pattern;
mod position;
pub mod prompt;
mod quick;
pub mod random;
pub mod sort;
mod string_library;
mod table_library;
mod text;
mod text_cache;
pub mod utf8_codec;
mod utf8_library;
mod warning;
pub mod wasi;
#[cfg(feature = "compiler")]
pub mod webassembly;
mod workspace;

pub use base_library::close;
pub use io_library::flush_files_from_host;
pub use library::{Library, open, open_all, register_all};
pub use math_library::seed_random;
pub use text::append_plain_text;
pub use warning::set_enabled as set_warnings;
