-- Deep recursion, stack overflow as an error, recursion through every library callback, size limits.
local function depth(n) if n == 0 then return 0 end return 1 + depth(n - 1) end
assert(depth(10000) == 10000)
assert(depth(100000) == 100000)
local function overflow(f, ...) local ok, m = pcall(f, ...) assert(not ok and tostring(m):find("overflow") or tostring(m):find("too many") or tostring(m):find("error in error"), tostring(m)) return m end
local function forever() return 1 + forever() end
assert(overflow(forever):find("stack overflow"))
assert(depth(1000) == 1000)
local function forever_table() return { forever_table() } end overflow(forever_table) local function with_many(...) return 1 + with_many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...) end overflow(with_many)
-- Through metamethods
local t = setmetatable({}, {}) local m = getmetatable(t) m.__index = function(s, k) return s[k .. "x"] end overflow(function() return t.a end) m.__add = function(a, b) return a + b end overflow(function() return t + 1 end) m.__tostring = function(s) return tostring(s) end overflow(tostring, t) m.__len = function(s) return #s + 1 end overflow(function() return #t end) m.__eq = function(a, b) return a == b end overflow(function() return t == setmetatable({}, m) end) m.__lt = function(a, b) return a < b end overflow(function() return t < t end) m.__concat = function(a, b) return a .. b end overflow(function() return t .. t end) m.__newindex = function(s, k, v) s[k .. "x"] = v end overflow(function() t.a = 1 end)
-- Through library functions
local function via_pcall() local ok, e = pcall(via_pcall) if not ok then error(e, 0) end return e end overflow(via_pcall)
local function via_sort() table.sort({ 1, 2, 3 }, via_sort) return true end overflow(via_sort) local function via_gsub() return (("x"):gsub("x", via_gsub)) end overflow(via_gsub)
local function via_xpcall() return select(2, xpcall(via_xpcall, function(e) return e end)) end
local e = via_xpcall()
assert(e ~= nil)
local function via_coroutine() return coroutine.wrap(via_coroutine)() end overflow(via_coroutine)
local function via_pairs() for _ in pairs(setmetatable({}, { __pairs = via_pairs })) do end end overflow(via_pairs)
-- Recursion that the language promises not to limit: tail calls
local function tail(n, acc) if n == 0 then return acc end return tail(n - 1, acc + 1) end
assert(tail(1000000, 0) == 1000000)
local a, b function a(n) if n <= 0 then return "a" end return b(n - 1) end function b(n) if n <= 0 then return "b" end return a(n - 1) end
assert(a(100001) == "b")
-- Deep data
local list = nil for i = 1, 100000 do list = { next = list, v = i } end
local n = 0 while list do n = n + list.v list = list.next end
assert(n == 5000050000)
local chain = {}
local top = chain for _ = 1, 50000 do local x = {} chain[1] = x chain = x end collectgarbage() n = 0 while top do top = top[1] n = n + 1 end
assert(n == 50001)
local f = function() return 0 end for _ = 1, 10000 do local g = f f = function() return g end end collectgarbage() n = 0 while type(f) == "function" do f = f() n = n + 1 end
assert(n == 10001)
-- Coroutines inside coroutines
local function nested(k) if k == 0 then return "bottom" end return coroutine.wrap(nested)(k - 1) end
assert(nested(100) == "bottom")
-- Sizes
assert(not pcall(string.rep, "x", 1 << 60))
assert(not pcall(string.rep, "abc", math.maxinteger))
assert(not pcall(table.concat, setmetatable({}, { __len = function() return 1 << 40 end, __index = function() error("stop") end })))
assert(not pcall(table.unpack, {}, 1, 1 << 30))
assert(#("x"):rep(10000000) == 10000000)
local parts = {} for i = 1, 100000 do parts[i] = "ab" end
assert(#table.concat(parts) == 200000)
-- Sources: nesting, long expressions, many constants
local deep = load("return " .. ("{"):rep(150) .. ("}"):rep(150))
assert(type(deep()) == "table")
assert(not load("return " .. ("{"):rep(5000) .. ("}"):rep(5000)))
assert(not load(("if x then "):rep(5000) .. ("end "):rep(5000)))
assert(not load("return " .. ("function() return "):rep(5000) .. ("end "):rep(5000)))
local sum = {} for i = 1, 5000 do sum[i] = tostring(i) end
assert(load("return " .. table.concat(sum, "+"))() == 12502500)
local strings = {} for i = 1, 5000 do strings[i] = ("%q"):format("s" .. i) end
local big = load("return {" .. table.concat(strings, ",") .. "}")()
assert(#big == 5000)
assert(big[4999] == "s4999")
local body = {} for i = 1, 3000 do body[i] = ("x%d = %d + 0.5; if x%d == nil then error() end"):format(i, i, i) end
local env = {}
assert(load(table.concat(body, "\n"), "n", "t", env))()
assert(env.x3000 == 3000.5)
local elseifs = { "local x = ... if x == 0 then return 0" } for i = 1, 500 do elseifs[#elseifs + 1] = ("elseif x == %d then return %d"):format(i, i * 2) end elseifs[#elseifs + 1] = "end" local choose = load(table.concat(elseifs, " ")) assert(choose(0) == 0 and choose(250) == 500 and choose(500) == 1000 and choose(501) == nil)
local dots = {} for i = 1, 100 do dots[i] = "'a'" end
assert(#load("return " .. table.concat(dots, ".."))() == 100)
print("ok")
