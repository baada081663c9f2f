//! From bytes to tokens.

use crate::error::{Failure, SyntaxError};
use crate::lines::LineTable;
use crate::memory::Memory;
use crate::strings::Strings;
use crate::token::{Symbol, Token, keyword};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use lunette_bytecode::number::{Number, parse_number};

/// A token between the offsets of its first byte and of the byte after it.
pub(crate) type Spanned = (u32, Token, u32);

/// Reads tokens from `source`.
pub(crate) struct Lexer<'a> {
    pub(super) source: &'a [u8],
    pub(super) position: usize,
    pub(super) strings: &'a mut Strings,
    pub(super) lines: &'a mut LineTable,
    pub(super) memory: &'a Memory,
    /// A string literal with its opening quote and its escape sequences replaced, as far as it has been read.
    pub(super) buffer: Vec<u8>,
    is_finished: bool,
}

/// Which token an error message names.
pub(super) enum Near<'t> {
    /// A token of this text.
    Text(&'t [u8]),
    EndOfSource,
}

impl<'a> Lexer<'a> {
    /// A lexer that begins at `position`.
    pub(crate) fn new(
        source: &'a [u8],
        position: usize,
        strings: &'a mut Strings,
        lines: &'a mut LineTable,
        memory: &'a Memory,
    ) -> Self {
        Lexer { source, position, strings, lines, memory, buffer: Vec::new(), is_finished: false }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.source.get(self.position).copied()
    }

    fn peek_second(&self) -> Option<u8> {
        self.source.get(self.position + 1).copied()
    }

