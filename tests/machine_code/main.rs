//! Functions that run as machine code: they do what they do when interpreted, down to the fuel, and can be stopped, limited
//! and frozen in the middle. (`wasm_specification` has their instructions, `fuzz/against_wasmtime` generated programs.)
#![cfg(all(feature = "jit", target_arch = "x86_64"))]

mod arrays;
mod cache;
mod calls;
mod guards;
mod inlining;
mod library;
mod lua;
mod metamethods;
mod objects;
#[cfg(feature = "partitions")]
mod partitions;
mod peeling;
mod vectors;

use lunette::{
    AfterSnapshot, AsContext, Configuration, Engine, Error, Instance, Jit, StopReason, Streams, webassembly::Module,
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// Loops with numbers of all kinds, memory, globals, calls, a table of jumps, and a trap.
const MODULE: &str = r#"(module
    (memory (export "memory") 1)
    (global $calls (mut i32) (i32.const 0))
    (global $sum (mut f64) (f64.const 0))
    (func $mix (param $a i32) (param $b i64) (result i64)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (block $c (block $b (block $a
            (br_table $a $b $c (i32.rem_u (local.get $a) (i32.const 3))))
            (return (i64.add (local.get $b) (i64.extend_i32_s (i32.clz (local.get $a))))))
            (return (i64.rotl (local.get $b) (i64.extend_i32_u (local.get $a)))))
        (i64.xor (local.get $b) (i64.mul (i64.extend_i32_u (local.get $a)) (i64.const 0x9e3779b97f4a7c15))))
    (func (export "mixed") (param $rounds i32) (result i64)
        (local $i i32) (local $hash i64) (local $x f64) (local $y f32)
        (loop $again
            (local.set $hash (call $mix (local.get $i) (local.get $hash)))
            (local.set $x (f64.add (f64.mul (local.get $x) (f64.const 0.5)) (f64.convert_i32_s (local.get $i))))
            (local.set $y (f32.sqrt (f32.add (local.get $y) (f32.demote_f64 (local.get $x)))))
            (i64.store (i32.and (local.get $i) (i32.const 0xfff8)) (local.get $hash))
            (f32.store offset=4 (i32.and (local.get $i) (i32.const 0xfff8)) (local.get $y))
            (local.set $hash (i64.add (local.get $hash)
                (i64.load offset=16 (i32.and (i32.mul (local.get $i) (i32.const 7)) (i32.const 0xff00)))))
            (global.set $sum (f64.add (global.get $sum) (local.get $x)))
            (local.set $hash (i64.xor (local.get $hash) (i64.trunc_sat_f64_s (global.get $sum))))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $rounds))))
        (i64.add (local.get $hash) (i64.extend_i32_u (global.get $calls))))
    (func (export "endless") (local $i i64)
        (loop $again (local.set $i (i64.add (local.get $i) (i64.const 1)))
            (i64.store (i32.const 8) (i64.mul (local.get $i) (i64.const 3))) (br $again)))
    (func (export "fill") (param $end i32) (local $at i32)
        (loop $again
            (i32.store (local.get $at) (i32.add (local.get $at) (i32.const 1)))
            (br_if $again (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (local.get $end)))))
    (func (export "grow") (param $pages i32) (result i32) (local $i i32) (local $sum i32)
        (loop $again
            (drop (memory.grow (i32.const 1)))
            (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)) (i32.const 5))
            (local.set $sum (i32.add (local.get $sum)
                (i32.load (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)))))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $pages))))
        (local.get $sum)))"#;

/// How functions are compiled.
const COMPILED: [Jit; 3] = [Jit::On, Jit::Eager, Jit::Chaos];
/// The same, and not.
const ALL: [Jit; 4] = [Jit::Off, Jit::On, Jit::Eager, Jit::Chaos];

fn instance(configuration: Configuration) -> Instance {
    let mut instance = Engine::new(configuration).instantiate().unwrap();
    let file = wat::parse_str(MODULE).unwrap();
    let exports = Module::new(&mut instance, file, "@module.wasm").unwrap().instantiate(&mut instance, None).unwrap();
    let table = exports.table().clone();
    instance.set("m", table).unwrap();
    instance
}

#[test]
fn results_and_fuel_are_those_of_the_interpreter() {
    let run = |jit| {
        let mut instance = instance(Configuration::new().jit(jit).background_compilation(false));
        let result: i64 = instance.eval("return m.mixed(200000)").unwrap();
        let memory: Vec<u8> = instance
            .eval::<lunette::String>("return m.memory:read(0, 65536)")
            .map(|text| text.to_bytes(&mut instance).unwrap())
            .unwrap();
        let statistics = instance.statistics();
        assert_eq!(statistics.native_functions > 0, jit != Jit::Off, "{jit:?}");
        (result, memory, statistics.fuel_used)
    };
    let interpreted = run(Jit::Off);
    for jit in COMPILED {
        assert!(run(jit) == interpreted, "{jit:?}");
    }
}

