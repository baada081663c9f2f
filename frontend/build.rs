//! Makes the parser from the grammar.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    lalrpop::process_src()
}
