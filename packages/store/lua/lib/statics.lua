--- Static memberships: operators configure them, and they have no holder (forwarding contract, section 10).
---
--- Each is in the home slot of its interface as long as it is configured; that slot counts for no client and is never void.
--- While it is active it is also in the static slot, which counts for the owner of the interface, or for IGMP where it is
--- alone. That slot is withdrawn like others when the client leaves. Then the membership is dormant, until a task of the sweep
--- makes it active for the next client: see lib/view_tasks.lua.
---
--- @include lib/withdrawals.lua
--- @include lib/interface_limits.lua

local statics = {}

local PER_INTERFACE_MAX = 1024

--- By interface and entry: whether this batch configures or removes the membership.
local static_changes

function statics.begin()
  static_changes = {}
end

local function note_static(interface, name, is_there)
  local by_name = static_changes[interface] or {}
  static_changes[interface], by_name[name] = by_name, is_there
end

--- The client that static memberships of an interface count for, and the epoch of its hold; nothing where there is none.
local function client_on(interface)
  local record, owner, igmp = look_at(interface)
  if owner then return owner, record[OWNER_EPOCH] end
  if igmp then return igmp, record[IGMP_EPOCH] end
end

--- The present slot in this place, and its pair in an entry if that has the membership.
local function find_in(interface, place, entry)
  local slot = slots.present(interface, place)
  local pair = slot and entries.pair(entry, slot.holder, slot.counts_for)
  return slot, pair and entries.has(pair, slot.number) and pair
end

--- The client that a membership of this slot counts for, also a static one by its home slot; 0 for none.
function statics.client_of(entry, slot)
  if slot.place ~= slots.HOME then return slot.counts_for end
  local active, pair = find_in(slot.interface, slots.STATIC, entry)
  local is_active = pair and load_client(active.counts_for).state ~= 'ended'
  return is_active and active.counts_for or 0
end

--- The entry, with what is withdrawn removed.
local function settled_entry(name)
  local entry = entries.get(name)
  purge(entry)
  notified.retarget(name, entry, 'iif-moved', 0)
  return entry
end

--- Makes a configured membership count for the client on its interface, if there is one and it does not yet.
function statics.activate(interface, name)
  local client, epoch = client_on(interface)
  if not client then return end
  local entry = settled_entry(name)
  local slot, pair = find_in(interface, slots.STATIC, entry)
  if pair then return end
  slot = slot or slots.allot(interface, slots.STATIC, slots.NO_HOLDER, client.number, epoch, 0)
  local before = entries.copy(entry)
  mfe_changes.note(name, 'admin')
  slots.join(slot, name)
  if entries.insert(entry, slot) then raise(name, before, entry, 'admin', 0) end
end

--- The event of a membership that is configured or removed.
local function static_event(type, interface, name, by)
  local client = client_on(interface)
  local membership = { interface = interface, holder = 0, counts_for = client and client.number or 0 }
  member_log.event(type, membership, name, 'admin', nil, by)
end

local function is_beyond_limit(interface, entry, home)
  local members = router.members
  if home and home.count >= PER_INTERFACE_MAX then return true end
  if not entry.counted and members.entries >= router.limits.entries then return true end
  return members.slots >= slots.MOST or interface_limits.forbids(interface, entry.name)
end

--- Returns whether the membership was configured now; nil if there are as many as there may be.
function statics.add(interface, name, by)
  if not router.members then begin_members() end
  local entry = settled_entry(name)
  local home, pair = find_in(interface, slots.HOME, entry)
  if pair then return false end
  if is_beyond_limit(interface, entry, home) then return nil end
  home = home or slots.allot(interface, slots.HOME, slots.NO_HOLDER, 0, 0, 0)
  interface_limits.note_joined(interface, slots.HOME, name)
  slots.join(home, name)
  entries.insert(entry, home)
  note_static(interface, name, true)
  static_event('joined', interface, name, by)
  statics.activate(interface, name)
  return true
end

--- Returns whether there was such a membership.
function statics.remove(interface, name, by)
  if not router.members then return false end
  local entry = settled_entry(name)
  local home, home_pair = find_in(interface, slots.HOME, entry)
  if not home_pair then return false end
  local before = entries.copy(entry)
  local active, pair = find_in(interface, slots.STATIC, entry)
  mfe_changes.note(name, 'admin')
  static_event('left', interface, name, by)
  local is_last = false
  if pair then
    slots.leave(active, name)
    is_last = entries.remove(entry, pair, active.number)
  end
  slots.leave(home, name)
  entries.remove(entry, home_pair, home.number)
  interface_limits.note_left(home, name)
  note_static(interface, name, false)
  if is_last then raise(name, before, entry, 'admin', 0, interface) end
  return true
end

--- Makes up to `most` memberships of an interface active, after this position. Returns how many, and the last one.
function statics.activate_more(interface, position, most)
  if not client_on(interface) then return 0, '' end
  local from = position == '' and '-' or '(' .. position
  local names = redis.call('ZRANGEBYLEX', static_key(interface), from, '+', 'LIMIT', 0, most)
  entries.load(names)
  notified.load(names)
  for i = 1, #names do statics.activate(interface, names[i]) end
  return #names, names[#names] or ''
end

function statics.check_types()
  for interface in pairs(static_changes) do redis.call('ZCARD', static_key(interface)) end
end

function statics.save()
  for interface, by_name in pairs(static_changes) do save_names_in(static_key(interface), by_name) end
end
