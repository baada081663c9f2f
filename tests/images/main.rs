//! Images: what is restored goes on as if nothing had been, equal states are equal bytes, and what is no image is refused.

mod webassembly;

use lunette::{
    AfterSnapshot, AsContext, Captured, Configuration, Engine, Error, Grants, Input, Output, SnapshotCause, StopReason,
    Streams, Value, Variadic,
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

fn streams(output: &Captured) -> Streams {
    Streams { output: Output::Captured(output.clone()), ..Streams::none() }
}

/// A program's image at its `lunette.snapshot()`, which ends it.
fn image_of(engine: &Engine, program: &str) -> Vec<u8> {
    write_image_of(engine, program, false)
}

fn write_image_of(engine: &Engine, program: &str, is_compressed: bool) -> Vec<u8> {
    let image = Arc::new(Mutex::new(Vec::new()));
    let mut instance = engine.instantiate().unwrap();
    let kept = image.clone();
    instance.on_snapshot(move |snapshot| {
        let mut image = kept.lock().unwrap();
        image.clear();
        if is_compressed {
            snapshot.write_compressed(&mut *image)?
        } else {
            snapshot.write(&mut *image)?
        };
        Ok(AfterSnapshot::Stop)
    });
    let outcome = instance.exec(program);
    assert!(matches!(outcome, Err(Error::Stopped(StopReason::Snapshot))), "{outcome:?}");
    std::mem::take(&mut *image.lock().unwrap())
}

/// What a program prints when it is frozen and goes on elsewhere at every `interval`th chance, and how often it was.
fn run_frozen(source: &str, interval: u32) -> (String, u32) {
    let engine = Engine::new(Configuration::new().snapshot_interval(interval).grants(Grants::ALL));
    let output = Captured::new();
    let image = Arc::new(Mutex::new(Vec::new()));
    let keep = |instance: &mut lunette::Instance| {
        let kept = image.clone();
        instance.on_snapshot(move |snapshot| {
            assert_eq!(snapshot.cause(), SnapshotCause::Interval);
            snapshot.write(&mut *kept.lock().unwrap())?;
            Ok(AfterSnapshot::Stop)
        });
    };
    let mut instance = engine.instantiate_with(streams(&output)).unwrap();
    keep(&mut instance);
    let mut outcome = instance.exec(source);
    let mut count = 0;
    while matches!(outcome, Err(Error::Stopped(StopReason::Snapshot))) {
        let bytes = std::mem::take(&mut *image.lock().unwrap());
        instance = engine.restore_with(&bytes[..], streams(&output)).unwrap();
        if count % 64 == 0 {
            // The same state gives the same bytes, wherever it is.
            let mut again = Vec::new();
            instance.snapshot(&mut again).unwrap();
            assert!(again == bytes, "image {count} is another one when it is written again");
        }
        keep(&mut instance);
        count += 1;
        outcome = instance.resume();
    }
    outcome.unwrap();
    (output.take_text(), count)
}

fn run_plainly(source: &str) -> String {
    let output = Captured::new();
    let engine = Engine::new(Configuration::new().grants(Grants::ALL));
    engine.instantiate_with(streams(&output)).unwrap().exec(source).unwrap();
    output.take_text()
}

fn lua_files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "lua"));
    files.sort();
    files
}

