//! References in structures and arrays of WebAssembly. Where the type says that they refer to structures or arrays, a
//! reference is all there is: 4 bytes. Elsewhere it is a packed slot, a value in 8 bytes, half of what a slot takes.
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
    typed::TypedObject,
    value::{FIRST_REFERENCE_TAG, Tag, Value},
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

/// Where a structure or an array has a reference.
#[derive(Clone, Copy)]
pub enum ReferencePlace<'h> {
    /// Any value.
    Packed(&'h PackedSlot),
    /// A structure or an array, or null.
    Object(&'h Cell<Option<Ref<TypedObject>>>),
}

impl ReferencePlace<'_> {
    /// The units of the reference that the collector sees; 0 for none.
    #[inline(always)]
    pub fn units(self) -> u32 {
        match self {
            ReferencePlace::Packed(slot) if slot.tag.get() >= FIRST_REFERENCE_TAG.into() => slot.payload.get(),
            ReferencePlace::Packed(_) => 0,
            ReferencePlace::Object(held) => held.get().map_or(0, Ref::units),
        }
    }

    /// Tag and payload as the collector sees them.
    #[inline(always)]
    pub fn parts(self) -> (u8, u64) {
        match self {
            ReferencePlace::Packed(slot) => slot.parts(),
            ReferencePlace::Object(held) => match held.get() {
                Some(object) => (Tag::TypedObject as u8, object.units().into()),
                None => (Tag::Nil as u8, 0),
            },
        }
    }

    /// Writes what stands at another place of the same kind. The write barrier is the caller's business.
    pub fn copy_from(self, other: ReferencePlace) {
        match (self, other) {
            (ReferencePlace::Packed(slot), ReferencePlace::Packed(other)) => slot.copy_from(other),
            (ReferencePlace::Object(held), ReferencePlace::Object(other)) => held.set(other.get()),
            _ => debug_assert!(false, "references of one kind are copied"),
        }
    }
}

/// Why a reference was not written.
#[derive(Debug)]
pub enum Unwritten {
    /// There is no memory for the cell that it needs.
    Memory(OutOfMemory),
    /// It does not refer to a structure or an array, as it would have to there.
    OtherKind,
}

impl From<OutOfMemory> for Unwritten {
    fn from(error: OutOfMemory) -> Unwritten {
        Unwritten::Memory(error)
    }
}

impl Heap {
    /// The value at a place.
    pub fn reference(&self, place: ReferencePlace) -> Value {
        match place {
            ReferencePlace::Packed(slot) => self.packed(slot),
            ReferencePlace::Object(object) => object.get().map_or(Value::Nil, Value::TypedObject),
        }
    }

    /// Writes a value to a place. The write barrier is the caller's business.
    pub fn set_reference(&self, place: ReferencePlace, value: Value) -> Result<(), Unwritten> {
        match (place, value) {
            (ReferencePlace::Packed(slot), value) => self.set_packed(slot, value)?,
            (ReferencePlace::Object(held), Value::TypedObject(object)) => held.set(Some(object)),
            (ReferencePlace::Object(held), Value::Nil) => held.set(None),
            (ReferencePlace::Object(_), _) => return Err(Unwritten::OtherKind),
        }
        Ok(())
    }

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
