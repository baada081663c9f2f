//! The standard streams of an instance.

use super::stream::Backing;
use std::{
    fmt,
    io::{Read, Write},
    os::fd::{AsFd, BorrowedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Where an instance's standard streams lead.
///
/// ```
/// use lunette::{AsContext, Captured, Engine, Input, Output, Streams};
///
/// let output = Captured::new();
/// let streams = Streams {
///     input: Input::Bytes(b"world\n".to_vec()),
///     output: Output::Captured(output.clone()),
///     ..Streams::none()
/// };
/// let mut instance = Engine::default().instantiate_with(streams)?;
/// instance.exec("print('hello ' .. io.read())")?;
/// assert_eq!(output.take(), b"hello world\n");
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Streams {
    /// Standard input.
    pub input: Input,
    /// Standard output.
    pub output: Output,
    /// Standard error.
    pub error: Output,
}

impl Streams {
    /// Empty input; output goes nowhere.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Streams};
    /// let mut instance = Engine::default().instantiate_with(Streams::none())?;
    /// assert!(instance.eval::<bool>("print('nobody hears this'); return io.read() == nil")?);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn none() -> Streams {
        Streams::default()
    }

    /// The streams of the process.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine, Streams};
    /// let mut instance = Engine::default().instantiate_with(Streams::inherited())?;
    /// instance.exec("print('hello')")?;
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn inherited() -> Streams {
        Streams { input: Input::Inherited, output: Output::Inherited, error: Output::Inherited }
    }
}

/// Where standard input comes from.
///
/// ```
/// use lunette::{AsContext, Engine, Input, Streams};
/// let input = Input::Reader(Box::new(std::io::Cursor::new("3 4")));
/// let mut instance = Engine::default().instantiate_with(Streams { input, ..Streams::none() })?;
/// assert_eq!(instance.eval::<(i64, i64)>("return io.read('n', 'n')")?, (3, 4));
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Default)]
pub enum Input {
    /// There is none: every read is at the end.
    #[default]
    Empty,
    /// The process's own.
    Inherited,
    /// These bytes.
    Bytes(Vec<u8>),
    /// What a reader gives. While it blocks, the instance cannot be interrupted.
    Reader(Box<dyn Read + Send>),
}

impl fmt::Debug for Input {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Input::Empty => "Empty",
            Input::Inherited => "Inherited",
            Input::Bytes(_) => "Bytes",
            Input::Reader(_) => "Reader",
        })
    }
}

/// Where standard output or standard error goes.
///
/// ```
/// use lunette::{AsContext, Engine, Output, Streams};
/// let error = Output::Writer(Box::new(std::io::stderr()));
/// let mut instance = Engine::default().instantiate_with(Streams { error, ..Streams::none() })?;
/// instance.exec("io.stderr:write('a warning\\n')")?;
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Default)]
pub enum Output {
    /// Nowhere.
    #[default]
    Discarded,
    /// To the process's own.
    Inherited,
    /// Into memory.
    Captured(Captured),
    /// To a writer. While it blocks, the instance cannot be interrupted.
    Writer(Box<dyn Write + Send>),
}

impl fmt::Debug for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Output::Discarded => "Discarded",
            Output::Inherited => "Inherited",
            Output::Captured(_) => "Captured",
            Output::Writer(_) => "Writer",
        })
    }
}

/// Output of an instance, kept in memory. Clones share it.
///
/// ```
/// use lunette::Captured;
///
/// let captured = Captured::new();
/// assert!(captured.take().is_empty());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// No output yet.
    ///
    /// ```
    /// # use lunette::{AsContext, Captured, Engine, Output, Streams};
    /// let captured = Captured::new();
    /// let streams = Streams { output: Output::Captured(captured.clone()), ..Streams::none() };
    /// Engine::default().instantiate_with(streams)?.exec("print(1)")?;
    /// assert_eq!(captured.take_text(), "1\n");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn new() -> Captured {
        Captured::default()
    }

    /// What was written since the last time.
    ///
    /// ```
    /// # use lunette::Captured;
    /// assert_eq!(Captured::new().take(), b"");
    /// ```
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.bytes())
    }

    /// As [`Captured::take`], as text; bytes that are not UTF-8 are replaced.
    ///
    /// ```
    /// # use lunette::Captured;
    /// assert_eq!(Captured::new().take_text(), "");
    /// ```
    pub fn take_text(&self) -> String {
        String::from_utf8_lossy(&self.take()).into_owned()
    }

    pub(super) fn append(&self, bytes: &[u8]) {
        self.bytes().extend_from_slice(bytes);
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A standard stream of the process.
#[derive(Clone, Copy, Debug)]
pub(super) enum Inherited {
    Input,
    Output,
    Error,
}

impl AsFd for Inherited {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Inherited::Input => rustix::stdio::stdin(),
            Inherited::Output => rustix::stdio::stdout(),
            Inherited::Error => rustix::stdio::stderr(),
        }
    }
}

impl Input {
    pub(super) fn into_backing(self) -> Backing {
        match self {
            Input::Empty => Backing::Reader(Box::new(std::io::empty())),
            Input::Inherited => Backing::Inherited(Inherited::Input),
            Input::Bytes(bytes) => Backing::Reader(Box::new(std::io::Cursor::new(bytes))),
            Input::Reader(reader) => Backing::Reader(reader),
        }
    }
}

impl Output {
    pub(super) fn into_backing(self, inherited: Inherited) -> Backing {
        match self {
            Output::Discarded => Backing::Writer(Box::new(std::io::sink())),
            Output::Inherited => Backing::Inherited(inherited),
            Output::Captured(captured) => Backing::Captured(captured),
            Output::Writer(writer) => Backing::Writer(writer),
        }
    }
}
