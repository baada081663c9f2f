#!/usr/bin/env bash
# Makes zlib.wasm: the C library, with what is in glue.c, compiled to WebAssembly.
#
#   examples/zlib/build.sh [FOLDER]     where it goes; this one if not given
#
# Needs Debian's packages clang-19, lld-19, wasi-libc and libclang-rt-19-dev-wasm32. The sources of zlib come from the
# crate libz-sys, which cargo downloads and checks.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${1:-$here}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/fetch/src" && touch "$work/fetch/src/lib.rs"
printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\nlibz-sys = "=1.1.23"\n[workspace]\n' \
    > "$work/fetch/Cargo.toml"
sources=$(cd "$work/fetch" && cargo metadata --format-version 1 --quiet |
    grep -o '"manifest_path":"[^"]*/libz-sys-[^"]*"' | head -n 1 | cut -d'"' -f4)
sources=$(dirname "$sources")/src/zlib
[ -f "$sources/zlib.h" ] || { echo "$0: there is no zlib in the crate libz-sys" >&2; exit 1; }

clang-19 --target=wasm32-wasi -mexec-model=reactor -O2 -I"$sources" \
    "$here/glue.c" "$sources"/{adler32,compress,crc32,deflate,infback,inffast,inflate,inftrees,trees,uncompr,zutil}.c \
    -o "$target/zlib.wasm" -Wl,--strip-debug
