//! A program that leaves this process for another one.

use super::{NAME, address::Stream, control::conclude, report::tell, snapshot::write_file};
use lunette::{AfterSnapshot, Departing, Departure, MigrationKey, MigrationReport, Result, Snapshot, SnapshotHandle};
use std::{
    ffi::OsString,
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// A program that leaves this process.
pub struct Leaving {
    departure: Departure<Stream>,
    address: OsString,
    image: PathBuf,
    /// To whoever has asked, until they were told how it ended.
    stream: Option<UnixStream>,
    /// Set if nobody knows whether it runs elsewhere.
    is_uncertain: Arc<AtomicBool>,
}

impl Leaving {
    /// Begins.
    pub fn begin(
        handle: SnapshotHandle,
        address: OsString,
        key: &[u8],
        image: PathBuf,
        stream: UnixStream,
        is_uncertain: Arc<AtomicBool>,
    ) -> Result<Leaving> {
        let key = MigrationKey::new(key)?;
        let target = address.clone();
        let departure = Departure::begin(handle, move || Stream::connect(&target), &key);
        Ok(Leaving { departure, address, image, stream: Some(stream), is_uncertain })
    }

    /// Goes on with it at a snapshot; `None` when it is over and the program stays.
    pub fn attend(mut self, snapshot: &mut Snapshot<'_>) -> (AfterSnapshot, Option<Leaving>) {
        let outcome = match self.departure.attend(snapshot) {
            Ok(Departing::Underway) => return (AfterSnapshot::GoOn, Some(self)),
            Ok(Departing::Gone(report)) => Ok(describe(&report)),
            Ok(Departing::Unknown(reason)) => Err(self.keep(snapshot, &reason)),
            Err(error) => {
                let message = format!("the program goes on here: {error}");
                self.conclude(Err(&message));
                return (AfterSnapshot::GoOn, None);
            }
        };
        let address = self.address.display();
        match &outcome {
            Ok(_) => tell(format_args!("{NAME}: the program goes on at {address}")),
            Err(message) => tell(format_args!("{NAME}: {message}")),
        }
        self.conclude(outcome.as_deref().map_err(String::as_str));
        (AfterSnapshot::Stop, None)
    }

    fn conclude(&mut self, outcome: Result<&str, &str>) {
        if let Some(mut stream) = self.stream.take() {
            // Whoever has asked may be gone; then nobody needs to know.
            let _ = conclude(&mut stream, outcome);
        }
    }

    /// Keeps a program that was given away without a word that it was taken.
    fn keep(&self, snapshot: &mut Snapshot<'_>, reason: &str) -> String {
        self.is_uncertain.store(true, Ordering::Release);
        let (address, image) = (self.address.display(), self.image.display());
        let begin = format!("it is not known whether the program goes on at {address} ({reason}); it is stopped here");
        match write_file(snapshot, &self.image, false) {
            Ok(()) => format!("{begin}. If it does not run there: lunette restore {image}"),
            Err(error) => format!("{begin}, and could not be kept: {error}"),
        }
    }
}

fn describe(report: &MigrationReport) -> String {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    format!(
        "moved in {:.0} ms, of which the program stood still for {:.1} ms; {} bytes",
        milliseconds(report.duration),
        milliseconds(report.downtime),
        report.bytes
    )
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.conclude(Err("the program ended before it could move"));
    }
}
