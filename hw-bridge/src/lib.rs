//! Lunette's monitor: instances in KVM partitions of their own, with no operating system in them.
//!
//! ```text
//!   owner <-- session -- messages --> channel in the partition's memory <-- guest image: agent, runtime
//!               |                          ^
//!               v                          | KVM
//!            partition: memory, processor, exits
//! ```
//!
//! What comes out of a partition is of unknown origin: lengths, addresses and messages are checked before they are used,
//! and a partition that breaks the rules ends without anything else taking notice.

mod cpu;
mod error;
pub mod image;
mod limits;
mod mapping;
mod memory;
mod partition;
mod session;
mod tables;
mod template;
mod tick;

pub use error::{End, Error, Fault};
pub use limits::Limits;
pub use lunette_hw_interface::message;
pub use partition::{Exit, Hypervisor, Partition};
pub use session::{Owner, Session};
pub use template::Template;
