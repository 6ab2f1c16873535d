--- Checks whether an epoch is in force: for a program that acts for an owner and cannot remember the highest epoch it has seen.
---
--- @arg   interface interface
--- @arg   epoch     string
--- @reply current current:epoch
--- @reply outdated current:epoch
--- @reply free
--- @read
--- @include lib/interfaces.lua

function operations.validate(interface, epoch)
  local record, owner, igmp = look_at(interface)
  local of_owner = owner and epoch_in_force(owner, record[OWNER_EPOCH])
  local of_igmp = igmp and epoch_in_force(igmp, record[IGMP_EPOCH])
  if not of_owner and not of_igmp then return { 'free' } end
  if of_owner and text(of_owner) == epoch then return { 'current', of_owner } end
  if of_igmp and text(of_igmp) == epoch then return { 'current', of_igmp } end
  return { 'outdated', of_owner or of_igmp }
end
