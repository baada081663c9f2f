//! `os.date` and `os.time`: between seconds since 1970 and dates, in UTC and in time zones.
//!
//! Dates are those of the Gregorian calendar, extended to all years that C's `struct tm` can hold. The zone comes from
//! the host as a [`Zone`]; [`ZoneFile`] is one read from a TZif file.

mod date;
mod format;
mod zone;

pub use date::{Date, Fields, date_from_seconds};
pub use format::{InvalidConversion, format_date};
pub use zone::{LocalTime, Utc, Zone, ZoneFile};

/// Why there is no date or time. The display is PUC Lua's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// A field that has no default is not there.
    #[error("field '{0}' missing in date table")]
    MissingField(&'static str),
    /// A field is no integer.
    #[error("field '{0}' is not an integer")]
    NotAnInteger(&'static str),
    /// A field does not fit into a C `int`.
    #[error("field '{0}' is out-of-bound")]
    OutOfBound(&'static str),
    /// The time does not fit.
    #[error("time result cannot be represented in this installation")]
    TimeNotRepresentable,
    /// The date does not fit.
    #[error("date result cannot be represented in this installation")]
    DateNotRepresentable,
}
