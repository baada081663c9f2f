//! The program `lunette`: the command line over the library of the same name, of which it uses the public API only.

mod command;

fn main() -> std::process::ExitCode {
    command::main()
}
