//! Where an image goes: bytes and numbers, in blocks to a sink, summed up on the way.

use super::{
    error::WriteError,
    format::{BLOCK, SUM_START, add_to_sum},
};
use alloc::vec::Vec;
use core::cell::Cell;
use lunette_gc::table::Parts;

/// Takes the bytes of an image.
pub trait Sink {
    /// Takes the next bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<(), SinkFailure>;

    /// The header is written; what follows may be compressed.
    fn begin_body(&mut self) -> Result<(), SinkFailure> {
        Ok(())
    }
}

/// The sink takes no more. It knows why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SinkFailure;

impl Sink for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), SinkFailure> {
        self.try_reserve(bytes.len()).map_err(|_| SinkFailure)?;
        self.extend_from_slice(bytes);
        Ok(())
    }
}

pub(super) struct Encoder<'s> {
    sink: &'s mut dyn Sink,
    /// The block at hand, and beyond its end what was begun in it.
    block: Vec<u8>,
    /// Bytes of the block that the sink has.
    sent: usize,
    sum: u64,
}

/// Room for what begins at the end of a block.
const SLACK: usize = 16;

type Result<T, E = WriteError> = core::result::Result<T, E>;

impl<'s> Encoder<'s> {
    pub fn new(sink: &'s mut dyn Sink) -> Result<Encoder<'s>> {
        let mut block = Vec::new();
        block.try_reserve_exact(BLOCK + SLACK).map_err(|_| WriteError::Memory)?;
        Ok(Encoder { sink, block, sent: 0, sum: SUM_START })
    }

    /// Gives the header to the sink: from here on it may compress.
    pub fn begin_body(&mut self) -> Result<()> {
        self.sink.write(&self.block[self.sent..])?;
        self.sent = self.block.len();
        Ok(self.sink.begin_body()?)
    }

    /// Gives the block to the sink if it is full.
    #[inline(always)]
    fn settle(&mut self) -> Result<()> {
        if self.block.len() >= BLOCK { self.end_block() } else { Ok(()) }
    }

    #[cold]
    fn end_block(&mut self) -> Result<()> {
        let end = self.block.len().min(BLOCK);
        self.sum = add_to_sum(self.sum, &self.block[..end]);
        self.sink.write(&self.block[self.sent..end])?;
        self.block.drain(..end);
        self.sent = 0;
        Ok(())
    }

    /// Writes the sum of everything so far.
    pub fn finish(mut self) -> Result<()> {
        self.end_block()?;
        Ok(self.sink.write(&self.sum.to_le_bytes())?)
    }

    #[inline]
    pub fn byte(&mut self, byte: u8) -> Result<()> {
        self.block.push(byte);
        self.settle()
    }

    pub fn bytes(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let (part, rest) = bytes.split_at(bytes.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(part);
            self.settle()?;
            bytes = rest;
        }
        Ok(())
    }

    /// Bytes after their number.
    pub fn counted_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.number(bytes.len() as u64)?;
        self.bytes(bytes)
    }

    /// A number in groups of seven bits, the lowest first.
    #[inline]
    pub fn number(&mut self, mut number: u64) -> Result<()> {
        while number >= 0x80 {
            self.block.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.block.push(number as u8);
        self.settle()
    }

    /// A signed number: 0, -1, 1, -2 and so on as 0, 1, 2, 3.
    #[inline]
    pub fn signed(&mut self, number: i64) -> Result<()> {
        self.number(((number << 1) ^ (number >> 63)) as u64)
    }

    #[inline]
    pub fn word(&mut self, word: u64) -> Result<()> {
        self.block.extend_from_slice(&word.to_le_bytes());
        self.settle()
    }

    #[inline]
    pub fn half_word(&mut self, word: u32) -> Result<()> {
        self.block.extend_from_slice(&word.to_le_bytes());
        self.settle()
    }

    /// Many words.
    pub fn words(&mut self, mut words: &[Cell<u64>]) -> Result<()> {
        while !words.is_empty() {
            let (part, rest) = words.split_at(words.len().min((BLOCK - self.block.len()).div_ceil(8)));
            let start = self.block.len();
            self.block.resize(start + size_of_val(part), 0);
            let (places, _) = self.block[start..].as_chunks_mut();
            places.iter_mut().zip(part).for_each(|(place, word)| *place = word.get().to_le_bytes());
            self.settle()?;
            words = rest;
        }
        Ok(())
    }

    /// Many bytes.
    pub fn cells(&mut self, mut cells: &[Cell<u8>]) -> Result<()> {
        while !cells.is_empty() {
            let (part, rest) = cells.split_at(cells.len().min(BLOCK - self.block.len()));
            self.block.extend(part.iter().map(Cell::get));
            self.settle()?;
            cells = rest;
        }
        Ok(())
    }

    /// A value whose payload is in the form of an image: numbers of objects for references.
    #[inline]
    pub fn value(&mut self, (tag, payload): Parts) -> Result<()> {
        use lunette_gc::value::Tag;
        const INTEGER: u8 = Tag::Integer as u8;
        const FLOAT: u8 = Tag::Float as u8;
        const FIRST_PLAIN: u8 = Tag::LightUserdata as u8;
        self.byte(tag)?;
        match tag {
            INTEGER => self.signed(payload as i64),
            FLOAT => self.word(payload),
            FIRST_PLAIN.. => self.number(payload),
            _ => Ok(()),
        }
    }
}
