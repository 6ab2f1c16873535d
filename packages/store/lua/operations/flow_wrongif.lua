--- Names the owners that are sent hints about packets that arrived on their interfaces (forwarding contract, sections 5.4 and
--- 8.1): routing protocols with the setting `wrongIf`, whose sessions requested the hints.
---
--- @arg   handle     handle
--- @arg   interfaces interface[]
--- @reply owners to:hint_recipient[]
--- @reply ...session_refusal
--- @shape hint_recipient session:integer identity:string?
--- @read
--- @include lib/sequence.lua
--- @include lib/interfaces.lua

--- Bit of the hints in a client's mask of alerts.
local WRONG_IF_BIT = 64

--- The session that is sent hints about an interface, and its identity; 0 for none.
local function recipient_on(interface)
  local _, owner = look_at(interface)
  local is_sent = owner and owner.state == 'live' and slots.is_set(interface, slots.WRONG_IF)
    and bit.band(member_of(owner).alerts, WRONG_IF_BIT) ~= 0
  return is_sent and { owner.session, owner.identity } or { 0, '' }
end

function operations.flow_wrongif(handle, interfaces)
  local client, refused = client_of(handle)
  if not client then return refused end
  local to = {}
  for i = 1, #interfaces do to[i] = recipient_on(interfaces[i]) end
  return { 'owners', to }
end
