//! The conformance corpus, each file in a machine of its own: it prints `ok` last. A second run collects garbage every
//! few allocations.

mod support;

use std::{fs, path::Path};

/// Files not for stress: one takes too long, one expects objects to die together.
const NOT_UNDER_STRESS: [&str; 2] = ["deep_recursion_and_limits.lua", "finalizers.lua"];

/// Runs all files, with a collection every `stress` allocations if that is not 0.
fn run_all(stress: u32) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/lua");
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "lua"));
    paths.sort();
    assert!(!paths.is_empty());
    let mut failures = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if stress > 0 && NOT_UNDER_STRESS.contains(&name.as_str()) {
            continue;
        }
        let written = support::Written::default();
        let mut machine = support::machine(Some(written.clone()));
        machine.heap.set_stress(stress);
        let result = support::run(&mut machine, &fs::read(&path).unwrap(), &format!("@{name}"));
        let text = written.text();
        if result.is_err() || text.lines().last() != Some("ok") {
            failures.push(format!("{name}: {result:?}, last line {:?}", text.lines().last()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_file_says_ok() {
    run_all(0);
}

#[test]
fn every_file_says_ok_under_stress() {
    run_all(50);
}
