//! Random programs. They end, whatever happens in them, and print nothing that 5.4 leaves open: no addresses, no order of
//! `next`, no length of tables with holes.

const PRELUDE: &str = include_str!("prelude.lua");

const LITERALS: &[&str] = &[
    "0",
    "1",
    "2",
    "-1",
    "3",
    "7",
    "10",
    "63",
    "64",
    "255",
    "-128",
    "65536",
    "math.maxinteger",
    "math.mininteger",
    "0x7fffffffffffffff",
    "0xffffffffffffffff",
    "9007199254740993",
    "9223372036854775808",
    "0.0",
    "-0.0",
    "0.5",
    "-1.5",
    "3.0",
    "1e15",
    "1e16",
    "1e100",
    "-1e308",
    "2^53",
    "2^63",
    "-2^63",
    "5e-324",
    "1/0",
    "-1/0",
    "0/0",
    "0x1.8p1",
    "0.1",
    "'10'",
    "'0x10'",
    "' 5 '",
    "'1e1'",
    "'abc'",
    "''",
    "'-7'",
    "'9223372036854775808'",
    "'a\\0b'",
    "'\\u{20ac}uro'",
    "'3.0'",
    "'nan'",
    "'0x'",
    "'1 2'",
    "nil",
    "true",
    "false",
    "{}",
    "{1, 2, 3}",
    "{x = 5}",
    "print",
    "[[\nlong]]",
];
const VARIABLES: &[&str] =
    &["a", "b", "c", "d", "list", "map", "other", "missing", "map.x", "map.y", "list[1]", "list[2]"];
const BINARY: &[&str] =
    &["+", "-", "*", "/", "%", "//", "&", "|", "~", "<<", ">>", "..", "==", "~=", "<", "<=", ">", ">=", "and", "or"];
const UNARY: &[&str] = &["-", "not ", "~", "#"];
const FORMATS: &[&str] = &[
    "%d", "%5d", "%-5d|", "%05d", "%+d", "%x", "%#X", "%o", "%c", "%i", "%u", "%s", "%10s", "%-10s|", "%.3s", "%q",
    "%f", "%.3f", "%10.2f", "%e", "%g", "%.14g", "%G", "%a", "%%", "%5.1f", "%#x", "% d", "%.20s", "%y", "%", "%.100d",
    "%+.3e",
];
const PATTERNS: &[&str] = &[
    "a",
    ".",
    "%a+",
    "%d*",
    "(%w)(%w)",
    "^.",
    ".-$",
    "[^0-9]",
    "%s*",
    "()",
    "%f[%w]%w+",
    "%b()",
    "x*",
    "[a-c]?",
    "(a)%1",
    "[",
    "%",
    "(",
    "%g",
    "[%a_][%w_]*",
    ".-",
    "^",
    "$",
];
const PACKS: &[&str] = &[
    "b", "B", "<h", ">H", "<i4", ">I4", "i8", "<j", "d", "<f", "n", "z", "s1", "<s2", "i3", ">i7", "!4 i1 i4", "i17",
    "x", "y", "<I16",
];

/// The program number `seed`.
pub fn program(seed: u64) -> String {
    let mut generator = Generator { random: Random(seed), text: String::from(PRELUDE), names: 0, budget: 0 };
    for _ in 0..14 {
        generator.budget = 60;
        generator.push("try(function()\n");
        generator.block(3);
        generator.push("end)\n");
    }
    generator.push("emit(a, b, c, d, list, map)\nreturn table.concat(output, '\\n')\n");
    generator.text
}

/// A small deterministic generator of numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

struct Generator {
    random: Random,
    text: String,
    /// Numbers the names that were made up.
    names: u32,
    /// Statements and expressions that the current part may still have.
    budget: u32,
}

impl Generator {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn pick(&mut self, choices: &[&str]) {
        let text = self.random.pick(choices);
        self.push(text);
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("n{}", self.names)
    }

    /// Text in which `@` stands for an expression, `§` for a block, `£` for a literal and `$` for a fresh name.
    fn template(&mut self, template: &str, depth: u32) {
        let name = self.name();
        for character in template.chars() {
            match character {
                '@' => self.expression(depth.saturating_sub(1)),
                '§' => self.block(depth.saturating_sub(1)),
                '£' => self.pick(LITERALS),
                '$' => self.push(&name),
                other => self.text.push(other),
            }
        }
    }

    fn block(&mut self, depth: u32) {
        for _ in 0..1 + self.random.below(4) {
            self.statement(depth);
        }
    }

