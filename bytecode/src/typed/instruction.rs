//! Opcodes and operands of the typed section, made from its table.

use crate::instruction::{Effect, Word};
use alloc::vec::Vec;

/// The most number registers that plain operands reach; those beyond are far.
pub const MAX_NEAR_NUMBERS: u32 = 1 << 13;

/// The most reference registers that plain operands reach; those beyond are far.
pub const MAX_NEAR_REFERENCES: u32 = 1 << 12;

/// The most registers of a kind that a function can have.
pub const MAX_REGISTERS: u32 = 1 << 20;

/// What an operand means, in which form it stands in its field and how it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "pairs of reading and writing")]
pub enum OperandKind {
    /// Number register; 16 bits, scaled by 8.
    NumberWrite,
    NumberRead,
    /// Number register that is an argument of a call; 16 bits, scaled by 8. Unused ones are 0.
    Argument,
    /// Vector register: two number registers; 16 bits, scaled by 8.
    VectorWrite,
    VectorRead,
    /// Reference register; 16 bits, scaled by 16.
    ReferenceWrite,
    ReferenceRead,
    /// Any number register; 32 bits.
    FarNumber,
    /// Any reference register; 32 bits.
    FarReference,
    /// First of as many number registers as operand d says; 16 bits, scaled by 8.
    NumberWindow,
    /// First of as many reference registers as operand d says; 16 bits, scaled by 16.
    ReferenceWindow,
    /// First of as many number registers as operand c says; 16 bits, scaled by 8.
    NumberSpan,
    /// First of as many reference registers as operand c says; 16 bits, scaled by 16.
    ReferenceSpan,
    /// First number register for the results of a call; 16 bits, scaled by 8. It may be one past the last register if
    /// there are none.
    ResultWindow,
    /// First reference register for the results of a call; 16 bits, scaled by 16.
    ReferenceResultWindow,
    /// First of the function's results in number registers; 16 bits, scaled by 8.
    NumberResults,
    /// First of the function's results in reference registers; 16 bits, scaled by 16.
    ReferenceResults,
    /// Signed 16-bit integer.
    Integer,
    /// Signed 32-bit integer.
    WideInteger,
    /// Unsigned 16-bit number.
    Count,
    /// Unsigned 32-bit number.
    WideCount,
    /// 64 bits.
    Literal,
    /// Lane of a vector of so many; 16 bits.
    Lane16,
    Lane8,
    Lane4,
    Lane2,
    /// Signed distance in words from the end of the instruction, not negative; 16 bits.
    Jump,
    /// The same; 32 bits.
    WideJump,
    /// Signed distance in words from the end of the instruction, negative; 16 bits.
    Back,
    /// The same; 32 bits.
    WideBack,
    /// Words of the list of arguments; 16 bits.
    ListWords,
    /// Function of the module, imported ones first.
    Callee,
    /// Type of the module that is a function's.
    Signature,
    /// Tag of the module.
    Tag,
    /// Type of the module that is a structure's.
    Structure,
    /// Type of the module that is an array's.
    Array,
    /// Field of the structure of type l that takes a byte; 16 bits.
    Field8,
    Field16,
    Field32,
    Field64,
    FieldVector,
    FieldReference,
    FieldObject,
    /// Place of the field of operand c; 32 bits.
    FieldOffset,
    /// Heap type, as [`HeapType::encode`](super::module::HeapType::encode) makes it.
    HeapType,
    /// Table of the module.
    Table,
    /// Memory of the module.
    Memory,
    /// Data segment of the module.
    DataSegment,
    /// Element segment of the module.
    ElementSegment,
    /// Global of the module's own that is one number.
    Global,
    /// Global of the module's own that is a vector.
    VectorGlobal,
    /// Global that is a reference, imported or not.
    ReferenceGlobal,
    /// Imported global that is one number.
    ImportedGlobal,
}

impl OperandKind {
    /// Bytes by which the operand is scaled in the word, so that it is a byte offset.
    const fn scale(self) -> i64 {
        match self {
            OperandKind::NumberWrite
            | OperandKind::NumberRead
            | OperandKind::Argument
            | OperandKind::VectorWrite
            | OperandKind::VectorRead
            | OperandKind::NumberWindow
            | OperandKind::NumberSpan
            | OperandKind::ResultWindow
            | OperandKind::NumberResults => 8,
            OperandKind::ReferenceWrite
            | OperandKind::ReferenceRead
            | OperandKind::ReferenceWindow
            | OperandKind::ReferenceSpan
            | OperandKind::ReferenceResultWindow
            | OperandKind::ReferenceResults => 16,
            _ => 1,
        }
    }

