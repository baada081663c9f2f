//! A short text in place, without an allocation: what numbers are formatted into.

use core::{fmt, ops::Deref};

/// Up to `CAPACITY` bytes of text.
#[derive(Clone)]
pub struct Text<const CAPACITY: usize> {
    bytes: [u8; CAPACITY],
    length: usize,
}

impl<const CAPACITY: usize> Text<CAPACITY> {
    pub(crate) const fn new() -> Self {
        Text { bytes: [0; CAPACITY], length: 0 }
    }

    /// Appends `byte`. The capacities of this crate's texts are chosen to hold the longest number.
    pub(crate) fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    pub(crate) fn push_repeated(&mut self, byte: u8, count: usize) {
        self.bytes[self.length..self.length + count].fill(byte);
        self.length += count;
    }

    /// Puts `byte` in so often at a place.
    pub(crate) fn insert_repeated(&mut self, place: usize, byte: u8, count: usize) {
        if count > 0 {
            self.bytes.copy_within(place..self.length, place + count);
            self.bytes[place..place + count].fill(byte);
            self.length += count;
        }
    }

    pub(crate) fn push_all(&mut self, bytes: &[u8]) {
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// Appends bytes that the caller writes.
    pub(crate) fn push_room(&mut self, count: usize) -> &mut [u8] {
        let start = self.length;
        self.length += count;
        &mut self.bytes[start..self.length]
    }

    pub(crate) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    pub(crate) fn make_uppercase(&mut self) {
        self.bytes[..self.length].make_ascii_uppercase();
    }

    /// The text, which is ASCII.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self).unwrap_or_default()
    }
}

impl<const CAPACITY: usize> Deref for Text<CAPACITY> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl<const CAPACITY: usize> fmt::Write for Text<CAPACITY> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() > CAPACITY - self.length {
            return Err(fmt::Error);
        }
        self.push_all(text.as_bytes());
        Ok(())
    }
}

impl<const CAPACITY: usize> fmt::Display for Text<CAPACITY> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl<const CAPACITY: usize> fmt::Debug for Text<CAPACITY> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}
