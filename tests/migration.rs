//! Programs that move to another instance while they run, over connections that may break at any byte.
#![cfg(feature = "migration")]

use lunette::{
    AfterSnapshot, Captured, Configuration, Data, Departing, Departure, Engine, Error, Home, MigrationKey, Output,
    StopReason, Streams, Tenant,
};
use std::{
    io::{self, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    thread,
    time::Duration,
};

/// Writes numbers, one after the other, from places that are hard to leave: a coroutine in a comparator, with garbage of
/// every kind around, output that is not flushed yet, and numbers that come from a generator. In the middle it waits until
/// it will not be moved any more, so that it cannot end before that, however busy the machine is.
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
    local function wait()
        repeat
            for i = 1, work do kept[i % 500] = {{i}, tostring(i)} end
        until settled()
    end
    for round = 1, rounds do
        local list = {3, 1, 2}
        table.sort(list, function(a, b)
            if a == 1 and b == 2 or a == 2 and b == 1 then
                return coroutine.wrap(function()
                    step(round)
                    if round == rounds // 2 then wait() end
                    return a < b
                end)()
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
    is_dropped: Arc<AtomicBool>,
}

impl Drop for Breaking {
    fn drop(&mut self) {
        self.is_dropped.store(true, Ordering::Release);
    }
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

/// Programs that have moved here stay.
fn engine(home: Home) -> Engine {
    engine_until(home, Arc::new(AtomicBool::new(true)))
}

/// Programs here wait until they have left, or this says that they stay.
fn engine_until(home: Home, stays: Arc<AtomicBool>) -> Engine {
    let settled = move |_: Vec<Data>| Ok(vec![Data::Boolean(stays.load(Ordering::Acquire))]);
    Engine::new(Configuration::new().home(home).tenant_function("test.settled", settled))
}

/// A program's instance, and what it writes.
fn tenant(engine: Engine) -> (Captured, Tenant) {
    let (output, streams) = captured();
    let mut tenant = engine.tenant(streams).unwrap();
    tenant.host_function("settled", "test.settled").unwrap();
    (output, tenant)
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
    let stays = Arc::new(AtomicBool::new(false));
    let stream = Breaking { stream: here, when, bytes: bytes.clone(), reads: 0, is_dropped: stays.clone() };
    let (output, mut tenant) = tenant(engine_until(from, stays));
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
    let (output, mut tenant) = tenant(engine(Home::Process));
    tenant.run_file(PROGRAM, "=program", &arguments.map(Data::from)).unwrap();
    output.take_text()
}

fn homes() -> Vec<Home> {
    if cfg!(feature = "partitions") { vec![Home::Process, Home::Partition] } else { vec![Home::Process] }
}

#[test]
fn programs_move_between_homes() {
    let arguments = [40, 2000];
    let expected = expected(arguments);
    for from in homes() {
        for to in homes() {
            let (written, end, _) = run(from, to, arguments, Break::Never);
            assert_eq!((written, end), (expected.clone(), End::Moved), "{from:?} {to:?}");
        }
    }
}

/// Has a program leave as soon as it runs on, over this stream.
fn leave(tenant: &mut Tenant, stream: UnixStream) {
    leave_and_tell(tenant, stream, &Arc::default());
}

/// The same; `has_begun` says when it is under way.
fn leave_and_tell(tenant: &mut Tenant, stream: UnixStream, has_begun: &Arc<AtomicBool>) {
    let mut departure = Departure::begin(tenant.snapshot_handle(), move || Ok(stream), &key());
    let has_begun = has_begun.clone();
    tenant.on_snapshot(move |snapshot| {
        has_begun.store(true, Ordering::Release);
        match departure.attend(snapshot)? {
            Departing::Underway => Ok(AfterSnapshot::GoOn),
            Departing::Gone(_) | Departing::Unknown(_) => Ok(AfterSnapshot::Stop),
        }
    });
}

fn is_gone(outcome: Result<Vec<Data>, Error>) -> bool {
    matches!(outcome, Err(Error::Stopped(StopReason::Snapshot)))
}

/// Runs a program that leaves its home for a second one, and that one for a third, which is as the first: what it returns, and what
/// it has written in all.
fn move_twice(first: Home, between: Home, program: &'static str, arguments: &[Data]) -> (Vec<Data>, String) {
    let pairs = [UnixStream::pair().unwrap(), UnixStream::pair().unwrap()];
    for stream in pairs.iter().flat_map(|(here, there)| [here, there]) {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    }
    let [(from_first, to_second), (from_second, to_third)] = pairs;
    let second = thread::spawn(move || {
        let (output, streams) = captured();
        let mut tenant = engine_until(between, Arc::default()).receive(to_second, &key(), streams).unwrap();
        leave(&mut tenant, from_second);
        assert!(is_gone(tenant.resume()));
        output.take_text()
    });
    let third = thread::spawn(move || {
        let (output, streams) = captured();
        let mut tenant = engine(first).receive(to_third, &key(), streams).unwrap();
        (tenant.resume().unwrap(), output.take_text())
    });
    let (output, mut tenant) = tenant(engine_until(first, Arc::default()));
    leave(&mut tenant, from_first);
    assert!(is_gone(tenant.run_file(program, "=program", arguments)));
    drop(tenant);
    let written = output.take_text() + &second.join().unwrap();
    let (results, rest) = third.join().unwrap();
    assert!(!rest.is_empty(), "there was something left to do");
    (results, written + &rest)
}

#[test]
fn programs_move_on() {
    let arguments = [40, 500];
    let expected = (vec![Data::Integer(arguments[0])], expected(arguments));
    for (first, between) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let homes = homes();
        let home = |number: usize| homes[number % homes.len()];
        assert_eq!(move_twice(home(first), home(between), PROGRAM, &arguments.map(Data::from)), expected);
    }
}

/// Has machine code of WebAssembly read a memory, beyond its end too, which grows meanwhile.
#[cfg(feature = "jit")]
const GUARDED: &str = "
    local file, rounds = ...
    local m = webassembly.instantiate(webassembly.load(file, '@module.wasm'))
    local sum = 0
    for round = 1, rounds do
        m.memory:write(m.memory:size() - 4, string.pack('<i4', round))
        local size = m.memory:size()
        sum = sum + m.sum(size - 4096, size)
        local _, message = pcall(m.sum, size - 4096, size + round % 5 + 1)
        if round % 500 == 0 then
            assert(m.memory:grow(1))
            io.write(sum, ' ', m.memory:size(), ' ', tostring(message):match '[^\\n]*', '\\n')
        end
    end
    return sum";

#[test]
#[cfg(feature = "jit")]
fn memories_with_guards_move_on() {
    let text = r#"(module (memory (export "memory") 1)
        (func (export "sum") (param $i i32) (param $end i32) (result i32) (local $sum i32)
            (loop $again
                (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 3)) (i32.load8_u (local.get $i))))
                (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $end))))
            (local.get $sum)))"#;
    let arguments = [Data::String(wat::parse_str(text).unwrap()), Data::Integer(30_000)];
    let (output, streams) = captured();
    let mut tenant = Engine::new(Configuration::new().jit(lunette::Jit::Off)).tenant(streams).unwrap();
    let expected = (tenant.run_file(GUARDED, "=program", &arguments).unwrap(), output.take_text());
    assert_eq!(expected.1.matches("out of bounds memory access").count(), 60);
    for (first, between) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let homes = homes();
        let home = |number: usize| homes[number % homes.len()];
        assert_eq!(move_twice(home(first), home(between), GUARDED, &arguments), expected);
    }
}

