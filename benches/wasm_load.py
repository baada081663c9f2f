#!/usr/bin/env python3
"""Measures what comes before a WebAssembly program runs.

    wasm_load.py hello       a program that prints a line: processor time of the whole process
    wasm_load.py load        loading a module of 15 MB, and running one function of it
    wasm_load.py translate   translating all of that module (lunette compile), in bytes of the file per processor second

The module is that of sqlite (wasm_programs.py), with its functions many times over.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import measure
import wasm_programs

HERE = Path(__file__).resolve().parent
HELLO = '#include <stdio.h>\nint main(void) { printf("hello\\n"); return 0; }\n'
FUNCTION = "sqlite3_libversion_number"
FUNCTIONS, CODE = 3, 10


def read_number(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def number(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def enlarge(module: bytes, size: int) -> bytes:
    """The module with its functions so many times over that it has about `size` bytes; their names are left out."""
    sections, at = [], 8
    while at < len(module):
        kind = module[at]
        length, start = read_number(module, at + 1)
        sections.append((kind, module[start : start + length]))
        at = start + length
    (code,) = [content for kind, content in sections if kind == CODE]
    times = max(1, size // len(code))
    out = bytearray(module[:8])
    for kind, content in sections:
        if kind in (FUNCTIONS, CODE):
            count, start = read_number(content, 0)
            content = number(count * times) + content[start:] * times
        if kind != 0:
            out += bytes([kind]) + number(len(content)) + content
    return bytes(out)


def median(command: list[str], rounds: int) -> float:
    """The median of processor seconds, user's and system's."""
    samples = []
    for _ in range(rounds):
        sample = measure.run(command)
        if sample.failed:
            sys.exit(f"{command} failed with status {sample.status}: {sample.errors.decode(errors='replace')}")
        samples.append(sample.processor_seconds)
    return statistics.median(samples)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["hello", "load", "translate"])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--megabytes", type=float, default=15)
    parser.add_argument("--lunette", default=str(HERE.parent / "target/release/lunette"))
    parser.add_argument("--clang", default="clang-19")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        large = folder / "large.wasm"
        if set(arguments.what) & {"load", "translate"}:
            module = Path(wasm_programs.build(arguments.clang, "sqlite", str(folder), f"-Wl,--export={FUNCTION}")).read_bytes()
            large.write_bytes(enlarge(module, int(arguments.megabytes * 1e6)))
        for what in arguments.what:
            if what == "hello":
                (folder / "hello.c").write_text(HELLO)
                command = [arguments.clang, "--target=wasm32-wasi", "-O2", str(folder / "hello.c")]
                subprocess.run([*command, "-o", str(folder / "hello.wasm")], check=True)
                time = median([arguments.lunette, "run", str(folder / "hello.wasm")], arguments.rounds)
                print(f"hello: {time * 1e3:.1f} ms")
            elif what == "load":
                command = [arguments.lunette, "run", "--invoke", FUNCTION, str(large)]
                time = median(command, arguments.rounds)
                print(f"load {large.stat().st_size / 1e6:.1f} MB and run a function: {time * 1e3:.1f} ms")
            elif what == "translate":
                command = [arguments.lunette, "compile", "-o", str(folder / "translated.wasm"), str(large)]
                time = median(command, max(3, arguments.rounds // 5))
                print(f"translate: {large.stat().st_size / 1e6 / time:.1f} MB/s ({time:.2f} s)")
            else:
                parser.error(f"there is no measurement '{what}'")


if __name__ == "__main__":
    main()
