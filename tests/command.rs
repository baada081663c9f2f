//! The command from end to end: what it prints, how it ends, and that nothing given to it breaks it.

use std::{
    fs,
    io::{Read, Write},
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// A folder that is gone at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("lunette-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn lunette() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lunette"));
    for variable in ["LUA_INIT", "LUA_INIT_5_4", "LUA_PATH", "LUA_PATH_5_4"] {
        command.env_remove(variable);
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    lunette().args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn run_with_input(arguments: &[&str], input: &[u8]) -> Output {
    let mut child =
        lunette().args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Who ends without reading all of it is right to.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs `code` with these options; its status and what it writes to standard error.
fn fails(options: &[&str], code: &str) -> (Option<i32>, String) {
    let output = run(&[options, &["-e", code]].concat());
    (output.status.code(), stderr(&output))
}

#[test]
fn scripts_get_their_arguments() {
    let folder = Folder::new("arguments");
    let script = folder.file("a.lua", "print(select('#', ...), ..., arg[0], arg[1], arg[-1] ~= nil, #arg)");
    for prefix in [&["run"][..], &[]] {
        let output = run(&[prefix, &[script.as_str(), "one", "-x", "--", "two"]].concat());
        assert_eq!(stdout(&output), format!("4\tone\t{script}\tone\ttrue\t4\n"), "{}", stderr(&output));
    }
}

#[test]
fn code_modules_and_scripts_run_in_order() {
    let folder = Folder::new("order");
    folder.file("m.lua", "print('m'); return {x = 1}");
    let script = folder.file("s.lua", "print('s', m.x, n.x)");
    let arguments = ["-e", "print(1)", "-l", "m", "-l", "n=m", "-eprint(2)", script.as_str()];
    let output = lunette().args(arguments).current_dir(&folder.0).output().unwrap();
    assert_eq!(stdout(&output), "1\nm\n2\ns\t1\t1\n", "{}", stderr(&output));
}

#[test]
fn standard_input_is_a_script() {
    assert_eq!(stdout(&run_with_input(&["-", "x"], b"print(...)")), "x\n");
    assert_eq!(stdout(&run_with_input(&["run", "-"], b"#!/usr/bin/lunette\nprint(2)")), "2\n");
    assert_eq!(stdout(&run_with_input(&[], b"print(3)")), "3\n");
}

#[test]
fn errors_have_tracebacks_and_statuses() {
    let folder = Folder::new("errors");
    let script = folder.file("e.lua", "local function f()\n  error('bad')\nend\nf()\n");
    let output = run(&[&script]);
    assert_eq!(output.status.code(), Some(1));
    let expected = format!(
        "lunette: {script}:2: bad\nstack traceback:\n\t[C]: in function 'error'\n\t{script}:2: in local 'f'\n\t\
         {script}:4: in main chunk\n\t[C]: in ?\n"
    );
    assert_eq!(stderr(&output), expected);
}

#[test]
fn error_objects_say_what_they_are() {
    let (status, message) = fails(&[], "error(setmetatable({}, {__tostring = function() return 'object' end}))");
    assert_eq!((status, message.as_str()), (Some(1), "lunette: object\n"));
    let (status, message) = fails(&[], "error({})");
    assert_eq!(status, Some(1));
    assert!(message.starts_with("lunette: (error object is a table value)\n"), "{message}");
    assert!(fails(&[], "error(nil)").1.starts_with("lunette: (error object is a nil value)\n"));
}

#[test]
fn syntax_errors_show_the_line() {
    let folder = Folder::new("syntax");
    let script = folder.file("s.lua", "print(1)\n\tlocal x = = 1\n");
    let output = run(&[&script]);
    assert_eq!(output.status.code(), Some(1));
    let expected =
        format!("lunette: {script}:2: unexpected symbol near '='\n 2 | \tlocal x = = 1\n   | \t          ^\n");
    assert_eq!(stderr(&output), expected);
}

#[test]
fn files_may_begin_with_a_byte_order_mark() {
    let folder = Folder::new("mark");
    for start in ["\u{feff}", "\u{feff}#!/usr/bin/lunette\n"] {
        let script = folder.file("m.lua", format!("{start}print('marked')"));
        for arguments in [&[script.as_str()][..], &["-e", &format!("dofile('{script}')")]] {
            assert_eq!(stdout(&run(arguments)), "marked\n");
        }
        assert!(run(&["check", &script]).status.success());
    }
}

#[test]
fn arguments_may_be_any_bytes() {
    use std::os::unix::ffi::OsStrExt;
    let bytes = std::ffi::OsStr::from_bytes;
    let folder = Folder::new("bytes");
    let script = folder.0.join(bytes(b"\xff.lua"));
    fs::write(&script, "print(..., #arg[0])").unwrap();
    let output = lunette().arg("-e").arg(bytes(b"print('\xfe')")).arg(&script).arg(bytes(b"\xfd")).output().unwrap();
    let expected = [b"\xfe\n\xfd\t", script.as_os_str().len().to_string().as_bytes(), b"\n"].concat();
    assert_eq!(output.stdout, expected);
    for arguments in [&["compile"][..], &["check"], &["disasm"]] {
        assert!(lunette().args(arguments).arg(&script).output().unwrap().status.success());
    }
}

#[test]
fn full_and_closed_outputs_are_errors_at_most() {
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let folder = Folder::new("full");
    let script = folder.file("f.lua", "return 1");
    let cases = [&["-v"][..], &["completions", "bash"], &["disasm", &script], &["compile", "-o", "-", &script]];
    for arguments in cases {
        let output = lunette().args(arguments).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&output).contains("No space left on device"), "{arguments:?}");
    }
    let cases = [&["/nowhere"][..], &["-e", "error('x')"], &["--stats", "-e", "error('x')"], &["check", "/nowhere"]];
    for arguments in cases {
        assert_eq!(lunette().args(arguments).stderr(full()).status().unwrap().code(), Some(1), "{arguments:?}");
    }
}

#[test]
fn missing_files_and_wrong_options() {
    let output = run(&["/nowhere/x.lua"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output), "lunette: cannot open /nowhere/x.lua: No such file or directory\n");
    for arguments in [&["--nonsense"][..], &["--memory", "much", "x.lua"], &["compile"], &["--nonsense", "x.lua"]] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn exit_statuses_of_programs() {
    for (code, status) in [("os.exit(7)", 7), ("os.exit(true)", 0), ("os.exit(false)", 1), ("os.exit(256 + 3)", 3)] {
        assert_eq!(fails(&[], code), (Some(status), String::new()), "{code}");
    }
    let finalizer = "setmetatable({}, {__gc = function() print('closed') end}); io.write('written '); os.exit";
    assert_eq!(stdout(&run(&["-e", &format!("{finalizer}(0)")])), "written ");
    assert_eq!(stdout(&run(&["-e", &format!("{finalizer}(0, true)")])), "written closed\n");
    let folder = Folder::new("exit");
    let path = folder.path("unclosed");
    run(&["-e", &format!("file = io.open('{path}', 'w'); file:write('data'); os.exit(0)")]);
    assert_eq!(fs::read(&path).unwrap(), b"data");
}

/// A WebAssembly program that ends with this status: the number of its arguments, and 16 for each variable.
fn counting_program() -> Vec<u8> {
    let counted = |bytes: &[u8]| [&[bytes.len() as u8], bytes].concat();
    let section = |kind: u8, items: &[Vec<u8>]| {
        let content = [vec![items.len() as u8], items.concat()].concat();
        [vec![kind], counted(&content)].concat()
    };
    let import = |name: &[u8], kind: u8| [counted(b"wasi_snapshot_preview1"), counted(name), vec![0, kind]].concat();
    let imports = [import(b"args_sizes_get", 0), import(b"environ_sizes_get", 0), import(b"proc_exit", 1)];
    let body = [
        &b"\0\x41\0\x41\x04\x10\0\x1a"[..],
        b"\x41\x08\x41\x0c\x10\x01\x1a",
        b"\x41\0\x28\x02\0\x41\x08\x28\x02\0\x41\x10\x6c\x6a\x10\x02\x0b",
    ]
    .concat();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[b"\x60\x02\x7f\x7f\x01\x7f".to_vec(), b"\x60\x01\x7f\0".to_vec(), b"\x60\0\0".to_vec()]),
        section(2, &imports),
        section(3, &[vec![2]]),
        section(5, &[vec![0, 1]]),
        section(7, &[[counted(b"memory"), vec![2, 0]].concat(), [counted(b"_start"), vec![0, 3]].concat()]),
        section(10, &[counted(&body)]),
    ]
    .concat()
}

