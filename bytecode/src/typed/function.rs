//! A typed function: what the body of a WebAssembly function is translated to, and what it may refer to in its module.

use super::layout::{Layout, Storage};
use crate::instruction::Word;
use alloc::vec::Vec;

/// How many registers of each kind the values of a list take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct Registers {
    /// Number registers: one for a number, two for a vector.
    pub numbers: u32,
    /// Reference registers.
    pub references: u32,
}

impl Registers {
    /// These, and those of one more value.
    #[must_use]
    pub fn with(self, kind: GlobalKind) -> Registers {
        let Registers { numbers, references } = self;
        match kind {
            GlobalKind::Number => Registers { numbers: numbers + 1, references },
            GlobalKind::Vector => Registers { numbers: numbers + 2, references },
            GlobalKind::Reference => Registers { numbers, references: references + 1 },
        }
    }
}

/// A function's type as far as calls are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct Signature {
    /// Registers of the parameters.
    pub parameters: Registers,
    /// Registers of the results.
    pub results: Registers,
}

/// One translated function.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Function {
    /// All registers, parameters included.
    pub registers: Registers,
    /// The instructions, each with its literals and list.
    pub code: Vec<Word>,
    /// What catches exceptions: of those around an instruction, the first that catches an exception does.
    pub catches: Vec<Catch>,
    /// Of each word, where the operator it was made for lies in the WebAssembly file; empty if stripped.
    pub offsets: Vec<u32>,
}

/// What catches exceptions that come out of a part of the code: from instructions that begin in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Catch {
    /// The part's first word.
    pub start: u32,
    /// The word behind the part.
    pub end: u32,
    /// The tag of the exceptions; all if there is none.
    pub tag: Option<u32>,
    /// Where control goes: not before the end.
    pub target: u32,
    /// First number register for the values of an exception of that tag.
    pub numbers: u32,
    /// First reference register for them.
    pub references: u32,
    /// Whether the reference register behind those is for the exception itself.
    pub takes_exception: bool,
}

/// What a global holds, in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum GlobalKind {
    /// One number.
    Number = 0,
    /// A vector.
    Vector = 1,
    /// A reference.
    Reference = 2,
}

/// What functions of a module may refer to: everything that the verifier needs to know of the module.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Surroundings {
    /// The types that are those of functions, by the number of the type; `None` for others.
    pub types: Vec<Option<Signature>>,
    /// Layouts of the types that are those of structures.
    pub structures: Vec<Option<Layout>>,
    /// What elements take, of the types that are those of arrays.
    pub arrays: Vec<Option<Storage>>,
    /// The type of each function, imported ones first.
    pub functions: Vec<u32>,
    /// The globals, imported ones first.
    pub globals: Vec<GlobalKind>,
    /// How many of the globals are imported.
    pub imported_globals: u32,
    /// The type of each tag.
    pub tags: Vec<u32>,
    /// Number of tables.
    pub tables: u32,
    /// Number of memories.
    pub memories: u32,
    /// Number of data segments.
    pub data_segments: u32,
    /// Number of element segments.
    pub element_segments: u32,
}

impl Surroundings {
    /// The signature of a function.
    pub fn signature(&self, function: u32) -> Option<Signature> {
        self.types.get(*self.functions.get(function as usize)? as usize).copied().flatten()
    }

    /// The registers of the values of exceptions of a tag.
    pub fn tag_values(&self, tag: u32) -> Option<Registers> {
        let kind = self.types.get(*self.tags.get(tag as usize)? as usize).copied().flatten()?;
        Some(kind.parameters)
    }
}
