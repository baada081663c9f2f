//! Programs as data: `lunette compile`, `lunette disasm`, `lunette check`.

use super::{
    arguments::{Check, Compile, Disasm},
    files::{read, write},
    report::{Status, report, tell, text},
};
use lunette::{Engine, Error, Program, Result};
use std::path::{Path, PathBuf};

fn load(path: &Path) -> Result<Program> {
    let (content, name) = read(path)?;
    Engine::default().load_file(content, name)
}

fn status(outcome: Result<()>) -> Status {
    outcome.map_or_else(|error| report(&error), |()| Status::Success)
}

/// Writes to standard output, and gives the status of that.
pub fn print(bytes: &[u8]) -> Status {
    status(write(Path::new("-"), bytes))
}

/// `lunette compile`
pub fn compile(options: &Compile) -> Status {
    let compile = || {
        let program = load(&options.script)?;
        // What is translated has places in the file, so that comes last.
        let program = if options.strip { program.stripped() } else { program }.translated()?;
        let output = options.output.clone().unwrap_or_else(|| match options.script.to_str() {
            Some("-") => PathBuf::from("-"),
            _ => options.script.with_extension("lbc"),
        });
        write(&output, &program.to_bytes())
    };
    status(compile())
}

/// `lunette disasm`
pub fn disassemble(options: &Disasm) -> Status {
    match load(&options.script) {
        Ok(program) => print(program.disassemble().as_bytes()),
        Err(error) => report(&error),
    }
}

/// `lunette check`
pub fn check(options: &Check) -> Status {
    let mut status = Status::Success;
    for script in &options.scripts {
        if let Err(error) = load(script).and_then(|program| program.validate()) {
            status = Status::Failure;
            match error {
                // The others say where by themselves.
                Error::Malformed(message) => tell(format_args!("{}: {message}", script.display())),
                error => tell(format_args!("{}", text(&error))),
            }
        }
    }
    status
}
