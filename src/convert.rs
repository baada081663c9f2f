//! Conversions between Rust's types and Lua's values.

use crate::{
    context::{AsContext, Context},
    error::{ConversionError, Error, Result},
    function::Function,
    string::String,
    table::Table,
    thread::Thread,
    userdata::{AnyUserdata, Userdata},
    value::Value,
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
    hash::{BuildHasher, Hash},
};

/// What can become one Lua value: `bool`, numbers, strings, [`Value`] and handles, `Option` (`None` is nil), `Vec`,
/// arrays and sets (sequences), maps (tables), and every [`Userdata`] type.
///
/// ```
/// use lunette::{AsContext, Engine};
/// let mut instance = Engine::default().instantiate()?;
/// instance.set("primes", vec![2, 3, 5, 7])?;
/// assert_eq!(instance.eval::<i64>("return primes[4]")?, 7);
/// # Ok::<(), lunette::Error>(())
/// ```
pub trait IntoLua {
    /// The value.
    ///
    /// ```
    /// use lunette::{Context, IntoLua, Result, Value};
    ///
    /// struct Celsius(f64);
    ///
    /// impl IntoLua for Celsius {
    ///     fn into_lua(self, context: &mut Context<'_>) -> Result<Value> {
    ///         format!("{} °C", self.0).into_lua(context)
    ///     }
    /// }
    /// ```
    fn into_lua(self, context: &mut Context<'_>) -> Result<Value>;
}

/// What a Lua value can be converted to: the types of [`IntoLua`], except that objects come as
/// [`UserdataRef`](crate::UserdataRef), and byte strings as [`Bytes`].
///
/// Numbers and strings convert to each other as in Lua; `bool` takes any value, of which nil and false are false.
///
/// ```
/// use lunette::{AsContext, Engine};
/// let mut instance = Engine::default().instantiate()?;
/// let list: Vec<Option<i64>> = instance.eval("return {1, '2', 3.0}")?;
/// assert_eq!(list, [Some(1), Some(2), Some(3)]);
/// assert!(instance.eval::<i64>("return 1.5").is_err());
/// # Ok::<(), lunette::Error>(())
/// ```
pub trait FromLua: Sized {
    /// The Rust value.
    ///
    /// ```
    /// use lunette::{Context, Error, FromLua, Result, Value};
    ///
    /// struct Percent(f64);
    ///
    /// impl FromLua for Percent {
    ///     fn from_lua(value: Value, context: &mut Context<'_>) -> Result<Self> {
    ///         match f64::from_lua(value, context)? {
    ///             number @ 0.0..=100.0 => Ok(Percent(number)),
    ///             number => Err(Error::message(format_args!("{number} is no percentage"))),
    ///         }
    ///     }
    /// }
    /// ```
    fn from_lua(value: Value, context: &mut Context<'_>) -> Result<Self>;
}

/// What can become any number of values: arguments of Lua functions, results of Rust functions. One value, a tuple,
/// `()`, or [`Variadic`].
///
/// A `Result` is what Lua functions return that may fail: its values, or nil and a message.
///
/// ```
/// use lunette::{AsContext, Engine};
/// let mut instance = Engine::default().instantiate()?;
/// let parse = instance.function(|_, text: String| Ok(text.parse::<i64>()))?;
/// instance.set("parse", &parse)?;
/// assert_eq!(instance.eval::<i64>("return assert(parse('7'))")?, 7);
/// let (value, message): (Option<i64>, String) = instance.eval("return parse('x')")?;
/// assert_eq!((value, message.as_str()), (None, "invalid digit found in string"));
/// # Ok::<(), lunette::Error>(())
/// ```
pub trait IntoLuaMulti {
    /// The values.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, IntoLuaMulti};
    /// let mut instance = Engine::default().instantiate()?;
    /// assert_eq!((1, "two", 3.0).into_lua_multi(&mut instance.as_context())?.len(), 3);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn into_lua_multi(self, context: &mut Context<'_>) -> Result<Vec<Value>>;
}

/// What any number of values can be converted to; missing ones are nil, surplus ones are dropped. The last of a tuple may
/// be [`Variadic`].
///
/// ```
/// use lunette::{AsContext, Engine, Variadic};
/// let mut instance = Engine::default().instantiate()?;
/// let (first, rest): (i64, Variadic<i64>) = instance.eval("return 1, 2, 3")?;
/// assert_eq!((first, rest.0), (1, vec![2, 3]));
/// let (first, second): (i64, Option<i64>) = instance.eval("return 1")?;
/// assert_eq!((first, second), (1, None));
/// # Ok::<(), lunette::Error>(())
/// ```
pub trait FromLuaMulti: Sized {
    /// The Rust values.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, FromLuaMulti, Value};
    /// let mut instance = Engine::default().instantiate()?;
    /// let values = vec![Value::Integer(1), Value::Boolean(true)];
    /// let (number, flag) = <(i64, bool)>::from_lua_multi(values, &mut instance.as_context())?;
    /// assert_eq!((number, flag), (1, true));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    fn from_lua_multi(values: Vec<Value>, context: &mut Context<'_>) -> Result<Self>;
}

/// Any number of values of one type.
///
/// ```
/// use lunette::{AsContext, Engine, Variadic};
/// let mut instance = Engine::default().instantiate()?;
/// let sum = instance.function(|_, numbers: Variadic<f64>| Ok(numbers.0.iter().sum::<f64>()))?;
/// instance.set("sum", &sum)?;
/// assert_eq!(instance.eval::<f64>("return sum(1, 2, 3.5)")?, 6.5);
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variadic<T>(pub Vec<T>);

/// A string of any bytes, copied to or from Lua.
///
/// ```
/// use lunette::{AsContext, Bytes, Engine};
/// let mut instance = Engine::default().instantiate()?;
/// instance.set("data", Bytes(vec![0, 255]))?;
/// assert_eq!(instance.eval::<Bytes>("return data:reverse()")?.0, [255, 0]);
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bytes(pub Vec<u8>);

impl IntoLua for Value {
    fn into_lua(self, _: &mut Context<'_>) -> Result<Value> {
        Ok(self)
    }
}

impl IntoLua for &Value {
    fn into_lua(self, _: &mut Context<'_>) -> Result<Value> {
        Ok(self.clone())
    }
}

impl FromLua for Value {
    fn from_lua(value: Value, _: &mut Context<'_>) -> Result<Self> {
        Ok(value)
    }
}

macro_rules! handles {
    ($($type:ident $variant:ident $name:literal,)*) => {$(
        impl IntoLua for $type {
            fn into_lua(self, _: &mut Context<'_>) -> Result<Value> {
                Ok(Value::$variant(self))
            }
        }

        impl IntoLua for &$type {
            fn into_lua(self, _: &mut Context<'_>) -> Result<Value> {
                Ok(Value::$variant(self.clone()))
            }
        }

        impl FromLua for $type {
            fn from_lua(value: Value, _: &mut Context<'_>) -> Result<Self> {
                match value {
                    Value::$variant(handle) => Ok(handle),
                    other => Err(ConversionError::mismatch($name, other.type_name())),
                }
            }
        }
    )*};
}

handles! {
    String String "string",
    Table Table "table",
    Function Function "function",
    AnyUserdata Userdata "userdata",
    Thread Thread "thread",
}

impl<T: Userdata> IntoLua for T {
    fn into_lua(self, context: &mut Context<'_>) -> Result<Value> {
        Ok(Value::Userdata(context.userdata(self)?))
    }
}

impl IntoLua for bool {
    fn into_lua(self, _: &mut Context<'_>) -> Result<Value> {
        Ok(Value::Boolean(self))
    }
}

impl FromLua for bool {
    fn from_lua(value: Value, _: &mut Context<'_>) -> Result<Self> {
        Ok(!matches!(value, Value::Nil | Value::Boolean(false)))
    }
}

/// The integer that a value is or converts to.
fn integer(value: &Value, context: &mut Context<'_>) -> Result<i64> {
    let raw = context.unwrap(value)?;
    context.machine.to_integer(raw).ok_or_else(|| match context.machine.to_number(raw) {
        Some(_) => ConversionError::with_message("number has no integer representation"),
        None => ConversionError::mismatch("number", value.type_name()),
    })
}

macro_rules! integers {
    ($($type:ident)*) => {$(
        impl IntoLua for $type {
            fn into_lua(self, _: &mut Context<'_>) -> Result<Value> {
                match i64::try_from(self) {
                    Ok(value) => Ok(Value::Integer(value)),
                    // As Lua's own numerals that are too large for an integer.
                    Err(_) => Ok(Value::Float(self as f64)),
                }
            }
        }

        impl FromLua for $type {
            fn from_lua(value: Value, context: &mut Context<'_>) -> Result<Self> {
                let value = integer(&value, context)?;
                $type::try_from(value).map_err(|_| {
                    ConversionError::with_message(concat!("number out of range of ", stringify!($type)))
                })
            }
        }
    )*};
}

integers! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize }

macro_rules! floats {
    ($($type:ident)*) => {$(
        impl IntoLua for $type {
            fn into_lua(self, _: &mut Context<'_>) -> Result<Value> {
                Ok(Value::Float(f64::from(self)))
            }
        }

        impl FromLua for $type {
            fn from_lua(value: Value, context: &mut Context<'_>) -> Result<Self> {
                let raw = context.unwrap(&value)?;
                match context.machine.to_float(raw) {
                    Some(value) => Ok(value as $type),
                    None => Err(ConversionError::mismatch("number", value.type_name())),
                }
            }
        }
    )*};
}

floats! { f32 f64 }

/// The bytes of a string, or the text of a number.
fn string_bytes(value: &Value, context: &mut Context<'_>) -> Result<Vec<u8>> {
    let raw = context.unwrap(value)?;
    let mut bytes = Vec::new();
    if context.machine.append_text(raw, &mut bytes) {
        Ok(bytes)
    } else {
        Err(ConversionError::mismatch("string", value.type_name()))
    }
}

macro_rules! strings {
    ($($type:ty)*) => {$(
        impl IntoLua for $type {
            fn into_lua(self, context: &mut Context<'_>) -> Result<Value> {
                Ok(Value::String(context.string(self)?))
            }
        }
    )*};
}

strings! { &str std::string::String &std::string::String &[u8] }

impl FromLua for std::string::String {
    fn from_lua(value: Value, context: &mut Context<'_>) -> Result<Self> {
        std::string::String::from_utf8(string_bytes(&value, context)?)
            .map_err(|_| ConversionError::with_message("string is not UTF-8"))
    }
}

impl IntoLua for Cow<'_, str> {
    fn into_lua(self, context: &mut Context<'_>) -> Result<Value> {
        (*self).into_lua(context)
    }
}

