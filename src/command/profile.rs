//! `lunette profile`: runs a program, and tells which functions it has spent its time in.

use super::{
    NAME,
    arguments::Profiling,
    files::write,
    report::{Status, report, tell},
    session::Session,
};
use inferno::flamegraph;
use lunette::{Error, Result};
use std::{ffi::OsStr, path::Path};

/// Begins to take samples.
pub fn begin(session: &mut Session, options: &Profiling) -> Result<()> {
    session.tenant.start_profile(options.interval)
}

/// Writes what was found out, whatever came of the program.
pub fn end(session: &mut Session, options: &Profiling) -> Status {
    let profile = match session.tenant.take_profile() {
        Ok(profile) => profile,
        // It is said elsewhere why.
        Err(_) if session.tenant.has_ended() => return Status::Failure,
        Err(error) => return report(&error),
    };
    let written = content(&profile.folded(), &options.output).and_then(|content| write(&options.output, &content));
    if let Err(error) = written {
        return report(&error);
    }
    if options.output != Path::new("-") {
        tell(format_args!("{NAME}: {} samples in {}", profile.samples(), options.output.display()));
    }
    Status::Success
}

/// A flame graph if the file is one by its name, else the stacks as they are.
fn content(folded: &str, path: &Path) -> Result<Vec<u8>> {
    if path.extension() != Some(OsStr::new("svg")) {
        return Ok(folded.as_bytes().to_vec());
    }
    let mut options = flamegraph::Options::default();
    "lunette profile".clone_into(&mut options.title);
    // There is no picture of nothing.
    let lines = if folded.is_empty() { "nothing ran 1" } else { folded };
    let mut picture = Vec::new();
    flamegraph::from_lines(&mut options, lines.lines(), &mut picture)
        .map_err(|error| Error::message(error.to_string()))?;
    Ok(picture)
}
