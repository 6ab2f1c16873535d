import { routerName, parseRequest, type OperationName, type RouterName } from '@mgm/protocol';
import {
  epochIn,
  eventsOf,
  lossesShare,
  type LossRun,
  openStore,
  type Publication,
  type Store,
  type SweepReport,
} from '@mgm/store';
import { storedNumber } from '@mgm/test-support';
import { Redis } from 'ioredis';
import { isRecord } from './compare.ts';
import type { Names } from './names.ts';
import type { Handle, Request } from './vocabulary.ts';
import { fieldsOf } from './wire-fields.ts';

/** More requests than any turn has: beyond one batch the store serves sessions in turn, which the model does not. */
const BATCH_MAX = 100_000;

/** A reply, event or callback as it was received. */
export type Raw = Readonly<Record<string, unknown>>;

/** Two stores on one Redis, as in two managers, and a connection to that Redis. */
export interface Managers extends AsyncDisposable {
  readonly stores: readonly Store[];
  readonly redis: Redis;
  readonly published: Publication[];
}

/** Far above the time of any request: a run fails instead of hanging. */
const REPLY_WITHIN_MS = 15_000;

/** Resolves when both stores are ready. */
export async function openManagers(url: string): Promise<Managers> {
  const published: Publication[] = [];
  await using opened = new AsyncDisposableStack();
  const redis = opened.adopt(new Redis(url), (one) => one.disconnect());
  const open = async (): Promise<Store> => {
    const ready = Promise.withResolvers<void>();
    const store = openStore({
      url,
      replyWithinMs: REPLY_WITHIN_MS,
      batchMax: BATCH_MAX,
      onPublish: (publication) => published.push(publication),
      onStateChange: ({ kind }) => kind === 'ready' && ready.resolve(),
    });
    opened.use(store);
    await ready.promise;
    return store;
  };
  const stores = [await open(), await open()];
  const owned = opened.move();
  return { stores, redis, published, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

let routers = 0;

/** One router of a run, with requests in the terms of the wire contract. */
export class ManagedRouter {
  readonly #managers: Managers;
  readonly #names: Names;
  readonly #name: RouterName = routerName(`model-${++routers}`);
  readonly #handles = new Map<number, string>();
  /** Stops the service clock between two requests; only {@link passTime} moves it. */
  readonly #isFrozen: boolean;

  constructor(managers: Managers, names: Names, options: { readonly isFrozen?: boolean } = {}) {
    this.#managers = managers;
    this.#names = names;
    this.#isFrozen = options.isFrozen ?? false;
    managers.published.length = 0;
  }

  /** Sends a request to one of the managers. The pages of a listing are read from the managers in turn and merged. */
  async ask(replica: number, request: Request): Promise<Raw> {
    if (this.#isFrozen) await this.#freeze();
    const fields = fieldsOf(request, this.#names, (handle) => this.#realHandle(handle));
    if (request.kind !== 'interfaces' && request.kind !== 'sessions') {
      return this.#execute(replica, request.kind, fields);
    }
    const first = await this.#execute(replica, request.kind, fields);
    const items = [itemsOf(first)];
    for (let { cursor } = first, page = 1; cursor !== undefined; page++) {
      const next = await this.#execute(replica + page, request.kind, { ...fields, cursor });
      items.push(itemsOf(next));
      cursor = next['cursor'];
    }
    return { ...first, items: items.flat() };
  }

  /** Keeps the handle of a session. Returns whether it is the same as before. */
  keepHandle(session: number, handle: string): boolean {
    const before = this.#handles.get(session) ?? handle;
    this.#handles.set(session, handle);
    return before === handle;
  }

  /** All events after a revision. */
  async eventsAfter(rev: number): Promise<Raw[]> {
    const events: Raw[] = [];
    for (let from = rev; ; from = rev + events.length) {
      const reply = await this.#execute(0, 'events', { from, limit: 1_000 });
      const page = listIn(reply, 'events');
      events.push(...page);
      if (page.length === 0 || Number(reply['head']) <= rev + events.length) return events;
    }
  }

  async sweep(replica: number): Promise<SweepReport> {
    if (this.#isFrozen) await this.#freeze();
    return this.#store(replica).sweep(this.#name);
  }

  /** The messages published for this router since the last call. */
  takePublished(): { readonly events: Raw[]; readonly callbacks: Published[] } {
    const published = this.#managers.published.splice(0);
    return {
      events: published.flatMap(({ runs, ts }) =>
        runs.flatMap((run) => eventsOf(run, ts).map((one) => ({ ...one }))),
      ),
      callbacks: published.flatMap(({ callbacks, losses, ts }) => [
        ...callbacks.map(({ session, message }) => ({ session, message: { ...message } })),
        ...losses.flatMap((run) => lossesOf(run, ts)),
      ]),
    };
  }

  /** Moves the service clock, on which leases run, by changing its stored reading. */
  async passTime(ms: number): Promise<void> {
    await this.#change('meta.serviceMs', 'add', ms);
  }

  /** The router's keys in Redis, without their common prefix, each with its remaining time in ms (-1: until deleted). */
  async keys(): Promise<Map<string, number>> {
    const { redis } = this.#managers;
    const names = await redis.keys(this.#key('*'));
    const found = new Map<string, number>();
    for (const name of names) found.set(name.slice(this.#key('').length), await redis.pttl(name));
    return found;
  }

  /** The number of kept replies of a client. Throws when more pages are kept than two windows need. */
  async answersIn(suffix: string): Promise<number> {
    const key = this.#key(suffix);
    const { redis } = this.#managers;
    const ack = Number(await redis.call(...storedNumber(key, 'client.ack')));
    const counts = await redis.eval(ANSWERS_FROM, 1, key, ack);
    if (!Array.isArray(counts)) throw new Error(`no counts: ${String(counts)}`);
    if (counts.length > PAGES_MAX)
      throw new Error(`${suffix} keeps ${counts.length} pages of replies`);
    return counts.reduce((sum: number, count) => sum + Number(count), 0);
  }

  #key(suffix: string): string {
    return `mgm:{${this.#name}}:${suffix}`;
  }

  /** Withdraws the promise of a sweep that managers serve, up to which the service clock advances. */
  async #freeze(): Promise<void> {
    await this.#change('meta.servingUntil', 'set', 0);
  }

  async #change(
    name: 'meta.serviceMs' | 'meta.servingUntil',
    change: 'set' | 'add',
    by: number,
  ): Promise<void> {
    const command = storedNumber(this.#key('meta'), name, change, by);
    await this.#managers.redis.call(...command);
  }

  async #execute(replica: number, name: OperationName, fields: Raw): Promise<Raw> {
    const parsed = parseRequest(name, fields);
    if (parsed.kind !== 'request')
      throw new Error(`${name} is refused by the parser: ${parsed.message}`);
    return { ...(await this.#store(replica).execute(this.#name, name, parsed.request)) };
  }

  #store(replica: number): Store {
    const { stores } = this.#managers;
    const store = stores[replica % stores.length];
    if (!store) throw new RangeError('no store is open');
    return store;
  }

  #realHandle({ session, forgedAt }: Handle): string {
    const handle = this.#handles.get(session) ?? '';
    if (forgedAt === undefined) return handle;
    const at = Math.min(handle.length - 1, Math.floor(forgedAt * handle.length));
    return handle.slice(0, at) + (handle[at] === '1' ? '2' : '1') + handle.slice(at + 1);
  }
}

/** A page has at least one reply, and a kept one also keeps the rest of its page: two windows. */
const PAGES_MAX = 8192;

/** For each page of kept replies of a client: the number of replies to this `seq` or a later one. */
const ANSWERS_FROM = `
  local fields, counts = redis.call('HGETALL', KEYS[1]), {}
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 8) == 'answers:' then
      local count = 0
      for _, number in ipairs((cmsgpack.unpack(fields[i + 1]))) do
        if number >= tonumber(ARGV[1]) then count = count + 1 end
      end
      counts[#counts + 1] = count
    end
  end
  return counts`;

interface Published {
  readonly session: number;
  readonly message: Raw;
}

function itemsOf(reply: Raw): Raw[] {
  return listIn(reply, 'items');
}

function listIn(reply: Raw, field: string): Raw[] {
  const list = reply[field];
  if (!Array.isArray(list)) throw new Error(`${field} is no list: ${JSON.stringify(reply)}`);
  return list.filter(isRecord);
}

/** The callbacks of a run, one by one. */
function lossesOf(run: LossRun, ts: number): Published[] {
  const { cause, why } = lossesShare(run, ts);
  return run.interfaces.map((on, at) => ({
    session: run.session,
    message: {
      seq: run.first + at,
      type: 'OWNERSHIP_LOST',
      ts,
      ...on,
      epoch: epochIn(run, at),
      cause,
      ...(why !== undefined && { why }),
    },
  }));
}
