//! Accesses beyond the end of memory, which machine code does not compare with it: they are the interpreter's traps, at the same
//! places, whatever the home does to see them.

use super::ALL;
use lunette::{Configuration, Data, Engine, Home, Jit, Streams, Tenant};
use std::{collections::BTreeSet, fmt::Write as _};

fn homes() -> Vec<Home> {
    if cfg!(feature = "partitions") { vec![Home::Process, Home::Partition] } else { vec![Home::Process] }
}

fn tenant(home: Home, jit: Jit) -> Tenant {
    Engine::new(Configuration::new().home(home).jit(jit).background_compilation(false)).tenant(Streams::none()).unwrap()
}

/// Runs a program that gets a module as the first argument, and has `load` for an instance of it; the text that it returns.
fn run_in(tenant: &mut Tenant, module: &str, program: &str, more: &[Data]) -> String {
    let source = format!(
        "local file = ...
        local module = webassembly.load(file, '@module.wasm')
        function load() return webassembly.instantiate(module) end
        return (function(...) {program} end)(select(2, ...))"
    );
    let mut arguments = vec![Data::String(wat::parse_str(module).unwrap())];
    arguments.extend_from_slice(more);
    match tenant.run_file(source, "=guards", &arguments).unwrap().as_slice() {
        [Data::String(text)] => String::from_utf8_lossy(text).into_owned(),
        other => panic!("not a text: {other:?}"),
    }
}

/// The same in all homes and tiers, which must not differ.
fn run_everywhere(module: &str, program: &str, more: &[Data]) -> String {
    let run = |home, jit| {
        let mut tenant = tenant(home, jit);
        let text = run_in(&mut tenant, module, program, more);
        assert_eq!(tenant.statistics().unwrap().native_functions > 0, jit != Jit::Off, "{home:?} {jit:?}");
        text
    };
    let expected = run(Home::Process, Jit::Off);
    for home in homes() {
        for jit in ALL {
            assert!(run(home, jit) == expected, "{home:?} {jit:?}");
        }
    }
    expected
}

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
    local warm = ...
    local m, names, seen = load(), {}, {}
    for name in pairs(m) do
        if name:find '/' then names[#names + 1] = name end
    end
    table.sort(names)
    local offsets = {0, 1, 255, 65535, 65536, 98304, 0xffffffff}
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
    // Once as hot functions, and once as all are.
    let seen = run_everywhere(&accesses(), SWEEP, &[20_000.into()]);
    assert!(seen.matches("out of bounds memory access").count() > 2000, "{seen}");
}

#[test]
fn the_place_is_known_among_many() {
    const COUNT: usize = 700;
    let mut text = String::from(
        "(module (memory 1) (func (export \"sum\") (param $which i32) (result i32) (local $sum i32) (local $at i32)\n",
    );
    for number in 0..COUNT {
        write!(
            text,
            "(local.set $at (select (i32.const 65533) (i32.const {}) (i32.eq (local.get $which) (i32.const {number}))))
             (local.set $sum (i32.{} (local.get $sum) (i32.load offset={} (local.get $at))))\n",
            number * 4,
            ["add", "xor", "sub"][number % 3],
            number % 3 * 30_000
        )
        .unwrap();
    }
    text += "(local.get $sum))
        (func (export \"scale\") (param $which i32) (result f64) (local $sum f64) (local $at i32)\n";
    for number in 0..COUNT {
        let at = format!("(select (i32.const 65529) (i32.const 8) (i32.eq (local.get $which) (i32.const {number})))");
        let offset = number * 8;
        // Products, whose operands are the ones that are merged.
        write!(
            text,
            "(f64.store offset={offset} (i32.const 0)
                (f64.mul (f64.load offset={offset} {at}) (f64.const {number}.5)))
             (local.set $sum (f64.add (local.get $sum) (f64.load offset={offset} (i32.const 16))))\n",
        )
        .unwrap();
    }
    text += "(local.get $sum)))";
    let seen = run_everywhere(
        &text,
        "local m = load()
        for i = 1, 3000 do m.sum(-1) m.scale(-1) end
        local seen = {}
        for i = 0, 699 do
            seen[#seen + 1] = tostring(select(2, pcall(m.sum, i)))
            seen[#seen + 1] = tostring(select(2, pcall(m.scale, i)))
        end
        return table.concat(seen, '\\n')",
        &[],
    );
    assert_eq!(seen.lines().collect::<BTreeSet<_>>().len(), 2 * COUNT, "{seen}");
}

#[test]
fn addresses_may_be_constants() {
    const ADDRESSES: [i32; 7] = [0, 65532, 65533, 65536, i32::MAX, i32::MIN, -1];
    let mut text = String::from("(module (memory (export \"memory\") 1 4)\n");
    for address in ADDRESSES {
        for offset in [0, 3, 65536, u32::MAX] {
            write!(
                text,
                "(func (export \"{address}+{offset}\") (param $warm i32) (result i32) (local $i i32)
                    (loop $again
                        (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
                        (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $warm))))
                    (i64.store8 offset={offset} (i32.const {address}) (i64.extend_i32_u (local.get $i)))
                    (i32.add (i32.load (i32.const 8)) (i32.load offset={offset} (i32.const {address}))))\n"
            )
            .unwrap();
        }
    }
    text.push(')');
    let seen = run_everywhere(
        &text,
        "local m, names, seen = load(), {}, {}
        for name in pairs(m) do
            if name:find '+' then names[#names + 1] = name end
        end
        table.sort(names)
        for pages = 1, 3 do
            for _, name in ipairs(names) do
                seen[#seen + 1] = name .. ': ' .. tostring(select(2, pcall(m[name], 20000)))
            end
            m.memory:grow(1)
        end
        return table.concat(seen, '\\n')",
        &[],
    );
    assert!(seen.matches("out of bounds memory access").count() > 50, "{seen}");
}

/// Sums a memory from its start, and what is at an address.
const SUM: &str = r#"(module
    (memory (export "memory") 1)
    (func (export "sum") (param $count i32) (param $at i32) (result i32) (local $i i32) (local $sum i32)
        (loop $again
            (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $i))))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $count))))
        (i32.add (local.get $sum) (i32.load (local.get $at)))))"#;

