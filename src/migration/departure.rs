//! The end from which a program leaves.

use super::{
    channel::{Channel, broken},
    key::MigrationKey,
    protocol::{Form, IMAGE_PART, MOST_REST, Message, VERSION},
};
use crate::{
    error::{Error, Result},
    raw::{self, Memory, Origin, Pages},
    snapshot::{Snapshot, SnapshotCause, SnapshotHandle},
};
use lunette_pages::Batch;
use std::{
    fmt,
    io::{self, Read, Write},
    sync::mpsc::{self, Receiver, TryRecvError},
    time::{Duration, Instant},
};

/// What a migration took.
///
/// ```no_run
/// # fn f(report: lunette::MigrationReport) {
/// println!("stood still for {:?}, {} bytes", report.downtime, report.bytes);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationReport {
    /// How long the program stood still, from its last step here to the word that it runs there.
    pub downtime: Duration,
    /// How long it took in all.
    pub duration: Duration,
    /// Bytes that were sent and received.
    pub bytes: u64,
}

/// How far a program is on its way; see [`Departure::attend`].
///
/// ```no_run
/// # use lunette::{AfterSnapshot, Departing};
/// # fn f(departing: Departing) -> AfterSnapshot {
/// match departing {
///     Departing::Underway => AfterSnapshot::GoOn,
///     Departing::Gone(_) | Departing::Unknown(_) => AfterSnapshot::Stop,
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub enum Departing {
    /// The program goes on here for the time being. It will be asked for a snapshot again.
    Underway,
    /// It runs at the other end, and must not run here any more.
    Gone(MigrationReport),
    /// It was given away, but no word came back that it runs. It must not run here any more, unless somebody makes sure
    /// that it does not run there: whoever keeps it writes an image of it now.
    Unknown(std::string::String),
}

/// The least and the most bytes of memory that are taken while the program stands still for a moment,
const LEAST_BATCH: u64 = 1 << 21;
const MOST_BATCH: u64 = 1 << 25;
/// and for how long that may be.
const MOMENT: Duration = Duration::from_millis(8);
/// For how long the program may stand still when the last pages are taken and sent, as far as can be foreseen.
const STANDSTILL: Duration = Duration::from_millis(8);
/// What is to be done beside that.
const BESIDE: Duration = Duration::from_millis(2);
/// After so many times through all memory the program may stand still twice as long each time: it writes faster than
/// pages can be sent.
const SWEEPS: u32 = 3;
/// Where all that was written to meanwhile can be had in a moment, it is tried so many times before it may be twice as
/// long: another time there is less.
const TRIES: u32 = 8;

/// A connection that is ready for the next step.
struct Connected<S> {
    channel: Channel<S>,
    form: Form,
    /// Bytes of memory that are sent in a second.
    rate: f64,
    /// Bytes that are taken next.
    batch: u64,
    /// How often nothing was left beside them.
    tries: u32,
}

/// What another thread gives when it is done; only then it asks for a snapshot.
type Work<T> = Receiver<Result<T>>;

/// A program on its way to another process.
///
/// It is to be asked at each snapshot that is requested, and says how the program goes on:
///
/// ```
/// use lunette::{AfterSnapshot, Data, Departing, Departure, Engine, MigrationKey, Streams};
/// use std::os::unix::net::UnixStream;
/// let (here, there) = UnixStream::pair().map_err(lunette::Error::external)?;
/// let key = MigrationKey::new(&[7; 32])?;
/// let other_key = key.clone();
/// let receiver = std::thread::spawn(move || {
///     Engine::default().receive(there, &other_key, Streams::none())?.resume()
/// });
///
/// let mut tenant = Engine::default().tenant(Streams::none())?;
/// let mut departure = Departure::begin(tenant.snapshot_handle(), move || Ok(here), &key);
/// tenant.on_snapshot(move |snapshot| match departure.attend(snapshot)? {
///     Departing::Underway => Ok(AfterSnapshot::GoOn),
///     Departing::Gone(_) => Ok(AfterSnapshot::Stop),
///     Departing::Unknown(_) => {
///         snapshot.write(std::io::sink())?;
///         Ok(AfterSnapshot::Stop)
///     }
/// });
/// let program = "local n = 0; while n < 3e8 do n = n + 1 end; return n";
/// let here = tenant.run_file(program, "=count", &[]);
/// assert!(here.is_err(), "it has left");
/// assert_eq!(receiver.join().unwrap()?, [Data::Integer(300_000_000)]);
/// # Ok::<(), lunette::Error>(())
/// ```
pub struct Departure<S> {
    handle: SnapshotHandle,
    start: Instant,
    /// What is being done by another thread while the program runs; it asks for a snapshot when it is done: connecting,
    opening: Option<Work<Channel<S>>>,
    /// and all that follows.
    underway: Option<Work<Connected<S>>>,
    /// Whether it is noted what changes in memory.
    is_leaving: bool,
}

impl<S> fmt::Debug for Departure<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Departure").field("is_underway", &self.underway.is_some()).finish_non_exhaustive()
    }
}

