-- load, loadfile, dofile, chunk names, modes, readers; _ENV in all its uses.
local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  message = tostring(message):gsub("^[^:]*%.lua:%d+: ", "")
  assert(not ok and message == expected, message)
end
assert(load("return 1")() == 1 and load("x = ")== nil and type(select(2, load("x ="))) == "string" and load("")() == nil and load("return ...")(5) == 5 and select("#", load("return ...")(1, nil)) == 2)
local function pieces(...) local list, i = { ... }, 0 return function() i = i + 1 return list[i] end end
assert(load(pieces("return ", "1", " + 2"))() == 3 and load(pieces("ret", "urn ", "'a\\", "nb'"))() == "a\nb" and load(pieces("return 5", "", " + 1"))() == 5 and load(pieces())() == nil and load(pieces("x = "), "=n") == nil)
local f, m = load(function() error("reader failed", 0) end) assert(f == nil and m == "reader failed")
f, m = load(function() return {} end) assert(f == nil and m:find("reader function must return a string"))
f, m = load(pieces("return '", 5, "'")) assert(f() == "5")
f, m = load("return 1", "n", "b") assert(f == nil and m == "attempt to load a text chunk (mode is 'b')")
f, m = load(string.dump(function() return 7 end), "n", "t") assert(f == nil and m == "attempt to load a binary chunk (mode is 't')")
assert(load(string.dump(function() return 7 end), "n", "b")() == 7 and load("return 1", "n", "bt")() == 1 and load("return 1", "n", "t")() == 1 and load("return 1", nil, nil)() == 1)
f, m = load("error('x')", "=(name)") assert(select(2, pcall(f)) == "(name):1: x")
f = load("error('x')", "@file.lua") assert(select(2, pcall(f)) == "file.lua:1: x")
f = load("error('x')") assert(select(2, pcall(f)) == [=[[string "error('x')"]:1: x]=])
f = load(pieces("error('x')")) assert(select(2, pcall(f)):find("load"))
fails("?", load)
fails("?", load, {})
fails("?", load, true)
-- Environments
local env = { y = 5 }
f = load("x = y; return x, _ENV", "n", "t", env)
local a, b = f() assert(a == 5 and b == env and env.x == 5 and rawget(_G, "x") == nil)
assert(load("return x", "n", "t", { x = "in" })() == "in" and load("return _ENV", "n", "t", nil)() == nil and load("return _ENV", "n", "t", 5)() == 5 and load("return _ENV")() == _G and select("#", debug.getupvalue(load("x = 1"), 1)) == 2 and debug.getupvalue(load("x = 1"), 1) == "_ENV")
fails("?", load("return x", "=n", "t", nil))
fails("?", load("x = 1", "=n", "t", 5))
fails("?", load("x()", "=n", "t", {}))
local log = {}
env = setmetatable({}, { __index = function(_, k) log[#log + 1] = "get " .. k return _G[k] end, __newindex = function(t, k, v) log[#log + 1] = "set " .. k rawset(t, k, v) end })
load("local t = type(1) v = t; v = v .. 'x'; w = v; function g() return w end", "n", "t", env)()
assert(table.concat(log, ",") == "get type,set v,set w,set g" and env.v == "numberx" and env.g() == "numberx")
do local g = _G local _ENV = { a = 1 } a = a + 1 g.assert(a == 2 and g.a == nil and _ENV.a == 2) end
local function with(_ENV) return x + y end assert(with({ x = 1, y = 2 }) == 3)
local function make(_ENV) function get() return v end function set(n) v = n end return _ENV end
local e1, e2 = make({ v = 1 }), make({ v = 2 }) e1.set(10) assert(e1.get() == 10 and e2.get() == 2)
local function nested() local _ENV <const> = { k = 3 } return function() return k end end assert(nested()() == 3)
do local p = pcall local _ENV = nil local ok = p(function() return undefined end) if ok then local n = nil + 1 end end
_ENV.global_by_env = 7 assert(global_by_env == 7 and _G.global_by_env == 7 and _ENV == _G and _G._G == _G) global_by_env = nil
local saved = _G _G = nil assert(saved.print == print and _ENV == saved) _ENV._G = saved assert(_G == saved)
setmetatable(_G, { __index = function(_, k) return "missing " .. k end, __newindex = function(t, k, v) rawset(t, k, { v }) end })
assert(some_global == "missing some_global") new_global = 5 assert(new_global[1] == 5) setmetatable(_G, nil) new_global = nil assert(some_global == nil)
for k, v in pairs({ sandbox = 1 }) do local chunk = load("sandbox = sandbox + 1 return sandbox", "s", "t", { sandbox = v }) assert(chunk() == 2 and chunk() == 3) end
-- Chunks share no locals; loaded functions have fresh upvalues
f = load("local n = 0 return function() n = n + 1 return n end") local c1, c2 = f(), f() assert(c1() == 1 and c1() == 2 and c2() == 1)
-- Files
local name = os.tmpname()
local function write(text) local h = assert(io.open(name, "wb")) h:write(text) h:close() end
write("return ..., 'file'") assert(loadfile(name)(1) == 1 and select(2, loadfile(name)(1)) == "file" and select(2, dofile(name)) == "file")
write("#!/usr/bin/env lua\nreturn 'shebang', debug.getinfo(1, 'l').currentline") a, b = dofile(name) assert(a == "shebang" and b == 2)
write("# only a comment") assert(loadfile(name)() == nil) write("") assert(loadfile(name)() == nil)
write("\xEF\xBB\xBFreturn 'bom'") assert(dofile(name) == "bom") write("\xEF\xBB\xBF#x\nreturn 'both'") assert(dofile(name) == "both")
write("x = ") f, m = loadfile(name) assert(f == nil and m:find(":1: unexpected symbol near <eof>") and not pcall(dofile, name))
write("x = 1\nerror('here')") local ok ok, m = pcall(dofile, name) assert(m:sub(-8) == ":2: here" and m:find(name, 1, true)) x = nil
write("v = 1 return _ENV") env = {} assert(loadfile(name, "t", env)() == env and env.v == 1 and loadfile(name, "bt", nil) and loadfile(name, nil, env)() == env)
f, m = loadfile(name, "b") assert(f == nil and m:find("attempt to load a text chunk"))
write(string.dump(function() return "binary" end)) assert(dofile(name) == "binary" and loadfile(name, "b")() == "binary") f, m = loadfile(name, "t") assert(f == nil and m:find("attempt to load a binary chunk"))
write("# comment\n" .. string.dump(function() return "after comment" end)) assert(dofile(name) == "after comment")
os.remove(name)
f, m = loadfile("/does/not/exist") assert(f == nil and m == "cannot open /does/not/exist" or m:find("cannot open"))
assert(not pcall(dofile, "/does/not/exist"))
-- Limits of the parser
assert(load("return " .. ("("):rep(100) .. "1" .. (")"):rep(100))() == 1)
f, m = load("return " .. ("("):rep(10000) .. "1" .. (")"):rep(10000)) assert(f == nil and type(m) == "string")
f, m = load(("do "):rep(10000) .. ("end "):rep(10000)) assert(f == nil) f, m = load("return " .. ("{"):rep(10000)) assert(f == nil) f, m = load("x = " .. ("-"):rep(3) .. "1") assert(f)
f, m = load("return " .. ("not "):rep(10000) .. "1") assert(f == nil) f, m = load("return " .. ("a.."):rep(10000) .. "a") assert(f == nil or type(f) == "function") assert(load("return " .. ("1+"):rep(10000) .. "1")() == 10001)
local locals = {} for i = 1, 200 do locals[i] = "local v" .. i end
assert(load(table.concat(locals, "\n"))) locals[201] = "local v201" f, m = load(table.concat(locals, "\n"), "=s") assert(f == nil and m:find("too many local variables"), m)
print("ok")
