//! What typed instructions do, as far as they are compiled: each has its meaning here, or is left to the interpreter.

use crate::typed::emit::vectors::{Operation, operation};
use cranelift_codegen::ir::condcodes::{CondCode, FloatCC, IntCC};
use lunette_bytecode::typed::{
    instruction::{Field, Opcode},
    module::ValueType,
};
use lunette_interpreter::typed::native::Form;

/// What is known of the content of a number register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Nothing: it was read from the frame, or is a constant.
    Any = 0,
    I32,
    I64,
    F32,
    F64,
    /// It is the low half of a vector.
    Vector,
    /// It is the high half of the vector that begins with the register before.
    High,
}

impl Kind {
    /// The kind of a value of a type; of each half of a vector.
    pub fn of(value: ValueType) -> Kind {
        match value {
            ValueType::I32 => Kind::I32,
            ValueType::I64 => Kind::I64,
            ValueType::F32 => Kind::F32,
            ValueType::F64 => Kind::F64,
            ValueType::V128 | ValueType::Reference(_) => Kind::Any,
        }
    }

    /// The kind of what comes from two places.
    pub fn join(self, other: Kind) -> Kind {
        match (self, other) {
            (Kind::Any, other) => other,
            (kind, Kind::Any) => kind,
            (kind, other) if kind == other => kind,
            _ => Kind::I64,
        }
    }

    /// The register with which the vector begins of which one is a half.
    pub fn vector_of(self, register: usize) -> Option<usize> {
        match self {
            Kind::Vector => Some(register),
            Kind::High => Some(register - 1),
            _ => None,
        }
    }

    /// The kind of a number; halves of vectors are integers.
    pub fn of_half(self) -> Kind {
        if matches!(self, Kind::Vector | Kind::High) { Kind::I64 } else { self.held() }
    }

    /// The kind in which it is held.
    pub fn held(self) -> Kind {
        if self == Kind::Any { Kind::I64 } else { self }
    }
}

/// Operations of two numbers of a kind that give one of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRightSigned,
    ShiftRightUnsigned,
    RotateLeft,
    RotateRight,
    Divide,
    Minimum,
    Maximum,
    CopySign,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    LeadingZeros,
    TrailingZeros,
    Ones,
    Extend8,
    Extend16,
    Extend32,
    Absolute,
    Negate,
    Ceiling,
    Floor,
    Truncate,
    Nearest,
    SquareRoot,
    Wrap,
    SaturateSigned,
    SaturateUnsigned,
    ConvertSigned,
    ConvertUnsigned,
    Demote,
    Promote,
}

impl Unary {
    /// Whether it rounds to an integer, for which the processor may have no instruction.
    pub fn rounds(self) -> bool {
        matches!(self, Unary::Ceiling | Unary::Floor | Unary::Truncate | Unary::Nearest)
    }
}

/// When a comparison holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Integer(IntCC),
    Float(FloatCC),
}

impl Condition {
    /// When the comparison does not hold.
    fn opposite(self) -> Condition {
        match self {
            Condition::Integer(condition) => Condition::Integer(condition.complement()),
            Condition::Float(condition) => Condition::Float(condition.complement()),
        }
    }
}

/// The condition of a jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Always,
    NotZero,
    Zero,
    Compare(Condition, Kind),
    CompareConstant(Condition, Kind),
    /// Bits in common, of 32.
    And,
    AndZero,
    AndConstant,
    AndZeroConstant,
    /// Of a reference.
    Null,
    NotNull,
    OfType,
    NotOfType,
}

impl Test {
    /// The condition that holds where this one does not; of none, none.
    pub fn opposite(self) -> Test {
        match self {
            Test::Always => Test::Always,
            Test::NotZero => Test::Zero,
            Test::Zero => Test::NotZero,
            Test::Compare(condition, kind) => Test::Compare(condition.opposite(), kind),
            Test::CompareConstant(condition, kind) => Test::CompareConstant(condition.opposite(), kind),
            Test::And => Test::AndZero,
            Test::AndZero => Test::And,
            Test::AndConstant => Test::AndZeroConstant,
            Test::AndZeroConstant => Test::AndConstant,
            Test::Null => Test::NotNull,
            Test::NotNull => Test::Null,
            Test::OfType => Test::NotOfType,
            Test::NotOfType => Test::OfType,
        }
    }
}

