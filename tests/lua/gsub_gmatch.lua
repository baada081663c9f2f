-- gsub with strings, tables and functions; gmatch and its captures.
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

-- Replacement strings
eq({ "hexxo", 2 }, ("hello"):gsub("l", "x"))
eq({ "hexlo", 1 }, ("hello"):gsub("l", "x", 1))
eq({ "hello", 0 }, ("hello"):gsub("l", "x", 0))
eq({ "hello", 0 }, ("hello"):gsub("l", "x", -1))
eq({ "hello", 0 }, ("hello"):gsub("z", "x"))
eq({ "heo", 2 }, ("hello"):gsub("l", ""))
eq({ "-h-e-l-l-o-", 6 }, ("hello"):gsub("", "-"))
eq({ "-", 1 }, (""):gsub("", "-"))
eq({ "hello hello", 1 }, ("hello"):gsub("%w+", "%0 %0"))
eq({ "hello hello world world", 2 }, ("hello world"):gsub("(%w+)", "%1 %1"))
eq({ "world hello", 1 }, ("hello world"):gsub("(%w+) (%w+)", "%2 %1"))
eq({ "100%", 1 }, ("100x"):gsub("x", "%%"))
eq({ "<a><b>", 2 }, ("ab"):gsub(".", "<%1>"))
eq({ "abc", 1 }, ("abc"):gsub("^a", "a"))
eq({ "xbca", 1 }, ("abca"):gsub("^a", "x"))
eq({ "abcx", 1 }, ("abca"):gsub("a$", "x"))
eq({ "a.b.c", 2 }, ("a b c"):gsub(" ", "."))
eq({ "a\0\0b\0\0c", 2 }, ("a\0b\0c"):gsub("\0", "\0\0"))
eq({ "1-2-3-4-", 4 }, ("abcd"):gsub("()." , "%1-"))
eq({ "5", 1 }, ("x"):gsub("x", 5))
eq({ "1.5", 1 }, ("x"):gsub("x", 1.5))
eq({ "  trimmed", 1 }, ("  trimmed  "):gsub("%s+$", ""))
eq({ "3434", 4 }, ("1212"):gsub("%d", { ["1"] = "3", ["2"] = 4 }))
eq({ "abc", 3 }, ("abc"):gsub("%w", "%1"))
eq({ "x", 1 }, ("abc"):gsub(".*", "x", 1))

-- Tables
eq({ "Bob is 7 $age2", 3 }, ("$name is $age $age2"):gsub("%$(%w+)", { name = "Bob", age = 7 }))
eq({ "ab", 2 }, ("ab"):gsub(".", { a = false }))
eq({ "xb", 2 }, ("ab"):gsub(".", { a = "x", b = nil }))
eq({ "[a][b]", 2 }, ("ab"):gsub(".", setmetatable({}, { __index = function(_, k) return "[" .. k .. "]" end })))
eq({ "x:y", 1 }, ("k=v"):gsub("(%w)=(%w)", { k = "x:y", v = "no" }))
eq({ "123", 3 }, ("abc"):gsub("()%w", { 1, 2, 3 }))

