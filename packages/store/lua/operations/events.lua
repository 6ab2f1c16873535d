--- Reads the event log after a revision.
---
--- @arg   after integer   revision, exclusive
--- @arg   limit integer
--- @reply entries entries:log_entry[] first:revision
--- @reply compacted first:revision
--- @shape log_entry ts:integer runs:event_run[]
--- @exclusive
--- @read
--- @include lib/events.lua

--- An entry has between one event and a thousand, so few are read at a time until there are enough.
local ENTRIES = 8

function operations.events(after, limit)
  local oldest = redis.call('XRANGE', events_key, '-', '+', 'COUNT', 1)[1]
  local first = oldest and tonumber(oldest[2][2]) or router.rev + 1
  if after + 1 < first then return { 'compacted', first } end

  local entries, held, from = {}, 0, text(after)
  repeat
    local found = redis.call('XRANGE', events_key, '(' .. from .. '-0', '+', 'COUNT', ENTRIES)
    for i = 1, #found do
      if held >= limit then break end
      local last, fields = string.match(found[i][1], '^%d+'), found[i][2]
      entries[#entries + 1] = { tonumber(fields[4]), cmsgpack.unpack(fields[6]) }
      held = held + tonumber(last) - math.max(tonumber(fields[2]), after + 1) + 1
      from = last
    end
  until held >= limit or #found < ENTRIES
  return { 'entries', entries, first }
end
