import {
  decodeMessage,
  encodeMessage,
  OPERATIONS,
  parseRequest,
  refusal,
  type OperationName,
  type RefusalFields,
  type Reply,
  type Request,
  type RouterName,
  type Subjects,
} from '@mgm/protocol';
import type { ServiceEndpoint } from '@mgm/nats';
import type { Store } from '@mgm/store';
import type { Logger } from 'pino';
import { refusalFor, tooLarge, troubleKind } from './answer.ts';
import type { Figures } from './figures.ts';
import { FreshRevisions } from './fresh-revisions.ts';
import type { KnownRouters } from './known-routers.ts';
import type { Bus, BusMessage } from './nats-connection.ts';
import type { TroubleLog } from './trouble-log.ts';

export interface IntakeParts {
  readonly bus: Pick<Bus, 'publish' | 'maxPayload'>;
  readonly store: Pick<Store, 'execute' | 'head'>;
  readonly subjects: Subjects;
  readonly routers: KnownRouters;
  readonly log: Logger;
  readonly figures: Figures;
  readonly trouble: TroubleLog;
}

type Answer = Reply<OperationName> | (RefusalFields & { readonly rev: number });

/** A request on its way to its answer. */
interface Taken {
  readonly operation: OperationName;
  readonly router: RouterName | undefined;
  readonly message: BusMessage;
  readonly takenMono: number;
}

/**
 * From a message to its answer: size, MessagePack, fields, then the store decides. Whatever comes in, something is
 * answered and nothing thrown; a message that is wrong leaves nothing behind, here or in the store.
 */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #revisions: FreshRevisions;
  readonly #debugs: boolean;
  readonly #ownSubjects: string;
  #waiting = 0;
  #becameIdle: (() => void) | undefined;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#ownSubjects = `${parts.subjects.prefix}.`;
    this.#revisions = new FreshRevisions(parts.store, parts.routers);
    this.#debugs = parts.log.isLevelEnabled('debug');
  }

  /** One endpoint per operation, on every router. */
  endpoints(): ServiceEndpoint[] {
    return OPERATIONS.map((operation) => ({
      name: operation.replace('.', '-'),
      subject: this.#parts.subjects.anyRouter(operation),
      handle: (message) => this.receive(operation, message),
    }));
  }

  /** Requests taken and not yet answered. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Resolves when every request taken is answered. */
  async idle(): Promise<void> {
    while (this.#waiting > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#becameIdle = resolve;
      await promise;
    }
  }

  /** Takes one request. Its answer is sent at once, or when the store has decided. Never throws. */
  receive(operation: OperationName, message: BusMessage): void {
    const router = this.#parts.subjects.routerOf(message.subject);
    const takenMono = performance.now();
    const taken = { operation, router, message, takenMono };
    try {
      if (router === undefined) this.#refuse(taken, badRequest('router', ROUTER_MUST));
      else if (!this.#parts.routers.serves(router)) this.#refuse(taken, notServed(router));
      else this.#read(operation, router, taken);
    } catch (error) {
      this.#report(taken, error);
      this.#refuse(taken, refusalFor(error, operation));
    }
  }

  #read<Name extends OperationName>(operation: Name, router: RouterName, taken: Taken): void {
    const decoded = decodeMessage(taken.message.data);
    if (decoded.kind === 'malformed') {
      return this.#refuseAsOfNow(taken, router, badRequest('message', `message: ${decoded.fault}`));
    }
    const parsed = parseRequest(operation, decoded.value);
    if (parsed.kind === 'bad-request') {
      return this.#refuseAsOfNow(taken, router, badRequest(parsed.field, parsed.message));
    }
    this.#execute(operation, router, parsed.request, taken);
  }

  #execute<Name extends OperationName>(
    operation: Name,
    router: RouterName,
    request: Request<Name>,
    taken: Taken,
  ): void {
    const decision = this.#parts.store.execute(router, operation, request);
    this.#waiting++;
    decision.then(
      (reply) => this.#decided(taken, router, reply),
      (error: unknown) => this.#undecided(taken, error),
    );
  }

  #refuseAsOfNow(taken: Taken, router: RouterName, refused: RefusalFields): void {
    this.#waiting++;
    void this.#revisions.learn(router).then(() => {
      this.#refuse(taken, refused);
      this.#done();
    });
  }

  #decided(taken: Taken, router: RouterName, reply: Reply<OperationName>): void {
    this.#parts.routers.answered(router, reply.rev);
    this.#answer(taken, reply);
    this.#done();
  }

  #undecided(taken: Taken, error: unknown): void {
    this.#report(taken, error);
    this.#refuse(taken, refusalFor(error, taken.operation));
    this.#done();
  }

  #report({ operation, router }: Taken, error: unknown): void {
    const kind = troubleKind(error);
    if (kind === undefined) return;
    this.#parts.trouble.note(kind, { router, op: operation, err: error }, 'request not decided');
  }

  #done(): void {
    this.#waiting--;
    if (this.#waiting === 0) this.#becameIdle?.();
  }

  #refuse(taken: Taken, refused: RefusalFields): void {
    this.#answer(taken, { ...refused, rev: this.#parts.routers.lastRevision(taken.router) });
  }

  #answer(taken: Taken, reply: Answer): void {
    const { bus, log, figures } = this.#parts;
    const { operation, router, message, takenMono } = taken;
    if (this.#debugs) log.debug({ router, op: operation, ...outline(reply) }, 'answered');
    const to = message.reply;
    if (this.#mayAnswerTo(to)) {
      const bytes = encodeMessage(reply);
      if (bytes.length > bus.maxPayload) {
        return this.#refuse(taken, tooLarge(operation, bytes.length, bus.maxPayload));
      }
      bus.publish(to, bytes);
    }
    const result = reply.status === 0 ? 'ok' : reply.reason;
    figures.answered(operation, result, performance.now() - takenMono);
  }

  /** Nobody may wait; and no worker may have a manager speak for it where only managers are listened to. */
  #mayAnswerTo(subject: string | undefined): subject is string {
    return subject !== undefined && subject !== '' && !subject.startsWith(this.#ownSubjects);
  }
}

const ROUTER_MUST = 'router: must be 1 to 64 of A-Z a-z 0-9 _ -';

/** What a debug line tells of an answer. */
function outline(reply: Answer) {
  const { status, rev } = reply;
  return status === 0 ? { status, rev } : { status, reason: reply.reason, rev };
}

function notServed(router: RouterName): RefusalFields {
  return badRequest('router', `router: ${router} is not served here`);
}

function badRequest(field: string, message: string): RefusalFields {
  return refusal('badRequest', message, { field });
}
