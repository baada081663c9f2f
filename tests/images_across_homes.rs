//! Images of programs in partitions: they go on in either home.
#![cfg(feature = "partitions")]

use lunette::{AfterSnapshot, Configuration, Data, Engine, Error, Home, Result, StopReason, Streams, Tenant};
use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
};

const HOMES: [&[&str]; 2] = [&[], &["--isolate"]];

fn lunette(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lunette"));
    command.args(arguments).env_remove("LUA_INIT").env_remove("LUA_PATH").stdin(Stdio::null());
    command
}

/// Standard output of a run that succeeds.
fn output(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// A file that is removed at the end.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> File {
        File(std::env::temp_dir().join(format!("lunette-homes-{}-{name}", std::process::id())))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn from_each_home_to_each() {
    let program = "
        local list = {}
        setmetatable({}, {__gc = function()
            pcall(function()
                local numbers = {5, 3, 9, 1, 7}
                table.sort(numbers, function(a, b)
                    if #list == 0 then
                        local resume = coroutine.wrap(function(x) list[1] = lunette.snapshot() return x * 2 end)
                        list[2] = resume(21)
                    end
                    return a < b
                end)
                list[3] = table.concat(numbers, ' ')
                error('caught')
            end)
        end})
        collectgarbage()
        print(table.unpack(list))";
    for from in HOMES {
        for to in HOMES {
            for compress in [&[][..], &["--compress"]] {
                let image = File::new("each");
                let to_image = format!("--snapshot-to={}", image.path());
                let arguments = [&["run"], from, compress, &[&to_image, "-e", program]].concat();
                assert_eq!(output(&mut lunette(&arguments)), "saved\t42\t1 3 5 7 9\n", "{from:?}");
                let arguments = [&["restore"], to, &[image.path()]].concat();
                assert_eq!(output(&mut lunette(&arguments)), "restored\t42\t1 3 5 7 9\n", "{from:?} {to:?}");
            }
        }
    }
}

#[test]
fn damaged_images_are_refused_by_partitions() {
    let image = File::new("damaged");
    let to_image = format!("--snapshot-to={}", image.path());
    output(&mut lunette(&["run", "--isolate", &to_image, "-e", "lunette.snapshot()"]));
    let whole = fs::read(&image.0).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    for damaged in [&whole[..whole.len() - 1], &whole[..40], &[], &changed] {
        fs::write(&image.0, damaged).unwrap();
        let refused = lunette(&["restore", "--isolate", image.path()]).output().unwrap();
        let message = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{message}");
        assert!(message.starts_with(&format!("lunette: {}: ", image.path())), "{message}");
    }
}

/// A program in a partition that has written `ready`, and the pipe to it.
fn ready(program: &str) -> Child {
    let mut child = lunette(&["run", "--isolate", "--stdin", "-e", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0; 6];
    child.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
    assert_eq!(&line, b"ready\n");
    child
}

#[test]
fn a_partition_is_asked_from_outside() {
    // It computes, and it waits for input.
    let computes = "print('ready') io.stdout:flush() local n = 0 while not done do n = n + 1 if n == 6e7 then break end end \
        print('end')";
    let waits = "print('ready') io.stdout:flush() print('got ' .. io.read())";
    for (program, rest) in [(computes, "end\n"), (waits, "got line\n")] {
        let image = File::new("asked");
        let child = ready(program);
        let asked = lunette(&["snapshot", "--stop", "-o", image.path(), &child.id().to_string()]).output().unwrap();
        assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
        let stopped = child.wait_with_output().unwrap();
        assert_eq!((stopped.status.code(), stopped.stdout), (Some(0), Vec::new()));
        for home in HOMES {
            let stdin: &[&str] = if home.is_empty() { &[] } else { &["--stdin"] };
            let mut restored = lunette(&[&["restore"], home, stdin, &[image.path()]].concat())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            restored.stdin.take().unwrap().write_all(b"line\n").unwrap();
            let output = restored.wait_with_output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), rest, "{home:?}");
        }
    }
}

/// What these expect of the collector's timing, or their time, does not go together with being frozen.
const NOT_FROZEN: [&str; 2] = ["deep_recursion_and_limits.lua", "xpcall_and_tracebacks.lua"];

