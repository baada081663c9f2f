//! Snapshots of instances: images that are written while a program runs or rests, and instances that are restored.

use crate::{
    context::{AsContext, Context},
    convert::FromLuaMulti,
    engine::Configuration,
    error::{Error, ImageError, Result},
    host::Streams,
    instance::Instance,
};
use lunette_interpreter::{
    Machine,
    image::{
        self, ObjectName, ReadError, Sink, SinkFailure, Source, SourceFailure, WriteError, WriteOptions,
        snapshot::{Cause, Outcome},
    },
};
use std::{
    io::{self, Read, Write},
    sync::{Arc, atomic::AtomicBool},
};

/// Who writes images: the name of the library and its version.
const PRODUCER: &str = concat!("Lunette ", env!("CARGO_PKG_VERSION"));

/// Why a snapshot is offered; see [`Instance::on_snapshot`].
///
/// ```
/// use lunette::{AfterSnapshot, AsContext, Engine, SnapshotCause};
/// let mut instance = Engine::default().instantiate()?;
/// instance.on_snapshot(|snapshot| {
///     assert_eq!(snapshot.cause(), SnapshotCause::Program);
///     Ok(AfterSnapshot::GoOn)
/// });
/// assert_eq!(instance.eval::<String>("return lunette.snapshot()")?, "saved");
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotCause {
    /// The program has called `lunette.snapshot`.
    Program,
    /// Somebody has asked by a [`SnapshotHandle`].
    Request,
    /// It is time for one; see [`Configuration::snapshot_interval`](crate::Configuration::snapshot_interval).
    Interval,
}

/// How a program goes on after a snapshot.
///
/// ```
/// use lunette::{AfterSnapshot, AsContext, Engine, Error, StopReason};
/// let mut instance = Engine::default().instantiate()?;
/// instance.on_snapshot(|_| Ok(AfterSnapshot::Stop));
/// let stopped = instance.exec("lunette.snapshot()");
/// assert!(matches!(stopped, Err(Error::Stopped(StopReason::Snapshot))));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterSnapshot {
    /// As if nothing had been.
    GoOn,
    /// Not at all, here: the call ends with [`StopReason::Snapshot`](crate::StopReason::Snapshot), and the instance's
    /// finalizers are not called.
    Stop,
}

/// A program that stands still for a snapshot; see [`Instance::on_snapshot`].
///
/// ```
/// use lunette::{AfterSnapshot, AsContext, Engine};
/// let mut instance = Engine::default().instantiate()?;
/// instance.on_snapshot(|snapshot| {
///     let mut image = Vec::new();
///     snapshot.write(&mut image)?;
///     assert!(image.starts_with(b"\x1bLunImg\n"));
///     Ok(AfterSnapshot::GoOn)
/// });
/// instance.exec("lunette.snapshot()")?;
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Debug)]
pub struct Snapshot<'m> {
    of: Of<'m>,
    cause: SnapshotCause,
    /// Whether the program runs elsewhere, or may do so: then it must not go on here, whatever its keeper says.
    is_given_away: bool,
}

/// What is written.
#[derive(Debug)]
enum Of<'m> {
    Instance(Context<'m>),
    #[cfg(feature = "partitions")]
    Partition(&'m mut crate::partition::Offered<'m>),
}

