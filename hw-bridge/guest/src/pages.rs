//! The region's memory: a place of its own in the partition, whose pages the monitor maps when they are first touched.

use crate::channel;
use core::ptr::NonNull;
use lunette_gc::{pages::Pages, places};
use lunette_hw_interface::layout::{PLACE_BYTES, PLACE_COUNT, PLACES, REGION, REGION_BYTES};

/// From this size on, pages are worth leaving the partition for.
const WORTH_AN_EXIT: usize = 1 << 18;

const _: () = assert!(PLACE_BYTES as usize == places::PLACE_BYTES);

/// The one region.
pub struct RegionPages;

// SAFETY: a partition has one instance, whose region is the only thing at these addresses; the monitor gives zeroed
// memory.
unsafe impl Pages for RegionPages {
    fn reserve(&self, bytes: usize) -> Option<NonNull<u8>> {
        if bytes as u64 > REGION_BYTES { None } else { NonNull::new(REGION as *mut u8) }
    }

    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) {
        if bytes >= WORTH_AN_EXIT {
            channel::discard(start.as_ptr() as u64, bytes as u64);
        } else {
            // SAFETY: the caller's range, which is not used.
            unsafe { start.as_ptr().write_bytes(0, bytes) };
        }
    }

    fn places(&self, _: usize, place_bytes: usize) -> Option<usize> {
        (place_bytes == PLACE_COUNT * PLACE_BYTES as usize).then_some((PLACES - REGION) as usize)
    }

    unsafe fn guard(&self, start: NonNull<u8>, bytes: usize, is_guarded: bool) -> bool {
        channel::guard(start.as_ptr() as u64, bytes as u64, is_guarded);
        true
    }

    unsafe fn prepare(&self, start: NonNull<u8>, bytes: usize) {
        channel::prepare(start.as_ptr() as u64, bytes as u64);
    }

    unsafe fn unreserve(&self, _: NonNull<u8>, _: usize) {}
}
