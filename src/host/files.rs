//! Opening and making files.

use super::{
    failure::failed,
    grants::{Directory, Files},
    place::Place,
    stream::{Backing, Name, OpenStream},
};
use lunette_interpreter::host::{OpenMode, Origin, Removal, Response};
use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    io::Errno,
    rand::{GetRandomFlags, getrandom},
};
use std::os::{fd::OwnedFd, unix::ffi::OsStrExt};

const TEMPORARY_FOLDER: &str = "/tmp";
/// How often another name is tried for a temporary file.
const ATTEMPTS: u32 = 100;

/// Opens a file.
pub(super) fn open_file(files: &Files, path: &[u8], mode: OpenMode) -> Result<OpenStream, Errno> {
    open_place(&Place::find(files, path)?, None, path.to_vec(), mode)
}

/// Opens a file beneath an open directory, of which nothing leads out.
pub(super) fn open_beneath(directory: &OpenStream, path: &[u8], mode: OpenMode) -> Result<OpenStream, Errno> {
    let name = directory.directory_name()?;
    open_place(&directory.place(path)?, name.root.clone(), join(&name.path, path), mode)
}

/// Opens a directory that is granted.
pub(super) fn open_granted(directory: &Directory) -> Result<OpenStream, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let descriptor = openat(CWD, &directory.host, flags, Mode::empty())?;
    Ok(OpenStream::new(Backing::Owned(descriptor)).named(Name {
        root: Some(directory.guest.as_os_str().as_bytes().to_vec()),
        path: b".".to_vec(),
        mode: OpenMode { read: true, directory: true, ..OpenMode::default() },
        is_writable: directory.is_writable,
    }))
}

fn open_place(place: &Place<'_>, root: Option<Vec<u8>>, path: Vec<u8>, mode: OpenMode) -> Result<OpenStream, Errno> {
    let mut flags = match (mode.read, mode.write) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        _ => OFlags::RDONLY,
    };
    flags.set(OFlags::APPEND, mode.append);
    flags.set(OFlags::TRUNC, mode.truncate);
    flags.set(OFlags::CREATE, mode.create);
    flags.set(OFlags::EXCL, mode.exclusive);
    flags.set(OFlags::DIRECTORY, mode.directory);
    flags.set(OFlags::NOFOLLOW, mode.no_follow);
    flags.set(OFlags::SYNC, mode.sync);
    flags.set(OFlags::DSYNC, mode.data_sync || mode.sync);
    // The kernel refuses a mode where no file can be made.
    let access = if mode.create { Mode::from_raw_mode(0o666) } else { Mode::empty() };
    let stream = OpenStream::new(Backing::Owned(place.open(flags, access)?));
    Ok(stream.named(Name { root, path, mode, is_writable: place.is_writable() }))
}

/// Opens a file again at a position; it is neither made nor emptied. `root` is the name of the granted directory that it
/// is beneath.
pub(super) fn reopen_file(
    files: &Files,
    root: Option<&[u8]>,
    path: &[u8],
    mode: OpenMode,
    position: u64,
) -> Result<OpenStream, Errno> {
    let stream = match root {
        None => open_file(files, path, mode.again())?,
        Some(root) => {
            let Files::Directories(directories) = files else { return Err(Errno::PERM) };
            let is_meant = |directory: &&Directory| directory.guest.as_os_str().as_bytes() == root;
            let directory = open_granted(directories.iter().find(is_meant).ok_or(Errno::PERM)?)?;
            if path == b"." { directory } else { open_beneath(&directory, path, mode.again())? }
        }
    };
    match i64::try_from(position).map(|position| stream.seek(Origin::Start, position)) {
        Ok(Response::Position(_)) => Ok(stream),
        _ => Err(Errno::SPIPE),
    }
}

/// The path of what is at `path` from a directory on, from where that directory's path begins. Parts that say nothing are left out.
fn join(directory: &[u8], path: &[u8]) -> Vec<u8> {
    let parts = directory.split(|&byte| byte == b'/').chain(path.split(|&byte| byte == b'/'));
    let mut parts: Vec<&[u8]> = parts.filter(|part| !matches!(*part, b"" | b".")).collect();
    if parts.is_empty() {
        parts.push(b".");
    } else if path.ends_with(b"/") {
        // It means what a symbolic link leads to.
        parts.push(b"");
    }
    parts.join(&b'/')
}

/// Makes a file that has no name, and is gone when it is closed.
pub(super) fn open_temporary(files: &Files) -> Result<OpenStream, Errno> {
    let folder = Place::find(files, TEMPORARY_FOLDER.as_bytes())?;
    let descriptor = match folder.open(OFlags::RDWR | OFlags::TMPFILE, Mode::from_raw_mode(0o600)) {
        Ok(descriptor) => descriptor,
        // Not every file system can.
        Err(_) => {
            let (name, descriptor) = make_temporary(files)?;
            Place::find(files, name.as_bytes())?.remove(Removal::File)?;
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
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        match Place::find(files, name.as_bytes())?.open(flags, Mode::from_raw_mode(0o600)) {
            Err(Errno::EXIST) => {}
            result => return result.map(|descriptor| (name, descriptor)),
        }
    }
    Err(Errno::EXIST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined() {
        assert_eq!(join(b".", b"./a//b"), b"a/b");
        assert_eq!(join(b"a", b"../b"), b"a/../b");
        assert_eq!(join(b".", b"."), b".");
        assert_eq!(join(b".", b"link/"), b"link/");
    }
}
