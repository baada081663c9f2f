//! `string.pack`, `packsize` and `unpack`: the format string as a sequence of typed items, and the items' values as
//! bytes.
//!
//! The library function goes through the [`Items`] of the format; each item says how many bytes of padding come before
//! it and how large it is, given where it starts, and its value is written by the functions of [`encode`] or read by
//! those of [`decode`].

pub mod decode;
pub mod encode;
mod format;

pub use format::{Item, Items, Kind};

/// The largest result that `packsize` gives.
pub const MAX_SIZE: usize = i32::MAX as usize;

/// The greatest size of an integer.
pub const MAX_INTEGER_SIZE: u32 = 16;

/// Why packing or unpacking fails. The display is PUC Lua's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// The size after an option is none for an integer.
    #[error("integral size ({0}) out of limits [1,{MAX_INTEGER_SIZE}]")]
    IntegralSize(u32),
    /// `c` without a size.
    #[error("missing size for format option 'c'")]
    MissingSize,
    /// There is no such option.
    #[error("invalid format option '{}'", char::from(*.0))]
    InvalidOption(u8),
    /// What follows `X` has no alignment.
    #[error("invalid next option for option 'X'")]
    InvalidNextOption,
    /// An item would be aligned to what is no power of two.
    #[error("format asks for alignment not power of 2")]
    AlignmentNotPowerOfTwo,
    /// `packsize` of a format whose result has no fixed size.
    #[error("variable-length format")]
    VariableLength,
    /// The result is longer than [`MAX_SIZE`].
    #[error("format result too large")]
    ResultTooLarge,
    /// A signed integer does not fit into its size.
    #[error("integer overflow")]
    IntegerOverflow,
    /// An unsigned integer does not fit into its size.
    #[error("unsigned overflow")]
    UnsignedOverflow,
    /// A string does not fit into its `c`.
    #[error("string longer than given size")]
    StringTooLong,
    /// The length of a string does not fit into the size given after `s`.
    #[error("string length does not fit in given size")]
    LengthDoesNotFit,
    /// A string for `z` has a zero.
    #[error("string contains zeros")]
    ContainsZeros,
    /// The data ends before the item.
    #[error("data string too short")]
    DataTooShort,
    /// The data ends before the zero of a `z`.
    #[error("unfinished string for format 'z'")]
    UnfinishedString,
    /// An integer of more than 8 bytes is not one of 8 bytes extended.
    #[error("{0}-byte integer does not fit into Lua Integer")]
    IntegerTooLarge(u32),
}

/// What an error is about, for the message's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Nothing: the message stands alone.
    Nothing,
    /// The format.
    Format,
    /// The value to pack.
    Value,
    /// The data to unpack.
    Data,
}

impl PackError {
    /// Which argument the error is about.
    pub fn blame(&self) -> Blame {
        use PackError::*;
        match self {
            IntegralSize(_) | MissingSize | InvalidOption(_) | IntegerTooLarge(_) => Blame::Nothing,
            InvalidNextOption | AlignmentNotPowerOfTwo | VariableLength | ResultTooLarge => Blame::Format,
            IntegerOverflow | UnsignedOverflow | StringTooLong | LengthDoesNotFit | ContainsZeros => Blame::Value,
            DataTooShort | UnfinishedString => Blame::Data,
        }
    }
}

/// `string.packsize`.
pub fn packed_size(format: &[u8]) -> Result<usize, PackError> {
    let mut items = Items::new(format);
    let mut total = 0usize;
    while let Some(item) = items.next(total)? {
        if matches!(item.kind, Kind::PrefixedString | Kind::ZeroTerminated) {
            return Err(PackError::VariableLength);
        }
        let size = item.padding as usize + item.size as usize;
        if size > MAX_SIZE || total > MAX_SIZE - size {
            return Err(PackError::ResultTooLarge);
        }
        total += size;
    }
    Ok(total)
}
