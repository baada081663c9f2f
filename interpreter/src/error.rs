//! How errors travel through Rust: as small codes. The error's value stands in a root slot of the heap.

use lunette_gc::heap::OutOfMemory;

/// Why a function did not finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throw {
    /// A Lua error; its value is the machine's pending error.
    Error,
    /// A Lua error for which no message handler is called, because one was being handled.
    Unhandled,
    /// Memory is at its limit: the operation, which has changed nothing yet, is tried again after a full collection,
    /// and becomes a Lua error if that does not help.
    Memory,
    /// The instance must stop: a limit other than memory is reached, or the host asked. Programs cannot catch it.
    Stop,
}

impl From<OutOfMemory> for Throw {
    fn from(_: OutOfMemory) -> Throw {
        Throw::Memory
    }
}
