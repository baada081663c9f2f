//! Errors as values.

use crate::{context::AsContext, convert::IntoLua, data::Data, value::Value};
#[cfg(feature = "compiler")]
use lunette_frontend::CompileError;
use std::{fmt, sync::Arc};
use thiserror::Error;

pub use lunette_interpreter::limits::StopReason;

/// What an operation on an instance gives.
///
/// ```
/// use lunette::{AsContext, Engine, Result};
/// fn answer() -> Result<i64> {
///     Engine::default().instantiate()?.eval("return 42")
/// }
/// assert_eq!(answer()?, 42);
/// # Ok::<(), lunette::Error>(())
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong.
///
/// ```
/// use lunette::{AsContext, Engine, Error};
///
/// let mut instance = Engine::default().instantiate()?;
/// let Err(Error::Runtime(error)) = instance.exec("local t = nil; t.x = 1") else { panic!() };
/// assert!(error.message.ends_with("attempt to index a nil value (local 't')"));
/// assert!(error.traceback.starts_with("stack traceback:"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A source text is no Lua program.
    #[error("{0}")]
    Syntax(Arc<SyntaxError>),
    /// A compiled module is damaged, of another version, or may not run.
    #[error("{0}")]
    Malformed(std::string::String),
    /// A program threw an error that nothing in it caught.
    #[error("{0}")]
    Runtime(Arc<RuntimeError>),
    /// The memory limit is reached.
    #[error("not enough memory")]
    Memory,
    /// A limit was reached, or the instance was interrupted.
    #[error("{}", stop_message(*.0))]
    Stopped(StopReason),
    /// A value is not of the type that was wanted.
    #[error("{0}")]
    Conversion(ConversionError),
    /// A handle of another instance.
    #[error("the value belongs to another instance")]
    ForeignHandle,
    /// The Rust object of a userdata is in use in a way that does not go together with this one.
    #[error("userdata is in use")]
    Borrowed,
    /// The Rust object of a userdata is gone: the userdata was finalized.
    #[error("userdata is finalized")]
    Finalized,
    /// A Rust function panicked while the instance called it. The instance cannot be used any more.
    #[error("a function of the host panicked: {0}")]
    Panicked(std::string::String),
    /// An image was refused, or an instance cannot become one.
    #[error("{0}")]
    Image(ImageError),
    /// The instance was restored from a snapshot of a running program, which must be resumed before anything else is run.
    #[error("the instance is to be resumed first")]
    Suspended,
    /// The operating system gives no memory for an instance.
    #[error("cannot reserve memory for the instance")]
    Reservation,
    /// A program in a partition threw a value and nobody caught it.
    #[error("{0}")]
    Isolated(Arc<IsolatedError>),
    /// There can be no partition: KVM is missing, or may not be used.
    #[error("{0}")]
    Unavailable(std::string::String),
    /// The partition broke or broke the rules, and was ended.
    #[error("{0}")]
    Ended(std::string::String),
    /// An error of a Rust function.
    #[error("{0}")]
    External(Arc<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// An error to return from a Rust function, made of any other.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, Error};
    ///
    /// let mut instance = Engine::default().instantiate()?;
    /// let parse = instance.function(|_, text: String| text.parse::<i64>().map_err(Error::external))?;
    /// instance.set("parse", &parse)?;
    /// let message: String = instance.eval("return select(2, pcall(parse, 'x'))")?;
    /// assert_eq!(message, "invalid digit found in string");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn external(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::External(Arc::from(error.into()))
    }

    /// An error with this message, to return from a Rust function.
    ///
    /// ```
    /// # use lunette::Error;
    /// assert_eq!(Error::message("no such user").to_string(), "no such user");
    /// ```
    pub fn message(message: impl fmt::Display) -> Error {
        Error::external(message.to_string())
    }

    /// An error whose value a Lua program gets as it is, to return from a Rust function.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, Error};
    /// use std::collections::BTreeMap;
    ///
    /// let mut instance = Engine::default().instantiate()?;
    /// let fail = instance.function(|context, code: i64| {
    ///     Err::<(), _>(Error::value(context, BTreeMap::from([("code", code)])))
    /// })?;
    /// instance.set("fail", &fail)?;
    /// assert_eq!(instance.eval::<i64>("return select(2, pcall(fail, 7)).code")?, 7);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn value(context: &mut impl AsContext, value: impl IntoLua) -> Error {
        match context.pack(value) {
            Ok(value) => Error::Runtime(Arc::new(RuntimeError {
                message: format!("(error object is a {} value)", value.type_name()),
                traceback: std::string::String::new(),
                value,
                cause: None,
            })),
            Err(error) => error,
        }
    }

    /// The error of this type that a Rust function gave to [`Error::external`], also when it has gone through Lua.
    ///
    /// ```
    /// use lunette::{AsContext, Engine, Error};
    /// use std::num::ParseIntError;
    ///
    /// let mut instance = Engine::default().instantiate()?;
    /// let parse = instance.function(|_, text: String| text.parse::<i64>().map_err(Error::external))?;
    /// instance.set("parse", &parse)?;
    /// let error = instance.exec("parse('x')").unwrap_err();
    /// assert!(error.downcast_ref::<ParseIntError>().is_some());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match self {
            Error::External(error) => error.downcast_ref(),
            Error::Runtime(error) => error.cause.as_ref()?.downcast_ref(),
            _ => None,
        }
    }

    /// Whether more text could make the source that was compiled a correct one: a prompt asks for another line then.
    ///
    /// ```
    /// # use lunette::Engine;
    /// let engine = Engine::default();
    /// assert!(engine.compile("for i = 1, 10 do", "=prompt").unwrap_err().is_incomplete());
    /// assert!(!engine.compile("for for", "=prompt").unwrap_err().is_incomplete());
    /// ```
    pub fn is_incomplete(&self) -> bool {
        matches!(self, Error::Syntax(error) if error.at_end)
    }

    #[cfg(feature = "compiler")]
    pub(crate) fn from_compiler(error: CompileError, source: &[u8], name: &[u8]) -> Error {
        match error {
            CompileError::Memory => Error::Memory,
            CompileError::Syntax(error) => {
                let text = |bytes: &[u8]| std::string::String::from_utf8_lossy(bytes).into_owned();
                let line = (error.line > 0).then(|| {
                    let start = error.range.start.min(source.len());
                    let start = source[..start].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
                    let end =
                        source[start..].iter().position(|&byte| byte == b'\n').map_or(source.len(), |at| start + at);
                    text(&source[start..end])
                });
                Error::Syntax(Arc::new(SyntaxError {
                    message: text(&error.full_message(name)),
                    line: error.line,
                    column: error.column,
                    length: error.range.len(),
                    source_line: line.unwrap_or_default(),
                    at_end: error.at_end,
                }))
            }
        }
    }
}

