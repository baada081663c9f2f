//! C99's `strftime` in the C locale.

use super::Date;
use super::date::is_leap;
use alloc::vec::Vec;
use core::fmt::Write;
use memchr::memchr;

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The format has a conversion that C99 does not know. The message quotes the format from there on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidConversion<'f> {
    rest: &'f [u8],
}

impl InvalidConversion<'_> {
    /// Appends PUC Lua's message to `out`; it can quote any bytes.
    pub fn write_message(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"invalid conversion specifier '%");
        out.extend_from_slice(self.rest);
        out.push(b'\'');
    }
}

/// Appends `date` in the form of `format`.
pub fn format_date<'f>(out: &mut Vec<u8>, date: &Date, format: &'f [u8]) -> Result<(), InvalidConversion<'f>> {
    let mut rest = format;
    while let Some(percent) = memchr(b'%', rest) {
        out.extend_from_slice(&rest[..percent]);
        rest = &rest[percent + 1..];
        let (letter, length) = match *rest {
            [b'E', letter, ..] if b"cCxXyY".contains(&letter) => (letter, 2),
            [b'O', letter, ..] if b"deHImMSuUVwWy".contains(&letter) => (letter, 2),
            [letter, ..] if b"aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%".contains(&letter) => (letter, 1),
            _ => return Err(InvalidConversion { rest: &rest[..memchr(0, rest).unwrap_or(rest.len())] }),
        };
        rest = &rest[length..];
        // Writing to a vector does not fail.
        let _ = write_conversion(&mut Text(out), date, letter);
    }
    out.extend_from_slice(rest);
    Ok(())
}

struct Text<'o>(&'o mut Vec<u8>);

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

fn write_conversion(out: &mut Text, date: &Date, letter: u8) -> core::fmt::Result {
    let &Date { year, month, day, hour, minute, second, .. } = date;
    let day_name = DAYS[usize::from(date.week_day - 1) % 7];
    let month_name = MONTHS[usize::from(month - 1) % 12];
    let hour12 = (hour + 11) % 12 + 1;
    let half = if hour < 12 { "AM" } else { "PM" };
    let year2 = year.rem_euclid(100);
    let year_day = i64::from(date.year_day) - 1;
    let from_sunday = i64::from(date.week_day) - 1;
    let from_monday = (from_sunday + 6) % 7;
    match letter {
        b'a' => out.write_str(&day_name[..3]),
        b'A' => out.write_str(day_name),
        b'b' | b'h' => out.write_str(&month_name[..3]),
        b'B' => out.write_str(month_name),
        b'c' => write!(out, "{} {} {day:2} {hour:02}:{minute:02}:{second:02} {year}", &day_name[..3], &month_name[..3]),
        b'C' => write!(out, "{}", year / 100 - i64::from(year % 100 < 0)),
        b'd' => write!(out, "{day:02}"),
        b'D' | b'x' => write!(out, "{month:02}/{day:02}/{year2:02}"),
        b'e' => write!(out, "{day:2}"),
        b'F' => write!(out, "{year}-{month:02}-{day:02}"),
        b'g' => write!(out, "{:02}", iso_week(year, year_day, from_monday).0.rem_euclid(100)),
        b'G' => write!(out, "{}", iso_week(year, year_day, from_monday).0),
        b'H' => write!(out, "{hour:02}"),
        b'I' => write!(out, "{hour12:02}"),
        b'j' => write!(out, "{:03}", date.year_day),
        b'm' => write!(out, "{month:02}"),
        b'M' => write!(out, "{minute:02}"),
        b'n' => out.write_str("\n"),
        b'p' => out.write_str(half),
        b'r' => write!(out, "{hour12:02}:{minute:02}:{second:02} {half}"),
        b'R' => write!(out, "{hour:02}:{minute:02}"),
        b'S' => write!(out, "{second:02}"),
        b't' => out.write_str("\t"),
        b'T' | b'X' => write!(out, "{hour:02}:{minute:02}:{second:02}"),
        b'u' => write!(out, "{}", from_monday + 1),
        b'U' => write!(out, "{:02}", (year_day + 7 - from_sunday) / 7),
        b'V' => write!(out, "{:02}", iso_week(year, year_day, from_monday).1),
        b'w' => write!(out, "{from_sunday}"),
        b'W' => write!(out, "{:02}", (year_day + 7 - from_monday) / 7),
        b'y' => write!(out, "{year2:02}"),
        b'Y' => write!(out, "{year}"),
        b'z' => {
            let sign = if date.offset < 0 { '-' } else { '+' };
            let minutes = date.offset.unsigned_abs() / 60;
            write!(out, "{sign}{:02}{:02}", minutes / 60, minutes % 60)
        }
        b'Z' => out.write_str(&date.zone),
        _ => out.write_str("%"),
    }
}

/// The year and week of ISO 8601: weeks begin on Monday and belong to the year that has their Thursday. `year_day`
/// counts from 0, `from_monday` too.
fn iso_week(year: i64, year_day: i64, from_monday: i64) -> (i64, i64) {
    let length = |year| if is_leap(year) { 366 } else { 365 };
    let thursday = year_day - from_monday + 3;
    if thursday < 0 {
        (year - 1, (thursday + length(year - 1)) / 7 + 1)
    } else if thursday >= length(year) {
        (year + 1, (thursday - length(year)) / 7 + 1)
    } else {
        (year, thursday / 7 + 1)
    }
}
