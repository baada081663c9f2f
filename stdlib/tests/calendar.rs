//! `os.date` and `os.time`, against PUC Lua on glibc.

use lunette_stdlib::calendar::*;

fn utc(format: &str, seconds: i64) -> String {
    in_zone(format, seconds, &Utc)
}

fn in_zone(format: &str, seconds: i64, zone: &impl Zone) -> String {
    let mut out = Vec::new();
    format_date(&mut out, &date_from_seconds(seconds, zone).unwrap(), format.as_bytes()).unwrap();
    String::from_utf8(out).unwrap()
}

/// `os.time` of integers in the order of [`Fields::NAMES`]; those left out have their defaults.
fn time(values: &[i64], is_dst: Option<bool>, zone: &impl Zone) -> Result<i64, CalendarError> {
    let mut fields = [0; 6];
    for (index, field) in fields.iter_mut().enumerate() {
        *field = Fields::check(index, values.get(index).copied())?;
    }
    Fields::new(fields, is_dst).to_seconds(zone).map(|(seconds, _)| seconds)
}

#[test]
fn conversions() {
    let format = "%Y|%C|%y|%F|%D|%G|%g|%V|%U|%W|%u|%w|%j|%e|%I|%r|%c|%x|%X|%p|%Z|%z|%EY|%Od|%h|%%|%R%n%t";
    let cases = [
        (
            0,
            "1970|19|70|1970-01-01|01/01/70|1970|70|01|00|00|4|4|001| 1|12|12:00:00 AM|Thu Jan  1 00:00:00 1970|01/01/70|00:00:00|AM|GMT|+0000|1970|01|Jan|%|00:00\n\t",
        ),
        (
            -62135596800,
            "1|0|01|1-01-01|01/01/01|1|01|01|00|01|1|1|001| 1|12|12:00:00 AM|Mon Jan  1 00:00:00 1|01/01/01|00:00:00|AM|GMT|+0000|1|01|Jan|%|00:00\n\t",
        ),
        (
            -62167219200,
            "0|0|00|0-01-01|01/01/00|-1|99|52|00|00|6|6|001| 1|12|12:00:00 AM|Sat Jan  1 00:00:00 0|01/01/00|00:00:00|AM|GMT|+0000|0|01|Jan|%|00:00\n\t",
        ),
        (
            -74781619200,
            "-400|-4|00|-400-04-07|04/07/00|-400|00|14|14|14|5|5|098| 7|12|12:00:00 AM|Fri Apr  7 00:00:00 -400|04/07/00|00:00:00|AM|GMT|+0000|-400|07|Apr|%|00:00\n\t",
        ),
        (
            951782400,
            "2000|20|00|2000-02-29|02/29/00|2000|00|09|09|09|2|2|060|29|12|12:00:00 AM|Tue Feb 29 00:00:00 2000|02/29/00|00:00:00|AM|GMT|+0000|2000|29|Feb|%|00:00\n\t",
        ),
        (
            2147483648,
            "2038|20|38|2038-01-19|01/19/38|2038|38|03|03|03|2|2|019|19|03|03:14:08 AM|Tue Jan 19 03:14:08 2038|01/19/38|03:14:08|AM|GMT|+0000|2038|19|Jan|%|03:14\n\t",
        ),
        (
            -10000000000,
            "1653|16|53|1653-02-10|02/10/53|1653|53|07|06|06|1|1|041|10|06|06:13:20 AM|Mon Feb 10 06:13:20 1653|02/10/53|06:13:20|AM|GMT|+0000|1653|10|Feb|%|06:13\n\t",
        ),
    ];
    for (seconds, expected) in cases {
        assert_eq!(utc(format, seconds), expected);
    }
    let weeks = [
        (1767225599, "2026-W01-3 52 52 365"),
        (1767225600, "2026-W01-4 00 00 001"),
        (1798761600, "2026-W53-5 00 00 001"),
        (1104537599, "2004-W53-5 52 52 366"),
        (1230768000, "2009-W01-4 00 00 001"),
        (1325376000, "2011-W52-7 01 00 001"),
    ];
    for (seconds, expected) in weeks {
        assert_eq!(utc("%G-W%V-%u %U %W %j", seconds), expected);
    }
}

#[test]
fn invalid_conversions() {
    let date = date_from_seconds(0, &Utc).unwrap();
    for (format, message) in [
        ("%Ez", "invalid conversion specifier '%Ez'"),
        ("x%Q y", "invalid conversion specifier '%Q y'"),
        ("%", "invalid conversion specifier '%'"),
        ("%O", "invalid conversion specifier '%O'"),
        ("%k\0z", "invalid conversion specifier '%k'"),
    ] {
        let mut text = Vec::new();
        format_date(&mut Vec::new(), &date, format.as_bytes()).unwrap_err().write_message(&mut text);
        assert_eq!(String::from_utf8(text).unwrap(), message);
    }
}

