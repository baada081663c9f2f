-- Pancake flips over all permutations: small arrays, integer indices, branches.
local n = tonumber(arg[1]) or 10

local function fannkuch(size)
  local perm, flipped, rotations = {}, {}, {}
  for i = 1, size do perm[i], rotations[i] = i, 0 end
  local even, checksum, most = true, 0, 0
  while true do
    local first = perm[1]
    if first ~= 1 then
      for i = 2, size do flipped[i] = perm[i] end
      local flips = 1
      while true do
        local next_first = flipped[first]
        if next_first == 1 then break end
        flipped[first] = first
        local low, high = 2, first - 1
        while low < high do
          flipped[low], flipped[high] = flipped[high], flipped[low]
          low, high = low + 1, high - 1
        end
        first, flips = next_first, flips + 1
      end
      if flips > most then most = flips end
      checksum = even and checksum + flips or checksum - flips
    end

    -- The next permutation in the order of rotating ever longer prefixes.
    if even then
      perm[1], perm[2] = perm[2], perm[1]
      even = false
    else
      perm[2], perm[3] = perm[3], perm[2]
      even = true
      local i = 3
      while true do
        if rotations[i] < i - 1 then
          rotations[i] = rotations[i] + 1
          break
        end
        if i == size then return checksum, most end
        rotations[i] = 0
        i = i + 1
        local head = perm[1]
        for j = 1, i - 1 do perm[j] = perm[j + 1] end
        perm[i] = head
      end
    end
  end
end

local checksum, most = fannkuch(n)
print(string.format("%d Pfannkuchen(%d) = %d", checksum, n, most))
