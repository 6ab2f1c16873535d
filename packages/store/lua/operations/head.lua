--- The extent of the logs, the number of sessions and the rest of the hold-off, for the periodic `head` message; and
--- when the next sweep is due, and the schema of the data.
---
--- @reply head first:revision sessions:integer hold_off_ms:integer members_first:integer fib_first:integer due_in_ms:integer schema:integer
--- @exclusive
--- @read
--- @include lib/clients.lua
--- @include lib/member_log.lua
--- @include lib/fib_log.lua

function operations.head()
  local oldest = redis.call('XRANGE', events_key, '-', '+', 'COUNT', 1)[1]
  return { 'head', oldest and tonumber(oldest[2][2]) or router.rev + 1, redis.call('ZCARD', roster_key),
    hold_off_left(), router.members and member_log.first() or 1, router.view and fib_log.first() or 1, due_in_ms(),
    data_schema() }
end
