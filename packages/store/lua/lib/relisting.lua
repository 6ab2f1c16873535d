--- Names of a slot that had too many, and has few again: a pass over all entries, while nothing else is to be done, finds the
--- memberships that it still has. Without it the end of such a hold would wait for a pass over all entries.
---
--- States of a slot's `named`: `UNNAMED` until few are left; then `COLLECTING`, when its list has those that were added since
--- and those that the pass found; then, after a whole pass, their number. The pass goes round: for each slot it is complete
--- when it is back at the entry where it was when the slot was added.
---
--- @include lib/slots.lua


--- Few enough that the names will not soon be too many again.
local FEW = 128
--- Slots of one pass; others are added when they lose another membership.
local SLOTS_MOST = 16

--- Fields of a slot in `members.relisted`.
local RELISTED, FROM, HAS_WRAPPED = 1, 2, 3

function slots.relist_if_few(slot)
  local members = router.members
  if slot.count > FEW or slot.count == 0 or slot.void == 1 or #members.relisted == SLOTS_MOST then return end
  slot.named, slot.names, slot.relisted = slots.COLLECTING, ',', true
  members.relisted[#members.relisted + 1] = { slot.number, members.relisted_to, 0 }
  members.changed = true
end

local function relisted_names(slot)
  slot.names = slot.names or redis.call('GET', names_key(slot.number)) or ','
  return slot.names
end

function slots.add_name(slot, name)
  if string.find(relisted_names(slot), ',' .. name .. ',', 1, true) then return end
  slot.names, slot.relisted, slot.changed = slot.names .. name .. ',', true, true
end

function slots.remove_name(slot, name)
  local from, to = string.find(relisted_names(slot), ',' .. name .. ',', 1, true)
  if not from then return end
  slot.names = string.sub(slot.names, 1, from) .. string.sub(slot.names, to + 1)
  slot.relisted = true
end

--- A membership of a collecting slot was added.
function slots.join_collecting(slot, name)
  if slot.count <= slots.NAMES_MAX then return slots.add_name(slot, name) end
  slot.named, slot.relisted = slots.UNNAMED, nil
end

--- The pass was round for this slot.
local function finish_relisting(slot)
  local _, commas = string.gsub(relisted_names(slot), ',', '')
  slot.named, slot.changed, slot.relisted = commas - 1, true, true
  -- A manager that does not list names again may have added memberships.
  if slot.named ~= slot.count then slot.named, slot.relisted = slots.UNNAMED, nil end
end

--- The slots that still wait, by number, and whether there are any.
function slots.relisted()
  local members, found, kept = router.members, {}, {}
  for i = 1, #members.relisted do
    local one = members.relisted[i]
    local slot = slots.find(one[RELISTED])
    if slot and slot.named == slots.COLLECTING and not found[slot.number] then
      found[slot.number] = slot
      kept[#kept + 1] = one
    end
  end
  if #kept < #members.relisted then members.relisted, members.changed = kept, true end
  return found, #kept > 0
end

--- The pass has examined all entries up to this one; '' at their end.
function slots.relisted_up_to(name)
  local members, left = router.members, {}
  for i = 1, #members.relisted do
    local one = members.relisted[i]
    if name == '' and one[FROM] == '' or one[HAS_WRAPPED] == 1 and (name == '' or name >= one[FROM]) then
      finish_relisting(slots.find(one[RELISTED]))
    else
      if name == '' then one[HAS_WRAPPED] = 1 end
      left[#left + 1] = one
    end
  end
  members.relisted, members.relisted_to, members.changed = left, #left > 0 and name or '', true
end
