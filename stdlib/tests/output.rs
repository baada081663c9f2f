//! Standard output: it arrives whole and in order, and not beyond its limit.

mod support;

use lunette_gc::value::Value;
use lunette_interpreter::{Throw, limits::StopReason};

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn much_output_arrives_in_order() {
    let written = support::Written::default();
    let mut machine = support::machine(Some(written.clone()));
    let source = b"for i = 1, 20000 do print(i, 'x') end io.write(('long'):rep(20000), '\\n') print()";
    support::run(&mut machine, source, "=test").unwrap();
    let mut expected: String = (1..=20000).map(|number| format!("{number}\tx\n")).collect();
    expected += &("long".repeat(20000) + "\n\n");
    assert_eq!(written.text(), expected);
}

#[test]
fn a_metamethod_may_print_while_its_value_is_printed() {
    let written = support::Written::default();
    let mut machine = support::machine(Some(written.clone()));
    let source = b"print(1, setmetatable({}, { __tostring = function() print('inner') return 'outer' end }), 2)";
    support::run(&mut machine, source, "=test").unwrap();
    assert_eq!(written.text(), "1\tinner\nouter\t2\n");
}

#[test]
fn the_limit_stops_the_instance() {
    let written = support::Written::default();
    let mut machine = support::machine(Some(written.clone()));
    machine.set_output_limit(Some(10));
    let error = support::run(&mut machine, b"pcall(function() while true do print('12345') end end)", "=test");
    assert!(error.unwrap_err().starts_with(&format!("{:?}", Throw::Stop)));
    assert_eq!(machine.take_stop_reason(), Some(StopReason::Output));
    assert_eq!(written.text(), "12345\n1234");
}

#[test]
fn finalizers_run_when_the_instance_is_closed() {
    let written = support::Written::default();
    let mut machine = support::machine(Some(written.clone()));
    let source = b"local function g(n) return setmetatable({}, { __gc = function() print(n) end }) end
        a, b = g('first'), g('second')";
    support::run(&mut machine, source, "=test").unwrap();
    assert_eq!(written.text(), "");
    lunette_stdlib::close(&mut machine);
    lunette_stdlib::output::flush_from_host(&mut machine).unwrap();
    assert_eq!(written.text(), "second\nfirst\n");
    assert!(matches!(machine.pending_error(), Value::Nil));
}
