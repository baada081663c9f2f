//! Types from their descriptions, which come in images: nothing about those is trusted.

use super::types::{
    HAS_RELATIVE_SUPERTYPE, HAS_SUPERTYPE, HEAD_BYTES, IS_FINAL, IS_MUTABLE, IS_RELATIVE, PACKED, decode, encode,
};
use crate::{error::Throw, machine::Machine};
use alloc::{boxed::Box, vec::Vec};
use lunette_bytecode::typed::{
    layout::{Storage, structures},
    module::{CompositeType, FieldType, FunctionType, HeapType, ReferenceType, StorageType, Type, ValueType},
};
use lunette_gc::{
    reference::Ref,
    string::Str,
    typed::{CanonicalType, Form},
};

/// The most parameters, results or fields, and the most supertypes, as the front end has it.
const MOST_MEMBERS: usize = 10_000;
const MOST_SUPERTYPES: usize = 63;

impl Machine {
    /// The descriptions of the recursion groups, in the order of their numbers.
    pub(crate) fn type_descriptions(&self) -> Vec<Ref<Str>> {
        let kinds = (0..).map_while(|number| self.canonical_type(number));
        let firsts = kinds.filter(|&kind| self.heap.get(kind).first == self.heap.get(kind).number);
        firsts.map(|kind| self.heap.get(kind).group).collect()
    }

    /// Gives numbers to the types of recursion groups, as these are described, in a machine that has none yet; `None` if a
    /// description is malformed.
    pub(crate) fn restore_types(&mut self, descriptions: &[Vec<u8>]) -> Result<Option<Vec<Ref<CanonicalType>>>, Throw> {
        let mut types = Vec::new();
        for description in descriptions {
            if read_group(description, &mut types).is_none() {
                return Ok(None);
            }
        }
        if !(0..types.len()).all(|number| has_likeness_of_supertype(&types, number)) {
            return Ok(None);
        }
        let kinds = self.register_types(&types, &structures(&types))?;
        // A group that came before would have been found again.
        let are_new = kinds.iter().zip(0..).all(|(&kind, number)| self.heap.get(kind).number == number);
        let fits = |(kind, number): (&Type, u32)| match kind.supertype {
            Some(supertype) => self.fits_supertype(&types, number, supertype),
            None => true,
        };
        Ok((are_new && kinds.len() == types.len() && types.iter().zip(0..).all(fits)).then_some(kinds))
    }

    /// Whether these bits encode a type of values.
    pub(crate) fn is_value_type(&self, bits: u64) -> bool {
        let value = decode(bits);
        let is_known = match value {
            ValueType::Reference(ReferenceType { heap: HeapType::Concrete(number), .. }) => {
                self.canonical_type(number).is_some()
            }
            _ => true,
        };
        is_known && encode(value) == bits
    }

    /// Whether the parts of a type are what its supertype says.
    fn fits_supertype(&self, types: &[Type], number: u32, supertype: u32) -> bool {
        let (kind, above) = (&types[number as usize], &types[supertype as usize]);
        match (&kind.composite, &above.composite) {
            (CompositeType::Function(own), CompositeType::Function(above)) => {
                let all = |from: &[ValueType], to: &[ValueType]| {
                    from.len() == to.len() && from.iter().zip(to).all(|(&from, &to)| self.is_subtype(from, to))
                };
                all(&above.parameters, &own.parameters) && all(&own.results, &above.results)
            }
            (CompositeType::Structure(own), CompositeType::Structure(above)) => {
                own.len() >= above.len() && own.iter().zip(above).all(|(&own, &above)| self.fits_field(own, above))
            }
            (CompositeType::Array(own), CompositeType::Array(above)) => self.fits_field(*own, *above),
            _ => false,
        }
    }

    fn fits_field(&self, own: FieldType, above: FieldType) -> bool {
        let is_same = own.storage == above.storage;
        own.is_mutable == above.is_mutable
            && match (own.storage, above.storage) {
                (StorageType::Value(own), StorageType::Value(_)) if is_same || !above.is_mutable => {
                    let StorageType::Value(above) = above.storage else { return false };
                    self.is_subtype(own, above)
                }
                _ => is_same,
            }
    }
}

/// Whether a type has a supertype that comes before it, may have subtypes, and whose fields take what its own first ones
/// do: what layouts are made on.
fn has_likeness_of_supertype(types: &[Type], number: usize) -> bool {
    let chain = core::iter::successors(Some(number), |&number| types[number].supertype.map(|number| number as usize));
    if chain.take(MOST_SUPERTYPES + 2).count() > MOST_SUPERTYPES + 1 {
        return false;
    }
    let kind = &types[number];
    let Some(above) = kind.supertype.map(|supertype| &types[supertype as usize]) else { return true };
    let takes = |fields: &[FieldType]| fields.iter().map(|field| Storage::of(field.storage)).collect::<Vec<_>>();
    !above.is_final
        && match (&kind.composite, &above.composite) {
            (CompositeType::Function(_), CompositeType::Function(_)) => true,
            (CompositeType::Structure(own), CompositeType::Structure(above)) => {
                own.len() >= above.len() && takes(&own[..above.len()]) == takes(above)
            }
            (CompositeType::Array(own), CompositeType::Array(above)) => {
                Storage::of(own.storage) == Storage::of(above.storage)
            }
            _ => false,
        }
}

