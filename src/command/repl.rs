//! The prompt: reads code, runs it, prints what it gives.

use super::{
    arguments::Session as Options,
    report::{Status, report, tell, text},
    session::Session,
    version,
};
use lunette::{Data, Error, Result, StopReason};
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
        let prompt = prompt(&mut session.borrow_mut());
        let code = match editor.readline(&prompt) {
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
        match session.tenant.enter(&code) {
            Ok(()) => {}
            Err(error) if is_final(&error) || session.tenant.has_ended() => return Err(error),
            Err(error) => tell(format_args!("{}", text(&error))),
        }
    }
}

/// Whether what comes next would end the same way.
fn is_final(error: &Error) -> bool {
    use StopReason::{Exit, Fuel, Output, Snapshot};
    matches!(error, Error::Stopped(Exit(_) | Fuel | Output | Snapshot))
}

/// What stands before code that is typed in: the variable `_PROMPT`, if it has a text.
fn prompt(session: &mut Session) -> String {
    let prompt = match session.tenant.get("_PROMPT") {
        Ok(Data::String(prompt)) => String::from_utf8(prompt).ok(),
        _ => None,
    };
    prompt.unwrap_or_else(|| "> ".to_owned())
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
        let names = self.0.borrow_mut().tenant.complete_entry(&line[..position]);
        // Why there are none is said when code runs.
        Ok(names.unwrap_or((position, Vec::new())))
    }
}

impl Validator for Prompt {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let checked = self.0.borrow_mut().tenant.check_entry(context.input());
        let is_incomplete = checked.is_err_and(|error| error.is_incomplete());
        Ok(if is_incomplete { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Hinter for Prompt {
    type Hint = String;
}

impl Highlighter for Prompt {}

impl Helper for Prompt {}
