//! What happens between the guest and its owner: commands in, requests out.

use crate::{
    error::{End, Error},
    limits::{self, Limits, Meter},
    partition::{Exit, Partition},
    template::Template,
    tick::Ticks,
};
use lunette_hw_interface::{
    layout::INBOX_BYTES,
    message::{self, CallError, Command, FromGuest, MOST_BYTES, Outcome, ToGuest, Values},
};
use lunette_interpreter::host::{Host, HostError, Request, Response, Stream, Ticket};

/// Who a partition works for.
pub trait Owner {
    /// The home's services, as far as they are granted.
    fn host(&mut self) -> &mut dyn Host;

    /// Calls a function that the partition was given.
    fn call(&mut self, function: u32, arguments: Values) -> Result<Values, CallError>;

    /// Whether the program is to stop; said once for each interrupt.
    fn take_interrupt(&mut self) -> bool;
}

/// A partition that obeys commands.
#[derive(Debug)]
pub struct Session {
    partition: Partition,
    limits: Limits,
    /// Bytes of output so far.
    output: u64,
    /// The beginning of a message whose rest is still to come.
    pending: Vec<u8>,
    /// What is still to go to the guest of a long message, and how much of it is gone.
    outgoing: (Vec<u8>, usize),
    /// The request that is not answered yet.
    ticket: Option<Ticket>,
    /// Why a posted write failed, until the guest is told.
    post_error: Option<HostError>,
}

impl Session {
    /// Starts the guest and waits until it is ready.
    ///
    /// # Errors
    /// It does not get there.
    pub fn new(partition: Partition, limits: Limits, owner: &mut dyn Owner) -> Result<Session, End> {
        let mut session = Session::clone_of(partition, limits);
        match session.run(owner)? {
            Outcome::Booted => Ok(session),
            other => Err(End::Violation(format!("it begins with {other:?}"))),
        }
    }

    /// A clone of a template, which waits for a command.
    pub fn clone_of(partition: Partition, limits: Limits) -> Session {
        Session {
            partition,
            limits,
            output: 0,
            pending: Vec::new(),
            outgoing: (Vec::new(), 0),
            ticket: None,
            post_error: None,
        }
    }

    /// The session as a template, while it waits for a command.
    ///
    /// # Errors
    /// The host's memory does not allow it.
    pub fn freeze(&mut self) -> Result<Template, Error> {
        self.partition.freeze()
    }

    /// The partition, when the session is over.
    pub fn into_partition(self) -> Partition {
        self.partition
    }

    /// The partition.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// Gives a command and waits for the outcome.
    ///
    /// # Errors
    /// The partition has ended.
    pub fn obey(&mut self, command: Command<'_>, owner: &mut dyn Owner) -> Result<Outcome, End> {
        self.answer(&ToGuest::Command(command))?;
        self.run(owner)
    }

    /// Runs the guest until it awaits the next command.
    fn run(&mut self, owner: &mut dyn Owner) -> Result<Outcome, End> {
        let _ticks = Ticks::start()?;
        let mut meter = Meter::start();
        loop {
            match self.partition.run()? {
                Exit::Signal => {}
                Exit::ReceivePart => self.put_next_part()?,
                Exit::SendPart(bytes) => {
                    self.receive(&bytes)?;
                    if self.serve(owner, false)?.is_some() {
                        return Err(End::Violation("it wants an answer but does not wait for it".to_owned()));
                    }
                }
                Exit::Send(bytes) => {
                    self.receive(&bytes)?;
                    if let Some(outcome) = self.serve(owner, true)? {
                        return Ok(outcome);
                    }
                }
            }
            if owner.take_interrupt() {
                self.partition.interrupt()?;
                meter.interrupt();
            }
            meter.check(&self.limits)?;
            meter.throttle(&self.limits);
            if limits::is_too_much_output(&self.limits, self.output) {
                return Err(End::Output);
            }
        }
    }