fn stop_message(reason: StopReason) -> std::string::String {
    match reason {
        StopReason::Fuel => "fuel limit reached".into(),
        StopReason::Time => "time limit reached".into(),
        StopReason::Interrupt => "interrupted!".into(),
        StopReason::Output => "output limit reached".into(),
        StopReason::Exit(status) => format!("exit with status {status}"),
        StopReason::Snapshot => "a snapshot was taken".into(),
    }
}

/// What is wrong with an image, or keeps an instance from becoming one.
///
/// ```
/// use lunette::{Engine, Error};
/// let Err(Error::Image(error)) = Engine::default().restore(&b"no image at all"[..]) else { panic!() };
/// assert_eq!((error.message.as_str(), error.offset), ("not an image", Some(8)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageError {
    /// What is wrong.
    pub message: std::string::String,
    /// The part of the image that was being read, such as `table 12`; empty if none was.
    pub part: std::string::String,
    /// How many bytes of the image, when it is not compressed, were read until then.
    pub offset: Option<u64>,
}

impl fmt::Display for ImageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) => write!(formatter, "{} ({}, at byte {offset})", self.message, self.part),
            None => formatter.write_str(&self.message),
        }
    }
}

/// An error in a source text.
///
/// ```
/// use lunette::{Engine, Error};
/// let Err(Error::Syntax(error)) = Engine::default().compile("x = 1\ny = = 2", "=example") else { panic!() };
/// assert_eq!((error.line, error.column, error.source_line.as_str()), (2, 5, "y = = 2"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyntaxError {
    /// What Lua says about it: `chunk:line: message`.
    pub message: std::string::String,
    /// The line, from 1; 0 if the error has no place.
    pub line: u32,
    /// The byte in the line at which the offending text begins, from 1.
    pub column: u32,
    /// The length of the offending text in bytes.
    pub length: usize,
    /// The line's text.
    pub source_line: std::string::String,
    /// Whether the source only ends too early.
    pub at_end: bool,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for SyntaxError {}

