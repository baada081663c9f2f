//! Reading a format string.

use super::{MAX_INTEGER_SIZE, PackError};
use memchr::memchr;

/// The greatest alignment that `!` sets by itself, that of C's types.
const NATIVE_ALIGNMENT: u32 = 8;

/// The type of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `b h i j l`
    Signed,
    /// `B H I J L T`
    Unsigned,
    /// `f`
    Single,
    /// `d`, `n`
    Double,
    /// `c`: a string of fixed size.
    Characters,
    /// `s`: a string after its length.
    PrefixedString,
    /// `z`: a string before a zero.
    ZeroTerminated,
    /// `x`: a byte without a value.
    Padding,
    /// `X`: nothing but its padding.
    Alignment,
    /// What sets an option, and spaces.
    Nothing,
}

impl Kind {
    /// Whether the item takes an argument of `pack` and gives a result of `unpack`.
    pub fn has_value(self) -> bool {
        !matches!(self, Kind::Padding | Kind::Alignment | Kind::Nothing)
    }
}

/// An item of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its type.
    pub kind: Kind,
    /// Its size in bytes; of strings, that of the length (`s`) or nothing (`z`).
    pub size: u32,
    /// The bytes of padding before it.
    pub padding: u32,
    /// Whether its lowest byte comes first.
    pub little_endian: bool,
}

/// The items of a format.
#[derive(Clone, Debug)]
pub struct Items<'f> {
    rest: &'f [u8],
    little_endian: bool,
    max_alignment: u32,
}

impl<'f> Items<'f> {
    /// The items of `format`, which ends at its first zero, as it does for PUC Lua. The native byte order is little
    /// endian on all machines.
    pub fn new(format: &'f [u8]) -> Self {
        let end = memchr(0, format).unwrap_or(format.len());
        Items { rest: &format[..end], little_endian: true, max_alignment: 1 }
    }

    /// The next item, which is to stand at `position` of the data, after its padding.
    pub fn next(&mut self, position: usize) -> Result<Option<Item>, PackError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (kind, size) = self.option()?;
        let mut alignment = size;
        if kind == Kind::Alignment {
            if self.rest.is_empty() {
                return Err(PackError::InvalidNextOption);
            }
            let (next, next_size) = self.option()?;
            if next == Kind::Characters || next_size == 0 {
                return Err(PackError::InvalidNextOption);
            }
            alignment = next_size;
        }
        let mut padding = 0;
        if alignment > 1 && kind != Kind::Characters {
            alignment = alignment.min(self.max_alignment);
            if !alignment.is_power_of_two() {
                return Err(PackError::AlignmentNotPowerOfTwo);
            }
            padding = (position as u32).wrapping_neg() & (alignment - 1);
        }
        Ok(Some(Item { kind, size, padding, little_endian: self.little_endian }))
    }

    /// Reads one option: its kind and its size.
    fn option(&mut self) -> Result<(Kind, u32), PackError> {
        let Some((&letter, rest)) = self.rest.split_first() else { return Ok((Kind::Nothing, 0)) };
        self.rest = rest;
        Ok(match letter {
            b'b' => (Kind::Signed, 1),
            b'B' => (Kind::Unsigned, 1),
            b'h' => (Kind::Signed, 2),
            b'H' => (Kind::Unsigned, 2),
            b'l' | b'j' => (Kind::Signed, 8),
            b'L' | b'J' | b'T' => (Kind::Unsigned, 8),
            b'i' => (Kind::Signed, self.integer_size(4)?),
            b'I' => (Kind::Unsigned, self.integer_size(4)?),
            b'f' => (Kind::Single, 4),
            b'd' | b'n' => (Kind::Double, 8),
            b's' => (Kind::PrefixedString, self.integer_size(8)?),
            b'c' => (Kind::Characters, self.number().ok_or(PackError::MissingSize)?),
            b'z' => (Kind::ZeroTerminated, 0),
            b'x' => (Kind::Padding, 1),
            b'X' => (Kind::Alignment, 0),
            b' ' => (Kind::Nothing, 0),
            b'<' | b'=' => {
                self.little_endian = true;
                (Kind::Nothing, 0)
            }
            b'>' => {
                self.little_endian = false;
                (Kind::Nothing, 0)
            }
            b'!' => {
                self.max_alignment = self.integer_size(NATIVE_ALIGNMENT)?;
                (Kind::Nothing, 0)
            }
            _ => return Err(PackError::InvalidOption(letter)),
        })
    }

    fn integer_size(&mut self, default: u32) -> Result<u32, PackError> {
        match self.number().unwrap_or(default) {
            size @ 1..=MAX_INTEGER_SIZE => Ok(size),
            size => Err(PackError::IntegralSize(size)),
        }
    }

    /// Reads a numeral as far as it stays below the greatest C `int`; further digits are left for the next option.
    fn number(&mut self) -> Option<u32> {
        let mut number = None;
        while let Some((&digit @ b'0'..=b'9', rest)) = self.rest.split_first() {
            let value = number.unwrap_or(0);
            if value > (i32::MAX as u32 - 9) / 10 {
                break;
            }
            number = Some(value * 10 + u32::from(digit - b'0'));
            self.rest = rest;
        }
        number
    }
}
