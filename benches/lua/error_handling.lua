-- Protected calls: errors of strings and tables, rethrown through several levels.
local rounds = tonumber(arg[1]) or 1500000

local Failure = {}
Failure.__index = Failure
Failure.__tostring = function(self) return self.kind .. "#" .. self.code end

local function fail(kind, code) error(setmetatable({ kind = kind, code = code }, Failure)) end

local function validate(i)
  if i % 5 == 0 then fail("range", i % 100) end
  if i % 7 == 0 then error("value " .. i % 10 .. " refused", 0) end
  if i % 11 == 0 then local nothing; return nothing.field end
  return i % 13
end

local function attempt(i)
  local ok, problem = pcall(validate, i)
  if ok then return problem end
  if getmetatable(problem) == Failure then
    problem.code = problem.code + 1
    error(problem)
  end
  error(problem, 0)
end

local function handler(problem)
  if type(problem) == "table" then return tostring(problem) end
  return (problem:gsub("^.-:%d+: ", ""))
end

local counts, total = { fine = 0, object = 0, text = 0 }, 0
for i = 1, rounds do
  local ok, value = xpcall(attempt, handler, i)
  if ok then
    counts.fine = counts.fine + 1
    total = total + value
  elseif value:find("range#", 1, true) then
    counts.object = counts.object + 1
    total = total + tonumber(value:match("#(%d+)"))
  else
    counts.text = counts.text + 1
    total = total + #value:match("^%a+")
  end
end

local function nested(depth)
  if depth == 0 then error("bottom", 0) end
  local ok, message = pcall(nested, depth - 1)
  error(message .. "<" .. depth, 0)
end

local _, message
for _ = 1, rounds / 200 do _, message = pcall(nested, 20) end
print(string.format("%d %d %d %d %d", counts.fine, counts.object, counts.text, total, #message))
