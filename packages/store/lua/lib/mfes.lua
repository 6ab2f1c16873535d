--- Forwarding entries (MFEs): one record per exact (s,g), named like an entry of memberships (forwarding contract, section 5).
---
--- A record has no outgoing interfaces: they are derived at every read (lib/oifs.lua). It names the client that owned the
--- incoming interface at its creation, and the epoch of that hold; once the hold ends, the record counts for nothing.
---
--- One index finds records in other orders. Its members are `s<family><source><group>` by source, `i<interface> <name>` by an
--- incoming interface that is not that of the route, `o<interface> <name>` and `v<interface> <name>` by interfaces that are *on*
--- and *off*. The records of an interface of routes are found by source, behind the prefixes of these routes.
---
--- @include lib/overrides.lua
--- @include lib/entries.lua

--- What the owner of an MFE set of it: bits of `given`.
local mfes = { NOTHING_GIVEN = 0, UPSTREAM_GIVEN = 1, ROUTE_GIVEN = 2 }

--- By name: a record, false for none. Stored records that this batch removes.
local loaded_mfes, removed_mfes

function mfes.begin()
  loaded_mfes, removed_mfes = {}, {}
end

--- `rpf`: the interface of the route at creation. `foreign`: an outgoing interface that the owner does not hold, '' for none,
--- as of the last evaluation: while there is one, the owner's last alert was JOIN. `digest`: of what was pushed last. `on` and
--- `off`: overrides, as of rule number `rule`. `given`: which of upstream router and route the owner set, in the place of the
--- view's.
local function unpack_mfe(name, packed)
  local incarnation, owner, iif, epoch, rpf, created, timeout, neighbour, prefix, protocol, foreign, digest, on, off, rule,
    given = cmsgpack.unpack(packed)
  local mfe = { name = name, incarnation = incarnation, owner = owner, iif = iif, epoch = epoch, rpf = rpf,
    created = created, timeout = timeout, neighbour = neighbour, prefix = prefix, protocol = protocol, foreign = foreign,
    digest = digest, on = overrides.unpack(on or {}), off = overrides.unpack(off or {}), rule = rule or 0,
    given = given or 0, stored = true }
  overrides.follow(mfe)
  return mfe
end

local function pack_mfe(mfe)
  return cmsgpack.pack(mfe.incarnation, mfe.owner, mfe.iif, mfe.epoch, mfe.rpf, mfe.created, mfe.timeout, mfe.neighbour,
    mfe.prefix, mfe.protocol, mfe.foreign, mfe.digest, overrides.pack(mfe.on), overrides.pack(mfe.off), mfe.rule, mfe.given)
end

