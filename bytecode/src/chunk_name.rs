//! The short form of a chunk's name, as messages and tracebacks show it.

use alloc::vec::Vec;

/// The most bytes that [`short_source`] gives.
const MAX_LENGTH: usize = 59;
const ELLIPSIS: &[u8] = b"...";

/// The short form of the chunk name `source`: `=name` gives the name, `@file` the file's path with its end kept, and
/// source text `[string "first line..."]`.
pub fn short_source(source: &[u8]) -> Vec<u8> {
    match source {
        [b'=', name @ ..] => name[..name.len().min(MAX_LENGTH)].to_vec(),
        [b'@', path @ ..] if path.len() <= MAX_LENGTH => path.to_vec(),
        [b'@', path @ ..] => {
            let kept = MAX_LENGTH - ELLIPSIS.len();
            [ELLIPSIS, &path[path.len() - kept..]].concat()
        }
        text => short_text(text),
    }
}

fn short_text(text: &[u8]) -> Vec<u8> {
    const OPENING: &[u8] = b"[string \"";
    const CLOSING: &[u8] = b"\"]";
    let room = MAX_LENGTH - OPENING.len() - ELLIPSIS.len() - CLOSING.len();
    let line_end = text.iter().position(|&byte| byte == b'\n');
    match line_end {
        None if text.len() < room => [OPENING, text, CLOSING].concat(),
        _ => {
            let kept = line_end.unwrap_or(text.len()).min(room);
            [OPENING, &text[..kept], ELLIPSIS, CLOSING].concat()
        }
    }
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
