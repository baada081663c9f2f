#!/usr/bin/env python3
"""Runs a WASI program under wasmtime, from its package for Python (`pip install wasmtime`), and writes to standard error what
compiling and running took: user CPU seconds, of all threads. Usage: wasmtime_runner.py MODULE
"""

import resource
import sys

import wasmtime


def seconds() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def main() -> None:
    engine = wasmtime.Engine()
    start = seconds()
    module = wasmtime.Module.from_file(engine, sys.argv[1])
    compiled = seconds()
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    store = wasmtime.Store(engine)
    wasi = wasmtime.WasiConfig()
    wasi.argv = [sys.argv[1]]
    wasi.inherit_stdout()
    store.set_wasi(wasi)
    instance = linker.instantiate(store, module)
    try:
        instance.exports(store)["_start"](store)
    except wasmtime.ExitTrap as exit_trap:
        if exit_trap.code != 0:
            raise
    print(f"{compiled - start:.4f} {seconds() - compiled:.4f}", file=sys.stderr)


if __name__ == "__main__":
    main()
