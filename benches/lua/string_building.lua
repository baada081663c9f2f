-- Strings put together in several ways: concatenation, rep, concat, format, reverse.
local rounds = tonumber(arg[1]) or 1500

local function hash(text)
  local h = 5381
  for i = 1, #text, 7 do h = (h * 33 + text:byte(i)) % 4294967296 end
  return h
end

local function report(round)
  local lines = {}
  for i = 1, 200 do
    local name = "user" .. i .. "@" .. round
    lines[#lines + 1] = name .. ": " .. (i * round) .. " points, level " .. i % 17
  end
  return table.concat(lines, "\n")
end

local function frame(text)
  local bar = ("-"):rep(40)
  local out = bar
  for line in text:gmatch("[^\n]+") do
    if #out < 4000 then out = out .. "\n| " .. line .. " |" end
  end
  return out .. "\n" .. bar
end

local total, length = 0, 0
for round = 1, rounds do
  local text = frame(report(round))
  local turned = text:reverse():upper():lower()
  local columns = {}
  for i = 1, 200 do columns[i] = string.format("%-8s|%5d", "k" .. i, i * round) end
  local row = table.concat(columns, ",", 2, 199)
  total = (total + hash(text) + hash(turned) + hash(row)) % 4294967296
  length = length + #text + #turned + #row
end
print(string.format("%d %d", total, length))
