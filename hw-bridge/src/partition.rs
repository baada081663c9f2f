//! A partition: a virtual machine with one processor and nothing but the guest image in it.

use crate::{
    cpu::{self, ExceptionFrame},
    error::{End, Error},
    image::Image,
    limits::processor_time,
    memory::Memory,
    probe::KVM_VERSION,
    state::State,
    template::Template,
};
use kvm_bindings::{CpuId, KVM_MAX_CPUID_ENTRIES, kvm_regs, kvm_sregs};
use kvm_ioctls::{Kvm, VcpuExit, VcpuFd, VmFd};
use lunette_hw_interface::{
    channel::{
        Channel, DISCARD, EXCEPTION, EXCEPTIONS, GUARD, MOST_SENT, PANIC, PREPARE, RECEIVE_PART, REPORT, SEND,
        SEND_PART, UNGUARD,
    },
    layout::{CHANNEL, IMAGE, IMAGE_END, INBOX, INBOX_BYTES, OUTBOX, PAGE_BYTES, STUB_STACK, TABLES},
    message::MOST_COST,
};
use lunette_pages::Batch;
use std::{mem::offset_of, time::Duration};
use vm_memory::ReadVolatile;

/// Bits of a page fault's code: there is a page, or an instruction was to be fetched.
const NOT_DATA: u64 = 1 | 1 << 4;

/// Why the guest came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Its outbox holds messages, of which the last wants an answer.
    Send,
    /// Its outbox holds a part of messages.
    SendPart,
    /// It wants the next part of the answer.
    ReceivePart,
    /// It says what was running, after it broke.
    Report(Vec<u8>),
    /// A signal came, or it was served with memory: time has passed.
    Signal,
}

/// A partition.
#[derive(Debug)]
pub struct Partition {
    // Dropped in this order: KVM forgets the memory before it goes.
    processor: VcpuFd,
    vm: VmFd,
    memory: Memory,
    system_registers: kvm_sregs,
    /// How often the guest came out.
    exits: u64,
    /// Processor time that the guest has taken.
    time: Duration,
}

/// KVM, opened.
#[derive(Debug)]
pub struct Hypervisor {
    kvm: Kvm,
    /// What processors say of themselves, which takes long to ask for.
    features: CpuId,
}

/// The most that a message may cost which comes from a partition with so much memory: one that cost more would not have
/// found room in the guest, which has it as bytes and taken apart.
pub fn most_message(memory_limit: u64) -> usize {
    usize::try_from(memory_limit).unwrap_or(usize::MAX).min(MOST_COST)
}

impl Hypervisor {
    /// Opens KVM.
    ///
    /// # Errors
    /// There is none, or it may not be used, or the processor is too old.
    pub fn open() -> Result<Hypervisor, Error> {
        if !(is_x86_feature_detected!("sse4.2") && is_x86_feature_detected!("popcnt")) {
            return Err(Error::Processor);
        }
        let kvm = Kvm::new().map_err(|error| {
            let reason = std::io::Error::from_raw_os_error(error.errno()).to_string();
            let reason = reason.split(" (os error").next().unwrap_or_default().to_owned();
            Error::Unavailable { reason, number: error.errno() }
        })?;
        if kvm.get_api_version() != KVM_VERSION {
            return Err(Error::Unavailable { reason: "it is not KVM's".to_owned(), number: libc::ENODEV });
        }
        let features = kvm.get_supported_cpuid(KVM_MAX_CPUID_ENTRIES);
        let features = features.map_err(Error::kvm("tell the processor's features"))?;
        Ok(Hypervisor { kvm, features })
    }

    /// KVM itself.
    pub(crate) fn kvm(&self) -> &Kvm {
        &self.kvm
    }

    fn new_machine(&self) -> Result<VmFd, Error> {
        self.kvm.create_vm().map_err(Error::kvm("create a virtual machine"))
    }

    fn new_processor(&self, vm: &VmFd) -> Result<VcpuFd, Error> {
        let processor = vm.create_vcpu(0).map_err(Error::kvm("create a processor"))?;
        processor.set_cpuid2(&self.features).map_err(Error::kvm("set the processor's features"))?;
        Ok(processor)
    }
}