--- Reads records, thousands with one command.
function mfes.load(names)
  local missing = {}
  for i = 1, #names do
    if loaded_mfes[names[i]] == nil then
      loaded_mfes[names[i]] = false
      missing[#missing + 1] = names[i]
    end
  end
  for first = 1, #missing, CHUNK do
    local last = math.min(first + CHUNK - 1, #missing)
    local packed = redis.call('HMGET', mfe_key, unpack(missing, first, last))
    for i = first, last do
      local one = packed[i - first + 1]
      loaded_mfes[missing[i]] = one and unpack_mfe(missing[i], one) or false
    end
  end
end

--- A rule was added.
function mfes.follow_rules()
  for _, mfe in pairs(loaded_mfes) do
    if mfe then overrides.follow(mfe) end
  end
end

--- The record of a name, or nil. It may be invalid or over.
function mfes.stored(name)
  if not has_mfes() then return nil end
  if loaded_mfes[name] == nil then mfes.load({ name }) end
  return loaded_mfes[name] or nil
end

function mfes.expires_at(mfe)
  return mfe.created + mfe.timeout
end

function mfes.has_expired(mfe)
  return service_now >= mfes.expires_at(mfe)
end

--- The owner of an MFE and the epoch in force of its hold; nil if that hold has ended, or a routing protocol took the
--- interface of IGMP.
function mfes.owner_of(mfe)
  if mfe.iif == '' then return nil end
  local record, owner, igmp = look_at(mfe.iif)
  local client = owner or igmp
  local epoch = client and deciding_epoch(record, owner)
  if client and client.number == mfe.owner and epoch == mfe.epoch then
    return client, epoch_in_force(client, epoch)
  end
end

--- The record of a name that a read may show, or nil.
function mfes.get(name)
  local mfe = mfes.stored(name)
  if not mfe or mfes.has_expired(mfe) then return nil end
  if mfe.iif ~= '' and not mfes.owner_of(mfe) then return nil end
  return mfe
end

--- Creates the record of a name that has none.
function mfes.create(name, timeout, incarnation)
  local family, group, source = parts_of(name)
  local route, prefix = routes.to(family, source)
  local mfe = { name = name, incarnation = incarnation or next_epoch(), owner = 0, iif = '', epoch = 0, rpf = '', created = service_now,
    timeout = timeout, neighbour = '', prefix = '', protocol = 0, foreign = '', digest = '', on = {}, off = {},
    rule = router.view.next_rule, given = mfes.NOTHING_GIVEN, changed = true }
  if route then
    mfe.rpf, mfe.neighbour, mfe.prefix, mfe.protocol = route[VIA], route[NEIGHBOUR], prefix, route[ROUTE_PROTOCOL]
    local record, owner, igmp = look_at(route[VIA])
    local client = owner or igmp
    if client then
      mfe.owner, mfe.iif, mfe.epoch = client.number, route[VIA], deciding_epoch(record, owner)
    end
  end
  loaded_mfes[name] = mfe
  router.view.mfes, router.view.changed = router.view.mfes + 1, true
  return mfe
end

--- Puts upstream router and route of the view into an MFE, but for what its owner set.
function mfes.follow_route(mfe, route, prefix)
  if bit.band(mfe.given, mfes.UPSTREAM_GIVEN) == 0 then mfe.neighbour = route[NEIGHBOUR] end
  if bit.band(mfe.given, mfes.ROUTE_GIVEN) == 0 then mfe.prefix, mfe.protocol = prefix, route[ROUTE_PROTOCOL] end
end

--- The record is to be written.
function mfes.note_change(mfe)
  mfe.changed, router.view.changed = true, true
end

--- The upstream router that the owner of an MFE chose.
function mfes.set_upstream(mfe, upstream)
  mfe.neighbour = upstream
  if bit.band(mfe.given, mfes.UPSTREAM_GIVEN) == 0 then mfe.given = mfe.given + mfes.UPSTREAM_GIVEN end
  mfes.note_change(mfe)
end

--- The life of an MFE from its creation, in ms.
function mfes.set_timeout(mfe, timeout)
  if mfe.timeout == timeout then return end
  mfe.timeout, mfe.expires_anew = timeout, true
  mfes.note_change(mfe)
end

--- How many records an entry covers, valid or not.
function mfes.count_covered(entry)
  return redis.call('ZLEXCOUNT', mfes_key, '[' .. entry, '[' .. entry .. 'g')
end

--- Removes a record.
function mfes.remove(mfe)
  loaded_mfes[mfe.name] = false
  if mfe.stored then removed_mfes[#removed_mfes + 1] = mfe end
  router.view.mfes, router.view.changed = router.view.mfes - 1, true
end

--- Names of up to `most` records that are over.
function mfes.over(most)
  if not has_mfes() then return {} end
  return redis.call('ZRANGEBYSCORE', mfe_expiry_key, '-inf', text(service_now), 'LIMIT', 0, most)
end

--- Up to `most` names from one bound of `ZRANGEBYLEX` to another.
function mfes.names_between(from, to, most)
  return redis.call('ZRANGEBYLEX', mfes_key, from, to, 'LIMIT', 0, most)
end

--- Up to `most` members of the index.
function mfes.indexed_between(from, to, most)
  return redis.call('ZRANGEBYLEX', mfe_index_key, from, to, 'LIMIT', 0, most)
end

-- Writing.

function mfes.check_types()
  redis.call('HLEN', mfe_key)
  redis.call('ZCARD', mfes_key)
  redis.call('ZCARD', mfe_index_key)
  redis.call('ZCARD', mfe_expiry_key)
end

local function add_index(members, mfe)
  members[#members + 1] = 's' .. turned(mfe.name)
  if mfe.iif ~= '' and mfe.iif ~= mfe.rpf then members[#members + 1] = 'i' .. mfe.iif .. ' ' .. mfe.name end
  overrides.add_index(members, mfe)
end

--- Members that the changed overrides of a stored record leave.
local function add_left_index(members, mfe)
  local there, present = {}, {}
  add_index(present, mfe)
  for i = 1, #present do there[present[i]] = true end
  for _, member in ipairs(mfe.former_index or {}) do
    if not there[member] then members[#members + 1] = member end
  end
end

local function remove_stored()
  local names, members = {}, {}
  for i = 1, #removed_mfes do
    names[i] = removed_mfes[i].name
    add_index(members, removed_mfes[i])
    add_left_index(members, removed_mfes[i])
  end
  in_chunks(names, function(...) redis.call('HDEL', mfe_key, ...) end)
  in_chunks(names, function(...) redis.call('ZREM', mfes_key, ...) end)
  in_chunks(names, function(...) redis.call('ZREM', mfe_expiry_key, ...) end)
  in_chunks(members, function(...) redis.call('ZREM', mfe_index_key, ...) end)
end

--- Members of a sorted set with one score.
local function scored(members, score)
  local pairs = {}
  for i = 1, #members do pairs[2 * i - 1], pairs[2 * i] = score, members[i] end
  return pairs
end

function mfes.save()
  remove_stored()
  local values, names, expiries, members, left = {}, {}, {}, {}, {}
  for name, mfe in pairs(loaded_mfes) do
    if mfe and mfe.changed then
      values[#values + 1] = name
      values[#values + 1] = pack_mfe(mfe)
      if not mfe.stored then names[#names + 1] = name end
      if not mfe.stored or mfe.expires_anew then
        expiries[#expiries + 1] = text(mfes.expires_at(mfe))
        expiries[#expiries + 1] = name
      end
      if not mfe.stored or mfe.former_index then
        add_index(members, mfe)
        add_left_index(left, mfe)
      end
    end
  end
  in_chunks(values, function(...) redis.call('HSET', mfe_key, ...) end)
  in_chunks(scored(names, '0'), function(...) redis.call('ZADD', mfes_key, ...) end)
  in_chunks(expiries, function(...) redis.call('ZADD', mfe_expiry_key, ...) end)
  in_chunks(left, function(...) redis.call('ZREM', mfe_index_key, ...) end)
  in_chunks(scored(members, '0'), function(...) redis.call('ZADD', mfe_index_key, ...) end)
end
