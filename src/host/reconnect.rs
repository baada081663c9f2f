//! Open streams of an instance that goes on in another process: they are opened again there under the same numbers.

use super::{Process, files};
use crate::error::{Error, Result};
use lunette_interpreter::host::{OpenMode, Response};
use serde::{Deserialize, Serialize};

/// Number of the standard streams.
const STANDARD: usize = 3;
/// The most streams that come with an instance.
const MOST_STREAMS: u32 = 1 << 16;

/// The open streams of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenStreams {
    /// Whether each of the standard streams is open.
    standard: [bool; STANDARD],
    files: Vec<OpenFile>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OpenFile {
    number: u32,
    #[serde(with = "serde_bytes")]
    root: Option<Vec<u8>>,
    #[serde(with = "serde_bytes")]
    path: Vec<u8>,
    mode: OpenMode,
    position: u64,
}

impl Process {
    /// The streams that are open. An error names one that cannot be opened elsewhere.
    pub fn open_streams(&self) -> Result<OpenStreams> {
        let mut open = OpenStreams::default();
        for (number, stream) in self.streams.iter().enumerate() {
            let Some(stream) = stream else { continue };
            if let Some(standard) = open.standard.get_mut(number) {
                *standard = true;
                continue;
            }
            match stream.describe() {
                Response::Described { root, path, mode, position } => {
                    open.files.push(OpenFile { number: number as u32, root, path, mode, position });
                }
                Response::Failed(error) => return Err(Error::message(error.message)),
                _ => return Err(Error::message("a stream cannot be named")),
            }
        }
        Ok(open)
    }

    /// Opens the streams again.
    pub fn reopen_streams(&mut self, open: &OpenStreams) -> Result<()> {
        for (stream, &is_open) in self.streams.iter_mut().zip(&open.standard) {
            if !is_open {
                *stream = None;
            }
        }
        if STANDARD + open.files.len() > self.most_streams {
            return Err(Error::message("the program has too many files open"));
        }
        for OpenFile { number, root, path, mode, position } in &open.files {
            let name = path.escape_ascii();
            if *number >= MOST_STREAMS {
                return Err(Error::message(format_args!("'{name}' has an impossible number")));
            }
            let number = *number as usize;
            let opened = files::reopen_file(&self.grants.files, root.as_deref(), path, *mode, *position);
            let opened = opened.map_err(|error| {
                let reason = std::io::Error::from(error).to_string();
                let reason = reason.split(" (os error").next().unwrap_or_default();
                Error::message(format_args!("cannot open '{name}' again: {reason}"))
            })?;
            if self.streams.len() <= number {
                self.streams.resize_with(number + 1, || None);
            }
            self.streams[number] = Some(opened);
        }
        Ok(())
    }
}
