//! What happens between the guest and its owner: commands in, requests out.

use crate::{
    connection::{Answer, Connection, Sent, Signals},
    error::End,
    frames,
};
use lunette_hw_interface::{
    channel::MOST_SENT,
    message::{self, After, CallError, Cause, Collection, Command, Configuration, FromGuest, Outcome, ToGuest, Values},
};
use lunette_interpreter::{
    host::{Host, HostError, Request, Response, Stream, Ticket},
    image::{Sink, Source, SourceFailure},
};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Bytes of output beyond the limit that pass: the runtime keeps the limit itself, and has messages to write.
const OUTPUT_GRACE: u64 = 1 << 16;

/// Who a partition works for.
pub trait Owner {
    /// The home's services, as far as they are granted.
    fn host(&mut self) -> &mut dyn Host;

    /// Calls a function that the partition was given.
    fn call(&mut self, function: u32, arguments: Values) -> Result<Values, CallError>;

    /// What is wanted of the program, said once for each time.
    fn take_signals(&mut self) -> Signals;

    /// A collection was completed, which the guest says if it was told to, and may say if not.
    fn collected(&mut self, collection: Collection) {
        let _ = collection;
    }
}

/// Why a guest waits for its owner.
#[derive(Debug)]
pub enum Event {
    /// It has obeyed a command.
    Outcome(Outcome),
    /// It offers a snapshot: [`Session::write_image`] takes it, [`Session::go_on`] comes last.
    Offer(Cause),
}

/// An image on its way.
enum Image<'i> {
    /// There is none.
    None,
    /// To here.
    To(&'i mut dyn Sink),
    /// From here.
    From(Incoming<'i>),
}

/// A guest that obeys commands.
#[derive(Debug)]
pub struct Session<C> {
    connection: C,
    /// Bytes of output that are allowed, if there is a limit.
    output_left: Option<u64>,
    /// The request that is not answered yet.
    ticket: Option<Ticket>,
    /// Why a posted write failed, until the guest is told.
    post_error: Option<HostError>,
}

/// What a session is beside its connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionState {
    output_left: Option<u64>,
    post_error: Option<HostError>,
}

impl<C: Connection> Session<C> {
    /// Starts a guest that has not run yet, and waits until it is ready.
    ///
    /// # Errors
    /// It does not get there.
    pub fn start(connection: C, output_limit: Option<u64>, owner: &mut dyn Owner) -> Result<Session<C>, End> {
        let mut session = Session::resume(connection, output_limit);
        session.connection.begin()?;
        match session.run(None, owner, Image::None)? {
            Served::Outcome(Outcome::Booted) => Ok(session),
            _ => Err(End::Violation("it does not begin as it should".to_owned())),
        }
    }

    /// A session with a guest that waits for a command, as clones of templates do.
    pub fn resume(connection: C, output_limit: Option<u64>) -> Session<C> {
        let output_left = output_limit.map(|limit| limit.saturating_add(OUTPUT_GRACE));
        Session { connection, output_left, ticket: None, post_error: None }
    }

    /// A session with a guest that has come from another partition: it waits for what becomes of a snapshot, see
    /// [`Session::go_on_here`].
    pub fn arrive(connection: C, state: SessionState) -> Session<C> {
        Session { connection, output_left: state.output_left, ticket: None, post_error: state.post_error }
    }

    /// What the session is beside its connection, while the guest waits after an offer.
    pub fn state(&self) -> SessionState {
        SessionState { output_left: self.output_left, post_error: self.post_error.clone() }
    }

    /// Goes on with a guest that has left another partition at an offer.
    ///
    /// # Errors
    /// The partition has ended.
    pub fn go_on_here(&mut self, owner: &mut dyn Owner) -> Result<Event, End> {
        self.connection.begin()?;
        self.go_on(After::Taken, owner)
    }

    /// The way to the guest.
    pub fn connection(&mut self) -> &mut C {
        &mut self.connection
    }

    /// The way to the guest, when the session is over.
    pub fn into_connection(self) -> C {
        self.connection
    }

