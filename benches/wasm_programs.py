"""The programs in C that wasm.py measures, and how each is compiled for WebAssembly.

Those of benches/wasm come with the project. The libraries are compiled from what the crates libz-sys and libsqlite3-sys
carry, which cargo downloads and checks. CoreMark and PolyBench/C are taken from the folders that the environment variables
COREMARK and POLYBENCH name; without them their programs are left out.
"""

import json
import os
import subprocess
from pathlib import Path

PROGRAMS = Path(__file__).resolve().parent / "wasm"
CRATES = {"libz-sys": "=1.1.23", "libsqlite3-sys": "=0.40.0"}
KERNELS = [
    "datamining/correlation",
    "linear-algebra/blas/gemm",
    "linear-algebra/kernels/2mm",
    "linear-algebra/solvers/cholesky",
    "linear-algebra/solvers/lu",
    "medley/floyd-warshall",
    "medley/nussinov",
    "stencils/jacobi-2d",
    "stencils/seidel-2d",
]
# The parts of zlib that need no files.
ZLIB = "adler32 compress crc32 deflate infback inffast inflate inftrees trees uncompr zutil".split()
SQLITE = ["SQLITE_THREADSAFE=0", "SQLITE_OMIT_LOAD_EXTENSION", "SQLITE_OMIT_WAL", "SQLITE_OS_OTHER=1", "LONGDOUBLE_TYPE=double"]


def crate_folder(name: str, folder: Path) -> Path:
    """Where cargo has put the source of a crate."""
    package = folder / name
    (package / "src").mkdir(parents=True, exist_ok=True)
    (package / "src/lib.rs").touch()
    (package / "Cargo.toml").write_text(
        f'[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\n{name} = "{CRATES[name]}"\n[workspace]\n'
    )
    command = ["cargo", "metadata", "--format-version", "1", "--quiet"]
    output = subprocess.run(command, cwd=package, check=True, stdout=subprocess.PIPE).stdout
    (found,) = [each for each in json.loads(output)["packages"] if each["name"] == name]
    return Path(found["manifest_path"]).parent


def zlib(folder: Path) -> list[str]:
    source = crate_folder("libz-sys", folder) / "src/zlib"
    return [f"-I{source}", str(PROGRAMS / "libraries/zlib.c"), *(str(source / f"{part}.c") for part in ZLIB)]


def sqlite(folder: Path) -> list[str]:
    source = crate_folder("libsqlite3-sys", folder) / "sqlite3"
    parts = [PROGRAMS / "libraries/sqlite.c", source / "sqlite3.c", source / "wasm32-wasi-vfs.c"]
    return [f"-I{source}", "-w", *(f"-D{option}" for option in SQLITE), *map(str, parts)]


def coremark(source: Path) -> list[str]:
    # What it prints but for times is left to it to check.
    options = ["PERFORMANCE_RUN=1", "SEED_METHOD=SEED_VOLATILE", "ITERATIONS=2000", 'FLAGS_STR="-O2"', "USE_CLOCK=0"]
    parts = [*sorted(source.glob("core_*.c")), source / "posix/core_portme.c"]
    return [f"-I{source}", f"-I{source}/posix", *(f"-D{option}" for option in options), *map(str, parts)]


def kernel(source: Path, name: str) -> list[str]:
    utilities, folder = source / "utilities", source / name
    emulated = ["-D_WASI_EMULATED_PROCESS_CLOCKS", "-lwasi-emulated-process-clocks", "-lm"]
    parts = [utilities / "polybench.c", folder / f"{folder.name}.c"]
    return [f"-I{utilities}", f"-I{folder}", "-DMEDIUM_DATASET", *map(str, parts), *emulated]


def programs() -> dict[str, object]:
    """Names of programs with functions that give the compiler's arguments, from a folder for what is downloaded."""
    known = {path.stem: lambda _, path=path: [str(path)] for path in sorted(PROGRAMS.glob("*.c"))}
    known |= {"zlib": zlib, "sqlite": sqlite}
    if benchmark := os.environ.get("COREMARK"):
        known["coremark"] = lambda _: coremark(Path(benchmark))
    if kernels := os.environ.get("POLYBENCH"):
        known |= {Path(name).name: lambda _, name=name: kernel(Path(kernels), name) for name in KERNELS}
    return known


def build(clang: str, name: str, folder: str, *options: str) -> str:
    """Compiles a program; the path of the module."""
    module = str(Path(folder) / f"{name}.wasm")
    arguments = [*programs()[name](Path(folder)), *options]
    subprocess.run([clang, "--target=wasm32-wasi", "-O2", *arguments, "-o", module], check=True)
    return module
