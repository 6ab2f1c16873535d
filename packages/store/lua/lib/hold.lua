--- Holding back new grants where data was lost: who had something before may go on acting on it until its own deadline,
--- which is at most the longest lease away. Who had it can take it again at once: it says under which epoch it had it, and
--- that epoch is from before this log began. Of several that say so, the highest epoch wins, whatever order they come in.
---
--- The hold runs on the service clock, which is never faster than the workers' own.
---
--- @include lib/router.lua

--- Where only a claim tells that data was lost, other leases may have been this long: what `register` gives who asks for
--- nothing.
local UNKNOWN_TTL_MS = 10000

--- How far ahead of this store's clock an epoch may be that it gave before its clock went back.
local CLAIM_AHEAD_US = 86400000000

--- Claims are forgotten long after the longest hold.
local CLAIMS_KEPT_MS = 3600000

local claims

local function begin_claims()
  claims = {}
end

--- Never starts a hold of the same log anew: whatever was granted before was granted before it.
local function hold_back(for_ms)
  if router.hold_ms == 0 then router.hold_from = service_now end
  if for_ms <= router.hold_ms then return end
  router.hold_ms = for_ms
  router.changed = true
end

local function held_back_ms()
  return math.max(0, router.hold_from + router.hold_ms - service_now)
end

--- The highest epoch under which somebody has claimed this place during the hold, or 0.
local function claimed(place)
  if not claims[place] then
    claims[place] = { tonumber(redis.call('HGET', claims_key, place) or 0) }
  end
  return claims[place][1]
end

--- Whether a take is of what its session had before data was lost, and nobody later.
local function is_claim(place, had)
  return had > 0 and had < router.began and held_back_ms() > 0 and had > claimed(place)
end

local function has_claimant(place)
  return router.hold_ms > 0 and claimed(place) > 0
end

local function note_claim(place, had)
  claims[place] = { had, changed = true }
end

local function save_claims()
  local is_any = false
  for place, one in pairs(claims) do
    if one.changed then
      redis.call('HSET', claims_key, place, text(one[1]))
      is_any = true
    end
  end
  if is_any then redis.call('PEXPIRE', claims_key, CLAIMS_KEPT_MS) end
end
