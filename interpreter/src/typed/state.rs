//! The state that bodies of typed instructions pass on in machine registers, and raw access to registers through it.
//!
//! ```text
//!   number stack:  ... | link | N[0] | N[1] | ...
//!                             ^ base
//!   link: number registers (21 bits) | reference registers (21) | number registers of the frame below (21) | foreign (1)
//!
//!   stack of slots: ... | prototype | header | instance | R[0] | R[1] | ...
//!                                            ^ slot base
//! ```
//!
//! A *foreign* frame was not called by one of the same instance: returning from it takes more than moving results. What
//! makes raw access sound is the same as for dynamic code: operands are verified, frames have room for their registers.

use crate::{
    dispatch::state::{Operands, OutOfLine, Register, Status},
    machine::Machine,
};
use core::marker::PhantomData;
use lunette_bytecode::instruction::Word;
use lunette_gc::{
    object::AnyObject,
    reference::{REFERENCE_SCALE, Ref},
    typed::{CanonicalType, Instance},
};

/// Bits of a link for each number of registers.
const COUNT_BITS: u32 = 21;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;
/// Bit of a link: the frame is foreign.
const FOREIGN: u64 = 1 << 63;

/// What lies before register 0 on the number stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link(pub u64);

impl Link {
    #[inline(always)]
    pub fn new(numbers: u32, references: u32, below: u32) -> Link {
        Link(u64::from(numbers) | u64::from(references) << COUNT_BITS | u64::from(below) << (2 * COUNT_BITS))
    }

    #[inline(always)]
    #[must_use]
    pub fn foreign(self) -> Link {
        Link(self.0 | FOREIGN)
    }

    #[inline(always)]
    pub fn is_foreign(self) -> bool {
        self.0 & FOREIGN != 0
    }

    /// Number registers of the frame.
    #[inline(always)]
    pub fn numbers(self) -> usize {
        (self.0 & COUNT_MASK) as usize
    }

    /// Reference registers of the frame.
    #[inline(always)]
    pub fn references(self) -> usize {
        (self.0 >> COUNT_BITS & COUNT_MASK) as usize
    }

    /// Number registers of the frame below.
    #[inline(always)]
    pub fn below(self) -> usize {
        (self.0 >> (2 * COUNT_BITS) & COUNT_MASK) as usize
    }
}

/// What instruction bodies work on; each field lives in a machine register.
pub(crate) struct State<D> {
    /// The next word.
    pub pc: *const u64,
    /// Number register 0 of the frame.
    pub base: *mut u8,
    /// Byte 0 of the memory in use; its length is in the 8 bytes before it.
    pub memory: *mut u8,
    /// The machine.
    pub machine: *mut Machine,
    /// What an instruction before this one has written to a number register, as [`super::forwarding`] says.
    pub integer: u64,
    /// The same, of floats of 32 bits.
    pub single: f32,
    /// The same, of floats of 64 bits.
    pub double: f64,
    /// How the loop goes on.
    pub driver: PhantomData<D>,
}

impl<D> Clone for State<D> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<D> Copy for State<D> {}

/// Where an instruction body leaves to.
pub(crate) enum Flow<D> {
    /// To the instruction at `pc`.
    Next(State<D>),
    /// Out of the loop, with an exit number.
    Leave(u64),
}

/// A second stage of an instruction, apart from the first so that it takes no machine registers there.
pub(crate) trait Stage {
    /// Executes the instruction `word`.
    unsafe fn run<D: Driver>(state: State<D>, word: Word) -> Flow<D>;
}

/// A way of going from instruction to instruction; see [`super::dispatch`].
pub(crate) trait Driver: Sized {
    /// Whether the instruction takes its left operand as it was handed on, in place of reading its register.
    const LEFT: bool;
    /// The same for the right operand.
    const RIGHT: bool;

    /// Goes on with a second stage of the instruction `word`.
    unsafe fn stage<S: Stage>(state: State<Self>, word: Word) -> Flow<Self>;

    /// Finishes the instruction `word` by `function` and goes on. The state's `pc` is past the whole instruction.
    unsafe fn call_out<F: OutOfLine>(state: State<Self>, word: Word, function: F) -> Flow<Self>;

    /// As `call_out`, on a path that is rarely taken.
    unsafe fn slow<F: OutOfLine>(state: State<Self>, word: Word, function: F) -> Flow<Self>;
}

/// The out-of-line path of an instruction, with the machine's frame saved.
#[inline(always)]
pub(crate) unsafe fn finish<F: OutOfLine>(
    machine: *mut Machine,
    base: *mut u8,
    pc: *const u64,
    word: Word,
    function: F,
) -> Status {
    // SAFETY: the loop owns the machine, and no other borrow of it is alive in the loop.
    let machine = unsafe { &mut *machine };
    machine.save_typed(base, pc);
    match function(machine, word) {
        Ok(status) => status,
        Err(crate::error::Throw::Memory) => machine.retry(word, function),
        Err(throw) => machine.raise(throw),
    }
}

