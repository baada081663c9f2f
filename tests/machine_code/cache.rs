//! Machine code goes where there is no more room, and comes back; it is compiled while programs go on. (Fuel is compared in the other
//! tests: here collections come at other times, after which inline caches are filled anew.)

use super::{ALL, COMPILED};
use lunette::{
    AfterSnapshot, AsContext, Configuration, Data, Engine, Home, Instance, Jit, Streams,
    machine_code::{MachineCode, Outcome},
    webassembly::Module,
};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

const LIMIT: u64 = 24 << 10;

/// Loads programs that are all different, each of which has a function that calls another one, and runs them.
const PROGRAMS: &str = r#"
    function load_programs(from, to, turns)
        local sum = 0
        for number = from, to do
            local program = assert(load(([[
                local function part(i, t) t[i %% 4 + 1] = i * %d return t[1] + #t end
                local function whole(n) local s, t = 0, { 1, 2, 3, 4 } for i = 1, n do s = s + part(i, t) %% 7 end return s end
                return whole(...)
            ]]):format(number)))
            sum = sum + program(turns)
        end
        return sum
    end
"#;

fn of_limit(jit: Jit) -> Configuration {
    Configuration::new().jit(jit).background_compilation(false).machine_code_limit(LIMIT)
}

fn with_programs(configuration: Configuration) -> Instance {
    let mut instance = Engine::new(configuration).instantiate().unwrap();
    instance.exec(PROGRAMS).unwrap();
    instance
}

fn outcome(report: &MachineCode, name: &str) -> Option<Outcome> {
    report.functions.iter().find(|function| function.name == name).map(|function| function.outcome)
}

#[test]
fn programs_come_and_go() {
    let run = |jit, stress| {
        let mut instance = with_programs(of_limit(jit).collection_stress(stress));
        let sum: i64 = instance.eval("local sum = load_programs(1, 120, 40) collectgarbage() return sum").unwrap();
        let report = instance.machine_code();
        assert!(report.bytes <= report.limit && report.evicted > 0 || jit == Jit::Off, "{jit:?}: {report:?}");
        assert!(report.functions.len() < 20, "{}", report.functions.len());
        sum
    };
    let expected = run(Jit::Off, 0);
    for jit in [Jit::Eager, Jit::Chaos] {
        for stress in [0, 100] {
            assert_eq!(run(jit, stress), expected, "{jit:?} {stress}");
        }
    }
}

#[test]
fn programs_come_and_go_in_partitions() {
    let run = |jit| {
        let mut tenant = Engine::new(of_limit(jit).home(Home::Partition)).tenant(Streams::none()).unwrap();
        tenant.run_file(PROGRAMS, "=programs", &[]).unwrap();
        let sum = tenant.call("load_programs", &[1.into(), 120.into(), 40.into()]).unwrap();
        let report = tenant.machine_code().unwrap();
        assert!(report.bytes <= LIMIT && report.limit == LIMIT);
        assert!(report.evicted > 0 || jit == Jit::Off, "{jit:?}: {report:?}");
        sum
    };
    let expected = run(Jit::Off);
    assert_eq!([run(Jit::Eager), run(Jit::Chaos)], [expected.clone(), expected]);
}

/// What is not evicted goes with the functions.
#[test]
fn machine_code_goes_with_its_functions() {
    let mut instance = with_programs(Configuration::new().jit(Jit::Eager));
    let mut first = 0;
    for round in 0..10 {
        instance.eval::<i64>(&format!("local sum = load_programs({round}0, {round}9, 5) return sum")).unwrap();
        instance.collect_garbage().unwrap();
        let report = instance.machine_code();
        assert!(report.evicted == 0 && report.bytes > 0);
        first = if round == 0 { report.bytes } else { first };
        assert!(report.bytes <= 2 * first, "{round}: {} > {first}", report.bytes);
    }
}

