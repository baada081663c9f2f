//! Lua values: as a 16-byte slot in the region, and as an enum in Rust.
//!
//! ```text
//!   byte  0 .. 7     8 .. 11   12..15
//!       +----------+---------+--------+
//!       | payload  | tag     | spare  |
//!       +----------+---------+--------+
//! ```
//!
//! Copying a slot copies payload and tag (8 + 4 bytes); `spare` belongs to the place and not to the value. The tag is
//! always written with all of its 4 bytes, of which the upper three are 0 but in the header slot of a frame, where they
//! hold what the interpreter puts there. Payloads of nil and the booleans are 0.

use crate::{
    function::{Closure, NativeClosure, VariableCell},
    object::{AnyObject, RegionData},
    reference::Ref,
    storage::ByteArray,
    string::Str,
    table::Table,
    thread::Thread,
    typed::{TypedFunction, TypedObject},
    userdata::Userdata,
};
use core::cell::Cell;

/// Type tag of a slot. Below [`Tag::True`] are the values that are false in conditions; from [`Tag::String`] on the
/// payload is a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Tag {
    Nil = 0,
    False = 1,
    True = 2,
    Integer = 3,
    Float = 4,
    LightUserdata = 5,
    /// Header slot of a frame; never a value.
    Frame = 6,
    /// Key of a removed table entry whose object may be gone; never a value.
    DeadKey = 7,
    String = 8,
    Table = 9,
    Closure = 10,
    NativeClosure = 11,
    Userdata = 12,
    Thread = 13,
    /// Cell of a captured variable; in registers only, never a value of the program.
    Cell = 14,
    /// Bytes that a library function works on; never a value of the program.
    Bytes = 15,
    /// A reference to a WebAssembly function.
    TypedFunction = 24,
    /// An object that only the machine knows; never a value of the program.
    Internal = 25,
    /// A structure or an array of WebAssembly.
    TypedObject = 26,
}

/// The first tag whose payload is a reference.
pub const FIRST_REFERENCE_TAG: u8 = Tag::String as u8;

/// A value in the region.
#[repr(C, align(8))]
pub struct Slot {
    /// The payload: integer, float bits, or reference units.
    pub payload: Cell<u64>,
    /// A [`Tag`] in the low byte.
    pub tag: Cell<u32>,
    /// Belongs to the place: see the module's description.
    pub spare: Cell<u32>,
}
// SAFETY: `repr(C)` of primitives and references.
unsafe impl RegionData for Slot {}

/// A value in Rust. Its discriminant is the tag (of booleans, that of `false`) and all payloads lie at the same place, so that
/// reading and writing a slot takes no look at which variant it is.
#[derive(Clone, Copy, Debug)]
#[repr(C, u32)]
pub enum Value {
    /// `nil`
    Nil = Tag::Nil as u32,
    /// A boolean.
    Boolean(bool) = Tag::False as u32,
    /// An integer.
    Integer(i64) = Tag::Integer as u32,
    /// A float.
    Float(f64) = Tag::Float as u32,
    /// An opaque number that is a value of its own kind.
    LightUserdata(u64) = Tag::LightUserdata as u32,
    /// A string.
    String(Ref<Str>) = Tag::String as u32,
    /// A table.
    Table(Ref<Table>) = Tag::Table as u32,
    /// A Lua function.
    Closure(Ref<Closure>) = Tag::Closure as u32,
    /// A function of the host or the library.
    NativeClosure(Ref<NativeClosure>) = Tag::NativeClosure as u32,
    /// A full userdata.
    Userdata(Ref<Userdata>) = Tag::Userdata as u32,
    /// A coroutine.
    Thread(Ref<Thread>) = Tag::Thread as u32,
    /// A captured variable's cell: only in registers, seen by nobody but the machine.
    Cell(Ref<VariableCell>) = Tag::Cell as u32,
    /// Bytes that a library function works on: in its locals, and in userdata of its library.
    Bytes(Ref<ByteArray>) = Tag::Bytes as u32,
    /// A WebAssembly function.
    TypedFunction(Ref<TypedFunction>) = Tag::TypedFunction as u32,
    /// An object that only the machine knows: the kind is in its header.
    Internal(Ref<AnyObject>) = Tag::Internal as u32,
    /// A structure or an array of WebAssembly.
    TypedObject(Ref<TypedObject>) = Tag::TypedObject as u32,
}

