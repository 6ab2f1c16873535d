import { encodeMessage, type OperationName } from '@mgm/protocol';
import { startServers, type TestServers } from '@mgm/test-support';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manage, Worker, type RawReply } from './in-process.ts';

const GROUP = '239.1.2.3';

let servers: TestServers;
const opened = new AsyncDisposableStack();

beforeAll(async () => {
  servers = opened.use(await startServers());
  const { manager } = await manage(servers);
  opened.use(manager);
});
afterAll(() => opened.disposeAsync());

/** A session that owns two interfaces: the first one leads to its network, the group has members on the second one. */
class Owner {
  readonly #worker: Worker;
  readonly #registered: RawReply;
  readonly #number: number;
  #seq = 0;

  static async register(worker: Worker, number: number, alerts: readonly string[]): Promise<Owner> {
    const owner = new Owner(
      worker,
      await worker.register({ componentId: number, alerts, ttlMs: 60_000 }),
      number,
    );
    await owner.change('take', { interfaces: [[owner.iif], [owner.oif]] });
    await owner.change('rib.set', { routes: [[`10.${number}.0.0`, 16, owner.iif, '', '', 103]] });
    await owner.change('member.add', { ifIndex: owner.oif, group: GROUP });
    return owner;
  }

  private constructor(worker: Worker, registered: RawReply, number: number) {
    this.#worker = worker;
    this.#registered = registered;
    this.#number = number;
  }

  get iif(): number {
    return 10 * this.#number;
  }

  get oif(): number {
    return this.iif + 1;
  }

  /** A source that the owner's route leads to. */
  source(last = 1): string {
    return `10.${this.#number}.0.${last}`;
  }

  change(operation: OperationName, fields: object): Promise<RawReply> {
    const seq = ++this.#seq;
    const { handle } = this.#registered;
    return this.#worker.ask(operation, { handle, seq, ack: seq, ...fields });
  }

  keepalive(): Promise<RawReply> {
    return this.#worker.ask('keepalive', { handle: this.#registered['handle'] });
  }

  flow(source = this.source()): Promise<RawReply> {
    const flows = [[GROUP, source, this.iif, '']];
    return this.#worker.ask('flow.new', { handle: this.#registered['handle'], flows });
  }

  /** Calls `answer` for each question; `undefined` answers nothing. Resolves when questions arrive. */
  async answer(answer: () => Promise<object | undefined>): Promise<void> {
    const subject = this.#worker.subject(`ask.${String(this.#registered['session'])}`);
    this.#worker.nats.subscribe(subject, {
      callback: (_, message) => {
        void answer().then((fields) => fields && message.respond(encodeMessage({ ...fields })));
      },
    });
    await this.#worker.nats.flush();
  }
}

describe('a session that never answers', () => {
  it('delays neither flows of others nor other requests, its own included', async () => {
    await using worker = await Worker.connect(servers);
    const silent = await Owner.register(worker, 1, ['RPF', 'CREATION_ALERT']);
    const other = await Owner.register(worker, 2, ['RPF']);
    await silent.answer(async () => undefined);
    await other.answer(async () => ({ upstream: '10.2.0.9' }));
    const order: string[] = [];
    const noted = async (name: string, reply: Promise<RawReply>): Promise<RawReply> => {
      const arrived = await reply;
      order.push(name);
      return arrived;
    };
    // RPF and CREATION_ALERT in turn: twice the 200 ms that an answer is waited for.
    const slow = noted('silent', silent.flow());
    const fast = await Promise.all([
      noted('flow', other.flow()),
      noted('take', silent.change('take', { ifIndex: 5 })),
      noted('keepalive', silent.keepalive()),
    ]);
    expect(fast.map(({ status }) => status)).toEqual([0, 0, 0]);
    expect(fast[0]).toMatchObject({
      results: [{ state: 'installed', mfe: { upstream: '10.2.0.9' } }],
    });
    expect(await slow).toMatchObject({ results: [{ mfe: { ifIndex: silent.iif } }] });
    expect(order.at(-1)).toBe('silent');
  });
});

describe('when Redis runs out of memory while a session is asked', () => {
  it('flow.new is refused as store-full, creates nothing, and asks again when repeated', async (context) => {
    context.skip(servers.redis.source === 'urls', 'the memory of a server given by URL is shared');
    await using worker = await Worker.connect(servers);
    const owner = await Owner.register(worker, 1, ['RPF']);
    const redis = new Redis(servers.redis.url);
    let asked = 0;
    await owner.answer(async () => {
      asked++;
      if (asked === 1) await redis.config('SET', 'maxmemory', '1');
      return {};
    });
    try {
      expect(await owner.flow()).toMatchObject({
        ...{ status: 8, error: 'ERROR_NOT_ENOUGH_MEMORY', reason: 'store-full' },
      });
    } finally {
      await redis.config('SET', 'maxmemory', '0');
      redis.disconnect();
    }
    const flow = { group: GROUP, source: owner.source() };
    expect(await worker.ask('mfe.get', flow)).toMatchObject({ status: 1168 });
    expect(await owner.flow()).toMatchObject({ results: [{ state: 'installed' }] });
    expect(asked).toBe(2);
  });
});
