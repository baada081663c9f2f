//! The module file, stripped modules and extracted functions.
mod common;

use common::{Random, SAMPLE};
use lunette_bytecode::assembler::assemble;
use lunette_bytecode::file::{MAGIC, ReadError, ReadErrorKind, VERSION, read, write};
use lunette_bytecode::module::*;
use lunette_bytecode::verifier::verify;

const BUDGET: usize = 1 << 20;

/// Corrects the checksum of a changed file.
fn seal(bytes: &mut [u8]) {
    let content = bytes.len() - 8;
    let hash = bytes[..content]
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    bytes[content..].copy_from_slice(&hash.to_le_bytes());
}

/// A file of these sections.
fn file(sections: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    for (number, content) in sections {
        bytes.push(*number);
        bytes.extend((content.len() as u64).to_le_bytes());
        bytes.extend(*content);
    }
    bytes.extend([0; 8]);
    seal(&mut bytes);
    bytes
}

#[track_caller]
fn refuses(bytes: &[u8], offset: usize, kind: ReadErrorKind) {
    assert_eq!(read(bytes, BUDGET), Err(ReadError { offset, kind }));
}

#[test]
fn modules_round_trip() {
    let mut random = Random(6);
    let sample = assemble(SAMPLE).unwrap();
    for module in core::iter::once(sample).chain((0..5_000).map(|_| random.module())) {
        let bytes = write(&module);
        assert_eq!(read(&bytes, BUDGET).as_ref(), Ok(&module));
        let mut stripped = module;
        stripped.strip();
        let bytes = write(&stripped);
        assert_eq!(read(&bytes, BUDGET), Ok(stripped));
    }
}

#[test]
fn lines_of_any_number_are_kept() {
    let function = Function { lines: vec![u32::MAX, 0, u32::MAX], ..Function::default() };
    let module = Module { source: [].into(), functions: vec![function] };
    assert_eq!(read(&write(&module), BUDGET), Ok(module));
}

/// The bytes of the format, as `spec/module-file.md` has them.
#[test]
fn the_format() {
    let module = assemble(
        "module \"=a\"
        function f0
        parameters 1 variadic
        registers 300
        upvalue u0 \"x\" u5 constant
        constant k0 -2
        constant k1 \"b\"
        site site0 k1
        local \"y\" r1 2 3
        code
        line 7
        word 0x1122334455667788
        line 5
        return_none
        end",
    )
    .unwrap();
    #[rustfmt::skip]
    let expected = [
        0x1b, b'L', b'B', b'C', b'\r', b'\n', 1, 0,
        1, 2, 0, 0, 0, 0, 0, 0, 0, b'=', b'a',
        2, 36, 0, 0, 0, 0, 0, 0, 0,
        1, 0, 0, 1, 1, 0xac, 0x02,
        1, 1, 5, 1,
        2, 3, 3, 5, 1, b'b',
        1, 1,
        2, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, return_none(), 0, 0, 0, 0, 0, 0, 0,
        3, 11, 0, 0, 0, 0, 0, 0, 0,
        2, 14, 3,
        1, 1, b'y', 1, 2, 3,
        1, b'x',
    ];
    let bytes = write(&module);
    assert_eq!(bytes[..bytes.len() - 8], expected);
    let mut sealed = bytes.clone();
    seal(&mut sealed);
    assert_eq!(bytes, sealed);
}

fn return_none() -> u8 {
    lunette_bytecode::instruction::Opcode::return_none as u8
}

