//! `string.pack` and its relatives, against PUC Lua's bytes and messages.

use lunette_stdlib::pack::{Blame, Items, Kind, PackError, decode, encode, packed_size};

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Integer(i64),
    Float(f64),
    Text(&'static [u8]),
}
use Value::{Float, Integer, Text};

fn pack(format: &str, values: &[Value]) -> Result<Vec<u8>, PackError> {
    let (mut items, mut out, mut values) = (Items::new(format.as_bytes()), Vec::new(), values.iter());
    while let Some(item) = items.next(out.len())? {
        encode::padding(&mut out, item.padding as usize);
        if !item.kind.has_value() {
            encode::padding(&mut out, item.size as usize);
            continue;
        }
        match (item.kind, values.next().unwrap()) {
            (Kind::Signed | Kind::Unsigned, Integer(value)) => encode::integer(&mut out, &item, *value)?,
            (Kind::Single | Kind::Double, Float(value)) => encode::float(&mut out, &item, *value),
            (_, Text(text)) => encode::string(&mut out, &item, text)?,
            other => panic!("{other:?}"),
        }
    }
    Ok(out)
}

fn unpack(format: &str, data: &[u8]) -> Result<(Vec<Value>, usize), PackError> {
    let (mut items, mut values, mut position) = (Items::new(format.as_bytes()), Vec::new(), 0);
    while let Some(item) = items.next(position)? {
        position = match item.kind {
            Kind::Signed | Kind::Unsigned => {
                let (value, end) = decode::integer(data, position, &item)?;
                values.push(Integer(value));
                end
            }
            Kind::Single | Kind::Double => {
                let (value, end) = decode::float(data, position, &item)?;
                values.push(Float(value));
                end
            }
            Kind::Characters | Kind::PrefixedString | Kind::ZeroTerminated => {
                let (text, end) = decode::string(data, position, &item)?;
                values.push(Text(text.to_vec().leak()));
                end
            }
            _ => decode::bytes(data, position, &item)?.1,
        };
    }
    Ok((values, position))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn bytes_are_those_of_puc_and_come_back() {
    let big = [Integer(1), Integer(-2), Integer(-3), Text(b"hi"), Text(b"yo"), Float(1.5), Float(-0.1)];
    let format = ">!4 b i4 Xd i16 s2 z f d";
    let packed = pack(format, &big).unwrap();
    assert_eq!(
        hex(&packed),
        "01000000fffffffefffffffffffffffffffffffffffffffd00026869796f00003fc00000bfb999999999999a"
    );
    assert_eq!(unpack(format, &packed), Ok((big.to_vec(), packed.len())));

    let little =
        [Integer(i64::MIN), Integer(-1), Text(b"abc"), Integer(7), Integer(-300), Integer(65535), Integer(255)];
    let format = "<j i3 c5 T h H x B";
    let packed = pack(format, &little).unwrap();
    assert_eq!(hex(&packed), "0000000000000080ffffff61626300000700000000000000d4feffff00ff");
    let (values, end) = unpack(format, &packed).unwrap();
    assert_eq!((values.len(), end), (7, packed.len()));
    assert_eq!((&values[1], &values[2]), (&Integer(-1), &Text(b"abc\0\0")));
    assert_eq!(packed_size(format.as_bytes()), Ok(packed.len()));
}

#[test]
fn wide_integers() {
    for (format, value) in [("<i16", -5), (">i16", -5), ("<I16", 5), (">i9", i64::MIN), ("<i7", -(1 << 55))] {
        let packed = pack(format, &[Integer(value)]).unwrap();
        assert_eq!(unpack(format, &packed).unwrap().0, [Integer(value)], "{format}");
    }
    let mixed = [[0xFF; 8], [0; 8]].concat();
    let error = unpack("i16", &mixed).unwrap_err();
    assert_eq!(error.to_string(), "16-byte integer does not fit into Lua Integer");
    assert_eq!(unpack("I16", &mixed).unwrap().0, [Integer(-1)]);
}

#[test]
fn errors_have_puc_messages() {
    let formats = [
        ("i17", "integral size (17) out of limits [1,16]", Blame::Nothing),
        ("i0", "integral size (0) out of limits [1,16]", Blame::Nothing),
        ("i99999999999", "integral size (999999999) out of limits [1,16]", Blame::Nothing),
        ("c", "missing size for format option 'c'", Blame::Nothing),
        ("c99999999999", "invalid format option '9'", Blame::Nothing),
        ("y", "invalid format option 'y'", Blame::Nothing),
        ("X", "invalid next option for option 'X'", Blame::Format),
        ("Xc1", "invalid next option for option 'X'", Blame::Format),
        ("X ", "invalid next option for option 'X'", Blame::Format),
        ("Xz", "invalid next option for option 'X'", Blame::Format),
        ("!3i4", "format asks for alignment not power of 2", Blame::Format),
        ("s", "variable-length format", Blame::Format),
        ("c2147483639 !8 i8", "format result too large", Blame::Format),
    ];
    for (format, message, blame) in formats {
        let error = packed_size(format.as_bytes()).unwrap_err();
        assert_eq!((error.to_string(), error.blame()), (message.to_string(), blame));
    }
    let values = [
        ("i1", Integer(128), "integer overflow"),
        ("I1", Integer(256), "unsigned overflow"),
        ("I7", Integer(-1), "unsigned overflow"),
        ("s1", Text(&[b'x'; 256]), "string length does not fit in given size"),
        ("z", Text(b"a\0b"), "string contains zeros"),
        ("c2", Text(b"abc"), "string longer than given size"),
    ];
    for (format, value, message) in values {
        let error = pack(format, &[value]).unwrap_err();
        assert_eq!((error.to_string(), error.blame()), (message.to_string(), Blame::Value));
    }
    let data: [(&str, &[u8], &str); 4] = [
        ("z", b"abc", "unfinished string for format 'z'"),
        ("s1", b"\x05abc", "data string too short"),
        ("i4", b"abc", "data string too short"),
        ("s8", &[0xFF; 9], "data string too short"),
    ];
    for (format, data, message) in data {
        let error = unpack(format, data).unwrap_err();
        assert_eq!((error.to_string(), error.blame()), (message.to_string(), Blame::Data));
    }
}

#[test]
fn a_format_ends_at_its_zero() {
    assert_eq!(packed_size(b"i4\0?"), Ok(4));
}
