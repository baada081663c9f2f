//! Opening and making files.

use super::{
    failure::failed,
    stream::{Backing, OpenStream},
};
use lunette_interpreter::host::{OpenMode, Response};
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, open, rename, unlink, unlinkat},
    io::Errno,
    rand::{GetRandomFlags, getrandom},
};
use std::os::fd::OwnedFd;

const TEMPORARY_FOLDER: &str = "/tmp";
/// How often another name is tried for a temporary file.
const ATTEMPTS: u32 = 100;

/// Opens a file.
pub(super) fn open_file(path: &[u8], mode: OpenMode) -> Result<OpenStream, Errno> {
    let mut flags = match (mode.read, mode.write || mode.append) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        _ => OFlags::RDONLY,
    };
    flags |= OFlags::CLOEXEC;
    flags.set(OFlags::APPEND, mode.append);
    flags.set(OFlags::TRUNC, mode.truncate);
    flags.set(OFlags::CREATE, mode.create);
    let descriptor = open(path, flags, Mode::from_raw_mode(0o666))?;
    Ok(OpenStream::new(Backing::Owned(descriptor)))
}

/// Makes a file that has no name, and is gone when it is closed.
pub(super) fn open_temporary() -> Result<OpenStream, Errno> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    let descriptor = match open(TEMPORARY_FOLDER, flags | OFlags::TMPFILE, Mode::from_raw_mode(0o600)) {
        Ok(descriptor) => descriptor,
        // Not every file system can.
        Err(_) => {
            let (name, descriptor) = make_temporary()?;
            unlink(name.as_str())?;
            descriptor
        }
    };
    Ok(OpenStream::new(Backing::Owned(descriptor)))
}

/// Makes an empty file with a fresh name.
pub(super) fn temporary_name() -> Response {
    make_temporary().map_or_else(failed, |(name, _)| Response::Bytes(name.into_bytes()))
}

fn make_temporary() -> Result<(String, OwnedFd), Errno> {
    for _ in 0..ATTEMPTS {
        let mut random = [0; 4];
        getrandom(&mut random, GetRandomFlags::empty())?;
        let name = format!("{TEMPORARY_FOLDER}/lua_{:08x}", u32::from_ne_bytes(random));
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        match open(name.as_str(), flags, Mode::from_raw_mode(0o600)) {
            Err(Errno::EXIST) => {}
            result => return result.map(|descriptor| (name, descriptor)),
        }
    }
    Err(Errno::EXIST)
}

/// Removes a file or an empty directory.
pub(super) fn remove(path: &[u8]) -> Response {
    let removed = match unlink(path) {
        Err(Errno::ISDIR | Errno::PERM) => unlinkat(CWD, path, AtFlags::REMOVEDIR),
        result => result,
    };
    removed.map_or_else(failed, |()| Response::Done)
}

/// Renames a file.
pub(super) fn rename_file(from: &[u8], to: &[u8]) -> Response {
    rename(from, to).map_or_else(failed, |()| Response::Done)
}
