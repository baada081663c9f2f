//! Reads modules.

use super::checksum::checksum;
use super::{MAGIC, ReadError, ReadErrorKind, Section, VERSION};
use crate::instruction::Word;
use crate::module::{Attribute, Bytes, Capture, Constant, Function, Local, Module, Upvalue};
use alloc::{string::String, vec::Vec};

type Result<T> = core::result::Result<T, ReadError>;

const CHECKSUM_SIZE: usize = 8;

pub(super) fn read(bytes: &[u8], memory_budget: usize) -> Result<Module> {
    let mut reader = Reader::new(bytes, memory_budget);
    if bytes.first_chunk() != Some(&MAGIC) {
        return Err(reader.error(ReadErrorKind::NotAModule));
    }
    reader.position = MAGIC.len();
    let version = u16::from_le_bytes(reader.array()?);
    if version != VERSION {
        return Err(reader.error_at(MAGIC.len(), ReadErrorKind::UnsupportedVersion(version)));
    }

    let content_end = bytes.len().saturating_sub(CHECKSUM_SIZE).max(reader.position);
    reader.end = content_end;
    let (content, stored) = bytes.split_at(content_end);
    if stored.len() != CHECKSUM_SIZE {
        return Err(reader.error_at(bytes.len(), ReadErrorKind::Truncated));
    }
    if checksum(content).to_le_bytes() != stored {
        return Err(reader.error_at(content_end, ReadErrorKind::Checksum));
    }

    let source = reader.section(Section::Source, |reader| {
        let length = reader.end - reader.position;
        reader.bytes(length)
    })?;
    let functions = reader.section(Section::Functions, |reader| reader.list(9, Reader::function))?;
    let mut module = Module { source, functions };
    if reader.position < content_end {
        reader.section(Section::Debug, |reader| {
            module.functions.iter_mut().try_for_each(|function| reader.debug(function))?;
            if module.has_debug_information() { Ok(()) } else { Err(reader.error(ReadErrorKind::NotCanonical)) }
        })?;
    }
    reader.finish()?;
    Ok(module)
}

/// The input, read from front to back.
pub(super) struct Reader<'input> {
    bytes: &'input [u8],
    position: usize,
    /// End of the section.
    end: usize,
    /// What may still be taken.
    memory_budget: usize,
}

impl<'input> Reader<'input> {
    /// A reader of bytes that are not cut into sections.
    pub fn new(bytes: &'input [u8], memory_budget: usize) -> Self {
        Reader { bytes, position: 0, end: bytes.len(), memory_budget }
    }
}

