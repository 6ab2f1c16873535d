--- What changes forwarding entries: memberships, owners of interfaces, routes, time (forwarding contract, sections 5.5 and 5.6).
---
--- Changes of memberships are noted, and at the end of the request the MFEs that they cover are evaluated: up to 64 per entry,
--- further ones in slices of the sweep. An MFE is pushed if what it shows changed, and its owner is sent FALSE alerts, which
--- follow the TRUE alerts of the request, by group and source.
---
--- @include lib/fib_log.lua
--- @include lib/mfe_reports.lua
--- @include lib/alerts.lua

local mfe_changes = {}

local DEFAULT_TIMEOUT_MS = 900000
--- MFEs evaluated at once: per entry, and per request.
local PER_ENTRY, PER_REQUEST = 64, 256

--- Causes by the name of an entry whose memberships changed in this request; FALSE alerts of this request.
local noted, false_alerts

function mfe_changes.begin()
  noted, false_alerts = {}, {}
end

--- Memberships of an entry changed.
function mfe_changes.note(name, cause)
  if has_mfes() and not noted[name] then noted[name] = cause end
end

local function alert(type, cause, mfe, number, interface)
  local item = mfe.name .. (interface and ' ' .. interface or '') .. ' ' .. text(mfe.incarnation)
  local place = #false_alerts + 1
  false_alerts[place] = { mfe.name, type, cause, item, number, place }
end

