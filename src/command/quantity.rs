//! Sizes and times on the command line.

use std::time::Duration;

/// Bytes: `4096`, `512K`, `64M`, `1.5G`.
pub fn bytes(text: &str) -> Result<u64, String> {
    let units = [("K", 1u64 << 10), ("M", 1 << 20), ("G", 1 << 30), ("T", 1 << 40), ("", 1)];
    let upper = text.to_ascii_uppercase();
    let upper = upper.strip_suffix("IB").or(upper.strip_suffix('B')).unwrap_or(&upper);
    let (number, unit) = split(upper, &units).ok_or("a size is a number with K, M or G, such as 64M")?;
    let size = number * unit as f64;
    if size < 1.0 || size >= u64::MAX as f64 { Err("size out of range".into()) } else { Ok(size as u64) }
}

/// A time: `1.5s`, `200ms`, `2m`, `1h`; seconds without a unit.
pub fn time(text: &str) -> Result<Duration, String> {
    let units = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("", 1.0)];
    let (number, unit) = split(text, &units).ok_or("a time is a number with ms, s or m, such as 1.5s")?;
    Duration::try_from_secs_f64(number * unit).map_err(|_| "time out of range".into())
}

/// A time that is not 0.
pub fn interval(text: &str) -> Result<Duration, String> {
    time(text).and_then(|time| if time.is_zero() { Err("an interval is longer than that".into()) } else { Ok(time) })
}

/// A part of a processor: `0.5`, `50%`.
pub fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = split(text, &[("%", 0.01), ("", 1.0)]).ok_or("a share is a number up to 1, or per cent")?;
    let share = number * unit;
    if share > 0.0 && share <= 1.0 { Ok(share) } else { Err("share out of range".into()) }
}

/// A number and its unit, of which the first that fits counts.
fn split<U: Copy>(text: &str, units: &[(&str, U)]) -> Option<(f64, U)> {
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))?;
    let number: f64 = number.trim_end().parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some((number, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(bytes("4096"), Ok(4096));
        assert_eq!(bytes("64M"), Ok(64 << 20));
        assert_eq!(bytes("1.5g"), Ok(3 << 29));
        assert_eq!(bytes("2KiB"), Ok(2048));
        for wrong in ["", "M", "-1M", "1X", "nan", "0", "1e40"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn shares() {
        assert_eq!(share("0.5"), Ok(0.5));
        assert_eq!(share("50%"), Ok(0.5));
        for wrong in ["", "0", "1.5", "200%", "-1"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times() {
        assert_eq!(time("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(time("200ms"), Ok(Duration::from_millis(200)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(time("3"), Ok(Duration::from_secs(3)));
        for wrong in ["", "s", "-1s", "1 day", "1e300"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