impl IntoLua for char {
    fn into_lua(self, context: &mut Context<'_>) -> Result<Value> {
        (&*self.encode_utf8(&mut [0; 4])).into_lua(context)
    }
}

impl FromLua for char {
    fn from_lua(value: Value, context: &mut Context<'_>) -> Result<Self> {
        let text = std::string::String::from_lua(value, context)?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(character),
            _ => Err(ConversionError::with_message("string of one character expected")),
        }
    }
}

impl IntoLua for Bytes {
    fn into_lua(self, context: &mut Context<'_>) -> Result<Value> {
        Ok(Value::String(context.string(self.0)?))
    }
}

impl FromLua for Bytes {
    fn from_lua(value: Value, context: &mut Context<'_>) -> Result<Self> {
        string_bytes(&value, context).map(Bytes)
    }
}

impl<T: IntoLua> IntoLua for Option<T> {
    fn into_lua(self, context: &mut Context<'_>) -> Result<Value> {
        match self {
            Some(value) => value.into_lua(context),
            None => Ok(Value::Nil),
        }
    }
}

impl<T: FromLua> FromLua for Option<T> {
    fn from_lua(value: Value, context: &mut Context<'_>) -> Result<Self> {
        match value {
            Value::Nil => Ok(None),
            value => T::from_lua(value, context).map(Some),
        }
    }
}