impl Snapshot<'_> {
    /// Why it is offered.
    ///
    /// ```
    /// # use lunette::{AfterSnapshot, AsContext, Engine, SnapshotCause};
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.on_snapshot(|snapshot| match snapshot.cause() {
    ///     SnapshotCause::Request => Ok(AfterSnapshot::Stop),
    ///     _ => Ok(AfterSnapshot::GoOn),
    /// });
    /// instance.exec("lunette.snapshot()")?;
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn cause(&self) -> SnapshotCause {
        self.cause
    }

    /// Writes the image. What the program has written before goes to where it belongs first.
    ///
    /// ```
    /// # use lunette::{AfterSnapshot, AsContext, Engine};
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.on_snapshot(|snapshot| {
    ///     snapshot.write(std::io::sink())?;
    ///     Ok(AfterSnapshot::GoOn)
    /// });
    /// assert_eq!(instance.eval::<String>("return lunette.snapshot()")?, "saved");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn write(&mut self, sink: impl Write) -> Result<()> {
        self.write_to(sink, false)
    }

    /// As [`Snapshot::write`], compressed: smaller, and a little slower.
    ///
    /// ```
    /// # use lunette::{AfterSnapshot, AsContext, Engine};
    /// let engine = Engine::default();
    /// let mut instance = engine.instantiate()?;
    /// instance.on_snapshot(move |snapshot| {
    ///     let (mut large, mut small) = (Vec::new(), Vec::new());
    ///     snapshot.write(&mut large)?;
    ///     snapshot.write_compressed(&mut small)?;
    ///     assert!(small.len() < large.len());
    ///     assert_eq!(engine.inspect(&small[..])?.bytes, large.len() as u64);
    ///     Ok(AfterSnapshot::GoOn)
    /// });
    /// assert_eq!(instance.eval::<String>("return lunette.snapshot()")?, "saved");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    #[cfg(feature = "compression")]
    pub fn write_compressed(&mut self, sink: impl Write) -> Result<()> {
        self.write_to(sink, true)
    }
}

impl<'m> Snapshot<'m> {
    #[cfg(feature = "partitions")]
    pub(crate) fn of_partition(offered: &'m mut crate::partition::Offered<'m>, cause: SnapshotCause) -> Snapshot<'m> {
        Snapshot { of: Of::Partition(offered), cause, is_given_away: false }
    }

    /// Notes that the program must not go on here.
    #[cfg(feature = "migration")]
    pub(crate) fn give_away(&mut self) {
        self.is_given_away = true;
    }

    #[cfg(feature = "partitions")]
    pub(crate) fn is_given_away(&self) -> bool {
        self.is_given_away
    }

    /// The instance's memory, if it can be moved as it is.
    #[cfg(feature = "migration")]
    pub(crate) fn memory(&mut self) -> Option<&mut dyn crate::raw::Memory> {
        match &mut self.of {
            Of::Instance(context) => context.can_leave().then_some(context),
            #[cfg(feature = "partitions")]
            Of::Partition(offered) => offered.can_leave().then_some(*offered),
        }
    }

    fn write_to(&mut self, sink: impl Write, is_compressed: bool) -> Result<()> {
        match &mut self.of {
            Of::Instance(context) => write(context, sink, is_compressed),
            #[cfg(feature = "partitions")]
            Of::Partition(offered) => {
                let mut sink = WriteSink::new(sink, is_compressed);
                let written = offered.write(is_compressed, &mut sink);
                sink.finish_after(written)
            }
        }
    }
}

/// Asks for a snapshot from another thread; see [`Instance::snapshot_handle`].
///
/// A request that comes while nothing runs is answered when something does.
///
/// ```
/// use lunette::{AfterSnapshot, AsContext, Engine, Error, StopReason};
/// let mut instance = Engine::default().instantiate()?;
/// instance.on_snapshot(|_| Ok(AfterSnapshot::Stop));
/// instance.snapshot_handle().request();
/// assert!(matches!(instance.exec("while true do end"), Err(Error::Stopped(StopReason::Snapshot))));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SnapshotHandle(image::snapshot::SnapshotHandle);

impl SnapshotHandle {
    #[cfg(feature = "partitions")]
    pub(crate) fn from_flag(flag: Arc<AtomicBool>) -> SnapshotHandle {
        SnapshotHandle(flag.into())
    }

    /// Asks for a snapshot soon.
    ///
    /// ```
    /// # use lunette::Engine;
    /// Engine::default().instantiate()?.snapshot_handle().request();
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn request(&self) {
        self.0.request();
    }

    /// The flag behind the handle. Setting it asks, which a signal handler can do.
    ///
    /// ```
    /// # use lunette::Engine;
    /// # use std::sync::atomic::Ordering;
    /// let instance = Engine::default().instantiate()?;
    /// instance.snapshot_handle().flag().store(true, Ordering::Release);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.0.flag()
    }
}

