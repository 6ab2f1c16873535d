--- Callbacks: queued in the session's mailbox in the same step as the change that causes them.
---
--- An ended session has no mailbox, so its losses are only pushed, on a best-effort basis. They form runs: each lost interface
--- is a callback of its own with the next number.
---
--- @include lib/clients.lua
--- @shape callback session:session seq:integer type:string interface:interface rev:revision? cause:string epoch:epoch? why:string? identity:string?
--- @shape takeover session:session seq:integer by:session identity:string?
--- @shape loss_run session:session first:integer cause:string why:string? epochs:epoch[] interfaces:interface[] identity:string?

--- The number of messages kept for a session that acknowledges nothing; at most one batch more.
local MAILBOX_MAX = 65536

--- Indexes of a loss run's fields that are read again.
local LOSS_EPOCHS, LOSS_INTERFACES = 5, 6

local callbacks, losses

local function begin_callbacks()
  callbacks, losses = {}, {}
end

--- Adds a lost interface to the losses of an ended session.
local function note_loss(client, interface, epoch)
  client.mailbox = client.mailbox + 1
  client.changed = true
  local run = client.losses
  if not run then
    run = { client.session, client.mailbox, client.end_cause, client.end_why, {}, {}, client.identity }
    client.losses = run
    losses[#losses + 1] = run
  end
  local epochs, interfaces = run[LOSS_EPOCHS], run[LOSS_INTERFACES]
  local place = #interfaces + 1
  epochs[place], interfaces[place] = epoch, interface
end

local function queue_callback(client, type, interface, rev, cause, epoch, why)
  client.mailbox = client.mailbox + 1
  client.changed = true
  client.last_alert = nil
  local message = { client.session, client.mailbox, type, interface, rev, cause, epoch, why, client.identity }
  callbacks[#callbacks + 1] = message
  local queued = mailboxes[client.session]
  if not queued then
    -- Checks the stream's type before anything is written.
    redis.call('XLEN', mailbox_key(client.session))
    queued = {}
    mailboxes[client.session] = queued
  end
  queued[#queued + 1] = message
end

--- IGMP is notified of a routing protocol that takes or loses the interface by a pair of adjacent callbacks (mgm-semantics B3).
local function queue_igmp_pair(igmp, interface, rev, cause)
  queue_callback(igmp, 'DISABLE_IGMP', interface, rev, cause, 0, '')
  queue_callback(igmp, 'ENABLE_IGMP', interface, rev, cause, 0, '')
end

--- The client has handled every message up to this one.
local function acknowledge_mailbox(client, seq)
  redis.call('XLEN', mailbox_key(client.session))
  client.mailbox_ack = math.min(seq, client.mailbox)
end

--- `alerts`: for sessions with alerts, the last number and the packed alerts of this batch. Their mailboxes keep twice as
--- much, since alerts have a limit of their own.
local function save_mailboxes(alerts)
  for session, queued in pairs(mailboxes) do
    if not alerts[session] then
      local last = queued[#queued][2]
      redis.call('XADD', mailbox_key(session), 'MINID', text(math.max(0, last - MAILBOX_MAX)), text(last) .. '-0',
        'ts', text(now_ms), 'messages', cmsgpack.pack(queued))
    end
  end
  for session, written in pairs(alerts) do
    local queued = mailboxes[session] or {}
    local last = math.max(written.last, #queued > 0 and queued[#queued][2] or 0)
    redis.call('XADD', mailbox_key(session), 'MINID', text(math.max(0, last - 2 * MAILBOX_MAX)), text(last) .. '-0',
      'ts', text(now_ms), 'messages', cmsgpack.pack(queued), 'alerts', written.packed)
  end
end