/// What an instruction does. Operands are in the fields of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Meaning {
    Copy,
    CopyFromFar,
    CopyToFar,
    CopyNumbers,
    LoadInteger,
    LoadUnsigned,
    LoadConstant,
    ZeroNumbers,
    Select,
    Jump(Test),
    /// Jumps back, which costs fuel.
    Loop(Test),
    JumpTable,
    Binary(Binary, Kind),
    BinaryConstant(Binary, Kind),
    Compare(Condition, Kind),
    CompareConstant(Condition, Kind),
    /// From one kind to another.
    Unary(Unary, Kind, Kind),
    /// Of integers, signed or not; the quotient or the remainder.
    Divide {
        kind: Kind,
        is_signed: bool,
        is_remainder: bool,
    },
    /// Of floats strictly between two bounds.
    Truncate {
        from: Kind,
        to: Kind,
        is_signed: bool,
        low: f64,
        high: f64,
    },
    /// So many bytes, sign-extended or not, for a register of a kind; any if they may be of a float.
    Load {
        bytes: u8,
        is_signed: bool,
        kind: Kind,
    },
    Store {
        bytes: u8,
    },
    AddOffset,
    UseMemory,
    GetGlobal,
    SetGlobal,
    CopyReference,
    CopyReferenceFromFar,
    CopyReferenceToFar,
    CopyReferences,
    NullReference,
    NullReferences,
    SelectReference,
    GetGlobalReference,
    SetGlobalReference,
    IsNull,
    AreSame,
    /// Traps if it is null.
    AsNonNull,
    IsOfType,
    Cast,
    /// Of a structure; as `Load`.
    GetField {
        bytes: u8,
        is_signed: bool,
        kind: Kind,
    },
    SetField {
        bytes: u8,
    },
    /// With a reference, which takes what elements of arrays of this form take.
    GetReferenceField(Form),
    SetReferenceField(Form),
    /// Of an array.
    GetElement {
        bytes: u8,
        is_signed: bool,
        kind: Kind,
    },
    SetElement {
        bytes: u8,
    },
    GetReferenceElement(Form),
    SetReferenceElement(Form),
    ArrayLength,
    NewStructure,
    NewDefaultStructure,
    NewFixedArray,
    /// A reference that is an integer of 31 bits.
    MakeSmall,
    GetSmall {
        is_signed: bool,
    },
    Call(Call),
    Return(Results),
    /// What an instruction of vectors does.
    Vector(Opcode),
}

/// A call that compiled code makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// What is called.
    pub target: Target,
    /// Number registers of the arguments.
    pub arguments: u32,
    /// Reference registers of the arguments.
    pub references: u32,
    /// What it returns.
    pub result: Results,
}

/// What a function returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Results {
    Nothing,
    Number(Kind),
    Reference,
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A function whose place is known, as [`lunette_interpreter::typed::native::Callee`] has it.
    Direct { place: u64 },
    /// What an element of a table refers to.
    Indirect,
    /// What a register refers to.
    Reference,
}

macro_rules! meanings {
    ($($name:ident => $meaning:expr;)*) => {
        /// What an instruction does that is not a call; `None` if it is left to the interpreter.
        pub(crate) fn meaning(opcode: Opcode) -> Option<Meaning> {
            use {Binary::*, Condition::*, FloatCC as F, IntCC as I, Kind::*, Meaning as M, Test as T, Unary as U};
            Some(match opcode {
                $(Opcode::$name => $meaning,)*
                _ => return operation(opcode).map(|_| Meaning::Vector(opcode)),
            })
        }
    };
}