/// What an image holds; see [`Engine::inspect`](crate::Engine::inspect).
///
/// ```
/// # use lunette::{AsContext, Engine};
/// let engine = Engine::default();
/// let mut image = Vec::new();
/// engine.instantiate()?.snapshot(&mut image)?;
/// let report = engine.inspect(&image[..])?;
/// assert!(report.producer.starts_with("Lunette ") && !report.is_running && report.files.is_empty());
/// # Ok::<(), lunette::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImageReport {
    /// The version of the format.
    pub version: u16,
    /// Whether the image is compressed.
    pub is_compressed: bool,
    /// Who wrote it.
    pub producer: String,
    /// Its size in bytes when it is not compressed.
    pub bytes: u64,
    /// Whether a program goes on when the image is restored.
    pub is_running: bool,
    /// Bytes of memory that its objects take.
    pub memory: u64,
    /// Each kind of object, the number of objects, and the bytes of the image that they take.
    pub objects: Vec<(&'static str, u64, u64)>,
    /// Each other part and the bytes that it takes.
    pub parts: Vec<(&'static str, u64)>,
    /// The names of the modules.
    pub modules: Vec<String>,
    /// The threads: what each is doing, and where it is.
    pub threads: Vec<(&'static str, String)>,
    /// The paths of the open files.
    pub files: Vec<String>,
}

impl Instance {
    /// Writes an image of the instance while nothing runs in it: its globals and all that can be reached.
    ///
    /// ```
    /// # use lunette::{AsContext, Engine};
    /// let engine = Engine::default();
    /// let mut instance = engine.instantiate()?;
    /// instance.exec("words = {'moon', 'half'}")?;
    /// let mut image = Vec::new();
    /// instance.snapshot(&mut image)?;
    /// let mut restored = engine.restore(&image[..])?;
    /// assert_eq!(restored.eval::<String>("return words[2]")?, "half");
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn snapshot(&mut self, sink: impl Write) -> Result<()> {
        let context = &mut self.as_context();
        context.check_alive()?;
        write(context, sink, false)
    }

    /// Calls a function for every snapshot that the program or somebody else asks for, while the program stands still.
    /// An error that it returns is what `lunette.snapshot` gives to the program.
    ///
    /// While a Rust function is on the stack, snapshots wait for its return, and those that the program asks for are
    /// refused.
    ///
    /// ```
    /// use lunette::{AfterSnapshot, AsContext, Engine, Error};
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.on_snapshot(|_| Err(Error::message("the disk is full")));
    /// let (word, message): (Option<String>, String) = instance.eval("return lunette.snapshot()")?;
    /// assert_eq!((word, message.as_str()), (None, "the disk is full"));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn on_snapshot(&mut self, mut keeper: impl FnMut(&mut Snapshot<'_>) -> Result<AfterSnapshot> + Send + 'static) {
        let keeper = move |machine: &mut Machine, cause| {
            let cause = match cause {
                Cause::Program => SnapshotCause::Program,
                Cause::Request => SnapshotCause::Request,
                Cause::Interval => SnapshotCause::Interval,
            };
            let mut snapshot = Snapshot { of: Of::Instance(Context { machine }), cause, is_given_away: false };
            match keeper(&mut snapshot) {
                _ if snapshot.is_given_away => Outcome::Stop,
                Ok(AfterSnapshot::GoOn) => Outcome::Taken,
                Ok(AfterSnapshot::Stop) => Outcome::Stop,
                Err(error) => Outcome::Refused(error.to_string()),
            }
        };
        self.machine().set_keeper(Some(Box::new(keeper)));
    }

    /// What asks for a snapshot from another thread.
    ///
    /// ```
    /// use lunette::{AfterSnapshot, AsContext, Engine, Error, StopReason};
    /// let mut instance = Engine::default().instantiate()?;
    /// instance.on_snapshot(|_| Ok(AfterSnapshot::Stop));
    /// let handle = instance.snapshot_handle();
    /// let thread = std::thread::spawn(move || instance.exec("while true do end"));
    /// handle.request();
    /// assert!(matches!(thread.join().unwrap(), Err(Error::Stopped(StopReason::Snapshot))));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn snapshot_handle(&self) -> SnapshotHandle {
        SnapshotHandle(self.machine_ref().snapshot_handle())
    }

    /// Whether the instance was restored from a snapshot of a running program, which [`Instance::resume`] goes on with.
    ///
    /// ```
    /// # use lunette::Engine;
    /// assert!(!Engine::default().instantiate()?.is_resumable());
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn is_resumable(&self) -> bool {
        self.machine_ref().is_running()
    }

    /// Goes on with the program that ran when the snapshot was taken from which the instance was restored, and gives
    /// what the call from Rust that it began with would have given. Without such a program there are no values.
    ///
    /// ```
    /// # use lunette::{AfterSnapshot, AsContext, Engine};
    /// # use std::sync::{Arc, Mutex};
    /// let engine = Engine::default();
    /// let image = Arc::new(Mutex::new(Vec::new()));
    /// let mut instance = engine.instantiate()?;
    /// let kept = image.clone();
    /// instance.on_snapshot(move |snapshot| {
    ///     snapshot.write(&mut *kept.lock().unwrap())?;
    ///     Ok(AfterSnapshot::GoOn)
    /// });
    /// let word: String = instance.eval("return lunette.snapshot()")?;
    /// let other: String = engine.restore(&image.lock().unwrap()[..])?.resume()?;
    /// assert_eq!((word.as_str(), other.as_str()), ("saved", "restored"));
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn resume<R: FromLuaMulti>(&mut self) -> Result<R> {
        let context = &mut self.as_context();
        let results = context.resume_raw()?;
        R::from_lua_multi(results, context)
    }
}

