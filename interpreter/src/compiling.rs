//! When functions become machine code, and what is handed to whoever compiles them.

use crate::{
    machine_code,
    typed::native::{self, Refusal},
};
use alloc::boxed::Box;

/// When functions are compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compiling {
    /// When they are hot.
    #[default]
    Hot,
    /// When they are loaded or first called, as far as that can be: for tests.
    Loaded,
    /// The same; and compiled code is left, or has an instruction performed, now and then wherever it might be, as if it had
    /// met what it does not expect: for tests. When that is depends on what the machine has done before alone.
    Chaos,
}

impl Compiling {
    /// Whether functions are compiled that are not hot.
    pub fn is_eager(self) -> bool {
        self != Compiling::Hot
    }

    /// Whether compiled code meets the unexpected at random.
    pub fn is_chaotic(self) -> bool {
        self == Compiling::Chaos
    }
}

/// What the generator of chances begins with.
pub(crate) const FIRST_CHANCE: u32 = 0x2545_f491;

/// A function that is to be compiled, on whatever thread.
#[derive(Debug)]
pub struct Work {
    /// The machine's number of it.
    pub(crate) ticket: u64,
    pub(crate) task: Task,
}

/// What there is to compile, and what does so.
#[derive(Debug)]
pub(crate) enum Task {
    Lua(machine_code::Compile, Box<machine_code::Unit>),
    Typed(native::Compile, Box<native::Unit>),
}

/// A function that was compiled, or was to be.
#[derive(Debug)]
pub struct FinishedWork {
    pub(crate) ticket: u64,
    /// How long that took.
    pub(crate) nanoseconds: u64,
    pub(crate) product: Product,
}

/// What was compiled, and to what.
#[derive(Debug)]
pub(crate) enum Product {
    Lua(Box<machine_code::Unit>, Result<machine_code::NativeCode, Refusal>),
    Typed(Box<native::Unit>, Result<native::NativeCode, Refusal>),
}

impl Work {
    /// Compiles it. The clock gives nanoseconds.
    pub fn run(self, clock: impl Fn() -> u64) -> FinishedWork {
        let start = clock();
        let product = match self.task {
            Task::Lua(compile, unit) => {
                let outcome = compile(&unit);
                Product::Lua(unit, outcome)
            }
            Task::Typed(compile, unit) => {
                let outcome = compile(&unit);
                Product::Typed(unit, outcome)
            }
        };
        FinishedWork { ticket: self.ticket, nanoseconds: clock().saturating_sub(start), product }
    }
}

impl Product {
    /// The machine code.
    pub(crate) fn bytes(&self) -> Result<&[u8], Refusal> {
        let bytes = match self {
            Product::Lua(_, outcome) => outcome.as_ref().map(|native| &native.bytes),
            Product::Typed(_, outcome) => outcome.as_ref().map(|native| &native.bytes),
        };
        bytes.map(|bytes| &bytes[..]).map_err(|&refusal| refusal)
    }
}
