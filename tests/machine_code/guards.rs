//! Accesses beyond the end of memory, which machine code does not compare with it: they are the interpreter's traps, at the same
//! places, whatever the home does to see them.

use super::ALL;
use lunette::{AsContext as _, Configuration, Engine, Instance, Jit, webassembly::Module};
use std::fmt::Write as _;

/// Loads and stores: of each the instruction, the bytes, and the type.
const LOADS: [(&str, u32, &str); 14] = [
    ("i32.load8_u", 1, "i32"),
    ("i32.load8_s", 1, "i32"),
    ("i32.load16_u", 2, "i32"),
    ("i32.load16_s", 2, "i32"),
    ("i32.load", 4, "i32"),
    ("i64.load8_u", 1, "i64"),
    ("i64.load8_s", 1, "i64"),
    ("i64.load16_u", 2, "i64"),
    ("i64.load16_s", 2, "i64"),
    ("i64.load32_u", 4, "i64"),
    ("i64.load32_s", 4, "i64"),
    ("i64.load", 8, "i64"),
    ("f32.load", 4, "f32"),
    ("f64.load", 8, "f64"),
];
const STORES: [(&str, u32, &str); 9] = [
    ("i32.store8", 1, "i32"),
    ("i32.store16", 2, "i32"),
    ("i32.store", 4, "i32"),
    ("i64.store8", 1, "i64"),
    ("i64.store16", 2, "i64"),
    ("i64.store32", 4, "i64"),
    ("i64.store", 8, "i64"),
    ("f32.store", 4, "f32"),
    ("f64.store", 8, "f64"),
];
const OFFSETS: [u32; 7] = [0, 1, 255, 65535, 65536, 98304, u32::MAX];

fn load(instance: &mut Instance, name: &str, text: &str) {
    let file = wat::parse_str(text).unwrap();
    let module = Module::new(instance, file, "@module.wasm").unwrap();
    let exports = module.instantiate(instance, None).unwrap();
    let table = exports.table().clone();
    instance.set(name, table).unwrap();
}

/// A module with a function for every access and offset; each does it a few times where it is allowed first, so that it is hot.
fn accesses() -> String {
    let mut text = String::from("(module (memory (export \"memory\") 1 4)\n");
    for (number, offset) in OFFSETS.into_iter().enumerate() {
        for (instruction, _, kind) in LOADS {
            write!(
                text,
                "(func (export \"{instruction}/{number}\") (param $warm i32) (param $at i32) (result {kind}) (local $i i32)
                    (loop $again
                        (drop ({instruction} (local.get $i)))
                        (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $warm))))
                    ({instruction} offset={offset} (local.get $at)))\n"
            )
            .unwrap();
        }
        for (instruction, _, kind) in STORES {
            write!(
                text,
                "(func (export \"{instruction}/{number}\") (param $warm i32) (param $at i32) (local $i i32)
                    (loop $again
                        ({instruction} (local.get $i) ({kind}.const 0))
                        (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $warm))))
                    ({instruction} offset={offset} (local.get $at) ({kind}.const 0x55)))\n"
            )
            .unwrap();
        }
    }
    text + "(func (export \"grow\") (drop (memory.grow (i32.const 1)))))"
}

