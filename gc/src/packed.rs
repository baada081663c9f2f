//! References in structures and arrays of WebAssembly: a value in 8 bytes, half of what a slot takes.
//!
//! ```text
//!   byte  0 .. 3     4 .. 7
//!       +---------+---------+
//!       | payload | tag     |
//!       +---------+---------+
//! ```
//!
//! References and small integers fit, which is all that most programs have. What does not (floats and large integers of Lua,
//! which a program may hold as `externref`) lies in a cell of its own, which nobody writes to again; the tag is the cell's
//! then, which no value of a program has.

use crate::{
    heap::{Heap, OutOfMemory},
    object::RegionData,
    reference::Ref,
    value::{Tag, Value},
};
use core::cell::Cell;

/// A value in a structure or an array.
#[repr(C, align(8))]
pub struct PackedSlot {
    /// Reference units, or an integer of 32 bits.
    pub payload: Cell<u32>,
    /// A [`Tag`].
    pub tag: Cell<u32>,
}
// SAFETY: `repr(C)` of primitives.
unsafe impl RegionData for PackedSlot {}

const INTEGER: u32 = Tag::Integer as u32;
const FLOAT: u32 = Tag::Float as u32;
const LIGHT: u32 = Tag::LightUserdata as u32;
const CELL: u32 = Tag::Cell as u32;

impl PackedSlot {
    /// Writes what stands in a slot, if it fits; whether it does. The write barrier is the caller's business.
    #[inline(always)]
    pub fn put(&self, tag: u32, payload: u64) -> bool {
        let fits = match tag {
            INTEGER => payload as i32 as u64 == payload,
            FLOAT | LIGHT => false,
            _ => true,
        };
        if fits {
            self.payload.set(payload as u32);
            self.tag.set(tag);
        }
        fits
    }

    /// Tag and payload as they stand in a slot; `None` if they lie in a cell.
    #[inline(always)]
    pub fn take(&self) -> Option<(u32, u64)> {
        match (self.tag.get(), self.payload.get()) {
            (CELL, _) => None,
            (INTEGER, payload) => Some((INTEGER, payload as i32 as u64)),
            (tag, payload) => Some((tag, payload.into())),
        }
    }

    /// Tag and payload as the collector sees them.
    #[inline(always)]
    pub fn parts(&self) -> (u8, u64) {
        (self.tag.get() as u8, self.payload.get().into())
    }

    /// Writes what stands in another one. The write barrier is the caller's business.
    #[inline(always)]
    pub fn copy_from(&self, other: &PackedSlot) {
        self.payload.set(other.payload.get());
        self.tag.set(other.tag.get());
    }
}

impl Heap {
    /// The value of a packed slot.
    #[inline(always)]
    pub fn packed(&self, slot: &PackedSlot) -> Value {
        match slot.take() {
            Some((tag, payload)) => Value::from_parts(tag as u8, payload),
            None => match Ref::from_units(slot.payload.get()) {
                Some(cell) => self.get::<crate::function::VariableCell>(cell).value.get(),
                None => Value::Nil,
            },
        }
    }

    /// Writes a value into a packed slot, by way of a new cell if it does not fit. The write barrier is the caller's
    /// business.
    pub fn set_packed(&self, slot: &PackedSlot, value: Value) -> Result<(), OutOfMemory> {
        let (tag, payload) = value.to_parts();
        if !slot.put(tag.into(), payload) {
            slot.payload.set(self.new_cell(value)?.units());
            slot.tag.set(CELL);
        }
        Ok(())
    }
}
