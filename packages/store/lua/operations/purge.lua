--- Deletes the data of a router that nothing has used for the retention time.
---
--- @arg   retention_ms integer
--- @reply purged
--- @reply kept last_used_at:integer
--- @reply in_use
--- @exclusive
--- @include lib/router.lua

function operations.purge(retention_ms)
  if redis.call('ZCARD', roster_key) > 0 or redis.call('ZCARD', leases_key) > 0 then return { 'in_use' } end
  if router.members and (router.members.slots > 0 or router.members.limited > 0) then return { 'in_use' } end
  if router.view and router.view.active == 1 then return { 'in_use' } end
  if router.fresh then return { 'purged' } end
  if now_ms - router.seen_at < retention_ms then return { 'kept', router.seen_at } end
  router.purged = true
  return { 'purged' }
end
