//! Where the paths of a program lead: anywhere the process may go, or below directories that were granted.
//!
//! The kernel resolves granted paths beneath an open directory, so neither links nor races lead out of it. What it cannot
//! resolve in one step with an operation is done with the name's directory, which it has resolved: such operations take
//! the last name as it is, and follow no link that it may be.

use super::grants::{Directory, Files};
use lunette_interpreter::host::{Follow, Removal};
use rustix::{
    fs::{
        AtFlags, CWD, Mode, OFlags, ResolveFlags, Stat, Timestamps, fstat, linkat, mkdirat, openat, openat2,
        readlinkat, renameat, symlinkat, unlinkat, utimensat,
    },
    io::Errno,
};
use std::{
    ffi::{CString, OsStr},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Component, Path, PathBuf},
};

/// How often the kernel is asked again when it could not tell whether a path leads out, because something was renamed.
const ATTEMPTS: u32 = 100;
/// Flags of directories that are only for finding what is in them.
const STEP: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// A path of a program, resolved as far as the process has to.
pub(super) enum Place<'d> {
    /// As it is.
    Anywhere(PathBuf),
    /// Below an open directory.
    Beneath { base: Base<'d>, path: PathBuf, is_writable: bool },
}

/// The directory that a path does not lead out of.
pub(super) enum Base<'d> {
    /// One that was granted, found by the path.
    Granted(OwnedFd),
    /// One that the program has open.
    Open(BorrowedFd<'d>),
}

impl Base<'_> {
    fn descriptor(&self) -> BorrowedFd<'_> {
        match self {
            Base::Granted(directory) => directory.as_fd(),
            Base::Open(directory) => *directory,
        }
    }

    /// Opens what is at a path.
    fn open(&self, path: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..ATTEMPTS {
            match openat2(self.descriptor(), path, flags | OFlags::CLOEXEC, mode, resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                // What leads out does not exist for a program that knows paths, and is not for one that knows directories.
                Err(Errno::XDEV) => {
                    return Err(match self {
                        Base::Granted(_) => Errno::NOENT,
                        Base::Open(_) => Errno::PERM,
                    });
                }
                result => return result,
            }
        }
        Err(Errno::AGAIN)
    }
}

/// A directory, and a name in it.
struct Entry {
    directory: OwnedFd,
    /// The name as the program has it, with any slashes behind it: the kernel decides whether these are right.
    name: CString,
}

