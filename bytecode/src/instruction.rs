//! Opcodes, operands and the instruction word, all made from the instruction table.

use core::fmt;

/// Bytes by which a register or small-constant operand is scaled in the word: the size of a register, so that an
/// operand is the byte offset of what it names.
pub const OPERAND_SCALE: u32 = 16;

/// The most registers a function of the dynamic section can have.
pub const MAX_REGISTERS: u32 = 255;

/// The most constants that [`OperandKind::Constant`] and [`OperandKind::Number`] operands can reach.
pub const MAX_SMALL_CONSTANTS: u32 = 1 << 12;

/// What an operand means, in which form it stands in its field and how it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperandKind {
    /// Register that is written; 16 bits, scaled.
    Write,
    /// Register that is read; 16 bits, scaled.
    Read,
    /// Register that is read and written; 16 bits, scaled.
    Update,
    /// First register of a range whose end the entry's `extent` gives; 16 bits, scaled.
    Range,
    /// Constant among the first 4096; 16 bits, scaled.
    Constant,
    /// Constant among the first 4096 that is an integer or a float; 16 bits, scaled.
    Number,
    /// Signed 16-bit integer.
    Integer,
    /// Unsigned 16-bit number.
    Count,
    /// Signed 16-bit distance in words from the next instruction.
    Jump,
    /// Inline-cache site of the function; 16 bits.
    Site,
    /// Upvalue of the function; 16 bits.
    Upvalue,
    /// Unsigned 8-bit number in field `k`.
    SmallCount,
    /// Number of registers in use after the instruction, in field `k`: those from there on hold nothing that is needed.
    /// 0 says that all may be in use.
    Live,
    /// 1 in field `k` if the source had the operands the other way round, else 0.
    Swapped,
    /// Signed 32-bit integer in field `d`.
    WideInteger,
    /// Any constant of the function; 32 bits in field `d`.
    WideConstant,
    /// Unsigned 32-bit number in field `d`.
    WideCount,
    /// Signed 32-bit distance in words from the next instruction, in field `d`.
    WideJump,
    /// Function of the module; 32 bits in field `d`.
    Function,
}

/// Field of the instruction word that holds an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Bits 16 to 31.
    A,
    /// Bits 32 to 47.
    B,
    /// Bits 48 to 63.
    C,
    /// Bits 32 to 63.
    D,
    /// Bits 8 to 15.
    K,
}

/// One operand of an entry of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// Where it stands.
    pub field: Field,
    /// What it is.
    pub kind: OperandKind,
}

/// Where control goes after an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// To the next instruction.
    Next,
    /// To the next instruction or to the jump's target.
    Branch,
    /// To the jump's target.
    Jump,
    /// Out of the function.
    End,
}

/// What the slow path of an instruction may do; see the table's description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Run other functions: metamethods, builtins, hooks.
    Call,
    /// Take memory from the instance.
    Allocate,
    /// Throw an error.
    Throw,
    /// Charge fuel and look for interrupts.
    Poll,
}

/// An entry of the instruction table.
#[derive(Debug)]
pub struct Entry {
    /// The mnemonic.
    pub name: &'static str,
    /// The operands in the order of the text form.
    pub operands: &'static [Operand],
    /// Where control goes.
    pub flow: Flow,
    /// What its slow path may do.
    pub effects: &'static [Effect],
    /// One line of meaning.
    pub meaning: &'static str,
    extent: fn(Word) -> u64,
}

impl Entry {
    /// One more than the highest register that `word` touches beyond its plain register operands.
    pub fn extent(&self, word: Word) -> u64 {
        (self.extent)(word)
    }
}

/// An instruction as it is executed: see the drawing in the table's module.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct Word(pub u64);

impl Word {
    /// The opcode's number, which need not be one of an [`Opcode`] while the word is unverified.
    pub const fn opcode_number(self) -> u8 {
        self.0 as u8
    }

    /// The bit of the opcode that no opcode of the table has: a machine may mark instructions with it.
    pub const MARK: u64 = 0x80;

    /// Whether a machine has marked the instruction.
    pub const fn is_marked(self) -> bool {
        self.0 & Word::MARK != 0
    }

    /// The instruction without a machine's mark.
    #[must_use]
    pub const fn unmarked(self) -> Word {
        Word(self.0 & !Word::MARK)
    }

