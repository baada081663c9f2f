#!/usr/bin/env python3
"""Checks that the dispatch handlers of an optimised program end in jumps.

The threaded driver relies on tail calls, which the compiler makes but does not promise. A handler that calls the next
one would make the native stack grow with every instruction. Usage: check_handlers.py PROGRAM
"""

import re
import subprocess
import sys

# A handler that needs the native stack for something else than the next instruction may call these.
ALLOWED = re.compile(r"panic|memcpy|memmove|memset")
# What goes into machine code calls that, and then ends as a handler.
INTO_MACHINE_CODE = "enter_native"


def main() -> int:
    listing = subprocess.run(
        ["objdump", "--disassemble", "--demangle", "--no-show-raw-insn", sys.argv[1]],
        capture_output=True, text=True, check=True,
    ).stdout
    handlers, jumps, calls, current = set(), set(), [], None
    for line in listing.splitlines():
        label = re.match(r"^[0-9a-f]+ <(.*)>:$", line)
        if label:
            name = re.search(
                rf"dispatch::threaded::(?:handlers::)?((?<=handlers::)\w+|{INTO_MACHINE_CODE})$",
                re.sub(r"::h[0-9a-f]{16}$", "", label.group(1)),
            )
            current = name.group(1) if name else None
            if current:
                handlers.add(current)
        elif current:
            if re.search(r"\bjmp\s+\*", line):
                jumps.add(current)
            elif re.search(r"\tcall\s+(\*|.*typed::native::)", line) and current == INTO_MACHINE_CODE:
                continue
            elif re.search(r"\tcall\b", line) and not ALLOWED.search(line):
                calls.append(f"{current}: {line.strip()}")
    problems = calls + [f"{name}: no indirect jump" for name in sorted(handlers - jumps)]
    if len(handlers) < 50:
        problems.append(f"only {len(handlers)} handlers found: is the program optimised and not stripped?")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(handlers)} handlers, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
