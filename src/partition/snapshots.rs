//! Snapshots of partitions: offered by programs that run, or taken of instances that are idle.

use super::{
    Guest, Home, Partition,
    values::{ended, image_error},
};
use crate::{
    error::Result,
    snapshot::{AfterSnapshot, Snapshot, SnapshotCause, WriteSink},
};
use lunette_hw_bridge::{
    End, Event, Session,
    message::{After, Cause, Command},
};
use lunette_interpreter::image::Sink;
use std::{
    fmt,
    io::Write,
    sync::{Arc, atomic::AtomicBool},
};

/// Who decides about snapshots.
pub(super) type Keeper = Box<dyn FnMut(&mut Snapshot<'_>) -> Result<AfterSnapshot> + Send>;

impl Partition {
    /// Lets the keeper decide about a snapshot. `None` if the guest runs elsewhere now.
    pub(super) fn offer(&mut self, cause: Cause) -> std::result::Result<Option<After>, End> {
        let refused = |message: &str| Ok(Some(After::Refused(message.to_owned())));
        let Some(mut keeper) = self.keeper.take() else { return refused("nobody keeps snapshots") };
        let Some(session) = &mut self.session else { return refused("the partition has ended") };
        let cause = match cause {
            Cause::Program => SnapshotCause::Program,
            Cause::Request => SnapshotCause::Request,
            Cause::Interval => SnapshotCause::Interval,
        };
        let (mut end, mut is_gone) = (None, false);
        let mut offered =
            Offered { session, owner: &mut self.owner, memory: self.memory, end: &mut end, is_gone: &mut is_gone };
        let mut snapshot = Snapshot::of_partition(&mut offered, cause);
        let kept = keeper(&mut snapshot);
        let kept = if snapshot.is_given_away() { Ok(AfterSnapshot::Stop) } else { kept };
        self.keeper = Some(keeper);
        match (end, kept) {
            (Some(end), _) => Err(end),
            _ if is_gone => Ok(None),
            (None, Ok(AfterSnapshot::GoOn)) => Ok(Some(After::Taken)),
            (None, Ok(AfterSnapshot::Stop)) => Ok(Some(After::Stop)),
            (None, Err(error)) => Ok(Some(After::Refused(error.to_string()))),
        }
    }

    pub fn on_snapshot(&mut self, keeper: Keeper) {
        self.keeper = Some(keeper);
    }

    pub fn snapshot_flag(&self) -> Arc<AtomicBool> {
        self.owner.snapshot.clone()
    }

    /// Writes the image of the instance, which is idle.
    pub fn snapshot(&mut self, sink: impl Write) -> Result<()> {
        let (session, owner) = self.session()?;
        let mut sink = WriteSink::new(sink, false);
        let mut written = Ok(());
        let event = match session.obey(Command::Snapshot, owner) {
            Ok(Event::Offer(_)) => session.write_image(false, owner, &mut sink).and_then(|outcome| {
                written = outcome.map_err(image_error);
                session.go_on(After::Taken, owner)
            }),
            event => event,
        };
        self.attend(event)?;
        sink.finish_after(written)
    }
}

/// A snapshot that a partition offers.
pub(crate) struct Offered<'p> {
    pub(super) session: &'p mut Session<Guest>,
    pub(super) owner: &'p mut Home,
    /// The most memory of the partition beyond what it starts with.
    #[cfg_attr(not(feature = "migration"), expect(dead_code, reason = "for migrations"))]
    pub(super) memory: u64,
    /// How the partition ended meanwhile.
    pub(super) end: &'p mut Option<End>,
    /// Whether the guest runs elsewhere now.
    pub(super) is_gone: &'p mut bool,
}

impl fmt::Debug for Offered<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Offered").field("is_gone", &self.is_gone).finish_non_exhaustive()
    }
}

impl Offered<'_> {
    /// Writes the image.
    pub fn write(&mut self, is_compressed: bool, sink: &mut dyn Sink) -> Result<()> {
        match self.session.write_image(is_compressed, self.owner, sink) {
            Ok(written) => written.map_err(image_error),
            Err(end) => {
                let error = ended(end.clone());
                *self.end = Some(end);
                Err(error)
            }
        }
    }
}
