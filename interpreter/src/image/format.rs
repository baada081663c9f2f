//! The numbers of the format; `spec/image.md` has it byte by byte.

/// The first bytes of every image. The line ends find out transports that change those.
pub const MAGIC: [u8; 8] = *b"\x1bLunImg\n";
/// The version of the format. Others are refused.
pub const VERSION: u16 = 1;
/// Bit of the header's flags: what follows the header is compressed.
pub const COMPRESSED: u16 = 1;
/// Bytes that are summed up at once.
pub(super) const BLOCK: usize = 1 << 16;

/// Bits of a table's record.
pub(super) mod table {
    pub const METATABLE: u8 = 0x01;
    pub const FIELDS: u8 = 0x02;
    pub const NAMES: u8 = 0x04;
    pub const ARRAY: u8 = 0x08;
    pub const HASH: u8 = 0x10;
    pub const ALL: u8 = 0x1f;
}

/// What stands for the tags of an array part whose tags differ.
pub(super) const MIXED: u8 = 0xff;

/// What a userdata stands for.
pub(super) mod userdata {
    pub const PLAIN: u8 = 0;
    pub const STANDARD_STREAM: u8 = 1;
    pub const FILE: u8 = 2;
    pub const OBJECT: u8 = 3;
    pub const BENEATH: u8 = 4;
}

/// Tags of references to what programs never see.
pub(super) mod internal {
    pub const MODULE: u8 = 32;
    pub const PROTOTYPE: u8 = 33;
    pub const INSTANCE: u8 = 34;
    pub const MEMORY: u8 = 35;
    pub const TABLE: u8 = 36;
    pub const GLOBAL: u8 = 37;
    pub const EXCEPTION_TAG: u8 = 38;
}

/// Bytes of a linear memory that are left out if all of them are 0.
pub(super) const MEMORY_PART: usize = 1 << 12;

/// Bits of the mode in which a file is open.
pub(super) mod mode {
    pub const READ: u8 = 0x01;
    pub const WRITE: u8 = 0x02;
    pub const APPEND: u8 = 0x04;
    pub const DIRECTORY: u8 = 0x08;
    pub const NO_FOLLOW: u8 = 0x10;
    pub const NONBLOCKING: u8 = 0x20;
    pub const SYNC: u8 = 0x40;
    pub const DATA_SYNC: u8 = 0x80;
}

/// Bits of the state of the machine.
pub(super) mod state {
    pub const RUNNING: u8 = 0x01;
    pub const FINALIZING: u8 = 0x02;
    pub const HAS_FUEL: u8 = 0x04;
    pub const HAS_OUTPUT: u8 = 0x08;
    pub const EXITING: u8 = 0x10;
    pub const EXIT_CLOSES: u8 = 0x20;
    pub const TRAP: u8 = 0x40;
    pub const ALL: u8 = 0x7f;
}

/// The sum of a block of bytes after those of the sum `state`: two words at a time, multiplied and folded. It finds
/// damage, not forgery.
pub(super) fn add_to_sum(state: u64, block: &[u8]) -> u64 {
    const FIRST: u64 = 0xa076_1d64_78bd_642f;
    const SECOND: u64 = 0xe703_7ed1_a0b4_28db;
    fn fold(a: u64, b: u64) -> u64 {
        let product = u128::from(a) * u128::from(b);
        product as u64 ^ (product >> 64) as u64
    }
    let (pairs, rest) = block.as_chunks::<16>();
    let pair = |state: u64, bytes: &[u8; 16]| {
        let (words, _) = bytes.as_chunks::<8>();
        fold(u64::from_le_bytes(words[0]) ^ FIRST ^ state, u64::from_le_bytes(words[1]) ^ SECOND)
    };
    let state = pairs.iter().fold(state ^ block.len() as u64, pair);
    let mut last = [0; 16];
    last[..rest.len()].copy_from_slice(rest);
    fold(pair(state, &last) ^ SECOND, FIRST)
}

/// The sum of no bytes.
pub(super) const SUM_START: u64 = 0x9e37_79b9_7f4a_7c15;

/// The sum at the end of an image of these bytes.
pub fn checksum(bytes: &[u8]) -> u64 {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    add_to_sum(blocks.iter().fold(SUM_START, |sum, block| add_to_sum(sum, block)), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_tell_bytes_and_lengths() {
        let sums = [&b""[..], b"\0", b"\0\0", b"a", b"b", b"0123456789abcdef", b"0123456789abcdef\0"]
            .map(|bytes| add_to_sum(SUM_START, bytes));
        for (number, sum) in sums.iter().enumerate() {
            assert!(!sums[..number].contains(sum), "{number}");
        }
    }
}
