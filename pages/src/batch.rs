//! Pages on their way.

use crate::PAGE_BYTES;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, SeqAccess, Visitor},
};
use std::{fmt, marker::PhantomData, ops::Range};

/// The most runs of a batch that comes from elsewhere, and the most pieces of added memory: those who make batches put at
/// most so many pages into one.
pub const MOST_RUNS: usize = 1 << 15;

/// Pages that lie one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The address of the first.
    pub start: u64,
    /// Bytes of them, whole pages.
    pub bytes: u64,
    /// Whether they are all zero, and have no content in the batch.
    pub is_zero: bool,
}

/// A run with its content, or none if it is zero.
pub type Part<'b> = (&'b Run, Option<&'b [u8]>);

/// Pages with their content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Memory that was added since the last batch: address and bytes.
    #[serde(deserialize_with = "bounded")]
    pub added: Vec<(u64, u64)>,
    /// The pages.
    #[serde(deserialize_with = "bounded")]
    pub runs: Vec<Run>,
    /// The content of those that are not zero, one after the other.
    #[serde(with = "serde_bytes")]
    pub content: Vec<u8>,
}

/// A list of at most [`MOST_RUNS`] items: as bytes, an item may take much less than in memory.
fn bounded<'d, T: Deserialize<'d>, D: Deserializer<'d>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    struct Items<T>(PhantomData<T>);

    impl<'d, T: Deserialize<'d>> Visitor<'d> for Items<T> {
        type Value = Vec<T>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(formatter, "at most {MOST_RUNS} items")
        }

        fn visit_seq<A: SeqAccess<'d>>(self, mut sequence: A) -> Result<Vec<T>, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = sequence.next_element()? {
                if items.len() == MOST_RUNS {
                    return Err(A::Error::invalid_length(MOST_RUNS + 1, &self));
                }
                items.push(item);
            }
            Ok(items)
        }
    }

    deserializer.deserialize_seq(Items(PhantomData))
}

/// A batch does not keep its own rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a batch of pages is malformed")]
pub struct Malformed;

impl Batch {
    /// Adds a range of whole pages, which `read` copies from memory.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn add<E>(
        &mut self,
        range: Range<u64>,
        mut read: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let begin = self.content.len();
        self.content.resize(begin + (range.end - range.start) as usize, 0);
        read(range.start, &mut self.content[begin..])?;
        // Zero pages leave; what follows them moves up.
        let mut end = begin;
        for (number, address) in range.step_by(PAGE_BYTES).enumerate() {
            let page = begin + number * PAGE_BYTES..begin + (number + 1) * PAGE_BYTES;
            let is_zero = self.content[page.clone()].iter().all(|&byte| byte == 0);
            if !is_zero {
                if page.start != end {
                    self.content.copy_within(page, end);
                }
                end += PAGE_BYTES;
            }
            match self.runs.last_mut() {
                Some(last) if last.start + last.bytes == address && last.is_zero == is_zero => {
                    last.bytes += PAGE_BYTES as u64;
                }
                _ => self.runs.push(Run { start: address, bytes: PAGE_BYTES as u64, is_zero }),
            }
        }
        self.content.truncate(end);
        Ok(())
    }

    /// The runs with their content.
    ///
    /// # Errors
    /// Runs are no whole pages, or go beyond the content or the last address.
    pub fn parts(&self) -> Result<Vec<Part<'_>>, Malformed> {
        let mut rest = &self.content[..];
        let mut parts = Vec::with_capacity(self.runs.len());
        for run in &self.runs {
            let is_whole = [run.start, run.bytes].iter().all(|number| number.is_multiple_of(PAGE_BYTES as u64));
            if !is_whole || run.start.checked_add(run.bytes).is_none() {
                return Err(Malformed);
            }
            let content = if run.is_zero {
                None
            } else {
                let bytes = usize::try_from(run.bytes).map_err(|_| Malformed)?;
                let (content, after) = rest.split_at_checked(bytes).ok_or(Malformed)?;
                rest = after;
                Some(content)
            };
            parts.push((run, content));
        }
        if rest.is_empty() { Ok(parts) } else { Err(Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: u64 = PAGE_BYTES as u64;

    #[test]
    fn zero_pages_have_no_content() {
        let mut batch = Batch::default();
        let added: Result<(), ()> = batch.add(0x10_0000..0x10_0000 + 5 * PAGE, |_, bytes| {
            for page in [1, 4] {
                bytes[page * PAGE_BYTES..][..PAGE_BYTES].fill(page as u8);
            }
            Ok(())
        });
        assert_eq!((added, batch.runs.len(), batch.content.len()), (Ok(()), 4, 2 * PAGE_BYTES));
        let parts = batch.parts().unwrap();
        assert_eq!((parts[0].0.start, parts[0].1), (0x10_0000, None));
        assert_eq!((parts[1].0.start, parts[1].1.unwrap()[0]), (0x10_0000 + PAGE, 1));
        assert_eq!((parts[2].0.bytes, parts[2].1), (2 * PAGE, None));
        assert_eq!((parts[3].0.start, parts[3].1.unwrap()[0]), (0x10_0000 + 4 * PAGE, 4));
    }

    #[test]
    fn lists_from_elsewhere_are_bounded() {
        use serde::de::value::{Error, SeqDeserializer};
        let list = |length: u32| bounded::<u32, _>(SeqDeserializer::<_, Error>::new(0..length));
        assert_eq!(list(MOST_RUNS as u32).map(|items| items.len()), Ok(MOST_RUNS));
        assert!(list(MOST_RUNS as u32 + 1).is_err());
    }

    #[test]
    fn malformed_batches_are_found_out() {
        let batch = |runs: &[(u64, u64, bool)], content: usize| Batch {
            added: Vec::new(),
            runs: runs.iter().map(|&(start, bytes, is_zero)| Run { start, bytes, is_zero }).collect(),
            content: vec![1; content],
        };
        assert!(batch(&[(PAGE, PAGE, false)], PAGE_BYTES).parts().is_ok());
        for wrong in [
            batch(&[(PAGE, PAGE, false)], PAGE_BYTES - 1),
            batch(&[(PAGE, PAGE, false)], PAGE_BYTES + 1),
            batch(&[(PAGE, PAGE, true)], PAGE_BYTES),
            batch(&[(1, PAGE, true)], 0),
            batch(&[(PAGE, 1, true)], 0),
            batch(&[(u64::MAX - PAGE + 1, PAGE, true)], 0),
            batch(&[(0, 1 << 63, false)], PAGE_BYTES),
        ] {
            assert_eq!(wrong.parts(), Err(Malformed), "{:?}", wrong.runs);
        }
    }
}
