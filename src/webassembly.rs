//! WebAssembly modules and what they export, for Rust code. Lua programs have the library `webassembly`; both see the same
//! objects.
//!
//! ```
//! use lunette::{AsContext, Engine, webassembly::Module};
//!
//! // (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
//! let file = b"\0asm\x01\0\0\0\x01\x07\x01\x60\x02\x7f\x7f\x01\x7f\x03\x02\x01\0\x07\x07\x01\x03add\0\0\x0a\x09\x01\x07\0\x20\0\x20\x01\x6a\x0b";
//! let mut instance = Engine::default().instantiate()?;
//! let module = Module::new(&mut instance, file, "@add.wasm")?;
//! let exports = module.instantiate(&mut instance, None)?;
//! let add = exports.function::<(i32, i32), i32>(&mut instance, "add")?;
//! assert_eq!(add.call(&mut instance, (2, 3))?, 5);
//! # Ok::<(), lunette::Error>(())
//! ```

use crate::{
    context::{AsContext, Context},
    error::{Error, Result},
    function::Function,
    handle::Handle,
    table::Table,
    value::Value,
};
use lunette_bytecode::typed::module as declared;
use lunette_gc::{reference::Ref, typed::LinearMemory, typed::TypedModule, value::Value as Raw};
use lunette_interpreter::Throw;
use lunette_stdlib::webassembly as library;
use std::{fmt, marker::PhantomData};

/// A module, loaded into an instance: all of it has been validated.
#[derive(Clone, Debug)]
// Of the function that makes instances of it.
pub struct Module(Handle);

/// What a module imports or exports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternalType {
    /// A function.
    Function {
        /// Types of its parameters.
        parameters: Vec<ValueType>,
        /// Types of its results.
        results: Vec<ValueType>,
    },
    /// A table of references.
    Table {
        /// The type of its elements.
        element: ValueType,
        /// The elements it has at first.
        minimum: u64,
        /// The most elements it can have.
        maximum: Option<u64>,
    },
    /// A memory.
    Memory {
        /// The pages it has at first.
        minimum: u64,
        /// The most pages it can have.
        maximum: Option<u64>,
    },
    /// A global.
    Global {
        /// The type of its value.
        value: ValueType,
        /// Whether it can be set.
        is_mutable: bool,
    },
    /// A tag of exceptions.
    Tag {
        /// Types of the values that come with such an exception.
        parameters: Vec<ValueType>,
    },
}

/// The type of a value, as the text format names it: `i32`, `externref`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ValueType(declared::ValueType);

impl fmt::Display for ValueType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// An import of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Name of the module that it is from.
    pub module: std::string::String,
    /// Its name there.
    pub name: std::string::String,
    /// What it is.
    pub external: ExternalType,
}

/// An export of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its name.
    pub name: std::string::String,
    /// What it is.
    pub external: ExternalType,
}

fn types(types: &[declared::ValueType]) -> Vec<ValueType> {
    types.iter().copied().map(ValueType).collect()
}

/// The type of member `index` of an index space.
fn external_type(module: &declared::Declarations, kind: declared::ExternalKind, index: usize) -> Option<ExternalType> {
    use declared::ExternalKind as Kind;
    Some(match kind {
        Kind::Function => {
            let function = module.function_type(*module.functions.get(index)?)?;
            ExternalType::Function { parameters: types(&function.parameters), results: types(&function.results) }
        }
        Kind::Tag => {
            let function = module.function_type(*module.tags.get(index)?)?;
            ExternalType::Tag { parameters: types(&function.parameters) }
        }
        Kind::Table => {
            let table = module.tables.get(index)?.kind;
            let element = ValueType(declared::ValueType::Reference(table.element));
            ExternalType::Table { element, minimum: table.minimum, maximum: table.maximum }
        }
        Kind::Memory => {
            let memory = module.memories.get(index)?;
            ExternalType::Memory { minimum: memory.minimum, maximum: memory.maximum }
        }
        Kind::Global => {
            let global = module.globals.get(index)?.kind;
            ExternalType::Global { value: ValueType(global.value), is_mutable: global.is_mutable }
        }
    })
}

