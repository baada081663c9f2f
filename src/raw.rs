//! Instances as they lie in memory, for the way between two processes of the same build.
//!
//! Pages are taken while the program runs, whenever it stands still for a moment; those that change are taken again. What
//! is left at the end, and what an instance is beside its memory, goes last.

use crate::error::Result;
use lunette_pages::Batch;
use serde::{Deserialize, Serialize};

/// Where memory as it is comes from: the other end must be the same to take it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// A partition.
    Partition {
        /// Names the build.
        build: [u8; 16],
        /// The most memory beyond what it starts with.
        memory: u64,
    },
}

/// Pages on their way.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    /// Some of them.
    pub batch: Batch,
    /// Bytes of those that are to be sent beside these, as things stand.
    pub left: u64,
    /// How often all memory was gone through.
    pub sweeps: u32,
}

/// The memory of an instance that stands still.
pub(crate) trait Memory {
    /// Where that is.
    fn origin(&self) -> Origin;

    /// Begins to leave, or stays after all.
    fn set_leaving(&mut self, is_leaving: bool) -> Result<()>;

    /// Takes pages of at most so many bytes.
    fn take_pages(&mut self, most: u64) -> Result<Pages>;

    /// What the instance is beside its memory, as bytes for the same home elsewhere. An error says why it cannot leave.
    fn rest(&mut self) -> Result<Vec<u8>>;

    /// The instance runs elsewhere: here nothing of it may run any more.
    fn forget(&mut self);
}

/// An instance that arrives.
pub(crate) trait Arriving {
    /// Takes pages up.
    fn place(&mut self, batch: Batch) -> Result<()>;

    /// Takes the rest up: it could run.
    fn complete(&mut self, rest: &[u8]) -> Result<()>;

    /// What has come.
    fn into_tenant(self: Box<Self>) -> crate::tenant::Tenant;
}
