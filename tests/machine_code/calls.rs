//! Calls among compiled functions: their frames are made only when somebody looks, and then they are the interpreter's.

use super::{ALL, COMPILED, run_frozen};
use lunette::{AsContext, Configuration, Engine, Error, Instance, Jit, StopReason, webassembly::Module};

const MODULE: &str = r#"(module
    (import "host" "note" (func $note (param i32) (result i32)))
    (memory (export "memory") 1 400)
    (tag $oops (param i32))
    (type $binary (func (param i32 i32) (result i32)))
    (type $unary (func (param i32) (result i32)))
    (table 6 funcref)
    (elem (i32.const 0) $add $subtract $multiply $fib $note)

    (func $fib (export "fib") (param $n i32) (result i32)
        (if (result i32) (i32.lt_s (local.get $n) (i32.const 2)) (then (local.get $n)) (else
            (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1)))
                (call $fib (i32.sub (local.get $n) (i32.const 2)))))))

    ;; Frames with numbers of all kinds that are needed again after the call.
    (func $deep (export "deep") (param $n i32) (param $x f64) (result f64) (local $y f32) (local $z i64)
        (if (i32.eqz (local.get $n)) (then (return (local.get $x))))
        (local.set $y (f32.convert_i32_u (i32.and (local.get $n) (i32.const 255))))
        (local.set $z (i64.extend_i32_s (i32.mul (local.get $n) (i32.const 3))))
        (f64.add (call $deep (i32.sub (local.get $n) (i32.const 1)) (f64.mul (local.get $x) (f64.const 0.9999)))
            (f64.add (f64.promote_f32 (local.get $y)) (f64.convert_i64_s (local.get $z)))))

    (func $wide (param $a i32) (param $b f32) (param $c f64) (param $d i64) (param $e i32) (param $f f64) (param $g i64)
        (result f64)
        (f64.add (f64.add (f64.convert_i32_s (i32.sub (local.get $a) (local.get $e))) (f64.promote_f32 (local.get $b)))
            (f64.add (f64.mul (local.get $c) (local.get $f))
                (f64.convert_i64_s (i64.sub (local.get $d) (local.get $g))))))
    (func $wider (param i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
        (i64.sub (local.get 8) (i64.add (local.get 0) (local.get 7))))
    (func $pair (param $a i32) (result i32 i64) (local.get $a) (i64.extend_i32_s (local.get $a)))
    (func (export "arguments") (param $rounds i32) (result f64) (local $i i32) (local $sum f64) (local $wide i64)
        (loop $again
            (local.set $sum (f64.add (local.get $sum) (call $wide (local.get $i) (f32.const 0.5)
                (f64.convert_i32_s (local.get $i)) (i64.const -7) (i32.const 3) (f64.const 0.125)
                (i64.extend_i32_s (local.get $i)))))
            (local.set $wide (call $wider (local.get $wide) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)
                (i64.const 5) (i64.const 6) (i64.const 7) (i64.extend_i32_s (local.get $i))))
            (call $pair (local.get $i))
            (local.set $wide (i64.xor (local.get $wide)))
            (local.set $sum (f64.add (f64.convert_i32_s) (local.get $sum)))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $rounds))))
        (f64.add (local.get $sum) (f64.convert_i64_s (local.get $wide))))

    (func $add (type $binary) (i32.add (local.get 0) (local.get 1)))
    (func $subtract (type $binary) (i32.sub (local.get 0) (local.get 1)))
    (func $multiply (type $binary) (i32.mul (local.get 0) (i32.or (local.get 1) (i32.const 1))))
    (func $chosen (param $which i32) (param $a i32) (param $b i32) (result i32)
        (call_indirect (type $binary) (local.get $a) (local.get $b) (local.get $which)))
    (func (export "indirect") (param $rounds i32) (param $last i32) (result i32) (local $i i32) (local $sum i32)
        (loop $again
            (local.set $sum (call $chosen (i32.rem_u (local.get $i) (i32.const 3)) (local.get $sum) (local.get $i)))
            (local.set $sum (i32.add (local.get $sum) (call_indirect (type $unary)
                (i32.and (local.get $i) (i32.const 7)) (i32.add (i32.const 3) (i32.and (local.get $i) (i32.const 1))))))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $rounds))))
        (i32.add (local.get $sum) (call $chosen (local.get $last) (i32.const 1) (i32.const 2))))

    (func $noting (param $a i32) (result i32) (local $b i32)
        (local.set $b (i32.mul (local.get $a) (i32.const 5)))
        (i32.add (i32.sub (local.get $b) (call $note (local.get $a))) (local.get $b)))
    (func (export "imports") (param $rounds i32) (result i32) (local $i i32) (local $sum i32)
        (loop $again
            (local.set $sum (i32.add (local.get $sum) (call $noting (local.get $i))))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $rounds))))
        (local.get $sum))

    (func $grown (result i32)
        (drop (memory.grow (i32.const 1)))
        (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)))
    (func (export "growing") (param $rounds i32) (result i32) (local $i i32) (local $sum i32) (local $at i32)
        (loop $again
            (local.set $at (call $grown))
            (i32.store (local.get $at) (local.get $i))
            (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $rounds))))
        (local.get $sum))

    (func $throwing (param $a i32) (result i32)
        (if (i32.eqz (i32.rem_u (local.get $a) (i32.const 5))) (then (throw $oops (local.get $a))))
        (i32.add (local.get $a) (i32.const 1)))
    (func $between (param $a i32) (param $b i32) (result i32)
        (i32.add (call $throwing (local.get $a)) (local.get $b)))
    (func (export "catching") (param $rounds i32) (result i32)
        (local $i i32) (local $sum i32) (local $before i32)
        (loop $again
            (block $caught (result i32)
                (try_table (catch $oops $caught)
                    (local.set $before (i32.xor (local.get $sum) (local.get $i)))
                    (local.set $sum (i32.add (local.get $sum) (call $between (local.get $i) (i32.const 3)))))
                (i32.const 100))
            (local.set $sum (i32.add (i32.add (local.get $sum) (local.get $before))))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $rounds))))
        (local.get $sum))

    (func $bottom (param $n i32) (result i32)
        (if (result i32) (i32.eqz (local.get $n)) (then (i32.div_u (i32.const 1) (local.get $n)))
            (else (i32.add (call $bottom (i32.sub (local.get $n) (i32.const 1))) (i32.const 1)))))
    (func (export "failing") (param $n i32) (result i32) (call $bottom (local.get $n)))
    (func $endless (export "endless") (param $n i32) (result i32)
        (i32.add (i32.const 1) (call $endless (i32.add (local.get $n) (i32.const 1)))))
    (func $leaf (param $a i64) (result i64) (i64.add (i64.rotl (local.get $a) (i64.const 7)) (i64.const 3)))
    (func (export "forever") (local $a i64)
        (loop $again (local.set $a (call $leaf (local.get $a))) (br $again))))"#;

