-- The same operations give the same order, whether garbage was collected between them or not.
local function order(x, y, z)
  local t = {}
  t[x] = 1
  t[2.5] = 2
  t[y] = 3
  t[x] = nil
  t[z] = 4
  t[x] = 5
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = tostring(key) end
  return table.concat(keys, " ")
end

for i = 1, 40 do
  local t = {}
  t["a" .. i] = i
end
local before = order("x" .. "1", "y" .. "1", "z" .. "1")
collectgarbage()
assert(order("x" .. "1", "y" .. "1", "z" .. "1") == before)
print("ok")
