--- Writes the changes of a batch. Nothing is written earlier, and every key has been read with a command of its own type by
--- then, so an error before the first write leaves the store unchanged. Redis checks its memory before a call, not during it.
---
--- @include lib/interfaces.lua
--- @include lib/sequence.lua
--- @include lib/operator_log.lua
--- @include lib/withdrawals.lua
--- @include lib/view_slices.lua
--- @include lib/mfe_changes.lua
--- @include lib/mfe_reports.lua
--- @include lib/agents.lua
--- @include lib/flow_creation.lua
--- @include lib/statics.lua

local function save_records()
  local held, freed = {}, {}
  for i = 1, #changed_records do
    local record = changed_records[i]
    if record[OWNER] ~= 0 or record[IGMP] ~= 0 then
      local place = #held + 1
      held[place], held[place + 1] = record_keys[record[NAME]], pack_record(record)
    elseif record[STORED] then
      freed[#freed + 1] = record_keys[record[NAME]]
    end
  end
  in_chunks(held, function(...) redis.call('MSET', ...) end)
  in_chunks(freed, function(...) redis.call('DEL', ...) end)
end

--- All interfaces added by a batch have one score, which rises from batch to batch: equal scores are the cheapest to add.
local function save_owned(client)
  if not next(client.owned) then return end
  local added, removed, score = {}, {}, text(router.epoch)
  for interface, is_owned in pairs(client.owned) do
    if is_owned then
      local place = #added + 1
      added[place], added[place + 1] = score, interface
    else
      removed[#removed + 1] = interface
    end
  end
  local key = owned_key(client.number)
  in_chunks(added, function(...) redis.call('ZADD', key, ...) end)
  in_chunks(removed, function(...) redis.call('ZREM', key, ...) end)
end

--- The client's record and kept replies.
local function save_record_of(client)
  if not client.changed then return end
  local key = client_key(client.number)
  -- A purged router starts over with client numbers, and records of ended clients are kept for some minutes.
  if client.is_new then redis.call('DEL', key) end
  local passed = client.left and fields_of_pages(client.left.first_page, client.left.next_page) or pass_pages(client)
  local field, page = add_page(client)
  count_kept_bytes(client)
  if field then
    redis.call('HSET', key, field, page, 'record', pack_client(client))
  else
    redis.call('HSET', key, 'record', pack_client(client))
  end
  in_chunks(passed, function(...) redis.call('HDEL', key, ...) end)
end

--- Separate from the record, so that a manager that knows no memberships leaves it alone.
local function save_member_of(client)
  local member = client.member
  if member and member.changed then redis.call('HSET', client_key(client.number), 'member', pack_member(client)) end
end

local function save_mailbox_of(client)
  if client.left then redis.call('DEL', mailbox_key(client.left.session)) end
  if client.leaves_roster then redis.call('DEL', mailbox_key(client.session)) end
  if client.mailbox_ack and client.mailbox_ack > 0 then
    redis.call('XTRIM', mailbox_key(client.session), 'MINID', text(client.mailbox_ack + 1))
  end
end

--- The sweeper's queue and the roster. The record of an ended client without interfaces expires after some minutes. Entries
--- of the queue are collected in `leases` and written with one command.
local function save_schedule(client, leases)
  local number = text(client.number)
  local gone = client.state == 'ended' and owned_count(client) == 0
  if gone then
    redis.call('ZREM', leases_key, number)
    local is_named = client.member and (client.member.slots > 0 or client.member.routes > 0)
    if not is_named then redis.call('PEXPIRE', client_key(client.number), REMEMBER_ENDED_MS) end
  elseif client.requeue then
    leases[#leases + 1] = text(client.expires_at)
    leases[#leases + 1] = number
  end
  if client.leaves_roster then
    redis.call('ZREM', roster_key, number)
  elseif client.joins_roster then
    redis.call('ZADD', roster_key, number, number)
  end
  if client.joins_alerted then
    redis.call('ZADD', alerted_key, number, number)
  elseif client.leaves_alerted then
    redis.call('ZREM', alerted_key, number)
  end
end

local function save_clients(touched)
  local leases = {}
  for i = 1, #touched do
    local client = touched[i]
    save_record_of(client)
    save_member_of(client)
    save_owned(client)
    save_mailbox_of(client)
    save_schedule(client, leases)
  end
  in_chunks(leases, function(...) redis.call('ZADD', leases_key, ...) end)
end

local function save_pairs()
  for i = 1, #orphaned_leases do redis.call('ZREM', leases_key, orphaned_leases[i]) end
  for entry, number in pairs(pairs_changed) do
    if number then
      redis.call('HSET', clients_key, entry, text(number))
    else
      redis.call('HDEL', clients_key, entry)
    end
  end
end

local function was_touched(client)
  return client.changed or client.requeue or client.mailbox_ack or next(client.owned)
    or client.member and client.member.changed
end

--- Clients whose last interface was removed in this batch.
local function finish_ended()
  for _, client in pairs(clients) do
    if client and client.state == 'ended' and was_touched(client) and owned_count(client) == 0 then
      local member = member_of(client)
      if member.ending == 1 then
        router.members.ending, router.members.changed = router.members.ending - 1, true
        member.ending, member.changed = 0, true
      end
    end
  end
end

--- The last decisions about memberships, which read what the writes need. Returns the rows of the log and the alerts.
local function finish_members()
  if not router.members then return {}, {} end
  mfe_changes.close()
  finish_ended()
  slots.finish()
  if router.view then routes.finish() end
  return member_log.rows(), alerts.for_mailboxes()
end

local function save_members(rows, fib_messages, retention)
  if not router.members then return end
  slots.save()
  excludes.save()
  entries.save()
  statics.save()
  interface_limits.save()
  alerts.save()
  member_log.save(rows, retention)
  if not router.view then return end
  notified.save()
  routes.save()
  mfes.save()
  mfe_reports.save()
  flow_creation.save()
  fib_log.save(fib_messages)
  view_tasks.save()
end

--- What the manager learns of memberships with each batch; empty for a router that never had one.
local function report_members(rows)
  if not router.members then return '' end
  local members = router.members
  local is_outstanding = (members.voids > 0 or members.ending > 0) and 1 or 0
  return cmsgpack.pack({ members.mrev, settled_rev(), is_outstanding, rows, alerts.published() })
end

--- What the manager learns of the multicast view and of forwarding entries with each batch; empty for a router that never had
--- either.
local function report_view(fib_messages)
  local view = router.view
  if not view then return '' end
  local is_outstanding = view.tasks > 0
  return cmsgpack.pack({ view.rrev, is_outstanding and math.min(view.rsettled, view.rrev) or view.rrev,
    is_outstanding and 1 or 0, view.frev, settled_mrev(), fib_messages })
end

--- Whether there is anything to write, and the clients that changed.
local function batch_changes()
  local touched = {}
  for _, client in pairs(clients) do
    if client and was_touched(client) then touched[#touched + 1] = client end
  end
  return #touched > 0 or #orphaned_leases > 0 or operator_log.has_entries() or router_changed(), touched
end

--- Checks the types of keys that are written without having been read.
local function check_types(touched)
  local is_identified = next(identity_changes) ~= nil
  for i = 1, #touched do
    if touched[i].state == 'ended' then owned_count(touched[i]) end
    is_identified = is_identified or touched[i].identity ~= ''
  end
  if #touched > 0 or #orphaned_leases > 0 then redis.call('ZCARD', leases_key) end
  if next(pairs_changed) then
    redis.call('ZCARD', roster_key)
    redis.call('HLEN', clients_key)
  end
  agents.check_types()
  if #runs > 0 then redis.call('XLEN', events_key) end
  if operator_log.has_entries() then redis.call('XLEN', operator_log_key) end
  if next(claims) then redis.call('HLEN', claims_key) end
  if is_identified then redis.call('HLEN', identities_key) end
  if next(pairs_changed) then redis.call('ZCARD', alerted_key) end
  if router.members and router.members.changed then
    slots.check_types()
    excludes.check_types()
    entries.check_types()
    member_log.check_types()
    statics.check_types()
  end
  if router.view and router.view.changed then
    routes.check_types()
    view_tasks.check_types()
    notified.check_types()
    mfes.check_types()
    mfe_reports.check_types()
    fib_log.check_types()
  end
end

--- Two writes that change nothing and that Redis does not refuse when it is out of memory. The caller waits until replicas
--- have the writes of this connection, so a batch of reads and repeats must write too: it may report a change that another
--- connection has just written and that no replica has yet.
local function write_nothing()
  if router.fresh then return end
  redis.call('PEXPIRE', meta_key, 3600000)
  redis.call('PERSIST', meta_key)
end

--- Returns the packed runs of events, which the caller publishes as they are in the log, and the report about memberships.
local function commit(retention, is_replicated)
  if router.purged then
    delete_router()
    return '', '', ''
  end
  local rows, mailbox_alerts = finish_members()
  local fib_messages = fib_log.messages()
  local is_changed, touched = batch_changes()
  if not is_changed then
    if is_replicated then write_nothing() end
    return '', report_members(rows), report_view(fib_messages)
  end
  check_types(touched)
  save_router()
  save_records()
  save_clients(touched)
  save_pairs()
  save_identities()
  save_claims()
  agents.save()
  save_mailboxes(mailbox_alerts)
  save_members(rows, fib_messages, retention)
  local packed = #runs > 0 and cmsgpack.pack(runs) or ''
  save_events(packed, retention)
  operator_log.save()
  return packed, report_members(rows), report_view(fib_messages)
end
