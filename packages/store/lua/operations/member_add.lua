--- Adds memberships for a session, each decided by itself, in order (membership contract, section 4.2).
---
--- @arg   handle     handle
--- @arg   seq        integer
--- @arg   ack        integer
--- @arg   interfaces interface[]
--- @arg   entries    entry[]      per element; '' where section 2 refuses it
--- @arg   codes      integer[]    per element: see lib/member_change.lua
--- @arg   epoch      string       '' or: refuse unless it is that of the hold
--- @arg   single     flag         the request has one element and no list
--- @reply changed count:integer mrev:integer failed:member_failure[]
--- @reply forwarded matched:integer changed:flag mrev:integer
--- @reply rules_full
--- @reply not_owner holder:holder
--- @reply window_full
--- @reply other_epoch current:epoch
--- @reply store_full
--- @reply ...session_refusal
--- @reply ...sequence_refusal
--- @include lib/member_change.lua

function operations.member_add(handle, seq, ack, interfaces, entries, codes, epoch, single)
  local client, answered, rev = admit('member_add', handle, seq, ack)
  if not client then return answered, rev end
  if is_window_full(client) then return { 'window_full' } end
  if router.is_full then return remember(client, 'member_add', seq, { 'store_full' }) end
  return member_change.list('member_add', client, seq, interfaces, entries, codes, epoch, single)
end
