//! Opening and making files.

use super::{
    failure::failed,
    grants::Files,
    place::Place,
    stream::{Backing, OpenStream},
};
use lunette_interpreter::host::{OpenMode, Origin, Response};
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
    rand::{GetRandomFlags, getrandom},
};
use std::os::fd::OwnedFd;

const TEMPORARY_FOLDER: &str = "/tmp";
/// How often another name is tried for a temporary file.
const ATTEMPTS: u32 = 100;

/// Opens a file.
pub(super) fn open_file(files: &Files, path: &[u8], mode: OpenMode) -> Result<OpenStream, Errno> {
    let mut flags = match (mode.read, mode.write || mode.append) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        _ => OFlags::RDONLY,
    };
    flags |= OFlags::CLOEXEC;
    flags.set(OFlags::APPEND, mode.append);
    flags.set(OFlags::TRUNC, mode.truncate);
    flags.set(OFlags::CREATE, mode.create);
    // The kernel refuses a mode where no file can be made.
    let access = if mode.create { Mode::from_raw_mode(0o666) } else { Mode::empty() };
    let descriptor = Place::find(files, path)?.open(flags, access)?;
    Ok(OpenStream::new(Backing::Owned(descriptor)).named(path, mode))
}

/// Opens a file again at a position; it is neither made nor emptied.
pub(super) fn reopen_file(files: &Files, path: &[u8], mode: OpenMode, position: u64) -> Result<OpenStream, Errno> {
    let stream = open_file(files, path, OpenMode { truncate: false, create: false, ..mode })?;
    match i64::try_from(position).map(|position| stream.seek(Origin::Start, position)) {
        Ok(Response::Position(_)) => Ok(stream),
        _ => Err(Errno::SPIPE),
    }
}

/// Makes a file that has no name, and is gone when it is closed.
pub(super) fn open_temporary(files: &Files) -> Result<OpenStream, Errno> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::TMPFILE;
    let folder = Place::find(files, TEMPORARY_FOLDER.as_bytes())?;
    let descriptor = match folder.open(flags, Mode::from_raw_mode(0o600)) {
        Ok(descriptor) => descriptor,
        // Not every file system can.
        Err(_) => {
            let (name, descriptor) = make_temporary(files)?;
            Place::find(files, name.as_bytes())?.remove()?;
            descriptor
        }
    };
    Ok(OpenStream::new(Backing::Owned(descriptor)))
}

/// Makes an empty file with a fresh name.
pub(super) fn temporary_name(files: &Files) -> Response {
    make_temporary(files).map_or_else(failed, |(name, _)| Response::Bytes(name.into_bytes()))
}

fn make_temporary(files: &Files) -> Result<(String, OwnedFd), Errno> {
    for _ in 0..ATTEMPTS {
        let mut random = [0; 4];
        getrandom(&mut random, GetRandomFlags::empty())?;
        let name = format!("{TEMPORARY_FOLDER}/lua_{:08x}", u32::from_ne_bytes(random));
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        match Place::find(files, name.as_bytes())?.open(flags, Mode::from_raw_mode(0o600)) {
            Err(Errno::EXIST) => {}
            result => return result.map(|descriptor| (name, descriptor)),
        }
    }
    Err(Errno::EXIST)
}

/// Removes a file or an empty directory.
pub(super) fn remove(files: &Files, path: &[u8]) -> Response {
    let removed = Place::find(files, path).and_then(|place| place.remove());
    removed.map_or_else(failed, |()| Response::Done)
}

/// Renames a file.
pub(super) fn rename_file(files: &Files, from: &[u8], to: &[u8]) -> Response {
    let renamed = Place::find(files, from).and_then(|from| from.rename(&Place::find(files, to)?));
    renamed.map_or_else(failed, |()| Response::Done)
}