#[test]
fn what_was_taken_away_is_compiled_again() {
    let mut instance = with_programs(of_limit(Jit::On));
    let program = "local function hot(n) local s = 0 for i = 1, n do s = s + i % 7 end return s end
        function run() return hot(3000000) end";
    instance.run::<()>(&Engine::default().compile(program, "@hot.lua").unwrap(), ()).unwrap();
    let expected: i64 = instance.eval("return run()").unwrap();
    let is_compiled =
        |instance: &Instance| matches!(outcome(&instance.machine_code(), "hot.lua:1"), Some(Outcome::Compiled { .. }));
    let mut evicted = 0;
    for round in 0..20 {
        assert!(is_compiled(&instance), "{round}");
        // Long enough for the programs to be hot.
        for program in 0..20 {
            instance
                .eval::<i64>(&format!(
                    "local sum = load_programs({round}{program}, {round}{program}, 60000) return sum"
                ))
                .unwrap();
            evicted += usize::from(!is_compiled(&instance));
            if evicted > round {
                break;
            }
        }
        assert_eq!(instance.eval::<i64>("return run()").unwrap(), expected);
        if evicted == 3 {
            return;
        }
    }
    panic!("it was taken away {evicted} times only");
}

/// What has called the host from machine code must not be taken away meanwhile; what came after it may.
#[test]
fn functions_that_wait_for_the_host_stay() {
    let run = |jit| {
        let mut instance = with_programs(of_limit(jit));
        let nested = instance
            .function(|context, number: i64| {
                context.eval::<i64>(&format!("local sum = load_programs({number}00, {number}40, 30) return sum"))
            })
            .unwrap();
        instance.set("nested", &nested).unwrap();
        let sum: i64 = instance
            .eval(
                "local function deep(n)
                    local sum = 0
                    for i = 1, n do sum = sum + i end
                    if n > 0 then sum = sum + deep(n - 1) end
                    if n == 2 then sum = sum + nested(1) + nested(2) end
                    for i = 1, n do sum = sum + i * i end
                    return sum
                end
                local sum = 0
                for i = 1, 3 do sum = sum + deep(4) end
                return sum + load_programs(1, 40, 30)",
            )
            .unwrap();
        let report = instance.machine_code();
        assert!(report.bytes <= report.limit && (report.evicted > 0 || jit == Jit::Off), "{jit:?}: {report:?}");
        sum
    };
    let expected = run(Jit::Off);
    assert_eq!([run(Jit::Eager), run(Jit::Chaos)], [expected, expected]);
}

