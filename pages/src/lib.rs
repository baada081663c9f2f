//! Pages of an instance's memory: which of them are there, which were written to, and how they are carried elsewhere.
//!
//! ```text
//!   scan, written: the kernel's word on pages  -->  set: pages that are to be sent  -->  batch: pages on their way
//! ```
//!
//! And how they are made before they are touched: by a `worker`, of a `size`.

pub mod batch;
pub mod scan;
pub mod set;
pub mod size;
pub mod worker;
pub mod written;

pub use batch::{Batch, Run};
pub use set::PageSet;
pub use size::PageSize;
pub use written::WrittenPages;

/// Bytes of a large page.
pub const LARGE_PAGE_BYTES: usize = 2 << 20;
/// Bytes of a page.
pub const PAGE_BYTES: usize = 4096;
