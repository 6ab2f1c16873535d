--- Overrides of forwarding entries: interfaces that FORWARD put *on* or *off* (forwarding contract, sections 1 and 5.5).
---
--- An override names the client that decided for the interface, and the epoch under which it did: once another one decides, it counts
--- for nothing, and the next review of the entry removes it.
---
--- A change that covers many entries is a rule. It holds for reads at once: a record that is loaded follows the rules that it
--- has not followed. A task of the sweep writes them into the records, and then the rule is removed.
---
--- @include lib/routes.lua

--- Kinds of changes. JOIN removes a veto.
local overrides = { ON = 'on', OFF = 'off', JOIN = 'join' }

--- Positions in an override.
local DECIDER, DECIDER_EPOCH = 1, 2

--- Positions in a rule.
local RULE_NUMBER, RULE_KIND, RULE_INTERFACE, RULE_DECIDER, RULE_EPOCH, RULE_ENTRY = 1, 2, 3, 4, 5, 6

--- Rules of a router that a sweep has not written into all entries yet.
local RULES_MAX = 64

--- The MFEs whose overrides changed in this batch.
local overridden_mfes

function overrides.begin()
  overridden_mfes = {}
end

--- The number of the client that an override names.
function overrides.decider_of(one)
  return one[DECIDER]
end

--- As stored: a list of interface, client, epoch.
function overrides.unpack(list)
  local set = {}
  for i = 1, #list, 3 do set[list[i]] = { list[i + 1], list[i + 2] } end
  return set
end

function overrides.pack(set)
  local list = {}
  for interface, one in pairs(set) do
    local at = #list
    list[at + 1], list[at + 2], list[at + 3] = interface, one[DECIDER], one[DECIDER_EPOCH]
  end
  return list
end

--- Whether the client still decides for the interface: its owner, or IGMP where it is alone.
function overrides.holds(interface, one)
  local record, owner, igmp = look_at(interface)
  local client = owner or igmp
  return client ~= nil and client.number == one[DECIDER] and deciding_epoch(record, owner) == one[DECIDER_EPOCH]
end

--- The members of the index that the overrides of an MFE have: see lib/mfes.lua.
function overrides.add_index(members, mfe)
  for interface in pairs(mfe.on) do members[#members + 1] = 'o' .. interface .. ' ' .. mfe.name end
  for interface in pairs(mfe.off) do members[#members + 1] = 'v' .. interface .. ' ' .. mfe.name end
end

local function begin_override_change(mfe)
  if mfe.stored and not mfe.former_index then
    mfe.former_index = {}
    overrides.add_index(mfe.former_index, mfe)
  end
  mfe.overridden = true
  overridden_mfes[mfe] = true
end

--- Those that may have a veto on this interface, in no order.
function overrides.vetoed_in_batch(interface)
  local found = {}
  for mfe in pairs(overridden_mfes) do
    if mfe.off[interface] then found[#found + 1] = mfe end
  end
  return found
end

local function put_override(mfe, set, other, interface, one)
  local former = set[interface]
  if former and former[1] == one[1] and former[2] == one[2] and not other[interface] then return false end
  begin_override_change(mfe)
  view_tasks.note_override(interface)
  set[interface], other[interface] = one, nil
  return true
end

--- Changes the override of an interface in an MFE. Returns whether it changed.
function overrides.change(mfe, kind, interface, client, epoch)
  if kind == overrides.ON then return put_override(mfe, mfe.on, mfe.off, interface, { client, epoch }) end
  if kind == overrides.OFF then return put_override(mfe, mfe.off, mfe.on, interface, { client, epoch }) end
  if not mfe.off[interface] then return false end
  begin_override_change(mfe)
  mfe.off[interface] = nil
  return true
end

--- Removes overrides of clients that no longer decide. Returns the set of their interfaces.
function overrides.tidy(mfe)
  local gone = {}
  for _, set in ipairs({ mfe.on, mfe.off }) do
    for interface, one in pairs(set) do
      if not overrides.holds(interface, one) then gone[interface] = true end
    end
  end
  if next(gone) then begin_override_change(mfe) end
  for interface in pairs(gone) do mfe.on[interface], mfe.off[interface] = nil, nil end
  return gone
end

-- Rules.

--- Whether an entry covers the (s,g) of this name.
function overrides.covers(entry, name)
  return string.sub(name, 1, #entry) == entry
end

--- An MFE follows the rules that came since it was written.
function overrides.follow(mfe)
  local rules = router.view.rules
  for i = 1, #rules do
    local rule = rules[i]
    if rule[RULE_NUMBER] > mfe.rule and overrides.covers(rule[RULE_ENTRY], mfe.name) then
      overrides.change(mfe, rule[RULE_KIND], rule[RULE_INTERFACE], rule[RULE_DECIDER], rule[RULE_EPOCH])
    end
  end
  mfe.rule = router.view.next_rule
end

--- Whether another rule would be one too many.
function overrides.are_full()
  return router.view ~= nil and #router.view.rules >= RULES_MAX
end

--- Adds a rule, and the task that writes it.
function overrides.add_rule(kind, interface, client, epoch, entry)
  local view = router.view
  view.next_rule, view.changed = view.next_rule + 1, true
  view.rules[#view.rules + 1] = { view.next_rule, kind, interface, client, epoch, entry }
  view_tasks.add('r' .. text(view.next_rule))
end

--- The entry of a rule, or nil.
function overrides.entry_of(number)
  local rules = router.view.rules
  for i = 1, #rules do
    if rules[i][RULE_NUMBER] == number then return rules[i][RULE_ENTRY] end
  end
end

--- Every entry that the rule covers has followed it.
function overrides.remove_rule(number)
  local view, kept = router.view, {}
  for i = 1, #view.rules do
    if view.rules[i][RULE_NUMBER] ~= number then kept[#kept + 1] = view.rules[i] end
  end
  view.rules, view.changed = kept, true
end

--- Whether all of the `count` records that an entry covers certainly have this override. While overrides of former holds, rules or
--- changes of this batch may be missing in the index, the answer is no.
function overrides.all_have(kind, interface, entry, count)
  if next(overridden_mfes) or view_tasks.is_outstanding('F' .. interface) then return false end
  local rules = router.view.rules
  for i = 1, #rules do
    if rules[i][RULE_INTERFACE] == interface then return false end
  end
  local from = (kind == overrides.ON and 'o' or 'v') .. interface .. ' ' .. entry
  return redis.call('ZLEXCOUNT', mfe_index_key, '[' .. from, '[' .. from .. 'g') == count
end

--- Whether a rule may put a veto on the interface.
function overrides.may_be_vetoed(interface)
  local rules = router.view.rules
  for i = 1, #rules do
    if rules[i][RULE_INTERFACE] == interface and rules[i][RULE_KIND] == overrides.OFF then return true end
  end
  return false
end
