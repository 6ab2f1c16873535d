// Generated from packages/store/lua by `npm run generate`. Do not edit.
import type { Epoch, InterfaceKey, Revision, SessionId } from '@mgm/protocol';
import { interfaceName, type HandleParts } from '../names.ts';
import * as read from '../script-values.ts';

export const LIBRARY_NAME = 'mgm_f3c22aca4896d52b';
/** Decides any batch; Redis refuses the call when it is out of memory. */
export const DECIDE = 'mgm_f3c22aca4896d52b_decide';
/** The same for batches that need no memory; Redis runs it even then. */
export const ASK = 'mgm_f3c22aca4896d52b_ask';
export const LIBRARY = "#!lua name=mgm_f3c22aca4896d52b\nlocal root, meta_key, clients_key, roster_key, leases_key, claims_key, identities_key, operator_log_key, events_key\nlocal interface_root\nlocal client_root\nlocal owned_root\nlocal mailbox_root\nlocal function use_keys_of(meta)\nroot = string.sub(meta, 1, -string.len('meta') - 1)\nmeta_key = root .. 'meta'\nclients_key = root .. 'clients'\nroster_key = root .. 'roster'\nleases_key = root .. 'leases'\nclaims_key = root .. 'claims'\nidentities_key = root .. 'identities'\noperator_log_key = root .. 'operator-log'\nevents_key = root .. 'events'\ninterface_root = root .. 'if:'\nclient_root = root .. 'client:'\nowned_root = root .. 'owned:'\nmailbox_root = root .. 'mailbox:'\nend\nlocal function interface_key(interface) return interface_root .. interface end\nlocal function client_key(number) return client_root .. string.format('%d', number) end\nlocal function owned_key(number) return owned_root .. string.format('%d', number) end\nlocal function mailbox_key(session) return mailbox_root .. string.format('%d', session) end\nlocal text, CHUNK, in_chunks\ndo\nfunction text(number)\nreturn string.format('%d', number)\nend\nCHUNK = 4000\nfunction in_chunks(list, send)\nfor first = 1, #list, CHUNK do\nsend(unpack(list, first, math.min(first + CHUNK - 1, #list)))\nend\nend\nend\nlocal IDENTITY, MAY_TAKE_OVER, SESSIONS_MAX, REFUSED, IS_DENIED, caller, identity_changes, begin_caller, set_caller, count_session, set_identity, is_callers, may_inherit, has_all_sessions, is_refused, save_identities\ndo\nIDENTITY, MAY_TAKE_OVER, SESSIONS_MAX, REFUSED, IS_DENIED = 1, 2, 3, 4, 5\nlocal UNIDENTIFIED = { '', 1, 0, {}, 0 }\nfunction begin_caller()\ncaller, identity_changes = UNIDENTIFIED, {}\nend\nfunction set_caller(packed)\ncaller = packed ~= 0 and packed or UNIDENTIFIED\nend\nfunction count_session(identity, change)\nif identity == '' then return end\nidentity_changes[identity] = (identity_changes[identity] or 0) + change\nend\nfunction set_identity(client, identity)\nif client.identity == identity then return end\ncount_session(client.identity, -1)\ncount_session(identity, 1)\nclient.identity, client.changed = identity, true\nend\nfunction is_callers(client)\nif caller[IDENTITY] == '' or client.identity == caller[IDENTITY] then return true end\nif client.identity ~= '' then return false end\nif client.state ~= 'ended' then set_identity(client, caller[IDENTITY]) end\nreturn true\nend\nfunction may_inherit(client)\nreturn caller[MAY_TAKE_OVER] == 1 or is_callers(client)\nend\nfunction has_all_sessions()\nlocal most = caller[SESSIONS_MAX]\nif most == 0 then return false end\nlocal stored = tonumber(redis.call('HGET', identities_key, caller[IDENTITY]) or 0)\nreturn stored + (identity_changes[caller[IDENTITY]] or 0) >= most\nend\nfunction is_refused(position)\nlocal refused = caller[REFUSED]\nfor i = 1, #refused do\nif refused[i] == position then return true end\nend\nreturn false\nend\nfunction save_identities()\nfor identity, change in pairs(identity_changes) do\nif change ~= 0 and redis.call('HINCRBY', identities_key, identity, text(change)) <= 0 then\nredis.call('HDEL', identities_key, identity)\nend\nend\nend\nend\nlocal now_us, now_ms, read_clock, service_clock\ndo\nfunction read_clock()\nlocal time = redis.call('TIME')\nnow_us = tonumber(time[1]) * 1000000 + tonumber(time[2])\nnow_ms = math.floor(now_us / 1000)\nend\nfunction service_clock(shown_ms, seen_at, serving_until)\nreturn shown_ms + math.max(0, math.min(now_ms, serving_until) - seen_at)\nend\nend\nlocal router, service_now, load_router, next_rev, next_epoch, next_client, router_changed, promise_service, note_ttl, save_router\ndo\nlocal SCHEMA = 2\nlocal function refuse_schema(schema)\nerror({ err = 'MGMSCHEMA the data has schema ' .. text(schema) .. ', this manager reads and writes ' .. SCHEMA })\nend\nlocal function unused_router()\nreturn { rev = 0, epoch = 0, log = '', service_ms = 0, seen_at = 0, last_client = 0, reset_of = '', serving_until = 0,\nreset_epoch = 0, began = 0, longest_ttl = 0, hold_from = 0, hold_ms = 0, hold_ended = false }\nend\nlocal function unpack_router(packed)\nlocal rev, epoch, log, service_ms, seen_at, last_client, reset_of, serving_until, reset_epoch, began, longest_ttl,\nhold_from, hold_ms, hold_ended = cmsgpack.unpack(packed)\nreturn { rev = rev, epoch = epoch, log = log, service_ms = service_ms, seen_at = seen_at, last_client = last_client,\nreset_of = reset_of, serving_until = serving_until, reset_epoch = reset_epoch, began = began,\nlongest_ttl = longest_ttl, hold_from = hold_from, hold_ms = hold_ms, hold_ended = hold_ended or false }\nend\nlocal function pack_router()\nreturn cmsgpack.pack(router.rev, router.epoch, router.log, service_now, now_ms, router.last_client, router.reset_of,\nrouter.serving_until, router.reset_epoch, router.began, router.longest_ttl, router.hold_from, router.hold_ms,\nrouter.hold_ended)\nend\nfunction load_router(known)\nlocal stored = redis.call('HMGET', meta_key, 'schema', 'state')\nlocal schema = tonumber(stored[1] or SCHEMA)\nif schema ~= SCHEMA then refuse_schema(schema) end\nrouter = stored[2] and unpack_router(stored[2]) or unused_router()\nrouter.epoch = math.max(router.epoch, known.epoch)\nrouter.longest_ttl = math.max(router.longest_ttl, known.longest_ttl)\nrouter.read_rev = router.rev\nrouter.is_full = known.is_full\nrouter.limits = known.limits\nservice_now = service_clock(router.service_ms, router.seen_at, router.serving_until)\nend\nfunction next_rev()\nrouter.rev = router.rev + 1\nreturn router.rev\nend\nfunction next_epoch()\nrouter.epoch = math.max(router.epoch + 1, now_us)\nreturn router.epoch\nend\nfunction next_client()\nrouter.last_client = router.last_client + 1\nreturn router.last_client\nend\nlocal SERVICE_CLOCK_STEP_MS = 100\nfunction router_changed()\nif router.rev ~= router.read_rev then return true end\nif router.fresh then return false end\nif router.changed or router.promised then return true end\nreturn not router.is_full and math.abs(now_ms - router.seen_at) >= SERVICE_CLOCK_STEP_MS\nend\nfunction promise_service(for_ms)\nrouter.serving_until = now_ms + for_ms\nrouter.promised = true\nend\nfunction note_ttl(ttl_ms)\nif ttl_ms <= router.longest_ttl then return end\nrouter.longest_ttl = ttl_ms\nrouter.changed = true\nend\nfunction save_router()\nredis.call('HSET', meta_key, 'schema', SCHEMA, 'state', pack_router())\nend\nend\nlocal UNKNOWN_TTL_MS, CLAIM_AHEAD_US, claims, begin_claims, hold_off, hold_off_left, end_hold_off, is_claim, has_claimant, note_claim, save_claims\ndo\nUNKNOWN_TTL_MS = 10000\nCLAIM_AHEAD_US = 86400000000\nlocal CLAIMS_KEPT_MS = 3600000\nfunction begin_claims()\nclaims = {}\nend\nfunction hold_off(for_ms)\nif router.hold_ended or for_ms <= router.hold_ms then return end\nrouter.hold_ms = for_ms\nrouter.changed = true\nend\nfunction hold_off_left()\nif router.hold_ended then return 0 end\nreturn math.max(0, router.hold_from + router.hold_ms - service_now)\nend\nfunction end_hold_off()\nrouter.hold_ended = true\nrouter.changed = true\nend\nlocal function claimed(hold)\nif not claims[hold] then\nclaims[hold] = { tonumber(redis.call('HGET', claims_key, hold) or 0) }\nend\nreturn claims[hold][1]\nend\nfunction is_claim(hold, had)\nreturn had > 0 and had < router.began and hold_off_left() > 0 and had > claimed(hold)\nend\nfunction has_claimant(hold)\nreturn router.hold_ms > 0 and claimed(hold) > 0\nend\nfunction note_claim(hold, had)\nclaims[hold] = { had, changed = true }\nend\nfunction save_claims()\nlocal is_any = false\nfor hold, one in pairs(claims) do\nif one.changed then\nredis.call('HSET', claims_key, hold, text(one[1]))\nis_any = true\nend\nend\nif is_any then redis.call('PEXPIRE', claims_key, CLAIMS_KEPT_MS) end\nend\nend\nlocal runs, open_run, open_by, begin_events, session_event, interface_event, notice_lost_data, notice_claim, save_events\ndo\nlocal RUN_TYPE, RUN_SESSION, RUN_CAUSE, RUN_EPOCHS, RUN_INTERFACES = 2, 3, 6, 10, 11\nfunction begin_events()\nruns, open_run, open_by = {}, nil, nil\nend\nfunction session_event(type, client, detail)\nlocal rev = next_rev()\nopen_run = nil\nruns[#runs + 1] = { rev, type, client.session, client.protocol_id, client.component_id, '',\ndetail and detail.previous or 0, detail and detail.actor or '', detail and detail.why or '',\n{ detail and detail.epoch }, {}, detail and detail.caller or client.identity }\nreturn rev\nend\nfunction interface_event(type, client, interface, epoch, cause, by)\nlocal rev = next_rev()\nlocal run = open_run\nif run and run[RUN_SESSION] == client.session and run[RUN_TYPE] == type and run[RUN_CAUSE] == cause and open_by == by then\nlocal epochs, interfaces = run[RUN_EPOCHS], run[RUN_INTERFACES]\nlocal at = #interfaces + 1\nepochs[at], interfaces[at] = epoch, interface\nreturn rev\nend\nopen_by = by\nopen_run = { rev, type, client.session, client.protocol_id, client.component_id, cause, 0, by and by.actor or '',\nby and by.why or '', { epoch }, { interface }, by and by.caller or client.identity }\nruns[#runs + 1] = open_run\nreturn rev\nend\nlocal function store_event(type)\nopen_run = nil\nruns[#runs + 1] = { next_rev(), type, 0, 0, 0, '', 0, '', '', {}, {}, '' }\nend\nlocal function restart_log(log)\nrouter.log = log\nrouter.rev = 0\nrouter.restarted = true\nrouter.began = math.max(router.epoch, now_us)\nrouter.hold_from, router.hold_ms, router.hold_ended = service_now, 0, false\nrouter.changed = true\nend\nfunction notice_lost_data(known)\nlocal is_another = known.log ~= '' and router.log ~= known.log\nlocal begun = router.log == ''\nlocal lost_tail = router.log == known.log and router.rev < known.rev\nlocal foreign = is_another and router.reset_of ~= known.log\nif begun or lost_tail then restart_log(known.fresh_log) end\nrouter.fresh = begun and not foreign\nif lost_tail then router.reset_epoch = next_epoch() end\nif foreign or lost_tail then\nrouter.reset_of = known.log\nstore_event('store-reset')\nhold_off(router.longest_ttl)\nelseif is_another and router.hold_ms > 0 then\nhold_off(known.longest_ttl)\nend\nend\nfunction notice_claim(epoch, had_session)\nif epoch == 0 or router.hold_ended then return end\nlocal is_newer = had_session and epoch > router.epoch and epoch < now_us + CLAIM_AHEAD_US\nlocal for_ms = is_newer and router.longest_ttl or math.max(router.longest_ttl, UNKNOWN_TTL_MS)\nlocal is_older = epoch < router.began and router.hold_ms == 0 and service_now < router.hold_from + for_ms\nif not is_newer and not is_older then return end\nif is_newer then router.epoch = epoch end\nif router.hold_ms == 0 then\nstore_event('store-reset')\nif is_newer then router.hold_from = service_now end\nend\nhold_off(for_ms)\nend\nfunction save_events(packed, retention)\nif router.restarted then redis.call('DEL', events_key) end\nif #runs == 0 then return end\nredis.call('XADD', events_key, 'MINID', '~', text(math.max(0, router.rev - retention)), text(router.rev) .. '-0',\n'first', text(runs[1][1]), 'ts', text(now_ms), 'runs', packed)\nend\nend\nlocal REMEMBER_ENDED_MS, clients, pairs_changed, orphaned_leases, mailboxes, begin_clients, pack_client, read_client, set_expiry, owned_count, add_owned, remove_owned, end_client, load_client, find_client, create_client, begin_session\ndo\nREMEMBER_ENDED_MS = 600000\nfunction begin_clients()\nclients, pairs_changed, orphaned_leases, mailboxes = {}, {}, {}, {}\nend\nlocal function unpack_client(number, packed)\nlocal protocol_id, component_id, is_igmp, name, instance, session, secret, ttl_ms, grace_ms, state, expires_at,\nepoch_floor, mailbox, ack, highest, first_page, next_page, pages, resumed_owned, end_cause, end_actor, end_why,\nidentity, kept_bytes = cmsgpack.unpack(packed)\nreturn {\nnumber = number, owned = {}, page_of = {}, place_of = {},\nprotocol_id = protocol_id, component_id = component_id, is_igmp = is_igmp, name = name, instance = instance,\nsession = session, secret = secret, ttl_ms = ttl_ms, grace_ms = grace_ms, state = state, expires_at = expires_at,\nepoch_floor = epoch_floor, mailbox = mailbox, ack = ack, highest = highest, first_page = first_page,\nnext_page = next_page, pages = pages, resumed_owned = resumed_owned, end_cause = end_cause, end_actor = end_actor,\nend_why = end_why, identity = identity or '', kept_bytes = kept_bytes or 0,\n}\nend\nfunction pack_client(client)\nreturn cmsgpack.pack(client.protocol_id, client.component_id, client.is_igmp, client.name, client.instance,\nclient.session, client.secret, client.ttl_ms, client.grace_ms, client.state, client.expires_at, client.epoch_floor,\nclient.mailbox, client.ack, client.highest, client.first_page, client.next_page, client.pages, client.resumed_owned,\nclient.end_cause, client.end_actor, client.end_why, client.identity, client.kept_bytes)\nend\nfunction read_client(number)\nlocal packed = redis.call('HGET', client_key(number), 'record')\nreturn packed and unpack_client(number, packed) or nil\nend\nfunction set_expiry(client, expires_at)\nclient.expires_at = expires_at\nclient.changed, client.requeue = true, true\nend\nlocal function pair_of(client)\nreturn 'p:' .. text(client.protocol_id) .. ':' .. text(client.component_id)\nend\nlocal function session_of(client)\nreturn 's:' .. text(client.session)\nend\nfunction owned_count(client)\nif not client.owned_count then client.owned_count = redis.call('ZCARD', owned_key(client.number)) end\nreturn client.owned_count\nend\nfunction add_owned(client, interface)\nclient.owned_count = owned_count(client) + 1\nclient.owned[interface] = true\nend\nfunction remove_owned(client, interface)\nclient.owned_count = owned_count(client) - 1\nclient.owned[interface] = false\nend\nlocal function drop_replies(client)\nif not client.is_new and not client.left then\nclient.left = { session = client.session, first_page = client.first_page, next_page = client.next_page }\nend\nclient.first_page, client.pages, client.unread = client.next_page, '', {}\nclient.page_of, client.place_of, client.new_answers, client.kept_bytes = {}, {}, nil, 0\nend\nfunction end_client(client, cause, by)\nclient.state, client.end_cause = 'ended', cause\nclient.end_actor, client.end_why = by and by.actor or '', by and by.why or ''\nset_expiry(client, 0)\npairs_changed[pair_of(client)] = false\npairs_changed[session_of(client)] = false\nclient.leaves_roster = true\nmailboxes[client.session] = nil\ncount_session(client.identity, -1)\nif cause ~= 'release' then drop_replies(client) end\nend\nlocal function expire(client)\nsession_event('expired', client)\nend_client(client, 'expire')\nend\nlocal function settle(client)\nif client.state ~= 'ended' and client.session < router.reset_epoch then return expire(client) end\nif client.state == 'live' and client.grace_ms > 0 and service_now >= client.expires_at then\nclient.state = 'stale'\nset_expiry(client, client.expires_at + client.grace_ms)\nsession_event('stale', client)\nend\nif client.state ~= 'ended' and service_now >= client.expires_at then expire(client) end\nend\nfunction load_client(number)\nlocal client = clients[number]\nif client == nil then\nclient = read_client(number) or false\nclients[number] = client\nif client then settle(client) end\nend\nreturn client or nil\nend\nfunction find_client(entry)\nlocal number = pairs_changed[entry]\nif number == nil then\nnumber = redis.call('HGET', clients_key, entry)\nend\nreturn number and load_client(tonumber(number)) or nil\nend\nfunction create_client(fields)\nlocal client = {\nnumber = next_client(), owned = {}, owned_count = 0, joins_roster = true, is_new = true,\nprotocol_id = fields.protocol_id, component_id = fields.component_id, is_igmp = fields.is_igmp, epoch_floor = 0,\nfirst_page = 1, next_page = 1, pages = '', kept_bytes = 0, page_of = {}, place_of = {}, end_cause = '', end_actor = '', end_why = '', identity = '',\n}\nclients[client.number] = client\nredis.call('ZCARD', owned_key(client.number))\npairs_changed[pair_of(client)] = client.number\nreturn client\nend\nfunction begin_session(client, fields, resumed_owned)\nif client.session then\npairs_changed[session_of(client)] = false\nmailboxes[client.session] = nil\ndrop_replies(client)\nend\nclient.session = next_epoch()\npairs_changed[session_of(client)] = client.number\nclient.secret, client.instance, client.name = fields.secret, fields.instance, fields.name\nset_identity(client, caller[IDENTITY])\nclient.ttl_ms, client.grace_ms, client.state = fields.ttl_ms, fields.grace_ms, 'live'\nclient.mailbox, client.ack, client.highest, client.resumed_owned = 0, 1, 0, resumed_owned\nnote_ttl(fields.ttl_ms)\nclient.mailbox_ack = nil\nset_expiry(client, service_now + fields.ttl_ms)\nend\nend\nlocal callbacks, losses, begin_callbacks, note_loss, queue_callback, queue_igmp_pair, acknowledge_mailbox, save_mailboxes\ndo\nlocal MAILBOX_MAX = 65536\nlocal LOSS_EPOCHS, LOSS_INTERFACES = 5, 6\nfunction begin_callbacks()\ncallbacks, losses = {}, {}\nend\nfunction note_loss(client, interface, epoch)\nclient.mailbox = client.mailbox + 1\nclient.changed = true\nlocal run = client.losses\nif not run then\nrun = { client.session, client.mailbox, client.end_cause, client.end_why, {}, {}, client.identity }\nclient.losses = run\nlosses[#losses + 1] = run\nend\nlocal epochs, interfaces = run[LOSS_EPOCHS], run[LOSS_INTERFACES]\nlocal place = #interfaces + 1\nepochs[place], interfaces[place] = epoch, interface\nend\nfunction queue_callback(client, type, interface, rev, cause, epoch, why)\nclient.mailbox = client.mailbox + 1\nclient.changed = true\nlocal message = { client.session, client.mailbox, type, interface, rev, cause, epoch, why, client.identity }\ncallbacks[#callbacks + 1] = message\nlocal queued = mailboxes[client.session]\nif not queued then\nredis.call('XLEN', mailbox_key(client.session))\nqueued = {}\nmailboxes[client.session] = queued\nend\nqueued[#queued + 1] = message\nend\nfunction queue_igmp_pair(igmp, interface, rev, cause)\nqueue_callback(igmp, 'DISABLE_IGMP', interface, rev, cause, 0, '')\nqueue_callback(igmp, 'ENABLE_IGMP', interface, rev, cause, 0, '')\nend\nfunction acknowledge_mailbox(client, seq)\nredis.call('XLEN', mailbox_key(client.session))\nclient.mailbox_ack = math.min(seq, client.mailbox)\nend\nfunction save_mailboxes()\nfor session, queued in pairs(mailboxes) do\nlocal last = queued[#queued][2]\nredis.call('XADD', mailbox_key(session), 'MINID', text(math.max(0, last - MAILBOX_MAX)), text(last) .. '-0',\n'ts', text(now_ms), 'messages', cmsgpack.pack(queued))\nend\nend\nend\nlocal is_window_full, page_field, page_bounds, fields_of_pages, pass_pages, holder_clients, begin_reply_pages, completed, add_page\ndo\nlocal BOUNDS = '<dd'\nlocal BOUNDS_BYTES = 16\nlocal KEPT_BYTES_MAX = 1048576\nfunction is_window_full(client)\nreturn client.kept_bytes >= KEPT_BYTES_MAX\nend\nfunction page_field(page)\nreturn 'answers:' .. page\nend\nlocal function bounds_at(client, page)\nreturn struct.unpack(BOUNDS, client.pages, (page - client.first_page) * BOUNDS_BYTES + 1)\nend\nfunction page_bounds(client)\nlocal all = {}\nfor page = client.first_page, client.next_page - 1 do\nlocal lowest, highest = bounds_at(client, page)\nall[#all + 1] = { page = page, lowest = lowest, highest = highest }\nend\nreturn all\nend\nfunction fields_of_pages(first, behind)\nlocal fields = {}\nfor page = first, behind - 1 do fields[#fields + 1] = page_field(page) end\nreturn fields\nend\nfunction pass_pages(client)\nlocal first = client.first_page\nlocal page = first\nwhile page < client.next_page do\nlocal _, highest = bounds_at(client, page)\nif highest >= client.ack then break end\nclient.kept_bytes = client.kept_bytes - redis.call('HSTRLEN', client_key(client.number), page_field(page))\npage = page + 1\nend\nclient.pages = string.sub(client.pages, (page - first) * BOUNDS_BYTES + 1)\nclient.first_page = page\nclient.kept_bytes = page == client.next_page and 0 or math.max(0, client.kept_bytes)\nreturn fields_of_pages(first, page)\nend\nfunction begin_reply_pages()\nholder_clients = {}\nend\nlocal HOLDER_NAME = 4\nlocal function kept_holder(holder)\nlocal kept = { unpack(holder) }\nkept[HOLDER_NAME] = ''\nkept[#kept + 1] = { holder_clients[holder] }\nreturn kept\nend\nlocal function kept_reply(reply)\nif reply[1] == 'granted' then return reply[2] end\nif reply[1] ~= 'decided' then return reply end\nlocal outcomes = {}\nfor i = 1, #reply[2] do\nlocal outcome = reply[2][i]\noutcomes[i] = holder_clients[outcome[2]] and { outcome[1], kept_holder(outcome[2]) } or outcome\nend\nreturn { 'decided', outcomes }\nend\nlocal function name_of(number)\nlocal client = clients[number] or read_client(number)\nreturn client and client.name or ''\nend\nlocal function complete_holder(holder, names)\nlocal last = holder[#holder]\nif type(last) ~= 'table' or #last ~= 1 then return end\nlocal number = last[1]\nnames[number] = names[number] or name_of(number)\nholder[HOLDER_NAME], holder[#holder] = names[number], nil\nend\nfunction completed(reply)\nif type(reply) == 'number' then return { 'granted', reply } end\nif reply[1] ~= 'decided' then return reply end\nlocal names = {}\nfor i = 1, #reply[2] do\nlocal holder = reply[2][i][2]\nif type(holder) == 'table' then complete_holder(holder, names) end\nend\nreturn reply\nend\nfunction add_page(client)\nlocal new = client.new_answers\nif not new or new.highest < client.ack then return end\nlocal page = client.next_page\nclient.next_page = page + 1\nclient.pages = client.pages .. struct.pack(BOUNDS, new.lowest, new.highest)\nlocal replies = {}\nfor i = 1, #new.replies do replies[i] = kept_reply(new.replies[i]) end\nlocal packed = cmsgpack.pack(new.numbers, new.operations, new.revs, replies)\nclient.kept_bytes = client.kept_bytes + #packed\nreturn page_field(page), packed\nend\nend\nlocal records, record_keys, changed_records, begin_records, OWNER, OWNER_EPOCH, OWNER_SINCE, IGMP, IGMP_EPOCH, IGMP_SINCE, NAME, STORED, CHANGED, pack_record, record_of, load_records, epoch_in_force, clear_hold, look_at, holder_shape, some_owned, clear_slice\ndo\nfunction begin_records()\nrecords, record_keys, changed_records = {}, {}, {}\nend\nOWNER, OWNER_EPOCH, OWNER_SINCE, IGMP, IGMP_EPOCH, IGMP_SINCE, NAME, STORED, CHANGED = 1, 2, 3, 4, 5, 6, 7, 8, 9\nlocal RECORD = '<dddddd'\nlocal RECORD_BYTES = 48\nlocal function unpack_record(interface, packed)\nif #packed ~= RECORD_BYTES then\nerror({ err = 'MGMCORRUPT ' .. interface_key(interface) .. ' is not an interface record' })\nend\nlocal owner, owner_epoch, owner_since, igmp, igmp_epoch, igmp_since = struct.unpack(RECORD, packed)\nreturn { owner, owner_epoch, owner_since, igmp, igmp_epoch, igmp_since, interface, true, false }\nend\nfunction pack_record(record)\nreturn struct.pack(RECORD, record[1], record[2], record[3], record[4], record[5], record[6])\nend\nlocal function note_change(record)\nif record[CHANGED] then return end\nrecord[CHANGED] = true\nchanged_records[#changed_records + 1] = record\nend\nfunction record_of(interface)\nlocal record = records[interface]\nif not record then\nrecord = { 0, 0, 0, 0, 0, 0, interface, false, false }\nrecords[interface] = record\nend\nnote_change(record)\nreturn record\nend\nlocal function refuse_foreign_keys(free)\nif #free > 0 and redis.call('EXISTS', unpack(free)) > 0 then\nerror({ err = 'MGMCORRUPT one of ' .. table.concat(free, ' ', 1, math.min(#free, 8)) .. ' is not a string' })\nend\nend\nfunction load_records(interfaces)\nfor first = 1, #interfaces, CHUNK do\nlocal last = math.min(first + CHUNK - 1, #interfaces)\nlocal keys = {}\nfor i = first, last do\nlocal name = interfaces[i]\nlocal key = interface_key(name)\nrecord_keys[name], keys[i - first + 1] = key, key\nend\nlocal packed = redis.call('MGET', unpack(keys))\nlocal free = {}\nfor i = first, last do\nlocal name, stored = interfaces[i], packed[i - first + 1]\nif not stored then free[#free + 1] = keys[i - first + 1] end\nif records[name] == nil then records[name] = stored and unpack_record(name, stored) end\nend\nrefuse_foreign_keys(free)\nend\nend\nfunction epoch_in_force(client, epoch)\nreturn math.max(epoch, client.epoch_floor)\nend\nlocal function clear_owner(interface, record, client, cause, by)\nlocal epoch = epoch_in_force(client, record[OWNER_EPOCH])\nrecord[OWNER], record[OWNER_EPOCH], record[OWNER_SINCE] = 0, 0, 0\nnote_change(record)\nremove_owned(client, interface)\nlocal rev = interface_event('released', client, interface, epoch, cause, by)\nlocal igmp = record[IGMP] ~= 0 and load_client(record[IGMP])\nif igmp and igmp.state ~= 'ended' then\nqueue_igmp_pair(igmp, interface, rev, cause == 'admin' and 'release' or cause)\nend\nreturn epoch\nend\nlocal function clear_igmp(interface, record, client, cause, by)\nlocal epoch = epoch_in_force(client, record[IGMP_EPOCH])\nrecord[IGMP], record[IGMP_EPOCH], record[IGMP_SINCE] = 0, 0, 0\nnote_change(record)\nremove_owned(client, interface)\ninterface_event('igmp-released', client, interface, epoch, cause, by)\nreturn epoch\nend\nfunction clear_hold(interface, record, client, cause, by)\nif record and record[OWNER] == client.number then return clear_owner(interface, record, client, cause, by) end\nif record and record[IGMP] == client.number then return clear_igmp(interface, record, client, cause, by) end\nremove_owned(client, interface)\nend\nlocal function ended_by(client)\nif client.end_actor == '' then return nil end\nclient.by = client.by or { actor = client.end_actor, why = client.end_why }\nreturn client.by\nend\nlocal function clear_void(interface, record, client)\nlocal lost = clear_hold(interface, record, client, client.end_cause, ended_by(client))\nif client.end_cause == 'release' then\nif owned_count(client) == 0 then session_event('deregistered', client) end\nelseif lost then\nnote_loss(client, interface, lost)\nend\nend\nfunction look_at(interface)\nlocal record = records[interface]\nif record == nil then\nload_records({ interface })\nrecord = records[interface]\nend\nif not record then return nil end\nlocal owner = record[OWNER] ~= 0 and load_client(record[OWNER]) or nil\nlocal igmp = record[IGMP] ~= 0 and load_client(record[IGMP]) or nil\nif owner and owner.state == 'ended' then\nclear_void(interface, record, owner)\nowner = nil\nend\nif igmp and igmp.state == 'ended' then\nclear_void(interface, record, igmp)\nigmp = nil\nend\nreturn record, owner, igmp\nend\nlocal function igmp_shape(record, igmp)\nreturn { igmp.protocol_id, igmp.component_id, igmp.session, epoch_in_force(igmp, record[IGMP_EPOCH]) }\nend\nfunction holder_shape(record, owner, igmp)\nlocal client = owner or igmp\nlocal epoch = owner and record[OWNER_EPOCH] or record[IGMP_EPOCH]\nlocal since = owner and record[OWNER_SINCE] or record[IGMP_SINCE]\nlocal stale = client.state == 'stale'\nlocal holder = { client.protocol_id, client.component_id, client.session, client.name, epoch_in_force(client, epoch),\nsince, stale and client.expires_at - service_now or 0, stale and 1 or 0,\nowner and igmp and igmp_shape(record, igmp) or {} }\nholder_clients[holder] = client.number\nreturn holder\nend\nfunction some_owned(client, most)\nlocal found = {}\nfor interface, is_owned in pairs(client.owned) do\nif is_owned and #found < most then found[#found + 1] = interface end\nend\nlocal stored = redis.call('ZRANGE', owned_key(client.number), 0, most - 1)\nfor i = 1, #stored do\nif client.owned[stored[i]] == nil and #found < most then found[#found + 1] = stored[i] end\nend\nload_records(found)\nreturn found\nend\nfunction clear_slice(client, most)\nlocal interfaces = some_owned(client, most)\nfor i = 1, #interfaces do clear_void(interfaces[i], records[interfaces[i]], client) end\nreturn #interfaces\nend\nend\nlocal client_of, advance_ack, admit, remember\ndo\nlocal WINDOW = 4096\nlocal function names_session(client, handle)\nreturn client.session == handle[2] and client.secret == handle[3] and is_callers(client)\nend\nfunction client_of(handle)\nlocal client = handle[1] ~= 0 and load_client(handle[1])\nif not client then return nil, { 'bad_handle' } end\nif client.session > handle[2] then return nil, { 'session_expired', handle[2] } end\nif not names_session(client, handle) then return nil, { 'bad_handle' } end\nif client.state == 'live' then return client end\nif client.end_cause == 'release' and client.state == 'ended' then return nil, { 'bad_handle' } end\nreturn nil, { 'session_expired', client.session }\nend\nfunction advance_ack(client, ack)\nif ack <= client.ack then return end\nclient.ack, client.changed = ack, true\nend\nlocal function read_page(client, page)\nlocal packed = redis.call('HGET', client_key(client.number), page_field(page))\nif not packed then return end\nlocal _, numbers = cmsgpack.unpack_one(packed)\nfor place = 1, #numbers do\nclient.page_of[numbers[place]], client.place_of[numbers[place]] = packed, place\nend\nend\nlocal function read_pages_around(client, seq)\nlocal unread = client.unread or page_bounds(client)\nclient.unread = unread\nfor i = #unread, 1, -1 do\nlocal bounds = unread[i]\nif bounds.lowest <= seq and seq <= bounds.highest then\ntable.remove(unread, i)\nread_page(client, bounds.page)\nend\nend\nend\nlocal function answer_to(client, seq)\nif seq > client.highest then return nil end\nlocal new = client.new_answers\nlocal place = new and new.places[seq]\nif place then return new.operations[place], new.revs[place], new.replies[place] end\nread_pages_around(client, seq)\nlocal packed = client.page_of[seq]\nif not packed then return nil end\nlocal _, operations, revs, replies = cmsgpack.unpack(packed)\nplace = client.place_of[seq]\nreturn operations[place], revs[place], completed(replies[place])\nend\nlocal function repeated(operation, answered, rev, reply)\nif answered ~= operation then return { 'seq_reused', answered } end\nreturn reply, rev\nend\nlocal function repeated_of_ended(operation, handle, seq)\nlocal client = handle[1] ~= 0 and load_client(handle[1])\nif not client or not names_session(client, handle) or seq < client.ack then return nil end\nif client.state ~= 'ended' or client.end_cause ~= 'release' then return nil end\nlocal answered, rev, reply = answer_to(client, seq)\nif answered then return repeated(operation, answered, rev, reply) end\nend\nfunction admit(operation, handle, seq, ack)\nlocal client, refused = client_of(handle)\nif not client then\nlocal reply, rev = repeated_of_ended(operation, handle, seq)\nreturn nil, reply or refused, rev\nend\nif seq < client.ack then return nil, { 'stale_request', client.ack } end\nlocal highest = math.max(client.ack, ack) + WINDOW\nif seq > highest then return nil, { 'seq_too_high', highest } end\nadvance_ack(client, ack)\nlocal answered, rev, reply = answer_to(client, seq)\nif answered then return nil, repeated(operation, answered, rev, reply) end\nreturn client\nend\nfunction remember(client, operation, seq, reply)\nlocal new = client.new_answers\nif not new then\nnew = { numbers = {}, operations = {}, revs = {}, replies = {}, places = {}, lowest = seq, highest = seq }\nclient.new_answers = new\nend\nlocal place = #new.numbers + 1\nnew.numbers[place], new.operations[place], new.revs[place], new.replies[place] = seq, operation, router.rev, reply\nnew.places[seq] = place\nnew.lowest, new.highest = math.min(new.lowest, seq), math.max(new.highest, seq)\nif seq > client.highest then client.highest = seq end\nclient.changed = true\nreturn reply\nend\nend\nlocal operator_entries, begin_operator_log, operator_head, note_operator, note_refused, denied, save_operator_log\ndo\nfunction begin_operator_log()\noperator_entries = {}\nend\nfunction operator_head()\nlocal newest = redis.call('XREVRANGE', operator_log_key, '+', '-', 'COUNT', 1)[1]\nreturn newest and tonumber(string.match(newest[1], '^%d+')) or 0\nend\nfunction note_operator(type, operation, by, detail)\noperator_entries[#operator_entries + 1] = { type, router.rev, operation, detail.reason or '', by.actor, by.why,\ndetail.session or 0, detail.protocol_id or 0, detail.component_id or 0, detail.cause or '',\ndetail.interface or '', detail.epoch or 0, by.caller }\nend\nfunction note_refused(operation, reason, by, detail)\nif router.fresh then return end\ndetail.reason = reason\nnote_operator('refused', operation, by, detail)\nend\nfunction denied(operation, by, detail)\nif caller[IS_DENIED] == 0 then return nil end\nnote_refused(operation, 'not-permitted', by, detail)\nreturn { 'not_permitted' }\nend\nfunction save_operator_log()\nif #operator_entries == 0 then return end\nlocal number = operator_head()\nfor i = 1, #operator_entries do\nnumber = number + 1\nredis.call('XADD', operator_log_key, 'MAXLEN', '~', text(router.limits.operator_events), text(number) .. '-0',\n'ts', text(now_ms), 'entry', cmsgpack.pack(operator_entries[i]))\nend\nredis.call('PEXPIRE', operator_log_key, text(router.limits.operator_retention_ms))\nend\nend\nlocal commit\ndo\nlocal function save_records()\nlocal held, freed = {}, {}\nfor i = 1, #changed_records do\nlocal record = changed_records[i]\nif record[OWNER] ~= 0 or record[IGMP] ~= 0 then\nlocal place = #held + 1\nheld[place], held[place + 1] = record_keys[record[NAME]], pack_record(record)\nelseif record[STORED] then\nfreed[#freed + 1] = record_keys[record[NAME]]\nend\nend\nin_chunks(held, function(...) redis.call('MSET', ...) end)\nin_chunks(freed, function(...) redis.call('DEL', ...) end)\nend\nlocal function save_owned(client)\nif not next(client.owned) then return end\nlocal added, removed, score = {}, {}, text(router.epoch)\nfor interface, is_owned in pairs(client.owned) do\nif is_owned then\nlocal place = #added + 1\nadded[place], added[place + 1] = score, interface\nelse\nremoved[#removed + 1] = interface\nend\nend\nlocal key = owned_key(client.number)\nin_chunks(added, function(...) redis.call('ZADD', key, ...) end)\nin_chunks(removed, function(...) redis.call('ZREM', key, ...) end)\nend\nlocal function save_record_of(client)\nif not client.changed then return end\nlocal key = client_key(client.number)\nif client.is_new then redis.call('DEL', key) end\nlocal passed = client.left and fields_of_pages(client.left.first_page, client.left.next_page) or pass_pages(client)\nlocal field, page = add_page(client)\nif field then\nredis.call('HSET', key, field, page, 'record', pack_client(client))\nelse\nredis.call('HSET', key, 'record', pack_client(client))\nend\nin_chunks(passed, function(...) redis.call('HDEL', key, ...) end)\nend\nlocal function save_mailbox_of(client)\nif client.left then redis.call('DEL', mailbox_key(client.left.session)) end\nif client.leaves_roster then redis.call('DEL', mailbox_key(client.session)) end\nif client.mailbox_ack and client.mailbox_ack > 0 then\nredis.call('XTRIM', mailbox_key(client.session), 'MINID', text(client.mailbox_ack + 1))\nend\nend\nlocal function save_schedule(client, leases)\nlocal number = text(client.number)\nlocal gone = client.state == 'ended' and owned_count(client) == 0\nif gone then\nredis.call('ZREM', leases_key, number)\nredis.call('PEXPIRE', client_key(client.number), REMEMBER_ENDED_MS)\nelseif client.requeue then\nleases[#leases + 1] = text(client.expires_at)\nleases[#leases + 1] = number\nend\nif client.leaves_roster then\nredis.call('ZREM', roster_key, number)\nelseif client.joins_roster then\nredis.call('ZADD', roster_key, number, number)\nend\nend\nlocal function save_clients(touched)\nlocal leases = {}\nfor i = 1, #touched do\nlocal client = touched[i]\nsave_record_of(client)\nsave_owned(client)\nsave_mailbox_of(client)\nsave_schedule(client, leases)\nend\nin_chunks(leases, function(...) redis.call('ZADD', leases_key, ...) end)\nend\nlocal function save_pairs()\nfor i = 1, #orphaned_leases do redis.call('ZREM', leases_key, orphaned_leases[i]) end\nfor entry, number in pairs(pairs_changed) do\nif number then\nredis.call('HSET', clients_key, entry, text(number))\nelse\nredis.call('HDEL', clients_key, entry)\nend\nend\nend\nlocal function was_touched(client)\nreturn client.changed or client.requeue or client.mailbox_ack or next(client.owned)\nend\nlocal function changes()\nlocal touched = {}\nfor _, client in pairs(clients) do\nif client and was_touched(client) then touched[#touched + 1] = client end\nend\nreturn #touched > 0 or #orphaned_leases > 0 or #operator_entries > 0 or router_changed(), touched\nend\nlocal function check_types(touched)\nfor i = 1, #touched do\nif touched[i].state == 'ended' then owned_count(touched[i]) end\nend\nif #touched > 0 or #orphaned_leases > 0 then redis.call('ZCARD', leases_key) end\nif next(pairs_changed) then\nredis.call('ZCARD', roster_key)\nredis.call('HLEN', clients_key)\nend\nif #runs > 0 then redis.call('XLEN', events_key) end\nif #operator_entries > 0 then redis.call('XLEN', operator_log_key) end\nif next(claims) then redis.call('HLEN', claims_key) end\nif next(identity_changes) then redis.call('HLEN', identities_key) end\nend\nlocal function write_nothing()\nif router.fresh then return end\nredis.call('PEXPIRE', meta_key, 3600000)\nredis.call('PERSIST', meta_key)\nend\nlocal function delete_router()\nredis.call('DEL', meta_key, events_key, clients_key, claims_key, identities_key)\nend\nfunction commit(retention, is_replicated)\nif router.purged then\ndelete_router()\nreturn ''\nend\nlocal is_changed, touched = changes()\nif not is_changed then\nif is_replicated then write_nothing() end\nreturn ''\nend\ncheck_types(touched)\nsave_router()\nsave_records()\nsave_clients(touched)\nsave_pairs()\nsave_identities()\nsave_claims()\nsave_mailboxes()\nlocal packed = #runs > 0 and cmsgpack.pack(runs) or ''\nsave_events(packed, retention)\nsave_operator_log()\nreturn packed\nend\nend\nlocal operations = {}\ndo\nlocal OPERATION = 'admin.end-holdoff'\nfunction operations.admin_end_holdoff(actor, why)\nlocal by = { actor = actor, why = why, caller = caller[IDENTITY] }\nlocal refused = denied(OPERATION, by, {  })\nif refused then return refused end\nlocal left_ms = hold_off_left()\nif left_ms == 0 then\nnote_refused(OPERATION, 'not-found', by, {})\nreturn { 'no_holdoff' }\nend\nend_hold_off()\nnote_operator('holdoff-ended', OPERATION, by, {})\nreturn { 'ended', left_ms }\nend\nend\ndo\nfunction operations.admin_events(after, limit)\nlocal head = operator_head()\nlocal oldest = redis.call('XRANGE', operator_log_key, '-', '+', 'COUNT', 1)[1]\nlocal found = redis.call('XRANGE', operator_log_key, '(' .. text(after) .. '-0', '+', 'COUNT', limit)\nlocal entries = {}\nfor i = 1, #found do\nlocal number, fields = tonumber(string.match(found[i][1], '^%d+')), found[i][2]\nentries[i] = { number, tonumber(fields[2]), unpack(cmsgpack.unpack(fields[4])) }\nend\nreturn { 'entries', entries, head, oldest and tonumber(string.match(oldest[1], '^%d+')) or head + 1 }\nend\nend\ndo\nlocal RELEASED_DIRECTLY = 256\nlocal OPERATION = 'admin.evict'\nfunction operations.admin_evict(session, actor, why)\nlocal by = { actor = actor, why = why, caller = caller[IDENTITY] }\nlocal refused = denied(OPERATION, by, { session = session })\nif refused then return refused end\nlocal client = find_client('s:' .. text(session))\nif not client or client.state == 'ended' then\nnote_refused(OPERATION, 'not-found', by, { session = session })\nreturn { 'unknown_session' }\nend\nlocal owned = owned_count(client)\nsession_event('evicted', client, by)\nnote_operator('evicted', OPERATION, by, { session = client.session, protocol_id = client.protocol_id,\ncomponent_id = client.component_id })\nend_client(client, 'evict', by)\nclear_slice(client, RELEASED_DIRECTLY)\nreturn { 'evicted', owned }\nend\nend\ndo\nlocal OPERATION = 'admin.release'\nlocal function holder_of(record, owner, igmp, epoch)\nif epoch == '' then return owner or igmp end\nif owner and text(epoch_in_force(owner, record[OWNER_EPOCH])) == epoch then return owner end\nif igmp and text(epoch_in_force(igmp, record[IGMP_EPOCH])) == epoch then return igmp end\nend\nlocal function current_epoch(record, owner, igmp)\nif owner then return epoch_in_force(owner, record[OWNER_EPOCH]) end\nreturn igmp and epoch_in_force(igmp, record[IGMP_EPOCH]) or 0\nend\nfunction operations.admin_release(interface, epoch, actor, why)\nlocal by = { actor = actor, why = why, caller = caller[IDENTITY] }\nlocal refused = denied(OPERATION, by, { interface = interface })\nif refused then return refused end\nlocal record, owner, igmp = look_at(interface)\nlocal client = holder_of(record, owner, igmp, epoch)\nif not client and epoch ~= '' then\nnote_refused(OPERATION, 'not-owner', by, { interface = interface })\nreturn { 'other_epoch', current_epoch(record, owner, igmp) }\nend\nif not client then\nnote_refused(OPERATION, 'not-found', by, { interface = interface })\nreturn { 'free' }\nend\nlocal previous = client == owner and holder_shape(record, owner, igmp) or holder_shape(record, nil, igmp)\nlocal released = clear_hold(interface, record, client, 'admin', by)\nnote_operator(client == owner and 'released' or 'igmp-released', OPERATION, by, { session = client.session,\nprotocol_id = client.protocol_id, component_id = client.component_id, cause = 'admin', interface = interface,\nepoch = released })\nqueue_callback(client, 'OWNERSHIP_LOST', interface, router.rev, 'admin', released, why)\nreturn { 'released', previous }\nend\nend\ndo\nlocal RELEASED_DIRECTLY = 1024\nfunction operations.deregister(handle, seq, ack, force)\nlocal client, answered, rev = admit('deregister', handle, seq, ack)\nif not client then return answered, rev end\nlocal owned = owned_count(client)\nif owned > 0 and force == 0 then\nreturn remember(client, 'deregister', seq, { 'owns_interfaces', owned })\nend\nlocal interfaces = owned > 0 and some_owned(client, RELEASED_DIRECTLY) or {}\nfor i = 1, #interfaces do\nclear_hold(interfaces[i], records[interfaces[i]], client, 'release')\nend\nif owned_count(client) == 0 then session_event('deregistered', client) end\nend_client(client, 'release')\nreturn remember(client, 'deregister', seq, { 'deregistered' })\nend\nend\ndo\nlocal ENTRIES = 8\nfunction operations.events(after, limit)\nlocal oldest = redis.call('XRANGE', events_key, '-', '+', 'COUNT', 1)[1]\nlocal first = oldest and tonumber(oldest[2][2]) or router.rev + 1\nif after + 1 < first then return { 'compacted', first } end\nlocal entries, held, from = {}, 0, text(after)\nrepeat\nlocal found = redis.call('XRANGE', events_key, '(' .. from .. '-0', '+', 'COUNT', ENTRIES)\nfor i = 1, #found do\nif held >= limit then break end\nlocal last, fields = string.match(found[i][1], '^%d+'), found[i][2]\nentries[#entries + 1] = { tonumber(fields[4]), cmsgpack.unpack(fields[6]) }\nheld = held + tonumber(last) - math.max(tonumber(fields[2]), after + 1) + 1\nfrom = last\nend\nuntil held >= limit or #found < ENTRIES\nreturn { 'entries', entries, first }\nend\nend\ndo\nfunction operations.head()\nlocal oldest = redis.call('XRANGE', events_key, '-', '+', 'COUNT', 1)[1]\nreturn { 'head', oldest and tonumber(oldest[2][2]) or router.rev + 1, redis.call('ZCARD', roster_key),\nhold_off_left() }\nend\nend\ndo\nlocal STEPS = 256\nlocal function next_of_roster(number)\nlocal found = redis.call('ZRANGEBYSCORE', roster_key, '(' .. text(number), '+inf', 'LIMIT', 0, 1)\nreturn tonumber(found[1] or 0)\nend\nlocal function is_behind(name, other)\nfor i = 1, math.min(#name, #other) do\nlocal byte, other_byte = string.byte(name, i), string.byte(other, i)\nif byte ~= other_byte then return byte > other_byte end\nend\nreturn #name > #other\nend\nlocal function owned_behind(number, score, last, most)\nlocal key, found = owned_key(number), {}\nif last ~= '' then\nlocal same = redis.call('ZRANGEBYSCORE', key, text(score), text(score))\nfor i = 1, #same do\nif #found < most and is_behind(same[i], last) then found[#found + 1] = { same[i], score } end\nend\nend\nif #found == most then return found end\nlocal rest = redis.call('ZRANGEBYSCORE', key, '(' .. text(score), '+inf', 'WITHSCORES', 'LIMIT', 0, most - #found)\nfor i = 1, #rest, 2 do found[#found + 1] = { rest[i], tonumber(rest[i + 1]) } end\nreturn found\nend\nlocal function names_of(found)\nlocal names = {}\nfor i = 1, #found do names[i] = found[i][1] end\nreturn names\nend\nfunction operations.interfaces(client, score, last, began, limit, session, protocol)\nlocal from = began > 0 and began or router.epoch\nlocal items = {}\nlocal function listed_before(record, own, other, own_number)\nlocal number = record[other]\nreturn session == 0 and protocol < 0 and number ~= 0 and number < own_number and record[other + 1] <= from\nend\nlocal function list(member, owning)\nlocal record, owner, igmp = look_at(member)\nlocal own = owner == owning and OWNER or igmp == owning and IGMP\nif not own then return end\nif listed_before(record, own, own == OWNER and IGMP or OWNER, owning.number) then return end\nitems[#items + 1] = { member, holder_shape(record, owner, igmp) }\nend\nlocal function is_wanted(candidate)\nreturn candidate and candidate.state ~= 'ended' and (session == 0 or candidate.session == session)\nand (protocol < 0 or candidate.protocol_id == protocol)\nend\nlocal number, at, name = client, score, last\nif began == 0 then number, at, name = next_of_roster(0), 0, '' end\nfor _ = 1, STEPS do\nlocal room = limit - #items\nif number == 0 or room == 0 then break end\nlocal owning = load_client(number)\nlocal found = is_wanted(owning) and owned_behind(number, at, name, room) or {}\nload_records(names_of(found))\nfor i = 1, #found do list(found[i][1], owning) end\nif #found < room then\nnumber, at, name = next_of_roster(number), 0, ''\nelse\nat, name = found[room][2], found[room][1]\nend\nend\nreturn { 'page', items, number, at, name, from }\nend\nend\ndo\nfunction operations.keepalive(handle, ack, mailbox_ack)\nlocal client, refused = client_of(handle)\nif not client then return refused end\nset_expiry(client, service_now + client.ttl_ms)\nif ack > 0 then advance_ack(client, ack) end\nif mailbox_ack > 0 then acknowledge_mailbox(client, mailbox_ack) end\nreturn { 'kept', client.ttl_ms, client.mailbox }\nend\nend\ndo\nlocal ENTRIES = 8\nfunction operations.mailbox(handle, after, limit)\nlocal client, refused = client_of(handle)\nif not client then return refused end\nlocal entries, from = {}, text(after)\nrepeat\nlocal found = redis.call('XRANGE', mailbox_key(client.session), '(' .. from .. '-0', '+', 'COUNT', ENTRIES)\nfor i = 1, #found do\nentries[#entries + 1] = { tonumber(found[i][2][2]), cmsgpack.unpack(found[i][2][4]) }\nfrom = string.match(found[i][1], '^%d+')\nend\nuntil tonumber(from) - after >= limit or #found < ENTRIES\nreturn { 'messages', entries, client.mailbox }\nend\nend\ndo\nfunction operations.owner(interface)\nlocal record, owner, igmp = look_at(interface)\nif not owner and not igmp then return { 'free' } end\nreturn { 'held', holder_shape(record, owner, igmp) }\nend\nend\ndo\nfunction operations.purge(retention_ms)\nif redis.call('ZCARD', roster_key) > 0 or redis.call('ZCARD', leases_key) > 0 then return { 'in_use' } end\nif router.fresh then return { 'purged' } end\nif now_ms - router.seen_at < retention_ms then return { 'kept', router.seen_at } end\nrouter.purged = true\nreturn { 'purged' }\nend\nend\ndo\nlocal function registered(client)\nlocal resumed = client.epoch_floor > 0\nreturn { 'registered', client.number, client.session, client.secret, client.ttl_ms, client.grace_ms, client.mailbox,\nresumed and 1 or 0, client.resumed_owned, client.epoch_floor }\nend\nfunction operations.register(protocol_id, component_id, is_igmp, instance, name, ttl_ms, grace_ms, takeover, resumes, secret)\nlocal fields = { protocol_id = protocol_id, component_id = component_id, is_igmp = is_igmp == 1, instance = instance,\nname = name, ttl_ms = ttl_ms, grace_ms = grace_ms, secret = secret }\nlocal client = find_client('p:' .. text(protocol_id) .. ':' .. text(component_id))\nif client and client.state == 'ended' then client = nil end\nif not client and router.is_full then return { 'store_full' } end\nif not client then\nif redis.call('ZCARD', roster_key) >= router.limits.sessions or has_all_sessions() then return { 'too_many_sessions' } end\nnotice_claim(resumes, false)\nclient = create_client(fields)\nbegin_session(client, fields, 0)\nsession_event('registered', client)\nreturn registered(client)\nend\nif client.state == 'live' and client.instance == instance and is_callers(client) then\nset_expiry(client, service_now + client.ttl_ms)\nreturn registered(client)\nend\nif client.state == 'live' and takeover == 0 and resumes ~= client.session then\nreturn { 'already_registered', client.session, client.name, client.expires_at - service_now }\nend\nif not may_inherit(client) then return { 'of_another_identity' } end\nlocal previous = client.session\nnotice_claim(resumes, true)\nbegin_session(client, fields, owned_count(client))\nclient.epoch_floor = next_epoch()\nsession_event('resumed', client, { epoch = client.epoch_floor, previous = previous })\nreturn registered(client)\nend\nend\ndo\nlocal RELEASED = { 'released' }\nlocal function give_back(client, interface, epoch)\nlocal record, owner, igmp = look_at(interface)\nif not owner and not igmp then return { 'unknown_interface' } end\nlocal held = owner == client and record[OWNER_EPOCH] or igmp == client and record[IGMP_EPOCH]\nif not held then return { 'not_owner', holder_shape(record, owner, igmp) } end\nlocal current = epoch_in_force(client, held)\nif epoch and epoch ~= '' and epoch ~= text(current) then return { 'other_epoch', current } end\nclear_hold(interface, record, client, 'release')\nreturn RELEASED\nend\nfunction operations.release(handle, seq, ack, interfaces, epoch)\nlocal client, answered, rev = admit('release', handle, seq, ack)\nif not client then return answered, rev end\nif is_window_full(client) then return { 'window_full' } end\nlocal outcomes, released = {}, 0\nfor i = 1, #interfaces do\nlocal outcome = give_back(client, interfaces[i], epoch)\noutcomes[i] = outcome\nif outcome == RELEASED then released = released + 1 end\nend\nlocal are_all = released == #interfaces\nreturn remember(client, 'release', seq, are_all and RELEASED or { 'decided', outcomes })\nend\nend\ndo\nfunction operations.sessions(after, limit)\nlocal numbers = redis.call('ZRANGEBYSCORE', roster_key, '(' .. text(after), '+inf', 'LIMIT', 0, limit)\nlocal items = {}\nfor i = 1, #numbers do\nlocal client = load_client(tonumber(numbers[i]))\nif client and client.state ~= 'ended' then\nitems[#items + 1] = { client.session, client.protocol_id, client.component_id, client.name,\nclient.state == 'stale' and 1 or 0, client.expires_at - service_now, owned_count(client) }\nend\nend\nreturn { 'page', items, #numbers == limit and tonumber(numbers[#numbers]) or 0 }\nend\nend\ndo\nfunction operations.sweep(most, serving_ms)\npromise_service(serving_ms)\nlocal due = redis.call('ZRANGEBYSCORE', leases_key, '-inf', text(service_now), 'LIMIT', 0, most)\nlocal ended = {}\nfor i = 1, #due do\nlocal client = load_client(tonumber(due[i]))\nif not client then\norphaned_leases[#orphaned_leases + 1] = due[i]\nelseif client.state == 'ended' then\nended[#ended + 1] = client\nclient.requeue = true\nend\nend\nlocal released = 0\nfor i = 1, #ended do\nif released == most then break end\nreleased = released + clear_slice(ended[i], most - released)\nend\nlocal more = #due == most or released == most\nlocal idle = #due == 0 and redis.call('ZCARD', roster_key) == 0 and redis.call('ZCARD', leases_key) == 0\nreturn { 'swept', #ended, released, more and 1 or 0, idle and 1 or 0 }\nend\nend\ndo\nlocal function give_way(interface, record, client)\nlocal epoch = clear_hold(interface, record, client, 'take')\nqueue_callback(client, 'OWNERSHIP_LOST', interface, router.rev, 'take', epoch, 'another client had it later')\nend\nlocal function held_off(hold, had, client)\nnotice_claim(had, client.epoch_floor > 0)\nlocal left_ms = hold_off_left()\nif left_ms == 0 then return nil end\nif not is_claim(hold, had) then return { 'held_back', left_ms } end\nnote_claim(hold, had)\nend\nlocal function too_many(client)\nif owned_count(client) >= router.limits.interfaces then return { 'too_many_interfaces' } end\nend\nlocal function take_igmp(client, interface, had, record, _, igmp)\nif igmp == client then return nil, { 'already_taken', holder_shape(record, nil, igmp) } end\nlocal hold = 'igmp:' .. interface\nif igmp and is_claim(hold, had) and has_claimant(hold) then\ngive_way(interface, record, igmp)\nigmp = nil\nend\nif igmp then return nil, { 'already_owned', holder_shape(record, nil, igmp) } end\nlocal refused = too_many(client) or held_off(hold, had, client)\nif refused then return nil, refused end\nlocal epoch = next_epoch()\nrecord = record_of(interface)\nrecord[IGMP], record[IGMP_EPOCH], record[IGMP_SINCE] = client.number, epoch, now_ms\nadd_owned(client, interface)\ninterface_event('igmp-taken', client, interface, epoch, 'take')\nreturn epoch\nend\nlocal function take_owner(client, interface, had, record, owner, igmp)\nif owner == client then return nil, { 'already_taken', holder_shape(record, owner, igmp) } end\nif owner and is_claim(interface, had) and has_claimant(interface) then\ngive_way(interface, record, owner)\nowner = nil\nend\nif owner then return nil, { 'already_owned', holder_shape(record, owner, igmp) } end\nlocal refused = too_many(client) or held_off(interface, had, client)\nif refused then return nil, refused end\nlocal epoch = next_epoch()\nrecord = record_of(interface)\nrecord[OWNER], record[OWNER_EPOCH], record[OWNER_SINCE] = client.number, epoch, now_ms\nadd_owned(client, interface)\nlocal rev = interface_event('taken', client, interface, epoch, 'take')\nif igmp then queue_igmp_pair(igmp, interface, rev, 'take') end\nreturn epoch\nend\nlocal function outcomes_of(count, epochs, refusals)\nlocal outcomes = {}\nfor i = 1, count do outcomes[i] = refusals[i] or { 'taken', epochs[i] } end\nreturn outcomes\nend\nfunction operations.take(handle, seq, ack, interfaces, held)\nlocal client, answered, rev = admit('take', handle, seq, ack)\nif not client then return answered, rev end\nif is_window_full(client) then return { 'window_full' } end\nif router.is_full then return remember(client, 'take', seq, { 'store_full' }) end\nlocal take = client.is_igmp and take_igmp or take_owner\nlocal count = #interfaces\nlocal epochs, refusals, held_count = {}, nil, 0\nfor i = 1, count do\nlocal interface, had = interfaces[i], held and held[i] or 0\nlocal epoch, refused\nif is_refused(i) then refused = { 'not_permitted' }\nelse epoch, refused = take(client, interface, had, look_at(interface)) end\nepochs[i] = epoch or 0\nif refused then\nrefusals = refusals or {}\nrefusals[i] = refused\nif refused[1] == 'held_back' then held_count = held_count + 1 end\nend\nend\nif not refusals then return remember(client, 'take', seq, count == 1 and { 'granted', epochs[1] } or { 'taken', epochs }) end\nif held_count == count then return { 'held_back', hold_off_left() } end\nreturn remember(client, 'take', seq, { 'decided', outcomes_of(count, epochs, refusals) })\nend\nend\ndo\nfunction operations.validate(interface, epoch)\nlocal record, owner, igmp = look_at(interface)\nlocal of_owner = owner and epoch_in_force(owner, record[OWNER_EPOCH])\nlocal of_igmp = igmp and epoch_in_force(igmp, record[IGMP_EPOCH])\nif not of_owner and not of_igmp then return { 'free' } end\nif of_owner and text(of_owner) == epoch then return { 'current', of_owner } end\nif of_igmp and text(of_igmp) == epoch then return { 'current', of_igmp } end\nreturn { 'outdated', of_owner or of_igmp }\nend\nend\nlocal interface_args = { ['admin_end_holdoff'] = {  }, ['admin_events'] = {  }, ['admin_evict'] = {  }, ['admin_release'] = { interface = 2 }, ['deregister'] = {  }, ['events'] = {  }, ['head'] = {  }, ['interfaces'] = {  }, ['keepalive'] = {  }, ['mailbox'] = {  }, ['owner'] = { interface = 2 }, ['purge'] = {  }, ['register'] = {  }, ['release'] = { interfaces = 5 }, ['sessions'] = {  }, ['sweep'] = {  }, ['take'] = { interfaces = 5 }, ['validate'] = { interface = 2 } }\nlocal NEVER = ''\nlocal function prefetch(calls)\nlocal interfaces = { NEVER }\nfor i = 1, #calls do\nlocal call = calls[i]\nlocal args = interface_args[call[1]]\nif args.interface then interfaces[#interfaces + 1] = call[args.interface] end\nif args.interfaces then\nlocal list = call[args.interfaces]\nfor j = 1, #list do interfaces[#interfaces + 1] = list[j] end\nend\nend\nload_records(interfaces)\nfor i = 1, #interfaces do\nif records[interfaces[i]] then look_at(interfaces[i]) end\nend\nend\nlocal function begin()\nread_clock()\nbegin_caller()\nbegin_claims()\nbegin_events()\nbegin_operator_log()\nbegin_callbacks()\nbegin_clients()\nbegin_reply_pages()\nbegin_records()\nend\nlocal function decide(packed)\nlocal request = cmsgpack.unpack(packed)\nlocal known = { log = request[1], rev = request[2], epoch = request[3], fresh_log = request[4],\nlongest_ttl = request[8], is_full = request[9] == 1,\nlimits = { sessions = request[10], interfaces = request[11], operator_events = request[12],\noperator_retention_ms = request[13] } }\nlocal callers = request[14]\nlocal retention, calls, is_replicated = request[5], request[6], request[7] == 1\nbegin()\nload_router(known)\nnotice_lost_data(known)\nprefetch(calls)\nlocal revs, replies = {}, {}\nfor i = 1, #calls do\nlocal call = calls[i]\nset_caller(callers ~= 0 and callers[i] or 0)\nlocal reply, rev = operations[call[1]](unpack(call, 2))\nreplies[i], revs[i] = reply, rev or router.rev\nend\nlocal packed_runs = commit(retention, is_replicated)\nlocal log = (router.purged or router.fresh and router.rev == 0) and '' or router.log\nreturn { text(now_ms), text(router.rev), text(router.epoch), log, cmsgpack.pack({ revs, replies }), packed_runs,\n#callbacks > 0 and cmsgpack.pack(callbacks) or '', #losses > 0 and cmsgpack.pack(losses) or '',\ntext(router.longest_ttl) }\nend\nlocal function run(keys, args)\nif #keys == 0 then return 'ready' end\nuse_keys_of(keys[1])\nreturn decide(args[1])\nend\nredis.register_function('mgm_f3c22aca4896d52b_decide', run)\nredis.register_function{ function_name = 'mgm_f3c22aca4896d52b_ask', callback = run, flags = { 'allow-oom' } }\n";

