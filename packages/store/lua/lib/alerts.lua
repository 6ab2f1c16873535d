--- Alerts: written to the mailboxes of their recipients in the same step as the change that causes them (membership contract,
--- section 5).
---
--- An alert is a run of items that goes to several recipients, with a number in the mailbox of each. An item is appended to a
--- run while it is the last message of all its recipients, within one request: so the items of a session stay in order.
---
--- A recipient is a client with a live session that listed the type when it registered. Its mailbox keeps up to `MAX`
--- unacknowledged items. Then it gets one RESYNC instead of the next alert, and no alerts until it has acknowledged that.
---
--- @include lib/entries.lua
--- @include lib/mailbox.lua
--- JOIN_FALSE and PRUNE_FALSE are JOIN_ALERT and PRUNE_ALERT with FALSE: about one forwarding entry, to its owner (forwarding
--- contract, section 5.6).
---
--- LOCAL_UPDATE is LOCAL_JOIN for another exclude list, alone in its message.
---
--- @shape alert_run type:string cause:string window:flag mrev:integer items:string recipients:recipient[] frev:integer
--- @shape recipient session:session seq:integer identity:string?

local alerts = {}

--- Bits of the types in a client's mask.
local MASK = { JOIN_ALERT = 1, PRUNE_ALERT = 2, LOCAL_JOIN = 4, LOCAL_LEAVE = 8, JOIN_FALSE = 1, PRUNE_FALSE = 2, LOCAL_UPDATE = 4 }
local ITEMS_MAX = 256
local MAX = 65536

--- All runs of the batch; the last of each type; those of the present request; the clients that may be recipients.
local alert_runs, last_of_type, open_alerts, listeners
--- Numbers of clients in `alerted` that receive no alerts any more.
local silent_numbers

function alerts.begin()
  alert_runs, last_of_type, open_alerts, listeners, silent_numbers = {}, {}, {}, nil, {}
end

--- After a registration or an end of a session.
function alerts.forget_listeners()
  listeners = nil
end