impl Module {
    /// Loads a module from its file; the name is for messages, as that of a program.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Error, webassembly::Module};
    /// # let mut instance = Engine::default().instantiate()?;
    /// let refused = Module::new(&mut instance, b"\0asm\x01\0\0\0\x01", "@broken.wasm");
    /// assert!(matches!(refused, Err(Error::Malformed(_))));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn new(context: &mut impl AsContext, file: impl AsRef<[u8]>, name: impl AsRef<[u8]>) -> Result<Module> {
        let context = &mut context.as_context();
        context.check_alive()?;
        let module = match library::load_instantiator(context.machine, file.as_ref(), name.as_ref()) {
            Err(library::LoadError::Throw(Throw::Memory)) => {
                context.collect();
                library::load_instantiator(context.machine, file.as_ref(), name.as_ref())
            }
            loaded => loaded,
        };
        let module = module.map_err(|error| match error {
            library::LoadError::Refused(error) => Error::Malformed(error.to_string()),
            library::LoadError::Throw(_) => Error::Memory,
        })?;
        context.handle(module).map(Module)
    }

    fn raw(&self, context: &mut Context<'_>) -> Result<Ref<TypedModule>> {
        let instantiate = context.resolve(&self.0)?;
        match library::module_of_instantiator(context.machine, instantiate) {
            Some(module) => Ok(module),
            None => unreachable!("the handle stands for a module's function, not {instantiate:?}"),
        }
    }

    fn declared<T>(
        &self,
        context: &mut impl AsContext,
        describe: impl FnOnce(&declared::Declarations) -> T,
    ) -> Result<T> {
        let context = &mut context.as_context();
        let module = self.raw(context)?;
        match library::module_of(context.machine, module) {
            Ok(module) => Ok(describe(&module.declarations)),
            Err(error) => Err(Error::Malformed(error.to_string())),
        }
    }

    /// What the module imports.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, webassembly::Module};
    /// # let mut instance = Engine::default().instantiate()?;
    /// let module = Module::new(&mut instance, b"\0asm\x01\0\0\0", "=empty")?;
    /// assert!(module.imports(&mut instance)?.is_empty());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn imports(&self, context: &mut impl AsContext) -> Result<Vec<Import>> {
        self.declared(context, |module| {
            let mut counts = [0; 5];
            let imports = module.imports.iter().filter_map(|import| {
                let index = &mut counts[import.kind as usize];
                *index += 1;
                let external = external_type(module, import.kind, *index - 1)?;
                Some(Import { module: import.module.to_string(), name: import.name.to_string(), external })
            });
            imports.collect()
        })
    }

    /// What the module exports.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, webassembly::{ExternalType, Module}};
    /// # let mut instance = Engine::default().instantiate()?;
    /// // (module (memory (export "memory") 1))
    /// let file = b"\0asm\x01\0\0\0\x05\x03\x01\0\x01\x07\x0a\x01\x06memory\x02\0";
    /// let exports = Module::new(&mut instance, file, "=memory")?.exports(&mut instance)?;
    /// assert_eq!(exports[0].name, "memory");
    /// assert_eq!(exports[0].external, ExternalType::Memory { minimum: 1, maximum: None });
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn exports(&self, context: &mut impl AsContext) -> Result<Vec<Export>> {
        self.declared(context, |module| {
            let exports = module.exports.iter().filter_map(|export| {
                let external = external_type(module, export.kind, export.index as usize)?;
                Some(Export { name: export.name.to_string(), external })
            });
            exports.collect()
        })
    }

    /// Makes an instance of the module. `imports` has a table for each module that it imports from, with functions (of
    /// Lua, of Rust, of WebAssembly), memories, tables, globals and tags by their names. What is not in there of WASI is
    /// provided, with what the instance is granted. The start function runs, and `_initialize`.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, webassembly::Module};
    /// # let mut instance = Engine::default().instantiate()?;
    /// // (module (import "env" "twice" (func (param i64) (result i64)))
    /// //   (func (export "quadruple") (param i64) (result i64) local.get 0 call 0 call 0))
    /// let file = b"\0asm\x01\0\0\0\x01\x06\x01\x60\x01\x7e\x01\x7e\x02\x0d\x01\x03env\x05twice\0\0\x03\x02\x01\0\x07\x0d\x01\x09quadruple\0\x01\x0a\x0a\x01\x08\0\x20\0\x10\0\x10\0\x0b";
    /// let module = Module::new(&mut instance, file, "@quadruple.wasm")?;
    /// let (imports, env) = (instance.table()?, instance.table()?);
    /// let twice = instance.function(|_, number: i64| Ok(2 * number))?;
    /// env.set(&mut instance, "twice", twice)?;
    /// imports.set(&mut instance, "env", env)?;
    /// let exports = module.instantiate(&mut instance, Some(&imports))?;
    /// let quadruple = exports.function::<i64, i64>(&mut instance, "quadruple")?;
    /// assert_eq!(quadruple.call(&mut instance, 10)?, 40);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn instantiate(&self, context: &mut impl AsContext, imports: Option<&Table>) -> Result<Exports> {
        let context = &mut context.as_context();
        let imports = imports.map_or(Ok(Raw::Nil), |imports| context.resolve(&imports.0))?;
        let instantiate = context.resolve(&self.0)?;
        match context.call_raw(instantiate, &[imports])?.into_iter().next() {
            Some(Value::Table(exports)) => Ok(Exports(exports)),
            other => unreachable!("instantiation gives a table, not {other:?}"),
        }
    }
}