impl<S: Read + Write + Send + 'static> Departure<S> {
    /// Begins to connect to the other end, while the program runs on; `handle` is that of its instance. The stream should
    /// have time limits for reading and writing: a program that has stopped waits for the other end.
    ///
    /// ```
    /// # use lunette::{Departure, Engine, MigrationKey, Streams};
    /// # use std::net::TcpStream;
    /// let tenant = Engine::default().tenant(Streams::none())?;
    /// let connect = || TcpStream::connect("127.0.0.1:1");
    /// let departure = Departure::begin(tenant.snapshot_handle(), connect, &MigrationKey::new(&[7; 32])?);
    /// # Ok::<(), lunette::Error>(())
    /// ```
    pub fn begin(
        handle: SnapshotHandle,
        connect: impl FnOnce() -> io::Result<S> + Send + 'static,
        key: &MigrationKey,
    ) -> Departure<S> {
        let key = key.clone();
        let mut departure =
            Departure { handle, start: Instant::now(), underway: None, opening: None, is_leaving: false };
        departure.opening = Some(departure.work(move || {
            let stream = connect().map_err(|error| Error::message(format_args!("cannot connect: {error}")))?;
            let channel = Channel::initiate(stream, &key)?;
            // Takes a while, for the first time.
            raw::build();
            Ok(channel)
        }));
        departure
    }

    /// Has another thread do something, and ask for a snapshot when it is done.
    fn work<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Work<T> {
        let handle = self.handle.clone();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            // Dropped last, even if the work panics: who attends finds what came of it.
            let _asks = AskWhenDropped(handle);
            let sender = sender;
            // Who has given up the migration does not wait for it.
            let _ = sender.send(work());
        });
        receiver
    }

    /// Goes on with the migration while the program stands still at a snapshot, which may have been asked for by others as
    /// well. An error says why the program stays: it goes on here, and the migration has ended.
    ///
    /// ```no_run
    /// # use lunette::{Departing, Departure, Result, Snapshot};
    /// # fn f(departure: &mut Departure<std::net::TcpStream>, snapshot: &mut Snapshot<'_>) -> Result<()> {
    /// if let Departing::Gone(report) = departure.attend(snapshot)? {
    ///     println!("it stood still for {:?}", report.downtime);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn attend(&mut self, snapshot: &mut Snapshot<'_>) -> Result<Departing> {
        if snapshot.cause() != SnapshotCause::Request {
            return Ok(Departing::Underway);
        }
        if let Some(channel) = outcome(&mut self.opening) {
            let channel = channel?;
            let origin = snapshot.memory().and_then(|memory| memory.origin());
            self.underway = Some(self.work(move || introduce(channel, origin)));
            return Ok(Departing::Underway);
        }
        let Some(connected) = outcome(&mut self.underway) else {
            return match (&self.opening, &self.underway) {
                (None, None) => Err(Error::message("the migration has ended")),
                _ => Ok(Departing::Underway),
            };
        };
        let outcome = connected.and_then(|connected| self.proceed(connected, snapshot));
        if let Err(_) | Ok(Departing::Unknown(_)) = &outcome
            && let Some(memory) = snapshot.memory()
        {
            // It stays, whatever comes of this.
            let _ = memory.set_leaving(false);
        }
        outcome
    }

    fn proceed(&mut self, mut connected: Connected<S>, snapshot: &mut Snapshot<'_>) -> Result<Departing> {
        let stop = Instant::now();
        match connected.form {
            Form::Image => send_image(&mut connected.channel, snapshot)?,
            Form::Pages => {
                let Some(memory) = snapshot.memory() else {
                    return Err(Error::message("its memory cannot be moved as it is any more"));
                };
                if !self.is_leaving {
                    memory.set_leaving(true)?;
                    self.is_leaving = true;
                }
                let pages = connected.take_pages(memory)?;
                if connected.standstill(&pages, stop) > connected.allowed(&pages) {
                    self.underway = Some(self.work(move || connected.send_pages(pages.batch)));
                    return Ok(Departing::Underway);
                }
                send_last(&mut connected.channel, pages.batch, memory)?;
            }
        }
        let channel = &mut connected.channel;
        expect(channel, |answer| matches!(answer, Message::Prepared).then_some(()))?;
        // From here on nobody knows, unless the other end says so.
        snapshot.give_away();
        let taken = channel
            .send(&Message::Commit)
            .and_then(|()| expect(channel, |answer| matches!(answer, Message::Taken).then_some(())));
        let downtime = stop.elapsed();
        match taken {
            Ok(()) => {
                if let Some(memory) = snapshot.memory() {
                    memory.forget();
                }
                let duration = self.start.elapsed();
                Ok(Departing::Gone(MigrationReport { downtime, duration, bytes: channel.bytes }))
            }
            Err(error) => Ok(Departing::Unknown(error.to_string())),
        }
    }
}

impl<S: Read + Write> Connected<S> {
    /// Takes as many pages as can be had in a moment.
    fn take_pages(&mut self, memory: &mut dyn Memory) -> Result<Pages> {
        let start = Instant::now();
        let pages = memory.take_pages(self.batch)?;
        let next = self.batch as f64 * MOMENT.as_secs_f64() / start.elapsed().as_secs_f64();
        self.tries += u32::from(pages.left == 0);
        self.batch = (next as u64).clamp(self.batch / 2, self.batch * 2).clamp(LEAST_BATCH, MOST_BATCH);
        Ok(pages)
    }