local function read_listeners()
  listeners = {}
  local numbers = redis.call('ZRANGE', alerted_key, 0, -1)
  local seen = {}
  for i = 1, #numbers do
    local number = tonumber(numbers[i])
    local client = load_client(number)
    seen[number] = true
    if not client or client.state == 'ended' or member_of(client).alerts == 0 then
      silent_numbers[#silent_numbers + 1] = numbers[i]
    else
      listeners[#listeners + 1] = client
    end
  end
  -- Those of this batch.
  local new = {}
  for number, client in pairs(clients) do
    if client and not seen[number] and client.state ~= 'ended' and client.member and client.member.alerts ~= 0 then
      new[#new + 1] = client
    end
  end
  table.sort(new, function(one, other) return one.number < other.number end)
  for i = 1, #new do listeners[#listeners + 1] = new[i] end
end

local function listens(client, mask)
  return client.state == 'live' and bit.band(member_of(client).alerts, mask) ~= 0
end

--- The items of an entry of the mailbox up to a number.
local function items_up_to(rows, seq)
  local count = 0
  for i = 1, #rows do
    if rows[i][1] <= seq then count = count + rows[i][6] end
  end
  return count
end

--- Counts the items that are acknowledged: the first entry that is not wholly acknowledged says how many came before it.
local function count_acknowledged(client, member)
  local found = redis.call('XRANGE', mailbox_key(client.session), text(member.acked + 1) .. '-0', '+', 'COUNT', 1)[1]
  if not found then
    member.acked_total = member.total - (client.new_items or 0)
    return
  end
  local fields = found[2]
  if not fields[6] then return end
  local before, rows = cmsgpack.unpack(fields[6])
  member.acked_total = math.max(member.acked_total, before + items_up_to(rows, member.acked))
end

local function is_mailbox_full(client, member)
  if member.total - member.acked_total <= MAX then return false end
  count_acknowledged(client, member)
  return member.total - member.acked_total > MAX
end

local function is_muted(member)
  return member.resync > member.acked
end

local function begin_alert(type, cause, window)
  local run = { type = type, cause = cause, window = window, items = {}, to = {}, sessions = {}, seqs = {} }
  alert_runs[#alert_runs + 1], open_alerts[#open_alerts + 1] = run, run
  return run
end

--- Gives a run the next number in the mailbox of a client.
local function address_to(run, client)
  client.mailbox, client.changed = client.mailbox + 1, true
  client.last_alert = run
  local place = #run.to + 1
  run.to[place], run.sessions[place], run.seqs[place] = client, client.session, client.mailbox
  local queued = client.alert_runs
  if not queued then
    redis.call('XLEN', mailbox_key(client.session))
    queued = {}
    client.alert_runs, client.items_before = queued, member_of(client).total
  end
  queued[#queued + 1] = { run, client.mailbox }
end

--- Whether the client can have one more item; if its mailbox is full it gets a RESYNC.
local function accepts(client)
  local member = member_of(client)
  if is_muted(member) then return false end
  if not is_mailbox_full(client, member) then return true end
  local run = begin_alert('RESYNC', '', 0)
  address_to(run, client)
  member.resync, member.changed = client.mailbox, true
  return false
end

local function count_item(client)
  local member = member_of(client)
  member.total, member.changed = member.total + 1, true
  client.new_items = (client.new_items or 0) + 1
end

local function can_append(run)
  if #run.items == ITEMS_MAX then return false end
  for i = 1, #run.to do
    local client = run.to[i]
    if client.last_alert ~= run or client.member.total - client.member.acked_total > MAX then return false end
  end
  return true
end

local function append(run, item)
  run.items[#run.items + 1] = item
  for i = 1, #run.to do count_item(run.to[i]) end
end

--- To every recipient of the type except up to four clients.
function alerts.broadcast(type, cause, window, item, a, b, c, d)
  local run = last_of_type[type]
  if run and run.cause == cause and run.window == window and run.a == a and run.b == b and run.c == c and run.d == d
    and can_append(run) then
    return append(run, item)
  end
  if not listeners then read_listeners() end
  local mask, accepting = MASK[type], {}
  for i = 1, #listeners do
    local client = listeners[i]
    local number = client.number
    if number ~= a and number ~= b and number ~= c and number ~= d and listens(client, mask) and accepts(client) then
      accepting[#accepting + 1] = client
    end
  end
  if #accepting == 0 then return end
  run = begin_alert(type, cause, window)
  run.a, run.b, run.c, run.d = a, b, c, d
  for i = 1, #accepting do address_to(run, accepting[i]) end
  last_of_type[type] = run
  append(run, item)
end

--- To one client, if it is a recipient.
function alerts.send(type, cause, window, item, number)
  local client = load_client(number)
  if not client or not listens(client, MASK[type]) then return end
  local run = client.last_alert
  if run and run.type == type and run.cause == cause and run.window == window and run.is_single and not run.mrev
    and type ~= 'LOCAL_UPDATE' and can_append(run) then
    return append(run, item)
  end
  if not accepts(client) then return end
  run = begin_alert(type, cause, window)
  run.is_single = true
  address_to(run, client)
  append(run, item)
end

--- At the end of a request: its alerts have the revisions at its end, and later items go to other messages.
function alerts.close()
  if #open_alerts == 0 then return end
  local frev = router.view and router.view.frev or 0
  for i = 1, #open_alerts do open_alerts[i].mrev, open_alerts[i].frev = router.members.mrev, frev end
  open_alerts, last_of_type = {}, {}
end

--- The client has handled every message up to this one.
function alerts.acknowledge(client, seq)
  if not router.members then return end
  local member = member_of(client)
  if member.alerts == 0 or seq <= member.acked then return end
  member.acked, member.changed = seq, true
  if seq == client.mailbox then member.acked_total = member.total end
end

local function text_of(run)
  if not run.text then run.text = table.concat(run.items, ',') end
  return run.text
end

--- The rows of a client's alerts in this batch, and the number of items before them. Callbacks of a session with alerts have
--- no rows but that number, too, so that the first entry that is not acknowledged always tells it.
local function mailbox_rows(client)
  if not client.alert_runs then return member_of(client).total, {}, 0 end
  local rows = {}
  for i = 1, #client.alert_runs do
    local run, seq = client.alert_runs[i][1], client.alert_runs[i][2]
    rows[i] = { seq, run.type, run.cause, run.window, run.mrev, #run.items, text_of(run), run.frev }
  end
  return client.items_before, rows, rows[#rows][1]
end

--- What the mailboxes keep of this batch, by session: the number of items before, and a row per alert.
function alerts.for_mailboxes()
  local written = {}
  for _, client in pairs(clients) do
    local has_mail = client and client.state ~= 'ended'
      and (client.alert_runs or mailboxes[client.session] and member_of(client).alerts ~= 0)
    if has_mail then
      local before, rows, last = mailbox_rows(client)
      written[client.session] = { last = last, packed = cmsgpack.pack(before, rows) }
    end
  end
  return written
end

--- The alerts of the batch as the manager publishes them.
function alerts.published()
  local rows = {}
  for i = 1, #alert_runs do
    local run, recipients = alert_runs[i], {}
    for j = 1, #run.to do recipients[j] = { run.sessions[j], run.seqs[j], run.to[j].identity } end
    rows[i] = { run.type, run.cause, run.window, run.mrev, text_of(run), recipients, run.frev }
  end
  return rows
end

function alerts.save()
  in_chunks(silent_numbers, function(...) redis.call('ZREM', alerted_key, ...) end)
end
