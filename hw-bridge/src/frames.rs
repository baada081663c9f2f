//! Messages of the guest: put together from parts, and taken apart. What is read here is of unknown origin.

use crate::{connection::Sent, error::End};
use lunette_hw_interface::{
    channel::MOST_SENT,
    message::{self, FromGuest},
};

/// Bytes before a message: its length.
const LENGTH_BYTES: usize = 4;

/// Parts of messages that wait for the rest.
#[derive(Clone, Debug)]
pub struct Parts {
    pending: Vec<u8>,
    /// The most bytes that may wait.
    most: usize,
}

impl Parts {
    /// None yet; a message may have at most so many bytes.
    pub fn new(most: usize) -> Parts {
        Parts { pending: Vec::new(), most }
    }

    /// Adds a part, which `append` appends, and puts the messages that are complete then, each after its length, in the
    /// place of others.
    ///
    /// # Errors
    /// A message is too long, or that of `append`.
    pub fn add(
        &mut self,
        append: impl FnOnce(&mut Vec<u8>) -> Result<(), End>,
        complete: &mut Vec<u8>,
    ) -> Result<(), End> {
        complete.clear();
        append(&mut self.pending)?;
        let mut end = 0;
        while let Some(length) = length(&self.pending[end..]) {
            if length > self.most {
                return Err(End::Violation("its message is too long".to_owned()));
            }
            if self.pending.len() - end < LENGTH_BYTES + length {
                break;
            }
            end += LENGTH_BYTES + length;
        }
        if end == 0 {
            return Ok(());
        }
        // What is incomplete begins the next; mostly there is nothing.
        complete.extend_from_slice(&self.pending[end..]);
        self.pending.truncate(end);
        std::mem::swap(&mut self.pending, complete);
        self.pending.shrink_to(MOST_SENT);
        Ok(())
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
}

fn length(bytes: &[u8]) -> Option<usize> {
    bytes.first_chunk::<LENGTH_BYTES>().map(|length| u32::from_le_bytes(*length) as usize)
}

/// The messages in what the guest has sent. The last wants an answer if the guest waits for one, and no other does. None
/// may cost more than `most`, by the measure of [`message::read_within`].
///
/// # Errors
/// They are malformed or out of order.
pub fn messages(sent: &Sent, most: usize) -> Result<Vec<FromGuest<'_>>, End> {
    let violation = |what: &str| End::Violation(what.to_owned());
    let mut messages: Vec<FromGuest<'_>> = Vec::new();
    let mut rest = &sent.bytes[..];
    while !rest.is_empty() {
        let cut = length(rest).and_then(|length| rest[LENGTH_BYTES..].split_at_checked(length));
        let (bytes, after) = cut.ok_or_else(|| violation("its message is not complete"))?;
        if messages.last().is_some_and(|message| !message.is_posted()) {
            return Err(violation("it asks before it has an answer"));
        }
        messages.push(message::read_within(bytes, most).map_err(|_| violation("its message is malformed"))?);
        rest = after;
    }
    let asks = messages.last().is_some_and(|message| !message.is_posted());
    match (asks, sent.waits) {
        (true, false) => Err(violation("it asks and does not wait for the answer")),
        (false, true) => Err(violation("it waits for an answer and has not asked")),
        _ => Ok(messages),
    }
}
