//! The messages, and their form as bytes.
//!
//! The form is `postcard`'s: enumerations by index, integers as variable-length numbers, bytes after their length.

use alloc::{
    borrow::Cow,
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};
use lunette_interpreter::{
    code_cache::CodeFigures,
    host::{HostError, Request, Response, Stream},
    pauses::Pauses,
    profile::Profile,
    typed::native::report::{NativeExitReport, NativeFunctionReport},
};
use postcard::{Deserializer, de_flavors::Flavor};
use serde::{Deserialize, Serialize};

/// The most that a message may cost, however much memory its sender has.
pub const MOST_COST: usize = 1 << 30;
/// What each number in a message costs: as much memory as it can take when it is read, a token of its own.
pub const NUMBER_COST: usize = size_of::<Token>();
/// How deep tables that cross the wall may be nested.
pub const MOST_DEPTH: usize = 100;

/// From the guest.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromGuest<'a> {
    /// Write all of the bytes. Nothing is answered; an error is answered to the next write that is asked for.
    Post(Stream, #[serde(with = "serde_bytes")] &'a [u8]),
    /// A request to the home, answered by [`ToGuest::Response`] or [`ToGuest::NotYet`].
    #[serde(borrow)]
    Ask(Request<'a>),
    /// The answer to the last request is still wanted, answered likewise.
    AskAgain,
    /// A command was obeyed, with this outcome; the next is answered by [`ToGuest::Command`].
    Await(Outcome),
    /// The last request is taken back if it has had no effect, answered by [`ToGuest::Withdrawn`].
    Withdraw,
    /// A snapshot can be taken, answered by [`ToGuest::WriteImage`] or [`ToGuest::After`].
    Offer(Cause),
    /// The next part of an image. Nothing is answered.
    Image(#[serde(with = "serde_bytes")] &'a [u8]),
    /// The header of an image is written; the body follows. Nothing is answered.
    ImageBody,
    /// The image is written, or not, for this reason; answered by [`ToGuest::After`].
    Written(Result<(), String>),
    /// At most so many bytes of the image that is restored, answered by [`ToGuest::Image`].
    ReadImage(u32),
    /// The header, with these flags, of the image that is restored is read, answered by [`ToGuest::Image`].
    ReadImageBody(u16),
    /// A collection was completed, as [`Command::TellCollections`] has asked to be told. Nothing is answered.
    Collected(Collection),
    /// Call a function of the host, answered by [`ToGuest::Results`].
    Call {
        /// Its number.
        function: u32,
        /// Its arguments.
        arguments: Values,
    },
}

/// To the guest.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToGuest<'a> {
    /// The answer to a request.
    Response(Response),
    /// There is no answer yet: limits and interrupts are to be looked at.
    NotYet,
    /// Whether the request was taken back.
    Withdrawn(bool),
    /// Write an image.
    WriteImage {
        /// Whether what follows its header will be compressed.
        is_compressed: bool,
    },
    /// How the program goes on after an offer.
    After(After),
    /// Bytes of an image, none at its end; `None` if there are no more to be had.
    #[serde(borrow)]
    Image(#[serde(with = "serde_bytes")] Option<Cow<'a, [u8]>>),
    /// The answer of a function of the host.
    Results(Result<Values, CallError>),
    /// What to do next.
    #[serde(borrow)]
    Command(Command<'a>),
}

/// A collection that was completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// Whether it was of all objects, not of young ones.
    pub is_full: bool,
    /// Bytes in use when it began.
    pub before: u64,
    /// Bytes of the objects that survived it.
    pub after: u64,
    /// Nanoseconds that its last step took.
    pub pause: u64,
}

/// Why a snapshot is offered, as the interpreter has it.
#[allow(missing_docs, reason = "as the interpreter's")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    Program,
    Request,
    Interval,
}

/// What became of an offer, as the interpreter has it.
#[allow(missing_docs, reason = "as the interpreter's")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum After {
    Taken,
    Stop,
    Refused(String),
}

impl FromGuest<'_> {
    /// Whether nothing is answered to the message.
    pub fn is_posted(&self) -> bool {
        matches!(self, FromGuest::Post(..) | FromGuest::Image(_) | FromGuest::ImageBody | FromGuest::Collected(_))
    }
}

/// Why a function of the host has no results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CallError {
    /// An error, to be thrown with this value.
    Thrown(Values),
    /// The instance is to stop.
    Stop,
}

