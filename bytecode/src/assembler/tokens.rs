//! Splits a line into words, strings and commas.

use super::{AssembleError, AssembleErrorKind};
use alloc::vec::Vec;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'text> {
    /// Anything without white space, quotes, commas and semicolons.
    Word(&'text str),
    /// The bytes of a string.
    String(Vec<u8>),
    Comma,
}

/// The tokens of one line, read from its beginning.
#[derive(Clone)]
pub(super) struct Tokens<'text> {
    text: &'text str,
    /// Byte at which the next token is looked for.
    position: usize,
    line: u32,
}

impl<'text> Tokens<'text> {
    pub(super) fn new(text: &'text str, line: u32) -> Self {
        let mut tokens = Tokens { text, position: 0, line };
        tokens.skip_blank();
        tokens
    }

    /// The error `kind` at the next token.
    pub(super) fn error(&self, kind: AssembleErrorKind) -> AssembleError {
        self.error_at(self.position, kind)
    }

    /// The error `kind` at the byte `position`.
    pub(super) fn error_at(&self, position: usize, kind: AssembleErrorKind) -> AssembleError {
        AssembleError { line: self.line, column: position as u32 + 1, kind }
    }

    /// Where the next token begins.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Whether nothing but a comment is left.
    pub(super) fn is_at_end(&self) -> bool {
        self.position == self.text.len()
    }

    /// Requires that nothing but a comment is left.
    pub(super) fn end(&self) -> Result<(), AssembleError> {
        if self.is_at_end() { Ok(()) } else { Err(self.error(AssembleErrorKind::Expected("the end of the line"))) }
    }

    fn skip_blank(&mut self) {
        let rest = self.text[self.position..].trim_start();
        self.position = if rest.starts_with(';') { self.text.len() } else { self.text.len() - rest.len() };
    }

    /// The next token; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token<'text>>, AssembleError> {
        let rest = &self.text[self.position..];
        let (token, length) = match rest.as_bytes().first() {
            None => return Ok(None),
            Some(b',') => (Token::Comma, 1),
            Some(b'"') => self.string(rest.as_bytes())?,
            Some(_) => {
                let is_end = |character: char| character.is_whitespace() || matches!(character, '"' | ',' | ';');
                let length = rest.find(is_end).unwrap_or(rest.len());
                (Token::Word(&rest[..length]), length)
            }
        };
        self.position += length;
        self.skip_blank();
        Ok(Some(token))
    }

    /// The next token, which has to be a word; `expected` says which.
    pub(super) fn word(&mut self, expected: &'static str) -> Result<&'text str, AssembleError> {
        let position = self.position;
        match self.next()? {
            Some(Token::Word(word)) => Ok(word),
            _ => Err(self.error_at(position, AssembleErrorKind::Expected(expected))),
        }
    }

    fn string(&self, rest: &[u8]) -> Result<(Token<'text>, usize), AssembleError> {
        let mut bytes = Vec::new();
        let mut index = 1;
        loop {
            let escape = self.position + index;
            let (byte, length) = match rest.get(index..).unwrap_or_default() {
                [] => return Err(self.error(AssembleErrorKind::UnfinishedString)),
                [b'"', ..] => return Ok((Token::String(bytes), index + 1)),
                [b'\\', b'n', ..] => (b'\n', 2),
                [b'\\', b'r', ..] => (b'\r', 2),
                [b'\\', b't', ..] => (b'\t', 2),
                [b'\\', quoted @ (b'"' | b'\\'), ..] => (*quoted, 2),
                [b'\\', b'x', high, low, ..] => {
                    let digit = |byte: u8| (byte as char).to_digit(16);
                    match (digit(*high), digit(*low)) {
                        (Some(high), Some(low)) => ((high * 16 + low) as u8, 4),
                        _ => return Err(self.error_at(escape, AssembleErrorKind::InvalidEscape)),
                    }
                }
                [b'\\', ..] => return Err(self.error_at(escape, AssembleErrorKind::InvalidEscape)),
                [byte, ..] => (*byte, 1),
            };
            bytes.push(byte);
            index += length;
        }
    }
}
