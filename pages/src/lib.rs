//! Pages of an instance's memory: which of them are there, which were written to, and how they are carried elsewhere.
//!
//! ```text
//!   scan, written: the kernel's word on pages  -->  set: pages that are to be sent  -->  batch: pages on their way
//! ```

pub mod batch;
pub mod scan;
pub mod set;
pub mod worker;
pub mod written;

pub use batch::{Batch, Run};
pub use set::PageSet;
pub use written::WrittenPages;

/// Bytes of a page.
pub const PAGE_BYTES: usize = 4096;
