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
        let mut is_answered = first.is_some();
        if let Some(first) = first {
            encode(&mut message, &first);
        }
        loop {
            let answer =
                Answer { message: is_answered.then_some(&message[..]), post_failed: self.post_error.is_some() };
            self.connection.answer(answer)?;
            if let Image::From(incoming) = &mut image {
                incoming.read_ahead();
            }
            self.connection.receive(&mut sent, &mut || owner.take_signals())?;
            let served = self.serve(&sent, owner, &mut image, &mut message)?;
            is_answered = matches!(served, Served::Answered);
            match served {
                Served::Answered | Served::Nothing => {}
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
                    if let Some(message) = image.move_part(&message)? {
                        served = reply(&message);
                    }
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

impl Image<'_> {
    /// Moves a part; the answer, if one is wanted.
    fn move_part(&mut self, message: &FromGuest<'_>) -> Result<Option<ToGuest<'_>>, End> {
        // A sink that fails knows why, and takes the rest for nothing.
        Ok(match (self, message) {
            (Image::To(sink), FromGuest::Image(bytes)) => {
                let _ = sink.write(bytes);
                None
            }
            (Image::To(sink), FromGuest::ImageBody) => {
                let _ = sink.begin_body();
                None
            }
            (Image::From(incoming), FromGuest::ReadImage(most)) => {
                let part = incoming.next((*most as usize).min(MOST_SENT));
                Some(ToGuest::Image(part.ok().map(Into::into)))
            }
            (Image::From(incoming), FromGuest::ReadImageBody(flags)) => {
                Some(ToGuest::Image(incoming.begin_body(*flags).ok().map(|()| Vec::new().into())))
            }
            _ => return Err(End::Violation("it moves an image that nobody wants".to_owned())),
        })
    }
}

/// An image that comes from a source, part by part.
struct Incoming<'i> {
    source: &'i mut dyn Source,
    part: Vec<u8>,
    /// The bytes of the part that the guest does not have yet.
    ready: Range<usize>,
    /// Bytes of the part that the guest will ask for next, as far as is known.
    expected: Option<usize>,
    is_in_body: bool,
    has_failed: bool,
}

impl<'i> Incoming<'i> {
    fn new(source: &'i mut dyn Source) -> Incoming<'i> {
        Incoming { source, part: Vec::new(), ready: 0..0, expected: None, is_in_body: false, has_failed: false }
    }

    fn begin_body(&mut self, flags: u16) -> Result<(), SourceFailure> {
        self.is_in_body = true;
        self.source.begin_body(flags)
    }

    /// The next bytes, of which there are fewer only at the end.
    fn next(&mut self, most: usize) -> Result<&[u8], SourceFailure> {
        if self.ready.is_empty() {
            self.fetch(most);
        }
        if self.has_failed {
            return Err(SourceFailure);
        }
        let part = self.ready.start..self.ready.end.min(self.ready.start + most);
        self.ready.start = part.end;
        // Of the body, more may be read than is wanted.
        self.expected = (self.is_in_body && part.len() == most).then_some(most);
        Ok(&self.part[part])
    }

    /// Reads what will be wanted next, while the guest is busy with what it has.
    fn read_ahead(&mut self) {
        if let Some(expected) = self.expected.take_if(|_| self.ready.is_empty()) {
            self.fetch(expected);
        }
    }

    fn fetch(&mut self, most: usize) {
        self.part.resize(most, 0);
        let mut filled = 0;
        while filled < most && !self.has_failed {
            match self.source.read(&mut self.part[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(SourceFailure) => self.has_failed = true,
            }
        }
        self.ready = 0..filled;
    }
}

/// What came of messages.
enum Served {
    /// Nothing was asked.
    Nothing,
    /// There is an answer to the last.
    Answered,
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