impl Partition {
    /// Makes a partition that will start at the beginning of the image. `memory_limit` is the most memory it can get
    /// beyond what it starts with.
    ///
    /// # Errors
    /// KVM or the host's memory do not allow it.
    pub fn new(hypervisor: &Hypervisor, image: &Image, memory_limit: u64) -> Result<Partition, Error> {
        let vm = hypervisor.new_machine()?;
        let memory = Memory::new(&vm, image, memory_limit)?;
        let processor = hypervisor.new_processor(&vm)?;
        let new = processor.get_sregs().map_err(Error::kvm("read registers"))?;
        let system_registers = cpu::system_registers(new, TABLES);
        processor.set_sregs(&system_registers).map_err(Error::kvm("set registers"))?;
        processor.set_regs(&cpu::start_registers(image.entry)).map_err(Error::kvm("set registers"))?;
        let frequency = processor.get_tsc_khz().map_err(Error::kvm("tell the frequency of its clock"))?;
        let partition = Partition { processor, vm, memory, system_registers, exits: 0, time: Duration::ZERO };
        partition.set_shared(offset_of!(Channel, counter_khz), u64::from(frequency))?;
        partition.set_shared(offset_of!(Channel, most_message), partition.most_message() as u64)?;
        partition.set_shared(offset_of!(Channel, outbox_start), OUTBOX)?;
        partition.set_shared(offset_of!(Channel, inbox_start), INBOX)?;
        partition.set_shared(offset_of!(Channel, inbox_room), INBOX_BYTES as u64)?;
        Ok(partition)
    }

    /// Makes a partition that goes on where the template was: it waits for a message.
    ///
    /// # Errors
    /// KVM or the host's memory do not allow it.
    pub fn clone_of(hypervisor: &Hypervisor, template: &Template, memory_limit: u64) -> Result<Partition, Error> {
        let vm = hypervisor.new_machine()?;
        let memory = Memory::thaw(&vm, template, memory_limit)?;
        let processor = hypervisor.new_processor(&vm)?;
        let new = processor.get_sregs().map_err(Error::kvm("read registers"))?;
        let system_registers = cpu::system_registers(new, TABLES);
        let frequency = processor.get_tsc_khz().map_err(Error::kvm("tell the frequency of its clock"))?;
        let partition = Partition { processor, vm, memory, system_registers, exits: 0, time: Duration::ZERO };
        partition.set_registers(&template.header.state)?;
        partition.set_shared(offset_of!(Channel, counter_khz), u64::from(frequency))?;
        partition.set_shared(offset_of!(Channel, most_message), partition.most_message() as u64)?;
        Ok(partition)
    }

    /// The partition as a template: it is at an exit, where it waits for a message.
    ///
    /// # Errors
    /// The host's memory does not allow it.
    pub fn freeze(&mut self) -> Result<Template, Error> {
        let state = self.state()?;
        Template::new(&self.memory, state)
    }

    /// Makes a clone as it was when it was made: it waits for a message.
    ///
    /// # Errors
    /// The host's memory fails.
    pub fn reset(&mut self, template: &Template) -> Result<(), Error> {
        self.complete_exit()?;
        self.memory.end_leaving(&self.vm)?;
        self.memory.reset(&self.vm, template)?;
        self.time = Duration::ZERO;
        self.set_registers(&template.header.state)?;
        self.set_shared(offset_of!(Channel, most_message), self.most_message() as u64)
    }

    fn set_registers(&self, state: &State) -> Result<(), Error> {
        let general = cpu::guest_registers(state.general);
        self.processor.set_sregs(&self.system_registers).map_err(Error::kvm("set registers"))?;
        self.processor.set_regs(&general).map_err(Error::kvm("set registers"))?;
        self.processor.set_fpu(&(&state.vector).into()).map_err(Error::kvm("set registers"))
    }

    /// Begins to leave for a partition elsewhere: see [`Partition::take_pages`].
    ///
    /// # Errors
    /// KVM does not log changes.
    pub fn begin_leaving(&mut self) -> Result<(), Error> {
        self.memory.begin_leaving(&self.vm)
    }

