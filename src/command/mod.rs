//! The command line.
//!
//! The data flows `arguments` → `session` (an instance with its limits and signals) → `run`, `repl` or `translate` →
//! `report` (messages and the exit status).

mod address;
mod arguments;
mod control;
#[cfg(feature = "partitions")]
mod doctor;
mod files;
mod grant;
mod images;
mod keeper;
mod leaving;
mod migrate;
#[cfg(feature = "partitions")]
mod prepare;
mod profile;
mod quantity;
mod repl;
mod report;
mod residency;
mod run;
mod session;
mod signals;
mod snapshot;
mod trace;
mod translate;

use arguments::{CommandLine, Subcommand, Task};
use clap::CommandFactory;
use std::process::ExitCode;

/// Does what the command line says.
pub fn main() -> ExitCode {
    signals::die_of_broken_pipes();
    let CommandLine { subcommand, script } = match CommandLine::from_environment() {
        Ok(command_line) => command_line,
        Err(status) => return status.into(),
    };
    let status = match subcommand {
        None => run::run(&script, false, None),
        Some(Subcommand::Run(script)) => run::run(&script, true, None),
        Some(Subcommand::Profile(options)) => run::run(&options.script, true, Some(&options.profiling)),
        Some(Subcommand::Repl(options)) => repl::start(&options),
        Some(Subcommand::Compile(options)) => translate::compile(&options),
        Some(Subcommand::Disasm(options)) => translate::disassemble(&options),
        Some(Subcommand::Check(options)) => translate::check(&options),
        #[cfg(feature = "partitions")]
        Some(Subcommand::Template(options)) => prepare::prepare(&options),
        #[cfg(feature = "partitions")]
        Some(Subcommand::Doctor) => doctor::examine(),
        #[cfg(feature = "partitions")]
        Some(Subcommand::Monitor) => match lunette::monitor() {
            Ok(()) => report::Status::Success,
            Err(error) => report::report(&error),
        },
        Some(Subcommand::Restore(options)) => images::restore(&options),
        Some(Subcommand::Inspect(options)) => images::inspect(&options),
        Some(Subcommand::Snapshot(options)) => snapshot::ask(&options),
        Some(Subcommand::Migrate(options)) => migrate::ask(&options),
        Some(Subcommand::Receive(options)) => migrate::receive(&options),
        Some(Subcommand::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut CommandLine::command(), "lunette", &mut script);
            translate::print(&script)
        }
    };
    status.into()
}

/// The name that begins messages.
const NAME: &str = "lunette";

/// What `-v` prints.
fn version() -> String {
    format!("Lunette {} (Lua 5.4)", env!("CARGO_PKG_VERSION"))
}

impl Task {
    /// Whether the task prints nothing by itself, so that without a script there may be more to do.
    fn is_quiet(&self) -> bool {
        matches!(self, Task::Require(_))
    }
}
