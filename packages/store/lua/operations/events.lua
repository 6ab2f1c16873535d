--- Reads the log after a revision.
---
--- @arg   after integer   revision, exclusive
--- @arg   limit integer
--- @reply entries entries:log_entry[] first:revision
--- @reply compacted first:revision
--- @shape log_entry ts:integer events:event[]
--- @alone
--- @include lib/events.lua

local oldest = redis.call('XRANGE', events_key, '-', '+', 'COUNT', 1)[1]
local first = oldest and tonumber(oldest[2][2]) or router.rev + 1
if after + 1 < first then return { 'compacted', first } end
local found = redis.call('XRANGE', events_key, '(' .. text(after) .. '-0', '+', 'COUNT', limit)
local entries, held = {}, 0
for i = 1, #found do
  if held >= limit then break end
  local fields = found[i][2]
  entries[i] = { tonumber(fields[4]), cmsgpack.unpack(fields[6]) }
  held = held + tonumber(string.match(found[i][1], '^%d+')) - tonumber(fields[2]) + 1
end
return { 'entries', entries, first }