export interface EventRun { readonly first: Revision; readonly type: string; readonly session: SessionId | undefined; readonly protocolId: number; readonly componentId: number; readonly cause: string | undefined; readonly previous: SessionId | undefined; readonly actor: string | undefined; readonly why: string | undefined; readonly epochs: readonly Epoch[]; readonly interfaces: readonly InterfaceKey[]; readonly caller: string | undefined }

export interface Callback { readonly session: SessionId; readonly seq: number; readonly type: string; readonly interface: InterfaceKey; readonly rev: Revision | undefined; readonly cause: string; readonly epoch: Epoch | undefined; readonly why: string | undefined; readonly identity: string | undefined }

export interface LossRun { readonly session: SessionId; readonly first: number; readonly cause: string; readonly why: string | undefined; readonly epochs: readonly Epoch[]; readonly interfaces: readonly InterfaceKey[]; readonly identity: string | undefined }

export interface Igmp { readonly protocolId: number; readonly componentId: number; readonly session: SessionId; readonly epoch: Epoch }

export interface Holder { readonly protocolId: number; readonly componentId: number; readonly session: SessionId; readonly name: string; readonly epoch: Epoch; readonly since: number; readonly graceLeft: number; readonly stale: boolean; readonly igmp: Igmp | undefined }

export interface OperatorEntry { readonly number: number; readonly ts: number; readonly type: string; readonly rev: Revision; readonly operation: string; readonly reason: string | undefined; readonly actor: string; readonly why: string; readonly session: SessionId | undefined; readonly protocolId: number; readonly componentId: number; readonly cause: string | undefined; readonly interface: InterfaceKey | undefined; readonly epoch: Epoch | undefined; readonly caller: string | undefined }

