//! Messages about errors, and exit statuses.

use super::NAME;
use lunette::{Error, IsolatedError, RuntimeError, StopReason, SyntaxError, Value};
use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
};

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Success,
    Failure,
    Usage,
    Memory,
    Fuel,
    Time,
    Output,
    /// No partition can be had.
    Unavailable,
    /// The partition was ended.
    Ended,
    Interrupted,
    /// As the program asked.
    Exit(i32),
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(match status {
            Status::Success => 0,
            Status::Failure => 1,
            Status::Usage => 2,
            Status::Memory => 3,
            Status::Fuel => 4,
            Status::Time => 5,
            Status::Output => 6,
            Status::Unavailable => 7,
            Status::Ended => 8,
            Status::Interrupted => 130,
            // As C's `exit` has it, only the low byte counts.
            Status::Exit(status) => status as u8,
        })
    }
}

/// The status that an error means.
pub fn status_of(error: &Error) -> Status {
    match error {
        Error::Memory => Status::Memory,
        Error::Stopped(StopReason::Fuel) => Status::Fuel,
        Error::Stopped(StopReason::Time) => Status::Time,
        Error::Stopped(StopReason::Output) => Status::Output,
        Error::Stopped(StopReason::Interrupt) => Status::Interrupted,
        Error::Stopped(StopReason::Exit(status)) => Status::Exit(*status),
        Error::Unavailable(_) => Status::Unavailable,
        Error::Ended(_) => Status::Ended,
        Error::Stopped(StopReason::Snapshot) => Status::Success,
        _ => Status::Failure,
    }
}

/// Writes a line to standard error. If that is closed or full, there is nobody to tell.
pub fn tell(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Prints an error, but for a wanted exit, and gives its status.
pub fn report(error: &Error) -> Status {
    let status = status_of(error);
    if !matches!(status, Status::Exit(_) | Status::Success) {
        tell(format_args!("{NAME}: {}", text(error)));
    }
    status
}

/// An error in full: with the source line or traceback, as far as there is one.
pub fn text(error: &Error) -> String {
    match error {
        Error::Syntax(error) => format!("{}{}", error.message, excerpt(error)),
        Error::Runtime(error) if has_traceback(error) => format!("{}\n{}", error.message, error.traceback),
        Error::Isolated(error) if has_isolated_traceback(error) => format!("{}\n{}", error.message, error.traceback),
        other => other.to_string(),
    }
}

/// As [`has_traceback`].
fn has_isolated_traceback(error: &IsolatedError) -> bool {
    let is_text = matches!(error.type_name.as_str(), "string" | "number");
    !error.traceback.is_empty() && (is_text || error.message.starts_with("(error object is a "))
}

/// Objects that say themselves what they are come without a traceback, as with `lua`.
fn has_traceback(error: &RuntimeError) -> bool {
    let is_text = matches!(error.value, Value::String(_) | Value::Integer(_) | Value::Float(_));
    !error.traceback.is_empty() && (is_text || error.message.starts_with("(error object is a "))
}

/// The most characters of the source line before and from the error on.
const BEFORE: usize = 60;
const AFTER: usize = 40;

/// The offending line with carets below the error.
fn excerpt(error: &SyntaxError) -> String {
    if error.line == 0 || error.source_line.trim().is_empty() {
        return String::new();
    }
    // The column counts bytes of the source, in which other bytes than UTF-8 may have been replaced since.
    let mut start = (error.column.max(1) as usize - 1).min(error.source_line.len());
    while !error.source_line.is_char_boundary(start) {
        start -= 1;
    }
    let (before, rest) = error.source_line.split_at(start);
    let skipped = before.chars().count().saturating_sub(BEFORE);
    let before: String = before.chars().skip(skipped).collect();
    let rest: String = rest.trim_end().chars().take(AFTER).collect();
    // Tabs are as wide in the line of carets.
    let indent: String = before.chars().map(|character| if character == '\t' { '\t' } else { ' ' }).collect();
    let carets = "^".repeat(error.length.clamp(1, rest.chars().count().max(1)));
    let number = error.line.to_string();
    let margin = " ".repeat(number.len());
    format!("\n {number} | {before}{rest}\n {margin} | {indent}{carets}")
}