    /// Stays after all.
    ///
    /// # Errors
    /// KVM does not allow it.
    pub fn end_leaving(&mut self) -> Result<(), Error> {
        self.memory.end_leaving(&self.vm)
    }

    /// Bytes of memory that are to be sent, changes until now included.
    ///
    /// # Errors
    /// KVM does not tell.
    pub fn collect_changes(&mut self) -> Result<u64, Error> {
        self.memory.collect_changes(&self.vm)
    }

    /// Takes pages of at most so many bytes that are to be sent; how often all memory was gone through.
    ///
    /// # Errors
    /// The host's memory fails.
    pub fn take_pages(&mut self, most: u64) -> Result<(Batch, u32), Error> {
        self.memory.take_changes(most)
    }

    /// What the guest consists of beside memory, while it waits for a message.
    ///
    /// # Errors
    /// KVM does not tell.
    pub fn state(&mut self) -> Result<State, Error> {
        self.complete_exit()?;
        let general = self.processor.get_regs().map_err(Error::kvm("read registers"))?;
        let vector = self.processor.get_fpu().map_err(Error::kvm("read registers"))?;
        Ok(State { general, vector: vector.into(), guards: self.memory.guards() })
    }

    /// Takes up memory of a guest that arrives, in a partition that has not run.
    ///
    /// # Errors
    /// It is memory that there is not.
    pub fn place(&mut self, batch: &Batch) -> Result<(), End> {
        self.memory.place(&self.vm, batch)
    }

    /// Takes up the state of a guest that arrives: it waits for a message.
    ///
    /// # Errors
    /// KVM does not allow it.
    pub fn set_state(&mut self, state: &State) -> Result<(), Error> {
        self.memory.set_guards(&self.vm, &state.guards)?;
        self.set_registers(state)?;
        let frequency = self.processor.get_tsc_khz().map_err(Error::kvm("tell the frequency of its clock"))?;
        self.set_shared(offset_of!(Channel, counter_khz), u64::from(frequency))?;
        self.set_shared(offset_of!(Channel, most_message), self.most_message() as u64)?;
        self.set_shared(offset_of!(Channel, has_moved), 1u32)
    }

    /// Completes an exit: only then registers can be read and set.
    fn complete_exit(&mut self) -> Result<(), Error> {
        self.processor.set_kvm_immediate_exit(1);
        let completed = self.processor.run().err();
        self.processor.set_kvm_immediate_exit(0);
        match completed {
            Some(error) if error.errno() == libc::EINTR => Ok(()),
            Some(error) => Err(Error::Kvm { what: "complete an exit", error }),
            None => Err(Error::System { what: "complete an exit", reason: "the processor did not stop".to_owned() }),
        }
    }

    /// The most memory it can get beyond what it starts with.
    pub fn memory_limit(&self) -> u64 {
        self.memory.limit()
    }

    /// Processor time of other threads that have worked for it.
    pub fn helpers_time(&self) -> Duration {
        self.memory.helpers_time()
    }

    /// The most that a message of its guest may cost.
    pub fn most_message(&self) -> usize {
        most_message(self.memory_limit())
    }

    /// How often the guest has left the partition.
    pub fn exits(&self) -> u64 {
        self.exits
    }

