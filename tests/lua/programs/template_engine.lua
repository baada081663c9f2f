-- A template engine: text with {{ expressions }}, {% statements %} and {# comments #} compiled to Lua.
local Template = {}
Template.__index = Template

local escapes = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }
local function escape(value) return (tostring(value):gsub('[&<>"]', escapes)) end

local filters = {
  upper = string.upper,
  lower = string.lower,
  title = function(text) return (text:gsub("(%a)(%w*)", function(a, b) return a:upper() .. b:lower() end)) end,
  length = function(value) return #value end,
  join = function(list, separator) return table.concat(list, separator or ", ") end,
  default = function(value, other) if value == nil then return other end return value end,
}

local function compile_expression(source)
  local expression, rest = source:match("^%s*(.-)%s*|(.*)$")
  if not expression then return source end
  for filter in rest:gmatch("[^|]+") do
    local name, arguments = filter:match("^%s*(%w+)%s*:?%s*(.-)%s*$")
    if not filters[name] then error("unknown filter '" .. name .. "'", 0) end
    expression = ("_f.%s(%s%s)"):format(name, expression, arguments ~= "" and ", " .. arguments or "")
  end
  return expression
end

function Template.compile(text, name)
  local code, position = { "local _o, _e, _f = ..." }, 1
  while true do
    local from, to, kind = text:find("{([{%%#])", position)
    local plain = text:sub(position, (from or #text + 1) - 1)
    if plain ~= "" then code[#code + 1] = ("_o[#_o + 1] = %q"):format(plain) end
    if not from then break end
    local closing = kind == "{" and "}}" or kind .. "}"
    local stop, last = text:find(closing, to + 1, true)
    if not stop then error("'" .. closing .. "' missing in " .. name, 0) end
    local inside = text:sub(to + 1, stop - 1)
    if kind == "{" then
      local raw = inside:match("^&(.*)$")
      code[#code + 1] = raw and ("_o[#_o + 1] = tostring(%s)"):format(compile_expression(raw))
        or ("_o[#_o + 1] = _e(%s)"):format(compile_expression(inside))
    elseif kind == "%" then
      code[#code + 1] = inside
    end
    position = last + 1
    if kind == "%" and text:sub(position, position) == "\n" then position = position + 1 end
  end
  return setmetatable({ source = table.concat(code, "\n"), name = name }, Template)
end

function Template:render(values)
  local environment = setmetatable({}, { __index = function(_, key)
    local value = values[key]
    if value == nil then return _G[key] end
    return value
  end })
  local chunk, message = load(self.source, "=" .. self.name, "t", environment)
  if not chunk then error(message, 0) end
  local output = {}
  chunk(output, escape, filters)
  return table.concat(output)
end

local page = Template.compile([[
<h1>{{ title | lower | title }}</h1>
{# not shown #}
{% for i, item in ipairs(items) do %}
  <li class="{{ i % 2 == 0 and "even" or "odd" }}">{{ item.name }}: {{ ("%.2f"):format(item.price) }}{% if item.tags then %} [{{ item.tags | join: "/" }}]{% end %}</li>
{% end %}
Total: {{ total }} ({{& raw }} | {{ raw }}) {{ missing | default: "none" }}
]], "page")
local items = {
  { name = "Nuts & bolts", price = 3.5, tags = { "metal", "small" } },
  { name = "<Rope>", price = 12 },
  { name = 'A "big" box', price = 7.25, tags = {} },
}
local total = 0
for _, item in ipairs(items) do total = total + item.price end
io.write(page:render({ title = "THE SHOP", items = items, total = total, raw = "<b>" }))

local table_template = Template.compile("{% for r = 1, n do %}{% for c = 1, n do %}{{ r * c }}{{& c < n and '\\t' or '' }}{% end %}\n\n{% end %}", "table")
io.write(table_template:render({ n = 4 }))
for _, bad in ipairs({ "{{ open", "{% if %}x{% end %}", "{{ x | nofilter }}", "{{ nothing.field }}" }) do
  local ok, message = pcall(function() return Template.compile(bad, "bad"):render({}) end)
  print(ok, message)
end
