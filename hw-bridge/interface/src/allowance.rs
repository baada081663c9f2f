//! How much memory a partition may have beyond what it starts with, by the limit of its heap.
//!
//! ```text
//!   | heap | compiler of source text | compiler of machine code | machine code | everything else |
//! ```

use crate::layout::CODE_BYTES;

/// The most of everything.
const MOST: u64 = 64 << 30;
/// What the runtime needs beside heap and compilers.
const REST: u64 = 64 << 20;
/// The least and the most that compiling one function to machine code may take.
const COMPILER: (u64, u64) = (32 << 20, 512 << 20);
/// The least machine code that there may be.
const LEAST_CODE: u64 = 2 << 20;

/// What compiling one function to machine code may take, of a partition whose heap may have so many bytes.
pub fn compiler(heap: u64) -> u64 {
    heap.clamp(COMPILER.0, COMPILER.1)
}

/// How much machine code there may be.
pub fn code(heap: u64) -> u64 {
    (heap / 4).clamp(LEAST_CODE, CODE_BYTES)
}

/// How much memory the partition may have in all. What source text is compiled with counts against the heap's limit again.
pub fn partition(heap: Option<u64>) -> u64 {
    heap.map_or(MOST, |heap| {
        let beside = REST + compiler(heap) + code(heap);
        heap.saturating_mul(2).saturating_add(beside).min(MOST)
    })
}
