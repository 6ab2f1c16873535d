--- The state of a router as a whole: revision, epoch clock, log, service clock. Read once per batch, written once.
---
--- @include lib/clock.lua
--- @include lib/text.lua

--- The schema of a router's data. Data of another schema is refused.
local SCHEMA = 2

--- The schema while the router has a membership, or one is withdrawn and not yet purged.
local SCHEMA_WITH_MEMBERSHIPS = 3

--- The schema while the router has a route, a forwarding entry, a static membership, a setting of an interface or an exclude
--- list, or changes of its multicast view are not settled.
local SCHEMA_WITH_VIEW = 4

local router, service_now

local function refuse_schema(schema)
  error({ err = 'MGMSCHEMA the data has schema ' .. text(schema) .. ', this manager reads and writes ' .. SCHEMA ..
    ' to ' .. SCHEMA_WITH_VIEW })
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

--- What a router keeps about group memberships as a whole. `ending`: clients that ended and are not removed yet.
--- `settled`: what `settled` is while a membership is withdrawn or a client is ending. A round of the sweep began at revision
--- `round`; a pass over all entries is at `position`, began at `pass`, and the last whole one at `passed`. Interfaces with
--- settings of their owner: `settings`; with static memberships: `homes`; with settings of operators: `limited`. `filters`:
--- exclude lists. `relisted`: the slots of lib/relisting.lua; their pass is at `relisted_to`.
local function unpack_members(packed)
  local log, mrev, entries, slots, next_slot, voids, unnamed, ending, settled, round, position, pass, passed,
    settings, filters, relisted, relisted_to, homes, limited = cmsgpack.unpack(packed)
  return { log = log, mrev = mrev, entries = entries, slots = slots, next_slot = next_slot, voids = voids,
    unnamed = unnamed, ending = ending, settled = settled, round = round, position = position, pass = pass,
    passed = passed, settings = settings or 0, filters = filters or 0, relisted = relisted or {},
    relisted_to = relisted_to or '', homes = homes or 0, limited = limited or 0 }
end

local function pack_members(members)
  return cmsgpack.pack(members.log, members.mrev, members.entries, members.slots, members.next_slot, members.voids,
    members.unnamed, members.ending, members.settled, members.round, members.position, members.pass, members.passed,
    members.settings, members.filters, members.relisted, members.relisted_to, members.homes, members.limited)
end

--- Before the first membership ever.
local function begin_members()
  router.members = { log = router.log, mrev = 0, entries = 0, slots = 0, next_slot = 1, voids = 0, unnamed = 0,
    ending = 0, settled = 0, round = 0, position = '', pass = 0, passed = 0, settings = 0, filters = 0, relisted = {},
    relisted_to = '', homes = 0, limited = 0, changed = true }
end

--- `log` names the logs of `rev` and `mrev` together.
local function restart_members()
  local members = router.members
  members.log, members.mrev, members.restarted, members.changed = router.log, 0, true, true
  members.settled, members.round, members.pass, members.passed = 0, 0, 0, 0
  local view = router.view
  if not view then return end
  view.settled, view.round_rev, view.msettled, view.round_mrev, view.frev, view.changed = 0, 0, 0, 0, 0, true
end

--- Called before a membership becomes withdrawn: from here on `settled` stays behind `rev`.
local function note_outstanding()
  local members = router.members
  members.changed = true
  if members.voids > 0 or members.ending > 0 then return end
  members.settled, members.round, members.passed = router.read_rev, router.read_rev, router.read_rev
end

--- Every change of ownership up to this revision has had its purges, and the tasks that follow from them exist.
local function purged_rev()
  local members = router.members
  if members and (members.voids > 0 or members.ending > 0) then return math.min(router.rev, members.settled) end
  return router.rev
end

--- Every change of ownership up to this revision has had its alerts, its `left` events and its changes of forwarding entries.
local function settled_rev()
  local settled = purged_rev()
  if router.view and router.view.tasks > 0 then settled = math.min(settled, router.view.settled) end
  return settled
end

--- Every change of memberships up to this revision has had its changes of forwarding entries.
local function settled_mrev()
  local mrev, view = router.members.mrev, router.view
  return view.tasks > 0 and math.min(mrev, view.msettled) or mrev
end

