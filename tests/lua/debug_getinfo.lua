-- debug.getinfo: every option, levels, functions, names, lines.
local function here() return debug.getinfo(2, "l").currentline end
local function f(a, b, ...)
  local c
  return debug.getinfo(1, "nSlutfr")
end
local first = here() - 4
local i = f(1)
assert(i.func == f and i.what == "Lua" and i.linedefined == first and i.lastlinedefined == first + 3 and i.currentline == first + 2)
assert(i.nparams == 2 and i.isvararg == true and i.nups == 1 and i.istailcall == false and i.namewhat == "local" and i.name == "f" and i.source:sub(1, 1) == "@" and i.short_src:find("debug_getinfo.lua"))
i = debug.getinfo(f) assert(i.currentline == -1 and i.func == f and i.name == nil and i.namewhat == "" and i.what == "Lua" and i.linedefined == first)
i = debug.getinfo(print) assert(i.what == "C" and i.source == "=[C]" and i.short_src == "[C]" and i.linedefined == -1 and i.lastlinedefined == -1 and i.currentline == -1 and i.isvararg == true and i.nparams == 0)
i = debug.getinfo(1) assert(i.what == "main" and i.linedefined == 0 and i.lastlinedefined >= 0 and i.func and i.nups == 1 and i.isvararg and i.currentline == here())
assert(debug.getinfo(100) == nil and debug.getinfo(50, "S") == nil and next(debug.getinfo(1, "")) == nil)
local only = debug.getinfo(1, "l") assert(only.currentline and only.source == nil and only.func == nil) only = debug.getinfo(f, "f") assert(only.func == f and only.what == nil) only = debug.getinfo(f, "u") assert(only.nups and only.what == nil)
-- Names by kind of call
local t = {} function t.field() return debug.getinfo(1, "n") end function t:method() return debug.getinfo(1, "n") end function global_f() local r = debug.getinfo(1, "n") return r end
i = t.field() assert(i.name == "field") i = t:method() assert(i.name == "method" and i.namewhat == "method") i = global_f() assert(i.name == "global_f" and i.namewhat == "global")
local up = t.field local function g() local r = up() return r end i = g() assert(i.name == "up" and i.namewhat == "upvalue") global_f = nil
i = select(2, pcall(t.field)) assert(i.name == nil and i.namewhat == "")
i = (function() return debug.getinfo(1, "n") end)() assert(i.name == nil)
local meta = setmetatable({}, { __index = function() return debug.getinfo(1, "n") end, __add = function() return debug.getinfo(1, "n") end, __call = function() return debug.getinfo(1, "n") end })
i = meta.x assert(i.namewhat == "metamethod" and i.name == "index") i = meta + 1 assert(i.namewhat == "metamethod" and i.name == "add")
for r in function(_, c) if not c then return debug.getinfo(1, "n") end end do i = r break end assert(i.name == "for iterator" and i.namewhat == "for iterator")
-- Tail calls
local function info() return debug.getinfo(1, "nt") end local function tail() return info() end i = tail() assert(i.istailcall == true and i.name == nil)
-- Active lines
local code = "local a = 1\n\nif a then\n  a = 2\nelse\n  a = 3\nend\nreturn a"
local lines = debug.getinfo(load(code), "L").activelines local list = {} for l in pairs(lines) do list[#list + 1] = l end table.sort(list)
assert(lines[1] and lines[3] and lines[4] and lines[6] and lines[8] and not lines[2] and not lines[5])
assert(debug.getinfo(print, "L").activelines == nil)
-- Levels of callers
local function level() return debug.getinfo(2, "f").func, debug.getinfo(3, "f").func end local function b() local p, q = level() return p, q end local function c() local p, q = b() return p, q end
local p, q = c() assert(p == b and q == c)
-- Threads
local co = coroutine.create(function(x) local y = x coroutine.yield(y) end) assert(debug.getinfo(co, 0) == nil) coroutine.resume(co, 5)
i = debug.getinfo(co, 1, "Slf") assert(i.what == "Lua" and i.currentline == here() - 1 and debug.getinfo(co, 0, "S").what == "C" and debug.getinfo(co, 2) == nil and debug.getinfo(co, f, "f").func == f)
-- Sources
assert(debug.getinfo(load("return 1", "=name")).source == "=name" and debug.getinfo(load("return 1", "=name")).short_src == "name" and debug.getinfo(load("x = 1\ny = 2")).short_src == '[string "x = 1..."]' and debug.getinfo(load("return 1")).source == "return 1")
-- Lines of calls spread out
local at = {} local function note() at[#at + 1] = debug.getinfo(2, "l").currentline return 1 end
local base = here()
local sum = note() +
  note() +
  note()
assert(at[1] == base + 1 and at[2] == base + 2 and at[3] == base + 3)
local function fails(expected, ...) local ok, m = pcall(debug.getinfo, ...) assert(not ok and m == expected, m) end
fails("bad argument #2 to 'debug.getinfo' (invalid option)", 1, "X")
fails("bad argument #2 to 'debug.getinfo' (invalid option '>')", 1, ">")
fails("bad argument #1 to 'debug.getinfo' (number expected, got string)", "x")
fails("bad argument #1 to 'debug.getinfo' (number expected, got no value)")
fails("bad argument #1 to 'debug.getinfo' (number expected, got table)", {})
fails("bad argument #2 to 'debug.getinfo' (string expected, got table)", 1, {})
fails("bad argument #1 to 'debug.getinfo' (number has no integer representation)", 1.5)
assert(debug.getinfo(-1) == nil)
print("ok")
