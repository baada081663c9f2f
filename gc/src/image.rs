//! What writing an instance to an image, and reading it back, needs of the heap beyond what programs need: looks that
//! change nothing, and objects made as they were, part by part.
//!
//! Nothing here checks more than memory safety needs; what an image may say is its reader's business.

use crate::{
    collector::Parameters,
    function::{Closure, Prototype},
    heap::{Heap, OutOfMemory},
    list::List,
    object::{AnyObject, Header, Kind},
    pages::LARGE_PAGE,
    reference::Ref,
    region::BLOCK_BYTES,
    storage::ValueArray,
    string::Str,
    table::{HashEntry, HashPart, NIL, NIL_TAG, Origin, Parts, Shape, Table, TableError, key::STRING},
    value::Tag,
};
use alloc::vec::Vec;

/// What a program has asked of the collector, and whether the instance is being closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollectorSettings {
    /// 0: what pays; 1: incremental; 2: generational.
    pub policy: u8,
    /// Whether the collector does not run of its own accord.
    pub is_stopped: bool,
    /// Whether all finalizers were taken.
    pub is_closing: bool,
    /// The parameters.
    pub parameters: Parameters,
    /// Bytes by which the heap may grow before the collector runs next.
    pub growth: u64,
}

/// Why a part of a table could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartError {
    /// There is no memory for it.
    Memory,
    /// Its content breaks this rule.
    Malformed(&'static str),
}

impl From<OutOfMemory> for PartError {
    fn from(_: OutOfMemory) -> PartError {
        PartError::Memory
    }
}

/// Looks.
impl Heap {
    /// The object's identity, if it was given one.
    pub fn known_identity(&self, object: Ref<AnyObject>) -> Option<u64> {
        let header = &self.get(object).header;
        let identity = u64::from(header.identity_high.get()) << 32 | u64::from(header.low.get());
        (header.kind <= Kind::Cell as u8 && identity != 0).then_some(identity)
    }

    /// The last identity given away.
    pub fn last_identity(&self) -> u64 {
        self.header().identities.get()
    }

    /// The keys of a shape in their order, into a vector.
    pub fn shape_keys(&self, shape: Ref<Shape>, keys: &mut Vec<Ref<Str>>) {
        keys.clear();
        let shapes = core::iter::successors(Some(shape), |&shape| self.get(shape).parent);
        keys.extend(shapes.filter_map(|shape| self.get(shape).key));
        keys.reverse();
    }

    /// The entries of the short-string keys of a table in dictionary mode.
    pub fn short_key_entries(&self, table: Ref<Table>) -> &[HashEntry] {
        self.name_entries(self.get(table))
    }

    /// The objects with a finalizer in the order of registration, and those whose finalizer is due in the order in which
    /// they are called.
    pub fn finalizable_objects(&self) -> (Vec<Ref<AnyObject>>, Vec<Ref<AnyObject>>) {
        let state = self.state();
        let mut registered = Vec::new();
        self.list_objects(&state.finalizable_old, &mut registered);
        self.list_objects(&state.finalizable, &mut registered);
        let mut pending = Vec::new();
        self.list_objects(&state.pending, &mut pending);
        (registered, pending)
    }

    fn list_objects(&self, list: &List, objects: &mut Vec<Ref<AnyObject>>) {
        let mut position = list.start();
        while let Some(units) = self.list_next(list, &mut position) {
            objects.extend(Ref::from_units(units));
        }
    }

    /// The collector's settings.
    pub fn collector_settings(&self) -> CollectorSettings {
        let state = self.state();
        CollectorSettings {
            policy: state.policy.get(),
            is_stopped: state.is_stopped.get() != 0,
            is_closing: state.is_closing.get() != 0,
            parameters: self.collector().parameters(),
            growth: self.header().trigger.get().saturating_sub(self.used_bytes()),
        }
    }
}

/// Making objects.
impl Heap {
    /// The heap is about to grow by so many bytes: has pages made beyond those in use, but for what was prepared before, up
    /// to an offset from the region's start. Gives up to where they are prepared now.
    pub fn prepare_growth(&self, prepared: usize, bytes: usize) -> usize {
        let touched = self.touched_bytes();
        let start = touched.next_multiple_of(LARGE_PAGE).max(prepared);
        let end = touched.saturating_add(bytes).min(self.header().block_count.get() as usize * BLOCK_BYTES)
            / LARGE_PAGE
            * LARGE_PAGE;
        if start >= end {
            return prepared;
        }
        self.prepare_pages(start..end);
        end
    }

