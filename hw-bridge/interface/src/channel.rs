//! How the guest and the monitor hand messages to each other.
//!
//! The guest writes frames into an *outbox*, says where that is and how much it holds, and leaves by `out` to [`SEND`];
//! when it comes back, the answer is in its *inbox*. Either is a place in memory of the guest's choice: the box that
//! `layout` has for it, or any of the arena and the region. Messages larger than a box go in pieces, each with an exit of
//! its own: the guest's by [`SEND_PART`], the monitor's, while [`Channel::inbox_more`] is not 0, fetched by
//! [`RECEIVE_PART`].
//!
//! ```text
//!   outbox:  | length (u32) | message | length | message | ...     only the last may want an answer
//!   inbox:   | message, or a part of it |
//! ```

use core::sync::atomic::{AtomicU32, AtomicU64};

/// Port: the outbox holds messages, of which the last wants an answer.
pub const SEND: u16 = 0x10;
/// Port: the outbox holds a part of messages.
pub const SEND_PART: u16 = 0x11;
/// Port: the next part of the answer is wanted.
pub const RECEIVE_PART: u16 = 0x12;
/// Port: the pages from [`Channel::pages_start`] on are not used any more, and are to read as zero.
pub const DISCARD: u16 = 0x13;
/// Port: the runtime cannot go on; the outbox holds text that says why.
pub const PANIC: u16 = 0x14;
/// Port: the outbox holds text that says what was running, as [`Channel::post_mortem`] was asked to tell.
pub const REPORT: u16 = 0x15;
/// Port: the pages from [`Channel::pages_start`] on will be written to soon.
pub const PREPARE: u16 = 0x16;
/// Port: the pages from [`Channel::pages_start`] on, up to the end of their place, are to be inaccessible.
pub const GUARD: u16 = 0x17;
/// Port: the first pages that are inaccessible in a place, which [`Channel::pages_start`] names, are to be accessible again.
pub const UNGUARD: u16 = 0x18;
/// The ports that the guest may use.
pub const PORTS: [u16; 9] = [SEND, SEND_PART, RECEIVE_PART, DISCARD, PANIC, REPORT, PREPARE, GUARD, UNGUARD];
/// The most bytes of pages that are prepared with one exit.
pub const MOST_PREPARED: u64 = 1 << 24;
/// The most bytes that are sent with one exit.
pub const MOST_SENT: usize = 1 << 20;
/// Port of exception 0; the others follow. Only the stubs at CPL 0 use them.
pub const EXCEPTION: u16 = 0x80;
/// Number of exceptions.
pub const EXCEPTIONS: u16 = 32;

/// The page that both sides look at. The monitor treats everything in it as numbers of unknown origin.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Channel {
    /// Bytes in the outbox.
    pub outbox_length: AtomicU32,
    /// Bytes in the inbox.
    pub inbox_length: AtomicU32,
    /// Bytes of the message that follow.
    pub inbox_more: AtomicU32,
    /// Not 0 if the instance is to stop.
    pub interrupt: AtomicU32,
    /// Not 0 if a posted write failed: the next write is to be asked for, and gets the error.
    pub post_failed: AtomicU32,
    /// Not 0 if somebody asks for a snapshot.
    pub snapshot: AtomicU32,
    /// Address of the pages to discard, prepare or guard.
    pub pages_start: AtomicU64,
    /// Their bytes.
    pub pages_bytes: AtomicU64,
    /// Frequency of the time stamp counter in kHz.
    pub counter_khz: AtomicU64,
    /// The most that a message may cost, in the measure of [`message::read_within`](crate::message::read_within).
    pub most_message: AtomicU64,
    /// Where the guest, if it breaks, is started once more to say what was running; 0 if it cannot.
    pub post_mortem: AtomicU64,
    /// Address of the outbox.
    pub outbox_start: AtomicU64,
    /// Address of the inbox.
    pub inbox_start: AtomicU64,
    /// The most bytes that the inbox takes.
    pub inbox_room: AtomicU64,
    /// Not 0 if the guest has come from another partition since it left: its clock goes on from where it was.
    pub has_moved: AtomicU32,
    /// Nanoseconds for which the guest's processor had run when the guest was last let go on.
    pub processor_time: AtomicU64,
    /// Where the guest goes on when it has accessed what is guarded, with the address of the instruction in `rdi`, and that of what
    /// it has accessed in `rsi`; 0 if that ends it.
    pub guard_handler: AtomicU64,
}
