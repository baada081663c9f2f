//! The one way out of the runtime: what an instance asks of the home it lives in.
//!
//! Every operation that may take time is *submitted* and later *completed*; nothing blocks inside the runtime. A library
//! function that waits has a frame on the VM stack and returns [`Step::Wait`](crate::native::Step::Wait), so it can be
//! interrupted, and its request be issued again elsewhere.

mod clocks;
mod code_space;
mod files;
mod polling;
mod request;
mod response;

pub use clocks::{Clock, Timestamp};
pub use code_space::CodeSpace;
pub use files::{Advice, DirectoryEntry, FileKind, FileStatus, Follow, Location, OpenMode, Removal, SetTime, Target};
pub use polling::{Direction, Interest, Readiness};
pub use request::Request;
pub use response::Response;

use crate::compiling::{FinishedWork, Work};
use alloc::{boxed::Box, string::String};
use core::{any::Any, ptr::NonNull};
use lunette_gc::pages::Pages;

/// Names a submitted request until it is completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(pub u64);

/// Names an open stream of the home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Stream(pub u32);

impl Stream {
    /// Standard input.
    pub const INPUT: Stream = Stream(0);
    /// Standard output.
    pub const OUTPUT: Stream = Stream(1);
    /// Standard error.
    pub const ERROR: Stream = Stream(2);
}

/// From where a position in a stream counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Origin {
    /// From the beginning.
    Start,
    /// From the current position.
    Current,
    /// From the end.
    End,
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HostError {
    /// In the words of C's `strerror`.
    pub message: String,
    /// The number in C's `errno`.
    pub code: i32,
}

impl HostError {
    /// The home does not grant this.
    pub fn not_permitted() -> HostError {
        HostError { message: String::from("Operation not permitted"), code: 1 }
    }
}

/// The home of an instance.
pub trait Host: Any + Send {
    /// Where the region's memory comes from.
    fn pages(&self) -> Box<dyn Pages + Send>;

    /// Puts machine code where it can be executed, until it is removed or the home is gone; its address. `None` if there is no
    /// room. Nothing can write to it there. The function's name is for profilers.
    fn install_code(&mut self, _code: &[u8], _name: &[u8]) -> Option<NonNull<u8>> {
        None
    }

    /// Takes machine code of so many bytes away that was installed, and that nobody will execute any more.
    fn remove_code(&mut self, _address: NonNull<u8>, _bytes: usize) {}

    /// The most bytes of machine code that there may be at a time.
    fn code_limit(&self) -> usize {
        0
    }

    /// Has a function compiled while the program goes on; gives the work back if the home does not do so.
    fn compile_aside(&mut self, work: Work) -> Result<(), Work> {
        Err(work)
    }

    /// What was compiled aside, if something is done. Does not block.
    fn take_compiled(&mut self) -> Option<FinishedWork> {
        None
    }

    /// Takes a request.
    fn submit(&mut self, request: Request<'_>) -> Ticket;

    /// The answer, once it is there. `None` if it is not: the caller asks again, and the host may let some time pass
    /// before it says so (at most some tens of milliseconds, so that interrupts are noticed).
    fn complete(&mut self, ticket: Ticket) -> Option<Response>;

    /// Called whenever limits are looked at, about every tenth of a millisecond: a home without threads does here what
    /// is due. `true` interrupts the instance.
    fn poll(&self) -> bool {
        false
    }

    /// Takes back a request that is on its way and has had no effect; `false` if that cannot be.
    fn withdraw(&mut self, ticket: Ticket) -> bool {
        let _ = ticket;
        false
    }

    /// Nanoseconds of a clock that never goes back; 0 where there is none. Does not block.
    fn monotonic(&self) -> u64;
}
