#!/usr/bin/env python3
"""How long a program with 500 MB stands still when it moves to another process of the same machine.

    migration.py [--rounds N] [--lunette FILE]
"""

import argparse
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPORT = re.compile(r"moved in (\d+) ms, of which the program stood still for ([\d.]+) ms; (\d+) bytes")


def move(lunette: str, options: list[str], folder: Path) -> tuple[int, float, int, int]:
    """Milliseconds in all, and of standing still; bytes sent; megabytes live."""
    key = folder / "key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_bytes(bytes(range(32)))
    socket = folder / "socket"
    receiver = subprocess.Popen(
        [lunette, "receive", *options, "--key", str(key), str(socket)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    receiver.stderr.readline()
    program = subprocess.Popen(
        [lunette, "run", *options, str(HERE / "migration.lua")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        live = int(float(program.stdout.readline()))
        command = [lunette, "migrate", str(program.pid), str(socket), "--key", str(key)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stderr
        whole, still, count = REPORT.search(output).groups()
        return int(whole), float(still), int(count), live
    finally:
        for process in (program, receiver):
            process.kill()
            process.wait()
        socket.unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lunette", default=str(HERE.parent / "target/release/lunette"))
    arguments = parser.parse_args()
    for name, options in [("process", []), ("partition", ["--isolate"])]:
        with tempfile.TemporaryDirectory() as folder:
            runs = [move(arguments.lunette, options, Path(folder)) for _ in range(arguments.rounds)]
        whole, still, count, live = (statistics.median(column) for column in zip(*runs))
        times = ", ".join(f"{run[1]:.1f}" for run in runs)
        print(f"{name}, {live:.0f} MB live: stood still for {still:.1f} ms ({times}), {whole:.0f} ms in all, {count / 1e6:.0f} MB sent")


if __name__ == "__main__":
    main()
