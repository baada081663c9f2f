//! Partitions, as people use them: the command's options and the API.
#![cfg(feature = "partitions")]

use lunette::{
    Captured, Configuration, Data, Engine, Error, Home, Output, Program, StopReason, Streams, Template, Tenant,
};
use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Output as ProcessOutput, Stdio},
    time::{Duration, Instant},
};

fn lunette(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lunette"));
    command.arg("run").arg("--isolate").args(arguments).env_remove("LUA_INIT");
    command
}

fn run(arguments: &[&str]) -> ProcessOutput {
    lunette(arguments).stdin(Stdio::null()).output().unwrap()
}

/// Status, standard output, standard error.
fn seen(output: &ProcessOutput) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn says(arguments: &[&str], expected: &str) {
    assert_eq!(seen(&run(arguments)), (Some(0), expected.to_owned(), String::new()), "{arguments:?}");
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("lunette-partitions-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn nothing_is_granted_by_default() {
    says(&["-e", "print(os.getenv('HOME'), io.read())"], "nil\tnil\n");
    says(&["-e", "print(io.open('/etc/passwd'))"], "nil\t/etc/passwd: Operation not permitted\t1\n");
    says(&["-e", "print(os.execute(), (io.popen('ls')), (os.remove('/tmp')))"], "false\tnil\tnil\n");
    says(&["-e", "print(os.time() > 0, math.random() < 1)"], "true\ttrue\n");
}

#[test]
fn directories_are_granted_and_nothing_beside_them() {
    let folder = Folder::new("directories");
    fs::write(folder.0.join("words"), "one two").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.0.join("link")).unwrap();
    std::os::unix::fs::symlink("words", folder.0.join("near")).unwrap();
    let read_only = format!("--dir={}::/data:ro", folder.path());
    let writable = format!("--dir={}::/data", folder.path());
    let script = "for _, name in ipairs {'/data/words', 'data/near', '/data/../data/./words'} do \
        print(io.open(name):read('a')) end \
        for _, name in ipairs {'/data/link', '/data/../etc/passwd', '/etc/passwd', '/', ''} do print(io.open(name)) end";
    let denied = |name: &str| format!("nil\t{name}: No such file or directory\t2\n");
    let expected =
        "one two\n".repeat(3) + &["/data/link", "/data/../etc/passwd", "/etc/passwd", "/", ""].map(denied).concat();
    says(&[&read_only, "-e", script], &expected);
    says(
        &[&read_only, "-e", "print(io.open('/data/new', 'w')) print(os.remove('/data/words'))"],
        "nil\t/data/new: Read-only file system\t30\nnil\t/data/words: Read-only file system\t30\n",
    );
    let script = "local file = assert(io.open('/data/new', 'w')) file:write('text') file:close() \
        assert(os.rename('/data/new', '/data/newer')) print(io.open('/data/newer'):read('a')) \
        assert(os.remove('/data/words')) print(io.open('/data/words'))";
    says(&[&writable, "-e", script], "text\nnil\t/data/words: No such file or directory\t2\n");
    assert_eq!(fs::read_to_string(folder.0.join("newer")).unwrap(), "text");
    assert!(!folder.0.join("words").exists());
}

#[test]
fn variables_arguments_and_input_are_granted() {
    let folder = Folder::new("arguments");
    let script = folder.0.join("script.lua");
    fs::write(&script, "print(os.getenv('A'), os.getenv('B'), os.getenv('PATH'), ...) print(io.read('a'))").unwrap();
    let mut command = lunette(&["--env=A", "--env=B=2=3", "--stdin", script.to_str().unwrap(), "x", "y z"]);
    let mut process = command.env("A", "1").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(b"line 1\nline 2").unwrap();
    let output = process.wait_with_output().unwrap();
    assert_eq!(seen(&output), (Some(0), "1\t2=3\tnil\tx\ty z\nline 1\nline 2\n".into(), String::new()));
}

/// Calls functions of WASI by way of a module that does nothing else.
const WASI: &str = r#"
local function number(value)
    local bytes = ''
    repeat
        local low = value & 127
        value = value >> 7
        bytes = bytes .. string.char(value > 0 and low | 128 or low)
    until value == 0
    return bytes
