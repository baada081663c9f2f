//! The corpus of Lua programs: what `tests/lua` says about the language and the library must hold.
//!
//! Each file of `tests/lua` checks itself and ends by printing `ok`. Each program of `tests/lua/programs` prints what
//! stands beside it in a file that ends in `.expected`. Both run with and without stress of the collector, in every tier, in
//! the process and in partitions.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn lua_files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "lua"));
    files.sort();
    assert!(!files.is_empty(), "no programs in {}", folder.display());
    files
}

fn run(path: &Path, options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lunette"));
    command.arg("run").args(options).arg(path.file_name().unwrap()).current_dir(path.parent().unwrap());
    command.env_remove("LUA_INIT").env_remove("LUA_PATH").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs programs on as many threads as there are processors, and lists all that fail.
fn check(files: &[PathBuf], options: &[&str], is_right: impl Fn(&Path, &Output) -> bool + Sync) {
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
    let failures: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let (files, is_right) = (files.iter().skip(worker).step_by(threads), &is_right);
                scope.spawn(move || {
                    let mut failures = Vec::new();
                    for path in files {
                        let output = run(path, options);
                        if !is_right(path, &output) {
                            let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
                            let tail: String = stdout.lines().rev().take(5).collect::<Vec<_>>().join("\n");
                            failures.push(format!("{}: {}\n{tail}\n{stderr}", path.display(), output.status));
                        }
                    }
                    failures
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{} of {} failed:\n{}", failures.len(), files.len(), failures.join("\n"));
}

fn says_ok(_: &Path, output: &Output) -> bool {
    output.status.success() && text(&output.stdout).lines().next_back() == Some("ok")
}

fn prints_what_is_expected(path: &Path, output: &Output) -> bool {
    let expected = path.with_extension("expected");
    let expected = fs::read(&expected).unwrap_or_else(|error| panic!("{}: {error}", expected.display()));
    output.status.success() && output.stdout == expected
}

/// Under stress every collection is a full one: this file, which fills stacks to their limit, would take minutes.
const TOO_LONG_UNDER_STRESS: &str = "deep_recursion_and_limits.lua";
/// This one expects objects that are dropped one after the other to be found dead by the same collection.
const DEPENDS_ON_TIMING: &str = "finalizers.lua";
/// What the programs use of the outside: files beside them and temporary ones, and the environment.
const IN_A_PARTITION: [&str; 6] =
    ["--isolate", "--stdin", "--dir=.::/", "--dir=/tmp::/tmp", "--env=HOME", "--env=PATH"];

/// Runs all of the corpus with these options, without stress and with it.
fn check_all(options: &[&str]) {
    check(&lua_files("tests/lua"), options, says_ok);
    check(&lua_files("tests/lua/programs"), options, prints_what_is_expected);
    let stressed = |every| [options, &[every]].concat();
    let mut files = lua_files("tests/lua");
    files.retain(|path| !path.ends_with(TOO_LONG_UNDER_STRESS) && !path.ends_with(DEPENDS_ON_TIMING));
    check(&files, &stressed("--gc-stress=53"), says_ok);
    check(&lua_files("tests/lua/programs"), &stressed("--gc-stress=101"), prints_what_is_expected);
}

macro_rules! in_every_tier {
    ($($tier:ident $option:literal;)*) => { $(
        mod $tier {
            use super::*;

            #[test]
            fn in_the_process() {
                check_all(&[$option]);
            }

            #[test]
            fn in_partitions() {
                check_all(&[&IN_A_PARTITION[..], &[$option]].concat());
            }
        }
    )* };
}

in_every_tier! {
    interpreted "--jit=off";
    compiled_when_hot "--jit=on";
    compiled_at_once "--jit=eager";
    left_at_random "--jit=chaos";
}
