//! Addresses and lengths that a guest names, against a second account of what it may have.
//!
//! ```text
//!   input:     | limit (1 byte, large pages) | question | question | ...
//!   question:  | kind (1 byte) | place (1 byte) | offset (8 bytes) | bytes (8 bytes) |
//! ```

use lunette_hw_bridge::windows::{Growth, Windows};
use lunette_hw_interface::{
    channel::MOST_PREPARED,
    layout::{
        ARENA, ARENA_BYTES, ARENA_START_BYTES, CODE_BYTES, CODE_WRITTEN, GROWTH, INBOX, INBOX_BYTES, LARGE_PAGE_BYTES,
        OUTBOX, OUTBOX_BYTES, PAGE_BYTES, REGION, REGION_BYTES, REGION_START_BYTES,
    },
};

const QUESTION: usize = 18;

/// What the guest has.
struct Account {
    /// The ends of what is there of each window.
    ends: [u128; 3],
    added: u128,
    limit: u128,
}

/// Where the windows begin and end.
const WINDOWS: [(u64, u64); 3] =
    [(ARENA, ARENA + ARENA_BYTES), (REGION, REGION + REGION_BYTES), (CODE_WRITTEN, CODE_WRITTEN + CODE_BYTES)];

impl Account {
    /// Whether all of that is in a window, as far as it is mapped.
    fn has(&self, start: u64, bytes: u64) -> bool {
        let end = u128::from(start) + u128::from(bytes);
        (0..3).any(|window| start >= WINDOWS[window].0 && end <= self.ends[window])
    }

    /// Whether all of that is in a window.
    fn may_have(start: u64, bytes: u64) -> bool {
        let end = u128::from(start) + u128::from(bytes);
        WINDOWS.iter().any(|&(from, to)| start >= from && end <= u128::from(to))
    }

    fn add(&mut self, growth: &Growth) {
        let window = (0..3).find(|&window| self.ends[window] == growth.address.into());
        let window = window.expect("memory is added at the end of what is there");
        assert!(growth.bytes > 0 && growth.bytes.is_multiple_of(LARGE_PAGE_BYTES));
        assert_eq!(u128::from(growth.physical), u128::from(GROWTH) + self.added);
        self.ends[window] += u128::from(growth.bytes);
        self.added += u128::from(growth.bytes);
        assert!(self.ends[window] <= WINDOWS[window].1.into(), "memory is added in the window");
        assert!(self.added <= self.limit, "no more memory is added than there may be");
    }
}

/// Asks what the input says.
pub fn check(data: &[u8]) {
    let Some((&limit, questions)) = data.split_first() else { return };
    let limit = u64::from(limit) * LARGE_PAGE_BYTES + u64::from(limit % 3) * PAGE_BYTES;
    let mut windows = Windows::new(limit);
    let ends = [ARENA + ARENA_START_BYTES, REGION + REGION_START_BYTES, CODE_WRITTEN].map(u128::from);
    let mut account = Account { ends, added: 0, limit: limit.into() };
    for question in questions.chunks_exact(QUESTION) {
        let number = |at: usize| u64::from_le_bytes(question[at..at + 8].try_into().expect("eight bytes"));
        let origin = match question[1] % 10 {
            0 => 0,
            1 => OUTBOX,
            2 => INBOX,
            3 => ARENA,
            4 => REGION,
            5 => account.ends[0] as u64,
            6 => account.ends[1] as u64,
            7 => CODE_WRITTEN,
            8 => account.ends[2] as u64,
            _ => ARENA + ARENA_BYTES,
        };
        let (start, bytes) = (origin.wrapping_add(number(2)), number(10));
        let is_aligned = start % PAGE_BYTES == 0 && bytes % PAGE_BYTES == 0;
        match question[0] % 6 {
            0 => {
                let is_box = [(OUTBOX, OUTBOX_BYTES), (INBOX, INBOX_BYTES)].iter().any(|&(from, size)| {
                    start >= from && u128::from(start) + u128::from(bytes) <= u128::from(from) + size as u128
                });
                assert_eq!(windows.holds(start, bytes as usize), is_box || account.has(start, bytes));
            }
            1 => {
                if let Some(last) = windows.missing(start, bytes as usize) {
                    assert!(Account::may_have(start, bytes) && !account.has(start, bytes));
                    if let Some(growth) = windows.growth_to(last) {
                        windows.add(&growth);
                        account.add(&growth);
                        assert!(account.has(start, bytes), "what was missing is there");
                    }
                }
            }
            2 => {
                let discarded = windows.discarded(start, bytes);
                assert_eq!(discarded.is_some(), is_aligned && account.has(start, bytes));
            }
            3 => {
                let prepared = windows.prepared(start, bytes);
                let is_right = is_aligned && Account::may_have(start, bytes) && (1..=MOST_PREPARED).contains(&bytes);
                assert_eq!(prepared, is_right.then(|| start..start + bytes));
            }
            4 => {
                assert_eq!(windows.is_growable(start), Account::may_have(start, 1) && !account.has(start, 1));
                if let Some(growth) = windows.growth_to(start) {
                    windows.add(&growth);
                    account.add(&growth);
                    assert!(account.has(start, 1), "there is memory where the guest touched it");
                }
            }
            _ => {
                if let Some(growth) = windows.growth_by(start, bytes) {
                    assert_eq!((growth.address, growth.bytes), (start, bytes));
                    windows.add(&growth);
                    account.add(&growth);
                }
            }
        }
    }
}