/// What the guest does for the monitor.
#[derive(Debug, Serialize, Deserialize)]
pub enum Command<'a> {
    /// Make the instance.
    Start(Configuration),
    /// Make the instance from an image, which is read by [`FromGuest::ReadImage`].
    Restore(Configuration),
    /// Go on with the program of a restored instance.
    Resume {
        /// Whether what it returns is wanted.
        wants_results: bool,
    },
    /// Offer a snapshot of the instance, which is idle.
    Snapshot,
    /// Limits from now on, and new random state: for clones of a template. The answer has the names that the template
    /// was told for [`Configuration::functions`].
    Renew {
        /// The most bytes of its heap, if that is less than before.
        memory_limit: Option<u64>,
        /// Fuel.
        fuel: Option<u64>,
        /// Nanoseconds for each command.
        time_limit: Option<u64>,
        /// Bytes of output.
        output_limit: Option<u64>,
        /// Seed of the random numbers.
        seed: (i64, i64),
    },
    /// Load a program, source or compiled, and call it.
    Run {
        /// Its name, as `load` has it.
        #[serde(with = "serde_bytes")]
        name: &'a [u8],
        /// What is in its file.
        #[serde(with = "serde_bytes")]
        content: &'a [u8],
        /// Its arguments.
        arguments: Values,
        /// Whether what it returns is wanted.
        wants_results: bool,
    },
    /// Run what was typed at a prompt, and print what it gives.
    Enter(#[serde(with = "serde_bytes")] &'a [u8]),
    /// Say whether what was typed at a prompt is a program.
    Check(#[serde(with = "serde_bytes")] &'a [u8]),
    /// Give the names that can stand for the last one in a text, after where in the text that begins.
    Complete(&'a str),
    /// Call a global function.
    Call {
        /// Its name.
        #[serde(with = "serde_bytes")]
        name: &'a [u8],
        /// Its arguments.
        arguments: Values,
    },
    /// Give the value of a global variable.
    Get(#[serde(with = "serde_bytes")] &'a [u8]),
    /// Set a global variable.
    Set {
        /// Its name.
        #[serde(with = "serde_bytes")]
        name: &'a [u8],
        /// Its value.
        value: Values,
    },
    /// Give the figures.
    Statistics,
    /// Say what became machine code.
    MachineCode,
    /// Give the forms of the functions of this name on their way to machine code.
    Explain(&'a str),
    /// Take samples of what runs from now on, after each so many nanoseconds.
    StartProfile(u64),
    /// End that, and give what was found out.
    TakeProfile,
    /// Tell of collections from now on.
    TellCollections,
    /// End the instance as `lua_close` does.
    Close,
}

/// How the instance is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    /// The most bytes of its heap.
    pub memory_limit: Option<u64>,
    /// Fuel.
    pub fuel: Option<u64>,
    /// Nanoseconds for each command.
    pub time_limit: Option<u64>,
    /// Bytes of output.
    pub output_limit: Option<u64>,
    /// Indices of the libraries in `Library::ALL`.
    pub libraries: Vec<u8>,
    /// Whether environment variables that configure the library are ignored.
    pub ignores_environment: bool,
    /// When functions are compiled to machine code.
    pub compiling: Compiling,
    /// The most bytes of machine code.
    pub code_limit: Option<u64>,
    /// Whether what is needed to report about that is kept.
    pub reports_machine_code: bool,
    /// Collect after so many allocations; 0 for no stress.
    pub collection_stress: u32,
    /// Offer a snapshot at every chance of this number; 0 for never.
    pub snapshot_interval: u32,
    /// Names of functions of the host, whose numbers are their places here: images know them by these.
    pub functions: Vec<String>,
}

/// When functions are compiled to machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compiling {
    /// Never.
    Never,
    /// When they are hot.
    Hot,
    /// When they are loaded, as far as that can be.
    Loaded,
    /// The same, and left at random.
    Chaos,
}

/// Values that cross the wall as copies, each as its token; that of a table is followed by its keys and values. A flat
/// form, so that reading it does not recurse as deep as a hostile guest likes.
pub type Values = Vec<Token>;

/// A value, or the beginning of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Token {
    /// Nil.
    Nil,
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A string.
    String(#[serde(with = "serde_bytes")] Vec<u8>),
    /// A table of so many pairs, in the order of its traversal.
    Table(u32),
    /// A function of the host, by its number.
    HostFunction(u32),
}

/// How obeying a command ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// The guest has just been started.
    Booted,
    /// It is done, with these values.
    Returned(Values),
    /// Figures.
    Statistics(Box<Statistics>),
    /// What became machine code, where it is left, and figures.
    MachineCode(Vec<NativeFunctionReport>, Vec<NativeExitReport>, CodeFigures),
    /// What functions became on their way to machine code.
    Explanations(Vec<Explanation>),
    /// What was found out about what ran.
    Profile(Profile),
    /// It failed.
    Failed(Failure),
}

/// What a function becomes on its way to machine code, as the compiler has it.
#[allow(missing_docs, reason = "as the compiler's")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    pub ir: String,
    pub clif: String,
    pub assembly: String,
}

