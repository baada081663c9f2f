//! The form of the generated code.

mod common;

use common::{mnemonics, module, operands};
use lunette_bytecode::instruction::OperandKind;
use lunette_bytecode::module::{Attribute, Capture, Constant};

/// Checks the mnemonics of the main function, without its last `return_none`.
#[track_caller]
fn check(source: &str, expected: &[&str]) {
    assert_eq!(mnemonics(&module(source).functions[0]), expected, "{source}");
}

#[test]
fn operands_are_used_in_place() {
    let module = module("local b, c = ... local a = b + c");
    let code = &module.functions[0].code;
    assert_eq!(mnemonics(&module.functions[0]), ["variable_arguments", "add"]);
    assert_eq!(operands(code[1]), [2, 0, 1]);
}

#[test]
fn intermediate_results_reuse_registers() {
    let module = module("local a = ... a = a.b.c.d");
    let code = &module.functions[0].code;
    assert_eq!(operands(code[1])[..2], [1, 0]);
    assert_eq!(operands(code[2])[..2], [1, 1]);
    assert_eq!(operands(code[3])[..2], [0, 1]);
    assert_eq!(module.functions[0].register_count, 2);
}

#[test]
fn immediate_and_constant_operands() {
    let variable = "local a, b = ... b = ";
    for (expression, mnemonic, expected) in [
        ("a + 1", "add_integer", vec![1, 0, 1, 0]),
        ("1 + a", "add_integer", vec![1, 0, 1, 1]),
        ("a - 30000", "subtract_integer", vec![1, 0, 30000]),
        ("a + 40000", "add_constant", vec![1, 0, 0, 0]),
        ("1.5 * a", "multiply_constant", vec![1, 0, 0, 1]),
        ("a / 3", "divide_constant", vec![1, 0, 0]),
        ("a // 3", "floor_divide_constant", vec![1, 0, 0]),
        ("a % 3", "modulo_constant", vec![1, 0, 0]),
        ("a ^ 3", "power_constant", vec![1, 0, 0]),
        ("a & 3", "bit_and_constant", vec![1, 0, 0, 0]),
        ("3 | a", "bit_or_constant", vec![1, 0, 0, 1]),
        ("a << 3", "shift_left_integer", vec![1, 0, 3]),
        ("a >> 3", "shift_right_integer", vec![1, 0, 3]),
    ] {
        let module = module(&format!("{variable}{expression}"));
        assert_eq!(mnemonics(&module.functions[0]), ["variable_arguments", mnemonic], "{expression}");
        assert_eq!(operands(module.functions[0].code[1]), expected, "{expression}");
    }
    check("local a = ... a = 1 - a", &["variable_arguments", "load_integer", "subtract"]);
}

#[test]
fn constants_are_folded() {
    for (expression, expected) in [
        ("1 + 2 * 3", Constant::Integer(7)),
        ("7 // 2 .. ''", Constant::Integer(3)),
        ("-7 // 2", Constant::Integer(-4)),
        ("-7 % 3", Constant::Integer(2)),
        ("7 % -3", Constant::Integer(-2)),
        ("2 ^ 10", Constant::Float(1024.0)),
        ("7 / 2", Constant::Float(3.5)),
        ("5.5 // 2", Constant::Float(2.0)),
        ("1 << 63", Constant::Integer(i64::MIN)),
        ("-1 >> 1", Constant::Integer(i64::MAX)),
        ("1 << 64", Constant::Integer(0)),
        ("3.0 | 4", Constant::Integer(7)),
        ("~0", Constant::Integer(-1)),
        ("9223372036854775807 + 1", Constant::Integer(i64::MIN)),
        ("0x7fffffffffffffff * 2", Constant::Integer(-2)),
    ] {
        let module = module(&format!("return {expression}"));
        let function = &module.functions[0];
        let loaded = match common::opcode(function.code[0]).entry().name {
            "load_integer" => Constant::Integer(operands(function.code[0])[1]),
            "load_constant" => function.constants[operands(function.code[0])[1] as usize].clone(),
            other => panic!("{expression}: {other}"),
        };
        assert_eq!(loaded, expected, "{expression}");
    }
}

