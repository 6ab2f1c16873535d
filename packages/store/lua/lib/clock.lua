--- One reading of the store's clock per batch: all operations of a batch happen at the same instant.
---
--- Two clocks come of it. `now_ms` and `now_us` are wall time, for timestamps and epochs. `service_now` is what leases run
--- on: it advances with the wall clock while managers serve and stands still otherwise, so an outage of the service, or a
--- jump of the clock, costs nobody a lease. Managers serve when they say so: every sweep promises the next one.

local now_us, now_ms

local function read_clock()
  local time = redis.call('TIME')
  now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
  now_ms = math.floor(now_us / 1000)
end

--- The service clock now: what it showed when it was last written, and the time since then that was served.
local function service_clock(shown_ms, seen_at, serving_until)
  return shown_ms + math.max(0, math.min(now_ms, serving_until) - seen_at)
end
