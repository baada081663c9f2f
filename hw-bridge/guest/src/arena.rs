//! Rust's allocator: dlmalloc over the arena, whose pages the monitor maps when they are first touched.

use crate::channel;
use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    ptr::null_mut,
    sync::atomic::{AtomicUsize, Ordering},
};
use dlmalloc::{Allocator, Dlmalloc};
use lunette_hw_interface::layout::{ARENA, ARENA_BYTES, ARENA_START_BYTES, LARGE_PAGE_BYTES, PAGE_BYTES};

/// Cuts the arena off from its start.
struct Pages;

/// What is not cut off yet.
static NEXT: AtomicUsize = AtomicUsize::new(ARENA as usize);
/// Up to where there is memory: what the arena begins with, and what the monitor was asked to prepare.
static PREPARED: AtomicUsize = AtomicUsize::new((ARENA + ARENA_START_BYTES) as usize);

/// Has pages made up to an address, before they are touched one by one.
fn prepare(end: usize) {
    let prepared = PREPARED.load(Ordering::Relaxed);
    if end > prepared {
        let end = end.next_multiple_of(LARGE_PAGE_BYTES as usize);
        PREPARED.store(end, Ordering::Relaxed);
        channel::prepare(prepared as u64, (end - prepared) as u64);
    }
}

// SAFETY: every part is given away once, reads as zero, and lies in the arena, which is nobody else's.
unsafe impl Allocator for Pages {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let start = NEXT.load(Ordering::Relaxed);
        match start.checked_add(size) {
            Some(end) if end <= (ARENA + ARENA_BYTES) as usize => {
                NEXT.store(end, Ordering::Relaxed);
                prepare(end);
                (start as *mut u8, size, 0)
            }
            _ => (null_mut(), 0, 0),
        }
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE_BYTES as usize
    }
}

/// The allocator. The image has one thread of execution, and nothing interrupts it.
struct Arena(UnsafeCell<Dlmalloc<Pages>>);

// SAFETY: there is one thread.
unsafe impl Sync for Arena {}

#[global_allocator]
static ALLOCATOR: Arena = Arena(UnsafeCell::new(Dlmalloc::new_with_allocator(Pages)));

/// Gives what is left of the arena to a new allocator, whatever state the old one is in.
///
/// # Safety
/// No call of the old one goes on or returns.
pub unsafe fn begin_anew() {
    NEXT.store(NEXT.load(Ordering::Relaxed).next_multiple_of(PAGE_BYTES as usize), Ordering::Relaxed);
    // SAFETY: nobody else uses it, says the caller.
    unsafe { ALLOCATOR.0.get().write(Dlmalloc::new_with_allocator(Pages)) };
}

// SAFETY: dlmalloc's promises are those of the trait; no call is made during another, as there is one thread.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the layout is the caller's.
        unsafe { (*self.0.get()).malloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the block is one of this allocator's, says the caller.
        unsafe { (*self.0.get()).free(start, layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the layout is the caller's.
        unsafe { (*self.0.get()).calloc(layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the block is one of this allocator's, says the caller.
        unsafe { (*self.0.get()).realloc(start, layout.size(), layout.align(), size) }
    }
}