#[test]
fn loops_can_be_stopped() {
    for jit in ALL {
        let mut limited = instance(Configuration::new().jit(jit).fuel(5_000_000));
        assert!(matches!(limited.exec("m.endless()"), Err(Error::Stopped(StopReason::Fuel))), "{jit:?}");
        assert_eq!(limited.fuel_left(), Some(0));
        let mut timed = instance(Configuration::new().jit(jit).time_limit(Duration::from_millis(50)));
        assert!(matches!(timed.exec("m.endless()"), Err(Error::Stopped(StopReason::Time))), "{jit:?}");
        let mut interrupted = instance(Configuration::new().jit(jit));
        let interrupt = interrupted.interrupt_handle();
        let other = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            interrupt.interrupt();
        });
        assert!(matches!(interrupted.exec("m.endless()"), Err(Error::Stopped(StopReason::Interrupt))), "{jit:?}");
        other.join().unwrap();
    }
}

#[test]
fn traps_name_the_place_and_leave_what_was_done() {
    let run = |jit| {
        let mut instance = instance(Configuration::new().jit(jit));
        let (message, last): (std::string::String, i64) = instance
            .eval("local ok, message = pcall(m.fill, 1 << 20); return tostring(message), string.unpack('<i4', m.memory:read(65532, 4))")
            .unwrap();
        (message, last)
    };
    let interpreted = run(Jit::Off);
    assert!(interpreted.0.contains("out of bounds memory access") && interpreted.1 == 65533, "{interpreted:?}");
    for jit in COMPILED {
        assert_eq!(run(jit), interpreted, "{jit:?}");
    }
}

#[test]
fn memory_can_grow_meanwhile() {
    for jit in ALL {
        assert_eq!(instance(Configuration::new().jit(jit)).eval::<i64>("return m.grow(300)").unwrap(), 1500, "{jit:?}");
    }
}

#[test]
fn loops_can_be_frozen() {
    let expected: i64 = instance(Configuration::new().jit(Jit::Off)).eval("return m.mixed(30000)").unwrap();
    for jit in COMPILED {
        let start = instance(Configuration::new().jit(jit).snapshot_interval(7));
        let mut running = run_frozen(start, jit, "result = m.mixed(30000)");
        assert_eq!(running.eval::<i64>("return result").unwrap(), expected, "{jit:?}");
    }
}

/// Runs a program, frozen every few steps and gone on with in another instance each time; the last of them.
fn run_frozen(mut running: Instance, jit: Jit, program: &str) -> Instance {
    let engine = Engine::new(Configuration::new().jit(jit).snapshot_interval(7));
    let image = Arc::new(Mutex::new(Vec::new()));
    let keep = |instance: &mut Instance| {
        let kept = Arc::clone(&image);
        instance.on_snapshot(move |snapshot| {
            snapshot.write(&mut *kept.lock().unwrap())?;
            Ok(AfterSnapshot::Stop)
        });
    };
    keep(&mut running);
    let mut outcome = running.exec(program);
    let mut count = 0;
    while matches!(outcome, Err(Error::Stopped(StopReason::Snapshot))) {
        let bytes = std::mem::take(&mut *image.lock().unwrap());
        running = engine.restore_with(&bytes[..], Streams::none()).unwrap();
        keep(&mut running);
        count += 1;
        outcome = running.resume();
    }
    outcome.unwrap();
    assert!(count > 10, "frozen {count} times");
    running.on_snapshot(|_| Ok(AfterSnapshot::GoOn));
    running
}

/// Code that is entered while another memory than the first is in use calls what uses the first.
#[test]
fn what_is_called_uses_the_first_memory() {
    const MODULE: &str = r#"(module
        (memory $first 1) (memory $second 1)
        (data (memory $first) (i32.const 0) "\01\00\00\00") (data (memory $second) (i32.const 0) "\64\00\00\00")
        (func $read (param i32) (result i32) (i32.load $first (local.get 0)))
        (func (export "run") (param $count i32) (result i32) (local $sum i32) (local $last v128)
            (loop $again
                ;; In chaos it is left where the second memory is in use, and the interpreter goes on with that.
                (local.set $last (v128.load $second (i32.const 0)))
                (local.set $sum (i32.add (local.get $sum) (call $read (i32.const 0))))
                (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 3)) (i32.const 7)))
                (local.set $sum (i32.xor (local.get $sum) (i32.shl (local.get $sum) (i32.const 5))))
                (local.set $sum (i32.add (local.get $sum) (call $read (i32.const 0))))
                (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
            (i32.add (local.get $sum) (i32x4.extract_lane 0 (local.get $last)))))"#;
    let run = |jit| {
        let mut instance = Engine::new(Configuration::new().jit(jit)).instantiate().unwrap();
        let module = Module::new(&mut instance, wat::parse_str(MODULE).unwrap(), "@memories.wasm").unwrap();
        let table = module.instantiate(&mut instance, None).unwrap().table().clone();
        instance.set("m", table).unwrap();
        let result: i64 = instance.eval("return m.run(100000)").unwrap();
        (result, instance.statistics().fuel_used)
    };
    let expected = run(Jit::Off);
    for jit in ALL {
        assert_eq!(run(jit), expected, "{jit:?}");
    }
}
