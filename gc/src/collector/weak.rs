//! What the collector does not keep alive: entries of weak tables, children of shapes, references in sites.
//!
//! Ephemerons (tables with weak keys) are resolved in time linear in the number of entries: a value whose key is not
//! marked yet waits for it in a hash table by key, and is marked when the key is scanned.

use super::{Phase, mark::Marker, trace::bury_key};
use crate::{
    function::{Prototype, Site},
    heap::Heap,
    list::{List, Position},
    object::{AnyObject, RegionData},
    reference::Ref,
    region::BLOCK_BYTES,
    region_layout,
    string::Str,
    table::{HashEntry, HashPart, Shape, Table},
    value::{FIRST_REFERENCE_TAG, Tag},
};
use core::cell::Cell;

/// The most sites that are looked through at the end of marking; those of further prototypes are emptied at once.
const MAX_SITES: u32 = 1 << 15;

/// Which references of a table don't keep objects alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weakness {
    Strong,
    Values,
    Keys,
    KeysAndValues,
}

region_layout! {
    /// Values that wait for their keys: an open hash table by key, in blocks of its own while marking ends.
    pub struct WaitingTable {
        /// Offset of the entries.
        pub entries: Cell<u64>,
        /// The number of entries, a power of two; 0 if there is no table.
        pub capacity: Cell<u32>,
        /// Entries in use.
        pub used: Cell<u32>,
    }
}

/// Key and value in reference units; key 0 in a free entry, value 0 in one that was taken out.
#[repr(C)]
struct Waiting {
    key: Cell<u32>,
    value: Cell<u32>,
}
// SAFETY: `repr(C)` of numbers.
unsafe impl RegionData for Waiting {}

/// Whether the collector will find the object of a value dead. Strings are values and never removed.
fn is_dead(marker: &mut Marker<'_>, tag: u8, payload: u64) -> bool {
    if tag < FIRST_REFERENCE_TAG {
        return false;
    }
    let Some(object) = Ref::<AnyObject>::from_units(payload as u32) else { return false };
    if tag == Tag::String as u8 {
        marker.discover(object.units());
        return false;
    }
    !marker.heap.is_marked(object)
}

