#!/usr/bin/env python3
"""Runs the Lua benchmark programs under Lunette and its peers and prints a Markdown table.

Runs are interleaved (ours, peer, peer, ours, peer, ...) so that a change of the machine's speed
touches all alike. Times are user CPU seconds, memory is the peak of the resident set; both are
medians over the rounds. Ratios above 1 are good for us in time, below 1 in memory.
"""

import argparse
import math
import shlex
import shutil
import statistics
import sys
from pathlib import Path

import measure

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "lua"
OURS = "lunette"

# The argument that makes a program run for about a second under PUC Lua 5.4, and the one for --quick.
SIZES = {
    "binary_trees": (14, 9),
    "closure_creation": (1_800_000, 60_000),
    "closures": (5_000_000, 200_000),
    "coroutine_switch": (90_000, 3_000),
    "deltablue": (8_000, 500),
    "error_handling": (1_600_000, 50_000),
    "fannkuch": (10, 7),
    "fib": (36, 25),
    "gc_churn": (2_500_000, 100_000),
    "generators": (10, 7),
    "havlak": (12, 1),
    "int64": (6_000_000, 100_000),
    "json": (200, 4),
    "k_nucleotide": (1_200_000, 50_000),
    "life": (500, 20),
    "lua_in_lua": (26, 16),
    "mandelbrot": (1_200, 200),
    "matrix_multiply": (400, 80),
    "methcall": (6_000_000, 300_000),
    "method_calls_oop": (900_000, 30_000),
    "n_queens": (12, 8),
    "nbody": (500_000, 20_000),
    "pcall_err": (4_000_000, 100_000),
    "quicksort": (330_000, 12_000),
    "ray_tracer": (190, 30),
    "richards": (45, 2),
    "sieve": (16_000_000, 400_000),
    "spectral_norm": (750, 120),
    "str_concat": (800, 20),
    "str_format": (1_000_000, 30_000),
    "str_gsub": (1_000, 30),
    "str_scan": (2_000, 60),
    "string_building": (2_200, 80),
    "string_rope": (60_000, 2_000),
    "table_array": (60, 2),
    "table_hash": (35, 1),
    "varargs": (2_200_000, 80_000),
}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="*", help="names of programs (default: all)")
    parser.add_argument("--filter", default="", help="only programs whose name contains this")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each program under each VM (default 5)")
    parser.add_argument("--quick", action="store_true", help="small sizes: for checking outputs, not for figures")
    parser.add_argument("--lunette", default=str(HERE.parent / "target/release/lunette"), help="path of our program")
    parser.add_argument("--flags", default="run --jit=off", help="its arguments before the file (default: %(default)s)")
    parser.add_argument(
        "--peer",
        action="append",
        metavar="NAME=COMMAND",
        help="a VM to compare with, may be repeated (default: puc=lua5.4); e.g. 'luajit=luajit -joff'",
    )
    return parser.parse_args()


def commands(arguments: argparse.Namespace) -> dict[str, list[str]]:
    """The command of each VM, ours first."""
    found = {OURS: [arguments.lunette, *shlex.split(arguments.flags)]}
    for peer in arguments.peer or ["puc=lua5.4"]:
        name, separator, command = peer.partition("=")
        if not separator or not command or name in found:
            sys.exit(f"--peer wants a new NAME=COMMAND, got '{peer}'")
        found[name] = shlex.split(command)
    for name, command in found.items():
        if shutil.which(command[0]) is None:
            sys.exit(f"{name}: no program '{command[0]}'")
    return found


def selected(arguments: argparse.Namespace) -> list[str]:
    """The names of the programs to run."""
    unknown = [name for name in arguments.programs if name not in SIZES]
    if unknown:
        sys.exit(f"no program named {', '.join(unknown)}")
    names = [name for name in arguments.programs or sorted(SIZES) if arguments.filter in name]
    if not names:
        sys.exit("no program selected")
    return names


