//! Every public item of the library is shown in use: its documentation has an example, which is a test.

use std::{fs, path::Path};

/// Files whose public items are the library's.
const FILES: [&str; 20] = [
    "context.rs",
    "convert.rs",
    "data.rs",
    "engine.rs",
    "error.rs",
    "function.rs",
    "instance.rs",
    "program.rs",
    "snapshot.rs",
    "statistics.rs",
    "string.rs",
    "survey.rs",
    "table.rs",
    "template.rs",
    "tenant.rs",
    "thread.rs",
    "userdata.rs",
    "value.rs",
    "host/grants.rs",
    "host/standard.rs",
];

const ITEMS: [&str; 6] = ["pub fn ", "pub struct ", "pub enum ", "pub trait ", "pub type ", "pub const "];

#[test]
fn public_items_have_examples() {
    let mut missing = Vec::new();
    for file in FILES {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file)).unwrap();
        let mut documentation = String::new();
        let mut is_trait = false;
        for line in text.lines().take_while(|line| *line != "#[cfg(test)]") {
            let code = line.trim_start();
            let is_item = ITEMS.iter().any(|item| code.starts_with(item));
            if line.starts_with("pub trait") || line == "}" {
                is_trait = line != "}";
            }
            if code.starts_with("///") {
                documentation.push_str(code);
            } else if !code.starts_with("#[") {
                if (is_item || is_trait && line.starts_with("    fn ")) && !documentation.contains("```") {
                    missing.push(format!("{file}: {code}"));
                }
                documentation.clear();
            }
        }
    }
    assert!(missing.is_empty(), "without an example:\n{}", missing.join("\n"));
}
