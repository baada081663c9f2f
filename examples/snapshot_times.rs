//! How long it takes to write an image of an instance with a large heap, and to restore it, in each home.
//!
//! `snapshot_times save HOME FILE [MEGABYTES]` and `snapshot_times restore HOME FILE` print milliseconds of the clock; the
//! homes are `process`, `partition` and `isolated` (a partition whose monitor is a process of its own).
//! `benches/partitions.py snapshots` runs it.

use lunette::{AfterSnapshot, Configuration, Engine, Home, Result, Streams};
use std::{
    fs::File,
    time::{Duration, Instant},
};

/// A program that fills its heap and asks for a snapshot.
const PROGRAM: &str = include_str!("../benches/load/snapshot.lua");

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["monitor"] => lunette::monitor(),
        ["save", home, path] => save(home, path, "100"),
        ["save", home, path, megabytes] => save(home, path, megabytes),
        ["restore", home, path] => restore(home, path),
        _ => Err(lunette::Error::message("usage: snapshot_times save|restore HOME FILE [MEGABYTES]")),
    }
}

fn engine(home: &str) -> Result<Engine> {
    let configuration = match home {
        "process" => Configuration::new(),
        "partition" => Configuration::new().home(Home::Partition),
        "isolated" => {
            let program = std::env::current_exe().map_err(lunette::Error::external)?;
            Configuration::new().home(Home::Partition).monitor(program)
        }
        other => return Err(lunette::Error::message(format_args!("there is no home '{other}'"))),
    };
    Ok(Engine::new(configuration))
}

fn print(what: &str, time: Duration) {
    println!("{what} {:.1}", time.as_secs_f64() * 1e3);
}

fn save(home: &str, path: &str, megabytes: &str) -> Result<()> {
    let mut tenant = engine(home)?.tenant(Streams::none())?;
    let path = path.to_owned();
    tenant.on_snapshot(move |snapshot| {
        let start = Instant::now();
        snapshot.write(File::create(&path).map_err(lunette::Error::external)?)?;
        print("snapshot", start.elapsed());
        Ok(AfterSnapshot::GoOn)
    });
    tenant.execute_file(PROGRAM, "@snapshot.lua", &[megabytes.into()])?;
    tenant.close()
}

fn restore(home: &str, path: &str) -> Result<()> {
    let start = Instant::now();
    let image = File::open(path).map_err(lunette::Error::external)?;
    let mut tenant = engine(home)?.restore_tenant(image, Streams::none())?;
    print("restore", start.elapsed());
    tenant.execute_rest()?;
    tenant.close()
}