impl<D: Driver> State<D> {
    /// Finishes the instruction out of line; `words` of it follow the first.
    #[inline(always)]
    pub unsafe fn call_out<F: OutOfLine>(self, word: Word, words: usize, function: F) -> Flow<D> {
        // SAFETY: the state is the machine's.
        unsafe { D::call_out(self.past(words), word, function) }
    }

    /// Finishes the instruction out of line, on a path that is rarely taken; `words` of it follow the first.
    #[inline(always)]
    pub unsafe fn slow<F: OutOfLine>(self, word: Word, words: usize, function: F) -> Flow<D> {
        // SAFETY: the state is the machine's.
        unsafe { D::slow(self.past(words), word, function) }
    }

    /// The state past so many literal words.
    #[inline(always)]
    pub fn past(self, words: usize) -> State<D> {
        State { pc: self.pc.wrapping_add(words), ..self }
    }

    /// The same state, for an instruction that takes its operands otherwise.
    #[inline(always)]
    #[cfg_attr(
        not(all(target_arch = "x86_64", not(debug_assertions))),
        expect(dead_code, reason = "for the other driver")
    )]
    pub fn driven_by<E>(self) -> State<E> {
        let State { pc, base, memory, machine, integer, single, double, driver: _ } = self;
        State { pc, base, memory, machine, integer, single, double, driver: PhantomData }
    }

    /// To the next instruction, past so many literal words.
    #[inline(always)]
    pub fn next(self, words: usize) -> Flow<D> {
        Flow::Next(self.past(words))
    }

    /// The pc moved by `distance` words.
    #[inline(always)]
    pub fn jumped(self, distance: i64) -> State<D> {
        State { pc: self.pc.wrapping_offset(distance as isize), ..self }
    }

    /// Takes a back-edge: charges fuel for the words it spans.
    #[inline(always)]
    pub unsafe fn jump_back(self, word: Word, distance: i64) -> Flow<D> {
        let target = self.jumped(distance);
        // SAFETY: the machine outlives its loop.
        unsafe {
            let budget = (*self.machine).budget.get() + distance;
            (*self.machine).budget.set(budget);
            if budget < 0 { D::slow(target, word, super::slow::poll) } else { Flow::Next(target) }
        }
    }

    /// The literal word `index` of the instruction whose first word was just read.
    #[inline(always)]
    pub unsafe fn literal(self, index: usize) -> u64 {
        // SAFETY: the verifier saw that the literals are there.
        unsafe { *self.pc.add(index) }
    }

    /// The operand of a number register that may have been handed on, the left one.
    #[inline(always)]
    pub unsafe fn left<N: Number>(self, offset: usize) -> N {
        // SAFETY: the register lies in the frame.
        if D::LEFT { N::handed_on(self) } else { unsafe { N::get(self, offset) } }
    }
    /// The same, the right one.
    #[inline(always)]
    pub unsafe fn right<N: Number>(self, offset: usize) -> N {
        // SAFETY: the register lies in the frame.
        if D::RIGHT { N::handed_on(self) } else { unsafe { N::get(self, offset) } }
    }
    /// Writes a number register, and hands the number on.
    #[inline(always)]
    pub unsafe fn put<N: Number>(self, offset: usize, value: N) -> State<D> {
        // SAFETY: the register lies in the frame.
        unsafe { value.put(self, offset) }
    }

    #[inline(always)]
    pub unsafe fn get64(self, offset: usize) -> u64 {
        // SAFETY: the register lies in the frame.
        unsafe { *self.base.add(offset).cast() }
    }
    #[inline(always)]
    pub unsafe fn set64(self, offset: usize, value: u64) {
        // SAFETY: as above.
        unsafe { *self.base.add(offset).cast() = value }
    }
    #[inline(always)]
    pub unsafe fn get32(self, offset: usize) -> u32 {
        // SAFETY: as above.
        unsafe { *self.base.add(offset).cast() }
    }
    #[inline(always)]
    pub unsafe fn set32(self, offset: usize, value: u32) {
        // SAFETY: as above.
        unsafe { self.set64(offset, value.into()) }
    }
    #[inline(always)]
    pub unsafe fn get128(self, offset: usize) -> u128 {
        // SAFETY: as above.
        unsafe { self.base.add(offset).cast::<u128>().read_unaligned() }
    }
    #[inline(always)]
    pub unsafe fn set128(self, offset: usize, value: u128) {
        // SAFETY: as above.
        unsafe { self.base.add(offset).cast::<u128>().write_unaligned(value) }
    }

    /// The reference register at this byte offset.
    #[inline(always)]
    pub unsafe fn reference(self, offset: usize) -> Register {
        // SAFETY: the register lies in the frame, after the slot of the instance.
        unsafe { Register(self.slot_base().add(16 + offset).cast()) }
    }

    /// The slot of the frame's instance, before which its header lies.
    #[inline(always)]
    pub unsafe fn slot_base(self) -> *mut u8 {
        // SAFETY: the machine outlives its loop.
        unsafe { (*self.machine).stack.add((*self.machine).base as usize * 16) }
    }

    /// The module instance.
    #[inline(always)]
    pub unsafe fn instance(self) -> *mut Instance {
        // SAFETY: as above.
        unsafe { (*self.machine).instance }
    }

    /// The region's base.
    #[inline(always)]
    pub unsafe fn region(self) -> *mut u8 {
        // SAFETY: as above.
        unsafe { (*self.machine).heap.base() }
    }

    /// Element `index` of an array of references; `None` if there is none.
    #[inline(always)]
    pub unsafe fn element<A, T>(self, array: Ref<A>, index: usize) -> Option<Ref<T>> {
        // SAFETY: the verifier checked the index against the array's length.
        unsafe {
            let elements = array.pointer(self.region()).cast::<u8>().add(8).cast::<Option<Ref<AnyObject>>>();
            (*elements.add(index)).map(Ref::cast)
        }
    }

    /// The address of an object.
    #[inline(always)]
    pub unsafe fn object<T>(self, object: Ref<T>) -> *mut T {
        // SAFETY: the machine outlives its loop.
        unsafe { object.pointer(self.region()) }
    }

    /// Whether a type is another one or a subtype of it.
    #[inline(always)]
    pub unsafe fn is_subtype(self, kind: Ref<CanonicalType>, of: Ref<CanonicalType>) -> bool {
        // SAFETY: types are objects of the region.
        unsafe { kind == of || (*self.machine).heap.is_subtype(kind, of) }
    }

    /// The payload of a reference to the instance.
    #[inline(always)]
    pub unsafe fn instance_units(self) -> u64 {
        // SAFETY: both lie in the region.
        unsafe { (self.instance().cast::<u8>().offset_from(self.region()) as u64) / REFERENCE_SCALE as u64 }
    }
}

