--- The operator log: actions of operators and their refused attempts. It is apart from the event log, so that other changes
--- cannot push it out, and has its own numbers and retention.
---
--- @include lib/caller.lua
--- @include lib/router.lua
--- @shape operator_entry number:integer ts:integer type:string rev:revision operation:string reason:string? actor:string why:string session:session? protocol_id:integer component_id:integer cause:string? interface:interface? epoch:epoch? caller:string? entry:string? settings:string?

local operator_log = {}

local operator_entries

function operator_log.begin()
  operator_entries = {}
end

--- Whether this batch noted anything.
function operator_log.has_entries()
  return #operator_entries > 0
end

--- The number of the newest stored entry, or 0.
function operator_log.head()
  local newest = redis.call('XREVRANGE', operator_log_key, '+', '-', 'COUNT', 1)[1]
  return newest and tonumber(string.match(newest[1], '^%d+')) or 0
end

function operator_log.note(type, operation, by, detail)
  operator_entries[#operator_entries + 1] = { type, router.rev, operation, detail.reason or '', by.actor, by.why,
    detail.session or 0, detail.protocol_id or 0, detail.component_id or 0, detail.cause or '',
    detail.interface or '', detail.epoch or 0, by.caller,
    detail.entry or '', detail.settings or '' }
end

--- Notes a refused attempt, unless the router was never used: then it leaves nothing behind.
function operator_log.note_refused(operation, reason, by, detail)
  if router.fresh then return end
  detail.reason = reason
  operator_log.note('refused', operation, by, detail)
end

--- Notes an attempt that the policy denies to the caller. Returns the refusal, or nil if the policy permits it.
function operator_log.denied(operation, by, detail)
  if caller[IS_DENIED] == 0 then return nil end
  operator_log.note_refused(operation, 'not-permitted', by, detail)
  return { 'not_permitted' }
end

function operator_log.save()
  if #operator_entries == 0 then return end
  local number = operator_log.head()
  for i = 1, #operator_entries do
    number = number + 1
    redis.call('XADD', operator_log_key, 'MAXLEN', '~', text(router.limits.operator_events), text(number) .. '-0',
      'ts', text(now_ms), 'entry', cmsgpack.pack(operator_entries[i]))
  end
  redis.call('PEXPIRE', operator_log_key, text(router.limits.operator_retention_ms))
end
