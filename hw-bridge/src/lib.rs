//! Lunette's monitor: instances in KVM partitions of their own, with no operating system in them.
//!
//! ```text
//!   owner <-- session <-- connection: local guest, or a monitor in a process of its own, which has the local guest
//!                                           |
//!                             partition: memory, processor, exits
//!                                           | KVM
//!             channel in the partition's memory <-- guest image: agent, runtime
//! ```
//!
//! What comes out of a partition is of unknown origin: lengths, addresses and messages are checked before they are used,
//! and a partition that breaks the rules ends without anything else taking notice.

mod connection;
mod cpu;
mod error;
pub mod frames;
pub mod image;
mod limits;
mod local;
mod mapping;
mod memory;
pub mod monitor;
mod partition;
pub mod probe;
mod remote;
mod sandbox;
mod session;
mod shared;
mod state;
mod tables;
mod template;
mod tick;
pub mod windows;
mod wire;

pub use connection::{Answer, Connection, Pages, Sent, Signals, Transfer};
pub use error::{End, Error, Fault};
pub use limits::Limits;
pub use local::LocalGuest;
pub use lunette_hw_interface::{allowance, message};
pub use lunette_pages::Batch;
pub use mapping::ConstantPages;
pub use partition::{Exit, Hypervisor, Partition};
pub use remote::RemoteGuest;
pub use session::{Event, Owner, Session, SessionState};
pub use state::State;
pub use template::{BUILD, Template};
