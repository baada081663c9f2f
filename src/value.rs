//! Lua values as Rust code holds them.

use crate::{
    context::AsContext, error::Result, function::Function, string::String, table::Table, thread::Thread,
    userdata::AnyUserdata,
};

/// A Lua value. Objects are held by handles: they stay alive as long as the handle does.
///
/// ```
/// use lunette::{AsContext, Engine, Value};
///
/// let mut instance = Engine::default().instantiate()?;
/// assert!(matches!(instance.eval("return 2^53")?, Value::Float(value) if value == 9007199254740992.0));
/// assert_eq!(instance.eval::<Value>("return {}")?.type_name(), "table");
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// `nil`
    #[default]
    Nil,
    /// `true` or `false`
    Boolean(bool),
    /// A number that is an integer.
    Integer(i64),
    /// A number that is a float.
    Float(f64),
    /// An opaque number that is a value of its own kind.
    LightUserdata(u64),
    /// A string.
    String(String),
    /// A table.
    Table(Table),
    /// A function, of Lua or of Rust.
    Function(Function),
    /// An object of Rust, or of a library.
    Userdata(AnyUserdata),
    /// A coroutine.
    Thread(Thread),
}

impl Value {
    /// The name of the value's type, as Lua's `type` gives it.
    ///
    /// ```
    /// # use lunette::Value;
    /// assert_eq!(Value::Integer(1).type_name(), "number");
    /// ```
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Nil => "nil",
            Value::Boolean(_) => "boolean",
            Value::Integer(_) | Value::Float(_) => "number",
            Value::String(_) => "string",
            Value::Table(_) => "table",
            Value::Function(_) => "function",
            Value::LightUserdata(_) | Value::Userdata(_) => "userdata",
            Value::Thread(_) => "thread",
        }
    }

    /// Whether the value is `nil`.
    ///
    /// ```
    /// # use lunette::Value;
    /// assert!(Value::default().is_nil());
    /// ```
    pub fn is_nil(&self) -> bool {
        matches!(self, Value::Nil)
    }

    /// Whether two values are equal, without metamethods: objects are if they are the same.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Value};
    /// let mut instance = Engine::default().instantiate()?;
    /// let (one, same, other): (Value, Value, Value) = instance.eval("local t = {}; return t, t, {}")?;
    /// assert!(one.equals(&mut instance, &same)? && !one.equals(&mut instance, &other)?);
    /// assert!(Value::Integer(1).equals(&mut instance, &Value::Float(1.0))?);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn equals(&self, context: &mut impl AsContext, other: &Value) -> Result<bool> {
        let mut context = context.as_context();
        let (left, right) = (context.unwrap(self)?, context.unwrap(other)?);
        Ok(context.machine.raw_equal(left, right))
    }

    /// The value as text, as Lua's `tostring` gives it.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Value};
    /// let mut instance = Engine::default().instantiate()?;
    /// let value: Value = instance.eval("return setmetatable({}, {__tostring = function() return 'a table' end})")?;
    /// assert_eq!(value.to_text(&mut instance)?, "a table");
    /// assert_eq!(Value::Float(1.0).to_text(&mut instance)?, "1.0");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn to_text(&self, context: &mut impl AsContext) -> Result<std::string::String> {
        let mut context = context.as_context();
        let raw = context.unwrap(self)?;
        if let Some(text) = context.own_text(raw)? {
            return Ok(text);
        }
        let mut text = Vec::new();
        lunette_stdlib::append_plain_text(context.machine, raw, &mut text).map_err(|throw| context.error(throw))?;
        Ok(std::string::String::from_utf8_lossy(&text).into_owned())
    }
}
