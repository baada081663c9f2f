//! The program `lunette`: the command line over the library of the same name, of which it uses the public API only.

mod command;

// What unwinds is found here before it is looked for in a library that would have to be loaded.
#[cfg(static_unwinder)]
#[link(name = "gcc_eh")]
unsafe extern "C" {}

fn main() -> std::process::ExitCode {
    command::main()
}
