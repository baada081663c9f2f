//! Builds the guest image, a program for another home than this crate's: with a target folder of its own, as it would
//! wait for itself in the present one.

use std::{
    env, fs,
    hash::{DefaultHasher, Hasher},
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "x86_64-unknown-linux-gnu";

fn main() {
    let guest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("guest");
    for path in [
        "src",
        "guest",
        "interface",
        "../pages",
        "../bytecode",
        "../frontend",
        "../gc",
        "../interpreter",
        "../jit",
        "../stdlib",
    ] {
        println!("cargo::rerun-if-changed={path}");
    }
    // One folder for all profiles of the monitor: the image is always the optimised one.
    let output = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let mut target = output.ancestors().nth(4).expect("OUT_DIR lies in the target folder");
    // Builds that name a target have a folder of their own in there.
    if target.file_name() == env::var_os("TARGET").as_deref() {
        target = target.parent().unwrap_or(target);
    }
    let target = target.join("guest");
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets it"));
    cargo.current_dir(&guest).args(["build", "--release", "--locked"]).env("CARGO_TARGET_DIR", &target);
    // What is meant for the monitor is not for the image.
    for name in ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "RUSTC_WRAPPER", "CLIPPY_ARGS"] {
        cargo.env_remove(name);
    }
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_FEATURE_") || name.to_string_lossy().starts_with("CARGO_CFG_") {
            cargo.env_remove(name);
        }
    }
    let status = cargo.status().expect("cargo can be run");
    assert!(status.success(), "the guest image cannot be built");
    let image = target.join(TARGET).join("release/lunette-guest");
    println!("cargo::rustc-env=LUNETTE_GUEST_IMAGE={}", image.display());
    println!("cargo::rustc-env=LUNETTE_GUEST_BUILD={:016x}", build(&image));
}

/// A number that differs for builds which cannot use each other's raw images: of the image and the monitor's source.
fn build(image: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(&fs::read(image).expect("the image was built"));
    let mut sources = Vec::new();
    for folder in ["src", "../pages/src"] {
        add_files(Path::new(folder), &mut sources);
    }
    sources.sort();
    for source in sources {
        hasher.write(&fs::read(source).expect("sources can be read"));
    }
    hasher.finish()
}

/// Adds the files of a folder and the folders in it.
fn add_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("folders of sources can be read") {
        let path = entry.expect("readable").path();
        if path.is_dir() { add_files(&path, files) } else { files.push(path) }
    }
}
