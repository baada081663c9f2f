//! Lua patterns over bytes.
//!
//! A pattern has no alternation and repeats only single characters, so it is a straight line. [`Pattern`] is that line
//! as a list of operations, compiled once and used for any number of matches ([`PatternCache`] keeps the recent ones);
//! everything about captures (which one a parenthesis closes, whether a back reference is valid) is known by then. An
//! error in a pattern becomes an operation as well, since PUC Lua reports it only when a match gets there.
//!
//! ```text
//! "(%w+)=.-;"  ->  CaptureStart 0 | Greedy alnum, 1.. | CaptureEnd 0 | Single '=' | Lazy any, then ';' | Single ';' | End
//! ```
//!
//! [`Matcher`] walks the line with a stack of the repetitions that can still give way. The stack's depth is bounded by
//! PUC Lua's limit ("pattern too complex"), and long work is interrupted through a [`Poll`].

mod cache;
mod character_class;
mod compile;
mod matcher;
mod replacement;
mod search;

pub use cache::PatternCache;
pub use compile::{Caret, Pattern};
pub use matcher::{Capture, Match, Matcher, POLL_INTERVAL};
pub use replacement::{Piece, Pieces};
pub use search::{find_plain, has_specials};

/// The most captures a pattern may have.
pub const MAX_CAPTURES: usize = 32;

/// The caller of a match wants it to end: a limit of the instance is reached, or it was interrupted. The caller knows
/// which, since its own poll function said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop;

/// Called every few thousand steps of a match with the number of steps done since the last call.
pub type Poll<'p> = &'p mut dyn FnMut(u64) -> Result<(), Stop>;

/// Why matching ended without an answer. The display is PUC Lua's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// A `%` ends the pattern.
    #[error("malformed pattern (ends with '%')")]
    EndsWithEscape,
    /// A set is not closed.
    #[error("malformed pattern (missing ']')")]
    MissingBracket,
    /// `%b` lacks one of its two characters.
    #[error("malformed pattern (missing arguments to '%b')")]
    MissingBalanceArguments,
    /// `%f` is not followed by a set.
    #[error("missing '[' after '%f' in pattern")]
    MissingFrontierSet,
    /// A `)` closes nothing.
    #[error("invalid pattern capture")]
    InvalidPatternCapture,
    /// A back reference, or a `%n` in a replacement, names a capture that is not there or not closed.
    #[error("invalid capture index %{0}")]
    InvalidCaptureIndex(u8),
    /// A capture was asked for that the pattern does not close.
    #[error("unfinished capture")]
    UnfinishedCapture,
    /// More than [`MAX_CAPTURES`].
    #[error("too many captures")]
    TooManyCaptures,
    /// More nested repetitions and captures than PUC Lua's matcher takes.
    #[error("pattern too complex")]
    TooComplex,
    /// A `%` in a replacement string is followed by neither a digit nor `%`.
    #[error("invalid use of '%' in replacement string")]
    InvalidReplacement,
    /// No memory for the compiled pattern.
    #[error("not enough memory")]
    OutOfMemory,
    /// The poll function said stop.
    #[error("interrupted")]
    Interrupted,
}

impl From<Stop> for MatchError {
    fn from(_: Stop) -> Self {
        MatchError::Interrupted
    }
}
