//! `lunette profile`, and the profiler of instances: where a program spends its time, with fuel as it is without.
#![cfg(all(feature = "command", feature = "jit"))]

use lunette::{AsContext, Configuration, Engine, Home, Jit, Profile, Streams, webassembly::Module};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

/// Three quarters of the time are spent in one of two functions, the rest in the other one.
const UNEVEN: &str = "
    local function work(n) local x = 0 for i = 1, n do x = x * 3 % 1000003 + i end return x end
    local function much(n) return work(3 * n) + 0 end
    local function little(n) return work(n) + 0 end
    local sum = 0
    for i = 1, 300 do sum = sum + much(10000) + little(10000) end
    return sum";

/// Samples of stacks with all of these functions in them, in this order.
fn samples_of(profile: &Profile, functions: &[&str]) -> u64 {
    let in_order = |stack: &str| {
        let mut names = stack.split(';');
        functions.iter().all(|function| names.any(|name| name.starts_with(function)))
    };
    let lines = profile.folded();
    let counts = lines.lines().map(|line| line.rsplit_once(' ').expect("a count stands at the end"));
    counts.filter(|(stack, _)| in_order(stack)).map(|(_, count)| count.parse::<u64>().expect("it is a number")).sum()
}

#[test]
fn shares_are_right_and_fuel_is_the_same() {
    for jit in [Jit::Off, Jit::On, Jit::Eager] {
        let fuel = [None, Some(100)].map(|microseconds| {
            let mut instance = Engine::new(Configuration::new().jit(jit)).instantiate().unwrap();
            if let Some(microseconds) = microseconds {
                instance.start_profile(Duration::from_micros(microseconds));
            }
            instance.exec(UNEVEN).unwrap();
            let profile = instance.take_profile();
            let fuel = instance.statistics().fuel_used;
            let Some(_) = microseconds else {
                assert_eq!(profile, Profile::default());
                return fuel;
            };
            let [much, little] = ["much", "little"].map(|name| samples_of(&profile, &["main chunk", name, "work ("]));
            assert!(profile.samples() > 100 && much + little > profile.samples() / 2, "{jit:?}: {}", profile.folded());
            // Other programs take the processor now and then.
            assert!(much > little && little > 0, "{jit:?}: {}", profile.folded());
            fuel
        });
        assert_eq!(fuel[0], fuel[1], "{jit:?}");
    }
}

#[test]
fn coroutines_and_library_functions_are_seen_with_who_waits_for_them() {
    let mut instance = Engine::default().instantiate().unwrap();
    instance.start_profile(Duration::from_micros(100));
    instance
        .exec(
            "local function work() local x = 0 for i = 1, 300000 do x = x + i % 7 end return x end
            local resumed = coroutine.wrap(function() while true do coroutine.yield(work()) end end)
            local function ask() return (resumed()) end
            for i = 1, 10 do ask() end
            local numbers = {}
            for i = 1, 50000 do numbers[i] = i * 7919 % 50021 end
            local function before(a, b) return a < b end
            table.sort(numbers, before)
            local function copy() return #string.rep('abc', 20000000) end
            for i = 1, 10 do local count = copy() end",
        )
        .unwrap();
    let profile = instance.take_profile();
    for functions in [["ask (", "work ("], ["table.sort", "[string "], ["main chunk", "copy ("]] {
        assert!(samples_of(&profile, &functions) > 5, "{functions:?}: {}", profile.folded());
    }
}

#[test]
fn deep_stacks_are_cut_off_outside() {
    let mut instance = Engine::default().instantiate().unwrap();
    instance.start_profile(Duration::from_micros(100));
    instance
        .exec("local function deep(n) return n == 0 and 0 or 1 + deep(n - 1) end for i = 1, 20 do deep(150000) end")
        .unwrap();
    let profile = instance.take_profile();
    let lines = profile.folded();
    let longest = lines.lines().map(|line| line.split(';').count()).max().expect("there are stacks");
    assert_eq!(longest, 513);
    assert!(samples_of(&profile, &["...", "deep (", "deep ("]) > 5);
}

