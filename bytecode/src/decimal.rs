//! Integers in decimal.

const PAIRS: &[u8; 200] = &pairs();

const fn pairs() -> [u8; 200] {
    let mut pairs = [0; 200];
    let mut value = 0;
    while value < 100 {
        pairs[value * 2] = b'0' + (value / 10) as u8;
        pairs[value * 2 + 1] = b'0' + (value % 10) as u8;
        value += 1;
    }
    pairs
}

/// The number of digits.
#[inline]
pub fn digit_count(value: u64) -> usize {
    value.checked_ilog10().map_or(1, |logarithm| logarithm as usize + 1)
}

/// Writes the last digits, as many as there is room for.
#[inline]
pub fn write_digits(mut value: u64, target: &mut [u8]) {
    let (single, pairs) = target.as_rchunks_mut::<2>();
    for place in pairs.iter_mut().rev() {
        let pair = (value % 100) as usize * 2;
        value /= 100;
        *place = [PAIRS[pair], PAIRS[pair + 1]];
    }
    if let [place] = single {
        *place = b'0' + (value % 10) as u8;
    }
}

/// The number of characters, with a minus if there is one.
#[inline]
pub fn decimal_length(value: i64) -> usize {
    digit_count(value.unsigned_abs()) + usize::from(value < 0)
}

/// Writes an integer, for which there is exactly the room that [`decimal_length`] says.
#[inline]
pub fn write_decimal(value: i64, target: &mut [u8]) {
    match target {
        [sign, digits @ ..] if value < 0 => {
            *sign = b'-';
            write_digits(value.unsigned_abs(), digits);
        }
        digits => write_digits(value.unsigned_abs(), digits),
    }
}
