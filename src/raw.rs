//! Instances as they lie in memory, for the way between two processes of the same build.
//!
//! Pages are taken while the program runs, whenever it stands still for a moment; those that change are taken again. What
//! is left at the end, and what an instance is beside its memory, goes last.

use crate::error::Result;
use blake2::{Blake2s256, Digest};
use lunette_pages::Batch;
use serde::{Deserialize, Serialize};
use std::{fs::File, sync::OnceLock};

/// Where memory as it is comes from: the other end must be the same to take it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// The process.
    Process {
        /// Names the build.
        build: [u8; 32],
        /// Bytes of the region.
        region: u64,
        /// The most bytes of objects.
        limit: u64,
    },
    /// A partition.
    #[cfg(feature = "partitions")]
    Partition {
        /// Names the build.
        build: [u8; 16],
        /// The most memory beyond what it starts with.
        memory: u64,
    },
}

/// Names the build of this process: what is in its file. `None` if that cannot be read.
pub(crate) fn build() -> Option<&'static [u8; 32]> {
    static BUILD: OnceLock<Option<[u8; 32]>> = OnceLock::new();
    let build = BUILD.get_or_init(|| {
        let mut hash = Blake2s256::new();
        std::io::copy(&mut File::open("/proc/self/exe").ok()?, &mut hash).ok()?;
        Some(hash.finalize().into())
    });
    build.as_ref()
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
    /// Where that is; `None` if it cannot be told.
    fn origin(&self) -> Option<Origin>;

    /// Begins to leave, or stays after all.
    fn set_leaving(&mut self, is_leaving: bool) -> Result<()>;

    /// Takes pages of at most so many bytes.
    fn take_pages(&mut self, most: u64) -> Result<Pages>;

    /// What the instance is beside its memory, as bytes for the same home elsewhere; memory may change by that for the last
    /// time. An error says why it cannot leave.
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