--- 64 bits of a digest of what a push shows: every record has it.
local function digest_of(mfe, names)
  local client, epoch = mfes.owner_of(mfe)
  local shown = { client and client.session or 0, epoch or 0, mfe.neighbour, mfe.prefix, mfe.protocol, mfe.timeout,
    #names, table.concat(names, ',') }
  return string.sub(redis.sha1hex(cmsgpack.pack(shown)), 1, 16)
end

--- Evaluates a valid MFE: pushes it if what it shows changed, and alerts its owner if foreign outgoing interfaces appeared or
--- went.
local function refresh(mfe, cause, memo)
  local gone = overrides.tidy(mfe)
  if mfe.overridden then
    mfe.overridden = nil
    mfes.note_change(mfe)
  end
  local names, foreign = oifs.of(mfe, memo)
  -- The end of an override is the cause only if it concerns the interface that appeared or went.
  if gone[foreign ~= '' and foreign or mfe.foreign] then cause = 'forward' end
  if foreign ~= '' and mfe.foreign == '' then
    alert('JOIN_FALSE', cause, mfe, mfe.owner)
  elseif foreign == '' and mfe.foreign ~= '' then
    alert('PRUNE_FALSE', cause, mfe, mfe.owner, mfe.foreign)
  end
  local digest = digest_of(mfe, names)
  if foreign == mfe.foreign and digest == mfe.digest then return end
  local is_shown = digest ~= mfe.digest or (foreign == '') ~= (mfe.foreign == '')
  mfe.foreign, mfe.digest = foreign, digest
  mfes.note_change(mfe)
  if is_shown then fib_log.set(mfe, names) end
end

--- The entries whose memberships decide the outgoing interfaces of MFEs, and the MFEs, each read with one command.
function mfe_changes.load(names)
  local wanted = {}
  for i = 1, #names do
    if names[i] ~= '' then
      local family, group = parts_of(names[i])
      wanted[#wanted + 1] = family
      wanted[#wanted + 1] = family .. group
      wanted[#wanted + 1] = names[i]
    end
  end
  entries.load(wanted)
  mfes.load(names)
end

--- Creates an MFE with the present route and outgoing interfaces; the name has none. `prepare` may change it before it is
--- pushed. Returns its shape.
function mfe_changes.create(name, memo, incarnation, prepare)
  local mfe = mfes.create(name, DEFAULT_TIMEOUT_MS, incarnation)
  if prepare then prepare(mfe) end
  local names, foreign = oifs.of(mfe, memo)
  mfe.foreign, mfe.digest = foreign, digest_of(mfe, names)
  local shape = fib_log.set(mfe, names)
  if foreign ~= '' then
    alert('JOIN_FALSE', 'created', mfe, mfe.owner)
  elseif #names == 0 and mfe.iif ~= '' then
    alert('PRUNE_FALSE', 'created', mfe, mfe.owner, mfe.iif)
  end
  return shape
end

local function delete_mfe(mfe, cause)
  fib_log.delete(mfe, cause)
  mfe_reports.drop(mfe)
  mfes.remove(mfe)
end

--- IGMP loses the incoming interface to a routing protocol, or the route moved: the former owner learns that its foreign
--- outgoing interfaces are gone.
local function dismiss(mfe, cause)
  if mfe.foreign ~= '' then alert('PRUNE_FALSE', cause, mfe, mfe.owner, mfe.iif) end
  delete_mfe(mfe, cause)
end

--- Whether IGMP still has the hold under which it owned the MFE: a later one has a higher epoch.
local function is_beside_owner(mfe)
  local record, _, igmp = look_at(mfe.iif)
  return igmp and igmp.number == mfe.owner and record[IGMP_EPOCH] <= mfe.epoch
end

--- Compares an MFE with time, the hold of its incoming interface and its route; removes it if these changed, else evaluates it.
function mfe_changes.review(name, cause, memo)
  local mfe = mfes.stored(name)
  if not mfe then return end
  if mfes.has_expired(mfe) then return delete_mfe(mfe, 'timeout') end
  if mfe.iif ~= '' and not mfes.owner_of(mfe) then
    if is_beside_owner(mfe) then return dismiss(mfe, 'iif-moved') end
    return delete_mfe(mfe, 'iif-moved')
  end
  local family, _, source = parts_of(name)
  local route, prefix = routes.to(family, source)
  if (route and route[VIA] or '') ~= mfe.rpf then return dismiss(mfe, 'route') end
  if mfe.iif == '' and route and routes.iif_owner(family, source) then return delete_mfe(mfe, 'iif-moved') end
  if route then mfes.follow_route(mfe, route, prefix) end
  refresh(mfe, cause, memo)
end

--- Reviews up to `most` MFEs that an entry covers, after this name. Returns how many, and the last one.
function mfe_changes.review_covered(entry, after, most, cause)
  local from = after == '' and '[' .. entry or '(' .. after
  local names = mfes.names_between(from, '[' .. entry .. 'g', most)
  local memo = {}
  mfes.load(names)
  for i = 1, #names do mfe_changes.review(names[i], cause, memo) end
  return #names, names[#names] or ''
end

--- Changes the overrides of an interface in every MFE that an entry covers: in this step, or by a rule. Returns how many there
--- are, and whether any changed.
function mfe_changes.override(kind, interface, client, epoch, entry)
  if not has_mfes() then return 0, false end
  local count = mfes.count_covered(entry)
  if count > PER_ENTRY then
    if overrides.all_have(kind, interface, entry, count) then return count, false end
    overrides.add_rule(kind, interface, client, epoch, entry)
    mfes.follow_rules()
    return count, true
  end
  local names = mfes.names_between('[' .. entry, '[' .. entry .. 'g', PER_ENTRY)
  mfes.load(names)
  local matched, is_changed = 0, false
  for i = 1, #names do
    local mfe = mfes.get(names[i])
    if mfe then
      matched = matched + 1
      if overrides.change(mfe, kind, interface, client, epoch) then
        is_changed = true
        mfes.note_change(mfe)
      end
    end
  end
  if is_changed then mfe_changes.note(entry, 'forward') end
  return matched, is_changed
end

--- A membership was added, perhaps again, by the client that decides for the interface: vetoes end.
function mfe_changes.undo_vetoes(interface, client, epoch, entry)
  if not has_mfes() then return end
  local from = 'v' .. interface .. ' ' .. entry
  local found = mfes.indexed_between('[' .. from, '[' .. from .. 'g', PER_ENTRY + 1)
  if #found > PER_ENTRY or overrides.may_be_vetoed(interface) then
    overrides.add_rule(overrides.JOIN, interface, client, epoch, entry)
    return mfes.follow_rules()
  end
  local vetoed = overrides.vetoed_in_batch(interface)
  for i = 1, #found do vetoed[#vetoed + 1] = mfes.stored(string.match(found[i], ' (.*)$')) end
  for i = 1, #vetoed do
    local mfe = vetoed[i]
    if overrides.covers(entry, mfe.name) and overrides.change(mfe, overrides.JOIN, interface) then
      mfes.note_change(mfe)
      mfe_changes.note(mfe.name, 'forward')
    end
  end
end

--- Removes up to `most` MFEs whose time is over. Returns whether there may be more.
function mfe_changes.expire(most)
  local names = mfes.over(most)
  mfes.load(names)
  mfe_reports.load('failed', names)
  for i = 1, #names do mfe_changes.review(names[i], 'timeout', {}) end
  return #names == most
end

--- Reviews the MFEs of the entries that were noted; `m` tasks do the rest. Returns how many it reviewed.
function mfe_changes.review_noted()
  local names = {}
  for name in pairs(noted) do names[#names + 1] = name end
  if not names[1] then return 0 end
  table.sort(names)
  local left = PER_REQUEST
  for i = 1, #names do
    local name = names[i]
    local most = math.min(left, PER_ENTRY)
    local count, last = 0, ''
    if most > 0 then count, last = mfe_changes.review_covered(name, '', most, noted[name]) end
    left = left - count
    local is_more = count == most and (most == 0 or mfes.names_between('(' .. last, '[' .. name .. 'g', 1)[1])
    if is_more then view_tasks.add('m' .. noted[name] .. ' ' .. name) end
  end
  noted = {}
  return PER_REQUEST - left
end

--- By name; those of one name in the order in which they arose, since a deletion may come before a creation.
local function by_name_and_place(one, other)
  if one[1] ~= other[1] then return one[1] < other[1] end
  return one[6] < other[6]
end

--- At the end of a request, or of a slice: what follows from it for forwarding entries, then its alerts are complete.
function mfe_changes.close()
  if not router.members then return end
  mfe_changes.review_noted()
  table.sort(false_alerts, by_name_and_place)
  for i = 1, #false_alerts do
    local one = false_alerts[i]
    alerts.send(one[2], one[3], 0, one[4], one[5])
  end
  false_alerts = {}
  fib_log.close()
  alerts.close()
end
