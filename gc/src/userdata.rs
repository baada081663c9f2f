//! Userdata: objects of the embedder. What they hold lies in a table of the embedder outside the region.

use crate::{
    object::{Header, Kind, Object},
    reference::Ref,
    region_layout,
    table::Table,
};
use core::cell::Cell;

region_layout! {
    /// A userdata; its user values ([`Slot`](crate::value::Slot)s) follow.
    pub struct Userdata {
        /// The header.
        pub header: Header,
        /// Number of the host's stream, or of the embedder's object in its side table, as the flags say.
        pub handle: Cell<u64>,
        /// The metatable.
        pub metatable: Cell<Option<Ref<Table>>>,
        /// Number of user values.
        pub value_count: u32,
    }
}
impl Userdata {
    /// Bit of the header's flags: the handle is the number of an open stream of the host.
    pub const STREAM: u8 = 0x01;
    /// Bit of the header's flags: the handle is the number of an object of the embedder.
    pub const OBJECT: u8 = 0x02;

    /// The open stream of the host that the userdata stands for.
    pub fn stream(&self) -> Option<u32> {
        (self.header.flags.get() & Userdata::STREAM != 0).then(|| self.handle.get() as u32)
    }

    /// Makes the userdata stand for an open stream of the host, or for none.
    pub fn set_stream(&self, stream: Option<u32>) {
        let flags = self.header.flags.get() & !Userdata::STREAM;
        self.header.flags.set(flags | if stream.is_some() { Userdata::STREAM } else { 0 });
        self.handle.set(stream.unwrap_or(0).into());
    }

    /// The object of the embedder that the userdata stands for.
    pub fn object(&self) -> Option<u64> {
        (self.header.flags.get() & Userdata::OBJECT != 0).then(|| self.handle.get())
    }

    /// Makes the userdata stand for an object of the embedder.
    pub fn set_object(&self, number: u64) {
        self.header.flags.set(self.header.flags.get() | Userdata::OBJECT);
        self.handle.set(number);
    }
}
// SAFETY: begins with the header.
unsafe impl Object for Userdata {
    const KIND: Kind = Kind::Userdata;
}
