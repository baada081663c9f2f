//! `sort`.
//!
//! Numbers or strings in an array part, without a comparison function, are sorted in one go. Otherwise the sort is a
//! state machine of integers in the frame's locals, and each comparison may be a call.

use super::access::{
    Access, LENGTH, READ, WRITE, check_list, integer_local, length, length_result, plain, read, write,
};
use crate::{
    arguments::Arguments,
    sort::{Action, Elements, InvalidOrder, MAX_LENGTH, MAX_PENDING, Pending, Range, Sort, sort_by},
};
use core::cell::Cell;
use lunette_gc::{
    heap::Heap,
    reference::Ref,
    table::Table,
    value::{Tag, Value},
};
use lunette_interpreter::{
    Frame, Machine, NativeResult, Throw,
    compare::Comparison,
    frame::FRAME_SLOTS,
    limits::{BYTES_PER_UNIT, Meter},
    metamethod::Event,
    native::Native,
    number,
};

/// `table.sort(list [, comp])`
pub(super) const SORT: Native = Native::new("table.sort", sort).with_locals(LOCALS).unyieldable();

/// A metamethod has given the length.
const MEASURED: u32 = 1;
/// The comparison is done.
const COMPARED: u32 = 2;
/// A metamethod has given the first element of two that are to be compared.
const LEFT: u32 = 3;
/// And the second.
const RIGHT: u32 = 4;
/// A metamethod has given the first element of two that are to be swapped.
const SWAP_LEFT: u32 = 5;
/// And the second.
const SWAP_RIGHT: u32 = 6;
/// One of them was written.
const SWAP_HALF: u32 = 7;
/// Both were.
const SWAPPED: u32 = 8;
/// Bit of the phase: there is no result; the function may be called again for lack of memory.
const BEGUN: u32 = 16;

// Locals: the state's words, the number of ranges that wait, the indices and values of the action at hand, the ranges.
const STATE: u32 = 0;
const PENDING_COUNT: u32 = 4;
const INDICES: u32 = 5;
const LEFT_VALUE: u32 = 6;
const RIGHT_VALUE: u32 = 7;
const PENDING: u32 = 8;
const LOCALS: u32 = PENDING + 2 * MAX_PENDING as u32;

/// Fuel between two charges of a sort in one go.
const BATCH: u64 = 256;

fn sort(machine: &mut Machine, frame: Frame) -> NativeResult {
    let less = match frame.phase() {
        COMPARED => frame.is_result_true(machine),
        _ => match prepare(machine, frame)? {
            Access::Done(less) => less,
            Access::Call(step) => return Ok(step),
        },
    };
    advance(machine, frame, less)
}

/// Everything but going on after a call of the comparison function; gives the answer of the comparison at hand, if that
/// is what was waited for.
#[inline(never)]
fn prepare(machine: &mut Machine, frame: Frame) -> Result<Access<bool>, Throw> {
    let (list, length) = match frame.phase() {
        0 => {
            let list = check_list(machine, frame, 0, READ | WRITE | LENGTH)?;
            match length(machine, frame, list, MEASURED)? {
                Access::Done(length) => (list, length),
                Access::Call(step) => return Ok(Access::Call(step)),
            }
        }
        MEASURED => (frame.argument_or_nil(machine, 0), length_result(machine, frame)?),
        phase => {
            let result = (phase & BEGUN == 0).then(|| frame.result(machine, 0));
            return act(machine, frame, phase & !BEGUN, result);
        }
    };
    if length > MAX_LENGTH.into() {
        return Err(frame.argument_error(machine, 0, format_args!("array too big")));
    }
    let mut length = length.max(0) as u32;
    if length > 1 {
        if !frame.is_none_or_nil(machine, 1) {
            frame.check_function(machine, 1)?;
        } else if let Some(table) = plain(machine, list)
            && sort_plain(machine, table)?
        {
            length = 0;
        }
    }
    store_state(machine, frame, &Sort::new(length));
    Ok(Access::Done(false))
}

