//! Messages that are no messages.

use super::*;

/// What becomes of a guest that sends these frames, the last with a question.
fn end_of_frames(frames: &[Vec<u8>]) -> End {
    end_of_sending(&[Sent::new(SEND, frames.concat())], limit(500), None, &mut Nobody::default())
}

/// What becomes of a guest that says that its outbox and its inbox are there, of so many bytes. If its message is to be
/// in the outbox, it puts it there.
fn end_of_boxes(outbox: (u64, u32), inbox: (u64, u64), has_message: bool) -> (End, usize) {
    let message = frame(&FromGuest::Ask(Request::Write(Stream::OUTPUT, b"moon")));
    let length = if has_message { message.len() as u64 } else { 0 };
    let numbers = [outbox.0, outbox.1.into(), inbox.0, inbox.1, length];
    let mut constants: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    constants.extend_from_slice(&message);
    let code = code!(
        "mov ebp, {constants}", "mov rdi, [rbp]", "mov [{channel} + {outbox}], rdi", "mov eax, [rbp + 8]",
        "mov [{channel}], eax", "mov rbx, [rbp + 16]", "mov [{channel} + {inbox}], rbx", "mov rax, [rbp + 24]",
        "mov [{channel} + {room}], rax", "lea rsi, [rbp + 40]", "mov rcx, [rbp + 32]", "rep movsb",
        // The answer: that four bytes were written.
        "out 0x10, al", "mov eax, [rbx]", "test eax, eax", "jz 2f", "ud2", "2: hlt";
        constants = CONSTANTS, channel = CHANNEL, outbox = std::mem::offset_of!(Channel, outbox_start),
        inbox = std::mem::offset_of!(Channel, inbox_start), room = std::mem::offset_of!(Channel, inbox_room)
    );
    let mut nobody = Nobody::default();
    let end = Attack { code: &code, constants: &constants, limits: limit(500), output: None }.run(&mut nobody);
    (end, nobody.written)
}

#[test]
fn messages_lie_in_memory_of_its_own() {
    let _neighbour = Neighbour::new();
    let message = frame(&FromGuest::Ask(Request::Write(Stream::OUTPUT, b"moon"))).len() as u32;
    let boxes = |outbox, inbox| end_of_boxes((outbox, message), (inbox, 64), true);
    // Anywhere in arena and region, across their parts, where memory is or can be.
    for place in [ARENA, ARENA + ARENA_START_BYTES - 2, ARENA + (9 << 20), REGION + 0x1001, REGION + (17 << 20), INBOX]
    {
        for (outbox, inbox) in [(place, INBOX), (OUTBOX, place), (place, place)] {
            let (end, written) = boxes(outbox, inbox);
            assert_eq!(fault(end, &format!("{outbox:#x}, {inbox:#x}")).vector, 6);
            assert_eq!(written, 4);
        }
    }
    let elsewhere = [
        0,
        8,
        DESCRIPTORS,
        STUB_STACK,
        CHANNEL,
        OUTBOX - 8,
        INBOX + INBOX_BYTES as u64 - 2,
        STACK,
        CONSTANTS,
        VARIABLES,
        ARENA_START,
        REGION_START,
        TABLES,
        ARENA - 8,
        ARENA + ARENA_BYTES - 8,
        ARENA + ARENA_BYTES,
        REGION - 8,
        REGION + REGION_BYTES - 8,
        1 << 63,
        u64::MAX - 8,
        u64::MAX,
    ];
    for place in elsewhere {
        let (end, written) = end_of_boxes((place, message), (INBOX, 64), false);
        assert_eq!(violation(end), format!("its outbox is said to hold {message} bytes at {place:#x}"));
        assert_eq!(written, 0);
        let end = boxes(OUTBOX, place).0;
        match end {
            End::Memory => assert!(place > ARENA && place < REGION + REGION_BYTES, "{place:#x}"),
            end => assert_eq!(violation(end), format!("its inbox is said to take 64 bytes at {place:#x}")),
        }
    }
    // Where no memory is yet, there is nothing to be read; and what is more than may be sent at once.
    for (place, length) in [
        (ARENA + ARENA_START_BYTES, 1),
        (ARENA + ARENA_START_BYTES - 8, 9),
        (REGION, MOST_SENT as u32 + 1),
        (REGION, u32::MAX),
    ] {
        let (end, _) = end_of_boxes((place, length), (INBOX, 64), false);
        assert_eq!(violation(end), format!("its outbox is said to hold {length} bytes at {place:#x}"));
    }
    // An inbox without room; and one with more than there is.
    assert_eq!(
        violation(end_of_boxes((OUTBOX, message), (INBOX, 0), true).0),
        format!("its inbox is said to take 0 bytes at {INBOX:#x}")
    );
    assert_eq!(fault(end_of_boxes((OUTBOX, message), (REGION, u64::MAX), true).0, "room").vector, 6);
}

