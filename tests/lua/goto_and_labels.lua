-- goto: continue, nested breaks, loops, scoping rules, closures, errors.
local function rejects(source, expected)
  local f, message = load(source, "=s")
  assert(f == nil and message == expected, message or source)
end
local out = {}
for i = 1, 10 do if i % 2 == 0 then goto continue end out[#out + 1] = i ::continue:: end
assert(table.concat(out, ",") == "1,3,5,7,9")
local found
for i = 1, 10 do for j = 1, 10 do if i * j == 42 then found = i .. "x" .. j goto done end end end
::done::
assert(found == "6x7")
do local i = 1 ::top:: i = i * 2 if i < 1000 then goto top end assert(i == 1024) end
do goto skip local x x = 1 ::skip:: end
do goto over; error() ::over:: end
do local k = 0 ::a:: k = k + 1 if k == 1 then goto b elseif k == 2 then goto c end ::b:: if k < 2 then goto a end ::c:: assert(k == 2) end
local function states(input)
  local i, log, c = 0, {}, nil
  ::start::
  i = i + 1
  c = input:sub(i, i)
  if c == "a" then goto is_a elseif c == "b" then goto is_b elseif c == "" then goto finish end
  log[#log + 1] = "?"
  goto start
  ::is_a:: log[#log + 1] = "A" goto start
  ::is_b:: log[#log + 1] = "B" goto start
  ::finish::
  return table.concat(log)
end
assert(states("abxab") == "AB?AB")
assert(states("") == "")
-- while and repeat
local n, w = 0, 0
while n < 10 do n = n + 1 if n % 3 ~= 0 then goto next end w = w + n ::next:: end
assert(w == 18)
n, w = 0, 0
repeat n = n + 1 if n == 2 then goto continue end w = w + n ::continue:: until n == 4
assert(w == 8)
-- Labels in nested functions and blocks may have the same name
do ::l:: local f = function() ::l:: return 1 end do local x end assert(f() == 1) end
do do ::x:: end do ::x:: end ::x:: end
-- Fresh locals for closures
local fs = {}
do local i = 1 ::again:: local v = i fs[i] = function() v = v + 1 return v end i = i + 1 if i <= 3 then goto again end end
assert(fs[1]() == 2)
assert(fs[1]() == 3)
assert(fs[2]() == 3)
assert(fs[3]() == 4)
-- goto as a name is reserved, labels are no variables
do local label = 5 ::label:: assert(label == 5) end
-- break in all loops
for i = 1, 3 do if i == 2 then break end n = i end
assert(n == 1)
while true do break end
repeat break until false
for _ in pairs({ 1 }) do break end
for i = 1, 2 do for j = 1, 2 do break end n = i end
assert(n == 2)
for i = 1, 5 do local c = function() return i end if c() == 3 then n = c break end end
assert(n() == 3)
rejects("goto nowhere", "s:1: no visible label 'nowhere' for <goto> at line 1")
rejects("do ::inside:: end goto inside", "s:1: no visible label 'inside' for <goto> at line 1")
rejects("goto inside do ::inside:: end", "s:1: no visible label 'inside' for <goto> at line 1")
rejects("goto f local x ::f:: print(x)", "s:1: <goto f> at line 1 jumps into the scope of local 'x'")
rejects("repeat goto c local x ::c:: until x", "s:1: <goto c> at line 1 jumps into the scope of local 'x'")
rejects("::a:: ::a::", "s:1: label 'a' already defined on line 1")
rejects("::a:: do ::a:: end", "s:1: label 'a' already defined on line 1")
rejects("goto 5", "s:1: <name> expected near '5'")
rejects("goto", "s:1: <name> expected near <eof>")
rejects("::a", "s:1: '::' expected near <eof>")
rejects("break", "s:1: break outside loop at line 1")
rejects("do break end", "s:1: break outside loop at line 1")
rejects("for i = 1, 2 do (function() break end)() end", "s:1: break outside loop at line 1")
rejects("function f() goto out end ::out::", "s:1: no visible label 'out' for <goto> at line 1")
rejects("if true then\nbreak end", "s:2: break outside loop at line 2")
assert(load("goto e; local x; ::e::"))
assert(load("goto e; local x; ::e:: ;;"))
assert(not load("goto e; local x; ::e:: x = 1"))
print("ok")
