#!/usr/bin/env python3
"""Builds C programs for WebAssembly, runs them under Lunette (interpreted, and with hot functions as machine code) and under
wasmi, an interpreter, and prints a Markdown table.

wasm_programs.py says which. CoreMark and PolyBench/C take part if COREMARK and POLYBENCH name folders with their sources.

With --wasmtime, wasmtime runs them, too (its package for Python: `pip install wasmtime`): its time to run alone, and that to compile
and run, of all threads, are compared with ours to compile and run.

Runs are interleaved; times are user CPU seconds, medians over the rounds. Ratios above 1 mean that Lunette is faster.
It needs clang-19 with the sysroot of wasm32-wasi, and wasmi's runner: `cargo build --release` in benches/wasm/wasmi.
"""

import argparse
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import measure
import wasm_programs

HERE = Path(__file__).resolve().parent


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="*", help="names of programs (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each program under each VM (default 5)")
    parser.add_argument("--lunette", default=str(HERE.parent / "target/release/lunette"), help="path of our program")
    parser.add_argument(
        "--wasmi", default=str(HERE / "wasm/wasmi/target/release/wasmi-runner"), help="path of wasmi's runner"
    )
    parser.add_argument("--wasmtime", action="store_true", help="compare with wasmtime as well")
    parser.add_argument("--clang", default="clang-19", help="the C compiler (default: %(default)s)")
    return parser.parse_args()


def selected(arguments: argparse.Namespace) -> list[str]:
    """The names of the programs to run."""
    known = wasm_programs.programs()
    unknown = [name for name in arguments.programs if name not in known]
    if unknown:
        sys.exit(f"no program named {', '.join(unknown)}")
    return arguments.programs or list(known)


def compare(name: str, module: str, vms: dict[str, list[str]], rounds: int) -> dict[str, float]:
    """The median of each VM's times; the outputs must be equal."""
    times = {vm: [] for vm in vms} | ({"compiling": []} if "wasmtime" in vms else {})
    outputs = set()
    for _ in range(rounds):
        for vm, command in vms.items():
            sample = measure.run([*command, module])
            if sample.failed:
                sys.exit(f"{name}: {vm} failed with status {sample.status}: {sample.errors.decode(errors='replace')}")
            outputs.add(sample.output)
            if vm != "wasmtime":
                times[vm].append(sample.seconds)
                continue
            # Python is none of wasmtime's time: its runner says what it took to compile, and to run.
            compiling, running = map(float, sample.errors.split()[-2:])
            times[vm].append(running)
            times["compiling"].append(compiling + running)
    # What CoreMark prints is how long it took; it checks its results itself.
    if len(outputs) != 1 and name != "coremark":
        sys.exit(f"{name}: outputs differ")
    return {vm: statistics.median(values) for vm, values in times.items()}


def main() -> None:
    arguments = parse_arguments()
    vms = {
        "interpreted": [arguments.lunette, "run", "--jit=off"],
        "compiled": [arguments.lunette, "run", "--jit=on"],
        "wasmi": [arguments.wasmi],
    }
    if arguments.wasmtime:
        vms["wasmtime"] = [sys.executable, str(HERE / "wasm/wasmtime_runner.py")]
    for command in [arguments.clang, *(vm[0] for vm in vms.values())]:
        if shutil.which(command) is None:
            sys.exit(f"no program '{command}'")
    ratios = []
    heads = [f"{vm} s" for vm in vms] + ["wasmi / interpreted", "interpreted / compiled"]
    if arguments.wasmtime:
        heads[len(vms) : len(vms)] = ["wasmtime with compiling s"]
        heads += ["wasmtime / compiled", "wasmtime with compiling / compiled"]
    print(f"| program | {' | '.join(heads)} |")
    print(f"| --- |{' ---: |' * len(heads)}")
    with tempfile.TemporaryDirectory() as folder:
        for name in selected(arguments):
            module = wasm_programs.build(arguments.clang, name, folder)
            times = compare(name, module, vms, max(arguments.rounds, 1))
            seconds = [max(value, 1e-6) for value in times.values()]
            interpreted, compiled, wasmi, *wasmtime = seconds
            ratios.append((wasmi / interpreted, interpreted / compiled, *(value / compiled for value in wasmtime)))
            columns = [f"{value:.3f}" for value in seconds] + [f"{value:.2f}" for value in ratios[-1]]
            print(f"| {name} | {' | '.join(columns)} |", flush=True)
    means = [math.exp(statistics.fmean(math.log(ratio) for ratio in column)) for column in zip(*ratios)]
    print(f"| **geometric mean** |{'  |' * len(seconds)} {' | '.join(f'**{mean:.2f}**' for mean in means)} |")


if __name__ == "__main__":
    main()
