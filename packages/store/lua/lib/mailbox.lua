--- Callbacks: queued in the session's mailbox in the same step as the change that causes them.
---
--- @include lib/clients.lua
--- @shape callback session:session seq:integer type:string interface:interface rev:revision? cause:string epoch:epoch? why:string?

--- What a session that acknowledges nothing keeps: the last so many messages, and at most one batch more.
local MAILBOX_MAX = 65536

local callbacks

local function begin_callbacks()
  callbacks = {}
end

local function queue_callback(client, type, interface, rev, cause, epoch, why)
  client.mailbox = client.mailbox + 1
  client.changed = true
  local message = { client.session, client.mailbox, type, interface, rev, cause, epoch, why }
  callbacks[#callbacks + 1] = message
  -- A session that is over has no mailbox to read; what is pushed to it is a courtesy.
  if client.state == 'ended' then return end
  local queued = mailboxes[client.session]
  if not queued then
    -- The stream's type is looked at before anything is written.
    redis.call('XLEN', mailbox_key(client.session))
    queued = {}
    mailboxes[client.session] = queued
  end
  queued[#queued + 1] = message
end

--- IGMP hears of a routing protocol coming or going as a pair that nothing can come between (mgm-semantics B3).
local function queue_igmp_pair(igmp, interface, rev, cause)
  queue_callback(igmp, 'DISABLE_IGMP', interface, rev, cause, 0, '')
  queue_callback(igmp, 'ENABLE_IGMP', interface, rev, cause, 0, '')
end

--- The client has handled every message up to this one.
local function acknowledge_mailbox(client, seq)
  redis.call('XLEN', mailbox_key(client.session))
  client.mailbox_ack = math.min(seq, client.mailbox)
end

local function save_mailboxes()
  for session, queued in pairs(mailboxes) do
    local last = queued[#queued][2]
    redis.call('XADD', mailbox_key(session), 'MINID', text(math.max(0, last - MAILBOX_MAX)), text(last) .. '-0',
      'ts', text(now_ms), 'messages', cmsgpack.pack(queued))
  end
end
