//! Where the fields of structures lie, which instructions name by their offsets: behind what every object begins with.
//!
//! Those of the supertype lie as they do there. A type's own follow, the largest first, so that there are no gaps but
//! between types.

use super::{
    function::{GlobalKind, Registers},
    module::{CompositeType, FieldType, StorageType, Type},
};
use alloc::{boxed::Box, vec::Vec};

/// What a field or an element takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Storage {
    /// One byte.
    Byte = 0,
    /// Two bytes.
    Half = 1,
    /// Four bytes.
    Word = 2,
    /// Eight bytes.
    Double = 3,
    /// A vector.
    Vector = 4,
    /// A reference: half a slot.
    Reference = 5,
}

impl Storage {
    /// What is needed for values of a type.
    pub const fn of(kind: StorageType) -> Storage {
        use super::module::ValueType;
        match kind {
            StorageType::I8 => Storage::Byte,
            StorageType::I16 => Storage::Half,
            StorageType::Value(ValueType::I32 | ValueType::F32) => Storage::Word,
            StorageType::Value(ValueType::I64 | ValueType::F64) => Storage::Double,
            StorageType::Value(ValueType::V128) => Storage::Vector,
            StorageType::Value(ValueType::Reference(_)) => Storage::Reference,
        }
    }

    /// How many bytes that are.
    pub const fn bytes(self) -> u32 {
        match self {
            Storage::Byte => 1,
            Storage::Half => 2,
            Storage::Word => 4,
            Storage::Double | Storage::Reference => 8,
            Storage::Vector => 16,
        }
    }

    /// The kind of register for its values.
    pub const fn kind(self) -> GlobalKind {
        match self {
            Storage::Vector => GlobalKind::Vector,
            Storage::Reference => GlobalKind::Reference,
            _ => GlobalKind::Number,
        }
    }
}

/// A field of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// Its place.
    pub offset: u32,
    /// What it takes.
    pub storage: Storage,
}

/// The fields of a structure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Layout {
    /// In the order in which they were declared.
    pub fields: Box<[Field]>,
    /// Bytes that they take.
    pub bytes: u32,
    /// Registers that their values take.
    pub registers: Registers,
}

impl Layout {
    /// The layout of a structure with these fields, whose supertype has this one.
    pub fn new(fields: &[FieldType], supertype: Option<&Layout>) -> Layout {
        let (inherited, mut bytes) = supertype.map_or((&[][..], 0), |layout| (&layout.fields, layout.bytes));
        let mut places: Vec<Field> =
            fields.iter().map(|field| Field { offset: 0, storage: Storage::of(field.storage) }).collect();
        for (place, inherited) in places.iter_mut().zip(inherited) {
            place.offset = inherited.offset;
        }
        let own = places.get_mut(inherited.len()..).unwrap_or_default();
        for size in [16, 8, 4, 2, 1] {
            for place in own.iter_mut().filter(|place| place.storage.bytes() == size) {
                place.offset = bytes.next_multiple_of(size.min(8));
                bytes = place.offset + size;
            }
        }
        let mut registers = Registers::default();
        for place in &places {
            match place.storage.kind() {
                GlobalKind::Number => registers.numbers += 1,
                GlobalKind::Vector => registers.numbers += 2,
                GlobalKind::Reference => registers.references += 1,
            }
        }
        Layout { fields: places.into(), bytes, registers }
    }
}

/// Of each type, the layout if it is that of structures.
pub fn structures(types: &[Type]) -> Vec<Option<Layout>> {
    let mut layouts: Vec<Option<Layout>> = Vec::with_capacity(types.len());
    for kind in types {
        let CompositeType::Structure(fields) = &kind.composite else {
            layouts.push(None);
            continue;
        };
        // Supertypes come first.
        let supertype = kind.supertype.and_then(|supertype| layouts.get(supertype as usize)?.as_ref());
        layouts.push(Some(Layout::new(fields, supertype)));
    }
    layouts
}

/// Of each type, what elements take if it is that of arrays.
pub(super) fn arrays(types: &[Type]) -> Vec<Option<Storage>> {
    let storage = |kind: &Type| match &kind.composite {
        CompositeType::Array(element) => Some(Storage::of(element.storage)),
        _ => None,
    };
    types.iter().map(storage).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::typed::module::{ReferenceType, ValueType};

    #[test]
    fn subtypes_begin_as_their_supertypes() {
        let field = |storage| FieldType { storage, is_mutable: true };
        let reference = StorageType::Value(ValueType::Reference(ReferenceType::FUNCTION));
        let fields = [
            field(StorageType::I8),
            field(StorageType::Value(ValueType::I32)),
            field(reference),
            field(StorageType::I8),
            field(StorageType::Value(ValueType::I64)),
            field(reference),
        ];
        let supertype = Layout::new(&fields[..3], None);
        let offsets = |layout: &Layout| layout.fields.iter().map(|field| field.offset).collect::<Vec<_>>();
        assert_eq!((offsets(&supertype), supertype.bytes), ([12, 8, 0].into(), 13));
        let subtype = Layout::new(&fields, Some(&supertype));
        assert_eq!((offsets(&subtype), subtype.bytes), ([12, 8, 0, 32, 16, 24].into(), 33));
        assert_eq!(subtype.registers, Registers { numbers: 4, references: 2 });
    }
}
