-- package.loaded, preload, path, searchers, searchpath, config; require's results and errors.
assert(type(package.loaded) == "table")
assert(package.loaded._G == _G)
assert(package.loaded.string == string)
assert(package.loaded.table == table)
assert(require("string") == string)
assert(require("_G") == _G)
assert(package.loaded.package == package)
for _, name in ipairs({ "coroutine", "debug", "io", "math", "os", "package", "string", "table", "utf8" }) do assert(require(name) == _G[name] and package.loaded[name] == _G[name]) end
assert(type(package.path) == "string")
assert(type(package.cpath) == "string")
assert(type(package.searchers) == "table")
assert(#package.searchers == 5) -- the last one finds WebAssembly modules
assert(type(package.searchpath) == "function")
assert(type(package.config) == "string")
assert(type(package.loadlib) == "function")
local separator, mark, substitute = package.config:match("^(.)\n(.)\n(.)\n")
assert(separator == "/")
assert(mark == ";")
assert(substitute == "?")
-- preload
local args
package.preload["made.up"] = function(...) args = table.pack(...) return { value = 1 } end
local m, extra = require("made.up")
assert(m.value == 1)
assert(extra == ":preload:")
assert(args.n == 2)
assert(args[1] == "made.up")
assert(args[2] == ":preload:")
assert(require("made.up") == m)
assert(package.loaded["made.up"] == m)
package.loaded["made.up"] = nil
assert(require("made.up") ~= m)
package.preload.nothing = function() end
assert(require("nothing") == true)
assert(package.loaded.nothing == true)
package.preload.isfalse = function() return false end
assert(require("isfalse") == false)
package.preload.sets = function(n) package.loaded[n] = "set inside" end
assert(require("sets") == "set inside")
package.preload.both = function(n) package.loaded[n] = "set" return "returned" end
assert(require("both") == "returned")
package.preload.fails = function() error("inside", 0) end
local ok, e = pcall(require, "fails")
assert(not ok)
assert(e == "inside")
assert(package.loaded.fails == nil)
package.preload.again = function() package.preload.again = function() return "second" end error("once", 0) end
assert(not pcall(require, "again"))
assert(require("again") == "second")
-- Cycles see what is loaded so far
package.preload.a = function(n) package.loaded[n] = { name = "a" } package.loaded[n].b = require("b") return package.loaded[n] end
package.preload.b = function() return { name = "b", a = require("a") } end
m = require("a")
assert(m.b.a == m)
assert(m.b.name == "b")
-- Files
local base = os.tmpname() os.remove(base)
local function write(name, text) local h = assert(io.open(name, "w")) h:write(text) h:close() return name end
local path = package.path
package.path = base .. "_?.lua;" .. base .. "_?.alt"
local file = write(base .. "_mod.lua", "local name, where = ... return { name = name, where = where }")
m, extra = require("mod")
assert(m.name == "mod")
assert(m.where == file)
assert(extra == file)
assert(require("mod") == m)
local alt = write(base .. "_other.alt", "loaded_other = (loaded_other or 0) + 1")
assert(require("other") == true and require("other") == true and loaded_other == 1) loaded_other = nil
local broken = write(base .. "_broken.lua", "return +") ok, e = pcall(require, "broken")
assert(not ok)
assert(e:find("^error loading module 'broken' from file "))
assert(e:find("unexpected symbol near '+'", 1, true))
local raises = write(base .. "_raises.lua", "error({ code = 9 })") ok, e = pcall(require, "raises")
assert(not ok)
assert(e.code == 9)
local found = package.searchpath("mod", package.path)
assert(found == file)
local none, message = package.searchpath("none", "./?.nope;/x/?/y.nope")
assert(none == nil)
assert(message == "no file './none.nope'\n\tno file '/x/none/y.nope'")
none, message = package.searchpath("a.b.c", "/x/?.nope")
assert(message == "no file '/x/a/b/c.nope'")
none, message = package.searchpath("a.b", "/x/?.nope", "")
assert(message == "no file '/x/a.b.nope'")
none, message = package.searchpath("a-b", "/x/?.nope", "-", "+")
assert(message == "no file '/x/a+b.nope'")
none, message = package.searchpath("x", "")
assert(none == nil)
assert(type(message) == "string")
for _, f in ipairs({ file, alt, broken, raises }) do os.remove(f) end
ok, e = pcall(require, "no.such.module")
assert(not ok)
assert(e:find("^module 'no.such.module' not found:\n\tno field package.preload%['no.such.module'%]\n\tno file '" .. base:gsub("%p", "%%%0") .. "_no/such/module.lua'\n\tno file '"))
package.path = path
-- Searchers
table.insert(package.searchers, 2, function(name) if name == "virtual" then return function(...) return { ... } end, "data" end return "\n\tno virtual '" .. name .. "'" end)
m, extra = require("virtual")
assert(m[1] == "virtual")
assert(m[2] == "data")
assert(extra == "data")
ok, e = pcall(require, "unknown")
assert(e:find("no virtual 'unknown'", 1, true))
table.remove(package.searchers, 2)
local searchers = package.searchers package.searchers = nil ok, e = pcall(require, "unknown")
assert(not ok and e:find("'package.searchers' must be a table", 1, true)) package.searchers = searchers
package.path = nil ok, e = pcall(require, "unknown")
assert(not ok and e:find("'package.path' must be a string", 1, true)) package.path = path
ok, e = pcall(require)
assert(e == "bad argument #1 to 'require' (string expected, got no value)")
ok, e = pcall(require, {})
assert(e == "bad argument #1 to 'require' (string expected, got table)")
print("ok")
