#!/usr/bin/env python3
"""Measures what partitions cost, against the same program in the process.

    partitions.py             everything
    partitions.py hello       lunette run --isolate of a hello: processor time of both processes, whole time
    partitions.py lines       a million short lines, both ways
    partitions.py snapshots   writing and restoring an image of 100 MB in each home (examples/snapshot_times.rs)
    partitions.py pool        clones of a template: hello by reset, many live ones (examples/partition_pool.rs)

The time of programs bound by the processor: benches/run.py --peer 'isolated=target/release/lunette run --isolate'
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LINES = "for i = 1, 1000000 do print(i) end"


def run(command: list[str]) -> tuple[float, float]:
    """Processor time (of the process and those it waited for) and whole time of a run, in seconds."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if status != 0:
        sys.exit(f"{command} failed with status {process.returncode}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - start


def medians(commands: dict[str, list[str]], rounds: int) -> dict[str, tuple[float, float]]:
    """Medians of commands that take turns."""
    runs = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(run(command))
    return {name: tuple(map(statistics.median, zip(*samples))) for name, samples in runs.items()}


def snapshots(rounds: int) -> None:
    """Writes images to memory and restores them, each in a process of its own, by the clock."""
    example = ["cargo", "run", "--release", "--quiet", "--example", "snapshot_times"]
    folder = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=folder) as folder:
        for home in ["process", "partition", "isolated"]:
            times = {"snapshot": [], "restore": []}
            for _ in range(rounds):
                for what in ["save", "restore"]:
                    command = [*example, what, home, str(Path(folder) / home)]
                    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
                    name, milliseconds = output.split()
                    times[name].append(float(milliseconds))
            for name, runs in times.items():
                median = statistics.median(runs)
                print(f"{name}, {home}: {median:.0f} ms ({', '.join(f'{run:.0f}' for run in runs)})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["hello", "lines", "snapshots", "pool"])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--lunette", default=str(ROOT / "target/release/lunette"))
    parser.add_argument("--live", type=int, default=1000, help="partitions at a time")
    arguments = parser.parse_args()
    hosted, isolated = [arguments.lunette, "run"], [arguments.lunette, "run", "--isolate"]
    for what in arguments.what:
        if what == "hello":
            code = ["-e", "print('hello')"]
            times = medians({"process": hosted + code, "partition": isolated + code}, arguments.rounds)
            for name, (processor, whole) in times.items():
                print(f"hello, {name}: {processor * 1e3:.1f} ms of processor time, {whole * 1e3:.1f} ms in all")
        elif what == "lines":
            code = ["-e", LINES]
            times = medians({"process": hosted + code, "partition": isolated + code}, max(3, arguments.rounds // 3))
            (ours, _), (theirs, _) = times["process"], times["partition"]
            print(f"a million lines: {ours:.3f} s in the process, {theirs:.3f} s in a partition, {theirs / ours:.2f} times")
        elif what == "snapshots":
            snapshots(max(5, arguments.rounds // 3))
        elif what == "pool":
            subprocess.run(
                ["cargo", "run", "--release", "--quiet", "--example", "partition_pool", "1000", str(arguments.live)],
                cwd=ROOT,
                check=True,
            )
        else:
            parser.error(f"there is no measurement '{what}'")


if __name__ == "__main__":
    main()