    /// Reads the raw bits of `field`, sign-extended for the kinds that are signed, unscaled for those that are scaled.
    pub const fn operand(self, operand: Operand) -> i64 {
        let raw = match operand.field {
            Field::A => (self.0 >> 16) as u16 as u32,
            Field::B => (self.0 >> 32) as u16 as u32,
            Field::C => (self.0 >> 48) as u16 as u32,
            Field::D => (self.0 >> 32) as u32,
            Field::K => (self.0 >> 8) as u8 as u32,
        };
        match operand.kind {
            OperandKind::Write
            | OperandKind::Read
            | OperandKind::Update
            | OperandKind::Range
            | OperandKind::Constant
            | OperandKind::Number => (raw / OPERAND_SCALE) as i64,
            OperandKind::Integer | OperandKind::Jump => raw as u16 as i16 as i64,
            OperandKind::WideInteger | OperandKind::WideJump => raw as i32 as i64,
            OperandKind::Count
            | OperandKind::Site
            | OperandKind::Upvalue
            | OperandKind::SmallCount
            | OperandKind::Live
            | OperandKind::Swapped
            | OperandKind::WideConstant
            | OperandKind::WideCount
            | OperandKind::Function => raw as i64,
        }
    }

    /// Puts `value` into the field of `operand`; `None` if it does not fit there.
    #[must_use]
    pub const fn with_operand(self, operand: Operand, value: i64) -> Option<Word> {
        let scaled = match operand.kind {
            OperandKind::Write
            | OperandKind::Read
            | OperandKind::Update
            | OperandKind::Range
            | OperandKind::Constant
            | OperandKind::Number => match value.checked_mul(OPERAND_SCALE as i64) {
                Some(scaled) => scaled,
                None => return None,
            },
            _ => value,
        };
        let (low, high) = match operand.kind {
            OperandKind::Integer | OperandKind::Jump => (i16::MIN as i64, i16::MAX as i64),
            OperandKind::WideInteger | OperandKind::WideJump => (i32::MIN as i64, i32::MAX as i64),
            OperandKind::SmallCount | OperandKind::Live => (0, u8::MAX as i64),
            OperandKind::Swapped => (0, 1),
            OperandKind::WideConstant | OperandKind::WideCount | OperandKind::Function => (0, u32::MAX as i64),
            _ => (0, u16::MAX as i64),
        };
        if scaled < low || scaled > high {
            return None;
        }
        let (shift, mask) = match operand.field {
            Field::A => (16, 0xffff_u64),
            Field::B => (32, 0xffff),
            Field::C => (48, 0xffff),
            Field::D => (32, 0xffff_ffff),
            Field::K => (8, 0xff),
        };
        Some(Word((self.0 & !(mask << shift)) | (((scaled as u64) & mask) << shift)))
    }

    /// Whether the word has a known opcode and no bits set beyond that and its operands.
    pub fn is_canonical(self) -> bool {
        let Some(opcode) = Opcode::from_number(self.opcode_number()) else { return false };
        let mut canonical = Some(Word(opcode as u64));
        for &operand in opcode.entry().operands {
            canonical = canonical.and_then(|word| word.with_operand(operand, self.operand(operand)));
        }
        canonical == Some(self)
    }

    /// The distance of the jump from the next instruction, if the instruction has one.
    pub fn jump_distance(self) -> Option<i64> {
        let opcode = Opcode::from_number(self.opcode_number())?;
        opcode
            .entry()
            .operands
            .iter()
            .find(|operand| matches!(operand.kind, OperandKind::Jump | OperandKind::WideJump))
            .map(|&operand| self.operand(operand))
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(opcode) = Opcode::from_number(self.opcode_number()) else {
            return write!(formatter, "unknown({:#018x})", self.0);
        };
        write!(formatter, "{}", opcode.entry().name)?;
        for &operand in opcode.entry().operands {
            write!(formatter, " {:?}={}", operand.field, self.operand(operand))?;
        }
        Ok(())
    }
}

macro_rules! operand_kind {
    (write) => {
        OperandKind::Write
    };
    (read) => {
        OperandKind::Read
    };
    (update) => {
        OperandKind::Update
    };
    (range) => {
        OperandKind::Range
    };
    (constant) => {
        OperandKind::Constant
    };
    (number) => {
        OperandKind::Number
    };
    (integer) => {
        OperandKind::Integer
    };
    (count) => {
        OperandKind::Count
    };
    (jump) => {
        OperandKind::Jump
    };
    (site) => {
        OperandKind::Site
    };
    (upvalue) => {
        OperandKind::Upvalue
    };
    (small_count) => {
        OperandKind::SmallCount
    };
    (live) => {
        OperandKind::Live
    };
    (swapped) => {
        OperandKind::Swapped
    };
    (wide_integer) => {
        OperandKind::WideInteger
    };
    (wide_constant) => {
        OperandKind::WideConstant
    };
    (wide_count) => {
        OperandKind::WideCount
    };
    (wide_jump) => {
        OperandKind::WideJump
    };
    (function) => {
        OperandKind::Function
    };
}

