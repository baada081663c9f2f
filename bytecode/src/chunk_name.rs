//! The short form of a chunk's name, as messages and tracebacks show it.

use alloc::vec::Vec;

/// The most bytes that [`short_source`] gives.
pub const MAX_LENGTH: usize = 59;
const ELLIPSIS: &[u8] = b"...";

/// The short form of the chunk name `source`: `=name` gives the name, `@file` the file's path with its end kept, and
/// source text `[string "first line..."]`.
pub fn short_source(source: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    append_short_source(source, &mut text);
    text
}

/// Appends what [`short_source`] gives to a text.
pub fn append_short_source(source: &[u8], text: &mut Vec<u8>) {
    match source {
        [b'=', name @ ..] => text.extend_from_slice(&name[..name.len().min(MAX_LENGTH)]),
        [b'@', path @ ..] if path.len() <= MAX_LENGTH => text.extend_from_slice(path),
        [b'@', path @ ..] => {
            text.extend_from_slice(ELLIPSIS);
            text.extend_from_slice(&path[path.len() + ELLIPSIS.len() - MAX_LENGTH..]);
        }
        source => append_short_text(source, text),
    }
}

fn append_short_text(source: &[u8], text: &mut Vec<u8>) {
    const OPENING: &[u8] = b"[string \"";
    const CLOSING: &[u8] = b"\"]";
    let room = MAX_LENGTH - OPENING.len() - ELLIPSIS.len() - CLOSING.len();
    let line_end = source.iter().position(|&byte| byte == b'\n');
    text.extend_from_slice(OPENING);
    match line_end {
        None if source.len() < room => text.extend_from_slice(source),
        _ => {
            text.extend_from_slice(&source[..line_end.unwrap_or(source.len()).min(room)]);
            text.extend_from_slice(ELLIPSIS);
        }
    }
    text.extend_from_slice(CLOSING);
}

#[cfg(test)]
mod tests {
    use super::short_source;

    fn check(source: &str, expected: &str) {
        assert_eq!(core::str::from_utf8(&short_source(source.as_bytes())).unwrap(), expected);
    }

    #[test]
    fn names_and_files() {
        check("=stdin", "stdin");
        check(&("=".to_owned() + &"x".repeat(100)), &"x".repeat(59));
        check("@a/b.lua", "a/b.lua");
        check(&("@".to_owned() + &"y".repeat(59)), &"y".repeat(59));
        check(&("@".to_owned() + &"y".repeat(60)), &("...".to_owned() + &"y".repeat(56)));
    }

    #[test]
    fn source_text() {
        check("return 1", "[string \"return 1\"]");
        check("a = 1\nb = 2", "[string \"a = 1...\"]");
        check(&"z".repeat(44), &std::format!("[string \"{}\"]", "z".repeat(44)));
        check(&"z".repeat(45), &std::format!("[string \"{}...\"]", "z".repeat(45)));
        check("", "[string \"\"]");
    }
    extern crate std;
    use std::borrow::ToOwned;
}
