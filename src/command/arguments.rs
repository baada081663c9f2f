//! The command line's grammar, from which parser, help texts and completions come.

use super::{grant, quantity, report::Status};
use clap::{
    ArgMatches, Args, CommandFactory, FromArgMatches, Parser, ValueEnum,
    builder::{OsStringValueParser, TypedValueParser},
};
use lunette::{Directory, Jit};
use std::{ffi::OsString, path::PathBuf, time::Duration};

const STATUSES: &str = "\
Exit statuses:
  0    the program came to its end
  1    error in the program, or a file that cannot be read
  2    wrong command line
  3    memory limit reached
  4    fuel limit reached
  5    time limit reached
  6    output limit reached
  7    no partition can be had: KVM is missing, or may not be used
  8    the partition broke, or broke the rules, and was ended
  130  interrupted
  any  what the program gave to os.exit

Examples:
  lunette hello.lua               run a program
  lunette run --time-limit 1s x.lua
  lunette -e 'print(2^10)'        run a line of code
  echo 'print(1)' | lunette -     run standard input
  lunette compile -o x.lbc x.lua  compile a program for later
  lunette check src/*.lua         look for syntax errors
  lunette                         at a terminal: type in code";

/// The Lunette virtual machine: runs Lua 5.4 programs.
#[derive(Debug, Parser)]
#[command(
    name = "lunette",
    about = "The Lunette virtual machine: runs Lua 5.4 programs",
    after_help = STATUSES,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = false,
    override_usage = "lunette [OPTIONS] [SCRIPT [ARGUMENTS]...]\n       lunette <COMMAND> ..."
)]
pub struct CommandLine {
    #[command(subcommand)]
    pub subcommand: Option<Subcommand>,
    #[command(flatten)]
    pub script: Script,
}

/// What can be done.
#[derive(Debug, clap::Subcommand)]
#[command(defer = true)]
pub enum Subcommand {
    /// Run a program, source or compiled
    #[command(after_help = "The program finds its ARGUMENTS in `...` and in the global table `arg`. \
        SCRIPT may be `-` for standard input.")]
    Run(Script),
    /// Run a program, and tell which functions it spends its time in
    #[command(
        after_help = "Samples are taken where the program can be interrupted, in machine code as in the interpreter: a \
        long call of a library function counts for its caller. WebAssembly functions and waiting coroutines are seen, too."
    )]
    Profile(Profile),
    /// Type in code and see what it gives
    #[command(after_help = "Code that is not complete goes on on the next line. Values of expressions are printed. \
        Ctrl-C interrupts what runs, Ctrl-D ends the session, the tab key completes names.\n\n\
        The history is kept in the file that LUNETTE_HISTORY names, or in lunette/history below XDG_STATE_HOME \
        (~/.local/state).")]
    Repl(Session),
    /// Compile a program to a file that loads faster
    #[command(
        after_help = "A WebAssembly file gets its functions translated, and stays a file of the same module for others."
    )]
    Compile(Compile),
    /// Show a program's bytecode as text
    Disasm(Disasm),
    /// Look for syntax errors, or for what makes compiled files unfit to run
    #[command(after_help = "The exit status is 0 if nothing was found, 1 otherwise.")]
    Check(Check),
    /// Prepare an instance in a partition, for others to be cloned from
    #[cfg(feature = "partitions")]
    #[command(
        after_help = "The libraries, and what SCRIPTS and -e leave behind, are in each clone from the start on: \
        lunette run --isolate --template FILE main.lua. A template is memory as it is: only the build that made it \
        can use it, and only from a file that nobody else can write to."
    )]
    Template(Template),
    /// Tell whether partitions can be had here, and how well they will work
    #[cfg(feature = "partitions")]
    #[command(
        after_help = "What is marked `ok` is as it should be, with `--` partitions work but could work better, and with \
        `!!` there are none. The exit status is 0 if partitions can be had, 7 otherwise."
    )]
    Doctor,
    /// Serve as the monitor of a partition, for the process that started this one
    #[cfg(feature = "partitions")]
    #[command(hide = true)]
    Monitor,
    /// Write an image of a program that `lunette` runs in another process
    #[command(
        after_help = "The program goes on afterwards, unless it is to stop. One that waits for input is asked again \
        for it where the image is restored."
    )]
    Snapshot(SnapshotOf),
    /// Go on with a program from an image
    #[command(
        after_help = "Limits given here take the place of those that the image has. Files that were open are opened \
        again, relative to the current folder."
    )]
    Restore(Restore),
    /// Show what an image holds
    Inspect(Inspect),
    /// Have a program that `lunette` runs in another process go on where `lunette receive` waits for it
    #[command(
        after_help = "The program runs on while its memory is sent, and stands still for a short time at the end. If it \
        cannot arrive, it goes on where it is. Make a key with: (umask 77; head -c 32 /dev/urandom > KEY)"
    )]
    Migrate(Migrate),
    /// Wait for a program that comes from another process, and run it
    #[command(
        after_help = "The program goes on with the limits it has, and with what is granted here. Open files are opened \
        again, relative to the current folder. Whoever knows the key can run a program here, and is trusted with \
        more than that unless it comes into a partition."
    )]
    Receive(Receive),
    /// Print a script that teaches a shell to complete the command line
    #[command(after_help = "For bash: lunette completions bash > ~/.local/share/bash-completion/completions/lunette")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// A program and how to run it.
#[derive(Debug, Args)]
pub struct Script {
    /// Run CODE before the script; can be given several times
    #[arg(short = 'e', value_name = "CODE", allow_hyphen_values = true)]
    pub execute: Vec<OsString>,
    /// Load MODULE with `require` before the script, into a global of its name, or of another: NAME=MODULE
    #[arg(short = 'l', value_name = "MODULE")]
    pub library: Vec<OsString>,
    /// Go on with typed-in code after the script
    #[arg(short = 'i')]
    pub interactive: bool,
    /// Show the version
    #[arg(short = 'v', long = "version")]
    pub version: bool,
    /// Call the function that a WebAssembly module exports as FUNCTION with the ARGUMENTS, and print its results
    #[arg(long, value_name = "FUNCTION")]
    pub invoke: Option<OsString>,
    #[command(flatten)]
    pub session: Session,
    /// The program, `-` for standard input, and its arguments
    #[arg(value_name = "SCRIPT [ARGUMENTS]", trailing_var_arg = true)]
    pub script: Vec<OsString>,
    /// What `-e` and `-l` ask for, in their order.
    #[arg(skip)]
    pub tasks: Vec<Task>,
}

/// Something to do before the script.
#[derive(Clone, Debug)]
pub enum Task {
    /// Run this code.
    Execute(OsString),
    /// Load this module.
    Require(OsString),
}

/// How code runs.
#[derive(Clone, Debug, Args)]
pub struct Session {
    /// Turn warnings on
    #[arg(short = 'W')]
    pub warnings: bool,
    /// Ignore the environment variables LUA_INIT, LUA_PATH and the like
    #[arg(short = 'E')]
    pub ignore_environment: bool,
    /// The most memory the program may use, such as 64M
    #[arg(long, value_name = "BYTES", value_parser = quantity::bytes)]
    pub memory: Option<u64>,
    /// How much the program may do: about a unit for each instruction
    #[arg(long, value_name = "UNITS")]
    pub fuel: Option<u64>,
    /// How long the program may take, such as 1.5s
    #[arg(long, value_name = "TIME", value_parser = quantity::time)]
    pub time_limit: Option<Duration>,
    /// How much the program may write, such as 1M
    #[arg(long, value_name = "BYTES", value_parser = quantity::bytes)]
    pub output_limit: Option<u64>,
    /// When to compile functions to machine code: if they are hot, never, or, for tests, all, and with exits at random
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Compiling::On, hide_default_value = true)]
    pub jit: Compiling,
    /// The most machine code that there is at a time, such as 16M
    #[arg(long, value_name = "BYTES", value_parser = quantity::bytes)]
    pub jit_memory: Option<u64>,
    /// Let the program wait while functions are compiled
    #[arg(long)]
    pub jit_wait: bool,
    /// For tests: collect garbage after every N allocations
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub gc_stress: u32,
    /// The file for images of the program, which `lunette.snapshot()` writes
    #[arg(long, value_name = "FILE")]
    pub snapshot_to: Option<PathBuf>,
    /// Compress images
    #[arg(long)]
    pub compress: bool,
    /// For tests: go on with an image in a new instance at every Nth chance
    #[arg(long, value_name = "N", default_value_t = 0, hide = true)]
    pub snapshot_chaos: u32,
    /// Print figures at the end: fuel, allocation, collections and their pauses, memory
    #[arg(long)]
    pub stats: bool,
    /// Print at the end which functions became machine code, and where that is left for the interpreter
    #[arg(long)]
    pub jit_stats: bool,
    /// Print at the end the instructions of a function that was hot: of WebAssembly by its name, of Lua as FILE:LINE
    #[arg(long, value_name = "FUNCTION")]
    pub dump_ir: Option<String>,
    /// Print at the end Cranelift's form of such a function
    #[arg(long, value_name = "FUNCTION")]
    pub dump_clif: Option<String>,
    /// Print at the end the machine code of such a function
    #[arg(long, value_name = "FUNCTION")]
    pub dump_asm: Option<String>,
    /// Note machine code in /tmp/perf-PID.map, so that `perf` shows the names of functions
    #[arg(long, conflicts_with = "isolate")]
    pub perf_map: bool,
    /// Print a line for each collection
    #[arg(long)]
    pub trace_gc: bool,
    /// Run in a KVM partition: nothing is granted but output, the clock and random numbers, and the arguments behind SCRIPT
    #[arg(long, help_heading = "Partitions")]
    pub isolate: bool,
    /// Let the program use a directory, and no other files: HOST is its path here, GUEST there; `:ro` for reading only
    #[arg(long = "dir", value_name = "HOST::GUEST[:ro]", value_parser = grant::directory)]
    pub directories: Vec<Directory>,
    /// Let the program have an environment variable, and no others, with its value here or another one
    #[arg(long = "env", value_name = "NAME[=VALUE]", value_parser = OsStringValueParser::new().try_map(grant::variable))]
    pub environment: Vec<OsString>,
    /// Let the partition read standard input
    #[arg(long, requires = "isolate", help_heading = "Partitions")]
    pub stdin: bool,
    /// Clone the partition from a template that `lunette template` made
    #[arg(long, value_name = "FILE", requires = "isolate", help_heading = "Partitions")]
    pub template: Option<PathBuf>,
    /// The part of one processor that the partition may use: 0.5, or 50%
    #[arg(long, value_name = "SHARE", value_parser = quantity::share, requires = "isolate", help_heading = "Partitions")]
    pub cpu_share: Option<f64>,
}

/// When functions are compiled to machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Compiling {
    Off,
    On,
    Eager,
    Chaos,
}

impl Session {
    /// Whether something of what is told at the end is about machine code.
    pub fn reports_machine_code(&self) -> bool {
        self.jit_stats || [&self.dump_ir, &self.dump_clif, &self.dump_asm].iter().any(|name| name.is_some())
    }
}

impl From<Compiling> for Jit {
    fn from(compiling: Compiling) -> Jit {
        match compiling {
            Compiling::Off => Jit::Off,
            Compiling::On => Jit::On,
            Compiling::Eager => Jit::Eager,
            Compiling::Chaos => Jit::Chaos,
        }
    }
}

/// A program and how to profile it.
#[derive(Debug, Args)]
pub struct Profile {
    #[command(flatten)]
    pub profiling: Profiling,
    #[command(flatten)]
    pub script: Script,
}

/// How to profile.
#[derive(Debug, Args)]
pub struct Profiling {
    /// Where to write it: a flame graph if the name ends in .svg, else collapsed stacks; `-` for standard output
    #[arg(short, long, value_name = "FILE", default_value = "profile.svg", help_heading = "Profiling")]
    pub output: PathBuf,
    /// The time from one sample to the next
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = quantity::interval, help_heading = "Profiling")]
    pub interval: Duration,
}

/// A process of which there is to be an image.
#[derive(Debug, Args)]
pub struct SnapshotOf {
    /// The number of the process
    #[arg(value_name = "PID")]
    pub pid: u32,
    /// The image
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Stop the program
    #[arg(long)]
    pub stop: bool,
    /// Compress the image
    #[arg(long)]
    pub compress: bool,
}

/// An image and how to go on with it.
#[derive(Debug, Args)]
pub struct Restore {
    #[command(flatten)]
    pub session: Session,
    /// The image
    #[arg(value_name = "IMAGE")]
    pub image: PathBuf,
}

/// What to look at.
#[derive(Debug, Args)]
pub struct Inspect {
    /// The image
    #[arg(value_name = "IMAGE")]
    pub image: PathBuf,
}

/// A process whose program is to go on elsewhere.
#[derive(Debug, Args)]
pub struct Migrate {
    /// The number of the process
    #[arg(value_name = "PID")]
    pub pid: u32,
    /// Where `lunette receive` waits: HOST:PORT, or the path of a socket
    #[arg(value_name = "ADDRESS")]
    pub address: OsString,
    /// The file with the key that both sides share
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Where the program is kept if it cannot be known whether it has arrived; lunette-PID.image if not given
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
}

/// Where to wait for a program, and how to go on with it.
#[derive(Debug, Args)]
pub struct Receive {
    #[command(flatten)]
    pub session: Session,
    /// Where to wait: HOST:PORT, or the path of a socket; port 0 is any that is free
    #[arg(value_name = "ADDRESS")]
    pub address: OsString,
    /// The file with the key that both sides share
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
}

/// What to compile.
#[derive(Debug, Args)]
pub struct Compile {
    /// The compiled file; SCRIPT with the ending .lbc if not given, `-` for standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Leave out lines and names, which messages give; of WebAssembly, all custom sections
    #[arg(short, long)]
    pub strip: bool,
    /// The program, source or compiled, `-` for standard input
    #[arg(value_name = "SCRIPT")]
    pub script: PathBuf,
}

/// What to show.
#[derive(Debug, Args)]
pub struct Disasm {
    /// The program, source or compiled, `-` for standard input
    #[arg(value_name = "SCRIPT")]
    pub script: PathBuf,
}

/// What to check.
#[derive(Debug, Args)]
pub struct Check {
    /// Programs, source or compiled, `-` for standard input
    #[arg(value_name = "SCRIPTS", required = true)]
    pub scripts: Vec<PathBuf>,
}

/// Options of `lunette template`.
#[cfg(feature = "partitions")]
#[derive(Debug, Args)]
pub struct Template {
    /// Where to write it
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// The most bytes that the heap of a clone may use: 64M, 1G
    #[arg(long, value_name = "BYTES", value_parser = quantity::bytes)]
    pub memory: Option<u64>,
    /// Let the preparation use a directory, as for `run`
    #[arg(long = "dir", value_name = "HOST::GUEST[:ro]", value_parser = grant::directory)]
    pub directories: Vec<Directory>,
    /// Run a line of code, before the scripts
    #[arg(short = 'e', value_name = "CODE", allow_hyphen_values = true)]
    pub execute: Vec<OsString>,
    /// Programs to run, source or compiled
    #[arg(value_name = "SCRIPTS")]
    pub scripts: Vec<PathBuf>,
}

impl CommandLine {
    /// The command line of this process, or the status to end with.
    pub fn from_environment() -> Result<CommandLine, Status> {
        Self::parse_matches().map_err(|error| {
            let _ = error.print();
            if error.use_stderr() { Status::Usage } else { Status::Success }
        })
    }

    fn parse_matches() -> Result<CommandLine, clap::Error> {
        let matches = CommandLine::command().try_get_matches_from(std::env::args_os())?;
        let mut line = CommandLine::from_arg_matches(&matches)?;
        let (script, matches) = match (&mut line.subcommand, matches.subcommand()) {
            (Some(Subcommand::Run(script)), Some((_, matches))) => (script, matches),
            (Some(Subcommand::Profile(options)), Some((_, matches))) => (&mut options.script, matches),
            _ => (&mut line.script, &matches),
        };
        script.tasks = tasks(script, matches);
        Ok(line)
    }
}

/// `-e` and `-l` in their order.
fn tasks(script: &Script, matches: &ArgMatches) -> Vec<Task> {
    let indices = |name| matches.indices_of(name).into_iter().flatten();
    let code = indices("execute").zip(script.execute.iter().cloned().map(Task::Execute));
    let modules = indices("library").zip(script.library.iter().cloned().map(Task::Require));
    let mut tasks: Vec<(usize, Task)> = code.chain(modules).collect();
    tasks.sort_by_key(|(index, _)| *index);
    tasks.into_iter().map(|(_, task)| task).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
