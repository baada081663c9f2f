//! How the collector gets memory from the home it lives in.

use core::{cell::Cell, ops::Range, ptr::NonNull};

/// Alignment of a region in bytes.
pub const REGION_ALIGNMENT: usize = 1 << 15;

/// Memory of the home: the small trait that `Host` extends.
///
/// # Safety
/// Memory that `reserve` gave is readable and writable until `unreserve`, belongs to nobody else, and reads as zero
/// where it was not written since `reserve` or `release`.
pub unsafe trait Pages {
    /// Reserves `bytes` of addresses aligned to [`REGION_ALIGNMENT`], of which only touched pages take memory. `None`
    /// if there are none to be had.
    fn reserve(&self, bytes: usize) -> Option<NonNull<u8>>;

    /// Gives the memory of a page-aligned part of a reservation back; it reads as zero afterwards.
    ///
    /// # Safety
    /// The range lies in one reservation and nothing in it is used.
    unsafe fn release(&self, start: NonNull<u8>, bytes: usize);

    /// Ends a reservation.
    ///
    /// # Safety
    /// The range is what one `reserve` gave; nothing in it is used afterwards.
    unsafe fn unreserve(&self, start: NonNull<u8>, bytes: usize);

    /// Says that a range of a reservation, multiples of [`LARGE_PAGE`] from its start, is about to be written for the
    /// first time: its pages may be made at once, which takes less time than one by one. A hint.
    ///
    /// # Safety
    /// The range lies in a reservation of this source.
    unsafe fn prepare(&self, start: NonNull<u8>, bytes: usize) {
        let _ = (start, bytes);
    }
}

/// Bytes of a large page.
pub const LARGE_PAGE: usize = 2 << 20;
/// Nanoseconds beyond which small pages for as much memory would have come sooner: these take about 1 ms, large ones
/// 0.1 to 0.3 ms.
const SLOW: u64 = 1_500_000;

/// The size of pages that are made ahead: large, until these turn out to be slow. That is so where a hypervisor below takes
/// free memory back, which it does by large pages, and gives it anew by small ones as they are touched.
#[derive(Clone, Debug, Default)]
pub struct PageSize {
    are_large_slow: Cell<bool>,
}

impl PageSize {
    /// Has pages made for a range by a function that is told whether they are to be large. `now` gives nanoseconds.
    pub fn make(&self, range: Range<usize>, now: impl Fn() -> u64, mut make: impl FnMut(Range<usize>, bool)) {
        let mut start = range.start;
        while start < range.end && !self.are_large_slow.get() {
            let end = (start + LARGE_PAGE).min(range.end);
            let before = now();
            make(start..end, true);
            self.are_large_slow.set(now() - before > SLOW);
            start = end;
        }
        if start < range.end {
            make(start..range.end, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};

    #[test]
    fn pages_are_large_until_they_are_slow() {
        let (size, clock) = (PageSize::default(), Cell::new(0));
        let made = |pages: usize, costs: &[u64]| {
            let (mut costs, mut made) = (costs.iter(), Vec::new());
            size.make(
                0..pages * LARGE_PAGE,
                || clock.get(),
                |range, is_large| {
                    clock.set(clock.get() + costs.next().unwrap_or(&0));
                    made.push((range.len() / LARGE_PAGE, is_large));
                },
            );
            made
        };
        assert_eq!(made(2, &[SLOW, SLOW]), vec![(1, true); 2]);
        assert_eq!(made(4, &[0, SLOW + 1]), vec![(1, true), (1, true), (2, false)]);
        assert_eq!(made(3, &[]), vec![(3, false)]);
    }
}