/// Everything at once: a coroutine inside of a pcall inside of a comparison inside of a finalizer, and all else that has
/// a frame.
const EVERYTHING: &str = r##"
local log = {}
local function note(...) log[#log + 1] = table.concat({...}, " ") end
do
  setmetatable({}, {__gc = function()
    local list = {3, 1, 2, 5, 4}
    table.sort(list, function(a, b)
      local _, less = pcall(function()
        local co = coroutine.wrap(function(x, y) local c = coroutine.yield(x < y) return c end)
        local first = co(a, b)
        return co(first)
      end)
      return less
    end)
    note("sorted", table.concat(list, ","))
  end})
end
collectgarbage()
for k, v in pairs({10, 20, x = 1, y = 2, [2.5] = 3, [true] = 4}) do note("pair", tostring(k), v) end
for k, v in next, {a = 1, b = 2} do note("next", k, v) end
note((string.gsub("hello world", "%w+", function(w) return w:upper() .. #w end)))
note((string.gsub("a b c", "%w", setmetatable({}, {__index = function(_, k) return "<" .. k .. ">" end}))))
local object = setmetatable({}, {__tostring = function() return "object" end, __concat = function(a, b)
  return "concat" end, __index = function(_, k) return k .. "!" end, __call = function(_, ...) return select("#", ...) end,
  __eq = function() return true end, __lt = function() return true end, __len = function() return 7 end})
note(string.format("%s|%5s|%q", object, object, "x\n"), 1 .. object, object.field, object(1, nil, 3), #object)
note(tostring(object < object), tostring(object == setmetatable({}, getmetatable(object))))
do
  local function closer(name) return setmetatable({}, {__close = function(_, e) note("close", name, tostring(e)) end}) end
  local ok, e = pcall(function()
    local a <close> = closer("a")
    local b <close> = closer("b")
    error("oops", 0)
  end)
  note(tostring(ok), e)
  local co = coroutine.create(function() local c <close> = closer("c") coroutine.yield(1) end)
  coroutine.resume(co)
  note(tostring(coroutine.close(co)), coroutine.status(co))
end
note(select("#", (load(coroutine.wrap(function() for _, s in ipairs({"return ", "1, ", "2, 3"}) do coroutine.yield(s) end end)))()))
note(tostring(xpcall(function() error({}) end, function(e) note("handler", type(e)) return "handled" end)))
local function tail(n, ...) if n == 0 then return select("#", ...), ... end return tail(n - 1, n, ...) end
note(tail(20))
local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end
note(deep(300))
local hooked = 0
debug.sethook(function() hooked = hooked + 1 end, "crl", 3)
local sum = 0 for i = 1, 5 do sum = sum + math.max(i, 2) end
debug.sethook()
note(hooked > 10 and "hooked" or "no", sum)
package.preload.moon = function(name, data) return {name = name, data = data} end
note(require("moon").name, select(2, require("moon")))
local weak = setmetatable({}, {__mode = "k"}) weak[object] = "kept" note(weak[object])
local random = {} math.randomseed(42) for i = 1, 3 do random[i] = math.random(100) end note(table.concat(random, ","))
note(string.format("%p", object) == string.format("%p", object) and "same" or "other")
for line in io.lines(FILE) do note(line) end
note(#table.concat(log, "\n"))
print(table.concat(log, "\n"))
return 1
"##;

#[test]
fn frozen_anywhere_it_prints_the_same() {
    let file = std::env::temp_dir().join(format!("lunette-images-{}.txt", std::process::id()));
    fs::write(&file, "one\ntwo\n\nfour").unwrap();
    let program = format!("FILE = {:?}\n{EVERYTHING}", file.to_str().unwrap());
    let expected = run_plainly(&program);
    for interval in [1, 7] {
        let (printed, count) = run_frozen(&program, interval);
        assert_eq!(printed, expected, "frozen at every chance of {interval}");
        assert!(count > 200 / interval, "{count} images only");
    }
    fs::remove_file(file).unwrap();
}

/// What these expect of the collector's timing, or their time, does not go together with being frozen.
const NOT_FROZEN: [&str; 2] = ["deep_recursion_and_limits.lua", "xpcall_and_tracebacks.lua"];

#[test]
fn the_corpus_frozen_now_and_then() {
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
    let files: Vec<PathBuf> =
        lua_files("tests/lua").into_iter().filter(|path| !NOT_FROZEN.iter().any(|name| path.ends_with(name))).collect();
    std::thread::scope(|scope| {
        for worker in 0..threads {
            let files = &files;
            scope.spawn(move || {
                for path in files.iter().skip(worker).step_by(threads) {
                    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lunette"));
                    command.args(["run", "--snapshot-chaos=211"]).arg(path.file_name().unwrap());
                    command.current_dir(path.parent().unwrap()).env_remove("LUA_INIT").env_remove("LUA_PATH");
                    let output = command.output().unwrap();
                    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
                    assert_eq!(out.lines().next_back(), Some("ok"), "{}: {out}{err}", path.display());
                }
            });
        }
    });
}

/// However a loop goes together with when limits are looked at, who asks for a snapshot gets it.
#[test]
fn loops_that_call_the_host_are_frozen() {
    for padding in 0..40 {
        let mut instance = Engine::default().instantiate().unwrap();
        let is_taken = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (seen, taken) = (is_taken.clone(), is_taken.clone());
        instance.on_snapshot(move |_| {
            taken.store(true, std::sync::atomic::Ordering::Release);
            Ok(AfterSnapshot::GoOn)
        });
        let done = instance.function(move |_, ()| Ok(seen.load(std::sync::atomic::Ordering::Acquire))).unwrap();
        instance.set("done", done).unwrap();
        instance.snapshot_handle().request();
        instance.exec(format!("local x = 0 repeat {} until done()", "x = x + 1 ".repeat(padding))).unwrap();
    }
}

#[test]
fn equal_runs_give_equal_images() {
    let program = "
        local t = {} for i = 1, 1000 do t[i] = {i, tostring(i), x = i * 0.5} end
        local co = coroutine.wrap(function(...) local n = select('#', ...) coroutine.yield(n) return t end) co(1, 2)
        keep = {[t] = 1, [co] = 2}
        lunette.snapshot()";
    let (one, other) = (image_of(&Engine::default(), program), image_of(&Engine::default(), program));
    assert!(one == other);
    // Another base, another limit, and restored once: the same.
    let engine = Engine::new(Configuration::new().memory_limit(64 << 20));
    let mut restored = engine.restore(&one[..]).unwrap();
    let mut again = Vec::new();
    restored.snapshot(&mut again).unwrap();
    assert!(again == one);
}

#[test]
fn order_of_traversal_and_places_of_removed_keys_stay() {
    let program = "
        t = {}
        for i = 1, 40 do t['k' .. i] = i end
        for i = 1, 40, 3 do t['k' .. i] = nil end
        u = {} for i = 1, 20 do u[i * 1.5] = i; u[{}] = i end
        for k in pairs(u) do if u[k] % 3 == 0 then u[k] = nil end end
        a = {1, 2, 3, 4, 5, 6, 7, 8} a[8] = nil a[7] = nil
        local k = next(t) removed = k t[k] = nil
        lunette.snapshot()
        t[removed] = 'back' t.new = 'new' t.k1 = 'again'
        local s = {} for k, v in pairs(t) do s[#s + 1] = k .. '=' .. v end
        for k, v in pairs(u) do s[#s + 1] = type(k) .. v end
        a[9] = 9 a[10] = 10 for k, v in pairs(a) do s[#s + 1] = k .. ':' .. v end
        return table.concat(s, ' ')";
    let mut instance = Engine::default().instantiate().unwrap();
    let expected: String = instance.eval(program).unwrap();
    let mut restored = Engine::default().restore(&image_of(&Engine::default(), program)[..]).unwrap();
    assert_eq!(restored.resume::<String>().unwrap(), expected);
}

#[test]
fn limits_and_identities_are_state() {
    let engine = Engine::new(Configuration::new().fuel(100_000).output_limit(100));
    let program = "object = {} name = tostring(object) io.write(('x'):rep(60)) lunette.snapshot() return tostring(object) == name";
    let image = image_of(&engine, program);
    let mut restored = Engine::default().restore(&image[..]).unwrap();
    let left = restored.fuel_left().unwrap();
    assert!(left < 100_000 && left > 50_000, "{left}");
    assert!(restored.resume::<bool>().unwrap());
    assert!(matches!(restored.exec("io.write(('x'):rep(60))"), Err(Error::Stopped(StopReason::Output))));
    let generous = Engine::new(Configuration::new().fuel(1_000_000).output_limit(1000));
    let mut restored = generous.restore(&image[..]).unwrap();
    assert_eq!(restored.fuel_left(), Some(1_000_000));
    assert!(restored.resume::<bool>().unwrap());
    restored.exec("io.write(('x'):rep(600))").unwrap();
}

#[test]
fn functions_and_objects_of_the_host() {
    struct Point;
    impl lunette::Userdata for Point {}
    let mut instance = Engine::default().instantiate().unwrap();
    let function = instance.function(|_, ()| Ok(1)).unwrap();
    instance.set("f", &function).unwrap();
    let error = instance.snapshot(std::io::sink()).unwrap_err();
    assert_eq!(error.to_string(), "a function of the host has no registered name");
    instance.set("f", Value::Nil).unwrap();
    drop(function);
    instance.collect_garbage().unwrap();
    instance.snapshot(std::io::sink()).unwrap();
    instance.set("p", Point).unwrap();
    let error = instance.snapshot(std::io::sink()).unwrap_err();
    assert_eq!(error.to_string(), "a userdata of type Point of the host has no registered name");
}

#[test]
fn snapshots_wait_for_functions_of_the_host() {
    let configuration = Configuration::new().host_function("call", |context, f: lunette::Function| {
        let inner: Variadic<Value> = f.call(context, ())?;
        Ok(inner)
    });
    let engine = Engine::new(configuration);
    let mut instance = engine.instantiate().unwrap();
    let call = instance.host_function("call").unwrap();
    instance.set("call", &call).unwrap();
    let handle = instance.snapshot_handle();
    let taken = Arc::new(Mutex::new(Vec::new()));
    let kept = taken.clone();
    instance.on_snapshot(move |snapshot| {
        snapshot.write(&mut *kept.lock().unwrap())?;
        Ok(AfterSnapshot::GoOn)
    });
    let message: String = instance.eval("return select(2, call(lunette.snapshot))").unwrap();
    assert_eq!(message, "a function of the host is running");
    handle.request();
    // Inside of the function nothing is taken, but as soon as it has returned.
    let program = "call(function() for i = 1, 100000 do end inside = true end) for i = 1, 100000 do end return inside";
    assert!(instance.eval::<bool>(program).unwrap());
    let mut restored = engine.restore(&taken.lock().unwrap()[..]).unwrap();
    assert!(restored.resume::<bool>().unwrap());
}

#[test]
fn a_program_that_waits_for_input_asks_again() {
    // A pipe that nobody writes to yet.
    let (reader, writer) = std::io::pipe().unwrap();
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
    let engine = Engine::new(Configuration::new().grants(Grants::ALL));
    let mut instance = engine.instantiate().unwrap();
    let image = Arc::new(Mutex::new(Vec::new()));
    let kept = image.clone();
    instance.on_snapshot(move |snapshot| {
        let error = snapshot.write(&mut *kept.lock().unwrap()).unwrap_err();
        Err(error)
    });
    let handle = instance.snapshot_handle();
    let thread = std::thread::spawn(move || {
        let program = format!("local f = io.open('{path}') return f:read()");
        instance.eval::<String>(program)
    });
    std::thread::sleep(std::time::Duration::from_millis(100));
    handle.request();
    std::thread::sleep(std::time::Duration::from_millis(200));
    std::io::Write::write_all(&mut &writer, b"a line\n").unwrap();
    assert_eq!(thread.join().unwrap().unwrap(), "a line");
}

#[test]
fn files_are_opened_again() {
    let folder = std::env::temp_dir().join(format!("lunette-files-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (text, log) = (folder.join("text"), folder.join("log"));
    fs::write(&text, "first\nsecond\nthird\n").unwrap();
    let engine = Engine::new(Configuration::new().grants(Grants::ALL));
    let program = format!(
        "local f, log, closed = io.open({text:?}), io.open({log:?}, 'w'), io.tmpfile()
         closed:close()
         local first = f:read() log:write('before ')
         lunette.snapshot()
         log:write('after') log:close()
         return first, f:read(), f:read('a'), io.type(closed), io.type(f)"
    );
    let image = image_of(&engine, &program);
    assert_eq!(fs::read_to_string(&log).unwrap(), "before ");
    let report = engine.inspect(&image[..]).unwrap();
    assert_eq!(report.files.len(), 2);
    let mut restored = engine.restore(&image[..]).unwrap();
    let values: (String, String, String, String, String) = restored.resume().unwrap();
    assert_eq!(values, ("first".into(), "second".into(), "third\n".into(), "closed file".into(), "file".into()));
    assert_eq!(fs::read_to_string(&log).unwrap(), "before after");
    drop(restored);
    fs::remove_file(&text).unwrap();
    let error = engine.restore(&image[..]).unwrap_err().to_string();
    assert!(error.starts_with("cannot reopen") && error.contains("No such file or directory"), "{error}");
    // Nor without the right to.
    assert!(matches!(Engine::default().restore(&image[..]), Err(Error::Image(_))));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn pipes_and_nameless_files_are_refused() {
    let engine = Engine::new(Configuration::new().grants(Grants::ALL));
    for (open, message) in [("io.popen('cat', 'w')", "the pipe to process"), ("io.tmpfile()", "a temporary file")] {
        let mut instance = engine.instantiate().unwrap();
        instance.on_snapshot(|snapshot| snapshot.write(std::io::sink()).map(|()| AfterSnapshot::GoOn));
        let program =
            format!("local f = {open} local word, message = lunette.snapshot() f:close() return word, message");
        let (word, text): (Option<String>, String) = instance.eval(program).unwrap();
        assert!(word.is_none() && text.starts_with(message), "{text}");
    }
}

#[test]
fn nothing_runs_before_the_program_goes_on() {
    let program = "local t = {x = {}} return (function(...) lunette.snapshot() return #t.x, ... end)(1, 2)";
    let mut restored = Engine::default().restore(&image_of(&Engine::default(), program)[..]).unwrap();
    assert!(restored.is_resumable());
    assert!(matches!(restored.exec("x = 1"), Err(Error::Suspended)));
    restored.collect_garbage().unwrap();
    let function = restored.function(|_, ()| Ok(())).unwrap();
    restored.set("f", &function).unwrap();
    let values: (i64, i64, i64) = restored.resume().unwrap();
    assert_eq!(values, (0, 1, 2));
    assert!(!restored.is_resumable());
    restored.exec("f()").unwrap();
    // One that never goes on is dropped without its finalizers.
    let output = Captured::new();
    let program = "setmetatable({}, {__gc = function() print('finalized') end}) lunette.snapshot()";
    let image = image_of(&Engine::default(), program);
    drop(Engine::default().restore_with(&image[..], streams(&output)).unwrap());
    assert_eq!(output.take_text(), "");
}

#[test]
fn an_orderly_exit_goes_on() {
    let image = image_of(
        &Engine::default(),
        "local x <close> = setmetatable({}, {__close = function() lunette.snapshot() print('closed') end}) os.exit(7, true)",
    );
    let output = Captured::new();
    let mut restored = Engine::default().restore_with(&image[..], streams(&output)).unwrap();
    let outcome = restored.resume::<()>();
    assert!(matches!(outcome, Err(Error::Stopped(StopReason::Exit(7)))), "{outcome:?}");
    assert_eq!(output.take_text(), "closed\n");
}

#[test]
fn standard_input_is_not_read_ahead_of_an_image() {
    let input = Input::Bytes(b"one\ntwo\n".to_vec());
    let engine = Engine::default();
    let image = Arc::new(Mutex::new(Vec::new()));
    let mut instance = engine.instantiate_with(Streams { input, ..Streams::none() }).unwrap();
    let kept = image.clone();
    instance.on_snapshot(move |snapshot| snapshot.write(&mut *kept.lock().unwrap()).map(|()| AfterSnapshot::GoOn));
    let program = "local a = io.read() lunette.snapshot() return a, io.read()";
    let expected: (String, String) = instance.eval(program).unwrap();
    let mut restored = engine.restore(&image.lock().unwrap()[..]).unwrap();
    assert_eq!(restored.resume::<(String, String)>().unwrap(), expected);
}

/// Runs the command with standard input from a pipe.
fn spawn(arguments: &[&str]) -> std::process::Child {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lunette"));
    command.args(arguments).env_remove("LUA_INIT");
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap()
}

fn finish(mut child: std::process::Child, input: &str) -> String {
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_running_process_is_asked_from_outside() {
    let folder = std::env::temp_dir().join(format!("lunette-outside-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (image, small) = (folder.join("image"), folder.join("small"));
    let program = "io.write('asked ') io.flush() local a = io.read() print(a, io.read('n'))";
    let child = spawn(&["run", "-e", program]);
    let pid = child.id().to_string();
    // It waits for input by then, or soon.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let ask = |more: &[&str], output: &Path| {
        let arguments = [&["snapshot", &pid, "-o", output.to_str().unwrap()], more].concat();
        let status = std::process::Command::new(env!("CARGO_BIN_EXE_lunette")).args(arguments).status().unwrap();
        assert!(status.success());
    };
    ask(&[], &image);
    ask(&["--compress"], &small);
    assert!(fs::metadata(&small).unwrap().len() < fs::metadata(&image).unwrap().len());
    assert_eq!(finish(child, "here\n12"), "asked here\t12\n");
    for image in [&image, &small] {
        let child = spawn(&["restore", image.to_str().unwrap()]);
        assert_eq!(finish(child, "there\n7"), "there\t7\n");
    }
    let child = spawn(&["run", "-e", "while true do end"]);
    let pid = child.id().to_string();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let arguments = ["snapshot", &pid, "--stop", "-o", image.to_str().unwrap()];
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_lunette")).args(arguments).status().unwrap();
    assert!(status.success());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn processes_of_others_are_not_asked() {
    let mut other = std::process::Command::new("sleep").arg("10").spawn().unwrap();
    let arguments = ["snapshot", &other.id().to_string(), "-o", "/nonexistent/image"];
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_lunette")).args(arguments).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("does not run lunette"));
    assert!(other.try_wait().unwrap().is_none(), "the signal has ended it");
    other.kill().unwrap();
    other.wait().unwrap();
}

/// However often a program has been frozen, signals are for the instance in which it runs now.
#[test]
fn a_restored_program_is_interrupted() {
    let mut child = spawn(&["run", "--snapshot-chaos=20", "-e", "while true do end"]);
    std::thread::sleep(std::time::Duration::from_millis(300));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// No pages are made ahead for an image that needs none.
#[test]
fn a_small_image_takes_little_memory() {
    let image = std::env::temp_dir().join(format!("lunette-small-{}", std::process::id()));
    let program = "lunette.snapshot() print(io.open('/proc/self/status'):read('a'):match('VmHWM:%s*(%d+)'))";
    let to_image = format!("--snapshot-to={}", image.display());
    let peaks = [&["run", &to_image, "-e", program][..], &["restore", image.to_str().unwrap()]]
        .map(|arguments| finish(spawn(arguments), "").trim().parse::<i64>().unwrap());
    assert!(peaks[1] - peaks[0] < 3 << 10, "{peaks:?} KiB");
    fs::remove_file(image).unwrap();
}

/// The image with the sum that it should have.
fn sealed(image: &[u8]) -> Vec<u8> {
    let content = &image[..image.len() - 8];
    [content, &lunette_interpreter::image::checksum(content).to_le_bytes()].concat()
}

#[test]
fn damaged_images_are_refused_with_a_place() {
    let program = "local t = {1, 2, x = {}} lunette.snapshot() return t";
    let image = image_of(&Engine::default(), program);
    let engine = Engine::new(Configuration::new().memory_limit(8 << 20).fuel(100_000));
    let refuse = |bytes: &[u8]| match engine.restore(bytes) {
        Err(Error::Image(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(refuse(b"").starts_with("the image is truncated"));
    for end in (0..image.len()).step_by(97).chain([image.len() - 1]) {
        assert!(refuse(&image[..end]).contains("truncated"), "{end}");
    }
    let small = write_image_of(&Engine::default(), program, true);
    for end in (0..small.len()).step_by(97) {
        assert!(refuse(&small[..end]).contains("truncated"), "{end}: {}", refuse(&small[..end]));
    }
    assert!(refuse(&[&image[..], b"x"].concat()).starts_with("something follows the image"));
    let mut other = image.clone();
    other[8] = 2;
    assert_eq!(refuse(&other), "version 2 of the format is not known (header, at byte 10)");
    let last = image.len() - 20;
    let mut other = image.clone();
    other[last] ^= 0x40;
    assert!(matches!(engine.restore(&other[..]), Err(Error::Image(_))));
}

#[test]
fn hostile_images_do_no_harm() {
    let programs = [
        "local t = {1, 2.5, 'x', x = {}} for k, v in pairs(t) do lunette.snapshot() end return t",
        "return pcall(string.gsub, 'abc', '%w', function(c) lunette.snapshot() return c .. c end)",
        "local l = {4, 2, 3, 1, 7, 6} table.sort(l, function(a, b) if a == 1 then lunette.snapshot() end return a < b end)",
        "local co = coroutine.wrap(function(...) local x <close> = setmetatable({}, {__close = function() end})
           coroutine.yield(...) lunette.snapshot() end) co(1, 2) co()",
        "print(string.format('%s %s', setmetatable({}, {__tostring = function() lunette.snapshot() return 'x' end}), 1))",
        "debug.sethook(function() lunette.snapshot() end, 'crl', 2) local x = #'abc' .. 1 return x",
        "return load(function() lunette.snapshot() end) or table.concat(setmetatable({}, {__len = function() return 2 end,
           __index = function(_, i) lunette.snapshot() return 'x' end}))",
    ];
    let engine = Engine::new(Configuration::new().memory_limit(4 << 20).fuel(20_000).output_limit(1 << 12));
    let (mut tried, mut ran) = (0, 0);
    for program in programs {
        let image = image_of(&Engine::default(), program);
        for place in 9..image.len() - 8 {
            // Most of an image is the library's names.
            if place % 5 != 0 && place < image.len() - 400 {
                continue;
            }
            for change in [1, 0x80, 0xff] {
                let mut hostile = image.clone();
                hostile[place] = hostile[place].wrapping_add(change);
                tried += 1;
                if let Ok(mut instance) = engine.restore(&sealed(&hostile)[..]) {
                    ran += 1;
                    let _ = instance.resume::<Variadic<Value>>();
                    let _ = instance.collect_garbage();
                    let _ = instance.snapshot(std::io::sink());
                }
            }
        }
    }
    assert!(tried > 10_000 && ran > 100, "{ran} of {tried} ran");
}
