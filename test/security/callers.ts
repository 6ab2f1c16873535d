import type { NatsConnection } from '@mgm/nats';
import { eventually } from '@mgm/test-support';
import { expect } from 'vitest';
import { RawAnswers } from '../support/raw-answers.ts';
import { newInstance, pairs, RawRouter } from '../support/raw-client.ts';
import { pack, unpack } from '../support/raw-codec.ts';
import { ok } from '../support/raw-replies.ts';

/** Who acts by force and why, for the log. */
export const BY = { actor: 'anna', why: 'a test' };

/** What no manager sends. */
const FORGED = pack({ forged: true });

/** A registration that the policy permits to `pim1`. */
export function pim(fields: object = {}) {
  const client = { protocolId: 103, componentId: 1, instance: newInstance(), ttlMs: 60_000 };
  return { ...client, ...fields };
}

/** The refusal of a request that the policy does not permit. */
export function notPermitted(message = /./) {
  return {
    status: 5,
    error: 'ERROR_ACCESS_DENIED',
    reason: 'not-permitted',
    message: expect.stringMatching(message) as string,
  };
}

/** One connection per user of a NATS server with accounts, and the subjects that NATS denied each. */
export class Callers<User extends string> implements AsyncDisposable {
  readonly #connections = new Map<User, NatsConnection>();
  readonly #denied = new Map<User, string[]>();

  static async connect<User extends string>(
    users: readonly User[],
    connect: (user: User) => Promise<NatsConnection>,
  ): Promise<Callers<User>> {
    const callers = new Callers<User>();
    for (const user of users) callers.#add(user, await connect(user));
    return callers;
  }

  #add(user: User, connection: NatsConnection): void {
    const denied: string[] = [];
    this.#connections.set(user, connection);
    this.#denied.set(user, denied);
    void (async () => {
      for await (const { permissionContext } of connection.status()) {
        if (permissionContext) denied.push(permissionContext.subject);
      }
    })();
  }

  connectionOf(user: User): NatsConnection {
    const connection = this.#connections.get(user);
    if (connection === undefined) throw new Error(`${user} has no connection`);
    return connection;
  }

  as(user: User, router = 'r1'): RawRouter {
    return new RawRouter(this.connectionOf(user), router);
  }

  /** The subjects of everything that arrives on a subject. */
  listen(user: User, subject: string): string[] {
    return this.#listen(user, subject, () => true);
  }

  /** The subjects of what arrives of {@link expectNoPublishing}. */
  listenForForged(user: User, subject: string): string[] {
    return this.#listen(user, subject, (data) => Buffer.compare(data, FORGED) === 0);
  }

  #listen(user: User, subject: string, counts: (data: Uint8Array) => boolean): string[] {
    const seen: string[] = [];
    this.connectionOf(user).subscribe(subject, {
      callback: (error, message) => {
        if (error === null && counts(message.data)) seen.push(message.subject);
      },
    });
    return seen;
  }

  /** Resolves when NATS has reported that it denies the user this subject. */
  async denied(user: User, subject: string): Promise<void> {
    await this.connectionOf(user).flush();
    const isDenied = (): void => {
      if (!this.#denied.get(user)?.includes(subject)) throw new Error(`not denied: ${subject}`);
    };
    await eventually(isDenied, { withinMs: 30_000 });
  }

  async expectNoListening(user: User, subjects: readonly string[]): Promise<void> {
    for (const subject of subjects) {
      this.listen(user, subject);
      await this.denied(user, subject);
    }
  }

  async expectNoPublishing(user: User, subjects: readonly string[]): Promise<void> {
    for (const subject of subjects) {
      this.connectionOf(user).publish(subject, FORGED);
      await this.denied(user, subject);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections.values()) await connection.close();
  }
}

type Known = 'pim1' | 'dvmrp1' | 'noc';