#[test]
fn functions_of_webassembly_have_their_names() {
    let file = wat::parse_str(
        "(module
            (func $work (param i32) (result i32) (local i32)
                (loop $again
                    (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 3)) (local.get 0)))
                    (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (local.get 1))
            (func (export \"run\") (param i32) (result i32)
                (i32.add (call $work (local.get 0)) (i32.const 1))))",
    )
    .unwrap();
    for jit in [Jit::Off, Jit::On, Jit::Eager] {
        let mut instance = Engine::new(Configuration::new().jit(jit)).instantiate().unwrap();
        let exports =
            Module::new(&mut instance, &file, "@work.wasm").unwrap().instantiate(&mut instance, None).unwrap();
        let run = exports.function::<i32, i32>(&mut instance, "run").unwrap();
        instance.start_profile(Duration::from_micros(100));
        run.call(&mut instance, 30_000_000).unwrap();
        let profile = instance.take_profile();
        assert!(samples_of(&profile, &["run (work.wasm)", "work (work.wasm)"]) > 50, "{jit:?}: {}", profile.folded());
    }
}

#[test]
fn partitions_are_profiled_likewise() {
    for jit in [Jit::Off, Jit::On] {
        let engine = Engine::new(Configuration::new().jit(jit).home(Home::Partition));
        let mut tenant = engine.tenant(Streams::none()).unwrap();
        tenant.start_profile(Duration::from_micros(200)).unwrap();
        tenant.run_file(UNEVEN, "@uneven.lua", &[]).unwrap();
        let profile = tenant.take_profile().unwrap();
        let [much, little] = ["much", "little"].map(|name| samples_of(&profile, &["main chunk", name, "work ("]));
        assert!(much + little > profile.samples() / 2, "{jit:?}: {}", profile.folded());
        assert!(much > little && little > 0, "{jit:?}: {}", profile.folded());
        assert_eq!(tenant.take_profile().unwrap(), Profile::default());
    }
}

#[test]
fn long_names_are_shortened() {
    let mut instance = Engine::default().instantiate().unwrap();
    instance.start_profile(Duration::from_micros(100));
    let name = "x".repeat(1000);
    instance.exec(format!("local function {name}() for i = 1, 3000000 do end end {name}()")).unwrap();
    let folded = instance.take_profile().folded();
    assert!(folded.contains(";xxx") && folded.lines().all(|line| line.len() < 1000), "{folded}");
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("lunette-profile-{}-{name}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("uneven.lua"), UNEVEN).unwrap();
        Folder(folder)
    }

    fn profile(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lunette"));
        command.current_dir(&self.0).arg("profile").args(arguments).output().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_command_writes_pictures_and_stacks() {
    let folder = Folder::new("writes");
    let output = folder.profile(&["uneven.lua"]);
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).ends_with(" samples in profile.svg\n"), "{output:?}");
    let picture = fs::read_to_string(folder.0.join("profile.svg")).unwrap();
    assert!(picture.starts_with("<?xml") && picture.contains("<title>work (uneven.lua:2)"), "{picture}");

    let output = folder.profile(&["-o", "stacks", "--interval", "200us", "-e", "x = ...", "uneven.lua", "an argument"]);
    assert!(output.status.success(), "{output:?}");
    let stacks = fs::read_to_string(folder.0.join("stacks")).unwrap();
    assert!(stacks.contains("main chunk (uneven.lua);much (uneven.lua:3);work (uneven.lua:2) "), "{stacks}");

    let output = folder.profile(&["-o", "-", "-e", "for i = 1, 1e7 do end print(arg[1])"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.starts_with("-o\n"), "{output:?}");
    assert!(text.contains("\nmain chunk (command line) "), "{output:?}");
}

#[test]
fn what_fails_is_profiled_too() {
    let folder = Folder::new("fails");
    let output = folder.profile(&["-o", "-", "-e", "for i = 1, 1e7 do end error('oops')"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("main chunk (command line) "), "{output:?}");
    let output = folder.profile(&["--fuel", "100000000", "-e", "while true do end"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(Path::new(&folder.0.join("profile.svg")).exists());

    let output = folder.profile(&["-o", "missing/x.svg", "-e", "print(1)"]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.starts_with("lunette: cannot write missing/x.svg: No such file"), "{message}");
    for arguments in [&["--interval", "0"][..], &["--interval", "often"], &["-o"], &["-i", "uneven.lua"]] {
        assert_eq!(folder.profile(arguments).status.code(), Some(2), "{arguments:?}");
    }
    let output = folder.profile(&["-o", "-", "--isolate", "uneven.lua"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains(";much (uneven.lua:3);work (uneven.lua:2) "), "{output:?}");
    let output =
        folder.profile(&["--isolate", "--memory", "64M", "-e", "local t = {} while true do t[#t + 1] = {} end"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    // Nothing ran long enough.
    let output = folder.profile(&["-e", "print(1)"]);
    assert!(
        output.status.success() && fs::read_to_string(folder.0.join("profile.svg")).unwrap().contains("nothing ran")
    );
}
