import { newInstance, type RawRouter, type RawSession } from '../support/raw-client.ts';
import { isPlainMap, unpack } from '../support/raw-codec.ts';
import { ok } from '../support/raw-replies.ts';
import type { Fleet } from './fleet.ts';
import { inFlight } from './load.ts';
import type { Rig } from './rig.ts';

/** An interface of the owner besides the incoming one. */
export const OWN = 2;
/** The incoming interface of all flows, and that of the second protocol. */
const [INCOMING, FOREIGN] = [1, 3];

/** The maximum (wire contract, section 3), and how often it is renewed. */
const TTL_MS = 300_000;
const KEPT_EVERY_MS = TTL_MS / 4;
/** Flows of one request, and requests at a time. */
const BULK = 256;
const BULKS_AT_ONCE = 8;
const GIVE_UP_AFTER_MS = 60_000;

/** A flow: group and source. */
export type Flow = readonly [group: number, source: number];

/** `count` flows, `perGroup` sources to each group; routers of other calls may have the same ones. */
export function flows(count: number, first = 0, perGroup = 100): Flow[] {
  return Array.from({ length: count }, (_, at): Flow => {
    const number = first + at;
    return [0xef000000 + Math.floor(number / perGroup), 0x0a000000 + (number % perGroup)];
  });
}

/**
 * A router with the owner of the incoming interface, a second protocol that wants every group, and an agent. Their leases
 * last for the run.
 */
export class ForwardingStage implements Disposable {
  readonly router: RawRouter;
  readonly owner: RawSession;
  readonly other: RawSession;
  readonly agent: RawSession;
  readonly #keeping: NodeJS.Timeout;

  private constructor(router: RawRouter, sessions: readonly [RawSession, RawSession, RawSession]) {
    this.router = router;
    [this.owner, this.other, this.agent] = sessions;
    this.#keeping = setInterval(() => {
      for (const session of sessions) void session.keepalive().catch(() => {});
    }, KEPT_EVERY_MS);
  }

  /** `alerts`: what the owner of the incoming interface registers for. */
  static async open(
    rig: Rig,
    fleet: Fleet,
    alerts: readonly string[] = [],
  ): Promise<ForwardingStage> {
    const router = rig.router(fleet);
    const register = (componentId: number, fields = {}): Promise<RawSession> =>
      router.register({ componentId, instance: newInstance(), ttlMs: TTL_MS, ...fields });
    const owner = await register(1, { alerts });
    const other = await register(2);
    const agent = await register(3);
    ok(await owner.take(INCOMING));
    ok(await owner.take(OWN));
    ok(await other.take(FOREIGN));
    ok(await other.add(FOREIGN));
    const route = ['10.0.0.0', 8, INCOMING, '', '', 0];
    ok(await owner.change('rib.set', { routes: [route] }));
    return new ForwardingStage(router, [owner, other, agent]);
  }

  /** Reports flows to the managers, 256 per request, eight requests at a time. */
  async report(all: readonly Flow[]): Promise<void> {
    const { handle } = this.agent;
    await inFlight(Math.ceil(all.length / BULK), BULKS_AT_ONCE, async (at) => {
      const some = all.slice(at * BULK, (at + 1) * BULK);
      const elements = some.map(([group, source]) => [group, source, INCOMING, '']);
      const { results } = ok(await this.router.request('flow.new', { handle, flows: elements }));
      const odd = results.find(({ state }) => state !== 'installed');
      if (odd) throw new Error(`not installed: ${JSON.stringify(odd)}`);
    });
  }

  /** Begins to count pushed items; resolves when `count` of this kind have arrived. */
  async pushed(kind: 'set' | 'del', count: number): Promise<{ readonly all: Promise<void> }> {
    const { nats, prefix, name } = this.router;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = setTimeout(() => reject(new Error('not pushed')), GIVE_UP_AFTER_MS);
    let seen = 0;
    const subscription = nats.subscribe(`${prefix}.${name}.mfe`, {
      callback: (_, { data }) => {
        const message = unpack(data);
        if (!isPlainMap(message) || !Array.isArray(message['items'])) return;
        seen += message['items'].filter((item) => Array.isArray(item) && item[0] === kind).length;
        if (seen < count) return;
        clearTimeout(giveUp);
        subscription.unsubscribe();
        resolve();
      },
    });
    await nats.flush();
    return { all: promise };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#keeping);
  }
}
