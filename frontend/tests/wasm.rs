//! What WebAssembly functions become, as listings.

use lunette_bytecode::typed::{text::Listing, verifier::verify};
use lunette_frontend::wasm::{Module, WasmError, function_name, function_names};

fn parse(text: &str) -> (Vec<u8>, Module) {
    let file = wat::parse_str(text).unwrap();
    let module = Module::parse(&file, true).unwrap();
    (file, module)
}

/// The listing of the module's last function, whose instructions are verified as all others are.
fn listing(text: &str) -> String {
    let (file, module) = parse(text);
    let mut listing = String::new();
    let first = module.declarations.imported.functions;
    for own in 0..module.declarations.bodies.len() as u32 {
        let function = module.translate(&file, first + own).unwrap();
        let kind = module.declarations.functions[(first + own) as usize];
        let signature = module.surroundings.types[kind as usize].unwrap();
        listing = Listing(&function).to_string();
        verify(&function, signature, &module.surroundings).unwrap_or_else(|error| panic!("{error}\n{listing}"));
        assert_eq!(function.offsets.len(), function.code.len());
    }
    // Without the numbers of words, but for those of targets.
    listing.lines().map(|line| format!("{}\n", line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "))).collect()
}

/// The listing of a function of this text.
fn function(text: &str) -> String {
    listing(&format!("(module (memory 1) (func {text}))"))
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let found = function(text);
    let clean: String = expected.lines().map(|line| format!("{}\n", line.trim())).collect();
    assert_eq!(found.trim(), clean.trim(), "\n{found}");
}

#[test]
fn operands_are_locals_and_constants_and_results_go_to_locals() {
    check(
        "(param i32 i32) (result i32) (local i32)
         (local.set 2 (i32.add (local.get 0) (i32.mul (local.get 1) (i32.const 3))))
         (i32.sub (local.get 2) (i32.const 1))",
        "i32_multiply_constant n4, n1, #3
         i32_add n2, n0, n4
         i32_add_constant n3, n2, #-1
         return_one n3",
    );
}

#[test]
fn old_values_of_locals_are_kept_while_they_are_wanted() {
    check(
        "(param i32) (result i32)
         local.get 0
         (local.set 0 (i32.add (local.get 0) (i32.const 1)))
         local.get 0
         i32.sub",
        "i32_add_constant n2, n0, #1
         copy n1, n0
         copy n0, n2
         i32_subtract n1, n1, n0
         return_one n1",
    );
}

#[test]
fn loops_test_and_go_back_in_one_instruction() {
    check(
        "(param $n i32) (result i32) (local $sum i32)
         (loop
           (local.set $sum (i32.add (local.get $sum) (local.get $n)))
           (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
         (local.get $sum)",
        "zero_numbers n1, #1
         i32_add n1, n1, n0
         i32_add_constant n0, n0, #-1
         loop_if n0, ->1
         return_one n1",
    );
    check(
        "(param $n i32) (local $i i32)
         (loop
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if 0 (i32.ge_u (local.get $n) (local.get $i))))",
        "zero_numbers n1, #1
         i32_add_constant n1, n1, #1
         loop_i32_below_equal n1, n0, ->1
         return_none",
    );
}

#[test]
fn comparisons_become_part_of_branches() {
    check(
        "(param i32 f64) (result i32)
         (if (i32.lt_s (local.get 0) (i32.const 10)) (then (return (i32.const 1))))
         (if (f64.lt (local.get 1) (f64.const 0)) (then (return (i32.const 2))))
         (if (i32.eqz (i32.and (local.get 0) (i32.const 4))) (then (return (i32.const 3))))
         (i32.const 4)",
        "jump_i32_greater_constant n0, #9, ->3
         load_integer n2, #1
         return_one n2
         load_integer n3, #0
         jump_f64_not_less n1, n3, ->7
         load_integer n2, #2
         return_one n2
         jump_i32_and_constant n0, #4, ->10
         load_integer n2, #3
         return_one n2
         load_integer n2, #4
         return_one n2",
    );
}

#[test]
fn blocks_have_their_results_in_one_place() {
    check(
        "(param i32) (result i32)
         (block (result i32)
           (i32.const 7)
           (br_if 0 (local.get 0))
           (drop)
           (i32.add (local.get 0) (i32.const 5)))",
        "jump_if_zero n0, ->3
         load_integer n1, #7
         jump ->4
         i32_add_constant n1, n0, #5
         return_one n1",
    );
}

#[test]
fn tables_of_jumps_have_stubs_for_values() {
    check(
        "(param i32) (result i32)
         (block $a (result i32)
           (i32.add (block $b (result i32)
             (br_table $a $b $a (local.get 0) (local.get 0)))
             (i32.const 1)))",
        "jump_table n0, #2
         jump ->4
         jump ->6
         jump ->4
         copy n1, n0
         jump ->9
         copy n1, n0
         jump ->8
         i32_add_constant n1, n1, #1
         return_one n1",
    );
}

#[test]
fn calls_read_arguments_where_they_are_and_results_go_on() {
    let text = "(module (func $f (param i32 i64) (result i32) unreachable)
        (func $g (param funcref i32) (result funcref i32) unreachable)
        (func (param i32 i64) (result i32) (local funcref)
          (local.set 0 (call $f (local.get 0) (local.get 1)))
          (call $g (local.get 2) (local.get 0))
          (local.set 0)
          drop
          (local.get 0)))";
    assert_eq!(
        listing(text),
        "null_references r0, #1\n\
         call n0, f0, n0, n1, n0, n0\n\
         call_general n2, r1, f1, #1, #1, n0, r0\n\
         copy n0, n2\n\
         return_one n0\n"
            .replace("copy n0, n2\n", "")
            .replace("call_general n2", "call_general n0")
    );
}

#[test]
fn exceptions_go_to_labels_or_stubs() {
    let text = "(module (tag $t (param i32 i64)) (func $f)
        (func (param i32) (result i32) (local i64)
          (block $all
            (block $one (result i32 i64)
              (loop $again
                (try_table (catch $t $one) (catch_all $again) (call $f))
                (try_table (catch_all $all) (call $f)))
              (throw $t (i32.const 1) (i64.const 2)))
            (local.set 1)
            (return))
          (i32.const 3)))";
    let expected = "zero_numbers n1, #1
        call n0, f0, n0, n0, n0, n0
        jump ->5
        loop_back ->1
        call n0, f0, n0, n0, n0, n0
        load_integer n2, #1
        load_integer n3, #2
        throw tag0, #2, #0, n2, n3
        copy n1, n3
        return_one n2
        load_integer n2, #3
        return_one n2
        to 3: tag0 ->12, n2, r0, false
        to 3: all ->4, n2, r0, false
        to 7: all ->14, n2, r0, false";
    let clean: String = expected.lines().map(|line| format!("{}\n", line.trim())).collect();
    assert_eq!(listing(text).trim(), clean.trim(), "{}", listing(text));
}

#[test]
fn objects_name_their_fields_by_offsets() {
    let text = "(module
        (type $point (sub (struct (field i8) (field (mut i32)))))
        (type $named (sub $point (struct (field i8) (field (mut i32)) (field anyref))))
        (func (param $p (ref $point)) (param $x i32) (result i32) (local $any anyref)
          (block $other
            (br_if $other (i32.eqz (ref.test (ref $named) (local.get $p))))
            (struct.set $point 1 (local.get $p) (local.get $x)))
          (block $cast (result anyref)
            (local.set $any (struct.get $named 2
              (br_on_cast_fail $cast (ref $point) (ref $named) (local.get $p))))
            (return (struct.get_s $point 0
              (struct.new $named (i32.const 1) (local.get $x) (local.get $any)))))
          drop
          (local.get $x)))";
    let expected = "null_references r1, #1
        jump_if_not_type r0, ->5, type1, #0
        structure_set_32 r0, n0, field1, type0, #0
        jump_if_type r0, ->9, type1, #0
        copy_reference r2, r0
        jump ->18
        structure_get_reference r1, r0, field2, type1, #8
        load_integer n1, #1
        structure_new r2, type1, #2, #1, n1, n0, r1
        structure_get_8_signed n1, r2, field0, type0, #4
        return_one n1
        return_one n0";
    let clean: String = expected.lines().map(|line| format!("{}\n", line.trim())).collect();
    assert_eq!(listing(text).trim(), clean.trim(), "{}", listing(text));
}

