//! Programs in partitions, through the monitor's interface.

#[allow(dead_code, reason = "shared with other tests")]
mod support;

use lunette_hw_bridge::message::{Failure, Outcome, StopReason, Token};
use support::Tenant;

#[test]
fn a_program_runs_and_its_output_comes_out() {
    let mut tenant = Tenant::new();
    let outcome = tenant.run("print('hello from', 1 + 1); return 'x', 2.5, {1, a = true}");
    assert_eq!(tenant.output(), "hello from\t2\n");
    let expected = vec![
        Token::String(b"x".to_vec()),
        Token::Float(2.5),
        Token::Table(2),
        Token::Integer(1),
        Token::Integer(1),
        Token::String(b"a".to_vec()),
        Token::Boolean(true),
    ];
    assert_eq!(outcome, Outcome::Returned(expected));
}

#[test]
fn errors_come_out_with_their_traceback() {
    let mut tenant = Tenant::new();
    let Outcome::Failed(Failure::Runtime { message, traceback, .. }) =
        tenant.run("local function f() error('no') end f()")
    else {
        panic!("the program fails");
    };
    assert_eq!(message, "test:1: no");
    assert!(traceback.contains("in upvalue 'f'") || traceback.contains("in local 'f'"), "{traceback}");
    let Outcome::Failed(Failure::Syntax { message, line, .. }) = tenant.run("x =\n = 2") else {
        panic!("the program is wrong");
    };
    assert_eq!((message.as_str(), line), ("test:2: unexpected symbol near '='", 2));
    assert_eq!(tenant.run("os.exit(7)"), Outcome::Failed(Failure::Stopped(StopReason::Exit(7))));
}

#[test]
fn memory_grows_when_it_is_touched() {
    let mut tenant = Tenant::new();
    let outcome = tenant.run(
        "local t = {} for i = 1, 2000000 do t[i] = {i} end local s = ('x'):rep(50000000) return #t, #s, t[2000000][1]",
    );
    assert_eq!(
        outcome,
        Outcome::Returned(vec![Token::Integer(2_000_000), Token::Integer(50_000_000), Token::Integer(2_000_000)])
    );
}
