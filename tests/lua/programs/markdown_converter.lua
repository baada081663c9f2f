-- Markdown to HTML: headings, paragraphs, emphasis, code, links, lists, quotes, rules, tables.
local function escape(text) return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })) end

local function inline(text, references)
  local held = {}
  local function hold(html)
    held[#held + 1] = html
    return "\1" .. #held .. "\2"
  end
  text = text:gsub("(`+)(.-)%1", function(_, code) return hold("<code>" .. escape(code) .. "</code>") end)
  text = text:gsub("\\([%p])", hold)
  text = escape(text)
  text = text:gsub("!%[([^%]]*)%]%(([^%s%)]+)%)", function(alt, url) return hold(('<img src="%s" alt="%s">'):format(url, alt)) end)
  text = text:gsub("%[([^%]]+)%]%(([^%s%)]+)%)", function(label, url) return hold(('<a href="%s">'):format(url)) .. label .. hold("</a>") end)
  text = text:gsub("%[([^%]]+)%]%[(%w*)%]", function(label, name)
    local url = references[(name ~= "" and name or label):lower()]
    return url and hold(('<a href="%s">'):format(url)) .. label .. hold("</a>") or nil
  end)
  text = text:gsub("&lt;(https?://[^%s&]+)&gt;", function(url) return hold(('<a href="%s">%s</a>'):format(url, url)) end)
  text = text:gsub("%*%*(%S.-)%*%*", "<strong>%1</strong>"):gsub("%*(%S.-)%*", "<em>%1</em>"):gsub("%f[%w_]_([^_]+)_%f[^%w_]", "<em>%1</em>")
  text = text:gsub("  \n", "<br>\n")
  repeat
    local n
    text, n = text:gsub("\1(%d+)\2", function(i) return held[tonumber(i)] end)
  until n == 0
  return text
end

local convert

local function list_block(lines, at, out, references)
  local ordered = lines[at]:match("^%d+%.%s") ~= nil
  local pattern = ordered and "^%d+%.%s+(.*)$" or "^[-*+]%s+(.*)$"
  out[#out + 1] = ordered and "<ol>" or "<ul>"
  while lines[at] and lines[at]:match(pattern) do
    local item = { lines[at]:match(pattern) }
    at = at + 1
    while lines[at] and lines[at]:match("^%s%s+%S") do
      item[#item + 1] = lines[at]:gsub("^%s%s?%s?%s?", "", 1)
      at = at + 1
    end
    local head = inline(item[1], references)
    if #item > 1 then head = head .. "\n" .. convert(table.concat(item, "\n", 2), references) end
    out[#out + 1] = "<li>" .. head .. "</li>"
  end
  out[#out + 1] = ordered and "</ol>" or "</ul>"
  return at
end

local function table_block(lines, at, out, references)
  local function row(line, tag, aligns)
    local cells, i = {}, 0
    for cell in line:gsub("^|", ""):gsub("|%s*$", ""):gsub("$", "|"):gmatch("%s*(.-)%s*|") do
      i = i + 1
      local align = aligns[i] and aligns[i] ~= "" and (' align="%s"'):format(aligns[i]) or ""
      cells[i] = ("<%s%s>%s</%s>"):format(tag, align, inline(cell, references), tag)
    end
    return "<tr>" .. table.concat(cells) .. "</tr>"
  end
  local aligns = {}
  for cell in lines[at + 1]:gmatch("[^|]+") do
    local left, right = cell:match("^%s*(:?)%-+(:?)%s*$")
    if left then aligns[#aligns + 1] = left ~= "" and right ~= "" and "center" or right ~= "" and "right" or left ~= "" and "left" or "" end
  end
  out[#out + 1] = "<table>"
  out[#out + 1] = row(lines[at], "th", aligns)
  at = at + 2
  while lines[at] and lines[at]:find("|", 1, true) do
    out[#out + 1] = row(lines[at], "td", aligns)
    at = at + 1
  end
  out[#out + 1] = "</table>"
  return at
end

function convert(text, references)
  local lines, out = {}, {}
  for line in (text .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = line end
  local at = 1
  while at <= #lines do
    local line = lines[at]
    local marks, heading = line:match("^(#+)%s+(.-)%s*#*$")
    if line:find("^%s*$") then
      at = at + 1
    elseif marks and #marks <= 6 then
      local id = heading:lower():gsub("[^%w%s-]", ""):gsub("%s+", "-")
      out[#out + 1] = ('<h%d id="%s">%s</h%d>'):format(#marks, id, inline(heading, references), #marks)
      at = at + 1
    elseif line:find("^```") then
      local language, code = line:match("^```(%w*)"), {}
      at = at + 1
      while lines[at] and not lines[at]:find("^```") do
        code[#code + 1] = escape(lines[at])
        at = at + 1
      end
      at = at + 1
      out[#out + 1] = ("<pre><code%s>%s\n</code></pre>"):format(language ~= "" and (' class="%s"'):format(language) or "", table.concat(code, "\n"))
    elseif line:gsub("%s", ""):find("^%-%-%-+$") or line:gsub("%s", ""):find("^%*%*%*+$") then
      out[#out + 1] = "<hr>"
      at = at + 1
    elseif line:find("^>") then
      local quoted = {}
      while lines[at] and lines[at]:find("^>") do
        quoted[#quoted + 1] = lines[at]:gsub("^>%s?", "")
        at = at + 1
      end
      out[#out + 1] = "<blockquote>\n" .. convert(table.concat(quoted, "\n"), references) .. "\n</blockquote>"
    elseif line:find("^[-*+]%s") or line:find("^%d+%.%s") then
      at = list_block(lines, at, out, references)
    elseif line:find("|", 1, true) and lines[at + 1] and lines[at + 1]:find("^[%s|:-]+$") and lines[at + 1]:find("%-") then
      at = table_block(lines, at, out, references)
    else
      local paragraph = {}
      repeat
        paragraph[#paragraph + 1] = lines[at]
        at = at + 1
      until not lines[at] or not lines[at]:find("%S") or lines[at]:find("^[#>]") or lines[at]:find("^```")
      out[#out + 1] = "<p>" .. inline(table.concat(paragraph, "\n"), references) .. "</p>"
    end
  end
  return table.concat(out, "\n")
end

local function markdown(text)
  local references = {}
  text = text:gsub("\n%[(%w+)%]:%s*(%S+)", function(name, url)
    references[name:lower()] = url
    return ""
  end)
  return convert(text, references)
end

print(markdown([=[
# The *Moon* & its phases #

A paragraph with **bold**, *emphasis*, _underscores_, `code <tag>` and
a second line.  
After a break: 1 < 2 && 3 > 2, snake_case_name, 2 \* 3 \* 4.

## Links
See [the site](http://example.org/a?b=1), [named][moon], [Moon][], <https://example.org> and ![pic](a.png).

- first
- second with **bold**
  continued here
  - nested one
  - nested two
- third

1. one
2. two `x`

> quoted *text*
> more
>
> > deeper

```lua
local x <const> = 1 -- **not bold**
print(x & 2)
```

| Name | Phase | Days |
|:-----|:-----:|-----:|
| New  | *dark* | 0 |
| Full | `bright` | 15 |

---
####### not a heading
The end.
[moon]: http://example.org/moon
]=]))