/// Does every access around the ends of memory, before and after it has grown, and gives all that can be seen of that.
const SWEEP: &str = "
    local names, offsets, warm = ...
    local seen = {}
    local function see(name, at, index)
        local function note(ok, value) seen[#seen + 1] = name .. '@' .. at .. ': ' .. tostring(value) end
        note(pcall(m[name], warm, at))
        if index % 7 == 0 then seen[#seen + 1] = m.memory:read(m.memory:size() - 16, 16) end
    end
    for round = 1, 3 do
        for index, name in ipairs(names) do
            local offset = offsets[tonumber(name:match '%d+$') + 1]
            local size = m.memory:size()
            for distance = 0, 9 do
                local at = size - distance - offset
                if at >= 0 then see(name, at, index) end
            end
            for _, at in ipairs {0, 0x7fffffff, 0x80000000, 0xffffffff} do see(name, at, index) end
        end
        m.grow()
    end
    return table.concat(seen, '\\n')";

#[test]
fn accesses_around_the_end_are_those_of_the_interpreter() {
    let names: Vec<String> = (0..OFFSETS.len())
        .flat_map(|number| {
            LOADS.iter().chain(&STORES).map(move |(instruction, ..)| format!("'{instruction}/{number}'"))
        })
        .collect();
    let offsets: Vec<String> = OFFSETS.iter().map(u32::to_string).collect();
    let run = |jit, warm: u32| {
        let mut instance = Engine::new(Configuration::new().jit(jit)).instantiate().unwrap();
        load(&mut instance, "m", &accesses());
        let source =
            format!("return (function(...) {SWEEP} end)({{{}}}, {{{}}}, {warm})", names.join(", "), offsets.join(", "));
        let seen: lunette::String = instance.eval(source.as_str()).unwrap();
        let seen = String::from_utf8_lossy(&seen.to_bytes(&mut instance).unwrap()).into_owned();
        assert_eq!(instance.statistics().native_functions > 100, jit != Jit::Off, "{jit:?}");
        seen
    };
    let interpreted = run(Jit::Off, 1);
    assert!(interpreted.matches("out of bounds memory access").count() > 2000, "{interpreted}");
    assert!(run(Jit::Eager, 1) == interpreted);
    assert!(run(Jit::On, 20_000) == run(Jit::Off, 20_000));
}

#[test]
fn the_place_is_known_among_many() {
    // Loads that are merged with what uses them, among others of the same code in machine code's list of traps.
    const COUNT: usize = 700;
    let mut text = String::from(
        "(module (memory 1) (func (export \"sum\") (param $which i32) (result i32) (local $sum i32) (local $at i32)\n",
    );
    for number in 0..COUNT {
        let offset = number % 3 * 40_000;
        write!(
            text,
            "(local.set $at (select (i32.const 65533) (i32.const {}) (i32.eq (local.get $which) (i32.const {number}))))
             (local.set $sum (i32.{} (local.get $sum) (i32.load offset={} (local.get $at))))\n",
            number * 4,
            ["add", "xor", "sub"][number % 3],
            if offset > 60_000 { 60_000 } else { offset }
        )
        .unwrap();
    }
    text += "(local.get $sum)))";
    let run = |jit| {
        let mut instance = Engine::new(Configuration::new().jit(jit)).instantiate().unwrap();
        load(&mut instance, "m", &text);
        let seen: lunette::String = instance
            .eval(
                "for i = 1, 3000 do m.sum(-1) end
                local seen = {}
                for i = 0, 699 do seen[i + 1] = tostring(select(2, pcall(m.sum, i))) end
                return table.concat(seen, '\\n')",
            )
            .unwrap();
        let seen = String::from_utf8_lossy(&seen.to_bytes(&mut instance).unwrap()).into_owned();
        assert_eq!(instance.statistics().native_functions > 0, jit != Jit::Off, "{jit:?}");
        seen
    };
    let interpreted = run(Jit::Off);
    let places: std::collections::BTreeSet<&str> = interpreted.lines().collect();
    assert_eq!(places.len(), COUNT, "{interpreted}");
    assert!(run(Jit::On) == interpreted && run(Jit::Eager) == interpreted);
}

#[test]
fn there_may_be_more_memories_than_places() {
    const TEXT: &str = r#"(module
        (memory (export "memory") 1)
        (func (export "sum") (param $count i32) (param $at i32) (result i32) (local $i i32) (local $sum i32)
            (loop $again
                (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $i))))
                (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $count))))
            (i32.add (local.get $sum) (i32.load (local.get $at))))
        (func (export "grow") (drop (memory.grow (i32.const 3)))))"#;
    let run = |jit| {
        let mut instance = Engine::new(Configuration::new().jit(jit)).instantiate().unwrap();
        let file = wat::parse_str(TEXT).unwrap();
        let module = Module::new(&mut instance, file, "@module.wasm").unwrap();
        let mut seen = Vec::new();
        // Several that are used in turns, then many that are dropped.
        for number in 0..8 {
            let exports = module.instantiate(&mut instance, None).unwrap();
            let table = exports.table().clone();
            instance.set(format!("m{number}").as_str(), table).unwrap();
            let round: lunette::String = instance
                .eval(
                    "local seen = {}
                    for round = 1, 2 do
                        for number = 0, 7 do
                            local m = _G['m' .. number]
                            if m then
                                m.memory:write(number, 'abcd')
                                seen[#seen + 1] = m.sum(60000, 65532)
                                for _, at in ipairs {65533, 65536, 4 * 65536 - 4, 4 * 65536 - 3, 0xffffffff} do
                                    seen[#seen + 1] = tostring(select(2, pcall(m.sum, 10, at)))
                                end
                            end
                        end
                        if m3 then m3.grow() end
                    end
                    return table.concat(seen, '\\n')",
                )
                .unwrap();
            seen.push(String::from_utf8_lossy(&round.to_bytes(&mut instance).unwrap()).into_owned());
        }
        instance.exec("for number = 0, 7 do _G['m' .. number] = nil end").unwrap();
        for number in 0..30 {
            instance.exec("if ... then collectgarbage() end").unwrap();
            let exports = module.instantiate(&mut instance, None).unwrap();
            let table = exports.table().clone();
            instance.set("m", table).unwrap();
            let message: (i64, std::string::String) = instance
                .eval(
                    "collectgarbage()
                    local sum = m.sum(60000, 65532)
                    m.grow()
                    local message = tostring(select(2, pcall(m.sum, 10, 4 * 65536 - 3)))
                    for at = 0, 4 * 65536 - 8, 8192 do m.memory:write(at, 'leftover') end
                    return sum, message",
                )
                .unwrap();
            // What is left of others is not to be seen.
            assert_eq!(message.0, 0, "{jit:?} {number}");
            seen.push(message.1);
        }
        seen
    };
    let interpreted = run(ALL[0]);
    assert!(interpreted.iter().all(|seen| seen.contains("out of bounds memory access")), "{interpreted:?}");
    for jit in [Jit::On, Jit::Eager] {
        assert_eq!(run(jit), interpreted, "{jit:?}");
    }
}

#[test]
fn threads_trap_at_once() {
    let threads: Vec<_> = (0..8)
        .map(|number| {
            std::thread::spawn(move || {
                let mut instance = Engine::new(Configuration::new().jit(Jit::Eager)).instantiate().unwrap();
                load(
                    &mut instance,
                    "m",
                    r#"(module (memory (export "memory") 1)
                        (func (export "get") (param i32) (result i32) (i32.load (local.get 0))))"#,
                );
                let count: i64 = instance
                    .eval(
                        "local count = 0
                        for i = 1, 3000 do
                            if not pcall(m.get, 65533 + i * 1000) then count = count + 1 end
                            assert(m.get(i) == 0)
                        end
                        return count",
                    )
                    .unwrap();
                assert_eq!(count, 3000, "{number}");
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}
