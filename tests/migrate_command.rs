//! `lunette migrate` and `lunette receive`: programs that move between processes.
#![cfg(all(feature = "command", feature = "migration"))]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// Counts, with a table that changes, until a file is there; then tells how far it came and that nothing was lost.
const PROGRAM: &str = "
    local file, data, n = ..., {}, 0
    for i = 1, 20000 do data[i] = {i} end
    local kept = assert(io.open(file .. '.kept', 'w'))
    io.write('begins\\n')
    io.stdout:flush()
    while true do
        for i = 1, 2000 do n = n + 1; local t = data[n % 20000 + 1]; t[1] = t[1] + 1 end
        if n % 100000 == 0 then kept:write(n, '\\n') end
        local f = io.open(file)
        if f then break end
    end
    kept:close()
    local sum, lines = 0, 0
    for i = 1, 20000 do sum = sum + data[i][1] - i end
    for line in io.lines(file .. '.kept') do
        lines = lines + 1
        assert(tonumber(line) == lines * 100000)
    end
    print(sum == n and lines == n // 100000)";

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("lunette-migrate-{}-{name}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("program.lua"), PROGRAM).unwrap();
        for (name, byte) in [("key", 1), ("other", 2)] {
            fs::write(folder.join(name), [byte; 32]).unwrap();
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
        Folder(folder)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lunette"));
        command.args(arguments).current_dir(&self.0).env_remove("LUA_INIT").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts the program, and waits until it runs.
    fn start(&self, options: &[&str]) -> Running {
        let mut child = self.command(&[&["run"], options, &["program.lua", "stop"]].concat()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "begins\n");
        Running { child, output }
    }

    /// Starts one that waits; where it does.
    fn receive(&self, options: &[&str], key: &str) -> (Child, String) {
        let arguments = [&["receive"], options, &["--key", key, "127.0.0.1:0"]].concat();
        let mut child = self.command(&arguments).spawn().unwrap();
        let mut line = Vec::new();
        let error = child.stderr.as_mut().unwrap();
        let mut byte = [0];
        while error.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
            line.push(byte[0]);
        }
        let line = String::from_utf8(line).unwrap();
        let address = line.strip_prefix("lunette: waiting at ").unwrap_or_else(|| panic!("{line}")).to_owned();
        (child, address)
    }

    fn migrate(&self, running: &Running, address: &str, key: &str) -> Output {
        let pid = running.child.id().to_string();
        self.command(&["migrate", &pid, address, "--key", key, "--image", "kept.image"]).output().unwrap()
    }

    /// Lets the program come to its end.
    fn stop(&self) {
        fs::write(self.0.join("stop"), "").unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Running {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Running {
    /// What it writes to its end, and its status.
    fn finish(mut self) -> (String, i32) {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        (rest, self.child.wait().unwrap().code().unwrap_or(-1))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn homes() -> Vec<&'static [&'static str]> {
    let isolated: &[&str] = &["--isolate", "--dir", ".::/"];
    if cfg!(feature = "partitions") { vec![&[], isolated] } else { vec![&[]] }
}

#[test]
fn programs_move_with_their_files() {
    for from in homes() {
        for to in homes() {
            let folder = Folder::new("move");
            // Paths of partitions begin at the folder that is granted.
            let running = folder.start(from);
            let (receiver, address) = folder.receive(to, "key");
            let migrated = folder.migrate(&running, &address, "key");
            let message = text(&migrated.stderr);
            assert!(migrated.status.success() && message.contains("of which the program stood still"), "{message}");
            assert_eq!(running.finish(), (String::new(), 0), "it runs elsewhere");
            folder.stop();
            let Output { status, stdout, stderr } = receiver.wait_with_output().unwrap();
            assert!(status.success(), "{from:?} {to:?}: {}", text(&stderr));
            assert_eq!(text(&stdout), "true\n", "{from:?} {to:?}");
        }
    }
}

#[test]
fn programs_move_on_with_their_files() {
    for between in homes() {
        let folder = Folder::new("on");
        let running = folder.start(homes()[0]);
        let (mut second, second_address) = folder.receive(between, "key");
        assert!(folder.migrate(&running, &second_address, "key").status.success());
        assert_eq!(running.finish(), (String::new(), 0), "it runs elsewhere");
        let (third, third_address) = folder.receive(homes()[0], "key");
        let output = BufReader::new(second.stdout.take().unwrap());
        let second = Running { child: second, output };
        let migrated = folder.migrate(&second, &third_address, "key");
        assert!(migrated.status.success(), "{between:?}: {}", text(&migrated.stderr));
        assert_eq!(second.finish(), (String::new(), 0), "it runs elsewhere");
        folder.stop();
        let Output { status, stdout, stderr } = third.wait_with_output().unwrap();
        assert!(status.success(), "{between:?}: {}", text(&stderr));
        assert_eq!(text(&stdout), "true\n", "{between:?}");
    }
}

#[test]
fn programs_stay_if_they_cannot_move() {
    for home in homes() {
        let folder = Folder::new("stay");
        let running = folder.start(home);
        let refused = |address: &str, key: &str, reason: &str| {
            let migrated = folder.migrate(&running, address, key);
            let message = text(&migrated.stderr);
            assert!(migrated.status.code() == Some(1) && message.contains("the program goes on here"), "{message}");
            assert!(message.contains(reason), "{message}");
        };
        refused("127.0.0.1:1", "key", "cannot connect: Connection refused");
        let (mut receiver, address) = folder.receive(home, "other");
        refused(&address, "key", "the other side does not know the key");
        receiver.kill().unwrap();
        let errors = text(&receiver.wait_with_output().unwrap().stderr);
        assert!(errors.contains("no program came") && errors.contains("it does not know the key"), "{errors}");
        // What the other end may have is not enough, or not granted.
        let (mut receiver, address) = folder.receive(&[home, &["--memory", "2M"]].concat(), "key");
        refused(&address, "key", "the other end refuses");
        receiver.kill().unwrap();
        receiver.wait().unwrap();
        // A receiver that is killed on the way, or has come too far.
        let (mut receiver, address) = folder.receive(home, "key");
        let pid = running.child.id().to_string();
        let mut migration =
            folder.command(&["migrate", &pid, &address, "--key", "key", "--image", "kept.image"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(3));
        receiver.kill().unwrap();
        receiver.wait().unwrap();
        let is_unknown_or_gone = migration.wait().unwrap().success() || folder.0.join("kept.image").exists();
        if is_unknown_or_gone {
            running.finish();
            continue;
        }
        folder.stop();
        assert_eq!(running.finish(), ("true\n".to_owned(), 0), "{home:?}");
    }
}

#[test]
fn keys_are_secret() {
    let folder = Folder::new("key");
    fs::set_permissions(folder.0.join("key"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(folder.0.join("other"), "short").unwrap();
    for (key, reason) in [
        ("key", "others can read the key"),
        ("other", "a key is made of at least 32 random bytes"),
        ("none", "cannot open none"),
    ] {
        for arguments in
            [["receive", "127.0.0.1:0", "--key", key].to_vec(), ["migrate", "1", "x:1", "--key", key].to_vec()]
        {
            let refused = folder.command(&arguments).output().unwrap();
            let message = text(&refused.stderr);
            assert!(refused.status.code() == Some(1) && message.contains(reason), "{message}");
        }
    }
}

#[test]
fn sockets_can_be_files_and_strangers_are_ignored() {
    let folder = Folder::new("socket");
    let path = folder.0.join("socket");
    let mut receiver = folder.command(&["receive", "./socket", "--key", "key"]).spawn().unwrap();
    // The file is there a little before anybody listens.
    let start = Instant::now();
    while std::os::unix::net::UnixStream::connect(&path).is_err() {
        assert!(start.elapsed() < Duration::from_secs(20), "it does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
    for nonsense in ["", "GET / HTTP/1.1\r\n\r\n", "LuneMig\x01"] {
        let mut stranger = std::os::unix::net::UnixStream::connect(&path).unwrap();
        std::io::Write::write_all(&mut stranger, nonsense.as_bytes()).unwrap();
    }
    // One that says nothing does not hold others up for long.
    let silent = std::os::unix::net::UnixStream::connect(&path).unwrap();
    let running = folder.start(&[]);
    assert!(folder.migrate(&running, "./socket", "key").status.success());
    drop(silent);
    folder.stop();
    let mut output = String::new();
    receiver.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert!(receiver.wait().unwrap().success());
    assert_eq!(output, "true\n");
    assert!(!path.exists(), "the socket is removed");
    running.finish();
}
