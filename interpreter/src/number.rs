//! Arithmetic on integers and floats as Lua defines it, and comparisons between the two.

use lunette_bytecode::number::{float_to_integer_ceil, float_to_integer_exact, float_to_integer_floor};
use lunette_gc::value::Value;

/// `x % y` on integers; `None` if `y` is 0.
#[inline(always)]
pub fn integer_modulo(x: i64, y: i64) -> Option<i64> {
    if y == 0 {
        return None;
    }
    let remainder = x.wrapping_rem(y);
    Some(if remainder != 0 && (remainder ^ y) < 0 { remainder + y } else { remainder })
}

/// `x // y` on integers; `None` if `y` is 0.
#[inline(always)]
pub fn integer_floor_divide(x: i64, y: i64) -> Option<i64> {
    if y == 0 {
        return None;
    }
    let quotient = x.wrapping_div(y);
    Some(if (x ^ y) < 0 && quotient.wrapping_mul(y) != x { quotient - 1 } else { quotient })
}

/// `x % y` on floats.
#[inline(always)]
pub fn float_modulo(x: f64, y: f64) -> f64 {
    // Where both are integers of moderate size their remainder is exact, and much quicker.
    let (integer_x, integer_y) = (x as i64, y as i64);
    const EXACT: i64 = 1 << 53;
    let remainder = if integer_x as f64 == x
        && integer_y as f64 == y
        && x > 0.0
        && integer_x < EXACT
        && (1..EXACT).contains(&integer_y)
    {
        (integer_x % integer_y) as f64
    } else {
        libm::fmod(x, y)
    };
    if remainder != 0.0 && (remainder < 0.0) != (y < 0.0) { remainder + y } else { remainder }
}

/// `x // y` on floats.
#[inline(always)]
pub fn float_floor_divide(x: f64, y: f64) -> f64 {
    libm::floor(x / y)
}

/// `x ^ y`.
#[inline(always)]
pub fn power(x: f64, y: f64) -> f64 {
    if y == 2.0 { x * x } else { libm::pow(x, y) }
}

/// `x << y`; bits shifted out are lost, a negative `y` shifts right.
#[inline(always)]
pub fn shift_left(x: i64, y: i64) -> i64 {
    if (0..64).contains(&y) {
        ((x as u64) << y) as i64
    } else if (-63..0).contains(&y) {
        ((x as u64) >> -y) as i64
    } else {
        0
    }
}

/// `x >> y`; logical, a negative `y` shifts left.
#[inline(always)]
pub fn shift_right(x: i64, y: i64) -> i64 {
    if (0..64).contains(&y) {
        ((x as u64) >> y) as i64
    } else if (-63..0).contains(&y) {
        ((x as u64) << -y) as i64
    } else {
        0
    }
}

/// Whether an integer is less than a float, exactly.
pub fn integer_less_float(x: i64, y: f64) -> bool {
    // The integer is less than the float if it is less than its ceiling.
    match float_to_integer_ceil(y) {
        Some(ceiling) => x < ceiling,
        None => y > 0.0,
    }
}

/// Whether an integer is at most a float, exactly.
pub fn integer_less_equal_float(x: i64, y: f64) -> bool {
    match float_to_integer_floor(y) {
        Some(floor) => x <= floor,
        None => y > 0.0,
    }
}

/// Whether a float is less than an integer, exactly.
pub fn float_less_integer(x: f64, y: i64) -> bool {
    match float_to_integer_floor(x) {
        Some(floor) => floor < y,
        None => x < 0.0,
    }
}

/// Whether a float is at most an integer, exactly.
pub fn float_less_equal_integer(x: f64, y: i64) -> bool {
    match float_to_integer_ceil(x) {
        Some(ceiling) => ceiling <= y,
        None => x < 0.0,
    }
}

/// `x < y` if both are numbers.
pub fn less(x: Value, y: Value) -> Option<bool> {
    Some(match (x, y) {
        (Value::Integer(x), Value::Integer(y)) => x < y,
        (Value::Float(x), Value::Float(y)) => x < y,
        (Value::Integer(x), Value::Float(y)) => integer_less_float(x, y),
        (Value::Float(x), Value::Integer(y)) => float_less_integer(x, y),
        _ => return None,
    })
}

/// `x <= y` if both are numbers.
pub fn less_equal(x: Value, y: Value) -> Option<bool> {
    Some(match (x, y) {
        (Value::Integer(x), Value::Integer(y)) => x <= y,
        (Value::Float(x), Value::Float(y)) => x <= y,
        (Value::Integer(x), Value::Float(y)) => integer_less_equal_float(x, y),
        (Value::Float(x), Value::Integer(y)) => float_less_equal_integer(x, y),
        _ => return None,
    })
}

/// Whether an integer and a float are the same number.
pub fn integer_equals_float(x: i64, y: f64) -> bool {
    float_to_integer_exact(y) == Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_modulo_and_floor_divide() {
        assert_eq!(integer_modulo(-5, 3), Some(1));
        assert_eq!(integer_modulo(5, -3), Some(-1));
        assert_eq!(integer_modulo(i64::MIN, -1), Some(0));
        assert_eq!(integer_floor_divide(-7, 2), Some(-4));
        assert_eq!(integer_floor_divide(i64::MIN, -1), Some(i64::MIN));
        assert_eq!(float_modulo(-0.5, f64::INFINITY), f64::INFINITY);
    }

    #[test]
    fn shifts_beyond_the_word() {
        assert_eq!(shift_left(1, 63), i64::MIN);
        assert_eq!(shift_left(1, 64), 0);
        assert_eq!(shift_left(-1, -63), 1);
        assert_eq!(shift_right(-1, i64::MIN), 0);
    }

    #[test]
    fn comparisons_at_the_edge_of_floats() {
        assert!(integer_less_float(i64::MAX, 9223372036854775808.0));
        assert!(!integer_less_equal_float(i64::MAX, f64::NAN));
        assert!(!float_less_integer(f64::NAN, 0));
        assert!(float_less_integer(-0.5, 0));
    }
}
