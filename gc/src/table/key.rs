//! Keys: normal form, hashes. No order depends on a hash, which may be one of a place in the region.

use super::{NIL_TAG, Parts, TableError};
use crate::{
    heap::Heap,
    reference::Ref,
    string::Str,
    value::{FIRST_REFERENCE_TAG, Tag},
};

pub(super) const INTEGER: u8 = Tag::Integer as u8;
pub(super) const FLOAT: u8 = Tag::Float as u8;
pub(crate) const STRING: u8 = Tag::String as u8;
pub(super) const DEAD: u8 = Tag::DeadKey as u8;
const BYTES: u8 = Tag::Bytes as u8;
const OBJECT: u8 = Tag::TypedObject as u8;

/// The integer with the float's value, if there is one.
#[inline]
pub fn float_to_integer(float: f64) -> Option<i64> {
    // The cast saturates, so the bound that it cannot represent is excluded first.
    let in_range = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float);
    let integer = float as i64;
    (in_range && integer as f64 == float).then_some(integer)
}

/// The key under which a table has what the program calls `key`: floats with an integral value become integers.
#[inline]
pub(crate) fn normalize(key: Parts) -> Parts {
    if key.0 == FLOAT
        && let Some(integer) = float_to_integer(f64::from_bits(key.1))
    {
        return (INTEGER, integer as u64);
    }
    key
}

/// Refuses what can be looked up (and is never there) but not stored.
#[inline]
pub(crate) fn check_storable(key: Parts) -> Result<(), TableError> {
    match key.0 {
        // Bytes are no value of the program.
        NIL_TAG | BYTES => Err(TableError::KeyIsNil),
        FLOAT if f64::from_bits(key.1).is_nan() => Err(TableError::KeyIsNan),
        _ => Ok(()),
    }
}

/// The hash of an integer. Runs of 64 consecutive integers lie side by side, the runs are spread.
#[inline(always)]
pub(super) fn hash_integer(integer: u64) -> u32 {
    integer as u32 ^ ((integer >> 6).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

/// The reference of a string's payload.
#[inline(always)]
pub(super) fn string_of(payload: u64) -> Option<Ref<Str>> {
    Ref::from_units(payload as u32)
}

impl Heap {
    /// The hash of a key in normal form.
    pub(super) fn hash_of(&self, (tag, payload): Parts) -> u32 {
        match tag {
            STRING => string_of(payload).map_or(0, |string| self.get(string).hash),
            // They have no identity; nor do they move.
            OBJECT => hash_integer(payload),
            tag if tag >= FIRST_REFERENCE_TAG => {
                Ref::from_units(payload as u32).map_or(0, |object| hash_integer(self.identity(object)))
            }
            INTEGER => hash_integer(payload),
            // Floats differ in their high bits, booleans only in the tag.
            tag => (payload ^ u64::from(tag)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32) as u32,
        }
    }

    /// Whether two strings, at least one of them long, have the same bytes.
    #[inline]
    pub(super) fn same_bytes(&self, left: Ref<Str>, right: Ref<Str>) -> bool {
        left == right
            || self.get(left).hash == self.get(right).hash && self.string_bytes(left) == self.string_bytes(right)
    }
}
