//! `lunette snapshot PID -o FILE`, and what the process that is asked does.

use super::{
    arguments::SnapshotOf,
    control::{self, Request, broken, conclude, conclusion},
    files::{cannot, temporary_beside},
    report::{Status, report},
};
use lunette::{AfterSnapshot, Error, Result, Snapshot};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
};

/// Bytes of a part of an image.
const PART: usize = 1 << 16;

/// Has a process write an image.
pub fn ask(options: &SnapshotOf) -> Status {
    match take(options) {
        Ok(()) => Status::Success,
        Err(error) => report(&error),
    }
}

fn take(options: &SnapshotOf) -> Result<()> {
    let mut stream = control::ask(options.pid, &Request::Snapshot { stop: options.stop, compress: options.compress })?;
    let temporary = temporary_beside(&options.output);
    let received = receive(&mut stream, &temporary, &options.output);
    if received.is_err() {
        // It may never have been made.
        let _ = fs::remove_file(&temporary);
    }
    received
}

fn receive(stream: &mut UnixStream, temporary: &Path, output: &Path) -> Result<()> {
    let mut file = File::create(temporary).map_err(|error| cannot("write", temporary, &error))?;
    let mut part = vec![0; PART];
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length).map_err(broken)?;
        let length = u32::from_le_bytes(length) as usize;
        if length == 0 {
            break;
        }
        let part = part.get_mut(..length).ok_or_else(|| Error::message("the process sends nonsense"))?;
        stream.read_exact(part).map_err(broken)?;
        file.write_all(part).map_err(|error| cannot("write", temporary, &error))?;
    }
    conclusion(stream)?;
    file.sync_all().map_err(|error| cannot("write", temporary, &error))?;
    fs::rename(temporary, output).map_err(|error| cannot("write", output, &error))
}

/// Sends an image to whoever has asked for it.
pub fn send(snapshot: &mut Snapshot<'_>, mut stream: UnixStream, stop: bool, compress: bool) -> Result<AfterSnapshot> {
    let mut parts = io::BufWriter::with_capacity(PART, Parts(&mut stream));
    let written = if compress { snapshot.write_compressed(&mut parts) } else { snapshot.write(&mut parts) };
    let written = written.and_then(|()| parts.flush().map_err(Error::external));
    // What is left in the buffer of an image that failed is nobody's.
    let _ = parts.into_parts();
    stream.write_all(&[0; 4]).map_err(Error::external)?;
    let message = written.as_ref().err().map(ToString::to_string);
    conclude(&mut stream, message.as_deref().map_or(Ok(""), Err))?;
    written.map(|()| if stop { AfterSnapshot::Stop } else { AfterSnapshot::GoOn })
}

/// Writes parts of an image with their lengths.
struct Parts<'s>(&'s mut UnixStream);

impl Write for Parts<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let part = &bytes[..bytes.len().min(PART)];
        if !part.is_empty() {
            self.0.write_all(&(part.len() as u32).to_le_bytes())?;
            self.0.write_all(part)?;
        }
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes an image beside the file, and puts it in its place when it is whole.
pub fn write_file(snapshot: &mut Snapshot<'_>, path: &Path, compress: bool) -> Result<()> {
    let temporary = temporary_beside(path);
    let write = |snapshot: &mut Snapshot<'_>| {
        let file = File::create(&temporary).map_err(|error| cannot("write", &temporary, &error))?;
        if compress {
            snapshot.write_compressed(&file)?
        } else {
            snapshot.write(&file)?
        }
        file.sync_all().map_err(|error| cannot("write", &temporary, &error))?;
        fs::rename(&temporary, path).map_err(|error| cannot("write", path, &error))
    };
    write(snapshot).inspect_err(|_| {
        // It may never have been made.
        let _ = fs::remove_file(&temporary);
    })
}