#[test]
fn webassembly_programs_get_what_is_granted() {
    let folder = Folder::new("webassembly");
    let path = folder.path("program.wasm");
    fs::write(&path, counting_program()).unwrap();
    for (arguments, status) in [
        (&[&path[..]][..], 1),
        (&["run", &path, "one", "two"], 3),
        (&["run", "--env=A=1", "--env=B=2", "--dir=/tmp::/data", &path, "one"], 34),
    ] {
        let output = run(arguments);
        assert_eq!((output.status.code(), stderr(&output)), (Some(status), String::new()), "{arguments:?}");
    }
    // Lua programs have what was said, too, if anything was.
    let script =
        "print(io.open('/etc/passwd') == nil, os.getenv('A'), os.getenv('PATH'), io.open('/data/program.wasm') ~= nil)";
    let directory = format!("--dir={}::/data", folder.path(""));
    assert_eq!(stdout(&run(&["run", "--env=A=1", &directory, "-e", script])), "true\t1\tnil\ttrue\n");
}

#[test]
fn limits_have_statuses_of_their_own() {
    let cases = [
        (&["--memory", "4M"][..], "local t = {}; while true do t[#t + 1] = {} end", 3, "not enough memory"),
        (&["--fuel", "100000"], "while true do end", 4, "fuel limit reached"),
        (&["--time-limit", "50ms"], "while true do end", 5, "time limit reached"),
        (&["--output-limit", "1K"], "while true do print('spam') end", 6, "output limit reached"),
    ];
    for (options, code, status, message) in cases {
        let caught = format!("while true do pcall(function() {code} end) end");
        assert_eq!(fails(options, code), (Some(status), format!("lunette: {message}\n")));
        if status != 3 {
            assert_eq!(fails(options, &caught).0, Some(status), "{caught}");
        }
    }
    let output = run(&["--memory", "4M", "-e", "print(pcall(string.rep, 'x', 1 << 30)); print(#('x'):rep(1 << 20))"]);
    assert_eq!(stdout(&output), "false\tnot enough memory\n1048576\n", "{}", stderr(&output));
}

