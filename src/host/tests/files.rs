//! Files and directories that begin at an open directory.

use super::{CREATE, Folder, READ, ask, error, open, read, with_directory};
use lunette_interpreter::host::{
    Advice, FileKind, Follow, Location, OpenMode, Origin, Removal, Request, Response, SetTime, Stream, Target,
    Timestamp,
};
use rustix::io::Errno;
use std::{collections::BTreeSet, fs};

fn status(process: &mut super::Process, target: Target<'_>) -> lunette_interpreter::host::FileStatus {
    match ask(process, Request::Status(target)) {
        Response::Status(status) => status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn positions_sizes_and_times() {
    let folder = Folder::new();
    let (mut process, directory) = with_directory(&folder.path(""), true);
    let file = open(&mut process, directory, "file", CREATE).unwrap();
    assert_eq!(ask(&mut process, Request::Write(file, b"0123456789")), Response::Count(10));
    assert_eq!(ask(&mut process, Request::WriteAt(file, 3, b"abc")), Response::Count(3));
    assert_eq!(ask(&mut process, Request::ReadAt(file, 2, 5)), Response::Bytes(b"2abc6".to_vec()));
    assert_eq!(ask(&mut process, Request::Seek(file, Origin::Current, 0)), Response::Position(10));
    assert_eq!(ask(&mut process, Request::SetSize(file, 4)), Response::Done);
    assert_eq!(ask(&mut process, Request::Allocate(file, 0, 20)), Response::Done);
    assert_eq!(ask(&mut process, Request::Advise(file, 0, 4, Advice::Sequential)), Response::Done);
    for data_only in [false, true] {
        assert_eq!(ask(&mut process, Request::Sync { stream: file, data_only }), Response::Done);
    }
    let (accessed, modified) = (Timestamp { seconds: 7, nanoseconds: 8 }, Timestamp { seconds: 9, nanoseconds: 10 });
    let times =
        Request::SetTimes { target: Target::Open(file), accessed: SetTime::At(accessed), modified: SetTime::Keep };
    assert_eq!(ask(&mut process, times), Response::Done);
    let at = Target::At(Location::beneath(directory, b"file"), Follow::No);
    let times = Request::SetTimes { target: at, accessed: SetTime::Keep, modified: SetTime::At(modified) };
    assert_eq!(ask(&mut process, times), Response::Done);
    let known = status(&mut process, Target::Open(file));
    assert_eq!((known.kind, known.size, known.links), (FileKind::Regular, 20, 1));
    assert_eq!((known.accessed, known.modified), (accessed, modified));
    assert_eq!(status(&mut process, at), known);
}

#[test]
fn links_are_followed_or_meant() {
    let folder = Folder::new();
    folder.write("file", "file");
    let (mut process, directory) = with_directory(&folder.path(""), true);
    let at = |path: &'static str| Location::beneath(directory, path.as_bytes());
    assert_eq!(ask(&mut process, Request::MakeSymbolicLink { content: b"file", link: at("link") }), Response::Done);
    assert_eq!(ask(&mut process, Request::ReadLink(at("link"))), Response::Bytes(b"file".to_vec()));
    assert_eq!(error(&mut process, Request::ReadLink(at("file"))), Errno::INVAL.raw_os_error());
    let no_follow = OpenMode { no_follow: true, ..READ };
    assert_eq!(open(&mut process, directory, "link", no_follow), Err(Errno::LOOP.raw_os_error()));
    let file = open(&mut process, directory, "link", READ).unwrap();
    assert_eq!(read(&mut process, file), "file");
    let link = status(&mut process, Target::At(at("link"), Follow::No));
    let file = status(&mut process, Target::At(at("link"), Follow::Yes));
    assert_eq!((link.kind, file.kind), (FileKind::SymbolicLink, FileKind::Regular));
    let time = SetTime::At(Timestamp { seconds: 5, nanoseconds: 0 });
    let target = Target::At(at("link"), Follow::No);
    assert_eq!(ask(&mut process, Request::SetTimes { target, accessed: time, modified: time }), Response::Done);
    assert_eq!(status(&mut process, target).modified.seconds, 5);
    assert_ne!(status(&mut process, Target::At(at("link"), Follow::Yes)).modified.seconds, 5);
    assert_eq!(ask(&mut process, Request::Link(at("link"), at("second"))), Response::Done);
    assert_eq!(status(&mut process, Target::At(at("second"), Follow::No)).kind, FileKind::SymbolicLink);
    assert_eq!(ask(&mut process, Request::Rename(at("file"), at("other"))), Response::Done);
    assert_eq!(error(&mut process, Request::Open(at("link"), READ)), Errno::NOENT.raw_os_error());
}

#[test]
fn directories_are_made_read_from_anywhere_and_removed() {
    let folder = Folder::new();
    let (mut process, directory) = with_directory(&folder.path(""), true);
    let at = |path: &'static str| Location::beneath(directory, path.as_bytes());
    assert_eq!(ask(&mut process, Request::MakeDirectory(at("made/"))), Response::Done);
    let made = open(&mut process, directory, "made", OpenMode { directory: true, ..READ }).unwrap();
    for number in 0..200 {
        fs::write(folder.path(&format!("made/{number}")), "").unwrap();
    }
    let mut names = BTreeSet::new();
    let mut next = 0;
    loop {
        // Others read meanwhile.
        ask(&mut process, Request::ReadDirectory(made, 0, 1024));
        match ask(&mut process, Request::ReadDirectory(made, next, 1024)) {
            Response::Entries(entries) if entries.is_empty() => break,
            Response::Entries(entries) => {
                // What follows an entry is read from where it says.
                let middle = entries.len() / 2;
                for entry in &entries[..=middle] {
                    assert!(names.insert(entry.name.clone()), "{entry:?}");
                    assert_eq!(entry.inode == 0, entry.name == b"..");
                }
                next = entries[middle].next;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(names.len(), 202);
    assert_eq!(error(&mut process, Request::Remove(at("made"), Removal::File)), Errno::ISDIR.raw_os_error());
    assert_eq!(error(&mut process, Request::Remove(at("made"), Removal::Directory)), Errno::NOTEMPTY.raw_os_error());
    for number in 0..200 {
        fs::remove_file(folder.path(&format!("made/{number}"))).unwrap();
    }
    assert_eq!(ask(&mut process, Request::Remove(at("made/"), Removal::Directory)), Response::Done);
}

#[test]
fn flags_change_what_writes_and_reads_do() {
    let folder = Folder::new();
    let (mut process, directory) = with_directory(&folder.path(""), true);
    let file = open(&mut process, directory, "file", OpenMode { append: true, ..CREATE }).unwrap();
    let flags = |append, nonblocking| Request::SetFlags { stream: file, append, nonblocking };
    for (append, expected) in [(true, "ab"), (false, "cb"), (true, "cbd")] {
        ask(&mut process, flags(append, false));
        if expected == "ab" {
            ask(&mut process, Request::Write(file, b"a"));
        }
        ask(&mut process, Request::Seek(file, Origin::Start, 0));
        ask(
            &mut process,
            Request::Write(file, &[b"bcd"[usize::from(expected != "ab") + usize::from(expected == "cbd")]]),
        );
        assert_eq!(folder.read("file"), expected);
    }
    rustix::fs::mkfifoat(rustix::fs::CWD, folder.path("pipe"), rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    // Opening a pipe waits for nobody, and reading from it only if that is wanted.
    let keeps_open = open(&mut process, directory, "pipe", OpenMode { write: true, ..READ }).unwrap();
    let pipe = open(&mut process, directory, "pipe", OpenMode { nonblocking: true, ..READ }).unwrap();
    assert_eq!(error(&mut process, Request::Read(pipe, 10)), Errno::AGAIN.raw_os_error());
    ask(&mut process, Request::Write(keeps_open, b"text"));
    assert_eq!(read(&mut process, pipe), "text");
}

#[test]
fn what_is_open_is_opened_again_elsewhere() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path("a/b")).unwrap();
    folder.write("a/b/file", "0123456789");
    let (mut process, directory) = with_directory(&folder.path(""), true);
    let a = open(&mut process, directory, "./a", OpenMode { directory: true, ..READ }).unwrap();
    let file = open(&mut process, a, "b/../b/file", OpenMode { append: true, ..CREATE }).unwrap();
    ask(&mut process, Request::Seek(file, Origin::Start, 4));
    let describe = |process: &mut super::Process, stream: Stream| match ask(process, Request::Describe(stream)) {
        Response::Described { root, path, mode, position } => (root, path, mode, position),
        other => panic!("{other:?}"),
    };
    let described = [directory, a, file].map(|stream| describe(&mut process, stream));
    assert_eq!(described[2].1, b"a/b/../b/file");

    let (mut other, _) = with_directory(&folder.path(""), true);
    let streams = described.clone().map(|(root, path, mode, position)| {
        match ask(&mut other, Request::Reopen { root: root.as_deref(), path: &path, mode, position }) {
            Response::Opened(stream, _) => stream,
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(read(&mut other, streams[2]), "456789");
    let again = open(&mut other, streams[1], "b/file", READ).unwrap();
    assert_eq!(read(&mut other, again), "0123456789");

    // Not where it is not granted, or not for writing, or not under this name.
    let (root, path, mode, position) = &described[2];
    let reopen = |root| Request::Reopen { root, path, mode: *mode, position: *position };
    let (mut read_only, _) = with_directory(&folder.path(""), false);
    assert_eq!(error(&mut read_only, reopen(root.as_deref())), Errno::ROFS.raw_os_error());
    assert_eq!(error(&mut other, reopen(Some(b"/other"))), Errno::PERM.raw_os_error());
    let out = Request::Reopen { root: root.as_deref(), path: b"../x", mode: READ, position: 0 };
    assert_eq!(error(&mut other, out), Errno::PERM.raw_os_error());
}
