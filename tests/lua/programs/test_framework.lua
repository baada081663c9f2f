-- A unit test framework with nested groups, hooks, spies, matchers and deep comparison, tested on itself.
local framework = {}

local function describe_value(value, seen)
  seen = seen or {}
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) ~= "table" then return tostring(value) end
  if seen[value] then return "<cycle>" end
  seen[value] = true
  local keys, parts = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if type(a) ~= type(b) then return type(a) < type(b) end
    return tostring(a) < tostring(b)
  end)
  for _, key in ipairs(keys) do
    parts[#parts + 1] = (type(key) == "string" and key or "[" .. tostring(key) .. "]") .. " = " .. describe_value(value[key], seen)
  end
  seen[value] = nil
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function same(a, b, seen)
  if a == b then return true end
  if type(a) ~= "table" or type(b) ~= "table" then return a ~= a and b ~= b end
  seen = seen or {}
  if seen[a] == b then return true end
  seen[a] = b
  for key, value in pairs(a) do if not same(value, b[key], seen) then return false end end
  for key in pairs(b) do if a[key] == nil then return false end end
  return true
end

local matchers = {
  equal = function(actual, expected) return actual == expected, "equal to " .. describe_value(expected) end,
  same = function(actual, expected) return same(actual, expected), "the same as " .. describe_value(expected) end,
  be_a = function(actual, kind) return type(actual) == kind, "a " .. kind end,
  be_truthy = function(actual) return not not actual, "truthy" end,
  be_near = function(actual, expected, tolerance) return math.abs(actual - expected) <= tolerance, ("within %g of %g"):format(tolerance, expected) end,
  match = function(actual, pattern) return actual:find(pattern) ~= nil, "matching " .. describe_value(pattern) end,
  contain = function(actual, item)
    for _, value in ipairs(actual) do if same(value, item) then return true, "" end end
    return false, "containing " .. describe_value(item)
  end,
  fail = function(actual, pattern)
    local ok, message = pcall(actual)
    return not ok and (not pattern or tostring(message):find(pattern) ~= nil), "failing" .. (pattern and " with " .. describe_value(pattern) or "")
  end,
}

local Failure = {}
local function expect(actual)
  local function expectation(wanted, prefix)
    return setmetatable({}, { __index = function(_, name)
      if name == "never" then return expectation(not wanted, prefix .. "not ") end
      local matcher = matchers[name] or error("no matcher '" .. name .. "'", 2)
      return function(...)
        local matched, phrase = matcher(actual, ...)
        if matched ~= wanted then error(setmetatable({ text = ("%s is %s%s"):format(describe_value(actual), wanted and "not " or "", phrase) }, Failure), 0) end
      end
    end })
  end
  return expectation(true, "")
end

local function spy(f)
  return setmetatable({ calls = {}, count = 0 }, { __call = function(self, ...)
    self.count = self.count + 1
    self.calls[self.count] = table.pack(...)
    if f then return f(...) end
  end })
end

function framework.run(suite, report)
  local results, path, hooks = { passed = 0, failed = 0, errors = 0, pending = 0, lines = {} }, {}, {}
  local function line(text) results.lines[#results.lines + 1] = ("  "):rep(#path) .. text end
  local environment = setmetatable({ expect = expect, spy = spy }, { __index = _G })
  local function run_hooks(kind, reverse)
    for i = reverse and #hooks or 1, reverse and 1 or #hooks, reverse and -1 or 1 do
      for _, hook in ipairs(hooks[i][kind]) do hook() end
    end
  end
  function environment.describe(name, body)
    line(name)
    path[#path + 1], hooks[#hooks + 1] = name, { before = {}, after = {} }
    body()
    path[#path], hooks[#hooks] = nil, nil
  end
  function environment.before_each(f) table.insert(hooks[#hooks].before, f) end
  function environment.after_each(f) table.insert(hooks[#hooks].after, f) end
  function environment.pending(name)
    results.pending = results.pending + 1
    line("? " .. name)
  end
  function environment.it(name, body)
    run_hooks("before")
    local ok, problem = xpcall(body, function(e)
      if getmetatable(e) == Failure then return e end
      return { crash = (tostring(e):gsub("^.-:%d+: ", ""):gsub("0x%x+", "...")), traced = debug.traceback() ~= nil }
    end)
    run_hooks("after", true)
    if ok then
      results.passed = results.passed + 1
      line("+ " .. name)
    elseif getmetatable(problem) == Failure then
      results.failed = results.failed + 1
      line("- " .. name .. ": " .. problem.text)
    else
      results.errors = results.errors + 1
      line("! " .. name .. ": " .. problem.crash)
    end
  end
  suite(environment)
  if report then for _, text in ipairs(results.lines) do print(text) end end
  print(("%d passed, %d failed, %d errors, %d pending"):format(results.passed, results.failed, results.errors, results.pending))
  return results
end

local order = {}
local results = framework.run(function(_ENV)
  describe("a stack", function()
    local stack
    before_each(function() stack = {} order[#order + 1] = "outer before" end)
    after_each(function() order[#order + 1] = "outer after" end)
    it("starts empty", function() expect(#stack).equal(0) end)
    it("is fresh each time", function()
      table.insert(stack, 1)
      expect(stack).same({ 1 })
    end)
    describe("with items", function()
      before_each(function() table.insert(stack, "a") table.insert(stack, "b") order[#order + 1] = "inner before" end)
      after_each(function() order[#order + 1] = "inner after" end)
      it("pops the last", function()
        expect(table.remove(stack)).equal("b")
        expect(stack).contain("a")
        expect(stack).never.contain("b")
      end)
      it("fails on purpose", function() expect(stack).same({ "a", "x" }) end)
    end)
  end)
  describe("matchers", function()
    it("compare deeply", function()
      local a, b = { 1, { x = { 0 / 0 } } }, { 1, { x = { 0 / 0 } } }
      a.self, b.self = a, b
      expect(a).same(b)
      expect({ 1, 2 }).never.same({ 1, 2, 3 })
    end)
    it("know numbers and text", function()
      expect(0.1 + 0.2).be_near(0.3, 1e-9)
      expect("hello world").match("^hello")
      expect(nil).never.be_truthy()
      expect(print).be_a("function")
    end)
    it("catch errors", function()
      expect(function() error("bad thing") end).fail("bad")
      expect(function() end).never.fail()
      expect(function() expect(1).equal(2) end).fail()
    end)
    it("show cycles", function() local t = { name = "t" } t.me = t expect(t).equal({}) end)
    it("crash", function() local t = nil return t.field end)
    it("use no unknown ones", function() expect(1).resemble(1) end)
    pending("are extensible")
  end)
  describe("spies", function()
    it("count and record", function()
      local double = spy(function(x) return x * 2 end)
      expect(double(4)).equal(8)
      double(1, 5)
      expect(double.count).equal(2)
      expect(double.calls[2].n).equal(2)
    end)
    it("report an error of the function", function() spy(function() error({}) end)() end)
  end)
end, true)
print(table.concat(order, ", "))
print(results.lines[1], #results.lines)