    fn receive(&mut self, bytes: &[u8]) -> Result<(), End> {
        if self.pending.len() + bytes.len() > MOST_BYTES {
            return Err(End::Violation("its message is too long".to_owned()));
        }
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    /// Serves the complete messages that wait. Only the last may want an answer, and only if the guest waits for one. The
    /// outcome of a command, if that is what the last message is.
    fn serve(&mut self, owner: &mut dyn Owner, waits: bool) -> Result<Option<Outcome>, End> {
        let pending = std::mem::take(&mut self.pending);
        let mut rest = &pending[..];
        let mut is_answered = false;
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*length) as usize;
            if length > MOST_BYTES {
                return Err(End::Violation("its message is too long".to_owned()));
            }
            let Some((bytes, after)) = after.split_at_checked(length) else { break };
            rest = after;
            let message = message::read(bytes).map_err(|_| End::Violation("its message is malformed".to_owned()))?;
            if let FromGuest::Post(stream, bytes) = message {
                self.write(owner, stream, bytes);
                continue;
            }
            if is_answered || !waits || !rest.is_empty() {
                return Err(End::Violation("it sends messages out of order".to_owned()));
            }
            is_answered = true;
            match message {
                FromGuest::Post(..) => {}
                FromGuest::Await(outcome) => return Ok(Some(outcome)),
                FromGuest::Ask(request) => {
                    self.ask(owner, request)?;
                }
                FromGuest::AskAgain => self.complete(owner)?,
                FromGuest::Call { function, arguments } => {
                    let results = owner.call(function, arguments);
                    self.answer(&ToGuest::Results(results))?;
                }
            }
        }
        if waits && (!is_answered || !rest.is_empty()) {
            return Err(End::Violation("it waits without a question".to_owned()));
        }
        self.pending = rest.to_vec();
        Ok(None)
    }

    /// Writes all of the bytes of a posted write.
    fn write(&mut self, owner: &mut dyn Owner, stream: Stream, mut bytes: &[u8]) {
        self.output = self.output.saturating_add(bytes.len() as u64);
        while !bytes.is_empty() && self.post_error.is_none() {
            let host = owner.host();
            let ticket = host.submit(Request::Write(stream, bytes));
            let response = loop {
                if let Some(response) = host.complete(ticket) {
                    break response;
                }
            };
            match response {
                Response::Count(count) => bytes = &bytes[count.min(bytes.len())..],
                Response::Failed(error) => self.post_error = Some(error),
                _ => self.post_error = Some(HostError { message: "Input/output error".to_owned(), code: 5 }),
            }
        }
        // Failing to tell it would end the partition at its next access anyway.
        let _ = self.partition.set_post_failed(self.post_error.is_some());
    }

    fn ask(&mut self, owner: &mut dyn Owner, request: Request<'_>) -> Result<(), End> {
        if matches!(request, Request::Write(..))
            && let Some(error) = self.post_error.take()
        {
            self.partition.set_post_failed(false)?;
            return self.answer(&ToGuest::Response(Response::Failed(error)));
        }
        if let Request::Write(Stream::OUTPUT | Stream::ERROR, bytes) = request {
            self.output = self.output.saturating_add(bytes.len() as u64);
        }
        self.ticket = Some(owner.host().submit(request));
        self.complete(owner)
    }

    /// Answers the request that waits, or says that it must wait.
    fn complete(&mut self, owner: &mut dyn Owner) -> Result<(), End> {
        let Some(ticket) = self.ticket else {
            return Err(End::Violation("it asks again for what it has not asked for".to_owned()));
        };
        let answer = match owner.host().complete(ticket) {
            Some(response) => {
                self.ticket = None;
                ToGuest::Response(response)
            }
            None => ToGuest::NotYet,
        };
        self.answer(&answer)
    }

    /// Puts the answer where the guest will find it.
    fn answer(&mut self, answer: &ToGuest<'_>) -> Result<(), End> {
        self.outgoing = (message::append(answer, Vec::new()), 0);
        self.put_next_part()
    }

    fn put_next_part(&mut self) -> Result<(), End> {
        let (bytes, gone) = &mut self.outgoing;
        let end = (*gone + INBOX_BYTES).min(bytes.len());
        let part = &bytes[*gone..end];
        *gone = end;
        let more = end < bytes.len();
        self.partition.put(part, more)?;
        if !more {
            self.outgoing = (Vec::new(), 0);
        }
        Ok(())
    }
}
