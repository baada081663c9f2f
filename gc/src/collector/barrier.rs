//! Write barriers: how the collector learns of references written into objects that it has scanned.
//!
//! A scanned object has [`Header::BARRIER`] set. A write to it clears the bit and logs the object, to be scanned again
//! before marking ends or by the next minor collection.
//!
//! A large table, or array of WebAssembly, would have to be scanned again and again, so it is treated the other way round: it stays as it is, and
//! the object that was written into it is marked, or, between collections, remembered and marked with the roots of the
//! next one. Storage that replaces a large table's is marked without being scanned, because what it holds was in the old
//! one or was treated like that.

use super::{MARK, Phase};
use crate::{
    heap::Heap,
    object::{AnyObject, Header, Kind, Object},
    reference::{REFERENCE_SCALE, Ref},
    table::{Parts, Table},
    typed::TypedObject,
    value::FIRST_REFERENCE_TAG,
};

/// Elements or entries from which on a table is large.
const LARGE_TABLE: u32 = 1 << 14;

impl Heap {
    /// Must be called after references were written into the object (not for threads' stacks). The object of a table's
    /// parts is the table.
    #[inline(always)]
    pub fn barrier<T: Object>(&self, parent: Ref<T>) {
        if self.needs_barrier(parent) {
            self.log(parent.cast());
        }
    }

    /// Must be called, instead of [`Heap::barrier`], after one value was written into a table or its storage.
    #[inline(always)]
    pub fn barrier_value(&self, table: Ref<Table>, value: Parts) {
        if value.0 >= FIRST_REFERENCE_TAG && self.needs_barrier(table) {
            self.barrier_value_slow(table.cast(), value.1);
        }
    }

    /// Must be called, instead of [`Heap::barrier`], after one value was written into an array.
    #[inline(always)]
    pub fn barrier_element(&self, array: Ref<TypedObject>, value: Parts) {
        if value.0 >= FIRST_REFERENCE_TAG && self.needs_barrier(array) {
            self.barrier_value_slow(array.cast(), value.1);
        }
    }

    /// Must be called, instead of [`Heap::barrier`], after storage of `bytes` bytes was put into a table that holds
    /// nothing but what the table's storage held before.
    pub(crate) fn barrier_storage<T: Object>(&self, table: Ref<Table>, storage: Ref<T>, bytes: usize) {
        if !self.needs_barrier(table) {
            return;
        }
        if !self.is_large_table(table) {
            self.log(table.cast());
            return;
        }
        let state = self.state();
        let count = match self.phase() {
            Phase::Marking if self.is_marked(table.cast()) => &state.marked_bytes,
            Phase::Marking => return,
            _ if state.is_generational.get() != 0 => &state.live_bytes,
            _ => return,
        };
        let header = &self.get(storage.cast::<AnyObject>()).header;
        if header.gc.get() & MARK != state.epoch.get() {
            let bytes = bytes.next_multiple_of(REFERENCE_SCALE);
            header.gc.set(header.gc.get() & !MARK | state.epoch.get());
            self.mark_lines(storage.units() as usize * REFERENCE_SCALE, bytes, state.epoch.get());
            count.set(count.get() + bytes as u64);
        }
    }

    #[inline(always)]
    fn needs_barrier<T>(&self, parent: Ref<T>) -> bool {
        self.get(parent.cast::<AnyObject>()).header.gc.get() & Header::BARRIER != 0
    }

    /// Whether the collector treats an object as a large one.
    pub(super) fn is_large(&self, object: Ref<AnyObject>) -> bool {
        match Kind::from_number(self.get(object).header.kind) {
            Some(Kind::Table) => self.is_large_table(object.cast()),
            Some(Kind::TypedObject) => self.reference_count(object.cast()) >= LARGE_TABLE as usize,
            _ => false,
        }
    }

    /// Whether the collector treats a table as a large one.
    fn is_large_table(&self, table: Ref<Table>) -> bool {
        let table = self.get(table);
        table.array_length.get() >= LARGE_TABLE
            || [table.hash.get(), self.names(table)]
                .into_iter()
                .flatten()
                .any(|part| self.get(part).used.get() >= LARGE_TABLE)
    }

    #[cold]
    #[inline(never)]
    fn log(&self, parent: Ref<AnyObject>) {
        let state = self.state();
        let header = &self.get(parent).header;
        header.gc.set(header.gc.get() & !Header::BARRIER);
        let is_wanted = match self.phase() {
            Phase::Marking => self.is_marked(parent),
            _ => state.is_generational.get() != 0,
        };
        if is_wanted && self.list_push(&state.log, parent.units()).is_err() {
            state.is_incomplete.set(1);
        }
    }

    #[cold]
    #[inline(never)]
    fn barrier_value_slow(&self, parent: Ref<AnyObject>, payload: u64) {
        let state = self.state();
        let is_wanted = match self.phase() {
            Phase::Marking => self.is_marked(parent),
            _ => state.is_generational.get() != 0,
        };
        if !is_wanted || !self.is_large(parent) {
            self.log(parent);
            return;
        }
        let Some(value) = Ref::<AnyObject>::from_units(payload as u32) else { return };
        let header = &self.get(value).header;
        if header.gc.get() & MARK == state.epoch.get() || header.gc.get() & Header::REMEMBERED != 0 {
            return;
        }
        let list = match self.phase() {
            Phase::Marking if header.kind == Kind::String as u8 => {
                let bytes = self.mark_string(value.cast());
                state.marked_bytes.set(state.marked_bytes.get() + bytes);
                return;
            }
            Phase::Marking => {
                header.gc.set(header.gc.get() & !(MARK | Header::BARRIER) | state.epoch.get());
                &state.marks
            }
            _ => {
                header.gc.set(header.gc.get() | Header::REMEMBERED);
                &state.remembered
            }
        };
        if self.list_push(list, value.units()).is_err() {
            state.is_incomplete.set(1);
        }
    }

    /// Takes an object that was written into a large table.
    pub(super) fn take_remembered(&self) -> Option<Ref<AnyObject>> {
        let object = self.list_pop(&self.state().remembered).and_then(Ref::<AnyObject>::from_units)?;
        let header = &self.get(object).header;
        header.gc.set(header.gc.get() & !Header::REMEMBERED);
        Some(object)
    }
}