    fn statement(&mut self, depth: u32) {
        self.budget = self.budget.saturating_sub(1);
        let simple = [
            "emit(@)\n",
            "emit(@, @)\n",
            "a = cut(@)\n",
            "b, c = cut(@), cut(@)\n",
            "d = cut(@)\n",
            "a, b, d = cut(@)\n",
            "local $ = @ emit($, $)\n",
            "local $ <const> = @ emit($)\n",
            "map[key(@)] = cut(@)\n",
            "map.x, map.y = cut(@), cut(@)\n",
            "map[@] = nil\n",
            "list[#list + 1] = plain(@) or 0\n",
            "table.insert(list, 1 + small(@) % (#list + 1), plain(@) or 1)\n",
            "emit(table.remove(list))\n",
            "other.v = plain(@)\n",
            "other[key(@)] = @\n",
            ";(@).field.field = @\n",
            "emit(map.y.z)\n",
            "try(error, plain(@), small(@))\n",
            "emit(list)\nemit(map)\n",
            "local $ = {10, 4, -3, 2^53, 1e100, math.mininteger} table.sort($, function(x, y) return x > y end) emit($)\n",
            "local $ = object(@)\nemit($ + $, $ .. @, -$, @ - $, #$) emit($ == object(@), $ ~= @) emit($ < @) emit(@ <= $) emit($(@))\n",
        ];
        let nested = [
            "if @ then\n§elseif @ then\n§else\n§end\n",
            "for $ = @, @, @ do emit('for', $) if #output > 400 or list.done then break end list.done = #output > 300 § break end\n",
            "local $ = 0 for i = £, £, £ do $ = $ + 1 emit(i) if $ > 4 then break end end\n",
            "local $ = 0 for i = @, @ do $ = $ + 1 emit(i) if $ > 3 then break end end\n",
            "local $ = 0 while @ do $ = $ + 1 if $ > 3 then break end\n§end emit($)\n",
            "local $ = 0 repeat local up = $ + 1 $ = up\n§until up > 3 or (@)\n",
            "do local $ = 0 ::$again:: $ = $ + 1 if $ < 4 then if $ == 2 then goto $next end emit($) do\n§end ::$next:: goto $again end end\n",
            "try(function(...)\n§return @, ... end, @, @)\n",
            "local function $(x, ...) local y = @ emit(x, select('#', ...)) return y, x, ... end emit($(@)) emit(($(@, @, @)))\n",
            "local function $(n) if n <= 0 then return @ end return $(n - 1) end emit($(small(@)))\n",
            "local $ = coroutine.wrap(function(...) local x = coroutine.yield(...) emit(x)\n§ coroutine.yield(@) return @ end) try($, @) try($, @) try($) try($)\n",
            "local $ = coroutine.create(function(x)\n§ for i = 1, 2 do x = coroutine.yield(x, i) end error(plain(x), 0) end)\nfor _ = 1, 4 do emit(coroutine.resume($, @)) emit(coroutine.status($)) end\n",
            "try(function() local $ <close> = object(@)\n§ local _ <close> = object(@) error(@) end)\n",
            "local $ <close> = @\n",
            "emit(xpcall(function()\n§ return @ end, function(message) emit(message) return plain(message) end))\n",
            "local $ = {} for i = 1, 3 do local up = i $[i] = function(x) up = up + (x or 1) return up end end emit($[1](2), $[1](), $[2](@), $[3]())\n",
            "for x, y in pairs({@}) do emit(x, y) end\n",
            "for x, y in ipairs(list) do emit(x, y) if x > 3 then break end end\n",
            "for x in @ do emit(x) break end\n",
            "local $ = 0 for x in string.gmatch(tostring(plain(@)), '%w+') do $ = $ + 1 emit(x) end emit($)\n",
            "local $ = setmetatable({}, {__index = @, __newindex = map}) try(function() return $.x, $[1], $.y end) try(function() $[key(@)] = 1 end)\n",
        ];
        let template = if depth > 0 && self.budget > 20 && self.random.below(2) == 0 {
            self.random.pick(&nested)
        } else {
            self.random.pick(&simple)
        };
        self.template(template, depth);
    }

