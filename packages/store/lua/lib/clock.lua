--- One reading of the store's clock per batch: all operations of a batch happen at the same instant.
---
--- Two clocks come of it. `now_ms` and `now_us` are wall time, for timestamps and epochs. `service_now` is what leases run
--- on: it advances with the wall clock while managers serve and stands still otherwise, so an outage of the service, or a
--- jump of the clock, costs nobody a lease.

--- A longer silence than this means that no manager was serving. Managers call at least every quarter of it.
local SILENCE_MS = 2000

local time = redis.call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now_ms = math.floor(now_us / 1000)

--- The service clock now, from what it showed at the last call and how long ago that was.
local function service_clock(shown_ms, seen_at)
  local silence = now_ms - seen_at
  if silence < 0 or silence > SILENCE_MS then return shown_ms end
  return shown_ms + silence
end
