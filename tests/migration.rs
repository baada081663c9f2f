//! Programs that move to another instance while they run, over connections that may break at any byte.
#![cfg(feature = "migration")]

use lunette::{
    AfterSnapshot, Captured, Configuration, Data, Departing, Departure, Engine, Error, Home, MigrationKey, Output,
    StopReason, Streams,
};
use std::{
    io::{self, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    thread,
    time::Duration,
};

/// Writes numbers, one after the other, from places that are hard to leave: a coroutine in a comparator, with garbage of
/// every kind around, output that is not flushed yet, and numbers that come from a generator.
const PROGRAM: &str = "
    local rounds, work = ...
    math.randomseed(1)
    local weak, kept = setmetatable({}, {__mode = 'k'}), {}
    local function step(round)
        local sum = 0
        for i = 1, work do
            local key = {i}
            weak[key], kept[i % 500] = i, {key, tostring(i)}
            sum = sum + #kept[i % 500][2] + math.random(3)
        end
        return sum
    end
    for round = 1, rounds do
        local list = {3, 1, 2}
        table.sort(list, function(a, b)
            if a == 1 and b == 2 or a == 2 and b == 1 then
                return coroutine.wrap(function() step(round) return a < b end)()
            end
            return a < b
        end)
        io.write(round, ':', step(round) % 7, ' ', table.concat(list), round % 3 == 0 and '\\n' or ' ')
    end
    print('done')
    return rounds";

fn key() -> MigrationKey {
    MigrationKey::new(&[7; 32]).unwrap()
}

/// When a stream breaks.
#[derive(Clone, Copy, Debug)]
enum Break {
    Never,
    /// After so many bytes in both directions.
    Bytes(i64),
    /// When it is written to after so many reads.
    Write(i64),
    /// When it is read from after so many reads.
    Read(i64),
}

/// A stream that breaks.
struct Breaking {
    stream: UnixStream,
    when: Break,
    /// Bytes in both directions, and reads.
    bytes: Arc<AtomicI64>,
    reads: i64,
}

impl Breaking {
    /// How many of so many bytes may pass.
    fn pass(&self, wanted: usize, is_read: bool) -> io::Result<usize> {
        let left = match self.when {
            Break::Bytes(most) => most - self.bytes.load(Ordering::SeqCst),
            Break::Write(reads) if !is_read && self.reads >= reads => 0,
            Break::Read(reads) if is_read && self.reads >= reads => 0,
            _ => i64::MAX,
        };
        if left <= 0 {
            let _ = self.stream.shutdown(Shutdown::Both);
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(wanted.min(left as usize))
    }

    fn count(&self, bytes: usize) -> usize {
        self.bytes.fetch_add(bytes as i64, Ordering::SeqCst);
        bytes
    }
}

impl Read for Breaking {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.pass(buffer.len(), true)?;
        let read = self.stream.read(&mut buffer[..most])?;
        self.reads += 1;
        Ok(self.count(read))
    }
}

impl Write for Breaking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = self.pass(bytes.len(), false)?;
        let written = self.stream.write(&bytes[..most])?;
        Ok(self.count(written))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn captured() -> (Captured, Streams) {
    let output = Captured::new();
    (output.clone(), Streams { output: Output::Captured(output), ..Streams::none() })
}

fn engine(home: Home) -> Engine {
    Engine::new(Configuration::new().home(home))
}

/// What became of a program.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// It ran to its end where it began.
    Stayed,
    /// It ran to its end elsewhere.
    Moved,
    /// It was given away, and nobody knew whether it had arrived. It had.
    MovedUnknown,
    /// Likewise, but it had not; it went on from the image that was kept.
    Kept,
}

