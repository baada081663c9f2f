//! Waiting for several things at a time.
//!
//! The host is asked to wait for streams, and no longer than until the first clock has reached its time. That is noted as
//! a time of the program's monotonic clock, so that a program which is frozen meanwhile waits for the rest of it.

use super::{
    call::{ASKED, Call, Outcome, Pause, Version},
    clocks::clock,
    descriptors::Descriptors,
    errno::Errno,
    memory::GuestMemory,
    rights,
};
use alloc::vec::Vec;
use lunette_interpreter::{
    Machine,
    host::{Clock, Direction, Interest, Request, Response},
};

/// The most subscriptions.
const MOST: u32 = 1024;
/// Nanoseconds for which the host is asked to wait at most: a frozen program may have to wait again for so long.
const PATIENCE: u64 = 1_000_000_000;

/// The host has been asked for the time of day.
const TIMING: u32 = ASKED + 1;

// Locals: when the call began, on the program's monotonic clock; the time of day then, or 0 if nobody asked.
const START: u32 = 0;
const DAY: u32 = 1;

/// Bytes of an event.
const EVENT: u64 = 32;

/// What is waited for.
#[derive(Clone, Copy)]
struct Subscription {
    userdata: [u8; 8],
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Clock { clock: Clock, time: u64, is_absolute: bool },
    Stream { descriptor: u32, direction: Direction },
}

impl Subscription {
    /// Bytes of one in memory.
    fn size(version: Version) -> u64 {
        match version {
            Version::Preview1 => 48,
            Version::Unstable => 56,
        }
    }

    fn read(bytes: &[u8], version: Version) -> Result<Subscription, Errno> {
        let word = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk::<8>).copied().unwrap_or_default();
        // The first version has an identifier before what is of clocks.
        let clock_at = if version == Version::Unstable { 24 } else { 16 };
        let int = |at: usize| u64::from_le_bytes(word(at)) as u32;
        let what = match bytes.get(8) {
            Some(0) => What::Clock {
                clock: clock(int(clock_at))?,
                time: u64::from_le_bytes(word(clock_at + 8)),
                is_absolute: int(clock_at + 24) & 1 != 0,
            },
            Some(1) => What::Stream { descriptor: int(16), direction: Direction::Read },
            Some(2) => What::Stream { descriptor: int(16), direction: Direction::Write },
            _ => return Err(Errno::INVAL),
        };
        Ok(Subscription { userdata: word(0), what })
    }

    /// When the clock is to have reached its time, on the program's monotonic clock; nothing if it is no such clock.
    fn deadline(self, start: u64, day: u64) -> Option<u64> {
        match self.what {
            What::Clock { clock: Clock::Monotonic, time, is_absolute: true } => Some(time),
            What::Clock { clock: Clock::Realtime, time, is_absolute: true } => {
                Some(start.saturating_add(time.saturating_sub(day)))
            }
            What::Clock { clock: Clock::Monotonic | Clock::Realtime, time, .. } => Some(start.saturating_add(time)),
            What::Clock { .. } | What::Stream { .. } => None,
        }
    }

    fn event(self, errno: Errno, bytes: u64, is_hung_up: bool) -> [u8; EVENT as usize] {
        let mut event = [0; EVENT as usize];
        event[..8].copy_from_slice(&self.userdata);
        event[8..10].copy_from_slice(&errno.0.to_le_bytes());
        event[10] = match self.what {
            What::Clock { .. } => 0,
            What::Stream { direction: Direction::Read, .. } => 1,
            What::Stream { direction: Direction::Write, .. } => 2,
        };
        event[16..24].copy_from_slice(&bytes.to_le_bytes());
        event[24] = is_hung_up.into();
        event
    }
}

