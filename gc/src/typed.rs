//! WebAssembly: modules as they are loaded, module instances and what belongs to them.
//!
//! ```text
//!   TypedModule --> prototypes: TypedPrototype ... --> code
//!        ^
//!   Instance | global 0 | global 1 | ...        two slots each; a vector's halves are the payloads of both
//!        |--> functions: TypedFunction ...      made when they are first referred to
//!        |--> memories: LinearMemory ... --> MemoryData | bytes
//!        '--> tables: ReferenceTable ... --> elements
//!
//!   TypedObject | fields                         a structure
//!   TypedArray  | elements                       an array, which is a TypedObject as well
//!        '--> CanonicalType | supertypes, itself | number fields | reference fields
//! ```

use crate::{
    object::{AnyObject, Header, Kind, Object, RegionData},
    packed::PackedSlot,
    reference::Ref,
    region_layout,
    storage::{ByteArray, RefArray, SlotArray},
    string::Str,
    table::Table,
    value::Slot,
};
use core::cell::Cell;

region_layout! {
    /// A module, loaded.
    pub struct TypedModule {
        /// The header.
        pub header: Header,
        /// The WebAssembly file.
        pub bytes: Ref<ByteArray>,
        /// Its name in messages.
        pub source: Ref<Str>,
        /// Of each function a [`TypedPrototype`]; none for imported ones.
        pub prototypes: Ref<RefArray>,
        /// Of each type a [`CanonicalType`].
        pub types: Ref<RefArray>,
        /// Number of the module, by which the front end knows it.
        pub number: u32,
        /// To a multiple of 8.
        pub padding: u32,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for TypedModule {
    const KIND: Kind = Kind::TypedModule;
}

region_layout! {
    /// A function of a module, loaded.
    pub struct TypedPrototype {
        /// The header.
        pub header: Header,
        /// The instructions; none until the function is translated.
        pub code: Cell<Option<Ref<ByteArray>>>,
        /// Fuel charged when the function is entered.
        pub entry_cost: Cell<u32>,
        /// Number registers.
        pub numbers: Cell<u32>,
        /// Reference registers.
        pub references: Cell<u32>,
        /// Places of the words in the file, as the interpreter encodes them.
        pub offsets: Cell<Option<Ref<ByteArray>>>,
        /// What catches exceptions in it, as the interpreter encodes it; none if nothing does.
        pub catches: Cell<Option<Ref<ByteArray>>>,
        /// Its number among the functions that the machine has, or may have, machine code of, as the interpreter has it.
        pub native: Cell<u32>,
        /// The module.
        pub module: Ref<TypedModule>,
        /// Number of the function in its module.
        pub number: u32,
        /// Its type.
        pub kind: Ref<CanonicalType>,
        /// Number registers that its results take.
        pub result_numbers: u32,
        /// Reference registers that its results take.
        pub result_references: u32,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for TypedPrototype {
    const KIND: Kind = Kind::TypedPrototype;
}

region_layout! {
    /// A reference to a function: of an instance, or of the host.
    pub struct TypedFunction {
        /// The header.
        pub header: Header,
        /// Its type.
        pub kind: Ref<CanonicalType>,
        /// The function of a module; none if it is the host's.
        pub prototype: Option<Ref<TypedPrototype>>,
        /// The instance of that module.
        pub instance: Option<Ref<Instance>>,
        /// To a multiple of 8.
        pub padding: u32,
        /// The host's function: a value that can be called.
        pub callee: Slot,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for TypedFunction {
    const KIND: Kind = Kind::TypedFunction;
}

region_layout! {
    /// A module instance; its globals ([`Slot`]s, two each) follow.
    pub struct Instance {
        /// The header.
        pub header: Header,
        /// Of each function a [`TypedPrototype`]; none for imported ones.
        pub prototypes: Ref<RefArray>,
        /// Of each memory a [`LinearMemory`].
        pub memories: Ref<RefArray>,
        /// Of each table a [`ReferenceTable`].
        pub tables: Ref<RefArray>,
        /// Of each function a [`TypedFunction`], if it is imported or was referred to.
        pub functions: Ref<RefArray>,
        /// Of each imported global a [`Global`].
        pub imported_globals: Ref<RefArray>,
        /// The module.
        pub module: Ref<TypedModule>,
        /// Of each type of the module a [`CanonicalType`].
        pub types: Ref<RefArray>,
        /// Of each data segment where its bytes lie in the file: start and length, 4 bytes each. The length is 0 for one
        /// that was dropped.
        pub data: Ref<ByteArray>,
        /// Of each tag an [`ExceptionTag`].
        pub tags: Ref<RefArray>,
        /// Of each element segment a `SlotArray` of its elements; none for one that was dropped.
        pub elements: Ref<RefArray>,
        /// The exports by name.
        pub exports: Cell<Option<Ref<Table>>>,
        /// The number of globals, imported ones included.
        pub global_count: u32,
    }
}

impl Instance {
    /// The objects that it always refers to.
    pub(crate) fn parts(&self) -> [Ref<AnyObject>; 10] {
        [
            self.prototypes.cast(),
            self.memories.cast(),
            self.tables.cast(),
            self.functions.cast(),
            self.imported_globals.cast(),
            self.module.cast(),
            self.types.cast(),
            self.data.cast(),
            self.tags.cast(),
            self.elements.cast(),
        ]
    }
}
// SAFETY: begins with the header.
unsafe impl Object for Instance {
    const KIND: Kind = Kind::Instance;
}

region_layout! {
    /// A linear memory.
    pub struct LinearMemory {
        /// The header.
        pub header: Header,
        /// Its bytes.
        pub data: Cell<Ref<MemoryData>>,
        /// 1 if addresses have 64 bits.
        pub is_64: u32,
        /// Its size in pages.
        pub pages: Cell<u64>,
        /// The most pages it may have.
        pub maximum: u64,
        /// 1 if a maximum was declared.
        pub has_maximum: u32,
        /// The bytes of a page are 2 to the power of this.
        pub page_shift: u32,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for LinearMemory {
    const KIND: Kind = Kind::LinearMemory;
}

region_layout! {
    /// The bytes of a linear memory, which follow.
    pub struct MemoryData {
        /// The header.
        pub header: Header,
        /// How many there are.
        pub length: Cell<u64>,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for MemoryData {
    const KIND: Kind = Kind::MemoryData;
}

region_layout! {
    /// A table of references.
    pub struct ReferenceTable {
        /// The header.
        pub header: Header,
        /// The elements, and room for more.
        pub elements: Cell<Ref<SlotArray>>,
        /// How many there are.
        pub length: Cell<u32>,
        /// The most elements it may have.
        pub maximum: u64,
        /// The type of the elements, as the library encodes it.
        pub element_type: u64,
        /// 1 if indices have 64 bits.
        pub is_64: u32,
        /// 1 if a maximum was declared.
        pub has_maximum: u32,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for ReferenceTable {
    const KIND: Kind = Kind::ReferenceTable;
}

region_layout! {
    /// A global as others than its instance see it.
    pub struct Global {
        /// The header.
        pub header: Header,
        /// The instance that has it; none if it has its own value.
        pub owner: Option<Ref<Instance>>,
        /// Its number there.
        pub index: u32,
        /// Its type, as the library encodes it.
        pub value_type: u64,
        /// 1 if it can be set.
        pub is_mutable: u32,
        /// To a multiple of 8.
        pub padding: u32,
        /// Its own value.
        pub slots: [Slot; 2],
    }
}
// SAFETY: begins with the header.
unsafe impl Object for Global {
    const KIND: Kind = Kind::Global;
}

region_layout! {
    /// A tag of exceptions: one is the same as another if it is the same object.
    pub struct ExceptionTag {
        /// The header.
        pub header: Header,
        /// The function type whose parameters are the values of such exceptions.
        pub kind: Ref<CanonicalType>,
        /// To a multiple of 8.
        pub padding: u32,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for ExceptionTag {
    const KIND: Kind = Kind::ExceptionTag;
}

/// What a type describes. Up to the last kind of array the numbers are those of what the elements take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Form {
    Array8 = 0,
    Array16 = 1,
    Array32 = 2,
    Array64 = 3,
    ArrayVector = 4,
    ArrayReference = 5,
    ArrayObject = 6,
    Structure = 7,
    Function = 8,
}

impl Form {
    /// The form of this number.
    #[inline(always)]
    pub const fn from_number(number: u8) -> Form {
        match number {
            0 => Form::Array8,
            1 => Form::Array16,
            2 => Form::Array32,
            3 => Form::Array64,
            4 => Form::ArrayVector,
            5 => Form::ArrayReference,
            6 => Form::ArrayObject,
            7 => Form::Structure,
            _ => Form::Function,
        }
    }

    /// Bytes of an element; 0 if it is no array.
    #[inline(always)]
    pub const fn element_bytes(self) -> usize {
        const BYTES: [u8; 9] =
            [1, 2, 4, 8, 16, size_of::<PackedSlot>() as u8, size_of::<Option<Ref<TypedObject>>>() as u8, 0, 0];
        BYTES[self as usize] as usize
    }

    /// Whether values are arrays.
    pub const fn is_array(self) -> bool {
        (self as u8) < Form::Structure as u8
    }

    /// Whether elements are references.
    pub const fn has_references(self) -> bool {
        matches!(self, Form::ArrayReference | Form::ArrayObject)
    }

    /// Bytes of an object before its fields or elements.
    pub const fn head_bytes(self) -> usize {
        if self.is_array() { size_of::<TypedArray>() } else { size_of::<TypedObject>() }
    }
}

/// Where a field of a structure lies, and the form of arrays whose elements take what it takes, which are its low three bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct FieldPlace(u32);
// SAFETY: `repr(transparent)` of a primitive.
unsafe impl RegionData for FieldPlace {}

impl FieldPlace {
    const FORM_BITS: u32 = 3;

    /// A field at so many bytes from the first field's place.
    pub const fn new(offset: u32, form: Form) -> FieldPlace {
        assert!(form.is_array(), "that is what elements take");
        FieldPlace(offset << Self::FORM_BITS | form as u32)
    }

    /// Bytes from the first field's place.
    #[inline(always)]
    pub const fn offset(self) -> usize {
        (self.0 >> Self::FORM_BITS) as usize
    }

    /// What it takes.
    #[inline(always)]
    pub const fn form(self) -> Form {
        Form::from_number(self.0 as u8 & ((1 << Self::FORM_BITS) - 1))
    }
}

region_layout! {
    /// A type as the machine knows it: one for all types of modules that are the same. It is followed, 4 bytes each, by
    /// references to its supertypes, the outermost first, and to itself; then, if it is a structure's, by its number
    /// fields and its reference fields, each a [`FieldPlace`].
    pub struct CanonicalType {
        /// The header.
        pub header: Header,
        /// Its number in the machine.
        pub number: u32,
        /// How many supertypes it has.
        pub depth: u32,
        /// A [`Form`].
        pub form: u32,
        /// Bytes of a structure's fields.
        pub bytes: u32,
        /// How many fields are numbers or vectors.
        pub number_fields: u32,
        /// How many are references.
        pub reference_fields: u32,
        /// The description of its recursion group, as the interpreter encodes it.
        pub group: Ref<Str>,
        /// The number of the first type of that.
        pub first: u32,
        /// Where its own description begins.
        pub place: u32,
        /// 1 if it has no subtypes but itself.
        pub is_final: u32,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for CanonicalType {
    const KIND: Kind = Kind::CanonicalType;
}

region_layout! {
    /// A structure or an array. The header's flags are its [`Form`], its low half refers to its type. The fields of a structure
    /// follow.
    pub struct TypedObject {
        /// The header.
        pub header: Header,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for TypedObject {
    const KIND: Kind = Kind::TypedObject;
}

region_layout! {
    /// An array; its elements follow.
    pub struct TypedArray {
        /// What structures have, too.
        pub object: TypedObject,
        /// The number of elements.
        pub length: u32,
        /// So that elements are aligned.
        pub padding: u32,
    }
}
