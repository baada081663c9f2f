//! Time, by the processor's time stamp counter, and processor time.
//!
//! The monitor says how much processor time the guest had taken when it was last let go on, which it is at least every 20 ms
//! while it runs. What came since is measured by the counter: so telling the time takes no exit.

use crate::channel;
use core::{
    arch::x86_64::_rdtsc,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// What is to be added to the counter's time, modulo 2^64: other processors count otherwise.
static OFFSET: AtomicU64 = AtomicU64::new(0);

/// Processor time of other partitions in which the guest has been.
static ELSEWHERE: AtomicU64 = AtomicU64::new(0);
/// Processor time in this partition, as the monitor last said.
static SAID: AtomicU64 = AtomicU64::new(0);
/// The counter's time when the guest saw that.
static SEEN: AtomicU64 = AtomicU64::new(0);
/// The most processor time that was told.
static TOLD: AtomicU64 = AtomicU64::new(0);

/// The counter in nanoseconds.
fn counter() -> u64 {
    // SAFETY: the instruction has no preconditions; the monitor leaves it allowed.
    let count = unsafe { _rdtsc() };
    let khz = channel::shared().counter_khz.load(Relaxed).max(1);
    (u128::from(count) * 1_000_000 / u128::from(khz)) as u64
}

/// Nanoseconds of a clock that never goes back.
pub fn nanoseconds() -> u64 {
    counter().wrapping_add(OFFSET.load(Relaxed))
}

/// Looks whether the monitor has said how much processor time was taken: the sooner, the better the time that is told.
pub fn look() {
    let said = channel::shared().processor_time.load(Relaxed);
    if said != SAID.load(Relaxed) {
        SAID.store(said, Relaxed);
        SEEN.store(counter(), Relaxed);
    }
}

/// Nanoseconds of processor time, which never go back. Where the processor was taken away meanwhile, they are too many,
/// until the monitor speaks again.
pub fn processor_nanoseconds() -> u64 {
    look();
    let here = SAID.load(Relaxed).saturating_add(counter().saturating_sub(SEEN.load(Relaxed)));
    let time = ELSEWHERE.load(Relaxed).saturating_add(here);
    TOLD.fetch_max(time, Relaxed).max(time)
}

/// The guest begins anew: it is a clone that was given to somebody.
pub fn forget_processor_time() {
    for number in [&ELSEWHERE, &SAID, &TOLD] {
        number.store(0, Relaxed);
    }
    SEEN.store(counter(), Relaxed);
}

/// What clocks show.
pub struct Moment {
    time: u64,
    processor: u64,
}

/// The present moment.
pub fn now() -> Moment {
    Moment { time: nanoseconds(), processor: processor_nanoseconds() }
}

/// Has the clocks go on from a moment if the guest has come to another partition since; whether it has.
pub fn go_on_from(moment: &Moment) -> bool {
    let has_moved = channel::shared().has_moved.swap(0, Relaxed) != 0;
    if has_moved {
        OFFSET.store(moment.time.wrapping_sub(counter()), Relaxed);
        SAID.store(channel::shared().processor_time.load(Relaxed), Relaxed);
        SEEN.store(counter(), Relaxed);
        ELSEWHERE.store(moment.processor.saturating_sub(SAID.load(Relaxed)), Relaxed);
    }
    has_moved
}
