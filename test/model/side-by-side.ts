import { isDeepStrictEqual } from 'node:util';
import { Clients } from './clients.ts';
import { firstDifference, isRecord } from './compare.ts';
import { LogModel } from './log-model.ts';
import { ManagedRouter, type Managers, type Raw } from './manager.ts';
import { Names } from './names.ts';
import { decide } from './operations-model.ts';
import { RouterModel } from './router-model.ts';
import { tell } from './story.ts';
import type { DueEvent, InterfaceName, Outcome, Request, SequencedRequest } from './vocabulary.ts';

/** A request with the outcome in the model and the reply of a manager. */
interface Asked {
  readonly request: Request;
  readonly outcome: Outcome;
  readonly due: readonly DueEvent[];
  /** The reply is kept, for a repeat. */
  readonly isFirst: boolean;
  readonly reply: Raw;
}

/** Interfaces of one slice of a sweep. */
const SLICE = 256;

/** A router and its model, given the same steps and compared after each. Every difference is an error. */
export class SideBySide {
  readonly model = new RouterModel();
  readonly log = new LogModel();
  readonly router: ManagedRouter;
  readonly clients: Clients;
  /** The story so far, one line per event. */
  readonly story: string[] = [];
  readonly #names = new Names();
  readonly #firstReplies = new Map<string, Raw>();
  #logId: unknown;

  constructor(
    managers: Managers,
    interfaces: readonly InterfaceName[],
    options: { readonly isFrozen?: boolean } = {},
  ) {
    this.router = new ManagedRouter(managers, this.#names, options);
    this.clients = new Clients(this.model, this.log, interfaces);
  }

  /** Sends requests to one manager in one turn of the event loop, so in one batch, and compares replies, log and callbacks. */
  async ask(replica: number, requests: readonly Request[]): Promise<readonly Raw[]> {
    if (requests.length === 0) return [];
    const before = this.log.head;
    // A register reads from the store before it joins the batch, so it is executed after the others of its turn.
    const sent = requests.toSorted((a, b) => Number(isRegister(a)) - Number(isRegister(b)));
    const decided = sent.map((request) => {
      const outcome = decide(this.model, request);
      const isFirst = 'seq' in request && this.#isKept(request, outcome.reply);
      return { request, outcome, isFirst, due: this.#expectDue() };
    });
    const replies = await Promise.all(sent.map((one) => this.router.ask(replica, one)));
    const asked = decided.map((one, at) => ({ ...one, reply: replies[at] ?? {} }));
    for (const one of asked) this.#compareReply(one);
    await this.#compareLog();
    this.#compareRevisions(before, asked);
    for (const one of asked) this.#compareReading(one);
    return replies;
  }

  /** One slice of a sweep. Returns whether another one is needed. */
  async sweep(replica: number): Promise<boolean> {
    const before = this.log.head;
    const { released, more } = await this.router.sweep(replica);
    this.story.push(`manager ${replica} sweeps -> released ${released}${more ? ', more' : ''}`);
    await this.#compareLog();
    const written = this.log.events(before, Infinity, Infinity);
    const lost = written.filter(({ on }) => on !== undefined).length;
    if (lost !== released) throw new Error(`the sweep released ${lost} and reports ${released}`);
    if (released > SLICE) throw new Error(`a slice of ${released}`);
    const [left] = this.log.due;
    if (!more && left) throw new Error(`swept, and still due: ${JSON.stringify(left.event)}`);
    return more;
  }

  async passTime(ms: number): Promise<void> {
    this.story.push(`${ms} ms pass`);
    this.model.passTime(ms);
    this.#expectDue();
    await this.router.passTime(ms);
  }

  #expectDue(): readonly DueEvent[] {
    const due = this.model.takeDue();
    this.log.expect(due);
    return due;
  }

  #isKept({ handle, seq }: SequencedRequest, reply: object): boolean {
    return this.model.sessionOf(handle)?.replies.get(seq)?.reply === reply;
  }

  #compareReply(asked: Asked): void {
    const { request, outcome, reply } = asked;
    const translated = sorted(this.#names.translate(reply));
    this.story.push(tell(request, translated));
    const wrong = this.#differs(asked, translated);
    if (wrong !== undefined) throw new Error(`${tell(request, translated)}: ${wrong}`);
    this.#compareLogId(reply['log']);
    const { session } = outcome.reply;
    if (isRegister(request) && typeof session === 'number') {
      this.clients.registered(request, session);
      const isSame = this.router.keepHandle(session, String(reply['handle']));
      // Section 3: the same `instance` again has the same handle.
      if (!isSame) throw new Error(`${tell(request, translated)}: another handle than before`);
    }
  }

