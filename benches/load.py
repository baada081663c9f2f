#!/usr/bin/env python3
"""Measures what the benchmark programs don't: starting, loading much source, pauses of the collector.

    load.py empty     user CPU time and memory of an empty script
    load.py source    loading generated source (10 MB)
    load.py snapshot  writing and restoring an image of a large live heap (100 MB)
    load.py pause     steps of a program with a large live heap (200 MB), with our --stats
"""

import argparse
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measure

sys.path.insert(0, str(Path(__file__).resolve().parent / "load"))
import generate  # noqa: E402

HERE = Path(__file__).resolve().parent
OURS = "lunette"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["empty", "source", "pause", "snapshot"])
    parser.add_argument("--rounds", type=int, help="runs under each VM")
    parser.add_argument("--megabytes", type=float, help="of source (10) or of live heap (200, 100 for snapshots)")
    parser.add_argument("--lunette", default=str(HERE.parent / "target/release/lunette"), help="path of our program")
    parser.add_argument("--flags", default="run --jit=off", help="its arguments before the file (default: %(default)s)")
    parser.add_argument("--stats", default="--stats", help="its further flag for statistics (default: %(default)s)")
    parser.add_argument("--peer", action="append", metavar="NAME=COMMAND", help="default: puc=lua5.4")
    return parser.parse_args()


def resident_kilobytes(command: list[str]) -> int:
    """The peak resident set of a VM that has started and does nothing, without that of a forker."""
    with subprocess.Popen(
        [*command, str(HERE / "load/idle.lua")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        if process.stdout.readline() != b"ready\n":
            sys.exit(f"{command[0]} did not run idle.lua")
        time.sleep(0.02)
        status = Path(f"/proc/{process.pid}/status").read_text()
        process.stdin.close()
        return int(status.split("VmHWM:")[1].split()[0])


def checked(command: list[str]) -> measure.Sample:
    """One successful run."""
    sample = measure.run(command)
    if sample.failed:
        sys.exit(f"{shlex.join(command)} failed with status {sample.status}: {sample.errors.decode(errors='replace')}")
    return sample


def table(header: list[str], rows: list[list[str]]) -> None:
    """Prints a Markdown table."""
    print("| " + " | ".join(header) + " |")
    print("| --- |" + " ---: |" * (len(header) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def empty(vms: dict[str, list[str]], rounds: int) -> None:
    """Starting and ending."""
    samples = {vm: [] for vm in vms}
    for _ in range(rounds):
        for vm, command in vms.items():
            samples[vm].append(checked([*command, str(HERE / "load/empty.lua")]).seconds)
    table(
        ["empty script", "user ms (mean)", "resident MB"],
        [
            [vm, f"{statistics.fmean(samples[vm]) * 1000:.2f}", f"{resident_kilobytes(command) / 1024:.2f}"]
            for vm, command in vms.items()
        ],
    )


def source(vms: dict[str, list[str]], rounds: int, megabytes: float) -> None:
    """Compiling generated source."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        text = generate.generate(megabytes)
        file.write(text)
        file.flush()
        samples = {vm: [] for vm in vms}
        for _ in range(rounds):
            for vm, command in vms.items():
                samples[vm].append(checked([*command, file.name]))
    rows = []
    for vm, runs in samples.items():
        seconds = statistics.median(run.seconds for run in runs)
        kilobytes = statistics.median(run.kilobytes for run in runs)
        rows.append([vm, f"{seconds:.3f}", f"{len(text) / 1e6 / max(seconds, 1e-6):.1f}", f"{kilobytes / 1024:.1f}"])
    table([f"{len(text) / 1e6:.1f} MB of source", "user s", "MB/s", "peak MB"], rows)


def pause(vms: dict[str, list[str]], rounds: int, megabytes: float, stats: str) -> None:
    """Steps of a program with a large live heap."""
    for _ in range(rounds):
        for vm, command in vms.items():
            extra = shlex.split(stats) if vm == OURS else []
            sample = checked([*command, *extra, str(HERE / "load/gc_pause.lua"), str(megabytes)])
            print(f"{vm}: {sample.seconds:.2f} s, peak {sample.kilobytes / 1024:.0f} MB")
            for line in (sample.output + sample.errors).decode(errors="replace").splitlines():
                print(f"  {line}")


def snapshot(command: list[str], rounds: int, megabytes: float) -> None:
    """Writing an image to memory and restoring it, by the processor's clock of the process."""
    folder = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=folder) as folder:
        image = Path(folder) / "image"
        script = str(HERE / "load/snapshot.lua")
        for _ in range(rounds):
            saved = checked([*command, "--snapshot-to", str(image), script, str(megabytes)])
            restored = checked([command[0], "restore", str(image)])
            size = f"image {image.stat().st_size / 1e6:.0f} MB"
            print(", ".join([saved.output.decode().strip(), size, restored.output.decode().strip()]))


def main() -> None:
    arguments = parse_arguments()
    vms = {OURS: [arguments.lunette, *shlex.split(arguments.flags)]}
    if arguments.what == "snapshot":
        return snapshot(vms[OURS], arguments.rounds or 5, arguments.megabytes or 100)
    for peer in arguments.peer or ["puc=lua5.4"]:
        name, _, command = peer.partition("=")
        vms[name] = shlex.split(command)
    for name, command in vms.items():
        if not command or shutil.which(command[0]) is None:
            sys.exit(f"{name}: no such program")
    if arguments.what == "empty":
        empty(vms, arguments.rounds or 50)
    elif arguments.what == "source":
        source(vms, arguments.rounds or 5, arguments.megabytes or 10)
    else:
        pause(vms, arguments.rounds or 1, arguments.megabytes or 200, arguments.stats)


if __name__ == "__main__":
    main()
