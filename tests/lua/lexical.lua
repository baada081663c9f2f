-- Tokens: names, strings and their escapes, numerals, comments, long brackets.
local function value(source) return assert(load("return " .. source, "=s"))() end
local function rejects(source, expected)
  local f, message = load(source, "=s")
  assert(f == nil and message == expected, message or source)
end

-- Names
local _, a_1, A, a, _1 = 1, 2, 3, 4, 5
assert(_ == 1)
assert(a_1 == 2)
assert(A == 3)
assert(a == 4)
assert(_1 == 5)
local andy, ends, iff, nile = 1, 2, 3, 4
assert(andy + ends + iff + nile == 10)
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]):gmatch("%a+") do
  assert(not load("local " .. word .. " = 1"), word)
  assert(not load("return t." .. word), word)
end
local goto_, continue = 1, 2
assert(goto_ == 1)
assert(continue == 2)
local long_name = ("n"):rep(1000)
assert(load("local " .. long_name .. " = 7 return " .. long_name)() == 7)

-- Escapes
assert("\a\b\f\n\r\t\v\\\"\'" == string.char(7, 8, 12, 10, 13, 9, 11, 92, 34, 39))
assert("\65\066\0067" == "AB\0067")
assert(#"\0067" == 2)
assert("\0\00\000" == string.char(0, 0, 0))
assert("\255\1\x00\xfF\x7f" == string.char(255, 1, 0, 255, 127))
assert("a\z
        b\z c" == "abc")
assert("a\
b" == "a\nb")
assert('a\
b' == "a\nb")
assert("\z" == "")
assert("x\z   " == "x")
assert("\u{0}\u{41}\u{7F}" == "\0A\x7f")
assert("\u{80}\u{7FF}" == "\xC2\x80\xDF\xBF")
assert("\u{800}\u{FFFF}" == "\xE0\xA0\x80\xEF\xBF\xBF")
assert("\u{10000}\u{10FFFF}" == "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF")
assert("\u{200000}\u{3FFFFFF}" == "\xF8\x88\x80\x80\x80\xFB\xBF\xBF\xBF\xBF")
assert("\u{4000000}\u{7FFFFFFF}" == "\xFC\x84\x80\x80\x80\x80\xFD\xBF\xBF\xBF\xBF\xBF")
assert("\u{000000041}" == "A")
assert('"' == "\"")
assert("'" == '\'')
assert(value("'a\\\rb'") == "a\nb")
assert(value("'a\\\r\nb'") == "a\nb")
assert(value("'a\\\n\rb'") == "a\nb")
assert(#value("'\0'") == 1)
assert(#value("'a\0b'") == 3)

-- Bad strings
rejects("return 'abc", "s:1: unfinished string near <eof>")
rejects("return 'abc\nd'", "s:1: unfinished string near ''abc'")
rejects('return "abc\\', "s:1: unfinished string near <eof>")
rejects("return '\\q'", "s:1: invalid escape sequence near ''\\q'")
rejects("return '\\300'", "s:1: decimal escape too large near ''\\300''")
rejects("return '\\256x'", "s:1: decimal escape too large near ''\\256x'")
rejects("return '\\xg'", "s:1: hexadecimal digit expected near ''\\xg'")
rejects("return '\\x5'", "s:1: hexadecimal digit expected near ''\\x5''")
rejects("return '\\u41'", "s:1: missing '{' near ''\\u4'")
rejects("return '\\u{}'", "s:1: hexadecimal digit expected near ''\\u{}'")
rejects("return '\\u{41'", "s:1: missing '}' near ''\\u{41''")
rejects("return '\\u{80000000}'", "s:1: UTF-8 value too large near ''\\u{80000000'")
rejects("return '\\u{x}'", "s:1: hexadecimal digit expected near ''\\u{x'")

-- Long brackets
assert([[]] == "")
assert([==[]==] == "")
assert([[a]] == "a")
assert([[
first newline is skipped]] == "first newline is skipped")
assert([[

one stays]] == "\none stays")
assert([==[ ]] ]=] ]==] == " ]] ]=] ")
assert([=[]]]=] == "]]")
assert([[]=]] == "]=")
assert([[\n\65]] == "\\n\\65")
assert(value("[[\r\na\rb\n\rc\r\nd]]") == "a\nb\nc\nd")
assert(value("[[a\0b]]") == "a\0b")
rejects("return [[abc", "s:1: unfinished long string (starting at line 1) near <eof>")
rejects("\nreturn [==[abc]=]", "s:2: unfinished long string (starting at line 2) near <eof>")
rejects("return [=abc", "s:1: invalid long string delimiter near '[='")
rejects("--[[abc\n\n", "s:3: unfinished long comment (starting at line 1) near <eof>")

