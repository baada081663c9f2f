//! Traps: the ways in which WebAssembly code fails, with the specification's words for them.

macro_rules! define_traps {
    ($($(#[$meta:meta])* $name:ident = $number:literal $message:literal,)*) => {
        /// Why code trapped. The numbers are those of the `trap` instruction.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Trap {
            $($(#[$meta])* #[doc = $message] $name = $number,)*
        }

        impl Trap {
            /// All traps.
            pub const ALL: &'static [Trap] = &[$(Trap::$name),*];

            /// The specification's words.
            pub const fn message(self) -> &'static str {
                match self {
                    $(Trap::$name => $message,)*
                }
            }

            /// The trap of this number.
            pub fn from_number(number: u32) -> Option<Trap> {
                Trap::ALL.iter().copied().find(|&trap| trap as u32 == number)
            }
        }
    };
}

define_traps! {
    Unreachable = 0 "unreachable",
    MemoryOutOfBounds = 1 "out of bounds memory access",
    TableOutOfBounds = 2 "out of bounds table access",
    UndefinedElement = 3 "undefined element",
    UninitializedElement = 4 "uninitialized element",
    IndirectCallTypeMismatch = 5 "indirect call type mismatch",
    DivideByZero = 6 "integer divide by zero",
    IntegerOverflow = 7 "integer overflow",
    InvalidConversion = 8 "invalid conversion to integer",
    StackExhausted = 9 "call stack exhausted",
    NullFunction = 10 "null function reference",
    NullReference = 11 "null reference",
    NullStructure = 12 "null structure reference",
    NullArray = 13 "null array reference",
    NullI31 = 14 "null i31 reference",
    NullException = 15 "null exception reference",
    ArrayOutOfBounds = 16 "out of bounds array access",
    CastFailure = 17 "cast failure",
}
