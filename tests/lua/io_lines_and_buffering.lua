-- lines of io and of files: formats, closing, errors; reading and writing mixed.
local name = os.tmpname()
local function put(text) local h = assert(io.open(name, "wb")) h:write(text) h:close() end
local function all(iterator, ...) local out = {} for a, b in iterator, ... do out[#out + 1] = b and a .. "|" .. b or tostring(a) end return table.concat(out, ";") end
put("one\ntwo\n\nfour")
assert(all(io.lines(name)) == "one;two;;four")
assert(all(io.lines(name, "L")) == "one\n;two\n;\n;four")
assert(all(io.lines(name, "l")) == "one;two;;four")
assert(all(io.lines(name, 3)) == "one;\ntw;o\n\n;fou;r")
assert(all(io.lines(name, "l", "l")) == "one|two;|four")
assert(all(io.lines(name, 1, "l")) == "o|ne;t|wo;\n|four")
put("1 2 3\n4 5")
assert(all(io.lines(name, "n")) == "1;2;3;4;5")
assert(all(io.lines(name, "n", "n")) == "1|2;3|4;5")
put("")
assert(all(io.lines(name)) == "")
assert(all(io.lines(name, 5)) == "")
local n = 0 for s in io.lines(name, "a") do n = n + 1 assert(s == "") if n == 3 then break end end
assert(n == 3)
put("x\n") n = 0 for line in io.lines(name) do n = n + 1 assert(line == "x") end
assert(n == 1)
-- Four values, the last closes the file
local f, s, c, closing = io.lines(name)
assert(type(f) == "function" and s == nil and c == nil and io.type(closing) == "file") f()
assert(f() == nil)
assert(io.type(closing) == "closed file")
local ok, m = pcall(f)
assert(not ok)
assert(m:find("file is already closed"))
f, s, c, closing = io.lines(name) for line in f, s, c, closing do break end
assert(io.type(closing) == "closed file")
f, s, c, closing = io.lines(name) pcall(function() for _ in f, s, c, closing do error("stop") end end)
assert(io.type(closing) == "closed file")
-- file:lines doesn't close
put("a\nb\nc\n")
local h = io.open(name) n = 0 for line in h:lines() do n = n + 1 if line == "b" then break end end
assert(io.type(h) == "file")
assert(h:read() == "c")
assert(n == 2)
for _ in h:lines() do error() end
assert(io.type(h) == "file") h:seek("set")
assert(all(h:lines("L")) == "a\n;b\n;c\n") h:seek("set") f = h:lines(1)
assert(f() == "a" and h:read(1) == "\n" and f() == "b") h:close() ok, m = pcall(f)
assert(not ok)
assert(m:find("file is already closed"))
-- io.lines without a name reads the default input and leaves it open
local input = io.input() io.input(name) n = 0 for line in io.lines() do n = n + #line end
assert(n == 3 and io.type(io.input()) == "file") io.close(io.input()) io.input(input)
ok, m = pcall(io.lines, "/does/not/exist")
assert(not ok and m:find("/does/not/exist: No such file or directory", 1, true) or m:find("cannot open file"), m)
ok, m = pcall(io.lines, name, "bad")
assert(ok) ok, m = pcall(m)
assert(not ok)
assert(m:find("invalid format"))
-- Many formats
assert(not pcall(io.lines, name, table.unpack({}, 1, 300)))
local formats = {} for i = 1, 200 do formats[i] = 1 end put(("z"):rep(200)) for a in io.lines(name, table.unpack(formats)) do assert(a == "z") end
-- Reading what another handle wrote after a flush; append position; interleaving through seek
h = io.open(name, "w")
local r = io.open(name) h:write("abc") h:flush()
assert(r:read("a") == "abc") h:write("def") h:flush()
assert(r:read("a") == "def") h:close() r:close()
h = io.open(name, "r+")
assert(h:read(2) == "ab") h:seek("cur", 0) h:write("XY") h:seek("cur", 0)
assert(h:read(1) == "e") h:seek("set")
assert(h:read("a") == "abXYef") h:close()
h = io.open(name, "a") h:seek("set", 0) h:write("!") h:close() h = io.open(name)
assert(h:read("a") == "abXYef!") h:close()
-- Long lines and many lines
put(("x"):rep(70000) .. "\n" .. ("y"):rep(3))
local sizes = {} for line in io.lines(name) do sizes[#sizes + 1] = #line end
assert(sizes[1] == 70000)
assert(sizes[2] == 3)
h = io.open(name, "w") for i = 1, 3000 do h:write(i, "\n") end h:close() n = 0 for line in io.lines(name) do n = n + tonumber(line) end
assert(n == 3000 * 3001 // 2)
n = 0 for number in io.lines(name, "n") do n = n + number end
assert(n == 3000 * 3001 // 2)
os.remove(name)
print("ok")
