import {
  encodeMessage,
  OPERATIONS,
  operationsWith,
  readRequest,
  refusal,
  refusalOf,
  type ManagerSubjects,
  type OperationName,
  type RefusalFields,
  type Reply,
  type Request,
  type RouterName,
} from '@mgm/protocol';
import type { ServiceEndpoint } from '@mgm/nats';
import type { Caller, RequestTrace, Store } from '@mgm/store';
import type { Logger } from 'pino';
import type { Bus, BusMessage } from './bus.ts';
import type { Metrics } from './health/metrics.ts';
import type { TroubleLog } from './log.ts';
import type { Permissions } from './permissions.ts';
import { refusalFor, tooLarge, troubleKind } from './refusals.ts';
import { encodeReply, pageBytesMax, shorterPage } from './reply-size.ts';
import { RevisionReader, type Routers } from './routers.ts';
import { STALE_AFTER_MS, type Standstill } from './standstill.ts';
import type { ManagerTracer, RequestSpan } from './tracing.ts';

export interface IntakeParts {
  readonly bus: Pick<Bus, 'publish' | 'maxPayload'>;
  readonly store: Pick<Store, 'execute' | 'head'>;
  /** Operations that need more than one step of the store. */
  readonly executors?: Executors;
  readonly subjects: ManagerSubjects;
  readonly routers: Routers;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly trouble: TroubleLog;
  readonly standstill: Pick<Standstill, 'catchesUp'>;
  /** What identities may do; absent where managers do not identify callers. */
  readonly permissions: Permissions | undefined;
  /** Absent where requests are not traced. */
  readonly tracer?: ManagerTracer | undefined;
}

type Executor<Name extends OperationName> = (
  router: RouterName,
  request: Request<Name>,
  caller?: Caller,
  trace?: RequestTrace,
) => Promise<Reply<Name>>;

export type Executors = { readonly [Name in OperationName]?: Executor<Name> };

/** Operations whose reply is a view of the state, which must not be old. */
const READS = operationsWith('reads');

type ReplyOrRefusal = Reply<OperationName> | (RefusalFields & { readonly rev: number });

/** A request that has no reply yet. */
interface Received {
  readonly operation: OperationName;
  readonly router: RouterName | undefined;
  readonly message: BusMessage;
  readonly receivedMono: number;
  readonly span: RequestSpan | undefined;
  /** The refusal of the policy, for a request that goes to the store only to be logged there. */
  readonly refused?: RefusalFields;
}

