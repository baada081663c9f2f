-- A program with about 500 MB live that writes to 20,000 random places in a second, each in a page of its own.
local count, seconds, rate = 4800000, 120, 20000
local places = {}
for i = 1, count do places[i] = { i, tostring(i) } end
collectgarbage()
print(collectgarbage("count") // 1024)
io.stdout:flush()
local begin, writes = os.clock(), 0
while os.clock() - begin < seconds do
  local due = (os.clock() - begin) * rate
  while writes < due do
    writes = writes + 1
    local place = places[math.random(count)]
    place[1] = place[1] + 1
  end
  local sum = 0
  for i = 1, 1000 do sum = sum + i % 7 end
end