    const fn is_signed(self) -> bool {
        matches!(
            self,
            OperandKind::Integer
                | OperandKind::WideInteger
                | OperandKind::Literal
                | OperandKind::Jump
                | OperandKind::WideJump
                | OperandKind::Back
                | OperandKind::WideBack
        )
    }
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
    /// To one of the jumps that follow.
    Table,
    /// Out of the function.
    End,
}

/// Field of an instruction that holds an operand; see the drawing in the table's module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the drawing has them")]
pub enum Field {
    A,
    B,
    C,
    D,
    E,
    F,
    G,
    H,
    L,
    M,
    W,
    P,
    Q,
    X,
}

impl Field {
    /// The word in which the field lies, its lowest bit there, and its length in bits.
    const fn place(self) -> (usize, u32, u32) {
        match self {
            Field::A => (0, 16, 16),
            Field::B => (0, 32, 16),
            Field::C => (0, 48, 16),
            Field::D => (0, 32, 32),
            Field::E => (1, 0, 16),
            Field::F => (1, 16, 16),
            Field::G => (1, 32, 16),
            Field::H => (1, 48, 16),
            Field::L => (1, 0, 32),
            Field::M => (1, 32, 32),
            Field::W => (1, 0, 64),
            Field::P => (2, 0, 32),
            Field::Q => (2, 32, 32),
            Field::X => (2, 0, 64),
        }
    }
}

/// One operand of an entry of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// Where it stands.
    pub field: Field,
    /// What it is.
    pub kind: OperandKind,
}

impl Operand {
    /// Reads the operand of the instruction that `words` begin with: sign-extended for the kinds that are signed,
    /// unscaled for those that are scaled. `None` if the instruction is cut off, or what is scaled is not a multiple.
    pub fn read(self, words: &[Word]) -> Option<i64> {
        let (word, shift, bits) = self.field.place();
        let raw = words.get(word)?.0 >> shift << (64 - bits);
        let value = if self.kind.is_signed() { raw as i64 >> (64 - bits) } else { (raw >> (64 - bits)) as i64 };
        let scale = self.kind.scale();
        (value % scale == 0).then_some(value / scale)
    }

    /// Writes the operand of the instruction that `words` begin with; `None` if the value does not fit.
    #[must_use]
    pub fn write(self, words: &mut [Word], value: i64) -> Option<()> {
        let (word, shift, bits) = self.field.place();
        let scaled = value.checked_mul(self.kind.scale())?;
        let fits = match bits {
            64 => true,
            _ if self.kind.is_signed() => scaled >= -(1 << (bits - 1)) && scaled < 1 << (bits - 1),
            _ => scaled >= 0 && scaled < 1 << bits,
        };
        let mask = u64::MAX >> (64 - bits);
        let word = words.get_mut(word).filter(|_| fits)?;
        word.0 = word.0 & !(mask << shift) | (scaled as u64 & mask) << shift;
        Some(())
    }
}

/// The most operands of an instruction.
const MOST_OPERANDS: usize = 8;
/// The most effects.
const MOST_EFFECTS: usize = 2;

/// An entry of the typed section. It has no addresses in it: a program is loaded the faster the fewer there are to be
/// adapted.
#[derive(Debug)]
pub struct Entry {
    operands: [Operand; MOST_OPERANDS],
    operand_count: u8,
    /// Where control goes.
    pub flow: Flow,
    /// Whether operands g and h say how many arguments follow in a list.
    pub has_list: bool,
    effects: [Effect; MOST_EFFECTS],
    effect_count: u8,
    /// As the method says.
    fixed_words: u8,
}

/// So many of a list, the rest being the filler.
const fn filled<T: Copy, const N: usize>(list: &[T], filler: T) -> [T; N] {
    let (mut all, mut index) = ([filler; N], 0);
    while index < list.len() {
        all[index] = list[index];
        index += 1;
    }
    all
}

/// Words of an instruction with these operands.
const fn fixed_words(operands: &[Operand]) -> usize {
    let (mut words, mut index) = (1, 0);
    while index < operands.len() {
        let (word, _, _) = operands[index].field.place();
        if word + 1 > words {
            words = word + 1;
        }
        index += 1;
    }
    words
}

impl Entry {
    /// Words of the instruction before its list: itself and its literals.
    pub const fn fixed_words(&self) -> usize {
        self.fixed_words as usize
    }

    /// The operands in the order of the text form.
    pub fn operands(&self) -> &[Operand] {
        &self.operands[..self.operand_count.into()]
    }

    /// What its slow path may do.
    pub fn effects(&self) -> &[Effect] {
        &self.effects[..self.effect_count.into()]
    }

    /// The operand in this field, if the entry has one there.
    pub fn operand(&self, field: Field) -> Option<Operand> {
        self.operands().iter().copied().find(|operand| operand.field == field)
    }
}

/// Words of a list of so many numbers and references.
pub const fn list_words(numbers: usize, references: usize) -> usize {
    (numbers + references).div_ceil(4)
}

