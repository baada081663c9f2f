//! Clocks and times.

/// A clock of the home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Clock {
    /// Time since the beginning of 1970.
    Realtime,
    /// Time since some point; it never goes back.
    Monotonic,
    /// Processor time that the process has used.
    Process,
    /// Processor time that the thread has used.
    Thread,
}

/// A time, or a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Timestamp {
    /// Seconds.
    pub seconds: i64,
    /// Nanoseconds beyond these, less than 10^9.
    pub nanoseconds: u32,
}

impl Timestamp {
    const PER_SECOND: u64 = 1_000_000_000;

    /// So many nanoseconds.
    pub fn from_nanoseconds(nanoseconds: u64) -> Timestamp {
        Timestamp {
            seconds: (nanoseconds / Timestamp::PER_SECOND) as i64,
            nanoseconds: (nanoseconds % Timestamp::PER_SECOND) as u32,
        }
    }

    /// In nanoseconds: 0 for what was earlier, and the most that there is for what is too late.
    pub fn as_nanoseconds(self) -> u64 {
        let seconds = u64::try_from(self.seconds).unwrap_or(0);
        seconds.saturating_mul(Timestamp::PER_SECOND).saturating_add(self.nanoseconds.into())
    }
}
