//! Types of WebAssembly, as the machine numbers them: two function types are the same if their numbers are. In a type of
//! the machine, the number of a concrete type is the machine's and not a module's.
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
use lunette_bytecode::typed::{
    function::{Registers, Signature},
    module::{FunctionType, HeapType, ReferenceType, ValueType},
};
use lunette_gc::{reference::Ref, string::Str, table::Table, value::Value};

/// The type in 64 bits.
pub const fn encode(value: ValueType) -> u64 {
    let reference = match value {
        ValueType::I32 => return 0,
        ValueType::I64 => return 1,
        ValueType::F32 => return 2,
        ValueType::F64 => return 3,
        ValueType::V128 => return 4,
        ValueType::Reference(reference) => reference,
    };
    let (heap, number) = match reference.heap {
        HeapType::Function => (0, 0),
        HeapType::Extern => (1, 0),
        HeapType::Any => (2, 0),
        HeapType::Equal => (3, 0),
        HeapType::I31 => (4, 0),
        HeapType::Structure => (5, 0),
        HeapType::Array => (6, 0),
        HeapType::Exception => (7, 0),
        HeapType::None => (8, 0),
        HeapType::NoFunction => (9, 0),
        HeapType::NoExtern => (10, 0),
        HeapType::NoException => (11, 0),
        HeapType::Concrete(number) => (12, number),
    };
    5 | (reference.is_nullable as u64) << 8 | heap << 16 | (number as u64) << 32
}

/// The type that was encoded.
pub fn decode(bits: u64) -> ValueType {
    const HEAPS: [HeapType; 12] = [
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
    match bits as u8 {
        0 => ValueType::I32,
        1 => ValueType::I64,
        2 => ValueType::F32,
        3 => ValueType::F64,
        4 => ValueType::V128,
        _ => ValueType::Reference(ReferenceType {
            is_nullable: bits >> 8 & 1 != 0,
            heap: match HEAPS.get((bits >> 16 & 0xff) as usize) {
                Some(&heap) => heap,
                None => HeapType::Concrete((bits >> 32) as u32),
            },
        }),
    }
}

fn describe(function: &FunctionType) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&(function.parameters.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&(function.results.len() as u32).to_le_bytes());
    for &value in function.parameters.iter().chain(&function.results) {
        bytes.extend_from_slice(&encode(value).to_le_bytes());
    }
    bytes
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
            decode(u64::from_le_bytes(word))
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

    /// The registers that the results take.
    pub fn result_registers(self) -> Registers {
        self.results().fold(Registers::default(), |registers, value| registers.with(value.kind()))
    }

    /// The type as far as calls are concerned.
    pub fn signature(self) -> Signature {
        let parameters = self.parameters().fold(Registers::default(), |registers, value| registers.with(value.kind()));
        Signature { parameters, results: self.result_registers() }
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
        let description = self.new_string(&describe(function_type))?;
        if let Value::Integer(number) = self.heap.table_get(table, Value::String(description)) {
            return Ok(number as u32);
        }
        let number = self.heap.table_length(table);
        let failed = |_| Throw::Memory;
        self.heap.table_set_integer(table, number + 1, Value::String(description)).map_err(failed)?;
        self.heap.table_set(table, Value::String(description), Value::Integer(number)).map_err(failed)?;
        Ok(number as u32)
    }

    /// Gives the next number to a type by its description; `false` if that is malformed, or has a number.
    pub(crate) fn restore_type(&mut self, description: &[u8]) -> Result<bool, Throw> {
        let view = TypeView(description);
        let count = description.len().saturating_sub(8) / 8;
        if description.len() != 8 + 8 * count || view.count(0).checked_add(view.count(1)) != Some(count) {
            return Ok(false);
        }
        let table = self.type_table()?;
        let next = self.heap.table_length(table);
        let is_right = view.types(0, count).enumerate().all(|(index, _)| {
            let at = 8 + 8 * index;
            self.is_value_type(u64::from_le_bytes(core::array::from_fn(|byte| description[at + byte])))
        });
        Ok(is_right && i64::from(self.type_number(&view.to_type())?) == next)
    }

    /// Whether these bits encode a type of values.
    pub(crate) fn is_value_type(&self, bits: u64) -> bool {
        let value = decode(bits);
        let is_known = match value {
            ValueType::Reference(ReferenceType { heap: HeapType::Concrete(number), .. }) => {
                self.type_description(number).is_some()
            }
            _ => true,
        };
        is_known && encode(value) == bits
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
    pub(crate) fn type_description(&self, number: u32) -> Option<Ref<Str>> {
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
