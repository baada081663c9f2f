//! Typed functions as bytes: a record of its own, without a header.

use super::{
    ReadError, ReadErrorKind,
    reader::Reader,
    writer::{list, number, signed},
};
use crate::{
    instruction::Word,
    typed::function::{Catch, Function, Registers},
};
use alloc::vec::Vec;

/// The bytes of a function, verified or not.
pub fn write(function: &Function) -> Vec<u8> {
    let mut out = Vec::new();
    number(&mut out, function.registers.numbers.into());
    number(&mut out, function.registers.references.into());
    list(&mut out, &function.code, |out, word| out.extend(word.0.to_le_bytes()));
    list(&mut out, &function.catches, |out, catch| {
        for part in [catch.start, catch.end, catch.target, catch.numbers, catch.references] {
            number(out, part.into());
        }
        number(out, catch.tag.map_or(0, |tag| u64::from(tag) + 1));
        out.push(catch.takes_exception.into());
    });
    let mut previous = 0;
    number(&mut out, function.offsets.len() as u64);
    for &offset in &function.offsets {
        signed(&mut out, i64::from(offset) - previous);
        previous = offset.into();
    }
    out
}

/// Reads a function, which takes at most `memory_budget` bytes. It is well-formed but not verified.
pub fn read(bytes: &[u8], memory_budget: usize) -> Result<Function, ReadError> {
    let mut reader = Reader::new(bytes, memory_budget);
    let registers = Registers { numbers: reader.small_number()?, references: reader.small_number()? };
    let code = reader.list(8, |reader| Ok(Word(u64::from_le_bytes(reader.array()?))))?;
    let catches = reader.list(7, catch)?;
    let mut previous = 0_i64;
    let offsets = reader.list(1, |reader| {
        let offset = previous.checked_add(reader.signed()?).and_then(|offset| u32::try_from(offset).ok());
        let offset = offset.ok_or_else(|| reader.error(ReadErrorKind::OutOfRange))?;
        previous = offset.into();
        Ok(offset)
    })?;
    reader.finish()?;
    Ok(Function { registers, code, catches, offsets })
}

fn catch(reader: &mut Reader<'_>) -> Result<Catch, ReadError> {
    let (start, end, target) = (reader.small_number()?, reader.small_number()?, reader.small_number()?);
    let (numbers, references) = (reader.small_number()?, reader.small_number()?);
    let tag: u64 = reader.small_number()?;
    let tag = tag.checked_sub(1).map(u32::try_from).transpose();
    Ok(Catch {
        start,
        end,
        tag: tag.map_err(|_| reader.error(ReadErrorKind::OutOfRange))?,
        target,
        numbers,
        references,
        takes_exception: reader.tag("flag", |value| match value {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        })?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_come_back() {
        let catch =
            Catch { start: 1, end: 2, tag: Some(7), target: 2, numbers: 3, references: 4, takes_exception: true };
        let function = Function {
            registers: Registers { numbers: 300, references: 2 },
            code: alloc::vec![Word(u64::MAX), Word(1), Word(2)],
            catches: alloc::vec![catch, Catch { tag: None, takes_exception: false, ..catch }],
            offsets: alloc::vec![900, 7, u32::MAX],
        };
        let bytes = write(&function);
        assert_eq!(read(&bytes, 1 << 20), Ok(function));
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length], 1 << 20).is_err(), "{length} of {} bytes", bytes.len());
        }
        assert!(read(&bytes, 8).is_err());
    }
}