/// A writer as the sink of an image.
pub(crate) struct WriteSink<W: Write> {
    writer: Writer<W>,
    is_compressed: bool,
    failure: Option<io::Error>,
}

/// A writer before and after compression begins.
enum Writer<W: Write> {
    Plain(W),
    #[cfg(feature = "compression")]
    Compressed(Box<lz4_flex::frame::FrameEncoder<W>>),
    /// Between the two.
    None,
}

impl<W: Write> WriteSink<W> {
    pub(crate) fn new(writer: W, is_compressed: bool) -> WriteSink<W> {
        WriteSink { writer: Writer::Plain(writer), is_compressed, failure: None }
    }

    /// What came of writing, of which `written` is what the one who wrote says.
    #[cfg(feature = "partitions")]
    pub(crate) fn finish_after(self, written: Result<()>) -> Result<()> {
        if let Some(failure) = &self.failure {
            return Err(image_error(failure));
        }
        written?;
        self.finish().map_err(image_error)
    }

    fn note<T>(&mut self, outcome: io::Result<T>) -> std::result::Result<T, SinkFailure> {
        outcome.map_err(|error| {
            self.failure = Some(error);
            SinkFailure
        })
    }

    fn finish(self) -> io::Result<()> {
        match self.writer {
            Writer::Plain(mut writer) => writer.flush(),
            #[cfg(feature = "compression")]
            Writer::Compressed(encoder) => encoder.finish().map_err(io::Error::other)?.flush(),
            Writer::None => Ok(()),
        }
    }
}

impl<W: Write> Sink for WriteSink<W> {
    fn write(&mut self, bytes: &[u8]) -> std::result::Result<(), SinkFailure> {
        let written = match &mut self.writer {
            Writer::Plain(writer) => writer.write_all(bytes),
            #[cfg(feature = "compression")]
            Writer::Compressed(encoder) => encoder.write_all(bytes),
            Writer::None => Ok(()),
        };
        self.note(written)
    }

    fn begin_body(&mut self) -> std::result::Result<(), SinkFailure> {
        if self.is_compressed {
            self.writer = match std::mem::replace(&mut self.writer, Writer::None) {
                #[cfg(feature = "compression")]
                Writer::Plain(writer) => Writer::Compressed(Box::new(lz4_flex::frame::FrameEncoder::new(writer))),
                other => other,
            };
        }
        Ok(())
    }
}

/// A reader as the source of an image.
pub(crate) struct ReadSource<R: Read> {
    reader: Reader<R>,
    failure: Option<io::Error>,
}

impl<R: Read> ReadSource<R> {
    pub(crate) fn new(reader: R) -> ReadSource<R> {
        ReadSource { reader: Reader::Plain(reader), failure: None }
    }

    /// What came of reading, of which `read` is what the one who read says.
    #[cfg(feature = "partitions")]
    pub(crate) fn finish_after<T>(self, read: Result<T>) -> Result<T> {
        match (read, self.failure) {
            (Err(Error::Image(error)), Some(failure)) => {
                Err(Error::Image(ImageError { message: failure.to_string(), ..error }))
            }
            (read, _) => read,
        }
    }
}

/// A reader before and after expansion begins.
enum Reader<R: Read> {
    Plain(R),
    #[cfg(feature = "compression")]
    Compressed(Box<lz4_flex::frame::FrameDecoder<R>>),
    /// Between the two.
    None,
}

