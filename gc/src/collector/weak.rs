//! Weak tables: how they are scanned, and which entries they lose when marking ends.

use super::{mark::Marker, trace::bury_key};
use crate::{
    heap::Heap,
    list::{List, Position},
    object::AnyObject,
    reference::Ref,
    string::Str,
    table::{HashEntry, Table},
    value::{FIRST_REFERENCE_TAG, Tag},
};

/// Which references of a table don't keep objects alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weakness {
    Strong,
    Values,
    Keys,
    KeysAndValues,
}

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
        // Strings are never removed as keys; so that they keep their places, they stay what they are.
        if let Some(names) = self.heap.names(object) {
            self.scan_entries(names, self.heap.hash_entries(names), weakness == Weakness::Keys);
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
        self.scan_slots(self.heap.field_slots(table));
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
            for slot in self.heap.field_slots(table) {
                if is_dead(self, slot.tag.get() as u8, slot.payload.get()) {
                    slot.payload.set(0);
                    slot.tag.set(Tag::Nil as u32);
                }
            }
            self.clear_array(table);
            for entry in self.heap.name_entries(table) {
                if is_dead(self, entry.value_tag.get(), entry.value_payload.get()) {
                    remove_value(entry);
                }
            }
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

fn remove_value(entry: &HashEntry) {
    entry.value_payload.set(0);
    entry.value_tag.set(Tag::Nil as u8);
}

fn remove(entry: &HashEntry) {
    remove_value(entry);
    bury_key(entry);
}

impl Heap {
    /// The entries of a table's hash part.
    pub(super) fn entries_of(&self, table: &Table) -> &[HashEntry] {
        table.hash.get().map_or(&[], |hash| self.hash_entries(hash))
    }

    /// Tag and payload of a short-string key, without making an index on the way.
    fn peek_field(&self, table: Ref<Table>, key: Ref<Str>) -> (u8, u64) {
        let object = self.get(table);
        if let Some(entry) = self.find_name(object, key) {
            return entry.value();
        }
        let mut shape = Some(object.shape.get());
        while let Some(reference) = shape {
            let level = self.get(reference);
            if level.key == Some(key) {
                let slots = self.field_slots(object);
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
