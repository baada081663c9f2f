-- A live heap of about 100 MB (first argument: megabytes), a third each of arrays of numbers, of small tables, and of
-- strings and maps; then a snapshot, which is timed by the processor's clock of the process.
local megabytes = tonumber(arg and arg[1]) or 100
local share = math.floor(megabytes * 1024 * 1024 / 3)

local numbers = {}
for i = 1, share // 9 // 2 do numbers[i] = i * 7 end
local floats = {}
for i = 1, share // 9 // 2 do floats[i] = i * 0.5 end

local records = {}
for i = 1, share // 110 do records[i] = { id = i, x = i * 0.25, next = records[i - 1] } end

local names, by_name = {}, {}
for i = 1, share // 130 do
  local name = "name of number " .. i
  names[i] = name
  by_name[name] = i
end

collectgarbage()
local memory = collectgarbage("count") / 1024
local before = os.clock()
local word = lunette.snapshot()
local after = os.clock()
if word == "saved" then
  print(string.format("%.0f MB alive, snapshot %.0f ms", memory, (after - before) * 1000))
else
  -- The process has done nothing else until now.
  print(string.format("restored after %.0f ms", after * 1000))
end
assert(word and numbers[100] == 700 and floats[3] == 1.5 and records[5].next.id == 4 and by_name[names[7]] == 7)
