//! Fuel, time and interrupts.
//!
//! The loop and the library charge fuel to `budget`, a slice of what is left; only when a slice is used up are the
//! limits looked at.

use crate::{error::Throw, feedback::Sampling, host::Host, image::snapshot::Requests, machine::Machine};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use lunette_gc::{heap::Heap, value::Value};

/// Units of fuel between two looks at the limits.
const SLICE: u64 = 20_000;

/// So many times as long are slices at most while machine code runs of which there is nothing more to find out: it would be left
/// every few microseconds.
const MOST_STRETCH: u64 = 16;

/// Units of fuel between two looks where tests want many.
const SHORT_SLICE: u64 = 1;
/// Slices of one unit, one after the other, while somebody waits for a snapshot.
const SHORT_SLICES: u32 = 1000;

/// Bytes that are copied or looked at for one unit.
pub const BYTES_PER_UNIT: u64 = 16;

/// Why an instance was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Its fuel is used up.
    Fuel,
    /// Its time is up.
    Time,
    /// The host asked.
    Interrupt,
    /// It has written as much as it may.
    Output,
    /// The program asked to end, with this exit status.
    Exit(i32),
    /// A snapshot was taken, from which the program is to go on elsewhere.
    Snapshot,
}

/// Limits of an instance, and what is left of them.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Fuel left beyond the current slice; `None` for no limit.
    fuel: Option<u64>,
    /// The size of the slice that `budget` began with.
    slice: u64,
    /// The size of the slice before that.
    ended: u64,
    /// What the next slice that is stretched is multiplied with.
    stretch: u64,
    /// Fuel used before the current slice.
    used: u64,
    /// The monotonic time at which the instance must stop.
    deadline: Option<u64>,
    /// Bytes that may still be written; `None` for no limit.
    output: Option<u64>,
    interrupt: Arc<AtomicBool>,
    /// Units of fuel between two looks at the limits.
    slice_size: u64,
    /// Who asks for snapshots.
    pub requests: Requests,
    /// Whether a snapshot is to be offered.
    pub is_snapshot_due: bool,
    /// The monotonic time at which the profiler takes a sample.
    sample_time: Option<u64>,
    /// Whether it is to take one.
    pub is_sample_due: bool,
    /// How many short slices there were while somebody waits for a snapshot.
    short_slices: u32,
    /// Whether a sample of what instructions meet is to be taken.
    pub sampling: Sampling,
    /// Why the instance stopped.
    pub reason: Option<StopReason>,
    /// Whether a program that asked to end wants its finalizers to run.
    closes: bool,
    /// The frame below which the variables of a program that ends are closed; none if it is no frame.
    pub(crate) exit_base: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            fuel: None,
            slice: 0,
            ended: 0,
            stretch: 1,
            used: 0,
            deadline: None,
            output: None,
            interrupt: Arc::default(),
            slice_size: SLICE,
            requests: Requests::default(),
            is_snapshot_due: false,
            sample_time: None,
            is_sample_due: false,
            short_slices: 0,
            sampling: Sampling::default(),
            reason: None,
            closes: false,
            exit_base: 0,
        }
    }
}

impl Limits {
    /// Whether limits are looked at more often than they need be.
    pub fn set_short_slices(&mut self, are_short: bool) {
        self.slice_size = if are_short { SHORT_SLICE } else { SLICE };
    }

    /// Whether something waits for a point at which everything stands in frames.
    pub fn is_stop_due(&self) -> bool {
        self.is_snapshot_due || self.is_sample_due
    }

    /// Sets when the profiler takes its next sample.
    pub fn set_sample_time(&mut self, time: Option<u64>) {
        self.sample_time = time;
        self.is_sample_due = false;
    }

    fn notice_sample_time(&mut self, host: &dyn Host) {
        self.is_sample_due |= self.sample_time.is_some_and(|time| host.monotonic() >= time);
    }
}

/// Interrupts an instance from another thread.
#[derive(Clone, Debug)]
pub struct InterruptHandle(Arc<AtomicBool>);

impl From<Arc<AtomicBool>> for InterruptHandle {
    fn from(flag: Arc<AtomicBool>) -> InterruptHandle {
        InterruptHandle(flag)
    }
}

impl InterruptHandle {
    /// Makes the instance stop soon, with [`StopReason::Interrupt`].
    pub fn interrupt(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// The flag behind the handle, for signal handlers: setting it interrupts.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.0.clone()
    }
}

impl Machine {
    /// Sets the fuel that is left; `None` for no limit.
    pub fn set_fuel(&mut self, fuel: Option<u64>) {
        self.limits.used = self.fuel_used();
        self.limits.slice = 0;
        self.budget.set(0);
        self.limits.fuel = fuel;
        self.new_slice();
    }