#[test]
fn what_must_not_be_folded_is_not() {
    check("return 1 // 0", &["load_integer", "floor_divide_constant", "return_one"]);
    check("return 1 % 0", &["load_integer", "modulo_constant", "return_one"]);
    check("return 1 / 0", &["load_integer", "divide_constant", "return_one"]);
    check("return 0.0 * -1", &["load_constant", "multiply_constant", "return_one"]);
    check("return -0.0", &["load_constant", "negate", "return_one"]);
    check("return 1.5 | 1", &["load_constant", "bit_or_constant", "return_one"]);
    check("return 'a' + 1", &["load_constant", "add_integer", "return_one"]);
    check("return #'a'", &["load_constant", "length", "return_one"]);
}

#[test]
fn comparisons_are_fused_with_branches() {
    let parameters = "local a, b = ... ";
    for (condition, expected) in [
        ("a < b", "jump_not_less"),
        ("a > b", "jump_not_less"),
        ("a <= b", "jump_not_less_equal"),
        ("a == b", "jump_not_equal"),
        ("a ~= b", "jump_equal"),
        ("not (a == b)", "jump_equal"),
        ("a < 5", "jump_not_less_integer"),
        ("5 < a", "jump_not_greater_integer"),
        ("a >= -5", "jump_not_greater_equal_integer"),
        ("5 >= a", "jump_not_less_equal_integer"),
        ("a == 5", "jump_not_equal_integer"),
        ("a == 'x'", "jump_not_equal_constant"),
        ("nil ~= a", "jump_equal_constant"),
        ("a", "jump_if_not"),
        ("not a", "jump_if"),
        ("not not a", "jump_if_not"),
    ] {
        check(&format!("{parameters} if {condition} then a = nil end"), &["variable_arguments", expected, "load_nil"]);
    }
    check(
        "local a, b = ... if a < 40000 then a = nil end",
        &["variable_arguments", "load_integer", "jump_not_less", "load_nil"],
    );
}

#[test]
fn operands_of_swapped_comparisons() {
    let module = module("local a, b = ... if a > b then a = nil end");
    assert_eq!(operands(module.functions[0].code[1])[..2], [1, 0]);
}

#[test]
fn conditions_make_no_booleans() {
    check(
        "local a, b, c = ... if a < b and (b == c or not c) then a = nil end",
        &["variable_arguments", "jump_not_less", "jump_equal", "jump_if", "load_nil"],
    );
    check("local a while true do a = 1 end", &["load_nil", "load_integer", "loop_back"]);
    check("local a = ... if nil then a = 1 end", &["variable_arguments", "jump", "load_integer"]);
}

#[test]
fn logical_values() {
    check("local a, b = ... a = a or b", &["variable_arguments", "jump_if", "copy"]);
    check("local a, b = ... a = b and a", &["variable_arguments", "copy", "jump_if_not", "copy", "copy"]);
    check("local a, b = ... local c = a < b", &["variable_arguments", "load_true", "jump_less", "load_false"]);
    check("local a, b = ... a = a + b or b", &["variable_arguments", "add", "jump_if", "copy"]);
    check(
        "local a, b = ... b = a and b or 5",
        &["variable_arguments", "jump_if_not", "copy", "jump_if", "load_integer", "copy"],
    );
}

#[test]
fn jumps_to_jumps_are_threaded() {
    let module = module("local a while a do if a == 1 then if a == 2 then a = 3 else a = 4 end end end");
    let code = &module.functions[0].code;
    let jump = code.iter().position(|&word| common::opcode(word).entry().name == "loop_back").unwrap();
    // What would jump to the end of the body goes back itself.
    assert!(jump < code.len() - 2, "{:?}", mnemonics(&module.functions[0]));
}

#[test]
fn break_needs_no_jump_of_its_own() {
    check("local a repeat if a then break end until false", &["load_nil", "jump_if", "loop_back"]);
}

#[test]
fn fields_elements_and_globals() {
    check("local t = ... t.x = t.y", &["variable_arguments", "get_field", "set_field"]);
    check("local t = ... t[1] = t[65535]", &["variable_arguments", "get_integer", "set_integer"]);
    check("local t = ... t[-1] = t", &["variable_arguments", "load_integer", "set_index"]);
    check("local t = ... t['x'] = t", &["variable_arguments", "set_field"]);
    check("x = y", &["get_upvalue_field", "set_upvalue_field"]);
    check("local _ENV = ... x = y", &["variable_arguments", "get_field", "set_field"]);
}

