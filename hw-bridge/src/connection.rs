//! The way from a session to its guest: directly, or through a monitor in a process of its own.

use crate::{error::End, state::State};
use lunette_pages::Batch;
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
    /// Whether that is what was staged last: see [`Connection::stage`].
    pub is_staged: bool,
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

/// Memory that is to be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pages {
    /// A part of it.
    pub batch: Batch,
    /// Bytes beyond these.
    pub left: u64,
    /// How often all memory was gone through.
    pub sweeps: u32,
}

/// A guest, wherever it is.
pub trait Connection {
    /// A command begins: its time is counted from now on.
    ///
    /// # Errors
    /// The partition has ended.
    fn begin(&mut self) -> Result<(), End>;

    /// Lets the guest have an answer. If its monitor is a process of its own, it runs from now on.
    ///
    /// # Errors
    /// The partition has ended.
    fn answer(&mut self, answer: Answer<'_>) -> Result<(), End>;

    /// Takes a message that may be the next answer where it can be had quickly, while the guest is busy.
    ///
    /// # Errors
    /// The partition has ended.
    fn stage(&mut self, message: &[u8]) -> Result<(), End> {
        let _ = message;
        Ok(())
    }

    /// Waits until the guest has sent something, which takes the place of what it has sent before. In between, the
    /// connection asks now and then what the owner wants.
    ///
    /// # Errors
    /// The partition has ended.
    fn receive(&mut self, sent: &mut Sent, take_signals: &mut dyn FnMut() -> Signals) -> Result<(), End>;

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

/// A guest that can go to a partition elsewhere, and come from one.
pub trait Transfer {
    /// Begins to leave for a partition elsewhere, or stays after all, while the guest waits.
    ///
    /// # Errors
    /// The partition has ended.
    fn set_leaving(&mut self, is_leaving: bool) -> Result<(), End>;

    /// Takes pages of at most so many bytes that are to be sent, changes until now included.
    ///
    /// # Errors
    /// The partition has ended.
    fn take_pages(&mut self, most: u64) -> Result<Pages, End>;

    /// What a guest that waits consists of beside memory.
    ///
    /// # Errors
    /// The partition has ended.
    fn state(&mut self) -> Result<State, End>;

    /// Takes up memory of a guest that arrives, in a partition that has not run.
    ///
    /// # Errors
    /// The partition has ended.
    fn place(&mut self, batch: Batch) -> Result<(), End>;

    /// Takes up the state of a guest that arrives.
    ///
    /// # Errors
    /// The partition has ended.
    fn set_state(&mut self, state: State) -> Result<(), End>;
}
