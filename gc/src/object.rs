//! What all objects of the region have in common: the header, the kinds, and the marker of types that may lie there.
//!
//! ```text
//!   byte  0      1        2       3           4 .. 7
//!       +------+--------+-------+-----------+------------------+
//!       | kind | gc     | flags | identity, bits 32..39 and 0..31 |   objects programs can see
//!       +------+--------+-------+-----------+------------------+
//!       | kind | gc     | flags | 0         | length           |   storage
//!       +------+--------+-------+-----------+------------------+
//!       | kind | gc     | form  | 0         | type             |   structures and arrays of WebAssembly
//!       +------+--------+-------+-----------+------------------+
//! ```

use crate::reference::Ref;
use core::cell::Cell;

/// Marks types that may lie in the region: no addresses of the host, any bit pattern that the runtime writes is valid.
///
/// # Safety
/// The type has a fixed layout (`repr(C)` or primitive) and holds no pointer, `Vec`, `Box` or other host address. Use
/// [`region_layout!`](crate::region_layout), which checks the fields.
pub unsafe trait RegionData {}

macro_rules! region_data {
    ($($type:ty),*) => { $(
        // SAFETY: a primitive, no address of the host.
        unsafe impl RegionData for $type {}
    )* };
}
region_data!(u8, u16, i16, u32, u64, i64, f64);
// SAFETY: a cell has the layout of its content.
unsafe impl<T: RegionData> RegionData for Cell<T> {}
// SAFETY: a 32-bit offset.
unsafe impl<T> RegionData for Ref<T> {}
// SAFETY: a 32-bit offset, with 0 for none.
unsafe impl<T> RegionData for Option<Ref<T>> {}
// SAFETY: an array has the layout of its elements one after the other.
unsafe impl<T: RegionData, const N: usize> RegionData for [T; N] {}

/// Defines a layout of the region: a `repr(C)` struct all of whose fields are checked to be [`RegionData`].
#[macro_export]
macro_rules! region_layout {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[repr(C)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }
        // SAFETY: `repr(C)`, and the constant below requires every field to be region data.
        unsafe impl $crate::object::RegionData for $name {}
        const _: () = {
            const fn requires_region_data<T: $crate::object::RegionData>() {}
            $(requires_region_data::<$type>();)*
        };
    };
}

/// Kind of an object: which layout it has and how it is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// [`crate::string::Str`]
    String = 1,
    /// [`crate::table::Table`]
    Table,
    /// [`crate::function::Closure`]
    Closure,
    /// [`crate::function::NativeClosure`]
    NativeClosure,
    /// [`crate::userdata::Userdata`]
    Userdata,
    /// [`crate::thread::Thread`]
    Thread,
    /// [`crate::typed::TypedFunction`]
    TypedFunction,
    /// [`crate::function::VariableCell`]
    Cell,
    /// [`crate::typed::TypedObject`]
    TypedObject,
    /// [`crate::function::Prototype`]
    Prototype,
    /// [`crate::table::Shape`]
    Shape,
    /// [`crate::table::HashPart`]
    HashPart,
    /// [`crate::storage::SlotArray`]
    SlotArray,
    /// [`crate::storage::ValueArray`]
    ValueArray,
    /// [`crate::storage::RefArray`]
    RefArray,
    /// [`crate::storage::ByteArray`]
    ByteArray,
    /// A shape's transitions to its children, which it does not keep alive: laid out as a `RefArray`.
    Transitions,
    /// [`crate::typed::TypedModule`]
    TypedModule,
    /// [`crate::typed::TypedPrototype`]
    TypedPrototype,
    /// [`crate::typed::Instance`]
    Instance,
    /// [`crate::typed::LinearMemory`]
    LinearMemory,
    /// [`crate::typed::MemoryData`]
    MemoryData,
    /// [`crate::typed::ReferenceTable`]
    ReferenceTable,
    /// [`crate::typed::Global`]
    Global,
    /// [`crate::typed::ExceptionTag`]
    ExceptionTag,
    /// [`crate::typed::CanonicalType`]
    CanonicalType,
}

/// An object's layout.
///
/// # Safety
/// The type begins with a [`Header`] whose kind is `KIND`, and is `repr(C)`.
pub unsafe trait Object: RegionData {
    /// The kind in the header.
    const KIND: Kind;
}

/// The first 8 bytes of every object; see the drawing above.
#[repr(C)]
pub struct Header {
    /// A [`Kind`].
    pub kind: u8,
    /// The collector's bits. Only [`Header::BARRIER`] concerns others.
    pub gc: Cell<u8>,
    /// Bits of the layout; [`Header::FINALIZABLE`] is common to all.
    pub flags: Cell<u8>,
    /// Bits 32 to 39 of the identity; 0 in what has none.
    pub identity_high: Cell<u8>,
    /// Bits 0 to 31 of the identity; the length of storage; the type of a structure or an array.
    pub low: Cell<u32>,
}

// SAFETY: `repr(C)` of primitives.
unsafe impl RegionData for Header {}

impl Header {
    /// Bit of `gc`: a reference written into this object must be told to the collector.
    pub const BARRIER: u8 = 0x80;
    /// Bit of `gc`: the object is on the collector's list of objects that a large table was seen to refer to.
    pub(crate) const REMEMBERED: u8 = 0x40;
    /// Bit of `flags`: the object is on the collector's list of objects with a finalizer.
    pub const FINALIZABLE: u8 = 0x80;

    /// The header of a new object.
    #[inline(always)]
    pub fn new(kind: Kind, low: u32) -> Header {
        Header {
            kind: kind as u8,
            gc: Cell::new(0),
            flags: Cell::new(0),
            identity_high: Cell::new(0),
            low: Cell::new(low),
        }
    }
}

/// The kind is unknown here: any object.
#[repr(C)]
pub struct AnyObject {
    /// The header.
    pub header: Header,
}
// SAFETY: `repr(C)` of a header.
unsafe impl RegionData for AnyObject {}