#[test]
fn limits() {
    let not_a_date = Err(CalendarError::DateNotRepresentable);
    assert_eq!(date_from_seconds(67768036191676799, &Utc).unwrap().year, 2147485547);
    assert_eq!(date_from_seconds(67768036191676800, &Utc), not_a_date);
    assert_eq!(date_from_seconds(-67768040609740800, &Utc).unwrap().year, -2147481748);
    assert_eq!(date_from_seconds(-67768040609740801, &Utc), not_a_date);
    for extreme in [i64::MIN, i64::MAX] {
        assert_eq!(date_from_seconds(extreme, &Utc), not_a_date);
        assert_eq!(date_from_seconds(extreme, &central_europe()), not_a_date);
    }

    assert_eq!(time(&[1 << 31, 1, 1], None, &Utc), Ok(67767976233576000));
    assert_eq!(time(&[(1 << 31) + 1899, 12, 31], None, &Utc), Ok(67768036191633600));
    let messages = [
        (&[(1i64 << 31) + 1899, 12, 32] as &[i64], "time result cannot be represented in this installation"),
        (&[(1 << 31) + 1900, 12, 32], "field 'year' is out-of-bound"),
        (&[2024, i64::MIN, 1], "field 'month' is out-of-bound"),
        (&[2024, 1], "field 'day' missing in date table"),
        (&[1969, 12, 31, 23, 59, 59], "time result cannot be represented in this installation"),
    ];
    for (values, message) in messages {
        assert_eq!(time(values, None, &Utc).unwrap_err().to_string(), message);
    }
    for extreme in [i64::from(i32::MIN) + 1900, i64::from(i32::MAX)] {
        let _ = time(&[extreme; 6], Some(true), &central_europe());
    }
    assert_eq!(CalendarError::NotAnInteger("day").to_string(), "field 'day' is not an integer");
}

#[test]
fn dates_and_times_are_inverse() {
    for index in -40_000..40_000i64 {
        let seconds = index * 77_777_777 + index % 86_399;
        let date = date_from_seconds(seconds, &Utc).unwrap();
        let values =
            [date.year, date.month.into(), date.day.into(), date.hour.into(), date.minute.into(), date.second.into()];
        assert_eq!(time(&values, None, &Utc), Ok(seconds));
        assert_eq!(
            time(&[date.year, 1, date.year_day.into(), values[3], values[4], values[5]], None, &Utc),
            Ok(seconds)
        );
    }
}

#[test]
fn fields_are_normalised() {
    assert_eq!(time(&[2000, 13, 1, 0], None, &Utc), time(&[2001, 1, 1, 0], None, &Utc));
    assert_eq!(time(&[2001, 3, 0, 0], None, &Utc), time(&[2001, 2, 28, 0], None, &Utc));
    assert_eq!(time(&[2000, 1, 1, 0, 0, -1], None, &Utc), time(&[1999, 12, 31, 23, 59, 59], None, &Utc));
    assert_eq!(time(&[2000, -10, 31, 48], None, &Utc), time(&[1999, 3, 5, 0], None, &Utc));
}

/// The file that describes Central European time by its rule alone.
fn central_europe() -> ZoneFile {
    let mut file = Vec::new();
    for _ in 0..2 {
        file.extend_from_slice(b"TZif2");
        file.extend_from_slice(&[0; 15]);
        for count in [0u32, 0, 0, 0, 1, 4] {
            file.extend_from_slice(&count.to_be_bytes());
        }
        file.extend_from_slice(&3600u32.to_be_bytes());
        file.extend_from_slice(b"\0\0CET\0");
    }
    file.extend_from_slice(b"\nCET-1CEST,M3.5.0,M10.5.0/3\n");
    ZoneFile::parse(&file).unwrap()
}

#[test]
fn zones() {
    let zone = central_europe();
    assert_eq!(in_zone("%Z %z %c", 1720000000, &zone), "CEST +0200 Wed Jul  3 11:46:40 2024");
    assert_eq!(in_zone("%Z %z %c", 1700000000, &zone), "CET +0100 Tue Nov 14 23:13:20 2023");
    assert_eq!(in_zone("%Z %z", 4118083200, &zone), "CEST +0200");

    assert_eq!(time(&[2024, 7, 1], None, &zone), Ok(1719828000));
    assert_eq!(time(&[2024, 1, 1], None, &zone), Ok(1704106800));
    assert_eq!(time(&[2024, 7, 1], Some(false), &zone), Ok(1719831600));
    assert_eq!(time(&[2024, 1, 1], Some(true), &zone), Ok(1704103200));
    // Skipped.
    assert_eq!(time(&[2024, 3, 31, 2, 30], None, &zone), Ok(1711848600));
    assert_eq!(time(&[2024, 3, 31, 2, 30], Some(true), &zone), Ok(1711845000));
    assert_eq!(time(&[2024, 3, 31, 2, 30], Some(false), &zone), Ok(1711848600));
    // Passed twice.
    assert_eq!(time(&[2024, 10, 27, 2, 30], None, &zone), Ok(1729989000));
    assert_eq!(time(&[2024, 10, 27, 2, 30], Some(true), &zone), Ok(1729989000));
    assert_eq!(time(&[2024, 10, 27, 2, 30], Some(false), &zone), Ok(1729992600));

    assert!(ZoneFile::parse(b"TZif").is_err());
    assert!(ZoneFile::parse(b"").is_err());
}
