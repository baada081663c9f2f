-- Yields across pcall, xpcall, metamethods, iterators, sort, gsub, load, require, closing, hooks.
local yield, wrap = coroutine.yield, coroutine.wrap
local function steps(f, ...)
  local co, out = coroutine.create(f), {}
  local r = table.pack(coroutine.resume(co, ...))
  while coroutine.status(co) ~= "dead" do out[#out + 1] = tostring(r[2]) r = table.pack(coroutine.resume(co, r[2])) end
  return table.concat(out, " "), table.unpack(r, 1, r.n)
end
local trace, ok, a, b = steps(function() return pcall(function() yield(1) yield(2) return "r" end) end)
assert(trace == "1 2")
assert(ok)
assert(a == true)
assert(b == "r")
trace, ok, a, b = steps(function() return pcall(function() yield(1) error("e", 0) end) end)
assert(trace == "1")
assert(ok)
assert(a == false)
assert(b == "e")
trace, ok, a, b = steps(function() return pcall(pcall, pcall, function() yield(1) error("deep", 0) end) end)
assert(trace == "1")
assert(a == true)
assert(b == true)
trace, ok, a, b = steps(function() return xpcall(function(x) yield(x) error("e", 0) end, function(m) return "handled " .. m end, "arg") end)
assert(trace == "arg")
assert(a == false)
assert(b == "handled e")
trace, ok, a = steps(function() for i = 1, 3 do local s, e = pcall(function() yield(i) if i == 2 then error("two", 0) end return i end) if not s then yield(e) end end return "end" end)
assert(trace == "1 2 two 3")
assert(a == "end")
trace, ok, a = steps(function() return pcall(yield, "direct") end)
assert(trace == "direct")
assert(a == true)
trace, ok, a, b = steps(function() return select(2, pcall(function() return pcall(function() yield("x") local n n.f() end) end)) end)
assert(trace == "x")
assert(a == false)
assert(b:find("local 'n'"))
-- for iterators, both written in Lua and yielding
trace = steps(function() for i in function(_, c) yield("it" .. (c or 0)) c = (c or 0) + 1 if c <= 2 then return c end end do yield("body" .. i) end end)
assert(trace == "it0 body1 it1 body2 it2")
-- metamethods in every position
local M = {} M.__index = function(_, k) return yield("index " .. k) end M.__add = function(p, q) return yield("add") end M.__eq = function() return yield("eq") end M.__lt = function() return yield("lt") end M.__le = function() return yield("le") end M.__concat = function() return yield("concat") end M.__len = function() return yield("len") end M.__unm = function() return yield("unm") end M.__call = function(_, x) return yield("call") end M.__newindex = function(_, k, v) yield("newindex") end M.__close = function() yield("close") end
local function m() return setmetatable({}, M) end
trace = steps(function() local o <close> = m() local x = o.field .. "" x = o + 1 x = 1 + o x = o == m() x = o < m() x = o <= 5 x = o > 5 x = "a" .. o x = #o x = -o x = o(1) o.f = 1 if o == m() then yield("then") end if o ~= m() then yield("no") end while o < m() do break end return o(2) end)
assert(trace == "index field add add eq lt le lt concat len unm call newindex eq then eq lt call close", trace)
-- tail calls
local function tail(n) if n == 0 then return yield("tail") end return tail(n - 1) end
trace, ok, a = steps(tail, 10)
assert(trace == "tail")
assert(a == "tail")
-- load with a reader that yields is not allowed; inside plain callbacks neither
local function refused(f) local w = coroutine.create(f) local r, s, e = coroutine.resume(w) assert(r, s) assert(s == false and tostring(e):find("attempt to yield across a C%-call boundary"), tostring(e)) end
refused(function() local f, e = load(function() return yield("piece") end) return f or false, e end)
-- dofile, require: allowed or refused alike by the body; here only the plain path
local name = os.tmpname() local file = io.open(name, "w") file:write("coroutine.yield('in file') return 'from file'") file:close()
trace, ok, a = steps(function() return dofile(name) end)
assert(trace == "in file" and a == "from file") os.remove(name)
-- coroutines inside coroutines
trace, ok, a = steps(function() local inner = wrap(function() yield("i1") yield("i2") return "i3" end) yield(inner()) yield(inner()) return inner() end)
assert(trace == "i1 i2")
assert(a == "i3")
-- table functions with metamethods that yield, unpack etc. run to their end without yielding
trace, ok, a = steps(function() local t = { 3, 1, 2 } table.sort(t) yield(t[1]) return table.concat(t) end)
assert(trace == "1")
assert(a == "123")
-- deep pcall nest with a yield at the bottom, then an error up through all
trace, ok, a, b = steps(function() local function nest(n) if n == 0 then yield("bottom") error("up", 0) end local s, e = pcall(nest, n - 1) error(e .. n, 0) end return pcall(nest, 5) end)
assert(trace == "bottom")
assert(a == false)
assert(b == "up12345")
-- varargs and locals survive
trace, ok, a, b = steps(function(...) local x, y = 1, { 2 } local n = select("#", ...) yield("v") collectgarbage() return n, x + y[1] + select("#", ...) end, 1, 2, 3)
assert(a == 3)
assert(b == 6)
-- a yield inside a numeric for with float and integer steps
trace = steps(function() for i = 1, 2, 0.5 do yield(i) end for i = 3, 1, -1 do yield(i) end end)
assert(trace == "1.0 1.5 2.0 3 2 1")
-- scheduler: round robin of tasks with different lifetimes
local tasks, order = {}, {}
for i = 1, 3 do tasks[i] = wrap(function() for j = 1, i do order[#order + 1] = i .. "." .. j yield(true) end end) end
while #tasks > 0 do for i = #tasks, 1, -1 do if not tasks[i]() then table.remove(tasks, i) end end end
assert(table.concat(order, " ") == "3.1 2.1 1.1 3.2 2.2 3.3")
print("ok")
