//! Functions of Lua as machine code: when they are compiled, how the loop gets into it and out of it, and what it calls.
//!
//! A slice of fuel that ends in a function heats it, and has it observed ([`crate::feedback`]). A hot one is compiled, by
//! whoever was registered for that, for the types that were seen; and the instructions at which its machine code may be entered
//! are marked: its beginning, what loops go back to, and what follows calls.
//!
//! ```text
//!   loop:      ... | marked instruction | ...                       ... | instruction | ...
//!                           |  registers: frame                              ^  registers: frame
//!                           v                                                |
//!   compiled code:  ...           numbers whose type is known: the processor's registers
//! ```
//!
//! In compiled code every reference, and what is not known to be a number, is in the frame; numbers are in the processor's
//! registers, and are stored before anybody may look at the frame: calls, exits, and instructions that compiled code does not
//! do itself, for which it calls [`Perform`]. So whatever happens there (collections, errors, other coroutines, snapshots)
//! finds the frames of all functions whole, and has compiled code return, through all its callers, up to one in whose frame the
//! machine then is, or to the loop. A coroutine that was resumed runs above its resumer's machine code until it comes back.
//!
//! Where something is of another type than was seen, compiled code is left before the instruction, which is noted as feedback.
//! After some such exits the function is compiled once more, with what was learnt: where it was left often it goes on by
//! `Perform`.
//!
//! Entries that are used for too little before compiled code is left again are taken away, until the function is hot once more.
//!
//! Machine code lies outside the region; marks and numbers whose code is not there any more (the instance was cloned, or came
//! from another process) mean nothing.
//!
//! The data flows `running` → `pushed` → `enter` → `roles` → `helpers` (functions that compiled code calls), `layout` and `tier`
//! (which functions are compiled, where their code is) → `units` (what the compiler is told) → `compile` → `heat` → `report` →
//! `calls`, `elements`, `callbacks`. [`crate::code_cache`] has the machine code of all functions, [`crate::compiling`] what
//! whoever compiles is given.

mod callbacks;
pub(crate) mod calls;
mod compile;
pub(crate) mod elements;
pub(crate) mod enter;
mod heat;
mod helpers;
pub mod layout;
mod pushed;
mod report;
mod roles;
mod running;
mod tier;
mod units;

use crate::{
    feedback::{OPERANDS, Tags},
    native::{Builtin, Role},
    typed::native::Refusal,
};
use alloc::{collections::BTreeMap, vec::Vec};
use lunette_bytecode::{instruction::Word, module::Capture};
use lunette_gc::{
    function::{Prototype, Site},
    table::Table,
    value::Slot,
};

pub(crate) use tier::LuaTier;

/// A function to be compiled, which was verified.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// The machine's number of it.
    pub number: u32,
    /// Its instructions.
    pub code: Vec<Word>,
    /// Where the first of them lies, from the region's address on, in units of references.
    pub code_start: u32,
    /// Where its prototype lies, likewise.
    pub prototype: u32,
    /// How many registers it has.
    pub register_count: u16,
    /// How many of them are parameters.
    pub parameter_count: u8,
    /// Whether it takes further arguments.
    pub is_variadic: bool,
    /// Whether it is a chunk, which takes further arguments, too.
    pub is_chunk: bool,
    /// Fuel charged when it is entered.
    pub entry_cost: u32,
    /// Tag and payload of each constant.
    pub constants: Vec<(u32, u64)>,
    /// The functions of which it makes closures, by their number in the module.
    pub closures: BTreeMap<u32, Template>,
    /// Of calls, by the instruction, the function that may be compiled in their place, where the callee has this prototype; and
    /// of arithmetic, the metamethod that the first operand has.
    pub callees: BTreeMap<u32, Unit>,
    /// Of arithmetic, by the instruction, the reference to the key of the metamethod that may be in its place.
    pub events: BTreeMap<u32, u32>,
    /// Of others, the function of Lua that was seen to be the only one that is called there.
    pub known_callees: BTreeMap<u32, KnownCallee>,
    /// Of calls and calls of iterators, by the instruction, the native function that is called there and need not be called as
    /// others are.
    pub native_callees: BTreeMap<u32, NativeCallee>,
    /// What each site has met.
    pub sites: Vec<SiteState>,
    /// The tags that the first register operands of each instruction were seen with.
    pub seen: Vec<[Tags; OPERANDS]>,
    /// Of each instruction whether compiled code was left there often: it is to go on there.
    pub goes_on: Vec<bool>,
    /// Variables: their registers' content is looked at by others.
    pub locals: Vec<Local>,
    /// Whether it is compiled without having run, for tests.
    pub is_eager: bool,
    /// Whether it meets the unexpected at random, for tests.
    pub is_chaotic: bool,
}