impl<R: Read> Source for ReadSource<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::result::Result<usize, SourceFailure> {
        loop {
            let read = match &mut self.reader {
                Reader::Plain(reader) => reader.read(buffer),
                #[cfg(feature = "compression")]
                Reader::Compressed(decoder) => decoder.read(buffer),
                Reader::None => Ok(0),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // What is compressed was cut off: then there is no more.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                Err(error) => {
                    self.failure = Some(error);
                    return Err(SourceFailure);
                }
                Ok(count) => return Ok(count),
            }
        }
    }

    fn begin_body(&mut self, flags: u16) -> std::result::Result<(), SourceFailure> {
        if flags & image::COMPRESSED == 0 {
            return Ok(());
        }
        self.reader = match std::mem::replace(&mut self.reader, Reader::None) {
            #[cfg(feature = "compression")]
            Reader::Plain(reader) => Reader::Compressed(Box::new(lz4_flex::frame::FrameDecoder::new(reader))),
            #[cfg(not(feature = "compression"))]
            Reader::Plain(_) => {
                self.failure = Some(io::Error::other("compressed images cannot be read here"));
                return Err(SourceFailure);
            }
            other => other,
        };
        Ok(())
    }
}

fn image_error(message: impl ToString) -> Error {
    Error::Image(ImageError { message: message.to_string(), part: String::new(), offset: None })
}

fn write(context: &mut Context<'_>, sink: impl Write, is_compressed: bool) -> Result<()> {
    // What was written belongs to the time before.
    context.flush()?;
    lunette_stdlib::flush_files_from_host(context.machine);
    let names = context.state().object_names();
    let name_of = |number| names.get(&number).cloned().unwrap_or(ObjectName::Object);
    let mut sink = WriteSink::new(sink, is_compressed);
    let options = WriteOptions { is_compressed, producer: PRODUCER, name_of: &name_of };
    let written = context.machine.write_image(options, &mut sink).map_err(|error| match (error, &sink.failure) {
        (WriteError::Sink, Some(failure)) => image_error(failure),
        (WriteError::Memory, _) => Error::Memory,
        (error, _) => image_error(error),
    });
    written?;
    sink.finish().map_err(image_error)
}

fn refused(error: &ReadError, failure: Option<&io::Error>) -> Error {
    let message = failure.map_or_else(|| error.kind.to_string(), ToString::to_string);
    let part = if error.number == 0 { error.part.to_owned() } else { format!("{} {}", error.part, error.number) };
    Error::Image(ImageError { message, part, offset: Some(error.offset) })
}

fn read(instance: &mut Instance, image: impl Read, opens_files: bool) -> Result<image::Content> {
    let mut source = ReadSource::new(image);
    let functions = instance.as_context().state().host_functions.clone();
    let mut objects = std::mem::take(&mut instance.as_context().state().objects);
    let mut find_object = |name: &[u8]| Some(objects.insert(functions.find(std::str::from_utf8(name).ok()?)?));
    let options = image::ReadOptions { find_object: &mut find_object, opens_files };
    let content = instance.machine().read_image(options, &mut source);
    instance.as_context().state().objects = objects;
    content.map_err(|error| {
        // What there is of it must not run.
        instance.as_context().state().is_closed = true;
        refused(&error, source.failure.as_ref())
    })
}

/// The instance of an image.
pub(crate) fn restore(configuration: &Configuration, image: impl Read, streams: Streams) -> Result<Instance> {
    let mut instance = Instance::without_libraries(configuration, streams)?;
    read(&mut instance, image, true)?;
    let machine = instance.machine();
    if configuration.fuel.is_some() {
        machine.set_fuel(configuration.fuel);
    }
    if configuration.output_limit.is_some() {
        machine.set_output_limit(configuration.output_limit);
    }
    instance.set_stress(configuration);
    Ok(instance)
}

/// What an image holds.
pub(crate) fn inspect(configuration: &Configuration, image: impl Read) -> Result<ImageReport> {
    let mut instance = Instance::without_libraries(configuration, Streams::none())?;
    let content = read(&mut instance, image, false)?;
    instance.as_context().state().is_closed = true;
    let machine = instance.machine();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let threads = content.threads.iter().map(|&thread| {
        use lunette_interpreter::coroutine::{DEAD, FAILED, NORMAL, SUSPENDED};
        let status = match machine.thread_status(thread) {
            SUSPENDED => "suspended",
            NORMAL => "normal",
            DEAD | FAILED => "dead",
            _ => "running",
        };
        (status, text(&machine.traceback(thread, None, 0)))
    });
    let threads = threads.collect();
    Ok(ImageReport {
        version: content.header.version,
        is_compressed: content.header.is_compressed,
        producer: text(&content.header.producer),
        bytes: content.bytes,
        is_running: machine.is_running(),
        memory: machine.heap.used_bytes(),
        objects: content.objects,
        parts: content.parts,
        modules: content.modules.iter().map(|&name| text(machine.bytes(name))).collect(),
        threads,
        files: content.files.iter().map(|path| text(path)).collect(),
    })
}