export interface LogEntry { readonly ts: number; readonly runs: readonly EventRun[] }

export interface InterfaceItem { readonly interface: InterfaceKey; readonly holder: Holder }

export interface MailEntry { readonly ts: number; readonly callbacks: readonly Callback[] }

export interface SessionItem { readonly session: SessionId; readonly protocolId: number; readonly componentId: number; readonly name: string; readonly stale: boolean; readonly expiresInMs: number; readonly interfaces: number }

export type SessionRefusal =
  | { readonly kind: 'bad_handle' }
  | { readonly kind: 'session_expired'; readonly session: SessionId };

export type SequenceRefusal =
  | { readonly kind: 'stale_request'; readonly ack: number }
  | { readonly kind: 'seq_too_high'; readonly highest: number }
  | { readonly kind: 'seq_reused'; readonly operation: string };

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
  | { readonly kind: 'not_permitted' };

/** Ends the hold-off after data loss for an operator who knows that no former owner acts any more. */
export interface AdminEndHoldoffArgs { readonly actor: string; readonly why: string }

/** Reads the operator log after a number. */
export interface AdminEventsArgs { readonly after: number; readonly limit: number }

/** Ends a session for an operator. Its interfaces are free from this moment on. Only the session with this number is ended, */
export interface AdminEvictArgs { readonly session: number; readonly actor: string; readonly why: string }

