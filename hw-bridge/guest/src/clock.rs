//! Time, by the processor's time stamp counter.

use crate::channel;
use core::{
    arch::x86_64::_rdtsc,
    sync::atomic::{AtomicU64, Ordering},
};

/// What is to be added to the counter's time, modulo 2^64: other processors count otherwise.
static OFFSET: AtomicU64 = AtomicU64::new(0);

/// The counter in nanoseconds.
fn counter() -> u64 {
    // SAFETY: the instruction has no preconditions; the monitor leaves it allowed.
    let count = unsafe { _rdtsc() };
    let khz = channel::shared().counter_khz.load(Ordering::Relaxed).max(1);
    (u128::from(count) * 1_000_000 / u128::from(khz)) as u64
}

/// Nanoseconds of a clock that never goes back.
pub fn nanoseconds() -> u64 {
    counter().wrapping_add(OFFSET.load(Ordering::Relaxed))
}

/// Has the clock go on from a time, if the guest has come to another partition since.
pub fn go_on_from(time: u64) {
    if channel::shared().has_moved.swap(0, Ordering::Relaxed) != 0 {
        OFFSET.store(time.wrapping_sub(counter()), Ordering::Relaxed);
    }
}