#[test]
fn there_may_be_more_memories_than_places() {
    let seen = run_everywhere(
        SUM,
        "local seen, all = {}, {}
        -- Several that are used in turns, then many that are dropped.
        for number = 1, 8 do
            all[number] = load()
            for round = 1, 2 do
                for other, m in ipairs(all) do
                    m.memory:write(other, 'abcd')
                    seen[#seen + 1] = m.sum(60000, 65532)
                    for _, at in ipairs {65533, 65536, 4 * 65536 - 4, 4 * 65536 - 3, 0xffffffff} do
                        seen[#seen + 1] = tostring(select(2, pcall(m.sum, 10, at)))
                    end
                end
                if number == 4 then all[3].memory:grow(3) end
            end
        end
        all = nil
        for number = 1, 30 do
            collectgarbage()
            local m = load()
            -- What is left of others is not to be seen.
            assert(m.sum(60000, 65532) == 0)
            m.memory:grow(3)
            seen[#seen + 1] = tostring(select(2, pcall(m.sum, 10, 4 * 65536 - 3)))
            for at = 0, 4 * 65536 - 8, 8192 do m.memory:write(at, 'leftover') end
        end
        return table.concat(seen, '\\n')",
        &[],
    );
    assert!(seen.matches("out of bounds memory access").count() > 100, "{seen}");
}

#[test]
fn large_memories_grow_and_go() {
    let seen = run_everywhere(
        SUM,
        "local seen = {}
        for round = 1, 3 do
            local m = load()
            m.sum(60000, 0)
            for pages = 1, 60 do
                local size = m.memory:size()
                m.memory:write(size - 4, 'last')
                seen[#seen + 1] = m.sum(1000, size - 4)
                seen[#seen + 1] = tostring(select(2, pcall(m.sum, 1, size - 3)))
                m.memory:grow(pages)
                seen[#seen + 1] = m.sum(1000, m.memory:size() - 4)
            end
            m = nil
            collectgarbage()
        end
        return table.concat(seen, '\\n')",
        &[],
    );
    assert!(seen.matches("out of bounds memory access").count() == 180, "{seen}");
}

#[test]
fn threads_trap_at_once() {
    let threads: Vec<_> = (0..8)
        .map(|number| {
            std::thread::spawn(move || {
                let text = run_in(
                    &mut tenant(Home::Process, Jit::Eager),
                    SUM,
                    "local m, count = load(), 0
                    for i = 1, 3000 do
                        if not pcall(m.sum, 1, 65533 + i * 1000) then count = count + 1 end
                        assert(m.sum(2, i) == 0)
                    end
                    return tostring(count)",
                    &[],
                );
                assert_eq!(text, "3000", "{number}");
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
#[cfg(feature = "partitions")]
fn partitions_are_reset_with_the_guards_of_their_template() {
    let configuration = Configuration::new().home(Home::Partition).jit(Jit::On).memory_limit(64 << 20);
    const PROGRAM: &str = "
        m = load()
        for round = 1, 40 do m.sum(60000, 0) end
        assert(not pcall(m.sum, 1, 65533))
        function go()
            local seen = {}
            for pages = 1, 20 do
                local size = m.memory:size()
                for _, at in ipairs {size - 4, size - 3, size, 65533, 20 * 65536, 0xfffffff0} do
                    seen[#seen + 1] = tostring(select(2, pcall(m.sum, 10, at)))
                end
                m.memory:write(size - 4, 'last')
                m.memory:grow(pages)
                seen[#seen + 1] = m.sum(m.memory:size() - 4, 0)
            end
            return table.concat(seen, '\\n')
        end
        return go and 'prepared'";
    let prepare = |tenant: &mut Tenant| {
        run_in(tenant, SUM, PROGRAM, &[]);
        assert!(tenant.statistics().unwrap().native_functions > 0);
        Ok(())
    };
    let text = |results: Vec<Data>| match results.as_slice() {
        [Data::String(text)] => String::from_utf8_lossy(text).into_owned(),
        other => panic!("not a text: {other:?}"),
    };
    let template = Engine::new(configuration).template(prepare).unwrap();
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        let mut clone = template.tenant(Streams::none()).unwrap();
        seen.insert(text(clone.call("go", &[]).unwrap()));
        drop(clone);
        assert_eq!(template.idle(), 1);
    }
    let mut interpreted = tenant(Home::Process, Jit::Off);
    run_in(&mut interpreted, SUM, PROGRAM, &[]);
    let expected = text(interpreted.call("go", &[]).unwrap());
    assert!(expected.matches("out of bounds memory access").count() > 60, "{expected}");
    assert_eq!(seen, BTreeSet::from([expected]));
}
