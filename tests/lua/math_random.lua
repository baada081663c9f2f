-- math.random: xoshiro256** with the reference's seeding; exact sequences, ranges, distribution.
local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and message == expected, message)
end
local function sequence(count, ...) local out = {} for i = 1, count do out[i] = math.random(...) end return table.concat(out, " ") end
local function floats(count) local out = {} for i = 1, count do out[i] = ("%.17g"):format(math.random()) end return table.concat(out, " ") end
local function is(expected, got) assert(got == expected, got) end
math.randomseed(42) is("-1276290044721465627 8333941968102511665 -8358531260401861301 -3807604385970496171 -7059243630996204619", sequence(5, 0))
math.randomseed(42) is("0.93081217803956817 0.45178389935924312 0.54688311243421495 0.79358935263827257", floats(4))
math.randomseed(42) is("6 2 4 6 6 2 1 3 1 1", sequence(10, 6))
math.randomseed(42) is("50 76 86 54 64 7 25 3", sequence(8, 100))
math.randomseed(42) is("-1 25 35 3 13 -44", sequence(6, -50, 50))
math.randomseed(42) is("7947081992133310181 -889430068752264143 864840776452914507", sequence(3, math.mininteger, math.maxinteger))
math.randomseed(42) is("1062568359653 71327831089 114416401739 870823234111", sequence(4, 0, 1 << 40))
math.randomseed(42) is("7 7 7 7", sequence(4, 7, 7))
math.randomseed(42) is("2 2 2 2 3 2", sequence(6, 3))
math.randomseed(0) is("4554719557422691265 4331835599999590920 1277915526958806955 -7628392839634014443 8746992150480317615", sequence(5, 0))
math.randomseed(0) is("0.2469118419609948 0.23482927841848023 0.069275939529084729 0.58646399553479667", floats(4))
math.randomseed(0) is("2 1 4 6 5 1 1 1 6 3", sequence(10, 6))
math.randomseed(0) is("66 9 44 22 48 88 57 87", sequence(8, 100))
math.randomseed(0) is("15 -42 -7 -29 -3 37", sequence(6, -50, 50))
math.randomseed(0) is("-4668652479432084543 -4891536436855184888 -7945456509895968853", sequence(3, math.mininteger, math.maxinteger))
math.randomseed(0) is("610130679864 893291297072 400850466101 953051002026", sequence(4, 0, 1 << 40))
math.randomseed(0) is("7 7 7 7", sequence(4, 7, 7))
math.randomseed(0) is("2 1 2 1 1 3", sequence(6, 3))
math.randomseed(1) is("-3401804370673955427 -247601303632394777 1463393481460428193 9198441137422714871 -7529773041964062036", sequence(5, 0))
math.randomseed(1) is("0.81558781554723059 0.98657750643457565 0.079330719590026022 0.49864849323368698", floats(4))
math.randomseed(1) is("6 2 5 6 1 4 6 5 3 5", sequence(10, 6))
math.randomseed(-1) is("-6532212821526904015 -1196536760348545977 -2650849461319115649 -6531135529039494973 -1971808131736728457", sequence(5, 0))
math.randomseed(-1) is("0.64588803338814316 0.93513561224856689 0.85629716275528922 0.64594643353090575", floats(4))
math.randomseed(-1) is("2 4 1 6 5 6 4 6 5 5", sequence(10, 6))
math.randomseed(math.maxinteger) is("2109649683840586809 5129503355334672232 1066408978206533352 3393585829705759053 -1167637343396237495", sequence(5, 0))
math.randomseed(math.maxinteger) is("0.11436433852016603 0.2780709340812767 0.057810146546478425 0.18396665645415033", floats(4))
math.randomseed(math.maxinteger) is("2 1 1 6 2 2 6 5 5 2", sequence(10, 6))
math.randomseed(math.mininteger) is("5036059568217425151 4973990004745254833 -868762017530435276 2046947298972887762 7938862732983537987", sequence(5, 0))
math.randomseed(math.mininteger) is("0.27300533623138712 0.26964053845329938 0.95290431666103059 0.11096523542548697", floats(4))
math.randomseed(math.mininteger) is("2 5 3 4 2 6 4 3 5 6", sequence(10, 6))
math.randomseed(123456789) is("-8807486497290693269 -5620225258248769823 9186145970678978308 1574082050578685747 -7574073149706618475", sequence(5, 0))
math.randomseed(123456789) is("0.52254520027503415 0.69532697825743883 0.49798197090895546 0.085331158945392338", floats(4))
math.randomseed(123456789) is("4 2 5 4 6 6 6 2 3 5", sequence(10, 6))
math.randomseed(42, 7) is("-3100642489518372304 -513943613097109053 3114548357680379993 -3377422445478072817 3601505243561485172", sequence(5, 0))
math.randomseed(42, 7) is("0.83191383383816586 0.97213906090725322 0.16884000478541139 0.81690956236056833", floats(4))
math.randomseed(42, 7) is("1 4 2 5 6 5 5 2 2 4", sequence(10, 6))
math.randomseed(42, 7) is("49 68 90 16 14 95 61 58", sequence(8, 100))
math.randomseed(42, 7) is("-2 17 39 -35 -37 44", sequence(6, -50, 50))
math.randomseed(42, 7) is("6122729547336403504 8709428423757666755 -6108823679174395815", sequence(3, math.mininteger, math.maxinteger))
math.randomseed(42, 7) is("92019247664 198119599631 1070500778253 731861177273", sequence(4, 0, 1 << 40))
math.randomseed(42, 7) is("7 7 7 7", sequence(4, 7, 7))
math.randomseed(42, 7) is("1 2 1 2 3 1", sequence(6, 3))
math.randomseed(0, 1) is("1152565582355088295 5960539984830131148 -8080457984409999607 -136488687096488187 -9150080504247037314", sequence(5, 0))
math.randomseed(0, 1) is("0.062480705416070315 0.32312152003697714 0.56195749493124181 0.99260093344651457", floats(4))
math.randomseed(0, 1) is("5 2 6 6 5 2 3 4 4 5", sequence(10, 6))
math.randomseed(42.0) is("-1276290044721465627 8333941968102511665 -8358531260401861301 -3807604385970496171 -7059243630996204619", sequence(5, 0))
math.randomseed(42.0) is("0.93081217803956817 0.45178389935924312 0.54688311243421495 0.79358935263827257", floats(4))
math.randomseed(42.0) is("6 2 4 6 6 2 1 3 1 1", sequence(10, 6))
-- The generator written out once more
local function rotl(x, n) return x << n | x >> (64 - n) end
local state
local function nextrand()
  local s0, s1, s2, s3 = state[1], state[2], state[3] ~ state[1], state[4] ~ state[2]
  local result = rotl(s1 * 5, 7) * 9
  s1 = s1 << 17
  local a, b = state[2] ~ s2, state[1] ~ s3
  state = { b, a, s2 ~ s1, rotl(s3, 45) }
  return result
