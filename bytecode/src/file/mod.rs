//! The module file, `.lbc`: what a module is on disk and on the wire. `spec/module-file.md` has it byte by byte.
//!
//! ```text
//!  +-------------+---------+----------------+----------------+-------------+----------+
//!  | ESC LBC\r\n | version | 1: source name | 2: functions   | 3: debug    | checksum |
//!  | 6 bytes     | 2 bytes | section        | section        | section (*) | 8 bytes  |
//!  +-------------+---------+----------------+----------------+-------------+----------+
//!    section: its number (1 byte), the length of its content (8 bytes), the content     (*) left out if stripped
//! ```
//!
//! The form is canonical: equal modules are equal bytes, and bytes that [`write()`] would not write are refused. So a
//! module's hash is the hash of its file.

mod checksum;
mod error;
mod reader;
mod typed_function;
mod writer;

pub use checksum::checksum;
pub use error::{ReadError, ReadErrorKind};
pub use typed_function::{read as read_typed_function, write as write_typed_function};
pub use writer::write;

use crate::module::Module;

/// The first bytes of every module file. Lua's convention is that binary chunks begin with an escape character; the
/// line end finds out transports that change those.
pub const MAGIC: [u8; 6] = *b"\x1bLBC\r\n";

/// The first bytes of every WebAssembly file.
pub const WEBASSEMBLY_MAGIC: [u8; 4] = *b"\0asm";

/// The code in a file: what follows a byte order mark and the first line, if that begins with `#`, as it does for Unix to
/// find the interpreter. That line's end is kept before source text, so that lines are counted right, but is no part of a
/// module.
pub fn code_of_file(content: &[u8]) -> &[u8] {
    let text = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    if text.first() != Some(&b'#') {
        return text;
    }
    match &text[text.iter().position(|&byte| byte == b'\n').unwrap_or(text.len())..] {
        [b'\n', module @ ..] if module.first() == Some(&MAGIC[0]) => module,
        code => code,
    }
}

/// The version of the format and of the instruction table. Other versions are refused.
pub const VERSION: u16 = 1;

/// Numbers of the sections, which stand in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Section {
    Source = 1,
    Functions = 2,
    Debug = 3,
}

/// Reads a module file.
///
/// The module takes at most `memory_budget` bytes, and no more than the input's length can justify; both are checked
/// before memory is taken. The module is well-formed but not verified: that is for [`crate::verifier::verify`].
pub fn read(bytes: &[u8], memory_budget: usize) -> Result<Module, ReadError> {
    reader::read(bytes, memory_budget)
}