/// What a number register can hold.
pub(crate) trait Number: Copy {
    /// Reads a register.
    unsafe fn get<D: Driver>(state: State<D>, offset: usize) -> Self;
    /// The number handed on.
    fn handed_on<D: Driver>(state: State<D>) -> Self;
    /// Writes a register, and hands the number on.
    unsafe fn put<D: Driver>(self, state: State<D>, offset: usize) -> State<D>;
}

macro_rules! numbers {
    ($($type:ident $field:ident: $field_type:ident |$value:ident| $to_bits:expr;)*) => { $(
        impl Number for $type {
            #[inline(always)]
            unsafe fn get<D: Driver>(state: State<D>, offset: usize) -> Self {
                // SAFETY: the register lies in the frame.
                unsafe { *state.base.add(offset).cast() }
            }
            #[inline(always)]
            fn handed_on<D: Driver>(state: State<D>) -> Self {
                state.$field as $type
            }
            #[inline(always)]
            unsafe fn put<D: Driver>(self, state: State<D>, offset: usize) -> State<D> {
                let $value = self;
                // SAFETY: the register lies in the frame.
                unsafe { state.set64(offset, $to_bits) }
                State { $field: self as $field_type, ..state }
            }
        }
    )* };
}

numbers! {
    u32 integer: u64 |value| value.into();
    u64 integer: u64 |value| value;
    f32 single: f32 |value| value.to_bits().into();
    f64 double: f64 |value| value.to_bits();
}

/// 64 bits that may be of either kind, and are handed on as both.
#[derive(Clone, Copy)]
pub(crate) struct Bits64(pub u64);

/// 32 bits that may be of either kind.
#[derive(Clone, Copy)]
pub(crate) struct Bits32(pub u32);

impl Bits64 {
    /// Writes a number register, and hands the number on.
    #[inline(always)]
    pub unsafe fn put<D: Driver>(self, state: State<D>, offset: usize) -> State<D> {
        // SAFETY: the register lies in the frame.
        State { double: f64::from_bits(self.0), ..unsafe { state.put(offset, self.0) } }
    }
}

impl Bits32 {
    /// Writes a number register, and hands the number on.
    #[inline(always)]
    pub unsafe fn put<D: Driver>(self, state: State<D>, offset: usize) -> State<D> {
        // SAFETY: the register lies in the frame.
        State { single: f32::from_bits(self.0), ..unsafe { state.put(offset, self.0) } }
    }
}

/// The first operands of a word, for literals.
#[inline(always)]
pub(crate) fn field(literal: u64, index: u32) -> usize {
    (literal >> (16 * index)) as u16 as usize
}

/// The distance of a jump in field c or d.
#[inline(always)]
pub(crate) fn distance(word: Word, is_wide: bool) -> i64 {
    if is_wide { word.d_signed() } else { word.c_signed() }
}