/// The tags of the variants of [`Value`] that are references.
const REFERENCES: u32 = {
    let [mut bits, mut tag] = [0, Tag::String as u32];
    while tag <= Tag::Bytes as u32 {
        bits |= 1 << tag;
        tag += 1;
    }
    bits | 1 << Tag::TypedFunction as u32 | 1 << Tag::Internal as u32 | 1 << Tag::TypedObject as u32
};

/// How a [`Value`] is laid out that has a number or a reference.
#[repr(C)]
struct RawValue {
    tag: u32,
    payload: u64,
}

impl Value {
    /// Tag and payload.
    #[inline(always)]
    pub fn to_parts(self) -> (u8, u64) {
        match self {
            Value::Nil => (Tag::Nil as u8, 0),
            Value::Boolean(value) => (Tag::False as u8 + u8::from(value), 0),
            Value::Integer(value) => (Tag::Integer as u8, value as u64),
            Value::Float(value) => (Tag::Float as u8, value.to_bits()),
            Value::LightUserdata(value) => (Tag::LightUserdata as u8, value),
            _ => {
                let value = (&raw const self).cast::<RawValue>();
                // SAFETY: the tag comes first, and the reference lies where other variants have their payload.
                unsafe { ((*value).tag as u8, (&raw const (*value).payload).cast::<u32>().read().into()) }
            }
        }
    }

    /// The value of tag and payload as they stand in a slot. Tags that are not values give nil.
    #[inline(always)]
    pub fn from_parts(tag: u8, payload: u64) -> Value {
        const { assert!(cfg!(target_endian = "little") && size_of::<Value>() == size_of::<RawValue>()) };
        const TRUE: u8 = Tag::True as u8;
        let is_number = (Tag::Integer as u8..=Tag::LightUserdata as u8).contains(&tag);
        let is_reference = tag < 32 && REFERENCES >> tag & 1 != 0 && payload as u32 != 0;
        if is_number || is_reference {
            // SAFETY: the tag is a variant's, whose payload begins where the raw value's does; numbers have any payload, and
            // references any but 0.
            return unsafe { core::mem::transmute::<RawValue, Value>(RawValue { tag: tag.into(), payload }) };
        }
        match tag {
            1..=TRUE => Value::Boolean(tag == TRUE),
            _ => Value::Nil,
        }
    }

    /// Whether the value is `nil`.
    #[inline(always)]
    pub fn is_nil(self) -> bool {
        matches!(self, Value::Nil)
    }

    /// Whether a condition takes the value as false.
    #[inline(always)]
    pub fn is_falsy(self) -> bool {
        matches!(self, Value::Nil | Value::Boolean(false))
    }

    /// Whether the value is a function, of whatever kind.
    #[inline(always)]
    pub fn is_function(self) -> bool {
        matches!(self, Value::Closure(_) | Value::NativeClosure(_) | Value::TypedFunction(_))
    }

    /// The object the value refers to, if it refers to one.
    pub fn object(self) -> Option<Ref<AnyObject>> {
        let (tag, payload) = self.to_parts();
        if tag >= FIRST_REFERENCE_TAG { Ref::from_units(payload as u32) } else { None }
    }
}

impl Slot {
    /// Reads the value.
    #[inline(always)]
    pub fn get(&self) -> Value {
        Value::from_parts(self.tag.get() as u8, self.payload.get())
    }

    /// The low and the high half of the payload. What is written in halves is read in halves: a processor waits for a
    /// written half to reach the cache when it is to read the whole.
    #[inline(always)]
    pub fn payload_halves(&self) -> &[Cell<u32>; 2] {
        const { assert!(cfg!(target_endian = "little")) };
        // SAFETY: the payload's eight bytes, which are shared for writing as all of a slot is; halves are aligned.
        unsafe { &*(&raw const self.payload).cast() }
    }

    /// Writes the value of another slot; `spare` stays. The write barrier is the caller's business.
    #[inline(always)]
    pub fn copy_from(&self, from: &Slot) {
        self.payload.set(from.payload.get());
        self.tag.set(from.tag.get());
    }

    /// Writes the value; `spare` stays. The write barrier is the caller's business.
    #[inline(always)]
    pub fn set(&self, value: Value) {
        let (tag, payload) = value.to_parts();
        self.payload.set(payload);
        self.tag.set(tag.into());
    }
}
