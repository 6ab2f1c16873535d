/** A safety check, the edit that removes it, and the tests that must fail without it. */
export interface Mutation {
  /** The check, in the terms of the contract. */
  readonly check: string;
  readonly file: string;
  /** Occurs in the file exactly once. */
  readonly from: string;
  readonly to: string;
  /** Test files of which at least one must fail. */
  readonly tests: readonly string[];
}

const LUA = 'packages/store/lua';
const CLIENT = 'packages/client/src';
const CONFORMANCE = 'test/conformance';

const IN_SCRIPTS: readonly Mutation[] = [
  {
    check: 'lease: a session whose lease is over has expired',
    file: `${LUA}/lib/clients.lua`,
    from: "if client.state ~= 'ended' and service_now >= client.expires_at then expire(client) end",
    to: "if false and client.state ~= 'ended' then expire(client) end",
    tests: [`${CONFORMANCE}/lease.test.ts`],
  },
  {
    check: 'lease: does not run while no manager serves',
    file: `${LUA}/lib/clock.lua`,
    from: 'math.max(0, math.min(now_ms, serving_until) - seen_at)',
    to: 'math.max(0, now_ms - seen_at)',
    tests: ['packages/store/test/service-clock.test.ts'],
  },
  {
    check: 'handle: the secret is compared',
    file: `${LUA}/lib/sequence.lua`,
    from: 'return client.session == handle[2] and client.secret == handle[3]',
    to: 'return client.session == handle[2]',
    tests: ['test/model/model.test.ts'],
  },
  {
    check: 'handle: that of a former session is refused',
    file: `${LUA}/lib/sequence.lua`,
    from: "if client.session > handle[2] then return nil, { 'session_expired', handle[2] } end",
    to: 'if client.session > handle[2] then return client end',
    tests: [`${CONFORMANCE}/register.test.ts`, 'test/model/model.test.ts'],
  },
  {
    check: 'seq: a repeat gets the first reply',
    file: `${LUA}/lib/sequence.lua`,
    from: 'if answered then return nil, repeated(operation, answered, rev, reply) end',
    to: "if answered == 'never' then return nil, repeated(operation, answered, rev, reply) end",
    tests: [`${CONFORMANCE}/sequencing.test.ts`],
  },
  {
    check: 'ack: an abandoned request is never executed',
    file: `${LUA}/lib/sequence.lua`,
    from: "if seq < client.ack then return nil, { 'stale_request', client.ack } end",
    to: "if seq < 0 then return nil, { 'stale_request', client.ack } end",
    tests: [`${CONFORMANCE}/sequencing.test.ts`],
  },
  {
    check: 'ack: never falls',
    file: `${LUA}/lib/sequence.lua`,
    from: 'if ack <= client.ack then return end',
    to: 'if ack == client.ack then return end',
    tests: ['test/model/model.test.ts'],
  },
  {
    check: 'epoch: rises also when the clock goes back',
    file: `${LUA}/lib/router.lua`,
    from: 'router.epoch = math.max(router.epoch + 1, now_us)',
    to: 'router.epoch = now_us',
    tests: [`${CONFORMANCE}/epochs.test.ts`, 'test/model/model.test.ts'],
  },
  {
    check: 'epoch: inherited interfaces get a new one',
    file: `${LUA}/operations/register.lua`,
    from: 'client.epoch_floor = next_epoch()',
    to: 'client.epoch_floor = 1',
    tests: [`${CONFORMANCE}/epochs.test.ts`],
  },
  {
    check: 'epoch: a release under a former one is refused',
    file: `${LUA}/operations/release.lua`,
    from: "if epoch and epoch ~= '' and epoch ~= text(current) then",
    to: "if epoch == 'never' then",
    tests: [`${CONFORMANCE}/epochs.test.ts`, `${CONFORMANCE}/transitions.test.ts`],
  },
  {
    check: 'epoch: an operator releases only what is held under the given one',
    file: `${LUA}/operations/admin_release.lua`,
    from: "if epoch == '' then return owner or igmp end",
    to: "if epoch ~= 'never' then return owner or igmp end",
    tests: [`${CONFORMANCE}/additions.test.ts`],
  },
  {
    check: 'owner: an owned interface is not granted to another session',
    file: `${LUA}/operations/take.lua`,
    from: "if owner then return nil, { 'already_owned', holder_shape(record, owner, igmp) } end",
    to: "if owner and owner.number < 0 then return nil, { 'already_owned', holder_shape(record, owner, igmp) } end",
    tests: [`${CONFORMANCE}/transitions.test.ts`],
  },
  {
    check: 'owner: only a session on an interface releases it',
    file: `${LUA}/operations/release.lua`,
    from: 'local held = owner == client and record[OWNER_EPOCH] or igmp == client and record[IGMP_EPOCH]',
    to: 'local held = owner and record[OWNER_EPOCH] or igmp and record[IGMP_EPOCH]',
    tests: [`${CONFORMANCE}/transitions.test.ts`],
  },
  {
    check: 'owner: interfaces of an expired session are free immediately',
    file: `${LUA}/lib/interfaces.lua`,
    from: "if owner and owner.state == 'ended' then",
    to: "if owner and owner.state == 'never' then",
    tests: [`${CONFORMANCE}/lease.test.ts`, 'test/model/model.test.ts'],
  },
  {
    check: 'register: another instance of a live session is refused',
    file: `${LUA}/operations/register.lua`,
    from: "if client.state == 'live' and takeover == 0 and resumes ~= client.session then",
    to: "if client.state == 'never' then",
    tests: [`${CONFORMANCE}/register.test.ts`],
  },
  {
    check: 'lost data: a log without its tail is detected',
    file: `${LUA}/lib/events.lua`,
    from: 'local lost_tail = router.log == known.log and (router.rev < known.rev or mrev < known.mrev)',
    to: 'local lost_tail = false',
    tests: ['packages/store/test/lost-data.test.ts', 'test/faults/store-rewound.test.ts'],
  },
  {
    check: 'lost data: the hold-off refuses new grants',
    file: `${LUA}/operations/take.lua`,
    from: "if not is_claim(hold, had) then return { 'held_back', left_ms } end",
    to: "if left_ms < 0 then return { 'held_back', left_ms } end",
    tests: ['packages/store/test/lost-data.test.ts'],
  },
  {
    check: 'schema: data of another version is refused',
    file: `${LUA}/lib/router.lua`,
    from: 'if schema < SCHEMA or schema > SCHEMA_WITH_VIEW then refuse_schema(schema) end',
    to: 'if schema < SCHEMA then refuse_schema(schema) end',
    tests: ['packages/store/test/trouble.test.ts'],
  },
  {
    check: 'mailbox: a callback is kept until it is acknowledged',
    file: `${LUA}/lib/mailbox.lua`,
    from: 'client.mailbox_ack = math.min(seq, client.mailbox)',
    to: 'client.mailbox_ack = client.mailbox',
    tests: [`${CONFORMANCE}/mailbox.test.ts`, 'test/model/model.test.ts'],
  },
  {
    check: 'events: every change is logged',
    file: `${LUA}/lib/interfaces.lua`,
    from: "local rev = interface_event('released', client, interface, epoch, cause, by)",
    to: 'local rev = next_rev()',
    tests: [`${CONFORMANCE}/events.test.ts`],
  },
];

