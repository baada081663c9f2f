//! Access to an instance, from outside or from a function it has called.

use crate::{
    callback::{self, HostFunctions},
    convert::{FromLua, FromLuaMulti, IntoLua, IntoLuaMulti},
    error::{Error, Result, RuntimeError, StopReason},
    function::Function,
    handle::HandleTable,
    objects::Objects,
    program::{Form, Program},
    string::String,
    table::Table,
    userdata::{AnyUserdata, Userdata},
    value::Value,
};
use lunette_gc::{heap::OutOfMemory, value::Value as Raw};
use lunette_interpreter::{Machine, Throw, image::ObjectName, load::LoadError, metamethod::Event};
use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// What the API keeps with a machine.
pub(crate) struct State {
    pub handles: Arc<HandleTable>,
    /// Rust functions and the objects of userdata.
    pub objects: Objects,
    /// Rust functions that have names.
    pub host_functions: HostFunctions,
    /// Metatables of the Rust types that are userdata.
    pub metatables: HashMap<TypeId, Table>,
    /// Metatable of what holds a Rust function.
    pub function_metatable: Option<Table>,
    pub natives: callback::Natives,
    /// The memory limit that the instance was made with.
    pub most_memory: u64,
    /// Of the last error that left a call.
    pub traceback: Vec<u8>,
    /// The error of a Rust function that was thrown last, and its message.
    pub cause: Option<(Vec<u8>, Error)>,
    /// What Rust functions find with the instance.
    pub data: HashMap<TypeId, Box<dyn Any + Send>>,
    /// What a Rust function said when it panicked.
    pub panic: Option<std::string::String>,
    /// Calls from Rust in progress, one inside the other.
    pub depth: u32,
    /// Whether the program has asked to end.
    pub has_exited: bool,
    /// Whether the finalizers of all objects were run.
    pub is_closed: bool,
    /// Time for each outermost call in nanoseconds.
    pub time_limit: Option<u64>,
}

impl State {
    /// What an image calls the objects.
    pub(crate) fn object_names(&self) -> HashMap<u64, ObjectName> {
        self.objects.iter().map(|(number, object)| (number, self.host_functions.name_of(object))).collect()
    }
}

/// Access to an instance. Rust functions get one from the instance that calls them.
///
/// ```
/// use lunette::{AsContext, Context, Engine, Result};
///
/// fn count(context: &mut Context<'_>, step: i64) -> Result<i64> {
///     let count = context.get::<Option<i64>>("count")?.unwrap_or(0) + step;
///     context.set("count", count)?;
///     Ok(count)
/// }
///
/// let mut instance = Engine::default().instantiate()?;
/// let count = instance.function(count)?;
/// assert_eq!(count.call::<i64>(&mut instance, 2)?, 2);
/// assert_eq!(count.call::<i64>(&mut instance, 2)?, 4);
/// # Ok::<(), lunette::Error>(())
/// ```
pub struct Context<'m> {
    pub(crate) machine: &'m mut Machine,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Context").finish_non_exhaustive()
    }
}

/// What gives access to an instance: an [`Instance`](crate::Instance), or the [`Context`] of a function that it called.
///
/// Operations on handles take any of them:
///
/// ```
/// use lunette::{AsContext, Context, Engine, Result, Table};
///
/// fn sum(context: &mut Context<'_>, list: Table) -> Result<i64> {
///     let mut sum = 0;
///     for index in 1..=list.length(context)? {
///         sum += list.get::<i64>(context, index)?;
///     }
///     Ok(sum)
/// }
///
/// let mut instance = Engine::default().instantiate()?;
/// let sum = instance.function(sum)?;
/// let list: Table = instance.eval("return {1, 2, 3}")?;
/// assert_eq!(sum.call::<i64>(&mut instance, &list)?, 6);
/// assert_eq!(list.length(&mut instance)?, 3);
/// # Ok::<(), lunette::Error>(())
/// ```
pub trait AsContext {
    /// Access to the instance.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, FromLua, Value};
    /// let mut instance = Engine::default().instantiate()?;
    /// assert!(bool::from_lua(Value::Integer(0), &mut instance.as_context())?);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn as_context(&mut self) -> Context<'_>;

