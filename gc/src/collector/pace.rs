//! Pace: when to collect, and how much at once.

use super::{Collector, Phase};
use crate::{
    heap::{Heap, OutOfMemory},
    region::BLOCK_BYTES,
    region_layout,
};
use core::cell::Cell;

/// Least work of a step in bytes.
pub(super) const BASIC_STEP: u64 = 8 << 10;
/// Bytes allocated between two steps of a full collection.
const STEP_ALLOCATION: u64 = 16 << 10;
/// Bytes of marking for each byte allocated, at a step multiplier of 100.
const WORK_PER_BYTE: u64 = 16;
/// Least bytes allocated between two minor collections.
const LEAST_NURSERY: u64 = 512 << 10;
/// Most bytes allocated between two minor collections, if hardly anything survives: they stay in the processor's cache.
const MOST_CACHED_NURSERY: u64 = 1 << 20;
/// Most bytes allocated between two minor collections.
const MOST_NURSERY: u64 = 4 << 20;
/// Bytes allocated after which it is looked at how much survived.
const SURVIVAL_SAMPLE: u64 = 4 << 20;
/// Percentage of survivors up to which minor collections are worth their while.
const MOST_SURVIVORS: u64 = 35;
/// Most full collections before minor ones are tried again.
const LONGEST_HOLD_OFF: u64 = 8;
/// One part in so many of the work of full collections is what trying minor ones in vain may cost in the long run.
const TRIAL_SHARE: u64 = 4;
/// Automatic policy: percentage of the growth that the pause allows, after which a full collection begins. While it
/// marks the heap grows on, so that it would be more than the pause allows in the end.
const AUTOMATIC_SHARE: u64 = 60;
/// The same if the last full collection freed at most so many percent: there is little garbage in a heap that grows,
const LITTLE_FREED: u8 = 12;
const GROWING_SHARE: u64 = 150;
/// but never so many bytes more.
const MOST_EXTRA_GROWTH: u64 = 4 << 20;
/// Least bytes of blocks beyond twice of what is needed that make the heap a scattered one.
const LEAST_SCATTERED: u64 = 1 << 20;
/// Least growth of the heap before a full collection.
const LEAST_GROWTH: u64 = 512 << 10;

/// What the program asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// Full collections in steps. A program that asks for nothing is said to be in this mode, but has minor collections
    /// as long as they pay.
    Incremental = 0,
    /// Minor collections, with full ones in steps between them.
    Generational,
}

/// How kinds of collections are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Policy {
    /// Minor collections as long as few objects survive them.
    Automatic = 0,
    /// No minor collections.
    Incremental,
    /// Minor collections always.
    Generational,
}

/// The program's parameters, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// The size of the heap, relative to what was alive after the last full collection, at which the next one begins.
    pub pause: u32,
    /// Speed of marking relative to allocation.
    pub step_multiplier: u32,
    /// Most growth of the heap between two minor collections.
    pub minor_multiplier: u32,
    /// Growth of the heap since the last full collection after which the next one begins in generational mode.
    pub major_multiplier: u32,
}

region_layout! {
    /// [`Parameters`] in the region.
    pub struct ParameterCells {
        /// [`Parameters::pause`]
        pub pause: Cell<u32>,
        /// [`Parameters::step_multiplier`]
        pub step_multiplier: Cell<u32>,
        /// [`Parameters::minor_multiplier`]
        pub minor_multiplier: Cell<u32>,
        /// [`Parameters::major_multiplier`]
        pub major_multiplier: Cell<u32>,
    }
}

impl Heap {
    /// Prepares the collector's state.
    pub(crate) fn initialize_collector(&self) -> Result<(), OutOfMemory> {
        let state = self.state();
        state.epoch.set(1);
        state.is_generational.set(1);
        state.mode_key.set(Some(self.new_string(b"__mode")?));
        self.collector().set_parameters(Parameters {
            pause: 200,
            step_multiplier: 100,
            minor_multiplier: 20,
            major_multiplier: 100,
        });
        self.collector().set_trigger();
        Ok(())
    }
}

