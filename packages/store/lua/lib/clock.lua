--- The store's clock, read once per batch: all operations of a batch happen at the same instant.
---
--- `now_ms` and `now_us` are wall time, for timestamps and epochs. `service_now` is the service clock, on which leases run: it
--- advances with the wall clock while managers serve and stands still otherwise, so no lease ends because of an outage of the
--- managers or a jump of the clock. A manager counts as serving for the time for which it vouches in each batch (how long it
--- has served since its own last batch on the router), and for the time that the last sweep promised.

local now_us, now_ms

local function read_clock()
  local time = redis.call('TIME')
  now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
  now_ms = math.floor(now_us / 1000)
end

--- The service clock: its value when it was last written, plus the served time since then.
local function service_clock(shown_ms, seen_at, serving_until)
  return shown_ms + math.max(0, math.min(now_ms, serving_until) - seen_at)
end