/** `dvmrp1` sees neither replies nor callbacks when `pim1` takes an interface and the operator releases it. */
export async function expectOnlyOwnCallbacks<Other extends string>(
  callers: Callers<Known | Other>,
): Promise<void> {
  const others = ['_INBOX.>', 'mgm.v1.r1.callback.*'].map((subject) =>
    callers.listen('dvmrp1', subject),
  );
  const own = callers.listen('pim1', 'mgm.v1.r1.callback.*');
  await callers.connectionOf('dvmrp1').flush();
  const session = await callers.as('pim1').register(pim());
  ok(await session.take(7));
  ok(await callers.as('noc').request('admin.release', { ifIndex: 7, ...BY }));
  await eventually(() => expect(own).toEqual([`mgm.v1.r1.callback.${session.session}`]), {
    withinMs: 30_000,
  });
  ok(await session.deregister());
  await callers.connectionOf('dvmrp1').flush();
  expect(others.flat()).toEqual([]);
}

/** `dvmrp1` neither receives nor answers a question to `pim1`, nor asks in the place of a manager. */
export async function expectOnlyOwnQuestions<Other extends string>(
  callers: Callers<Known | Other>,
): Promise<void> {
  const session = await callers.as('pim1').register(pim({ alerts: ['RPF'] }));
  const { session: number } = session;
  ok(await session.take(7));
  ok(await session.change('rib.set', { routes: [['10.0.0.0', 8, 7, '', '10.0.0.2', 103]] }));
  using asked = new RawAnswers(session, () => ({ upstream: '10.0.0.9' }));
  const others = ['mgm.v1.r1.ask.*', '_INBOX.>'].map((subject) =>
    callers.listen('dvmrp1', subject),
  );
  await callers.expectNoListening('dvmrp1', ['as.pim1.mgm.v1.r1.ask.*', '_R_.*']);
  await callers.expectNoPublishing('dvmrp1', [
    ...[`mgm.v1.r1.ask.${number}`, `as.pim1.mgm.v1.r1.ask.${number}`],
    // Where the answers of other accounts reach managers.
    ...['_R_.1', '_INBOX.1'],
  ]);
  const { handle } = session;
  const flows = [['239.1.2.3', '10.1.2.3', 7, '']];
  const { results } = ok(await callers.as('pim1').request('flow.new', { handle, flows }));
  expect(results).toMatchObject([{ mfe: { upstream: '10.0.0.9', session: number } }]);
  expect(asked.questions).toMatchObject([{ type: 'RPF', source: '10.1.2.3' }]);
  ok(await session.deregister({ force: true }));
  await callers.connectionOf('dvmrp1').flush();
  expect(others.flat()).toEqual([]);
}

/** `dvmrp1` neither releases with the handle of `pim1`, nor takes over or resumes its session. */
export async function expectNoActForAnother<Other extends string>(
  callers: Callers<Known | Other>,
): Promise<void> {
  const session = await callers.as('pim1').register(pim());
  ok(await session.take(7));
  const stolen = { handle: session.handle, seq: 2, ack: 2, ifIndex: 7 };
  const release = await callers.as('dvmrp1').request('release', stolen);
  expect(release).toMatchObject({ reason: 'bad-handle' });
  for (const way of [{ takeover: true }, { resumes: session.session }]) {
    const reply = await callers.as('dvmrp1').request('register', pim(way));
    expect(reply).toMatchObject(notPermitted(/another identity/));
  }
  expect(await callers.as('pim1').owner(7)).toMatchObject({ status: 0, session: session.session });
  ok(await session.deregister({ force: true }));
}

