//! The key that both ends of a migration share.

use crate::error::{Error, Result};
use blake2::{Blake2s256, Digest};
use std::fmt;

/// The fewest bytes that a key is made of.
const FEWEST_BYTES: usize = 32;

/// What both ends of a migration know and nobody else: it proves who they are, and keeps what they say to themselves.
///
/// ```
/// use lunette::MigrationKey;
/// assert!(MigrationKey::new(b"open sesame").is_err());
/// assert!(MigrationKey::new(&[7; 32]).is_ok());
/// ```
#[derive(Clone)]
pub struct MigrationKey([u8; 32]);

impl fmt::Debug for MigrationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MigrationKey")
    }
}

impl MigrationKey {
    /// A key made of 32 or more bytes, which are to be random: a word that people remember could be guessed.
    ///
    /// ```
    /// # use lunette::MigrationKey;
    /// let error = MigrationKey::new(b"short").unwrap_err();
    /// assert_eq!(error.to_string(), "a key is made of at least 32 random bytes, and this has 5");
    /// ```
    pub fn new(bytes: &[u8]) -> Result<MigrationKey> {
        if bytes.len() < FEWEST_BYTES {
            let count = bytes.len();
            return Err(Error::message(format_args!(
                "a key is made of at least {FEWEST_BYTES} random bytes, and this has {count}"
            )));
        }
        Ok(MigrationKey(Blake2s256::digest(bytes).into()))
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
