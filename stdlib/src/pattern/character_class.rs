//! Sets of bytes: what a single item of a pattern matches, and the loops over runs of such bytes.

use memchr::{memchr, memrchr};

/// A class's table: whether each byte belongs to it.
pub(super) type Table = [bool; 256];

/// The letters of the named classes; an upper-case letter means the complement.
const LETTERS: [u8; 11] = *b"acdglpsuwxz";

static NAMED: [[Table; 2]; LETTERS.len()] = named_tables();

const fn belongs(letter: u8, byte: u8) -> bool {
    match letter {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'g' => byte.is_ascii_graphic(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        b's' => matches!(byte, b' ' | b'\t'..=b'\r'),
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        _ => byte == 0,
    }
}

const fn named_tables() -> [[Table; 2]; LETTERS.len()] {
    let mut tables = [[[false; 256]; 2]; LETTERS.len()];
    let mut class = 0;
    while class < LETTERS.len() {
        let mut byte = 0;
        while byte < 256 {
            let inside = belongs(LETTERS[class], byte as u8);
            tables[class][0][byte] = inside;
            tables[class][1][byte] = !inside;
            byte += 1;
        }
        class += 1;
    }
    tables
}

/// The table of the class named by `letter`, if it names one.
fn named(letter: u8) -> Option<(u8, bool)> {
    let index = LETTERS.iter().position(|&name| name == letter.to_ascii_lowercase())?;
    Some((index as u8, letter.is_ascii_uppercase()))
}

/// What a single item of a pattern matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// `.`
    Any,
    /// One byte.
    Byte(u8),
    /// All bytes but one.
    Except(u8),
    /// A class by letter: its index, and whether the complement is meant.
    Named(u8, bool),
    /// A set in brackets, by its index among the pattern's sets.
    Set(u32),
}

impl Class {
    /// What `%letter` matches.
    pub(super) fn escaped(letter: u8) -> Class {
        named(letter).map_or(Class::Byte(letter), |(index, complement)| Class::Named(index, complement))
    }

    #[inline(always)]
    pub(super) fn contains(self, sets: &[Set], byte: u8) -> bool {
        match self {
            Class::Any => true,
            Class::Byte(only) => byte == only,
            Class::Except(excluded) => byte != excluded,
            Class::Named(index, complement) => NAMED[index as usize][complement as usize][byte as usize],
            Class::Set(index) => sets[index as usize].contains(byte),
        }
    }

    /// The length of the longest prefix of `bytes` that lies within the class.
    #[inline]
    pub(super) fn run_length(self, sets: &[Set], bytes: &[u8]) -> usize {
        let end = match self {
            Class::Any => None,
            Class::Byte(only) => bytes.iter().position(|&byte| byte != only),
            Class::Except(excluded) => memchr(excluded, bytes),
            Class::Named(index, complement) => {
                let table = &NAMED[index as usize][complement as usize];
                bytes.iter().position(|&byte| !table[byte as usize])
            }
            Class::Set(index) => {
                let set = &sets[index as usize];
                bytes.iter().position(|&byte| !set.contains(byte))
            }
        };
        end.unwrap_or(bytes.len())
    }

    /// Where the first byte of the class stands.
    #[inline]
    pub(super) fn first(self, sets: &[Set], bytes: &[u8]) -> Option<usize> {
        match self {
            Class::Any => (!bytes.is_empty()).then_some(0),
            Class::Byte(only) => memchr(only, bytes),
            Class::Except(excluded) => bytes.iter().position(|&byte| byte != excluded),
            Class::Named(index, complement) => {
                let table = &NAMED[index as usize][complement as usize];
                bytes.iter().position(|&byte| table[byte as usize])
            }
            Class::Set(index) => {
                let set = &sets[index as usize];
                bytes.iter().position(|&byte| set.contains(byte))
            }
        }
    }

    /// Where the last byte of the class stands.
    #[inline]
    pub(super) fn last(self, sets: &[Set], bytes: &[u8]) -> Option<usize> {
        match self {
            Class::Byte(only) => memrchr(only, bytes),
            _ => bytes.iter().rposition(|&byte| self.contains(sets, byte)),
        }
    }
}

/// A set in brackets, as 256 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Set([u64; 4]);

impl Set {
    pub(super) const EMPTY: Set = Set([0; 4]);

    #[inline(always)]
    pub(super) fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0
    }

    pub(super) fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    pub(super) fn insert_range(&mut self, from: u8, to: u8) {
        for byte in from..=to {
            self.insert(byte);
        }
    }

    pub(super) fn insert_escaped(&mut self, letter: u8) {
        match named(letter) {
            None => self.insert(letter),
            Some((index, complement)) => {
                let table = &NAMED[usize::from(index)][usize::from(complement)];
                (0..=255u8).filter(|&byte| table[usize::from(byte)]).for_each(|byte| self.insert(byte));
            }
        }
    }

    pub(super) fn complement(&mut self) {
        self.0 = self.0.map(|bits| !bits);
    }

    /// The class in its simplest form, if that needs no set.
    pub(super) fn simplify(&self) -> Option<Class> {
        let find = |inside| (0..=255u8).find(|&byte| self.contains(byte) == inside);
        match self.0.iter().map(|bits| bits.count_ones()).sum::<u32>() {
            1 => find(true).map(Class::Byte),
            255 => find(false).map(Class::Except),
            256 => Some(Class::Any),
            _ => None,
        }
    }
}