/// Access to the frame's locals as the stack of ranges that wait.
struct Waiting<'m> {
    machine: &'m Machine,
    frame: Frame,
}

impl Waiting<'_> {
    fn count(&self) -> u32 {
        (integer_local(self.machine, self.frame, PENDING_COUNT) as u32).min(MAX_PENDING as u32)
    }

    fn set(&self, local: u32, value: u64) {
        self.frame.set_local(self.machine, local, Value::Integer(value as i64));
    }
}

impl Pending for Waiting<'_> {
    fn push(&mut self, range: Range) {
        let count = self.count().min(MAX_PENDING as u32 - 1);
        let [bounds, seed] = range.to_words();
        self.set(PENDING + 2 * count, bounds);
        self.set(PENDING + 2 * count + 1, seed);
        self.set(PENDING_COUNT, u64::from(count) + 1);
    }

    fn pop(&mut self) -> Option<Range> {
        let count = self.count().checked_sub(1)?;
        self.set(PENDING_COUNT, count.into());
        let word = |local| integer_local(self.machine, self.frame, local) as u64;
        Some(Range::from_words([word(PENDING + 2 * count), word(PENDING + 2 * count + 1)]))
    }
}

/// The state's words are the payloads of integers.
#[inline(always)]
fn load_state(machine: &Machine, frame: Frame) -> Sort {
    let slots = machine.slots::<4>(frame.local_slot(STATE));
    Sort::from_words(core::array::from_fn(|word| slots[word].payload.get()))
}

#[inline(always)]
fn store_state(machine: &Machine, frame: Frame, sort: &Sort) {
    let slots = machine.slots::<4>(frame.local_slot(STATE));
    for (slot, word) in slots.iter().zip(sort.to_words()) {
        slot.set(Value::Integer(word as i64));
    }
}

/// Goes on until something must be called; `less` is what the last comparison has given.
#[inline(always)]
fn advance(machine: &mut Machine, frame: Frame, mut less: bool) -> NativeResult {
    let mut sort = load_state(machine, frame);
    loop {
        machine.charge(1)?;
        let (phase, indices) = match sort.step(less, &mut Waiting { machine, frame }) {
            Action::Compare(left, right) => {
                if push_pair(machine, frame, left, right) {
                    store_state(machine, frame, &sort);
                    frame.set_phase(machine, COMPARED);
                    if let Some(step) = machine.call_at_once(frame, 2, SORT.yieldable) {
                        return Ok(step);
                    }
                    less = frame.is_result_true(machine);
                    // Programs can change it.
                    sort = load_state(machine, frame);
                    continue;
                }
                (LEFT, (left, right))
            }
            Action::Swap(left, right) => {
                if swap_plain(machine, frame, left, right) {
                    continue;
                }
                (SWAP_LEFT, (left, right))
            }
            Action::Done => return frame.return_none(),
            Action::Invalid => return Err(machine.native_error(format_args!("{InvalidOrder}"))),
        };
        store_state(machine, frame, &sort);
        match begin(machine, frame, phase, indices)? {
            Access::Done(answer) => less = answer,
            Access::Call(step) => return Ok(step),
        }
    }
}

/// Puts a call of the comparison function with two elements of the array part of the table into the window; `false` if
/// there is no function or an element is not there.
#[inline(always)]
fn push_pair(machine: &Machine, frame: Frame, left: u32, right: u32) -> bool {
    if frame.count() < 2 {
        return false;
    }
    let [list, function] = machine.slots::<2>(frame.base());
    let Value::Table(table) = list.get() else { return false };
    if function.tag.get() == Tag::Nil as u32 {
        return false;
    }
    let [callee, _, first, second] = machine.slots::<{ FRAME_SLOTS as usize + 2 }>(frame.window());
    let (payloads, tags) = machine.heap.array_slices(table);
    for (slot, index) in [(first, left), (second, right)] {
        let index = (index as usize).wrapping_sub(1);
        match tags.get(index) {
            Some(tag) if tag.get() != Tag::Nil as u8 => slot.set_element(tag.get(), payloads[index].get()),
            _ => return false,
        }
    }
    callee.copy_from(function);
    true
}