/// Tables.
impl Marker<'_> {
    /// Scans a table if its metatable makes it weak; `false` if it doesn't.
    pub fn scan_weak_table(&mut self, table: Ref<Table>, metatable: Ref<Table>) -> bool {
        let weakness = self.weakness(metatable);
        let list = match weakness {
            Weakness::Strong => return false,
            Weakness::Values => &self.state.weak_values,
            Weakness::Keys => &self.state.ephemerons,
            Weakness::KeysAndValues => &self.state.all_weak,
        };
        if self.heap.list_push(list, table.units()).is_err() {
            self.state.is_incomplete.set(1);
        }
        let object = self.heap.get(table);
        self.claim_parts(object);
        match weakness {
            Weakness::Values => {
                if let Some(hash) = object.hash.get() {
                    self.scan_entries(hash, self.heap.hash_entries(hash), false);
                }
            }
            Weakness::Keys => self.scan_ephemeron(object),
            _ => {}
        }
        true
    }

    fn weakness(&mut self, metatable: Ref<Table>) -> Weakness {
        let place = metatable.units() as usize % self.modes.len();
        if self.modes[place].0 != metatable.units() {
            self.modes[place] = (metatable.units(), self.find_weakness(metatable));
        }
        self.modes[place].1
    }

    fn find_weakness(&self, metatable: Ref<Table>) -> Weakness {
        let heap = self.heap;
        let Some(key) = self.state.mode_key.get() else { return Weakness::Strong };
        let (tag, payload) = heap.peek_field(metatable, key);
        let Some(mode) = Ref::<Str>::from_units(payload as u32).filter(|_| tag == Tag::String as u8) else {
            return Weakness::Strong;
        };
        let mode = heap.string_bytes(mode);
        match (mode.contains(&b'k'), mode.contains(&b'v')) {
            (false, false) => Weakness::Strong,
            (false, true) => Weakness::Values,
            (true, false) => Weakness::Keys,
            (true, true) => Weakness::KeysAndValues,
        }
    }

    /// Marks the values of a table with weak keys whose keys are marked; when resolving, the others begin to wait.
    fn scan_ephemeron(&mut self, table: &Table) {
        if let Some(fields) = table.fields.get() {
            self.scan_slots(self.heap.slots(fields));
        }
        if let Some(array) = table.array.get() {
            let (payloads, tags) = self.heap.value_array_parts(array);
            self.scan_values(payloads, tags);
        }
        for entry in self.heap.entries_of(table) {
            let (value_tag, value) = (entry.value_tag.get(), entry.value_payload.get());
            if value_tag == Tag::Nil as u8 {
                continue;
            }
            if !is_dead(self, entry.key_tag.get(), entry.key_payload.get()) {
                self.discover_parts(value_tag, value);
            } else if self.is_resolving && value_tag >= FIRST_REFERENCE_TAG {
                self.wait(entry.key_payload.get() as u32, value as u32);
            }
        }
        self.work += size_of_val(self.heap.entries_of(table));
    }

    /// Marks the values of ephemerons whose keys are alive.
    pub fn resolve_ephemerons(&mut self) {
        self.is_resolving = true;
        let mut position = self.state.ephemerons.start();
        while let Some(units) = self.heap.list_next(&self.state.ephemerons, &mut position) {
            if let Some(table) = Ref::<Table>::from_units(units) {
                self.scan_ephemeron(self.heap.get(table));
                self.advance_to_end();
            }
        }
    }

    /// Clears weak values that are dead, before any finalizer can bring objects back.
    pub fn clear_values(&mut self) {
        let state = self.state;
        self.clear_values_of(&state.weak_values, state.weak_values.start());
        self.clear_values_of(&state.all_weak, state.all_weak.start());
        self.cleared = [&state.weak_values, &state.all_weak].map(|list| self.heap.list_end(list));
        self.advance_to_end();
    }

    /// Clears what is dead after objects with finalizers were brought back: keys, and values of the tables that were
    /// found from those objects.
    pub fn clear_keys(&mut self) {
        let state = self.state;
        for list in [&state.ephemerons, &state.all_weak] {
            let mut position = list.start();
            while let Some(table) = self.heap.list_next(list, &mut position).and_then(Ref::from_units) {
                for entry in self.heap.entries_of(self.heap.get(table)) {
                    let (tag, key) = (entry.key_tag.get(), entry.key_payload.get());
                    let is_dead = if entry.is_removed() {
                        tag >= FIRST_REFERENCE_TAG
                            && Ref::<AnyObject>::from_units(key as u32).is_some_and(|key| !self.heap.is_marked(key))
                    } else {
                        is_dead(self, tag, key)
                    };
                    if is_dead {
                        remove(entry);
                    }
                }
            }
        }
        let [weak_values, all_weak] = self.cleared;
        self.clear_values_of(&state.weak_values, weak_values);
        self.clear_values_of(&state.all_weak, all_weak);
        self.advance_to_end();
        for list in [&state.weak_values, &state.ephemerons, &state.all_weak] {
            self.heap.list_clear(list);
        }
        self.drop_waiting();
    }

    fn clear_values_of(&mut self, list: &List, mut position: Position) {
        while let Some(table) = self.heap.list_next(list, &mut position).and_then(Ref::<Table>::from_units) {
            let table = self.heap.get(table);
            for slot in table.fields.get().map_or(&[][..], |fields| self.heap.slots(fields)) {
                if is_dead(self, slot.tag.get() as u8, slot.payload.get()) {
                    slot.payload.set(0);
                    slot.tag.set(Tag::Nil as u32);
                }
            }
            self.clear_array(table);
            for entry in self.heap.entries_of(table) {
                if is_dead(self, entry.value_tag.get(), entry.value_payload.get()) {
                    remove(entry);
                }
            }
        }
    }

    fn clear_array(&mut self, table: &Table) {
        let Some(array) = table.array.get() else { return };
        let (payloads, tags) = self.heap.value_array_parts(array);
        for (payload, tag) in payloads.iter().zip(tags) {
            if is_dead(self, tag.get(), payload.get()) {
                payload.set(0);
                tag.set(Tag::Nil as u8);
            }
        }
        self.heap.trim_array(table);
    }
}

