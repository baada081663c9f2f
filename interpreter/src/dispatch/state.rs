//! The state that instruction bodies pass on in machine registers, and raw access to slots through it.
//!
//! Everything here works on addresses inside the region. What makes it sound: code has passed the verifier, so that
//! every operand lies in the frame or the prototype; frames have room for their registers (checked at each call); and
//! references in slots are valid until the next safepoint, at which the stack is scanned.

use crate::machine::{Machine, Outcome};
use core::marker::PhantomData;
use lunette_bytecode::instruction::Word;
use lunette_gc::{
    function::{Closure, Prototype, Site, VariableCell},
    object::Header,
    reference::{REFERENCE_SCALE, Ref},
    value::{Slot, Tag},
};

/// A way of going from instruction to instruction; see the parent module.
pub(crate) trait Driver: Sized {
    /// Finishes the instruction `word` by `function`, on a path that is rarely taken, and goes on.
    unsafe fn slow<F: OutOfLine>(state: State<Self>, word: Word, function: F) -> Flow<Self>;

    /// Goes on with a second stage of the instruction `word`.
    unsafe fn stage<S: Stage>(state: State<Self>, word: Word) -> Flow<Self>;

    /// Finishes the instruction `word` by `function` and goes on.
    unsafe fn call_out<F: OutOfLine>(state: State<Self>, word: Word, function: F) -> Flow<Self>;
}

/// A second stage of an instruction, apart from the first so that it takes no machine registers there.
pub(crate) trait Stage {
    /// Executes the instruction `word`.
    unsafe fn run<D: Driver>(state: State<D>, word: Word) -> Flow<D>;
}

/// A function that finishes an instruction out of line.
pub(crate) trait OutOfLine: Copy + Fn(&mut Machine, Word) -> Outcome {}
impl<F: Copy + Fn(&mut Machine, Word) -> Outcome> OutOfLine for F {}

/// What instruction bodies work on; each field lives in a machine register.
pub(crate) struct State<D> {
    /// The next instruction.
    pub pc: *const u64,
    /// Register 0 of the frame.
    pub base: *mut u8,
    /// The region's base.
    pub region: *mut u8,
    /// The machine.
    pub machine: *mut Machine,
    /// The running function's prototype: sites before it, constants after it.
    pub prototype: *mut Prototype,
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

/// What an out-of-line path did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// The instruction is done; the frame is where it was.
    Next,
    /// Go on in the machine's current frame at its saved pc: anything may have moved.
    Reload,
    /// Leave the loop; the machine knows why.
    Leave,
}

pub(crate) const NIL: u32 = Tag::Nil as u32;
pub(crate) const FALSE: u32 = Tag::False as u32;
pub(crate) const TRUE: u32 = Tag::True as u32;
pub(crate) const INTEGER: u32 = Tag::Integer as u32;
pub(crate) const FLOAT: u32 = Tag::Float as u32;
pub(crate) const STRING: u32 = Tag::String as u32;
pub(crate) const TABLE: u32 = Tag::Table as u32;
pub(crate) const CLOSURE: u32 = Tag::Closure as u32;
pub(crate) const NATIVE_CLOSURE: u32 = Tag::NativeClosure as u32;
pub(crate) const CELL: u32 = Tag::Cell as u32;

/// Operands of a word, as byte offsets where the table scales them.
pub(crate) trait Operands {
    fn a(self) -> usize;
    fn b(self) -> usize;
    fn c(self) -> usize;
    fn k(self) -> usize;
    fn b_signed(self) -> i64;
    fn c_signed(self) -> i64;
    fn d(self) -> u32;
    fn d_signed(self) -> i64;
}

impl Operands for Word {
    #[inline(always)]
    fn a(self) -> usize {
        (self.0 >> 16) as u16 as usize
    }
    #[inline(always)]
    fn b(self) -> usize {
        (self.0 >> 32) as u16 as usize
    }
    #[inline(always)]
    fn c(self) -> usize {
        (self.0 >> 48) as usize
    }
    #[inline(always)]
    fn k(self) -> usize {
        (self.0 >> 8) as u8 as usize
    }
    #[inline(always)]
    fn b_signed(self) -> i64 {
        i64::from((self.0 >> 32) as u16 as i16)
    }
    #[inline(always)]
    fn c_signed(self) -> i64 {
        (self.0 as i64) >> 48
    }
    #[inline(always)]
    fn d(self) -> u32 {
        (self.0 >> 32) as u32
    }
    #[inline(always)]
    fn d_signed(self) -> i64 {
        (self.0 as i64) >> 32
    }
}

