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

/// A value in Rust.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// `nil`
    Nil,
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// An opaque number that is a value of its own kind.
    LightUserdata(u64),
    /// A string.
    String(Ref<Str>),
    /// A table.
    Table(Ref<Table>),
    /// A Lua function.
    Closure(Ref<Closure>),
    /// A function of the host or the library.
    NativeClosure(Ref<NativeClosure>),
    /// A full userdata.
    Userdata(Ref<Userdata>),
    /// A coroutine.
    Thread(Ref<Thread>),
    /// A captured variable's cell: only in registers, seen by nobody but the machine.
    Cell(Ref<VariableCell>),
    /// Bytes that a library function works on: in its locals, and in userdata of its library.
    Bytes(Ref<ByteArray>),
    /// A WebAssembly function.
    TypedFunction(Ref<TypedFunction>),
    /// An object that only the machine knows: the kind is in its header.
    Internal(Ref<AnyObject>),
    /// A structure or an array of WebAssembly.
    TypedObject(Ref<TypedObject>),
}

impl Value {
    /// Tag and payload.
    #[inline(always)]
    pub fn to_parts(self) -> (u8, u64) {
        match self {
            Value::Nil => (Tag::Nil as u8, 0),
            Value::Boolean(false) => (Tag::False as u8, 0),
            Value::Boolean(true) => (Tag::True as u8, 0),
            Value::Integer(value) => (Tag::Integer as u8, value as u64),
            Value::Float(value) => (Tag::Float as u8, value.to_bits()),
            Value::LightUserdata(value) => (Tag::LightUserdata as u8, value),
            Value::String(object) => (Tag::String as u8, object.units().into()),
            Value::Table(object) => (Tag::Table as u8, object.units().into()),
            Value::Closure(object) => (Tag::Closure as u8, object.units().into()),
            Value::NativeClosure(object) => (Tag::NativeClosure as u8, object.units().into()),
            Value::Userdata(object) => (Tag::Userdata as u8, object.units().into()),
            Value::Thread(object) => (Tag::Thread as u8, object.units().into()),
            Value::Cell(object) => (Tag::Cell as u8, object.units().into()),
            Value::Bytes(object) => (Tag::Bytes as u8, object.units().into()),
            Value::TypedFunction(object) => (Tag::TypedFunction as u8, object.units().into()),
            Value::Internal(object) => (Tag::Internal as u8, object.units().into()),
            Value::TypedObject(object) => (Tag::TypedObject as u8, object.units().into()),
        }
    }

    /// The value of tag and payload as they stand in a slot. Tags that are not values give nil.
    #[inline(always)]
    pub fn from_parts(tag: u8, payload: u64) -> Value {
        macro_rules! reference {
            ($variant:ident) => {
                match Ref::from_units(payload as u32) {
                    Some(object) => Value::$variant(object),
                    None => Value::Nil,
                }
            };
        }
        match tag {
            1 => Value::Boolean(false),
            2 => Value::Boolean(true),
            3 => Value::Integer(payload as i64),
            4 => Value::Float(f64::from_bits(payload)),
            5 => Value::LightUserdata(payload),
            8 => reference!(String),
            9 => reference!(Table),
            10 => reference!(Closure),
            11 => reference!(NativeClosure),
            12 => reference!(Userdata),
            13 => reference!(Thread),
            14 => reference!(Cell),
            15 => reference!(Bytes),
            24 => reference!(TypedFunction),
            25 => reference!(Internal),
            26 => reference!(TypedObject),
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

    /// Writes the value that an element of an array has, whose booleans have any payload; `spare` stays.
    #[inline(always)]
    pub fn set_element(&self, tag: u8, payload: u64) {
        self.payload.set(if tag <= Tag::True as u8 { 0 } else { payload });
        self.tag.set(tag.into());
    }

    /// Writes the value; `spare` stays. The write barrier is the caller's business.
    #[inline(always)]
    pub fn set(&self, value: Value) {
        let (tag, payload) = value.to_parts();
        self.payload.set(payload);
        self.tag.set(tag.into());
    }
}
