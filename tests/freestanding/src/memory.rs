//! Memory from the kernel: pages for the region, and an allocator that never gives anything back.

use crate::system;
use core::{
    alloc::{GlobalAlloc, Layout},
    ptr::{NonNull, null_mut},
    sync::atomic::{AtomicUsize, Ordering},
};
use lunette_gc::pages::{Pages, REGION_ALIGNMENT};

const MMAP: usize = 9;
const MUNMAP: usize = 11;
const MADVISE: usize = 28;
const READ_WRITE: usize = 3;
const PRIVATE_ANONYMOUS_NORESERVE: usize = 0x4022;
const DONTNEED: usize = 4;
/// Addresses for the allocator: more than the program needs.
const ARENA_BYTES: usize = 1 << 30;

fn map(bytes: usize) -> Option<usize> {
    // SAFETY: a new mapping at an address of the kernel's choice.
    let start = unsafe { system::call(MMAP, [0, bytes, READ_WRITE, PRIVATE_ANONYMOUS_NORESERVE, usize::MAX, 0]) };
    usize::try_from(start).ok()
}

/// Pages of the kernel.
pub struct KernelPages;

// SAFETY: mappings belong to nobody else and read as zero when they are new and after `MADV_DONTNEED`.
unsafe impl Pages for KernelPages {
    fn reserve(&self, bytes: usize) -> Option<NonNull<u8>> {
        // The ends are not given back: this is a test.
        let start = map(bytes.checked_add(REGION_ALIGNMENT)?)?;
        NonNull::new(start.next_multiple_of(REGION_ALIGNMENT) as *mut u8)
    }

    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's range, which is not used.
        unsafe { system::call(MADVISE, [start.as_ptr() as usize, bytes, DONTNEED, 0, 0, 0]) };
    }

    unsafe fn unreserve(&self, start: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's range, which is not used.
        unsafe { system::call(MUNMAP, [start.as_ptr() as usize, bytes, 0, 0, 0, 0]) };
    }
}

/// Cuts one piece after the other off an arena; only a piece that is the last one can grow in place.
struct Arena {
    next: AtomicUsize,
    end: AtomicUsize,
}

#[global_allocator]
static ARENA: Arena = Arena { next: AtomicUsize::new(0), end: AtomicUsize::new(0) };

// SAFETY: pieces don't overlap, and lie in memory that is never given back. There is one thread.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.end.load(Ordering::Relaxed) == 0 {
            let Some(start) = map(ARENA_BYTES) else { return null_mut() };
            self.next.store(start, Ordering::Relaxed);
            self.end.store(start + ARENA_BYTES, Ordering::Relaxed);
        }
        let start = self.next.load(Ordering::Relaxed).next_multiple_of(layout.align());
        match start.checked_add(layout.size()) {
            Some(end) if end <= self.end.load(Ordering::Relaxed) => {
                self.next.store(end, Ordering::Relaxed);
                start as *mut u8
            }
            _ => null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
