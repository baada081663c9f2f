//! Lua values as Rust code holds them.

use crate::{function::Function, string::String, table::Table, thread::Thread, userdata::AnyUserdata};

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
}