impl Place<'_> {
    /// Where a path leads that is looked up in all that is granted.
    pub fn find(files: &Files, path: &[u8]) -> Result<Place<'static>, Errno> {
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
                let base = Base::Granted(openat(CWD, &directory.host, STEP, Mode::empty())?);
                Ok(Place::Beneath { base, path: rest.to_owned(), is_writable: directory.is_writable })
            }
        }
    }

    /// Where a path leads that begins at an open directory.
    pub fn beneath<'d>(directory: BorrowedFd<'d>, path: &[u8], is_writable: bool) -> Place<'d> {
        let path = PathBuf::from(OsStr::from_bytes(path));
        Place::Beneath { base: Base::Open(directory), path, is_writable }
    }

    /// Whether what is there may be changed.
    pub fn is_writable(&self) -> bool {
        match self {
            Place::Anywhere(_) => true,
            Place::Beneath { is_writable, .. } => *is_writable,
        }
    }

    fn check_writable(&self) -> Result<(), Errno> {
        if self.is_writable() { Ok(()) } else { Err(Errno::ROFS) }
    }

    /// Opens what is there.
    pub fn open(&self, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        if flags.intersects(OFlags::WRONLY | OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC) {
            self.check_writable()?;
        }
        match self {
            Place::Anywhere(path) => openat(CWD, path, flags | OFlags::CLOEXEC, mode),
            // Nobody may be at the other end of a named pipe: opening it does not wait for that.
            Place::Beneath { base, path, .. } => base.open(path, flags | OFlags::NONBLOCK | OFlags::NOCTTY, mode),
        }
    }

    /// Finds what is there, without opening it for any use.
    fn look(&self, follow: Follow) -> Result<OwnedFd, Errno> {
        let flags = match follow {
            Follow::Yes => OFlags::PATH | OFlags::CLOEXEC,
            Follow::No => OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW,
        };
        match self {
            Place::Anywhere(path) => openat(CWD, path, flags, Mode::empty()),
            Place::Beneath { base, path, .. } => base.open(path, flags, Mode::empty()),
        }
    }

    /// What is known of what is there.
    pub fn status(&self, follow: Follow) -> Result<Stat, Errno> {
        fstat(self.look(follow)?)
    }

    /// Sets the times of what is there.
    pub fn set_times(&self, follow: Follow, times: &Timestamps) -> Result<(), Errno> {
        self.check_writable()?;
        utimensat(self.look(follow)?, c"", times, AtFlags::EMPTY_PATH)
    }

    /// What the symbolic link contains that is there.
    pub fn read_link(&self) -> Result<Vec<u8>, Errno> {
        let link = self.look(Follow::No)?;
        match readlinkat(&link, c"", Vec::new()) {
            Ok(content) => Ok(content.into_bytes()),
            // The kernel's answer if it is no link.
            Err(Errno::NOENT) => Err(Errno::INVAL),
            Err(error) => Err(error),
        }
    }

    /// Makes a directory.
    pub fn make_directory(&self) -> Result<(), Errno> {
        let entry = self.entry()?;
        mkdirat(&entry.directory, &entry.name, Mode::from_raw_mode(0o777))
    }

    /// Makes a symbolic link. One that leads out from where it is made will be followed nowhere.
    pub fn make_symbolic_link(&self, content: &[u8]) -> Result<(), Errno> {
        let entry = self.entry()?;
        if matches!(self, Place::Beneath { .. }) && content.starts_with(b"/") {
            return Err(Errno::PERM);
        }
        match symlinkat(content, &entry.directory, &entry.name) {
            // A slash behind the name says that it is a directory; if it is not, that is what is wrong.
            Err(Errno::EXIST) if entry.name.as_bytes().ends_with(b"/") => self.look(Follow::No).and(Err(Errno::EXIST)),
            result => result,
        }
    }

    /// Removes what is there, a file or an empty directory.
    pub fn remove(&self, what: Removal) -> Result<(), Errno> {
        let Entry { directory, name } = self.entry()?;
        let remove = |flags| unlinkat(&directory, &name, flags);
        match what {
            Removal::File => remove(AtFlags::empty()),
            Removal::Directory => remove(AtFlags::REMOVEDIR),
            Removal::Any => match remove(AtFlags::empty()) {
                Err(Errno::ISDIR | Errno::PERM) => remove(AtFlags::REMOVEDIR),
                result => result,
            },
        }
    }

    /// Gives what is here another place.
    pub fn rename(&self, to: &Place<'_>) -> Result<(), Errno> {
        let (from, to) = (self.entry()?, to.entry()?);
        renameat(&from.directory, &from.name, &to.directory, &to.name)
    }

    /// Gives what is here another place as well.
    pub fn link(&self, to: &Place<'_>) -> Result<(), Errno> {
        let (from, to) = (self.entry()?, to.entry()?);
        // The kernel would follow a link with a slash behind it, and dots; neither is ever a file.
        if from.name.as_bytes().ends_with(b"/") || matches!(from.name.as_bytes(), b"." | b"..") {
            let flags = OFlags::DIRECTORY | OFlags::PATH;
            return match self {
                Place::Anywhere(path) => openat(CWD, path, flags, Mode::empty()),
                Place::Beneath { base, path, .. } => base.open(path, flags, Mode::empty()),
            }
            .and(Err(Errno::PERM));
        }
        linkat(&from.directory, &from.name, &to.directory, &to.name, AtFlags::empty())
    }

    /// The entry that is to be changed.
    fn entry(&self) -> Result<Entry, Errno> {
        self.check_writable()?;
        let (Place::Anywhere(path) | Place::Beneath { path, .. }) = self;
        let path = path.as_os_str().as_bytes();
        if path.is_empty() {
            return Err(Errno::NOENT);
        }
        let end = path.iter().rposition(|&byte| byte != b'/').map_or(0, |last| last + 1);
        let start = path[..end].iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        let (parent, name) = match (end, start) {
            // Slashes alone: the root.
            (0, _) => (&b"/"[..], &b"."[..]),
            (_, 0) => (&b"."[..], path),
            (_, start) => path.split_at(start),
        };
        let parent = Path::new(OsStr::from_bytes(parent));
        let directory = match self {
            Place::Anywhere(_) => openat(CWD, parent, STEP, Mode::empty())?,
            Place::Beneath { base, .. } => base.open(parent, STEP, Mode::empty())?,
        };
        Ok(Entry { directory, name: CString::new(name).map_err(|_| Errno::INVAL)? })
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