fn remove(entry: &HashEntry) {
    entry.value_payload.set(0);
    entry.value_tag.set(Tag::Nil as u8);
    bury_key(entry);
}

/// Values that wait for their keys.
impl Marker<'_> {
    fn wait(&mut self, key: u32, value: u32) {
        let table = &self.state.waiting;
        if table.used.get() >= table.capacity.get() / 4 * 3 && self.heap.grow_waiting().is_none() {
            self.state.is_incomplete.set(1);
            return;
        }
        self.heap.insert_waiting(key, value);
    }

    /// Marks the values that wait for a key that is being scanned.
    pub fn release_waiting(&mut self, key: u32) {
        let entries = self.heap.waiting_entries();
        if entries.is_empty() {
            return;
        }
        let mask = entries.len() - 1;
        let mut position = place(key, mask);
        while entries[position].key.get() != 0 {
            if entries[position].key.get() == key {
                let value = entries[position].value.replace(0);
                if value != 0 {
                    self.discover(value);
                }
            }
            position = (position + 1) & mask;
        }
    }

    fn drop_waiting(&mut self) {
        self.is_resolving = false;
        self.heap.free_waiting(self.state.waiting.entries.get(), self.state.waiting.capacity.get());
        self.state.waiting.capacity.set(0);
        self.state.waiting.used.set(0);
    }
}

