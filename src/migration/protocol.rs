//! What the ends of a migration say to each other.

use super::channel::broken;
use crate::{error::Result, raw::Origin};
use lunette_pages::Batch;
use serde::{Deserialize, Serialize};

/// The version of the protocol; both ends must have the same.
pub const VERSION: u16 = 1;
/// The most bytes of a message.
pub const MOST_BYTES: usize = 1 << 26;
/// The most bytes of what there is beside memory: read, it may take twenty times as much.
pub const MOST_REST: usize = 1 << 22;
/// Bytes of an image in one message.
pub const IMAGE_PART: usize = 1 << 20;

/// In which form an instance comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// Its memory as it is, while it runs.
    Pages,
    /// An image, when it has stopped.
    Image,
}

/// A message.
#[derive(Debug, Serialize, Deserialize)]
pub enum Message<'a> {
    /// From the departure, first: which version it speaks.
    Hello {
        /// [`VERSION`]
        version: u16,
        /// Where its memory is, if that can be moved as it is.
        origin: Option<Origin>,
    },
    /// To the departure: it may come.
    Welcome(Form),
    /// To the departure: it may not come, or cannot, and why.
    Refused(String),
    /// From the departure: pages of memory.
    Pages(Batch),
    /// From the departure: whether all of that was taken up.
    Check,
    /// To the departure: it was.
    Placed,
    /// From the departure: what there is beside memory; all of that was sent.
    Rest(#[serde(with = "serde_bytes")] &'a [u8]),
    /// From the departure: a part of an image; an empty one says that it is complete.
    Image(#[serde(with = "serde_bytes")] &'a [u8]),
    /// To the departure: everything is there, and could run.
    Prepared,
    /// From the departure: it is to run. What comes after this is out of its hands.
    Commit,
    /// To the departure: it runs.
    Taken,
}

impl Message<'_> {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match postcard::to_stdvec(self) {
            Ok(bytes) => bytes,
            Err(error) => unreachable!("memory takes any number of bytes: {error}"),
        }
    }

    /// A message of its bytes.
    pub fn read(bytes: &[u8]) -> Result<Message<'_>> {
        postcard::from_bytes(bytes).map_err(|_| broken("the other end says what nobody understands"))
    }
}
