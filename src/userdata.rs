//! Rust objects as userdata.
//!
//! ```text
//!   region                                    outside
//!   userdata { handle, metatable } --------> Objects[handle] = RwLock<T>
//!                        |
//!                        +-> metatable of T: __gc drops the object; __index, __newindex and others call Rust functions
//! ```

use crate::{
    callback::{self, Erased, new_function},
    context::{AsContext, Context},
    convert::{FromLua, FromLuaMulti, IntoLua, IntoLuaMulti},
    error::{ConversionError, Error, Result},
    handle::Handle,
    objects::Object,
    table::Table,
    value::Value,
};
use lunette_gc::value::Value as Raw;
use std::{
    any::TypeId,
    collections::HashMap,
    fmt,
    marker::PhantomData,
    sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError},
};

/// A Rust type whose objects Lua programs can use.
///
/// ```
/// use lunette::{AsContext, Engine, Methods, Userdata};
///
/// #[derive(Clone, Copy)]
/// struct Point { x: f64, y: f64 }
///
/// impl Userdata for Point {
///     fn add_methods(methods: &mut Methods<Self>) {
///         methods.getter("x", |_, point| Ok(point.x));
///         methods.setter("x", |_, point, x| Ok(point.x = x));
///         methods.method("length", |_, point, ()| Ok(point.x.hypot(point.y)));
///         methods.method_mut("scale", |_, point, factor: f64| {
///             *point = Point { x: point.x * factor, y: point.y * factor };
///             Ok(())
///         });
///         methods.metamethod("__unm", |_, point, _: lunette::Value| Ok(Point { x: -point.x, y: -point.y }));
///     }
/// }
///
/// let mut instance = Engine::default().instantiate()?;
/// instance.set("point", Point { x: 3.0, y: 4.0 })?;
/// instance.exec("point:scale(2); point.x = point.x - 12")?;
/// let (x, length): (f64, f64) = instance.eval("return (-point).x, point:length()")?;
/// assert_eq!((x, length), (6.0, 10.0));
/// # Ok::<(), lunette::Error>(())
/// ```
pub trait Userdata: Sized + Send + Sync + 'static {
    /// The type's name in messages.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, Userdata};
    /// struct Socket;
    /// impl Userdata for Socket {
    ///     fn type_name() -> String {
    ///         "net.Socket".into()
    ///     }
    /// }
    ///
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.set("socket", Socket)?;
    /// assert!(instance.eval::<String>("return tostring(socket)")?.starts_with("net.Socket: "));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn type_name() -> std::string::String {
        let name = std::any::type_name::<Self>();
        name.rsplit("::").next().unwrap_or(name).to_owned()
    }

    /// Adds what programs can do with objects of the type. Called once in each instance that gets one.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, Methods, Userdata};
    /// struct Dog;
    /// impl Userdata for Dog {
    ///     fn add_methods(methods: &mut Methods<Self>) {
    ///         methods.method("bark", |_, _, ()| Ok("woof"));
    ///     }
    /// }
    ///
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.set("dog", Dog)?;
    /// assert_eq!(instance.eval::<String>("return dog:bark()")?, "woof");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn add_methods(methods: &mut Methods<Self>) {
        let _ = methods;
    }
}

/// What Lua programs can do with a Rust type; see [`Userdata`].
///
/// ```
/// use lunette::{AsContext, Engine, Methods, Userdata};
/// struct Counter(i64);
/// impl Userdata for Counter {
///     fn add_methods(methods: &mut Methods<Self>) {
///         methods.getter("value", |_, counter| Ok(counter.0));
///         methods.method_mut("add", |_, counter, step: i64| Ok(counter.0 += step));
///         methods.metamethod("__len", |_, counter, _: lunette::Value| Ok(counter.0));
///     }
/// }
///
/// let mut instance = Engine::default().instantiate()?;
/// instance.set("counter", Counter(1))?;
/// assert_eq!(instance.eval::<(i64, i64)>("counter:add(4); return counter.value, #counter")?, (5, 5));
/// # Ok::<(), lunette::Error>(())
/// ```
pub struct Methods<T> {
    methods: Vec<(&'static str, Erased)>,
    getters: HashMap<&'static str, Erased>,
    setters: HashMap<&'static str, Erased>,
    metamethods: Vec<(&'static str, Erased)>,
    marker: PhantomData<fn(T)>,
}

impl<T> fmt::Debug for Methods<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Methods").finish_non_exhaustive()
    }
}

