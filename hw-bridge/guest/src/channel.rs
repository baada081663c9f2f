//! The guest's end of the channel: how it leaves to the monitor.

use alloc::vec::Vec;
use core::{arch::asm, fmt, sync::atomic::Ordering};
use lunette_hw_interface::{
    channel::{Channel, DISCARD, GUARD, MOST_PREPARED, MOST_SENT, PREPARE, RECEIVE_PART, SEND, SEND_PART, UNGUARD},
    layout::{CHANNEL, INBOX, INBOX_BYTES, OUTBOX, OUTBOX_BYTES},
    message::{self, FromGuest},
};

/// Bytes of messages without an answer that are worth leaving for.
const ENOUGH: usize = 1 << 18;

/// The page that both sides look at.
pub fn shared() -> &'static Channel {
    // SAFETY: the page is always mapped, and is made of atomics only.
    unsafe { &*(CHANNEL as *const Channel) }
}

/// Leaves to the monitor.
fn leave(port: u16) {
    // SAFETY: the monitor changes no registers, and no memory but the channel, the inbox, which is a place that nobody
    // refers to, and discarded pages. All memory counts as read and written.
    unsafe { asm!("out dx, al", in("dx") port, in("al") 0u8, options(nostack, preserves_flags)) }
}

/// Leaves with what an outbox holds.
fn leave_with(port: u16, outbox: u64, length: usize) {
    shared().outbox_start.store(outbox, Ordering::Relaxed);
    shared().outbox_length.store(length as u32, Ordering::Relaxed);
    leave(port);
}

/// Leaves, and appends a part of the answer, into the room that there is for it if that is more than a box. Bytes of the
/// answer that follow.
fn receive(port: u16, answer: &mut Vec<u8>) -> usize {
    let spare = answer.spare_capacity_mut();
    let is_roomy = spare.len() > INBOX_BYTES;
    let (start, room) =
        if is_roomy { (spare.as_ptr() as u64, spare.len().min(MOST_SENT)) } else { (INBOX, INBOX_BYTES) };
    shared().inbox_start.store(start, Ordering::Relaxed);
    shared().inbox_room.store(room as u64, Ordering::Relaxed);
    leave(port);
    let length = (shared().inbox_length.load(Ordering::Relaxed) as usize).min(room);
    if is_roomy {
        // SAFETY: the monitor has written so many bytes there, which are fewer than there is room.
        unsafe { answer.set_len(answer.len() + length) };
    } else {
        // SAFETY: the inbox is always mapped, and nobody writes to it while the guest runs.
        answer.extend_from_slice(unsafe { core::slice::from_raw_parts(INBOX as *const u8, length) });
    }
    shared().inbox_more.load(Ordering::Relaxed) as usize
}

/// Messages on their way to the monitor.
#[derive(Default)]
pub struct Outgoing {
    /// Their frames.
    frames: Vec<u8>,
}

impl Outgoing {
    /// Adds a message, which may want an answer only if [`Outgoing::exchange`] follows.
    pub fn add(&mut self, message: &FromGuest<'_>) {
        let start = self.frames.len();
        self.frames.extend_from_slice(&[0; 4]);
        self.frames = message::append(message, core::mem::take(&mut self.frames));
        let length = (self.frames.len() - start - 4) as u32;
        self.frames[start..start + 4].copy_from_slice(&length.to_le_bytes());
        if message.is_posted() && self.frames.len() >= ENOUGH {
            self.flush();
        }
    }

    /// Whether anything waits.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Lets the monitor have what waits, none of which wants an answer.
    pub fn flush(&mut self) {
        for part in self.frames.chunks(MOST_SENT) {
            leave_with(SEND_PART, part.as_ptr() as u64, part.len());
        }
        self.clear();
    }

    /// Lets the monitor have what waits; puts the answer into a vector.
    pub fn exchange(&mut self, answer: &mut Vec<u8>) {
        let mut rest = &self.frames[..];
        while let Some((part, after)) = rest.split_at_checked(MOST_SENT)
            && !after.is_empty()
        {
            leave_with(SEND_PART, part.as_ptr() as u64, part.len());
            rest = after;
        }
        shared().outbox_start.store(rest.as_ptr() as u64, Ordering::Relaxed);
        shared().outbox_length.store(rest.len() as u32, Ordering::Relaxed);
        answer.clear();
        let mut more = receive(SEND, answer);
        self.clear();
        while more > 0 {
            answer.reserve_exact(more);
            more = receive(RECEIVE_PART, answer);
        }
    }

    fn clear(&mut self) {
        self.frames.clear();
        self.frames.shrink_to(MOST_SENT);
    }
}

/// Gives pages back, which read as zero afterwards.
pub fn discard(start: u64, bytes: u64) {
    leave_with_pages(DISCARD, start, bytes);
}

/// Has pages made that will be written to.
pub fn prepare(start: u64, bytes: u64) {
    let end = start + bytes;
    for start in (start..end).step_by(MOST_PREPARED as usize) {
        leave_with_pages(PREPARE, start, MOST_PREPARED.min(end - start));
    }
}

/// Makes pages up to the end of a place inaccessible, or the first of those that are accessible again.
pub fn guard(start: u64, bytes: u64, is_guarded: bool) {
    leave_with_pages(if is_guarded { GUARD } else { UNGUARD }, start, bytes);
}

fn leave_with_pages(port: u16, start: u64, bytes: u64) {
    shared().pages_start.store(start, Ordering::Relaxed);
    shared().pages_bytes.store(bytes, Ordering::Relaxed);
    leave(port);
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
        let count = bytes.len().min(OUTBOX_BYTES - self.length);
        // SAFETY: the outbox is always mapped, has so much room left, and no reference to it is kept.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), (OUTBOX as *mut u8).add(self.length), count) };
        self.length += count;
    }

    /// Lets the monitor have them, by this port, for good.
    pub fn send(self, port: u16) -> ! {
        loop {
            leave_with(port, OUTBOX, self.length);
        }
    }
}

impl fmt::Write for LastWords {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.add(text.as_bytes());
        Ok(())
    }
}
