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
        /// Number of the embedder's object in the machine's side table.
        pub handle: Cell<u64>,
        /// The metatable.
        pub metatable: Cell<Option<Ref<Table>>>,
        /// Number of user values.
        pub value_count: u32,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for Userdata {
    const KIND: Kind = Kind::Userdata;
}
