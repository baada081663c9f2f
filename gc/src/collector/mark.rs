//! Marking: the loop that scans marked objects until there are none left, in slices of bounded work.
//!
//! A reference found in an object first waits in a short queue while the object is being fetched from memory. What is taken
//! out of there is marked and, if it can refer to others, put on the mark stack; but small structures of WebAssembly, of which
//! there may be many, are scanned at once if there is room for what they refer to.

use super::{CollectorState, MARK, queue::Queue};
use crate::{
    heap::{Heap, ROOT_COUNT, ROOT_CURRENT_THREAD},
    list::Position,
    object::{AnyObject, Header, Kind},
    reference::{REFERENCE_SCALE, Ref},
    region::{BLOCK_BYTES, LINE_BYTES, LINES, MEDIUM_BYTES},
    string::Str,
    thread::Thread,
    typed::{Form, TypedObject},
    value::{FIRST_REFERENCE_TAG, Tag, Value},
};
use core::cell::Cell;

/// References in the queue from which on one is taken out for each that is found.
const FULL: usize = 16;
/// References in the queue down to which they are marked before an object is taken off the mark stack.
const WAITING: usize = 8;
/// How often marking may find new work in the roots before the program is stopped for the rest.
const MAX_RESCANS: u32 = 16;
/// Most references of a structure that is scanned where it is marked.
const MOST_AT_ONCE: usize = 8;
/// Work that a visit to an object costs apart from its bytes.
const VISIT: usize = 32;

/// Marks objects during one call of the collector.
pub(super) struct Marker<'h> {
    pub heap: &'h Heap,
    pub state: &'h CollectorState,
    pub epoch: u8,
    /// Bytes of objects marked.
    marked_bytes: u64,
    /// Their number. Of another width than the bytes, so that the two are not added as one vector, which would have to
    /// wait for the stores of both.
    objects: u32,
    /// Work besides that, in bytes.
    pub work: usize,
    queue: Queue,
    /// Whether scanning an object also looks for values that wait for it as a key.
    pub is_resolving: bool,
    /// Metatables that were asked for `__mode` lately, with the answer.
    pub modes: [(u32, super::weak::Weakness); 32],
    /// Tables with weak values, and with weak keys and values, up to which values were cleared.
    pub cleared: [Position; 2],
}

