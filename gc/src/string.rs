//! Strings: immutable bytes with their hash. Those of at most 40 bytes are interned: equal ones are one object.

use crate::{
    object::{Header, Kind, Object},
    region_layout,
};

/// The most bytes of an interned string.
pub const MAX_SHORT_LENGTH: usize = 40;

region_layout! {
    /// A string; its bytes follow.
    pub struct Str {
        /// The header; [`Str::SHORT`] is in the flags.
        pub header: Header,
        /// The hash of the bytes: of all of them, whatever the length.
        pub hash: u32,
        /// The number of bytes.
        pub length: u32,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for Str {
    const KIND: Kind = Kind::String;
}

impl Str {
    /// Bit of the header's flags: the string is interned.
    pub const SHORT: u8 = 0x01;

    /// Whether the string is interned.
    #[inline(always)]
    pub fn is_short(&self) -> bool {
        self.header.flags.get() & Str::SHORT != 0
    }
}
