--- Reads the log of memberships after a revision.
---
--- @arg   after integer   mrev, exclusive
--- @arg   limit integer   messages
--- @reply entries entries:member_log_entry[] first:integer
--- @reply compacted first:revision
--- @shape member_log_entry ts:integer runs:member_run[]
--- @exclusive
--- @read
--- @include lib/member_log.lua

--- Entries hold one message or hundreds: few are read at a time, until there are enough.
local AT_ONCE = 8

--- A reply stays below 512 KiB: items grow to about twice their size.
local BYTES_MAX = 200000

function operations.member_events(after, limit)
  local first = member_log.first()
  if after + 1 < first then return { 'compacted', first } end

  local read, messages, bytes, from = {}, 0, 0, text(after)
  repeat
    local found = redis.call('XRANGE', mlog_key, '(' .. from .. '-0', '+', 'COUNT', AT_ONCE)
    for i = 1, #found do
      if messages >= limit or bytes > BYTES_MAX then break end
      local fields = found[i][2]
      local rows = cmsgpack.unpack(fields[6])
      read[#read + 1] = { tonumber(fields[4]), rows }
      messages, bytes = messages + #rows, bytes + #fields[6]
      from = string.match(found[i][1], '^%d+')
    end
  until messages >= limit or bytes > BYTES_MAX or #found < AT_ONCE
  return { 'entries', read, first }
end
