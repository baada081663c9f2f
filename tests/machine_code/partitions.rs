//! Machine code that is made in partitions: templates have theirs, and what it takes is bounded by the partition's memory.

use lunette::{Configuration, Data, Engine, Home, Jit, Streams, Tenant};

const HOT: &str = "
    function sum(n) local s = 0 for i = 1, n do s = s + i % 7 end return s end
    return sum(...)";

fn engine(jit: Jit) -> Engine {
    Engine::new(Configuration::new().home(Home::Partition).jit(jit).memory_limit(32 << 20))
}

fn compiled(tenant: &mut Tenant) -> u64 {
    tenant.statistics().unwrap().native_functions
}

#[test]
fn results_and_fuel_are_the_same_as_in_the_process() {
    let run = |home, jit| {
        let mut tenant = Engine::new(Configuration::new().home(home).jit(jit).background_compilation(false))
            .tenant(Streams::none())
            .unwrap();
        let results = tenant.run_file(HOT, "=hot", &[2_000_000.into()]).unwrap();
        let statistics = tenant.statistics().unwrap();
        assert_eq!(statistics.native_functions > 0, jit != Jit::Off);
        (results, statistics.fuel_used)
    };
    let expected = run(Home::Process, Jit::Off);
    for jit in super::ALL {
        assert_eq!(run(Home::Partition, jit), expected, "{jit:?}");
    }
}

#[test]
fn clones_begin_with_the_machine_code_of_their_template() {
    let template =
        engine(Jit::On).template(|tenant| tenant.run_file(HOT, "=hot", &[2_000_000.into()]).map(drop)).unwrap();
    // The second is the first one's partition, as it was when it was made.
    for _ in 0..2 {
        let mut clone = template.tenant(Streams::none()).unwrap();
        let before = compiled(&mut clone);
        assert!(before > 0);
        assert_eq!(clone.call("sum", &[100.into()]).unwrap(), [Data::Integer(297)]);
        clone
            .run_file("function other(n) local x = 1 for i = 1, n do x = x * 3 ~ i end return x end", "=o", &[])
            .unwrap();
        clone.call("other", &[2_000_000.into()]).unwrap();
        assert_eq!(compiled(&mut clone), before + 1);
        drop(clone);
        assert_eq!(template.idle(), 1);
    }
}

#[test]
fn what_is_too_large_for_the_partition_is_interpreted() {
    for (lines, home, expected) in [(50, Home::Partition, 1), (300, Home::Partition, 0), (300, Home::Process, 1)] {
        let body = "x = x * 3 + y; y = y ~ x; z[1] = x\n".repeat(lines);
        let program = format!("local x, y, z = 1, 2, {{}} for i = 1, 100 do {body} end return x + y");
        let run = |jit| {
            let configuration = Configuration::new().home(home).jit(jit).memory_limit(32 << 20);
            let mut tenant = Engine::new(configuration).tenant(Streams::none()).unwrap();
            let results = tenant.run_file(&program, "=large", &[]).unwrap();
            (results, compiled(&mut tenant))
        };
        let (results, count) = run(Jit::Eager);
        assert_eq!(count, expected, "{lines}, {home:?}");
        assert_eq!(results, run(Jit::Off).0, "{lines}, {home:?}");
    }
}

#[test]
fn machine_code_has_a_limit() {
    // More functions than there is room for: the last are interpreted.
    let program = "
        local list = {}
        for number = 1, 200 do
            local lines = {}
            for line = 1, 80 do lines[line] = 'x = x + t[' .. line % 4 + 1 .. '] * n' end
            list[number] = load('local n, t = ... local x = ' .. number .. ' ' .. table.concat(lines, ' ') .. ' return x')
        end
        local t = {1, 2, 3, 4}
        local sum = 0
        for number, f in ipairs(list) do sum = sum + f(number, t) end
        return sum";
    let run = |jit| {
        let configuration = Configuration::new().home(Home::Partition).jit(jit).memory_limit(8 << 20);
        let mut tenant = Engine::new(configuration).tenant(Streams::none()).unwrap();
        let results = tenant.run_file(program, "=many", &[]).unwrap();
        (results, compiled(&mut tenant))
    };
    let (results, count) = run(Jit::Eager);
    assert!((30..200).contains(&count), "{count}");
    assert_eq!(results, run(Jit::Off).0);
}