-- Comments
local n = 0 -- to the end of the line
--[[ n = 1 ]] n = n + 1
--[==[
n = 100 ]] ]=]
]==] n = n + 1
--[ n = 100
--
---[[ not long
n = n + 1
--]] n = 100
assert(n == 3)
assert(load("--")() == nil)
assert(load("--[[]]return 5")() == 5)
assert(load("return 6 --")() == 6)
assert(load("#!/usr/bin/lua\nreturn 1") == nil) -- only files may start so

-- Numerals
assert(0x10 == 16)
assert(0XfF == 255)
assert(0xA == 10)
assert(0x.8 == 0.5)
assert(0x8. == 8.0)
assert(3 == 3.0)
assert(3. == 3)
assert(.5 == 0.5)
assert(3e2 == 300.0)
assert(3E-2 == 0.03)
assert(3e+2 == 300)
assert(0x1p4 == 16.0)
assert(0xA.8p1 == 21.0)
assert(0x.1p-3 == 1 / 128)
assert(0x1P+2 == 4)
assert(math.type(1) == "integer")
assert(math.type(1.) == "float")
assert(math.type(1e0) == "float")
assert(math.type(0x10) == "integer")
assert(math.type(0x1p0) == "float")
assert(math.type(0x1.) == "float")
assert(9223372036854775807 == math.maxinteger)
assert(math.type(9223372036854775807) == "integer")
assert(math.type(9223372036854775808) == "float")
assert(9223372036854775808 == 2.0 ^ 63)
assert(0xffffffffffffffff == -1)
assert(0x7fffffffffffffff == math.maxinteger)
assert(0x1ffffffffffffffff == -1)
assert(0x10000000000000001 == 1)
assert(1e308 * 10 == math.huge)
assert(1e400 == math.huge)
assert(1e-400 == 0)
assert(0xffffffffffffffffffp0 == 4722366482869645213695.0)
assert(00012 == 12)
assert(1e00001 == 10)
rejects("return 3x", "s:1: malformed number near '3x'")
rejects("return 3e", "s:1: malformed number near '3e'")
rejects("return 0x", "s:1: malformed number near '0x'")
rejects("return 0xg", "s:1: malformed number near '0xg'")
rejects("return 1..2", "s:1: malformed number near '1..2'")
rejects("return 3.4.5", "s:1: malformed number near '3.4.5'")
rejects("return 1e+", "s:1: malformed number near '1e+'")
rejects("return 0x1p", "s:1: malformed number near '0x1p'")
rejects("return 12abc", "s:1: malformed number near '12abc'")
rejects("return 1_000", "s:1: malformed number near '1_'")
assert(1 ..2 == "12")
assert(1. ..2 == "1.02")

-- Symbols and what is none
rejects("return @", "s:1: unexpected symbol near '@'")
rejects("x = $", "s:1: unexpected symbol near '$'")
rejects("x = \1", "s:1: unexpected symbol near '<\\1>'")
rejects("x = !1", "s:1: unexpected symbol near '!'")
rejects("x = ", "s:1: unexpected symbol near <eof>")
rejects("x", "s:1: syntax error near <eof>")
rejects("x = 1 = 2", "s:1: unexpected symbol near '='")
rejects("for", "s:1: <name> expected near <eof>")
rejects("local 1", "s:1: <name> expected near '1'")
rejects("if x then", "s:1: 'end' expected near <eof>")
rejects("if x then\n\nelse\n", "s:4: 'end' expected (to close 'if' at line 1) near <eof>")
rejects("f(\n", "s:2: unexpected symbol near <eof>")
rejects("f(1\n", "s:2: ')' expected (to close '(' at line 1) near <eof>")
rejects("return {1, 2", "s:1: '}' expected near <eof>")
rejects("return 1 return 2", "s:1: <eof> expected near 'return'")
rejects("end", "s:1: <eof> expected near 'end'")
rejects("x = 'long string that goes on' 'y'", "s:1: unexpected symbol near ''y''")
rejects("(a) = 1; (a", "s:1: syntax error near '='")
rejects("f() = 1", "s:1: syntax error near '='")
rejects("a, f() = 1, 2", "s:1: syntax error near '='")
rejects("(a), b = 1, 2; a + 1", "s:1: syntax error near ','")
rejects("local function f.a() end", "s:1: '(' expected near '.'")
rejects("function f(a, ..., b) end", "s:1: ')' expected near ','")
rejects("function f() return ... end", "s:1: cannot use '...' outside a vararg function near '...'")
rejects("break", "s:1: break outside loop at line 1")
rejects("for i = 1 do end", "s:1: ',' expected near 'do'")
rejects("for a.b in c do end", "s:1: '=' or 'in' expected near '.'")
rejects("repeat x = 1", "s:1: 'until' expected near <eof>")
rejects("x = function() ", "s:1: 'end' expected near <eof>")
rejects("return a.1", "s:1: <eof> expected near '.1'")
rejects("return a:b", "s:1: function arguments expected near <eof>")
rejects("x = }", "s:1: unexpected symbol near '}'")
rejects("x =~ 1 ~", "s:1: unexpected symbol near <eof>")
rejects("::a:: x = 1\n::a::", "s:2: label 'a' already defined on line 1")

-- Statements need no separators; semicolons may stand anywhere.
local x = 1
local y = 2 x = x + y y = x;;; ;
assert(x == 3)
assert(y == 3)
assert(load(";;;return;")() == nil)
assert(load("return 1;")() == 1)
do ; end
-- A call on a new line belongs to the expression before it.
local function id(v) return function() return v end end
local g = id
(4)
assert(g() == 4)

-- Chunk names in messages
local function located(name) return (select(2, load("x =", name))) end
assert(located("=name") == "name:1: unexpected symbol near <eof>")
assert(located("@file.lua") == "file.lua:1: unexpected symbol near <eof>")
assert(located("code") == '[string "code"]:1: unexpected symbol near <eof>')
assert(located("first\nsecond") == '[string "first..."]:1: unexpected symbol near <eof>')
assert(located(("x"):rep(100)) == '[string "' .. ("x"):rep(45) .. '..."]:1: unexpected symbol near <eof>')
assert(located("@" .. ("d"):rep(100)) == "..." .. ("d"):rep(56) .. ":1: unexpected symbol near <eof>")
assert(located("=" .. ("e"):rep(100)) == ("e"):rep(59) .. ":1: unexpected symbol near <eof>")
assert(select(2, load("x =")) == '[string "x ="]:1: unexpected symbol near <eof>')
print("ok")