end
local function seed(n1, n2) state = { n1, 0xff, n2, 0 } for _ = 1, 16 do nextrand() end end
for _, n in ipairs({ 42, 0, -7, math.maxinteger }) do
  math.randomseed(n) seed(n, 0)
  for _ = 1, 50 do assert(math.random(0) == nextrand()) end
  for _ = 1, 50 do assert(math.random() == (nextrand() >> 11) * 2.0 ^ -53) end
end
math.randomseed(5, 9) seed(5, 9)
assert(math.random(0) == nextrand())
-- Seeds: what randomseed gives back seeds the same sequence
local a, b = math.randomseed(77)
assert(a == 77)
assert(b == 0)
local one = sequence(5, 1000)
math.randomseed(a, b)
assert(sequence(5, 1000) == one)
a, b = math.randomseed()
assert(math.type(a) == "integer")
assert(math.type(b) == "integer")
one = sequence(5, 1000) math.randomseed(a, b)
assert(sequence(5, 1000) == one)
math.randomseed(3.0) one = sequence(3, 0) math.randomseed(3)
assert(sequence(3, 0) == one)
-- Ranges
math.randomseed(1)
for _ = 1, 500 do
  local r = math.random()
  assert(r >= 0)
  assert(r < 1)
  assert(math.type(r) == "float")
  r = math.random(10)
  assert(r >= 1)
  assert(r <= 10)
  assert(math.type(r) == "integer")
  r = math.random(-5, 5)
  assert(r >= -5)
  assert(r <= 5)
  r = math.random(math.maxinteger - 1, math.maxinteger)
  assert(r >= math.maxinteger - 1)
  r = math.random(math.mininteger, math.mininteger + 2)
  assert(r <= math.mininteger + 2)
  assert(math.random(3, 3) == 3)
  assert(math.random(1) == 1)
  assert(math.type(math.random(0)) == "integer")
end
local counts = {} for i = 1, 6 do counts[i] = 0 end
for _ = 1, 6000 do local d = math.random(6) counts[d] = counts[d] + 1 end
for i = 1, 6 do assert(counts[i] > 850 and counts[i] < 1150) end
local sum = 0 for _ = 1, 5000 do sum = sum + math.random() end
assert(sum > 2400)
assert(sum < 2600)
fails("bad argument #1 to 'math.random' (interval is empty)", math.random, 0, -1)
fails("bad argument #1 to 'math.random' (interval is empty)", math.random, -1)
fails("bad argument #1 to 'math.random' (interval is empty)", math.random, 5, 4)
fails("bad argument #1 to 'math.random' (interval is empty)", math.random, math.maxinteger, math.mininteger)
fails("wrong number of arguments", math.random, 1, 2, 3)
fails("bad argument #1 to 'math.random' (number has no integer representation)", math.random, 1.5)
fails("bad argument #2 to 'math.random' (number has no integer representation)", math.random, 1, 2.5)
fails("bad argument #1 to 'math.random' (number expected, got string)", math.random, "x")
fails("bad argument #1 to 'math.random' (number expected, got table)", math.random, {})
fails("bad argument #1 to 'math.random' (number expected, got nil)", math.random, nil)
fails("bad argument #1 to 'math.randomseed' (number expected, got string)", math.randomseed, "x")
fails("bad argument #1 to 'math.randomseed' (number expected, got table)", math.randomseed, {})
fails("bad argument #2 to 'math.randomseed' (number has no integer representation)", math.randomseed, 1, 1.5)
assert(math.random("3", "3") == 3)
assert(math.random(2.0, 2.0) == 2)
print("ok")