#[test]
fn work_on_much_data_takes_fuel() {
    // Each of these does a few thousand things, but each of them to megabytes or thousands of elements.
    let equal = "local a, b = ('x'):rep(1e6), ('x'):rep(1e6 - 1) .. 'x'";
    let cases = [
        format!("{equal} for i = 1, 1000 do local _ = a == b end"),
        format!("{equal} for i = 1, 1000 do local _ = a < b end"),
        format!("{equal} for i = 1, 1000 do rawequal(a, b) end"),
        format!("{equal} local t = {{[a] = 1}} for i = 1, 1000 do local _ = t[b] end"),
        format!("{equal} local t = {{[a] = 1}} for i = 1, 1000 do t[b] = i end"),
        format!("{equal} local t = {{[a] = 1}} for i = 1, 1000 do rawget(t, b) end"),
        "local s = ('1'):rep(1e6) for i = 1, 1000 do tonumber(s) end".into(),
        "local s = ('1'):rep(1e6) for i = 1, 1000 do tonumber(s, 10) end".into(),
        "local s = ('1'):rep(1e6) for i = 1, 1000 do local _ = s + 1 end".into(),
        "local t = {} for i = 1, 9 do t[i] = ('x'):rep(1e6) .. 9 - i end for i = 1, 20 do table.sort(t) end".into(),
        "local t = {} for i = 1, 1900 do t = setmetatable({}, {__index = t}) end for i = 1, 4000 do local _ = t[1] end"
            .into(),
        "local t = setmetatable({}, {}); getmetatable(t).__call = t; t()".into(),
        "local s = ('a'):rep(1e5) for i = 1, 10 do s:gsub('a', 'b') end".into(),
        "for i = 1, 10000 do local _ = ('%.99f'):format(1e308) end".into(),
        "local t = {} for i = 1, 1e4 do t[i] = 0.5 end for i = 1, 20 do table.concat(t) end".into(),
        "local function f(...) for i = 1, 9000 do select('#', ...) end end f(table.unpack({}, 1, 1e4))".into(),
        "local t = {} for i = 1, 1e4 do t[i] = {} end for i = 1, 9000 do collectgarbage() end".into(),
        "local function f(n) if n > 0 then return 1 + f(n - 1) end for i = 1, 1e3 do debug.traceback() end return 1 end
         f(2e4)"
            .into(),
        "package.path = ('?;'):rep(1e5) for i = 1, 100 do package.searchpath('', package.path) end".into(),
    ];
    for code in cases {
        assert_eq!(fails(&["--fuel", "3000000"], &code), (Some(4), "lunette: fuel limit reached\n".into()), "{code}");
    }
}

#[test]
fn memory_beside_the_heap_is_limited_too() {
    let name = "local n = ('x'):rep(4e7) _G[n] = function(k) if k > 0 then local r = _G[n](k - 1) return r end";
    let cases = [
        "warn('@on') local s, t = ('x'):rep(1e6), {} for i = 1, 2000 do t[i] = s end warn(table.unpack(t))".into(),
        "package.searchpath(('x'):rep(1e4), ('?'):rep(1e6))".into(),
        format!("{name} return #debug.traceback() end _G[n](300)"),
    ];
    for code in cases {
        // Without room for what a process of this limit has no business with.
        let shell = "ulimit -v 800000; exec \"$0\" --memory 128M -e \"$1\"";
        let output = Command::new("sh").args(["-c", shell, env!("CARGO_BIN_EXE_lunette"), &code]).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 3)), "{code}: {output:?}");
    }
}

