//! Where the fields of structures lie, which instructions name by their offsets: behind what every object begins with.
//!
//! Those of the supertype lie as they do there, and take what they take there. A type's own follow, the largest first, so that
//! there are no gaps but between types.

use super::{
    function::{GlobalKind, Registers},
    module::{CompositeType, FieldType, HeapType, StorageType, Type, ValueType},
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
    /// A reference to a structure or an array, or null, as its type says: a quarter of a slot.
    Object = 6,
}

impl Storage {
    /// What is needed for values of a type of a module that has these types.
    pub fn of(kind: StorageType, types: &[Type]) -> Storage {
        match kind {
            StorageType::I8 => Storage::Byte,
            StorageType::I16 => Storage::Half,
            StorageType::Value(ValueType::I32 | ValueType::F32) => Storage::Word,
            StorageType::Value(ValueType::I64 | ValueType::F64) => Storage::Double,
            StorageType::Value(ValueType::V128) => Storage::Vector,
            StorageType::Value(ValueType::Reference(reference)) => match reference.heap {
                HeapType::Structure | HeapType::Array | HeapType::None => Storage::Object,
                HeapType::Concrete(number) => match types.get(number as usize).map(|kind| &kind.composite) {
                    Some(CompositeType::Structure(_) | CompositeType::Array(_)) => Storage::Object,
                    _ => Storage::Reference,
                },
                _ => Storage::Reference,
            },
        }
    }

    /// How many bytes that are.
    pub const fn bytes(self) -> u32 {
        match self {
            Storage::Byte => 1,
            Storage::Half => 2,
            Storage::Word | Storage::Object => 4,
            Storage::Double | Storage::Reference => 8,
            Storage::Vector => 16,
        }
    }

    /// Whether places of this storage can be those of another one in objects of a supertype, which are used for either: what a
    /// type's fields take is what they take in its supertype, which may know less of their references.
    pub fn is_usable_as(self, other: Storage) -> bool {
        self == other || (self.kind() == GlobalKind::Reference && other.kind() == GlobalKind::Reference)
    }

    /// The kind of register for its values.
    pub const fn kind(self) -> GlobalKind {
        match self {
            Storage::Vector => GlobalKind::Vector,
            Storage::Reference | Storage::Object => GlobalKind::Reference,
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
    /// The layout of a structure with these fields, of a module with these types, whose supertype has this one.
    pub fn new(fields: &[FieldType], supertype: Option<&Layout>, types: &[Type]) -> Layout {
        let (inherited, mut bytes) = supertype.map_or((&[][..], 0), |layout| (&layout.fields, layout.bytes));
        let mut places: Vec<Field> =
            fields.iter().map(|field| Field { offset: 0, storage: Storage::of(field.storage, types) }).collect();
        for (place, inherited) in places.iter_mut().zip(inherited) {
            *place = *inherited;
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
        layouts.push(Some(Layout::new(fields, supertype, types)));
    }
    layouts
}

/// Of each type, what elements take if it is that of arrays.
pub fn arrays(types: &[Type]) -> Vec<Option<Storage>> {
    let mut arrays: Vec<Option<Storage>> = Vec::with_capacity(types.len());
    for kind in types {
        let CompositeType::Array(element) = &kind.composite else {
            arrays.push(None);
            continue;
        };
        let supertype = kind.supertype.and_then(|supertype| arrays.get(supertype as usize).copied().flatten());
        arrays.push(Some(supertype.unwrap_or_else(|| Storage::of(element.storage, types))));
    }
    arrays
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::typed::module::{FunctionType, ReferenceType, ValueType};

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
        let supertype = Layout::new(&fields[..3], None, &[]);
        let offsets = |layout: &Layout| layout.fields.iter().map(|field| field.offset).collect::<Vec<_>>();
        assert_eq!((offsets(&supertype), supertype.bytes), ([12, 8, 0].into(), 13));
        let subtype = Layout::new(&fields, Some(&supertype), &[]);
        assert_eq!((offsets(&subtype), subtype.bytes), ([12, 8, 0, 32, 16, 24].into(), 33));
        assert_eq!(subtype.registers, Registers { numbers: 4, references: 2 });
    }

    #[test]
    fn what_a_subtype_knows_better_takes_what_it_takes_in_the_supertype() {
        let reference = |heap| StorageType::Value(ValueType::Reference(ReferenceType { is_nullable: true, heap }));
        let field = |heap| FieldType { storage: reference(heap), is_mutable: false };
        let kind = |supertype, composite| Type { group: 0, group_length: 5, is_final: false, supertype, composite };
        let own = HeapType::Concrete(0);
        let structure = |supertype, heaps: &[HeapType]| {
            kind(supertype, CompositeType::Structure(heaps.iter().map(|&heap| field(heap)).collect()))
        };
        let types = [
            structure(None, &[HeapType::Any, own]),
            structure(Some(0), &[own, own, own, HeapType::Function, HeapType::Concrete(4)]),
            kind(None, CompositeType::Array(field(HeapType::Equal))),
            kind(Some(2), CompositeType::Array(field(HeapType::Structure))),
            kind(None, CompositeType::Function(FunctionType { parameters: [].into(), results: [].into() })),
        ];
        let storages = |layout: &Layout| layout.fields.iter().map(|field| field.storage).collect::<Vec<_>>();
        let layouts = structures(&types);
        let [Some(supertype), Some(subtype), ..] = &layouts[..] else { panic!("two structures") };
        use Storage::{Object, Reference};
        assert_eq!(storages(supertype), [Reference, Object]);
        assert_eq!(storages(subtype), [Reference, Object, Object, Reference, Reference]);
        assert_eq!(subtype.fields[..2], supertype.fields[..]);
        assert_eq!(arrays(&types)[2..4], [Some(Reference), Some(Reference)]);
    }
}
