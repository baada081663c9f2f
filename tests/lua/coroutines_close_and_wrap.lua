-- wrap, its errors and iteration; close of suspended, dead, failed and running coroutines.
local create, resume, yield, status, wrap, close = coroutine.create, coroutine.resume, coroutine.yield, coroutine.status, coroutine.wrap, coroutine.close
local w = wrap(function(a) local b = yield(a + 1) error("failed " .. b, 0) end)
assert(type(w) == "function" and w(1) == 2)
local ok, m = pcall(w, "x") assert(not ok and m == "failed x")
ok, m = pcall(w) assert(not ok and m:find("cannot resume dead coroutine$"))
w = wrap(function() error({ code = 1 }) end)
ok, m = pcall(w) assert(not ok and m.code == 1)
w = wrap(function() error("positioned") end)
ok, m = pcall(w) assert(m:find("positioned"))
w = wrap(function() return pcall(w) end)
ok, m = w() assert(not ok and m:find("cannot resume non%-suspended coroutine"))
assert(select("#", wrap(function() return 1, nil, nil end)()) == 3 and select("#", wrap(function() end)()) == 0)
local out = {}
for a, b in wrap(function() yield(1, "one") yield(2, "two") end) do out[#out + 1] = a .. b end
assert(table.concat(out, " ") == "1one 2two")
-- An error through wrap closes the coroutine's variables
local log = {}
local function closer(name) return setmetatable({}, { __close = function(_, e) log[#log + 1] = name .. ":" .. tostring(e) end }) end
w = wrap(function() local x <close> = closer("x") error("e", 0) end)
assert(not pcall(w) and log[1] == "x:e" and #log == 1)
-- close
local co = create(function() local x <close> = closer("a") yield() end)
resume(co) log = {}
assert(close(co) == true and log[1] == "a:nil" and status(co) == "dead" and close(co) == true and #log == 1)
assert(not resume(co) and select(2, resume(co)) == "cannot resume dead coroutine")
co = create(print) assert(close(co) and status(co) == "dead")
co = create(function() end) resume(co) assert(close(co) == true)
co = create(function() error("inside", 0) end) resume(co)
ok, m = close(co) assert(ok == false and m == "inside")
ok, m = close(co) assert(ok == true and m == nil or ok == false)
co = create(function() local y <close> = setmetatable({}, { __close = function(_, e) log[#log + 1] = tostring(e) error("in close", 0) end }) local x <close> = closer("x") yield() end)
resume(co) log = {}
ok, m = close(co) assert(ok == false and m == "in close" and log[1] == "x:nil" and log[2] == "nil" and status(co) == "dead")
co = create(function() local a <close> = closer("a") local b <close> = setmetatable({}, { __close = function() error("b", 0) end }) yield() end)
resume(co) log = {}
ok, m = close(co) assert(not ok and m == "b" and log[1] == "a:b")
co = create(function() local x <close> = closer("x") error("err", 0) end) log = {}
ok, m = resume(co) assert(not ok and m == "err" and #log == 0)
ok, m = close(co) assert(not ok and m == "err" and log[1] == "x:err")
-- Not while running or normal
ok, m = pcall(close, coroutine.running()) assert(not ok and m:find("cannot close a running coroutine", 1, true))
co = create(function() return pcall(close, co) end)
local _, ok2, m2 = resume(co) assert(ok2 == false and m2:find("cannot close a running coroutine", 1, true))
local outer outer = create(function() local inner = create(function() return pcall(close, outer) end) return resume(inner) end)
local _, _, ok3, m3 = resume(outer) assert(ok3 == false and m3:find("cannot close a normal coroutine", 1, true), m3)
-- Close with many pending levels, in pcall frames and loops
co = create(function() for i = 1, 3 do local x <close> = closer("i" .. i) pcall(function() local y <close> = closer("y" .. i) if i == 2 then yield() end end) end end)
log = {} resume(co) close(co)
assert(table.concat(log, " ") == "y1:nil i1:nil y2:nil i2:nil")
-- A closed coroutine is garbage; its references go
local weak = setmetatable({}, { __mode = "v" })
co = create(function() local t = {} weak[1] = t yield() end)
resume(co) assert(weak[1]) close(co) collectgarbage() assert(weak[1] == nil)
-- Yield inside a closing method during close is an error of that method, or not allowed
co = create(function() local x <close> = setmetatable({}, { __close = function() yield() end }) yield() end)
resume(co) ok, m = close(co) assert(ok == false and m:find("attempt to yield"), m)
print("ok")