impl Reader<'_> {
    pub fn error(&self, kind: ReadErrorKind) -> ReadError {
        self.error_at(self.position, kind)
    }

    fn error_at(&self, offset: usize, kind: ReadErrorKind) -> ReadError {
        ReadError { offset, kind }
    }

    fn take(&mut self, length: usize) -> Result<&[u8]> {
        let rest = &self.bytes[self.position..self.end];
        let Some(taken) = rest.get(..length) else { return Err(self.error(ReadErrorKind::Truncated)) };
        self.position += length;
        Ok(taken)
    }

    pub fn array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH]> {
        let mut array = [0; LENGTH];
        array.copy_from_slice(self.take(LENGTH)?);
        Ok(array)
    }

    fn byte(&mut self) -> Result<u8> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// A byte that is one of few choices.
    pub fn tag<T>(&mut self, what: &'static str, choose: impl FnOnce(u8) -> Option<T>) -> Result<T> {
        let offset = self.position;
        let value = self.byte()?;
        choose(value).ok_or_else(|| self.error_at(offset, ReadErrorKind::InvalidTag { what, value }))
    }

    fn number(&mut self) -> Result<u64> {
        let offset = self.position;
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(self.error_at(offset, ReadErrorKind::OutOfRange));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(self.error_at(offset, ReadErrorKind::NotCanonical));
                }
                return Ok(value);
            }
        }
        Err(self.error_at(offset, ReadErrorKind::OutOfRange))
    }

    /// A number that has to fit the type.
    pub fn small_number<T: TryFrom<u64>>(&mut self) -> Result<T> {
        let offset = self.position;
        let value = self.number()?;
        T::try_from(value).map_err(|_| self.error_at(offset, ReadErrorKind::OutOfRange))
    }

    pub fn signed(&mut self) -> Result<i64> {
        let value = self.number()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A section with its header.
    fn section<T>(&mut self, section: Section, content: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let offset = self.position;
        let number = self.byte()?;
        if number != section as u8 {
            return Err(self.error_at(offset, ReadErrorKind::UnexpectedSection(number)));
        }
        let length = u64::from_le_bytes(self.array()?);
        let rest = self.end - self.position;
        let Some(length) = usize::try_from(length).ok().filter(|&length| length <= rest) else {
            return Err(self.error_at(offset + 1, ReadErrorKind::Truncated));
        };
        let end_of_all = core::mem::replace(&mut self.end, self.position + length);
        let value = content(self)?;
        self.finish()?;
        self.end = end_of_all;
        Ok(value)
    }

    /// Requires that the section, or the file, has been read to its end.
    pub fn finish(&self) -> Result<()> {
        if self.position == self.end { Ok(()) } else { Err(self.error(ReadErrorKind::LeftOver)) }
    }

    /// An empty vector with room for `count` elements, if the budget allows it and as many can follow, each of
    /// `least_size` bytes in the file.
    fn vector<T>(&mut self, count: u64, least_size: usize) -> Result<Vec<T>> {
        let possible = (self.end - self.position) / least_size;
        let Some(count) = usize::try_from(count).ok().filter(|&count| count <= possible) else {
            return Err(self.error(ReadErrorKind::Truncated));
        };
        let size = count.checked_mul(size_of::<T>());
        let Some(rest) = size.and_then(|size| self.memory_budget.checked_sub(size)) else {
            return Err(self.error(ReadErrorKind::MemoryBudget));
        };
        self.memory_budget = rest;
        let mut vector = Vec::new();
        vector.try_reserve_exact(count).map_err(|_| self.error(ReadErrorKind::OutOfMemory))?;
        Ok(vector)
    }

    pub fn list<T>(&mut self, least_size: usize, mut element: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = self.number()?;
        let mut elements = self.vector(count, least_size)?;
        for _ in 0..count {
            elements.push(element(self)?);
        }
        Ok(elements)
    }

    fn bytes(&mut self, length: usize) -> Result<Bytes> {
        let mut bytes = self.vector(length as u64, 1)?;
        bytes.extend_from_slice(self.take(length)?);
        Ok(bytes.into_boxed_slice())
    }

    fn counted_bytes(&mut self) -> Result<Bytes> {
        let length = self.small_number()?;
        self.bytes(length)
    }

    fn name(&mut self) -> Result<String> {
        let offset = self.position;
        let bytes = self.counted_bytes()?;
        String::from_utf8(bytes.into_vec()).map_err(|_| self.error_at(offset, ReadErrorKind::InvalidName))
    }

    fn function(&mut self) -> Result<Function> {
        Ok(Function {
            line_defined: self.small_number()?,
            last_line_defined: self.small_number()?,
            parameter_count: self.byte()?,
            is_variadic: self.tag("flag", |value| match value {
                0 => Some(false),
                1 => Some(true),
                _ => None,
            })?,
            register_count: self.small_number()?,
            upvalues: self.list(3, Reader::upvalue)?,
            constants: self.list(1, Reader::constant)?,
            sites: self.list(1, Reader::small_number)?,
            code: self.list(8, |reader| Ok(Word(u64::from_le_bytes(reader.array()?))))?,
            lines: Vec::new(),
            locals: Vec::new(),
        })
    }

    fn upvalue(&mut self) -> Result<Upvalue> {
        let capture = self.tag("capture", |value| match value {
            0 => Some(Capture::Register as fn(u8) -> Capture),
            1 => Some(Capture::Upvalue),
            _ => None,
        })?;
        Ok(Upvalue {
            name: String::new(),
            capture: capture(self.byte()?),
            attribute: self.tag("attribute", |value| match value {
                0 => Some(Attribute::Regular),
                1 => Some(Attribute::Constant),
                2 => Some(Attribute::ToBeClosed),
                _ => None,
            })?,
        })
    }

    fn constant(&mut self) -> Result<Constant> {
        let offset = self.position;
        Ok(match self.byte()? {
            0 => Constant::Nil,
            1 => Constant::Boolean(false),
            2 => Constant::Boolean(true),
            3 => Constant::Integer(self.signed()?),
            4 => Constant::Float(f64::from_bits(u64::from_le_bytes(self.array()?))),
            5 => Constant::String(self.counted_bytes()?),
            value => return Err(self.error_at(offset, ReadErrorKind::InvalidTag { what: "constant", value })),
        })
    }

    fn debug(&mut self, function: &mut Function) -> Result<()> {
        let mut previous = 0_i64;
        function.lines = self.list(1, |reader| {
            let offset = reader.position;
            let line = previous.checked_add(reader.signed()?).and_then(|line| u32::try_from(line).ok());
            let line = line.ok_or_else(|| reader.error_at(offset, ReadErrorKind::OutOfRange))?;
            previous = line.into();
            Ok(line)
        })?;
        function.locals = self.list(4, |reader| {
            Ok(Local {
                name: reader.name()?,
                register: reader.byte()?,
                start: reader.small_number()?,
                end: reader.small_number()?,
            })
        })?;
        for upvalue in &mut function.upvalues {
            upvalue.name = self.name()?;
        }
        Ok(())
    }
}