#[test]
fn malformed_messages_are_told_from_others() {
    let _neighbour = Neighbour::new();
    let booted = frame(&FromGuest::Await(Outcome::Booted));
    let post = frame(&FromGuest::Post(Stream::OUTPUT, b"x"));
    let ask = frame(&FromGuest::Ask(Request::Time(Clock::Realtime)));
    let returned = append(&FromGuest::Await(Outcome::Returned(vec![Token::Nil; 3])), Vec::new());
    let malformed = "its message is malformed";
    let out_of_order = "it asks before it has an answer";
    let no_question = "it waits for an answer and has not asked";
    let no_answer = "it asks and does not wait for the answer";
    let incomplete = "it waits before its message is complete";
    let too_long = "its message is too long";
    let cases: &[(&[Vec<u8>], &str)] = &[
        (&[], no_question),
        (&[vec![0; 3]], incomplete),
        (std::slice::from_ref(&post), no_question),
        (&[booted[..booted.len() - 1].to_vec()], incomplete),
        (&[post.clone(), vec![1, 0]], incomplete),
        (&[framed(b"")], malformed),
        (&[framed(&[200])], malformed),
        (&[framed(&[0xff; 40])], malformed),
        (&[framed(&[3, 1])], malformed),
        (&[framed(&[&returned[..], &[0]].concat())], malformed),
        (&[framed(&returned[..returned.len() - 1])], malformed),
        // More values than bytes.
        (
            &[framed(&[&returned[..2], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]].concat())],
            malformed,
        ),
        (&[framed(&[&returned[..2], &[0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]].concat())], malformed),
        // A post whose bytes are said to be more than there are.
        (&[framed(&[0, 1, 100, b'x'])], malformed),
        (&[vec![0xff; 4]], too_long),
        (&[(MEMORY as u32 + 1).to_le_bytes().to_vec()], too_long),
        (&[ask.clone(), ask.clone()], out_of_order),
        (&[ask.clone(), post.clone()], out_of_order),
        (&[booted.clone(), booted.clone()], out_of_order),
        (&[frame(&FromGuest::AskAgain)], "it asks again for what it has not asked for"),
        (&[framed(&returned)], "it does not begin as it should"),
    ];
    for (frames, said) in cases {
        assert_eq!(violation(end_of_frames(frames)), *said, "{frames:?}");
    }
    let nobody = &mut Nobody::default();
    let part = |bytes: &Vec<u8>| Sent::new(SEND_PART, bytes.clone());
    for (sent, said) in [
        (vec![part(&ask)], no_answer),
        (vec![part(&booted)], no_answer),
        (vec![part(&vec![0; 2]), Sent::new(SEND, vec![0; 1])], incomplete),
        (vec![Sent::new(RECEIVE_PART, vec![])], "it wants more than there is"),
        (
            vec![Sent { length: OUTBOX_BYTES as u32 + 1, ..part(&post) }],
            "its outbox is said to hold 65537 bytes at 0x110000",
        ),
        (
            vec![Sent { length: u32::MAX, ..Sent::new(SEND, post.clone()) }],
            "its outbox is said to hold 4294967295 bytes at 0x110000",
        ),
        (
            vec![Sent { length: u32::MAX, ..Sent::new(PANIC, vec![]) }],
            "its outbox is said to hold 4294967295 bytes at 0x110000",
        ),
        (vec![Sent::new(REPORT, b"all is well".to_vec())], "it reports what it was not asked for"),
    ] {
        assert_eq!(violation(end_of_sending(&sent, limit(500), None, nobody)), said);
    }
    // Snapshots and images that nobody asked for.
    for message in [
        FromGuest::Image(b"bytes"),
        FromGuest::ImageBody,
        FromGuest::Written(Ok(())),
        FromGuest::ReadImage(u32::MAX),
        FromGuest::ReadImageBody(u16::MAX),
        FromGuest::Offer(Cause::Program),
        FromGuest::Withdraw,
    ] {
        let port = if message.is_posted() { SEND_PART } else { SEND };
        let end = end_of_sending(&[Sent::new(port, frame(&message))], limit(500), None, nobody);
        assert!(matches!(end, End::Violation(_) | End::Fault(Fault { vector: 6, .. })), "{message:?}: {end}");
    }
    // What is well-formed is taken, though the streams are none and the numbers absurd.
    let mut sent: Vec<Sent> = [
        Request::Read(Stream(u32::MAX), usize::MAX),
        Request::Seek(Stream::INPUT, Origin::End, i64::MIN),
        Request::Close(Stream(7)),
        Request::Open(Location::granted(&[0xff; 5000]), Default::default()),
        Request::Remove(Location::beneath(Stream::INPUT, b"../.."), Removal::Any),
        Request::Status(Target::Open(Stream(u32::MAX))),
        Request::WriteAt(Stream::OUTPUT, u64::MAX, b"x"),
        Request::ReadDirectory(Stream::ERROR, u64::MAX, usize::MAX),
        Request::Poll {
            interests: vec![Interest { stream: Stream(99), direction: Direction::Write }; 9000].into(),
            timeout: Some(u64::MAX),
        },
        Request::Entropy(usize::MAX),
    ]
    .into_iter()
    .map(|request| Sent::new(SEND, frame(&FromGuest::Ask(request))))
    .collect();
    sent.push(Sent::new(
        SEND,
        frame(&FromGuest::Call { function: u32::MAX, arguments: vec![Token::Table(u32::MAX); 9] }),
    ));
    sent.push(Sent::new(SEND_PART, frame(&FromGuest::Post(Stream(99), b"x"))));
    assert_eq!(fault(end_of_sending(&sent, limit(500), None, nobody), "requests").vector, 6);
}

