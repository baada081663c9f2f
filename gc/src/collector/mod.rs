//! The collector: what phase it is in, and what it does at a safepoint.
//!
//! ```text
//!             pace: heap has grown enough             nothing left to mark
//!     Idle ------------------------------> Marking ------------------------> (atomic: weak tables, finalizers)
//!      ^ |                                                                          |
//!      | | minor collection: mark and sweep young objects, at once                  v
//!      +-+<-------------------- Sweeping <--------------------------------------- Clearing
//! ```
//!
//! Marks are epochs (1 to 3): a full collection begins by choosing the next epoch, which makes all objects unmarked.
//! New objects have no mark. Since marks stay until the next full collection, a minor collection only has to trace
//! unmarked objects: from the roots and from the marked objects that were written to, which the barrier has logged.
//!
//! Stacks of threads have no barrier: the running thread and those that resumed it are scanned again at the end of
//! marking, when the program stands still. See `barrier` for all other objects.

mod barrier;
mod caches;
mod ephemeron;
mod finalizer;
mod mark;
mod pace;
mod queue;
mod state;
mod sweep;
mod trace;
pub mod verify;
mod weak;

pub use pace::{Mode, Parameters};
pub use state::CollectorState;

use crate::{
    heap::Heap,
    object::{AnyObject, Header, Object},
    reference::Ref,
    statistics::CollectionKind,
};
use mark::Marker;

/// Bits of a header's `gc` that hold the epoch in which the object was marked; 0 if it never was.
pub(crate) const MARK: u8 = 0x03;

/// What the collector is doing between two calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Nothing; minor collections happen here.
    Idle = 0,
    /// Tracing objects of a full collection.
    Marking,
    /// Removing what else refers to dead objects: their entries in the intern table, keys of removed table entries.
    Clearing,
    /// Looking for free lines.
    Sweeping,
}

/// What a call of the collector did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing was due.
    Nothing,
    /// A minor collection.
    Minor,
    /// A part of a full collection.
    Step,
    /// The last part of a full collection, or all of it.
    Full,
}

/// The collector of a heap.
///
/// # Safety contract of the functions that collect
/// The machine stands at a safepoint: every reference to an object that it will use again can be reached from the
/// roots, and it holds no `&T` into the region.
#[derive(Clone, Copy)]
pub struct Collector<'h> {
    heap: &'h Heap,
}

impl Heap {
    /// Does what is due of a collection, see [`Collector::collect_due`].
    ///
    /// # Safety
    /// See [`Collector`].
    #[inline]
    pub unsafe fn collect_step(&self) -> Progress {
        // SAFETY: the caller's promise.
        unsafe { self.collector().collect_due() }
    }

    /// Collects all garbage at once.
    ///
    /// # Safety
    /// See [`Collector`].
    pub unsafe fn collect_fully(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.collector().full() }
    }

    /// The collector.
    pub fn collector(&self) -> Collector<'_> {
        Collector { heap: self }
    }

    pub(crate) fn state(&self) -> &CollectorState {
        &self.header().collector
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.state().phase.get() {
            0 => Phase::Idle,
            1 => Phase::Marking,
            2 => Phase::Clearing,
            _ => Phase::Sweeping,
        }
    }

    /// The lowest bits of the number of full collections.
    pub(crate) fn full_cycle(&self) -> u16 {
        self.state().full_cycle.get() as u16
    }

    /// The lowest bits of the number of the cycle.
    pub(crate) fn cycle(&self) -> u16 {
        self.state().cycle.get() as u16
    }

    /// How often the collector has found out what is alive.
    pub fn markings(&self) -> u64 {
        self.state().markings.get()
    }

    /// Whether there was an object of this kind at the reference when the collector last found out what is alive, and it was;
    /// by chance what was put into its place. To be asked before anything is allocated since.
    pub fn was_alive<T: Object>(&self, object: Ref<T>) -> bool {
        // SAFETY: memory of the region stays readable when it is freed, and a header may be any bytes.
        let header: Header = unsafe { object.pointer(self.base()).cast::<Header>().read() };
        header.kind == T::KIND as u8 && header.gc.get() & MARK == self.state().epoch.get()
    }

    /// Whether the newest collection has marked the object.
    #[inline(always)]
    pub(crate) fn is_marked(&self, object: Ref<AnyObject>) -> bool {
        self.get(object).header.gc.get() & MARK == self.state().epoch.get()
    }
}