#[test]
fn running_out_of_memory_has_its_status_however_it_comes() {
    let folder = Folder::new("memory");
    let file = folder.file("large.txt", "line\n".repeat(500_000));
    let fails = |code: &str| fails(&["--memory", "16M", "--time-limit", "20s"], code);
    for code in [
        "io.open('/dev/zero'):read('a')",
        "io.open('/dev/zero'):read('l')",
        "for line in io.lines('/dev/zero') do end",
        "coroutine.wrap(function() return ('x'):rep(1e9) end)()",
    ] {
        assert_eq!(fails(code), (Some(3), "lunette: not enough memory\n".into()), "{code}");
    }
    assert_eq!(run(&["--memory", "1", "-e", ""]).status.code(), Some(3));
    // A collection in the middle of reading loses nothing.
    let code = format!(
        "for i = 1, 20 do
             local garbage = {{}} for j = 1, 5 do garbage[j] = ('x'):rep(1e6) end
             assert(io.open('{file}'):read('a') == ('line\\n'):rep(500000))
         end"
    );
    assert_eq!(fails(&code), (Some(0), String::new()));
}

#[test]
fn a_stack_that_grows_while_memory_is_full_of_garbage_loses_nothing() {
    // How much room is left in the stack when the call comes depends on the number of variables before it.
    let code = "
        local values = {}
        for i = 1, 4000 do values[i] = i end
        local function fill()
            while collectgarbage 'count' < 3980 do local _ = ('x'):rep(8000) .. collectgarbage 'count' end
        end
        local function variables(name, count)
            local names = {}
            for i = 1, count do names[i] = name .. i end
            return 'local ' .. table.concat(names, ',')
        end
        local function check(call, callee, ...)
            for count = 20, 45 do
                local code = 'local f, fill = ... return function(...) %s fill() %s end'
                local f = load(code:format(variables('v', count), call))(callee, fill)
                collectgarbage() collectgarbage 'stop'
                local t = coroutine.wrap(f)(table.unpack(values))
                local expected = table.pack(...)
                for i = 1, expected.n do assert(t[i] == expected[i], call) end
                assert(t.n == 4000 + expected.n and t[expected.n + 1] == 1 and t[t.n] == 4000, call)
            end
        end
        local function lua(...) return table.pack(...) end
        local fixed = load(variables('v', 50) .. ' return function(f, g, x, ...) return table.pack(f, g, x, ...) end')()
        for _, f in ipairs { table.pack, lua, fixed } do
            local inner = setmetatable({}, {__call = f})
            local outer = setmetatable({}, {__call = inner})
            for _, call in ipairs { 'return f(...)', 'local t = f(...) return t' } do
                check(call, outer, inner, outer)
            end
        end
        local many = load('return function(...) ' .. variables('v', 190) .. ' return table.pack(...) end')()
        check('return coroutine.wrap(f)(...)', many)
    ";
    assert_eq!(fails(&["--memory", "4M"], code), (Some(0), String::new()));
}

#[test]
fn what_the_start_needed_is_given_back() {
    let folder = Folder::new("residency");
    let functions: String =
        (0..20_000).map(|index| format!("function f{index}(a, b) return a + b * {index}, 'f{index}' end\n")).collect();
    let measured = "collectgarbage() local status = io.open('/proc/self/status'):read('a')
        print(status:match('VmHWM:%s*(%d+)'), status:match('VmRSS:%s*(%d+)'))";
    let file = folder.file("large.lua", functions + measured);
    let output = stdout(&run(&[&file]));
    let kilobytes: Vec<u32> = output.split_whitespace().map(|number| number.parse().unwrap()).collect();
    // The functions stay, and the process itself.
    assert!(kilobytes[1] < kilobytes[0] / 3 * 2, "{output}");
}

