--- Numbers and lists as Redis takes them.

--- Lua's own `tostring` writes 1.7e+15 for an epoch: it keeps 14 digits.
local function text(number)
  return string.format('%.0f', number)
end

--- `unpack` of Redis takes fewer than 8000 values.
local CHUNK = 4000

--- Calls `send` with the list in pieces that `unpack` can carry. Their length is even, so that pairs stay together.
local function in_chunks(list, send)
  for first = 1, #list, CHUNK do
    send(unpack(list, first, math.min(first + CHUNK - 1, #list)))
  end
end