impl<'h> Marker<'h> {
    pub fn new(heap: &'h Heap) -> Marker<'h> {
        let state = heap.state();
        Marker {
            heap,
            state,
            epoch: state.epoch.get(),
            marked_bytes: 0,
            objects: 0,
            work: 0,
            queue: Queue::new(),
            is_resolving: false,
            modes: [(0, super::weak::Weakness::Strong); 32],
            cleared: [state.weak_values.start(), state.all_weak.start()],
        }
    }

    /// Stores what is kept in the marker into the region.
    pub fn finish_slice(&mut self) {
        self.flush();
        self.state.marked_bytes.set(self.state.marked_bytes.get() + self.marked_bytes);
        self.marked_bytes = 0;
    }

    fn is_over(&self, budget: usize) -> bool {
        self.marked_bytes as usize + self.objects as usize * VISIT + self.work > budget
    }

    /// Notes that the object of these reference units is alive.
    #[inline(always)]
    pub fn discover(&mut self, units: u32) {
        prefetch(self.heap.base(), units);
        if self.queue.length() >= FULL {
            self.mark_oldest();
        }
        self.queue.add(units);
    }

    #[inline(never)]
    fn mark_oldest(&mut self) {
        let units = self.queue.take();
        self.mark::<false>(units);
    }

    /// Notes that an object is alive if there is one.
    #[inline(always)]
    pub fn discover_ref<T>(&mut self, object: Option<Ref<T>>) {
        if let Some(object) = object {
            self.discover(object.units());
        }
    }

    /// Notes that what a value refers to is alive.
    #[inline(always)]
    pub fn discover_parts(&mut self, tag: u8, payload: u64) {
        if tag >= FIRST_REFERENCE_TAG {
            self.discover(payload as u32);
        }
    }

    fn flush(&mut self) {
        while self.queue.length() > 0 {
            self.mark_oldest();
        }
    }

    /// Marks an object, and if it may `SCAN` scans it if that is little work.
    #[inline(always)]
    fn mark<const SCAN: bool>(&mut self, units: u32) {
        let Some(object) = Ref::<AnyObject>::from_units(units) else { return };
        let header = &self.heap.get(object).header;
        if header.gc.get() & MARK == self.epoch {
            return;
        }
        header.gc.set(header.gc.get() & !(MARK | Header::BARRIER) | self.epoch);
        if header.kind == Kind::TypedObject as u8 && !self.is_resolving && self.mark_typed::<SCAN>(object.cast()) {
            return;
        }
        if header.kind == Kind::String as u8 {
            let bytes = size_of::<Str>() + self.heap.get(object.cast::<Str>()).length as usize;
            self.account(units, bytes);
            return;
        }
        prefetch_rest(self.heap.base(), units);
        if self.heap.list_push(&self.state.marks, units).is_err() {
            self.state.is_incomplete.set(1);
        }
    }

    /// Does all that there is to do with a structure or an array that was marked, if it is a leaf or may be scanned.
    #[inline(always)]
    fn mark_typed<const SCAN: bool>(&mut self, object: Ref<TypedObject>) -> bool {
        let heap = self.heap;
        let (kind, form) = (heap.type_of(object), heap.form_of(object));
        let count = match form {
            Form::Structure => heap.get(kind).reference_fields as usize,
            Form::ArrayReference | Form::ArrayObject => return false,
            _ => 0,
        };
        let is_done = if SCAN { count <= MOST_AT_ONCE && self.queue.has_room(count) } else { count == 0 };
        // Its type is nearly always marked.
        if !is_done || !heap.is_marked(kind.cast()) {
            return false;
        }
        self.account(object.units(), heap.object_bytes(object));
        if SCAN && count > 0 {
            let header = &heap.get(object).header;
            header.gc.set(header.gc.get() | Header::BARRIER);
            for &field in heap.fields(kind).1 {
                let units = heap.reference_field(object, field).units();
                prefetch(heap.base(), units);
                self.queue.add(units);
            }
        }
        true
    }

    /// Marks an object's storage that only it refers to; it is not put on the stack. Whether it is new.
    #[inline(always)]
    pub fn claim<T>(&mut self, storage: Ref<T>, bytes: usize) {
        let header = &self.heap.get(storage.cast::<AnyObject>()).header;
        if header.gc.get() & MARK != self.epoch {
            header.gc.set(header.gc.get() & !MARK | self.epoch);
            self.account(storage.units(), bytes);
        }
    }

    /// Counts a marked object and marks its lines.
    #[inline(always)]
    pub fn account(&mut self, start: u32, bytes: usize) {
        let bytes = bytes.next_multiple_of(REFERENCE_SCALE);
        self.marked_bytes += bytes as u64;
        self.objects += 1;
        self.heap.mark_lines(start as usize * REFERENCE_SCALE, bytes, self.epoch);
    }

    /// Marks from the root slots and what is a root besides. Running threads and arrays of slots in root slots are scanned
    /// again if they are marked.
    pub fn mark_roots(&mut self) {
        for number in 0..ROOT_COUNT {
            let slot = self.heap.root(number);
            let array = Ref::<AnyObject>::from_units(slot.payload.get() as u32);
            match array.filter(|_| slot.tag.get() == Tag::Cell as u32) {
                Some(array) if self.heap.get(array).header.kind == Kind::SlotArray as u8 => self.mark_again(array),
                _ => self.discover_parts(slot.tag.get() as u8, slot.payload.get()),
            }
        }
        self.discover_ref(self.state.mode_key.get());
        let mut position = self.state.pending.start();
        while let Some(units) = self.heap.list_next(&self.state.pending, &mut position) {
            self.discover(units);
        }
        let mut running = self.current_thread();
        while let Some(thread) = running {
            self.mark_again(thread.cast());
            running = self.heap.get(thread).resumer.get();
        }
        self.flush();
    }

    /// Marks an object that is written to without a barrier, or scans it again.
    fn mark_again(&mut self, object: Ref<AnyObject>) {
        if self.heap.is_marked(object) {
            self.scan(object, false);
        } else {
            self.discover(object.units());
        }
    }

    fn current_thread(&self) -> Option<Ref<Thread>> {
        let slot = self.heap.root(ROOT_CURRENT_THREAD);
        match slot.get() {
            Value::Thread(thread) if slot.tag.get() == Tag::Thread as u32 => Some(thread),
            _ => None,
        }
    }

    /// Goes on with marking; whether it came to an end, after which the program must not run before
    /// [`Marker::finish_marking`].
    pub fn advance(&mut self, budget: usize) -> bool {
        loop {
            if !self.drain(budget) {
                return false;
            }
            let rescans = self.state.rescans.get();
            self.state.rescans.set(rescans + 1);
            if rescans < MAX_RESCANS && self.scan_deferred() {
                self.state.rescans.set(rescans + MAX_RESCANS / 2);
                continue;
            }
            // What the program wrote into stacks since they were scanned is still missing.
            self.mark_roots();
            if rescans >= MAX_RESCANS || (self.drain(budget) && self.state.deferred.is_empty()) {
                self.advance_to_end();
                return true;
            }
        }
    }

    /// Marks everything that can be reached from what is marked.
    pub fn advance_to_end(&mut self) {
        self.scan_deferred();
        while !self.drain(usize::MAX) {}
    }

    /// Scans large tables that were written to again; whether there are any.
    fn scan_deferred(&mut self) -> bool {
        let mut is_any = false;
        while let Some(object) = self.heap.list_pop(&self.state.deferred).and_then(Ref::from_units) {
            self.scan(object, false);
            is_any = true;
        }
        is_any
    }

    /// Scans a marked object that was written to, now or later.
    fn scan_again(&mut self, object: Ref<AnyObject>, budget: usize) {
        let is_later = budget != usize::MAX && self.heap.is_large(object);
        if !is_later || self.heap.list_push(&self.state.deferred, object.units()).is_err() {
            self.scan(object, false);
        }
    }

    /// Marks what is in the queue and scans what is on the mark stack; whether there is nothing left.
    fn drain_marks(&mut self, budget: usize) -> bool {
        loop {
            let is_short = self.queue.length() <= WAITING;
            let next = if is_short { self.heap.list_pop(&self.state.marks) } else { None };
            if let Some(object) = next.and_then(Ref::<AnyObject>::from_units) {
                self.scan(object, true);
            } else if self.queue.length() > 0 {
                let units = self.queue.take();
                self.mark::<true>(units);
            } else {
                return true;
            }
            if self.is_over(budget) {
                return false;
            }
        }
    }

    /// Scans what is marked but not scanned and what was written to; whether there is nothing left.
    fn drain(&mut self, budget: usize) -> bool {
        loop {
            if self.state.is_incomplete.get() != 0 {
                return true;
            }
            if !self.drain_marks(budget) {
                return false;
            }
            if self.scan_slice() {
                if self.is_over(budget) {
                    return false;
                }
                continue;
            }
            if let Some(object) = self.heap.take_remembered() {
                self.discover(object.units());
                self.work += VISIT;
                continue;
            }
            match self.heap.list_pop(&self.state.log).and_then(Ref::from_units) {
                Some(object) if self.heap.is_marked(object) => self.scan_again(object, budget),
                Some(_) => {}
                None if self.is_over(budget) => return false,
                None => return true,
            }
        }
    }

    /// Notes that a large object is to be scanned from `index` on.
    pub fn push_slice<T>(&mut self, object: Ref<T>, index: usize) {
        let slices = &self.state.slices;
        let pushed = self.heap.list_push(slices, index as u32);
        if pushed.and_then(|()| self.heap.list_push(slices, object.units())).is_err() {
            self.state.is_incomplete.set(1);
        }
    }

    fn scan_slice(&mut self) -> bool {
        let Some(object) = self.heap.list_pop(&self.state.slices).and_then(Ref::from_units) else { return false };
        let index = self.heap.list_pop(&self.state.slices).unwrap_or(0);
        self.scan_part(object, index as usize);
        true
    }

    /// What stands at the end of marking, full or minor: the program stands still from here to the end of it.
    pub fn finish_marking(&mut self) {
        self.resolve_ephemerons();
        self.clear_values();
        self.separate_finalizable();
        self.clear_keys();
        self.prune_shapes();
        self.prune_sites();
        self.finish_slice();
        self.state.cycle.set(self.state.cycle.get().wrapping_add(1));
    }
}

impl Heap {
    /// Marks the lines of an object.
    #[inline(always)]
    pub(crate) fn mark_lines(&self, start: usize, bytes: usize, epoch: u8) {
        if bytes > MEDIUM_BYTES {
            return;
        }
        let marks = self.line_marks((start / BLOCK_BYTES) as u32);
        let first = start % BLOCK_BYTES / LINE_BYTES;
        let last = (start % BLOCK_BYTES + bytes - 1) / LINE_BYTES;
        marks[first % LINES].set(epoch);
        marks[last % LINES].set(epoch);
        if last > first + 1 {
            mark_between(marks, first, last, epoch);
        }
    }
}

/// Most objects have one line or two.
#[inline(never)]
fn mark_between(marks: &[Cell<u8>; LINES], first: usize, last: usize, epoch: u8) {
    marks.iter().take(last).skip(first + 1).for_each(|mark| mark.set(epoch));
}

/// Has what follows the beginning of an object fetched from memory, since it is going to be scanned.
#[inline(always)]
fn prefetch_rest(base: *mut u8, units: u32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: as below.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        const CACHE_LINE: usize = 64;
        _mm_prefetch::<_MM_HINT_T0>(base.wrapping_add(units as usize * REFERENCE_SCALE + CACHE_LINE).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (base, units);
}

/// Has the beginning of an object fetched from memory.
#[inline(always)]
pub(super) fn prefetch(base: *mut u8, units: u32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing as far as the program can tell, whatever the address.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(base.wrapping_add(units as usize * REFERENCE_SCALE).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (base, units);
}
