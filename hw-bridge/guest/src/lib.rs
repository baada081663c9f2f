//! The image that runs in a partition: Lunette's runtime with nothing below it.
//!
//! The monitor starts it at `_start` with a stack, at CPL 3, in memory that `lunette_hw_interface::layout` draws. It makes
//! an instance when it is told to and obeys commands until nobody wants it any more; everything it wants from outside
//! it asks the monitor for.
#![no_std]
extern crate alloc;

mod agent;
mod arena;
mod bytes;
mod channel;
mod clock;
mod code;
mod copies;
mod faults;
mod functions;
mod home;
mod images;
mod outcome;
mod pages;
mod post_mortem;
mod start;

pub use start::start;
