//! A guest in a partition of this process: runs it, and looks at the limits whenever it comes out.

use crate::{
    connection::{Answer, Connection, Pages, Sent, Signals, Transfer},
    error::{End, Error},
    frames::Parts,
    limits::{Account, Limits, Meter},
    partition::{Exit, Partition},
    state::State,
    template::Template,
    tick::Ticks,
};
use lunette_pages::Batch;
use std::time::{Duration, Instant};
use vm_memory::{ReadVolatile, VolatileSlice};

/// How long a guest that broke may take to say what was running.
const POST_MORTEM: Duration = Duration::from_millis(100);

/// A partition with its limits.
#[derive(Debug)]
pub struct LocalGuest {
    partition: Partition,
    limits: Limits,
    account: Account,
    parts: Parts,
    /// What its inbox has no room for of the answer.
    rest: Vec<u8>,
    /// While a command runs.
    running: Option<(Meter, Ticks)>,
}

impl LocalGuest {
    /// A guest that has not run yet, or waits for a message.
    pub fn new(partition: Partition, limits: Limits) -> LocalGuest {
        let parts = Parts::new(partition.most_message());
        LocalGuest { partition, limits, account: Account::new(), parts, rest: Vec::new(), running: None }
    }

    /// The guest as a template, while it waits for a command.
    ///
    /// # Errors
    /// The host's memory does not allow it.
    pub fn freeze(&mut self) -> Result<Template, Error> {
        self.partition.freeze()
    }

    /// The partition.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// The partition, when nobody wants the guest any more.
    pub fn into_partition(self) -> Partition {
        self.partition
    }

    /// Lets the guest have a message of so many bytes, and go on.
    pub(crate) fn answer_from(
        &mut self,
        message: &mut impl ReadVolatile,
        length: usize,
        post_failed: bool,
    ) -> Result<(), End> {
        self.partition.set_post_failed(post_failed)?;
        let taken = self.partition.put(message, length)?;
        self.rest.resize(length - taken, 0);
        let kept = message.read_exact_volatile(&mut VolatileSlice::from(&mut self.rest[..]));
        Ok(kept.map_err(Error::memory("read"))?)
    }

    /// If the guest broke, lets it say what was running.
    fn with_traceback(&mut self, mut end: End) -> End {
        let traceback = match &mut end {
            End::Fault(fault) => &mut fault.traceback,
            End::Panic { traceback, .. } => traceback,
            _ => return end,
        };
        if self.partition.begin_post_mortem().is_ok() {
            let start = Instant::now();
            while start.elapsed() < POST_MORTEM {
                match self.partition.run() {
                    Ok(Exit::Signal) => {}
                    Ok(Exit::Report(text)) => {
                        *traceback = Some(String::from_utf8_lossy(&text).into_owned()).filter(|text| !text.is_empty());
                        break;
                    }
                    // It breaks again, or does something else: there is nothing to be learnt from it.
                    Ok(_) | Err(_) => break,
                }
            }
        }
        end
    }
}

impl Connection for LocalGuest {
    fn begin(&mut self) -> Result<(), End> {
        self.running = Some((Meter::start(), Ticks::start()?));
        self.account.begin(self.partition.helpers_time());
        Ok(())
    }

    fn answer(&mut self, answer: Answer<'_>) -> Result<(), End> {
        match answer.message {
            Some(mut message) if !message.is_empty() => {
                let length = message.len();
                self.answer_from(&mut message, length, answer.post_failed)
            }
            _ => {
                self.rest.clear();
                Ok(self.partition.set_post_failed(answer.post_failed)?)
            }
        }
    }

    fn receive(&mut self, sent: &mut Sent, take_signals: &mut dyn FnMut() -> Signals) -> Result<(), End> {
        let rest = std::mem::take(&mut self.rest);
        let mut rest = &rest[..];
        loop {
            let waits = match self.partition.run().map_err(|end| self.with_traceback(end))? {
                Exit::Signal => None,
                Exit::Report(_) => return Err(End::Violation("it reports what it was not asked for".to_owned())),
                Exit::ReceivePart if rest.is_empty() => {
                    return Err(End::Violation("it wants more than there is".to_owned()));
                }
                Exit::ReceivePart => {
                    let length = rest.len();
                    self.partition.put(&mut rest, length)?;
                    None
                }
                Exit::SendPart => Some(false),
                Exit::Send => Some(true),
            };
            if let Some(waits) = waits {
                self.parts.add(|parts| self.partition.append_outbox(parts), &mut sent.bytes)?;
                sent.waits = waits;
            }
            self.watch(take_signals)?;
            self.account.throttle(&self.limits, self.partition.helpers_time());
            match waits {
                Some(true) if !self.parts.is_empty() => {
                    return Err(End::Violation("it waits before its message is complete".to_owned()));
                }
                Some(waits) if waits || !sent.bytes.is_empty() => return Ok(()),
                _ => {}
            }
        }
    }

    fn watch(&mut self, take_signals: &mut dyn FnMut() -> Signals) -> Result<(), End> {
        let Some((meter, _)) = &mut self.running else { return Ok(()) };
        let signals = take_signals();
        if signals.interrupt {
            self.partition.interrupt()?;
            meter.interrupt();
        }
        if signals.snapshot {
            self.partition.ask_for_snapshot()?;
        }
        meter.check(&self.limits)
    }

    fn most_message(&self) -> usize {
        self.partition.most_message()
    }

    fn finish(&mut self) {
        self.running = None;
    }
}

impl Transfer for LocalGuest {
    fn set_leaving(&mut self, is_leaving: bool) -> Result<(), End> {
        let partition = &mut self.partition;
        let set = if is_leaving { partition.begin_leaving() } else { partition.end_leaving() };
        Ok(set?)
    }

    fn take_pages(&mut self, most: u64) -> Result<Pages, End> {
        let pending = self.partition.collect_changes()?;
        let (batch, sweeps) = self.partition.take_pages(most)?;
        let taken: u64 = batch.runs.iter().map(|run| run.bytes).sum();
        Ok(Pages { batch, left: pending.saturating_sub(taken), sweeps })
    }

    fn state(&mut self) -> Result<State, End> {
        Ok(self.partition.state()?)
    }

    fn place(&mut self, batch: Batch) -> Result<(), End> {
        self.partition.place(&batch)
    }

    fn set_state(&mut self, state: State) -> Result<(), End> {
        Ok(self.partition.set_state(&state)?)
    }
}
