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
        OUTBOX, OUTBOX_BYTES, PAGE_BYTES, PLACE_BYTES, PLACES, REGION, REGION_START_BYTES,
    },
};

const QUESTION: usize = 18;

/// What the guest has.
struct Account {
    /// The ends of what is there of each window.
    ends: [u128; 6],
    /// From where on each is guarded, if it is.
    guards: [Option<u64>; 6],
    added: u128,
    limit: u128,
}

/// Where the windows begin and end.
const WINDOWS: [(u64, u64); 6] = [
    (ARENA, ARENA + ARENA_BYTES),
    (REGION, PLACES),
    (CODE_WRITTEN, CODE_WRITTEN + CODE_BYTES),
    (PLACES, PLACES + PLACE_BYTES),
    (PLACES + PLACE_BYTES, PLACES + 2 * PLACE_BYTES),
    (PLACES + 2 * PLACE_BYTES, PLACES + 3 * PLACE_BYTES),
];
const FIRST_PLACE: usize = 3;

impl Account {
    /// Whether all of that is in a window, as far as it is mapped.
    fn has(&self, start: u64, bytes: u64) -> bool {
        let end = u128::from(start) + u128::from(bytes);
        (0..WINDOWS.len()).any(|window| start >= WINDOWS[window].0 && end <= self.ends[window])
    }

    /// Whether all of that is in a window.
    fn may_have(start: u64, bytes: u64) -> bool {
        let end = u128::from(start) + u128::from(bytes);
        WINDOWS.iter().any(|&(from, to)| start >= from && end <= u128::from(to))
    }

    /// Whether memory may be added for the last byte of that.
    fn may_get(&self, start: u64, bytes: u64) -> bool {
        let last = start.wrapping_add(bytes).wrapping_sub(1);
        let is_guarded = (FIRST_PLACE..WINDOWS.len())
            .any(|window| self.guards[window].is_some_and(|guard| (guard..WINDOWS[window].1).contains(&last)));
        Account::may_have(start, bytes) && !self.has(start, bytes) && !is_guarded
    }

    fn add(&mut self, growth: &Growth) {
        let window = (0..WINDOWS.len()).find(|&window| self.ends[window] == growth.address.into());
        let window = window.expect("memory is added at the end of what is there");
        assert!(growth.bytes > 0 && growth.bytes.is_multiple_of(LARGE_PAGE_BYTES));
        assert_eq!(u128::from(growth.physical), u128::from(GROWTH) + self.added);
        self.ends[window] += u128::from(growth.bytes);
        self.added += u128::from(growth.bytes);
        assert!(self.ends[window] <= WINDOWS[window].1.into(), "memory is added in the window");
        assert!(self.added <= self.limit, "no more memory is added than there may be");
    }
}

/// The place in which an address is.
fn place_of(address: u64) -> Option<usize> {
    (FIRST_PLACE..WINDOWS.len()).find(|&place| (WINDOWS[place].0..WINDOWS[place].1).contains(&address))
}

