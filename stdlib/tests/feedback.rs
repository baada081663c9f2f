//! What the machine learns about functions while it runs them.

mod support;

use lunette_bytecode::instruction::Opcode;
use lunette_gc::{
    function::Closure,
    reference::Ref,
    value::{Tag, Value},
};
use lunette_interpreter::{
    Machine,
    feedback::{OPERANDS, Tags},
};

fn global(machine: &Machine, name: &str) -> Ref<Closure> {
    let key = machine.new_string(name.as_bytes()).unwrap();
    match machine.heap.table_get_string(machine.globals(), key) {
        Value::Closure(closure) => closure,
        other => panic!("{name} is no function but {other:?}"),
    }
}

/// What the operands of the function's first instruction with this opcode were seen with.
fn operands(machine: &Machine, name: &str, opcode: Opcode) -> [Tags; OPERANDS] {
    let closure = global(machine, name);
    let prototype = machine.heap.get(machine.heap.get(closure).prototype);
    let number = machine.heap.bytes(prototype.code).chunks(8).position(|word| word[0] == opcode as u8).unwrap();
    machine.feedback(closure).unwrap().operands(number)
}

const SOURCE: &[u8] = b"
    function integers(a, b) return a + b end
    function mixed(a, b) return a * b end
    function recursive(n) if n < 2 then return n end return recursive(n - 1) + recursive(n - 2) end
    function never(a) return -a end
    function loop(n)
        local s = 0
        for i = 1, n do s = s + integers(i, i) // 1 + mixed(i % 2 == 0 and 0.5 or 2, 2) end
        return s
    end
    loop(500000) recursive(22)";

#[test]
fn operands_have_the_tags_they_were_seen_with() {
    let mut machine = support::machine(None);
    support::run(&mut machine, SOURCE, "=test").unwrap();
    let [left, right, _] = operands(&machine, "integers", Opcode::add);
    assert_eq!((left.only(), right.only()), (Some(Tag::Integer as u32), Some(Tag::Integer as u32)));
    let [left, right, _] = operands(&machine, "mixed", Opcode::multiply);
    assert!(left.contains(Tag::Integer) && left.contains(Tag::Float) && !left.contains(Tag::String));
    assert_eq!((left.only(), right.only()), (None, Some(Tag::Integer as u32)));
    assert!(machine.feedback(global(&machine, "never")).is_none());
}

#[test]
fn what_is_stored_is_an_operand_too() {
    let mut machine = support::machine(None);
    let source = b"function store(t, n) for i = 1, n do t[i % 8 + 1] = 0.5 end end store({}, 500000)";
    support::run(&mut machine, source, "=test").unwrap();
    let stored = operands(&machine, "store", Opcode::set_index).map(Tags::only);
    assert_eq!(stored, [Tag::Table, Tag::Integer, Tag::Float].map(|tag| Some(tag as u32)));
}

#[test]
fn functions_that_run_long_are_hot() {
    let mut machine = support::machine(None);
    support::run(&mut machine, SOURCE, "=test").unwrap();
    let samples = |name| machine.feedback(global(&machine, name)).map_or(0, |feedback| feedback.samples());
    assert!(samples("loop") > 50, "{}", samples("loop"));
    assert!(samples("recursive") > 5, "{}", samples("recursive"));
}

#[test]
fn results_and_fuel_do_not_depend_on_samples() {
    let fuel = |rounds: u32| {
        let mut machine = support::machine(None);
        let source = format!(
            "local function f(n) return n < 2 and n or f(n - 1) + f(n - 2) end
             for _ = 1, {rounds} do
                 assert(f(20) == 6765)
                 local ok, message = pcall(function() local t = nil; for i = 1, 5000 do t = i == 5000 and t.x or {{i}} end end)
                 assert(ok)
                 local wrapped = coroutine.wrap(function() for i = 1, 3000 do coroutine.yield(i) end return 'end' end)
                 local last for value in wrapped do last = value if value == 'end' then break end end
                 assert(last == 'end')
             end"
        );
        support::run(&mut machine, source.as_bytes(), "=test").unwrap();
        machine.fuel_used()
    };
    let (one, two, four) = (fuel(1), fuel(2), fuel(4));
    assert_eq!(two - one, (four - two) / 2);
}