/** Releases an interface for an operator: the hold that `owner` reports, or the one under the given epoch. */
export interface AdminReleaseArgs { readonly interface: InterfaceKey; readonly epoch: string; readonly actor: string; readonly why: string }

/** Ends a session. Refused if it owns interfaces, unless forced: then they are released first. */
export interface DeregisterArgs { readonly handle: HandleParts; readonly seq: number; readonly ack: number; readonly force: boolean }

/** Reads the event log after a revision. */
export interface EventsArgs { readonly after: number; readonly limit: number }

/** The extent of the event log, the number of sessions and the rest of the hold-off, for the periodic `head` message. */
export type HeadArgs = Record<string, never>;

/** A page of the held interfaces, client by client in the order of their numbers. */
export interface InterfacesArgs { readonly client: number; readonly score: number; readonly last: string; readonly began: number; readonly limit: number; readonly session: number; readonly protocol: number }

/** Renews a lease: it runs its full time to live from now. */
export interface KeepaliveArgs { readonly handle: HandleParts; readonly ack: number; readonly mailboxAck: number }

/** Reads a session's callbacks after a number. */
export interface MailboxArgs { readonly handle: HandleParts; readonly after: number; readonly limit: number }

/** Names the holder of an interface (mgm-semantics 4.2). */
export interface OwnerArgs { readonly interface: InterfaceKey }

