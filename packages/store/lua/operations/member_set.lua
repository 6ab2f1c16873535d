--- Replaces all memberships of a session for a group on an interface, in one step (forwarding contract, section 9).
---
--- @arg   handle    handle
--- @arg   seq       integer
--- @arg   ack       integer
--- @arg   interface interface
--- @arg   group     string       the name of its (*,g)
--- @arg   entries   entry[]      those that the session has afterwards
--- @arg   exclude   string       the exclude list of the (*,g): see lib/excludes.lua
--- @arg   epoch     string       '' or: refuse unless it is that of the hold
--- @reply replaced added:integer removed:integer updated:flag mrev:integer
--- @reply not_found
--- @reply not_owner holder:holder
--- @reply other_epoch current:epoch
--- @reply limit
--- @reply window_full
--- @reply store_full
--- @reply ...session_refusal
--- @reply ...sequence_refusal
--- @include lib/member_change.lua

function operations.member_set(handle, seq, ack, interface, group, entries, exclude, epoch)
  local client, answered, rev = admit('member_set', handle, seq, ack)
  if not client then return answered, rev end
  if is_window_full(client) then return { 'window_full' } end
  if router.is_full then return remember(client, 'member_set', seq, { 'store_full' }) end
  return member_change.replace(client, seq, interface, group, entries, exclude, epoch)
end
