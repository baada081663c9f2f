//! A guest in a partition of this process: runs it, and looks at the limits whenever it comes out.

use crate::{
    connection::{Answer, Connection, Sent},
    error::{End, Error},
    frames::Parts,
    limits::{Limits, Meter},
    partition::{Exit, Partition},
    template::Template,
    tick::Ticks,
};
use lunette_hw_interface::layout::{BASE_BYTES, INBOX_BYTES};

/// A partition with its limits.
#[derive(Debug)]
pub struct LocalGuest {
    partition: Partition,
    limits: Limits,
    parts: Parts,
    /// While a command runs.
    running: Option<(Meter, Ticks)>,
}

impl LocalGuest {
    /// A guest that has not run yet, or waits for a message.
    pub fn new(partition: Partition, limits: Limits) -> LocalGuest {
        // A guest can say as much as it can have.
        let most = usize::try_from(partition.memory_limit().saturating_add(BASE_BYTES)).unwrap_or(usize::MAX);
        LocalGuest { partition, limits, parts: Parts::new(most), running: None }
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
}

impl Connection for LocalGuest {
    fn begin(&mut self) -> Result<(), End> {
        self.running = Some((Meter::start(), Ticks::start()?));
        Ok(())
    }

    fn exchange(&mut self, answer: Answer, take_interrupt: &mut dyn FnMut() -> bool) -> Result<Sent, End> {
        self.partition.set_post_failed(answer.post_failed)?;
        let message = answer.message.unwrap_or_default();
        let mut parts = message.chunks(INBOX_BYTES).peekable();
        if let Some(part) = parts.next() {
            self.partition.put(part, parts.peek().is_some())?;
        }
        loop {
            let sent = match self.partition.run()? {
                Exit::Signal => None,
                Exit::ReceivePart => match parts.next() {
                    Some(part) => {
                        self.partition.put(part, parts.peek().is_some())?;
                        continue;
                    }
                    None => return Err(End::Violation("it wants more than there is".to_owned())),
                },
                Exit::SendPart(bytes) => Some(Sent { bytes: self.parts.add(&bytes)?, waits: false }),
                Exit::Send(bytes) => Some(Sent { bytes: self.parts.add(&bytes)?, waits: true }),
            };
            if let Some((meter, _)) = &mut self.running {
                if take_interrupt() {
                    self.partition.interrupt()?;
                    meter.interrupt();
                }
                meter.check(&self.limits)?;
                meter.throttle(&self.limits);
            }
            match sent {
                Some(sent) if sent.waits && !self.parts.is_empty() => {
                    return Err(End::Violation("it waits before its message is complete".to_owned()));
                }
                Some(sent) if sent.waits || !sent.bytes.is_empty() => return Ok(sent),
                _ => {}
            }
        }
    }

    fn finish(&mut self) {
        self.running = None;
    }
}
