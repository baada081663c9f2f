//! What happens between the guest and its owner: commands in, requests out.

use crate::{
    connection::{Answer, Connection, Sent},
    error::End,
    frames,
};
use lunette_hw_interface::message::{self, CallError, Command, FromGuest, Outcome, ToGuest, Values};
use lunette_interpreter::host::{Host, HostError, Request, Response, Stream, Ticket};

/// Bytes of output beyond the limit that pass: the runtime keeps the limit itself, and has messages to write.
const OUTPUT_GRACE: u64 = 1 << 16;

/// Who a partition works for.
pub trait Owner {
    /// The home's services, as far as they are granted.
    fn host(&mut self) -> &mut dyn Host;

    /// Calls a function that the partition was given.
    fn call(&mut self, function: u32, arguments: Values) -> Result<Values, CallError>;

    /// Whether the program is to stop; said once for each interrupt.
    fn take_interrupt(&mut self) -> bool;
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

impl<C: Connection> Session<C> {
    /// Starts a guest that has not run yet, and waits until it is ready.
    ///
    /// # Errors
    /// It does not get there.
    pub fn start(connection: C, output_limit: Option<u64>, owner: &mut dyn Owner) -> Result<Session<C>, End> {
        let mut session = Session::resume(connection, output_limit);
        match session.run(None, owner)? {
            Outcome::Booted => Ok(session),
            other => Err(End::Violation(format!("it begins with {other:?}"))),
        }
    }

    /// A session with a guest that waits for a command, as clones of templates do.
    pub fn resume(connection: C, output_limit: Option<u64>) -> Session<C> {
        let output_left = output_limit.map(|limit| limit.saturating_add(OUTPUT_GRACE));
        Session { connection, output_left, ticket: None, post_error: None }
    }

    /// The way to the guest.
    pub fn connection(&mut self) -> &mut C {
        &mut self.connection
    }

    /// The way to the guest, when the session is over.
    pub fn into_connection(self) -> C {
        self.connection
    }

    /// Gives a command and waits for the outcome.
    ///
    /// # Errors
    /// The partition has ended.
    pub fn obey(&mut self, command: Command<'_>, owner: &mut dyn Owner) -> Result<Outcome, End> {
        self.run(Some(ToGuest::Command(command)), owner)
    }

    /// Lets the guest have its answer, and serves it until it awaits the next command.
    fn run(&mut self, first: Option<ToGuest<'_>>, owner: &mut dyn Owner) -> Result<Outcome, End> {
        self.connection.begin()?;
        let mut message = first.map(|message| message::append(&message, Vec::new()));
        loop {
            let post_failed = self.post_error.is_some();
            let answer = Answer { message: message.take().map(Into::into), post_failed };
            let sent = self.connection.exchange(answer, &mut || owner.take_interrupt())?;
            match self.serve(&sent, owner)? {
                Served::Answer(answer) => message = Some(message::append(&answer, Vec::new())),
                Served::Nothing => {}
                Served::Outcome(outcome) => {
                    self.connection.finish();
                    return Ok(outcome);
                }
            }
        }
    }

    fn serve(&mut self, sent: &Sent, owner: &mut dyn Owner) -> Result<Served, End> {
        let mut served = Served::Nothing;
        for message in frames::messages(sent, self.connection.most_message())? {
            match message {
                FromGuest::Post(stream, bytes) => self.write(owner, stream, bytes)?,
                FromGuest::Await(outcome) => served = Served::Outcome(outcome),
                FromGuest::Ask(request) => served = Served::Answer(self.ask(owner, request)?),
                FromGuest::AskAgain => served = Served::Answer(self.complete(owner)?),
                FromGuest::Call { function, arguments } => {
                    served = Served::Answer(ToGuest::Results(owner.call(function, arguments)));
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
                self.connection.watch(&mut || owner.take_interrupt())?;
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
}

/// What came of messages.
enum Served {
    /// Nothing was asked.
    Nothing,
    /// The answer to the last.
    Answer(ToGuest<'static>),
    /// The last says how a command ended.
    Outcome(Outcome),
}
