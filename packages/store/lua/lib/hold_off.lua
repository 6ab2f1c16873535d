--- The hold-off after data loss: no new grants, because a former owner may go on acting until its own deadline, which is at
--- most the longest lease away. A former owner may take its interface again at any time: it names the epoch under which it
--- held it, which is from before this log began. Of several claims, the highest epoch wins, in whatever order they arrive.
---
--- The hold-off starts when the log begins and runs on the service clock, which is never faster than the workers' clocks. An
--- operator may end it.
---
--- @include lib/router.lua

--- If only a claim reveals that data was lost, leases of this length may have been in force: the default of `register`.
local UNKNOWN_TTL_MS = 10000

--- How far ahead of this store's clock an epoch may be that it gave before its clock went back.
local CLAIM_AHEAD_US = 86400000000

--- Claims are deleted long after the longest hold-off.
local CLAIMS_KEPT_MS = 3600000

local claims

local function begin_claims()
  claims = {}
end

--- Starts the hold-off, or makes a running one longer. Its start stays: all grants of the lost data are older.
local function hold_off(for_ms)
  if router.hold_ended or for_ms <= router.hold_ms then return end
  router.hold_ms = for_ms
  router.changed = true
end

local function hold_off_left()
  if router.hold_ended then return 0 end
  return math.max(0, router.hold_from + router.hold_ms - service_now)
end

--- Ends the hold-off of this log for good.
local function end_hold_off()
  router.hold_ended = true
  router.changed = true
end

--- The highest epoch under which this hold was claimed during the hold-off, or 0.
local function claimed(hold)
  if not claims[hold] then
    claims[hold] = { tonumber(redis.call('HGET', claims_key, hold) or 0) }
  end
  return claims[hold][1]
end

--- Whether a take claims a hold from before the data loss, and no later holder has claimed it.
local function is_claim(hold, had)
  return had > 0 and had < router.began and hold_off_left() > 0 and had > claimed(hold)
end

local function has_claimant(hold)
  return router.hold_ms > 0 and claimed(hold) > 0
end

local function note_claim(hold, had)
  claims[hold] = { had, changed = true }
end

local function save_claims()
  local is_any = false
  for hold, one in pairs(claims) do
    if one.changed then
      redis.call('HSET', claims_key, hold, text(one[1]))
      is_any = true
    end
  end
  if is_any then redis.call('PEXPIRE', claims_key, CLAIMS_KEPT_MS) end
end
