//! Programs as data: `lunette compile`, `lunette disasm`, `lunette check`.

use super::{
    arguments::{Check, Compile, Disasm},
    report::{Status, report, text},
    session::{cannot, read},
};
use lunette::{Engine, Program, Result};
use std::{
    io::Write,
    path::{Path, PathBuf},
};

fn load(path: &Path) -> Result<Program> {
    let (content, name) = read(path)?;
    Engine::default().load_file(content, name)
}

fn status(outcome: Result<()>) -> Status {
    outcome.map_or_else(|error| report(&error), |()| Status::Success)
}

/// Writes to a file, or to standard output for `-`.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = if path == Path::new("-") {
        let mut output = std::io::stdout().lock();
        output.write_all(bytes).and_then(|()| output.flush())
    } else {
        std::fs::write(path, bytes)
    };
    written.map_err(|error| cannot("write", path, &error))
}

/// `lunette compile`
pub fn compile(options: &Compile) -> Status {
    let compile = || {
        let mut program = load(&options.script)?;
        if options.strip {
            program = program.stripped();
        }
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
    status(load(&options.script).and_then(|program| write(Path::new("-"), program.disassemble().as_bytes())))
}

/// `lunette check`
pub fn check(options: &Check) -> Status {
    let mut status = Status::Success;
    for script in &options.scripts {
        if let Err(error) = load(script) {
            status = Status::Failure;
            match error {
                // Its message says where.
                lunette::Error::Syntax(_) => eprintln!("{}", text(&error)),
                error => eprintln!("{}: {}", script.display(), text(&error)),
            }
        }
    }
    status
}