/// A table with these values as its sequence.
fn sequence<T: IntoLua>(values: impl IntoIterator<Item = T>, context: &mut Context<'_>) -> Result<Value> {
    let table = context.table()?;
    for (index, value) in (1i64..).zip(values) {
        table.raw_set(context, index, value)?;
    }
    Ok(Value::Table(table))
}

impl<T: IntoLua> IntoLua for Vec<T> {
    fn into_lua(self, context: &mut Context<'_>) -> Result<Value> {
        sequence(self, context)
    }
}

impl<T: IntoLua, const N: usize> IntoLua for [T; N] {
    fn into_lua(self, context: &mut Context<'_>) -> Result<Value> {
        sequence(self, context)
    }
}

impl<T: FromLua> FromLua for Vec<T> {
    fn from_lua(value: Value, context: &mut Context<'_>) -> Result<Self> {
        let table = Table::from_lua(value, context)?;
        (1..=table.length(context)?).map(|index| table.raw_get(context, index)).collect()
    }
}

impl<T: FromLua, const N: usize> FromLua for [T; N] {
    fn from_lua(value: Value, context: &mut Context<'_>) -> Result<Self> {
        let values = Vec::<T>::from_lua(value, context)?;
        let count = values.len();
        let expected = || ConversionError::with_message(format!("{N} elements expected, got {count}"));
        values.try_into().map_err(|_| expected())
    }
}