  #differs({ request, outcome, isFirst, reply }: Asked, translated: unknown): string | undefined {
    const { reply: expected, repeat } = outcome;
    const key = 'seq' in request ? `${request.handle.session} ${request.seq}` : '';
    if (isFirst && !repeat) this.#firstReplies.set(key, reply);
    const first = this.#firstReplies.get(key);
    const isRepeat = first !== undefined && isDeepStrictEqual(first, reply);
    if (repeat === 'must' && !isRepeat) return `the first reply was ${JSON.stringify(first)}`;
    return repeat && isRepeat ? undefined : firstDifference(translated, expected);
  }

  /** Section 5: another `log` would mean that the store lost the old one. */
  #compareLogId(logId: unknown): void {
    if (logId === undefined || logId === '') return;
    this.#logId ??= logId;
    if (logId !== this.#logId) throw new Error(`another log: ${String(logId)}`);
  }

  /** Reads the new events; they must equal the published ones and those of the model. */
  async #compareLog(): Promise<void> {
    const events = await this.router.eventsAfter(this.log.head);
    const published = this.router.takePublished();
    if (!isDeepStrictEqual(published.events, events)) {
      throw new Error(
        `logged ${JSON.stringify(events)}, published ${JSON.stringify(published.events)}`,
      );
    }
    for (const event of events) this.#accept(event);
    const overdue = this.log.due.find(({ when }) => when === 'now');
    if (overdue) throw new Error(`not in the log: ${JSON.stringify(overdue.event)}`);
    this.#comparePushed(published.callbacks);
  }

  #accept(raw: Raw): void {
    const event = this.#names.translate(raw);
    if (!isRecord(event)) throw new Error(`no event: ${JSON.stringify(raw)}`);
    const { rev, type, session, on = '' } = event;
    this.story.push(
      `   rev ${String(rev)}: ${String(type)} ${String(on)} session ${String(session)}`,
    );
    const problem = this.log.accept(event);
    if (problem !== undefined) throw new Error(`the log has ${JSON.stringify(event)}: ${problem}`);
  }

  #isOver(session: number): boolean {
    return this.model.sessions[session - 1]?.state === 'over';
  }

  /** Section 4: callbacks are pushed in the order of the mailbox; a session that is over gets its losses. */
  #comparePushed(published: readonly { readonly session: number; readonly message: Raw }[]): void {
    const pushed = published.map(({ session, message }) => ({
      session: this.#names.session(session),
      message: this.#names.translate(message),
    }));
    const told = this.log.takeTold();
    for (const session of new Set([...pushed, ...told].map((one) => one.session))) {
      const mine = <One extends { readonly session: number; readonly message: unknown }>(
        all: readonly One[],
      ): unknown[] =>
        all
          .filter((one) => one.session === session)
          .flatMap(({ message }) => (this.#isOver(session) ? lossIn(message) : [message]));
      const wrong = firstDifference(mine(pushed), mine(told));
      if (wrong !== undefined) throw new Error(`pushed to session ${session}: ${wrong}`);
    }
  }

  /** Section 2: `rev` is the router's revision after the operation. */
  #compareRevisions(before: number, asked: readonly Asked[]): void {
    let last = before;
    for (const { request, outcome, due, reply } of asked) {
      const rev = reply['rev'];
      if (outcome.repeat) continue;
      if (typeof rev !== 'number' || rev < last)
        throw new Error(`rev ${String(rev)} after ${last}`);
      for (const one of due.filter(({ when }) => when === 'now')) {
        const own = this.log.revOf(one) ?? 0;
        if (own <= last || own > rev)
          throw new Error(`${request.kind} at rev ${rev} made rev ${own}`);
      }
      last = rev;
    }
    const isWhole = asked.every(({ request, outcome }) => !isPaged(request) && !outcome.repeat);
    if (isWhole && last !== this.log.head)
      throw new Error(`rev ${last}, and the log is at ${this.log.head}`);
  }

  /** The reply of a read follows from the log at that revision. */
  #compareReading({ request, outcome, reply }: Asked): void {
    const expected = this.#expectedReading(request, outcome, Number(reply['rev']));
    if (!expected || reply['status'] !== 0) return;
    const translated = this.#names.translate(reply);
    const wrong = firstDifference(translated, expected);
    if (wrong !== undefined) throw new Error(`${tell(request, translated)}: ${wrong}`);
  }

  #expectedReading(request: Request, { reply }: Outcome, rev: number): object | undefined {
    switch (request.kind) {
      case 'register':
        return { mailbox: this.log.mailbox(Number(reply['session']), rev).length };
      case 'keepalive':
        return { mailbox: this.log.mailbox(request.handle.session, rev).length };
      case 'mailbox': {
        const all = this.log.mailbox(request.handle.session, rev).map(({ message }) => message);
        const after = all.filter(({ seq }) => seq > request.from);
        return { messages: after.slice(0, request.limit), head: all.length };
      }
      case 'events':
        return { events: this.log.events(request.from, request.limit, rev), head: rev, first: 1 };
      default:
        return undefined;
    }
  }
}

function isRegister(request: Request): request is Extract<Request, { kind: 'register' }> {
  return request.kind === 'register';
}

function isPaged(request: Request): boolean {
  return request.kind === 'interfaces' || request.kind === 'sessions';
}

/** The losses, without the `seq` of an ended session. */
function lossIn(message: unknown): unknown[] {
  if (!isRecord(message) || message['type'] !== 'OWNERSHIP_LOST') return [];
  const { seq: _, ...loss } = message;
  return [loss];
}

/** Pages have the manager's order. */
function sorted(reply: unknown): unknown {
  if (!isRecord(reply) || !Array.isArray(reply['items'])) return reply;
  const keyOf = (item: unknown): string =>
    isRecord(item) ? String(item['on'] ?? String(item['session']).padStart(9)) : '';
  const items = reply['items'].toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return { ...reply, items };
}