fn place(key: u32, mask: usize) -> usize {
    (u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask
}

impl Heap {
    fn waiting_entries(&self) -> &[Waiting] {
        let table = &self.state().waiting;
        // SAFETY: the table's blocks belong to the heap; any bits are valid entries.
        unsafe {
            let entries = self.base().wrapping_add(table.entries.get() as usize).cast();
            core::slice::from_raw_parts(entries, table.capacity.get() as usize)
        }
    }

    fn insert_waiting(&self, key: u32, value: u32) {
        let entries = self.waiting_entries();
        let mask = entries.len() - 1;
        let mut position = place(key, mask);
        while entries[position].key.get() != 0 {
            position = (position + 1) & mask;
        }
        entries[position].key.set(key);
        entries[position].value.set(value);
        let used = &self.state().waiting.used;
        used.set(used.get() + 1);
    }

    fn grow_waiting(&self) -> Option<()> {
        const FIRST: u32 = (BLOCK_BYTES / size_of::<Waiting>()) as u32;
        let table = &self.state().waiting;
        let (old, old_offset) = (self.waiting_entries(), table.entries.get());
        let capacity = if old.is_empty() { FIRST } else { table.capacity.get().checked_mul(2)? };
        table.entries.set(self.take_own(capacity as usize * size_of::<Waiting>())?);
        table.capacity.set(capacity);
        table.used.set(0);
        self.waiting_entries().iter().for_each(|entry| entry.key.set(0));
        for entry in old.iter().filter(|entry| entry.key.get() != 0 && entry.value.get() != 0) {
            self.insert_waiting(entry.key.get(), entry.value.get());
        }
        self.free_waiting(old_offset, old.len() as u32);
        Some(())
    }

    fn free_waiting(&self, offset: u64, capacity: u32) {
        let blocks = capacity as usize * size_of::<Waiting>() / BLOCK_BYTES;
        if blocks > 0 {
            self.free_run((offset / BLOCK_BYTES as u64) as u32, blocks as u32);
        }
    }

    /// The entries of a table's hash part.
    pub(super) fn entries_of(&self, table: &Table) -> &[HashEntry] {
        table.hash.get().map_or(&[], |hash| self.hash_entries(hash))
    }

    /// The entries in use of a hash part.
    pub(crate) fn hash_entries(&self, hash: Ref<HashPart>) -> &[HashEntry] {
        self.get(hash).entries()
    }

    /// Tag and payload of a short-string key, without making an index on the way.
    fn peek_field(&self, table: Ref<Table>, key: Ref<Str>) -> (u8, u64) {
        let object = self.get(table);
        if let Some(number) = self.hash_find_short(table, key) {
            let entry = &self.entries_of(object)[number as usize];
            return entry.value();
        }
        let mut shape = Some(object.shape.get());
        while let Some(reference) = shape {
            let level = self.get(reference);
            if level.key == Some(key) {
                let slots = object.fields.get().map_or(&[][..], |fields| self.slots(fields));
                return match slots.get(level.count as usize - 1) {
                    Some(slot) => (slot.tag.get() as u8, slot.payload.get()),
                    None => (Tag::Nil as u8, 0),
                };
            }
            shape = level.parent;
        }
        (Tag::Nil as u8, 0)
    }
}

/// Shapes and sites.
impl Marker<'_> {
    /// Removes dead shapes from the transitions of their parents.
    pub fn prune_shapes(&mut self) {
        while let Some(shape) = self.heap.list_pop(&self.state.shapes).and_then(Ref::<Shape>::from_units) {
            let children: &[_] = match self.heap.get(shape).transitions.get() {
                Some(transitions) => self.heap.refs(transitions),
                None => &[],
            };
            for child in children {
                if child.get().is_some_and(|shape| !self.heap.is_marked(shape)) {
                    child.set(None);
                }
            }
        }
    }

    /// Puts a prototype on the list of those whose sites are looked through, or empties its sites.
    ///
    /// A minor collection keeps what sites refer to alive: shapes of short-lived tables would else be made again and again.
    pub fn note_sites(&mut self, prototype: Ref<Prototype>) {
        if self.heap.phase() == Phase::Idle {
            for site in self.heap.sites(prototype) {
                self.discover_ref(site.shape.get());
                self.discover_ref(site.other_shape.get());
                self.discover_ref(site.next_shape.get());
                self.discover_ref(site.metatable.get());
                self.discover_ref(site.holder.get());
            }
            return;
        }
        let count = self.heap.get(prototype).site_count;
        let all = self.state.site_count.get().saturating_add(count);
        if all <= MAX_SITES && self.heap.list_push(&self.state.prototypes, prototype.units()).is_ok() {
            self.state.site_count.set(all);
        } else {
            self.heap.sites(prototype).iter().for_each(empty);
        }
    }

    /// Empties sites that refer to something dead.
    pub fn prune_sites(&mut self) {
        while let Some(prototype) = self.heap.list_pop(&self.state.prototypes).and_then(Ref::from_units) {
            for site in self.heap.sites(prototype) {
                let is_alive = |object: Option<Ref<AnyObject>>| object.is_none_or(|object| self.heap.is_marked(object));
                let first = site.shape.get().map(Ref::cast);
                let second = [
                    site.next_shape.get().map(Ref::cast),
                    site.metatable.get().map(Ref::cast),
                    site.holder.get().map(Ref::cast),
                ];
                let other = site.other_shape.get().map(Ref::cast);
                if !is_alive(first) || !is_alive(other) || !second.into_iter().all(is_alive) {
                    empty(site);
                }
            }
        }
        self.state.site_count.set(0);
    }
}

fn empty(site: &Site) {
    site.shape.set(None);
    site.other_shape.set(None);
    site.next_shape.set(None);
    site.metatable.set(None);
    site.holder.set(None);
}
