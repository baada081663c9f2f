//! What a prompt needs of an instance, wherever that lives: how what was typed becomes a program, and the names that
//! complete it.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use lunette_gc::{reference::Ref, table::Table, value::Value};
use lunette_interpreter::{Machine, metamethod::Event};

/// The name of what was typed, for messages.
pub const NAME: &[u8] = b"=stdin";

const KEYWORDS: [&str; 22] = [
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil",
    "not", "or", "repeat", "return", "then", "true", "until", "while",
];
/// How many metatables' `__index` are followed.
const CHAIN: usize = 10;
/// The most bytes of names that are given; nobody looks through so many.
const MOST_BYTES: usize = 1 << 20;

/// What was typed is no program.
#[cfg(feature = "compiler")]
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub error: lunette_frontend::CompileError,
    /// The text that this is about.
    pub source: Vec<u8>,
}

/// Compiles what was typed: as an expression if it is one, or the beginning of one and of nothing else.
#[cfg(feature = "compiler")]
pub fn compile(entry: &[u8], limits: lunette_frontend::Limits) -> Result<lunette_bytecode::module::Module, Refused> {
    use lunette_frontend::CompileError;
    let compile = |parts: &[&[u8]]| {
        let mut source = Vec::new();
        if source.try_reserve_exact(parts.iter().map(|part| part.len()).sum()).is_err() {
            return Err(Refused { error: CompileError::Memory, source });
        }
        parts.iter().for_each(|part| source.extend_from_slice(part));
        lunette_frontend::compile(&source, NAME, limits).map_err(|error| Refused { error, source })
    };
    let is_incomplete = |refused: &Refused| matches!(&refused.error, CompileError::Syntax(error) if error.at_end);
    compile(&[b"return ", entry.strip_prefix(b"=").unwrap_or(entry)]).or_else(|expression| {
        compile(&[entry]).map_err(|refused| {
            if is_incomplete(&expression) && !is_incomplete(&refused) { expression } else { refused }
        })
    })
}

/// What is said if `print` fails.
pub fn cannot_print(error: impl core::fmt::Display) -> String {
    alloc::format!("error calling 'print' ({error})")
}

/// The names that can stand for the last one before the end of `text`, and where that begins.
pub fn complete(machine: &Machine, text: &str) -> (usize, Vec<String>) {
    let path_start = text
        .rfind(|character: char| !(character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | ':')))
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    let path = &text[path_start..];
    let (objects, prefix) = match path.rfind(['.', ':']) {
        Some(at) => (Some(&path[..at]), &path[at + 1..]),
        None => (None, path),
    };
    let mut names = Vec::new();
    let mut object = Some(Value::Table(machine.globals()));
    for name in objects.into_iter().flat_map(|objects| objects.split(['.', ':'])) {
        object = object.and_then(|object| field(machine, object, name));
    }
    if let Some(object) = object {
        add_fields(machine, object, prefix, &mut names);
    }
    if objects.is_none() && !prefix.is_empty() {
        names.extend(KEYWORDS.into_iter().filter(|keyword| keyword.starts_with(prefix)).map(str::to_string));
    }
    names.sort();
    names.dedup();
    (text.len() - prefix.len(), names)
}

/// Tables in which fields of a value are found: itself and those behind `__index`. No metamethod is called.
fn tables(machine: &Machine, object: Value) -> impl Iterator<Item = Ref<Table>> {
    let behind = |object| match machine.metamethod(object, Event::Index) {
        Value::Table(table) => Some(table),
        _ => None,
    };
    let first = match object {
        Value::Table(table) => Some(table),
        object => behind(object),
    };
    core::iter::successors(first, move |&table| behind(Value::Table(table))).take(CHAIN)
}

fn field(machine: &Machine, object: Value, name: &str) -> Option<Value> {
    let name = Value::String(machine.new_string(name.as_bytes()).ok()?);
    tables(machine, object).map(|table| machine.heap.table_get(table, name)).find(|value| !value.is_nil())
}

/// Adds the names of fields that begin like this; those of functions with the parenthesis that follows.
fn add_fields(machine: &Machine, object: Value, prefix: &str, names: &mut Vec<String>) {
    let mut left = MOST_BYTES;
    for table in tables(machine, object) {
        let mut key = Value::Nil;
        while let Ok(Some((next, value))) = machine.heap.table_next(table, key) {
            key = next;
            let Value::String(name) = key else { continue };
            let Ok(name) = core::str::from_utf8(machine.bytes(name)) else { continue };
            if !name.starts_with(prefix) || !is_name(name) {
                continue;
            }
            left = left.saturating_sub(name.len() + size_of::<String>());
            if left == 0 {
                return;
            }
            let mut name = name.to_string();
            if machine.type_name(value) == "function" {
                name.push('(');
            }
            names.push(name);
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
        && !KEYWORDS.contains(&text)
}
