--- Reads the operator log after a number.
---
--- @arg   after integer   number of an entry, exclusive
--- @arg   limit integer
--- @reply entries entries:operator_entry[] head:integer first:integer
--- @exclusive
--- @read
--- @include lib/operator_log.lua

function operations.admin_events(after, limit)
  local head = operator_log.head()
  local oldest = redis.call('XRANGE', operator_log_key, '-', '+', 'COUNT', 1)[1]
  local found = redis.call('XRANGE', operator_log_key, '(' .. text(after) .. '-0', '+', 'COUNT', limit)
  local entries = {}
  for i = 1, #found do
    local number, fields = tonumber(string.match(found[i][1], '^%d+')), found[i][2]
    entries[i] = { number, tonumber(fields[2]), unpack(cmsgpack.unpack(fields[4])) }
  end
  return { 'entries', entries, head, oldest and tonumber(string.match(oldest[1], '^%d+')) or head + 1 }
end
