//! What the guest image and the monitor of a partition agree upon: where things lie in memory, how the guest leaves to
//! the monitor, and the messages they exchange.
//!
//! The monitor trusts nothing of what comes through here; `message::read` is the decoder it uses.
#![no_std]
extern crate alloc;

pub mod allowance;
pub mod channel;
pub mod layout;
pub mod message;
