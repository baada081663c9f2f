//! Typed functions as machine code: when they are compiled, how the loop gets into it and out of it, and how it calls.
//!
//! A slice of fuel that ends in a function heats it. A hot one is compiled by whoever was registered for that, and its code is
//! installed again, without marks, but for those that say where compiled code may be entered: at its beginning, at the
//! targets of jumps back, and behind instructions that compiled code leaves to the loop.
//!
//! ```text
//!   loop:      ... | entry | ...                               ... | instruction | ...
//!                      |  registers: frame                            ^  registers: frame
//!                      v                                              |
//!   compiled code:  ...                              registers: the processor's
//! ```
//!
//! Compiled code begins with the registers in the frame and leaves them there, before an instruction that the loop then
//! executes. So traps, polls, exceptions and collections are the loop's, and frames are the truth whenever anybody looks at
//! them. Machine code lies outside the region; marks and numbers whose code is not there any more (the instance was cloned,
//! or came from another process) mean nothing.
//!
//! Compiled code calls compiled functions of its instance itself. Their frames have their place on the number stack, and
//! room among the slots, but nothing is written there before one of them is left for the loop: then all that have called it
//! return as well, each after it has put its registers into its frame and noted in the link above it which call it was in.
//! From that the frames are made (`enter`).
//!
//! Accesses to a memory that has guards behind it are not compared with its length: those beyond it fault (`fault`).
//!
//! The data flows `layout`, `fault`, `helpers` and `tier` (which functions are compiled, where their code is) → `compile` →
//! `report` → `enter`. [`crate::code_cache`] has the machine code of all functions.

mod compile;
pub(super) mod enter;
pub mod fault;
mod helpers;
pub mod layout;
pub mod report;
mod tier;

use alloc::{collections::BTreeMap, vec::Vec};
use fault::Faults;
use lunette_bytecode::typed::{function::Function, module::FunctionType};

pub use lunette_gc::typed::{FieldPlace, Form};
pub(crate) use tier::NativeTier;

/// A function to be compiled, which was verified.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// It.
    pub function: Function,
    /// The address of the machine that it is compiled for.
    pub machine: usize,
    /// Its prototype, in units of references.
    pub prototype: u32,
    /// Its type.
    pub function_type: FunctionType,
    /// Whether even what would not gain is compiled, and in every way, for tests.
    pub is_eager: bool,
    /// Whether it is left at random, for tests.
    pub is_chaotic: bool,
    /// Whether the memory at number 0 has guards, so that accesses with 32 bits of address need not be checked.
    pub is_guarded: bool,
    /// The functions of its module that it calls by number, imported ones left out.
    pub callees: BTreeMap<u32, Callee>,
    /// The types, by number in the module, of functions that it calls by way of tables and references.
    pub types: BTreeMap<u32, FunctionType>,
    /// The types that its instructions name, of whatever is on the heap, by number in the module.
    pub objects: BTreeMap<u32, ObjectType>,
}

/// A function that compiled code calls.
#[derive(Clone, Debug)]
pub struct Callee {
    /// The address of what compiled code needs to call it ([`layout::CALLEE_ADDRESS`]).
    pub place: u64,
    /// Its type.
    pub function_type: FunctionType,
}

/// A type as the machine knows it.
#[derive(Clone, Debug)]
pub struct ObjectType {
    /// It, in units of references.
    pub kind: u32,
    /// How many supertypes it has.
    pub depth: u32,
    /// Whether it has no subtypes but itself.
    pub is_final: bool,
    /// What objects of the type are.
    pub form: Form,
    /// Bytes of a structure's fields.
    pub bytes: u32,
    /// The fields of a structure that are numbers or vectors.
    pub numbers: Vec<FieldPlace>,
    /// Those that are references.
    pub references: Vec<FieldPlace>,
}

/// What a function is compiled to: a function of the C convention, of the address of number register 0, that of reference
/// register 0, the number of the entry (32 bits), and three number registers, which returns a [`status`] and a number register, or
/// the payload of a reference register. The fuel that is left of the slice is in `r15`.
///
/// Entry 0 is for compiled callers: the first numbers are in the last three parameters, further ones and references in the frame. If it does
/// not begin, the first ones are there as well.
/// The others are for the loop: every register is in the frame.
#[derive(Clone, Debug, Default)]
pub struct NativeCode {
    /// The machine code, which can lie anywhere.
    pub bytes: Vec<u8>,
    /// Of each entry, from 1 on, the word of the function where it is.
    pub entries: Vec<u32>,
    /// Whether it has entry 0.
    pub is_callable: bool,
    /// If it relies on guards behind the first memory: where that may fault.
    pub faults: Option<Faults>,
}

/// Compiles a function.
pub type Compile = fn(&Unit) -> Result<NativeCode, Refusal>;

/// Why a function is not compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Refusal {
    /// Nothing in it would be faster.
    NothingGained,
    /// Compiling it would take too long.
    TooLarge,
    /// There is no more room for machine code.
    NoRoom,
    /// The compiler has a fault, or none is there for this processor.
    Failed,
}

/// How compiled code ends: the low bits of what it returns.
pub mod status {
    /// By the function's return, and what it returns is the result: the other bits of the low half are the word of the
    /// instruction, the high half is the tag of a result that is a reference.
    pub const RETURNED: u64 = 0;
    /// For the loop, which goes on where [`super::layout::EXIT_WORD`] and what follows it say.
    pub const LEFT: u64 = 1;
    /// It has not begun, for lack of fuel or room: the loop is to call it.
    pub const REFUSED: u64 = 2;
    /// The bits.
    pub const BITS: u32 = 2;
    /// From where on the tag of a reference stands.
    pub const TAG_SHIFT: i64 = 32;
}

/// The most number registers of arguments that compiled code passes: as much as there is room behind every frame.
pub const MOST_ARGUMENTS: u32 = super::frames::NUMBER_RESERVE - 1;
/// The same of reference registers.
pub const MOST_REFERENCES: u32 = 16;
const _: () = assert!(MOST_REFERENCES + 2 * super::calls::FIXED_SLOTS < crate::machine::STACK_RESERVE);
