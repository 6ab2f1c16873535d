--- Renews a lease: it runs its full time to live from now.
---
--- @arg   handle      handle
--- @arg   ack         integer   0 for unchanged
--- @arg   mailbox_ack integer   0 for unchanged
--- @arg   frev        integer   every change up to it is in the agent's forwarding plane; -1 where it says nothing
--- @reply kept ttl_ms:integer mailbox:integer
--- @reply ...session_refusal
--- @high_priority
--- @delay_tolerant
--- @include lib/sequence.lua
--- @include lib/mailbox.lua
--- @include lib/alerts.lua
--- @include lib/agents.lua

function operations.keepalive(handle, ack, mailbox_ack, frev)
  local client, refused = client_of(handle)
  if not client then return refused end
  set_expiry(client, service_now + client.ttl_ms)
  if ack > 0 then advance_ack(client, ack) end
  if mailbox_ack > 0 then
    acknowledge_mailbox(client, mailbox_ack)
    alerts.acknowledge(client, client.mailbox_ack)
  end
  if frev >= 0 then agents.programmed(client, frev) end
  return { 'kept', client.ttl_ms, client.mailbox }
end