const IN_STORE: readonly Mutation[] = [
  {
    check: 'replicated: a change is confirmed only when replicas have it',
    file: 'packages/store/src/redis/confirmation.ts',
    from: 'if (confirmed >= replicas) return;',
    to: 'if (confirmed >= 0) return;',
    tests: ['packages/store/test/replicated.test.ts', 'test/faults/replicated.test.ts'],
  },
  {
    check: 'epoch: a manager never grants one below those it has seen',
    file: 'packages/store/src/router-memory.ts',
    from: 'this.#epoch = Math.max(this.#epoch, epoch);',
    to: 'this.#epoch = Math.min(this.#epoch, epoch);',
    tests: ['packages/store/test/lost-data.test.ts', 'test/faults/store-restart.test.ts'],
  },
  {
    check: 'reply: none is sent to a foreign subject',
    file: 'services/manager/src/intake.ts',
    from: 'if (message.reply && !this.#parts.subjects.isReplySubject(message.reply))',
    to: "if (message.reply === 'never')",
    tests: [`${CONFORMANCE}/additions.test.ts`],
  },
  {
    check: 'lease: a manager that workers cannot reach does not advance the service clock',
    file: 'services/manager/src/sweeper.ts',
    from: 'if (!(await this.#probeNats())) return;\n    this',
    to: 'await this.#probeNats();\n    this',
    tests: ['test/faults/nats-gone.test.ts', 'test/faults/sweep.test.ts'],
  },
  {
    check: 'lease: a long sweep stops when workers cannot reach the manager any more',
    file: 'services/manager/src/sweeper.ts',
    from: ' && (await this.#probeNats())) {',
    to: ') {',
    tests: ['services/manager/src/sweeper.test.ts'],
  },
  {
    check: 'lease: time that no manager served does not count, whatever the store clock shows',
    file: `${LUA}/lib/router.lua`,
    from: 'math.max(router.serving_until, served_until)',
    to: 'now_ms',
    tests: ['packages/store/test/served-time.test.ts'],
  },
  {
    check: 'lease: a manager that stands still does not count as serving',
    file: 'packages/store/src/served-time.ts',
    from: 'Math.min(nowMono - this.#extendedMono, this.#promiseMs)',
    to: '(nowMono - this.#extendedMono)',
    tests: ['packages/store/src/served-time.test.ts'],
  },
  {
    check: 'lease: no time counts before a batch that failed',
    file: 'packages/store/src/batcher.ts',
    from: 'queue.memory.forgetLastCall();',
    to: '',
    tests: ['packages/store/test/served-time.test.ts'],
  },
  {
    check: 'priority: a keepalive whose handle is not verified has none',
    file: 'packages/store/src/batcher.ts',
    from: 'flags.isHighPriority && isVerified',
    to: 'flags.isHighPriority',
    tests: ['packages/store/test/overload.test.ts'],
  },
  {
    check: 'deadline: a register that waited for the list of routers keeps its own',
    file: 'packages/store/src/store.ts',
    from: 'deadlineMs - (performance.now() - startedMono)',
    to: 'deadlineMs',
    tests: ['packages/store/test/idle-routers.test.ts'],
  },
];