impl<T: Userdata> Methods<T> {
    fn new() -> Self {
        Methods {
            methods: Vec::new(),
            getters: HashMap::new(),
            setters: HashMap::new(),
            metamethods: Vec::new(),
            marker: PhantomData,
        }
    }

    /// A method, `object:name(...)`.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Methods, Userdata};
    /// # struct Point(f64, f64);
    /// impl Userdata for Point {
    ///     fn add_methods(methods: &mut Methods<Self>) {
    ///         methods.method("length", |_, point, ()| Ok(point.0.hypot(point.1)));
    ///     }
    /// }
    /// # let mut instance = Engine::default().instantiate()?;
    /// # instance.set("point", Point(3.0, 4.0))?;
    /// assert_eq!(instance.eval::<f64>("return point:length()")?, 5.0);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn method<A, R, F>(&mut self, name: &'static str, method: F)
    where
        A: FromLuaMulti,
        R: IntoLuaMulti,
        F: Fn(&mut Context<'_>, &T, A) -> Result<R> + Send + Sync + 'static,
    {
        self.methods.push((name, shared(method)));
    }

    /// A method that changes the object. While it runs, no other method of the object can be called.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Methods, Userdata};
    /// # struct Point(f64, f64);
    /// impl Userdata for Point {
    ///     fn add_methods(methods: &mut Methods<Self>) {
    ///         methods.method_mut("move", |_, point, (x, y): (f64, f64)| {
    ///             point.0 += x;
    ///             point.1 += y;
    ///             Ok((point.0, point.1))
    ///         });
    ///     }
    /// }
    /// # let mut instance = Engine::default().instantiate()?;
    /// # instance.set("point", Point(3.0, 4.0))?;
    /// assert_eq!(instance.eval::<(f64, f64)>("return point:move(1, 1)")?, (4.0, 5.0));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn method_mut<A, R, F>(&mut self, name: &'static str, method: F)
    where
        A: FromLuaMulti,
        R: IntoLuaMulti,
        F: Fn(&mut Context<'_>, &mut T, A) -> Result<R> + Send + Sync + 'static,
    {
        self.methods.push((name, exclusive(method)));
    }

    /// A function beside the methods, `object.name(...)`.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Methods, Userdata};
    /// # struct Point(f64, f64);
    /// impl Userdata for Point {
    ///     fn add_methods(methods: &mut Methods<Self>) {
    ///         methods.function("origin", |_, ()| Ok(Point(0.0, 0.0)));
    ///         methods.getter("x", |_, point| Ok(point.0));
    ///     }
    /// }
    /// # let mut instance = Engine::default().instantiate()?;
    /// # instance.set("point", Point(3.0, 4.0))?;
    /// assert_eq!(instance.eval::<f64>("return point.origin().x")?, 0.0);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn function<A, R, F>(&mut self, name: &'static str, function: F)
    where
        A: FromLuaMulti,
        R: IntoLuaMulti,
        F: Fn(&mut Context<'_>, A) -> Result<R> + Send + Sync + 'static,
    {
        self.methods.push((name, callback::erase(function)));
    }

    /// What reading the field `object.name` gives.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Methods, Userdata};
    /// # struct Point(f64, f64);
    /// impl Userdata for Point {
    ///     fn add_methods(methods: &mut Methods<Self>) {
    ///         methods.getter("x", |_, point| Ok(point.0));
    ///     }
    /// }
    /// # let mut instance = Engine::default().instantiate()?;
    /// # instance.set("point", Point(3.0, 4.0))?;
    /// assert_eq!(instance.eval::<f64>("return point.x")?, 3.0);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn getter<R, F>(&mut self, name: &'static str, getter: F)
    where
        R: IntoLua,
        F: Fn(&mut Context<'_>, &T) -> Result<R> + Send + Sync + 'static,
    {
        let erased =
            shared(move |context: &mut Context<'_>, object: &T, ()| getter(context, object)?.into_lua(context));
        self.getters.insert(name, erased);
    }

    /// What setting the field `object.name` does.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Methods, Userdata};
    /// # struct Point(f64, f64);
    /// impl Userdata for Point {
    ///     fn add_methods(methods: &mut Methods<Self>) {
    ///         methods.getter("x", |_, point| Ok(point.0));
    ///         methods.setter("x", |_, point, x| Ok(point.0 = x));
    ///     }
    /// }
    /// # let mut instance = Engine::default().instantiate()?;
    /// # instance.set("point", Point(3.0, 4.0))?;
    /// assert_eq!(instance.eval::<f64>("point.x = 7; return point.x")?, 7.0);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn setter<V, F>(&mut self, name: &'static str, setter: F)
    where
        V: FromLua,
        F: Fn(&mut Context<'_>, &mut T, V) -> Result<()> + Send + Sync + 'static,
    {
        let erased = exclusive(move |context: &mut Context<'_>, object: &mut T, value: Value| {
            let value = V::from_lua(value, context)?;
            setter(context, object, value)
        });
        self.setters.insert(name, erased);
    }

    /// The handler of an event, such as `__add`, whose first operand is the object. `__index` and `__newindex` come
    /// after methods, getters and setters; `__gc` and `__metatable` cannot be had.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Methods, Userdata};
    /// # struct Point(f64, f64);
    /// impl Userdata for Point {
    ///     fn add_methods(methods: &mut Methods<Self>) {
    ///         methods.metamethod("__tostring", |_, point, ()| Ok(format!("({}, {})", point.0, point.1)));
    ///     }
    /// }
    /// # let mut instance = Engine::default().instantiate()?;
    /// # instance.set("point", Point(3.0, 4.0))?;
    /// assert_eq!(instance.eval::<String>("return tostring(point)")?, "(3, 4)");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn metamethod<A, R, F>(&mut self, event: &'static str, handler: F)
    where
        A: FromLuaMulti,
        R: IntoLuaMulti,
        F: Fn(&mut Context<'_>, &T, A) -> Result<R> + Send + Sync + 'static,
    {
        self.metamethods.push((event, shared(handler)));
    }

    /// The handler of an event that changes the object.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Methods, Userdata};
    /// # struct Point(f64, f64);
    /// impl Userdata for Point {
    ///     fn add_methods(methods: &mut Methods<Self>) {
    ///         methods.metamethod_mut("__call", |_, point, x: f64| {
    ///             point.0 = x;
    ///             Ok(point.0 + point.1)
    ///         });
    ///     }
    /// }
    /// # let mut instance = Engine::default().instantiate()?;
    /// # instance.set("point", Point(3.0, 4.0))?;
    /// assert_eq!(instance.eval::<f64>("return point(1)")?, 5.0);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn metamethod_mut<A, R, F>(&mut self, event: &'static str, handler: F)
    where
        A: FromLuaMulti,
        R: IntoLuaMulti,
        F: Fn(&mut Context<'_>, &mut T, A) -> Result<R> + Send + Sync + 'static,
    {
        self.metamethods.push((event, exclusive(handler)));
    }

    /// The handler of an event that gets all operands: for those, such as `__concat`, whose object may be the second.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Methods, Userdata};
    /// # struct Point(f64, f64);
    /// impl Userdata for Point {
    ///     fn add_methods(methods: &mut Methods<Self>) {
    ///         methods.metafunction("__concat", |_, (left, right): (lunette::Value, lunette::Value)| {
    ///             Ok(format!("{} and {}", left.type_name(), right.type_name()))
    ///         });
    ///     }
    /// }
    /// # let mut instance = Engine::default().instantiate()?;
    /// # instance.set("point", Point(3.0, 4.0))?;
    /// assert_eq!(instance.eval::<String>("return 'x' .. point")?, "string and userdata");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn metafunction<A, R, F>(&mut self, event: &'static str, handler: F)
    where
        A: FromLuaMulti,
        R: IntoLuaMulti,
        F: Fn(&mut Context<'_>, A) -> Result<R> + Send + Sync + 'static,
    {
        self.metamethods.push((event, callback::erase(handler)));
    }
}

/// A method on `&T` as a function of values.
fn shared<T: Userdata, A: FromLuaMulti, R: IntoLuaMulti>(
    method: impl Fn(&mut Context<'_>, &T, A) -> Result<R> + Send + Sync + 'static,
) -> Erased {
    Box::new(move |context, mut arguments| {
        let object = take_self::<T>(context, &mut arguments)?;
        let arguments = A::from_lua_multi(arguments, context)?;
        let result = method(context, &*object.borrow()?, arguments)?;
        result.into_lua_multi(context)
    })
}

/// A method on `&mut T` as a function of values.
fn exclusive<T: Userdata, A: FromLuaMulti, R: IntoLuaMulti>(
    method: impl Fn(&mut Context<'_>, &mut T, A) -> Result<R> + Send + Sync + 'static,
) -> Erased {
    Box::new(move |context, mut arguments| {
        let object = take_self::<T>(context, &mut arguments)?;
        let arguments = A::from_lua_multi(arguments, context)?;
        let result = method(context, &mut *object.borrow_mut()?, arguments)?;
        result.into_lua_multi(context)
    })
}

/// Takes the object off the arguments.
fn take_self<T: Userdata>(context: &mut Context<'_>, arguments: &mut Vec<Value>) -> Result<UserdataRef<T>> {
    let first = if arguments.is_empty() { Value::Nil } else { arguments.remove(0) };
    UserdataRef::from_lua(first, context).map_err(|error| ConversionError::at(error, 0))
}

/// A handle to a userdata of any type.
///
/// ```
/// use lunette::{AnyUserdata, AsContext, Engine, Userdata};
/// struct Counter(u32);
/// impl Userdata for Counter {}
///
/// let mut instance = Engine::default().instantiate()?;
/// let counter = instance.userdata(Counter(0))?;
/// counter.with_mut(&mut instance, |counter: &mut Counter| counter.0 += 1)?;
/// assert_eq!(counter.with(&mut instance, |counter: &Counter| counter.0)?, 1);
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AnyUserdata(pub(crate) Handle);

impl AnyUserdata {
    /// The object, if it is a `T`.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, Userdata};
    /// struct Name(&'static str);
    /// impl Userdata for Name {}
    ///
    /// let mut instance = Engine::default().instantiate()?;
    /// let name = instance.userdata(Name("moon"))?;
    /// assert_eq!(name.object::<Name>(&mut instance)?.borrow()?.0, "moon");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn object<T: Userdata>(&self, context: &mut impl AsContext) -> Result<UserdataRef<T>> {
        let context = &mut context.as_context();
        let raw = context.resolve(&self.0)?;
        let own = match context.state().metatables.get(&TypeId::of::<T>()).cloned() {
            Some(metatable) => Some(context.resolve(&metatable.0)?),
            None => None,
        };
        // What is not one is an object of WebAssembly.
        let userdata = match (raw, own) {
            (Raw::Userdata(userdata), Some(Raw::Table(own)))
                if context.machine.heap.get(userdata).metatable.get() == Some(own) =>
            {
                userdata
            }
            _ => {
                let given = context.machine.type_name_of(raw);
                let given = std::string::String::from_utf8_lossy(&given).into_owned();
                return Err(ConversionError::mismatch(&T::type_name(), &given));
            }
        };
        let number = context.machine.heap.get(userdata).object().ok_or(Error::Finalized)?;
        let object = context.state().objects.get(number).ok_or(Error::Finalized)?;
        object.downcast().map(UserdataRef).map_err(|_| Error::Finalized)
    }

    /// Does something with the object, if it is a `T`.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Userdata};
    /// # struct Name(&'static str);
    /// # impl Userdata for Name {}
    /// # let mut instance = Engine::default().instantiate()?;
    /// let name = instance.userdata(Name("moon"))?;
    /// assert_eq!(name.with(&mut instance, |name: &Name| name.0.len())?, 4);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn with<T: Userdata, R>(&self, context: &mut impl AsContext, action: impl FnOnce(&T) -> R) -> Result<R> {
        let object = self.object::<T>(context)?;
        let object = object.borrow()?;
        Ok(action(&object))
    }

    /// Does something with the object, if it is a `T`, that changes it.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Userdata};
    /// # struct Name(&'static str);
    /// # impl Userdata for Name {}
    /// # let mut instance = Engine::default().instantiate()?;
    /// let name = instance.userdata(Name("moon"))?;
    /// name.with_mut(&mut instance, |name: &mut Name| name.0 = "sun")?;
    /// assert_eq!(name.with(&mut instance, |name: &Name| name.0)?, "sun");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn with_mut<T: Userdata, R>(
        &self,
        context: &mut impl AsContext,
        action: impl FnOnce(&mut T) -> R,
    ) -> Result<R> {
        let object = self.object::<T>(context)?;
        let mut object = object.borrow_mut()?;
        Ok(action(&mut object))
    }
}

/// The object of a userdata. As a parameter of a Rust function, it takes userdata of this type.
///
/// ```
/// use lunette::{AsContext, Engine, Userdata, UserdataRef};
/// struct Meters(f64);
/// impl Userdata for Meters {}
///
/// let mut instance = Engine::default().instantiate()?;
/// let sum = instance.function(|_, (a, b): (UserdataRef<Meters>, UserdataRef<Meters>)| {
///     Ok(Meters(a.borrow()?.0 + b.borrow()?.0))
/// })?;
/// let total: UserdataRef<Meters> = sum.call(&mut instance, (Meters(1.0), Meters(2.0)))?;
/// assert_eq!(total.borrow()?.0, 3.0);
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Debug)]
pub struct UserdataRef<T>(Arc<RwLock<T>>);

impl<T> Clone for UserdataRef<T> {
    fn clone(&self) -> Self {
        UserdataRef(self.0.clone())
    }
}

impl<T> UserdataRef<T> {
    /// The object, unless somebody is changing it.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Userdata, UserdataRef};
    /// # struct Name(&'static str);
    /// # impl Userdata for Name {}
    /// # let mut instance = Engine::default().instantiate()?;
    /// instance.set("name", Name("moon"))?;
    /// let name: UserdataRef<Name> = instance.get("name")?;
    /// assert_eq!(name.borrow()?.0, "moon");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn borrow(&self) -> Result<RwLockReadGuard<'_, T>> {
        match self.0.try_read() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(Error::Borrowed),
        }
    }

    /// The object for changing it, unless somebody is using it.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Userdata, UserdataRef};
    /// # struct Name(&'static str);
    /// # impl Userdata for Name {}
    /// # let mut instance = Engine::default().instantiate()?;
    /// instance.set("name", Name("moon"))?;
    /// let name: UserdataRef<Name> = instance.get("name")?;
    /// assert_eq!(name.borrow_mut()?.0, "moon");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn borrow_mut(&self) -> Result<RwLockWriteGuard<'_, T>> {
        match self.0.try_write() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(Error::Borrowed),
        }
    }
}

impl<T: Userdata> FromLua for UserdataRef<T> {
    fn from_lua(value: Value, context: &mut Context<'_>) -> Result<Self> {
        match value {
            Value::Userdata(userdata) => userdata.object(context),
            other => Err(ConversionError::mismatch(&T::type_name(), other.type_name())),
        }
    }
}

/// A userdata for an object.
pub(crate) fn new_userdata<T: Userdata>(context: &mut Context<'_>, object: T) -> Result<AnyUserdata> {
    context.check_alive()?;
    let known = context.state().metatables.get(&TypeId::of::<T>()).cloned();
    let metatable = match known {
        Some(metatable) => metatable,
        None => {
            let metatable = type_metatable::<T>(context)?;
            context.state().metatables.insert(TypeId::of::<T>(), metatable.clone());
            metatable
        }
    };
    new_with_metatable(context, Arc::new(RwLock::new(object)), &metatable)
}

/// A userdata with a metatable made by [`finalized_metatable`].
pub(crate) fn new_with_metatable(context: &mut Context<'_>, object: Object, metatable: &Table) -> Result<AnyUserdata> {
    let number = context.state().objects.insert(object);
    let made = place_userdata(context, number, metatable);
    if made.is_err() {
        context.state().objects.remove(number);
    }
    made
}

fn place_userdata(context: &mut Context<'_>, number: u64, metatable: &Table) -> Result<AnyUserdata> {
    let userdata = context.allocate(|machine| machine.heap.new_userdata(0, 0))?;
    context.machine.heap.get(userdata).set_object(number);
    let handle = context.handle(Raw::Userdata(userdata))?;
    for attempt in 0..2 {
        let (Raw::Table(metatable), raw) = (context.resolve(&metatable.0)?, context.resolve(&handle)?) else {
            return Err(Error::ForeignHandle);
        };
        match context.machine.set_metatable(raw, Some(metatable)) {
            Ok(()) => return Ok(AnyUserdata(handle)),
            Err(_) if attempt == 0 => context.collect(),
            Err(_) => {}
        }
    }
    Err(Error::Memory)
}

/// A metatable that programs cannot see and that drops the object of a dead userdata.
pub(crate) fn finalized_metatable(context: &mut Context<'_>) -> Result<Table> {
    let metatable = context.table()?;
    let native = context.state().natives.finalizer;
    let finalizer = context.allocate(|machine| machine.heap.new_native_closure(native, 0))?;
    let finalizer = crate::Function(context.handle(Raw::NativeClosure(finalizer))?);
    metatable.raw_set(context, "__gc", &finalizer)?;
    metatable.raw_set(context, "__metatable", false)?;
    Ok(metatable)
}

fn type_metatable<T: Userdata>(context: &mut Context<'_>) -> Result<Table> {
    let mut methods = Methods::<T>::new();
    T::add_methods(&mut methods);
    let metatable = finalized_metatable(context)?;
    metatable.raw_set(context, "__name", T::type_name())?;
    let table = context.table()?;
    for (name, method) in methods.methods {
        let function = new_function(context, Arc::new(method))?;
        table.raw_set(context, name, &function)?;
    }
    let (mut index, mut new_index) = (None, None);
    for (event, handler) in methods.metamethods {
        match event {
            "__index" => index = Some(handler),
            "__newindex" => new_index = Some(handler),
            "__gc" | "__metatable" | "__name" => {}
            _ => {
                let function = new_function(context, Arc::new(handler))?;
                metatable.raw_set(context, event, &function)?;
            }
        }
    }
    if methods.getters.is_empty() && index.is_none() {
        metatable.raw_set(context, "__index", &table)?;
    } else {
        let function = new_function(context, Arc::new(reader(table, methods.getters, index)))?;
        metatable.raw_set(context, "__index", &function)?;
    }
    if !methods.setters.is_empty() || new_index.is_some() {
        let function = new_function(context, Arc::new(writer(methods.setters, new_index)))?;
        metatable.raw_set(context, "__newindex", &function)?;
    }
    Ok(metatable)
}

/// `__index` of a type with getters or a handler of its own.
fn reader(methods: Table, getters: HashMap<&'static str, Erased>, otherwise: Option<Erased>) -> Erased {
    Box::new(move |context, mut arguments| {
        let key = arguments.get(1).cloned().unwrap_or_default();
        if let Some(getter) = find(context, &getters, &key)? {
            arguments.truncate(1);
            return getter(context, arguments);
        }
        let method: Value = methods.raw_get(context, key)?;
        match &otherwise {
            Some(otherwise) if method.is_nil() => otherwise(context, arguments),
            _ => Ok(vec![method]),
        }
    })
}

/// `__newindex` of a type with setters or a handler of its own.
fn writer(setters: HashMap<&'static str, Erased>, otherwise: Option<Erased>) -> Erased {
    Box::new(move |context, mut arguments| {
        let key = arguments.get(1).cloned().unwrap_or_default();
        if let Some(setter) = find(context, &setters, &key)? {
            arguments.remove(1);
            return setter(context, arguments);
        }
        match &otherwise {
            Some(otherwise) => otherwise(context, arguments),
            None => {
                let name = std::string::String::from_lua(key, context).unwrap_or_else(|_| "?".to_owned());
                Err(Error::message(format_args!("field '{name}' cannot be set")))
            }
        }
    })
}

fn find<'a>(
    context: &mut Context<'_>,
    functions: &'a HashMap<&'static str, Erased>,
    key: &Value,
) -> Result<Option<&'a Erased>> {
    let Value::String(key) = key else { return Ok(None) };
    let key = key.to_bytes(context)?;
    Ok(std::str::from_utf8(&key).ok().and_then(|key| functions.get(key)))
}
