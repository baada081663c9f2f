//! Lua's UTF-8.

use lunette_stdlib::utf8_codec::*;

#[test]
fn code_points_come_back() {
    let edges =
        [0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x1_0000, 0x1F_FFFF, 0x20_0000, 0x3FF_FFFF, 0x400_0000, 0x7FFF_FFFF];
    for (index, code) in edges.into_iter().enumerate() {
        let encoded = encode(code).unwrap();
        assert_eq!(encoded.as_bytes().len(), index / 2 + 1, "{code:x}");
        assert_eq!(decode(encoded.as_bytes(), true), Some((code, encoded.as_bytes().len())));
        let strict = char::from_u32(code).is_some();
        assert_eq!(decode(encoded.as_bytes(), false).is_some(), strict, "{code:x}");
    }
    assert_eq!(encode(0x7FFF_FFFF).unwrap().as_bytes(), [253, 191, 191, 191, 191, 191]);
    assert_eq!(encode(0x8000_0000), None);
    for character in ['a', 'é', '€', '𝄞'] {
        let mut buffer = [0; 4];
        assert_eq!(encode(character as u32).unwrap().as_bytes(), character.encode_utf8(&mut buffer).as_bytes());
    }
}

#[test]
fn malformed_sequences() {
    let malformed: [&[u8]; 9] = [
        b"\x80",
        b"\xC0\x80",
        b"\xC3",
        b"\xC3a",
        b"\xE0\x80\x80",
        b"\xFE\x80",
        b"\xFF",
        b"",
        b"\xFC\x80\x80\x80\x80\x80",
    ];
    for bytes in malformed {
        assert_eq!(decode(bytes, true), None, "{bytes:x?}");
    }
    assert_eq!(decode(b"\xED\xA0\x80", false), None);
    assert_eq!(decode(b"\xED\xA0\x80", true), Some((0xD800, 3)));
    assert_eq!(decode(b"\xF4\x90\x80\x80", false), None);
}

#[test]
fn iteration() {
    let text = "aé€𝄞".as_bytes();
    let codes: Vec<_> = CodePoints::new(text, 0, text.len(), false).collect();
    assert_eq!(codes, [Ok(0x61), Ok(0xE9), Ok(0x20AC), Ok(0x1D11E)]);
    let broken: Vec<_> = CodePoints::new(b"ab\x80c", 0, 4, false).collect();
    assert_eq!(broken, [Ok(0x61), Ok(0x62), Err(2)]);

    assert_eq!(next_code(text, 0, false), Ok(Some((1, 0x61))));
    assert_eq!(next_code(text, 1, false), Ok(Some((2, 0xE9))));
    assert_eq!(next_code(text, 2, false), Ok(Some((4, 0x20AC))));
    assert_eq!(next_code(text, 7, false), Ok(None));
    assert_eq!(next_code(text, u64::MAX, false), Ok(None));
    assert_eq!(next_code(b"a\x80\xff", 0, false).unwrap_err().to_string(), "invalid UTF-8 code");
}

#[test]
fn offsets() {
    let text = "aé€𝄞z".as_bytes();
    assert_eq!(offset(text, 3, 0), Ok(Some(3)));
    assert_eq!(offset(text, -2, text.len()), Ok(Some(6)));
    assert_eq!(offset(text, 0, 4), Ok(Some(3)));
    assert_eq!(offset("aé€".as_bytes(), 5, 0), Ok(None));
    assert_eq!(offset("aé€".as_bytes(), 4, 0), Ok(Some(6)));
    assert_eq!(offset(text, 1, 2).unwrap_err().to_string(), "initial position is a continuation byte");
    assert_eq!(offset(text, i64::MIN, text.len()), Ok(None));
}
