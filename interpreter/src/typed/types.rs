//! Types of WebAssembly, as the machine numbers them: two function types are the same if their numbers are.
//!
//! The registry is a table at a root of the heap, from descriptions to numbers and back. A description is a string:
//!
//! ```text
//!   number of parameters: u32 | number of results: u32 | the types of both: u64 each
//! ```

use crate::{
    error::Throw,
    machine::{Machine, roots},
};
use alloc::vec::Vec;
use lunette_bytecode::typed::function::{Registers, Signature};
use lunette_gc::{reference::Ref, string::Str, table::Table, value::Value};

/// What references of a type refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the specification has them")]
#[repr(u8)]
pub enum HeapType {
    Function = 0,
    Extern = 1,
    Any = 2,
    Eq = 3,
    I31 = 4,
    Struct = 5,
    Array = 6,
    None = 7,
    NoFunction = 8,
    NoExtern = 9,
    Exception = 10,
    NoException = 11,
    /// Of the type of this number in the machine.
    Concrete = 12,
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the specification has them")]
pub enum ValueType {
    I32,
    I64,
    F32,
    F64,
    V128,
    Reference {
        /// Whether null is among the values.
        nullable: bool,
        /// To what.
        heap: HeapType,
        /// The number of a concrete type.
        number: u32,
    },
}

impl ValueType {
    /// References to functions, null included.
    pub const FUNCTION: ValueType = ValueType::Reference { nullable: true, heap: HeapType::Function, number: 0 };
    /// References to values of the host, null included.
    pub const EXTERN: ValueType = ValueType::Reference { nullable: true, heap: HeapType::Extern, number: 0 };

    /// The type in 64 bits.
    pub const fn encode(self) -> u64 {
        match self {
            ValueType::I32 => 0,
            ValueType::I64 => 1,
            ValueType::F32 => 2,
            ValueType::F64 => 3,
            ValueType::V128 => 4,
            ValueType::Reference { nullable, heap, number } => {
                5 | (nullable as u64) << 8 | (heap as u64) << 16 | (number as u64) << 32
            }
        }
    }

    /// The type that was encoded.
    pub fn decode(bits: u64) -> ValueType {
        const HEAPS: [HeapType; 13] = [
            HeapType::Function,
            HeapType::Extern,
            HeapType::Any,
            HeapType::Eq,
            HeapType::I31,
            HeapType::Struct,
            HeapType::Array,
            HeapType::None,
            HeapType::NoFunction,
            HeapType::NoExtern,
            HeapType::Exception,
            HeapType::NoException,
            HeapType::Concrete,
        ];
        match bits as u8 {
            0 => ValueType::I32,
            1 => ValueType::I64,
            2 => ValueType::F32,
            3 => ValueType::F64,
            4 => ValueType::V128,
            _ => ValueType::Reference {
                nullable: bits >> 8 & 1 != 0,
                heap: HEAPS[(bits >> 16 & 0xff) as usize % HEAPS.len()],
                number: (bits >> 32) as u32,
            },
        }
    }

    /// The registers that a value takes.
    pub const fn registers(self) -> Registers {
        match self {
            ValueType::Reference { .. } => Registers { numbers: 0, references: 1 },
            ValueType::V128 => Registers { numbers: 2, references: 0 },
            _ => Registers { numbers: 1, references: 0 },
        }
    }
}

/// The type of a function.
#[derive(Clone, Debug, PartialEq, Eq, Default, Hash)]
pub struct FunctionType {
    /// Types of the parameters.
    pub parameters: Vec<ValueType>,
    /// Types of the results.
    pub results: Vec<ValueType>,
}

impl FunctionType {
    /// The type as far as calls are concerned.
    pub fn signature(&self) -> Signature {
        let sum = |types: &[ValueType]| {
            types.iter().fold(Registers::default(), |sum, value| {
                let registers = value.registers();
                Registers {
                    numbers: sum.numbers + registers.numbers,
                    references: sum.references + registers.references,
                }
            })
        };
        Signature { parameters: sum(&self.parameters), results: sum(&self.results) }
    }

    fn describe(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&(self.parameters.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&(self.results.len() as u32).to_le_bytes());
        for value in self.parameters.iter().chain(&self.results) {
            bytes.extend_from_slice(&value.encode().to_le_bytes());
        }
        bytes
    }
}

/// A function type in the registry.
#[derive(Clone, Copy, Debug)]
pub struct TypeView<'m>(&'m [u8]);

impl<'m> TypeView<'m> {
    fn count(self, index: usize) -> usize {
        self.0
            .get(4 * index..4 * index + 4)
            .map_or(0, |bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize)
    }

    fn types(self, from: usize, count: usize) -> impl Iterator<Item = ValueType> + 'm {
        let bytes = self.0;
        (from..from + count).map(move |index| {
            let at = 8 + 8 * index;
            let word = bytes.get(at..at + 8).map_or([0; 8], |bytes| core::array::from_fn(|index| bytes[index]));
            ValueType::decode(u64::from_le_bytes(word))
        })
    }

    /// Types of the parameters.
    pub fn parameters(self) -> impl Iterator<Item = ValueType> + 'm {
        self.types(0, self.count(0))
    }

    /// Types of the results.
    pub fn results(self) -> impl Iterator<Item = ValueType> + 'm {
        self.types(self.count(0), self.count(1))
    }

    /// The type.
    pub fn to_type(self) -> FunctionType {
        FunctionType { parameters: self.parameters().collect(), results: self.results().collect() }
    }
}

impl Machine {
    /// The number of a function type, which is new if the type is.
    pub fn type_number(&mut self, function_type: &FunctionType) -> Result<u32, Throw> {
        let table = self.type_table()?;
        let description = self.new_string(&function_type.describe())?;
        if let Value::Integer(number) = self.heap.table_get(table, Value::String(description)) {
            return Ok(number as u32);
        }
        let number = self.heap.table_length(table);
        let failed = |_| Throw::Memory;
        self.heap.table_set_integer(table, number + 1, Value::String(description)).map_err(failed)?;
        self.heap.table_set(table, Value::String(description), Value::Integer(number)).map_err(failed)?;
        Ok(number as u32)
    }

    fn type_table(&mut self) -> Result<Ref<Table>, Throw> {
        if let Value::Table(table) = self.heap.root(roots::FUNCTION_TYPES).get() {
            return Ok(table);
        }
        let table = self.heap.new_table(0, 0)?;
        self.heap.root(roots::FUNCTION_TYPES).set(Value::Table(table));
        Ok(table)
    }

    /// The description of the function type of this number.
    pub(super) fn type_description(&self, number: u32) -> Option<Ref<Str>> {
        let Value::Table(table) = self.heap.root(roots::FUNCTION_TYPES).get() else { return None };
        match self.heap.table_get_integer(table, i64::from(number) + 1) {
            Value::String(description) => Some(description),
            _ => None,
        }
    }

    /// The function type of this number.
    pub fn function_type(&self, number: u32) -> TypeView<'_> {
        TypeView(self.type_description(number).map_or(&[], |description| self.bytes(description)))
    }
}