#[test]
fn calls() {
    let module = module("local f, a = ... f(a, a)");
    let code = &module.functions[0].code;
    assert_eq!(mnemonics(&module.functions[0]), ["variable_arguments", "copy", "copy", "copy", "call"]);
    assert_eq!(operands(code[1]), [2, 0]);
    assert_eq!(operands(code[2]), [4, 1]);
    assert_eq!(operands(code[4]), [2, 3, 1]);
    check("local t = ... t:m()", &["variable_arguments", "get_method", "call"]);
    check("local f = ... return f()", &["variable_arguments", "copy", "tail_call", "return_values"]);
    check("local f = ... return (f())", &["variable_arguments", "copy", "call", "return_one"]);
    check("local f = ... return f(), f()", &["variable_arguments", "copy", "call", "copy", "call", "return_values"]);
    check("return ...", &["variable_arguments", "return_values"]);
}

#[test]
fn results_arrive_where_they_are_wanted() {
    let module = module("local f = ... local a, b = f()");
    let code = &module.functions[0].code;
    assert_eq!(operands(code[1]), [1, 0]);
    assert_eq!(operands(code[2]), [1, 1, 3]);
    assert_eq!(mnemonics(&module.functions[0]).len(), 3);
}

#[test]
fn concatenation_is_one_instruction() {
    let module = module("local a, b = ... local c = a .. b .. 'x' .. a + 1");
    let code = &module.functions[0].code;
    assert_eq!(operands(code[code.len() - 2]), [2, 4, 3]);
}

#[test]
fn captured_variables_live_in_cells() {
    let module = module("local a = 1; local f = function() a = a + 1 end; return a");
    assert_eq!(mnemonics(&module.functions[0]), ["load_integer", "new_cell", "closure", "get_cell", "return_one"]);
    let inner = &module.functions[1];
    assert_eq!(mnemonics(inner), ["get_upvalue", "add_integer", "set_upvalue"]);
    assert_eq!(inner.upvalues[0].capture, Capture::Register(0));
    assert_eq!(inner.upvalues[0].name, "a");
}

#[test]
fn upvalues_pass_through_functions() {
    let module = module("local a <const> = {} return function() return function() return a, x end end");
    assert_eq!(module.functions[1].upvalues[0].capture, Capture::Register(0));
    assert_eq!(module.functions[2].upvalues[0].capture, Capture::Upvalue(0));
    assert_eq!(module.functions[2].upvalues[0].attribute, Attribute::Constant);
    assert_eq!(module.functions[2].upvalues[1].name, "_ENV");
}

#[test]
fn recursive_local_function() {
    check("local function f() return f end", &["load_nil", "new_cell", "closure", "set_cell"]);
    check("local function f() end", &["closure"]);
}

#[test]
fn compile_time_constants_have_no_register() {
    let module = module("local a <const>, b <const> = 5, 'x'; local c <const> = 2 ^ b; return function() return b end");
    assert!(module.functions[1].upvalues.is_empty());
    check("local x <const> = 4; local y <const> = x * 2; local z = y", &["load_integer"]);
}

#[test]
fn loops() {
    check(
        "for i = 1, 3 do local a = i end",
        &["load_integer", "load_integer", "load_integer", "numeric_for_prepare", "copy", "numeric_for_loop"],
    );
    check(
        "local f = ... for k, v in f do end",
        &[
            "variable_arguments",
            "copy",
            "load_nil",
            "generic_for_prepare",
            "generic_for_call",
            "generic_for_loop",
            "close",
        ],
    );
    check(
        "local f = ... for k in f do return f() end",
        &[
            "variable_arguments",
            "copy",
            "load_nil",
            "generic_for_prepare",
            "copy",
            "call",
            "return_closing",
            "generic_for_call",
            "generic_for_loop",
            "close",
        ],
    );
}

#[test]
fn a_fresh_cell_for_each_iteration() {
    let module = module("for i = 1, 3 do f(function() return i end) end");
    let names = mnemonics(&module.functions[0]);
    let prepare = names.iter().position(|&name| name == "numeric_for_prepare").unwrap();
    assert_eq!(names[prepare + 1], "new_cell");
}

