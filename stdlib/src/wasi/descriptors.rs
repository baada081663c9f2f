//! Descriptors: the numbers by which programs know what is open.
//!
//! They lie in the region, so that images have them: a table of userdata that stand for streams of the host. It is made
//! when a program needs it first: the standard streams are 0 to 2, and the directories that are granted follow.
//!
//! ```text
//!   registry  _WASI: Userdata
//!     values: table of descriptors, number n at n + 1 | how many numbers there have been | how far it is prepared
//!             | what is added to the host's monotonic clock | what the program has seen of it
//!
//!   descriptor: Userdata
//!     handle: the host's stream
//!     values: rights | rights of what is opened from it | flags | kind | name of a granted directory
//! ```

use super::{
    call::{Call, PREPARING, Pause},
    errno::Errno,
    rights::{self, Rights},
};
use crate::library::{get_field, set_field};
use lunette_gc::{
    reference::Ref,
    table::Table,
    userdata::Userdata,
    value::{Slot, Value},
};
use lunette_interpreter::{
    Machine, Throw,
    host::{FileKind, Request, Response, Stream, Target},
};

/// Field of the registry.
const STATE: &str = "_WASI";

const TABLE: usize = 0;
const SIZE: usize = 1;
const STAGE: usize = 2;
const CLOCK_OFFSET: usize = 3;
const CLOCK_SEEN: usize = 4;
const STATE_VALUES: u32 = 5;

const BASE: usize = 0;
const INHERITING: usize = 1;
const FLAGS: usize = 2;
const KIND: usize = 3;
const NAME: usize = 4;
const DESCRIPTOR_VALUES: u32 = 5;

/// Number of the standard streams.
const STANDARD: u64 = 3;
/// All is prepared.
const PREPARED: u64 = u64::MAX;

/// The descriptors of the instance.
#[derive(Clone, Copy)]
pub(super) struct Descriptors {
    state: Ref<Userdata>,
    table: Ref<Table>,
}

/// A descriptor.
#[derive(Clone, Copy)]
pub(super) struct Descriptor(Ref<Userdata>);

/// What is known of a descriptor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Description {
    pub kind: FileKind,
    pub flags: u16,
    pub base: Rights,
    pub inheriting: Rights,
}

fn number(slot: Option<&Slot>) -> u64 {
    match slot.map(Slot::get) {
        Some(Value::Integer(value)) => value as u64,
        _ => 0,
    }
}

impl Descriptors {
    /// The descriptors, as far as they are prepared.
    pub fn find(machine: &Machine) -> Result<Descriptors, Throw> {
        let registry = machine.registry();
        if let Value::Userdata(state) = get_field(machine, registry, STATE)?
            && let [slot, ..] = machine.heap.user_values(state)
            && let Value::Table(table) = slot.get()
            && machine.heap.get(state).value_count >= STATE_VALUES
        {
            return Ok(Descriptors { state, table });
        }
        let table = machine.heap.new_table(8, 0)?;
        let state = machine.heap.new_userdata(0, STATE_VALUES)?;
        machine.heap.user_values(state)[TABLE].set(Value::Table(table));
        machine.heap.barrier(state);
        set_field(machine, registry, STATE, Value::Userdata(state))?;
        Ok(Descriptors { state, table })
    }

    /// The descriptors, after the host was asked for what there is from the start.
    pub fn prepared(machine: &mut Machine, call: &mut Call) -> Result<Descriptors, Pause> {
        let descriptors = Descriptors::find(machine)?;
        let mut response = if call.frame.phase() == PREPARING { machine.take_response() } else { None };
        loop {
            let stage = descriptors.get_state(machine, STAGE);
            if stage == PREPARED {
                if call.frame.phase() == PREPARING {
                    call.frame = call.frame.in_phase(0);
                }
                return Ok(descriptors);
            }
            let Some(answer) = response.take() else {
                let request = match stage {
                    standard if standard < STANDARD => Request::Status(Target::Open(Stream(standard as u32))),
                    granted => Request::OpenGranted((granted - STANDARD) as u32),
                };
                return call.ask(machine, PREPARING, request);
            };
            if let Err(throw) = descriptors.prepare(machine, stage, &answer) {
                machine.put_back_response(answer);
                return Err(throw.into());
            }
            let is_last = stage >= STANDARD && matches!(answer, Response::Failed(_));
            descriptors.set_state(machine, STAGE, if is_last { PREPARED } else { stage + 1 });
        }
    }

    fn prepare(self, machine: &Machine, stage: u64, answer: &Response) -> Result<(), Throw> {
        match answer {
            Response::Status(status) => {
                let description = standard(stage, status.kind);
                self.set(machine, stage as u32, Some(Descriptor::new(machine, Stream(stage as u32), description)?))
            }
            Response::Granted { directory, name } => {
                let description = Description {
                    kind: FileKind::Directory,
                    flags: 0,
                    base: rights::DIRECTORY,
                    inheriting: rights::INHERITED,
                };
                let name = machine.new_string(name)?;
                let descriptor = Descriptor::new(machine, *directory, description)?;
                machine.heap.user_values(descriptor.0)[NAME].set(Value::String(name));
                machine.heap.barrier(descriptor.0);
                self.set(machine, stage as u32, Some(descriptor))
            }
            _ => Ok(()),
        }
    }

    fn get_state(self, machine: &Machine, index: usize) -> u64 {
        number(machine.heap.user_values(self.state).get(index))
    }

    fn set_state(self, machine: &Machine, index: usize, value: u64) {
        machine.heap.user_values(self.state)[index].set(Value::Integer(value as i64));
    }

