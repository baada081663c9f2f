-- debug.sethook and gethook: call, return, line and count events; hooks of coroutines; errors in hooks.
local function collect(mask, count, f) local log = {} debug.sethook(function(event, line) local i = debug.getinfo(2, "nlS") log[#log + 1] = { event = event, line = line, name = i.name, what = i.what } end, mask, count) f() debug.sethook() return log end
assert(debug.gethook() == nil)
local hook = function() end debug.sethook(hook, "crl", 5)
local h, m, c = debug.gethook()
assert(h == hook and m == "crl" and c == 5) debug.sethook(hook, "l") h, m, c = debug.gethook()
assert(m == "l" and c == 0) debug.sethook(nil)
assert(debug.gethook() == nil) debug.sethook(hook, "")
assert(debug.gethook() == nil) debug.sethook()
-- Lines
local base = debug.getinfo(1, "l").currentline
local function lines()
  local a = 1
  for i = 1, 2 do
    a = a + i
  end
  return a
end
local seen = {} for _, e in ipairs(collect("l", 0, lines)) do assert(e.event == "line") seen[#seen + 1] = e.line - base end
local text = table.concat(seen, " ")
assert(text:find("2 3 4 3 4 3 6", 1, true) or text:find("2 3 4 4 6", 1, true), text)
-- Calls and returns
local function leaf() return 1 end local function tail() return leaf() end local function two() leaf() local x = leaf() tail() end
local counts, order = {}, {} for _, e in ipairs(collect("cr", 0, two)) do counts[e.event] = (counts[e.event] or 0) + 1 end
assert(counts["tail call"] == 1)
assert(counts.call >= 4)
assert(counts["return"] >= 4)
for _, e in ipairs(collect("c", 0, function() local x = math.abs(-1) end)) do if e.name == "abs" then order.abs = e.what end end
assert(order.abs == "C")
-- Counts
local n = 0 debug.sethook(function(event) assert(event == "count") n = n + 1 end, "", 100) for _ = 1, 10000 do end debug.sethook()
assert(n >= 50 and n <= 2000, n)
n = 0 debug.sethook(function() n = n + 1 end, "", 1)
local z = 1 z = z + 1 debug.sethook()
assert(n >= 2)
-- An error in a hook stops the program; a count hook ends an endless loop
local ok, e = pcall(function() debug.sethook(function() error("time is up", 0) end, "", 1000) while true do end end) debug.sethook()
assert(not ok)
assert(e == "time is up")
ok, e = pcall(function() debug.sethook(function() debug.sethook() error("line", 0) end, "l")
  local x = 1
  x = 2
end) assert(not ok and e == "line" and debug.gethook() == nil)
-- Hooks are not called inside hooks; locals are visible from them
local depth, deepest, value = 0, 0, nil
local function watched()
  local secret = 42
  local last = 0
  return last
end
debug.sethook(function(event, line) depth = depth + 1 if depth > deepest then deepest = depth end local name, v = debug.getlocal(2, 1) if name == "secret" then value = v end leaf() depth = depth - 1 end, "l") watched() debug.sethook()
assert(deepest == 1)
assert(value == 42)
-- Each coroutine has its own hook
local co = coroutine.create(function() local a = 1 coroutine.yield() local b = 2 return b end) local events = 0
debug.sethook(co, function() events = events + 1 end, "l")
assert(debug.gethook() == nil and debug.gethook(co) ~= nil) coroutine.resume(co) coroutine.resume(co)
assert(events >= 1)
local before = events leaf()
assert(events == before)
debug.sethook(function() end, "l")
local other = coroutine.create(leaf) debug.sethook()
assert(debug.gethook() == nil)
-- A hook that is changed by itself, and a hook over a pcall
n = 0 debug.sethook(function() n = n + 1 debug.sethook() end, "c") leaf() leaf()
assert(n == 1)
n = 0 debug.sethook(function(event) if event == "return" then n = n + 1 end end, "r") pcall(error) pcall(leaf) debug.sethook()
assert(n >= 2)
assert(not pcall(debug.sethook, 5, "l") and not pcall(debug.sethook, hook) and not pcall(debug.sethook, hook, 5, {})) debug.sethook()
-- Finalizers are not reported
local finalized = 0
local reported = 0
local function finalizer()
  finalized = finalized + 1
  local a = 1
end
setmetatable({}, {__gc = finalizer})
debug.sethook(function() if debug.getinfo(2, "f").func == finalizer then reported = reported + 1 end end, "crl", 1)
collectgarbage()
debug.sethook()
assert(finalized == 1 and reported == 0)
-- A plain value is tested in the line of `then`, and operands are read in the line of the operator after them
local lines = {}
local chunk = load("local t = ...\nif t.x\nthen t.x\n= t.y\n+\nt.z end")
debug.sethook(function(_, line) lines[#lines + 1] = line end, "l") chunk({x = 1, y = 2, z = 3}) debug.sethook()
assert(table.concat(lines, " "):find("1 3 5 6 5 6"), table.concat(lines, " "))
-- A finalizer that runs during a hook does not end it
local calls, is_inside, nested = 0, false, 0
local again = {}
again.__gc = function(object) calls = calls + 1 setmetatable(object, again) end
local function create() setmetatable({}, again) end create()
debug.sethook(function()
  if is_inside then nested = nested + 1 return end
  is_inside = true
  for i = 1, 3000 do string.rep("x", 1000 + i) end
  is_inside = false
end, "cr")
for _ = 1, 10 do leaf() end
debug.sethook()
again.__gc = nil
assert(calls > 0 and nested == 0)
print("ok")
