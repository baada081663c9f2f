//! Time, by the processor's time stamp counter.

use crate::channel;
use core::{arch::x86_64::_rdtsc, sync::atomic::Ordering};

/// Nanoseconds of a clock that never goes back.
pub fn nanoseconds() -> u64 {
    // SAFETY: the instruction has no preconditions; the monitor leaves it allowed.
    let count = unsafe { _rdtsc() };
    let khz = channel::shared().counter_khz.load(Ordering::Relaxed).max(1);
    (u128::from(count) * 1_000_000 / u128::from(khz)) as u64
}