/// Every program moves from a partition to the process and back, again and again.
#[test]
fn the_corpus_moves_between_homes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lua");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "lua"));
    files.retain(|path| !NOT_FROZEN.iter().any(|name| path.ends_with(name)));
    files.sort();
    let failures = std::thread::scope(|scope| {
        let workers = [0, 1].map(|worker| {
            let files = files.iter().skip(worker).step_by(2);
            scope.spawn(move || {
                let mut failures = Vec::new();
                for path in files {
                    let grants = ["--stdin", "--dir=.::/", "--dir=/tmp::/tmp", "--env=HOME", "--env=PATH"];
                    let mut command = lunette(&["run", "--isolate", "--snapshot-chaos=499"]);
                    command.args(grants).arg(path.file_name().unwrap()).current_dir(path.parent().unwrap());
                    let output = command.output().unwrap();
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    if text(&output.stdout).lines().next_back() != Some("ok") {
                        failures.push(format!("{}: {}", path.display(), text(&output.stderr)));
                    }
                }
                failures
            })
        });
        workers.map(|worker| worker.join().unwrap()).concat()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Engines for both homes, with functions of the host if there are names.
fn engines(names: &[&'static str]) -> [Engine; 2] {
    [Home::Process, Home::Partition].map(|home| {
        let configuration = names.iter().fold(Configuration::new().home(home), |configuration, &name| {
            configuration
                .tenant_function(name, move |arguments| Ok([Data::from(name)].into_iter().chain(arguments).collect()))
        });
        Engine::new(configuration)
    })
}

/// Runs a program until it has a snapshot taken of itself, and gives the image.
fn image_of(tenant: &mut Tenant, program: &str) -> Result<Vec<u8>> {
    let image = Arc::new(Mutex::new(Vec::new()));
    let kept = image.clone();
    tenant.on_snapshot(move |snapshot| {
        snapshot.write(&mut *kept.lock().unwrap())?;
        Ok(AfterSnapshot::Stop)
    });
    match tenant.execute_file(program, "=program", &[]) {
        Err(Error::Stopped(StopReason::Snapshot)) => Ok(std::mem::take(&mut *image.lock().unwrap())),
        Err(error) => Err(error),
        Ok(()) => panic!("no snapshot was taken"),
    }
}

fn image_again(engine: &Engine, image: &[u8]) -> Vec<u8> {
    let mut other = Vec::new();
    engine.restore_tenant(image, Streams::none()).unwrap().snapshot(&mut other).unwrap();
    other
}

#[test]
fn functions_of_the_host_are_found_by_their_names() {
    // The places of names differ.
    let (here, there) = (engines(&["app.b", "app.c"]), engines(&["app.a", "app.b", "app.c", "app.d"]));
    let program = "local c = other(1) local function call(...) lunette.snapshot() return c, named(...), other == c end
        return call(2, 'x')";
    for from in &here {
        let mut tenant = from.tenant(Streams::none()).unwrap();
        tenant.host_function("named", "app.b").unwrap();
        tenant.host_function("other", "app.c").unwrap();
        let image = image_of(&mut tenant, program).unwrap();
        for to in &there {
            let mut restored = to.restore_tenant(&image[..], Streams::none()).unwrap();
            let results = restored.resume().unwrap();
            assert_eq!(results, ["app.c".into(), "app.b".into(), Data::Boolean(false)]);
            assert_eq!(restored.call("other", &[]).unwrap(), ["app.c".into()]);
            assert!(image_again(to, &image) == image, "the same instance is the same image");
            // The instance ends, and the functions' finalizers do nothing.
            restored.close().unwrap();
        }
        for to in engines(&["app.a", "app.c"]) {
            let refused = to.restore_tenant(&image[..], Streams::none()).unwrap_err().to_string();
            assert!(refused.starts_with("nothing is registered as 'app.b' here (userdata "), "{refused}");
        }
    }
}

/// Streams of which output is kept.
fn captured() -> (lunette::Captured, Streams) {
    let output = lunette::Captured::new();
    (output.clone(), Streams { output: lunette::Output::Captured(output), ..Streams::none() })
}

#[test]
fn what_goes_on_elsewhere_is_not_heard_of_again() {
    let program = "setmetatable({}, {__gc = function() print('late') end})
        io.write('early ') lunette.snapshot() print('rest')";
    for from in engines(&[]) {
        let (output, streams) = captured();
        let mut tenant = from.tenant(streams).unwrap();
        let image = image_of(&mut tenant, program).unwrap();
        assert!(tenant.has_ended());
        tenant.close().unwrap();
        assert_eq!(output.take(), b"early ");
        for to in engines(&[]) {
            let (output, streams) = captured();
            let mut restored = to.restore_tenant(&image[..], streams).unwrap();
            restored.execute_rest().unwrap();
            restored.close().unwrap();
            assert_eq!(output.take(), b"rest\nlate\n");
        }
    }
}

#[test]
fn functions_without_a_name_are_in_no_image() {
    for engine in engines(&["app.a"]) {
        let mut tenant = engine.tenant(Streams::none()).unwrap();
        tenant.function("nameless", |_| Ok(Vec::new())).unwrap();
        tenant.host_function("named", "app.a").unwrap();
        let refused = tenant.snapshot(std::io::sink()).unwrap_err().to_string();
        assert_eq!(refused, "a function of the host has no registered name");
        tenant.on_snapshot(|snapshot| snapshot.write(std::io::sink()).map(|()| AfterSnapshot::GoOn));
        let program = "return select(2, lunette.snapshot())";
        assert_eq!(tenant.run_file(program, "=p", &[]).unwrap(), [Data::from(refused.as_str())]);
        // As soon as nobody has it any more, nothing is in the way.
        tenant.execute_file("nameless = nil collectgarbage() collectgarbage()", "=p", &[]).unwrap();
        assert_eq!(tenant.run_file("return lunette.snapshot()", "=p", &[]).unwrap(), [Data::from("saved")]);
        assert_eq!(tenant.call("named", &[1.into()]).unwrap(), ["app.a".into(), 1.into()]);
    }
}

#[test]
fn templates_have_functions_of_the_host_by_name() {
    let file = File::new("template");
    let [_, engine] = engines(&["app.b"]);
    let template = engine.template(|tenant| tenant.host_function("f", "app.b")).unwrap();
    template.save(file.path()).unwrap();
    for template in [template, engines(&["app.a", "app.b"])[1].load_template(file.path()).unwrap()] {
        let mut tenant = template.tenant(Streams::none()).unwrap();
        assert_eq!(tenant.call("f", &[]).unwrap(), ["app.b".into()]);
    }
    let other = engines(&["app.a"])[1].load_template(file.path()).unwrap();
    let refused = other.tenant(Streams::none()).unwrap_err().to_string();
    assert_eq!(refused, "no function of the host is registered as 'app.b' here");
    let nameless = engine.template(|tenant| tenant.function("f", |_| Ok(Vec::new())));
    assert!(nameless.unwrap_err().to_string().contains("without a registered name"));
}
