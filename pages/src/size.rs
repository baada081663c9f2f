//! Which size pages are to have that are made ahead.

use crate::{LARGE_PAGE_BYTES, worker::processor_time};
use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// Beyond this time, small pages for as much memory would have come sooner: these take about 1 ms, large ones 0.1 to
/// 0.3 ms.
const SLOW: Duration = Duration::from_micros(1500);

/// The size of pages: large, until these turn out to be slow. That is so where a hypervisor below takes free memory back,
/// which it does by large pages, and gives it anew by small ones as they are touched.
#[derive(Debug, Default)]
pub struct PageSize {
    are_large_slow: AtomicBool,
}

impl PageSize {
    /// Whether pages are to be large.
    pub fn is_large(&self) -> bool {
        !self.are_large_slow.load(Ordering::Relaxed)
    }

    /// Has pages made for a range by a function that is told whether they are to be large.
    pub fn make(&self, range: Range<usize>, make: impl FnMut(Range<usize>, bool)) {
        self.make_by(processor_time, range, make);
    }

    fn make_by(&self, now: impl Fn() -> Duration, range: Range<usize>, mut make: impl FnMut(Range<usize>, bool)) {
        let mut start = range.start;
        while start < range.end && self.is_large() {
            let end = (start + LARGE_PAGE_BYTES).min(range.end);
            let before = now();
            make(start..end, true);
            self.are_large_slow.store(now().saturating_sub(before) > SLOW, Ordering::Relaxed);
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
    use std::cell::Cell;

    #[test]
    fn pages_are_large_until_they_are_slow() {
        let (size, clock) = (PageSize::default(), Cell::new(Duration::ZERO));
        let made = |pages: usize, costs: &[Duration]| {
            let (mut costs, mut made) = (costs.iter(), Vec::new());
            size.make_by(
                || clock.get(),
                0..pages * LARGE_PAGE_BYTES,
                |range, is_large| {
                    clock.set(clock.get() + costs.next().copied().unwrap_or_default());
                    made.push((range.len() / LARGE_PAGE_BYTES, is_large));
                },
            );
            made
        };
        assert_eq!(made(2, &[SLOW, SLOW]), vec![(1, true); 2]);
        assert!(size.is_large());
        assert_eq!(made(4, &[Duration::ZERO, SLOW * 2]), vec![(1, true), (1, true), (2, false)]);
        assert!(!size.is_large());
        assert_eq!(made(3, &[]), vec![(3, false)]);
    }
}
