/** A safety check, how it is taken out, and the tests that have to notice. */
export interface Mutation {
  /** The check, in the words of the contract. */
  readonly check: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
  /** Files of tests; of these at least one must fail. */
  readonly tests: readonly string[];
}

const LUA = 'packages/store/lua';
const CLIENT = 'packages/client/src';
const CONFORMANCE = 'test/conformance';

const IN_SCRIPTS: readonly Mutation[] = [
  {
    check: 'lease: a session whose time is over is over',
    file: `${LUA}/lib/clients.lua`,
    from: "if client.state ~= 'ended' and service_now >= client.expires_at then expire(client) end",
    to: "if false and client.state ~= 'ended' then expire(client) end",
    tests: [`${CONFORMANCE}/lease.test.ts`],
  },
  {
    check: 'lease: it does not run while no manager serves',
    file: `${LUA}/lib/clock.lua`,
    from: 'math.max(0, math.min(now_ms, serving_until) - seen_at)',
    to: 'math.max(0, now_ms - seen_at)',
    tests: ['packages/store/test/service-clock.test.ts'],
  },
  {
    check: 'handle: the secret decides',
    file: `${LUA}/lib/sequence.lua`,
    from: 'return client.session == handle[2] and client.secret == handle[3]',
    to: 'return client.session == handle[2]',
    tests: ['test/model/model.test.ts'],
  },
  {
    check: 'handle: one of a former session is dead',
    file: `${LUA}/lib/sequence.lua`,
    from: "if client.session > handle[2] then return nil, { 'session_expired', handle[2] } end",
    to: 'if client.session > handle[2] then return client end',
    tests: [`${CONFORMANCE}/register.test.ts`, 'test/model/model.test.ts'],
  },
  {
    check: 'seq: the same again has the answer of the first time',
    file: `${LUA}/lib/sequence.lua`,
    from: 'if answered then return nil, repeated(operation, answered, rev, reply) end',
    to: "if answered == 'never' then return nil, repeated(operation, answered, rev, reply) end",
    tests: [`${CONFORMANCE}/sequencing.test.ts`],
  },
  {
    check: 'ack: what was given up can not happen any more',
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
    check: 'epoch: rises whatever the clock and the store remember',
    file: `${LUA}/lib/router.lua`,
    from: 'router.epoch = math.max(router.epoch + 1, now_us)',
    to: 'router.epoch = now_us',
    tests: [`${CONFORMANCE}/epochs.test.ts`, 'test/model/model.test.ts'],
  },
  {
    check: 'epoch: what an heir inherits has a new one',
    file: `${LUA}/operations/register.lua`,
    from: 'client.epoch_floor = next_epoch()',
    to: 'client.epoch_floor = 1',
    tests: [`${CONFORMANCE}/epochs.test.ts`],
  },
  {
    check: 'epoch: a release under an old one is refused',
    file: `${LUA}/operations/release.lua`,
    from: "if epoch and epoch ~= '' and epoch ~= text(current) then",
    to: "if epoch == 'never' then",
    tests: [`${CONFORMANCE}/epochs.test.ts`, `${CONFORMANCE}/transitions.test.ts`],
  },
  {
    check: 'owner: an interface that has one is not given to another',
    file: `${LUA}/operations/take.lua`,
    from: "if owner then return nil, { 'already_owned', holder_shape(record, owner, igmp) } end",
    to: "if owner and owner.number < 0 then return nil, { 'already_owned', holder_shape(record, owner, igmp) } end",
    tests: [`${CONFORMANCE}/transitions.test.ts`],
  },
  {
    check: 'owner: only who is on an interface releases it',
    file: `${LUA}/operations/release.lua`,
    from: 'local held = owner == client and record[OWNER_EPOCH] or igmp == client and record[IGMP_EPOCH]',
    to: 'local held = owner and record[OWNER_EPOCH] or igmp and record[IGMP_EPOCH]',
    tests: [`${CONFORMANCE}/transitions.test.ts`],
  },
  {
    check: 'owner: what a session held that is over is free at once',
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
    check: 'lost data: a log that lost its tail is noticed',
    file: `${LUA}/lib/events.lua`,
    from: 'local lost_tail = router.log == known.log and router.rev < known.rev',
    to: 'local lost_tail = false',
    tests: ['packages/store/test/lost-data.test.ts', 'test/faults/store-rewound.test.ts'],
  },
  {
    check: 'lost data: nothing new is granted for a lease',
    file: `${LUA}/operations/take.lua`,
    from: "if not is_claim(hold, had) then return { 'held_back', left_ms } end",
    to: "if left_ms < 0 then return { 'held_back', left_ms } end",
    tests: ['packages/store/test/lost-data.test.ts'],
  },
  {
    check: 'schema: data of another one is refused',
    file: `${LUA}/lib/router.lua`,
    from: 'if schema ~= SCHEMA then refuse_schema(schema) end',
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
    check: 'events: each change is in the log',
    file: `${LUA}/lib/interfaces.lua`,
    from: "local rev = interface_event('released', client, interface, epoch, cause, by)",
    to: 'local rev = next_rev()',
    tests: [`${CONFORMANCE}/events.test.ts`],
  },
];

