-- Sorting: table.sort with and without comparator, and a quicksort written in Lua.
local n = tonumber(arg[1]) or 300000

local seed = 42
local function random()
  seed = (seed * 16807) % 2147483647
  return seed
end

local function numbers(count)
  local list = {}
  for i = 1, count do list[i] = random() % 1000000 end
  return list
end

local function quicksort(list, low, high)
  while low < high do
    local pivot = list[low + (high - low - (high - low) % 2) / 2]
    local i, j = low, high
    repeat
      while list[i] < pivot do i = i + 1 end
      while pivot < list[j] do j = j - 1 end
      if i <= j then
        list[i], list[j] = list[j], list[i]
        i, j = i + 1, j - 1
      end
    until i > j
    if j - low < high - i then
      quicksort(list, low, j)
      low = i
    else
      quicksort(list, i, high)
      high = j
    end
  end
end

local function checksum(list)
  local h = 0
  for i = 1, #list do h = (h * 31 + list[i]) % 1000000007 end
  return h
end

local a = numbers(n)
table.sort(a)
print(string.format("plain %d", checksum(a)))

local b = numbers(n)
table.sort(b, function(x, y) return x > y end)
print(string.format("descending %d", checksum(b)))

local people = {}
for i = 1, n / 4 do people[i] = { age = random() % 90, name = "p" .. random() % 5000, id = i } end
table.sort(people, function(x, y)
  if x.age ~= y.age then return x.age < y.age end
  if x.name ~= y.name then return x.name < y.name end
  return x.id < y.id
end)
local ids = {}
for i, person in ipairs(people) do ids[i] = person.id end
print(string.format("records %d", checksum(ids)))

local c = numbers(n)
quicksort(c, 1, #c)
print(string.format("own %d", checksum(c)))

local words = {}
for i = 1, n / 4 do words[i] = "w" .. random() % 100000 end
table.sort(words)
print(string.format("strings %s %s", words[1], words[#words]))