macro_rules! operand_kind {
    (number_write) => {
        OperandKind::NumberWrite
    };
    (number_read) => {
        OperandKind::NumberRead
    };
    (argument) => {
        OperandKind::Argument
    };
    (vector_write) => {
        OperandKind::VectorWrite
    };
    (vector_read) => {
        OperandKind::VectorRead
    };
    (reference_write) => {
        OperandKind::ReferenceWrite
    };
    (reference_read) => {
        OperandKind::ReferenceRead
    };
    (far_number) => {
        OperandKind::FarNumber
    };
    (far_reference) => {
        OperandKind::FarReference
    };
    (number_window) => {
        OperandKind::NumberWindow
    };
    (reference_window) => {
        OperandKind::ReferenceWindow
    };
    (number_span) => {
        OperandKind::NumberSpan
    };
    (reference_span) => {
        OperandKind::ReferenceSpan
    };
    (result_window) => {
        OperandKind::ResultWindow
    };
    (reference_result_window) => {
        OperandKind::ReferenceResultWindow
    };
    (number_results) => {
        OperandKind::NumberResults
    };
    (reference_results) => {
        OperandKind::ReferenceResults
    };
    (integer) => {
        OperandKind::Integer
    };
    (wide_integer) => {
        OperandKind::WideInteger
    };
    (count) => {
        OperandKind::Count
    };
    (wide_count) => {
        OperandKind::WideCount
    };
    (literal) => {
        OperandKind::Literal
    };
    (lane_16) => {
        OperandKind::Lane16
    };
    (lane_8) => {
        OperandKind::Lane8
    };
    (lane_4) => {
        OperandKind::Lane4
    };
    (lane_2) => {
        OperandKind::Lane2
    };
    (jump) => {
        OperandKind::Jump
    };
    (wide_jump) => {
        OperandKind::WideJump
    };
    (back) => {
        OperandKind::Back
    };
    (wide_back) => {
        OperandKind::WideBack
    };
    (list_words) => {
        OperandKind::ListWords
    };
    (callee) => {
        OperandKind::Callee
    };
    (signature) => {
        OperandKind::Signature
    };
    (structure) => {
        OperandKind::Structure
    };
    (array) => {
        OperandKind::Array
    };
    (field_8) => {
        OperandKind::Field8
    };
    (field_16) => {
        OperandKind::Field16
    };
    (field_32) => {
        OperandKind::Field32
    };
    (field_64) => {
        OperandKind::Field64
    };
    (field_vector) => {
        OperandKind::FieldVector
    };
    (field_reference) => {
        OperandKind::FieldReference
    };
    (field_object) => {
        OperandKind::FieldObject
    };
    (field_offset) => {
        OperandKind::FieldOffset
    };
    (heap_type) => {
        OperandKind::HeapType
    };
    (tag) => {
        OperandKind::Tag
    };
    (table) => {
        OperandKind::Table
    };
    (memory) => {
        OperandKind::Memory
    };
    (data_segment) => {
        OperandKind::DataSegment
    };
    (element_segment) => {
        OperandKind::ElementSegment
    };
    (global) => {
        OperandKind::Global
    };
    (vector_global) => {
        OperandKind::VectorGlobal
    };
    (reference_global) => {
        OperandKind::ReferenceGlobal
    };
    (imported_global) => {
        OperandKind::ImportedGlobal
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
    (e) => {
        Field::E
    };
    (f) => {
        Field::F
    };
    (g) => {
        Field::G
    };
    (h) => {
        Field::H
    };
    (l) => {
        Field::L
    };
    (m) => {
        Field::M
    };
    (w) => {
        Field::W
    };
    (p) => {
        Field::P
    };
    (q) => {
        Field::Q
    };
    (x) => {
        Field::X
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
    (table) => {
        Flow::Table
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

macro_rules! has_list {
    (none) => {
        false
    };
    (arguments) => {
        true
    };
}

macro_rules! define_opcodes {
    ($($name:ident($($field:ident: $kind:ident),*) flow $flow:ident list $list:ident effects($($effect:ident)*) $meaning:literal;)*) => {
        /// Every instruction of the typed section; the numbers are those of the encoding.
        #[allow(non_camel_case_types, reason = "the mnemonics are the names, in every use of the table")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Opcode {
            $(#[doc = concat!("`", $meaning, "`")] $name,)*
        }

        impl Opcode {
            /// All opcodes in the order of their numbers.
            pub const ALL: &'static [Opcode] = &[$(Opcode::$name),*];
        }

        static ENTRIES: &[Entry] = &[$({
            const OPERANDS: &[Operand] = &[$(Operand { field: field!($field), kind: operand_kind!($kind) }),*];
            const EFFECTS: &[Effect] = &[$(effect!($effect)),*];
            Entry {
                operands: filled(OPERANDS, Operand { field: Field::A, kind: OperandKind::Count }),
                operand_count: OPERANDS.len() as u8,
                flow: flow!($flow),
                has_list: has_list!($list),
                effects: filled(EFFECTS, Effect::Throw),
                effect_count: EFFECTS.len() as u8,
                fixed_words: fixed_words(OPERANDS) as u8,
            }
        }),*];

        /// All mnemonics, each with the end of a line.
        const NAMES: &str = concat!($(stringify!($name), "\n"),*);

        /// What each instruction does: for the instruction reference.
        pub(crate) static MEANINGS: &[&str] = &[$($meaning),*];
    };
}

crate::for_each_typed_instruction!(define_opcodes);

/// Where each mnemonic ends in [`NAMES`].
static NAME_ENDS: [u16; Opcode::ALL.len()] = {
    let (names, mut ends) = (NAMES.as_bytes(), [0; Opcode::ALL.len()]);
    let (mut at, mut number) = (0, 0);
    while at < names.len() {
        if names[at] == b'\n' {
            ends[number] = at as u16;
            number += 1;
        }
        at += 1;
    }
    assert!(names.len() <= u16::MAX as usize);
    ends
};

impl Opcode {
    /// The opcode with this number.
    pub fn from_number(number: u16) -> Option<Opcode> {
        Opcode::ALL.get(number as usize).copied()
    }

    /// The opcode of an instruction's first word.
    pub fn of(word: Word) -> Option<Opcode> {
        Opcode::from_number(word.0 as u16)
    }

    /// The opcode with this mnemonic.
    pub fn from_name(name: &str) -> Option<Opcode> {
        Opcode::ALL.iter().copied().find(|opcode| opcode.name() == name)
    }

    /// The mnemonic.
    pub fn name(self) -> &'static str {
        let number = self as usize;
        let start = if number == 0 { 0 } else { usize::from(NAME_ENDS[number - 1]) + 1 };
        &NAMES[start..NAME_ENDS[number].into()]
    }

    /// The opcode's entry of the table.
    pub fn entry(self) -> &'static Entry {
        &ENTRIES[self as usize]
    }

    /// Appends the instruction with its operands in the order of the table; `None`, and nothing is appended, if their
    /// number differs from the table's or one does not fit its field. A list is the caller's to append.
    #[must_use]
    pub fn encode(self, operands: &[i64], code: &mut Vec<Word>) -> Option<()> {
        let entry = self.entry();
        let mut words = [Word(self as u64), Word(0), Word(0)];
        if entry.operands().len() != operands.len() {
            return None;
        }
        for (&operand, &value) in entry.operands().iter().zip(operands) {
            operand.write(&mut words, value)?;
        }
        code.extend_from_slice(&words[..entry.fixed_words()]);
        Some(())
    }
}

/// Number of words of the instruction that `words` begin with, literals and list included. `None` if its opcode is unknown
/// or it is cut off.
pub fn length(words: &[Word]) -> Option<usize> {
    let entry = Opcode::of(*words.first()?)?.entry();
    let mut length = entry.fixed_words();
    if entry.has_list {
        let count = |field| entry.operand(field).and_then(|operand| operand.read(words));
        length += list_words(count(Field::G)? as usize, count(Field::H)? as usize);
    }
    (length <= words.len()).then_some(length)
}

/// The distance of the jump from the end of the instruction, if it has one.
pub fn jump_distance(words: &[Word]) -> Option<i64> {
    let is_jump = |operand: &&Operand| {
        matches!(operand.kind, OperandKind::Jump | OperandKind::WideJump | OperandKind::Back | OperandKind::WideBack)
    };
    Opcode::of(*words.first()?)?.entry().operands().iter().find(is_jump)?.read(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_round_trip() {
        let mut code = Vec::new();
        Opcode::call_indirect.encode(&[3, 8191, 1, 2, 3, 4, 70_000, 5], &mut code).unwrap();
        assert_eq!(length(&code), Some(3));
        let values: Vec<i64> =
            Opcode::call_indirect.entry().operands().iter().map(|operand| operand.read(&code).unwrap()).collect();
        assert_eq!(values, [3, 8191, 1, 2, 3, 4, 70_000, 5]);
        assert_eq!(Opcode::copy.encode(&[8192, 0], &mut code), None);
        assert_eq!(Opcode::i32_add_constant.encode(&[0, 0, 40_000], &mut code), None);
        assert_eq!(code.len(), 3);
    }

    #[test]
    fn lists_count() {
        let mut code = Vec::new();
        Opcode::call_general.encode(&[0, 0, 2, 1, 5, 1], &mut code).unwrap();
        assert_eq!(length(&code), None);
        code.extend([Word(0), Word(0)]);
        assert_eq!(length(&code), Some(4));
    }
}