    /// A string of `length` bytes that `fill` writes. Nobody may see it before [`Heap::restore_strings`] has.
    pub fn new_unseen_string(&self, length: usize, fill: impl FnOnce(&mut [u8])) -> Result<Ref<Str>, OutOfMemory> {
        self.new_string_apart(length, fill)
    }

    /// Makes strings that were made apart ordinary ones: equal short ones are one object.
    pub fn restore_strings(&self, strings: &mut [Ref<Str>]) -> Result<(), OutOfMemory> {
        self.intern_all(strings)
    }

    /// Gives a new object the identity that it had.
    pub fn set_identity(&self, object: Ref<AnyObject>, identity: u64) {
        let header = &self.get(object).header;
        if header.kind <= Kind::Cell as u8 {
            header.low.set(identity as u32);
            header.identity_high.set((identity >> 32) as u8);
        }
    }

    /// Sets the last identity given away.
    pub fn set_last_identity(&self, identity: u64) {
        self.header().identities.set(identity);
    }

    /// A shape with these keys, which are different short strings; `None` if a table with them has to be in dictionary
    /// mode.
    pub fn shape_of_keys(&self, keys: &[Ref<Str>]) -> Result<Option<Ref<Shape>>, OutOfMemory> {
        let mut shape = self.empty_shape()?;
        for &key in keys {
            let next = match self.transition(shape, key) {
                Some(next) => Some(next),
                None => self.add_transition(shape, key, Origin::Named)?,
            };
            match next {
                Some(next) => shape = next,
                None => return Ok(None),
            }
        }
        Ok(Some(shape))
    }

    /// Gives a new table a shape, and the values of its fields.
    pub fn restore_fields(
        &self,
        table: Ref<Table>,
        shape: Ref<Shape>,
        values: impl Iterator<Item = Parts>,
    ) -> Result<(), OutOfMemory> {
        let object = self.get(table);
        let fields = self.new_slot_array(self.get(shape).count)?;
        for (slot, (tag, payload)) in self.slots(fields).iter().zip(values) {
            slot.payload.set(payload);
            slot.tag.set(tag.into());
        }
        object.fields.set(Some(fields.cast()));
        object.shape.set(shape);
        Ok(())
    }

    /// A part for so many short-string keys of a table in dictionary mode.
    pub fn new_names(&self, count: u32) -> Result<Ref<HashPart>, PartError> {
        Ok(self.new_hash_part(capacity_for(count)?)?)
    }

    /// Appends a name to a new part, which was made for as many as there are; a nil value keeps the place of a removed key.
    pub fn restore_name(&self, part: Ref<HashPart>, key: Ref<Str>, value: Parts) -> Result<(), PartError> {
        let object = self.get(part);
        if object.used.get() >= object.capacity() {
            return Err(PartError::Malformed("more names than room"));
        }
        self.push_entry(part, (STRING, key.units().into()), value);
        Ok(())
    }

    /// Gives a new table, which is in dictionary mode then, its names.
    pub fn restore_names(&self, table: Ref<Table>, part: Ref<HashPart>) -> Result<(), OutOfMemory> {
        let object = self.get(table);
        object.shape.set(self.dictionary_shape()?);
        object.fields.set(Some(part.cast()));
        Ok(())
    }

    /// An array part for this many elements.
    pub fn new_array_part(&self, capacity: u32) -> Result<Ref<ValueArray>, PartError> {
        if capacity > crate::table::array::MAX_CAPACITY {
            return Err(PartError::Malformed("an array part is too large"));
        }
        Ok(self.new_value_array(capacity)?)
    }

    /// Gives a new table its array part, of which `length` elements, the last of them not nil, are in use.
    pub fn restore_array(&self, table: Ref<Table>, array: Ref<ValueArray>, length: u32) -> Result<(), PartError> {
        let (_, tags) = self.value_array_parts(array);
        let used = tags.get(..length as usize).ok_or(PartError::Malformed("an array part is longer than its room"))?;
        if used.last().is_some_and(|tag| tag.get() == NIL_TAG) {
            return Err(PartError::Malformed("an array part ends with nil"));
        }
        let object = self.get(table);
        object.array.set(Some(array));
        object.array_length.set(length);
        object.array_tags.set(array.units() + 1 + tags.len() as u32);
        Ok(())
    }

    /// A hash part for this many entries.
    pub fn new_hash(&self, capacity: u32) -> Result<Ref<HashPart>, PartError> {
        if !capacity.is_power_of_two() || !(4..=1 << 30).contains(&capacity) {
            return Err(PartError::Malformed("room of a hash part"));
        }
        Ok(self.new_hash_part(capacity)?)
    }

