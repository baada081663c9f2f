-- collectgarbage: options, results, modes; memory that is freed; stop and restart.
local function fails(expected, f, ...) local ok, message = pcall(f, ...) assert(not ok and message == expected, message) end
assert(collectgarbage() == 0)
assert(collectgarbage("collect") == 0)
assert(math.type(collectgarbage("count")) == "float")
assert(collectgarbage("count") > 0)
assert(collectgarbage("isrunning") == true)
assert(collectgarbage("stop") == 0)
assert(collectgarbage("isrunning") == false)
assert(collectgarbage("restart") == 0)
assert(collectgarbage("isrunning") == true)
assert(type(collectgarbage("step")) == "boolean")
assert(type(collectgarbage("step", 0)) == "boolean")
local mode = collectgarbage("incremental")
assert(mode == "incremental" or mode == "generational")
assert(collectgarbage("generational") == "incremental")
assert(collectgarbage("incremental") == "generational")
assert(collectgarbage("incremental", 100, 200, 10) == "incremental")
assert(collectgarbage("generational", 20, 100) == "incremental")
assert(collectgarbage("incremental") == "generational")
assert(math.type(collectgarbage("setpause", 200)) == "integer")
assert(collectgarbage("setpause", 160) == 200)
assert(collectgarbage("setpause", 200) == 160)
assert(math.type(collectgarbage("setstepmul", 200)) == "integer")
assert(collectgarbage("setstepmul", 100) == 200)
fails("bad argument #1 to 'collectgarbage' (invalid option 'nothing')", collectgarbage, "nothing")
fails("bad argument #1 to 'collectgarbage' (invalid option '5')", collectgarbage, 5)
fails("bad argument #1 to 'collectgarbage' (string expected, got table)", collectgarbage, {})
fails("bad argument #2 to 'collectgarbage' (number expected, got string)", collectgarbage, "step", "x")
-- What is unreachable goes, what is reachable stays
collectgarbage() local before = collectgarbage("count") local keep = {} for i = 1, 20000 do keep[i] = { i } end
local full = collectgarbage("count")
assert(full > before + 500) collectgarbage()
assert(collectgarbage("count") > before + 500) for i = 1, 20000 do assert(keep[i][1] == i) end
keep = nil collectgarbage() collectgarbage()
assert(collectgarbage("count") < before + 200, collectgarbage("count") - before)
local s = ("x"):rep(1000000)
assert(collectgarbage("count") > before + 900) s = nil collectgarbage()
assert(collectgarbage("count") < before + 300)
-- Cycles of every kind
local weak = setmetatable({}, { __mode = "v" })
do local a, b = {}, {} a.b, b.a = b, a weak[1] = a local f f = function() return f, a end weak[2] = f local t = setmetatable({}, {}) getmetatable(t).self = t weak[3] = t local co co = coroutine.create(function() local me = co coroutine.yield() end) coroutine.resume(co) weak[4] = co local k = {} k[k] = k weak[5] = k end
collectgarbage() collectgarbage() for i = 1, 5 do assert(weak[i] == nil, i) end
-- Garbage made while structures grow and shrink
local list, checksum = {}, 0
for i = 1, 30000 do list[i % 500 + 1] = { i, tostring(i), { i } } if i % 1000 == 0 then collectgarbage("step") end end
for i = 1, 500 do local e = list[i] assert(e[1] == e[3][1] and tostring(e[1]) == e[2]) checksum = checksum + e[1] end
assert(checksum == (29501 + 30000) * 250)
-- In each mode, a small random workload keeps its structure
local seed = 1 local function random(n) seed = (seed * 16807) % 2147483647 return seed % n + 1 end
for _, m in ipairs({ "incremental", "generational" }) do
  collectgarbage(m) local nodes = {} for i = 1, 300 do nodes[i] = { id = i } end
  for _ = 1, 20000 do local i, j = random(300), random(300) nodes[i].link = nodes[j] nodes[i].text = "n" .. nodes[j].id if random(50) == 1 then nodes[j] = { id = j } end end
  for i = 1, 300 do local n = nodes[i] assert(n.id == i and (n.link == nil or n.text == "n" .. n.link.id)) end
end
collectgarbage("incremental")
-- Stopped: nothing is collected by itself
collectgarbage() collectgarbage("stop")
local w = setmetatable({}, { __mode = "k" }) for i = 1, 100 do w[{}] = i end for i = 1, 2000 do local t = { i } end
local n = 0 for _ in pairs(w) do n = n + 1 end
assert(n == 100) collectgarbage("restart") collectgarbage()
assert(next(w) == nil)
-- Steps finish a cycle
local steps = 0 repeat steps = steps + 1 until collectgarbage("step", 100) or steps > 10000
assert(steps <= 10000)
-- In coroutines, metamethods and callbacks
coroutine.wrap(function() local t = { 1, 2 } collectgarbage() assert(t[2] == 2) coroutine.yield() end)()
assert(setmetatable({}, { __index = function(_, k) collectgarbage() return k end }).key == "key")
local sorted = { 3, 1, 2 } table.sort(sorted, function(a, b) collectgarbage() return a < b end)
assert(sorted[1] == 1)
assert((("abc"):gsub(".", function(ch) collectgarbage() return ch .. ch end)) == "aabbcc")
print("ok")
