//! The committed instruction reference is that of the instruction table.

#[test]
fn the_reference_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/instructions.md");
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(
        committed == lunette_bytecode::reference::reference(),
        "run `cargo run -p lunette-bytecode --example instruction_reference > spec/instructions.md`"
    );
}