/** Deletes the data of a router that nothing has used for the retention time. */
export interface PurgeArgs { readonly retentionMs: number }

/** Opens a session of the client that the pair (protocol, component) names. */
export interface RegisterArgs { readonly protocolId: number; readonly componentId: number; readonly isIgmp: boolean; readonly instance: string; readonly name: string; readonly ttlMs: number; readonly graceMs: number; readonly takeover: boolean; readonly resumes: number; readonly secret: string }

/** Releases interfaces, each decided by itself, in order (mgm-semantics 4.1, rows T10 to T15). */
export interface ReleaseArgs { readonly handle: HandleParts; readonly seq: number; readonly ack: number; readonly interfaces: readonly InterfaceKey[]; readonly epoch: string }

/** A page of the live and stale sessions, in the order of their clients' numbers. */
export interface SessionsArgs { readonly after: number; readonly limit: number }

/** Ends sessions whose lease is over and releases a bounded number of their interfaces. */
export interface SweepArgs { readonly most: number; readonly servingMs: number }

/** Takes interfaces for a session, each decided by itself, in order (mgm-semantics 4.1, rows T1 to T9). */
export interface TakeArgs { readonly handle: HandleParts; readonly seq: number; readonly ack: number; readonly interfaces: readonly InterfaceKey[]; readonly held: readonly number[] }

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

