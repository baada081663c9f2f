//! Lua's UTF-8: the original scheme with sequences of up to six bytes for code points up to 2³¹ - 1. The strict form
//! leaves out surrogates and what lies above U+10FFFF.

/// The greatest code point of the lax form.
pub const MAX_CODE_POINT: u32 = 0x7FFF_FFFF;

/// The greatest code point of Unicode.
const MAX_UNICODE: u32 = 0x10_FFFF;

/// The pattern `utf8.charpattern`, which matches one sequence.
pub const CHARACTER_PATTERN: &[u8] = b"[\0-\x7F\xC2-\xFD][\x80-\xBF]*";

/// An encoded code point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded {
    bytes: [u8; 6],
    start: u8,
}

impl Encoded {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[usize::from(self.start)..]
    }
}

/// Encodes `code`; none above [`MAX_CODE_POINT`].
#[inline]
pub fn encode(code: u32) -> Option<Encoded> {
    if code > MAX_CODE_POINT {
        return None;
    }
    let mut bytes = [0; 6];
    let mut start = 5;
    let mut rest = code;
    if code < 0x80 {
        bytes[start] = code as u8;
    } else {
        // What fits beside the length marker of the first byte.
        let mut first_limit = 0x3F;
        while rest > first_limit {
            bytes[start] = 0x80 | (rest & 0x3F) as u8;
            rest >>= 6;
            start -= 1;
            first_limit >>= 1;
        }
        bytes[start] = (!first_limit << 1) as u8 | rest as u8;
    }
    Some(Encoded { bytes, start: start as u8 })
}

/// Whether `byte` continues a sequence.
#[inline]
pub fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

fn continues_at(text: &[u8], position: usize) -> bool {
    text.get(position).is_some_and(|&byte| is_continuation(byte))
}

/// Decodes the sequence that starts `text`: its code point and length; none if it is not well formed.
#[inline]
pub fn decode(text: &[u8], lax: bool) -> Option<(u32, usize)> {
    let first = *text.first()?;
    if first < 0x80 {
        return Some((u32::from(first), 1));
    }
    let length = first.leading_ones() as usize;
    if !(2..=6).contains(&length) {
        return None;
    }
    let mut code = u32::from(first) & (0x7F >> length);
    for &byte in text.get(1..length)? {
        if !is_continuation(byte) {
            return None;
        }
        code = code << 6 | u32::from(byte & 0x3F);
    }
    const SHORTEST: [u32; 7] = [0, 0, 0x80, 0x800, 0x1_0000, 0x20_0000, 0x400_0000];
    let outside = code > MAX_UNICODE || matches!(code, 0xD800..=0xDFFF);
    (code >= SHORTEST[length] && (lax || !outside)).then_some((code, length))
}

/// The sequences of a text that start at `start..end`, as `utf8.len` and `utf8.codepoint` go through them: items are
/// code points, or the position of the first that is not well formed, after which the iteration ends.
#[derive(Clone, Debug)]
pub struct CodePoints<'t> {
    text: &'t [u8],
    position: usize,
    end: usize,
    lax: bool,
}

impl<'t> CodePoints<'t> {
    /// The sequences that start at `start..end`, counted from zero.
    pub fn new(text: &'t [u8], start: usize, end: usize, lax: bool) -> Self {
        CodePoints { text, position: start, end: end.min(text.len()), lax }
    }
}

impl Iterator for CodePoints<'_> {
    type Item = Result<u32, usize>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.position >= self.end {
            return None;
        }
        match decode(&self.text[self.position..], self.lax) {
            Some((code, length)) => {
                self.position += length;
                Some(Ok(code))
            }
            None => {
                self.end = 0;
                Some(Err(self.position))
            }
        }
    }
}

/// Why [`offset`] has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("initial position is a continuation byte")]
pub struct InitialContinuation;

/// `utf8.offset`: where the `count`-th sequence from `position` on starts (`position` itself for 1, sequences before it
/// for negative counts, the one it lies in for 0), or none if there are not as many. Positions are counted from zero and
/// `position` is at most the text's length.
pub fn offset(text: &[u8], count: i64, position: usize) -> Result<Option<usize>, InitialContinuation> {
    let mut position = position;
    if count == 0 {
        while position > 0 && continues_at(text, position) {
            position -= 1;
        }
        return Ok(Some(position));
    }
    if continues_at(text, position) {
        return Err(InitialContinuation);
    }
    let mut count = count;
    if count < 0 {
        while count < 0 && position > 0 {
            position -= 1;
            while position > 0 && continues_at(text, position) {
                position -= 1;
            }
            count += 1;
        }
    } else {
        count -= 1;
        while count > 0 && position < text.len() {
            position += 1;
            while continues_at(text, position) {
                position += 1;
            }
            count -= 1;
        }
    }
    Ok((count == 0).then_some(position))
}

/// The text has a sequence that is not well formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid UTF-8 code")]
pub struct InvalidCode;

/// One step of `utf8.codes`: after the sequence at `position` (counted from one, 0 before the first) the position and
/// code point of the next; none at the end.
#[inline]
pub fn next_code(text: &[u8], position: u64, lax: bool) -> Result<Option<(usize, u32)>, InvalidCode> {
    let mut index = match usize::try_from(position) {
        Ok(index) if index < text.len() => index,
        _ => return Ok(None),
    };
    while continues_at(text, index) {
        index += 1;
    }
    if index >= text.len() {
        return Ok(None);
    }
    match decode(&text[index..], lax) {
        Some((code, length)) if !continues_at(text, index + length) => Ok(Some((index + 1, code))),
        _ => Err(InvalidCode),
    }
}