const IN_CLIENT: readonly Mutation[] = [
  {
    check: 'deadline: a client stops before its lease ends in the store',
    file: `${CLIENT}/session/lease-clock.ts`,
    from: 'const deadlineMono = sentMono + ttlMs - marginMs(ttlMs);',
    to: 'const deadlineMono = sentMono + ttlMs + marginMs(ttlMs);',
    tests: [`${CLIENT}/session/lease-clock.test.ts`],
  },
  {
    check: 'deadline: a later renewal has no effect',
    file: `${CLIENT}/session/lease-clock.ts`,
    from: 'if (!this.check()) return false;\n    this.#extend',
    to: 'this.#extend',
    tests: [`${CLIENT}/session/lease-clock.test.ts`],
  },
  {
    check: 'deadline: is counted from before the keepalive was sent',
    file: `${CLIENT}/session/keepalive.ts`,
    from: 'lease.renew(sentMono, reply.ttlMs)',
    to: 'lease.renew(Math.max(sentMono, this.#context.clock.monoMs()), reply.ttlMs)',
    tests: ['packages/client/test/deadline.test.ts'],
  },
  {
    check: 'deadline: of a repeated register is counted from its first attempt',
    file: `${CLIENT}/session/register.ts`,
    from: 'sentMono: result.firstSentMono',
    to: 'sentMono: result.sentMono',
    tests: ['packages/client/test/deadline.test.ts'],
  },
  {
    check: 'deadline: a signal compares the clock when it is read',
    file: `${CLIENT}/ownership.ts`,
    from: '        check();\n        return isAborted();',
    to: '        return isAborted();',
    tests: ['packages/client/test/lease.test.ts'],
  },
  {
    check: 'lease: no request is repeated for an ended session',
    file: `${CLIENT}/session/registration.ts`,
    from: 'const over = (): MgmError | undefined => this.over();',
    to: 'const over = (): MgmError | undefined => undefined;',
    tests: ['packages/client/test/deadline.test.ts'],
  },
  {
    check: 'lease: a reply after its end grants nothing',
    file: `${CLIENT}/interfaces/calls.ts`,
    from: "if (caller && outcome.kind === 'done' && !this.#session.over()) {",
    to: "if (caller && outcome.kind === 'done') {",
    tests: ['packages/client/test/deadline.test.ts'],
  },
  {
    check: 'seq: an abandoned take is settled before its release counts',
    file: `${CLIENT}/interfaces/calls.ts`,
    from: "if (result.kind === 'unanswered' && result.abandonedSeq)\n        await this.requests.sequence.passed(result.abandonedSeq);",
    to: '',
    tests: ['packages/client/test/abandoned.test.ts'],
  },
  {
    check: 'ack: does not pass a pending request',
    file: `${CLIENT}/interfaces/sequence.ts`,
    from: 'while (this.#finishedAhead.delete(this.#lowest)) this.#lowest++;',
    to: 'this.#lowest = Math.max(this.#lowest, seq + 1);',
    tests: [`${CLIENT}/interfaces/sequence.test.ts`],
  },
  {
    check: 'epoch: a late loss does not end a newer ownership',
    file: `${CLIENT}/ownership.ts`,
    from: 'if (!held || compareEpochs(held.epoch, epoch) > 0) return undefined;',
    to: 'if (!held) return undefined;',
    tests: [`${CLIENT}/ownership.test.ts`],
  },
  {
    check: 'epoch: a loss that arrives before the reply to its take is kept',
    file: `${CLIENT}/ownership.ts`,
    from: 'if (isBeingTaken) this.#lostEarly.set(text, { epoch, reason });',
    to: '',
    tests: [`${CLIENT}/ownership.test.ts`],
  },
  {
    check: 'callbacks: none is handled twice',
    file: `${CLIENT}/session/mailbox.ts`,
    from: 'if (callback.seq !== this.#queued + 1 || this.#queue.length >= QUEUE_MAX) return;',
    to: 'if (callback.seq > this.#queued + 1 || this.#queue.length >= QUEUE_MAX) return;',
    tests: [`${CLIENT}/session/mailbox.test.ts`],
  },
  {
    check: 'callbacks: none is skipped',
    file: `${CLIENT}/session/mailbox.ts`,
    from: 'if (callback.seq !== this.#queued + 1 || this.#queue.length >= QUEUE_MAX) return;',
    to: 'if (callback.seq <= this.#queued || this.#queue.length >= QUEUE_MAX) return;',
    tests: [`${CLIENT}/session/mailbox.test.ts`],
  },
  {
    check: 'recovery: an evicted session stays out',
    file: `${CLIENT}/session/loss.ts`,
    from: "return (type === 'evicted' && session === ours) || (type === 'resumed' && previous === ours);",
    to: "return type === 'resumed' && previous === ours;",
    tests: ['packages/client/test/deadline.test.ts', 'packages/client/test/recovery.test.ts'],
  },
];

/** The safety checks of the scripts, the store, the manager and the client library. */
export const MUTATIONS: readonly Mutation[] = [...IN_SCRIPTS, ...IN_STORE, ...IN_CLIENT];