const IN_STORE: readonly Mutation[] = [
  {
    check: 'replicated: nothing is answered before replicas have it',
    file: 'packages/store/src/redis/confirmation.ts',
    from: 'if (confirmed >= replicas) return;',
    to: 'if (confirmed >= 0) return;',
    tests: ['packages/store/test/replicated.test.ts', 'test/faults/replicated.test.ts'],
  },
  {
    check: 'epoch: what this manager saw is never given again',
    file: 'packages/store/src/router-memory.ts',
    from: 'this.#epoch = Math.max(this.#epoch, epoch);',
    to: 'this.#epoch = Math.min(this.#epoch, epoch);',
    tests: ['packages/store/test/lost-data.test.ts', 'test/faults/store-restart.test.ts'],
  },
  {
    check: 'lease: a manager that no worker can reach does not let it run',
    file: 'services/manager/src/sweeper.ts',
    from: 'if (!(await bus.reaches(NATS_WITHIN_MS))) return;\n    const idle',
    to: 'const idle',
    tests: ['test/faults/nats-gone.test.ts', 'test/faults/sweep.test.ts'],
  },
  {
    check:
      'lease: nor does a sweep that goes on for long, where workers could reach it at the beginning',
    file: 'services/manager/src/sweeper.ts',
    from: 'more && reached && ',
    to: 'more && ',
    tests: ['services/manager/src/sweeper.test.ts'],
  },
];

const IN_CLIENT: readonly Mutation[] = [
  {
    check: 'deadline: this side stops before the store does',
    file: `${CLIENT}/session/lease-clock.ts`,
    from: 'const deadlineMono = sentMono + ttlMs - marginMs(ttlMs);',
    to: 'const deadlineMono = sentMono + ttlMs + marginMs(ttlMs);',
    tests: [`${CLIENT}/session/lease-clock.test.ts`],
  },
  {
    check: 'deadline: a renewal after it renews nothing',
    file: `${CLIENT}/session/lease-clock.ts`,
    from: 'if (!this.check()) return false;\n    this.#extend',
    to: 'this.#extend',
    tests: [`${CLIENT}/session/lease-clock.test.ts`],
  },
  {
    check: 'deadline: counted from before the keepalive was sent',
    file: `${CLIENT}/session/keepalive.ts`,
    from: 'lease.renew(sentMono, reply.ttlMs)',
    to: 'lease.renew(Math.max(sentMono, this.#context.clock.monoMs()), reply.ttlMs)',
    tests: ['packages/client/test/deadline.test.ts'],
  },
  {
    check: 'deadline: of a register sent twice, counted from the first that may have worked',
    file: `${CLIENT}/session/register.ts`,
    from: 'sentMono: result.firstSentMono',
    to: 'sentMono: result.sentMono',
    tests: ['packages/client/test/deadline.test.ts'],
  },
  {
    check: 'deadline: who asks a signal is told by the clock, not by a timer',
    file: `${CLIENT}/ownership.ts`,
    from: '        check();\n        return isAborted();',
    to: '        return isAborted();',
    tests: ['packages/client/test/lease.test.ts'],
  },
  {
    check: 'lease: no request is repeated for a session that is over',
    file: `${CLIENT}/session/registration.ts`,
    from: 'const over = (): MgmError | undefined => this.over();',
    to: 'const over = (): MgmError | undefined => undefined;',
    tests: ['packages/client/test/deadline.test.ts'],
  },
  {
    check: 'lease: an answer that comes after it gives nothing',
    file: `${CLIENT}/interfaces/calls.ts`,
    from: "if (caller && result.kind === 'done' && !this.#session.over()) {",
    to: "if (caller && result.kind === 'done') {",
    tests: ['packages/client/test/deadline.test.ts'],
  },
  {
    check: 'seq: a release settles only what can not happen any more',
    file: `${CLIENT}/interfaces/calls.ts`,
    from: "if (result.kind === 'unanswered' && result.abandonedSeq)\n        await this.requests.sequence.passed(result.abandonedSeq);",
    to: '',
    tests: ['packages/client/test/abandoned.test.ts'],
  },
  {
    check: 'ack: passes no request that is still under way',
    file: `${CLIENT}/interfaces/sequence.ts`,
    from: 'while (this.#finishedAhead.delete(this.#lowest)) this.#lowest++;',
    to: 'this.#lowest = Math.max(this.#lowest, seq + 1);',
    tests: [`${CLIENT}/interfaces/sequence.test.ts`],
  },
  {
    check: 'epoch: a loss that is told late takes no newer ownership',
    file: `${CLIENT}/ownership.ts`,
    from: 'if (!held || compareEpochs(held.epoch, epoch) > 0) return undefined;',
    to: 'if (!held) return undefined;',
    tests: [`${CLIENT}/ownership.test.ts`],
  },
  {
    check: 'epoch: a loss that overtakes its take is not forgotten',
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
