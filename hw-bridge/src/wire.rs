//! What a monitor in a process of its own and its owner say to each other, on a stream of bytes: each message after its
//! length.

use crate::{
    connection::{Answer, Pages},
    error::End,
    limits::Limits,
    state::State,
};
use lunette_hw_interface::{channel::MOST_SENT, message};
use lunette_pages::Batch;
use serde::{Deserialize, Serialize};
use std::{
    io::{self, Read, Write},
    path::PathBuf,
};

/// The most bytes of a message beside what it carries: others that came with it, and what is said of them.
const MOST_BESIDE: usize = MOST_SENT + (1 << 17);

/// To the monitor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToMonitor<'a> {
    /// The first message: make a partition, with the most memory beyond what it starts with.
    Make {
        /// Bytes.
        memory: u64,
        /// Limits.
        limits: Limits,
        /// The file of the template it is cloned from.
        template: Option<PathBuf>,
        /// The file of the memory that it shares with the owner.
        shared: PathBuf,
    },
    /// A command begins.
    Begin,
    /// The guest is to have an answer, and to run until it sends something.
    #[serde(borrow)]
    Exchange(Answer<'a>),
    /// The same; the message lies in the shared memory.
    ExchangeShared {
        /// Bytes of the message.
        length: u32,
        /// As [`Answer::post_failed`].
        post_failed: bool,
    },
    /// A command has ended.
    Finish,
    /// As [`Transfer::set_leaving`](crate::connection::Transfer::set_leaving).
    SetLeaving(bool),
    /// As [`Transfer::take_pages`](crate::connection::Transfer::take_pages).
    TakePages(u64),
    /// As [`Transfer::state`](crate::connection::Transfer::state).
    TakeState,
    /// As [`Transfer::place`](crate::connection::Transfer::place).
    Place(Batch),
    /// As [`Transfer::set_state`](crate::connection::Transfer::set_state).
    SetState(Box<State>),
}

/// From the monitor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FromMonitor<'a> {
    /// The partition is made.
    Made,
    /// There can be no partition.
    Unavailable(String),
    /// The guest has sent something: as [`Sent`](crate::connection::Sent).
    Sent {
        /// Messages.
        #[serde(with = "serde_bytes")]
        bytes: &'a [u8],
        /// Whether it waits.
        waits: bool,
    },
    /// The same; the messages lie in the shared memory.
    SentShared {
        /// Bytes of them.
        length: u32,
        /// Whether it waits.
        waits: bool,
    },
    /// Memory that is to be sent.
    Pages(Pages),
    /// What the guest consists of beside memory.
    State(Box<State>),
    /// What was asked is done.
    Done,
    /// The partition has ended.
    Ended(End),
}

/// Sends a message, by way of a buffer.
pub fn send(stream: &mut impl Write, buffer: &mut Vec<u8>, message: &impl Serialize) -> io::Result<()> {
    buffer.clear();
    buffer.extend_from_slice(&[0; 4]);
    *buffer = message::append(message, std::mem::take(buffer));
    let length = u32::try_from(buffer.len() - 4).map_err(|_| io::ErrorKind::InvalidInput)?;
    buffer[..4].copy_from_slice(&length.to_le_bytes());
    let sent = stream.write_all(buffer);
    shrink(buffer);
    sent
}

/// Waits for a message, which may carry so many bytes, and which is read from a buffer.
pub fn receive<'b, M: Deserialize<'b>>(stream: &mut impl Read, buffer: &'b mut Vec<u8>, most: usize) -> io::Result<M> {
    shrink(buffer);
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > most.saturating_add(MOST_BESIDE) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    buffer.clear();
    // Memory is taken as the bytes come.
    while buffer.len() < length {
        let start = buffer.len();
        buffer.resize((start + MOST_SENT).min(length), 0);
        stream.read_exact(&mut buffer[start..])?;
    }
    message::read(buffer).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Gives back what a buffer has taken for an unusually long message.
fn shrink(buffer: &mut Vec<u8>) {
    if buffer.capacity() > 2 * MOST_SENT {
        *buffer = Vec::new();
    }
}