#[test]
fn variables_to_be_closed() {
    check("local a <close> = ... a.x = 1", &["variable_arguments", "to_be_closed", "load_integer", "set_field"]);
    let returning = module("local a <close> = ...");
    assert_eq!(common::opcode(returning.functions[0].code[2]).entry().name, "return_closing");
    check("do local a <close> = ... end", &["variable_arguments", "to_be_closed", "close"]);
    check(
        "while x do local a <close> = ... break end",
        &[
            "get_upvalue_field",
            "jump_if_not",
            "variable_arguments",
            "to_be_closed",
            "close",
            "jump",
            "close",
            "loop_back",
        ],
    );
    check(
        "local a <close> = ... return a()",
        &["variable_arguments", "to_be_closed", "copy", "call", "return_closing"],
    );
}

#[test]
fn tables() {
    let module = module("return {1, 2, x = 3, [4] = 5, ...}");
    let code = &module.functions[0].code;
    assert_eq!(operands(code[0]), [0, 2, 2, 1]);
    assert_eq!(mnemonics(&module.functions[0])[7..], ["variable_arguments", "set_list_open", "return_one"]);
}

/// The `live` operands of the main function, with the mnemonics of their instructions.
fn live_registers(source: &str) -> Vec<(&'static str, i64)> {
    let code = &module(source).functions[0].code;
    let live = code.iter().filter_map(|&word| {
        let entry = common::opcode(word).entry();
        let operand = entry.operands.iter().find(|operand| operand.kind == OperandKind::Live)?;
        Some((entry.name, word.operand(*operand)))
    });
    live.collect()
}

#[test]
fn safepoints_count_the_live_registers_only() {
    // Temporaries that the instruction used up, or a statement before it, are not counted.
    assert_eq!(live_registers("local a, b = ... b = a .. 'x' .. a"), [("concat", 3)]);
    assert_eq!(live_registers("local a = ... a(1, 2, 3, 4) a = {}"), [("new_table", 1)]);
    assert_eq!(live_registers("local a = ... do local b, c = a, a end a = function() end"), [("closure", 1)]);
    // What a later instruction of the expression reads is, and so are all variables in scope.
    assert_eq!(live_registers("local a = ... a = a(a.x, {}, a.y)"), [("new_table", 5)]);
    assert_eq!(
        live_registers("local a, b, c = ... local d = function() return a end"),
        [("new_cell", 3), ("closure", 4)]
    );
    assert_eq!(live_registers("local a, b = ... a.x = b"), [("set_field", 2)]);
}

#[test]
fn multiple_assignment_keeps_what_it_needs() {
    // The table of the first target is the variable that the second one is.
    let module = module("local a, i = ... a[i], a = 1, 2");
    let names = mnemonics(&module.functions[0]);
    assert_eq!(names, ["variable_arguments", "copy", "load_integer", "load_integer", "set_index"]);
    assert_eq!(operands(module.functions[0].code[1]), [2, 0]);
    assert_eq!(operands(module.functions[0].code[4])[0], 2);
}

#[test]
fn lines() {
    let module = module("local a = ...\nlocal b = a\n  + 1\nb(\n1\n)\nfunction x.f()\nend\n");
    let function = &module.functions[0];
    assert_eq!(function.lines, [1, 3, 4, 5, 4, 7, 8, 7, 8]);
    assert_eq!((module.functions[1].line_defined, module.functions[1].last_line_defined), (7, 8));
    assert_eq!((function.line_defined, function.last_line_defined), (0, 0));
}

#[test]
fn debug_information_of_locals() {
    let module = module("local a = 1 do local b = 2 end for i = 1, 2 do end");
    let locals: Vec<(&str, u8, u32, u32)> = module.functions[0]
        .locals
        .iter()
        .map(|local| (local.name.as_str(), local.register, local.start, local.end))
        .collect();
    assert_eq!(
        locals,
        [
            ("a", 0, 1, 8),
            ("b", 1, 2, 2),
            ("(for state)", 1, 5, 7),
            ("(for state)", 2, 5, 7),
            ("(for state)", 3, 5, 7),
            ("i", 4, 6, 6),
        ]
    );
}
