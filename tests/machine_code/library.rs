//! What compiled code does itself of the library, or has done by a short way: with all arguments it gives what the functions give.

use super::lua::is_same_in_all;

/// Notes lines, and prints a hash of them.
const NOTES: &str = r#"
    local N, out = 3000, {}
    local function p(...) out[#out + 1] = table.concat({ ... }, " ") end
    local function finish()
      local h = 0
      for i = 1, #out do local s = out[i] for j = 1, #s do h = (h * 31 + s:byte(j)) % 1000000007 end end
      print(#out, h, out[1], out[#out])
    end
"#;

fn notes_the_same(source: &str) {
    is_same_in_all(&format!("{NOTES}{source} finish()"));
}

#[test]
fn arguments_are_selected_in_line() {
    notes_the_same(
        r#"
        local function sum(...) local s = 0; for i = 1, select('#', ...) do s = s + (select(i, ...)) end return s end
        local function last(...) return (select(-1, ...)) end
        local function nth(n, ...) local v = select(n, ...) return v end
        local function cnt(w, ...) local v = select(w, ...) return v end
        for i = 1, N do
          p(sum(), sum(1), sum(i, 2, 3), sum(1,2,3,4,5,6,7,8,9,10), last(i, i*2), tostring(nth(3, 1, 2)), tostring(nth(2, "a", "b")), tostring(nth(-2, "a", "b")))
          local ok, e = pcall(nth, 0, 1) p(tostring(ok), e)
          ok, e = pcall(nth, -3, 1, 2) p(tostring(ok), e)
          ok, e = pcall(nth, "x", 1, 2) p(tostring(ok), e)
          p(cnt('#', 1, 2, nil), tostring(cnt(2, 1, nil, 3)), tostring(cnt("2", 1, 7)), tostring(cnt(2.0, 1, 8)))
          ok, e = pcall(cnt, "", 1) p(tostring(ok), e)
        end
        local big = {} for i = 1, 500 do big[i] = i end
        for i = 1, 20 do p(sum(table.unpack(big))) end
        "#,
    );
}

#[test]
fn traversals_give_the_same() {
    notes_the_same(
        r#"
        local function walk(t) local s = "" for k, v in pairs(t) do s = s .. tostring(k) .. "=" .. tostring(v) .. ";" end return s end
        local function iwalk(t) local s = "" for k, v in ipairs(t) do s = s .. tostring(k) .. "=" .. tostring(v) .. ";" end return s end
        local function three(t) local n = 0 for a, b, c in pairs(t) do n = n + 1 if c ~= nil then error("c") end end return n end
        local function keys(t) local n = 0 for k in pairs(t) do n = n + #tostring(k) end return n end
        local mt = setmetatable({1,2}, {__index = function(t, i) if i < 6 then return i * 10 end end, __pairs = function(t) return function(_, k) k = (k or 0) + 1 if k < 4 then return k, k * k end end, t, nil end})
        local holes = {1, nil, 3, nil, 5, x = 1, [0] = "z", [-1] = true, [2.5] = false}
        local mixed = {true, false, 1.5, "s", {}, n = 1}
        mixed[5] = nil
        for i = 1, N do
          local list = {}
          for j = 1, i % 9 do list[j] = (j % 3 == 0) or j end
          p(walk(list), iwalk(list), walk(holes), iwalk(holes), walk(mt), iwalk(mt), iwalk(mixed), walk(mixed), three(holes), keys(holes))
          -- removal while traversing
          local t = {} for j = 1, 12 do t[j] = j; t["k" .. j] = j end
          local s = 0
          for k, v in pairs(t) do s = s + v; t[k] = nil end
          p(s, tostring(next(t)))
          for k, v in next, {10, 20, 30, a = 1} do s = s + v end
          for k, v in next, {10, 20, 30, a = 1}, 1 do s = s + v end
          for k, v in next, {[0] = 1, 10, 20, 30, a = 1}, 0 do s = s + v end
          p(s)
          local ok, e = pcall(function() for k in next, {1,2,3}, 7 do end end) p(tostring(ok), e)
          ok, e = pcall(function() for k in pairs(nil) do end end) p(tostring(ok), e)
          ok, e = pcall(function() for k in ipairs() do end end) p(tostring(ok), e)
          ok, e = pcall(function() for k in ipairs(nil) do end end) p(tostring(ok), e)
          ok, e = pcall(function() for k, v in ipairs(setmetatable({1}, {__index = function() error("oops") end})) do end end) p(tostring(ok), e)
        end
        for r = 1, 5 do
          local d = {} for i = 1, 200 do d["n" .. i] = i; d[i * 3.5] = i; d[i*2] = i end
          local h = 0
          for k, v in pairs(d) do h = (h * 31 + v) % 1000003 if v % 3 == 0 then d[k] = nil end end
          for k, v in pairs(d) do h = (h * 31 + v) % 1000003 end
          p(h)
        end
        "#,
    );
}

#[test]
fn ends_of_lists_are_changed_in_line() {
    notes_the_same(
        r#"
        local function walk(t) local s = "" for k, v in pairs(t) do s = s .. tostring(k) .. "=" .. tostring(v) .. ";" end return s end
        local insert, remove = table.insert, table.remove
        local function fill(n, t) for i = 1, n do insert(t, i) end return t end
        local function drain(t) local s = 0 while true do local v = remove(t) if v == nil then break end s = s * 3 % 1000003 + (tonumber(v) or 1) end return s end
        for i = 1, N do
          local t = fill(i % 20, {})
          insert(t, true) insert(t, false) insert(t, "x") insert(t, {} ~= nil)
          p(#t, remove(t) and 1, remove(t), tostring(remove(t)), tostring(remove(t)))
          p(drain(t), #t, tostring(remove(t)))
          local h = {1, nil, 3} p(remove(h), #h) remove(h) p(#h)
          local u = setmetatable({}, {__newindex = function(t, k, v) rawset(t, k, (v or 0) + 100) end, __len = function() return 3 end})
          insert(u, 5) p(tostring(rawget(u, 4)), tostring(remove(u)))
          local ok, e = pcall(insert, nil, 1) p(tostring(ok), e)
          ok, e = pcall(insert, {}, 1, 2, 3) p(tostring(ok), e)
          ok, e = pcall(function() insert({}, nil) insert({1}, 9, 9) end) p(tostring(ok), e)
          local w = {[1] = 1, [2] = 2, [4] = 4, [7] = 5, z = 1} insert(w, 9) insert(w, 10) p(walk(w))
          local z = {1,2,3} insert(z, nil) p(#z)
        end
        "#,
    );
}

#[test]
fn elements_of_all_keys_and_methods_of_strings_are_the_same() {
    notes_the_same(
        r#"
        local function m(s) return s:len() + #s:upper() + s:byte(1) end
        function string.twice(s) return s .. s end
        local function tw(s) return s:twice():rep(2) end
        for i = 1, N do
          p(m("abc" .. i), tw("q" .. i))
          if i == N // 2 then string.len = function(s) return 1000 end end
          local ok, e = pcall(function() local s = "x" return s:nothing() end) p(tostring(ok), e)
        end
        local function get(t, k) return t[k] end
        local function set(t, k, v) t[k] = v end
        local obj = {}
        local prox = setmetatable({}, {__index = function(_, k) return k end, __newindex = function(t, k, v) rawset(t, k, v) end})
        for i = 1, N do
          local t = {}
          for _, k in ipairs({1, 2, 5, 100, -1, 2.0, 2.5, "s", true, obj, 3, 4, string.rep("L", 60)}) do
            set(t, k, i) p(tostring(get(t, k)), #t) if i % 3 == 0 then set(t, k, nil) p(tostring(get(t, k)), #t) end
          end
          set(prox, i, i) p(get(prox, i), get(prox, i + 1), get(prox, "q"))
          local ok, e = pcall(set, t, nil, 1) p(tostring(ok), e)
          ok, e = pcall(set, t, 0/0, 1) p(tostring(ok), e)
          ok, e = pcall(get, nil, 1) p(tostring(ok), e)
        end
        "#,
    );
}

#[test]
fn several_results_are_the_same() {
    notes_the_same(
        r#"
        local big = {} for i = 1, 500 do big[i] = i end
        local unpack, find, match, byte = table.unpack, string.find, string.match, string.byte
        local function cat(...) local n = select('#', ...) local s = tostring(n) for i = 1, n do s = s .. "," .. tostring((select(i, ...))) end return s end
        local function un(t, i, j) return cat(unpack(t, i, j)) end
        local function un2(t) local a, b, c = unpack(t) return cat(a, b, c) end
        local function fi(...) local a, b, c, d = find(...) return cat(a, b, c, d) end
        local function fa(...) return cat(find(...)) end
        local function ma(...) return cat(match(...)) end
        local function by(...) return cat(byte(...)) end
        local function by3(s) local a, b, c = byte(s, 1, 3) return cat(a, b, c) end
        local function se(...) return cat(select(2, ...)) end
        local function sn(n, ...) return cat(select(n, ...)) end
        local function nx(t, k) local a, b = next(t, k) return cat(a, b) end
        local longkey = string.rep("k", 100)
        for i = 1, N do
          p(un({}), un({1}), un({1, nil, 3}), un({1, true, false, "x"}, 2), un({1, 2, 3}, 2, 5), un({1, 2, 3}, -1, 2), un({1,2}, 3, 1), un2({1}), un2({1,2,3,4}), #un(big))
          p(fi("hello world", "o w"), fi("hello", "l+"), fi("hello", "(l)(l)"), fi("hello", "()l", 2), fi("hello", "z"), fa("hello", "z"), fa("hello", "(h)(e)(l)", 1, false, 1, 2, 3), fa("a.b", ".", 1, true), fa("x", "", 9), fa("x", "", 2))
          p(ma("key=val", "(%w+)=(%w+)"), ma("key", "%d"), ma("abc", "()b()"), ma("abc", "b"), by("abc", 1, -1), by("abc", 10), by("abc", 2, 1), by("", 1, 5), by3("ab"), by3("abcd"), #by(string.rep("x", 300), 1, -1))
          p(se(), se(1), se(1, 2), se(1, nil, 3), sn(1), sn(1, "a"), sn(-1, "a", "b"), sn(5, 1), nx({}), nx({5}), nx({5}, 1), nx({a = 1}), nx({[longkey] = 1}), nx({[longkey] = 1}, longkey))
          local ok, e = pcall(sn, 0, 1) p(tostring(ok), e)
          ok, e = pcall(nx, {}, 5) p(tostring(ok), e)
          ok, e = pcall(fi, "x", "(") p(tostring(ok), e)
          ok, e = pcall(fa, "x", "%") p(tostring(ok), e)
          ok, e = pcall(un, nil) p(tostring(ok), e)
          ok, e = pcall(un, {}, 1, 1e8) p(tostring(ok), e)
          ok, e = pcall(ma, nil) p(tostring(ok), e)
          p(un(setmetatable({1, 2}, {__len = function() return 4 end, __index = function(t, k) return k * 2 end})))
        end
        "#,
    );
}
