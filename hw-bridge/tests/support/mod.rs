//! A tenant with output that is kept, for tests.

use lunette_gc::pages::Pages;
use lunette_hw_bridge::{
    End, Event, Hypervisor, Limits, LocalGuest, Owner, Partition, Session, Signals,
    image::Image,
    message::{CallError, Command, Compiling, Configuration, Outcome, Values},
};
use lunette_interpreter::host::{Host, HostError, Request, Response, Stream, Ticket};
use std::time::Instant;

/// A home with output only.
pub struct Home {
    pub output: Vec<u8>,
    response: Option<Response>,
    start: Instant,
}

impl Host for Home {
    fn pages(&self) -> Box<dyn Pages + Send> {
        unreachable!("the region is in the partition")
    }

    fn submit(&mut self, request: Request<'_>) -> Ticket {
        self.response = Some(match request {
            Request::Write(Stream::OUTPUT, bytes) => {
                self.output.extend_from_slice(bytes);
                Response::Count(bytes.len())
            }
            _ => Response::Failed(HostError::not_permitted()),
        });
        Ticket(0)
    }

    fn complete(&mut self, _: Ticket) -> Option<Response> {
        self.response.take()
    }

    fn monotonic(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }
}

impl Owner for Home {
    fn host(&mut self) -> &mut dyn Host {
        self
    }

    fn call(&mut self, _: u32, arguments: Values) -> Result<Values, CallError> {
        Ok(arguments)
    }

    fn take_signals(&mut self) -> Signals {
        Signals::default()
    }
}

/// An instance in a partition.
pub struct Tenant {
    pub home: Home,
    pub session: Session<LocalGuest>,
}

impl Tenant {
    /// An instance without limits.
    pub fn new() -> Tenant {
        Tenant::with(Tenant::unlimited())
    }

    fn unlimited() -> Configuration {
        Configuration {
            memory_limit: None,
            fuel: None,
            time_limit: None,
            output_limit: None,
            libraries: (0..10).collect(),
            ignores_environment: false,
            compiling: Compiling::Hot,
            code_limit: None,
            reports_machine_code: false,
            collection_stress: 0,
            snapshot_interval: 0,
            functions: Vec::new(),
        }
    }

    /// An instance with these settings.
    pub fn with(configuration: Configuration) -> Tenant {
        Tenant::of_image(&Image::built_in().expect("the image is well-formed"), configuration)
    }

    /// An instance of another image, without limits.
    pub fn of(image: &[u8]) -> Tenant {
        Tenant::of_image(&Image::read(image).expect("the image is well-formed"), Tenant::unlimited())
    }

    fn of_image(image: &Image, configuration: Configuration) -> Tenant {
        let hypervisor = Hypervisor::open().expect("partitions are tested where KVM is");
        let partition = Partition::new(&hypervisor, image, 1 << 30).expect("a partition can be made");
        let mut home = Home { output: Vec::new(), response: None, start: Instant::now() };
        let mut session =
            Session::start(LocalGuest::new(partition, Limits::default()), None, &mut home).expect("the guest starts");
        let event = session.obey(Command::Start(configuration), &mut home).expect("the guest lives");
        assert_eq!(outcome(event), Outcome::Returned(Vec::new()));
        Tenant { home, session }
    }

    /// Runs a program.
    pub fn run(&mut self, source: &str) -> Outcome {
        self.try_run(source).expect("the guest lives")
    }

    /// Runs a program that may be the guest's last.
    pub fn try_run(&mut self, source: &str) -> Result<Outcome, End> {
        let command =
            Command::Run { name: b"=test", content: source.as_bytes(), arguments: Vec::new(), wants_results: true };
        self.session.obey(command, &mut self.home).map(outcome)
    }

    /// What was written.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.home.output).into_owned()
    }
}

/// What came of a command that takes no snapshots.
fn outcome(event: Event) -> Outcome {
    match event {
        Event::Outcome(outcome) => outcome,
        Event::Offer(cause) => panic!("a snapshot is offered: {cause:?}"),
    }
}
