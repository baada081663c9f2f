-- xpcall: handlers, arguments, errors in handlers, stack visible to handlers; debug.traceback.
local ok, a, b = xpcall(function(...) return select("#", ...), ... end, print, 1, nil, nil)
assert(ok)
assert(a == 3)
assert(b == 1)
ok, a, b = xpcall(error, function(m) return m .. "!", "dropped" end, "e")
assert(ok == false)
assert(a == "e!")
assert(b == nil)
ok, a = xpcall(error, function(m) return m end)
assert(ok == false)
assert(a == nil)
ok, a = xpcall(function() local n return n.x end, function(m) return (m:gsub("^.-:%d+: ", "")) end)
assert(a == "attempt to index a nil value (local 'n')")
ok, a = xpcall(function() error({ 1 }) end, function(m) m[2] = "handled" return m end)
assert(a[1] == 1)
assert(a[2] == "handled")
ok, a = xpcall(nil, function(m) return "H:" .. m end)
assert(a == "H:attempt to call a nil value")
assert(select("#", xpcall(error, function() end, 1)) == 2)
assert(select("#", xpcall(error, function() return 1, 2 end, 1)) == 2)
local function message(f, ...) local s, m = pcall(f, ...) assert(not s) return m end
assert(message(xpcall) == "bad argument #2 to 'xpcall' (function expected, got no value)")
assert(message(xpcall, print) == "bad argument #2 to 'xpcall' (function expected, got no value)")
assert(message(xpcall, print, 5) == "bad argument #2 to 'xpcall' (function expected, got number)")
-- The handler runs on top of the failed stack
local function failing() local secret = "local value" error("x") end
local found, names
xpcall(failing, function() local i = 1 for level = 1, 10 do local info = debug.getinfo(level, "f") if not info then break end if info.func == failing then found = select(2, debug.getlocal(level, 1)) end end return nil end)
assert(found == "local value")
ok, a = xpcall(failing, debug.traceback)
assert(type(a) == "string" and a:find("stack traceback:\n", 1, true) and a:find("in upvalue 'failing'") or a:find("in local 'failing'") or a:find("in function"))
-- Errors inside the handler
ok, a = xpcall(error, function(m) if m == "first" then error("second", 0) end return "caught " .. tostring(m) end, "first")
assert(ok == false)
assert(a == "caught second")
ok, a = xpcall(error, function() error("again", 0) end, "x")
assert(ok == false)
assert(a ~= nil)
-- pcall inside the handler; handler not called for inner errors that are caught
local calls = 0
ok, a = xpcall(function() pcall(error, "inner") return "fine" end, function() calls = calls + 1 end)
assert(ok)
assert(a == "fine")
assert(calls == 0)
ok, a = xpcall(error, function(m) local s, e = pcall(error, "in handler") return m .. "," .. tostring(s) .. "," .. e end, "m")
assert(a == "m,false,in handler")
ok, a = xpcall(function() return xpcall(error, function(m) return "inner " .. m end, "e") end, function() return "outer" end)
assert(ok)
assert(a == false)
ok, a = xpcall(function() local s, m = xpcall(error, function(m) return "inner " .. m end, "e") error(m, 0) end, function(m) return "outer " .. m end)
assert(a == "outer inner e")
-- Stack overflow reaches the handler
local function forever() return 1 + forever() end
ok, a = xpcall(forever, function(m) return m end)
assert(not ok)
assert(a:find("stack overflow"))
-- traceback
local text = debug.traceback("message", 1)
assert(text:find("^message\nstack traceback:\n\t"))
assert(text:find("in main chunk"))
assert(debug.traceback("m", 100) == "m\nstack traceback:")
assert(debug.traceback({}) ~= nil)
assert(type(debug.traceback({})) == "table")
assert(debug.traceback(nil):find("^stack traceback:"))
assert(debug.traceback(5):find("^5\nstack"))
assert(debug.traceback(true) == true)
local function inner() return (debug.traceback("t")) end
local function middle() local r = inner() return r end
text = middle()
assert(text:find("t\nstack traceback:\n") == 1)
local _, lines = text:gsub("\n", "")
assert(lines >= 4)
assert(text:find("inner"))
assert(text:find("middle"))
assert(text:find("in main chunk"))
function global_function() local r = debug.traceback() return r end
assert(global_function():find("in function 'global_function'")) global_function = nil
local object = { method = function(self) local r = debug.traceback() return r end, field = {} }
text = object:method()
assert(text:find("in method 'method'"), text)
text = object.method(object)
assert(text:find("in field 'method'") or text:find("in function"), text)
text = table.pack(pcall(function() local r = debug.traceback() return r end))[2]
assert(text:find("[C]: in function 'pcall'", 1, true))
assert(text:find("in function <"))
local function tail() return debug.traceback("x") end
local function calls_tail() return tail() end
text = calls_tail()
assert(text:find("(...tail calls...)", 1, true))
local co = coroutine.create(function() local x = 1 coroutine.yield() end)
assert(debug.traceback(co) == "stack traceback:") coroutine.resume(co)
text = debug.traceback(co)
assert(text:find("[C]: in function 'coroutine.yield'", 1, true))
assert(text:find("in function <"))
assert(debug.traceback(co, "msg"):find("^msg\n"))
assert(debug.traceback(co, nil, 1):find("in function <"))
assert(debug.traceback(co, "m", 50) == "m\nstack traceback:")
-- Long stacks are shortened
local function deep(n) if n == 0 then return debug.traceback("deep") end local r = deep(n - 1) return r end
text = deep(100)
assert(text:find("\n\t...\t(skipping ", 1, true))
assert(select(2, text:gsub("\n", "")) < 30)
-- as many levels are told to be skipped as in the reference implementation
do
  local function deep(n) if n == 0 then return debug.traceback("deep") end local r = deep(n - 1) return r end
  local text = coroutine.wrap(function() local r = deep(100) return r end)()
  assert(text:find("\n\t...\t(skipping 80 levels)\n", 1, true), text)
