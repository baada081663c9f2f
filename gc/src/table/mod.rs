//! Tables: layouts of the parts.
//!
//! A table has an array part for the keys 1, 2, …; its short-string keys are either all *fields*, laid out by a shape
//! that tables with the same keys share, or, in *dictionary mode*, all in the hash part; every other key is in the hash.

use crate::{
    object::{Header, Kind, Object},
    reference::Ref,
    region_layout,
    storage::{RefArray, SlotArray, ValueArray},
    string::Str,
};
use core::cell::Cell;

region_layout! {
    /// A table.
    pub struct Table {
        /// The header; [`Table::PROTOTYPE`] is in the flags.
        pub header: Header,
        /// The shape of the fields; in dictionary mode the heap's one dictionary shape.
        pub shape: Cell<Ref<Shape>>,
        /// The metatable. Next to the shape, so that one comparison of 8 bytes checks both.
        pub metatable: Cell<Option<Ref<Table>>>,
        /// The values of the fields, in the order of the shape.
        pub fields: Cell<Option<Ref<SlotArray>>>,
        /// The array part.
        pub array: Cell<Option<Ref<ValueArray>>>,
        /// The hash part.
        pub hash: Cell<Option<Ref<HashPart>>>,
        /// Elements of the array part in use: the last of them is not nil, and key `array_length + 1` is nil.
        pub array_length: Cell<u32>,
        /// A set bit says that the table, as a metatable, is known to lack the metamethod of that number.
        pub absent: Cell<u32>,
        /// Free for the collector.
        pub link: Cell<u32>,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for Table {
    const KIND: Kind = Kind::Table;
}

impl Table {
    /// Bit of the header's flags: inline caches of other tables depend on this one's keys.
    pub const PROTOTYPE: u8 = 0x01;
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
        /// The children, which are not kept alive by this.
        pub transitions: Cell<Option<Ref<RefArray>>>,
        /// Index from key to number, made when the shape is looked up often enough.
        pub index: Cell<Option<Ref<RefArray>>>,
        /// To a multiple of 8.
        pub padding: u32,
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
    pub struct HashPart {
        /// The header; `low` is the capacity, a power of two.
        pub header: Header,
        /// Entries in use, removed ones included.
        pub used: Cell<u32>,
        /// To a multiple of 8.
        pub padding: u32,
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
const _: () = assert!(size_of::<HashEntry>() == 24 && size_of::<Table>() == 40);
