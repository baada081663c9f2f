//! Where the paths of a program lead: anywhere the process may go, or below directories that were granted.
//!
//! The kernel resolves granted paths beneath an open directory, so neither links nor races lead out of it.

use super::grants::{Directory, Files};
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, openat, openat2, renameat, unlinkat},
    io::Errno,
};
use std::{
    ffi::{OsStr, OsString},
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Component, Path, PathBuf},
};

/// A path of a program, resolved as far as the process has to.
pub(super) enum Place {
    /// As it is.
    Anywhere(PathBuf),
    /// Below an open directory.
    Beneath { directory: OwnedFd, path: PathBuf, is_writable: bool },
}

impl Place {
    /// Where the path leads.
    pub fn find(files: &Files, path: &[u8]) -> Result<Place, Errno> {
        let path = Path::new(OsStr::from_bytes(path));
        match files {
            Files::None => Err(Errno::PERM),
            Files::All => Ok(Place::Anywhere(path.to_owned())),
            Files::Directories(directories) => {
                if path.as_os_str().is_empty() {
                    return Err(Errno::NOENT);
                }
                let path = normalize(path);
                let mount = |directory: &&Directory| path.starts_with(normalize(&directory.guest));
                let depth = |directory: &&Directory| normalize(&directory.guest).components().count();
                let directory = directories.iter().filter(mount).max_by_key(depth).ok_or(Errno::NOENT)?;
                let rest = path.strip_prefix(normalize(&directory.guest)).map_err(|_| Errno::NOENT)?;
                let rest = if rest.as_os_str().is_empty() { Path::new(".") } else { rest };
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let opened = openat(CWD, &directory.host, flags, Mode::empty())?;
                Ok(Place::Beneath { directory: opened, path: rest.to_owned(), is_writable: directory.is_writable })
            }
        }
    }

    /// Opens what is there.
    pub fn open(&self, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        match self {
            Place::Anywhere(path) => openat(CWD, path, flags, mode),
            Place::Beneath { directory, path, is_writable } => {
                let changes = OFlags::WRONLY | OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC | OFlags::APPEND;
                if !is_writable && flags.intersects(changes) {
                    return Err(Errno::ROFS);
                }
                openat2(directory, path, flags, mode, ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS)
                    // What leads out of the directory does not exist for the program.
                    .map_err(|error| if error == Errno::XDEV { Errno::NOENT } else { error })
            }
        }
    }

    /// Removes what is there, a file or an empty directory.
    pub fn remove(&self) -> Result<(), Errno> {
        let (directory, name) = self.entry()?;
        match unlinkat(&directory, &name, AtFlags::empty()) {
            Err(Errno::ISDIR | Errno::PERM) => unlinkat(&directory, &name, AtFlags::REMOVEDIR),
            result => result,
        }
    }

    /// Gives what is here another place.
    pub fn rename(&self, to: &Place) -> Result<(), Errno> {
        let (from_directory, from) = self.entry()?;
        let (to_directory, to) = to.entry()?;
        renameat(&from_directory, &from, &to_directory, &to)
    }

    /// The directory that has the place's entry, and its name there.
    fn entry(&self) -> Result<(OwnedFd, OsString), Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = match self {
            Place::Anywhere(path) | Place::Beneath { path, .. } => path,
        };
        let (parent, name) = match path.file_name() {
            // `file_name` ignores a slash at the end, which is allowed for directories only: the kernel decides.
            Some(name) if !path.as_os_str().as_bytes().ends_with(b"/") => {
                (path.parent().filter(|parent| !parent.as_os_str().is_empty()), name.to_owned())
            }
            _ => (None, path.as_os_str().to_owned()),
        };
        let parent = parent.unwrap_or(Path::new("."));
        match self {
            Place::Anywhere(_) if path.is_absolute() && parent == Path::new(".") => {
                Ok((openat(CWD, "/", flags, Mode::empty())?, name))
            }
            Place::Anywhere(_) => Ok((openat(CWD, parent, flags, Mode::empty())?, name)),
            Place::Beneath { is_writable: false, .. } => Err(Errno::ROFS),
            Place::Beneath { directory, .. } => {
                let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
                Ok((openat2(directory, parent, flags, Mode::empty(), resolve)?, name))
            }
        }
    }
}

/// The path from `/` on, without `.` and `..`. Links are not looked at: below granted directories the kernel does that.
fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::ParentDir => {
                normal.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    normal
}
