//! Prints the instruction reference, `spec/instructions.md`.

fn main() {
    print!("{}", lunette_bytecode::reference::reference());
}
