//! A stream that both ends of a migration have proved to be the other's, and that nobody else can read or change: the
//! Noise protocol's pattern `NNpsk0`, which mixes the shared key with fresh ones of either side.
//!
//! ```text
//!   opening:  magic (8 bytes), then the handshake: length (2 bytes), bytes; the same back
//!   message:  records, each: length (2 bytes), sealed: 1 if another follows or 0 (1 byte), a part of the message
//! ```

use super::{
    key::MigrationKey,
    protocol::{MOST_BYTES, Message},
};
use crate::error::{Error, Result};
use snow::{Builder, TransportState};
use std::io::{self, Read, Write};

/// The first bytes of a migration.
const MAGIC: [u8; 8] = *b"LuneMig\x01";
const PATTERN: &str = "Noise_NNpsk0_25519_ChaChaPoly_BLAKE2s";
/// Bytes of the largest record.
const RECORD: usize = u16::MAX as usize;
/// Bytes of a message in one record: less its seal, and the byte that says whether another follows.
const PART: usize = RECORD - 16 - 1;
/// Bytes that are written at once.
const WRITE: usize = 1 << 18;

/// A stream to the other end of a migration.
pub(super) struct Channel<S> {
    stream: S,
    state: TransportState,
    /// Bytes that went either way.
    pub bytes: u64,
    record: Vec<u8>,
    sealed: Vec<u8>,
}

/// The other end did something else than the protocol says.
pub(super) fn broken(reason: impl std::fmt::Display) -> Error {
    Error::message(format_args!("the connection broke: {reason}"))
}

fn noise(error: snow::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn read_record(stream: &mut impl Read, record: &mut Vec<u8>) -> io::Result<()> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    record.resize(u16::from_le_bytes(length).into(), 0);
    stream.read_exact(record)
}

fn write_record(stream: &mut impl Write, record: &[u8]) -> io::Result<()> {
    let length = u16::try_from(record.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(&[&length.to_le_bytes(), record].concat())
}

impl<S: Read + Write> Channel<S> {
    /// Begins as the one whose program leaves.
    pub fn initiate(mut stream: S, key: &MigrationKey) -> Result<Channel<S>> {
        let mut handshake = || {
            let builder = Builder::new(PATTERN.parse().map_err(noise)?);
            let mut state = builder.psk(0, key.bytes()).and_then(Builder::build_initiator).map_err(noise)?;
            let mut record = vec![0; RECORD];
            let length = state.write_message(&MAGIC, &mut record).map_err(noise)?;
            stream.write_all(&MAGIC)?;
            write_record(&mut stream, &record[..length])?;
            stream.flush()?;
            let mut answer = Vec::new();
            read_record(&mut stream, &mut answer)?;
            state.read_message(&answer, &mut record).map_err(noise)?;
            state.into_transport_mode().map_err(noise)
        };
        let state: io::Result<TransportState> = handshake();
        match state {
            Ok(state) => Ok(Channel::new(stream, state)),
            Err(error) if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
                Err(Error::message("the other side does not know the key, or does not wait for a migration"))
            }
            Err(error) => Err(broken(error)),
        }
    }

    /// Begins as the one to whom a program comes.
    pub fn respond(mut stream: S, key: &MigrationKey) -> Result<Channel<S>> {
        let mut handshake = || {
            let mut magic = [0; MAGIC.len()];
            stream.read_exact(&mut magic)?;
            if magic != MAGIC {
                return Err(io::Error::other("it is no migration, or one of another version"));
            }
            let builder = Builder::new(PATTERN.parse().map_err(noise)?);
            let mut state = builder.psk(0, key.bytes()).and_then(Builder::build_responder).map_err(noise)?;
            let (mut record, mut content) = (Vec::new(), vec![0; RECORD]);
            read_record(&mut stream, &mut record)?;
            state.read_message(&record, &mut content).map_err(|_| io::Error::other("it does not know the key"))?;
            let length = state.write_message(&[], &mut content).map_err(noise)?;
            write_record(&mut stream, &content[..length])?;
            stream.flush()?;
            state.into_transport_mode().map_err(noise)
        };
        let state = handshake().map_err(broken)?;
        Ok(Channel::new(stream, state))
    }

    fn new(stream: S, state: TransportState) -> Channel<S> {
        Channel { stream, state, bytes: 0, record: Vec::new(), sealed: vec![0; RECORD] }
    }

    /// Sends a message.
    pub fn send(&mut self, message: &Message<'_>) -> Result<()> {
        let bytes = message.to_bytes();
        debug_assert!(bytes.len() <= MOST_BYTES, "the other end would not take it");
        self.send_bytes(&bytes).map_err(broken)
    }

    fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut waiting = Vec::with_capacity((bytes.len() + 64).min(WRITE + RECORD));
        let mut parts = bytes.chunks(PART).peekable();
        while let Some(part) = parts.next() {
            self.record.clear();
            self.record.push(parts.peek().is_some().into());
            self.record.extend_from_slice(part);
            let length = self.state.write_message(&self.record, &mut self.sealed).map_err(noise)?;
            waiting.extend_from_slice(&(length as u16).to_le_bytes());
            waiting.extend_from_slice(&self.sealed[..length]);
            if waiting.len() >= WRITE {
                self.stream.write_all(&waiting)?;
                self.bytes += waiting.len() as u64;
                waiting.clear();
            }
        }
        self.stream.write_all(&waiting)?;
        self.bytes += waiting.len() as u64;
        self.stream.flush()
    }

    /// Waits for a message; its bytes, for [`Message::read`].
    pub fn receive(&mut self) -> Result<Vec<u8>> {
        self.receive_bytes().map_err(broken)
    }

    fn receive_bytes(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            read_record(&mut self.stream, &mut self.record)?;
            self.bytes += self.record.len() as u64 + 2;
            let length = self.state.read_message(&self.record, &mut self.sealed).map_err(noise)?;
            let (&more, part) = self.sealed[..length].split_first().ok_or(io::ErrorKind::InvalidData)?;
            // Each part brings the message nearer to its end.
            if bytes.len() + part.len() > MOST_BYTES || (more != 0 && part.is_empty()) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            bytes.extend_from_slice(part);
            if more == 0 {
                return Ok(bytes);
            }
        }
    }
}
