//! The programs of WASI's test suite (repository WebAssembly/wasi-testsuite, branch prod/testsuite-base, folder tests),
//! which are not part of this repository.
//!
//! ```text
//! LUNETTE_WASI_TESTS=/path/to/tests cargo test --test wasi_suite -- --ignored
//! ```

use lunette::{
    Captured, Configuration, Directory, Engine, Environment, Error, Files, Grants, Home, Output, Program, Result,
    StopReason, Streams,
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(std::result::Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// The programs, and what their tests say of them.
fn programs() -> Vec<(PathBuf, Value)> {
    let root = std::env::var_os("LUNETTE_WASI_TESTS").expect("LUNETTE_WASI_TESTS is the suite's folder");
    let mut programs = Vec::new();
    for language in ["assemblyscript", "c", "rust"] {
        let folder = Path::new(&root).join(language).join("testsuite/wasm32-wasip1");
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "wasm") {
                let test = fs::read(path.with_extension("json")).ok();
                programs.push((path, test.map_or(Value::Null, |test| serde_json::from_slice(&test).unwrap())));
            }
        }
    }
    programs.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(programs.len(), 72);
    programs
}

/// What is wrong with a program's run, if anything is.
fn failure(path: &Path, test: &Value, home: Home, stress: u32) -> Option<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().as_bytes().to_vec();
    let mut arguments = vec![b"program.wasm".to_vec()];
    arguments.extend(test["args"].as_array().into_iter().flatten().map(text));
    // The strictest of the expectations for errors.
    let mut variables = vec![(b"ERRNO_MODE_UNIX".to_vec(), b"1".to_vec())];
    if let Some(given) = test["env"].as_object() {
        variables = given.iter().map(|(name, value)| (name.as_bytes().to_vec(), text(value))).collect();
    }
    if path.file_stem().is_some_and(|name| name == "environ_sizes_get-no-variables") {
        variables.clear();
    }
    let scratch = std::env::temp_dir().join(format!("lunette-wasi-suite-{}-{home:?}-{stress}", std::process::id()));
    let files = test["root"].as_str().map_or(Files::None, |root| {
        copy(&path.with_file_name(root), &scratch);
        Files::Directories(vec![Directory { host: scratch.clone(), guest: "/".into(), is_writable: true }])
    });
    let environment = Environment::Only(variables.into_iter().collect());
    let grants = Grants { files, environment, clock: true, entropy: true, arguments, ..Grants::NONE };
    let (output, error) = (Captured::new(), Captured::new());
    let streams =
        Streams { output: Output::Captured(output.clone()), error: Output::Captured(error.clone()), ..Streams::none() };
    let run = || -> Result<()> {
        let program = Program::from_webassembly(fs::read(path).unwrap(), "@program.wasm")?;
        let configuration = Configuration::new().grants(grants).home(home).collection_stress(stress);
        Engine::new(configuration).tenant(streams)?.run(&program, &[]).map(|_| ())
    };
    let result = run();
    let _ = fs::remove_dir_all(&scratch);
    let status = match &result {
        Ok(()) => Some(0),
        Err(Error::Stopped(StopReason::Exit(status))) => Some(*status),
        Err(_) => None,
    };
    let (written, wanted) = (output.take_text(), test["stdout"].as_str());
    let is_right = status.map(i64::from) == Some(test["exit_code"].as_i64().unwrap_or(0))
        && wanted.is_none_or(|wanted| wanted == written);
    (!is_right).then(|| format!("{} in {home:?}: {result:?}\n{written}{}", path.display(), error.take_text()))
}

fn run_all(home: Home, stress: u32) {
    let failures: Vec<String> =
        programs().iter().filter_map(|(path, test)| failure(path, test, home, stress)).collect();
    assert!(failures.is_empty(), "{} programs failed:\n{}", failures.len(), failures.join("\n"));
}

#[test]
#[ignore = "needs the suite"]
fn programs_pass_in_the_process() {
    run_all(Home::Process, 0);
}

#[test]
#[ignore = "needs the suite"]
fn programs_pass_under_stress_of_the_collector() {
    run_all(Home::Process, 1);
}

#[cfg(feature = "partitions")]
#[test]
#[ignore = "needs the suite"]
fn programs_pass_in_partitions() {
    run_all(Home::Partition, 0);
}
