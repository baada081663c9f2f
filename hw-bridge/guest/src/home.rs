//! The guest as a home: requests become messages to the monitor.
//!
//! Writes to standard output and standard error are posted: they wait in the outbox for the next exit, which comes when
//! something is asked for, when the outbox is full, or after a while.

use crate::{
    channel::{self, Outgoing},
    clock, code,
    pages::RegionPages,
};
use alloc::{boxed::Box, rc::Rc, string::String, sync::Arc, vec::Vec};
use core::{
    cell::{Cell, RefCell},
    ptr::NonNull,
    sync::atomic::{AtomicBool, Ordering},
};
use lunette_gc::pages::Pages;
use lunette_hw_interface::{
    layout::{INBOX_BYTES, OUTBOX_BYTES},
    message::{self, FromGuest, ToGuest},
};
use lunette_interpreter::host::{Clock, CodeSpace, Host, HostError, Request, Response, Stream, Ticket, Timestamp};

/// The most bytes of a write that is posted.
const MOST_POSTED: usize = OUTBOX_BYTES - 64;
/// The most bytes that are read at once: what fits the inbox with its message.
const MOST_READ: usize = INBOX_BYTES - 64;
/// The most bytes of a write that is asked for: the monitor keeps as much memory for a message.
const MOST_WRITTEN: usize = 1 << 20;
/// The most bytes of names and commands.
const MOST_NAMED: usize = 1 << 16;
/// How long posted writes may wait, in nanoseconds.
const PATIENCE: u64 = 20_000_000;

/// The way out, shared by the home and the agent.
#[derive(Default)]
pub struct Line {
    outgoing: RefCell<Outgoing>,
    /// When the first of the posted writes was.
    posted: Cell<u64>,
    /// Asks the machine for a snapshot.
    snapshot: RefCell<Option<Arc<AtomicBool>>>,
    /// Clocks of the partition that the owner lets the program see.
    clocks: RefCell<Vec<Clock>>,
}

/// The line, in what must be `Send`.
pub struct SendLine(Rc<Line>);

// SAFETY: the image has one thread.
unsafe impl Send for SendLine {}

impl SendLine {
    /// The line in it.
    pub fn new(line: Rc<Line>) -> SendLine {
        SendLine(line)
    }

    /// The line.
    pub fn get(&self) -> &Rc<Line> {
        &self.0
    }
}

impl Line {
    /// Sends a message and gives the answer.
    pub fn exchange(&self, message: &FromGuest<'_>) -> Vec<u8> {
        let mut answer = Vec::new();
        self.exchange_into(message, &mut answer);
        answer
    }

    /// Sends a message and puts the answer into a vector, whose room is used.
    pub fn exchange_into(&self, message: &FromGuest<'_>, answer: &mut Vec<u8>) {
        let mut outgoing = self.outgoing.borrow_mut();
        outgoing.add(message);
        outgoing.exchange(answer);
        clock::look();
    }

    /// Forgets which clocks the program may see: there may be another owner.
    pub fn forget_clocks(&self) {
        self.clocks.borrow_mut().clear();
    }

    /// Sends a message that is not answered, soon.
    pub fn send(&self, message: &FromGuest<'_>) {
        self.outgoing.borrow_mut().add(message);
    }

    /// Sets what asks the machine for a snapshot.
    pub fn set_snapshot_flag(&self, flag: Arc<AtomicBool>) {
        *self.snapshot.borrow_mut() = Some(flag);
    }

    /// Sends a message that is not answered, with the next exit or after a while.
    pub fn post(&self, message: &FromGuest<'_>) {
        let mut outgoing = self.outgoing.borrow_mut();
        if outgoing.is_empty() {
            self.posted.set(clock::nanoseconds());
        }
        outgoing.add(message);
    }

    fn flush_old(&self) {
        if let Ok(mut outgoing) = self.outgoing.try_borrow_mut()
            && !outgoing.is_empty()
            && clock::nanoseconds().saturating_sub(self.posted.get()) > PATIENCE
        {
            outgoing.flush();
        }
    }
}

/// The home of the partition's instance.
pub struct Home {
    line: Rc<Line>,
    response: Option<Response>,
    code: CodeSpace,
}

