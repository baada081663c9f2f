-- Weak keys, weak values, both; ephemerons; what counts as a reference; changes of __mode.
local function full() collectgarbage() collectgarbage() end
local function size(t) local n = 0 for _ in pairs(t) do n = n + 1 end return n end
local function weak(mode, t) return setmetatable(t or {}, { __mode = mode }) end
-- Values
local v = weak("v") local kept = {} v[1], v.a, v[kept], v.k = {}, {}, {}, kept v.n, v.s, v.b, v.f = 5, "text", true, print full()
assert(v[1] == nil)
assert(v.a == nil)
assert(v[kept] == nil)
assert(v.k == kept)
assert(v.n == 5)
assert(v.s == "text")
assert(v.b == true)
assert(v.f == print)
assert(size(v) == 5)
for i = 1, 100 do v[i] = {} end full()
assert(size(v) == 5 and #v == 0) v = weak("v", { {}, kept, {}, kept }) full()
assert(v[1] == nil)
assert(v[2] == kept)
assert(v[3] == nil)
assert(v[4] == kept)
-- Keys
local k = weak("k") k[{}], k[kept], k[function() end], k.str, k[1], k[2.5] = 1, 2, 3, {}, {}, {} full()
assert(size(k) <= 5)
assert(k[kept] == 2)
assert(k.str)
assert(k[1])
assert(k[2.5])
for i = 1, 50 do k[{}] = i end full()
assert(size(k) <= 5)
-- Both
local kv = weak("kv") kv[{}] = kept kv[kept] = {} kv[1] = {} kv.x = kept kv[kept] = kept full()
assert(size(kv) == 2 and kv.x == kept and kv[kept] == kept) kv = weak("vk") kv[{}] = 1 full()
assert(next(kv) == nil)
-- Ephemerons: a value that refers to its own key doesn't keep it
local e = weak("k") do local key = {} e[key] = { key } local a, b = {}, {} e[a], e[b] = b, a local c = {} e[c] = function() return c end end full()
assert(next(e) == nil)
do local root = {} e[root] = { next = {} } e[e[root].next] = { next = {} } e[e[e[root].next].next] = "end" full() assert(size(e) == 3 and e[e[e[root].next].next] == "end") end full()
assert(next(e) == nil)
local head = {} do local key = head for i = 1, 200 do local nxt = {} e[key] = nxt key = nxt end end full()
assert(size(e) == 200)
local n, key = 0, head while e[key] do key = e[key] n = n + 1 end
assert(n == 200) head, key = nil, nil full()
assert(next(e) == nil)
local e2 = weak("k") do local a = {} e[a] = {} e2[e[a]] = a end full()
assert(next(e) == nil and next(e2) == nil) do local a, b = {}, {} e[a] = b e2[b] = { a } kept.a = a end full()
assert(size(e) == 1 and size(e2) == 1) kept.a = nil full()
assert(next(e) == nil)
assert(next(e2) == nil)
-- Strings and numbers are values, never removed; booleans and C functions too
v = weak("kv") for i = 1, 20 do v["key" .. i] = "value" .. i v[i] = i end full()
assert(size(v) == 40)
-- Threads, closures, userdata
v = weak("v") v.co, v.fn, v.file = coroutine.create(print), (function(x) return function() return x end end)(1), io.tmpfile() full()
assert(v.co == nil)
assert(v.fn == nil)
assert(v.file == nil)
-- __mode changed later; wrong values of __mode
local m = { __mode = "k" }
local t = setmetatable({}, m) t[{}] = 1 m.__mode = nil full()
assert(size(t) == 1) m.__mode = "k" full()
assert(size(t) == 0) t = setmetatable({}, { __mode = "x" }) t[{}] = {} full()
assert(size(t) == 1) t = setmetatable({}, { __mode = 5 }) t[{}] = {} full()
assert(size(t) == 1) m = {} t = setmetatable({}, m) t[1] = {} full()
assert(t[1]) m.__mode = "v" full()
assert(t[1] == nil)
-- Removal during traversal
t = weak("k") for i = 1, 100 do t[{}] = i end n = 0 for key in pairs(t) do n = n + 1 collectgarbage("step") end
assert(n >= 1 and n <= 100) full()
assert(next(t) == nil)
t = weak("v") for i = 1, 200 do t[i] = { i } end for i, x in pairs(t) do collectgarbage() assert(x[1] == i) break end
-- A cache that recomputes
local made = 0 local cache = weak("v") local function get(i) local r = cache[i] if not r then made = made + 1 r = { i } cache[i] = r end return r end
local one = get(1)
assert(get(1) == one and made == 1) one = nil full() get(1)
assert(made == 2)
-- Object attributes by weak keys; a weak table inside a weak table
local names = weak("k")
local o = {} names[o] = "o" full()
assert(names[o] == "o") o = nil full()
assert(next(names) == nil) t = weak("v") t[1] = weak("v") full()
assert(t[1] == nil)
-- Values reachable by a resurrecting finalizer: removed from values before, from keys after
local store v, k = weak("v"), weak("k") do local obj = setmetatable({ "obj" }, { __gc = function(self) store = { self, v[1], k[self] } end }) v[1], k[obj] = obj, "attached" end full()
assert(store[1][1] == "obj" and store[2] == nil and store[3] == "attached") store = nil full()
assert(next(k) == nil)
print("ok")