/// The exports of an instance of a module.
#[derive(Clone, Debug)]
pub struct Exports(Table);

impl Exports {
    /// The exports as the table that Lua programs see.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, webassembly::Module};
    /// # let mut instance = Engine::default().instantiate()?;
    /// let module = Module::new(&mut instance, b"\0asm\x01\0\0\0", "=empty")?;
    /// let exports = module.instantiate(&mut instance, None)?;
    /// assert_eq!(exports.table().length(&mut instance)?, 0);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn table(&self) -> &Table {
        &self.0
    }

    /// A function, if it has this type: parameters and results are types of [`WasmValue`], tuples of several, `()` for none.
    ///
    /// See [the module](self) for an example.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, webassembly::Module};
    /// # let mut instance = Engine::default().instantiate()?;
    /// # let file = b"\0asm\x01\0\0\0\x01\x07\x01\x60\x02\x7f\x7f\x01\x7f\x03\x02\x01\0\x07\x07\x01\x03add\0\0\x0a\x09\x01\x07\0\x20\0\x20\x01\x6a\x0b";
    /// # let exports = Module::new(&mut instance, file, "@add.wasm")?.instantiate(&mut instance, None)?;
    /// let other = exports.function::<f64, ()>(&mut instance, "add");
    /// assert_eq!(other.unwrap_err().to_string(), "function 'add' is (i32, i32) -> (i32), not (f64) -> ()");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn function<P: WasmValues, R: WasmValues>(
        &self,
        context: &mut impl AsContext,
        name: &str,
    ) -> Result<TypedFunction<P, R>> {
        let context = &mut context.as_context();
        let Value::Function(function) = self.0.raw_get::<Value>(context, name)? else {
            return Err(Error::message(format_args!("there is no function '{name}'")));
        };
        let Raw::TypedFunction(raw) = context.resolve(&function.0)? else {
            return Err(Error::message(format_args!("'{name}' is no function of WebAssembly")));
        };
        let own = context.machine.function_type(context.machine.heap.get(raw).kind).to_type();
        if !P::are(&own.parameters) || !R::are(&own.results) {
            let list = |types: &[declared::ValueType]| {
                let names: Vec<_> = types.iter().map(ToString::to_string).collect();
                format!("({})", names.join(", "))
            };
            return Err(Error::message(format_args!(
                "function '{name}' is {} -> {}, not ({}) -> ({})",
                list(&own.parameters),
                list(&own.results),
                P::names().join(", "),
                R::names().join(", ")
            )));
        }
        Ok(TypedFunction { function, types: PhantomData })
    }

    /// A memory.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, webassembly::Module};
    /// # let mut instance = Engine::default().instantiate()?;
    /// # let file = b"\0asm\x01\0\0\0\x05\x03\x01\0\x01\x07\x0a\x01\x06memory\x02\0";
    /// # let exports = Module::new(&mut instance, file, "=memory")?.instantiate(&mut instance, None)?;
    /// let memory = exports.memory(&mut instance, "memory")?;
    /// memory.write(&mut instance, 100, b"hello")?;
    /// let mut buffer = [0; 4];
    /// memory.read(&mut instance, 101, &mut buffer)?;
    /// assert_eq!(&buffer, b"ello");
    /// assert!(memory.write(&mut instance, 65_534, b"too long").is_err());
    /// assert_eq!(memory.grow(&mut instance, 2)?, Some(1));
    /// assert_eq!(memory.size(&mut instance)?, 3 << 16);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn memory(&self, context: &mut impl AsContext, name: &str) -> Result<Memory> {
        let context = &mut context.as_context();
        let value = self.0.raw_get::<Value>(context, name)?;
        let raw = context.unwrap(&value)?;
        match (library::memory_of(context.machine, raw), value) {
            (Some(_), Value::Userdata(userdata)) => Ok(Memory(userdata.0)),
            _ => Err(Error::message(format_args!("there is no memory '{name}'"))),
        }
    }
}