    /// The value of a global variable.
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// let mut instance = Engine::default().instantiate()?;
    /// assert_eq!(instance.get::<String>("_VERSION")?, "Lua 5.4");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn get<V: FromLua>(&mut self, name: &str) -> Result<V> {
        let mut context = self.as_context();
        let globals = context.globals()?;
        globals.get(&mut context, name)
    }

    /// Sets a global variable.
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.set("limit", 10)?;
    /// assert_eq!(instance.eval::<i64>("return limit * 2")?, 20);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn set(&mut self, name: &str, value: impl IntoLua) -> Result<()> {
        let mut context = self.as_context();
        let globals = context.globals()?;
        globals.set(&mut context, name, value)
    }

    /// Compiles and runs a source text and gives what it returns.
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// let mut instance = Engine::default().instantiate()?;
    /// let (quotient, remainder): (i64, i64) = instance.eval("return 17 // 5, 17 % 5")?;
    /// assert_eq!((quotient, remainder), (3, 2));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "compiler")]
    fn eval<R: FromLuaMulti>(&mut self, source: impl AsRef<[u8]>) -> Result<R> {
        let source = source.as_ref();
        let program = Program::from_source(source, source)?;
        self.run(&program, ())
    }

    /// Compiles and runs a source text.
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.exec("function double(x) return 2 * x end")?;
    /// assert_eq!(instance.call::<i64>("double", 21)?, 42);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "compiler")]
    fn exec(&mut self, source: impl AsRef<[u8]>) -> Result<()> {
        self.eval(source)
    }

    /// Runs a program with arguments, which it finds in `...`, and gives what it returns.
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// let engine = Engine::default();
    /// let program = engine.compile("local a, b = ...; return a + b", "=sum")?;
    /// assert_eq!(engine.instantiate()?.run::<i64>(&program, (1, 2))?, 3);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn run<R: FromLuaMulti>(&mut self, program: &Program, arguments: impl IntoLuaMulti) -> Result<R> {
        let mut context = self.as_context();
        let function = context.load(program)?;
        function.call(&mut context, arguments)
    }

    /// Calls a global function.
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// let mut instance = Engine::default().instantiate()?;
    /// assert_eq!(instance.call::<String>("tostring", 12)?, "12");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn call<R: FromLuaMulti>(&mut self, name: &str, arguments: impl IntoLuaMulti) -> Result<R> {
        let mut context = self.as_context();
        let function: Function = context.get(name)?;
        function.call(&mut context, arguments)
    }

    /// The function that runs a program.
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// let engine = Engine::default();
    /// let mut instance = engine.instantiate()?;
    /// let counter = engine.compile("n = (n or 0) + 1; return n", "=counter")?;
    /// let counter = instance.load(&counter)?;
    /// counter.call::<()>(&mut instance, ())?;
    /// assert_eq!(counter.call::<i64>(&mut instance, ())?, 2);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn load(&mut self, program: &Program) -> Result<Function> {
        let mut context = self.as_context();
        let environment = context.globals()?;
        context.load_in(program, &environment)
    }

    /// The function that runs a program in an environment: the table that has its global variables.
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// let engine = Engine::default();
    /// let mut instance = engine.instantiate()?;
    /// let rule = engine.compile("return price * count", "=rule")?;
    /// let environment = instance.table()?;
    /// environment.set(&mut instance, "price", 5)?;
    /// environment.set(&mut instance, "count", 3)?;
    /// let rule = instance.load_in(&rule, &environment)?;
    /// assert_eq!(rule.call::<i64>(&mut instance, ())?, 15);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn load_in(&mut self, program: &Program, environment: &Table) -> Result<Function> {
        let mut context = self.as_context();
        context.check_alive()?;
        let environment = context.resolve(&environment.0)?;
        let loaded = match context.load_form(program.form(), environment) {
            Err(Error::Memory) => {
                context.collect();
                context.load_form(program.form(), environment)
            }
            loaded => loaded,
        }?;
        Ok(Function(context.handle(loaded)?))
    }

    /// The table of global variables.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, Value};
    /// let mut instance = Engine::default().instantiate()?;
    /// let globals = instance.globals()?;
    /// globals.set(&mut instance, "print", Value::Nil)?;
    /// assert!(instance.exec("print('hello')").is_err());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn globals(&mut self) -> Result<Table> {
        let mut context = self.as_context();
        let globals = context.machine.globals();
        Ok(Table(context.handle(Raw::Table(globals))?))
    }

    /// A new table.
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// let mut instance = Engine::default().instantiate()?;
    /// let point = instance.table()?;
    /// point.set(&mut instance, "x", 1.5)?;
    /// instance.set("point", &point)?;
    /// assert_eq!(instance.eval::<f64>("return point.x")?, 1.5);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn table(&mut self) -> Result<Table> {
        let mut context = self.as_context();
        let table = context.allocate(|machine| machine.heap.new_table(0, 0))?;
        Ok(Table(context.handle(Raw::Table(table))?))
    }

    /// A new string of any bytes.
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// let mut instance = Engine::default().instantiate()?;
    /// let bytes = instance.string(b"\xff\0")?;
    /// assert_eq!(bytes.to_bytes(&mut instance)?, b"\xff\0");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn string(&mut self, bytes: impl AsRef<[u8]>) -> Result<String> {
        let mut context = self.as_context();
        let string = context.allocate(|machine| machine.heap.new_string(bytes.as_ref()))?;
        Ok(String(context.handle(Raw::String(string))?))
    }

    /// A Rust function or closure as a Lua function. Its first parameter is the instance that calls it, its second the
    /// arguments: one, or a tuple of several.
    ///
    /// An error it returns is an error in Lua. If it panics, the instance is stopped and unusable.
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// let mut instance = Engine::default().instantiate()?;
    /// let greeting = String::from("hello");
    /// let greet = instance.function(move |_, (name, times): (String, Option<usize>)| {
    ///     Ok(format!("{greeting} {name}").repeat(times.unwrap_or(1)))
    /// })?;
    /// instance.set("greet", &greet)?;
    /// assert_eq!(instance.eval::<String>("return greet('you')")?, "hello you");
    /// let error: String = instance.eval("return select(2, pcall(greet))")?;
    /// assert_eq!(error, "bad argument #1 to 'greet' (string expected, got nil)");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn function<A, R, F>(&mut self, function: F) -> Result<Function>
    where
        A: FromLuaMulti,
        R: IntoLuaMulti,
        F: Fn(&mut Context<'_>, A) -> Result<R> + Send + Sync + 'static,
    {
        let mut context = self.as_context();
        callback::new_function(&mut context, Arc::new(callback::erase(function)))
    }

    /// A Rust function that the configuration has under a name. Unlike others it can be in an image, and is found by its
    /// name where that is restored.
    ///
    /// ```
    /// use lunette::{AsContext, Configuration, Engine, Error};
    /// let configuration = Configuration::new().host_function("app.double", |_, x: i64| Ok(2 * x));
    /// let engine = Engine::new(configuration);
    /// let mut instance = engine.instantiate()?;
    /// let double = instance.host_function("app.double")?;
    /// instance.set("double", &double)?;
    /// let mut image = Vec::new();
    /// instance.snapshot(&mut image)?;
    /// assert_eq!(engine.restore(&image[..])?.eval::<i64>("return double(4)")?, 8);
    /// // Where there is no such function, the image is refused.
    /// assert!(matches!(Engine::default().restore(&image[..]), Err(Error::Image(_))));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn host_function(&mut self, name: &str) -> Result<Function> {
        let mut context = self.as_context();
        match context.state().host_functions.find(name) {
            Some(function) => callback::new_function(&mut context, function),
            None => Err(Error::message(format_args!("there is no host function '{name}'"))),
        }
    }

    /// As [`function`](AsContext::function), for closures that change what they captured. One that is called while it
    /// runs fails with [`Error::Borrowed`].
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// let mut instance = Engine::default().instantiate()?;
    /// let mut last = 0;
    /// let next = instance.function_mut(move |_, step: i64| {
    ///     last += step;
    ///     Ok(last)
    /// })?;
    /// instance.set("next", &next)?;
    /// assert_eq!(instance.eval::<(i64, i64)>("return next(2), next(3)")?, (2, 5));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn function_mut<A, R, F>(&mut self, function: F) -> Result<Function>
    where
        A: FromLuaMulti,
        R: IntoLuaMulti,
        F: FnMut(&mut Context<'_>, A) -> Result<R> + Send + 'static,
    {
        let function = Mutex::new(function);
        self.function(move |context, arguments| match function.try_lock() {
            Ok(mut function) => function(context, arguments),
            Err(_) => Err(Error::Borrowed),
        })
    }

    /// A Rust value as a Lua value.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, Value};
    /// let mut instance = Engine::default().instantiate()?;
    /// assert!(matches!(instance.pack(vec![1, 2])?, Value::Table(_)));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn pack(&mut self, value: impl IntoLua) -> Result<Value> {
        value.into_lua(&mut self.as_context())
    }

    /// A Lua value as a Rust value.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, Value};
    /// let mut instance = Engine::default().instantiate()?;
    /// assert_eq!(instance.unpack::<String>(Value::Integer(12))?, "12");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn unpack<V: FromLua>(&mut self, value: Value) -> Result<V> {
        V::from_lua(value, &mut self.as_context())
    }

    /// Keeps a Rust value with the instance, for its Rust functions to find; gives the one of this type that it replaces.
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// struct Log(Vec<String>);
    ///
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.set_data(Log(Vec::new()));
    /// let log = instance.function(|context, line: String| {
    ///     context.data::<Log>().expect("it was set").0.push(line);
    ///     Ok(())
    /// })?;
    /// log.call::<()>(&mut instance, "hello")?;
    /// assert_eq!(instance.data::<Log>().expect("it was set").0, ["hello"]);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn set_data<T: Any + Send>(&mut self, data: T) -> Option<T> {
        let old = self.as_context().into_state().data.insert(TypeId::of::<T>(), Box::new(data))?;
        old.downcast().ok().map(|old| *old)
    }

    /// The value of this type that the instance keeps.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// assert!(Engine::default().instantiate()?.data::<u32>().is_none());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn data<T: Any + Send>(&mut self) -> Option<&mut T> {
        self.as_context().into_state().data.get_mut(&TypeId::of::<T>())?.downcast_mut()
    }

    /// Where the program is, in Lua's form: the Lua functions and Rust functions that have called each other.
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// let engine = Engine::default();
    /// let mut instance = engine.instantiate()?;
    /// let here = instance.function(|context, ()| Ok(context.traceback()))?;
    /// instance.set("here", &here)?;
    /// let program = engine.compile("local text = here()\nreturn text", "=example")?;
    /// assert!(instance.run::<String>(&program, ())?.contains("example:1: in main chunk"));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn traceback(&mut self) -> std::string::String {
        let context = self.as_context();
        let traceback = context.machine.traceback(context.machine.current_thread(), None, 0);
        std::string::String::from_utf8_lossy(&traceback).into_owned()
    }

    /// A Rust object as a userdata. It is dropped when the userdata is collected, or with the instance.
    ///
    /// See [`Userdata`] for what Lua programs can do with it. An object that a program only keeps needs nothing:
    ///
    /// ```
    /// use lunette::{AsContext, Engine, Userdata};
    ///
    /// struct Secret(i64);
    /// impl Userdata for Secret {}
    ///
    /// let mut instance = Engine::default().instantiate()?;
    /// let secret = instance.userdata(Secret(7))?;
    /// instance.set("secret", &secret)?;
    /// let type_name: String = instance.eval("return type(secret)")?;
    /// assert_eq!(type_name, "userdata");
    /// assert_eq!(secret.with(&mut instance, |secret: &Secret| secret.0)?, 7);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn userdata<T: Userdata>(&mut self, object: T) -> Result<AnyUserdata> {
        crate::userdata::new_userdata(&mut self.as_context(), object)
    }

    /// Collects all garbage, and calls finalizers that are due.
    ///
    /// ```
    /// use lunette::{AsContext, Engine};
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.exec("local t = {}; for i = 1, 10000 do t[i] = {} end")?;
    /// let before = instance.memory_used();
    /// instance.collect_garbage()?;
    /// assert!(instance.memory_used() < before);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn collect_garbage(&mut self) -> Result<()> {
        let mut context = self.as_context();
        context.check_alive()?;
        context.collect();
        context.finalize(Machine::run_finalizers)
    }
}

