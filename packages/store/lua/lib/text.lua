--- Numbers and lists as Redis takes them.

--- Lua's own `tostring` writes 1.7e+15 for an epoch: it keeps 14 digits. `%d` is exact to 2^53 and beyond, and takes a third
--- of the time of `%.0f`.
local function text(number)
  return string.format('%d', number)
end

--- `unpack` of Redis takes fewer than 8000 values.
local CHUNK = 4000

--- Calls `send` with the list in pieces that `unpack` can carry. Their length is even, so that pairs stay together.
local function in_chunks(list, send)
  for first = 1, #list, CHUNK do
    send(unpack(list, first, math.min(first + CHUNK - 1, #list)))
  end
end