#[test]
fn refusals() {
    use ReadErrorKind::*;
    let valid = write(&assemble(SAMPLE).unwrap());
    refuses(b"", 0, NotAModule);
    refuses(b"\x1bLua\x54\0\x19\x93", 0, NotAModule);
    refuses(&MAGIC, 6, Truncated);
    refuses(&[&MAGIC[..], &[2, 0]].concat(), 6, UnsupportedVersion(2));
    refuses(&valid[..12], 12, Truncated);
    let mut damaged = valid.clone();
    damaged[20] ^= 1;
    refuses(&damaged, valid.len() - 8, Checksum);

    refuses(&file(&[]), 8, Truncated);
    refuses(&file(&[(2, &[0])]), 8, UnexpectedSection(2));
    refuses(&file(&[(1, &[]), (3, &[0])]), 17, UnexpectedSection(3));
    assert_eq!(read(&file(&[(1, &[]), (2, &[0])]), BUDGET), Ok(Module::default()));
    refuses(&file(&[(1, &[]), (2, &[0]), (4, &[])]), 27, UnexpectedSection(4));
    refuses(&file(&[(1, &[]), (2, &[0]), (3, &[])]), 36, NotCanonical);
    refuses(&file(&[(1, &[]), (2, &[0, 0])]), 27, LeftOver);
    let mut overlong = file(&[(1, &[]), (2, &[0])]);
    overlong[9] = 100;
    seal(&mut overlong);
    refuses(&overlong, 9, Truncated);
    overlong[9..17].fill(0xff);
    seal(&mut overlong);
    refuses(&overlong, 9, Truncated);

    let function = |content: &[u8]| file(&[(1, &[]), (2, &[&[1], content].concat())]);
    // The content of the first function begins at byte 27.
    let empty = [0; 9];
    assert_eq!(read(&function(&empty), BUDGET).map(|module| module.functions), Ok(vec![Function::default()]));
    refuses(&function(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 27, NotCanonical);
    refuses(&function(&[0x80, 0x80, 0x80, 0x80, 0x10, 0, 0, 0, 0, 0, 0, 0, 0]), 27, OutOfRange);
    let longest = [0xff; 9];
    refuses(&function(&[&longest[..], &[0x02]].concat()), 27, OutOfRange);
    refuses(&function(&[&longest[..], &[0x81, 0]].concat()), 27, OutOfRange);
    refuses(&function(&[0, 0, 0, 2, 0, 0, 0, 0, 0]), 30, InvalidTag { what: "flag", value: 2 });
    refuses(&function(&[0, 0, 0, 0, 0x80, 0x80, 4, 0, 0, 0, 0]), 31, OutOfRange);
    refuses(&function(&[0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0]), 33, InvalidTag { what: "capture", value: 2 });
    refuses(&function(&[0, 0, 0, 0, 0, 1, 0, 0, 3, 0, 0, 0]), 35, InvalidTag { what: "attribute", value: 3 });
    refuses(&function(&[0, 0, 0, 0, 0, 0, 1, 6, 0, 0]), 34, InvalidTag { what: "constant", value: 6 });
    refuses(&function(&[0, 0, 0, 0, 0, 0, 1, 5, 100]), 36, Truncated);
    refuses(&function(&[0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]), 36, Truncated);

    let debug = |content: &[u8]| file(&[(1, &[]), (2, &[&[1], &empty[..]].concat()), (3, content)]);
    // The content of the debug section begins at byte 45.
    refuses(&debug(&[0, 0]), 47, NotCanonical);
    refuses(&debug(&[1, 1, 0]), 46, OutOfRange);
    refuses(&debug(&[0, 1, 1, 0xff, 0, 0, 0]), 47, InvalidName);
}

#[test]
fn memory_is_bounded() {
    let module = assemble(SAMPLE).unwrap();
    let bytes = write(&module);
    let least = (0..BUDGET).find(|&budget| read(&bytes, budget).is_ok()).unwrap();
    assert!(least >= size_of::<Function>() * module.functions.len());
    for budget in 0..least {
        let refused = read(&bytes, budget).unwrap_err();
        assert_eq!(refused.kind, ReadErrorKind::MemoryBudget);
    }
    // A count that the input cannot hold is refused whatever the budget.
    let huge = file(&[(1, &[]), (2, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])]);
    assert_eq!(read(&huge, usize::MAX).unwrap_err().kind, ReadErrorKind::Truncated);
}

#[test]
fn damaged_files_are_refused() {
    let bytes = write(&assemble(SAMPLE).unwrap());
    for position in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[position] ^= 0x20;
        assert!(read(&damaged, BUDGET).is_err(), "byte {position}");
        assert!(read(&bytes[..position], BUDGET).is_err(), "byte {position}");
    }
}

#[test]
fn what_is_read_is_canonical() {
    let mut random = Random(7);
    let sample = assemble(SAMPLE).unwrap();
    let (mut read_count, mut verified) = (0, 0);
    for round in 0..60_000 {
        let mut bytes = write(&if round % 4 == 0 { random.module() } else { sample.clone() });
        for _ in 0..1 + random.below(3) {
            let position = random.index(bytes.len());
            match random.below(6) {
                0 => bytes.insert(position, random.next() as u8),
                1 => drop(bytes.remove(position)),
                2 => bytes[position] = random.next() as u8,
                _ => bytes[position] ^= 1 << random.below(8),
            }
        }
        if bytes.len() >= 8 {
            seal(&mut bytes);
        }
        if let Ok(module) = read(&bytes, BUDGET) {
            read_count += 1;
            assert_eq!(write(&module), bytes);
            verified += u32::from(verify(&module).is_ok());
        }
    }
    assert!(read_count > 1000 && verified > 1000, "{read_count} read, {verified} verified");
}

#[test]
fn functions_are_extracted_with_those_in_them() {
    let module = assemble(SAMPLE).unwrap();
    assert_eq!(module.extract(0).as_ref(), Some(&module));
    let extracted = module.extract(1).unwrap();
    assert_eq!(verify(&extracted), Ok(()));
    assert_eq!(extracted.source, module.source);
    assert_eq!(extracted.functions.len(), 2);
    assert_eq!(extracted.functions[0].upvalues, module.functions[1].upvalues);
    assert_eq!(extracted.functions[0].code[2], assemble_word("closure r3, f1, #4"));
    assert_eq!(extracted.functions[1], module.functions[3]);
    assert_eq!(module.extract(2).unwrap().functions, module.functions[2..3]);
    assert_eq!(module.extract(4), None);
    let mut random = Random(8);
    for _ in 0..2000 {
        let module = random.module();
        for number in 0..5 {
            // Modules that are not verified give none or some other module.
            let _ = module.extract(number);
        }
    }
}

fn assemble_word(instruction: &str) -> lunette_bytecode::instruction::Word {
    assemble(&format!("module \"\"\nfunction f0\ncode\n{instruction}\nend")).unwrap().functions[0].code[0]
}

#[test]
fn stripping_keeps_what_runs() {
    let module = assemble(SAMPLE).unwrap();
    let mut stripped = module.clone();
    stripped.strip();
    assert_eq!(&stripped.source[..], b"=?");
    assert!(module.has_debug_information() && !stripped.has_debug_information());
    assert!(write(&stripped).len() < write(&module).len());
    assert_eq!(verify(&stripped), Ok(()));
    for (stripped, function) in stripped.functions.iter().zip(&module.functions) {
        assert_eq!(stripped.code, function.code);
        assert_eq!(stripped.constants, function.constants);
    }
}
