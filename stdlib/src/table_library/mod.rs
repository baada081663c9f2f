//! `table`.
//!
//! A table without metamethods for indexing and length is worked on directly. For everything else the functions are
//! state machines that keep what they need in locals, since every access may be a call.

mod access;
mod concat;
mod edit;
mod list;
mod sort;

use crate::library::Definition;
use lunette_interpreter::native::Native;

/// The library.
pub(crate) const DEFINITION: Definition = Definition {
    name: "table",
    functions: &[
        concat::CONCAT,
        edit::INSERT,
        edit::MOVE,
        Native::new("table.pack", list::pack),
        edit::REMOVE,
        sort::SORT,
        list::UNPACK,
    ],
    hidden: &[],
    complete: |_, _| Ok(()),
};
