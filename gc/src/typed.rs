//! WebAssembly: modules as they are loaded, module instances and what belongs to them.
//!
//! ```text
//!   TypedModule --> prototypes: TypedPrototype ... --> code
//!        ^
//!   Instance | global 0 | global 1 | ...        two slots each; a vector's halves are the payloads of both
//!        |--> functions: TypedFunction ...      made when they are first referred to
//!        |--> memories: LinearMemory ... --> MemoryData | bytes
//!        '--> tables: ReferenceTable ... --> elements
//! ```

use crate::{
    object::{AnyObject, Header, Kind, Object},
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
        /// Of each type its number in the machine, 4 bytes each.
        pub types: Ref<ByteArray>,
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
        /// To a multiple of 8.
        pub padding: u32,
        /// The module.
        pub module: Ref<TypedModule>,
        /// Number of the function in its module.
        pub number: u32,
        /// The number of its type in the machine.
        pub type_number: u32,
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
        /// The function of a module; none if it is the host's.
        pub prototype: Option<Ref<TypedPrototype>>,
        /// The instance of that module.
        pub instance: Option<Ref<Instance>>,
        /// The number of its type in the machine.
        pub type_number: u32,
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
        /// To a multiple of 8.
        pub padding: u32,
    }
}

impl Instance {
    /// The objects that it always refers to.
    pub(crate) fn parts(&self) -> [Ref<AnyObject>; 9] {
        [
            self.prototypes.cast(),
            self.memories.cast(),
            self.tables.cast(),
            self.functions.cast(),
            self.imported_globals.cast(),
            self.module.cast(),
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
        /// The number in the machine of the function type whose parameters are the values of such exceptions.
        pub type_number: u32,
        /// To a multiple of 8.
        pub padding: u32,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for ExceptionTag {
    const KIND: Kind = Kind::ExceptionTag;
}
