-- insert, remove, concat, unpack, pack, move, with metamethods and errors.
local maxint, minint = math.maxinteger, math.mininteger
local insert, remove, concat, unpack, pack, move = table.insert, table.remove, table.concat, table.unpack, table.pack, table.move
local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  message = tostring(message):gsub("^[^:]*%.lua:%d+: ", "")
  assert(not ok and message == expected, message)
end
local function is(list, text) assert(concat(list, ",") == text, concat(list, ",")) end

-- insert
local t = {}
insert(t, "a") insert(t, "c") insert(t, 2, "b") insert(t, 1, "z") insert(t, 5, "e") insert(t, #t + 1, "f")
is(t, "z,a,b,c,e,f")
assert(select("#", insert(t, 1)) == 0)
t = {}
for i = 1, 200 do insert(t, 1, i) end
for i = 1, 200 do assert(t[i] == 201 - i) end
t = { 1, 2 } insert(t, 2.0, 9) is(t, "1,9,2") insert(t, "1", 8) is(t, "8,1,9,2")
t = { n = 1 } insert(t, nil) assert(#t == 0)
fails("bad argument #1 to 'table.insert' (table expected, got no value)", insert)
fails("wrong number of arguments to 'insert'", insert, {})
fails("bad argument #1 to 'table.insert' (table expected, got nil)", insert, nil)
fails("bad argument #1 to 'table.insert' (table expected, got number)", insert, 1, 2)
fails("bad argument #1 to 'table.insert' (table expected, got string)", insert, "abc", 2)
fails("wrong number of arguments to 'insert'", insert, {}, 1, 2, 3)
fails("bad argument #2 to 'table.insert' (position out of bounds)", insert, {}, 3, "x")
fails("bad argument #2 to 'table.insert' (position out of bounds)", insert, {}, 0, "x")
fails("bad argument #2 to 'table.insert' (position out of bounds)", insert, { 1, 2, 3 }, 5, "x")
fails("bad argument #2 to 'table.insert' (position out of bounds)", insert, { 1, 2, 3 }, -1, "x")
fails("bad argument #2 to 'table.insert' (number expected, got string)", insert, {}, "x", 1)
fails("bad argument #2 to 'table.insert' (number has no integer representation)", insert, {}, 1.5, 1)

-- remove
t = { 1, 2, 3, 4, 5 }
assert(remove(t) == 5 and remove(t, 1) == 1 and remove(t, 2) == 3) is(t, "2,4")
assert(remove(t, 3) == nil and remove(t, #t) == 4 and remove(t) == 2 and remove(t) == nil and remove(t, 0) == nil and remove(t, #t) == nil and #t == 0)
t = { [0] = "zero", "one" } assert(remove(t, 1) == "one" and remove(t, 0) == "zero" and t[0] == nil)
t = { [0] = "zero" } assert(remove(t) == "zero" and t[0] == nil)
assert(remove({}) == nil and select("#", remove({})) == 1 and remove({ 1, 2 }, 2.0) == 2)
fails("bad argument #2 to 'table.remove' (position out of bounds)", remove, { 1, 2, 3 }, 5)
fails("bad argument #2 to 'table.remove' (position out of bounds)", remove, { 1, 2, 3 }, 0)
fails("bad argument #2 to 'table.remove' (position out of bounds)", remove, { 1, 2, 3 }, -1)
fails("bad argument #2 to 'table.remove' (position out of bounds)", remove, {}, 2)
fails("bad argument #1 to 'table.remove' (table expected, got no value)", remove)
fails("bad argument #2 to 'table.remove' (number expected, got string)", remove, {}, "x")
fails("bad argument #1 to 'table.remove' (table expected, got number)", remove, 5)

-- concat
assert(concat({}) == "" and concat({}, ",") == "" and concat({ 1 }, ",") == "1" and concat({ 1, 2, 3 }) == "123" and concat({ 1, 2, 3 }, ", ") == "1, 2, 3" and concat({ "a", 1.5, -2 }, "") == "a1.5-2")
assert(concat({ 1, 2, 3 }, ",", 2) == "2,3" and concat({ 1, 2, 3 }, ",", 2, 2) == "2" and concat({ 1, 2, 3 }, ",", 3, 2) == "" and concat({ 1, 2, 3 }, ",", 1, 2) == "1,2" and concat({ [5] = "x", [6] = "y" }, "-", 5, 6) == "x-y" and concat({ "a", "b" }, 0) == "a0b")
assert(concat({ [maxint] = "m" }, "", maxint, maxint) == "m" and concat({ [minint] = "m" }, "", minint, minint) == "m" and concat({ "\0", "\0" }, "\0") == "\0\0\0" and concat({}, "x", 1, 0) == "" and concat({ 2.0 }) == "2.0")
fails("invalid value (table) at index 2 in table for 'concat'", concat, { 1, {}, 3 })
fails("invalid value (nil) at index 3 in table for 'concat'", concat, { 1, 2 }, ",", 1, 3)
fails("invalid value (boolean) at index 2 in table for 'concat'", concat, { 1, true })
fails("invalid value (function) at index 1 in table for 'concat'", concat, { print })
fails("bad argument #2 to 'table.concat' (string expected, got table)", concat, {}, {})
fails("bad argument #1 to 'table.concat' (table expected, got number)", concat, 1)
fails("bad argument #3 to 'table.concat' (number expected, got string)", concat, {}, "", "x")
fails("bad argument #4 to 'table.concat' (number expected, got table)", concat, {}, "", 1, {})
fails("bad argument #1 to 'table.concat' (table expected, got no value)", concat)

-- pack and unpack
t = pack() assert(t.n == 0 and #t == 0) t = pack(nil) assert(t.n == 1 and t[1] == nil) t = pack(1, nil, 3, nil) assert(t.n == 4 and t[1] == 1 and t[2] == nil and t[3] == 3)
assert(select("#", unpack({})) == 0 and unpack({ 1, 2 }) == 1 and select("#", unpack({ 1, 2, 3 })) == 3 and select("#", unpack({}, 1, 3)) == 3 and select(2, unpack({ 1, 2, 3 }, 2)) == 3 and select("#", unpack({ 1, 2 }, 3)) == 0 and select("#", unpack({ 1, 2 }, 2, 1)) == 0)
assert(unpack({ [-1] = "m", [0] = "z" }, -1, 0) == "m" and unpack({ [maxint] = 5 }, maxint, maxint) == 5 and select("#", unpack({}, maxint, minint)) == 0 and unpack("abc", 1, 0) == nil and select("#", unpack({}, minint, minint)) == 1 and select("#", unpack({ n = 5 })) == 0)
local many = {} for i = 1, 5000 do many[i] = i end
assert(select("#", unpack(many)) == 5000 and select(5000, unpack(many)) == 5000 and #pack(unpack(many)) == 5000)
fails("too many results to unpack", unpack, {}, 1, 1e8)
fails("too many results to unpack", unpack, {}, minint, maxint)
fails("too many results to unpack", unpack, {}, 0, maxint)
fails("too many results to unpack", unpack, {}, 1, maxint)
fails("attempt to get length of a nil value", unpack)
fails("attempt to get length of a number value", unpack, 1)
fails("bad argument #2 to 'table.unpack' (number expected, got string)", unpack, {}, "x")
fails("bad argument #3 to 'table.unpack' (number has no integer representation)", unpack, {}, 1, 2.5)

-- move
is(move({ 1, 2, 3 }, 1, 3, 2), "1,1,2,3") is(move({ 1, 2, 3 }, 2, 3, 1), "2,3,3") is(move({ 1, 2, 3 }, 1, 3, 1), "1,2,3") is(move({ 1, 2, 3 }, 1, 0, 5), "1,2,3")
is(move({ 1, 2, 3 }, 1, 3, 1, {}), "1,2,3") is(move({ 1, 2, 3 }, 2, 3, 3, { 9, 8 }), "9,8,2,3") is(move({ 1, 2, 3, 4, 5 }, 1, 4, 2), "1,1,2,3,4") is(move({ 1, 2, 3, 4, 5 }, 2, 5, 1), "2,3,4,5,5")
t = {} assert(move(t, 1, 3, 1) == t and next(t) == nil and move({ 1 }, 1, 1, 5, t) == t and t[5] == 1)
t = move({ [maxint] = "x" }, maxint, maxint, 1, {}) is(t, "x")
t = move({ "a", "b" }, 1, 2, maxint - 1, {}) assert(t[maxint - 1] == "a" and t[maxint] == "b")
t = move({ [minint] = 1 }, minint, minint, 1, {}) assert(t[1] == 1) t = move({ 1, nil, 3 }, 1, 3, 1, { 7, 8, 9 }) assert(t[1] == 1 and t[2] == nil and t[3] == 3)
fails("bad argument #4 to 'table.move' (destination wrap around)", move, {}, 1, maxint, 2)
fails("bad argument #3 to 'table.move' (too many elements to move)", move, {}, -1, maxint, 2)
fails("bad argument #3 to 'table.move' (too many elements to move)", move, {}, minint, maxint, 2)
fails("bad argument #4 to 'table.move' (destination wrap around)", move, {}, 1, 2, maxint)
fails("bad argument #2 to 'table.move' (number expected, got no value)", move, {})
fails("bad argument #3 to 'table.move' (number expected, got no value)", move, {}, 1)
fails("bad argument #4 to 'table.move' (number expected, got no value)", move, {}, 1, 2)
fails("bad argument #1 to 'table.move' (table expected, got number)", move, 1, 2, 3, 4)
fails("bad argument #5 to 'table.move' (table expected, got number)", move, {}, 1, 2, 3, 4)
fails("bad argument #2 to 'table.move' (number has no integer representation)", move, {}, 1.5, 2, 3)

-- Metamethods are honoured
local log = {}
local inner = { 1, 2, 3 }
local proxy = setmetatable({}, { __len = function() return #inner end, __index = function(_, k) log[#log + 1] = "get" .. tostring(k) return inner[k] end, __newindex = function(_, k, v) log[#log + 1] = "set" .. tostring(k) inner[k] = v end })
insert(proxy, "x") is(inner, "1,2,3,x") insert(proxy, 1, "y") is(inner, "y,1,2,3,x") assert(remove(proxy) == "x" and remove(proxy, 1) == "y") is(inner, "1,2,3")
assert(concat(proxy, "-") == "1-2-3" and select("#", unpack(proxy)) == 3 and #log > 10 and move(proxy, 1, 3, 2) == proxy) is(inner, "1,1,2,3")
move({ 7, 8 }, 1, 2, 1, proxy) is(inner, "7,8,2,3")
local array_like = setmetatable({}, { __len = function() return 3 end, __index = function(_, k) return k * 10 end })
assert(concat(array_like, " ") == "10 20 30" and select(3, unpack(array_like)) == 30)
fails("object length is not an integer", insert, setmetatable({}, { __len = function() return "x" end }), 1)
fails("object length is not an integer", insert, setmetatable({}, { __len = function() return 1.5 end }), 1)
assert(not pcall(insert, setmetatable({}, { __len = function() error("no length") end }), 1))
-- Userdata and other types without the metamethods are refused
fails("bad argument #1 to 'table.insert' (table expected, got FILE*)", insert, io.stdout, 1)
fails("bad argument #1 to 'table.concat' (table expected, got FILE*)", concat, io.stdout)
print("ok")
