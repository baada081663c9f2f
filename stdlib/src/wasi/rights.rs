//! Rights: what may be done by means of a descriptor.

/// A set of rights, a bit each.
pub type Rights = u64;

macro_rules! rights {
    ($($name:ident $bit:literal)*) => {
        $(pub(super) const $name: Rights = 1 << $bit;)*
    };
}

rights! {
    FD_DATASYNC 0
    FD_READ 1
    FD_SEEK 2
    FD_FDSTAT_SET_FLAGS 3
    FD_SYNC 4
    FD_TELL 5
    FD_WRITE 6
    FD_ADVISE 7
    FD_ALLOCATE 8
    PATH_CREATE_DIRECTORY 9
    PATH_CREATE_FILE 10
    PATH_LINK_SOURCE 11
    PATH_LINK_TARGET 12
    PATH_OPEN 13
    FD_READDIR 14
    PATH_READLINK 15
    PATH_RENAME_SOURCE 16
    PATH_RENAME_TARGET 17
    PATH_FILESTAT_GET 18
    PATH_FILESTAT_SET_SIZE 19
    PATH_FILESTAT_SET_TIMES 20
    FD_FILESTAT_GET 21
    FD_FILESTAT_SET_SIZE 22
    FD_FILESTAT_SET_TIMES 23
    PATH_SYMLINK 24
    PATH_REMOVE_DIRECTORY 25
    PATH_UNLINK_FILE 26
    POLL_FD_READWRITE 27
}

/// Rights that apply to anything.
const ANY: Rights =
    FD_FDSTAT_SET_FLAGS | FD_SYNC | FD_ADVISE | FD_FILESTAT_GET | FD_FILESTAT_SET_TIMES | POLL_FD_READWRITE;

/// Rights that apply to directories.
pub(super) const DIRECTORY: Rights = ANY
    | PATH_CREATE_DIRECTORY
    | PATH_CREATE_FILE
    | PATH_LINK_SOURCE
    | PATH_LINK_TARGET
    | PATH_OPEN
    | FD_READDIR
    | PATH_READLINK
    | PATH_RENAME_SOURCE
    | PATH_RENAME_TARGET
    | PATH_FILESTAT_GET
    | PATH_FILESTAT_SET_SIZE
    | PATH_FILESTAT_SET_TIMES
    | PATH_SYMLINK
    | PATH_REMOVE_DIRECTORY
    | PATH_UNLINK_FILE;

/// Rights that apply to files which have no positions.
pub(super) const STREAM: Rights = ANY | FD_DATASYNC | FD_READ | FD_WRITE;

/// Rights that apply to files.
pub(super) const FILE: Rights = STREAM | FD_SEEK | FD_TELL | FD_ALLOCATE | FD_FILESTAT_SET_SIZE;

/// Rights that apply to what is opened from a directory.
pub(super) const INHERITED: Rights = DIRECTORY | FILE;
