//! Loading a module: its functions become prototypes in the region.

use crate::{debug_info, error::Throw, machine::Machine};
use alloc::{
    collections::btree_map::{BTreeMap, Entry},
    vec::Vec,
};
use lunette_bytecode::{
    fuel,
    module::{Constant, Module},
    verifier::{self, VerifyError},
};
use lunette_gc::{
    function::{Closure, Prototype},
    heap::Heap,
    object::{Header, Kind},
    reference::Ref,
    storage::RefArray,
    string::Str,
    value::Value,
};

/// Why a module could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It may not run.
    #[error("malformed module: {0}")]
    Malformed(#[from] VerifyError),
    /// There is no memory for it.
    #[error("not enough memory")]
    Memory,
}

impl From<Throw> for LoadError {
    fn from(_: Throw) -> LoadError {
        LoadError::Memory
    }
}

impl From<lunette_gc::heap::OutOfMemory> for LoadError {
    fn from(_: lunette_gc::heap::OutOfMemory) -> LoadError {
        LoadError::Memory
    }
}

/// Makes strings of constants.
type Strings<'s, 'm> = dyn FnMut(&Heap, &'m [u8]) -> Result<Ref<Str>, LoadError> + 's;

impl Machine {
    /// Verifies a module and makes a closure of its main function, whose first upvalue, if it has one, is a new variable
    /// with the value `environment`; the others are new variables that are nil.
    pub fn load(&mut self, module: &Module, environment: Value) -> Result<Ref<Closure>, LoadError> {
        let source = self.heap.new_string(&module.source)?;
        // Equal constants of a module are one string, however long.
        let mut strings = BTreeMap::new();
        let functions = self.load_functions(module, source, &mut |heap, bytes| match strings.entry(bytes) {
            Entry::Occupied(entry) => Ok(*entry.get()),
            Entry::Vacant(entry) => Ok(*entry.insert(heap.new_string(bytes)?)),
        })?;
        let Some(main) = self.heap.refs(functions)[0].get() else {
            unreachable!("a verified module has a main function");
        };
        let upvalue_count = module.functions[0].upvalues.len() as u32;
        let closure = self.heap.new_closure(main.cast(), upvalue_count)?;
        let prototypes: Vec<_> =
            self.heap.refs(functions).iter().filter_map(|function| function.get()).map(Ref::cast).collect();
        for number in 0..upvalue_count as usize {
            let cell = self.heap.new_cell(if number == 0 { environment } else { Value::Nil })?;
            self.heap.upvalue_cells(closure)[number].set(Some(cell));
        }
        self.compile_lua_eagerly(&prototypes);
        Ok(closure)
    }

    /// Verifies a module and makes prototypes of its functions. The strings of the heap that its constants are come from
    /// `string`, one after the other.
    pub(crate) fn load_functions<'m>(
        &self,
        module: &'m Module,
        source: Ref<Str>,
        string: &mut Strings<'_, 'm>,
    ) -> Result<Ref<RefArray>, LoadError> {
        verifier::verify(module)?;
        let functions = self.heap.new_ref_array(module.functions.len() as u32)?;
        let mut code_bytes = Vec::new();
        for (number, function) in module.functions.iter().enumerate() {
            code_bytes.clear();
            code_bytes.try_reserve_exact(function.code.len() * 8).map_err(|_| LoadError::Memory)?;
            for word in &function.code {
                code_bytes.extend_from_slice(&word.0.to_ne_bytes());
            }
            let code = self.heap.new_byte_array(&code_bytes)?;
            let debug = self.heap.new_byte_array(&debug_info::encode(function))?;
            let captures = self.heap.new_byte_array(&debug_info::encode_captures(function))?;
            let prototype = self.heap.new_prototype(
                Prototype {
                    header: Header::new(Kind::Prototype, 0),
                    code,
                    module: functions,
                    source,
                    debug: Some(debug),
                    captures: Some(captures),
                    site_count: function.sites.len() as u32,
                    constant_count: function.constants.len() as u32,
                    number: number as u32,
                    entry_cost: fuel::entry_cost(&function.code),
                    line_defined: function.line_defined,
                    last_line_defined: function.last_line_defined,
                    feedback: core::cell::Cell::new(None),
                    register_count: function.register_count,
                    upvalue_count: function.upvalues.len() as u16,
                    parameter_count: function.parameter_count,
                    is_variadic: u8::from(function.is_variadic),
                    padding: [0; 2],
                    native: core::cell::Cell::new(0),
                    more_padding: [0; 4],
                },
                &function.sites,
            )?;
            for (slot, constant) in self.heap.constants(prototype).iter().zip(&function.constants) {
                slot.set(match constant {
                    Constant::Nil => Value::Nil,
                    Constant::Boolean(value) => Value::Boolean(*value),
                    Constant::Integer(value) => Value::Integer(*value),
                    Constant::Float(value) => Value::Float(*value),
                    Constant::String(bytes) => Value::String(string(&self.heap, bytes)?),
                });
            }
            self.heap.refs(functions)[number].set(Some(prototype.cast()));
        }
        Ok(functions)
    }
}
