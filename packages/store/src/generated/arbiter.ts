// Generated from packages/store/lua by `npm run generate`. Do not edit.
import type { Epoch, InterfaceKey, Revision, SessionId } from '@mgm/protocol';
import { interfaceName, type HandleParts } from '../names.ts';
import * as read from '../script-values.ts';

export const LIBRARY_NAME = 'mgm_18040d839a169007';
/** Decides any batch; Redis refuses the call when it is out of memory. */
export const DECIDE = 'mgm_18040d839a169007_decide';
/** The same for batches that need no memory; Redis runs it even then. */
export const ASK = 'mgm_18040d839a169007_ask';
export const LIBRARY = "#!lua name=mgm_18040d839a169007\nlocal root, router_keys = nil, {}\nlocal function use_keys_of(meta)\nroot = string.sub(meta, 1, -string.len('meta') - 1)\nrouter_keys.meta = root .. 'meta'\nrouter_keys.clients = root .. 'clients'\nrouter_keys.roster = root .. 'roster'\nrouter_keys.leases = root .. 'leases'\nrouter_keys.claims = root .. 'claims'\nrouter_keys.identities = root .. 'identities'\nrouter_keys.operator_log = root .. 'operator-log'\nrouter_keys.memberships = root .. 'memberships'\nrouter_keys.entries = root .. 'entries'\nrouter_keys.slots = root .. 'slots'\nrouter_keys.excludes = root .. 'excludes'\nrouter_keys.void = root .. 'void'\nrouter_keys.voided = root .. 'voided'\nrouter_keys.free = root .. 'free'\nrouter_keys.alerted = root .. 'alerted'\nrouter_keys.mlog = root .. 'mlog'\nrouter_keys.rib = root .. 'rib'\nrouter_keys.prefixes = root .. 'prefixes'\nrouter_keys.sources = root .. 'sources'\nrouter_keys.notified = root .. 'notified'\nrouter_keys.mfe = root .. 'mfe'\nrouter_keys.mfes = root .. 'mfes'\nrouter_keys.mfe_index = root .. 'mfe-index'\nrouter_keys.mfe_expiry = root .. 'mfe-expiry'\nrouter_keys.flog = root .. 'flog'\nrouter_keys.agents = root .. 'agents'\nrouter_keys.programmed = root .. 'programmed'\nrouter_keys.failures = root .. 'failures'\nrouter_keys.mfe_failed = root .. 'mfe-failed'\nrouter_keys.mfe_stats = root .. 'mfe-stats'\nrouter_keys.dirty = root .. 'dirty'\nrouter_keys.events = root .. 'events'\nend\nfunction router_keys.interface(interface) return root .. 'if:' .. interface end\nfunction router_keys.client(number) return root .. 'client:' .. string.format('%d', number) end\nfunction router_keys.owned(number) return root .. 'owned:' .. string.format('%d', number) end\nfunction router_keys.mailbox(session) return root .. 'mailbox:' .. string.format('%d', session) end\nfunction router_keys.on(interface) return root .. 'on:' .. interface end\nfunction router_keys.static(interface) return root .. 'static:' .. interface end\nfunction router_keys.set(interface) return root .. 'set:' .. interface end\nfunction router_keys.groups(interface) return root .. 'groups:' .. interface end\nfunction router_keys.names(slot) return root .. 'names:' .. string.format('%d', slot) end\nfunction router_keys.routes(number) return root .. 'routes:' .. string.format('%d', number) end\nfunction router_keys.via(interface) return root .. 'via:' .. interface end\nfunction router_keys.creating(entry) return root .. 'creating:' .. entry end\nlocal function delete_router()\nredis.call('DEL', router_keys.meta, router_keys.clients, router_keys.roster, router_keys.leases, router_keys.claims, router_keys.identities, router_keys.memberships, router_keys.entries, router_keys.slots, router_keys.excludes, router_keys.void, router_keys.voided, router_keys.free, router_keys.alerted, router_keys.mlog, router_keys.rib, router_keys.prefixes, router_keys.sources, router_keys.notified, router_keys.mfe, router_keys.mfes, router_keys.mfe_index, router_keys.mfe_expiry, router_keys.flog, router_keys.agents, router_keys.programmed, router_keys.failures, router_keys.mfe_failed, router_keys.mfe_stats, router_keys.dirty, router_keys.events)\nend\nlocal text, in_chunks\ndo\nfunction text(number)\nreturn string.format('%d', number)\nend\nfunction in_chunks(list, send)\nfor first = 1, #list, 4000 do\nsend(unpack(list, first, math.min(first + 4000 - 1, #list)))\nend\nend\nend\nlocal caller, owned_count, identity_changes, begin_caller, set_caller, count_for, set_identity, is_callers, may_inherit, has_all, is_refused, save_identities\ndo\nlocal UNIDENTIFIED = { '', 1, 0, {}, 0, 0, 0 }\nfunction owned_count(client)\nif not client.owned_count then client.owned_count = redis.call('ZCARD', router_keys.owned(client.number)) end\nreturn client.owned_count\nend\nfunction begin_caller()\ncaller, identity_changes = UNIDENTIFIED, {}\nend\nfunction set_caller(packed)\ncaller = packed ~= 0 and packed or UNIDENTIFIED\nend\nfunction count_for(identity, what, change)\nif identity == '' or change == 0 then return end\nlocal field = identity .. what\nidentity_changes[field] = (identity_changes[field] or 0) + change\nend\nfunction set_identity(client, identity)\nif client.identity == identity then return end\nlocal owned = owned_count(client)\ncount_for(client.identity, '', -1)\ncount_for(client.identity, ':interfaces', -owned)\ncount_for(identity, '', 1)\ncount_for(identity, ':interfaces', owned)\nclient.identity, client.changed = identity, true\nend\nfunction is_callers(client)\nif caller[1] == '' or client.identity == caller[1] then return true end\nif client.identity ~= '' then return false end\nif client.state ~= 'ended' then set_identity(client, caller[1]) end\nreturn true\nend\nfunction may_inherit(client)\nreturn caller[2] == 1 or is_callers(client)\nend\nfunction has_all(what, most)\nif most == 0 then return false end\nlocal field = caller[1] .. what\nlocal stored = tonumber(redis.call('HGET', router_keys.identities, field) or 0)\nreturn stored + (identity_changes[field] or 0) >= most\nend\nfunction is_refused(position)\nlocal refused = caller[4]\nfor i = 1, #refused do\nif refused[i] == position then return true end\nend\nreturn false\nend\nfunction save_identities()\nfor field, change in pairs(identity_changes) do\nif change ~= 0 and redis.call('HINCRBY', router_keys.identities, field, text(change)) <= 0 then\nredis.call('HDEL', router_keys.identities, field)\nend\nend\nend\nend\nlocal now_us, now_ms, read_clock, service_clock\ndo\nfunction read_clock()\nlocal time = redis.call('TIME')\nnow_us = tonumber(time[1]) * 1000000 + tonumber(time[2])\nnow_ms = math.floor(now_us / 1000)\nend\nfunction service_clock(shown_ms, seen_at, serving_until)\nreturn shown_ms + math.max(0, math.min(now_ms, serving_until) - seen_at)\nend\nend\nlocal router, service_now, begin_members, restart_members, note_outstanding, purged_rev, settled_rev, settled_mrev, begin_view, has_view, has_mfes, load_router, next_rev, next_epoch, next_client, router_changed, promise_service, note_ttl, data_schema, save_router\ndo\nlocal function refuse_schema(schema)\nerror({ err = 'MGMSCHEMA the data has schema ' .. text(schema) .. ', this manager reads and writes ' .. 2 ..\n' to ' .. 4 })\nend\nlocal function unused_router()\nreturn { rev = 0, epoch = 0, log = '', service_ms = 0, seen_at = 0, last_client = 0, reset_of = '', serving_until = 0,\nreset_epoch = 0, began = 0, longest_ttl = 0, hold_from = 0, hold_ms = 0, hold_ended = false }\nend\nlocal function unpack_router(packed)\nlocal rev, epoch, log, service_ms, seen_at, last_client, reset_of, serving_until, reset_epoch, began, longest_ttl,\nhold_from, hold_ms, hold_ended = cmsgpack.unpack(packed)\nreturn { rev = rev, epoch = epoch, log = log, service_ms = service_ms, seen_at = seen_at, last_client = last_client,\nreset_of = reset_of, serving_until = serving_until, reset_epoch = reset_epoch, began = began,\nlongest_ttl = longest_ttl, hold_from = hold_from, hold_ms = hold_ms, hold_ended = hold_ended or false }\nend\nlocal function pack_router()\nreturn cmsgpack.pack(router.rev, router.epoch, router.log, service_now, now_ms, router.last_client, router.reset_of,\nrouter.serving_until, router.reset_epoch, router.began, router.longest_ttl, router.hold_from, router.hold_ms,\nrouter.hold_ended)\nend\nlocal function unpack_members(packed)\nlocal log, mrev, entries, slots, next_slot, voids, unnamed, ending, settled, round, position, pass, passed,\nsettings, filters, relisted, relisted_to, homes, limited = cmsgpack.unpack(packed)\nreturn { log = log, mrev = mrev, entries = entries, slots = slots, next_slot = next_slot, voids = voids,\nunnamed = unnamed, ending = ending, settled = settled, round = round, position = position, pass = pass,\npassed = passed, settings = settings or 0, filters = filters or 0, relisted = relisted or {},\nrelisted_to = relisted_to or '', homes = homes or 0, limited = limited or 0 }\nend\nlocal function pack_members(members)\nreturn cmsgpack.pack(members.log, members.mrev, members.entries, members.slots, members.next_slot, members.voids,\nmembers.unnamed, members.ending, members.settled, members.round, members.position, members.pass, members.passed,\nmembers.settings, members.filters, members.relisted, members.relisted_to, members.homes, members.limited)\nend\nfunction begin_members()\nrouter.members = { log = router.log, mrev = 0, entries = 0, slots = 0, next_slot = 1, voids = 0, unnamed = 0,\nending = 0, settled = 0, round = 0, position = '', pass = 0, passed = 0, settings = 0, filters = 0, relisted = {},\nrelisted_to = '', homes = 0, limited = 0, changed = true }\nend\nfunction restart_members()\nlocal members = router.members\nmembers.log, members.mrev, members.restarted, members.changed = router.log, 0, true, true\nmembers.settled, members.round, members.pass, members.passed = 0, 0, 0, 0\nlocal view = router.view\nif not view then return end\nview.settled, view.round_rev, view.msettled, view.round_mrev, view.frev, view.changed = 0, 0, 0, 0, 0, true\nend\nfunction note_outstanding()\nlocal members = router.members\nmembers.changed = true\nif members.voids > 0 or members.ending > 0 then return end\nmembers.settled, members.round, members.passed = router.read_rev, router.read_rev, router.read_rev\nend\nfunction purged_rev()\nlocal members = router.members\nif members and (members.voids > 0 or members.ending > 0) then return math.min(router.rev, members.settled) end\nreturn router.rev\nend\nfunction settled_rev()\nlocal settled = purged_rev()\nif router.view and router.view.tasks > 0 then settled = math.min(settled, router.view.settled) end\nreturn settled\nend\nfunction settled_mrev()\nlocal mrev, view = router.members.mrev, router.view\nreturn view.tasks > 0 and math.min(mrev, view.msettled) or mrev\nend\nlocal function unpack_view(packed)\nlocal rrev, routes, active, lengths, tasks, next_task, task, task_number, position, round_task, round_rev, round_rrev,\nsettled, rsettled, frev, mfes, msettled, round_mrev, rules, next_rule = cmsgpack.unpack(packed)\nreturn { rrev = rrev, routes = routes, active = active, lengths = lengths, tasks = tasks, next_task = next_task,\ntask = task, task_number = task_number, position = position, round_task = round_task, round_rev = round_rev,\nround_rrev = round_rrev, settled = settled, rsettled = rsettled, read_rrev = rrev,\nfrev = frev or 0, mfes = mfes or 0, msettled = msettled or 0, round_mrev = round_mrev or 0, rules = rules or {},\nnext_rule = next_rule or 0 }\nend\nlocal function pack_view(view)\nreturn cmsgpack.pack(view.rrev, view.routes, view.active, view.lengths, view.tasks, view.next_task, view.task,\nview.task_number, view.position, view.round_task, view.round_rev, view.round_rrev, view.settled, view.rsettled,\nview.frev, view.mfes, view.msettled, view.round_mrev, view.rules, view.next_rule)\nend\nfunction begin_view()\nif not router.members then begin_members() end\nrouter.view = { rrev = 0, routes = 0, active = 0, lengths = {}, tasks = 0, next_task = 0, task = '', task_number = 0,\nposition = '', round_task = 0, round_rev = 0, round_rrev = 0, settled = 0, rsettled = 0, read_rrev = 0,\nfrev = 0, mfes = 0, msettled = 0, round_mrev = 0, rules = {}, next_rule = 0, changed = true }\nend\nfunction has_view()\nreturn router.view ~= nil and router.view.active == 1\nend\nfunction has_mfes()\nreturn router.view ~= nil and router.view.mfes > 0\nend\nlocal function advance_service(served_until)\nif served_until == 0 or router.seen_at == 0 then\nreturn service_clock(router.service_ms, router.seen_at, router.serving_until)\nend\nlocal serving_until = math.max(router.serving_until, served_until)\nrouter.serving_until = math.min(served_until, now_ms)\nreturn service_clock(router.service_ms, router.seen_at, serving_until)\nend\nfunction load_router(known)\nlocal stored = redis.call('HMGET', router_keys.meta, 'schema', 'state', 'members', 'view')\nlocal schema = tonumber(stored[1] or 2)\nif schema < 2 or schema > 4 then refuse_schema(schema) end\nrouter = stored[2] and unpack_router(stored[2]) or unused_router()\nrouter.members = stored[3] and unpack_members(stored[3]) or nil\nrouter.view = stored[4] and unpack_view(stored[4]) or nil\nrouter.epoch = math.max(router.epoch, known.epoch)\nrouter.longest_ttl = math.max(router.longest_ttl, known.longest_ttl)\nrouter.read_rev, router.read_purged = router.rev, purged_rev()\nrouter.read_mrev = router.members and router.members.mrev or 0\nrouter.is_full = known.is_full\nrouter.limits = known.limits\nservice_now = advance_service(known.served_until)\nend\nfunction next_rev()\nrouter.rev = router.rev + 1\nreturn router.rev\nend\nfunction next_epoch()\nrouter.epoch = math.max(router.epoch + 1, now_us)\nreturn router.epoch\nend\nfunction next_client()\nrouter.last_client = router.last_client + 1\nreturn router.last_client\nend\nfunction router_changed()\nif router.rev ~= router.read_rev then return true end\nif router.members and router.members.changed then return true end\nif router.view and router.view.changed then return true end\nif router.fresh then return false end\nif router.changed or router.promised then return true end\nreturn math.abs(now_ms - router.seen_at) >= 100\nend\nfunction promise_service(for_ms)\nrouter.serving_until = now_ms + for_ms\nrouter.promised = true\nend\nfunction note_ttl(ttl_ms)\nif ttl_ms <= router.longest_ttl then return end\nrouter.longest_ttl = ttl_ms\nrouter.changed = true\nend\nfunction data_schema()\nlocal members = router.members\nif not members then return 2 end\nif has_view() or members.settings + members.filters + members.homes + members.limited > 0 then return 4 end\nreturn members.slots > 0 and 3 or 2\nend\nfunction save_router()\nlocal members = router.members\nif not members then return redis.call('HSET', router_keys.meta, 'schema', data_schema(), 'state', pack_router()) end\nredis.call('HSET', router_keys.meta, 'schema', data_schema(), 'state', pack_router(), 'members', pack_members(members))\nif router.view and router.view.changed then redis.call('HSET', router_keys.meta, 'view', pack_view(router.view)) end\nend\nend\nlocal claims, begin_claims, hold_off, hold_off_left, end_hold_off, is_claim, has_claimant, note_claim, save_claims\ndo\nfunction begin_claims()\nclaims = {}\nend\nfunction hold_off(for_ms)\nif router.hold_ended or for_ms <= router.hold_ms then return end\nrouter.hold_ms = for_ms\nrouter.changed = true\nend\nfunction hold_off_left()\nif router.hold_ended then return 0 end\nreturn math.max(0, router.hold_from + router.hold_ms - service_now)\nend\nfunction end_hold_off()\nrouter.hold_ended = true\nrouter.changed = true\nend\nlocal function claimed(hold)\nif not claims[hold] then\nclaims[hold] = { tonumber(redis.call('HGET', router_keys.claims, hold) or 0) }\nend\nreturn claims[hold][1]\nend\nfunction is_claim(hold, had)\nreturn had > 0 and had < router.began and hold_off_left() > 0 and had > claimed(hold)\nend\nfunction has_claimant(hold)\nreturn router.hold_ms > 0 and claimed(hold) > 0\nend\nfunction note_claim(hold, had)\nclaims[hold] = { had, changed = true }\nend\nfunction save_claims()\nlocal is_any = false\nfor hold, one in pairs(claims) do\nif one.changed then\nredis.call('HSET', router_keys.claims, hold, text(one[1]))\nis_any = true\nend\nend\nif is_any then redis.call('PEXPIRE', router_keys.claims, 3600000) end\nend\nend\nlocal runs, open_run, open_by, begin_events, session_event, interface_event, notice_lost_data, notice_claim, save_events\ndo\nfunction begin_events()\nruns, open_run, open_by = {}, nil, nil\nend\nfunction session_event(type, client, detail)\nlocal rev = next_rev()\nopen_run = nil\nruns[#runs + 1] = { rev, type, client.session, client.protocol_id, client.component_id, '',\ndetail and detail.previous or 0, detail and detail.actor or '', detail and detail.why or '',\n{ detail and detail.epoch }, {}, detail and detail.caller or client.identity }\nreturn rev\nend\nfunction interface_event(type, client, interface, epoch, cause, by)\nlocal rev = next_rev()\nlocal run = open_run\nif run and run[3] == client.session and run[2] == type and run[6] == cause and open_by == by then\nlocal epochs, interfaces = run[10], run[11]\nlocal at = #interfaces + 1\nepochs[at], interfaces[at] = epoch, interface\nreturn rev\nend\nopen_by = by\nopen_run = { rev, type, client.session, client.protocol_id, client.component_id, cause, 0, by and by.actor or '',\nby and by.why or '', { epoch }, { interface }, by and by.caller or client.identity }\nruns[#runs + 1] = open_run\nreturn rev\nend\nlocal function store_event(type)\nopen_run = nil\nruns[#runs + 1] = { next_rev(), type, 0, 0, 0, '', 0, '', '', {}, {}, '' }\nend\nlocal function restart_log(log)\nrouter.log = log\nrouter.rev = 0\nrouter.restarted = true\nrouter.began = math.max(router.epoch, now_us)\nrouter.hold_from, router.hold_ms, router.hold_ended = service_now, 0, false\nrouter.changed = true\nend\nfunction notice_lost_data(known)\nlocal is_another = known.log ~= '' and router.log ~= known.log\nlocal begun = router.log == ''\nlocal mrev = router.members and router.members.mrev or 0\nlocal frev = router.view and router.view.frev or 0\nlocal is_older = router.rev < known.rev or mrev < known.mrev or frev < known.frev\nlocal lost_tail = router.log == known.log and is_older\nlocal foreign = is_another and router.reset_of ~= known.log\nif begun or lost_tail then restart_log(known.fresh_log) end\nrouter.fresh = begun and not foreign\nif router.members and router.members.log ~= router.log then restart_members() end\nif lost_tail then router.reset_epoch = next_epoch() end\nif foreign or lost_tail then\nrouter.reset_of = known.log\nstore_event('store-reset')\nhold_off(router.longest_ttl)\nelseif is_another and router.hold_ms > 0 then\nhold_off(known.longest_ttl)\nend\nend\nfunction notice_claim(epoch, had_session)\nif epoch == 0 or router.hold_ended then return end\nlocal is_newer = had_session and epoch > router.epoch and epoch < now_us + 86400000000\nlocal for_ms = is_newer and router.longest_ttl or math.max(router.longest_ttl, 10000)\nlocal is_older = epoch < router.began and router.hold_ms == 0 and service_now < router.hold_from + 10000\nif not is_newer and not is_older then return end\nif is_newer then router.epoch = epoch end\nif router.hold_ms == 0 then\nstore_event('store-reset')\nif is_newer then router.hold_from = service_now end\nend\nhold_off(for_ms)\nend\nfunction save_events(packed, retention)\nif router.restarted then redis.call('DEL', router_keys.events) end\nif #runs == 0 then return end\nredis.call('XADD', router_keys.events, 'MINID', '~', text(math.max(0, router.rev - retention)), text(router.rev) .. '-0',\n'first', text(runs[1][1]), 'ts', text(now_ms), 'runs', packed)\nend\nend\nlocal view_tasks\ndo\nview_tasks = { INDEXED = { 'i', 'o', 'v' } }\nlocal added_tasks, begun_tasks, is_begun\nlocal overridden_interfaces\nlocal parent_number, has_added\nfunction view_tasks.begin()\nadded_tasks, begun_tasks, is_begun, overridden_interfaces = {}, {}, {}, {}\nparent_number, has_added = nil, false\nend\nfunction view_tasks.activate()\nlocal view = router.view\nif view.active == 1 then return end\nview.active, view.changed = 1, true\nview_tasks.add('b')\nend\nlocal function add_to_round(task)\nlocal is_queued = added_tasks[task] or not is_begun[task] and redis.call('ZSCORE', router_keys.dirty, task)\nadded_tasks[task], has_added = math.min(tonumber(is_queued or parent_number), parent_number), true\nif not is_queued then router.view.tasks, router.view.changed = router.view.tasks + 1, true end\nend\nfunction view_tasks.add_always(task)\nif not router.view then begin_view() end\nlocal view = router.view\nif parent_number then return add_to_round(task) end\nif added_tasks[task] then return end\nif redis.call('ZSCORE', router_keys.dirty, task) and not is_begun[task] then return end\nif view.tasks == 0 then\nview.settled, view.round_rev = router.read_purged, router.read_purged\nview.msettled, view.round_mrev = router.read_mrev, router.read_mrev\nview.rsettled, view.round_rrev, view.round_task = view.read_rrev, view.read_rrev, view.next_task\nend\nview.next_task, view.tasks, view.changed = view.next_task + 1, view.tasks + 1, true\nadded_tasks[task] = view.next_task\nend\nfunction view_tasks.add(task)\nif has_view() then view_tasks.add_always(task) end\nend\nfunction view_tasks.is_outstanding(task)\nif added_tasks[task] or router.view.task == task then return true end\nreturn not is_begun[task] and redis.call('ZSCORE', router_keys.dirty, task) and true or false\nend\nlocal function names_any_mfe(interface)\nfor i = 1, #view_tasks.INDEXED do\nlocal what = view_tasks.INDEXED[i] .. interface\nif redis.call('ZRANGEBYLEX', router_keys.mfe_index, '[' .. what .. ' ', '(' .. what .. '!', 'LIMIT', 0, 1)[1] then return true end\nend\nreturn false\nend\nfunction view_tasks.note_override(interface)\noverridden_interfaces[interface] = true\nend\nfunction view_tasks.note_owner(interface)\nif not has_view() then return end\nlocal has_routes = redis.call('ZCARD', router_keys.via(interface)) > 0\nif has_routes then view_tasks.add('i' .. interface) end\nlocal may_have_mfes = has_mfes() and (has_routes or names_any_mfe(interface))\nif overridden_interfaces[interface] or may_have_mfes then view_tasks.add('F' .. interface) end\nend\nfunction view_tasks.note_inherited(client)\nif has_mfes() and owned_count(client) > 0 then view_tasks.add('o' .. text(client.number)) end\nend\nlocal function finish_view_round(view)\nif view.tasks > 0 and view.task_number <= view.round_task then return end\nview.settled, view.rsettled, view.msettled = view.round_rev, view.round_rrev, view.round_mrev\nview.round_rev, view.round_rrev, view.round_mrev = purged_rev(), view.rrev, router.members.mrev\nview.round_task = view.next_task\nview.changed = true\nend\nfunction view_tasks.next()\nlocal view = router.view\nif not view or view.tasks == 0 or has_added then return nil end\nif view.task == '' then\nlocal first = redis.call('ZRANGE', router_keys.dirty, #begun_tasks, #begun_tasks, 'WITHSCORES')\nif not first[1] then return nil end\nview.task, view.task_number, view.position, view.changed = first[1], tonumber(first[2]), '', true\nbegun_tasks[#begun_tasks + 1], is_begun[view.task] = view.task, true\nend\nfinish_view_round(view)\nparent_number = view.task_number\nreturn view.task\nend\nfunction view_tasks.go_on_at(position)\nrouter.view.position, router.view.changed, parent_number = position, true, nil\nend\nfunction view_tasks.finish()\nlocal view = router.view\nview.task, view.tasks, view.changed, parent_number = '', view.tasks - 1, true, nil\nfinish_view_round(view)\nend\nfunction view_tasks.check_types()\nredis.call('ZCARD', router_keys.dirty)\nend\nfunction view_tasks.save()\nin_chunks(begun_tasks, function(...) redis.call('ZREM', router_keys.dirty, ...) end)\nfor task, number in pairs(added_tasks) do redis.call('ZADD', router_keys.dirty, text(number), task) end\nend\nend\nlocal clients, pairs_changed, orphaned_leases, gone_agents, mailboxes, begin_clients, pack_client, read_client, member_of, pack_member, set_alerts, set_expiry, add_owned, remove_owned, end_client, due_in_ms, load_client, counted, find_client, create_client, begin_session\ndo\nfunction begin_clients()\nclients, pairs_changed, orphaned_leases, mailboxes, gone_agents = {}, {}, {}, {}, {}\nend\nlocal function unpack_client(number, packed)\nlocal protocol_id, component_id, is_igmp, name, instance, session, secret, ttl_ms, grace_ms, state, expires_at,\nepoch_floor, mailbox, ack, highest, first_page, next_page, pages, resumed_owned, end_cause, end_actor, end_why,\nidentity, kept_bytes = cmsgpack.unpack(packed)\nreturn {\nnumber = number, owned = {}, page_of = {}, place_of = {},\nprotocol_id = protocol_id, component_id = component_id, is_igmp = is_igmp, name = name, instance = instance,\nsession = session, secret = secret, ttl_ms = ttl_ms, grace_ms = grace_ms, state = state, expires_at = expires_at,\nepoch_floor = epoch_floor, mailbox = mailbox, ack = ack, highest = highest, first_page = first_page,\nnext_page = next_page, pages = pages, resumed_owned = resumed_owned, end_cause = end_cause, end_actor = end_actor,\nend_why = end_why, identity = identity or '', kept_bytes = kept_bytes or 0,\ncounted_for = identity or '', counted_bytes = state ~= 'ended' and kept_bytes or 0,\n}\nend\nfunction pack_client(client)\nreturn cmsgpack.pack(client.protocol_id, client.component_id, client.is_igmp, client.name, client.instance,\nclient.session, client.secret, client.ttl_ms, client.grace_ms, client.state, client.expires_at, client.epoch_floor,\nclient.mailbox, client.ack, client.highest, client.first_page, client.next_page, client.pages, client.resumed_owned,\nclient.end_cause, client.end_actor, client.end_why, client.identity, client.kept_bytes)\nend\nfunction read_client(number)\nlocal packed = redis.call('HGET', router_keys.client(number), 'record')\nreturn packed and unpack_client(number, packed) or nil\nend\nfunction member_of(client)\nif client.member then return client.member end\nlocal packed = not client.is_new and redis.call('HGET', router_keys.client(client.number), 'member')\nlocal session, mask, slots, total, acked_total, acked, resync, ending, routes, agent = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0\nif packed then session, mask, slots, total, acked_total, acked, resync, ending, routes, agent = cmsgpack.unpack(packed) end\nif session ~= client.session then mask, total, acked_total, acked, resync, agent = 0, 0, 0, 0, 0, 0 end\nclient.member = { alerts = mask, slots = slots, total = total, acked_total = acked_total, acked = acked,\nresync = resync, ending = ending, routes = routes or 0, agent = agent or 0 }\nreturn client.member\nend\nfunction pack_member(client)\nlocal member = client.member\nreturn cmsgpack.pack(client.session, member.alerts, member.slots, member.total, member.acked_total, member.acked,\nmember.resync, member.ending, member.routes, member.agent)\nend\nlocal function forget_agent(client)\nlocal member = member_of(client)\nif member.agent == 0 then return end\nmember.agent, member.changed = 0, true\ngone_agents[#gone_agents + 1] = client.session\nend\nfunction set_alerts(client, mask)\nlocal member = member_of(client)\nif member.alerts == 0 and mask == 0 then return end\nclient.joins_alerted, client.leaves_alerted = mask ~= 0, mask == 0\nmember.alerts, member.total, member.acked_total, member.acked, member.resync = mask, 0, 0, 0, 0\nmember.changed = true\nend\nfunction set_expiry(client, expires_at)\nclient.expires_at = expires_at\nclient.changed, client.requeue = true, true\nend\nlocal function pair_of(client)\nreturn 'p:' .. text(client.protocol_id) .. ':' .. text(client.component_id)\nend\nlocal function session_of(client)\nreturn 's:' .. text(client.session)\nend\nfunction add_owned(client, interface)\nclient.owned_count = owned_count(client) + 1\ncount_for(client.identity, ':interfaces', 1)\nclient.owned[interface] = true\nend\nfunction remove_owned(client, interface)\nclient.owned_count = owned_count(client) - 1\nif client.state ~= 'ended' then count_for(client.identity, ':interfaces', -1) end\nclient.owned[interface] = false\nend\nlocal function drop_replies(client)\nif not client.is_new and not client.left then\nclient.left = { session = client.session, first_page = client.first_page, next_page = client.next_page }\nend\nclient.first_page, client.pages, client.unread = client.next_page, '', {}\nclient.page_of, client.place_of, client.new_answers, client.kept_bytes = {}, {}, nil, 0\nend\nfunction end_client(client, cause, by)\nclient.state, client.end_cause = 'ended', cause\nclient.end_actor, client.end_why = by and by.actor or '', by and by.why or ''\nset_expiry(client, 0)\npairs_changed[pair_of(client)] = false\npairs_changed[session_of(client)] = false\nclient.leaves_roster = true\nmailboxes[client.session] = nil\nif client.identity ~= '' then\ncount_for(client.identity, '', -1)\ncount_for(client.identity, ':interfaces', -owned_count(client))\nend\nif cause ~= 'release' then drop_replies(client) end\nforget_agent(client)\nif member_of(client).alerts ~= 0 then client.joins_alerted, client.leaves_alerted = false, true end\nif client.member.routes > 0 then\nrouter.view.rrev = router.view.rrev + 1\nview_tasks.add('c' .. text(client.number))\nend\nif router.members and (router.members.slots > 0 or has_view()) and owned_count(client) > 0 then\nnote_outstanding()\nrouter.members.ending = router.members.ending + 1\nclient.member.ending, client.member.changed = 1, true\nend\nend\nlocal function expire(client)\nsession_event('expired', client)\nend_client(client, 'expire')\nend\nlocal function settle(client)\nif client.state ~= 'ended' and client.session < router.reset_epoch then return expire(client) end\nif client.state == 'live' and client.grace_ms > 0 and service_now >= client.expires_at then\nclient.state = 'stale'\nset_expiry(client, client.expires_at + client.grace_ms)\nsession_event('stale', client)\nforget_agent(client)\nend\nif client.state ~= 'ended' and service_now >= client.expires_at then expire(client) end\nend\nfunction due_in_ms()\nlocal members = router.members\nif members and (members.voids > 0 or members.ending > 0) then return 0 end\nif router.view and router.view.tasks > 0 then return 0 end\nlocal first = tonumber(redis.call('ZRANGE', router_keys.leases, 0, 0, 'WITHSCORES')[2])\nlocal expiry = has_mfes() and tonumber(redis.call('ZRANGE', router_keys.mfe_expiry, 0, 0, 'WITHSCORES')[2])\nif expiry then first = math.min(first or expiry, expiry) end\nreturn first and math.max(0, first - service_now) or -1\nend\nfunction load_client(number)\nlocal client = clients[number]\nif client == nil then\nclient = read_client(number) or false\nclients[number] = client\nif client then settle(client) end\nend\nreturn client or nil\nend\ncounted = { ADVISED = 2147483648 }\nfunction counted.is_client(counts_for)\nreturn counts_for > 0 and counts_for < counted.ADVISED\nend\nfunction counted.client_behind(counts_for)\nreturn counts_for >= counted.ADVISED and counts_for - counted.ADVISED or counts_for\nend\nfunction counted.session(number)\nreturn counted.is_client(number) and load_client(number).session or 0\nend\nfunction find_client(entry)\nlocal number = pairs_changed[entry]\nif number == nil then\nnumber = redis.call('HGET', router_keys.clients, entry)\nend\nreturn number and load_client(tonumber(number)) or nil\nend\nfunction create_client(fields)\nlocal client = {\nnumber = next_client(), owned = {}, owned_count = 0, joins_roster = true, is_new = true,\nprotocol_id = fields.protocol_id, component_id = fields.component_id, is_igmp = fields.is_igmp, epoch_floor = 0,\nfirst_page = 1, next_page = 1, pages = '', kept_bytes = 0, page_of = {}, place_of = {}, end_cause = '', end_actor = '', end_why = '', identity = '',\ncounted_for = '', counted_bytes = 0,\n}\nclients[client.number] = client\nredis.call('ZCARD', router_keys.owned(client.number))\npairs_changed[pair_of(client)] = client.number\nreturn client\nend\nfunction begin_session(client, fields, resumed_owned)\nif client.session then\npairs_changed[session_of(client)] = false\nmailboxes[client.session] = nil\ndrop_replies(client)\nend\nlocal member = client.session and member_of(client)\nif member and member.alerts ~= 0 then set_alerts(client, 0) end\nif member then forget_agent(client) end\nclient.last_alert, client.alert_runs, client.new_items = nil, nil, nil\nclient.session = next_epoch()\npairs_changed[session_of(client)] = client.number\nclient.secret, client.instance, client.name = fields.secret, fields.instance, fields.name\nset_identity(client, caller[1])\nclient.ttl_ms, client.grace_ms, client.state = fields.ttl_ms, fields.grace_ms, 'live'\nclient.mailbox, client.ack, client.highest, client.resumed_owned = 0, 1, 0, resumed_owned\nnote_ttl(fields.ttl_ms)\nclient.mailbox_ack = nil\nset_expiry(client, service_now + fields.ttl_ms)\nend\nend\nlocal callbacks, losses, begin_callbacks, note_loss, queue_callback, queue_igmp_pair, acknowledge_mailbox, save_mailboxes\ndo\nfunction begin_callbacks()\ncallbacks, losses = {}, {}\nend\nfunction note_loss(client, interface, epoch)\nclient.mailbox = client.mailbox + 1\nclient.changed = true\nlocal run = client.losses\nif not run then\nrun = { client.session, client.mailbox, client.end_cause, client.end_why, {}, {}, client.identity }\nclient.losses = run\nlosses[#losses + 1] = run\nend\nlocal epochs, interfaces = run[5], run[6]\nlocal place = #interfaces + 1\nepochs[place], interfaces[place] = epoch, interface\nend\nfunction queue_callback(client, type, interface, rev, cause, epoch, why)\nclient.mailbox = client.mailbox + 1\nclient.changed = true\nclient.last_alert = nil\nlocal message = { client.session, client.mailbox, type, interface, rev, cause, epoch, why, client.identity }\ncallbacks[#callbacks + 1] = message\nlocal queued = mailboxes[client.session]\nif not queued then\nredis.call('XLEN', router_keys.mailbox(client.session))\nqueued = {}\nmailboxes[client.session] = queued\nend\nqueued[#queued + 1] = message\nend\nfunction queue_igmp_pair(igmp, interface, rev, cause)\nqueue_callback(igmp, 'DISABLE_IGMP', interface, rev, cause, 0, '')\nqueue_callback(igmp, 'ENABLE_IGMP', interface, rev, cause, 0, '')\nend\nfunction acknowledge_mailbox(client, seq)\nredis.call('XLEN', router_keys.mailbox(client.session))\nclient.mailbox_ack = math.min(seq, client.mailbox)\nend\nfunction save_mailboxes(alerts)\nfor session, queued in pairs(mailboxes) do\nif not alerts[session] then\nlocal last = queued[#queued][2]\nredis.call('XADD', router_keys.mailbox(session), 'MINID', text(math.max(0, last - 65536)), text(last) .. '-0',\n'ts', text(now_ms), 'messages', cmsgpack.pack(queued))\nend\nend\nfor session, written in pairs(alerts) do\nlocal queued = mailboxes[session] or {}\nlocal last = math.max(written.last, #queued > 0 and queued[#queued][2] or 0)\nredis.call('XADD', router_keys.mailbox(session), 'MINID', text(math.max(0, last - 2 * 65536)), text(last) .. '-0',\n'ts', text(now_ms), 'messages', cmsgpack.pack(queued), 'alerts', written.packed)\nend\nend\nend\nlocal is_window_full, count_kept_bytes, page_field, page_bounds, fields_of_pages, pass_pages, holder_clients, begin_reply_pages, completed, add_page\ndo\nfunction is_window_full(client)\nreturn client.kept_bytes >= 1048576 or has_all(':kept-bytes', caller[7])\nend\nfunction count_kept_bytes(client)\ncount_for(client.counted_for, ':kept-bytes', -client.counted_bytes)\nif client.state ~= 'ended' then count_for(client.identity, ':kept-bytes', client.kept_bytes) end\nend\nfunction page_field(page)\nreturn 'answers:' .. page\nend\nlocal function bounds_at(client, page)\nreturn struct.unpack('<dd', client.pages, (page - client.first_page) * 16 + 1)\nend\nfunction page_bounds(client)\nlocal all = {}\nfor page = client.first_page, client.next_page - 1 do\nlocal lowest, highest = bounds_at(client, page)\nall[#all + 1] = { page = page, lowest = lowest, highest = highest }\nend\nreturn all\nend\nfunction fields_of_pages(first, behind)\nlocal fields = {}\nfor page = first, behind - 1 do fields[#fields + 1] = page_field(page) end\nreturn fields\nend\nfunction pass_pages(client)\nlocal first = client.first_page\nlocal page = first\nwhile page < client.next_page do\nlocal _, highest = bounds_at(client, page)\nif highest >= client.ack then break end\nclient.kept_bytes = client.kept_bytes - redis.call('HSTRLEN', router_keys.client(client.number), page_field(page))\npage = page + 1\nend\nclient.pages = string.sub(client.pages, (page - first) * 16 + 1)\nclient.first_page = page\nclient.kept_bytes = page == client.next_page and 0 or math.max(0, client.kept_bytes)\nreturn fields_of_pages(first, page)\nend\nfunction begin_reply_pages()\nholder_clients = {}\nend\nlocal function kept_holder(holder)\nlocal kept = { unpack(holder) }\nkept[4] = ''\nkept[#kept + 1] = { holder_clients[holder] }\nreturn kept\nend\nlocal function kept_reply(reply)\nif reply[1] == 'granted' then return reply[2] end\nif reply[1] ~= 'decided' then return reply end\nlocal outcomes = {}\nfor i = 1, #reply[2] do\nlocal outcome = reply[2][i]\noutcomes[i] = holder_clients[outcome[2]] and { outcome[1], kept_holder(outcome[2]) } or outcome\nend\nreturn { 'decided', outcomes }\nend\nlocal function name_of(number)\nlocal client = clients[number] or read_client(number)\nreturn client and client.name or ''\nend\nlocal function complete_holder(holder, names)\nlocal last = holder[#holder]\nif type(last) ~= 'table' or #last ~= 1 then return end\nlocal number = last[1]\nnames[number] = names[number] or name_of(number)\nholder[4], holder[#holder] = names[number], nil\nend\nfunction completed(reply)\nif type(reply) == 'number' then return { 'granted', reply } end\nif reply[1] ~= 'decided' then return reply end\nlocal names = {}\nfor i = 1, #reply[2] do\nlocal holder = reply[2][i][2]\nif type(holder) == 'table' then complete_holder(holder, names) end\nend\nreturn reply\nend\nfunction add_page(client)\nlocal new = client.new_answers\nif not new or new.highest < client.ack then return end\nlocal page = client.next_page\nclient.next_page = page + 1\nclient.pages = client.pages .. struct.pack('<dd', new.lowest, new.highest)\nlocal replies = {}\nfor i = 1, #new.replies do replies[i] = kept_reply(new.replies[i]) end\nlocal packed = cmsgpack.pack(new.numbers, new.operations, new.revs, replies)\nclient.kept_bytes = client.kept_bytes + #packed\nreturn page_field(page), packed\nend\nend\nlocal excludes\ndo\nexcludes = {}\nlocal lists, changed_lists\nfunction excludes.begin()\nlists, changed_lists = {}, {}\nend\nlocal function list_field(slot, name)\nreturn text(slot.number) .. ' ' .. name\nend\nfunction excludes.of(slot, name)\nif slot.filters == 0 then return '' end\nlocal field = list_field(slot, name)\nif not lists[field] then lists[field] = redis.call('HGET', router_keys.excludes, field) or '' end\nreturn lists[field]\nend\nfunction excludes.set(slot, name, list)\nlocal former = excludes.of(slot, name)\nif list == former then return false end\nlocal by = (list ~= '' and 1 or 0) - (former ~= '' and 1 or 0)\nlocal members, field = router.members, list_field(slot, name)\nslot.filters, slot.changed = slot.filters + by, true\nmembers.filters, members.changed = members.filters + by, true\nlists[field], changed_lists[field] = list, true\nreturn true\nend\nfunction excludes.has(list, source)\nlocal at = string.find(list, source, 1, true)\nwhile at and (at - 1) % #source ~= 0 do at = string.find(list, source, at + 1, true) end\nreturn at ~= nil\nend\nfunction excludes.check_types()\nredis.call('HLEN', router_keys.excludes)\nend\nfunction excludes.save()\nlocal put, gone = {}, {}\nfor field in pairs(changed_lists) do\nif lists[field] ~= '' then\nput[#put + 1] = field\nput[#put + 1] = lists[field]\nelse\ngone[#gone + 1] = field\nend\nend\nin_chunks(put, function(...) redis.call('HSET', router_keys.excludes, ...) end)\nin_chunks(gone, function(...) redis.call('HDEL', router_keys.excludes, ...) end)\nend\nend\nlocal slots\ndo\nslots = { MOST = 1000000, OWNER = 1, IGMP = 2, STATIC = 4, HOME = 5, ADVISE = 1, WRONG_IF = 2,\nUNNAMED = -1, COLLECTING = -2, NAMES_MAX = 256, NO_HOLDER = { number = 0 } }\nlocal UNNAMED, COLLECTING, NAMES_MAX = slots.UNNAMED, slots.COLLECTING, slots.NAMES_MAX\nlocal loaded_slots, places_by_interface, voided\nlocal void_bits, free_numbers, taken_count\nfunction slots.begin()\nloaded_slots, places_by_interface, voided, void_bits, free_numbers, taken_count = {}, {}, {}, nil, {}, 0\nend\nlocal function unpack_slot(number, packed)\nlocal interface, place, holder, counts_for, epoch, owner_epoch, count, named, void, cause, window,\nfilters = cmsgpack.unpack(packed)\nreturn { number = number, interface = interface, place = place, holder = holder, counts_for = counts_for,\nepoch = epoch, owner_epoch = owner_epoch, count = count, named = named, void = void, cause = cause,\nwindow = window, filters = filters or 0, stored = true }\nend\nlocal function pack_slot(slot)\nreturn cmsgpack.pack(slot.interface, slot.place, slot.holder, slot.counts_for, slot.epoch, slot.owner_epoch,\nslot.count, slot.named, slot.void, slot.cause, slot.window, slot.filters)\nend\nfunction slots.get(number)\nlocal slot = loaded_slots[number]\nif slot then return slot end\nlocal packed = redis.call('HGET', router_keys.slots, text(number))\nif not packed then error({ err = 'MGMCORRUPT ' .. router_keys.slots .. ' has no slot ' .. text(number) }) end\nslot = unpack_slot(number, packed)\nloaded_slots[number] = slot\nreturn slot\nend\nfunction slots.find(number)\nslots.load({ number })\nreturn loaded_slots[number]\nend\nfunction slots.load(numbers)\nlocal missing = {}\nfor i = 1, #numbers do\nif not loaded_slots[numbers[i]] then missing[#missing + 1] = text(numbers[i]) end\nend\nfor first = 1, #missing, 4000 do\nlocal last = math.min(first + 4000 - 1, #missing)\nlocal packed = redis.call('HMGET', router_keys.slots, unpack(missing, first, last))\nfor i = first, last do\nlocal number, one = tonumber(missing[i]), packed[i - first + 1]\nif one then loaded_slots[number] = unpack_slot(number, one) end\nend\nend\nend\nlocal function places_on(interface)\nlocal on = places_by_interface[interface]\nif on then return on end\nlocal packed = redis.call('GET', router_keys.on(interface))\non = { 0, 0, 0, 0, 0, stored = packed ~= false }\nfor place = 1, packed and #packed / 4 or 0 do on[place] = struct.unpack('<I4', packed, place * 4 - 3) end\nplaces_by_interface[interface] = on\nreturn on\nend\nfunction slots.is_set(interface, setting)\nif not router.members or router.members.settings == 0 then return false end\nreturn bit.band(places_on(interface)[3], setting) ~= 0\nend\nlocal function replace_settings(on, settings)\nlocal members = router.members\nif on[3] == 0 and settings ~= 0 then members.settings = members.settings + 1 end\nif on[3] ~= 0 and settings == 0 then members.settings = members.settings - 1 end\non[3], on.changed, members.changed = settings, true, true\nend\nfunction slots.set(interface, setting, value)\nif slots.is_set(interface, setting) == value then return false end\nif not router.members then begin_members() end\nlocal on = places_on(interface)\nreplace_settings(on, on[3] + (value and setting or -setting))\nreturn true\nend\nfunction slots.settings_event(client, interface, settings, cause, by)\nlocal rev = next_rev()\nopen_run = nil\nruns[#runs + 1] = { rev, 'interface-set', client and client.session or 0, client and client.protocol_id or 0,\nclient and client.component_id or 0, cause, 0, by and by.actor or '', by and by.why or '', {}, { interface },\nby and by.caller or client and client.identity or '', settings }\nreturn rev\nend\nfunction slots.counts_for_owner(interface, owner)\nreturn slots.is_set(interface, slots.ADVISE) and owner.number + counted.ADVISED or owner.number\nend\nlocal function pack_places(on)\nlocal last = 0\nfor place = 1, 5 do\nif on[place] ~= 0 then last = place end\nend\nif last == 0 then return nil end\nlocal numbers = {}\nfor place = 1, math.max(2, last) do numbers[place] = struct.pack('<I4', on[place]) end\nreturn table.concat(numbers)\nend\nfunction slots.note_owner(interface)\nlocal members = router.members\nif not members then return end\nview_tasks.note_owner(interface)\nlocal has_statics = members.homes > 0 and places_on(interface)[slots.HOME] ~= 0\nif has_statics then view_tasks.add_always('s' .. interface) end\nend\nfunction slots.present(interface, place)\nlocal number = places_on(interface)[place]\nreturn number ~= 0 and slots.get(number) or nil\nend\nlocal function next_number()\nlocal state = router.members\nif taken_count == #free_numbers and state.slots < state.next_slot - 1 then\nlocal more = redis.call('LRANGE', router_keys.free, taken_count, taken_count + 63)\nfor i = 1, #more do free_numbers[#free_numbers + 1] = tonumber(more[i]) end\nend\nif taken_count < #free_numbers then\ntaken_count = taken_count + 1\nreturn free_numbers[taken_count]\nend\nstate.next_slot = state.next_slot + 1\nreturn state.next_slot - 1\nend\nlocal function count_slot(number, by)\nif number == 0 then return end\nlocal client = load_client(number)\nlocal member = member_of(client)\nmember.slots, member.changed = member.slots + by, true\nif client.state == 'ended' then client.requeue = true end\nend\nlocal function count_clients(slot, by)\ncount_slot(slot.holder, by)\nlocal other = counted.client_behind(slot.counts_for)\nif other ~= slot.holder then count_slot(other, by) end\nend\nfunction slots.allot(interface, place, client, counts_for, epoch, owner_epoch)\nlocal state = router.members\nlocal number = next_number()\nlocal slot = { number = number, interface = interface, place = place, holder = client.number,\ncounts_for = counts_for, epoch = epoch, owner_epoch = owner_epoch, count = 0, named = 0, void = 0, cause = '',\nwindow = 0, filters = 0 }\nloaded_slots[number] = slot\nlocal on = places_on(interface)\non[place], on.changed = number, true\nstate.slots = state.slots + 1\nif place == slots.HOME then state.homes = state.homes + 1 end\ncount_clients(slot, 1)\nreturn slot\nend\nfunction slots.join(slot, name)\nslot.count, slot.changed = slot.count + 1, true\nif slot.named == COLLECTING then return slots.join_collecting(slot, name) end\nif slot.named == UNNAMED then return end\nslot.named = slot.named + 1\nif slot.named > NAMES_MAX then\nslot.named, slot.names, slot.added, slot.removed, slot.relisted = UNNAMED, nil, nil, nil, nil\nreturn\nend\nlocal added = slot.added\nif not added then\nadded = {}\nslot.added = added\nend\nadded[#added + 1] = name\nend\nfunction slots.names(slot)\nif slot.named < 0 then return nil end\nif not slot.names then slot.names = slot.stored and redis.call('GET', router_keys.names(slot.number)) or ',' end\nreturn slot.names\nend\nfunction slots.leave(slot, name)\nslot.count, slot.changed = slot.count - 1, true\nif slot.filters > 0 then excludes.set(slot, name, '') end\nif slot.named == COLLECTING then return slots.remove_name(slot, name) end\nif slot.named == UNNAMED then return slots.relist_if_few(slot) end\nif slot.count == 0 then\nslot.named, slot.names, slot.added, slot.removed, slot.relisted = 0, ',', nil, nil, true\nreturn\nend\nslots.names(slot)\nslot.named = slot.named - 1\nlocal removed = slot.removed\nif not removed then\nremoved = {}\nslot.removed = removed\nend\nremoved[#removed + 1] = name\nend\nfunction slots.forget_names(slot)\nif slot.named < 0 then return end\nslot.named, slot.changed = UNNAMED, true\nif slot.void == 0 then return end\nrouter.members.unnamed = router.members.unnamed + 1\nslot.forgotten = true\nend\nlocal function withdraw(interface, on, place, cause, window)\nlocal number = on[place]\nif number == 0 then return end\nlocal slot, state = slots.get(number), router.members\non[place], on.changed = 0, true\nnote_outstanding()\nslot.void, slot.cause, slot.window, slot.changed = 1, cause, window, true\nslot.voided_at = router.rev\nstate.voids = state.voids + 1\nif slot.named == COLLECTING then slot.named, slot.relisted = UNNAMED, nil end\nif slot.named < 0 then state.unnamed = state.unnamed + 1 end\nvoided[number] = true\nend\nlocal function withdraw_statics(interface, on, client, cause, window)\nlocal number = on[slots.STATIC]\nif number ~= 0 and slots.get(number).counts_for == client.number then\nwithdraw(interface, on, slots.STATIC, cause, window)\nend\nend\nfunction slots.withdraw(interface, place, cause, client, has_igmp)\nlocal members = router.members\nif not members or members.slots == 0 and members.settings == 0 then return end\nlocal on = places_on(interface)\nwithdraw_statics(interface, on, client, cause, has_igmp and 1 or 0)\nif place == slots.OWNER then\nif on[3] ~= 0 then replace_settings(on, 0) end\nwithdraw(interface, on, slots.OWNER, cause, 0)\nwithdraw(interface, on, slots.IGMP, cause, 1)\nelse\nwithdraw(interface, on, slots.IGMP, cause, 0)\nend\nend\nfunction slots.open_window(interface, cause, igmp)\nif not router.members or router.members.slots == 0 then return end\nlocal on = places_on(interface)\nwithdraw(interface, on, slots.IGMP, cause, 1)\nwithdraw_statics(interface, on, igmp, cause, 1)\nend\nfunction slots.void_bitmap()\nif not void_bits then void_bits = redis.call('GET', router_keys.void) or '' end\nreturn void_bits, voided\nend\nfunction slots.is_void(number)\nlocal changed = voided[number]\nif changed ~= nil then return changed end\nif not void_bits then void_bits = redis.call('GET', router_keys.void) or '' end\nlocal byte = string.byte(void_bits, math.floor(number / 8) + 1)\nreturn byte ~= nil and bit.band(byte, bit.rshift(128, number % 8)) ~= 0\nend\nfunction slots.oldest_void(most)\nlocal found = redis.call('ZRANGE', router_keys.voided, 0, most - 1, 'WITHSCORES')\nlocal numbers = {}\nfor i = 1, #found, 2 do numbers[#numbers + 1] = tonumber(found[i]) end\nreturn numbers, tonumber(found[2])\nend\nlocal freed_slots\nfunction slots.finish()\nfreed_slots = {}\nlocal state = router.members\nfor number, slot in pairs(loaded_slots) do\nif slot.changed and slot.count == 0 then\nfreed_slots[#freed_slots + 1] = slot\nslot.freed = true\nstate.slots = state.slots - 1\nif slot.place == slots.HOME then state.homes = state.homes - 1 end\nif slot.void == 0 then\nlocal on = places_on(slot.interface)\nif on[slot.place] == number then on[slot.place], on.changed = 0, true end\nelse\nstate.voids = state.voids - 1\nif slot.named < 0 then state.unnamed = state.unnamed - 1 end\nvoided[number] = false\nend\ncount_clients(slot, -1)\nend\nend\nif state.slots == 0 then state.next_slot = 1 end\nend\nfunction slots.check_types()\nredis.call('HLEN', router_keys.slots)\nredis.call('LLEN', router_keys.free)\nredis.call('ZCARD', router_keys.voided)\nredis.call('STRLEN', router_keys.void)\nend\nlocal function names_after(slot)\nlocal names = slot.names or ','\nif slot.added then names = names .. table.concat(slot.added, ',') .. ',' end\nlocal removed = slot.removed or {}\nfor i = 1, #removed do\nlocal from, to = string.find(names, ',' .. removed[i] .. ',', 1, true)\nif from then names = string.sub(names, 1, from) .. string.sub(names, to + 1) end\nend\nreturn names\nend\nfunction slots.names_now(slot)\nreturn slots.names(slot) and names_after(slot)\nend\nlocal function save_names(slot)\nlocal key = router_keys.names(slot.number)\nif slot.named == UNNAMED then\nredis.call('DEL', key)\nelseif slot.removed or slot.relisted then\nredis.call('SET', key, names_after(slot))\nelseif slot.added then\nlocal start = slot.named == #slot.added and ',' or ''\nredis.call('APPEND', key, start .. table.concat(slot.added, ',') .. ',')\nend\nend\nlocal function save_void(slot, settled)\nlocal number = text(slot.number)\nif slot.freed or slot.forgotten then\nif slot.void == 1 then settled[#settled + 1] = number end\nelseif slot.voided_at and slot.named >= 0 then\nredis.call('ZADD', router_keys.voided, text(slot.voided_at), number)\nend\nend\nfunction slots.save()\nlocal state = router.members\nlocal kept, gone, numbers, settled, unused = {}, {}, {}, {}, {}\nif taken_count > 0 then redis.call('LTRIM', router_keys.free, taken_count, -1) end\nfor number, slot in pairs(loaded_slots) do\nif slot.freed then\nif slot.stored then gone[#gone + 1] = text(number) end\nif slot.stored and slot.named ~= UNNAMED then unused[#unused + 1] = router_keys.names(number) end\nnumbers[#numbers + 1] = text(number)\nsave_void(slot, settled)\nelseif slot.changed then\nkept[#kept + 1] = text(number)\nkept[#kept + 1] = pack_slot(slot)\nsave_names(slot)\nsave_void(slot, settled)\nend\nend\nin_chunks(kept, function(...) redis.call('HSET', router_keys.slots, ...) end)\nin_chunks(gone, function(...) redis.call('HDEL', router_keys.slots, ...) end)\nin_chunks(unused, function(...) redis.call('DEL', ...) end)\nin_chunks(settled, function(...) redis.call('ZREM', router_keys.voided, ...) end)\nif state.voids == 0 then\nif next(voided) then redis.call('DEL', router_keys.void) end\nelse\nfor number, is_void in pairs(voided) do redis.call('SETBIT', router_keys.void, number, is_void and 1 or 0) end\nend\nfor interface, on in pairs(places_by_interface) do\nlocal packed = on.changed and pack_places(on)\nif packed then\nredis.call('SET', router_keys.on(interface), packed)\nelseif on.changed and on.stored then\nredis.call('DEL', router_keys.on(interface))\nend\nend\nif state.slots == 0 then\nredis.call('DEL', router_keys.free)\nelse\nin_chunks(numbers, function(...) redis.call('RPUSH', router_keys.free, ...) end)\nend\nend\nend\nlocal records, record_keys, changed_records, begin_records, pack_record, record_of, load_records, epoch_in_force, deciding_epoch, clear_hold, look_at, holder_shape, some_owned, clear_slice\ndo\nfunction begin_records()\nrecords, record_keys, changed_records = {}, {}, {}\nend\nlocal function unpack_record(interface, packed)\nif #packed ~= 48 then\nerror({ err = 'MGMCORRUPT ' .. router_keys.interface(interface) .. ' is not an interface record' })\nend\nlocal owner, owner_epoch, owner_since, igmp, igmp_epoch, igmp_since = struct.unpack('<dddddd', packed)\nreturn { owner, owner_epoch, owner_since, igmp, igmp_epoch, igmp_since, interface, true, false }\nend\nfunction pack_record(record)\nreturn struct.pack('<dddddd', record[1], record[2], record[3], record[4], record[5], record[6])\nend\nlocal function note_change(record)\nif record[9] then return end\nrecord[9] = true\nchanged_records[#changed_records + 1] = record\nend\nfunction record_of(interface)\nlocal record = records[interface]\nif not record then\nrecord = { 0, 0, 0, 0, 0, 0, interface, false, false }\nrecords[interface] = record\nend\nnote_change(record)\nreturn record\nend\nlocal function refuse_foreign_keys(free)\nif #free > 0 and redis.call('EXISTS', unpack(free)) > 0 then\nerror({ err = 'MGMCORRUPT one of ' .. table.concat(free, ' ', 1, math.min(#free, 8)) .. ' is not a string' })\nend\nend\nfunction load_records(interfaces)\nfor first = 1, #interfaces, 4000 do\nlocal last = math.min(first + 4000 - 1, #interfaces)\nlocal keys = {}\nfor i = first, last do\nlocal name = interfaces[i]\nlocal key = router_keys.interface(name)\nrecord_keys[name], keys[i - first + 1] = key, key\nend\nlocal packed = redis.call('MGET', unpack(keys))\nlocal free = {}\nfor i = first, last do\nlocal name, stored = interfaces[i], packed[i - first + 1]\nif not stored then free[#free + 1] = keys[i - first + 1] end\nif records[name] == nil then records[name] = stored and unpack_record(name, stored) end\nend\nrefuse_foreign_keys(free)\nend\nend\nfunction epoch_in_force(client, epoch)\nreturn math.max(epoch, client.epoch_floor)\nend\nfunction deciding_epoch(record, owner)\nreturn owner and record[2] or math.max(record[5], record[2])\nend\nlocal function clear_owner(interface, record, client, cause, by)\nlocal epoch = epoch_in_force(client, record[2])\nrecord[1], record[2], record[3] = 0, record[4] ~= 0 and epoch or 0, 0\nnote_change(record)\nremove_owned(client, interface)\nlocal igmp = record[4] ~= 0 and load_client(record[4])\nlocal has_igmp = igmp and igmp.state ~= 'ended'\nslots.withdraw(interface, slots.OWNER, cause, client, has_igmp)\nslots.note_owner(interface)\nlocal rev = interface_event('released', client, interface, epoch, cause, by)\nif has_igmp then\nqueue_igmp_pair(igmp, interface, rev, cause == 'admin' and 'release' or cause)\nend\nreturn epoch\nend\nlocal function clear_igmp(interface, record, client, cause, by)\nlocal epoch = epoch_in_force(client, record[5])\nrecord[4], record[5], record[6] = 0, 0, 0\nnote_change(record)\nremove_owned(client, interface)\nslots.withdraw(interface, slots.IGMP, cause, client)\nslots.note_owner(interface)\ninterface_event('igmp-released', client, interface, epoch, cause, by)\nreturn epoch\nend\nfunction clear_hold(interface, record, client, cause, by)\nif record and record[1] == client.number then return clear_owner(interface, record, client, cause, by) end\nif record and record[4] == client.number then return clear_igmp(interface, record, client, cause, by) end\nremove_owned(client, interface)\nend\nlocal function ended_by(client)\nif client.end_actor == '' then return nil end\nclient.by = client.by or { actor = client.end_actor, why = client.end_why }\nreturn client.by\nend\nlocal function clear_void(interface, record, client)\nlocal lost = clear_hold(interface, record, client, client.end_cause, ended_by(client))\nif client.end_cause == 'release' then\nif owned_count(client) == 0 then session_event('deregistered', client) end\nelseif lost then\nnote_loss(client, interface, lost)\nend\nend\nfunction look_at(interface)\nlocal record = records[interface]\nif record == nil then\nload_records({ interface })\nrecord = records[interface]\nend\nif not record then return nil end\nlocal owner = record[1] ~= 0 and load_client(record[1]) or nil\nlocal igmp = record[4] ~= 0 and load_client(record[4]) or nil\nif owner and owner.state == 'ended' then\nclear_void(interface, record, owner)\nowner = nil\nend\nif igmp and igmp.state == 'ended' then\nclear_void(interface, record, igmp)\nigmp = nil\nend\nreturn record, owner, igmp\nend\nlocal function igmp_shape(record, igmp)\nreturn { igmp.protocol_id, igmp.component_id, igmp.session, epoch_in_force(igmp, record[5]) }\nend\nfunction holder_shape(record, owner, igmp)\nlocal client = owner or igmp\nlocal epoch = owner and record[2] or record[5]\nlocal since = owner and record[3] or record[6]\nlocal stale = client.state == 'stale'\nlocal holder = { client.protocol_id, client.component_id, client.session, client.name, epoch_in_force(client, epoch),\nsince, stale and client.expires_at - service_now or 0, stale and 1 or 0,\nowner and igmp and igmp_shape(record, igmp) or {} }\nholder_clients[holder] = client.number\nreturn holder\nend\nfunction some_owned(client, most)\nlocal found = {}\nfor interface, is_owned in pairs(client.owned) do\nif is_owned and #found < most then found[#found + 1] = interface end\nend\nlocal stored = redis.call('ZRANGE', router_keys.owned(client.number), 0, most - 1)\nfor i = 1, #stored do\nif client.owned[stored[i]] == nil and #found < most then found[#found + 1] = stored[i] end\nend\nload_records(found)\nreturn found\nend\nfunction clear_slice(client, most)\nlocal interfaces = some_owned(client, most)\nfor i = 1, #interfaces do clear_void(interfaces[i], records[interfaces[i]], client) end\nreturn #interfaces\nend\nend\nlocal client_of, advance_ack, admit, remember\ndo\nlocal function names_session(client, handle)\nreturn client.session == handle[2] and client.secret == handle[3] and is_callers(client)\nend\nfunction client_of(handle)\nlocal client = handle[1] ~= 0 and load_client(handle[1])\nif not client then return nil, { 'bad_handle' } end\nif client.session > handle[2] then return nil, { 'session_expired', handle[2] } end\nif not names_session(client, handle) then return nil, { 'bad_handle' } end\nif client.state == 'live' then return client end\nif client.end_cause == 'release' and client.state == 'ended' then return nil, { 'bad_handle' } end\nreturn nil, { 'session_expired', client.session }\nend\nfunction advance_ack(client, ack)\nif ack <= client.ack then return end\nclient.ack, client.changed = ack, true\nend\nlocal function read_page(client, page)\nlocal packed = redis.call('HGET', router_keys.client(client.number), page_field(page))\nif not packed then return end\nlocal _, numbers = cmsgpack.unpack_one(packed)\nfor place = 1, #numbers do\nclient.page_of[numbers[place]], client.place_of[numbers[place]] = packed, place\nend\nend\nlocal function read_pages_around(client, seq)\nlocal unread = client.unread or page_bounds(client)\nclient.unread = unread\nfor i = #unread, 1, -1 do\nlocal bounds = unread[i]\nif bounds.lowest <= seq and seq <= bounds.highest then\ntable.remove(unread, i)\nread_page(client, bounds.page)\nend\nend\nend\nlocal function answer_to(client, seq)\nif seq > client.highest then return nil end\nlocal new = client.new_answers\nlocal place = new and new.places[seq]\nif place then return new.operations[place], new.revs[place], new.replies[place] end\nread_pages_around(client, seq)\nlocal packed = client.page_of[seq]\nif not packed then return nil end\nlocal _, operations, revs, replies = cmsgpack.unpack(packed)\nplace = client.place_of[seq]\nreturn operations[place], revs[place], completed(replies[place])\nend\nlocal function repeated(operation, answered, rev, reply)\nif answered ~= operation then return { 'seq_reused', answered } end\nreturn reply, rev\nend\nlocal function repeated_of_ended(operation, handle, seq)\nlocal client = handle[1] ~= 0 and load_client(handle[1])\nif not client or not names_session(client, handle) or seq < client.ack then return nil end\nif client.state ~= 'ended' or client.end_cause ~= 'release' then return nil end\nlocal answered, rev, reply = answer_to(client, seq)\nif answered then return repeated(operation, answered, rev, reply) end\nend\nfunction admit(operation, handle, seq, ack)\nlocal client, refused = client_of(handle)\nif not client then\nlocal reply, rev = repeated_of_ended(operation, handle, seq)\nreturn nil, reply or refused, rev\nend\nif seq < client.ack then return nil, { 'stale_request', client.ack } end\nlocal highest = math.max(client.ack, ack) + 4096\nif seq > highest then return nil, { 'seq_too_high', highest } end\nadvance_ack(client, ack)\nlocal answered, rev, reply = answer_to(client, seq)\nif answered then return nil, repeated(operation, answered, rev, reply) end\nreturn client\nend\nfunction remember(client, operation, seq, reply)\nlocal new = client.new_answers\nif not new then\nnew = { numbers = {}, operations = {}, revs = {}, replies = {}, places = {}, lowest = seq, highest = seq }\nclient.new_answers = new\nend\nlocal place = #new.numbers + 1\nnew.numbers[place], new.operations[place], new.revs[place], new.replies[place] = seq, operation, router.rev, reply\nnew.places[seq] = place\nnew.lowest, new.highest = math.min(new.lowest, seq), math.max(new.highest, seq)\nif seq > client.highest then client.highest = seq end\nclient.changed = true\nreturn reply\nend\nend\nlocal operator_log\ndo\noperator_log = {}\nlocal operator_entries\nfunction operator_log.begin()\noperator_entries = {}\nend\nfunction operator_log.has_entries()\nreturn #operator_entries > 0\nend\nfunction operator_log.head()\nlocal newest = redis.call('XREVRANGE', router_keys.operator_log, '+', '-', 'COUNT', 1)[1]\nreturn newest and tonumber(string.match(newest[1], '^%d+')) or 0\nend\nfunction operator_log.note(type, operation, by, detail)\noperator_entries[#operator_entries + 1] = { type, router.rev, operation, detail.reason or '', by.actor, by.why,\ndetail.session or 0, detail.protocol_id or 0, detail.component_id or 0, detail.cause or '',\ndetail.interface or '', detail.epoch or 0, by.caller,\ndetail.entry or '', detail.settings or '' }\nend\nfunction operator_log.note_refused(operation, reason, by, detail)\nif router.fresh then return end\ndetail.reason = reason\noperator_log.note('refused', operation, by, detail)\nend\nfunction operator_log.denied(operation, by, detail)\nif caller[5] == 0 then return nil end\noperator_log.note_refused(operation, 'not-permitted', by, detail)\nreturn { 'not_permitted' }\nend\nfunction operator_log.save()\nif #operator_entries == 0 then return end\nlocal number = operator_log.head()\nfor i = 1, #operator_entries do\nnumber = number + 1\nredis.call('XADD', router_keys.operator_log, 'MAXLEN', '~', text(router.limits.operator_events), text(number) .. '-0',\n'ts', text(now_ms), 'entry', cmsgpack.pack(operator_entries[i]))\nend\nredis.call('PEXPIRE', router_keys.operator_log, text(router.limits.operator_retention_ms))\nend\nend\nlocal begin_source_index, is_exact, parts_of, turned, index_source, save_sources\ndo\nlocal indexed\nfunction begin_source_index()\nindexed = {}\nend\nfunction is_exact(name)\nreturn #name == 17 or #name == 65\nend\nfunction parts_of(name)\nlocal digits = (#name - 1) / 2\nreturn string.sub(name, 1, 1), string.sub(name, 2, 1 + digits), string.sub(name, 2 + digits)\nend\nfunction turned(name)\nlocal family, one, other = parts_of(name)\nreturn family .. other .. one\nend\nfunction index_source(name)\nindexed[#indexed + 1] = name\nend\nfunction save_sources(added, removed)\nif not has_view() then return end\nlocal put, gone = {}, {}\nfor i = 1, #indexed do\nput[#put + 1] = '0'\nput[#put + 1] = turned(indexed[i])\nend\nfor i = 1, #added do\nif is_exact(added[i]) then\nput[#put + 1] = '0'\nput[#put + 1] = turned(added[i])\nend\nend\nfor i = 1, #removed do\nif is_exact(removed[i]) then gone[#gone + 1] = turned(removed[i]) end\nend\nin_chunks(put, function(...) redis.call('ZADD', router_keys.sources, ...) end)\nin_chunks(gone, function(...) redis.call('ZREM', router_keys.sources, ...) end)\nend\nend\nlocal entries\ndo\nentries = {}\nlocal loaded_entries\nlocal empty_bits\nfunction entries.begin()\nloaded_entries, empty_bits = {}, string.rep('\\0', 36 - 4)\nend\nlocal function parse(name, packed)\nlocal entry = { name = name, stored = packed ~= false, counted = packed ~= false }\nlocal at = 1\nwhile packed and at <= #packed do\nlocal holder, counts_for, count, bytes = struct.unpack('<I4I4I4I4', packed, at)\nlocal from = at + 16\nat = from + bytes\nentry[#entry + 1] = { holder, counts_for, count, string.sub(packed, from, at - 1) }\nend\nreturn entry\nend\nlocal function pack_entry(entry)\nif #entry == 1 then\nlocal pair = entry[1]\nreturn struct.pack('<I4I4I4I4', pair[1], pair[2], pair[3], #pair[4]) .. pair[4]\nend\nlocal parts = {}\nfor i = 1, #entry do\nlocal pair = entry[i]\nparts[#parts + 1] = struct.pack('<I4I4I4I4', pair[1], pair[2], pair[3], #pair[4])\nparts[#parts + 1] = pair[4]\nend\nreturn table.concat(parts)\nend\nfunction entries.load(names)\nlocal missing = {}\nfor i = 1, #names do\nlocal name = names[i]\nif name ~= '' and loaded_entries[name] == nil then\nloaded_entries[name] = false\nmissing[#missing + 1] = name\nend\nend\nfor first = 1, #missing, 4000 do\nlocal last = math.min(first + 4000 - 1, #missing)\nlocal packed = redis.call('HMGET', router_keys.memberships, unpack(missing, first, last))\nfor i = first, last do loaded_entries[missing[i]] = packed[i - first + 1] end\nend\nend\nfunction entries.get(name)\nlocal entry = loaded_entries[name]\nif entry == nil then\nentries.load({ name })\nentry = loaded_entries[name]\nend\nif type(entry) ~= 'table' then\nentry = parse(name, entry)\nloaded_entries[name] = entry\nend\nreturn entry\nend\nlocal function page_at(set, number)\nfor at = 1, #set, 36 do\nif struct.unpack('<I4', set, at) == number then return at end\nend\nend\nlocal function byte_of(page, slot)\nlocal within = slot % 256\nreturn page + 4 + math.floor(within / 8), bit.rshift(128, within % 8)\nend\nlocal function list_position(set, slot)\nlocal packed = struct.pack('<I4', slot)\nlocal at = string.find(set, packed, 1, true)\nwhile at and at % 4 ~= 1 do at = string.find(set, packed, at + 1, true) end\nreturn at\nend\nlocal function set_bit(set, slot)\nlocal number = math.floor(slot / 256)\nlocal page = page_at(set, number)\nif not page then\npage = #set + 1\nset = set .. struct.pack('<I4', number) .. empty_bits\nend\nlocal at, mask = byte_of(page, slot)\nreturn string.sub(set, 1, at - 1) .. string.char(bit.bor(string.byte(set, at), mask)) .. string.sub(set, at + 1)\nend\nlocal function clear_bit(set, slot)\nlocal page = page_at(set, math.floor(slot / 256))\nlocal at, mask = byte_of(page, slot)\nlocal byte = string.char(bit.band(string.byte(set, at), 255 - mask))\nset = string.sub(set, 1, at - 1) .. byte .. string.sub(set, at + 1)\nif string.sub(set, page + 4, page + 36 - 1) ~= empty_bits then return set end\nreturn string.sub(set, 1, page - 1) .. string.sub(set, page + 36)\nend\nlocal function add_bits(found, byte, first)\nfor i = 0, 7 do\nif bit.band(byte, bit.rshift(128, i)) ~= 0 then found[#found + 1] = first + i end\nend\nend\nfunction entries.slots_of(pair)\nlocal found, set = {}, pair[4]\nif pair[3] <= 48 then\nfor at = 1, #set, 4 do found[#found + 1] = struct.unpack('<I4', set, at) end\nreturn found\nend\nfor page = 1, #set, 36 do\nlocal first = struct.unpack('<I4', set, page) * 256\nfor i = 0, 256 / 8 - 1 do\nlocal byte = string.byte(set, page + 4 + i)\nif byte ~= 0 then add_bits(found, byte, first + i * 8) end\nend\nend\nreturn found\nend\nfunction entries.has(pair, slot)\nlocal set = pair[4]\nif pair[3] <= 48 then return list_position(set, slot) ~= nil end\nlocal page = page_at(set, math.floor(slot / 256))\nif not page then return false end\nlocal at, mask = byte_of(page, slot)\nreturn bit.band(string.byte(set, at), mask) ~= 0\nend\nfunction entries.pair(entry, holder, counts_for)\nfor i = 1, #entry do\nlocal pair = entry[i]\nif pair[1] == holder and pair[2] == counts_for then return pair end\nend\nend\nfunction entries.copy(entry)\nlocal copy = {}\nfor i = 1, #entry do copy[i] = entry[i] end\nreturn copy\nend\nfunction entries.insert(entry, slot)\nentry.changed = true\nlocal pair = entries.pair(entry, slot.holder, slot.counts_for)\nlocal is_new = pair == nil\nif is_new then\npair = { slot.holder, slot.counts_for, 0, '' }\nentry[#entry + 1] = pair\nend\nlocal count = pair[3] + 1\nif count <= 48 then\npair[4] = pair[4] .. struct.pack('<I4', slot.number)\nelse\nif count == 48 + 1 then\nlocal pages = ''\nfor _, number in ipairs(entries.slots_of(pair)) do pages = set_bit(pages, number) end\npair[4] = pages\nend\npair[4] = set_bit(pair[4], slot.number)\nend\npair[3] = count\nif not entry.counted then\nentry.counted = true\nrouter.members.entries = router.members.entries + 1\nend\nreturn is_new\nend\nlocal function drop_pair(entry, pair)\nfor i = 1, #entry do\nif entry[i] == pair then\ntable.remove(entry, i)\nbreak\nend\nend\nif #entry == 0 then\nentry.counted = false\nrouter.members.entries = router.members.entries - 1\nend\nend\nfunction entries.remove(entry, pair, number)\nentry.changed = true\nlocal count = pair[3] - 1\nif count == 0 then\ndrop_pair(entry, pair)\nelseif count < 48 then\nlocal at = list_position(pair[4], number)\npair[4] = string.sub(pair[4], 1, at - 1) .. string.sub(pair[4], at + 4)\nelse\npair[4] = clear_bit(pair[4], number)\nif count == 48 then\nlocal list = {}\nfor _, one in ipairs(entries.slots_of(pair)) do list[#list + 1] = struct.pack('<I4', one) end\npair[4] = table.concat(list)\nend\nend\npair[3] = count\nreturn count == 0\nend\nfunction entries.remove_all(entry, pair, numbers)\nif #numbers == pair[3] then\nentry.changed, pair[3] = true, 0\nreturn drop_pair(entry, pair)\nend\nfor i = 1, #numbers do entries.remove(entry, pair, numbers[i]) end\nend\nfunction entries.may_be_withdrawn()\nlocal state = router.members\nreturn state and (state.voids > 0 or state.ending > 0 or router.reset_epoch > 0)\nend\nlocal function is_over(number)\nif number == 0 then return false end\nlocal client = load_client(number)\nreturn client == nil or client.state == 'ended'\nend\nlocal function void_in_page(found, set, page)\nlocal bitmap = slots.void_bitmap()\nlocal number = struct.unpack('<I4', set, page)\nfor i = 0, 256 / 8 - 1 do\nlocal void = string.byte(bitmap, number * 256 / 8 + i + 1)\nif not void then return end\nif void ~= 0 then\nlocal both = bit.band(void, string.byte(set, page + 4 + i))\nif both ~= 0 then add_bits(found, both, number * 256 + i * 8) end\nend\nend\nend\nlocal function only_void(numbers)\nlocal void = {}\nfor i = 1, #numbers do\nif slots.is_void(numbers[i]) then void[#void + 1] = numbers[i] end\nend\nreturn void\nend\nlocal function void_in_list(set)\nlocal void = {}\nfor at = 1, #set, 4 do\nlocal number = struct.unpack('<I4', set, at)\nif slots.is_void(number) then void[#void + 1] = number end\nend\nreturn void\nend\nfunction entries.withdrawn_of(pair)\nif is_over(pair[1]) or is_over(counted.client_behind(pair[2])) then return entries.slots_of(pair) end\nif router.members.voids == 0 then return {} end\nif pair[3] <= 48 then return void_in_list(pair[4]) end\nlocal found, set = {}, pair[4]\nfor page = 1, #set, 36 do void_in_page(found, set, page) end\nlocal _, changed = slots.void_bitmap()\nfound = only_void(found)\nlocal bits = slots.void_bitmap()\nfor number, is_void in pairs(changed) do\nlocal byte = string.byte(bits, math.floor(number / 8) + 1) or 0\nlocal was_void = bit.band(byte, bit.rshift(128, number % 8)) ~= 0\nif is_void and not was_void and entries.has(pair, number) then found[#found + 1] = number end\nend\nreturn found\nend\nfunction entries.is_quiet(name)\nlocal packed = loaded_entries[name]\nif type(packed) ~= 'string' then return false end\nlocal at = 1\nwhile at <= #packed do\nlocal holder, counts_for, count, bytes = struct.unpack('<I4I4I4I4', packed, at)\nif count > 48 or is_over(holder) or is_over(counted.client_behind(counts_for)) then return false end\nlocal first = at + 16\nat = first + bytes\nfor place = first, at - 1, 4 do\nif slots.is_void(struct.unpack('<I4', packed, place)) then return false end\nend\nend\nreturn true\nend\nfunction entries.counting(all)\nfor i = 1, #all do\nif not counted.is_client(all[i][2]) then\nlocal counting = {}\nfor j = 1, #all do\nif counted.is_client(all[j][2]) then counting[#counting + 1] = all[j] end\nend\nreturn counting\nend\nend\nreturn all\nend\nlocal function not_withdrawn(all)\nif #all == 0 or not entries.may_be_withdrawn() then return all end\nlocal present = {}\nfor i = 1, #all do\nlocal pair = all[i]\nif #entries.withdrawn_of(pair) < pair[3] then present[#present + 1] = pair end\nend\nreturn present\nend\nfunction entries.present_pairs(entry)\nreturn not_withdrawn(entries.counting(entry))\nend\nfunction entries.present_clients(name)\nlocal found, entry = {}, loaded_entries[name]\nif entry and type(entry) ~= 'table' and not entries.may_be_withdrawn() then\nlocal at = 1\nwhile at <= #entry do\nlocal holder, counts_for, _, bytes = struct.unpack('<I4I4I4I4', entry, at)\nif holder ~= 0 or counts_for ~= 0 then found[#found + 1], found[#found + 2] = holder, counts_for end\nat = at + 16 + bytes\nend\nreturn found\nend\nlocal present = not_withdrawn(entries.get(name))\nfor i = 1, #present do\nlocal holder, counts_for = present[i][1], present[i][2]\nif holder ~= 0 or counts_for ~= 0 then found[#found + 1], found[#found + 2] = holder, counts_for end\nend\nreturn found\nend\nfunction entries.of_slot(slot, group)\nlocal found, kept = {}, slots.names_now(slot)\nif kept then\nfor name in string.gmatch(kept, group .. '%x*') do found[#found + 1] = name end\nelse\nlocal from = '[' .. group\nrepeat\nlocal names = entries.names_from(from, '[' .. group .. 'g', 4000)\nentries.load(names)\nfrom = '(' .. (names[#names] or '')\nuntil #names < 4000\nfor name, entry in pairs(loaded_entries) do\nlocal pair = entry and string.sub(name, 1, #group) == group\nand entries.pair(entries.get(name), slot.holder, slot.counts_for)\nif pair and entries.has(pair, slot.number) then found[#found + 1] = name end\nend\nend\ntable.sort(found)\nreturn found\nend\nfunction entries.names_from(from, to, most)\nreturn redis.call('ZRANGEBYLEX', router_keys.entries, from, to, 'LIMIT', 0, most)\nend\nfunction entries.unsaved_between(from, to)\nlocal found = {}\nfor name, entry in pairs(loaded_entries) do\nlocal is_new = type(entry) == 'table' and entry.counted and not entry.stored\nif is_new and name > from and name <= to then found[#found + 1] = name end\nend\nreturn found\nend\nfunction entries.check_types()\nredis.call('ZCARD', router_keys.entries)\nend\nfunction entries.save()\nlocal values, added, removed = {}, {}, {}\nfor name, entry in pairs(loaded_entries) do\nif type(entry) == 'table' and entry.changed then\nif entry.counted then\nlocal place = #values + 1\nvalues[place], values[place + 1] = name, pack_entry(entry)\nif not entry.stored then\nadded[#added + 1] = '0'\nadded[#added + 1] = name\nend\nelseif entry.stored then\nremoved[#removed + 1] = name\nend\nend\nend\nin_chunks(values, function(...) redis.call('HSET', router_keys.memberships, ...) end)\nin_chunks(added, function(...) redis.call('ZADD', router_keys.entries, ...) end)\nin_chunks(removed, function(...) redis.call('HDEL', router_keys.memberships, ...) end)\nin_chunks(removed, function(...) redis.call('ZREM', router_keys.entries, ...) end)\nsave_sources(added, removed)\nend\nend\nlocal member_log\ndo\nmember_log = {}\nlocal open_member_run, member_runs\nfunction member_log.begin()\nopen_member_run, member_runs = nil, {}\nend\nfunction member_log.event(type, slot, name, cause, list, by)\nlocal state = router.members\nstate.mrev, state.changed = state.mrev + 1, true\nlocal item = name .. ' ' .. slot.interface .. (list and ' ' .. list or '')\nlocal holder, counts_for = slot.holder, slot.counts_for\nif not list and open_member_run and open_member_run.type == type and open_member_run.holder == holder and open_member_run.counts_for == counts_for\nand open_member_run.cause == cause and open_member_run.by == by\nand #open_member_run.items < 256 then\nopen_member_run.items[#open_member_run.items + 1] = item\nreturn\nend\nopen_member_run = { first = state.mrev, type = type, holder = holder, counts_for = counts_for, cause = cause, by = by, items = { item } }\nmember_runs[#member_runs + 1] = open_member_run\nend\nfunction member_log.rows()\nlocal rows = {}\nfor i = 1, #member_runs do\nlocal run = member_runs[i]\nlocal client, by = run.holder ~= 0 and load_client(run.holder), run.by\nrows[i] = { run.first, run.type, client and client.session or 0, client and client.protocol_id or 0,\nclient and client.component_id or 0, counted.session(run.counts_for), run.cause, table.concat(run.items, ','),\nby and by.actor or '', by and by.why or '' }\nend\nreturn rows\nend\nfunction member_log.check_types()\nif #member_runs > 0 or router.members.restarted then redis.call('XLEN', router_keys.mlog) end\nend\nfunction member_log.save(rows, retention)\nlocal state = router.members\nif state.restarted then redis.call('DEL', router_keys.mlog) end\nif #rows == 0 then return end\nredis.call('XADD', router_keys.mlog, 'MINID', '~', text(math.max(0, state.mrev - retention)), text(state.mrev) .. '-0',\n'first', text(rows[1][1]), 'ts', text(now_ms), 'runs', cmsgpack.pack(rows))\nend\nfunction member_log.first()\nlocal oldest = redis.call('XRANGE', router_keys.mlog, '-', '+', 'COUNT', 1)[1]\nreturn oldest and tonumber(oldest[2][2]) or (router.members and router.members.mrev or 0) + 1\nend\nend\ndo\nfunction slots.relist_if_few(slot)\nlocal members = router.members\nif slot.count > 128 or slot.count == 0 or slot.void == 1 or #members.relisted == 16 then return end\nslot.named, slot.names, slot.relisted = slots.COLLECTING, ',', true\nmembers.relisted[#members.relisted + 1] = { slot.number, members.relisted_to, 0 }\nmembers.changed = true\nend\nlocal function relisted_names(slot)\nslot.names = slot.names or redis.call('GET', router_keys.names(slot.number)) or ','\nreturn slot.names\nend\nfunction slots.add_name(slot, name)\nif string.find(relisted_names(slot), ',' .. name .. ',', 1, true) then return end\nslot.names, slot.relisted, slot.changed = slot.names .. name .. ',', true, true\nend\nfunction slots.remove_name(slot, name)\nlocal from, to = string.find(relisted_names(slot), ',' .. name .. ',', 1, true)\nif not from then return end\nslot.names = string.sub(slot.names, 1, from) .. string.sub(slot.names, to + 1)\nslot.relisted = true\nend\nfunction slots.join_collecting(slot, name)\nif slot.count <= slots.NAMES_MAX then return slots.add_name(slot, name) end\nslot.named, slot.relisted = slots.UNNAMED, nil\nend\nlocal function finish_relisting(slot)\nlocal _, commas = string.gsub(relisted_names(slot), ',', '')\nslot.named, slot.changed, slot.relisted = commas - 1, true, true\nif slot.named ~= slot.count then slot.named, slot.relisted = slots.UNNAMED, nil end\nend\nfunction slots.relisted()\nlocal members, found, kept = router.members, {}, {}\nfor i = 1, #members.relisted do\nlocal one = members.relisted[i]\nlocal slot = slots.find(one[1])\nif slot and slot.named == slots.COLLECTING and not found[slot.number] then\nfound[slot.number] = slot\nkept[#kept + 1] = one\nend\nend\nif #kept < #members.relisted then members.relisted, members.changed = kept, true end\nreturn found, #kept > 0\nend\nfunction slots.relisted_up_to(name)\nlocal members, left = router.members, {}\nfor i = 1, #members.relisted do\nlocal one = members.relisted[i]\nif name == '' and one[2] == '' or one[3] == 1 and (name == '' or name >= one[2]) then\nfinish_relisting(slots.find(one[1]))\nelse\nif name == '' then one[3] = 1 end\nleft[#left + 1] = one\nend\nend\nmembers.relisted, members.relisted_to, members.changed = left, #left > 0 and name or '', true\nend\nend\nlocal routes, save_names_in\ndo\nroutes = {}\nlocal loaded_prefixes\nlocal changed_prefixes, via_changes, route_changes\nlocal found_routes, lengths_by_family\nfunction routes.begin()\nloaded_prefixes, changed_prefixes, via_changes, route_changes = {}, {}, {}, {}\nfound_routes, lengths_by_family = {}, {}\nend\nfunction routes.load(names)\nlocal missing = {}\nfor i = 1, #names do\nif names[i] ~= '' and loaded_prefixes[names[i]] == nil then\nmissing[#missing + 1] = names[i]\nloaded_prefixes[names[i]] = false\nend\nend\nif not missing[1] then return end\nlocal packed = redis.call('HMGET', router_keys.rib, unpack(missing))\nfor i = 1, #missing do loaded_prefixes[missing[i]] = packed[i] end\nend\nfunction routes.of(name)\nlocal list = loaded_prefixes[name]\nif list == nil then\nroutes.load({ name })\nlist = loaded_prefixes[name]\nend\nif type(list) ~= 'table' then\nlist = list and cmsgpack.unpack(list) or {}\nloaded_prefixes[name] = list\nend\nreturn list\nend\nfunction routes.client_of(route)\nlocal client = load_client(route[1])\nif client and client.state ~= 'ended' then return client end\nend\nfunction routes.best(list)\nlocal best\nfor i = 1, #list do\nlocal route = list[i]\nif routes.client_of(route) and (not best or route[5] < best[5]\nor route[5] == best[5] and route[1] < best[1]) then\nbest = route\nend\nend\nreturn best\nend\nlocal FIRST_BITS = { 8, 12, 14 }\nlocal function network_of(address, length)\nlocal whole, rest = math.floor(length / 4), length % 4\nlocal network = string.sub(address, 1, whole)\nif rest > 0 then\nlocal digit = tonumber(string.sub(address, whole + 1, whole + 1), 16)\nnetwork = network .. string.format('%x', bit.band(digit, FIRST_BITS[rest]))\nend\nreturn network .. string.rep('0', #address - #network)\nend\nlocal function last_address(network, length)\nlocal whole, rest = math.floor(length / 4), length % 4\nlocal last = string.sub(network, 1, whole)\nif rest > 0 then\nlocal digit = tonumber(string.sub(network, whole + 1, whole + 1), 16)\nlast = last .. string.format('%x', bit.bor(digit, 15 - FIRST_BITS[rest]))\nend\nreturn last .. string.rep('f', #network - #last)\nend\nlocal function lengths_of(family)\nlocal lengths = lengths_by_family[family]\nif lengths then return lengths end\nlengths = {}\nfor name in pairs(router.view and router.view.lengths or {}) do\nif string.sub(name, 1, 1) == family then lengths[#lengths + 1] = tonumber(string.sub(name, 2), 16) end\nend\ntable.sort(lengths, function(one, other) return one > other end)\nlengths_by_family[family] = lengths\nreturn lengths\nend\nlocal function look_up(family, source)\nlocal names, lengths = {}, lengths_of(family)\nfor i = 1, #lengths do\nnames[i] = family .. network_of(source, lengths[i]) .. string.format('%02x', lengths[i])\nend\nroutes.load(names)\nfor i = 1, #names do\nlocal best = loaded_prefixes[names[i]] and routes.best(routes.of(names[i]))\nif best then return { best, names[i] } end\nend\nreturn {}\nend\nfunction routes.to(family, source)\nlocal found = found_routes[family .. source]\nif not found then\nfound = look_up(family, source)\nfound_routes[family .. source] = found\nend\nreturn found[1], found[2]\nend\nfunction routes.iif_owner(family, source)\nlocal route = routes.to(family, source)\nif not route then return nil end\nlocal _, owner, igmp = look_at(route[2])\nreturn owner or igmp\nend\nfunction routes.range_of(name)\nlocal network, length = string.sub(name, 2, -3), tonumber(string.sub(name, -2), 16)\nlocal family = string.sub(name, 1, 1)\nreturn family .. network, family .. last_address(network, length)\nend\nlocal function note_prefix(changes, key, name, is_there)\nlocal by_name = changes[key]\nif not by_name then\nby_name = {}\nchanges[key] = by_name\nend\nby_name[name] = is_there\nend\nlocal function is_via(list, interface)\nfor i = 1, #list do\nif list[i][2] == interface then return true end\nend\nreturn false\nend\nlocal function is_same(one, other)\nreturn one ~= nil and other ~= nil and one[1] == other[1] and one[2] == other[2]\nand one[3] == other[3] and one[4] == other[4]\nend\nlocal function place_in(list, client)\nfor i = 1, #list do\nif list[i][1] == client.number then return i end\nend\nend\nlocal function count_prefix(name, by)\nlocal view = router.view\nlocal length = string.sub(name, 1, 1) .. string.sub(name, -2)\nlocal count = (view.lengths[length] or 0) + by\nview.lengths[length] = count > 0 and count or nil\nlengths_by_family = {}\nend\nlocal function count_route(client, by)\nlocal member = member_of(client)\nmember.routes, member.changed = member.routes + by, true\nrouter.view.routes = router.view.routes + by\nif client.state == 'ended' then client.requeue = true end\nend\nlocal function replace(name, list, place, client, route)\nlocal view, before = router.view, routes.best(list)\nlocal former = list[place]\nif not former then\nif #list == 0 then count_prefix(name, 1) end\ncount_route(client, 1)\nnote_prefix(route_changes, client.number, name, true)\nend\nif route then\nlist[place] = route\nelse\ntable.remove(list, place)\ncount_route(client, -1)\nnote_prefix(route_changes, client.number, name, false)\nif #list == 0 then count_prefix(name, -1) end\nend\nif former and not is_via(list, former[2]) then note_prefix(via_changes, former[2], name, false) end\nif route then note_prefix(via_changes, route[2], name, true) end\nchanged_prefixes[name], found_routes, view.changed = true, {}, true\nlocal after = routes.best(list)\nlocal is_changed = before ~= after and not is_same(before, after)\nif is_changed or client.state == 'ended' then\nview_tasks.add('p' .. name)\nif has_mfes() then view_tasks.add('P' .. name) end\nend\nend\nfunction routes.set(client, name, route)\nlocal view, list = router.view, routes.of(name)\nlocal place = place_in(list, client)\nlocal former = place and list[place]\nif former and is_same(former, route) and former[5] == route[5] then return false end\nif not former and view.routes >= router.limits.routes then return false, 'limit' end\nview_tasks.activate()\nreplace(name, list, place or #list + 1, client, route)\nview.rrev = view.rrev + 1\nreturn true\nend\nfunction routes.remove(client, name)\nlocal list = routes.of(name)\nlocal place = place_in(list, client)\nif not place then return false end\nreplace(name, list, place, client, nil)\nreturn true\nend\nfunction routes.check_types()\nredis.call('HLEN', router_keys.rib)\nredis.call('ZCARD', router_keys.prefixes)\nredis.call('ZCARD', router_keys.sources)\nend\nfunction save_names_in(key, by_name)\nlocal put, gone = {}, {}\nfor name, is_there in pairs(by_name) do\nif is_there then\nput[#put + 1] = '0'\nput[#put + 1] = name\nelse\ngone[#gone + 1] = name\nend\nend\nin_chunks(put, function(...) redis.call('ZADD', key, ...) end)\nin_chunks(gone, function(...) redis.call('ZREM', key, ...) end)\nend\nfunction routes.save()\nlocal view = router.view\nlocal put, gone, there = {}, {}, {}\nfor name in pairs(changed_prefixes) do\nlocal list = loaded_prefixes[name]\nthere[name] = #list > 0\nif #list > 0 then\nput[#put + 1] = name\nput[#put + 1] = cmsgpack.pack(list)\nelse\ngone[#gone + 1] = name\nend\nend\nin_chunks(put, function(...) redis.call('HSET', router_keys.rib, ...) end)\nin_chunks(gone, function(...) redis.call('HDEL', router_keys.rib, ...) end)\nsave_names_in(router_keys.prefixes, there)\nfor interface, by_name in pairs(via_changes) do save_names_in(router_keys.via(interface), by_name) end\nfor number, by_name in pairs(route_changes) do save_names_in(router_keys.routes(number), by_name) end\nif view.ended then redis.call('UNLINK', router_keys.sources) end\nend\nfunction routes.finish()\nlocal view = router.view\nif view.active == 1 and view.routes == 0 and view.mfes == 0 and view.tasks == 0 then\nview.active, view.changed, view.ended = 0, true, true\nend\nend\nend\nlocal alerts\ndo\nalerts = {}\nlocal MASK = { JOIN_ALERT = 1, PRUNE_ALERT = 2, LOCAL_JOIN = 4, LOCAL_LEAVE = 8, JOIN_FALSE = 1, PRUNE_FALSE = 2, LOCAL_UPDATE = 4 }\nlocal alert_runs, last_of_type, open_alerts, listeners\nlocal silent_numbers\nfunction alerts.begin()\nalert_runs, last_of_type, open_alerts, listeners, silent_numbers = {}, {}, {}, nil, {}\nend\nfunction alerts.forget_listeners()\nlisteners = nil\nend\nlocal function read_listeners()\nlisteners = {}\nlocal numbers = redis.call('ZRANGE', router_keys.alerted, 0, -1)\nlocal seen = {}\nfor i = 1, #numbers do\nlocal number = tonumber(numbers[i])\nlocal client = load_client(number)\nseen[number] = true\nif not client or client.state == 'ended' or member_of(client).alerts == 0 then\nsilent_numbers[#silent_numbers + 1] = numbers[i]\nelse\nlisteners[#listeners + 1] = client\nend\nend\nlocal new = {}\nfor number, client in pairs(clients) do\nif client and not seen[number] and client.state ~= 'ended' and client.member and client.member.alerts ~= 0 then\nnew[#new + 1] = client\nend\nend\ntable.sort(new, function(one, other) return one.number < other.number end)\nfor i = 1, #new do listeners[#listeners + 1] = new[i] end\nend\nlocal function listens(client, mask)\nreturn client.state == 'live' and bit.band(member_of(client).alerts, mask) ~= 0\nend\nlocal function items_up_to(rows, seq)\nlocal count = 0\nfor i = 1, #rows do\nif rows[i][1] <= seq then count = count + rows[i][6] end\nend\nreturn count\nend\nlocal function count_acknowledged(client, member)\nlocal found = redis.call('XRANGE', router_keys.mailbox(client.session), text(member.acked + 1) .. '-0', '+', 'COUNT', 1)[1]\nif not found then\nmember.acked_total = member.total - (client.new_items or 0)\nreturn\nend\nlocal fields = found[2]\nif not fields[6] then return end\nlocal before, rows = cmsgpack.unpack(fields[6])\nmember.acked_total = math.max(member.acked_total, before + items_up_to(rows, member.acked))\nend\nlocal function is_mailbox_full(client, member)\nif member.total - member.acked_total <= 65536 then return false end\ncount_acknowledged(client, member)\nreturn member.total - member.acked_total > 65536\nend\nlocal function is_muted(member)\nreturn member.resync > member.acked\nend\nlocal function begin_alert(type, cause, window)\nlocal run = { type = type, cause = cause, window = window, items = {}, to = {}, sessions = {}, seqs = {} }\nalert_runs[#alert_runs + 1], open_alerts[#open_alerts + 1] = run, run\nreturn run\nend\nlocal function address_to(run, client)\nclient.mailbox, client.changed = client.mailbox + 1, true\nclient.last_alert = run\nlocal place = #run.to + 1\nrun.to[place], run.sessions[place], run.seqs[place] = client, client.session, client.mailbox\nlocal queued = client.alert_runs\nif not queued then\nredis.call('XLEN', router_keys.mailbox(client.session))\nqueued = {}\nclient.alert_runs, client.items_before = queued, member_of(client).total\nend\nqueued[#queued + 1] = { run, client.mailbox }\nend\nlocal function accepts(client)\nlocal member = member_of(client)\nif is_muted(member) then return false end\nif not is_mailbox_full(client, member) then return true end\nlocal run = begin_alert('RESYNC', '', 0)\naddress_to(run, client)\nmember.resync, member.changed = client.mailbox, true\nreturn false\nend\nlocal function count_item(client)\nlocal member = member_of(client)\nmember.total, member.changed = member.total + 1, true\nclient.new_items = (client.new_items or 0) + 1\nend\nlocal function can_append(run)\nif #run.items == 256 then return false end\nfor i = 1, #run.to do\nlocal client = run.to[i]\nif client.last_alert ~= run or client.member.total - client.member.acked_total > 65536 then return false end\nend\nreturn true\nend\nlocal function append(run, item)\nrun.items[#run.items + 1] = item\nfor i = 1, #run.to do count_item(run.to[i]) end\nend\nfunction alerts.broadcast(type, cause, window, item, a, b, c, d)\nlocal run = last_of_type[type]\nif run and run.cause == cause and run.window == window and run.a == a and run.b == b and run.c == c and run.d == d\nand can_append(run) then\nreturn append(run, item)\nend\nif not listeners then read_listeners() end\nlocal mask, accepting = MASK[type], {}\nfor i = 1, #listeners do\nlocal client = listeners[i]\nlocal number = client.number\nif number ~= a and number ~= b and number ~= c and number ~= d and listens(client, mask) and accepts(client) then\naccepting[#accepting + 1] = client\nend\nend\nif #accepting == 0 then return end\nrun = begin_alert(type, cause, window)\nrun.a, run.b, run.c, run.d = a, b, c, d\nfor i = 1, #accepting do address_to(run, accepting[i]) end\nlast_of_type[type] = run\nappend(run, item)\nend\nfunction alerts.send(type, cause, window, item, number)\nlocal client = load_client(number)\nif not client or not listens(client, MASK[type]) then return end\nlocal run = client.last_alert\nif run and run.type == type and run.cause == cause and run.window == window and run.is_single and not run.mrev\nand type ~= 'LOCAL_UPDATE' and can_append(run) then\nreturn append(run, item)\nend\nif not accepts(client) then return end\nrun = begin_alert(type, cause, window)\nrun.is_single = true\naddress_to(run, client)\nappend(run, item)\nend\nfunction alerts.close()\nif #open_alerts == 0 then return end\nlocal frev = router.view and router.view.frev or 0\nfor i = 1, #open_alerts do open_alerts[i].mrev, open_alerts[i].frev = router.members.mrev, frev end\nopen_alerts, last_of_type = {}, {}\nend\nfunction alerts.acknowledge(client, seq)\nif not router.members then return end\nlocal member = member_of(client)\nif member.alerts == 0 or seq <= member.acked then return end\nmember.acked, member.changed = seq, true\nif seq == client.mailbox then member.acked_total = member.total end\nend\nlocal function text_of(run)\nif not run.text then run.text = table.concat(run.items, ',') end\nreturn run.text\nend\nlocal function mailbox_rows(client)\nif not client.alert_runs then return member_of(client).total, {}, 0 end\nlocal rows = {}\nfor i = 1, #client.alert_runs do\nlocal run, seq = client.alert_runs[i][1], client.alert_runs[i][2]\nrows[i] = { seq, run.type, run.cause, run.window, run.mrev, #run.items, text_of(run), run.frev }\nend\nreturn client.items_before, rows, rows[#rows][1]\nend\nfunction alerts.for_mailboxes()\nlocal written = {}\nfor _, client in pairs(clients) do\nlocal has_mail = client and client.state ~= 'ended'\nand (client.alert_runs or mailboxes[client.session] and member_of(client).alerts ~= 0)\nif has_mail then\nlocal before, rows, last = mailbox_rows(client)\nwritten[client.session] = { last = last, packed = cmsgpack.pack(before, rows) }\nend\nend\nreturn written\nend\nfunction alerts.published()\nlocal rows = {}\nfor i = 1, #alert_runs do\nlocal run, recipients = alert_runs[i], {}\nfor j = 1, #run.to do recipients[j] = { run.sessions[j], run.seqs[j], run.to[j].identity } end\nrows[i] = { run.type, run.cause, run.window, run.mrev, text_of(run), recipients, run.frev }\nend\nreturn rows\nend\nfunction alerts.save()\nin_chunks(silent_numbers, function(...) redis.call('ZREM', router_keys.alerted, ...) end)\nend\nend\nlocal notified\ndo\nnotified = {}\nlocal notified_clients, notified_changes\nfunction notified.begin()\nnotified_clients, notified_changes = {}, {}\nend\nfunction notified.load(names)\nif not has_view() then return end\nlocal missing = {}\nfor i = 1, #names do\nlocal name = names[i]\nif is_exact(name) and not notified_clients[name] then\nmissing[#missing + 1] = name\nnotified_clients[name] = 0\nend\nend\nif not missing[1] then return end\nlocal numbers = redis.call('HMGET', router_keys.notified, unpack(missing))\nfor i = 1, #missing do notified_clients[missing[i]] = tonumber(numbers[i] or 0) end\nend\nfunction notified.of(name)\nif not has_view() or not is_exact(name) then return 0 end\nif not notified_clients[name] then notified.load({ name }) end\nreturn notified_clients[name]\nend\nlocal function others_want(number, pairs)\nfor i = 1, #pairs do\nif pairs[i][1] ~= number and pairs[i][2] ~= number then return true end\nend\nreturn false\nend\nlocal function is_covered(number, family, group)\nreturn others_want(number, entries.present_pairs(entries.get(family .. group)))\nor others_want(number, entries.present_pairs(entries.get(family)))\nend\nfunction notified.retarget(name, pairs, cause, window, from)\nif not has_view() or not is_exact(name) then return end\npairs = entries.counting(pairs)\nlocal family, group, source = parts_of(name)\nlocal owner = #pairs > 0 and routes.iif_owner(family, source) or nil\nlocal target = owner and others_want(owner.number, pairs) and owner.number or 0\nlocal former = notified.of(name)\nif target == former then return end\nif former ~= 0 then\nlocal covered = is_covered(former, family, group) and '1' or '0'\nalerts.send('PRUNE_ALERT', cause, window, name .. ' ' .. (from or '0:') .. ' ' .. covered, former)\nend\nif target ~= 0 then alerts.send('JOIN_ALERT', cause, 0, name, target) end\nnotified_clients[name], notified_changes[name] = target, true\nrouter.members.changed = true\nend\nfunction notified.check_types()\nredis.call('HLEN', router_keys.notified)\nend\nfunction notified.save()\nlocal put, gone = {}, {}\nfor name in pairs(notified_changes) do\nif notified_clients[name] ~= 0 then\nput[#put + 1] = name\nput[#put + 1] = text(notified_clients[name])\nelse\ngone[#gone + 1] = name\nend\nend\nin_chunks(put, function(...) redis.call('HSET', router_keys.notified, ...) end)\nin_chunks(gone, function(...) redis.call('HDEL', router_keys.notified, ...) end)\nend\nend\nlocal overrides\ndo\noverrides = { ON = 'on', OFF = 'off', JOIN = 'join' }\nlocal overridden_mfes\nfunction overrides.begin()\noverridden_mfes = {}\nend\nfunction overrides.decider_of(one)\nreturn one[1]\nend\nfunction overrides.unpack(list)\nlocal set = {}\nfor i = 1, #list, 3 do set[list[i]] = { list[i + 1], list[i + 2] } end\nreturn set\nend\nfunction overrides.pack(set)\nlocal list = {}\nfor interface, one in pairs(set) do\nlocal at = #list\nlist[at + 1], list[at + 2], list[at + 3] = interface, one[1], one[2]\nend\nreturn list\nend\nfunction overrides.holds(interface, one)\nlocal record, owner, igmp = look_at(interface)\nlocal client = owner or igmp\nreturn client ~= nil and client.number == one[1] and deciding_epoch(record, owner) == one[2]\nend\nfunction overrides.add_index(members, mfe)\nfor interface in pairs(mfe.on) do members[#members + 1] = 'o' .. interface .. ' ' .. mfe.name end\nfor interface in pairs(mfe.off) do members[#members + 1] = 'v' .. interface .. ' ' .. mfe.name end\nend\nlocal function begin_override_change(mfe)\nif mfe.stored and not mfe.former_index then\nmfe.former_index = {}\noverrides.add_index(mfe.former_index, mfe)\nend\nmfe.overridden = true\noverridden_mfes[mfe] = true\nend\nfunction overrides.vetoed_in_batch(interface)\nlocal found = {}\nfor mfe in pairs(overridden_mfes) do\nif mfe.off[interface] then found[#found + 1] = mfe end\nend\nreturn found\nend\nlocal function put_override(mfe, set, other, interface, one)\nlocal former = set[interface]\nif former and former[1] == one[1] and former[2] == one[2] and not other[interface] then return false end\nbegin_override_change(mfe)\nview_tasks.note_override(interface)\nset[interface], other[interface] = one, nil\nreturn true\nend\nfunction overrides.change(mfe, kind, interface, client, epoch)\nif kind == overrides.ON then return put_override(mfe, mfe.on, mfe.off, interface, { client, epoch }) end\nif kind == overrides.OFF then return put_override(mfe, mfe.off, mfe.on, interface, { client, epoch }) end\nif not mfe.off[interface] then return false end\nbegin_override_change(mfe)\nmfe.off[interface] = nil\nreturn true\nend\nfunction overrides.tidy(mfe)\nlocal gone = {}\nfor _, set in ipairs({ mfe.on, mfe.off }) do\nfor interface, one in pairs(set) do\nif not overrides.holds(interface, one) then gone[interface] = true end\nend\nend\nif next(gone) then begin_override_change(mfe) end\nfor interface in pairs(gone) do mfe.on[interface], mfe.off[interface] = nil, nil end\nreturn gone\nend\nfunction overrides.covers(entry, name)\nreturn string.sub(name, 1, #entry) == entry\nend\nfunction overrides.follow(mfe)\nlocal rules = router.view.rules\nfor i = 1, #rules do\nlocal rule = rules[i]\nif rule[1] > mfe.rule and overrides.covers(rule[6], mfe.name) then\noverrides.change(mfe, rule[2], rule[3], rule[4], rule[5])\nend\nend\nmfe.rule = router.view.next_rule\nend\nfunction overrides.are_full()\nreturn router.view ~= nil and #router.view.rules >= 64\nend\nfunction overrides.add_rule(kind, interface, client, epoch, entry)\nlocal view = router.view\nview.next_rule, view.changed = view.next_rule + 1, true\nview.rules[#view.rules + 1] = { view.next_rule, kind, interface, client, epoch, entry }\nview_tasks.add('r' .. text(view.next_rule))\nend\nfunction overrides.entry_of(number)\nlocal rules = router.view.rules\nfor i = 1, #rules do\nif rules[i][1] == number then return rules[i][6] end\nend\nend\nfunction overrides.remove_rule(number)\nlocal view, kept = router.view, {}\nfor i = 1, #view.rules do\nif view.rules[i][1] ~= number then kept[#kept + 1] = view.rules[i] end\nend\nview.rules, view.changed = kept, true\nend\nfunction overrides.all_have(kind, interface, entry, count)\nif next(overridden_mfes) or view_tasks.is_outstanding('F' .. interface) then return false end\nlocal rules = router.view.rules\nfor i = 1, #rules do\nif rules[i][3] == interface then return false end\nend\nlocal from = (kind == overrides.ON and 'o' or 'v') .. interface .. ' ' .. entry\nreturn redis.call('ZLEXCOUNT', router_keys.mfe_index, '[' .. from, '[' .. from .. 'g') == count\nend\nfunction overrides.may_be_vetoed(interface)\nlocal rules = router.view.rules\nfor i = 1, #rules do\nif rules[i][3] == interface and rules[i][2] == overrides.OFF then return true end\nend\nreturn false\nend\nend\nlocal mfes\ndo\nmfes = { NOTHING_GIVEN = 0, UPSTREAM_GIVEN = 1, ROUTE_GIVEN = 2 }\nlocal loaded_mfes, removed_mfes\nfunction mfes.begin()\nloaded_mfes, removed_mfes = {}, {}\nend\nlocal function unpack_mfe(name, packed)\nlocal incarnation, owner, iif, epoch, rpf, created, timeout, neighbour, prefix, protocol, foreign, digest, on, off, rule,\ngiven = cmsgpack.unpack(packed)\nlocal mfe = { name = name, incarnation = incarnation, owner = owner, iif = iif, epoch = epoch, rpf = rpf,\ncreated = created, timeout = timeout, neighbour = neighbour, prefix = prefix, protocol = protocol, foreign = foreign,\ndigest = digest, on = overrides.unpack(on or {}), off = overrides.unpack(off or {}), rule = rule or 0,\ngiven = given or 0, stored = true }\noverrides.follow(mfe)\nreturn mfe\nend\nlocal function pack_mfe(mfe)\nreturn cmsgpack.pack(mfe.incarnation, mfe.owner, mfe.iif, mfe.epoch, mfe.rpf, mfe.created, mfe.timeout, mfe.neighbour,\nmfe.prefix, mfe.protocol, mfe.foreign, mfe.digest, overrides.pack(mfe.on), overrides.pack(mfe.off), mfe.rule, mfe.given)\nend\nfunction mfes.load(names)\nlocal missing = {}\nfor i = 1, #names do\nif loaded_mfes[names[i]] == nil then\nloaded_mfes[names[i]] = false\nmissing[#missing + 1] = names[i]\nend\nend\nfor first = 1, #missing, 4000 do\nlocal last = math.min(first + 4000 - 1, #missing)\nlocal packed = redis.call('HMGET', router_keys.mfe, unpack(missing, first, last))\nfor i = first, last do\nlocal one = packed[i - first + 1]\nloaded_mfes[missing[i]] = one and unpack_mfe(missing[i], one) or false\nend\nend\nend\nfunction mfes.follow_rules()\nfor _, mfe in pairs(loaded_mfes) do\nif mfe then overrides.follow(mfe) end\nend\nend\nfunction mfes.stored(name)\nif not has_mfes() then return nil end\nif loaded_mfes[name] == nil then mfes.load({ name }) end\nreturn loaded_mfes[name] or nil\nend\nfunction mfes.expires_at(mfe)\nreturn mfe.created + mfe.timeout\nend\nfunction mfes.has_expired(mfe)\nreturn service_now >= mfes.expires_at(mfe)\nend\nfunction mfes.owner_of(mfe)\nif mfe.iif == '' then return nil end\nlocal record, owner, igmp = look_at(mfe.iif)\nlocal client = owner or igmp\nlocal epoch = client and deciding_epoch(record, owner)\nif client and client.number == mfe.owner and epoch == mfe.epoch then\nreturn client, epoch_in_force(client, epoch)\nend\nend\nfunction mfes.get(name)\nlocal mfe = mfes.stored(name)\nif not mfe or mfes.has_expired(mfe) then return nil end\nif mfe.iif ~= '' and not mfes.owner_of(mfe) then return nil end\nreturn mfe\nend\nfunction mfes.create(name, timeout, incarnation)\nlocal family, group, source = parts_of(name)\nlocal route, prefix = routes.to(family, source)\nlocal mfe = { name = name, incarnation = incarnation or next_epoch(), owner = 0, iif = '', epoch = 0, rpf = '', created = service_now,\ntimeout = timeout, neighbour = '', prefix = '', protocol = 0, foreign = '', digest = '', on = {}, off = {},\nrule = router.view.next_rule, given = mfes.NOTHING_GIVEN, changed = true }\nif route then\nmfe.rpf, mfe.neighbour, mfe.prefix, mfe.protocol = route[2], route[3], prefix, route[4]\nlocal record, owner, igmp = look_at(route[2])\nlocal client = owner or igmp\nif client then\nmfe.owner, mfe.iif, mfe.epoch = client.number, route[2], deciding_epoch(record, owner)\nend\nend\nloaded_mfes[name] = mfe\nrouter.view.mfes, router.view.changed = router.view.mfes + 1, true\nreturn mfe\nend\nfunction mfes.follow_route(mfe, route, prefix)\nif bit.band(mfe.given, mfes.UPSTREAM_GIVEN) == 0 then mfe.neighbour = route[3] end\nif bit.band(mfe.given, mfes.ROUTE_GIVEN) == 0 then mfe.prefix, mfe.protocol = prefix, route[4] end\nend\nfunction mfes.note_change(mfe)\nmfe.changed, router.view.changed = true, true\nend\nfunction mfes.set_upstream(mfe, upstream)\nmfe.neighbour = upstream\nif bit.band(mfe.given, mfes.UPSTREAM_GIVEN) == 0 then mfe.given = mfe.given + mfes.UPSTREAM_GIVEN end\nmfes.note_change(mfe)\nend\nfunction mfes.set_timeout(mfe, timeout)\nif mfe.timeout == timeout then return end\nmfe.timeout, mfe.expires_anew = timeout, true\nmfes.note_change(mfe)\nend\nfunction mfes.count_covered(entry)\nreturn redis.call('ZLEXCOUNT', router_keys.mfes, '[' .. entry, '[' .. entry .. 'g')\nend\nfunction mfes.remove(mfe)\nloaded_mfes[mfe.name] = false\nif mfe.stored then removed_mfes[#removed_mfes + 1] = mfe end\nrouter.view.mfes, router.view.changed = router.view.mfes - 1, true\nend\nfunction mfes.over(most)\nif not has_mfes() then return {} end\nreturn redis.call('ZRANGEBYSCORE', router_keys.mfe_expiry, '-inf', text(service_now), 'LIMIT', 0, most)\nend\nfunction mfes.names_between(from, to, most)\nreturn redis.call('ZRANGEBYLEX', router_keys.mfes, from, to, 'LIMIT', 0, most)\nend\nfunction mfes.indexed_between(from, to, most)\nreturn redis.call('ZRANGEBYLEX', router_keys.mfe_index, from, to, 'LIMIT', 0, most)\nend\nfunction mfes.check_types()\nredis.call('HLEN', router_keys.mfe)\nredis.call('ZCARD', router_keys.mfes)\nredis.call('ZCARD', router_keys.mfe_index)\nredis.call('ZCARD', router_keys.mfe_expiry)\nend\nlocal function add_index(members, mfe)\nmembers[#members + 1] = 's' .. turned(mfe.name)\nif mfe.iif ~= '' and mfe.iif ~= mfe.rpf then members[#members + 1] = 'i' .. mfe.iif .. ' ' .. mfe.name end\noverrides.add_index(members, mfe)\nend\nlocal function add_left_index(members, mfe)\nlocal there, present = {}, {}\nadd_index(present, mfe)\nfor i = 1, #present do there[present[i]] = true end\nfor _, member in ipairs(mfe.former_index or {}) do\nif not there[member] then members[#members + 1] = member end\nend\nend\nlocal function remove_stored()\nlocal names, members = {}, {}\nfor i = 1, #removed_mfes do\nnames[i] = removed_mfes[i].name\nadd_index(members, removed_mfes[i])\nadd_left_index(members, removed_mfes[i])\nend\nin_chunks(names, function(...) redis.call('HDEL', router_keys.mfe, ...) end)\nin_chunks(names, function(...) redis.call('ZREM', router_keys.mfes, ...) end)\nin_chunks(names, function(...) redis.call('ZREM', router_keys.mfe_expiry, ...) end)\nin_chunks(members, function(...) redis.call('ZREM', router_keys.mfe_index, ...) end)\nend\nlocal function scored(members, score)\nlocal pairs = {}\nfor i = 1, #members do pairs[2 * i - 1], pairs[2 * i] = score, members[i] end\nreturn pairs\nend\nfunction mfes.save()\nremove_stored()\nlocal values, names, expiries, members, left = {}, {}, {}, {}, {}\nfor name, mfe in pairs(loaded_mfes) do\nif mfe and mfe.changed then\nvalues[#values + 1] = name\nvalues[#values + 1] = pack_mfe(mfe)\nif not mfe.stored then names[#names + 1] = name end\nif not mfe.stored or mfe.expires_anew then\nexpiries[#expiries + 1] = text(mfes.expires_at(mfe))\nexpiries[#expiries + 1] = name\nend\nif not mfe.stored or mfe.former_index then\nadd_index(members, mfe)\nadd_left_index(left, mfe)\nend\nend\nend\nin_chunks(values, function(...) redis.call('HSET', router_keys.mfe, ...) end)\nin_chunks(scored(names, '0'), function(...) redis.call('ZADD', router_keys.mfes, ...) end)\nin_chunks(expiries, function(...) redis.call('ZADD', router_keys.mfe_expiry, ...) end)\nin_chunks(left, function(...) redis.call('ZREM', router_keys.mfe_index, ...) end)\nin_chunks(scored(members, '0'), function(...) redis.call('ZADD', router_keys.mfe_index, ...) end)\nend\nend\nlocal interface_limits\ndo\ninterface_limits = {}\nlocal loaded_limits, loaded_groups\nfunction interface_limits.begin()\nloaded_limits, loaded_groups = {}, {}\nend\nlocal function has_limited()\nreturn router.members ~= nil and router.members.limited > 0\nend\nlocal function unpack_limits(packed)\nlocal max_groups, max_entries, lite, groups, owner, igmp, position = cmsgpack.unpack(packed)\nreturn { max_groups = max_groups, max_entries = max_entries, lite = lite, groups = groups,\ncounted = { [slots.OWNER] = owner == 1, [slots.IGMP] = igmp == 1 }, position = position, stored = true }\nend\nlocal function pack_limits(limits)\nreturn cmsgpack.pack(limits.max_groups, limits.max_entries, limits.lite, limits.groups,\nlimits.counted[slots.OWNER] and 1 or 0, limits.counted[slots.IGMP] and 1 or 0, limits.position)\nend\nfunction interface_limits.of(interface)\nif not has_limited() then return nil end\nif loaded_limits[interface] == nil then\nlocal packed = redis.call('GET', router_keys.set(interface))\nloaded_limits[interface] = packed and unpack_limits(packed) or false\nend\nlocal limits = loaded_limits[interface]\nreturn limits and not limits.is_over and limits or nil\nend\nfunction interface_limits.is_lite(interface)\nlocal limits = interface_limits.of(interface)\nreturn limits ~= nil and limits.lite == 1\nend\nlocal function counted_group(name)\nif #name == 1 then return nil end\nreturn string.sub(name, 1, string.sub(name, 1, 1) == '4' and 9 or 33)\nend\nlocal function groups_of(interface)\nlocal groups = loaded_groups[interface]\nif not groups then\ngroups = { counts = {} }\nloaded_groups[interface] = groups\nend\nreturn groups\nend\nlocal function count_in(interface, group)\nlocal groups = groups_of(interface)\nlocal count = groups.counts[group]\nif not count then\ncount = not groups.is_new and tonumber(redis.call('HGET', router_keys.groups(interface), group) or 0) or 0\ngroups.counts[group] = count\nend\nreturn count\nend\nlocal function add_count(interface, limits, name, by)\nlocal group = counted_group(name)\nif not group or by == 0 then return end\nlocal before = count_in(interface, group)\ngroups_of(interface).counts[group], limits.changed = before + by, true\nif before == 0 then limits.groups = limits.groups + 1 end\nif before + by == 0 then limits.groups = limits.groups - 1 end\nend\nlocal function count_of_slots(name, present)\nlocal entry, count = entries.get(name), 0\nfor i = 1, #present do\nlocal slot = present[i]\nlocal pair = entries.pair(entry, slot.holder, slot.counts_for)\nif pair and entries.has(pair, slot.number) then count = count + 1 end\nend\nreturn count\nend\nlocal function present_on(interface)\nlocal present = {}\nfor _, place in ipairs({ slots.OWNER, slots.IGMP, slots.HOME }) do\npresent[#present + 1] = slots.present(interface, place)\nend\nreturn present\nend\nfunction interface_limits.count_more(interface, most)\nlocal limits = interface_limits.of(interface)\nif not limits or limits.max_groups == 0 or limits.position == 'g' then return 0 end\nlocal present, from = present_on(interface), limits.position\nlocal names = #present > 0 and entries.names_from(from == '' and '-' or '(' .. from, '+', most) or {}\nlimits.position, limits.changed = #names == most and names[most] or 'g', true\nentries.load(names)\nlocal unsaved = entries.unsaved_between(from, limits.position)\nfor i = 1, #unsaved do names[#names + 1] = unsaved[i] end\nfor i = 1, #names do add_count(interface, limits, names[i], count_of_slots(names[i], present)) end\nreturn #names\nend\nlocal function is_outdated(interface, limits)\nfor place, is_counted in pairs(limits.counted) do\nif is_counted and not slots.present(interface, place) then return true end\nend\nreturn false\nend\nlocal function count_anew(interface, limits)\nloaded_groups[interface] = { counts = {}, is_new = true }\nlimits.groups, limits.position, limits.counted, limits.changed = 0, '', {}, true\nif limits.max_groups == 0 then return end\nfor _, place in ipairs({ slots.OWNER, slots.IGMP }) do\nlimits.counted[place] = slots.present(interface, place) ~= nil\nend\ninterface_limits.count_more(interface, 1000)\nif limits.position ~= 'g' then view_tasks.add_always('g' .. interface) end\nend\nlocal function counting_limits(interface)\nlocal limits = interface_limits.of(interface)\nif not limits or limits.max_groups == 0 then return nil end\nlocal is_new = is_outdated(interface, limits)\nif is_new then count_anew(interface, limits) end\nreturn limits, is_new\nend\nlocal function memberships_on(interface)\nlocal count, present = 0, present_on(interface)\nfor i = 1, #present do count = count + present[i].count end\nreturn count\nend\nfunction interface_limits.forbids(interface, name, count)\nlocal limits = interface_limits.of(interface)\nif not limits then return false end\nlocal after = memberships_on(interface) + (count or 1)\nif limits.max_entries > 0 and after > limits.max_entries then return true end\nlocal is_counting = counting_limits(interface)\nlocal group = counted_group(name)\nif not group or not is_counting then return false end\nreturn limits.groups >= limits.max_groups and count_in(interface, group) == 0\nend\nfunction interface_limits.note_joined(interface, place, name)\nlocal limits = counting_limits(interface)\nif not limits then return end\nif place ~= slots.HOME then limits.counted[place], limits.changed = true, true end\nif name <= limits.position then add_count(interface, limits, name, 1) end\nend\nfunction interface_limits.note_left(slot, name)\nlocal limits, is_new = counting_limits(slot.interface)\nif not limits then return end\nif not is_new and name <= limits.position then add_count(slot.interface, limits, name, -1) end\nif slot.count == 0 and slot.place ~= slots.HOME then limits.counted[slot.place] = false end\nend\nfunction interface_limits.set(interface, max_groups, max_entries, lite)\nif not router.members then begin_members() end\nlocal former = interface_limits.of(interface) or { max_groups = 0, max_entries = 0, lite = 0 }\nlocal limits = { max_groups = max_groups or former.max_groups, max_entries = max_entries or former.max_entries,\nlite = lite or former.lite, groups = former.groups or 0, counted = former.counted or {},\nposition = former.position or '', stored = former.stored, changed = true }\nlocal changed = {}\nif limits.max_groups ~= former.max_groups then changed[1] = 'maxGroups=' .. text(limits.max_groups) end\nif limits.max_entries ~= former.max_entries then changed[#changed + 1] = 'maxEntries=' .. text(limits.max_entries) end\nif limits.lite ~= former.lite then changed[#changed + 1] = 'lite=' .. (limits.lite == 1 and 'true' or 'false') end\nif not changed[1] then return former, '' end\nlocal members = router.members\nlocal was, is = interface_limits.of(interface) ~= nil, limits.max_groups + limits.max_entries + limits.lite > 0\nmembers.limited, members.changed = members.limited + (is and 1 or 0) - (was and 1 or 0), true\nlimits.is_over = not is\nloaded_limits[interface] = limits\nif limits.lite ~= former.lite and has_mfes() then\nview_tasks.add('madmin 4')\nview_tasks.add('madmin 6')\nend\nif (limits.max_groups == 0) ~= (former.max_groups == 0) then count_anew(interface, limits) end\nreturn former, table.concat(changed, ',')\nend\nlocal function save_groups(interface, groups)\nlocal key = router_keys.groups(interface)\nif groups.is_new then redis.call('DEL', key) end\nlocal put, gone = {}, {}\nfor group, count in pairs(groups.counts) do\nif count > 0 then\nput[#put + 1] = group\nput[#put + 1] = text(count)\nelse\ngone[#gone + 1] = group\nend\nend\nin_chunks(put, function(...) redis.call('HSET', key, ...) end)\nin_chunks(gone, function(...) redis.call('HDEL', key, ...) end)\nend\nfunction interface_limits.save()\nfor interface, limits in pairs(loaded_limits) do\nif limits and limits.is_over then\nredis.call('DEL', router_keys.set(interface), router_keys.groups(interface))\nelseif limits and limits.changed then\nredis.call('SET', router_keys.set(interface), pack_limits(limits))\nif loaded_groups[interface] then save_groups(interface, loaded_groups[interface]) end\nend\nend\nend\nend\nlocal oifs\ndo\noifs = {}\nlocal NO_OUTLETS = { all = {}, filtered = {} }\nlocal function outlets_of(name, memo)\nlocal outlets = memo[name]\nif outlets then return outlets end\nlocal entry = entries.get(name)\nif not entry[1] then return NO_OUTLETS end\noutlets = { all = {}, filtered = {} }\nlocal counting = entries.counting(entry)\nlocal may_be_withdrawn = entries.may_be_withdrawn()\nfor i = 1, #counting do\nlocal pair, withdrawn = counting[i], {}\nlocal numbers = entries.slots_of(pair)\nslots.load(numbers)\nlocal gone = may_be_withdrawn and entries.withdrawn_of(pair) or {}\nfor j = 1, #gone do withdrawn[gone[j]] = true end\nfor j = 1, #numbers do\nlocal slot = slots.get(numbers[j])\nlocal list = not withdrawn[slot.number] and excludes.of(slot, name)\nif list == '' or list and interface_limits.is_lite(slot.interface) then\noutlets.all[slot.interface] = pair[2]\nelseif list then\noutlets.filtered[#outlets.filtered + 1] = { slot.interface, pair[2], list }\nend\nend\nend\nmemo[name] = outlets\nreturn outlets\nend\nlocal function by_number(one, other)\nif one[2] ~= other[2] then return one[2] < other[2] end\nreturn one[1] < other[1]\nend\nlocal function in_order(found)\nlocal first = next(found)\nif not first then return {} end\nif not next(found, first) then return { first } end\nlocal rows, names = {}, {}\nfor interface in pairs(found) do\nrows[#rows + 1] = { interface, tonumber(string.match(interface, '^%d+')) }\nend\ntable.sort(rows, by_number)\nfor i = 1, #rows do names[i] = rows[i][1] end\nreturn names\nend\nlocal function override(mfe, found)\nfor interface, one in pairs(mfe.on) do\nif interface ~= mfe.iif and overrides.holds(interface, one) then found[interface] = overrides.decider_of(one) end\nend\nfor interface, one in pairs(mfe.off) do\nif found[interface] and overrides.holds(interface, one) then found[interface] = nil end\nend\nend\nfunction oifs.of(mfe, memo)\nif mfe.iif == '' then return {}, '' end\nlocal family, group, source = parts_of(mfe.name)\nlocal found = {}\nfor _, name in ipairs({ family, family .. group, mfe.name }) do\nlocal outlets = outlets_of(name, memo)\nfor interface, client in pairs(outlets.all) do\nif interface ~= mfe.iif then found[interface] = client end\nend\nfor i = 1, #outlets.filtered do\nlocal interface, client, list = unpack(outlets.filtered[i])\nif interface ~= mfe.iif and not excludes.has(list, source) then found[interface] = client end\nend\nend\noverride(mfe, found)\nlocal names = in_order(found)\nfor i = 1, #names do\nif found[names[i]] ~= mfe.owner then return names, names[i] end\nend\nreturn names, ''\nend\nfunction oifs.shape(mfe, names)\nlocal client, epoch = mfes.owner_of(mfe)\nlocal listed = #names <= 16384 and table.concat(names, ',') or table.concat(names, ',', 1, 16384)\nreturn { mfe.name, mfe.incarnation, mfe.iif, epoch or 0, client and client.protocol_id or 0,\nclient and client.session or 0, mfe.neighbour, mfe.prefix, mfe.protocol, service_now - mfe.created,\nmfes.expires_at(mfe) - service_now, mfe.timeout, listed, #names, mfe.foreign ~= '' and 1 or 0 }\nend\nend\nlocal fib_log\ndo\nfib_log = {}\nlocal fib_items, fib_places, fib_before\nfunction fib_log.begin()\nfib_items, fib_places, fib_before = {}, {}, nil\nend\nlocal function note_item(name, item)\nlocal place = fib_places[name]\nif not place then\nlocal view = router.view\nfib_before = fib_before or view.frev\nview.frev, view.changed = view.frev + 1, true\nplace = #fib_items + 1\nfib_places[name] = place\nend\nfib_items[place] = item\nend\nfunction fib_log.set(mfe, names)\nlocal shape = oifs.shape(mfe, names)\nnote_item(mfe.name, { 'set', mfe.name, mfe.incarnation, '', shape })\nreturn shape\nend\nfunction fib_log.delete(mfe, cause)\nnote_item(mfe.name, { 'del', mfe.name, mfe.incarnation, cause, {} })\nend\nfunction fib_log.close()\nfib_places = {}\nend\nfunction fib_log.size_of_mfe(mfe)\nreturn #(mfe[13] or '') + 400\nend\nlocal function size_of(item)\nreturn fib_log.size_of_mfe(item[5])\nend\nfunction fib_log.size_of(message)\nlocal bytes = 0\nfor i = 1, #message[3] do bytes = bytes + size_of(message[3][i]) end\nreturn bytes\nend\nfunction fib_log.messages()\nlocal messages, items, bytes = {}, nil, 0\nfor i = 1, #fib_items do\nlocal size = size_of(fib_items[i])\nif not items or #items == 256 or bytes + size > 200000 then\nitems, bytes = {}, 0\nmessages[#messages + 1] = { fib_before + i, now_ms, items }\nend\nitems[#items + 1] = fib_items[i]\nbytes = bytes + size\nend\nreturn messages\nend\nfunction fib_log.first()\nlocal oldest = redis.call('XRANGE', router_keys.flog, '-', '+', 'COUNT', 1)[1]\nreturn oldest and tonumber(oldest[2][2]) or (router.view and router.view.frev or 0) + 1\nend\nfunction fib_log.check_types()\nif #fib_items > 0 or router.members.restarted then redis.call('XLEN', router_keys.flog) end\nend\nfunction fib_log.save(messages)\nif router.members.restarted then redis.call('DEL', router_keys.flog) end\nlocal kept_from = text(math.max(0, router.view.frev - 100000))\nfor i = 1, #messages do\nlocal first, ts, items = unpack(messages[i])\nredis.call('XADD', router_keys.flog, 'MINID', '~', kept_from, text(first + #items - 1) .. '-0',\n'first', text(first), 'ts', text(ts), 'items', cmsgpack.pack(items))\nend\nend\nfunction fib_log.after(number, most)\nlocal found = redis.call('XRANGE', router_keys.flog, '(' .. text(number) .. '-0', '+', 'COUNT', most)\nlocal messages = {}\nfor i = 1, #found do\nlocal fields = found[i][2]\nmessages[i] = { tonumber(fields[2]), tonumber(fields[4]), cmsgpack.unpack(fields[6]) }\nend\nreturn messages\nend\nend\nlocal agents, is_changed\ndo\nagents = {}\nlocal reported_frevs, failure_changes, reporters\nfunction agents.begin()\nreported_frevs, failure_changes, reporters = {}, {}, {}\nend\nfunction agents.live(session)\nlocal client = reporters[session]\nif client == nil then\nclient = find_client('s:' .. text(session)) or false\nreporters[session] = client\nend\nreturn client and client.session == session and client.state == 'live' and client or nil\nend\nfunction agents.remember(client)\nlocal member = member_of(client)\nif member.agent == 0 then member.agent, member.changed = 1, true end\nend\nfunction agents.programmed(client, frev)\nlocal last = router.view and router.view.frev or 0\nagents.remember(client)\nreported_frevs[client.session] = math.min(frev, last)\nend\nfunction agents.count_failure(session, change)\nfailure_changes[session] = (failure_changes[session] or 0) + change\nend\nfunction agents.lowest()\nlocal lowest = -1\nfor session, frev in pairs(reported_frevs) do\nif (lowest < 0 or frev < lowest) and agents.live(session) then lowest = frev end\nend\nlocal found = redis.call('ZRANGE', router_keys.programmed, 0, 64, 'WITHSCORES')\nfor i = 1, #found, 2 do\nlocal session, frev = tonumber(found[i]), tonumber(found[i + 1])\nif i > 2 * 64 or not reported_frevs[session] and agents.live(session) then\nreturn lowest < 0 and frev or math.min(lowest, frev)\nend\nend\nreturn lowest\nend\nfunction agents.page(after, most)\nlocal sessions = redis.call('ZRANGEBYSCORE', router_keys.agents, '(' .. text(after), '+inf', 'LIMIT', 0, most)\nif #sessions == 0 then return {}, 0 end\nlocal failures = redis.call('HMGET', router_keys.failures, unpack(sessions))\nlocal rows = {}\nfor i = 1, #sessions do\nlocal session = tonumber(sessions[i])\nlocal client = agents.live(session)\nif client then\nlocal frev = redis.call('ZSCORE', router_keys.programmed, sessions[i])\nrows[#rows + 1] = { session, client.name, tonumber(frev or 0), tonumber(failures[i] or 0) }\nend\nend\nreturn rows, #sessions == most and tonumber(sessions[#sessions]) or 0\nend\nfunction is_changed()\nreturn next(reported_frevs) or next(failure_changes) or #gone_agents > 0\nend\nfunction agents.check_types()\nif not is_changed() then return end\nredis.call('ZCARD', router_keys.agents)\nredis.call('ZCARD', router_keys.programmed)\nredis.call('HLEN', router_keys.failures)\nend\nlocal function forget_gone()\nlocal sessions = {}\nfor i = 1, #gone_agents do sessions[i] = text(gone_agents[i]) end\nin_chunks(sessions, function(...) redis.call('ZREM', router_keys.agents, ...) end)\nin_chunks(sessions, function(...) redis.call('ZREM', router_keys.programmed, ...) end)\nin_chunks(sessions, function(...) redis.call('HDEL', router_keys.failures, ...) end)\nend\nfunction agents.save()\nlocal members, scores = {}, {}\nfor session, frev in pairs(reported_frevs) do\nlocal number, place = text(session), #members + 1\nmembers[place], members[place + 1] = number, number\nscores[place], scores[place + 1] = text(frev), number\nend\nin_chunks(members, function(...) redis.call('ZADD', router_keys.agents, ...) end)\nin_chunks(scores, function(...) redis.call('ZADD', router_keys.programmed, ...) end)\nfor session, change in pairs(failure_changes) do\nlocal number = text(session)\nif change ~= 0 and redis.call('HINCRBY', router_keys.failures, number, text(change)) <= 0 then\nredis.call('HDEL', router_keys.failures, number)\nend\nend\nforget_gone()\nend\nend\nlocal mfe_reports\ndo\nmfe_reports = {}\nlocal loaded_reports\nfunction mfe_reports.begin()\nloaded_reports = { failed = {}, stats = {} }\nend\nlocal function reports_key(kind)\nreturn kind == 'failed' and router_keys.mfe_failed or router_keys.mfe_stats\nend\nfunction mfe_reports.load(kind, names)\nlocal loaded, missing = loaded_reports[kind], {}\nfor i = 1, #names do\nif loaded[names[i]] == nil then\nloaded[names[i]] = false\nmissing[#missing + 1] = names[i]\nend\nend\nfor first = 1, #missing, 4000 do\nlocal last = math.min(first + 4000 - 1, #missing)\nlocal packed = redis.call('HMGET', reports_key(kind), unpack(missing, first, last))\nfor i = first, last do\nlocal one = packed[i - first + 1]\nif one then\nlocal incarnation, rows = cmsgpack.unpack(one)\nloaded[missing[i]] = { incarnation = incarnation, rows = rows }\nend\nend\nend\nend\nlocal function stored_rows(kind, mfe)\nlocal record = loaded_reports[kind][mfe.name]\nif record == nil then\nmfe_reports.load(kind, { mfe.name })\nrecord = loaded_reports[kind][mfe.name]\nend\nreturn record and record.incarnation == mfe.incarnation and record.rows or {}\nend\nfunction mfe_reports.rows(kind, mfe)\nlocal rows, live = stored_rows(kind, mfe), {}\nfor i = 1, #rows do\nif agents.live(rows[i][1]) then live[#live + 1] = rows[i] end\nend\nreturn live\nend\nfunction mfe_reports.of_session(kind, mfe, session)\nlocal rows = stored_rows(kind, mfe)\nfor i = 1, #rows do\nif rows[i][1] == session then return rows[i][2] end\nend\nend\nfunction mfe_reports.set(kind, mfe, client, report)\nlocal others, had = {}, 0\nlocal rows = mfe_reports.rows(kind, mfe)\nfor i = 1, #rows do\nif rows[i][1] == client.session then had = 1 else others[#others + 1] = rows[i] end\nend\nlocal has = report ~= nil and #others < 64 and 1 or 0\nif has == 1 then others[#others + 1] = { client.session, report } end\nloaded_reports[kind][mfe.name] = { incarnation = mfe.incarnation, rows = others, changed = true }\nrouter.view.changed = true\nreturn has - had\nend\nfunction mfe_reports.fail(mfe, client, reason)\nlocal change = mfe_reports.set('failed', mfe, client, reason ~= '' and reason or nil)\nif change == 0 then return end\nagents.remember(client)\nagents.count_failure(client.session, change)\nend\nfunction mfe_reports.failures(mfe)\nlocal rows = mfe_reports.rows('failed', mfe)\nreturn { unpack(rows, 1, math.min(#rows, 16)) }\nend\nfunction mfe_reports.count(mfe, client, counters, by_oif)\nlocal before = mfe_reports.of_session('stats', mfe, client.session)\nlocal merged, places = before and before[2] or {}, 16384\nfor _ in pairs(merged) do places = places - 1 end\nfor name, values in pairs(by_oif) do\nif not merged[name] then places = places - 1 end\nif merged[name] or places >= 0 then merged[name] = values end\nend\nmfe_reports.set('stats', mfe, client, { counters, merged })\nend\nlocal function sum(one, other)\nreturn math.min(one + other, 9007199254740991)\nend\nfunction mfe_reports.sums(mfe, names, count)\nlocal rows, counters, oif_counters, out_packets = mfe_reports.rows('stats', mfe), {}, {}, 0\nfor i = 1, 8 do counters[i] = 0 end\nfor i = 1, rows[1] and count * 4 or 0 do oif_counters[i] = 0 end\nfor i = 1, #rows do\nlocal own, by_oif = unpack(rows[i][2])\nfor j = 1, 8 do counters[j] = sum(counters[j], own[j]) end\nfor _, values in pairs(by_oif) do out_packets = sum(out_packets, values[3]) end\nfor j = 1, count do\nlocal values, first = by_oif[names[j]], (j - 1) * 4\nfor k = 1, values and 4 or 0 do\noif_counters[first + k] = sum(oif_counters[first + k], values[k])\nend\nend\nend\nreturn { counters, oif_counters, out_packets }\nend\nfunction mfe_reports.drop(mfe)\nlocal rows = stored_rows('failed', mfe)\nfor i = 1, #rows do agents.count_failure(rows[i][1], -1) end\nfor _, loaded in pairs(loaded_reports) do\nloaded[mfe.name] = { incarnation = mfe.incarnation, rows = {}, changed = true }\nend\nend\nfunction mfe_reports.check_types()\nredis.call('HLEN', router_keys.mfe_failed)\nredis.call('HLEN', router_keys.mfe_stats)\nend\nfunction mfe_reports.save()\nfor kind, loaded in pairs(loaded_reports) do\nlocal key, values, gone = reports_key(kind), {}, {}\nfor name, record in pairs(loaded) do\nif record and record.changed then\nif #record.rows == 0 then\ngone[#gone + 1] = name\nelse\nvalues[#values + 1] = name\nvalues[#values + 1] = cmsgpack.pack(record.incarnation, record.rows)\nend\nend\nend\nin_chunks(gone, function(...) redis.call('HDEL', key, ...) end)\nin_chunks(values, function(...) redis.call('HSET', key, ...) end)\nend\nend\nend\nlocal mfe_changes\ndo\nmfe_changes = {}\nlocal noted, false_alerts\nfunction mfe_changes.begin()\nnoted, false_alerts = {}, {}\nend\nfunction mfe_changes.note(name, cause)\nif has_mfes() and not noted[name] then noted[name] = cause end\nend\nlocal function alert(type, cause, mfe, number, interface)\nlocal item = mfe.name .. (interface and ' ' .. interface or '') .. ' ' .. text(mfe.incarnation)\nlocal place = #false_alerts + 1\nfalse_alerts[place] = { mfe.name, type, cause, item, number, place }\nend\nlocal function digest_of(mfe, names)\nlocal client, epoch = mfes.owner_of(mfe)\nlocal shown = { client and client.session or 0, epoch or 0, mfe.neighbour, mfe.prefix, mfe.protocol, mfe.timeout,\n#names, table.concat(names, ',') }\nreturn string.sub(redis.sha1hex(cmsgpack.pack(shown)), 1, 16)\nend\nlocal function refresh(mfe, cause, memo)\nlocal gone = overrides.tidy(mfe)\nif mfe.overridden then\nmfe.overridden = nil\nmfes.note_change(mfe)\nend\nlocal names, foreign = oifs.of(mfe, memo)\nif gone[foreign ~= '' and foreign or mfe.foreign] then cause = 'forward' end\nif foreign ~= '' and mfe.foreign == '' then\nalert('JOIN_FALSE', cause, mfe, mfe.owner)\nelseif foreign == '' and mfe.foreign ~= '' then\nalert('PRUNE_FALSE', cause, mfe, mfe.owner, mfe.foreign)\nend\nlocal digest = digest_of(mfe, names)\nif foreign == mfe.foreign and digest == mfe.digest then return end\nlocal is_shown = digest ~= mfe.digest or (foreign == '') ~= (mfe.foreign == '')\nmfe.foreign, mfe.digest = foreign, digest\nmfes.note_change(mfe)\nif is_shown then fib_log.set(mfe, names) end\nend\nfunction mfe_changes.load(names)\nlocal wanted = {}\nfor i = 1, #names do\nif names[i] ~= '' then\nlocal family, group = parts_of(names[i])\nwanted[#wanted + 1] = family\nwanted[#wanted + 1] = family .. group\nwanted[#wanted + 1] = names[i]\nend\nend\nentries.load(wanted)\nmfes.load(names)\nend\nfunction mfe_changes.create(name, memo, incarnation, prepare)\nlocal mfe = mfes.create(name, 900000, incarnation)\nif prepare then prepare(mfe) end\nlocal names, foreign = oifs.of(mfe, memo)\nmfe.foreign, mfe.digest = foreign, digest_of(mfe, names)\nlocal shape = fib_log.set(mfe, names)\nif foreign ~= '' then\nalert('JOIN_FALSE', 'created', mfe, mfe.owner)\nelseif #names == 0 and mfe.iif ~= '' then\nalert('PRUNE_FALSE', 'created', mfe, mfe.owner, mfe.iif)\nend\nreturn shape\nend\nlocal function delete_mfe(mfe, cause)\nfib_log.delete(mfe, cause)\nmfe_reports.drop(mfe)\nmfes.remove(mfe)\nend\nlocal function dismiss(mfe, cause)\nif mfe.foreign ~= '' then alert('PRUNE_FALSE', cause, mfe, mfe.owner, mfe.iif) end\ndelete_mfe(mfe, cause)\nend\nlocal function is_beside_owner(mfe)\nlocal record, _, igmp = look_at(mfe.iif)\nreturn igmp and igmp.number == mfe.owner and record[5] <= mfe.epoch\nend\nfunction mfe_changes.review(name, cause, memo)\nlocal mfe = mfes.stored(name)\nif not mfe then return end\nif mfes.has_expired(mfe) then return delete_mfe(mfe, 'timeout') end\nif mfe.iif ~= '' and not mfes.owner_of(mfe) then\nif is_beside_owner(mfe) then return dismiss(mfe, 'iif-moved') end\nreturn delete_mfe(mfe, 'iif-moved')\nend\nlocal family, _, source = parts_of(name)\nlocal route, prefix = routes.to(family, source)\nif (route and route[2] or '') ~= mfe.rpf then return dismiss(mfe, 'route') end\nif mfe.iif == '' and route and routes.iif_owner(family, source) then return delete_mfe(mfe, 'iif-moved') end\nif route then mfes.follow_route(mfe, route, prefix) end\nrefresh(mfe, cause, memo)\nend\nfunction mfe_changes.review_covered(entry, after, most, cause)\nlocal from = after == '' and '[' .. entry or '(' .. after\nlocal names = mfes.names_between(from, '[' .. entry .. 'g', most)\nlocal memo = {}\nmfes.load(names)\nfor i = 1, #names do mfe_changes.review(names[i], cause, memo) end\nreturn #names, names[#names] or ''\nend\nfunction mfe_changes.override(kind, interface, client, epoch, entry)\nif not has_mfes() then return 0, false end\nlocal count = mfes.count_covered(entry)\nif count > 64 then\nif overrides.all_have(kind, interface, entry, count) then return count, false end\noverrides.add_rule(kind, interface, client, epoch, entry)\nmfes.follow_rules()\nreturn count, true\nend\nlocal names = mfes.names_between('[' .. entry, '[' .. entry .. 'g', 64)\nmfes.load(names)\nlocal matched, is_changed = 0, false\nfor i = 1, #names do\nlocal mfe = mfes.get(names[i])\nif mfe then\nmatched = matched + 1\nif overrides.change(mfe, kind, interface, client, epoch) then\nis_changed = true\nmfes.note_change(mfe)\nend\nend\nend\nif is_changed then mfe_changes.note(entry, 'forward') end\nreturn matched, is_changed\nend\nfunction mfe_changes.undo_vetoes(interface, client, epoch, entry)\nif not has_mfes() then return end\nlocal from = 'v' .. interface .. ' ' .. entry\nlocal found = mfes.indexed_between('[' .. from, '[' .. from .. 'g', 64 + 1)\nif #found > 64 or overrides.may_be_vetoed(interface) then\noverrides.add_rule(overrides.JOIN, interface, client, epoch, entry)\nreturn mfes.follow_rules()\nend\nlocal vetoed = overrides.vetoed_in_batch(interface)\nfor i = 1, #found do vetoed[#vetoed + 1] = mfes.stored(string.match(found[i], ' (.*)$')) end\nfor i = 1, #vetoed do\nlocal mfe = vetoed[i]\nif overrides.covers(entry, mfe.name) and overrides.change(mfe, overrides.JOIN, interface) then\nmfes.note_change(mfe)\nmfe_changes.note(mfe.name, 'forward')\nend\nend\nend\nfunction mfe_changes.expire(most)\nlocal names = mfes.over(most)\nmfes.load(names)\nmfe_reports.load('failed', names)\nfor i = 1, #names do mfe_changes.review(names[i], 'timeout', {}) end\nreturn #names == most\nend\nfunction mfe_changes.review_noted()\nlocal names = {}\nfor name in pairs(noted) do names[#names + 1] = name end\nif not names[1] then return 0 end\ntable.sort(names)\nlocal left = 256\nfor i = 1, #names do\nlocal name = names[i]\nlocal most = math.min(left, 64)\nlocal count, last = 0, ''\nif most > 0 then count, last = mfe_changes.review_covered(name, '', most, noted[name]) end\nleft = left - count\nlocal is_more = count == most and (most == 0 or mfes.names_between('(' .. last, '[' .. name .. 'g', 1)[1])\nif is_more then view_tasks.add('m' .. noted[name] .. ' ' .. name) end\nend\nnoted = {}\nreturn 256 - left\nend\nlocal function by_name_and_place(one, other)\nif one[1] ~= other[1] then return one[1] < other[1] end\nreturn one[6] < other[6]\nend\nfunction mfe_changes.close()\nif not router.members then return end\nmfe_changes.review_noted()\ntable.sort(false_alerts, by_name_and_place)\nfor i = 1, #false_alerts do\nlocal one = false_alerts[i]\nalerts.send(one[2], one[3], 0, one[4], one[5])\nend\nfalse_alerts = {}\nfib_log.close()\nalerts.close()\nend\nend\nlocal raise, purge, settle_slice\ndo\nlocal RAISES = { [1] = true, [9] = true, [33] = true }\nlocal function in_every(pairs)\nlocal first = pairs[1]\nlocal a, b = first[1], first[2]\nif b == a then b = nil end\nfor i = 2, #pairs do\nlocal holder, counts_for = pairs[i][1], pairs[i][2]\nif a ~= holder and a ~= counts_for then a = nil end\nif b ~= holder and b ~= counts_for then b = nil end\nend\nreturn a, b\nend\nlocal function wider_pairs(name)\nif #name == 1 then return {} end\nreturn entries.present_pairs(entries.get(string.sub(name, 1, 1)))\nend\nlocal function prune_everyone(name, from, cause, window, a, b)\nlocal item = name .. ' ' .. from .. ' '\nlocal wider = wider_pairs(name)\nif #wider == 0 then return alerts.broadcast('PRUNE_ALERT', cause, window, item .. '0', a, b) end\nlocal c, d = in_every(wider)\nalerts.broadcast('PRUNE_ALERT', cause, window, item .. '1', a, b, c, d)\nif c and c ~= a and c ~= b then alerts.send('PRUNE_ALERT', cause, window, item .. '0', c) end\nif d and d ~= a and d ~= b then alerts.send('PRUNE_ALERT', cause, window, item .. '0', d) end\nend\nlocal function prune_one(name, from, cause, window, number)\nlocal wider = wider_pairs(name)\nlocal covered = '0'\nif #wider > 0 then\nlocal c, d = in_every(wider)\nif number ~= c and number ~= d then covered = '1' end\nend\nalerts.send('PRUNE_ALERT', cause, window, name .. ' ' .. from .. ' ' .. covered, number)\nend\nfunction raise(name, before, after, cause, window, from)\nbefore, after = entries.counting(before), entries.counting(after)\nif not RAISES[#name] then return notified.retarget(name, after, cause, window, from) end\nif #before == 0 and #after == 0 then return end\nif #before == 0 then\nlocal a, b = in_every(after)\nreturn alerts.broadcast('JOIN_ALERT', cause, 0, name, a, b)\nend\nlocal a, b = in_every(before)\nif #after == 0 then return prune_everyone(name, from, cause, window, a, b) end\nlocal c, d = in_every(after)\nif a and a ~= c and a ~= d then alerts.send('JOIN_ALERT', cause, 0, name, a) end\nif b and b ~= c and b ~= d then alerts.send('JOIN_ALERT', cause, 0, name, b) end\nif c and c ~= a and c ~= b then prune_one(name, from, cause, window, c) end\nif d and d ~= a and d ~= b then prune_one(name, from, cause, window, d) end\nend\nlocal function tell_owner(type, slot, name, cause)\nif slot.owner_epoch == 0 then return end\nlocal record, owner = look_at(slot.interface)\nif not owner or record[2] ~= slot.owner_epoch then return end\nalerts.send(type, cause, 0, name .. ' ' .. slot.interface, owner.number)\nend\nlocal function cause_of(slot)\nif slot.holder == 0 then look_at(slot.interface) end\nif slot.void == 1 then return slot.cause, slot.window end\nlocal holder = load_client(slot.holder)\nif holder and holder.state ~= 'ended' then return load_client(counted.client_behind(slot.counts_for)).end_cause, 1 end\nreturn holder.end_cause, 0\nend\nlocal function is_silent(slot)\nreturn slot.epoch < router.reset_epoch\nend\nlocal function remove_withdrawn(change, slot, name)\nlocal cause, window = cause_of(slot)\nif slot.holder ~= 0 then\nmember_log.event('left', slot, name, cause)\nif window == 0 then tell_owner('LOCAL_LEAVE', slot, name, cause) end\nend\nlocal opens = window == 1 and (cause == 'take' or cause == 'release')\nif not change.cause or opens and change.window == 0 then change.cause = cause end\nif opens then change.window = 1 end\nchange.from = change.from or slot.interface\nchange.is_silenced = change.is_silenced and is_silent(slot)\nslots.leave(slot, name)\nend\nfunction purge(entry)\nif #entry == 0 or not entries.may_be_withdrawn() then return 0 end\nlocal withdrawn, before, count = {}, {}, 0\nfor i = 1, #entry do\nbefore[i], withdrawn[i] = entry[i], entries.withdrawn_of(entry[i])\ncount = count + #withdrawn[i]\nend\nif count == 0 then return 0 end\nlocal name, change = entry.name, { window = 0, is_silenced = true }\nfor i = 1, #before do\nlocal numbers = withdrawn[i]\nif #numbers > 1 then slots.load(numbers) end\nfor j = 1, #numbers do remove_withdrawn(change, slots.get(numbers[j]), name) end\nentries.remove_all(entry, before[i], numbers)\nend\nmfe_changes.note(name, change.cause)\nif not change.is_silenced or not RAISES[#name] then\nraise(name, before, entry, change.cause, change.window, change.from)\nend\nreturn count\nend\nlocal function finish_round(oldest)\nlocal members = router.members\nif members.ending > 0 or oldest and oldest <= members.round then return end\nif members.unnamed > 0 and members.passed < members.round then return end\nmembers.settled, members.round, members.changed = members.round, router.rev, true\nend\nlocal function purge_named(numbers, left)\nfor i = 1, #numbers do\nlocal slot = slots.get(numbers[i])\nlocal names = {}\nfor name in string.gmatch(slot.count > 0 and slots.names(slot) or '', '[^,]+') do\nif #names == left then break end\nnames[#names + 1] = name\nend\nentries.load(names)\nfor j = 1, #names do\nleft = math.max(0, left - 1 - math.floor(purge(entries.get(names[j])) / 4))\nend\nif left == 0 then break end\nif slot.count > 0 then slots.forget_names(slot) end\nend\nreturn left\nend\nlocal function purge_cost(name)\nif entries.is_quiet(name) then return 1 / 4 end\nreturn 1 + math.floor(purge(entries.get(name)) / 4)\nend\nlocal function purge_next(left)\nlocal members = router.members\nif members.position == '' then members.pass = router.rev end\nmembers.changed = true\nrepeat\nlocal most = math.ceil(left)\nlocal names = entries.names_from(members.position == '' and '-' or '(' .. members.position, '+', most)\nentries.load(names)\nfor i = 1, #names do\nmembers.position = names[i]\nleft = left - purge_cost(names[i])\nif left <= 0 then return end\nend\nif #names < most then\nmembers.position, members.passed = '', members.pass\nreturn\nend\nuntil left < 8\nend\nlocal function relist_slice(most)\nlocal waiting, are_any = slots.relisted()\nif not are_any then return false end\nlocal to = router.members.relisted_to\nlocal names = entries.names_from(to == '' and '-' or '(' .. to, '+', most)\nentries.load(names)\nfor i = 1, #names do\nlocal entry = entries.get(names[i])\nfor number, slot in pairs(waiting) do\nlocal pair = entries.pair(entry, slot.holder, slot.counts_for)\nif pair and entries.has(pair, number) then slots.add_name(slot, names[i]) end\nend\nend\nslots.relisted_up_to(#names < most and '' or names[#names])\nreturn #router.members.relisted > 0\nend\nfunction settle_slice(most)\nlocal members = router.members\nif not members then return false end\nif members.voids == 0 and members.ending == 0 then return relist_slice(most) end\nlocal numbers, oldest = slots.oldest_void(most)\nfinish_round(oldest)\nlocal left = purge_named(numbers, most)\nif left > 0 and members.unnamed > 0 then\npurge_next(left)\nleft = 0\nend\nmfe_changes.close()\nreturn left < most\nend\nend\nlocal statics\ndo\nstatics = {}\nlocal static_changes\nfunction statics.begin()\nstatic_changes = {}\nend\nlocal function note_static(interface, name, is_there)\nlocal by_name = static_changes[interface] or {}\nstatic_changes[interface], by_name[name] = by_name, is_there\nend\nlocal function client_on(interface)\nlocal record, owner, igmp = look_at(interface)\nif owner then return owner, record[2] end\nif igmp then return igmp, record[5] end\nend\nlocal function find_in(interface, place, entry)\nlocal slot = slots.present(interface, place)\nlocal pair = slot and entries.pair(entry, slot.holder, slot.counts_for)\nreturn slot, pair and entries.has(pair, slot.number) and pair\nend\nfunction statics.client_of(entry, slot)\nif slot.place ~= slots.HOME then return slot.counts_for end\nlocal active, pair = find_in(slot.interface, slots.STATIC, entry)\nlocal is_active = pair and load_client(active.counts_for).state ~= 'ended'\nreturn is_active and active.counts_for or 0\nend\nlocal function settled_entry(name)\nlocal entry = entries.get(name)\npurge(entry)\nnotified.retarget(name, entry, 'iif-moved', 0)\nreturn entry\nend\nfunction statics.activate(interface, name)\nlocal client, epoch = client_on(interface)\nif not client then return end\nlocal entry = settled_entry(name)\nlocal slot, pair = find_in(interface, slots.STATIC, entry)\nif pair then return end\nslot = slot or slots.allot(interface, slots.STATIC, slots.NO_HOLDER, client.number, epoch, 0)\nlocal before = entries.copy(entry)\nmfe_changes.note(name, 'admin')\nslots.join(slot, name)\nif entries.insert(entry, slot) then raise(name, before, entry, 'admin', 0) end\nend\nlocal function static_event(type, interface, name, by)\nlocal client = client_on(interface)\nlocal membership = { interface = interface, holder = 0, counts_for = client and client.number or 0 }\nmember_log.event(type, membership, name, 'admin', nil, by)\nend\nlocal function is_beyond_limit(interface, entry, home)\nlocal members = router.members\nif home and home.count >= 1024 then return true end\nif not entry.counted and members.entries >= router.limits.entries then return true end\nreturn members.slots >= slots.MOST or interface_limits.forbids(interface, entry.name)\nend\nfunction statics.add(interface, name, by)\nif not router.members then begin_members() end\nlocal entry = settled_entry(name)\nlocal home, pair = find_in(interface, slots.HOME, entry)\nif pair then return false end\nif is_beyond_limit(interface, entry, home) then return nil end\nhome = home or slots.allot(interface, slots.HOME, slots.NO_HOLDER, 0, 0, 0)\ninterface_limits.note_joined(interface, slots.HOME, name)\nslots.join(home, name)\nentries.insert(entry, home)\nnote_static(interface, name, true)\nstatic_event('joined', interface, name, by)\nstatics.activate(interface, name)\nreturn true\nend\nfunction statics.remove(interface, name, by)\nif not router.members then return false end\nlocal entry = settled_entry(name)\nlocal home, home_pair = find_in(interface, slots.HOME, entry)\nif not home_pair then return false end\nlocal before = entries.copy(entry)\nlocal active, pair = find_in(interface, slots.STATIC, entry)\nmfe_changes.note(name, 'admin')\nstatic_event('left', interface, name, by)\nlocal is_last = false\nif pair then\nslots.leave(active, name)\nis_last = entries.remove(entry, pair, active.number)\nend\nslots.leave(home, name)\nentries.remove(entry, home_pair, home.number)\ninterface_limits.note_left(home, name)\nnote_static(interface, name, false)\nif is_last then raise(name, before, entry, 'admin', 0, interface) end\nreturn true\nend\nfunction statics.activate_more(interface, position, most)\nif not client_on(interface) then return 0, '' end\nlocal from = position == '' and '-' or '(' .. position\nlocal names = redis.call('ZRANGEBYLEX', router_keys.static(interface), from, '+', 'LIMIT', 0, most)\nentries.load(names)\nnotified.load(names)\nfor i = 1, #names do statics.activate(interface, names[i]) end\nreturn #names, names[#names] or ''\nend\nfunction statics.check_types()\nfor interface in pairs(static_changes) do redis.call('ZCARD', router_keys.static(interface)) end\nend\nfunction statics.save()\nfor interface, by_name in pairs(static_changes) do save_names_in(router_keys.static(interface), by_name) end\nend\nend\nlocal view_slice\ndo\nlocal function names_in(key, from, to, most)\nreturn redis.call('ZRANGEBYLEX', key, from, to, 'LIMIT', 0, most)\nend\nlocal function review_entries(names)\nentries.load(names)\nnotified.load(names)\nfor i = 1, #names do\nnotified.retarget(names[i], entries.present_pairs(entries.get(names[i])), 'iif-moved', 0)\nend\nend\nlocal function review_prefix(name, position, most)\nlocal from, to = routes.range_of(name)\nlocal found = names_in(router_keys.sources, position == '' and '[' .. from or '(' .. position, '[' .. to .. 'g', most)\nlocal names = {}\nfor i = 1, #found do names[i] = turned(found[i]) end\nreview_entries(names)\nreturn #found, found[#found] or ''\nend\nlocal kinds = {}\nfunction kinds.b(_, position, most)\nlocal found = entries.names_from(position == '' and '-' or '(' .. position, '+', most)\nlocal names = {}\nfor i = 1, #found do\nif is_exact(found[i]) then\nnames[#names + 1] = found[i]\nindex_source(found[i])\nend\nend\nreview_entries(names)\nreturn #found, #found == most and found[most] or nil\nend\nfunction kinds.p(name, position, most)\nlocal count, last = review_prefix(name, position, most)\nreturn count, count == most and last or nil\nend\nlocal function review_via(interface, position, most, review)\nlocal name, at = string.match(position, '^(%x+) (.*)$')\nlocal done = 0\nname = name or names_in(router_keys.via(interface), '-', '+', 1)[1]\nwhile name and done < most do\nlocal count, last = review(name, at or '', most - done)\ndone = done + count\nif done == most then return done, name .. ' ' .. last end\nname, at, done = names_in(router_keys.via(interface), '(' .. name, '+', 1)[1], nil, done + 1\nend\nreturn done, name and name .. ' ' or nil\nend\nfunction kinds.i(interface, position, most)\nreturn review_via(interface, position, most, review_prefix)\nend\nfunction kinds.c(number, _, most)\nlocal client = load_client(tonumber(number))\nlocal names = client and names_in(router_keys.routes(client.number), '-', '+', most) or {}\nroutes.load(names)\nfor i = 1, #names do routes.remove(client, names[i]) end\nreturn #names, #names == most and '.' or nil\nend\nlocal function review_mfes(names, cause)\nlocal memo = {}\nmfes.load(names)\nfor i = 1, #names do mfe_changes.review(names[i], cause, memo) end\nend\nlocal function names_behind(prefix, position, most)\nlocal from, to = routes.range_of(prefix)\nlocal found = mfes.indexed_between(position == '' and '[s' .. from or '(' .. position, '[s' .. to .. 'g', most)\nlocal names = {}\nfor i = 1, #found do names[i] = turned(string.sub(found[i], 2)) end\nreturn names, found[#found] or ''\nend\nfunction kinds.P(prefix, position, most)\nlocal names, last = names_behind(prefix, position, most)\nreview_mfes(names, 'route')\nreturn #names, #names == most and last or nil\nend\nlocal function review_indexed(interface, position, most)\nlocal done = 0\nfor _, letter in ipairs(view_tasks.INDEXED) do\nif position == '' or string.sub(position, 1, 1) == letter then\nlocal what = letter .. interface\nlocal from = position == '' and '[' .. what .. ' ' or '(' .. position\nlocal found = mfes.indexed_between(from, '(' .. what .. '!', most - done)\nlocal names = {}\nfor i = 1, #found do names[i] = string.match(found[i], ' (.*)$') end\nreview_mfes(names, 'iif-moved')\ndone, position = done + #found, ''\nif done == most then return done, found[#found] end\nend\nend\nreturn done, nil\nend\nfunction kinds.F(interface, position, most)\nlocal done = 0\nif not string.find(position, '^%d') then\ndone, position = review_indexed(interface, position, most)\nif position then return done, position end\nend\nlocal function review_routed(prefix, at, count)\nlocal names, last = names_behind(prefix, at, count)\nmfes.load(names)\nlocal routed = {}\nfor i = 1, #names do\nlocal mfe = mfes.stored(names[i])\nif mfe and mfe.rpf == interface then routed[#routed + 1] = names[i] end\nend\nreview_mfes(routed, 'iif-moved')\nreturn #names, last\nend\nlocal count, next_position = review_via(interface, position or '', most - done, review_routed)\nreturn done + count, next_position\nend\nfunction kinds.o(number, position, most)\nlocal key = router_keys.owned(tonumber(number))\nlocal rank, interface, at = string.match(position, '^(%d+) (%S+) (.+)$')\nif not interface then\nlocal count = redis.call('ZCARD', key)\nrank = math.min(tonumber(position) or count, count) - 1\nif rank < 0 then return 0, nil end\ninterface = redis.call('ZRANGE', key, rank, rank)[1]\nend\nlocal done, last = kinds.F(interface, at or '', most)\nreturn done, text(tonumber(rank)) .. (last and ' ' .. interface .. ' ' .. last or '')\nend\nfunction kinds.m(task, position, most)\nlocal cause, name = string.match(task, '^(%S+) (.*)$')\nlocal count, last = mfe_changes.review_covered(name, position, most, cause)\nreturn count, count == most and last or nil\nend\nfunction kinds.r(number, position, most)\nlocal entry = overrides.entry_of(tonumber(number))\nif not entry then return 0, nil end\nlocal count, last = mfe_changes.review_covered(entry, position, most, 'forward')\nif count == most then return count, last end\noverrides.remove_rule(tonumber(number))\nreturn count, nil\nend\nfunction kinds.s(interface, position, most)\nlocal count, last = statics.activate_more(interface, position, most)\nreturn count + mfe_changes.review_noted(), count == most and last or nil\nend\nfunction kinds.g(interface, _, most)\nlook_at(interface)\nlocal count = interface_limits.count_more(interface, most)\nreturn count, count >= most and '.' or nil\nend\nfunction view_slice(most)\nlocal left = most\nwhile left > 0 do\nlocal task = view_tasks.next()\nif not task then break end\nlocal done, position = kinds[string.sub(task, 1, 1)](string.sub(task, 2), router.view.position, left)\nleft = left - done - 1\nif position then view_tasks.go_on_at(position) else view_tasks.finish() end\nend\nmfe_changes.close()\nreturn router.view ~= nil and router.view.tasks > 0\nend\nend\nlocal flow_creation, marks, changed_marks, silent, prepare, known\ndo\nflow_creation = {}\nfunction flow_creation.begin()\nmarks, changed_marks, silent = {}, {}, {}\nend\nfunction flow_creation.do_not_ask(sessions)\nsilent = {}\nfor i = 1, #sessions do silent[sessions[i]] = true end\nend\nlocal function mark_of(name)\nif marks[name] == nil then marks[name] = tonumber(redis.call('GET', router_keys.creating(name)) or 0) end\nreturn marks[name]\nend\nlocal function set_mark(name, incarnation)\nmarks[name], changed_marks[name] = incarnation, true\nrouter.view.changed = true\nend\nfunction flow_creation.save()\nfor name in pairs(changed_marks) do\nif marks[name] == 0 then\nredis.call('DEL', router_keys.creating(name))\nelse\nredis.call('SET', router_keys.creating(name), text(marks[name]), 'PX', text(2000))\nend\nend\nend\nlocal function can_be_asked(client, bit_of_type)\nreturn client.state == 'live' and not silent[client.session]\nand bit.band(member_of(client).alerts, bit_of_type) ~= 0\nend\nlocal function plan_of(name, answer, memo)\nlocal family, _, source = parts_of(name)\nlocal route, prefix = routes.to(family, source)\nif not route then return nil end\nlocal iif = route[2]\nlocal record, owner, igmp = look_at(iif)\nlocal client = owner or igmp\nif not client then return nil end\nlocal is_answered = answer and owner and owner.session == answer.session\nif is_answered and answer.iif ~= '' then\nlocal other, other_owner = look_at(answer.iif)\nif other_owner == owner then iif, record = answer.iif, other end\nend\nlocal plan = { name = name, route = route, prefix = prefix, iif = iif, client = client, is_rpf_owner = owner ~= nil,\nepoch = deciding_epoch(record, owner), answer = is_answered and answer or nil, on = {}, off = {},\nowner = client.number }\nplan.oifs = oifs.of(plan, memo)\nreturn plan\nend\nlocal function basis_of(plan, is_rpf)\nlocal route = plan.route\nlocal shown = { route[2], route[3], plan.prefix, route[4], plan.client.session, plan.epoch }\nif not is_rpf then\nshown[#shown + 1] = plan.iif\nfor i = 1, #plan.oifs do\nlocal record, owner, igmp = look_at(plan.oifs[i])\nshown[#shown + 1] = plan.oifs[i]\nshown[#shown + 1] = (owner or igmp) and deciding_epoch(record, owner) or 0\nend\nend\nreturn redis.sha1hex(cmsgpack.pack(shown))\nend\nlocal function askers_of(plan)\nlocal found, by_client = {}, {}\nfor i = 1, #plan.oifs do\nlocal interface = plan.oifs[i]\nlocal record, owner, igmp = look_at(interface)\nif owner and can_be_asked(owner, 32) then\nlocal asker = by_client[owner]\nif not asker then\nasker = { owner.number, owner.session, owner.identity, {} }\nby_client[owner], found[#found + 1] = asker, asker\nend\nlocal listed = asker[4]\nlisted[#listed + 1] = interface .. ' ' .. (igmp and '1' or '0') .. ' ' .. text(record[2])\nend\nend\nfor i = 1, #found do found[i][4] = table.concat(found[i][4], ',') end\nreturn found\nend\nlocal function ask(plan, is_rpf, incarnation, askers)\nlocal route, answer = plan.route, plan.answer\nlocal given = answer and answer.given or 0\nlocal has_route = bit.band(given, mfes.ROUTE_GIVEN) ~= 0\nset_mark(plan.name, incarnation)\nreturn { 'asking', { incarnation, is_rpf and 1 or 0, basis_of(plan, is_rpf), plan.iif,\nbit.band(given, mfes.UPSTREAM_GIVEN) ~= 0 and answer.upstream or route[3],\nhas_route and answer.prefix or plan.prefix, has_route and answer.protocol or route[4], askers } }\nend\nlocal function ask_rpf(plan, incarnation)\nlocal client = plan.client\nif not plan.is_rpf_owner or not can_be_asked(client, 16) then return nil end\nreturn ask(plan, true, incarnation, { { client.number, client.session, client.identity, '' } })\nend\nlocal function ask_creation(plan, incarnation)\nlocal askers = askers_of(plan)\nif askers[1] then return ask(plan, false, incarnation, askers) end\nend\nfunction prepare(mfe, plan, vetoes)\nif plan then\nmfe.iif, mfe.owner, mfe.epoch = plan.iif, plan.client.number, plan.epoch\nlocal answer = plan.answer\nif answer then\nmfe.given = answer.given\nif bit.band(answer.given, mfes.UPSTREAM_GIVEN) ~= 0 then mfe.neighbour = answer.upstream end\nif bit.band(answer.given, mfes.ROUTE_GIVEN) ~= 0 then mfe.prefix, mfe.protocol = answer.prefix, answer.protocol end\nend\nend\nfor client, epoch, interface in string.gmatch(vetoes, '(%d+) (%d+) ([^,]+)') do\nlocal veto = { tonumber(client), tonumber(epoch) }\nif overrides.holds(interface, veto) then overrides.change(mfe, overrides.OFF, interface, veto[1], veto[2]) end\nend\nend\nlocal function finish(name, incarnation, plan, vetoes, memo)\nif incarnation then set_mark(name, 0) end\nif router.view.mfes >= router.limits.mfes then return { 'limit' } end\nlocal shape = mfe_changes.create(name, memo, incarnation, function(created) prepare(created, plan, vetoes) end)\nreturn { 'created', shape }\nend\nfunction known(name, memo)\nmfe_changes.review(name, 'route', memo)\nlocal mfe = mfes.get(name)\nreturn mfe and { 'known', oifs.shape(mfe, (oifs.of(mfe, memo))) }\nend\nfunction flow_creation.begin_flow(name, asks, memo)\nif name == '' then return { 'skipped' } end\nlocal found = known(name, memo)\nif found then return found end\nlocal plan = asks and plan_of(name, nil, memo)\nlocal is_asked = plan and (plan.is_rpf_owner and can_be_asked(plan.client, 16) or askers_of(plan)[1])\nif not is_asked then return finish(name, nil, nil, '', memo) end\nif mark_of(name) ~= 0 then return { 'pending' } end\nlocal incarnation = next_epoch()\nreturn ask_rpf(plan, incarnation) or ask_creation(plan, incarnation)\nend\nfunction flow_creation.begin_flows(names, asks)\nlocal results, memo, bytes = {}, {}, 0\nfor i = 1, #names do\nlocal outcome = bytes > 400000 and { 'pending' } or flow_creation.begin_flow(names[i], asks, memo)\nlocal before = bytes\nif outcome[1] == 'created' or outcome[1] == 'known' then bytes = bytes + fib_log.size_of_mfe(outcome[2]) end\nresults[i] = before > 0 and bytes > 400000 and { 'pending' } or outcome\nend\nreturn results\nend\nfunction flow_creation.give_up(names, incarnations)\nif not router.view then return end\nfor i = 1, #names do\nif mark_of(names[i]) == incarnations[i] then set_mark(names[i], 0) end\nend\nend\nfunction flow_creation.go_on(step, memo)\nlocal name, incarnation = step.name, step.incarnation\nlocal found = known(name, memo)\nif found then return found end\nif mark_of(name) ~= incarnation then return { 'pending' } end\nlocal plan = plan_of(name, step.answer, memo)\nif not plan or step.is_last then return finish(name, incarnation, plan, step.vetoes, memo) end\nif step.seen ~= basis_of(step.is_rpf and plan_of(name, nil, memo) or plan, step.is_rpf) then\nplan = plan_of(name, nil, memo)\nreturn ask_rpf(plan, incarnation) or ask_creation(plan, incarnation) or finish(name, incarnation, plan, '', memo)\nend\nlocal question = step.is_rpf and ask_creation(plan, incarnation)\nreturn question or finish(name, incarnation, plan, step.vetoes, memo)\nend\nend\nlocal commit\ndo\nlocal function save_records()\nlocal held, freed = {}, {}\nfor i = 1, #changed_records do\nlocal record = changed_records[i]\nif record[1] ~= 0 or record[4] ~= 0 then\nlocal place = #held + 1\nheld[place], held[place + 1] = record_keys[record[7]], pack_record(record)\nelseif record[8] then\nfreed[#freed + 1] = record_keys[record[7]]\nend\nend\nin_chunks(held, function(...) redis.call('MSET', ...) end)\nin_chunks(freed, function(...) redis.call('DEL', ...) end)\nend\nlocal function save_owned(client)\nif not next(client.owned) then return end\nlocal added, removed, score = {}, {}, text(router.epoch)\nfor interface, is_owned in pairs(client.owned) do\nif is_owned then\nlocal place = #added + 1\nadded[place], added[place + 1] = score, interface\nelse\nremoved[#removed + 1] = interface\nend\nend\nlocal key = router_keys.owned(client.number)\nin_chunks(added, function(...) redis.call('ZADD', key, ...) end)\nin_chunks(removed, function(...) redis.call('ZREM', key, ...) end)\nend\nlocal function save_record_of(client)\nif not client.changed then return end\nlocal key = router_keys.client(client.number)\nif client.is_new then redis.call('DEL', key) end\nlocal passed = client.left and fields_of_pages(client.left.first_page, client.left.next_page) or pass_pages(client)\nlocal field, page = add_page(client)\ncount_kept_bytes(client)\nif field then\nredis.call('HSET', key, field, page, 'record', pack_client(client))\nelse\nredis.call('HSET', key, 'record', pack_client(client))\nend\nin_chunks(passed, function(...) redis.call('HDEL', key, ...) end)\nend\nlocal function save_member_of(client)\nlocal member = client.member\nif member and member.changed then redis.call('HSET', router_keys.client(client.number), 'member', pack_member(client)) end\nend\nlocal function save_mailbox_of(client)\nif client.left then redis.call('DEL', router_keys.mailbox(client.left.session)) end\nif client.leaves_roster then redis.call('DEL', router_keys.mailbox(client.session)) end\nif client.mailbox_ack and client.mailbox_ack > 0 then\nredis.call('XTRIM', router_keys.mailbox(client.session), 'MINID', text(client.mailbox_ack + 1))\nend\nend\nlocal function save_schedule(client, leases)\nlocal number = text(client.number)\nlocal gone = client.state == 'ended' and owned_count(client) == 0\nif gone then\nredis.call('ZREM', router_keys.leases, number)\nlocal is_named = client.member and (client.member.slots > 0 or client.member.routes > 0)\nif not is_named then redis.call('PEXPIRE', router_keys.client(client.number), 600000) end\nelseif client.requeue then\nleases[#leases + 1] = text(client.expires_at)\nleases[#leases + 1] = number\nend\nif client.leaves_roster then\nredis.call('ZREM', router_keys.roster, number)\nelseif client.joins_roster then\nredis.call('ZADD', router_keys.roster, number, number)\nend\nif client.joins_alerted then\nredis.call('ZADD', router_keys.alerted, number, number)\nelseif client.leaves_alerted then\nredis.call('ZREM', router_keys.alerted, number)\nend\nend\nlocal function save_clients(touched)\nlocal leases = {}\nfor i = 1, #touched do\nlocal client = touched[i]\nsave_record_of(client)\nsave_member_of(client)\nsave_owned(client)\nsave_mailbox_of(client)\nsave_schedule(client, leases)\nend\nin_chunks(leases, function(...) redis.call('ZADD', router_keys.leases, ...) end)\nend\nlocal function save_pairs()\nfor i = 1, #orphaned_leases do redis.call('ZREM', router_keys.leases, orphaned_leases[i]) end\nfor entry, number in pairs(pairs_changed) do\nif number then\nredis.call('HSET', router_keys.clients, entry, text(number))\nelse\nredis.call('HDEL', router_keys.clients, entry)\nend\nend\nend\nlocal function was_touched(client)\nreturn client.changed or client.requeue or client.mailbox_ack or next(client.owned)\nor client.member and client.member.changed\nend\nlocal function finish_ended()\nfor _, client in pairs(clients) do\nif client and client.state == 'ended' and was_touched(client) and owned_count(client) == 0 then\nlocal member = member_of(client)\nif member.ending == 1 then\nrouter.members.ending, router.members.changed = router.members.ending - 1, true\nmember.ending, member.changed = 0, true\nend\nend\nend\nend\nlocal function finish_members()\nif not router.members then return {}, {} end\nmfe_changes.close()\nfinish_ended()\nslots.finish()\nif router.view then routes.finish() end\nreturn member_log.rows(), alerts.for_mailboxes()\nend\nlocal function save_members(rows, fib_messages, retention)\nif not router.members then return end\nslots.save()\nexcludes.save()\nentries.save()\nstatics.save()\ninterface_limits.save()\nalerts.save()\nmember_log.save(rows, retention)\nif not router.view then return end\nnotified.save()\nroutes.save()\nmfes.save()\nmfe_reports.save()\nflow_creation.save()\nfib_log.save(fib_messages)\nview_tasks.save()\nend\nlocal function report_members(rows)\nif not router.members then return '' end\nlocal members = router.members\nlocal is_outstanding = (members.voids > 0 or members.ending > 0) and 1 or 0\nreturn cmsgpack.pack({ members.mrev, settled_rev(), is_outstanding, rows, alerts.published() })\nend\nlocal function report_view(fib_messages)\nlocal view = router.view\nif not view then return '' end\nlocal is_outstanding = view.tasks > 0\nreturn cmsgpack.pack({ view.rrev, is_outstanding and math.min(view.rsettled, view.rrev) or view.rrev,\nis_outstanding and 1 or 0, view.frev, settled_mrev(), fib_messages })\nend\nlocal function batch_changes()\nlocal touched = {}\nfor _, client in pairs(clients) do\nif client and was_touched(client) then touched[#touched + 1] = client end\nend\nreturn #touched > 0 or #orphaned_leases > 0 or operator_log.has_entries() or router_changed(), touched\nend\nlocal function check_types(touched)\nlocal is_identified = next(identity_changes) ~= nil\nfor i = 1, #touched do\nif touched[i].state == 'ended' then owned_count(touched[i]) end\nis_identified = is_identified or touched[i].identity ~= ''\nend\nif #touched > 0 or #orphaned_leases > 0 then redis.call('ZCARD', router_keys.leases) end\nif next(pairs_changed) then\nredis.call('ZCARD', router_keys.roster)\nredis.call('HLEN', router_keys.clients)\nend\nagents.check_types()\nif #runs > 0 then redis.call('XLEN', router_keys.events) end\nif operator_log.has_entries() then redis.call('XLEN', router_keys.operator_log) end\nif next(claims) then redis.call('HLEN', router_keys.claims) end\nif is_identified then redis.call('HLEN', router_keys.identities) end\nif next(pairs_changed) then redis.call('ZCARD', router_keys.alerted) end\nif router.members and router.members.changed then\nslots.check_types()\nexcludes.check_types()\nentries.check_types()\nmember_log.check_types()\nstatics.check_types()\nend\nif router.view and router.view.changed then\nroutes.check_types()\nview_tasks.check_types()\nnotified.check_types()\nmfes.check_types()\nmfe_reports.check_types()\nfib_log.check_types()\nend\nend\nlocal function write_nothing()\nif router.fresh then return end\nredis.call('PEXPIRE', router_keys.meta, 3600000)\nredis.call('PERSIST', router_keys.meta)\nend\nfunction commit(retention, is_replicated)\nif router.purged then\ndelete_router()\nreturn '', '', ''\nend\nlocal rows, mailbox_alerts = finish_members()\nlocal fib_messages = fib_log.messages()\nlocal is_changed, touched = batch_changes()\nif not is_changed then\nif is_replicated then write_nothing() end\nreturn '', report_members(rows), report_view(fib_messages)\nend\ncheck_types(touched)\nsave_router()\nsave_records()\nsave_clients(touched)\nsave_pairs()\nsave_identities()\nsave_claims()\nagents.save()\nsave_mailboxes(mailbox_alerts)\nsave_members(rows, fib_messages, retention)\nlocal packed = #runs > 0 and cmsgpack.pack(runs) or ''\nsave_events(packed, retention)\noperator_log.save()\nreturn packed, report_members(rows), report_view(fib_messages)\nend\nend\nlocal member_change\ndo\nmember_change = {}\nlocal INVALID = { [3] = 'group', [4] = 'source', [5] = 'flags', [6] = 'ssm' }\nlocal function hold_on(client, interface, epoch)\nlocal record, owner, igmp = look_at(interface)\nif not owner and not igmp then return { refused = 'not_found' } end\nlocal hold\nif owner == client then\nhold = { place = slots.OWNER, epoch = record[2], counts_for = client.number, owner_epoch = 0 }\nelseif igmp == client then\nhold = { place = slots.IGMP, epoch = record[5], counts_for = client.number,\nowner_epoch = owner and record[2] or 0, is_beside = owner ~= nil }\nif owner then hold.owner, hold.counts_for = owner.number, slots.counts_for_owner(interface, owner) end\nelse\nreturn { refused = 'not_owner', holder = holder_shape(record, owner, igmp) }\nend\nhold.deciding_epoch = deciding_epoch(record, owner)\nhold.holder = hold.is_beside and holder_shape(record, owner, igmp) or nil\nlocal current = epoch_in_force(client, hold.epoch)\nif epoch ~= '' and epoch ~= text(current) then return { refused = 'other_epoch', current = current } end\nhold.slot = router.members and slots.present(interface, hold.place)\nreturn hold\nend\nlocal function undo_vetoes(client, hold, interface, entry)\nif not hold.is_beside then mfe_changes.undo_vetoes(interface, client.number, hold.deciding_epoch, entry.name) end\nend\nlocal function add(client, hold, interface, entry)\npurge(entry)\nnotified.retarget(entry.name, entry, 'iif-moved', 0)\nlocal slot = hold.slot\nlocal pair = slot and entries.pair(entry, client.number, hold.counts_for)\nif pair and entries.has(pair, slot.number) then\nundo_vetoes(client, hold, interface, entry)\nreturn false\nend\nlocal members = router.members\nif not entry.counted and members.entries >= router.limits.entries then return nil, 'limit' end\nif interface_limits.forbids(interface, entry.name) then return nil, 'limit' end\nif not slot then\nif members.slots >= slots.MOST then return nil, 'limit' end\nslot = slots.allot(interface, hold.place, client, hold.counts_for, hold.epoch, hold.owner_epoch)\nhold.slot = slot\nend\nlocal name = entry.name\nif hold.is_beside then\nalerts.send('LOCAL_JOIN', 'member', 0, name .. ' ' .. interface, hold.owner)\nend\nmfe_changes.note(name, 'member')\nundo_vetoes(client, hold, interface, entry)\ninterface_limits.note_joined(interface, hold.place, name)\nslots.join(slot, name)\nif pair then\nentries.insert(entry, slot)\nmember_log.event('joined', slot, name, 'member')\nreturn true\nend\nlocal before = entries.copy(entry)\nentries.insert(entry, slot)\nmember_log.event('joined', slot, name, 'member')\nraise(name, before, entry, 'member', 0)\nreturn true\nend\nlocal function delete(client, hold, interface, entry)\npurge(entry)\nnotified.retarget(entry.name, entry, 'iif-moved', 0)\nlocal slot = hold.slot\nlocal pair = slot and entries.pair(entry, client.number, hold.counts_for)\nif not pair or not entries.has(pair, slot.number) then return nil, 'no_membership' end\nlocal name = entry.name\nif hold.is_beside then\nalerts.send('LOCAL_LEAVE', 'member', 0, name .. ' ' .. interface, hold.owner)\nend\nmfe_changes.note(name, 'member')\nlocal before = pair[3] == 1 and entries.copy(entry)\nslots.leave(slot, name)\nentries.remove(entry, pair, slot.number)\ninterface_limits.note_left(slot, name)\nmember_log.event('left', slot, name, 'member')\nif before then raise(name, before, entry, 'member', 0, interface) end\nreturn true\nend\nlocal function override_by(change, client, hold, interface, entry, code)\nif hold.is_beside then return nil, 'not_owner', 0 end\npurge(entry)\nlocal kind = change == add and overrides.ON or overrides.OFF\nlocal matched, is_changed = mfe_changes.override(kind, interface, client.number, hold.deciding_epoch, entry.name)\nif code == 2 and matched == 0 then return nil, 'no_mfe', 0 end\nreturn is_changed, nil, matched\nend\nlocal function is_forward(code)\nreturn code == 1 or code == 2\nend\nlocal function decide_element(change, client, hold, interface, name, code)\nif INVALID[code] then return nil, INVALID[code] end\nif hold.refused then return nil, hold.refused end\nlocal entry = entries.get(name)\nif is_forward(code) then return override_by(change, client, hold, interface, entry, code) end\nreturn change(client, hold, interface, entry)\nend\nlocal function needs_rule(operation, codes)\nif not overrides.are_full() then return false end\nfor i = 1, #codes do\nif operation == 'member_add' or is_forward(codes[i]) then return true end\nend\nreturn false\nend\nlocal function refusal_of(hold, reason)\nif reason == 'not_owner' then return { 'not_owner', hold.holder } end\nif reason == 'other_epoch' then return { 'other_epoch', hold.current } end\nend\nfunction member_change.list(operation, client, seq, interfaces, names, codes, epoch, single)\nif not router.members then begin_members() end\nif needs_rule(operation, codes) then return { 'rules_full' } end\nlocal change = operation == 'member_add' and add or delete\nlocal holds, count, failed, refused, forwarded = {}, 0, {}, nil, nil\nfor i = 1, #interfaces do\nlocal interface = interfaces[i]\nlocal hold = holds[interface]\nif not hold then\nhold = hold_on(client, interface, epoch)\nholds[interface] = hold\nend\nlocal is_changed, reason, matched = decide_element(change, client, hold, interface, names[i], codes[i])\nif is_changed then\ncount = count + 1\nrouter.members.changed = true\nelseif reason then\nfailed[#failed + 1] = { i - 1, reason }\nrefused = single == 1 and refusal_of(hold, reason)\nend\nif matched and single == 1 and not reason then\nforwarded = { 'forwarded', matched, is_changed and 1 or 0, router.members.mrev }\nend\nend\nmfe_changes.close()\nreturn remember(client, operation, seq, refused or forwarded or { 'changed', count, router.members.mrev, failed })\nend\nlocal function purged_entries(hold, group, wanted)\nlocal present, is_present, new = hold.slot and entries.of_slot(hold.slot, group) or {}, {}, 0\nentries.load(present)\nnotified.load(present)\nfor i = 1, #present do\nis_present[present[i]] = true\npurge(entries.get(present[i]))\nend\nfor i = 1, #wanted do\nlocal entry = entries.get(wanted[i])\nif not is_present[wanted[i]] then purge(entry) end\nif not entry.counted then new = new + 1 end\nend\nreturn present, new\nend\nlocal function has_room(hold, interface, group, present, wanted, new)\nlocal members, is_present, joining = router.members, {}, 0\nfor i = 1, #present do is_present[present[i]] = true end\nfor i = 1, #wanted do\nif not is_present[wanted[i]] then joining = joining + 1 end\nend\nif joining > 0 and interface_limits.forbids(interface, group, joining) then return false end\nif new > 0 and members.entries + new > router.limits.entries then return false end\nreturn hold.slot ~= nil or #wanted == 0 or members.slots < slots.MOST\nend\nlocal function replace_list(hold, interface, group, list)\nif not excludes.set(hold.slot, group, list) then return false end\nif hold.is_beside then\nalerts.send('LOCAL_UPDATE', 'member', 0, group .. ' ' .. interface .. ' ' .. list, hold.owner)\nend\nmfe_changes.note(group, 'member')\nmember_log.event('updated', hold.slot, group, 'member', list)\nreturn true\nend\nlocal function replace_all(client, hold, interface, group, wanted, list)\nlocal present, new = purged_entries(hold, group, wanted)\nif not has_room(hold, interface, group, present, wanted, new) then return { 'limit' } end\nlocal is_wanted, added, removed, updated = {}, 0, 0, 0\nfor i = 1, #wanted do\nis_wanted[wanted[i]] = true\nif add(client, hold, interface, entries.get(wanted[i])) then added = added + 1 end\nend\nif is_wanted[group] and replace_list(hold, interface, group, list) then updated = 1 end\nfor i = 1, #present do\nlocal name = present[i]\nif not is_wanted[name] and delete(client, hold, interface, entries.get(name)) then removed = removed + 1 end\nend\nrouter.members.changed = true\nreturn { 'replaced', added, removed, updated, router.members.mrev }\nend\nfunction member_change.replace(client, seq, interface, group, wanted, list, epoch)\nif not router.members then begin_members() end\nlocal hold = hold_on(client, interface, epoch)\nlocal reply\nif hold.refused == 'not_found' then\nreply = { 'not_found' }\nelse\nreply = refusal_of(hold, hold.refused) or replace_all(client, hold, interface, group, wanted, list)\nend\nmfe_changes.close()\nreturn remember(client, 'member_set', seq, reply)\nend\nend\nlocal mfe_pages\ndo\nmfe_pages = {}\nfunction mfe_pages.read(after, limit, kind, item_of)\nif not has_mfes() then return {}, '' end\nlocal names = mfes.names_between(after == '' and '-' or '(' .. after, '+', 1000)\nmfe_changes.load(names)\nmfe_reports.load(kind, names)\nlocal items, memo, last, bytes = {}, {}, '', 0\nfor i = 1, #names do\nlocal mfe = mfes.get(names[i])\nif mfe then\nlocal item, size = item_of(mfe, (oifs.of(mfe, memo)))\nbytes = bytes + size\nif #items > 0 and bytes > 400000 then break end\nitems[#items + 1] = item\nend\nlast = names[i]\nif #items == limit then break end\nend\nlocal is_end = #names < 1000 and last == (names[#names] or '')\nreturn items, is_end and '' or last\nend\nend\nlocal operations = {}\ndo\nlocal OPERATION = 'admin.end-holdoff'\nfunction operations.admin_end_holdoff(actor, why)\nlocal by = { actor = actor, why = why, caller = caller[1] }\nlocal refused = operator_log.denied(OPERATION, by, {  })\nif refused then return refused end\nlocal left_ms = hold_off_left()\nif left_ms == 0 then\noperator_log.note_refused(OPERATION, 'not-found', by, {})\nreturn { 'no_holdoff' }\nend\nend_hold_off()\noperator_log.note('holdoff-ended', OPERATION, by, {})\nreturn { 'ended', left_ms }\nend\nend\ndo\nfunction operations.admin_events(after, limit)\nlocal head = operator_log.head()\nlocal oldest = redis.call('XRANGE', router_keys.operator_log, '-', '+', 'COUNT', 1)[1]\nlocal found = redis.call('XRANGE', router_keys.operator_log, '(' .. text(after) .. '-0', '+', 'COUNT', limit)\nlocal entries = {}\nfor i = 1, #found do\nlocal number, fields = tonumber(string.match(found[i][1], '^%d+')), found[i][2]\nentries[i] = { number, tonumber(fields[2]), unpack(cmsgpack.unpack(fields[4])) }\nend\nreturn { 'entries', entries, head, oldest and tonumber(string.match(oldest[1], '^%d+')) or head + 1 }\nend\nend\ndo\nlocal RELEASED_DIRECTLY = 256\nlocal OPERATION = 'admin.evict'\nfunction operations.admin_evict(session, actor, why)\nlocal by = { actor = actor, why = why, caller = caller[1] }\nlocal refused = operator_log.denied(OPERATION, by, { session = session })\nif refused then return refused end\nlocal client = find_client('s:' .. text(session))\nif not client or client.state == 'ended' then\noperator_log.note_refused(OPERATION, 'not-found', by, { session = session })\nreturn { 'unknown_session' }\nend\nlocal owned = owned_count(client)\nsession_event('evicted', client, by)\noperator_log.note('evicted', OPERATION, by, { session = client.session, protocol_id = client.protocol_id,\ncomponent_id = client.component_id })\nend_client(client, 'evict', by)\nclear_slice(client, RELEASED_DIRECTLY)\nreturn { 'evicted', owned }\nend\nend\ndo\nlocal OPERATION = 'admin.interface.set'\nlocal function given(value)\nreturn value >= 0 and value or nil\nend\nfunction operations.admin_interface_set(interface, max_groups, max_entries, lite, actor, why)\nlocal by = { actor = actor, why = why, caller = caller[1] }\nlocal refused = operator_log.denied(OPERATION, by, { interface = interface })\nif refused then return refused end\nif router.is_full then return { 'store_full' } end\nlocal former, settings = interface_limits.set(interface, given(max_groups), given(max_entries), given(lite))\nif settings ~= '' then\nslots.settings_event(nil, interface, settings, 'admin', by)\noperator_log.note('interface-set', OPERATION, by, { cause = 'admin', interface = interface, settings = settings })\nend\nreturn { 'set', settings ~= '' and 1 or 0, former.max_groups, former.max_entries, former.lite }\nend\nend\ndo\nlocal OPERATION = 'admin.member.add'\nfunction operations.admin_member_add(interface, entry, actor, why)\nlocal by = { actor = actor, why = why, caller = caller[1] }\nlocal detail = { interface = interface, entry = entry }\nlocal refused = operator_log.denied(OPERATION, by, detail)\nif refused then return refused end\nif router.is_full then return { 'store_full' } end\nlocal is_new = statics.add(interface, entry, by)\nif is_new == nil then\noperator_log.note_refused(OPERATION, 'limit', by, detail)\nreturn { 'limit' }\nend\nif is_new then operator_log.note('joined', OPERATION, by, detail) end\nmfe_changes.close()\nreturn { 'done', is_new and 1 or 0, router.members.mrev }\nend\nend\ndo\nlocal OPERATION = 'admin.member.delete'\nfunction operations.admin_member_delete(interface, entry, actor, why)\nlocal by = { actor = actor, why = why, caller = caller[1] }\nlocal detail = { interface = interface, entry = entry }\nlocal refused = operator_log.denied(OPERATION, by, detail)\nif refused then return refused end\nlocal is_removed = statics.remove(interface, entry, by)\nmfe_changes.close()\nif not is_removed then\noperator_log.note_refused(OPERATION, 'not-found', by, detail)\nreturn { 'unknown_membership' }\nend\noperator_log.note('left', OPERATION, by, detail)\nreturn { 'done', router.members.mrev }\nend\nend\ndo\nlocal OPERATION = 'admin.release'\nlocal function holder_of(record, owner, igmp, epoch)\nif epoch == '' then return owner or igmp end\nif owner and text(epoch_in_force(owner, record[2])) == epoch then return owner end\nif igmp and text(epoch_in_force(igmp, record[5])) == epoch then return igmp end\nend\nlocal function current_epoch(record, owner, igmp)\nif owner then return epoch_in_force(owner, record[2]) end\nreturn igmp and epoch_in_force(igmp, record[5]) or 0\nend\nfunction operations.admin_release(interface, epoch, actor, why)\nlocal by = { actor = actor, why = why, caller = caller[1] }\nlocal refused = operator_log.denied(OPERATION, by, { interface = interface })\nif refused then return refused end\nlocal record, owner, igmp = look_at(interface)\nlocal client = holder_of(record, owner, igmp, epoch)\nif not client and epoch ~= '' then\noperator_log.note_refused(OPERATION, 'not-owner', by, { interface = interface })\nreturn { 'other_epoch', current_epoch(record, owner, igmp) }\nend\nif not client then\noperator_log.note_refused(OPERATION, 'not-found', by, { interface = interface })\nreturn { 'free' }\nend\nlocal previous = client == owner and holder_shape(record, owner, igmp) or holder_shape(record, nil, igmp)\nlocal released = clear_hold(interface, record, client, 'admin', by)\noperator_log.note(client == owner and 'released' or 'igmp-released', OPERATION, by, { session = client.session,\nprotocol_id = client.protocol_id, component_id = client.component_id, cause = 'admin', interface = interface,\nepoch = released })\nqueue_callback(client, 'OWNERSHIP_LOST', interface, router.rev, 'admin', released, why)\nreturn { 'released', previous }\nend\nend\ndo\nfunction operations.agents(after, limit)\nreturn { 'page', agents.page(after, limit) }\nend\nend\ndo\nlocal RELEASED_DIRECTLY = 1024\nfunction operations.deregister(handle, seq, ack, force)\nlocal client, answered, rev = admit('deregister', handle, seq, ack)\nif not client then return answered, rev end\nlocal owned = owned_count(client)\nif owned > 0 and force == 0 then\nreturn remember(client, 'deregister', seq, { 'owns_interfaces', owned })\nend\nlocal interfaces = owned > 0 and some_owned(client, RELEASED_DIRECTLY) or {}\nfor i = 1, #interfaces do\nclear_hold(interfaces[i], records[interfaces[i]], client, 'release')\nend\nif owned_count(client) == 0 then session_event('deregistered', client) end\nend_client(client, 'release')\nreturn remember(client, 'deregister', seq, { 'deregistered' })\nend\nend\ndo\nlocal ENTRIES = 8\nfunction operations.events(after, limit)\nlocal oldest = redis.call('XRANGE', router_keys.events, '-', '+', 'COUNT', 1)[1]\nlocal first = oldest and tonumber(oldest[2][2]) or router.rev + 1\nif after + 1 < first then return { 'compacted', first } end\nlocal entries, held, from = {}, 0, text(after)\nrepeat\nlocal found = redis.call('XRANGE', router_keys.events, '(' .. from .. '-0', '+', 'COUNT', ENTRIES)\nfor i = 1, #found do\nif held >= limit then break end\nlocal last, fields = string.match(found[i][1], '^%d+'), found[i][2]\nentries[#entries + 1] = { tonumber(fields[4]), cmsgpack.unpack(fields[6]) }\nheld = held + tonumber(last) - math.max(tonumber(fields[2]), after + 1) + 1\nfrom = last\nend\nuntil held >= limit or #found < ENTRIES\nreturn { 'entries', entries, first }\nend\nend\ndo\nlocal AT_ONCE = 8\nlocal BYTES_MAX = 400000\nfunction operations.fib(after, limit)\nlocal first = fib_log.first()\nif after + 1 < first then return { 'compacted', first } end\nlocal messages, bytes, from = {}, 0, after\nrepeat\nlocal found = fib_log.after(from, AT_ONCE)\nlocal is_full = false\nfor i = 1, #found do\nlocal message = found[i]\nbytes = bytes + fib_log.size_of(message)\nis_full = #messages == limit or #messages > 0 and bytes > BYTES_MAX\nif is_full then break end\nmessages[#messages + 1] = message\nfrom = message[1] + #message[3] - 1\nend\nuntil is_full or #found < AT_ONCE\nreturn { 'changes', messages, first }\nend\nend\ndo\nfunction operations.flow_answered(names, incarnations, rpf, seen, last, answerers, iifs, given, upstreams, prefixes, protocols, vetoes, silent)\nif router.is_full then\nflow_creation.give_up(names, incarnations)\nreturn { 'store_full' }\nend\nif not router.view then begin_view() end\nview_tasks.activate()\nflow_creation.do_not_ask(silent)\nmfe_changes.load(names)\nlocal results, memo = {}, {}\nfor i = 1, #names do\nlocal answer = answerers[i] ~= 0 and { session = answerers[i], iif = iifs[i], given = given[i],\nupstream = upstreams[i], prefix = prefixes[i], protocol = protocols[i] } or nil\nresults[i] = flow_creation.go_on({ name = names[i], incarnation = incarnations[i], is_rpf = rpf[i] == 1,\nseen = seen[i], is_last = last[i] == 1, answer = answer, vetoes = vetoes[i] }, memo)\nend\nmfe_changes.close()\nreturn { 'flows', results }\nend\nend\ndo\nfunction operations.flow_failed(handle, names, incarnations, reasons)\nlocal client, refused = client_of(handle)\nif not client then return refused end\nif router.is_full then return { 'store_full' } end\nif has_mfes() then mfes.load(names) end\nmfe_reports.load('failed', names)\nlocal count = 0\nfor i = 1, #names do\nlocal mfe = mfes.get(names[i])\nif mfe and mfe.incarnation == incarnations[i] then\ncount = count + 1\nmfe_reports.fail(mfe, client, reasons[i])\nend\nend\nreturn { 'counted', count }\nend\nend\ndo\nfunction operations.flow_new(handle, names, asks, silent)\nlocal client, refused = client_of(handle)\nif not client then return refused end\nif router.is_full then return { 'store_full' } end\nif not router.view then begin_view() end\nview_tasks.activate()\nflow_creation.do_not_ask(silent)\nmfe_changes.load(names)\nlocal results = flow_creation.begin_flows(names, asks == 1)\nmfe_changes.close()\nreturn { 'flows', results }\nend\nend\ndo\nlocal function group_of(values, place, size)\nreturn { unpack(values, place * size + 1, (place + 1) * size) }\nend\nfunction operations.flow_stats(handle, names, incarnations, counters, oif_counts, interfaces, oif_counters)\nlocal client, refused = client_of(handle)\nif not client then return refused end\nif router.is_full then return { 'store_full' } end\nif has_mfes() then mfes.load(names) end\nmfe_reports.load('stats', names)\nlocal count, place = 0, 0\nfor i = 1, #names do\nlocal mfe = mfes.get(names[i])\nif mfe and mfe.incarnation == incarnations[i] then\nlocal by_oif = {}\nfor j = place, place + oif_counts[i] - 1 do by_oif[interfaces[j + 1]] = group_of(oif_counters, j, 4) end\nmfe_reports.count(mfe, client, group_of(counters, i - 1, 8), by_oif)\ncount = count + 1\nend\nplace = place + oif_counts[i]\nend\nreturn { 'counted', count }\nend\nend\ndo\nfunction operations.flow_veto(name, incarnation, vetoes)\nlocal mfe = mfes.get(name)\nlocal is_changed = false\nif not mfe or mfe.incarnation ~= incarnation then return { 'vetoed', 0 } end\nfor client, epoch, interface in string.gmatch(vetoes, '(%d+) (%d+) ([^,]+)') do\nlocal veto = { tonumber(client), tonumber(epoch) }\nif overrides.holds(interface, veto) then\nis_changed = overrides.change(mfe, overrides.OFF, interface, veto[1], veto[2]) or is_changed\nend\nend\nif is_changed then\nmfes.note_change(mfe)\nmfe_changes.note(name, 'forward')\nmfe_changes.close()\nend\nreturn { 'vetoed', is_changed and 1 or 0 }\nend\nend\ndo\nlocal WRONG_IF_BIT = 64\nlocal function recipient_on(interface)\nlocal _, owner = look_at(interface)\nlocal is_sent = owner and owner.state == 'live' and slots.is_set(interface, slots.WRONG_IF)\nand bit.band(member_of(owner).alerts, WRONG_IF_BIT) ~= 0\nreturn is_sent and { owner.session, owner.identity } or { 0, '' }\nend\nfunction operations.flow_wrongif(handle, interfaces)\nlocal client, refused = client_of(handle)\nif not client then return refused end\nlocal to = {}\nfor i = 1, #interfaces do to[i] = recipient_on(interfaces[i]) end\nreturn { 'owners', to }\nend\nend\ndo\nlocal STEPS = 1000\nlocal FLAGS = { [0] = '000', '001', '010', '011', '100', '101', '110', '111' }\nlocal function item_of(name, pairs, asking)\nlocal clients_counted, clients, others, own, is_local = {}, 0, 0, 0, 0\nfor i = 1, #pairs, 2 do\nlocal holder, counts_for = pairs[i], pairs[i + 1]\nif counted.is_client(counts_for) and not clients_counted[counts_for] then\nclients_counted[counts_for] = true\nclients = clients + 1\nend\nif asking ~= 0 and holder == asking then\nown = 2\nelseif asking ~= 0 and counted.client_behind(counts_for) == asking then\nif holder ~= 0 then is_local = 1 end\nelseif counted.is_client(counts_for) then\nothers = 4\nend\nend\nlocal is_notified = asking ~= 0 and notified.of(name) == asking and '1' or '0'\nreturn name .. ' ' .. clients .. ' ' .. FLAGS[others + own + is_local] .. is_notified\nend\nlocal function group_of(name)\nreturn string.sub(name, 1, string.sub(name, 1, 1) == '4' and 9 or 33)\nend\nfunction operations.groups(handle, is_anonymous, any, after, limit)\nlocal client, refused\nif is_anonymous == 0 then\nclient, refused = client_of(handle)\nif not client then return refused end\nend\nlocal asking = client and client.number or 0\nlocal names = entries.names_from(after == '' and '-' or '(' .. after, '+', STEPS)\nentries.load(names)\nif client then notified.load(names) end\nlocal items, last, listed = {}, '', ''\nfor i = 1, #names do\nlast = names[i]\nlocal group = group_of(last)\nlocal is_wanted = any == 0 or #last > 1 and group ~= listed\nlocal present = is_wanted and entries.present_clients(last)\nif present and #present > 0 then\nitems[#items + 1] = any == 1 and group or item_of(last, present, asking)\nlisted = group\nend\nif #items == limit then break end\nend\nlocal is_end = #names < STEPS and last == (names[#names] or '')\nif any == 1 and last ~= '' and group_of(last) == listed then last = listed .. 'g' end\nreturn { 'page', table.concat(items, ','), is_end and '' or last, client and client.mailbox or 0 }\nend\nend\ndo\nfunction operations.head()\nlocal oldest = redis.call('XRANGE', router_keys.events, '-', '+', 'COUNT', 1)[1]\nreturn { 'head', oldest and tonumber(oldest[2][2]) or router.rev + 1, redis.call('ZCARD', router_keys.roster),\nhold_off_left(), router.members and member_log.first() or 1, router.view and fib_log.first() or 1, due_in_ms(),\ndata_schema() }\nend\nend\ndo\nlocal function change_setting(changed, interface, name, setting, value, on)\nif value ~= '' and slots.set(interface, setting, value == on) then changed[#changed + 1] = name .. '=' .. value end\nend\nlocal function apply_settings(client, interface, igmp, local_members, wrong_if)\nlocal changed = {}\nchange_setting(changed, interface, 'localMembers', slots.ADVISE, local_members, 'advise')\nlocal opens = changed[1] ~= nil and igmp\nchange_setting(changed, interface, 'wrongIf', slots.WRONG_IF, wrong_if, 'true')\nif not changed[1] then return false end\nif opens then slots.open_window(interface, 'policy', igmp) end\nlocal rev = slots.settings_event(client, interface, table.concat(changed, ','), 'policy')\nif opens then queue_igmp_pair(igmp, interface, rev, 'policy') end\nreturn true\nend\nlocal function set_interface(client, interface, epoch, local_members, wrong_if)\nlocal record, owner, igmp = look_at(interface)\nif not owner and not igmp then return { 'not_found' } end\nif owner ~= client then return { 'not_owner', holder_shape(record, owner, igmp) } end\nlocal current = epoch_in_force(client, record[2])\nif epoch ~= '' and epoch ~= text(current) then return { 'other_epoch', current } end\nreturn { 'set', apply_settings(client, interface, igmp, local_members, wrong_if) and 1 or 0 }\nend\nfunction operations.interface_set(handle, seq, ack, interface, epoch, local_members, wrong_if)\nlocal client, answered, rev = admit('interface_set', handle, seq, ack)\nif not client then return answered, rev end\nif is_window_full(client) then return { 'window_full' } end\nif router.is_full then return remember(client, 'interface_set', seq, { 'store_full' }) end\nreturn remember(client, 'interface_set', seq, set_interface(client, interface, epoch, local_members, wrong_if))\nend\nend\ndo\nlocal STEPS = 256\nlocal function next_of_roster(number)\nlocal found = redis.call('ZRANGEBYSCORE', router_keys.roster, '(' .. text(number), '+inf', 'LIMIT', 0, 1)\nreturn tonumber(found[1] or 0)\nend\nlocal function is_behind(name, other)\nfor i = 1, math.min(#name, #other) do\nlocal byte, other_byte = string.byte(name, i), string.byte(other, i)\nif byte ~= other_byte then return byte > other_byte end\nend\nreturn #name > #other\nend\nlocal function owned_behind(number, score, last, most)\nlocal key, found = router_keys.owned(number), {}\nif last ~= '' then\nlocal same = redis.call('ZRANGEBYSCORE', key, text(score), text(score))\nfor i = 1, #same do\nif #found < most and is_behind(same[i], last) then found[#found + 1] = { same[i], score } end\nend\nend\nif #found == most then return found end\nlocal rest = redis.call('ZRANGEBYSCORE', key, '(' .. text(score), '+inf', 'WITHSCORES', 'LIMIT', 0, most - #found)\nfor i = 1, #rest, 2 do found[#found + 1] = { rest[i], tonumber(rest[i + 1]) } end\nreturn found\nend\nlocal function names_of(found)\nlocal names = {}\nfor i = 1, #found do names[i] = found[i][1] end\nreturn names\nend\nfunction operations.interfaces(client, score, last, began, limit, session, protocol)\nlocal from = began > 0 and began or router.epoch\nlocal items = {}\nlocal function listed_before(record, own, other, own_number)\nlocal number = record[other]\nreturn session == 0 and protocol < 0 and number ~= 0 and number < own_number and record[other + 1] <= from\nend\nlocal function list(member, owning)\nlocal record, owner, igmp = look_at(member)\nlocal own = owner == owning and 1 or igmp == owning and 4\nif not own then return end\nif listed_before(record, own, own == 1 and 4 or 1, owning.number) then return end\nitems[#items + 1] = { member, holder_shape(record, owner, igmp) }\nend\nlocal function is_wanted(candidate)\nreturn candidate and candidate.state ~= 'ended' and (session == 0 or candidate.session == session)\nand (protocol < 0 or candidate.protocol_id == protocol)\nend\nlocal number, at, name = client, score, last\nif began == 0 then number, at, name = next_of_roster(0), 0, '' end\nfor _ = 1, STEPS do\nlocal room = limit - #items\nif number == 0 or room == 0 then break end\nlocal owning = load_client(number)\nlocal found = is_wanted(owning) and owned_behind(number, at, name, room) or {}\nload_records(names_of(found))\nfor i = 1, #found do list(found[i][1], owning) end\nif #found < room then\nnumber, at, name = next_of_roster(number), 0, ''\nelse\nat, name = found[room][2], found[room][1]\nend\nend\nreturn { 'page', items, number, at, name, from }\nend\nend\ndo\nfunction operations.keepalive(handle, ack, mailbox_ack, frev)\nlocal client, refused = client_of(handle)\nif not client then return refused end\nset_expiry(client, service_now + client.ttl_ms)\nif ack > 0 then advance_ack(client, ack) end\nif mailbox_ack > 0 then\nacknowledge_mailbox(client, mailbox_ack)\nalerts.acknowledge(client, client.mailbox_ack)\nend\nif frev >= 0 then agents.programmed(client, frev) end\nreturn { 'kept', client.ttl_ms, client.mailbox }\nend\nend\ndo\nlocal ENTRIES = 8\nlocal BYTES_MAX = 200000\nlocal FREV = 8\nfunction operations.mailbox(handle, after, limit)\nlocal client, refused = client_of(handle)\nif not client then return refused end\nlocal entries, from, bytes = {}, text(after), 0\nrepeat\nlocal found = redis.call('XRANGE', router_keys.mailbox(client.session), '(' .. from .. '-0', '+', 'COUNT', ENTRIES)\nfor i = 1, #found do\nif bytes > BYTES_MAX then break end\nlocal fields = found[i][2]\nlocal _, alert_rows = 0, {}\nif fields[6] then _, alert_rows = cmsgpack.unpack(fields[6]) end\nfor j = 1, #alert_rows do alert_rows[j][FREV] = alert_rows[j][FREV] or 0 end\nentries[#entries + 1] = { tonumber(fields[2]), cmsgpack.unpack(fields[4]), alert_rows }\nfrom = string.match(found[i][1], '^%d+')\nbytes = bytes + #fields[4] + (fields[6] and #fields[6] or 0)\nend\nuntil tonumber(from) - after >= limit or bytes > BYTES_MAX or #found < ENTRIES\nreturn { 'messages', entries, client.mailbox }\nend\nend\ndo\nfunction operations.member_add(handle, seq, ack, interfaces, entries, codes, epoch, single)\nlocal client, answered, rev = admit('member_add', handle, seq, ack)\nif not client then return answered, rev end\nif is_window_full(client) then return { 'window_full' } end\nif router.is_full then return remember(client, 'member_add', seq, { 'store_full' }) end\nreturn member_change.list('member_add', client, seq, interfaces, entries, codes, epoch, single)\nend\nend\ndo\nfunction operations.member_delete(handle, seq, ack, interfaces, entries, codes, epoch, single)\nlocal client, answered, rev = admit('member_delete', handle, seq, ack)\nif not client then return answered, rev end\nif is_window_full(client) then return { 'window_full' } end\nreturn member_change.list('member_delete', client, seq, interfaces, entries, codes, epoch, single)\nend\nend\ndo\nlocal AT_ONCE = 8\nlocal BYTES_MAX = 200000\nfunction operations.member_events(after, limit)\nlocal first = member_log.first()\nif after + 1 < first then return { 'compacted', first } end\nlocal read, messages, bytes, from = {}, 0, 0, text(after)\nrepeat\nlocal found = redis.call('XRANGE', router_keys.mlog, '(' .. from .. '-0', '+', 'COUNT', AT_ONCE)\nfor i = 1, #found do\nif messages >= limit or bytes > BYTES_MAX then break end\nlocal fields = found[i][2]\nlocal rows = cmsgpack.unpack(fields[6])\nread[#read + 1] = { tonumber(fields[4]), rows }\nmessages, bytes = messages + #rows, bytes + #fields[6]\nfrom = string.match(found[i][1], '^%d+')\nend\nuntil messages >= limit or bytes > BYTES_MAX or #found < AT_ONCE\nreturn { 'entries', read, first }\nend\nend\ndo\nfunction operations.member_set(handle, seq, ack, interface, group, entries, exclude, epoch)\nlocal client, answered, rev = admit('member_set', handle, seq, ack)\nif not client then return answered, rev end\nif is_window_full(client) then return { 'window_full' } end\nif router.is_full then return remember(client, 'member_set', seq, { 'store_full' }) end\nreturn member_change.replace(client, seq, interface, group, entries, exclude, epoch)\nend\nend\ndo\nlocal LISTS_MAX = 150000\nlocal STEPS = 1000\nlocal function filter_of(session, interface)\nlocal client = session ~= 0 and find_client('s:' .. text(session)) or nil\nlocal present = {}\nif interface ~= '' then\nlook_at(interface)\nfor _, place in ipairs({ slots.OWNER, slots.IGMP, slots.HOME }) do\nlocal slot = router.members and slots.present(interface, place)\nif slot then present[#present + 1] = slot end\nend\nend\nreturn function(pair)\nlocal holder, counts_for = pair[1], pair[2]\nif holder == 0 and (session ~= 0 or counts_for ~= 0) then return nil end\nif session ~= 0 and (not client or client.number ~= holder and client.number ~= counted.client_behind(counts_for)) then return nil end\nif interface == '' then return true end\nfor i = 1, #present do\nif present[i].holder == holder and present[i].counts_for == counts_for then return present[i].number end\nend\nend\nend\nlocal function present_slots(pair)\nlocal all = entries.slots_of(pair)\nlocal withdrawn = entries.may_be_withdrawn() and entries.withdrawn_of(pair) or {}\nif #withdrawn == 0 then return all end\nlocal is_gone, present = {}, {}\nfor i = 1, #withdrawn do is_gone[withdrawn[i]] = true end\nfor i = 1, #all do\nif not is_gone[all[i]] then present[#present + 1] = all[i] end\nend\nreturn present\nend\nlocal function listed_slots(entry, wanted, first)\nlocal listed = {}\nfor i = 1, #entry do\nlocal pair = entry[i]\nlocal only = wanted(pair)\nif type(only) == 'number' then\nif only >= first and entries.has(pair, only) then listed[#listed + 1] = only end\nelseif only then\nlocal present = present_slots(pair)\nfor j = 1, #present do\nif present[j] >= first then listed[#listed + 1] = present[j] end\nend\nend\nend\ntable.sort(listed)\nreturn listed\nend\nfunction operations.members(from, to, after, slot, limit, session, interface)\nlocal wanted = filter_of(session, interface)\nlocal first = from == '' and '-' or '[' .. from\nif after ~= '' then first = (slot > 0 and '[' or '(') .. after end\nlocal names = entries.names_from(first, to == '' and '+' or '[' .. to, STEPS)\nentries.load(names)\nlocal items, bytes = {}, 0\nfor i = 1, #names do\nlocal name = names[i]\nlocal entry = entries.get(name)\nlocal listed = listed_slots(entry, wanted, name == after and slot or 0)\nfor j = 1, #listed do\nif #items == limit or bytes > LISTS_MAX then return { 'page', items, name, listed[j] } end\nlocal one = slots.get(listed[j])\nlocal list = excludes.of(one, name)\nbytes = bytes + #list\nitems[#items + 1] = { name, one.interface, counted.session(one.holder),\ncounted.session(statics.client_of(entry, one)), list }\nend\nend\nreturn { 'page', items, #names == STEPS and names[#names] or '', 0 }\nend\nend\ndo\nfunction operations.mfe_get(name)\nlocal mfe = mfes.get(name)\nif not mfe then return { 'none' } end\nreturn { 'found', oifs.shape(mfe, (oifs.of(mfe, {}))), mfe_reports.failures(mfe), agents.lowest() }\nend\nend\ndo\nlocal ITEM_BYTES, FAILURE_BYTES = 400, 80\nlocal OIFS = 13\nlocal function reported(mfe, names)\nlocal shape, failures = oifs.shape(mfe, names), mfe_reports.failures(mfe)\nreturn { shape, { mfe.name, failures } }, #shape[OIFS] + ITEM_BYTES + #failures * FAILURE_BYTES\nend\nfunction operations.mfe_list(after, limit)\nlocal found, last = mfe_pages.read(after, limit, 'failed', reported)\nlocal items, failed = {}, {}\nfor i = 1, #found do\nitems[i] = found[i][1]\nif found[i][2][2][1] then failed[#failed + 1] = found[i][2] end\nend\nreturn { 'page', items, failed, agents.lowest(), last }\nend\nend\ndo\nlocal function refusal_to_set(client, mfe, incarnation, epoch)\nif not mfe then return { 'no_mfe' } end\nif incarnation ~= 0 and incarnation ~= mfe.incarnation then return { 'other_incarnation', mfe.incarnation } end\nlocal owner, shown = mfes.owner_of(mfe)\nif not owner then return { 'not_owner', {} } end\nif owner ~= client then return { 'not_owner', holder_shape(look_at(mfe.iif)) } end\nlocal record = look_at(mfe.iif)\nlocal held = epoch_in_force(client, record[1] == client.number and record[2] or record[5])\nif epoch ~= '' and epoch ~= text(held) and epoch ~= text(shown) then return { 'other_epoch', held } end\nend\nfunction operations.mfe_set(handle, seq, ack, name, upstream, is_given, timeout, incarnation, epoch)\nlocal client, answered, rev = admit('mfe_set', handle, seq, ack)\nif not client then return answered, rev end\nif is_window_full(client) then return { 'window_full' } end\nif router.is_full then return remember(client, 'mfe_set', seq, { 'store_full' }) end\nlocal mfe = mfes.get(name)\nlocal refused = refusal_to_set(client, mfe, incarnation, epoch)\nif refused then return remember(client, 'mfe_set', seq, refused) end\nif is_given == 1 then mfes.set_upstream(mfe, upstream) end\nif timeout > 0 then mfes.set_timeout(mfe, timeout) end\nmfe_changes.review(name, 'member', {})\nmfe_changes.close()\nreturn remember(client, 'mfe_set', seq, { 'set', router.view.frev })\nend\nend\ndo\nlocal ITEM_BYTES, OIF_BYTES = 600, 48\nlocal OIFS = 13\nlocal function counted(mfe, names)\nlocal shape, count = oifs.shape(mfe, names), math.min(#names, 16384)\nreturn { shape, mfe_reports.sums(mfe, names, count) }, #shape[OIFS] + ITEM_BYTES + count * OIF_BYTES\nend\nfunction operations.mfe_stats(name, after, limit)\nif name == '' then return { 'page', mfe_pages.read(after, limit, 'stats', counted) } end\nlocal mfe = mfes.get(name)\nif not mfe then return { 'none' } end\nreturn { 'found', (counted(mfe, (oifs.of(mfe, {})))) }\nend\nend\ndo\nfunction operations.owner(interface)\nlocal record, owner, igmp = look_at(interface)\nif not owner and not igmp then return { 'free' } end\nreturn { 'held', holder_shape(record, owner, igmp) }\nend\nend\ndo\nfunction operations.purge(retention_ms)\nif redis.call('ZCARD', router_keys.roster) > 0 or redis.call('ZCARD', router_keys.leases) > 0 then return { 'in_use' } end\nif router.members and (router.members.slots > 0 or router.members.limited > 0) then return { 'in_use' } end\nif router.view and router.view.active == 1 then return { 'in_use' } end\nif router.fresh then return { 'purged' } end\nif now_ms - router.seen_at < retention_ms then return { 'kept', router.seen_at } end\nrouter.purged = true\nreturn { 'purged' }\nend\nend\ndo\nlocal TAKEOVER_BY = 3\nlocal function registered(client)\nlocal resumed = client.epoch_floor > 0\nreturn { 'registered', client.number, client.session, client.secret, client.ttl_ms, client.grace_ms, client.mailbox,\nresumed and 1 or 0, client.resumed_owned, client.epoch_floor, member_of(client).alerts }\nend\nfunction operations.register(protocol_id, component_id, is_igmp, instance, name, ttl_ms, grace_ms, takeover, resumes, mask, secret)\nlocal fields = { protocol_id = protocol_id, component_id = component_id, is_igmp = is_igmp == 1, instance = instance,\nname = name, ttl_ms = ttl_ms, grace_ms = grace_ms, secret = secret }\nlocal client = find_client('p:' .. text(protocol_id) .. ':' .. text(component_id))\nif client and client.state == 'ended' then client = nil end\nif not client and router.is_full then return { 'store_full' } end\nif not client then\nif redis.call('ZCARD', router_keys.roster) >= router.limits.sessions then return { 'too_many_sessions' } end\nif has_all('', caller[3]) then return { 'quota_reached' } end\nnotice_claim(resumes, false)\nclient = create_client(fields)\nbegin_session(client, fields, 0)\nset_alerts(client, mask)\nalerts.forget_listeners()\nsession_event('registered', client)\nreturn registered(client)\nend\nif client.state == 'live' and client.instance == instance and is_callers(client) then\nset_expiry(client, service_now + client.ttl_ms)\nreturn registered(client)\nend\nif client.state == 'live' and takeover == 0 and resumes ~= client.session then\nreturn { 'already_registered', client.session, client.name, client.expires_at - service_now }\nend\nif not may_inherit(client) then return { 'of_another_identity' } end\nlocal previous = client.session\nlocal taken_over = client.state == 'live' and takeover == 1 and { previous, client.mailbox + 1, 0, client.identity }\nnotice_claim(resumes, true)\nbegin_session(client, fields, owned_count(client))\nset_alerts(client, mask)\nalerts.forget_listeners()\nclient.epoch_floor = next_epoch()\nview_tasks.note_inherited(client)\nsession_event('resumed', client, { epoch = client.epoch_floor, previous = previous })\nif taken_over then\ntaken_over[TAKEOVER_BY] = client.session\nrouter.takeovers = router.takeovers or {}\nrouter.takeovers[#router.takeovers + 1] = taken_over\nend\nreturn registered(client)\nend\nend\ndo\nlocal RELEASED = { 'released' }\nlocal function give_back(client, interface, epoch)\nlocal record, owner, igmp = look_at(interface)\nif not owner and not igmp then return { 'unknown_interface' } end\nlocal held = owner == client and record[2] or igmp == client and record[5]\nif not held then return { 'not_owner', holder_shape(record, owner, igmp) } end\nlocal current = epoch_in_force(client, held)\nif epoch and epoch ~= '' and epoch ~= text(current) then return { 'other_epoch', current } end\nclear_hold(interface, record, client, 'release')\nreturn RELEASED\nend\nfunction operations.release(handle, seq, ack, interfaces, epoch)\nlocal client, answered, rev = admit('release', handle, seq, ack)\nif not client then return answered, rev end\nif is_window_full(client) then return { 'window_full' } end\nlocal outcomes, released = {}, 0\nfor i = 1, #interfaces do\nlocal outcome = give_back(client, interfaces[i], epoch)\noutcomes[i] = outcome\nif outcome == RELEASED then released = released + 1 end\nend\nlocal are_all = released == #interfaces\nreturn remember(client, 'release', seq, are_all and RELEASED or { 'decided', outcomes })\nend\nend\ndo\nfunction operations.rib_delete(handle, seq, ack, prefixes, faults)\nlocal client, answered, rev = admit('rib_delete', handle, seq, ack)\nif not client then return answered, rev end\nif is_window_full(client) then return { 'window_full' } end\nlocal view = router.view\nif view then routes.load(prefixes) end\nlocal count, failed = 0, {}\nfor i = 1, #prefixes do\nif faults[i] ~= '' then\nfailed[#failed + 1] = { i - 1, faults[i] }\nelseif view and routes.remove(client, prefixes[i]) then\ncount, view.rrev = count + 1, view.rrev + 1\nend\nend\nreturn remember(client, 'rib_delete', seq, { 'changed', count, view and view.rrev or 0, failed })\nend\nend\ndo\nlocal STEPS = 1000\nlocal CLIENT_MAX = 9007199254740991\nlocal function by_client(one, other)\nreturn one[1] < other[1]\nend\nfunction operations.rib_list(session, after, client, limit)\nlocal only = session ~= 0 and find_client('s:' .. text(session)) or nil\nif session ~= 0 and not only then return { 'page', {}, '', 0 } end\nlocal key = only and router_keys.routes(only.number) or router_keys.prefixes\nlocal names = redis.call('ZRANGEBYLEX', key, after == '' and '-' or '[' .. after, '+', 'LIMIT', 0, STEPS)\nroutes.load(names)\nlocal items, last_client = {}, 0\nfor i = 1, #names do\nlocal name = names[i]\nlocal list = routes.of(name)\nlocal best = routes.best(list)\ntable.sort(list, by_client)\nfor j = 1, #list do\nlocal route = list[j]\nlocal owner = routes.client_of(route)\nlocal is_wanted = (not only or owner == only) and (name ~= after or route[1] > client)\nif owner and is_wanted then\nif #items == limit then\nreturn { 'page', items, items[#items][1], last_client }\nend\nitems[#items + 1] = { name, route[2], route[3], route[4], route[5],\nowner.session, route == best and 1 or 0 }\nlast_client = route[1]\nend\nend\nend\nif #names < STEPS then return { 'page', items, '', 0 } end\nreturn { 'page', items, names[#names], CLIENT_MAX }\nend\nend\ndo\nfunction operations.rib_resolve(source)\nlocal route, prefix = routes.to(string.sub(source, 1, 1), string.sub(source, 2))\nif not route then return { 'none' } end\nlocal record, owner, igmp = look_at(route[2])\nlocal holder = (owner or igmp) and holder_shape(record, owner, igmp) or {}\nreturn { 'found', prefix, route[2], route[3], route[4], holder }\nend\nend\ndo\nfunction operations.rib_set(handle, seq, ack, prefixes, faults, via, neighbours, protocols, preferences)\nlocal client, answered, rev = admit('rib_set', handle, seq, ack)\nif not client then return answered, rev end\nif is_window_full(client) then return { 'window_full' } end\nif router.is_full then return remember(client, 'rib_set', seq, { 'store_full' }) end\nif not router.view then begin_view() end\nroutes.load(prefixes)\nlocal count, failed = 0, {}\nfor i = 1, #prefixes do\nlocal changed, reason = false, faults[i]\nif reason == '' then\nchanged, reason = routes.set(client, prefixes[i],\n{ client.number, via[i], neighbours[i], protocols[i], preferences[i] })\nend\nif changed then count = count + 1 end\nif reason then failed[#failed + 1] = { i - 1, reason } end\nend\nreturn remember(client, 'rib_set', seq, { 'changed', count, router.view.rrev, failed })\nend\nend\ndo\nfunction operations.sessions(after, limit)\nlocal numbers = redis.call('ZRANGEBYSCORE', router_keys.roster, '(' .. text(after), '+inf', 'LIMIT', 0, limit)\nlocal items = {}\nfor i = 1, #numbers do\nlocal client = load_client(tonumber(numbers[i]))\nif client and client.state ~= 'ended' then\nitems[#items + 1] = { client.session, client.protocol_id, client.component_id, client.name,\nclient.state == 'stale' and 1 or 0, client.expires_at - service_now, owned_count(client) }\nend\nend\nreturn { 'page', items, #numbers == limit and tonumber(numbers[#numbers]) or 0 }\nend\nend\ndo\nfunction operations.sweep(most, most_entries, serving_ms)\npromise_service(serving_ms)\nlocal due = redis.call('ZRANGEBYSCORE', router_keys.leases, '-inf', text(service_now), 'LIMIT', 0, most)\nlocal ended = {}\nfor i = 1, #due do\nlocal client = load_client(tonumber(due[i]))\nif not client then\norphaned_leases[#orphaned_leases + 1] = due[i]\nelseif client.state == 'ended' then\nended[#ended + 1] = client\nclient.requeue = true\nend\nend\nlocal released = 0\nfor i = 1, #ended do\nif released == most then break end\nreleased = released + clear_slice(ended[i], most - released)\nend\nlocal more = #due == most or released == most\nif released == 0 then\nmore = settle_slice(most_entries) or more\nmore = view_slice(most_entries) or more\nmore = mfe_changes.expire(most_entries) or more\nelse\nmore = more or router.members ~= nil and router.members.voids > 0 or router.view ~= nil and router.view.tasks > 0\nend\nlocal idle = #due == 0 and not more and not has_mfes() and redis.call('ZCARD', router_keys.roster) == 0 and redis.call('ZCARD', router_keys.leases) == 0\nreturn { 'swept', #ended, released, more and 1 or 0, idle and 1 or 0, due_in_ms() }\nend\nend\ndo\nlocal function give_way(interface, record, client)\nlocal epoch = clear_hold(interface, record, client, 'take')\nqueue_callback(client, 'OWNERSHIP_LOST', interface, router.rev, 'take', epoch, 'another client had it later')\nend\nlocal function held_off(hold, had, client)\nif had == 0 and router.hold_ms == 0 then return nil end\nnotice_claim(had, client.epoch_floor > 0)\nlocal left_ms = hold_off_left()\nif left_ms == 0 then return nil end\nif not is_claim(hold, had) then return { 'held_back', left_ms } end\nnote_claim(hold, had)\nend\nlocal function too_many(client)\nif owned_count(client) >= router.limits.interfaces then return { 'too_many_interfaces' } end\nif has_all(':interfaces', caller[6]) then return { 'quota_reached' } end\nend\nlocal function take_igmp(client, interface, had, _, record, _, igmp)\nif igmp == client then return nil, { 'already_taken', holder_shape(record, nil, igmp) } end\nlocal hold = 'igmp:' .. interface\nif igmp and is_claim(hold, had) and has_claimant(hold) then\ngive_way(interface, record, igmp)\nigmp = nil\nend\nif igmp then return nil, { 'already_owned', holder_shape(record, nil, igmp) } end\nlocal refused = too_many(client) or held_off(hold, had, client)\nif refused then return nil, refused end\nlocal epoch = next_epoch()\nrecord = record_of(interface)\nrecord[4], record[5], record[6] = client.number, epoch, now_ms\nadd_owned(client, interface)\nslots.note_owner(interface)\ninterface_event('igmp-taken', client, interface, epoch, 'take')\nreturn epoch\nend\nlocal function take_owner(client, interface, had, advise, record, owner, igmp)\nif owner == client then return nil, { 'already_taken', holder_shape(record, owner, igmp) } end\nif owner and is_claim(interface, had) and has_claimant(interface) then\ngive_way(interface, record, owner)\nowner = nil\nend\nif owner then return nil, { 'already_owned', holder_shape(record, owner, igmp) } end\nlocal refused = too_many(client) or held_off(interface, had, client)\nif refused then return nil, refused end\nlocal epoch = next_epoch()\nrecord = record_of(interface)\nrecord[1], record[2], record[3] = client.number, epoch, now_ms\nadd_owned(client, interface)\nslots.note_owner(interface)\nif igmp then slots.open_window(interface, 'take', igmp) end\nif advise then slots.set(interface, slots.ADVISE, true) end\nlocal rev = interface_event('taken', client, interface, epoch, 'take')\nif igmp then queue_igmp_pair(igmp, interface, rev, 'take') end\nreturn epoch\nend\nlocal function outcomes_of(count, epochs, refusals)\nlocal outcomes = {}\nfor i = 1, count do outcomes[i] = refusals[i] or { 'taken', epochs[i] } end\nreturn outcomes\nend\nfunction operations.take(handle, seq, ack, interfaces, held, advise)\nlocal client, answered, rev = admit('take', handle, seq, ack)\nif not client then return answered, rev end\nif is_window_full(client) then return { 'window_full' } end\nif router.is_full then return remember(client, 'take', seq, { 'store_full' }) end\nlocal take = client.is_igmp and take_igmp or take_owner\nlocal count = #interfaces\nlocal epochs, refusals, held_count = {}, nil, 0\nfor i = 1, count do\nlocal interface, had = interfaces[i], held and held[i] or 0\nlocal epoch, refused\nif is_refused(i) then refused = { 'not_permitted' }\nelse epoch, refused = take(client, interface, had, advise == 1, look_at(interface)) end\nepochs[i] = epoch or 0\nif refused then\nrefusals = refusals or {}\nrefusals[i] = refused\nif refused[1] == 'held_back' then held_count = held_count + 1 end\nend\nend\nif not refusals then return remember(client, 'take', seq, count == 1 and { 'granted', epochs[1] } or { 'taken', epochs }) end\nif held_count == count then return { 'held_back', hold_off_left() } end\nreturn remember(client, 'take', seq, { 'decided', outcomes_of(count, epochs, refusals) })\nend\nend\ndo\nfunction operations.validate(interface, epoch)\nlocal record, owner, igmp = look_at(interface)\nlocal of_owner = owner and epoch_in_force(owner, record[2])\nlocal of_igmp = igmp and epoch_in_force(igmp, record[5])\nif not of_owner and not of_igmp then return { 'free' } end\nif of_owner and text(of_owner) == epoch then return { 'current', of_owner } end\nif of_igmp and text(of_igmp) == epoch then return { 'current', of_igmp } end\nreturn { 'outdated', of_owner or of_igmp }\nend\nend\nlocal interface_args = { ['admin_end_holdoff'] = {  }, ['admin_events'] = {  }, ['admin_evict'] = {  }, ['admin_interface_set'] = { interface = 2 }, ['admin_member_add'] = { interface = 2 }, ['admin_member_delete'] = { interface = 2 }, ['admin_release'] = { interface = 2 }, ['agents'] = {  }, ['deregister'] = {  }, ['events'] = {  }, ['fib'] = {  }, ['flow_answered'] = {  }, ['flow_failed'] = {  }, ['flow_new'] = {  }, ['flow_stats'] = { interfaces = 7 }, ['flow_veto'] = {  }, ['flow_wrongif'] = { interfaces = 3 }, ['groups'] = {  }, ['head'] = {  }, ['interface_set'] = { interface = 5 }, ['interfaces'] = {  }, ['keepalive'] = {  }, ['mailbox'] = {  }, ['member_add'] = { interfaces = 5, entries = 6 }, ['member_delete'] = { interfaces = 5, entries = 6 }, ['member_events'] = {  }, ['member_set'] = { interface = 5, entries = 7 }, ['members'] = {  }, ['mfe_get'] = {  }, ['mfe_list'] = {  }, ['mfe_set'] = {  }, ['mfe_stats'] = {  }, ['owner'] = { interface = 2 }, ['purge'] = {  }, ['register'] = {  }, ['release'] = { interfaces = 5 }, ['rib_delete'] = {  }, ['rib_list'] = {  }, ['rib_resolve'] = {  }, ['rib_set'] = {  }, ['sessions'] = {  }, ['sweep'] = {  }, ['take'] = { interfaces = 5 }, ['validate'] = { interface = 2 } }\nlocal NEVER = ''\nlocal function prefetch(calls)\nlocal interfaces, names = { NEVER }, {}\nfor i = 1, #calls do\nlocal call = calls[i]\nlocal args = interface_args[call[1]]\nif args.interface then interfaces[#interfaces + 1] = call[args.interface] end\nif args.interfaces then\nlocal list = call[args.interfaces]\nfor j = 1, #list do interfaces[#interfaces + 1] = list[j] end\nend\nif args.entries then\nlocal list = call[args.entries]\nfor j = 1, #list do names[#names + 1] = list[j] end\nend\nend\nload_records(interfaces)\nif names[1] then\nentries.load(names)\nnotified.load(names)\nend\nfor i = 1, #interfaces do\nif records[interfaces[i]] then look_at(interfaces[i]) end\nend\nend\nlocal function begin()\nread_clock()\nbegin_caller()\nbegin_claims()\nbegin_events()\noperator_log.begin()\nbegin_callbacks()\nbegin_clients()\nview_tasks.begin()\nbegin_reply_pages()\nbegin_records()\nexcludes.begin()\nslots.begin()\nentries.begin()\nbegin_source_index()\nstatics.begin()\ninterface_limits.begin()\nnotified.begin()\nroutes.begin()\nmember_log.begin()\nalerts.begin()\noverrides.begin()\nagents.begin()\nmfes.begin()\nmfe_reports.begin()\nfib_log.begin()\nmfe_changes.begin()\nflow_creation.begin()\nend\nlocal function decide(packed)\nlocal request = cmsgpack.unpack(packed)\nlocal known = { log = request[1], rev = request[2], epoch = request[3], fresh_log = request[4],\nlongest_ttl = request[8], is_full = request[9] == 1,\nlimits = { sessions = request[10], interfaces = request[11], operator_events = request[12],\noperator_retention_ms = request[13], entries = request[16], routes = request[18], mfes = request[19] },\nmrev = request[15], served_until = request[17], frev = request[20] }\nlocal callers = request[14]\nlocal retention, calls, is_replicated = request[5], request[6], request[7] == 1\nbegin()\nload_router(known)\nnotice_lost_data(known)\nprefetch(calls)\nlocal revs, replies = {}, {}\nfor i = 1, #calls do\nlocal call = calls[i]\nset_caller(callers ~= 0 and callers[i] or 0)\nlocal reply, rev = operations[call[1]](unpack(call, 2))\nreplies[i], revs[i] = reply, rev or router.rev\nend\nlocal packed_runs, members, view = commit(retention, is_replicated)\nlocal log = (router.purged or router.fresh and router.rev == 0) and '' or router.log\nreturn { text(now_ms), text(router.rev), text(router.epoch), log, cmsgpack.pack({ revs, replies }), packed_runs,\n#callbacks > 0 and cmsgpack.pack(callbacks) or '', #losses > 0 and cmsgpack.pack(losses) or '',\ntext(router.longest_ttl), members, router.takeovers and cmsgpack.pack(router.takeovers) or '', view }\nend\nlocal function run(keys, args)\nif #keys == 0 then return 'ready' end\nuse_keys_of(keys[1])\nreturn decide(args[1])\nend\nredis.register_function('mgm_18040d839a169007_decide', run)\nredis.register_function{ function_name = 'mgm_18040d839a169007_ask', callback = run, flags = { 'allow-oom' } }\n";

export interface EventRun { readonly first: Revision; readonly type: string; readonly session: SessionId | undefined; readonly protocolId: number; readonly componentId: number; readonly cause: string | undefined; readonly previous: SessionId | undefined; readonly actor: string | undefined; readonly why: string | undefined; readonly epochs: readonly Epoch[]; readonly interfaces: readonly InterfaceKey[]; readonly caller: string | undefined; readonly settings: string | undefined }

export interface Callback { readonly session: SessionId; readonly seq: number; readonly type: string; readonly interface: InterfaceKey; readonly rev: Revision | undefined; readonly cause: string; readonly epoch: Epoch | undefined; readonly why: string | undefined; readonly identity: string | undefined }

export interface Takeover { readonly session: SessionId; readonly seq: number; readonly by: SessionId; readonly identity: string | undefined }

export interface LossRun { readonly session: SessionId; readonly first: number; readonly cause: string; readonly why: string | undefined; readonly epochs: readonly Epoch[]; readonly interfaces: readonly InterfaceKey[]; readonly identity: string | undefined }

export interface Igmp { readonly protocolId: number; readonly componentId: number; readonly session: SessionId; readonly epoch: Epoch }

export interface Holder { readonly protocolId: number; readonly componentId: number; readonly session: SessionId; readonly name: string; readonly epoch: Epoch; readonly since: number; readonly graceLeft: number; readonly stale: boolean; readonly igmp: Igmp | undefined }

export interface OperatorEntry { readonly number: number; readonly ts: number; readonly type: string; readonly rev: Revision; readonly operation: string; readonly reason: string | undefined; readonly actor: string; readonly why: string; readonly session: SessionId | undefined; readonly protocolId: number; readonly componentId: number; readonly cause: string | undefined; readonly interface: InterfaceKey | undefined; readonly epoch: Epoch | undefined; readonly caller: string | undefined; readonly entry: string | undefined; readonly settings: string | undefined }

export interface MemberRun { readonly first: number; readonly type: string; readonly session: SessionId | undefined; readonly protocolId: number; readonly componentId: number; readonly countsFor: SessionId | undefined; readonly cause: string; readonly items: string; readonly actor: string | undefined; readonly why: string | undefined }

export interface AlertRun { readonly type: string; readonly cause: string; readonly window: boolean; readonly mrev: number; readonly items: string; readonly recipients: readonly Recipient[]; readonly frev: number }

export interface Recipient { readonly session: SessionId; readonly seq: number; readonly identity: string | undefined }

export interface Mfe { readonly name: string; readonly incarnation: number; readonly iif: InterfaceKey | undefined; readonly epoch: Epoch | undefined; readonly protocolId: number; readonly session: number; readonly neighbour: string; readonly prefix: string | undefined; readonly routeProtocol: number; readonly upMs: number; readonly expiresInMs: number; readonly timeoutMs: number; readonly oifs: string; readonly oifCount: number; readonly alerted: boolean }

export interface FibItem { readonly kind: string; readonly name: string; readonly incarnation: number; readonly cause: string; readonly mfe: Mfe | undefined }

export interface FibMessage { readonly first: number; readonly ts: number; readonly items: readonly FibItem[] }

export interface MfeFailure { readonly session: SessionId; readonly reason: string }

export interface MfeSums { readonly counters: readonly number[]; readonly oifCounters: readonly number[]; readonly outPackets: number }

export interface FailedMfe { readonly name: string; readonly by: readonly MfeFailure[] }

export interface FlowQuestion { readonly incarnation: number; readonly isRpf: boolean; readonly seen: string; readonly iif: InterfaceKey; readonly neighbour: string; readonly prefix: string; readonly routeProtocol: number; readonly askers: readonly FlowAsker[] }

export interface FlowAsker { readonly client: number; readonly session: SessionId; readonly identity: string | undefined; readonly oifs: string }

export interface MemberFailure { readonly index: number; readonly reason: string }

export interface AgentItem { readonly session: SessionId; readonly name: string; readonly frev: number; readonly failed: number }

export interface LogEntry { readonly ts: number; readonly runs: readonly EventRun[] }

export interface HintRecipient { readonly session: number; readonly identity: string | undefined }

export interface InterfaceItem { readonly interface: InterfaceKey; readonly holder: Holder }

export interface MailEntry { readonly ts: number; readonly callbacks: readonly Callback[]; readonly alerts: readonly Alert[] }

export interface Alert { readonly seq: number; readonly type: string; readonly cause: string; readonly window: boolean; readonly mrev: number; readonly count: number; readonly items: string; readonly frev: number }

export interface MemberLogEntry { readonly ts: number; readonly runs: readonly MemberRun[] }

export interface MemberItem { readonly entry: string; readonly interface: InterfaceKey; readonly session: SessionId | undefined; readonly countsFor: SessionId | undefined; readonly exclude: string }

export interface MfeStats { readonly mfe: Mfe; readonly sums: MfeSums }

export interface RouteFailure { readonly index: number; readonly reason: string }

export interface RouteItem { readonly prefix: string; readonly interface: InterfaceKey; readonly neighbour: string; readonly protocolId: number; readonly preference: number; readonly session: SessionId; readonly best: boolean }

export interface SessionItem { readonly session: SessionId; readonly protocolId: number; readonly componentId: number; readonly name: string; readonly stale: boolean; readonly expiresInMs: number; readonly interfaces: number }

export type SessionRefusal =
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId };

export type SequenceRefusal =
  | { readonly kind: 'stale_request'; readonly ack: number }
  | { readonly kind: 'seq_too_high'; readonly highest: number }
  | { readonly kind: 'seq_reused'; readonly operation: string };

export type FlowOutcome =
  | { readonly kind: 'created'; readonly mfe: Mfe }
  | { readonly kind: 'known'; readonly mfe: Mfe }
  | { readonly kind: 'asking'; readonly question: FlowQuestion }
  | { readonly kind: 'pending' }
  | { readonly kind: 'limit' }
  | { readonly kind: 'skipped' };

export type ReleaseOutcome =
  | { readonly kind: 'released' }
  | { readonly kind: 'not_owner'; readonly holder: Holder }
  | { readonly kind: 'other_epoch'; readonly current: Epoch }
  | { readonly kind: 'unknown_interface' };

export type TakeOutcome =
  | { readonly kind: 'taken'; readonly epoch: Epoch }
  | { readonly kind: 'already_owned'; readonly holder: Holder }
  | { readonly kind: 'already_taken'; readonly holder: Holder }
  | { readonly kind: 'held_back'; readonly retryAfterMs: number }
  | { readonly kind: 'too_many_interfaces' }
  | { readonly kind: 'quota_reached' }
  | { readonly kind: 'not_permitted' };

/** Ends the hold-off after data loss for an operator who knows that no former owner acts any more. */
export interface AdminEndHoldoffArgs { readonly actor: string; readonly why: string }

/** Reads the operator log after a number. */
export interface AdminEventsArgs { readonly after: number; readonly limit: number }

/** Ends a session for an operator. Its interfaces are free from this moment on. Only the session with this number is ended, */
export interface AdminEvictArgs { readonly session: number; readonly actor: string; readonly why: string }

/** Changes the settings of an interface for an operator (forwarding contract, section 10). */
export interface AdminInterfaceSetArgs { readonly interface: InterfaceKey; readonly maxGroups: number; readonly maxEntries: number; readonly lite: number; readonly actor: string; readonly why: string }

/** Configures a static membership for an operator (forwarding contract, section 10). */
export interface AdminMemberAddArgs { readonly interface: InterfaceKey; readonly entry: string; readonly actor: string; readonly why: string }

/** Removes a static membership for an operator (forwarding contract, section 10). */
export interface AdminMemberDeleteArgs { readonly interface: InterfaceKey; readonly entry: string; readonly actor: string; readonly why: string }

/** Releases an interface for an operator: the hold that `owner` reports, or the one under the given epoch. */
export interface AdminReleaseArgs { readonly interface: InterfaceKey; readonly epoch: string; readonly actor: string; readonly why: string }

/** A page of the forwarder agents: live sessions that sent a `frev`, in the order in which they began (forwarding contract, */
export interface AgentsArgs { readonly after: number; readonly limit: number }

/** Ends a session. Refused if it owns interfaces, unless forced: then they are released first. */
export interface DeregisterArgs { readonly handle: HandleParts; readonly seq: number; readonly ack: number; readonly force: boolean }

/** Reads the event log after a revision. */
export interface EventsArgs { readonly after: number; readonly limit: number }

/** Reads the log of forwarding entries after a revision: its messages as they were published (forwarding contract, section 8.1). */
export interface FibArgs { readonly after: number; readonly limit: number }

/** Goes on with the creation of forwarding entries whose owners were asked (forwarding contract, section 5.3). All lists are per */
export interface FlowAnsweredArgs { readonly names: readonly string[]; readonly incarnations: readonly number[]; readonly rpf: readonly number[]; readonly seen: readonly string[]; readonly last: readonly number[]; readonly answerers: readonly number[]; readonly iifs: readonly string[]; readonly given: readonly number[]; readonly upstreams: readonly string[]; readonly prefixes: readonly string[]; readonly protocols: readonly number[]; readonly vetoes: readonly string[]; readonly silent: readonly number[] }

/** Reports that forwarding entries could not be programmed, or could after all (forwarding contract, section 8.3). */
export interface FlowFailedArgs { readonly handle: HandleParts; readonly names: readonly string[]; readonly incarnations: readonly number[]; readonly reasons: readonly string[] }

/** Creates the forwarding entries of new flows that have none, or says whom to ask first (forwarding contract, section 5.3). */
export interface FlowNewArgs { readonly handle: HandleParts; readonly names: readonly string[]; readonly asks: boolean; readonly silent: readonly number[] }

/** Reports counters of forwarding entries, absolute values of the session (forwarding contract, section 8.1). */
export interface FlowStatsArgs { readonly handle: HandleParts; readonly names: readonly string[]; readonly incarnations: readonly number[]; readonly counters: readonly number[]; readonly oifCounts: readonly number[]; readonly interfaces: readonly InterfaceKey[]; readonly oifCounters: readonly number[] }

/** A late answer to a question about the creation of a forwarding entry: its interfaces are vetoed as by FORWARD (forwarding */
export interface FlowVetoArgs { readonly name: string; readonly incarnation: number; readonly vetoes: string }

/** Names the owners that are sent hints about packets that arrived on their interfaces (forwarding contract, sections 5.4 and */
export interface FlowWrongifArgs { readonly handle: HandleParts; readonly interfaces: readonly InterfaceKey[] }

/** A page of the entries, or groups, that have memberships (membership contract, section 4.3). */
export interface GroupsArgs { readonly handle: HandleParts; readonly isAnonymous: boolean; readonly any: boolean; readonly after: string; readonly limit: number }

/** The extent of the logs, the number of sessions and the rest of the hold-off, for the periodic `head` message; and */
export type HeadArgs = Record<string, never>;

/** Changes the settings of an interface that the client owns (forwarding contract, section 7). */
export interface InterfaceSetArgs { readonly handle: HandleParts; readonly seq: number; readonly ack: number; readonly interface: InterfaceKey; readonly epoch: string; readonly localMembers: string; readonly wrongIf: string }

/** A page of the held interfaces, client by client in the order of their numbers. */
export interface InterfacesArgs { readonly client: number; readonly score: number; readonly last: string; readonly began: number; readonly limit: number; readonly session: number; readonly protocol: number }

/** Renews a lease: it runs its full time to live from now. */
export interface KeepaliveArgs { readonly handle: HandleParts; readonly ack: number; readonly mailboxAck: number; readonly frev: number }

/** Reads a session's callbacks after a number. */
export interface MailboxArgs { readonly handle: HandleParts; readonly after: number; readonly limit: number }

/** Adds memberships for a session, each decided by itself, in order (membership contract, section 4.2). */
export interface MemberAddArgs { readonly handle: HandleParts; readonly seq: number; readonly ack: number; readonly interfaces: readonly InterfaceKey[]; readonly entries: readonly string[]; readonly codes: readonly number[]; readonly epoch: string; readonly single: boolean }

/** Deletes memberships of a session, each decided by itself, in order (membership contract, section 4.2). */
export interface MemberDeleteArgs { readonly handle: HandleParts; readonly seq: number; readonly ack: number; readonly interfaces: readonly InterfaceKey[]; readonly entries: readonly string[]; readonly codes: readonly number[]; readonly epoch: string; readonly single: boolean }

/** Reads the log of memberships after a revision. */
export interface MemberEventsArgs { readonly after: number; readonly limit: number }

/** Replaces all memberships of a session for a group on an interface, in one step (forwarding contract, section 9). */
export interface MemberSetArgs { readonly handle: HandleParts; readonly seq: number; readonly ack: number; readonly interface: InterfaceKey; readonly group: string; readonly entries: readonly string[]; readonly exclude: string; readonly epoch: string }

/** A page of the memberships (membership contract, section 4.4), entry by entry, those of an entry in the order of their slots. */
export interface MembersArgs { readonly from: string; readonly to: string; readonly after: string; readonly slot: number; readonly limit: number; readonly session: number; readonly interface: string }

/** A forwarding entry (forwarding contract, section 5.7). */
export interface MfeGetArgs { readonly name: string }

/** A page of the forwarding entries, by name (forwarding contract, section 5.7). */
export interface MfeListArgs { readonly after: string; readonly limit: number }

/** Sets the upstream router or the life of a forwarding entry (forwarding contract, section 5.7). */
export interface MfeSetArgs { readonly handle: HandleParts; readonly seq: number; readonly ack: number; readonly name: string; readonly upstream: string; readonly isGiven: boolean; readonly timeout: number; readonly incarnation: number; readonly epoch: string }

/** The counters of a forwarding entry, or of a page of them (forwarding contract, section 5.7). */
export interface MfeStatsArgs { readonly name: string; readonly after: string; readonly limit: number }

/** Names the holder of an interface (mgm-semantics 4.2). */
export interface OwnerArgs { readonly interface: InterfaceKey }

/** Deletes the data of a router that nothing has used for the retention time. */
export interface PurgeArgs { readonly retentionMs: number }

/** Opens a session of the client that the pair (protocol, component) names. */
export interface RegisterArgs { readonly protocolId: number; readonly componentId: number; readonly isIgmp: boolean; readonly instance: string; readonly name: string; readonly ttlMs: number; readonly graceMs: number; readonly takeover: boolean; readonly resumes: number; readonly mask: number; readonly secret: string }

/** Releases interfaces, each decided by itself, in order (mgm-semantics 4.1, rows T10 to T15). */
export interface ReleaseArgs { readonly handle: HandleParts; readonly seq: number; readonly ack: number; readonly interfaces: readonly InterfaceKey[]; readonly epoch: string }

/** Deletes routes of the client, each decided by itself, in order (forwarding contract, section 3). */
export interface RibDeleteArgs { readonly handle: HandleParts; readonly seq: number; readonly ack: number; readonly prefixes: readonly string[]; readonly faults: readonly string[] }

/** A page of the routes, by prefix; those of a prefix in the order in which their clients registered (forwarding contract, */
export interface RibListArgs { readonly session: number; readonly after: string; readonly client: number; readonly limit: number }

/** The best route to a source, and the owner of its interface (forwarding contract, section 3). */
export interface RibResolveArgs { readonly source: string }

/** Sets routes of the client in the multicast view, each decided by itself, in order (forwarding contract, section 3). */
export interface RibSetArgs { readonly handle: HandleParts; readonly seq: number; readonly ack: number; readonly prefixes: readonly string[]; readonly faults: readonly string[]; readonly via: readonly string[]; readonly neighbours: readonly string[]; readonly protocols: readonly number[]; readonly preferences: readonly number[] }

/** A page of the live and stale sessions, in the order of their clients' numbers. */
export interface SessionsArgs { readonly after: number; readonly limit: number }

/** Ends sessions whose lease is over and releases a bounded number of their interfaces, or, if there are none, purges a */
export interface SweepArgs { readonly most: number; readonly mostEntries: number; readonly servingMs: number }

/** Takes interfaces for a session, each decided by itself, in order (mgm-semantics 4.1, rows T1 to T9). */
export interface TakeArgs { readonly handle: HandleParts; readonly seq: number; readonly ack: number; readonly interfaces: readonly InterfaceKey[]; readonly held: readonly number[]; readonly advise: boolean }

/** Checks whether an epoch is in force: for a program that acts for an owner and cannot remember the highest epoch it has seen. */
export interface ValidateArgs { readonly interface: InterfaceKey; readonly epoch: string }

export type AdminEndHoldoffScriptReply =
  | { readonly kind: 'ended'; readonly leftMs: number }
  | { readonly kind: 'no_holdoff' }
  | { readonly kind: 'not_permitted' };

export type AdminEventsScriptReply =
  | { readonly kind: 'entries'; readonly entries: readonly OperatorEntry[]; readonly head: number; readonly first: number };

export type AdminEvictScriptReply =
  | { readonly kind: 'evicted'; readonly released: number }
  | { readonly kind: 'unknown_session' }
  | { readonly kind: 'not_permitted' };

export type AdminInterfaceSetScriptReply =
  | { readonly kind: 'set'; readonly changed: boolean; readonly maxGroups: number; readonly maxEntries: number; readonly lite: boolean }
  | { readonly kind: 'store_full' }
  | { readonly kind: 'not_permitted' };

export type AdminMemberAddScriptReply =
  | { readonly kind: 'done'; readonly changed: boolean; readonly mrev: number }
  | { readonly kind: 'limit' }
  | { readonly kind: 'store_full' }
  | { readonly kind: 'not_permitted' };

export type AdminMemberDeleteScriptReply =
  | { readonly kind: 'done'; readonly mrev: number }
  | { readonly kind: 'unknown_membership' }
  | { readonly kind: 'not_permitted' };

export type AdminReleaseScriptReply =
  | { readonly kind: 'released'; readonly previous: Holder }
  | { readonly kind: 'other_epoch'; readonly current: Epoch }
  | { readonly kind: 'free' }
  | { readonly kind: 'not_permitted' };

export type AgentsScriptReply =
  | { readonly kind: 'page'; readonly items: readonly AgentItem[]; readonly next: number };

export type DeregisterScriptReply =
  | { readonly kind: 'deregistered' }
  | { readonly kind: 'owns_interfaces'; readonly owned: number }
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId }
  | { readonly kind: 'stale_request'; readonly ack: number }
  | { readonly kind: 'seq_too_high'; readonly highest: number }
  | { readonly kind: 'seq_reused'; readonly operation: string };

export type EventsScriptReply =
  | { readonly kind: 'entries'; readonly entries: readonly LogEntry[]; readonly first: Revision }
  | { readonly kind: 'compacted'; readonly first: Revision };

export type FibScriptReply =
  | { readonly kind: 'changes'; readonly messages: readonly FibMessage[]; readonly first: number }
  | { readonly kind: 'compacted'; readonly first: Revision };

export type FlowAnsweredScriptReply =
  | { readonly kind: 'flows'; readonly results: readonly FlowOutcome[] }
  | { readonly kind: 'store_full' };

export type FlowFailedScriptReply =
  | { readonly kind: 'counted'; readonly count: number }
  | { readonly kind: 'store_full' }
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId };

export type FlowNewScriptReply =
  | { readonly kind: 'flows'; readonly results: readonly FlowOutcome[] }
  | { readonly kind: 'store_full' }
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId };

export type FlowStatsScriptReply =
  | { readonly kind: 'counted'; readonly count: number }
  | { readonly kind: 'store_full' }
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId };

export type FlowVetoScriptReply =
  | { readonly kind: 'vetoed'; readonly changed: boolean };

export type FlowWrongifScriptReply =
  | { readonly kind: 'owners'; readonly to: readonly HintRecipient[] }
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId };

export type GroupsScriptReply =
  | { readonly kind: 'page'; readonly items: string; readonly after: string; readonly mailbox: number }
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId };

export type HeadScriptReply =
  | { readonly kind: 'head'; readonly first: Revision; readonly sessions: number; readonly holdOffMs: number; readonly membersFirst: number; readonly fibFirst: number; readonly dueInMs: number; readonly schema: number };

export type InterfaceSetScriptReply =
  | { readonly kind: 'set'; readonly changed: boolean }
  | { readonly kind: 'not_found' }
  | { readonly kind: 'not_owner'; readonly holder: Holder }
  | { readonly kind: 'other_epoch'; readonly current: Epoch }
  | { readonly kind: 'window_full' }
  | { readonly kind: 'store_full' }
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId }
  | { readonly kind: 'stale_request'; readonly ack: number }
  | { readonly kind: 'seq_too_high'; readonly highest: number }
  | { readonly kind: 'seq_reused'; readonly operation: string };

export type InterfacesScriptReply =
  | { readonly kind: 'page'; readonly items: readonly InterfaceItem[]; readonly client: number; readonly score: number; readonly last: string; readonly began: number };

export type KeepaliveScriptReply =
  | { readonly kind: 'kept'; readonly ttlMs: number; readonly mailbox: number }
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId };

export type MailboxScriptReply =
  | { readonly kind: 'messages'; readonly entries: readonly MailEntry[]; readonly head: number }
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId };

export type MemberAddScriptReply =
  | { readonly kind: 'changed'; readonly count: number; readonly mrev: number; readonly failed: readonly MemberFailure[] }
  | { readonly kind: 'forwarded'; readonly matched: number; readonly changed: boolean; readonly mrev: number }
  | { readonly kind: 'rules_full' }
  | { readonly kind: 'not_owner'; readonly holder: Holder }
  | { readonly kind: 'window_full' }
  | { readonly kind: 'other_epoch'; readonly current: Epoch }
  | { readonly kind: 'store_full' }
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId }
  | { readonly kind: 'stale_request'; readonly ack: number }
  | { readonly kind: 'seq_too_high'; readonly highest: number }
  | { readonly kind: 'seq_reused'; readonly operation: string };

export type MemberDeleteScriptReply =
  | { readonly kind: 'changed'; readonly count: number; readonly mrev: number; readonly failed: readonly MemberFailure[] }
  | { readonly kind: 'forwarded'; readonly matched: number; readonly changed: boolean; readonly mrev: number }
  | { readonly kind: 'rules_full' }
  | { readonly kind: 'not_owner'; readonly holder: Holder }
  | { readonly kind: 'window_full' }
  | { readonly kind: 'other_epoch'; readonly current: Epoch }
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId }
  | { readonly kind: 'stale_request'; readonly ack: number }
  | { readonly kind: 'seq_too_high'; readonly highest: number }
  | { readonly kind: 'seq_reused'; readonly operation: string };

export type MemberEventsScriptReply =
  | { readonly kind: 'entries'; readonly entries: readonly MemberLogEntry[]; readonly first: number }
  | { readonly kind: 'compacted'; readonly first: Revision };

export type MemberSetScriptReply =
  | { readonly kind: 'replaced'; readonly added: number; readonly removed: number; readonly updated: boolean; readonly mrev: number }
  | { readonly kind: 'not_found' }
  | { readonly kind: 'not_owner'; readonly holder: Holder }
  | { readonly kind: 'other_epoch'; readonly current: Epoch }
  | { readonly kind: 'limit' }
  | { readonly kind: 'window_full' }
  | { readonly kind: 'store_full' }
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId }
  | { readonly kind: 'stale_request'; readonly ack: number }
  | { readonly kind: 'seq_too_high'; readonly highest: number }
  | { readonly kind: 'seq_reused'; readonly operation: string };

export type MembersScriptReply =
  | { readonly kind: 'page'; readonly items: readonly MemberItem[]; readonly after: string; readonly slot: number };

export type MfeGetScriptReply =
  | { readonly kind: 'found'; readonly mfe: Mfe; readonly failed: readonly MfeFailure[]; readonly programmed: number }
  | { readonly kind: 'none' };

export type MfeListScriptReply =
  | { readonly kind: 'page'; readonly items: readonly Mfe[]; readonly failed: readonly FailedMfe[]; readonly programmed: number; readonly after: string };

export type MfeSetScriptReply =
  | { readonly kind: 'set'; readonly frev: number }
  | { readonly kind: 'no_mfe' }
  | { readonly kind: 'other_incarnation'; readonly current: number }
  | { readonly kind: 'not_owner'; readonly holder: Holder | undefined }
  | { readonly kind: 'other_epoch'; readonly current: Epoch }
  | { readonly kind: 'window_full' }
  | { readonly kind: 'store_full' }
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId }
  | { readonly kind: 'stale_request'; readonly ack: number }
  | { readonly kind: 'seq_too_high'; readonly highest: number }
  | { readonly kind: 'seq_reused'; readonly operation: string };

export type MfeStatsScriptReply =
  | { readonly kind: 'found'; readonly stats: MfeStats }
  | { readonly kind: 'none' }
  | { readonly kind: 'page'; readonly items: readonly MfeStats[]; readonly after: string };

export type OwnerScriptReply =
  | { readonly kind: 'held'; readonly holder: Holder }
  | { readonly kind: 'free' };

export type PurgeScriptReply =
  | { readonly kind: 'purged' }
  | { readonly kind: 'kept'; readonly lastUsedAt: number }
  | { readonly kind: 'in_use' };

export type RegisterScriptReply =
  | { readonly kind: 'registered'; readonly client: number; readonly session: SessionId; readonly secret: string; readonly ttlMs: number; readonly graceMs: number; readonly mailbox: number; readonly resumed: boolean; readonly owned: number; readonly epoch: Epoch | undefined; readonly alerts: number }
  | { readonly kind: 'already_registered'; readonly session: SessionId; readonly name: string; readonly expiresInMs: number }
  | { readonly kind: 'store_full' }
  | { readonly kind: 'too_many_sessions' }
  | { readonly kind: 'quota_reached' }
  | { readonly kind: 'of_another_identity' };

export type ReleaseScriptReply =
  | { readonly kind: 'released' }
  | { readonly kind: 'decided'; readonly results: readonly ReleaseOutcome[] }
  | { readonly kind: 'window_full' }
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId }
  | { readonly kind: 'stale_request'; readonly ack: number }
  | { readonly kind: 'seq_too_high'; readonly highest: number }
  | { readonly kind: 'seq_reused'; readonly operation: string };

export type RibDeleteScriptReply =
  | { readonly kind: 'changed'; readonly count: number; readonly rrev: number; readonly failed: readonly RouteFailure[] }
  | { readonly kind: 'window_full' }
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId }
  | { readonly kind: 'stale_request'; readonly ack: number }
  | { readonly kind: 'seq_too_high'; readonly highest: number }
  | { readonly kind: 'seq_reused'; readonly operation: string };

export type RibListScriptReply =
  | { readonly kind: 'page'; readonly items: readonly RouteItem[]; readonly after: string; readonly client: number };

export type RibResolveScriptReply =
  | { readonly kind: 'found'; readonly prefix: string; readonly interface: InterfaceKey; readonly neighbour: string; readonly protocolId: number; readonly holder: Holder | undefined }
  | { readonly kind: 'none' };

export type RibSetScriptReply =
  | { readonly kind: 'changed'; readonly count: number; readonly rrev: number; readonly failed: readonly RouteFailure[] }
  | { readonly kind: 'window_full' }
  | { readonly kind: 'store_full' }
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId }
  | { readonly kind: 'stale_request'; readonly ack: number }
  | { readonly kind: 'seq_too_high'; readonly highest: number }
  | { readonly kind: 'seq_reused'; readonly operation: string };

export type SessionsScriptReply =
  | { readonly kind: 'page'; readonly items: readonly SessionItem[]; readonly next: number };

export type SweepScriptReply =
  | { readonly kind: 'swept'; readonly ended: number; readonly released: number; readonly more: boolean; readonly idle: boolean; readonly dueInMs: number };

export type TakeScriptReply =
  | { readonly kind: 'granted'; readonly epoch: Epoch }
  | { readonly kind: 'taken'; readonly epochs: readonly Epoch[] }
  | { readonly kind: 'decided'; readonly results: readonly TakeOutcome[] }
  | { readonly kind: 'held_back'; readonly retryAfterMs: number }
  | { readonly kind: 'store_full' }
  | { readonly kind: 'window_full' }
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId }
  | { readonly kind: 'stale_request'; readonly ack: number }
  | { readonly kind: 'seq_too_high'; readonly highest: number }
  | { readonly kind: 'seq_reused'; readonly operation: string };

export type ValidateScriptReply =
  | { readonly kind: 'current'; readonly current: Epoch }
  | { readonly kind: 'outdated'; readonly current: Epoch }
  | { readonly kind: 'free' };

export interface ArbiterArgs {
  admin_end_holdoff: AdminEndHoldoffArgs;
  admin_events: AdminEventsArgs;
  admin_evict: AdminEvictArgs;
  admin_interface_set: AdminInterfaceSetArgs;
  admin_member_add: AdminMemberAddArgs;
  admin_member_delete: AdminMemberDeleteArgs;
  admin_release: AdminReleaseArgs;
  agents: AgentsArgs;
  deregister: DeregisterArgs;
  events: EventsArgs;
  fib: FibArgs;
  flow_answered: FlowAnsweredArgs;
  flow_failed: FlowFailedArgs;
  flow_new: FlowNewArgs;
  flow_stats: FlowStatsArgs;
  flow_veto: FlowVetoArgs;
  flow_wrongif: FlowWrongifArgs;
  groups: GroupsArgs;
  head: HeadArgs;
  interface_set: InterfaceSetArgs;
  interfaces: InterfacesArgs;
  keepalive: KeepaliveArgs;
  mailbox: MailboxArgs;
  member_add: MemberAddArgs;
  member_delete: MemberDeleteArgs;
  member_events: MemberEventsArgs;
  member_set: MemberSetArgs;
  members: MembersArgs;
  mfe_get: MfeGetArgs;
  mfe_list: MfeListArgs;
  mfe_set: MfeSetArgs;
  mfe_stats: MfeStatsArgs;
  owner: OwnerArgs;
  purge: PurgeArgs;
  register: RegisterArgs;
  release: ReleaseArgs;
  rib_delete: RibDeleteArgs;
  rib_list: RibListArgs;
  rib_resolve: RibResolveArgs;
  rib_set: RibSetArgs;
  sessions: SessionsArgs;
  sweep: SweepArgs;
  take: TakeArgs;
  validate: ValidateArgs;
}

export interface ScriptReplies {
  admin_end_holdoff: AdminEndHoldoffScriptReply;
  admin_events: AdminEventsScriptReply;
  admin_evict: AdminEvictScriptReply;
  admin_interface_set: AdminInterfaceSetScriptReply;
  admin_member_add: AdminMemberAddScriptReply;
  admin_member_delete: AdminMemberDeleteScriptReply;
  admin_release: AdminReleaseScriptReply;
  agents: AgentsScriptReply;
  deregister: DeregisterScriptReply;
  events: EventsScriptReply;
  fib: FibScriptReply;
  flow_answered: FlowAnsweredScriptReply;
  flow_failed: FlowFailedScriptReply;
  flow_new: FlowNewScriptReply;
  flow_stats: FlowStatsScriptReply;
  flow_veto: FlowVetoScriptReply;
  flow_wrongif: FlowWrongifScriptReply;
  groups: GroupsScriptReply;
  head: HeadScriptReply;
  interface_set: InterfaceSetScriptReply;
  interfaces: InterfacesScriptReply;
  keepalive: KeepaliveScriptReply;
  mailbox: MailboxScriptReply;
  member_add: MemberAddScriptReply;
  member_delete: MemberDeleteScriptReply;
  member_events: MemberEventsScriptReply;
  member_set: MemberSetScriptReply;
  members: MembersScriptReply;
  mfe_get: MfeGetScriptReply;
  mfe_list: MfeListScriptReply;
  mfe_set: MfeSetScriptReply;
  mfe_stats: MfeStatsScriptReply;
  owner: OwnerScriptReply;
  purge: PurgeScriptReply;
  register: RegisterScriptReply;
  release: ReleaseScriptReply;
  rib_delete: RibDeleteScriptReply;
  rib_list: RibListScriptReply;
  rib_resolve: RibResolveScriptReply;
  rib_set: RibSetScriptReply;
  sessions: SessionsScriptReply;
  sweep: SweepScriptReply;
  take: TakeScriptReply;
  validate: ValidateScriptReply;
}

export type ArbiterOperation = keyof ArbiterArgs;

/** How the batcher treats each operation, from the header tags that the package's README explains. */
export const FLAGS: { readonly [Name in ArbiterOperation]: { readonly isRead: boolean; readonly isExclusive: boolean; readonly isHighPriority: boolean; readonly isDelayTolerant: boolean } } = {
  admin_end_holdoff: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  admin_events: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  admin_evict: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  admin_interface_set: { isRead: false, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  admin_member_add: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  admin_member_delete: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  admin_release: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  agents: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  deregister: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  events: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  fib: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  flow_answered: { isRead: false, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  flow_failed: { isRead: false, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  flow_new: { isRead: false, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  flow_stats: { isRead: false, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  flow_veto: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  flow_wrongif: { isRead: true, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  groups: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  head: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  interface_set: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  interfaces: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  keepalive: { isRead: false, isExclusive: false, isHighPriority: true, isDelayTolerant: true },
  mailbox: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  member_add: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  member_delete: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  member_events: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  member_set: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  members: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  mfe_get: { isRead: true, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  mfe_list: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  mfe_set: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  mfe_stats: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  owner: { isRead: true, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  purge: { isRead: false, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  register: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  release: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  rib_delete: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  rib_list: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  rib_resolve: { isRead: true, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  rib_set: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  sessions: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  sweep: { isRead: false, isExclusive: true, isHighPriority: true, isDelayTolerant: false },
  take: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  validate: { isRead: true, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
};

/** Every reply and outcome that the headers declare. */
export const DECLARED: { readonly [Name in ArbiterOperation]: readonly string[] } = {
  admin_end_holdoff: ['ended', 'no_holdoff', 'not_permitted'],
  admin_events: ['entries'],
  admin_evict: ['evicted', 'unknown_session', 'not_permitted'],
  admin_interface_set: ['set', 'store_full', 'not_permitted'],
  admin_member_add: ['done', 'limit', 'store_full', 'not_permitted'],
  admin_member_delete: ['done', 'unknown_membership', 'not_permitted'],
  admin_release: ['released', 'other_epoch', 'free', 'not_permitted'],
  agents: ['page'],
  deregister: ['deregistered', 'owns_interfaces', 'bad_handle', 'session_expired', 'stale_request', 'seq_too_high', 'seq_reused'],
  events: ['entries', 'compacted'],
  fib: ['changes', 'compacted'],
  flow_answered: ['flows', 'store_full'],
  flow_failed: ['counted', 'store_full', 'bad_handle', 'session_expired'],
  flow_new: ['flows', 'store_full', 'bad_handle', 'session_expired'],
  flow_stats: ['counted', 'store_full', 'bad_handle', 'session_expired'],
  flow_veto: ['vetoed'],
  flow_wrongif: ['owners', 'bad_handle', 'session_expired'],
  groups: ['page', 'bad_handle', 'session_expired'],
  head: ['head'],
  interface_set: ['set', 'not_found', 'not_owner', 'other_epoch', 'window_full', 'store_full', 'bad_handle', 'session_expired', 'stale_request', 'seq_too_high', 'seq_reused'],
  interfaces: ['page'],
  keepalive: ['kept', 'bad_handle', 'session_expired'],
  mailbox: ['messages', 'bad_handle', 'session_expired'],
  member_add: ['changed', 'forwarded', 'rules_full', 'not_owner', 'window_full', 'other_epoch', 'store_full', 'bad_handle', 'session_expired', 'stale_request', 'seq_too_high', 'seq_reused'],
  member_delete: ['changed', 'forwarded', 'rules_full', 'not_owner', 'window_full', 'other_epoch', 'bad_handle', 'session_expired', 'stale_request', 'seq_too_high', 'seq_reused'],
  member_events: ['entries', 'compacted'],
  member_set: ['replaced', 'not_found', 'not_owner', 'other_epoch', 'limit', 'window_full', 'store_full', 'bad_handle', 'session_expired', 'stale_request', 'seq_too_high', 'seq_reused'],
  members: ['page'],
  mfe_get: ['found', 'none'],
  mfe_list: ['page'],
  mfe_set: ['set', 'no_mfe', 'other_incarnation', 'not_owner', 'other_epoch', 'window_full', 'store_full', 'bad_handle', 'session_expired', 'stale_request', 'seq_too_high', 'seq_reused'],
  mfe_stats: ['found', 'none', 'page'],
  owner: ['held', 'free'],
  purge: ['purged', 'kept', 'in_use'],
  register: ['registered', 'already_registered', 'store_full', 'too_many_sessions', 'quota_reached', 'of_another_identity'],
  release: ['released', 'decided', 'window_full', 'bad_handle', 'session_expired', 'stale_request', 'seq_too_high', 'seq_reused', 'released', 'not_owner', 'other_epoch', 'unknown_interface'],
  rib_delete: ['changed', 'window_full', 'bad_handle', 'session_expired', 'stale_request', 'seq_too_high', 'seq_reused'],
  rib_list: ['page'],
  rib_resolve: ['found', 'none'],
  rib_set: ['changed', 'window_full', 'store_full', 'bad_handle', 'session_expired', 'stale_request', 'seq_too_high', 'seq_reused'],
  sessions: ['page'],
  sweep: ['swept'],
  take: ['granted', 'taken', 'decided', 'held_back', 'store_full', 'window_full', 'bad_handle', 'session_expired', 'stale_request', 'seq_too_high', 'seq_reused', 'taken', 'already_owned', 'already_taken', 'held_back', 'too_many_interfaces', 'quota_reached', 'not_permitted'],
  validate: ['current', 'outdated', 'free'],
};

export function readEventRun(value: unknown): EventRun {
  const row = read.row(value, 'event_run', 11);
  return { first: read.revision(row[0]), type: read.string(row[1]), session: read.optional(row[2], read.session), protocolId: read.integer(row[3]), componentId: read.integer(row[4]), cause: read.optional(row[5], read.string), previous: read.optional(row[6], read.session), actor: read.optional(row[7], read.string), why: read.optional(row[8], read.string), epochs: read.list(row[9], read.epoch), interfaces: read.list(row[10], read.interface), caller: read.optional(row[11], read.string), settings: read.optional(row[12], read.string) };
}

export function readCallback(value: unknown): Callback {
  const row = read.row(value, 'callback', 6);
  return { session: read.session(row[0]), seq: read.integer(row[1]), type: read.string(row[2]), interface: read.interface(row[3]), rev: read.optional(row[4], read.revision), cause: read.string(row[5]), epoch: read.optional(row[6], read.epoch), why: read.optional(row[7], read.string), identity: read.optional(row[8], read.string) };
}

export function readTakeover(value: unknown): Takeover {
  const row = read.row(value, 'takeover', 3);
  return { session: read.session(row[0]), seq: read.integer(row[1]), by: read.session(row[2]), identity: read.optional(row[3], read.string) };
}

export function readLossRun(value: unknown): LossRun {
  const row = read.row(value, 'loss_run', 6);
  return { session: read.session(row[0]), first: read.integer(row[1]), cause: read.string(row[2]), why: read.optional(row[3], read.string), epochs: read.list(row[4], read.epoch), interfaces: read.list(row[5], read.interface), identity: read.optional(row[6], read.string) };
}

export function readIgmp(value: unknown): Igmp {
  const row = read.row(value, 'igmp', 4);
  return { protocolId: read.integer(row[0]), componentId: read.integer(row[1]), session: read.session(row[2]), epoch: read.epoch(row[3]) };
}

export function readHolder(value: unknown): Holder {
  const row = read.row(value, 'holder', 8);
  return { protocolId: read.integer(row[0]), componentId: read.integer(row[1]), session: read.session(row[2]), name: read.string(row[3]), epoch: read.epoch(row[4]), since: read.integer(row[5]), graceLeft: read.integer(row[6]), stale: read.flag(row[7]), igmp: read.optional(row[8], readIgmp) };
}

export function readOperatorEntry(value: unknown): OperatorEntry {
  const row = read.row(value, 'operator_entry', 11);
  return { number: read.integer(row[0]), ts: read.integer(row[1]), type: read.string(row[2]), rev: read.revision(row[3]), operation: read.string(row[4]), reason: read.optional(row[5], read.string), actor: read.string(row[6]), why: read.string(row[7]), session: read.optional(row[8], read.session), protocolId: read.integer(row[9]), componentId: read.integer(row[10]), cause: read.optional(row[11], read.string), interface: read.optional(row[12], read.interface), epoch: read.optional(row[13], read.epoch), caller: read.optional(row[14], read.string), entry: read.optional(row[15], read.string), settings: read.optional(row[16], read.string) };
}

export function readMemberRun(value: unknown): MemberRun {
  const row = read.row(value, 'member_run', 8);
  return { first: read.integer(row[0]), type: read.string(row[1]), session: read.optional(row[2], read.session), protocolId: read.integer(row[3]), componentId: read.integer(row[4]), countsFor: read.optional(row[5], read.session), cause: read.string(row[6]), items: read.string(row[7]), actor: read.optional(row[8], read.string), why: read.optional(row[9], read.string) };
}

export function readAlertRun(value: unknown): AlertRun {
  const row = read.row(value, 'alert_run', 7);
  return { type: read.string(row[0]), cause: read.string(row[1]), window: read.flag(row[2]), mrev: read.integer(row[3]), items: read.string(row[4]), recipients: read.list(row[5], readRecipient), frev: read.integer(row[6]) };
}

export function readRecipient(value: unknown): Recipient {
  const row = read.row(value, 'recipient', 2);
  return { session: read.session(row[0]), seq: read.integer(row[1]), identity: read.optional(row[2], read.string) };
}

export function readMfe(value: unknown): Mfe {
  const row = read.row(value, 'mfe', 15);
  return { name: read.string(row[0]), incarnation: read.integer(row[1]), iif: read.optional(row[2], read.interface), epoch: read.optional(row[3], read.epoch), protocolId: read.integer(row[4]), session: read.integer(row[5]), neighbour: read.string(row[6]), prefix: read.optional(row[7], read.string), routeProtocol: read.integer(row[8]), upMs: read.integer(row[9]), expiresInMs: read.integer(row[10]), timeoutMs: read.integer(row[11]), oifs: read.string(row[12]), oifCount: read.integer(row[13]), alerted: read.flag(row[14]) };
}

export function readFibItem(value: unknown): FibItem {
  const row = read.row(value, 'fib_item', 4);
  return { kind: read.string(row[0]), name: read.string(row[1]), incarnation: read.integer(row[2]), cause: read.string(row[3]), mfe: read.optional(row[4], readMfe) };
}

export function readFibMessage(value: unknown): FibMessage {
  const row = read.row(value, 'fib_message', 3);
  return { first: read.integer(row[0]), ts: read.integer(row[1]), items: read.list(row[2], readFibItem) };
}

export function readMfeFailure(value: unknown): MfeFailure {
  const row = read.row(value, 'mfe_failure', 2);
  return { session: read.session(row[0]), reason: read.string(row[1]) };
}

export function readMfeSums(value: unknown): MfeSums {
  const row = read.row(value, 'mfe_sums', 3);
  return { counters: read.list(row[0], read.integer), oifCounters: read.list(row[1], read.integer), outPackets: read.integer(row[2]) };
}

export function readFailedMfe(value: unknown): FailedMfe {
  const row = read.row(value, 'failed_mfe', 2);
  return { name: read.string(row[0]), by: read.list(row[1], readMfeFailure) };
}

export function readFlowQuestion(value: unknown): FlowQuestion {
  const row = read.row(value, 'flow_question', 8);
  return { incarnation: read.integer(row[0]), isRpf: read.flag(row[1]), seen: read.string(row[2]), iif: read.interface(row[3]), neighbour: read.string(row[4]), prefix: read.string(row[5]), routeProtocol: read.integer(row[6]), askers: read.list(row[7], readFlowAsker) };
}

export function readFlowAsker(value: unknown): FlowAsker {
  const row = read.row(value, 'flow_asker', 4);
  return { client: read.integer(row[0]), session: read.session(row[1]), identity: read.optional(row[2], read.string), oifs: read.string(row[3]) };
}

export function readMemberFailure(value: unknown): MemberFailure {
  const row = read.row(value, 'member_failure', 2);
  return { index: read.integer(row[0]), reason: read.string(row[1]) };
}

export function readAgentItem(value: unknown): AgentItem {
  const row = read.row(value, 'agent_item', 4);
  return { session: read.session(row[0]), name: read.string(row[1]), frev: read.integer(row[2]), failed: read.integer(row[3]) };
}

export function readLogEntry(value: unknown): LogEntry {
  const row = read.row(value, 'log_entry', 2);
  return { ts: read.integer(row[0]), runs: read.list(row[1], readEventRun) };
}

export function readHintRecipient(value: unknown): HintRecipient {
  const row = read.row(value, 'hint_recipient', 1);
  return { session: read.integer(row[0]), identity: read.optional(row[1], read.string) };
}

export function readInterfaceItem(value: unknown): InterfaceItem {
  const row = read.row(value, 'interface_item', 2);
  return { interface: read.interface(row[0]), holder: readHolder(row[1]) };
}

export function readMailEntry(value: unknown): MailEntry {
  const row = read.row(value, 'mail_entry', 3);
  return { ts: read.integer(row[0]), callbacks: read.list(row[1], readCallback), alerts: read.list(row[2], readAlert) };
}

export function readAlert(value: unknown): Alert {
  const row = read.row(value, 'alert', 8);
  return { seq: read.integer(row[0]), type: read.string(row[1]), cause: read.string(row[2]), window: read.flag(row[3]), mrev: read.integer(row[4]), count: read.integer(row[5]), items: read.string(row[6]), frev: read.integer(row[7]) };
}

export function readMemberLogEntry(value: unknown): MemberLogEntry {
  const row = read.row(value, 'member_log_entry', 2);
  return { ts: read.integer(row[0]), runs: read.list(row[1], readMemberRun) };
}

export function readMemberItem(value: unknown): MemberItem {
  const row = read.row(value, 'member_item', 5);
  return { entry: read.string(row[0]), interface: read.interface(row[1]), session: read.optional(row[2], read.session), countsFor: read.optional(row[3], read.session), exclude: read.string(row[4]) };
}

export function readMfeStats(value: unknown): MfeStats {
  const row = read.row(value, 'mfe_stats', 2);
  return { mfe: readMfe(row[0]), sums: readMfeSums(row[1]) };
}

export function readRouteFailure(value: unknown): RouteFailure {
  const row = read.row(value, 'route_failure', 2);
  return { index: read.integer(row[0]), reason: read.string(row[1]) };
}

export function readRouteItem(value: unknown): RouteItem {
  const row = read.row(value, 'route_item', 7);
  return { prefix: read.string(row[0]), interface: read.interface(row[1]), neighbour: read.string(row[2]), protocolId: read.integer(row[3]), preference: read.integer(row[4]), session: read.session(row[5]), best: read.flag(row[6]) };
}

export function readSessionItem(value: unknown): SessionItem {
  const row = read.row(value, 'session_item', 7);
  return { session: read.session(row[0]), protocolId: read.integer(row[1]), componentId: read.integer(row[2]), name: read.string(row[3]), stale: read.flag(row[4]), expiresInMs: read.integer(row[5]), interfaces: read.integer(row[6]) };
}

function readFlowOutcome(value: unknown): FlowOutcome {
  const row = read.tagged(value, 'flow_outcome');
  switch (row[0]) {
    case 'created':
      read.width(row, 'flow_outcome created', 2);
      return { kind: 'created', mfe: readMfe(row[1]) };
    case 'known':
      read.width(row, 'flow_outcome known', 2);
      return { kind: 'known', mfe: readMfe(row[1]) };
    case 'asking':
      read.width(row, 'flow_outcome asking', 2);
      return { kind: 'asking', question: readFlowQuestion(row[1]) };
    case 'pending':
      read.width(row, 'flow_outcome pending', 1);
      return { kind: 'pending' };
    case 'limit':
      read.width(row, 'flow_outcome limit', 1);
      return { kind: 'limit' };
    case 'skipped':
      read.width(row, 'flow_outcome skipped', 1);
      return { kind: 'skipped' };
    default:
      throw read.undeclared('flow_outcome', row[0]);
  }
}

function readReleaseOutcome(value: unknown): ReleaseOutcome {
  const row = read.tagged(value, 'release_outcome');
  switch (row[0]) {
    case 'released':
      read.width(row, 'release_outcome released', 1);
      return { kind: 'released' };
    case 'not_owner':
      read.width(row, 'release_outcome not_owner', 2);
      return { kind: 'not_owner', holder: readHolder(row[1]) };
    case 'other_epoch':
      read.width(row, 'release_outcome other_epoch', 2);
      return { kind: 'other_epoch', current: read.epoch(row[1]) };
    case 'unknown_interface':
      read.width(row, 'release_outcome unknown_interface', 1);
      return { kind: 'unknown_interface' };
    default:
      throw read.undeclared('release_outcome', row[0]);
  }
}

function readTakeOutcome(value: unknown): TakeOutcome {
  const row = read.tagged(value, 'take_outcome');
  switch (row[0]) {
    case 'taken':
      read.width(row, 'take_outcome taken', 2);
      return { kind: 'taken', epoch: read.epoch(row[1]) };
    case 'already_owned':
      read.width(row, 'take_outcome already_owned', 2);
      return { kind: 'already_owned', holder: readHolder(row[1]) };
    case 'already_taken':
      read.width(row, 'take_outcome already_taken', 2);
      return { kind: 'already_taken', holder: readHolder(row[1]) };
    case 'held_back':
      read.width(row, 'take_outcome held_back', 2);
      return { kind: 'held_back', retryAfterMs: read.integer(row[1]) };
    case 'too_many_interfaces':
      read.width(row, 'take_outcome too_many_interfaces', 1);
      return { kind: 'too_many_interfaces' };
    case 'quota_reached':
      read.width(row, 'take_outcome quota_reached', 1);
      return { kind: 'quota_reached' };
    case 'not_permitted':
      read.width(row, 'take_outcome not_permitted', 1);
      return { kind: 'not_permitted' };
    default:
      throw read.undeclared('take_outcome', row[0]);
  }
}

function readAdminEndHoldoffReply(value: unknown): AdminEndHoldoffScriptReply {
  const row = read.tagged(value, 'admin_end_holdoff_reply');
  switch (row[0]) {
    case 'ended':
      read.width(row, 'admin_end_holdoff_reply ended', 2);
      return { kind: 'ended', leftMs: read.integer(row[1]) };
    case 'no_holdoff':
      read.width(row, 'admin_end_holdoff_reply no_holdoff', 1);
      return { kind: 'no_holdoff' };
    case 'not_permitted':
      read.width(row, 'admin_end_holdoff_reply not_permitted', 1);
      return { kind: 'not_permitted' };
    default:
      throw read.undeclared('admin_end_holdoff_reply', row[0]);
  }
}

function readAdminEventsReply(value: unknown): AdminEventsScriptReply {
  const row = read.tagged(value, 'admin_events_reply');
  switch (row[0]) {
    case 'entries':
      read.width(row, 'admin_events_reply entries', 4);
      return { kind: 'entries', entries: read.list(row[1], readOperatorEntry), head: read.integer(row[2]), first: read.integer(row[3]) };
    default:
      throw read.undeclared('admin_events_reply', row[0]);
  }
}

function readAdminEvictReply(value: unknown): AdminEvictScriptReply {
  const row = read.tagged(value, 'admin_evict_reply');
  switch (row[0]) {
    case 'evicted':
      read.width(row, 'admin_evict_reply evicted', 2);
      return { kind: 'evicted', released: read.integer(row[1]) };
    case 'unknown_session':
      read.width(row, 'admin_evict_reply unknown_session', 1);
      return { kind: 'unknown_session' };
    case 'not_permitted':
      read.width(row, 'admin_evict_reply not_permitted', 1);
      return { kind: 'not_permitted' };
    default:
      throw read.undeclared('admin_evict_reply', row[0]);
  }
}

function readAdminInterfaceSetReply(value: unknown): AdminInterfaceSetScriptReply {
  const row = read.tagged(value, 'admin_interface_set_reply');
  switch (row[0]) {
    case 'set':
      read.width(row, 'admin_interface_set_reply set', 5);
      return { kind: 'set', changed: read.flag(row[1]), maxGroups: read.integer(row[2]), maxEntries: read.integer(row[3]), lite: read.flag(row[4]) };
    case 'store_full':
      read.width(row, 'admin_interface_set_reply store_full', 1);
      return { kind: 'store_full' };
    case 'not_permitted':
      read.width(row, 'admin_interface_set_reply not_permitted', 1);
      return { kind: 'not_permitted' };
    default:
      throw read.undeclared('admin_interface_set_reply', row[0]);
  }
}

function readAdminMemberAddReply(value: unknown): AdminMemberAddScriptReply {
  const row = read.tagged(value, 'admin_member_add_reply');
  switch (row[0]) {
    case 'done':
      read.width(row, 'admin_member_add_reply done', 3);
      return { kind: 'done', changed: read.flag(row[1]), mrev: read.integer(row[2]) };
    case 'limit':
      read.width(row, 'admin_member_add_reply limit', 1);
      return { kind: 'limit' };
    case 'store_full':
      read.width(row, 'admin_member_add_reply store_full', 1);
      return { kind: 'store_full' };
    case 'not_permitted':
      read.width(row, 'admin_member_add_reply not_permitted', 1);
      return { kind: 'not_permitted' };
    default:
      throw read.undeclared('admin_member_add_reply', row[0]);
  }
}

function readAdminMemberDeleteReply(value: unknown): AdminMemberDeleteScriptReply {
  const row = read.tagged(value, 'admin_member_delete_reply');
  switch (row[0]) {
    case 'done':
      read.width(row, 'admin_member_delete_reply done', 2);
      return { kind: 'done', mrev: read.integer(row[1]) };
    case 'unknown_membership':
      read.width(row, 'admin_member_delete_reply unknown_membership', 1);
      return { kind: 'unknown_membership' };
    case 'not_permitted':
      read.width(row, 'admin_member_delete_reply not_permitted', 1);
      return { kind: 'not_permitted' };
    default:
      throw read.undeclared('admin_member_delete_reply', row[0]);
  }
}

function readAdminReleaseReply(value: unknown): AdminReleaseScriptReply {
  const row = read.tagged(value, 'admin_release_reply');
  switch (row[0]) {
    case 'released':
      read.width(row, 'admin_release_reply released', 2);
      return { kind: 'released', previous: readHolder(row[1]) };
    case 'other_epoch':
      read.width(row, 'admin_release_reply other_epoch', 2);
      return { kind: 'other_epoch', current: read.epoch(row[1]) };
    case 'free':
      read.width(row, 'admin_release_reply free', 1);
      return { kind: 'free' };
    case 'not_permitted':
      read.width(row, 'admin_release_reply not_permitted', 1);
      return { kind: 'not_permitted' };
    default:
      throw read.undeclared('admin_release_reply', row[0]);
  }
}

function readAgentsReply(value: unknown): AgentsScriptReply {
  const row = read.tagged(value, 'agents_reply');
  switch (row[0]) {
    case 'page':
      read.width(row, 'agents_reply page', 3);
      return { kind: 'page', items: read.list(row[1], readAgentItem), next: read.integer(row[2]) };
    default:
      throw read.undeclared('agents_reply', row[0]);
  }
}

function readDeregisterReply(value: unknown): DeregisterScriptReply {
  const row = read.tagged(value, 'deregister_reply');
  switch (row[0]) {
    case 'deregistered':
      read.width(row, 'deregister_reply deregistered', 1);
      return { kind: 'deregistered' };
    case 'owns_interfaces':
      read.width(row, 'deregister_reply owns_interfaces', 2);
      return { kind: 'owns_interfaces', owned: read.integer(row[1]) };
    case 'bad_handle':
      read.width(row, 'deregister_reply bad_handle', 1);
      return { kind: 'bad_handle' };
    case 'session_expired':
      read.width(row, 'deregister_reply session_expired', 2);
      return { kind: 'session_expired', session: read.session(row[1]) };
    case 'stale_request':
      read.width(row, 'deregister_reply stale_request', 2);
      return { kind: 'stale_request', ack: read.integer(row[1]) };
    case 'seq_too_high':
      read.width(row, 'deregister_reply seq_too_high', 2);
      return { kind: 'seq_too_high', highest: read.integer(row[1]) };
    case 'seq_reused':
      read.width(row, 'deregister_reply seq_reused', 2);
      return { kind: 'seq_reused', operation: read.string(row[1]) };
    default:
      throw read.undeclared('deregister_reply', row[0]);
  }
}

function readEventsReply(value: unknown): EventsScriptReply {
  const row = read.tagged(value, 'events_reply');
  switch (row[0]) {
    case 'entries':
      read.width(row, 'events_reply entries', 3);
      return { kind: 'entries', entries: read.list(row[1], readLogEntry), first: read.revision(row[2]) };
    case 'compacted':
      read.width(row, 'events_reply compacted', 2);
      return { kind: 'compacted', first: read.revision(row[1]) };
    default:
      throw read.undeclared('events_reply', row[0]);
  }
}

function readFibReply(value: unknown): FibScriptReply {
  const row = read.tagged(value, 'fib_reply');
  switch (row[0]) {
    case 'changes':
      read.width(row, 'fib_reply changes', 3);
      return { kind: 'changes', messages: read.list(row[1], readFibMessage), first: read.integer(row[2]) };
    case 'compacted':
      read.width(row, 'fib_reply compacted', 2);
      return { kind: 'compacted', first: read.revision(row[1]) };
    default:
      throw read.undeclared('fib_reply', row[0]);
  }
}

function readFlowAnsweredReply(value: unknown): FlowAnsweredScriptReply {
  const row = read.tagged(value, 'flow_answered_reply');
  switch (row[0]) {
    case 'flows':
      read.width(row, 'flow_answered_reply flows', 2);
      return { kind: 'flows', results: read.list(row[1], readFlowOutcome) };
    case 'store_full':
      read.width(row, 'flow_answered_reply store_full', 1);
      return { kind: 'store_full' };
    default:
      throw read.undeclared('flow_answered_reply', row[0]);
  }
}

function readFlowFailedReply(value: unknown): FlowFailedScriptReply {
  const row = read.tagged(value, 'flow_failed_reply');
  switch (row[0]) {
    case 'counted':
      read.width(row, 'flow_failed_reply counted', 2);
      return { kind: 'counted', count: read.integer(row[1]) };
    case 'store_full':
      read.width(row, 'flow_failed_reply store_full', 1);
      return { kind: 'store_full' };
    case 'bad_handle':
      read.width(row, 'flow_failed_reply bad_handle', 1);
      return { kind: 'bad_handle' };
    case 'session_expired':
      read.width(row, 'flow_failed_reply session_expired', 2);
      return { kind: 'session_expired', session: read.session(row[1]) };
    default:
      throw read.undeclared('flow_failed_reply', row[0]);
  }
}

function readFlowNewReply(value: unknown): FlowNewScriptReply {
  const row = read.tagged(value, 'flow_new_reply');
  switch (row[0]) {
    case 'flows':
      read.width(row, 'flow_new_reply flows', 2);
      return { kind: 'flows', results: read.list(row[1], readFlowOutcome) };
    case 'store_full':
      read.width(row, 'flow_new_reply store_full', 1);
      return { kind: 'store_full' };
    case 'bad_handle':
      read.width(row, 'flow_new_reply bad_handle', 1);
      return { kind: 'bad_handle' };
    case 'session_expired':
      read.width(row, 'flow_new_reply session_expired', 2);
      return { kind: 'session_expired', session: read.session(row[1]) };
    default:
      throw read.undeclared('flow_new_reply', row[0]);
  }
}

function readFlowStatsReply(value: unknown): FlowStatsScriptReply {
  const row = read.tagged(value, 'flow_stats_reply');
  switch (row[0]) {
    case 'counted':
      read.width(row, 'flow_stats_reply counted', 2);
      return { kind: 'counted', count: read.integer(row[1]) };
    case 'store_full':
      read.width(row, 'flow_stats_reply store_full', 1);
      return { kind: 'store_full' };
    case 'bad_handle':
      read.width(row, 'flow_stats_reply bad_handle', 1);
      return { kind: 'bad_handle' };
    case 'session_expired':
      read.width(row, 'flow_stats_reply session_expired', 2);
      return { kind: 'session_expired', session: read.session(row[1]) };
    default:
      throw read.undeclared('flow_stats_reply', row[0]);
  }
}

function readFlowVetoReply(value: unknown): FlowVetoScriptReply {
  const row = read.tagged(value, 'flow_veto_reply');
  switch (row[0]) {
    case 'vetoed':
      read.width(row, 'flow_veto_reply vetoed', 2);
      return { kind: 'vetoed', changed: read.flag(row[1]) };
    default:
      throw read.undeclared('flow_veto_reply', row[0]);
  }
}

function readFlowWrongifReply(value: unknown): FlowWrongifScriptReply {
  const row = read.tagged(value, 'flow_wrongif_reply');
  switch (row[0]) {
    case 'owners':
      read.width(row, 'flow_wrongif_reply owners', 2);
      return { kind: 'owners', to: read.list(row[1], readHintRecipient) };
    case 'bad_handle':
      read.width(row, 'flow_wrongif_reply bad_handle', 1);
      return { kind: 'bad_handle' };
    case 'session_expired':
      read.width(row, 'flow_wrongif_reply session_expired', 2);
      return { kind: 'session_expired', session: read.session(row[1]) };
    default:
      throw read.undeclared('flow_wrongif_reply', row[0]);
  }
}

function readGroupsReply(value: unknown): GroupsScriptReply {
  const row = read.tagged(value, 'groups_reply');
  switch (row[0]) {
    case 'page':
      read.width(row, 'groups_reply page', 4);
      return { kind: 'page', items: read.string(row[1]), after: read.string(row[2]), mailbox: read.integer(row[3]) };
    case 'bad_handle':
      read.width(row, 'groups_reply bad_handle', 1);
      return { kind: 'bad_handle' };
    case 'session_expired':
      read.width(row, 'groups_reply session_expired', 2);
      return { kind: 'session_expired', session: read.session(row[1]) };
    default:
      throw read.undeclared('groups_reply', row[0]);
  }
}

function readHeadReply(value: unknown): HeadScriptReply {
  const row = read.tagged(value, 'head_reply');
  switch (row[0]) {
    case 'head':
      read.width(row, 'head_reply head', 8);
      return { kind: 'head', first: read.revision(row[1]), sessions: read.integer(row[2]), holdOffMs: read.integer(row[3]), membersFirst: read.integer(row[4]), fibFirst: read.integer(row[5]), dueInMs: read.integer(row[6]), schema: read.integer(row[7]) };
    default:
      throw read.undeclared('head_reply', row[0]);
  }
}

function readInterfaceSetReply(value: unknown): InterfaceSetScriptReply {
  const row = read.tagged(value, 'interface_set_reply');
  switch (row[0]) {
    case 'set':
      read.width(row, 'interface_set_reply set', 2);
      return { kind: 'set', changed: read.flag(row[1]) };
    case 'not_found':
      read.width(row, 'interface_set_reply not_found', 1);
      return { kind: 'not_found' };
    case 'not_owner':
      read.width(row, 'interface_set_reply not_owner', 2);
      return { kind: 'not_owner', holder: readHolder(row[1]) };
    case 'other_epoch':
      read.width(row, 'interface_set_reply other_epoch', 2);
      return { kind: 'other_epoch', current: read.epoch(row[1]) };
    case 'window_full':
      read.width(row, 'interface_set_reply window_full', 1);
      return { kind: 'window_full' };
    case 'store_full':
      read.width(row, 'interface_set_reply store_full', 1);
      return { kind: 'store_full' };
    case 'bad_handle':
      read.width(row, 'interface_set_reply bad_handle', 1);
      return { kind: 'bad_handle' };
    case 'session_expired':
      read.width(row, 'interface_set_reply session_expired', 2);
      return { kind: 'session_expired', session: read.session(row[1]) };
    case 'stale_request':
      read.width(row, 'interface_set_reply stale_request', 2);
      return { kind: 'stale_request', ack: read.integer(row[1]) };
    case 'seq_too_high':
      read.width(row, 'interface_set_reply seq_too_high', 2);
      return { kind: 'seq_too_high', highest: read.integer(row[1]) };
    case 'seq_reused':
      read.width(row, 'interface_set_reply seq_reused', 2);
      return { kind: 'seq_reused', operation: read.string(row[1]) };
    default:
      throw read.undeclared('interface_set_reply', row[0]);
  }
}

function readInterfacesReply(value: unknown): InterfacesScriptReply {
  const row = read.tagged(value, 'interfaces_reply');
  switch (row[0]) {
    case 'page':
      read.width(row, 'interfaces_reply page', 6);
      return { kind: 'page', items: read.list(row[1], readInterfaceItem), client: read.integer(row[2]), score: read.integer(row[3]), last: read.string(row[4]), began: read.integer(row[5]) };
    default:
      throw read.undeclared('interfaces_reply', row[0]);
  }
}

function readKeepaliveReply(value: unknown): KeepaliveScriptReply {
  const row = read.tagged(value, 'keepalive_reply');
  switch (row[0]) {
    case 'kept':
      read.width(row, 'keepalive_reply kept', 3);
      return { kind: 'kept', ttlMs: read.integer(row[1]), mailbox: read.integer(row[2]) };
    case 'bad_handle':
      read.width(row, 'keepalive_reply bad_handle', 1);
      return { kind: 'bad_handle' };
    case 'session_expired':
      read.width(row, 'keepalive_reply session_expired', 2);
      return { kind: 'session_expired', session: read.session(row[1]) };
    default:
      throw read.undeclared('keepalive_reply', row[0]);
  }
}

function readMailboxReply(value: unknown): MailboxScriptReply {
  const row = read.tagged(value, 'mailbox_reply');
  switch (row[0]) {
    case 'messages':
      read.width(row, 'mailbox_reply messages', 3);
      return { kind: 'messages', entries: read.list(row[1], readMailEntry), head: read.integer(row[2]) };
    case 'bad_handle':
      read.width(row, 'mailbox_reply bad_handle', 1);
      return { kind: 'bad_handle' };
    case 'session_expired':
      read.width(row, 'mailbox_reply session_expired', 2);
      return { kind: 'session_expired', session: read.session(row[1]) };
    default:
      throw read.undeclared('mailbox_reply', row[0]);
  }
}

function readMemberAddReply(value: unknown): MemberAddScriptReply {
  const row = read.tagged(value, 'member_add_reply');
  switch (row[0]) {
    case 'changed':
      read.width(row, 'member_add_reply changed', 4);
      return { kind: 'changed', count: read.integer(row[1]), mrev: read.integer(row[2]), failed: read.list(row[3], readMemberFailure) };
    case 'forwarded':
      read.width(row, 'member_add_reply forwarded', 4);
      return { kind: 'forwarded', matched: read.integer(row[1]), changed: read.flag(row[2]), mrev: read.integer(row[3]) };
    case 'rules_full':
      read.width(row, 'member_add_reply rules_full', 1);
      return { kind: 'rules_full' };
    case 'not_owner':
      read.width(row, 'member_add_reply not_owner', 2);
      return { kind: 'not_owner', holder: readHolder(row[1]) };
    case 'window_full':
      read.width(row, 'member_add_reply window_full', 1);
      return { kind: 'window_full' };
    case 'other_epoch':
      read.width(row, 'member_add_reply other_epoch', 2);
      return { kind: 'other_epoch', current: read.epoch(row[1]) };
    case 'store_full':
      read.width(row, 'member_add_reply store_full', 1);
      return { kind: 'store_full' };
    case 'bad_handle':
      read.width(row, 'member_add_reply bad_handle', 1);
      return { kind: 'bad_handle' };
    case 'session_expired':
      read.width(row, 'member_add_reply session_expired', 2);
      return { kind: 'session_expired', session: read.session(row[1]) };
    case 'stale_request':
      read.width(row, 'member_add_reply stale_request', 2);
      return { kind: 'stale_request', ack: read.integer(row[1]) };
    case 'seq_too_high':
      read.width(row, 'member_add_reply seq_too_high', 2);
      return { kind: 'seq_too_high', highest: read.integer(row[1]) };
    case 'seq_reused':
      read.width(row, 'member_add_reply seq_reused', 2);
      return { kind: 'seq_reused', operation: read.string(row[1]) };
    default:
      throw read.undeclared('member_add_reply', row[0]);
  }
}

function readMemberDeleteReply(value: unknown): MemberDeleteScriptReply {
  const row = read.tagged(value, 'member_delete_reply');
  switch (row[0]) {
    case 'changed':
      read.width(row, 'member_delete_reply changed', 4);
      return { kind: 'changed', count: read.integer(row[1]), mrev: read.integer(row[2]), failed: read.list(row[3], readMemberFailure) };
    case 'forwarded':
      read.width(row, 'member_delete_reply forwarded', 4);
      return { kind: 'forwarded', matched: read.integer(row[1]), changed: read.flag(row[2]), mrev: read.integer(row[3]) };
    case 'rules_full':
      read.width(row, 'member_delete_reply rules_full', 1);
      return { kind: 'rules_full' };
    case 'not_owner':
      read.width(row, 'member_delete_reply not_owner', 2);
      return { kind: 'not_owner', holder: readHolder(row[1]) };
    case 'window_full':
      read.width(row, 'member_delete_reply window_full', 1);
      return { kind: 'window_full' };
    case 'other_epoch':
      read.width(row, 'member_delete_reply other_epoch', 2);
      return { kind: 'other_epoch', current: read.epoch(row[1]) };
    case 'bad_handle':
      read.width(row, 'member_delete_reply bad_handle', 1);
      return { kind: 'bad_handle' };
    case 'session_expired':
      read.width(row, 'member_delete_reply session_expired', 2);
      return { kind: 'session_expired', session: read.session(row[1]) };
    case 'stale_request':
      read.width(row, 'member_delete_reply stale_request', 2);
      return { kind: 'stale_request', ack: read.integer(row[1]) };
    case 'seq_too_high':
      read.width(row, 'member_delete_reply seq_too_high', 2);
      return { kind: 'seq_too_high', highest: read.integer(row[1]) };
    case 'seq_reused':
      read.width(row, 'member_delete_reply seq_reused', 2);
      return { kind: 'seq_reused', operation: read.string(row[1]) };
    default:
      throw read.undeclared('member_delete_reply', row[0]);
  }
}

function readMemberEventsReply(value: unknown): MemberEventsScriptReply {
  const row = read.tagged(value, 'member_events_reply');
  switch (row[0]) {
    case 'entries':
      read.width(row, 'member_events_reply entries', 3);
      return { kind: 'entries', entries: read.list(row[1], readMemberLogEntry), first: read.integer(row[2]) };
    case 'compacted':
      read.width(row, 'member_events_reply compacted', 2);
      return { kind: 'compacted', first: read.revision(row[1]) };
    default:
      throw read.undeclared('member_events_reply', row[0]);
  }
}

function readMemberSetReply(value: unknown): MemberSetScriptReply {
  const row = read.tagged(value, 'member_set_reply');
  switch (row[0]) {
    case 'replaced':
      read.width(row, 'member_set_reply replaced', 5);
      return { kind: 'replaced', added: read.integer(row[1]), removed: read.integer(row[2]), updated: read.flag(row[3]), mrev: read.integer(row[4]) };
    case 'not_found':
      read.width(row, 'member_set_reply not_found', 1);
      return { kind: 'not_found' };
    case 'not_owner':
      read.width(row, 'member_set_reply not_owner', 2);
      return { kind: 'not_owner', holder: readHolder(row[1]) };
    case 'other_epoch':
      read.width(row, 'member_set_reply other_epoch', 2);
      return { kind: 'other_epoch', current: read.epoch(row[1]) };
    case 'limit':
      read.width(row, 'member_set_reply limit', 1);
      return { kind: 'limit' };
    case 'window_full':
      read.width(row, 'member_set_reply window_full', 1);
      return { kind: 'window_full' };
    case 'store_full':
      read.width(row, 'member_set_reply store_full', 1);
      return { kind: 'store_full' };
    case 'bad_handle':
      read.width(row, 'member_set_reply bad_handle', 1);
      return { kind: 'bad_handle' };
    case 'session_expired':
      read.width(row, 'member_set_reply session_expired', 2);
      return { kind: 'session_expired', session: read.session(row[1]) };
    case 'stale_request':
      read.width(row, 'member_set_reply stale_request', 2);
      return { kind: 'stale_request', ack: read.integer(row[1]) };
    case 'seq_too_high':
      read.width(row, 'member_set_reply seq_too_high', 2);
      return { kind: 'seq_too_high', highest: read.integer(row[1]) };
    case 'seq_reused':
      read.width(row, 'member_set_reply seq_reused', 2);
      return { kind: 'seq_reused', operation: read.string(row[1]) };
    default:
      throw read.undeclared('member_set_reply', row[0]);
  }
}

function readMembersReply(value: unknown): MembersScriptReply {
  const row = read.tagged(value, 'members_reply');
  switch (row[0]) {
    case 'page':
      read.width(row, 'members_reply page', 4);
      return { kind: 'page', items: read.list(row[1], readMemberItem), after: read.string(row[2]), slot: read.integer(row[3]) };
    default:
      throw read.undeclared('members_reply', row[0]);
  }
}

function readMfeGetReply(value: unknown): MfeGetScriptReply {
  const row = read.tagged(value, 'mfe_get_reply');
  switch (row[0]) {
    case 'found':
      read.width(row, 'mfe_get_reply found', 4);
      return { kind: 'found', mfe: readMfe(row[1]), failed: read.list(row[2], readMfeFailure), programmed: read.integer(row[3]) };
    case 'none':
      read.width(row, 'mfe_get_reply none', 1);
      return { kind: 'none' };
    default:
      throw read.undeclared('mfe_get_reply', row[0]);
  }
}

function readMfeListReply(value: unknown): MfeListScriptReply {
  const row = read.tagged(value, 'mfe_list_reply');
  switch (row[0]) {
    case 'page':
      read.width(row, 'mfe_list_reply page', 5);
      return { kind: 'page', items: read.list(row[1], readMfe), failed: read.list(row[2], readFailedMfe), programmed: read.integer(row[3]), after: read.string(row[4]) };
    default:
      throw read.undeclared('mfe_list_reply', row[0]);
  }
}

function readMfeSetReply(value: unknown): MfeSetScriptReply {
  const row = read.tagged(value, 'mfe_set_reply');
  switch (row[0]) {
    case 'set':
      read.width(row, 'mfe_set_reply set', 2);
      return { kind: 'set', frev: read.integer(row[1]) };
    case 'no_mfe':
      read.width(row, 'mfe_set_reply no_mfe', 1);
      return { kind: 'no_mfe' };
    case 'other_incarnation':
      read.width(row, 'mfe_set_reply other_incarnation', 2);
      return { kind: 'other_incarnation', current: read.integer(row[1]) };
    case 'not_owner':
      read.width(row, 'mfe_set_reply not_owner', 2);
      return { kind: 'not_owner', holder: read.optional(row[1], readHolder) };
    case 'other_epoch':
      read.width(row, 'mfe_set_reply other_epoch', 2);
      return { kind: 'other_epoch', current: read.epoch(row[1]) };
    case 'window_full':
      read.width(row, 'mfe_set_reply window_full', 1);
      return { kind: 'window_full' };
    case 'store_full':
      read.width(row, 'mfe_set_reply store_full', 1);
      return { kind: 'store_full' };
    case 'bad_handle':
      read.width(row, 'mfe_set_reply bad_handle', 1);
      return { kind: 'bad_handle' };
    case 'session_expired':
      read.width(row, 'mfe_set_reply session_expired', 2);
      return { kind: 'session_expired', session: read.session(row[1]) };
    case 'stale_request':
      read.width(row, 'mfe_set_reply stale_request', 2);
      return { kind: 'stale_request', ack: read.integer(row[1]) };
    case 'seq_too_high':
      read.width(row, 'mfe_set_reply seq_too_high', 2);
      return { kind: 'seq_too_high', highest: read.integer(row[1]) };
    case 'seq_reused':
      read.width(row, 'mfe_set_reply seq_reused', 2);
      return { kind: 'seq_reused', operation: read.string(row[1]) };
    default:
      throw read.undeclared('mfe_set_reply', row[0]);
  }
}

function readMfeStatsReply(value: unknown): MfeStatsScriptReply {
  const row = read.tagged(value, 'mfe_stats_reply');
  switch (row[0]) {
    case 'found':
      read.width(row, 'mfe_stats_reply found', 2);
      return { kind: 'found', stats: readMfeStats(row[1]) };
    case 'none':
      read.width(row, 'mfe_stats_reply none', 1);
      return { kind: 'none' };
    case 'page':
      read.width(row, 'mfe_stats_reply page', 3);
      return { kind: 'page', items: read.list(row[1], readMfeStats), after: read.string(row[2]) };
    default:
      throw read.undeclared('mfe_stats_reply', row[0]);
  }
}

function readOwnerReply(value: unknown): OwnerScriptReply {
  const row = read.tagged(value, 'owner_reply');
  switch (row[0]) {
    case 'held':
      read.width(row, 'owner_reply held', 2);
      return { kind: 'held', holder: readHolder(row[1]) };
    case 'free':
      read.width(row, 'owner_reply free', 1);
      return { kind: 'free' };
    default:
      throw read.undeclared('owner_reply', row[0]);
  }
}

function readPurgeReply(value: unknown): PurgeScriptReply {
  const row = read.tagged(value, 'purge_reply');
  switch (row[0]) {
    case 'purged':
      read.width(row, 'purge_reply purged', 1);
      return { kind: 'purged' };
    case 'kept':
      read.width(row, 'purge_reply kept', 2);
      return { kind: 'kept', lastUsedAt: read.integer(row[1]) };
    case 'in_use':
      read.width(row, 'purge_reply in_use', 1);
      return { kind: 'in_use' };
    default:
      throw read.undeclared('purge_reply', row[0]);
  }
}

function readRegisterReply(value: unknown): RegisterScriptReply {
  const row = read.tagged(value, 'register_reply');
  switch (row[0]) {
    case 'registered':
      read.width(row, 'register_reply registered', 11);
      return { kind: 'registered', client: read.integer(row[1]), session: read.session(row[2]), secret: read.string(row[3]), ttlMs: read.integer(row[4]), graceMs: read.integer(row[5]), mailbox: read.integer(row[6]), resumed: read.flag(row[7]), owned: read.integer(row[8]), epoch: read.optional(row[9], read.epoch), alerts: read.integer(row[10]) };
    case 'already_registered':
      read.width(row, 'register_reply already_registered', 4);
      return { kind: 'already_registered', session: read.session(row[1]), name: read.string(row[2]), expiresInMs: read.integer(row[3]) };
    case 'store_full':
      read.width(row, 'register_reply store_full', 1);
      return { kind: 'store_full' };
    case 'too_many_sessions':
      read.width(row, 'register_reply too_many_sessions', 1);
      return { kind: 'too_many_sessions' };
    case 'quota_reached':
      read.width(row, 'register_reply quota_reached', 1);
      return { kind: 'quota_reached' };
    case 'of_another_identity':
      read.width(row, 'register_reply of_another_identity', 1);
      return { kind: 'of_another_identity' };
    default:
      throw read.undeclared('register_reply', row[0]);
  }
}

function readReleaseReply(value: unknown): ReleaseScriptReply {
  const row = read.tagged(value, 'release_reply');
  switch (row[0]) {
    case 'released':
      read.width(row, 'release_reply released', 1);
      return { kind: 'released' };
    case 'decided':
      read.width(row, 'release_reply decided', 2);
      return { kind: 'decided', results: read.list(row[1], readReleaseOutcome) };
    case 'window_full':
      read.width(row, 'release_reply window_full', 1);
      return { kind: 'window_full' };
    case 'bad_handle':
      read.width(row, 'release_reply bad_handle', 1);
      return { kind: 'bad_handle' };
    case 'session_expired':
      read.width(row, 'release_reply session_expired', 2);
      return { kind: 'session_expired', session: read.session(row[1]) };
    case 'stale_request':
      read.width(row, 'release_reply stale_request', 2);
      return { kind: 'stale_request', ack: read.integer(row[1]) };
    case 'seq_too_high':
      read.width(row, 'release_reply seq_too_high', 2);
      return { kind: 'seq_too_high', highest: read.integer(row[1]) };
    case 'seq_reused':
      read.width(row, 'release_reply seq_reused', 2);
      return { kind: 'seq_reused', operation: read.string(row[1]) };
    default:
      throw read.undeclared('release_reply', row[0]);
  }
}

function readRibDeleteReply(value: unknown): RibDeleteScriptReply {
  const row = read.tagged(value, 'rib_delete_reply');
  switch (row[0]) {
    case 'changed':
      read.width(row, 'rib_delete_reply changed', 4);
      return { kind: 'changed', count: read.integer(row[1]), rrev: read.integer(row[2]), failed: read.list(row[3], readRouteFailure) };
    case 'window_full':
      read.width(row, 'rib_delete_reply window_full', 1);
      return { kind: 'window_full' };
    case 'bad_handle':
      read.width(row, 'rib_delete_reply bad_handle', 1);
      return { kind: 'bad_handle' };
    case 'session_expired':
      read.width(row, 'rib_delete_reply session_expired', 2);
      return { kind: 'session_expired', session: read.session(row[1]) };
    case 'stale_request':
      read.width(row, 'rib_delete_reply stale_request', 2);
      return { kind: 'stale_request', ack: read.integer(row[1]) };
    case 'seq_too_high':
      read.width(row, 'rib_delete_reply seq_too_high', 2);
      return { kind: 'seq_too_high', highest: read.integer(row[1]) };
    case 'seq_reused':
      read.width(row, 'rib_delete_reply seq_reused', 2);
      return { kind: 'seq_reused', operation: read.string(row[1]) };
    default:
      throw read.undeclared('rib_delete_reply', row[0]);
  }
}

function readRibListReply(value: unknown): RibListScriptReply {
  const row = read.tagged(value, 'rib_list_reply');
  switch (row[0]) {
    case 'page':
      read.width(row, 'rib_list_reply page', 4);
      return { kind: 'page', items: read.list(row[1], readRouteItem), after: read.string(row[2]), client: read.integer(row[3]) };
    default:
      throw read.undeclared('rib_list_reply', row[0]);
  }
}

function readRibResolveReply(value: unknown): RibResolveScriptReply {
  const row = read.tagged(value, 'rib_resolve_reply');
  switch (row[0]) {
    case 'found':
      read.width(row, 'rib_resolve_reply found', 6);
      return { kind: 'found', prefix: read.string(row[1]), interface: read.interface(row[2]), neighbour: read.string(row[3]), protocolId: read.integer(row[4]), holder: read.optional(row[5], readHolder) };
    case 'none':
      read.width(row, 'rib_resolve_reply none', 1);
      return { kind: 'none' };
    default:
      throw read.undeclared('rib_resolve_reply', row[0]);
  }
}

function readRibSetReply(value: unknown): RibSetScriptReply {
  const row = read.tagged(value, 'rib_set_reply');
  switch (row[0]) {
    case 'changed':
      read.width(row, 'rib_set_reply changed', 4);
      return { kind: 'changed', count: read.integer(row[1]), rrev: read.integer(row[2]), failed: read.list(row[3], readRouteFailure) };
    case 'window_full':
      read.width(row, 'rib_set_reply window_full', 1);
      return { kind: 'window_full' };
    case 'store_full':
      read.width(row, 'rib_set_reply store_full', 1);
      return { kind: 'store_full' };
    case 'bad_handle':
      read.width(row, 'rib_set_reply bad_handle', 1);
      return { kind: 'bad_handle' };
    case 'session_expired':
      read.width(row, 'rib_set_reply session_expired', 2);
      return { kind: 'session_expired', session: read.session(row[1]) };
    case 'stale_request':
      read.width(row, 'rib_set_reply stale_request', 2);
      return { kind: 'stale_request', ack: read.integer(row[1]) };
    case 'seq_too_high':
      read.width(row, 'rib_set_reply seq_too_high', 2);
      return { kind: 'seq_too_high', highest: read.integer(row[1]) };
    case 'seq_reused':
      read.width(row, 'rib_set_reply seq_reused', 2);
      return { kind: 'seq_reused', operation: read.string(row[1]) };
    default:
      throw read.undeclared('rib_set_reply', row[0]);
  }
}

function readSessionsReply(value: unknown): SessionsScriptReply {
  const row = read.tagged(value, 'sessions_reply');
  switch (row[0]) {
    case 'page':
      read.width(row, 'sessions_reply page', 3);
      return { kind: 'page', items: read.list(row[1], readSessionItem), next: read.integer(row[2]) };
    default:
      throw read.undeclared('sessions_reply', row[0]);
  }
}

function readSweepReply(value: unknown): SweepScriptReply {
  const row = read.tagged(value, 'sweep_reply');
  switch (row[0]) {
    case 'swept':
      read.width(row, 'sweep_reply swept', 6);
      return { kind: 'swept', ended: read.integer(row[1]), released: read.integer(row[2]), more: read.flag(row[3]), idle: read.flag(row[4]), dueInMs: read.integer(row[5]) };
    default:
      throw read.undeclared('sweep_reply', row[0]);
  }
}

function readTakeReply(value: unknown): TakeScriptReply {
  const row = read.tagged(value, 'take_reply');
  switch (row[0]) {
    case 'granted':
      read.width(row, 'take_reply granted', 2);
      return { kind: 'granted', epoch: read.epoch(row[1]) };
    case 'taken':
      read.width(row, 'take_reply taken', 2);
      return { kind: 'taken', epochs: read.list(row[1], read.epoch) };
    case 'decided':
      read.width(row, 'take_reply decided', 2);
      return { kind: 'decided', results: read.list(row[1], readTakeOutcome) };
    case 'held_back':
      read.width(row, 'take_reply held_back', 2);
      return { kind: 'held_back', retryAfterMs: read.integer(row[1]) };
    case 'store_full':
      read.width(row, 'take_reply store_full', 1);
      return { kind: 'store_full' };
    case 'window_full':
      read.width(row, 'take_reply window_full', 1);
      return { kind: 'window_full' };
    case 'bad_handle':
      read.width(row, 'take_reply bad_handle', 1);
      return { kind: 'bad_handle' };
    case 'session_expired':
      read.width(row, 'take_reply session_expired', 2);
      return { kind: 'session_expired', session: read.session(row[1]) };
    case 'stale_request':
      read.width(row, 'take_reply stale_request', 2);
      return { kind: 'stale_request', ack: read.integer(row[1]) };
    case 'seq_too_high':
      read.width(row, 'take_reply seq_too_high', 2);
      return { kind: 'seq_too_high', highest: read.integer(row[1]) };
    case 'seq_reused':
      read.width(row, 'take_reply seq_reused', 2);
      return { kind: 'seq_reused', operation: read.string(row[1]) };
    default:
      throw read.undeclared('take_reply', row[0]);
  }
}

function readValidateReply(value: unknown): ValidateScriptReply {
  const row = read.tagged(value, 'validate_reply');
  switch (row[0]) {
    case 'current':
      read.width(row, 'validate_reply current', 2);
      return { kind: 'current', current: read.epoch(row[1]) };
    case 'outdated':
      read.width(row, 'validate_reply outdated', 2);
      return { kind: 'outdated', current: read.epoch(row[1]) };
    case 'free':
      read.width(row, 'validate_reply free', 1);
      return { kind: 'free' };
    default:
      throw read.undeclared('validate_reply', row[0]);
  }
}

/** A call as the script reads it: the operation, then its arguments in the order of the header. */
export const encode: { readonly [Name in ArbiterOperation]: (args: ArbiterArgs[Name]) => unknown[] } = {
  admin_end_holdoff: (args) => ['admin_end_holdoff', args.actor, args.why],
  admin_events: (args) => ['admin_events', args.after, args.limit],
  admin_evict: (args) => ['admin_evict', args.session, args.actor, args.why],
  admin_interface_set: (args) => ['admin_interface_set', interfaceName(args.interface), args.maxGroups, args.maxEntries, args.lite, args.actor, args.why],
  admin_member_add: (args) => ['admin_member_add', interfaceName(args.interface), args.entry, args.actor, args.why],
  admin_member_delete: (args) => ['admin_member_delete', interfaceName(args.interface), args.entry, args.actor, args.why],
  admin_release: (args) => ['admin_release', interfaceName(args.interface), args.epoch, args.actor, args.why],
  agents: (args) => ['agents', args.after, args.limit],
  deregister: (args) => ['deregister', [args.handle.client, args.handle.session, args.handle.secret], args.seq, args.ack, args.force ? 1 : 0],
  events: (args) => ['events', args.after, args.limit],
  fib: (args) => ['fib', args.after, args.limit],
  flow_answered: (args) => ['flow_answered', args.names, args.incarnations, args.rpf, args.seen, args.last, args.answerers, args.iifs, args.given, args.upstreams, args.prefixes, args.protocols, args.vetoes, args.silent],
  flow_failed: (args) => ['flow_failed', [args.handle.client, args.handle.session, args.handle.secret], args.names, args.incarnations, args.reasons],
  flow_new: (args) => ['flow_new', [args.handle.client, args.handle.session, args.handle.secret], args.names, args.asks ? 1 : 0, args.silent],
  flow_stats: (args) => ['flow_stats', [args.handle.client, args.handle.session, args.handle.secret], args.names, args.incarnations, args.counters, args.oifCounts, args.interfaces.map(interfaceName), args.oifCounters],
  flow_veto: (args) => ['flow_veto', args.name, args.incarnation, args.vetoes],
  flow_wrongif: (args) => ['flow_wrongif', [args.handle.client, args.handle.session, args.handle.secret], args.interfaces.map(interfaceName)],
  groups: (args) => ['groups', [args.handle.client, args.handle.session, args.handle.secret], args.isAnonymous ? 1 : 0, args.any ? 1 : 0, args.after, args.limit],
  head: (_args) => ['head'],
  interface_set: (args) => ['interface_set', [args.handle.client, args.handle.session, args.handle.secret], args.seq, args.ack, interfaceName(args.interface), args.epoch, args.localMembers, args.wrongIf],
  interfaces: (args) => ['interfaces', args.client, args.score, args.last, args.began, args.limit, args.session, args.protocol],
  keepalive: (args) => ['keepalive', [args.handle.client, args.handle.session, args.handle.secret], args.ack, args.mailboxAck, args.frev],
  mailbox: (args) => ['mailbox', [args.handle.client, args.handle.session, args.handle.secret], args.after, args.limit],
  member_add: (args) => ['member_add', [args.handle.client, args.handle.session, args.handle.secret], args.seq, args.ack, args.interfaces.map(interfaceName), args.entries, args.codes, args.epoch, args.single ? 1 : 0],
  member_delete: (args) => ['member_delete', [args.handle.client, args.handle.session, args.handle.secret], args.seq, args.ack, args.interfaces.map(interfaceName), args.entries, args.codes, args.epoch, args.single ? 1 : 0],
  member_events: (args) => ['member_events', args.after, args.limit],
  member_set: (args) => ['member_set', [args.handle.client, args.handle.session, args.handle.secret], args.seq, args.ack, interfaceName(args.interface), args.group, args.entries, args.exclude, args.epoch],
  members: (args) => ['members', args.from, args.to, args.after, args.slot, args.limit, args.session, args.interface],
  mfe_get: (args) => ['mfe_get', args.name],
  mfe_list: (args) => ['mfe_list', args.after, args.limit],
  mfe_set: (args) => ['mfe_set', [args.handle.client, args.handle.session, args.handle.secret], args.seq, args.ack, args.name, args.upstream, args.isGiven ? 1 : 0, args.timeout, args.incarnation, args.epoch],
  mfe_stats: (args) => ['mfe_stats', args.name, args.after, args.limit],
  owner: (args) => ['owner', interfaceName(args.interface)],
  purge: (args) => ['purge', args.retentionMs],
  register: (args) => ['register', args.protocolId, args.componentId, args.isIgmp ? 1 : 0, args.instance, args.name, args.ttlMs, args.graceMs, args.takeover ? 1 : 0, args.resumes, args.mask, args.secret],
  release: (args) => ['release', [args.handle.client, args.handle.session, args.handle.secret], args.seq, args.ack, args.interfaces.map(interfaceName), args.epoch],
  rib_delete: (args) => ['rib_delete', [args.handle.client, args.handle.session, args.handle.secret], args.seq, args.ack, args.prefixes, args.faults],
  rib_list: (args) => ['rib_list', args.session, args.after, args.client, args.limit],
  rib_resolve: (args) => ['rib_resolve', args.source],
  rib_set: (args) => ['rib_set', [args.handle.client, args.handle.session, args.handle.secret], args.seq, args.ack, args.prefixes, args.faults, args.via, args.neighbours, args.protocols, args.preferences],
  sessions: (args) => ['sessions', args.after, args.limit],
  sweep: (args) => ['sweep', args.most, args.mostEntries, args.servingMs],
  take: (args) => ['take', [args.handle.client, args.handle.session, args.handle.secret], args.seq, args.ack, args.interfaces.map(interfaceName), args.held, args.advise ? 1 : 0],
  validate: (args) => ['validate', interfaceName(args.interface), args.epoch],
};

/** A reply, checked against the header. Throws `ScriptReplyError` for anything undeclared. */
export const decode: { readonly [Name in ArbiterOperation]: (value: unknown) => ScriptReplies[Name] } = {
  admin_end_holdoff: readAdminEndHoldoffReply,
  admin_events: readAdminEventsReply,
  admin_evict: readAdminEvictReply,
  admin_interface_set: readAdminInterfaceSetReply,
  admin_member_add: readAdminMemberAddReply,
  admin_member_delete: readAdminMemberDeleteReply,
  admin_release: readAdminReleaseReply,
  agents: readAgentsReply,
  deregister: readDeregisterReply,
  events: readEventsReply,
  fib: readFibReply,
  flow_answered: readFlowAnsweredReply,
  flow_failed: readFlowFailedReply,
  flow_new: readFlowNewReply,
  flow_stats: readFlowStatsReply,
  flow_veto: readFlowVetoReply,
  flow_wrongif: readFlowWrongifReply,
  groups: readGroupsReply,
  head: readHeadReply,
  interface_set: readInterfaceSetReply,
  interfaces: readInterfacesReply,
  keepalive: readKeepaliveReply,
  mailbox: readMailboxReply,
  member_add: readMemberAddReply,
  member_delete: readMemberDeleteReply,
  member_events: readMemberEventsReply,
  member_set: readMemberSetReply,
  members: readMembersReply,
  mfe_get: readMfeGetReply,
  mfe_list: readMfeListReply,
  mfe_set: readMfeSetReply,
  mfe_stats: readMfeStatsReply,
  owner: readOwnerReply,
  purge: readPurgeReply,
  register: readRegisterReply,
  release: readReleaseReply,
  rib_delete: readRibDeleteReply,
  rib_list: readRibListReply,
  rib_resolve: readRibResolveReply,
  rib_set: readRibSetReply,
  sessions: readSessionsReply,
  sweep: readSweepReply,
  take: readTakeReply,
  validate: readValidateReply,
};
