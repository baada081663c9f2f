//! Shapes: the tree of hidden classes, lookups in it, and the heap-wide state of tables.
//!
//! That state lies in the last root slots of the heap, see [`FIRST_TABLE_ROOT`].
//!
//! A shape's transitions are a hash array of children by the hash of their key. A child lies within `WINDOW` places of
//! its hash and all of these places are looked at, so that the collector may clear any entry.

use super::{Origin, Shape};
use crate::{
    heap::{Heap, OutOfMemory, ROOT_COUNT},
    object::{AnyObject, Header, Kind, Object},
    reference::Ref,
    region::RegionHeader,
    region_layout,
    storage::RefArray,
    string::Str,
    value::{Slot, Tag},
};
use core::{cell::Cell, mem::offset_of};

/// The root slots from here on belong to the tables: the empty shape, the dictionary shape, the epoch of prototypes,
/// the number of live shapes.
pub const FIRST_TABLE_ROOT: usize = ROOT_COUNT - 4;
const EMPTY_SHAPE: usize = FIRST_TABLE_ROOT;
const DICTIONARY_SHAPE: usize = FIRST_TABLE_ROOT + 1;
const PROTOTYPE_EPOCH: usize = FIRST_TABLE_ROOT + 2;
const SHAPE_COUNT: usize = FIRST_TABLE_ROOT + 3;

/// The most fields of a table in shape mode.
pub const MAX_FIELDS: u32 = 128;
/// The most live shapes; when there are as many, tables with new keys go to dictionary mode.
pub const MAX_SHAPES: u64 = 1 << 14;
/// Computed keys make new shapes only up to this many of them…
const MAX_COMPUTED_FIELDS: u8 = 8;
/// …and while the parent has fewer children than this, halved with every computed key it has.
const MAX_COMPUTED_CHILDREN: u32 = 16;
/// Lookups without an index before one is made.
const LOOKUPS_BEFORE_INDEX: u32 = 4;
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

impl Shape {
    /// How many of the keys were computed when the shape was made; kept in the flags of the header.
    fn computed(&self) -> u8 {
        self.header.flags.get()
    }
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

    /// Where the reference to the shape of new tables is, from the region's address on, for compiled code. It is there as soon as
    /// there is a table.
    pub const EMPTY_SHAPE_OFFSET: usize =
        offset_of!(RegionHeader, roots) + EMPTY_SHAPE * size_of::<Slot>() + offset_of!(Slot, payload);

    /// Where the epoch of prototypes is, from the region's address on, for compiled code.
    pub const PROTOTYPE_EPOCH_OFFSET: usize =
        offset_of!(RegionHeader, roots) + PROTOTYPE_EPOCH * size_of::<Slot>() + offset_of!(Slot, payload);

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
        let object = self.get(shape);
        match object.index.get() {
            Some(index) => self.find_in_index(index, object.count, key),
            None if object.count == 0 => None,
            None => self.find_without_index(shape, key),
        }
    }

    /// As [`Heap::find_field`] if that takes no more than a look into the shape's index; `None` if there is no index.
    #[inline(always)]
    pub fn peek_field_number(&self, shape: Ref<Shape>, key: Ref<Str>) -> Option<Option<u32>> {
        let object = self.get(shape);
        Some(self.find_in_index(object.index.get()?, object.count, key))
    }

    #[inline(always)]
    fn find_in_index(&self, index: Ref<RefArray>, count: u32, key: Ref<Str>) -> Option<u32> {
        let places = self.refs(index);
        let mask = places.len() - count as usize - 1;
        let mut place = self.get(key).hash as usize & mask;
        // At least half of the places are free.
        loop {
            let ancestor = self.get(places[place].get()?.cast::<Shape>());
            if ancestor.key == Some(key) {
                return Some(ancestor.count - 1);
            }
            place = (place + 1) & mask;
        }
    }

    #[inline(never)]
    fn find_without_index(&self, shape: Ref<Shape>, key: Ref<Str>) -> Option<u32> {
        let object = self.get(shape);
        object.lookups.set(object.lookups.get().saturating_add(1));
        if object.lookups.get() > LOOKUPS_BEFORE_INDEX
            && let Some(index) = self.make_index(shape)
        {
            return self.find_in_index(index, object.count, key);
        }
        self.ancestry(shape).find(|(_, ancestor)| ancestor.key == Some(key)).map(|(_, ancestor)| ancestor.count - 1)
    }

    /// The key of a field.
    #[inline]
    pub fn field_key(&self, shape: Ref<Shape>, number: u32) -> Option<Ref<Str>> {
        let object = self.get(shape);
        match object.index.get().or_else(|| self.make_index(shape)) {
            Some(index) => {
                let places = self.refs(index);
                places.get(places.len() - object.count as usize + number as usize)?.get().map(Ref::cast)
            }
            None => self.ancestry(shape).find(|(_, ancestor)| ancestor.count == number + 1)?.1.key,
        }
    }

    /// The shape, its parent and so on.
    fn ancestry(&self, shape: Ref<Shape>) -> impl Iterator<Item = (Ref<Shape>, &Shape)> {
        let shapes = core::iter::successors(Some(shape), |&shape| self.get(shape).parent);
        shapes.map(|shape| (shape, self.get(shape)))
    }

    /// Makes the index, if there is memory for it: see [`Shape::index`].
    #[cold]
    #[inline(never)]
    fn make_index(&self, shape: Ref<Shape>) -> Option<Ref<RefArray>> {
        let object = self.get(shape);
        let size = (object.count * 2).next_power_of_two();
        let index = self.new_ref_array(size + object.count).ok()?;
        let (places, keys) = self.refs(index).split_at(size as usize);
        for (ancestor, object) in self.ancestry(shape).take(object.count as usize) {
            let key = object.key?;
            keys[object.count as usize - 1].set(Some(key.cast()));
            let first = self.get(key).hash as usize;
            let free =
                (first..).map(|place| place & (places.len() - 1)).find(|&place| places[place].get().is_none())?;
            places[free].set(Some(ancestor.cast()));
        }
        object.index.set(Some(index));
        self.barrier(shape);
        Some(index)
    }
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

    /// Makes the shape that adds `key`, which is not there yet. `None` says that the table shall go to dictionary mode.
    pub(crate) fn add_transition(
        &self,
        shape: Ref<Shape>,
        key: Ref<Str>,
        origin: Origin,
    ) -> Result<Option<Ref<Shape>>, OutOfMemory> {
        let object = self.get(shape);
        if object.count >= MAX_FIELDS || self.shape_count() >= MAX_SHAPES {
            return Ok(None);
        }
        let children = match object.transitions.get() {
            Some(array) => self.refs(array).iter().filter(|place| place.get().is_some()).count(),
            None => 0,
        };
        if origin == Origin::Computed {
            let limit = (MAX_COMPUTED_CHILDREN >> object.computed()).max(1);
            if object.computed() >= MAX_COMPUTED_FIELDS || children >= limit as usize {
                return Ok(None);
            }
        }
        let child = self.new_shape(Some(shape), Some(key))?;
        let computed = object.computed() + u8::from(origin == Origin::Computed);
        self.get(child).header.flags.set(computed);
        Ok(self.enter_transition(shape, child, children)?.then_some(child))
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
    fn enter_transition(&self, shape: Ref<Shape>, child: Ref<Shape>, children: usize) -> Result<bool, OutOfMemory> {
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

    fn place_transition(&self, places: &[Cell<Option<Ref<AnyObject>>>], child: Ref<Shape>) -> bool {
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