/// A function of WebAssembly whose type is known.
#[derive(Debug)]
pub struct TypedFunction<P, R> {
    function: Function,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> Clone for TypedFunction<P, R> {
    fn clone(&self) -> Self {
        TypedFunction { function: self.function.clone(), types: PhantomData }
    }
}

impl<P: WasmValues, R: WasmValues> TypedFunction<P, R> {
    /// Calls the function. A trap is an error of the program.
    ///
    /// See [the module](self) for an example.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, webassembly::Module};
    /// # let mut instance = Engine::default().instantiate()?;
    /// # let file = b"\0asm\x01\0\0\0\x01\x07\x01\x60\x02\x7f\x7f\x01\x7f\x03\x02\x01\0\x07\x07\x01\x03add\0\0\x0a\x09\x01\x07\0\x20\0\x20\x01\x6d\x0b";
    /// # let exports = Module::new(&mut instance, file, "@div.wasm")?.instantiate(&mut instance, None)?;
    /// let divide = exports.function::<(i32, i32), i32>(&mut instance, "add")?;
    /// assert_eq!(divide.call(&mut instance, (1, 0)).unwrap_err().to_string(), "div.wasm:0x27: integer divide by zero");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn call(&self, context: &mut impl AsContext, arguments: P) -> Result<R> {
        let context = &mut context.as_context();
        let mut values = Vec::new();
        arguments.into_values(&mut values);
        let raw = values.iter().map(|value| context.unwrap(value)).collect::<Result<Vec<_>>>()?;
        let function = context.resolve(&self.function.0)?;
        let results = context.call_raw(function, &raw)?;
        match R::from_values(&mut results.into_iter()) {
            Some(results) => Ok(results),
            None => Err(Error::message("a function of WebAssembly gave a value of another type")),
        }
    }

    /// The function as any other.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, webassembly::Module};
    /// # let mut instance = Engine::default().instantiate()?;
    /// # let file = b"\0asm\x01\0\0\0\x01\x07\x01\x60\x02\x7f\x7f\x01\x7f\x03\x02\x01\0\x07\x07\x01\x03add\0\0\x0a\x09\x01\x07\0\x20\0\x20\x01\x6a\x0b";
    /// # let exports = Module::new(&mut instance, file, "@add.wasm")?.instantiate(&mut instance, None)?;
    /// let add = exports.function::<(i32, i32), i32>(&mut instance, "add")?;
    /// instance.set("add", add.function())?;
    /// assert_eq!(instance.eval::<i64>("return add(20, 3)")?, 23);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn function(&self) -> &Function {
        &self.function
    }
}