    /// Lets the guest run until it has something to say or a signal comes.
    ///
    /// # Errors
    /// The partition has ended.
    pub fn run(&mut self) -> Result<Exit, End> {
        let nanoseconds = u64::try_from(self.time.as_nanos()).unwrap_or(u64::MAX);
        self.set_shared(offset_of!(Channel, processor_time), nanoseconds)?;
        let start = processor_time();
        let exit = self.processor.run();
        self.time += processor_time().saturating_sub(start);
        let port = match exit {
            Ok(VcpuExit::IoOut(port, _)) => port,
            Ok(VcpuExit::Intr) => return Ok(Exit::Signal),
            Ok(VcpuExit::IoIn(port, _)) => return Err(End::Violation(format!("it reads port {port:#x}"))),
            Ok(VcpuExit::MmioRead(address, _)) => {
                return Err(End::Violation(format!("it reads memory at {address:#x}, where there is none")));
            }
            Ok(VcpuExit::MmioWrite(address, _)) => {
                return Err(End::Violation(format!("it writes memory at {address:#x}, where there is none")));
            }
            Ok(VcpuExit::Shutdown) => return Err(End::Violation("it shut its processor down".to_owned())),
            Ok(VcpuExit::Hlt) => return Err(End::Violation("it halted its processor".to_owned())),
            Ok(other) => return Err(End::Violation(format!("its processor stopped: {other:?}"))),
            Err(error) if matches!(error.errno(), libc::EINTR | libc::EAGAIN) => return Ok(Exit::Signal),
            Err(error) => return Err(Error::Kvm { what: "run the partition", error }.into()),
        };
        self.exits += 1;
        match port {
            SEND => Ok(Exit::Send),
            SEND_PART => Ok(Exit::SendPart),
            RECEIVE_PART => Ok(Exit::ReceivePart),
            REPORT => Ok(Exit::Report(self.outbox()?)),
            DISCARD => {
                let (start, bytes) = self.pages()?;
                self.memory.discard(start, bytes)?;
                Ok(Exit::Signal)
            }
            PREPARE => {
                let (start, bytes) = self.pages()?;
                self.memory.prepare(&self.vm, start, bytes)?;
                Ok(Exit::Signal)
            }
            GUARD | UNGUARD => {
                let (start, bytes) = self.pages()?;
                self.memory.guard(&self.vm, start, bytes, port == GUARD)?;
                Ok(Exit::Signal)
            }
            PANIC => {
                let message = String::from_utf8_lossy(&self.outbox()?).into_owned();
                Err(End::Panic { message, traceback: None })
            }
            _ if (EXCEPTION..EXCEPTION + EXCEPTIONS).contains(&port) => {
                self.except((port - EXCEPTION) as u8)?;
                Ok(Exit::Signal)
            }
            _ => Err(End::Violation(format!("it writes port {port:#x}"))),
        }
    }

    /// Has a guest that broke run once more, from where it says that it can tell what was running. Its word on the place
    /// is good enough: what it can do there it could do before.
    ///
    /// # Errors
    /// It cannot.
    pub fn begin_post_mortem(&mut self) -> Result<(), End> {
        let entry = self.shared(offset_of!(Channel, post_mortem))?;
        if !(IMAGE..IMAGE_END).contains(&entry) {
            return Err(End::Violation("there is no such place".to_owned()));
        }
        self.complete_exit()?;
        self.processor.set_sregs(&self.system_registers).map_err(Error::kvm("set registers"))?;
        self.processor.set_regs(&cpu::start_registers(entry)).map_err(Error::kvm("set registers"))?;
        Ok(())
    }

    /// Puts as much of a message of so many bytes into the inbox as it takes, for the guest to find when it runs on; how
    /// many it has taken.
    ///
    /// # Errors
    /// The inbox is no place for it, or the host's memory fails.
    pub fn put(&mut self, message: &mut impl ReadVolatile, length: usize) -> Result<usize, End> {
        let start = self.shared(offset_of!(Channel, inbox_start))?;
        let room = usize::try_from(self.shared(offset_of!(Channel, inbox_room))?).unwrap_or(usize::MAX);
        let taken = length.min(room).min(MOST_SENT);
        if taken == 0 || !self.memory.fill(&self.vm, start, taken, message)? {
            return Err(End::Violation(format!("its inbox is said to take {room} bytes at {start:#x}")));
        }
        self.set_shared(offset_of!(Channel, inbox_length), taken as u32)?;
        self.set_shared(offset_of!(Channel, inbox_more), u32::try_from(length - taken).unwrap_or(u32::MAX))?;
        Ok(taken)
    }

    /// Tells the guest that its program is to stop.
    ///
    /// # Errors
    /// The host's memory fails.
    pub fn interrupt(&self) -> Result<(), End> {
        Ok(self.set_shared(offset_of!(Channel, interrupt), 1u32)?)
    }

    /// Tells the guest that a snapshot is wanted.
    ///
    /// # Errors
    /// The host's memory fails.
    pub fn ask_for_snapshot(&self) -> Result<(), End> {
        Ok(self.set_shared(offset_of!(Channel, snapshot), 1u32)?)
    }

