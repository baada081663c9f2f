//! Vectors in compiled functions: held as such, by halves, as arguments and results, and in frames that somebody looks at.

use super::{ALL, COMPILED, run_frozen};
use lunette::{AsContext, Configuration, Engine, Instance, Jit, webassembly::Module};

const MODULE: &str = r#"(module
    (memory (export "memory") 1)
    (global $kept (mut v128) (v128.const i64x2 3 5))
    ;; A sum that goes through a loop as a vector, next to numbers of other kinds.
    (func $sum (param $end i32) (result v128) (local $at i32) (local $sum v128) (local $x f64)
        (loop $again
            (local.set $x (f64.add (local.get $x) (f64.convert_i32_u (local.get $at))))
            (v128.store (local.get $at) (i32x4.add (i32x4.splat (local.get $at)) (v128.load offset=16 (local.get $at))))
            (local.set $sum (i32x4.add (i32x4.mul (local.get $sum) (v128.const i32x4 1 3 5 7)) (v128.load (local.get $at))))
            (br_if $again (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
        (f64x2.replace_lane 1 (local.get $sum) (local.get $x)))
    (func $choose (param $a v128) (param $which i32) (param $b v128) (result v128)
        (if (result v128) (local.get $which)
            (then (i8x16.shuffle 0 17 2 19 4 21 6 23 8 25 10 27 12 29 14 31 (local.get $a) (local.get $b)))
            (else (v128.bitselect (local.get $b) (local.get $a) (v128.const i64x2 0xff00ff00ff00ff00 0x0123456789abcdef)))))
    (func (export "run") (param $rounds i32) (result i64) (local $i i32) (local $v v128) (local $w v128) (local $hash i64)
        (loop $again
            (local.set $v (call $choose (local.get $v) (i32.and (local.get $i) (i32.const 1)) (call $sum (i32.const 160))))
            (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 7)))
                (then (global.set $kept (local.get $v)) (local.set $w (local.get $v)))
                (else (local.set $w (i64x2.add (global.get $kept) (local.get $w)))))
            (local.set $w (select (local.get $w) (local.get $v) (v128.any_true (local.get $v))))
            (local.set $hash (i64.add (i64.rotl (local.get $hash) (i64.const 7))
                (i64.xor (i64x2.extract_lane 0 (local.get $w)) (i64x2.extract_lane 1 (local.get $v)))))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $rounds))))
        (i64.add (local.get $hash) (i64.extend_i32_u (i8x16.bitmask (local.get $w)))))
    ;; Up to a trap at the end of the memory.
    (func (export "fill") (param $at i32) (local $v v128)
        (loop $again
            (local.set $v (i16x8.add (local.get $v) (i16x8.splat (local.get $at))))
            (v128.store (local.get $at) (local.get $v))
            (local.set $at (i32.add (local.get $at) (i32.const 24)))
            (br $again))))"#;

fn instance(configuration: Configuration) -> Instance {
    let mut instance = Engine::new(configuration).instantiate().unwrap();
    let module = Module::new(&mut instance, wat::parse_str(MODULE).unwrap(), "@vectors.wasm").unwrap();
    let table = module.instantiate(&mut instance, None).unwrap().table().clone();
    instance.set("m", table).unwrap();
    instance
}

#[test]
fn vectors_are_those_of_the_interpreter() {
    let run = |jit| {
        let mut instance = instance(Configuration::new().jit(jit).background_compilation(false));
        let result: i64 = instance.eval("return m.run(5000)").unwrap();
        let (message, memory): (std::string::String, i64) = instance
            .eval(
                "local ok, message = pcall(m.fill, 8)
                local sum = 0
                for at = 0, 65528, 8 do sum = sum * 31 + string.unpack('<i8', m.memory:read(at, 8)) end
                return tostring(message), sum",
            )
            .unwrap();
        let statistics = instance.statistics();
        assert_eq!(statistics.native_functions > 0, jit != Jit::Off, "{jit:?}");
        (result, message, memory, statistics.fuel_used)
    };
    let interpreted = run(Jit::Off);
    assert!(interpreted.1.contains("out of bounds memory access"), "{interpreted:?}");
    for jit in COMPILED {
        assert_eq!(run(jit), interpreted, "{jit:?}");
    }
}

#[test]
fn vectors_can_be_frozen() {
    let expected: i64 = instance(Configuration::new().jit(Jit::Off)).eval("return m.run(500)").unwrap();
    for jit in ALL {
        let start = instance(Configuration::new().jit(jit).snapshot_interval(7));
        let mut running = run_frozen(start, jit, "result = m.run(500)");
        assert_eq!(running.eval::<i64>("return result").unwrap(), expected, "{jit:?}");
    }
}
