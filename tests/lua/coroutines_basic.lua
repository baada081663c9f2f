-- create, resume, yield, status, isyieldable, running; values both ways; errors.
local create, resume, yield, status, running = coroutine.create, coroutine.resume, coroutine.yield, coroutine.status, coroutine.running
local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  message = tostring(message):gsub("^[^:]*%.lua:%d+: ", "")
  assert(not ok and message == expected, message)
end
local co = create(function(a, b)
  assert(a == 1)
  assert(b == 2)
  local c, d = yield(a + b, "x")
  assert(c == 3)
  assert(d == nil)
  local n = select("#", yield())
  assert(n == 0)
  return "end", nil, "last"
end)
assert(type(co) == "thread")
assert(status(co) == "suspended")
assert(tostring(co):find("^thread: "))
local ok, x, y = resume(co, 1, 2)
assert(ok)
assert(x == 3)
assert(y == "x")
assert(status(co) == "suspended")
assert(select("#", resume(co, 3)) == 1)
local t = table.pack(resume(co))
assert(t.n == 4)
assert(t[1] == true)
assert(t[2] == "end")
assert(t[3] == nil)
assert(t[4] == "last")
assert(status(co) == "dead")
ok, x = resume(co)
assert(not ok)
assert(x == "cannot resume dead coroutine")
-- Status
local main, is_main = running()
assert(type(main) == "thread")
assert(is_main)
assert(status(main) == "running")
assert(not coroutine.isyieldable())
assert(not coroutine.isyieldable(main))
local outer
outer = create(function()
  local me, m = running()
  assert(me == outer)
  assert(not m)
  assert(status(outer) == "running")
  assert(coroutine.isyieldable())
  assert(status(main) == "normal")
  local inner = create(function() assert(status(outer) == "normal" and coroutine.isyieldable(outer)) yield() end)
  resume(inner)
  assert(status(inner) == "suspended")
  assert(coroutine.isyieldable(inner))
  ok, x = resume(outer)
  assert(not ok)
  assert(x == "cannot resume non-suspended coroutine")
  ok, x = resume(main)
  assert(not ok)
  assert(x == "cannot resume non-suspended coroutine")
end)
ok, x = resume(outer)
assert(ok, x)
-- Errors inside
co = create(function() error("text") end)
ok, x = resume(co)
assert(not ok)
assert(x:find("text$"))
assert(status(co) == "dead")
co = create(function() error({ 5 }) end)
ok, x = resume(co)
assert(not ok)
assert(x[1] == 5)
co = create(function() error() end)
t = table.pack(resume(co))
assert(t.n == 2)
assert(t[1] == false)
assert(t[2] == nil)
co = create(function() local n = nil; n.x = 1 end)
ok, x = resume(co)
assert(not ok)
assert(x:find("attempt to index a nil value %(local 'n'%)"))
-- yield outside
fails("attempt to yield from outside a coroutine", yield)
fails("bad argument #1 to 'coroutine.create' (function expected, got no value)", create)
fails("bad argument #1 to 'coroutine.create' (function expected, got number)", create, 5)
fails("bad argument #1 to 'coroutine.resume' (thread expected, got number)", resume, 5)
fails("bad argument #1 to 'coroutine.resume' (thread expected, got no value)", resume)
fails("bad argument #1 to 'coroutine.status' (thread expected, got table)", status, {})
fails("bad argument #1 to 'coroutine.status' (thread expected, got no value)", status)
fails("bad argument #1 to 'coroutine.wrap' (function expected, got no value)", coroutine.wrap)
fails("bad argument #1 to 'coroutine.wrap' (function expected, got string)", coroutine.wrap, "x")
fails("bad argument #1 to 'coroutine.close' (thread expected, got number)", coroutine.close, 1)
fails("bad argument #1 to 'coroutine.isyieldable' (thread expected, got number)", coroutine.isyieldable, 1)
-- Functions of the library as bodies
assert(select(2, resume(create(print and math.max), 3, 9)) == 9)
assert(select(2, resume(create(yield), 7)) == 7)
co = create(yield)
assert(select("#", resume(co, 1, 2)) == 3)
assert(select("#", resume(co, 3)) == 2)
assert(status(co) == "dead")
ok, x = resume(create(resume), create(function(v) return v end), 5)
assert(ok)
assert(x == true)
-- Generators
local function range(n) return coroutine.wrap(function() for i = 1, n do yield(i) end end) end
local sum = 0
for i in range(100) do sum = sum + i end
assert(sum == 5050)
local function permutations(list) return coroutine.wrap(function() local function go(n) if n <= 1 then yield(table.concat(list)) else for i = 1, n do list[i], list[n] = list[n], list[i] go(n - 1) list[i], list[n] = list[n], list[i] end end end go(#list) end) end
local seen, n = {}, 0
for p in permutations({ "a", "b", "c", "d" }) do assert(not seen[p]) seen[p] = true n = n + 1 end
assert(n == 24)
local function tree(k) return k > 0 and { left = tree(k - 1), v = k, right = tree(k - 1) } or nil end
local function walk(node) if node then walk(node.left) yield(node.v) walk(node.right) end end
local out = {}
for v in coroutine.wrap(function() walk(tree(4)) end) do out[#out + 1] = v end
assert(table.concat(out) == "121312141213121")
-- Producer, filter, consumer
local function producer() return create(function() for i = 1, 5 do yield("line" .. i) end return nil end) end
local function filter(p) return create(function() for n = 1, math.huge do local _, v = resume(p) if not v then return nil end yield(n .. ":" .. v) end end) end
local f, got = filter(producer()), {}
while true do local _, v = resume(f) if not v then break end got[#got + 1] = v end
assert(table.concat(got, " ") == "1:line1 2:line2 3:line3 4:line4 5:line5")
-- Many values and deep stacks across a yield
local many = {} for i = 1, 500 do many[i] = i end
co = create(function(...) local a = { yield(...) } return #a, select("#", ...) end)
assert(select("#", resume(co, table.unpack(many))) == 501)
ok, x, y = resume(co, table.unpack(many))
assert(x == 500)
assert(y == 500)
local function deep(k) if k == 0 then yield("bottom") return 0 end return 1 + deep(k - 1) end
co = create(deep)
assert(select(2, resume(co, 5000)) == "bottom")
collectgarbage()
assert(select(2, resume(co)) == 5000)
-- Nested coroutines
local function nest(k) if k == 0 then yield("deepest") return "done" end local c = create(nest) local _, v = resume(c, k - 1) yield(v .. k) local _, w = resume(c) return w end
co = create(nest)
assert(select(2, resume(co, 3)) == "deepest123")
-- As keys, collected when dropped, many alive
local alive = {}
for i = 1, 200 do local c = create(function(a) while true do a = a + yield(a) end end) resume(c, i) alive[i] = c end
collectgarbage()
for i = 1, 200 do assert(select(2, resume(alive[i], 1)) == i + 1) end
local weak = setmetatable({}, { __mode = "k" })
for i = 1, 10 do local c = create(function() yield() end) resume(c) weak[c] = i end
alive = nil
collectgarbage() collectgarbage()
assert(next(weak) == nil)
-- The same body for several threads; upvalues shared
local shared = 0
local body = function() for _ = 1, 3 do shared = shared + 1 yield(shared) end end
local c1, c2 = create(body), create(body)
assert(select(2, resume(c1)) == 1)
assert(select(2, resume(c2)) == 2)
assert(select(2, resume(c1)) == 3)
print("ok")
