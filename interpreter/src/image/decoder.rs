//! Where an image comes from: bytes and numbers, in blocks from a source, summed up on the way.

use super::{
    error::{ReadError, ReadErrorKind, Refusal},
    format::{BLOCK, SUM_START, add_to_sum},
};
use alloc::{boxed::Box, vec::Vec};
use core::cell::Cell;

/// Gives the bytes of an image.
pub trait Source {
    /// Puts the next bytes into a buffer, and says how many; 0 at the end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SourceFailure>;

    /// The header, with these flags, is read; what follows may be compressed.
    fn begin_body(&mut self, flags: u16) -> Result<(), SourceFailure> {
        // There is nothing here to expand it with.
        if flags == 0 { Ok(()) } else { Err(SourceFailure) }
    }
}

/// The source gives no more. It knows why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceFailure;

impl Source for &[u8] {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, SourceFailure> {
        let (part, rest) = self.split_at(self.len().min(buffer.len()));
        buffer[..part.len()].copy_from_slice(part);
        *self = rest;
        Ok(part.len())
    }
}

pub(super) struct Decoder<'s> {
    source: &'s mut dyn Source,
    /// The block at hand.
    block: Vec<u8>,
    /// Up to where it was read.
    end: usize,
    /// Up to where it is used.
    position: usize,
    /// Bytes of all blocks before it.
    before: u64,
    sum: u64,
    /// Whether the header is being read, of which no byte too many may be.
    is_in_header: bool,
    /// What is being read, for messages.
    pub place: (&'static str, u64),
}

type Result<T, E = Refusal> = core::result::Result<T, E>;

