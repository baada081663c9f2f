//! The way from a session to its guest: directly, or through a monitor in a process of its own.

use crate::error::End;
use serde::{Deserialize, Serialize};

/// What the guest has sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Messages, each after its length.
    pub bytes: Vec<u8>,
    /// Whether the guest waits for an answer to the last.
    pub waits: bool,
}

/// What the guest is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer<'a> {
    /// A message, if the guest waits for one.
    #[serde(borrow, with = "serde_bytes")]
    pub message: Option<&'a [u8]>,
    /// Whether a posted write has failed.
    pub post_failed: bool,
}

/// What the owner wants of a program that runs, said once for each time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// It is to stop.
    pub interrupt: bool,
    /// A snapshot is wanted.
    pub snapshot: bool,
}

impl Signals {
    /// As a byte.
    pub(crate) fn to_byte(self) -> u8 {
        u8::from(self.interrupt) | u8::from(self.snapshot) << 1
    }

    /// From bytes, all of which count.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Signals {
        let all = bytes.iter().fold(0, |all, byte| all | byte);
        Signals { interrupt: all & 1 != 0, snapshot: all & 2 != 0 }
    }
}

/// A guest, wherever it is.
pub trait Connection {
    /// A command begins: its time is counted from now on.
    ///
    /// # Errors
    /// The partition has ended.
    fn begin(&mut self) -> Result<(), End>;

    /// Lets the guest have an answer and run until it sends something, which takes the place of what it has sent before.
    /// In between, the connection asks now and then what the owner wants.
    ///
    /// # Errors
    /// The partition has ended.
    fn exchange(
        &mut self,
        answer: Answer<'_>,
        sent: &mut Sent,
        take_signals: &mut dyn FnMut() -> Signals,
    ) -> Result<(), End>;

    /// The guest waits while something is done for it that takes long: looks at the limits, and what the owner
    /// wants.
    ///
    /// # Errors
    /// It has taken too long.
    fn watch(&mut self, take_signals: &mut dyn FnMut() -> Signals) -> Result<(), End>;

    /// The most that a message of the guest may cost, by the measure of
    /// [`read_within`](lunette_hw_interface::message::read_within).
    fn most_message(&self) -> usize;

    /// A command has ended.
    fn finish(&mut self);
}