/// Runs the program, which leaves one home for another over a connection that breaks; what it has written in all, what
/// became of it, and the bytes that passed.
fn run(from: Home, to: Home, arguments: [i64; 2], when: Break) -> (String, End, i64) {
    let (here, there) = UnixStream::pair().unwrap();
    for stream in [&here, &there] {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    }
    let receiver = thread::spawn(move || {
        let (output, streams) = captured();
        let tenant = engine(to).receive(there, &key(), streams);
        (output, tenant.map(|mut tenant| tenant.resume()))
    });
    let bytes = Arc::new(AtomicI64::new(0));
    let stream = Breaking { stream: here, when, bytes: bytes.clone(), reads: 0 };
    let (output, streams) = captured();
    let mut tenant = engine(from).tenant(streams).unwrap();
    let mut departure = Departure::begin(tenant.snapshot_handle(), move || Ok(stream), &key());
    let kept: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
    let image = kept.clone();
    tenant.on_snapshot(move |snapshot| match departure.attend(snapshot)? {
        Departing::Underway => Ok(AfterSnapshot::GoOn),
        Departing::Gone(_) => Ok(AfterSnapshot::Stop),
        Departing::Unknown(_) => {
            let mut bytes = Vec::new();
            snapshot.write(&mut bytes)?;
            *image.lock().unwrap() = Some(bytes);
            Ok(AfterSnapshot::Stop)
        }
    });
    let outcome = tenant.run_file(PROGRAM, "=program", &arguments.map(Data::from));
    let was_written = output.take_text();
    // Nothing more is to come from here, whatever became of it.
    drop(tenant);
    assert_eq!(output.take_text(), "");
    let (there, arrived) = receiver.join().unwrap();
    let passed = bytes.load(Ordering::SeqCst);
    let results = vec![Data::Integer(arguments[0])];
    let image = kept.lock().unwrap().take();
    match (outcome, arrived, image) {
        (Ok(values), Err(_), None) => {
            assert_eq!(values, results);
            assert_eq!(there.take_text(), "", "it must not run there");
            (was_written, End::Stayed, passed)
        }
        (Err(Error::Stopped(StopReason::Snapshot)), Ok(resumed), image) => {
            assert_eq!(resumed.unwrap(), results);
            let end = if image.is_some() { End::MovedUnknown } else { End::Moved };
            (was_written + &there.take_text(), end, passed)
        }
        (Err(Error::Stopped(StopReason::Snapshot)), Err(_), Some(image)) => {
            assert_eq!(there.take_text(), "", "it must not run there");
            let (output, streams) = captured();
            assert_eq!(engine(from).restore_tenant(&image[..], streams).unwrap().resume().unwrap(), results);
            (was_written + &output.take_text(), End::Kept, passed)
        }
        other => panic!("{when:?}: {other:?}"),
    }
}

/// What the program writes when nobody disturbs it.
fn expected(arguments: [i64; 2]) -> String {
    let (output, streams) = captured();
    let mut tenant = Engine::default().tenant(streams).unwrap();
    tenant.run_file(PROGRAM, "=program", &arguments.map(Data::from)).unwrap();
    output.take_text()
}

fn homes() -> Vec<Home> {
    if cfg!(feature = "partitions") { vec![Home::Process, Home::Partition] } else { vec![Home::Process] }
}

#[test]
fn programs_move_between_homes() {
    let arguments = [200, 5000];
    let expected = expected(arguments);
    for from in homes() {
        for to in homes() {
            let (written, end, _) = run(from, to, arguments, Break::Never);
            assert_eq!((written, end), (expected.clone(), End::Moved), "{from:?} {to:?}");
        }
    }
}

#[test]
fn wherever_the_connection_breaks_the_program_runs_once() {
    let arguments = [40, 2000];
    let expected = expected(arguments);
    for from in homes() {
        for to in homes() {
            let (_, end, all) = run(from, to, [2000, 2000], Break::Never);
            assert_eq!(end, End::Moved);
            // The first and the last bytes, where each message counts, and some in between. How much is sent in all
            // differs a little from run to run; an image is always the same.
            let step = if from == to { 17 } else { 47 };
            let first = (0..200).step_by(step);
            let between = (1..4).map(|part| all / 4 * part);
            let last = (-120..20).step_by(step).map(|bytes| all + bytes);
            for cut in first.chain(between).chain(last) {
                let (written, _, _) = run(from, to, arguments, Break::Bytes(cut));
                assert_eq!(written, expected, "{from:?} {to:?} {cut}");
            }
        }
    }
}

#[test]
fn without_the_last_word_nobody_knows() {
    let arguments = [600, 2000];
    let expected = expected(arguments);
    // An image is preceded by two answers, each of which is read in two steps, and followed by two.
    for (from, to) in homes().into_iter().zip(homes().into_iter().rev()) {
        let [before, word] = [Break::Write(6), Break::Read(6)];
        for (when, wanted) in [(Break::Write(4), End::Stayed), (before, End::Kept), (word, End::MovedUnknown)] {
            let (written, end, _) = run(from, to, arguments, when);
            // Where the memory goes as it is, there are other answers.
            if from != to {
                assert_eq!(end, wanted, "{from:?} {to:?} {when:?}");
            }
            assert_eq!(written, expected, "{from:?} {to:?} {when:?}");
        }
    }
}