#[cfg(feature = "partitions")]
#[test]
fn functions_of_the_host_are_found_at_the_other_end() {
    // Each gives its name, and whether the program is about to move.
    let with = |home, names: &[&'static str], has_begun: &Arc<AtomicBool>| {
        let configuration = Configuration::new().home(home);
        let add = |configuration: Configuration, &name| {
            let has_begun = has_begun.clone();
            configuration
                .tenant_function(name, move |_| Ok(vec![name.into(), Data::Boolean(has_begun.load(Ordering::Acquire))]))
        };
        Engine::new(names.iter().fold(configuration, add))
    };
    let program = "print((named())) repeat local _, begun = named() until begun
        for i = 1, 2e7 do local x = {i} end print((named()))";
    for (from, to) in homes().into_iter().flat_map(|from| homes().into_iter().map(move |to| (from, to))) {
        for names in [&["app.a", "app.b", "app.c"][..], &["app.a", "app.c"]] {
            let (here, there) = UnixStream::pair().unwrap();
            let has_begun = Arc::default();
            let receiving = with(to, names, &has_begun);
            let receiver = thread::spawn(move || {
                let (output, streams) = captured();
                let mut tenant = receiving.receive(there, &key(), streams)?;
                tenant.execute_rest()?;
                Ok::<String, Error>(output.take_text())
            });
            let (output, streams) = captured();
            let mut tenant = with(from, &["app.b", "app.c"], &has_begun).tenant(streams).unwrap();
            tenant.host_function("named", "app.b").unwrap();
            leave_and_tell(&mut tenant, here, &has_begun);
            let outcome = tenant.run_file(program, "=program", &[]);
            let arrived = receiver.join().unwrap();
            if names.len() == 3 {
                assert!(is_gone(outcome), "{from:?} {to:?}");
                assert_eq!(output.take_text() + &arrived.unwrap(), "app.b\napp.b\n", "{from:?} {to:?}");
            } else {
                let refused = arrived.unwrap_err().to_string();
                assert!(refused.contains("registered as 'app.b' here"), "{from:?} {to:?}: {refused}");
                assert_eq!((outcome.unwrap(), output.take_text()), (Vec::new(), "app.b\napp.b\n".to_owned()));
            }
        }
    }
}

#[test]
fn wherever_the_connection_breaks_the_program_runs_once() {
    let arguments = [40, 2000];
    let expected = expected(arguments);
    for from in homes() {
        for to in homes() {
            let (_, end, all) = run(from, to, arguments, Break::Never);
            assert_eq!(end, End::Moved);
            // The first and the last bytes, where each message counts, and some in between. How much is sent in all
            // differs a little from run to run; an image is always the same.
            let step = if from == to { 23 } else { 61 };
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
    let arguments = [40, 2000];
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