impl Collector<'_> {
    /// The parameters.
    pub fn parameters(&self) -> Parameters {
        let cells = &self.heap.state().parameters;
        Parameters {
            pause: cells.pause.get(),
            step_multiplier: cells.step_multiplier.get(),
            minor_multiplier: cells.minor_multiplier.get(),
            major_multiplier: cells.major_multiplier.get(),
        }
    }

    /// Sets the parameters; they matter from the next collection on.
    pub fn set_parameters(&self, parameters: Parameters) {
        let cells = &self.heap.state().parameters;
        cells.pause.set(parameters.pause);
        cells.step_multiplier.set(parameters.step_multiplier);
        cells.minor_multiplier.set(parameters.minor_multiplier);
        cells.major_multiplier.set(parameters.major_multiplier);
    }

    /// Keeps the collector from running of its own accord.
    pub fn stop(&self) {
        self.heap.state().is_stopped.set(1);
        self.heap.header().trigger.set(u64::MAX);
    }

    /// Ends what [`Collector::stop`] began.
    pub fn restart(&self) {
        self.heap.state().is_stopped.set(0);
        self.set_trigger();
    }

    /// Whether the collector runs of its own accord.
    pub fn is_running(&self) -> bool {
        self.heap.state().is_stopped.get() == 0
    }

    /// The mode last asked for.
    pub fn mode(&self) -> Mode {
        if self.policy() == Policy::Generational { Mode::Generational } else { Mode::Incremental }
    }

    /// Sets the mode and returns the previous one. Changing to the generational mode takes a full collection.
    ///
    /// # Safety
    /// See [`Collector`].
    pub unsafe fn set_mode(&self, mode: Mode) -> Mode {
        let state = self.heap.state();
        let previous = self.mode();
        match mode {
            Mode::Incremental => {
                state.policy.set(Policy::Incremental as u8);
                self.end_minor_collections();
            }
            Mode::Generational => {
                state.policy.set(Policy::Generational as u8);
                if state.is_generational.get() == 0 {
                    self.complete();
                }
            }
        }
        self.set_trigger();
        previous
    }

    fn policy(&self) -> Policy {
        match self.heap.state().policy.get() {
            0 => Policy::Automatic,
            1 => Policy::Incremental,
            _ => Policy::Generational,
        }
    }

    /// Decides, when a full collection has marked all that is alive, whether minor collections follow.
    pub(super) fn choose_kind(&self) {
        let state = self.heap.state();
        let is_generational = match self.policy() {
            Policy::Automatic if state.hold_off.get() > 0 => {
                state.hold_off.set(state.hold_off.get() - 1);
                false
            }
            Policy::Automatic | Policy::Generational => true,
            Policy::Incremental => false,
        };
        state.is_generational.set(is_generational.into());
        state.young_bytes.set(0);
        state.survived_bytes.set(0);
    }

    /// Notes how much survived a minor collection. If it is so much that marking everything now and then is less work
    /// than marking the survivors and, later, everything, there are no minor collections for a while.
    pub(super) fn note_survival(&self, young: u64, survived: u64) {
        let state = self.heap.state();
        state.young_bytes.set(state.young_bytes.get() + young);
        state.survived_bytes.set(state.survived_bytes.get() + survived);
        state.last_survivors.set((survived * 100 / young.max(1)).min(100) as u8);
        if self.policy() != Policy::Automatic || state.young_bytes.get() < SURVIVAL_SAMPLE {
            return;
        }
        if state.survived_bytes.get() > state.young_bytes.get() / 100 * MOST_SURVIVORS {
            let live = state.live_after_full.get().max(1);
            let longest = (TRIAL_SHARE * SURVIVAL_SAMPLE / live).min(LONGEST_HOLD_OFF) as u8;
            let hold_off = (state.last_hold_off.get() * 2).max(1).min(longest);
            state.hold_off.set(hold_off);
            state.last_hold_off.set(hold_off);
            self.end_minor_collections();
        } else {
            state.last_hold_off.set(0);
        }
        state.young_bytes.set(0);
        state.survived_bytes.set(0);
    }

    /// There are no minor collections until a full one has marked all that is alive.
    fn end_minor_collections(&self) {
        let state = self.heap.state();
        state.is_generational.set(0);
        if self.heap.phase() != Phase::Marking {
            self.heap.list_clear(&state.log);
            while self.heap.take_remembered().is_some() {}
        }
        self.heap.list_clear(&state.young_strings);
    }

    /// Sets the bytes in use at which the collector is to run next.
    pub(super) fn set_trigger(&self) {
        let (heap, state) = (self.heap, self.heap.state());
        if state.is_stopped.get() != 0 {
            heap.header().trigger.set(u64::MAX);
            return;
        }
        let used = heap.used_bytes();
        let growth = match heap.phase() {
            Phase::Idle if self.must_be_full() => self.full_threshold().saturating_sub(used).max(BASIC_STEP),
            Phase::Idle => self.nursery(),
            Phase::Marking => STEP_ALLOCATION,
            // Sweeping is soon over; until then there are no minor collections.
            _ => STEP_ALLOCATION / 2,
        };
        // Near the limit rather collect too often than run into it.
        let room = heap.memory_limit().saturating_sub(used) / 2;
        heap.header().trigger.set(used + growth.min(room.max(BASIC_STEP)));
        heap.header().collection_due.set(0);
    }

    /// Bytes to be allocated before the next minor collection.
    fn nursery(&self) -> u64 {
        let state = self.heap.state();
        let live = state.live_bytes.get();
        let share = match self.policy() {
            // As much as the pause allows.
            Policy::Automatic => {
                (state.live_after_full.get() / 100 * u64::from(state.parameters.pause.get())).saturating_sub(live)
            }
            _ => live / 100 * u64::from(state.parameters.minor_multiplier.get()),
        };
        // The more survives, the more is gained if it is given time to die.
        let more = (MOST_NURSERY - MOST_CACHED_NURSERY) / MOST_SURVIVORS * u64::from(state.last_survivors.get());
        share.clamp(LEAST_NURSERY, (MOST_CACHED_NURSERY + more).min(MOST_NURSERY))
    }

    /// Bytes in use at which a full collection is to begin.
    fn full_threshold(&self) -> u64 {
        let (heap, state) = (self.heap, self.heap.state());
        let live = state.live_after_full.get();
        let pause = state.parameters.pause.get().max(100) - 100;
        let percent = match self.policy() {
            Policy::Automatic => (u64::from(pause) * AUTOMATIC_SHARE / 100) as u32,
            Policy::Incremental => pause,
            Policy::Generational => state.parameters.major_multiplier.get(),
        };
        let mut growth = (live / 100).saturating_mul(percent.into());
        if self.policy() == Policy::Automatic && state.last_freed.get() <= LITTLE_FREED {
            let share = u64::from(pause) * GROWING_SHARE / 100;
            growth = (live / 100).saturating_mul(share).min(growth + MOST_EXTRA_GROWTH);
        }
        let growth = growth.max(LEAST_GROWTH);
        // Near the limit marking must be done before there is no room left.
        let limit = heap.memory_limit();
        let room = limit.saturating_sub(live) / 2;
        live.saturating_add(growth.min(room))
    }

    /// Whether, of the collections that could begin, a minor one is due.
    pub(super) fn is_minor_due(&self) -> bool {
        !self.must_be_full() && self.heap.state().live_bytes.get() < self.full_threshold() && !self.is_scattered()
    }

    /// Automatic policy: whether what little survives minor collections holds many blocks. It is mostly dead by then.
    fn is_scattered(&self) -> bool {
        let state = self.heap.state();
        let needed = state.live_bytes.get() + self.nursery();
        let blocks = self.block_bytes();
        self.policy() == Policy::Automatic
            && blocks > 2 * needed + LEAST_SCATTERED
            && blocks > state.blocks_after_full.get() / 2 * 3
    }

    /// Bytes of the blocks in use.
    pub(super) fn block_bytes(&self) -> u64 {
        let header = self.heap.header();
        let used = header.frontier.get() - header.first_block.get() - header.free_blocks.get();
        u64::from(used) * BLOCK_BYTES as u64
    }

    /// Work of a step that is due.
    pub(super) fn step_budget(&self) -> usize {
        let multiplier = u64::from(self.heap.state().parameters.step_multiplier.get().max(1));
        (STEP_ALLOCATION * WORK_PER_BYTE * multiplier / 100) as usize
    }
}
