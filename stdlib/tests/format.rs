//! `string.format`'s directives, against what PUC Lua prints.

use lunette_stdlib::format::*;

/// The directives of `format` applied to an integer.
fn integers(format: &str, value: i64) -> String {
    apply(format, |out, conversion, specification| match conversion {
        Conversion::Character => write_character(out, value, specification),
        _ => write_integer(out, value, conversion, specification),
    })
    .unwrap()
}

fn apply(format: &str, write: impl Fn(&mut Vec<u8>, Conversion, &Specification)) -> Result<String, FormatError> {
    let mut out = Vec::new();
    for piece in Pieces::new(format.as_bytes()) {
        match piece? {
            Piece::Text(text) => out.extend_from_slice(text),
            Piece::Directive(Directive { conversion, specification }) => write(&mut out, conversion, &specification?),
        }
    }
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn integers_as_printf_has_them() {
    const MIN: &str = "-9223372036854775808";
    let cases = [
        ("%d", ["0", "7", "-42", MIN]),
        ("%5d", ["    0", "    7", "  -42", MIN]),
        ("%-5d|", ["0    |", "7    |", "-42  |", "-9223372036854775808|"]),
        ("%05d", ["00000", "00007", "-0042", MIN]),
        ("%+d", ["+0", "+7", "-42", MIN]),
        ("% d", [" 0", " 7", "-42", MIN]),
        ("%.3d", ["000", "007", "-042", MIN]),
        ("%8.3d", ["     000", "     007", "    -042", MIN]),
        ("%-8.3d|", ["000     |", "007     |", "-042    |", "-9223372036854775808|"]),
        ("%+.0d", ["+", "+7", "-42", MIN]),
        ("%u", ["0", "7", "18446744073709551574", "9223372036854775808"]),
        ("%x", ["0", "7", "ffffffffffffffd6", "8000000000000000"]),
        ("%#x", ["0", "0x7", "0xffffffffffffffd6", "0x8000000000000000"]),
        ("%#X", ["0", "0X7", "0XFFFFFFFFFFFFFFD6", "0X8000000000000000"]),
        ("%08x", ["00000000", "00000007", "ffffffffffffffd6", "8000000000000000"]),
        ("%o", ["0", "7", "1777777777777777777726", "1000000000000000000000"]),
        ("%#o", ["0", "07", "01777777777777777777726", "01000000000000000000000"]),
        ("%#.3o", ["000", "007", "01777777777777777777726", "01000000000000000000000"]),
        ("%020d", ["00000000000000000000", "00000000000000000007", "-0000000000000000042", MIN]),
        ("%-+9d|", ["+0       |", "+7       |", "-42      |", "-9223372036854775808|"]),
    ];
    for (format, expected) in cases {
        for (value, expected) in [0, 7, -42, i64::MIN].into_iter().zip(expected) {
            assert_eq!(integers(format, value), expected, "{format} {value}");
        }
    }
    assert_eq!(integers("[%5c][%-5c]", 65), "[    A][A    ]");
    assert_eq!(integers("100%%: %d", 5), "100%: 5");
}

#[test]
fn strings() {
    let cases =
        [("%s", "hello"), ("%10s", "     hello"), ("%-10s|", "hello     |"), ("%.2s", "he"), ("%5.1s", "    h")];
    for (format, expected) in cases {
        let formatted = apply(format, |out, _, specification| write_string(out, b"hello", specification));
        assert_eq!(formatted.unwrap(), expected);
    }
    assert_eq!(check_zeros(b"a\0").unwrap_err().to_string(), "string contains zeros");
    let pointers = apply("%p|%20p|%-10p|", |out, _, specification| write_pointer(out, None, specification));
    assert_eq!(pointers.unwrap(), "(null)|              (null)|(null)    |");
    let pointer = apply("%16p", |out, _, specification| write_pointer(out, Some(0xab), specification));
    assert_eq!(pointer.unwrap(), "  0x0000000000ab");
}

#[test]
fn floats() {
    let text = apply("%5.2f|%-8.3e|%+g|%A|%010.4f", |out, conversion, specification| match conversion {
        Conversion::Float { conversion, uppercase } => write_float(out, -2.5, conversion, uppercase, specification),
        _ => unreachable!(),
    });
    assert_eq!(text.unwrap(), "-2.50|-2.500e+00|-2.5|-0X1.4P+1|-0002.5000");
}

#[test]
fn literals() {
    let quoted = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        out
    };
    let string = quoted(&|out| write_quoted_string(out, b"a\x001\r\n\t\"\\\x7f\xc8z\0"));
    assert_eq!(string, b"\"a\\0001\\13\\\n\\9\\\"\\\\\\127\xc8z\\0\"");
    assert_eq!(quoted(&|out| write_quoted_integer(out, i64::MIN)), b"0x8000000000000000");
    assert_eq!(quoted(&|out| write_quoted_integer(out, -7)), b"-7");
    for (value, expected) in [
        (0.1, "0x1.999999999999ap-4"),
        (3.0, "0x1.8p+1"),
        (f64::INFINITY, "1e9999"),
        (f64::NEG_INFINITY, "-1e9999"),
        (f64::NAN, "(0/0)"),
    ] {
        assert_eq!(quoted(&|out| write_quoted_float(out, value)), expected.as_bytes());
    }
}

#[test]
fn errors_have_puc_messages() {
    let cases = [
        ("%", "invalid conversion '%' to 'format'"),
        ("%5", "invalid conversion '%5' to 'format'"),
        ("%F", "invalid conversion '%F' to 'format'"),
        ("%y\0z", "invalid conversion '%y' to 'format'"),
        ("%\0", "invalid conversion '%' to 'format'"),
        ("%#d", "invalid conversion specification: '%#d'"),
        ("%05s", "invalid conversion specification: '%05s'"),
        ("%120d", "invalid conversion specification: '%120d'"),
        ("%.123d", "invalid conversion specification: '%.123d'"),
        ("%.5c", "invalid conversion specification: '%.5c'"),
        ("%5q", "specifier '%q' cannot have modifiers"),
        ("%0000000000000000000000d", "invalid format (too long)"),
        ("%000000000000000000000d", "invalid format (too long)"),
    ];
    for (format, message) in cases {
        assert_eq!(apply(format, |_, _, _| {}).unwrap_err().to_string(), message);
    }
    assert_eq!(integers("%00000000000000000000d", 1), "1");
}