    /// Gives a command and waits for what comes of it.
    ///
    /// # Errors
    /// The partition has ended.
    pub fn obey(&mut self, command: Command<'_>, owner: &mut dyn Owner) -> Result<Event, End> {
        self.connection.begin()?;
        self.run(Some(ToGuest::Command(command)), owner, Image::None)?.event()
    }

    /// Gives the command to restore an image, which is read from a source.
    ///
    /// # Errors
    /// The partition has ended.
    pub fn restore(
        &mut self,
        configuration: Configuration,
        owner: &mut dyn Owner,
        source: &mut dyn Source,
    ) -> Result<Event, End> {
        self.connection.begin()?;
        self.run(Some(ToGuest::Command(Command::Restore(configuration))), owner, Image::From(Incoming::new(source)))?
            .event()
    }

    /// Has the image written that was offered. The inner error says why it is not whole.
    ///
    /// # Errors
    /// The partition has ended.
    pub fn write_image(
        &mut self,
        is_compressed: bool,
        owner: &mut dyn Owner,
        sink: &mut dyn Sink,
    ) -> Result<Result<(), String>, End> {
        match self.run(Some(ToGuest::WriteImage { is_compressed }), owner, Image::To(sink))? {
            Served::Written(written) => Ok(written),
            _ => Err(End::Violation("it does not write the image it offers".to_owned())),
        }
    }

    /// Goes on after an offer.
    ///
    /// # Errors
    /// The partition has ended.
    pub fn go_on(&mut self, after: After, owner: &mut dyn Owner) -> Result<Event, End> {
        self.run(Some(ToGuest::After(after)), owner, Image::None)?.event()
    }

    /// Lets the guest have its answer, and serves it until it waits for its owner.
    fn run(&mut self, first: Option<ToGuest<'_>>, owner: &mut dyn Owner, mut image: Image<'_>) -> Result<Served, End> {
        let mut sent = Sent::default();
        let mut message = Vec::new();
        let mut served = Served::Nothing;
        if let Some(first) = first {
            encode(&mut message, &first);
            served = Served::Answered;
        }
        loop {
            let (message_out, is_staged) = match (&served, &image) {
                (Served::Answered, _) => (Some(&message[..]), false),
                (Served::Part, Image::From(incoming)) => incoming.answer(),
                _ => (None, false),
            };
            let post_failed = self.post_error.is_some();
            self.connection.answer(Answer { message: message_out, is_staged, post_failed })?;
            if let Image::From(incoming) = &mut image
                && let Some(ahead) = incoming.read_ahead()
            {
                self.connection.stage(ahead)?;
            }
            self.connection.receive(&mut sent, &mut || owner.take_signals())?;
            served = self.serve(&sent, owner, &mut image, &mut message)?;
            match served {
                Served::Answered | Served::Part | Served::Nothing => {}
                Served::Outcome(outcome) => {
                    self.connection.finish();
                    return Ok(Served::Outcome(outcome));
                }
                served => return Ok(served),
            }
        }
    }

