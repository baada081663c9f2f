//! Bytes to values. `position` is where an item's padding starts; each function gives the value and where the next item
//! starts.

use super::{Item, Kind, PackError};
use memchr::memchr;

/// The bytes of `item`, and where they end. Also skips an item without a value.
pub fn bytes<'d>(data: &'d [u8], position: usize, item: &Item) -> Result<(&'d [u8], usize), PackError> {
    let start = position.checked_add(item.padding as usize).ok_or(PackError::DataTooShort)?;
    let end = start.checked_add(item.size as usize).ok_or(PackError::DataTooShort)?;
    Ok((data.get(start..end).ok_or(PackError::DataTooShort)?, end))
}

/// Reads `item`, which is signed or unsigned.
pub fn integer(data: &[u8], position: usize, item: &Item) -> Result<(i64, usize), PackError> {
    let (bytes, end) = bytes(data, position, item)?;
    let mut little = [0; 16];
    let little = &mut little[..bytes.len()];
    little.copy_from_slice(bytes);
    if !item.little_endian {
        little.reverse();
    }
    let signed = item.kind == Kind::Signed;
    let (low, high) = little.split_at(little.len().min(8));
    let negative = signed && low.last().is_some_and(|&byte| byte >= 0x80);
    let extension = if negative { 0xFF } else { 0 };
    if high.iter().any(|&byte| byte != extension) {
        return Err(PackError::IntegerTooLarge(item.size));
    }
    let mut value = [extension; 8];
    value[..low.len()].copy_from_slice(low);
    Ok((i64::from_le_bytes(value), end))
}

/// Reads `item`, which is a float of either size.
pub fn float(data: &[u8], position: usize, item: &Item) -> Result<(f64, usize), PackError> {
    let (bytes, end) = bytes(data, position, item)?;
    let mut little = [0; 8];
    let little = &mut little[..bytes.len()];
    little.copy_from_slice(bytes);
    if !item.little_endian {
        little.reverse();
    }
    let value = match *little {
        [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => return Err(PackError::DataTooShort),
    };
    Ok((value, end))
}

/// Reads `item`, which is a string of any kind.
pub fn string<'d>(data: &'d [u8], position: usize, item: &Item) -> Result<(&'d [u8], usize), PackError> {
    match item.kind {
        Kind::PrefixedString => {
            let (length, start) = integer(data, position, &Item { kind: Kind::Unsigned, ..*item })?;
            let rest = &data[start..];
            let length = usize::try_from(length as u64).map_err(|_| PackError::DataTooShort)?;
            Ok((rest.get(..length).ok_or(PackError::DataTooShort)?, start + length))
        }
        Kind::ZeroTerminated => {
            let (_, start) = bytes(data, position, item)?;
            let length = memchr(0, &data[start..]).ok_or(PackError::UnfinishedString)?;
            Ok((&data[start..start + length], start + length + 1))
        }
        _ => bytes(data, position, item),
    }
}
