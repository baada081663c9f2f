//! The cache of fields found along `__index`, for instructions that meet more kinds of tables than their site holds.
//!
//! It lies outside the region because it can be dropped at any time; a collection does that, since it may free what the
//! cache refers to, and so does every change of prototypes.

use alloc::boxed::Box;
use lunette_gc::{
    reference::Ref,
    string::Str,
    table::{Shape, Table},
};

const ENTRIES: usize = 1024;

/// What looking along `__index` gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inherited {
    /// The field is at this offset of this table's fields.
    Field(Ref<Table>, u32),
    /// There is none.
    Absent,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    shape: Option<Ref<Shape>>,
    metatable: Option<Ref<Table>>,
    key: Option<Ref<Str>>,
    generation: u32,
    epoch: u32,
    found: Option<Inherited>,
}

/// The cache.
pub(crate) struct MethodCache {
    entries: Box<[Entry; ENTRIES]>,
    generation: u32,
}

impl MethodCache {
    /// An empty cache.
    pub fn new() -> MethodCache {
        MethodCache { entries: Box::new([Entry::default(); ENTRIES]), generation: 1 }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.generation = self.generation.wrapping_add(1);
    }

    #[inline(always)]
    fn place(shape: Ref<Shape>, metatable: Ref<Table>, key: Ref<Str>) -> usize {
        let mixed = shape.units() ^ metatable.units().rotate_left(11) ^ key.units().rotate_left(22);
        (mixed.wrapping_mul(0x9e37_79b1) >> 22) as usize % ENTRIES
    }

    /// What looking for the key along `__index` of a table gives.
    #[inline(always)]
    pub fn get(&self, shape: Ref<Shape>, metatable: Ref<Table>, key: Ref<Str>, epoch: u32) -> Option<Inherited> {
        let entry = &self.entries[MethodCache::place(shape, metatable, key)];
        let is_it = entry.shape == Some(shape)
            && entry.metatable == Some(metatable)
            && entry.key == Some(key)
            && entry.epoch == epoch
            && entry.generation == self.generation;
        if is_it { entry.found } else { None }
    }

    /// Remembers what looking gives.
    pub fn set(&mut self, shape: Ref<Shape>, metatable: Ref<Table>, key: Ref<Str>, epoch: u32, found: Inherited) {
        self.entries[MethodCache::place(shape, metatable, key)] = Entry {
            shape: Some(shape),
            metatable: Some(metatable),
            key: Some(key),
            generation: self.generation,
            epoch,
            found: Some(found),
        };
    }
}