    /// The descriptor of a number.
    pub fn get(self, machine: &Machine, number: u32) -> Result<Descriptor, Errno> {
        match machine.heap.table_get_integer(self.table, i64::from(number) + 1) {
            Value::Userdata(descriptor) if machine.heap.get(descriptor).value_count >= DESCRIPTOR_VALUES => {
                Ok(Descriptor(descriptor))
            }
            _ => Err(Errno::BADF),
        }
    }

    /// Makes a number that of a descriptor, or of none.
    pub fn set(self, machine: &Machine, number: u32, descriptor: Option<Descriptor>) -> Result<(), Throw> {
        let value = descriptor.map_or(Value::Nil, |descriptor| Value::Userdata(descriptor.0));
        machine.raw_set(self.table, Value::Integer(i64::from(number) + 1), value)?;
        let size = self.get_state(machine, SIZE).max(u64::from(number) + 1);
        self.set_state(machine, SIZE, size);
        Ok(())
    }

    /// Makes a descriptor for a stream, and gives its number: the lowest that is free beyond those of the standard streams.
    pub fn add(self, machine: &Machine, stream: Stream, description: Description) -> Result<u32, Throw> {
        let end = self.get_state(machine, SIZE).max(STANDARD).min(u32::MAX.into()) as u32;
        let free = (STANDARD as u32..end).find(|&number| self.get(machine, number).is_err()).unwrap_or(end);
        machine.spend(u64::from(free));
        self.set(machine, free, Some(Descriptor::new(machine, stream, description)?))?;
        Ok(free)
    }

    /// The program's monotonic clock, of which the host's shows this: it goes on where an image was restored.
    pub fn monotonic(self, machine: &Machine, host: u64) -> u64 {
        let seen = self.get_state(machine, CLOCK_SEEN);
        let time = host.saturating_add(self.get_state(machine, CLOCK_OFFSET));
        if time < seen {
            self.set_state(machine, CLOCK_OFFSET, seen - host);
            return seen;
        }
        self.set_state(machine, CLOCK_SEEN, time);
        time
    }
}

/// What is known of a standard stream of this kind.
fn standard(number: u64, kind: FileKind) -> Description {
    let applying =
        if kind == FileKind::Regular { rights::STREAM | rights::FD_SEEK | rights::FD_TELL } else { rights::STREAM };
    let other = if number == 0 { rights::FD_WRITE | rights::FD_DATASYNC | rights::FD_SYNC } else { rights::FD_READ };
    Description { kind, flags: 0, base: applying & !other & !rights::FD_FILESTAT_SET_TIMES, inheriting: 0 }
}

impl Descriptor {
    fn new(machine: &Machine, stream: Stream, description: Description) -> Result<Descriptor, Throw> {
        let descriptor = Descriptor(machine.heap.new_userdata(0, DESCRIPTOR_VALUES)?);
        machine.heap.get(descriptor.0).set_stream(Some(stream.0));
        descriptor.set_number(machine, KIND, description.kind as u64);
        descriptor.set_number(machine, FLAGS, description.flags.into());
        descriptor.set_rights(machine, description.base, description.inheriting);
        Ok(descriptor)
    }

    fn number(self, machine: &Machine, index: usize) -> u64 {
        number(machine.heap.user_values(self.0).get(index))
    }

    fn set_number(self, machine: &Machine, index: usize, value: u64) {
        machine.heap.user_values(self.0)[index].set(Value::Integer(value as i64));
    }

    /// The host's stream.
    pub fn stream(self, machine: &Machine) -> Result<Stream, Errno> {
        machine.heap.get(self.0).stream().map(Stream).ok_or(Errno::BADF)
    }

    /// The stream to close with the descriptor: those that others use too are not closed.
    pub fn own_stream(self, machine: &Machine) -> Option<Stream> {
        self.stream(machine).ok().filter(|stream| stream.0 > Stream::ERROR.0)
    }

    /// What is known of it.
    pub fn description(self, machine: &Machine) -> Description {
        const KINDS: [FileKind; 8] = [
            FileKind::Unknown,
            FileKind::BlockDevice,
            FileKind::CharacterDevice,
            FileKind::Directory,
            FileKind::Regular,
            FileKind::Pipe,
            FileKind::Socket,
            FileKind::SymbolicLink,
        ];
        Description {
            kind: KINDS.get(self.number(machine, KIND) as usize).copied().unwrap_or_default(),
            flags: self.number(machine, FLAGS) as u16,
            base: self.number(machine, BASE),
            inheriting: self.number(machine, INHERITING),
        }
    }

    /// Fails if rights are missing.
    pub fn check_rights(self, machine: &Machine, rights: Rights) -> Result<(), Errno> {
        if rights & !self.number(machine, BASE) == 0 { Ok(()) } else { Err(Errno::NOTCAPABLE) }
    }

    /// Fails if it is no directory.
    pub fn check_directory(self, machine: &Machine) -> Result<(), Errno> {
        if self.description(machine).kind == FileKind::Directory { Ok(()) } else { Err(Errno::NOTDIR) }
    }

    /// Sets its rights.
    pub fn set_rights(self, machine: &Machine, base: Rights, inheriting: Rights) {
        self.set_number(machine, BASE, base);
        self.set_number(machine, INHERITING, inheriting);
    }

    /// Sets its flags.
    pub fn set_flags(self, machine: &Machine, flags: u16) {
        self.set_number(machine, FLAGS, flags.into());
    }

    /// The name of the directory, if it is one that was granted.
    pub fn granted_name(self, machine: &Machine) -> Option<&[u8]> {
        match machine.heap.user_values(self.0).get(NAME).map(Slot::get) {
            Some(Value::String(name)) => Some(machine.bytes(name)),
            _ => None,
        }
    }
}
