//! The cache of where fields are, for instructions that meet more kinds of tables than their site holds: compiled code looks
//! into it in line.
//!
//! As [`crate::method_cache`] it lies outside the region, and a collection drops it. An entry is an answer for all tables of a
//! shape and a metatable, in an epoch of prototypes; an empty one has no shape.

use crate::method_cache::Inherited;
use alloc::boxed::Box;
use core::cell::Cell;
use lunette_gc::{
    reference::Ref,
    string::Str,
    table::{Shape, Table},
};

/// The number of entries is 2 to the power of this.
const BITS: u32 = 9;

/// An entry is the one whose number the upper bits of a product with this are: of the bits of shape and metatable, and of the key.
pub(crate) const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Where a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At this offset of the table's own fields, unless it is nil there.
    Own(u32),
    /// The table's shape does not have it.
    Inherited(Inherited),
}

/// What an answer is for.
#[derive(Clone, Copy)]
pub(crate) struct Question {
    pub shape: Ref<Shape>,
    pub metatable: Option<Ref<Table>>,
    pub key: Ref<Str>,
    pub epoch: u32,
}

#[derive(Clone, Default)]
#[repr(C)]
struct Entry {
    shape: Cell<Option<Ref<Shape>>>,
    metatable: Cell<Option<Ref<Table>>>,
    key: Cell<Option<Ref<Str>>>,
    epoch: Cell<u32>,
    /// None if the field is the table's own, or nowhere.
    holder: Cell<Option<Ref<Table>>>,
    /// 0 if it is nowhere.
    offset: Cell<u32>,
}

/// The cache.
#[repr(C)]
pub(crate) struct FieldCache {
    entries: Box<[Entry; 1 << BITS]>,
    hits: Cell<u32>,
}

impl FieldCache {
    /// An empty cache.
    pub fn new() -> FieldCache {
        FieldCache { entries: Box::new(core::array::from_fn(|_| Entry::default())), hits: Cell::new(0) }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.iter().for_each(|entry| entry.shape.set(None));
    }

    #[inline(always)]
    fn entry(&self, question: Question) -> &Entry {
        let metatable = question.metatable.map_or(0, Ref::units);
        let tables = u64::from(question.shape.units()) | u64::from(metatable) << 32;
        let mixed = (tables ^ layout::mixed_key(question.key.units())).wrapping_mul(FACTOR);
        &self.entries[(mixed >> layout::SHIFT) as usize]
    }

    /// The answer, if it is known.
    #[inline(always)]
    pub fn get(&self, question: Question) -> Option<Place> {
        let entry = self.entry(question);
        let is_it = entry.shape.get() == Some(question.shape)
            && entry.metatable.get() == question.metatable
            && entry.key.get() == Some(question.key)
            && entry.epoch.get() == question.epoch;
        is_it.then(|| match (entry.holder.get(), entry.offset.get()) {
            (Some(holder), offset) => Place::Inherited(Inherited::Field(holder, offset)),
            (None, 0) => Place::Inherited(Inherited::Absent),
            (None, offset) => Place::Own(offset),
        })
    }

    /// Whether it is the turn of a site to remember what was found here: of tables that take turns, none is worth the stores each
    /// time.
    #[inline(always)]
    pub fn is_turn(&self) -> bool {
        self.hits.set(self.hits.get().wrapping_add(1));
        self.hits.get().is_multiple_of(16)
    }

    /// Remembers an answer.
    #[inline(always)]
    pub fn set(&self, question: Question, place: Place) {
        let entry = self.entry(question);
        let (holder, offset) = match place {
            Place::Own(offset) => (None, offset),
            Place::Inherited(Inherited::Field(holder, offset)) => (Some(holder), offset),
            Place::Inherited(Inherited::Absent) => (None, 0),
        };
        entry.shape.set(Some(question.shape));
        entry.metatable.set(question.metatable);
        entry.key.set(Some(question.key));
        entry.epoch.set(question.epoch);
        entry.holder.set(holder);
        entry.offset.set(offset);
    }
}

/// For compiled code, which looks for an entry as [`FieldCache::get`] does.
pub(crate) mod layout {
    use super::{BITS, Entry};
    use core::mem::offset_of;

    /// In a cache, the address of the first entry.
    pub const ENTRIES: usize = offset_of!(super::FieldCache, entries);
    /// Bytes of an entry.
    pub const BYTES: usize = size_of::<Entry>();
    /// The bits of the product that are not the number of an entry.
    pub const SHIFT: u32 = u64::BITS - BITS;
    /// In an entry: shape and metatable, as they lie in a table; the key; the epoch; the holder; where the field is.
    pub const TABLES: usize = offset_of!(Entry, shape);
    pub const KEY: usize = offset_of!(Entry, key);
    pub const EPOCH: usize = offset_of!(Entry, epoch);
    pub const HOLDER: usize = offset_of!(Entry, holder);
    pub const OFFSET: usize = offset_of!(Entry, offset);

    /// What is mixed with shape and metatable for a key.
    pub const fn mixed_key(key: u32) -> u64 {
        (key as u64).rotate_left(20)
    }
}
