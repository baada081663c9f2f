//! What is said where partitions can be had, and where they cannot: without KVM in namespaces of the tests' own.
#![cfg(all(feature = "command", feature = "partitions"))]

use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_lunette");

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs shell commands with mounts of their own; `$0` is the program.
fn with_own_mounts(script: &str) -> Output {
    let mut command = Command::new("unshare");
    // Without the system's privileges, those of a user's own namespace serve.
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| text(&output.stdout).trim() == "0");
    if !is_root {
        command.arg("--map-root-user");
    }
    let output = command.args(["--mount", "sh", "-ec", script, PROGRAM]).output();
    output.expect("util-linux is installed")
}

/// The command and the doctor say this, with the status of partitions that cannot be had.
fn assert_unavailable(preparation: &str, prefix: &str, reason: &str, advice: &str) {
    let script = format!("{preparation}; exec {prefix} \"$0\" run --isolate -e 'print(1)'");
    let output = with_own_mounts(&script);
    let message = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(7), String::new()), "{message}");
    assert!(message.starts_with("lunette: partitions need KVM, but /dev/kvm cannot be used: "), "{message}");
    assert!(message.contains(reason) && message.contains(advice), "{message}");

    let output = with_own_mounts(&format!("{preparation}; exec {prefix} \"$0\" doctor"));
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(7), "{report}{}", text(&output.stderr));
    let line = report.lines().find(|line| line.starts_with("!!  KVM ")).unwrap_or_default();
    assert!(line.contains(reason) && report.contains(advice), "{report}");
    assert!(report.contains("!!  partition ") && report.ends_with("\nNo partition can be had here.\n"), "{report}");
}

#[test]
fn the_doctor_says_that_partitions_can_be_had() {
    let output = Command::new(PROGRAM).arg("doctor").output().expect("the program runs");
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{report}");
    for topic in ["kernel", "processors", "virtualization", "KVM", "transparent huge pages", "memory", "userfaultfd"] {
        assert!(
            report.lines().any(|line| line.get(4..).is_some_and(|line| line.starts_with(topic))),
            "{topic}: {report}"
        );
    }
    assert!(report.contains("ok  partition "), "{report}");
    assert!(report.ends_with("\nPartitions can be had here.\n"), "{report}");
}

#[test]
fn without_kvm_it_is_said_how_to_get_it() {
    assert_unavailable("mount -t tmpfs none /dev", "", "No such file or directory", "modprobe kvm_intel");
}

#[test]
fn a_device_that_is_not_kvms_is_noticed() {
    assert_unavailable("mount --bind /dev/null /dev/kvm", "", "it is not KVM's", "--device /dev/kvm");
}

#[test]
fn a_user_without_permission_is_told_how_to_get_it() {
    let preparation = "mount -t tmpfs -o mode=755 none /dev; touch /dev/kvm; chmod 0 /dev/kvm";
    // Root may do everything, but for a root without privileges.
    let prefix = "setpriv --bounding-set=-all --inh-caps=-all --no-new-privs";
    assert_unavailable(preparation, prefix, "Permission denied", "usermod -aG kvm");
}
