//! Hashing, comparing and copying bytes in line: for as few as most strings have, a call takes longer than the work.

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const FIRST: u64 = 0xa076_1d64_78bd_642f;
const SECOND: u64 = 0xe703_7ed1_a0b4_28db;

/// Two words with all of at most 16 bytes: those that begin and those that end them, which may be the same ones. What is
/// as long and gives the same words is equal.
#[inline(always)]
fn ends(bytes: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into());
    }
    match *bytes {
        [] => (0, 0),
        [first] => (first.into(), 0),
        [first, second] => (u16::from_le_bytes([first, second]).into(), 0),
        [first, second, third, ..] => (u32::from_le_bytes([first, second, third, 0]).into(), 0),
    }
}

/// The hash of a string's bytes.
#[inline(always)]
pub(crate) fn hash(bytes: &[u8]) -> u32 {
    let (mut state, mut rest) = if bytes.len() > BLOCK { begin(bytes) } else { (SEED ^ bytes.len() as u64, bytes) };
    while rest.len() > PAIR
        && let Some((pair, after)) = rest.split_at_checked(PAIR)
    {
        state = mix(state, pair);
        rest = after;
    }
    state = mix(state, rest);
    (state ^ state >> 32) as u32
}

const PAIR: usize = 16;
const BLOCK: usize = 4 * PAIR;

#[inline(always)]
fn mix(state: u64, bytes: &[u8]) -> u64 {
    let (low, high) = ends(bytes);
    fold(low ^ FIRST ^ state, high ^ SECOND)
}

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// All but the last block of a long string, in several ways that do not wait for each other: the state, and what is left.
#[inline(never)]
fn begin(bytes: &[u8]) -> (u64, &[u8]) {
    let state = SEED ^ bytes.len() as u64;
    let mut ways = [state; BLOCK / PAIR];
    let mut rest = bytes;
    while rest.len() > BLOCK
        && let Some((block, after)) = rest.split_first_chunk::<BLOCK>()
    {
        for (way, pair) in ways.iter_mut().zip(block.as_chunks::<PAIR>().0) {
            *way = mix(*way, pair);
        }
        rest = after;
    }
    (ways.into_iter().fold(state, |state, way| fold(state ^ FIRST, way ^ SECOND)), rest)
}

/// Whether the bytes are the same.
#[inline(always)]
pub(crate) fn equal(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    if left.len() <= 16 {
        return ends(left) == ends(right);
    }
    if left.len() > 64 {
        return left == right;
    }
    let pairs = left.as_chunks::<16>().0.iter().zip(right.as_chunks::<16>().0);
    left.last_chunk::<16>() == right.last_chunk::<16>() && { pairs }.all(|(left, right)| left == right)
}

/// Copies bytes to a place with room for as many.
#[inline(always)]
pub fn copy(from: &[u8], to: &mut [u8]) {
    #[inline(always)]
    fn copy_ends<const COUNT: usize>(from: &[u8], to: &mut [u8]) -> bool {
        let (Some(first), Some(last)) = (from.first_chunk::<COUNT>(), from.last_chunk::<COUNT>()) else {
            return false;
        };
        if let Some(place) = to.first_chunk_mut() {
            *place = *first;
        }
        if let Some(place) = to.last_chunk_mut() {
            *place = *last;
        }
        true
    }
    assert_eq!(from.len(), to.len());
    if from.len() > 64 {
        return to.copy_from_slice(from);
    }
    let is_done = from.len() > 32 && copy_ends::<32>(from, to)
        || copy_ends::<16>(from, to)
        || copy_ends::<8>(from, to)
        || copy_ends::<4>(from, to)
        || copy_ends::<2>(from, to);
    if let ([from], [to], false) = (from, to, is_done) {
        *to = *from;
    }
}
