//! Limits that hold even if the guest does not keep them: the runtime stops its program by itself, with a message of its
//! own; a guest that does not do so in time is ended.

use crate::error::End;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// How long a guest may take to stop by itself.
const GRACE: Duration = Duration::from_millis(500);
/// Processor time that may be used ahead of the share.
const BURST: Duration = Duration::from_millis(20);

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
    processor_start: Duration,
    interrupted: Option<Instant>,
}

impl Meter {
    /// At the beginning of a command.
    pub fn start() -> Meter {
        Meter { start: Instant::now(), processor_start: processor_time(), interrupted: None }
    }

    /// Looks at the limits.
    ///
    /// # Errors
    /// The guest has not stopped by itself.
    pub fn check(&self, limits: &Limits) -> Result<(), End> {
        if limits.time.is_some_and(|limit| self.start.elapsed() > limit + GRACE) {
            return Err(End::Time);
        }
        if self.interrupted.is_some_and(|since| since.elapsed() > GRACE) {
            return Err(End::Interrupt);
        }
        Ok(())
    }

    /// Notes that the guest was told to stop.
    pub fn interrupt(&mut self) {
        self.interrupted.get_or_insert_with(Instant::now);
    }

    /// Pauses for as long as the guest has used more than its share of the processor.
    pub fn throttle(&self, limits: &Limits) {
        if let Some(share) = limits.share {
            let used = processor_time().saturating_sub(self.processor_start).saturating_sub(BURST);
            let earned = used.div_f64(share.clamp(0.001, 1.0));
            std::thread::sleep(earned.saturating_sub(self.start.elapsed()).min(Duration::from_millis(100)));
        }
    }
}

/// Processor time of the present thread. The first call asks the system how to read clocks.
pub fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
