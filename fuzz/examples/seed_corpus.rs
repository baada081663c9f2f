//! Writes the first inputs of all targets: the Lua programs of `tests/lua` and their paragraphs, as source and compiled.
//! Takes the folder of the programs and that of the corpora.

use lunette::Program;
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

/// Longer sources are left to the paragraphs that they consist of.
const LONGEST: usize = 4096;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [programs, corpora] = &arguments[..] else {
        return Err("usage: seed_corpus PROGRAMS CORPORA".into());
    };
    let mut sources = Vec::new();
    collect(programs, &mut sources)?;
    for target in ["lua_source", "module_file", "run_module", "run_source"] {
        fs::create_dir_all(corpora.join(target))?;
    }
    for (number, source) in sources.iter().enumerate() {
        let Ok(program) = Program::from_source(source, "=seed") else { continue };
        let name = format!("seed_{number:05}");
        for target in ["lua_source", "run_source"] {
            fs::write(corpora.join(target).join(&name), source)?;
        }
        for target in ["module_file", "run_module"] {
            fs::write(corpora.join(target).join(&name), program.to_bytes())?;
        }
    }
    Ok(())
}

fn collect(folder: &Path, sources: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(|entry| entry.path());
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, sources)?;
        } else if path.extension().is_some_and(|extension| extension == "lua") {
            let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
            sources.extend(text.split("\n\n").map(str::to_owned).filter(|paragraph| paragraph.len() <= LONGEST));
            if text.len() <= LONGEST {
                sources.push(text);
            }
        }
    }
    Ok(())
}
