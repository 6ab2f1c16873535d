--- Creation of forwarding entries whose owners are asked first (forwarding contract, sections 5.3 and 5.4).
---
--- A manager asks, because scripts cannot. It reads what a question is about, sends it, and comes back with the answers; then the
--- entry is created, unless what the question was based on has changed. Meanwhile a mark keeps other managers from asking, too. It
--- ends by itself, so a manager that crashes leaves nothing else. Without a session to ask, the entry is created in the first step.
---
--- @include lib/mfe_changes.lua
--- @shape flow_question incarnation:integer is_rpf:flag seen:string iif:interface neighbour:string prefix:string route_protocol:integer askers:flow_asker[]
--- @shape flow_asker client:integer session:session identity:string? oifs:string
--- @case  flow_outcome created mfe:mfe
--- @case  flow_outcome known mfe:mfe
--- @case  flow_outcome asking question:flow_question
--- @case  flow_outcome pending
--- @case  flow_outcome limit
--- @case  flow_outcome skipped

local flow_creation = {}

--- Bits of the questions in a client's mask of alerts.
local RPF_BIT, CREATION_BIT = 16, 32

--- How long a creation is marked as under way; a reply stays below 512 KiB.
local MARK_MS, FLOW_BYTES_MAX = 2000, 400000

--- By name: the incarnation of the creation under way, false for none. Sessions that the manager does not ask now.
local marks, changed_marks, silent

function flow_creation.begin()
  marks, changed_marks, silent = {}, {}, {}
end

function flow_creation.do_not_ask(sessions)
  silent = {}
  for i = 1, #sessions do silent[sessions[i]] = true end
end

local function mark_of(name)
  if marks[name] == nil then marks[name] = tonumber(redis.call('GET', creating_key(name)) or 0) end
  return marks[name]
end

local function set_mark(name, incarnation)
  marks[name], changed_marks[name] = incarnation, true
  router.view.changed = true
end

function flow_creation.save()
  for name in pairs(changed_marks) do
    if marks[name] == 0 then
      redis.call('DEL', creating_key(name))
    else
      redis.call('SET', creating_key(name), text(marks[name]), 'PX', text(MARK_MS))
    end
  end
end

local function can_be_asked(client, bit_of_type)
  return client.state == 'live' and not silent[client.session]
    and bit.band(member_of(client).alerts, bit_of_type) ~= 0
end

--- What an entry would be created with now: its route, the hold of its incoming interface, which the owner of the route's
--- interface may have chosen, and its outgoing interfaces. Nil without an owner.
local function plan_of(name, answer, memo)
  local family, _, source = parts_of(name)
  local route, prefix = routes.to(family, source)
  if not route then return nil end
  local iif = route[VIA]
  local record, owner, igmp = look_at(iif)
  local client = owner or igmp
  if not client then return nil end
  local is_answered = answer and owner and owner.session == answer.session
  if is_answered and answer.iif ~= '' then
    local other, other_owner = look_at(answer.iif)
    if other_owner == owner then iif, record = answer.iif, other end
  end
  local plan = { name = name, route = route, prefix = prefix, iif = iif, client = client, is_rpf_owner = owner ~= nil,
    epoch = deciding_epoch(record, owner), answer = is_answered and answer or nil, on = {}, off = {},
    owner = client.number }
  plan.oifs = oifs.of(plan, memo)
  return plan
end