    /// Serves what the guest has sent; an answer takes the place of another.
    fn serve(
        &mut self,
        sent: &Sent,
        owner: &mut dyn Owner,
        image: &mut Image<'_>,
        answer: &mut Vec<u8>,
    ) -> Result<Served, End> {
        let mut served = Served::Nothing;
        for message in frames::messages(sent, self.connection.most_message())? {
            let mut reply = |message: &ToGuest<'_>| {
                encode(answer, message);
                Served::Answered
            };
            match message {
                FromGuest::Post(stream, bytes) => self.write(owner, stream, bytes)?,
                FromGuest::Await(outcome) => served = Served::Outcome(outcome),
                FromGuest::Ask(request) => served = reply(&self.ask(owner, request)?),
                FromGuest::AskAgain => served = reply(&self.complete(owner)?),
                FromGuest::Withdraw => served = reply(&self.withdraw(owner)),
                FromGuest::Call { function, arguments } => {
                    served = reply(&ToGuest::Results(owner.call(function, arguments)));
                }
                FromGuest::Collected(collection) => owner.collected(collection),
                FromGuest::Offer(cause) => served = Served::Offer(cause),
                FromGuest::Written(written) => served = Served::Written(written),
                FromGuest::Image(_) | FromGuest::ImageBody | FromGuest::ReadImage(_) | FromGuest::ReadImageBody(_) => {
                    served = match image.move_part(&message)? {
                        Moved::Out => Served::Nothing,
                        Moved::In => Served::Part,
                        Moved::Begun(begun) => reply(&ToGuest::Image(begun.then(|| Vec::new().into()))),
                    };
                }
            }
        }
        Ok(served)
    }

    /// Writes all of the bytes of a posted write.
    fn write(&mut self, owner: &mut dyn Owner, stream: Stream, mut bytes: &[u8]) -> Result<(), End> {
        self.count_output(bytes.len())?;
        while !bytes.is_empty() && self.post_error.is_none() {
            let ticket = owner.host().submit(Request::Write(stream, bytes));
            let response = loop {
                if let Some(response) = owner.host().complete(ticket) {
                    break response;
                }
                // Whoever should read it may never do so.
                self.connection.watch(&mut || owner.take_signals())?;
            };
            match response {
                Response::Count(count) => bytes = &bytes[count.min(bytes.len())..],
                Response::Failed(error) => self.post_error = Some(error),
                _ => self.post_error = Some(HostError { message: "Input/output error".to_owned(), code: 5 }),
            }
        }
        Ok(())
    }

    fn count_output(&mut self, bytes: usize) -> Result<(), End> {
        if let Some(left) = &mut self.output_left {
            *left = left.checked_sub(bytes as u64).ok_or(End::Output)?;
        }
        Ok(())
    }

    fn ask(&mut self, owner: &mut dyn Owner, request: Request<'_>) -> Result<ToGuest<'static>, End> {
        if let Request::Write(stream, bytes) = request {
            if matches!(stream, Stream::OUTPUT | Stream::ERROR) {
                self.count_output(bytes.len())?;
            }
            if let Some(error) = self.post_error.take() {
                return Ok(ToGuest::Response(Response::Failed(error)));
            }
        }
        self.ticket = Some(owner.host().submit(request));
        self.complete(owner)
    }

    /// Answers the request that waits, or says that it must wait.
    fn complete(&mut self, owner: &mut dyn Owner) -> Result<ToGuest<'static>, End> {
        let Some(ticket) = self.ticket else {
            return Err(End::Violation("it asks again for what it has not asked for".to_owned()));
        };
        Ok(match owner.host().complete(ticket) {
            Some(response) => {
                self.ticket = None;
                ToGuest::Response(response)
            }
            None => ToGuest::NotYet,
        })
    }

    /// Takes the request that waits back.
    fn withdraw(&mut self, owner: &mut dyn Owner) -> ToGuest<'static> {
        let is_withdrawn = self.ticket.is_some_and(|ticket| owner.host().withdraw(ticket));
        if is_withdrawn {
            self.ticket = None;
        }
        ToGuest::Withdrawn(is_withdrawn)
    }
}

/// Puts a message in the place of another.
fn encode(place: &mut Vec<u8>, message: &ToGuest<'_>) {
    place.clear();
    *place = message::append(message, std::mem::take(place));
}

/// What became of a part of an image.
enum Moved {
    /// It has gone out, and nothing is answered.
    Out,
    /// It comes in: [`Incoming::answer`] has it.
    In,
    /// The body begins, or cannot.
    Begun(bool),
}

impl Image<'_> {
    /// Moves a part.
    fn move_part(&mut self, message: &FromGuest<'_>) -> Result<Moved, End> {
        // A sink that fails knows why, and takes the rest for nothing.
        Ok(match (self, message) {
            (Image::To(sink), FromGuest::Image(bytes)) => {
                let _ = sink.write(bytes);
                Moved::Out
            }
            (Image::To(sink), FromGuest::ImageBody) => {
                let _ = sink.begin_body();
                Moved::Out
            }
            (Image::From(incoming), FromGuest::ReadImage(most)) => {
                incoming.next((*most as usize).min(MOST_SENT));
                Moved::In
            }
            (Image::From(incoming), FromGuest::ReadImageBody(flags)) => {
                Moved::Begun(incoming.begin_body(*flags).is_ok())
            }
            _ => return Err(End::Violation("it moves an image that nobody wants".to_owned())),
        })
    }
}

