//! Completion of globals and fields at the prompt.

use lunette::{AsContext, Instance, Table, Value};

const KEYWORDS: [&str; 22] = [
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil",
    "not", "or", "repeat", "return", "then", "true", "until", "while",
];
/// How many metatables' `__index` are followed.
const CHAIN: usize = 10;

/// The names that can stand for the last one before the end of `text`, and where that begins.
pub fn complete(instance: &mut Instance, text: &str) -> (usize, Vec<String>) {
    let path_start = text
        .rfind(|character: char| !(character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | ':')))
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    let path = &text[path_start..];
    let (objects, prefix) = match path.rfind(['.', ':']) {
        Some(at) => (Some(&path[..at]), &path[at + 1..]),
        None => (None, path),
    };
    let mut names = Vec::new();
    if let Ok(globals) = instance.globals() {
        let mut object = Some(Value::Table(globals));
        for name in objects.into_iter().flat_map(|objects| objects.split(['.', ':'])) {
            object = object.and_then(|object| field(instance, &object, name));
        }
        if let Some(object) = object {
            add_fields(instance, &object, &mut names);
        }
    }
    if objects.is_none() && !prefix.is_empty() {
        names.extend(KEYWORDS.map(str::to_owned));
    }
    names.retain(|name| name.starts_with(prefix));
    names.sort();
    names.dedup();
    (text.len() - prefix.len(), names)
}

/// Tables in which fields of a value are found: itself and those behind `__index`. No metamethod is called.
fn tables(instance: &mut Instance, object: &Value) -> Vec<Table> {
    let mut tables = Vec::new();
    let mut next = match object {
        Value::Table(table) => Some(table.clone()),
        Value::String(_) => instance.get::<Option<Table>>("string").ok().flatten(),
        _ => None,
    };
    while let Some(table) = next.filter(|_| tables.len() < CHAIN) {
        let metatable = table.metatable(instance).ok().flatten();
        tables.push(table);
        next = metatable.and_then(|metatable| metatable.raw_get::<Option<Table>>(instance, "__index").ok().flatten());
    }
    tables
}

fn field(instance: &mut Instance, object: &Value, name: &str) -> Option<Value> {
    let tables = tables(instance, object);
    tables.iter().find_map(|table| table.raw_get::<Value>(instance, name).ok().filter(|value| !value.is_nil()))
}

fn add_fields(instance: &mut Instance, object: &Value, names: &mut Vec<String>) {
    for table in tables(instance, object) {
        let mut key = Value::Nil;
        while let Ok(Some((next, value))) = table.next::<Value, Value>(instance, key) {
            if let Value::String(name) = &next
                && let Ok(mut name) = name.to_text(instance)
                && is_name(&name)
            {
                if matches!(value, Value::Function(_)) {
                    name.push('(');
                }
                names.push(name);
            }
            key = next;
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
        && !KEYWORDS.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lunette::Engine;

    #[test]
    fn globals_fields_and_methods() {
        let mut instance = Engine::default().instantiate().unwrap();
        instance.exec("moon = {phase = 1, rise = function() end}; name = 'x'").unwrap();
        assert_eq!(complete(&mut instance, "print(moon.p"), (11, vec!["phase".to_owned()]));
        assert_eq!(complete(&mut instance, "x = moon:r"), (9, vec!["rise(".to_owned()]));
        assert_eq!(complete(&mut instance, "string.forma"), (7, vec!["format(".to_owned()]));
        assert_eq!(complete(&mut instance, "name:rev"), (5, vec!["reverse(".to_owned()]));
        assert_eq!(complete(&mut instance, "repea"), (0, vec!["repeat".to_owned()]));
        assert_eq!(complete(&mut instance, "é mo").1, ["moon"]);
        assert!(complete(&mut instance, "nothing.at.all").1.is_empty());
    }
}
