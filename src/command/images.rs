//! Images: `lunette restore`, `lunette inspect`, and where running programs leave theirs.

use super::{
    arguments::{Inspect, Restore, Session as Options},
    control,
    report::{Status, report},
    session::{Session, cannot},
    translate::print,
};
use lunette::{AfterSnapshot, Engine, Error, ImageReport, Result, Snapshot, SnapshotCause, Tenant};
use std::{
    fmt::Write,
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
    process,
};

/// Sees to the snapshots that a program, or somebody else, asks for.
pub fn keep(tenant: &mut Tenant, options: &Options) {
    let (path, compress) = (options.snapshot_to.clone(), options.compress);
    tenant.on_snapshot(move |snapshot| match (snapshot.cause(), &path) {
        (SnapshotCause::Request, _) => control::send(snapshot),
        (_, Some(path)) => write_file(snapshot, path, compress).map(|()| AfterSnapshot::GoOn),
        (_, None) => Err(Error::message("no file for snapshots was named: lunette run --snapshot-to FILE")),
    });
}

/// Writes an image beside the file, and puts it in its place when it is whole.
fn write_file(snapshot: &mut Snapshot<'_>, path: &Path, compress: bool) -> Result<()> {
    let temporary = temporary_beside(path);
    let write = |snapshot: &mut Snapshot<'_>| {
        let file = File::create(&temporary).map_err(|error| cannot("write", &temporary, &error))?;
        if compress {
            snapshot.write_compressed(&file)?
        } else {
            snapshot.write(&file)?
        }
        file.sync_all().map_err(|error| cannot("write", &temporary, &error))?;
        fs::rename(&temporary, path).map_err(|error| cannot("write", path, &error))
    };
    write(snapshot).inspect_err(|_| {
        // It may never have been made.
        let _ = fs::remove_file(&temporary);
    })
}

/// A name beside the file's that no other process uses.
pub fn temporary_beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", process::id()));
    path.with_file_name(name)
}

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
