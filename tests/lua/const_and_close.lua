-- <const> and <close>: rules, order of closing, errors, every way out of a block.
local function rejects(source, expected)
  local f, message = load(source, "=s")
  assert(f == nil and message == expected, message or source)
end
local log = {}
local function closer(name) return setmetatable({}, { __close = function(_, e) log[#log + 1] = name .. (e ~= nil and ":" .. tostring(e):gsub("^.-:%d+: ", "") or "") end }) end
local function took(expected) local text = table.concat(log, " ") log = {} assert(text == expected, text) end
-- const
local a <const> = 5
local b <const>, c, d <const> = 1, 2
c = c + a
assert(a == 5)
assert(b == 1)
assert(c == 7)
assert(d == nil)
local function use() return a + b end
assert(use() == 6)
local k <const>, s <const>, t <const>, x <const> = 10, "str", {}, nil
t.field = 1
assert(k * 2 == 20)
assert(s .. "!" == "str!")
assert(t.field == 1)
assert(x == nil)
assert(k // 3 == 3)
assert(-k == -10)
assert((k > 5) == true)
do local a <const> = a + 1 assert(a == 6) end
for i = 1, 2 do local sq <const> = i * i assert(sq == i ^ 2) end
rejects("local a <const> = 1 a = 2", "s:1: attempt to assign to const variable 'a'")
rejects("local a <const> = 1 return function() a = 2 end", "s:1: attempt to assign to const variable 'a'")
rejects("local a <close> = nil a = 2", "s:1: attempt to assign to const variable 'a'")
rejects("local a <const>, b = 1, 2 b, a = 1, 2", "s:1: attempt to assign to const variable 'a'")
rejects("local a <unknown> = 1", "s:1: unknown attribute 'unknown'")
rejects("local a <close>, b <close> = nil, nil", "s:1: multiple to-be-closed variables in local list")
rejects("local a < const = 1", "s:1: '>' expected near '='")
rejects("local a <const> = 1 for i = 1, 2 do a = i end", "s:1: attempt to assign to const variable 'a'")
rejects("local function f() end local f <const> = f function f() end", "s:1: attempt to assign to const variable 'f'")
rejects("local <const> a = 1", "s:1: <name> expected near '<'")
-- Normal exit, reverse order
do local x <close> = closer("x") local y <close> = closer("y") log[#log + 1] = "body" end took("body y x")
do local n <close> = nil local f <close> = false end took("")
do local x <close>, y = closer("x"), closer("y") end took("x")
-- return, break, goto, loops
local function ret() local x <close> = closer("x") return "value", #log end
local v, n = ret()
assert(v == "value" and n == 0) took("x")
local function ret2() local x <close> = closer("x") do local y <close> = closer("y") return (function() log[#log + 1] = "called" return 1, 2, 3 end)() end end
assert(select("#", ret2()) == 3) took("called y x")
for i = 1, 3 do local x <close> = closer("i" .. i) if i == 2 then break end end took("i1 i2")
do local i = 0 ::top:: i = i + 1 local x <close> = closer("g" .. i) if i < 3 then goto top end end took("g1 g2 g3")
for i = 1, 3 do local x <close> = closer("c" .. i) if i == 2 then goto continue end log[#log + 1] = "b" .. i ::continue:: end took("b1 c1 c2 b3 c3")
local j = 0
while j < 2 do j = j + 1 local x <close> = closer("w" .. j) end took("w1 w2")
j = 0
repeat j = j + 1 local x <close> = closer("r" .. j) until j == 2 took("r1 r2")
-- Errors
local ok, message = pcall(function() local x <close> = closer("x") local y <close> = closer("y") error("oops") end)
assert(not ok and message:find("oops$")) took("y:oops x:oops")
ok, message = pcall(function() local x <close> = closer("x") error({ code = 5 }) end)
assert(message.code == 5)
assert(log[1]:find("^x:table")) log = {}
ok, message = pcall(function() local x <close> = closer("x") error(nil) end)
assert(ok == false and message == nil) took("x")
-- An error in a closing method replaces the error and goes to the next
local function failing(name, text) return setmetatable({}, { __close = function(_, e) log[#log + 1] = name .. (e and ":" .. tostring(e) or "") error(text, 0) end }) end
ok, message = pcall(function() local x <close> = closer("x") local y <close> = failing("y", "second") error("first", 0) end)
assert(message == "second") took("y:first x:second")
ok, message = pcall(function() local x <close> = failing("x", "third") local y <close> = failing("y", "second") return "fine" end)
assert(not ok and message == "third") took("y x:second")
ok, message = pcall(function() do local x <close> = failing("x", "at end") end log[#log + 1] = "not reached" end)
assert(message == "at end") took("x")
-- Values that can't be closed
ok, message = pcall(load("local x <close> = 5", "=s"))
assert(message == "s:1: variable 'x' got a non-closable value", message)
ok, message = pcall(load("local x <close> = {}", "=s"))
assert(message == "s:1: variable 'x' got a non-closable value")
ok, message = pcall(load("local x <close> = 'text'", "=s"))
assert(message == "s:1: variable 'x' got a non-closable value")
ok, message = pcall(function() local x <close> = closer("x") local y <close> = 42 end)
assert(message:find("variable 'y' got a non%-closable value"))
assert(#log == 1) log = {}
ok, message = pcall(function() local x <close> = setmetatable({}, { __close = function() end }) getmetatable(x).__close = nil end)
assert(not ok)
assert(message:find("metamethod 'close'", 1, true))
-- The generic for's fourth value
local function iterate(limit, closing) local i = 0 return function() i = i + 1 if i <= limit then return i end end, nil, nil, closing end
for i in iterate(3, closer("it")) do log[#log + 1] = "l" .. i end took("l1 l2 l3 it")
for i in iterate(3, closer("it")) do if i == 2 then break end end took("it")
pcall(function() for i in iterate(3, closer("it")) do error("e", 0) end end) took("it:e")
local function early() for i in iterate(5, closer("it")) do if i == 2 then return i end end end
assert(early() == 2) took("it")
for _ in iterate(1, nil) do end
ok, message = pcall(function() for _ in iterate(1, {}) do end end)
assert(not ok and message:find("variable '(for state)' got a non-closable value", 1, true), message)
-- Nested functions, captured variables, tail position
do
  local up
  do local x <close> = setmetatable({ v = 1 }, { __close = function(self) self.v = "closed" end }) up = function() return x.v end assert(up() == 1) end
  assert(up() == "closed")
end
local function tail() local x <close> = closer("x") return ret() end
assert(tail() == "value") took("x x")
-- With coroutines
local co = coroutine.create(function() local x <close> = closer("x") coroutine.yield(1) local y <close> = closer("y") coroutine.yield(2) end)
coroutine.resume(co) coroutine.resume(co)
assert(coroutine.close(co)) took("y x")
co = coroutine.wrap(function() local x <close> = setmetatable({}, { __close = function(_, e) coroutine.yield("closing " .. tostring(e)) log[#log + 1] = "after" end }) return "result" end)
assert(co() == "closing nil" and co() == "result") took("after")
co = coroutine.wrap(function() return pcall(function() local x <close> = setmetatable({}, { __close = function(_, e) coroutine.yield("in error") log[#log + 1] = "after:" .. e end }) error("bad", 0) end) end)
assert(co() == "in error") ok, message = co()
assert(ok == false and message == "bad") took("after:bad")
co = coroutine.wrap(function() for i = 1, 2 do local x <close> = setmetatable({}, { __close = function() coroutine.yield("loop" .. i) end }) if i == 2 then break end end return "end" end)
assert(co() == "loop1")
assert(co() == "loop2")
assert(co() == "end")
-- Closing sees arguments: the value and the error
local args
do local x <close> = setmetatable({}, { __close = function(...) args = table.pack(...) end }) end
assert(args.n == 2)
assert(type(args[1]) == "table")
assert(args[2] == nil)
-- Files are closable
local name = os.tmpname()
local handle
do local f <close> = assert(io.open(name, "w")) handle = f f:write("x") end
assert(io.type(handle) == "closed file")
assert(os.remove(name))
-- metamethods that cannot be called
do
  local value = setmetatable({}, { __close = 2 })
  local ok, message = pcall(function() local x <close> = value; return 1 end)
  assert(not ok and message:find("attempt to call a number value (metamethod 'close')", 1, true), message)
  ok, message = pcall(function() do local x <close> = value end return 1 end)
  assert(not ok and message:find("attempt to call a number value (metamethod 'close')", 1, true), message)
  local co = coroutine.create(function() local x <close> = value; coroutine.yield() end)
  assert(coroutine.resume(co))
  ok, message = coroutine.close(co)
  assert(ok == false and message:find("attempt to call a number value", 1, true), message)
end

print("ok")
