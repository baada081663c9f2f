//! Shapes: the tree of hidden classes, lookups in it, and the heap-wide state of tables.
//!
//! That state lies in the last root slots of the heap, see [`FIRST_TABLE_ROOT`].
//!
//! A shape's transitions are a hash array of children by the hash of their key. A child lies within [`WINDOW`] places of
//! its hash and all of these places are looked at, so that the collector may clear any entry.

use super::{Origin, Shape};
use crate::{
    heap::{Heap, OutOfMemory, ROOT_COUNT},
    object::{Header, Kind, Object},
    reference::Ref,
    region_layout,
    storage::RefArray,
    string::Str,
    value::Tag,
};
use core::cell::Cell;

/// The root slots from here on belong to the tables: the empty shape, the dictionary shape, the epoch of prototypes,
/// the number of live shapes.
pub const FIRST_TABLE_ROOT: usize = ROOT_COUNT - 4;
const EMPTY_SHAPE: usize = FIRST_TABLE_ROOT;
const DICTIONARY_SHAPE: usize = FIRST_TABLE_ROOT + 1;
const PROTOTYPE_EPOCH: usize = FIRST_TABLE_ROOT + 2;
const SHAPE_COUNT: usize = FIRST_TABLE_ROOT + 3;

/// The most fields of a table in shape mode.
pub const MAX_FIELDS: u32 = 32;
/// The most live shapes; when there are as many, tables with new keys go to dictionary mode.
pub const MAX_SHAPES: u64 = 1 << 14;
/// Computed keys make new shapes only up to this many fields…
const MAX_COMPUTED_FIELDS: u32 = 8;
/// …and while the parent has fewer children than this, halved with every field it has.
const MAX_COMPUTED_CHILDREN: u32 = 16;
/// Lookups without an index before one is made.
const LOOKUPS_BEFORE_INDEX: u32 = 4;
/// Shapes with fewer keys need no index.
const MIN_INDEXED: u32 = 3;
/// The length of an index is a multiple of this, for comparisons of several keys at once.
const INDEX_CHUNK: usize = 8;
const WINDOW: usize = 8;
/// The most places of a transitions array for each child.
const MAX_PLACES_PER_CHILD: usize = 64;

region_layout! {
    /// Header of an array of transitions; the references follow as in a [`RefArray`].
    pub struct Transitions {
        /// The header; `low` is the length, a power of two.
        pub header: Header,
    }
}
// SAFETY: begins with the header.
unsafe impl Object for Transitions {
    const KIND: Kind = Kind::Transitions;
}

/// The heap-wide state.
impl Heap {
    /// The shape without keys.
    #[inline]
    pub fn empty_shape(&self) -> Result<Ref<Shape>, OutOfMemory> {
        match Ref::from_units(self.root(EMPTY_SHAPE).payload.get() as u32) {
            Some(shape) => Ok(shape),
            None => self.make_first_shapes(),
        }
    }

    /// Whether a table with this shape is in dictionary mode.
    #[inline(always)]
    pub fn is_dictionary(&self, shape: Ref<Shape>) -> bool {
        u64::from(shape.units()) == self.root(DICTIONARY_SHAPE).payload.get()
    }

    /// The shape of all tables in dictionary mode.
    pub fn dictionary_shape(&self) -> Result<Ref<Shape>, OutOfMemory> {
        self.empty_shape()?;
        Ref::from_units(self.root(DICTIONARY_SHAPE).payload.get() as u32).ok_or(OutOfMemory { requested: 0 })
    }

    #[cold]
    fn make_first_shapes(&self) -> Result<Ref<Shape>, OutOfMemory> {
        let dictionary = self.new_shape(None, None)?;
        let empty = self.new_shape(None, None)?;
        for (root, shape) in [(DICTIONARY_SHAPE, dictionary), (EMPTY_SHAPE, empty)] {
            let slot = self.root(root);
            slot.payload.set(shape.units().into());
            // The tag of references that programs never see.
            slot.tag.set(Tag::Cell as u32);
        }
        for root in [PROTOTYPE_EPOCH, SHAPE_COUNT] {
            self.root(root).tag.set(Tag::Integer as u32);
        }
        Ok(empty)
    }

