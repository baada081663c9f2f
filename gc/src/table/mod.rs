//! Tables: layouts of the parts.
//!
//! A table has an array part for the keys 1, 2, …; its short-string keys are either *fields*, laid out by a shape that
//! tables with the same keys share, or, in *dictionary mode*, in a hash part of their own; every other key is in the hash.
//!
//! ```text
//!                 +-> Shape (key "y", count 2) -> parent Shape (key "x", count 1) -> the empty Shape
//!   Table --------+-> SlotArray:  value of "x", value of "y"   (dictionary mode: HashPart)
//!                 +-> ValueArray: payloads of 1, 2, … | tags of 1, 2, …
//!                 +-> HashPart:   buckets | entries in the order in which they came
//! ```
//!
//! **Barriers.** A table and its storage (fields, array part, hash part) are one object to the collector: whoever writes
//! a reference, or new storage, into any of them calls [`Heap::barrier_value`](crate::heap::Heap::barrier_value) or
//! [`Heap::barrier`](crate::heap::Heap::barrier) with the table. Storage itself is never the barrier's object. A shape
//! together with its index and its transitions is such an object, too.
//!
//! **What others write.** Whoever writes nil into the array part (the collector into weak tables) calls
//! [`Heap::trim_array`](crate::heap::Heap::trim_array) afterwards. The collector may clear entries of transitions, make values of the hash part nil, and
//! the keys of removed entries dead keys; it tells the number of live shapes by
//! [`Heap::set_shape_count`](crate::heap::Heap::set_shape_count).
//!
//! **Values** go in and out as [`Value`](crate::value::Value) or, in functions whose names end in `_parts`, as [`Parts`].

pub mod access;
pub mod array;
pub mod fields;
mod growth;
pub mod hash;
pub mod iteration;
pub mod key;
pub mod names;
mod ranges;
pub mod shape;

use crate::{
    heap::OutOfMemory,
    object::{AnyObject, Header, Kind, Object},
    reference::Ref,
    region_layout,
    storage::{RefArray, ValueArray},
    string::Str,
    value::Tag,
};
use core::cell::Cell;

/// A value as its tag and payload: two machine words, where [`Value`](crate::value::Value) has to be taken apart.
pub type Parts = (u8, u64);

/// The parts of nil.
pub const NIL: Parts = (NIL_TAG, 0);

pub(crate) const NIL_TAG: u8 = Tag::Nil as u8;

/// Why a value could not be stored in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// nil is no key.
    #[error("table index is nil")]
    KeyIsNil,
    /// "Not a number" is no key.
    #[error("table index is NaN")]
    KeyIsNan,
    /// The table cannot have more entries.
    #[error("table overflow")]
    Overflow,
    /// There is no memory for the entry.
    #[error(transparent)]
    OutOfMemory(#[from] OutOfMemory),
}

/// Where the key of an assignment comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The program's text: `t.name = value`.
    Named,
    /// A computation: `t[key] = value`. Such keys seldom make new shapes, because the table is likely a map.
    Computed,
}

region_layout! {
    /// A table.
    pub struct Table {
        /// The header; [`Table::PROTOTYPE`] is in the flags.
        pub header: Header,
        /// The shape of the fields; in dictionary mode the heap's one dictionary shape.
        pub shape: Cell<Ref<Shape>>,
        /// The metatable. Next to the shape, so that one comparison of 8 bytes checks both.
        pub metatable: Cell<Option<Ref<Table>>>,
        /// The values of the fields in the order of the shape, a [`SlotArray`](crate::storage::SlotArray); in dictionary mode a [`HashPart`].
        pub fields: Cell<Option<Ref<AnyObject>>>,
        /// The array part. Tags beyond `array_length` are nil.
        pub array: Cell<Option<Ref<ValueArray>>>,
        /// The hash part of keys that are not short strings.
        pub hash: Cell<Option<Ref<HashPart>>>,
        /// Elements of the array part in use: the last of them is not nil, and key `array_length + 1` is nil.
        pub array_length: Cell<u32>,
        /// A set bit says that the table, as a metatable, is known to lack the metamethod of that number.
        pub absent: Cell<u32>,
        /// Where the tags of the array part are, in the units of references: so that payload and tag of an element are
        /// found at the same time.
        pub array_tags: Cell<u32>,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for Table {
    const KIND: Kind = Kind::Table;
}

impl Table {
    /// Bit of the header's flags: inline caches of other tables depend on this one's keys.
    pub const PROTOTYPE: u8 = 0x01;

    /// Whether inline caches of other tables depend on this one's keys.
    #[inline(always)]
    pub fn is_prototype(&self) -> bool {
        self.header.flags.get() & Table::PROTOTYPE != 0
    }
}

region_layout! {
    /// A hidden class: the short-string keys of a table in the order in which they came. Shapes form a tree: each adds
    /// one key to its parent.
    pub struct Shape {
        /// The header.
        pub header: Header,
        /// The shape without the last key; none for the empty shape.
        pub parent: Option<Ref<Shape>>,
        /// The last key.
        pub key: Option<Ref<Str>>,
        /// The number of keys.
        pub count: u32,
        /// The children, which are not kept alive by this; an object of the kind `Transitions`.
        pub transitions: Cell<Option<Ref<RefArray>>>,
        /// Made when the shape is looked up often enough: a hash array by key of the shapes from this one up to the
        /// empty one, at most half full, then all keys in their order.
        pub index: Cell<Option<Ref<RefArray>>>,
        /// How often a key was looked up without the index.
        pub lookups: Cell<u32>,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for Shape {
    const KIND: Kind = Kind::Shape;
}

region_layout! {
    /// The hash part: buckets and entries in the order in which they came.
    ///
    /// ```text
    ///   HashPart | buckets: u32[capacity] | entries: HashEntry[capacity]
    /// ```
    ///
    /// A bucket is one more than the number of its first entry, 0 for none.
    pub struct HashPart {
        /// The header; `low` is the capacity, a power of two.
        pub header: Header,
        /// Entries in use, removed ones included.
        pub used: Cell<u32>,
        /// Those of them whose key is a positive integer. While there are none, growing the array part needs no lookups.
        pub integer_keys: Cell<u32>,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for HashPart {
    const KIND: Kind = Kind::HashPart;
}

region_layout! {
    /// An entry of the hash part. A removed one has a nil value and keeps its key until the part is rebuilt.
    pub struct HashEntry {
        /// Payload of the key.
        pub key_payload: Cell<u64>,
        /// Payload of the value.
        pub value_payload: Cell<u64>,
        /// Tag of the key.
        pub key_tag: Cell<u8>,
        /// Tag of the value.
        pub value_tag: Cell<u8>,
        /// To a multiple of 4.
        pub padding: [u8; 2],
        /// One more than the number of the next entry of the same bucket, 0 for none.
        pub next: Cell<u32>,
    }
}
const _: () = assert!(size_of::<HashEntry>() == 24 && size_of::<Table>() == 40 && size_of::<Shape>() == 32);
