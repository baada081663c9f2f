//! Time zones.

use alloc::string::String;
use tz::TimeZone;

/// What a clock shows at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime<'z> {
    /// Seconds east of UTC.
    pub offset: i32,
    /// Whether daylight saving time is in force.
    pub is_dst: bool,
    /// The abbreviation of the zone's name.
    pub abbreviation: &'z str,
}

/// A time zone.
pub trait Zone {
    /// What a clock shows `seconds` after 1970-01-01T00:00:00Z.
    fn local_time(&self, seconds: i64) -> LocalTime<'_>;

    /// When a clock shows `local` seconds after 1970-01-01 00:00:00, set to daylight saving time or not if `is_dst` says.
    /// `local` is the number of seconds of a year that fits into 33 bits, so that nothing here overflows.
    fn seconds_from_local(&self, local: i64, is_dst: Option<bool>) -> i64 {
        const DAY: i64 = 86_400;
        let before = self.local_time(local - DAY);
        let after = self.local_time(local + DAY);
        let is_so = |seconds: &i64| {
            let there = self.local_time(*seconds);
            seconds + i64::from(there.offset) == local && is_dst.is_none_or(|is_dst| is_dst == there.is_dst)
        };
        let candidates = [before, after].map(|there| local - i64::from(there.offset));
        if let Some(seconds) = candidates.into_iter().find(is_so) {
            return seconds;
        }
        // The clocks skip that time, or are not set as `is_dst` says: go by the nearest clock that is.
        let Some(is_dst) = is_dst.filter(|&is_dst| is_dst != before.is_dst) else { return candidates[0] };
        const WEEK: i64 = 7 * DAY;
        const YEARS: i64 = 2;
        let nearest = (1..=YEARS * 53).flat_map(|weeks| [local - weeks * WEEK, local + weeks * WEEK]);
        let mut clocks = nearest.map(|seconds| self.local_time(seconds));
        clocks.find(|there| there.is_dst == is_dst).map_or(candidates[0], |there| local - i64::from(there.offset))
    }
}

/// Universal time, which C's library calls GMT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Utc;

impl Zone for Utc {
    fn local_time(&self, _: i64) -> LocalTime<'_> {
        LocalTime { offset: 0, is_dst: false, abbreviation: "GMT" }
    }
}

/// A zone as described by a TZif file (RFC 8536), such as `/etc/localtime`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneFile(TimeZone);

impl ZoneFile {
    /// Universal time, as a file without rules has it.
    pub fn utc() -> Self {
        ZoneFile(TimeZone::utc())
    }

    /// Reads the contents of a file; the error says what is wrong with them.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        TimeZone::from_tz_data(bytes).map(ZoneFile).map_err(|error| alloc::format!("{error}"))
    }
}

impl Zone for ZoneFile {
    fn local_time(&self, seconds: i64) -> LocalTime<'_> {
        // Beyond the years that the file's rules cover, what held first.
        let found = self.0.find_local_time_type(seconds).ok();
        let found = found.or_else(|| self.0.as_ref().local_time_types().first());
        match found {
            Some(found) => LocalTime {
                offset: found.ut_offset(),
                is_dst: found.is_dst(),
                abbreviation: found.time_zone_designation(),
            },
            None => Utc.local_time(seconds),
        }
    }
}
