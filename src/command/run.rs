//! Running programs: `lunette run`, `lunette SCRIPT`, `lunette -e`.

use super::{
    NAME,
    arguments::{Profiling, Script, Task},
    files::read,
    profile, repl,
    report::{Status, report, tell},
    session::Session,
    translate::print,
    version,
};
use lunette::{Data, Result};
use std::{
    ffi::{OsStr, OsString},
    io::IsTerminal,
    path::Path,
};

/// Runs what the command line says, in the order of `lua`. `is_subcommand` says that it begins with a word that `lua` does not
/// know.
pub fn run(script: &Script, is_subcommand: bool, profiling: Option<&Profiling>) -> Status {
    if script.version {
        let printed = print(format!("{}\n", version()).as_bytes());
        if printed != Status::Success {
            return printed;
        }
    }
    let has_task = script.version || script.tasks.iter().any(|task| !task.is_quiet());
    let is_terminal = std::io::stdin().is_terminal();
    let is_interactive = script.interactive || (script.script.is_empty() && !has_task && is_terminal);
    let reads_input = script.script.is_empty() && !has_task && !is_terminal && !script.interactive;
    if script.version && script.script.is_empty() && script.tasks.is_empty() && !is_interactive {
        return Status::Success;
    }
    if profiling.is_some() && is_interactive {
        tell(format_args!("{NAME}: what is typed in is not profiled: name a program"));
        return Status::Usage;
    }
    let mut session = match Session::new(&script.session, &script.script) {
        Ok(session) => session,
        Err(error) => return report(&error),
    };
    if let Some(profiling) = profiling
        && let Err(error) = profile::begin(&mut session, profiling)
    {
        return report(&error);
    }
    let outcome = run_all(&mut session, script, is_subcommand, reads_input);
    if let Some(profiling) = profiling {
        let written = profile::end(&mut session, profiling);
        return match session.finish(outcome) {
            Status::Success => written,
            status => status,
        };
    }
    if is_interactive && (outcome.is_ok() || script.interactive) && !session.tenant.has_ended() {
        if let Err(error) = &outcome
            && let status @ Status::Exit(_) = report(error)
        {
            return status;
        }
        return repl::converse(session, !script.version);
    }
    session.finish(outcome)
}

fn run_all(session: &mut Session, script: &Script, is_subcommand: bool, reads_input: bool) -> Result<()> {
    set_arguments(session, &script.script, is_subcommand)?;
    if !script.session.ignore_environment {
        session.run_initial_code()?;
    }
    for task in &script.tasks {
        match task {
            Task::Execute(code) => {
                let outcome = session.tenant.execute_file(code.as_encoded_bytes(), "=(command line)", &[]);
                session.settle(outcome)?;
            }
            Task::Require(module) => require(session, module)?,
        }
    }
    let (path, arguments) = match script.script.split_first() {
        Some((path, arguments)) => (Path::new(path), arguments),
        None if reads_input => (Path::new("-"), &[][..]),
        None => return Ok(()),
    };
    let arguments: Vec<Data> = arguments.iter().map(|argument| argument.as_encoded_bytes().into()).collect();
    let outcome = match &script.invoke {
        Some(function) => invoke(session, path, function, arguments),
        None => session.run_file(path, &arguments),
    };
    session.settle(outcome)
}

/// `--invoke`: calls one function of a module.
fn invoke(session: &mut Session, path: &Path, function: &OsStr, arguments: Vec<Data>) -> Result<()> {
    let (content, name) = read(path)?;
    let mut all = vec![content.into(), name.into(), function.as_encoded_bytes().into()];
    all.extend(arguments);
    session.tenant.execute_file(include_str!("invoke.lua"), "=(--invoke)", &all)
}

/// `-l module` or `-l name=module`.
fn require(session: &mut Session, module: &OsStr) -> Result<()> {
    let module = module.as_encoded_bytes();
    let (name, module) = match module.iter().position(|&byte| byte == b'=') {
        Some(at) => (&module[..at], &module[at + 1..]),
        // A version behind a hyphen is no part of a variable's name.
        None => (module.split(|&byte| byte == b'-').next().unwrap_or(module), module),
    };
    let code = "local name, module = ...; _G[name] = require(module)";
    session.tenant.execute_file(code, "=(command line)", &[name.into(), module.into()])
}

/// Sets the global `arg`: the script is at 0, its arguments follow, what stands before it has negative indices. The word
/// `run` or `profile` is left out, without which the same program runs: what calls `arg[-1]` finds the interpreter there. A
/// partition is granted the script's arguments only: what stands before them says what the process has.
fn set_arguments(session: &mut Session, script: &[OsString], is_subcommand: bool) -> Result<()> {
    let mut all: Vec<OsString> = std::env::args_os().collect();
    if is_subcommand {
        all.remove(1);
    }
    let origin = if script.is_empty() { 0 } else { all.len() - script.len() };
    let hidden = if session.tenant.instance().is_some() { 0 } else { all.len() - script.len() };
    let table = all.iter().enumerate().skip(hidden).map(|(index, argument)| {
        (Data::Integer(index as i64 - origin as i64), Data::from(argument.as_encoded_bytes()))
    });
    session.tenant.set("arg", &Data::Table(table.collect()))
}
