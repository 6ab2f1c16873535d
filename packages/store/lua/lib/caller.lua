--- The caller of the request that is being decided: the identity for which NATS vouches, and its rights. Managers that do not
--- identify callers send none, and every check of this file passes.
---
--- A record written without identities has none; the first identity that presents its handle becomes its owner.
---
--- @include lib/text.lua

--- Positions in the packed caller.
local IDENTITY, MAY_TAKE_OVER, SESSIONS_MAX, REFUSED, IS_DENIED = 1, 2, 3, 4, 5

local UNIDENTIFIED = { '', 1, 0, {}, 0 }

local caller

--- What this batch adds to the number of live and stale sessions of each identity.
local identity_changes

local function begin_caller()
  caller, identity_changes = UNIDENTIFIED, {}
end

--- `packed` is 0 for a request without identity.
local function set_caller(packed)
  caller = packed ~= 0 and packed or UNIDENTIFIED
end

local function count_session(identity, change)
  if identity == '' then return end
  identity_changes[identity] = (identity_changes[identity] or 0) + change
end

local function set_identity(client, identity)
  if client.identity == identity then return end
  count_session(client.identity, -1)
  count_session(identity, 1)
  client.identity, client.changed = identity, true
end

--- Whether the client is the caller's own, so that its handle works for the caller.
local function is_callers(client)
  if caller[IDENTITY] == '' or client.identity == caller[IDENTITY] then return true end
  if client.identity ~= '' then return false end
  if client.state ~= 'ended' then set_identity(client, caller[IDENTITY]) end
  return true
end

--- Whether the caller may inherit what the client holds.
local function may_inherit(client)
  return caller[MAY_TAKE_OVER] == 1 or is_callers(client)
end

--- Whether the caller has as many sessions on this router as its quota allows.
local function has_all_sessions()
  local most = caller[SESSIONS_MAX]
  if most == 0 then return false end
  local stored = tonumber(redis.call('HGET', identities_key, caller[IDENTITY]) or 0)
  return stored + (identity_changes[caller[IDENTITY]] or 0) >= most
end

--- Whether the policy refuses the interface at this position of the request.
local function is_refused(position)
  local refused = caller[REFUSED]
  for i = 1, #refused do
    if refused[i] == position then return true end
  end
  return false
end

local function save_identities()
  for identity, change in pairs(identity_changes) do
    if change ~= 0 and redis.call('HINCRBY', identities_key, identity, text(change)) <= 0 then
      redis.call('HDEL', identities_key, identity)
    end
  end
end
