//! Every refusal of the verifier, and what it guarantees for modules that it accepts.
mod common;

use common::{Random, SAMPLE};
use lunette_bytecode::assembler::assemble;
use lunette_bytecode::instruction::{Flow, Opcode, OperandKind, Word};
use lunette_bytecode::module::{self, Attribute, Capture, Constant, Function, Module};
use lunette_bytecode::verifier::{VerifyError, VerifyErrorKind, verify};

/// A module of one function with 8 registers, of the given header lines and code.
fn one_function(header: &str, code: &str) -> Module {
    assemble(&format!("module \"=test\"\nfunction f0\nregisters 8\n{header}\ncode\n{code}\nend")).unwrap()
}

#[track_caller]
fn accepts(header: &str, code: &str) {
    assert_eq!(verify(&one_function(header, code)), Ok(()), "{code}");
}

#[track_caller]
fn refuses(header: &str, code: &str, instruction: impl Into<Option<u32>>, kind: VerifyErrorKind) {
    let instruction = instruction.into();
    let expected = Err(VerifyError { function: 0, instruction, kind });
    assert_eq!(verify(&one_function(header, code)), expected, "{code}");
}

#[track_caller]
fn refuses_module(module: &Module, function: u32, instruction: impl Into<Option<u32>>, kind: VerifyErrorKind) {
    let instruction = instruction.into();
    assert_eq!(verify(module), Err(VerifyError { function, instruction, kind }));
}

#[test]
fn frames() {
    use VerifyErrorKind::*;
    refuses_module(&Module::default(), 0, None, NoFunctions);
    let valid = one_function("parameters 8\nlocal \"a\" r7 0 1", "line 1\nreturn_none");
    assert_eq!(verify(&valid), Ok(()));
    let with = |change: fn(&mut Function)| {
        let mut module = valid.clone();
        change(&mut module.functions[0]);
        module
    };
    refuses_module(&with(|function| function.register_count = 256), 0, None, TooManyRegisters(256));
    assert_eq!(verify(&with(|function| function.register_count = 255)), Ok(()));
    refuses_module(&with(|function| function.parameter_count = 9), 0, None, ParametersBeyondRegisters);
    refuses_module(&with(|function| function.code.clear()), 0, None, NoCode);
    refuses_module(&with(|function| function.lines.push(2)), 0, None, LinesDiffer);
    refuses_module(&with(|function| function.locals[0].register = 8), 0, None, LocalRegister(0));
    refuses_module(&with(|function| function.locals[0].end = 2), 0, None, LocalExtent(0));
    refuses_module(&with(|function| function.locals[0].start = 2), 0, None, LocalExtent(0));
    let upvalue =
        module::Upvalue { name: String::new(), capture: module::Capture::Upvalue(9), attribute: Attribute::Regular };
    let with_upvalues = |count| {
        let mut module = valid.clone();
        module.functions[0].upvalues = vec![upvalue.clone(); count];
        module
    };
    assert_eq!(verify(&with_upvalues(255)), Ok(()));
    refuses_module(&with_upvalues(256), 0, None, TooManyUpvalues(256));
}

#[test]
fn sites() {
    use VerifyErrorKind::*;
    let header = "constant k0 \"a\"\nconstant k1 1\nsite site0 k0";
    accepts(header, "get_field r0, r1, site0\nreturn_none");
    refuses(header, "return_none", None, UnusedSite(0));
    refuses(header, "get_field r0, r1, site0\nset_field r0, r1, site0, #0\nreturn_none", 1, SharedSite(0));
    refuses(header, "get_field r0, r1, site1\nreturn_none", 0, Site(1));
    refuses("constant k0 1\nsite site0 k0", "get_field r0, r1, site0\nreturn_none", None, SiteKey(0));
    refuses("site site0 k0", "get_field r0, r1, site0\nreturn_none", None, SiteKey(0));
    let sites: String = (0..100).map(|number| format!("site site{number} k0\n")).collect();
    let uses: String =
        (0..100).filter(|&number| number != 77).map(|number| format!("get_field r0, r0, site{number}\n")).collect();
    refuses(&format!("constant k0 \"a\"\n{sites}"), &(uses + "return_none"), None, UnusedSite(77));
}

