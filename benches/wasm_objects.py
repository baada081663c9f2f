#!/usr/bin/env python3
"""Measures programs that make structures and arrays of WebAssembly, against wasmtime with its default collector.

    wasm_objects.py              both programs of benches/wasm, for a short and a longer time, 5 rounds
    wasm_objects.py --rounds 9

Processor time, the system's included, medians of rounds that take turns. Ours is that of the whole process, in which hot functions
become machine code; wasmtime's (its package for Python, `pip install wasmtime`, which also makes the modules of their text) goes
from the file to the result, without the start of its process. Above 1 in the last column we are faster.
"""

import argparse
import resource
import statistics
import sys
import tempfile
from pathlib import Path

import measure

HERE = Path(__file__).resolve().parent
PROGRAMS = [("binary_trees", 14), ("binary_trees", 16), ("splay", 20000), ("splay", 100000)]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each program under each VM (default 5)")
    parser.add_argument("--lunette", default=str(HERE.parent / "target/release/lunette"), help="path of our program")
    parser.add_argument("--under-wasmtime", nargs=2, metavar=("MODULE", "SIZE"), help=argparse.SUPPRESS)
    return parser.parse_args()


def under_wasmtime(path: str, size: int) -> None:
    """Prints what the program returns, and to standard error what it took."""
    import wasmtime

    def seconds() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    start = seconds()
    config = wasmtime.Config()
    config.wasm_gc = config.wasm_function_references = True
    engine = wasmtime.Engine(config)
    store = wasmtime.Store(engine)
    instance = wasmtime.Instance(store, wasmtime.Module.from_file(engine, path), [])
    print(instance.exports(store)["run"](store, size))
    print(f"{seconds() - start:.4f}", file=sys.stderr)


def main() -> None:
    arguments = parse_arguments()
    if arguments.under_wasmtime:
        path, size = arguments.under_wasmtime
        under_wasmtime(path, int(size))
        return
    try:
        import wasmtime
    except ModuleNotFoundError:
        sys.exit("no module 'wasmtime': pip install wasmtime")
    vms = {
        "interpreted": [arguments.lunette, "run", "--jit=off", "--invoke", "run"],
        "compiled": [arguments.lunette, "run", "--invoke", "run"],
        "wasmtime": [sys.executable, __file__, "--under-wasmtime"],
    }
    print(f"| program | {' s | '.join(vms)} s | wasmtime / interpreted | wasmtime / compiled |\n| --- |{' ---: |' * 5}")
    with tempfile.TemporaryDirectory() as folder:
        for name, size in PROGRAMS:
            module = Path(folder) / f"{name}.wasm"
            module.write_bytes(wasmtime.wat2wasm((HERE / f"wasm/{name}.wat").read_text()))
            times = {vm: [] for vm in vms}
            outputs = set()
            for _ in range(max(arguments.rounds, 1)):
                for vm, command in vms.items():
                    sample = measure.run([*command, str(module), str(size)])
                    if sample.failed:
                        sys.exit(f"{name}: {vm} failed: {sample.errors.decode(errors='replace')}")
                    own = vm != "wasmtime"
                    times[vm].append(sample.processor_seconds if own else float(sample.errors.split()[-1]))
                    outputs.add(sample.output)
            if len(outputs) != 1:
                sys.exit(f"{name}: outputs differ")
            interpreted, compiled, peer = (statistics.median(times[vm]) for vm in vms)
            columns = [interpreted, compiled, peer, peer / interpreted, peer / compiled]
            print(f"| {name} {size} | {' | '.join(f'{value:.3f}' for value in columns)} |", flush=True)


if __name__ == "__main__":
    main()