    /// Changes whenever what was found along an `__index` chain may be found elsewhere: see [`Table::PROTOTYPE`](super::Table::PROTOTYPE).
    #[inline(always)]
    pub fn prototype_epoch(&self) -> u32 {
        self.root(PROTOTYPE_EPOCH).payload.get() as u32
    }

    /// Makes caches of lookups along `__index` invalid.
    pub fn bump_prototype_epoch(&self) {
        let epoch = self.prototype_epoch().wrapping_add(1);
        self.root(PROTOTYPE_EPOCH).payload.set(epoch.into());
    }

    /// The number of shapes made and, as far as the collector has noticed, still alive.
    pub fn shape_count(&self) -> u64 {
        self.root(SHAPE_COUNT).payload.get()
    }

    /// For the collector: how many shapes there are.
    pub fn set_shape_count(&self, count: u64) {
        self.root(SHAPE_COUNT).payload.set(count);
    }
}

/// Lookups.
impl Heap {
    /// The number of the field with this key, which is a short string.
    #[inline]
    pub fn find_field(&self, shape: Ref<Shape>, key: Ref<Str>) -> Option<u32> {
        match self.get(shape).index.get() {
            Some(index) => find_in_index(self.refs(index), key),
            None => self.find_without_index(shape, key),
        }
    }

    #[inline(never)]
    fn find_without_index(&self, shape: Ref<Shape>, key: Ref<Str>) -> Option<u32> {
        let object = self.get(shape);
        if object.count >= MIN_INDEXED {
            object.lookups.set(object.lookups.get().saturating_add(1));
            if object.lookups.get() > LOOKUPS_BEFORE_INDEX
                && let Some(index) = self.make_index(shape)
            {
                return find_in_index(self.refs(index), key);
            }
        }
        self.ancestry(shape).find(|ancestor| ancestor.key == Some(key)).map(|ancestor| ancestor.count - 1)
    }

    /// The key of a field.
    #[inline]
    pub fn field_key(&self, shape: Ref<Shape>, number: u32) -> Option<Ref<Str>> {
        let object = self.get(shape);
        let index = match object.index.get() {
            None if object.count >= MIN_INDEXED => self.make_index(shape),
            index => index,
        };
        match index {
            Some(index) => self.refs(index).get(number as usize)?.get().map(Ref::cast),
            None => self.ancestry(shape).find(|ancestor| ancestor.count == number + 1)?.key,
        }
    }

    /// The shape, its parent and so on.
    fn ancestry(&self, shape: Ref<Shape>) -> impl Iterator<Item = &Shape> {
        core::iter::successors(Some(self.get(shape)), |shape| shape.parent.map(|parent| self.get(parent)))
    }

    /// Makes the index, if there is memory for it.
    #[cold]
    fn make_index(&self, shape: Ref<Shape>) -> Option<Ref<RefArray>> {
        let object = self.get(shape);
        let index = self.new_ref_array(object.count.next_multiple_of(INDEX_CHUNK as u32)).ok()?;
        let places = self.refs(index);
        for ancestor in self.ancestry(shape).take(object.count as usize) {
            places[ancestor.count as usize - 1].set(ancestor.key.map(Ref::cast));
        }
        object.index.set(Some(index));
        self.barrier(shape);
        Some(index)
    }
}

#[inline]
fn find_in_index(keys: &[Cell<Option<Ref<crate::object::AnyObject>>>], key: Ref<Str>) -> Option<u32> {
    let key = Some(key.cast());
    let (chunks, _) = keys.as_chunks::<INDEX_CHUNK>();
    for (number, chunk) in chunks.iter().enumerate() {
        let mut found = 0u32;
        for (bit, place) in chunk.iter().enumerate() {
            found |= u32::from(place.get() == key) << bit;
        }
        if found != 0 {
            return Some((number * INDEX_CHUNK) as u32 + found.trailing_zeros());
        }
    }
    None
}