impl AsContext for Context<'_> {
    fn as_context(&mut self) -> Context<'_> {
        Context { machine: self.machine }
    }
}

impl<'m> Context<'m> {
    fn into_state(self) -> &'m mut State {
        match self.machine.embedder.downcast_mut() {
            Some(state) => state,
            None => unreachable!("the API's machines have its state"),
        }
    }
}

impl Context<'_> {
    pub(crate) fn state(&mut self) -> &mut State {
        self.as_context().into_state()
    }

    /// Instances in which a Rust function panicked are not used any more.
    pub(crate) fn check_alive(&mut self) -> Result<()> {
        match &self.state().panic {
            Some(message) => Err(Error::Panicked(message.clone())),
            None => Ok(()),
        }
    }

    /// Makes a function of a program.
    fn load_form(&mut self, form: &Form, environment: Raw) -> Result<Raw> {
        match form {
            Form::Bytecode(module) => match self.machine.load(module, environment) {
                Ok(closure) => Ok(Raw::Closure(closure)),
                Err(LoadError::Memory) => Err(Error::Memory),
                Err(LoadError::Malformed(error)) => Err(Error::Malformed(error.to_string())),
            },
            Form::WebAssembly { file, name } => load_webassembly(self.machine, file, name),
        }
    }

    /// Collects all garbage. Only handles keep what Rust code holds.
    pub(crate) fn collect(&mut self) {
        let handles = self.state().handles.clone();
        handles.empty_released(self.machine);
        self.machine.collect_from_host();
    }

    /// Does something that takes memory, with a collection when one is due or memory ends.
    pub(crate) fn allocate<T>(
        &mut self,
        mut operation: impl FnMut(&mut Machine) -> std::result::Result<T, OutOfMemory>,
    ) -> Result<T> {
        if self.machine.heap.needs_collection() {
            self.machine.host_safepoint();
        }
        operation(self.machine).or_else(|_| {
            self.collect();
            operation(self.machine).map_err(|_| Error::Memory)
        })
    }

    /// A handle to a value that is an object.
    pub(crate) fn handle(&mut self, value: Raw) -> Result<crate::handle::Handle> {
        let handles = self.state().handles.clone();
        handles.insert(self.machine, value).or_else(|_| {
            // The value may not be reachable yet, so nothing can be collected here.
            self.machine.heap.enter_emergency();
            let handle = handles.insert(self.machine, value);
            self.machine.heap.leave_emergency();
            handle.map_err(|_| Error::Memory)
        })
    }

    /// What a handle stands for.
    pub(crate) fn resolve(&mut self, handle: &crate::handle::Handle) -> Result<Raw> {
        let Some(state) = self.machine.embedder.downcast_ref::<State>() else {
            return Err(Error::ForeignHandle);
        };
        handle.value(self.machine, &state.handles)
    }

    /// The API's form of a value.
    pub(crate) fn wrap(&mut self, value: Raw) -> Result<Value> {
        Ok(match value {
            Raw::Nil | Raw::Cell(_) | Raw::Bytes(_) | Raw::Internal(_) => Value::Nil,
            Raw::Boolean(value) => Value::Boolean(value),
            Raw::Integer(value) => Value::Integer(value),
            Raw::Float(value) => Value::Float(value),
            Raw::LightUserdata(value) => Value::LightUserdata(value),
            Raw::String(_) => Value::String(String(self.handle(value)?)),
            Raw::Table(_) => Value::Table(Table(self.handle(value)?)),
            Raw::Closure(_) | Raw::NativeClosure(_) | Raw::TypedFunction(_) => {
                Value::Function(Function(self.handle(value)?))
            }
            Raw::Userdata(_) | Raw::TypedObject(_) => Value::Userdata(AnyUserdata(self.handle(value)?)),
            Raw::Thread(_) => Value::Thread(crate::thread::Thread(self.handle(value)?)),
        })
    }

    /// The machine's form of a value. It is good until the next call or allocation.
    pub(crate) fn unwrap(&mut self, value: &Value) -> Result<Raw> {
        match value {
            Value::Nil => Ok(Raw::Nil),
            Value::Boolean(value) => Ok(Raw::Boolean(*value)),
            Value::Integer(value) => Ok(Raw::Integer(*value)),
            Value::Float(value) => Ok(Raw::Float(*value)),
            Value::LightUserdata(value) => Ok(Raw::LightUserdata(*value)),
            Value::String(string) => self.resolve(&string.0),
            Value::Table(table) => self.resolve(&table.0),
            Value::Function(function) => self.resolve(&function.0),
            Value::Userdata(userdata) => self.resolve(&userdata.0),
            Value::Thread(thread) => self.resolve(&thread.0),
        }
    }

    /// Calls a function and gives its results.
    pub(crate) fn call_raw(&mut self, function: Raw, arguments: &[Raw]) -> Result<Vec<Value>> {
        if self.machine.is_suspended() {
            return Err(Error::Suspended);
        }
        self.enter()?;
        let outcome = self.machine.call(function, arguments);
        let results = match outcome {
            Ok((first, count)) => (first..first + count).map(|slot| self.wrap(self.machine.value(slot))).collect(),
            Err(throw) => Err(self.error(throw)),
        };
        self.leave();
        // Functions that are not Lua's may have come to no safepoint.
        if self.machine.heap.needs_collection() {
            self.machine.host_safepoint();
        }
        results
    }

    /// Goes on with the program of a restored instance, and gives the results of its outermost call.
    pub(crate) fn resume_raw(&mut self) -> Result<Vec<Value>> {
        self.enter()?;
        let outcome = self.machine.resume_restored();
        let results = match outcome {
            Ok((first, count)) => (first..first + count).map(|slot| self.wrap(self.machine.value(slot))).collect(),
            Err(throw) => Err(self.error(throw)),
        };
        self.leave();
        results
    }

    /// The beginning of a call from Rust.
    fn enter(&mut self) -> Result<()> {
        self.check_alive()?;
        let start = self.machine.host.monotonic();
        let state = self.state();
        state.depth += 1;
        if let (1, Some(limit)) = (state.depth, state.time_limit) {
            self.machine.set_deadline(Some(start.saturating_add(limit)));
        }
        Ok(())
    }

    /// The end of a call from Rust.
    fn leave(&mut self) {
        let state = self.state();
        state.depth -= 1;
        if state.depth == 0 {
            if state.time_limit.is_some() {
                self.machine.set_deadline(None);
            }
            // Nobody is left to be told that nobody listens.
            let _ = self.flush();
        }
    }

    /// Hands what the library still holds to the standard output.
    pub(crate) fn flush(&mut self) -> Result<()> {
        lunette_stdlib::output::flush_from_host(self.machine).map_err(|error| Error::message(error.message))
    }

    /// Runs finalizers from outside of the instance.
    fn finalize(&mut self, run: impl FnOnce(&mut Machine)) -> Result<()> {
        // Its finalizers belong to the program that is to go on.
        if self.machine.is_suspended() {
            return Ok(());
        }
        self.enter()?;
        run(self.machine);
        self.leave();
        match self.machine.take_stop_reason() {
            Some(reason) => Err(Error::Stopped(reason)),
            None => self.check_alive(),
        }
    }

    /// Runs the finalizers of all objects, once.
    pub(crate) fn close(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.state().is_closed, true) {
            return Ok(());
        }
        // As with C's `exit`, files get what was written to them, whether or not finalizers run.
        if self.state().has_exited && !self.machine.exit_closes() {
            lunette_stdlib::flush_files_from_host(self.machine);
            return Ok(());
        }
        self.finalize(lunette_stdlib::close)
    }

    /// The error with which a call ended.
    pub(crate) fn error(&mut self, throw: Throw) -> Error {
        if let Err(error) = self.check_alive() {
            return error;
        }
        match throw {
            Throw::Memory => Error::Memory,
            Throw::Stop => {
                let reason = self.machine.take_stop_reason().unwrap_or(StopReason::Interrupt);
                match reason {
                    StopReason::Exit(_) => self.state().has_exited = true,
                    // The program goes on elsewhere: here nothing of it is to be heard any more.
                    StopReason::Snapshot => self.state().is_closed = true,
                    _ => {}
                }
                Error::Stopped(reason)
            }
            Throw::Error | Throw::Unhandled => self.runtime_error(),
        }
    }

    fn runtime_error(&mut self) -> Error {
        let raw = self.machine.pending_error();
        if let Raw::String(message) = raw
            && message == self.machine.event_name(Event::MemoryMessage)
        {
            return Error::Memory;
        }
        let traceback = std::mem::take(&mut self.state().traceback);
        let cause = match (self.state().cause.take(), raw) {
            (Some((message, error)), Raw::String(text)) if self.machine.bytes(text) == message => Some(error),
            _ => None,
        };
        let Ok(value) = self.wrap(raw) else {
            return Error::Memory;
        };
        Error::Runtime(Arc::new(RuntimeError {
            cause,
            message: self.error_message(&value),
            traceback: std::string::String::from_utf8_lossy(&traceback).into_owned(),
            value,
        }))
    }

    /// The text of an error value.
    fn error_message(&mut self, value: &Value) -> std::string::String {
        let mut text = Vec::new();
        match self.unwrap(value) {
            Ok(raw) if self.machine.append_text(raw, &mut text) => {
                return std::string::String::from_utf8_lossy(&text).into_owned();
            }
            // An error inside of another call may still be caught there: its text is not wanted yet.
            Ok(raw) if self.state().depth == 1 => {
                if let Ok(Some(text)) = self.own_text(raw) {
                    return text;
                }
            }
            _ => {}
        }
        format!("(error object is a {} value)", value.type_name())
    }

    /// The text that an object's `__tostring` gives, if it has one.
    pub(crate) fn own_text(&mut self, object: Raw) -> Result<Option<std::string::String>> {
        let handler = self.machine.metamethod(object, Event::ToString);
        if handler.is_nil() {
            return Ok(None);
        }
        match self.call_raw(handler, &[object])?.first() {
            Some(Value::String(text)) => text.to_text(self).map(Some),
            _ => Err(Error::message("'__tostring' must return a string")),
        }
    }
}

#[cfg(feature = "compiler")]
fn load_webassembly(machine: &mut Machine, file: &[u8], name: &[u8]) -> Result<Raw> {
    use lunette_stdlib::webassembly::{LoadError, load_program};
    load_program(machine, file, name).map_err(|error| match error {
        LoadError::Refused(error) => Error::Malformed(error.to_string()),
        LoadError::Throw(_) => Error::Memory,
    })
}

#[cfg(not(feature = "compiler"))]
fn load_webassembly(_: &mut Machine, _: &[u8], _: &[u8]) -> Result<Raw> {
    Err(Error::Malformed("WebAssembly cannot be run without a compiler".into()))
}
