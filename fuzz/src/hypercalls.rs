//! A guest that sends any bytes: what the monitor and the session make of them.
//!
//! ```text
//!   input:  | header | bytes | header | bytes | ...
//!   header: number of bytes (15 bits), whether the guest waits for an answer (1 bit)
//! ```

use lunette_hw_bridge::{
    Answer, Connection, End, Event, Owner, Sent, Session, Signals,
    frames::{self, Parts},
    message::{After, CallError, Command, ToGuest, Values, read},
};
use lunette_interpreter::{
    host::{Host, HostError, Request, Response, Ticket},
    image::{Sink, SinkFailure},
};

/// The most that a message may cost.
const MOST_MESSAGE: usize = 1 << 20;
/// Bytes of output.
const OUTPUT: u64 = 1 << 12;

/// Serves such a guest until it breaks the rules or has said all.
pub fn serve(data: &[u8]) {
    let guest = Scripted { rest: data, parts: Parts::new(MOST_MESSAGE), waits: true };
    let mut owner = Stranger::default();
    let Ok(mut session) = Session::start(guest, Some(OUTPUT), &mut owner) else { return };
    for _ in 0..4 {
        let mut event = session.obey(Command::Statistics, &mut owner);
        // A snapshot that is offered is taken every other time.
        let mut takes = true;
        while let Ok(Event::Offer(_)) = event {
            if takes && session.write_image(false, &mut owner, &mut Nowhere).is_err() {
                return;
            }
            takes = !takes;
            event = session.go_on(After::Taken, &mut owner);
        }
        if event.is_err() {
            return;
        }
    }
}

/// Where images go.
struct Nowhere;

impl Sink for Nowhere {
    fn write(&mut self, _: &[u8]) -> Result<(), SinkFailure> {
        Ok(())
    }
}

/// The guest.
struct Scripted<'a> {
    rest: &'a [u8],
    parts: Parts,
    /// Whether it waits for an answer.
    waits: bool,
}

impl Connection for Scripted<'_> {
    fn begin(&mut self) -> Result<(), End> {
        Ok(())
    }

    fn answer(&mut self, answer: Answer<'_>) -> Result<(), End> {
        if let Some(message) = answer.message {
            assert!(self.waits, "an answer comes to a guest that waits");
            assert!(read::<ToGuest<'_>>(message).is_ok(), "what the session says is a message");
        }
        Ok(())
    }

    fn receive(&mut self, sent: &mut Sent, take_signals: &mut dyn FnMut() -> Signals) -> Result<(), End> {
        loop {
            take_signals();
            let Some((header, rest)) = self.rest.split_first_chunk::<2>() else {
                return Err(End::Failed("the script is at its end".to_owned()));
            };
            let header = u16::from_le_bytes(*header);
            let (bytes, rest) = rest.split_at(usize::from(header & 0x7fff).min(rest.len()));
            self.rest = rest;
            self.waits = header & 0x8000 != 0;
            let append = |parts: &mut Vec<u8>| {
                parts.extend_from_slice(bytes);
                Ok(())
            };
            self.parts.add(append, &mut sent.bytes)?;
            sent.waits = self.waits;
            if sent.waits && !self.parts.is_empty() {
                return Err(End::Violation("it waits before its message is complete".to_owned()));
            }
            // What a monitor in a process of its own looks at.
            frames::messages(sent, MOST_MESSAGE)?;
            if sent.waits || !sent.bytes.is_empty() {
                return Ok(());
            }
        }
    }

    fn watch(&mut self, _: &mut dyn FnMut() -> Signals) -> Result<(), End> {
        Ok(())
    }

    fn most_message(&self) -> usize {
        MOST_MESSAGE
    }

    fn finish(&mut self) {}
}

/// An owner that answers in various ways.
#[derive(Default)]
struct Stranger {
    requests: u64,
    written: u64,
    response: Option<Response>,
}

impl Host for Stranger {
    fn pages(&self) -> Box<dyn lunette_gc::pages::Pages + Send> {
        unreachable!("there is no region")
    }

    fn submit(&mut self, request: Request<'_>) -> Ticket {
        self.requests += 1;
        self.response = match request {
            Request::Write(_, bytes) => {
                let count = if self.requests.is_multiple_of(5) { bytes.len().div_ceil(2) } else { bytes.len() };
                self.written += count as u64;
                // A host that says more than is true does no harm.
                Some(Response::Count(if self.requests.is_multiple_of(7) { usize::MAX } else { count.max(1) }))
            }
            Request::Read(_, wanted) => Some(Response::Bytes(vec![b'x'; wanted.min(1 << 16)])),
            // The first question comes to nothing.
            _ if self.requests.is_multiple_of(3) => None,
            _ => Some(Response::Failed(HostError::not_permitted())),
        };
        Ticket(self.requests)
    }

    fn complete(&mut self, _: Ticket) -> Option<Response> {
        let response = self.response.take();
        self.response = Some(Response::Done);
        response
    }

    fn monotonic(&self) -> u64 {
        0
    }
}

impl Owner for Stranger {
    fn host(&mut self) -> &mut dyn Host {
        self
    }

    fn call(&mut self, function: u32, arguments: Values) -> Result<Values, CallError> {
        match function % 3 {
            0 => Ok(arguments),
            1 => Err(CallError::Thrown(arguments)),
            _ => Err(CallError::Stop),
        }
    }

    fn take_signals(&mut self) -> Signals {
        Signals { interrupt: self.requests % 11 == 10, snapshot: self.requests % 7 == 6 }
    }
}