#[test]
fn far_locals_are_copied() {
    let (file, module) = parse(&format!(
        "(module (func (result i64) (local i64) (local {}) (local i64)
           (local.set 20001 (i64.add (local.get 20001) (local.get 0)))
           (local.get 20001)))",
        "i32 ".repeat(20_000)
    ));
    let function = module.translate(&file, 0).unwrap();
    let listing = Listing(&function).to_string();
    assert!(listing.contains("copy_from_far n4096, n24098"), "{listing}");
    assert!(listing.contains("copy_to_far n4096, n24098"), "{listing}");
    assert!(listing.contains("zero_numbers n0, #24099"), "{listing}");
}

#[test]
fn deep_blocks_and_long_tables_are_no_trouble() {
    let depth = 100_000;
    let deep = format!("(module (func (param i32) {} {}))", "block ".repeat(depth), "end ".repeat(depth));
    let (file, module) = parse(&deep);
    module.translate(&file, 0).unwrap();
    let targets = "0 ".repeat(1_000_000);
    let (file, module) = parse(&format!("(module (func (param i32) (br_table {targets} (local.get 0))))"));
    let function = module.translate(&file, 0).unwrap();
    verify(&function, module.surroundings.types[0].unwrap(), &module.surroundings).unwrap();
}

#[test]
fn short_jumps_get_help_on_their_way() {
    let work = "(local.set 1 (i32.add (local.get 1) (i32.mul (local.get 1) (local.get 0))))".repeat(30_000);
    let text = format!(
        "(module (func (param i32 i32)
          (loop $again
            (block $a (block $b (br_if $a (i32.lt_s (local.get 0) (local.get 1)))
               {work} (br_if $b (i32.lt_s (local.get 0) (i32.const 3))) {work})
            (br_if $again (i32.lt_s (local.get 0) (local.get 1))) {work}))))"
    );
    let (file, module) = parse(&text);
    let function = module.translate(&file, 0).unwrap();
    verify(&function, module.surroundings.types[0].unwrap(), &module.surroundings).unwrap();
}

