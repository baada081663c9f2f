//! Instances of the process that go on in another one, as they lie in memory.

use super::{Instance, State, new_process};
use crate::{
    context::{AsContext, Context},
    engine::Configuration,
    error::{Error, Result},
    handle::forget_claims,
    host::{NewRegion, OpenStreams, Process, Streams},
    raw::{Arriving, Memory, Origin, Pages, build},
    tenant::Tenant,
};
use lunette_interpreter::{Machine, image::ObjectName, transfer::MachineState};
use lunette_pages::{Batch, WrittenPages};
use serde::{Deserialize, Serialize};
use std::{any::Any, iter};

/// What an instance is beside its region.
#[derive(Serialize, Deserialize)]
struct Rest {
    machine: MachineState,
    streams: OpenStreams,
    /// Functions of the host: numbers and registered names.
    functions: Vec<(u64, String)>,
}

impl Context<'_> {
    fn process(&mut self) -> &mut Process {
        let host: &mut dyn Any = &mut *self.machine.host;
        match host.downcast_mut() {
            Some(process) => process,
            None => unreachable!("the home of an instance of the process is the process"),
        }
    }

    /// Whether the instance can leave as it lies in memory.
    pub(crate) fn can_leave(&mut self) -> bool {
        WrittenPages::is_available() && build().is_some() && self.named_functions().is_ok()
    }

    /// The functions of the host, which must all have names.
    fn named_functions(&mut self) -> Result<Vec<(u64, String)>> {
        let names = self.state().object_names().into_iter();
        let named = names.map(|(number, name)| match name {
            ObjectName::Registered(name) => Ok((number, String::from_utf8_lossy(&name).into_owned())),
            _ => Err(Error::message("an object of the host has no registered name")),
        });
        let mut named = named.collect::<Result<Vec<_>>>()?;
        named.sort();
        Ok(named)
    }
}

impl Memory for Context<'_> {
    fn origin(&self) -> Option<Origin> {
        let (_, bytes) = self.machine.heap.region();
        let limit = self.machine.heap.memory_limit();
        Some(Origin::Process { build: *build()?, region: bytes as u64, limit })
    }

    fn set_leaving(&mut self, is_leaving: bool) -> Result<()> {
        let (base, bytes) = self.machine.heap.region();
        if !is_leaving {
            self.process().end_leaving();
            return Ok(());
        }
        // What cannot be had elsewhere need not be tried.
        self.process().open_streams()?;
        self.process().begin_leaving(base.as_ptr() as u64, bytes as u64)
    }

    fn take_pages(&mut self, most: u64) -> Result<Pages> {
        let places = self.machine.heap.used_places();
        let touched = iter::once(0..self.machine.heap.touched_bytes()).chain(places);
        let touched: Vec<_> = touched.map(|range| range.start as u64..range.end as u64).collect();
        let (ranges, left, sweeps) = self.process().take_changes(&touched, most)?;
        let mut batch = Batch::default();
        for range in ranges {
            batch.add(range, |offset, bytes| {
                self.machine.heap.copy_region(offset as usize, bytes);
                Ok::<(), Error>(())
            })?;
        }
        Ok(Pages { batch, left, sweeps })
    }

    fn rest(&mut self) -> Result<Vec<u8>> {
        // What was written belongs to the time before.
        self.flush()?;
        lunette_stdlib::flush_files_from_host(self.machine);
        let functions = self.named_functions()?;
        let streams = self.process().open_streams()?;
        let machine = self.machine.leave_state();
        postcard::to_stdvec(&Rest { machine, streams, functions }).map_err(Error::external)
    }

    fn forget(&mut self) {
        self.process().end_leaving();
        self.state().is_closed = true;
    }
}

/// An instance that arrives.
struct Arrival {
    configuration: Configuration,
    streams: Option<Streams>,
    region: Option<NewRegion>,
    instance: Option<Instance>,
}

/// Prepares for an instance of this build with a region of this size.
pub(crate) fn arrive(
    configuration: &Configuration,
    region: u64,
    limit: u64,
    streams: Streams,
) -> Result<Box<dyn Arriving>> {
    if let Some(most) = configuration.memory_limit
        && limit > most
    {
        return Err(Error::message(format_args!(
            "the program may use {limit} bytes of memory, and here it may have {most}"
        )));
    }
    let region = usize::try_from(region).ok().and_then(NewRegion::reserve).ok_or(Error::Reservation)?;
    let configuration = configuration.clone();
    Ok(Box::new(Arrival { configuration, streams: Some(streams), region: Some(region), instance: None }))
}

/// Gives the instance the functions of the host that it had.
fn connect_functions(state: &mut State, functions: Vec<(u64, String)>) -> Result<()> {
    for (number, name) in functions {
        let function = state.host_functions.find(&name);
        let function = function
            .ok_or_else(|| Error::message(format_args!("no function of the host is registered as '{name}' here")))?;
        state.objects.insert_at(number, function).ok_or_else(malformed)?;
    }
    Ok(())
}

fn malformed() -> Error {
    Error::message("the other end sends what nobody understands")
}

impl Arriving for Arrival {
    fn place(&mut self, batch: Batch) -> Result<()> {
        let region = self.region.as_mut().ok_or_else(malformed)?;
        for (run, content) in batch.parts().map_err(Error::external)? {
            region.write(run.start..run.start + run.bytes, content).ok_or_else(malformed)?;
        }
        Ok(())
    }

    fn complete(&mut self, rest: &[u8]) -> Result<()> {
        let (Some(region), Some(streams)) = (self.region.take(), self.streams.take()) else { return Err(malformed()) };
        let Rest { machine: state, streams: open, functions } = postcard::from_bytes(rest).map_err(|_| malformed())?;
        let mut process = new_process(&self.configuration, streams)?;
        process.reopen_streams(&open)?;
        // SAFETY: the pages come from one who knows the key and has the same build, and is trusted to send those of a
        // heap.
        let heap = unsafe { region.into_heap() }.ok_or_else(malformed)?;
        let machine = Machine::arrive(Box::new(process), heap, &state).ok_or_else(malformed)?;
        let mut instance = Instance::of_machine(&self.configuration, machine);
        forget_claims(instance.machine());
        let instance = self.instance.insert(instance);
        let connected = connect_functions(instance.as_context().state(), functions);
        if connected.is_err() {
            // Nothing of it may run.
            instance.abandon();
        }
        connected
    }

    fn into_tenant(self: Box<Self>) -> Tenant {
        match self.instance {
            Some(instance) => instance.into(),
            None => unreachable!("it is complete before it is wanted"),
        }
    }
}
