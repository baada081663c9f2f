//! Limits that hold even if the guest does not keep them: the runtime stops its program by itself, with a message of its
//! own; a guest that does not do so in time is ended.

use crate::error::End;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// How long a guest may take to stop by itself.
const GRACE: Duration = Duration::from_millis(500);
/// How long a monitor may take beyond that to end it.
const MONITOR_GRACE: Duration = Duration::from_secs(2);
/// Processor time that may be used ahead of the share.
const BURST: Duration = Duration::from_millis(20);
/// The longest pause at a time.
const MOST_PAUSE: Duration = Duration::from_millis(100);

/// Limits of a partition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Time for each command.
    pub time: Option<Duration>,
    /// The part of one processor that it may use, up to 1.
    pub share: Option<f64>,
}

/// What a command has used of its limits.
#[derive(Debug)]
pub struct Meter {
    start: Instant,
    interrupted: Option<Instant>,
}

impl Meter {
    /// At the beginning of a command.
    pub fn start() -> Meter {
        Meter { start: Instant::now(), interrupted: None }
    }

    /// Looks at the limits.
    ///
    /// # Errors
    /// The guest has not stopped by itself.
    pub fn check(&self, limits: &Limits) -> Result<(), End> {
        self.check_after(limits, GRACE)
    }

    /// Looks at the limits that a monitor keeps.
    ///
    /// # Errors
    /// It has not kept them.
    pub fn check_monitor(&self, limits: &Limits) -> Result<(), End> {
        self.check_after(limits, GRACE + MONITOR_GRACE)
    }

    fn check_after(&self, limits: &Limits, grace: Duration) -> Result<(), End> {
        if limits.time.is_some_and(|limit| self.start.elapsed() > limit.saturating_add(grace)) {
            return Err(End::Time);
        }
        if self.interrupted.is_some_and(|since| since.elapsed() > grace) {
            return Err(End::Interrupt);
        }
        Ok(())
    }

    /// Notes that the guest was told to stop.
    pub fn interrupt(&mut self) {
        self.interrupted.get_or_insert_with(Instant::now);
    }
}

/// A partition's account of processor time, over all its commands: what it has used and not yet earned by waiting.
#[derive(Debug)]
pub struct Account {
    debt: Duration,
    /// When it was last looked at, in time and in processor time of the thread and its helpers.
    time: Instant,
    processor: Duration,
}

impl Account {
    /// Nothing used yet.
    pub fn new() -> Account {
        Account { debt: Duration::ZERO, time: Instant::now(), processor: processor_time() }
    }

    /// A command begins, on a thread that may be another one. What the thread did before is not the partition's; `helpers`
    /// is the processor time of threads that work for the partition alone.
    pub fn begin(&mut self, helpers: Duration) {
        self.processor = processor_time() + helpers;
    }

    /// Pauses for as long as more has been used than earned.
    pub fn throttle(&mut self, limits: &Limits, helpers: Duration) {
        let Some(share) = limits.share else { return };
        let share = share.clamp(0.001, 1.0);
        let (time, processor) = (Instant::now(), processor_time() + helpers);
        let earned = (time - self.time).mul_f64(share);
        self.debt = (self.debt + processor.saturating_sub(self.processor)).saturating_sub(earned);
        (self.time, self.processor) = (time, processor);
        std::thread::sleep(self.debt.saturating_sub(BURST).div_f64(share).min(MOST_PAUSE));
    }
}

/// Processor time of the present thread. The first call asks the system how to read clocks.
pub fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
