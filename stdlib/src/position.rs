//! Positions in strings: programs count from 1, or from the end by negative numbers.

/// The position, counted from 0, that a relative one means as the beginning of a range; it may lie beyond the end.
#[inline]
pub(crate) fn start_position(position: i64, length: usize) -> usize {
    if position > 0 {
        (position - 1) as usize
    } else if position == 0 || position < -(length as i64) {
        0
    } else {
        (length as i64 + position) as usize
    }
}

/// The position, counted from 0 and exclusive, that a relative one means as the end of a range.
#[inline]
pub(crate) fn end_position(position: i64, length: usize) -> usize {
    if position > length as i64 {
        length
    } else if position >= 0 {
        position as usize
    } else if position < -(length as i64) {
        0
    } else {
        (length as i64 + position + 1) as usize
    }
}