    /// Fuel used since the machine was made.
    pub fn fuel_used(&self) -> u64 {
        self.limits.used + (self.limits.slice as i64).saturating_sub(self.budget.get()).max(0) as u64
    }

    /// Fuel that is left; `None` if there is no limit.
    pub fn fuel_left(&self) -> Option<u64> {
        self.limits.fuel.map(|fuel| fuel + self.budget.get().max(0) as u64)
    }

    /// Sets the monotonic time, in the host's nanoseconds, at which the instance stops.
    pub fn set_deadline(&mut self, deadline: Option<u64>) {
        self.limits.deadline = deadline;
    }

    /// Sets how many bytes the instance may still write, to all its streams together; `None` for no limit.
    pub fn set_output_limit(&mut self, bytes: Option<u64>) {
        self.limits.output = bytes;
    }

    /// Bytes that the instance may still write; `None` if there is no limit.
    pub fn output_left(&self) -> Option<u64> {
        self.limits.output
    }

    /// Takes up limits where another machine left them.
    pub(crate) fn restore_limits(&mut self, used: u64, fuel: Option<u64>, output: Option<u64>) {
        self.set_fuel(fuel);
        self.limits.used = used;
        self.limits.output = output;
    }

    /// Counts bytes that are to be written: how many of them may be. With fewer than wanted the instance must be stopped
    /// once these are written.
    pub fn charge_output(&mut self, bytes: usize) -> usize {
        match &mut self.limits.output {
            Some(left) => {
                let granted = (bytes as u64).min(*left);
                *left -= granted;
                granted as usize
            }
            None => bytes,
        }
    }

    /// Takes `cost` units of fuel for work that cannot stop: who charges next looks at the limits.
    #[inline(always)]
    pub fn spend(&self, cost: u64) {
        self.budget.set(self.budget.get().saturating_sub(cost.min(i64::MAX as u64) as i64));
    }

    /// Takes fuel for looking at so many bytes.
    #[inline(always)]
    pub fn spend_on_bytes(&self, count: usize) {
        self.spend(count as u64 / BYTES_PER_UNIT);
    }

    /// Takes fuel for finding a key in a table: long strings are compared by their bytes.
    #[inline]
    pub fn spend_on_key(&self, key: Value) {
        if let Value::String(key) = key
            && !self.heap.get(key).is_short()
        {
            self.spend_on_bytes(self.bytes(key).len());
        }
    }

    /// A handle to interrupt the instance with.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle(self.limits.interrupt.clone())
    }

    /// Why the instance was stopped, if it was; forgets it.
    pub fn take_stop_reason(&mut self) -> Option<StopReason> {
        self.limits.reason.take()
    }

    /// Stops the instance.
    pub fn stop(&mut self, reason: StopReason) -> Throw {
        self.limits.reason = Some(reason);
        Throw::Stop
    }

    /// Stops the instance as the program asks: with this exit status, and with or without calling its finalizers.
    pub fn exit(&mut self, status: i32, closes: bool) -> Throw {
        self.limits.closes = closes;
        self.stop(StopReason::Exit(status))
    }

    /// Whether the program ends as it asked for, with its variables being closed.
    pub(crate) fn is_closing_exit(&self) -> bool {
        self.limits.closes && matches!(self.limits.reason, Some(StopReason::Exit(_)))
    }

    /// Whether the program that stopped the instance wants its finalizers to run.
    pub fn exit_closes(&self) -> bool {
        self.limits.closes
    }

    /// The heap, and apart from it what charges fuel: for work on bytes that lie in the heap.
    pub fn heap_and_meter(&mut self) -> (&Heap, Meter<'_>) {
        let meter = Meter { budget: self.budget.get_mut(), limits: &mut self.limits, host: &*self.host };
        (&self.heap, meter)
    }

    fn new_slice(&mut self) {
        self.heap_and_meter().1.new_slice();
    }

    /// Charges `cost`, for which the slice has not enough left, and takes a new one; `false`, and nothing has changed, if
    /// that stops the instance, or somebody waits for a safepoint.
    pub(crate) fn renew_quietly(&mut self, cost: u64) -> bool {
        let budget = self.budget.get().saturating_sub(cost.min(i64::MAX as u64) as i64);
        let is_short = self.limits.fuel.is_some_and(|fuel| budget.min(0).unsigned_abs() > fuel);
        let is_late = self.limits.deadline.is_some_and(|deadline| self.host.monotonic() >= deadline);
        if self.host.poll() {
            self.limits.interrupt.store(true, Ordering::Release);
        }
        let is_wanted =
            self.limits.interrupt.load(Ordering::Acquire) || self.limits.requests.flag.load(Ordering::Relaxed);
        self.limits.notice_sample_time(&*self.host);
        if is_short || is_late || is_wanted || self.limits.is_stop_due() {
            return false;
        }
        self.budget.set(budget);
        self.heap_and_meter().1.renew().is_ok()
    }

    /// How many slices of the least size the one was worth that ended last: what ran at its end stands for so many samples.
    pub(crate) fn ended_slices(&self) -> u32 {
        (self.limits.ended / SLICE).max(1) as u32
    }

    /// The slice that was just taken ends where there is something to find out.
    pub(crate) fn keep_slices_short(&mut self) {
        self.limits.stretch = 1;
    }

    /// Makes the slice that was just taken longer, twice as long as the last time, up to a limit.
    pub(crate) fn stretch_slice(&mut self) {
        let limits = &mut self.limits;
        let is_watched = limits.requests.flag.load(Ordering::Relaxed) || limits.sample_time.is_some();
        if limits.slice_size != SLICE || is_watched {
            return;
        }
        limits.stretch = (2 * limits.stretch).min(MOST_STRETCH);
        let mut more = SLICE * (limits.stretch - 1);
        if let Some(fuel) = &mut limits.fuel {
            more = more.min(*fuel);
            *fuel -= more;
        }
        limits.slice += more;
        self.budget.set(self.budget.get() + more as i64);
    }

    /// Called when the budget is used up: takes a new slice or stops the instance.
    #[cold]
    pub(crate) fn look_at_limits(&mut self) -> Result<(), Throw> {
        self.heap_and_meter().1.look_at_limits()
    }
}