impl<'s> Decoder<'s> {
    pub fn new(source: &'s mut dyn Source) -> Result<Decoder<'s>> {
        let mut decoder = Decoder {
            source,
            block: Vec::new(),
            end: 0,
            position: 0,
            before: 0,
            sum: SUM_START,
            is_in_header: true,
            place: ("header", 0),
        };
        decoder.block.try_reserve_exact(BLOCK).map_err(|_| decoder.error(ReadErrorKind::Memory))?;
        decoder.block.resize(BLOCK, 0);
        Ok(decoder)
    }

    /// Bytes read so far.
    pub fn offset(&self) -> u64 {
        self.before + self.position as u64
    }

    #[cold]
    pub fn error(&self, kind: ReadErrorKind) -> Refusal {
        Box::new(ReadError { offset: self.offset(), part: self.place.0, number: self.place.1, kind })
    }

    #[cold]
    pub fn malformed(&self, what: &'static str) -> Refusal {
        self.error(ReadErrorKind::Malformed(what))
    }

    pub fn begin_body(&mut self, flags: u16) -> Result<()> {
        self.is_in_header = false;
        self.source.begin_body(flags).map_err(|_| self.error(ReadErrorKind::Source))
    }

    /// Reads on, as so many bytes are wanted. The block is used up.
    #[cold]
    fn fill(&mut self, wanted: usize) -> Result<()> {
        if self.end == BLOCK {
            self.sum = add_to_sum(self.sum, &self.block);
            self.before += BLOCK as u64;
            (self.position, self.end) = (0, 0);
        }
        if self.read_more(wanted)? == 0 { Err(self.error(ReadErrorKind::Truncated)) } else { Ok(()) }
    }

    fn read_more(&mut self, wanted: usize) -> Result<usize> {
        let limit = if self.is_in_header { (self.end + wanted).min(BLOCK) } else { BLOCK };
        let read = self.source.read(&mut self.block[self.end..limit]);
        let count = read.map_err(|_| self.error(ReadErrorKind::Source))?.min(limit - self.end);
        self.end += count;
        Ok(count)
    }

    /// Checks the sum, and that nothing follows it.
    pub fn finish(&mut self) -> Result<()> {
        self.place = ("checksum", 0);
        let mut sum = add_to_sum(self.sum, &self.block[..self.position]);
        if self.position == BLOCK {
            // The last block, which is never a whole one, is empty.
            sum = add_to_sum(sum, &[]);
        }
        let mut stored = [0; 8];
        for byte in &mut stored {
            if self.position == self.end {
                (self.position, self.end) = (0, 0);
                if self.read_more(1)? == 0 {
                    return Err(self.error(ReadErrorKind::Truncated));
                }
            }
            *byte = self.block[self.position];
            self.position += 1;
        }
        if u64::from_le_bytes(stored) != sum {
            return Err(self.error(ReadErrorKind::Checksum));
        }
        if self.position < self.end {
            return Err(self.error(ReadErrorKind::Trailing));
        }
        (self.position, self.end) = (0, 0);
        if self.read_more(1)? != 0 {
            return Err(self.error(ReadErrorKind::Trailing));
        }
        Ok(())
    }

    #[inline]
    pub fn byte(&mut self) -> Result<u8> {
        if self.position == self.end {
            self.fill(1)?;
        }
        let byte = self.block[self.position];
        self.position += 1;
        Ok(byte)
    }

    /// Fills a buffer.
    pub fn bytes(&mut self, mut buffer: &mut [u8]) -> Result<()> {
        while !buffer.is_empty() {
            if self.position == self.end {
                self.fill(buffer.len())?;
            }
            let ready = &self.block[self.position..self.end];
            let (part, rest) = buffer.split_at_mut(buffer.len().min(ready.len()));
            part.copy_from_slice(&ready[..part.len()]);
            self.position += part.len();
            buffer = rest;
        }
        Ok(())
    }

    /// So many bytes; memory is taken as they come.
    pub fn vector(&mut self, length: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut left = usize::try_from(length).map_err(|_| self.error(ReadErrorKind::Memory))?;
        while left > 0 {
            let (old, part) = (bytes.len(), left.min(BLOCK));
            bytes.try_reserve(part).map_err(|_| self.error(ReadErrorKind::Memory))?;
            bytes.resize(old + part, 0);
            self.bytes(&mut bytes[old..])?;
            left -= part;
        }
        Ok(bytes)
    }

    #[inline]
    fn array<const COUNT: usize>(&mut self) -> Result<[u8; COUNT]> {
        if let Some(bytes) = self.block.get(self.position..self.end).and_then(<[u8]>::first_chunk) {
            let bytes = *bytes;
            self.position += COUNT;
            return Ok(bytes);
        }
        let mut bytes = [0; COUNT];
        self.bytes(&mut bytes)?;
        Ok(bytes)
    }

    #[inline]
    pub fn word(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    #[inline]
    pub fn half_word(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Many words.
    pub fn words(&mut self, mut cells: &[Cell<u64>]) -> Result<()> {
        while let [first, rest @ ..] = cells {
            let (whole, _) = self.block[self.position..self.end].as_chunks();
            if whole.is_empty() {
                // It is cut by the end of the block.
                first.set(self.word()?);
                cells = rest;
                continue;
            }
            let (here, after) = cells.split_at(whole.len().min(cells.len()));
            here.iter().zip(whole).for_each(|(cell, bytes)| cell.set(u64::from_le_bytes(*bytes)));
            self.position += size_of_val(here);
            cells = after;
        }
        Ok(())
    }

    /// Many bytes.
    pub fn cells(&mut self, mut cells: &[Cell<u8>]) -> Result<()> {
        while !cells.is_empty() {
            if self.position == self.end {
                self.fill(cells.len())?;
            }
            let ready = &self.block[self.position..self.end];
            let (here, after) = cells.split_at(ready.len().min(cells.len()));
            here.iter().zip(ready).for_each(|(cell, &byte)| cell.set(byte));
            self.position += here.len();
            cells = after;
        }
        Ok(())
    }

    /// A number in its shortest form.
    #[inline]
    pub fn number(&mut self) -> Result<u64> {
        let first = self.byte()?;
        if first < 0x80 { Ok(first.into()) } else { self.long_number(first) }
    }

    fn long_number(&mut self, first: u8) -> Result<u64> {
        let mut number = u64::from(first & 0x7f);
        // Mostly it is not cut by the end of the block, and short.
        if let Some(&[second, third]) = self.block.get(self.position..self.end).and_then(<[u8]>::first_chunk) {
            if second < 0x80 && second != 0 {
                self.position += 1;
                return Ok(number | u64::from(second) << 7);
            }
            if second >= 0x80 && third < 0x80 && third != 0 {
                self.position += 2;
                return Ok(number | u64::from(second & 0x7f) << 7 | u64::from(third) << 14);
            }
        }
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if (part << shift) >> shift != part {
                break;
            }
            number |= part << shift;
            if byte < 0x80 {
                if byte == 0 {
                    break;
                }
                return Ok(number);
            }
        }
        Err(self.malformed("a number is not in its shortest form"))
    }

    /// A number below 2^32.
    #[inline]
    pub fn small(&mut self) -> Result<u32> {
        let number = self.number()?;
        u32::try_from(number).map_err(|_| self.malformed("a number is too large"))
    }

    #[inline]
    pub fn signed(&mut self) -> Result<i64> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// Bytes after their number, of which there are at most `most`.
    pub fn counted_bytes(&mut self, most: u64) -> Result<Vec<u8>> {
        let length = self.number()?;
        if length > most {
            return Err(self.malformed("a text is too long"));
        }
        self.vector(length)
    }
}