    /// Tells the guest whether a posted write has failed.
    ///
    /// # Errors
    /// The host's memory fails.
    pub fn set_post_failed(&self, failed: bool) -> Result<(), End> {
        Ok(self.set_shared(offset_of!(Channel, post_failed), u32::from(failed))?)
    }

    /// What the guest has put into the outbox, as a copy.
    fn outbox(&self) -> Result<Vec<u8>, End> {
        let mut bytes = Vec::new();
        self.append_outbox(&mut bytes)?;
        Ok(bytes)
    }

    /// Appends what the guest has put into the outbox.
    ///
    /// # Errors
    /// It cannot be there, or the host's memory fails.
    pub fn append_outbox(&self, bytes: &mut Vec<u8>) -> Result<(), End> {
        let mut length = [0; 4];
        self.memory.read(CHANNEL + offset_of!(Channel, outbox_length) as u64, &mut length)?;
        let length = u32::from_le_bytes(length) as usize;
        let start = self.shared(offset_of!(Channel, outbox_start))?;
        if length > MOST_SENT || !self.memory.append_content(start, length, bytes)? {
            return Err(End::Violation(format!("its outbox is said to hold {length} bytes at {start:#x}")));
        }
        Ok(())
    }

    /// The pages that the guest names: address and bytes.
    fn pages(&self) -> Result<(u64, u64), End> {
        Ok((self.shared(offset_of!(Channel, pages_start))?, self.shared(offset_of!(Channel, pages_bytes))?))
    }

    fn shared(&self, offset: usize) -> Result<u64, End> {
        let mut word = [0; 8];
        self.memory.read(CHANNEL + offset as u64, &mut word)?;
        Ok(u64::from_le_bytes(word))
    }

    fn set_shared<T: Into<u64> + Copy>(&self, offset: usize, value: T) -> Result<(), Error> {
        let word: u64 = value.into();
        self.memory.write(CHANNEL + offset as u64, &word.to_le_bytes()[..size_of::<T>()])
    }

    /// The guest has met an exception: what is missing is mapped, an access to what is guarded is told to it, if it wants that, and
    /// anything else ends it.
    fn except(&mut self, vector: u8) -> Result<(), End> {
        self.complete_exit()?;
        let registers = self.processor.get_regs().map_err(Error::kvm("read registers"))?;
        let system = self.processor.get_sregs().map_err(Error::kvm("read registers"))?;
        let mut words = vec![0; ExceptionFrame::words(vector)];
        let frame_bytes = words.len() as u64 * 8;
        if system.cs.dpl != 0 || registers.rsp != STUB_STACK + PAGE_BYTES - frame_bytes {
            return Err(End::Violation(format!("it pretends to have met exception {vector}")));
        }
        for (index, word) in words.iter_mut().enumerate() {
            let mut bytes = [0; 8];
            self.memory.read(registers.rsp + index as u64 * 8, &mut bytes)?;
            *word = u64::from_le_bytes(bytes);
        }
        let frame = ExceptionFrame::read(&words);
        let address = (vector == 14).then_some(system.cr2);
        match address {
            // Not present.
            Some(address) if frame.is_user && frame.code & 1 == 0 && self.memory.is_growable(address) => {
                self.memory.grow(&self.vm, address)?;
                self.processor.set_sregs(&self.system_registers).map_err(Error::kvm("set registers"))?;
                self.processor.set_regs(&frame.resume(registers)).map_err(Error::kvm("set registers"))?;
                Ok(())
            }
            Some(address) if frame.is_user && frame.code & NOT_DATA == 0 && self.memory.is_guarded(address) => {
                let handler = self.shared(offset_of!(Channel, guard_handler))?;
                if !(IMAGE..IMAGE_END).contains(&handler) {
                    return Err(frame.end(vector, Some(address)));
                }
                let there = frame.resume(registers);
                let there = kvm_regs { rip: handler, rdi: there.rip, rsi: address, ..there };
                self.processor.set_sregs(&self.system_registers).map_err(Error::kvm("set registers"))?;
                self.processor.set_regs(&there).map_err(Error::kvm("set registers"))?;
                Ok(())
            }
            address => Err(frame.end(vector, address)),
        }
    }
}
