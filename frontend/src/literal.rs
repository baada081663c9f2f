//! The lexer's part for string literals, short and long.

use crate::error::Failure;
use crate::lexer::{Lexer, Near};
use crate::strings::StringId;

impl Lexer<'_> {
    /// Reads the literal in quotes `delimiter` that begins here.
    pub(super) fn read_string(&mut self, delimiter: u8) -> Result<StringId, Failure> {
        let start = self.position;
        self.position += 1;
        self.skip_plain(delimiter);
        match self.peek() {
            Some(byte) if byte == delimiter => {
                let content = &self.source[start + 1..self.position];
                self.position += 1;
                Ok(self.strings.intern(content, self.memory)?)
            }
            Some(b'\\') => self.read_escaped_string(start, delimiter),
            _ => Err(self.unfinished(start, &self.source[start..self.position])),
        }
    }

    /// Goes on to the next byte that is not simply part of the string.
    fn skip_plain(&mut self, delimiter: u8) {
        let rest = &self.source[self.position..];
        self.position += rest
            .iter()
            .position(|&byte| byte == delimiter || matches!(byte, b'\\' | b'\n' | b'\r'))
            .unwrap_or(rest.len());
    }

    fn unfinished(&self, start: usize, text: &[u8]) -> Failure {
        let near = if self.peek().is_none() { Near::EndOfSource } else { Near::Text(text) };
        self.error_at(start, self.position, b"unfinished string", near)
    }

    /// Goes on with a literal from its first backslash on.
    fn read_escaped_string(&mut self, start: usize, delimiter: u8) -> Result<StringId, Failure> {
        self.buffer.clear();
        let mut plain = start;
        loop {
            self.memory.extend(&mut self.buffer, &self.source[plain..self.position])?;
            match self.peek() {
                Some(byte) if byte == delimiter => break,
                Some(b'\\') => self.read_escape()?,
                _ => return Err(self.unfinished(start, &self.buffer)),
            }
            plain = self.position;
            self.skip_plain(delimiter);
        }
        self.position += 1;
        Ok(self.strings.intern(&self.buffer[1..], self.memory)?)
    }

    /// Reads one escape sequence and appends what it stands for.
    fn read_escape(&mut self) -> Result<(), Failure> {
        let backslash = self.position;
        self.position += 1;
        let Some(byte) = self.peek() else { return Ok(()) };
        let value = match byte {
            b'a' => 0x07,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            b'\\' | b'"' | b'\'' => byte,
            b'\n' | b'\r' => {
                self.skip_line_break()?;
                return self.append(b"\n");
            }
            b'z' => return self.skip_white_space(),
            b'x' => return self.read_hexadecimal_escape(backslash),
            b'u' => return self.read_unicode_escape(backslash),
            b'0'..=b'9' => return self.read_decimal_escape(backslash),
            _ => return Err(self.bad_escape(backslash, b"invalid escape sequence")),
        };
        self.position += 1;
        self.append(&[value])
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.memory.extend(&mut self.buffer, bytes)?)
    }

    /// An error that shows the string up to the current byte.
    fn bad_escape(&mut self, backslash: usize, message: &[u8]) -> Failure {
        let end = (self.position + 1).min(self.source.len());
        self.buffer.extend_from_slice(&self.source[backslash..end]);
        self.error_at(backslash, end, message, Near::Text(&self.buffer))
    }

    fn skip_white_space(&mut self) -> Result<(), Failure> {
        self.position += 1;
        loop {
            match self.peek() {
                Some(b'\n' | b'\r') => self.skip_line_break()?,
                Some(b' ' | b'\t' | 0x0b | 0x0c) => self.position += 1,
                _ => return Ok(()),
            }
        }
    }

    fn hexadecimal_digit(&mut self, backslash: usize) -> Result<u32, Failure> {
        match self.peek().and_then(|byte| (byte as char).to_digit(16)) {
            Some(digit) => {
                self.position += 1;
                Ok(digit)
            }
            None => Err(self.bad_escape(backslash, b"hexadecimal digit expected")),
        }
    }

    fn read_hexadecimal_escape(&mut self, backslash: usize) -> Result<(), Failure> {
        self.position += 1;
        let high = self.hexadecimal_digit(backslash)?;
        let low = self.hexadecimal_digit(backslash)?;
        self.append(&[(high << 4 | low) as u8])
    }

    fn read_decimal_escape(&mut self, backslash: usize) -> Result<(), Failure> {
        let mut value = 0;
        for _ in 0..3 {
            let Some(digit @ b'0'..=b'9') = self.peek() else { break };
            value = value * 10 + u32::from(digit - b'0');
            self.position += 1;
        }
        match u8::try_from(value) {
            Ok(byte) => self.append(&[byte]),
            Err(_) => Err(self.bad_escape(backslash, b"decimal escape too large")),
        }
    }

    fn read_unicode_escape(&mut self, backslash: usize) -> Result<(), Failure> {
        self.position += 1;
        if self.peek() != Some(b'{') {
            return Err(self.bad_escape(backslash, b"missing '{'"));
        }
        self.position += 1;
        let mut code_point = self.hexadecimal_digit(backslash)?;
        while self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
            if code_point > 0x7fff_ffff >> 4 {
                return Err(self.bad_escape(backslash, b"UTF-8 value too large"));
            }
            code_point = code_point << 4 | self.hexadecimal_digit(backslash)?;
        }
        if self.peek() != Some(b'}') {
            return Err(self.bad_escape(backslash, b"missing '}'"));
        }
        self.position += 1;
        let (bytes, length) = encode_utf8(code_point);
        self.append(&bytes[..length])
    }

    /// Reads the long string of this level that begins here.
    pub(super) fn read_long_string(&mut self, level: usize) -> Result<StringId, Failure> {
        let start = self.position;
        self.skip_long(level, "string")?;
        let mut content = &self.source[start + level + 2..self.position - level - 2];
        content = match content {
            [b'\n', b'\r', rest @ ..] | [b'\r', b'\n', rest @ ..] | [b'\n' | b'\r', rest @ ..] => rest,
            _ => content,
        };
        if !content.contains(&b'\r') {
            return Ok(self.strings.intern(content, self.memory)?);
        }
        self.buffer.clear();
        self.memory.reserve(&mut self.buffer, content.len())?;
        while let [first, rest @ ..] = content {
            content = match (first, rest) {
                (b'\n', [b'\r', rest @ ..]) | (b'\r', [b'\n', rest @ ..]) => rest,
                _ => rest,
            };
            self.buffer.push(if *first == b'\r' { b'\n' } else { *first });
        }
        Ok(self.strings.intern(&self.buffer, self.memory)?)
    }

    /// Skips the long string or comment of this level that begins here.
    pub(super) fn skip_long(&mut self, level: usize, what: &str) -> Result<(), Failure> {
        let start = self.position;
        self.position += level + 2;
        loop {
            let rest = &self.source[self.position..];
            let Some(plain) = rest.iter().position(|&byte| matches!(byte, b']' | b'\n' | b'\r')) else {
                let line = self.lines.line(start as u32);
                self.position = self.source.len();
                let message = alloc::format!("unfinished long {what} (starting at line {line})");
                return Err(self.error_at(start, self.position, message.as_bytes(), Near::EndOfSource));
            };
            self.position += plain;
            if rest[plain] != b']' {
                self.skip_line_break()?;
                continue;
            }
            let equals = rest[plain + 1..].iter().take_while(|&&byte| byte == b'=').count();
            self.position += 1 + equals;
            if equals == level && self.peek() == Some(b']') {
                self.position += 1;
                return Ok(());
            }
        }
    }
}

/// UTF-8 in its original form, of up to six bytes for 31 bits.
fn encode_utf8(code_point: u32) -> ([u8; 6], usize) {
    let mut bytes = [0; 6];
    if code_point < 0x80 {
        bytes[0] = code_point as u8;
        return (bytes, 1);
    }
    let length = match code_point {
        0..0x800 => 2,
        0x800..0x1_0000 => 3,
        0x1_0000..0x20_0000 => 4,
        0x20_0000..0x400_0000 => 5,
        _ => 6,
    };
    let mut rest = code_point;
    for byte in bytes[1..length].iter_mut().rev() {
        *byte = 0x80 | (rest & 0x3f) as u8;
        rest >>= 6;
    }
    bytes[0] = !(0xff_u8 >> length) | rest as u8;
    (bytes, length)
}