#[test]
fn words() {
    use VerifyErrorKind::*;
    refuses("", "word 0xff\nreturn_none", 0, UnknownOpcode(255));
    let first_free = Opcode::ALL.len();
    refuses("", &format!("word {first_free:#x}\nreturn_none"), 0, UnknownOpcode(first_free as u8));
    for opcode in Opcode::ALL {
        let used = opcode.entry().operands.iter().fold(0xff_u64, |used, &operand| {
            use lunette_bytecode::instruction::Field::*;
            used | match operand.field {
                A => 0xffff << 16,
                B => 0xffff << 32,
                C => 0xffff << 48,
                D => 0xffff_ffff << 32,
                K => 0xff << 8,
            }
        });
        for bit in 0..64 {
            let is_stray = used >> bit & 1 == 0;
            let mut module = one_function("", "return_none");
            module.functions[0].code.insert(0, Word(*opcode as u64 | 1 << bit));
            let refused_for_bits =
                matches!(verify(&module), Err(VerifyError { instruction: Some(0), kind: StrayBits, .. }));
            if is_stray {
                assert!(refused_for_bits, "{opcode:?}, bit {bit}");
            }
        }
    }
    // Between scaled operands, and in a flag.
    refuses("", "word 0x00180000\nreturn_none", 0, StrayBits);
    let swapped = Opcode::add_integer.encode(&[0, 0, 0, 1]).unwrap().0 | 2 << 8;
    refuses("", &format!("word {swapped:#x}\nreturn_none"), 0, StrayBits);
}

#[test]
fn operands() {
    use VerifyErrorKind::*;
    accepts("", "copy r7, r7\nreturn_none");
    refuses("", "copy r8, r0\nreturn_none", 0, Register(8));
    refuses("", "copy r0, r8\nreturn_none", 0, Register(8));
    refuses("", "load_true r0\nload_nil r6, #3\nreturn_none", 1, Register(8));
    refuses("", "load_nil r6, #0\nreturn_none", 0, Count);
    refuses("", "concat r6, #1, #0\nreturn_none", 0, Count);
    refuses("", "concat r6, #3, #0\nreturn_none", 0, Register(8));
    refuses("", "call r5, #3, #1\nreturn_none", 0, Register(8));
    refuses("", "call r5, #1, #5\nreturn_none", 0, Register(8));
    accepts("", "call r5, #2, #4\nreturn_none");
    refuses("", "call r7, #1, #1\nreturn_none", 0, Register(8));
    refuses("", "tail_call r5, #3\nreturn_values r5, #0", 0, Register(8));
    refuses("", "tail_call r5, #1", 0, FallsOffEnd);
    refuses("", "tail_call r5, #1\nreturn_none", 0, OpenListUnused);
    accepts("", "return_values r7, #2");
    refuses("", "return_values r7, #3", 0, Register(8));
    refuses("", "close r8\nreturn_none", 0, Register(8));
    refuses("", "set_list r5, #3, #1\nreturn_none", 0, Register(8));
    let site = "constant k0 \"a\"\nsite site0 k0";
    accepts(site, "get_method r5, r0, site0\nreturn_none");
    refuses(site, "get_method r6, r0, site0\nreturn_none", 0, Register(8));
    refuses("", "load_constant r0, k0\nreturn_none", 0, Constant(0));
    refuses("constant k0 nil", "jump_equal_constant r0, k1, ->x\nx:\nreturn_none", 0, Constant(1));
    refuses("", "add_constant r0, r0, k0, #0\nreturn_none", 0, Constant(0));
    refuses("constant k0 \"1\"", "add_constant r0, r0, k0, #0\nreturn_none", 0, ConstantKind(0));
    accepts("constant k0 1\nconstant k1 1.5", "add_constant r0, r0, k0, #0\nadd_constant r0, r0, k1, #1\nreturn_none");
    refuses("", "get_upvalue r0, u0\nreturn_none", 0, Upvalue(0));
    accepts("upvalue u0 \"\" r200", "get_upvalue r0, u0\nreturn_none");
    for live in [0, 3, 8] {
        accepts("", &format!("new_table r5, #0, #0, #{live}\nnew_cell r0, #{live}\nreturn_none"));
    }
    refuses("", "new_cell r0, #8\nnew_table r5, #0, #0, #9\nreturn_none", 1, Live(9));
    refuses("registers 254", "set_index r0, r0, r0, #255\nreturn_none", 0, Live(255));
}

