import { VERSION } from '@mgm/protocol';
import type { OperationName, SessionId } from '@mgm/protocol';
import { badRequest } from '../errors.ts';
import type { Logger } from '../options.ts';

/** A context of OpenTelemetry. */
export interface TraceContext {
  /** The value of a key. */
  getValue(key: symbol): unknown;
}

/** What identifies a span of OpenTelemetry. */
export interface TraceSpanContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** 1 if the trace is sampled. */
  readonly traceFlags: number;
}

/** What the client does with a span of OpenTelemetry. */
export interface TraceSpan {
  /** What identifies it. */
  spanContext(): TraceSpanContext;
  /** Sets an attribute. */
  setAttribute(key: string, value: string | number): unknown;
  /** Sets its status: 2 is an error. */
  setStatus(status: { code: number; message?: string }): unknown;
  /** Ends it now. */
  end(): void;
}

/**
 * The part of the module `@opentelemetry/api` (1.9 or newer) that the client uses. The types are written here, because an application
 * without tracing does not have that module.
 */
export interface TracingApi {
  /** Spans. */
  readonly trace: {
    /** The source of the client's spans. */
    getTracer(
      name: string,
      version?: string,
    ): {
      /** Begins a span. */
      startSpan(
        name: string,
        options?: {
          kind: number;
          attributes: Record<string, string | number>;
          links: { context: TraceSpanContext }[];
        },
        context?: TraceContext,
      ): TraceSpan;
    };
    /** The context with another span. */
    setSpan(context: TraceContext, span: TraceSpan): TraceContext;
    /** What identifies the span of a context. */
    getSpanContext(context: TraceContext): TraceSpanContext | undefined;
  };
  /** The active context. */
  readonly context: {
    /** The context of the calling code. */
    active(): TraceContext;
  };
  /** Writes a context as headers. */
  readonly propagation: {
    /** Writes the context into headers. */
    inject(
      context: TraceContext,
      carrier: object,
      setter?: { set(carrier: object, key: string, value: string): void },
    ): void;
  };
}

/** Throws {@link badRequest} for an option that is not the module. */
export function checkTracing(tracing: TracingApi | undefined): void {
  if (tracing === undefined) return;
  const { trace, context, propagation }: Partial<TracingApi> = tracing ?? {};
  const types = [typeof trace?.getTracer, typeof context?.active, typeof propagation?.inject];
  if (types.every((type) => type === 'function')) return;
  throw badRequest('tracing: must be the module `@opentelemetry/api`', 'tracing');
}

/** The headers of a request. Wire protocol, section 2. */
export type TraceHeaders = ReadonlyMap<string, string>;

/** The span of one request. */
export interface RequestSpan {
  readonly headers: TraceHeaders;
  /** @param result `ok`, or the reason of the refusal or of the failure */
  end(result: string, attempts: number, hasFailed: boolean): void;
}

/** Values of enumerations of `@opentelemetry/api`. */
const CLIENT = 2;
const ERROR = 2;

/** The headers that are sent; others that a propagator may write, such as `baggage`, are not. */
const HEADERS: ReadonlySet<string> = new Set(['traceparent', 'tracestate']);

/** Makes one span per request, and the headers by which the manager continues the trace. Keepalives have none. */
export class RequestTracer {
  readonly #api: TracingApi;
  readonly #tracer: ReturnType<TracingApi['trace']['getTracer']>;

  constructor(api: TracingApi) {
    this.#api = api;
    this.#tracer = api.trace.getTracer('@mgm/client', VERSION);
  }

  /** The context of a caller whose request is sent later. */
  active(): TraceContext {
    return this.#api.context.active();
  }

  /** @param callers the contexts of those who share the request, if it has waited for others: the first is the parent */
  start(
    operation: OperationName,
    subject: string,
    [parent = this.active(), ...others]: readonly TraceContext[] = [],
  ): RequestSpan | undefined {
    if (operation === 'keepalive') return undefined;
    const { trace, propagation } = this.#api;
    const method = `mgm/${operation}`;
    const attributes = {
      'rpc.system.name': 'mgm',
      'rpc.method': method,
      'messaging.system': 'nats',
      'messaging.destination.name': subject,
    };
    const links = this.#links(parent, others);
    const span = this.#tracer.startSpan(method, { kind: CLIENT, attributes, links }, parent);
    const headers = new Map<string, string>();
    propagation.inject(trace.setSpan(parent, span), headers, {
      set: (_, key, value) => HEADERS.has(key) && headers.set(key, value),
    });
    return { headers, end: (...outcome) => end(span, ...outcome) };
  }

  /** One link per other span among the callers. */
  #links(parent: TraceContext, others: readonly TraceContext[]): { context: TraceSpanContext }[] {
    const { trace } = this.#api;
    const contexts = others.map((other) => trace.getSpanContext(other));
    const spans = new Map(contexts.flatMap((one) => (one ? [[one.spanId, one] as const] : [])));
    spans.delete(trace.getSpanContext(parent)?.spanId ?? '');
    return [...spans.values()].map((context) => ({ context }));
  }
}

function end(span: TraceSpan, result: string, attempts: number, hasFailed: boolean): void {
  span.setAttribute('rpc.response.status_code', result);
  if (attempts > 1) span.setAttribute('mgm.attempts', attempts);
  if (hasFailed) {
    span.setAttribute('error.type', result);
    span.setStatus({ code: ERROR });
  }
  span.end();
}

/** A request has its reply, or has failed. Several calls of a session may share one request. */
export interface RequestMeasurement {
  readonly kind: 'request';
  readonly router: string;
  readonly operation: OperationName;
  /** `ok`, the reason of a refusal, or the reason of the {@link MgmError} with which it failed. */
  readonly result: string;
  /** From the first attempt to the result, in ms. */
  readonly durationMs: number;
  /** From sending the attempt that was answered last to its reply, in ms; `undefined` if none was answered. */
  readonly roundTripMs: number | undefined;
  /** How often the request was sent after the first time. */
  readonly retries: number;
}

/** A keepalive was answered. */
export interface KeepaliveMeasurement {
  readonly kind: 'keepalive';
  readonly router: string;
  readonly session: SessionId;
  /** How long after this answer the session would have been lost without it, in ms; less than 0 if it came too late. */
  readonly marginMs: number;
  /** The lease, in ms. */
  readonly ttlMs: number;
}

/** What the hook `onMeasure` is called with: `kind` tells which. */
export type Measurement = RequestMeasurement | KeepaliveMeasurement;

/** Calls the hook of the application, whose failure is logged once and has no other effect. */
export function guardedHook(
  onMeasure: (measurement: Measurement) => unknown,
  logger: Logger,
): (measurement: Measurement) => void {
  let hasFailed = false;
  const failed = (error: unknown): void => {
    if (hasFailed) return;
    hasFailed = true;
    logger.warn({ err: error }, 'onMeasure failed; its further failures are not logged');
  };
  return (measurement) => {
    try {
      const result = onMeasure(measurement);
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}

/** What observes the requests of a client. */
export interface CallObservers {
  readonly tracer?: RequestTracer | undefined;
  readonly measure?: ((measurement: RequestMeasurement) => void) | undefined;
}
