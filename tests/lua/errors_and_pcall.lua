-- error, pcall, assert: values of all types, levels, positions, nesting.
local function line() return debug.getinfo(2, "l").currentline end
local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  message = tostring(message):gsub("^[^:]*%.lua:%d+: ", "")
  assert(not ok and message == expected, message)
end
-- Results
assert(pcall(function() end) == true and select("#", pcall(function() end)) == 1 and select("#", pcall(function() return nil, nil end)) == 3)
for _, value in ipairs({ 1, 1.5, true, false, "text", {}, print, coroutine.create(print), io.stdout }) do
  local ok, e = pcall(error, value)
  assert(ok == false and e == value)
  ok, e = pcall(function() error(value, 0) end)
  assert(e == value)
  if type(value) ~= "string" then ok, e = pcall(function() error(value, 1) end) assert(e == value) end
end
local r = table.pack(pcall(error)) assert(r.n == 2 and r[1] == false and r[2] == nil)
r = table.pack(pcall(error, nil)) assert(r.n == 2 and r[2] == nil)
-- Positions by level
local function at(level) error("m", level) end
local ok, e = pcall(at) assert(e:match(":(%d+): m$") == tostring(line() - 1))
ok, e = pcall(at, 0) assert(e == "m")
ok, e = pcall(at, 1) assert(e:match(":(%d+): m$") == tostring(line() - 3))
local function caller() at(2) return nil end
ok, e = pcall(caller) assert(e:match(":(%d+): m$") == tostring(line() - 1))
ok, e = pcall(at, 2) assert(e == "m") -- called by pcall, which has no line
ok, e = pcall(at, 100) assert(e == "m")
ok, e = pcall(load("error('x')", "=chunk")) assert(e == "chunk:1: x")
ok, e = pcall(load("\n\nerror('x', 1)", "=chunk")) assert(e == "chunk:3: x")
ok, e = pcall(load("local function f() error('x', 2) end\n f()\n", "=chunk")) assert(e == "chunk:2: x")
ok, e = pcall(error, "msg") assert(e == "msg") ok, e = pcall(error, 42) assert(e == 42)
ok, e = pcall(function() error(5) end) assert(e == 5 and math.type(e) == "integer")
-- assert
assert(select("#", assert(1, 2, 3)) == 3 and assert("v") == "v" and select(2, assert(true, nil)) == nil)
fails("assertion failed!", assert, false)
fails("assertion failed!", assert, nil)
fails("message", assert, false, "message")
fails("message", assert, nil, "message", 1)
ok, e = pcall(assert, false, { 7 }) assert(e[1] == 7)
ok, e = pcall(assert, false, nil) assert(ok == false and e == nil)
ok, e = pcall(assert, nil, 5) assert(e == 5)
fails("bad argument #2 to 'error' (number expected, got string)", error, "x", "y")
-- pcall of what can't be called
ok, e = pcall(nil) assert(not ok and e == "attempt to call a nil value")
ok, e = pcall({}) assert(not ok and e == "attempt to call a table value")
ok, e = pcall(5, 6) assert(not ok and e == "attempt to call a number value")
assert(pcall(setmetatable({}, { __call = function(_, x) return x end }), 1))
-- Nesting
ok, e = pcall(pcall, error, "inner") assert(ok == true and e == false)
local function level(n) if n == 0 then error("base", 0) end local s, m = pcall(level, n - 1) error(m .. "/" .. n, 0) end
ok, e = pcall(level, 50) assert(#e > 100 and e:sub(1, 8) == "base/1/2")
ok, e = pcall(function() pcall(error, "lost") error("kept", 0) end) assert(e == "kept")
-- The state after an error: locals and upvalues as they were
local x = 1
pcall(function() x = 2 local y = x error() end)
assert(x == 2)
local t = {}
pcall(function() t.a = 1 t.b = nil + 1 t.c = 3 end)
assert(t.a == 1 and t.c == nil)
-- Many errors in a row leave no trace
for i = 1, 5000 do local s, m = pcall(error, i) assert(m == i) end
for i = 1, 200 do assert(not pcall(string.rep)) assert(not pcall(function() return #nil end)) end
-- Error objects with methods and __tostring
local E = setmetatable({}, { __tostring = function() return "E!" end })
ok, e = pcall(error, E) assert(e == E and tostring(e) == "E!")
ok, e = pcall(function() return E + 1 end) assert(e:find("attempt to perform arithmetic on a table value %(upvalue 'E'%)"))
-- Errors in arguments evaluate nothing more
local calls = 0
local function count() calls = calls + 1 return calls end
pcall(function() local _ = { count(), error("stop"), count() } end)
assert(calls == 1)
-- try/finally and rethrow
local log = {}
local function try(f, catch, finally) local s, m = pcall(f) if not s and catch then s, m = pcall(catch, m) end finally() if not s then error(m, 0) end return m end
assert(try(function() return 1 end, nil, function() log[#log + 1] = "f1" end) == 1)
assert(try(function() error("a", 0) end, function(m) return m .. "b" end, function() log[#log + 1] = "f2" end) == "ab")
ok, e = pcall(try, function() error("a", 0) end, function(m) error(m .. "c", 0) end, function() log[#log + 1] = "f3" end)
assert(not ok and e == "ac" and table.concat(log) == "f1f2f3")
print("ok")