impl Home {
    /// The home at this end of the line.
    pub fn new(line: Rc<Line>) -> Home {
        Home { line, response: None, code: CodeSpace::default() }
    }

    fn ask(&self, message: &FromGuest<'_>) -> Option<Response> {
        let answer = self.line.exchange(message);
        match message::read(&answer) {
            Ok(ToGuest::Response(response)) => Some(response),
            Ok(ToGuest::NotYet) => None,
            _ => Some(message::broken_channel()),
        }
    }
}

impl Home {
    /// The time of a clock that the partition has itself, and that goes on where the partition does; the owner says once
    /// whether the program may see it.
    fn own_time(&self, clock: Clock) -> Option<Response> {
        if !self.line.clocks.borrow().contains(&clock) {
            match self.ask(&FromGuest::Ask(Request::Time(clock))) {
                Some(Response::Time(_)) => self.line.clocks.borrow_mut().push(clock),
                response => return response,
            }
        }
        let nanoseconds = match clock {
            Clock::Process | Clock::Thread => clock::processor_nanoseconds(),
            Clock::Monotonic | Clock::Realtime => clock::nanoseconds(),
        };
        Some(Response::Time(Timestamp::from_nanoseconds(nanoseconds)))
    }
}

// SAFETY: the image has one thread.
unsafe impl Send for Home {}

impl Host for Home {
    fn pages(&self) -> Box<dyn Pages + Send> {
        Box::new(RegionPages)
    }

    fn install_code(&mut self, code: &[u8], _name: &[u8]) -> Option<NonNull<u8>> {
        code::install(&mut self.code, code)
    }

    fn remove_code(&mut self, address: NonNull<u8>, bytes: usize) {
        code::remove(&mut self.code, address, bytes);
    }

    fn code_limit(&self) -> usize {
        code::limit()
    }

    fn submit(&mut self, request: Request<'_>) -> Ticket {
        let post_failed = channel::shared().post_failed.load(Ordering::Relaxed) != 0;
        self.response = match request {
            Request::Write(stream @ (Stream::OUTPUT | Stream::ERROR), bytes) if !post_failed => {
                let bytes = &bytes[..bytes.len().min(MOST_POSTED)];
                self.line.post(&FromGuest::Post(stream, bytes));
                Some(Response::Count(bytes.len()))
            }
            Request::Read(stream, wanted) => self.ask(&FromGuest::Ask(Request::Read(stream, wanted.min(MOST_READ)))),
            Request::ReadAt(stream, position, wanted) => {
                self.ask(&FromGuest::Ask(Request::ReadAt(stream, position, wanted.min(MOST_READ))))
            }
            Request::Write(stream, bytes) => {
                self.ask(&FromGuest::Ask(Request::Write(stream, &bytes[..bytes.len().min(MOST_WRITTEN)])))
            }
            Request::WriteAt(stream, position, bytes) => {
                self.ask(&FromGuest::Ask(Request::WriteAt(stream, position, &bytes[..bytes.len().min(MOST_WRITTEN)])))
            }
            Request::Time(clock @ (Clock::Monotonic | Clock::Process | Clock::Thread)) => self.own_time(clock),
            other if other.longest_name() > MOST_NAMED => {
                Some(Response::Failed(HostError { message: String::from("File name too long"), code: 36 }))
            }
            other => self.ask(&FromGuest::Ask(other)),
        };
        Ticket(0)
    }

    fn complete(&mut self, _: Ticket) -> Option<Response> {
        self.response.take().or_else(|| self.ask(&FromGuest::AskAgain))
    }

    fn withdraw(&mut self, _: Ticket) -> bool {
        let answer = self.line.exchange(&FromGuest::Withdraw);
        matches!(message::read(&answer), Ok(ToGuest::Withdrawn(true)))
    }

    fn monotonic(&self) -> u64 {
        clock::nanoseconds()
    }

    fn poll(&self) -> bool {
        clock::look();
        self.line.flush_old();
        if channel::shared().snapshot.swap(0, Ordering::Relaxed) != 0
            && let Some(flag) = &*self.line.snapshot.borrow()
        {
            flag.store(true, Ordering::Relaxed);
        }
        channel::shared().interrupt.swap(0, Ordering::Relaxed) != 0
    }
}
