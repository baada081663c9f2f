#!/usr/bin/env bash
# Runs Lua's official test suite (repository lua/lua, tag v5.4.8, folder testes), which is not part of this repository.
#
#   LUNETTE_LUA_TESTS=/path/to/testes tests/official_suite.sh [OPTIONS OF lunette run ...]
#
# With --gc-stress=N the collector runs at every N-th allocation; 1 takes a minute or two. The memory of dead objects is
# poisoned in builds with debug assertions (CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true).
# `_U` makes the suite leave out what is heavy or not portable.
set -euo pipefail

: "${LUNETTE_LUA_TESTS:?set it to the folder testes of lua/lua, tag v5.4.8}"
root=$(cd "$(dirname "$0")/.." && pwd)
cargo build --release --manifest-path "$root/Cargo.toml" --package lunette
lunette=${CARGO_TARGET_DIR:-$root/target}/release/lunette

# The suite writes beside its files.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -r "$LUNETTE_LUA_TESTS/." "$folder"

# The one edit: this block is about the layout of PUC's own bytecode files.
grep -q 'local header = string.pack' "$folder/calls.lua"
sed -i '/^print("testing binary chunks")$/,/^end$/d' "$folder/calls.lua"

# With a collection at every allocation two more assertions cannot hold: that a value which only a weak table has is still
# counted, and that a value which outlived the collection at its making is not old yet.
if [[ " $* " == *" --gc-stress=1 "* ]]; then
    sed -i '/assert(collectgarbage("count") > m + 2^13)/d' "$folder/gc.lua"
    sed -i '/assert(t\[1\] == nil)   -- fails with the bug/d' "$folder/gengc.lua"
fi

cd "$folder"
"$lunette" run "$@" -e "_U=true" all.lua > output.txt 2>&1 || { tail -n 30 output.txt; exit 1; }
tail -n 3 output.txt
grep -q "^final OK !!!$" output.txt
