//! Tests of what the process does for its instances, asked as the runtime asks.

mod beneath;
mod files;
mod polling;
mod wasi;

use super::{Directory, Files, Grants, Process, Streams};
use lunette_interpreter::host::{Host, Location, OpenMode, Request, Response, Stream};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// A folder of a test, which is removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("lunette-host-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn granted(host: &Path, guest: &str, is_writable: bool) -> Directory {
    Directory { host: host.to_owned(), guest: guest.into(), is_writable }
}

fn grants(directories: Vec<Directory>) -> Grants {
    Grants { files: Files::Directories(directories), clock: true, entropy: true, ..Grants::NONE }
}

/// A process that grants a directory, and the stream of that.
fn with_directory(path: &Path, is_writable: bool) -> (Process, Stream) {
    let mut process = Process::new(grants(vec![granted(path, "/data", is_writable)]), Streams::none());
    match ask(&mut process, Request::OpenGranted(0)) {
        Response::Granted { directory, name } => {
            assert_eq!(name, b"/data");
            (process, directory)
        }
        other => panic!("{other:?}"),
    }
}

fn ask(process: &mut Process, request: Request<'_>) -> Response {
    let ticket = process.submit(request);
    loop {
        if let Some(response) = process.complete(ticket) {
            return response;
        }
    }
}

/// The number of the error that a request gives; 0 if it gives none.
fn error(process: &mut Process, request: Request<'_>) -> i32 {
    match ask(process, request) {
        Response::Failed(error) => error.code,
        _ => 0,
    }
}

const READ: OpenMode = OpenMode {
    read: true,
    write: false,
    append: false,
    truncate: false,
    create: false,
    exclusive: false,
    directory: false,
    no_follow: false,
    nonblocking: false,
    sync: false,
    data_sync: false,
};
const CREATE: OpenMode = OpenMode { write: true, create: true, ..READ };

fn open(process: &mut Process, directory: Stream, path: &str, mode: OpenMode) -> Result<Stream, i32> {
    match ask(process, Request::Open(Location::beneath(directory, path.as_bytes()), mode)) {
        Response::Opened(stream, _) => Ok(stream),
        Response::Failed(error) => Err(error.code),
        other => panic!("{other:?}"),
    }
}

fn read(process: &mut Process, stream: Stream) -> String {
    match ask(process, Request::Read(stream, 1000)) {
        Response::Bytes(bytes) => String::from_utf8(bytes).unwrap(),
        other => panic!("{other:?}"),
    }
}