/** Where `dvmrp1` names a subject of `pim1`, or of the managers, for the reply, nothing arrives there but in its own account. */
export async function expectNoForeignReplies<Other extends string>(
  callers: Callers<Known | Other>,
): Promise<void> {
  const subjects = ['mgm.v1.r1.callback.1', 'mgm.v1.r1.event.taken', '_INBOX.of-pim1'];
  const seen = subjects.map((subject) => callers.listen('pim1', subject));
  await callers.connectionOf('pim1').flush();
  const thief = callers.connectionOf('dvmrp1');
  const own = callers.listen('dvmrp1', '_INBOX.of-pim1');
  await thief.flush();
  for (const reply of subjects) {
    thief.publish('mgm.v1.r1.owner', pack({ ifIndex: 7 }), { reply });
  }
  await eventually(() => expect(own).toEqual(['_INBOX.of-pim1']), { withinMs: 30_000 });
  await callers.as('dvmrp1').owner(7);
  await callers.connectionOf('pim1').flush();
  expect(seen.flat()).toEqual([]);
}

/** A head of `dvmrp1` reaches no other account. */
export async function expectNoForgedHeads<Other extends string>(
  callers: Callers<Known | Other>,
): Promise<void> {
  const heads: unknown[] = [];
  callers.connectionOf('pim1').subscribe('mgm.v1.r1.head', {
    callback: (_, message) => heads.push(unpack(message.data)),
  });
  await callers.connectionOf('pim1').flush();
  callers.connectionOf('dvmrp1').publish('mgm.v1.r1.head', pack({ rev: 999_999 }));
  await callers.connectionOf('dvmrp1').flush();
  await callers.as('dvmrp1').owner(7);
  await callers.connectionOf('pim1').flush();
  expect(heads).not.toContainEqual(expect.objectContaining({ rev: 999_999 }));
}

/** The operator finds managers by the NATS service protocol. */
export async function expectReadableService<Other extends string>(
  callers: Callers<Known | Other>,
): Promise<void> {
  const stats = await callers.connectionOf('noc').request('$SRV.PING.mgm-manager', '', {
    timeout: 5_000,
  });
  expect(JSON.parse(stats.string())).toMatchObject({ metadata: { identity: 'subject' } });
}

/** `pim1` registers again within its quota of one session, and `dvmrp1` gets no more than its quota of each kind. */
export async function expectQuotas<Other extends string>(
  callers: Callers<Known | Other>,
): Promise<void> {
  ok(await callers.as('pim1').request('register', pim()));
  const again = await callers.as('pim1').request('register', pim({ takeover: true }));
  expect(again).toMatchObject({ status: 0, resumed: true });
  const dvmrp = (componentId: number) => pim({ protocolId: 104, componentId });
  const first = await callers.as('dvmrp1').register(dvmrp(1));
  const second = await callers.as('dvmrp1').register(dvmrp(2));
  const overloaded = {
    reason: 'overloaded',
    retryable: true,
    message: expect.stringMatching(/quota/) as string,
  };
  expect(await callers.as('dvmrp1').request('register', dvmrp(3))).toMatchObject(overloaded);
  ok(await first.take(50));
  const { results } = ok(await second.takeAll(pairs(100, 51)));
  expect(results?.slice(0, 2)).toMatchObject([{ status: 0 }, overloaded]);
  expect(await first.take(50)).toMatchObject({
    reason: 'overloaded',
    message: expect.stringMatching(/kept/) as string,
  });
  ok(await second.keepalive({ ack: 2 }));
  ok(await first.deregister({ force: true }));
  ok(await second.deregister({ force: true }));
}

/** Of many requests at once `igmp1` gets only a few decided. */
export async function expectRequestQuota<Other extends string>(
  callers: Callers<'igmp1' | Other>,
): Promise<void> {
  const igmp = pim({ protocolId: 10 });
  const replies = await Promise.all(
    Array.from({ length: 20 }, () => callers.as('igmp1').request('register', igmp)),
  );
  const overloaded = replies.filter((reply) => 'reason' in reply && reply.reason === 'overloaded');
  expect(overloaded.length).toBeGreaterThanOrEqual(10);
  expect(overloaded[0]).toMatchObject({
    retryable: true,
    retryAfterMs: expect.any(Number) as number,
  });
}
