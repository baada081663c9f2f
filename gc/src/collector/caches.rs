//! Shapes and inline caches, which don't keep alive what they refer to.

use super::{Phase, mark::Marker};
use crate::{
    function::{Prototype, Site},
    object::AnyObject,
    reference::Ref,
    table::Shape,
};

/// The most sites that are looked through at the end of marking; those of further prototypes are emptied at once.
const MAX_SITES: u32 = 1 << 15;

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
