--- What the beacon says: how far the log reaches, and whether anybody has a session.
---
--- @reply head first:revision sessions:integer
--- @exclusive
--- @read
--- @include lib/events.lua

function operations.head()
  local oldest = redis.call('XRANGE', events_key, '-', '+', 'COUNT', 1)[1]
  return { 'head', oldest and tonumber(oldest[2][2]) or router.rev + 1, redis.call('ZCARD', roster_key) }
end
