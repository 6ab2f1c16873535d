--- Reads the log of forwarding entries after a revision: its messages as they were published (forwarding contract, section 8.1).
---
--- @arg   after integer   frev, exclusive
--- @arg   limit integer   messages
--- @reply changes messages:fib_message[] first:integer
--- @reply compacted first:revision
--- @exclusive
--- @read
--- @include lib/fib_log.lua

--- A message has one item or hundreds, so few are read at a time until there are enough.
local AT_ONCE = 8

--- A reply stays below 512 KiB.
local BYTES_MAX = 400000

function operations.fib(after, limit)
  local first = fib_log.first()
  if after + 1 < first then return { 'compacted', first } end

  local messages, bytes, from = {}, 0, after
  repeat
    local found = fib_log.after(from, AT_ONCE)
    local is_full = false
    for i = 1, #found do
      local message = found[i]
      bytes = bytes + fib_log.size_of(message)
      is_full = #messages == limit or #messages > 0 and bytes > BYTES_MAX
      if is_full then break end
      messages[#messages + 1] = message
      from = message[1] + #message[3] - 1
    end
  until is_full or #found < AT_ONCE
  return { 'changes', messages, first }
end
