//! The prompt of an instance in a partition, against that of one in the process.
#![cfg(feature = "partitions")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Stdio},
};

fn start(arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lunette"));
    for variable in ["LUA_INIT", "LUA_INIT_5_4"] {
        command.env_remove(variable);
    }
    let piped = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    piped.spawn().unwrap()
}

/// Status, standard output, standard error.
type Seen = (Option<i32>, String, String);

fn enter(arguments: &[&str], lines: &str) -> Seen {
    let mut prompt = start(arguments);
    // Who ends without reading all of it is right to.
    let _ = prompt.stdin.take().unwrap().write_all(lines.as_bytes());
    end_of(prompt)
}

fn end_of(prompt: Child) -> Seen {
    let output = prompt.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn entries_do_what_they_do_in_the_process() {
    let sessions = [
        // Values, statements, what goes on in the next line.
        "1 + 1\n= 'a', nil\nx = 5\nfor i = 1, 2 do\nprint(i * x)\nend\n2 +\n3\nx = {\n4}\n#x\n'a' ..\n'b'\n[[\n]]\n",
        // Errors, after which the session goes on.
        "local function f() error('oops') end f()\nnil + 1\nerror({})\nerror(setmetatable({}, {__tostring = \
         function() return 'an object' end}))\nfor for\ngoto nowhere\nx = = 1\n1\n",
        // What `print` is, or is not.
        "print, p = function(...) p('<', ...) end, print\n1, 2\nprint = nil\n3\nprint = error\n4\np(5)\n",
        // Values that could not leave, coroutines, large numbers of values.
        "type(print), type(coroutine.create(print))\ncoroutine.wrap(function() return 1 end)()\n\
         select('#', table.unpack({}, 1, 200000))\n#string.rep('x', 1 << 20)\n",
        // Locals end with their entry, globals do not.
        "local y = 1; z = 2\ny, z\n",
        "_PROMPT = setmetatable({}, {__tostring = error})\n1\n_PROMPT = '? '\n2\n",
        "os.exit(9)\n1\n",
        "os.exit(true, true)\n",
        "setmetatable({}, {__gc = function() print('bye') end})\n",
        "1\nfor i = 1,",
        "",
    ];
    for session in sessions {
        assert_eq!(enter(&["repl", "--isolate"], session), enter(&["repl"], session), "{session}");
    }
    let after = ["-W", "-e", "y = 3", "-i"];
    let isolated: Vec<&str> = ["run", "--isolate"].into_iter().chain(after).collect();
    assert_eq!(enter(&isolated, "y\n"), (Some(0), "3\n".into(), String::new()));
    assert_eq!(enter(&["--isolate", "-i", "-e", "error('oops', 0)"], "1\n").1, "1\n");
    assert_eq!(enter(&["--isolate", "-i", "-e", "os.exit(4)"], "1\n"), (Some(4), String::new(), String::new()));
}

#[test]
fn nothing_is_granted_at_the_prompt_either() {
    let seen = enter(&["repl", "--isolate"], "io.open('/etc/passwd')\nos.getenv('HOME')\nio.read()\n");
    assert_eq!(seen, (Some(0), "nil\t/etc/passwd: Operation not permitted\t1\nnil\nnil\n".into(), String::new()));
}

#[test]
fn limits_hold_at_the_prompt() {
    let limited = |limit: &str, lines: &str| enter(&["repl", "--isolate", limit], lines);
    // Each entry may take so long.
    let (status, output, error) = limited("--time-limit=200ms", "while true do end\n1\n");
    assert_eq!((status, output.as_str(), error.as_str()), (Some(0), "1\n", "time limit reached\n"));
    // What there is of fuel and output is for all of them.
    let loops = "for i = 1, 1000 do end\n".repeat(200);
    let (status, _, error) = limited("--fuel=100000", &loops);
    assert_eq!((status, error.as_str()), (Some(4), "lunette: fuel limit reached\n"));
    let (status, _, error) = limited("--output-limit=100", &"('x'):rep(60)\n".repeat(3));
    assert_eq!((status, error.as_str()), (Some(6), "lunette: output limit reached\n"));
    let (status, output, error) = limited("--memory=8M", "x = ('x'):rep(1 << 26)\n1\n");
    assert_eq!((status, output.as_str()), (Some(0), "1\n"));
    assert!(error.contains("not enough memory"), "{error}");
}

/// A prompt that has answered.
fn ready() -> (Child, BufReader<std::process::ChildStdout>) {
    let mut prompt = start(&["repl", "--isolate"]);
    let mut output = BufReader::new(prompt.stdout.take().unwrap());
    prompt.stdin.as_mut().unwrap().write_all(b"'ready'\n").unwrap();
    assert_eq!(line(&mut output), "ready\n");
    (prompt, output)
}

fn line(output: &mut impl BufRead) -> String {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    line
}

fn kill(signal: &str, process: &str) {
    assert!(Command::new("kill").args([signal, process]).status().unwrap().success());
}

#[test]
fn an_interrupt_ends_the_entry_only() {
    let (mut prompt, mut output) = ready();
    let mut input = prompt.stdin.take().unwrap();
    input.write_all(b"print('go') io.stdout:flush() while true do end\n").unwrap();
    assert_eq!(line(&mut output), "go\n");
    kill("-INT", &prompt.id().to_string());
    input.write_all(b"'next'\n").unwrap();
    assert_eq!(line(&mut output), "next\n");
    drop(input);
    let (status, _, error) = end_of(prompt);
    assert_eq!((status, error.as_str()), (Some(0), "interrupted!\n"));
}

#[test]
fn a_partition_that_is_gone_ends_the_session() {
    let (mut prompt, mut output) = ready();
    let id = prompt.id();
    let monitor = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    kill("-KILL", monitor.trim());
    let _ = prompt.stdin.take().unwrap().write_all(b"1\n2\n");
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    let (status, _, error) = end_of(prompt);
    assert_eq!((status, rest.as_str()), (Some(8), ""));
    assert!(error.starts_with("lunette: the monitor is gone") && error.lines().count() == 1, "{error}");
}