/**
 * From a message to its reply: size, MessagePack, fields, then the store decides. Every message gets a reply and none throws; a
 * malformed one leaves nothing behind, here or in the store.
 */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #revisions: RevisionReader;
  readonly #debugs: boolean;
  #waiting = 0;
  #becameIdle: (() => void) | undefined;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#revisions = new RevisionReader(parts.store, parts.routers);
    this.#debugs = parts.log.isLevelEnabled('debug');
  }

  /** One endpoint per operation, for all routers. */
  endpoints(): ServiceEndpoint[] {
    return OPERATIONS.map((operation) => ({
      name: operation.replaceAll('.', '-'),
      subject: this.#parts.subjects.anyRouter(operation),
      handle: (message) => this.receive(operation, message),
    }));
  }

  /** Requests that have no reply yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Resolves when every request has its reply. */
  async idle(): Promise<void> {
    while (this.#waiting > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#becameIdle = resolve;
      await promise;
    }
  }

  /**
   * Receives one request and replies immediately, or when the store has decided. Never throws. A request whose reply subject
   * a manager must not publish on is dropped: it is not executed.
   */
  receive(operation: OperationName, message: BusMessage): void {
    if (message.reply && !this.#parts.subjects.isReplySubject(message.reply))
      return this.#parts.metrics.dropped.inc();
    const router = this.#parts.subjects.routerOf(message.subject);
    const receivedMono = performance.now();
    const span = this.#parts.tracer?.received(operation, router, message);
    const received = { operation, router, message, receivedMono, span };
    try {
      if (this.#parts.standstill.catchesUp(receivedMono)) this.#refuse(received, STALE);
      else if (router === undefined) this.#refuse(received, badRequest('router', ROUTER_MUST));
      else if (!this.#parts.routers.serves(router)) this.#refuse(received, notServed(router));
      else this.#read(operation, router, received);
    } catch (error) {
      this.#report(received, error);
      this.#refuse(received, refusalFor(error, operation));
    }
  }

  #read<Name extends OperationName>(operation: Name, router: RouterName, received: Received): void {
    const parsed = readRequest(operation, received.message.data);
    if (parsed.kind === 'bad-request') {
      return this.#refuseWithRevision(received, router, refusalOf(parsed));
    }
    this.#permit(operation, router, parsed.request, received);
  }

  #permit<Name extends OperationName>(
    operation: Name,
    router: RouterName,
    request: Request<Name>,
    received: Received,
  ): void {
    const { permissions, subjects } = this.#parts;
    if (permissions === undefined) return this.#execute(operation, router, request, received);
    const identity = subjects.identityOf(received.message.subject);
    if (identity === undefined) {
      const refused = refusal('notPermitted', 'the subject of the request names no identity');
      return this.#refuseWithRevision(received, router, refused);
    }
    const permission = permissions.check(identity, router, operation, request);
    if (permission.kind === 'permitted') {
      return this.#execute(operation, router, request, received, permission.caller);
    }
    const { refused, caller } = permission;
    if (caller === undefined) return this.#refuseWithRevision(received, router, refused);
    this.#execute(operation, router, request, { ...received, refused }, caller);
  }

  #execute<Name extends OperationName>(
    operation: Name,
    router: RouterName,
    request: Request<Name>,
    received: Received,
    caller?: Caller,
  ): void {
    this.#waiting++;
    // A request that this process could not send in time, because it stood still, is not executed late.
    const { deadlineMs = STALE_AFTER_MS } = request;
    const timely = { ...request, deadlineMs: Math.min(deadlineMs, STALE_AFTER_MS) };
    const { store, executors = {} } = this.#parts;
    const own: Executor<Name> | undefined = executors[operation];
    const trace = received.span?.context;
    const decided = own
      ? own(router, timely, caller, trace)
      : store.execute(router, operation, timely, caller, trace);
    decided.then(
      (reply) => this.#decided(operation, router, request, received, reply, caller),
      (error: unknown) => this.#undecided(received, error),
    );
  }

  #refuseWithRevision(received: Received, router: RouterName, refused: RefusalFields): void {
    this.#waiting++;
    void this.#revisions.refresh(router).then(() => {
      this.#refuse(received, refused);
      this.#done();
    });
  }

  #decided<Name extends OperationName>(
    operation: Name,
    router: RouterName,
    request: Request<Name>,
    received: Received,
    reply: Reply<Name>,
    caller: Caller | undefined,
  ): void {
    this.#parts.routers.sawRevision(router, reply.rev);
    if (received.refused !== undefined) this.#refuse(received, received.refused);
    else if (READS.has(operation) && performance.now() - received.receivedMono > STALE_AFTER_MS)
      this.#refuse(received, STALE);
    else this.#replyWithin(operation, router, request, received, reply, caller);
    this.#done();
  }

  /**
   * Sends a reply that fits the payload limit of NATS. A page that does not, or is longer than it may be, is read again with
   * fewer items.
   */
  #replyWithin<Name extends OperationName>(
    operation: Name,
    router: RouterName,
    request: Request<Name>,
    received: Received,
    reply: Reply<Name>,
    caller: Caller | undefined,
  ): void {
    const { maxPayload } = this.#parts.bus;
    const bytes = encodeReply(reply, maxPayload);
    const pageMax = pageBytesMax(operation, maxPayload);
    const isTooLong = bytes === undefined || bytes.length > pageMax;
    const limit = isTooLong ? shorterPage(reply, pageMax) : undefined;
    if (limit !== undefined)
      this.#execute(operation, router, { ...request, limit }, received, caller);
    else if (bytes !== undefined) this.#send(received, reply, bytes);
    else this.#refuse(received, tooLarge(operation, maxPayload));
  }

  #undecided(received: Received, error: unknown): void {
    this.#report(received, error);
    this.#refuse(received, refusalFor(error, received.operation));
    this.#done();
  }

  #report({ operation, router }: Received, error: unknown): void {
    const kind = troubleKind(error);
    if (kind === undefined) return;
    this.#parts.trouble.note(kind, { router, op: operation, err: error }, 'request not decided');
  }

  #done(): void {
    this.#waiting--;
    if (this.#waiting === 0) this.#becameIdle?.();
  }

  #refuse(received: Received, refused: RefusalFields): void {
    const reply = { ...refused, rev: this.#parts.routers.lastRevision(received.router) };
    this.#send(received, reply, encodeMessage(reply));
  }

  #send(received: Received, reply: ReplyOrRefusal, bytes: Uint8Array): void {
    const { bus, log, metrics } = this.#parts;
    const { operation, router, message, receivedMono, span } = received;
    if (this.#debugs) log.debug({ router, op: operation, ...outline(reply) }, 'replied');
    if (message.reply) bus.publish(message.reply, bytes);
    const result = reply.status === 0 ? 'ok' : reply.reason;
    metrics.replied(operation, result, performance.now() - receivedMono);
    span?.end(result);
  }
}

const STALE = refusal('unavailable', 'this manager stood still, and the request may be old', {
  retryable: true,
});

const ROUTER_MUST = 'router: must be 1 to 64 of A-Z a-z 0-9 _ -';

function outline(reply: ReplyOrRefusal): object {
  const { status, rev } = reply;
  return status === 0 ? { status, rev } : { status, reason: reply.reason, rev };
}

function notServed(router: RouterName): RefusalFields {
  return badRequest('router', `router: ${router} is not served here`);
}

function badRequest(field: string, message: string): RefusalFields {
  return refusal('badRequest', message, { field });
}