/// A linear memory. Every access checks its bounds.
#[derive(Clone, Debug)]
pub struct Memory(Handle);

impl Memory {
    fn raw(&self, context: &mut Context<'_>) -> Result<Ref<LinearMemory>> {
        let value = context.resolve(&self.0)?;
        // By way of `debug`, a program can take the memory out of its userdata.
        library::memory_of(context.machine, value).ok_or_else(|| Error::message("there is no memory any more"))
    }

    /// Its size in bytes. See [`Exports::memory`] for an example.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, webassembly::Module};
    /// # let mut instance = Engine::default().instantiate()?;
    /// # let file = b"\0asm\x01\0\0\0\x05\x03\x01\0\x01\x07\x0a\x01\x06memory\x02\0";
    /// # let exports = Module::new(&mut instance, file, "=memory")?.instantiate(&mut instance, None)?;
    /// assert_eq!(exports.memory(&mut instance, "memory")?.size(&mut instance)?, 1 << 16);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn size(&self, context: &mut impl AsContext) -> Result<u64> {
        let context = &mut context.as_context();
        let memory = self.raw(context)?;
        Ok(context.machine.heap.memory_bytes(memory).len() as u64)
    }

    /// Fills a buffer from an address on. See [`Exports::memory`] for an example.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, webassembly::Module};
    /// # let mut instance = Engine::default().instantiate()?;
    /// # let file = b"\0asm\x01\0\0\0\x05\x03\x01\0\x01\x07\x0a\x01\x06memory\x02\0";
    /// # let exports = Module::new(&mut instance, file, "=memory")?.instantiate(&mut instance, None)?;
    /// let memory = exports.memory(&mut instance, "memory")?;
    /// assert_eq!(memory.read(&mut instance, 65_536, &mut [0]).unwrap_err().to_string(), "out of bounds memory access");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn read(&self, context: &mut impl AsContext, address: u64, buffer: &mut [u8]) -> Result<()> {
        let context = &mut context.as_context();
        let memory = self.raw(context)?;
        in_bounds(context.machine.heap.read_memory(memory, address, buffer))
    }

    /// Writes bytes to an address. See [`Exports::memory`] for an example.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, webassembly::Module};
    /// # let mut instance = Engine::default().instantiate()?;
    /// # let file = b"\0asm\x01\0\0\0\x05\x03\x01\0\x01\x07\x0a\x01\x06memory\x02\0";
    /// # let exports = Module::new(&mut instance, file, "=memory")?.instantiate(&mut instance, None)?;
    /// let memory = exports.memory(&mut instance, "memory")?;
    /// assert!(memory.write(&mut instance, 65_535, b"x").is_ok());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn write(&self, context: &mut impl AsContext, address: u64, bytes: &[u8]) -> Result<()> {
        let context = &mut context.as_context();
        let memory = self.raw(context)?;
        in_bounds(context.machine.heap.write_memory(memory, address, bytes))
    }

    /// Lengthens the memory, and gives the number of pages before; `None` if it cannot grow by so many. See
    /// [`Exports::memory`] for an example.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, webassembly::Module};
    /// # let mut instance = Engine::default().instantiate()?;
    /// # let file = b"\0asm\x01\0\0\0\x05\x03\x01\0\x01\x07\x0a\x01\x06memory\x02\0";
    /// # let exports = Module::new(&mut instance, file, "=memory")?.instantiate(&mut instance, None)?;
    /// assert_eq!(exports.memory(&mut instance, "memory")?.grow(&mut instance, 1 << 40)?, None);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn grow(&self, context: &mut impl AsContext, pages: u64) -> Result<Option<u64>> {
        let context = &mut context.as_context();
        let memory = self.raw(context)?;
        Ok(context.machine.grow_memory(memory, pages))
    }
}