#[test]
fn jumps() {
    use VerifyErrorKind::*;
    accepts("", "jump #0\nreturn_none");
    accepts("", "l:\nloop_back ->l");
    accepts("", "jump_if r0, ->end\nload_true r0\nend:\nreturn_none");
    refuses("", "jump #1\nreturn_none", 0, JumpTarget);
    refuses("", "load_true r0\nloop_back #-3", 1, JumpTarget);
    refuses("", "jump #2147483647\nreturn_none", 0, JumpTarget);
    refuses("", "loop_back #-2147483648\nreturn_none", 0, JumpTarget);
    refuses("", "l:\njump ->l", 0, BackwardJump);
    refuses("", "l:\njump_less r0, r0, ->l\nreturn_none", 0, BackwardJump);
    refuses("", "loop_back #0\nreturn_none", 0, ForwardBackEdge);
    refuses("", "load_true r0", 0, FallsOffEnd);
    refuses("", "jump_if r0, ->l\nl:\ncall r0, #1, #1", 1, FallsOffEnd);
}

#[test]
fn open_lists() {
    use VerifyErrorKind::*;
    accepts("", "call r0, #1, #0\nreturn_values r0, #0");
    accepts("", "variable_arguments r2, #0\ncall r0, #0, #1\nreturn_none");
    refuses("", "variable_arguments r1, #0\ncall r0, #0, #1\nreturn_none", 1, NoOpenList);
    refuses("", "variable_arguments r1, #0\ntail_call r0, #0\nreturn_values r0, #0", 1, NoOpenList);
    accepts("", "variable_arguments r2, #0\ntail_call r0, #0\nreturn_values r0, #0");
    accepts("", "variable_arguments r1, #0\nset_list_open r0, #1\nreturn_none");
    refuses("", "variable_arguments r0, #0\nset_list_open r0, #1\nreturn_none", 1, NoOpenList);
    refuses("", "variable_arguments r0, #0\nreturn_closing r1, #0", 1, NoOpenList);
    refuses("", "return_values r0, #0", 0, NoOpenList);
    refuses("", "variable_arguments r0, #0\nload_true r0\nreturn_values r0, #0", 0, OpenListUnused);
    refuses("", "call r0, #1, #0\nreturn_none", 0, OpenListUnused);
    refuses("", "call r0, #1, #2\nreturn_values r0, #0", 1, NoOpenList);
    refuses("", "jump_if r0, ->l\nvariable_arguments r0, #0\nl:\nreturn_values r0, #0", 0, JumpToOpenList);
}

#[test]
fn numeric_loops() {
    use VerifyErrorKind::BrokenLoop;
    accepts("", "numeric_for_prepare r0, ->end\nb:\nnumeric_for_loop r0, ->b\nend:\nreturn_none");
    accepts("", "numeric_for_prepare r0, ->end\nb:\njump ->n\nn:\nnumeric_for_loop r0, ->b\nend:\nreturn_none");
    for (code, instruction) in [
        ("numeric_for_prepare r0, ->end\nb:\nnumeric_for_loop r1, ->b\nend:\nreturn_none", 0),
        ("numeric_for_prepare r0, ->end\nend:\nreturn_none", 0),
        ("numeric_for_prepare r0, ->end\nload_true r0\nb:\nnumeric_for_loop r0, ->b\nend:\nreturn_none", 0),
        ("numeric_for_prepare r0, ->end\nb:\nnumeric_for_loop r0, ->b\nload_true r0\nend:\nreturn_none", 0),
        ("b:\nnumeric_for_loop r0, ->b\nreturn_none", 0),
        ("load_true r0\nb:\nnumeric_for_loop r0, ->b\nreturn_none", 1),
        // The inner loop goes with the outer preparation.
        ("numeric_for_prepare r0, ->end\nb:\nnumeric_for_loop r0, ->b\nnumeric_for_loop r0, ->b\nend:\nreturn_none", 1),
    ] {
        refuses("", code, instruction, BrokenLoop);
    }
    refuses("registers 3", "numeric_for_prepare r0, #0\nreturn_none", 0, VerifyErrorKind::Register(3));
}