pub(super) fn poll_oneoff(machine: &mut Machine, mut call: Call) -> Outcome {
    let descriptors = Descriptors::prepared(machine, &mut call)?;
    let now = descriptors.monotonic(machine, machine.host.monotonic());
    let subscriptions = subscriptions(machine, call)?;
    if call.frame.phase() != ASKED && call.frame.phase() != TIMING {
        call.set_local(machine, START, now);
        let needs_day = subscriptions.iter().any(|subscription| {
            matches!(subscription.what, What::Clock { clock: Clock::Realtime, is_absolute: true, .. })
        });
        if needs_day {
            return call.ask(machine, TIMING, Request::Time(Clock::Realtime));
        }
    }
    let mut answer = None;
    match (call.frame.phase(), call.response(machine)) {
        (TIMING, Some(time)) => match time? {
            Response::Time(time) => call.set_local(machine, DAY, time.as_nanoseconds()),
            _ => return Err(Errno::IO.into()),
        },
        (TIMING, None) => return call.ask(machine, TIMING, Request::Time(Clock::Realtime)),
        (_, Some(ready)) => match ready? {
            Response::Ready(ready) => answer = Some(ready),
            _ => return Err(Errno::IO.into()),
        },
        (_, None) => {}
    }
    let (start, day) = (call.local(machine, START), call.local(machine, DAY));

    // What has come already, and what is to be waited for.
    let mut events = Vec::new();
    let mut interests = Vec::new();
    let mut waiting = Vec::new();
    let mut deadline: Option<u64> = None;
    for subscription in subscriptions {
        match subscription.what {
            What::Stream { descriptor, direction } => {
                let right = match direction {
                    Direction::Read => rights::FD_READ,
                    Direction::Write => rights::FD_WRITE,
                };
                let stream = descriptors.get(machine, descriptor).and_then(|descriptor| {
                    descriptor.check_rights(machine, rights::POLL_FD_READWRITE | right)?;
                    descriptor.stream(machine)
                });
                match stream {
                    Ok(stream) => {
                        interests.push(Interest { stream, direction });
                        waiting.push(subscription);
                    }
                    Err(errno) => events.push(subscription.event(errno, 0, false)),
                }
            }
            What::Clock { .. } => match subscription.deadline(start, day) {
                Some(time) if time <= now => events.push(subscription.event(Errno::SUCCESS, 0, false)),
                Some(time) => deadline = Some(deadline.map_or(time, |deadline| deadline.min(time))),
                None => events.push(subscription.event(Errno::NOTSUP, 0, false)),
            },
        }
    }
    let is_answered = answer.is_some();
    for readiness in answer.unwrap_or_default() {
        if let Some(subscription) = waiting.get(readiness.interest as usize) {
            let errno = Errno::from_host(readiness.error);
            events.push(subscription.event(errno, readiness.bytes, readiness.is_hung_up));
        }
    }
    if is_answered && !events.is_empty() || interests.is_empty() && !events.is_empty() {
        return finish(machine, call, &events);
    }
    // What has come does not wait, but what is ready as well is told with it.
    let timeout =
        if events.is_empty() { deadline.map_or(PATIENCE, |deadline| deadline - now).min(PATIENCE) } else { 0 };
    call.ask(machine, ASKED, Request::Poll { interests: interests.into(), timeout: Some(timeout) })
}

/// What the caller waits for.
fn subscriptions(machine: &mut Machine, call: Call) -> Result<Vec<Subscription>, Pause> {
    let (address, events) = (call.address(machine, 0), call.address(machine, 1));
    let count = call.int(machine, 2);
    if count == 0 || count > MOST {
        return Err(Errno::INVAL.into());
    }
    machine.charge(u64::from(count) * 4)?;
    let size = Subscription::size(call.version);
    let memory = call.memory(machine)?;
    memory.check(events, u64::from(count) * EVENT)?;
    let bytes = memory.bytes(address, (u64::from(count) * size) as usize)?;
    let subscriptions = bytes.chunks_exact(size as usize).map(|bytes| Subscription::read(bytes, call.version));
    Ok(subscriptions.collect::<Result<_, Errno>>()?)
}

fn finish(machine: &Machine, call: Call, events: &[[u8; EVENT as usize]]) -> Outcome {
    let (address, result) = (call.address(machine, 1), call.address(machine, 3));
    let memory = call.memory(machine)?;
    memory.put(address, events.as_flattened())?;
    Ok(memory.put(result, &(events.len() as u32).to_le_bytes())?)
}