fn in_bounds(is_in_bounds: bool) -> Result<()> {
    if is_in_bounds { Ok(()) } else { Err(Error::message("out of bounds memory access")) }
}

/// A Rust type that stands for one of WebAssembly.
pub trait WasmValue: Sized {
    /// The type's name in the text format.
    const NAME: &'static str;

    /// Whether a type of WebAssembly is this one.
    fn is(kind: ValueType) -> bool {
        kind.to_string() == Self::NAME
    }

    /// The value as programs see it.
    fn into_value(self) -> Value;

    /// What programs see as such a value.
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! numbers {
    ($($type:ident $name:literal $kind:ident $to:ident)*) => { $(
        impl WasmValue for $type {
            const NAME: &'static str = $name;

            fn is(kind: ValueType) -> bool {
                kind.0 == declared::ValueType::$kind
            }

            fn into_value(self) -> Value {
                Value::$to(self as _)
            }

            fn from_value(value: Value) -> Option<Self> {
                match value {
                    Value::$to(number) => Some(number as $type),
                    _ => None,
                }
            }
        }
    )* };
}

numbers! {
    i32 "i32" I32 Integer
    u32 "i32" I32 Integer
    i64 "i64" I64 Integer
    u64 "i64" I64 Integer
    f32 "f32" F32 Float
    f64 "f64" F64 Float
}

/// Any value of the program: `externref`.
impl WasmValue for Value {
    const NAME: &'static str = "externref";

    fn into_value(self) -> Value {
        self
    }

    fn from_value(value: Value) -> Option<Self> {
        Some(value)
    }
}

/// A function, or null: `funcref`.
impl WasmValue for Option<Function> {
    const NAME: &'static str = "funcref";

    fn into_value(self) -> Value {
        self.map_or(Value::Nil, Value::Function)
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Nil => Some(None),
            Value::Function(function) => Some(Some(function)),
            _ => None,
        }
    }
}

/// Parameters or results: one [`WasmValue`], a tuple of several, `()` for none.
pub trait WasmValues: Sized {
    /// Whether these are the types.
    #[doc(hidden)]
    fn are(types: &[declared::ValueType]) -> bool;
    /// Their names.
    #[doc(hidden)]
    fn names() -> Vec<&'static str>;
    #[doc(hidden)]
    fn into_values(self, values: &mut Vec<Value>);
    #[doc(hidden)]
    fn from_values(values: &mut dyn Iterator<Item = Value>) -> Option<Self>;
}

impl<T: WasmValue> WasmValues for T {
    fn are(types: &[declared::ValueType]) -> bool {
        matches!(*types, [kind] if T::is(ValueType(kind)))
    }

    fn names() -> Vec<&'static str> {
        vec![T::NAME]
    }

    fn into_values(self, values: &mut Vec<Value>) {
        values.push(self.into_value());
    }

    fn from_values(values: &mut dyn Iterator<Item = Value>) -> Option<Self> {
        T::from_value(values.next()?)
    }
}

macro_rules! tuples {
    ($($($type:ident)*,)*) => { $(
        #[allow(non_snake_case, unused_variables, reason = "variables are named like their types")]
        impl<$($type: WasmValue),*> WasmValues for ($($type,)*) {
            fn are(types: &[declared::ValueType]) -> bool {
                let own: &[fn(ValueType) -> bool] = &[$($type::is),*];
                own.len() == types.len() && own.iter().zip(types).all(|(is, &kind)| is(ValueType(kind)))
            }

            fn names() -> Vec<&'static str> {
                vec![$($type::NAME),*]
            }

            fn into_values(self, values: &mut Vec<Value>) {
                let ($($type,)*) = self;
                $(values.push($type.into_value());)*
            }

            fn from_values(values: &mut dyn Iterator<Item = Value>) -> Option<Self> {
                Some(($($type::from_value(values.next()?)?,)*))
            }
        }
    )* };
}

tuples! {
    ,
    A,
    A B,
    A B C,
    A B C D,
    A B C D E,
    A B C D E F,
    A B C D E F G,
    A B C D E F G H,
}