/// Charges fuel while the heap is borrowed.
pub struct Meter<'m> {
    budget: &'m mut i64,
    limits: &'m mut Limits,
    host: &'m dyn Host,
}

impl Meter<'_> {
    /// As [`Machine::charge`].
    #[inline]
    pub fn charge(&mut self, cost: u64) -> Result<(), Throw> {
        *self.budget = self.budget.saturating_sub(cost.min(i64::MAX as u64) as i64);
        if *self.budget < 0 { self.look_at_limits() } else { Ok(()) }
    }

    fn stop(&mut self, reason: StopReason) -> Throw {
        self.limits.reason = Some(reason);
        Throw::Stop
    }

    fn new_slice(&mut self) {
        // The limits may have been looked at where no snapshot can be taken, and always be looked at there, if slices go
        // well with the program's loops. So the next ones end at the next charge, but not for ever: a function of the host
        // may be on the stack.
        let size = if self.limits.requests.flag.load(Ordering::Relaxed) || self.limits.is_sample_due {
            self.limits.short_slices = (self.limits.short_slices + 1) % SHORT_SLICES;
            if self.limits.short_slices == 0 { self.limits.slice_size } else { 1 }
        } else {
            // Of different sizes, or those that go well with a loop would always end in the same instruction of it: in a
            // native function, say, where no sample is taken.
            self.limits.slice_size - self.limits.used % (self.limits.slice_size / 16).max(1)
        };
        let slice = match &mut self.limits.fuel {
            Some(fuel) => {
                let slice = size.min(*fuel);
                *fuel -= slice;
                slice
            }
            None => size,
        };
        self.limits.slice = slice;
        *self.budget = slice as i64;
    }

    #[cold]
    fn look_at_limits(&mut self) -> Result<(), Throw> {
        if self.limits.interrupt.swap(false, Ordering::AcqRel) || self.host.poll() {
            return Err(self.stop(StopReason::Interrupt));
        }
        if self.limits.requests.flag.load(Ordering::Relaxed) {
            self.limits.is_snapshot_due = true;
        }
        self.limits.notice_sample_time(self.host);
        if let Some(deadline) = self.limits.deadline
            && self.host.monotonic() >= deadline
        {
            return Err(self.stop(StopReason::Time));
        }
        self.renew()
    }

    /// Takes a new slice, if there is fuel for it.
    fn renew(&mut self) -> Result<(), Throw> {
        // A charge may have been larger than the slice: what it is over counts against the next ones.
        let over = (-*self.budget).max(0) as u64;
        self.limits.used += self.limits.slice;
        self.limits.ended = self.limits.slice;
        self.limits.slice = 0;
        if let Some(fuel) = &mut self.limits.fuel {
            if over > *fuel {
                *fuel = 0;
                *self.budget = 0;
                return Err(self.stop(StopReason::Fuel));
            }
            *fuel -= over;
        }
        self.limits.used += over;
        self.new_slice();
        if self.limits.sampling == Sampling::Idle {
            self.limits.sampling = Sampling::Due;
        }
        Ok(())
    }
}
