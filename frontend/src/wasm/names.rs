//! The section of names, for tracebacks. What is wrong with it is no error: it has no names then.

use alloc::vec::Vec;
use core::ops::Range;
use wasmparser::{BinaryReader, KnownCustom, Name, NameSectionReader};

/// The names that a module gives itself and its functions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Place of the module's name in the file.
    module: Option<Range<u32>>,
    /// Functions and the places of their names in the file, in the order of their numbers.
    functions: Vec<(u32, Range<u32>)>,
}

impl Names {
    /// Decodes the section at this place of the file.
    pub(super) fn decode(file: &[u8], section: Range<u32>) -> Names {
        let mut names = Names::default();
        let _ = names.read(file, section);
        names.functions.sort_by_key(|&(function, _)| function);
        names
    }

    fn read(&mut self, file: &[u8], section: Range<u32>) -> Option<()> {
        let bytes = file.get(section.start as usize..section.end as usize)?;
        let place = |name: &str| {
            let start = name.as_ptr() as usize - file.as_ptr() as usize;
            start as u32..(start + name.len()) as u32
        };
        for subsection in NameSectionReader::new(BinaryReader::new(bytes, section.start.into())).sections {
            match subsection.ok()? {
                Name::Module { name, .. } => self.module = Some(place(name)),
                Name::Function(map) => {
                    for naming in map.names {
                        let naming = naming.ok()?;
                        self.functions.push((naming.index, place(naming.name)));
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    /// The module's name in its file.
    pub fn module<'f>(&self, file: &'f [u8]) -> Option<&'f str> {
        text(file, self.module.as_ref()?)
    }

    /// The name of a function in the module's file.
    pub fn function<'f>(&self, file: &'f [u8], function: u32) -> Option<&'f str> {
        let index = self.functions.binary_search_by_key(&function, |&(function, _)| function).ok()?;
        text(file, &self.functions[index].1)
    }
}

fn text<'f>(file: &'f [u8], place: &Range<u32>) -> Option<&'f str> {
    core::str::from_utf8(file.get(place.start as usize..place.end as usize)?).ok()
}

/// Whether a custom section is that of names.
pub(super) fn is_name_section(section: &wasmparser::CustomSectionReader<'_>) -> bool {
    matches!(section.as_known(), KnownCustom::Name(_))
}
