//! What a monitor in a process of its own and its owner say to each other, on a stream of bytes: each message after its
//! length.

use crate::{
    connection::{Answer, Pages, Sent},
    error::End,
    limits::Limits,
    state::State,
};
use lunette_hw_interface::message;
use lunette_pages::Batch;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    io::{self, Read, Write},
    path::PathBuf,
};

/// The most bytes of a message beside what it carries.
const MOST_BESIDE: usize = 1 << 17;

/// To the monitor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToMonitor {
    /// The first message: make a partition, with the most memory beyond what it starts with.
    Make {
        /// Bytes.
        memory: u64,
        /// Limits.
        limits: Limits,
        /// The file of the template it is cloned from.
        template: Option<PathBuf>,
    },
    /// A command begins.
    Begin,
    /// As [`Connection::exchange`](crate::connection::Connection::exchange).
    Exchange(Answer),
    /// A command has ended.
    Finish,
    /// As [`Connection::set_leaving`](crate::connection::Connection::set_leaving).
    SetLeaving(bool),
    /// As [`Connection::take_pages`](crate::connection::Connection::take_pages).
    TakePages(u64),
    /// As [`Connection::state`](crate::connection::Connection::state).
    TakeState,
    /// As [`Connection::place`](crate::connection::Connection::place).
    Place(Batch),
    /// As [`Connection::set_state`](crate::connection::Connection::set_state).
    SetState(State),
}

/// From the monitor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FromMonitor {
    /// The partition is made.
    Made,
    /// There can be no partition.
    Unavailable(String),
    /// The guest has sent something.
    Sent(Sent),
    /// Memory that is to be sent.
    Pages(Pages),
    /// What the guest consists of beside memory.
    State(Box<State>),
    /// What was asked is done.
    Done,
    /// The partition has ended.
    Ended(End),
}

/// Sends a message.
pub fn send(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut bytes = message::append(message, vec![0; 4]);
    let length = u32::try_from(bytes.len() - 4).map_err(|_| io::ErrorKind::InvalidInput)?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    stream.write_all(&bytes)
}

/// Waits for a message, which may carry so many bytes.
pub fn receive<M: DeserializeOwned>(stream: &mut impl Read, most: usize) -> io::Result<M> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > most.saturating_add(MOST_BESIDE) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    stream.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    message::read(&bytes).map_err(|_| io::ErrorKind::InvalidData.into())
}