macro_rules! sets {
    ($($type:ident: $($bound:ident)+,)*) => {$(
        impl<T: IntoLua> IntoLua for $type<T> {
            fn into_lua(self, context: &mut Context<'_>) -> Result<Value> {
                sequence(self, context)
            }
        }

        impl<T: FromLua $(+ $bound)+> FromLua for $type<T> {
            fn from_lua(value: Value, context: &mut Context<'_>) -> Result<Self> {
                Ok(Vec::<T>::from_lua(value, context)?.into_iter().collect())
            }
        }
    )*};
}

sets! { HashSet: Eq Hash, BTreeSet: Ord, }

/// A table with these fields.
fn fields<K: IntoLua, V: IntoLua>(pairs: impl IntoIterator<Item = (K, V)>, context: &mut Context<'_>) -> Result<Value> {
    let table = context.table()?;
    for (key, value) in pairs {
        table.raw_set(context, key, value)?;
    }
    Ok(Value::Table(table))
}

impl<K: IntoLua, V: IntoLua, S> IntoLua for HashMap<K, V, S> {
    fn into_lua(self, context: &mut Context<'_>) -> Result<Value> {
        fields(self, context)
    }
}

impl<K: FromLua + Eq + Hash, V: FromLua, S: BuildHasher + Default> FromLua for HashMap<K, V, S> {
    fn from_lua(value: Value, context: &mut Context<'_>) -> Result<Self> {
        Ok(Table::from_lua(value, context)?.pairs(context)?.into_iter().collect())
    }
}

impl<K: IntoLua, V: IntoLua> IntoLua for BTreeMap<K, V> {
    fn into_lua(self, context: &mut Context<'_>) -> Result<Value> {
        fields(self, context)
    }
}

impl<K: FromLua + Ord, V: FromLua> FromLua for BTreeMap<K, V> {
    fn from_lua(value: Value, context: &mut Context<'_>) -> Result<Self> {
        Ok(Table::from_lua(value, context)?.pairs(context)?.into_iter().collect())
    }
}