/// A slot seen by its address.
#[derive(Clone, Copy)]
pub(crate) struct Register(pub *mut Slot);

impl Register {
    #[inline(always)]
    pub unsafe fn tag(self) -> u32 {
        // SAFETY: the caller's register lies in the frame.
        unsafe { (*self.0).tag.get() }
    }
    #[inline(always)]
    pub unsafe fn payload(self) -> u64 {
        // SAFETY: as above.
        unsafe { (*self.0).payload.get() }
    }
    #[inline(always)]
    pub unsafe fn integer(self) -> i64 {
        // SAFETY: as above.
        unsafe { self.payload() as i64 }
    }
    #[inline(always)]
    pub unsafe fn float(self) -> f64 {
        // SAFETY: as above.
        unsafe { f64::from_bits(self.payload()) }
    }
    #[inline(always)]
    pub unsafe fn set(self, tag: u32, payload: u64) {
        // SAFETY: as above.
        unsafe {
            (*self.0).payload.set(payload);
            (*self.0).tag.set(tag);
        }
    }
    #[inline(always)]
    pub unsafe fn set_integer(self, value: i64) {
        // SAFETY: as above.
        unsafe { self.set(INTEGER, value as u64) }
    }
    #[inline(always)]
    pub unsafe fn set_float(self, value: f64) {
        // SAFETY: as above.
        unsafe { self.set(FLOAT, value.to_bits()) }
    }
    /// Copies payload and tag from `source`.
    #[inline(always)]
    pub unsafe fn copy_from(self, source: Register) {
        // SAFETY: as above, for both.
        unsafe { self.set(source.tag(), source.payload()) }
    }
}

impl<D: Driver> State<D> {
    /// The register at this byte offset of the frame.
    #[inline(always)]
    pub fn register(self, offset: usize) -> Register {
        Register(self.base.wrapping_add(offset).cast())
    }

    /// The register `count` slots after the one at `offset`.
    #[inline(always)]
    pub fn register_after(self, offset: usize, count: usize) -> Register {
        Register(self.base.wrapping_add(offset + count * 16).cast())
    }

    /// The constant at this byte offset.
    #[inline(always)]
    pub fn constant(self, offset: usize) -> Register {
        Register(self.prototype.wrapping_add(1).cast::<u8>().wrapping_add(offset).cast())
    }

    /// The site of this number.
    #[inline(always)]
    pub fn site(self, number: usize) -> *mut Site {
        self.prototype.cast::<Site>().wrapping_sub(number + 1)
    }

    /// The address of an object whose reference stands in a slot's payload.
    #[inline(always)]
    pub fn object<T>(self, payload: u64) -> *mut T {
        self.region.wrapping_add(payload as usize * REFERENCE_SCALE).cast()
    }

    /// The address of an object.
    #[inline(always)]
    pub fn resolve<T>(self, object: Ref<T>) -> *mut T {
        object.pointer(self.region)
    }

    /// The running closure.
    #[inline(always)]
    pub unsafe fn closure(self) -> *mut Closure {
        // SAFETY: the slot two before register 0 holds the frame's function, here a Lua closure.
        unsafe { self.object(Register(self.base.wrapping_sub(32).cast()).payload()) }
    }

    /// The cell of upvalue `number` of the running closure.
    #[inline(always)]
    pub unsafe fn upvalue(self, number: usize) -> Register {
        // SAFETY: the verifier checked the number; every upvalue has its cell from the closure's making on.
        unsafe {
            let cells = self.closure().add(1).cast::<u32>();
            let cell: *mut VariableCell = self.object(u64::from(*cells.add(number)));
            Register(&raw mut (*cell).value)
        }
    }

    /// The pc moved by `distance` words.
    #[inline(always)]
    pub fn jumped(self, distance: i64) -> State<D> {
        State { pc: self.pc.wrapping_offset(distance as isize), ..self }
    }

    /// Whether the collector must be told of a reference written into the object with this header.
    #[inline(always)]
    pub unsafe fn needs_barrier(self, header: *const Header) -> bool {
        // SAFETY: the caller's header is an object's.
        unsafe { (*header).gc.get() & Header::BARRIER != 0 }
    }
}