#[test]
fn endless_messages_end() {
    let _neighbour = Neighbour::alone();
    let resident = peak_bytes_from_now();
    // A message as long as may be, of which ever more comes, as fast as may be.
    let code = code!(
        "mov dword ptr [{outbox}], {length}", "mov dword ptr [{channel}], {bytes}", "2: out 0x11, al",
        "mov dword ptr [{outbox}], -1", "jmp 2b";
        outbox = OUTBOX, length = MEMORY as u32, channel = CHANNEL, bytes = OUTBOX_BYTES
    );
    let end = violation(
        Attack { code: &code, constants: &[], limits: limit(20_000), output: None }.run(&mut Nobody::default()),
    );
    assert!(["its message is malformed", "its message is too long"].contains(&end.as_str()), "{end}");
    // Values that take more room than their bytes: 32 million of nothing, which would be 800 MB.
    const PARTS: u32 = 512;
    const LENGTH: u32 = PARTS * OUTBOX_BYTES as u32 - 4;
    let mut begin = LENGTH.to_le_bytes().to_vec();
    begin.extend_from_slice(&append(&FromGuest::Await(Outcome::Returned(Vec::new())), Vec::new())[..2]);
    let count = LENGTH - 6;
    begin.extend((0..4).map(|index| (count >> (7 * index)) as u8 | if index < 3 { 0x80 } else { 0 }));
    let code = code!(
        "mov esi, {constants}", "mov edi, {outbox}", "mov ecx, 10", "rep movsb", "mov dword ptr [{channel}], {bytes}",
        "mov ecx, {parts} - 1", "2: out 0x11, al", "mov qword ptr [{outbox}], 0", "mov qword ptr [{outbox} + 8], 0",
        "dec ecx", "jnz 2b", "out 0x10, al";
        constants = CONSTANTS, outbox = OUTBOX, channel = CHANNEL, bytes = OUTBOX_BYTES, parts = PARTS
    );
    let end = violation(
        Attack { code: &code, constants: &begin, limits: limit(20_000), output: None }.run(&mut Nobody::default()),
    );
    assert_eq!(end, "its message is malformed");
    let peak = peak_bytes() - resident;
    assert!(peak < 4 * MEMORY, "the monitor took {peak} bytes");
}