/// An error that a program threw and did not catch.
///
/// ```
/// use lunette::{AsContext, Engine, Error, Value};
/// let mut instance = Engine::default().instantiate()?;
/// let Err(Error::Runtime(error)) = instance.exec("error({code = 7})") else { panic!() };
/// let Value::Table(value) = &error.value else { panic!() };
/// assert_eq!(value.get::<i64>(&mut instance, "code")?, 7);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RuntimeError {
    /// The error value as text: the string itself, or what its `__tostring` gives.
    pub message: std::string::String,
    /// Where the program was, in Lua's form.
    pub traceback: std::string::String,
    /// The error value.
    pub value: Value,
    /// The error of a Rust function that this one is, if its message came through Lua unchanged.
    pub cause: Option<Error>,
}

/// An error of a program in a partition.
///
/// ```
/// # use lunette::{Configuration, Data, Engine, Error, Home, Streams};
/// let mut tenant = Engine::new(Configuration::new().home(Home::Partition)).tenant(Streams::none())?;
/// match tenant.run_file("error({code = 4})", "=program", &[]) {
///     Err(Error::Isolated(error)) => assert!(matches!(error.value, Some(Data::Table(_)))),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct IsolatedError {
    /// The text of the error value.
    pub message: std::string::String,
    /// Where it happened, as Lua's `debug.traceback` has it.
    pub traceback: std::string::String,
    /// The error value, if it could leave the partition.
    pub value: Option<Data>,
    /// Name of the value's type.
    pub type_name: std::string::String,
}

impl fmt::Display for IsolatedError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for IsolatedError {}

impl fmt::Display for RuntimeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for RuntimeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}

/// A value is not of the type that was wanted.
///
/// ```
/// use lunette::{AsContext, Engine, Error};
/// let mut instance = Engine::default().instantiate()?;
/// let Err(Error::Conversion(error)) = instance.eval::<(i64, i64)>("return 1, {}") else { panic!() };
/// assert_eq!((error.position, error.message.as_str()), (Some(2), "number expected, got table"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConversionError {
    /// What is wrong with it, such as `number expected, got nil`.
    pub message: std::string::String,
    /// Which of several values it is, from 1: arguments of a Rust function, results of a Lua function.
    pub position: Option<usize>,
}

impl ConversionError {
    /// Another type was wanted.
    pub(crate) fn mismatch(expected: &str, got: &str) -> Error {
        Self::with_message(format!("{expected} expected, got {got}"))
    }

    pub(crate) fn with_message(message: impl Into<std::string::String>) -> Error {
        Error::Conversion(ConversionError { message: message.into(), position: None })
    }

    /// The error with the position of the value.
    pub(crate) fn at(error: Error, position: usize) -> Error {
        match error {
            Error::Conversion(ConversionError { message, position: None }) => {
                Error::Conversion(ConversionError { message, position: Some(position) })
            }
            other => other,
        }
    }
}

impl fmt::Display for ConversionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(formatter, "value #{position}: {}", self.message),
            None => formatter.write_str(&self.message),
        }
    }
}
