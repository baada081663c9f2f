//! Images: an instance as a stream of typed objects, and an instance made of such a stream.
//!
//! ```text
//!   header | counts | strings | modules | layouts | functions | userdata | WebAssembly | identities |   what objects there are
//!                   | roots | tables | variables | values | WebAssembly | threads | finalizers | state |   what they hold
//!                   | checksum
//! ```
//!
//! The stream has no layout of memory in it: objects are numbered, kind by kind, in the order in which they are first
//! met from the roots, and refer to each other by kind and number. So equal states are equal bytes, and a later version,
//! another home, another machine can read them. `spec/image.md` has it byte by byte.
//!
//! The data flows `places` → `numbering` → `writer` → `encoder` → sink, and source → `decoder` → `reader` → `frames` (a check). Both
//! directions of each kind of thing are in one module. An image is never trusted.

mod decoder;
mod encoder;
mod error;
mod format;
mod frames;
mod functions;
mod numbering;
mod places;
mod reader;
pub mod snapshot;
mod state;
mod tables;
mod threads;
mod typed_content;
mod typed_frames;
mod typed_objects;
mod userdata;
mod writer;

pub use decoder::{Source, SourceFailure};
pub use encoder::{Sink, SinkFailure};
pub use error::{ReadError, ReadErrorKind, WriteError};
pub use format::{COMPRESSED, MAGIC, VERSION, checksum};
pub use reader::{Content, Header, ReadOptions};
pub use writer::{ObjectName, WriteOptions};
