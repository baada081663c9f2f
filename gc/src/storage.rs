//! Storage objects: arrays that belong to one other object and have their length in the header.

use crate::object::{Header, Kind, Object, RegionData};

macro_rules! storage {
    ($(#[$meta:meta])* $name:ident, $kind:ident) => {
        $(#[$meta])*
        #[repr(C)]
        pub struct $name {
            /// The header; `low` is the length.
            pub header: Header,
        }
        // SAFETY: `repr(C)` of a header; the elements follow it.
        unsafe impl RegionData for $name {}
        // SAFETY: begins with the header.
        unsafe impl Object for $name { const KIND: Kind = Kind::$kind; }

        impl $name {
            /// The number of elements.
            #[inline(always)]
            pub fn length(&self) -> u32 {
                self.header.low.get()
            }
        }
    };
}

impl ValueArray {
    /// The array's size.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<ValueArray>() + 9 * self.length() as usize
    }
}

storage!(/** Slots (16 bytes each): stacks, fields of tables, handles. */ SlotArray, SlotArray);
storage!(/** Values split into payloads (8 bytes each) and, after all of those, tags (1 byte each): the array part of tables. */ ValueArray, ValueArray);
storage!(/** References to objects of any kind, 0 for none (4 bytes each). */ RefArray, RefArray);
storage!(/** Bytes: code, debug information. */ ByteArray, ByteArray);