impl Collector<'_> {
    /// What the collector is doing.
    pub fn phase(&self) -> Phase {
        self.heap.phase()
    }

    /// Does what is due: the machine calls this at a safepoint when [`Heap::needs_collection`] says so.
    ///
    /// # Safety
    /// See [`Collector`].
    pub unsafe fn collect_due(&self) -> Progress {
        let (heap, state) = (self.heap, self.heap.state());
        let header = heap.header();
        if header.collection_due.replace(0) == 0 {
            return Progress::Nothing;
        }
        if header.stress_every.get() != 0 && header.stress_left.get() == 0 {
            header.stress_left.set(header.stress_every.get());
            if state.is_stopped.get() == 0 {
                let progress = self.collect_for_stress();
                self.set_trigger();
                return progress;
            }
        }
        if state.is_stopped.get() != 0 {
            return Progress::Nothing;
        }
        let progress = match heap.phase() {
            Phase::Idle if self.is_minor_due() => {
                self.minor();
                Progress::Minor
            }
            Phase::Idle => {
                self.start();
                self.advance(self.step_budget())
            }
            _ => self.advance(self.step_budget()),
        };
        self.set_trigger();
        progress
    }

    fn collect_for_stress(&self) -> Progress {
        const MINOR_COLLECTIONS: u32 = 16;
        const STEP: usize = 1 << 10;
        let header = self.heap.header();
        let count = header.stress_count.get();
        header.stress_count.set(count.wrapping_add(1));
        if header.stress_is_partial.get() == 0 {
            self.complete();
            return Progress::Full;
        }
        match self.heap.phase() {
            Phase::Idle if !self.must_be_full() && !count.is_multiple_of(MINOR_COLLECTIONS) => {
                self.minor();
                Progress::Minor
            }
            Phase::Idle => {
                self.start();
                Progress::Step
            }
            _ => self.advance(STEP),
        }
    }

    /// A full collection at once.
    ///
    /// # Safety
    /// See [`Collector`].
    pub unsafe fn full(&self) {
        self.complete();
        self.set_trigger();
    }

    /// A part of a full collection worth so many KiB of allocation, a basic one for 0; in generational mode 0 asks for a
    /// minor collection. Whether that completed a full collection, or a minor one was done.
    ///
    /// # Safety
    /// See [`Collector`].
    pub unsafe fn step(&self, kibibytes: usize) -> bool {
        let is_complete = if kibibytes == 0 && self.mode() == Mode::Generational {
            self.minor_or_full();
            true
        } else {
            self.part(kibibytes)
        };
        self.set_trigger();
        is_complete
    }

    fn minor_or_full(&self) {
        if matches!(self.heap.phase(), Phase::Clearing | Phase::Sweeping) {
            self.finish_sweeping();
        }
        if self.heap.phase() == Phase::Idle && !self.must_be_full() {
            self.minor();
        } else {
            self.complete();
        }
    }

    fn part(&self, kibibytes: usize) -> bool {
        if self.heap.phase() == Phase::Idle {
            self.start();
        }
        let multiplier = u64::from(self.parameters().step_multiplier.max(1));
        let asked = if kibibytes == 0 { pace::BASIC_STEP } else { (kibibytes as u64).saturating_mul(1024) };
        let budget = (asked.saturating_mul(multiplier) / 100) as usize;
        // What is left of the budget when marking ends would be lost.
        self.advance(budget) == Progress::Full
            || (self.heap.phase() == Phase::Clearing && self.advance(budget) == Progress::Full)
    }

    /// Whether the next collection cannot be a minor one.
    fn must_be_full(&self) -> bool {
        let state = self.heap.state();
        state.is_generational.get() == 0 || state.is_incomplete.get() != 0 || state.needs_full.get() != 0
    }

    /// Completes the full collection in progress, if its marking has not begun yet or is not over, or does a whole one.
    fn complete(&self) {
        match self.heap.phase() {
            // What is marked already may have died since.
            Phase::Marking => self.abandon(),
            Phase::Clearing | Phase::Sweeping => self.finish_sweeping(),
            Phase::Idle => {}
        }
        self.start();
        while self.advance(usize::MAX) != Progress::Full {}
    }

    /// Begins a full collection.
    fn start(&self) {
        let (heap, state) = (self.heap, self.heap.state());
        heap.note_peak();
        state.bytes_before.set(heap.used_bytes());
        state.epoch.set(state.epoch.get() % 3 + 1);
        state.phase.set(Phase::Marking as u8);
        state.is_incomplete.set(0);
        state.needs_full.set(0);
        state.rescans.set(0);
        state.marked_bytes.set(0);
        state.shapes_alive.set(0);
        self.forget();
        let mut marker = Marker::new(heap);
        marker.mark_roots();
        marker.finish_slice();
    }

    /// Empties the lists that belong to one collection.
    fn forget(&self) {
        let (heap, state) = (self.heap, self.heap.state());
        let lists = [
            &state.marks,
            &state.slices,
            &state.log,
            &state.deferred,
            &state.shapes,
            &state.prototypes,
            &state.weak_values,
            &state.ephemerons,
            &state.all_weak,
            &state.removed,
        ];
        for list in lists {
            heap.list_clear(list);
        }
        while heap.take_remembered().is_some() {}
        state.site_count.set(0);
        state.entry_cursor.set(0);
    }

    /// Gives up a full collection that is not past its marking; nothing is freed, and the next one is a full one again.
    fn abandon(&self) {
        let state = self.heap.state();
        self.forget();
        state.is_incomplete.set(0);
        state.needs_full.set(1);
        state.phase.set(Phase::Idle as u8);
    }

    /// Goes on with a full collection: about so many bytes' worth of marking or sweeping.
    fn advance(&self, budget: usize) -> Progress {
        let (heap, state) = (self.heap, self.heap.state());
        heap.count_step();
        if heap.phase() == Phase::Marking {
            let mut marker = Marker::new(heap);
            let is_marked = marker.advance(budget);
            if is_marked && state.is_incomplete.get() == 0 {
                marker.finish_marking();
            }
            marker.finish_slice();
            if state.is_incomplete.get() != 0 {
                self.abandon();
                return Progress::Full;
            }
            if !is_marked {
                return Progress::Step;
            }
            self.begin_sweeping();
            if budget != usize::MAX {
                return Progress::Step;
            }
        }
        if self.sweep(budget) {
            self.finish_full();
            return Progress::Full;
        }
        Progress::Step
    }

    /// Takes all that there is for what a full collection has left, in a heap that is full of new objects: the next
    /// collection is a full one, when the heap has grown by so many bytes.
    pub(crate) fn begin_anew(&self, growth: u64) {
        let (heap, state) = (self.heap, self.heap.state());
        heap.retire_holes();
        state.live_after_full.set(heap.used_bytes());
        state.blocks_after_full.set(self.block_bytes());
        state.needs_full.set(1);
        self.choose_kind();
        self.set_trigger();
        if state.is_stopped.get() == 0 {
            let room = (heap.memory_limit().saturating_sub(heap.used_bytes()) / 2).max(pace::BASIC_STEP);
            heap.header().trigger.set(heap.used_bytes() + growth.min(room));
        }
    }

    fn finish_full(&self) {
        let (heap, state) = (self.heap, self.heap.state());
        state.phase.set(Phase::Idle as u8);
        state.full_cycle.set(state.full_cycle.get().wrapping_add(1));
        state.blocks_after_full.set(self.block_bytes());
        heap.count_collection(CollectionKind::Full, state.bytes_before.get(), state.live_after_full.get());
    }

    /// A minor collection: all that was not reached by it and is not old is free afterwards.
    fn minor(&self) {
        let (heap, state) = (self.heap, self.heap.state());
        heap.note_peak();
        let before = heap.used_bytes();
        state.marked_bytes.set(0);
        let mut marker = Marker::new(heap);
        marker.mark_roots();
        marker.advance_to_end();
        marker.finish_marking();
        marker.finish_slice();
        if state.is_incomplete.get() != 0 {
            // Some object may not have been marked: sweep nothing.
            self.forget();
            state.needs_full.set(1);
            return;
        }
        let young = before.saturating_sub(state.live_bytes.get());
        self.sweep_young();
        self.note_survival(young, state.marked_bytes.get());
        heap.count_collection(CollectionKind::Minor, before, heap.used_bytes());
    }
}