#[test]
fn bodies_are_validated_when_they_are_translated() {
    let mut file =
        wat::parse_str("(module (func (result i32) (i32.const 1)) (func (result i32) (i32.const 1)))").unwrap();
    let length = file.len();
    file[length - 3] = 0x1a; // drop
    file[length - 2] = 0x01; // nop
    assert!(matches!(Module::parse(&file, true), Err(WasmError::Invalid { .. })));
    let module = Module::parse(&file, false).unwrap();
    module.translate(&file, 0).unwrap();
    assert!(matches!(module.translate(&file, 1), Err(WasmError::Invalid { .. })));
    assert!(matches!(module.translate(&file, 2), Err(WasmError::NoFunction(2))));
}

#[test]
fn counts_without_members_are_refused() {
    for section in [1, 2, 3, 4, 5, 6, 7, 9, 11, 13] {
        let mut file = b"\0asm\x01\0\0\0".to_vec();
        file.extend([section, 4, 0xff, 0xff, 0x3f, 0]);
        assert!(matches!(Module::parse(&file, false), Err(WasmError::Invalid { .. })), "{section}");
    }
}

#[test]
fn names_are_those_of_the_section_or_of_exports() {
    let file = wat::parse_str(r#"(module $m (func $f (export "e")) (func (export "h")) (func $g) (func))"#).unwrap();
    let names = [0, 1, 2, 3, 4].map(|function| function_name(&file, function));
    assert_eq!(names, [Some("f"), Some("h"), Some("g"), None, None]);
    assert!(function_names(&file).into_iter().eq([(0, "f"), (1, "h"), (2, "g")]));
}
