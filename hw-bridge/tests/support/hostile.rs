//! Guests of raw machine code in place of the image, and what becomes of them.

use lunette_hw_bridge::{
    ConstantPages, End, Hypervisor, Limits, LocalGuest, Owner, Partition, Session, Signals,
    image::{Content, Image, Segment},
    message::{CallError, FromGuest, Values, append},
};
use lunette_hw_interface::layout::IMAGE;
use lunette_interpreter::host::Host;
use std::time::Duration;

/// Where the attacks' constants lie, readable only.
pub const CONSTANTS: u64 = IMAGE + 0x10_0000;
/// Where the attacks' variables lie.
pub const VARIABLES: u64 = IMAGE + 0x20_0000;
/// Memory that attacks may have beyond what they start with.
pub const MEMORY: u64 = 64 << 20;

/// The machine code of these lines, as bytes. Constants follow the lines.
#[macro_export]
macro_rules! code {
    ($($line:literal),* $(; $($name:ident = $value:expr),*)?) => {{
        let (start, end): (usize, usize);
        // SAFETY: the lines are jumped over; what lies between the labels is readable.
        unsafe {
            core::arch::asm!(
                "lea {start}, [rip + 771f]", "lea {end}, [rip + 772f]", "jmp 772f",
                "771:", $($line,)* "ud2", "772:",
                start = out(reg) start, end = out(reg) end, $($($name = const $value,)*)?
            );
            std::slice::from_raw_parts(start as *const u8, end - start).to_vec()
        }
    }};
}

/// A guest that attacks.
pub struct Attack<'a> {
    pub code: &'a [u8],
    pub constants: &'a [u8],
    pub limits: Limits,
    /// Bytes of output.
    pub output: Option<u64>,
}

impl Attack<'_> {
    /// The partition with the attack in it.
    pub fn partition(&self) -> Partition {
        self.partition_with(MEMORY)
    }

    /// As [`Attack::partition`], where so much memory may be added.
    pub fn partition_with(&self, memory: u64) -> Partition {
        let hypervisor = Hypervisor::open().expect("partitions are tested where KVM is");
        let bytes = 0x10_0000;
        let constant = |content: &[u8], is_executable| {
            let content = [content, &vec![0; bytes - content.len()]].concat();
            let pages = ConstantPages::copy_of(&content).expect("there is memory");
            Content::Constant { is_executable, pages, first: 0 }
        };
        let segment = |start, content| Segment { start, bytes: bytes as u64, content };
        let segments = vec![
            segment(IMAGE, constant(self.code, true)),
            segment(CONSTANTS, constant(self.constants, false)),
            segment(VARIABLES, Content::Variable(Vec::new())),
        ];
        Partition::new(&hypervisor, &Image { entry: IMAGE, segments }, memory).expect("a partition can be made")
    }

    /// Lets it run; why it was ended.
    pub fn run(&self, owner: &mut dyn Owner) -> End {
        match Session::start(LocalGuest::new(self.partition(), self.limits.clone()), self.output, owner) {
            Ok(_) => panic!("the attack passes for a runtime"),
            Err(end) => end,
        }
    }
}

/// What becomes of this code. One that never stops is ended after a while.
pub fn end_of(code: &[u8]) -> End {
    end_within(code, Duration::from_millis(200))
}

/// The same, of a guest that may run so long.
pub fn end_within(code: &[u8], time: Duration) -> End {
    let limits = Limits { time: Some(time), ..Limits::default() };
    Attack { code, constants: &[], limits, output: None }.run(&mut Nobody::default())
}

/// What the guest sends by a port: so many bytes, said to be so many.
pub struct Sent {
    pub port: u16,
    pub bytes: Vec<u8>,
    pub length: u32,
}

impl Sent {
    pub fn new(port: u16, bytes: Vec<u8>) -> Sent {
        let length = bytes.len() as u32;
        Sent { port, bytes, length }
    }
}

/// What becomes of a guest that sends this. If all of it is accepted, it ends by an invalid instruction.
pub fn end_of_sending(sent: &[Sent], limits: Limits, output: Option<u64>, owner: &mut dyn Owner) -> End {
    let mut constants = Vec::new();
    for Sent { port, bytes, length } in sent {
        for word in [u32::from(*port), *length, bytes.len() as u32] {
            constants.extend_from_slice(&word.to_le_bytes());
        }
        constants.extend_from_slice(bytes);
    }
    constants.extend_from_slice(&[0; 4]);
    let code = crate::code!(
        "mov esi, {constants}",
        "2: lodsd",
        "test eax, eax",
        "jz 3f",
        "mov edx, eax",
        "lodsd",
        "mov [{channel}], eax",
        "lodsd",
        "mov ecx, eax",
        "mov edi, {outbox}",
        "rep movsb",
        "out dx, al",
        "jmp 2b",
        "3: ud2";
        constants = CONSTANTS, channel = lunette_hw_interface::layout::CHANNEL,
        outbox = lunette_hw_interface::layout::OUTBOX
    );
    Attack { code: &code, constants: &constants, limits, output }.run(owner)
}

/// A frame with this message.
pub fn frame(message: &FromGuest<'_>) -> Vec<u8> {
    framed(&append(message, Vec::new()))
}

/// A frame with these bytes.
pub fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut frame = (bytes.len() as u32).to_le_bytes().to_vec();
    frame.extend_from_slice(bytes);
    frame
}

/// An owner that grants nothing but to be written to, and counts what is written.
#[derive(Default)]
pub struct Nobody {
    pub written: usize,
    stuck: bool,
    pub interrupts: u32,
    /// How often it has been asked for an interrupt.
    asked: u32,
    response: Option<lunette_interpreter::host::Response>,
}

impl Nobody {
    /// One whose interrupt comes when it has been asked so often.
    pub fn interrupting(interrupts: u32) -> Nobody {
        Nobody { interrupts, ..Nobody::default() }
    }

    /// One that never takes what is written.
    pub fn stuck() -> Nobody {
        Nobody { stuck: true, ..Nobody::default() }
    }
}

impl Host for Nobody {
    fn pages(&self) -> Box<dyn lunette_gc::pages::Pages + Send> {
        unreachable!("the region is in the partition")
    }

    fn submit(&mut self, request: lunette_interpreter::host::Request<'_>) -> lunette_interpreter::host::Ticket {
        use lunette_interpreter::host::{HostError, Request, Response};
        self.response = match request {
            Request::Write(..) if self.stuck => None,
            Request::Write(_, bytes) => {
                self.written += bytes.len();
                Some(Response::Count(bytes.len()))
            }
            _ => Some(Response::Failed(HostError::not_permitted())),
        };
        lunette_interpreter::host::Ticket(0)
    }

    fn complete(&mut self, _: lunette_interpreter::host::Ticket) -> Option<lunette_interpreter::host::Response> {
        if self.stuck {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.response.take()
    }

    fn monotonic(&self) -> u64 {
        0
    }
}

impl Owner for Nobody {
    fn host(&mut self) -> &mut dyn Host {
        self
    }

    fn call(&mut self, _: u32, arguments: Values) -> Result<Values, CallError> {
        Ok(arguments)
    }

    fn take_signals(&mut self) -> Signals {
        self.asked += 1;
        Signals { interrupt: self.asked == self.interrupts, snapshot: false }
    }
}
