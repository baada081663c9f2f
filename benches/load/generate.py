#!/usr/bin/env python3
"""Writes Lua source of a given size that looks like what people write.

The text is the same for the same size: modules of functions with locals, branches, loops, string
handling, tables of settings, classes with methods, closures and comments. Loading it compiles
everything and runs little.
"""

import random
import sys
from pathlib import Path

NOUNS = """account address buffer cache channel client config counter cursor device document driver
element entry event factory field filter frame group handler header index item key layer level
limit line list message method module monitor name node offset option order packet page parser path
player point pool position process query queue range record region request result role route rule
schema scope score section segment server session shape signal socket source stack state step store
stream table target task template thread timer token total user value vector version view widget
window worker""".split()
VERBS = """add apply build check clear close collect compare compute copy count create decode draw
emit encode expand fetch fill find flush format get handle insert join load lock map match merge move
open parse print push read remove render replace reset resolve save scan select send set shift sort
split start stop store swap sync take test trim update validate visit wait walk write""".split()


class Writer:
    """Makes up one module at a time."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines = []

    def noun(self) -> str:
        word = self.random.choice(NOUNS)
        return f"{word}_{self.random.choice(NOUNS)}" if self.random.random() < 0.3 else word

    def verb(self) -> str:
        return f"{self.random.choice(VERBS)}_{self.noun()}"

    def put(self, depth: int, text: str) -> None:
        self.lines.append("  " * depth + text)

    def number(self) -> str:
        choice = self.random.random
        if choice() < 0.6:
            return str(self.random.randint(0, 100))
        if choice() < 0.5:
            return f"{choice() * 1000:.3f}"
        return self.random.choice([hex(self.random.getrandbits(24)), "1e9", "0.5", "-1", "1 << 20"])

    def text(self) -> str:
        words = " ".join(self.noun().replace("_", " ") for _ in range(self.random.randint(1, 5)))
        return self.random.choice([f'"{words}"', f"'{words}'", f'"{words}: %s\\n"', f"[[{words}]]"])

    def atom(self, names: list[str]) -> str:
        kind = self.random.random()
        if kind < 0.55 and names:
            return self.random.choice(names)
        if kind < 0.75:
            return self.number()
        if kind < 0.85:
            return self.text()
        if kind < 0.95 and names:
            return f"{self.random.choice(names)}.{self.noun()}"
        return self.random.choice(["nil", "true", "false", "{}"])

    def expression(self, names: list[str], depth: int = 2) -> str:
        kind = self.random.random()
        if depth == 0 or kind < 0.3:
            return self.atom(names)
        if kind < 0.6:
            operator = self.random.choice("+ - * / // % .. == ~= < <= and or & | << ..".split())
            left, right = self.expression(names, depth - 1), self.expression(names, depth - 1)
            return f"({left}) {operator} ({right})"
        if kind < 0.7:
            return f"#{self.random.choice(names)}" if names else self.number()
        if kind < 0.75:
            return f"not {self.atom(names)}"
        arguments = ", ".join(self.expression(names, depth - 1) for _ in range(self.random.randint(0, 3)))
        callee = self.random.choice(["string.format", "math.max", "table.concat", "tostring", "select", "type"])
        if names and self.random.random() < 0.6:
            callee = f"{self.random.choice(names)}:{self.verb()}"
        return f"{callee}({arguments})"

    def statements(self, depth: int, names: list[str], count: int) -> None:
        names = list(names)
        for _ in range(count):
            self.statement(depth, names)

    def statement(self, depth: int, names: list[str]) -> None:
        kind = self.random.random()
        small = self.random.randint(1, 4)
        if kind < 0.3 or not names:
            if len(names) < 60:
                name = self.noun()
                self.put(depth, f"local {name} = {self.expression(names)}")
                names.append(name)
        elif kind < 0.45:
            self.put(depth, f"{self.random.choice(names)}.{self.noun()} = {self.expression(names)}")
        elif kind < 0.55:
            self.put(depth, f"{self.random.choice(names)} = {self.expression(names)}")
        elif kind < 0.62:
            arguments = ", ".join(self.expression(names, 1) for _ in range(small))
            self.put(depth, f"{self.random.choice(names)}:{self.verb()}({arguments})")
        elif kind < 0.66:
            self.put(depth, f"-- {self.verb().replace('_', ' ')} before the {self.noun().replace('_', ' ')} is used")
        elif depth > 5:
            self.put(depth, f"{self.random.choice(names)}[ {self.expression(names, 1)} ] = {self.atom(names)}")
        elif kind < 0.80:
            self.put(depth, f"if {self.expression(names)} then")
            self.statements(depth + 1, names, small)
            if self.random.random() < 0.3:
                self.put(depth, f"elseif {self.expression(names, 1)} then")
                self.statements(depth + 1, names, small)
            if self.random.random() < 0.4:
                self.put(depth, "else")
                self.statements(depth + 1, names, small)
            self.put(depth, "end")
        elif kind < 0.86:
            name = self.random.choice("ijkn")
            self.put(depth, f"for {name} = 1, {self.expression(names, 1)} do")
            self.statements(depth + 1, [*names, name], small)
            self.put(depth, "end")
        elif kind < 0.92:
            self.put(depth, f"for key, value in pairs({self.random.choice(names)}) do")
            self.statements(depth + 1, [*names, "key", "value"], small)
            self.put(depth, "end")
        elif kind < 0.94:
            self.put(depth, f"while {self.expression(names, 1)} do")
            self.statements(depth + 1, names, small)
            self.put(depth + 1, "break")
            self.put(depth, "end")
        elif kind < 0.97:
            name = self.noun()
            self.put(depth, f"local function {name}({self.noun()}, ...)")
            self.statements(depth + 1, [*names, name], small)
            self.put(depth + 1, f"return {self.expression(names, 1)}, ...")
            self.put(depth, "end")
            names.append(name)
        else:
            self.put(depth, "do")
            self.statements(depth + 1, names, small)
            self.put(depth, "end")

    def settings(self, depth: int) -> None:
        self.put(depth, "M.settings = {")
        for _ in range(self.random.randint(5, 25)):
            kind = self.random.random()
            if kind < 0.5:
                self.put(depth + 1, f"{self.noun()} = {self.atom([])},")
            elif kind < 0.7:
                items = ", ".join(self.number() for _ in range(self.random.randint(2, 10)))
                self.put(depth + 1, f"{self.noun()} = {{ {items} }},")
            elif kind < 0.85:
                self.put(depth + 1, f"{{ name = {self.text()}, {self.noun()} = {self.number()} }},")
            else:
                self.put(depth + 1, f"[{self.text().replace('[[', chr(34)).replace(']]', chr(34))}] = {self.text()},")
        self.put(depth, "}")

    def module(self, number: int) -> str:
        """The source of one module."""
        self.lines = []
        self.put(0, f"-- Module {number}: {self.verb().replace('_', ' ')} and {self.verb().replace('_', ' ')}.")
        self.put(0, f"modules[{number}] = function(require)")
        self.put(1, "local M = {}")
        self.put(1, "M.__index = M")
        self.settings(1)
        for _ in range(self.random.randint(4, 16)):
            parameters = [self.noun() for _ in range(self.random.randint(0, 4))]
            separator = self.random.choice(".:")
            self.put(1, f"function M{separator}{self.verb()}({', '.join(parameters)})")
            self.statements(2, [*parameters, "M"], self.random.randint(3, 18))
            if self.random.random() < 0.7:
                self.put(2, f"return {self.expression([*parameters, 'M'])}")
            self.put(1, "end")
        self.put(1, "return M")
        self.put(0, "end")
        return "\n".join(self.lines) + "\n\n"


def generate(megabytes: float) -> str:
    """Source of about `megabytes` MB."""
    writer, parts, size, number = Writer(54), ["local modules = {}\n\n"], 0, 0
    while size < megabytes * 1_000_000:
        number += 1
        parts.append(writer.module(number))
        size += len(parts[-1])
    parts.append('print("loaded " .. #modules .. " modules")\n')
    return "".join(parts)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: generate.py MEGABYTES FILE")
    Path(sys.argv[2]).write_text(generate(float(sys.argv[1])))