impl<T: IntoLua> IntoLuaMulti for T {
    fn into_lua_multi(self, context: &mut Context<'_>) -> Result<Vec<Value>> {
        Ok(vec![self.into_lua(context)?])
    }
}

impl<T: FromLua> FromLuaMulti for T {
    fn from_lua_multi(values: Vec<Value>, context: &mut Context<'_>) -> Result<Self> {
        let first = values.into_iter().next().unwrap_or_default();
        T::from_lua(first, context).map_err(|error| ConversionError::at(error, 1))
    }
}

impl<T: IntoLua> IntoLuaMulti for Variadic<T> {
    fn into_lua_multi(self, context: &mut Context<'_>) -> Result<Vec<Value>> {
        self.0.into_iter().map(|value| value.into_lua(context)).collect()
    }
}

impl<T: FromLua> FromLuaMulti for Variadic<T> {
    fn from_lua_multi(values: Vec<Value>, context: &mut Context<'_>) -> Result<Self> {
        let convert =
            |(index, value)| T::from_lua(value, context).map_err(|error| ConversionError::at(error, index + 1));
        values.into_iter().enumerate().map(convert).collect::<Result<_>>().map(Variadic)
    }
}

impl<T: IntoLuaMulti, E: fmt::Display> IntoLuaMulti for Result<T, E> {
    fn into_lua_multi(self, context: &mut Context<'_>) -> Result<Vec<Value>> {
        match self {
            Ok(values) => values.into_lua_multi(context),
            Err(error) => (Value::Nil, error.to_string()).into_lua_multi(context),
        }
    }
}

impl IntoLuaMulti for () {
    fn into_lua_multi(self, _: &mut Context<'_>) -> Result<Vec<Value>> {
        Ok(Vec::new())
    }
}

impl FromLuaMulti for () {
    fn from_lua_multi(_: Vec<Value>, _: &mut Context<'_>) -> Result<Self> {
        Ok(())
    }
}

/// Moves the positions of an error's values on by those that were converted before.
fn shift(error: Error, count: usize) -> Error {
    match error {
        Error::Conversion(ConversionError { message, position: Some(position) }) => {
            Error::Conversion(ConversionError { message, position: Some(position + count) })
        }
        other => other,
    }
}

macro_rules! tuples {
    ($($($name:ident)* ; $last:ident,)*) => {$(
        #[allow(non_snake_case, reason = "variables are named like their types")]
        impl<$($name: IntoLua,)* $last: IntoLuaMulti> IntoLuaMulti for ($($name,)* $last,) {
            fn into_lua_multi(self, context: &mut Context<'_>) -> Result<Vec<Value>> {
                let ($($name,)* $last,) = self;
                #[allow(unused_mut, reason = "not with a single element")]
                let mut values = vec![$($name.into_lua(context)?,)*];
                values.extend($last.into_lua_multi(context)?);
                Ok(values)
            }
        }

        #[allow(non_snake_case, reason = "variables are named like their types")]
        impl<$($name: FromLua,)* $last: FromLuaMulti> FromLuaMulti for ($($name,)* $last,) {
            fn from_lua_multi(values: Vec<Value>, context: &mut Context<'_>) -> Result<Self> {
                #[allow(unused_mut, reason = "not with a single element")]
                let (mut values, mut count) = (values.into_iter(), 0);
                $(
                    count += 1;
                    let $name = $name::from_lua(values.next().unwrap_or_default(), context)
                        .map_err(|error| ConversionError::at(error, count))?;
                )*
                let $last = $last::from_lua_multi(values.collect(), context).map_err(|error| shift(error, count))?;
                Ok(($($name,)* $last,))
            }
        }
    )*};
}

tuples! {
    ; A,
    A; B,
    A B; C,
    A B C; D,
    A B C D; E,
    A B C D E; F,
    A B C D E F; G,
    A B C D E F G; H,
    A B C D E F G H; I,
    A B C D E F G H I; J,
    A B C D E F G H I J; K,
    A B C D E F G H I J K; L,
}
