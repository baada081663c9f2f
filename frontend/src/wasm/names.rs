//! Names of functions, for tracebacks: from the section of names, or else from the exports. What is wrong with that section
//! is no error: it has no names then.

use alloc::collections::BTreeMap;
use wasmparser::{ExternalKind, KnownCustom, Name, NameSectionReader, Parser, Payload};

/// The name of a function of a module that was parsed from `file`; `None` if it has none.
///
/// The file is looked through anew each time.
pub fn function_name(file: &[u8], function: u32) -> Option<&str> {
    let mut exported = None;
    for payload in Parser::new(0).parse_all(file) {
        match payload {
            Ok(Payload::ExportSection(section)) => {
                let is_it = |kind, index| kind == ExternalKind::Func && index == function;
                let mut exports = section.into_iter().filter_map(Result::ok);
                exported = exports.find(|export| is_it(export.kind, export.index)).map(|export| export.name);
            }
            Ok(Payload::CustomSection(section)) => {
                if let KnownCustom::Name(names) = section.as_known()
                    && let Some(name) = given_name(names, function)
                {
                    return Some(name);
                }
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    exported
}

fn given_name(names: NameSectionReader<'_>, function: u32) -> Option<&str> {
    for subsection in names {
        if let Name::Function(map) = subsection.ok()? {
            let mut namings = map.into_iter().filter_map(Result::ok);
            return namings.find(|naming| naming.index == function).map(|naming| naming.name);
        }
    }
    None
}

/// The names of all functions that have one.
pub fn function_names(file: &[u8]) -> BTreeMap<u32, &str> {
    let mut names = BTreeMap::new();
    for payload in Parser::new(0).parse_all(file) {
        match payload {
            Ok(Payload::ExportSection(section)) => {
                let functions =
                    section.into_iter().filter_map(Result::ok).filter(|export| export.kind == ExternalKind::Func);
                functions.for_each(|export| {
                    names.entry(export.index).or_insert(export.name);
                });
            }
            Ok(Payload::CustomSection(section)) => {
                let KnownCustom::Name(subsections) = section.as_known() else { continue };
                for subsection in subsections.into_iter().filter_map(Result::ok) {
                    if let Name::Function(map) = subsection {
                        names.extend(map.into_iter().filter_map(Result::ok).map(|naming| (naming.index, naming.name)));
                    }
                }
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    names
}
