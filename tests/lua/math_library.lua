-- Every function and constant of math, with subtypes, extremes and errors.
local maxint, minint, huge, nan = math.maxinteger, math.mininteger, math.huge, 0 / 0
local function same(a, b) return a == b and math.type(a) == math.type(b) and (a ~= 0 or math.type(a) == "integer" or 1 / a == 1 / b) end
local function near(a, b) return math.abs(a - b) <= 1e-14 * math.max(1, math.abs(b)) end
local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and message == expected, message)
end
assert(maxint == 9223372036854775807 and minint == -9223372036854775807 - 1 and huge == 1 / 0 and near(math.pi, 3.141592653589793) and math.pi == 3.141592653589793)
-- type and tointeger
assert(math.type(1) == "integer" and math.type(1.0) == "float" and math.type("1") == nil and math.type(nil) == nil and math.type({}) == nil and math.type(huge) == "float" and math.type(nan) == "float")
assert(same(math.tointeger(3.0), 3) and math.tointeger(3.5) == nil and same(math.tointeger(5), 5) and math.tointeger("8") == 8 and math.tointeger("x") == nil and math.tointeger({}) == nil and math.tointeger(2 ^ 63) == nil and same(math.tointeger(-2 ^ 63), minint) and math.tointeger(huge) == nil and math.tointeger(nan) == nil and same(math.tointeger(-0.0), 0) and math.tointeger("3.0") == 3 and math.tointeger("3.5") == nil)
-- floor and ceil
for _, c in ipairs({ { 3.7, 3, 4 }, { -3.7, -4, -3 }, { 3.0, 3, 3 }, { -3.0, -3, -3 }, { 0.0, 0, 0 }, { -0.0, 0, 0 }, { 0.5, 0, 1 }, { -0.5, -1, 0 }, { 5, 5, 5 }, { maxint, maxint, maxint }, { 2 ^ 53, 1 << 53, 1 << 53 }, { -2.0 ^ 63, minint, minint }, { 1e-300, 0, 1 } }) do assert(same(math.floor(c[1]), c[2]) and same(math.ceil(c[1]), c[3]), c[1]) end
assert(same(math.floor(2 ^ 63), 2.0 ^ 63) and same(math.ceil(1e300), 1e300) and math.floor(huge) == huge and math.ceil(-huge) == -huge and math.floor(nan) ~= math.floor(nan) and same(math.floor("3.7"), 3) and same(math.ceil("3"), 3) and same(math.floor(-2.0 ^ 63 - 2048), -2.0 ^ 63 - 2048))
-- abs, min, max
assert(same(math.abs(-5), 5) and same(math.abs(5), 5) and same(math.abs(-5.5), 5.5) and same(math.abs(-0.0), 0.0) and math.abs(minint) == minint and math.abs(-huge) == huge and same(math.abs("-3"), 3) and math.abs(nan) ~= math.abs(nan))
assert(same(math.max(1, 2.5, -1), 2.5) and same(math.max(3), 3) and same(math.min(1, 2.5, -1), -1) and same(math.max(1, 1.0), 1) and same(math.max(1.0, 1), 1.0) and same(math.min(2, 2.0), 2) and math.max(-huge, minint) == minint and math.min(huge, maxint) == maxint and same(math.max("5", 3), "5" + 0) and math.max(maxint, maxint + 0.0) == maxint + 0.0)
assert(same(math.max(0.0, -0.0), 0.0) and same(math.max(-0.0, 0.0), -0.0) and math.max(1, nan) == 1 and math.min(1, nan) == 1 and math.max(nan, 1) ~= math.max(nan, 1))
-- fmod and modf
assert(same(math.fmod(7, 3), 1) and same(math.fmod(-7, 3), -1) and same(math.fmod(7, -3), 1) and same(math.fmod(-7, -3), -1) and same(math.fmod(7.5, 2), 1.5) and same(math.fmod(-7.5, 2), -1.5) and same(math.fmod(6, 2.0), 0.0) and same(math.fmod(-6, 2.0), -0.0) and math.fmod(minint, -1) == 0 and math.fmod(maxint, -1) == 0 and math.fmod(minint, minint) == 0 and math.fmod(5, huge) == 5.0 and math.fmod(-6, 2) == 0 and math.fmod(1, 0.0) ~= math.fmod(1, 0.0) and math.fmod(huge, 2) ~= 0 and same(math.fmod(minint + 1, minint), minint + 1))
local i, f = math.modf(3.7) assert(same(i, 3.0) and near(f, 0.7)) i, f = math.modf(-3.7) assert(same(i, -3.0) and near(f, -0.7)) i, f = math.modf(5) assert(i == 5 and same(f, 0.0)) i, f = math.modf(huge) assert(i == huge and same(f, 0.0)) i, f = math.modf(-huge) assert(i == -huge and f == 0) i, f = math.modf(nan) assert(i ~= i and f ~= f) i, f = math.modf(-0.0) assert(i == 0 and f == 0) i, f = math.modf(0.5) assert(same(i, 0.0) and f == 0.5) i = math.modf(5.0) assert(math.type(i) == "float") i = math.modf(2.0 ^ 70) assert(i == 2.0 ^ 70)
-- sqrt, exp, log
assert(same(math.sqrt(16), 4.0) and math.sqrt(2) == 1.4142135623730951 and math.sqrt(-1) ~= math.sqrt(-1) and same(math.sqrt(-0.0), -0.0) and math.sqrt(huge) == huge and same(math.exp(0), 1.0) and near(math.exp(1), 2.718281828459045) and math.exp(-huge) == 0 and math.exp(710) == huge and math.exp(huge) == huge)
assert(same(math.log(1), 0.0) and near(math.log(10), 2.302585092994046) and near(math.log(8, 2), 3) and math.log(1024, 2) == 10.0 and math.log(100, 10) == 2.0 and math.log(1000, 10) == 3.0 and near(math.log(27, 3), 3) and math.log(0) == -huge and math.log(-1) ~= math.log(-1) and math.log(huge) == huge and near(math.log(2, 4), 0.5) and near(math.log(0.125, 2), -3) and math.log(5, 1) == huge and near(math.log(math.exp(1)), 1) and near(math.log(16, 2.0), 4))
-- Trigonometry
assert(math.sin(0) == 0 and near(math.sin(math.pi / 2), 1) and near(math.sin(math.pi), 0) and math.cos(0) == 1 and near(math.cos(math.pi), -1) and near(math.tan(math.pi / 4), 1) and near(math.sin(1), 0.8414709848078965) and near(math.cos(1), 0.5403023058681398) and near(math.tan(1), 1.5574077246549023) and near(math.sin(1e6), -0.3499935021712929))
assert(near(math.asin(1), math.pi / 2) and near(math.acos(0), math.pi / 2) and math.acos(1) == 0 and near(math.atan(1), math.pi / 4) and near(math.atan(1, -1), 3 * math.pi / 4) and near(math.atan(-1, -1), -3 * math.pi / 4) and math.atan(0, 1) == 0 and near(math.atan(0, -1), math.pi) and near(math.atan(1, 0), math.pi / 2) and near(math.atan(huge), math.pi / 2) and math.asin(2) ~= math.asin(2) and near(math.atan(-0.0, -1), -math.pi) and near(math.atan(5, 3), 1.0303768265243125))
assert(near(math.deg(math.pi), 180) and near(math.rad(180), math.pi) and math.deg(0) == 0 and near(math.deg(1), 57.29577951308232) and math.rad(0) == 0)
-- ult
assert(math.ult(1, 2) and not math.ult(2, 1) and not math.ult(1, 1) and math.ult(1, -1) and not math.ult(-1, 1) and math.ult(maxint, minint) and math.ult(-2, -1) and math.ult(0, minint) and math.ult(2.0, 3) and math.ult("1", "2"))
fails("?", math.floor)
fails("?", math.floor, nil)
fails("?", math.floor, {})
fails("?", math.floor, "x")
fails("?", math.ceil, true)
fails("?", math.abs)
fails("?", math.max)
fails("?", math.min)
fails("?", math.max, 1, "x")
fails("?", math.max, 1, nil)
fails("?", math.sqrt, "x")
fails("?", math.fmod, 1, 0)
fails("?", math.fmod, 1)
fails("?", math.fmod, "a", 1)
fails("?", math.modf, {})
fails("?", math.log, 1, "x")
fails("?", math.log)
fails("?", math.atan)
fails("?", math.ult, 1, 1.5)
fails("?", math.ult, 1)
fails("?", math.type)
fails("?", math.tointeger)
fails("?", math.exp, {})
print("ok")
