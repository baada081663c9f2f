-- __gc: when it runs, order, resurrection, errors, marking at setmetatable.
local log = {} local function full() collectgarbage() collectgarbage() end
local function object(name, extra) local o = extra or {} o.name = name return setmetatable(o, { __gc = function(self) log[#log + 1] = self.name end }) end
local function took(expected) full() local text = table.concat(log, " ") log = {} assert(text == expected, text) end
do object("a") end took("a") took("")
-- Reverse order of marking
do for i = 1, 5 do object("o" .. i) end end took("o5 o4 o3 o2 o1")
-- Reachable ones stay
local kept = object("kept") took("") kept = nil took("kept")
-- Once only, unless set again
local again do local t = setmetatable({}, { __gc = function(self) log[#log + 1] = "gc" again = self end }) end took("gc")
assert(again) again = nil took("")
do local meta = {} meta.__gc = function(self) log[#log + 1] = "again" self.n = self.n + 1 if self.n < 3 then setmetatable(self, meta) end end setmetatable({ n = 0 }, meta) end full() full() full()
assert(table.concat(log, " ") == "again again again") log = {}
-- __gc must be in the metatable when it is set
do local meta = {} local t = setmetatable({}, meta) meta.__gc = function() log[#log + 1] = "late" end end took("")
do local meta = { __gc = true } local t = setmetatable({}, meta) meta.__gc = function() log[#log + 1] = "marked" end end took("marked")
do setmetatable({}, { __gc = true }) setmetatable({}, { __gc = 5 }) setmetatable({}, { __gc = "x" }) end full()
do local meta = { __gc = function() log[#log + 1] = "removed" end } local t = setmetatable({}, meta) setmetatable(t, nil) end took("")
do local t = setmetatable({}, { __gc = function() log[#log + 1] = "first" end }) setmetatable(t, { __gc = function() log[#log + 1] = "second" end }) end took("second")
-- What the finalizer reaches is alive
do local inner = { value = 7 } object("outer", { inner = inner }) local o = setmetatable({ inner = inner }, { __gc = function(self) log[#log + 1] = "v" .. self.inner.value end }) end took("v7 outer")
do local a, b = object("A"), object("B") a.b, b.a = b, a end took("B A")
-- Resurrection
local saved do setmetatable({ "alive" }, { __gc = function(self) saved = self end }) end full()
assert(saved[1] == "alive") saved = nil full()
-- Errors in finalizers are warnings, not errors
warn("@off") do setmetatable({}, { __gc = function() error("in finalizer") end }) object("after") end took("after")
-- New objects, collections and coroutines inside finalizers
do setmetatable({}, { __gc = function() object("born in gc") collectgarbage("count") log[#log + 1] = "parent" end }) end full() full() table.sort(log)
assert(table.concat(log, " ") == "born in gc parent") log = {}
do setmetatable({}, { __gc = function() local co = coroutine.wrap(function() coroutine.yield(1) log[#log + 1] = "coroutine" end) co() co() end }) end took("coroutine")
do setmetatable({}, { __gc = function() log[#log + 1] = tostring(select(2, pcall(error, "caught", 0))) end }) end took("caught")
do setmetatable({}, { __gc = function() log[#log + 1] = tostring(collectgarbage()) end }) end full()
assert(#log == 1) log = {}
-- Runs during ordinary work, too
local ran = 0 do for i = 1, 100 do setmetatable({}, { __gc = function() ran = ran + 1 end }) end end for i = 1, 200000 do local t = { i } end full()
assert(ran == 100)
-- A finalizer receives exactly the object
do local got setmetatable({ "me" }, { __gc = function(...) got = table.pack(...) end }) full() assert(got.n == 1 and got[1][1] == "me") end
-- Threads, closures in objects; many
do local co = coroutine.create(function() local o = object("in coroutine") coroutine.yield(o) end) coroutine.resume(co) end took("in coroutine")
do for i = 1, 1000 do object("x") end end full()
assert(#log == 1000) log = {}
-- Yield is not possible inside
local yielded coroutine.wrap(function() do setmetatable({}, { __gc = function() yielded = pcall(coroutine.yield) end }) end full() end)()
assert(yielded == false)
-- At the end of the state, pending ones run: seen only by effects on output, so keep it silent
setmetatable({}, { __gc = function() end })
print("ok")
