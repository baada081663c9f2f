//! A call of a function: its parameters, its locals, and what it waits for.
//!
//! A function runs from its beginning each time it is called again, up to what it waited for: what has an answer by then
//! goes on, and what has none asks. So it reads as if it did not wait.

use super::{
    descriptors::{Descriptor, Descriptors},
    errno::Errno,
    memory::{GuestMemory, caller_memory},
    rights::Rights,
};
use alloc::vec::Vec;
use lunette_gc::{heap::OutOfMemory, value::Value};
use lunette_interpreter::{
    Frame, Machine, NativeResult, Step, Throw,
    host::{Request, Response, Stream},
};

/// Number of locals of each function.
pub(super) const LOCALS: u32 = 4;
/// The descriptors are being prepared.
pub(super) const PREPARING: u32 = 1;
/// Output of the Lua library is given to the host first.
pub(super) const FLUSHING: u32 = 2;
/// The host has been asked for what the function is for.
pub(super) const ASKED: u32 = 3;

/// The longest path.
const LONGEST_PATH: u32 = 4096;

/// Which version of the interface is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `wasi_snapshot_preview1`
    Preview1,
    /// `wasi_unstable`
    Unstable,
}

/// Why a function does not go on.
pub(super) enum Pause {
    /// It fails.
    Errno(Errno),
    /// It waits.
    Step(Step),
    /// The machine cannot go on with it.
    Throw(Throw),
}

impl From<Errno> for Pause {
    fn from(errno: Errno) -> Pause {
        Pause::Errno(errno)
    }
}

impl From<Throw> for Pause {
    fn from(throw: Throw) -> Pause {
        Pause::Throw(throw)
    }
}

impl From<OutOfMemory> for Pause {
    fn from(error: OutOfMemory) -> Pause {
        Pause::Throw(error.into())
    }
}

/// What comes of a call.
pub(super) type Outcome = Result<(), Pause>;

/// A call.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub frame: Frame,
    pub version: Version,
}

impl Call {
    /// Runs a function.
    pub fn run(self, machine: &mut Machine, function: fn(&mut Machine, Call) -> Outcome) -> NativeResult {
        let errno = match function(machine, self) {
            Ok(()) => Errno::SUCCESS,
            Err(Pause::Errno(errno)) => errno,
            Err(Pause::Step(step)) => return Ok(step),
            Err(Pause::Throw(throw)) => return Err(throw),
        };
        self.frame.return_one(machine, Value::Integer(errno.0.into()))
    }

    /// A parameter of 64 bits.
    pub fn long(self, machine: &Machine, index: u32) -> u64 {
        match self.frame.argument(machine, index) {
            Some(Value::Integer(value)) => value as u64,
            _ => 0,
        }
    }

    /// A parameter of 32 bits.
    pub fn int(self, machine: &Machine, index: u32) -> u32 {
        self.long(machine, index) as u32
    }

    /// A parameter that is an address.
    pub fn address(self, machine: &Machine, index: u32) -> u64 {
        self.int(machine, index).into()
    }

    /// A local; 0 at first.
    pub fn local(self, machine: &Machine, index: u32) -> u64 {
        match self.frame.local(machine, index) {
            Value::Integer(value) => value as u64,
            _ => 0,
        }
    }

    /// Sets a local.
    pub fn set_local(self, machine: &Machine, index: u32, value: u64) {
        self.frame.set_local(machine, index, Value::Integer(value as i64));
    }

    /// The memory of the caller.
    pub fn memory(self, machine: &Machine) -> Result<impl GuestMemory + '_, Errno> {
        caller_memory(machine)
    }

    /// The path that two parameters from `index` on are address and length of.
    pub fn path(self, machine: &mut Machine, index: u32) -> Result<Vec<u8>, Pause> {
        let (address, length) = (self.address(machine, index), self.int(machine, index + 1));
        if length > LONGEST_PATH {
            return Err(Errno::NAMETOOLONG.into());
        }
        let path = self.memory(machine)?.bytes(address, length as usize)?;
        machine.charge(u64::from(length) / 16)?;
        if path.contains(&0) { Err(Errno::INVAL.into()) } else { Ok(path) }
    }

    /// The open descriptor that a parameter is the number of, which has these rights.
    pub fn descriptor(&mut self, machine: &mut Machine, index: u32, rights: Rights) -> Result<Descriptor, Pause> {
        let descriptors = Descriptors::prepared(machine, self)?;
        let descriptor = descriptors.get(machine, self.int(machine, index))?;
        descriptor.check_rights(machine, rights)?;
        Ok(descriptor)
    }

    /// The stream of the open directory that a parameter is the number of, which has these rights.
    pub fn directory(&mut self, machine: &mut Machine, index: u32, rights: Rights) -> Result<Stream, Pause> {
        let descriptor = self.descriptor(machine, index, 0)?;
        descriptor.check_directory(machine)?;
        descriptor.check_rights(machine, rights)?;
        Ok(descriptor.stream(machine)?)
    }

    /// Asks the host.
    pub fn ask<T>(self, machine: &mut Machine, phase: u32, request: Request<'_>) -> Result<T, Pause> {
        Err(Pause::Step(self.frame.ask(machine, phase, request)?))
    }

    /// The host's answer, if there is one.
    pub fn response(self, machine: &mut Machine) -> Option<Result<Response, Errno>> {
        machine.take_response().map(|response| match response {
            Response::Failed(error) => Err(Errno::from(&error)),
            response => Ok(response),
        })
    }

    /// What the host answers to the only request of a function.
    pub fn answer(self, machine: &mut Machine, request: Request<'_>) -> Result<Response, Pause> {
        match self.response(machine) {
            Some(answer) => Ok(answer?),
            None => self.ask(machine, ASKED, request),
        }
    }

    /// Asks the only request of a function, and takes any answer for success.
    pub fn done(self, machine: &mut Machine, request: Request<'_>) -> Outcome {
        self.answer(machine, request).map(|_| ())
    }
}
