import type * as Api from '@opentelemetry/api';
import type { Context, Link, Span, Tracer } from '@opentelemetry/api';
import { VERSION, type OperationName, type RouterName } from '@mgm/protocol';
import type { BatchTracer } from '@mgm/store';
import type { BusMessage } from './bus.ts';

/** The module `@opentelemetry/api`, 1.9 or newer. */
export type TracingApi = Pick<typeof Api, 'context' | 'propagation' | 'ROOT_CONTEXT' | 'trace'>;

/**
 * The API of OpenTelemetry if it is installed and an SDK has registered a propagator that reads `traceparent`; otherwise spans would go
 * nowhere, and no headers are read.
 */
export async function loadTracing(): Promise<TracingApi | undefined> {
  const api = await import('@opentelemetry/api').catch(() => undefined);
  return api?.propagation.fields().includes('traceparent') ? api : undefined;
}

/** The span of one request. */
export interface RequestSpan {
  /** The trace of the request, for the store. */
  readonly context: Context;
  /** @param result `ok`, or the reason of the refusal */
  end(result: string): void;
}

/** Values of enumerations of `@opentelemetry/api`, which is loaded only where it is used. */
const SERVER = 1;
const CLIENT = 2;
const ERROR = 2;

/** Refusals that are the fault of the service and not of the request. */
const FAULTS: ReadonlySet<string> = new Set([
  'unavailable',
  'indeterminate',
  'overloaded',
  'store-full',
]);

/** Continues the traces of requests that carry a `traceparent`: one span per request, and one per batch of the store. */
export class ManagerTracer implements BatchTracer {
  readonly #api: TracingApi;
  readonly #tracer: Tracer;
  readonly #replica: string;

  constructor(api: TracingApi, replica: string) {
    this.#api = api;
    this.#replica = replica;
    this.#tracer = api.trace.getTracer('@mgm/manager', VERSION);
  }

  /** The span of a request; `undefined` for a keepalive, and for one without a valid `traceparent`. */
  received(
    operation: OperationName,
    router: RouterName | undefined,
    message: BusMessage,
  ): RequestSpan | undefined {
    if (operation === 'keepalive') return undefined;
    const parent = this.#parentOf(message);
    if (parent === undefined) return undefined;
    const method = `mgm/${operation}`;
    const attributes = {
      'rpc.system.name': 'mgm',
      'rpc.method': method,
      'messaging.system': 'nats',
      'messaging.destination.name': message.subject,
      'mgm.replica': this.#replica,
      ...(router !== undefined && { 'mgm.router': router }),
    };
    const span = this.#tracer.startSpan(method, { kind: SERVER, attributes }, parent);
    const context = this.#api.trace.setSpan(parent, span);
    return { context, end: (result) => endRequest(span, result) };
  }

  /** The span of one call of the arbiter: part of the trace of the first request, with links to all of them. */
  called(
    router: RouterName,
    operations: number,
    requests: readonly [Context, ...Context[]],
  ): (failure?: string) => void {
    const attributes = {
      'db.system.name': 'redis',
      'db.operation.name': 'FCALL',
      ...(operations > 1 && { 'db.operation.batch.size': operations }),
      'mgm.router': router,
    };
    const links = requests.flatMap((request): Link[] => {
      const context = this.#api.trace.getSpanContext(request);
      return context ? [{ context }] : [];
    });
    const span = this.#tracer.startSpan('FCALL', { kind: CLIENT, attributes, links }, requests[0]);
    return (failure) => {
      if (failure !== undefined) fail(span, failure);
      span.end();
    };
  }

  /** Headers that cannot be read, and a malformed `traceparent`, are ignored. */
  #parentOf(message: BusMessage): Context | undefined {
    const { propagation, ROOT_CONTEXT, trace } = this.#api;
    try {
      const { headers } = message;
      if (!headers?.has('traceparent')) return undefined;
      const parent = propagation.extract(ROOT_CONTEXT, headers, {
        keys: () => ['traceparent', 'tracestate'],
        get: (from, key) => (from.has(key) ? from.get(key) : undefined),
      });
      return trace.getSpanContext(parent) && parent;
    } catch {
      return undefined;
    }
  }
}

function endRequest(span: Span, result: string): void {
  span.setAttribute('rpc.response.status_code', result);
  if (FAULTS.has(result)) fail(span, result);
  span.end();
}

function fail(span: Span, type: string): void {
  span.setAttribute('error.type', type);
  span.setStatus({ code: ERROR });
}