fn instance(configuration: Configuration) -> Instance {
    let mut instance = Engine::new(configuration).instantiate().unwrap();
    let file = wat::parse_str(MODULE).unwrap();
    let imports: lunette::Table = instance
        .eval("count = 0; return {host = {note = function(number) count = count + 1; return number % 7 end}}")
        .unwrap();
    let module = Module::new(&mut instance, file, "@calls.wasm").unwrap();
    let exports = module.instantiate(&mut instance, Some(&imports)).unwrap();
    let table = exports.table().clone();
    instance.set("m", table).unwrap();
    instance
}

/// What a program returns, and the fuel that it takes, in every tier.
fn in_all_tiers<T: lunette::FromLuaMulti + PartialEq + std::fmt::Debug>(program: &str) -> T {
    let run = |jit| {
        let mut instance = instance(Configuration::new().jit(jit).background_compilation(false));
        let result: T = instance.eval(program).unwrap();
        let statistics = instance.statistics();
        assert_eq!(statistics.native_functions > 0, jit != Jit::Off, "{jit:?}: {program}");
        (result, statistics.fuel_used)
    };
    let interpreted = run(Jit::Off);
    for jit in COMPILED {
        assert_eq!(run(jit), interpreted, "{jit:?}: {program}");
    }
    interpreted.0
}

#[test]
fn results_and_fuel_are_those_of_the_interpreter() {
    assert_eq!(in_all_tiers::<i64>("return m.fib(27)"), 196418);
    in_all_tiers::<f64>("local sum = 0 for i = 1, 300 do sum = sum + m.deep(i, 1.5) end return sum");
    in_all_tiers::<f64>("return m.arguments(50000)");
    in_all_tiers::<i64>("return m.indirect(50000, 1)");
    in_all_tiers::<(i64, i64)>("return m.imports(20000), count");
    in_all_tiers::<i64>("return m.catching(50000)");
    in_all_tiers::<i64>("local sum = 0 for i = 1, 10 do sum = sum + m.fib(14) end return sum + m.growing(300)");
}

#[test]
fn recursion_is_as_deep_as_ever() {
    // More frames than compiled code has room for on the processor's stack, again and again.
    in_all_tiers::<f64>("local sum = 0 for i = 1, 20 do sum = sum + m.deep(100000 + i, 1.5) end return sum");
    let message: String = in_all_tiers(
        "m.fib(27) local ok, message
        for i = 1, 3 do ok, message = pcall(m.endless, 1) end return tostring(message)",
    );
    assert!(message.contains("call stack exhausted"), "{message}");
}

