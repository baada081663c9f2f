//! One who sends a program: bytes of any kind, or messages of one who knows the key.
//!
//! ```text
//!   input:    | 0 | bytes |    or    | not 0 | record | record | ...
//!   record:   | number of bytes (15 bits), whether it is sealed as it should be (1 bit) | bytes |
//! ```
//!
//! Instances of the process that come as their memory is are not tried: those who know the key and have the same build
//! are trusted with that, see `spec/migration.md`.

use blake2::{Blake2s256, Digest};
use lunette::{Configuration, Engine, MigrationKey, Streams};
use snow::{Builder, HandshakeState, TransportState};
use std::io::{self, Read, Write};

const MAGIC: &[u8] = b"LuneMig\x01";
const KEY: [u8; 32] = [7; 32];

/// Has a receiver receive the input.
pub fn receive(data: &[u8]) {
    let Some((&kind, rest)) = data.split_first() else { return };
    let configuration = Configuration::new().memory_limit(8 << 20).fuel(20_000).output_limit(1 << 12);
    let key = MigrationKey::new(&KEY).expect("the key is long enough");
    let stranger = if kind == 0 { Stranger::without_key(rest) } else { Stranger::with_key(rest) };
    if let Ok(mut tenant) = Engine::new(configuration).receive(stranger, &key, Streams::none()) {
        assert!(kind != 0, "a program comes from one who does not know the key");
        let _ = tenant.execute_rest();
        let _ = tenant.snapshot(io::sink());
    }
}

/// The other end of the connection.
struct Stranger<'a> {
    /// What is to be read.
    outgoing: Vec<u8>,
    read: usize,
    /// What it has still to say.
    script: &'a [u8],
    /// Until the receiver has answered; what it has answered.
    handshake: Option<(HandshakeState, Vec<u8>)>,
    seal: Option<TransportState>,
}

impl<'a> Stranger<'a> {
    fn without_key(bytes: &[u8]) -> Stranger<'a> {
        Stranger { outgoing: bytes.to_vec(), read: 0, script: &[], handshake: None, seal: None }
    }

    fn with_key(script: &'a [u8]) -> Stranger<'a> {
        let pattern = "Noise_NNpsk0_25519_ChaChaPoly_BLAKE2s".parse().expect("the pattern is one");
        let key: [u8; 32] = Blake2s256::digest(KEY).into();
        let state = Builder::new(pattern).psk(0, &key).and_then(Builder::build_initiator);
        let mut state = state.expect("a handshake can begin");
        let mut record = vec![0; 1 << 10];
        let length = state.write_message(MAGIC, &mut record).expect("the first message fits");
        let outgoing = [MAGIC, &(length as u16).to_le_bytes(), &record[..length]].concat();
        Stranger { outgoing, read: 0, script, handshake: Some((state, Vec::new())), seal: None }
    }

    /// Puts the next record out.
    fn go_on(&mut self) {
        let (Some(seal), Some((header, rest))) = (&mut self.seal, self.script.split_first_chunk::<2>()) else { return };
        let header = u16::from_le_bytes(*header);
        let (bytes, rest) = rest.split_at(usize::from(header & 0x7fff).min(rest.len()));
        self.script = rest;
        let mut record = bytes.to_vec();
        if header & 0x8000 != 0 {
            record = vec![0; bytes.len() + 16];
            let length = seal.write_message(bytes, &mut record).expect("a record of that size is sealed");
            record.truncate(length);
        }
        self.outgoing = [&(record.len() as u16).to_le_bytes(), &record[..]].concat();
        self.read = 0;
    }
}

impl Read for Stranger<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.outgoing.len() {
            self.go_on();
        }
        let rest = &self.outgoing[self.read..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Ok(count)
    }
}

impl Write for Stranger<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some((_, answer)) = &mut self.handshake {
            answer.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Some((mut state, answer)) = self.handshake.take() {
            let mut content = vec![0; 1 << 10];
            state.read_message(&answer[2..], &mut content).expect("the receiver knows the key");
            self.seal = Some(state.into_transport_mode().expect("the handshake is complete"));
        }
        Ok(())
    }
}
