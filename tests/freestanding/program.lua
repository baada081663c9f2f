local words = {}
for word in ("freestanding code runs"):gmatch("%a+") do words[#words + 1] = word:upper() end
local thread = coroutine.wrap(function(...)
  for _, word in ipairs({...}) do coroutine.yield(word) end
end)
print(thread(table.unpack(words)), thread(), thread(), string.format("%.3f", math.sin(1)), 7 // 2, 2 ^ 0.5)
print(select(2, pcall(error, {code = 1})).code)
print(pcall(function() local t = nil; return t.x end))
for i = 1, 1e5 do words = {i, words[1]} end
collectgarbage()
print(words[1], collectgarbage("count") < 1000)