impl Unit {
    /// How many instructions it has, with those of the functions that are compiled in the place of calls.
    pub fn words(&self) -> usize {
        self.code.len() + self.callees.values().map(Unit::words).sum::<usize>()
    }

    /// Whether a call is one of the quick form of a native function.
    pub fn calls_quick(&self, call: usize) -> bool {
        !self.goes_on[call] && self.native_callees.get(&(call as u32)).is_some_and(|callee| callee.is_quick)
    }
}

/// What closures are made of.
#[derive(Clone, Debug)]
pub struct Template {
    /// Where the prototype lies, from the region's address on, in units of references.
    pub prototype: u32,
    /// Where their variables come from.
    pub captures: Vec<Capture>,
}

/// A function of Lua that takes no further arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownCallee {
    /// The machine's number of it.
    pub number: u32,
    /// Where its prototype lies, from the region's address on, in units of references.
    pub prototype: u32,
    /// How many parameters it has.
    pub parameter_count: u8,
}

/// A native function for which there is a shorter way than that of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NativeCallee {
    /// Its number.
    pub native: u32,
    /// Whether it has a [`Quick`](crate::native::Quick) form.
    pub is_quick: bool,
    /// What can be done in its place.
    pub builtin: Option<Builtin>,
    /// What the machine does in its place.
    pub role: Option<Role>,
}

/// A local variable.
#[derive(Clone, Debug)]
pub struct Local {
    /// Its register.
    pub register: u8,
    /// The instructions at which it is visible.
    pub scope: core::ops::Range<u32>,
}

/// What an inline cache has met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SiteState {
    /// A field of the table itself.
    pub own: bool,
    /// And one of tables of another shape.
    pub second: bool,
    /// A field found along `__index`, or of another table; of an instruction that sets, a field that is added.
    pub other: bool,
    /// More than it has room for.
    pub crowded: bool,
    /// The reference to its key, if that is a short string, or 0.
    pub key: u32,
}

/// What a function is compiled to: machine code of the C convention, [`Compiled`].
#[derive(Clone, Debug, Default)]
pub struct NativeCode {
    /// The machine code, which can lie anywhere.
    pub bytes: Vec<u8>,
    /// Of each entry, from 1 on, the instruction where it is.
    pub entries: Vec<u32>,
    /// Whether it has entry 0.
    pub is_callable: bool,
    /// How many registers it uses, with those of functions in the place of calls.
    pub register_count: u16,
}

/// Compiled code: of the address of register 0, those of the machine and of the region, and the number of the entry it
/// returns a [`status`].
///
/// Entry 0 is for compiled callers, which have made the frame, and stored where they go on.
pub type Compiled = unsafe extern "sysv64" fn(*mut u8, *mut crate::Machine, *mut u8, u32) -> u64;

/// Does an instruction for compiled code: of the machine's address, that of register 0, and that of the instruction, it
/// returns a [`performed`].
pub type Perform = unsafe extern "sysv64" fn(*mut crate::Machine, *mut u8, *const u64) -> u64;

/// Goes on, for compiled code whose callee has ended with this [`status`], with the function that a tail call has begun, if it was by
/// one; returns another one.
pub type GoOn = unsafe extern "sysv64" fn(*mut crate::Machine, u64) -> u64;

/// Finds a field, for an instruction that reads one of more kinds of tables than its site remembers: of the addresses of the
/// machine, the prototype, the table and the site it returns the slot's (that at [`layout::NIL_SLOT`] if it is known that there
/// is none), or 0 if finding it takes more. Nothing moves, and only the site changes. For one that sets, it is the slot of the
/// table itself, which is not nil.
pub type FindField =
    unsafe extern "sysv64" fn(*mut crate::Machine, *mut Prototype, *mut Table, *mut Site) -> *const Slot;

/// Calls the [`Quick`](crate::native::Quick) form of a native function: of the machine's address, that of the call window, the
/// number of arguments, and that of the function, it returns whether the result is in the window's first slot and the call is paid for; if not, nothing has
/// happened.
pub type CallQuick = unsafe extern "sysv64" fn(*mut crate::Machine, *const Slot, u32, u32) -> u64;

/// Makes a step of a traversal: of the addresses of the machine and of the loop's state, and the number of variables, it returns
/// whether it is done; if not, the iterator is to be called.
pub type Traverse = unsafe extern "sysv64" fn(*mut crate::Machine, *const Slot, u32) -> u64;

