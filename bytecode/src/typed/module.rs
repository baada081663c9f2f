//! What a WebAssembly module declares: everything but the bodies of its functions. Each index space has its imported
//! members first.

use super::{
    function::{GlobalKind, Registers, Signature, Surroundings},
    layout,
};
use alloc::{boxed::Box, vec::Vec};
use core::{fmt, ops::Range};

/// What a reference can point to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum HeapType {
    Function,
    Extern,
    Any,
    Equal,
    I31,
    Structure,
    Array,
    Exception,
    None,
    NoFunction,
    NoExtern,
    NoException,
    /// The type of this number in the module.
    Concrete(u32),
}

/// Heap types that are not concrete.
const ABSTRACT: [HeapType; 12] = [
    HeapType::Function,
    HeapType::Extern,
    HeapType::Any,
    HeapType::Equal,
    HeapType::I31,
    HeapType::Structure,
    HeapType::Array,
    HeapType::Exception,
    HeapType::None,
    HeapType::NoFunction,
    HeapType::NoExtern,
    HeapType::NoException,
];

impl HeapType {
    /// The type as a number: a concrete one is its own, the others count down from the highest.
    pub fn encode(self) -> u32 {
        match self {
            HeapType::Concrete(number) => number,
            heap => !(ABSTRACT.iter().position(|&other| other == heap).unwrap_or(0) as u32),
        }
    }

    /// Whether the type of a number is a concrete one.
    #[inline(always)]
    pub const fn is_concrete(number: u32) -> bool {
        (!number as usize) >= ABSTRACT.len()
    }

    /// The type of a number.
    #[inline]
    pub fn decode(number: u32) -> HeapType {
        ABSTRACT.get(!number as usize).copied().unwrap_or(HeapType::Concrete(number))
    }
}

/// The type of references.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReferenceType {
    /// Whether null is among them.
    pub is_nullable: bool,
    /// What they point to.
    pub heap: HeapType,
}

impl fmt::Display for ReferenceType {
    /// As the text format has it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heap = match self.heap {
            HeapType::Function => "func",
            HeapType::Extern => "extern",
            HeapType::Any => "any",
            HeapType::Equal => "eq",
            HeapType::I31 => "i31",
            HeapType::Structure => "struct",
            HeapType::Array => "array",
            HeapType::Exception => "exn",
            HeapType::None => "none",
            HeapType::NoFunction => "nofunc",
            HeapType::NoExtern => "noextern",
            HeapType::NoException => "noexn",
            HeapType::Concrete(number) => {
                return write!(formatter, "(ref {}{number})", if self.is_nullable { "null " } else { "" });
            }
        };
        match (self.heap, self.is_nullable) {
            (_, false) => write!(formatter, "(ref {heap})"),
            (HeapType::None, true) => formatter.write_str("nullref"),
            (HeapType::NoFunction, true) => formatter.write_str("nullfuncref"),
            (HeapType::NoExtern, true) => formatter.write_str("nullexternref"),
            (HeapType::NoException, true) => formatter.write_str("nullexnref"),
            _ => write!(formatter, "{heap}ref"),
        }
    }
}

impl ReferenceType {
    /// `funcref`.
    pub const FUNCTION: ReferenceType = ReferenceType { is_nullable: true, heap: HeapType::Function };
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum ValueType {
    I32,
    I64,
    F32,
    F64,
    V128,
    Reference(ReferenceType),
}

impl fmt::Display for ValueType {
    /// As the text format has it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueType::I32 => formatter.write_str("i32"),
            ValueType::I64 => formatter.write_str("i64"),
            ValueType::F32 => formatter.write_str("f32"),
            ValueType::F64 => formatter.write_str("f64"),
            ValueType::V128 => formatter.write_str("v128"),
            ValueType::Reference(reference) => reference.fmt(formatter),
        }
    }
}

impl ValueType {
    /// The kind of register that holds such values.
    pub const fn kind(self) -> GlobalKind {
        match self {
            ValueType::V128 => GlobalKind::Vector,
            ValueType::Reference(_) => GlobalKind::Reference,
            _ => GlobalKind::Number,
        }
    }

    /// The registers that values of these types take, one after another.
    pub fn registers(types: &[ValueType]) -> Registers {
        types.iter().fold(Registers::default(), |registers, value| registers.with(value.kind()))
    }
}

/// The type of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FunctionType {
    /// Of the parameters.
    pub parameters: Box<[ValueType]>,
    /// Of the results.
    pub results: Box<[ValueType]>,
}

impl FunctionType {
    /// The type as far as calls are concerned.
    pub fn signature(&self) -> Signature {
        Signature { parameters: ValueType::registers(&self.parameters), results: ValueType::registers(&self.results) }
    }
}

/// What a field of a structure or an element of an array holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum StorageType {
    I8,
    I16,
    Value(ValueType),
}

/// A field of a structure, or an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldType {
    /// What it holds.
    pub storage: StorageType,
    /// Whether it can be set.
    pub is_mutable: bool,
}

/// What a type describes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CompositeType {
    /// Functions.
    Function(FunctionType),
    /// Structures with these fields.
    Structure(Box<[FieldType]>),
    /// Arrays of these elements.
    Array(FieldType),
}

/// A type of the module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// Number of the first type of its recursion group.
    pub group: u32,
    /// Number of types in its recursion group.
    pub group_length: u32,
    /// Whether it can have no subtypes.
    pub is_final: bool,
    /// The type it is a subtype of, as declared.
    pub supertype: Option<u32>,
    /// What it describes.
    pub composite: CompositeType,
}

