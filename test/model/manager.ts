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

/** More than any turn of a story asks for: where more waits than a batch takes, sessions take turns, and the model does not. */
const BATCH_MAX = 100_000;

/** A reply, event or callback as it came. */
export type Raw = Readonly<Record<string, unknown>>;

/** Two stores on one Redis, as two managers have them, and a way to look into that Redis. */
export interface Managers extends AsyncDisposable {
  readonly stores: readonly Store[];
  readonly redis: Redis;
  readonly published: Publication[];
}

/** Far above any honest time of a call; a run stops there instead of hanging. */
const REPLY_WITHIN_MS = 5_000;

/** Resolves when both can decide. */
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

/** One router of a run, asked in the wire contract's terms. */
export class ManagedRouter {
  readonly #managers: Managers;
  readonly #names: Names;
  readonly #name: RouterName = routerName(`model-${++routers}`);
  readonly #handles = new Map<number, string>();
  /** The service clock stands still between two requests, but for {@link passTime}. */
  readonly #isFrozen: boolean;

  constructor(managers: Managers, names: Names, options: { readonly isFrozen?: boolean } = {}) {
    this.#managers = managers;
    this.#names = names;
    this.#isFrozen = options.isFrozen ?? false;
    managers.published.length = 0;
  }

  /** Asks one of the managers; the pages of a listing are asked of one after the other, and answered as one. */
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

  /** Remembers what the session's requests have to show. Answers whether it is the same as before. */
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

  /** What was published for this router since the last call. */
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

  /** Lets time pass for the arbiter: the service clock, on which leases run, is what its stored reading says. */
  async passTime(ms: number): Promise<void> {
    await this.#change('meta.serviceMs', 'add', ms);
  }

  /** The router's keys in Redis, without what they all begin with, and how long each is kept in ms (-1: until deleted). */
  async keys(): Promise<Map<string, number>> {
    const { redis } = this.#managers;
    const names = await redis.keys(this.#key('*'));
    const found = new Map<string, number>();
    for (const name of names) found.set(name.slice(this.#key('').length), await redis.pttl(name));
    return found;
  }

  /** How many answers of a client may still be asked for. Throws where more pages are kept than two windows can need. */
  async answersIn(suffix: string): Promise<number> {
    const key = this.#key(suffix);
    const { redis } = this.#managers;
    const ack = Number(await redis.call(...storedNumber(key, 'client.ack')));
    const counts = await redis.eval(ANSWERS_FROM, 1, key, ack);
    if (!Array.isArray(counts)) throw new Error(`no counts: ${String(counts)}`);
    if (counts.length > PAGES_MAX)
      throw new Error(`${suffix} keeps ${counts.length} pages of answers`);
    return counts.reduce((sum: number, count) => sum + Number(count), 0);
  }

  #key(suffix: string): string {
    return `mgm:{${this.#name}}:${suffix}`;
  }

  /** The service clock advances only as far as a sweep has promised that managers serve: takes the promise back. */
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
    if (parsed.kind !== 'request') throw new Error(`${name} is refused unread: ${parsed.message}`);
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

/** A page has one answer or more, and the first one that is kept may hold back those behind it: two windows. */
const PAGES_MAX = 8192;

/** Of each page of answers that a client has, how many are of a number from this one on. */
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
