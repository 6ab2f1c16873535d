--- Tasks: what follows from changes of the multicast view and of the ownership of its interfaces is done in slices of the
--- sweep, task by task, in the order in which they arose (forwarding contract, section 4).
---
--- A task is a text, and is in the queue at most once: `b` all entries, after the first route; `p<prefix>` the sources in a
--- prefix whose best route changed; `i<interface>` those behind an interface whose owner changed; `c<number>` the routes of a
--- client that ended. Of forwarding entries: `P<prefix>` and `F<interface>` like `p` and `i`; `m<cause> <entry>` those that an
--- entry covers whose memberships changed; `o<number>` those of a client whose session was inherited; `r<number>` those that a
--- rule of overrides covers. Also `s<interface>`: its static memberships, after another client came or went; `g<interface>`: its
--- groups are counted for a limit. These two need neither routes nor forwarding entries. A task that has begun leaves the queue,
--- so that the same text can follow it.
---
--- A round is complete when every task that was there when it began is done: then `settled`, `rsettled` and `msettled` follow.
--- A task that is added by another one takes its number, so that it is of the same round.
---
--- @include lib/router.lua

--- `INDEXED`: under which letters the index of forwarding entries names interfaces, see lib/mfes.lua.
local view_tasks = { INDEXED = { 'i', 'o', 'v' } }

--- Numbers of the tasks that this batch adds, by text; those that it begins, which are the first of the stored ones.
local added_tasks, begun_tasks, is_begun

--- Interfaces with an override that this batch puts into an entry. The index has them only after the batch.
local overridden_interfaces

--- The number of the task that is being carried out, and whether it has added others.
local parent_number, has_added

function view_tasks.begin()
  added_tasks, begun_tasks, is_begun, overridden_interfaces = {}, {}, {}, {}
  parent_number, has_added = nil, false
end

--- From here on there are entries by source, and tasks.
function view_tasks.activate()
  local view = router.view
  if view.active == 1 then return end
  view.active, view.changed = 1, true
  view_tasks.add('b')
end

--- The task that is being carried out adds one, or takes over one that is in the queue already.
local function add_to_round(task)
  local is_queued = added_tasks[task] or not is_begun[task] and redis.call('ZSCORE', dirty_key, task)
  added_tasks[task], has_added = math.min(tonumber(is_queued or parent_number), parent_number), true
  if not is_queued then router.view.tasks, router.view.changed = router.view.tasks + 1, true end
end

--- Adds a task that needs neither routes nor forwarding entries.
function view_tasks.add_always(task)
  if not router.view then begin_view() end
  local view = router.view
  if parent_number then return add_to_round(task) end
  if added_tasks[task] then return end
  if redis.call('ZSCORE', dirty_key, task) and not is_begun[task] then return end
  if view.tasks == 0 then
    view.settled, view.round_rev = router.read_purged, router.read_purged
    view.msettled, view.round_mrev = router.read_mrev, router.read_mrev
    view.rsettled, view.round_rrev, view.round_task = view.read_rrev, view.read_rrev, view.next_task
  end
  view.next_task, view.tasks, view.changed = view.next_task + 1, view.tasks + 1, true
  added_tasks[task] = view.next_task
end

function view_tasks.add(task)
  if has_view() then view_tasks.add_always(task) end
end

--- Whether a task is in the queue, or is being carried out.
function view_tasks.is_outstanding(task)
  if added_tasks[task] or router.view.task == task then return true end
  return not is_begun[task] and redis.call('ZSCORE', dirty_key, task) and true or false
end

--- Whether the index of forwarding entries has any under this interface: see lib/mfes.lua.
local function names_any_mfe(interface)
  for i = 1, #view_tasks.INDEXED do
    local what = view_tasks.INDEXED[i] .. interface
    if redis.call('ZRANGEBYLEX', mfe_index_key, '[' .. what .. ' ', '(' .. what .. '!', 'LIMIT', 0, 1)[1] then return true end
  end
  return false
end

--- A forwarding entry has an override of this interface.
function view_tasks.note_override(interface)
  overridden_interfaces[interface] = true
end

--- The owner of an interface changed.
function view_tasks.note_owner(interface)
  if not has_view() then return end
  local has_routes = redis.call('ZCARD', via_key(interface)) > 0
  if has_routes then view_tasks.add('i' .. interface) end
  local may_have_mfes = has_mfes() and (has_routes or names_any_mfe(interface))
  if overridden_interfaces[interface] or may_have_mfes then view_tasks.add('F' .. interface) end
end

--- A session of the client was inherited: its forwarding entries show the new one, and its epoch.
function view_tasks.note_inherited(client)
  if has_mfes() and owned_count(client) > 0 then view_tasks.add('o' .. text(client.number)) end
end

local function finish_view_round(view)
  if view.tasks > 0 and view.task_number <= view.round_task then return end
  view.settled, view.rsettled, view.msettled = view.round_rev, view.round_rrev, view.round_mrev
  view.round_rev, view.round_rrev, view.round_mrev = purged_rev(), view.rrev, router.members.mrev
  view.round_task = view.next_task
  view.changed = true
end

--- The task to go on with, or nil if none is stored, or if those that the last one added are to be stored first. Its position
--- is '' at first.
function view_tasks.next()
  local view = router.view
  if not view or view.tasks == 0 or has_added then return nil end
  if view.task == '' then
    local first = redis.call('ZRANGE', dirty_key, #begun_tasks, #begun_tasks, 'WITHSCORES')
    if not first[1] then return nil end
    view.task, view.task_number, view.position, view.changed = first[1], tonumber(first[2]), '', true
    begun_tasks[#begun_tasks + 1], is_begun[view.task] = view.task, true
  end
  finish_view_round(view)
  parent_number = view.task_number
  return view.task
end

function view_tasks.go_on_at(position)
  router.view.position, router.view.changed, parent_number = position, true, nil
end

function view_tasks.finish()
  local view = router.view
  view.task, view.tasks, view.changed, parent_number = '', view.tasks - 1, true, nil
  finish_view_round(view)
end

function view_tasks.check_types()
  redis.call('ZCARD', dirty_key)
end

function view_tasks.save()
  in_chunks(begun_tasks, function(...) redis.call('ZREM', dirty_key, ...) end)
  for task, number in pairs(added_tasks) do redis.call('ZADD', dirty_key, text(number), task) end
end
