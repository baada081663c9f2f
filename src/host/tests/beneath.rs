//! Nothing leads out of a directory that was granted.

use super::{CREATE, Folder, READ, ask, error, open, read, with_directory};
use lunette_interpreter::host::{Follow, Location, OpenMode, Removal, Request, Response, SetTime, Target, Timestamp};
use rustix::io::Errno;
use std::{
    fs,
    os::unix::fs::symlink,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

const PERM: i32 = Errno::PERM.raw_os_error();
const ROFS: i32 = Errno::ROFS.raw_os_error();

/// A folder with a secret, and within it the folder that is granted, with many ways to the secret.
fn trap() -> Folder {
    let folder = Folder::new();
    folder.write("secret", "secret");
    fs::create_dir_all(folder.path("inside/sub")).unwrap();
    folder.write("inside/file", "file");
    symlink("..", folder.path("inside/up")).unwrap();
    symlink(folder.path(""), folder.path("inside/absolute")).unwrap();
    symlink("../secret", folder.path("inside/link")).unwrap();
    symlink(folder.path("secret"), folder.path("inside/absolute_link")).unwrap();
    symlink("sub/../../secret", folder.path("inside/deep")).unwrap();
    symlink("link", folder.path("inside/chain")).unwrap();
    symlink("/proc/self/root", folder.path("inside/magic")).unwrap();
    folder
}

const WAYS: [&str; 14] = [
    "../secret",
    "sub/../../secret",
    "/secret",
    "//secret",
    "./../secret",
    "up/secret",
    "absolute/secret",
    "link",
    "absolute_link",
    "deep",
    "chain",
    "sub/../up/secret",
    "up/inside/../secret",
    "up/inside/up/secret",
];

#[test]
fn files_outside_are_neither_opened_nor_seen() {
    let folder = trap();
    let (mut process, directory) = with_directory(&folder.path("inside"), true);
    let absolute = folder.path("secret").display().to_string();
    for way in
        WAYS.into_iter().chain([&absolute[..], "magic/etc/passwd", "..", "sub/../..", "/", "up", "up/", "magic/"])
    {
        let at = Location::beneath(directory, way.as_bytes());
        for mode in [READ, CREATE, OpenMode { truncate: true, ..CREATE }, OpenMode { directory: true, ..READ }] {
            let opened = open(&mut process, directory, way, mode);
            assert!(opened.is_err(), "{way} {mode:?} {opened:?}");
        }
        assert_eq!(error(&mut process, Request::Status(Target::At(at, Follow::Yes))), PERM, "{way}");
        let times = Request::SetTimes {
            target: Target::At(at, Follow::Yes),
            accessed: SetTime::Keep,
            modified: SetTime::At(Timestamp::default()),
        };
        assert_eq!(error(&mut process, times), PERM, "{way}");
    }
    assert_eq!(folder.read("secret"), "secret");
    assert!(fs::metadata(folder.path("secret")).unwrap().modified().unwrap() > std::time::UNIX_EPOCH);
}

#[test]
fn nothing_outside_is_changed() {
    let folder = trap();
    fs::create_dir(folder.path("empty")).unwrap();
    let (mut process, directory) = with_directory(&folder.path("inside"), true);
    let beneath = |path: &'static str| Location::beneath(directory, path.as_bytes());
    let file = beneath("file");
    for way in ["../secret", "up/secret", "absolute/secret", "/secret", "up/inside/../secret"] {
        let at = beneath(way);
        for request in [
            Request::Remove(at, Removal::File),
            Request::Remove(at, Removal::Any),
            Request::Rename(at, beneath("stolen")),
            Request::Rename(file, at),
            Request::Link(at, beneath("stolen")),
            Request::ReadLink(at),
        ] {
            assert_eq!(error(&mut process, request.clone()), PERM, "{request:?}");
        }
    }
    for way in ["../new", "up/new", "absolute/new", "/new", "sub/../../new", "up/inside/../new"] {
        let at = beneath(way);
        for request in [
            Request::MakeDirectory(at),
            Request::MakeSymbolicLink { content: b"file", link: at },
            Request::Link(file, at),
            Request::Rename(file, at),
            Request::Open(at, CREATE),
        ] {
            assert_eq!(error(&mut process, request.clone()), PERM, "{request:?}");
        }
    }
    for way in ["../empty", "up/empty", "absolute/empty/", "up/inside/../empty"] {
        assert_eq!(error(&mut process, Request::Remove(beneath(way), Removal::Directory)), PERM, "{way}");
    }
    // Names that are none are refused, though the directory is there.
    for name in [".", "..", "sub/..", "sub/.", "", "/", "up/", "link/"] {
        let at = beneath(name);
        for request in [
            Request::Remove(at, Removal::Any),
            Request::Remove(at, Removal::Directory),
            Request::Rename(at, beneath("moved")),
            Request::Rename(beneath("sub"), at),
            Request::Link(at, beneath("moved")),
            Request::Link(file, at),
            Request::MakeDirectory(at),
            Request::ReadLink(at),
        ] {
            assert_ne!(error(&mut process, request.clone()), 0, "{request:?}");
        }
    }
    let absolute = Request::MakeSymbolicLink { content: b"/etc", link: beneath("etc") };
    assert_eq!(error(&mut process, absolute), PERM);
    let mut names: Vec<_> = fs::read_dir(folder.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["empty", "inside", "secret"]);
    assert_eq!(folder.read("inside/file"), "file");
}

#[test]
fn what_is_renamed_while_a_path_is_walked_leads_nowhere() {
    let folder = Folder::new();
    folder.write("secret", "secret");
    fs::create_dir_all(folder.path("inside/a/b")).unwrap();
    folder.write("inside/a/secret", "harmless");
    let stop = Arc::new(AtomicBool::new(false));
    let (at_home, away) = (folder.path("inside/a/b"), folder.path("b"));
    let link = folder.path("inside/swap");
    let mover = std::thread::spawn({
        let stop = stop.clone();
        let up = folder.path("");
        move || {
            while !stop.load(Ordering::Relaxed) {
                fs::rename(&at_home, &away).unwrap();
                fs::rename(&away, &at_home).unwrap();
                // The other side makes directories in it meanwhile.
                let _ = symlink(&up, &link);
                let _ = fs::remove_file(&link);
                let _ = fs::create_dir(&link);
                let _ = fs::remove_dir_all(&link);
            }
        }
    });
    let (mut process, directory) = with_directory(&folder.path("inside"), true);
    let mut harmless = 0;
    for round in 0..20_000 {
        let way = ["a/b/../secret", "swap/secret"][round % 2];
        if let Ok(stream) = open(&mut process, directory, way, READ) {
            assert_eq!(read(&mut process, stream), "harmless");
            harmless += 1;
            ask(&mut process, Request::Close(stream));
        }
        error(&mut process, Request::MakeDirectory(Location::beneath(directory, b"swap/made")));
    }
    stop.store(true, Ordering::Relaxed);
    mover.join().unwrap();
    assert!(harmless > 0);
    assert!(!folder.path("made").exists());
}

#[test]
fn a_directory_leads_to_no_other_one() {
    let folder = trap();
    let (mut process, directory) = with_directory(&folder.path("inside"), true);
    let sub = open(&mut process, directory, "sub", OpenMode { directory: true, ..READ }).unwrap();
    for way in ["../file", "..", "../sub/../file"] {
        assert_eq!(open(&mut process, sub, way, READ), Err(PERM), "{way}");
    }
    let file = open(&mut process, directory, "file", READ).unwrap();
    assert_eq!(open(&mut process, file, "x", READ), Err(Errno::NOTDIR.raw_os_error()));
    assert_eq!(open(&mut process, lunette_interpreter::host::Stream(77), "x", READ), Err(Errno::BADF.raw_os_error()));
}

#[test]
fn what_is_for_reading_is_not_changed() {
    let folder = trap();
    let before = fs::metadata(folder.path("inside/file")).unwrap().modified().unwrap();
    let (mut process, directory) = with_directory(&folder.path("inside"), false);
    let file = open(&mut process, directory, "file", READ).unwrap();
    assert_eq!(read(&mut process, file), "file");
    let sub = open(&mut process, directory, "sub", OpenMode { directory: true, ..READ }).unwrap();
    let at = |path: &'static str| Location::beneath(directory, path.as_bytes());
    let times = |target| Request::SetTimes { target, accessed: SetTime::Now, modified: SetTime::Now };
    for request in [
        Request::Open(at("file"), OpenMode { write: true, ..READ }),
        Request::Open(at("file"), OpenMode { truncate: true, ..READ }),
        Request::Open(at("new"), CREATE),
        Request::Open(Location::beneath(sub, b"new"), CREATE),
        Request::SetSize(file, 0),
        Request::Allocate(file, 0, 100),
        times(Target::Open(file)),
        times(Target::Open(directory)),
        times(Target::At(at("file"), Follow::Yes)),
        times(Target::At(at("link"), Follow::No)),
        Request::MakeDirectory(at("new")),
        Request::Remove(at("file"), Removal::File),
        Request::Remove(at("sub"), Removal::Directory),
        Request::Rename(at("file"), at("new")),
        Request::Link(at("file"), at("new")),
        Request::MakeSymbolicLink { content: b"file", link: at("new") },
    ] {
        assert_eq!(error(&mut process, request.clone()), ROFS, "{request:?}");
    }
    assert_ne!(error(&mut process, Request::Write(file, b"x")), 0);
    assert_ne!(error(&mut process, Request::WriteAt(file, 0, b"x")), 0);
    assert_eq!(folder.read("inside/file"), "file");
    assert_eq!(fs::metadata(folder.path("inside/file")).unwrap().modified().unwrap(), before);
}

#[test]
fn standard_streams_are_only_read_and_written() {
    let (mut process, _) = with_directory(&std::env::temp_dir(), true);
    for stream in [0, 1, 2].map(lunette_interpreter::host::Stream) {
        for request in [
            Request::SetSize(stream, 0),
            Request::Allocate(stream, 0, 1),
            Request::SetTimes { target: Target::Open(stream), accessed: SetTime::Now, modified: SetTime::Now },
            Request::ReadAt(stream, 0, 1),
            Request::WriteAt(stream, 0, b"x"),
            Request::ReadDirectory(stream, 0, 1000),
            Request::Open(Location::beneath(stream, b"x"), READ),
        ] {
            assert_ne!(error(&mut process, request.clone()), 0, "{request:?}");
        }
    }
}

#[test]
fn without_directories_none_is_opened() {
    use crate::host::{Grants, Process, Streams};
    for grants in [Grants::NONE, Grants::ALL] {
        let mut process = Process::new(grants, Streams::none());
        assert_ne!(error(&mut process, Request::OpenGranted(0)), 0);
    }
    let (mut process, _) = with_directory(&std::env::temp_dir(), true);
    assert!(matches!(ask(&mut process, Request::OpenGranted(1)), Response::Failed(_)));
}
