-- Counts of DNA fragments: substrings as keys of hash tables, sorting of results.
local length = tonumber(arg[1]) or 900000

local seed = 42
local function random()
  seed = (seed * 3877 + 29573) % 139968
  return seed / 139968
end

local function generate(n)
  local pieces, line = {}, {}
  for i = 1, n do
    local r = random()
    line[#line + 1] = r < 0.30 and "a" or r < 0.50 and "c" or r < 0.70 and "g" or "t"
    if #line == 60 or i == n then
      pieces[#pieces + 1] = table.concat(line)
      line = {}
    end
  end
  return table.concat(pieces):upper()
end

local function frequencies(dna, width)
  local counts = {}
  for i = 1, #dna - width + 1 do
    local fragment = dna:sub(i, i + width - 1)
    counts[fragment] = (counts[fragment] or 0) + 1
  end
  return counts
end

local dna = generate(length)
for width = 1, 2 do
  local counts, names = frequencies(dna, width), {}
  for name in pairs(counts) do names[#names + 1] = name end
  table.sort(names, function(a, b)
    if counts[a] ~= counts[b] then return counts[a] > counts[b] end
    return a < b
  end)
  for _, name in ipairs(names) do
    print(string.format("%s %.3f", name, 100 * counts[name] / (#dna - width + 1)))
  end
end
for _, fragment in ipairs({ "GGT", "GGTA", "GGTATT", "GGTATTTTAATT" }) do
  print(string.format("%d\t%s", frequencies(dna, #fragment)[fragment] or 0, fragment))
end
