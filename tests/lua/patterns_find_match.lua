-- find and match: classes, sets, quantifiers, anchors, captures, balance, frontier, plain search.
local function eq(expected, ...)
  local got = { ... }
  for i = 1, math.max(#expected, select("#", ...)) do
    assert(got[i] == expected[i], tostring(got[i]) .. " ~= " .. tostring(expected[i]))
  end
end
local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  message = tostring(message):gsub("^[^:]*%.lua:%d+: ", "")
  assert(not ok and message == expected, message)
end

-- Plain
eq({ 1, 0 }, (""):find(""))
eq({ 1, 0 }, ("abc"):find(""))
eq({ 4, 3 }, ("abc"):find("", 4))
eq({}, ("abc"):find("", 5))
eq({ 2, 3 }, ("abcbc"):find("bc"))
eq({ 4, 5 }, ("abcbc"):find("bc", 3))
eq({ 4, 5 }, ("abcbc"):find("bc", -2))
eq({ 2, 3 }, ("abcbc"):find("bc", -100))
eq({ 2, 3 }, ("abcbc"):find("bc", 0))
eq({ 2, 2 }, ("a.b"):find(".", 1, true))
eq({ 1, 1 }, ("a.b"):find("."))
eq({ 2, 4 }, ("a%d+"):find("%d+", 1, true))
eq({ 2, 2 }, ("a\0b"):find("\0"))
eq({ 3, 3 }, ("a\0b"):find("b"))
eq({ 2, 3 }, ("a\0b"):find("\0b", 1, true))
eq({ 10001, 10002 }, (("ab"):rep(5000) .. "cd"):find("cd", 1, true))
eq({ 7, 9 }, ("aaaaaaaab"):find("aab", 1, true))
assert(("abc"):find("d") == nil)
assert(("abc"):find("abcd") == nil)
assert((""):find("a") == nil)
assert(("abc"):find("c", 4) == nil)
assert(("abc"):find("a", math.maxinteger) == nil)
assert(("abc"):find("a", math.mininteger) == 1)

-- Classes against every byte
local classes = {
  a = function(c) return c >= 65 and c <= 90 or c >= 97 and c <= 122 end,
  d = function(c) return c >= 48 and c <= 57 end,
  l = function(c) return c >= 97 and c <= 122 end,
  u = function(c) return c >= 65 and c <= 90 end,
  s = function(c) return c == 32 or c >= 9 and c <= 13 end,
  w = function(c) return c >= 48 and c <= 57 or c >= 65 and c <= 90 or c >= 97 and c <= 122 end,
  x = function(c) return c >= 48 and c <= 57 or c >= 65 and c <= 70 or c >= 97 and c <= 102 end,
  c = function(c) return c < 32 or c == 127 end,
  p = function(c) return c >= 33 and c <= 47 or c >= 58 and c <= 64 or c >= 91 and c <= 96 or c >= 123 and c <= 126 end,
  g = function(c) return c >= 33 and c <= 126 end,
}
for letter, is in pairs(classes) do
  for c = 0, 255 do
    local text = string.char(c)
    assert((text:find("%" .. letter) ~= nil) == is(c), letter .. c)
    assert((text:find("%" .. letter:upper()) ~= nil) == not is(c), letter .. c)
    assert((text:find("[%" .. letter .. "]") ~= nil) == is(c))
    assert((text:find("[^%" .. letter .. "]") ~= nil) == not is(c))
    assert((text:find("[%" .. letter:upper() .. "]") ~= nil) == not is(c))
  end
end
for c = 0, 255 do
  local text = string.char(c)
  assert(text:find(".") == 1)
  assert(text:find("[\0-\255]") == 1)
  assert(text:find("[^" .. (c == 93 and "%]" or c == 37 and "%%" or c == 94 and "%^" or text) .. "]") == nil)
  if not text:find("%w") then assert(text:match("%" .. text) == text) end
end

-- Sets
assert(("x-y"):match("[a-c-]") == "-")
assert(("]"):match("[]]") == "]")
assert(("a]"):match("[^]]") == "a")
assert(("^"):match("[x^]") == "^")
assert(("-"):match("[a-]") == "-")
assert(("-"):match("[-a]") == "-")
assert(("b"):match("[a-c]") == "b")
assert(("d"):match("[a-c]") == nil)
assert(("%"):match("[%%]") == "%")
assert(("a.b"):match("[.]") == ".")
assert(("5x"):match("[%a5]+") == "5x")
assert(("_"):match("[%w_]") == "_")
assert(("-"):match("[%a-z]") == "-")
assert(("]"):match("[%]]") == "]")
assert(("a-z"):match("[a%-z]+") == "a-z")
assert(("\0"):match("[\0]") == "\0")
assert(("b"):match("[^%s%d]") == "b")
assert(("ab[c"):match("[[]") == "[")
assert(("x"):match("[z-a]") == nil)
assert(("a"):match("[a-a]") == "a")
assert(("é"):match("[\xc3][\xa9]") == "é")

-- Quantifiers
assert(("aaa"):match("a*") == "aaa")
assert(("aaa"):match("a-") == "")
assert(("aaa"):match("a+") == "aaa")
assert(("aaa"):match("a?") == "a")
assert(("baaa"):match("a*") == "")
assert(("aaab"):match("a-b") == "aaab")
assert(("<a><b>"):match("<.->") == "<a>")
assert(("<a><b>"):match("<.*>") == "<a><b>")
assert(("ab"):match("ax?b") == "ab")
assert(("axb"):match("ax?b") == "axb")
assert(("aab"):match("a?a?a?b") == "aab")
assert(("xyz"):match("x.*z") == "xyz")
assert(("xz"):match("x.*z") == "xz")
assert(("xz"):match("x.+z") == nil)
assert(("a+b"):match("a+b") == nil)
assert(("aab"):match("a+b") == "aab")
assert(("ab12"):match("%a+%d+") == "ab12")
assert(("  x "):match("^%s*(.-)%s*$") == "x")
assert(("0123"):match("[0-9]*") == "0123")
assert(("f(a,b)"):match("%((.*)%)") == "a,b")
assert((("a"):rep(1000) .. "b"):match(".-b") == ("a"):rep(1000) .. "b")

-- Anchors
assert(("abc"):find("^b") == nil)
assert(("abc"):find("^a") == 1)
assert(("abc"):find("c$") == 3)
assert(("abc"):find("b$") == nil)
assert(("a^b"):find("a^b") == 1)
assert(("a$b"):find("a$b") == 1)
assert(("$"):find("$") == 2)
assert(("$"):find("%$") == 1)
assert(("abc"):find("^b", 2) == 2)
assert(("abc"):match("^abc$") == "abc")
assert((""):match("^$") == "")
assert(("^a"):match("%^a") == "^a")
assert(("a"):match("^^a") == nil)
assert(("^a"):match("^^a") == "^a")
assert(("abc"):match("^(ab)") == "ab")
assert(("x$"):match("x$$") == "x$")

-- Captures
eq({ "k", "v" }, ("k=v"):match("(%w+)=(%w+)"))
eq({ 1, 3, "k", "v" }, ("k=v"):find("(%w+)=(%w+)"))
eq({ 2, 4, 3 }, ("abcd"):match("()bc()()") and 2, 4, 3)
eq({ 2, 4 }, ("abcd"):match("()bc()"))
eq({ "abcd", "bc", 3 }, ("abcd"):match("(a(b()c)d)"))
eq({ "", "" }, ("abc"):match("()()") and "", "")
eq({ "" }, ("abc"):match("(x*)"))
eq({ "a", "" }, ("a"):match("(a)(b?)"))
eq({ "hello", "hello" }, ("hello hello"):match("(%w+) (%1)"))
assert(("hello world"):match("(%w+) %1") == nil)
assert(("abab"):match("^(ab)%1$") == "ab")
assert(([["it's"]]):match([[^(["'])(.*)%1$]]) == '"')
assert(("aXbXc"):match("(.)X(.)X%1") == nil)
assert(("aXbXa"):match("(.)X(.)X%1") == "a")
assert(("x\0x"):match("(%z)") == "\0")
eq({ "1", "2", "3", "4", "5", "6", "7", "8", "9" }, ("123456789"):match("(.)(.)(.)(.)(.)(.)(.)(.)(.)"))
assert(select("#", (("x"):rep(32)):match(("(.)"):rep(32))) == 32)
eq({ "2024", "05", "06" }, ("date: 2024-05-06"):match("(%d+)-(%d+)-(%d+)"))
assert(("abc"):match("b", 3) == nil)
assert(("abc"):match(".", -1) == "c")
assert(("abc"):match("()", 4) == 4)
assert(("abc"):match("()", 5) == nil)

-- Balance and frontier
assert(("f(a(b)c)d"):match("%b()") == "(a(b)c)")
assert(("((x)"):match("%b()") == "(x)")
assert(("x"):match("%b()") == nil)
assert(("[[]]]"):match("%b[]") == "[[]]")
assert(("|a|b"):match("%b||") == "|a|")
assert(("if x then end"):match("%b  ") == " x ")
assert(("\0a\1"):match("%b\0\1") == "\0a\1")
assert(("THE (quick) fox"):find("%f[%a]%a+%f[%A]") == 1)
assert(("THE (quick) fox"):match("%f[%l]%a+") == "quick")
assert(("x1"):match("%f[%d]%d") == "1")
assert(("hello"):find("%f[%a]") == 1)
assert(("hello"):find("%f[\0]") == 6)
assert(("hello"):find("%f[%z]") == 6)
assert(("[[x]]"):find("%f[x]") == 3)
assert(("aa"):find("%f[a]", 2) == nil)

-- Malformed patterns
fails("malformed pattern (missing ']')", string.find, "a", "[a")
fails("malformed pattern (missing ']')", string.find, "a", "[]")
fails("malformed pattern (missing ']')", string.find, "a", "[^]")
fails("malformed pattern (missing ']')", string.find, "a", "[a%")
fails("malformed pattern (ends with '%')", string.find, "a", "%")
fails("unfinished capture", string.find, "a", "(a")
fails("unfinished capture", string.find, "a", "(()")
fails("invalid capture index %1", string.find, "a", "%1")
fails("invalid capture index %1", string.find, "a", "(a%1)")
fails("invalid capture index %2", string.find, "a", "(a)%2")
fails("invalid capture index %0", string.find, "a", "%0")
fails("malformed pattern (missing arguments to '%b')", string.find, "a", "%b")
fails("malformed pattern (missing arguments to '%b')", string.find, "a", "%b(")
fails("missing '[' after '%f' in pattern", string.find, "a", "%f")
fails("missing '[' after '%f' in pattern", string.find, "a", "%fa")
fails("too many captures", string.match, ("a"):rep(40), ("(a)"):rep(33))
fails("bad argument #1 to 'string.find' (string expected, got no value)", string.find)
fails("bad argument #2 to 'string.find' (string expected, got no value)", string.find, "a")
fails("bad argument #1 to 'string.find' (string expected, got table)", string.find, {}, "a")
fails("bad argument #2 to 'string.find' (string expected, got table)", string.find, "a", {})
fails("bad argument #3 to 'string.find' (number expected, got string)", string.find, "a", "a", "x")
fails("bad argument #2 to 'string.match' (string expected, got nil)", string.match, "a", nil)
fails("pattern too complex", string.match, ("x"):rep(300000), ("x?"):rep(300000) .. "y")

-- Numbers as subjects and patterns
assert((string.find(12345, 34)) == 3)
assert(string.match(12345, "3.") == "34")
assert(string.match("a1.5", 1.5) == "1.5")
-- Long subjects without recursion per character
local long = ("a"):rep(300000)
assert(#long:match(".-$") == 300000)
assert(#long:match("a*") == 300000)
assert(long:find("b") == nil)
assert(#long:match("^(a+)$") == 300000)
print("ok")