--- What the answer to a question depends on.
local function basis_of(plan, is_rpf)
  local route = plan.route
  local shown = { route[VIA], route[NEIGHBOUR], plan.prefix, route[ROUTE_PROTOCOL], plan.client.session, plan.epoch }
  if not is_rpf then
    shown[#shown + 1] = plan.iif
    for i = 1, #plan.oifs do
      local record, owner, igmp = look_at(plan.oifs[i])
      shown[#shown + 1] = plan.oifs[i]
      shown[#shown + 1] = (owner or igmp) and deciding_epoch(record, owner) or 0
    end
  end
  return redis.sha1hex(cmsgpack.pack(shown))
end

--- The routing protocols with outgoing interfaces that want to be asked, with their interfaces.
local function askers_of(plan)
  local found, by_client = {}, {}
  for i = 1, #plan.oifs do
    local interface = plan.oifs[i]
    local record, owner, igmp = look_at(interface)
    if owner and can_be_asked(owner, CREATION_BIT) then
      local asker = by_client[owner]
      if not asker then
        asker = { owner.number, owner.session, owner.identity, {} }
        by_client[owner], found[#found + 1] = asker, asker
      end
      local listed = asker[4]
      listed[#listed + 1] = interface .. ' ' .. (igmp and '1' or '0') .. ' ' .. text(record[OWNER_EPOCH])
    end
  end
  for i = 1, #found do found[i][4] = table.concat(found[i][4], ',') end
  return found
end

local function ask(plan, is_rpf, incarnation, askers)
  local route, answer = plan.route, plan.answer
  local given = answer and answer.given or 0
  local has_route = bit.band(given, mfes.ROUTE_GIVEN) ~= 0
  set_mark(plan.name, incarnation)
  return { 'asking', { incarnation, is_rpf and 1 or 0, basis_of(plan, is_rpf), plan.iif,
    bit.band(given, mfes.UPSTREAM_GIVEN) ~= 0 and answer.upstream or route[NEIGHBOUR],
    has_route and answer.prefix or plan.prefix, has_route and answer.protocol or route[ROUTE_PROTOCOL], askers } }
end

--- The RPF question about a plan, or nil if no session is to be asked.
local function ask_rpf(plan, incarnation)
  local client = plan.client
  if not plan.is_rpf_owner or not can_be_asked(client, RPF_BIT) then return nil end
  return ask(plan, true, incarnation, { { client.number, client.session, client.identity, '' } })
end

local function ask_creation(plan, incarnation)
  local askers = askers_of(plan)
  if askers[1] then return ask(plan, false, incarnation, askers) end
end

--- Puts what was answered into a new entry: an incoming interface, upstream router and route, and vetoes.
local function prepare(mfe, plan, vetoes)
  if plan then
    mfe.iif, mfe.owner, mfe.epoch = plan.iif, plan.client.number, plan.epoch
    local answer = plan.answer
    if answer then
      mfe.given = answer.given
      if bit.band(answer.given, mfes.UPSTREAM_GIVEN) ~= 0 then mfe.neighbour = answer.upstream end
      if bit.band(answer.given, mfes.ROUTE_GIVEN) ~= 0 then mfe.prefix, mfe.protocol = answer.prefix, answer.protocol end
    end
  end
  for client, epoch, interface in string.gmatch(vetoes, '(%d+) (%d+) ([^,]+)') do
    local veto = { tonumber(client), tonumber(epoch) }
    if overrides.holds(interface, veto) then overrides.change(mfe, overrides.OFF, interface, veto[1], veto[2]) end
  end
end

local function finish(name, incarnation, plan, vetoes, memo)
  if incarnation then set_mark(name, 0) end
  if router.view.mfes >= router.limits.mfes then return { 'limit' } end
  local shape = mfe_changes.create(name, memo, incarnation, function(created) prepare(created, plan, vetoes) end)
  return { 'created', shape }
end

local function known(name, memo)
  mfe_changes.review(name, 'route', memo)
  local mfe = mfes.get(name)
  return mfe and { 'known', oifs.shape(mfe, (oifs.of(mfe, memo))) }
end

--- The first step for a new flow. `asks`: the manager asks owners.
function flow_creation.begin_flow(name, asks, memo)
  if name == '' then return { 'skipped' } end
  local found = known(name, memo)
  if found then return found end
  local plan = asks and plan_of(name, nil, memo)
  local is_asked = plan and (plan.is_rpf_owner and can_be_asked(plan.client, RPF_BIT) or askers_of(plan)[1])
  if not is_asked then return finish(name, nil, nil, '', memo) end
  if mark_of(name) ~= 0 then return { 'pending' } end
  local incarnation = next_epoch()
  return ask_rpf(plan, incarnation) or ask_creation(plan, incarnation)
end

--- The outcomes of several flows, whose entries have about `FLOW_BYTES_MAX` bytes or are one.
function flow_creation.begin_flows(names, asks)
  local results, memo, bytes = {}, {}, 0
  for i = 1, #names do
    local outcome = bytes > FLOW_BYTES_MAX and { 'pending' } or flow_creation.begin_flow(names[i], asks, memo)
    local before = bytes
    if outcome[1] == 'created' or outcome[1] == 'known' then bytes = bytes + fib_log.size_of_mfe(outcome[2]) end
    results[i] = before > 0 and bytes > FLOW_BYTES_MAX and { 'pending' } or outcome
  end
  return results
end

--- The creations of these flows end without an entry: the next request for them need not wait until the marks expire.
function flow_creation.give_up(names, incarnations)
  if not router.view then return end
  for i = 1, #names do
    if mark_of(names[i]) == incarnations[i] then set_mark(names[i], 0) end
  end
end

--- A further step: `step` has `name`, `incarnation`, `is_rpf` and `seen` of the question, `is_last`: create in any case, `vetoes`,
--- and the answer to the RPF question.
function flow_creation.go_on(step, memo)
  local name, incarnation = step.name, step.incarnation
  local found = known(name, memo)
  if found then return found end
  if mark_of(name) ~= incarnation then return { 'pending' } end
  local plan = plan_of(name, step.answer, memo)
  if not plan or step.is_last then return finish(name, incarnation, plan, step.vetoes, memo) end
  if step.seen ~= basis_of(step.is_rpf and plan_of(name, nil, memo) or plan, step.is_rpf) then
    plan = plan_of(name, nil, memo)
    return ask_rpf(plan, incarnation) or ask_creation(plan, incarnation) or finish(name, incarnation, plan, '', memo)
  end
  local question = step.is_rpf and ask_creation(plan, incarnation)
  return question or finish(name, incarnation, plan, step.vetoes, memo)
end
