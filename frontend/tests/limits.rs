//! Limits of Lua and of the machine, and large sources.

mod common;

use common::{error, mnemonics, module, operands};
use lunette_bytecode::instruction::MAX_SMALL_CONSTANTS;
use lunette_frontend::{CompileError, Limits, compile};

fn list(count: usize, element: impl Fn(usize) -> String, separator: &str) -> String {
    (0..count).map(element).collect::<Vec<_>>().join(separator)
}

#[track_caller]
fn refused(source: &str, expected: &str) {
    assert_eq!(String::from_utf8_lossy(&error(source.as_bytes()).full_message(b"=x")), expected);
}

#[test]
fn nesting() {
    let overflow = "C stack overflow";
    for (opening, middle, closing, most) in [
        ("(", "1", ")", 195),
        ("- ", "x", "", 195),
        ("not ", "x", "", 195),
        ("a..", "x", "", 195),
        ("2^", "x", "", 195),
        ("{", "1", "}", 195),
        ("a[", "1", "]", 195),
        ("function() return ", "1", " end", 97),
    ] {
        let nested = |depth| format!("x = {}{middle}{}", opening.repeat(depth), closing.repeat(depth));
        module(&nested(most));
        refused(&nested(most + 1), overflow);
        // Refused before the end is seen.
        refused(&format!("x = {}", opening.repeat(10_000)), overflow);
    }
    for (opening, most) in [("do ", 197), ("while x do ", 196), ("local function f() ", 197)] {
        let nested = |depth| format!("{}{}", opening.repeat(depth), "end ".repeat(depth));
        module(&nested(most));
        refused(&nested(most + 1), overflow);
        refused(&opening.repeat(1000), overflow);
    }
    module(&format!("a{} = 1", ", a".repeat(195)));
    refused(&format!("a{}", ", a".repeat(500)), overflow);
}

#[test]
fn local_variables() {
    module(&format!("local {}", list(200, |number| format!("a{number}"), ", ")));
    refused(
        &format!("local {}", list(201, |number| format!("a{number}"), ", ")),
        "x:1: too many local variables (limit is 200) in main function near <eof>",
    );
    refused(
        &format!("\nfunction f()\n{}\nfor i = 1, 2 do end end", list(198, |number| format!("local a{number}"), "\n")),
        "x:201: too many local variables (limit is 200) in function at line 2 near '='",
    );
}

#[test]
fn upvalues() {
    let source = |count: usize| {
        format!(
            "{}\nlocal function g()\n{}\nlocal function h() return {} end end",
            list(150, |number| format!("local a{number}"), " "),
            list(count - 150, |number| format!("local b{number}"), " "),
            list(count, |number| if number < 150 { format!("a{number}") } else { format!("b{}", number - 150) }, "+"),
        )
    };
    assert_eq!(module(&source(255)).functions[2].upvalues.len(), 255);
    refused(&source(256), "x:4: too many upvalues (limit is 255) in function at line 4 near 'end'");
}

#[test]
fn registers() {
    module(&format!("local f f({})", list(250, |_| "f".into(), ", ")));
    let error = error(format!("local f f({})", list(260, |_| "f".into(), ", ")).as_bytes());
    assert!(error.message.starts_with(b"function or expression needs too many registers near"));
}

#[test]
fn long_chains() {
    const LENGTH: usize = 1_000_000;
    assert_eq!(mnemonics(&module(&format!("return 1{}", "+1".repeat(LENGTH))).functions[0]).len(), 2);
    let sum = module(&format!("local a return a{}", "+a".repeat(LENGTH)));
    assert_eq!(sum.functions[0].code.len(), LENGTH + 3);
    assert_eq!(sum.functions[0].register_count, 2);
    for chain in [" or a", " and a", " < a", ".b", "[a]", "()", ":b()"] {
        let long = module(&format!("local a return a{}", chain.repeat(LENGTH / 4)));
        assert!(long.functions[0].register_count < 10, "{chain}");
    }
    let clauses = list(LENGTH / 10, |number| format!("elseif a == {number} then a = 1"), " ");
    module(&format!("local a if a then {clauses} end"));
}

#[test]
fn large_constructors() {
    const LENGTH: usize = 1_000_000;
    let integers = module(&format!("return {{{}}}", list(LENGTH, |number| number.to_string(), ",")));
    assert_eq!(integers.functions[0].register_count, 51);
    let strings = module(&format!("return {{{}}}", list(LENGTH, |number| format!("'{number}'"), ",")));
    assert_eq!(strings.functions[0].constants.len(), LENGTH);
    // More sites than an operand can name.
    let fields = module(&format!("return {{{}}}", list(70_000, |number| format!("f{number}={number}"), ",")));
    assert_eq!(fields.functions[0].sites.len(), 1 << 16);
    assert!(mnemonics(&fields.functions[0]).contains(&"set_index"));
}

#[test]
fn constants_beyond_the_reach_of_operands() {
    let many = list(MAX_SMALL_CONSTANTS as usize, |number| format!("{number}.5"), ",");
    let module = module(&format!("local a = ... local t = {{{many}}} return a + 0.25, a == 'x'"));
    let names = mnemonics(&module.functions[0]);
    assert!(!names.contains(&"add_constant") && !names.contains(&"jump_equal_constant"));
    assert!(names.contains(&"add") && names.contains(&"jump_equal"));
}

#[test]
fn branches_over_long_distances() {
    let body = "x = 1 ".repeat(40_000);
    let module = module(&format!("local a, b = ... if a < b then {body} end while a == b do {body} end return a"));
    let function = &module.functions[0];
    let names = mnemonics(function);
    assert_eq!(names[1..3], ["jump_less", "jump"]);
    assert_eq!(operands(function.code[1]), [0, 1, 1]);
    let target = 3 + operands(function.code[2])[0] as usize;
    assert_eq!(names[target..target + 2], ["jump_equal", "jump"]);
    assert_eq!(function.lines.len(), function.code.len());
    assert_eq!(function.locals[0].end as usize, function.code.len());
}

#[test]
fn many_labels_and_gotos() {
    let gotos = list(20_000, |number| format!("goto l{number}"), "\n");
    let labels = list(20_000, |number| format!("::l{number}:: x = 1"), "\n");
    module(&format!("do {gotos} {labels} end"));
}

#[test]
fn memory() {
    let source = format!("return {{{}}}", list(10_000, |number| number.to_string(), ","));
    assert_eq!(compile(source.as_bytes(), b"=x", Limits { memory: 100_000 }), Err(CompileError::Memory));
    let nested = "(".repeat(100_000);
    assert!(compile(nested.as_bytes(), b"=x", Limits { memory: 1000 }).is_err());
    assert!(compile(source.as_bytes(), b"=x", Limits { memory: 10_000_000 }).is_ok());
}
