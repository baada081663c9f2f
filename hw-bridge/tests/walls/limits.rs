//! Time, shares of the processor, memory and output have their limits.

use super::*;

#[test]
fn nothing_runs_longer_than_it_may() {
    let _neighbour = Neighbour::new();
    macro_rules! assert_each_ends { ($([$($line:literal),+]),+ $(,)?) => {
        $(let start = Instant::now();
        let end = end_of(&code!($($line),+));
        let what = concat!($($line, "; "),+);
        // Where interrupts are not the guest's to turn off, it ends at once.
        assert!(matches!(end, End::Time | End::Fault(Fault { vector: 13, .. })), "{what}: {end}");
        assert!(start.elapsed() < Duration::from_secs(5), "{what}");)+
    } }
    assert_each_ends!(
        ["2: jmp 2b"],
        ["cli", "2: jmp 2b"],
        ["2: cpuid", "jmp 2b"],
        // Sending nothing; discarding nothing.
        ["2: out 0x11, al", "jmp 2b"],
        ["mov rax, 0x1000000000", "mov [0x100018], rax", "2: out 0x13, al", "jmp 2b"],
        ["mov ecx, -1", "mov edx, 0x11", "mov esi, 0x600000", "rep outsb"],
        ["2: mov rcx, 0x100000", "mov edi, 0x600000", "rep stosb", "jmp 2b"],
    );
}

#[test]
fn an_interrupt_ends_what_does_not_react() {
    let _neighbour = Neighbour::new();
    let mut owner = Nobody::interrupting(3);
    let attack = Attack { code: &code!("2: jmp 2b"), constants: &[], limits: Limits::default(), output: None };
    let start = Instant::now();
    assert_eq!(attack.run(&mut owner), End::Interrupt);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_share_of_the_processor_is_kept() {
    fn processor_time() -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }
    let _neighbour = Neighbour::alone();
    let used_by = |code: &[u8]| {
        let limits = Limits { share: Some(0.1), ..limit(1500) };
        let attack = Attack { code, constants: &[], limits, output: None };
        let (start, processor) = (Instant::now(), processor_time());
        let end = attack.run(&mut Nobody::default());
        (end, processor_time() - processor, start.elapsed())
    };
    // Making the partition is not the guest's, and takes long where the processor is emulated.
    let (_, made, _) = used_by(&code!("ud2"));
    let (end, used, elapsed) = used_by(&code!("2: jmp 2b"));
    assert_eq!(end, End::Time);
    let share = used.saturating_sub(made).as_secs_f64() / elapsed.as_secs_f64();
    assert!(share < 0.3, "it used {share} of a processor");
}

#[test]
fn memory_has_a_limit_and_goes_back() {
    let _neighbour = Neighbour::alone();
    // Touching all of it may take a while.
    let end_of =
        |code: &[u8]| Attack { code, constants: &[], limits: limit(20_000), output: None }.run(&mut Nobody::default());
    let touch_upwards = |window: u64| with_address(window, &code!("2: mov [rbx], rbx", "add rbx, 0x1000", "jmp 2b"));
    let last = |window: u64, bytes: u64| with_address(window + bytes - 8, &code!("mov [rbx], rbx"));
    let (resident, descriptors) = (resident_bytes(), open_descriptors());
    for _ in 0..4 {
        for code in [touch_upwards(ARENA), touch_upwards(REGION), last(ARENA, ARENA_BYTES), last(REGION, REGION_BYTES)]
        {
            assert_eq!(end_of(&code), End::Memory);
        }
        let far_first = with_address(
            REGION + MEMORY - (4 << 20),
            &code!(
                "mov [rbx], rbx",
                "shr rbx, 1",
                "add rbx, 0x2000000",
                "mov rbx, 0x1000000000",
                "2: mov [rbx], rbx",
                "add rbx, 0x1000",
                "jmp 2b"
            ),
        );
        assert_eq!(end_of(&far_first), End::Memory);
    }
    let grown = resident_bytes().saturating_sub(resident);
    assert!(grown < MEMORY / 4, "{grown} bytes did not go back");
    assert_eq!(open_descriptors(), descriptors);
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux has it").count()
}

#[test]
fn output_has_a_limit() {
    let _neighbour = Neighbour::new();
    // Ever more posted writes; and a long one at once.
    for (bytes, stream) in [(100, Stream::OUTPUT), (OUTBOX_BYTES - 100, Stream::ERROR)] {
        let mut nobody = Nobody::default();
        let posts = (0..1000).map(|_| Sent::new(SEND_PART, frame(&FromGuest::Post(stream, &vec![b'x'; bytes]))));
        let sent: Vec<Sent> = posts.take(0xf_0000 / (bytes + 20)).collect();
        assert_eq!(end_of_sending(&sent, limit(2000), Some(1000), &mut nobody), End::Output);
        assert!(nobody.written <= 1000 + (1 << 16), "{} bytes were written", nobody.written);
    }
    let mut nobody = Nobody::default();
    let write = Sent::new(SEND, frame(&FromGuest::Ask(Request::Write(Stream::OUTPUT, &[b'x'; 50_000]))));
    let sent = [write, Sent::new(SEND, frame(&FromGuest::Ask(Request::Write(Stream::OUTPUT, &[b'x'; 50_000]))))];
    assert_eq!(end_of_sending(&sent, limit(2000), Some(1000), &mut nobody), End::Output);
}

#[test]
fn output_that_nobody_takes_holds_nothing_up() {
    let _neighbour = Neighbour::new();
    let post = || [Sent::new(SEND_PART, frame(&FromGuest::Post(Stream::OUTPUT, b"x")))];
    let mut nobody = Nobody::stuck();
    assert_eq!(end_of_sending(&post(), limit(100), None, &mut nobody), End::Time);
    let mut nobody = Nobody::stuck();
    nobody.interrupts = 3;
    assert_eq!(end_of_sending(&post(), Limits::default(), None, &mut nobody), End::Interrupt);
}
