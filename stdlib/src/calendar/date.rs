//! Arithmetic of dates.

use super::{CalendarError, Zone};
use alloc::string::String;

const DAY: i64 = 86_400;

/// A date and time of day as `os.date("*t")` gives it, together with its zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Date {
    /// The year; that of C's `struct tm` plus 1900.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// The day of the year, 1 to 366.
    pub year_day: u16,
    /// The day of the week, 1 (Sunday) to 7.
    pub week_day: u8,
    /// Whether daylight saving time is in force.
    pub is_dst: bool,
    /// Seconds east of UTC.
    pub offset: i32,
    /// The abbreviation of the zone's name.
    pub zone: String,
}

/// The days from 1970-01-01 to the first of March of `year`, from which the months' lengths repeat.
fn days_to_march(year: i64) -> i64 {
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) - 719_468
}

/// The days from 1970-01-01 to a day; `month` counts from 0 and may be any number, `day` is the day of that month.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let since_march = month - 2;
    let year = year + since_march.div_euclid(12);
    let month = since_march.rem_euclid(12);
    // 153 days in every five months from March on.
    days_to_march(year) + (153 * month + 2) / 5 + day - 1
}

pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// The date at `seconds` after 1970-01-01T00:00:00Z in `zone`.
pub fn date_from_seconds(seconds: i64, zone: &impl Zone) -> Result<Date, CalendarError> {
    let local = zone.local_time(seconds);
    let seconds = seconds.checked_add(i64::from(local.offset)).ok_or(CalendarError::DateNotRepresentable)?;
    let (days, second_of_day) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));

    let mut year = days.div_euclid(146_097) * 400 + 1970;
    // From below: at most two steps after the division by the mean length of a year.
    year += days.rem_euclid(146_097) / 366;
    while days_since_epoch(year + 1, 0, 1) <= days {
        year += 1;
    }
    let in_range = i32::try_from(year - 1900).is_ok();
    if !in_range {
        return Err(CalendarError::DateNotRepresentable);
    }
    let year_day = days - days_since_epoch(year, 0, 1);
    let month = (1..12).rev().find(|&month| days >= days_since_epoch(year, month, 1)).unwrap_or(0);
    Ok(Date {
        year,
        month: month as u8 + 1,
        day: (days - days_since_epoch(year, month, 1)) as u8 + 1,
        hour: (second_of_day / 3600) as u8,
        minute: (second_of_day / 60 % 60) as u8,
        second: (second_of_day % 60) as u8,
        year_day: year_day as u16 + 1,
        // 1970 began on a Thursday.
        week_day: (days + 4).rem_euclid(7) as u8 + 1,
        is_dst: local.is_dst,
        offset: local.offset,
        zone: String::from(local.abbreviation),
    })
}

/// The fields of the table given to `os.time`, which may be outside their usual ranges: C's `struct tm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    year: i32,
    month: i32,
    day: i32,
    hour: i32,
    minute: i32,
    second: i32,
    is_dst: Option<bool>,
}

impl Fields {
    /// The fields' names, in the order in which PUC Lua asks for them.
    pub const NAMES: [&'static str; 6] = ["year", "month", "day", "hour", "min", "sec"];

    /// Checks the integer value of field number `index` of [`Fields::NAMES`], or supplies its default.
    pub fn check(index: usize, value: Option<i64>) -> Result<i32, CalendarError> {
        const DEFAULTS: [Option<i32>; 6] = [None, None, None, Some(12), Some(0), Some(0)];
        const BASES: [i64; 6] = [1900, 1, 0, 0, 0, 0];
        let name = Self::NAMES[index];
        let Some(value) = value else { return DEFAULTS[index].ok_or(CalendarError::MissingField(name)) };
        let value = value.checked_sub(BASES[index]).and_then(|value| i32::try_from(value).ok());
        value.ok_or(CalendarError::OutOfBound(name))
    }

    /// The fields from the six that [`Fields::check`] gave, and `isdst`.
    pub fn new([year, month, day, hour, minute, second]: [i32; 6], is_dst: Option<bool>) -> Self {
        Fields { year, month, day, hour, minute, second, is_dst }
    }

    /// The time these fields name in `zone`, and the date that it has with its fields in their ranges.
    ///
    /// A time that the clocks pass twice is taken the first time, unless `isdst` says which; one that they skip is
    /// counted on from before. If `isdst` says what is not so on that day, the time is that of a clock that is set so.
    pub fn to_seconds(&self, zone: &impl Zone) -> Result<(i64, Date), CalendarError> {
        let days = days_since_epoch(i64::from(self.year) + 1900, i64::from(self.month), i64::from(self.day));
        let time_of_day = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        let local = days * DAY + time_of_day;
        let seconds = zone.seconds_from_local(local, self.is_dst);
        let date = date_from_seconds(seconds, zone).map_err(|_| CalendarError::TimeNotRepresentable)?;
        // C's `mktime` says -1 for failure.
        if seconds == -1 { Err(CalendarError::TimeNotRepresentable) } else { Ok((seconds, date)) }
    }
}
