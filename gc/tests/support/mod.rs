//! Memory for tests.
#![allow(dead_code, reason = "every test uses a part of it")]

use lunette_gc::{
    heap::Heap,
    pages::{Pages, REGION_ALIGNMENT},
};
use std::{
    alloc::{Layout, alloc_zeroed, dealloc},
    ptr::NonNull,
};

/// Pages from the allocator of the process.
pub struct TestPages;

// SAFETY: zeroed memory of the allocator; released memory is zeroed.
unsafe impl Pages for TestPages {
    fn reserve(&self, bytes: usize) -> Option<NonNull<u8>> {
        let layout = Layout::from_size_align(bytes, REGION_ALIGNMENT).ok()?;
        // SAFETY: the size is not 0.
        NonNull::new(unsafe { alloc_zeroed(layout) })
    }

    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's promise.
        unsafe { start.as_ptr().write_bytes(0, bytes) };
    }

    unsafe fn unreserve(&self, start: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's promise.
        unsafe { dealloc(start.as_ptr(), Layout::from_size_align_unchecked(bytes, REGION_ALIGNMENT)) };
    }
}

/// So much work, or a small part of it under Miri.
pub const fn scaled(count: i64) -> i64 {
    if cfg!(miri) { count / 400 } else { count }
}

/// A heap in a region of so many MiB.
pub fn heap(mebibytes: usize) -> Heap {
    Heap::new(Box::new(TestPages), mebibytes << 20).expect("memory for a region")
}