-- Functions
eq({ "HELLO world", 1 }, ("hello world"):gsub("%w+", string.upper, 1))
eq({ "5 5", 2 }, ("hello world"):gsub("%w+", function(w) return #w end))
eq({ "hello world", 2 }, ("hello world"):gsub("%w+", function() end))
eq({ "hello world", 2 }, ("hello world"):gsub("%w+", function() return false end))
eq({ "h:e l:l o", 2 }, ("he ll o"):gsub("(%w)(%w)", function(a, b) return a .. ":" .. b end))
eq({ "1a2b", 2 }, ("ab"):gsub("()(.)", function(p, c) return p .. c end))
local seen = {}
eq({ "abc", 3 }, ("abc"):gsub("", function(w) seen[#seen + 1] = w return nil end) == "abc" and "abc", 3)
assert(#seen == 4)
assert(seen[1] == "")
local depth = 0
local function nest(text) depth = depth + 1 return depth < 5 and text:gsub("x", nest) or "y" end
eq({ "y", 1 }, ("x"):gsub("x", nest))
eq({ "f(f(1))", 1 }, ("1"):gsub("%d", function(d) return (("f(" .. d .. ")"):gsub("%d", "f(%0)")) end))

-- Empty matches and where the next one may begin
eq({ "xbxcx", 3 }, (("abac"):gsub("a*", "x")), 3)
eq({ "x x", 2 }, ("abc def"):gsub("%w*", "x"))
eq({ "-a-b-", 3 }, ("ab"):gsub("x*", "-"))
eq({ "a,b,c", 2 }, ("a, b, c"):gsub(",%s*", ","))
eq({ "|a||b|", 2 }, ("ab"):gsub(".", "|%0|"))
eq({ "()", 1 }, (""):gsub("^", "()"))
eq({ "()abc", 1 }, ("abc"):gsub("^", "()"))
eq({ "abc()", 1 }, ("abc"):gsub("$", "()"))
eq({ "x.y", 1 }, ("x.y"):gsub("%f[%a]y", "y"))
eq({ "[one] [two]", 2 }, ("one two"):gsub("%f[%w]%w+", "[%0]"))

-- Errors
fails("invalid capture index %2", string.gsub, "x", "x", "%2")
fails("invalid use of '%' in replacement string", string.gsub, "x", "x", "%")
fails("invalid use of '%' in replacement string", string.gsub, "x", "x", "%a")
fails("invalid capture index %2", string.gsub, "x", "(x)", "%2")
fails("bad argument #4 to 'string.gsub' (number expected, got string)", string.gsub, "x", "x", {}, "y")
fails("bad argument #3 to 'string.gsub' (string/function/table expected, got boolean)", string.gsub, "x", "x", true)
fails("bad argument #3 to 'string.gsub' (string/function/table expected, got no value)", string.gsub, "x", "x")
fails("bad argument #2 to 'string.gsub' (string expected, got no value)", string.gsub, "x")
fails("invalid replacement value (a table)", string.gsub, "x", "x", function() return {} end)
fails("invalid replacement value (a boolean)", string.gsub, "x", "x", { x = true })
fails("invalid replacement value (a function)", string.gsub, "x", "x", { x = print })
fails("mine", string.gsub, "x", "x", function() error("mine", 0) end)
fails("malformed pattern (ends with '%')", string.gsub, "x", "%", "y")

-- gmatch
local function all(text, pattern, from)
  local out = {}
  for a, b in text:gmatch(pattern, from) do out[#out + 1] = tostring(a) .. (b and "=" .. tostring(b) or "") end
  return table.concat(out, ";")
end
assert(all("one two  three", "%w+") == "one;two;three")
assert(all("a=1, b=2", "(%w+)=(%w+)") == "a=1;b=2")
assert(all("", "x") == "")
assert(all("", "") == "")
assert(all("aaba", "a*") == "aa;a")
assert(all("abaa", "a-") == ";;;;")
assert(all("a b c", "^%w") == "")
assert(all("^a", "%^a") == "^a")
assert(all("abc", "%w", 2) == "b;c")
assert(all("abc", "%w", -1) == "c")
assert(all("abc", "%w", 4) == "")
assert(all("abc", "%w", 5) == "")
assert(all("abc", "%w", -10) == "a;b;c")
assert(all("x\0y\0", "%z()") == "3;5")
assert(all("k1v2", "(%a)(%d)") == "k=1;v=2")
assert(all("THE END", "%f[%a]%a") == "T;E")
local step = ("abc"):gmatch(".")
assert(step() == "a")
assert(step() == "b")
assert(step() == "c")
assert(step() == nil)
assert(step() == nil)
local outer = {}
for w in ("ab cd"):gmatch("%w+") do for c in w:gmatch(".") do outer[#outer + 1] = w .. c end end
assert(table.concat(outer, " ") == "aba abb cdc cdd")
fails("bad argument #2 to 'string.gmatch' (string expected, got no value)", string.gmatch, "x")
fails("bad argument #1 to 'string.gmatch' (string expected, got nil)", string.gmatch, nil, "x")
fails("unfinished capture", ("x"):gmatch("(x"))
fails("malformed pattern (ends with '%')", ("x"):gmatch("%"))
-- An iterator survives collection of everything else
local it = (("word "):rep(50)):gmatch("%a+")
local n = 0
for _ = 1, 50 do collectgarbage("step") if it() == "word" then n = n + 1 end end
assert(n == 50)
assert(it() == nil)
-- Work that is interrupted for collections goes on where it was: each replacement makes a string here.
local words, halves, expected = {}, {}, {}
for i = 1, 500 do
  words[i], halves[tostring(i)], expected[i] = tostring(i), i + 0.5, i + 0.5
end
local text = table.concat(words, " ")
expected = table.concat(expected, " ")
eq({ expected, 500 }, text:gsub("%d+", halves))
eq({ expected, 500 }, text:gsub("%d+", setmetatable({}, { __index = function(_, word) return halves[word] end })))
eq({ expected, 500 }, text:gsub("%d+", function(word) return halves[word] end))
print("ok")
