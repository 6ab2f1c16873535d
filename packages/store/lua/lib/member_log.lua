--- The log of memberships: every membership created or removed gets the next `mrev`, and one entry of the stream holds all of
--- a batch.
---
--- Events that follow each other and differ only in entry and interface are one run, of at most 256: its items are
--- `<entry> <interface>`, between commas. An exclude list that changed is a run of its own: `<entry> <interface> <list>`.
---
--- @include lib/entries.lua
--- @shape member_run first:integer type:string session:session? protocol_id:integer component_id:integer counts_for:session? cause:string items:string actor:string? why:string?

local member_log = {}

local RUN_MAX = 256

local open_member_run, member_runs

function member_log.begin()
  open_member_run, member_runs = nil, {}
end

--- A membership of this slot was created (`joined`) or removed (`left`), or has another exclude `list` (`updated`). `by`: actor and
--- why of an operator.
function member_log.event(type, slot, name, cause, list, by)
  local state = router.members
  state.mrev, state.changed = state.mrev + 1, true
  local item = name .. ' ' .. slot.interface .. (list and ' ' .. list or '')
  local holder, counts_for = slot.holder, slot.counts_for
  if not list and open_member_run and open_member_run.type == type and open_member_run.holder == holder and open_member_run.counts_for == counts_for
    and open_member_run.cause == cause and open_member_run.by == by
    and #open_member_run.items < RUN_MAX then
    open_member_run.items[#open_member_run.items + 1] = item
    return
  end
  open_member_run = { first = state.mrev, type = type, holder = holder, counts_for = counts_for, cause = cause, by = by, items = { item } }
  member_runs[#member_runs + 1] = open_member_run
end

--- The runs as the log and the manager read them.
function member_log.rows()
  local rows = {}
  for i = 1, #member_runs do
    local run = member_runs[i]
    local client, by = run.holder ~= 0 and load_client(run.holder), run.by
    rows[i] = { run.first, run.type, client and client.session or 0, client and client.protocol_id or 0,
      client and client.component_id or 0, counted.session(run.counts_for), run.cause, table.concat(run.items, ','),
      by and by.actor or '', by and by.why or '' }
  end
  return rows
end

function member_log.check_types()
  if #member_runs > 0 or router.members.restarted then redis.call('XLEN', mlog_key) end
end

function member_log.save(rows, retention)
  local state = router.members
  if state.restarted then redis.call('DEL', mlog_key) end
  if #rows == 0 then return end
  redis.call('XADD', mlog_key, 'MINID', '~', text(math.max(0, state.mrev - retention)), text(state.mrev) .. '-0',
    'first', text(rows[1][1]), 'ts', text(now_ms), 'runs', cmsgpack.pack(rows))
end

--- The oldest `mrev` that the log keeps.
function member_log.first()
  local oldest = redis.call('XRANGE', mlog_key, '-', '+', 'COUNT', 1)[1]
  return oldest and tonumber(oldest[2][2]) or (router.members and router.members.mrev or 0) + 1
end