/// An image that comes from a source, part by part. A part becomes a message where it was read.
struct Incoming<'i> {
    source: &'i mut dyn Source,
    /// Room for the start of a message, and bytes of the image.
    buffer: Vec<u8>,
    /// The bytes of the image in it that the guest does not have yet.
    ready: Range<usize>,
    /// The last answer in it.
    answer: Range<usize>,
    /// Bytes of the part that the guest will ask for next, as far as is known.
    expected: Option<usize>,
    /// Bytes that the guest must ask for if it is to have what was made ahead.
    ahead: Option<usize>,
    /// Whether the last answer was made ahead.
    is_ahead: bool,
    is_in_body: bool,
    has_failed: bool,
}

/// Room before the bytes of an image for the start of a message.
const START_ROOM: usize = 16;

impl<'i> Incoming<'i> {
    fn new(source: &'i mut dyn Source) -> Incoming<'i> {
        Incoming {
            source,
            buffer: Vec::new(),
            ready: 0..0,
            answer: 0..0,
            expected: None,
            ahead: None,
            is_ahead: false,
            is_in_body: false,
            has_failed: false,
        }
    }

    fn begin_body(&mut self, flags: u16) -> Result<(), SourceFailure> {
        self.is_in_body = true;
        self.source.begin_body(flags)
    }

    /// Makes the answer with the next bytes, of which there are fewer only at the end.
    fn next(&mut self, most: usize) {
        self.is_ahead = self.ahead.take() == Some(most);
        if self.ready.is_empty() && !self.is_ahead {
            self.fetch(most);
        }
        let part = self.make(most);
        self.ready.start = part.end;
        // Of the body, more may be read than is wanted.
        self.expected = (self.is_in_body && part.len() == most).then_some(most);
    }

    /// The last answer, and whether it was made ahead.
    fn answer(&self) -> (Option<&[u8]>, bool) {
        (Some(&self.buffer[self.answer.clone()]), self.is_ahead)
    }

    /// Makes the answer that will be wanted next, if all that there was is gone.
    fn read_ahead(&mut self) -> Option<&[u8]> {
        let expected = self.expected.take_if(|_| self.ready.is_empty())?;
        self.fetch(expected);
        self.make(expected);
        self.ahead = Some(expected);
        Some(&self.buffer[self.answer.clone()])
    }

    /// Makes an answer of what is ready, but of no more than so many bytes; which of them.
    fn make(&mut self, most: usize) -> Range<usize> {
        if self.has_failed {
            encode(&mut self.buffer, &ToGuest::Image(None));
            self.answer = 0..self.buffer.len();
            return 0..0;
        }
        let part = self.ready.start..self.ready.end.min(self.ready.start + most);
        // What was there before is gone: there is room at least for the start.
        let start = message::before_image(part.len());
        self.answer = part.start - start.len()..part.end;
        self.buffer[self.answer.start..part.start].copy_from_slice(&start);
        part
    }

    fn fetch(&mut self, most: usize) {
        self.buffer.resize(START_ROOM + most, 0);
        let mut end = START_ROOM;
        while end < START_ROOM + most && !self.has_failed {
            match self.source.read(&mut self.buffer[end..]) {
                Ok(0) => break,
                Ok(count) => end += count,
                Err(SourceFailure) => self.has_failed = true,
            }
        }
        self.ready = START_ROOM..end;
    }
}

/// What came of messages.
enum Served {
    /// Nothing was asked.
    Nothing,
    /// There is an answer to the last.
    Answered,
    /// The answer is a part of an image.
    Part,
    /// The last says how a command ended.
    Outcome(Outcome),
    /// A snapshot is offered.
    Offer(Cause),
    /// An image is written.
    Written(Result<(), String>),
}

impl Served {
    fn event(self) -> Result<Event, End> {
        match self {
            Served::Outcome(outcome) => Ok(Event::Outcome(outcome)),
            Served::Offer(cause) => Ok(Event::Offer(cause)),
            _ => Err(End::Violation("it says that it wrote an image nobody wanted".to_owned())),
        }
    }
}
