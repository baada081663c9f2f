//! Random programs behave as in the reference implementation, down to the messages of errors.
//!
//! `LUNETTE_DIFFERENTIAL=1000..5000` runs these programs instead of the first 1500; a single one that differs is shown.

mod generator;

use lunette::{AsContext, Configuration, Engine, Jit};

/// What the program emits in Lunette.
fn in_lunette(source: &str, jit: Jit) -> Result<String, String> {
    let engine = Engine::new(Configuration::new().fuel(100_000_000).memory_limit(256 << 20).jit(jit));
    let program = engine.compile(source, "=program").map_err(|error| error.to_string())?;
    let mut instance = engine.instantiate().map_err(|error| error.to_string())?;
    let output: lunette::String = instance.run(&program, ()).map_err(|error| error.to_string())?;
    let bytes = output.to_bytes(&mut instance).map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What it emits in PUC Lua.
fn in_reference(source: &str) -> Result<String, String> {
    let lua = mlua::Lua::new();
    let output: mlua::LuaString = lua.load(source).set_name("=program").eval().map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&output.as_bytes()).into_owned())
}

/// The sign of a NaN depends on the compiler that built the implementation.
fn comparable(output: Result<String, String>) -> String {
    output.unwrap_or_else(|error| format!("fails: {error}")).replace("-nan", "nan")
}

fn seeds() -> std::ops::Range<u64> {
    let Ok(range) = std::env::var("LUNETTE_DIFFERENTIAL") else { return 0..1500 };
    let (start, end) = range.split_once("..").expect("a range");
    start.parse().expect("a number")..end.parse().expect("a number")
}

#[test]
fn random_programs_behave_as_in_the_reference_implementation() {
    let mut differences = Vec::new();
    for seed in seeds() {
        let source = generator::program(seed);
        // To compile a program takes longer than to run it: few of them are.
        let jit = match seed % 50 {
            49 => Jit::Eager,
            48 => Jit::Chaos,
            _ => Jit::On,
        };
        let (ours, theirs) = (comparable(in_lunette(&source, jit)), comparable(in_reference(&source)));
        assert!(!theirs.starts_with("fails:"), "program {seed} was generated wrongly: {theirs}");
        if ours != theirs {
            let line = ours.lines().zip(theirs.lines()).position(|(ours, theirs)| ours != theirs);
            let at = |text: &str| line.and_then(|line| text.lines().nth(line)).unwrap_or("(ends)").to_owned();
            differences.push(format!("program {seed}:\n  Lunette: {}\n  PUC Lua: {}", at(&ours), at(&theirs)));
        }
    }
    if let (1, Some(_)) = (seeds().count(), differences.first()) {
        print!("{}", generator::program(seeds().start));
    }
    assert!(differences.is_empty(), "{} programs differ\n{}", differences.len(), differences.join("\n"));
}