/// Swaps two elements of the array part of the table; `false` if they are not both there.
#[inline(always)]
fn swap_plain(machine: &Machine, frame: Frame, left: u32, right: u32) -> bool {
    let Some(Value::Table(table)) = frame.argument(machine, 0) else { return false };
    let (payloads, tags) = machine.heap.array_slices(table);
    let (left, right) = ((left as usize).wrapping_sub(1), (right as usize).wrapping_sub(1));
    let is_there = |index: usize| tags.get(index).is_some_and(|tag| tag.get() != Tag::Nil as u8);
    if !is_there(left) || !is_there(right) {
        return false;
    }
    payloads[left].swap(&payloads[right]);
    tags[left].swap(&tags[right]);
    machine.heap.barrier(table);
    true
}

/// Begins an action that may take metamethods, or compares without a function.
#[inline(never)]
fn begin(machine: &Machine, frame: Frame, phase: u32, (left, right): (u32, u32)) -> Result<Access<bool>, Throw> {
    let indices = i64::from(left) << 32 | i64::from(right);
    frame.set_local(machine, INDICES, Value::Integer(indices));
    act(machine, frame, phase, None)
}

/// Goes on with the noted action from a phase, which may have given a result. A comparison gives its answer.
fn act(machine: &Machine, frame: Frame, mut phase: u32, mut result: Option<Value>) -> Result<Access<bool>, Throw> {
    let list = frame.argument_or_nil(machine, 0);
    let indices = integer_local(machine, frame, INDICES);
    let (left, right) = (indices >> 32, indices & 0xffff_ffff);
    loop {
        if result.is_none() {
            frame.set_phase(machine, phase | BEGUN);
        }
        let (local, key, next) = match phase {
            LEFT => (LEFT_VALUE, left, RIGHT),
            RIGHT => (RIGHT_VALUE, right, COMPARED),
            SWAP_LEFT => (LEFT_VALUE, left, SWAP_RIGHT),
            SWAP_RIGHT => (RIGHT_VALUE, right, SWAP_HALF),
            COMPARED => {
                let pair = (frame.local(machine, LEFT_VALUE), frame.local(machine, RIGHT_VALUE));
                return match comparison(machine, frame.argument_or_nil(machine, 1), pair) {
                    Comparison::Known(known) => Ok(Access::Done(known)),
                    Comparison::Call(callee) => {
                        frame.call(machine, COMPARED, callee, &[pair.0, pair.1]).map(Access::Call)
                    }
                    Comparison::Invalid => Err(machine.order_error(pair.0, pair.1)),
                };
            }
            SWAP_HALF => {
                let values = (frame.local(machine, LEFT_VALUE), frame.local(machine, RIGHT_VALUE));
                if result.is_none()
                    && let Access::Call(step) = write(machine, frame, list, (left, values.1), SWAP_HALF)?
                {
                    return Ok(Access::Call(step));
                }
                return Ok(match write(machine, frame, list, (right, values.0), SWAPPED)? {
                    Access::Done(()) => Access::Done(false),
                    Access::Call(step) => Access::Call(step),
                });
            }
            _ => return Ok(Access::Done(false)),
        };
        let value = match result.take() {
            Some(value) => value,
            None => match read(machine, frame, list, key, phase)? {
                Access::Done(value) => value,
                Access::Call(step) => return Ok(Access::Call(step)),
            },
        };
        frame.set_local(machine, local, value);
        phase = next;
    }
}