/// Reads an element of a table: of the machine's address, the table's reference, the addresses of key and target, it returns
/// whether it is done; if not, it takes more.
pub type FindElement = unsafe extern "sysv64" fn(*mut crate::Machine, u32, *const Slot, *const Slot) -> u64;

/// Makes the frame of the metamethod that an instruction calls, if that is compiled: of the addresses of the machine, of
/// register 0 and of the instruction, it returns that of the new frame's register 0. Its machine code is at [`layout::NEXT`], for
/// entry 1, and it is paid for. If the call takes more, it is 0, and nothing has happened.
///
/// The frame goes on with the instruction ([`status::RETURNS`]), and one more level of native nesting is counted
/// ([`layout::NATIVE_DEPTH`]).
pub type PushFrame = unsafe extern "sysv64" fn(*mut crate::Machine, *mut u8, *const u64) -> *mut u8;

/// Does what the native function that an instruction calls does, by its [`Role`], and makes the frame that runs then the running
/// one, if that is compiled: as [`PushFrame`], with the number of the entry at [`layout::NEXT_ENTRY`]. When that has ended, there is
/// [`EndRole`]. Where it is a yield, compiled code ends with [`status::PERFORMED`].
pub type PushRole = PushFrame;

/// Ends what [`PushRole`] has begun: of the addresses of the machine, of register 0 and of the instruction, the [`status`] with
/// which the machine code that was entered has ended, the address of register 0 of that frame's caller, and
/// [`layout::MOVES`] as it was before, it returns 0 where the function goes on behind the instruction, and else the status to end
/// with.
pub type EndRole = unsafe extern "sysv64" fn(*mut crate::Machine, *mut u8, *const u64, u64, *mut u8, u32) -> u64;

/// Does an instruction where that takes little: of the addresses of the machine, of register 0 and of the instruction, it returns
/// whether it is done; if not, nothing has happened.
pub type Shortcut = unsafe extern "sysv64" fn(*mut crate::Machine, *mut u8, *const u64) -> u64;

/// Finds the handler that a metatable has in its own fields: of the addresses of the machine and of the metatable, and the
/// reference to the event's key, it returns the slot's, or 0. The cache of fields knows it from then on.
pub type FindHandler = unsafe extern "sysv64" fn(*mut crate::Machine, *mut Table, u32) -> *const Slot;

/// Compiles a function.
pub type Compile = fn(&Unit) -> Result<NativeCode, Refusal>;

/// How compiled code ends.
pub mod status {
    /// By a return: the results are where the caller wants them. The frame is still the running one.
    pub const RETURNED: u64 = 0;
    /// Before an instruction that it does not do for what it met: the frame at [`super::layout::EXIT_BASE`] says which.
    pub const LEFT: u64 = 1;
    /// Before a jump back for which there is no fuel, or an instruction that it never does, likewise.
    pub const PAUSED: u64 = 2;
    /// After an instruction that was performed: the machine knows how it goes on.
    pub const PERFORMED: u64 = 3;
    /// It has not begun, for lack of fuel, room or machine code: whoever calls has the call performed.
    pub const REFUSED: u64 = 4;
    /// By a tail call that was performed: the machine's running frame is that of the function that was called, which begins.
    /// Whoever called has it go on by [`super::GoOn`].
    pub const REPLACED: u64 = 5;
    /// By a tail call of a function that is compiled, whose machine code is at [`super::layout::NEXT`]: its frame is in the
    /// place of the present one, at [`super::layout::EXIT_BASE`], and paid for. Whoever called uses its entry 1, or has it go on
    /// by [`super::GoOn`].
    pub const TAILED: u64 = 6;
    /// Before a return to what is no call by a function of Lua: the frame at [`super::layout::EXIT_BASE`] gives the values from
    /// [`super::layout::RESULTS`] on, so many as [`super::layout::RESULT_COUNT`] says.
    pub const RETURNS: u64 = 7;
}

/// How an instruction ended that was performed.
pub mod performed {
    /// With the next one.
    pub const NEXT: u64 = 0;
    /// With the one that it jumps to.
    pub const JUMPED: u64 = 1;
    /// By a return to the function that called.
    pub const RETURNED: u64 = 3;
    /// By a tail call of a function of Lua, which begins: compiled code is to end with [`super::status::REPLACED`].
    pub const REPLACED: u64 = 4;
    /// Elsewhere: compiled code is to end with [`super::status::PERFORMED`].
    pub const ELSEWHERE: u64 = 2;
}
