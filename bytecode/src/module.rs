//! A module: what a source file is compiled to, a flat list of functions. The file form is in `file`.

use crate::instruction::Word;
use alloc::{boxed::Box, string::String, vec::Vec};

/// Bytes of Lua strings: any bytes, not only UTF-8.
pub type Bytes = Box<[u8]>;

/// A compiled program. Immutable once made; [`crate::verifier`] decides whether it may run.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Module {
    /// The chunk's name as Lua has it: `@file`, `=name` or the source text itself.
    pub source: Bytes,
    /// The functions; the main function is the first. A function is closed over by at most one other, of lower number.
    pub functions: Vec<Function>,
}

/// One function.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Function {
    /// Line of the keyword `function`; 0 for the main function.
    pub line_defined: u32,
    /// Line of the function's `end`; 0 for the main function.
    pub last_line_defined: u32,
    /// Number of named parameters, which are registers 0 and up.
    pub parameter_count: u8,
    /// Whether the function takes extra arguments (`...`).
    pub is_variadic: bool,
    /// Number of registers, parameters included; at most [`crate::instruction::MAX_REGISTERS`].
    pub register_count: u16,
    /// The instructions.
    pub code: Vec<Word>,
    /// The constants.
    pub constants: Vec<Constant>,
    /// Inline-cache sites: each the number of the constant, a string, that is its key. Every site is used by one
    /// instruction.
    pub sites: Vec<u32>,
    /// The upvalues.
    pub upvalues: Vec<Upvalue>,
    /// Line of each instruction, or empty if stripped.
    pub lines: Vec<u32>,
    /// Names and extents of the local variables, in the order of their declaration; empty if stripped.
    pub locals: Vec<Local>,
}

/// A constant.
#[derive(Clone, Debug)]
pub enum Constant {
    /// `nil`
    Nil,
    /// `true` or `false`
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A float. Two are the same constant if their bits are.
    Float(f64),
    /// A string.
    String(Bytes),
}

impl PartialEq for Constant {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Constant::Nil, Constant::Nil) => true,
            (Constant::Boolean(left), Constant::Boolean(right)) => left == right,
            (Constant::Integer(left), Constant::Integer(right)) => left == right,
            (Constant::Float(left), Constant::Float(right)) => left.to_bits() == right.to_bits(),
            (Constant::String(left), Constant::String(right)) => left == right,
            _ => false,
        }
    }
}

/// Where a closure takes an upvalue from when it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Upvalue {
    /// The variable's name; empty if stripped.
    pub name: String,
    /// From where the cell comes.
    pub capture: Capture,
    /// The attribute of the variable.
    pub attribute: Attribute,
}

/// Where the cell of an upvalue is found in the enclosing function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capture {
    /// In a register of the enclosing function, which holds a cell (see `new_cell`).
    Register(u8),
    /// It is an upvalue of the enclosing function.
    Upvalue(u8),
}

/// Attribute of a local variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Attribute {
    /// None.
    #[default]
    Regular,
    /// `<const>`
    Constant,
    /// `<close>`
    ToBeClosed,
}

/// Debug information of a local variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Local {
    /// The name; internal ones begin with `(`.
    pub name: String,
    /// Register that holds it.
    pub register: u8,
    /// First instruction at which it is visible.
    pub start: u32,
    /// One more than the last instruction at which it is visible.
    pub end: u32,
}