    fn expression(&mut self, depth: u32) {
        self.budget = self.budget.saturating_sub(1);
        if depth == 0 || self.budget == 0 || self.random.below(4) == 0 {
            return match self.random.below(5) {
                0 | 1 => self.pick(VARIABLES),
                _ => {
                    self.push("(");
                    self.pick(LITERALS);
                    self.push(")");
                }
            };
        }
        match self.random.below(8) {
            0..=3 => {
                let operator = self.random.pick(BINARY);
                // Constants before `and` and `or` are left out of the code, by each compiler in other cases, and with them
                // names in messages.
                self.push(if matches!(operator, "and" | "or") { "(cut(" } else { "((" });
                self.expression(depth - 1);
                // The lines of errors show where the parts of an expression are.
                let space = [" ", " ", " ", "\n"];
                self.push(") ");
                self.push(operator);
                self.pick(&space);
                self.expression(depth - 1);
                self.push(")");
            }
            4 => {
                self.push("(");
                self.pick(UNARY);
                self.expression(depth - 1);
                self.push(")");
            }
            _ => self.call(depth),
        }
    }

    fn call(&mut self, depth: u32) {
        match self.random.below(6) {
            0 => {
                self.push("string.format('");
                self.pick(&["", "<", "a "]);
                self.pick(FORMATS);
                self.template("', plain(@))", depth);
            }
            1 => {
                let name = self.random.pick(&["find", "match", "gsub", "gsub"]);
                self.template(&format!("string.{name}(tostring(plain(@)), '"), depth);
                self.pick(PATTERNS);
                self.push("'");
                if name == "gsub" {
                    self.pick(&[
                        ", '<%0>'",
                        ", '%1'",
                        ", {a = 1, b = true}",
                        ", function(x) return x end",
                        ", '%2', 1",
                        ", '%'",
                    ]);
                }
                self.push(")");
            }
            2 => {
                let form = self.random.pick(PACKS);
                let template = self
                    .random
                    .pick(&["string.pack('FORM', plain(@))", "string.unpack('FORM', 'abcdefghijkl', 1 + small(@))"]);
                self.template(&template.replace("FORM", form), depth);
            }
            _ => {
                let calls = [
                    "tostring(plain(@))",
                    "tonumber(plain(@))",
                    "tonumber(plain(@), 2 + small(@) * 4)",
                    "math.tointeger(@)",
                    "math.floor(@)",
                    "math.ceil(@)",
                    "math.abs(@)",
                    "math.fmod(@, 3)",
                    "math.modf(@)",
                    "math.max(@, @)",
                    "math.min(@, @)",
                    "math.ult(@, @)",
                    "math.sqrt(@)",
                    "math.type(@)",
                    "type(@)",
                    "select('#', @, @)",
                    "select(@, 1, 2, 3)",
                    "rawequal(@, @)",
                    "rawlen(@)",
                    "rawget(@, key(@))",
                    "string.sub(@, @, @)",
                    "string.byte(@, @)",
                    "string.char(@)",
                    "string.rep(cut(@), small(@), plain(@))",
                    "string.reverse(@)",
                    "string.upper(@)",
                    "string.len(@)",
                    "(@):lower()",
                    "(@):len()",
                    "table.concat(list, plain(@))",
                    "table.concat({@, @}, '-')",
                    "table.unpack({1, 2, 3}, small(@), small(@))",
                    "next({}, @)",
                    "table.pack(@, @).n",
                    "table.move({1, 2, 3}, 1, 3, 1 + small(@) % 4)",
                    "utf8.char(@)",
                    "utf8.len(@)",
                    "utf8.codepoint(@, @)",
                    "utf8.offset(@, @)",
                    "pcall(@, @)",
                    "setmetatable(@, @)",
                    "assert(@, @)",
                    "object(@)",
                    "(function(...) return select('#', ...), ... end)(@, @)",
                    "(function(x) return x, @ end)(@)",
                    "load('return ' .. tostring(plain(@)))",
                    "map.missing(@)",
                    "map:missing(@)",
                    "list[@]",
                    "map[@]",
                    "other(@)",
                    "{@, [key(@)] = @, x = @}",
                    "({@, @})[small(@)]",
                    "map.y.z",
                    "(@).x",
                    "(@)[@]",
                    "other.name",
                    "(@)(@)",
                    "coroutine.isyieldable()",
                    "(small(@) ^ small(@))",
                    "(@ ^ 0)",
                    "(1 ^ @)",
                    "(@ ^ {})",
                    "#list",
                    "error(plain(@))",
                    "string.len(string.format('%q', plain(@)))",
                ];
                let template = self.random.pick(&calls);
                self.template(template, depth);
            }
        }
    }
}
