//! Functions: prototypes, closures, native closures, cells of captured variables.
//!
//! A prototype is made when a module is loaded. A reference to it points into its middle, so that sites and constants
//! are both reached from one pointer:
//!
//! ```text
//!   ... site 2 | site 1 | site 0 | Prototype (the reference points here) | constant 0 | constant 1 | ...
//! ```

use crate::{
    object::{Header, Kind, Object},
    reference::Ref,
    region_layout,
    storage::{ByteArray, RefArray},
    string::Str,
    table::{Shape, Table},
    value::Slot,
};
use core::cell::Cell;

region_layout! {
    /// An inline cache: what was found when one instruction last looked up a field. It has three entries. Two are
    /// for a field of the table itself: `shape`, `offset` and `other_shape`, `other_offset`. The third is, for an instruction that gets, a field found
    /// along `__index`: `next_shape`, `metatable`, `epoch` → `holder`, `holder_offset`; for an instruction that sets, a
    /// field that is added: `next_shape` → `added_shape`, `holder_offset`. Offsets are in bytes from the start of the
    /// table's fields object.
    pub struct Site {
        /// First entry: shape of the table; none if the entry is empty.
        pub shape: Cell<Option<Ref<Shape>>>,
        /// Third entry: metatable of the table.
        pub metatable: Cell<Option<Ref<Table>>>,
        /// Third entry: the table that holds the field; none if it is known that there is none along `__index`, so that the
        /// table's own counts.
        pub holder: Cell<Option<Ref<Table>>>,
        /// First entry: where the field is.
        pub offset: Cell<u32>,
        /// Third entry: the epoch of prototypes in which `holder` was found.
        pub epoch: Cell<u32>,
        /// Third entry: where the field is in the holder, or in the table itself (0 if it has none), or in the table it was
        /// added to.
        pub holder_offset: Cell<u32>,
        /// Third entry: shape of the table; none if the entry is empty.
        pub next_shape: Cell<Option<Ref<Shape>>>,
        /// Second entry: shape of the table; none if the entry is empty.
        pub other_shape: Cell<Option<Ref<Shape>>>,
        /// Second entry: where the field is.
        pub other_offset: Cell<u32>,
        /// Number of the constant that is the key; with [`Site::CROWDED`].
        pub key: Cell<u32>,
    }
}

region_layout! {
    /// The function of a module, loaded. Sites lie before it, constants ([`Slot`]s) after it.
    pub struct Prototype {
        /// The header.
        pub header: Header,
        /// The instructions, 8 bytes each, from the first byte of the array's content on.
        pub code: Ref<ByteArray>,
        /// Functions of the same module.
        pub module: Ref<RefArray>,
        /// The chunk's name.
        pub source: Ref<Str>,
        /// Lines, locals, upvalue names, as the interpreter encodes them.
        pub debug: Option<Ref<ByteArray>>,
        /// How upvalues are captured, as the interpreter encodes them.
        pub captures: Option<Ref<ByteArray>>,
        /// Number of sites before the prototype.
        pub site_count: u32,
        /// Number of constants after it.
        pub constant_count: u32,
        /// Number of the function in its module.
        pub number: u32,
        /// Fuel charged when the function is entered.
        pub entry_cost: u32,
        /// Line of the keyword `function`.
        pub line_defined: u32,
        /// Line of its `end`.
        pub last_line_defined: u32,
        /// What the instructions met, as the interpreter encodes it; none if that is not known yet.
        pub feedback: Cell<Option<Ref<ByteArray>>>,
        /// Number of registers.
        pub register_count: u16,
        /// Number of upvalues.
        pub upvalue_count: u16,
        /// Number of named parameters.
        pub parameter_count: u8,
        /// 1 if the function takes extra arguments.
        pub is_variadic: u8,
        /// To a multiple of 4.
        pub padding: [u8; 2],
        /// The machine's number of the function, for machine code; 0 if it has none. Of no meaning to another machine.
        pub native: Cell<u32>,
        /// To a multiple of 8.
        pub more_padding: [u8; 4],
    }
}

impl Site {
    /// Set where the site has met more kinds of tables than it has room for.
    pub const CROWDED: u32 = 1 << 31;

    /// The number of the constant that is the key.
    #[inline(always)]
    pub fn key_number(&self) -> u32 {
        self.key.get() & !Site::CROWDED
    }

    /// Notes that something is forgotten for what it is to remember.
    #[inline(always)]
    pub fn set_crowded(&self) {
        self.key.set(self.key.get() | Site::CROWDED);
    }

    /// Makes a field of tables of a shape the first entry, and what was the first the second.
    #[inline(always)]
    pub fn remember_own(&self, shape: Ref<Shape>, offset: u32) {
        if self.shape.get() == Some(shape) {
            return;
        }
        if self.other_shape.get().is_some() {
            self.set_crowded();
        }
        self.other_shape.set(self.shape.get());
        self.other_offset.set(self.offset.get());
        self.shape.set(Some(shape));
        self.offset.set(offset);
    }

    /// Of an instruction that sets: the shape of the table after the field was added.
    #[inline(always)]
    pub fn added_shape(&self) -> Option<Ref<Shape>> {
        self.holder.get().map(Ref::cast)
    }
}

const _: () = assert!(size_of::<Prototype>().is_multiple_of(8) && size_of::<Site>() == 40);
// SAFETY: begins with the header.
unsafe impl Object for Prototype {
    const KIND: Kind = Kind::Prototype;
}

region_layout! {
    /// A Lua function with its upvalues: references to [`VariableCell`]s (4 bytes each) follow.
    pub struct Closure {
        /// The header.
        pub header: Header,
        /// The function.
        pub prototype: Ref<Prototype>,
        /// Number of upvalues.
        pub upvalue_count: u32,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for Closure {
    const KIND: Kind = Kind::Closure;
}

region_layout! {
    /// A native function with its values: [`Slot`]s follow.
    pub struct NativeClosure {
        /// The header.
        pub header: Header,
        /// Number of the function in the machine's table of registered natives.
        pub native: u32,
        /// Number of values.
        pub value_count: u32,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for NativeClosure {
    const KIND: Kind = Kind::NativeClosure;
}

region_layout! {
    /// A captured variable.
    pub struct VariableCell {
        /// The header.
        pub header: Header,
        /// The variable's value.
        pub value: Slot,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for VariableCell {
    const KIND: Kind = Kind::Cell;
}
