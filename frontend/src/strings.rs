//! Every name and string of a source once, under a small number.

use crate::memory::{Memory, OutOfMemory};
use alloc::vec::Vec;
use core::hash::BuildHasher;
use hashbrown::{DefaultHashBuilder, HashTable};

/// Number of a name or string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StringId(pub(crate) u32);

impl StringId {
    /// `_ENV`
    pub(crate) const ENVIRONMENT: StringId = StringId(0);
    /// `self`
    pub(crate) const SELF: StringId = StringId(1);
    /// The name of the variables that a loop keeps for itself.
    pub(crate) const FOR_STATE: StringId = StringId(2);

    /// `const`
    pub(crate) const CONST: StringId = StringId(3);
    /// `close`
    pub(crate) const CLOSE: StringId = StringId(4);
    /// `break`, which cannot be the name of a label.
    pub(crate) const BREAK: StringId = StringId(5);

    const PREDEFINED: [&'static [u8]; 6] = [b"_ENV", b"self", b"(for state)", b"const", b"close", b"break"];
}

/// The strings themselves, one after the other.
pub(crate) struct Strings {
    bytes: Vec<u8>,
    /// Where each string ends.
    ends: Vec<u32>,
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Strings {
    pub(crate) fn new(memory: &Memory) -> Result<Self, OutOfMemory> {
        let mut strings = Strings {
            bytes: Vec::new(),
            ends: Vec::new(),
            numbers: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        };
        for text in StringId::PREDEFINED {
            strings.intern(text, memory)?;
        }
        Ok(strings)
    }

    /// The number of `text`.
    pub(crate) fn intern(&mut self, text: &[u8], memory: &Memory) -> Result<StringId, OutOfMemory> {
        let Strings { bytes, ends, numbers, hasher } = self;
        let hash = hasher.hash_one(text);
        if let Some(&number) = numbers.find(hash, |&number| slice(bytes, ends, number) == text) {
            return Ok(StringId(number));
        }
        if numbers.len() == numbers.capacity() {
            // Growing doubles; a control byte stands beside each entry.
            memory.charge(numbers.capacity().max(4) * (size_of::<u32>() + 1))?;
            numbers.try_reserve(1, |&number| hasher.hash_one(slice(bytes, ends, number))).map_err(|_| OutOfMemory)?;
        }
        let number = u32::try_from(ends.len()).map_err(|_| OutOfMemory)?;
        memory.extend(bytes, text)?;
        memory.push(ends, u32::try_from(bytes.len()).map_err(|_| OutOfMemory)?)?;
        numbers.insert_unique(hash, number, |&number| hasher.hash_one(slice(bytes, ends, number)));
        Ok(StringId(number))
    }

    /// The text with number `id`.
    pub(crate) fn get(&self, id: StringId) -> &[u8] {
        slice(&self.bytes, &self.ends, id.0)
    }

    /// How many strings there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }
}

fn slice<'a>(bytes: &'a [u8], ends: &[u32], number: u32) -> &'a [u8] {
    let start = if number == 0 { 0 } else { ends[number as usize - 1] };
    &bytes[start as usize..ends[number as usize] as usize]
}