/// How two elements are to be compared.
fn comparison(machine: &Machine, function: Value, (left, right): (Value, Value)) -> Comparison {
    if function.is_nil() { machine.order(left, right, Event::Less) } else { Comparison::Call(function) }
}

/// Sorts a table whose elements are all numbers or all strings; `false`, and nothing is done, if they are not.
fn sort_plain(machine: &mut Machine, table: Ref<Table>) -> Result<bool, Throw> {
    let (heap, meter) = machine.heap_and_meter();
    let (payloads, tags) = heap.array_slices(table);
    let all = |first: Tag, second: Tag| tags.iter().all(|tag| tag.get() == first as u8 || tag.get() == second as u8);
    let length = tags.len() as u32;
    let array = Array { heap, meter, payloads, tags, work: Cell::new(0) };
    let sorted = if all(Tag::Integer, Tag::Integer) {
        sort_by(&mut By(array, |array: &Array<'_>, left, right| array.integer(left) < array.integer(right)), length)
    } else if all(Tag::Integer, Tag::Float) {
        sort_by(&mut By(array, |array: &Array<'_>, left, right| array.number_less(left, right)), length)
    } else if all(Tag::String, Tag::String) {
        sort_by(&mut By(array, |array: &Array<'_>, left, right| array.string_less(left, right)), length)
    } else {
        return Ok(false);
    };
    heap.barrier(table);
    match sorted {
        Ok(()) => Ok(true),
        Err(Failure::Stopped(throw)) => Err(throw),
        Err(Failure::Invalid(error)) => Err(machine.native_error(format_args!("{error}"))),
    }
}

/// An array part whose elements can be compared without calls.
struct Array<'h> {
    heap: &'h Heap,
    meter: Meter<'h>,
    payloads: &'h [Cell<u64>],
    tags: &'h [Cell<u8>],
    /// Fuel to be charged.
    work: Cell<u64>,
}

impl Array<'_> {
    #[inline(always)]
    fn integer(&self, index: u32) -> i64 {
        self.payloads[index as usize - 1].get() as i64
    }

    #[inline(always)]
    fn value(&self, index: u32) -> Value {
        let index = (index as usize).wrapping_sub(1);
        Value::from_parts(self.tags[index].get(), self.payloads[index].get())
    }

    fn number_less(&self, left: u32, right: u32) -> bool {
        number::less(self.value(left), self.value(right)).unwrap_or(false)
    }

    fn string_less(&self, left: u32, right: u32) -> bool {
        match (self.value(left), self.value(right)) {
            (Value::String(left), Value::String(right)) => {
                let (left, right) = (self.heap.string_bytes(left), self.heap.string_bytes(right));
                self.work.set(self.work.get() + left.len().min(right.len()) as u64 / BYTES_PER_UNIT);
                left < right
            }
            _ => false,
        }
    }
}

/// An array with an order.
struct By<'h, L>(Array<'h>, L);

enum Failure {
    Stopped(Throw),
    Invalid(InvalidOrder),
}

impl From<InvalidOrder> for Failure {
    fn from(error: InvalidOrder) -> Failure {
        Failure::Invalid(error)
    }
}

impl<L: Fn(&Array<'_>, u32, u32) -> bool> Elements for By<'_, L> {
    type Error = Failure;

    #[inline(always)]
    fn less(&mut self, left: u32, right: u32) -> Result<bool, Failure> {
        let work = self.0.work.get() + 1;
        self.0.work.set(work);
        if work >= BATCH {
            self.0.work.set(0);
            self.0.meter.charge(work).map_err(Failure::Stopped)?;
        }
        Ok((self.1)(&self.0, left, right))
    }

    #[inline(always)]
    fn swap(&mut self, left: u32, right: u32) {
        let (left, right) = (left as usize - 1, right as usize - 1);
        self.0.payloads[left].swap(&self.0.payloads[right]);
        self.0.tags[left].swap(&self.0.tags[right]);
    }
}
