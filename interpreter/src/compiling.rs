//! When functions become machine code.

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