#[test]
fn generic_loops() {
    use VerifyErrorKind::*;
    let wide = "registers 9";
    accepts(
        wide,
        "generic_for_prepare r0, ->c\nb:\nc:\ngeneric_for_call r0, #1\ngeneric_for_loop r0, ->b\nreturn_none",
    );
    for (code, instruction) in [
        ("generic_for_prepare r0, ->c\nb:\nc:\ngeneric_for_call r1, #1\ngeneric_for_loop r1, ->b\nreturn_none", 0),
        ("generic_for_prepare r0, ->c\nb:\nc:\ngeneric_for_call r0, #1\ngeneric_for_loop r1, ->b\nreturn_none", 0),
        ("generic_for_prepare r0, ->c\nc:\nreturn_none", 0),
        ("generic_for_call r0, #1\nreturn_none", 0),
        ("l:\ngeneric_for_loop r0, ->l\nreturn_none", 0),
        ("l:\ngeneric_for_call r0, #1\ngeneric_for_loop r0, ->l\nreturn_none", 1),
        (
            "generic_for_prepare r0, ->c\nload_true r4\nb:\nc:\ngeneric_for_call r0, #1\ngeneric_for_loop r0, ->b\nreturn_none",
            0,
        ),
    ] {
        let refused = verify(&one_function("registers 10", code));
        assert_eq!(
            refused,
            Err(VerifyError { function: 0, instruction: Some(instruction), kind: BrokenLoop }),
            "{code}"
        );
    }
    refuses(wide, "generic_for_call r0, #0\nreturn_none", 0, Count);
    refuses(wide, "generic_for_call r0, #6\nreturn_none", 0, Register(9));
    refuses("", "generic_for_call r1, #1\nreturn_none", 0, Register(8));
}

#[test]
fn function_tree() {
    use VerifyErrorKind::*;
    let module = |bodies: &[&str]| {
        let functions: String = bodies
            .iter()
            .enumerate()
            .map(|(number, body)| {
                let (header, code) = body.split_once('|').unwrap_or(("", body));
                format!("function f{number}\nregisters 2\n{header}\ncode\n{code}\nreturn_none\nend\n")
            })
            .collect();
        assemble(&format!("module \"\"\n{functions}")).unwrap()
    };
    assert_eq!(verify(&module(&["closure r0, f2, #0\nclosure r0, f1, #0", "closure r0, f3, #0", "", ""])), Ok(()));
    assert_eq!(verify(&module(&["closure r0, f1, #0\nclosure r1, f1, #0", ""])), Ok(()));
    refuses_module(&module(&["", ""]), 1, None, Orphan);
    refuses_module(&module(&["closure r0, f1, #0"]), 0, 0, NoSuchFunction(1));
    refuses_module(&module(&["closure r0, f0, #0"]), 0, 0, ClosureOfEarlierFunction(0));
    refuses_module(&module(&["closure r0, f1, #0", "closure r0, f1, #0"]), 1, 0, ClosureOfEarlierFunction(1));
    refuses_module(
        &module(&["closure r0, f1, #0\nclosure r0, f2, #0", "closure r0, f2, #0", ""]),
        1,
        0,
        SharedFunction(2),
    );
    assert_eq!(verify(&module(&["closure r0, f1, #0", "upvalue u0 \"\" r1|"])), Ok(()));
    refuses_module(&module(&["closure r0, f1, #0", "upvalue u0 \"\" r2|"]), 1, None, Capture(0));
    refuses_module(&module(&["closure r0, f1, #0", "upvalue u0 \"\" u0|"]), 1, None, Capture(0));
    assert_eq!(verify(&module(&["upvalue u0 \"\" r9|closure r0, f1, #0", "upvalue u0 \"\" u0|"])), Ok(()));
}