end
local function counted(bytes) return number(#bytes) .. bytes end
local function section(kind, items) return string.char(kind) .. counted(number(#items) .. table.concat(items)) end

local functions = {
    {'clock_time_get', 'ili'}, {'fd_pread', 'iiili'}, {'fd_prestat_dir_name', 'iii'}, {'fd_readdir', 'iiili'},
    {'fd_write', 'iiii'}, {'path_create_directory', 'iii'}, {'path_open', 'iiiiillii'}, {'path_symlink', 'iiiii'},
    {'poll_oneoff', 'iiii'}, {'random_get', 'ii'},
}
local types, imports, own, exports, bodies = {}, {}, {}, {}, {}
for index, signature in ipairs(functions) do
    local name, parameters = table.unpack(signature)
    types[index] = '\x60' .. counted((parameters:gsub('.', {i = '\x7f', l = '\x7e'}))) .. '\1\x7f'
    imports[index] = counted('wasi_snapshot_preview1') .. counted(name) .. '\0' .. number(index - 1)
    own[index] = number(index - 1)
    exports[index] = counted(name) .. '\0' .. number(#functions + index - 1)
    local body = '\0'
    for parameter = 0, #parameters - 1 do body = body .. '\x20' .. number(parameter) end
    bodies[index] = counted(body .. '\x10' .. number(index - 1) .. '\x0b')
end
exports[#exports + 1] = counted('memory') .. '\2\0'
local module = '\0asm\1\0\0\0' .. section(1, types) .. section(2, imports) .. section(3, own)
    .. section(5, {'\0\1'}) .. section(7, exports) .. section(10, bodies)
local wasi = webassembly.instantiate(webassembly.load(module))

local memory = wasi.memory
local function name(text)
    memory:write(100, text)
    return 100, #text
end
local function int(address) return (string.unpack('<I4', memory:read(address, 4))) end
local function time()
    assert(wasi.clock_time_get(1, 0, 300) == 0)
    return (string.unpack('<I8', memory:read(300, 8)))
end

print(wasi.fd_prestat_dir_name(3, 200, 5), memory:read(200, 5), wasi.fd_prestat_dir_name(4, 200, 5))
print(wasi.path_create_directory(3, name('made')), wasi.path_create_directory(3, name('../made')))
name('../..')
memory:write(200, 'made/link')
print(wasi.path_symlink(100, #'../..', 3, 200, #'made/link'))
local rights = 1 << 1 | 1 << 2 | 1 << 6
local function open(path, how)
    local address, length = name(path)
    return wasi.path_open(3, 1, address, length, how, rights, 0, 0, 300)
end
print(open('made/link/../secret', 0), open('/etc/passwd', 0), open('made/file', 1), int(300))
memory:write(400, string.pack('<I4I4I4I4', 500, 3, 503, 1))
memory:write(500, 'text')
print(wasi.fd_write(int(300), 400, 2, 304), int(304), wasi.fd_write(1, 400, 2, 304))
print(wasi.fd_pread(int(300), 400, 2, 1, 304), int(304), memory:read(500, 3))
print(wasi.fd_readdir(3, 1000, 1000, 0, 304), memory:read(1000, int(304)):find('made', 1, true) ~= nil)
local start = time()
memory:write(1000, string.pack('<I8I8I8I8I8I8', 7, 0, 1, 20000000, 0, 0))
print(wasi.poll_oneoff(1000, 2000, 1, 304), int(304), string.unpack('<I8', memory:read(2000, 8)) == 7)
print(time() - start >= 20000000, wasi.random_get(1000, 500), wasi.random_get(65530, 500))
"#;

#[test]
fn webassembly_has_what_is_granted() {
    let folder = Folder::new("wasi");
    fs::create_dir(folder.0.join("granted")).unwrap();
    fs::write(folder.0.join("secret"), "secret").unwrap();
    let script = folder.0.join("script.lua");
    fs::write(&script, WASI).unwrap();
    let expected = "0\t/data\t8\n0\t63\n0\n63\t63\t0\t4\n0\t4\t0\n0\t3\text\n0\ttrue\n0\t1\ttrue\ntrue\t0\t21\n";
    let expected = expected.replacen("0\t4\t0\n", "text0\t4\t0\n", 1);
    let directory = format!("--dir={}/granted::/data", folder.path());
    says(&[&directory, script.to_str().unwrap()], &expected);
    assert_eq!(fs::read_to_string(folder.0.join("granted/made/file")).unwrap(), "text");
}

#[test]
fn limits_have_statuses_of_their_own() {
    let cases: [(&[&str], i32, &str); 5] = [
        (&["--memory=8M", "-e", "local t = {} while true do t[#t + 1] = {} end"], 3, "not enough memory"),
        (&["--memory=8M", "-e", "return ('x'):rep(1 << 30)"], 3, "not enough memory"),
        (&["--fuel=1000", "-e", "while true do end"], 4, "fuel limit reached"),
        (
            &["--time-limit=50ms", "-e", "while true do pcall(function() while true do end end) end"],
            5,
            "time limit reached",
        ),
        (&["--output-limit=10", "-e", "while true do print('x') end"], 6, "output limit reached"),
    ];
    for (arguments, status, message) in cases {
        let (code, output, error) = seen(&run(arguments));
        assert_eq!((code, error), (Some(status), format!("lunette: {message}\n")), "{arguments:?}");
        assert!(output.len() <= 10, "{output}");
    }
    assert_eq!(run(&["-e", "os.exit(42)"]).status.code(), Some(42));
}

#[test]
fn errors_look_as_in_the_process() {
    let programs = [
        "local function f() error('no') end f()",
        "error({})",
        "error(setmetatable({}, {__tostring = function() return 'an object' end}))",
        "x = = 1",
        "local t = nil; t.x = 1",
        "setmetatable({}, {__gc = function() print('bye') error('late') end}) error('early', 0)",
        "coroutine.wrap(function() error('inside') end)()",
        "os.exit(false, true)",
    ];
    for program in programs {
        let isolated = run(&["-W", "-e", program]);
        let hosted = Command::new(env!("CARGO_BIN_EXE_lunette")).args(["run", "-W", "-e", program]).output().unwrap();
        assert_eq!(seen(&isolated), seen(&hosted), "{program}");
    }
}

#[test]
fn interrupts_stop_the_program() {
    let mut process = lunette(&["-e", "print('ready') io.stdout:flush() while true do end"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0; 6];
    std::io::Read::read_exact(process.stdout.as_mut().unwrap(), &mut line).unwrap();
    Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
    let (status, _, error) = seen(&process.wait_with_output().unwrap());
    assert_eq!((status, error.as_str()), (Some(130), "lunette: interrupted!\n"));
}

/// Process numbers of a process's children.
fn children(process: u32) -> Vec<String> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap();
    children.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_monitor_has_nothing_else_open() {
    let mut process = lunette(&["-e", "print('ready') io.stdout:flush() while true do end"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0; 6];
    std::io::Read::read_exact(process.stdout.as_mut().unwrap(), &mut line).unwrap();
    let monitor = &children(process.id())[0];
    let open: Vec<String> = fs::read_dir(format!("/proc/{monitor}/fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .map(|path| {
            path.to_string_lossy().split(['[', '/']).next().unwrap_or_default().to_owned()
                + "/"
                + &path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
        })
        .collect();
    for name in &open {
        let is_known = name.starts_with("socket:")
            || name.contains("kvm-v")
            || ["/null", "/pagemap", "/memfd:lunette-messages (deleted)"].contains(&name.as_str());
        assert!(is_known, "{open:?}");
    }
    let status = fs::read_to_string(format!("/proc/{monitor}/status")).unwrap();
    assert!(status.contains("Seccomp:\t2"), "{status}");
    // The program notices that its monitor is gone, and says so.
    Command::new("kill").args(["-KILL", monitor]).status().unwrap();
    let (status, _, error) = seen(&process.wait_with_output().unwrap());
    assert_eq!(status, Some(8));
    assert!(error.contains("the monitor is gone"), "{error}");
}

#[test]
fn a_monitor_does_not_outlive_its_owner() {
    let mut process =
        lunette(&["-e", "print('ready') io.stdout:flush() while true do end"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = [0; 6];
    std::io::Read::read_exact(process.stdout.as_mut().unwrap(), &mut line).unwrap();
    let monitor = children(process.id())[0].clone();
    process.kill().unwrap();
    process.wait().unwrap();
    let is_gone =
        || fs::read_to_string(format!("/proc/{monitor}/status")).map_or(true, |text| text.contains("State:\tZ"));
    let start = Instant::now();
    while !is_gone() {
        assert!(start.elapsed() < Duration::from_secs(10), "monitor {monitor} lives");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn engine() -> Engine {
    Engine::new(Configuration::new().home(Home::Partition))
}

fn tenant() -> Tenant {
    engine().tenant(Streams::none()).unwrap()
}

fn evaluate(tenant: &mut Tenant, code: &str) -> Result<Vec<Data>, Error> {
    tenant.run_file(code, "=test", &[])
}

#[test]
fn no_instance_is_in_the_process_that_should_be_in_a_partition() {
    assert!(engine().instantiate().is_err());
    assert!(tenant().instance().is_none());
}

#[test]
fn values_cross_the_wall_as_copies() {
    let mut tenant = tenant();
    let value = Data::Table(vec![
        (Data::Integer(1), Data::from("one")),
        (Data::from("nested"), Data::Table(vec![(Data::Integer(1), Data::Float(0.5))])),
        (Data::Boolean(true), Data::from(&b"\xff\x00"[..])),
    ]);
    tenant.set("value", &value).unwrap();
    assert_eq!(tenant.get("value").unwrap(), value);
    assert_eq!(evaluate(&mut tenant, "return value, #value, value.nested[1]").unwrap(), [value, 1.into(), 0.5.into()]);
    for (code, message) in [
        ("return print", "a function cannot leave the partition"),
        ("return coroutine.create(print)", "a thread cannot leave the partition"),
        ("return io.stdout", "a userdata cannot leave the partition"),
        ("return setmetatable({}, {})", "a table with a metatable cannot leave the partition"),
        ("local t = {} t.t = t return t", "a table that contains itself cannot leave the partition"),
        ("local t = {} for i = 1, 200 do t = {t} end return t", "tables nested that deep cannot leave the partition"),
    ] {
        assert_eq!(evaluate(&mut tenant, code).unwrap_err().to_string(), message, "{code}");
    }
    // Where nobody wants the results they may be anything.
    tenant.execute_file("return print", "=test", &[]).unwrap();
    // Large ones go in pieces.
    let large = "x".repeat(3 << 20);
    tenant.set("large", &Data::from(large.as_str())).unwrap();
    assert_eq!(evaluate(&mut tenant, "return large .. 'y'").unwrap(), [Data::from(large + "y")]);
}

#[test]
fn functions_of_the_host_are_called_from_inside() {
    let mut tenant = tenant();
    tenant
        .function("sum", |arguments| {
            let numbers: Result<Vec<i64>, Error> = arguments.into_iter().map(i64::try_from).collect();
            Ok(vec![Data::Integer(numbers?.iter().sum())])
        })
        .unwrap();
    tenant.function("fail", |_| Err(Error::message("it does not work"))).unwrap();
    assert_eq!(evaluate(&mut tenant, "return sum(1, 2, 3), sum()").unwrap(), [6.into(), 0.into()]);
    assert_eq!(evaluate(&mut tenant, "return select(2, pcall(fail))").unwrap(), [Data::from("it does not work")]);
    assert_eq!(
        evaluate(&mut tenant, "return select(2, pcall(sum, print))").unwrap(),
        [Data::from("bad argument #1 (a function cannot leave the partition)")]
    );
    tenant.function("panic", |_| panic!("half done")).unwrap();
    assert!(matches!(evaluate(&mut tenant, "pcall(panic)"), Err(Error::Panicked(message)) if message == "half done"));
    assert!(evaluate(&mut tenant, "return 1").is_err());
}

#[test]
fn what_happens_to_one_partition_is_nothing_to_others() {
    let mut one = tenant();
    one.execute_file("x = 1", "=test", &[]).unwrap();
    let limited = Engine::new(Configuration::new().home(Home::Partition).memory_limit(8 << 20).fuel(100_000_000));
    let mut other = limited.tenant(Streams::none()).unwrap();
    assert!(matches!(evaluate(&mut other, "local t = {} while true do t[#t + 1] = {} end"), Err(Error::Memory)));
    assert!(matches!(evaluate(&mut other, "while true do end"), Err(Error::Stopped(StopReason::Fuel))));
    drop(other);
    assert_eq!(one.get("x").unwrap(), Data::Integer(1));
}

#[cfg(feature = "jit")]
#[test]
fn a_share_of_the_processor_is_kept() {
    // About as long as without a limit, divided by the share; a slower machine only takes longer.
    let program = Program::from_source("for i = 1, 40000000 do end", "=loop").unwrap();
    let elapsed = |configuration: Configuration| {
        let mut tenant = Engine::new(configuration.home(Home::Partition)).tenant(Streams::none()).unwrap();
        let start = Instant::now();
        tenant.run(&program, &[]).unwrap();
        start.elapsed()
    };
    let interpreted = || Configuration::new().jit(lunette::Jit::Off);
    let free = elapsed(interpreted());
    let limited = elapsed(interpreted().processor_share(0.1));
    assert!(limited > free.min(Duration::from_millis(250)) * 2, "{free:?} {limited:?}");
}

#[test]
fn processor_time_is_that_of_the_partition() {
    // In a process of its own, of which the owner's time says nothing.
    let program = "local start = os.clock() while os.clock() - start < 0.2 do end print(os.clock() < 2)";
    let ended = run(&["--time-limit", "20s", "-e", program]);
    assert_eq!(seen(&ended), (Some(0), "true\n".to_owned(), String::new()));
    // Time never goes back, and a clone begins with none.
    let burn = "local last = 0 for i = 1, 5000000 do if i % 10 == 0 then \
        local now = os.clock() assert(now >= last) last = now end end return last";
    let grants = lunette::Grants { clock: true, ..lunette::Grants::NONE };
    let engine = Engine::new(Configuration::new().home(Home::Partition).grants(grants));
    let template = engine.template(|tenant| tenant.execute_file(burn, "=t", &[])).unwrap();
    let elapsed = |clone: &mut Tenant, code: &str| match evaluate(clone, code).unwrap()[..] {
        [Data::Float(seconds)] => seconds,
        ref other => panic!("{other:?}"),
    };
    for _ in 0..2 {
        let mut clone = template.tenant(Streams::none()).unwrap();
        let before = elapsed(&mut clone, "return os.clock()");
        let after = elapsed(&mut clone, burn);
        assert!(before < after / 2.0, "{before} {after}");
    }
}

#[test]
fn clones_of_a_template_differ_in_nothing_but_random_numbers() {
    let template = engine().template(|tenant| tenant.execute_file("counter = 41", "=t", &[])).unwrap();
    let ask = |template: &Template| {
        let mut clone = template.tenant(Streams::none()).unwrap();
        let results = evaluate(&mut clone, "counter = counter + 1 return counter, math.random(1 << 60), leftover");
        clone.execute_file("leftover = true", "=t", &[]).unwrap();
        results.unwrap()
    };
    let (first, second) = (ask(&template), ask(&template));
    assert_eq!((&first[0], &first[2]), (&Data::Integer(42), &Data::Nil));
    assert_eq!((&second[0], &second[2]), (&Data::Integer(42), &Data::Nil));
    assert_ne!(first[1], second[1]);
    assert_eq!(template.idle(), 1);
    // Two at a time.
    let mut one = template.tenant(Streams::none()).unwrap();
    let mut other = template.tenant(Streams::none()).unwrap();
    one.set("counter", &Data::Integer(0)).unwrap();
    assert_eq!(other.get("counter").unwrap(), Data::Integer(41));
}

#[test]
fn a_clone_grows_is_made_as_new_and_grows_again() {
    let template = engine().template(|_| Ok(())).unwrap();
    for round in 0..4 {
        let mut clone = template.tenant(Streams::none()).unwrap();
        let code = "assert(data == nil) data = {} for i = 1, 300000 do data[i] = {i} end \
            big = ('x'):rep(30 << 20) return #data, data[300000][1], #big";
        let results = evaluate(&mut clone, code).unwrap();
        assert_eq!(results, [300_000.into(), 300_000.into(), (30 << 20).into()], "round {round}");
    }
    assert_eq!(template.idle(), 1);
}

#[test]
fn a_template_can_be_larger_than_a_new_partition() {
    let setup = "data = {} for i = 1, 500000 do data[i] = {i} end";
    let template = engine().template(|tenant| tenant.execute_file(setup, "=t", &[])).unwrap();
    for _ in 0..3 {
        let mut clone = template.tenant(Streams::none()).unwrap();
        let code =
            "local sum = 0 for i = 1, #data do sum = sum + data[i][1] end data = nil collectgarbage() return sum";
        assert_eq!(evaluate(&mut clone, code).unwrap(), [Data::Integer(125_000_250_000)]);
    }
}

#[test]
fn clones_that_were_stopped_are_made_as_new() {
    let limits =
        Configuration::new().home(Home::Partition).memory_limit(16 << 20).time_limit(Duration::from_millis(100));
    let template = Engine::new(limits).template(|_| Ok(())).unwrap();
    for code in ["while true do end", "local t = {} while true do t[#t + 1] = {} end", "error('no')", "os.exit(3)"] {
        let output = Captured::new();
        let streams = Streams { output: Output::Captured(output.clone()), ..Streams::none() };
        let mut clone = template.tenant(streams).unwrap();
        assert!(evaluate(&mut clone, code).is_err(), "{code}");
        drop(clone);
        let mut clone = template.tenant(Streams::none()).unwrap();
        assert_eq!(evaluate(&mut clone, "return 1 + 1").unwrap(), [Data::Integer(2)], "after {code}");
    }
}

#[test]
fn templates_go_through_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("templates");
    let file = format!("{}/service.template", folder.path());
    fs::write(folder.0.join("library.lua"), "function greet(name) return 'hi ' .. name end").unwrap();
    let script = folder.0.join("library.lua");
    let made = Command::new(env!("CARGO_BIN_EXE_lunette"))
        .args(["template", "-o", &file, "--memory=32M", "-e", "list = {} for i = 1, 1000 do list[i] = i end"])
        .arg(&script)
        .output()
        .unwrap();
    assert_eq!(seen(&made), (Some(0), String::new(), String::new()));
    let template = format!("--template={file}");
    let random = |_| {
        let output = run(&[&template, "-e", "print(greet('you'), #list, math.random(1 << 60))"]);
        let (status, output, error) = seen(&output);
        assert_eq!((status, error.as_str()), (Some(0), ""));
        output.strip_prefix("hi you\t1000\t").unwrap().to_owned()
    };
    let randoms: Vec<String> = (0..2).map(random).collect();
    assert_ne!(randoms[0], randoms[1]);
    // The limits are those of the run, and no more than the template's.
    let grow = "local t = {} while true do t[#t + 1] = {} end";
    assert_eq!(run(&[&template, "--memory=1G", "-e", grow]).status.code(), Some(3));
    assert_eq!(run(&[&template, "--fuel=1000", "-e", "while true do end"]).status.code(), Some(4));
    // What is damaged, somebody else's, or no template is refused.
    let refused = |message: &str| {
        let (status, _, error) = seen(&run(&[&template, "-e", "x = 1"]));
        assert_eq!((status, error), (Some(1), format!("lunette: {file}: {message}\n")));
    };
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    refused("somebody else can write to it, and a template is memory as it is");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    refused("the template is damaged");
    let mut other = whole.clone();
    other[8] ^= 1;
    fs::write(&file, other).unwrap();
    refused("the template was made by another build of this program");
    fs::write(&file, "print(1)").unwrap();
    refused("not a template");
}

#[test]
fn collections_are_traced_in_partitions() {
    let (status, output, trace) = seen(&run(&["--trace-gc", "-e", "for i = 1, 2e5 do local t = {i} end print('end')"]));
    assert_eq!((status, output.as_str()), (Some(0), "end\n"), "{trace}");
    assert!(trace.lines().count() > 1 && trace.lines().all(|line| line.starts_with("[gc] ")), "{trace}");
}

#[test]
fn arguments_are_those_behind_the_program() {
    let folder = Folder::new("arguments");
    let program = format!("{}/program.lua", folder.path());
    fs::write(&program, "print(#arg, arg[0] == ..., arg[-1], select(2, ...))").unwrap();
    says(&["--env=A=secret", &program, &program, "--isolate", "x"], "3\ttrue\tnil\t--isolate\tx\n");
    says(&["--env=A=secret", "-e", "print(next(arg))"], "nil\n");
}