    /// Appends an entry to a new hash part. Removed ones have a nil value; their key may be dead.
    pub fn restore_entry(
        &self,
        part: Ref<HashPart>,
        key: Parts,
        value: Parts,
        is_buried: bool,
    ) -> Result<(), PartError> {
        let object = self.get(part);
        let is_removed = value.0 == NIL_TAG;
        if object.used.get() >= object.capacity() {
            return Err(PartError::Malformed("a hash part has more entries than room"));
        }
        if !self.belongs_into_hash(key) || ((is_buried || key.0 == Tag::DeadKey as u8) && !is_removed) {
            return Err(PartError::Malformed("a key does not belong into a hash part"));
        }
        self.push_entry(part, key, value);
        if is_buried && let Some(entry) = self.hash_entries(part).last() {
            entry.key_tag.set(Tag::DeadKey as u8);
        }
        Ok(())
    }

    /// Gives a new table, whose array part is there, its hash part.
    pub fn restore_hash(&self, table: Ref<Table>, part: Ref<HashPart>) -> Result<(), PartError> {
        let object = self.get(table);
        // What belongs into the array part, and the element after it, is nowhere else.
        let elements = 1..=u64::from(object.array_length.get()) + 1;
        let is_element = |entry: &HashEntry| {
            entry.key().0 == Tag::Integer as u8 && elements.contains(&entry.key().1) && !entry.is_removed()
        };
        if self.has_positive_integers(part) && self.hash_entries(part).iter().any(is_element) {
            return Err(PartError::Malformed("an element of the array part is in the hash part"));
        }
        object.hash.set(Some(part));
        Ok(())
    }

    fn has_positive_integers(&self, part: Ref<HashPart>) -> bool {
        self.get(part).integer_keys.get() != 0
    }

    /// Whether a key in the form of a hash part's entry can stand there.
    fn belongs_into_hash(&self, key: Parts) -> bool {
        const DEAD: u8 = Tag::DeadKey as u8;
        match key.0 {
            NIL_TAG => false,
            DEAD => true,
            STRING => Ref::<Str>::from_units(key.1 as u32).is_some_and(|key| !self.get(key).is_short()),
            _ => crate::table::key::check_storable(key).is_ok() && crate::table::key::normalize(key) == key,
        }
    }

    /// A new closure; the prototype says how many upvalues it has, which the caller sets.
    pub fn new_closure_of(&self, prototype: Ref<Prototype>) -> Result<Ref<Closure>, OutOfMemory> {
        self.new_closure(prototype, self.get(prototype).upvalue_count.into())
    }

    /// Makes the finalizer of an object due, after those that are.
    pub fn add_pending_finalizer(&self, object: Ref<AnyObject>) -> Result<(), PartError> {
        let flags = &self.get(object).header.flags;
        if flags.get() & Header::FINALIZABLE != 0 {
            return Err(PartError::Malformed("an object is to be finalized twice"));
        }
        self.list_push(&self.state().pending, object.units()).map_err(|_| PartError::Memory)?;
        flags.set(flags.get() | Header::FINALIZABLE);
        Ok(())
    }

    /// Whether the object is on one of the lists of objects with finalizers.
    pub fn is_finalizable(&self, object: Ref<AnyObject>) -> bool {
        self.get(object).header.flags.get() & Header::FINALIZABLE != 0
    }

    /// Takes settings up, and takes what there is for what a full collection has left: when all objects are made.
    pub fn restore_collector(&self, settings: CollectorSettings) {
        let state = self.state();
        state.policy.set(settings.policy.min(2));
        state.is_stopped.set(settings.is_stopped.into());
        state.is_closing.set(settings.is_closing.into());
        self.collector().set_parameters(settings.parameters);
        self.collector().begin_anew(settings.growth);
    }
}

/// The capacity for this many entries, at least.
fn capacity_for(count: u32) -> Result<u32, PartError> {
    crate::table::hash::capacity_for(count).map_err(|error| match error {
        TableError::OutOfMemory(_) => PartError::Memory,
        _ => PartError::Malformed("too many entries"),
    })
}

/// Key and value of an entry of a hash part.
pub fn entry_parts(entry: &HashEntry) -> (Parts, Parts) {
    (entry.key(), entry.value())
}

/// The value of an element of an array part, from its payload and tag.
pub fn element_value(tag: u8, payload: u64) -> Parts {
    if tag == NIL_TAG {
        NIL
    } else if tag <= Tag::True as u8 {
        (tag, 0)
    } else {
        (tag, payload)
    }
}