/// The type of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableType {
    /// Of its elements.
    pub element: ReferenceType,
    /// Whether indices have 64 bits.
    pub is_64: bool,
    /// The elements it has at first.
    pub minimum: u64,
    /// The most elements it can have.
    pub maximum: Option<u64>,
}

/// The type of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemoryType {
    /// Whether addresses have 64 bits.
    pub is_64: bool,
    /// The pages it has at first.
    pub minimum: u64,
    /// The most pages it can have.
    pub maximum: Option<u64>,
    /// The logarithm of the bytes of a page.
    pub page_bits: u8,
}

/// The type of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GlobalType {
    /// Of its value.
    pub value: ValueType,
    /// Whether it can be set.
    pub is_mutable: bool,
}

/// An operator of a constant expression: pops its operands off a stack, and pushes what it makes of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum ConstantOperator {
    I32(i32),
    I64(i64),
    /// Bits of the number.
    F32(u32),
    /// Bits of the number.
    F64(u64),
    /// The low half and the high one.
    V128(u64, u64),
    Global(u32),
    Null(HeapType),
    Function(u32),
    I32Add,
    I32Subtract,
    I32Multiply,
    I64Add,
    I64Subtract,
    I64Multiply,
    /// Fields on the stack.
    StructureNew(u32),
    StructureNewDefault(u32),
    /// Element and length on the stack.
    ArrayNew(u32),
    /// Length on the stack.
    ArrayNewDefault(u32),
    /// So many elements on the stack.
    ArrayNewFixed(u32, u32),
    ReferenceI31,
    AnyConvertExtern,
    ExternConvertAny,
}

/// A constant expression, which leaves one value on the stack.
pub type ConstantExpression = Box<[ConstantOperator]>;

/// A member of an index space that modules import and export: its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ExternalKind {
    Function,
    Table,
    Memory,
    Global,
    Tag,
}

/// An import. The type of the n-th import of a kind is that of the n-th member of the index space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Name of the module.
    pub module: Box<str>,
    /// Name in the module.
    pub name: Box<str>,
    /// What it is.
    pub kind: ExternalKind,
}

/// An export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its name.
    pub name: Box<str>,
    /// What it is.
    pub kind: ExternalKind,
    /// Its number in the index space.
    pub index: u32,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its type.
    pub kind: TableType,
    /// What its elements are at first; null if there is nothing.
    pub initial: Option<ConstantExpression>,
}

/// A global.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Global {
    /// Its type.
    pub kind: GlobalType,
    /// Its value at first; empty if it is imported.
    pub initial: ConstantExpression,
}

/// When a segment is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SegmentMode {
    /// By instructions.
    Passive,
    /// Instantiation copies it to this table or memory, to this offset.
    Active(u32, ConstantExpression),
    /// Never; it makes functions known.
    Declared,
}

/// The elements of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElementItems {
    /// Functions.
    Functions(Box<[u32]>),
    /// Values.
    Expressions(Box<[ConstantExpression]>),
}

/// An element segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementSegment {
    /// When it is used.
    pub mode: SegmentMode,
    /// The type of its elements.
    pub element: ReferenceType,
    /// Its elements.
    pub items: ElementItems,
}

/// A data segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSegment {
    /// When it is used.
    pub mode: SegmentMode,
    /// Its bytes' place in the file.
    pub bytes: Range<u32>,
}

/// How many members of each index space are imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ImportCounts {
    pub functions: u32,
    pub tables: u32,
    pub memories: u32,
    pub globals: u32,
    pub tags: u32,
}

/// What a module declares.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declarations {
    /// The types.
    pub types: Vec<Type>,
    /// The imports, in the order of the file.
    pub imports: Vec<Import>,
    /// How many there are of each kind.
    pub imported: ImportCounts,
    /// The type of each function.
    pub functions: Vec<u32>,
    /// The tables.
    pub tables: Vec<Table>,
    /// The memories.
    pub memories: Vec<MemoryType>,
    /// The globals.
    pub globals: Vec<Global>,
    /// The type of each tag, a function type without results.
    pub tags: Vec<u32>,
    /// The exports.
    pub exports: Vec<Export>,
    /// The function to call after instantiation.
    pub start: Option<u32>,
    /// The element segments.
    pub elements: Vec<ElementSegment>,
    /// The data segments.
    pub data: Vec<DataSegment>,
    /// Of each function of the module's own, its body's place in the file.
    pub bodies: Vec<Range<u32>>,
}

impl Declarations {
    /// The type of this number, if it is a function's.
    pub fn function_type(&self, number: u32) -> Option<&FunctionType> {
        match &self.types.get(number as usize)?.composite {
            CompositeType::Function(function) => Some(function),
            _ => None,
        }
    }

    /// What functions of the module may refer to.
    pub fn surroundings(&self) -> Surroundings {
        let signature = |kind: &Type| match &kind.composite {
            CompositeType::Function(function) => Some(function.signature()),
            _ => None,
        };
        Surroundings {
            types: self.types.iter().map(signature).collect(),
            functions: self.functions.clone(),
            globals: self.globals.iter().map(|global| global.kind.value.kind()).collect(),
            imported_globals: self.imported.globals,
            tags: self.tags.clone(),
            structures: layout::structures(&self.types),
            arrays: layout::arrays(&self.types),
            tables: self.tables.len() as u32,
            memories: self.memories.len() as u32,
            data_segments: self.data.len() as u32,
            element_segments: self.elements.len() as u32,
        }
    }
}