export type AdminReleaseScriptReply =
  | { readonly kind: 'released'; readonly previous: Holder }
  | { readonly kind: 'other_epoch'; readonly current: Epoch }
  | { readonly kind: 'free' }
  | { readonly kind: 'not_permitted' };

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

export type HeadScriptReply =
  | { readonly kind: 'head'; readonly first: Revision; readonly sessions: number; readonly holdOffMs: number };

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

export type OwnerScriptReply =
  | { readonly kind: 'held'; readonly holder: Holder }
  | { readonly kind: 'free' };

export type PurgeScriptReply =
  | { readonly kind: 'purged' }
  | { readonly kind: 'kept'; readonly lastUsedAt: number }
  | { readonly kind: 'in_use' };

export type RegisterScriptReply =
  | { readonly kind: 'registered'; readonly client: number; readonly session: SessionId; readonly secret: string; readonly ttlMs: number; readonly graceMs: number; readonly mailbox: number; readonly resumed: boolean; readonly owned: number; readonly epoch: Epoch | undefined }
  | { readonly kind: 'already_registered'; readonly session: SessionId; readonly name: string; readonly expiresInMs: number }
  | { readonly kind: 'store_full' }
  | { readonly kind: 'too_many_sessions' }
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

export type SessionsScriptReply =
  | { readonly kind: 'page'; readonly items: readonly SessionItem[]; readonly next: number };

