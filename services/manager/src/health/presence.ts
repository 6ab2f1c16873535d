import { randomUUID } from 'node:crypto';
import { decodeMessage, encodeMessage, type ManagerSubjects } from '@mgm/protocol';
import type { Logger } from 'pino';
import { orAborted } from '../abort.ts';
import type { Bus, BusMessage, BusState } from '../bus.ts';
import { Rounds } from '../rounds.ts';

const EVERY_MS = 1000;
const OWN_MESSAGE_TIMEOUT_MS = 2000;
/** How long a message of another manager counts. */
const PRESENT_MS = 5_000;
/** Other stores that are remembered; more messages with invented ids change nothing. */
const OTHERS_MAX = 64;

export interface PresenceParts {
  readonly bus: Pick<Bus, 'publish' | 'subscribe' | 'denies' | 'state'>;
  readonly subjects: Pick<ManagerSubjects, 'presence'>;
  readonly log: Logger;
  /** Of this replica. */
  readonly name: string;
  /** The id of the store as last read, once it was read. */
  readonly storeId: () => string | undefined;
}

interface Other {
  readonly replica: string;
  readonly store: string;
  seenMono: number;
}

/**
 * Each manager publishes once a second which store it uses, on a subject to which all managers subscribe. Two faults show in
 * it that leave a manager connected:
 *
 * - its own message does not come back: requests do not reach it either;
 * - another manager under the same prefix uses another store: each request would be decided by either of the two.
 */
export class Presence {
  readonly #parts: PresenceParts;
  readonly #instance = randomUUID();
  readonly #others = new Map<string, Other>();
  readonly #unsubscribe: () => void;
  readonly #rounds: Rounds;
  #sent = 0;
  #received = Promise.withResolvers<void>();
  /** The connection over which the last message did not come back. */
  #silent: BusState | undefined;

  /** Needs a connection. */
  constructor(parts: PresenceParts) {
    this.#parts = parts;
    this.#unsubscribe = parts.bus.subscribe(parts.subjects.presence, (message) =>
      this.#receive(message),
    );
    this.#rounds = new Rounds({
      everyMs: EVERY_MS,
      round: (signal) => this.#round(signal),
      onError: (error) => parts.log.error({ err: error }, 'presence not published'),
    });
  }

  /** Why this manager is not ready. */
  get troubles(): string[] {
    return [...this.#silence(), ...this.#conflicts()];
  }

  async stop(): Promise<void> {
    await this.#rounds.stop();
    this.#unsubscribe();
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { bus, subjects, name, storeId } = this.#parts;
    this.#forgetOld();
    const { state } = bus;
    if (state.kind !== 'ready') return;
    this.#received = Promise.withResolvers();
    const store = storeId();
    const message = { manager: this.#instance, replica: name, sent: ++this.#sent };
    bus.publish(subjects.presence, encodeMessage({ ...message, ...(store && { store }) }));
    const timeout = AbortSignal.timeout(OWN_MESSAGE_TIMEOUT_MS);
    const isBack = await orAborted(this.#received.promise, AbortSignal.any([signal, timeout])).then(
      () => true,
      () => signal.aborted,
    );
    this.#silent = isBack ? undefined : state;
  }

  #receive({ data }: BusMessage): void {
    const decoded = decodeMessage(data);
    if (decoded.kind === 'malformed') return;
    const { manager, replica, store, sent } = decoded.value;
    if (manager === this.#instance) {
      if (sent === this.#sent) this.#received.resolve();
    } else if (isName(manager) && isName(replica) && isName(store)) {
      this.#see(manager, { replica, store, seenMono: performance.now() });
    }
  }

  #see(manager: string, other: Other): void {
    const own = this.#parts.storeId();
    if (own === undefined || other.store === own) return this.#forget(manager);
    const isNew = !this.#others.has(manager);
    if (isNew && this.#others.size >= OTHERS_MAX) return;
    this.#others.set(manager, other);
    if (!isNew) return;
    const { replica, store } = other;
    this.#parts.log.error(
      { other: replica, otherStore: store, ownStore: own },
      'another manager uses another store under this prefix',
    );
  }

  #forgetOld(): void {
    const since = performance.now() - PRESENT_MS;
    for (const [manager, { seenMono }] of this.#others) {
      if (seenMono < since) this.#forget(manager);
    }
  }

  #forget(manager: string): void {
    const other = this.#others.get(manager);
    if (!this.#others.delete(manager)) return;
    this.#parts.log.info({ other: other?.replica }, 'the manager with another store is gone');
  }

  #silence(): string[] {
    const { bus, subjects } = this.#parts;
    if (this.#silent === undefined || this.#silent !== bus.state) return [];
    if (bus.denies(subjects.presence)) return [`nats: it denies this user ${subjects.presence}`];
    return ['nats: a message of this manager to itself does not arrive'];
  }

  #conflicts(): string[] {
    return Array.from(
      this.#others.values(),
      ({ replica, store }) => `store: ${replica} uses another store (${store}) under this prefix`,
    );
  }
}

/** As `MGM_NAME` may be; the reasons and the log lines that it appears in are read on terminals. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_.-]{1,64}$/.test(value);
}
