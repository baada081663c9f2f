//! Dictionary mode: the short-string keys in a hash part of their own, which takes the place of the fields.
//!
//! Which mode a table is in depends on the shapes that the collector has left, so nothing that programs see may depend
//! on it. In both modes the short-string keys come in the order in which they were added, after the array part and
//! before the other keys; and a removed key keeps its place in both, until removed keys are dropped at a *checkpoint*:
//! before a new key is added to certain numbers of places, if at most three quarters of those are in use.

use super::{HashEntry, HashPart, NIL_TAG, Parts, Table, TableError, hash::capacity_for, key::STRING};
use crate::{heap::Heap, reference::Ref, string::Str};

/// So few places are not worth looking at.
const MIN_CHECKPOINT: u32 = 32;

/// Whether removed keys may be dropped when a short-string key is added to this many places.
#[inline(always)]
pub const fn is_checkpoint(places: u32) -> bool {
    places >= MIN_CHECKPOINT && places.is_power_of_two()
}

/// Whether at a checkpoint with this many places, of which `used` are in use, the removed keys are dropped.
pub(super) fn drops_removed(places: u32, used: u32) -> bool {
    u64::from(used) * 4 <= u64::from(places) * 3
}

fn count_used(entries: &[HashEntry]) -> u32 {
    entries.iter().filter(|entry| !entry.is_removed()).count() as u32
}

impl Heap {
    /// The short-string keys of a table in dictionary mode, if it has any.
    #[inline]
    pub fn names(&self, table: &Table) -> Option<Ref<HashPart>> {
        if self.is_dictionary(table.shape.get()) { table.fields.get().map(Ref::cast) } else { None }
    }

    /// The entries of [`Heap::names`].
    pub(crate) fn name_entries(&self, table: &Table) -> &[HashEntry] {
        self.names(table).map_or(&[], |part| self.hash_entries(part))
    }

    /// The entry of a short string in dictionary mode, which may be removed.
    #[inline]
    pub fn find_name(&self, table: &Table, key: Ref<Str>) -> Option<&HashEntry> {
        let part = self.view(self.names(table)?);
        part.find(self.get(key).hash, (STRING, key.units().into()))
    }

    /// Adds a short string that is not there to a table in dictionary mode.
    #[inline]
    pub(super) fn add_name(&self, table: Ref<Table>, key: Ref<Str>, value: Parts) -> Result<(), TableError> {
        let has_room = |part: Ref<HashPart>| {
            let part = self.get(part);
            part.used.get() < part.capacity() && !is_checkpoint(part.used.get())
        };
        let part = match self.names(self.get(table)) {
            Some(part) if has_room(part) => part,
            _ => self.make_room_for_name(table)?,
        };
        let key_parts = (STRING, key.units().into());
        self.view(part).push(self.get(key).hash, key_parts, value);
        self.barrier_value(table, key_parts);
        self.barrier_value(table, value);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn make_room_for_name(&self, table: Ref<Table>) -> Result<Ref<HashPart>, TableError> {
        let entries = self.name_entries(self.get(table));
        let places = entries.len() as u32;
        if is_checkpoint(places) {
            let used = count_used(entries);
            if drops_removed(places, used) {
                return self.rebuild_names(table, capacity_for(used + 1)?, true);
            }
        }
        match self.names(self.get(table)) {
            Some(part) if places < self.get(part).capacity() => Ok(part),
            _ => self.rebuild_names(table, capacity_for(places + 1)?, false),
        }
    }

    /// Gives a table in dictionary mode room for this many short strings in all.
    pub(super) fn reserve_names(&self, table: Ref<Table>, count: u32) -> Result<(), TableError> {
        let capacity = self.names(self.get(table)).map_or(0, |part| self.get(part).capacity());
        if count > capacity {
            self.rebuild_names(table, capacity_for(count)?, false)?;
        }
        Ok(())
    }

    fn rebuild_names(
        &self,
        table: Ref<Table>,
        capacity: u32,
        drops_removed: bool,
    ) -> Result<Ref<HashPart>, TableError> {
        let object = self.get(table);
        let old_part = self.names(object);
        if let Some(part) = old_part.filter(|&part| self.rebuild_in_place(part, capacity, drops_removed)) {
            return Ok(part);
        }
        let new = self.new_hash_part(capacity)?;
        for entry in self.name_entries(object).iter().filter(|entry| !(drops_removed && entry.is_removed())) {
            self.push_entry(new, entry.key(), entry.value());
        }
        object.fields.set(Some(new.cast()));
        self.barrier_storage(table, new, self.get(new).bytes());
        if let Some(old) = old_part {
            self.discard(old, self.get(old).bytes());
        }
        Ok(new)
    }

    /// Takes a table from shape to dictionary mode, with room for `additional` short strings more.
    #[cold]
    pub(super) fn make_dictionary(&self, table: Ref<Table>, additional: u32) -> Result<(), TableError> {
        let object = self.get(table);
        let shape = object.shape.get();
        let count = self.get(shape).count;
        let dictionary = self.dictionary_shape()?;
        let part = self.new_hash_part(capacity_for(count.saturating_add(additional))?)?;
        for number in 0..count {
            if let Some(key) = self.field_key(shape, number) {
                self.push_entry(part, (STRING, key.units().into()), self.field_value(object, number));
            }
        }
        object.shape.set(dictionary);
        object.fields.set(Some(part.cast()));
        self.barrier(table);
        if object.is_prototype() {
            // Caches know fields by their place.
            self.bump_prototype_epoch();
        }
        Ok(())
    }

    /// Whether a table in shape mode is at a checkpoint where its removed keys are dropped.
    pub(super) fn is_to_drop_fields(&self, table: &Table) -> bool {
        let places = self.get(table.shape.get()).count;
        is_checkpoint(places) && {
            let used = (0..places).filter(|&number| self.field_value(table, number).0 != NIL_TAG).count();
            drops_removed(places, used as u32)
        }
    }
}
