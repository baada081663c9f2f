//! Finalizers: which objects have one, and which wait for it to be called.

use super::mark::Marker;
use crate::{
    heap::{Heap, OutOfMemory},
    list::List,
    object::{AnyObject, Header, Kind},
    reference::Ref,
    value::Value,
};

impl Heap {
    /// Notes that a table or userdata has a finalizer to be called once when the object is dead. Doing so twice is doing
    /// it once; after [`Heap::take_all_finalizable`] it is nothing.
    pub fn register_finalizable(&self, object: Ref<AnyObject>) -> Result<(), OutOfMemory> {
        let flags = &self.get(object).header.flags;
        if flags.get() & Header::FINALIZABLE != 0 || self.state().is_closing.get() != 0 {
            return Ok(());
        }
        self.list_push(&self.state().finalizable, object.units()).map_err(|_| OutOfMemory { requested: 0 })?;
        flags.set(flags.get() | Header::FINALIZABLE);
        Ok(())
    }

    /// Takes the next object whose finalizer is to be called. It is an ordinary object again, and can be registered again.
    pub fn next_pending_finalizer(&self) -> Option<Value> {
        let object = self.list_pop_first(&self.state().pending).and_then(Ref::<AnyObject>::from_units)?;
        let header = &self.get(object).header;
        header.flags.set(header.flags.get() & !Header::FINALIZABLE);
        match header.kind {
            kind if kind == Kind::Table as u8 => Some(Value::Table(object.cast())),
            kind if kind == Kind::Userdata as u8 => Some(Value::Userdata(object.cast())),
            _ => None,
        }
    }

    /// Whether there is an object whose finalizer is to be called.
    #[inline]
    pub fn has_pending_finalizers(&self) -> bool {
        !self.state().pending.is_empty()
    }

    /// Makes the finalizers of all objects, alive or not, due: the newest first. There are no new ones from now on.
    pub fn take_all_finalizable(&self) {
        let state = self.state();
        state.is_closing.set(1);
        for list in [&state.finalizable, &state.finalizable_old] {
            while let Some(units) = self.list_pop(list) {
                if self.list_push(&state.pending, units).is_err() {
                    return;
                }
            }
        }
    }
}

impl Marker<'_> {
    /// Moves dead objects with a finalizer to the pending ones, the newest first, and brings them back to life.
    pub fn separate_finalizable(&mut self) {
        let state = self.state;
        // The mark stack is empty here and serves to turn the order round.
        if self.heap.phase() != super::Phase::Idle {
            self.take_dead(&state.finalizable_old);
        }
        self.take_dead(&state.finalizable);
        let mut position = state.finalizable.start();
        while let Some(units) = self.heap.list_next(&state.finalizable, &mut position) {
            if self.heap.list_push(&state.finalizable_old, units).is_err() {
                state.is_incomplete.set(1);
            }
        }
        self.heap.list_clear(&state.finalizable);
        let first = self.heap.list_end(&state.pending);
        while let Some(units) = self.heap.list_pop(&state.marks) {
            if self.heap.list_push(&state.pending, units).is_err() {
                state.is_incomplete.set(1);
            }
        }
        let mut position = first;
        while let Some(units) = self.heap.list_next(&state.pending, &mut position) {
            self.discover(units);
        }
        self.advance_to_end();
    }

    fn take_dead(&mut self, list: &List) {
        let (heap, state) = (self.heap, self.state);
        heap.list_retain(list, |units| {
            let is_alive = Ref::from_units(units).is_none_or(|object| heap.is_marked(object));
            is_alive || heap.list_push(&state.marks, units).map_err(|_| state.is_incomplete.set(1)).is_err()
        });
    }
}