#[test]
fn modules_of_webassembly_come_and_go() {
    let run = |jit, stress| {
        let configuration = of_limit(jit).machine_code_limit(6 << 10).collection_stress(stress);
        let mut instance = Engine::new(configuration).instantiate().unwrap();
        let mut sum = 0;
        for number in 0..60 {
            let module = format!(
                "(module (memory 1)
                    (func $part (param i32) (result i32) (local i32)
                        (loop (local.set 1 (i32.add (local.get 1) (i32.mul (local.get 0) (i32.const {number}))))
                            (i32.store (i32.const 8) (local.get 1))
                            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                        (i32.load (i32.const 8)))
                    (func (export \"run\") (param i32) (result i32) (local i32)
                        (loop (local.set 1 (i32.xor (local.get 1) (call $part (i32.const 20))))
                            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                        (local.get 1)))"
            );
            let module = Module::new(&mut instance, wat::parse_str(module).unwrap(), "@module.wasm").unwrap();
            let exports = module.instantiate(&mut instance, None).unwrap();
            let run = exports.function::<i32, i32>(&mut instance, "run").unwrap();
            sum += i64::from(run.call(&mut instance, 31).unwrap());
            // The first ones stay, and are called again.
            if number < 4 {
                let table = exports.table().clone();
                instance.set(&format!("m{number}"), &table).unwrap();
            }
            sum += instance.eval::<i64>("return m0.run(3) + (m3 and m3.run(2) or 0)").unwrap();
        }
        let report = instance.machine_code();
        assert!(report.bytes <= report.limit && (report.evicted > 0 || jit == Jit::Off), "{jit:?}: {report:?}");
        sum
    };
    let expected = run(Jit::Off, 0);
    for jit in [Jit::Eager, Jit::Chaos] {
        assert_eq!(run(jit, 0), expected, "{jit:?}");
    }
    assert_eq!(run(Jit::Eager, 30), expected);
}

#[test]
fn a_function_that_is_larger_than_all_room_is_interpreted() {
    for jit in COMPILED {
        let mut instance = with_programs(of_limit(jit).machine_code_limit(64));
        assert_eq!(instance.eval::<i64>("local sum = load_programs(3, 4, 100000) return sum").unwrap(), {
            let mut instance = with_programs(Configuration::new().jit(Jit::Off));
            instance.eval::<i64>("local sum = load_programs(3, 4, 100000) return sum").unwrap()
        });
        let report = instance.machine_code();
        assert_eq!((report.bytes, report.limit, report.evicted), (0, 64, 0));
    }
}

/// Runs a program until something of it is compiled.
fn run_until_compiled(instance: &mut Instance, program: &str) {
    let start = Instant::now();
    while instance.statistics().native_functions == 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing is compiled");
        instance.exec(program).unwrap();
    }
}

#[test]
fn programs_go_on_while_functions_are_compiled() {
    const PROGRAM: &str = "function sum(n) local s = 0 for i = 1, n do s = s + i % 7 end return s end";
    for jit in ALL {
        let mut instance = Engine::new(Configuration::new().jit(jit)).instantiate().unwrap();
        instance.exec(PROGRAM).unwrap();
        if jit != Jit::Off {
            run_until_compiled(&mut instance, "sum(100000)");
        }
        assert_eq!(instance.eval::<i64>("return sum(1000)").unwrap(), 3003);
    }
    let engine = Engine::new(Configuration::new().fuel(50_000_000));
    for _ in 0..4 {
        let mut instance = engine.instantiate().unwrap();
        let program = format!("{PROGRAM} sum(1e8)");
        // Ends by its limit, maybe while something is compiled for it; instances go at any time.
        assert!(instance.exec(&program).is_err());
    }
}

/// Functions that the collector frees while they are compiled, snapshots taken then, and instances that go.
#[test]
fn what_is_being_compiled_may_be_gone() {
    let run = |configuration: Configuration| {
        let mut instance = with_programs(configuration);
        let images = Arc::new(Mutex::new(0));
        let taken = Arc::clone(&images);
        instance.on_snapshot(move |snapshot| {
            let mut image = Vec::new();
            snapshot.write(&mut image)?;
            *taken.lock().unwrap() += image.len().min(1);
            Ok(AfterSnapshot::GoOn)
        });
        let sum: i64 = instance
            .eval(
                "local sum = 0
                for number = 1, 30 do
                    sum = sum + load_programs(number, number, 6000)
                    if number % 3 == 0 then collectgarbage() end
                    if number % 10 == 0 then lunette.snapshot() end
                end
                return sum",
            )
            .unwrap();
        assert_eq!(*images.lock().unwrap(), 3);
        sum
    };
    let expected = run(Configuration::new().jit(Jit::Off));
    assert_eq!(run(Configuration::new()), expected);
    assert_eq!(run(Configuration::new().machine_code_limit(LIMIT)), expected);
    assert_eq!(run(Configuration::new().machine_code_limit(LIMIT).collection_stress(500)), expected);
}

#[test]
fn tenants_report_their_room() {
    for home in [Home::Process, Home::Partition] {
        let mut tenant =
            Engine::new(Configuration::new().home(home).memory_limit(32 << 20)).tenant(Streams::none()).unwrap();
        assert_eq!(tenant.run_file("return 1", "=one", &[]).unwrap(), [Data::Integer(1)]);
        let report = tenant.machine_code().unwrap();
        let limit = if home == Home::Process { 64 << 20 } else { 8 << 20 };
        assert_eq!((report.bytes, report.limit, report.evicted), (0, limit, 0));
    }
}
