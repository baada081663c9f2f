//! Names of functions, for tracebacks: from the section of names, or else from the exports. What is wrong with that section
//! is no error: it has no names then.

use alloc::collections::BTreeMap;
use core::iter;
use wasmparser::{Chunk, ExternalKind, KnownCustom, Name, NameSectionReader, Parser, Payload};

/// The sections of a file but for its code, which is most of it, up to what is wrong.
fn sections(file: &[u8]) -> impl Iterator<Item = Payload<'_>> {
    let (mut parser, mut rest) = (Parser::new(0), file);
    iter::from_fn(move || {
        let Ok(Chunk::Parsed { consumed, payload }) = parser.parse(rest, true) else { return None };
        rest = &rest[consumed..];
        match payload {
            Payload::CodeSectionStart { size, .. } => {
                parser.skip_section();
                rest = rest.get(size as usize..)?;
            }
            Payload::End(_) => return None,
            _ => {}
        }
        Some(payload)
    })
}

/// The name of a function of a module that was parsed from `file`; `None` if it has none.
///
/// The file is looked through anew each time.
pub fn function_name(file: &[u8], function: u32) -> Option<&str> {
    let mut exported = None;
    for section in sections(file) {
        match section {
            Payload::ExportSection(section) => {
                let is_it = |kind, index| kind == ExternalKind::Func && index == function;
                let mut exports = section.into_iter().filter_map(Result::ok);
                exported = exports.find(|export| is_it(export.kind, export.index)).map(|export| export.name);
            }
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(names) = section.as_known()
                    && let Some(name) = given_name(names, function)
                {
                    return Some(name);
                }
            }
            _ => {}
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
    for section in sections(file) {
        match section {
            Payload::ExportSection(section) => {
                let functions =
                    section.into_iter().filter_map(Result::ok).filter(|export| export.kind == ExternalKind::Func);
                functions.for_each(|export| {
                    names.entry(export.index).or_insert(export.name);
                });
            }
            Payload::CustomSection(section) => {
                let KnownCustom::Name(subsections) = section.as_known() else { continue };
                for subsection in subsections.into_iter().filter_map(Result::ok) {
                    if let Name::Function(map) = subsection {
                        names.extend(map.into_iter().filter_map(Result::ok).map(|naming| (naming.index, naming.name)));
                    }
                }
            }
            _ => {}
        }
    }
    names
}
