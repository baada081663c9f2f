//! The regions' memory under Miri, which knows no mappings that could be trimmed: memory of the allocator.

use lunette_gc::pages::{Pages, REGION_ALIGNMENT};
use std::{
    alloc::{Layout, alloc_zeroed, dealloc},
    ptr::NonNull,
};

/// The largest region that is given: larger ones take Miri too much time.
const MOST_BYTES: usize = 1 << 26;

/// Memory that stands for mappings.
#[derive(Clone, Debug, Default)]
pub struct MappedPages;

// SAFETY: memory of the allocator belongs to nobody else until it is freed; it is zeroed when it is new and released.
unsafe impl Pages for MappedPages {
    fn reserve(&self, bytes: usize) -> Option<NonNull<u8>> {
        if bytes == 0 || !is_reservable(bytes) {
            return None;
        }
        let layout = Layout::from_size_align(bytes, REGION_ALIGNMENT).ok()?;
        // SAFETY: the size is not 0.
        NonNull::new(unsafe { alloc_zeroed(layout) })
    }

    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller says that the range lies in a reservation and is not used.
        unsafe { start.as_ptr().write_bytes(0, bytes) };
    }

    unsafe fn unreserve(&self, start: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller says that `reserve` gave this, by which the layout is valid.
        unsafe { dealloc(start.as_ptr(), Layout::from_size_align_unchecked(bytes, REGION_ALIGNMENT)) };
    }
}

/// Whether a region of this size is given.
pub(super) fn is_reservable(bytes: usize) -> bool {
    bytes <= MOST_BYTES
}