meanings! {
    copy => M::Copy;
    copy_from_far => M::CopyFromFar;
    copy_to_far => M::CopyToFar;
    copy_numbers => M::CopyNumbers;
    load_integer => M::LoadInteger;
    load_unsigned => M::LoadUnsigned;
    load_constant => M::LoadConstant;
    zero_numbers => M::ZeroNumbers;
    select => M::Select;
    jump => M::Jump(T::Always);
    loop_back => M::Loop(T::Always);
    jump_table => M::JumpTable;
    jump_if => M::Jump(T::NotZero);
    jump_if_zero => M::Jump(T::Zero);
    loop_if => M::Loop(T::NotZero);
    loop_if_zero => M::Loop(T::Zero);
    jump_i32_and => M::Jump(T::And);
    jump_i32_and_zero => M::Jump(T::AndZero);
    jump_i32_and_constant => M::Jump(T::AndConstant);
    jump_i32_and_zero_constant => M::Jump(T::AndZeroConstant);
    jump_i32_equal => M::Jump(T::Compare(Integer(I::Equal), I32));
    jump_i32_not_equal => M::Jump(T::Compare(Integer(I::NotEqual), I32));
    jump_i32_less => M::Jump(T::Compare(Integer(I::SignedLessThan), I32));
    jump_i32_less_equal => M::Jump(T::Compare(Integer(I::SignedLessThanOrEqual), I32));
    jump_i32_below => M::Jump(T::Compare(Integer(I::UnsignedLessThan), I32));
    jump_i32_below_equal => M::Jump(T::Compare(Integer(I::UnsignedLessThanOrEqual), I32));
    jump_i32_equal_constant => M::Jump(T::CompareConstant(Integer(I::Equal), I32));
    jump_i32_not_equal_constant => M::Jump(T::CompareConstant(Integer(I::NotEqual), I32));
    jump_i32_less_constant => M::Jump(T::CompareConstant(Integer(I::SignedLessThan), I32));
    jump_i32_greater_constant => M::Jump(T::CompareConstant(Integer(I::SignedGreaterThan), I32));
    jump_i32_below_constant => M::Jump(T::CompareConstant(Integer(I::UnsignedLessThan), I32));
    jump_i32_above_constant => M::Jump(T::CompareConstant(Integer(I::UnsignedGreaterThan), I32));
    jump_i64_equal => M::Jump(T::Compare(Integer(I::Equal), I64));
    jump_i64_not_equal => M::Jump(T::Compare(Integer(I::NotEqual), I64));
    jump_i64_less => M::Jump(T::Compare(Integer(I::SignedLessThan), I64));
    jump_i64_less_equal => M::Jump(T::Compare(Integer(I::SignedLessThanOrEqual), I64));
    jump_i64_below => M::Jump(T::Compare(Integer(I::UnsignedLessThan), I64));
    jump_i64_below_equal => M::Jump(T::Compare(Integer(I::UnsignedLessThanOrEqual), I64));
    jump_i64_equal_constant => M::Jump(T::CompareConstant(Integer(I::Equal), I64));
    jump_i64_not_equal_constant => M::Jump(T::CompareConstant(Integer(I::NotEqual), I64));
    jump_i64_less_constant => M::Jump(T::CompareConstant(Integer(I::SignedLessThan), I64));
    jump_i64_greater_constant => M::Jump(T::CompareConstant(Integer(I::SignedGreaterThan), I64));
    jump_i64_below_constant => M::Jump(T::CompareConstant(Integer(I::UnsignedLessThan), I64));
    jump_i64_above_constant => M::Jump(T::CompareConstant(Integer(I::UnsignedGreaterThan), I64));
    jump_f32_equal => M::Jump(T::Compare(Float(F::Equal), F32));
    jump_f32_not_equal => M::Jump(T::Compare(Float(F::NotEqual), F32));
    jump_f32_less => M::Jump(T::Compare(Float(F::LessThan), F32));
    jump_f32_not_less => M::Jump(T::Compare(Float(F::UnorderedOrGreaterThanOrEqual), F32));
    jump_f32_less_equal => M::Jump(T::Compare(Float(F::LessThanOrEqual), F32));
    jump_f32_not_less_equal => M::Jump(T::Compare(Float(F::UnorderedOrGreaterThan), F32));
    jump_f64_equal => M::Jump(T::Compare(Float(F::Equal), F64));
    jump_f64_not_equal => M::Jump(T::Compare(Float(F::NotEqual), F64));
    jump_f64_less => M::Jump(T::Compare(Float(F::LessThan), F64));
    jump_f64_not_less => M::Jump(T::Compare(Float(F::UnorderedOrGreaterThanOrEqual), F64));
    jump_f64_less_equal => M::Jump(T::Compare(Float(F::LessThanOrEqual), F64));
    jump_f64_not_less_equal => M::Jump(T::Compare(Float(F::UnorderedOrGreaterThan), F64));
    loop_i32_equal => M::Loop(T::Compare(Integer(I::Equal), I32));
    loop_i32_not_equal => M::Loop(T::Compare(Integer(I::NotEqual), I32));
    loop_i32_less => M::Loop(T::Compare(Integer(I::SignedLessThan), I32));
    loop_i32_less_equal => M::Loop(T::Compare(Integer(I::SignedLessThanOrEqual), I32));
    loop_i32_below => M::Loop(T::Compare(Integer(I::UnsignedLessThan), I32));
    loop_i32_below_equal => M::Loop(T::Compare(Integer(I::UnsignedLessThanOrEqual), I32));
    loop_i32_equal_constant => M::Loop(T::CompareConstant(Integer(I::Equal), I32));
    loop_i32_not_equal_constant => M::Loop(T::CompareConstant(Integer(I::NotEqual), I32));
    loop_i32_less_constant => M::Loop(T::CompareConstant(Integer(I::SignedLessThan), I32));
    loop_i32_greater_constant => M::Loop(T::CompareConstant(Integer(I::SignedGreaterThan), I32));
    loop_i32_below_constant => M::Loop(T::CompareConstant(Integer(I::UnsignedLessThan), I32));
    loop_i32_above_constant => M::Loop(T::CompareConstant(Integer(I::UnsignedGreaterThan), I32));
    loop_i64_equal => M::Loop(T::Compare(Integer(I::Equal), I64));
    loop_i64_not_equal => M::Loop(T::Compare(Integer(I::NotEqual), I64));
    loop_i64_less => M::Loop(T::Compare(Integer(I::SignedLessThan), I64));
    loop_i64_less_equal => M::Loop(T::Compare(Integer(I::SignedLessThanOrEqual), I64));
    loop_i64_below => M::Loop(T::Compare(Integer(I::UnsignedLessThan), I64));
    loop_i64_below_equal => M::Loop(T::Compare(Integer(I::UnsignedLessThanOrEqual), I64));
    loop_i64_equal_constant => M::Loop(T::CompareConstant(Integer(I::Equal), I64));
    loop_i64_not_equal_constant => M::Loop(T::CompareConstant(Integer(I::NotEqual), I64));
    loop_i64_less_constant => M::Loop(T::CompareConstant(Integer(I::SignedLessThan), I64));
    loop_i64_greater_constant => M::Loop(T::CompareConstant(Integer(I::SignedGreaterThan), I64));
    loop_i64_below_constant => M::Loop(T::CompareConstant(Integer(I::UnsignedLessThan), I64));
    loop_i64_above_constant => M::Loop(T::CompareConstant(Integer(I::UnsignedGreaterThan), I64));

    i32_add => M::Binary(Add, I32);
    i32_subtract => M::Binary(Subtract, I32);
    i32_multiply => M::Binary(Multiply, I32);
    i32_and => M::Binary(And, I32);
    i32_or => M::Binary(Or, I32);
    i32_xor => M::Binary(Xor, I32);
    i32_shift_left => M::Binary(ShiftLeft, I32);
    i32_shift_right_signed => M::Binary(ShiftRightSigned, I32);
    i32_shift_right_unsigned => M::Binary(ShiftRightUnsigned, I32);
    i32_rotate_left => M::Binary(RotateLeft, I32);
    i32_rotate_right => M::Binary(RotateRight, I32);
    i64_add => M::Binary(Add, I64);
    i64_subtract => M::Binary(Subtract, I64);
    i64_multiply => M::Binary(Multiply, I64);
    i64_and => M::Binary(And, I64);
    i64_or => M::Binary(Or, I64);
    i64_xor => M::Binary(Xor, I64);
    i64_shift_left => M::Binary(ShiftLeft, I64);
    i64_shift_right_signed => M::Binary(ShiftRightSigned, I64);
    i64_shift_right_unsigned => M::Binary(ShiftRightUnsigned, I64);
    i64_rotate_left => M::Binary(RotateLeft, I64);
    i64_rotate_right => M::Binary(RotateRight, I64);
    f32_add => M::Binary(Add, F32);
    f32_subtract => M::Binary(Subtract, F32);
    f32_multiply => M::Binary(Multiply, F32);
    f32_divide => M::Binary(Divide, F32);
    f32_minimum => M::Binary(Minimum, F32);
    f32_maximum => M::Binary(Maximum, F32);
    f32_copy_sign => M::Binary(CopySign, F32);
    f64_add => M::Binary(Add, F64);
    f64_subtract => M::Binary(Subtract, F64);
    f64_multiply => M::Binary(Multiply, F64);
    f64_divide => M::Binary(Divide, F64);
    f64_minimum => M::Binary(Minimum, F64);
    f64_maximum => M::Binary(Maximum, F64);
    f64_copy_sign => M::Binary(CopySign, F64);
    i32_add_constant => M::BinaryConstant(Add, I32);
    i32_multiply_constant => M::BinaryConstant(Multiply, I32);
    i32_and_constant => M::BinaryConstant(And, I32);
    i32_or_constant => M::BinaryConstant(Or, I32);
    i32_xor_constant => M::BinaryConstant(Xor, I32);
    i32_shift_left_constant => M::BinaryConstant(ShiftLeft, I32);
    i32_shift_right_signed_constant => M::BinaryConstant(ShiftRightSigned, I32);
    i32_shift_right_unsigned_constant => M::BinaryConstant(ShiftRightUnsigned, I32);
    i32_rotate_left_constant => M::BinaryConstant(RotateLeft, I32);
    i64_add_constant => M::BinaryConstant(Add, I64);
    i64_multiply_constant => M::BinaryConstant(Multiply, I64);
    i64_and_constant => M::BinaryConstant(And, I64);
    i64_or_constant => M::BinaryConstant(Or, I64);
    i64_xor_constant => M::BinaryConstant(Xor, I64);
    i64_shift_left_constant => M::BinaryConstant(ShiftLeft, I64);
    i64_shift_right_signed_constant => M::BinaryConstant(ShiftRightSigned, I64);
    i64_shift_right_unsigned_constant => M::BinaryConstant(ShiftRightUnsigned, I64);
    i64_rotate_left_constant => M::BinaryConstant(RotateLeft, I64);

    i32_equal => M::Compare(Integer(I::Equal), I32);
    i32_not_equal => M::Compare(Integer(I::NotEqual), I32);
    i32_less => M::Compare(Integer(I::SignedLessThan), I32);
    i32_less_equal => M::Compare(Integer(I::SignedLessThanOrEqual), I32);
    i32_below => M::Compare(Integer(I::UnsignedLessThan), I32);
    i32_below_equal => M::Compare(Integer(I::UnsignedLessThanOrEqual), I32);
    i32_equal_constant => M::CompareConstant(Integer(I::Equal), I32);
    i32_not_equal_constant => M::CompareConstant(Integer(I::NotEqual), I32);
    i32_less_constant => M::CompareConstant(Integer(I::SignedLessThan), I32);
    i32_greater_constant => M::CompareConstant(Integer(I::SignedGreaterThan), I32);
    i32_below_constant => M::CompareConstant(Integer(I::UnsignedLessThan), I32);
    i32_above_constant => M::CompareConstant(Integer(I::UnsignedGreaterThan), I32);
    i64_equal => M::Compare(Integer(I::Equal), I64);
    i64_not_equal => M::Compare(Integer(I::NotEqual), I64);
    i64_less => M::Compare(Integer(I::SignedLessThan), I64);
    i64_less_equal => M::Compare(Integer(I::SignedLessThanOrEqual), I64);
    i64_below => M::Compare(Integer(I::UnsignedLessThan), I64);
    i64_below_equal => M::Compare(Integer(I::UnsignedLessThanOrEqual), I64);
    i64_equal_constant => M::CompareConstant(Integer(I::Equal), I64);
    i64_not_equal_constant => M::CompareConstant(Integer(I::NotEqual), I64);
    i64_less_constant => M::CompareConstant(Integer(I::SignedLessThan), I64);
    i64_greater_constant => M::CompareConstant(Integer(I::SignedGreaterThan), I64);
    i64_below_constant => M::CompareConstant(Integer(I::UnsignedLessThan), I64);
    i64_above_constant => M::CompareConstant(Integer(I::UnsignedGreaterThan), I64);
    f32_equal => M::Compare(Float(F::Equal), F32);
    f32_not_equal => M::Compare(Float(F::NotEqual), F32);
    f32_less => M::Compare(Float(F::LessThan), F32);
    f32_less_equal => M::Compare(Float(F::LessThanOrEqual), F32);
    f64_equal => M::Compare(Float(F::Equal), F64);
    f64_not_equal => M::Compare(Float(F::NotEqual), F64);
    f64_less => M::Compare(Float(F::LessThan), F64);
    f64_less_equal => M::Compare(Float(F::LessThanOrEqual), F64);

    i32_count_leading_zeros => M::Unary(U::LeadingZeros, I32, I32);
    i32_count_trailing_zeros => M::Unary(U::TrailingZeros, I32, I32);
    i32_count_ones => M::Unary(U::Ones, I32, I32);
    i32_extend_8 => M::Unary(U::Extend8, I32, I32);
    i32_extend_16 => M::Unary(U::Extend16, I32, I32);
    i64_count_leading_zeros => M::Unary(U::LeadingZeros, I64, I64);
    i64_count_trailing_zeros => M::Unary(U::TrailingZeros, I64, I64);
    i64_count_ones => M::Unary(U::Ones, I64, I64);
    i64_extend_8 => M::Unary(U::Extend8, I64, I64);
    i64_extend_16 => M::Unary(U::Extend16, I64, I64);
    i64_extend_32 => M::Unary(U::Extend32, I64, I64);
    f32_absolute => M::Unary(U::Absolute, F32, F32);
    f32_negate => M::Unary(U::Negate, F32, F32);
    f32_ceiling => M::Unary(U::Ceiling, F32, F32);
    f32_floor => M::Unary(U::Floor, F32, F32);
    f32_truncate => M::Unary(U::Truncate, F32, F32);
    f32_nearest => M::Unary(U::Nearest, F32, F32);
    f32_square_root => M::Unary(U::SquareRoot, F32, F32);
    f64_absolute => M::Unary(U::Absolute, F64, F64);
    f64_negate => M::Unary(U::Negate, F64, F64);
    f64_ceiling => M::Unary(U::Ceiling, F64, F64);
    f64_floor => M::Unary(U::Floor, F64, F64);
    f64_truncate => M::Unary(U::Truncate, F64, F64);
    f64_nearest => M::Unary(U::Nearest, F64, F64);
    f64_square_root => M::Unary(U::SquareRoot, F64, F64);
    i32_wrap => M::Unary(U::Wrap, I64, I32);
    i32_saturate_f32_signed => M::Unary(U::SaturateSigned, F32, I32);
    i32_saturate_f32_unsigned => M::Unary(U::SaturateUnsigned, F32, I32);
    i32_saturate_f64_signed => M::Unary(U::SaturateSigned, F64, I32);
    i32_saturate_f64_unsigned => M::Unary(U::SaturateUnsigned, F64, I32);
    i64_saturate_f32_signed => M::Unary(U::SaturateSigned, F32, I64);
    i64_saturate_f32_unsigned => M::Unary(U::SaturateUnsigned, F32, I64);
    i64_saturate_f64_signed => M::Unary(U::SaturateSigned, F64, I64);
    i64_saturate_f64_unsigned => M::Unary(U::SaturateUnsigned, F64, I64);
    f32_convert_i32_signed => M::Unary(U::ConvertSigned, I32, F32);
    f32_convert_i32_unsigned => M::Unary(U::ConvertUnsigned, I32, F32);
    f32_convert_i64_signed => M::Unary(U::ConvertSigned, I64, F32);
    f32_convert_i64_unsigned => M::Unary(U::ConvertUnsigned, I64, F32);
    f32_demote => M::Unary(U::Demote, F64, F32);
    f64_convert_i32_signed => M::Unary(U::ConvertSigned, I32, F64);
    f64_convert_i32_unsigned => M::Unary(U::ConvertUnsigned, I32, F64);
    f64_convert_i64_signed => M::Unary(U::ConvertSigned, I64, F64);
    f64_convert_i64_unsigned => M::Unary(U::ConvertUnsigned, I64, F64);
    f64_promote => M::Unary(U::Promote, F32, F64);

    i32_divide_signed => M::Divide { kind: I32, is_signed: true, is_remainder: false };
    i32_divide_unsigned => M::Divide { kind: I32, is_signed: false, is_remainder: false };
    i32_remainder_signed => M::Divide { kind: I32, is_signed: true, is_remainder: true };
    i32_remainder_unsigned => M::Divide { kind: I32, is_signed: false, is_remainder: true };
    i64_divide_signed => M::Divide { kind: I64, is_signed: true, is_remainder: false };
    i64_divide_unsigned => M::Divide { kind: I64, is_signed: false, is_remainder: false };
    i64_remainder_signed => M::Divide { kind: I64, is_signed: true, is_remainder: true };
    i64_remainder_unsigned => M::Divide { kind: I64, is_signed: false, is_remainder: true };
    i32_truncate_f32_signed => M::Truncate { from: F32, to: I32, is_signed: true, low: -2147483904.0, high: 2147483648.0 };
    i32_truncate_f32_unsigned => M::Truncate { from: F32, to: I32, is_signed: false, low: -1.0, high: 4294967296.0 };
    i32_truncate_f64_signed => M::Truncate { from: F64, to: I32, is_signed: true, low: -2147483649.0, high: 2147483648.0 };
    i32_truncate_f64_unsigned => M::Truncate { from: F64, to: I32, is_signed: false, low: -1.0, high: 4294967296.0 };
    i64_truncate_f32_signed => M::Truncate { from: F32, to: I64, is_signed: true, low: -9223373136366403584.0, high: 9223372036854775808.0 };
    i64_truncate_f32_unsigned => M::Truncate { from: F32, to: I64, is_signed: false, low: -1.0, high: 18446744073709551616.0 };
    i64_truncate_f64_signed => M::Truncate { from: F64, to: I64, is_signed: true, low: -9223372036854777856.0, high: 9223372036854775808.0 };
    i64_truncate_f64_unsigned => M::Truncate { from: F64, to: I64, is_signed: false, low: -1.0, high: 18446744073709551616.0 };

    load_8 => M::Load { bytes: 1, is_signed: false, kind: Any };
    load_8_signed_32 => M::Load { bytes: 1, is_signed: true, kind: I32 };
    load_8_signed_64 => M::Load { bytes: 1, is_signed: true, kind: I64 };
    load_16 => M::Load { bytes: 2, is_signed: false, kind: Any };
    load_16_signed_32 => M::Load { bytes: 2, is_signed: true, kind: I32 };
    load_16_signed_64 => M::Load { bytes: 2, is_signed: true, kind: I64 };
    load_32 => M::Load { bytes: 4, is_signed: false, kind: Any };
    load_32_signed_64 => M::Load { bytes: 4, is_signed: true, kind: I64 };
    load_64 => M::Load { bytes: 8, is_signed: false, kind: Any };
    store_8 => M::Store { bytes: 1 };
    store_16 => M::Store { bytes: 2 };
    store_32 => M::Store { bytes: 4 };
    store_64 => M::Store { bytes: 8 };
    add_offset => M::AddOffset;
    use_memory => M::UseMemory;
    get_global => M::GetGlobal;
    set_global => M::SetGlobal;
    return_none => M::Return(Results::Nothing);
    return_one => M::Return(Results::Number(Any));
    return_values => M::Return(Results::Reference);

    copy_reference => M::CopyReference;
    copy_reference_from_far => M::CopyReferenceFromFar;
    copy_reference_to_far => M::CopyReferenceToFar;
    copy_references => M::CopyReferences;
    null_references => M::NullReferences;
    reference_null => M::NullReference;
    select_reference => M::SelectReference;
    get_global_reference => M::GetGlobalReference;
    set_global_reference => M::SetGlobalReference;
    jump_if_null => M::Jump(T::Null);
    jump_if_not_null => M::Jump(T::NotNull);
    jump_if_type => M::Jump(T::OfType);
    jump_if_not_type => M::Jump(T::NotOfType);
    reference_is_null => M::IsNull;
    reference_equal => M::AreSame;
    reference_as_non_null => M::AsNonNull;
    reference_test => M::IsOfType;
    reference_cast => M::Cast;
    reference_i31 => M::MakeSmall;
    i31_get_signed => M::GetSmall { is_signed: true };
    i31_get_unsigned => M::GetSmall { is_signed: false };
    structure_new => M::NewStructure;
    structure_new_default => M::NewDefaultStructure;
    structure_get_8_signed => M::GetField { bytes: 1, is_signed: true, kind: I32 };
    structure_get_8 => M::GetField { bytes: 1, is_signed: false, kind: I32 };
    structure_get_16_signed => M::GetField { bytes: 2, is_signed: true, kind: I32 };
    structure_get_16 => M::GetField { bytes: 2, is_signed: false, kind: I32 };
    structure_get_32 => M::GetField { bytes: 4, is_signed: false, kind: Any };
    structure_get_64 => M::GetField { bytes: 8, is_signed: false, kind: Any };
    structure_get_reference => M::GetReferenceField(Form::ArrayReference);
    structure_get_object => M::GetReferenceField(Form::ArrayObject);
    structure_set_8 => M::SetField { bytes: 1 };
    structure_set_16 => M::SetField { bytes: 2 };
    structure_set_32 => M::SetField { bytes: 4 };
    structure_set_64 => M::SetField { bytes: 8 };
    structure_set_reference => M::SetReferenceField(Form::ArrayReference);
    structure_set_object => M::SetReferenceField(Form::ArrayObject);
    array_new_fixed => M::NewFixedArray;
    array_get_8_signed => M::GetElement { bytes: 1, is_signed: true, kind: I32 };
    array_get_8 => M::GetElement { bytes: 1, is_signed: false, kind: I32 };
    array_get_16_signed => M::GetElement { bytes: 2, is_signed: true, kind: I32 };
    array_get_16 => M::GetElement { bytes: 2, is_signed: false, kind: I32 };
    array_get_32 => M::GetElement { bytes: 4, is_signed: false, kind: Any };
    array_get_64 => M::GetElement { bytes: 8, is_signed: false, kind: Any };
    array_get_reference => M::GetReferenceElement(Form::ArrayReference);
    array_get_object => M::GetReferenceElement(Form::ArrayObject);
    array_set_8 => M::SetElement { bytes: 1 };
    array_set_16 => M::SetElement { bytes: 2 };
    array_set_32 => M::SetElement { bytes: 4 };
    array_set_64 => M::SetElement { bytes: 8 };
    array_set_reference => M::SetReferenceElement(Form::ArrayReference);
    array_set_object => M::SetReferenceElement(Form::ArrayObject);
    array_length => M::ArrayLength;
}