#[test]
fn traps_name_all_functions() {
    let trace: String = in_all_tiers(
        "for i = 1, 20000 do m.fib(5) m.deep(3, 1.0) pcall(m.failing, 5) end
        return select(2, xpcall(m.failing, function(message) return debug.traceback(tostring(message)) end, 6))",
    );
    assert_eq!(trace.matches("in function 'bottom'").count(), 7, "{trace}");
    for (last, message) in [(4, "indirect call type mismatch"), (5, "uninitialized element"), (6, "undefined element")]
    {
        let found: String = in_all_tiers(&format!("return tostring(select(2, pcall(m.indirect, 200000, {last})))"));
        assert!(found.contains(message), "{found}");
    }
}

#[test]
fn calls_can_be_stopped() {
    for jit in ALL {
        for program in ["m.forever()", "m.fib(60)"] {
            let mut limited = instance(Configuration::new().jit(jit).fuel(5_000_000));
            assert!(matches!(limited.exec(program), Err(Error::Stopped(StopReason::Fuel))), "{jit:?}: {program}");
            assert_eq!(limited.fuel_left(), Some(0));
        }
    }
}

#[test]
fn calls_can_be_frozen() {
    let program = "return m.fib(15) + m.deep(200, 1.5) + m.arguments(300) + m.imports(300) + m.catching(300)";
    let expected: f64 = instance(Configuration::new().jit(Jit::Off)).eval(program).unwrap();
    for jit in COMPILED {
        let start = instance(Configuration::new().jit(jit).snapshot_interval(7));
        let mut running = run_frozen(start, jit, &program.replace("return", "result ="));
        assert_eq!(running.eval::<f64>("return result").unwrap(), expected, "{jit:?}");
    }
}

/// A function with so many registers and calls that it keeps its frame: locals of all kinds, mixed in a loop.
fn large_module() -> std::string::String {
    let kinds = ["i32", "i64", "f32", "f64"];
    let locals: std::string::String = (0..120).map(|n| format!("(local ${n} {})", kinds[n % 4])).collect();
    let mut body = std::string::String::new();
    for round in 0..120 {
        let [a, b, c, d] = [0, 1, 2, 3].map(|kind| (round * 28 + kind) % 120);
        let [e, f, g, h] = [0, 1, 2, 3].map(|kind| (round * 44 + 4 + kind) % 120);
        body += &format!(
            "(local.set ${a} (call $i32 (local.get ${e}) (i32.xor (local.get ${a}) (i32.const {round}))))
            (local.set ${b} (i64.add (call $i64 (local.get ${f})) (i64.rotl (local.get ${b}) (i64.const 5))))
            (if (i32.and (local.get ${a}) (i32.const 1)) (then
                (local.set ${c} (f32.add (call $f32 (local.get ${g})) (f32.convert_i32_s (local.get ${e}))))
                (local.set ${h} (call $f64 (local.get ${d}) (local.get ${h})))))\n"
        );
    }
    let mut sum = "(i64.const 0)".to_owned();
    for n in 0..120 {
        let number = match n % 4 {
            0 => format!("(i64.extend_i32_u (local.get ${n}))"),
            1 => format!("(local.get ${n})"),
            2 => format!("(i64.extend_i32_u (i32.reinterpret_f32 (local.get ${n})))"),
            _ => format!("(i64.reinterpret_f64 (local.get ${n}))"),
        };
        sum = format!("(i64.xor {number} (i64.rotl {sum} (i64.const 1)))");
    }
    format!(
        r#"(module
        (func $i32 (param i32 i32) (result i32) (i32.add (local.get 0) (i32.rotl (local.get 1) (i32.const 3))))
        (func $i64 (param i64) (result i64) (i64.xor (local.get 0) (i64.const 0x123456789)))
        (func $f32 (param f32) (result f32) (f32.mul (local.get 0) (f32.const 0.75)))
        (func $f64 (param f64 f64) (result f64) (f64.add (local.get 0) (f64.mul (local.get 1) (f64.const 0.5))))
        (func (export "large") (param $n i32) (result i64) {locals}
            (loop $again {body} (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            {sum}))"#
    )
}

#[test]
fn large_functions_do_the_same() {
    let file = wat::parse_str(large_module()).unwrap();
    let run = |jit, interval| {
        let configuration =
            Configuration::new().jit(jit).fuel(100_000_000).snapshot_interval(interval).background_compilation(false);
        let mut instance = Engine::new(configuration).instantiate().unwrap();
        let module = Module::new(&mut instance, file.clone(), "@large.wasm").unwrap();
        let exports = module.instantiate(&mut instance, None).unwrap();
        let large = exports.function::<i32, i64>(&mut instance, "large").unwrap();
        let result = large.call(&mut instance, 3000).unwrap();
        assert_eq!(instance.statistics().native_functions > 0, jit != Jit::Off);
        (result, instance.fuel_left())
    };
    let interpreted = run(Jit::Off, 0);
    for jit in COMPILED {
        assert_eq!(run(jit, 0), interpreted, "{jit:?}");
    }
    assert_eq!(run(Jit::Eager, 100), interpreted);
}
