--- The state of a router as a whole: revision, epoch clock, log, service clock. Read once per batch, written once.
---
--- @include lib/clock.lua
--- @include lib/text.lua

--- The schema of a router's data. Data of another schema is refused.
local SCHEMA = 2

local router, service_now

local function refuse_schema(schema)
  error({ err = 'MGMSCHEMA the data has schema ' .. text(schema) .. ', this manager reads and writes ' .. SCHEMA })
end

--- The state of a router that was never used.
local function unused_router()
  return { rev = 0, epoch = 0, log = '', service_ms = 0, seen_at = 0, last_client = 0, reset_of = '', serving_until = 0,
    reset_epoch = 0, began = 0, longest_ttl = 0, hold_from = 0, hold_ms = 0, hold_ended = false }
end

--- Fields at the end are absent in data of an earlier version, and dropped by it.
local function unpack_router(packed)
  local rev, epoch, log, service_ms, seen_at, last_client, reset_of, serving_until, reset_epoch, began, longest_ttl,
    hold_from, hold_ms, hold_ended = cmsgpack.unpack(packed)
  return { rev = rev, epoch = epoch, log = log, service_ms = service_ms, seen_at = seen_at, last_client = last_client,
    reset_of = reset_of, serving_until = serving_until, reset_epoch = reset_epoch, began = began,
    longest_ttl = longest_ttl, hold_from = hold_from, hold_ms = hold_ms, hold_ended = hold_ended or false }
end

local function pack_router()
  return cmsgpack.pack(router.rev, router.epoch, router.log, service_now, now_ms, router.last_client, router.reset_of,
    router.serving_until, router.reset_epoch, router.began, router.longest_ttl, router.hold_from, router.hold_ms,
    router.hold_ended)
end

local function load_router(known)
  local stored = redis.call('HMGET', meta_key, 'schema', 'state')
  local schema = tonumber(stored[1] or SCHEMA)
  if schema ~= SCHEMA then refuse_schema(schema) end
  router = stored[2] and unpack_router(stored[2]) or unused_router()
  router.epoch = math.max(router.epoch, known.epoch)
  router.longest_ttl = math.max(router.longest_ttl, known.longest_ttl)
  router.read_rev = router.rev
  router.is_full = known.is_full
  router.limits = known.limits
  service_now = service_clock(router.service_ms, router.seen_at, router.serving_until)
end

local function next_rev()
  router.rev = router.rev + 1
  return router.rev
end

--- Larger than every epoch ever given on this router, even if the clock went back or the store lost its data.
local function next_epoch()
  router.epoch = math.max(router.epoch + 1, now_us)
  return router.epoch
end

local function next_client()
  router.last_client = router.last_client + 1
  return router.last_client
end

--- How far the service clock may run ahead of its stored value.
local SERVICE_CLOCK_STEP_MS = 100

--- Whether the router must be written: it changed, or it is in use and its service clock is due to advance. A read of an
--- unused router writes nothing.
local function router_changed()
  if router.rev ~= router.read_rev then return true end
  if router.fresh then return false end
  if router.changed or router.promised then return true end
  return not router.is_full and math.abs(now_ms - router.seen_at) >= SERVICE_CLOCK_STEP_MS
end

--- A manager serves and will say so again within this time. Replaces an earlier promise, including one made before the
--- clock went back.
local function promise_service(for_ms)
  router.serving_until = now_ms + for_ms
  router.promised = true
end

--- Remembers the longest lease granted: after data loss no unknown lease is longer.
local function note_ttl(ttl_ms)
  if ttl_ms <= router.longest_ttl then return end
  router.longest_ttl = ttl_ms
  router.changed = true
end

local function save_router()
  redis.call('HSET', meta_key, 'schema', SCHEMA, 'state', pack_router())
end
