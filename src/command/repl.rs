//! The prompt: reads code, runs it, prints what it gives.

use super::{
    arguments::Session as Options,
    completion,
    report::{Status, report, tell, text},
    session::Session,
    version,
};
use lunette::{AsContext, Error, Function, Program, Result, StopReason, Value, Variadic};
use rustyline::{
    Config, Context, Editor, Helper,
    completion::Completer,
    error::ReadlineError,
    highlight::Highlighter,
    hint::Hinter,
    history::FileHistory,
    validate::{ValidationContext, ValidationResult, Validator},
};
use std::{
    cell::RefCell,
    fs,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    rc::Rc,
};

const HISTORY_LENGTH: usize = 1000;

/// `lunette repl`
pub fn start(options: &Options) -> Status {
    let mut session = match Session::new(options, &[]) {
        Ok(session) => session,
        Err(error) => return report(&error),
    };
    if !options.ignore_environment
        && let Err(error) = session.run_initial_code()
    {
        return session.finish(Err(error));
    }
    converse(session, true)
}

/// Reads and runs code until the end of input.
pub fn converse(session: Session, greets: bool) -> Status {
    let session = Rc::new(RefCell::new(session));
    let outcome = converse_with(&session, greets);
    match Rc::try_unwrap(session) {
        Ok(session) => session.into_inner().finish(outcome),
        Err(_) => outcome.map_or_else(|error| report(&error), |()| Status::Success),
    }
}

fn converse_with(session: &Rc<RefCell<Session>>, greets: bool) -> Result<()> {
    if greets && std::io::stdin().is_terminal() {
        // Who cannot be greeted will notice.
        let _ = writeln!(std::io::stdout(), "{}. Ctrl-D ends the session.", version());
    }
    let configuration = Config::builder().max_history_size(HISTORY_LENGTH).map_err(Error::external)?.build();
    let mut editor = Editor::<Prompt, FileHistory>::with_config(configuration).map_err(Error::external)?;
    editor.set_helper(Some(Prompt(session.clone())));
    let history = history_file();
    if let Some(history) = &history {
        // There is none at first.
        let _ = editor.load_history(history);
    }
    let outcome = read_and_run(session, &mut editor);
    if let Some(history) = &history {
        save_history(&mut editor, history);
    }
    outcome
}

fn read_and_run(session: &RefCell<Session>, editor: &mut Editor<Prompt, FileHistory>) -> Result<()> {
    loop {
        let prompt = session.borrow_mut().instance()?.get::<Option<String>>("_PROMPT").ok().flatten();
        let code = match editor.readline(prompt.as_deref().unwrap_or("> ")) {
            Ok(code) => code,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(Error::external(error)),
        };
        if code.trim().is_empty() {
            continue;
        }
        // A history that is full or cannot be kept is no reason to stop.
        let _ = editor.add_history_entry(&code);
        let session = &mut *session.borrow_mut();
        session.forget_interrupt();
        match evaluate(session, &code) {
            Ok(()) => {}
            Err(error @ Error::Stopped(StopReason::Exit(_) | StopReason::Fuel | StopReason::Output)) => {
                return Err(error);
            }
            Err(error) => tell(format_args!("{}", text(&error))),
        }
    }
}

/// Compiles what was typed: as an expression if it is one, or the beginning of one and of nothing else.
fn compile(session: &Session, code: &str) -> Result<Program> {
    let expression = code.strip_prefix('=').unwrap_or(code);
    session.engine.compile(format!("return {expression}"), "=stdin").or_else(|expression| {
        session
            .engine
            .compile(code, "=stdin")
            .map_err(|error| if expression.is_incomplete() && !error.is_incomplete() { expression } else { error })
    })
}

fn evaluate(session: &mut Session, code: &str) -> Result<()> {
    let program = compile(session, code)?;
    let instance = session.instance()?;
    let values: Variadic<Value> = instance.run(&program, ())?;
    if !values.0.is_empty() {
        let print: Function = instance.get("print")?;
        print.call::<()>(instance, values)?;
    }
    Ok(())
}

/// Where the history is kept.
fn history_file() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("LUNETTE_HISTORY").or_else(|| {
        let state = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
        Some(state?.join("lunette/history"))
    })
}

fn save_history(editor: &mut Editor<Prompt, FileHistory>, path: &Path) {
    if std::io::stdin().is_terminal() {
        // A history that cannot be kept is lost, and nothing else.
        let _ = path.parent().map(fs::create_dir_all);
        let _ = editor.save_history(path);
    }
}

/// What the line editor asks while code is typed in.
struct Prompt(Rc<RefCell<Session>>);

impl Completer for Prompt {
    type Candidate = String;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        match self.0.borrow_mut().instance() {
            Ok(instance) => Ok(completion::complete(instance, &line[..position])),
            Err(_) => Ok((position, Vec::new())),
        }
    }
}

impl Validator for Prompt {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let is_incomplete = compile(&self.0.borrow(), context.input()).is_err_and(|error| error.is_incomplete());
        Ok(if is_incomplete { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Hinter for Prompt {
    type Hint = String;
}

impl Highlighter for Prompt {}

impl Helper for Prompt {}