impl Meaning {
    /// The kind of the number that it reads from the register of a field; `Any` if it takes it as it is.
    pub fn reads(self, field: Field) -> Kind {
        match (self, field) {
            (Meaning::Binary(_, kind) | Meaning::Compare(_, kind) | Meaning::Divide { kind, .. }, _)
            | (Meaning::BinaryConstant(_, kind) | Meaning::CompareConstant(_, kind), Field::B)
            | (Meaning::Unary(_, kind, _) | Meaning::Truncate { from: kind, .. }, Field::B)
            | (
                Meaning::Jump(Test::Compare(_, kind) | Test::CompareConstant(_, kind))
                | Meaning::Loop(Test::Compare(_, kind) | Test::CompareConstant(_, kind)),
                _,
            ) => kind,
            (Meaning::Jump(_) | Meaning::Loop(_) | Meaning::JumpTable, _) | (Meaning::Select, Field::E) => Kind::I32,
            (Meaning::Store { bytes: 1 | 2 }, Field::A) => Kind::I32,
            (Meaning::Load { .. } | Meaning::Store { .. }, Field::B) => Kind::I32,
            (Meaning::Vector(opcode), Field::B) if operation(opcode).is_some_and(Operation::accesses_memory) => {
                Kind::I32
            }
            _ => Kind::Any,
        }
    }
    /// Whether it accesses a linear memory.
    pub fn accesses_memory(self) -> bool {
        match self {
            Meaning::Load { .. } | Meaning::Store { .. } => true,
            Meaning::Vector(opcode) => operation(opcode).is_some_and(Operation::accesses_memory),
            _ => false,
        }
    }
}