#[test]
fn hostile_programs_end_in_errors() {
    let cases = [
        "local function f() return 1 + f() end f()",
        "local t = setmetatable({}, {}); getmetatable(t).__index = t; return t.x",
        "string.rep('x', -1); return ('x'):rep(1 << 60)",
        "error()",
        "error(setmetatable({}, {__tostring = function() error('again') end}))",
        "error(setmetatable({}, {__tostring = 1}))",
        "coroutine.wrap(function() error('inside') end)()",
        "local s = 'x'; while true do s = s .. s end",
        "return load(('('):rep(1000) .. '1' .. (')'):rep(1000))()",
        "xpcall(error, function() error('in handler') end); error('after')",
    ];
    for code in cases {
        let (status, message) = fails(&["--memory", "64M", "--time-limit", "20s"], code);
        assert!(matches!(status, Some(1 | 3)), "{code}: {status:?} {message}");
        assert!(message.starts_with("lunette: "), "{code}: {message}");
    }
    let output = run(&["-e", "setmetatable({}, {__gc = function() error('finalizer') end}); collectgarbage()"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn compiled_programs_run() {
    let folder = Folder::new("compile");
    let script = folder.file("c.lua", "#!/usr/bin/env lunette\nlocal number = ...\nprint(number * 2)\nerror('end')");
    for (options, position) in [(&[][..], "c.lua:4: end"), (&["--strip"], "lunette: end\n")] {
        let output = folder.path("c.lbc");
        assert!(run(&[&["compile", "-o", &output, &script], options].concat()).status.success());
        let result = run(&[&output, "21"]);
        assert_eq!(stdout(&result), "42\n");
        assert!(stderr(&result).contains(position), "{}", stderr(&result));
        assert!(stdout(&run(&["disasm", &output])).contains("return_none"));
        assert!(run(&["check", &output]).status.success());
    }
    let standard = run_with_input(&["compile", "-"], b"print('piped')");
    assert_eq!(stdout(&run_with_input(&["-"], &standard.stdout)), "piped\n");
}

/// The names of the custom sections of a WebAssembly file, and how long the others are.
fn custom_sections(file: &[u8]) -> (Vec<String>, usize) {
    fn number(bytes: &mut &[u8]) -> usize {
        let end = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        let (number, rest) = bytes.split_at(end);
        *bytes = rest;
        number.iter().rev().fold(0, |value, byte| value << 7 | usize::from(byte & 0x7f))
    }
    let (mut names, mut others) = (Vec::new(), 0);
    let mut rest = &file[8..];
    while let Some((&kind, after)) = rest.split_first() {
        rest = after;
        let length = number(&mut rest);
        let (mut section, after) = rest.split_at(length);
        rest = after;
        if kind == 0 {
            let length = number(&mut section);
            names.push(String::from_utf8(section[..length].to_vec()).unwrap());
        } else {
            others += section.len();
        }
    }
    (names, others)
}

/// Of WebAssembly, `--strip` leaves out all custom sections, wherever they stand. What is left does the same, with traps at
/// its own places.
#[test]
fn compiled_modules_can_be_stripped() {
    let folder = Folder::new("strip");
    let module = r#"(module $divider
        (@custom "first" (before first) "something for tools")
        (type (func (param i32 i32) (result i32)))
        (@custom "second" (after type) "something else")
        (func $inner (param $dividend i32) (param $divisor i32) (result i32)
          (i32.div_s (local.get $dividend) (local.get $divisor)))
        (func (export "divide") (param i32 i32) (result i32) (call $inner (local.get 0) (local.get 1)))
        (@custom "last" "the end"))"#;
    let file = folder.file("divider.wasm", wat::parse_str(module).unwrap());
    let [whole, stripped, again] = ["whole.lbc", "stripped.lbc", "again.lbc"].map(|name| folder.path(name));
    for arguments in [
        &["compile", "-o", &whole, &file][..],
        &["compile", "--strip", "-o", &stripped, &file],
        // What was translated before is for another file.
        &["compile", "--strip", "-o", &again, &whole],
    ] {
        let output = run(arguments);
        assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    }
    let read = |path: &str| fs::read(path).unwrap();
    let (names, others) = custom_sections(&read(&whole));
    assert_eq!(names, ["first", "second", "last", "name", "lunette"]);
    assert_eq!(custom_sections(&read(&stripped)), (vec!["lunette".to_owned()], others));
    assert_eq!(read(&stripped), read(&again));
    let invoke = |path: &str, divisor: &str| run(&["run", "--invoke", "divide", path, "42", divisor]);
    assert_eq!(stdout(&invoke(&stripped, "7")), "6\n");
    assert!(stderr(&invoke(&whole, "0")).contains("in function 'inner'"));
    // The place of the instruction, which is the last but one of the first function.
    let bytes = read(&stripped);
    let body = b"\x20\x00\x20\x01\x6d\x0b";
    let place = bytes.windows(body.len()).position(|bytes| bytes == body).unwrap() + 4;
    let message = stderr(&invoke(&stripped, "0"));
    assert!(message.contains(&format!("stripped.lbc:{place:#x}: integer divide by zero")), "{message}");
    assert!(!message.contains("inner") && message.contains("in function 'divide'"), "{message}");
    assert_eq!(run(&["check", &stripped]).status.code(), Some(0));
    // What breaks off stays so.
    let broken = folder.file("broken.wasm", &read(&file)[..60]);
    assert_eq!(run(&["compile", "--strip", "-o", &again, &broken]).status.code(), Some(1));
}

#[test]
fn damaged_compiled_programs_are_refused() {
    let folder = Folder::new("damaged");
    let bytes = run_with_input(&["compile", "-"], b"local a = ...; return function() return a end").stdout;
    for position in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[position] ^= 0x11;
        let file = folder.file("d.lbc", &damaged);
        let output = run(&[&file]);
        assert_eq!(output.status.code(), Some(1), "byte {position}");
        assert!(stderr(&output).starts_with("lunette: "), "{}", stderr(&output));
    }
    let file = folder.file("t.lbc", &bytes[..bytes.len() / 2]);
    assert_eq!(run(&["check", &file]).status.code(), Some(1));
    assert_eq!(run(&["disasm", &file]).status.code(), Some(1));
}

#[test]
fn check_looks_at_all_files() {
    let folder = Folder::new("check");
    let (good, bad) = (folder.file("good.lua", "return 1"), folder.file("bad.lua", "x ="));
    let worse = folder.file("worse.lua", "goto nowhere");
    assert!(run(&["check", &good]).status.success());
    let output = run(&["check", &bad, &good, &worse, "/nowhere.lua"]);
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    for part in ["bad.lua:1: unexpected symbol near <eof>", "worse.lua:1: no visible label 'nowhere'", "/nowhere.lua"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!message.contains("good.lua"), "{message}");
}

#[test]
fn prompt_runs_lines_and_prints_values() {
    let lines = b"1 + 1\n= 'a', nil\nx = 5\nfor i = 1, 2 do\nprint(i * x)\nend\nerror('oops')\nnil + 1\nx\n";
    let output = run_with_input(&["repl"], lines);
    assert!(output.status.success());
    assert_eq!(stdout(&output), "2\na\tnil\n5\n10\n5\n", "{}", stderr(&output));
    let message = stderr(&output);
    assert!(message.contains("stdin:1: oops\nstack traceback:"), "{message}");
    assert!(message.contains("attempt to perform arithmetic on a nil value"), "{message}");
    assert_eq!(stdout(&run_with_input(&["-i", "-e", "y = 3"], b"y\n")), "3\n");
    assert_eq!(stdout(&run_with_input(&["repl"], b"2 +\n3\nx = {\n4}\n#x\n'a' ..\n'b'\n")), "5\n1\nab\n");
    assert_eq!(run_with_input(&["repl"], b"os.exit(9)\n").status.code(), Some(9));
}

#[test]
fn environment_variables_are_those_of_lua() {
    let run = |name: &str, value: &str, arguments: &[&str]| {
        stdout(&lunette().env(name, value).args(arguments).stdin(Stdio::null()).output().unwrap())
    };
    assert_eq!(run("LUA_INIT", "x = 1", &["-e", "print(x)"]), "1\n");
    assert_eq!(run("LUA_INIT_5_4", "x = 2", &["-e", "print(x)"]), "2\n");
    assert_eq!(run("LUA_INIT", "x = 1", &["-E", "-e", "print(x)"]), "nil\n");
    let folder = Folder::new("environment");
    let file = folder.file("init.lua", "x = 'file'");
    assert_eq!(run("LUA_INIT", &format!("@{file}"), &["-e", "print(x)"]), "file\n");
    assert_eq!(run("LUA_PATH", "/a/?.lua;;", &["-e", "print(package.path:sub(1, 9))"]), "/a/?.lua;\n");
    assert_eq!(run("LUA_PATH", "/a/?.lua", &["-E", "-e", "print(package.path:find('/a/', 1, true))"]), "nil\n");
}

#[test]
fn help_version_and_completions() {
    assert!(stdout(&run(&["--help"])).contains("Exit statuses"));
    assert!(stdout(&run(&["run", "--help"])).contains("--time-limit"));
    assert!(stdout(&run(&["-v"])).contains("Lua 5.4"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&run(&["completions", shell])).contains("disasm"), "{shell}");
    }
}

