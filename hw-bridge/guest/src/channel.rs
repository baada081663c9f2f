//! The guest's end of the channel: how it leaves to the monitor.

use alloc::vec::Vec;
use core::{arch::asm, fmt, sync::atomic::Ordering};
use lunette_hw_interface::{
    channel::{Channel, DISCARD, RECEIVE_PART, SEND, SEND_PART},
    layout::{CHANNEL, INBOX, INBOX_BYTES, OUTBOX, OUTBOX_BYTES},
    message::{self, FromGuest},
};

/// The page that both sides look at.
pub fn shared() -> &'static Channel {
    // SAFETY: the page is always mapped, and is made of atomics only.
    unsafe { &*(CHANNEL as *const Channel) }
}

/// Leaves to the monitor.
fn leave(port: u16) {
    // SAFETY: the monitor changes no registers, and no memory but the channel, the inbox and discarded pages. All memory
    // counts as read and written.
    unsafe { asm!("out dx, al", in("dx") port, in("al") 0u8, options(nostack, preserves_flags)) }
}

/// Copies to the outbox.
fn put(offset: usize, bytes: &[u8]) {
    assert!(bytes.len() <= OUTBOX_BYTES - offset, "outbox is full");
    // SAFETY: the outbox is always mapped, and no reference to it is kept.
    unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), (OUTBOX as *mut u8).add(offset), bytes.len()) }
}

/// Messages on their way to the monitor.
#[derive(Default)]
pub struct Outgoing {
    /// Frames that lie in the outbox.
    used: usize,
    /// Where messages are written.
    frame: Vec<u8>,
}

impl Outgoing {
    /// Adds a message, which may want an answer only if [`Outgoing::exchange`] follows.
    pub fn add(&mut self, message: &FromGuest<'_>) {
        self.frame.clear();
        self.frame.extend_from_slice(&[0; 4]);
        self.frame = message::append(message, core::mem::take(&mut self.frame));
        let length = (self.frame.len() - 4) as u32;
        self.frame[..4].copy_from_slice(&length.to_le_bytes());
        let mut rest = &self.frame[..];
        while rest.len() > OUTBOX_BYTES - self.used {
            let (part, after) = rest.split_at(OUTBOX_BYTES - self.used);
            put(self.used, part);
            shared().outbox_length.store(OUTBOX_BYTES as u32, Ordering::Relaxed);
            leave(SEND_PART);
            self.used = 0;
            rest = after;
        }
        put(self.used, rest);
        self.used += rest.len();
    }

    /// Whether anything waits.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Lets the monitor have what waits, none of which wants an answer.
    pub fn flush(&mut self) {
        if self.used > 0 {
            shared().outbox_length.store(self.used as u32, Ordering::Relaxed);
            leave(SEND_PART);
            self.used = 0;
        }
    }

    /// Lets the monitor have what waits; gives the answer.
    pub fn exchange(&mut self) -> Vec<u8> {
        shared().outbox_length.store(self.used as u32, Ordering::Relaxed);
        self.used = 0;
        leave(SEND);
        let mut answer = Vec::new();
        loop {
            let length = (shared().inbox_length.load(Ordering::Relaxed) as usize).min(INBOX_BYTES);
            // SAFETY: the inbox is always mapped, and nobody writes to it while the guest runs.
            answer.extend_from_slice(unsafe { core::slice::from_raw_parts(INBOX as *const u8, length) });
            if shared().inbox_more.load(Ordering::Relaxed) == 0 {
                return answer;
            }
            leave(RECEIVE_PART);
        }
    }
}

/// Gives pages back, which read as zero afterwards.
pub fn discard(start: u64, bytes: u64) {
    shared().discard_start.store(start, Ordering::Relaxed);
    shared().discard_bytes.store(bytes, Ordering::Relaxed);
    leave(DISCARD);
}

/// The most that a message may cost.
pub fn most_message() -> usize {
    usize::try_from(shared().most_message.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
}

/// The runtime's last words, in the outbox.
#[derive(Default)]
pub struct LastWords {
    length: usize,
}

impl LastWords {
    /// Adds what there is room for.
    pub fn add(&mut self, bytes: &[u8]) {
        let bytes = &bytes[..bytes.len().min(OUTBOX_BYTES - self.length)];
        put(self.length, bytes);
        self.length += bytes.len();
    }

    /// Lets the monitor have them, by this port, for good.
    pub fn send(self, port: u16) -> ! {
        shared().outbox_length.store(self.length as u32, Ordering::Relaxed);
        loop {
            leave(port);
        }
    }
}

impl fmt::Write for LastWords {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.add(text.as_bytes());
        Ok(())
    }
}
