//! `gsub`'s replacement strings.

use super::MatchError;
use memchr::memchr;

/// A part of a replacement string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'r> {
    /// Text to take as it is.
    Text(&'r [u8]),
    /// `%0`: the whole match.
    Match,
    /// `%1` to `%9`: a capture, counted from zero.
    Capture(usize),
}

/// Iterates over the parts of a replacement string. PUC Lua reads the string anew for every match, so an error in it
/// appears only after the parts before it and only if something matched.
#[derive(Clone, Debug)]
pub struct Pieces<'r> {
    rest: &'r [u8],
}

impl<'r> Pieces<'r> {
    /// The parts of `replacement`.
    pub fn new(replacement: &'r [u8]) -> Self {
        Pieces { rest: replacement }
    }
}

impl<'r> Iterator for Pieces<'r> {
    type Item = Result<Piece<'r>, MatchError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (piece, length) = match memchr(b'%', self.rest) {
            None => (Piece::Text(self.rest), self.rest.len()),
            Some(0) => match self.rest.get(1) {
                Some(b'%') => (Piece::Text(&self.rest[1..2]), 2),
                Some(b'0') => (Piece::Match, 2),
                Some(digit @ b'1'..=b'9') => (Piece::Capture(usize::from(digit - b'1')), 2),
                _ => {
                    self.rest = &[];
                    return Some(Err(MatchError::InvalidReplacement));
                }
            },
            Some(length) => (Piece::Text(&self.rest[..length]), length),
        };
        self.rest = &self.rest[length..];
        Some(Ok(piece))
    }
}
