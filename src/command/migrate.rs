//! `lunette migrate PID ADDRESS` and `lunette receive ADDRESS`.

use super::{
    NAME,
    address::Listener,
    arguments::{Migrate, Receive},
    control::{self, Request, conclusion},
    files::cannot,
    report::{Status, report, tell},
    session::Session,
};
use lunette::{Error, MigrationKey, Result};
use std::{fs::File, io::Read, os::unix::fs::MetadataExt, path::Path};

/// The most bytes of a file with a key.
const LARGEST_KEY: u64 = 4096;

/// Has a process go on elsewhere.
pub fn ask(options: &Migrate) -> Status {
    match order(options) {
        Ok(report) => {
            tell(format_args!("{NAME}: {report}"));
            Status::Success
        }
        Err(error) => report(&error),
    }
}

fn order(options: &Migrate) -> Result<String> {
    let key = read_key(&options.key)?;
    MigrationKey::new(&key)?;
    let image = match &options.image {
        Some(image) => image.clone(),
        None => format!("lunette-{}.image", options.pid).into(),
    };
    let image = std::path::absolute(&image).map_err(|error| cannot("use", &image, &error))?;
    let request = Request::Migrate { address: options.address.clone(), key, image };
    conclusion(&mut control::ask(options.pid, &request)?)
}

/// What is in the file of a key, which nobody else may read.
fn read_key(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(|error| cannot("open", path, &error))?;
    let status = file.metadata().map_err(|error| cannot("read", path, &error))?;
    if status.mode() & 0o077 != 0 {
        return Err(Error::message(format_args!("{}: others can read the key: chmod 600 it", path.display())));
    }
    let mut key = Vec::new();
    file.take(LARGEST_KEY).read_to_end(&mut key).map_err(|error| cannot("read", path, &error))?;
    Ok(key)
}

/// Waits for a program and runs it.
pub fn receive(options: &Receive) -> Status {
    match wait(options) {
        Ok(mut session) => {
            let outcome = session.resume();
            session.finish(outcome)
        }
        Err(error) => report(&error),
    }
}

fn wait(options: &Receive) -> Result<Session> {
    let key = MigrationKey::new(&read_key(&options.key)?)?;
    let cannot_listen = |error: &std::io::Error| cannot("listen at", Path::new(&options.address), error);
    let listener = Listener::bind(&options.address).map_err(|error| cannot_listen(&error))?;
    let address = listener.address().map_err(|error| cannot_listen(&error))?;
    tell(format_args!("{NAME}: waiting at {address}"));
    loop {
        let stream = listener.accept().map_err(|error| cannot_listen(&error))?;
        match Session::receive(&options.session, stream, &key) {
            Ok(session) => return Ok(session),
            Err(error @ Error::Unavailable(_)) => return Err(error),
            Err(error) => tell(format_args!("{NAME}: no program came: {error}")),
        }
    }
}
