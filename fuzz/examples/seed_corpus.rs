//! Writes the first inputs of all targets: the Lua programs of `tests/lua` and their paragraphs, as source and compiled,
//! and images of programs that are frozen somewhere.
//! Takes the folder of the programs and that of the corpora.

use lunette::{AfterSnapshot, AsContext, Configuration, Engine, Instance, Program};
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// Longer sources are left to the paragraphs that they consist of.
const LONGEST: usize = 4096;
/// Programs are frozen at one of so many chances.
const CHANCES: u32 = 37;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [programs, corpora] = &arguments[..] else {
        return Err("usage: seed_corpus PROGRAMS CORPORA".into());
    };
    let mut sources = Vec::new();
    collect(programs, &mut sources)?;
    for target in ["lua_source", "module_file", "run_module", "run_source", "restore_image"] {
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
        if let Some(image) = image_of(&program, 1 + number as u32 % CHANCES)? {
            fs::write(corpora.join("restore_image").join(&name), image)?;
        }
    }
    Ok(())
}

/// The image of a program at one of the chances for it, if it gets there.
fn image_of(program: &Program, chance: u32) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
    let engine = Engine::new(Configuration::new().snapshot_interval(chance).fuel(200_000).memory_limit(8 << 20));
    let mut instance: Instance = engine.instantiate()?;
    let image = Arc::new(Mutex::new(None));
    let kept = image.clone();
    instance.on_snapshot(move |snapshot| {
        let mut image = Vec::new();
        snapshot.write(&mut image)?;
        *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(image);
        Ok(AfterSnapshot::Stop)
    });
    // Many of the programs need what they are not granted here.
    let _ = instance.run::<()>(program, ());
    Ok(image.lock().unwrap_or_else(PoisonError::into_inner).take())
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