/// Runs through an accepted function along random branches and checks what an interpreter relies on.
fn walk(module: &Module, function: &Function, random: &mut Random) {
    let registers = u64::from(function.register_count);
    let mut pc = 0;
    let mut open_list = None;
    for _ in 0..200 {
        let word = function.code[pc];
        let entry = Opcode::from_number(word.opcode_number()).unwrap().entry();
        assert!(entry.extent(word) <= registers);
        let value = |index: usize| word.operand(entry.operands[index]);
        for &operand in entry.operands {
            let value = word.operand(operand) as u64;
            match operand.kind {
                OperandKind::Write | OperandKind::Read | OperandKind::Update | OperandKind::Range => {
                    assert!(value < registers);
                }
                OperandKind::Constant | OperandKind::WideConstant => {
                    assert!((value as usize) < function.constants.len());
                }
                OperandKind::Number => {
                    assert!(matches!(function.constants[value as usize], Constant::Integer(_) | Constant::Float(_)))
                }
                OperandKind::Site => {
                    let key = &function.constants[function.sites[value as usize] as usize];
                    assert!(matches!(key, Constant::String(_)));
                }
                OperandKind::Upvalue => assert!((value as usize) < function.upvalues.len()),
                OperandKind::Live => assert!(value <= registers),
                OperandKind::Function => {
                    for upvalue in &module.functions[value as usize].upvalues {
                        match upvalue.capture {
                            Capture::Register(register) => assert!(u64::from(register) < registers),
                            Capture::Upvalue(upvalue) => assert!(usize::from(upvalue) < function.upvalues.len()),
                        }
                    }
                }
                _ => {}
            }
        }
        let start = match entry.name {
            "call" | "tail_call" if value(1) == 0 => Some(value(0) + 2),
            "return_values" | "return_closing" if value(1) == 0 => Some(value(0)),
            "set_list_open" => Some(value(0) + 1),
            _ => None,
        };
        match (open_list.take(), start) {
            (None, None) => {}
            (made, used) => assert!(used.unwrap() <= made.unwrap()),
        }
        let is_open = match entry.name {
            "call" => value(2) == 0,
            "variable_arguments" => value(1) == 0,
            name => name == "tail_call",
        };
        if is_open {
            open_list = Some(value(0));
        }
        let jumps = match entry.flow {
            Flow::Next => false,
            Flow::Branch => random.chance(2),
            Flow::Jump => true,
            Flow::End => return,
        };
        let next = pc as i64 + 1 + if jumps { word.jump_distance().unwrap() } else { 0 };
        assert!(next > pc as i64 || entry.effects.contains(&lunette_bytecode::instruction::Effect::Poll));
        pc = next as usize;
    }
}

#[test]
fn accepted_modules_stay_in_their_frames() {
    let sample = assemble(SAMPLE).unwrap();
    let mut random = Random(5);
    let mut accepted = 0;
    for _ in 0..60_000 {
        let mut module = sample.clone();
        for _ in 0..1 + random.below(2) {
            let index = random.index(module.functions.len());
            let function = &mut module.functions[index];
            match random.below(10) {
                0 => function.register_count = random.below(20) as u16,
                1 => drop(function.constants.pop()),
                2 => drop(function.upvalues.pop()),
                3 => {
                    let at = random.index(function.code.len());
                    function.code[at] = random.word();
                }
                _ => {
                    let at = random.index(function.code.len());
                    let bit = 1 << random.below(64);
                    function.code[at].0 ^= bit;
                }
            }
        }
        if verify(&module).is_ok() {
            accepted += 1;
            for function in &module.functions {
                walk(&module, function, &mut random);
            }
        }
    }
    assert!(accepted > 1000, "only {accepted} of the changed modules were accepted");
}

#[test]
fn errors_say_where() {
    let error = verify(&one_function("", "load_true r0\ncopy r0, r9\nreturn_none")).unwrap_err();
    assert_eq!(error.to_string(), "function 0, instruction 1: register 9 out of range");
    assert_eq!(verify(&Module::default()).unwrap_err().to_string(), "function 0: the module has no main function");
}