end

-- a module that is a function has the module's name
do
  local function module() local t = debug.traceback() return t end
  package.loaded["a.module"] = module
  assert(module():find("in function 'a.module'", 1, true))
  package.loaded["a.module"] = nil
end

-- A library function in a tail call does not take the place of its caller: errors and tracebacks tell of that.
do
  local function position(f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok)
    return (message:gsub("^[^:]*%.lua:", ""))
  end
  local line = debug.getinfo(1, "l").currentline
  local function substitute() return string.gsub("a", "a", function() return true end) end
  assert(position(substitute) == line + 1 .. ": invalid replacement value (a boolean)")
  local function index() return setmetatable({}, { __index = function() return ("x"):rep(-1, 2, 3) .. nil end }).field end
  assert(position(index):find("^" .. line + 3 .. ": attempt to concatenate a nil value"))
  local object = setmetatable({}, { __call = function(_, ...) return select("#", ...), debug.traceback("t") end })
  local function call(...) return object(...) end
  local count, traceback = call(1, nil, nil)
  assert(count == 3 and traceback:find("(...tail calls...)", 1, true))
  local function trace() return debug.traceback("t") end
  assert(trace():find("in function 'debug.traceback'", 1, true) == nil and select(2, trace():gsub("\n", "")) >= 3)
  assert(trace():find(":" .. line + 9 .. ": in ", 1, true))
  local wrapped = coroutine.wrap(function(...) return coroutine.yield(...) end)
  local function resume(...) return wrapped(...) end
  assert(select("#", resume(1, nil, 3)) == 3)
  assert(table.concat({ resume(4, 5, 6) }, " ") == "4 5 6")
  local function protect(...) return pcall(...) end
  assert(select("#", protect(select, 2, "a", "b", "c")) == 3)
  local ok, message = protect(error, "e", 0)
  assert(not ok and message == "e")
end
print("ok")