/// Reads the types of a group, behind those that there are.
fn read_group(description: &[u8], types: &mut Vec<Type>) -> Option<()> {
    let first = types.len() as u32;
    let length = count_types(description)?;
    let mut rest = description;
    for _ in 0..length {
        let (kind, after) = read_type(rest, first, length)?;
        if kind.supertype.is_some_and(|supertype| supertype >= types.len() as u32) {
            return None;
        }
        types.push(kind);
        rest = after;
    }
    Some(())
}

fn word(bytes: &[u8], index: usize) -> Option<u32> {
    let bytes = bytes.get(4 * index..4 * index + 4)?;
    Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

/// The members of a type's description, and what follows that.
fn members(description: &[u8]) -> Option<(&[[u8; 8]], &[u8])> {
    let (first, second) = (word(description, 2)? as usize, word(description, 3)? as usize);
    if first > MOST_MEMBERS || second > MOST_MEMBERS {
        return None;
    }
    let (words, rest) = description.get(HEAD_BYTES..)?.split_at_checked(8 * (first + second))?;
    Some((words.as_chunks().0, rest))
}

fn count_types(mut description: &[u8]) -> Option<u32> {
    let mut count = 0;
    while !description.is_empty() {
        description = members(description)?.1;
        count += 1;
    }
    (count > 0).then_some(count)
}

/// Reads a type of a group of `length` types, the first of which has number `first`.
fn read_type(description: &[u8], first: u32, length: u32) -> Option<(Type, &[u8])> {
    let (bits, supertype) = (word(description, 0)?, word(description, 1)?);
    let (words, rest) = members(description)?;
    let own = |number: u32| number.checked_add(first).filter(|_| number < length);
    let other = |number: u32| (number < first).then_some(number);
    let value = |bits: u64| {
        let is_relative = bits & IS_RELATIVE != 0;
        let value = decode(bits & !IS_RELATIVE);
        if encode(value) != bits & !IS_RELATIVE {
            return None;
        }
        match value {
            ValueType::Reference(ReferenceType { is_nullable, heap: HeapType::Concrete(number) }) => {
                let number = if is_relative { own(number)? } else { other(number)? };
                Some(ValueType::Reference(ReferenceType { is_nullable, heap: HeapType::Concrete(number) }))
            }
            value => (!is_relative).then_some(value),
        }
    };
    let field = |bits: u64| {
        let (is_mutable, bits) = (bits & IS_MUTABLE != 0, bits & !IS_MUTABLE);
        let storage = match PACKED.iter().position(|&packed| packed == bits) {
            Some(0) => StorageType::I8,
            Some(_) => StorageType::I16,
            None => StorageType::Value(value(bits)?),
        };
        Some(FieldType { storage, is_mutable })
    };
    let words: Vec<u64> = words.iter().map(|&word| u64::from_le_bytes(word)).collect();
    let (parameters, results) = (word(description, 2)? as usize, word(description, 3)?);
    let form = bits as u8;
    let composite = match Form::from_number(form) {
        Form::Function if form == Form::Function as u8 => {
            let (parameters, results) = words.split_at(parameters);
            let all = |words: &[u64]| words.iter().map(|&bits| value(bits)).collect::<Option<Box<[ValueType]>>>();
            CompositeType::Function(FunctionType { parameters: all(parameters)?, results: all(results)? })
        }
        Form::Structure if results == 0 => {
            CompositeType::Structure(words.iter().map(|&bits| field(bits)).collect::<Option<_>>()?)
        }
        array if array.is_array() && words.len() == 1 && results == 0 => {
            let element = field(words[0])?;
            if Storage::of(element.storage) as u8 != form {
                return None;
            }
            CompositeType::Array(element)
        }
        _ => return None,
    };
    let supertype = match (bits & HAS_SUPERTYPE != 0, bits & HAS_RELATIVE_SUPERTYPE != 0) {
        (true, true) => Some(own(supertype)?),
        (true, false) => Some(other(supertype)?),
        (false, false) if supertype == 0 => None,
        _ => return None,
    };
    let known = 0xff | IS_FINAL | HAS_SUPERTYPE | HAS_RELATIVE_SUPERTYPE;
    let is_final = bits & IS_FINAL != 0;
    (bits & !known == 0).then_some((Type { group: first, group_length: length, is_final, supertype, composite }, rest))
}
