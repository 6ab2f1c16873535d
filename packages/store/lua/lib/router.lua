--- What a router has one of: revision, epoch clock, log, service clock. Read once per batch, written once.
---
--- @include lib/clock.lua
--- @include lib/text.lua

local SCHEMA = 1

local router = {}
local service_now

local function load_router(known)
  local stored = redis.call('HMGET', meta_key, 'schema', 'rev', 'epoch', 'log', 'service_ms', 'seen_at',
    'last_client', 'reset_of', 'serving_until', 'reset_epoch', 'began', 'longest_ttl', 'hold_from', 'hold_ms')
  local schema = tonumber(stored[1] or SCHEMA)
  if schema > SCHEMA then
    error({ err = 'MGMSCHEMA the data has schema ' .. text(schema) .. ', this manager writes ' .. SCHEMA })
  end
  router.rev = tonumber(stored[2] or 0)
  router.epoch = math.max(tonumber(stored[3] or 0), known.epoch)
  router.log = stored[4] or ''
  router.service_ms = tonumber(stored[5] or 0)
  router.seen_at = tonumber(stored[6] or 0)
  router.last_client = tonumber(stored[7] or 0)
  router.reset_of = stored[8] or ''
  router.read_rev = router.rev
  router.serving_until = tonumber(stored[9] or 0)
  router.reset_epoch = tonumber(stored[10] or 0)
  router.began = tonumber(stored[11] or 0)
  router.longest_ttl = math.max(tonumber(stored[12] or 0), known.longest_ttl)
  router.hold_from = tonumber(stored[13] or 0)
  router.hold_ms = tonumber(stored[14] or 0)
  service_now = service_clock(router.service_ms, router.seen_at, router.serving_until)
end

local function next_rev()
  router.rev = router.rev + 1
  return router.rev
end

--- Larger than every epoch ever given on this router, also when the clock went back or the store lost its memory.
local function next_epoch()
  router.epoch = math.max(router.epoch + 1, now_us)
  return router.epoch
end

local function next_client()
  router.last_client = router.last_client + 1
  return router.last_client
end

--- How far the service clock may run ahead of what is stored.
local SERVICE_CLOCK_STEP_MS = 100

--- Whether there is a change to write, or the service clock of a router in use is due to move on. Asking about a router
--- that nobody uses leaves nothing behind.
local function router_changed()
  if router.rev ~= router.read_rev then return true end
  if router.fresh then return false end
  return router.changed_seldom or router.promised or math.abs(now_ms - router.seen_at) >= SERVICE_CLOCK_STEP_MS
end

--- A manager serves, and will say so again before this time is over. Ends what an earlier promise left, also one made
--- before the clock went back.
local function promise_service(for_ms)
  router.serving_until = now_ms + for_ms
  router.promised = true
end

--- How long a lease may be that nobody here remembers: none was ever longer than the longest one.
local function note_ttl(ttl_ms)
  if ttl_ms <= router.longest_ttl then return end
  router.longest_ttl = ttl_ms
  router.changed_seldom = true
end

local function save_router()
  if router.changed_seldom then
    redis.call('HSET', meta_key, 'began', text(router.began), 'longest_ttl', text(router.longest_ttl),
      'hold_from', text(router.hold_from), 'hold_ms', text(router.hold_ms))
  end
  redis.call('HSET', meta_key, 'schema', SCHEMA, 'rev', text(router.rev), 'epoch', text(router.epoch),
    'log', router.log, 'service_ms', text(service_now), 'seen_at', text(now_ms),
    'last_client', text(router.last_client), 'reset_of', router.reset_of,
    'serving_until', text(router.serving_until), 'reset_epoch', text(router.reset_epoch))
end
