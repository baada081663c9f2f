//! Values to bytes. Padding before an item is written by [`padding`].

use super::{Item, Kind, PackError};
use alloc::vec::Vec;
use memchr::memchr;

/// Appends `count` bytes of padding.
pub fn padding(out: &mut Vec<u8>, count: usize) {
    out.resize(out.len() + count, 0);
}

/// Appends `value` as `item`, which is signed or unsigned.
pub fn integer(out: &mut Vec<u8>, item: &Item, value: i64) -> Result<(), PackError> {
    if item.size < 8 {
        let bits = item.size * 8;
        if item.kind == Kind::Signed {
            let limit = 1i64 << (bits - 1);
            if !(-limit..limit).contains(&value) {
                return Err(PackError::IntegerOverflow);
            }
        } else if value as u64 >> bits != 0 {
            return Err(PackError::UnsignedOverflow);
        }
    }
    let extension = if item.kind == Kind::Signed { value >> 63 } else { 0 };
    bytes_of(out, item, value as u64, extension as u8);
    Ok(())
}

/// Appends the item's size of bytes of `value`, with `extension` above the eighth.
fn bytes_of(out: &mut Vec<u8>, item: &Item, value: u64, extension: u8) {
    let mut bytes = [extension; 16];
    bytes[..8].copy_from_slice(&value.to_le_bytes());
    ordered(out, item, &mut bytes[..item.size as usize]);
}

/// Appends little-endian `bytes` in the item's order.
fn ordered(out: &mut Vec<u8>, item: &Item, bytes: &mut [u8]) {
    if !item.little_endian {
        bytes.reverse();
    }
    out.extend_from_slice(bytes);
}

/// Appends `value` as `item`, which is a float of either size.
pub fn float(out: &mut Vec<u8>, item: &Item, value: f64) {
    if item.kind == Kind::Single {
        ordered(out, item, &mut (value as f32).to_le_bytes());
    } else {
        ordered(out, item, &mut value.to_le_bytes());
    }
}

/// Appends `text` as `item`, which is a string of any kind.
pub fn string(out: &mut Vec<u8>, item: &Item, text: &[u8]) -> Result<(), PackError> {
    match item.kind {
        Kind::Characters => {
            let rest = (item.size as usize).checked_sub(text.len()).ok_or(PackError::StringTooLong)?;
            out.extend_from_slice(text);
            padding(out, rest);
        }
        Kind::ZeroTerminated => {
            if memchr(0, text).is_some() {
                return Err(PackError::ContainsZeros);
            }
            out.extend_from_slice(text);
            out.push(0);
        }
        _ => {
            if item.size < 8 && text.len() as u64 >> (item.size * 8) != 0 {
                return Err(PackError::LengthDoesNotFit);
            }
            bytes_of(out, item, text.len() as u64, 0);
            out.extend_from_slice(text);
        }
    }
    Ok(())
}
