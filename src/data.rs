//! Values as copies: what can go from one instance to another, or through the wall of a partition.

use crate::{
    context::{AsContext, Context},
    convert::{FromLua, IntoLua},
    error::{ConversionError, Error, Result},
    value::Value,
};

/// How deep tables may be nested.
const MOST_DEPTH: usize = 100;

/// A Lua value as a copy that belongs to no instance. Functions, coroutines, userdata, and tables with a metatable or with
/// themselves inside have none.
///
/// ```
/// use lunette::{AsContext, Data, Engine};
/// let mut one = Engine::default().instantiate()?;
/// let mut other = Engine::default().instantiate()?;
/// let list: Data = one.eval("return {1, 'two', {3}}")?;
/// other.set("list", &list)?;
/// assert_eq!(other.eval::<Data>("return list")?, list);
/// assert!(one.eval::<Data>("return print").is_err());
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Data {
    /// Nil.
    #[default]
    Nil,
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A string: any bytes.
    String(Vec<u8>),
    /// The pairs of a table, in the order of its traversal.
    Table(Vec<(Data, Data)>),
}

impl Data {
    /// The name of the value's type, as Lua's `type` gives it.
    ///
    /// ```
    /// assert_eq!(lunette::Data::Integer(1).type_name(), "number");
    /// ```
    pub fn type_name(&self) -> &'static str {
        match self {
            Data::Nil => "nil",
            Data::Boolean(_) => "boolean",
            Data::Integer(_) | Data::Float(_) => "number",
            Data::String(_) => "string",
            Data::Table(_) => "table",
        }
    }

    fn of(value: Value, context: &mut Context<'_>, depth: usize) -> Result<Data> {
        Ok(match value {
            Value::Nil => Data::Nil,
            Value::Boolean(value) => Data::Boolean(value),
            Value::Integer(value) => Data::Integer(value),
            Value::Float(value) => Data::Float(value),
            Value::String(value) => Data::String(value.to_bytes(context)?),
            Value::Table(table) => {
                if depth == 0 {
                    return Err(ConversionError::mismatch("data", "tables nested too deep"));
                }
                if table.metatable(context)?.is_some() {
                    return Err(ConversionError::mismatch("data", "table with a metatable"));
                }
                let mut pairs = Vec::new();
                for (key, value) in table.pairs::<Value, Value>(context)? {
                    pairs.push((Data::of(key, context, depth - 1)?, Data::of(value, context, depth - 1)?));
                }
                Data::Table(pairs)
            }
            other => return Err(ConversionError::mismatch("data", other.type_name())),
        })
    }
}

impl FromLua for Data {
    fn from_lua(value: Value, context: &mut Context<'_>) -> Result<Data> {
        Data::of(value, context, MOST_DEPTH)
    }
}

impl IntoLua for &Data {
    fn into_lua(self, context: &mut Context<'_>) -> Result<Value> {
        Ok(match self {
            Data::Nil => Value::Nil,
            Data::Boolean(value) => Value::Boolean(*value),
            Data::Integer(value) => Value::Integer(*value),
            Data::Float(value) => Value::Float(*value),
            Data::String(bytes) => return crate::Bytes(bytes.clone()).into_lua(context),
            Data::Table(pairs) => {
                let table = context.table()?;
                for (key, value) in pairs {
                    table.raw_set(context, key, value)?;
                }
                Value::Table(table)
            }
        })
    }
}

impl IntoLua for Data {
    fn into_lua(self, context: &mut Context<'_>) -> Result<Value> {
        (&self).into_lua(context)
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident($value:ident) $form:expr,)*) => {$(
        impl From<$type> for Data {
            fn from($value: $type) -> Data {
                Data::$variant($form)
            }
        }
    )*};
}

from! {
    bool => Boolean(value) value,
    i64 => Integer(value) value,
    i32 => Integer(value) value.into(),
    u32 => Integer(value) value.into(),
    f64 => Float(value) value,
    &str => String(value) value.as_bytes().to_vec(),
    std::string::String => String(value) value.into_bytes(),
    &[u8] => String(value) value.to_vec(),
    Vec<u8> => String(value) value,
    Vec<(Data, Data)> => Table(value) value,
}

impl FromIterator<Data> for Data {
    /// A sequence.
    fn from_iter<I: IntoIterator<Item = Data>>(values: I) -> Data {
        Data::Table((1..).map(Data::Integer).zip(values).collect())
    }
}

impl TryFrom<Data> for i64 {
    type Error = Error;

    fn try_from(data: Data) -> Result<i64> {
        match data {
            Data::Integer(value) => Ok(value),
            other => Err(ConversionError::mismatch("integer", other.type_name())),
        }
    }
}

impl TryFrom<Data> for std::string::String {
    type Error = Error;

    fn try_from(data: Data) -> Result<std::string::String> {
        match data {
            Data::String(bytes) => std::string::String::from_utf8(bytes).map_err(Error::external),
            other => Err(ConversionError::mismatch("string", other.type_name())),
        }
    }
}