/// Figures of an instance, as the machine has them.
#[allow(missing_docs, reason = "as the machine's")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    pub fuel_used: u64,
    pub allocated_bytes: u64,
    pub used_bytes: u64,
    pub peak_bytes: u64,
    pub touched_bytes: u64,
    pub minor_collections: u64,
    pub full_collections: u64,
    pub collection_steps: u64,
    pub pauses: Pauses,
    pub native_functions: u64,
}

/// Why a command failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Failure {
    /// Source text is not a program.
    Syntax {
        /// The message.
        message: String,
        /// Line.
        line: u32,
        /// Column in bytes.
        column: u32,
        /// Bytes of what is wrong.
        length: u64,
        /// Text of the line.
        source_line: String,
        /// Whether the text ends too early.
        at_end: bool,
    },
    /// A compiled program is malformed.
    Malformed(String),
    /// An error nobody caught.
    Runtime {
        /// The error value as text.
        message: String,
        /// Where it happened.
        traceback: String,
        /// The error value, if it can leave.
        value: Option<Values>,
        /// Name of its type.
        type_name: String,
    },
    /// An image that cannot be restored.
    Image {
        /// What is wrong.
        message: String,
        /// The part and the number of the object in it.
        part: String,
        /// How many bytes of the image, expanded, were read.
        offset: u64,
    },
    /// Not enough memory.
    Memory,
    /// The instance was stopped.
    Stopped(StopReason),
    /// A value that cannot cross the wall.
    Value(String),
}

/// As the interpreter's.
#[allow(missing_docs, reason = "as the interpreter's")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopReason {
    Fuel,
    Time,
    Interrupt,
    Output,
    Snapshot,
    Exit(i32),
}

/// Bytes that are no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The message in the bytes, all of which belong to it.
///
/// # Errors
/// The bytes are no message.
pub fn read<'a, M: Deserialize<'a>>(bytes: &'a [u8]) -> Result<M, Malformed> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        _ => Err(Malformed),
    }
}

/// As [`read`], of bytes of unknown origin: the message takes no more memory than `most` bytes. Each number costs
/// [`NUMBER_COST`], and other bytes what they are.
///
/// # Errors
/// The bytes are no message, or one that costs more.
pub fn read_within<'a, M: Deserialize<'a>>(bytes: &'a [u8], most: usize) -> Result<M, Malformed> {
    let mut deserializer = Deserializer::from_flavor(Charged { rest: bytes, left: most, goes_on: false });
    let message = M::deserialize(&mut deserializer).map_err(|_| Malformed)?;
    match deserializer.finalize() {
        Ok([]) => Ok(message),
        _ => Err(Malformed),
    }
}

/// Bytes whose reading is paid for.
struct Charged<'a> {
    rest: &'a [u8],
    left: usize,
    /// Whether the next byte belongs to the number of the last.
    goes_on: bool,
}

impl Charged<'_> {
    fn pay(&mut self, cost: usize) -> postcard::Result<()> {
        self.left = self.left.checked_sub(cost).ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
        Ok(())
    }
}

impl<'a> Flavor<'a> for Charged<'a> {
    type Remainder = &'a [u8];
    type Source = &'a [u8];

    fn pop(&mut self) -> postcard::Result<u8> {
        let (&byte, rest) = self.rest.split_first().ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
        self.pay(if self.goes_on { 0 } else { NUMBER_COST })?;
        self.goes_on = byte & 0x80 != 0;
        self.rest = rest;
        Ok(byte)
    }

    fn try_take_n(&mut self, count: usize) -> postcard::Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
        self.pay(count)?;
        self.goes_on = false;
        self.rest = rest;
        Ok(taken)
    }

    fn finalize(self) -> postcard::Result<&'a [u8]> {
        Ok(self.rest)
    }
}

impl Token {
    /// The most that it costs in a message.
    pub fn cost(&self) -> usize {
        let bytes = match self {
            Token::String(bytes) => bytes.len(),
            Token::Float(_) => size_of::<f64>(),
            _ => 0,
        };
        2 * NUMBER_COST + bytes
    }
}

/// Appends a message to bytes.
pub fn append<M: Serialize>(message: &M, bytes: Vec<u8>) -> Vec<u8> {
    match postcard::to_extend(message, bytes) {
        Ok(bytes) => bytes,
        // Growing a vector does not fail, and every type here says its length.
        Err(error) => unreachable!("messages can be written: {error}"),
    }
}

/// What stands in a message before the bytes that [`ToGuest::Image`] has, for those who do not want to copy them.
pub fn before_image(length: usize) -> Vec<u8> {
    let mut start = append(&ToGuest::Image(Some(Cow::Borrowed(&[]))), Vec::new());
    // The length of none.
    start.pop();
    append(&length, start)
}

/// The error of a request that got no proper answer.
pub fn broken_channel() -> Response {
    Response::Failed(HostError { message: "Input/output error".to_string(), code: 5 })
}