export type SweepScriptReply =
  | { readonly kind: 'swept'; readonly ended: number; readonly released: number; readonly more: boolean; readonly idle: boolean };

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
  admin_release: AdminReleaseArgs;
  deregister: DeregisterArgs;
  events: EventsArgs;
  head: HeadArgs;
  interfaces: InterfacesArgs;
  keepalive: KeepaliveArgs;
  mailbox: MailboxArgs;
  owner: OwnerArgs;
  purge: PurgeArgs;
  register: RegisterArgs;
  release: ReleaseArgs;
  sessions: SessionsArgs;
  sweep: SweepArgs;
  take: TakeArgs;
  validate: ValidateArgs;
}

export interface ScriptReplies {
  admin_end_holdoff: AdminEndHoldoffScriptReply;
  admin_events: AdminEventsScriptReply;
  admin_evict: AdminEvictScriptReply;
  admin_release: AdminReleaseScriptReply;
  deregister: DeregisterScriptReply;
  events: EventsScriptReply;
  head: HeadScriptReply;
  interfaces: InterfacesScriptReply;
  keepalive: KeepaliveScriptReply;
  mailbox: MailboxScriptReply;
  owner: OwnerScriptReply;
  purge: PurgeScriptReply;
  register: RegisterScriptReply;
  release: ReleaseScriptReply;
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
  admin_release: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  deregister: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  events: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  head: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  interfaces: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  keepalive: { isRead: false, isExclusive: false, isHighPriority: true, isDelayTolerant: true },
  mailbox: { isRead: true, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  owner: { isRead: true, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  purge: { isRead: false, isExclusive: true, isHighPriority: false, isDelayTolerant: false },
  register: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
  release: { isRead: false, isExclusive: false, isHighPriority: false, isDelayTolerant: false },
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
  admin_release: ['released', 'other_epoch', 'free', 'not_permitted'],
  deregister: ['deregistered', 'owns_interfaces', 'bad_handle', 'session_expired', 'stale_request', 'seq_too_high', 'seq_reused'],
  events: ['entries', 'compacted'],
  head: ['head'],
  interfaces: ['page'],
  keepalive: ['kept', 'bad_handle', 'session_expired'],
  mailbox: ['messages', 'bad_handle', 'session_expired'],
  owner: ['held', 'free'],
  purge: ['purged', 'kept', 'in_use'],
  register: ['registered', 'already_registered', 'store_full', 'too_many_sessions', 'of_another_identity'],
  release: ['released', 'decided', 'window_full', 'bad_handle', 'session_expired', 'stale_request', 'seq_too_high', 'seq_reused', 'released', 'not_owner', 'other_epoch', 'unknown_interface'],
  sessions: ['page'],
  sweep: ['swept'],
  take: ['granted', 'taken', 'decided', 'held_back', 'store_full', 'window_full', 'bad_handle', 'session_expired', 'stale_request', 'seq_too_high', 'seq_reused', 'taken', 'already_owned', 'already_taken', 'held_back', 'too_many_interfaces', 'not_permitted'],
  validate: ['current', 'outdated', 'free'],
};

export function readEventRun(value: unknown): EventRun {
  const row = read.row(value, 'event_run', 12);
  return { first: read.revision(row[0]), type: read.string(row[1]), session: read.optional(row[2], read.session), protocolId: read.integer(row[3]), componentId: read.integer(row[4]), cause: read.optional(row[5], read.string), previous: read.optional(row[6], read.session), actor: read.optional(row[7], read.string), why: read.optional(row[8], read.string), epochs: read.list(row[9], read.epoch), interfaces: read.list(row[10], read.interface), caller: read.optional(row[11], read.string) };
}

export function readCallback(value: unknown): Callback {
  const row = read.row(value, 'callback', 9);
  return { session: read.session(row[0]), seq: read.integer(row[1]), type: read.string(row[2]), interface: read.interface(row[3]), rev: read.optional(row[4], read.revision), cause: read.string(row[5]), epoch: read.optional(row[6], read.epoch), why: read.optional(row[7], read.string), identity: read.optional(row[8], read.string) };
}

export function readLossRun(value: unknown): LossRun {
  const row = read.row(value, 'loss_run', 7);
  return { session: read.session(row[0]), first: read.integer(row[1]), cause: read.string(row[2]), why: read.optional(row[3], read.string), epochs: read.list(row[4], read.epoch), interfaces: read.list(row[5], read.interface), identity: read.optional(row[6], read.string) };
}

export function readIgmp(value: unknown): Igmp {
  const row = read.row(value, 'igmp', 4);
  return { protocolId: read.integer(row[0]), componentId: read.integer(row[1]), session: read.session(row[2]), epoch: read.epoch(row[3]) };
}

export function readHolder(value: unknown): Holder {
  const row = read.row(value, 'holder', 9);
  return { protocolId: read.integer(row[0]), componentId: read.integer(row[1]), session: read.session(row[2]), name: read.string(row[3]), epoch: read.epoch(row[4]), since: read.integer(row[5]), graceLeft: read.integer(row[6]), stale: read.flag(row[7]), igmp: read.optional(row[8], readIgmp) };
}

export function readOperatorEntry(value: unknown): OperatorEntry {
  const row = read.row(value, 'operator_entry', 15);
  return { number: read.integer(row[0]), ts: read.integer(row[1]), type: read.string(row[2]), rev: read.revision(row[3]), operation: read.string(row[4]), reason: read.optional(row[5], read.string), actor: read.string(row[6]), why: read.string(row[7]), session: read.optional(row[8], read.session), protocolId: read.integer(row[9]), componentId: read.integer(row[10]), cause: read.optional(row[11], read.string), interface: read.optional(row[12], read.interface), epoch: read.optional(row[13], read.epoch), caller: read.optional(row[14], read.string) };
}

export function readLogEntry(value: unknown): LogEntry {
  const row = read.row(value, 'log_entry', 2);
  return { ts: read.integer(row[0]), runs: read.list(row[1], readEventRun) };
}

export function readInterfaceItem(value: unknown): InterfaceItem {
  const row = read.row(value, 'interface_item', 2);
  return { interface: read.interface(row[0]), holder: readHolder(row[1]) };
}

export function readMailEntry(value: unknown): MailEntry {
  const row = read.row(value, 'mail_entry', 2);
  return { ts: read.integer(row[0]), callbacks: read.list(row[1], readCallback) };
}

export function readSessionItem(value: unknown): SessionItem {
  const row = read.row(value, 'session_item', 7);
  return { session: read.session(row[0]), protocolId: read.integer(row[1]), componentId: read.integer(row[2]), name: read.string(row[3]), stale: read.flag(row[4]), expiresInMs: read.integer(row[5]), interfaces: read.integer(row[6]) };
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

function readHeadReply(value: unknown): HeadScriptReply {
  const row = read.tagged(value, 'head_reply');
  switch (row[0]) {
    case 'head':
      read.width(row, 'head_reply head', 4);
      return { kind: 'head', first: read.revision(row[1]), sessions: read.integer(row[2]), holdOffMs: read.integer(row[3]) };
    default:
      throw read.undeclared('head_reply', row[0]);
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
      read.width(row, 'register_reply registered', 10);
      return { kind: 'registered', client: read.integer(row[1]), session: read.session(row[2]), secret: read.string(row[3]), ttlMs: read.integer(row[4]), graceMs: read.integer(row[5]), mailbox: read.integer(row[6]), resumed: read.flag(row[7]), owned: read.integer(row[8]), epoch: read.optional(row[9], read.epoch) };
    case 'already_registered':
      read.width(row, 'register_reply already_registered', 4);
      return { kind: 'already_registered', session: read.session(row[1]), name: read.string(row[2]), expiresInMs: read.integer(row[3]) };
    case 'store_full':
      read.width(row, 'register_reply store_full', 1);
      return { kind: 'store_full' };
    case 'too_many_sessions':
      read.width(row, 'register_reply too_many_sessions', 1);
      return { kind: 'too_many_sessions' };
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
      read.width(row, 'sweep_reply swept', 5);
      return { kind: 'swept', ended: read.integer(row[1]), released: read.integer(row[2]), more: read.flag(row[3]), idle: read.flag(row[4]) };
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
  admin_release: (args) => ['admin_release', interfaceName(args.interface), args.epoch, args.actor, args.why],
  deregister: (args) => ['deregister', [args.handle.client, args.handle.session, args.handle.secret], args.seq, args.ack, args.force ? 1 : 0],
  events: (args) => ['events', args.after, args.limit],
  head: (_args) => ['head'],
  interfaces: (args) => ['interfaces', args.client, args.score, args.last, args.began, args.limit, args.session, args.protocol],
  keepalive: (args) => ['keepalive', [args.handle.client, args.handle.session, args.handle.secret], args.ack, args.mailboxAck],
  mailbox: (args) => ['mailbox', [args.handle.client, args.handle.session, args.handle.secret], args.after, args.limit],
  owner: (args) => ['owner', interfaceName(args.interface)],
  purge: (args) => ['purge', args.retentionMs],
  register: (args) => ['register', args.protocolId, args.componentId, args.isIgmp ? 1 : 0, args.instance, args.name, args.ttlMs, args.graceMs, args.takeover ? 1 : 0, args.resumes, args.secret],
  release: (args) => ['release', [args.handle.client, args.handle.session, args.handle.secret], args.seq, args.ack, args.interfaces.map(interfaceName), args.epoch],
  sessions: (args) => ['sessions', args.after, args.limit],
  sweep: (args) => ['sweep', args.most, args.servingMs],
  take: (args) => ['take', [args.handle.client, args.handle.session, args.handle.secret], args.seq, args.ack, args.interfaces.map(interfaceName), args.held],
  validate: (args) => ['validate', interfaceName(args.interface), args.epoch],
};

/** A reply, checked against the header. Throws `ScriptReplyError` for anything undeclared. */
export const decode: { readonly [Name in ArbiterOperation]: (value: unknown) => ScriptReplies[Name] } = {
  admin_end_holdoff: readAdminEndHoldoffReply,
  admin_events: readAdminEventsReply,
  admin_evict: readAdminEvictReply,
  admin_release: readAdminReleaseReply,
  deregister: readDeregisterReply,
  events: readEventsReply,
  head: readHeadReply,
  interfaces: readInterfacesReply,
  keepalive: readKeepaliveReply,
  mailbox: readMailboxReply,
  owner: readOwnerReply,
  purge: readPurgeReply,
  register: readRegisterReply,
  release: readReleaseReply,
  sessions: readSessionsReply,
  sweep: readSweepReply,
  take: readTakeReply,
  validate: readValidateReply,
};
