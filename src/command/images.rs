//! Images: `lunette restore` and `lunette inspect`.

use super::{
    arguments::{Inspect, Restore},
    files::cannot,
    report::{Status, report},
    session::Session,
    translate::print,
};
use lunette::{Engine, Error, ImageReport, Result};
use std::{fmt::Write, fs::File, io::BufReader, path::Path};

fn open(path: &Path) -> Result<BufReader<File>> {
    File::open(path).map(BufReader::new).map_err(|error| cannot("open", path, &error))
}

/// `lunette restore`
pub fn restore(options: &Restore) -> Status {
    let session = open(&options.image).and_then(|image| Session::restore(&options.session, image));
    match session {
        Ok(mut session) => {
            let outcome = session.resume();
            session.finish(outcome)
        }
        Err(error) => report(&of_file(error, &options.image)),
    }
}

/// An error of an image with the name of its file.
fn of_file(error: Error, path: &Path) -> Error {
    match error {
        Error::Image(error) => Error::message(format_args!("{}: {error}", path.display())),
        error => error,
    }
}

/// `lunette inspect`
pub fn inspect(options: &Inspect) -> Status {
    let inspected = open(&options.image).and_then(|image| Engine::default().inspect(image));
    match inspected {
        Ok(image) => print(describe(&image).as_bytes()),
        Err(error) => report(&of_file(error, &options.image)),
    }
}

fn describe(image: &ImageReport) -> String {
    let mut text = String::new();
    let mut line = |what: &str, value: String| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{what:<18} {value}");
    };
    let compressed = if image.is_compressed { ", compressed" } else { "" };
    line("format", format!("version {}{compressed}", image.version));
    line("written by", image.producer.clone());
    line("size", format!("{} bytes, {} bytes of memory", image.bytes, image.memory));
    line("program", if image.is_running { "running".into() } else { "none running".into() });
    for (kind, count, bytes) in &image.objects {
        line(kind, format!("{count:>10} in {bytes} bytes"));
    }
    for (part, bytes) in &image.parts {
        line(part, format!("{:>10} in {bytes} bytes", ""));
    }
    for module in &image.modules {
        line("module", module.lines().next().unwrap_or_default().chars().take(80).collect());
    }
    for file in &image.files {
        line("open file", file.clone());
    }
    for (number, (status, traceback)) in image.threads.iter().enumerate() {
        line("thread", format!("{} ({status})\n{traceback}", number + 1));
    }
    text
}
