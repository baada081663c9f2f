//! Partitions that go on in another process, as they lie in memory.

use super::{Guest, Home, Offered, Partition, functions::Functions, memory, unavailable, values::ended};
use crate::{
    callback::HostFunctions,
    engine::Configuration,
    error::{Error, Result},
    host::{OpenStreams, Streams},
    raw::{Arriving, Memory, Origin, Pages},
    tenant::Tenant,
};
use lunette_hw_bridge::{self as bridge, End, Session, SessionState, State, Transfer};
use lunette_pages::Batch;
use serde::{Deserialize, Serialize};

/// What a partition is beside its memory.
#[derive(Serialize, Deserialize)]
struct Rest {
    state: State,
    session: SessionState,
    streams: OpenStreams,
    /// The names of the first functions of the host.
    functions: Vec<String>,
}

impl Guest {
    fn transfer(&mut self) -> &mut dyn Transfer {
        match self {
            Guest::Local(guest) => guest.as_mut(),
            Guest::Remote(guest) => guest.as_mut(),
        }
    }
}

impl Transfer for Guest {
    fn set_leaving(&mut self, is_leaving: bool) -> std::result::Result<(), End> {
        self.transfer().set_leaving(is_leaving)
    }

    fn take_pages(&mut self, most: u64) -> std::result::Result<bridge::Pages, End> {
        self.transfer().take_pages(most)
    }

    fn state(&mut self) -> std::result::Result<bridge::State, End> {
        self.transfer().state()
    }

    fn place(&mut self, batch: bridge::Batch) -> std::result::Result<(), End> {
        self.transfer().place(batch)
    }

    fn set_state(&mut self, state: bridge::State) -> std::result::Result<(), End> {
        self.transfer().set_state(state)
    }
}

impl Offered<'_> {
    /// Whether the guest can leave as it lies in memory: not if it knows functions that only this process does.
    pub(crate) fn can_leave(&self) -> bool {
        !self.owner.functions.has_unnamed()
    }

    /// What came of something that the connection did.
    fn settle<T>(&mut self, outcome: std::result::Result<T, End>) -> Result<T> {
        outcome.map_err(|end| {
            *self.end = Some(end.clone());
            ended(end)
        })
    }
}

impl Memory for Offered<'_> {
    fn origin(&self) -> Option<Origin> {
        Some(Origin::Partition { build: *bridge::BUILD, memory: self.memory })
    }

    fn set_leaving(&mut self, is_leaving: bool) -> Result<()> {
        if is_leaving {
            // What cannot be had elsewhere need not be tried.
            self.owner.process.open_streams()?;
        }
        let outcome = self.session.connection().set_leaving(is_leaving);
        self.settle(outcome)
    }

    fn take_pages(&mut self, most: u64) -> Result<Pages> {
        let outcome = self.session.connection().take_pages(most);
        let bridge::Pages { batch, left, sweeps } = self.settle(outcome)?;
        Ok(Pages { batch, left, sweeps })
    }

    fn rest(&mut self) -> Result<Vec<u8>> {
        let streams = self.owner.process.open_streams()?;
        let outcome = self.session.connection().state();
        let state = self.settle(outcome)?;
        let functions = self.owner.functions.names().to_vec();
        let rest = Rest { state, session: self.session.state(), streams, functions };
        postcard::to_stdvec(&rest).map_err(Error::external)
    }

    fn forget(&mut self) {
        *self.is_gone = true;
    }
}

/// A partition whose guest arrives.
struct Arrival {
    guest: Guest,
    home: Home,
    host_functions: HostFunctions,
    memory: u64,
    /// When all of it is there.
    session: Option<SessionState>,
}

/// Prepares for a guest of this build whose partition may have so much memory.
pub(crate) fn arrive(configuration: &Configuration, needed: u64, streams: Streams) -> Result<Box<dyn Arriving>> {
    let most = memory(configuration);
    if needed > most {
        return Err(Error::message(format_args!(
            "the program may use {needed} bytes of memory in its partition, and here it may have {most}"
        )));
    }
    let guest = Guest::with_memory(configuration, needed).map_err(unavailable)?;
    Ok(Box::new(Arrival {
        guest,
        home: Home::new(configuration, streams),
        host_functions: configuration.host_functions.clone(),
        memory: needed,
        session: None,
    }))
}

impl Arriving for Arrival {
    fn place(&mut self, batch: Batch) -> Result<()> {
        self.guest.place(batch).map_err(ended)
    }

    fn complete(&mut self, rest: &[u8]) -> Result<()> {
        let Rest { state, session, streams, functions } =
            postcard::from_bytes(rest).map_err(|_| Error::message("the other end sends what nobody understands"))?;
        self.guest.set_state(state).map_err(ended)?;
        self.home.functions = Functions::named(&self.host_functions, functions)?;
        self.home.process.reopen_streams(&streams)?;
        self.session = Some(session);
        Ok(())
    }

    fn into_tenant(self: Box<Self>) -> Tenant {
        let Arrival { guest, home, memory, session, .. } = *self;
        let Some(session) = session else { unreachable!("it is complete before it is wanted") };
        let session = Session::arrive(guest, session);
        let mut partition = Partition::of(session, home, memory);
        partition.has_arrived = true;
        Tenant::isolated(partition)
    }
}