    /// The next token; after the end of the source always [`Token::EndOfSource`].
    pub(crate) fn next_token(&mut self) -> Result<Spanned, Failure> {
        self.skip_space()?;
        let start = self.position;
        let Some(byte) = self.peek() else { return Ok((start as u32, Token::EndOfSource, start as u32)) };
        let token = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.read_name()?,
            b'0'..=b'9' => self.read_number()?,
            b'.' if self.peek_second().is_some_and(|next| next.is_ascii_digit()) => self.read_number()?,
            b'"' | b'\'' => Token::String(self.read_string(byte)?),
            b'[' => match self.long_bracket() {
                LongBracket::Opening(level) => Token::String(self.read_long_string(level)?),
                LongBracket::Unfinished(end) => {
                    let text = &self.source[start..end];
                    return Err(self.error_at(start, end, b"invalid long string delimiter", Near::Text(text)));
                }
                LongBracket::None => self.symbol(1, Symbol::BracketOpen),
            },
            _ => self.read_symbol(byte),
        };
        Ok((start as u32, token, self.position as u32))
    }

    /// Skips white space and comments.
    fn skip_space(&mut self) -> Result<(), Failure> {
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' | b'\r' => self.skip_line_break()?,
                b' ' | b'\t' | 0x0b | 0x0c => self.position += 1,
                b'-' if self.peek_second() == Some(b'-') => self.skip_comment()?,
                _ => break,
            }
        }
        Ok(())
    }

    /// Skips one of `\n`, `\r`, `\n\r`, `\r\n`.
    pub(super) fn skip_line_break(&mut self) -> Result<(), Failure> {
        let first = self.peek();
        self.position += 1;
        if let Some(second @ (b'\n' | b'\r')) = self.peek()
            && Some(second) != first
        {
            self.position += 1;
        }
        self.lines.begin_line(self.position as u32, self.memory)?;
        Ok(())
    }

    fn skip_comment(&mut self) -> Result<(), Failure> {
        self.position += 2;
        if let LongBracket::Opening(level) = self.long_bracket() {
            return self.skip_long(level, "comment");
        }
        let rest = &self.source[self.position..];
        self.position += rest.iter().position(|&byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        Ok(())
    }

    fn read_name(&mut self) -> Result<Token, Failure> {
        let rest = &self.source[self.position..];
        let length = rest.iter().position(|&byte| !byte.is_ascii_alphanumeric() && byte != b'_').unwrap_or(rest.len());
        let name = &rest[..length];
        self.position += length;
        match keyword(name) {
            Some(symbol) => Ok(Token::Symbol(symbol)),
            None => Ok(Token::Name(self.strings.intern(name, self.memory)?)),
        }
    }

    /// Takes all that looks like a numeral and then asks whether it is one, as Lua does.
    fn read_number(&mut self) -> Result<Token, Failure> {
        let start = self.position;
        let is_hexadecimal = self.peek() == Some(b'0') && matches!(self.peek_second(), Some(b'x' | b'X'));
        if is_hexadecimal {
            self.position += 2;
        }
        loop {
            match self.peek() {
                Some(b'e' | b'E') if !is_hexadecimal => self.skip_exponent_mark(),
                Some(b'p' | b'P') if is_hexadecimal => self.skip_exponent_mark(),
                Some(byte) if byte.is_ascii_hexdigit() || byte == b'.' => self.position += 1,
                Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => {
                    self.position += 1;
                    break;
                }
                _ => break,
            }
        }
        let text = &self.source[start..self.position];
        match parse_number(text) {
            Some(Number::Integer(value)) => Ok(Token::Integer(value)),
            Some(Number::Float(value)) => Ok(Token::Float(value)),
            None => Err(self.error_at(start, self.position, b"malformed number", Near::Text(text))),
        }
    }

    fn skip_exponent_mark(&mut self) {
        self.position += 1;
        if matches!(self.peek(), Some(b'+' | b'-')) {
            self.position += 1;
        }
    }

    fn symbol(&mut self, length: usize, symbol: Symbol) -> Token {
        self.position += length;
        Token::Symbol(symbol)
    }

    fn read_symbol(&mut self, first: u8) -> Token {
        let second = self.peek_second();
        match (first, second) {
            (b'=', Some(b'=')) => self.symbol(2, Symbol::EqualEqual),
            (b'=', _) => self.symbol(1, Symbol::Equal),
            (b'<', Some(b'=')) => self.symbol(2, Symbol::LessEqual),
            (b'<', Some(b'<')) => self.symbol(2, Symbol::LessLess),
            (b'<', _) => self.symbol(1, Symbol::Less),
            (b'>', Some(b'=')) => self.symbol(2, Symbol::GreaterEqual),
            (b'>', Some(b'>')) => self.symbol(2, Symbol::GreaterGreater),
            (b'>', _) => self.symbol(1, Symbol::Greater),
            (b'/', Some(b'/')) => self.symbol(2, Symbol::SlashSlash),
            (b'/', _) => self.symbol(1, Symbol::Slash),
            (b'~', Some(b'=')) => self.symbol(2, Symbol::TildeEqual),
            (b'~', _) => self.symbol(1, Symbol::Tilde),
            (b':', Some(b':')) => self.symbol(2, Symbol::ColonColon),
            (b':', _) => self.symbol(1, Symbol::Colon),
            (b'.', Some(b'.')) if self.source.get(self.position + 2) == Some(&b'.') => self.symbol(3, Symbol::Ellipsis),
            (b'.', Some(b'.')) => self.symbol(2, Symbol::DotDot),
            (b'.', _) => self.symbol(1, Symbol::Dot),
            (b'+', _) => self.symbol(1, Symbol::Plus),
            (b'-', _) => self.symbol(1, Symbol::Minus),
            (b'*', _) => self.symbol(1, Symbol::Star),
            (b'%', _) => self.symbol(1, Symbol::Percent),
            (b'^', _) => self.symbol(1, Symbol::Caret),
            (b'#', _) => self.symbol(1, Symbol::Hash),
            (b'&', _) => self.symbol(1, Symbol::Ampersand),
            (b'|', _) => self.symbol(1, Symbol::Pipe),
            (b'(', _) => self.symbol(1, Symbol::ParenthesisOpen),
            (b')', _) => self.symbol(1, Symbol::ParenthesisClose),
            (b'{', _) => self.symbol(1, Symbol::BraceOpen),
            (b'}', _) => self.symbol(1, Symbol::BraceClose),
            (b']', _) => self.symbol(1, Symbol::BracketClose),
            (b';', _) => self.symbol(1, Symbol::Semicolon),
            (b',', _) => self.symbol(1, Symbol::Comma),
            _ => {
                self.position += 1;
                Token::Unknown(first)
            }
        }
    }

    /// What the `[` at the current position begins.
    fn long_bracket(&self) -> LongBracket {
        if self.peek() != Some(b'[') {
            return LongBracket::None;
        }
        let rest = &self.source[self.position + 1..];
        let level = rest.iter().position(|&byte| byte != b'=').unwrap_or(rest.len());
        match rest.get(level) {
            Some(b'[') => LongBracket::Opening(level),
            _ if level == 0 => LongBracket::None,
            _ => LongBracket::Unfinished(self.position + 1 + level),
        }
    }

    /// An error at the bytes from `start` to `end`, in the line that `end` is in.
    pub(super) fn error_at(&self, start: usize, end: usize, message: &[u8], near: Near) -> Failure {
        let mut message = message.to_vec();
        message.extend_from_slice(b" near ");
        let at_end = match near {
            Near::Text(text) => {
                quote(&mut message, text);
                false
            }
            Near::EndOfSource => {
                message.extend_from_slice(b"<eof>");
                true
            }
        };
        Failure::Syntax(Box::new(SyntaxError {
            message,
            line: self.lines.line(end as u32),
            column: self.lines.column(start as u32),
            range: start..end,
            at_end,
        }))
    }

    /// How an error message names the token at `start` that was read last.
    pub(crate) fn name_token(&self, start: u32, token: Token) -> Vec<u8> {
        let mut name = Vec::new();
        match token {
            Token::EndOfSource => name.extend_from_slice(b"<eof>"),
            Token::Symbol(symbol) => quote(&mut name, symbol.text().as_bytes()),
            Token::Unknown(byte @ 0x20..=0x7e) => quote(&mut name, &[byte]),
            Token::Unknown(byte) => name.extend_from_slice(alloc::format!("'<\\{byte}>'").as_bytes()),
            Token::String(id) => quote(&mut name, &self.string_text(start as usize, self.strings.get(id))),
            Token::Name(_) | Token::Integer(_) | Token::Float(_) => {
                quote(&mut name, &self.source[start as usize..self.position]);
            }
        }
        name
    }

    /// The string literal that was read from `start` on, with its delimiters but without escape sequences.
    fn string_text(&self, start: usize, content: &[u8]) -> Cow<'a, [u8]> {
        let literal = &self.source[start..self.position];
        let delimiter = match literal.first() {
            Some(b'[') => 2 + literal[1..].iter().take_while(|&&byte| byte == b'=').count(),
            _ => 1,
        };
        let closing = literal.len().saturating_sub(delimiter);
        Cow::Owned([&literal[..delimiter], content, &literal[closing..]].concat())
    }
}

impl Iterator for Lexer<'_> {
    type Item = Result<Spanned, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_finished {
            return None;
        }
        let token = self.next_token();
        self.is_finished = matches!(token, Err(_) | Ok((_, Token::EndOfSource, _)));
        Some(token)
    }
}

/// What may stand where a `[` does.
enum LongBracket {
    /// `[`, some number of `=`, `[`.
    Opening(usize),
    /// `[=` without the second bracket; the offset after it.
    Unfinished(usize),
    None,
}

/// Appends `text` in quotes, cut off at its first zero byte, as C cuts it.
fn quote(message: &mut Vec<u8>, text: &[u8]) {
    message.push(b'\'');
    message.extend(text.iter().take_while(|&&byte| byte != 0));
    message.push(b'\'');
}