--- What a router keeps about its multicast view as a whole. `rrev`: changes of the view. `routes`: how many there are.
--- `lengths`: the number of prefixes by family and length. `active`: 1 while there are routes, forwarding entries or unfinished
--- tasks. `frev`: changes of forwarding entries. `mfes`: how many there are. `rules`, `next_rule`: see lib/overrides.lua. The
--- other fields belong to lib/view_tasks.lua.
local function unpack_view(packed)
  local rrev, routes, active, lengths, tasks, next_task, task, task_number, position, round_task, round_rev, round_rrev,
    settled, rsettled, frev, mfes, msettled, round_mrev, rules, next_rule = cmsgpack.unpack(packed)
  return { rrev = rrev, routes = routes, active = active, lengths = lengths, tasks = tasks, next_task = next_task,
    task = task, task_number = task_number, position = position, round_task = round_task, round_rev = round_rev,
    round_rrev = round_rrev, settled = settled, rsettled = rsettled, read_rrev = rrev,
    frev = frev or 0, mfes = mfes or 0, msettled = msettled or 0, round_mrev = round_mrev or 0, rules = rules or {},
    next_rule = next_rule or 0 }
end

local function pack_view(view)
  return cmsgpack.pack(view.rrev, view.routes, view.active, view.lengths, view.tasks, view.next_task, view.task,
    view.task_number, view.position, view.round_task, view.round_rev, view.round_rrev, view.settled, view.rsettled,
    view.frev, view.mfes, view.msettled, view.round_mrev, view.rules, view.next_rule)
end

--- Before the first route ever.
local function begin_view()
  if not router.members then begin_members() end
  router.view = { rrev = 0, routes = 0, active = 0, lengths = {}, tasks = 0, next_task = 0, task = '', task_number = 0,
    position = '', round_task = 0, round_rev = 0, round_rrev = 0, settled = 0, rsettled = 0, read_rrev = 0,
    frev = 0, mfes = 0, msettled = 0, round_mrev = 0, rules = {}, next_rule = 0, changed = true }
end

--- Whether (s,g) entries have an owner of their incoming interface to be alerted.
local function has_view()
  return router.view ~= nil and router.view.active == 1
end

--- Whether the router has forwarding entries.
local function has_mfes()
  return router.view ~= nil and router.view.mfes > 0
end

--- The service clock now. Managers vouch for their service until `served_until`, or do not (0). What they vouch for replaces
--- an earlier promise, including one made before the clock went back.
local function advance_service(served_until)
  if served_until == 0 or router.seen_at == 0 then
    return service_clock(router.service_ms, router.seen_at, router.serving_until)
  end
  local serving_until = math.max(router.serving_until, served_until)
  router.serving_until = math.min(served_until, now_ms)
  return service_clock(router.service_ms, router.seen_at, serving_until)
end

local function load_router(known)
  local stored = redis.call('HMGET', meta_key, 'schema', 'state', 'members', 'view')
  local schema = tonumber(stored[1] or SCHEMA)
  if schema < SCHEMA or schema > SCHEMA_WITH_VIEW then refuse_schema(schema) end
  router = stored[2] and unpack_router(stored[2]) or unused_router()
  router.members = stored[3] and unpack_members(stored[3]) or nil
  router.view = stored[4] and unpack_view(stored[4]) or nil
  router.epoch = math.max(router.epoch, known.epoch)
  router.longest_ttl = math.max(router.longest_ttl, known.longest_ttl)
  router.read_rev, router.read_purged = router.rev, purged_rev()
  router.read_mrev = router.members and router.members.mrev or 0
  router.is_full = known.is_full
  router.limits = known.limits
  service_now = advance_service(known.served_until)
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
  if router.members and router.members.changed then return true end
  if router.view and router.view.changed then return true end
  if router.fresh then return false end
  if router.changed or router.promised then return true end
  return math.abs(now_ms - router.seen_at) >= SERVICE_CLOCK_STEP_MS
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

--- The lowest schema that can hold the router's data now.
local function data_schema()
  local members = router.members
  if not members then return SCHEMA end
  if has_view() or members.settings + members.filters + members.homes + members.limited > 0 then return SCHEMA_WITH_VIEW end
  return members.slots > 0 and SCHEMA_WITH_MEMBERSHIPS or SCHEMA
end

local function save_router()
  local members = router.members
  if not members then return redis.call('HSET', meta_key, 'schema', data_schema(), 'state', pack_router()) end
  redis.call('HSET', meta_key, 'schema', data_schema(), 'state', pack_router(), 'members', pack_members(members))
  if router.view and router.view.changed then redis.call('HSET', meta_key, 'view', pack_view(router.view)) end
end
