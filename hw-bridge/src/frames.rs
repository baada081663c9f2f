//! Messages of the guest: put together from parts, and taken apart. What is read here is of unknown origin.

use crate::{connection::Sent, error::End};
use lunette_hw_interface::message::{self, FromGuest};

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

    /// Adds a part; the messages that are complete now, each after its length.
    ///
    /// # Errors
    /// A message is too long.
    pub fn add(&mut self, part: &[u8]) -> Result<Vec<u8>, End> {
        self.pending.extend_from_slice(part);
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
            return Ok(Vec::new());
        }
        let rest = self.pending.split_off(end);
        Ok(std::mem::replace(&mut self.pending, rest))
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