/// Asks what the input says.
pub fn check(data: &[u8]) {
    let Some((&limit, questions)) = data.split_first() else { return };
    let limit = u64::from(limit) * LARGE_PAGE_BYTES + u64::from(limit % 3) * PAGE_BYTES;
    let mut windows = Windows::new(limit);
    let mut ends = WINDOWS.map(|(start, _)| u128::from(start));
    ends[0] += u128::from(ARENA_START_BYTES);
    ends[1] += u128::from(REGION_START_BYTES);
    let mut account = Account { ends, guards: [None; 6], added: 0, limit: limit.into() };
    for question in questions.chunks_exact(QUESTION) {
        let number = |at: usize| u64::from_le_bytes(question[at..at + 8].try_into().expect("eight bytes"));
        let origin = match question[1] % 14 {
            0 => 0,
            1 => OUTBOX,
            2 => INBOX,
            3 => ARENA,
            4 => REGION,
            5 => account.ends[0] as u64,
            6 => account.ends[1] as u64,
            7 => CODE_WRITTEN,
            8 => account.ends[2] as u64,
            9 => PLACES,
            10 => PLACES + PLACE_BYTES,
            11 => account.ends[3] as u64,
            12 => account.guards[3].unwrap_or(PLACES + PLACE_BYTES),
            _ => ARENA + ARENA_BYTES,
        };
        let (start, bytes) = (origin.wrapping_add(number(2)), number(10));
        let is_aligned = start % PAGE_BYTES == 0 && bytes % PAGE_BYTES == 0;
        match question[0] % 8 {
            0 => {
                let is_box = [(OUTBOX, OUTBOX_BYTES), (INBOX, INBOX_BYTES)].iter().any(|&(from, size)| {
                    start >= from && u128::from(start) + u128::from(bytes) <= u128::from(from) + size as u128
                });
                assert_eq!(windows.holds(start, bytes as usize), is_box || account.has(start, bytes));
            }
            1 => {
                if let Some(last) = windows.missing(start, bytes as usize) {
                    // Of no bytes, the last is the one before.
                    assert!(bytes == 0 || account.may_get(start, bytes));
                    if let Some(growth) = windows.growth_to(last) {
                        windows.add(&growth);
                        account.add(&growth);
                        assert!(account.has(start, bytes), "what was missing is there");
                    }
                }
            }
            2 => {
                let discarded = windows.discarded(start, bytes);
                assert_eq!(discarded.is_some(), is_aligned && Account::may_have(start, bytes));
                if let Some((window, pages)) = discarded {
                    assert!(window <= pages.start && pages.start <= pages.end && pages.end - pages.start <= bytes);
                    assert!(pages.is_empty() || account.has(pages.start, pages.end - pages.start));
                    assert!(bytes == 0 || !account.has(start, bytes) || pages == (start..start + bytes));
                }
            }
            3 => {
                let prepared = windows.prepared(start, bytes);
                let is_right = is_aligned && Account::may_have(start, bytes) && (1..=MOST_PREPARED).contains(&bytes);
                assert_eq!(prepared, is_right.then(|| start..start + bytes));
            }
            4 => {
                assert_eq!(windows.is_growable(start), account.may_get(start, 1));
                if let Some(growth) = windows.growth_to(start) {
                    windows.add(&growth);
                    account.add(&growth);
                    assert!(account.has(start, 1), "there is memory where the guest touched it");
                }
            }
            5 | 6 => {
                let is_guarded = question[0] % 8 == 5;
                let end = u128::from(start) + u128::from(bytes);
                let place = (FIRST_PLACE..WINDOWS.len())
                    .find(|&place| start >= WINDOWS[place].0 && end <= u128::from(WINDOWS[place].1))
                    .filter(|&place| match is_guarded {
                        true => end == u128::from(WINDOWS[place].1),
                        false => account.guards[place] == Some(start),
                    });
                let guarded = windows.guarded(start, bytes, is_guarded);
                assert_eq!(guarded.is_some(), is_aligned && place.is_some());
                if let (Some((number, guard)), Some(place)) = (guarded, place) {
                    assert_eq!(number.0 + FIRST_PLACE, place);
                    let range = windows.set_guard(number, guard);
                    assert!(range.start >= WINDOWS[place].0 && range.end <= WINDOWS[place].1);
                    for (page, accessible) in windows.large_pages(number, range) {
                        assert!(account.has(page, LARGE_PAGE_BYTES) && accessible <= LARGE_PAGE_BYTES);
                        assert!(guard.is_none_or(|guard| accessible == 0 || page + accessible <= guard));
                    }
                    account.guards[place] = guard;
                    assert_eq!(windows.guards()[number.0], guard);
                }
                assert_eq!(
                    windows.is_guarded(start),
                    place_of(start).is_some_and(|place| { account.guards[place].is_some_and(|guard| start >= guard) })
                );
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
