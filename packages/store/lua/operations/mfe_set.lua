--- Sets the upstream router or the life of a forwarding entry (forwarding contract, section 5.7).
---
--- @arg   handle      handle
--- @arg   seq         integer
--- @arg   ack         integer
--- @arg   name        string    see lib/mfes.lua
--- @arg   upstream    string
--- @arg   is_given    flag      `upstream` is to be set
--- @arg   timeout     integer   ms from the creation, 0 to leave it
--- @arg   incarnation integer   0 or: refuse unless it is the present one
--- @arg   epoch       string    '' or: refuse unless it is that of the hold of the incoming interface, or the one shown
--- @reply set frev:integer
--- @reply no_mfe
--- @reply other_incarnation current:integer
--- @reply not_owner holder:holder?
--- @reply other_epoch current:epoch
--- @reply window_full
--- @reply store_full
--- @reply ...session_refusal
--- @reply ...sequence_refusal
--- @include lib/sequence.lua
--- @include lib/mfe_changes.lua

--- Why the caller may not set this entry, or nil.
local function refusal_to_set(client, mfe, incarnation, epoch)
  if not mfe then return { 'no_mfe' } end
  if incarnation ~= 0 and incarnation ~= mfe.incarnation then return { 'other_incarnation', mfe.incarnation } end
  local owner, shown = mfes.owner_of(mfe)
  if not owner then return { 'not_owner', {} } end
  if owner ~= client then return { 'not_owner', holder_shape(look_at(mfe.iif)) } end
  local record = look_at(mfe.iif)
  local held = epoch_in_force(client, record[OWNER] == client.number and record[OWNER_EPOCH] or record[IGMP_EPOCH])
  if epoch ~= '' and epoch ~= text(held) and epoch ~= text(shown) then return { 'other_epoch', held } end
end

function operations.mfe_set(handle, seq, ack, name, upstream, is_given, timeout, incarnation, epoch)
  local client, answered, rev = admit('mfe_set', handle, seq, ack)
  if not client then return answered, rev end
  if is_window_full(client) then return { 'window_full' } end
  if router.is_full then return remember(client, 'mfe_set', seq, { 'store_full' }) end
  local mfe = mfes.get(name)
  local refused = refusal_to_set(client, mfe, incarnation, epoch)
  if refused then return remember(client, 'mfe_set', seq, refused) end
  if is_given == 1 then mfes.set_upstream(mfe, upstream) end
  if timeout > 0 then mfes.set_timeout(mfe, timeout) end
  mfe_changes.review(name, 'member', {})
  mfe_changes.close()
  return remember(client, 'mfe_set', seq, { 'set', router.view.frev })
end