/// Transitions.
impl Heap {
    /// The shape that adds `key`, if there is one already.
    #[inline]
    pub fn transition(&self, shape: Ref<Shape>, key: Ref<Str>) -> Option<Ref<Shape>> {
        let places = self.refs(self.get(shape).transitions.get()?);
        window(places.len(), self.get(key).hash)
            .filter_map(|place| places[place].get().map(Ref::cast::<Shape>))
            .find(|&child| self.get(child).key == Some(key))
    }

    /// The shape that adds `key`, made if need be. `None` says that the table shall go to dictionary mode.
    pub(super) fn transition_or_add(
        &self,
        shape: Ref<Shape>,
        key: Ref<Str>,
        origin: Origin,
    ) -> Result<Option<Ref<Shape>>, OutOfMemory> {
        if let Some(child) = self.transition(shape, key) {
            return Ok(Some(child));
        }
        let object = self.get(shape);
        if object.count >= MAX_FIELDS || self.shape_count() >= MAX_SHAPES {
            return Ok(None);
        }
        let children = match object.transitions.get() {
            Some(array) => self.refs(array).iter().filter(|place| place.get().is_some()).count(),
            None => 0,
        };
        if origin == Origin::Computed {
            let limit = (MAX_COMPUTED_CHILDREN >> object.count.min(31)).max(1);
            if object.count >= MAX_COMPUTED_FIELDS || children >= limit as usize {
                return Ok(None);
            }
        }
        let child = self.new_shape(Some(shape), Some(key))?;
        Ok(self.add_transition(shape, child, children)?.then_some(child))
    }

    /// A child of `parent`, not yet reachable from it.
    fn new_shape(&self, parent: Option<Ref<Shape>>, key: Option<Ref<Str>>) -> Result<Ref<Shape>, OutOfMemory> {
        let shape = self.allocate::<Shape>(size_of::<Shape>(), 0)?;
        // SAFETY: just allocated; the header is written.
        unsafe {
            let pointer = shape.pointer(self.base());
            (&raw mut (*pointer).parent).write(parent);
            (&raw mut (*pointer).key).write(key);
            (&raw mut (*pointer).count).write(parent.map_or(0, |parent| self.get(parent).count + 1));
            (&raw mut (*pointer).transitions).write(Cell::new(None));
            (&raw mut (*pointer).index).write(Cell::new(None));
            (&raw mut (*pointer).lookups).write(Cell::new(0));
        }
        self.set_shape_count(self.shape_count() + 1);
        Ok(shape)
    }

    /// Enters a child among the `children` there are. `false` if the hashes are so unlucky that it has no place.
    fn add_transition(&self, shape: Ref<Shape>, child: Ref<Shape>, children: usize) -> Result<bool, OutOfMemory> {
        let object = self.get(shape);
        let old: &[_] = object.transitions.get().map_or(&[], |array| self.refs(array));
        if self.place_transition(old, child) {
            self.barrier(shape);
            return Ok(true);
        }
        let mut length = (old.len() * 2).max(1);
        while length <= MAX_PLACES_PER_CHILD * (children + 1) {
            let array = self.allocate::<Transitions>(8 + 4 * length, length as u32)?.cast();
            let new = self.refs(array);
            new.iter().for_each(|place| place.set(None));
            let old_children = old.iter().filter_map(|place| place.get().map(Ref::cast));
            if old_children.chain([child]).all(|child| self.place_transition(new, child)) {
                object.transitions.set(Some(array));
                self.barrier(shape);
                return Ok(true);
            }
            length *= 2;
        }
        Ok(false)
    }

    fn place_transition(&self, places: &[Cell<Option<Ref<crate::object::AnyObject>>>], child: Ref<Shape>) -> bool {
        let hash = self.get(child).key.map_or(0, |key| self.get(key).hash);
        let free = window(places.len(), hash).find(|&place| places[place].get().is_none());
        free.inspect(|&place| places[place].set(Some(child.cast()))).is_some()
    }
}

/// The places where a key of this hash may lie in transitions of this length.
#[inline]
fn window(length: usize, hash: u32) -> impl Iterator<Item = usize> {
    (0..WINDOW.min(length)).map(move |offset| (hash as usize + offset) & (length - 1))
}
