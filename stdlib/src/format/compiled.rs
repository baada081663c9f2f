//! Format strings that were read before they are used.

use super::{Directive, FormatError, Piece, Pieces};
use alloc::vec::Vec;
use core::ops::Range;
use memchr::memchr_iter;

/// A format string, read.
pub struct Format(Vec<Part>);

/// A part of a format string.
pub struct Part {
    /// Where it begins.
    pub start: usize,
    /// What it is.
    pub content: Content,
}

/// What a part is.
pub enum Content {
    /// Text to take as it is.
    Text(Range<usize>),
    /// A directive, sound or not, which takes an argument.
    Directive {
        /// The directive.
        directive: Result<Directive, FormatError>,
        /// Whether nothing stands between its `%` and its letter.
        is_plain: bool,
    },
}

impl Format {
    /// Reads a format string.
    pub fn read(format: &[u8]) -> Format {
        let mut parts = Vec::new();
        let mut pieces = Pieces::new(format);
        loop {
            let start = format.len() - pieces.rest().len();
            let Some(piece) = pieces.next() else { return Format(parts) };
            let content = match piece {
                Ok(Piece::Text(text)) => Content::Text(start..start + text.len()),
                Ok(Piece::Directive(directive)) => Content::Directive {
                    is_plain: directive.specification.is_ok_and(|specification| specification.is_plain()),
                    directive: Ok(directive),
                },
                Err(error) => Content::Directive { directive: Err(error), is_plain: false },
            };
            parts.push(Part { start, content });
        }
    }

    /// An upper bound on the memory that a format string takes.
    pub fn memory_bound(format: &[u8]) -> usize {
        let directives = memchr_iter(b'%', format).count();
        (2 * directives + 1).saturating_mul(2 * size_of::<Part>())
    }

    /// The parts that begin at `start` or later.
    pub fn parts_from(&self, start: usize) -> &[Part] {
        &self.0[self.0.partition_point(|part| part.start < start)..]
    }
}
