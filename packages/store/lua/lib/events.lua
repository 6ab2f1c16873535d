--- The event log: every change of state gets the next revision, and one entry of the stream holds all events of a batch.
---
--- Consecutive events that differ only in revision, interface and epoch are stored as one run: the first revision, the shared
--- fields, a list of interfaces and one of epochs. An event of a session as a whole is a run of one without an interface.
---
--- @include lib/hold_off.lua
--- @shape event_run first:revision type:string session:session? protocol_id:integer component_id:integer cause:string? previous:session? actor:string? why:string? epochs:epoch[] interfaces:interface[] caller:string? settings:string?

--- Indexes of a run's fields that are read again.
local RUN_TYPE, RUN_SESSION, RUN_CAUSE, RUN_EPOCHS, RUN_INTERFACES = 2, 3, 6, 10, 11

local runs, open_run, open_by

local function begin_events()
  runs, open_run, open_by = {}, nil, nil
end

--- An event of a session as a whole. `detail`: epoch, previous, actor, why.
local function session_event(type, client, detail)
  local rev = next_rev()
  open_run = nil
  runs[#runs + 1] = { rev, type, client.session, client.protocol_id, client.component_id, '',
    detail and detail.previous or 0, detail and detail.actor or '', detail and detail.why or '',
    { detail and detail.epoch }, {}, detail and detail.caller or client.identity }
  return rev
end

--- An event of one interface. `by`: actor and why of an operator.
local function interface_event(type, client, interface, epoch, cause, by)
  local rev = next_rev()
  local run = open_run
  if run and run[RUN_SESSION] == client.session and run[RUN_TYPE] == type and run[RUN_CAUSE] == cause and open_by == by then
    local epochs, interfaces = run[RUN_EPOCHS], run[RUN_INTERFACES]
    local at = #interfaces + 1
    epochs[at], interfaces[at] = epoch, interface
    return rev
  end
  open_by = by
  open_run = { rev, type, client.session, client.protocol_id, client.component_id, cause, 0, by and by.actor or '',
    by and by.why or '', { epoch }, { interface }, by and by.caller or client.identity }
  runs[#runs + 1] = open_run
  return rev
end

local function store_event(type)
  open_run = nil
  runs[#runs + 1] = { next_rev(), type, 0, 0, 0, '', 0, '', '', {}, {}, '' }
end

--- Begins another log: revisions of the lost tail of the old one were given to other changes. The hold-off, if there is to
--- be one, starts here.
local function restart_log(log)
  router.log = log
  router.rev = 0
  router.restarted = true
  router.began = math.max(router.epoch, now_us)
  router.hold_from, router.hold_ms, router.hold_ended = service_now, 0, false
  router.changed = true
end

--- Detects that the store lost data that this manager has seen: it is empty, older, or its log was restarted by a manager
--- that did not know.
local function notice_lost_data(known)
  local is_another = known.log ~= '' and router.log ~= known.log
  local begun = router.log == ''
  local mrev = router.members and router.members.mrev or 0
  local frev = router.view and router.view.frev or 0
  local is_older = router.rev < known.rev or mrev < known.mrev or frev < known.frev
  local lost_tail = router.log == known.log and is_older
  local foreign = is_another and router.reset_of ~= known.log
  if begun or lost_tail then restart_log(known.fresh_log) end
  router.fresh = begun and not foreign
  if router.members and router.members.log ~= router.log then restart_members() end
  -- Older data still has the sessions but not their latest changes: they must register again.
  if lost_tail then router.reset_epoch = next_epoch() end
  if foreign or lost_tail then
    router.reset_of = known.log
    store_event('store-reset')
    hold_off(router.longest_ttl)
  elseif is_another and router.hold_ms > 0 then
    hold_off(known.longest_ttl)
  end
end

--- A client claims something that this store has never given, so data may have been lost while no manager knew. `epoch`: of
--- its former session, or of an ownership. Call it for granted requests only.
---
--- Older than this log: believed until a default lease has passed since this log began. The leases of the lost data are not
--- known, and those of this log say nothing about them: a client could extend the time by a long lease of its own. Newer than
--- anything given: the store went back in time; believed only from a client that has had an earlier session here.
local function notice_claim(epoch, had_session)
  if epoch == 0 or router.hold_ended then return end
  local is_newer = had_session and epoch > router.epoch and epoch < now_us + CLAIM_AHEAD_US
  local for_ms = is_newer and router.longest_ttl or math.max(router.longest_ttl, UNKNOWN_TTL_MS)
  local is_older = epoch < router.began and router.hold_ms == 0 and service_now < router.hold_from + UNKNOWN_TTL_MS
  if not is_newer and not is_older then return end
  if is_newer then router.epoch = epoch end
  if router.hold_ms == 0 then
    store_event('store-reset')
    if is_newer then router.hold_from = service_now end
  end
  hold_off(for_ms)
end

local function save_events(packed, retention)
  if router.restarted then redis.call('DEL', events_key) end
  if #runs == 0 then return end
  redis.call('XADD', events_key, 'MINID', '~', text(math.max(0, router.rev - retention)), text(router.rev) .. '-0',
    'first', text(runs[1][1]), 'ts', text(now_ms), 'runs', packed)
end