def compare(name: str, size: int, vms: dict[str, list[str]], rounds: int) -> tuple[dict, list[str]]:
    """Runs one program in rounds over all VMs; gives the samples by VM and what went wrong."""
    samples = {vm: [] for vm in vms}
    problems = []
    expected = None
    for _ in range(rounds):
        for vm in list(samples):
            sample = measure.run([*vms[vm], str(PROGRAMS / f"{name}.lua"), str(size)])
            if sample.failed:
                line = (sample.errors.decode(errors="replace").strip().splitlines() or ["no message"])[0]
                problems.append(f"{name}: {vm} failed with status {sample.status}: {line}")
                del samples[vm]
                continue
            samples[vm].append(sample)
    for vm in [vm for vm in vms if vm != OURS] + [OURS]:
        for sample in samples.get(vm, []):
            expected = sample.output if expected is None else expected
            if sample.output != expected:
                problems.append(f"{name}: output of {vm} differs")
                del samples[vm]
                break
    return samples, problems


def geometric_mean(values: list[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, values)))


class Report:
    """Collects rows and prints them as one table with a summary."""

    def __init__(self, peers: list[str]) -> None:
        self.peers = peers
        self.rows = []
        self.speed = {peer: {} for peer in peers}
        self.memory = {peer: {} for peer in peers}

    def add(self, name: str, samples: dict) -> None:
        """Adds the medians of one program."""
        seconds = {vm: max(statistics.median(s.seconds for s in runs), 1e-3) for vm, runs in samples.items()}
        kilobytes = {vm: statistics.median(s.kilobytes for s in runs) for vm, runs in samples.items()}
        cells = [name, f"{seconds[OURS]:.3f}" if OURS in seconds else "-"]
        cells.append(f"{kilobytes[OURS] / 1024:.1f}" if OURS in seconds else "-")
        for peer in self.peers:
            if peer not in seconds:
                cells += ["-", "-", "-"]
            elif OURS not in seconds:
                cells += [f"{seconds[peer]:.3f}", "-", "-"]
            else:
                self.speed[peer][name] = seconds[peer] / seconds[OURS]
                self.memory[peer][name] = kilobytes[OURS] / kilobytes[peer]
                cells += [f"{seconds[peer]:.3f}", f"{self.speed[peer][name]:.2f}", f"{self.memory[peer][name]:.2f}"]
        self.rows.append(cells)

    def summary(self, title: str, reduce) -> list[str]:
        """A row that reduces each peer's ratios to one."""
        cells = [f"**{title}**", "", ""]
        for peer in self.peers:
            speed, memory = self.speed[peer].values(), self.memory[peer].values()
            if not speed:
                cells += ["", "-", "-"]
                continue
            cells += ["", f"**{reduce(list(speed), min):.2f}**", f"**{reduce(list(memory), max):.2f}**"]
        return cells

    def print(self) -> None:
        """Prints the table, then the geometric means and the worst cases."""
        header = ["program", "lunette s", "MB"]
        for peer in self.peers:
            header += [f"{peer} s", f"{peer} time / ours", f"our memory / {peer}"]
        rows = [*self.rows, self.summary("geometric mean", lambda values, _: geometric_mean(values))]
        rows.append(self.summary("worst", lambda values, worst: worst(values)))
        print("| " + " | ".join(header) + " |")
        print("| --- |" + " ---: |" * (len(header) - 1))
        for row in rows:
            print("| " + " | ".join(row) + " |")
        for peer in self.peers:
            if self.speed[peer]:
                slowest = min(self.speed[peer], key=self.speed[peer].get)
                print(f"\nSlowest against {peer}: {slowest} ({self.speed[peer][slowest]:.2f}).")


def main() -> int:
    arguments = parse_arguments()
    vms = commands(arguments)
    report = Report([vm for vm in vms if vm != OURS])
    problems = []
    for name in selected(arguments):
        if sys.stderr.isatty():
            print(f"\r{name:<20}\r", end="", file=sys.stderr, flush=True)
        samples, wrong = compare(name, SIZES[name][arguments.quick], vms, max(arguments.rounds, 1))
        report.add(name, samples)
        problems += wrong
    report.print()
    for problem in problems:
        print(problem, file=sys.stderr)
    return int(any(f": {OURS} failed" in problem or f"output of {OURS} " in problem for problem in problems))


if __name__ == "__main__":
    sys.exit(main())