macro_rules! field {
    (a) => {
        Field::A
    };
    (b) => {
        Field::B
    };
    (c) => {
        Field::C
    };
    (d) => {
        Field::D
    };
    (k) => {
        Field::K
    };
}

macro_rules! flow {
    (next) => {
        Flow::Next
    };
    (branch) => {
        Flow::Branch
    };
    (jump) => {
        Flow::Jump
    };
    (end) => {
        Flow::End
    };
}

macro_rules! effect {
    (call) => {
        Effect::Call
    };
    (allocate) => {
        Effect::Allocate
    };
    (throw) => {
        Effect::Throw
    };
    (poll) => {
        Effect::Poll
    };
}

const fn max(left: u64, right: u64) -> u64 {
    if left > right { left } else { right }
}

macro_rules! define_opcodes {
    ($($name:ident($($field:ident: $kind:ident),*) flow $flow:ident extent($($extent:tt)*) effects($($effect:ident)*) $meaning:literal;)*) => {
        /// Every instruction; the numbers are those of the encoding.
        #[allow(non_camel_case_types, reason = "the mnemonics are the names, in every use of the table")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Opcode {
            $(#[doc = concat!("`", $meaning, "`")] $name,)*
        }

        impl Opcode {
            /// All opcodes in the order of their numbers.
            pub const ALL: &'static [Opcode] = &[$(Opcode::$name),*];

            /// The opcode with this number.
            pub fn from_number(number: u8) -> Option<Opcode> {
                Opcode::ALL.get(number as usize).copied()
            }
        }

        static ENTRIES: &[Entry] = &[$(Entry {
            name: stringify!($name),
            operands: &[$(Operand { field: field!($field), kind: operand_kind!($kind) }),*],
            flow: flow!($flow),
            effects: &[$(effect!($effect)),*],
            meaning: $meaning,
            extent: {
                #[allow(unused_variables, reason = "each extent uses only some of the operands")]
                fn extent(word: Word) -> u64 {
                    $(let $field = word.operand(Operand { field: field!($field), kind: operand_kind!($kind) }) as u64;)*
                    $($extent)*
                }
                extent
            },
        }),*];
    };
}

crate::for_each_instruction!(define_opcodes);

const _: () = assert!(Opcode::ALL.len() <= Word::MARK as usize, "opcodes leave room for the mark");

impl Opcode {
    /// The opcode's entry of the table.
    pub const fn entry(self) -> &'static Entry {
        &ENTRIES[self as usize]
    }

    /// The opcode with this mnemonic.
    pub fn from_name(name: &str) -> Option<Opcode> {
        Opcode::ALL.iter().copied().find(|opcode| opcode.entry().name == name)
    }

    /// Encodes the instruction with its operands in the order of the table; `None` if their number differs from the
    /// table's or one does not fit its field.
    pub fn encode(self, operands: &[i64]) -> Option<Word> {
        let entry = self.entry();
        if entry.operands.len() != operands.len() {
            return None;
        }
        let mut word = Word(self as u64);
        for (&operand, &value) in entry.operands.iter().zip(operands) {
            word = word.with_operand(operand, value)?;
        }
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_round_trip() {
        let word = Opcode::add_integer.encode(&[3, 254, -7, 1]).unwrap();
        let values: alloc::vec::Vec<i64> =
            Opcode::add_integer.entry().operands.iter().map(|&operand| word.operand(operand)).collect();
        assert_eq!(values, [3, 254, -7, 1]);
        assert_eq!(Opcode::add_integer.encode(&[0, 0, 40000, 0]), None);
    }

    #[test]
    fn extents_follow_the_operands() {
        let word = Opcode::call.encode(&[10, 3, 1]).unwrap();
        assert_eq!(Opcode::call.entry().extent(word), 14);
        let open = Opcode::call.encode(&[10, 0, 1]).unwrap();
        assert_eq!(Opcode::call.entry().extent(open), 12);
        let results = Opcode::call.encode(&[10, 1, 6]).unwrap();
        assert_eq!(Opcode::call.entry().extent(results), 15);
    }
}