    /// For how many seconds the program, which has stopped, will have stood still if it goes with these pages.
    fn standstill(&self, pages: &Pages, stop: Instant) -> f64 {
        let bytes = pages.batch.content.len() as u64 + pages.left;
        (stop.elapsed() + BESIDE).as_secs_f64() + bytes as f64 / self.rate.max(1.0)
    }

    /// For how many seconds it may.
    fn allowed(&self, pages: &Pages) -> f64 {
        let sweeps = pages.sweeps.saturating_sub(self.tries).saturating_sub(SWEEPS);
        STANDSTILL.saturating_mul(2_u32.saturating_pow(sweeps + self.tries / TRIES)).as_secs_f64()
    }

    /// Sends pages while the program runs, and waits until they are taken up.
    fn send_pages(mut self, batch: Batch) -> Result<Connected<S>> {
        let start = Instant::now();
        let bytes = batch.content.len();
        self.channel.send(&Message::Pages(batch))?;
        self.channel.send(&Message::Check)?;
        expect(&mut self.channel, |answer| matches!(answer, Message::Placed).then_some(()))?;
        self.rate = bytes as f64 / start.elapsed().as_secs_f64();
        Ok(self)
    }
}

/// What came of the work, if it is done; there is none any more then.
fn outcome<T>(work: &mut Option<Work<T>>) -> Option<Result<T>> {
    let outcome = match work.as_ref()?.try_recv() {
        Ok(outcome) => outcome,
        Err(TryRecvError::Empty) => return None,
        Err(TryRecvError::Disconnected) => Err(Error::message("the migration has failed")),
    };
    *work = None;
    Some(outcome)
}

/// Asks for a snapshot when it is dropped.
struct AskWhenDropped(SnapshotHandle);

impl Drop for AskWhenDropped {
    fn drop(&mut self) {
        self.0.request();
    }
}

/// Says what is to come; in which form it is wanted.
fn introduce<S: Read + Write>(mut channel: Channel<S>, origin: Option<Origin>) -> Result<Connected<S>> {
    channel.send(&Message::Hello { version: VERSION, origin })?;
    let form = expect(&mut channel, |answer| match answer {
        Message::Welcome(form) => Some(*form),
        _ => None,
    })?;
    Ok(Connected { channel, form, rate: 0.0, batch: LEAST_BATCH, tries: 0 })
}

/// Sends what is left when the program has stopped.
fn send_last<S: Read + Write>(channel: &mut Channel<S>, batch: Batch, memory: &mut dyn Memory) -> Result<()> {
    channel.send(&Message::Pages(batch))?;
    let rest = memory.rest()?;
    if rest.len() > MOST_REST {
        return Err(Error::message("the program has too much open"));
    }
    loop {
        let pages = memory.take_pages(MOST_BATCH)?;
        channel.send(&Message::Pages(pages.batch))?;
        if pages.left == 0 {
            return channel.send(&Message::Rest(&rest));
        }
    }
}

fn send_image<S: Read + Write>(channel: &mut Channel<S>, snapshot: &mut Snapshot<'_>) -> Result<()> {
    let mut parts = Parts { channel, part: Vec::with_capacity(IMAGE_PART), failure: None };
    let written = snapshot.write(&mut parts);
    parts.finish(written)
}

/// Waits for an answer, of which something is wanted.
fn expect<S: Read + Write, T>(channel: &mut Channel<S>, wanted: impl FnOnce(&Message<'_>) -> Option<T>) -> Result<T> {
    let answer = channel.receive()?;
    match Message::read(&answer)? {
        Message::Refused(reason) => Err(Error::message(format_args!("the other end refuses: {reason}"))),
        answer => wanted(&answer).ok_or_else(|| broken("the other end talks out of order")),
    }
}

/// Sends what is written as parts of an image.
struct Parts<'c, S> {
    channel: &'c mut Channel<S>,
    part: Vec<u8>,
    failure: Option<Error>,
}

impl<S: Read + Write> Parts<'_, S> {
    fn send(&mut self) -> io::Result<()> {
        let sent = self.channel.send(&Message::Image(&self.part));
        self.part.clear();
        sent.map_err(|error| {
            self.failure = Some(error);
            io::ErrorKind::BrokenPipe.into()
        })
    }

    /// What came of an image, of which `written` is what the one who wrote it says. Says that it is complete.
    fn finish(mut self, written: Result<()>) -> Result<()> {
        let outcome = written.and_then(|()| {
            if !self.part.is_empty() {
                self.send().map_err(Error::external)?;
            }
            self.send().map_err(Error::external)
        });
        match self.failure {
            Some(failure) => Err(failure),
            None => outcome,
        }
    }
}

impl<S: Read + Write> Write for Parts<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(IMAGE_PART - self.part.len());
        self.part.extend_from_slice(&bytes[..count]);
        if self.part.len() == IMAGE_PART {
            self.send()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
