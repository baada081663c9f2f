//! Embedding: compile a program once, call its functions, and exchange values with it.
//!
//! `cargo run --example embed_and_call`

use lunette::{AsContext, Engine, Function, Result, Table};
use std::collections::HashMap;

const PROGRAM: &str = r#"
local discounts = ...

function total(basket)
    local sum = 0
    for _, item in ipairs(basket) do
        sum = sum + item.price * item.count * (1 - (discounts[item.name] or 0))
    end
    return sum, #basket
end
"#;

fn main() -> Result<()> {
    let engine = Engine::default();
    let program = engine.compile(PROGRAM, "=prices")?;

    // The program runs once, with the discounts as its argument.
    let mut instance = engine.instantiate()?;
    instance.run::<()>(&program, HashMap::from([("apple", 0.5)]))?;

    // A table made by Rust.
    let basket = instance.table()?;
    for (name, price, count) in [("apple", 2.0, 3), ("pear", 1.5, 2)] {
        let item = instance.table()?;
        item.set(&mut instance, "name", name)?;
        item.set(&mut instance, "price", price)?;
        item.set(&mut instance, "count", count)?;
        basket.push(&mut instance, &item)?;
    }

    let total: Function = instance.get("total")?;
    let (sum, count): (f64, i64) = total.call(&mut instance, &basket)?;
    println!("{count} kinds of fruit for {sum}");
    assert_eq!((sum, count), (6.0, 2));

    // A table made by Lua.
    let squares: Table = instance.eval("local t = {}; for i = 1, 5 do t[i] = i * i end; return t")?;
    let squares: Vec<(i64, i64)> = squares.pairs(&mut instance)?;
    println!("{squares:?}");

    // Errors are values, with a traceback.
    let error = total.call::<()>(&mut instance, vec![1]).unwrap_err();
    println!("as expected: {error}");
    Ok(())
}
