//! Disassembler and assembler.
mod common;

use common::{Random, SAMPLE};
use lunette_bytecode::assembler::{AssembleErrorKind, assemble};
use lunette_bytecode::disassembler::disassemble;
use lunette_bytecode::instruction::Opcode;
use lunette_bytecode::module::*;
use lunette_bytecode::verifier::verify;

#[test]
fn the_sample_is_valid_and_round_trips() {
    let module = assemble(SAMPLE).unwrap();
    assert_eq!(verify(&module), Ok(()));
    let text = disassemble(&module);
    assert_eq!(assemble(&text).unwrap(), module, "{text}");
    assert_eq!(disassemble(&assemble(&text).unwrap()), text);
}

#[test]
fn any_module_round_trips() {
    let mut random = Random(3);
    for _ in 0..5_000 {
        let module = random.module();
        let text = disassemble(&module);
        match assemble(&text) {
            Ok(again) => assert_eq!(again, module, "{text}"),
            Err(error) => panic!("{error} in\n{text}"),
        }
    }
}

#[test]
fn the_text_form() {
    let function = Function {
        register_count: 2,
        constants: vec![Constant::String((*b"key\n").into()), Constant::Float(1.0)],
        sites: vec![0],
        code: vec![
            Opcode::get_field.encode(&[0, 1, 0]).unwrap(),
            Opcode::jump_if.encode(&[0, 1]).unwrap(),
            Opcode::load_constant.encode(&[0, 1]).unwrap(),
            Opcode::return_one.encode(&[0]).unwrap(),
        ],
        lines: vec![3, 3, 4, 4],
        ..Function::default()
    };
    let module = Module { source: (*b"=test").into(), functions: vec![function] };
    assert_eq!(
        disassemble(&module),
        r#"module "=test"

function f0
  defined 0 0
  parameters 0
  registers 2
  constant k0 "key\n"
  constant k1 1.0
  site site0 k0 ; "key\n"
code
  line 3
    get_field r0, r1, site0                 ; ["key\n"]
    jump_if r0, ->L3
  line 4
    load_constant r0, k1                    ; 1.0
L3:
    return_one r0
end
"#
    );
}

#[test]
fn the_example_of_the_specification_is_valid() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/bytecode.md");
    let specification = std::fs::read_to_string(path).unwrap();
    let start = specification.find("module \"").unwrap();
    let length = specification[start..].find("```").unwrap();
    let module = assemble(&specification[start..start + length]).unwrap();
    assert_eq!(verify(&module), Ok(()));
}

#[test]
fn errors_are_located() {
    use AssembleErrorKind::*;
    let cases = [
        ("", 1, 1, Expected("`module`")),
        ("; comment\n  function", 2, 3, Expected("`module`")),
        ("module 5", 1, 8, Expected("a string")),
        ("module \"abc", 1, 8, UnfinishedString),
        ("module \"a\\q\"", 1, 10, InvalidEscape),
        ("module \"a\\x0", 1, 10, InvalidEscape),
        ("module \"\" x", 1, 11, Expected("the end of the line")),
        ("module \"\"\nfunction f1", 2, 10, WrongNumber(0)),
        ("module \"\"\nfunction f0\n  bogus", 3, 3, Expected("a part of a function or `code`")),
        ("module \"\"\nfunction f0\n  registers", 3, 12, Expected("a number")),
        ("module \"\"\nfunction f0\n  registers 65536", 3, 13, OutOfRange),
        ("module \"\"\nfunction f0\n  registers +5", 3, 13, Expected("a number")),
        ("module \"\"\nfunction f0\n  constant k0 zero", 3, 15, Expected("a constant")),
        ("module \"\"\nfunction f0\n  constant k0 nan:0x0", 3, 15, Expected("a constant")),
        ("module \"\"\nfunction f0\n  constant k1 nil", 3, 12, WrongNumber(0)),
        ("module \"\"\nfunction f0\n  local \"\\xff\" r0 0 0", 3, 9, InvalidName),
        ("module \"\"\nfunction f0\n  upvalue u0 \"\" k0", 3, 17, Expected("a register, such as `r0`")),
        ("module \"\"\nfunction f0\n  upvalue u0 \"\" r0 x", 3, 20, Expected("`constant` or `to_be_closed`")),
        ("module \"\"\nfunction f0\ncode\n", 4, 1, Expected("an instruction, a label, `line` or `end`")),
        ("module \"\"\nfunction f0\ncode\n  bogus r0\nend", 4, 3, UnknownInstruction("bogus".into())),
        ("module \"\"\nfunction f0\ncode\n  copy r0 r1\nend", 4, 11, Expected("a comma")),
        ("module \"\"\nfunction f0\ncode\n  copy r0, k1\nend", 4, 12, Expected("a register, such as `r0`")),
        ("module \"\"\nfunction f0\ncode\n  copy r0, r4096\nend", 4, 12, OutOfRange),
        ("module \"\"\nfunction f0\ncode\n  copy r0, r1, r2\nend", 4, 14, Expected("the end of the line")),
        ("module \"\"\nfunction f0\ncode\n  jump ->x\nend", 4, 8, UnknownLabel("x".into())),
        ("module \"\"\nfunction f0\ncode\nx:\nx:\nend", 5, 1, DuplicateLabel("x".into())),
        ("module \"\"\nfunction f0\ncode\n  return_none\n  line 4\nend", 5, 3, LateLine),
        ("module \"\"\nfunction f0\ncode\n  word 12\nend", 4, 8, Expected("the word in hexadecimal, such as `0x0123`")),
    ];
    for (text, line, column, kind) in cases {
        let error = assemble(text).unwrap_err();
        assert_eq!((error.line, error.column, error.kind), (line, column, kind), "{text}");
    }
}

#[test]
fn damaged_text_does_not_panic() {
    let mut random = Random(4);
    for _ in 0..20_000 {
        let mut text = SAMPLE.as_bytes().to_vec();
        for _ in 0..1 + random.below(4) {
            let position = random.index(text.len());
            match random.below(3) {
                0 => text[position] = b" \",;:-#>0k\xc3\n"[random.index(12)],
                1 if text.len() > 1 => drop(text.remove(position)),
                _ => text.truncate(position.max(1)),
            }
        }
        if let Ok(text) = str::from_utf8(&text)
            && let Ok(module) = assemble(text)
        {
            assert_eq!(assemble(&disassemble(&module)), Ok(module));
        }
    }
}
