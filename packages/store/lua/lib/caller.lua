--- The caller of the request that is being decided: the identity for which NATS vouches, and its rights. Managers that do not
--- identify callers send none, and every check of this file passes.
---
--- A record written without identities has none; the first identity that presents its handle becomes its owner.
---
--- @include lib/text.lua

--- Positions in the packed caller.
local IDENTITY, MAY_TAKE_OVER, SESSIONS_MAX, REFUSED, IS_DENIED, INTERFACES_MAX, KEPT_BYTES_MAX = 1, 2, 3, 4, 5, 6, 7

local UNIDENTIFIED = { '', 1, 0, {}, 0, 0, 0 }

--- What is counted for each identity: the ends of its fields. Only live and stale sessions count.
local SESSIONS, INTERFACES, KEPT_BYTES = '', ':interfaces', ':kept-bytes'

local caller

--- The number of interfaces that a client is on; void holds count until they are removed.
local function owned_count(client)
  if not client.owned_count then client.owned_count = redis.call('ZCARD', owned_key(client.number)) end
  return client.owned_count
end

--- What this batch adds to each count, by its field.
local identity_changes

local function begin_caller()
  caller, identity_changes = UNIDENTIFIED, {}
end

--- `packed` is 0 for a request without identity.
local function set_caller(packed)
  caller = packed ~= 0 and packed or UNIDENTIFIED
end

local function count_for(identity, what, change)
  if identity == '' or change == 0 then return end
  local field = identity .. what
  identity_changes[field] = (identity_changes[field] or 0) + change
end

--- Moves a session with its interfaces to another identity.
local function set_identity(client, identity)
  if client.identity == identity then return end
  local owned = owned_count(client)
  count_for(client.identity, SESSIONS, -1)
  count_for(client.identity, INTERFACES, -owned)
  count_for(identity, SESSIONS, 1)
  count_for(identity, INTERFACES, owned)
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

--- Whether the caller has as much on this router as its quota allows.
local function has_all(what, most)
  if most == 0 then return false end
  local field = caller[IDENTITY] .. what
  local stored = tonumber(redis.call('HGET', identities_key, field) or 0)
  return stored + (identity_changes[field] or 0) >= most
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
  for field, change in pairs(identity_changes) do
    if change ~= 0 and redis.call('HINCRBY', identities_key, field, text(change)) <= 0 then
      redis.call('HDEL', identities_key, field)
    end
  end
end
