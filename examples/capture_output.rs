//! Standard streams of one's own: what a program reads comes from memory, what it writes goes there.
//!
//! `cargo run --example capture_output`

use lunette::{AsContext, Captured, Engine, Input, Output, Result, Streams};

fn main() -> Result<()> {
    let (output, errors) = (Captured::new(), Captured::new());
    let streams = Streams {
        input: Input::Bytes(b"3\n4\n5\n".to_vec()),
        output: Output::Captured(output.clone()),
        error: Output::Captured(errors.clone()),
    };
    let mut instance = Engine::default().instantiate_with(streams)?;
    instance.exec(
        r#"
        local sum = 0
        for line in io.lines() do
            sum = sum + tonumber(line)
        end
        print("sum", sum)
        io.stderr:write("done\n")
        "#,
    )?;
    assert_eq!(output.take_text(), "sum\t12\n");
    assert_eq!(errors.take_text(), "done\n");
    println!("captured as it should be");
    Ok(())
}