#[test]
fn figures_are_printed_on_demand() {
    let output = run(&["--stats", "--trace-gc", "--jit=off", "-e", "for i = 1, 2e5 do local t = {i} end"]);
    let message = stderr(&output);
    for part in ["fuel used", "allocated", "collections", "99%", "peak heap", "[gc] minor"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn broken_pipes_end_the_program_quietly() {
    let mut child = lunette()
        .args(["-e", "while true do print('y') end"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut start = [0; 4];
    output.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"y\ny\n");
    drop(output);
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success());
    assert_eq!(stderr(&output), "");
}

/// Sends the signal of Ctrl-C.
fn interrupt(child: &std::process::Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn interrupts_stop_programs() {
    for code in ["print('go'); while true do end", "print('go'); io.read()", "print('go'); os.execute('sleep 9')"] {
        let mut child = lunette()
            .args(["-e", &format!("io.stdout:setvbuf('no'); {code}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut start = [0; 3];
        child.stdout.as_mut().unwrap().read_exact(&mut start).unwrap();
        // The pipe stays open: it is not its end that ends the program.
        let input = child.stdin.take();
        let begin = Instant::now();
        interrupt(&child);
        let status = child.wait().unwrap();
        drop(input);
        assert!(begin.elapsed() < Duration::from_secs(3), "{code}");
        assert_eq!(status.code(), Some(130), "{code}");
    }
}

#[test]
fn large_output_arrives_whole() {
    let output = run(&["-e", "for i = 1, 200000 do io.write(i, '\\n') end"]);
    assert_eq!(output.stdout.len(), 1_288_895);
    assert!(stdout(&output).ends_with("\n200000\n"));
}

#[test]
fn scripts_may_begin_with_a_byte_order_mark() {
    let folder = Folder::new("byte-order-mark");
    let line = "print(debug.getinfo(1, 'l').currentline)";
    for (content, expected) in [
        (format!("\u{feff}{line}"), "1\n"),
        (format!("\u{feff}#!shebang\n{line}"), "2\n"),
        (format!("#\n{line}"), "2\n"),
        ("\u{feff}".into(), ""),
        ("\u{feff}#".into(), ""),
    ] {
        let script = folder.file("a.lua", &content);
        assert_eq!(stdout(&run(&[&script])), expected, "{content:?}");
        assert_eq!(stdout(&run_with_input(&["-"], content.as_bytes())), expected, "{content:?}");
    }
    assert_eq!(run(&[&folder.file("b.lua", "\u{feff}\u{feff}print(1)")]).status.code(), Some(1));
    let compiled = folder.path("c.lbc");
    assert!(run(&["compile", "-o", &compiled, &folder.file("c.lua", "print(1)")]).status.success());
    let marked = [b"\xef\xbb\xbf#!lunette\n", &fs::read(&compiled).unwrap()[..]].concat();
    assert_eq!(stdout(&run(&[&folder.file("d.lbc", marked)])), "1\n");
}

#[test]
fn the_interpreter_stands_before_the_script() {
    let folder = Folder::new("interpreter");
    let script = folder.file("a.lua", "print(arg[-1] == arg[-#arg], arg[0] ~= nil, arg[-2])");
    for words in [&[][..], &["run"]] {
        let output = run(&[words, &[&script, "x"]].concat());
        assert_eq!(stdout(&output), "true\ttrue\tnil\n");
    }
    assert!(stdout(&run(&["run", "-W", &folder.file("b.lua", "print(arg[-1], arg[-2])")])).starts_with("-W\t"));
}

#[test]
fn an_orderly_exit_closes_variables_of_the_main_thread() {
    let closing = "local function c(name) return setmetatable({}, { __close = function(_, e) print(name, e, pcall(error)) end }) end
        local a <close> = c('a')
        local fails <close> = setmetatable({}, { __close = function() error('in close') end })
        pcall(function() local b <close> = c('b') %s end)";
    let in_coroutine = "coroutine.wrap(function() local x <close> = c('x') os.exit(5, true) end)()";
    for (code, expected) in [
        ("os.exit(5, true)", "b\tnil\tfalse\tnil\na\tin close\tfalse\tnil\n"),
        (in_coroutine, "b\tnil\tfalse\tnil\na\tin close\tfalse\tnil\n"),
        ("os.exit(5)", ""),
    ] {
        let output = run(&["-e", &closing.replace("%s", code).replace('\n', " ")]);
        let text = stdout(&output).replace("(command line):1: ", "");
        assert_eq!((text.as_str(), output.status.code()), (expected, Some(5)), "{code}");
    }
}

#[test]
fn all_of_a_webassembly_file_is_checked() {
    let path = std::env::temp_dir().join(format!("lunette-check-{}.wasm", std::process::id()));
    // A function without result whose body leaves a number on the stack.
    let sections = b"\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x06\x01\x04\x00\x41\x00\x0b";
    std::fs::write(&path, [&b"\0asm\x01\0\0\0"[..], sections].concat()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_lunette")).arg("check").arg(&path).output().unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("(at offset 0x"), "{message}");
}

/// `--invoke` calls one function, in either home: arguments are texts, results are printed in the form of their types.
#[test]
fn functions_of_modules_are_invoked() {
    let folder = Folder::new("invoke");
    let module = r#"(module $calculator
        (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func (export "wide") (param i64) (result i64) (local.get 0))
        (func (export "third") (param f32) (result f32 f64)
          (f32.div (local.get 0) (f32.const 3)) (f64.div (f64.promote_f32 (local.get 0)) (f64.const 3)))
        (func (export "swap") (param v128 externref) (result externref v128) (local.get 1) (local.get 0))
        (func $inner (param i32) (drop (i32.load (local.get 0))))
        (func (export "far") (call $inner (i32.const 65533)))
        (memory 1))"#;
    let file = folder.file("calculator.wasm", wat::parse_str(module).unwrap());
    let invoke = |arguments: &[&str]| {
        let home: &[&str] = &["run"];
        let isolated: &[&str] = &["run", "--isolate"];
        let outputs =
            [home, isolated].map(|home| run(&[home, &["--invoke", arguments[0], &file], &arguments[1..]].concat()));
        assert_eq!(stdout(&outputs[0]), stdout(&outputs[1]));
        let [here, isolated] = outputs.map(|output| (output.status.code(), stdout(&output), stderr(&output)));
        assert_eq!(here.0, isolated.0, "{}{}", here.2, isolated.2);
        here
    };
    for (arguments, results) in [
        (&["add", "2", "3"][..], "5\n"),
        (&["add", "0xffffffff", "-1"], "-2\n"),
        (&["wide", "18446744073709551615"], "-1\n"),
        (&["wide", "-9223372036854775808"], "-9223372036854775808\n"),
        (&["third", "1"], "0.33333334\n0.3333333333333333\n"),
        (&["third", "-inf"], "-inf\n-inf\n"),
        (&["swap", "0x000102030405060708090a0b0c0d0e0f", "null"], "null\n0x000102030405060708090a0b0c0d0e0f\n"),
    ] {
        assert_eq!(invoke(arguments), (Some(0), results.to_owned(), String::new()), "{arguments:?}");
    }
    for (arguments, message) in [
        (&["nothing"][..], "the module has no function 'nothing'"),
        (&["add", "2"], "'add' takes 2 arguments, not 1"),
        (&["add", "2", "x"], "argument 2: i32 expected, got 'x'"),
        (&["add", "4294967296", "1"], "argument 1: i32 expected, got '4294967296'"),
        (&["wide", "18446744073709551616"], "argument 1: i64 expected, got '18446744073709551616'"),
        (&["far"], "out of bounds memory access"),
    ] {
        let (status, _, error) = invoke(arguments);
        assert!(status == Some(1) && error.contains(message), "{arguments:?}: {error}");
    }
    // Translated ahead of time it is the same, also when it is translated once more.
    let compiled = folder.path("calculator.lbc");
    for from in [&file, &compiled] {
        assert_eq!(run(&["compile", "-o", &compiled, from]).status.code(), Some(0));
        assert_eq!(stdout(&run(&["run", "--invoke", "add", &compiled, "2", "3"])), "5\n");
    }
    assert!(fs::read(&compiled).unwrap().starts_with(&fs::read(&file).unwrap()));
    let (_, _, traceback) = invoke(&["far"]);
    assert!(traceback.contains(": in function 'inner'") && traceback.contains(": in function 'far'"), "{traceback}");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn what_became_machine_code_is_told() {
    let folder = Folder::new("machine-code");
    let module = r#"(module (memory 1)
        (func $spin (param i32) (result i32) (local i32)
            (loop $again
                (local.set 1 (i32.add (local.get 1) (i32.load (i32.const 8))))
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1))
        (func (export "_start") (drop (call $spin (i32.const 1000000)))))"#;
    let file = folder.file("spin.wasm", wat::parse_str(module).unwrap());
    let homes: &[&[&str]] = if cfg!(feature = "partitions") { &[&[], &["--isolate"]] } else { &[&[]] };
    for home in homes {
        let forms = ["--dump-ir=spin", "--dump-clif=spin", "--dump-asm=spin"];
        let told = stderr(&run(&[&["run", "--jit-stats", "--jit-wait"], *home, &forms, &[&file]].concat()));
        for part in [
            "machine code       1 functions",
            "return_one  'spin' at 0x",
            "load_32",
            "loop_if",
            "function u0:0",
            "retq",
        ] {
            assert!(told.contains(part), "no '{part}' in {told}");
        }
    }
    let program = "local s = '' for i = 1, 300000 do s = #s > 9 and '' or s .. i % 10 end";
    let told = stderr(&run(&["run", "--jit-stats", "--jit-wait", "-e", program]));
    assert!(told.contains("concat  (command line):0 in line 1: performed"), "{told}");
    let maps = r#"local map = io.open("/proc/self/stat"):read("n") // 1
        for _ = 1, 3 do local s = 0 for i = 1, 3000000 do s = s + i end end
        for line in io.lines("/tmp/perf-" .. map .. ".map") do print(line) end os.remove("/tmp/perf-" .. map .. ".map")"#;
    let map = stdout(&run(&["run", "--perf-map", "--jit-wait", "-e", maps]));
    let fields: Vec<&str> = map.trim_end().splitn(3, ' ').collect();
    assert!(fields.len() == 3 && fields[2] == "(command line):0", "{map}");
    assert!(fields[..2].iter().all(|number| u64::from_str_radix(number, 16).is_ok_and(|number| number > 0)), "{map}");
    let told = stderr(&run(&["run", "--jit-stats", "--jit=off", "--dump-asm=spin", &file]));
    assert!(told.contains("no function 'spin' was hot") && told.contains("machine code       0 functions"), "{told}");
}
